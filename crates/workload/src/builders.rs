//! Which builders of a trust file a token is one of: what the certificate that it gets will be compared with
//! (`sealwright-verify`), and in the same order.

use sealwright_policy::{
    Builder, BuilderIdentity, KeylessRule, Policy, PullRequest, SourceRule, SubjectRule, pull_request,
};

use crate::claims::Claims;
use crate::difference::Difference;

/// A builder and the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuilderFit {
    /// The builder's name.
    pub builder: String,
    /// Whether the token is one of its.
    pub fit: Fit,
}

/// Whether a token is one of a builder's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fit {
    /// It is.
    Fits,
    /// It is not, because of these.
    Differs(Vec<Difference>),
    /// The builder is known by a key, and no token is its.
    Key,
}

/// Compares a token with every builder.
pub fn builders(policy: &Policy, claims: &Claims) -> Vec<BuilderFit> {
    let fit = |builder: &Builder| BuilderFit { builder: builder.name.clone(), fit: fit(builder, claims) };
    policy.builders.iter().map(fit).collect()
}

fn fit(builder: &Builder, claims: &Claims) -> Fit {
    let BuilderIdentity::Keyless(rule) = &builder.identity else { return Fit::Key };
    let mut differences = identity(rule, claims);
    differences.extend(builder.source.iter().flat_map(|rule| source(rule, claims)));
    if differences.is_empty() { Fit::Fits } else { Fit::Differs(differences) }
}

fn identity(rule: &KeylessRule, claims: &Claims) -> Vec<Difference> {
    let issuer = claims.text("iss");
    let issuer = (issuer.as_deref() != Some(rule.issuer.as_str()))
        .then(|| Difference::new("iss", "issuer", vec![rule.issuer.clone()], issuer));
    let found = claims.text("runner_environment");
    let runner = rule.runner.map(|runner| runner.word().to_owned()).filter(|runner| found.as_ref() != Some(runner));
    let runner = runner.map(|runner| Difference::new("runner_environment", "runner", vec![runner], found));
    [issuer, workflow(rule, claims), runner, trigger(rule, claims)].into_iter().flatten().collect()
}

/// The certificate's name is the address of the workflow (sigstore/fulcio, `docs/oid-info.md`).
fn workflow(rule: &KeylessRule, claims: &Claims) -> Option<Difference> {
    let found = claims.text("job_workflow_ref");
    let name = found.as_ref().map(|workflow| format!("https://github.com/{workflow}"));
    if name.is_some_and(|name| rule.subject.matches(&name)) {
        return None;
    }
    let texts = |texts: &[String]| {
        texts.iter().map(|t| t.strip_prefix("https://github.com/").unwrap_or(t).to_owned()).collect::<Vec<_>>()
    };
    let (how, expected) = match &rule.subject {
        SubjectRule::Exact(text) => ("identity", texts(std::slice::from_ref(text))),
        SubjectRule::OneOf(several) => ("identity", texts(several)),
        SubjectRule::Pattern(pattern) => ("identity-regexp", vec![pattern.as_str().to_owned()]),
        SubjectRule::Workflow { path, tags, commits, .. } => {
            let own = found.as_deref().and_then(|workflow| workflow.split_once('@'));
            let how = match own {
                Some((own, _)) if own != path => "workflow.path",
                Some((_, revision)) if revision.starts_with("refs/tags/") && !tags.is_empty() => "workflow.tags",
                _ if commits.is_empty() => "workflow.tags",
                _ if tags.is_empty() => "workflow.commits",
                _ => "workflow.tags and commits",
            };
            let tags = tags.iter().map(|tag| format!("{path}@refs/tags/{tag}"));
            (how, tags.chain(commits.iter().map(|commit| format!("{path}@{commit}"))).collect())
        }
    };
    let mut difference = Difference::new("job_workflow_ref", how, expected, found);
    difference.next = Some(match how {
        "workflow.path" | "identity" | "identity-regexp" => {
            "let the job call the workflow that the trust file names, or name this one there".to_owned()
        }
        _ => format!("pin the workflow of the job as the trust file says, or change {how} there"),
    });
    Some(difference)
}

fn trigger(rule: &KeylessRule, claims: &Claims) -> Option<Difference> {
    let (event, reference) = (claims.text("event_name"), claims.text("ref"));
    if !rule.triggers.is_empty() {
        let fits = event.as_ref().is_some_and(|event| rule.triggers.contains(event));
        return (!fits).then(|| Difference::new("event_name", "triggers", rule.triggers.clone(), event));
    }
    let (claim, found) = match pull_request(event.as_deref(), reference.as_deref())? {
        PullRequest::Trigger => ("event_name", event),
        PullRequest::Ref => ("ref", reference),
    };
    Some(Difference::new(claim, "triggers", vec!["no pull request".to_owned()], found))
}

