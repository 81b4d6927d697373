//! Whether a statement names the source that a builder has to build from.

use sealwright_bundle::vocabulary;
use sealwright_core::Digest;
use sealwright_policy::SourceRule;

use crate::claims::NamedClaims;
use crate::verify_bundle::{Signed, VerifiedSigner};

/// What does not fit; nothing if all does. A certificate that makes claims has to make the same ones: the annotations are
/// what the signer says, the certificate is what the identity's issuer says.
pub(crate) fn mismatch(signed: &Signed, subject: &Digest, rule: &SourceRule) -> Option<String> {
    let stated = signed.statement.about(subject).map(|subject| &subject.annotations);
    let annotation = |key: &str| stated?.get(key).map(String::as_str);
    let statement = NamedSource {
        repository: annotation(vocabulary::SOURCE_REPOSITORY),
        repository_id: annotation(vocabulary::SOURCE_REPOSITORY_ID),
        owner_id: annotation(vocabulary::SOURCE_OWNER_ID),
        reference: annotation(vocabulary::SOURCE_REF),
    };
    if let Some(why) = statement.mismatch(rule, "the statement") {
        return Some(why);
    }
    let VerifiedSigner::Certificate { claims, .. } = &signed.signer else { return None };
    let NamedClaims { repository, repository_id, owner_id, reference, .. } = claims.as_ref().into();
    NamedSource { repository, repository_id, owner_id, reference }.mismatch(rule, "the certificate")
}

/// A source as somebody names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NamedSource<'a> {
    /// `owner/name`.
    pub repository: Option<&'a str>,
    /// The number that stays when a repository is renamed.
    pub repository_id: Option<&'a str>,
    /// The number of the repository's owner.
    pub owner_id: Option<&'a str>,
    /// `refs/heads/main`.
    pub reference: Option<&'a str>,
}

