//! Who may have signed: the attestors of an ImageValidatingPolicy.

use sealwright_policy::Position;
use sealwright_policy::yaml::{Node, Yaml};

use super::identity::{Part, judge as judge_pattern};
use super::judge::Judge;
use super::rule::Rule;

pub(super) fn judge(judge: &mut Judge<'_, '_>) {
    let attestors = judge.subject.spec(&["attestors"]).map(Node::items).unwrap_or_default();
    for attestor in attestors {
        match (attestor.member("cosign"), attestor.member("notary")) {
            (Some(cosign), _) => judge_cosign(judge, cosign),
            (None, Some(_)) => {}
            (None, None) => judge.find(Rule::NoIdentity, attestor.at, "neither cosign nor notary"),
        }
    }
}

fn judge_cosign(judge: &mut Judge<'_, '_>, cosign: &Node) {
    let keyless = cosign.member("keyless");
    if keyless.is_none() && cosign.member("key").is_none() && cosign.member("certificate").is_none() {
        judge.find(Rule::NoIdentity, cosign.at, "no key, keyless or certificate");
    }
    if let Some(keyless) = keyless {
        judge_keyless(judge, keyless);
    }
    judge_log(judge, cosign, keyless.is_some());
}

fn judge_keyless(judge: &mut Judge<'_, '_>, keyless: &Node) {
    if let Some(extensions) = keyless.member("additionalExtensions") {
        judge.find(Rule::IgnoredIdentityField, extensions.at, "additionalExtensions");
    }
    let identities = keyless.member("identities").map(Node::items).unwrap_or_default();
    if identities.is_empty() {
        judge.find(Rule::NoIdentity, keyless.at, "keyless without identities");
    }
    if let Some(second) = identities.get(1) {
        judge.find(Rule::SeveralIdentities, second.at, &format!("{} identities", identities.len()));
    }
    for identity in identities {
        if let Some(expression) = identity.member("subjectExpression") {
            judge.find(Rule::IgnoredIdentityField, expression.at, "subjectExpression");
        }
        for exact in ["issuer", "subject"] {
            if let Some(node) = identity.member(exact).filter(|node| node.text().is_some_and(|text| text.contains('*')))
            {
                judge.find(Rule::LiteralWildcard, node.at, node.text().unwrap_or_default());
            }
        }
        judge_identity(judge, identity);
    }
}

/// Issuer and subject, exact or as a regular expression; also those of a legacy policy.
pub(super) fn judge_identity(judge: &mut Judge<'_, '_>, identity: &Node) {
    for (exact, pattern, part) in
        [("issuer", "issuerRegExp", Part::Issuer), ("subject", "subjectRegExp", Part::Subject)]
    {
        let filled = |key: &str| identity.member(key).filter(|node| node.text().is_some_and(|text| !text.is_empty()));
        if filled(exact).is_none() && filled(pattern).is_none() {
            judge.find(Rule::NoIdentity, identity.at, &format!("no {exact}"));
        }
        if let Some(node) = filled(pattern) {
            judge_expression(judge, node.at, node.text().unwrap_or_default(), part);
        }
    }
}

/// A regular expression for an identity, wherever it stands.
pub(super) fn judge_expression(judge: &mut Judge<'_, '_>, at: Position, pattern: &str, part: Part) {
    for rule in judge_pattern(pattern, part) {
        judge.find(rule, at, pattern);
    }
}

fn judge_log(judge: &mut Judge<'_, '_>, cosign: &Node, keyless: bool) {
    let log = cosign.member("ctlog");
    let set = |key: &str| log.and_then(|log| log.member(key)).and_then(Node::flag) == Some(true);
    let has = |node: Option<&Node>| node.is_some_and(|node| node.value != Yaml::Null);
    // An instance without logs has its own root, which names its timestamp authority.
    let own_instance = has(cosign.member("trustedRoot"))
        || has(cosign.member("tuf"))
        || has(log.and_then(|log| log.member("tsaCertChain")));
    if let Some(log) = log {
        if keyless && set("insecureIgnoreTlog") && !own_instance {
            judge.find(Rule::NoTransparency, log.at, "insecureIgnoreTlog: true");
        }
        if keyless && set("insecureIgnoreSCT") && !own_instance {
            judge.find(Rule::NoSct, log.at, "insecureIgnoreSCT: true");
        }
        if !set("insecureIgnoreTlog") && log.member("url").and_then(Node::text).unwrap_or_default().is_empty() {
            judge.find(Rule::LogWithoutUrl, log.at, "ctlog without url");
        }
    }
    // With a key and without a log no root is asked for (`skipSigstoreInfra`).
    let needs_root = keyless || !set("insecureIgnoreTlog");
    if let Some(root) = cosign.member("trustedRoot")
        && needs_root
        && cosign.member("tuf").and_then(|tuf| tuf.member("mirror")).is_none()
    {
        judge.find(Rule::RootNeedsTuf, root.at, "trustedRoot without tuf.mirror");
    }
}
