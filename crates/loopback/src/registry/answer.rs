//! Errors in the specification's shape (distribution specification, "Error Codes").

use axum::http::{StatusCode, header};
use axum::response::Response;

use crate::answer::answer;

/// An error with one code of the specification.
pub(crate) fn refuse(status: StatusCode, code: &str, message: &str) -> Response {
    let body = serde_json::json!({ "errors": [{ "code": code, "message": message }] });
    answer(status, &[(header::CONTENT_TYPE.as_str(), "application/json")], body.to_string())
}

pub(crate) fn name_unknown() -> Response {
    refuse(StatusCode::NOT_FOUND, "NAME_UNKNOWN", "repository name not known to registry")
}

pub(crate) fn manifest_invalid(message: &str) -> Response {
    refuse(StatusCode::BAD_REQUEST, "MANIFEST_INVALID", message)
}
