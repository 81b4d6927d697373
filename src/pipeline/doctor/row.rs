//! One check and what came of it.

use crate::exit::Exit;
use crate::failure::Failure;

/// The checks by their names; the place is the number, from 1. A number keeps its meaning.
pub const CHECKS: [&str; 17] = [
    "identity-token",
    "audience",
    "aws-trust-policy",
    "aws-role",
    "vault-role",
    "key",
    "trust-file",
    "attestations",
    "security-events",
    "contents",
    "artifact-metadata",
    "runner",
    "docker",
    "registry",
    "referrers",
    "tag",
    "clock",
];

/// One check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its name.
    pub name: &'static str,
    /// What came of it.
    pub outcome: Outcome,
    /// Why, a line each.
    pub why: Vec<String>,
    /// What to do next, a line each; lines of YAML keep their indentation.
    pub next: Vec<String>,
}

/// What came of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It holds.
    Ok,
    /// It holds, and should be looked at.
    Warn,
    /// It does not hold, or the upstream that knows did not answer.
    Fail(Exit),
    /// It was not asked for, or cannot be known.
    NotChecked,
}

impl Outcome {
    /// The word in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail(_) => "fail",
            Self::NotChecked => "not checked",
        }
    }
}

impl Row {
    pub(super) fn new(name: &'static str, outcome: Outcome, why: impl Into<String>) -> Self {
        Self { name, outcome, why: vec![why.into()], next: vec![] }
    }

    pub(super) fn ok(name: &'static str, why: impl Into<String>) -> Self {
        Self::new(name, Outcome::Ok, why)
    }

    pub(super) fn not_checked(name: &'static str, why: impl Into<String>) -> Self {
        Self::new(name, Outcome::NotChecked, why)
    }

    /// Something here is to be changed.
    pub(super) fn fail(name: &'static str, why: impl Into<String>) -> Self {
        Self::new(name, Outcome::Fail(Exit::Usage), why)
    }

    /// What a step of the command would end with.
    pub(super) fn failure(name: &'static str, failure: &Failure) -> Self {
        let exit = if failure.exit == Exit::Unavailable { Exit::Unavailable } else { Exit::Usage };
        let why = failure.message.lines().map(str::to_owned).collect();
        Self { name, outcome: Outcome::Fail(exit), why, next: failure.hint.iter().cloned().collect() }
    }

    #[must_use]
    pub(super) fn next(mut self, lines: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.next.extend(lines.into_iter().map(Into::into));
        self
    }

    /// Its number.
    pub fn number(&self) -> usize {
        CHECKS.iter().position(|name| *name == self.name).map_or(0, |place| place + 1)
    }
}
