//! A `seal` that is killed between two requests, each time one request later: what is left behind names nothing that is not
//! whole, and the next run completes it.

use std::collections::BTreeMap;
use std::process::Child;
use std::time::{Duration, Instant};

use sealwright_core::{Digest, PinnedRef, Repository};
use sealwright_loopback::registry::{Effect, Fault, ReferrersApi, Registry, Switches};
use sealwright_registry::{Client, Options, PREDICATE_TYPE_ANNOTATION};

use crate::scene::Scene;

/// A run that neither ends nor asks for anything is broken.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn a_killed_seal_of_an_image_is_completed_by_the_next() {
    let scene = Scene::new();
    let source = scene.image("image", "1.4-r0");
    kill_at_every_request(scene, &source, ReferrersApi::On, 1, 6);
}

#[test]
fn a_killed_seal_of_an_index_is_completed_by_the_next_also_without_a_referrers_api() {
    let scene = Scene::new();
    let source = scene.index("index");
    kill_at_every_request(scene, &source, ReferrersApi::Off, 7, 14);
}

/// Kills at the first request and at every `stride`-th after it, until a run ends by itself.
fn kill_at_every_request(mut scene: Scene, source: &str, referrers: ReferrersApi, stride: u32, statements: usize) {
    let mut number = 0;
    loop {
        scene.registry = Registry::start(Switches { referrers, ..Switches::default() }).expect("registry");
        scene.registry.fault(Fault { times: number, ..Fault::once("", "", Effect::Nothing) });
        scene.registry.fault(Fault::once("", "", Effect::Hold));
        if !kill_when_held(&scene, scene.start_seal(source)) {
            break;
        }
        // The tag is the last request of all, so that nothing that was killed has one.
        scene.is_untagged();
        scene.seal(source, &[]).expect(0, &["tagged"]);
        scene.verify(&["--policy", "policy.yaml", "--layers"]).expect(0, &["verified"]);
        let listed = statements_of(&scene);
        let twice: Vec<_> = listed.iter().filter(|(_, count)| **count != 1).collect();
        assert!(twice.is_empty(), "after {number} requests: {twice:?}");
        assert_eq!(listed.len(), statements, "after {number} requests");
        number += stride;
    }
    assert!(number > 40, "a whole run makes {number} requests at most");
}

/// Whether the run asked for what is held, and was killed then; otherwise it ended.
fn kill_when_held(scene: &Scene, mut run: Child) -> bool {
    let begun = Instant::now();
    loop {
        if scene.registry.requests().iter().any(|request| request.status == 0) {
            run.kill().expect("a signal");
            run.wait().expect("its end");
            return true;
        }
        if let Some(status) = run.try_wait().expect("a process") {
            assert!(status.success(), "{status}");
            return false;
        }
        assert!(begun.elapsed() < PATIENCE, "neither a request nor an end: {:?}", scene.registry.requests().last());
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// How many statements of each type are listed for each digest.
fn statements_of(scene: &Scene) -> BTreeMap<(Digest, String), usize> {
    let repository: Repository = format!("{}/acme/shop", scene.registry.host()).parse().expect("repository");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
    let client = Client::new(Options::default()).expect("client");
    let mut counted = BTreeMap::new();
    for manifest in scene.registry.manifests("acme/shop") {
        let subject: PinnedRef = repository.pinned(manifest.digest);
        for listed in runtime.block_on(client.referrers(&subject, None)).expect("a list").descriptors {
            let kind = listed.annotations.get(PREDICATE_TYPE_ANNOTATION).expect("a predicate type").clone();
            *counted.entry((manifest.digest, kind)).or_default() += 1;
        }
    }
    counted
}
