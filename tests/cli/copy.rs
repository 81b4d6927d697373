//! Copies: whole, in order, twice, and into registries that fail.

use std::collections::BTreeSet;

use sealwright_core::Digest;
use sealwright_loopback::registry::{ArtifactTypes, Effect, Fault, ReferrersApi, Registry, Switches, Tags};
use sealwright_oci::{Descriptor, media_type};
use serde_json::{Value, json};

use crate::scene::{Said, Scene};

fn destination(switches: Switches) -> Registry {
    Registry::start(switches).expect("registry")
}

fn without_api() -> Switches {
    Switches { referrers: ReferrersApi::Off, ..Switches::default() }
}

fn mirror(to: &Registry) -> String {
    format!("{}/mirror/shop:v1", to.host())
}

fn copy(scene: &Scene, to: &Registry) -> Said {
    scene.run(&["copy", &scene.reference(), &mirror(to), "--timeout", "3s"])
}

fn verify(scene: &Scene, to: &Registry) {
    scene.run(&["verify", &mirror(to), "--policy", "policy.yaml", "--layers"]).expect(0, &["verified"]);
}

fn digests(registry: &Registry, repository: &str) -> BTreeSet<Digest> {
    registry.manifests(repository).iter().map(|manifest| manifest.digest).collect()
}

/// The paths of everything that was written.
fn writes(registry: &Registry) -> Vec<String> {
    let written = registry.requests().into_iter().filter(|r| !["GET", "HEAD"].contains(&r.method.as_str()));
    written.map(|request| request.path).collect()
}

/// A sealed index with all that may belong to it.
fn rich() -> (Scene, Digest) {
    let scene = Scene::new();
    scene.registry.switch(|s| s.page_size = Some(2));
    scene.seal_index();
    let root = scene.sealed();
    let manifests = scene.registry.manifests("acme/shop");
    let index = manifests.iter().find(|m| m.digest == root).expect("index").json();
    let platform: Descriptor = serde_json::from_value(index["manifests"][0].clone()).expect("descriptor");
    let note = scene.put_referrer(&platform, "application/x.note", b"a note", json!({ "k": "v" }));
    scene.put_referrer(&note, "application/x.answer", b"an answer", json!({}));
    scene.put_image(&format!("sha256-{}.sig", root.hex()));
    scene.put_image(&format!("sha256-{}.att", platform.digest.hex()));
    (scene, root)
}

#[test]
fn an_index_arrives_with_everything_evidence_first_and_tag_last() {
    let (scene, root) = rich();
    let to = destination(Switches::default());
    let pinned = format!("mirror/shop@{root}");
    copy(&scene, &to).expect(0, &["manifests 22 sent, 0 were there", "tagged    v1", &pinned]);
    assert_eq!(digests(&to, "mirror/shop"), digests(&scene.registry, "acme/shop"));
    assert_eq!(to.blobs("mirror/shop"), scene.registry.blobs("acme/shop"));
    assert_eq!(to.tags("mirror/shop"), scene.registry.tags("acme/shop"));
    verify(&scene, &to);
    let writes = writes(&to);
    let place = |end: &str| writes.iter().position(|path| path.ends_with(end)).expect(end);
    assert_eq!(place("/manifests/v1"), writes.len() - 1, "{writes:?}");
    // Between the image and its tag come those of older cosign versions.
    assert_eq!(place(&format!("/manifests/{root}")), writes.len() - 4, "{writes:?}");
    assert!(place(".sig").min(place(".att")) == writes.len() - 3, "{writes:?}");
    for manifest in to.manifests("mirror/shop") {
        if let Some(subject) = manifest.json()["subject"]["digest"].as_str() {
            assert!(place(&manifest.digest.to_string()) < place(&format!("/manifests/{subject}")), "{writes:?}");
        }
    }
}

#[test]
fn a_second_copy_writes_nothing() {
    let (scene, _) = rich();
    for switches in [Switches::default(), without_api(), Switches { tags: Tags::Immutable, ..Switches::default() }] {
        let to = destination(switches);
        copy(&scene, &to).expect(0, &[]);
        to.forget_requests();
        copy(&scene, &to).expect(0, &["manifests 0 sent, 22 were there", "kept      v1 named it already"]);
        assert_eq!(writes(&to), Vec::<String>::new());
    }
}

