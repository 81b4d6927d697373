//! `policy render`: the folder that is written, what is told, and what is refused.

use sealwright_core::bounded::read_file;

use crate::scene::Scene;

const RENDER: [&str; 6] = ["policy", "render", "--policy", "policy.yaml", "-o", "out"];

fn text(scene: &Scene, name: &str) -> String {
    String::from_utf8(read_file(&scene.path().join(name), 1 << 20).expect(name)).expect("text")
}

#[test]
fn a_trust_file_becomes_a_tree_for_kustomize_that_is_the_same_each_time() {
    let scene = Scene::new();
    scene.run(&RENDER).expect(0, &["warning", "it has no `source`", "last one that the registry lists"]);
    let read = |name: &str| text(&scene, &format!("out/{name}"));
    let signature = read("base/signature/policy.yaml");
    let key = text(&scene, "key.pub");
    for line in key.lines() {
        assert!(signature.contains(line), "the key stands in the policy:\n{signature}");
    }
    let base = read("base/kustomization.yaml");
    assert!(base.contains("- signature/policy.yaml") && base.contains("- exceptions/policy.yaml"), "{base}");
    assert!(read("overlays/audit/kustomization.yaml").contains("value: [Audit]"));
    scene.run(&RENDER).expect(0, &[]);
    assert_eq!(read("base/signature/policy.yaml"), signature);
}

#[test]
fn a_chart_lists_its_policies_so_that_none_of_an_earlier_trust_file_is_installed() {
    let scene = Scene::new();
    let helm = [&RENDER[..], &["--format", "helm"]].concat();
    scene.run(&helm).expect(0, &["files written to out"]);
    let list = || text(&scene, "out/templates/policies.yaml");
    assert!(
        list().contains("(list \"Audit\" \"Deny\")")
            && list().contains("list \"sealwright-signature\" \"sealwright-sbom\"")
    );
    assert!(text(&scene, "out/policies/sealwright-sbom.yaml").contains("kind: ImageValidatingPolicy"));
    scene.write("policy.yaml", format!("{}evidence: {{ sbom: {{ required: false }} }}\n", text(&scene, "policy.yaml")));
    scene.run(&helm).expect(0, &[]);
    assert!(!list().contains("sealwright-sbom"), "{}", list());
    assert!(!text(&scene, "out/values.schema.json").contains("sealwright-sbom"));
}

#[test]
fn revoked_digests_and_other_repositories_are_handed_in() {
    let scene = Scene::new();
    let digest = format!("sha256:{}", "a".repeat(64));
    scene.write("revoked.txt", format!("# why\n\n{digest} # shop 1.2.3\n"));
    let more = ["--revoked", "revoked.txt", "--also-allow", "registry.k8s.io/**"];
    scene.run(&[&RENDER[..], &more].concat()).expect(0, &[]);
    let read = |name: &str| text(&scene, &format!("out/base/{name}"));
    assert!(read("revoked/policy.yaml").contains(&digest));
    assert!(read("registries/policy.yaml").contains(r"registry\.k8s\.io"));
    scene.write("revoked.txt", "sha256:abc\n");
    scene.run(&[&RENDER[..], &more].concat()).expect(2, &["revoked.txt: line 1"]);
}

#[test]
fn a_key_service_is_named_by_builder_and_by_the_whole_name_of_the_key() {
    let scene = Scene::new();
    let arn = "awskms:///arn:aws:kms:eu-west-1:111122223333:key/0f4b8e5e-0000-4000-8000-000000000000";
    scene.run(&[&RENDER[..], &["--kms", &format!("test={arn}")]].concat()).expect(0, &["kms:GetPublicKey"]);
    let policy = text(&scene, "out/base/signature/policy.yaml");
    assert!(policy.contains(&format!("kms: '{arn}'")) && !policy.contains("PUBLIC KEY"), "{policy}");
    for (value, word) in [
        (format!("other={arn}"), "no builder \"other\""),
        ("test=awskms:///alias/release".to_owned(), "expected NAME=awskms:///arn:"),
        ("test=awskms://kms.example/arn:aws:kms".to_owned(), "expected NAME=awskms:///arn:"),
    ] {
        scene.run(&[&RENDER[..], &["--kms", &value]].concat()).expect(2, &[word]);
    }
}

#[test]
fn what_cannot_be_rendered_is_refused_and_nothing_is_written() {
    let scene = Scene::new();
    scene.run(&["policy", "render", "-o", "out"]).expect(2, &["there is no trust file here"]);
    std::fs::remove_file(scene.path().join("key.pub")).expect("removed");
    scene.run(&RENDER).expect(2, &["key.pub could not be read"]);
    scene.write("key.pub", "no key");
    scene.run(&RENDER).expect(2, &["key key.pub"]);
    scene.write("policy.yaml", "version: 1\n");
    scene.run(&RENDER).expect(2, &["nobody could build"]);
    assert!(!scene.path().join("out").exists());
}

#[test]
fn other_controllers_get_their_own_kinds_or_a_reason() {
    let scene = Scene::new();
    let format = |name: &'static str| [&RENDER[..], &["--format", name]].concat();
    let notes = ["from Kyverno 1.20 on", "1 files written"];
    scene.run(&format("kyverno-legacy")).expect(0, &notes);
    let policy = text(&scene, "out/policy.yaml");
    assert!(policy.contains("kind: ClusterPolicy") && policy.contains("type: SigstoreBundle"), "{policy}");
    scene.run(&format("policy-controller")).expect(2, &["reads no bundles that a key signed"]);
    let keyless = "version: 1\nbuilders: [{ name: release, keyless: { issuer: github, identity: x } }]\n";
    scene.write("policy.yaml", keyless);
    scene.run(&format("policy-controller")).expect(0, &["policy.sigstore.dev/include=true"]);
    assert!(text(&scene, "out/policy.yaml").contains("kind: ClusterImagePolicy"));
    scene.run(&format("gatekeeper")).expect(2, &["kyverno-legacy"]);
}
