//! The SHA-256 of each part of a file, recorded beside the whole's: parts that arrive are verified
//! side by side, each by itself.
//!
//! Invariant: they are used only when they cover the file exactly; else they are as good as none,
//! and the whole's digest is there.

use super::digest::Sha256;
use super::span::Span;
use serde::{Deserialize, Serialize};

/// A part is held in memory while it is verified.
const LARGEST: u64 = 64 << 20;

/// What is recorded of a file's parts. In a box: of very many files, most have none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Parts(Box<Recorded>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Recorded {
    /// Of each part, in bytes; the last one is what is left.
    size: u64,
    /// Their digests, one after the other, in base64: a file of 50 GiB has 6,400.
    sha256: String,
}

impl Parts {
    /// The parts of a file; none: it is in one piece.
    pub fn new(size: u64, digests: &[Sha256]) -> Option<Parts> {
        let bytes: Vec<u8> = digests.iter().flat_map(Sha256::bytes).collect();
        let sha256 = base64_simd::STANDARD.encode_to_string(bytes);
        (digests.len() > 1).then(|| Parts(Box::new(Recorded { size, sha256 })))
    }

    /// The parts of a file of `size` bytes, in order; none where they do not cover it.
    pub fn cover(&self, size: u64) -> Option<Vec<(Span, Sha256)>> {
        let Recorded { size: part, sha256 } = &*self.0;
        if *part == 0 || *part > LARGEST {
            return None;
        }
        let bytes = base64_simd::STANDARD.decode_to_vec(sha256).ok()?;
        let (digests, rest) = bytes.as_chunks::<32>();
        let fits = rest.is_empty() && digests.len() as u64 == size.div_ceil(*part);
        let parts = Span::cover(size, *part).zip(digests.iter().copied().map(Sha256::from));
        fits.then(|| parts.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(size: u64, count: u8) -> Parts {
        let digests: Vec<Sha256> = (0..count).map(|n| Sha256::of(&[n])).collect();
        Parts::new(size, &digests).expect("parts")
    }

    #[test]
    fn they_read_back_in_order() {
        let text = serde_json::to_string(&parts(8, 3)).expect("JSON");
        let read: Parts = serde_json::from_str(&text).expect("parts");
        let covered = read.cover(20).expect("they cover it");
        let want = [(0, 8, 0), (8, 8, 1), (16, 4, 2)]
            .map(|(start, length, n)| (Span { start, length }, Sha256::of(&[n])));
        assert_eq!(covered, want);
        assert_eq!(Parts::new(8, &[Sha256::of(b"x")]), None, "one part is the whole");
        assert_eq!(Parts::new(8, &[]), None);
    }

    #[test]
    fn parts_that_do_not_cover_a_file_are_none() {
        for (size, fits) in [(16, false), (17, true), (24, true), (25, false), (0, false)] {
            assert_eq!(parts(8, 3).cover(size).is_some(), fits, "{size}");
        }
        let odd =
            |size, sha256: &str| Parts(Box::new(Recorded { size, sha256: sha256.to_owned() }));
        let whole = parts(8, 3).0.sha256;
        for parts in
            [odd(0, &whole), odd(LARGEST + 1, &whole), odd(8, ""), odd(8, "!"), odd(8, &whole[4..])]
        {
            assert_eq!(parts.cover(20), None, "{parts:?}");
        }
    }
}
