//! The source repository that a signer proved, as annotations of every statement's subject.

use std::collections::BTreeMap;

use sealwright_bundle::vocabulary;

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
    /// As annotations.
    pub fn annotations(&self) -> BTreeMap<String, String> {
        [
            (vocabulary::SOURCE_REPOSITORY, &self.repository),
            (vocabulary::SOURCE_REPOSITORY_ID, &self.repository_id),
            (vocabulary::SOURCE_OWNER_ID, &self.owner_id),
            (vocabulary::SOURCE_REF, &self.reference),
            (vocabulary::SOURCE_COMMIT, &self.commit),
        ]
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value.clone()?)))
        .collect()
    }
}