fn source(rule: &SourceRule, claims: &Claims) -> Vec<Difference> {
    let number = |id: Option<u64>| id.map(|id| id.to_string());
    let exact = [
        ("repository", "source.repository", rule.repository.clone()),
        ("repository_id", "source.repository-id", number(rule.repository_id)),
        ("repository_owner_id", "source.owner-id", number(rule.owner_id)),
    ];
    let differs = |(claim, how, expected): (&str, &str, Option<String>)| {
        let found = claims.text(claim);
        let expected = expected.filter(|expected| found.as_ref() != Some(expected))?;
        Some(Difference::new(claim, how, vec![expected], found))
    };
    let mut differences: Vec<Difference> = exact.into_iter().filter_map(differs).collect();
    let reference = claims.text("ref");
    let fits = |found: &String| rule.refs.iter().any(|pattern| pattern.matches(found));
    if !rule.refs.is_empty() && !reference.as_ref().is_some_and(fits) {
        let refs = rule.refs.iter().map(ToString::to_string).collect();
        differences.push(Difference::new("ref", "source.refs", refs, reference));
    }
    differences
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const FILE: &str = "version: 1
images: [\"r.example/**\"]
builders:
  - name: release
    source: { repository: acme/shop, repository-id: 123456, owner-id: 7890, refs: [refs/heads/main, \"refs/tags/v*\"] }
    keyless:
      issuer: github
      workflow: { path: acme/ci/.github/workflows/seal.yml, tags: [\"v2.*\"] }
      runner: github-hosted
      triggers: [push, release]
  - { name: by-hand, key: key.pub, transparency: none }
";

    fn fits(change: Value, file: &str) -> Vec<String> {
        let mut claims = json!({
            "iss": "https://token.actions.githubusercontent.com", "repository": "acme/shop", "repository_id": "123456",
            "repository_owner_id": "7890", "ref": "refs/heads/main", "event_name": "push",
            "job_workflow_ref": "acme/ci/.github/workflows/seal.yml@refs/tags/v2.1", "runner_environment": "github-hosted",
        });
        claims.as_object_mut().expect("object").extend(change.as_object().expect("object").clone());
        let claims = Claims::of_json(claims.to_string().as_bytes()).expect("claims");
        let policy = sealwright_policy::parse(file.as_bytes(), "file", &|_| Err("none".into())).expect("trust file");
        match &builders(&policy, &claims).first().expect("builder").fit {
            Fit::Differs(differences) => {
                differences.iter().map(|d| format!("{d} {}", d.next.clone().unwrap_or_default())).collect()
            }
            Fit::Fits => vec![],
            Fit::Key => panic!("the first builder has no key"),
        }
    }

    #[test]
    fn each_word_of_a_builder_is_compared_and_named() {
        assert_eq!(fits(json!({}), FILE), Vec::<String>::new());
        let workflow =
            |revision: &str| json!({ "job_workflow_ref": format!("acme/ci/.github/workflows/seal.yml@{revision}") });
        for (change, words) in [
            (json!({ "iss": "https://other" }), &["iss is \"https://other\", expected issuer"][..]),
            (
                json!({ "repository": "acme/lab" }),
                &["repository is \"acme/lab\", expected source.repository \"acme/shop\""],
            ),
            (json!({ "repository_id": "1" }), &["repository_id is \"1\"", "source.repository-id \"123456\""]),
            (json!({ "repository_owner_id": null }), &["repository_owner_id is missing", "source.owner-id"]),
            (json!({ "ref": "refs/heads/x" }), &["ref is \"refs/heads/x\"", "source.refs", "\"refs/tags/v*\""]),
            (workflow("refs/tags/v3.0"), &["job_workflow_ref is", "workflow.tags", "@refs/tags/v2.*"]),
            (workflow("3f786850e387550fdab836ed7e6dc881de23001b"), &["workflow.tags"]),
            (json!({ "job_workflow_ref": "evil/ci/.github/workflows/seal.yml@refs/tags/v2.1" }), &["workflow.path"]),
            (
                json!({ "runner_environment": "self-hosted" }),
                &["runner_environment is \"self-hosted\", expected runner"],
            ),
            (json!({ "event_name": "schedule" }), &["event_name is \"schedule\"", "triggers", "\"release\""]),
        ] {
            let said = fits(change, FILE);
            assert_eq!(said.len(), 1, "{said:?}");
            for word in words {
                assert!(said[0].contains(word), "{word} is not in {said:?}");
            }
        }
    }

    #[test]
    fn pull_requests_are_told_where_no_trigger_is_named() {
        let file = FILE.replace("      triggers: [push, release]\n", "");
        assert_eq!(fits(json!({ "event_name": "schedule" }), &file), Vec::<String>::new());
        let said = fits(json!({ "event_name": "pull_request_target" }), &file);
        assert!(said.len() == 1 && said[0].starts_with("event_name is \"pull_request_target\""), "{said:?}");
        let said =
            fits(json!({ "ref": "refs/pull/1/merge" }), &file.replace("refs/heads/main", "\"refs/pull/*/merge\""));
        assert!(said.len() == 1 && said[0].starts_with("ref is"), "{said:?}");
    }
}
