mod peek;

use super::*;
use crate::words::time::Utc;

#[test]
fn events_come_before_the_first_that_is_later() {
    let events = |text: &str| -> Vec<Event<char>> {
        text.chars().map(|c| Event { run: Run::at(Utc::read(&c.to_string())), what: c }).collect()
    };
    let cases = [
        ("", "", ""),
        ("", "ba", "ab"),
        ("ac", "b", "abc"),
        ("ab", "c", "abc"),
        ("bc", "a", "abc"),
        ("db", "ac", "acdb"),
        ("aa", "a", "aaa"),
    ];
    for (standing, new, want) in cases {
        let all: String = merged(events(standing), events(new)).iter().map(|it| it.what).collect();
        assert_eq!(all, want, "{standing} {new}");
    }
}
use std::ops::Range;

fn event<T>(what: T) -> Event<T> {
    Event { run: Run::at(Utc::read("2026-01-01T00:00:00Z")), what }
}

/// A history of `count` entries that was written so many at a time.
fn grown_by(count: u64, at_a_time: usize) -> (Head<u64>, Vec<Segment<u64>>) {
    let mut segments = Vec::new();
    let mut head = Head::new("h1");
    let all: Vec<u64> = (1..=count).collect();
    for chunk in all.chunks(at_a_time) {
        let (next, sealed) = head.append(chunk.iter().copied().map(event));
        segments.extend(sealed);
        head = next;
    }
    (head, segments)
}

fn grown(count: u64) -> (Head<u64>, Vec<Segment<u64>>) {
    grown_by(count, 1)
}

fn numbers(head: &Head<u64>, segments: &[Segment<u64>]) -> Vec<u64> {
    let head = head.entries.iter().map(|entry| entry.number);
    let sealed = segments.iter().rev().flat_map(|segment| &segment.lines);
    head.chain(sealed.map(Line::number)).collect()
}

#[test]
fn every_number_is_in_one_place() {
    let full = KEEP as u64 + SEGMENT;
    for count in [0, 1, 31, full - 1, full, full + 1, full + SEGMENT, full + SEGMENT + 1, 1000] {
        let (head, segments) = grown(count);
        assert_eq!(numbers(&head, &segments), (1..=count).rev().collect::<Vec<_>>(), "{count}");
        assert!(head.entries.len() <= full as usize);
        assert!(count < KEEP as u64 || head.entries.len() >= KEEP);
        assert_eq!(head.next(), count + 1);
    }
}

#[test]
fn many_at_once_are_sealed_by_the_next_write() {
    for (count, at_a_time) in [(1000, 1000), (1000, 300), (1001, 161), (161, 160)] {
        let (head, segments) = grown_by(count, at_a_time);
        assert_eq!(numbers(&head, &segments), (1..=count).rev().collect::<Vec<_>>());
        let before: Vec<_> = head.entries.iter().map(|entry| entry.number).collect();
        assert_eq!(Head::parse(&head.to_bytes().expect("json")).expect("head"), head);
        let (head, sealed) = head.append([event(count + 1)]);
        for segment in &sealed {
            assert!(segment.lines.iter().all(|line| before.contains(&line.number())));
            let bytes = segment.to_bytes().expect("json");
            Segment::<u64>::parse(&bytes, "h1", segment.part()).expect("segment");
        }
        assert!(!head.is_full());
        assert!(head.entries.len() > KEEP);
        let all: Vec<_> = segments.into_iter().chain(sealed).collect();
        assert_eq!(numbers(&head, &all), (1..=count + 1).rev().collect::<Vec<_>>());
    }
    let (head, _) = grown_by(1000, 1000);
    let (slim, sealed) = head.append([]);
    assert_eq!((slim.next(), sealed.len(), slim.is_full()), (1001, 15, false));
}

#[test]
fn what_is_written_reads_back() {
    let (head, segments) = grown(500);
    assert_eq!(Head::parse(&head.to_bytes().expect("json")).expect("head"), head);
    for (i, segment) in segments.iter().enumerate() {
        let bytes = segment.to_bytes().expect("json");
        let part = Part::Segment(i as u64);
        assert_eq!(segment.part(), part);
        assert_eq!(&Segment::parse(&bytes, "h1", part).expect("segment"), segment);
        assert!(Segment::<u64>::parse(&bytes, "h2", part).is_err());
        assert!(Segment::<u64>::parse(&bytes, "h1", Part::Segment(i as u64 + 1)).is_err());
        assert!(Segment::<u64>::parse(&bytes, "h1", Part::Volume(0)).is_err());
    }
}

