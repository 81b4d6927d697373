//! Who may do what: `Basic`, and `Bearer` with a token endpoint (distribution's "Token Authentication").

use std::collections::HashMap;

use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::answer::refuse;
use super::{Access, Shared};
use crate::answer::{answer, json};
use crate::aws::Given;
use crate::lock;
use crate::traffic::Incoming;

/// Tokens that were handed out.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    granted: HashMap<String, Grant>,
}

#[derive(Debug)]
struct Grant {
    /// `repository:NAME:ACTION`, one action each.
    scopes: Vec<String>,
    uses_left: Option<u32>,
}

const SERVICE: &str = "loopback";

/// `None` where the request may go on, else the refusal. `actions` are IAM's words for it.
pub(crate) fn check(
    shared: &Shared,
    method: &Method,
    repository: Option<&str>,
    actions: &[&str],
    headers: &HeaderMap,
) -> Option<Response> {
    let access = lock(&shared.switches).access.clone();
    let authorization = headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok()).unwrap_or_default();
    match access {
        Access::Open => None,
        Access::Basic { user, password } => {
            let fits = basic(authorization).is_some_and(|given| given == (user, password));
            (!fits).then(|| challenge("Basic realm=\"loopback\""))
        }
        Access::Ecr(given) => ecr(&given, authorization, actions, repository),
        Access::Bearer { realm, .. } => {
            let actions: &[&str] =
                if matches!(*method, Method::GET | Method::HEAD) { &["pull"] } else { &["pull", "push"] };
            let token = authorization.strip_prefix("Bearer ").unwrap_or_default();
            if allows(&mut lock(&shared.tokens), token, repository, actions) {
                return None;
            }
            let realm = realm.unwrap_or_else(|| format!("http://{}/token", shared.address));
            let scope =
                repository.map(|r| format!(",scope=\"repository:{r}:{}\"", actions.join(","))).unwrap_or_default();
            Some(challenge(&format!("Bearer realm=\"{realm}\",service=\"{SERVICE}\"{scope}")))
        }
    }
}

/// What ECR says to a request without a password that it gave out, and to one whose owner may not do that.
fn ecr(given: &Given, authorization: &str, actions: &[&str], repository: Option<&str>) -> Option<Response> {
    let password = basic(authorization).filter(|(user, _)| user == "AWS").map(|(_, password)| password);
    let checked = password.and_then(|password| given.check(&password, actions, repository.unwrap_or("*")));
    match checked {
        None => Some(challenge("Basic realm=\"https://loopback/\",service=\"ecr.amazonaws.com\"")),
        // `/v2/` names no repository and asks only who it is.
        Some(Err(why)) if repository.is_some() => Some(refuse(StatusCode::FORBIDDEN, "DENIED", &why)),
        Some(_) => None,
    }
}

fn allows(tokens: &mut Tokens, token: &str, repository: Option<&str>, actions: &[&str]) -> bool {
    let Some(grant) = tokens.granted.get_mut(token) else { return false };
    if grant.uses_left == Some(0) {
        return false;
    }
    let Some(repository) = repository else { return true };
    let fits = actions.iter().all(|action| grant.scopes.contains(&format!("repository:{repository}:{action}")));
    if fits && let Some(left) = grant.uses_left.as_mut() {
        *left -= 1;
    }
    fits
}

fn challenge(value: &str) -> Response {
    let mut response = refuse(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", "authentication required");
    if let Ok(value) = value.try_into() {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
    }
    response
}

fn basic(authorization: &str) -> Option<(String, String)> {
    let decoded = STANDARD.decode(authorization.strip_prefix("Basic ")?).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    let (user, password) = text.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

/// The token endpoint: `GET` with `Basic`, or `POST` with a refresh token (distribution's "OAuth2 Token Authentication").
pub(crate) fn token(shared: &Shared, method: &Method, query: &str, headers: &HeaderMap, body: &[u8]) -> Response {
    let (access, token_uses) = {
        let switches = lock(&shared.switches);
        (switches.access.clone(), switches.token_uses)
    };
    let Access::Bearer { user, password, anonymous_pull, .. } = access else {
        return answer(StatusCode::NOT_FOUND, &[], "");
    };
    let form = String::from_utf8_lossy(body);
    let parameters = parameters(if *method == Method::POST { &form } else { query });
    let one = |name: &str| parameters.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
    if one("service") != Some(SERVICE) {
        return refuse(StatusCode::BAD_REQUEST, "UNSUPPORTED", "unknown service");
    }
    let authorization = headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok());
    let known = match (method == Method::POST, authorization) {
        (true, _) => Some(one("grant_type") == Some("refresh_token") && one("refresh_token") == Some(&password)),
        (false, Some(value)) => Some(basic(value) == Some((user, password))),
        (false, None) => None,
    };
    if known == Some(false) {
        return refuse(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", "incorrect username or password");
    }
    let asked = parameters.iter().filter(|(name, _)| name == "scope").flat_map(|(_, scopes)| scopes.split(' '));
    let scopes = asked.filter_map(|scope| scope.rsplit_once(':')).flat_map(|(resource, actions)| {
        let granted = actions.split(',').filter(|a| known == Some(true) || (anonymous_pull && *a == "pull"));
        granted.map(move |action| format!("{resource}:{action}"))
    });
    let scopes = scopes.collect();
    let mut tokens = lock(&shared.tokens);
    let token = format!("token-{}", tokens.granted.len() + 1);
    tokens.granted.insert(token.clone(), Grant { scopes, uses_left: token_uses });
    json(&serde_json::json!({ "token": token, "access_token": token, "expires_in": 300 }))
}

/// The value of a parameter in a request's query.
pub(crate) fn parameter(incoming: &Incoming, name: &str) -> Option<String> {
    parameters(&incoming.query).into_iter().find(|(n, _)| n == name).map(|(_, v)| v)
}

/// The pairs of `application/x-www-form-urlencoded`.
pub(crate) fn parameters(query: &str) -> Vec<(String, String)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).map(|(n, v)| (decoded(n), decoded(v))).collect()
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let digit = |b: Option<u8>| b.and_then(|b| char::from(b).to_digit(16));
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let value = digit(rest.next()).zip(digit(rest.next())).and_then(|(h, l)| u8::try_from(h * 16 + l).ok());
                bytes.extend(value);
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
