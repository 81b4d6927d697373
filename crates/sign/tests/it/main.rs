//! Keys of other people's making, and signatures that an independent verifier accepts.

#![expect(clippy::expect_used, reason = "a broken fixture fails the test")]

mod ambient;
mod browser;
mod keyless;
mod logged_key;
mod vault;

use base64::Engine as _;
use sealwright_bundle::{Bundle, Statement, StatementSubject, predicate_type};
use sealwright_core::bounded::read_file;
use sealwright_core::{Digest, Limits, Redacted};
use sealwright_sign::{KeySigner, SignError};
use sealwright_verify::{Anchor, PublicKey, verify_bundle};

fn file(name: &str) -> Vec<u8> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/keys").join(name);
    read_file(&path, 1 << 16).expect(name)
}

fn statement(subject: &Digest) -> Vec<u8> {
    let subject = StatementSubject::new(Some("a/b"), subject, Default::default());
    Statement::new(vec![subject], predicate_type::SIGNATURE, serde_json::json!({})).to_bytes()
}

/// The bundle of a key is accepted with the public key that OpenSSL or cosign wrote for it, and with no other.
#[track_caller]
fn signs(signer: &KeySigner, public: &str) {
    let subject = Digest::of(b"image");
    let bundle = signer.sign(&statement(&subject)).expect("signed");
    let key = PublicKey::from_pem(&file(public)).expect(public);
    assert_eq!(key.fingerprint(), signer.fingerprint(), "{public}");
    assert_eq!(PublicKey::from_pem(signer.public_pem().as_bytes()).expect("own").fingerprint(), signer.fingerprint());
    let (limits, key_fingerprint) = (Limits::default(), key.fingerprint());
    assert!(verify_bundle(&bundle, &subject, &Anchor::Key(key), &limits).is_ok(), "{public}");
    let (other, _) = KeySigner::generate().expect("key");
    let other = PublicKey::from_pem(other.public_pem().as_bytes()).expect("other");
    assert!(verify_bundle(&bundle, &subject, &Anchor::Key(other), &limits).is_err(), "{public}");
    let parsed = Bundle::parse(&bundle, &limits).expect("bundle");
    let hint = base64::engine::general_purpose::STANDARD.encode(key_fingerprint.as_bytes());
    assert_eq!(parsed.key_hint(), Some(hint.as_str()), "{public}");
    assert!(!parsed.has_certificate() && !parsed.has_log_entry() && !parsed.has_timestamp());
}

#[test]
fn every_supported_kind_signs() {
    for (private, public) in [
        ("p256.pem", "p256.pub"),
        ("p256.sec1.pem", "p256.pub"),
        ("p384.pem", "p384.pub"),
        ("ed25519.pem", "ed25519.pub"),
        ("rsa2048.pem", "rsa2048.pub"),
        ("rsa2048.pkcs1.pem", "rsa2048.pkcs1.pub"),
    ] {
        let signer = KeySigner::from_pem(&file(private), None).unwrap_or_else(|e| panic!("{private}: {e}"));
        signs(&signer, public);
    }
}

#[test]
fn a_key_of_cosigns_making_opens_with_its_password_only() {
    let key = file("cosign.key");
    let password = |text: &str| Redacted::new(text.to_owned());
    let signer = KeySigner::from_pem(&key, Some(&password("correct"))).expect("password");
    signs(&signer, "cosign.pub");
    for wrong in ["", "Correct", "correct "] {
        let error = KeySigner::from_pem(&key, Some(&password(wrong))).expect_err(wrong);
        assert_eq!(error, SignError::WrongPassword, "{wrong:?}");
    }
    assert_eq!(KeySigner::from_pem(&key, None).expect_err("none"), SignError::NoPassword);
    // The old label holds the same document.
    let old = String::from_utf8(key).expect("text").replace("SIGSTORE", "COSIGN");
    assert!(KeySigner::from_pem(old.as_bytes(), Some(&password("correct"))).is_ok());
}

