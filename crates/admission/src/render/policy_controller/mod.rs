//! `ClusterImagePolicy` of Sigstore's policy-controller (`policy.sigstore.dev/v1beta1`), of builders that sign without a key.
//!
//! The controller reads bundles of certificates only: one signed with a key is refused there, whatever the policy says
//! (sigstore/policy-controller v0.15.1, `checkOptsFromAuthority`; #1958), so that such a builder cannot be rendered.

mod notes;
mod rego;
mod trust_root;

use sealwright_bundle::predicate_type as types;
use sealwright_policy::{Builder, BuilderIdentity, Policy, SbomFormat};

use super::attestor::{Subject, subject};
use super::globs::{Dialect, globs};
use super::yaml::Node;
use super::{Inexpressible, Instance, Rendered, Settings, kustomization};
use rego::Module;

/// The definition demands an address; with bundles nobody asks there.
const FULCIO: &str = "https://fulcio.sigstore.dev";
/// Where the controller's own chart puts it (sigstore/helm-charts, `policy-controller`).
const NAMESPACE: &str = "cosign-system";

/// The policies, what they need, and how the controller has to be set up: a folder for Kustomize.
pub(super) fn render(policy: &Policy, settings: &Settings) -> Result<Rendered, Inexpressible> {
    let digest = policy.digest().to_string();
    let header = format!(
        "# Made by `sealwright policy render --format policy-controller` from the trust file {digest}.\n# Do not edit: change the trust file and render again. For Sigstore's policy-controller 0.15.1.\n# It looks only at namespaces with the label policy.sigstore.dev/include=true.\n"
    );
    let mut files = Vec::new();
    for (name, objects) in folder(policy, settings, &digest).map_err(Inexpressible)? {
        let documents: Vec<String> = objects.iter().map(Node::document).collect();
        files.push((name.to_owned(), header.clone() + &documents.join("---\n")));
    }
    let names: Vec<String> = files.iter().map(|(name, _)| name.clone()).collect();
    let kustomization = kustomization::base(names.iter().map(String::as_str));
    files.push(("kustomization.yaml".to_owned(), header + &kustomization));
    Ok(Rendered { files, notes: notes::notes(policy) })
}

/// The objects by their files.
fn folder(policy: &Policy, settings: &Settings, trust_file: &str) -> Result<Vec<(&'static str, Vec<Node>)>, String> {
    expressible(policy)?;
    let object = |version: &str, kind: &str, name: &str, about: &str, spec: Node| {
        let annotations = Node::map([
            ("sealwright.dev/about", Some(Node::text(about))),
            ("sealwright.dev/trust-file", Some(Node::text(trust_file))),
        ]);
        let labels = Node::map([("app.kubernetes.io/part-of", Some(Node::text("sealwright")))]);
        let metadata =
            Node::map([("name", Some(Node::text(name))), ("labels", Some(labels)), ("annotations", Some(annotations))]);
        Node::map([
            ("apiVersion", Some(Node::text(format!("policy.sigstore.dev/{version}")))),
            ("kind", Some(Node::text(kind))),
            ("metadata", Some(metadata)),
            ("spec", Some(spec)),
        ])
    };
    let mut files = vec![("configuration.yaml", vec![configuration()])];
    if let Some(spec) = trust_root::spec(&settings.instance)? {
        let about = "The keys of the Sigstore instance that vouches for the builders.";
        files.push(("trust-root.yaml", vec![object("v1alpha1", "TrustRoot", trust_root::NAME, about, spec)]));
    }
    let authorities =
        policy.builders.iter().map(|builder| authority(builder, policy, settings)).collect::<Result<Vec<_>, _>>()?;
    let images = globs(&policy.images, Dialect::PolicyController)?;
    let about = "Every image has the evidence that the trust file asks for, of one builder.";
    let spec = cluster_image_policy(&images, authorities);
    let mut policies = vec![object("v1beta1", "ClusterImagePolicy", "sealwright", about, spec)];
    if !settings.also_allowed.is_empty() {
        if let Some(pattern) = settings.also_allowed.iter().find(|pattern| pattern.as_str().contains('?')) {
            return Err(format!(
                "--also-allow {pattern:?} has a `?`, for which the policy-controller has only a star: more would run without evidence"
            ));
        }
        let images = globs(&settings.also_allowed, Dialect::PolicyController)?;
        let authority = Node::map([("static", Some(Node::map([("action", Some(Node::text("pass")))])))]);
        let about = "Repositories whose images run without evidence.";
        let spec = cluster_image_policy(&images, vec![authority]);
        policies.push(object("v1beta1", "ClusterImagePolicy", "sealwright-also-allowed", about, spec));
    }
    if !settings.revoked.is_empty() {
        let mut images: Vec<String> = settings.revoked.iter().map(|digest| format!("**@{digest}")).collect();
        images.sort();
        images.dedup();
        let refused =
            Node::map([("action", Some(Node::text("fail"))), ("message", Some(Node::text("the digest is revoked")))]);
        let about = "Digests that do not run any more.";
        let spec = cluster_image_policy(&images, vec![Node::map([("static", Some(refused))])]);
        policies.push(object("v1beta1", "ClusterImagePolicy", "sealwright-revoked", about, spec));
    }
    files.push(("policy.yaml", policies));
    Ok(files)
}

