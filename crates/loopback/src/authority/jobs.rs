//! The token endpoints of jobs of GitHub Actions (GitHub, "OpenID Connect reference") and Buildkite (its agent's `api/oidc.go`):
//! whoever holds a job's secret gets a token with that job's claims, for the audience that is asked for.

use std::sync::Mutex;

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::key::EcKey;
use super::token::TokenIssuer;
use super::{Refusal, Unable};
use crate::lock;
use crate::registry::parameters;
use crate::traffic::Incoming;

/// What the environment of a job holds.
#[derive(Debug, Clone)]
pub struct Job {
    /// `ACTIONS_ID_TOKEN_REQUEST_URL`.
    pub request_url: String,
    /// `ACTIONS_ID_TOKEN_REQUEST_TOKEN`.
    pub request_token: String,
}

/// What the environment of a Buildkite job holds.
#[derive(Debug, Clone)]
pub struct BuildkiteJob {
    /// `BUILDKITE_AGENT_ENDPOINT`.
    pub endpoint: String,
    /// `BUILDKITE_AGENT_ACCESS_TOKEN`.
    pub access_token: String,
    /// `BUILDKITE_JOB_ID`.
    pub id: String,
}

struct Running {
    job: Job,
    claims: Value,
}

#[derive(Default)]
pub(crate) struct Jobs {
    running: Mutex<Vec<Running>>,
    buildkite: Mutex<Vec<(BuildkiteJob, Value)>>,
}

impl Jobs {
    pub(crate) fn start(&self, base: &str, claims: &Value) -> Result<Job, Unable> {
        let mut running = lock(&self.running);
        let request_url = format!("{base}/jobs/{}/idtoken?api-version=2.0", running.len());
        // The digest of a new public key is as good as any random text.
        let job = Job { request_url, request_token: EcKey::generate()?.id().hex() };
        running.push(Running { job: job.clone(), claims: claims.clone() });
        Ok(job)
    }

    /// The answer to a request with this bearer token.
    pub(crate) fn token(
        &self,
        incoming: &Incoming,
        bearer: Option<&str>,
        issuer: &TokenIssuer,
    ) -> Result<Value, Refusal> {
        let running = lock(&self.running);
        let number = incoming.path.strip_prefix("/jobs/").and_then(|rest| rest.strip_suffix("/idtoken"));
        let job = number.and_then(|n| running.get(n.parse::<usize>().ok()?));
        let job = job.ok_or_else(|| Refusal::new(StatusCode::NOT_FOUND, "there is no such job"))?;
        if bearer != Some(job.job.request_token.as_str()) {
            return Err(Refusal::new(StatusCode::UNAUTHORIZED, "the request token is not the job's"));
        }
        // Without one, GitHub names the owner of the repository.
        let audience =
            parameters(&incoming.query).into_iter().find_map(|(key, value)| (key == "audience").then_some(value));
        let mut claims = job.claims.clone();
        if let Some(claims) = claims.as_object_mut() {
            claims.insert("aud".to_owned(), audience.unwrap_or_else(|| "https://github.com/acme".to_owned()).into());
        }
        let token = issuer.token(&claims)?;
        Ok(json!({ "count": token.len(), "value": token }))
    }

    pub(crate) fn start_buildkite(&self, base: &str, claims: &Value) -> Result<BuildkiteJob, Unable> {
        let mut running = lock(&self.buildkite);
        let id = format!("01980000-0000-4000-8000-{:012}", running.len());
        let job =
            BuildkiteJob { endpoint: format!("{base}/buildkite"), access_token: EcKey::generate()?.id().hex(), id };
        running.push((job.clone(), claims.clone()));
        Ok(job)
    }

    /// `POST /jobs/ID/oidc/tokens`.
    pub(crate) fn buildkite_token(&self, incoming: &Incoming, issuer: &TokenIssuer) -> Result<Value, Refusal> {
        let running = lock(&self.buildkite);
        let id = incoming.path.strip_prefix("/buildkite/jobs/").and_then(|rest| rest.strip_suffix("/oidc/tokens"));
        let job = running.iter().find(|(job, _)| id == Some(job.id.as_str()));
        let (job, claims) = job.ok_or_else(|| Refusal::new(StatusCode::NOT_FOUND, "there is no such job"))?;
        if incoming.header("authorization") != Some(format!("Token {}", job.access_token).as_str()) {
            return Err(Refusal::new(StatusCode::UNAUTHORIZED, "the access token is not the agent's"));
        }
        let asked: Value = serde_json::from_slice(&incoming.body)
            .map_err(|_| Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "the body is no JSON"))?;
        let mut claims = claims.clone();
        if let Some(claims) = claims.as_object_mut() {
            // Without one, Buildkite names the organization.
            let audience = asked.get("audience").cloned().unwrap_or_else(|| "https://buildkite.com/acme".into());
            claims.insert("aud".to_owned(), audience);
        }
        Ok(json!({ "token": issuer.token(&claims)? }))
    }
}
