//! What somebody who serves the files, or sits in between, could try (TUF specification §1.5.2).

use std::io::{Read as _, Write as _};

use sealwright_loopback::tuf::{Effect, Fault, Role, TufRepository};
use sealwright_trust::{Repository, TrustError};

use crate::{DAY, ROOT, Scene, versions};

#[track_caller]
fn refused(scene: &Scene, words: &[&str]) {
    let error = scene.update().expect_err("refused");
    assert!(matches!(error, TrustError::Refused { .. }), "{error:?}");
    for word in words {
        assert!(error.to_string().contains(word), "{word}: {error}");
    }
}

#[test]
fn an_older_timestamp_than_the_one_that_was_seen_is_refused() {
    let scene = Scene::usual();
    let old = scene.server().file("timestamp.json").expect("timestamp");
    scene.server().publish(&[("trusted_root.json", "{}")]).expect("published");
    scene.open().expect("fetched");
    scene.server().alter("timestamp.json", old.clone());
    refused(&scene, &["rollback", "timestamp"]);
    assert_eq!(scene.open().expect("kept").trusted_root(), b"{}");
    // The versions that were seen count also when they have expired.
    let mut scene = scene;
    scene.later(8 * DAY);
    assert!(matches!(scene.open(), Err(TrustError::Refused { .. })));
    // Who never saw the newer one cannot know.
    let newcomer = Scene { cache: tempfile::tempdir().expect("folder"), now: crate::now(), ..scene };
    assert_eq!(newcomer.open().expect("fetched").trusted_root(), ROOT.as_bytes());
}

#[test]
fn a_timestamp_that_is_held_back_expires() {
    let mut scene = Scene::usual();
    scene.open().expect("fetched");
    let held_back = scene.server().file("timestamp.json").expect("timestamp");
    scene.server().publish(&[("trusted_root.json", "{}")]).expect("published");
    scene.server().alter("timestamp.json", held_back);
    assert_eq!(versions(&scene.update().expect("nobody can know yet")), [1, 1, 1, 1]);
    scene.later(8 * DAY);
    for result in [scene.open(), scene.update()] {
        let error = result.expect_err("frozen");
        assert!(matches!(&error, TrustError::Frozen { role, .. } if role == "timestamp"), "{error:?}");
        assert!(error.is_unavailable() && error.to_string().contains("clock"), "{error}");
    }
}

#[test]
fn expired_metadata_of_every_role_is_refused() {
    for (role, name) in [(Role::Timestamp, "timestamp"), (Role::Snapshot, "snapshot"), (Role::Targets, "targets")] {
        let scene = Scene::usual();
        scene.server().set_life(role, -1);
        scene.server().publish(&[("trusted_root.json", ROOT)]).expect("published");
        let error = scene.open().expect_err(name);
        assert!(matches!(&error, TrustError::Frozen { role, .. } if role == name), "{error:?}");
    }
    let scene = Scene::usual();
    scene.server().set_life(Role::Root, -1);
    scene.server().rotate().expect("rotated");
    assert!(matches!(scene.open(), Err(TrustError::Frozen { role, .. }) if role == "root"));
}

#[test]
fn a_root_is_followed_to_the_newest_one_also_past_expired_ones() {
    let mut scene = Scene::usual();
    scene.open().expect("fetched");
    scene.server().set_life(Role::Root, -1);
    scene.server().rotate().expect("rotated");
    scene.server().set_life(Role::Root, DAY);
    scene.server().rotate().expect("rotated");
    let material = scene.update().expect("followed");
    assert_eq!(versions(&material), [3, 3, 3, 3]);
    assert_eq!(material.fresh_until(), material.roles.first().expect("root").expires);
    scene.unplug();
    assert_eq!(versions(&scene.open().expect("kept")), [3, 3, 3, 3]);
}

#[test]
fn a_root_that_the_one_before_it_did_not_sign_is_refused() {
    let scene = Scene::usual();
    let stranger = TufRepository::start(&[("trusted_root.json", ROOT)]).expect("stranger");
    stranger.rotate().expect("rotated");
    let file = |path: &str| stranger.file(path).expect("file");
    scene.server().alter("2.root.json", file("2.root.json"));
    refused(&scene, &["threshold", "root"]);
    // The stranger's first root under the number of the next one.
    scene.server().alter("2.root.json", file("1.root.json"));
    refused(&scene, &["version"]);
    // And everything of the stranger but the root.
    let scene = Scene::usual();
    scene.server().alter("timestamp.json", file("timestamp.json"));
    refused(&scene, &["threshold", "timestamp"]);
}

