//! What is stored, and what is refused.

use std::time::Instant;

use sealwright_core::Limits;
use sealwright_github::{GitHubError, LARGEST_PREDICATE};
use sealwright_loopback::github::{Effect, Fault, Permission, Visibility};
use serde_json::{Value, json};

use crate::{BOUNDS, SHOP, bundle, run, start, store, subject, writer};

fn push(store: &sealwright_github::Store, repository: &str, bundle: &[u8]) -> Result<String, GitHubError> {
    run(store.push(&repository.parse().expect("name"), bundle, &Limits::default()))
}

#[test]
fn what_is_stored_is_found_by_its_digest() {
    let github = start();
    let writer = writer(&github);
    let stored = bundle(&subject(), &json!({ "a": 1 }));
    assert_eq!(push(&writer, SHOP, &stored).as_deref(), Ok("0"));
    assert_eq!(push(&writer, SHOP, &bundle(&subject(), &json!({}))).as_deref(), Ok("1"));
    let parse = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).expect("JSON");
    let found = run(writer.fetch(&SHOP.parse().expect("place"), &subject(), None, &BOUNDS)).expect("answer");
    assert_eq!(found.bundles.len(), 2);
    assert_eq!(parse(&found.bundles[0]), parse(&stored));
    let requests = github.requests();
    assert_eq!((requests[0].method.as_str(), requests[0].path.as_str()), ("POST", "/repos/acme/shop/attestations"));
}

#[test]
fn every_refusal_says_what_may_be_done() {
    let github = start();
    github.repository("acme/secret", Visibility::Private);
    let stored = bundle(&subject(), &json!({}));
    let by =
        |token: &str, repository: &str| push(&store(&github, Some(token)), repository, &stored).expect_err("refused");
    let (reader, writer) = (github.token(SHOP, Permission::Read), github.token(SHOP, Permission::Write));
    for (error, status, hint) in [
        (by("ghs_wrong", SHOP), 401, "not accepted"),
        (by(&reader, SHOP), 403, "attestations: write"),
        (by(&writer, "acme/secret"), 404, "may not see it"),
        (by(&writer, "acme/none"), 404, "does not exist"),
    ] {
        assert!(matches!(&error, GitHubError::Refused { status: found, .. } if *found == status), "{error}");
        assert!(error.hint().is_some_and(|text| text.contains(hint)), "{error}: {:?}", error.hint());
        assert!(error.is_unavailable() && !error.to_string().contains("ghs_"), "{error}");
    }
    assert_eq!(push(&store(&github, None), SHOP, &stored), Err(GitHubError::NoToken));
    github.fault(Fault::once("POST", "attestations", Effect::Status(422)));
    let error = push(&store(&github, Some(&writer)), SHOP, &stored).expect_err("422");
    assert!(error.hint().is_some_and(|hint| hint.contains("16 MB")), "{error}");
    assert!(github.bundles(SHOP, &subject()).is_empty());
}

#[test]
fn what_the_store_would_not_take_is_not_sent() {
    let github = start();
    let writer = writer(&github);
    let large = bundle(&subject(), &json!("x".repeat(LARGEST_PREDICATE)));
    assert!(matches!(push(&writer, SHOP, &large), Err(GitHubError::TooLarge { .. })));
    assert!(matches!(push(&writer, SHOP, b"{}"), Err(GitHubError::NoStatement(_))));
    assert!(github.requests().is_empty());
    let fits = bundle(&subject(), &json!("x".repeat(LARGEST_PREDICATE - 2)));
    assert!(push(&writer, SHOP, &fits).is_ok());
}

#[test]
fn what_may_pass_is_tried_three_times_and_as_late_as_github_wants() {
    let github = start();
    let writer = writer(&github);
    let stored = bundle(&subject(), &json!({}));
    github.fault(Fault::once("POST", "attestations", Effect::Status(502)));
    github.fault(Fault::once("POST", "attestations", Effect::RetryAfter(403, 5)));
    let start = Instant::now();
    assert!(push(&writer, SHOP, &stored).is_ok());
    assert!(start.elapsed().as_secs() >= 5, "{:?}", start.elapsed());
    github.fault(Fault::always("POST", "attestations", Effect::Status(503)));
    let before = github.requests().len();
    let error = push(&writer, SHOP, &stored).expect_err("unavailable");
    assert!(matches!(&error, GitHubError::Unavailable { why, .. } if why.contains("503")), "{error}");
    assert_eq!(github.requests().len() - before, 3);
}
