//! The AWS query protocol: forms one way, XML the other (AWS STS API Reference and IAM API Reference, "Making query requests" and
//! "Common errors").

use axum::http::StatusCode;
use axum::response::Response;

use crate::answer::answer;
use crate::registry::parameters;

/// Why a request is not carried out: a code of the API, and words.
pub(super) struct Refusal(pub(super) &'static str, pub(super) String);

/// The parameters of a request.
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    pub(super) fn of(body: &[u8]) -> Self {
        Self(parameters(&String::from_utf8_lossy(body)))
    }

    pub(super) fn one(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

/// The document that was made, or why none was.
pub(super) fn answered(made: Result<String, Refusal>, namespace: &str) -> Response {
    let xml = |status, body: String| answer(status, &[("content-type", "text/xml")], body);
    let Refusal(code, message) = match made {
        Ok(document) => return xml(StatusCode::OK, document),
        Err(refusal) => refusal,
    };
    let status = match code {
        "AccessDenied" | "InvalidClientTokenId" | "SignatureDoesNotMatch" => StatusCode::FORBIDDEN,
        "NoSuchEntity" => StatusCode::NOT_FOUND,
        _ => StatusCode::BAD_REQUEST,
    };
    let body = format!(
        "<ErrorResponse xmlns=\"{namespace}\"><Error><Type>Sender</Type><Code>{code}</Code><Message>{}</Message></Error>\
         <RequestId>00000000-0000-4000-8000-000000000000</RequestId></ErrorResponse>",
        escaped(&message)
    );
    xml(status, body)
}

pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
