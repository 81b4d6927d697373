//! Kyverno's own Deployment: flags that take the policies' word back.

use sealwright_policy::yaml::Node;

use super::judge::Judge;
use super::rule::Rule;
use super::subject::arguments;

pub(super) fn judge(judge: &mut Judge<'_, '_>) {
    judge.count();
    let object: &Node = judge.subject.object;
    let at = judge.subject.place(&["template", "spec", "containers"]);
    let arguments: Vec<&str> = arguments(object).collect();
    let on = |flag: &str| {
        arguments.iter().any(|argument| {
            *argument == flag || argument.strip_prefix(flag).is_some_and(|value| matches!(value, "=true" | "=1"))
        })
    };
    if on("--forceFailurePolicyIgnore") {
        judge.find(Rule::ForcedOpen, at, "--forceFailurePolicyIgnore");
    }
    let namespace = arguments.iter().find_map(|argument| argument.strip_prefix("--exceptionNamespace="));
    if on("--enablePolicyException") && namespace.is_none_or(|name| matches!(name, "" | "*")) {
        judge.find(Rule::ExceptionsFromAnywhere, at, "--enablePolicyException without --exceptionNamespace");
    }
}
