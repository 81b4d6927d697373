//! What a statement has to say, in Rego.
//!
//! The engine evaluates `isCompliant` of package `sigstore` in the first version of the language, and hands over the statement with
//! its subjects, but without their annotations (sigstore/cosign v3.0.5, `pkg/cosign/rego`, `pkg/policy/attestation.go`): the source
//! is asked of the provenance, and cannot be asked of anything else. What is not defined is not compliant.

use sealwright_bundle::vocabulary::{GATE_LEVEL, KNOWN_PARAMETERS, SEAL_INPUTS, SEAL_WORKFLOW, SEALED, VERIFIER};
use sealwright_policy::{Builder, Policy, SbomFormat, SourceRule};

use crate::render::attestor::{Subject, known_workflow};
use crate::render::cel;
use crate::render::conditions::accepted;

/// A module: what is wrong, each with the rule that has to hold, and rules that these use.
#[derive(Debug, Default)]
pub(super) struct Module {
    demands: Vec<(String, String)>,
    rules: Vec<String>,
}

impl Module {
    fn new(demands: Vec<(String, String)>) -> Self {
        Self { demands, rules: vec![] }
    }

    /// The text. Each demand is a rule of its own, so that a message says which one was not met.
    pub(super) fn text(&self) -> String {
        let mut text = "package sigstore\n\nisCompliant[response] {\n  count(wrong) == 0\n  response := {\"result\": true}\n}\n\nisCompliant[response] {\n  count(wrong) > 0\n  response := {\"result\": false, \"error\": concat(\"; \", wrong)}\n}\n".to_owned();
        for (position, (body, message)) in self.demands.iter().enumerate() {
            let lines: Vec<String> = body.lines().map(|line| format!("  {line}")).collect();
            text.push_str(&format!(
                "\nwrong[{}] {{\n  not holds_{position}\n}}\n\nholds_{position} {{\n{}\n}}\n",
                string(message),
                lines.join("\n")
            ));
        }
        for rule in &self.rules {
            text.push_str(&format!("\n{rule}\n"));
        }
        text
    }
}

/// A string (Rego, "Strings": JSON's).
fn string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A set of strings.
fn set<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = texts.into_iter().map(string).collect();
    if quoted.is_empty() { "set()".to_owned() } else { format!("{{{}}}", quoted.join(", ")) }
}

/// A document of this format.
pub(super) fn sbom(format: SbomFormat) -> Module {
    let body = match format {
        SbomFormat::CycloneDx => "input.predicate.bomFormat == \"CycloneDX\"",
        SbomFormat::Spdx => "startswith(input.predicate.spdxVersion, \"SPDX-\")",
    };
    Module::new(vec![(body.to_owned(), format!("the SBOM is no {} document", format.word()))])
}

/// A decision that lets the image pass, by these rules.
pub(super) fn decision(policy: &Policy, builder: &Builder) -> Module {
    let rules = &builder.evidence;
    let verifiers = set([VERIFIER].into_iter().chain(rules.verifiers.iter().map(String::as_str)));
    let digests: Vec<String> = accepted(policy, builder).map(|digest| digest.hex()).collect();
    let mut demands = vec![
        (
            format!("{verifiers}[input.predicate.verifier.id]"),
            "the decision is of a verifier that the trust file does not name".to_owned(),
        ),
        (
            format!(
                "input.predicate.verificationResult == \"PASSED\"\ninput.predicate.verifiedLevels[_] == {}",
                string(GATE_LEVEL)
            ),
            "the decision is that the image is refused".to_owned(),
        ),
        (
            "endswith(input.predicate.resourceUri, concat(\"\", [\"@sha256:\", input.subject[_].digest.sha256]))"
                .to_owned(),
            "the decision is about another image".to_owned(),
        ),
        (
            format!("{}[input.predicate.policy.digest.sha256]", set(digests.iter().map(String::as_str))),
            "the decision was made by other rules than those of the trust file".to_owned(),
        ),
    ];
    let least = rules.provenance.level;
    if rules.provenance.required && least > 0 {
        let enough: Vec<String> = (least..=3).map(|level| format!("SLSA_BUILD_LEVEL_{level}")).collect();
        demands.push((
            format!("{}[input.predicate.verifiedLevels[_]]", set(enough.iter().map(String::as_str))),
            format!("the decision states a lower SLSA build level than {least}"),
        ));
    }
    Module::new(demands)
}

