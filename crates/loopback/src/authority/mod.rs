//! A throw-away signing authority: an OpenID Connect issuer, Fulcio with its certificate transparency log, Rekor in both
//! versions and a timestamp authority, in one process on loopback.
//!
//! It can do without its logs, as GitHub's own instance does: certificates then carry no SCT, and nothing can be entered.
//!
//! It is a fake: its keys are gone with it, nothing can be searched or deleted, and its issuer gives a token to whoever holds
//! the [`Authority`]. It checks what the real ones check: tokens, proofs of possession, signatures.

mod certificate;
mod ct;
mod fulcio;
mod jobs;
pub(crate) mod key;
mod login;
mod rekor;
mod timestamp;
mod token;
mod transparency;
mod trust;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request as HttpRequest, State};
use axum::http::{Method, StatusCode};
use axum::response::Response;
use serde_json::{Map, Value};

use crate::answer::{answer, json};
use crate::server::{Server, listen};
use crate::traffic::{Incoming, Traffic};

pub use crate::traffic::{Effect, Fault, Request};
pub use jobs::{BuildkiteJob, Job};
pub use token::{buildkite_claims, workflow_claims};

pub(crate) use certificate::{Issuer, Purpose, extension};
pub(crate) use key::EcKey;

use fulcio::Fulcio;
use jobs::Jobs;
use login::Logins;
use rekor::{RekorV1, RekorV2};
use timestamp::TimestampAuthority;
use token::TokenIssuer;

/// How long the authority's own certificates live: longer than any demo or test.
const DAY: Duration = Duration::from_secs(24 * 3600);

/// A running authority; it ends when it is dropped.
pub struct Authority {
    shared: Arc<Shared>,
    _server: Server,
}

/// Which log a signing config names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogVersion {
    /// Rekor's first API, without a timestamp authority.
    V1,
    /// The tile-backed log, with one.
    V2,
    /// No log, only a timestamp authority.
    None,
}

/// Whether an authority has logs, of certificates and of signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Logs {
    /// It has both, as the public-good instance.
    Kept,
    /// It has none, as GitHub's own instance.
    Absent,
}

struct Shared {
    base: String,
    logs: Logs,
    tokens: TokenIssuer,
    jobs: Jobs,
    logins: Logins,
    fulcio: Fulcio,
    rekor_v1: RekorV1,
    rekor_v2: RekorV2,
    timestamps: TimestampAuthority,
    traffic: Traffic,
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Authority({})", self.shared.base)
    }
}

impl Authority {
    /// Starts an authority with new keys on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When no port can be had, no thread started or no key made.
    pub fn start() -> io::Result<Self> {
        Self::start_with(Logs::Kept)
    }

    /// The same, with or without logs.
    ///
    /// # Errors
    /// As [`Authority::start`].
    pub fn start_with(logs: Logs) -> io::Result<Self> {
        let (listener, address) = listen()?;
        let base = format!("http://{address}");
        let shared = Shared {
            tokens: TokenIssuer::new(base.clone())?,
            jobs: Jobs::default(),
            logins: Logins::default(),
            base,
            logs,
            fulcio: Fulcio::new(logs)?,
            rekor_v1: RekorV1::new()?,
            rekor_v2: RekorV2::new()?,
            timestamps: TimestampAuthority::new()?,
            traffic: Traffic::default(),
        };
        let shared = Arc::new(shared);
        let app = Router::new().fallback(handle).with_state(Arc::clone(&shared));
        let server = Server::start("loopback-authority", listener, app)?;
        Ok(Self { shared, _server: server })
    }

    /// The issuer that its tokens name, which is its base URL.
    pub fn issuer(&self) -> &str {
        self.shared.tokens.url()
    }

    /// A token with these claims; issuer, the audience `sigstore` and times are added where they are missing.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn token(&self, claims: &Value) -> io::Result<String> {
        Ok(self.shared.tokens.token(claims)?)
    }

    /// From now on issues certificates that are valid so many seconds later, or earlier where negative, than they should be.
    pub fn shift_certificates(&self, seconds: i64) {
        self.shared.fulcio.shift(seconds);
    }

    /// For whoever trusts its tokens.
    pub(crate) fn tokens(&self) -> Tokens {
        Tokens(Arc::clone(&self.shared))
    }

    /// Starts a job of GitHub Actions whose tokens have these claims.
    ///
    /// # Errors
    /// When no secret can be made for it.
    pub fn job(&self, claims: &Value) -> io::Result<Job> {
        Ok(self.shared.jobs.start(&self.shared.base, claims)?)
    }

    /// Starts a job of Buildkite whose tokens have these claims. Its endpoint is the authority's address and `/buildkite`.
    ///
    /// # Errors
    /// When no secret can be made for it.
    pub fn buildkite_job(&self, claims: &Value) -> io::Result<BuildkiteJob> {
        Ok(self.shared.jobs.start_buildkite(&self.shared.base, claims)?)
    }

    /// From now on a browser that comes to sign in is this person's; tokens have these claims.
    pub fn sit_down(&self, claims: &Value) {
        self.shared.logins.sit_down(claims);
    }

    /// The trusted root (version 0.1), as JSON.
    ///
    /// # Errors
    /// When a certificate cannot be encoded.
    pub fn trusted_root(&self) -> io::Result<String> {
        Ok(trust::trusted_root(&self.shared)?.to_string())
    }

    /// The signing config (version 0.2) with the log of this version, as JSON.
    pub fn signing_config(&self, log: LogVersion) -> String {
        trust::signing_config(&self.shared, log).to_string()
    }

    /// Adds a fault. Faults are tried in the order in which they were added.
    pub fn fault(&self, fault: Fault) {
        self.shared.traffic.expect(fault);
    }

    /// Every request so far.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.traffic.requests()
    }
}

