use super::*;

mod go;

fn pattern(text: &str) -> Pattern {
    Pattern::parse("source.regexp", text).unwrap_or_else(|e| panic!("{text}: {e}"))
}

/// What Go 1.23 says of each: whether the expression matches somewhere in the text.
#[test]
fn the_syntax_is_that_of_go() {
    let cases = [
        (r"^\d$", "1", true),
        (r"^\d$", "٣", false),
        (r"^\w$", "é", false),
        (r"^\s$", "\u{b}", false),
        (r"^\s$", "\u{a0}", false),
        (r"^[[:space:]]$", "\u{b}", true),
        (r"a\b", "aé", true),
        (r"^\Qa.b\E$", "a.b", true),
        (r"^\Qa.b\E$", "axb", false),
        (r"\Qa.b", "a.b", true),
        (r"^a{$", "a{", true),
        (r"^a{,2}$", "a{,2}", true),
        (r"^a{2,3}$", "aaa", true),
        (r"^[a[b]$", "[", true),
        (r"^[a&&b]$", "&", true),
        (r"^[a~~b]$", "~", true),
        (r"(?i)ABC", "abc", true),
        (r"(?i:A)b", "aB", false),
        (r"^a.b$", "a\nb", false),
        (r"(?s)^a.b$", "a\nb", true),
        (r"^\pL$", "é", true),
        (r"^\p{Greek}$", "α", true),
        (r"^\x41\x{3B1}\101$", "AαA", true),
        (r"^[^a]$", "é", true),
        ("^é$", "é", true),
        (r"^(?P<x>a)(?<y>b)$", "ab", true),
        (r"^(?P<x>a)(?<x>b(?<x>c))$", "abc", true),
        (r"^a-b#c $", "a-b#c ", true),
    ];
    for (text, subject, want) in cases {
        assert_eq!(pattern(text).is_match(subject), want, "{text} {subject:?}");
    }
}

#[test]
fn what_go_refuses() {
    let cases = [
        "a(b",
        "a)b",
        "[a",
        "a**",
        "*a",
        "a{2,1}",
        "a{1001}",
        r"a\",
        r"\8",
        "(?=a)",
        "(?P<>a)",
        r"\pX",
        "[b-a]",
        r"(a{500}){500}",
    ];
    for text in cases {
        let error = Pattern::parse("source.regexp", text).expect_err(text).to_string();
        assert!(error.starts_with("source.regexp: `"), "{error}");
        assert!(!error.contains('\n'), "{error}");
    }
}

#[test]
fn where_the_version_is() {
    let cases = [
        ("app-(.*).tgz", "app-1.2.tgz", Some("1.2")),
        ("app-(.*).tgz", "x/app-1.2.tgz.sha", Some("1.2")),
        ("app-(.*).tgz", "ap-1.2.tgz", None),
        ("app-.*.tgz", "app-1.2.tgz", None),
        ("(a)-(.*)-(b)", "a-1-b", Some("a")),
        ("(a)-(?P<version>.*)-(b)", "a-1-b", Some("1")),
        ("(?P<version>.*)-(b)", "1-b", Some("1")),
        ("(?P<other>.*)-(b)", "1-b", Some("1")),
        ("(a)(?P<version>1)?-(?P<version>2)?", "a1-2", Some("1")),
        ("(a)(?P<version>1)?-(?P<version>2)?", "a-2", Some("")),
        ("app(-.*)?", "app", Some("")),
        ("app-(.+?)", "app-12", Some("12")),
    ];
    for (text, path, want) in cases {
        assert_eq!(pattern(text).version_in(path), want, "{text} {path}");
    }
    assert!(!pattern("app-.*").has_group());
}

#[test]
fn templates_are_those_of_go() {
    let cases = [
        ("a(.)c", "abc", "x-$1", "x-b"),
        ("a(.)c", "abc", "x-${1}y", "x-by"),
        ("a(.)c", "abc", "x-$1y", "x-"),
        ("a(?P<n>.)c", "abc", "${n}$n", "bb"),
        ("a(.)c", "zabcz", "$1", "zbz"),
        ("a(.)c", "abc", "$$1", "$1"),
        ("a(.)c", "abc", "$ $-", "$ $-"),
        ("a(.)c", "abc", "$2", ""),
        ("(?<n>b)|(?<n>c)", "abc", "[$n]", "a[b][c]"),
        ("a(.)c", "abc", "${1", "${1"),
        ("b", "abc", "$0$0", "abbc"),
    ];
    for (text, subject, template, want) in cases {
        assert_eq!(pattern(text).replace_all(subject, template), want, "{text} {template}");
    }
}

/// A pattern, a path and a template, a line each. What is accepted compiles, and what it finds is a
/// part of the path.
#[test]
fn fuzz_patterns() {
    let seeds = [
        "^r/app-(?P<version>\\d+\\.\\d+)-(linux|darwin)\\.tgz$\nr/app-1.2-linux.tgz\n${version}$2",
        "(?i:[[:alpha:]]+)/\\Qa.b\\E([^/]{2,3}?)*\nABC/a.bxx\n$1$$",
        "a|b(c)|(?U)d.*(?-U)[\\]\\-a-z]\n bc\n${0}",
        "\\pL\\P{Greek}[\\d\\S\\x41-\\x{5A}\\pN]+\\b\\B\\A\\z\n\n",
        "(?sm-i)(.+)(?:x{0,2}){3,}(?<n>y)?\nxxx\n$n",
    ];
    fuzz_driver::texts("patterns", 1_500, seeds, |input| {
        let mut lines = input.splitn(3, '\n');
        let (text, path) = (lines.next().unwrap_or(""), lines.next().unwrap_or("r/app-1.2.tgz"));
        match Pattern::parse("source.regexp", text) {
            Ok(pattern) => {
                let version = pattern.version_in(path);
                assert!(version.is_none_or(|it| path.contains(it)), "{text} {path}");
                assert!(!pattern.is_whole(path) || pattern.is_match(path), "{text} {path}");
                let replaced = pattern.replace_all(path, lines.next().unwrap_or("$1"));
                assert!(pattern.is_match(path) || replaced == path, "{text} {path}");
                format!("{} {}", version.is_some(), pattern.has_group())
            }
            Err(e) => fuzz_driver::line(e),
        }
    });
}
