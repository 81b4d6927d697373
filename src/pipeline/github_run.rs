//! What a run of GitHub Actions is about, as GitHub wants reports about it to name it.

use sealwright_core::bounded::read_file;
use sealwright_github::{Commit, RepositoryName};
use serde_json::Value;

use crate::context::Context;
use crate::failure::Failure;

/// The largest description of an event, in bytes. GitHub's own limit for them is 25 MB.
const LARGEST_EVENT: u64 = 32 << 20;

/// A run.
#[derive(Debug)]
pub struct Run {
    /// The repository.
    pub repository: RepositoryName,
    event: Option<String>,
    pull_request: Option<Value>,
}

impl Run {
    /// Reads what the run says about itself.
    ///
    /// # Errors
    /// When it does not say which repository it is about, or the description of its event cannot be read.
    pub fn of(context: &Context) -> Result<Self, Failure> {
        let environment = &context.environment;
        let named = environment.github_repository.as_ref().ok_or_else(|| missing("GITHUB_REPOSITORY"))?;
        let run = &environment.actions.run;
        let event = match &run.event_file {
            Some(path) => {
                let fail = |why: String| Failure::usage(format!("GITHUB_EVENT_PATH {}: {why}", path.display()));
                let bytes = read_file(path, LARGEST_EVENT).map_err(|e| fail(e.to_string()))?;
                serde_json::from_slice(&bytes).map_err(|e| fail(e.to_string()))?
            }
            None => Value::Null,
        };
        let pull_request = event.get("pull_request").filter(|request| request.is_object()).cloned();
        let repository = named.parse().map_err(Failure::usage)?;
        Ok(Self { repository, event: run.event.clone(), pull_request })
    }

    /// The commit and ref that findings are about: those of the run, which for a pull request are its merge. Code scanning
    /// compares them with the branch that it goes into.
    ///
    /// # Errors
    /// When they are missing, or stand for something else than what was read.
    pub fn commit(&self, context: &Context) -> Result<Commit, Failure> {
        let run = &context.environment.actions.run;
        let sha = run.sha.as_ref().ok_or_else(|| missing("GITHUB_SHA"))?;
        self.commit_of(sha, context)
    }

    /// The same for packages: of a pull request they are those of its head (github/dependency-submission-toolkit).
    ///
    /// # Errors
    /// As [`Run::commit`].
    pub fn head(&self, context: &Context) -> Result<Commit, Failure> {
        let head = self.pull_request.as_ref().and_then(|request| request.pointer("/head/sha")).and_then(Value::as_str);
        match head {
            Some(sha) => self.commit_of(sha, context),
            None => self.commit(context),
        }
    }

    fn commit_of(&self, sha: &str, context: &Context) -> Result<Commit, Failure> {
        // The run stands for the base branch, and whoever opened the pull request could change what is known of that one.
        if self.event.as_deref() == Some("pull_request_target") {
            return Err(Failure::usage(
                "a run of pull_request_target stands for the branch that a pull request goes into, not for its changes",
            )
            .hint("report from a run of pull_request, or of push"));
        }
        let reference = context.environment.actions.run.reference.as_ref().ok_or_else(|| missing("GITHUB_REF"))?;
        Commit::new(sha, reference).map_err(Failure::usage)
    }

    /// Whether the run is about the pull request of another repository. Its token may only read, unless the repository is private
    /// and its settings say otherwise.
    pub fn is_of_fork(&self) -> bool {
        let Some(request) = &self.pull_request else { return false };
        let head = request.pointer("/head/repo/full_name").and_then(Value::as_str);
        // A fork that was deleted has no name.
        head.is_none_or(|head| !head.eq_ignore_ascii_case(&self.repository.to_string()))
    }
}

fn missing(variable: &str) -> Failure {
    Failure::usage(format!("{variable} is not set, and it is not known what the report is about"))
        .hint("outside of a job of GitHub Actions set GITHUB_REPOSITORY, GITHUB_SHA and GITHUB_REF")
}
