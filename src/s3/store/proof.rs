//! What proves that the bytes of an object came whole: the best of what S3 knows of them.

use crate::input::access::ChecksumAlgorithm;
use crate::words::digest::{Hasher, Sha256, hex};
use md5::{Digest as _, Md5};

/// What bytes are compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// A checksum that S3 computed over the whole object, in base64.
    Checksum(ChecksumAlgorithm, String),
    /// The SHA-256 that its uploader recorded.
    Recorded(Sha256),
    /// The MD5, in hexadecimal, that is the tag of an object in one piece.
    Tag(String),
    /// Nothing but the size.
    Size,
}

impl Proof {
    /// The best of what is there: S3's checksums first, then the record, then the tag.
    pub(super) fn best(
        checksums: impl IntoIterator<Item = (ChecksumAlgorithm, Option<String>)>,
        recorded: Option<Sha256>,
        etag: &str,
        etag_is_md5: bool,
    ) -> Proof {
        let mut checksums =
            checksums.into_iter().filter_map(|(algorithm, value)| Some((algorithm, value?)));
        if let Some((algorithm, value)) =
            checksums.find(|(algorithm, value)| super::checksum::is_one(*algorithm, value))
        {
            return Proof::Checksum(algorithm, value);
        }
        let etag = etag.trim_matches('"').to_ascii_lowercase();
        let is_md5 = etag.len() == 32 && etag.bytes().all(|b| b.is_ascii_hexdigit());
        match recorded {
            Some(sha256) => Proof::Recorded(sha256),
            None if etag_is_md5 && is_md5 => Proof::Tag(etag),
            None => Proof::Size,
        }
    }

    /// Begins to verify.
    pub fn verifier(&self) -> Verifier {
        Verifier {
            wanted: self.clone(),
            sum: match self {
                Proof::Checksum(ChecksumAlgorithm::Sha256, _) | Proof::Recorded(_) => {
                    Sum::Sha256(Hasher::default())
                }
                Proof::Checksum(algorithm, _) => Sum::Other(super::checksum::begin(*algorithm)),
                Proof::Tag(_) => Sum::Md5(Md5::new()),
                Proof::Size => Sum::None,
            },
        }
    }
}

/// Takes bytes as they stream past, and compares at the end.
pub struct Verifier {
    wanted: Proof,
    sum: Sum,
}

enum Sum {
    Sha256(Hasher),
    Md5(Md5),
    Other(Box<dyn aws_smithy_checksums::http::HttpChecksum>),
    None,
}

impl Verifier {
    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.sum {
            Sum::Sha256(hasher) => hasher.update(bytes),
            Sum::Md5(md5) => md5.update(bytes),
            Sum::Other(sum) => sum.update(bytes),
            Sum::None => (),
        }
    }

    /// What the bytes have instead of what they should have; none where they are right.
    pub fn difference(self) -> Option<String> {
        let base64 = |bytes: &[u8]| base64_simd::STANDARD.encode_to_string(bytes);
        let (name, want, got) = match (self.wanted, self.sum) {
            (Proof::Checksum(algorithm, want), Sum::Sha256(hasher)) => {
                (algorithm.name(), want, hasher.finish().base64())
            }
            (Proof::Checksum(algorithm, want), Sum::Other(sum)) => {
                (algorithm.name(), want, base64(&sum.finalize()))
            }
            (Proof::Recorded(want), Sum::Sha256(hasher)) => {
                ("SHA-256", want.hex(), hasher.finish().hex())
            }
            (Proof::Tag(want), Sum::Md5(md5)) => ("MD5", want, hex(&md5.finalize())),
            _ => return None,
        };
        (got != want).then(|| format!("its {name} is {got} instead of {want}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ChecksumAlgorithm::{Crc32, Crc64Nvme};

    #[test]
    fn the_best_proof_is_taken() {
        let sha = Sha256::of(b"x");
        let md5 = "9dd4e461268c8034f5c8564e155c67a6";
        let tag = format!("\"{md5}\"");
        let crc = |text: &str| Some(text.to_owned());
        let checksum = Proof::Checksum(Crc32, "AAAAAA==".into());
        let cases = [
            (vec![(Crc64Nvme, None), (Crc32, crc("AAAAAA=="))], Some(sha), true, checksum.clone()),
            // What moto says of an object in parts is no CRC-64.
            (vec![(Crc64Nvme, crc("AAAAAA==")), (Crc32, crc("AAAAAA=="))], None, true, checksum),
            (vec![(Crc64Nvme, crc("AAAAAA=="))], Some(sha), true, Proof::Recorded(sha)),
            (vec![(Crc32, crc("AAAAAA==-2"))], Some(sha), true, Proof::Recorded(sha)),
            (vec![(Crc32, crc(""))], None, true, Proof::Tag(md5.into())),
            (vec![], None, false, Proof::Size),
        ];
        for (checksums, recorded, is_md5, want) in cases {
            assert_eq!(Proof::best(checksums, recorded, &tag, is_md5), want);
        }
        for tag in ["\"9dd4e461268c8034f5c8564e155c67a6-2\"", "\"abc\"", ""] {
            assert_eq!(Proof::best([], None, tag, true), Proof::Size, "{tag}");
        }
    }

    #[test]
    fn a_flipped_byte_is_seen_by_each() {
        let base64 = |bytes: &[u8]| base64_simd::STANDARD.encode_to_string(bytes);
        let sha = Sha256::of(b"123456789");
        let proofs = [
            Proof::Checksum(Crc32, base64(&[0xcb, 0xf4, 0x39, 0x26])),
            Proof::Checksum(ChecksumAlgorithm::Sha256, sha.base64()),
            Proof::Recorded(sha),
            Proof::Tag("25f9e794323b453885f5181f1b624d0b".into()),
        ];
        for proof in proofs {
            for (bytes, is_right) in [(b"123456789", true), (b"123456780", false)] {
                let mut verifier = proof.verifier();
                verifier.update(&bytes[..4]);
                verifier.update(&bytes[4..]);
                assert_eq!(verifier.difference().is_none(), is_right, "{proof:?}");
            }
        }
    }
}