#[test]
fn registries_with_and_without_a_referrers_api_get_the_same_evidence() {
    let (scene, root) = rich();
    let without = destination(without_api());
    copy(&scene, &without).expect(0, &[]);
    verify(&scene, &without);
    let tags = without.tags("mirror/shop");
    let listing = tags[&format!("sha256-{}", root.hex())];
    let stored = without.manifests("mirror/shop");
    let listing = stored.iter().find(|m| m.digest == listing).expect("listing").json();
    let listed = listing["manifests"].as_array().expect("referrers");
    assert_eq!(listed.len(), 6);
    for referrer in listed {
        assert_eq!(referrer["artifactType"], "application/vnd.dev.sigstore.bundle.v0.3+json");
        assert!(referrer["annotations"]["dev.sigstore.bundle.predicateType"].is_string(), "{referrer}");
    }
    // And back into one with the API, which needs no such tags.
    let with = destination(Switches::default());
    scene.run(&["copy", &mirror(&without), &mirror(&with)]).expect(0, &[]);
    verify(&scene, &with);
    assert_eq!(with.tags("mirror/shop"), scene.registry.tags("acme/shop"));
    assert_eq!(digests(&with, "mirror/shop"), digests(&scene.registry, "acme/shop"));
}

#[test]
fn a_copy_that_stops_anywhere_leaves_no_tag_and_a_second_run_completes_it() {
    let (scene, _) = rich();
    for (method, path, fine) in [
        ("POST", "/blobs/uploads/", 0),
        ("PUT", "/blobs/uploads/", 9),
        ("PUT", "/manifests/sha256:", 0),
        ("PUT", "/manifests/sha256:", 11),
        ("PUT", "/manifests/sha256:", 21),
        ("PUT", "/manifests/v1", 0),
        ("GET", "/referrers/", 2),
    ] {
        let to = destination(Switches::default());
        to.fault(Fault { times: fine, ..Fault::once(method, path, Effect::Nothing) });
        to.fault(Fault::once(method, path, Effect::Status(403)));
        copy(&scene, &to).expect(5, &["denied"]);
        assert!(!to.tags("mirror/shop").contains_key("v1"), "{method} {path} {fine}");
        copy(&scene, &to).expect(0, &["tagged    v1"]);
        verify(&scene, &to);
        assert_eq!(digests(&to, "mirror/shop"), digests(&scene.registry, "acme/shop"));
    }
}

#[test]
fn evidence_that_is_not_listed_after_the_copy_is_exit_5_and_no_tag() {
    let (scene, _) = rich();
    let to = destination(Switches::default());
    copy(&scene, &to).expect(0, &[]);
    let lists = to.requests().iter().filter(|r| r.path.contains("/referrers/")).count();
    // Four manifests have referrers, and the last list of each is the one that is read back.
    let before = u32::try_from(lists - 4).expect("few");
    let to = destination(Switches::default());
    to.fault(Fault { times: before, ..Fault::once("GET", "/referrers/", Effect::Nothing) });
    to.fault(Fault::always("GET", "/referrers/", Effect::Status(404)));
    copy(&scene, &to).expect(5, &["not listed there after the copy", "no tag was set"]);
    assert!(!to.tags("mirror/shop").contains_key("v1"));
}

#[test]
fn a_source_that_does_not_answer_or_lies_is_no_smaller_image() {
    let scene = Scene::new();
    let source = scene.image("image", "1.4-r0");
    scene.seal(&source, &[]).expect(0, &[]);
    let to = destination(Switches::default());
    scene.registry.fault(Fault::once("GET", "/referrers/", Effect::Status(403)));
    copy(&scene, &to).expect(5, &["denied"]);
    assert!(to.requests().is_empty(), "everything is read before anything is written");
    scene.run(&["copy", &format!("{}/acme/shop:absent", scene.registry.host()), &mirror(&to)]).expect(5, &["absent"]);
    let manifest = scene.registry.manifests("acme/shop").into_iter().find(|m| m.digest == scene.sealed());
    let layer: Digest = manifest.expect("image").json()["layers"][0]["digest"].as_str().expect("d").parse().expect("d");
    let size = usize::try_from(scene.registry.blobs("acme/shop")[&layer]).expect("size");
    scene.registry.alter(layer, vec![0; size]);
    copy(&scene, &to).expect(2, &["does not match its digest"]);
    assert!(!digests(&to, "mirror/shop").contains(&scene.sealed()) && to.tags("mirror/shop").is_empty());
    let broken = scene.put_referrer(
        &Descriptor::new(media_type::MANIFEST, scene.sealed(), 1),
        "application/x.note",
        b"a note",
        json!({}),
    );
    scene.registry.alter(broken.digest, "{}");
    copy(&scene, &to).expect(2, &["cannot be copied", &broken.digest.to_string()]);
}

