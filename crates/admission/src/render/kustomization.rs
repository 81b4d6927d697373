//! The objects as a tree for Kustomize: a base, and what is laid over it on the way from audit to enforcement.

use super::yaml::Node;

/// The base, with the files of the policies.
pub(super) fn base<'a>(files: impl IntoIterator<Item = &'a str>) -> String {
    kustomization(Node::texts(files), None).document()
}

/// Everything is reported and nothing denied. Tags become digests nevertheless.
pub(super) fn audit() -> String {
    let patch = |kind: &str| {
        let target = Node::map([
            ("group", Some(Node::text("policies.kyverno.io"))),
            ("kind", Some(Node::text(kind))),
            ("labelSelector", Some(Node::text("app.kubernetes.io/part-of=sealwright"))),
        ]);
        let change = "- op: replace\n  path: /spec/validationActions\n  value: [Audit]";
        Node::map([("target", Some(target)), ("patch", Some(Node::lines(change)))])
    };
    let patches = ["ImageValidatingPolicy", "ValidatingPolicy"].map(patch).to_vec();
    kustomization(Node::texts(["../../base"]), Some(Node::List(patches))).document()
}

/// What the base says: denied, but for what is only reported there.
pub(super) fn enforce() -> String {
    kustomization(Node::texts(["../../base"]), None).document()
}

fn kustomization(resources: Node, patches: Option<Node>) -> Node {
    Node::map([
        ("apiVersion", Some(Node::text("kustomize.config.k8s.io/v1beta1"))),
        ("kind", Some(Node::text("Kustomization"))),
        ("resources", Some(resources)),
        ("patches", patches),
    ])
}
