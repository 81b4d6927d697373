//! `ClusterPolicy` and `Policy` of kyverno.io: rules with `verifyImages`, and validate rules about the names of images.

use sealwright_policy::Position;
use sealwright_policy::yaml::{Node, Yaml};

use super::attestor::judge_expression;
use super::expression::is_open_prefix;
use super::identity::{Part, judge_wildcard};
use super::judge::Judge;
use super::matching::selected_labels;
use super::pattern::lacks_boundary;
use super::reference::is_everything;
use super::rule::Rule;
use super::served;
use super::set::{Covered, Set};
use super::subject::{Subject, texts, words};

/// The engine looks at all kinds of containers for `verifyImages`; a validate rule at those that it names.
///
/// What each rule covers, and whether it denies.
pub(super) fn covered(subject: &Subject<'_>) -> Vec<(Covered, bool)> {
    rules(subject).map(|rule| (of_rule(rule), denies(subject, rule))).collect()
}

fn of_rule(rule: &Node) -> Covered {
    let text = all_texts(rule);
    let mentions = |word: &str| text.iter().any(|(_, text)| text.contains(word));
    let validates = is_about_names(rule);
    Covered {
        ephemeral: rule.member("verifyImages").is_some() || (validates && mentions("ephemeralContainers")),
        volumes: validates && mentions("volumes"),
        everything: validates
            || verifications(rule).any(|v| {
                let globs: Vec<(Position, &str)> =
                    words(v.member("imageReferences")).into_iter().map(|glob| (v.at, glob)).collect();
                is_everything(&globs)
            }),
    }
}

fn denies(subject: &Subject<'_>, rule: &Node) -> bool {
    let of_all = subject.spec(&["validationFailureAction"]);
    let validate = rule.member("validate").map(|v| v.member("failureAction"));
    let mut own = verifications(rule).map(|v| v.member("failureAction")).chain(validate);
    own.all(|own| enforces(own.or(of_all)))
}

pub(super) fn judge(judge: &mut Judge<'_, '_>, set: &mut Set) {
    let rules: Vec<&Node> =
        rules(judge.subject).filter(|rule| rule.member("verifyImages").is_some() || is_about_names(rule)).collect();
    if rules.is_empty() {
        return judge.nothing_to_say();
    }
    judge.count();
    served::judge(judge);
    let start = judge.subject.object.at;
    judge.find(Rule::LegacyPolicy, start, judge.subject.word);
    judge.find(Rule::RemovedPolicy, start, judge.subject.word);
    let failure =
        [judge.subject.spec(&["failurePolicy"]), judge.subject.spec(&["webhookConfiguration", "failurePolicy"])];
    if let Some(node) = failure.into_iter().flatten().find(|node| node.text() == Some("Ignore")) {
        judge.find(Rule::FailsOpen, node.at, "failurePolicy: Ignore");
    }
    let demands_more = rules.iter().any(|rule| demands_tag_or_digest(rule));
    for rule in &rules {
        matching(judge, rule);
        for verification in verifications(rule) {
            judge_verification(judge, rule, verification);
        }
        if is_about_names(rule) {
            judge_names(judge, rule, demands_more);
        }
    }
    let at = judge.subject.place(&["rules"]);
    if rules.iter().any(|rule| matches_pods(rule)) {
        set.judge_places(judge, at);
    }
    set.judge_others(judge, at);
}

fn rules<'a>(subject: &Subject<'a>) -> impl Iterator<Item = &'a Node> {
    subject.spec(&["rules"]).map(Node::items).unwrap_or_default().iter()
}

fn verifications(rule: &Node) -> impl Iterator<Item = &Node> {
    rule.member("verifyImages").map(Node::items).unwrap_or_default().iter()
}

fn all_texts(node: &Node) -> Vec<(Position, &str)> {
    let mut found = Vec::new();
    texts(node, &mut found);
    found
}

/// Whether a rule matches Pods or what makes them: `Pod`, `apps/v1/Deployment`, `*`.
fn matches_pods(rule: &Node) -> bool {
    const KINDS: [&str; 9] =
        ["Pod", "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job", "CronJob", "*"];
    let kinds = rule.member("match").map(all_texts).unwrap_or_default();
    kinds.iter().any(|(_, text)| KINDS.contains(&text.rsplit('/').next().unwrap_or_default()))
}

/// A validate rule that judges images by their names.
fn is_about_names(rule: &Node) -> bool {
    rule.member("validate").is_some_and(|validate| {
        all_texts(validate).iter().any(|(_, text)| {
            matches!(anchorless(text), "image")
                || text.contains("images.")
                || text.contains("element.image")
                || text.contains(".image")
        })
    })
}

/// A key of a pattern without its anchor: `=(image)`.
fn anchorless(key: &str) -> &str {
    key.trim_start_matches(['=', '^', '+', '<', 'X', '?', '*']).trim_matches(['(', ')'])
}

