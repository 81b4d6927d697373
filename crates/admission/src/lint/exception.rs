//! Exceptions from image policies.

use sealwright_policy::yaml::Node;

use super::judge::Judge;
use super::matching::chosen_by_author;
use super::rule::Rule;
use super::served;
use super::subject::texts;

/// `PolicyException` of policies.kyverno.io. One that refers to other kinds of policies only is not judged.
pub(super) fn judge(judge: &mut Judge<'_, '_>) {
    let subject = judge.subject;
    let references = subject.spec(&["policyRefs"]).map(Node::items).unwrap_or_default();
    let kinds = || references.iter().filter_map(|reference| reference.member("kind").and_then(Node::text));
    if !kinds().any(|kind| kind.ends_with("ValidatingPolicy")) {
        return judge.nothing_to_say();
    }
    judge.count();
    served::judge(judge);
    if kinds().any(|kind| kind.ends_with("ImageValidatingPolicy")) {
        for field in ["images", "allowedValues"] {
            if let Some(node) = subject.spec(&[field]).filter(|node| !node.items().is_empty()) {
                judge.find(Rule::ExceptionImages, node.at, field);
            }
        }
    }
    if subject.spec(&["expiresAt"]).is_none() {
        judge.find(Rule::ExceptionForever, subject.place(&[]), "no expiresAt");
    }
    conditions(judge);
}

fn conditions(judge: &mut Judge<'_, '_>) {
    let partial =
        ["images", "allowedValues"].iter().any(|key| judge.subject.spec(&[key]).is_some_and(|n| !n.items().is_empty()));
    if judge.conditions.is_empty() {
        // It exempts these images or values only, where the policy asks for them; an image policy skips it.
        if partial {
            return;
        }
        return judge.find(Rule::UnconditionalException, judge.subject.place(&[]), "no matchConditions");
    }
    let by_author: Vec<_> =
        judge.conditions.iter().filter(|c| chosen_by_author(&c.tokens)).map(|c| (c.at, c.source.to_owned())).collect();
    let others = judge.conditions.len() > by_author.len();
    let elsewhere = judge.conditions.iter().any(|c| c.source.contains("amespace"));
    if !others {
        for (at, source) in by_author {
            judge.find(Rule::ExceptionByAuthor, at, &source);
        }
    }
    if !elsewhere {
        judge.find(
            Rule::ExceptionEverywhere,
            judge.subject.place(&["matchConditions"]),
            "no condition on the namespace",
        );
    }
}

/// `PolicyException` of kyverno.io, whatever rules it names: they are not here to be asked.
pub(super) fn judge_legacy(judge: &mut Judge<'_, '_>) {
    let subject = judge.subject;
    // Exemptions from controls of the Pod Security Standards: none of them is about where an image comes from.
    if subject.spec(&["podSecurity"]).is_some() {
        return judge.nothing_to_say();
    }
    judge.count();
    served::judge(judge);
    let mut found = Vec::new();
    if let Some(matching) = subject.spec(&["match"]) {
        texts(matching, &mut found);
    }
    let names = |word: &str| found.iter().any(|(_, text)| *text == word);
    let at = subject.place(&["match"]);
    let author = ["names", "name", "selector", "annotations"].into_iter().find(|word| names(word));
    let narrow = ["namespaces", "namespaceSelector", "subjects", "roles", "clusterRoles"].into_iter().any(names);
    let conditions = subject.spec(&["conditions"]).is_some();
    match author {
        _ if conditions => {}
        None if !narrow => judge.find(Rule::UnconditionalException, at, "kinds only"),
        Some(word) if !narrow => judge.find(Rule::ExceptionByAuthor, at, word),
        _ => {}
    }
    if author.is_some() && !narrow {
        judge.find(Rule::ExceptionEverywhere, at, "no namespaces");
    }
}
