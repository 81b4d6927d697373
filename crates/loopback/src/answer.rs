//! Answers.

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

/// A JSON document.
pub(crate) fn json(value: &serde_json::Value) -> Response {
    answer(StatusCode::OK, &[(header::CONTENT_TYPE.as_str(), "application/json")], value.to_string())
}
