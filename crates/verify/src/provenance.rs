//! SLSA provenance in its two shapes (v0.2 and v1), and what a builder's rules ask of it. All of it is asked of one statement:
//! two that each hold a half are no whole.

use sealwright_bundle::{known_builder, predicate_type as types, vocabulary};
use sealwright_core::Untrusted;
use sealwright_policy::{BuilderIdentity, ProvenanceRule, Runner, SourceRule, SubjectRule};
use serde_json::Value;

use crate::check::{self, Check, CheckInfo, Outcome};
use crate::claims::{NamedClaims, shown};
use crate::verify_bundle::{Signed, VerifiedSigner};

/// What the provenance of one builder is judged by.
pub(crate) struct Rules<'a> {
    pub(crate) rule: &'a ProvenanceRule,
    pub(crate) source: Option<&'a SourceRule>,
    pub(crate) identity: &'a BuilderIdentity,
}

/// Generators: they say who asked them, and take the digest from there. The build is not theirs.
const GENERATORS: [&str; 2] = [
    "https://github.com/slsa-framework/slsa-github-generator/container@v1",
    "https://github.com/slsa-framework/slsa-github-generator/generic@v1",
];

/// The SLSA build level that a statement supports, and why it is that one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Level {
    pub(crate) value: u8,
    pub(crate) why: String,
}

impl Level {
    fn new(value: u8, why: impl Into<String>) -> Self {
        Self { value, why: why.into() }
    }
}

/// The checks of the statement that holds most of what is asked for, and the level that it supports.
pub(crate) fn checks<'a>(
    statements: impl Iterator<Item = &'a Signed>,
    rules: &Rules<'_>,
) -> (Vec<Check>, Option<Level>) {
    let judged = statements.filter_map(Provenance::of).map(|provenance| provenance.judge(rules));
    let holds = |(checks, _): &(Vec<Check>, _)| checks.iter().filter(|check| check.outcome == Outcome::Passed).count();
    // Of equals the first, whatever `max_by_key` takes.
    let best = judged.fold(None, |best: Option<(Vec<Check>, Level)>, one| match best {
        Some(best) if holds(&best) >= holds(&one) => Some(best),
        _ => Some(one),
    });
    let (checks, level) = best.unzip();
    let none = || {
        let failed = |info| Check::when(info, false, "there is no provenance");
        [check::PROVENANCE, check::PROVENANCE_LEVEL, check::PROVENANCE_SOURCE, check::PROVENANCE_PARAMETERS]
            .map(failed)
            .to_vec()
    };
    let checks = checks.unwrap_or_else(none);
    if rules.rule.required {
        return (checks, level);
    }
    let not_required =
        |check: Check| Check { outcome: Outcome::NotChecked("the rules do not require it".into()), ..check };
    (checks.into_iter().map(not_required).collect(), level)
}

struct Provenance<'a> {
    signed: &'a Signed,
    shape: Shape,
}

/// `https://slsa.dev/spec/v1.0/provenance` and `https://slsa.dev/spec/v0.2/provenance`.
#[derive(Clone, Copy)]
enum Shape {
    V0_2,
    V1,
}

impl<'a> Provenance<'a> {
    fn of(signed: &'a Signed) -> Option<Self> {
        let shape = match signed.statement.predicate_type.as_str() {
            types::PROVENANCE => Shape::V1,
            types::PROVENANCE_V0_2 => Shape::V0_2,
            _ => return None,
        };
        Some(Self { signed, shape })
    }

    fn judge(&self, rules: &Rules<'_>) -> (Vec<Check>, Level) {
        let level = self.level(rules.identity);
        let named = self.builder().is_some_and(|id| !id.is_empty());
        let enough = level.value >= rules.rule.level;
        let too_low =
            format!("the evidence supports level {}, expected {}: {}", level.value, rules.rule.level, level.why);
        let unknown = self.unknown_parameters(&rules.rule.parameters);
        let checks = vec![
            Check::when(check::PROVENANCE, named, "there is no provenance that names its builder"),
            Check::when(check::PROVENANCE_LEVEL, enough, too_low),
            self.source(rules.source),
            Check::when(
                check::PROVENANCE_PARAMETERS,
                unknown.is_empty(),
                format!(
                    "the build had the external parameters {}, which neither its build type {} nor the trust file knows",
                    unknown.join(", "),
                    shown(self.build_type())
                ),
            ),
        ];
        (checks, level)
    }

