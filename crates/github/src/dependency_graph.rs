//! What is in an image, for the dependency graph (GitHub REST API, "Create a snapshot of dependencies for a repository").

use std::collections::BTreeMap;

use jiff::Timestamp;
use sealwright_core::{Purl, Untrusted};
use serde_json::{Value, json};

use crate::http::Asked;
use crate::{Commit, GitHubError, RepositoryName, Store, Surface};

/// Types whose package URLs need a namespace to name anything (purl types). GitHub refuses a whole snapshot for one bad URL.
const WITH_NAMESPACE: [&str; 5] = ["bitbucket", "composer", "github", "maven", "swift"];
/// The longest name of a manifest, in characters.
const LONGEST: usize = 200;

/// The packages of one image at one commit.
#[derive(Debug)]
pub struct Snapshot<'a> {
    /// The commit.
    pub commit: &'a Commit,
    /// The run that made it, as its page names it.
    pub run: &'a str,
    /// Where that page is.
    pub run_url: Option<&'a str>,
    /// What is the same of this snapshot in every run: the newest one with it counts.
    pub correlator: &'a str,
    /// The image, under which the packages are shown.
    pub image: &'a str,
    /// The packages.
    pub packages: &'a [Purl],
    /// When.
    pub time: Timestamp,
    /// The version of this tool, and where it is from.
    pub detector: (&'a str, &'a str),
}

/// What GitHub took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submitted {
    /// The id of the snapshot.
    pub id: String,
    /// How many packages it has.
    pub packages: usize,
    /// How many were left out, because GitHub would refuse all of them otherwise.
    pub dropped: usize,
}

impl Store {
    /// Submits a snapshot. Package URLs without a version, or that name nothing, are left out.
    ///
    /// # Errors
    /// When there is no token or no package, or GitHub does not take it.
    pub async fn submit_snapshot(
        &self,
        repository: &RepositoryName,
        snapshot: &Snapshot<'_>,
    ) -> Result<Submitted, GitHubError> {
        let kept: BTreeMap<String, Value> = snapshot
            .packages
            .iter()
            .filter(|purl| is_usable(purl))
            .map(|purl| {
                let text = purl.to_string();
                (text.clone(), json!({ "package_url": text, "scope": "runtime" }))
            })
            .collect();
        let dropped = snapshot.packages.iter().filter(|purl| !is_usable(purl)).count();
        if kept.is_empty() {
            let why = "no package in it has a package URL that the dependency graph takes".to_owned();
            return Err(GitHubError::Unfit { what: "the SBOM", why });
        }
        let packages = kept.len();
        let (version, address) = snapshot.detector;
        let mut job = json!({ "id": snapshot.run, "correlator": clipped(snapshot.correlator, 2 * LONGEST) });
        if let (Some(url), Some(members)) = (snapshot.run_url, job.as_object_mut()) {
            members.insert("html_url".to_owned(), json!(url));
        }
        let image = clipped(snapshot.image, LONGEST);
        let body = json!({
            "version": 0,
            "job": job,
            "sha": snapshot.commit.sha(),
            "ref": snapshot.commit.reference(),
            "detector": { "name": "sealwright", "version": version, "url": address },
            "scanned": snapshot.time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "manifests": { &image: { "name": image, "resolved": kept } },
        });
        let what = format!("take a dependency snapshot of {repository}");
        let asked = Asked { surface: Surface::DependencyGraph, what: &what };
        let answer = self.post(&format!("repos/{repository}/dependency-graph/snapshots"), &body, asked).await?;
        let id = match answer.get("id") {
            Some(Value::Number(id)) => id.to_string(),
            Some(Value::String(id)) if id.len() < 100 => Untrusted::from(id.as_str()).to_string(),
            _ => return Err(GitHubError::Protocol { what, problem: "names no id".to_owned() }),
        };
        // 201 is also said of a snapshot that was then found to be none.
        if answer.get("result").and_then(Value::as_str) == Some("INVALID") {
            let message = answer.get("message").and_then(Value::as_str).unwrap_or_default();
            return Err(GitHubError::NotProcessed { what, why: clipped(message, LONGEST).into() });
        }
        Ok(Submitted { id, packages, dropped })
    }
}

fn is_usable(purl: &Purl) -> bool {
    let named = !purl.name.trim().is_empty() && purl.version.as_ref().is_some_and(|version| !version.trim().is_empty());
    named && (purl.namespace.is_some() || !WITH_NAMESPACE.contains(&purl.kind.as_str()))
}

fn clipped(text: &str, most: usize) -> String {
    Untrusted::from(text).to_string().chars().take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_without_a_version_or_a_needed_namespace_is_left_out() {
        for (purl, usable) in [
            ("pkg:npm/a@1", true),
            ("pkg:maven/g/a@1", true),
            ("pkg:deb/debian/a@1%3A2?arch=amd64", true),
            ("pkg:npm/a", false),
            ("pkg:maven/a@1", false),
            ("pkg:github/a@1", false),
            ("pkg:npm/%20@1", false),
            ("pkg:npm/a@%20", false),
        ] {
            assert_eq!(is_usable(&purl.parse().expect(purl)), usable, "{purl}");
        }
    }
}
