//! What the golden files do not show: refused images, indexes, builders without claims.

use std::collections::BTreeMap;

use sealwright_attest::{ProvenBuilder, ProvenanceInput, SourceIdentity, annotated_signature, provenance, signature};
use sealwright_bundle::STATEMENT_V1;
use sealwright_bundle::vocabulary::{GITHUB_WORKFLOW, SEAL_WORKFLOW, SEALED};
use sealwright_core::{Decision, Digest, Refused};
use serde_json::{Value, json};

use crate::golden::{decided, finding, passed, proven, scanned, source, subject, workload};

#[test]
fn a_signature_is_what_cosign_writes_with_the_subjects_name() {
    // cosign v3.1.2: Statement v1, one subject with a digest, predicate {}. The name is for PyPI's `sigstore`.
    let statement = signature(&subject(None));
    let hex = Digest::of(b"the image").hex();
    let expected = json!({
        "_type": STATEMENT_V1,
        "subject": [{ "name": subject(None).name, "digest": { "sha256": hex } }],
        "predicateType": "https://sigstore.dev/cosign/sign/v1",
        "predicate": {},
    });
    assert_eq!(serde_json::to_value(&statement).expect("JSON"), expected);
}

#[test]
fn annotations_of_the_signer_cannot_forge_a_source() {
    let forged = BTreeMap::from([
        ("team".to_owned(), "shop".to_owned()),
        ("dev.sealwright.source.repository".to_owned(), "evil/shop".to_owned()),
        ("dev.sealwright.source.ref".to_owned(), "refs/heads/main".to_owned()),
    ]);
    let without = annotated_signature(&subject(None), &forged);
    assert_eq!(without.subject[0].annotations, BTreeMap::from([("team".to_owned(), "shop".to_owned())]));
    let source = SourceIdentity { reference: None, ..source() };
    let with = annotated_signature(&subject(Some(&source)), &forged).subject[0].annotations.clone();
    assert_eq!(with["dev.sealwright.source.repository"], "acme/shop");
    assert!(!with.contains_key("dev.sealwright.source.ref"));
}

#[test]
fn every_statement_names_the_source_that_was_proved() {
    let source = source();
    let subject = subject(Some(&source));
    for statement in [
        signature(&subject),
        scanned(&subject, &passed()),
        decided(&subject, &passed(), &[]),
        proven(&subject, workload()),
        sealwright_attest::cyclonedx(&subject, b"{}").expect("JSON"),
    ] {
        let annotations = &statement.subject[0].annotations;
        for (word, value) in [
            ("repository", "acme/shop"),
            ("repository-id", "123456"),
            ("owner-id", "77"),
            ("ref", "refs/tags/v1.2.3"),
            ("commit", "0123456789abcdef0123456789abcdef01234567"),
        ] {
            assert_eq!(annotations[&format!("dev.sealwright.source.{word}")], value);
        }
    }
}

#[test]
fn a_refused_image_reaches_no_level() {
    let refused = Refused { finding: finding(), rule: "gate.fail-on".into() };
    let decision = Decision::new(vec![refused], vec![], vec![]);
    let statement = decided(&subject(None), &decision, &[]);
    assert_eq!(statement.predicate["verificationResult"], "FAILED");
    assert_eq!(statement.predicate["verifiedLevels"], json!(["FAILED"]));
    let scan = scanned(&subject(None), &decision);
    assert_eq!(scan.predicate["scanner"]["result"]["outcome"], "refuse");
    assert_eq!(scan.predicate["scanner"]["result"]["counts"], json!({ "refused": 1, "waived": 0, "reported": 0 }));
}

#[test]
fn waivers_are_named_in_the_scan_and_in_the_decision() {
    let expected = json!([{
        "id": "CVE-2024-0001",
        "package": "pkg:deb/debian/zlib1g@1%3A1.2.13",
        "rule": "gate.fail-on",
        "reason": "not reachable, see SEC-12",
        "owner": "@sec",
        "expires": "2027-01-31",
    }]);
    let subject = subject(None);
    assert_eq!(scanned(&subject, &passed()).predicate["scanner"]["result"]["waivers"], expected);
    assert_eq!(decided(&subject, &passed(), &[]).predicate["sealwright_waivers"], expected);
}

