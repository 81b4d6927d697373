//! A person's identity token: the authorization code flow of OpenID Connect with PKCE (RFC 7636), whose answer comes to a port
//! of this machine (RFC 8252 §7.3).
//!
//! The address is shown and no browser is started: that is for the person to do, wherever the browser is.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::{RequestBuilder, StatusCode, Url};
use sealwright_core::{Redacted, causes};
use serde_json::Value;
use sigstore_trust_root::SigningConfig;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::SignError;
use crate::identity::{SIGSTORE, claim};
use crate::upstream::{builder, clip, read_within};

/// How long somebody has to sign in.
const PATIENCE: Duration = Duration::from_secs(300);
/// How long a connection may take to ask: browsers open some that never do.
const IDLE: Duration = Duration::from_secs(2);
/// The longest request of a browser, in bytes.
const LONGEST_REQUEST: usize = 16 << 10;
/// The longest answer of the issuer, in bytes.
const LONGEST_ANSWER: usize = 256 << 10;
/// The path that the public-good issuer lets Sigstore's clients be answered at.
const CALLBACK: &str = "/auth/callback";

/// A token for whoever signs in at the issuer of this signing config. `show` is given the address that a browser has to open.
/// `limit` is for each request to the issuer.
///
/// # Errors
/// When nobody signs in in time, or the issuer refuses.
pub async fn sign_in(
    signing_config: &[u8],
    limit: Duration,
    show: impl FnOnce(&str),
) -> Result<Redacted<String>, SignError> {
    let text = std::str::from_utf8(signing_config).map_err(|_| SignError::SigningConfig("it is no text".into()))?;
    let config = SigningConfig::from_json(text).map_err(|e| SignError::SigningConfig(e.to_string()))?;
    let issuer =
        config.oidc_url().ok_or_else(|| SignError::SigningConfig("it names no issuer of identities".into()))?;
    let issuer = Issuer::discover(&issuer.url, limit).await?;

    let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(|e| failed(e.to_string()))?;
    let port = listener.local_addr().map_err(|e| failed(e.to_string()))?.port();
    let request = Request::new(format!("http://localhost:{port}{CALLBACK}"))?;
    show(request.address(&issuer).as_str());
    let code = timeout(PATIENCE, answer(&listener, &request.state)).await;
    let code = code.map_err(|_| failed(format!("nobody signed in within {} seconds", PATIENCE.as_secs())))??;
    drop(listener);

    let token = issuer.exchange(&code, &request, limit).await?;
    // OpenID Connect Core 1.0 §3.1.3.7: a token that was made for another request is somebody else's.
    if claim(&token, "nonce").as_deref() != Some(request.nonce.as_str()) {
        return Err(failed("the token is not the answer to this request".to_owned()));
    }
    Ok(token)
}

fn failed(why: String) -> SignError {
    SignError::SignIn(why)
}

/// What only this run knows.
struct Request {
    redirect: String,
    state: String,
    nonce: String,
    verifier: Redacted<String>,
}

impl Request {
    fn new(redirect: String) -> Result<Self, SignError> {
        let random = || {
            let mut bytes = [0; 32];
            rand::fill(&mut bytes).map_err(|_| failed("there is no randomness".to_owned()))?;
            Ok::<_, SignError>(URL_SAFE_NO_PAD.encode(bytes))
        };
        Ok(Self { redirect, state: random()?, nonce: random()?, verifier: Redacted::new(random()?) })
    }

    /// RFC 7636 §4.3, OpenID Connect Core 1.0 §3.1.2.1.
    fn address(&self, issuer: &Issuer) -> Url {
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, self.verifier.expose().as_bytes()));
        let mut url = issuer.authorization.clone();
        url.query_pairs_mut().extend_pairs([
            ("response_type", "code"),
            ("client_id", SIGSTORE),
            ("redirect_uri", &self.redirect),
            ("scope", "openid email"),
            ("state", &self.state),
            ("nonce", &self.nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]);
        url
    }
}

/// The endpoints of an issuer.
struct Issuer {
    authorization: Url,
    token: Url,
}

impl Issuer {
    /// OpenID Connect Discovery 1.0 §4.
    async fn discover(issuer: &str, limit: Duration) -> Result<Self, SignError> {
        let base = issuer.trim_end_matches('/');
        let url = format!("{base}/.well-known/openid-configuration");
        let configuration = asked(client(&url, limit)?.get(&url)).await?;
        let member = |name: &str| configuration.get(name).and_then(Value::as_str);
        if member("issuer").map(|named| named.trim_end_matches('/')) != Some(base) {
            return Err(failed("the issuer's configuration is another issuer's".to_owned()));
        }
        let endpoint = |name: &str| {
            let url = member(name).and_then(|url| Url::parse(url).ok());
            let url = url.filter(|url| builder([url.as_str()], limit).is_some());
            url.ok_or_else(|| failed(format!("the issuer names no {name} that can be used")))
        };
        Ok(Self { authorization: endpoint("authorization_endpoint")?, token: endpoint("token_endpoint")? })
    }

