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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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

    /// Whether the statement is about this digest.
    pub fn names(&self, digest: &Digest) -> bool {
        self.about(digest).is_some()
    }

    /// The subject with this digest, if the statement is about it.
    pub fn about(&self, digest: &Digest) -> Option<&StatementSubject> {
        self.subject.iter().find(|subject| subject.is(digest))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(value: &Value) -> Result<Statement, ShapeError> {
        Statement::parse(value.to_string().as_bytes(), &Limits::default())
    }

    fn subject(bytes: &[u8]) -> StatementSubject {
        StatementSubject::new(Some("r/a"), &Digest::of(bytes), BTreeMap::new())
    }

    #[test]
    fn both_versions_are_read_and_no_other() {
        let document = |kind: &str| json!({ "_type": kind, "subject": [], "predicateType": "p", "predicate": {} });
        for kind in ["https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1"] {
            assert_eq!(parse(&document(kind)).expect(kind).kind, kind);
        }
        for kind in ["https://in-toto.io/Statement/v2", "https://in-toto.io/statement/v1", ""] {
            assert!(matches!(parse(&document(kind)), Err(ShapeError::Unexpected { member: "_type", .. })), "{kind}");
        }
        for member in ["_type", "subject", "predicateType"] {
            let mut incomplete = document(STATEMENT_V1);
            incomplete.as_object_mut().expect("object").remove(member);
            assert!(matches!(parse(&incomplete), Err(ShapeError::Json { .. })), "without {member}");
        }
        // In-toto allows a statement without a predicate.
        let bare = json!({ "_type": STATEMENT_V1, "subject": [], "predicateType": "p" });
        assert_eq!(parse(&bare).expect("bare").predicate, Value::Null);
    }

    #[test]
    fn a_key_stated_twice_in_a_predicate_is_refused() {
        let twice = br#"{"_type":"https://in-toto.io/Statement/v1","subject":[],"predicateType":"p","predicate":{"a":1,"a":2}}"#;
        assert!(matches!(Statement::parse(twice, &Limits::default()), Err(ShapeError::DuplicateKey { .. })));
    }

    #[test]
    fn a_statement_is_about_any_of_its_subjects_by_their_whole_sha256_only() {
        let statement = Statement::new(vec![subject(b"a"), subject(b"b")], "p", json!({}));
        assert!(statement.names(&Digest::of(b"a")) && statement.names(&Digest::of(b"b")));
        assert_eq!(statement.about(&Digest::of(b"b")), Some(&subject(b"b")));
        assert!(!statement.names(&Digest::of(b"c")));
        let hex = Digest::of(b"a").hex();
        for digest in [
            BTreeMap::new(),
            BTreeMap::from([("sha512".to_owned(), hex.clone())]),
            BTreeMap::from([("sha256".to_owned(), hex.to_uppercase())]),
            BTreeMap::from([("sha256".to_owned(), hex[..63].to_owned())]),
            BTreeMap::from([("sha256".to_owned(), format!("sha256:{hex}"))]),
        ] {
            let other = StatementSubject { name: None, digest, annotations: BTreeMap::new() };
            assert!(!Statement::new(vec![other.clone()], "p", json!({})).names(&Digest::of(b"a")), "{other:?}");
        }
        assert!(!Statement::new(vec![], "p", json!({})).names(&Digest::of(b"a")));
    }

    #[test]
    fn the_bytes_are_canonical_and_read_back_the_same() {
        let annotations = BTreeMap::from([("k".to_owned(), "v".to_owned())]);
        let statement = Statement::new(
            vec![StatementSubject::new(None, &Digest::of(b""), annotations)],
            "p",
            json!({ "z": [1, 2.5], "a": "\u{e9}" }),
        );
        let bytes = statement.to_bytes();
        let expected = "{\"_type\":\"https://in-toto.io/Statement/v1\",\"predicate\":{\"a\":\"\u{e9}\",\"z\":[1,2.5]},\
            \"predicateType\":\"p\",\"subject\":[{\"annotations\":{\"k\":\"v\"},\"digest\":{\"sha256\":\
            \"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"}}]}";
        assert_eq!(std::str::from_utf8(&bytes).expect("UTF-8"), expected);
        let limits = |evidence| Limits { evidence, ..Limits::default() };
        assert_eq!(Statement::parse(&bytes, &limits(bytes.len() as u64)).expect("own bytes"), statement);
        let past = Statement::parse(&bytes, &limits(bytes.len() as u64 - 1));
        assert!(matches!(past, Err(ShapeError::TooLarge { what: "statement", .. })));
    }
}
