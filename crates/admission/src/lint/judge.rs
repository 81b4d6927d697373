//! One object under judgement: what it says, and what was found.

use sealwright_core::Untrusted;
use sealwright_policy::Position;
use sealwright_policy::yaml::Node;

use super::cel::{Token, tokens};
use super::rule::Rule;
use super::subject::Subject;
use super::version::Version;
use super::{Found, MOST_FINDINGS};

/// Characters of a detail.
const LONGEST_DETAIL: usize = 160;
/// An expression that is longer is not looked into, in bytes.
const LONGEST_EXPRESSION: usize = 64 << 10;

/// A CEL expression of the object.
pub(super) struct Expression<'a> {
    pub(super) at: Position,
    pub(super) source: &'a str,
    pub(super) tokens: Vec<Token>,
}

/// The object, its expressions, and what was found.
pub(super) struct Judge<'a, 's> {
    pub(super) subject: &'s Subject<'a>,
    pub(super) version: Version,
    pub(super) variables: Vec<Expression<'a>>,
    pub(super) validations: Vec<Expression<'a>>,
    pub(super) conditions: Vec<Expression<'a>>,
    pub(super) extractors: Vec<Expression<'a>>,
    found: Vec<Found>,
    counts: bool,
}

impl<'a, 's> Judge<'a, 's> {
    pub(super) fn new(subject: &'s Subject<'a>, version: Version) -> Self {
        let mut judge = Self {
            subject,
            version,
            variables: expressions(subject, "variables"),
            validations: expressions(subject, "validations"),
            conditions: expressions(subject, "matchConditions"),
            extractors: expressions(subject, "images"),
            found: Vec::new(),
            counts: false,
        };
        let lists = [&judge.variables, &judge.validations, &judge.conditions, &judge.extractors];
        let places: Vec<Position> = lists.into_iter().flatten().filter(|e| e.tokens.is_empty()).map(|e| e.at).collect();
        for at in places {
            judge.find(Rule::Unreadable, at, "an expression that is empty or longer than 64 KiB");
        }
        judge
    }

    /// The object is one that rules are about.
    pub(super) fn count(&mut self) {
        self.counts = true;
    }

    /// The object is of another kind.
    pub(super) fn nothing_to_say(&mut self) {
        self.counts = false;
    }

    pub(super) fn has_something_to_say(&self) -> bool {
        self.counts
    }

    /// Notes a finding, if it concerns the version.
    pub(super) fn find(&mut self, rule: Rule, at: Position, detail: &str) {
        // More are not told anyway; that there are more is.
        if rule.versions().contains(self.version) && self.found.len() < 4 * MOST_FINDINGS {
            let detail: String = detail.split_whitespace().collect::<Vec<_>>().join(" ");
            let mut clipped: String = detail.chars().take(LONGEST_DETAIL).collect();
            if detail.chars().count() > LONGEST_DETAIL {
                clipped.push('…');
            }
            let object = self.subject.name();
            self.found.push(Found {
                rule,
                file: self.subject.file.to_owned(),
                at,
                object,
                detail: Untrusted::new(clipped),
            });
        }
    }

    pub(super) fn into_findings(self) -> Vec<Found> {
        self.found
    }

    /// What the policy decides by: variables first, as they are there for every validation.
    pub(super) fn deciding(&self) -> impl Iterator<Item = &Expression<'a>> {
        self.variables.iter().chain(&self.validations)
    }

    /// Whether what decides names an identifier or writes it in a text; a comment decides nothing.
    pub(super) fn mentions(&self, word: &str) -> bool {
        let mut tokens = self.deciding().chain(&self.extractors).flat_map(|expression| &expression.tokens);
        tokens.any(|token| token.name() == Some(word) || token.text().is_some_and(|text| text.contains(word)))
    }

    /// Whether what decides calls a function.
    pub(super) fn calls(&self, function: &str) -> bool {
        self.deciding().any(|expression| !super::cel::calls(&expression.tokens, function).is_empty())
    }

    /// Whether it verifies anything itself.
    pub(super) fn verifies(&self) -> bool {
        self.calls("verifyImageSignatures") || self.calls("verifyAttestationSignatures")
    }

    /// `validationActions` has Deny, which is also the default.
    pub(super) fn denies(&self) -> bool {
        let actions = super::subject::words(self.subject.spec(&["validationActions"]));
        actions.is_empty() || actions.contains(&"Deny")
    }

    /// The policy is about files that the command line judges, not about admission.
    pub(super) fn is_about_json(&self) -> bool {
        self.subject.spec(&["evaluation", "mode"]).and_then(Node::text) == Some("JSON")
    }
}

fn expressions<'a>(subject: &Subject<'a>, list: &str) -> Vec<Expression<'a>> {
    let items = subject.spec(&[list]).map(Node::items).unwrap_or_default();
    let texts = items.iter().filter_map(|item| item.member("expression"));
    texts.filter_map(|node| Some(expression(node.at, node.text()?))).collect()
}

fn expression(at: Position, source: &str) -> Expression<'_> {
    let source = if source.len() > LONGEST_EXPRESSION { "" } else { source };
    Expression { at, source, tokens: tokens(source) }
}
