//! What no glob of a person looks like, and what would cost more than any is worth to read.

/// In bytes.
const LONGEST: usize = 4096;
/// Braces within braces.
const DEEPEST: usize = 16;
/// Globs at one place.
pub const MOST: usize = 10_000;

/// Why a glob is not even read: reading it may take a stack frame for each brace in it.
pub fn flaw(glob: &str) -> Option<String> {
    if glob.len() > LONGEST {
        return Some(format!("has {} bytes, and {LONGEST} are the most", glob.len()));
    }
    let (mut depth, mut deepest) = (0usize, 0);
    for byte in glob.bytes() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    (deepest > DEEPEST).then(|| format!("has braces {deepest} deep, and {DEEPEST} are the most"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_that_are_not_read() {
        let nested = |n: usize| format!("{}a{}", "{".repeat(n), "}".repeat(n));
        for good in ["**/*.zip", "", &nested(16), &"{a,b}".repeat(100), &"x".repeat(4096)] {
            assert_eq!(flaw(good), None, "{good}");
        }
        for bad in [nested(17), nested(43_000), "x".repeat(4097)] {
            assert!(flaw(&bad).is_some(), "{}", bad.len());
        }
    }
}
