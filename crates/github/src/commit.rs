//! The commit that a report is about, as GitHub wants it named.

/// A commit and the ref on which it was built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    sha: String,
    reference: String,
}

impl Commit {
    /// A commit by its SHA-1 and the full name of a branch, a tag or a pull request (`refs/pull/N/merge`, `refs/pull/N/head`).
    ///
    /// # Errors
    /// What is wrong with either (GitHub REST API, "Upload an analysis as SARIF data").
    pub fn new(sha: &str, reference: &str) -> Result<Self, String> {
        if sha.len() != 40 || !sha.chars().all(|c| c.is_ascii_hexdigit()) {
            return Err(format!("{sha:?} is no commit, expected 40 hexadecimal digits"));
        }
        let known = ["refs/heads/", "refs/tags/", "refs/pull/"]
            .iter()
            .any(|start| reference.strip_prefix(start).is_some_and(|rest| !rest.is_empty()));
        if !known || reference.len() > 1024 || reference.chars().any(|c| c.is_control() || c == ' ') {
            return Err(format!("{reference:?} is no ref, expected refs/heads/…, refs/tags/… or refs/pull/…"));
        }
        Ok(Self { sha: sha.to_ascii_lowercase(), reference: reference.to_owned() })
    }

    /// The commit.
    pub fn sha(&self) -> &str {
        &self.sha
    }

    /// The ref.
    pub fn reference(&self) -> &str {
        &self.reference
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_named_whole() {
        let sha = "0123456789ABCDEF0123456789abcdef01234567";
        for reference in
            ["refs/heads/main", "refs/heads/a/b", "refs/tags/v1", "refs/pull/42/merge", "refs/pull/42/head"]
        {
            let commit = Commit::new(sha, reference).expect(reference);
            assert_eq!((commit.sha(), commit.reference()), (sha.to_lowercase().as_str(), reference));
        }
        for bad in ["main", "", "refs/heads/", "refs/notes/x", "refs/heads/a b", "refs/heads/a\nb"] {
            assert!(Commit::new(sha, bad).is_err(), "{bad:?}");
        }
        for bad in ["", "0123", &"g".repeat(40), &"0".repeat(64)] {
            assert!(Commit::new(bad, "refs/heads/main").is_err(), "{bad:?}");
        }
    }
}
