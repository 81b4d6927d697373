//! One `ClusterPolicy` with `verifyImages` (Kyverno, `kyverno.io/v1`), for clusters that cannot run 1.19.1 with the newer kinds yet.
//!
//! Kyverno 1.20 does not execute it any more (kyverno/kyverno#17701, #17718). Evidence is asked for as an attestation of its own
//! type, as in the newer kinds; whatever matters and cannot be said is refused, the rest is told.

mod attestor;
mod conditions;
mod jmespath;
mod notes;

use sealwright_bundle::predicate_type as types;
use sealwright_policy::{Builder, BuilderIdentity, PathPattern, Policy, SbomFormat};

use super::globs::{Dialect, globs};
use super::notes::any_logged;
use super::yaml::Node;
use super::{Inexpressible, Instance, Rendered, Settings, cel};
use attestor::attestors;
use conditions::Condition;
use jmespath::{fits, variable};

/// The longest that the API server waits for a webhook, in seconds (Kubernetes, `ValidatingWebhook.timeoutSeconds`).
const TIMEOUT: u64 = 30;

const NAME: &str = "sealwright-legacy";
const TITLE: &str = "Only what the builders of the trust file sealed, for Kyverno before 1.20";
const ABOUT: &str = "Every image of a Pod is named by digest, of a repository that is listed, and has the evidence that the trust file asks for. For Kyverno 1.19 and older: from 1.20 on this policy does nothing at all. Weaker than the policies that `sealwright policy render` writes without --format kyverno-legacy.";

/// The policy, as one file.
pub(super) fn render(policy: &Policy, settings: &Settings) -> Result<Rendered, Inexpressible> {
    let digest = policy.digest().to_string();
    let header = format!(
        "# Made by `sealwright policy render --format kyverno-legacy` from the trust file {digest}.\n# Do not edit: change the trust file and render again.\n# For Kyverno 1.19.1 up to, and not including, 1.20: from 1.20 on a ClusterPolicy with verifyImages does nothing at all.\n"
    );
    let text = header + &object(policy, settings, &digest).map_err(Inexpressible)?.document();
    Ok(Rendered { files: vec![("policy.yaml".to_owned(), text)], notes: notes::notes(policy, settings) })
}

fn object(policy: &Policy, settings: &Settings, trust_file: &str) -> Result<Node, String> {
    expressible(policy, settings)?;
    let labels = Node::map([
        ("app.kubernetes.io/name", Some(Node::text(NAME))),
        ("app.kubernetes.io/part-of", Some(Node::text("sealwright"))),
    ]);
    let annotations = Node::map([
        ("policies.kyverno.io/title", Some(Node::text(TITLE))),
        ("policies.kyverno.io/description", Some(Node::text(ABOUT))),
        ("sealwright.dev/kyverno", Some(Node::text(">=1.19.1 <1.20"))),
        ("sealwright.dev/trust-file", Some(Node::text(trust_file))),
    ]);
    let metadata =
        Node::map([("name", Some(Node::text(NAME))), ("labels", Some(labels)), ("annotations", Some(annotations))]);
    let webhook =
        Node::map([("failurePolicy", Some(Node::text("Fail"))), ("timeoutSeconds", Some(Node::Number(TIMEOUT)))]);
    let spec = Node::map([
        ("background", Some(Node::Bool(true))),
        ("webhookConfiguration", Some(webhook)),
        ("rules", Some(Node::List(vec![evidence(policy, settings)?, references(policy, settings)?, volumes()?]))),
    ]);
    Ok(Node::map([
        ("apiVersion", Some(Node::text("kyverno.io/v1"))),
        ("kind", Some(Node::text("ClusterPolicy"))),
        ("metadata", Some(metadata)),
        ("spec", Some(spec)),
    ]))
}

