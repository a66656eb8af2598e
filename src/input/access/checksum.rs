//! Which checksums travel, as a pipeline says it.

use crate::input::common::Common;
use crate::words::fault::fault;
use crate::words::names::shown;

/// Which checksum travels with each body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checksum {
    /// The SHA-256 that is known anyway for bodies in one piece, CRC-64 for parts.
    Default,
    /// None: for servers that refuse the headers.
    None,
    /// This one, for every body.
    Always(ChecksumAlgorithm),
}

/// The checksums that S3 can verify and keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChecksumAlgorithm {
    /// CRC-32, as in zip.
    Crc32,
    /// CRC-32C, Castagnoli.
    Crc32c,
    /// CRC-64/NVME.
    Crc64Nvme,
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
}

impl ChecksumAlgorithm {
    const ALL: [(&str, ChecksumAlgorithm); 5] = [
        ("CRC32", ChecksumAlgorithm::Crc32),
        ("CRC32C", ChecksumAlgorithm::Crc32c),
        ("CRC64NVME", ChecksumAlgorithm::Crc64Nvme),
        ("SHA1", ChecksumAlgorithm::Sha1),
        ("SHA256", ChecksumAlgorithm::Sha256),
    ];

    /// Names that s3-resource takes as well. It then sends another checksum, and so is it here.
    const OTHERS: [&str; 5] = ["MD5", "SHA512", "XXHASH128", "XXHASH3", "XXHASH64"];

    /// Whether a name is one of S3's that this resource does not make.
    pub(in crate::input) fn is_other(name: &str) -> bool {
        ChecksumAlgorithm::OTHERS.iter().any(|other| other.eq_ignore_ascii_case(name))
    }

    /// S3's name for it.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, algorithm)| *algorithm == self).map_or("", |(name, _)| name)
    }
}

pub(super) fn checksum(common: &Common) -> anyhow::Result<Checksum> {
    let Some(name) = common.checksum_algorithm.get() else {
        return Ok(if common.skip_s3_checksums.is_on() {
            Checksum::None
        } else {
            Checksum::Default
        });
    };
    if common.skip_s3_checksums.is_on() {
        return Err(fault(
            "source: checksum_algorithm cannot be used when skip_s3_checksums is true",
            "remove one of the two",
        ));
    }
    if ChecksumAlgorithm::is_other(name) {
        return Ok(Checksum::Default);
    }
    ChecksumAlgorithm::ALL
        .into_iter()
        .find_map(|(known, algorithm)| {
            known.eq_ignore_ascii_case(name).then_some(Checksum::Always(algorithm))
        })
        .ok_or_else(|| {
            let mut all: Vec<&str> = ChecksumAlgorithm::ALL.map(|(name, _)| name).to_vec();
            all.extend(ChecksumAlgorithm::OTHERS);
            all.sort_unstable();
            fault(
                format!("source: checksum_algorithm must be one of: {}", all.join(", ")),
                format!("`{}` is none of them", shown(name)),
            )
        })
}
