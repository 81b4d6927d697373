//! Version orders: one file per ecosystem. Each follows the tool that the ecosystem itself uses.

mod apk;
mod deb;
mod go;
mod npm;
mod pep440;
mod semver;

use std::cmp::Ordering;

/// Whose rules compare two versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Alpine's apk-tools.
    Apk,
    /// Debian's dpkg.
    Deb,
    /// Python (PEP 440).
    Pep440,
    /// Go modules.
    Go,
    /// crates (Semantic Versioning 2.0.0).
    Semver,
    /// npm.
    Npm,
}

/// A version that does not follow its scheme's grammar, so that nothing can be said about its order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{version:?} is no version that {scheme:?} can order")]
pub struct VersionError {
    /// Whose rules.
    pub scheme: Scheme,
    /// As written, cut at 100 characters.
    pub version: String,
}

/// Longer versions are refused: no ecosystem has them, and comparing must stay cheap.
const LONGEST: usize = 1_024;

/// Which of two versions is newer by the rules of `scheme`.
///
/// # Errors
/// When one of them does not follow the grammar.
pub fn compare(scheme: Scheme, a: &str, b: &str) -> Result<Ordering, VersionError> {
    fn both<'a, T: Ord>(
        scheme: Scheme,
        a: &'a str,
        b: &'a str,
        parse: impl Fn(&'a str) -> Option<T>,
    ) -> Result<Ordering, VersionError> {
        let parse = |text: &'a str| {
            let version = if text.len() > LONGEST { None } else { parse(text) };
            version.ok_or_else(|| VersionError { scheme, version: text.chars().take(100).collect() })
        };
        Ok(parse(a)?.cmp(&parse(b)?))
    }
    match scheme {
        Scheme::Apk => both(scheme, a, b, apk::Version::parse),
        Scheme::Deb => both(scheme, a, b, deb::Version::parse),
        Scheme::Pep440 => both(scheme, a, b, pep440::Version::parse),
        Scheme::Go => both(scheme, a, b, go::parse),
        Scheme::Semver => both(scheme, a, b, semver::Version::parse),
        Scheme::Npm => both(scheme, a, b, npm::parse),
    }
}

/// Compares two runs of decimal digits as numbers of any size.
fn compare_numbers(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}
