//! Whether a token may do something, without doing it: a request with nothing in it is refused for its body (422) where the
//! token may, and for the token (403) where it may not (GitHub REST API, "Troubleshooting the REST API", "Resource not accessible").

use reqwest::StatusCode;
use reqwest::header::DATE;

use crate::http::{SMALL, Sent, message, read};
use crate::{GitHubError, RepositoryName, Store, Surface};

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probed {
    /// Whether the token may.
    pub permission: Permission,
    /// `X-Accepted-GitHub-Permissions`: what a token needs, in GitHub's words.
    pub accepted: Option<String>,
    /// `Date`, as it stands there.
    pub date: Option<String>,
}

/// Whether a token may do something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Permission {
    /// It may: only what was sent is wrong.
    Given,
    /// It may not, with GitHub's words.
    Refused(String),
    /// GitHub says neither, with its words.
    NotSaid(String),
}

impl Surface {
    /// The scope of `permissions:` in a job, which has to be `write`.
    pub fn scope(self) -> &'static str {
        match self {
            Self::Attestations => "attestations",
            Self::CodeScanning => "security-events",
            Self::DependencyGraph => "contents",
            Self::ArtifactMetadata => "artifact-metadata",
        }
    }

    fn path(self, repository: &RepositoryName) -> String {
        match self {
            Self::Attestations => format!("repos/{repository}/attestations"),
            Self::CodeScanning => format!("repos/{repository}/code-scanning/sarifs"),
            Self::DependencyGraph => format!("repos/{repository}/dependency-graph/snapshots"),
            Self::ArtifactMetadata => format!("orgs/{}/artifacts/metadata/storage-record", repository.owner()),
        }
    }
}

impl Store {
    /// Asks once, with an object that has nothing in it.
    ///
    /// # Errors
    /// When there is no token, or GitHub does not answer.
    pub async fn probe(&self, surface: Surface, repository: &RepositoryName) -> Result<Probed, GitHubError> {
        self.needs_token()?;
        let url = self.url(&surface.path(repository))?;
        let what = format!("say what the token may do in {repository}");
        let mut response = self.send(&Sent::Post(b"{}".to_vec()), &url, &what).await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let unavailable = |why: String| GitHubError::Unavailable { what: what.clone(), why };
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            return Err(unavailable(format!("it answered {status}")));
        }
        let body = read(&mut response, SMALL).await.ok().flatten().unwrap_or_default();
        let said = format!("{status} {}", message(&body));
        let accepted = text("x-accepted-github-permissions").map(|accepted| accepted.chars().take(200).collect());
        Ok(Probed { permission: permission(status, said), accepted, date: text(DATE.as_str()) })
    }
}

fn permission(status: StatusCode, said: String) -> Permission {
    match status {
        StatusCode::UNPROCESSABLE_ENTITY | StatusCode::BAD_REQUEST => Permission::Given,
        StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED => Permission::Refused(said),
        // 404: the repository is not there for this token, or the feature is switched off.
        _ => Permission::NotSaid(said),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_surface_has_its_scope_and_its_place() {
        let repository: RepositoryName = "acme/shop".parse().expect("name");
        for (surface, scope, path) in [
            (Surface::Attestations, "attestations", "repos/acme/shop/attestations"),
            (Surface::CodeScanning, "security-events", "repos/acme/shop/code-scanning/sarifs"),
            (Surface::DependencyGraph, "contents", "repos/acme/shop/dependency-graph/snapshots"),
            (Surface::ArtifactMetadata, "artifact-metadata", "orgs/acme/artifacts/metadata/storage-record"),
        ] {
            assert_eq!((surface.scope(), surface.path(&repository).as_str()), (scope, path));
        }
    }

    #[test]
    fn only_a_refused_body_means_that_the_token_may() {
        let of = |status: u16| permission(StatusCode::from_u16(status).expect("status"), String::new());
        assert!([400, 422].map(of).iter().all(|p| *p == Permission::Given));
        assert!([401, 403].map(of).iter().all(|p| matches!(p, Permission::Refused(_))));
        assert!([200, 201, 301, 404, 410].map(of).iter().all(|p| matches!(p, Permission::NotSaid(_))));
    }
}
