//! A payload as the expressions read it: what is absent is the empty text, and what has another type fits nothing.
//!
//! Where CEL ends with an error, as with a number that is asked for a pattern, the engine denies: here that does not hold either.

use jiff::Timestamp;
use regex::Regex;
use serde_json::Value;

/// What a condition is asked about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen<'a> {
    /// The whole statement, as `extractPayload` gives it.
    pub(crate) statement: &'a Value,
    /// The hex digits of the image's digest.
    pub(crate) digest: &'a str,
    /// The time of the request.
    pub(crate) now: Timestamp,
}

impl<'a> Seen<'a> {
    /// A member of the predicate by its JSON pointer.
    pub(super) fn at(&self, pointer: &str) -> Option<&'a Value> {
        self.statement.get("predicate")?.pointer(pointer)
    }

    /// Whether a subject is the image and `holds`: `statement.subject.exists(…)`.
    pub(super) fn subject(&self, holds: impl Fn(&Value) -> bool) -> bool {
        let own = |subject: &&Value| text(subject.pointer("/digest/sha256")) == Some(self.digest);
        self.statement.get("subject").map(elements).unwrap_or_default().iter().filter(own).any(holds)
    }
}

/// `.orValue('')`, where it is a text.
pub(super) fn text(value: Option<&Value>) -> Option<&str> {
    value.map_or(Some(""), Value::as_str)
}

/// The elements of a list, and none of anything else.
pub(super) fn elements(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// An annotation of a subject.
pub(super) fn annotation<'a>(subject: &'a Value, key: &str) -> Option<&'a str> {
    text(subject.get("annotations").and_then(|all| all.get(key)))
}

/// An expression of RE2 that was written here, which both engines read alike.
pub(super) fn expression(text: &str) -> Result<Regex, String> {
    Regex::new(text).map_err(|e| format!("{text:?} is no expression: {e}"))
}
