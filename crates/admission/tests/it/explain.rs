//! What the policies would do with an image, by what is known of it: each denial, and that nothing else denies then.

use jiff::Timestamp;
use sealwright_admission::explain::{Image, Judgment, Known, Outcome, Place, Rules, Stated, Verdict};
use sealwright_admission::render::{Settings, Stage, kyverno};
use sealwright_core::Digest;
use sealwright_policy::Policy;
use serde_json::{Value, json};

use crate::render::{KEY, KEYLESS, with_key};

const SIGNATURE: &str = "https://sigstore.dev/cosign/sign/v1";
const CYCLONEDX: &str = "https://cyclonedx.org/bom";
const PROVENANCE: &str = "https://slsa.dev/provenance/v1";
const DECISION: &str = "https://slsa.dev/verification_summary/v1";
const SCAN: &str = "https://cosign.sigstore.dev/attestation/vuln/v1";
const COMMIT: &str = "3f786850e387550fdab836ed7e6dc881de23001b";
const WORKFLOW: &str = "https://github.com/acme/ci/.github/workflows/seal.yml@refs/tags/v2.1";

fn policy(text: &str) -> Policy {
    sealwright_policy::parse(text.as_bytes(), "file", &|_| Err("none".into())).expect("trust file")
}

fn digest() -> Digest {
    Digest::of(b"image")
}

fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().expect("a time")
}

/// What a seal states, as the builder of a trust file.
fn sealed(policy: &Policy, builder: &str) -> Vec<Stated> {
    let rules = policy.digest();
    let definition = json!({
        "buildType": "https://sealwright.dev/buildtypes/workflow/v1",
        "externalParameters": { "workflow": { "repository": "https://github.com/acme/shop" }, "inputs": { "push": "x" } },
        "internalParameters": { "github": { "repository_id": "123456" } },
        "resolvedDependencies": [{ "uri": "git+https://github.com/acme/shop@refs/heads/main", "digest": { "gitCommit": COMMIT } }],
    });
    let decision = json!({
        "verifier": { "id": "https://sealwright.dev/seal" }, "verificationResult": "PASSED",
        "verifiedLevels": ["SEALWRIGHT_GATE"], "resourceUri": format!("r.example/shop/app@{}", digest()),
        "policy": { "digest": { "sha256": rules.hex() } },
    });
    let scan = json!({
        "scanner": { "result": { "outcome": "pass", "counts": { "refused": 0 }, "policy": { "digest": rules.to_string() } } },
        "metadata": { "scanFinishedOn": "2026-02-27T12:00:00Z" },
    });
    let predicates = [
        (SIGNATURE, json!({})),
        (CYCLONEDX, json!({ "bomFormat": "CycloneDX" })),
        (PROVENANCE, json!({ "buildDefinition": definition, "runDetails": { "builder": { "id": WORKFLOW } } })),
        (DECISION, decision),
        (SCAN, scan),
    ];
    predicates.into_iter().map(|(kind, predicate)| stated(builder, kind, &predicate)).collect()
}

fn stated(builder: &str, kind: &str, predicate: &Value) -> Stated {
    let source = |what: &str| format!("dev.sealwright.source.{what}");
    let subject = json!({
        "digest": { "sha256": digest().hex() },
        "annotations": {
            source("repository"): "acme/shop", source("repository-id"): "123456", source("owner-id"): "7890",
            source("ref"): "refs/heads/main", source("commit"): COMMIT,
        },
    });
    let payload = json!({ "predicateType": kind, "subject": [subject], "predicate": predicate });
    let statement = Digest::of(payload.to_string().as_bytes());
    let (builder, predicate_type) = (builder.to_owned(), kind.to_owned());
    Stated { builder, predicate_type, statement, payload, referrer: Some(Digest::of(statement.hex().as_bytes())) }
}

fn judge_at(policy: &Policy, settings: &Settings, reference: &str, place: Place, known: Known<'_>) -> Judgment {
    let named = reference.rsplit_once('@').map_or_else(digest, |(_, text)| text.parse().expect("digest"));
    let image = Image { reference, place, digest: Some(named), known };
    Rules::new(policy, settings).expect("rules").judge(&image, now())
}

