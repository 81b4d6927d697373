//! Statements about a digest: signature, SBOM, scan, decision and provenance, ready to sign.
//!
//! Nothing here is signed or sent, and no clock is read: the same input gives the same bytes.

mod decision;
mod predicate;
mod provenance;
mod same_claim;
mod scan;
mod source;

use std::collections::BTreeMap;

use sealwright_bundle::{Statement, StatementSubject, predicate_type};
use sealwright_core::Digest;
use serde_json::json;

pub use decision::{DecisionInput, decision};
pub use predicate::{AttestError, cyclonedx, predicate, spdx};
pub use provenance::{ProvenBuilder, ProvenanceInput, provenance};
pub use same_claim::same_claim;
pub use scan::{PolicyName, ScanInput, WaiverLine, scan, waiver_lines};
pub use source::SourceIdentity;

/// What statements are about: an image in a repository, and the source that its signer proved.
#[derive(Debug, Clone)]
pub struct Subject<'a> {
    /// The repository, for statements that name their subject.
    pub name: &'a str,
    /// The digest of the manifest or index.
    pub digest: Digest,
    /// The source, where the signer proved one.
    pub source: Option<&'a SourceIdentity>,
}

impl Subject<'_> {
    fn named(&self) -> StatementSubject {
        StatementSubject::new(Some(self.name), &self.digest, self.annotations())
    }

    fn annotations(&self) -> BTreeMap<String, String> {
        self.source.map(SourceIdentity::annotations).unwrap_or_default()
    }
}

/// "This is mine", in the shape of `cosign sign`: the predicate says nothing. cosign leaves the subject's name out; it is
/// written here because PyPI's `sigstore` demands one of every statement, and cosign accepts it.
pub fn signature(subject: &Subject<'_>) -> Statement {
    annotated_signature(subject, &BTreeMap::new())
}

/// The same with the signer's own words (`-a key=value`). They cannot replace what the signer proved about the source.
pub fn annotated_signature(subject: &Subject<'_>, annotations: &BTreeMap<String, String>) -> Statement {
    let mut all = annotations.clone();
    all.retain(|key, _| !key.starts_with("dev.sealwright."));
    all.extend(subject.annotations());
    let named = StatementSubject::new(Some(subject.name), &subject.digest, all);
    Statement::new(vec![named], predicate_type::SIGNATURE, json!({}))
}
