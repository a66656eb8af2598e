//! Text in a header that takes ASCII only: RFC 2047's encoded words, which S3 asks for in metadata.

use bytes::Bytes;

/// The text as a header's value: itself where it is printable ASCII, else one encoded word.
pub fn encode(text: &str) -> String {
    let is_plain = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    // What looks like an encoded word would be read as one.
    if is_plain && !text.contains("=?") {
        return text.to_owned();
    }
    format!("=?UTF-8?B?{}?=", base64_simd::STANDARD.encode_to_string(text))
}

/// The text of a header's value; what is no encoded word of UTF-8 is taken as it stands.
pub fn decode(value: &str) -> String {
    let mut out = String::new();
    let mut rest = value;
    let mut after_word = false;
    while let Some(start) = rest.find("=?") {
        let (before, from) = rest.split_at(start);
        let Some((text, length)) = word(from) else {
            out.push_str(before);
            out.push_str("=?");
            (rest, after_word) = (&from[2..], false);
            continue;
        };
        // The space between two words only separates them.
        if !(after_word && before.trim().is_empty()) {
            out.push_str(before);
        }
        out.push_str(&text);
        (rest, after_word) = (&from[length..], true);
    }
    out.push_str(rest);
    out
}

/// The encoded word that a text begins with, and how long it is.
fn word(text: &str) -> Option<(String, usize)> {
    let mut parts = text.strip_prefix("=?")?.splitn(3, '?');
    let (charset, encoding, rest) = (parts.next()?, parts.next()?, parts.next()?);
    let end = rest.find("?=")?;
    let body = &rest[..end];
    if !charset.eq_ignore_ascii_case("utf-8") {
        return None;
    }
    let bytes = match encoding {
        "B" | "b" => Bytes::from(base64_simd::STANDARD.decode_to_vec(body).ok()?),
        "Q" | "q" => quoted(body)?,
        _ => return None,
    };
    let text = String::from_utf8(bytes.into()).ok()?;
    Some((text, 2 + charset.len() + 1 + encoding.len() + 1 + end + 2))
}

/// The bytes of a text in which `=C3` stands for a byte, and `_` for a space.
fn quoted(body: &str) -> Option<Bytes> {
    let mut bytes = Vec::with_capacity(body.len());
    let mut rest = body.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'_' => b' ',
            b'=' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                let (high, low) = (digit(rest.next())?, digit(rest.next())?);
                u8::try_from(high * 16 + low).ok()?
            }
            byte => byte,
        });
    }
    Some(bytes.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_is_read_again() {
        let cases = [
            ("", ""),
            ("ana", "ana"),
            ("https://ci/x?a=1", "https://ci/x?a=1"),
            ("José", "=?UTF-8?B?Sm9zw6k=?="),
            ("=?UTF-8?B?YQ==?=", "=?UTF-8?B?PT9VVEYtOD9CP1lRPT0/PQ==?="),
            ("a\nb", "=?UTF-8?B?YQpi?="),
        ];
        for (text, sent) in cases {
            assert_eq!(encode(text), sent);
            assert_eq!(decode(sent), text);
        }
    }

    #[test]
    fn what_others_sent_is_read() {
        let cases = [
            ("=?UTF-8?Q?Jos=C3=A9_B?=", "José B"),
            ("a =?utf-8?b?w6k=?= =?UTF-8?q?=C3=A9?= b", "a éé b"),
            ("=?ISO-8859-1?Q?a?=", "=?ISO-8859-1?Q?a?="),
            ("=?UTF-8?B?!?=", "=?UTF-8?B?!?="),
            ("=?UTF-8?Q?=FF?=", "=?UTF-8?Q?=FF?="),
            ("=?UTF-8?Q?=C", "=?UTF-8?Q?=C"),
            ("=?", "=?"),
            ("José", "José"),
        ];
        for (sent, text) in cases {
            assert_eq!(decode(sent), text, "{sent}");
        }
    }

    #[test]
    fn fuzz_words() {
        let seeds =
            ["José", "=?UTF-8?B?Sm9zw6k=?= =?utf-8?q?a_=C3=A9?=", "=?iso-8859-1?Q?=E9?=", "a=?b?="];
        fuzz_driver::texts("words", 10_000, seeds, |input| {
            let sent = encode(input);
            assert!(sent.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{sent:?}");
            assert_eq!(decode(&sent), input);
            format!("{} {}", sent == input, decode(input) == input)
        });
    }
}
