//! A role of the JWT auth method of Vault and OpenBao.

use sealwright_policy::Builder;
use serde_json::{Map, Value, json};

use super::demands::Demands;
use super::values::{Pattern, Values};
use super::{Exported, Inexpressible};

/// What starts builds and is no pull request: a role can only say what it takes (GitHub, "Events that trigger workflows").
const EVENTS: [&str; 8] =
    ["create", "deployment", "merge_group", "push", "release", "repository_dispatch", "schedule", "workflow_dispatch"];

/// Writes what a role has to bind for one keyless builder. What the role may do (`token_policies`) is not the trust file's.
///
/// # Errors
/// When it cannot be said.
pub fn vault_role(builder: &Builder, audience: &str) -> Result<Exported, Inexpressible> {
    let demands = Demands::of(builder).map_err(|why| Inexpressible(vec![why]))?;
    let mut notes: Vec<String> = demands.left_out().collect();
    let globs = [Some(&demands.workflows), demands.refs.as_ref()].into_iter().flatten().any(has_stars);
    let mut bound: Map<String, Value> =
        demands.exact().into_iter().map(|(claim, text)| (claim.to_owned(), json!(text))).collect();
    let values = [("job_workflow_ref", Some(&demands.workflows)), ("ref", demands.refs.as_ref())];
    for (claim, values) in values.into_iter().filter_map(|(claim, values)| Some((claim, values?))) {
        let said = said(values, globs, &mut notes);
        if said.is_empty() {
            notes.push(format!("nothing of {claim} can be said in a role of Vault"));
            return Err(Inexpressible(notes));
        }
        bound.insert(claim.to_owned(), json!(said));
    }
    if let Some(runner) = demands.rule.runner {
        bound.insert("runner_environment".to_owned(), json!(runner.word()));
    }
    let events: Vec<&str> = match demands.rule.triggers.as_slice() {
        [] => {
            let listed = EVENTS.join(", ");
            notes.push(format!(
                "a role cannot say \"no pull request\", so that it takes {listed}: name others in `triggers`"
            ));
            EVENTS.to_vec()
        }
        events => events.iter().map(String::as_str).collect(),
    };
    bound.insert("event_name".to_owned(), json!(events));
    if demands.source.repository_id.is_none() {
        notes.push("no `repository-id` is known, and a name can be taken by somebody else after a rename".to_owned());
    }
    let document = json!({
        "role_type": "jwt", "bound_audiences": [audience], "user_claim": "repository_id",
        "bound_claims_type": if globs { "glob" } else { "string" }, "bound_claims": bound,
    });
    Ok(Exported { document, notes })
}

fn has_stars(values: &Values) -> bool {
    !values.by_depth.is_empty() || !values.free.is_empty()
}

fn said(values: &Values, globs: bool, notes: &mut Vec<String>) -> Vec<String> {
    let mut said = Vec::new();
    for text in &values.exact {
        if globs && text.contains('*') {
            notes.push(format!("{text:?} has a star of its own, and others of the role do not: it is left out"));
        } else {
            said.push(text.clone());
        }
    }
    let one = |pattern: &Pattern| pattern.glob().ok_or_else(|| pattern.like());
    for (pattern, bounded) in values
        .by_depth
        .values()
        .flatten()
        .map(|pattern| (pattern, true))
        .chain(values.free.iter().map(|pattern| (pattern, false)))
    {
        match one(pattern) {
            Ok(glob) => {
                if bounded {
                    notes
                        .push(format!("a star of Vault crosses slashes: {glob:?} takes more than the trust file does"));
                }
                said.push(glob);
            }
            Err(pattern) => notes.push(format!("Vault has no wildcard for one character: {pattern:?} is left out")),
        }
    }
    said
}
