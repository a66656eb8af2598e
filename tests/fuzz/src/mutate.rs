//! What becomes of an input: changed bytes, words of other inputs, and values of JSON.

use crate::dice::Dice;
use serde_json::{Map, Number, Value};

/// Longer inputs cost more than they show.
const LONGEST: usize = 32 << 10;
/// Words that are kept of a corpus.
const WORDS: usize = 400;

/// What readers stumble over, whatever they read.
const ODD: &[&[u8]] = &[
    b"",
    b"\0",
    b"\n",
    b"\r\n",
    b"\x1b[31m",
    b" ",
    b"/",
    b"//",
    b"..",
    b"../",
    b"/..",
    b".",
    b"\\",
    b"*",
    b"**",
    b"?",
    b"[",
    b"]",
    b"{",
    b"}",
    b"(",
    b")",
    b"'",
    b"\"",
    b"`",
    b"%",
    b"%2F",
    b"+",
    b"=",
    b"&",
    b",",
    b":",
    b"-",
    b"\xff",
    b"\xef\xbb\xbf",
    "é".as_bytes(),
    "\u{202e}".as_bytes(),
    "\u{10ffff}".as_bytes(),
];

const NUMBERS: &[&[u8]] = &[
    b"0",
    b"1",
    b"-1",
    b"00",
    b"7",
    b"64",
    b"255",
    b"4096",
    b"65536",
    b"2147483648",
    b"9223372036854775807",
    b"9223372036854775808",
    b"18446744073709551615",
    b"18446744073709551616",
];

/// Makes inputs of those of a pool.
pub(crate) struct Mutator {
    words: Vec<Vec<u8>>,
}

impl Mutator {
    /// With the words of a corpus.
    pub(crate) fn of(corpus: &[Vec<u8>]) -> Mutator {
        let is_word =
            |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
        let mut words: Vec<Vec<u8>> = corpus
            .iter()
            .flat_map(|input| input.split(|byte| !is_word(byte)))
            .filter(|word| (2..=64).contains(&word.len()))
            .map(<[u8]>::to_vec)
            .collect();
        words.sort();
        words.dedup();
        words.truncate(WORDS);
        words.extend(ODD.iter().chain(NUMBERS).map(|word| word.to_vec()));
        Mutator { words }
    }

    /// An input that is made of one or two of the pool.
    pub(crate) fn input(&self, pool: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
        let mut input = dice.pick(pool).clone();
        if dice.below(2) == 0
            && let Ok(mut value) = serde_json::from_slice::<Value>(&input)
        {
            for _ in 0..=dice.below(3) {
                let at = dice.below(nodes(&value));
                self.change_value(&mut value, &mut { at }, dice);
            }
            if let Ok(text) = serde_json::to_vec(&value) {
                return text;
            }
        }
        for _ in 0..=dice.below(4) {
            let other = dice.pick(pool).as_slice();
            self.change(&mut input, other, dice);
        }
        input.truncate(LONGEST);
        input
    }

    fn change(&self, input: &mut Vec<u8>, other: &[u8], dice: &mut Dice) {
        let at = dice.below(input.len() + 1);
        let rest = input.len() - at;
        // Most things that count are short.
        let some = |dice: &mut Dice| {
            let most = 1 << dice.below(8);
            dice.below(rest.min(most) + 1)
        };
        match dice.below(9) {
            0 => {
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= 1 << dice.below(8);
                }
            }
            1 => {
                if let Some(byte) = input.get_mut(at) {
                    *byte = dice.byte();
                }
            }
            2 => drop(input.drain(at..at + some(dice))),
            3 => input.truncate(at),
            4 => {
                let copied = input[at..at + some(dice)].to_vec();
                let to = dice.below(input.len() + 1);
                input.splice(to..to, copied);
            }
            5 => {
                let from = dice.below(other.len() + 1);
                let most = 1 << dice.below(10);
                let length = dice.below((other.len() - from).min(most) + 1);
                let end = at + some(dice);
                input.splice(at..end, other[from..from + length].iter().copied());
            }
            6 => {
                let end = at + some(dice);
                input.splice(at..end, dice.pick(&self.words).iter().copied());
            }
            7 => {
                let start = input[at..].iter().position(u8::is_ascii_digit).map(|it| at + it);
                let start = start.unwrap_or(at);
                let digits = input[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
                input.splice(start..start + digits, dice.pick(NUMBERS).iter().copied());
            }
            _ => {
                let word = dice.pick(&self.words).clone();
                input.splice(at..at, word);
            }
        }
    }

    /// Changes the value whose number, counted from the root, is `at`.
    fn change_value(&self, value: &mut Value, at: &mut usize, dice: &mut Dice) {
        if *at == 0 {
            *at = usize::MAX;
            *value = self.value(std::mem::take(value), dice);
            return;
        }
        *at = at.saturating_sub(usize::from(*at != usize::MAX));
        match value {
            Value::Array(values) => {
                values.iter_mut().for_each(|value| self.change_value(value, at, dice));
            }
            Value::Object(map) => {
                map.values_mut().for_each(|value| self.change_value(value, at, dice));
            }
            _ => {}
        }
    }

    fn value(&self, was: Value, dice: &mut Dice) -> Value {
        let word = |dice: &mut Dice| {
            String::from_utf8_lossy(dice.pick::<Vec<u8>>(&self.words)).into_owned()
        };
        match (was, dice.below(4)) {
            (Value::Object(mut map), 0..=1) => {
                let key = map.keys().nth(dice.below(map.len())).cloned().unwrap_or_default();
                match dice.below(4) {
                    0 => drop(map.remove(&key)),
                    1 => drop(map.insert(word(dice), map.get(&key).cloned().unwrap_or_default())),
                    2 => {
                        let value = map.remove(&key).unwrap_or_default();
                        map.insert(word(dice), value);
                    }
                    _ => drop(map.insert(word(dice), Value::String(word(dice)))),
                }
                Value::Object(map)
            }
            (Value::Array(mut values), 0..=1) => {
                let at = dice.below(values.len());
                match dice.below(3) {
                    _ if values.is_empty() => values.push(Value::String(word(dice))),
                    0 => drop(values.remove(at)),
                    1 => values.push(values[at].clone()),
                    _ => values.reverse(),
                }
                Value::Array(values)
            }
            (Value::String(text), 0..=1) => {
                let mut bytes = text.into_bytes();
                let other = dice.pick(self.words.as_slice()).as_slice();
                self.change(&mut bytes, other, dice);
                Value::String(String::from_utf8_lossy(&bytes).into_owned())
            }
            (Value::Number(number), 0..=1) => {
                let text = String::from_utf8_lossy(dice.pick::<&[u8]>(NUMBERS)).into_owned();
                serde_json::from_str(&text).unwrap_or(Value::Number(number))
            }
            _ => match dice.below(9) {
                0 => Value::Null,
                1 => Value::Bool(dice.below(2) == 0),
                2 => Value::Number(Number::from(dice.below(3))),
                3 => Value::Array(Vec::new()),
                4 => Value::Object(Map::new()),
                5 => Value::String("x".repeat(dice.below(2_000))),
                6 => serde_json::json!([word(dice)]),
                _ => Value::String(word(dice)),
            },
        }
    }
}

/// How many values there are in one, itself counted.
fn nodes(value: &Value) -> usize {
    1 + match value {
        Value::Array(values) => values.iter().map(nodes).sum(),
        Value::Object(map) => map.values().map(nodes).sum(),
        _ => 0,
    }
}