#[test]
fn what_is_listed_and_is_no_evidence_does_not_stop_a_copy() {
    let scene = Scene::new();
    scene.registry.switch(|s| s.referrers = ReferrersApi::Off);
    let (image, other) = (scene.put_image("v1"), scene.put_image("other"));
    let note = scene.put_referrer(&image, "application/x.note", b"a note", json!({}));
    let gone = Descriptor::of(media_type::MANIFEST, b"gone");
    let index = json!({ "schemaVersion": 2, "mediaType": media_type::INDEX, "manifests": [gone, other, note] });
    scene.put_manifest(Some(&format!("sha256-{}", image.digest.hex())), &index);
    let to = destination(Switches::default());
    let said = copy(&scene, &to).expect(0, &["left aside", &gone.digest.to_string(), &other.digest.to_string()]);
    assert_eq!(said.stderr.matches("left aside").count(), 2, "{}", said.stderr);
    assert_eq!(digests(&to, "mirror/shop"), BTreeSet::from([image.digest, note.digest]));
}

/// BuildKit can write attestations that are both (`oci-artifact=true`).
#[test]
fn a_manifest_that_is_in_the_index_and_a_referrer_arrives_as_both() {
    for switches in [Switches::default(), without_api()] {
        for attestation_first in [true, false] {
            let scene = Scene::new();
            scene.registry.switch(|s| s.artifact_types = ArtifactTypes::OfConfiguration);
            let image = scene.put_image("image");
            let note = scene.put_referrer(&image, "application/x.note", b"a note", json!({ "k": "v" }));
            let manifests = if attestation_first { [&note, &image] } else { [&image, &note] };
            let index = json!({ "schemaVersion": 2, "mediaType": media_type::INDEX, "manifests": manifests });
            let root = scene.put_manifest(Some("v1"), &index);
            let to = destination(switches.clone());
            copy(&scene, &to).expect(0, &["manifests 3 sent"]);
            let said = scene.run(&["tree", &mirror(&to), "-o", "json"]).expect(0, &[]);
            let tree: Value = serde_json::from_str(&said.stdout).expect("JSON");
            assert_eq!(tree["root"]["digest"], root.digest.to_string());
            let images = tree["root"]["images"].as_array().expect("images");
            let image = images.iter().find(|entry| entry["digest"] == image.digest.to_string()).expect("image");
            assert_eq!(image["referrers"][0]["artifactType"], "application/x.note", "{tree}");
            let tag = format!("sha256-{}", image["digest"].as_str().expect("digest").trim_start_matches("sha256:"));
            let listing = to.tags("mirror/shop").get(&tag).copied();
            assert_eq!(listing.is_some(), switches.referrers == ReferrersApi::Off);
            if let Some(listing) = listing {
                let listing = to.manifests("mirror/shop").into_iter().find(|m| m.digest == listing).expect("listing");
                assert_eq!(listing.json()["manifests"][0]["annotations"]["k"], "v");
            }
        }
    }
}

#[test]
fn a_tag_is_moved_with_a_warning_only_and_without_a_tag_there_is_a_digest() {
    let scene = Scene::new();
    let (first, second) = (scene.put_image("v1"), scene.put_image("v2"));
    let to = destination(Switches::default());
    let of = |tag: &str| format!("{}/acme/shop:{tag}", scene.registry.host());
    let run = |source: &str, destination: &str| scene.run(&["copy", source, destination]);
    let said = run(&of("v1"), &mirror(&to)).expect(0, &[]);
    assert_eq!(said.stderr, "");
    run(&of("v2"), &mirror(&to)).expect(0, &["warning: tag v1 names", &first.digest.short(), "will be moved"]);
    assert_eq!(to.tags("mirror/shop")["v1"], second.digest);
    let untagged = format!("{}/mirror/other", to.host());
    let pinned = format!("{}/acme/shop@{}", scene.registry.host(), second.digest);
    run(&pinned, &untagged).expect(0, &[&format!("mirror/other@{}", second.digest)]);
    assert!(to.tags("mirror/other").is_empty() && to.manifests("mirror/other").len() == 1);
    run(&of("v1"), &format!("{untagged}@{}", first.digest)).expect(2, &["DST names a digest"]);
    // Within a repository only the tag is new.
    scene.registry.forget_requests();
    run(&of("v1"), &of("v3")).expect(0, &["manifests 0 sent, 1 were there"]);
    assert_eq!(writes(&scene.registry), ["/v2/acme/shop/manifests/v3"]);
}

#[test]
fn a_tag_of_an_older_cosign_version_is_never_moved() {
    let scene = Scene::new();
    let image = scene.put_image("v1");
    let tag = format!("sha256-{}.sig", image.digest.hex());
    let signature = scene.put_image(&tag);
    let to = destination(Switches::default());
    let theirs = to.put_manifest("mirror/shop", Some(&tag), media_type::MANIFEST, "{}");
    let words = [&tag, &theirs.to_string(), &signature.digest.to_string(), "or delete that tag"];
    copy(&scene, &to).expect(2, &words);
    assert_eq!(writes(&to), Vec::<String>::new());
    assert_eq!(to.tags("mirror/shop"), [(tag.clone(), theirs)].into());
    // It came while the rest was copied: it stays, and the image gets no tag.
    to.fault(Fault::once("HEAD", &tag, Effect::Status(404)));
    copy(&scene, &to).expect(2, &words);
    assert_eq!(to.tags("mirror/shop"), [(tag.clone(), theirs)].into());
    to.put_manifest("mirror/shop", Some(&tag), media_type::MANIFEST, get(&scene, signature.digest));
    copy(&scene, &to).expect(0, &["tagged    v1"]);
    assert_eq!(to.tags("mirror/shop")[&tag], signature.digest);
}