#[test]
fn a_person_can_read_it() {
    let build = Build { name: Some("main/app/build #7".into()), url: None, by: Some("ana".into()) };
    let (head, _) = Head::new("x").append([Event {
        run: Run { build, ..Run::at(Utc::read("2026-01-01T00:00:00Z")) },
        what: "it".to_owned(),
    }]);
    let text = String::from_utf8(head.to_bytes().expect("json")).expect("text");
    let want = concat!(
        "{\"format\":\"s3-asset-history/1\",\"id\":\"x\",\"sealed\":0,\"entries\":[\n",
        "{\"number\":1,\"time\":\"2026-01-01T00:00:00Z\",",
        "\"build\":{\"name\":\"main/app/build #7\",\"by\":\"ana\"},\"what\":\"it\"}\n]}\n"
    );
    assert_eq!(text, want);
}

#[test]
fn only_the_segments_needed_are_named() {
    let (head, segments) = grown(1000);
    let sealed = segments.len() as u64;
    let shape = head.shape();
    assert_eq!(shape.segments_since(Some(&head.position())), sealed..sealed);
    let at = |next| Position { history: "h1".into(), next };
    assert_eq!(shape.segments_since(Some(&at(1))), 0..sealed);
    assert_eq!(shape.segments_since(Some(&at(SEGMENT))), 0..sealed);
    assert_eq!(shape.segments_since(Some(&at(SEGMENT + 1))), 1..sealed);
    assert_eq!(shape.segments_since(None), 0..sealed);
    let other = Position { history: "h0".into(), next: 900 };
    assert_eq!(shape.segments_since(Some(&other)), 0..sealed);
    for (count, want) in [(0, 0), (1, 1), (64, 1), (65, 2), (usize::MAX, sealed)] {
        assert_eq!(shape.segments_for(count), sealed - want..sealed, "{count}");
    }
}

#[test]
fn parts_cover_what_is_wanted_with_few_requests() {
    let cases: [(Range<u64>, usize); 8] = [
        (0..0, 0),
        (0..5, 5),
        (0..64, 1),
        (60..64, 4),
        (56..64, 1),
        (10..70, 7),
        (0..1562, 50),
        (100..200, 10),
    ];
    for (segments, most) in cases {
        let parts = Part::cover(segments.clone());
        assert_eq!(parts.len(), most, "{segments:?}");
        let mut held: Vec<u64> = Vec::new();
        for part in &parts {
            match *part {
                Part::Segment(index) => held.push(index),
                Part::Volume(index) => held.extend(Part::gathered(index).rev()),
            }
        }
        assert!(held.is_sorted_by(|a, b| *a == b + 1), "{segments:?}: newest first, without a gap");
        assert!(segments.clone().all(|index| held.contains(&index)), "{segments:?}");
        assert!(
            held.iter().all(|index| *index < segments.end),
            "{segments:?}: only what is sealed"
        );
    }
}

#[test]
fn a_volume_is_its_segments_again() {
    let (_, segments) = grown(SEGMENT * VOLUME + 200);
    let last = &segments[VOLUME as usize - 1];
    assert_eq!((last.part().completes(), segments[0].part().completes()), (Some(0), None));
    let gathered = segments[..VOLUME as usize].iter().rev().flat_map(|s| s.lines.clone()).collect();
    let volume = Segment::new("h1", gathered);
    assert_eq!(volume.part(), Part::Volume(0));
    let bytes = volume.to_bytes().expect("json");
    assert_eq!(Segment::parse(&bytes, "h1", Part::Volume(0)).expect("a volume"), volume);
    assert!(Segment::<u64>::parse(&bytes, "h1", Part::Volume(1)).is_err());
}

#[test]
fn positions_read_back() {
    let position = Position { history: "a:b".into(), next: 7 };
    assert_eq!(Position::parse(&position.to_string()), Some(position));
    for text in ["", "7", "a:", "a:x"] {
        assert_eq!(Position::parse(text), None, "{text}");
    }
}