fn judge(policy: &Policy, statements: &[Stated]) -> Judgment {
    let mut settings = with_key();
    settings.keys.insert("other".into(), "another key\n".into());
    judge_at(policy, &settings, "r.example/shop/app:v1", Place::Container, Known::Statements(statements))
}

/// Who denies, and why.
fn denied(judgment: &Judgment) -> Vec<(&'static str, String)> {
    let refusal = |one: &sealwright_admission::explain::PolicyVerdict| match &one.outcome {
        Outcome::Refused { why, next } => {
            assert!(!next.is_empty(), "{} says what to do", one.policy);
            (one.stage == Stage::Deny).then(|| (one.policy, why.join("; ")))
        }
        _ => None,
    };
    judgment.policies.iter().filter_map(refusal).collect()
}

fn names(judgment: &Judgment) -> Vec<&'static str> {
    denied(judgment).into_iter().map(|(name, _)| name).collect()
}

#[test]
fn every_policy_that_is_rendered_is_asked_about_some_image_and_no_other() {
    let text = format!("{KEY}evidence: {{ scan: {{ max-age: 7d }} }}\n");
    let policy = policy(&text);
    let rendered = kyverno(&policy, &with_key()).expect("rendered");
    let mut written: Vec<String> = rendered
        .files
        .iter()
        .filter(|(path, _)| path.ends_with("policy.yaml"))
        .flat_map(|(_, text)| text.lines().filter_map(|line| line.strip_prefix("  name: ")))
        .map(str::to_owned)
        .filter(|name| name != "sealwright-exceptions")
        .collect();
    let statements = sealed(&policy, "by-hand");
    let mut asked: Vec<&str> = Vec::new();
    for place in [Place::Container, Place::EphemeralContainer] {
        let known = Known::Statements(&statements);
        let judgment = judge_at(&policy, &Settings::default(), "r.example/shop/app:v1", place, known);
        assert_eq!((judgment.verdict(), denied(&judgment)), (Verdict::Admitted, vec![]), "{place:?}");
        assert_eq!(judgment.admitted_as, format!("r.example/shop/app:v1@{}", digest()), "its tag becomes the digest");
        assert!(judgment.ambiguities.is_empty());
        asked.extend(judgment.policies.iter().map(|one| one.policy));
    }
    written.sort();
    asked.sort_unstable();
    assert_eq!(asked, written);
}

#[test]
fn evidence_that_is_missing_is_missed_by_its_own_policy() {
    let policy = policy(KEY);
    let all = sealed(&policy, "by-hand");
    for (kind, name, word) in [
        (SIGNATURE, "sealwright-signature", "no signature of by-hand"),
        (CYCLONEDX, "sealwright-sbom", "no CycloneDX SBOM of by-hand"),
        (PROVENANCE, "sealwright-provenance", "no provenance of by-hand"),
        (DECISION, "sealwright-decision", "no decision of by-hand"),
        (SCAN, "sealwright-scan", "no scan of by-hand"),
    ] {
        let rest: Vec<Stated> = all.iter().filter(|one| one.predicate_type != kind).cloned().collect();
        assert_eq!(denied(&judge(&policy, &rest)), [(name, word.to_owned())]);
        // Of somebody else it is as good as missing.
        let mut foreign = all.clone();
        foreign.iter_mut().filter(|one| one.predicate_type == kind).for_each(|one| one.builder = "stranger".into());
        assert_eq!(names(&judge(&policy, &foreign)), [name]);
    }
    assert_eq!(judge(&policy, &[]).verdict(), Verdict::Denied);
}

/// The statement of a type with another value at a place of its predicate, or of the whole.
fn changed(all: &[Stated], kind: &str, pointer: &str, value: Value) -> Vec<Stated> {
    let mut all = all.to_vec();
    let one = all.iter_mut().find(|one| one.predicate_type == kind).expect("a statement");
    let (parent, member) = pointer.rsplit_once('/').expect("a pointer");
    let parent = one.payload.pointer_mut(parent).unwrap_or_else(|| panic!("no {pointer}"));
    parent[member] = value;
    all
}

