//! A registry that refuses, fails, or stops in the middle: exit 5, and never a tag.

use sealwright_loopback::registry::{Effect, Fault};

use crate::scene::Scene;

#[test]
fn every_refusal_of_the_registry_ends_without_a_tag() {
    for (status, words) in
        [(401, "credentials"), (403, "denied"), (404, "not found"), (500, "failed"), (429, "limiting")]
    {
        for (method, path) in [("POST", "/blobs/uploads/"), ("PUT", "/manifests/sha256:"), ("GET", "/referrers/")] {
            let scene = Scene::new();
            let source = scene.image("image", "1.4-r0");
            scene.registry.fault(Fault::always(method, path, Effect::Status(status)));
            let said = scene.seal(&source, &["--timeout", "3s"]);
            if said.code == 0 {
                // A registry without a referrers API answers 404 there; its fallback tag serves.
                assert_eq!((status, method), (404, "GET"), "{}", said.stdout);
                continue;
            }
            said.expect(5, &[words]);
            scene.is_untagged();
        }
    }
}

#[test]
fn a_tag_that_cannot_be_set_leaves_an_image_without_one() {
    let scene = Scene::new();
    let source = scene.image("image", "1.4-r0");
    scene.registry.fault(Fault::always("PUT", "/manifests/v1", Effect::Status(500)));
    scene.seal(&source, &["--timeout", "3s"]).expect(5, &["push tag", "500"]);
    scene.is_untagged();
    assert_eq!(scene.registry.manifests("acme/shop").len(), 7, "the image and its evidence are there by digest");
}

#[test]
fn nobody_there_is_said_so() {
    let scene = Scene::new();
    let source = scene.image("image", "1.4-r0");
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("port").port();
    let reference = format!("127.0.0.1:{port}/acme/shop:v1");
    let arguments = ["seal", &source, "--push", &reference, "--policy", "policy.yaml", "--db", "db", "--timeout", "3s"];
    scene
        .run(&[&arguments[..], &["--key", "key.pem", "--transparency", "none"]].concat())
        .expect(5, &[&reference[..15]]);
}

#[test]
fn a_registry_that_does_not_answer_is_not_one_without_evidence() {
    let scene = Scene::new();
    let source = scene.image("image", "1.4-r0");
    scene.seal(&source, &[]).expect(0, &[]);
    for status in [401, 403, 500] {
        scene.registry.fault(Fault::once("GET", "/referrers/", Effect::Status(status)));
        let said = scene.verify(&["--policy", "policy.yaml", "--timeout", "2s"]);
        // A failure that passes is asked again; the others are exit 5, never "unsigned".
        assert!(said.code == 5 || (status == 500 && said.code == 0), "{status}: {}\n{}", said.stdout, said.stderr);
    }
    scene.verify(&["--policy", "policy.yaml"]).expect(0, &[]);
}