/// The stored bytes of a manifest.
fn get(scene: &Scene, digest: Digest) -> Vec<u8> {
    let stored = scene.registry.manifests("acme/shop").into_iter().find(|m| m.digest == digest);
    stored.expect("manifest").bytes.to_vec()
}

#[test]
fn evidence_that_is_not_whole_is_left_aside_and_takes_nothing_with_it() {
    let scene = Scene::new();
    let (first, second) = (scene.put_image("first"), scene.put_image("second"));
    let index = |manifests: &[&Descriptor], subject: Option<&Descriptor>| {
        let mut index = json!({ "schemaVersion": 2, "mediaType": media_type::INDEX, "manifests": manifests });
        if let Some(subject) = subject {
            index["subject"] = json!(subject);
        }
        index
    };
    let root = scene.put_manifest(Some("v1"), &index(&[&first, &second], None));
    let gone = Descriptor::of(media_type::MANIFEST, b"gone");
    let (note, part) = (scene.put_image("note"), scene.put_image("part"));
    let whole = scene.put_manifest(None, &index(&[&note], Some(&root)));
    let inner = scene.put_manifest(None, &index(&[&gone], None));
    let aside = [
        // Read before the image `second` of the index, which must arrive nevertheless.
        scene.put_manifest(None, &index(&[&second, &part, &gone], Some(&first))),
        scene.put_manifest(None, &index(&[&inner], Some(&root))),
        scene.put_manifest(None, &json!({ "schemaVersion": 2, "mediaType": media_type::MANIFEST, "subject": root })),
        // What no registry takes before the image.
        scene.put_manifest(None, &index(&[&root], Some(&root))),
    ];
    let tag = format!("sha256-{}.att", root.digest.hex());
    let old = scene.put_manifest(Some(&tag), &index(&[&gone], None));
    // What another referrer that is whole needs arrives too.
    let other = scene.put_manifest(None, &index(&[&part], Some(&second)));
    let to = destination(Switches::default());
    let said = copy(&scene, &to).expect(0, &["tagged    v1"]);
    for digest in aside.iter().chain([&old]).map(|descriptor| descriptor.digest) {
        assert!(said.stderr.contains(&format!("left aside: {digest}")), "{}", said.stderr);
    }
    assert_eq!(said.stderr.matches("left aside").count(), aside.len() + 1, "{}", said.stderr);
    let arrived = [root, first, second, whole, note, other, part].map(|descriptor| descriptor.digest);
    assert_eq!(digests(&to, "mirror/shop"), BTreeSet::from(arrived));
    assert_eq!(to.tags("mirror/shop").keys().collect::<Vec<_>>(), ["v1"]);
}

#[test]
fn an_image_of_an_index_that_is_gone_or_no_image_ends_a_copy() {
    let scene = Scene::new();
    let gone = Descriptor::of(media_type::MANIFEST, b"gone");
    let no_image = scene.put_manifest(None, &json!({ "schemaVersion": 2, "mediaType": media_type::MANIFEST }));
    for (child, code, words) in [(gone, 5, "listed and not there"), (no_image, 2, "cannot be copied")] {
        let index = json!({ "schemaVersion": 2, "mediaType": media_type::INDEX, "manifests": [child] });
        scene.put_manifest(Some("v1"), &index);
        let to = destination(Switches::default());
        copy(&scene, &to).expect(code, &[words, &child.digest.to_string()]);
        assert!(to.requests().is_empty());
    }
}

#[test]
fn a_tag_that_moved_during_the_copy_is_looked_at_again() {
    let scene = Scene::new();
    let image = scene.put_image("v1");
    let to = destination(Switches::default());
    // What the first look does not see came afterwards.
    let unseen = || to.fault(Fault::once("HEAD", "/manifests/v1", Effect::Status(404)));
    let theirs = to.put_manifest("mirror/shop", Some("v1"), media_type::MANIFEST, "{}");
    unseen();
    let words = ["warning: tag v1 named nothing when", &theirs.short(), "tagged    v1"];
    copy(&scene, &to).expect(0, &words);
    assert_eq!(to.tags("mirror/shop")["v1"], image.digest);
    unseen();
    to.forget_requests();
    let said = copy(&scene, &to).expect(0, &["kept      v1 named it already"]);
    assert_eq!((said.stderr.as_str(), writes(&to)), ("", vec![]));
}
