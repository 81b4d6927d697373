//! A stand-in for GitHub's API on loopback: the attestation store (GitHub REST API, "Attestations"), where bundles are stored by
//! repository and listed by digest, what takes reports (`reports.rs`), and issues (`issues.rs`).
//!
//! It is a fake: it knows the repositories and tokens that it was told, verifies nothing, and keeps nothing. It is strict
//! where clients go wrong: a token that it does not know is refused, also for what needs none; a private repository is not
//! there for whoever may not see it; what is listed comes in pages; and a bundle lies behind an address of its own, signed,
//! compressed, which refuses a request that carries the token.

mod issues;
mod reports;
mod store;

use std::io;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request as HttpRequest, State};
use axum::http::{Method, StatusCode};
use axum::response::Response;
use sealwright_core::Digest;
use serde_json::{Value, json};

use crate::answer::answer;
use crate::lock;
use crate::server::{Server, listen};
use crate::traffic::{Incoming, Traffic};

pub use crate::traffic::{Effect, Fault, Request};
pub use issues::Issue;
pub use reports::{Analysis, Run};
pub use store::{Permission, Scope, Visibility};

use store::Contents;

/// The versions of the API that are known (GitHub REST API, "API Versions").
const VERSIONS: [&str; 2] = ["2022-11-28", "2026-03-10"];
/// The most that a page lists, and what it lists where nothing else is asked for.
const PAGE: (usize, usize) = (100, 30);

/// A running store; it ends when it is dropped.
#[derive(Debug)]
pub struct GitHub {
    shared: Arc<Shared>,
    _server: Server,
}

#[derive(Debug)]
struct Shared {
    base: String,
    contents: Mutex<Contents>,
    traffic: Traffic,
}

impl GitHub {
    /// Starts a store without repositories on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When no port can be had or no thread started.
    pub fn start() -> io::Result<Self> {
        let (listener, address) = listen()?;
        let shared =
            Shared { base: format!("http://{address}"), contents: Mutex::default(), traffic: Traffic::default() };
        let shared = Arc::new(shared);
        let app = Router::new().fallback(handle).with_state(Arc::clone(&shared));
        let server = Server::start("loopback-github", listener, app)?;
        Ok(Self { shared, _server: server })
    }

    /// The address of the API: `GITHUB_API_URL`.
    pub fn address(&self) -> &str {
        &self.shared.base
    }

    /// Adds a repository, `OWNER/NAME`.
    pub fn repository(&self, name: &str, visibility: Visibility) {
        lock(&self.shared.contents).add_repository(name, visibility);
    }

    /// A token for the attestations of one repository, as a job has one.
    pub fn token(&self, repository: &str, permission: Permission) -> String {
        self.token_with(repository, &[(Scope::Attestations, permission)])
    }

    /// A token for one repository with these permissions.
    pub fn token_with(&self, repository: &str, scopes: &[(Scope, Permission)]) -> String {
        lock(&self.shared.contents).add_token(repository, scopes)
    }

    /// Says that this owner is an organization.
    pub fn organization(&self, name: &str) {
        lock(&self.shared.contents).organizations.push(name.to_owned());
    }

    /// Turns code scanning off: it has to be paid for where a repository is not public.
    pub fn without_code_scanning(&self) {
        lock(&self.shared.contents).reports.no_code_scanning = true;
    }

    /// Answers so many times that an upload is not read yet. `usize::MAX` is for ever.
    pub fn read_uploads_after(&self, questions: usize) {
        lock(&self.shared.contents).reports.questions = questions;
    }

    /// What code scanning has, in the order in which it came.
    pub fn analyses(&self) -> Vec<Analysis> {
        lock(&self.shared.contents).reports.analyses.clone()
    }

    /// The issues, in the order in which they were opened.
    pub fn issues(&self) -> Vec<Issue> {
        lock(&self.shared.contents).issues.all.clone()
    }

    /// The dependency snapshots, in the order in which they came.
    pub fn snapshots(&self) -> Vec<Value> {
        lock(&self.shared.contents).reports.snapshots.clone()
    }

    /// The storage records, in the order in which they came.
    pub fn storage_records(&self) -> Vec<Value> {
        lock(&self.shared.contents).reports.storage_records.clone()
    }

    /// Stores a bundle about a digest, whatever is in it: somebody else was here, or the store is broken.
    pub fn put(&self, repository: &str, digest: &Digest, bundle: &[u8]) {
        lock(&self.shared.contents).put(repository, vec![*digest], bundle.to_vec());
    }

    /// Whether bundles stand in the list itself, as they did before July 2026. Else there is an address for each.
    pub fn list_bundles_inline(&self, inline: bool) {
        lock(&self.shared.contents).inline = inline;
    }

    /// Lists at most so many a page, whatever is asked for.
    pub fn list_in_pages_of(&self, most: usize) {
        lock(&self.shared.contents).page = Some(most.max(1));
    }

