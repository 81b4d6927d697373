//! What is found, and what never counts as "nothing".

use sealwright_core::Digest;
use sealwright_github::{Bounds, Fetched, GitHubError, Store};
use sealwright_loopback::github::{Effect, Fault, GitHub, Permission, Visibility};
use serde_json::json;

use crate::{BOUNDS, SHOP, bundle, run, start, store, subject};

fn fetch_within(store: &Store, place: &str, bounds: Bounds) -> Result<Fetched, GitHubError> {
    run(store.fetch(&place.parse().expect("place"), &subject(), None, &bounds))
}

fn fetch(store: &Store, place: &str) -> Result<Fetched, GitHubError> {
    fetch_within(store, place, BOUNDS)
}

/// A store with so many attestations of the image.
fn stocked(count: usize) -> GitHub {
    let github = start();
    for number in 0..count {
        github.put(SHOP, &subject(), &bundle(&subject(), &json!({ "number": number })));
    }
    github
}

#[test]
fn bundles_come_as_they_are_stored_inline_or_from_elsewhere_and_without_the_token() {
    let github = start();
    // A parser that writes it again would change every one of these bytes.
    let odd = br#"{ "a" : 1.50, "b":"\u00e9", "a":2}"#;
    github.put(SHOP, &subject(), odd);
    let token = github.token(SHOP, Permission::Read);
    let reader = store(&github, Some(&token));
    for inline in [true, false] {
        github.list_bundles_inline(inline);
        for place in [SHOP, "acme"] {
            let found = fetch(&reader, place).expect("answer");
            assert_eq!((found.bundles, found.left_aside.len()), (vec![odd.to_vec()], 0), "{inline} {place}");
        }
    }
    let requests = github.requests();
    let (bundles, api): (Vec<_>, Vec<_>) = requests.iter().partition(|request| request.path.starts_with("/bundles/"));
    assert_eq!((bundles.len(), api.len()), (2, 4));
    assert!(bundles.iter().all(|request| request.authorization.is_none()));
    assert!(api.iter().all(|request| request.authorization.as_ref().is_some_and(|value| value.contains(&token))));
    assert!(api[0].query.contains("per_page=100"), "{}", api[0].query);
}

#[test]
fn nothing_is_nothing_and_a_refusal_is_not() {
    let github = stocked(1);
    github.repository("acme/secret", Visibility::Private);
    github.put("acme/secret", &subject(), b"{}");
    let anonymous = store(&github, None);
    assert_eq!(fetch(&anonymous, SHOP).expect("public").bundles.len(), 1);
    // What may not be seen is not there, GitHub says.
    assert_eq!(fetch(&anonymous, "acme/secret").expect("none").bundles.len(), 0);
    assert_eq!(fetch(&anonymous, "acme").expect("public ones").bundles.len(), 1);
    let other = run(anonymous.fetch(&SHOP.parse().expect("place"), &Digest::of(b"x"), None, &BOUNDS)).expect("none");
    assert!(other.bundles.is_empty() && other.left_aside.is_empty());
    let secret = store(&github, Some(&github.token("acme/secret", Permission::Read)));
    assert_eq!(fetch(&secret, "acme").expect("both").bundles.len(), 2);
    let wrong = fetch(&store(&github, Some("ghs_wrong")), SHOP).expect_err("401");
    assert!(matches!(wrong, GitHubError::Refused { status: 401, .. }), "{wrong}");
    for status in [401, 403, 500] {
        github.fault(Fault { times: 3, ..Fault::once("GET", "/repos/", Effect::Status(status)) });
        assert!(fetch(&anonymous, SHOP).is_err(), "{status}");
        // What is left of the fault.
        while fetch(&anonymous, SHOP).is_err() {}
    }
}

