//! What is wrong with a statement that allows, also where it fits the token.

use super::condition::{Condition, Holds, Key, Set, Test};
use super::document::Statement;
use crate::claims::Claims;
use crate::difference::{Danger, Weight};
use crate::subject::Subject;

pub(super) fn find(statement: &Statement, claims: &Claims, provider: &str) -> Vec<Danger> {
    let mut found: Vec<Danger> =
        statement.conditions.iter().filter_map(|condition| of_condition(condition, provider)).collect();
    let subjects = demanded(statement, provider, "sub");
    let has = |name: &str| !demanded(statement, provider, name).is_empty();
    if subjects.is_empty() {
        let why = "no condition demands it, so that every repository of GitHub may assume the role: add StringEquals or \
                   StringLike on the subject";
        found.push(danger(Weight::Severe, "sub", why));
    }
    if !has("aud") {
        let why = "no condition demands it: add StringEquals with sts.amazonaws.com";
        found.push(danger(Weight::Remarkable, "aud", why));
    }
    let by_id = has("repository_id");
    found.extend(subjects.iter().filter_map(|(condition, value)| wide(condition, value, by_id)));
    if !subjects.is_empty() {
        found.extend(pulls(statement, claims, provider));
    }
    let named = |value: &str| Subject::parse(value).is_some_and(|subject| subject.ids.is_none());
    let by_owner = has("repository_owner_id");
    if !by_id && !by_owner && subjects.iter().any(|(_, value)| named(value)) {
        let why = "it names the repository, and a name can be taken by somebody else after a rename: add StringEquals on \
                   repository_id";
        found.push(danger(Weight::Remarkable, "sub", why));
    }
    found
}

fn danger(weight: Weight, claim: &str, why: impl Into<String>) -> Danger {
    Danger { weight, claim: claim.to_owned(), why: why.into() }
}

/// The values of all conditions that a claim has to meet.
fn demanded<'a>(statement: &'a Statement, provider: &str, name: &str) -> Vec<(&'a Condition, &'a str)> {
    let about = |condition: &&Condition| {
        condition.demands() && matches!(condition.meant(provider), Key::Claim(claim) if claim == name)
    };
    let conditions = statement.conditions.iter().filter(about);
    conditions.flat_map(|condition| condition.values.iter().map(move |value| (condition, value.as_str()))).collect()
}

fn of_condition(condition: &Condition, provider: &str) -> Option<Danger> {
    match condition.meant(provider) {
        Key::Unread(name) => {
            let why = format!("AWS has no condition key {}: it is as if the claim were missing", condition.key);
            Some(danger(Weight::Severe, &name, why))
        }
        Key::Foreign => {
            let why = format!("it is no key of the provider {provider}: the token has no such claim");
            Some(danger(Weight::Severe, &condition.key, why))
        }
        Key::Claim(name) if condition.set == Some(Set::All) && condition.test != Test::Null => {
            let instead = condition.operator.trim_start_matches("ForAllValues:");
            let why = format!("{} also holds where the claim is missing: write {instead}", condition.operator);
            Some(danger(Weight::Severe, &name, why))
        }
        Key::Claim(name) if condition.if_exists => {
            let why = format!("{} also holds where the claim is missing", condition.operator);
            Some(danger(Weight::Remarkable, &name, why))
        }
        Key::Claim(_) | Key::Request => None,
    }
}

/// Subjects with a wildcard where the owner or the repository should stand.
fn wide(condition: &Condition, value: &str, by_id: bool) -> Option<Danger> {
    if !matches!(condition.test, Test::Text { like: true, .. }) {
        return None;
    }
    let fixed = value.split(['*', '?']).next().unwrap_or_default();
    let behind_owner = fixed.strip_prefix("repo:").and_then(|name| name.split_once('/'));
    // `repo:OWNER@*/…` names the owner.
    let named_owner = value.strip_prefix("repo:").and_then(|name| name.split_once('/')).is_some_and(|(owner, _)| {
        let name = owner.split('@').next().unwrap_or_default();
        !name.is_empty() && !name.contains(['*', '?']) && owner.contains('@')
    });
    if behind_owner.is_none() && !named_owner {
        let why = format!("{value:?} takes repositories of every owner: name owner and repository");
        return Some(danger(Weight::Severe, "sub", why));
    }
    let repository = value.split_once('/').map_or("", |(_, rest)| rest.split(['@', ':']).next().unwrap_or_default());
    let open = behind_owner.is_some_and(|(_, repository)| !repository.contains([':', '@']));
    if !by_id && (open || repository.contains(['*', '?'])) {
        let why = format!("{value:?} takes several repositories of the owner: name one, or add repository_id");
        return Some(danger(Weight::Remarkable, "sub", why));
    }
    None
}

/// Subjects of pull requests that fit as well as the token's.
fn pulls(statement: &Statement, claims: &Claims, provider: &str) -> Option<Danger> {
    let own = claims.text("sub")?;
    let subject = Subject::parse(&own).filter(|subject| subject.context != "pull_request")?;
    let about = |condition: &&Condition| matches!(condition.meant(provider), Key::Claim(name) if name == "sub");
    let takes = |text: &String| {
        let mut conditions = statement.conditions.iter().filter(about);
        conditions.all(|condition| condition.holds_for(std::slice::from_ref(text)) == Holds::Yes)
    };
    let pull = [Some(subject.by_name()), subject.by_id(claims)].into_iter().flatten();
    let pull: Vec<String> = pull.map(|name| format!("{name}pull_request")).collect();
    let why = "pull requests fit too, unless another condition keeps them out: name the ref or the environment, or add \
               StringNotLike with \"*:pull_request\"";
    pull.iter().any(takes).then(|| danger(Weight::Remarkable, "sub", why))
}