#[test]
fn every_condition_on_a_payload_is_foretold() {
    let policy = policy(KEYLESS);
    let all = sealed(&policy, "release");
    assert_eq!(denied(&judge(&policy, &all)), []);
    let parameters = "/predicate/buildDefinition/externalParameters";
    let annotation = |what: &str| format!("/subject/0/annotations/dev.sealwright.source.{what}");
    let one = |kind, pointer: &str, value: Value, name, word| (kind, pointer.to_owned(), value, name, word);
    let mut cases = vec![
        one(CYCLONEDX, "/predicate/bomFormat", json!("Other"), "sealwright-sbom", "is no cyclonedx document"),
        one(CYCLONEDX, "/predicate/bomFormat", json!(7), "sealwright-sbom", "is no cyclonedx document"),
        one(DECISION, "/predicate/verifier", json!({}), "sealwright-decision", "of a verifier"),
        one(DECISION, "/predicate/verificationResult", json!("FAILED"), "sealwright-decision", "image is refused"),
        one(DECISION, "/predicate/verifiedLevels", json!(["X"]), "sealwright-decision", "image is refused"),
        one(DECISION, "/predicate/verifiedLevels", json!("SEALWRIGHT_GATE"), "sealwright-decision", "image is refused"),
        one(DECISION, "/predicate/resourceUri", json!("a@sha256:00"), "sealwright-decision", "about another image"),
        one(DECISION, "/predicate/policy/digest/sha256", json!("00"), "sealwright-decision", "by other rules"),
        one(SCAN, "/predicate/scanner/result/outcome", json!("refuse"), "sealwright-scan", "what the rules refuse"),
        one(
            SCAN,
            "/predicate/scanner/result/counts",
            json!({ "refused": 1 }),
            "sealwright-scan",
            "what the rules refuse",
        ),
        one(SCAN, "/predicate/scanner/result/counts", json!({}), "sealwright-scan", "what the rules refuse"),
        one(SCAN, "/predicate/scanner/result/policy", json!({}), "sealwright-scan", "by other rules"),
        one(PROVENANCE, "/predicate/runDetails/builder/id", json!("x"), "sealwright-provenance", "another builder"),
        one(
            PROVENANCE,
            &format!("{parameters}/workflow"),
            json!({ "repository": "https://github.com/mallory/evil" }),
            "sealwright-provenance",
            "another repository",
        ),
        one(
            PROVENANCE,
            "/predicate/buildDefinition/internalParameters",
            json!({ "github": { "repository_id": "7" } }),
            "sealwright-provenance",
            "another id",
        ),
        one(
            PROVENANCE,
            "/predicate/buildDefinition/resolvedDependencies",
            json!([]),
            "sealwright-provenance",
            "another commit",
        ),
        one(
            PROVENANCE,
            &format!("{parameters}/dockerfile"),
            json!("https://evil.example"),
            "sealwright-provenance",
            "not known",
        ),
        one(PROVENANCE, &format!("{parameters}/inputs"), json!({ "evil": "x" }), "sealwright-provenance", "not known"),
        one(PROVENANCE, parameters, json!("x"), "sealwright-provenance", "not known"),
    ];
    let policies = [
        (SIGNATURE, "sealwright-signature"),
        (CYCLONEDX, "sealwright-sbom"),
        (PROVENANCE, "sealwright-provenance"),
        (DECISION, "sealwright-decision"),
        (SCAN, "sealwright-scan"),
    ];
    for (kind, name) in policies {
        for (what, value) in [
            ("repository", "mallory/evil"),
            ("repository-id", "7"),
            ("owner-id", "7"),
            ("ref", "refs/heads/evil"),
            ("commit", "main"),
        ] {
            cases.push((kind, annotation(what), json!(value), name, "names another source"));
        }
        cases.push((kind, "/subject/0/digest".to_owned(), json!({ "sha256": "00" }), name, "names another source"));
    }
    for (kind, pointer, value, name, word) in cases {
        let judgment = judge(&policy, &changed(&all, kind, &pointer, value.clone()));
        let refused = denied(&judgment);
        assert!(
            matches!(refused.as_slice(), [(own, why)] if *own == name && why.contains(word)),
            "{pointer} {value}: {refused:?}"
        );
    }
    // What is empty, known or accepted changes nothing.
    for (pointer, value) in [
        (format!("{parameters}/dockerfile"), json!("")),
        (format!("{parameters}/inputs"), json!({ "evil": [], "policy": "x" })),
        (format!("{parameters}/workflow"), json!({})),
        ("/predicate/buildDefinition/internalParameters".to_owned(), json!({})),
    ] {
        assert_eq!(denied(&judge(&policy, &changed(&all, PROVENANCE, &pointer, value))), [], "{pointer}");
    }
    let older = Digest::of(b"older rules");
    let replaced = policy_with(KEYLESS, &format!("decision: {{ policies: [\"{older}\"] }}"));
    let mut old = sealed(&replaced, "release");
    old = changed(&old, DECISION, "/predicate/policy/digest/sha256", json!(older.hex()));
    old = changed(&old, SCAN, "/predicate/scanner/result/policy/digest", json!(older.to_string()));
    assert_eq!(denied(&judge(&replaced, &old)), []);
}

