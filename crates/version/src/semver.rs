//! Semantic Versioning 2.0.0, as crates use it.

use std::cmp::Ordering;

use crate::compare_numbers;

/// A parsed version; it borrows the text. Build metadata is not kept: it has no order (§10).
#[derive(Debug)]
pub(crate) struct Version<'a> {
    core: [&'a str; 3],
    pre: Vec<&'a str>,
}

impl<'a> Version<'a> {
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let version = Self::loose(text)?;
        let zeros = |n: &str| n.len() > 1 && n.starts_with('0');
        let strict = !version.core.iter().any(|n| zeros(n)) && !version.pre.iter().any(|p| is_number(p) && zeros(p));
        strict.then_some(version)
    }

    /// The same grammar, but numbers may start with zeros (§2 and §9 forbid it; npm's loose mode and old Go tags have it).
    pub(crate) fn loose(text: &'a str) -> Option<Self> {
        let (rest, build) = match text.split_once('+') {
            Some((rest, build)) => (rest, Some(build)),
            None => (text, None),
        };
        if build.is_some_and(|b| !b.split('.').all(is_identifier)) {
            return None;
        }
        let (core, pre) = match rest.split_once('-') {
            Some((core, pre)) => (core, pre.split('.').collect()),
            None => (rest, vec![]),
        };
        if !pre.iter().all(|p| is_identifier(p)) {
            return None;
        }
        let mut numbers = core.split('.');
        let core = [numbers.next()?, numbers.next()?, numbers.next()?];
        (numbers.next().is_none() && core.iter().all(|n| is_number(n))).then_some(Self { core, pre })
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

fn is_identifier(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

impl Ord for Version<'_> {
    /// §11.
    fn cmp(&self, other: &Self) -> Ordering {
        let numbers = self.core.iter().zip(other.core).map(|(a, b)| compare_numbers(a, b));
        numbers.fold(Ordering::Equal, Ordering::then).then_with(|| match (self.pre.is_empty(), other.pre.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) => compare_pre(&self.pre, &other.pre),
        })
    }
}

fn compare_pre(a: &[&str], b: &[&str]) -> Ordering {
    let identifiers = a.iter().zip(b).map(|(a, b)| match (is_number(a), is_number(b)) {
        (true, true) => compare_numbers(a, b),
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => a.cmp(b),
    });
    identifiers.fold(Ordering::Equal, Ordering::then).then_with(|| a.len().cmp(&b.len()))
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
