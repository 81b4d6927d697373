//! Shapes of in-toto statements, predicates, DSSE envelopes and Sigstore bundles. Nothing here signs or verifies.

mod builders;
mod bundle;
mod envelope;
pub mod legacy;
mod message;
pub mod pem;
pub mod predicate_type;
mod simple_signing;
mod statement;
mod strict;
pub mod vocabulary;

pub use builders::{KNOWN_BUILDERS, KnownBuilder, known_builder};
pub use bundle::{BUNDLE_V03, Bundle, is_bundle_type};
pub use envelope::{Envelope, EnvelopeSignature, PAYLOAD_TYPE, pae};
pub use message::{MessageDigest, MessageSignature, SHA2_256, SHA2_384};
pub use simple_signing::SimpleSigning;
pub use statement::{STATEMENT_V0_1, STATEMENT_V1, Statement, StatementSubject};
pub use strict::parse as parse_strict;

/// Why bytes are not the document they should be.
#[derive(Debug, thiserror::Error)]
pub enum ShapeError {
    /// Not JSON of the expected shape.
    #[error("not a valid {what}: {source}")]
    Json {
        /// What was expected.
        what: &'static str,
        /// Where it differs.
        source: serde_json::Error,
    },
    /// Two readers could see two documents.
    #[error("the {what} states the key {key:?} twice")]
    DuplicateKey {
        /// What was read.
        what: &'static str,
        /// The key.
        key: String,
    },
    /// Larger than may be read.
    #[error("the {what} has more than {limit} bytes")]
    TooLarge {
        /// What was read.
        what: &'static str,
        /// The limit in bytes.
        limit: u64,
    },
    /// A member has a value that this version does not know.
    #[error("the {what} has {member} {found:?}, expected {expected}")]
    Unexpected {
        /// What was read.
        what: &'static str,
        /// The member.
        member: &'static str,
        /// As written, cut at 120 characters.
        found: String,
        /// What it has to be.
        expected: &'static str,
    },
    /// Not base64.
    #[error("{member} of the {what} is not base64")]
    Base64 {
        /// What was read.
        what: &'static str,
        /// The member.
        member: &'static str,
    },
}

fn clip(text: &str) -> String {
    text.chars().take(120).collect()
}
