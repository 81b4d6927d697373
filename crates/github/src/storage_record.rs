//! Where an image is kept, for the organization's page of linked artifacts (GitHub REST API, "Create artifact metadata storage
//! record").

use sealwright_core::PinnedRef;
use serde_json::{Value, json};

use crate::http::Asked;
use crate::{GitHubError, RepositoryName, Store, Surface};

/// The longest name and version, in characters.
const LONGEST: (usize, usize) = (256, 100);

/// An image by digest, in a registry.
#[derive(Debug)]
pub struct StorageRecord<'a> {
    /// The image.
    pub image: &'a PinnedRef,
    /// The tag by which people know it.
    pub version: Option<&'a str>,
}

impl Store {
    /// Records where an image is, for the organization that owns `repository`, and gives the number of records that GitHub made.
    /// `repository` counts where there is no provenance of the image in GitHub's store.
    ///
    /// # Errors
    /// When there is no token, the image lies at no `https://` address, or GitHub does not take it.
    pub async fn record_storage(
        &self,
        repository: &RepositoryName,
        record: &StorageRecord<'_>,
    ) -> Result<u64, GitHubError> {
        let unfit = |why: &str| GitHubError::Unfit { what: "the storage record", why: why.to_owned() };
        let image = record.image.repository();
        let name = image.to_string();
        if image.is_loopback() {
            return Err(unfit("the registry is on this machine, and GitHub takes https:// addresses"));
        }
        if name.chars().count() > LONGEST.0 {
            return Err(unfit("the name of the image is too long"));
        }
        let mut body = json!({
            "name": name,
            "digest": record.image.digest(),
            "registry_url": format!("https://{}", image.registry()),
            "artifact_url": format!("https://{name}@{}", record.image.digest()),
            "repository": image.path(),
            "status": "active",
            "github_repository": repository.name(),
        });
        let version = record.version.filter(|version| version.chars().count() <= LONGEST.1);
        if let (Some(version), Some(members)) = (version, body.as_object_mut()) {
            members.insert("version".to_owned(), json!(version));
        }
        let what = format!("record for {} where the image is kept", repository.owner());
        let asked = Asked { surface: Surface::ArtifactMetadata, what: &what };
        let path = format!("orgs/{}/artifacts/metadata/storage-record", repository.owner());
        let answer = self.post(&path, &body, asked).await?;
        let count = answer.get("total_count").and_then(Value::as_u64);
        count.ok_or(GitHubError::Protocol { what, problem: "names no count".to_owned() })
    }
}
