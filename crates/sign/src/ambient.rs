//! The endpoints that give a job its identity tokens: GitHub Actions (GitHub, "OpenID Connect reference", "Methods for requesting
//! the OIDC token") and Buildkite (what `buildkite-agent oidc request-token` asks).

use std::fmt;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{RequestBuilder, StatusCode, Url};
use sealwright_core::Redacted;
use serde_json::{Value, json};

use crate::SignError;
use crate::upstream::{Attempts, Passing, builder, lost, read_within};

/// Its answer is a token of a few kilobytes in JSON.
const LONGEST_ANSWER: usize = 64 << 10;
/// Where Buildkite's agents find it if nothing else is said.
const BUILDKITE: &str = "https://agent.buildkite.com/v3";

/// Gives tokens for as long as the job runs.
pub struct JobTokens {
    client: reqwest::Client,
    url: Url,
    secret: Redacted<String>,
    system: System,
}

enum System {
    /// The audience is part of the address.
    GitHub,
    Buildkite {
        audience: String,
    },
}

impl System {
    fn service(&self) -> &'static str {
        match self {
            Self::GitHub => "the token endpoint of GitHub Actions",
            Self::Buildkite { .. } => "the token endpoint of Buildkite",
        }
    }

    /// Under which name the token stands in the answer.
    fn member(&self) -> &'static str {
        match self {
            Self::GitHub => "value",
            Self::Buildkite { .. } => "token",
        }
    }

    /// What a refusal may mean.
    fn refusal(&self) -> &'static str {
        match self {
            Self::GitHub => "the job may lack `permissions: id-token: write`",
            Self::Buildkite { .. } => "the job may have ended, or its agent may not ask for tokens",
        }
    }
}

impl fmt::Debug for JobTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JobTokens({})", self.url.host_str().unwrap_or_default())
    }
}

impl JobTokens {
    /// The endpoint of `ACTIONS_ID_TOKEN_REQUEST_URL`, which takes the token of `ACTIONS_ID_TOKEN_REQUEST_TOKEN`, for tokens
    /// that are meant for `audience`. `timeout` is for each request. Nothing is asked yet.
    ///
    /// # Errors
    /// When the address is none to which a secret may be sent.
    pub fn github(url: &str, bearer: Redacted<String>, audience: &str, timeout: Duration) -> Result<Self, SignError> {
        let (client, mut url) = connect(url, timeout)?;
        url.query_pairs_mut().append_pair("audience", audience);
        Ok(Self { client, url, secret: bearer, system: System::GitHub })
    }

    /// The endpoint of `BUILDKITE_AGENT_ENDPOINT`, which takes the token of `BUILDKITE_AGENT_ACCESS_TOKEN`, for the job of
    /// `BUILDKITE_JOB_ID`.
    ///
    /// # Errors
    /// As [`Self::github`].
    pub fn buildkite(
        endpoint: Option<&str>,
        access_token: Redacted<String>,
        job: &str,
        audience: &str,
        timeout: Duration,
    ) -> Result<Self, SignError> {
        let (client, mut url) = connect(endpoint.unwrap_or(BUILDKITE), timeout)?;
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(["jobs", job, "oidc", "tokens"]);
        }
        let system = System::Buildkite { audience: audience.to_owned() };
        Ok(Self { client, url, secret: access_token, system })
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

    fn asked(&self) -> RequestBuilder {
        match &self.system {
            System::GitHub => self.client.get(self.url.clone()).bearer_auth(self.secret.expose()),
            System::Buildkite { audience } => {
                let body = json!({ "audience": audience }).to_string();
                let request = self.client.post(self.url.clone()).header(CONTENT_TYPE, "application/json").body(body);
                let mut secret = HeaderValue::try_from(format!("Token {}", self.secret.expose()));
                if let Ok(secret) = &mut secret {
                    secret.set_sensitive(true);
                }
                match secret {
                    Ok(secret) => request.header(AUTHORIZATION, secret),
                    // A secret with a line break in it is none, and the endpoint will say so.
                    Err(_) => request,
                }
            }
        }
    }

    async fn once(&self) -> Result<Redacted<String>, Passing> {
        let upstream = |message: String| SignError::Upstream { service: self.system.service(), message };
        let lost = |e: reqwest::Error| lost(e, upstream, SignError::TokenEndpoint);
        let mut answer = self.asked().send().await.map_err(lost)?;
        let status = answer.status();
        if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() {
            return Err(Passing::Transient(upstream(format!("it answered {status}"))));
        }
        if status != StatusCode::OK {
            let why = format!("it answered {status}, and {}", self.system.refusal());
            return Err(Passing::Final(SignError::TokenEndpoint(why)));
        }
        let body = read_within(&mut answer, LONGEST_ANSWER).await.map_err(lost)?;
        let body = body.ok_or_else(|| Passing::Final(upstream("its answer is longer than any token".to_owned())))?;
        let member = self.system.member();
        let value =
            serde_json::from_slice(&body).ok().and_then(|mut answer: Value| match answer.get_mut(member)?.take() {
                Value::String(token) => Some(Redacted::new(token)),
                _ => None,
            });
        value.ok_or_else(|| Passing::Final(upstream("its answer holds no token".to_owned())))
    }
}

fn connect(url: &str, timeout: Duration) -> Result<(reqwest::Client, Url), SignError> {
    let unusable = || SignError::TokenEndpoint("expected an https:// address".to_owned());
    let client = builder([url], timeout).ok_or_else(unusable)?.build().map_err(|_| unusable())?;
    Ok((client, Url::parse(url).map_err(|_| unusable())?))
}
