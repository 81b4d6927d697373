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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use sealwright_bundle::{Statement, StatementSubject, predicate_type};
    use sealwright_sign::{KeySigner, Signer as Signing, SigningKey};
    use sealwright_verify::PublicKey;
    use serde_json::json;

    use super::*;

    #[test]
    fn only_an_envelope_about_the_digest_by_the_key_is_a_statement() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
        let (image, subject) = (b"image", Digest::of(b"image"));
        let (key, _) = KeySigner::generate().expect("key");
        let public = PublicKey::from_pem(key.public_pem().as_bytes()).expect("public key");
        let signing = Signing::Key(SigningKey::File(key));
        let (stranger, _) = KeySigner::generate().expect("key");
        let about = |digest: &Digest| {
            let named = StatementSubject::new(None, digest, BTreeMap::new());
            Statement::new(vec![named], predicate_type::SIGNATURE, json!({})).to_bytes()
        };
        let stored =
            |bytes: Vec<u8>| StoredBundle { referrer: Some(Digest::of(&bytes)), annotations: BTreeMap::new(), bytes };
        let own = stored(runtime.block_on(signing.sign(&about(&subject))).expect("signed"));
        let bundles = [
            stored(runtime.block_on(signing.sign_message(image)).expect("signed")),
            stored(runtime.block_on(signing.sign(&about(&Digest::of(b"other")))).expect("signed")),
            stored(stranger.sign(&about(&subject)).expect("signed")),
            stored(b"{}".to_vec()),
            own,
        ];
        let limits = Limits::default();
        assert!(
            verify_bundle(&bundles[0].bytes, &subject, &Anchor::Key(public.clone()), &limits).is_ok(),
            "`verify` counts it"
        );
        let signers = [Signer { name: "team".to_owned(), anchor: Anchor::Key(public) }];
        let found = stated(&bundles, &subject, &signers, &limits);
        let [one] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((one.builder.as_str(), one.referrer), ("team", bundles[4].referrer));
        assert_eq!(one.payload["subject"][0]["digest"]["sha256"], subject.hex());
    }
}
