//! ValidatingPolicy objects: what can be seen of an image by its reference alone, and what an exception has to have.
//!
//! They ask no registry, so that they hold while it is down, and they look at every image: what no ImageValidatingPolicy matches
//! is refused here (the catch-all).

use sealwright_core::Digest;
use sealwright_policy::{PathPattern, Policy};

use super::cel;
use super::image_policy::validation;
use super::object::{Object, Rule, Stage};
use super::yaml::Node;

/// Every image of a Pod, of its volumes too. One that names none is the empty text, which fits nothing.
const IMAGES: &str = "\
object.spec.?containers.orValue([]).map(c, c.?image.orValue(''))
+ object.spec.?initContainers.orValue([]).map(c, c.?image.orValue(''))
+ object.spec.?ephemeralContainers.orValue([]).map(c, c.?image.orValue(''))
+ object.spec.?volumes.orValue([]).filter(v, has(v.image)).map(v, v.image.?reference.orValue(''))";

/// Those that are added to a running Pod.
const EPHEMERAL: &str = "object.spec.?ephemeralContainers.orValue([]).map(c, c.?image.orValue(''))";

/// The longest that an exception lives, in days.
const EXCEPTION_DAYS: u64 = 30;

/// What is asked of every image by its reference alone, as a policy.
pub(crate) struct ReferencePolicy {
    /// The folder that it is written to.
    pub(super) folder: &'static str,
    pub(crate) name: &'static str,
    title: &'static str,
    about: &'static str,
    pub(crate) rule: Rule,
    pub(crate) checks: Vec<Check>,
}

/// All of them. An ephemeral container is asked for the same three by a policy of its own.
pub(crate) fn reference_policies(
    policy: &Policy,
    also: &[PathPattern],
    revoked: &[Digest],
) -> Result<Vec<ReferencePolicy>, String> {
    let ephemeral = [Some(check_digest()), check_registries(policy, also)?, Some(check_revoked(revoked))];
    let mut policies = vec![
        ReferencePolicy {
            folder: "ephemeral-containers",
            name: "sealwright-ephemeral-references",
            title: "Ephemeral containers by digest, from a listed repository, not revoked",
            about: "The image of a debug container that is added to a running Pod is named by its digest, of a repository that is listed, and not revoked.",
            rule: Rule::EphemeralContainers,
            checks: ephemeral.into_iter().flatten().collect(),
        },
        ReferencePolicy {
            folder: "digest",
            name: "sealwright-digest",
            title: "Images by digest",
            about: "Every image of a Pod is named by its digest: containers, init containers, ephemeral containers and image volumes. A tag can name something else tomorrow. Tags of the images that the signature policy is about have become digests before this is asked.",
            rule: Rule::Pods,
            checks: vec![check_digest()],
        },
    ];
    policies.extend(check_registries(policy, also)?.map(|check| ReferencePolicy {
        folder: "registries",
        name: "sealwright-registries",
        title: "Repositories that images come from",
        about: "Every image of a Pod is of a repository that is listed. This is the catch-all: an image that no other policy is about would be admitted unseen.",
        rule: Rule::Pods,
        checks: vec![check],
    }));
    policies.push(ReferencePolicy {
        folder: "revoked",
        name: "sealwright-revoked",
        title: "Digests that are revoked",
        about: "No image of a Pod is one of the digests that are listed. Signatures stay valid, and what lies in a registry can be hidden: a digest is revoked here.",
        rule: Rule::Pods,
        checks: vec![check_revoked(revoked)],
    });
    Ok(policies)
}

/// What is refused, and what to say. It stands here twice, side by side, as a condition of a payload does.
pub(crate) struct Check {
    pub(crate) kind: CheckKind,
    variable: &'static str,
    refused: String,
    pub(crate) message: &'static str,
    refuses: Box<dyn Fn(&str) -> bool + Send + Sync>,
}

/// What a reference is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CheckKind {
    /// A digest.
    Digest,
    /// A repository that is listed.
    Registries,
    /// A digest that is not revoked.
    Revoked,
}

impl Check {
    /// Whether an image is refused, by its reference as the Pod has it.
    pub(crate) fn refuses(&self, image: &str) -> bool {
        (self.refuses)(image)
    }
}

/// A reference that ends with a digest.
pub(crate) const BY_DIGEST: &str = r"@sha256:[0-9a-f]{64}$";

fn check_digest() -> Check {
    Check {
        kind: CheckKind::Digest,
        variable: "without_digest",
        refused: format!("variables.images.filter(image, !image.matches(r'{BY_DIGEST}'))"),
        message: "not named by a digest",
        refuses: Box::new(|image| !is_by_digest(image)),
    }
}

/// Whether [`BY_DIGEST`] fits.
pub(crate) fn is_by_digest(image: &str) -> bool {
    let is_hex = |hex: &str| hex.len() == 64 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    image.rsplit_once("@sha256:").is_some_and(|(_, hex)| is_hex(hex))
}

