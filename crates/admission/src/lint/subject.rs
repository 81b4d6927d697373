//! The objects of a stream of documents, and which of them rules are about.

use sealwright_core::Untrusted;
use sealwright_policy::Position;
use sealwright_policy::yaml::{Node, Yaml};

/// What an object is to the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `ImageValidatingPolicy`, or the namespaced one.
    ImageValidating,
    /// `ValidatingPolicy`, or the namespaced one.
    Validating,
    /// `ClusterPolicy` or `Policy` of kyverno.io.
    Legacy,
    /// `PolicyException` of policies.kyverno.io.
    Exception,
    /// `PolicyException` of kyverno.io.
    LegacyException,
    /// A Deployment that runs Kyverno.
    Controller,
    /// Anything else: there is nothing to say.
    Other,
}

/// One object.
#[derive(Debug)]
pub(super) struct Subject<'a> {
    pub(super) file: &'a str,
    pub(super) object: &'a Node,
    pub(super) kind: Kind,
    /// The kind as the object says it.
    pub(super) word: &'a str,
    /// The version of its apiVersion: `v1`.
    pub(super) version: &'a str,
}

impl<'a> Subject<'a> {
    /// An object, and those of a `List`.
    pub(super) fn of(file: &'a str, object: &'a Node) -> Vec<Self> {
        let word = object.member("kind").and_then(Node::text).unwrap_or_default();
        let api = object.member("apiVersion").and_then(Node::text).unwrap_or_default();
        // Of one kind, as the API server answers, or of any; a list in a list is nothing that it takes.
        let listed =
            (word == "List" && api == "v1") || api.split('/').next().is_some_and(|group| group.ends_with("kyverno.io"));
        if let (true, true, Some(items)) = (listed, word.ends_with("List"), object.member("items")) {
            return items.items().iter().map(|item| Self::one(file, item)).collect();
        }
        vec![Self::one(file, object)]
    }

    fn one(file: &'a str, object: &'a Node) -> Self {
        let word = object.member("kind").and_then(Node::text).unwrap_or_default();
        let api = object.member("apiVersion").and_then(Node::text).unwrap_or_default();
        let (group, version) = api.split_once('/').unwrap_or(("", api));
        let kind = match (group, word) {
            ("policies.kyverno.io", "ImageValidatingPolicy" | "NamespacedImageValidatingPolicy") => {
                Kind::ImageValidating
            }
            ("policies.kyverno.io", "ValidatingPolicy" | "NamespacedValidatingPolicy") => Kind::Validating,
            ("policies.kyverno.io", "PolicyException") => Kind::Exception,
            ("kyverno.io", "ClusterPolicy" | "Policy") => Kind::Legacy,
            ("kyverno.io", "PolicyException") => Kind::LegacyException,
            ("apps", "Deployment") if runs_kyverno(object) => Kind::Controller,
            _ => Kind::Other,
        };
        Self { file, object, kind, word, version }
    }

    /// `ImageValidatingPolicy/verify-pods`.
    pub(super) fn name(&self) -> Untrusted {
        let name = self.object.descend(&["metadata", "name"]).and_then(Node::text).unwrap_or("?");
        let clip = |text: &str| text.chars().take(100).collect::<String>();
        Untrusted::new(format!("{}/{}", clip(self.word), clip(name)))
    }

    /// `spec.…`.
    pub(super) fn spec(&self, path: &[&str]) -> Option<&'a Node> {
        self.object.member("spec").and_then(|spec| spec.descend(path))
    }

    /// Where `spec` or its deepest part that is there starts.
    pub(super) fn place(&self, path: &[&str]) -> Position {
        let mut node = self.object.member("spec").unwrap_or(self.object);
        for key in path {
            match node.members().iter().find(|(known, _)| known.text == *key) {
                Some((_, value)) => node = value,
                None => break,
            }
        }
        node.at
    }
}

fn runs_kyverno(object: &Node) -> bool {
    arguments(object).any(|argument| {
        argument.starts_with("--admissionReports")
            || argument.starts_with("--forceFailurePolicyIgnore")
            || argument.starts_with("--enablePolicyException")
    })
}

/// The arguments of all containers of a Deployment.
pub(super) fn arguments(object: &Node) -> impl Iterator<Item = &str> {
    containers(object)
        .flat_map(|container| container.member("args").map(Node::items).unwrap_or_default())
        .filter_map(Node::text)
}

fn containers(object: &Node) -> impl Iterator<Item = &Node> {
    let containers = object.descend(&["spec", "template", "spec", "containers"]);
    containers.map(Node::items).unwrap_or_default().iter()
}

/// Every text below a node, keys too, with its place.
pub(super) fn texts<'a>(node: &'a Node, found: &mut Vec<(Position, &'a str)>) {
    match &node.value {
        Yaml::Text(text) => found.push((node.at, text)),
        Yaml::List(items) => items.iter().for_each(|item| texts(item, found)),
        Yaml::Map(members) => {
            for (key, value) in members {
                found.push((key.at, &key.text));
                texts(value, found);
            }
        }
        _ => {}
    }
}

/// The texts of a list.
pub(super) fn words(node: Option<&Node>) -> Vec<&str> {
    node.map(Node::items).unwrap_or_default().iter().filter_map(Node::text).collect()
}