#[test]
fn parts_of_two_publications_are_not_put_together() {
    for (name, words) in [("snapshot.json", "snapshot.json"), ("targets.json", "targets.json")] {
        let scene = Scene::usual();
        scene.server().publish(&[("trusted_root.json", "{}")]).expect("published");
        let old = scene.server().file(&format!("1.{name}")).expect("old");
        scene.server().alter(&format!("2.{name}"), old);
        refused(&scene, &["integrity", words]);
    }
}

#[test]
fn a_file_that_is_not_the_one_that_was_signed_is_refused() {
    let scene = Scene::usual();
    let path = scene.server().target_path("trusted_root.json").expect("path");
    scene.server().alter(&path, ROOT.replace("root", "evil").into_bytes());
    refused(&scene, &["trusted_root.json", "sha256"]);
    scene.server().alter(&path, ROOT.as_bytes().iter().copied().take(5).collect());
    refused(&scene, &["trusted_root.json", "length"]);
    scene.server().alter(&path, format!("{ROOT} ").into_bytes());
    refused(&scene, &["more than 18 bytes"]);
    scene.server().alter(&path, ROOT.as_bytes().to_vec());
    scene.update().expect("right again");
}

#[test]
fn data_without_an_end_is_bounded_for_every_file() {
    for path in ["2.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json", "targets/"] {
        let scene = Scene::usual();
        if path == "2.root.json" {
            scene.server().rotate().expect("rotated");
        }
        scene.server().fault(Fault::always("GET", path, Effect::Endless));
        refused(&scene, &["more than", "bytes"]);
    }
}

#[test]
fn a_server_that_dawdles_is_given_up() {
    let scene = Scene::usual();
    let slow = Effect::SlowBody(std::time::Duration::from_secs(1));
    scene.server().fault(Fault::once("GET", "timestamp.json", slow));
    let short = std::time::Duration::from_millis(500);
    let error = crate::run(sealwright_trust::open(&scene.repository, scene.cache.path(), scene.now, short));
    assert!(matches!(error, Err(TrustError::NoCopy { .. })));
    scene.open().expect("in time");
}

#[test]
fn nobody_is_followed_elsewhere() {
    let scene = Scene::usual();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("port");
    let url = format!("http://{}", listener.local_addr().expect("address"));
    let elsewhere = scene.server().url().to_owned();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut head = [0; 1024];
            let n = stream.read(&mut head).unwrap_or_default();
            let path = String::from_utf8_lossy(head.get(..n).unwrap_or_default()).into_owned();
            let path = path.split(' ').nth(1).unwrap_or_default();
            let answer = format!(
                "HTTP/1.1 302 Found\r\nLocation: {elsewhere}{path}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            );
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    let moved = Repository::private(&url, scene.server().root()).expect("private");
    let error = crate::run(sealwright_trust::open(&moved, scene.cache.path(), scene.now, crate::LONG));
    assert!(matches!(&error, Err(TrustError::NoCopy { message, .. }) if message.contains("302")), "{error:?}");
    assert_eq!(scene.requests(), 0);
}

#[test]
fn the_initial_root_decides_whom_one_trusts() {
    let scene = Scene::usual();
    let stranger = TufRepository::start(&[("trusted_root.json", ROOT)]).expect("stranger");
    let other = Repository::private(scene.server().url(), stranger.root()).expect("private");
    let opened = crate::run(sealwright_trust::open(&other, scene.cache.path(), scene.now, crate::LONG));
    assert!(matches!(opened, Err(TrustError::Refused { .. })), "{opened:?}");
    // A mirror of the public-good instance cannot be anybody's.
    let mirror = Repository::public_good().and_then(|public| public.mirrored_at(scene.server().url())).expect("mirror");
    let opened = crate::run(sealwright_trust::open(&mirror, scene.cache.path(), scene.now, crate::LONG));
    assert!(matches!(opened, Err(TrustError::Refused { .. } | TrustError::Frozen { .. })), "{opened:?}");
}
