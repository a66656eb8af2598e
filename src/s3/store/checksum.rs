//! The checksum that travels with a body, for the server to check what arrived.

use super::Store;
use crate::input::access::{Checksum, ChecksumAlgorithm};
use crate::words::digest::Sha256;
use aws_smithy_checksums::http::HttpChecksum;
use bytes::Bytes;

/// A checksum of a body that need not be made again.
#[derive(Debug, Clone)]
pub(super) enum Known {
    Nothing,
    Sha256(Sha256),
    Crc64Nvme([u8; 8]),
}

impl Store {
    /// The checksum header of a body: the one that is known, unless another is asked for.
    pub(super) fn checksum_of(
        &self,
        bytes: &[u8],
        known: &Known,
    ) -> Option<(ChecksumAlgorithm, String)> {
        let algorithm = match (self.access.checksum(), known) {
            (Checksum::None, _) => return None,
            (Checksum::Default, Known::Sha256(_)) => ChecksumAlgorithm::Sha256,
            (Checksum::Default, _) => ChecksumAlgorithm::Crc64Nvme,
            (Checksum::Always(algorithm), _) => algorithm,
        };
        let base64 = |sum: &[u8]| base64_simd::STANDARD.encode_to_string(sum);
        let value = match (algorithm, known) {
            (ChecksumAlgorithm::Sha256, Known::Sha256(sha256)) => sha256.base64(),
            (ChecksumAlgorithm::Crc64Nvme, Known::Crc64Nvme(sum)) => base64(sum),
            _ => base64(&checksum(algorithm, bytes)),
        };
        Some((algorithm, value))
    }
}

/// The bytes of a checksum, as S3 defines it.
fn checksum(algorithm: ChecksumAlgorithm, bytes: &[u8]) -> Bytes {
    let mut sum = begin(algorithm);
    sum.update(bytes);
    sum.finalize()
}

/// Whether a text is a checksum over a whole object: it has as many bytes as the algorithm makes. (One of
/// checksums, of an object in parts, says `-3` behind it.)
pub(super) fn is_one(algorithm: ChecksumAlgorithm, text: &str) -> bool {
    let length = checksum(algorithm, b"").len();
    base64_simd::STANDARD.decode_to_vec(text).is_ok_and(|bytes| bytes.len() == length)
}

/// A checksum over bytes that are still to come.
pub(super) fn begin(algorithm: ChecksumAlgorithm) -> Box<dyn HttpChecksum> {
    use aws_smithy_checksums::ChecksumAlgorithm as Smithy;
    match algorithm {
        ChecksumAlgorithm::Crc32 => Smithy::Crc32,
        ChecksumAlgorithm::Crc32c => Smithy::Crc32c,
        ChecksumAlgorithm::Crc64Nvme => Smithy::Crc64Nvme,
        ChecksumAlgorithm::Sha1 => Smithy::Sha1,
        ChecksumAlgorithm::Sha256 => Smithy::Sha256,
    }
    .into_impl()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_s3() {
        // The check values of "123456789" in the catalogue of parametrised CRC algorithms.
        let cases: [(ChecksumAlgorithm, &[u8]); 3] = [
            (ChecksumAlgorithm::Crc32, &[0xcb, 0xf4, 0x39, 0x26]),
            (ChecksumAlgorithm::Crc32c, &[0xe3, 0x06, 0x92, 0x83]),
            (ChecksumAlgorithm::Crc64Nvme, &[0xae, 0x8b, 0x14, 0x86, 0x0a, 0x79, 0x98, 0x88]),
        ];
        for (algorithm, want) in cases {
            assert_eq!(checksum(algorithm, b"123456789"), want, "{algorithm:?}");
        }
    }
}
