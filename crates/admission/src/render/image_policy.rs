//! ImageValidatingPolicy objects (Kyverno, `policies.kyverno.io/v1`): what the images of a Pod have to have.
//!
//! Chosen because the engine would otherwise let something pass in silence (Kyverno 1.19.1, read in source and executed):
//! a signature is asked for as an attestation of its own type, since any verified bundle counts as a signature otherwise; images
//! are filtered by expressions over the whole reference, since a glob crosses slashes; image volumes are extracted, since the
//! built-in extractors leave them out; there is no selector that a namespace's or a Pod's owner could change.

use sealwright_bundle::predicate_type as types;
use sealwright_policy::{Builder, Policy, SbomFormat};

use super::attestor::{attestor, distinct};
use super::conditions::{self, Condition};
use super::judgment::{Demand, refused};
use super::object::{Object, Rule, Stage};
use super::reference_policy::BY_DIGEST;
use super::yaml::Node;
use super::{Settings, cel};

/// What is asked for in one policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Evidence {
    Signature,
    Sbom(SbomFormat),
    Provenance,
    Decision,
    Scan,
    ScanAge,
}

impl Evidence {
    /// Name in the policy, type, and name in messages.
    fn attestation(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Signature => ("signature", types::SIGNATURE, "signature"),
            Self::Sbom(SbomFormat::CycloneDx) => ("cyclonedx", types::CYCLONEDX, "CycloneDX SBOM"),
            Self::Sbom(SbomFormat::Spdx) => ("spdx", types::SPDX, "SPDX SBOM"),
            Self::Provenance => ("provenance", types::PROVENANCE, "provenance"),
            Self::Decision => ("decision", types::VERIFICATION_SUMMARY, "decision"),
            Self::Scan | Self::ScanAge => ("scan", types::VULN, "scan"),
        }
    }

    /// Whether a builder has to have it.
    pub(super) fn asked_of(self, builder: &Builder) -> bool {
        let rules = &builder.evidence;
        match self {
            Self::Signature => rules.signature,
            Self::Sbom(format) => rules.sbom.required && rules.sbom.formats.contains(&format),
            Self::Provenance => rules.provenance.required,
            Self::Decision => rules.decision,
            Self::Scan => rules.scan.required,
            Self::ScanAge => rules.scan.required && rules.scan.max_age.is_some(),
        }
    }

    fn conditions(self, policy: &Policy, builder: &Builder) -> Result<Vec<Condition>, String> {
        let mut all = vec![conditions::source(builder)?];
        match self {
            Self::Signature => {}
            Self::Sbom(format) => all.push(conditions::sbom(format)),
            Self::Provenance => all.extend(conditions::provenance(builder)?),
            Self::Decision => all.extend(conditions::decision(policy, builder)),
            Self::Scan => all.extend(conditions::scan(policy, builder)),
            Self::ScanAge => all.extend(builder.evidence.scan.max_age.map(conditions::scan_age)),
        }
        Ok(all)
    }
}

/// One policy to be written.
pub(crate) struct ImagePolicy {
    /// The folder that it is written to.
    pub(super) folder: &'static str,
    pub(crate) name: &'static str,
    pub(super) title: &'static str,
    pub(super) about: &'static str,
    pub(crate) evidence: Vec<Evidence>,
    pub(crate) rule: Rule,
    pub(crate) stage: Stage,
    /// Whether tags become digests here; one policy is enough.
    pub(super) pins: bool,
}

/// The longest that the API server waits for a webhook, in seconds (Kubernetes, `ValidatingWebhook.timeoutSeconds`).
const TIMEOUT: u64 = 30;

/// All images of a Pod.
const IMAGES: &str = "images.containers + images.initContainers + images.ephemeralContainers + images.volumes";

/// What the built-in extractors leave out (Kubernetes, `ImageVolumeSource`).
const VOLUMES: &str = "object.spec.?volumes.orValue([]).filter(v, has(v.image)).map(v, v.image.?reference.orValue(''))";

