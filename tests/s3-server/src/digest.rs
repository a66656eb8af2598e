//! Digests of bodies: the MD5 that becomes the ETag, and the checksums S3 knows.
//!
//! A checksum is computed only if the request names it, and then always over what was received, so
//! that a wrong one is refused rather than stored.

use std::fmt::Write as _;

use bytes::Bytes;
use http::HeaderMap;
use s3s::checksum::ChecksumHasher;
use s3s::crypto::{Checksum as _, Crc32, Crc32c, Crc64Nvme, Md5, Sha1, Sha256};
use s3s::{S3Error, S3Result, s3_error};

/// Above this size digests are computed on a thread of their own, so that hashing one body does not
/// hold up the other connections.
const INLINE_BELOW: usize = 256 * 1024;

/// A checksum algorithm of S3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// CRC-32.
    Crc32,
    /// CRC-32C.
    Crc32c,
    /// CRC-64/NVME.
    Crc64Nvme,
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Crc32, Self::Crc32c, Self::Crc64Nvme, Self::Sha1, Self::Sha256];

    /// As in `x-amz-checksum-algorithm`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64Nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
        }
    }

    /// The header or trailer that carries its value.
    pub fn header(self) -> &'static str {
        match self {
            Self::Crc32 => "x-amz-checksum-crc32",
            Self::Crc32c => "x-amz-checksum-crc32c",
            Self::Crc64Nvme => "x-amz-checksum-crc64nvme",
            Self::Sha1 => "x-amz-checksum-sha1",
            Self::Sha256 => "x-amz-checksum-sha256",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
    }
}

/// Checksums of an object or a part, in base64 as S3 sends them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checksums {
    /// CRC-32.
    pub crc32: Option<String>,
    /// CRC-32C.
    pub crc32c: Option<String>,
    /// CRC-64/NVME.
    pub crc64nvme: Option<String>,
    /// SHA-1.
    pub sha1: Option<String>,
    /// SHA-256.
    pub sha256: Option<String>,
    /// `FULL_OBJECT` or `COMPOSITE`, if there is any.
    pub kind: Option<String>,
}

impl Checksums {
    /// The value of one algorithm.
    pub fn get(&self, algorithm: Algorithm) -> Option<&str> {
        match algorithm {
            Algorithm::Crc32 => self.crc32.as_deref(),
            Algorithm::Crc32c => self.crc32c.as_deref(),
            Algorithm::Crc64Nvme => self.crc64nvme.as_deref(),
            Algorithm::Sha1 => self.sha1.as_deref(),
            Algorithm::Sha256 => self.sha256.as_deref(),
        }
    }

    pub(crate) fn set(&mut self, algorithm: Algorithm, value: String) {
        let slot = match algorithm {
            Algorithm::Crc32 => &mut self.crc32,
            Algorithm::Crc32c => &mut self.crc32c,
            Algorithm::Crc64Nvme => &mut self.crc64nvme,
            Algorithm::Sha1 => &mut self.sha1,
            Algorithm::Sha256 => &mut self.sha256,
        };
        *slot = Some(value);
    }

    /// Those that are set.
    pub fn iter(&self) -> impl Iterator<Item = (Algorithm, &str)> {
        Algorithm::ALL.into_iter().filter_map(|algorithm| Some((algorithm, self.get(algorithm)?)))
    }

    /// Whether none is set.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// Those that a request names in its headers or trailers.
    pub(crate) fn from_headers(headers: &HeaderMap) -> Self {
        let mut checksums = Self::default();
        for algorithm in Algorithm::ALL {
            if let Some(value) =
                headers.get(algorithm.header()).and_then(|value| value.to_str().ok())
            {
                checksums.set(algorithm, value.to_owned());
            }
        }
        checksums
    }
}

/// Which digests to compute.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) md5: bool,
    pub(crate) algorithms: Vec<Algorithm>,
}