fn check_registries(policy: &Policy, also: &[PathPattern]) -> Result<Option<Check>, String> {
    if policy.images.is_empty() {
        return Ok(None);
    }
    let all: Vec<PathPattern> = policy.images.iter().chain(also).cloned().collect();
    let listed = cel::images(&all);
    let expression = cel::string(&listed);
    let listed = cel::images_expression(&listed)?;
    Ok(Some(Check {
        kind: CheckKind::Registries,
        variable: "elsewhere",
        refused: format!("variables.images.filter(image, !image.matches({expression}))"),
        message: "not of a repository that is listed",
        refuses: Box::new(move |image| !listed.is_match(image)),
    }))
}

fn check_revoked(digests: &[Digest]) -> Check {
    let mut digests: Vec<String> = digests.iter().map(ToString::to_string).collect();
    digests.sort();
    digests.dedup();
    let listed = cel::list(digests.iter().map(String::as_str));
    Check {
        kind: CheckKind::Revoked,
        variable: "revoked",
        refused: format!("variables.images.filter(image, {listed}.exists(digest, image.endsWith('@' + digest)))"),
        message: "revoked",
        refuses: Box::new(move |image| digests.iter().any(|digest| image.ends_with(&format!("@{digest}")))),
    }
}

/// The object of a policy.
pub(super) fn object(policy: ReferencePolicy) -> Object {
    let ReferencePolicy { name, title, about, rule, checks, .. } = policy;
    let images = if rule == Rule::EphemeralContainers { EPHEMERAL } else { IMAGES };
    let pair =
        |name: &str, text: &str| Node::map([("name", Some(Node::text(name))), ("expression", Some(Node::lines(text)))]);
    let mut variables = vec![pair("images", images)];
    variables.extend(checks.iter().map(|check| pair(check.variable, &check.refused)));
    let validations = checks.iter().map(|Check { variable, message, .. }| {
        validation(
            &format!("size(variables.{variable}) == 0"),
            Node::text(format!("an image is {message}")),
            Some(format!("variables.{variable}.join(', ') + {}", cel::string(&format!(": {message}")))),
        )
    });
    Object {
        kind: "ValidatingPolicy",
        name,
        title,
        about: about.to_owned(),
        rule,
        stage: Stage::Deny,
        spec: vec![
            ("validations", Some(Node::List(validations.collect()))),
            ("variables", Some(Node::List(variables))),
        ],
    }
}

/// What an exception from these policies has to have. Kyverno exempts all of a Pod; an exception without conditions exempts
/// every Pod, and one with `images` none at all.
pub(super) fn exceptions() -> Object {
    let days = EXCEPTION_DAYS;
    let check = |expression: &str, message: &str| {
        validation(&format!("!variables.ours || ({expression})"), Node::text(message), None)
    };
    let ours = "object.spec.?policyRefs.orValue([]).exists(p, p.?name.orValue('').startsWith('sealwright-'))";
    let variables = vec![Node::map([("name", Some(Node::text("ours"))), ("expression", Some(Node::lines(ours)))])];
    let validations = vec![
        check(
            "!object.spec.policyRefs.exists(p, p.name == 'sealwright-exceptions')",
            "nothing is exempt from the rules of exceptions",
        ),
        check(
            "object.spec.?matchConditions.orValue([]).exists(c, c.expression.matches(r'\\b(object|request)\\.'))",
            "an exception whose matchConditions name no object exempts every Pod",
        ),
        check(
            "size(object.spec.?images.orValue([])) == 0 && size(object.spec.?allowedValues.orValue([])) == 0",
            "Kyverno 1.19 does not apply an exception with images or allowedValues to image policies: name the Pods in matchConditions",
        ),
        check(
            "object.metadata.?annotations[?'sealwright.dev/owner'].orValue('') != '' && object.metadata.?annotations[?'sealwright.dev/reason'].orValue('') != ''",
            "an exception has the annotations sealwright.dev/owner and sealwright.dev/reason",
        ),
        check(
            &format!(
                "cel.bind(ttl, object.metadata.?labels[?'cleanup.kyverno.io/ttl'].orValue(''), ttl.matches('^[1-9][0-9]{{0,2}}[ms]$') || (ttl.matches('^[1-9][0-9]{{0,2}}h$') && int(ttl.replace('h', '')) <= 24 * {days}) || (ttl.matches('^[1-9][0-9]?d$') && int(ttl.replace('d', '')) <= {days}))"
            ),
            "an exception has the label cleanup.kyverno.io/ttl, of at most 30d, by which Kyverno deletes it",
        ),
    ];
    Object {
        kind: "ValidatingPolicy",
        name: "sealwright-exceptions",
        title: "Exceptions with conditions, an owner, a reason and an end",
        about: "Who may write an exception may run anything: one from these policies names the Pods that it is for, who wants it and why, and goes by itself.".to_owned(),
        rule: Rule::Exceptions,
        stage: Stage::Deny,
        spec: vec![("validations", Some(Node::List(validations))), ("variables", Some(Node::List(variables)))],
    }
}
