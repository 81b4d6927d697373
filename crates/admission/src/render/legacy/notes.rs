//! What this rendering does not do, one line each.

use sealwright_policy::{Builder, BuilderIdentity, Policy, SubjectRule};

use crate::render::notes::{ALL_IMAGES, ANY_BUILDER, LEVEL_UNCHECKED, NO_SOURCE, SIGNATURE_ASKED, any_logged};
use crate::render::{Instance, Settings};

/// For a person.
pub(super) fn notes(policy: &Policy, settings: &Settings) -> Vec<String> {
    let mut notes: Vec<String> = [
        "from Kyverno 1.20 on this ClusterPolicy does nothing at all, without an error: render with --format kyverno before you upgrade",
        "the subject's annotations are not read, so that the source is compared in the provenance only: a signature, an SBOM, a scan or a decision can be of another repository's run about the same digest",
        "every update is judged, also one that changes no image: of a Pod that would be refused not even a finalizer can be taken away, nor of any while the registry does not answer",
        "nothing guards exceptions: a PolicyException of kyverno.io exempts from this policy whoever may write one",
        "image volumes are refused, whoever sealed them: a ClusterPolicy does not verify them",
        "a certificate's log (SCT) is not looked at for bundles; its time and its log entry are",
    ]
    .map(str::to_owned)
    .to_vec();
    notes.extend(policy.builders.iter().flat_map(of_builder));
    if policy.builders.len() > 1 {
        notes.push("statements of several builders count together: an image can have its signature of one and its SBOM of another, which `sealwright verify` refuses".to_owned());
    }
    if policy.evidence.signers.threshold > 1 {
        notes.push("`signature.threshold` counts builders: two that share a key or an identity count as two, and as one for `sealwright verify`".to_owned());
    }
    if policy.builders.iter().any(|builder| builder.evidence.scan.max_age.is_some()) {
        notes.push("`scan.max-age` is not looked at".to_owned());
    }
    if policy.builders.iter().any(|builder| builder.evidence.decision) {
        notes.push("the decision is not compared with the digests of the SBOM and the scan that it was made from; `sealwright verify` does".to_owned());
    }
    notes.extend(settings.kms.keys().map(|name| {
        format!("builder {name:?}: Kyverno asks AWS for its key, and needs kms:GetPublicKey and kms:DescribeKey; without AWS nothing of it is admitted")
    }));
    if let Instance::Tuf { url, .. } = &settings.instance
        && any_logged(policy)
    {
        notes.push(format!("a ClusterPolicy cannot name an instance: start Kyverno with --tufMirror={url} and its root as --tufRoot, or it goes by Sigstore's own"));
    }
    if policy.images.is_empty() {
        notes.push(ALL_IMAGES.to_owned());
    }
    notes
}

fn of_builder(builder: &Builder) -> Vec<String> {
    let mut notes = Vec::new();
    let mut note = |what: &str| notes.push(format!("builder {:?}: {what}", builder.name));
    match (&builder.source, &builder.identity) {
        (None, _) => note(NO_SOURCE),
        (Some(source), BuilderIdentity::Key(_)) => {
            if !builder.evidence.provenance.required {
                note(
                    "its `source` is compared in provenance, which the trust file does not require: it is not checked",
                );
            } else if source.repository_id.is_some() || source.owner_id.is_some() {
                note("`repository-id` and `owner-id` are not compared: provenance by a key does not state them");
            }
        }
        _ => {}
    }
    if let BuilderIdentity::Keyless(rule) = &builder.identity {
        note(
            "`runner` and `triggers` stand in the certificate, which Kyverno does not look at; `seal` and `verify` do",
        );
        if matches!(rule.subject, SubjectRule::Pattern(_)) {
            note(ANY_BUILDER);
        }
    }
    let rules = &builder.evidence;
    if !rules.signature {
        note(SIGNATURE_ASKED);
    }
    if rules.provenance.required && rules.provenance.level > 0 && !rules.decision {
        note(LEVEL_UNCHECKED);
    }
    notes
}