#[test]
fn what_is_damaged_is_refused() {
    let (head, _) = grown(3);
    let text = String::from_utf8(head.to_bytes().expect("json")).expect("text");
    let cases = [
        (text.replace("\"number\":2", "\"number\":3"), "gap or a repeat"),
        (text.replace("\"sealed\":0", "\"sealed\":1"), "gap or a repeat"),
        (text.replace("history/1", "history/3"), "has the format `s3-asset-history/3`"),
        ("{\"format\":\"s3-asset-history/3\"}".into(), "has the format `s3-asset-history/3`"),
        (text[..40].to_owned(), "it is no history"),
        (text.replace("\"sealed\":0", "\"sealed\":9223372036854775808"), "more segments than"),
    ];
    for (text, want) in cases {
        let error = Head::<u64>::parse(text.as_bytes()).expect_err(want).to_string();
        assert!(error.contains(want), "{error}");
    }
    let many = text.replace("\"sealed\":0", "\"sealed\":9223372036854775808");
    assert!(Peek::<u64>::parse(many.into()).is_err());
}

#[test]
fn fuzz_parts() {
    let (_, segments) = grown(200);
    let seeds: Vec<Vec<u8>> = segments.iter().map(|it| it.to_bytes().expect("JSON")).collect();
    fuzz_driver::bytes("parts", 300, seeds, |input| {
        let parts = [
            Part::Segment(0),
            Part::Segment(1),
            Part::Segment(u64::MAX / SEGMENT - 1),
            Part::Volume(0),
        ];
        let read = |part| match Segment::<u64>::parse(input, "h1", part) {
            Ok(segment) => {
                assert_eq!(segment.part(), part);
                assert_eq!(segment.lines.len() as u64, SEGMENT);
                "read".to_owned()
            }
            Err(e) => fuzz_driver::line(e),
        };
        parts.map(read).join(" ")
    });
}

#[test]
fn fuzz_positions() {
    fuzz_driver::texts("positions", 10_000, ["h1:7", "a:b:18446744073709551615", ""], |input| {
        let position = Position::parse(input);
        let again = position.as_ref().map(|it| Position::parse(&it.to_string()));
        assert_eq!(again.clone().flatten(), position, "{input:?}");
        format!("{}", again.is_some())
    });
}

fn ranges(text: &str) -> Ranges {
    Ranges::parse(text).expect(text)
}

/// All lines that a history holds, newest first.
fn all_lines(head: &Head<u64>, segments: &[Segment<u64>]) -> Vec<Line<u64>> {
    let bytes = head.to_bytes().expect("json");
    let written: Written<u64> = serde_json::from_slice(&bytes).expect("a head");
    let sealed = segments.iter().rev().flat_map(|segment| segment.lines.clone());
    written.entries.into_iter().chain(sealed).collect()
}

#[test]
fn a_removal_is_a_line_of_its_own() {
    let (head, _) = grown(4);
    let build = Build { name: Some("main/app/gc #7".into()), url: None, by: None };
    let run = Run { build, ..Run::at(Utc::read("2026-02-01T00:00:00Z")) };
    let (head, _) = head.mark(&run, &ranges("1-2")).expect("marked");
    let text = String::from_utf8(head.to_bytes().expect("json")).expect("text");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[0],
        "{\"format\":\"s3-asset-history/2\",\"id\":\"h1\",\"sealed\":0,\"removed\":\"5\",\"removing\":\"1-2\",\"entries\":["
    );
    assert_eq!(
        lines[1],
        "{\"number\":5,\"time\":\"2026-02-01T00:00:00Z\",\"build\":{\"name\":\"main/app/gc #7\"},\"removed\":\"1-2\"},"
    );
    assert_eq!(lines.len(), 7);
    let standing: Vec<u64> = head.entries().iter().map(|entry| entry.number).collect();
    assert_eq!((standing, head.next()), (vec![4, 3], 6));
    let (before, after) = (head.clone(), head.finish(&ranges("1-2,4")).expect("something to end"));
    assert_eq!((after.removing(), after.removed()), (&Ranges::default(), &ranges("1-2,5")));
    assert_eq!(after.clone().finish(&ranges("1-2")), None);
    assert_eq!((after.shape(), after.entries()), (before.shape(), before.entries()));
    assert_eq!(after.removals().map(|it| it.removed.to_string()).collect::<Vec<_>>(), ["1-2"]);
}