fn policy_with(trust_file: &str, evidence: &str) -> Policy {
    policy(&format!("{trust_file}evidence: {{ {evidence} }}\n"))
}

#[test]
fn a_level_is_read_from_the_decision_and_spdx_by_its_own_type() {
    let policy = policy_with(KEYLESS, "provenance: { level: 2 }, sbom: { formats: [cyclonedx, spdx] }");
    let mut all = sealed(&policy, "release");
    all.push(stated("release", "https://spdx.dev/Document", &json!({ "spdxVersion": "SPDX-2.3" })));
    let refused = denied(&judge(&policy, &all));
    assert!(
        matches!(refused.as_slice(), [("sealwright-decision", why)] if why.contains("lower SLSA build level than 2")),
        "{refused:?}"
    );
    all = changed(&all, DECISION, "/predicate/verifiedLevels", json!(["SEALWRIGHT_GATE", "SLSA_BUILD_LEVEL_3"]));
    assert_eq!(denied(&judge(&policy, &all)), []);
    all.last_mut().expect("SPDX").predicate_type = "https://spdx.dev/Document/v2.3".to_owned();
    assert_eq!(denied(&judge(&policy, &all)), [("sealwright-sbom", "no SPDX SBOM of release".to_owned())]);
}

#[test]
fn without_a_source_the_subject_is_still_compared() {
    let policy = policy(KEY);
    let all = sealed(&policy, "by-hand");
    for (kind, name) in [(SIGNATURE, "sealwright-signature"), (SCAN, "sealwright-scan")] {
        let other = changed(&all, kind, "/subject/0/digest", json!({ "sha256": Digest::of(b"other").hex() }));
        let refused = denied(&judge(&policy, &other));
        assert!(matches!(refused.as_slice(), [(own, why)] if *own == name && why.contains("about another image")));
    }
}

#[test]
fn an_old_scan_is_reported_and_does_not_deny() {
    let policy = policy_with(KEY, "scan: { max-age: 2d }");
    let all = sealed(&policy, "by-hand");
    for (finished, passes) in [
        ("2026-02-27T12:00:01Z", true),
        ("2026-02-27T12:00:00Z", false),
        ("2026-03-01T12:04:59Z", true),
        ("2026-03-01T12:05:00Z", false),
        ("yesterday", false),
    ] {
        let judgment = judge(&policy, &changed(&all, SCAN, "/predicate/metadata/scanFinishedOn", json!(finished)));
        let age = judgment.policies.iter().find(|one| one.policy == "sealwright-scan-age").expect("asked");
        assert_eq!((age.stage, age.outcome == Outcome::Passed), (Stage::Audit, passes), "{finished}");
        assert_eq!(judgment.verdict(), Verdict::Admitted);
    }
}

