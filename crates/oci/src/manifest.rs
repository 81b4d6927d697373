//! Manifests and indexes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::descriptor::{Descriptor, null_is_empty};
use crate::media_type;

/// OCI image manifest (OCI image specification 1.1, "Image Manifest"), also Docker's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// Always 2.
    pub schema_version: u32,
    /// Its own media type; may be left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// Of an artifact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// The configuration.
    pub config: Descriptor,
    /// The layers from the bottom.
    pub layers: Vec<Descriptor>,
    /// What this artifact is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Descriptor>,
    /// Free words.
    #[serde(default, deserialize_with = "null_is_empty", skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// OCI image index (OCI image specification 1.1, "Image Index"), also Docker's manifest list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    /// Always 2.
    pub schema_version: u32,
    /// Its own media type; may be left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// Of an artifact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// The manifests.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub manifests: Vec<Descriptor>,
    /// What this artifact is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Descriptor>,
    /// Free words.
    #[serde(default, deserialize_with = "null_is_empty", skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// One of the two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Document {
    /// One image.
    Manifest(Manifest),
    /// Several.
    Index(Index),
}

/// Why bytes are neither a manifest nor an index nor a configuration.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// Not JSON of the expected shape.
    #[error("not a valid {what}: {source}")]
    Json {
        /// What was expected.
        what: &'static str,
        /// Where it differs.
        source: serde_json::Error,
    },
    /// Two readers could see two different documents (CVE-2021-41190).
    #[error("both `manifests` and `layers` are there, expected a manifest or an index")]
    Ambiguous,
    /// Neither `manifests` nor `layers`.
    #[error("neither `manifests` nor `layers` is there, expected a manifest or an index")]
    Neither,
    /// The document names another type than its descriptor or its shape.
    #[error("the document says it is {stated:?}, expected {expected:?}")]
    MediaType {
        /// What the document says.
        stated: String,
        /// What it has to be.
        expected: String,
    },
    /// A schema this version does not know.
    #[error("schemaVersion is {found}, expected 2")]
    SchemaVersion {
        /// As written.
        found: u32,
    },
}

impl Document {
    /// Parses a manifest or an index. `media_type` is the one of the descriptor or of the `Content-Type`; where it is a
    /// manifest's type at all, the document has to agree with it.
    ///
    /// # Errors
    /// When the bytes are neither, could be read as both, or contradict their type.
    pub fn parse(bytes: &[u8], media_type: Option<&str>) -> Result<Self, DocumentError> {
        let json = |what| move |source| DocumentError::Json { what, source };
        let value: Value = serde_json::from_slice(bytes).map_err(json("manifest or index"))?;
        let document = match (value.get("manifests").is_some(), value.get("layers").is_some()) {
            (true, true) => return Err(DocumentError::Ambiguous),
            (false, false) => return Err(DocumentError::Neither),
            (true, false) => Self::Index(serde_json::from_slice(bytes).map_err(json("index"))?),
            (false, true) => Self::Manifest(serde_json::from_slice(bytes).map_err(json("manifest"))?),
        };
        document.check(media_type)?;
        Ok(document)
    }

    fn check(&self, expected: Option<&str>) -> Result<(), DocumentError> {
        let (version, stated, fits): (_, _, fn(&str) -> bool) = match self {
            Self::Manifest(m) => (m.schema_version, &m.media_type, media_type::is_manifest),
            Self::Index(i) => (i.schema_version, &i.media_type, media_type::is_index),
        };
        if version != 2 {
            return Err(DocumentError::SchemaVersion { found: version });
        }
        let word = match self {
            Self::Manifest(_) => media_type::MANIFEST,
            Self::Index(_) => media_type::INDEX,
        };
        let expected = expected.filter(|e| media_type::is_manifest(e) || media_type::is_index(e));
        if let Some(stated) = stated
            && (!fits(stated) || expected.is_some_and(|e| e != stated))
        {
            let expected = expected.unwrap_or(word).to_owned();
            return Err(DocumentError::MediaType { stated: stated.clone(), expected });
        }
        match expected {
            Some(e) if !fits(e) => Err(DocumentError::MediaType { stated: word.to_owned(), expected: e.to_owned() }),
            _ => Ok(()),
        }
    }

    /// The media type: as stated, else OCI's for the shape.
    pub fn media_type(&self) -> &str {
        match self {
            Self::Manifest(m) => m.media_type.as_deref().unwrap_or(media_type::MANIFEST),
            Self::Index(i) => i.media_type.as_deref().unwrap_or(media_type::INDEX),
        }
    }