/// What was computed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Digests {
    pub(crate) md5: Option<[u8; 16]>,
    pub(crate) checksums: Checksums,
}

/// Computes digests over chunks.
pub(crate) async fn compute(chunks: &[Bytes], wanted: Wanted) -> S3Result<Digests> {
    if !wanted.md5 && wanted.algorithms.is_empty() {
        return Ok(Digests::default());
    }
    if chunks.iter().map(Bytes::len).sum::<usize>() <= INLINE_BELOW {
        return Ok(compute_now(chunks, &wanted));
    }
    let chunks = chunks.to_vec();
    tokio::task::spawn_blocking(move || compute_now(&chunks, &wanted))
        .await
        .map_err(S3Error::internal_error)
}

fn compute_now(chunks: &[Bytes], wanted: &Wanted) -> Digests {
    let wants = |algorithm| wanted.algorithms.contains(&algorithm);
    let mut md5 = wanted.md5.then(Md5::new);
    let mut hasher = ChecksumHasher {
        crc32: wants(Algorithm::Crc32).then(Crc32::new),
        crc32c: wants(Algorithm::Crc32c).then(Crc32c::new),
        sha1: wants(Algorithm::Sha1).then(Sha1::new),
        sha256: wants(Algorithm::Sha256).then(Sha256::new),
        crc64nvme: wants(Algorithm::Crc64Nvme).then(Crc64Nvme::new),
    };
    for chunk in chunks {
        if let Some(md5) = &mut md5 {
            md5.update(chunk);
        }
        hasher.update(chunk);
    }
    let computed = hasher.finalize();
    Digests {
        md5: md5.map(Md5::finalize),
        checksums: Checksums {
            crc32: computed.checksum_crc32,
            crc32c: computed.checksum_crc32c,
            crc64nvme: computed.checksum_crc64nvme,
            sha1: computed.checksum_sha1,
            sha256: computed.checksum_sha256,
            kind: (!wanted.algorithms.is_empty()).then(|| "FULL_OBJECT".to_owned()),
        },
    }
}

/// Refuses a body whose checksums are not the claimed ones.
pub(crate) fn verify(claimed: &Checksums, computed: &Checksums) -> S3Result {
    for (algorithm, value) in claimed.iter() {
        if computed.get(algorithm) != Some(value) {
            return Err(s3_error!(
                BadDigest,
                "The {} you specified did not match the calculated checksum.",
                algorithm.name()
            ));
        }
    }
    Ok(())
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// The raw bytes of an ETag, or of any text that is none.
pub(crate) fn unhex(text: &str) -> Vec<u8> {
    let digits: Option<Vec<u8>> = (0..text.len() / 2)
        .map(|at| u8::from_str_radix(text.get(at * 2..at * 2 + 2)?, 16).ok())
        .collect();
    digits.unwrap_or_else(|| text.as_bytes().to_vec())
}

/// The ETag of an upload in parts: the MD5 of the parts' MD5s, and their number.
pub(crate) fn multipart_etag<'a>(parts: impl Iterator<Item = &'a str>) -> String {
    let mut md5 = Md5::new();
    let mut count = 0;
    for etag in parts {
        md5.update(&unhex(etag));
        count += 1;
    }
    format!("{}-{count}", hex(&md5.finalize()))
}

/// The checksum of checksums of an upload in parts.
pub(crate) fn composite<'a>(
    algorithm: Algorithm,
    parts: impl Iterator<Item = &'a str>,
) -> Option<String> {
    let mut raw = Vec::new();
    let mut count = 0;
    for part in parts {
        raw.extend(base64_simd::STANDARD.decode_to_vec(part).ok()?);
        count += 1;
    }
    let wanted = Wanted { md5: false, algorithms: vec![algorithm] };
    let computed = compute_now(&[Bytes::from(raw)], &wanted);
    computed.checksums.get(algorithm).map(|value| format!("{value}-{count}"))
}