    /// The bundles that are stored in a repository about a digest.
    pub fn bundles(&self, repository: &str, digest: &Digest) -> Vec<Vec<u8>> {
        let contents = lock(&self.shared.contents);
        contents.about(digest).filter(|a| a.repository == repository).map(|a| a.bundle.clone()).collect()
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

async fn handle(State(shared): State<Arc<Shared>>, request: HttpRequest) -> Response {
    shared.traffic.exchange(request, refuse, |incoming| dispatch(&shared, incoming)).await
}

/// An error in the shape of GitHub's.
fn refuse(status: StatusCode, message: &str) -> Response {
    let body =
        json!({ "message": message, "documentation_url": "https://docs.github.com/rest", "status": status.as_u16() });
    answer(status, &[("content-type", "application/json; charset=utf-8")], body.to_string())
}

/// A request that is not carried out.
#[derive(Debug)]
struct Refusal(StatusCode, &'static str);

/// What GitHub says to a token that may not do this.
const FORBIDDEN: Refusal = Refusal(StatusCode::FORBIDDEN, "Resource not accessible by integration");

/// What GitHub says of what is not there, and of what the caller may not see.
const NOT_FOUND: Refusal = Refusal(StatusCode::NOT_FOUND, "Not Found");

fn dispatch(shared: &Shared, incoming: &Incoming) -> Response {
    let path: Vec<&str> = incoming.path.trim_start_matches('/').split('/').collect();
    let mut contents = lock(&shared.contents);
    let mut wanted = None;
    let answered = match (&incoming.method, path.as_slice()) {
        (&Method::POST, ["repos", owner, name, "code-scanning", "sarifs"]) => {
            wanted = Some(Scope::SecurityEvents);
            reports::take_sarif(&mut contents, incoming, &format!("{owner}/{name}"), &shared.base)
        }
        (&Method::GET, ["repos", owner, name, "code-scanning", "sarifs", id]) => {
            reports::state_of_sarif(&mut contents, incoming, &format!("{owner}/{name}"), id)
        }
        (&Method::POST, ["repos", owner, name, "dependency-graph", "snapshots"]) => {
            wanted = Some(Scope::Contents);
            reports::take_snapshot(&mut contents, incoming, &format!("{owner}/{name}"))
        }
        (&Method::POST, ["orgs", owner, "artifacts", "metadata", "storage-record"]) => {
            wanted = Some(Scope::ArtifactMetadata);
            reports::take_storage_record(&mut contents, incoming, owner)
        }
        (&Method::POST, ["graphql"]) => {
            wanted = Some(Scope::Issues);
            issues::graphql(&mut contents, incoming)
        }
        (&Method::POST, ["repos", owner, name, "labels"]) => {
            wanted = Some(Scope::Issues);
            issues::add_label(&mut contents, incoming, &format!("{owner}/{name}"))
        }
        (&Method::PATCH, ["repos", owner, name, "labels", label]) => {
            wanted = Some(Scope::Issues);
            issues::change_label(&mut contents, incoming, &format!("{owner}/{name}"), label)
        }
        (&Method::GET, ["bundles", number]) => give(&contents, incoming, number),
        (&Method::POST, ["repos", owner, name, "attestations"]) => {
            wanted = Some(Scope::Attestations);
            store(&mut contents, incoming, &format!("{owner}/{name}"))
        }
        (&Method::GET, ["repos", owner, name, "attestations", digest]) => {
            let repository = format!("{owner}/{name}");
            list(shared, &contents, incoming, digest, |of| of == repository)
        }
        (&Method::GET, ["orgs", owner, "attestations", digest]) => {
            list(shared, &contents, incoming, digest, |of| of.split('/').next() == Some(*owner))
        }
        _ => Err(NOT_FOUND),
    };
    answered.unwrap_or_else(|Refusal(status, message)| {
        let mut response = refuse(status, message);
        let scope = wanted.filter(|_| status == StatusCode::FORBIDDEN).map(|scope| format!("{}=write", scope.word()));
        if let Some(value) = scope.and_then(|scope| scope.parse().ok()) {
            response.headers_mut().insert("x-accepted-github-permissions", value);
        }
        response
    })
}

/// The token of somebody who writes into a repository.
fn writer<'a>(
    contents: &'a Contents,
    incoming: &Incoming,
    repository: &str,
    scope: Scope,
) -> Result<&'a store::Token, Refusal> {
    let token = caller(contents, incoming)?.ok_or(Refusal(StatusCode::UNAUTHORIZED, "Requires authentication"))?;
    if !contents.may_see(repository, Some(token)) {
        return Err(NOT_FOUND);
    }
    if token.repository != repository || !token.may_write(scope) {
        return Err(FORBIDDEN);
    }
    Ok(token)
}

/// Who asks: nothing without a token, and never with one that is not known.
fn caller<'a>(contents: &'a Contents, incoming: &Incoming) -> Result<Option<&'a store::Token>, Refusal> {
    if incoming.header("user-agent").is_none_or(str::is_empty) {
        return Err(Refusal(StatusCode::FORBIDDEN, "Please make sure your request has a User-Agent header"));
    }
    if incoming.header("x-github-api-version").is_some_and(|version| !VERSIONS.contains(&version)) {
        return Err(Refusal(StatusCode::BAD_REQUEST, "the API version is not supported"));
    }
    let Some(value) = incoming.header("authorization") else { return Ok(None) };
    let token =
        value.split_once(' ').filter(|(scheme, _)| ["bearer", "token"].contains(&&*scheme.to_ascii_lowercase()));
    let token = token.and_then(|(_, token)| contents.tokens.iter().find(|known| known.secret == token));
    token.map(Some).ok_or(Refusal(StatusCode::UNAUTHORIZED, "Bad credentials"))
}

