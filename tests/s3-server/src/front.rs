//! The way of a request: numbered and logged, held for its round, spoilt by faults, refused by
//! rules, and only then handed to the protocol crate.

use std::future::pending;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode};
use hyper::body::Incoming;
use s3s::Body;
use s3s::service::{S3Service, S3ServiceBuilder};
use tokio::sync::Notify;

use crate::access::{Policy, Secrets};
use crate::answer::{Answer, AsItIs};
use crate::body::{InBody, OutBody, Spoil};
use crate::chunks;
use crate::doors::Doors;
use crate::faults::Action;
use crate::link::Pace;
use crate::log::{Live, RequestInfo};
use crate::options::WrongRegion;
use crate::service::Service;
use crate::shared::Shared;
use crate::sts::{self, Sts};
use crate::text;

/// What answers requests; cheap to clone.
#[derive(Clone)]
pub(crate) struct Front {
    shared: Arc<Shared>,
    protocol: S3Service,
}

/// A connection, as seen by the requests on it.
#[derive(Debug, Default)]
pub(crate) struct Connection {
    abort: Notify,
}

impl Connection {
    /// Until a request wants the connection closed.
    pub(crate) async fn aborted(&self) {
        self.abort.notified().await;
    }

    /// Has the connection closed; there is no way back.
    async fn abort(&self) -> ! {
        self.abort.notify_one();
        pending().await
    }
}

/// What is to be done after a request was applied.
#[derive(Debug)]
enum After {
    Drop,
    Kill,
    Status(u16, &'static str),
    Answer(Answer),
}

/// What the faults make of a request.
#[derive(Debug, Default)]
struct Plan {
    after: Option<After>,
    spoil: Option<Spoil>,
    delay: Duration,
    /// The body arrives with a byte flipped.
    flip: bool,
    /// The request arrives twice.
    twice: bool,
}

impl Front {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        let mut builder = S3ServiceBuilder::new(Service::new(Arc::clone(&shared)));
        builder.set_auth(Secrets(Arc::clone(&shared)));
        builder.set_access(Policy(Arc::clone(&shared)));
        builder.set_route(Sts(Arc::clone(&shared)));
        builder.set_host(Doors);
        Self { protocol: builder.build(), shared }
    }

    /// Answers a request, or never does.
    pub(crate) async fn answer(
        &self,
        request: Request<Incoming>,
        connection: &Connection,
    ) -> Response<OutBody> {
        let live = self.shared.log.arrive(&request);
        let info = Arc::clone(&live.info);
        let running = self.shared.rounds.enter().await;
        let (parts, body) = request.into_parts();
        let pace = Pace::new(&self.shared.up, self.shared.options.rate);
        let body = InBody::new(body, Arc::clone(&live), pace);

        let mut plan = Plan::default();
        let mut response = None;
        for action in self.shared.faults.take(&info) {
            response = self.meet(action, &info, connection, &mut plan).await;
            if response.is_some() {
                break;
            }
        }
        let response = match response.or_else(|| self.refuse(&info)) {
            Some(response) => response,
            None if plan.flip || plan.twice => self.apply_odd(parts, &body, &info, &plan).await,
            None if plan.delay.is_zero() => {
                let request = Request::from_parts(parts, Body::http_body(body.clone()));
                self.apply(request, &info).await
            }
            None => self.apply_late(parts, &body, &info, plan.delay).await,
        };
        body.drain().await;

        let response = match plan.after {
            None => response,
            Some(After::Status(status, code)) => failure(&info, status, code, "On purpose.", ""),
            Some(After::Answer(answer)) => answer.response(),
            Some(After::Drop) => connection.abort().await,
            Some(After::Kill) => {
                self.shared.victim.kill(self.shared.options.victim_wait).await;
                pending().await
            }
        };
        drop(running);
        let pace = Pace::new(&self.shared.down, self.shared.options.rate);
        let mut response = finish(response, &live, plan.spoil, pace);
        let ahead = self.shared.options.ahead;
        if !ahead.is_zero()
            && let Ok(date) = HeaderValue::from_str(&text::http_date(SystemTime::now() + ahead))
        {
            response.headers_mut().insert("date", date);
        }
        response
    }

    /// Does what an action says before a request is applied. An answer ends it.
    async fn meet(
        &self,
        action: Action,
        info: &Arc<RequestInfo>,
        connection: &Connection,
        plan: &mut Plan,
    ) -> Option<Response<Body>> {
        let victim = &self.shared.victim;
        let wait = self.shared.options.victim_wait;
        match action {
            Action::Status(status, code) => {
                return Some(failure(info, status, code, "On purpose.", ""));
            }
            Action::StatusAfter(status, code) => plan.after = Some(After::Status(status, code)),
            Action::DropBefore => connection.abort().await,
            Action::DropAfter => plan.after = Some(After::Drop),
            Action::HalfBody => plan.spoil = Some(Spoil::Half),
            Action::Slow(delay) => plan.delay += delay,
            Action::SlowBody(time) => plan.spoil = Some(Spoil::Trickle(time)),
            Action::Corrupt => plan.spoil = Some(Spoil::FlipByte),
            Action::CorruptRequest => plan.flip = true,
            Action::Twice => plan.twice = true,
            Action::Answer(answer) => return Some(answer.response()),
            Action::AnswerAfter(answer) => plan.after = Some(After::Answer(answer)),
            Action::KillBefore => {
                victim.kill(wait).await;
                pending().await
            }
            Action::KillAfter => plan.after = Some(After::Kill),
            Action::SignalBefore(signal) => victim.signal(signal, wait).await,
            Action::Hang => pending().await,
            Action::Call(function) => {
                let info = Arc::clone(info);
                // A panic in it is the test's own, and is printed by the thread it happened on.
                let _ = tokio::task::spawn_blocking(move || function(&info)).await;
            }
        }
        None
    }

