//! Answers, and errors in the specification's shape (distribution specification, "Error Codes").

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;

/// An answer with headers. A header that HTTP cannot carry is left out.
pub(crate) fn answer(status: StatusCode, headers: &[(&str, &str)], body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(*name), HeaderValue::try_from(*value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// An error with one code of the specification.
pub(crate) fn refuse(status: StatusCode, code: &str, message: &str) -> Response {
    let body = serde_json::json!({ "errors": [{ "code": code, "message": message }] });
    answer(status, &[(header::CONTENT_TYPE.as_str(), "application/json")], body.to_string())
}

/// A JSON document.
pub(crate) fn json(value: &serde_json::Value) -> Response {
    answer(StatusCode::OK, &[(header::CONTENT_TYPE.as_str(), "application/json")], value.to_string())
}

pub(crate) fn name_unknown() -> Response {
    refuse(StatusCode::NOT_FOUND, "NAME_UNKNOWN", "repository name not known to registry")
}

pub(crate) fn manifest_invalid(message: &str) -> Response {
    refuse(StatusCode::BAD_REQUEST, "MANIFEST_INVALID", message)
}
