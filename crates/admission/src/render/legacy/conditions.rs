//! What a predicate has to say, in JMESPath.
//!
//! The engine hands over the predicate and not the statement around it, and reads subjects without their annotations
//! (kyverno/kyverno 1.19.1, `pkg/image/verifiers/cpol/cosign/sigstore.go` with in-toto-golang's `Statement`): the source is asked of
//! the provenance, and cannot be asked of anything else.

use sealwright_bundle::vocabulary::{GATE_LEVEL, KNOWN_PARAMETERS, SEAL_INPUTS, SEAL_WORKFLOW, SEALED, VERIFIER};
use sealwright_policy::{Builder, BuilderIdentity, Policy, SbomFormat, SourceRule};

use super::jmespath::{field, fits, list, string};
use crate::render::attestor::{Subject, known_workflow};
use crate::render::cel;
use crate::render::conditions::accepted;

/// What has to hold, and what is wrong where it does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Condition {
    /// JMESPath that is true or false; it knows the members of the predicate, and `image`.
    pub(super) holds: String,
    /// For a person.
    pub(super) otherwise: String,
}

impl Condition {
    fn new(holds: impl Into<String>, otherwise: impl Into<String>) -> Self {
        Self { holds: holds.into(), otherwise: otherwise.into() }
    }
}

/// A document of this format.
pub(super) fn sbom(format: SbomFormat) -> Vec<Condition> {
    let holds = match format {
        SbomFormat::CycloneDx => format!("{} == 'CycloneDX'", field("bomFormat")),
        SbomFormat::Spdx => format!("starts_with({}, 'SPDX-')", field("spdxVersion")),
    };
    vec![Condition::new(holds, format!("the SBOM is no {} document", format.word()))]
}

/// A decision that lets the image pass, by these rules.
pub(super) fn decision(policy: &Policy, builder: &Builder) -> Vec<Condition> {
    let rules = &builder.evidence;
    let verifiers = [VERIFIER].into_iter().chain(rules.verifiers.iter().map(String::as_str));
    let digests: Vec<String> = accepted(policy, builder).map(|digest| digest.hex()).collect();
    let levels = "(verifiedLevels || `[]`)";
    let mut conditions = vec![
        Condition::new(
            format!("contains({}, {})", list(verifiers), field("verifier.id")),
            "the decision is of a verifier that the trust file does not name",
        ),
        Condition::new(
            format!("{} == 'PASSED' && contains({levels}, {})", field("verificationResult"), string(GATE_LEVEL)),
            "the decision is that the image is refused",
        ),
        // The digest is not known yet where a tag is asked about: the subject of the statement is compared in any case.
        Condition::new(
            format!("ends_with({}, {})", field("resourceUri"), field("image.digest")),
            "the decision is about another image",
        ),
        Condition::new(
            format!("contains({}, {})", list(digests.iter().map(String::as_str)), field("policy.digest.sha256")),
            "the decision was made by other rules than those of the trust file",
        ),
    ];
    let least = rules.provenance.level;
    if rules.provenance.required && least > 0 {
        let enough: Vec<String> =
            (least..=3).map(|level| format!("contains({levels}, 'SLSA_BUILD_LEVEL_{level}')")).collect();
        conditions.push(Condition::new(
            enough.join(" || "),
            format!("the decision states a lower SLSA build level than {least}"),
        ));
    }
    conditions
}

/// A scan by these rules in which nothing is refused.
pub(super) fn scan(policy: &Policy, builder: &Builder) -> Vec<Condition> {
    let digests: Vec<String> = accepted(policy, builder).map(|digest| digest.to_string()).collect();
    vec![
        Condition::new(
            format!("{} == 'pass' && (scanner.result.counts.refused || `-1`) == `0`", field("scanner.result.outcome")),
            "the scan found what the rules refuse",
        ),
        Condition::new(
            format!(
                "contains({}, {})",
                list(digests.iter().map(String::as_str)),
                field("scanner.result.policy.digest")
            ),
            "the scan was judged by other rules than those of the trust file",
        ),
    ]
}

/// Provenance of any of the builders. What is asked of one is asked of one statement.
pub(super) fn provenance(builders: &[&Builder]) -> Result<Vec<Condition>, String> {
    let each = builders.iter().map(|builder| of_builder(builder)).collect::<Result<Vec<_>, _>>()?;
    if let [one] = each.as_slice() {
        return Ok(one.clone());
    }
    let mut whole: Vec<String> = each
        .iter()
        .map(|all| format!("({})", all.iter().map(|one| format!("({})", one.holds)).collect::<Vec<_>>().join(" && ")))
        .collect();
    whole.sort();
    whole.dedup();
    let names: Vec<&str> = builders.iter().map(|builder| builder.name.as_str()).collect();
    Ok(vec![Condition::new(
        whole.join(" || "),
        format!("the provenance is not what the trust file asks of any of {}", names.join(", ")),
    )])
}

