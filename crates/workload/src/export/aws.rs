//! The trust policy of an AWS role.

use sealwright_policy::Builder;
use serde_json::{Map, Value, json};

use super::demands::Demands;
use super::values::{Pattern, Values};
use super::{Exported, Inexpressible};
use crate::aws::escaped;
use crate::claims::GITHUB_ISSUER;

/// What a role's trust policy may have without asking for more, spaces aside (IAM User Guide, "IAM and AWS STS quotas").
const QUOTA: usize = 2_048;

/// The conditions on one claim, as `OPERATOR` and values.
type Conditions = Vec<(&'static str, Vec<String>)>;

/// Writes the trust policy of a role for keyless builders; `account` is where role and identity provider are, `audience` for
/// whom tokens have to be.
///
/// # Errors
/// When nothing of any builder can be said.
pub fn aws_trust_policy(builders: &[&Builder], account: &str, audience: &str) -> Result<Exported, Inexpressible> {
    let (mut statements, mut notes) = (Vec::new(), Vec::new());
    let provider = GITHUB_ISSUER.trim_start_matches("https://");
    for builder in builders {
        let demands = match Demands::of(builder) {
            Ok(demands) => demands,
            Err(why) => {
                notes.push(format!("{why}; it is left out"));
                continue;
            }
        };
        notes.extend(notes_on(&demands).into_iter().map(|note| format!("builder {:?}: {note}", builder.name)));
        for conditions in alternatives(&demands, audience) {
            let letters: String = builder.name.chars().filter(char::is_ascii_alphanumeric).collect();
            statements.push(json!({
                "Sid": format!("{letters}{}", statements.len() + 1),
                "Effect": "Allow",
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Principal": { "Federated": format!("arn:aws:iam::{account}:oidc-provider/{provider}") },
                "Condition": written(conditions, provider),
            }));
        }
    }
    if statements.is_empty() {
        return Err(Inexpressible(notes));
    }
    let document = json!({ "Version": "2012-10-17", "Statement": statements });
    let length = document.to_string().len();
    if length > QUOTA {
        notes.push(format!(
            "the policy has {length} characters, more than the {QUOTA} that a role has without a raised quota"
        ));
    }
    Ok(Exported { document, notes })
}

/// Conditions of one statement are all demanded, so that each combination of groups is a statement of its own.
fn alternatives(demands: &Demands<'_>, audience: &str) -> Vec<Vec<(&'static str, Conditions)>> {
    let workflows = groups(&demands.workflows);
    let refs = demands.refs.as_ref().map_or_else(|| vec![vec![]], groups);
    let pairs = workflows.iter().flat_map(|workflow| refs.iter().map(move |reference| (workflow, reference)));
    pairs
        .map(|(workflow, reference)| {
            let mut conditions = vec![("aud", vec![("StringEquals", vec![escaped(audience)])])];
            let exact = demands.exact().into_iter();
            conditions.extend(exact.map(|(claim, text)| (claim, vec![("StringEquals", vec![escaped(&text)])])));
            conditions.push(("sub", subject(demands)));
            conditions.push(("job_workflow_ref", workflow.clone()));
            conditions.push(("ref", without_pulls(demands, reference)));
            conditions
        })
        .collect()
}

fn groups(values: &Values) -> Vec<Conditions> {
    let like = |patterns: &[Pattern]| ("StringLike", patterns.iter().map(Pattern::like).collect::<Vec<_>>());
    let exact = (!values.exact.is_empty())
        .then(|| vec![("StringEquals", values.exact.iter().map(|text| escaped(text)).collect::<Vec<_>>())]);
    let by_depth = values.by_depth.iter().map(|(depth, patterns)| {
        let deeper = format!("{}*", "*/".repeat(depth + 1));
        vec![like(patterns), ("StringNotLike", vec![deeper])]
    });
    let free = (!values.free.is_empty()).then(|| vec![like(&values.free)]);
    exact.into_iter().chain(by_depth).chain(free).collect()
}

/// Both forms: which of them a repository has, depends on its age, and the other claims hold in both.
fn subject(demands: &Demands<'_>) -> Conditions {
    let (owner, repository) = demands.repository.split_once('/').unwrap_or_default();
    let id = |id: Option<u64>| id.map_or_else(|| "*".to_owned(), |id| id.to_string());
    let (owner, repository) = (escaped(owner), escaped(repository));
    let (owner_id, id) = (id(demands.source.owner_id), id(demands.source.repository_id));
    let forms = vec![format!("repo:{owner}@{owner_id}/{repository}@{id}:*"), format!("repo:{owner}/{repository}:*")];
    let mut conditions = vec![("StringLike", forms)];
    let triggers = &demands.rule.triggers;
    if !triggers.iter().any(|event| event == "pull_request") {
        conditions.push(("StringNotLike", vec!["*:pull_request".to_owned()]));
    }
    conditions
}

/// Where no trigger is a pull request, no ref of one is taken.
fn without_pulls(demands: &Demands<'_>, group: &Conditions) -> Conditions {
    let mut conditions = group.clone();
    let may_be_one = |text: &String| {
        let fixed = text.split(['*', '?']).next().unwrap_or_default();
        "refs/pull/".starts_with(fixed) || fixed.starts_with("refs/pull/")
    };
    let positive = |(operator, _): &&(&str, Vec<String>)| *operator != "StringNotLike";
    let mut values = group.iter().filter(positive).flat_map(|(_, values)| values).peekable();
    let every_ref = values.peek().is_none();
    let by_pull = demands.rule.triggers.iter().any(|event| event.starts_with("pull_request"));
    if !by_pull && (every_ref || values.any(may_be_one)) {
        let pulls = "refs/pull/*".to_owned();
        match conditions.iter_mut().find(|(operator, _)| *operator == "StringNotLike") {
            Some((_, values)) => values.push(pulls),
            None => conditions.push(("StringNotLike", vec![pulls])),
        }
    }
    conditions
}

fn written(conditions: Vec<(&'static str, Conditions)>, provider: &str) -> Value {
    let mut operators: Map<String, Value> = Map::new();
    for (claim, conditions) in conditions {
        for (operator, values) in conditions {
            let value = match values.as_slice() {
                [one] => json!(one),
                several => json!(several),
            };
            let keys = operators.entry(operator).or_insert_with(|| json!({}));
            if let Some(keys) = keys.as_object_mut() {
                keys.insert(format!("{provider}:{claim}"), value);
            }
        }
    }
    Value::Object(operators)
}

fn notes_on(demands: &Demands<'_>) -> Vec<String> {
    let mut notes: Vec<String> = demands.left_out().collect();
    if demands.source.repository_id.is_none() {
        notes.push(
            "no `repository-id` is known, and a name can be taken by somebody else after a rename: add it to `source`"
                .to_owned(),
        );
    }
    if let Some(runner) = demands.rule.runner {
        notes.push(format!("AWS has no condition key for the runner: that it is {} is not demanded", runner.word()));
    }
    notes.push(match demands.rule.triggers.as_slice() {
        [] => "AWS has no condition key for the event: pull_request is kept out by subject and ref, pull_request_target is not"
            .to_owned(),
        events => format!(
            "AWS has no condition key for the event: that it is {} is not demanded",
            events.join(" or ")
        ),
    });
    notes
}
