//! What the policy-controller does not look at, one line each.

use sealwright_policy::{Builder, BuilderIdentity, Policy, SubjectRule};

use crate::render::notes::{ALL_IMAGES, ANY_BUILDER, LEVEL_UNCHECKED, NO_SOURCE};

/// For a person.
pub(super) fn notes(policy: &Policy) -> Vec<String> {
    let mut notes: Vec<String> = [
        "the policy-controller looks only at namespaces with the label policy.sigstore.dev/include=true: whoever may label a namespace switches it off, and a new one is not checked",
        "image volumes are not looked at, by version 0.15.1: any image can be mounted",
        "config-policy-controller is written too: an image that no policy is about is denied, and enable-oci11 stays off, because attestations are not verified with it",
        "the subject's annotations are not read, so that the source is compared in the provenance only: a signature, an SBOM, a scan or a decision can be of another repository's run about the same digest",
        "of several statements of one type one that passes is enough: a failing scan beside a passing one is not seen",
        "authorities that a trusted root gives an end are left out of the TrustRoot, which has no ends: what they vouched for is denied",
    ]
    .map(str::to_owned)
    .to_vec();
    notes.extend(policy.builders.iter().flat_map(of_builder));
    if policy.builders.iter().any(|builder| builder.evidence.scan.max_age.is_some()) {
        notes.push("`scan.max-age` is not looked at".to_owned());
    }
    if policy.builders.iter().any(|builder| builder.evidence.decision) {
        notes.push("the decision is not compared with the digests of the SBOM and the scan that it was made from; `sealwright verify` does".to_owned());
    }
    if policy.images.is_empty() {
        notes.push(ALL_IMAGES.to_owned());
    }
    notes
}

fn of_builder(builder: &Builder) -> Vec<String> {
    let mut notes = Vec::new();
    let mut note = |what: &str| notes.push(format!("builder {:?}: {what}", builder.name));
    if builder.source.is_none() {
        note(NO_SOURCE);
    }
    if let BuilderIdentity::Keyless(rule) = &builder.identity {
        note(
            "`runner` and `triggers` stand in the certificate, which the policy-controller does not look at; `seal` and `verify` do",
        );
        if matches!(rule.subject, SubjectRule::Pattern(_)) {
            note(ANY_BUILDER);
        }
    }
    let rules = &builder.evidence;
    if !rules.signature {
        note("its signature is asked for at admission although the trust file does not");
    }
    if rules.provenance.required && rules.provenance.level > 0 && !rules.decision {
        note(LEVEL_UNCHECKED);
    }
    notes
}
