//! Texts with wildcards, as IAM and Vault compare them: a star is any text, slashes and nothing included.

/// A text in which some places stand for any other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wildcard(Vec<Part>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Any text.
    Any,
    /// Any one character.
    One,
    Char(char),
}

impl Wildcard {
    /// A value of IAM's `StringLike` (IAM User Guide, "IAM JSON policy elements: Condition operators"). Nothing where it has a
    /// policy variable, whose value is not known here; `${*}`, `${?}` and `${$}` are the characters themselves.
    pub(crate) fn like(text: &str) -> Option<Self> {
        Self::of(text, |c| match c {
            '*' => Part::Any,
            '?' => Part::One,
            c => Part::Char(c),
        })
    }

    /// A value of IAM's `StringEquals`, which has variables too.
    pub(crate) fn literal(text: &str) -> Option<Self> {
        Self::of(text, Part::Char)
    }

    /// A value of Vault's `bound_claims` of the type `glob` (ryanuber/go-glob): only the star is special.
    pub(crate) fn glob(text: &str) -> Self {
        Self(text.chars().map(|c| if c == '*' { Part::Any } else { Part::Char(c) }).collect())
    }

    fn of(text: &str, part: impl Fn(char) -> Part) -> Option<Self> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let escaped = [("${*}", '*'), ("${?}", '?'), ("${$}", '$')];
            if let Some((escape, c)) = escaped.into_iter().find(|(escape, _)| rest.starts_with(escape)) {
                parts.push(Part::Char(c));
                rest = rest.get(escape.len()..).unwrap_or_default();
            } else if rest.starts_with("${") {
                return None;
            } else {
                parts.push(part(c));
                rest = rest.get(c.len_utf8()..).unwrap_or_default();
            }
        }
        Some(Self(parts))
    }

    /// Whether all of the text fits.
    pub(crate) fn matches(&self, text: &str) -> bool {
        // The greedy way: on a mismatch the last star takes one character more.
        let text: Vec<char> = text.chars().collect();
        let (mut p, mut t) = (0, 0);
        let mut resume: Option<(usize, usize)> = None;
        while let Some(c) = text.get(t) {
            match self.0.get(p) {
                Some(Part::Any) => {
                    p += 1;
                    resume = Some((p, t));
                }
                Some(Part::One) => {
                    p += 1;
                    t += 1;
                }
                Some(Part::Char(expected)) if expected == c => {
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
        self.0.get(p..).is_some_and(|rest| rest.iter().all(|part| *part == Part::Any))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex::Regex;

    use super::*;

    fn like(pattern: &str, text: &str) -> bool {
        Wildcard::like(pattern).expect("no variable").matches(text)
    }

    #[test]
    fn stars_cross_slashes_and_escapes_are_characters() {
        for (pattern, text, fits) in [
            ("repo:a/b:*", "repo:a/b:ref:refs/heads/main", true),
            ("repo:a/b:*", "repo:a/b:", true),
            ("repo:a/b:*", "repo:a/bc:", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("?", "é", true),
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("a${*}", "a*", true),
            ("a${*}", "ab", false),
            ("${?}${$}", "?$", true),
            ("*a*b", "xaybzb", true),
            ("A", "a", false),
        ] {
            assert_eq!(like(pattern, text), fits, "{pattern} {text}");
        }
        assert_eq!(Wildcard::like("${aws:username}"), None);
        assert!(Wildcard::literal("a*").expect("text").matches("a*"));
        assert!(!Wildcard::literal("a*").expect("text").matches("ab"));
        assert!(Wildcard::glob("a?*").matches("a?b") && !Wildcard::glob("a?*").matches("abc"));
    }

    proptest! {
        #[test]
        fn a_regular_expression_says_the_same(pattern in "[ab*?/]{0,12}", text in "[ab/\n]{0,14}") {
            let expression: String = pattern
                .chars()
                .map(|c| match c {
                    '*' => ".*".to_owned(),
                    '?' => ".".to_owned(),
                    c => regex::escape(&c.to_string()),
                })
                .collect();
            let oracle = Regex::new(&format!("(?s)^(?:{expression})$")).expect("expression");
            prop_assert_eq!(like(&pattern, &text), oracle.is_match(&text));
        }

        #[test]
        fn what_is_escaped_fits_itself_alone(text in "[a*?${}]{0,10}", other in "[a*?${}]{0,10}") {
            let escaped = crate::aws::escaped(&text);
            prop_assert!(like(&escaped, &text));
            prop_assert_eq!(like(&escaped, &other), text == other);
            let literal = Wildcard::literal(&crate::aws::escaped(&text)).expect("no variable");
            prop_assert_eq!(literal.matches(&other), text == other);
        }
    }
}
