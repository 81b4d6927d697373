//! Statements whose predicate is a finished document: SBOMs, and what `attest --predicate` hands in.

use sealwright_bundle::{ShapeError, Statement, parse_strict, predicate_type};
use serde_json::Value;

use crate::Subject;

/// Why a document becomes no statement.
#[derive(Debug, thiserror::Error)]
pub enum AttestError {
    /// Not JSON, or ambiguous: readers could see different documents under one signature.
    #[error("the predicate of type {predicate_type} cannot be attested: {source}")]
    Document {
        /// The type that was asked for.
        predicate_type: String,
        /// What is wrong.
        source: ShapeError,
    },
    /// JSON, but a bare value: in-toto's predicate is an object.
    #[error("the predicate of type {predicate_type} is no JSON object")]
    NoObject {
        /// The type that was asked for.
        predicate_type: String,
    },
}

/// A CycloneDX document about the subject.
///
/// # Errors
/// When it is no unambiguous JSON object.
pub fn cyclonedx(subject: &Subject<'_>, document: &[u8]) -> Result<Statement, AttestError> {
    predicate(subject, predicate_type::CYCLONEDX, document)
}

/// An SPDX document about the subject.
///
/// # Errors
/// When it is no unambiguous JSON object.
pub fn spdx(subject: &Subject<'_>, document: &[u8]) -> Result<Statement, AttestError> {
    predicate(subject, predicate_type::SPDX, document)
}

/// Any document of any type about the subject. How large it may be is the caller's business: it has been read.
///
/// # Errors
/// When it is no unambiguous JSON object.
pub fn predicate(subject: &Subject<'_>, predicate_type: &str, document: &[u8]) -> Result<Statement, AttestError> {
    let predicate: Value = parse_strict(document, "predicate", u64::MAX)
        .map_err(|source| AttestError::Document { predicate_type: predicate_type.to_owned(), source })?;
    if !predicate.is_object() {
        return Err(AttestError::NoObject { predicate_type: predicate_type.to_owned() });
    }
    Ok(Statement::new(vec![subject.named()], predicate_type, predicate))
}
