//! Go: semantic versions with a `v`, pseudo-versions among them (Go Modules Reference, "Versions").
//!
//! OSV writes Go's versions without the `v`, and the toolchain's as `go1.21.3` or `1.21rc2`; each is read.

use std::cmp::Ordering;

use crate::semver::Version;

/// A version of any of the spellings, as a semantic version. `+incompatible` is build metadata and has no order.
#[derive(Debug)]
pub(crate) struct GoVersion(String);

pub(crate) fn parse(text: &str) -> Option<GoVersion> {
    let plain = text.strip_prefix("go").or_else(|| text.strip_prefix('v')).unwrap_or(text);
    let text = if Version::loose(plain).is_some() { plain.to_owned() } else { toolchain(plain)? };
    Version::loose(&text)?;
    Some(GoVersion(text))
}

/// `1.21`, `1.21rc2` and `1.4beta1`, the toolchain's own, have fewer numbers and no hyphen.
fn toolchain(text: &str) -> Option<String> {
    let (numbers, pre) = text.split_at(text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len()));
    let padding = match numbers.split('.').count() {
        1 => ".0.0",
        2 => ".0",
        3 => "",
        _ => return None,
    };
    if pre.is_empty() {
        return Some(format!("{numbers}{padding}"));
    }
    let (word, number) = pre.split_at(pre.find(|c: char| c.is_ascii_digit())?);
    Some(format!("{numbers}{padding}-{word}.{number}"))
}

impl Ord for GoVersion {
    fn cmp(&self, other: &Self) -> Ordering {
        Version::loose(&self.0).cmp(&Version::loose(&other.0))
    }
}

impl PartialOrd for GoVersion {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for GoVersion {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for GoVersion {}
