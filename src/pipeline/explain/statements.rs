//! Which statements count at admission: envelopes about the digest whose signature holds, by what Kyverno compares.

use sealwright_admission::explain::Stated;
use sealwright_bundle::Bundle;
use sealwright_core::{Digest, Limits};
use sealwright_verify::{Anchor, BuilderAnchor, IdentityRule, verify_bundle};

use super::super::evidence::StoredBundle;

/// A builder as Kyverno knows it.
pub(super) struct Signer {
    name: String,
    anchor: Anchor,
}

impl Signer {
    /// Of a certificate Kyverno compares issuer and name; what else it claims, `runner` and `triggers` among it, it does not look at
    /// (Kyverno 1.19.1, `additionalExtensions` has no reader).
    pub(super) fn at_admission(builders: &[BuilderAnchor]) -> Vec<Self> {
        let anchor = |anchor: &Anchor| match anchor {
            Anchor::Keyless(root, rule) => {
                Anchor::Keyless(root.clone(), IdentityRule { claims: Box::default(), ..rule.clone() })
            }
            other => other.clone(),
        };
        let signer = |one: &BuilderAnchor| Self { name: one.builder().name.clone(), anchor: anchor(one.anchor()) };
        builders.iter().map(signer).collect()
    }
}

/// The statements of each signer, in the order of the bundles. A signature over the digest itself is no attestation, and the
/// policies ask for attestations.
pub(super) fn stated(bundles: &[StoredBundle], subject: &Digest, signers: &[Signer], limits: &Limits) -> Vec<Stated> {
    let is_envelope = |bundle: &&StoredBundle| {
        Bundle::parse(&bundle.bytes, limits).is_ok_and(|bundle| bundle.dsse_envelope.is_some())
    };
    let envelopes: Vec<&StoredBundle> = bundles.iter().filter(is_envelope).collect();
    let by = |signer: &Signer| {
        let stated = |bundle: &&StoredBundle| {
            let signed = verify_bundle(&bundle.bytes, subject, &signer.anchor, limits).ok()?.into_inner();
            Some(Stated {
                builder: signer.name.clone(),
                predicate_type: signed.statement.predicate_type.clone(),
                statement: signed.digest,
                payload: serde_json::to_value(&signed.statement).unwrap_or_default(),
                referrer: bundle.referrer,
            })
        };
        envelopes.iter().filter_map(stated).collect::<Vec<_>>()
    };
    signers.iter().flat_map(by).collect()
}
