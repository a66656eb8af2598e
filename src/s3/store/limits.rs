//! How large things may be before they travel in parts.

/// How large things may be before they travel in parts.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bodies above this go up in parts, and down in ranges.
    pub single: u64,
    /// The least size of a part; larger where 10,000 parts, S3's limit, would not do.
    pub part: u64,
    /// Copies above this go by parts, side by side.
    pub copy: u64,
}

/// AWS copies one request's bytes in one slow stream, and many requests' side by side.
const COPY_OF_AWS: u64 = 256 << 20;
/// What S3 copies by one request.
pub(super) const ONE_COPY: u64 = 5 << 30;
/// A server that keeps objects on its disk is quicker by one request: it writes parts twice. Some
/// copy none.
const COPY_OF_OTHERS: u64 = ONE_COPY;

/// The least size of a part of a copy: each is a request, and none goes through here.
const COPY_PART: u64 = 64 << 20;
/// The parts of a copy, where sizes allow it: more than are copied at once, for some are slower.
const COPIES: u64 = 16;

impl Limits {
    /// The limits of the server at an endpoint; none: AWS.
    pub fn new(endpoint: Option<&str>) -> Limits {
        let is_aws = endpoint.is_none_or(|it| it.contains(".amazonaws.com"));
        let copy = if is_aws { COPY_OF_AWS } else { COPY_OF_OTHERS };
        Limits { single: 16 << 20, part: 8 << 20, copy }
    }

    /// The size of the parts of a body.
    pub fn part_of(&self, size: u64) -> u64 {
        self.part.max(size.div_ceil(10_000))
    }

    /// The size of the parts of a copy.
    pub fn copy_part_of(&self, size: u64) -> u64 {
        size.div_ceil(COPIES).max(COPY_PART).min(self.copy).max(size.div_ceil(10_000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_body_has_more_than_10_000_parts() {
        let limits = Limits::new(None);
        for size in [1u64, 1 << 30, 80 << 30, 5 << 40] {
            assert!(size.div_ceil(limits.part_of(size)) <= 10_000);
            assert!(size.div_ceil(limits.copy_part_of(size)) <= 10_000);
        }
    }

    #[test]
    fn copies_have_few_large_parts() {
        let limits = Limits::new(None);
        for (size, parts) in
            [(limits.copy + 1, 5), (1 << 30, 16), (5 << 30, 20), (50 << 30, 200), (5 << 40, 10_000)]
        {
            let part = limits.copy_part_of(size);
            assert_eq!(size.div_ceil(part), parts, "{size}");
            assert!((5 << 20..=5 << 30).contains(&part), "what S3 takes as a part: {part}");
        }
    }

    #[test]
    fn copies_go_by_parts_where_that_is_quicker() {
        for (endpoint, want) in [
            (None, COPY_OF_AWS),
            (Some("https://s3.dualstack.eu-west-1.amazonaws.com"), COPY_OF_AWS),
            (Some("https://bucket.vpce-1a2b.s3.us-east-1.vpce.amazonaws.com"), COPY_OF_AWS),
            (Some("https://s3.cn-north-1.amazonaws.com.cn"), COPY_OF_AWS),
            (Some("http://127.0.0.1:9000"), COPY_OF_OTHERS),
            (Some("https://storage.googleapis.com"), COPY_OF_OTHERS),
        ] {
            assert_eq!(Limits::new(endpoint).copy, want, "{endpoint:?}");
        }
    }
}
