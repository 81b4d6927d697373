//! A test plays the browser of somebody who signs in.

use std::io::Write as _;
use std::net::TcpStream;
use std::time::Duration;

use sealwright_core::bounded::read_all;
use sealwright_core::{Digest, Redacted};
use sealwright_loopback::authority::{Authority, Effect, Fault, LogVersion};
use sealwright_sign::{KeylessSigner, SignError, Signer, Visibility, sign_in};
use serde_json::{Value, json};

use crate::keyless::{now, run};
use crate::statement;

fn person() -> Value {
    json!({
        "sub": "CgIxMhIGZ2l0aHVi", "email": "jane@example.test", "email_verified": true,
        "federated_claims": { "connector_id": "https://accounts.example", "user_id": "12" },
    })
}

/// One request by hand; gives status and headers, and the body.
fn get(url: &str) -> (String, String) {
    let rest = url.strip_prefix("http://").expect("http");
    let (host, path) = rest.split_once('/').expect("path");
    let mut stream = TcpStream::connect(host).expect("listens");
    write!(stream, "GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").expect("request");
    let answer = String::from_utf8(read_all(stream, 1 << 20).expect("answer")).expect("text");
    let (head, body) = answer.split_once("\r\n\r\n").expect("head");
    (head.to_owned(), body.to_owned())
}

/// Where the authority sends the browser.
fn redirected(url: &str) -> String {
    let (head, _) = get(url);
    let location = head.lines().find_map(|line| line.strip_prefix("location: ")).expect("redirect");
    location.to_owned()
}

/// Signs in with a browser that does `browse` with the address that is shown.
fn with_browser(
    authority: &Authority,
    browse: impl FnOnce(String) + Send + 'static,
) -> Result<Redacted<String>, SignError> {
    let config = authority.signing_config(LogVersion::V2);
    let mut browser = None;
    let token = run(sign_in(config.as_bytes(), Duration::from_secs(5), |url| {
        let url = url.to_owned();
        browser = Some(std::thread::spawn(move || browse(url)));
    }));
    if let Some(browser) = browser {
        browser.join().expect("the browser");
    }
    token
}

#[test]
fn somebody_signs_in_and_signs() {
    let authority = Authority::start().expect("authority");
    authority.sit_down(&person());
    let token = with_browser(&authority, |url| {
        let (head, page) = get(&redirected(&url));
        assert!(head.starts_with("HTTP/1.1 200") && page.contains("signed in"), "{head}");
    });
    let token = token.expect("token");
    let config = authority.signing_config(LogVersion::V2);
    let signer = KeylessSigner::new(config.as_bytes(), &token, None, now(), Duration::from_secs(5)).expect("signer");
    let claims = signer.claims();
    assert_eq!((claims.subject.as_str(), claims.visibility), ("jane@example.test", Visibility::Person));
    assert_eq!(claims.issuer, "https://accounts.example");
    run(Signer::Keyless(Box::new(signer)).sign(&statement(&Digest::of(b"image")))).expect("signed");
}

#[test]
fn who_does_not_know_the_state_is_turned_away_and_changes_nothing() {
    let authority = Authority::start().expect("authority");
    authority.sit_down(&person());
    let token = with_browser(&authority, |url| {
        let answer = redirected(&url);
        let port = answer.split('?').next().expect("address").to_owned();
        // A connection that says nothing, a page that guesses, and the browser's own curiosity.
        let silent = TcpStream::connect(port.trim_start_matches("http://").split('/').next().expect("host"));
        for wrong in ["?code=evil&state=guess", "?code=evil", "?error=x&state=guess", ""] {
            assert!(get(&format!("{port}{wrong}")).0.starts_with("HTTP/1.1 404"), "{wrong}");
        }
        assert!(get(&port.replace("/auth/callback", "/favicon.ico")).0.starts_with("HTTP/1.1 404"));
        get(&answer);
        drop(silent);
    });
    token.expect("the right answer still counts");
}

#[test]
fn what_the_issuer_refuses_or_gives_for_another_request_is_no_token() {
    let authority = Authority::start().expect("authority");
    let follow = |url: String| {
        get(&redirected(&url));
    };
    let why = |result: Result<Redacted<String>, SignError>| match result {
        Err(SignError::SignIn(why)) => why,
        other => panic!("{other:?}"),
    };
    assert!(why(with_browser(&authority, follow)).contains("access_denied"));
    let mut other = person();
    other["nonce"] = json!("of another request");
    authority.sit_down(&other);
    assert!(why(with_browser(&authority, follow)).contains("not the answer to this request"));
    authority.sit_down(&person());
    // Somebody else's code.
    let stolen = |url: String| {
        let answer = redirected(&url);
        let (start, state) = answer.split_once("?code=").expect("code");
        let state = state.split_once('&').expect("state").1;
        get(&format!("{start}?code=stolen&{state}"));
    };
    assert!(why(with_browser(&authority, stolen)).contains("400"));
    authority.fault(Fault::once("POST", "/token", Effect::Endless));
    assert!(why(with_browser(&authority, follow)).contains("too long"));
    let config = authority.signing_config(LogVersion::V2);
    drop(authority);
    let gone = run(sign_in(config.as_bytes(), Duration::from_secs(5), |_| panic!("nothing to show")));
    assert!(gone.is_err_and(|e| e.is_unavailable()));
}

#[test]
fn an_issuer_at_a_plain_address_is_asked_nothing() {
    let authority = Authority::start().expect("authority");
    let mut config: Value = serde_json::from_str(&authority.signing_config(LogVersion::V2)).expect("JSON");
    config["oidcUrls"][0]["url"] = json!("http://accounts.example");
    let refused = run(sign_in(config.to_string().as_bytes(), Duration::from_secs(5), |_| panic!("nothing to show")));
    assert!(matches!(refused, Err(SignError::SigningConfig(_))), "{refused:?}");
    config["oidcUrls"] = json!([]);
    let refused = run(sign_in(config.to_string().as_bytes(), Duration::from_secs(5), |_| panic!("nothing to show")));
    assert!(matches!(refused, Err(SignError::SigningConfig(why)) if why.contains("no issuer")));
}
