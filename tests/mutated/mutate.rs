//! Small damage to a text: bytes flipped, parts cut out, repeated or moved, words of the trade put in.

use std::hash::{BuildHasher, RandomState};

const WORDS: &str = include_str!("../../fuzz/tokens.dict");

pub struct Mutator {
    /// What the whole sequence follows from; `CUTOVER_FUZZ_SEED` repeats one.
    pub seed: u64,
    state: u64,
    words: Vec<Vec<u8>>,
}

impl Mutator {
    pub fn new() -> Self {
        let given = std::env::var("CUTOVER_FUZZ_SEED").ok().and_then(|text| text.parse().ok());
        let seed = given.unwrap_or_else(|| RandomState::new().hash_one(0) | 1);
        let words = WORDS.lines().filter_map(|line| line.strip_prefix('"')?.strip_suffix('"'));
        Self { seed, state: seed, words: words.map(unescaped).collect() }
    }

    /// A number below `end`, or 0.
    fn below(&mut self, end: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        usize::try_from(self.state >> 11).unwrap_or(0) % end.max(1)
    }

    /// One of the seeds with one to six damages.
    pub fn mutate(&mut self, seeds: &[&str]) -> Vec<u8> {
        let mut bytes = seeds[self.below(seeds.len())].as_bytes().to_vec();
        for _ in 0..=self.below(6) {
            self.damage(&mut bytes, seeds);
        }
        bytes
    }

    fn damage(&mut self, bytes: &mut Vec<u8>, seeds: &[&str]) {
        let at = self.below(bytes.len() + 1);
        let end = (at + self.below(40)).min(bytes.len());
        match self.below(9) {
            0 if at < bytes.len() => bytes[at] ^= 1 << self.below(7),
            1 if self.below(8) == 0 => bytes.truncate(at),
            2 => drop(bytes.drain(at..end)),
            3 => {
                let part = bytes[at..end].to_vec();
                let to = self.below(bytes.len() + 1);
                bytes.splice(to..to, part);
            }
            4 | 5 => {
                let word = self.below(self.words.len());
                let word = self.words[word].clone();
                let end = if self.below(2) == 0 { at } else { end };
                bytes.splice(at..end, word);
            }
            6 => self.lines(bytes, |lines, one, other| lines.swap(one, other)),
            7 => self.lines(bytes, |lines, one, other| lines.insert(other, lines[one].clone())),
            _ => {
                let other = seeds[self.below(seeds.len())].as_bytes();
                let line = other.split(|&byte| byte == b'\n').nth(self.below(40)).unwrap_or_default().to_vec();
                self.lines(bytes, |lines, one, _| lines[one] = line);
            }
        }
    }

    fn lines(&mut self, bytes: &mut Vec<u8>, change: impl FnOnce(&mut Vec<Vec<u8>>, usize, usize)) {
        let mut lines: Vec<Vec<u8>> = bytes.split(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect();
        let (one, other) = (self.below(lines.len()), self.below(lines.len()));
        change(&mut lines, one, other);
        *bytes = lines.join(&b'\n');
    }
}

/// The bytes of a word in which some are written as `\x0a`.
fn unescaped(word: &str) -> Vec<u8> {
    let mut parts = word.split("\\x");
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).unwrap());
        bytes.extend(&part.as_bytes()[2..]);
    }
    bytes
}
