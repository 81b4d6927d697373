//! How much the store takes.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::GitHubError;

/// The largest predicate (actions/attest, README, "Attestation limits"), in bytes.
pub const LARGEST_PREDICATE: usize = 16 << 20;

#[derive(Deserialize)]
struct Stated<'a> {
    #[serde(borrow)]
    predicate: Option<&'a RawValue>,
}

/// Whether the store takes a statement of this size; asked before anything is signed.
///
/// # Errors
/// When its predicate is too large, or it is no statement.
pub fn check_size(statement: &[u8]) -> Result<(), GitHubError> {
    let stated: Stated<'_> = serde_json::from_slice(statement).map_err(|e| GitHubError::NoStatement(e.to_string()))?;
    let size = stated.predicate.map_or(0, |predicate| predicate.get().len());
    if size > LARGEST_PREDICATE {
        return Err(GitHubError::TooLarge { size, limit: LARGEST_PREDICATE });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_predicate_counts_and_nothing_else() {
        let of = |size: usize| {
            let statement = format!(r#"{{"_type":"{}","predicate":"{}"}}"#, "t".repeat(99), "x".repeat(size - 2));
            check_size(statement.as_bytes())
        };
        assert_eq!(of(LARGEST_PREDICATE), Ok(()));
        let size = LARGEST_PREDICATE + 1;
        assert_eq!(of(size), Err(GitHubError::TooLarge { size, limit: LARGEST_PREDICATE }));
        assert_eq!(check_size(b"{}"), Ok(()));
        assert!(matches!(check_size(b"[]"), Err(GitHubError::NoStatement(_))));
    }
}
