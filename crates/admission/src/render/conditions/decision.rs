//! A decision that lets the image pass, and a scan in which nothing is refused, by rules that count.

use sealwright_bundle::vocabulary::{GATE_LEVEL, VERIFIER};
use sealwright_core::Digest;
use sealwright_policy::{Builder, Policy};
use serde_json::Value;

use super::Condition;
use super::seen::{elements, text};
use crate::render::cel;

/// A clock may be wrong by so many seconds.
const SKEW: u64 = 300;

/// A decision that lets the image pass, by these rules.
pub(crate) fn decision(policy: &Policy, builder: &Builder) -> Vec<Condition> {
    let rules = &builder.evidence;
    let verifiers: Vec<String> =
        [VERIFIER].into_iter().chain(rules.verifiers.iter().map(String::as_str)).map(str::to_owned).collect();
    let digests: Vec<String> = accepted(policy, builder).map(|digest| digest.hex()).collect();
    let levels = "statement.?predicate.?verifiedLevels.orValue([])";
    let mut conditions = vec![
        Condition::new(
            format!(
                "statement.?predicate.?verifier.?id.orValue('') in {}",
                cel::list(verifiers.iter().map(String::as_str))
            ),
            "is of a verifier that the trust file does not name",
            move |seen| is_one_of(seen.at("/verifier/id"), &verifiers),
        ),
        Condition::new(
            format!(
                "statement.?predicate.?verificationResult.orValue('') == 'PASSED' && {levels}.exists(l, l == '{GATE_LEVEL}')"
            ),
            "is that the image is refused",
            |seen| {
                text(seen.at("/verificationResult")) == Some("PASSED")
                    && seen.at("/verifiedLevels").is_some_and(|all| elements(all).iter().any(|l| l == GATE_LEVEL))
            },
        ),
        Condition::new(
            "statement.?predicate.?resourceUri.orValue('').endsWith('@sha256:' + digest)",
            "is about another image",
            |seen| text(seen.at("/resourceUri")).is_some_and(|uri| uri.ends_with(&format!("@sha256:{}", seen.digest))),
        ),
        Condition::new(
            format!(
                "statement.?predicate.?policy.?digest.?sha256.orValue('') in {}",
                cel::list(digests.iter().map(String::as_str))
            ),
            "was made by other rules than those of the trust file",
            move |seen| is_one_of(seen.at("/policy/digest/sha256"), &digests),
        ),
    ];
    let least = rules.provenance.level;
    if rules.provenance.required && least > 0 {
        let enough: Vec<String> = (least..=3).map(|level| format!("SLSA_BUILD_LEVEL_{level}")).collect();
        conditions.push(Condition::new(
            format!("{levels}.exists(l, l in {})", cel::list(enough.iter().map(String::as_str))),
            format!("states a lower SLSA build level than {least}"),
            move |seen| {
                seen.at("/verifiedLevels")
                    .is_some_and(|all| elements(all).iter().any(|level| is_one_of(Some(level), &enough)))
            },
        ));
    }
    conditions
}

/// A scan by these rules in which nothing is refused.
pub(crate) fn scan(policy: &Policy, builder: &Builder) -> Vec<Condition> {
    let digests: Vec<String> = accepted(policy, builder).map(|digest| digest.to_string()).collect();
    let result = "statement.?predicate.?scanner.?result";
    vec![
        Condition::new(
            format!("{result}.?outcome.orValue('') == 'pass' && {result}.?counts.?refused.orValue(1) == 0"),
            "found what the rules refuse",
            |seen| {
                text(seen.at("/scanner/result/outcome")) == Some("pass")
                    && seen.at("/scanner/result/counts/refused").and_then(Value::as_f64) == Some(0.0)
            },
        ),
        Condition::new(
            format!("{result}.?policy.?digest.orValue('') in {}", cel::list(digests.iter().map(String::as_str))),
            "was judged by other rules than those of the trust file",
            move |seen| is_one_of(seen.at("/scanner/result/policy/digest"), &digests),
        ),
    ]
}

/// A scan that is not older than so many seconds, and not from the future.
pub(crate) fn scan_age(most: u64) -> Condition {
    let finished = "timestamp(statement.?predicate.?metadata.?scanFinishedOn.orValue('1970-01-01T00:00:00Z'))";
    Condition::new(
        format!("{finished} > time.now() - duration('{most}s') && {finished} < time.now() + duration('{SKEW}s')"),
        format!("is older than {} hours", most / 3_600),
        move |seen| {
            let stated = text(seen.at("/metadata/scanFinishedOn")).and_then(|t| t.parse::<jiff::Timestamp>().ok());
            let seconds = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
            stated.is_some_and(|finished| {
                let age = seen.now.as_second().saturating_sub(finished.as_second());
                age < seconds(most) && age > -seconds(SKEW)
            })
        },
    )
}

/// The digest of the trust file, and of those that it replaces.
pub(crate) fn accepted<'a>(policy: &Policy, builder: &'a Builder) -> impl Iterator<Item = Digest> + 'a {
    [policy.digest()].into_iter().chain(builder.evidence.policies.iter().copied())
}

fn is_one_of(value: Option<&Value>, known: &[String]) -> bool {
    text(value).is_some_and(|stated| known.iter().any(|one| one == stated))
}
