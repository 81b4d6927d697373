//! What a policy does with what it finds: actions, failure, digests, `required`.

use sealwright_policy::yaml::Node;

use super::containers::is_for_ephemeral_only;
use super::judge::Judge;
use super::rule::Rule;
use super::set::Set;
use super::subject::{Kind, words};

/// Of an image policy.
pub(super) fn judge(judge: &mut Judge<'_, '_>, set: &Set) {
    modes(judge);
    digests(judge);
    evidence(judge, set);
}

/// Of any CEL policy.
pub(super) fn modes(judge: &mut Judge<'_, '_>) {
    let subject = judge.subject;
    if judge.is_about_json() {
        return;
    }
    if let Some(node) = subject.spec(&["failurePolicy"])
        && node.text() == Some("Ignore")
    {
        judge.find(Rule::FailsOpen, node.at, "failurePolicy: Ignore");
    }
    if let Some(node) = subject.spec(&["evaluation", "admission", "enabled"])
        && node.flag() == Some(false)
    {
        judge.find(Rule::AdmissionOff, node.at, "evaluation.admission.enabled: false");
    } else if !judge.denies() {
        let actions = words(subject.spec(&["validationActions"])).join(", ");
        judge.find(Rule::AuditOnly, subject.place(&["validationActions"]), &actions);
    }
}

fn digests(judge: &mut Judge<'_, '_>) {
    let subject = judge.subject;
    // One that verifies nothing is about something else than which image runs.
    if judge.is_about_json() || !judge.verifies() {
        return;
    }
    let set = |key: &str| subject.spec(&["validationConfigurations", key]).and_then(Node::flag).unwrap_or(true);
    let at = |key: &str| subject.place(&["validationConfigurations", key]);
    match (set("mutateDigest"), set("verifyDigest")) {
        (false, false) => {
            judge.find(Rule::TagNotPinned, at("mutateDigest"), "mutateDigest: false, verifyDigest: false")
        }
        // There the other containers' images were pinned when the Pod came, or are older than the policy.
        (true, false) if is_for_ephemeral_only(judge) => {}
        (true, false) => judge.find(Rule::DigestNotDemanded, at("verifyDigest"), "verifyDigest: false"),
        _ => {}
    }
    if !set("required") && !is_for_ephemeral_only(judge) {
        judge.find(Rule::NotRequired, at("required"), "required: false");
    }
    if set("mutateDigest") && !judge.denies() {
        judge.find(Rule::AuditRewrites, at("mutateDigest"), "mutateDigest, which is true by default, with Audit");
    }
}

/// A policy with its own webhook call neither gives evidence to others nor gets any.
fn evidence(judge: &mut Judge<'_, '_>, set: &Set) {
    let subject = judge.subject;
    let timeout = subject.spec(&["webhookConfiguration", "timeoutSeconds"]);
    let conditions = subject.spec(&["matchConditions"]).filter(|node| !node.items().is_empty());
    let Some(alone) = timeout.or(conditions) else { return };
    let part = if timeout.is_some() { "webhookConfiguration.timeoutSeconds" } else { "matchConditions" };
    let demands = is_bare_demand(judge);
    if demands || (set.has_bare_demand() && judge.verifies()) {
        judge.find(Rule::EvidenceNotShared, alone.at, part);
    }
}

/// `required`, and no verification of its own.
pub(super) fn is_bare_demand(judge: &Judge<'_, '_>) -> bool {
    let required = judge.subject.spec(&["validationConfigurations", "required"]).and_then(Node::flag).unwrap_or(true);
    judge.subject.kind == Kind::ImageValidating && required && !judge.verifies() && !judge.is_about_json()
}
