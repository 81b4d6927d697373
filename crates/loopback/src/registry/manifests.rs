//! Manifests and tags: what is checked on a push, and how a reference is read.

use axum::http::StatusCode;
use axum::response::Response;
use sealwright_core::Digest;
use serde_json::Value;

use super::answer::{manifest_invalid, name_unknown, refuse};
use super::routes::with_length;
use super::store::Store;
use super::{ArtifactTypes, EntityTags, GitLabQuirk, ManifestLocation, ReferrersApi, Shared};
use crate::answer::{answer, json};
use crate::lock;
use crate::traffic::Incoming;

/// Registries refuse more than 4 MiB (distribution specification, "Pushing manifests").
const LARGEST: usize = 4 << 20;

const INDEXES: [&str; 2] =
    ["application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json"];
const MANIFESTS: [&str; 2] =
    ["application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json"];

pub(crate) fn tags(shared: &Shared, name: &str) -> Response {
    let store = lock(&shared.store);
    if !store.knows(name) {
        return name_unknown();
    }
    let tags: Vec<String> = store.tags(name).into_keys().collect();
    json(&serde_json::json!({ "name": name, "tags": tags }))
}

pub(crate) fn get(shared: &Shared, name: &str, reference: &str) -> Response {
    let (quirk, entity_tags) = {
        let switches = lock(&shared.switches);
        (switches.gitlab_quirk, switches.entity_tags)
    };
    let store = lock(&shared.store);
    if !store.knows(name) {
        return name_unknown();
    }
    let found = resolve(&store, name, reference, quirk).and_then(|digest| store.manifest(name, &digest));
    let Some(manifest) = found else {
        return refuse(StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN", "manifest unknown to registry");
    };
    let bytes = store.served(&manifest.digest, &manifest.bytes);
    // A registry whose storage was altered computes the digest it announces from what it has.
    let digest = if store.is_altered(&manifest.digest) { Digest::of(&bytes) } else { manifest.digest }.to_string();
    let entity = format!("\"{digest}\"");
    let mut headers = vec![("content-type", manifest.media_type.as_str()), ("docker-content-digest", &digest)];
    if entity_tags == EntityTags::On {
        headers.push(("etag", &entity));
    }
    with_length(answer(StatusCode::OK, &headers, bytes.clone()), bytes.len())
}

fn resolve(store: &Store, name: &str, reference: &str, quirk: GitLabQuirk) -> Option<Digest> {
    if reference.contains(':') {
        return reference.parse().ok();
    }
    let tagged = store.tag(name, reference);
    let read_as_digest = || {
        let digest = format!("sha256:{}", reference.strip_prefix("sha256-")?).parse().ok()?;
        store.manifest(name, &digest).map(|_| digest)
    };
    match quirk {
        GitLabQuirk::Off => tagged,
        GitLabQuirk::UntilTagged => tagged.or_else(read_as_digest),
        GitLabQuirk::Always => read_as_digest().or(tagged),
    }
}

pub(crate) fn put(shared: &Shared, name: &str, reference: &str, incoming: &Incoming) -> Response {
    let switches = lock(&shared.switches).clone();
    let media_type = incoming.header("content-type").unwrap_or_default();
    let digest = Digest::of(&incoming.body);
    let mut store = lock(&shared.store);
    let document = match checked(&store, name, media_type, incoming) {
        Ok(document) => document,
        Err(refusal) => return *refusal,
    };
    let tag = if reference.contains(':') {
        if reference.parse() != Ok(digest) {
            return refuse(StatusCode::BAD_REQUEST, "DIGEST_INVALID", "provided digest did not match uploaded content");
        }
        None
    } else {
        let current = store.tag(name, reference);
        if let Some(refusal) = tag_refusal(&switches, reference, current, incoming.header("if-match")) {
            return refusal;
        }
        Some(reference).filter(|_| !incoming.lose_tag)
    };
    store.put_manifest(name, tag, media_type, incoming.body.clone());
    let digest = digest.to_string();
    let location = format!("/v2/{name}/manifests/{digest}");
    let subject = document.pointer("/subject/digest").and_then(Value::as_str);
    let mut headers = vec![("docker-content-digest", digest.as_str())];
    if switches.manifest_location == ManifestLocation::Sent {
        headers.push(("location", &location));
    }
    let announces = switches.referrers == ReferrersApi::On && switches.artifact_types == ArtifactTypes::Stated;
    headers.extend(subject.filter(|_| announces).map(|s| ("oci-subject", s)));
    answer(StatusCode::CREATED, &headers, "")
}

fn tag_refusal(
    switches: &super::Switches,
    tag: &str,
    current: Option<Digest>,
    if_match: Option<&str>,
) -> Option<Response> {
    if current.is_some() && !switches.tags.may_be_rewritten(tag) {
        let message =
            format!("The image tag '{tag}' already exists and cannot be overwritten because the tag is immutable.");
        return Some(refuse(StatusCode::BAD_REQUEST, "TAG_INVALID", &message));
    }
    // RFC 9110 §13.1.1.
    let state = current.map(|d| format!("\"{d}\"")).unwrap_or_default();
    let stale = switches.entity_tags == EntityTags::On && if_match.is_some_and(|expected| expected != state);
    stale.then(|| refuse(StatusCode::PRECONDITION_FAILED, "DENIED", "the tag was written in the meantime"))
}

/// What real registries check. The refusal is boxed because a response is large.
fn checked(store: &Store, name: &str, media_type: &str, incoming: &Incoming) -> Result<Value, Box<Response>> {
    let invalid = |message: &str| Box::new(manifest_invalid(message));
    if incoming.body.len() > LARGEST {
        let refusal = refuse(StatusCode::PAYLOAD_TOO_LARGE, "SIZE_INVALID", "manifest larger than 4 MiB");
        return Err(Box::new(refusal));
    }
    let document: Value = serde_json::from_slice(&incoming.body).map_err(|_| invalid("not JSON"))?;
    if document.get("schemaVersion") != Some(&Value::from(2)) {
        return Err(invalid("schemaVersion is not 2"));
    }
    if document.get("mediaType").and_then(Value::as_str).is_some_and(|stated| stated != media_type) {
        return Err(invalid("mediaType and Content-Type differ"));
    }
    let list = |key: &str| document.get(key).and_then(Value::as_array).cloned();
    match (list("layers"), list("manifests")) {
        (Some(layers), None) if MANIFESTS.contains(&media_type) => {
            let config = document.get("config").ok_or_else(|| invalid("config is missing"))?;
            layers.iter().chain([config]).try_for_each(|blob| blob_is_there(store, name, blob))?;
        }
        (None, Some(children)) if INDEXES.contains(&media_type) => {
            children.iter().try_for_each(|child| child_is_there(store, name, child))?;
        }
        _ => return Err(invalid("neither a manifest nor an index of its media type")),
    }
    if let Some(subject) = document.get("subject") {
        // The subject itself may come later ("Pushing Manifests with Subject").
        descriptor(subject).ok_or_else(|| invalid("subject is not a descriptor"))?;
    }
    Ok(document)
}

fn descriptor(value: &Value) -> Option<(Digest, u64)> {
    value.get("mediaType")?.as_str()?;
    Some((value.get("digest")?.as_str()?.parse().ok()?, value.get("size")?.as_u64()?))
}

fn blob_is_there(store: &Store, name: &str, blob: &Value) -> Result<(), Box<Response>> {
    let (digest, size) = descriptor(blob).ok_or_else(|| Box::new(manifest_invalid("not a descriptor")))?;
    let unknown = |message| Box::new(refuse(StatusCode::BAD_REQUEST, "MANIFEST_BLOB_UNKNOWN", message));
    match store.blob(name, &digest) {
        None => Err(unknown("blob unknown to registry")),
        Some(bytes) if bytes.len() as u64 != size => Err(unknown("blob has another size")),
        Some(_) => Ok(()),
    }
}

fn child_is_there(store: &Store, name: &str, child: &Value) -> Result<(), Box<Response>> {
    let (digest, size) = descriptor(child).ok_or_else(|| Box::new(manifest_invalid("not a descriptor")))?;
    let unknown = |message| Box::new(refuse(StatusCode::BAD_REQUEST, "MANIFEST_UNKNOWN", message));
    match store.manifest(name, &digest) {
        None => Err(unknown("manifest of the index unknown to registry")),
        Some(manifest) if manifest.bytes.len() as u64 != size => Err(unknown("manifest of the index has another size")),
        Some(_) => Ok(()),
    }
}