    fn at(&self, v1: &str, v0_2: &str) -> Option<&'a Value> {
        let pointer = match self.shape {
            Shape::V1 => v1,
            Shape::V0_2 => v0_2,
        };
        self.signed.statement.predicate.pointer(pointer)
    }

    fn builder(&self) -> Option<&'a str> {
        self.at("/runDetails/builder/id", "/builder/id")?.as_str()
    }

    fn build_type(&self) -> Option<&'a str> {
        self.at("/buildDefinition/buildType", "/buildType")?.as_str()
    }

    /// The external parameters that have a value and are not known. What is empty changes nothing.
    fn unknown_parameters(&self, accepted: &[String]) -> Vec<String> {
        let known = vocabulary::KNOWN_PARAMETERS.iter().find(|(build_type, _)| self.build_type() == Some(build_type));
        let known = known.map_or(&[][..], |(_, known)| known);
        let is_known = |name: &str| known.contains(&name) || accepted.iter().any(|accepted| accepted == name);
        let clip = |name: &str| Untrusted::from(name.chars().take(60).collect::<String>()).to_string();
        if let Some(inputs) = self.inputs() {
            let unknown = inputs.iter().filter(|(name, value)| {
                !vocabulary::has_no_value(value) && !vocabulary::SEAL_INPUTS.contains(&name.as_str())
            });
            let unknown = unknown.map(|(name, _)| format!("inputs.{name}")).filter(|name| !is_known(name));
            let unknown: Vec<String> = unknown.map(|name| clip(&name)).collect();
            if !unknown.is_empty() {
                return unknown;
            }
        }
        let is_known = |name: &str| is_known(name) || (name == "inputs" && self.inputs().is_some());
        match self.at("/buildDefinition/externalParameters", "/invocation/parameters") {
            Some(Value::Object(members)) => {
                let stated =
                    members.iter().filter(|(_, value)| !vocabulary::has_no_value(value)).map(|(name, _)| name.as_str());
                stated.filter(|name| !is_known(name)).map(clip).collect()
            }
            Some(other) if !vocabulary::has_no_value(other) => vec!["that have no names".to_owned()],
            _ => vec![],
        }
    }

    /// The declared inputs of our own workflows, which one by one have to be known.
    fn inputs(&self) -> Option<&'a serde_json::Map<String, Value>> {
        let ours = [vocabulary::SEAL_WORKFLOW, vocabulary::SEALED];
        self.build_type().filter(|build_type| ours.contains(build_type))?;
        self.signed.statement.predicate.pointer("/buildDefinition/externalParameters/inputs")?.as_object()
    }

    /// The repository that was built from, at GitHub `owner/name`.
    fn repository(&self) -> Option<&'a str> {
        let stated = self.at("/buildDefinition/externalParameters/workflow/repository", "/invocation/configSource/uri");
        let uri = stated.and_then(Value::as_str).or_else(|| self.dependency()?.get("uri")?.as_str())?;
        let uri = uri.strip_prefix("git+").unwrap_or(uri);
        let path = uri.strip_prefix("https://github.com/").unwrap_or(uri);
        Some(path.split_once('@').map_or(path, |(path, _)| path))
    }

    /// The commit that was built from.
    fn commit(&self) -> Option<&'a str> {
        let digest = match self.shape {
            Shape::V0_2 => self.signed.statement.predicate.pointer("/invocation/configSource/digest")?,
            Shape::V1 => self.dependency()?.get("digest")?,
        };
        digest.get("gitCommit").or_else(|| digest.get("sha1"))?.as_str()
    }

    /// The first of the dependencies that is a git repository: the source that was built (actions/toolkit,
    /// `packages/attest/src/provenance.ts`).
    fn dependency(&self) -> Option<&'a Value> {
        let all = self.at("/buildDefinition/resolvedDependencies", "/materials")?.as_array()?;
        all.iter().find(|one| one.get("uri").and_then(Value::as_str).is_some_and(|uri| uri.starts_with("git+")))
    }

    /// By the trust file where that names a repository, and by the certificate, which the signer cannot choose.
    fn source(&self, rule: Option<&SourceRule>) -> Check {
        let info = check::PROVENANCE_SOURCE;
        let certified = match &self.signed.signer {
            VerifiedSigner::Certificate { claims, .. } => NamedClaims::from(claims.as_ref()),
            VerifiedSigner::Key { .. } => NamedClaims::default(),
        };
        let demanded = rule.and_then(|rule| rule.repository.as_deref());
        let repository = self.repository();
        let id = self.signed.statement.predicate.pointer("/buildDefinition/internalParameters/github/repository_id");
        let wanted_id = rule.and_then(|rule| rule.repository_id).map(|id| id.to_string());
        // What is not stated is no contradiction, unless the trust file wants to hear it.
        let differs = |stated: Option<&str>, expected: Option<&str>| {
            stated.zip(expected).is_some_and(|(stated, expected)| stated != expected)
        };
        let wrong = |what: &str, found: Option<&str>, expected: Option<&str>| {
            let why =
                format!("the provenance names the {what} {}, expected {}", shown(found), expected.unwrap_or_default());
            Check::when(info, false, why)
        };
        if demanded.is_some() && repository != demanded {
            return wrong("repository", repository, demanded);
        }
        if differs(repository, certified.repository) {
            return wrong("repository", repository, certified.repository);
        }
        if differs(self.commit(), certified.commit) {
            return wrong("commit", self.commit(), certified.commit);
        }
        let id = id.and_then(Value::as_str);
        if differs(id, wanted_id.as_deref()) {
            return wrong("repository id", id, wanted_id.as_deref());
        }
        let compared = demanded.or(repository.and(certified.repository)).is_some();
        if compared { Check::new(info, Outcome::Passed) } else { nothing_to_compare(info) }
    }

    /// 0 for keys and people. 2 for a CI workload whose certificate names the builder that the provenance names. More only for
    /// a reusable workflow that the trust file pins, called by another one on a machine of the platform, whose text is known to
    /// keep the build from its caller (SLSA v1.2, Build L3, "Isolated"): one that we read, or that the trust file's author did.
    fn level(&self, identity: &BuilderIdentity) -> Level {
        let VerifiedSigner::Certificate { claims, .. } = &self.signed.signer else {
            return Level::new(0, "a key says nothing about who builds");
        };
        let Some(signer) = claims.build_signer_uri.as_deref() else {
            return Level::new(0, "the certificate names no workload");
        };
        if self.builder() != Some(signer) {
            return Level::new(
                0,
                format!("the provenance names the builder {}, and its signer is another", shown(self.builder())),
            );
        }
        let stated = match identity {
            BuilderIdentity::Keyless(rule) => match &rule.subject {
                SubjectRule::Workflow { level, .. } => *level,
                _ => return Level::new(2, "the trust file names no `workflow` with its tags or commits"),
            },
            BuilderIdentity::Key(_) => return Level::new(2, "the trust file names no workflow"),
        };
        if claims.build_config_uri.as_deref().is_none_or(|config| config == signer) {
            return Level::new(2, "the workflow that signed was not called by another one");
        }
        if claims.runner_environment.as_deref() != Some(Runner::GithubHosted.word()) {
            return Level::new(2, "it did not run on a machine of the platform");
        }
        if self.build_type().is_some_and(|build_type| GENERATORS.contains(&build_type)) {
            return Level::new(2, "a generator takes the digest from its caller, who built the image");
        }
        match (known_builder(signer), stated) {
            (Some(known), stated) => {
                Level::new(stated.map_or(known.level, |stated| stated.min(known.level)), known.why)
            }
            (None, Some(stated)) => Level::new(stated, "the trust file says so of this workflow"),
            (None, None) => {
                Level::new(2, "nothing is known about what this workflow does; `level` beside its path says it")
            }
        }
    }
}