#[test]
fn only_what_stands_is_marked() {
    let (head, _) = grown(200);
    let (head, _) =
        head.mark(&Run::at(Utc::read("2026-02-01T00:00:00Z")), &ranges("7")).expect("marked");
    for numbers in ["", "7", "6-7", "201", "202", "200-201", "1000"] {
        assert!(
            head.clone()
                .mark(&Run::at(Utc::read("2026-02-01T00:00:00Z")), &ranges(numbers))
                .is_err(),
            "{numbers}"
        );
    }
    for numbers in ["200", "1-6", "8,10,12"] {
        assert!(
            head.clone()
                .mark(&Run::at(Utc::read("2026-02-01T00:00:00Z")), &ranges(numbers))
                .is_ok(),
            "{numbers}"
        );
    }
}

#[test]
fn a_head_says_to_be_gone_only_so_many_pieces() {
    let (head, _) = grown_by(3 * MOST_PIECES as u64, 4096);
    let every_other = |count: usize| (1..=count as u64).map(|n| 2 * n).collect::<Ranges>();
    let mark =
        |count| head.clone().mark(&Run::at(Utc::read("2026-02-01T00:00:00Z")), &every_other(count));
    let error = mark(MOST_PIECES).expect_err("too many").to_string();
    assert!(error.contains("more than 4096 pieces"), "{error}");
    let (head, _) = mark(MOST_PIECES - 1).expect("as many as fit");
    assert_eq!(Head::parse(&head.to_bytes().expect("json")).expect("a head"), head);
}

/// Appends, marks and ends at random, beside a plain list of what must then be there.
#[test]
fn any_history_with_removals_says_what_stands() {
    for seed in 0..12 {
        let mut random = fastrand::Rng::with_seed(seed);
        let (mut head, mut segments) = (Head::<u64>::new("h1"), Vec::new());
        // What each number is: an entry that stands, or not.
        let mut model: Vec<bool> = Vec::new();
        for _ in 0..random.usize(1..60) {
            let standing: Vec<u64> =
                (1..).zip(&model).filter(|(_, stands)| **stands).map(|(n, _)| n).collect();
            match random.u32(0..3) {
                0 if !standing.is_empty() => {
                    let part = random.f64();
                    let mut numbers: Ranges =
                        standing.iter().copied().filter(|_| random.f64() < part).collect();
                    if numbers.is_empty() {
                        numbers = [standing[0]].into_iter().collect();
                    }
                    let (next, sealed) = head
                        .mark(&Run::at(Utc::read("2026-02-01T00:00:00Z")), &numbers)
                        .expect("marked");
                    head = next;
                    segments.extend(sealed);
                    numbers.iter().for_each(|number| model[number as usize - 1] = false);
                    model.push(false);
                }
                1 => {
                    let some = head.removing().iter().filter(|_| random.bool()).collect();
                    head = head.clone().finish(&some).unwrap_or(head);
                }
                _ => {
                    let events: Vec<u64> = (0..random.u64(1..40)).collect();
                    model.extend(events.iter().map(|_| true));
                    let (next, sealed) = head.append(events.into_iter().map(event));
                    head = next;
                    segments.extend(sealed);
                }
            }
            let bytes = head.to_bytes().expect("json");
            assert_eq!(Head::parse(&bytes).expect("a head"), head, "{seed}");
            let numbers: Vec<u64> = all_lines(&head, &segments).iter().map(Line::number).collect();
            assert!(numbers.iter().copied().eq((1..=model.len() as u64).rev()), "{seed}");
            let shape = head.shape();
            for (number, stands) in (1..).zip(&model) {
                assert_eq!(shape.stands(number), *stands, "{seed}: {number}");
            }
            let value: serde_json::Value = serde_json::from_slice(&bytes).expect("json");
            let indented = serde_json::to_vec_pretty(&value).expect("json");
            for bytes in [bytes, indented] {
                let mut peek = Peek::<u64>::parse(bytes.into()).expect("a head");
                assert_eq!(peek.shape(), &shape, "{seed}");
                let mut entries = Vec::new();
                while let Some(entry) = peek.older().expect("an entry") {
                    entries.push(entry);
                }
                assert_eq!(entries, head.entries, "{seed}");
            }
            below_the_head(&head, &segments, &model);
            for segment in &segments {
                let bytes = segment.to_bytes().expect("json");
                let read = Segment::parse(&bytes, "h1", segment.part()).expect("a segment");
                assert_eq!(read, *segment, "{seed}");
            }
        }
    }
}

