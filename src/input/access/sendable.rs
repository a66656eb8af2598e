//! What can be sent of what a user or the environment says.
//!
//! Invariant: no text with a line end in it reaches a header, a host's name or a signature.

use crate::words::fault::Fault;

/// What a text becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// A word in a header, or in a form.
    Word,
    /// A part of the server's name.
    HostPart,
    /// What signs it: never sent, and a line end in it makes another signature.
    Secret,
}

/// Refuses what cannot be sent, from wherever it came: the signing of requests panics on it. The text
/// is not shown, for it may be secret.
pub fn sendable(name: &str, text: &str, kind: Sent) -> Result<(), Fault> {
    let good = match kind {
        Sent::Word => text.bytes().all(|b| b.is_ascii_graphic()),
        Sent::HostPart => {
            text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        }
        Sent::Secret => text.trim() == text && !text.chars().any(char::is_control),
    };
    if good {
        return Ok(());
    }
    let (why, hint) = match kind {
        Sent::Word => {
            ("has white space or other than ASCII in it", "copy it again, without a line end")
        }
        Sent::HostPart => ("is no name of a region", "for example `eu-west-1`, without a line end"),
        Sent::Secret => {
            ("has a line end or other white space in it", "copy it again, without a line end")
        }
    };
    Err(Fault::new(format!("{name}: not sent, for it {why}"), hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_sent_is_refused() {
        let cases = [
            (Sent::Word, "AKIA/+=", true),
            (Sent::Word, "AKIA\n", false),
            (Sent::Word, "AK IA", false),
            (Sent::Word, "AKIAé", false),
            (Sent::HostPart, "eu-west-1", true),
            (Sent::HostPart, "us_east.1", true),
            (Sent::HostPart, "eu-west-1\n", false),
            (Sent::HostPart, "x.example.com/", false),
            (Sent::HostPart, "x@y", false),
            (Sent::Secret, "a b é\"'", true),
            (Sent::Secret, "secret\r", false),
            (Sent::Secret, "secret ", false),
            (Sent::Secret, "sec\nret", false),
        ];
        for (kind, text, good) in cases {
            let sent = sendable("it", text, kind);
            assert_eq!(sent.is_ok(), good, "{text:?}");
            assert!(sent.err().is_none_or(|fault| !fault.to_string().contains(text.trim())));
        }
    }
}