fn nothing_to_compare(info: CheckInfo) -> Check {
    Check::new(info, Outcome::NotChecked("neither the trust file nor a certificate names a repository".into()))
}

#[cfg(test)]
mod tests {
    use sealwright_bundle::Statement;
    use sealwright_core::Digest;
    use sealwright_policy::{KeyRule, KeylessRule};
    use serde_json::json;
    use sigstore_crypto::FulcioCiClaims;

    use super::*;

    const SIGNER: &str = "https://github.com/sealwright/sealwright/.github/workflows/seal.yml@refs/tags/v1";
    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    fn keyless(subject: SubjectRule) -> BuilderIdentity {
        BuilderIdentity::Keyless(KeylessRule { issuer: "i".into(), subject, runner: None, triggers: vec![] })
    }

    fn pinned() -> BuilderIdentity {
        workflow_rule("sealwright/sealwright/.github/workflows/seal.yml", None)
    }

    fn workflow_rule(path: &str, level: Option<u8>) -> BuilderIdentity {
        let tags = vec!["v1".parse().expect("tag")];
        keyless(SubjectRule::Workflow { path: path.into(), tags, commits: vec![], level })
    }

    fn of_type(predicate_type: &str, predicate: Value, signer: VerifiedSigner) -> Signed {
        let statement = Statement::new(vec![], predicate_type, predicate);
        Signed { statement, digest: Digest::of(b""), signer, time: None, vouchers: Default::default() }
    }

