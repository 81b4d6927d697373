//! What takes reports: code scanning (GitHub REST API, "Upload an analysis as SARIF data", "Get information about a SARIF upload";
//! GitHub Docs, "SARIF support for code scanning"), the dependency graph ("Create a snapshot of dependencies for a repository") and
//! the storage records of an organization ("Create artifact metadata storage record").
//!
//! A fake that is strict about what the documents say: members that they do not name are refused, and whatever breaks a rule about
//! a whole document refuses all of it.

use axum::http::StatusCode;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use sealwright_core::bounded::read_all;
use sealwright_core::{Digest, Purl};
use serde_json::{Map, Value, json};

use super::store::{Contents, Scope, secret};
use super::{FORBIDDEN, NOT_FOUND, Refusal, caller, writer};
use crate::answer::answer;
use crate::traffic::Incoming;

/// The largest upload, compressed, and the most that it may unpack to here, in bytes.
const LARGEST: (usize, u64) = (10_000_000, 256 << 20);

/// What code scanning was sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Analysis {
    /// The repository.
    pub repository: String,
    /// The commit.
    pub commit: String,
    /// The ref.
    pub reference: String,
    /// The tool, as the upload names it.
    pub tool: Option<String>,
    /// Its runs, unless it could not be read.
    pub runs: Vec<Run>,
    /// Why it could not be read.
    pub errors: Vec<String>,
}

/// A run of an analysis.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// What the alerts of later uploads replace: all up to the last slash of the run's id.
    pub category: String,
    /// How many results it has.
    pub results: usize,
}

#[derive(Debug, Default)]
pub(super) struct Reports {
    pub(super) analyses: Vec<Analysis>,
    uploads: Vec<Upload>,
    pub(super) snapshots: Vec<Value>,
    pub(super) storage_records: Vec<Value>,
    pub(super) no_code_scanning: bool,
    pub(super) questions: usize,
}

#[derive(Debug)]
struct Upload {
    id: String,
    repository: String,
    analysis: usize,
    questions: usize,
}

fn invalid(message: &'static str) -> Refusal {
    Refusal(StatusCode::UNPROCESSABLE_ENTITY, message)
}

fn created(status: StatusCode, body: &Value) -> Response {
    answer(status, &[("content-type", "application/json; charset=utf-8")], body.to_string())
}

/// An object with no other members than these.
fn object<'a>(value: &'a Value, members: &[&str]) -> Result<&'a Map<String, Value>, Refusal> {
    let found = value.as_object().ok_or_else(|| invalid("Invalid request: an object is missing"))?;
    let known = found.keys().all(|key| members.contains(&key.as_str()));
    if known { Ok(found) } else { Err(invalid("Invalid request: a member is not a permitted key")) }
}

fn body(incoming: &Incoming) -> Result<Value, Refusal> {
    serde_json::from_slice(&incoming.body).map_err(|_| Refusal(StatusCode::BAD_REQUEST, "Problems parsing JSON"))
}

fn text<'a>(members: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    members.get(key).and_then(Value::as_str)
}

fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.chars().all(|c| c.is_ascii_hexdigit())
}

fn is_time(text: &str) -> bool {
    text.len() >= 20 && text.as_bytes().get(10) == Some(&b'T') && text.ends_with('Z')
}

/// `POST /repos/{owner}/{repo}/code-scanning/sarifs`.
pub(super) fn take_sarif(
    contents: &mut Contents,
    incoming: &Incoming,
    repository: &str,
    base: &str,
) -> Result<Response, Refusal> {
    writer(contents, incoming, repository, Scope::SecurityEvents)?;
    if contents.reports.no_code_scanning {
        let message = "Code Security must be enabled for this repository to use code scanning.";
        return Err(Refusal(StatusCode::FORBIDDEN, message));
    }
    let body = body(incoming)?;
    let members =
        object(&body, &["commit_sha", "ref", "sarif", "checkout_uri", "started_at", "tool_name", "validate"])?;
    let commit =
        text(members, "commit_sha").filter(|sha| is_commit(sha)).ok_or_else(|| invalid("commit_sha is invalid"))?;
    let kinds = ["refs/heads/", "refs/tags/", "refs/pull/"];
    let reference = text(members, "ref").filter(|name| kinds.iter().any(|kind| name.starts_with(kind)));
    let reference = reference.ok_or_else(|| invalid("ref is invalid"))?;
    let packed = text(members, "sarif").and_then(|sarif| STANDARD.decode(sarif).ok());
    let packed = packed.ok_or(Refusal(StatusCode::BAD_REQUEST, "sarif is not Base64"))?;
    if packed.len() > LARGEST.0 {
        return Err(Refusal(StatusCode::PAYLOAD_TOO_LARGE, "the SARIF file is too large"));
    }
    let (runs, errors) = match read(&packed) {
        Ok(runs) => (runs, vec![]),
        Err(error) => (vec![], vec![error]),
    };
    let analysis = Analysis {
        repository: repository.to_owned(),
        commit: commit.to_owned(),
        reference: reference.to_owned(),
        tool: text(members, "tool_name").map(str::to_owned),
        runs,
        errors,
    };
    let id = secret();
    let url = format!("{base}/repos/{repository}/code-scanning/sarifs/{id}");
    let reports = &mut contents.reports;
    let (number, questions) = (reports.analyses.len(), reports.questions);
    reports.analyses.push(analysis);
    reports.uploads.push(Upload { id: id.clone(), repository: repository.to_owned(), analysis: number, questions });
    Ok(created(StatusCode::ACCEPTED, &json!({ "id": id, "url": url })))
}

