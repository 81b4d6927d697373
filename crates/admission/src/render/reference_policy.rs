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

/// Each image is named by its digest.
pub(super) fn digest() -> Object {
    of_images(
        "sealwright-digest",
        "Images by digest",
        "Every image of a Pod is named by its digest: containers, init containers, ephemeral containers and image volumes. A tag can name something else tomorrow. Tags of the images that the signature policy is about have become digests before this is asked.",
        Rule::Pods,
        vec![check_digest()],
    )
}

/// Each image is of a repository that the trust file, or somebody who renders it, names.
pub(super) fn registries(policy: &Policy, also: &[PathPattern]) -> Object {
    of_images(
        "sealwright-registries",
        "Repositories that images come from",
        "Every image of a Pod is of a repository that is listed. This is the catch-all: an image that no other policy is about would be admitted unseen.",
        Rule::Pods,
        check_registries(policy, also).into_iter().collect(),
    )
}

/// No image is one of these.
pub(super) fn revoked(digests: &[Digest]) -> Object {
    of_images(
        "sealwright-revoked",
        "Digests that are revoked",
        "No image of a Pod is one of the digests that are listed. Signatures stay valid, and what lies in a registry can be hidden: a digest is revoked here.",
        Rule::Pods,
        vec![check_revoked(digests)],
    )
}

/// The same three of an ephemeral container.
pub(super) fn ephemeral(policy: &Policy, also: &[PathPattern], revoked: &[Digest]) -> Object {
    let mut checks = vec![check_digest()];
    checks.extend(check_registries(policy, also));
    checks.push(check_revoked(revoked));
    of_images(
        "sealwright-ephemeral-references",
        "Ephemeral containers by digest, from a listed repository, not revoked",
        "The image of a debug container that is added to a running Pod is named by its digest, of a repository that is listed, and not revoked.",
        Rule::EphemeralContainers,
        checks,
    )
}

/// What is refused, and what to say.
struct Check {
    variable: &'static str,
    refused: String,
    message: &'static str,
}

fn check_digest() -> Check {
    Check {
        variable: "without_digest",
        refused: "variables.images.filter(image, !image.matches(r'@sha256:[0-9a-f]{64}$'))".to_owned(),
        message: "not named by a digest",
    }
}

fn check_registries(policy: &Policy, also: &[PathPattern]) -> Option<Check> {
    if policy.images.is_empty() {
        return None;
    }
    let all: Vec<PathPattern> = policy.images.iter().chain(also).cloned().collect();
    let expression = cel::string(&cel::images(&all));
    Some(Check {
        variable: "elsewhere",
        refused: format!("variables.images.filter(image, !image.matches({expression}))"),
        message: "not of a repository that is listed",
    })
}

fn check_revoked(digests: &[Digest]) -> Check {
    let mut digests: Vec<String> = digests.iter().map(ToString::to_string).collect();
    digests.sort();
    digests.dedup();
    let listed = cel::list(digests.iter().map(String::as_str));
    Check {
        variable: "revoked",
        refused: format!("variables.images.filter(image, {listed}.exists(digest, image.endsWith('@' + digest)))"),
        message: "revoked",
    }
}

fn of_images(name: &'static str, title: &'static str, about: &str, rule: Rule, checks: Vec<Check>) -> Object {
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
