//! Patterns over names with slashes: `*` and `?` stay inside one component, `**` is any number of components.

use std::fmt;
use std::str::FromStr;

/// A pattern for paths, images or refs. Letters match as they are written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PathPattern(String);

/// Why a text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{pattern:?} is no pattern: {why}")]
pub struct PatternError {
    /// As written.
    pub pattern: String,
    /// What is wrong with it.
    pub why: &'static str,
}

impl PathPattern {
    /// The pattern as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it matches all of `path`. A `**` at the end needs at least one component, elsewhere none.
    pub fn matches(&self, path: &str) -> bool {
        let pattern: Vec<&str> = self.0.split('/').collect();
        let path: Vec<&str> = path.split('/').collect();
        // The greedy way: on a mismatch the last `**` takes one component more.
        let (mut p, mut c) = (0, 0);
        let mut resume: Option<(usize, usize)> = None;
        while let Some(component) = path.get(c) {
            match pattern.get(p) {
                Some(&"**") => {
                    p += 1;
                    resume = Some((p, c));
                }
                Some(part) if component_matches(part, component) => {
                    p += 1;
                    c += 1;
                }
                _ => {
                    let Some((after, taken)) = &mut resume else { return false };
                    *taken += 1;
                    (p, c) = (*after, *taken);
                }
            }
        }
        p == pattern.len()
    }
}

/// The same greedy way over characters.
fn component_matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    let mut resume: Option<(usize, usize)> = None;
    while let Some(c) = text.get(t) {
        match pattern.get(p) {
            Some('*') => {
                p += 1;
                resume = Some((p, t));
            }
            Some(x) if *x == '?' || x == c => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((after, taken)) = &mut resume else { return false };
                *taken += 1;
                (p, t) = (*after, *taken);
            }
        }
    }
    pattern.get(p..).is_some_and(|rest| rest.iter().all(|c| *c == '*'))
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for PathPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let fail = |why| Err(PatternError { pattern: text.chars().take(120).collect(), why });
        if text.is_empty() || text.len() > 1_000 {
            return fail("expected 1 to 1000 characters");
        }
        if text.split('/').any(|c| matches!(c, "" | "." | "..")) {
            return fail("expected components without leading or trailing slashes, `.` and `..`");
        }
        if text.split('/').any(|c| c.contains("**") && c != "**") {
            return fail("`**` stands for whole components, expected it between slashes");
        }
        if text.contains(['[', ']', '{', '}', '\\']) {
            return fail("only *, ? and ** are special, expected no brackets, braces and backslashes");
        }
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(pattern: &str, matching: &[&str], others: &[&str]) {
        let parsed: PathPattern = pattern.parse().expect(pattern);
        assert_eq!(parsed.to_string(), pattern);
        for text in matching {
            assert!(parsed.matches(text), "{pattern} should match {text}");
        }
        for text in others {
            assert!(!parsed.matches(text), "{pattern} should not match {text}");
        }
    }

    #[test]
    fn stars_stay_inside_components_and_two_cross_them() {
        check("**/.env", &[".env", "a/.env", "a/b/.env"], &["a/.envx", ".env/x", "a/x.env"]);
        check("**/.git/**", &[".git/config", "a/.git/b/c"], &[".git", "a/.git", "a/.gitx/b"]);
        check("**/*.map", &["a.map", "x/y.map"], &["a.map/x", "map"]);
        check("refs/tags/v*", &["refs/tags/v1", "refs/tags/v"], &["refs/tags/v1/x", "refs/heads/v1", "refs/tags/w"]);
        check(
            "reg.example:*/shop/**",
            &["reg.example:5000/shop/app"],
            &["reg.example/shop/app", "reg.example:5000/shop"],
        );
        check("a/**/b", &["a/b", "a/x/b", "a/x/y/b", "a/b/b"], &["a/b/c", "b", "a"]);
        check("v1.?.*", &["v1.2.3", "v1.2."], &["v1.22.3", "v1.2"]);
        check("**", &["a", "a/b"], &[]);
        check("**/a/**/b/**", &["a/b/c", "x/a/y/b/z/w", "a/a/b/b/c"], &["a/b", "a/c"]);
    }

    #[test]
    fn what_people_would_misread_is_refused() {
        for bad in ["", "/a", "a/", "a//b", "../a", "a/./b", "a**", "**a/b", "[ab]", "{a,b}", "a\\b"] {
            assert!(bad.parse::<PathPattern>().is_err(), "{bad:?}");
        }
        for (length, fits) in [(1, true), (1_000, true), (1_001, false)] {
            assert_eq!("a".repeat(length).parse::<PathPattern>().is_ok(), fits, "{length}");
        }
    }

    fn naive(pattern: &[&str], path: &[&str]) -> bool {
        match (pattern.split_first(), path.split_first()) {
            (None, None) => true,
            (None, Some(_)) => false,
            (Some((&"**", [])), _) => !path.is_empty(),
            (Some((&"**", rest)), _) => (0..=path.len()).any(|n| naive(rest, &path[n..])),
            (Some(_), None) => false,
            (Some((first, rest)), Some((component, others))) => {
                naive_component(&first.chars().collect::<Vec<_>>(), &component.chars().collect::<Vec<_>>())
                    && naive(rest, others)
            }
        }
    }

    fn naive_component(pattern: &[char], text: &[char]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, None) => true,
            (Some(('*', rest)), _) => (0..=text.len()).any(|n| naive_component(rest, &text[n..])),
            (Some((p, rest)), Some((t, others))) => (*p == '?' || p == t) && naive_component(rest, others),
            _ => false,
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn the_greedy_way_agrees_with_trying_everything(
            pattern in prop::collection::vec(prop_oneof!["[ab*?]{1,3}", Just("**".to_owned())], 1..5),
            path in prop::collection::vec("[ab]{1,3}", 1..5),
        ) {
            let text = pattern.join("/");
            if let Ok(parsed) = text.parse::<PathPattern>() {
                let parts: Vec<&str> = text.split('/').collect();
                let components: Vec<&str> = path.iter().map(String::as_str).collect();
                prop_assert_eq!(parsed.matches(&path.join("/")), naive(&parts, &components), "{}", text);
            }
        }
    }
}
