//! Alpine: `number{.number}[letter]{_suffix[number]}[~hash][-rNUMBER]` (apk-tools, `src/version.c`).

use std::cmp::Ordering;

use crate::compare_numbers;

/// A parsed version; it borrows the text.
#[derive(Debug)]
pub(crate) struct Version<'a> {
    numbers: Vec<&'a str>,
    letter: Option<u8>,
    suffixes: Vec<(Suffix, &'a str)>,
    hash: &'a str,
    revision: &'a str,
}

/// In order: the first four make a version older than the plain one, the others newer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Suffix {
    Alpha,
    Beta,
    Pre,
    Rc,
    /// No suffix at all.
    None,
    Cvs,
    Svn,
    Git,
    Hg,
    P,
}

impl<'a> Version<'a> {
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let (rest, revision) = match text.rsplit_once("-r") {
            Some((rest, revision)) if is_number(revision) => (rest, revision),
            _ => (text, ""),
        };
        let (rest, hash) = match rest.split_once('~') {
            Some((rest, hash)) if !hash.is_empty() && hash.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) => {
                (rest, hash)
            }
            Some(_) => return None,
            None => (rest, ""),
        };
        let mut parts = rest.split('_');
        let mut head = parts.next()?;
        let letter = head.bytes().last().filter(u8::is_ascii_lowercase);
        if letter.is_some() {
            head = head.get(..head.len() - 1)?;
        }
        let numbers: Vec<&str> = head.split('.').collect();
        if !numbers.iter().all(|n| is_number(n)) {
            return None;
        }
        let suffixes = parts.map(suffix).collect::<Option<Vec<_>>>()?;
        Some(Self { numbers, letter, suffixes, hash, revision })
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

fn suffix(text: &str) -> Option<(Suffix, &str)> {
    let (word, number) = text.split_at(text.find(|c: char| c.is_ascii_digit()).unwrap_or(text.len()));
    if !number.is_empty() && !is_number(number) {
        return None;
    }
    let suffix = match word {
        "alpha" => Suffix::Alpha,
        "beta" => Suffix::Beta,
        "pre" => Suffix::Pre,
        "rc" => Suffix::Rc,
        "cvs" => Suffix::Cvs,
        "svn" => Suffix::Svn,
        "git" => Suffix::Git,
        "hg" => Suffix::Hg,
        "p" => Suffix::P,
        _ => return None,
    };
    Some((suffix, number))
}

impl Ord for Version<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        compare_dotted(&self.numbers, &other.numbers)
            .then_with(|| self.letter.cmp(&other.letter))
            .then_with(|| compare_suffixes(&self.suffixes, &other.suffixes))
            .then_with(|| self.hash.cmp(other.hash))
            .then_with(|| compare_numbers(self.revision, other.revision))
    }
}

impl PartialOrd for Version<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Version<'_> {}

/// Numbers after the first count like decimals where one of them starts with a zero: 1.01 is older than 1.1.
fn compare_dotted(a: &[&str], b: &[&str]) -> Ordering {
    for (i, (a, b)) in a.iter().zip(b).enumerate() {
        let order = if i > 0 && (a.starts_with('0') || b.starts_with('0')) { a.cmp(b) } else { compare_numbers(a, b) };
        if order != Ordering::Equal {
            return order;
        }
    }
    a.len().cmp(&b.len())
}

fn compare_suffixes(a: &[(Suffix, &str)], b: &[(Suffix, &str)]) -> Ordering {
    let at = |list: &[(Suffix, &str)], i: usize| {
        list.get(i).map_or((Suffix::None, String::new()), |(s, n)| (*s, (*n).to_owned()))
    };
    for i in 0..a.len().max(b.len()) {
        let ((suffix_a, number_a), (suffix_b, number_b)) = (at(a, i), at(b, i));
        let order = suffix_a.cmp(&suffix_b).then_with(|| compare_numbers(&number_a, &number_b));
        if order != Ordering::Equal {
            return order;
        }
    }
    Ordering::Equal
}
