//! Which requests reach a CEL policy: `matchConstraints` and `matchConditions`.

use sealwright_policy::yaml::{Node, Yaml};

use super::cel::{Token, members_of};
use super::judge::Judge;
use super::rule::Rule;
use super::subject::{Kind, words};

/// Kubernetes' own API groups of what makes Pods.
const GROUPS: [(&str, &str); 8] = [
    ("pods", ""),
    ("replicationcontrollers", ""),
    ("deployments", "apps"),
    ("statefulsets", "apps"),
    ("daemonsets", "apps"),
    ("replicasets", "apps"),
    ("jobs", "batch"),
    ("cronjobs", "batch"),
];

/// Whether a resource is Pods or makes them.
pub(super) fn makes_pods(resource: &str) -> bool {
    resource.starts_with("pods/") || resource.contains('*') || GROUPS.iter().any(|(name, _)| *name == resource)
}

pub(super) fn judge(judge: &mut Judge<'_, '_>) {
    if judge.is_about_json() {
        return;
    }
    let subject = judge.subject;
    let rules = subject.spec(&["matchConstraints", "resourceRules"]).map(Node::items).unwrap_or_default();
    if rules.is_empty() {
        judge.find(Rule::MatchesNothing, subject.place(&["matchConstraints"]), "no resourceRules");
    }
    for rule in rules {
        wrong_group(judge, rule);
        without_update(judge, rule);
    }
    without_controllers(judge, rules);
    opt_outs(judge);
}

fn wrong_group(judge: &mut Judge<'_, '_>, rule: &Node) {
    let (groups, resources) = (words(rule.member("apiGroups")), words(rule.member("resources")));
    for resource in resources {
        let home = GROUPS.iter().find(|(name, _)| *name == resource.split('/').next().unwrap_or_default());
        if let Some((_, home)) = home
            && !groups.is_empty()
            && !groups.iter().any(|group| group == home || *group == "*")
        {
            judge.find(Rule::WrongGroup, rule.at, &format!("{resource} in apiGroups {groups:?}, expected {home:?}"));
        }
    }
}

fn without_update(judge: &mut Judge<'_, '_>, rule: &Node) {
    let operations = words(rule.member("operations"));
    let has = |operation: &str| operations.contains(&operation) || operations.contains(&"*");
    // The template of a Job cannot be changed.
    let changes = |resource: &str| makes_pods(resource) && !resource.starts_with("pods/") && resource != "jobs";
    let changing = words(rule.member("resources")).into_iter().find(|resource| changes(resource));
    if let Some(resource) = changing.filter(|_| has("CREATE") && !has("UPDATE")) {
        let at = rule.member("operations").map_or(rule.at, |node| node.at);
        judge.find(Rule::UpdateUnchecked, at, &format!("{resource}: {}", operations.join(", ")));
    }
}

/// The conditions of `CanAutoGen` (pkg/cel/autogen/support.go), for a policy that is about Pods and leaves the rest to autogen.
fn without_controllers(judge: &mut Judge<'_, '_>, rules: &[Node]) {
    let subject = judge.subject;
    let listed = subject.spec(&["autogen", "podControllers", "controllers"]);
    let resources: Vec<&str> = rules.iter().flat_map(|rule| words(rule.member("resources"))).collect();
    let by_itself = resources
        .iter()
        .any(|resource| GROUPS.iter().skip(1).any(|(name, _)| name == resource) || resource.contains('*'));
    if !resources.contains(&"pods") || by_itself || listed.is_some_and(|list| list.items().is_empty()) {
        return;
    }
    let constraints = |key: &str| subject.spec(&["matchConstraints", key]);
    let at = subject.place(&["matchConstraints"]);
    if resources.contains(&"pods/ephemeralcontainers") {
        let place = rules.iter().find_map(|rule| rule.member("resources")).map_or(at, |node| node.at);
        judge.find(Rule::PodsWithEphemeral, place, &resources.join(", "));
        return;
    }
    let selects = |key: &str| {
        let filled = |part: &str| constraints(key).and_then(|node| node.member(part)).is_some_and(is_filled);
        filled("matchLabels") || filled("matchExpressions")
    };
    let groups = |rule: &Node| words(rule.member("apiGroups")) == [""] && words(rule.member("apiVersions")) == ["v1"];
    let reason = if selects("objectSelector") {
        Some("objectSelector")
    } else if constraints("excludeResourceRules").is_some_and(is_filled) {
        Some("excludeResourceRules")
    } else if rules.len() != 1 || resources != ["pods"] {
        Some("more than one rule or resource")
    } else if rules.iter().any(|rule| rule.member("resourceNames").is_some_and(is_filled)) {
        Some("resourceNames")
    } else if !rules.iter().all(groups) {
        Some("apiGroups other than [\"\"] or apiVersions other than [v1]")
    } else {
        None
    };
    if let Some(reason) = reason {
        judge.find(Rule::AutogenOff, at, reason);
    }
}

