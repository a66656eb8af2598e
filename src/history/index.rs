//! Which segments may hold an entry of a name, for a search that should not read all of them.
//!
//! A page says of some sealed segments what the names in them are, as fingerprints. It follows from
//! segments that never change, so it is no part of the record: whoever finds one missing makes it,
//! a release that knows none leaves the history as it is, and a page that says too much costs a
//! request. There is one for the segments after the last whole volume, and one for each
//! [`SHELF`] volumes, so that a few are all that a search reads first.

use super::{Part, VOLUME, damaged, quoted, read};
use crate::words::digest::Sha256;
use serde::Deserialize;
use std::ops::Range;

/// How many volumes a page covers at most.
const SHELF: u64 = 64;
const FORMAT: &str = "s3-asset-history-index/1";

/// Which segments a page covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Page {
    /// From the last whole volume before it to this segment.
    Segments(u64),
    /// From the beginning of a shelf to this volume.
    Volumes(u64),
}

impl Page {
    /// The pages, newest first, that cover this many segments, all that are sealed.
    pub(super) fn cover(sealed: u64) -> Vec<Page> {
        let mut pages = Vec::new();
        if !sealed.is_multiple_of(VOLUME) {
            pages.push(Page::Segments(sealed - 1));
        }
        let mut volumes = sealed / VOLUME;
        while volumes > 0 {
            pages.push(Page::Volumes(volumes - 1));
            volumes = (volumes - 1) / SHELF * SHELF;
        }
        pages
    }

    /// The segments that it covers.
    pub(super) fn segments(self) -> Range<u64> {
        match self {
            Page::Segments(last) => last / VOLUME * VOLUME..last + 1,
            Page::Volumes(last) => last / SHELF * SHELF * VOLUME..(last + 1) * VOLUME,
        }
    }

    /// The page that covers the same but the last segment or volume, where that leaves any.
    pub(super) fn before(self) -> Option<Page> {
        match self {
            Page::Segments(last) => {
                (!last.is_multiple_of(VOLUME)).then(|| Page::Segments(last - 1))
            }
            Page::Volumes(last) => (!last.is_multiple_of(SHELF)).then(|| Page::Volumes(last - 1)),
        }
    }

    /// The end of its key: after `index/` as the part that it covers last.
    pub(super) fn name(self) -> String {
        let last = match self {
            Page::Segments(last) => Part::Segment(last),
            Page::Volumes(last) => Part::Volume(last),
        };
        format!("index/{}", last.name())
    }
}

/// The names in some segments.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Index {
    /// The first segment.
    from: u64,
    /// The fingerprints in each.
    segments: Vec<Vec<Fingerprint>>,
}

/// The beginning of a name's SHA-256: two names in a few thousand million share one, which costs a
/// request.
type Fingerprint = [u8; 4];

fn fingerprint(name: &str) -> Fingerprint {
    let [a, b, c, d, ..] = Sha256::of(name.as_bytes()).bytes();
    [a, b, c, d]
}

#[derive(Deserialize)]
struct Written {
    format: String,
    id: String,
    from: u64,
    /// Base64 of a segment's fingerprints, one after the other.
    segments: Vec<String>,
}

impl Index {
    /// Of no segment yet.
    pub(super) fn new(from: u64) -> Index {
        Index { from, segments: Vec::new() }
    }

    /// The segments that it knows.
    pub(super) fn segments(&self) -> Range<u64> {
        self.from..self.from + self.segments.len() as u64
    }

