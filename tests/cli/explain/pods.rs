//! The images of a list of Pods: every place that has one, what runs and what its tag names now, and names that steer nobody.

use sealwright_core::Digest;
use serde_json::{Value, json};

use super::{denied_by, document, explain, sealed};
use crate::scene::Scene;

pub(super) fn list(pods: Vec<Value>) -> String {
    json!({ "apiVersion": "v1", "kind": "List", "items": pods }).to_string()
}

pub(super) fn pod(namespace: &str, name: &str, image: &str, running: Option<Digest>) -> Value {
    let image_id = running.map(|digest| format!("{}@{digest}", image.split(':').next().unwrap_or_default()));
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "namespace": namespace, "name": name, "labels": { "pod-template-hash": "5d4f" },
            "ownerReferences": [{ "kind": "ReplicaSet", "name": format!("{name}-5d4f"), "controller": true }],
        },
        "spec": { "containers": [{ "name": "app", "image": image }] },
        "status": { "containerStatuses": [{ "name": "app", "image": image, "imageID": image_id.unwrap_or_default() }] },
    })
}

#[test]
fn every_image_of_a_pod_is_explained_and_what_no_webhook_sees_is_left_out() {
    let scene = sealed();
    let (good, host) = (scene.reference(), scene.registry.host());
    let mut pod = pod("shop", "shop", &good, Some(scene.sealed()));
    pod["spec"]["initContainers"] = json!([{ "name": "init", "image": "init.invalid/a" }]);
    pod["spec"]["ephemeralContainers"] = json!([{ "name": "debug", "image": "debug.invalid/a" }]);
    pod["spec"]["volumes"] = json!([{ "name": "data", "image": { "reference": good } }]);
    let system = self::pod("kube-system", "proxy", "proxy.invalid/a", None);
    let own = self::pod("kyverno", "kyverno", "kyverno.invalid/a", None);
    scene.write("pods.json", list(vec![pod, system, own]));
    let found = document(&scene, 4, &["--pods", "pods.json"]);
    let images: Vec<_> = found["images"]
        .as_array()
        .expect("images")
        .iter()
        .map(|one| (&one["image"], &one["place"], &one["verdict"]))
        .collect();
    let text = |text: &str| Value::from(text);
    assert_eq!(
        images,
        [
            (&text(&good), &text("image volume"), &text("denied")),
            (&text("debug.invalid/a"), &text("ephemeral container"), &text("denied")),
            (&text("init.invalid/a"), &text("container"), &text("denied")),
            (&text(&good), &text("container"), &text("admitted")),
        ]
    );
    assert!(denied_by(&found["images"][0]).contains(&"sealwright-digest"), "a volume's tag is not pinned: {host}");
    assert_eq!(denied_by(&found["images"][1]), ["sealwright-ephemeral-references"]);
    assert_eq!((&found["pods"], &found["skipped"]), (&3.into(), &json!({ "kube-system": 1, "kyverno": 1 })));
    let user = json!({ "namespace": "shop", "kind": "Deployment", "name": "shop", "pods": 1 });
    assert_eq!(found["images"][3]["used_by"], json!([user]));
    let words = ["shop/Deployment/shop", "no webhook is asked about kube-system (Pods: 1), kyverno (Pods: 1)"];
    explain(&scene, &["--pods", "pods.json"]).expect(4, &words);
}

#[test]
fn a_tag_that_was_moved_is_two_images() {
    let scene = sealed();
    let (reference, old) = (scene.reference(), scene.sealed());
    scene.write("pods.json", list(vec![pod("shop", "shop", &reference, Some(old))]));
    let before = document(&scene, 0, &["--pods", "pods.json"]);
    assert_eq!((&before["images"][0]["digest_of"], &before["images"][0]["runs"]), (&"running".into(), &true.into()));
    let moved = scene.put_image("v1").digest;
    explain(&scene, &["--pods", "pods.json"])
        .expect(4, &["the tag was moved", "a new Pod gets that one", "1 admitted, 1 denied"]);
    let after = document(&scene, 4, &["--pods", "pods.json"]);
    let [new, running] = after["images"].as_array().expect("images").as_slice() else { panic!("{after:#}") };
    assert_eq!(
        (&new["digest"], &new["digest_of"], &new["verdict"]),
        (&moved.to_string().into(), &"tag".into(), &"denied".into())
    );
    let of_running = (&running["digest"], &running["digest_of"], &running["verdict"]);
    assert_eq!(of_running, (&old.to_string().into(), &"running".into(), &"admitted".into()));
    assert!(running["notes"][0].as_str().is_some_and(|note| note.contains(&moved.to_string())), "{running:#}");
}

