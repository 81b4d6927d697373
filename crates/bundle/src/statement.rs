//! in-toto statements (in-toto attestation framework v1, "Statement layer").

use std::collections::BTreeMap;

use sealwright_core::{Digest, Limits, canonical_json};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{ShapeError, clip, strict};

/// The type of statements that are written.
pub const STATEMENT_V1: &str = "https://in-toto.io/Statement/v1";
/// An older type that is read: `cosign attest` writes it.
pub const STATEMENT_V0_1: &str = "https://in-toto.io/Statement/v0.1";

/// A claim about one or several digests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Statement {
    /// [`STATEMENT_V1`] or [`STATEMENT_V0_1`].
    #[serde(rename = "_type")]
    pub kind: String,
    /// What it is about.
    pub subject: Vec<StatementSubject>,
    /// What kind of claim it is.
    pub predicate_type: String,
    /// The claim.
    #[serde(default)]
    pub predicate: Value,
}

/// One thing that a statement is about (in-toto, "ResourceDescriptor").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementSubject {
    /// Its name; of an image the repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its digests by algorithm, in hex.
    #[serde(default)]
    pub digest: BTreeMap<String, String>,
    /// Free words.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

impl StatementSubject {
    /// A subject with a sha256 digest.
    pub fn new(name: Option<&str>, digest: &Digest, annotations: BTreeMap<String, String>) -> Self {
        let digest = BTreeMap::from([("sha256".to_owned(), digest.hex())]);
        Self { name: name.map(str::to_owned), digest, annotations }
    }

    /// Whether this is `digest`.
    pub fn is(&self, digest: &Digest) -> bool {
        self.digest.get("sha256").is_some_and(|hex| *hex == digest.hex())
    }
}

impl Statement {
    /// A statement of version 1.
    pub fn new(subject: Vec<StatementSubject>, predicate_type: &str, predicate: Value) -> Self {
        Self { kind: STATEMENT_V1.to_owned(), subject, predicate_type: predicate_type.to_owned(), predicate }
    }

    /// Parses a statement.
    ///
    /// # Errors
    /// When it is none of a version that is read, or states a key twice.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, ShapeError> {
        let statement: Self = strict::parse(bytes, "statement", limits.evidence)?;
        if statement.kind == STATEMENT_V1 || statement.kind == STATEMENT_V0_1 {
            return Ok(statement);
        }
        let expected = "https://in-toto.io/Statement/v1 or …/v0.1";
        Err(ShapeError::Unexpected { what: "statement", member: "_type", found: clip(&statement.kind), expected })
    }

    /// The bytes that are signed: canonical JSON, so that the same claim has the same bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        canonical_json::to_vec(&serde_json::to_value(self).unwrap_or_default())
    }

    /// The subject with this digest, if the statement is about it.
    pub fn about(&self, digest: &Digest) -> Option<&StatementSubject> {
        self.subject.iter().find(|subject| subject.is(digest))
    }
}
