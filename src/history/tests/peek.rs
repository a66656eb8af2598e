//! Heads that are read as far as somebody asks, beside the same heads read whole.

use super::*;

#[test]
fn a_peek_reads_what_a_parse_reads() {
    for count in [0, 1, 2, 100, 1000] {
        let (head, _) = grown(count);
        let written = head.to_bytes().expect("json");
        let value: serde_json::Value = serde_json::from_slice(&written).expect("json");
        let indented = serde_json::to_vec_pretty(&value).expect("json");
        for (bytes, by_line) in [(written, true), (indented, false)] {
            let mut peek = Peek::<u64>::parse(bytes.into()).expect("a head");
            assert_eq!(peek.is_by_line(), by_line);
            assert_eq!(peek.shape(), &head.shape());
            let mut entries = Vec::new();
            while let Some(entry) = peek.older().expect("an entry") {
                entries.push(entry);
            }
            assert_eq!(entries, head.entries);
        }
    }
}

#[test]
fn a_peek_refuses_what_it_comes_across() {
    let (head, _) = grown(3);
    let text = String::from_utf8(head.to_bytes().expect("json")).expect("text");
    let newer = text.replace("history/1", "history/3");
    assert!(Peek::<u64>::parse(newer.into()).expect_err("newer").to_string().contains("history/3"));
    let mut peek =
        Peek::<u64>::parse(text.replace("\"what\":2", "\"what\":").into()).expect("a head");
    assert_eq!(peek.older().expect("sound").map(|e| e.what), Some(3));
    let mut peek = peek.at("s3://b/head.json".to_owned());
    let error = format!("{:#}", peek.older().expect_err("damaged"));
    assert!(error.starts_with("s3://b/head.json: ") && error.contains("damaged"), "{error}");
}

/// As a person, a formatter or a connection that broke may leave it: what a parse reads is read whole,
/// and what it refuses is never shown as a shorter history.
#[test]
fn lines_that_are_not_ours_hide_no_entry() {
    let text = String::from_utf8(grown(100).0.to_bytes().expect("json")).expect("text");
    let cut = |line: &str| text[..text.find(line).expect("a line")].to_owned();
    let cases = [
        (text.replace("{\"number\":98", "\n{\"number\":98"), true),
        (text.replace("},\n{\"number\":98", "},{\"number\":98"), true),
        (text.replace("{\"number\":98,", "{\n\"number\":98,"), true),
        (text.replace("{\"number\":98", " {\"number\":98"), true),
        (text.replace("\n]}", "]\n}"), true),
        (text.trim_end().to_owned(), true),
        (format!("{text}\n\n"), true),
        (format!("{text}{text}"), false),
        (cut("{\"number\":98"), false),
        (cut("\n]}"), false),
        (cut("{\"number\":98") + "]}\n", false),
        (cut("{\"number\":98") + &text[text.find("{\"number\":97").expect("a line")..], false),
        (text.replace("\"number\":98", "\"number\":18446744073709551615"), false),
    ];
    for (text, is_whole) in cases {
        let head = Head::<u64>::parse(text.as_bytes());
        assert_eq!(head.is_ok(), is_whole, "{text}");
        let mut peek = Peek::<u64>::parse(text.clone().into()).expect("a first line");
        let mut entries = Vec::new();
        let read = std::iter::from_fn(|| peek.older().transpose());
        let refused = read.map(|entry| entry.map(|it| entries.push(it))).find_map(Result::err);
        match head {
            Ok(head) => assert_eq!(entries, head.entries, "{text}"),
            Err(_) => assert!(format!("{:#}", refused.expect(&text)).contains("damaged")),
        }
    }
}

/// Reads a head in both ways: what a parse reads, a peek reads as well.
#[test]
fn fuzz_heads() {
    let marked = grown(140).0.mark(&Run::default(), &ranges("3-70,99")).expect("marked").0;
    let finished = marked.clone().finish(&ranges("3-9")).expect("finished");
    let heads = [0, 1, 5, 140].map(|count| grown(count).0.fenced("f")).into_iter();
    let seeds = heads.chain([marked, finished]).map(|head| head.to_bytes().expect("JSON"));
    fuzz_driver::bytes("heads", 3_000, seeds, |input| {
        let mut peeked = Vec::new();
        let peek = Peek::<u64>::parse(bytes::Bytes::copy_from_slice(input)).and_then(|peek| {
            let mut peek = peek.at("s3://b/history.json".to_owned());
            let shape = peek.shape().clone();
            assert!(shape.segment_of(1).is_none_or(|it| it == 0));
            shape.segments_since(Some(&shape.at(7)));
            shape.segments_for(100);
            while let Some(entry) = peek.older()? {
                peeked.push(entry);
            }
            Ok(())
        });
        let peek = peek.map_or_else(fuzz_driver::line, |()| String::new());
        match Head::<u64>::parse(input) {
            Ok(head) => {
                assert_eq!((peek.as_str(), &peeked), ("", &head.entries));
                let (next, full) = (head.next(), head.is_full());
                let (head, segments) = head.append([event(1)]);
                assert_eq!((head.next(), segments.is_empty()), (next + 1, !full));
                let again = head.to_bytes().expect("JSON");
                assert_eq!(Head::<u64>::parse(&again).expect("again"), head);
                peek
            }
            Err(e) => format!("{peek} {}", fuzz_driver::line(e)),
        }
    });
}
