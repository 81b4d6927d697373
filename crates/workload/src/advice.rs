//! Why a subject differs, where the reason is a known one, and the line to change.

use crate::claims::Claims;
use crate::difference::Difference;
use crate::subject::Subject;

/// What to do about a claim that differs. `fits` says whether an expected value would take a text.
pub(crate) fn next(difference: &Difference, claims: &Claims, fits: &dyn Fn(&str, &str) -> bool) -> Option<String> {
    match difference.claim.as_str() {
        "aud" => Some(format!(
            "ask for a token for {}, or name the audience that the token has",
            difference.expected.first().map_or("the expected audience", String::as_str)
        )),
        "sub" => form(difference, claims, fits).or_else(|| context(difference, claims)),
        "environment" if difference.found.is_none() => difference.expected.first().map(|name| runs_in_none(name)),
        "job_workflow_ref" => revision(difference),
        _ => None,
    }
}

/// The policy has one form of the subject and the token the other.
fn form(difference: &Difference, claims: &Claims, fits: &dyn Fn(&str, &str) -> bool) -> Option<String> {
    let found = difference.found.as_deref()?;
    let subject = Subject::parse(found)?;
    let (names, ids) = (subject.by_name(), subject.by_id(claims)?);
    let (own, other) = if subject.ids.is_some() { (&ids, &names) } else { (&names, &ids) };
    let otherwise = format!("{other}{}", subject.context);
    let line = difference.expected.iter().find(|expected| fits(expected, &otherwise))?;
    let instead = line.strip_prefix(other.as_str()).map_or_else(|| found.to_owned(), |rest| format!("{own}{rest}"));
    let (token, policy) = if subject.ids.is_some() {
        ("the immutable form (of repositories made, renamed or transferred after 2026-07-15)", "the older form by name")
    } else {
        ("the older form by name", "the immutable form")
    };
    Some(format!("the token's subject has {token}, this line {policy}: replace {line:?} by {instead:?}"))
}

/// The repository is the right one, and the job another kind of job.
fn context(difference: &Difference, claims: &Claims) -> Option<String> {
    let subject = Subject::parse(difference.found.as_deref()?)?;
    let expected: Vec<Subject<'_>> = difference.expected.iter().filter_map(|e| Subject::parse(e)).collect();
    let environment = expected.iter().find_map(|e| e.context.strip_prefix("environment:"));
    let own = subject.context.strip_prefix("environment:");
    match (own, environment) {
        (None, Some(name)) if claims.value("environment").is_none() => Some(runs_in_none(name)),
        (Some(name), _) if expected.iter().any(|e| e.context.starts_with("ref:")) => Some(format!(
            "a job with `environment: {name}` has that in its subject instead of the ref: take the environment out of the job, or \
             name environment:{name} and compare the claim ref by itself"
        )),
        _ if subject.context == "pull_request" => {
            Some("a pull request's job has another subject, and should not get what a push gets".to_owned())
        }
        _ => None,
    }
}

fn runs_in_none(name: &str) -> String {
    format!("the job runs in no environment: add `environment: {name}` to the job")
}

/// The workflow is the right one, at another tag or commit.
fn revision(difference: &Difference) -> Option<String> {
    let (path, revision) = difference.found.as_deref()?.split_once('@')?;
    let same = difference.expected.iter().any(|e| e.split_once('@').is_some_and(|(other, _)| other == path));
    same.then(|| {
        format!(
            "the job calls {path} at {revision}: pin the workflow as expected, or pin the policies anew \
             (`sealwright policy export` writes them from the trust file)"
        )
    })
}
