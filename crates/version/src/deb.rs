//! Debian: `[epoch:]upstream[-revision]` (Debian Policy §5.6.12, deb-version(7)).

use std::cmp::Ordering;

use crate::compare_numbers;

/// A parsed version; it borrows the text.
#[derive(Debug)]
pub(crate) struct Version<'a> {
    epoch: u64,
    upstream: &'a str,
    revision: &'a str,
}

impl<'a> Version<'a> {
    /// The checks are those of dpkg's `parseversion`.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let (epoch, rest) = match text.split_once(':') {
            Some((epoch, rest)) => (epoch.parse::<u32>().ok().filter(|e| i32::try_from(*e).is_ok())?, rest),
            None => (0, text),
        };
        let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, ""));
        let revision_missing = rest.ends_with('-');
        let starts_with_digit = upstream.starts_with(|c: char| c.is_ascii_digit());
        let upstream_fits = upstream.bytes().all(|b| b.is_ascii_alphanumeric() || b"-+._~:".contains(&b));
        let revision_fits = revision.bytes().all(|b| b.is_ascii_alphanumeric() || b"+._~".contains(&b));
        let fits = !revision_missing && starts_with_digit && upstream_fits && revision_fits;
        fits.then_some(Self { epoch: u64::from(epoch), upstream, revision })
    }
}

impl Ord for Version<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.epoch
            .cmp(&other.epoch)
            .then_with(|| compare_part(self.upstream, other.upstream))
            .then_with(|| compare_part(self.revision, other.revision))
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

/// Runs of non-digits and digits by turns, compared from the left.
fn compare_part(mut a: &str, mut b: &str) -> Ordering {
    while !a.is_empty() || !b.is_empty() {
        let (text_a, rest_a) = split(a, |c| !c.is_ascii_digit());
        let (text_b, rest_b) = split(b, |c| !c.is_ascii_digit());
        let (number_a, rest_a) = split(rest_a, |c| c.is_ascii_digit());
        let (number_b, rest_b) = split(rest_b, |c| c.is_ascii_digit());
        let order = compare_text(text_a, text_b).then_with(|| compare_numbers(number_a, number_b));
        if order != Ordering::Equal {
            return order;
        }
        (a, b) = (rest_a, rest_b);
    }
    Ordering::Equal
}

fn split(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !belongs(c)).unwrap_or(text.len()))
}

/// A tilde sorts before the end, the end before letters, letters before everything else.
fn compare_text(a: &str, b: &str) -> Ordering {
    let weight = |byte: Option<u8>| match byte {
        Some(b'~') => -1,
        None => 0,
        Some(b) if b.is_ascii_alphabetic() => i32::from(b),
        Some(b) => i32::from(b) + 256,
    };
    let longest = a.len().max(b.len());
    (0..longest)
        .map(|i| weight(a.as_bytes().get(i).copied()).cmp(&weight(b.as_bytes().get(i).copied())))
        .find(|order| *order != Ordering::Equal)
        .unwrap_or(Ordering::Equal)
}
