//! The store's client against the loopback stand-in.

#![expect(clippy::expect_used, reason = "what helpers of tests cannot do fails the test")]

mod fetch;
mod push;
mod reports;

use std::time::Duration;

use sealwright_core::{Digest, Redacted};
use sealwright_github::{Bounds, Options, Store};
use sealwright_loopback::github::{GitHub, Permission, Visibility};
use serde_json::{Value, json};

pub(crate) const SHOP: &str = "acme/shop";

pub(crate) fn subject() -> Digest {
    Digest::of(b"image")
}

pub(crate) fn start() -> GitHub {
    let github = GitHub::start().expect("store");
    github.repository(SHOP, Visibility::Public);
    github
}

pub(crate) fn store(github: &GitHub, token: Option<&str>) -> Store {
    let token = token.map(|token| Redacted::new(token.to_owned()));
    let options = Options { address: github.address().to_owned(), token, timeout: Duration::from_secs(5) };
    Store::new(options).expect("address")
}

pub(crate) fn writer(github: &GitHub) -> Store {
    store(github, Some(&github.token(SHOP, Permission::Write)))
}

pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
    runtime.block_on(future)
}

pub(crate) const BOUNDS: Bounds = Bounds { bundles: 50, bundle: 1 << 20, bytes: 8 << 20 };

/// A bundle by certificate; nobody checks a signature here.
pub(crate) fn bundle(subject: &Digest, predicate: &Value) -> Vec<u8> {
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v1", "predicateType": "https://example.test/p",
        "subject": [{ "name": "image", "digest": { "sha256": subject.hex() } }], "predicate": predicate,
    });
    let envelope = sealwright_bundle::Envelope::new(statement.to_string().as_bytes(), b"signature");
    let material = json!({ "certificate": { "rawBytes": "AAAA" } });
    sealwright_bundle::Bundle { verification_material: material, ..sealwright_bundle::Bundle::with_key(envelope, "") }
        .to_bytes()
}
