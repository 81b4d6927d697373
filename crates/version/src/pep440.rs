//! Python: PEP 440, "Version Identification and Dependency Specification", with its normalizations.

use std::cmp::Ordering;

use crate::compare_numbers;

/// A parsed version with its numbers as digits.
#[derive(Debug)]
pub(crate) struct Version {
    epoch: String,
    release: Vec<String>,
    pre: Option<(u8, String)>,
    post: Option<String>,
    dev: Option<String>,
    local: Vec<String>,
}

impl Version {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let lower = text.trim().to_ascii_lowercase();
        let text = lower.strip_prefix('v').unwrap_or(&lower);
        let (public, local) = match text.split_once('+') {
            Some((public, local)) => (public, segments(local)?),
            None => (text, vec![]),
        };
        let (epoch, rest) = match public.split_once('!') {
            Some((epoch, rest)) if is_number(epoch) => (epoch, rest),
            Some(_) => return None,
            None => ("", public),
        };
        let mut cursor = Cursor(rest);
        let mut release = vec![cursor.digits()?];
        while let Some(number) = cursor.after_dot() {
            release.push(number);
        }
        let pre = cursor.word(&[
            ("alpha", b'a'),
            ("beta", b'b'),
            ("preview", b'c'),
            ("pre", b'c'),
            ("rc", b'c'),
            ("a", b'a'),
            ("b", b'b'),
            ("c", b'c'),
        ]);
        // `1.0-1` is an implicit post-release.
        let post = cursor.implicit_post().or_else(|| cursor.word(&[("post", 0), ("rev", 0), ("r", 0)]).map(|(_, n)| n));
        let dev = cursor.word(&[("dev", 0)]).map(|(_, n)| n);
        cursor.0.is_empty().then(|| Self { epoch: epoch.to_owned(), release, pre, post, dev, local })
    }

    /// The release without the zeros at its end: 1.0 and 1 are equal.
    fn significant(&self) -> &[String] {
        let end = self.release.iter().rposition(|n| !n.trim_start_matches('0').is_empty()).map_or(0, |i| i + 1);
        self.release.get(..end).unwrap_or_default()
    }

    /// A development release without pre- or post-release sorts before the pre-releases.
    fn pre_rank(&self) -> (u8, u8, &str) {
        match (&self.pre, &self.post, &self.dev) {
            (Some((letter, number)), ..) => (1, *letter, number),
            (None, None, Some(_)) => (0, 0, ""),
            _ => (2, 0, ""),
        }
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

fn segments(local: &str) -> Option<Vec<String>> {
    let segments: Vec<&str> = local.split(['.', '-', '_']).collect();
    let fits = |s: &&str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_alphanumeric());
    segments.iter().all(fits).then(|| segments.into_iter().map(str::to_owned).collect())
}

/// What is left of a public version.
struct Cursor<'a>(&'a str);

impl Cursor<'_> {
    fn digits(&mut self) -> Option<String> {
        let (digits, rest) = self.0.split_at(self.0.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.0.len()));
        self.0 = rest;
        (!digits.is_empty()).then(|| digits.to_owned())
    }

    fn after_dot(&mut self) -> Option<String> {
        let rest = self.0.strip_prefix('.')?;
        if !rest.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        self.0 = rest;
        self.digits()
    }

    fn implicit_post(&mut self) -> Option<String> {
        let rest = self.0.strip_prefix('-')?;
        if !rest.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        self.0 = rest;
        self.digits()
    }

    /// One of the words, with an optional separator before it and between it and its number; no number means 0.
    fn word(&mut self, words: &[(&str, u8)]) -> Option<(u8, String)> {
        let start = self.0.strip_prefix(['.', '-', '_']).unwrap_or(self.0);
        let (rest, rank) = words.iter().find_map(|(word, rank)| Some((start.strip_prefix(word)?, *rank)))?;
        self.0 = rest;
        let after = rest.strip_prefix(['.', '-', '_']).filter(|r| r.starts_with(|c: char| c.is_ascii_digit()));
        self.0 = after.unwrap_or(rest);
        Some((rank, self.digits().unwrap_or_else(|| "0".to_owned())))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let (a, b) = (self.significant(), other.significant());
        let release = a.iter().zip(b).map(|(a, b)| compare_numbers(a, b)).fold(Ordering::Equal, Ordering::then);
        let ((rank_a, letter_a, number_a), (rank_b, letter_b, number_b)) = (self.pre_rank(), other.pre_rank());
        compare_numbers(&self.epoch, &other.epoch)
            .then(release)
            .then(a.len().cmp(&b.len()))
            .then((rank_a, letter_a).cmp(&(rank_b, letter_b)))
            .then_with(|| compare_numbers(number_a, number_b))
            .then_with(|| optional(&self.post, &other.post, Ordering::Less))
            .then_with(|| optional(&self.dev, &other.dev, Ordering::Greater))
            .then_with(|| compare_local(&self.local, &other.local))
    }
}

/// `absent` is the order of a missing part against a present one.
fn optional(a: &Option<String>, b: &Option<String>, absent: Ordering) -> Ordering {
    match (a, b) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => absent,
        (Some(_), None) => absent.reverse(),
        (Some(a), Some(b)) => compare_numbers(a, b),
    }
}

/// Numbers are newer than words, a longer label than its beginning.
fn compare_local(a: &[String], b: &[String]) -> Ordering {
    let segments = a.iter().zip(b).map(|(a, b)| match (is_number(a), is_number(b)) {
        (true, true) => compare_numbers(a, b),
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) => a.cmp(b),
    });
    segments.fold(Ordering::Equal, Ordering::then).then_with(|| a.len().cmp(&b.len()))
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Version {}
