//! A private key file: a key that can be read signs what its own public key verifies.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sealwright_bundle::{Statement, StatementSubject};
use sealwright_core::{Digest, Limits, Redacted};
use sealwright_sign::KeySigner;
use sealwright_verify::{Anchor, PublicKey, verify_bundle};
use serde_json::Value;

fuzz_target!(|data: &[u8]| {
    let Ok(signer) = KeySigner::from_pem(data, Some(&Redacted::new("password".to_owned()))) else { return };
    let subject = Digest::of(b"the image");
    let about = StatementSubject::new(None, &subject, Default::default());
    let statement = Statement::new(vec![about], "https://example.org/predicate", Value::Null);
    let bundle = signer.sign(&statement.to_bytes()).expect("a signature");
    let key = PublicKey::from_pem(signer.public_pem().as_bytes()).expect("its public key");
    let verified = verify_bundle(&bundle, &subject, &Anchor::Key(key), &Limits::default()).expect("its signature");
    assert_eq!(verified.get().statement, statement);
});