fn is_filled(node: &Node) -> bool {
    match &node.value {
        Yaml::Null => false,
        Yaml::List(items) => !items.is_empty(),
        Yaml::Map(members) => !members.is_empty(),
        _ => true,
    }
}

fn opt_outs(judge: &mut Judge<'_, '_>) {
    let subject = judge.subject;
    if let Some(selector) = subject.spec(&["matchConstraints", "objectSelector"])
        && selector.members().iter().any(|(_, part)| is_filled(part))
    {
        judge.find(Rule::LabelOptOut, selector.at, "objectSelector");
    }
    if let Some(selector) = subject.spec(&["matchConstraints", "namespaceSelector"])
        && let Some(label) = selected_labels(selector).into_iter().find(|label| *label != "kubernetes.io/metadata.name")
    {
        judge.find(Rule::NamespaceOptIn, selector.at, label);
    }
    let found: Vec<_> = judge
        .conditions
        .iter()
        .filter(|condition| chosen_by_author(&condition.tokens))
        .map(|condition| (condition.at, condition.source.to_owned()))
        .collect();
    for (at, source) in found {
        judge.find(Rule::LabelOptOut, at, &source);
    }
    if subject.kind == Kind::ImageValidating || subject.kind == Kind::Validating {
        namespace_labels(judge);
    }
}

fn namespace_labels(judge: &mut Judge<'_, '_>) {
    let labelled = |tokens: &[Token]| {
        members_of(tokens, "namespaceObject").0.contains(&"metadata")
            && tokens.iter().any(|t| t.name() == Some("labels"))
    };
    let found: Vec<_> =
        judge.conditions.iter().filter(|c| labelled(&c.tokens)).map(|c| (c.at, c.source.to_owned())).collect();
    for (at, source) in found {
        judge.find(Rule::NamespaceOptIn, at, &source);
    }
}

/// The keys of a label selector.
pub(super) fn selected_labels(selector: &Node) -> Vec<&str> {
    let labels = selector.member("matchLabels").map(Node::members).unwrap_or_default();
    let expressions = selector.member("matchExpressions").map(Node::items).unwrap_or_default();
    let keys = expressions.iter().filter_map(|expression| expression.member("key").and_then(Node::text));
    labels.iter().map(|(key, _)| key.text.as_str()).chain(keys).collect()
}

/// Whether an expression looks at a label, an annotation or the name of the object itself.
pub(super) fn chosen_by_author(tokens: &[Token]) -> bool {
    const CHOSEN: [&str; 4] = ["labels", "annotations", "name", "generateName"];
    tokens.iter().enumerate().any(|(at, token)| {
        token.name() == Some("object")
            && (at == 0 || tokens.get(at - 1).is_some_and(|before| !before.is_mark(".")))
            && path(tokens, at).is_some_and(|path| {
                path.first() == Some(&"metadata") && path.get(1).is_some_and(|field| CHOSEN.contains(field))
            })
    })
}

/// `object.metadata.?labels` as its names.
fn path(tokens: &[Token], at: usize) -> Option<Vec<&str>> {
    let mut names = Vec::new();
    for token in tokens.get(at + 1..)?.iter() {
        match token {
            Token::Name(name) => names.push(name.as_str()),
            Token::Mark(mark) if mark == "." || mark == "?" => {}
            _ => break,
        }
    }
    Some(names)
}
