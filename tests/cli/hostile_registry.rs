//! What whoever may push can put beside a signed image, and what a registry can say about it: never accepted by mistake, never
//! unsigned by mistake, never without bounds.

use sealwright_loopback::registry::{Effect, Fault, ReferrersApi};
use sealwright_oci::{Descriptor, media_type};
use serde_json::json;

use crate::scene::{Said, Scene};

const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
const SIGNATURE: &str = "https://sigstore.dev/cosign/sign/v1";

fn sealed() -> Scene {
    sealed_in(ReferrersApi::On)
}

fn sealed_in(referrers: ReferrersApi) -> Scene {
    let scene = Scene::new();
    scene.registry.switch(|s| s.referrers = referrers);
    let source = scene.image("image", "1.4-r0");
    scene.seal(&source, &[]).expect(0, &[]);
    scene
}

fn verify(scene: &Scene) -> Said {
    scene.verify(&["--key", "key.pub", "--transparency", "none", "--timeout", "3s"])
}

fn image(scene: &Scene) -> Descriptor {
    let digest = scene.sealed();
    let manifest = scene.registry.manifests("acme/shop").into_iter().find(|m| m.digest == digest).expect("the image");
    Descriptor::new(manifest.media_type, digest, manifest.bytes.len() as u64)
}

fn noise(scene: &Scene, number: usize, predicate_type: &str) {
    let annotations = json!({ "dev.sigstore.bundle.predicateType": predicate_type, "number": number.to_string() });
    scene.put_referrer(&image(scene), BUNDLE, b"{}", annotations);
}

#[test]
fn ten_thousand_referrers_of_others_hide_nothing_and_cost_nothing() {
    let scene = sealed();
    for number in 0..10_000 {
        noise(&scene, number, "https://example.com/noise");
    }
    scene.registry.forget_requests();
    verify(&scene).expect(0, &["verified"]);
    assert_eq!(scene.registry.requests().len(), 4);
}

#[test]
fn what_was_not_read_for_its_number_is_said() {
    let scene = Scene::new();
    let subject = scene.put_image("v1");
    for number in 0..1_200 {
        let annotations = json!({ "dev.sigstore.bundle.predicateType": SIGNATURE, "number": number.to_string() });
        scene.put_referrer(&subject, BUNDLE, b"{}", annotations);
    }
    let said = verify(&scene).expect(4, &["NOT VERIFIED"]);
    let explained = scene.verify(&["--key", "key.pub", "--transparency", "none", "--explain"]);
    explained.expect(4, &["200 more bundles were not read: 1000 are the most"]);
    assert!(said.stdout.contains("left aside"), "{}", said.stdout);
}

#[test]
fn a_bundle_about_another_image_proves_nothing_here() {
    let scene = sealed();
    let other = scene.put_image("other");
    let signed = scene.registry.manifests("acme/shop").into_iter().map(|m| m.json());
    let mut moved = 0;
    for manifest in signed.filter(|m| m["artifactType"] == BUNDLE) {
        let mut about_other = manifest.clone();
        about_other["subject"] = json!(other);
        scene.put_manifest(None, &about_other);
        moved += 1;
    }
    assert_eq!(moved, 6);
    let reference = format!("{}/acme/shop@{}", scene.registry.host(), other.digest);
    for kind in ["https://cyclonedx.org/bom", SIGNATURE] {
        let arguments = ["verify", &reference, "--type", kind, "--key", "key.pub", "--transparency", "none"];
        scene.run(&arguments).expect(4, &["NOT VERIFIED"]);
    }
}

#[test]
fn referrers_that_lead_in_a_circle_end() {
    let scene = sealed();
    // Each is about the other; content addressing makes a true circle impossible, so the subjects are claimed only.
    let image = image(&scene);
    let first = scene.put_referrer(&image, BUNDLE, b"{}", json!({ "n": "1" }));
    let second = scene.put_referrer(&first, BUNDLE, b"{}", json!({ "n": "2" }));
    let back = json!({
        "schemaVersion": 2, "mediaType": media_type::INDEX, "artifactType": BUNDLE, "subject": image,
        "manifests": [first, second],
    });
    scene.put_manifest(None, &back);
    verify(&scene).expect(0, &["verified"]);
    let reference = scene.reference();
    scene.run(&["tree", &reference]).expect(0, &[]);
}

#[test]
fn a_manifest_that_lies_about_a_size_is_left_aside() {
    for size in [0_u64, 1, 1 << 40] {
        let scene = sealed();
        let mut layer = scene.put_blob(BUNDLE, b"{\"a\":1}");
        layer.size = size;
        let manifest = json!({
            "schemaVersion": 2, "mediaType": media_type::MANIFEST, "artifactType": BUNDLE,
            "config": scene.put_blob(media_type::EMPTY, b"{}"), "layers": [layer], "subject": image(&scene),
            "annotations": { "dev.sigstore.bundle.predicateType": SIGNATURE },
        });
        scene.put_manifest(None, &manifest);
        verify(&scene).expect(0, &["verified"]);
    }
}

#[test]
fn a_list_that_is_refused_or_breaks_off_is_not_an_empty_one() {
    for referrers in [ReferrersApi::On, ReferrersApi::Off] {
        let scene = sealed_in(referrers);
        let path = if referrers == ReferrersApi::On { "/referrers/" } else { "/manifests/sha256-" };
        for effect in [Effect::Status(403), Effect::Status(500), Effect::RetryAfter(429, 0), Effect::CutBody] {
            scene.registry.fault(Fault { times: 6, ..Fault::once("GET", path, effect.clone()) });
            let said = verify(&scene);
            assert_eq!(said.code, 5, "{referrers:?} {effect:?}: {}\n{}", said.stdout, said.stderr);
            // The rest of the fault is used up by others.
            while verify(&scene).code == 5 {}
        }
    }
}

#[test]
fn what_anyone_puts_behind_an_older_tag_hides_nothing_and_picks_no_exit_code() {
    let scene = Scene::new();
    let source = scene.image("image", "1.4-r0");
    scene.seal(&source, &["--format", "legacy"]).expect(0, &[]);
    let tag = format!("sha256-{}.sig", scene.sealed().hex());
    // A layer that claims to be all that may be read, and more, is before the genuine attestations.
    for size in [512_u64 << 20, 1 << 40] {
        let mut layer = scene.put_blob("application/vnd.dev.cosign.simplesigning.v1+json", b"{}");
        layer.size = size;
        layer.annotations.insert("dev.cosignproject.cosign/signature".into(), "c2ln".into());
        let manifest = json!({
            "schemaVersion": 2, "mediaType": media_type::MANIFEST,
            "config": scene.put_blob(media_type::CONFIG, b"{}"), "layers": [layer],
        });
        scene.put_manifest(Some(&tag), &manifest);
        scene.verify(&["--key", "key.pub", "--transparency", "none", "--type", "cyclonedx"]).expect(0, &["verified"]);
        verify(&scene).expect(4, &["there is no signature"]);
    }
    let index = json!({ "schemaVersion": 2, "mediaType": media_type::INDEX, "manifests": [] });
    scene.put_manifest(Some(&tag), &index);
    verify(&scene).expect(4, &["there is no signature"]);
    scene.verify(&["--key", "key.pub", "--transparency", "none", "--type", "cyclonedx"]).expect(0, &["verified"]);
}
