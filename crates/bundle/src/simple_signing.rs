//! Simple signing: what signatures covered before there were bundles (containers/image, `docs/containers-signature.5.md`;
//! cosign, `specs/SIGNATURE_SPEC.md`).

use std::collections::BTreeMap;

use sealwright_core::{Digest, Limits, canonical_json};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{ShapeError, Statement, StatementSubject, clip, predicate_type, strict};

/// What cosign, podman and skopeo write.
const TYPE: &str = "cosign container image signature";
/// What is read: cosign 3 writes the predicate type of its bundles there.
const TYPES: [&str; 2] = [TYPE, predicate_type::SIGNATURE];

/// A claim that an image is somebody's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SimpleSigning {
    critical: Critical,
    /// Anything; cosign puts the words of `-a` there.
    #[serde(default)]
    optional: Option<BTreeMap<String, Value>>,
}

/// Whoever reads it has to understand all of it, so that nothing else may stand here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Critical {
    identity: Identity,
    image: Image,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Identity {
    #[serde(rename = "docker-reference")]
    reference: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Image {
    #[serde(rename = "docker-manifest-digest")]
    digest: Digest,
}

impl SimpleSigning {
    /// The same claim as a signature statement about `digest`. Nothing where that is not its subject.
    pub fn of(statement: &Statement, digest: &Digest) -> Option<Self> {
        let subject = statement.about(digest)?;
        let optional =
            subject.annotations.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str()))).collect();
        let identity = Identity { reference: subject.name.clone().unwrap_or_default() };
        let critical = Critical { identity, image: Image { digest: *digest }, kind: TYPE.to_owned() };
        Some(Self { critical, optional: Some(optional) })
    }

    /// Parses a payload.
    ///
    /// # Errors
    /// When it is none, or states a key twice.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, ShapeError> {
        let payload: Self = strict::parse(bytes, "simple signing payload", limits.configuration)?;
        if !TYPES.contains(&payload.critical.kind.as_str()) {
            return Err(ShapeError::Unexpected {
                what: "simple signing payload",
                member: "type",
                found: clip(&payload.critical.kind),
                expected: TYPE,
            });
        }
        Ok(payload)
    }

    /// The bytes that are signed: the same claim has the same bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        canonical_json::to_vec(&serde_json::to_value(self).unwrap_or_default())
    }

    /// The same claim as a signature statement. Words that are no text are left out.
    pub fn statement(&self) -> Statement {
        let words =
            self.optional.iter().flatten().filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned()))).collect();
        let name = Some(self.critical.identity.reference.as_str()).filter(|name| !name.is_empty());
        let subject = StatementSubject::new(name, &self.critical.image.digest, words);
        Statement::new(vec![subject], predicate_type::SIGNATURE, json!({}))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest() -> Digest {
        Digest::of(b"image")
    }

    /// What cosign 2.6 signs, in its own spelling.
    fn of_cosign() -> Value {
        json!({
            "critical": {
                "identity": { "docker-reference": "registry.example/app" },
                "image": { "docker-manifest-digest": digest().to_string() },
                "type": "cosign container image signature",
            },
            "optional": null,
        })
    }

    fn parse(value: &Value) -> Result<SimpleSigning, ShapeError> {
        SimpleSigning::parse(value.to_string().as_bytes(), &Limits::default())
    }

    #[test]
    fn a_payload_of_cosign_is_a_signature_statement() {
        let statement = parse(&of_cosign()).expect("a payload").statement();
        assert_eq!(statement.predicate_type, "https://sigstore.dev/cosign/sign/v1");
        let subject = statement.about(&digest()).expect("the image");
        assert_eq!((subject.name.as_deref(), subject.annotations.len()), (Some("registry.example/app"), 0));
        let mut annotated = of_cosign();
        annotated["optional"] = json!({ "by": "ops", "creator": { "no": "text" }, "timestamp": 1 });
        let statement = parse(&annotated).expect("a payload").statement();
        assert_eq!(
            statement.about(&digest()).expect("the image").annotations,
            BTreeMap::from([("by".into(), "ops".into())])
        );
    }

    #[test]
    fn a_statement_comes_back_as_it_was() {
        let annotations = BTreeMap::from([("by".to_owned(), "ops".to_owned())]);
        let subject = StatementSubject::new(Some("registry.example/app"), &digest(), annotations);
        let statement = Statement::new(vec![subject], predicate_type::SIGNATURE, json!({}));
        let payload = SimpleSigning::of(&statement, &digest()).expect("its subject");
        let read = SimpleSigning::parse(&payload.to_bytes(), &Limits::default()).expect("a payload");
        assert_eq!(read.statement(), statement);
        assert_eq!(SimpleSigning::of(&statement, &Digest::of(b"other")), None);
    }

    #[test]
    fn what_is_critical_is_understood_or_refused() {
        for (pointer, value) in [
            ("/critical/type", json!("atomic container signature")),
            ("/critical/type", json!("")),
            ("/critical/more", json!("unknown")),
            ("/critical/image/docker-manifest-digest", json!("sha256:1")),
            ("/critical/image/other", json!(1)),
            ("/critical/identity/docker-reference", json!(null)),
            ("/optional", json!([])),
        ] {
            let mut changed = of_cosign();
            let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
            let parent = if parent.is_empty() { &mut changed } else { changed.pointer_mut(parent).expect("a parent") };
            parent[key] = value;
            assert!(parse(&changed).is_err(), "{changed}");
        }
        let twice = of_cosign().to_string().replacen("{", r#"{"optional":null,"#, 1);
        assert!(matches!(
            SimpleSigning::parse(twice.as_bytes(), &Limits::default()),
            Err(ShapeError::DuplicateKey { .. })
        ));
    }
}