impl NamedSource<'_> {
    /// What does not fit the rule, with `who` names it; nothing if all does.
    pub fn mismatch(&self, rule: &SourceRule, who: &str) -> Option<String> {
        let names = |what: &str, found: Option<&str>| {
            let found =
                found.map_or_else(|| "none".to_owned(), |f| format!("{:?}", f.chars().take(200).collect::<String>()));
            Some(format!("{who} names the {what} {found}"))
        };
        if rule.repository.as_deref().is_some_and(|expected| self.repository != Some(expected)) {
            return names("repository", self.repository);
        }
        let other = |expected: Option<u64>, found: Option<&str>| {
            expected.is_some_and(|expected| found != Some(expected.to_string().as_str()))
        };
        if other(rule.repository_id, self.repository_id) {
            return names("repository id", self.repository_id);
        }
        if other(rule.owner_id, self.owner_id) {
            return names("owner id", self.owner_id);
        }
        let ref_fits = |found: &str| rule.refs.iter().any(|pattern| pattern.matches(found));
        if !rule.refs.is_empty() && !self.reference.is_some_and(ref_fits) {
            return names("ref", self.reference);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use sealwright_bundle::{Statement, StatementSubject};
    use serde_json::json;
    use sigstore_crypto::FulcioCiClaims;

    use super::*;

    const REPOSITORY: &str = "dev.sealwright.source.repository";
    const ID: &str = "dev.sealwright.source.repository-id";
    const OWNER: &str = "dev.sealwright.source.owner-id";
    const REF: &str = "dev.sealwright.source.ref";

    fn rule() -> SourceRule {
        let refs = ["refs/heads/main", "refs/tags/v*"].map(|pattern| pattern.parse().expect("pattern")).to_vec();
        SourceRule { repository: Some("acme/shop".into()), repository_id: Some(7), owner_id: Some(8), refs }
    }

    fn signed(annotations: &[(&str, &str)], signer: VerifiedSigner) -> Signed {
        let annotations: BTreeMap<_, _> = annotations.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let subject = StatementSubject::new(None, &Digest::of(b"image"), annotations);
        let statement = Statement::new(vec![subject], "p", json!({}));
        Signed { statement, digest: Digest::of(b""), signer, time: None, vouchers: Default::default() }
    }

    fn by_key(annotations: &[(&str, &str)]) -> Signed {
        signed(annotations, VerifiedSigner::Key { fingerprint: Digest::of(b"key") })
    }

    fn fits(signed: &Signed, rule: &SourceRule) -> Result<(), String> {
        mismatch(signed, &Digest::of(b"image"), rule).map_or(Ok(()), Err)
    }

    const RIGHT: [(&str, &str); 4] = [(REPOSITORY, "acme/shop"), (ID, "7"), (REF, "refs/heads/main"), (OWNER, "8")];

    #[test]
    fn every_part_of_the_rule_is_compared_with_the_statement() {
        assert_eq!(fits(&by_key(&RIGHT), &rule()), Ok(()));
        assert_eq!(fits(&by_key(&[RIGHT[0], RIGHT[1], (REF, "refs/tags/v1"), RIGHT[3]]), &rule()), Ok(()));
        for (wrong, what) in [
            ([(REPOSITORY, "evil/shop"), RIGHT[1], RIGHT[2]], "repository \"evil/shop\""),
            ([(REPOSITORY, "ACME/shop"), RIGHT[1], RIGHT[2]], "repository \"ACME/shop\""),
            ([RIGHT[0], (ID, "8"), RIGHT[2]], "repository id \"8\""),
            ([RIGHT[0], (ID, "07"), RIGHT[2]], "repository id \"07\""),
            ([RIGHT[0], RIGHT[1], (REF, "refs/heads/dev")], "ref \"refs/heads/dev\""),
            ([RIGHT[0], RIGHT[1], ("x", "x")], "ref none"),
            ([RIGHT[0], ("x", "x"), RIGHT[2]], "repository id none"),
            ([("x", "x"), RIGHT[1], RIGHT[2]], "repository none"),
        ] {
            let wrong = [wrong[0], wrong[1], wrong[2], RIGHT[3]];
            assert_eq!(fits(&by_key(&wrong), &rule()), Err(format!("the statement names the {what}")));
        }
        for (owner, what) in [((OWNER, "9"), "owner id \"9\""), (("x", "x"), "owner id none")] {
            let wrong = [RIGHT[0], RIGHT[1], RIGHT[2], owner];
            assert_eq!(fits(&by_key(&wrong), &rule()), Err(format!("the statement names the {what}")));
        }
    }

    #[test]
    fn what_the_rule_leaves_out_is_not_compared() {
        let none = SourceRule { repository: None, repository_id: None, owner_id: None, refs: vec![] };
        assert_eq!(fits(&by_key(&[]), &none), Ok(()));
        let id = SourceRule { repository: None, ..rule() };
        assert_eq!(fits(&by_key(&[(REPOSITORY, "renamed/shop"), RIGHT[1], RIGHT[2], RIGHT[3]]), &id), Ok(()));
    }

    #[test]
    fn a_statement_about_something_else_names_no_source() {
        let other = Digest::of(b"other");
        assert!(mismatch(&by_key(&RIGHT), &other, &rule()).is_some());
    }

    #[test]
    fn a_certificate_has_to_claim_the_same() {
        let by_certificate = |change: &dyn Fn(&mut FulcioCiClaims)| {
            let mut claims = FulcioCiClaims::default();
            claims.source_repository_uri = Some("https://github.com/acme/shop".into());
            claims.source_repository_identifier = Some("7".into());
            claims.source_repository_ref = Some("refs/heads/main".into());
            claims.source_repository_owner_identifier = Some("8".into());
            change(&mut claims);
            let (identity, issuer) = (String::new(), String::new());
            signed(&RIGHT, VerifiedSigner::Certificate { identity, issuer, claims: Box::new(claims) })
        };
        assert_eq!(fits(&by_certificate(&|_| {}), &rule()), Ok(()));
        type Change = fn(&mut FulcioCiClaims);
        let changes: [(Change, &str); 9] = [
            (|c| c.source_repository_uri = Some("https://github.com/evil/shop".into()), "repository \"evil/shop\""),
            (
                |c| c.source_repository_uri = Some("https://gitlab.com/acme/shop".into()),
                "repository \"https://gitlab.com/acme/shop\"",
            ),
            (|c| c.source_repository_uri = None, "repository none"),
            (|c| c.source_repository_identifier = Some("8".into()), "repository id \"8\""),
            (|c| c.source_repository_identifier = None, "repository id none"),
            (|c| c.source_repository_ref = Some("refs/pull/1/merge".into()), "ref \"refs/pull/1/merge\""),
            (|c| c.source_repository_ref = None, "ref none"),
            (|c| c.source_repository_owner_identifier = Some("9".into()), "owner id \"9\""),
            (|c| c.source_repository_owner_identifier = None, "owner id none"),
        ];
        for (change, what) in changes {
            assert_eq!(fits(&by_certificate(&change), &rule()), Err(format!("the certificate names the {what}")));
        }
    }
}