    /// RFC 6749 §4.1.3, RFC 7636 §4.5.
    async fn exchange(&self, code: &str, request: &Request, limit: Duration) -> Result<Redacted<String>, SignError> {
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", SIGSTORE),
            ("code", code),
            ("redirect_uri", &request.redirect),
            ("code_verifier", request.verifier.expose()),
        ];
        let mut answer = asked(client(self.token.as_str(), limit)?.post(self.token.clone()).form(&form)).await?;
        match answer.get_mut("id_token").map(Value::take) {
            Some(Value::String(token)) => Ok(Redacted::new(token)),
            _ => Err(failed("the issuer's answer holds no token".to_owned())),
        }
    }
}

fn client(url: &str, limit: Duration) -> Result<reqwest::Client, SignError> {
    let unusable = || SignError::SigningConfig("its issuer is no https:// address".to_owned());
    builder([url], limit).ok_or_else(unusable)?.build().map_err(|_| unusable())
}

/// The JSON of an answer.
async fn asked(request: RequestBuilder) -> Result<Value, SignError> {
    let lost = |e: reqwest::Error| SignError::Upstream {
        service: "the issuer of identities",
        message: clip(&causes(&e.without_url())),
    };
    let mut answer = request.send().await.map_err(lost)?;
    if answer.status() != StatusCode::OK {
        return Err(failed(format!("the issuer answered {}", answer.status())));
    }
    let body = read_within(&mut answer, LONGEST_ANSWER).await.map_err(lost)?;
    let value = body.and_then(|body| serde_json::from_slice(&body).ok());
    value.ok_or_else(|| failed("the issuer's answer is no JSON, or too long".to_owned()))
}

/// Waits for the browser to come back with a code. What does not know the state is turned away and changes nothing.
async fn answer(listener: &TcpListener, state: &str) -> Result<String, SignError> {
    loop {
        let (mut stream, _) = listener.accept().await.map_err(|e| failed(e.to_string()))?;
        let Ok(Some(line)) = timeout(IDLE, request_line(&mut stream)).await else { continue };
        let outcome = judge(&line, state);
        let (status, text) = match &outcome {
            None => ("404 Not Found", "This is not what was asked for."),
            Some(Err(_)) => ("200 OK", "Signing in failed. The terminal says why; this page can be closed."),
            Some(Ok(_)) => ("200 OK", "You are signed in. This page can be closed."),
        };
        let head = "Content-Type: text/plain; charset=utf-8\r\nCache-Control: no-store\r\nConnection: close";
        let page = format!("HTTP/1.1 {status}\r\n{head}\r\nContent-Length: {}\r\n\r\n{text}", text.len());
        // Who does not wait for the page has come back all the same.
        let _ = timeout(IDLE, stream.write_all(page.as_bytes())).await;
        if let Some(result) = outcome {
            return result;
        }
    }
}

/// The first line of a request whose head has come whole.
async fn request_line(stream: &mut TcpStream) -> Option<String> {
    let (mut head, mut buffer) = (Vec::new(), [0; 1024]);
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let n = stream.read(&mut buffer).await.ok().filter(|n| *n > 0)?;
        head.extend_from_slice(buffer.get(..n)?);
        if head.len() > LONGEST_REQUEST {
            return None;
        }
    }
    Some(String::from_utf8(head).ok()?.lines().next()?.to_owned())
}

/// The code, or why there is none, in the answer to the request that this state belongs to (RFC 6749 §4.1.2).
fn judge(line: &str, state: &str) -> Option<Result<String, SignError>> {
    let target = line.strip_prefix("GET ")?.split(' ').next()?;
    let url = Url::parse(&format!("http://localhost{target}")).ok().filter(|url| url.path() == CALLBACK)?;
    let parameter = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    if parameter("state")? != state {
        return None;
    }
    if let Some(error) = parameter("error") {
        let words = parameter("error_description").map(|words| format!(": {words}")).unwrap_or_default();
        return Some(Err(failed(clip(&format!("the issuer says {error}{words}")))));
    }
    parameter("code").map(Ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_answer_to_this_request_counts() {
        let line = |target: &str| format!("GET {target} HTTP/1.1");
        assert_eq!(judge(&line("/auth/callback?code=c%2B1&state=s"), "s"), Some(Ok("c+1".to_owned())));
        for other in [
            "/auth/callback?code=c&state=x",
            "/auth/callback?code=c",
            "/auth/callback?state=s",
            "/favicon.ico?code=c&state=s",
            "/auth/callback",
            "auth/callback?code=c&state=s",
        ] {
            assert_eq!(judge(&line(other), "s"), None, "{other}");
        }
        assert_eq!(judge("POST /auth/callback?code=c&state=s HTTP/1.1", "s"), None);
        assert_eq!(judge("", "s"), None);
        let denied = judge(&line("/auth/callback?error=access_denied&error_description=%1b[31mno&state=s"), "s");
        let why = denied.expect("an answer").expect_err("denied").to_string();
        assert!(why.contains("access_denied:  [31mno"), "{why}");
    }
}