    fn by_builder(builder: &str, signer: VerifiedSigner) -> Signed {
        of_type(types::PROVENANCE, json!({ "runDetails": { "builder": { "id": builder } } }), signer)
    }

    fn level(signed: &Signed, identity: &BuilderIdentity) -> u8 {
        Provenance::of(signed).expect("provenance").level(identity).value
    }

    fn workload(change: impl Fn(&mut FulcioCiClaims)) -> VerifiedSigner {
        let mut claims = FulcioCiClaims::default();
        claims.build_signer_uri = Some(SIGNER.into());
        claims.build_config_uri = Some("https://github.com/acme/shop/.github/workflows/ci.yml@refs/heads/main".into());
        claims.runner_environment = Some("github-hosted".into());
        claims.source_repository_uri = Some("https://github.com/acme/shop".into());
        claims.source_repository_digest = Some(COMMIT.into());
        change(&mut claims);
        VerifiedSigner::Certificate { identity: SIGNER.into(), issuer: "i".into(), claims: Box::new(claims) }
    }

    fn v1() -> Value {
        json!({
            "buildDefinition": {
                "buildType": vocabulary::GITHUB_WORKFLOW,
                "externalParameters": { "workflow": { "repository": "https://github.com/acme/shop", "ref": "refs/heads/main" } },
                "internalParameters": { "github": { "repository_id": "7" } },
                "resolvedDependencies": [
                    { "uri": "https://example.com/base.tar" },
                    { "uri": "git+https://github.com/acme/shop@refs/heads/main", "digest": { "gitCommit": COMMIT } },
                ],
            },
            "runDetails": { "builder": { "id": SIGNER } },
        })
    }

    /// As slsa-github-generator writes it.
    fn v0_2() -> Value {
        json!({
            "buildType": GENERATORS[0],
            "builder": { "id": SIGNER },
            "invocation": {
                "configSource": {
                    "uri": "git+https://github.com/acme/shop@refs/heads/main",
                    "digest": { "sha1": COMMIT }, "entryPoint": ".github/workflows/ci.yml",
                },
                "parameters": {},
                "environment": { "github_event_name": "push" },
            },
            "materials": [],
        })
    }

