//! Answers that a test makes up: of portals, proxies and servers that are none of S3.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use s3s::Body;
use std::fmt;

/// An answer, sent as it is: with no header that the test did not name but its length and time.
#[derive(Clone)]
pub struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Bytes,
}

/// Marks an answer that is sent as it is.
#[derive(Clone, Debug)]
pub(crate) struct AsItIs;

impl Answer {
    /// An answer with nothing in it.
    pub fn empty(status: u16) -> Answer {
        Answer { status, headers: Vec::new(), body: Bytes::new() }
    }

    /// A page for people.
    pub fn page(status: u16) -> Answer {
        let page = "<!DOCTYPE html><html><body><h1>Welcome</h1></body></html>";
        Answer::empty(status).header("content-type", "text/html; charset=utf-8").body(page)
    }

    /// An answer in XML, as S3 gives.
    pub fn xml(status: u16, text: &str) -> Answer {
        let text = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{text}");
        Answer::empty(status).header("content-type", "application/xml").body(text)
    }

    /// With a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Answer {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With a body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Answer {
        self.body = body.into();
        self
    }

    pub(crate) fn response(&self) -> Response<Body> {
        let mut response = Response::new(Body::from(self.body.clone()));
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        for (name, value) in &self.headers {
            if let (Ok(name), Ok(value)) =
                (name.parse::<HeaderName>(), HeaderValue::from_bytes(value.as_bytes()))
            {
                response.headers_mut().append(name, value);
            }
        }
        response.extensions_mut().insert(AsItIs);
        response
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {:?}, {} bytes", self.status, self.headers, self.body.len())
    }
}