/// A scan by these rules in which nothing is refused.
pub(super) fn scan(policy: &Policy, builder: &Builder) -> Module {
    let digests: Vec<String> = accepted(policy, builder).map(|digest| digest.to_string()).collect();
    Module::new(vec![
        (
            "input.predicate.scanner.result.outcome == \"pass\"\ninput.predicate.scanner.result.counts.refused == 0"
                .to_owned(),
            "the scan found what the rules refuse".to_owned(),
        ),
        (
            format!("{}[input.predicate.scanner.result.policy.digest]", set(digests.iter().map(String::as_str))),
            "the scan was judged by other rules than those of the trust file".to_owned(),
        ),
    ])
}

/// Provenance of this builder, from the source that the trust file asks for, with parameters that are known.
pub(super) fn provenance(builder: &Builder) -> Result<Module, String> {
    let id = "input.predicate.runDetails.builder.id";
    let built_by = match known_workflow(builder)? {
        Some(Subject::Exact(text)) => format!("{id} == {}", string(&text)),
        Some(Subject::Expression(expression)) => fits(&expression, id),
        None => format!("{id} != \"\""),
    };
    let mut demands = vec![(built_by, "the provenance names another builder than its signer".to_owned())];
    demands.extend(builder.source.iter().flat_map(source));
    let mut module = Module::new(demands);
    parameters(&builder.evidence.provenance.parameters, &mut module);
    Ok(module)
}

fn fits(expression: &str, value: &str) -> String {
    format!("regex.match({}, {value})", string(expression))
}

/// The repository, ref and commit that it was built from, and the numbers that survive a rename.
fn source(rule: &SourceRule) -> Vec<(String, String)> {
    let repository = rule.repository.as_deref().map_or_else(|| "[^/@]+/[^/@]+".to_owned(), cel::escaped);
    let mut refs: Vec<String> = rule.refs.iter().map(|one| cel::pattern(one, cel::REF)).collect();
    refs.sort();
    let reference = if refs.is_empty() { "[^@]+".to_owned() } else { cel::any_of(&refs) };
    let mut demands = vec![(
        format!(
            "some i\n{}\n{}",
            fits(
                &format!("^git\\+https://github\\.com/{repository}@{reference}$"),
                "input.predicate.buildDefinition.resolvedDependencies[i].uri"
            ),
            fits(
                "^[0-9a-f]{40}([0-9a-f]{24})?$",
                "input.predicate.buildDefinition.resolvedDependencies[i].digest.gitCommit"
            )
        ),
        "the provenance is of another repository, ref or commit than the trust file asks for".to_owned(),
    )];
    if let Some(name) = &rule.repository {
        let address = string(&format!("https://github.com/{name}"));
        demands.push((
            format!(
                "object.get(object.get(input.predicate.buildDefinition.externalParameters, \"workflow\", {{}}), \"repository\", {address}) == {address}"
            ),
            format!("the provenance is of another repository than {name}"),
        ));
    }
    let numbers = [("repository_id", rule.repository_id), ("repository_owner_id", rule.owner_id)];
    for (member, number) in numbers.into_iter().filter_map(|(member, number)| Some((member, number?))) {
        demands.push((
            format!(
                "input.predicate.buildDefinition.internalParameters.github.{member} == {}",
                string(&number.to_string())
            ),
            format!("the provenance has another {member} than the trust file asks for"),
        ));
    }
    demands
}

/// No external parameters that nobody knows (SLSA v1.2, "Verifying artifacts"), unless they have no value.
fn parameters(accepted: &[String], module: &mut Module) {
    let definition = "input.predicate.buildDefinition";
    module.demands.push((
        format!("is_object({definition}.externalParameters)\ncount(unknown_parameters) == 0"),
        "the provenance has external parameters that are not known".to_owned(),
    ));
    let ours = [SEAL_WORKFLOW, SEALED];
    let known: Vec<String> = KNOWN_PARAMETERS
        .iter()
        .map(|(kind, names)| {
            let inputs = ours.contains(kind).then_some("inputs");
            format!("{}: {}", string(kind), set(names.iter().copied().chain(inputs)))
        })
        .collect();
    let inputs = accepted.iter().filter_map(|name| name.strip_prefix("inputs."));
    let inputs = set(SEAL_INPUTS.iter().copied().chain(inputs));
    let accepted = set(accepted.iter().map(String::as_str));
    module.rules = vec![
        format!("known := {{{}}}", known.join(", ")),
        "empty := {null, \"\", [], {}}".to_owned(),
        format!(
            "unknown_parameters[name] {{\n  value := {definition}.externalParameters[name]\n  not empty[value]\n  not object.get(known, {definition}.buildType, set())[name]\n  not {accepted}[name]\n}}"
        ),
        format!(
            "unknown_parameters[name] {{\n  {}[{definition}.buildType]\n  value := {definition}.externalParameters.inputs[name]\n  not empty[value]\n  not {inputs}[name]\n}}",
            set(ours)
        ),
    ];
}
