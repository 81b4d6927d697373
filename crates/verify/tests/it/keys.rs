//! Public keys: which are read, and that a signature of each is checked.

use sealwright_core::{Digest, Limits};
use sealwright_verify::{Anchor, PublicKey, Refusal, verify_bundle};

use crate::evidence::{golden, subject};
use crate::signing::TestKey;

#[test]
fn signatures_of_every_kind_of_key_hold_and_only_their_own() {
    let statement = golden("signature").to_bytes();
    let keys = [TestKey::p256(), TestKey::p384(), TestKey::ed25519(), TestKey::rsa()];
    for (place, key) in keys.iter().enumerate() {
        let bytes = key.bundle(&statement).to_bytes();
        let verified =
            verify_bundle(&bytes, &subject(), &Anchor::Key(key.public()), &Limits::default()).expect("own key");
        assert_eq!(verified.get().digest, Digest::of(&statement));
        assert_eq!(verified.get().time, None);
        for other in keys.iter().enumerate().filter(|(i, _)| *i != place).map(|(_, k)| k) {
            let refused = verify_bundle(&bytes, &subject(), &Anchor::Key(other.public()), &Limits::default());
            let (found, expected) = (key.public().fingerprint(), other.public().fingerprint());
            assert_eq!(refused, Err(Refusal::OtherKey { found, expected }));
            // Without the hint it is the signature that does not fit.
            let mut silent = key.bundle(&statement);
            silent.verification_material = serde_json::json!({ "publicKey": {} });
            let anchor = Anchor::Key(other.public());
            let refused = verify_bundle(&silent.to_bytes(), &subject(), &anchor, &Limits::default());
            assert_eq!(refused, Err(Refusal::Signature { fingerprint: expected }));
        }
    }
}

#[test]
fn the_fingerprint_is_sha256_over_the_spki() {
    let key = TestKey::p256();
    assert_eq!(key.public().fingerprint(), Digest::of(&key.spki()));
}

#[test]
fn other_algorithms_and_other_files_are_refused() {
    let pems = include_str!("../fixtures/unsupported-keys.pem");
    let blocks: Vec<String> = pems
        .split_inclusive("-----END PUBLIC KEY-----\n")
        .filter(|block| block.contains("BEGIN"))
        .map(str::to_owned)
        .collect();
    assert_eq!(blocks.len(), 4);
    for (name, block) in ["P-521", "secp256k1", "X25519"].iter().zip(&blocks[1..]) {
        let error = PublicKey::from_pem(block.as_bytes()).expect_err(name).to_string();
        assert!(error.starts_with("not a public key that can verify"), "{name}: {error}");
    }
    let good = TestKey::p256().pem();
    let several = format!("{good}{}", TestKey::p256().pem());
    assert!(PublicKey::from_pem(several.as_bytes()).is_err_and(|e| e.to_string().contains("several")));
    for other in [
        good.replace("PUBLIC KEY", "PRIVATE KEY"),
        good.replace("PUBLIC KEY", "CERTIFICATE"),
        good.replacen("MFk", "MFl", 1),
        String::new(),
        "not PEM".to_owned(),
    ] {
        assert!(PublicKey::from_pem(other.as_bytes()).is_err(), "{other}");
    }
    assert!(PublicKey::from_pem(&[0xff, 0xfe]).is_err());
}

#[test]
fn post_quantum_keys_are_not_accepted_unawares() {
    // ML-DSA-44 (FIPS 204), which the library underneath knows: 1312 bytes of key after the algorithm.
    let mut spki =
        vec![0x30, 0x82, 0x05, 0x32, 0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 0x11];
    spki.extend([0x03, 0x82, 0x05, 0x21, 0x00]);
    spki.resize(spki.len() + 1_312, 7);
    use base64::Engine as _;
    let body = base64::engine::general_purpose::STANDARD.encode(spki);
    let lines: Vec<&str> = body.as_bytes().chunks(64).map(|l| std::str::from_utf8(l).expect("ASCII")).collect();
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"));
    assert!(PublicKey::from_pem(pem.as_bytes()).is_err_and(|e| e.to_string().contains("MlDsa44")));
}
