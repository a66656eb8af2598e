//! A length of time, as people write it.

/// Days or hours, for example `7d` or `12h`, in seconds.
pub fn seconds(text: &str) -> Option<i64> {
    let unit = match text.as_bytes().last()? {
        b'd' => 86_400,
        b'h' => 3_600,
        _ => return None,
    };
    let number = &text[..text.len() - 1];
    let is_plain = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    number.parse::<i64>().ok().filter(|_| is_plain)?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_hours() {
        let cases = [
            ("7d", Some(604_800)),
            ("12h", Some(43_200)),
            ("0d", Some(0)),
            ("", None),
            ("d", None),
            ("7", None),
            ("-1d", None),
            ("+1d", None),
            ("1.5d", None),
            ("7 d", None),
            ("7m", None),
            ("999999999999999999d", None),
        ];
        for (text, want) in cases {
            assert_eq!(seconds(text), want, "{text}");
        }
    }
}
