//! The expressions that go through the images of a Pod and say of each what is missing.
//!
//! A builder's statement counts when the engine has verified its signature and every condition on its payload holds. What is
//! asked of one builder is asked of one statement; the next builder is only asked when the one before has not passed. The
//! variables of a policy are evaluated once, so that the message costs no second round of requests.

use std::fmt::Write as _;

use sealwright_policy::Builder;

use super::attestor::{member, reference};
use super::cel;
use super::conditions::Condition;

/// What one builder has to have stated.
pub(crate) struct Demand<'a> {
    /// Who.
    pub(crate) builder: &'a Builder,
    /// Which attestation of the policy.
    pub(super) attestation: &'static str,
    /// Its predicate type.
    pub(crate) kind: &'static str,
    /// What it is called in messages.
    pub(crate) what: &'static str,
    /// What its payload has to say.
    pub(crate) conditions: Vec<Condition>,
}

impl Demand<'_> {
    /// What is said where there is none.
    pub(crate) fn missing(&self) -> String {
        format!("no {} of {}", self.what, self.builder.name)
    }

    /// What is said where this does not hold.
    pub(crate) fn otherwise(&self, condition: &Condition) -> String {
        format!("the {} of {} {}", self.what, self.builder.name, condition.otherwise)
    }
}

/// What is said where there is no builder.
pub(crate) const NOBODY: &str = "nobody may build";

/// A list with a line for each image that is refused: it has to be empty.
pub(super) fn refused(images: &str, demands: &[Demand<'_>], threshold: usize) -> String {
    let judged = if threshold > 1 { counted(demands, threshold) } else { chained(demands) };
    format!(
        "{images}.map(image, cel.bind(digest, image.substring(image.lastIndexOf('@sha256:') + 8),\n  cel.bind(why,\n{},\n  why == '' ? '' : image + ': ' + why))).filter(why, why != '')",
        indented(&judged, 4)
    )
}

/// Nothing for the first builder whose demands are met, else what is missing of each.
fn chained(demands: &[Demand<'_>]) -> String {
    let Some((first, rest)) = demands.split_first() else { return cel::string(NOBODY) };
    let mut text = one(first);
    for (position, demand) in rest.iter().enumerate() {
        let before = format!("w{position}");
        text = format!(
            "cel.bind({before},\n{},\n  {before} == '' ? '' : cel.bind(w,\n{},\n  w == '' ? '' : {before} + '; ' + w))",
            indented(&text, 2),
            indented(&one(demand), 2),
        );
    }
    text
}

/// So many builders whose demands are met.
fn counted(demands: &[Demand<'_>], threshold: usize) -> String {
    let each: Vec<String> = demands.iter().map(|demand| indented(&one(demand), 2)).collect();
    format!(
        "cel.bind(missing, [\n{}\n].filter(w, w != ''),\n  {} - size(missing) >= {threshold} ? '' : missing.join('; '))",
        each.join(",\n"),
        demands.len()
    )
}

/// Nothing, or what is missing of one builder.
fn one(demand: &Demand<'_>) -> String {
    let Demand { builder, attestation, conditions, .. } = demand;
    let name = member("attestations", attestation);
    let none = cel::string(&demand.missing());
    let verified = format!("verifyAttestationSignatures(image, {name}, [{}]) == 0 ? {none} :", reference(builder));
    let mut text = format!("{verified}\ncel.bind(statement, extractPayload(image, {name}),\n");
    for condition in conditions {
        let otherwise = cel::string(&demand.otherwise(condition));
        let _ = writeln!(text, "  !({}) ?\n    {otherwise} :", condition.holds);
    }
    text.push_str("  '')");
    text
}

pub(super) fn indented(text: &str, spaces: usize) -> String {
    let pad = " ".repeat(spaces);
    text.lines().map(|line| format!("{pad}{line}")).collect::<Vec<_>>().join("\n")
}
