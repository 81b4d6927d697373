//! How many have signed an image, each counted once.

use std::collections::BTreeSet;

use sealwright_bundle::predicate_type;
use sealwright_core::Limits;
use sealwright_policy::EvidenceRules;

use crate::builder_anchor::BuilderAnchor;
use crate::check::{self, Check, Outcome};
use crate::image::{ImageEvidence, accepted, from_source};
use crate::verify_bundle::{Signed, VerifiedSigner};

/// The check of `rules.signers`: builders that sign, each by its own key or identity and source.
pub(crate) fn check(
    evidence: &ImageEvidence,
    rules: &EvidenceRules,
    builders: &[BuilderAnchor],
    limits: &Limits,
) -> Check {
    let rule = &rules.signers;
    if !rules.signature || (rule.threshold <= 1 && rule.of.is_empty()) {
        let why = if rules.signature { "the rules ask for one signer" } else { "the rules do not require it" };
        return Check::new(check::SIGNERS, Outcome::NotChecked(why.into()));
    }
    let asked = builders.iter().filter(|b| rule.of.is_empty() || rule.of.contains(&b.builder().name));
    let mut signers: BTreeSet<(String, String)> = BTreeSet::new();
    for builder in asked {
        let mut signed = accepted(evidence, builder.anchor(), limits).statements;
        from_source(&mut signed, &evidence.subject, builder.builder());
        signers.extend(signed.iter().filter(|s| s.statement.predicate_type == predicate_type::SIGNATURE).map(signer));
    }
    let count = signers.len();
    let enough = u64::try_from(count).is_ok_and(|count| count >= rule.threshold);
    let names: Vec<&str> = signers.iter().map(|(name, _)| name.as_str()).collect();
    let found =
        if names.is_empty() { "none has signed".to_owned() } else { format!("found {count}: {}", names.join(", ")) };
    Check::when(check::SIGNERS, enough, format!("{} different signers are asked for, {found}", rule.threshold))
}

/// A key by its fingerprint; a name only together with who gave it.
fn signer(signed: &Signed) -> (String, String) {
    match &signed.signer {
        VerifiedSigner::Key { fingerprint } => (fingerprint.to_string(), String::new()),
        VerifiedSigner::Certificate { identity, issuer, .. } => (identity.clone(), issuer.clone()),
    }
}
