//! The token endpoint of a GitHub Actions job (GitHub, "OpenID Connect reference", "Methods for requesting the OIDC token").

use std::fmt;
use std::time::Duration;

use reqwest::{StatusCode, Url};
use sealwright_core::Redacted;
use serde_json::Value;

use crate::SignError;
use crate::upstream::{Attempts, Passing, builder, lost, read_within};

/// Its answer is a token of a few kilobytes in JSON.
const LONGEST_ANSWER: usize = 64 << 10;
const SERVICE: &str = "the token endpoint of GitHub Actions";

/// Gives tokens for as long as the job runs.
pub struct GitHubTokens {
    client: reqwest::Client,
    url: Url,
    bearer: Redacted<String>,
}

impl fmt::Debug for GitHubTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GitHubTokens({})", self.url.host_str().unwrap_or_default())
    }
}

impl GitHubTokens {
    /// The endpoint of `ACTIONS_ID_TOKEN_REQUEST_URL`, which takes the token of `ACTIONS_ID_TOKEN_REQUEST_TOKEN`, for tokens
    /// that are meant for `audience`. `timeout` is for each request. Nothing is asked yet.
    ///
    /// # Errors
    /// When the address is none to which a secret may be sent.
    pub fn new(url: &str, bearer: Redacted<String>, audience: &str, timeout: Duration) -> Result<Self, SignError> {
        let unusable = || SignError::TokenEndpoint("expected an https:// address".to_owned());
        let client = builder([url], timeout).ok_or_else(unusable)?.build().map_err(|_| unusable())?;
        let mut url = Url::parse(url).map_err(|_| unusable())?;
        url.query_pairs_mut().append_pair("audience", audience);
        Ok(Self { client, url, bearer })
    }

    /// A new token.
    ///
    /// # Errors
    /// When the endpoint does not give one.
    pub async fn request(&self) -> Result<Redacted<String>, SignError> {
        // Not by `again`: the compiler cannot tell that the future of its closure may move between threads.
        let mut attempts = Attempts::first();
        loop {
            match self.once().await {
                Ok(token) => return Ok(token),
                Err(Passing::Transient(error)) => {
                    if !attempts.another().await {
                        return Err(error);
                    }
                }
                Err(Passing::Final(error)) => return Err(error),
            }
        }
    }

    async fn once(&self) -> Result<Redacted<String>, Passing> {
        let upstream = |message: String| SignError::Upstream { service: SERVICE, message };
        let request = self.client.get(self.url.clone()).bearer_auth(self.bearer.expose());
        let lost = |e: reqwest::Error| lost(e, upstream, SignError::TokenEndpoint);
        let mut answer = request.send().await.map_err(lost)?;
        let status = answer.status();
        if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() {
            return Err(Passing::Transient(upstream(format!("it answered {status}"))));
        }
        if status != StatusCode::OK {
            return Err(Passing::Final(SignError::TokenEndpoint(format!(
                "it answered {status}, and the job may lack `permissions: id-token: write`"
            ))));
        }
        let body = read_within(&mut answer, LONGEST_ANSWER).await.map_err(lost)?;
        let body = body.ok_or_else(|| Passing::Final(upstream("its answer is longer than any token".to_owned())))?;
        let value =
            serde_json::from_slice(&body).ok().and_then(|mut answer: Value| match answer.get_mut("value")?.take() {
                Value::String(token) => Some(Redacted::new(token)),
                _ => None,
            });
        value.ok_or_else(|| Passing::Final(upstream("its answer holds no token".to_owned())))
    }
}
