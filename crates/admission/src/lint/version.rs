//! Versions of Kyverno, and the ranges of them that a rule is about.

use std::fmt;
use std::str::FromStr;

/// A release of Kyverno, as far as rules tell releases apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// The first number.
    pub major: u16,
    /// The second.
    pub minor: u16,
    /// The third; 0 where it is left out.
    pub patch: u16,
}

impl Version {
    /// The release that is judged for where none is named: the first for which the rendered bundle is made, and the one on which
    /// the rules were measured.
    pub const DEFAULT: Self = Self::new(1, 19, 1);

    /// A version.
    pub const fn new(major: u16, minor: u16, patch: u16) -> Self {
        Self { major, minor, patch }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)?;
        if self.patch == 0 { Ok(()) } else { write!(f, ".{}", self.patch) }
    }
}

impl FromStr for Version {
    type Err = String;

    /// `1.19.1`, `v1.19.1` or `1.19`; what follows a hyphen or a plus is left out.
    fn from_str(text: &str) -> Result<Self, String> {
        let unfit = || format!("{text:?} is no version of Kyverno, expected for example 1.19.1");
        let plain = text.strip_prefix('v').unwrap_or(text);
        let plain = plain.split(['-', '+']).next().unwrap_or_default();
        let numbers: Vec<u16> = plain.split('.').map(str::parse).collect::<Result<_, _>>().map_err(|_| unfit())?;
        match numbers[..] {
            [major, minor] => Ok(Self::new(major, minor, 0)),
            [major, minor, patch] => Ok(Self::new(major, minor, patch)),
            _ => Err(unfit()),
        }
    }
}

/// From one release on, up to and without another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Versions {
    /// The first, if there is one.
    pub since: Option<Version>,
    /// The first that is not in it any more, if there is one.
    pub before: Option<Version>,
}

impl Versions {
    /// Every one.
    pub const ALL: Self = Self { since: None, before: None };

    /// From this one on.
    pub const fn since(major: u16, minor: u16, patch: u16) -> Self {
        Self { since: Some(Version::new(major, minor, patch)), before: None }
    }

    /// All before this one.
    pub const fn before(major: u16, minor: u16, patch: u16) -> Self {
        Self { since: None, before: Some(Version::new(major, minor, patch)) }
    }

    /// Whether a release is one of them.
    pub fn contains(self, version: Version) -> bool {
        self.since.is_none_or(|since| since <= version) && self.before.is_none_or(|before| version < before)
    }
}

impl fmt::Display for Versions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.since, self.before) {
            (None, None) => f.write_str("all"),
            (Some(since), None) => write!(f, "{since} and later"),
            (None, Some(before)) => write!(f, "before {before}"),
            (Some(since), Some(before)) => write!(f, "{since} up to before {before}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_ordered_and_compared_with_ranges() {
        let version = |text: &str| text.parse::<Version>().expect("version");
        assert_eq!(version("v1.19.1"), Version::DEFAULT);
        assert_eq!(version("1.20-rc.1"), Version::new(1, 20, 0));
        assert!(version("1.9") < version("1.19"));
        for wrong in ["", "1", "1.19.1.1", "latest", "1.x", "-1.2", "1.99999999"] {
            assert!(wrong.parse::<Version>().is_err(), "{wrong}");
        }
        let (since, before) = (Versions::since(1, 19, 0), Versions::before(1, 19, 0));
        assert!(since.contains(version("1.19")) && !before.contains(version("1.19")));
        assert!(!since.contains(version("1.18.2")) && before.contains(version("1.18.2")));
        assert_eq!((since.to_string(), before.to_string()), ("1.19 and later".into(), "before 1.19".into()));
    }
}
