//! Whether a statement names the source that a builder has to build from.

use sealwright_core::Digest;
use sealwright_policy::SourceRule;

use crate::verify_bundle::{Signed, VerifiedSigner};

const REPOSITORY: &str = "dev.sealwright.source.repository";
const REPOSITORY_ID: &str = "dev.sealwright.source.repository-id";
const REF: &str = "dev.sealwright.source.ref";

/// What does not fit; nothing if all does. A certificate that makes claims has to make the same ones.
pub(crate) fn mismatch(signed: &Signed, subject: &Digest, rule: &SourceRule) -> Option<String> {
    let stated = signed.statement.about(subject)?;
    let annotation = |key: &str| stated.annotations.get(key).map(String::as_str);
    let statement = Source {
        repository: annotation(REPOSITORY),
        repository_id: annotation(REPOSITORY_ID),
        reference: annotation(REF),
    };
    if let Some(why) = statement.mismatch(rule, "the statement") {
        return Some(why);
    }
    let VerifiedSigner::Certificate { claims, .. } = &signed.signer else { return None };
    let repository = claims.source_repository_uri.as_deref().map(|uri| uri.strip_prefix("https://github.com/").unwrap_or(uri));
    let certificate = Source {
        repository,
        repository_id: claims.source_repository_identifier.as_deref(),
        reference: claims.source_repository_ref.as_deref(),
    };
    certificate.mismatch(rule, "the certificate")
}

struct Source<'a> {
    repository: Option<&'a str>,
    repository_id: Option<&'a str>,
    reference: Option<&'a str>,
}

impl Source<'_> {
    fn mismatch(&self, rule: &SourceRule, who: &str) -> Option<String> {
        let names = |what: &str, found: Option<&str>| {
            let found = found.map_or_else(|| "none".to_owned(), |f| format!("{:?}", f.chars().take(200).collect::<String>()));
            Some(format!("{who} names the {what} {found}"))
        };
        if rule.repository.as_deref().is_some_and(|expected| self.repository != Some(expected)) {
            return names("repository", self.repository);
        }
        if rule.repository_id.is_some_and(|expected| self.repository_id != Some(expected.to_string().as_str())) {
            return names("repository id", self.repository_id);
        }
        let ref_fits = |found: &str| rule.refs.iter().any(|pattern| pattern.matches(found));
        if !rule.refs.is_empty() && !self.reference.is_some_and(ref_fits) {
            return names("ref", self.reference);
        }
        None
    }
}
