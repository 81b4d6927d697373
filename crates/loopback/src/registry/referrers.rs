//! The referrers API (distribution specification 1.1, "Listing Referrers").

use axum::http::StatusCode;
use axum::response::Response;
use sealwright_core::Digest;
use serde_json::{Value, json};

use super::answer::refuse;
use super::store::StoredManifest;
use super::{ArtifactTypes, Filters, ReferrersApi, Shared, access};
use crate::answer::answer;
use crate::lock;
use crate::traffic::Incoming;

const INDEX: &str = "application/vnd.oci.image.index.v1+json";

pub(crate) fn list(shared: &Shared, name: &str, reference: &str, incoming: &Incoming) -> Response {
    let switches = lock(&shared.switches).clone();
    if switches.referrers == ReferrersApi::Off {
        return answer(StatusCode::NOT_FOUND, &[("content-type", "text/plain")], "404 page not found\n");
    }
    let Ok(subject) = reference.parse::<Digest>() else {
        return refuse(StatusCode::BAD_REQUEST, "DIGEST_INVALID", "not a sha256 digest");
    };
    let manifests = lock(&shared.store).manifests(name);
    let mut found: Vec<Value> =
        manifests.iter().filter_map(|manifest| entry(manifest, &subject, switches.artifact_types)).collect();
    let filter = access::parameter(incoming, "artifactType").filter(|_| switches.filters == Filters::Applied);
    if let Some(wanted) = &filter {
        found.retain(|entry| entry.get("artifactType").and_then(Value::as_str) == Some(wanted));
    }
    let after = access::parameter(incoming, "after").and_then(|a| a.parse::<usize>().ok()).unwrap_or(0);
    let size = switches.page_size.unwrap_or(usize::MAX);
    let page: Vec<&Value> = found.iter().skip(after).take(size).collect();
    let next = after.saturating_add(page.len());
    let link = format!("</v2/{name}/referrers/{reference}?{}>; rel=\"next\"", next_query(incoming, next));
    let mut headers = vec![("content-type", INDEX)];
    if next < found.len() {
        headers.push(("link", &link));
    }
    if filter.is_some() {
        headers.push(("oci-filters-applied", "artifactType"));
    }
    let body = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": page });
    answer(StatusCode::OK, &headers, body.to_string())
}

/// The query of the next page keeps the filter.
fn next_query(incoming: &Incoming, next: usize) -> String {
    let kept = incoming.query.split('&').filter(|pair| pair.starts_with("artifactType="));
    kept.map(str::to_owned).chain([format!("after={next}")]).collect::<Vec<_>>().join("&")
}

fn entry(manifest: &StoredManifest, subject: &Digest, types: ArtifactTypes) -> Option<Value> {
    let document = manifest.json();
    if document.pointer("/subject/digest")?.as_str()? != subject.to_string() {
        return None;
    }
    let of_configuration = document.pointer("/config/mediaType").cloned();
    let stated = document.get("artifactType").cloned().filter(|_| types == ArtifactTypes::Stated);
    let mut entry = json!({
        "mediaType": manifest.media_type,
        "digest": manifest.digest,
        "size": manifest.bytes.len(),
    });
    let fields = entry.as_object_mut()?;
    fields.extend(stated.or(of_configuration).map(|kind| ("artifactType".to_owned(), kind)));
    let annotations = document.get("annotations").cloned().filter(|_| types == ArtifactTypes::Stated);
    fields.extend(annotations.map(|a| ("annotations".to_owned(), a)));
    Some(entry)
}
