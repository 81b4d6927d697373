//! What a statement has to say, in CEL on its payload: what `sealwright verify` asks too, as far as a payload shows it.
//!
//! The engine compares signature, subject and type. Which source a statement names it does not look at, nor at the extensions of
//! a certificate, and a public reusable workflow signs for every caller: the source is compared here, in every statement.

use sealwright_bundle::vocabulary::{
    GATE_LEVEL, KNOWN_PARAMETERS, SEAL_INPUTS, SEAL_WORKFLOW, SEALED, SOURCE_COMMIT, SOURCE_OWNER_ID, SOURCE_REF,
    SOURCE_REPOSITORY, SOURCE_REPOSITORY_ID, VERIFIER,
};
use sealwright_core::Digest;
use sealwright_policy::{Builder, BuilderIdentity, Policy, SbomFormat, SourceRule, SubjectRule};

use super::attestor::{Subject, subject};
use super::cel;

/// A clock may be wrong by so many seconds.
const SKEW: u64 = 300;

/// What has to hold, and what is wrong where it does not.
#[derive(Debug, Clone)]
pub(super) struct Condition {
    /// CEL; it knows `statement`, and `digest`, the hex digits of the image's.
    pub(super) holds: String,
    /// For a person, without the builder's name.
    pub(super) otherwise: String,
}

impl Condition {
    fn new(holds: impl Into<String>, otherwise: impl Into<String>) -> Self {
        Self { holds: holds.into(), otherwise: otherwise.into() }
    }
}

/// The source that the trust file asks for. A name, a number and a ref without a commit are no source either.
///
/// Where none is asked for, the subject is still compared. The engine has done so; but a payload that nobody reads after its
/// signature was verified, because the answer came from the cache, would be taken for the next builder's.
pub(super) fn source(builder: &Builder) -> Condition {
    let about = "s.?digest.?sha256.orValue('') == digest";
    let Some(rule) = &builder.source else {
        return Condition::new(format!("statement.subject.exists(s, {about})"), "is about another image");
    };
    let annotation = |key: &str| format!("s.?annotations[?{}].orValue('')", cel::string(key));
    let equals = |key: &str, value: String| format!("{} == {}", annotation(key), cel::string(&value));
    let mut parts = vec![about.to_owned()];
    parts.extend(rule.repository.clone().map(|name| equals(SOURCE_REPOSITORY, name)));
    parts.extend(rule.repository_id.map(|id| equals(SOURCE_REPOSITORY_ID, id.to_string())));
    parts.extend(rule.owner_id.map(|id| equals(SOURCE_OWNER_ID, id.to_string())));
    if !rule.refs.is_empty() {
        let mut refs: Vec<String> = rule.refs.iter().map(|one| cel::pattern(one, cel::REF)).collect();
        refs.sort();
        let expression = cel::string(&format!("^{}$", cel::any_of(&refs)));
        parts.push(format!("{}.matches({expression})", annotation(SOURCE_REF)));
    }
    let commit = cel::string("^[0-9a-f]{40}([0-9a-f]{24})?$");
    parts.push(format!("{}.matches({commit})", annotation(SOURCE_COMMIT)));
    Condition::new(
        format!("statement.subject.exists(s, {})", parts.join(" && ")),
        format!("names another source than {}", told(rule)),
    )
}

fn told(rule: &SourceRule) -> String {
    let mut parts: Vec<String> = rule.repository.iter().cloned().collect();
    parts.extend(rule.repository_id.map(|id| format!("repository id {id}")));
    parts.extend(rule.owner_id.map(|id| format!("owner id {id}")));
    if !rule.refs.is_empty() {
        parts.push(rule.refs.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or "));
    }
    parts.join(", ")
}

/// A document of this format.
pub(super) fn sbom(format: SbomFormat) -> Condition {
    let holds = match format {
        SbomFormat::CycloneDx => "statement.?predicate.?bomFormat.orValue('') == 'CycloneDX'",
        SbomFormat::Spdx => "statement.?predicate.?spdxVersion.orValue('').startsWith('SPDX-')",
    };
    Condition::new(holds, format!("is no {} document", format.word()))
}

/// A decision that lets the image pass, by these rules.
pub(super) fn decision(policy: &Policy, builder: &Builder) -> Vec<Condition> {
    let rules = &builder.evidence;
    let verifiers = [VERIFIER].into_iter().chain(rules.verifiers.iter().map(String::as_str));
    let digests: Vec<String> = accepted(policy, builder).map(|digest| digest.hex()).collect();
    let levels = "statement.?predicate.?verifiedLevels.orValue([])";
    let mut conditions = vec![
        Condition::new(
            format!("statement.?predicate.?verifier.?id.orValue('') in {}", cel::list(verifiers)),
            "is of a verifier that the trust file does not name",
        ),
        Condition::new(
            format!(
                "statement.?predicate.?verificationResult.orValue('') == 'PASSED' && {levels}.exists(l, l == '{GATE_LEVEL}')"
            ),
            "is that the image is refused",
        ),
        Condition::new(
            "statement.?predicate.?resourceUri.orValue('').endsWith('@sha256:' + digest)",
            "is about another image",
        ),
        Condition::new(
            format!(
                "statement.?predicate.?policy.?digest.?sha256.orValue('') in {}",
                cel::list(digests.iter().map(String::as_str))
            ),
            "was made by other rules than those of the trust file",
        ),
    ];
    let least = rules.provenance.level;
    if rules.provenance.required && least > 0 {
        let enough: Vec<String> = (least..=3).map(|level| format!("SLSA_BUILD_LEVEL_{level}")).collect();
        conditions.push(Condition::new(
            format!("{levels}.exists(l, l in {})", cel::list(enough.iter().map(String::as_str))),
            format!("states a lower SLSA build level than {least}"),
        ));
    }
    conditions
}

/// A scan by these rules in which nothing is refused.
pub(super) fn scan(policy: &Policy, builder: &Builder) -> Vec<Condition> {
    let digests: Vec<String> = accepted(policy, builder).map(|digest| digest.to_string()).collect();
    let result = "statement.?predicate.?scanner.?result";
    vec![
        Condition::new(
            format!("{result}.?outcome.orValue('') == 'pass' && {result}.?counts.?refused.orValue(1) == 0"),
            "found what the rules refuse",
        ),
        Condition::new(
            format!("{result}.?policy.?digest.orValue('') in {}", cel::list(digests.iter().map(String::as_str))),
            "was judged by other rules than those of the trust file",
        ),
    ]
}

/// A scan that is not older than so many seconds, and not from the future.
pub(super) fn scan_age(most: u64) -> Condition {
    let finished = "timestamp(statement.?predicate.?metadata.?scanFinishedOn.orValue('1970-01-01T00:00:00Z'))";
    Condition::new(
        format!("{finished} > time.now() - duration('{most}s') && {finished} < time.now() + duration('{SKEW}s')"),
        format!("is older than {} hours", most / 3_600),
    )
}

/// The digest of the trust file, and of those that it replaces.
fn accepted<'a>(policy: &Policy, builder: &'a Builder) -> impl Iterator<Item = Digest> + 'a {
    [policy.digest()].into_iter().chain(builder.evidence.policies.iter().copied())
}

