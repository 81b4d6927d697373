//! What a builder of a trust file demands of a token of GitHub's, ready to be said in other words.

use sealwright_policy::{Builder, BuilderIdentity, KeylessRule, SourceRule, SubjectRule};

use super::values::Values;
use crate::claims::GITHUB_ISSUER;

/// Fulcio writes the workflow's address (sigstore/fulcio, `docs/oid-info.md`).
const ADDRESS: &str = "https://github.com/";

pub(super) struct Demands<'a> {
    pub(super) rule: &'a KeylessRule,
    pub(super) source: &'a SourceRule,
    pub(super) repository: &'a str,
    /// `job_workflow_ref`.
    pub(super) workflows: Values,
    /// `ref`; none means every ref.
    pub(super) refs: Option<Values>,
}

impl<'a> Demands<'a> {
    /// What can be said of a builder in the words of others, else why not.
    pub(super) fn of(builder: &'a Builder) -> Result<Self, String> {
        let fail = |why: &str| Err(format!("builder {:?} {why}", builder.name));
        let BuilderIdentity::Keyless(rule) = &builder.identity else {
            return fail("is known by a key: no token is its");
        };
        if rule.issuer != GITHUB_ISSUER {
            return fail("has another issuer than GitHub");
        }
        let Some(source) = &builder.source else {
            return fail("names no source, so that a job of every repository could be its: add `source`");
        };
        let Some(repository) = source.repository.as_deref() else {
            return fail(
                "names its repository by number alone, and a subject begins with the name: add `repository` to `source`",
            );
        };
        let mut workflows = Values::default();
        match &rule.subject {
            SubjectRule::Exact(text) => workflow(&mut workflows, text),
            SubjectRule::OneOf(several) => several.iter().for_each(|text| workflow(&mut workflows, text)),
            SubjectRule::Pattern(_) => {
                return fail("has an `identity-regexp`, and others know no regular expressions: name a `workflow`");
            }
            SubjectRule::Workflow { path, tags, commits, .. } => {
                tags.iter().for_each(|tag| workflows.add(&format!("{path}@refs/tags/"), tag));
                commits.iter().for_each(|commit| workflows.add_exact(format!("{path}@{commit}")));
            }
        }
        if workflows.is_empty() {
            return fail("names no workflow of github.com that could be said in other words");
        }
        let mut refs = Values::default();
        source.refs.iter().for_each(|pattern| refs.add("", pattern));
        let refs = if source.refs.is_empty() { None } else { Some(refs) };
        if refs.as_ref().is_some_and(Values::is_empty) {
            return fail("names no refs that could be said in other words");
        }
        Ok(Self { rule, source, repository, workflows, refs })
    }

    /// `repository`, `repository_id` and `repository_owner_id`.
    pub(super) fn exact(&self) -> Vec<(&'static str, String)> {
        let id = |name, id: Option<u64>| id.map(|id| (name, id.to_string()));
        let ids = [id("repository_id", self.source.repository_id), id("repository_owner_id", self.source.owner_id)];
        [("repository", self.repository.to_owned())].into_iter().chain(ids.into_iter().flatten()).collect()
    }

    /// Patterns that cannot be said, for the notes.
    pub(super) fn left_out(&self) -> impl Iterator<Item = String> {
        let refs = self.refs.iter().flat_map(|refs| &refs.left_out);
        self.workflows.left_out.iter().chain(refs).map(|pattern| {
            format!("the pattern {pattern:?} mixes ** with other wildcards and is left out: what it takes is refused")
        })
    }
}

/// A name of another host is no workflow's there.
fn workflow(workflows: &mut Values, name: &str) {
    if let Some(workflow) = name.strip_prefix(ADDRESS) {
        workflows.add_exact(workflow.to_owned());
    }
}
