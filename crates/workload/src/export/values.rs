//! Patterns of a trust file, in which a star stays between two slashes, for those whose stars do not.

use std::collections::BTreeMap;

use sealwright_policy::PathPattern;

use crate::aws::escaped;

/// More `**` than anybody writes would be very many patterns.
const MOST_DOUBLE: usize = 4;

/// What a claim may be: any of these.
#[derive(Debug, Default)]
pub(super) struct Values {
    pub(super) exact: Vec<String>,
    /// Patterns with stars inside of components, by the number of slashes that whatever fits has: with that number kept, a star
    /// that could cross a slash has none to cross.
    pub(super) by_depth: BTreeMap<usize, Vec<Pattern>>,
    /// Patterns in which every star may cross slashes.
    pub(super) free: Vec<Pattern>,
    /// Patterns of which neither can be said.
    pub(super) left_out: Vec<String>,
}

/// A pattern of which the beginning is a plain text.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    prefix: String,
    rest: String,
}

impl Pattern {
    /// For IAM's `StringLike`.
    pub(super) fn like(&self) -> String {
        format!("{}{}", escaped(&self.prefix), self.rest)
    }

    /// For Vault's globs, which know the star alone.
    pub(super) fn glob(&self) -> Option<String> {
        (!self.rest.contains('?') && !self.prefix.contains('*')).then(|| format!("{}{}", self.prefix, self.rest))
    }
}

impl Values {
    pub(super) fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.by_depth.is_empty() && self.free.is_empty()
    }

    pub(super) fn add_exact(&mut self, text: String) {
        self.exact.push(text);
    }

    /// A pattern behind a plain text.
    pub(super) fn add(&mut self, prefix: &str, pattern: &PathPattern) {
        let text = pattern.as_str();
        if !text.contains(['*', '?']) {
            return self.exact.push(format!("{prefix}{text}"));
        }
        let rest = |rest: &str| Pattern { prefix: prefix.to_owned(), rest: rest.to_owned() };
        let components: Vec<&str> = text.split('/').collect();
        let double = components.iter().filter(|component| **component == "**").count();
        if double == 0 {
            let depth = prefix.matches('/').count() + components.len() - 1;
            return self.by_depth.entry(depth).or_default().push(rest(text));
        }
        let mixed = components.iter().any(|component| *component != "**" && component.contains(['*', '?']));
        if mixed || double > MOST_DOUBLE {
            return self.left_out.push(text.to_owned());
        }
        self.free.extend(spread(&components).iter().map(|text| rest(text)));
    }
}

/// `a/**/b` is `a/b` and `a/*/b` where a star crosses slashes; at the end `**` is at least one component.
fn spread(components: &[&str]) -> Vec<String> {
    match components {
        [] => vec![],
        ["**"] => vec!["*".to_owned()],
        [one] => vec![(*one).to_owned()],
        [first, rest @ ..] => {
            let behind = spread(rest);
            let with = |first: &str| behind.iter().map(|rest| format!("{first}/{rest}")).collect::<Vec<_>>();
            if *first == "**" { [behind.clone(), with("*")].concat() } else { with(first) }
        }
    }
}