    /// Takes the names of the next segment.
    pub(super) fn push<'n>(&mut self, names: impl Iterator<Item = &'n str>) {
        self.segments.push(names.map(fingerprint).collect());
    }

    /// The segments that may hold a name.
    pub(super) fn holding(&self, name: &str) -> impl Iterator<Item = u64> {
        let sought = fingerprint(name);
        let held = self.segments.iter().zip(self.from..);
        held.filter(move |(names, _)| names.contains(&sought)).map(|(_, segment)| segment)
    }

    /// Reads a page of the history `id`, and refuses another one.
    pub(super) fn parse(bytes: &[u8], id: &str, page: Page) -> anyhow::Result<Index> {
        let written: Written = read(bytes)?;
        let names = |text: &String| {
            let bytes = base64_simd::STANDARD.decode_to_vec(text).ok()?;
            let (names, rest) = bytes.as_chunks();
            rest.is_empty().then(|| names.to_vec())
        };
        let segments: Option<Vec<_>> = written.segments.iter().map(names).collect();
        let index = Index { from: written.from, segments: segments.unwrap_or_default() };
        let is_right = written.format == FORMAT && written.id == id;
        // First: what another begins at may be any number.
        let is_right = is_right && written.from == page.segments().start;
        if is_right && index.segments() == page.segments() {
            return Ok(index);
        }
        Err(damaged("a page of its index is not the one that its key says"))
    }

    /// JSON, a segment a line.
    pub(super) fn to_bytes(&self, id: &str) -> anyhow::Result<Vec<u8>> {
        let lines: Vec<String> = (self.segments.iter())
            .map(|names| {
                format!("\"{}\"", base64_simd::STANDARD.encode_to_string(names.as_flattened()))
            })
            .collect();
        let (id, from, lines) = (quoted(id)?, self.from, lines.join(",\n"));
        let text = format!(
            "{{\"format\":\"{FORMAT}\",\"id\":{id},\"from\":{from},\"segments\":[\n{lines}\n]}}\n"
        );
        Ok(text.into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_pages_cover_all_that_is_sealed() {
        for (sealed, want) in [
            (0, vec![]),
            (1, vec![Page::Segments(0)]),
            (63, vec![Page::Segments(62)]),
            (64, vec![Page::Volumes(0)]),
            (65, vec![Page::Segments(64), Page::Volumes(0)]),
            (1_562, vec![Page::Segments(1_561), Page::Volumes(23)]),
            (64 * 64, vec![Page::Volumes(63)]),
            (
                15_624,
                vec![244 * 64 - 1 + 8]
                    .into_iter()
                    .map(Page::Segments)
                    .chain([243, 191, 127, 63].map(Page::Volumes))
                    .collect(),
            ),
        ] {
            let pages = Page::cover(sealed);
            assert_eq!(pages, want, "{sealed}");
            let mut covered: Vec<u64> =
                pages.iter().rev().flat_map(|page| page.segments()).collect();
            covered.dedup();
            assert_eq!(covered, (0..sealed).collect::<Vec<_>>(), "{sealed}");
        }
    }

    #[test]
    fn a_page_goes_on_from_the_one_before() {
        for page in [
            Page::Segments(0),
            Page::Segments(1),
            Page::Segments(63),
            Page::Segments(64),
            Page::Volumes(0),
            Page::Volumes(1),
            Page::Volumes(64),
            Page::Volumes(65),
        ] {
            let Some(before) = page.before() else {
                let parts = page.segments().count() as u64;
                assert!(parts == 1 || parts == VOLUME, "{page:?}");
                continue;
            };
            assert_eq!(before.segments().start, page.segments().start, "{page:?}");
            assert!(before.segments().end < page.segments().end, "{page:?}");
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        let mut index = Index::new(64);
        index.push(["a", "b"].into_iter());
        index.push(["c"].into_iter());
        index.push([].into_iter());
        let (bytes, page) = (index.to_bytes("h1").expect("json"), Page::Segments(66));
        assert_eq!(Index::parse(&bytes, "h1", page).expect("a page"), index);
        let held = |name| index.holding(name).collect::<Vec<_>>();
        assert_eq!(
            (held("a"), held("b"), held("c"), held("d")),
            (vec![64], vec![64], vec![65], vec![])
        );
        let text = String::from_utf8(bytes.clone()).expect("text");
        let others = [
            Index::parse(&bytes, "h2", page),
            Index::parse(&bytes, "h1", Page::Segments(65)),
            Index::parse(&bytes, "h1", Page::Segments(2)),
            Index::parse(text.replace("index/1", "index/2").as_bytes(), "h1", page),
            Index::parse(text.replace("=\",", "\",").as_bytes(), "h1", page),
            Index::parse(b"{}", "h1", page),
        ];
        for other in others {
            assert!(other.expect_err("another").to_string().contains("damaged"));
        }
    }

    #[test]
    fn fuzz_pages() {
        let mut index = Index::new(0);
        index.push(["1.0", "2.0"].into_iter());
        index.push(["3.0"].into_iter());
        let seeds = [index.to_bytes("h1").expect("JSON")];
        fuzz_driver::bytes("pages", 3_000, seeds, |input| {
            let read = |page: Page| match Index::parse(input, "h1", page) {
                Ok(index) => {
                    assert_eq!(index.segments(), page.segments());
                    assert!(index.holding("1.0").all(|it| page.segments().contains(&it)));
                    "read".to_owned()
                }
                Err(e) => fuzz_driver::line(e),
            };
            [Page::Segments(0), Page::Segments(1), Page::Volumes(0)].map(read).join(" ")
        });
    }
}
