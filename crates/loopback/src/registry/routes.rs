//! From a request to its handler: what the path means, the fault that waits for it, and the log.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use sealwright_core::Digest;

use super::answer::refuse;
use super::{Shared, access, manifests, referrers, uploads};
use crate::answer::answer;
use crate::lock;
use crate::traffic::Incoming;

pub(crate) fn app(shared: Arc<Shared>) -> Router {
    Router::new().fallback(handle).with_state(shared)
}

/// What a path under `/v2/` names.
enum Route<'a> {
    Version,
    Tags(&'a str),
    Manifest(&'a str, &'a str),
    Blob(&'a str, &'a str),
    BeginUpload(&'a str),
    Upload(&'a str, &'a str),
    Referrers(&'a str, &'a str),
}

impl<'a> Route<'a> {
    fn of(path: &'a str) -> Option<Self> {
        let rest = path.strip_prefix("/v2/")?;
        if rest.is_empty() {
            return Some(Self::Version);
        }
        if let Some(name) = rest.strip_suffix("/tags/list") {
            return Some(Self::Tags(name));
        }
        if let Some((name, id)) = rest.rsplit_once("/blobs/uploads/") {
            return Some(if id.is_empty() { Self::BeginUpload(name) } else { Self::Upload(name, id) });
        }
        // A repository may be called `a/manifests/b`, so the last word decides; a reference has no slash.
        let (rest, reference) = rest.rsplit_once('/')?;
        let (name, word) = rest.rsplit_once('/')?;
        match word {
            "manifests" => Some(Self::Manifest(name, reference)),
            "blobs" => Some(Self::Blob(name, reference)),
            "referrers" => Some(Self::Referrers(name, reference)),
            _ => None,
        }
    }

    fn repository(&self) -> Option<&'a str> {
        match self {
            Self::Version => None,
            Self::Tags(name) | Self::BeginUpload(name) => Some(name),
            Self::Manifest(name, _) | Self::Blob(name, _) | Self::Upload(name, _) | Self::Referrers(name, _) => {
                Some(name)
            }
        }
    }

    /// What IAM calls it (Service Authorization Reference, "Amazon Elastic Container Registry"); referrers are listed with
    /// `BatchGetImage`. An upload that ends with its last part is both.
    fn actions(&self, incoming: &Incoming) -> &'static [&'static str] {
        match (self, &incoming.method) {
            (Self::Version, _) => &["ecr:GetAuthorizationToken"],
            (Self::Tags(_), _) => &["ecr:ListImages"],
            (Self::Manifest(..), &Method::PUT) => &["ecr:PutImage"],
            (Self::Manifest(..) | Self::Referrers(..), _) => &["ecr:BatchGetImage"],
            (Self::Blob(..), &Method::HEAD) => &["ecr:BatchCheckLayerAvailability"],
            (Self::Blob(..), _) => &["ecr:GetDownloadUrlForLayer"],
            (Self::BeginUpload(_), _) => &["ecr:InitiateLayerUpload"],
            (Self::Upload(..), &Method::PUT) if incoming.body.is_empty() => &["ecr:CompleteLayerUpload"],
            (Self::Upload(..), &Method::PUT) => &["ecr:UploadLayerPart", "ecr:CompleteLayerUpload"],
            (Self::Upload(..), _) => &["ecr:UploadLayerPart"],
        }
    }
}

async fn handle(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    shared.traffic.exchange(request, refuse_status, |incoming| dispatch(&shared, incoming)).await
}

fn refuse_status(status: StatusCode, message: &str) -> Response {
    let code = match status {
        StatusCode::UNAUTHORIZED => "UNAUTHORIZED",
        StatusCode::FORBIDDEN => "DENIED",
        StatusCode::TOO_MANY_REQUESTS => "TOOMANYREQUESTS",
        StatusCode::BAD_REQUEST => "SIZE_INVALID",
        _ => "UNKNOWN",
    };
    refuse(status, code, message)
}

fn dispatch(shared: &Shared, incoming: &Incoming) -> Response {
    let path = incoming.path.as_str();
    if path == "/token" {
        return access::token(shared, &incoming.method, &incoming.query, &incoming.headers, &incoming.body);
    }
    let Some(route) = Route::of(path) else {
        return refuse(StatusCode::NOT_FOUND, "UNSUPPORTED", "no such endpoint");
    };
    let actions = route.actions(incoming);
    if let Some(refusal) = access::check(shared, &incoming.method, route.repository(), actions, &incoming.headers) {
        return refusal;
    }
    let reads = matches!(incoming.method, Method::GET | Method::HEAD);
    match (route, &incoming.method) {
        (Route::Version, _) if reads => answer(StatusCode::OK, &[("content-type", "application/json")], "{}"),
        (Route::Tags(name), _) if reads => manifests::tags(shared, name),
        (Route::Manifest(name, reference), &Method::PUT) => manifests::put(shared, name, reference, incoming),
        (Route::Manifest(name, reference), _) if reads => manifests::get(shared, name, reference),
        (Route::Blob(name, digest), _) if reads => blob(shared, name, digest, incoming),
        (Route::BeginUpload(name), &Method::POST) => uploads::begin(shared, name, incoming),
        (Route::Upload(name, id), &Method::PATCH) => uploads::append(shared, name, id, incoming),
        (Route::Upload(name, id), &Method::PUT) => uploads::finish(shared, name, id, incoming),
        (Route::Referrers(name, digest), _) if reads => referrers::list(shared, name, digest, incoming),
        _ => refuse(StatusCode::METHOD_NOT_ALLOWED, "UNSUPPORTED", "this registry is a fake: it does not do that"),
    }
}

fn blob(shared: &Shared, name: &str, reference: &str, incoming: &Incoming) -> Response {
    let redirect = lock(&shared.switches).redirect_blobs.clone();
    if let Some(base) = redirect.filter(|_| incoming.method == Method::GET) {
        let location = format!("{base}/v2/{name}/blobs/{reference}");
        return answer(StatusCode::TEMPORARY_REDIRECT, &[("location", &location)], "");
    }
    let Ok(digest) = reference.parse::<Digest>() else {
        return refuse(StatusCode::BAD_REQUEST, "DIGEST_INVALID", "not a sha256 digest");
    };
    let store = lock(&shared.store);
    let Some(bytes) = store.blob(name, &digest) else {
        return refuse(StatusCode::NOT_FOUND, "BLOB_UNKNOWN", "blob unknown to registry");
    };
    let bytes = store.served(&digest, &bytes);
    let headers = [
        ("content-type", "application/octet-stream"),
        ("docker-content-digest", reference),
        ("accept-ranges", "bytes"),
    ];
    // RFC 9110 §14.2, of which only `bytes=N-` is understood: it is what a resumed download asks for.
    let from =
        incoming.header("range").and_then(|r| r.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok());
    let Some(from) = from.filter(|from| *from < bytes.len()) else {
        return with_length(answer(StatusCode::OK, &headers, bytes.clone()), bytes.len());
    };
    let range = format!("bytes {from}-{}/{}", bytes.len() - 1, bytes.len());
    let mut response = answer(StatusCode::PARTIAL_CONTENT, &headers, bytes.slice(from..));
    if let Ok(range) = range.try_into() {
        response.headers_mut().insert(header::CONTENT_RANGE, range);
    }
    with_length(response, bytes.len() - from)
}

/// States the length, also where `HEAD` takes the body away.
pub(crate) fn with_length(mut response: Response, length: usize) -> Response {
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    response
}