    /// Refuses what needs no look at the body or the signature.
    fn refuse(&self, info: &RequestInfo) -> Option<Response<Body>> {
        if let Err(refusal) = self.shared.accounts.check_session(info) {
            return Some(failure(info, refusal.status, refusal.code, refusal.message, ""));
        }
        let quoted = || info.header("if-match").is_some_and(|tag| tag.starts_with('"'));
        if self.shared.options.bare_tags && info.operation == "PutObject" && quoted() {
            return Some(failure(info, 412, "PreconditionFailed", "No such tag.", ""));
        }
        if let Some(response) = self.wrong_region(info) {
            return Some(response);
        }
        let denied = self.shared.denies.check(info.operation, info.subject().as_deref());
        denied.err().map(|_| failure(info, 403, "AccessDenied", "Access Denied", ""))
    }

    fn wrong_region(&self, info: &RequestInfo) -> Option<Response<Body>> {
        let region = self.shared.options.region.as_deref()?;
        let signed = info.signed_region().filter(|signed| signed != region)?;
        if info.operation == "AssumeRole" {
            return None;
        }
        let mut response = match self.shared.options.wrong_region {
            WrongRegion::Malformed => {
                let message = format!(
                    "The authorization header is malformed; the region '{signed}' is wrong; expecting '{region}'"
                );
                let extra = format!("<Region>{}</Region>", text::xml(region));
                failure(info, 400, "AuthorizationHeaderMalformed", &message, &extra)
            }
            WrongRegion::Redirect => {
                let message = "The bucket you are attempting to access must be addressed using the specified endpoint.";
                let bucket = text::xml(info.bucket.as_deref().unwrap_or(""));
                failure(
                    info,
                    301,
                    "PermanentRedirect",
                    message,
                    &format!("<Bucket>{bucket}</Bucket>"),
                )
            }
        };
        if let Ok(region) = HeaderValue::from_str(region) {
            response.headers_mut().insert("x-amz-bucket-region", region);
        }
        Some(response)
    }

    /// Receives the body, waits, and applies, on a task of its own: from here on the client cannot
    /// take the request back.
    async fn apply_late(
        &self,
        parts: http::request::Parts,
        body: &InBody,
        info: &Arc<RequestInfo>,
        delay: Duration,
    ) -> Response<Body> {
        let Ok(chunks) = body.collect().await else {
            return failure(info, 400, "IncompleteBody", "The body could not be read.", "");
        };
        let request = Request::from_parts(parts, chunks::body(chunks));
        let (front, info) = (self.clone(), Arc::clone(info));
        let late = tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            front.apply(request, &info).await
        });
        late.await.unwrap_or_else(|_| Response::new(Body::empty()))
    }

    /// Applies a request that was changed on its way, or came twice.
    async fn apply_odd(
        &self,
        parts: http::request::Parts,
        body: &InBody,
        info: &RequestInfo,
        plan: &Plan,
    ) -> Response<Body> {
        let Ok(chunks) = body.collect().await else {
            return failure(info, 400, "IncompleteBody", "The body could not be read.", "");
        };
        let mut bytes = chunks.concat();
        if let Some(byte) = bytes.len().checked_div(2).and_then(|at| bytes.get_mut(at))
            && plan.flip
        {
            *byte ^= 0xff;
        }
        let request =
            || Request::from_parts(parts.clone(), chunks::body(vec![Bytes::from(bytes.clone())]));
        if plan.twice {
            self.apply(request(), info).await;
        }
        self.apply(request(), info).await
    }

    async fn apply(&self, request: Request<Body>, info: &RequestInfo) -> Response<Body> {
        match self.protocol.call(request).await {
            Ok(response) => response,
            Err(error) => {
                failure(info, 500, "InternalError", &s3s::StdError::from(error).to_string(), "")
            }
        }
    }
}

/// The last touch, the same for every answer.
fn finish(
    mut response: Response<Body>,
    live: &Arc<Live>,
    spoil: Option<Spoil>,
    pace: Pace,
) -> Response<OutBody> {
    live.answered(response.status().as_u16());
    let id = format!("{:016X}", live.info.number);
    if let Ok(id) = HeaderValue::from_str(&id)
        && response.extensions().get::<AsItIs>().is_none()
    {
        response.headers_mut().insert("x-amz-request-id", id);
    }
    response.map(|body| OutBody::new(body, Arc::clone(live), spoil, pace))
}

/// An error in the form that the operation's clients read. `extra` is XML.
fn failure(
    info: &RequestInfo,
    status: u16,
    code: &str,
    message: &str,
    extra: &str,
) -> Response<Body> {
    let body = if info.operation == "AssumeRole" {
        sts::error_xml(code, message)
    } else {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{}</Code><Message>{}</Message>{extra}\
             <RequestId>{:016X}</RequestId></Error>",
            text::xml(code),
            text::xml(message),
            info.number
        )
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/xml"));
    response
}
