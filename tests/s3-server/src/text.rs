//! Small readings and writings of text that several modules share.

use std::collections::BTreeMap;
use std::time::SystemTime;

use http::HeaderMap;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use s3s::dto::{Timestamp, TimestampFormat};
use time::OffsetDateTime;

/// What a listing with `encoding-type=url` escapes: all but the unreserved characters and `/`.
const LISTED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');

/// A header's value, if it is text.
pub(crate) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// An HTTP date.
pub(crate) fn parse_http_date(value: &str) -> Option<SystemTime> {
    let parsed = Timestamp::parse(TimestampFormat::HttpDate, value).ok()?;
    Some(OffsetDateTime::from(parsed).into())
}

/// An HTTP date.
pub(crate) fn http_date(at: SystemTime) -> String {
    format_time(at, TimestampFormat::HttpDate)
}

/// A date as in XML bodies.
pub(crate) fn iso_date(at: SystemTime) -> String {
    format_time(at, TimestampFormat::DateTime)
}

fn format_time(at: SystemTime, format: TimestampFormat) -> String {
    let mut buffer = Vec::new();
    // Only a year of more than four digits cannot be written, and a reader cannot use it either.
    let _ = Timestamp::from(at).format(format, &mut buffer);
    String::from_utf8(buffer).unwrap_or_default()
}

/// A time without its fraction, as S3 shows it.
pub(crate) fn whole_seconds(at: SystemTime) -> Timestamp {
    let at = OffsetDateTime::from(at);
    Timestamp::from(at.replace_nanosecond(0).unwrap_or(at))
}

/// Whether one time is a later second than another: HTTP dates have no fractions.
pub(crate) fn newer(one: SystemTime, other: SystemTime) -> bool {
    OffsetDateTime::from(one).unix_timestamp() > OffsetDateTime::from(other).unix_timestamp()
}

/// Decodes `%XX`; what is not UTF-8 becomes replacement characters.
pub(crate) fn percent_decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// Encodes a key for a listing.
pub(crate) fn encode_listed(text: &str) -> String {
    utf8_percent_encode(text, LISTED).to_string()
}

/// The pairs of a query string or a form, decoded.
pub(crate) fn pairs(text: &str) -> Vec<(String, String)> {
    let decode = |part: &str| percent_decode(&part.replace('+', " "));
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| match pair.split_once('=') {
            Some((name, value)) => (decode(name), decode(value)),
            None => (decode(pair), String::new()),
        })
        .collect()
}

/// The tags of an `x-amz-tagging` header.
pub(crate) fn tags(header: &str) -> BTreeMap<String, String> {
    pairs(header).into_iter().collect()
}

/// Text for an XML element.
pub(crate) fn xml(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_decoded() {
        assert_eq!(
            pairs("a=b%20c&d&=e&f=g+h"),
            [("a", "b c"), ("d", ""), ("", "e"), ("f", "g h")]
                .map(|(a, b)| (a.to_owned(), b.to_owned()))
        );
        assert_eq!(encode_listed("a b/ä+.txt"), "a%20b/%C3%A4%2B.txt");
    }
}
