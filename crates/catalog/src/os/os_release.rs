//! The name of the operating system (os-release(5)).

use sealwright_core::{Distribution, Untrusted};

/// What a file says; `None` where it names no system.
pub(crate) type OsRelease = Option<Distribution>;

/// In the order in which they count.
pub(crate) const PATHS: [&str; 2] = ["etc/os-release", "usr/lib/os-release"];

pub(crate) fn is_wanted(path: &str) -> bool {
    PATHS.contains(&path)
}

/// Reads the assignments. Unknown keys and lines that are none are passed over, as the manual asks for.
pub(crate) fn parse(bytes: &[u8]) -> OsRelease {
    let text = String::from_utf8_lossy(bytes);
    let value = |key: &str| {
        let lines = text.lines().filter_map(|line| line.trim().split_once('='));
        let found = lines.filter(|(k, _)| *k == key).map(|(_, v)| unquote(v)).next_back();
        found.filter(|v| !v.is_empty()).map(Untrusted::from)
    };
    Some(Distribution {
        id: value("ID")?,
        version_id: value("VERSION_ID"),
        codename: value("VERSION_CODENAME"),
        pretty_name: value("PRETTY_NAME"),
        like: value("ID_LIKE")
            .iter()
            .flat_map(|l| l.raw().split_whitespace().map(Untrusted::from).collect::<Vec<_>>())
            .collect(),
    })
}

/// Shell quoting: single or double quotes around the whole, backslashes before special characters.
fn unquote(value: &str) -> String {
    let value = value.trim();
    for quote in ['"', '\''] {
        if let Some(inner) = value.strip_prefix(quote).and_then(|v| v.strip_suffix(quote)) {
            return if quote == '"' { unescape(inner) } else { inner.to_owned() };
        }
    }
    unescape(value)
}

fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.extend(chars.next()),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_comments_are_the_shells() {
        let text = b"# c\nID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME='a \"b\"'\nID_LIKE=\"x y\"\nVERSION_CODENAME=book\\ worm\nnonsense\n";
        let found = parse(text).expect("a system");
        assert_eq!((found.id.raw(), found.version_id.as_ref().map(Untrusted::raw)), ("debian", Some("12")));
        assert_eq!(found.pretty_name.as_ref().map(Untrusted::raw), Some("a \"b\""));
        assert_eq!(found.codename.as_ref().map(Untrusted::raw), Some("book worm"));
        assert_eq!(found.like.len(), 2);
        assert_eq!(parse(b"NAME=x\n"), None);
    }
}