fn matching(judge: &mut Judge<'_, '_>, rule: &Node) {
    for part in ["match", "exclude"] {
        let Some(node) = rule.member(part) else { continue };
        let mut filters: Vec<&Node> =
            ["any", "all"].iter().flat_map(|key| node.member(key).map(Node::items).unwrap_or_default()).collect();
        filters.push(node);
        for resources in filters.into_iter().filter_map(|filter| filter.member("resources")) {
            let chosen = ["selector", "annotations", "names", "name"].into_iter().find_map(|key| resources.member(key));
            // A condition on a namespace that only some may use is theirs to weaken.
            if let Some(chosen) = chosen.filter(|_| part == "match" || resources.member("namespaces").is_none()) {
                judge.find(Rule::LabelOptOut, chosen.at, part);
            }
            if let Some(selector) = resources.member("namespaceSelector")
                && let Some(label) =
                    selected_labels(selector).into_iter().find(|label| *label != "kubernetes.io/metadata.name")
            {
                judge.find(Rule::NamespaceOptIn, selector.at, label);
            }
            let operations = words(resources.member("operations"));
            if part == "match" && operations.contains(&"CREATE") && !operations.contains(&"UPDATE") {
                judge.find(
                    Rule::UpdateUnchecked,
                    resources.member("operations").map_or(resources.at, |node| node.at),
                    &operations.join(", "),
                );
            }
        }
    }
    let preconditions = rule.member("preconditions").map(all_texts).unwrap_or_default();
    let labelled = preconditions.iter().find(|(_, text)| {
        text.contains("request.object.metadata.labels") || text.contains("request.object.metadata.annotations")
    });
    if let Some((at, text)) = labelled {
        judge.find(Rule::LabelOptOut, *at, text);
    }
    audit(judge, rule);
}

/// The rule's own action, else the policy's; Audit where there is none.
fn action<'a>(judge: &Judge<'a, '_>, own: Option<&'a Node>) -> Option<&'a Node> {
    own.or_else(|| judge.subject.spec(&["validationFailureAction"]))
}

fn enforces(action: Option<&Node>) -> bool {
    action.and_then(Node::text).is_some_and(|word| word.eq_ignore_ascii_case("enforce"))
}

fn audit(judge: &mut Judge<'_, '_>, rule: &Node) {
    let validate = rule.member("validate").filter(|_| is_about_names(rule)).map(|v| v.member("failureAction"));
    let own = verifications(rule).map(|v| v.member("failureAction")).chain(validate);
    for own in own.collect::<Vec<_>>() {
        let action = action(judge, own);
        if !enforces(action) {
            judge.find(
                Rule::AuditOnly,
                action.map_or(rule.at, |node| node.at),
                action.and_then(Node::text).unwrap_or("no action"),
            );
        }
    }
}

fn judge_verification(judge: &mut Judge<'_, '_>, rule: &Node, verification: &Node) {
    let set = |key: &str| verification.member(key).and_then(Node::flag).unwrap_or(true);
    let at = |key: &str| verification.member(key).map_or(verification.at, |node| node.at);
    let bundle = verification.member("type").and_then(Node::text);
    if matches!(bundle, None | Some("Cosign")) {
        judge.find(Rule::BundleNotRead, at("type"), bundle.unwrap_or("no type"));
    }
    if set("mutateDigest") && !enforces(action(judge, verification.member("failureAction"))) {
        judge.find(Rule::AuditWithMutate, at("mutateDigest"), "mutateDigest with Audit");
    }
    match (set("mutateDigest"), set("verifyDigest")) {
        (false, false) => {
            judge.find(Rule::TagNotPinned, at("mutateDigest"), "mutateDigest: false, verifyDigest: false")
        }
        (true, false) => judge.find(Rule::DigestNotDemanded, at("verifyDigest"), "verifyDigest: false"),
        _ => {}
    }
    if !set("required") {
        judge.find(Rule::NotRequired, at("required"), "required: false");
    }
    for glob in verification.member("imageReferences").map(Node::items).unwrap_or_default() {
        if let Some(text) = glob.text().filter(|text| lacks_boundary(text)) {
            judge.find(Rule::GlobWithoutBoundary, glob.at, text);
        }
    }
    for glob in verification.member("skipImageReferences").map(Node::items).unwrap_or_default() {
        if let Some(text) = glob.text().filter(|text| lacks_boundary(text)) {
            judge.find(Rule::PrefixWithoutBoundary, glob.at, text);
        }
    }
    judge_attestors(judge, rule, verification, bundle);
}

