//! Globs as Kyverno compiles them.
//!
//! gobwas/glob without separators (pkg/cel/compiler/compiler.go): `*` and `**` are any characters, slashes too.

use regex::{Regex, RegexBuilder};

/// Bytes of a compiled expression; a larger one is not judged.
const LARGEST: usize = 1 << 20;

/// Compiles within a limit.
pub(super) fn compile(pattern: &str) -> Option<Regex> {
    RegexBuilder::new(pattern).size_limit(LARGEST).dfa_size_limit(LARGEST).build().ok()
}

/// A glob as a regular expression over the whole text; nothing for one that is too large or none.
pub(super) fn glob(glob: &str) -> Option<Regex> {
    let mut pattern = String::from("^(?s:");
    let mut braces = 0_usize;
    let mut characters = glob.chars();
    while let Some(c) = characters.next() {
        match c {
            '*' => pattern.push_str(".*"),
            '?' => pattern.push('.'),
            '[' => class(&mut characters, &mut pattern),
            '{' => {
                braces += 1;
                pattern.push_str("(?:");
            }
            '}' if braces > 0 => {
                braces -= 1;
                pattern.push(')');
            }
            ',' if braces > 0 => pattern.push('|'),
            '\\' => pattern.extend(characters.next().map(|c| regex::escape(&c.to_string()))),
            c => pattern.push_str(&regex::escape(&c.to_string())),
        }
    }
    pattern.push_str(")$");
    compile(&pattern)
}

fn class(characters: &mut std::str::Chars<'_>, pattern: &mut String) {
    pattern.push('[');
    for (position, c) in characters.by_ref().enumerate() {
        match c {
            ']' => break,
            '!' if position == 0 => pattern.push('^'),
            '-' => pattern.push('-'),
            c => pattern.push_str(&regex::escape(&c.to_string())),
        }
    }
    pattern.push(']');
}

/// Where a `*` follows the beginning of a host or of the first part of a path: `ghcr.io/org*`. Further down the names are of one
/// owner, and `app*` is meant as what it is.
pub(super) fn lacks_boundary(glob: &str) -> bool {
    let repository = glob.split(['@', '{', '[']).next().unwrap_or_default();
    let Some(star) = repository.find('*') else { return false };
    let before = repository.get(..star).unwrap_or_default();
    let name = before.rsplit('/').next().unwrap_or_default();
    // What follows the last slash and a colon is a tag: `app:v1*`.
    before.matches('/').count() <= 1
        && before.chars().next_back().is_some_and(|c| !['/', '.'].contains(&c))
        && !name.contains(':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_match_as_gobwas_does_without_separators() {
        let matches = |pattern: &str, text: &str| glob(pattern).expect("glob").is_match(text);
        assert!(matches("ghcr.io/acme/*", "ghcr.io/acme/a/b:v1") && matches("*", "nginx"));
        assert!(!matches("ghcr.io/acme/*", "ghcrXio/acme/a") && !matches("a?c", "ac"));
        assert!(matches("a{,:*,@*}", "a") && matches("a{,:*,@*}", "a@sha256:0") && !matches("a{,:*}", "ab"));
        assert!(matches("[!a]b", "cb") && !matches("[!a]b", "ab"));
        assert!(glob(&"{".repeat(5000)).is_none());
    }

    #[test]
    fn a_star_after_a_name_lacks_a_boundary() {
        for glob in ["registry.example/org*", "ghcr.io*", "reg:5000/org*"] {
            assert!(lacks_boundary(glob), "{glob}");
        }
        for glob in [
            "*",
            "**",
            "ghcr.io/acme/**",
            "ghcr.io/acme/app*",
            "ghcr.io/acme/app:*",
            "ghcr.io/acme/app:v1*",
            "reg:5000/org/*",
            "app@*",
        ] {
            assert!(!lacks_boundary(glob), "{glob}");
        }
    }
}