#[test]
fn pages_are_followed_and_bounded() {
    let github = stocked(7);
    github.list_in_pages_of(3);
    let reader = store(&github, None);
    assert_eq!(fetch(&reader, SHOP).expect("all").bundles.len(), 7);
    let lists = || github.requests().iter().filter(|request| request.path.contains("attestations")).count();
    assert_eq!(lists(), 3);
    for (bounds, kept) in [
        (Bounds { bundles: 7, ..BOUNDS }, 7),
        (Bounds { bundles: 6, ..BOUNDS }, 6),
        (Bounds { bundles: 2, ..BOUNDS }, 2),
        (Bounds { bytes: 2_000, ..BOUNDS }, 0),
    ] {
        let found = fetch_within(&reader, SHOP, bounds).expect("answer");
        if bounds.bytes == BOUNDS.bytes {
            assert_eq!(found.bundles.len(), kept);
        } else {
            let bytes: usize = found.bundles.iter().map(Vec::len).sum();
            assert!(bytes <= 2_000 && !found.bundles.is_empty());
        }
        let complete = found.bundles.len() == 7;
        assert_eq!(found.left_aside.iter().any(|line| line.starts_with("more bundles")), !complete, "{bounds:?}");
    }
    // A page elsewhere would get the token, and one that is left out would hide a bundle.
    let body = r#"{"attestations":[]}"#;
    let stranger = answering(&format!(
        "HTTP/1.1 200 OK\r\nlink: <https://evil.example/x>; rel=\"next\"\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    ));
    let error = fetch(&stranger, SHOP).expect_err("elsewhere");
    assert!(error.to_string().contains("next page elsewhere"), "{error}");
}

#[test]
fn what_is_no_bundle_is_left_aside_and_hides_no_other() {
    let github = stocked(2);
    github.put(SHOP, &subject(), &vec![b' '; (1 << 20) + 1]);
    let reader = store(&github, None);
    let found = fetch(&reader, SHOP).expect("answer");
    assert_eq!((found.bundles.len(), found.left_aside.len()), (2, 1));
    assert!(found.left_aside[0].contains("1048577 bytes, more than 1048576"), "{}", found.left_aside[0]);
    // One that is gone, and one that cannot be had now.
    github.fault(Fault::once("GET", "/bundles/0", Effect::Status(404)));
    assert_eq!(fetch(&reader, SHOP).expect("answer").bundles.len(), 1);
    for effect in [Effect::Status(403), Effect::Status(401)] {
        github.fault(Fault::once("GET", "/bundles/0", effect));
        let error = fetch(&reader, SHOP).expect_err("not read");
        assert!(!error.to_string().contains("sig="), "{error}");
    }
    github.fault(Fault::once("GET", "/bundles/0", Effect::CutBody));
    assert_eq!(fetch(&reader, SHOP).expect("again").bundles.len(), 2);
}

#[test]
fn a_page_that_is_none_and_an_address_that_is_none_are_told() {
    for (body, why) in [
        ("[]", "no list of attestations"),
        (r#"{"attestations":[{"bundle":null,"bundle_url":"http://blobs.example/x"}]}"#, ""),
        (r#"{"attestations":[{"bundle":null}]}"#, ""),
    ] {
        let store = answering(&format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()));
        match fetch(&store, SHOP) {
            Err(error) => assert!(!why.is_empty() && error.to_string().contains(why), "{error}"),
            Ok(found) => assert!(why.is_empty() && found.bundles.is_empty() && found.left_aside.len() == 1, "{body}"),
        }
    }
    let moved = answering("HTTP/1.1 301 Moved\r\nlocation: /repositories/1\r\ncontent-length: 0\r\n\r\n");
    let error = fetch(&moved, SHOP).expect_err("moved");
    assert!(error.hint().is_some_and(|hint| hint.contains("renamed")), "{error}");
}

/// The store at a server that gives one answer, whatever it is asked.
fn answering(answer: &str) -> Store {
    use std::io::{Read as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("port");
    let address = format!("http://{}", listener.local_addr().expect("address"));
    let answer = answer.to_owned();
    std::thread::spawn(move || {
        if let Ok((mut stream, _)) = listener.accept() {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    let timeout = std::time::Duration::from_secs(5);
    Store::new(sealwright_github::Options { address, token: None, timeout }).expect("address")
}
