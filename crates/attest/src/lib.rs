//! Statements about a digest: signature, SBOM, scan, decision and provenance, ready to sign.
//!
//! Nothing here is signed or sent, and no clock is read.

mod decision;
mod provenance;
mod scan;
mod source;

use sealwright_bundle::{Statement, StatementSubject, predicate_type};
use sealwright_core::Digest;
use serde_json::{Value, json};

pub use decision::{DecisionInput, decision};
pub use provenance::{ProvenanceInput, ProvenBuilder, provenance};
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

    fn annotations(&self) -> std::collections::BTreeMap<String, String> {
        self.source.map(SourceIdentity::annotations).unwrap_or_default()
    }
}

/// "This is mine", in the shape of `cosign sign`: the subject has no name, and the predicate says nothing.
pub fn signature(subject: &Subject<'_>) -> Statement {
    let unnamed = StatementSubject::new(None, &subject.digest, subject.annotations());
    Statement::new(vec![unnamed], predicate_type::SIGNATURE, json!({}))
}

/// A CycloneDX document about the subject.
pub fn cyclonedx(subject: &Subject<'_>, document: &[u8]) -> Statement {
    Statement::new(vec![subject.named()], predicate_type::CYCLONEDX, parsed(document))
}

/// An SPDX document about the subject.
pub fn spdx(subject: &Subject<'_>, document: &[u8]) -> Statement {
    Statement::new(vec![subject.named()], predicate_type::SPDX, parsed(document))
}

/// Our own writers' bytes are JSON; anything else would be a defect and becomes a statement that says nothing.
fn parsed(document: &[u8]) -> Value {
    serde_json::from_slice(document).unwrap_or_default()
}

/// Whether two statements claim the same, apart from the times at which they were made.
pub fn same_claim(one: &Statement, other: &Statement) -> bool {
    let timeless = |statement: &Statement| {
        let mut statement = statement.clone();
        for path in [
            "/metadata/scanStartedOn",
            "/metadata/scanFinishedOn",
            "/timeVerified",
            "/runDetails/metadata/startedOn",
            "/runDetails/metadata/finishedOn",
            "/runDetails/metadata/invocationId",
        ] {
            if let Some(time) = statement.predicate.pointer_mut(path) {
                *time = Value::Null;
            }
        }
        // The decision names the scan statement by a digest that covers the scan's times.
        if let Some(inputs) = statement.predicate.get_mut("inputAttestations") {
            *inputs = Value::Null;
        }
        statement
    };
    timeless(one) == timeless(other)
}