    /// What it is about.
    pub fn subject(&self) -> Option<&Descriptor> {
        match self {
            Self::Manifest(m) => m.subject.as_ref(),
            Self::Index(i) => i.subject.as_ref(),
        }
    }

    /// Its descriptor as a registry lists it among the referrers of its subject: with its own artifact type and annotations
    /// (image specification, "Image Manifest": the configuration's media type is the type where none is stated).
    #[must_use]
    pub fn listed(&self, descriptor: Descriptor) -> Descriptor {
        let (artifact_type, annotations) = match self {
            Self::Manifest(m) => {
                let stated = m.artifact_type.as_ref().filter(|stated| !stated.is_empty());
                (stated.or(Some(&m.config.media_type)), &m.annotations)
            }
            Self::Index(i) => (i.artifact_type.as_ref(), &i.annotations),
        };
        Descriptor { artifact_type: artifact_type.cloned(), annotations: annotations.clone(), ..descriptor }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn manifest(extra: &str) -> String {
        format!(r#"{{"schemaVersion":2{extra},"config":{{"mediaType":"c","digest":"{DIGEST}","size":0}},"layers":[]}}"#)
    }

    #[test]
    fn the_media_type_is_the_stated_one_else_that_of_the_shape() {
        let of = |json: &str, expected| Document::parse(json.as_bytes(), expected).expect(json).media_type().to_owned();
        let stated = manifest(&format!(r#","mediaType":"{}""#, media_type::DOCKER_MANIFEST));
        assert_eq!(of(&stated, None), media_type::DOCKER_MANIFEST);
        assert_eq!(of(&manifest(""), None), media_type::MANIFEST);
        assert_eq!(of(r#"{"schemaVersion":2,"manifests":[]}"#, None), media_type::INDEX);
    }

    #[test]
    fn a_referrer_is_listed_by_its_own_words() {
        let listed = |json: &str| {
            let descriptor = Descriptor { artifact_type: Some("a lie".into()), ..Descriptor::of("m", b"") };
            Document::parse(json.as_bytes(), None).expect(json).listed(descriptor)
        };
        assert_eq!(listed(&manifest("")).artifact_type.as_deref(), Some("c"), "the configuration's");
        assert_eq!(listed(&manifest(r#","artifactType":"""#)).artifact_type.as_deref(), Some("c"));
        let stated = listed(&manifest(r#","artifactType":"t","annotations":{"k":"v"}"#));
        assert_eq!((stated.artifact_type.as_deref(), stated.annotations["k"].as_str()), (Some("t"), "v"));
        assert_eq!(listed(r#"{"schemaVersion":2,"manifests":[]}"#).artifact_type, None);
    }

    #[test]
    fn a_manifest_and_an_index_are_told_apart_by_their_members() {
        assert!(matches!(Document::parse(manifest("").as_bytes(), None), Ok(Document::Manifest(_))));
        let index = br#"{"schemaVersion":2,"manifests":null}"#;
        assert!(matches!(Document::parse(index, Some(media_type::INDEX)), Ok(Document::Index(_))));
    }

    #[test]
    fn what_two_readers_could_read_differently_is_refused() {
        let both = manifest(r#","manifests":[]"#);
        assert!(matches!(Document::parse(both.as_bytes(), None), Err(DocumentError::Ambiguous)));
        assert!(matches!(Document::parse(br#"{"schemaVersion":2}"#, None), Err(DocumentError::Neither)));
        let liar = manifest(&format!(r#","mediaType":"{}""#, media_type::INDEX));
        assert!(matches!(Document::parse(liar.as_bytes(), None), Err(DocumentError::MediaType { .. })));
        let plain = manifest("");
        let wrong = Document::parse(plain.as_bytes(), Some(media_type::INDEX));
        assert!(matches!(wrong, Err(DocumentError::MediaType { .. })));
        let docker = manifest(&format!(r#","mediaType":"{}""#, media_type::DOCKER_MANIFEST));
        let contradicted = Document::parse(docker.as_bytes(), Some(media_type::MANIFEST));
        assert!(matches!(contradicted, Err(DocumentError::MediaType { .. })));
        assert!(Document::parse(docker.as_bytes(), Some(media_type::DOCKER_MANIFEST)).is_ok());
        let old = manifest("").replace(":2", ":1");
        assert!(matches!(Document::parse(old.as_bytes(), None), Err(DocumentError::SchemaVersion { found: 1 })));
    }
}
