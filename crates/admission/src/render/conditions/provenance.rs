//! Provenance of a builder, from the source that the trust file asks for, with parameters that are known.

use regex::Regex;
use sealwright_bundle::vocabulary::{
    KNOWN_PARAMETERS, SEAL_INPUTS, SEAL_WORKFLOW, SEALED, SOURCE_COMMIT, has_no_value,
};
use sealwright_policy::{Builder, SourceRule};
use serde_json::Value;

use super::Condition;
use super::seen::{Seen, elements, expression, text};
use crate::render::attestor::{Subject, known_workflow};
use crate::render::cel;

/// What is asked of provenance.
pub(crate) fn provenance(builder: &Builder) -> Result<Vec<Condition>, String> {
    let mut conditions = vec![built_by(builder)?];
    conditions.extend(builder.source.iter().flat_map(source));
    conditions.push(parameters(&builder.evidence.provenance.parameters));
    Ok(conditions)
}

fn built_by(builder: &Builder) -> Result<Condition, String> {
    const OTHERWISE: &str = "names another builder than its signer";
    let id = "statement.?predicate.?runDetails.?builder.?id.orValue('')";
    fn named<'a>(seen: &Seen<'a>) -> Option<&'a Value> {
        seen.at("/runDetails/builder/id")
    }
    Ok(match known_workflow(builder)? {
        Some(Subject::Exact(name)) => {
            Condition::new(format!("{id} == {}", cel::string(&name)), OTHERWISE, move |seen| {
                text(named(seen)) == Some(&name)
            })
        }
        Some(Subject::Expression(names)) => {
            let fitting: Regex = expression(&names)?;
            Condition::new(format!("{id}.matches({})", cel::string(&names)), OTHERWISE, move |seen| {
                text(named(seen)).is_some_and(|name| fitting.is_match(name))
            })
        }
        None => Condition::new(format!("{id} != ''"), OTHERWISE, |seen| named(seen).is_some_and(|id| id != "")),
    })
}

/// The repository and the commit, and the repository's number where it is stated.
fn source(rule: &SourceRule) -> Vec<Condition> {
    let mut conditions: Vec<Condition> = rule.repository.iter().map(|name| repository(name)).collect();
    conditions.extend(rule.repository_id.map(repository_id));
    conditions.push(commit());
    conditions
}

const DEFINITION: &str = "statement.?predicate.?buildDefinition";

fn dependencies<'a>(seen: &Seen<'a>) -> &'a [Value] {
    seen.at("/buildDefinition/resolvedDependencies").map(elements).unwrap_or_default()
}

fn repository(name: &str) -> Condition {
    let stated = format!("{DEFINITION}.?externalParameters.?workflow.?repository.orValue('')");
    let address = format!("https://github.com/{name}");
    let prefix = format!("git+{address}@");
    let dependency = format!(
        "{DEFINITION}.?resolvedDependencies.orValue([]).exists(d, d.?uri.orValue('').startsWith({}))",
        cel::string(&prefix)
    );
    Condition::new(
        format!("{stated} == {} || ({stated} == '' && {dependency})", cel::string(&address)),
        format!("is of another repository than {name}"),
        move |seen| match text(seen.at("/buildDefinition/externalParameters/workflow/repository")) {
            Some("") => {
                dependencies(seen).iter().any(|d| text(d.get("uri")).is_some_and(|uri| uri.starts_with(&prefix)))
            }
            stated => stated == Some(&address),
        },
    )
}

fn repository_id(id: u64) -> Condition {
    let id = id.to_string();
    let quoted = cel::string(&id);
    Condition::new(
        format!("{DEFINITION}.?internalParameters.?github.?repository_id.orValue({quoted}) == {quoted}"),
        "is of a repository with another id",
        move |seen| {
            seen.at("/buildDefinition/internalParameters/github/repository_id").is_none_or(|stated| *stated == id)
        },
    )
}

fn commit() -> Condition {
    let commit = format!(
        "{DEFINITION}.?resolvedDependencies.orValue([]).exists(d, d.?digest.?gitCommit.orValue('') == s.?annotations[?{}].orValue('none'))",
        cel::string(SOURCE_COMMIT)
    );
    Condition::new(
        format!("statement.subject.exists(s, s.?digest.?sha256.orValue('') == digest && {commit})"),
        "is of another commit than it names",
        |seen| {
            seen.subject(|subject| {
                let annotations = subject.get("annotations");
                let named = annotations.and_then(|all| all.get(SOURCE_COMMIT)).map_or(Some("none"), Value::as_str);
                dependencies(seen).iter().any(|d| named.is_some() && text(d.pointer("/digest/gitCommit")) == named)
            })
        },
    )
}

/// Parameters that nobody knows could be anything: a Dockerfile from elsewhere, a debug build (SLSA v1.2, "Verifying artifacts").
fn parameters(accepted: &[String]) -> Condition {
    let kind = format!("{DEFINITION}.?buildType.orValue('')");
    let all = format!("{DEFINITION}.?externalParameters.orValue({{}})");
    let empty = |map: &str| format!("({map}[k] == null || {map}[k] == '' || {map}[k] == [] || {map}[k] == {{}})");
    let mut known: Vec<String> = KNOWN_PARAMETERS
        .iter()
        .map(|(build_type, names)| {
            format!("({kind} == {} && k in {})", cel::string(build_type), cel::list(names.iter().copied()))
        })
        .collect();
    let ours = format!("{kind} in {}", cel::list([SEAL_WORKFLOW, SEALED]));
    known.push(format!("({ours} && k == 'inputs')"));
    if !accepted.is_empty() {
        known.push(format!("k in {}", cel::list(accepted.iter().map(String::as_str))));
    }
    let inputs = accepted.iter().filter_map(|name| name.strip_prefix("inputs."));
    let inputs = cel::list(SEAL_INPUTS.iter().copied().chain(inputs));
    let accepted = accepted.to_vec();
    Condition::new(
        format!(
            "cel.bind(p, {all}, p.all(k, {} || {})) && cel.bind(i, {all}.?inputs.orValue({{}}), !({ours}) || i.all(k, k in {inputs} || {}))",
            known.join(" || "),
            empty("p"),
            empty("i"),
        ),
        "has external parameters that are not known",
        move |seen| are_known(seen, &accepted),
    )
}

fn are_known(seen: &Seen<'_>, accepted: &[String]) -> bool {
    let kind = text(seen.at("/buildDefinition/buildType")).unwrap_or_default();
    let ours = [SEAL_WORKFLOW, SEALED].contains(&kind);
    let members = |value: Option<&Value>, is_known: &dyn Fn(&str) -> bool| match value {
        None => true,
        Some(Value::Object(members)) => members.iter().all(|(name, value)| is_known(name) || has_no_value(value)),
        Some(_) => false,
    };
    let is_accepted = |name: &str| accepted.iter().any(|one| one == name);
    let parameter = |name: &str| {
        KNOWN_PARAMETERS.iter().any(|(build_type, names)| *build_type == kind && names.contains(&name))
            || (ours && name == "inputs")
            || is_accepted(name)
    };
    let input = |name: &str| SEAL_INPUTS.contains(&name) || is_accepted(&format!("inputs.{name}"));
    members(seen.at("/buildDefinition/externalParameters"), &parameter)
        && (!ours || members(seen.at("/buildDefinition/externalParameters/inputs"), &input))
}
