//! The source repository that a signer proved, as annotations of every statement's subject.

use std::collections::BTreeMap;

/// Where an image was built from, from verified claims. What was not proved is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceIdentity {
    /// `owner/name`.
    pub repository: Option<String>,
    /// The number that survives a rename.
    pub repository_id: Option<String>,
    /// The owner's number.
    pub owner_id: Option<String>,
    /// The full ref.
    pub reference: Option<String>,
    /// The commit.
    pub commit: Option<String>,
}

impl SourceIdentity {
    /// The annotation that names the repository.
    pub const REPOSITORY: &'static str = "dev.sealwright.source.repository";
    /// The annotation that names the repository by number.
    pub const REPOSITORY_ID: &'static str = "dev.sealwright.source.repository-id";
    /// The annotation that names the owner by number.
    pub const OWNER_ID: &'static str = "dev.sealwright.source.owner-id";
    /// The annotation that names the ref.
    pub const REF: &'static str = "dev.sealwright.source.ref";
    /// The annotation that names the commit.
    pub const COMMIT: &'static str = "dev.sealwright.source.commit";

    /// As annotations.
    pub fn annotations(&self) -> BTreeMap<String, String> {
        [
            (Self::REPOSITORY, &self.repository),
            (Self::REPOSITORY_ID, &self.repository_id),
            (Self::OWNER_ID, &self.owner_id),
            (Self::REF, &self.reference),
            (Self::COMMIT, &self.commit),
        ]
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value.clone()?)))
        .collect()
    }
}