fn of_builder(builder: &Builder) -> Result<Vec<Condition>, String> {
    let id = field("runDetails.builder.id");
    let built_by = match known_workflow(builder)? {
        Some(Subject::Exact(text)) => format!("{id} == {}", string(&text)),
        Some(Subject::Expression(expression)) => fits(&expression, &id),
        None => format!("{id} != ''"),
    };
    let mut conditions = vec![Condition::new(built_by, "the provenance names another builder than its signer")];
    if let Some(rule) = &builder.source {
        let certified = matches!(builder.identity, BuilderIdentity::Keyless(_));
        conditions.extend(source(rule, certified));
    }
    conditions.push(parameters(&builder.evidence.provenance.parameters));
    Ok(conditions)
}

/// The repository, ref and commit that it was built from, and the numbers that survive a rename. Only what has a certificate states
/// numbers in its provenance.
fn source(rule: &SourceRule, certified: bool) -> Vec<Condition> {
    let repository = rule.repository.as_deref().map_or_else(|| "[^/@]+/[^/@]+".to_owned(), cel::escaped);
    let mut refs: Vec<String> = rule.refs.iter().map(|one| cel::pattern(one, cel::REF)).collect();
    refs.sort();
    let reference = if refs.is_empty() { "[^@]+".to_owned() } else { cel::any_of(&refs) };
    let address = fits(&format!("^git\\+https://github\\.com/{repository}@{reference}$"), "uri || ''");
    let commit = fits("^[0-9a-f]{40}([0-9a-f]{24})?$", "digest.gitCommit || ''");
    let mut conditions = vec![Condition::new(
        format!("length((buildDefinition.resolvedDependencies || `[]`)[?{address} && {commit}]) > `0`"),
        "the provenance is of another repository, ref or commit than the trust file asks for",
    )];
    if let Some(name) = &rule.repository {
        let address = string(&format!("https://github.com/{name}"));
        let stated = "buildDefinition.externalParameters.workflow.repository";
        conditions.push(Condition::new(
            format!("({stated} || {address}) == {address}"),
            format!("the provenance is of another repository than {name}"),
        ));
    }
    let numbers = [("repository_id", rule.repository_id), ("repository_owner_id", rule.owner_id)];
    for (member, number) in numbers.into_iter().filter_map(|(member, number)| Some((member, number?))) {
        if certified {
            let stated = field(&format!("buildDefinition.internalParameters.github.{member}"));
            conditions.push(Condition::new(
                format!("{stated} == {}", string(&number.to_string())),
                format!("the provenance has another {member} than the trust file asks for"),
            ));
        }
    }
    conditions
}

/// No external parameters that nobody knows (SLSA v1.2, "Verifying artifacts"), unless they have no value.
fn parameters(accepted: &[String]) -> Condition {
    let kind = field("buildDefinition.buildType");
    let external = "buildDefinition.externalParameters";
    let mut cases = Vec::new();
    let mut kinds = Vec::new();
    for (build_type, names) in KNOWN_PARAMETERS {
        let ours = [SEAL_WORKFLOW, SEALED].contains(&build_type);
        let names = names.iter().copied().chain(ours.then_some("inputs")).chain(accepted.iter().map(String::as_str));
        let mut case = vec![format!("{kind} == {}", string(build_type)), no_other(external, names)];
        if ours {
            let inputs = accepted.iter().filter_map(|name| name.strip_prefix("inputs."));
            case.push(no_other(&format!("{external}.inputs"), SEAL_INPUTS.iter().copied().chain(inputs)));
        }
        cases.push(format!("({})", case.join(" && ")));
        kinds.push(build_type);
    }
    let others = no_other(external, accepted.iter().map(String::as_str));
    cases.push(format!("(!contains({}, {kind}) && {others})", list(kinds)));
    Condition::new(cases.join(" || "), "the provenance has external parameters that are not known")
}

/// No member of a map has another name, and a value.
fn no_other<'a>(map: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    let empty = "v == `null` || v == '' || v == `[]` || v == `{}`";
    format!("length(items({map} || `{{}}`, 'k', 'v')[?!(contains({}, k) || {empty})]) == `0`", list(names))
}
