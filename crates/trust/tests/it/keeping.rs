//! What is kept is used without a request until it has expired.

use sealwright_loopback::tuf::{Effect, Fault, Role};
use sealwright_trust::{SIGNING_CONFIG_REKOR_V2, Source, TrustError};

use crate::{CONFIG, DAY, ROOT, Scene, files, versions};

#[test]
fn what_is_fetched_once_is_used_until_it_expires_without_any_request() {
    let mut scene = Scene::usual();
    let fetched = scene.open().expect("fetched");
    assert_eq!((fetched.source, fetched.trusted_root()), (Source::Repository, ROOT.as_bytes()));
    assert_eq!(fetched.signing_config().expect("config"), CONFIG.as_bytes());
    assert_eq!(versions(&fetched), [1, 1, 1, 1]);
    assert_eq!(fetched.instance, "127.0.0.1");
    let asked = scene.requests();
    // Six days later; the timestamp lives for seven.
    scene.later(6 * DAY);
    let kept = scene.open().expect("kept");
    assert_eq!((kept.source, kept.trusted_root()), (Source::Cache, ROOT.as_bytes()));
    assert_eq!((kept.fresh_until(), &kept.roles), (fetched.fresh_until(), &fetched.roles));
    assert_eq!(scene.requests(), asked);
    scene.unplug();
    assert_eq!(scene.open().expect("kept").signing_config().expect("config"), CONFIG.as_bytes());
    assert_eq!(files(scene.cache.path()).len(), 1);
}

#[test]
fn what_has_expired_is_fetched_anew_and_without_a_network_the_message_says_so() {
    let mut scene = Scene::usual();
    let fetched = scene.open().expect("fetched");
    scene.later(8 * DAY);
    scene.server().set_life(Role::Timestamp, 9 * DAY);
    scene.server().publish(&[("trusted_root.json", "{}")]).expect("published");
    let renewed = scene.open().expect("renewed");
    assert_eq!((versions(&renewed), renewed.trusted_root()), (vec![1, 2, 2, 2], &b"{}"[..]));
    assert!(renewed.signing_config().is_err(), "it is published no more");
    scene.later(2 * DAY);
    scene.unplug();
    let error = scene.open().expect_err("expired");
    assert!(
        matches!(&error, TrustError::Stale { role, expired, .. } if role == "timestamp" && *expired == renewed.fresh_until())
    );
    assert!(error.is_unavailable() && error.to_string().contains("has expired at"), "{error}");
    // It can still be looked at.
    assert_eq!(scene.kept().expect("kept").roles, renewed.roles);
    assert_ne!(renewed.roles, fetched.roles);
}

#[test]
fn without_a_copy_and_a_network_there_is_nothing() {
    let mut scene = Scene::usual();
    scene.unplug();
    let error = scene.open().expect_err("nothing");
    assert!(matches!(error, TrustError::NoCopy { .. }) && error.is_unavailable(), "{error}");
    assert!(matches!(scene.kept(), Err(TrustError::NotKept { .. })));
    assert_eq!(files(scene.cache.path()).len(), 0);
}

#[test]
fn an_update_asks_also_when_nothing_has_expired_and_keeps_the_old_where_it_fails() {
    let mut scene = Scene::usual();
    scene.open().expect("fetched");
    scene.server().publish(&[("trusted_root.json", "{}")]).expect("published");
    assert_eq!(scene.open().expect("kept").trusted_root(), ROOT.as_bytes());
    scene.server().fault(Fault::always("GET", "targets/", Effect::Status(500)));
    assert!(matches!(scene.update(), Err(TrustError::Unreachable { message, .. }) if message.contains("500")));
    assert_eq!(scene.open().expect("kept").trusted_root(), ROOT.as_bytes());
    scene.unplug();
    assert!(scene.update().is_err());
    assert_eq!(scene.open().expect("kept").trusted_root(), ROOT.as_bytes());
}

#[test]
fn an_update_that_finds_nothing_new_fetches_no_target_again() {
    let scene = Scene::usual();
    scene.open().expect("fetched");
    let before = scene.requests();
    assert_eq!(versions(&scene.update().expect("the same")), [1, 1, 1, 1]);
    let asked: Vec<String> = scene.server().requests().into_iter().skip(before).map(|r| r.path).collect();
    assert_eq!(asked, ["/2.root.json", "/timestamp.json"]);
    scene.server().publish(&[("trusted_root.json", "{}")]).expect("published");
    assert_eq!(scene.update().expect("newer").trusted_root(), b"{}");
}

#[test]
fn a_damaged_copy_is_replaced_and_a_forged_one_is_never_believed() {
    let mut scene = Scene::usual();
    scene.open().expect("fetched");
    let file = scene.cache_file();
    let whole = String::from_utf8(sealwright_core::bounded::read_file(&file, 1 << 20).expect("file")).expect("text");
    let forged = whole.replace(r#"{\"trusted\":\"root\"}"#, r#"{\"trusted\":\"evil\"}"#);
    assert_ne!(forged, whole);
    for bad in ["", "{", forged.as_str(), r#"{"schema":1,"repository":"","files":{}}"#] {
        std::fs::write(&file, bad).expect("file");
        assert!(matches!(scene.kept(), Err(TrustError::Local { .. })), "{bad}");
        let material = scene.open().expect("fetched anew");
        assert_eq!((material.source, material.trusted_root()), (Source::Repository, ROOT.as_bytes()));
    }
    std::fs::write(&file, forged).expect("file");
    scene.unplug();
    let error = scene.open().expect_err("nothing to go by").to_string();
    assert!(error.contains("damaged"), "{error}");
}

#[test]
fn a_cache_that_cannot_be_written_is_told_and_no_failure() {
    let scene = Scene::usual();
    let file = scene.cache.path().join("a file");
    std::fs::write(&file, "").expect("file");
    let opened = crate::run(sealwright_trust::open(&scene.repository, &file, scene.now, crate::LONG));
    assert!(opened.expect("fetched").not_kept.is_some_and(|why| why.contains("could not be written")));
    assert!(scene.open().expect("fetched").not_kept.is_none());
}

#[test]
fn the_config_with_a_log_of_version_2_is_fetched_where_there_is_one() {
    let targets = [("trusted_root.json", ROOT), (SIGNING_CONFIG_REKOR_V2, "{}")];
    let mut scene = Scene::new(&targets);
    scene.open().expect("fetched");
    scene.unplug();
    let kept = scene.open().expect("kept");
    assert_eq!(kept.signing_config_rekor_v2().expect("config"), b"{}");
    let error = kept.signing_config().expect_err("none");
    assert!(error.to_string().contains("publishes no signing_config.v0.2.json"), "{error}");
}