    fn both() -> [(&'static str, Value); 2] {
        [(types::PROVENANCE, v1()), (types::PROVENANCE_V0_2, v0_2())]
    }

    fn source(repository: Option<&str>) -> SourceRule {
        SourceRule { repository: repository.map(str::to_owned), repository_id: Some(7), owner_id: None, refs: vec![] }
    }

    fn failures(statements: &[Signed], source: Option<&SourceRule>, accepted: &[&str]) -> Vec<(&'static str, String)> {
        let parameters = accepted.iter().map(|name| (*name).to_owned()).collect();
        let rule = ProvenanceRule { required: true, level: 2, parameters };
        let (checks, _) = checks(statements.iter(), &Rules { rule: &rule, source, identity: &pinned() });
        let why = |check: Check| match check.outcome {
            Outcome::Failed(why) => Some((check.name, why)),
            _ => None,
        };
        checks.into_iter().filter_map(why).collect()
    }

    #[test]
    fn level_three_is_a_pinned_reusable_workflow_on_a_hosted_runner() {
        assert_eq!(level(&by_builder(SIGNER, workload(|_| {})), &pinned()), 3);
        let exact = keyless(SubjectRule::Exact(SIGNER.into()));
        assert_eq!(level(&by_builder(SIGNER, workload(|_| {})), &exact), 2, "not pinned by tag or commit");
        type Change = fn(&mut FulcioCiClaims);
        let lesser: [(Change, &str); 4] = [
            (|c| c.build_config_uri = Some(SIGNER.into()), "not called by another workflow"),
            (|c| c.build_config_uri = None, "not known whether it was called"),
            (|c| c.runner_environment = Some("self-hosted".into()), "self-hosted"),
            (|c| c.runner_environment = None, "unknown machine"),
        ];
        for (change, why) in lesser {
            assert_eq!(level(&by_builder(SIGNER, workload(change)), &pinned()), 2, "{why}");
        }
        for generator in GENERATORS {
            let mut predicate = v0_2();
            predicate["buildType"] = json!(generator);
            let signed = of_type(types::PROVENANCE_V0_2, predicate, workload(|_| {}));
            assert_eq!(level(&signed, &pinned()), 2, "the build is not the generator's");
        }
    }

    #[test]
    fn a_level_is_of_a_workflow_that_somebody_read() {
        for (path, stated, expected, why) in [
            ("sealwright/sealwright/.github/workflows/seal.yml", Some(1), 1, "a trust file may think less of it"),
            ("sealwright/sealwright/.github/workflows/seal-existing.yml", None, 2, "it does not build"),
            ("sealwright/sealwright/.github/workflows/seal-existing.yml", Some(3), 2, "nor if a trust file says so"),
            ("acme/builders/.github/workflows/build.yml", None, 2, "nobody knows"),
            ("acme/builders/.github/workflows/build.yml", Some(3), 3, "its owner knows"),
        ] {
            let signer = format!("https://github.com/{path}@refs/tags/v1");
            let by = workload(|_| {});
            let VerifiedSigner::Certificate { identity, issuer, mut claims } = by else { panic!("a workload") };
            claims.build_signer_uri = Some(signer.clone());
            let signed = by_builder(&signer, VerifiedSigner::Certificate { identity, issuer, claims });
            assert_eq!(level(&signed, &workflow_rule(path, stated)), expected, "{path}: {why}");
        }
    }

    #[test]
    fn declared_inputs_have_to_be_known_one_by_one() {
        let signed = |inputs: Value| {
            let mut predicate = v1();
            predicate["buildDefinition"]["buildType"] = json!(vocabulary::SEAL_WORKFLOW);
            predicate["buildDefinition"]["externalParameters"]["inputs"] = inputs;
            [of_type(types::PROVENANCE, predicate, workload(|_| {}))]
        };
        let known = vocabulary::SEAL_INPUTS[0];
        assert_eq!(failures(&signed(json!({ known: "x", "new": "" })), None, &[]), []);
        let unknown = signed(json!({ known: "x", "evil": "y" }));
        let [(name, why)] = failures(&unknown, None, &[]).try_into().expect("one");
        assert!(name == "provenance-parameters" && why.contains("inputs.evil"), "{why}");
        assert_eq!(failures(&unknown, None, &["inputs.evil"]), []);
        assert_eq!(failures(&signed(json!("text")), None, &[]).len(), 1, "no object");
    }

    #[test]
    fn level_zero_is_everybody_else() {
        let key = VerifiedSigner::Key { fingerprint: Digest::of(b"key") };
        let by_key = BuilderIdentity::Key(KeyRule { file: "cosign.pub".into() });
        assert_eq!(level(&by_builder(SIGNER, key), &by_key), 0);
        assert_eq!(level(&by_builder(SIGNER, workload(|c| c.build_signer_uri = None)), &pinned()), 0, "a person");
        let other = "https://github.com/sealwright/sealwright/.github/workflows/seal.yml@refs/tags/v2";
        assert_eq!(level(&by_builder(other, workload(|_| {})), &pinned()), 0, "another builder than it says");
    }

    #[test]
    fn both_shapes_name_builder_and_source_and_both_are_compared() {
        for (kind, right) in both() {
            let signed = |predicate| [of_type(kind, predicate, workload(|_| {}))];
            let rule = source(Some("acme/shop"));
            assert_eq!(failures(&signed(right.clone()), Some(&rule), &[]), [], "{kind}");
            assert_eq!(failures(&signed(right.clone()), None, &[]), [], "{kind}");
            let other = source(Some("acme/lab"));
            let why = "the provenance names the repository \"acme/shop\", expected acme/lab";
            let expected = [("provenance-source", why.to_owned())];
            assert_eq!(failures(&signed(right.clone()), Some(&other), &[]), expected);
            let mut nobody = right;
            let id = if kind == types::PROVENANCE { "/runDetails/builder/id" } else { "/builder/id" };
            *nobody.pointer_mut(id).expect(id) = json!("");
            let names: Vec<_> = failures(&signed(nobody), Some(&rule), &[]).into_iter().map(|(name, _)| name).collect();
            assert_eq!(names, ["provenance", "provenance-level"]);
        }
    }

    #[test]
    fn what_the_certificate_claims_the_provenance_cannot_say_otherwise() {
        type Change = fn(&mut FulcioCiClaims);
        let changes: [(Change, &str); 2] = [
            (
                |c| c.source_repository_uri = Some("https://github.com/acme/lab".into()),
                "repository \"acme/shop\", expected acme/lab",
            ),
            (
                |c| c.source_repository_digest = Some("ab".into()),
                "commit \"0123456789abcdef0123456789abcdef01234567\", expected ab",
            ),
        ];
        for (kind, right) in both() {
            for (change, what) in changes {
                let signed = [of_type(kind, right.clone(), workload(change))];
                let why = format!("the provenance names the {what}");
                assert_eq!(failures(&signed, None, &[]), [("provenance-source", why)], "{kind}");
            }
        }
        let mut renamed = v1();
        renamed["buildDefinition"]["internalParameters"]["github"]["repository_id"] = json!("8");
        let why = "the provenance names the repository id \"8\", expected 7".to_owned();
        let signed = [of_type(types::PROVENANCE, renamed, workload(|_| {}))];
        assert_eq!(failures(&signed, Some(&source(None)), &[]), [("provenance-source", why)]);
    }

    #[test]
    fn a_source_that_is_asked_for_has_to_be_named() {
        let mut silent = v1();
        silent["buildDefinition"]["externalParameters"] = json!({});
        silent["buildDefinition"]["resolvedDependencies"] = json!([]);
        let signed = [of_type(types::PROVENANCE, silent.clone(), workload(|_| {}))];
        let why = "the provenance names the repository not stated, expected acme/shop".to_owned();
        assert_eq!(failures(&signed, Some(&source(Some("acme/shop"))), &[]), [("provenance-source", why)]);
        assert_eq!(failures(&signed, None, &[]), []);
        // Without a workflow the git repository among the dependencies is the source.
        let mut by_dependency = v1();
        by_dependency["buildDefinition"]["externalParameters"] = json!({});
        let signed = [of_type(types::PROVENANCE, by_dependency, workload(|_| {}))];
        assert_eq!(failures(&signed, Some(&source(Some("acme/shop"))), &[]), []);
    }

    #[test]
    fn external_parameters_that_nobody_knows_are_refused_unless_the_trust_file_lists_them() {
        for (kind, right) in both() {
            let at = if kind == types::PROVENANCE {
                "/buildDefinition/externalParameters"
            } else {
                "/invocation/parameters"
            };
            let with = |name: &str, value: Value| {
                let mut predicate = right.clone();
                predicate.pointer_mut(at).expect(at)[name] = value;
                [of_type(kind, predicate, workload(|_| {}))]
            };
            for value in [json!({ "debug": "true" }), json!("x"), json!(["x"]), json!(false), json!(0)] {
                let failed = failures(&with("inputs", value.clone()), None, &["vars"]);
                assert_eq!(failed.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["provenance-parameters"]);
                assert!(failed[0].1.contains("parameters inputs, which"), "{failed:?}");
                assert_eq!(failures(&with("inputs", value), None, &["inputs"]), []);
            }
            for empty in [json!({}), json!(null), json!(""), json!([])] {
                assert_eq!(failures(&with("inputs", empty), None, &[]), [], "what is empty changes nothing");
            }
            let mut nameless = right.clone();
            *nameless.pointer_mut(at).expect(at) = json!(["--debug"]);
            let failed = failures(&[of_type(kind, nameless, workload(|_| {}))], None, &["inputs"]);
            assert!(failed.iter().any(|(name, _)| *name == "provenance-parameters"), "{failed:?}");
        }
        // `workflow` is known of GitHub's build type only.
        let mut other = v1();
        other["buildDefinition"]["buildType"] = json!("https://example.com/build/v1");
        let failed = failures(&[of_type(types::PROVENANCE, other.clone(), workload(|_| {}))], None, &[]);
        assert!(
            failed[0].1.contains("parameters workflow, which neither its build type \"https://example.com"),
            "{failed:?}"
        );
        assert_eq!(failures(&[of_type(types::PROVENANCE, other, workload(|_| {}))], None, &["workflow"]), []);
    }

    #[test]
    fn two_halves_are_no_whole() {
        let mut parameters = v1();
        parameters["buildDefinition"]["externalParameters"]["inputs"] = json!({ "debug": "true" });
        let mut builder = v1();
        builder["runDetails"]["builder"]["id"] = json!("https://example.com");
        let halves = [parameters, builder].map(|half| of_type(types::PROVENANCE, half, workload(|_| {})));
        assert_eq!(failures(&halves, None, &[]).len(), 1);
        let mut whole = halves.to_vec();
        whole.push(of_type(types::PROVENANCE, v1(), workload(|_| {})));
        assert_eq!(failures(&whole, None, &[]), []);
    }
}
