//! What a token lacks, and what a policy lets in that nobody meant.

use std::fmt;

/// A demand that a token does not meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The claim of the token, or the part of the policy.
    pub claim: String,
    /// How it is compared, in the policy's own word.
    pub how: String,
    /// What would do.
    pub expected: Vec<String>,
    /// What the token has; nothing where the claim is missing.
    pub found: Option<String>,
    /// What to do next, where that is known.
    pub next: Option<String>,
}

/// Something in a policy that is wrong also where it lets the token in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Danger {
    /// How bad it is.
    pub weight: Weight,
    /// The claim.
    pub claim: String,
    /// What is wrong, and what to write instead.
    pub why: String,
}

/// How bad something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// It should be looked at.
    Remarkable,
    /// It lets in whom nobody knows, or nobody at all.
    Severe,
}

/// More values than this are counted, not shown.
const MOST_SHOWN: usize = 5;

impl Difference {
    pub(crate) fn new(claim: &str, how: &str, expected: Vec<String>, found: Option<String>) -> Self {
        Self { claim: claim.to_owned(), how: how.to_owned(), expected, found, next: None }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = self.found.as_ref().map_or_else(|| "missing".to_owned(), |found| format!("{found:?}"));
        let mut expected: Vec<String> = self.expected.iter().take(MOST_SHOWN).map(|e| format!("{e:?}")).collect();
        if self.expected.len() > MOST_SHOWN {
            expected.push(format!("{} more", self.expected.len() - MOST_SHOWN));
        }
        write!(f, "{} is {found}, expected {} {}", self.claim, self.how, expected.join(" or "))
    }
}

impl fmt::Display for Danger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.claim, self.why)
    }
}
