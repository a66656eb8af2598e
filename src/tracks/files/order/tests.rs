use super::*;

/// What concourse/s3-resource 2.5.4 says of the pairs that [`Versions`] makes: four in a byte, the
/// first in its lowest bits. 0: less, 1: equal, 2: greater, 3: it stops at one of the two.
const ANSWERS: &[u8] = include_bytes!("answers.bin");
const PAIRS: usize = 100_000;

/// Makes versions: the same ones for everybody who starts from the same seed (splitmix64).
struct Versions(u64);

impl Versions {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }

    fn component(&mut self, out: &mut String) {
        const TEXTS: [&str; 16] = [
            "0",
            "00",
            "01",
            "0999",
            "alpha",
            "beta",
            "rc",
            "v1",
            "a",
            "Z",
            "_",
            "x-y",
            "9a",
            "",
            "99999999999999999999",
            "é",
        ];
        match self.below(8) {
            0..4 => out.push_str(&self.below(4).to_string()),
            4 => out.push_str(&self.below(1_000_000).to_string()),
            5 => out.push_str(&format!("rc{}", self.below(12))),
            _ => {
                // The last three, which stop s3-resource, are rarer than the others.
                let n = self.below(13 * 8 + 3);
                let index = if n < 13 * 8 { n % 13 } else { n - 13 * 8 + 13 };
                out.push_str(TEXTS[usize::try_from(index).expect("small")]);
            }
        }
    }

    fn segment(&mut self, out: &mut String) {
        for i in 0..=self.below(4) {
            if i > 0 {
                out.push('.');
            }
            self.component(out);
        }
    }

    fn version(&mut self) -> String {
        let mut out = String::new();
        self.segment(&mut out);
        for mark in ['-', '+'] {
            if self.below(4) == 0 {
                out.push(mark);
                self.segment(&mut out);
            }
        }
        out
    }

    /// Half of the pairs share a beginning, as the versions of one file do.
    fn pair(&mut self) -> (String, String) {
        let a = self.version();
        if self.below(2) == 0 {
            return (a, self.version());
        }
        let mut b = a.clone();
        b.push(['.', '-', '+'][usize::try_from(self.below(3)).expect("small")]);
        self.segment(&mut b);
        if self.below(2) == 0 { (a, b) } else { (b, a) }
    }
}

#[test]
fn agrees_with_s3_resource() {
    let mut versions = Versions(20_160_921);
    let (mut accepted, mut answers) = (0, ANSWERS.iter());
    let mut byte = 0;
    for i in 0..PAIRS {
        if i % 4 == 0 {
            byte = *answers.next().expect("an answer for each pair");
        }
        let want = match (byte >> (i % 4 * 2)) & 3 {
            0 => Ordering::Less,
            1 => Ordering::Equal,
            2 => Ordering::Greater,
            _ => {
                versions.pair();
                continue;
            }
        };
        let (a, b) = versions.pair();
        assert_eq!(Order::of(&a).cmp(&Order::of(&b)), want, "{a} {b}");
        accepted += 1;
    }
    assert!(accepted > PAIRS * 3 / 4, "{accepted}");
    assert!(answers.next().is_none());
}

#[test]
fn is_total() {
    let mut versions = Versions(7);
    let all: Vec<Order> = (0..120).map(|_| Order::of(&versions.version())).collect();
    for a in &all {
        assert_eq!(a.cmp(a), Ordering::Equal);
        for b in &all {
            assert_eq!(a.cmp(b), b.cmp(a).reverse());
            for c in &all {
                if a <= b && b <= c {
                    assert!(a <= c, "{a:?} {b:?} {c:?}");
                }
                if a == b {
                    assert_eq!(a.cmp(c), b.cmp(c));
                }
            }
        }
    }
}

#[test]
fn each_comes_before_the_next() {
    let rising = [
        "",
        "0.0.1-alpha",
        "0.0.1",
        "0.9",
        "0.10",
        "1-alpha",
        "1-alpha.1",
        "1-alpha.a",
        "1-rc.2",
        "1-rc.10",
        "1-rc10",
        "1-rc2",
        "1",
        "1+1",
        "1+1.1",
        "1+a",
        // Two marks stop s3-resource.
        "1+gdead53c",
        "1+gdead53c+1525773154",
        "1.0.1",
        "1.2 beta",
        "2",
        // Above 2^63, too, and around 2^64.
        "18446744073709551614",
        "18446744073709551615",
        "18446744073709551616",
        "18446744073709551617",
        "99999999999999999999",
        "100000000000000000000",
        "1000000000000000000000",
        // A leading zero makes a text.
        "0999",
        "v1.9",
        "v1.10",
        "v9.0",
        "é",
    ];
    for (i, a) in rising.iter().enumerate() {
        for b in &rising[i + 1..] {
            assert!(Order::of(a) < Order::of(b), "{a} {b}");
        }
    }
}

#[test]
fn equal_ones() {
    for (a, b) in [("1", "1.0"), ("1.0.0", "1"), ("1-0", "1-0.0"), ("1.", "1"), ("1..2", "1.0.2")] {
        assert_eq!(Order::of(a), Order::of(b), "{a} {b}");
    }
    assert_ne!(Order::of("1.00"), Order::of("1"));
}

/// Three versions, a line each.
#[test]
fn fuzz_versions() {
    let seeds = ["1.2.3-rc.1+7\n1.2.3\n1.2.4", "0999\n1000\n1", "v1.10\nv1.9\n", "1.0\n1\n1.0.0-0"];
    fuzz_driver::texts("versions", 20_000, seeds, |input| {
        let all: Vec<Order> = input.split('\n').take(3).map(Order::of).collect();
        let mut answer = String::new();
        for a in &all {
            for b in &all {
                let order = a.cmp(b);
                assert_eq!(order, b.cmp(a).reverse(), "{input:?}");
                assert_eq!(a == b, order == Ordering::Equal, "{input:?}");
                for c in &all {
                    assert!(!(a <= b && b <= c) || a <= c, "{input:?}");
                    assert!(a != b || a.cmp(c) == b.cmp(c), "{input:?}");
                }
                answer.push_str(&format!("{order:?}"));
            }
        }
        answer
    });
}