/// As many that stand as are asked for are in the segments that are named, and no segment is named
/// in vain.
fn below_the_head(head: &Head<u64>, segments: &[Segment<u64>], model: &[bool]) {
    let shape = head.shape();
    let standing = |segment: u64| -> usize {
        let lines = &segments[segment as usize].lines;
        lines.iter().filter(|line| model[line.number() as usize - 1]).count()
    };
    let all: usize = (0..segments.len() as u64).map(standing).sum();
    for count in [0, 1, 2, 63, 64, 65, 500] {
        let range = shape.segments_for(count);
        let held: usize = range.clone().map(standing).sum();
        assert!(held >= count.min(all), "{count} of {all}: {range:?} hold {held}");
        let without_oldest: usize = range.clone().skip(1).map(standing).sum();
        assert!(range.is_empty() || without_oldest < count, "{count}: {range:?}");
        let parts = shape.parts(range.clone());
        let read = |segment: u64| parts.contains(&Part::Segment(segment));
        let volumes = parts.iter().any(|part| matches!(part, Part::Volume(_)));
        assert!(volumes || range.clone().all(|it| read(it) == (standing(it) > 0)), "{range:?}");
    }
}

#[test]
fn removals_never_push_the_newest_that_stands_out_of_the_head() {
    let (mut head, mut segments) = grown(200);
    let run = Run::at(Utc::read("2026-02-01T00:00:00Z"));
    for number in 1..200 {
        let (next, sealed) = head.mark(&run, &[number].into_iter().collect()).expect("marked");
        head = next;
        segments.extend(sealed);
        assert_eq!(head.entries()[0].number, 200, "{number}");
    }
    assert_eq!(head.next(), 400);
    let (head, sealed) = head.append([event(1)]);
    assert!(sealed.is_empty(), "what is appended seals nothing that stands");
    let (head, sealed) = head.append([event(2)]);
    segments.extend(sealed);
    assert_eq!(head.entries().iter().map(|it| it.number).collect::<Vec<_>>(), [401, 400]);
    let numbers: Vec<u64> = all_lines(&head, &segments).iter().map(Line::number).collect();
    assert!(numbers.into_iter().eq((1..=401).rev()));
}

#[test]
fn what_says_two_things_of_a_number_is_refused() {
    let (head, _) = grown(4);
    let (head, _) =
        head.mark(&Run::at(Utc::read("2026-02-01T00:00:00Z")), &ranges("1-2")).expect("marked");
    let text = String::from_utf8(head.to_bytes().expect("json")).expect("text");
    let cases = [
        (text.replace("\"removed\":\"5\"", "\"removed\":\"2,5\""), "does not agree"),
        (text.replace("\"removed\":\"5\"", "\"removed\":\"3\""), "does not agree"),
        (text.replace("\"removed\":\"5\"", "\"removed\":\"5-6\""), "does not agree"),
        (text.replace("\"removing\":\"1-2\"", "\"removing\":\"2-1\""), "cannot be read"),
        (text.replace(",\"removed\":\"1-2\"}", "}"), "neither `what` nor `removed`"),
        (text.replace("\"what\":4", "\"what\":4,\"removed\":\"1\""), "both `what` and `removed`"),
        (text.replace(",\"removed\":\"1-2\"}", ",\"removed\":\"\"}"), "names no numbers"),
        (text.replace("history/2", "history/3"), "has the format `s3-asset-history/3`"),
    ];
    for (text, want) in cases {
        let error = format!("{:#}", Head::<u64>::parse(text.as_bytes()).expect_err(want));
        assert!(error.contains(want), "{error} / {want}");
    }
}