/// What would be weaker in a way that matters.
fn expressible(policy: &Policy) -> Result<(), String> {
    for builder in &policy.builders {
        if matches!(builder.identity, BuilderIdentity::Key(_)) {
            return Err(format!(
                "builder {:?} has a key, and the policy-controller reads no bundles that a key signed: use --format kyverno",
                builder.name
            ));
        }
        if builder.source.is_some() && !builder.evidence.provenance.required {
            return Err(format!(
                "builder {:?}: the policy-controller can compare its `source` with provenance only, and the trust file does not require any",
                builder.name
            ));
        }
    }
    if policy.evidence.signers.threshold > 1 || !policy.evidence.signers.of.is_empty() {
        return Err(
            "`signature.threshold` and `signature.of`: one authority is enough for the policy-controller".to_owned()
        );
    }
    Ok(())
}

/// An image that no policy is about is refused, which is the default too; and attestations are read by cosign, which verifies them:
/// with `enable-oci11` the controller takes them from the registry as they are (`discoverAttestationsOCI11`).
fn configuration() -> Node {
    let metadata =
        Node::map([("name", Some(Node::text("config-policy-controller"))), ("namespace", Some(Node::text(NAMESPACE)))]);
    let data = Node::map([
        ("no-match-policy", Some(Node::text("deny"))),
        ("fail-on-empty-authorities", Some(Node::Text("true".to_owned()))),
        ("enable-oci11", Some(Node::Text("false".to_owned()))),
    ]);
    Node::map([
        ("apiVersion", Some(Node::text("v1"))),
        ("kind", Some(Node::text("ConfigMap"))),
        ("metadata", Some(metadata)),
        ("data", Some(data)),
    ])
}

fn cluster_image_policy(images: &[String], authorities: Vec<Node>) -> Node {
    let images = images.iter().map(|glob| Node::map([("glob", Some(Node::text(glob)))])).collect();
    Node::map([
        ("mode", Some(Node::text("enforce"))),
        ("images", Some(Node::List(images))),
        ("authorities", Some(Node::List(authorities))),
    ])
}

fn authority(builder: &Builder, policy: &Policy, settings: &Settings) -> Result<Node, String> {
    let BuilderIdentity::Keyless(rule) = &builder.identity else {
        return Err(format!("builder {:?} has a key", builder.name));
    };
    let subject = match subject(builder, &rule.subject)? {
        Subject::Exact(text) => ("subject", text),
        Subject::Expression(expression) => ("subjectRegExp", expression),
    };
    let identity = Node::map([("issuer", Some(Node::text(&rule.issuer))), (subject.0, Some(Node::text(subject.1)))]);
    let root = (settings.instance != Instance::PublicGood).then(|| Node::text(trust_root::NAME));
    let logs = !matches!(settings.instance, Instance::TrustedRoot { logs: false, .. });
    let keyless = Node::map([
        ("url", Some(Node::text(FULCIO))),
        ("identities", Some(Node::List(vec![identity]))),
        ("trustRootRef", root.clone()),
        ("insecureIgnoreSCT", (!logs).then_some(Node::Bool(true))),
    ]);
    // With it a signed timestamp is demanded, and no log entry.
    let timestamp = root.filter(|_| !logs).map(|root| Node::map([("trustRootRef", Some(root))]));
    Ok(Node::map([
        ("name", Some(Node::text(&builder.name))),
        ("signatureFormat", Some(Node::text("bundle"))),
        ("keyless", Some(keyless)),
        ("rfc3161timestamp", timestamp),
        ("attestations", Some(Node::List(attestations(builder, policy)?))),
    ]))
}

/// The signature too is an attestation of its own type: any verified bundle would count as one otherwise.
fn attestations(builder: &Builder, policy: &Policy) -> Result<Vec<Node>, String> {
    let rules = &builder.evidence;
    let mut nodes = vec![attestation("signature", types::SIGNATURE, None)];
    for (format, kind) in [(SbomFormat::CycloneDx, types::CYCLONEDX), (SbomFormat::Spdx, types::SPDX)] {
        if rules.sbom.required && rules.sbom.formats.contains(&format) {
            nodes.push(attestation(format.word(), kind, Some(rego::sbom(format))));
        }
    }
    if rules.provenance.required {
        nodes.push(attestation("provenance", types::PROVENANCE, Some(rego::provenance(builder)?)));
    }
    if rules.decision {
        nodes.push(attestation("decision", types::VERIFICATION_SUMMARY, Some(rego::decision(policy, builder))));
    }
    if rules.scan.required {
        nodes.push(attestation("scan", types::VULN, Some(rego::scan(policy, builder))));
    }
    Ok(nodes)
}

fn attestation(name: &str, kind: &str, module: Option<Module>) -> Node {
    let policy = module
        .map(|module| Node::map([("type", Some(Node::text("rego"))), ("data", Some(Node::lines(&module.text())))]));
    Node::map([("name", Some(Node::text(name))), ("predicateType", Some(Node::text(kind))), ("policy", policy)])
}