#[test]
fn an_image_is_judged_by_its_reference_as_the_pod_has_it() {
    let policy = policy(KEY);
    let also = vec!["registry.k8s.io/**".parse().expect("pattern")];
    let settings = Settings { also_allowed: also, revoked: vec![Digest::of(b"bad")], ..Settings::default() };
    let all = sealed(&policy, "by-hand");
    let good = digest();
    for (reference, place, expected) in [
        ("r.example/shop/app:v1", Place::Container, &[][..]),
        ("r.example/shop/app", Place::Container, &[]),
        ("nginx:1.29", Place::Container, &["sealwright-digest", "sealwright-registries"]),
        ("r.example/shop-evil/app:v1", Place::Container, &["sealwright-digest", "sealwright-registries"]),
        ("registry.k8s.io/pause:3.10", Place::Container, &["sealwright-digest"]),
        (&format!("registry.k8s.io/pause:3.10@{good}"), Place::Container, &[]),
        (&format!("registry.k8s.io/pause@{}", Digest::of(b"bad")), Place::Container, &["sealwright-revoked"]),
        (&format!("r.example/shop/app@{good}"), Place::Volume, &[]),
        ("registry.k8s.io/pause:3.10", Place::EphemeralContainer, &["sealwright-ephemeral-references"]),
        ("r.example/shop/app:v1", Place::EphemeralContainer, &[]),
        ("", Place::Container, &["sealwright-digest", "sealwright-registries"]),
    ] {
        let judgment = judge_at(&policy, &settings, reference, place, Known::Statements(&all));
        assert_eq!(names(&judgment), expected, "{reference} {place:?}");
        let asked =
            judgment.policies.iter().any(|one| one.policy.contains("evidence") && one.outcome != Outcome::NotAsked);
        assert_eq!(
            asked,
            place == Place::EphemeralContainer && reference.starts_with("r.example/shop/"),
            "{reference}"
        );
    }
    // The mutating webhook pins no image volume: every policy that asks for evidence refuses a tag then, too.
    let volume = judge_at(&policy, &settings, "r.example/shop/app:v1", Place::Volume, Known::Statements(&all));
    let refused = denied(&volume);
    assert!(refused.iter().any(|(name, _)| *name == "sealwright-digest"), "{refused:?}");
    assert!(
        refused.iter().any(|(name, why)| *name == "sealwright-signature" && why.contains("image volume")),
        "{refused:?}"
    );
    // A revoked digest by its tag is pinned first.
    let revoked = Settings { revoked: vec![good], ..settings };
    let judgment = judge_at(&policy, &revoked, "r.example/shop/app:v1", Place::Container, Known::Statements(&all));
    assert_eq!(names(&judgment), ["sealwright-revoked"]);
    // Without `images` everything has to have evidence, and nothing is listed.
    let everything = self::policy(&KEY.replace("images: [\"r.example/shop/**\"]\n", ""));
    let judgment = judge_at(&everything, &Settings::default(), "nginx:1.29", Place::Container, Known::Statements(&[]));
    assert!(names(&judgment).contains(&"sealwright-signature") && !names(&judgment).contains(&"sealwright-registries"));
}

#[test]
fn what_could_not_be_read_is_no_verdict_of_those_who_would_have_to_read_it() {
    let policy = policy(KEY);
    let unread = Known::Nothing("the registry answered 503");
    let known = judge_at(&policy, &Settings::default(), "r.example/shop/app:v1", Place::Container, unread);
    assert_eq!((known.verdict(), denied(&known)), (Verdict::Unknown, vec![]));
    let elsewhere = judge_at(&policy, &Settings::default(), "nginx:1.29", Place::Container, unread);
    assert_eq!(elsewhere.verdict(), Verdict::Denied, "its reference is enough");
    let rules = Rules::new(&policy, &Settings::default()).expect("rules");
    let image = Image { reference: "r.example/shop/app:v1", place: Place::Container, digest: None, known: unread };
    let judged = rules.judge(&image, now());
    assert_eq!((judged.verdict(), denied(&judged)), (Verdict::Unknown, vec![]), "its tag would become a digest");
    let volume = Image { place: Place::Volume, ..image };
    assert_eq!(rules.judge(&volume, now()).verdict(), Verdict::Denied, "that of a volume does not");
}

