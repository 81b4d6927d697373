//! What a trust file says and Kyverno cannot: told, one line each, so that nothing is weaker in silence.

use sealwright_policy::{Builder, BuilderIdentity, Policy, SubjectRule, Transparency};

use super::{Instance, Settings};

/// Of a builder whose images are not asked where they are from.
pub(super) const NO_SOURCE: &str = "it has no `source`, so that an image that it signed for any repository is admitted";
/// Of a builder that is known by an expression.
pub(super) const ANY_BUILDER: &str =
    "provenance only has to name a builder: which one cannot be said of an `identity-regexp`";
/// Of a builder of whom no signature is asked.
pub(super) const SIGNATURE_ASKED: &str = "its signature is asked for at admission although the trust file does not: Kyverno knows an image's builder by nothing else";
/// Of a builder whose level nobody reads.
pub(super) const LEVEL_UNCHECKED: &str = "`provenance.level` is read from the decision at admission, and the trust file does not require one: it is not checked";
/// Of a trust file that is about all images.
pub(super) const ALL_IMAGES: &str = "the trust file names no `images`: every image of every Pod has to be sealed";

/// What admission by these policies does not look at, for a person.
pub fn notes(policy: &Policy, settings: &Settings) -> Vec<String> {
    let mut notes: Vec<String> = policy.builders.iter().flat_map(of_builder).collect();
    if policy.builders.len() > 1 {
        notes.push(
            "statements of several builders count together at admission: an image can have its signature of one and its SBOM of another, which `sealwright verify` refuses".to_owned(),
        );
    }
    if policy.evidence.signers.threshold > 1 {
        notes.push(
            "`signature.threshold` counts builders at admission: two whose identities overlap, a pattern and a name that fits it, count as two there by one signature, and as one for `sealwright verify`".to_owned(),
        );
    }
    if policy.builders.iter().any(|builder| builder.evidence.decision) {
        notes.push(
            "Kyverno does not compare the decision with the digests of the SBOM and the scan that it was made from; `sealwright verify` does".to_owned(),
        );
    }
    notes.push(
        "of several statements of one type Kyverno judges the last one that the registry lists, and cannot count them: `seal` writes one per type".to_owned(),
    );
    notes.extend(settings.kms.keys().map(|name| {
        format!("builder {name:?}: Kyverno asks AWS for its key, and needs kms:GetPublicKey and kms:DescribeKey; without AWS nothing of it is admitted")
    }));
    if policy.images.is_empty() {
        notes.push(ALL_IMAGES.to_owned());
    }
    if matches!(settings.instance, Instance::TrustedRoot { .. }) && any_logged(policy) {
        notes.push(
            "Kyverno asks the public-good instance's TUF repository even where a trusted root is given: its Pods have to reach tuf-repo-cdn.sigstore.dev, or the policies need a mirror".to_owned(),
        );
    }
    notes
}

/// Whether somebody's certificates, logs or times are asked for.
pub(super) fn any_logged(policy: &Policy) -> bool {
    policy.builders.iter().any(|builder| builder.transparency == Transparency::Required)
}

fn of_builder(builder: &Builder) -> Vec<String> {
    let name = &builder.name;
    let mut notes = Vec::new();
    let mut note = |what: &str| notes.push(format!("builder {name:?}: {what}"));
    if builder.source.is_none() {
        note(NO_SOURCE);
    }
    if let BuilderIdentity::Keyless(rule) = &builder.identity {
        if rule.runner.is_some() {
            note("`runner` stands in the certificate, which Kyverno does not look at; `seal` and `verify` do");
        }
        let events = if rule.triggers.is_empty() { "that no pull request started the build" } else { "`triggers`" };
        note(&format!("{events} stands in the certificate, which Kyverno does not look at; `seal` and `verify` do"));
        if matches!(rule.subject, SubjectRule::Pattern(_)) {
            note(ANY_BUILDER);
        }
    }
    if builder.source.is_some() && matches!(builder.identity, BuilderIdentity::Key(_)) {
        note("its `source` is what whoever holds the key says: repositories that share a key can name each other");
    }
    let rules = &builder.evidence;
    if !rules.signature {
        note(SIGNATURE_ASKED);
    }
    if rules.provenance.required && rules.provenance.level > 0 && !rules.decision {
        note(LEVEL_UNCHECKED);
    }
    if rules.provenance.required {
        note("only provenance of SLSA v1 is read at admission, not of v0.2");
    }
    if rules.sbom.required && rules.sbom.formats.contains(&sealwright_policy::SbomFormat::Spdx) {
        note("of SPDX only the type https://spdx.dev/Document is read at admission");
    }
    notes
}
