//! The same expressions on the same texts, by Go's `regexp` and by ours.
//!
//! The pairs are made by chance, the same ones in every run; `answers.bin` has a byte for each, which
//! `answers.go` made of them:
//!
//! ```text
//! GO_PAIRS=/tmp/pairs cargo test --lib files::pattern::tests::go
//! go run src/tracks/files/pattern/tests/answers.go < /tmp/pairs > src/tracks/files/pattern/tests/answers.bin
//! ```

use super::*;

/// Go 1.26's. 0: no expression; 1: it matches nowhere; else 2 and more, by where its groups are.
const ANSWERS: &[u8] = include_bytes!("answers.bin");
const PAIRS: usize = 20_000;

/// Numbers by chance (splitmix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % n as u64).expect("small")
    }

    fn pick(&mut self, of: &[&'static str]) -> &'static str {
        of[self.below(of.len())]
    }

    #[rustfmt::skip]
    fn atom(&mut self, out: &mut String) {
        const ATOMS: [&str; 66] = [
            "a", "b", "1", "-", "/", "é", ".", "^", "$", r"\d", r"\D", r"\w", r"\W", r"\s", r"\S",
            r"\b", r"\B", r"\A", r"\z", r"\.", r"\-", r"\/", r"\n", r"\t", r"\v", r"\a", r"\x41",
            r"\x{e9}", r"\141", r"\0", r"\pL", r"\PL", r"\p{Lu}", r"\p{^Greek}", r"\Qa.b\E", r"\Q[",
            r"\E", r"\Z", r"\C", r"\8", r"\e", r"\G", "[ab]", "[^ab]", "[a-c1-2]", "[]a]", "[^]a]",
            "[a-]", "[-a]", r"[\d\-x]", r"[\]a]", "[[:alpha:]]", "[^[:^space:]b]", "[[:word:]-]",
            "[b-a]", "[a", "[]", "[[:foo:]]", "[a&&b]", "[a~~b]", r"[\pL\S]", r"[\x41-\x{44}]",
            "{", "}", "a{,2}", "#",
        ];
        out.push_str(self.pick(&ATOMS));
    }

    fn pattern(&mut self, depth: usize, out: &mut String) {
        const OPEN: [&str; 14] = [
            "(", "(", "(", "(?:", "(?P<n>", "(?<m>", "(?i)(", "(?i:", "(?s:", "(?-s:", "(?m:",
            "(?U:", "(?i-s:", "(?=",
        ];
        const TIMES: [&str; 14] = [
            "*", "+", "?", "*?", "+?", "??", "{2}", "{0,2}", "{1,}", "{2,1}", "{0}", "{1,3}?",
            "**", "{1001}",
        ];
        for _ in 0..=self.below(4) {
            match self.below(12) {
                0..=6 => self.atom(out),
                7..=8 if depth > 0 => {
                    out.push_str(self.pick(&OPEN));
                    self.pattern(depth - 1, out);
                    if self.below(20) > 0 {
                        out.push(')');
                    }
                }
                9 => out.push('|'),
                10 => {
                    out.push_str(self.pick(&["(?i)", "(?m)", "(?s)", "(?U)", "(?-i)", ")", r"\"]))
                }
                _ => self.atom(out),
            }
            if self.below(3) == 0 {
                let sign = self.below(6);
                out.push_str(TIMES[if sign < 5 { self.below(9) } else { self.below(14) }]);
            }
        }
    }

    fn pair(&mut self) -> (String, String) {
        const TEXT: [&str; 22] = [
            "a", "a", "b", "ab", "A", "B", "c", "1", "2", "-", "/", ".", "a.b", " ", "\n", "\t",
            "\u{b}", "é", "É", "α", "[", "٣",
        ];
        let (mut pattern, mut text) = (String::new(), String::new());
        self.pattern(2, &mut pattern);
        for _ in 0..self.below(7) {
            text.push_str(self.pick(&TEXT));
        }
        (pattern, text)
    }
}

fn answer(pattern: &str, text: &str) -> u8 {
    let Ok(pattern) = Pattern::parse("regexp", pattern) else { return 0 };
    let Some(captures) = pattern.regex.captures(text) else { return 1 };
    // FNV-1a over the beginning and the end of each group, 255 where it has none.
    let groups = (0..=pattern.names.len()).map(|index| captures.get(index));
    let spans = groups.flat_map(|it| it.map_or([255; 2], |it| [it.start(), it.end()]));
    let hash = spans.fold(0x811c_9dc5_u32, |hash, at| {
        (hash ^ u32::try_from(at).expect("small")).wrapping_mul(0x0100_0193)
    });
    u8::try_from(2 + hash % 254).expect("a byte")
}

#[test]
fn agrees_with_go() {
    let mut dice = Dice(20_091_110);
    let pairs: Vec<(String, String)> = (0..PAIRS).map(|_| dice.pair()).collect();
    if let Some(path) = crate::machine::environment::variable("GO_PAIRS") {
        let lines = pairs.iter().map(|pair| serde_json::to_string(pair).expect("JSON") + "\n");
        std::fs::write(path, lines.collect::<String>()).expect("the pairs");
        return;
    }
    assert_eq!(ANSWERS.len(), PAIRS);
    let (mut counts, mut wrong) = ([0; 3], Vec::new());
    for ((pattern, text), want) in pairs.iter().zip(ANSWERS) {
        let ours = answer(pattern, text);
        if ours != *want {
            wrong.push(format!("{pattern:?} {text:?}: {ours}, and Go {want}"));
        }
        counts[usize::from(*want).min(2)] += 1;
    }
    assert!(wrong.is_empty(), "{}: {}", wrong.len(), wrong[..wrong.len().min(20)].join("\n"));
    assert!(counts.iter().all(|count| *count > PAIRS / 10), "{counts:?}");
}