#[test]
fn of_several_statements_the_last_one_counts_and_the_ambiguity_is_named() {
    let policy = policy(KEY);
    let all = sealed(&policy, "by-hand");
    let clean = all.iter().find(|one| one.predicate_type == SCAN).expect("a scan").clone();
    let mut failing =
        changed(std::slice::from_ref(&clean), SCAN, "/predicate/scanner/result/outcome", json!("refuse")).remove(0);
    failing.statement = Digest::of(b"failing");
    failing.referrer = Some(Digest::of(b"its referrer"));
    let last = judge(&policy, &[&all[..], &[failing.clone()]].concat());
    assert_eq!(names(&last), ["sealwright-scan"]);
    let first = judge(&policy, &[&[failing.clone()], &all[..]].concat());
    assert_eq!(names(&first), [] as [&str; 0]);
    for (judgment, counts, other) in [(&last, &failing, &clean), (&first, &clean, &failing)] {
        let [one] = judgment.ambiguities.as_slice() else { panic!("{:?}", judgment.ambiguities) };
        assert_eq!((one.builder.as_str(), one.predicate_type, one.count, one.refused), ("by-hand", SCAN, 2, 1));
        assert_eq!((one.counts, &one.others[..]), (counts.referrer, &[other.referrer.expect("a referrer")][..]));
        assert!(
            one.told().contains("2 statements of the type scan by by-hand") && one.told().contains("order"),
            "{}",
            one.told()
        );
        assert!(one.next().contains(&one.others[0].to_string()), "{}", one.next());
    }
    // Two that both pass are named too; one that was signed twice is one; somebody else's do not count.
    let mut again = clean.clone();
    again.statement = Digest::of(b"again");
    let both = judge(&policy, &[&all[..], &[again]].concat());
    assert_eq!((both.verdict(), both.ambiguities.len(), both.ambiguities[0].refused), (Verdict::Admitted, 1, 0));
    assert_eq!(judge(&policy, &[&all[..], std::slice::from_ref(&clean)].concat()).ambiguities, []);
    let foreign = Stated { builder: "stranger".to_owned(), ..failing };
    assert_eq!(judge(&policy, &[&all[..], &[foreign]].concat()).ambiguities, []);
}

#[test]
fn a_threshold_counts_builders_and_any_of_several_is_enough_without_one() {
    let two = KEY.replace(
        "builders: [{ name: by-hand, key: key.pub, transparency: none }]",
        "builders:\n  - { name: by-hand, key: key.pub, transparency: none }\n  - { name: other, key: other.pub, transparency: none, evidence: { sbom: { required: false } } }",
    );
    let any = policy(&two);
    let mut mixed = sealed(&any, "by-hand");
    mixed
        .iter_mut()
        .filter(|one| [SIGNATURE, CYCLONEDX].contains(&one.predicate_type.as_str()))
        .for_each(|one| one.builder = "other".into());
    assert_eq!(denied(&judge(&any, &mixed)), [], "statements of several builders count together");
    mixed.retain(|one| one.predicate_type != SIGNATURE);
    let refused = denied(&judge(&any, &mixed));
    assert_eq!(refused[0], ("sealwright-signature", "no signature of by-hand; no signature of other".to_owned()));
    assert!(
        refused[1].0 == "sealwright-sbom" && refused[1].1.contains("no signature of other"),
        "known by its signature: {refused:?}"
    );

    let both = policy_with(&two, "signature: { threshold: 2 }");
    let one = sealed(&both, "by-hand");
    let refused = denied(&judge(&both, &one));
    assert!(
        matches!(refused.as_slice(), [("sealwright-signature", why)] if why.contains("2 builders have to have signed, 1 of 2 have; no signature of other")),
        "{refused:?}"
    );
    let second = stated("other", SIGNATURE, &json!({}));
    assert_eq!(denied(&judge(&both, &[&one[..], &[second]].concat())), []);
}

#[test]
fn a_trust_file_that_cannot_be_rendered_is_not_explained_either() {
    let built_in = Policy::built_in();
    let refused = |policy: &Policy, settings: &Settings| match Rules::new(policy, settings) {
        Ok(_) => panic!("it is explained"),
        Err(why) => why.to_string(),
    };
    assert!(refused(&built_in, &Settings::default()).contains("names no builders"));
    let regexp = KEYLESS.replace(
        "workflow: { path: acme/ci/.github/workflows/seal.yml, tags: [\"v2.*\"], commits: [3f786850e387550fdab836ed7e6dc881de23001b] }",
        "identity-regexp: '^https://github\\.com/acme/[a-z&&[^x]]+/x$'",
    );
    let regexp = format!("{regexp}evidence: {{ provenance: {{ required: false }} }}\n");
    assert!(refused(&policy(&regexp), &Settings::default()).contains("means something else in Kyverno"));
    let twice = KEY.replace(
        "builders: [{ name: by-hand, key: key.pub, transparency: none }]",
        "builders:\n  - { name: by-hand, key: key.pub, transparency: none }\n  - { name: again, key: again.pub, transparency: none }",
    );
    let mut settings = with_key();
    settings.keys.insert("again".into(), settings.keys["by-hand"].clone());
    assert!(refused(&policy_with(&twice, "signature: { threshold: 2 }"), &settings).contains("are one signer"));
}