#[test]
fn an_image_of_the_index_that_the_tag_names_is_not_another_one() {
    let scene = Scene::new();
    scene.seal_index();
    let index =
        scene.registry.manifests("acme/shop").into_iter().find(|one| one.digest == scene.sealed()).expect("index");
    let child: Digest = index.json()["manifests"][0]["digest"].as_str().expect("digest").parse().expect("digest");
    scene.write("pods.json", list(vec![pod("shop", "shop", &scene.reference(), Some(child))]));
    let found = document(&scene, 0, &["--pods", "pods.json"]);
    assert_eq!(found["images"].as_array().map(Vec::len), Some(1));
    assert_eq!(found["images"][0]["digest"], scene.sealed().to_string(), "admission pins the index");
}

#[test]
fn many_pods_are_one_line_and_their_evidence_is_read_once() {
    let scene = sealed();
    let pods = |n: usize| pod("shop", &format!("app{n}"), &scene.reference(), Some(scene.sealed()));
    scene.write("pods.json", list((0..9).map(pods).collect()));
    scene.registry.forget_requests();
    explain(&scene, &["--pods", "pods.json"]).expect(0, &["shop/Deployment/app0", "app4 and 4 more", "1 image"]);
    let listed = scene.registry.requests().into_iter().filter(|one| one.path.contains("/referrers/")).count();
    assert!((1..=2).contains(&listed), "{listed}");
}

#[test]
fn names_in_a_list_steer_no_terminal_and_no_page() {
    let scene = Scene::new();
    let evil = "x|\n::error::y\u{1b}[31m`<b>\u{202e}";
    let mut pod = pod(evil, evil, evil, None);
    pod["metadata"]["ownerReferences"][0]["kind"] = json!(evil);
    // One that the policies match, as far as their expressions go, and that is no reference.
    let host = scene.registry.host();
    let fitting = format!("{host}/{}", evil.replace([':', '@'], "-"));
    pod["spec"]["initContainers"] = json!([{ "name": "i", "image": fitting }, { "name": "none", "image": null }]);
    scene.write("pods.json", list(vec![pod]));
    for format in ["table", "markdown"] {
        let said = explain(&scene, &["--pods", "pods.json", "-o", format]).expect(4, &["\\u{1b}[31m", "\\u{202e}"]);
        assert!(!said.stdout.contains(['\u{1b}', '\u{202e}']), "{format}: {}", said.stdout);
        assert!(!said.stdout.lines().any(|line| line.starts_with("::error")), "{format}: {}", said.stdout);
        if format == "markdown" {
            let row = said.stdout.lines().find(|line| line.starts_with("| ") && line.contains("error")).expect("a row");
            assert_eq!(row.replace("\\|", "").matches('|').count(), 6, "{row}");
        }
    }
    let found = document(&scene, 4, &["--pods", "pods.json"]);
    let raw: Vec<_> =
        found["images"].as_array().expect("images").iter().filter_map(|one| one["image"].as_str()).collect();
    assert!(raw.contains(&evil) && raw.contains(&fitting.as_str()) && raw.contains(&""), "{raw:?}");
}

#[test]
fn what_is_no_list_or_too_large_is_refused() {
    let scene = Scene::new();
    for (text, words) in
        [("no JSON", "is no list of Pods"), (r#"{"kind":"List"}"#, "items"), ("", "is no list of Pods")]
    {
        scene.write("pods.json", text);
        explain(&scene, &["--pods", "pods.json"]).expect(2, &["pods.json", words, "kubectl get pods"]);
    }
    scene.write("pods.json", list(vec![]));
    explain(&scene, &["--pods", "pods.json"]).expect(0, &["0 images"]);
    // A hole: it takes no place on the disk.
    std::fs::File::create(scene.path().join("pods.json"))
        .and_then(|file| file.set_len((512 << 20) + 1))
        .expect("a file");
    explain(&scene, &["--pods", "pods.json"]).expect(2, &["more than 536870912 bytes"]);
}

#[test]
fn a_list_comes_on_stdin_and_reports_go_into_files() {
    let scene = sealed();
    let pods = list(vec![pod("shop", "shop", &scene.reference(), Some(scene.sealed()))]);
    let outputs = ["--pods", "-", "-o", "table", "-o", "json=explain.json", "-o", "markdown=explain.md"];
    let said = scene.run_with_input(&[&super::EXPLAIN[..], &outputs].concat(), &pods).expect(0, &["admitted"]);
    assert!(!said.stdout.contains("##"));
    let read = |name: &str| sealwright_core::bounded::read_file(&scene.path().join(name), 1 << 20).expect(name);
    assert_eq!(serde_json::from_slice::<Value>(&read("explain.json")).expect("JSON")["passed"], true);
    assert!(String::from_utf8(read("explain.md")).expect("text").starts_with("## ✅ Enforcing would deny nothing"));
}
