//! Signing in with a browser: the authorization code flow with PKCE (RFC 6749 §4.1, RFC 7636), as Dex does it for the public
//! client `sigstore`. There is no page: who sits at the browser is said beforehand ([`super::Authority::sit_down`]).

use std::collections::BTreeMap;
use std::sync::Mutex;

use axum::extract::Query;
use axum::http::{StatusCode, Uri};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sealwright_core::Digest;
use serde_json::{Value, json};

use super::Refusal;
use super::key::EcKey;
use super::token::TokenIssuer;
use crate::lock;

#[derive(Default)]
pub(crate) struct Logins {
    person: Mutex<Option<Value>>,
    pending: Mutex<Vec<Pending>>,
}

/// A code that was given out and waits to be exchanged.
struct Pending {
    code: String,
    redirect: String,
    challenge: String,
    claims: Value,
}

type Parameters = BTreeMap<String, String>;

impl Logins {
    pub(crate) fn sit_down(&self, claims: &Value) {
        *lock(&self.person) = Some(claims.clone());
    }

    /// `GET /auth`: where the browser is sent.
    pub(crate) fn authorize(&self, query: &str) -> Result<String, Refusal> {
        let asked = parameters(query)?;
        let is = |name: &str, value: &str| asked.get(name).is_some_and(|found| found == value);
        if !is("response_type", "code") || !is("client_id", "sigstore") || !is("code_challenge_method", "S256") {
            return Err(bad("expected a code for the client sigstore, with a challenge of the method S256"));
        }
        if !asked.get("scope").is_some_and(|scopes| scopes.split(' ').any(|scope| scope == "openid")) {
            return Err(bad("the scope openid is missing"));
        }
        let needed = |name: &str| asked.get(name).filter(|value| !value.is_empty()).ok_or_else(|| bad(name));
        let redirect = needed("redirect_uri")?;
        // Dex, `server/oauth2.go`: a public client may be answered on any port of the browser's own machine.
        if !redirect.starts_with("http://localhost:") && !redirect.starts_with("http://127.0.0.1:") {
            return Err(bad("redirect_uri is not on this machine"));
        }
        let state = needed("state")?;
        let Some(mut claims) = lock(&self.person).clone() else {
            return Ok(format!("{redirect}?error=access_denied&state={state}"));
        };
        if let (Some(claims), Some(nonce)) = (claims.as_object_mut(), asked.get("nonce")) {
            // What the person's claims say counts, so that a test can have a wrong one.
            claims.entry("nonce").or_insert_with(|| nonce.as_str().into());
        }
        let code = EcKey::generate()?.id().hex();
        let location = format!("{redirect}?code={code}&state={state}");
        let (redirect, challenge) = (redirect.clone(), needed("code_challenge")?.clone());
        lock(&self.pending).push(Pending { code, redirect, challenge, claims });
        Ok(location)
    }

    /// `POST /token`: a code is good for one exchange.
    pub(crate) fn exchange(&self, body: &[u8], issuer: &TokenIssuer) -> Result<Value, Refusal> {
        let asked = parameters(std::str::from_utf8(body).map_err(|_| bad("the body is no form"))?)?;
        let given = |name: &str| asked.get(name).map(String::as_str).unwrap_or_default();
        if given("grant_type") != "authorization_code" || given("client_id") != "sigstore" {
            return Err(bad("expected the grant of an authorization_code to the client sigstore"));
        }
        let pending = {
            let mut all = lock(&self.pending);
            let found = all.iter().position(|pending| pending.code == given("code"));
            found.map(|i| all.swap_remove(i)).ok_or_else(|| bad("the code is unknown or used"))?
        };
        let challenge = URL_SAFE_NO_PAD.encode(Digest::of(given("code_verifier").as_bytes()).as_bytes());
        if pending.redirect != given("redirect_uri") || pending.challenge != challenge {
            return Err(bad("the code was given for another request"));
        }
        Ok(json!({ "token_type": "bearer", "expires_in": 60, "id_token": issuer.token(&pending.claims)? }))
    }
}

fn bad(why: &str) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, why)
}

/// The pairs of a query or a form.
fn parameters(text: &str) -> Result<Parameters, Refusal> {
    let uri: Uri = format!("/?{text}").parse().map_err(|_| bad("the parameters cannot be read"))?;
    Query::try_from_uri(&uri).map(|Query(pairs)| pairs).map_err(|_| bad("the parameters cannot be read"))
}