#[test]
fn other_keys_and_other_files_are_refused_with_a_reason() {
    for (name, expected) in [("rsa1024.pem", SignError::UnsupportedKey), ("p521.pem", SignError::UnsupportedKey)] {
        assert_eq!(KeySigner::from_pem(&file(name), None).expect_err(name), expected, "{name}");
    }
    for (bytes, word) in [
        (file("openssl-encrypted.pem"), "OpenSSL"),
        (file("p256.pub"), "public key"),
        (b"".to_vec(), "PEM"),
        (b"-----BEGIN PRIVATE KEY-----\n!!!\n-----END PRIVATE KEY-----\n".to_vec(), "base64"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_vec(), "label"),
        (b"\xff\xfe".to_vec(), "text"),
        (vec![b'a'; 64 << 10], "PEM"),
        (vec![b'a'; (64 << 10) + 1], "long"),
    ] {
        let error = KeySigner::from_pem(&bytes, None).expect_err(word).to_string();
        assert!(error.contains(word), "{word}: {error}");
    }
}

#[test]
fn an_expensive_key_is_refused_before_it_costs_anything() {
    let of = |n: u64, r: u32, p: u32| {
        let document = format!(
            r#"{{"kdf":{{"name":"scrypt","params":{{"N":{n},"r":{r},"p":{p}}},"salt":"AAAA"}},"cipher":{{"name":"nacl/secretbox","nonce":"{}"}},"ciphertext":"AAAA"}}"#,
            "A".repeat(32)
        );
        let pem = encrypted_pem(document.as_bytes());
        KeySigner::from_pem(pem.as_bytes(), Some(&Redacted::new("x".to_owned()))).expect_err("no key")
    };
    assert_eq!(of(1 << 19, 8, 1), SignError::ExpensiveKey);
    assert_eq!(of(1 << 18, 17, 1), SignError::ExpensiveKey);
    assert_eq!(of(1 << 18, 8, 5), SignError::ExpensiveKey);
    for (n, r, p) in [(1 << 10, 8, 1), (1 << 18, 1, 1), (1 << 10, 16, 1), (1 << 10, 1, 4)] {
        assert_eq!(of(n, r, p), SignError::WrongPassword, "{n} {r} {p}");
    }
    for n in [0, 1, 1_000] {
        assert!(matches!(of(n, 8, 1), SignError::NotAKey(_)), "{n}");
    }
}

#[test]
fn another_encryption_is_not_taken_for_cosigns() {
    let text = String::from_utf8(file("cosign.key")).expect("text");
    let body: String = text.lines().filter(|line| !line.starts_with('-')).collect();
    let document = base64::engine::general_purpose::STANDARD.decode(body).expect("base64");
    let document = String::from_utf8(document).expect("JSON");
    let open = |document: &str| {
        KeySigner::from_pem(encrypted_pem(document.as_bytes()).as_bytes(), Some(&Redacted::new("correct".to_owned())))
    };
    assert!(open(&document).is_ok());
    for (from, to) in [("scrypt", "argon2"), ("nacl/secretbox", "aes-gcm")] {
        assert!(matches!(open(&document.replace(from, to)), Err(SignError::NotAKey(_))), "{to}");
    }
}

fn encrypted_pem(document: &[u8]) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(document);
    format!("-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n{text}\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n")
}

#[test]
fn no_secret_is_printed() {
    let (signer, private) = KeySigner::generate().expect("key");
    assert_eq!(format!("{signer:?}"), format!("KeySigner({})", signer.fingerprint().short()));
    let shown = format!("{private:?} {private}");
    let body = private.expose().lines().nth(1).expect("a line");
    assert!(!shown.contains(body), "{shown}");
    assert!(KeySigner::from_pem(private.expose().as_bytes(), None).is_ok());
}
