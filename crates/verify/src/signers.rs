//! How many builders have signed an image, each counted once.

use std::collections::{BTreeMap, BTreeSet};

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
    let of_each: Vec<BTreeSet<Name>> = asked
        .map(|builder| {
            let mut signed = accepted(evidence, builder.anchor(), limits).statements;
            from_source(&mut signed, &evidence.subject, builder.builder());
            signed.iter().filter(|s| s.statement.predicate_type == predicate_type::SIGNATURE).map(signer).collect()
        })
        .collect();
    let counted = one_of_each(&of_each);
    let enough = u64::try_from(counted.len()).is_ok_and(|count| count >= rule.threshold);
    let names: Vec<&str> = counted.iter().map(|(name, _)| name.as_str()).collect();
    let found = if names.is_empty() {
        "none has signed".to_owned()
    } else {
        format!("found {}: {}", names.len(), names.join(", "))
    };
    Check::when(check::SIGNERS, enough, format!("{} different signers are asked for, {found}", rule.threshold))
}

/// A key's fingerprint, or an identity and its issuer.
type Name = (String, String);

/// The most signers of which each stands for another builder: a builder with several identities is one signer, and a key that two
/// builders share is one too. It is a matching of builders and signers, which grows along augmenting paths.
fn one_of_each(of_each: &[BTreeSet<Name>]) -> BTreeSet<&Name> {
    let mut taken = BTreeMap::new();
    for builder in 0..of_each.len() {
        assign(builder, of_each, &mut taken, &mut BTreeSet::new());
    }
    taken.into_keys().collect()
}

/// Gives `builder` a signer, where need be by giving another builder another one.
fn assign<'a>(
    builder: usize,
    of_each: &'a [BTreeSet<Name>],
    taken: &mut BTreeMap<&'a Name, usize>,
    tried: &mut BTreeSet<&'a Name>,
) -> bool {
    for name in of_each.get(builder).into_iter().flatten() {
        if !tried.insert(name) {
            continue;
        }
        let free = match taken.get(name).copied() {
            None => true,
            Some(other) => assign(other, of_each, taken, tried),
        };
        if free {
            taken.insert(name, builder);
            return true;
        }
    }
    false
}

/// A key by its fingerprint; a name only together with who gave it.
fn signer(signed: &Signed) -> Name {
    match &signed.signer {
        VerifiedSigner::Key { fingerprint } => (fingerprint.to_string(), String::new()),
        VerifiedSigner::Certificate { identity, issuer, .. } => (identity.clone(), issuer.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(of_each: &[&[&str]]) -> usize {
        let name = |name: &&str| ((*name).to_owned(), String::new());
        let of_each: Vec<BTreeSet<Name>> = of_each.iter().map(|names| names.iter().map(name).collect()).collect();
        one_of_each(&of_each).len()
    }

    #[test]
    fn each_signer_stands_for_one_builder_and_each_builder_for_one_signer() {
        assert_eq!(count(&[]), 0);
        assert_eq!(count(&[&[], &["a"]]), 1);
        assert_eq!(count(&[&["release", "hotfix"], &[]]), 1, "one builder with two identities");
        assert_eq!(count(&[&["a"], &["a"]]), 1, "two builders with one key");
        assert_eq!(count(&[&["a", "b"], &["a"]]), 2, "the first takes the other one");
        assert_eq!(count(&[&["a", "b"], &["a", "c"], &["a"]]), 3);
        assert_eq!(count(&[&["a", "b"], &["a", "b"], &["a", "b"]]), 2);
    }
}
