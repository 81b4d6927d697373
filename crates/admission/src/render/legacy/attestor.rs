//! A builder as an entry of an attestor set.
//!
//! The engine takes the keys of an instance from the TUF repository that Kyverno itself was started with; a policy cannot name
//! another one for bundles (kyverno/kyverno 1.19.1, `getTrustedMaterial`).

use sealwright_policy::{Builder, BuilderIdentity, KeylessRule, Transparency};

use crate::render::Settings;
use crate::render::attestor::{Subject, subject};
use crate::render::yaml::Node;

/// The definition demands an address; for bundles nobody asks there.
const REKOR: &str = "https://rekor.sigstore.dev";

/// So many of these builders.
pub(super) fn attestors(builders: &[&Builder], count: u64, settings: &Settings) -> Result<Node, String> {
    let entries = builders.iter().map(|builder| entry(builder, settings)).collect::<Result<Vec<_>, _>>()?;
    let set = Node::map([("count", Some(Node::Number(count))), ("entries", Some(Node::List(entries)))]);
    Ok(Node::List(vec![set]))
}

fn entry(builder: &Builder, settings: &Settings) -> Result<Node, String> {
    Ok(match &builder.identity {
        BuilderIdentity::Keyless(rule) => Node::map([("keyless", Some(keyless(builder, rule)?))]),
        BuilderIdentity::Key(_) => Node::map([("keys", Some(keys(builder, settings)?))]),
    })
}

fn keyless(builder: &Builder, rule: &KeylessRule) -> Result<Node, String> {
    let subject = match subject(builder, &rule.subject)? {
        Subject::Exact(text) => ("subject", text),
        Subject::Expression(expression) => ("subjectRegExp", expression),
    };
    let rekor = Node::map([("url", Some(Node::text(REKOR)))]);
    Ok(Node::map([
        ("issuer", Some(Node::text(&rule.issuer))),
        (subject.0, Some(Node::text(subject.1))),
        ("rekor", Some(rekor)),
    ]))
}

fn keys(builder: &Builder, settings: &Settings) -> Result<Node, String> {
    let key = match (settings.kms.get(&builder.name), settings.keys.get(&builder.name)) {
        (Some(uri), _) => ("kms", Node::text(uri)),
        (None, Some(pem)) => ("publicKeys", Node::lines(pem)),
        (None, None) => return Err(format!("builder {:?} has no key", builder.name)),
    };
    let ignored = builder.transparency == Transparency::None;
    let yes = || ignored.then_some(Node::Bool(true));
    let rekor = Node::map([("url", Some(Node::text(REKOR))), ("ignoreTlog", yes())]);
    // Its name notwithstanding the engine asks for a trusted time by it, and for bundles never for the certificate's log.
    let ctlog = yes().map(|yes| Node::map([("ignoreSCT", Some(yes))]));
    Ok(Node::map([(key.0, Some(key.1)), ("rekor", Some(rekor)), ("ctlog", ctlog)]))
}
