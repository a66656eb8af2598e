//! The log: what arrived, in the order of arrival, and what came of it.

use std::fmt;
use std::ops::Deref;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::{HeaderMap, Request};

use crate::{doors, operation, text};

/// A request as it arrived.
#[derive(Clone)]
pub struct RequestInfo {
    /// Counted from 1, in the order of arrival.
    pub number: u64,
    /// The S3 name, such as `PutObject`; `AssumeRole`; `Unknown` for what this server does not know.
    pub operation: &'static str,
    /// The HTTP method.
    pub method: String,
    /// The bucket.
    pub bucket: Option<String>,
    /// The key, decoded.
    pub key: Option<String>,
    /// The query as it was sent, without the `?`.
    pub query: String,
    /// All headers.
    pub headers: HeaderMap,
}

impl RequestInfo {
    fn new<B>(number: u64, request: &Request<B>) -> Self {
        let path = text::percent_decode(request.uri().path());
        let path = path.strip_prefix('/').unwrap_or(&path);
        let host = request.uri().host().or_else(|| text::header(request.headers(), "host"));
        let (bucket, key) = match host.and_then(doors::point) {
            Some((bucket, _)) => (bucket, path),
            None => path.split_once('/').unwrap_or((path, "")),
        };
        let some = |name: &str| (!name.is_empty()).then(|| name.to_owned());
        let (bucket, key) = (some(bucket), some(key));
        let query = request.uri().query().unwrap_or("").to_owned();
        let pairs = text::pairs(&query);
        let has = |name: &str| pairs.iter().any(|(other, _)| other == name);
        Self {
            number,
            operation: operation::name(
                request.method(),
                bucket.as_deref(),
                key.as_deref(),
                has,
                request.headers(),
            ),
            method: request.method().to_string(),
            bucket,
            key,
            query,
            headers: request.headers().clone(),
        }
    }

    /// A header, if it is there and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        text::header(&self.headers, name)
    }

    /// A query parameter, decoded.
    pub fn query(&self, name: &str) -> Option<String> {
        let pairs = text::pairs(&self.query);
        pairs.into_iter().find(|(other, _)| other == name).map(|(_, value)| value)
    }

    /// What rules match keys against: the key, or the prefix of a listing.
    pub fn subject(&self) -> Option<String> {
        self.key.clone().or_else(|| self.query("prefix"))
    }

    /// The credential it was signed with: `KEY/DATE/REGION/SERVICE/aws4_request`.
    fn credential(&self) -> Option<String> {
        let from_header = self.header("authorization").and_then(|value| {
            let (_, after) = value.split_once("Credential=")?;
            Some(after.split([',', ' ']).next()?.to_owned())
        });
        from_header.or_else(|| self.query("X-Amz-Credential"))
    }

    /// The access key it was signed with.
    pub fn access_key(&self) -> Option<String> {
        // Four fields follow the key, and only the key may contain a slash.
        self.credential()?.rsplitn(5, '/').nth(4).map(str::to_owned)
    }

    /// The region it was signed for.
    pub fn signed_region(&self) -> Option<String> {
        self.credential()?.rsplit('/').nth(2).map(str::to_owned)
    }
}

impl fmt::Debug for RequestInfo {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.number, self.operation)?;
        if let Some(bucket) = &self.bucket {
            write!(formatter, " {bucket}")?;
        }
        if let Some(key) = &self.key {
            write!(formatter, "/{key}")?;
        }
        if !self.query.is_empty() {
            write!(formatter, "?{}", self.query)?;
        }
        Ok(())
    }
}

/// A request and what came of it. All of [`RequestInfo`] can be reached directly.
#[derive(Clone)]
pub struct LogEntry {
    info: Arc<RequestInfo>,
    /// The status answered; none while there is no answer, and where the connection was closed.
    pub status: Option<u16>,
    /// Bytes of the body received.
    pub bytes_in: u64,
    /// Bytes of the body sent.
    pub bytes_out: u64,
    /// When it arrived, since the start of the server.
    pub arrived: Duration,
}

impl Deref for LogEntry {
    type Target = RequestInfo;

    fn deref(&self) -> &RequestInfo {
        &self.info
    }
}

impl fmt::Debug for LogEntry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?} -> ", self.info)?;
        match self.status {
            Some(status) => write!(formatter, "{status}")?,
            None => formatter.write_str("no answer")?,
        }
        write!(formatter, " ({} in, {} out)", self.bytes_in, self.bytes_out)
    }
}

/// A request on its way.
#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) info: Arc<RequestInfo>,
    pub(crate) bytes_in: AtomicU64,
    pub(crate) bytes_out: AtomicU64,
    status: AtomicU16,
    arrived: Duration,
}

impl Live {
    pub(crate) fn answered(&self, status: u16) {
        self.status.store(status, Ordering::Relaxed);
    }

    fn entry(&self) -> LogEntry {
        let status = self.status.load(Ordering::Relaxed);
        LogEntry {
            info: Arc::clone(&self.info),
            status: (status != 0).then_some(status),
            bytes_in: self.bytes_in.load(Ordering::Relaxed),
            bytes_out: self.bytes_out.load(Ordering::Relaxed),
            arrived: self.arrived,
        }
    }
}

/// The log.
#[derive(Debug)]
pub(crate) struct Log {
    started: Instant,
    requests: Mutex<Vec<Arc<Live>>>,
}

impl Default for Log {
    fn default() -> Self {
        Self { started: Instant::now(), requests: Mutex::default() }
    }
}

impl Log {
    /// Numbers a request.
    pub(crate) fn arrive<B>(&self, request: &Request<B>) -> Arc<Live> {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let number = requests.len() as u64 + 1;
        let live = Arc::new(Live {
            info: Arc::new(RequestInfo::new(number, request)),
            bytes_in: AtomicU64::new(0),
            bytes_out: AtomicU64::new(0),
            status: AtomicU16::new(0),
            arrived: self.started.elapsed(),
        });
        requests.push(Arc::clone(&live));
        live
    }

    pub(crate) fn entries(&self) -> Vec<LogEntry> {
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        requests.iter().map(|live| live.entry()).collect()
    }

    pub(crate) fn reset(&self) {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
