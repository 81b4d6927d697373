//! Uploads of blobs (distribution specification, "Pushing blobs"): in one request, in two, or in chunks.

use axum::http::StatusCode;
use axum::response::Response;
use sealwright_core::Digest;

use super::answer::refuse;
use super::{Shared, UploadLocation, access};
use crate::answer::answer;
use crate::lock;
use crate::traffic::Incoming;

pub(crate) fn begin(shared: &Shared, name: &str, incoming: &Incoming) -> Response {
    if let (Some(mount), Some(from)) = (access::parameter(incoming, "mount"), access::parameter(incoming, "from"))
        && let Some(response) = mounted(shared, name, &mount, &from)
    {
        return response;
    }
    if let Some(digest) = access::parameter(incoming, "digest") {
        return stored(shared, name, &digest, incoming.body.to_vec());
    }
    let id = lock(&shared.store).begin_upload();
    answer(StatusCode::ACCEPTED, &[("location", &location(shared, name, &id)), ("range", "0-0")], "")
}

fn mounted(shared: &Shared, name: &str, digest: &str, from: &str) -> Option<Response> {
    let mut store = lock(&shared.store);
    let bytes = store.blob(from, &digest.parse().ok()?)?;
    store.put_blob(name, bytes);
    Some(created(name, digest))
}

pub(crate) fn append(shared: &Shared, name: &str, id: &str, incoming: &Incoming) -> Response {
    let length = {
        let mut store = lock(&shared.store);
        let Some(upload) = store.upload(id) else { return unknown() };
        // A chunk has to continue where the last one ended ("Pushing a blob in chunks").
        let start = incoming.header("content-range").and_then(|r| r.split('-').next()?.trim().parse::<usize>().ok());
        if start.is_some_and(|start| start != upload.len()) {
            return refuse(StatusCode::RANGE_NOT_SATISFIABLE, "BLOB_UPLOAD_INVALID", "chunk out of order");
        }
        upload.extend_from_slice(&incoming.body);
        upload.len()
    };
    let range = format!("0-{}", length.saturating_sub(1));
    answer(StatusCode::ACCEPTED, &[("location", &location(shared, name, id)), ("range", &range)], "")
}

pub(crate) fn finish(shared: &Shared, name: &str, id: &str, incoming: &Incoming) -> Response {
    let Some(digest) = access::parameter(incoming, "digest") else {
        return refuse(StatusCode::BAD_REQUEST, "DIGEST_INVALID", "the digest is missing");
    };
    let Some(mut bytes) = lock(&shared.store).end_upload(id) else { return unknown() };
    bytes.extend_from_slice(&incoming.body);
    stored(shared, name, &digest, bytes)
}

fn stored(shared: &Shared, name: &str, digest: &str, bytes: Vec<u8>) -> Response {
    if digest.parse() != Ok(Digest::of(&bytes)) {
        return refuse(StatusCode::BAD_REQUEST, "DIGEST_INVALID", "provided digest did not match uploaded content");
    }
    lock(&shared.store).put_blob(name, bytes.into());
    created(name, digest)
}

fn created(name: &str, digest: &str) -> Response {
    let location = format!("/v2/{name}/blobs/{digest}");
    answer(StatusCode::CREATED, &[("location", &location), ("docker-content-digest", digest)], "")
}

fn unknown() -> Response {
    refuse(StatusCode::NOT_FOUND, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry")
}

/// Real registries carry their state in the query, so a client must keep it and add its own parameter.
fn location(shared: &Shared, name: &str, id: &str) -> String {
    let path = format!("/v2/{name}/blobs/uploads/{id}?_state=opaque%2Bstate");
    match &lock(&shared.switches).upload_location {
        UploadLocation::Relative => path,
        UploadLocation::Absolute => format!("http://{}{path}", shared.address),
        UploadLocation::On(base) => format!("{base}{path}"),
    }
}
