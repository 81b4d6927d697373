//! Whether a statement that is already stored says what a new one would say, so that sealing again writes nothing.

use sealwright_bundle::{Statement, predicate_type};
use serde_json::Value;

/// Whether two statements claim the same, apart from the times at which they were made and the run that made them.
///
/// The inputs of a decision are compared: make it from the digests of the statements that are *kept*, then an equal decision
/// names evidence that is there.
pub fn same_claim(one: &Statement, other: &Statement) -> bool {
    timeless(one) == timeless(other)
}

fn timeless(statement: &Statement) -> Statement {
    let times: &[&str] = match statement.predicate_type.as_str() {
        predicate_type::VULN => &["/metadata/scanStartedOn", "/metadata/scanFinishedOn"],
        predicate_type::VERIFICATION_SUMMARY => &["/timeVerified"],
        predicate_type::PROVENANCE => {
            &["/runDetails/metadata/invocationId", "/runDetails/metadata/startedOn", "/runDetails/metadata/finishedOn"]
        }
        _ => &[],
    };
    let mut statement = statement.clone();
    for pointer in times {
        if let Some(time) = statement.predicate.pointer_mut(pointer) {
            *time = Value::Null;
        }
    }
    statement
}