/// The object.
pub(super) fn image_policy(what: &ImagePolicy, policy: &Policy, settings: &Settings) -> Result<Object, String> {
    let ephemeral = what.rule == Rule::EphemeralContainers;
    let images = if ephemeral { "images.ephemeralContainers" } else { IMAGES };
    let mut variables = vec![("images".to_owned(), images.to_owned())];
    let mut validations = Vec::new();
    let mut attestations: Vec<(&str, &str)> = Vec::new();
    if ephemeral {
        validations.push(validation(
            &format!("variables.images.all(image, image.matches(r'{BY_DIGEST}'))"),
            Node::text("an ephemeral container's image has no digest"),
            None,
        ));
    }
    for evidence in &what.evidence {
        let demands = demands(*evidence, policy)?;
        for demand in &demands {
            let named = (demand.attestation, demand.kind);
            if !attestations.contains(&named) {
                attestations.push(named);
            }
        }
        let variable = match what.evidence.as_slice() {
            [_] => "refused".to_owned(),
            _ => format!("refused_{}", evidence.attestation().0),
        };
        let threshold = threshold(*evidence, policy);
        if threshold > 1 {
            distinct(demands.iter().map(|demand| demand.builder), settings)?;
        }
        variables.push((variable.clone(), refused("variables.images", &demands, threshold)));
        validations.push(validation(
            &format!("size(variables.{variable}) == 0"),
            Node::text(format!("an image has no {} that counts", evidence.attestation().2)),
            Some(format!("variables.{variable}.join('; ')")),
        ));
    }
    let attestors = policy.builders.iter().map(|builder| attestor(builder, settings)).collect::<Result<Vec<_>, _>>()?;
    let pair = |name: &str, expression: &str| {
        Node::map([("name", Some(Node::text(name))), ("expression", Some(Node::lines(expression)))])
    };
    let typed = |(name, kind): (&str, &str)| {
        let intoto = Node::map([("type", Some(Node::text(kind)))]);
        Node::map([("name", Some(Node::text(name))), ("intoto", Some(intoto))])
    };
    // The running containers' images are matched too where an ephemeral one is added: they have been judged when they came.
    let configuration = Node::map([
        ("mutateDigest", Some(Node::Bool(what.pins))),
        ("verifyDigest", Some(Node::Bool(!ephemeral))),
        ("required", Some(Node::Bool(!ephemeral))),
    ]);
    // With a time-out of its own a policy is a webhook of its own: the API server asks them side by side, and one image that is
    // not cached takes some forty requests to the registry per policy. No policy here rests on another one's verification.
    let webhook = Node::map([("timeoutSeconds", Some(Node::Number(TIMEOUT)))]);
    let extractors = (!ephemeral).then(|| Node::List(vec![pair("volumes", VOLUMES)]));
    let spec = vec![
        ("matchImageReferences", Some(Node::List(vec![matched(policy)]))),
        ("images", extractors),
        ("validationConfigurations", Some(configuration)),
        ("webhookConfiguration", Some(webhook)),
        ("attestors", Some(Node::List(attestors))),
        ("attestations", Some(Node::List(attestations.into_iter().map(typed).collect()))),
        ("variables", Some(Node::List(variables.iter().map(|(name, text)| pair(name, text)).collect()))),
        ("validations", Some(Node::List(validations))),
    ];
    Ok(Object {
        kind: "ImageValidatingPolicy",
        name: what.name,
        title: what.title,
        about: what.about.to_owned(),
        rule: what.rule,
        stage: what.stage,
        spec,
    })
}

fn matched(policy: &Policy) -> Node {
    if policy.images.is_empty() {
        return Node::map([("glob", Some(Node::text("*")))]);
    }
    let expression = format!("ref.matches({})", cel::string(&cel::images(&policy.images)));
    Node::map([("expression", Some(Node::lines(&expression)))])
}

pub(super) fn validation(expression: &str, message: Node, more: Option<String>) -> Node {
    Node::map([
        ("expression", Some(Node::lines(expression))),
        ("message", Some(message)),
        ("messageExpression", more.as_deref().map(Node::lines)),
    ])
}

/// How many builders have to have stated it.
pub(crate) fn threshold(evidence: Evidence, policy: &Policy) -> usize {
    let threshold = if evidence == Evidence::Signature { policy.evidence.signers.threshold } else { 1 };
    usize::try_from(threshold).unwrap_or(usize::MAX)
}

/// A builder of whom this evidence is not asked is known by its signature: its images pass, and nobody else's.
pub(crate) fn demands(evidence: Evidence, policy: &Policy) -> Result<Vec<Demand<'_>>, String> {
    let signers = &policy.evidence.signers.of;
    let counts =
        |builder: &&Builder| evidence != Evidence::Signature || signers.is_empty() || signers.contains(&builder.name);
    let demand = |builder| {
        let evidence = if evidence.asked_of(builder) { evidence } else { Evidence::Signature };
        let (attestation, kind, what) = evidence.attestation();
        let conditions = evidence.conditions(policy, builder)?;
        Ok(Demand { builder, attestation, kind, what, conditions })
    };
    policy.builders.iter().filter(counts).map(demand).collect()
}