/// What is made of a file after it was taken.
fn read(packed: &[u8]) -> Result<Vec<Run>, String> {
    let bytes = read_all(GzDecoder::new(packed), LARGEST.1).map_err(|e| format!("not gzip: {e}"))?;
    let document: Value = serde_json::from_slice(&bytes).map_err(|e| format!("not JSON: {e}"))?;
    if document.get("version").and_then(Value::as_str) != Some("2.1.0") {
        return Err("only version 2.1.0 is supported".to_owned());
    }
    let runs = document.get("runs").and_then(Value::as_array).ok_or("runs is missing")?;
    if runs.len() > 20 {
        return Err("rejecting SARIF, as there are more than 20 runs".to_owned());
    }
    let mut found: Vec<Run> = Vec::new();
    for run in runs {
        run.pointer("/tool/driver/name").and_then(Value::as_str).ok_or("tool.driver.name is missing")?;
        let results = run.get("results").and_then(Value::as_array).ok_or("results is missing")?;
        if results.len() > 25_000 {
            return Err("rejecting SARIF, as there are more results per run than allowed".to_owned());
        }
        results.iter().try_for_each(result)?;
        let id = run.pointer("/automationDetails/id").and_then(Value::as_str).unwrap_or_default();
        let category = id.rsplit_once('/').map_or(id, |(category, _)| category).to_owned();
        if found.iter().any(|known| known.category == category) {
            return Err(format!("multiple runs have the same category {category}"));
        }
        found.push(Run { category, results: results.len() });
    }
    Ok(found)
}

/// What code scanning needs of a result (GitHub Docs, "`result` object").
fn result(result: &Value) -> Result<(), String> {
    let place = "/locations/0/physicalLocation";
    let text = |pointer: &str| result.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty());
    text("/message/text").ok_or("message.text is missing")?;
    let uri = text(&format!("{place}/artifactLocation/uri")).ok_or("artifactLocation.uri is missing")?;
    if uri.starts_with('/') || uri.contains("..") {
        return Err(format!("{uri} is no path in the repository"));
    }
    let line = result.pointer(&format!("{place}/region/startLine")).and_then(Value::as_u64);
    line.filter(|line| *line >= 1).ok_or("region.startLine is missing")?;
    text("/partialFingerprints/primaryLocationLineHash").ok_or("there is no fingerprint")?;
    Ok(())
}

/// `GET /repos/{owner}/{repo}/code-scanning/sarifs/{sarif_id}`.
pub(super) fn state_of_sarif(
    contents: &mut Contents,
    incoming: &Incoming,
    repository: &str,
    id: &str,
) -> Result<Response, Refusal> {
    writer(contents, incoming, repository, Scope::SecurityEvents)?;
    let reports = &mut contents.reports;
    let upload = reports.uploads.iter_mut().find(|upload| upload.id == id && upload.repository == repository);
    let upload = upload.ok_or(NOT_FOUND)?;
    if let Some(left) = upload.questions.checked_sub(1) {
        upload.questions = left;
        return Ok(created(StatusCode::OK, &json!({ "processing_status": "pending" })));
    }
    let errors = reports.analyses.get(upload.analysis).map(|analysis| analysis.errors.clone()).unwrap_or_default();
    Ok(created(
        StatusCode::OK,
        &match errors.is_empty() {
            true => json!({ "processing_status": "complete", "analyses_url": null }),
            false => json!({ "processing_status": "failed", "errors": errors }),
        },
    ))
}

