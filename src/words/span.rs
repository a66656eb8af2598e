//! Ranges of bytes: the parts in which large bodies travel.

/// A range of an object's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The first byte.
    pub start: u64,
    /// How many.
    pub length: u64,
}

impl Span {
    /// The spans of `part` bytes each that cover `size` bytes.
    pub fn cover(size: u64, part: u64) -> impl Iterator<Item = Span> {
        (0..size.div_ceil(part))
            .map(move |i| Span { start: i * part, length: part.min(size - i * part) })
    }

    /// The value of a `Range` header.
    pub fn header(self) -> String {
        format!("bytes={}-{}", self.start, self.start + self.length - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_cover_without_gap_or_overlap() {
        for (size, part, want) in [(0, 8, 0), (1, 8, 1), (8, 8, 1), (9, 8, 2), (64, 8, 8)] {
            let spans: Vec<_> = Span::cover(size, part).collect();
            assert_eq!(spans.len(), want);
            let mut next = 0;
            for span in &spans {
                assert_eq!(span.start, next);
                next += span.length;
            }
            assert_eq!(next, size);
        }
        assert_eq!(Span { start: 8, length: 8 }.header(), "bytes=8-15");
    }
}
