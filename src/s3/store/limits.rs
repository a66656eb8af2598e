//! How large things may be before they travel in parts.

/// How large things may be before they travel in parts.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bodies above this go up in parts, and down in ranges.
    pub single: u64,
    /// The least size of a part; larger where 10,000 parts, S3's limit, would not do.
    pub part: u64,
    /// Copies above this go by parts: S3 refuses to copy more than 5 GiB at once.
    pub copy: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { single: 16 << 20, part: 8 << 20, copy: 5 << 30 }
    }
}

impl Limits {
    /// The size of the parts of a body.
    pub fn part_of(&self, size: u64) -> u64 {
        self.part.max(size.div_ceil(10_000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_body_has_more_than_10_000_parts() {
        let limits = Limits::default();
        for size in [1u64, 1 << 30, 80 << 30, 5 << 40] {
            assert!(size.div_ceil(limits.part_of(size)) <= 10_000);
        }
    }
}
