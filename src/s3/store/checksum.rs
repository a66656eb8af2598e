//! The checksum that travels with a body, for the server to check what arrived.

use super::Store;
use crate::input::access::{Checksum, ChecksumAlgorithm};
use crate::words::digest::Sha256;
use bytes::Bytes;

impl Store {
    /// The checksum header of a body; `sha256` where it is known.
    pub(super) fn checksum_of(
        &self,
        bytes: &[u8],
        sha256: Option<Sha256>,
    ) -> Option<(ChecksumAlgorithm, String)> {
        let algorithm = match (self.access.checksum, sha256) {
            (Checksum::None, _) => return None,
            (Checksum::Default, Some(_)) => ChecksumAlgorithm::Sha256,
            (Checksum::Default, None) => ChecksumAlgorithm::Crc64Nvme,
            (Checksum::Always(algorithm), _) => algorithm,
        };
        let value = match (algorithm, sha256) {
            (ChecksumAlgorithm::Sha256, Some(sha256)) => sha256.base64(),
            _ => base64_simd::STANDARD.encode_to_string(checksum(algorithm, bytes)),
        };
        Some((algorithm, value))
    }
}

/// The bytes of a checksum, as S3 defines it.
fn checksum(algorithm: ChecksumAlgorithm, bytes: &[u8]) -> Bytes {
    use aws_smithy_checksums::ChecksumAlgorithm as Smithy;
    let mut sum = match algorithm {
        ChecksumAlgorithm::Crc32 => Smithy::Crc32,
        ChecksumAlgorithm::Crc32c => Smithy::Crc32c,
        ChecksumAlgorithm::Crc64Nvme => Smithy::Crc64Nvme,
        ChecksumAlgorithm::Sha1 => Smithy::Sha1,
        ChecksumAlgorithm::Sha256 => Smithy::Sha256,
    }
    .into_impl();
    sum.update(bytes);
    sum.finalize()
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
