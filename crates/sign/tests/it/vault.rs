//! What a Vault must not be able to do: answers of a server that says exactly what a test tells it. A genuine Vault is asked in
//! the interop tier `vault`.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use sealwright_core::{Digest, Redacted};
use sealwright_sign::{SignError, Signer, SigningKey, VaultAccess, VaultKey, VaultLogin, vault_role};
use serde_json::{Value, json};

use crate::keyless::run;
use crate::{file, statement};

/// Gives these answers, one a connection, and tells the requests.
fn serve(answers: Vec<String>) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("port");
    let address = format!("http://{}", listener.local_addr().expect("address"));
    let (told, requests) = channel();
    std::thread::spawn(move || {
        for answer in answers {
            let Ok((mut stream, _)) = listener.accept() else { return };
            let mut request = vec![0; 1 << 16];
            let length = stream.read(&mut request).unwrap_or_default();
            // A test that has ended asks for no more.
            let _ = told.send(String::from_utf8_lossy(request.get(..length).unwrap_or_default()).into_owned());
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    (address, requests)
}

fn answer(status: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\nContent-Type: application/json\r\n\r\n{body}"
    )
}

fn key() -> String {
    let public = String::from_utf8(file("p256.pub")).expect("text");
    let data = json!({ "type": "ecdsa-p256", "latest_version": 2, "keys": { "2": { "public_key": public } } });
    answer("200 OK", &json!({ "data": data }).to_string())
}

fn open(address: &str) -> Result<VaultKey, SignError> {
    run(VaultKey::open(access(address), "release", None, Duration::from_secs(5)))
}

fn access(address: &str) -> VaultAccess {
    let login = VaultLogin::Token(Redacted::new("s.SECRET\n".to_owned()));
    let mount = "transit".to_owned();
    VaultAccess { address: address.to_owned(), namespace: Some("team".into()), mount, authorities: None, login }
}

fn sign(key: VaultKey) -> Result<Vec<u8>, SignError> {
    run(Signer::Key(SigningKey::Vault(Box::new(key))).sign(&statement(&Digest::of(b"image"))))
}

#[test]
fn the_digest_goes_there_with_the_version_that_was_read() {
    let signed = answer("200 OK", &json!({ "data": { "signature": "vault:v2:c2lnbmF0dXJl" } }).to_string());
    let (address, requests) = serve(vec![key(), signed]);
    let bundle = sign(open(&address).expect("key")).expect("signed");
    let bundle: Value = serde_json::from_slice(&bundle).expect("JSON");
    assert_eq!(bundle["dsseEnvelope"]["signatures"][0]["sig"], "c2lnbmF0dXJl");
    let read = requests.recv().expect("request").to_lowercase();
    assert!(read.starts_with("get /v1/transit/keys/release http/1.1"), "{read}");
    assert!(read.contains("x-vault-token: s.secret\r\n") && read.contains("x-vault-namespace: team"), "{read}");
    let sent = requests.recv().expect("request");
    assert!(sent.starts_with("POST /v1/transit/sign/release/sha2-256 "), "{sent}");
    let body: Value = serde_json::from_str(sent.split("\r\n\r\n").last().expect("body")).expect("JSON");
    assert_eq!((&body["key_version"], &body["prehashed"]), (&2.into(), &true.into()));
    assert_eq!(body["input"].as_str().map(str::len), Some(44), "a digest in base64");
}

#[test]
fn a_signature_of_another_version_does_not_count() {
    for other in ["vault:v3:c2lnbmF0dXJl", "vault:v2:!", "c2lnbmF0dXJl", ""] {
        let signed = answer("200 OK", &json!({ "data": { "signature": other } }).to_string());
        let (address, _requests) = serve(vec![key(), signed]);
        let error = sign(open(&address).expect("key")).expect_err(other);
        assert!(error.is_unavailable() && error.to_string().contains("no signature of the key's version"), "{error}");
    }
}

#[test]
fn the_token_follows_no_redirect_and_stands_in_no_message() {
    let (elsewhere, asked) = serve(vec![key()]);
    let moved =
        format!("HTTP/1.1 307 Moved\r\nLocation: {elsewhere}/v1/x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    let (address, _requests) = serve(vec![moved]);
    let error = open(&address).expect_err("moved").to_string();
    assert!(error.contains("307"), "{error}");
    assert!(asked.recv_timeout(Duration::from_millis(200)).is_err(), "the token was sent elsewhere");
    let hostile = json!({ "errors": ["permission denied\u{202e}\u{1b}[31m"] }).to_string();
    let (address, _requests) = serve(vec![answer("403 Forbidden", &hostile)]);
    let error = open(&address).expect_err("denied");
    assert!(!error.is_unavailable());
    let shown = error.to_string();
    assert!(shown.contains("permission denied") && !shown.contains("SECRET"), "{shown}");
    assert!(!shown.contains('\u{1b}') && !shown.contains('\u{202e}'), "{shown:?}");
}

#[test]
fn an_answer_has_a_limit_and_a_plain_address_gets_no_token() {
    let (address, _requests) = serve(vec![answer("200 OK", &"x".repeat((1 << 20) + 1))]);
    let error = open(&address).expect_err("too long");
    assert!(error.is_unavailable() && error.to_string().contains("too long"), "{error}");
    for bad in ["http://vault.example:8200", "vault.example", "ftp://127.0.0.1.example"] {
        assert!(matches!(open(bad), Err(SignError::Vault(why)) if why.contains("https://")), "{bad}");
    }
}

#[test]
fn a_role_is_there_or_not_there_or_not_to_be_read() {
    let ask = |answer: String, method: &str, name: &str| {
        let (address, requests) = serve(vec![answer]);
        (run(vault_role(access(&address), method, name, Duration::from_secs(5))), requests)
    };
    let shown = json!({ "data": { "role_type": "jwt" } }).to_string();
    let (role, requests) = ask(answer("200 OK", &shown), "/team/jwt/", "release");
    assert_eq!(role, Ok(Some(json!({ "role_type": "jwt" }))));
    let request = requests.recv().expect("request");
    assert!(request.starts_with("GET /v1/auth/team/jwt/role/release "), "{request}");
    let none = ask(answer("404 Not Found", r#"{"errors":[]}"#), "jwt", "release").0;
    assert_eq!(none, Ok(None));
    let denied = ask(answer("403 Forbidden", r#"{"errors":["permission denied"]}"#), "jwt", "release").0;
    assert!(matches!(&denied, Err(SignError::VaultDenied(why)) if why.contains("permission denied")), "{denied:?}");
    for (method, name) in [("../sys", "release"), ("jwt", "../config"), ("jwt", "")] {
        let refused = ask(answer("200 OK", &shown), method, name).0;
        assert!(matches!(&refused, Err(SignError::Vault(why)) if why.contains("expected letters")), "{refused:?}");
    }
}