/// `POST /repos/{owner}/{repo}/attestations`.
fn store(contents: &mut Contents, incoming: &Incoming, repository: &str) -> Result<Response, Refusal> {
    writer(contents, incoming, repository, Scope::Attestations)?;
    let body: Value = serde_json::from_slice(&incoming.body)
        .map_err(|_| Refusal(StatusCode::BAD_REQUEST, "Problems parsing JSON"))?;
    let bundle = body.get("bundle").filter(|bundle| bundle.is_object());
    let bundle = bundle.ok_or(Refusal(StatusCode::UNPROCESSABLE_ENTITY, "Invalid request: bundle is missing"))?;
    let subjects = store::subjects(bundle).map_err(|why| Refusal(StatusCode::UNPROCESSABLE_ENTITY, why))?;
    let id = contents.put(repository, subjects, bundle.to_string().into_bytes());
    Ok(answer(StatusCode::CREATED, &[("content-type", "application/json")], json!({ "id": id }).to_string()))
}

/// `GET /repos/{owner}/{repo}/attestations/{subject_digest}` and `GET /orgs/{org}/attestations/{subject_digest}`.
fn list(
    shared: &Shared,
    contents: &Contents,
    incoming: &Incoming,
    digest: &str,
    is_meant: impl Fn(&str) -> bool,
) -> Result<Response, Refusal> {
    let token = caller(contents, incoming)?;
    let digest: Digest =
        digest.parse().map_err(|_| Refusal(StatusCode::UNPROCESSABLE_ENTITY, "Invalid subject digest"))?;
    let number = |name: &str| parameter(&incoming.query, name).and_then(|value| value.parse::<usize>().ok());
    let kind = parameter(&incoming.query, "predicate_type");
    let found: Vec<_> = contents
        .about(&digest)
        .filter(|a| is_meant(&a.repository) && contents.may_see(&a.repository, token))
        .filter(|a| kind.is_none_or(|kind| a.predicate_type().is_some_and(|own| encoded(&own) == kind)))
        .collect();
    if found.is_empty() {
        return Err(NOT_FOUND);
    }
    let (start, size) = (number("after").unwrap_or(0), number("per_page").unwrap_or(PAGE.1).min(PAGE.0));
    let size = contents.page.map_or(size, |most| most.min(size)).max(1);
    let listed = found.iter().skip(start).take(size).map(|a| a.listed(&shared.base, contents.inline));
    let body = format!("{{\"attestations\":[{}]}}", listed.collect::<Vec<_>>().join(","));
    let mut response = answer(StatusCode::OK, &[("content-type", "application/json; charset=utf-8")], body);
    if start + size < found.len() {
        let next = start + size;
        let link = format!("<{}{}?per_page={size}&after={next}>; rel=\"next\"", shared.base, incoming.path);
        if let Ok(link) = link.parse() {
            response.headers_mut().insert("link", link);
        }
    }
    Ok(response)
}

/// A bundle behind its signed address.
fn give(contents: &Contents, incoming: &Incoming, number: &str) -> Result<Response, Refusal> {
    if incoming.header("authorization").is_some() {
        return Err(Refusal(StatusCode::BAD_REQUEST, "only one way to authenticate is allowed"));
    }
    let found = number.parse().ok().and_then(|id| contents.attestation(id)).ok_or(NOT_FOUND)?;
    if parameter(&incoming.query, "sig") != Some(found.signature.as_str()) {
        return Err(Refusal(StatusCode::FORBIDDEN, "the signature did not match"));
    }
    let block =
        found.compressed().ok_or(Refusal(StatusCode::INTERNAL_SERVER_ERROR, "the bundle cannot be compressed"))?;
    Ok(answer(StatusCode::OK, &[("content-type", "application/x-snappy")], block))
}

/// A parameter of a query, as it stands there.
fn parameter<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query.split('&').filter_map(|pair| pair.split_once('=')).find_map(|(key, value)| (key == name).then_some(value))
}

/// As forms encode it (WHATWG URL, "application/x-www-form-urlencoded").
fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"*-._".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
