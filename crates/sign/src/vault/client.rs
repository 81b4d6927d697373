//! Vault's HTTP API: a token in a header, JSON both ways, errors as a list of texts.

use std::time::Duration;

use reqwest::{Method, StatusCode, Url};
use sealwright_core::{Redacted, causes};
use serde_json::{Value, json};

use super::{VaultAccess, VaultLogin, path, unusual};
use crate::SignError;
use crate::upstream::{Passing, again, builder, clip, lost, read_within};

/// Its answers are keys, tokens and signatures.
const LONGEST_ANSWER: usize = 1 << 20;

/// What was asked for, or that it is not there.
pub(super) enum Answer {
    Data(Value),
    NotFound,
}

pub(super) struct VaultClient {
    http: reqwest::Client,
    base: Url,
    namespace: Option<String>,
    token: Option<Redacted<String>>,
}

impl VaultClient {
    pub(super) async fn open(access: &VaultAccess, timeout: Duration) -> Result<Self, SignError> {
        let unusable = || SignError::Vault("its address is none, expected https://HOST[:PORT]".into());
        let mut http = builder([access.address.as_str()], timeout).ok_or_else(unusable)?;
        let base = Url::parse(&access.address).map_err(|_| unusable())?;
        if let Some(pem) = &access.authorities {
            let certificates = reqwest::Certificate::from_pem_bundle(pem).unwrap_or_default();
            if certificates.is_empty() {
                return Err(SignError::Vault("its CA file holds no certificates (PEM)".to_owned()));
            }
            for certificate in certificates {
                http = http.add_root_certificate(certificate);
            }
        }
        let http = http.build().map_err(|e| SignError::Vault(clip(&causes(&e))))?;
        let mut client = Self { http, base, namespace: access.namespace.clone(), token: None };
        client.token = Some(client.log_in(&access.login).await?);
        Ok(client)
    }

    async fn log_in(&self, login: &VaultLogin) -> Result<Redacted<String>, SignError> {
        let (method, body) = match login {
            VaultLogin::Token(token) => return Ok(Redacted::new(token.expose().trim().to_owned())),
            VaultLogin::Jwt { path, role, token } => (path, json!({ "role": role, "jwt": token.expose().trim() })),
            VaultLogin::AppRole { path, role_id, secret_id } => {
                (path, json!({ "role_id": role_id, "secret_id": secret_id.expose() }))
            }
        };
        let method = path(method, "the path of the auth method")?;
        let answer = self.ask(Method::POST, &format!("auth/{method}/login"), Some(&body)).await?;
        let token = answer.as_ref().and_then(|answer| answer.pointer("/auth/client_token")?.as_str());
        match (token, answer.is_some()) {
            (Some(token), _) => Ok(Redacted::new(token.to_owned())),
            (None, true) => Err(unusual("let nobody in and did not say why")),
            (None, false) => Err(SignError::Vault(format!("there is no auth method at {method:?}"))),
        }
    }

    pub(super) async fn get(&self, path: &str) -> Result<Answer, SignError> {
        data(self.ask(Method::GET, path, None).await?)
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<Answer, SignError> {
        data(self.ask(Method::POST, path, Some(body)).await?)
    }

    /// The answer's JSON; nothing where Vault says that it has no such thing.
    async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Option<Value>, SignError> {
        let mut url = self.base.clone();
        url.set_path(&format!("{}/v1/{path}", self.base.path().trim_end_matches('/')));
        again(async || {
            let mut request = self.http.request(method.clone(), url.clone());
            if let Some(namespace) = &self.namespace {
                request = request.header("X-Vault-Namespace", namespace);
            }
            if let Some(token) = &self.token {
                request = request.header("X-Vault-Token", token.expose());
            }
            if let Some(body) = body {
                request = request.header("Content-Type", "application/json").body(body.to_string());
            }
            let unreachable = |why: String| unusual(&format!("cannot be reached: {why}"));
            let lost = |e: reqwest::Error| lost(e, unreachable, SignError::Vault);
            let mut answer = request.send().await.map_err(lost)?;
            let status = answer.status();
            let bytes = read_within(&mut answer, LONGEST_ANSWER).await.map_err(lost)?;
            let bytes = bytes.ok_or_else(|| Passing::Final(unusual("gave an answer that is too long")))?;
            let json: Option<Value> = serde_json::from_slice(&bytes).ok();
            if status == StatusCode::OK {
                return json.map(Some).ok_or_else(|| Passing::Final(unusual("gave an answer that is not JSON")));
            }
            let why = errors(json.as_ref());
            if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() {
                return Err(Passing::Transient(unusual(&format!("answered {status}{why}"))));
            }
            // A path that leads to nothing has no texts; one that leads nowhere does.
            if status == StatusCode::NOT_FOUND {
                return Ok(None);
            }
            let message = format!("it answered {status}{why} to {path}");
            let denied = status == StatusCode::FORBIDDEN;
            Err(Passing::Final(if denied { SignError::VaultDenied(message) } else { SignError::Vault(message) }))
        })
        .await
    }
}

fn data(answer: Option<Value>) -> Result<Answer, SignError> {
    match answer {
        None => Ok(Answer::NotFound),
        Some(mut answer) => match answer.get_mut("data").map(Value::take) {
            Some(data) => Ok(Answer::Data(data)),
            None => Err(unusual("gave an answer without data")),
        },
    }
}

fn errors(answer: Option<&Value>) -> String {
    let texts = answer.and_then(|answer| answer.get("errors")?.as_array());
    let texts: Vec<&str> = texts.into_iter().flatten().filter_map(Value::as_str).collect();
    if texts.is_empty() { String::new() } else { format!(" ({})", clip(texts.join("; ").trim())) }
}