#[test]
fn the_scan_has_only_members_that_cosign_keeps() {
    // cosign v3.1.2, pkg/cosign/attestation: Invocation, Scanner{DB, Result}, Metadata; what it does not know it drops.
    let predicate = scanned(&subject(None), &passed()).predicate;
    let keys = |pointer: &str| {
        let object = predicate.pointer(pointer).and_then(|v| v.as_object()).expect(pointer);
        object.keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(keys(""), ["invocation", "metadata", "scanner"]);
    assert_eq!(keys("/invocation"), ["builder.id", "event_id", "uri"]);
    assert_eq!(keys("/scanner"), ["db", "result", "uri", "version"]);
    assert_eq!(keys("/scanner/db"), ["uri", "version"]);
    assert_eq!(keys("/metadata"), ["scanFinishedOn", "scanStartedOn"]);
}

#[test]
fn provenance_of_an_index_names_its_images_once() {
    let image = subject(None);
    let children = [image.digest, Digest::of(b"amd64"), Digest::of(b"arm64")];
    let fingerprint = Digest::of(b"key");
    let builder = ProvenBuilder::Key { fingerprint: &fingerprint };
    let input =
        ProvenanceInput { builder, tool_version: "0.1.0", source_name: "oci:x", children: &children, parameters: None };
    let statement = provenance(&image, &input);
    let named: Vec<&str> = statement.subject.iter().map(|s| s.digest["sha256"].as_str()).collect();
    assert_eq!(named, children.map(|d| d.hex()));
}

#[test]
fn a_builder_claims_only_what_was_proved() {
    let fingerprint = Digest::of(b"key");
    let key = ProvenBuilder::Key { fingerprint: &fingerprint };
    let person = ProvenBuilder::Identity { identity: "a@b.example", issuer: "https://accounts.example" };
    assert_eq!(key.id(), format!("https://sealwright.dev/key/sha256/{}", fingerprint.hex()));
    assert_eq!(person.id(), "https://accounts.example#a@b.example");
    assert_eq!((key.level(), person.level(), workload().level()), (0, 0, 3));
    let ProvenBuilder::Workload { builder, workflow, run, .. } = workload() else { panic!("a workload") };
    let lesser = [
        (ProvenBuilder::Workload { builder, workflow, run, hosted: false }, "a machine of its owner"),
        (ProvenBuilder::Workload { builder, workflow: Some(builder), run, hosted: true }, "called by nobody"),
        (ProvenBuilder::Workload { builder, workflow: None, run, hosted: true }, "not known whether it was called"),
        (
            ProvenBuilder::Workload {
                builder: "https://github.com/a/b/.github/workflows/c.yml@v1",
                workflow,
                run,
                hosted: true,
            },
            "not known",
        ),
    ];
    for (builder, why) in lesser {
        assert_eq!(builder.level(), 2, "{why}");
    }
    let source = source();
    for builder in [key, person] {
        let id = builder.id();
        let predicate = proven(&subject(Some(&source)), builder).predicate;
        assert_eq!(predicate["buildDefinition"]["buildType"], SEALED);
        assert_eq!(predicate["buildDefinition"]["externalParameters"], json!({ "source": "oci:image" }));
        assert_eq!(predicate["buildDefinition"]["internalParameters"], json!({ "sealwright": { "version": "0.1.0" } }));
        assert_eq!(predicate["runDetails"], json!({ "builder": { "id": id }, "metadata": {} }));
    }
}

#[test]
fn declared_inputs_are_parameters_beside_the_workflow() {
    let source = source();
    let Value::Object(inputs) = json!({ "context": ".", "build-args": "A=1" }) else { panic!("an object") };
    let input = |builder| ProvenanceInput {
        builder,
        tool_version: "0.1.0",
        source_name: "oci:image",
        children: &[],
        parameters: Some(&inputs),
    };
    let definition = provenance(&subject(Some(&source)), &input(workload())).predicate["buildDefinition"].clone();
    assert_eq!(definition["buildType"], SEAL_WORKFLOW);
    assert_eq!(definition["externalParameters"]["inputs"], json!({ "context": ".", "build-args": "A=1" }));
    assert_eq!(definition["externalParameters"]["workflow"]["path"], ".github/workflows/release.yml");
    let fingerprint = Digest::of(b"key");
    let by_key = provenance(&subject(None), &input(ProvenBuilder::Key { fingerprint: &fingerprint })).predicate;
    assert_eq!(by_key["buildDefinition"]["externalParameters"], json!({ "source": "oci:image", "inputs": inputs }));
}

#[test]
fn a_workload_without_a_workflow_or_a_source_leaves_them_out() {
    let bare = ProvenBuilder::Workload { builder: "https://ci.example/x", workflow: None, run: None, hosted: false };
    let predicate = proven(&subject(None), bare).predicate;
    assert_eq!(predicate["buildDefinition"]["buildType"], GITHUB_WORKFLOW);
    assert_eq!(predicate["buildDefinition"]["externalParameters"], json!({ "workflow": {} }));
    assert_eq!(predicate["buildDefinition"]["resolvedDependencies"], json!([]));
    assert_eq!(predicate["runDetails"]["metadata"], json!({}));
    // Without a commit there is no dependency that could be checked; without a ref it still names the commit.
    let no_commit = SourceIdentity { commit: None, ..source() };
    assert_eq!(
        proven(&subject(Some(&no_commit)), workload()).predicate["buildDefinition"]["resolvedDependencies"],
        json!([])
    );
    let no_ref = SourceIdentity { reference: None, ..source() };
    let dependencies =
        &proven(&subject(Some(&no_ref)), workload()).predicate["buildDefinition"]["resolvedDependencies"];
    assert_eq!(dependencies[0]["uri"], "git+https://github.com/acme/shop");
}