/// The issuer's word about its tokens.
pub(crate) struct Tokens(Arc<Shared>);

impl Tokens {
    /// The claims of a token of this issuer for an audience that is valid now, else what is wrong with it.
    pub(crate) fn verify(&self, token: &str, audience: &str) -> Result<Map<String, Value>, &'static str> {
        self.0.tokens.verify(token, audience)
    }
}

/// Where a log of version 1 shows its entries.
const ENTRIES: &str = "/api/v1/log/entries/";

async fn handle(State(shared): State<Arc<Shared>>, request: HttpRequest) -> Response {
    shared.traffic.exchange(request, refuse, |incoming| dispatch(&shared, incoming)).await
}

fn dispatch(shared: &Shared, incoming: &Incoming) -> Response {
    let body = &incoming.body;
    // RFC 9110 §11.1: the scheme's letters are of either case.
    let authorization = incoming.header("authorization").and_then(|value| value.split_once(' '));
    let bearer = authorization.and_then(|(scheme, token)| scheme.eq_ignore_ascii_case("bearer").then_some(token));
    let answered = match (&incoming.method, incoming.path.as_str()) {
        (&Method::GET, "/.well-known/openid-configuration") => return json(&shared.tokens.configuration()),
        (&Method::GET, "/keys") => return json(&shared.tokens.keys()),
        (&Method::GET, path) if path.starts_with("/jobs/") => {
            shared.jobs.token(incoming, bearer, &shared.tokens).map(|token| json(&token))
        }
        (&Method::POST, path) if path.starts_with("/buildkite/jobs/") => {
            shared.jobs.buildkite_token(incoming, &shared.tokens).map(|token| json(&token))
        }
        (&Method::GET, "/auth") => shared
            .logins
            .authorize(&incoming.query)
            .map(|location| answer(StatusCode::FOUND, &[("location", &location)], Body::empty())),
        (&Method::POST, "/token") => shared.logins.exchange(body, &shared.tokens).map(|token| json(&token)),
        (&Method::POST, "/api/v2/signingCert") => {
            shared.fulcio.issue(body, bearer, &shared.tokens).map(|chain| json(&chain))
        }
        (_, "/api/v1/log/entries" | "/api/v2/log/entries") if shared.logs == Logs::Absent => {
            Err(Refusal::new(StatusCode::NOT_FOUND, "this instance has no log"))
        }
        (&Method::POST, "/api/v1/log/entries") => shared.rekor_v1.add(body).map(|(uuid, entry)| {
            let location = format!("/api/v1/log/entries/{uuid}");
            let headers = [("content-type", "application/json"), ("etag", &uuid), ("location", &location)];
            answer(StatusCode::CREATED, &headers, entry.to_string())
        }),
        (&Method::GET, path) if path.starts_with(ENTRIES) => {
            shared.rekor_v1.entry(path.strip_prefix(ENTRIES).unwrap_or_default()).map(|entry| json(&entry))
        }
        (&Method::POST, "/api/v2/log/entries") => shared.rekor_v2.add(body).map(created),
        (&Method::POST, "/api/v1/timestamp") => shared
            .timestamps
            .answer(body)
            .map(|token| answer(StatusCode::CREATED, &[("content-type", "application/timestamp-reply")], token)),
        _ => Err(Refusal::new(StatusCode::NOT_FOUND, "this authority is a fake: it does not do that")),
    };
    answered.unwrap_or_else(|refusal| refuse(refusal.status, &refusal.message))
}

fn created(value: Value) -> Response {
    answer(StatusCode::CREATED, &[("content-type", "application/json")], value.to_string())
}

/// An error in the shape of Google's API errors, which the real services' gateways write.
fn refuse(status: StatusCode, message: &str) -> Response {
    let body = serde_json::json!({ "code": status.as_u16(), "message": message });
    answer(status, &[("content-type", "application/json")], body.to_string())
}

/// A request that is not carried out.
struct Refusal {
    status: StatusCode,
    message: String,
}

impl Refusal {
    fn new(status: StatusCode, message: &str) -> Self {
        Self { status, message: message.to_owned() }
    }
}

/// The machine cannot do what a fake needs: no randomness, or something that cannot be encoded.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unable(String);

impl Unable {
    fn of(cause: impl fmt::Display) -> Self {
        Self(cause.to_string())
    }
}

impl From<der::Error> for Unable {
    fn from(cause: der::Error) -> Self {
        Self::of(cause)
    }
}

impl From<aws_lc_rs::error::Unspecified> for Unable {
    fn from(_: aws_lc_rs::error::Unspecified) -> Self {
        Self::of("the key could not be used")
    }
}

impl From<Unable> for Refusal {
    fn from(cause: Unable) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, &cause.0)
    }
}

impl From<Unable> for io::Error {
    fn from(cause: Unable) -> Self {
        Self::other(cause)
    }
}

/// The time since 1970 in whole seconds: certificates and tokens carry no fractions, and some verifiers refuse them in
/// timestamps.
#[expect(clippy::disallowed_methods, reason = "a server has its machine's clock")]
fn since_1970() -> Duration {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Duration::from_secs(since.as_secs())
}

/// The same as a number.
pub(crate) fn now() -> i64 {
    i64::try_from(since_1970().as_secs()).unwrap_or(i64::MAX)
}

/// The time in so many seconds (RFC 3339).
pub(crate) fn rfc3339(seconds: i64) -> String {
    let at = Duration::from_secs(u64::try_from(now() + seconds).unwrap_or_default());
    der::DateTime::from_unix_duration(at).map(|time| time.to_string()).unwrap_or_default()
}