fn judge_attestors(judge: &mut Judge<'_, '_>, _rule: &Node, verification: &Node, bundle: Option<&str>) {
    let attestations = verification.member("attestations").map(Node::items).unwrap_or_default();
    for attestation in attestations {
        if attestation.member("attestors").map(Node::items).unwrap_or_default().is_empty() {
            judge.find(Rule::UnsignedStatement, attestation.at, "attestations without attestors");
        }
        if let Some(node) = attestation.member("type").or_else(|| attestation.member("predicateType"))
            && let Some(word) = node.text().filter(|word| !word.contains("://") && bundle != Some("Notary"))
        {
            judge.find(Rule::ShorthandType, node.at, word);
        }
    }
    let sets = std::iter::once(verification).chain(attestations);
    let sets = sets.flat_map(|node| node.member("attestors").map(Node::items).unwrap_or_default());
    for entry in sets.flat_map(|set| set.member("entries").map(Node::items).unwrap_or_default()) {
        let kinds = ["keys", "keyless", "certificates", "attestor"];
        if kinds.iter().all(|kind| entry.member(kind).is_none_or(|node| node.value == Yaml::Null)) {
            judge.find(Rule::NoIdentity, entry.at, "no keys, keyless or certificates");
        }
        if let Some(keyless) = entry.member("keyless") {
            judge_keyless(judge, keyless, bundle);
        }
    }
}

fn judge_keyless(judge: &mut Judge<'_, '_>, keyless: &Node, bundle: Option<&str>) {
    if let Some(extensions) = keyless.member("additionalExtensions")
        && bundle == Some("SigstoreBundle")
    {
        judge.find(Rule::IgnoredIdentityField, extensions.at, "additionalExtensions with SigstoreBundle");
    }
    for (exact, pattern, part) in
        [("issuer", "issuerRegExp", Part::Issuer), ("subject", "subjectRegExp", Part::Subject)]
    {
        let (exact_node, pattern_node) = (keyless.member(exact), keyless.member(pattern));
        match (exact_node.and_then(Node::text), pattern_node.and_then(Node::text)) {
            (None | Some(""), None | Some("")) => judge.find(Rule::NoIdentity, keyless.at, &format!("no {exact}")),
            (Some(text), _) => {
                for rule in judge_wildcard(text, part) {
                    judge.find(rule, exact_node.map_or(keyless.at, |node| node.at), text);
                }
            }
            _ => {}
        }
        if let (Some(node), Some(text)) = (pattern_node, pattern_node.and_then(Node::text)) {
            judge_expression(judge, node.at, text, part);
        }
    }
    let ignores = |list: &str, key: &str| keyless.descend(&[list, key]).filter(|node| node.flag() == Some(true));
    let chain = keyless.descend(&["ctlog", "tsaCertChain"]).is_some();
    if let Some(node) = ignores("rekor", "ignoreTlog").filter(|_| !chain) {
        judge.find(Rule::NoTransparency, node.at, "rekor.ignoreTlog: true");
    }
    if let Some(node) = ignores("ctlog", "ignoreSCT").filter(|_| !chain) {
        judge.find(Rule::NoSct, node.at, "ctlog.ignoreSCT: true");
    }
}

fn judge_names(judge: &mut Judge<'_, '_>, rule: &Node, demands_more: bool) {
    let Some(validate) = rule.member("validate") else { return };
    let texts = all_texts(rule);
    let mentions = |word: &str| texts.iter().any(|(_, text)| text.contains(word));
    let elsewhere = ["images.*", "images.[", "[containers, ", "[initContainers"].iter().any(|word| mentions(word));
    if mentions("ontainers") && !mentions("initContainers") && !elsewhere {
        judge.find(Rule::ContainersOnly, validate.at, "not: initContainers");
    }
    let alternatives = alternatives(validate);
    for (at, text) in alternatives {
        match text {
            "*:*" => judge.find(Rule::TagTest, at, text),
            "*@*" => judge.find(Rule::DigestTest, at, text),
            "!*:latest" if !demands_more => judge.find(Rule::LatestByName, at, text),
            _ if !text.starts_with('!') && text.ends_with('*') && is_open_prefix(text.trim_end_matches('*')) => {
                judge.find(Rule::PrefixWithoutBoundary, at, text);
            }
            _ => {}
        }
    }
}

/// Whether some pattern of a rule asks for a tag or a digest, so that a name without either does not pass.
fn demands_tag_or_digest(rule: &Node) -> bool {
    let patterns = rule.member("validate").map(alternatives).unwrap_or_default();
    patterns.iter().any(|(_, text)| matches!(*text, "*:*" | "*@*") || text.contains("@sha256:"))
}

/// The patterns for images, one by one: `a* | b*` are two.
fn alternatives(validate: &Node) -> Vec<(Position, &str)> {
    let mut images = Vec::new();
    image_patterns(validate, &mut images);
    images.into_iter().flat_map(|(at, text)| text.split('|').map(move |one| (at, one.trim()))).collect()
}

/// The texts that stand for `image` in a pattern.
fn image_patterns<'a>(node: &'a Node, found: &mut Vec<(Position, &'a str)>) {
    for (key, value) in node.members() {
        if anchorless(&key.text) == "image"
            && let Some(text) = value.text()
        {
            found.push((value.at, text));
        }
        image_patterns(value, found);
    }
    node.items().iter().for_each(|item| image_patterns(item, found));
}