/// Provenance of this builder, from the source that the trust file asks for, with parameters that are known.
pub(super) fn provenance(builder: &Builder) -> Result<Vec<Condition>, String> {
    let mut conditions = vec![built_by(builder)?];
    conditions.extend(builder.source.iter().flat_map(provenance_source));
    conditions.push(parameters(&builder.evidence.provenance.parameters));
    Ok(conditions)
}

fn built_by(builder: &Builder) -> Result<Condition, String> {
    let id = "statement.?predicate.?runDetails.?builder.?id.orValue('')";
    let is_workflow = |rule: &SubjectRule| match rule {
        SubjectRule::Exact(text) => text.contains("/.github/workflows/"),
        SubjectRule::OneOf(texts) => texts.iter().all(|text| text.contains("/.github/workflows/")),
        SubjectRule::Workflow { .. } => true,
        SubjectRule::Pattern(_) => false,
    };
    let holds = match &builder.identity {
        // A workflow's name in its certificate is the builder that its provenance names.
        BuilderIdentity::Keyless(rule) if is_workflow(&rule.subject) => match subject(builder, &rule.subject)? {
            Subject::Exact(text) => format!("{id} == {}", cel::string(&text)),
            Subject::Expression(expression) => format!("{id}.matches({})", cel::string(&expression)),
        },
        _ => format!("{id} != ''"),
    };
    Ok(Condition::new(holds, "names another builder than its signer"))
}

/// The repository and the commit, and the repository's number where it is stated.
fn provenance_source(rule: &SourceRule) -> Vec<Condition> {
    let definition = "statement.?predicate.?buildDefinition";
    let mut conditions = Vec::new();
    if let Some(repository) = &rule.repository {
        let stated = format!("{definition}.?externalParameters.?workflow.?repository.orValue('')");
        let address = format!("https://github.com/{repository}");
        let dependency = format!(
            "{definition}.?resolvedDependencies.orValue([]).exists(d, d.?uri.orValue('').startsWith({}))",
            cel::string(&format!("git+{address}@"))
        );
        conditions.push(Condition::new(
            format!("{stated} == {} || ({stated} == '' && {dependency})", cel::string(&address)),
            format!("is of another repository than {repository}"),
        ));
    }
    if let Some(id) = rule.repository_id {
        let id = cel::string(&id.to_string());
        conditions.push(Condition::new(
            format!("{definition}.?internalParameters.?github.?repository_id.orValue({id}) == {id}"),
            "is of a repository with another id",
        ));
    }
    let commit = format!(
        "{definition}.?resolvedDependencies.orValue([]).exists(d, d.?digest.?gitCommit.orValue('') == s.?annotations[?{}].orValue('none'))",
        cel::string(SOURCE_COMMIT)
    );
    conditions.push(Condition::new(
        format!("statement.subject.exists(s, s.?digest.?sha256.orValue('') == digest && {commit})"),
        "is of another commit than it names",
    ));
    conditions
}

/// Parameters that nobody knows could be anything: a Dockerfile from elsewhere, a debug build (SLSA v1.2, "Verifying artifacts").
fn parameters(accepted: &[String]) -> Condition {
    let definition = "statement.?predicate.?buildDefinition";
    let kind = format!("{definition}.?buildType.orValue('')");
    let all = format!("{definition}.?externalParameters.orValue({{}})");
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
    Condition::new(
        format!(
            "cel.bind(p, {all}, p.all(k, {} || {})) && cel.bind(i, {all}.?inputs.orValue({{}}), !({ours}) || i.all(k, k in {inputs} || {}))",
            known.join(" || "),
            empty("p"),
            empty("i"),
        ),
        "has external parameters that are not known",
    )
}
