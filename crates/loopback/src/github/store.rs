//! Repositories, tokens and what is stored.

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealwright_core::Digest;
use serde_json::{Value, json};

use super::issues::Issues;
use super::reports::Reports;

/// Who may see a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    /// Everyone.
    Public,
    /// Who has a token for it.
    Private,
}

/// How far a token's scope goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// Find things.
    Read,
    /// Store them too.
    Write,
}

/// A line of `permissions:` of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// `attestations`.
    Attestations,
    /// `security-events`.
    SecurityEvents,
    /// `contents`.
    Contents,
    /// `artifact-metadata`.
    ArtifactMetadata,
    /// `issues`.
    Issues,
}

impl Scope {
    /// The word of the header `X-Accepted-GitHub-Permissions`.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Attestations => "attestations",
            Self::SecurityEvents => "security_events",
            Self::Contents => "contents",
            Self::ArtifactMetadata => "artifact_metadata",
            Self::Issues => "issues",
        }
    }
}

#[derive(Debug)]
pub(super) struct Token {
    pub(super) secret: String,
    pub(super) repository: String,
    scopes: Vec<(Scope, Permission)>,
}

impl Token {
    pub(super) fn may_write(&self, wanted: Scope) -> bool {
        self.may(wanted, Permission::Write)
    }

    pub(super) fn may(&self, wanted: Scope, permission: Permission) -> bool {
        self.scopes.contains(&(wanted, permission))
    }
}

#[derive(Debug)]
pub(super) struct Attestation {
    id: usize,
    pub(super) repository: String,
    subjects: Vec<Digest>,
    pub(super) bundle: Vec<u8>,
    /// What the address of the bundle is signed with.
    pub(super) signature: String,
}

#[derive(Debug, Default)]
pub(super) struct Contents {
    repositories: Vec<(String, Visibility)>,
    pub(super) tokens: Vec<Token>,
    attestations: Vec<Attestation>,
    pub(super) organizations: Vec<String>,
    pub(super) reports: Reports,
    pub(super) issues: Issues,
    pub(super) inline: bool,
    pub(super) page: Option<usize>,
}

impl Contents {
    pub(super) fn add_repository(&mut self, name: &str, visibility: Visibility) {
        self.repositories.push((name.to_owned(), visibility));
    }

    pub(super) fn add_token(&mut self, repository: &str, scopes: &[(Scope, Permission)]) -> String {
        let secret = format!("ghs_{}", secret());
        let (repository, scopes) = (repository.to_owned(), scopes.to_vec());
        self.tokens.push(Token { secret: secret.clone(), repository, scopes });
        secret
    }

    pub(super) fn has_repository(&self, name: &str) -> bool {
        self.repositories.iter().any(|(known, _)| known == name)
    }

    pub(super) fn put(&mut self, repository: &str, subjects: Vec<Digest>, bundle: Vec<u8>) -> usize {
        let id = self.attestations.len();
        let repository = repository.to_owned();
        self.attestations.push(Attestation { id, repository, subjects, bundle, signature: secret() });
        id
    }

    pub(super) fn about(&self, digest: &Digest) -> impl Iterator<Item = &Attestation> {
        self.attestations.iter().filter(|attestation| attestation.subjects.contains(digest))
    }

    pub(super) fn attestation(&self, id: usize) -> Option<&Attestation> {
        self.attestations.get(id)
    }

    pub(super) fn may_see(&self, repository: &str, token: Option<&Token>) -> bool {
        let known = self.repositories.iter().find(|(name, _)| name == repository);
        known.is_some_and(|(_, visibility)| {
            *visibility == Visibility::Public || token.is_some_and(|token| token.repository == repository)
        })
    }
}

impl Attestation {
    /// As it stands in a list.
    pub(super) fn listed(&self, base: &str, inline: bool) -> String {
        let url = json!(format!("{base}/bundles/{}?se=2030-01-01&sig={}", self.id, self.signature));
        let bundle = if inline { String::from_utf8_lossy(&self.bundle).into_owned() } else { "null".to_owned() };
        format!("{{\"bundle\":{bundle},\"repository_id\":1,\"bundle_url\":{url},\"initiator\":\"user\"}}")
    }

    pub(super) fn compressed(&self) -> Option<Vec<u8>> {
        snap::raw::Encoder::new().compress_vec(&self.bundle).ok()
    }

    pub(super) fn predicate_type(&self) -> Option<String> {
        let statement = statement(&serde_json::from_slice(&self.bundle).ok()?)?;
        Some(statement.get("predicateType")?.as_str()?.to_owned())
    }
}

/// 32 random digits. The digest of anything random is as good as a random text.
pub(super) fn secret() -> String {
    let mut bytes = [0; 16];
    // Without randomness every secret is the same one, which a fake can bear.
    let _ = rand::fill(&mut bytes);
    Digest::of(&bytes).hex().chars().take(32).collect()
}

fn statement(bundle: &Value) -> Option<Value> {
    let payload = bundle.pointer("/dsseEnvelope/payload")?.as_str()?;
    serde_json::from_slice(&STANDARD.decode(payload).ok()?).ok()
}

/// What a bundle is about, else why the store does not take it.
pub(super) fn subjects(bundle: &Value) -> Result<Vec<Digest>, &'static str> {
    let media_type = bundle.get("mediaType").and_then(Value::as_str).unwrap_or_default();
    if !media_type.starts_with("application/vnd.dev.sigstore.bundle") {
        return Err("Invalid request: mediaType is no bundle's");
    }
    let material = |key: &str| bundle.get("verificationMaterial").and_then(|material| material.get(key));
    if material("certificate").or_else(|| material("x509CertificateChain")).is_none() {
        return Err("Invalid request: the bundle has no certificate");
    }
    let statement = statement(bundle).ok_or("Invalid request: the bundle has no statement")?;
    let size = statement.get("predicate").map_or(0, |predicate| predicate.to_string().len());
    if size > 16 << 20 {
        return Err("Invalid request: the predicate is larger than 16 MB");
    }
    let subjects = statement.get("subject").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let digest = |subject: &Value| format!("sha256:{}", subject.pointer("/digest/sha256")?.as_str()?).parse().ok();
    let digests: Vec<Digest> = subjects.iter().filter_map(digest).collect();
    if digests.is_empty() || subjects.len() > 1024 {
        return Err("Invalid request: the statement has no subject, or more than 1024");
    }
    Ok(digests)
}