/// `POST /repos/{owner}/{repo}/dependency-graph/snapshots`.
pub(super) fn take_snapshot(
    contents: &mut Contents,
    incoming: &Incoming,
    repository: &str,
) -> Result<Response, Refusal> {
    writer(contents, incoming, repository, Scope::Contents)?;
    let body = body(incoming)?;
    let members = object(&body, &["version", "job", "sha", "ref", "detector", "metadata", "manifests", "scanned"])?;
    let part = |key: &str| members.get(key).unwrap_or(&Value::Null);
    if !part("version").is_u64() {
        return Err(invalid("version is invalid"));
    }
    let job = object(part("job"), &["id", "correlator", "html_url"])?;
    if ["id", "correlator"].iter().any(|key| text(job, key).is_none_or(str::is_empty)) {
        return Err(invalid("job is invalid"));
    }
    let detector = object(part("detector"), &["name", "version", "url"])?;
    if ["name", "version", "url"].iter().any(|key| text(detector, key).is_none_or(str::is_empty)) {
        return Err(invalid("detector is invalid"));
    }
    text(members, "sha").filter(|sha| is_commit(sha)).ok_or_else(|| invalid("sha is invalid"))?;
    text(members, "ref").filter(|name| name.starts_with("refs/")).ok_or_else(|| invalid("ref is invalid"))?;
    text(members, "scanned").filter(|time| is_time(time)).ok_or_else(|| invalid("scanned is invalid"))?;
    let manifests = part("manifests").as_object().ok_or_else(|| invalid("manifests is missing"))?;
    for manifest in manifests.values() {
        let manifest = object(manifest, &["name", "file", "metadata", "resolved"])?;
        text(manifest, "name").ok_or_else(|| invalid("a manifest has no name"))?;
        let resolved = manifest.get("resolved").and_then(Value::as_object);
        for dependency in resolved.into_iter().flat_map(|resolved| resolved.values()) {
            let known = ["package_url", "metadata", "relationship", "scope", "dependencies"];
            let purl = text(object(dependency, &known)?, "package_url").and_then(|purl| purl.parse::<Purl>().ok());
            purl.filter(|purl| purl.version.is_some()).ok_or_else(|| invalid("a package_url is invalid"))?;
        }
    }
    let id = contents.reports.snapshots.len() + 1;
    contents.reports.snapshots.push(body);
    let message = "Dependency results for the repo have been successfully updated.";
    let answer = json!({ "id": id, "created_at": "2030-01-01T00:00:00Z", "result": "SUCCESS", "message": message });
    Ok(created(StatusCode::CREATED, &answer))
}

/// `POST /orgs/{org}/artifacts/metadata/storage-record`.
pub(super) fn take_storage_record(
    contents: &mut Contents,
    incoming: &Incoming,
    owner: &str,
) -> Result<Response, Refusal> {
    let token = caller(contents, incoming)?.ok_or(Refusal(StatusCode::UNAUTHORIZED, "Requires authentication"))?;
    if !contents.organizations.iter().any(|name| name == owner) || !token.repository.starts_with(&format!("{owner}/")) {
        return Err(NOT_FOUND);
    }
    if !token.may_write(Scope::ArtifactMetadata) {
        return Err(FORBIDDEN);
    }
    let body = body(incoming)?;
    let known = [
        "name",
        "digest",
        "version",
        "artifact_url",
        "path",
        "registry_url",
        "repository",
        "status",
        "github_repository",
        "return_records",
    ];
    let members = object(&body, &known)?;
    text(members, "name").filter(|name| (1..=256).contains(&name.len())).ok_or_else(|| invalid("name is invalid"))?;
    let digest = text(members, "digest").and_then(|digest| digest.parse::<Digest>().ok());
    digest.ok_or_else(|| invalid("digest is invalid"))?;
    text(members, "registry_url")
        .filter(|url| url.starts_with("https://"))
        .ok_or_else(|| invalid("registry_url is invalid"))?;
    let fits = |key: &str, fits: &dyn Fn(&str) -> bool| members.get(key).is_none_or(|v| v.as_str().is_some_and(fits));
    let plain = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || ".-_".contains(c));
    if !fits("artifact_url", &|url| url.starts_with("https://"))
        || !fits("version", &|version| (1..=100).contains(&version.len()))
        || !fits("status", &|status| ["active", "eol", "deleted"].contains(&status))
        || !fits("github_repository", &|name| (1..=100).contains(&name.len()) && plain(name))
    {
        return Err(invalid("a member is invalid"));
    }
    if let Some(name) = text(members, "github_repository")
        && !contents.has_repository(&format!("{owner}/{name}"))
    {
        return Err(NOT_FOUND);
    }
    contents.reports.storage_records.push(body.clone());
    Ok(created(StatusCode::OK, &json!({ "total_count": 1, "storage_records": [body] })))
}