/// What would be weaker in a way that matters.
fn expressible(policy: &Policy, settings: &Settings) -> Result<(), String> {
    for builder in &policy.builders {
        let keyless = matches!(builder.identity, BuilderIdentity::Keyless(_));
        // A public workflow signs for every caller, and nothing but the provenance would tell whose image it is.
        if keyless && builder.source.is_some() && !builder.evidence.provenance.required {
            return Err(format!(
                "builder {:?}: a ClusterPolicy can compare its `source` with provenance only, and the trust file does not require any",
                builder.name
            ));
        }
    }
    // One set of conditions is asked of all signers: what is not asked of one would let another one's provenance pass.
    let with = policy.builders.iter().find(|builder| builder.source.is_some());
    let without = policy.builders.iter().find(|builder| builder.source.is_none());
    if let (Some(with), Some(without)) = (with, without) {
        return Err(format!(
            "builder {:?} has a `source` and builder {:?} has none: a ClusterPolicy cannot tell whose provenance it is. Give each a trust file of its own",
            with.name, without.name
        ));
    }
    if let Some(pattern) = policy.images.iter().find(|pattern| fits_short_names(pattern)) {
        return Err(format!(
            "images: {pattern:?} can fit a name without a registry, which Kyverno completes before it looks for a policy: expected a host first, as in docker.io/acme/**"
        ));
    }
    if matches!(settings.instance, Instance::TrustedRoot { .. }) && any_logged(policy) {
        return Err(
            "a ClusterPolicy cannot carry a trusted root: render with --tuf URL, and start Kyverno with the same --tufMirror and --tufRoot"
                .to_owned(),
        );
    }
    Ok(())
}

/// Whether something else than a host can stand in front: a host has a dot or a port, or is `localhost` (distribution, "reference").
/// A star alone fits whatever Kyverno puts there.
fn fits_short_names(pattern: &PathPattern) -> bool {
    let first = pattern.as_str().split('/').next().unwrap_or_default();
    !(["*", "**", "localhost"].contains(&first) || first.contains(['.', ':']))
}

fn pods() -> Node {
    let resources =
        Node::map([("kinds", Some(Node::texts(["Pod"]))), ("operations", Some(Node::texts(["CREATE", "UPDATE"])))]);
    Node::map([("any", Some(Node::List(vec![Node::map([("resources", Some(resources))])])))])
}

fn evidence(policy: &Policy, settings: &Settings) -> Result<Node, String> {
    let globs = globs(&policy.images, Dialect::Kyverno)?;
    let verification = Node::map([
        ("type", Some(Node::text("SigstoreBundle"))),
        ("imageReferences", Some(Node::texts(globs.iter().map(String::as_str)))),
        ("failureAction", Some(Node::text("Enforce"))),
        ("mutateDigest", Some(Node::Bool(true))),
        ("verifyDigest", Some(Node::Bool(true))),
        ("required", Some(Node::Bool(true))),
        ("attestations", Some(Node::List(attestations(policy, settings)?))),
    ]);
    Ok(Node::map([
        ("name", Some(Node::text("evidence"))),
        ("match", Some(pods())),
        ("verifyImages", Some(Node::List(vec![verification]))),
    ]))
}

/// Everything that is asked for, each as an attestation of its own type. The signature is asked of everybody: an image's builder is
/// known by it.
fn attestations(policy: &Policy, settings: &Settings) -> Result<Vec<Node>, String> {
    let all: Vec<&Builder> = policy.builders.iter().collect();
    let signers = &policy.evidence.signers;
    let may_sign: Vec<&Builder> =
        all.iter().copied().filter(|one| signers.of.is_empty() || signers.of.contains(&one.name)).collect();
    let mut nodes =
        vec![attestation("signature", types::SIGNATURE, attestors(&may_sign, signers.threshold, settings)?, vec![])?];
    type Asked = (&'static str, &'static str, fn(&Builder) -> bool);
    let asked: [Asked; 5] = [
        ("cyclonedx", types::CYCLONEDX, |one| asks_sbom(one, SbomFormat::CycloneDx)),
        ("spdx", types::SPDX, |one| asks_sbom(one, SbomFormat::Spdx)),
        ("provenance", types::PROVENANCE, |one| one.evidence.provenance.required),
        ("decision", types::VERIFICATION_SUMMARY, |one| one.evidence.decision),
        ("scan", types::VULN, |one| one.evidence.scan.required),
    ];
    for (name, kind, asks) in asked {
        if all.iter().all(|builder| !asks(builder)) {
            continue;
        }
        let conditions = match name {
            "provenance" => conditions::provenance(&all)?,
            _ => the_same(&all, name, |builder| match name {
                "cyclonedx" => conditions::sbom(SbomFormat::CycloneDx),
                "spdx" => conditions::sbom(SbomFormat::Spdx),
                "decision" => conditions::decision(policy, builder),
                _ => conditions::scan(policy, builder),
            })?,
        };
        if let Some(other) = all.iter().find(|builder| !asks(builder)) {
            return Err(differ(name, &other.name));
        }
        nodes.push(attestation(name, kind, attestors(&all, 1, settings)?, conditions)?);
    }
    Ok(nodes)
}

