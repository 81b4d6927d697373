//! Which of a Pod's images a policy looks at.

use sealwright_policy::yaml::Node;

use super::cel::Token;
use super::judge::{Expression, Judge};
use super::matching::makes_pods;
use super::rule::Rule;
use super::subject::words;
use super::version::Version;

/// Of an image policy that verifies: each kind of container of the requests that it matches.
pub(super) fn judge(judge: &mut Judge<'_, '_>) {
    if !judge.verifies() || judge.is_about_json() {
        return;
    }
    let required = judge.subject.spec(&["validationConfigurations", "required"]).and_then(Node::flag).unwrap_or(true);
    let enforced = required && judge.version >= Version::new(1, 19, 0);
    let rule = if enforced { Rule::RefusesSigned } else { Rule::ContainersOnly };
    report(judge, rule, enforced);
}

/// Of a policy that judges names: the same, and nothing else would refuse what is left out.
pub(super) fn judge_names(judge: &mut Judge<'_, '_>) {
    report(judge, Rule::ContainersOnly, false);
}

fn report(judge: &mut Judge<'_, '_>, rule: Rule, enforced: bool) {
    let missing = missing(judge, enforced);
    if !missing.is_empty() {
        let at = judge.subject.place(&["validations"]);
        judge.find(rule, at, &format!("not: {}", missing.join(", ")));
    }
}

/// The kinds of containers that a policy which looks at some does not name. A request for the subresource has the whole Pod, so
/// that `required` asks for all of its images there too.
fn missing(judge: &Judge<'_, '_>, enforced: bool) -> Vec<&'static str> {
    let resources = resources(judge);
    let pods = resources.iter().any(|resource| !resource.contains("ephemeral"));
    let whole = pods || enforced;
    let kinds =
        [("containers", whole), ("initContainers", whole), ("ephemeralContainers", matches_ephemeral(&resources))];
    if !kinds.iter().any(|(kind, _)| names(judge, kind)) {
        return vec![];
    }
    kinds.into_iter().filter(|(kind, needed)| *needed && !names(judge, kind)).map(|(kind, _)| kind).collect()
}

fn resources<'a>(judge: &Judge<'a, '_>) -> Vec<&'a str> {
    let rules = judge.subject.spec(&["matchConstraints", "resourceRules"]).map(Node::items).unwrap_or_default();
    rules.iter().flat_map(|rule| words(rule.member("resources"))).collect()
}

/// Whether a policy is about `pods/ephemeralcontainers` and nothing else: the other containers were judged when the Pod came.
pub(super) fn is_for_ephemeral_only(judge: &Judge<'_, '_>) -> bool {
    let resources = resources(judge);
    !resources.is_empty() && resources.iter().all(|resource| *resource == "pods/ephemeralcontainers")
}

/// As an identifier, or as a text: `images["initContainers"]`.
fn names(judge: &Judge<'_, '_>, kind: &str) -> bool {
    let says = |token: &Token| token.name().or_else(|| token.text()) == Some(kind);
    judge.deciding().chain(&judge.extractors).any(|expression| expression.tokens.iter().any(says))
}

/// Whether a rule matches the subresource.
pub(super) fn matches_ephemeral(resources: &[&str]) -> bool {
    resources
        .iter()
        .any(|resource| ["pods/ephemeralcontainers", "pods/*", "*/*", "*/ephemeralcontainers"].contains(resource))
}

/// Whether a policy matches Pods or what makes them; one that says nothing is judged as if it did.
pub(super) fn matches_pods(judge: &Judge<'_, '_>) -> bool {
    let resources = resources(judge);
    resources.is_empty() || resources.iter().any(|resource| makes_pods(resource))
}

/// Whether a policy is about the images of Pods, or of what makes Pods.
pub(super) fn is_about_images(judge: &Judge<'_, '_>) -> bool {
    let names = |e: &Expression<'_>| e.tokens.iter().any(|t| matches!(t.name(), Some("image" | "images")));
    matches_pods(judge) && judge.deciding().any(names)
}
