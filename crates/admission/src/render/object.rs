//! What every object has: names, labels, where it comes from, what it is asked about, and what follows.

use super::yaml::Node;

/// Requests that a policy is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Pods, and by autogen whatever has a template of one.
    Pods,
    /// Debug containers that are added to a running Pod: a subresource of its own, which would switch autogen off beside Pods.
    EphemeralContainers,
    /// Kyverno's exceptions.
    Exceptions,
}

/// What follows when something is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The request is denied.
    Deny,
    /// It is reported.
    Audit,
}

/// A policy.
pub(super) struct Object {
    pub(super) kind: &'static str,
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    pub(super) about: String,
    pub(super) rule: Rule,
    pub(super) stage: Stage,
    /// What comes behind the members that all have.
    pub(super) spec: Vec<(&'static str, Option<Node>)>,
}

/// Whether an image changes: the finalizer of a Job's Pod, a label or a number of replicas can be changed while the registry does
/// not answer, and of what ran before there were policies. Kyverno writes `object.spec` anew for whatever has a template, and where
/// it pins tags it asks about a new object with an old one that is empty.
const CHANGES: &str = "\
oldObject == null || oldObject.?spec.orValue(null) == null
|| object.spec.?containers.orValue([]).map(c, c.?image.orValue('')) != oldObject.spec.?containers.orValue([]).map(c, c.?image.orValue(''))
|| object.spec.?initContainers.orValue([]).map(c, c.?image.orValue('')) != oldObject.spec.?initContainers.orValue([]).map(c, c.?image.orValue(''))
|| object.spec.?volumes.orValue([]).map(v, v.?image.?reference.orValue('')) != oldObject.spec.?volumes.orValue([]).map(v, v.?image.?reference.orValue(''))";

impl Object {
    /// As a document of Kubernetes.
    pub(super) fn node(self, trust_file: &str) -> Node {
        let labels = Node::map([
            ("app.kubernetes.io/name", Some(Node::text(self.name))),
            ("app.kubernetes.io/part-of", Some(Node::text("sealwright"))),
        ]);
        let annotations = Node::map([
            ("policies.kyverno.io/title", Some(Node::text(self.title))),
            ("policies.kyverno.io/description", Some(Node::text(self.about))),
            ("sealwright.dev/trust-file", Some(Node::text(trust_file))),
        ]);
        let metadata = Node::map([
            ("name", Some(Node::text(self.name))),
            ("labels", Some(labels)),
            ("annotations", Some(annotations)),
        ]);
        let action = match self.stage {
            Stage::Deny => "Deny",
            Stage::Audit => "Audit",
        };
        let rules = Node::map([("resourceRules", Some(Node::List(vec![self.rule.node()])))]);
        let mut spec = vec![
            ("failurePolicy".to_owned(), Node::text("Fail")),
            ("validationActions".to_owned(), Node::texts([action])),
            ("matchConstraints".to_owned(), rules),
        ];
        if self.rule == Rule::Pods {
            let condition =
                [("name", Some(Node::text("an-image-changes"))), ("expression", Some(Node::lines(CHANGES)))];
            spec.push(("matchConditions".to_owned(), Node::List(vec![Node::map(condition)])));
        }
        spec.extend(self.spec.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))));
        Node::map([
            ("apiVersion", Some(Node::text("policies.kyverno.io/v1"))),
            ("kind", Some(Node::text(self.kind))),
            ("metadata", Some(metadata)),
            ("spec", Some(Node::Map(spec))),
        ])
    }
}

impl Rule {
    fn node(self) -> Node {
        let (group, version, operations, resources): (_, _, &[&str], _) = match self {
            Self::Pods => ("", "v1", &["CREATE", "UPDATE"], "pods"),
            Self::EphemeralContainers => ("", "v1", &["UPDATE"], "pods/ephemeralcontainers"),
            Self::Exceptions => ("policies.kyverno.io", "*", &["CREATE", "UPDATE"], "policyexceptions"),
        };
        Node::map([
            ("apiGroups", Some(Node::texts([group]))),
            ("apiVersions", Some(Node::texts([version]))),
            ("operations", Some(Node::texts(operations.iter().copied()))),
            ("resources", Some(Node::texts([resources]))),
        ])
    }
}