fn asks_sbom(builder: &Builder, format: SbomFormat) -> bool {
    builder.evidence.sbom.required && builder.evidence.sbom.formats.contains(&format)
}

/// The conditions, which all builders of an attestation share.
fn the_same(
    builders: &[&Builder],
    name: &str,
    of: impl Fn(&Builder) -> Vec<Condition>,
) -> Result<Vec<Condition>, String> {
    let mut each = builders.iter().map(|builder| (&builder.name, of(builder)));
    let (_, first) = each.next().ok_or("the trust file names no builders")?;
    match each.find(|(_, conditions)| *conditions != first) {
        Some((other, _)) => Err(differ(name, other)),
        None => Ok(first),
    }
}

fn differ(name: &str, other: &str) -> String {
    format!(
        "builder {other:?} has other rules for its {name} than the builders before it, and a ClusterPolicy has one set of conditions for all of them: give each a trust file of its own"
    )
}

fn attestation(name: &str, kind: &str, attestors: Node, conditions: Vec<Condition>) -> Result<Node, String> {
    let conditions = conditions.into_iter().map(is_true).collect::<Result<Vec<_>, _>>()?;
    let all = (!conditions.is_empty()).then(|| Node::List(vec![Node::map([("all", Some(Node::List(conditions)))])]));
    Ok(Node::map([
        ("name", Some(Node::text(name))),
        ("type", Some(Node::text(kind))),
        ("attestors", Some(attestors)),
        ("conditions", all),
    ]))
}

/// Compared as true and false: the operators for texts take wildcards, quantities and durations for what they look like.
fn is_true(condition: Condition) -> Result<Node, String> {
    compared(&condition.holds, true, &condition.otherwise)
}

fn compared(expression: &str, value: bool, message: &str) -> Result<Node, String> {
    Ok(Node::map([
        ("key", Some(Node::lines(&variable(expression)?))),
        ("operator", Some(Node::text("Equals"))),
        ("value", Some(Node::Bool(value))),
        ("message", Some(Node::text(message))),
    ]))
}

/// The catch-all: by digest, of a repository that is listed, and not revoked.
fn references(policy: &Policy, settings: &Settings) -> Result<Node, String> {
    let image = "element.image || ''";
    let listed: Vec<PathPattern> = match policy.images.as_slice() {
        [] => vec![],
        own => own.iter().chain(&settings.also_allowed).cloned().collect(),
    };
    let mut any = vec![compared(&fits("@sha256:[0-9a-f]{64}$", image), false, "not named by a digest")?];
    if !listed.is_empty() {
        let message = "not of a repository that is listed";
        any.push(compared(&fits(&cel::images(&listed), image), false, message)?);
    }
    if !settings.revoked.is_empty() {
        let mut digests: Vec<String> = settings.revoked.iter().map(ToString::to_string).collect();
        digests.sort();
        digests.dedup();
        any.push(compared(&fits(&format!("@{}$", cel::any_of(&digests)), image), true, "revoked")?);
    }
    let containers = "request.object.spec.[containers, initContainers, ephemeralContainers][]";
    let each = Node::map([("list", Some(Node::text(containers))), ("deny", Some(deny(any)))]);
    let message = "an image is not named by a digest, not of a repository that is listed, or revoked";
    Ok(validating("references", message, ("foreach", Node::List(vec![each]))))
}

/// `verifyImages` does not look at them.
fn volumes() -> Result<Node, String> {
    let volumes = "length((request.object.spec.volumes || `[]`)[].image) > `0`";
    let message = "image volumes are not verified by a ClusterPolicy, and not admitted";
    Ok(validating("image-volumes", message, ("deny", deny(vec![compared(volumes, true, message)?]))))
}

fn deny(any: Vec<Node>) -> Node {
    let conditions = Node::map([("any", Some(Node::List(any)))]);
    Node::map([("conditions", Some(conditions))])
}

fn validating(name: &str, message: &str, (key, judgment): (&str, Node)) -> Node {
    let validate = Node::map([
        ("failureAction", Some(Node::text("Enforce"))),
        // By default an update of what was refused before passes, whatever image it brings (kyverno/kyverno 1.19.1,
        // `api/kyverno/v1/rule_types.go`).
        ("allowExistingViolations", Some(Node::Bool(false))),
        ("message", Some(Node::text(message))),
        (key, Some(judgment)),
    ]);
    Node::map([("name", Some(Node::text(name))), ("match", Some(pods())), ("validate", Some(validate))])
}
