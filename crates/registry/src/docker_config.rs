//! Docker's `config.json`: `auths`, `credHelpers` and `credsStore`, as `docker login` and its kin write them.
//!
//! Podman's keys with a path (`ghcr.io/acme`) are understood too: the longest that fits decides.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealwright_core::bounded::{ReadError, read_file};
use sealwright_core::{Limits, Redacted, Repository, Untrusted};
use serde::Deserialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;

use crate::credentials::Login;
use crate::error::RegistryError;

/// The parts of the file that matter here.
#[derive(Clone, Default)]
pub(crate) struct DockerConfig {
    logins: BTreeMap<String, Login>,
    helpers: BTreeMap<String, Helper>,
    store: Option<Helper>,
}

impl std::fmt::Debug for DockerConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DockerConfig")
            .field("logins", &self.logins.keys())
            .field("helpers", &self.helpers.keys())
            .finish()
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct File {
    auths: BTreeMap<String, Entry>,
    #[serde(rename = "credHelpers")]
    cred_helpers: BTreeMap<String, String>,
    #[serde(rename = "credsStore")]
    creds_store: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Entry {
    auth: String,
    username: String,
    password: String,
    identitytoken: String,
    registrytoken: String,
}

/// Reads `config.json` in `folder`.
pub(crate) fn read(folder: &Path) -> Result<DockerConfig, RegistryError> {
    let path = folder.join("config.json");
    let fail = |problem: String| RegistryError::DockerConfig { path: path.clone(), problem };
    let bytes = match read_file(&path, Limits::default().configuration) {
        Ok(bytes) => bytes,
        Err(ReadError::Io(e)) if e.kind() == io::ErrorKind::NotFound => return Ok(DockerConfig::default()),
        Err(e) => return Err(fail(e.to_string())),
    };
    // The parser's message would quote what it found, which may be a secret: only the place is told.
    let file: File = serde_json::from_slice(&bytes)
        .map_err(|e| fail(format!("not a Docker configuration, line {} column {}", e.line(), e.column())))?;
    let mut config = DockerConfig::default();
    for (registry, entry) in file.auths {
        let login =
            login_of(entry).map_err(|problem| fail(format!("auths.{}: {problem}", Untrusted::new(&*registry))))?;
        config.logins.extend(login.map(|login| (key(&registry), login)));
    }
    for (registry, name) in file.cred_helpers {
        config.helpers.insert(key(&registry), Helper::named(name).map_err(fail)?);
    }
    if !file.creds_store.is_empty() {
        config.store = Some(Helper::named(file.creds_store).map_err(fail)?);
    }
    Ok(config)
}

/// The key under which a registry is kept: host and path without scheme; Docker Hub has several names.
pub(crate) fn key(registry: &str) -> String {
    let bare = registry.strip_prefix("https://").or_else(|| registry.strip_prefix("http://")).unwrap_or(registry);
    let bare = bare.trim_end_matches('/');
    let host = bare.split('/').next().unwrap_or(bare);
    match host {
        "index.docker.io" | "registry-1.docker.io" | "docker.io" => "docker.io".to_owned(),
        // `docker login https://registry.example/v1/`: old clients kept the endpoint with its version.
        _ if matches!(bare.strip_prefix(host), Some("/v1" | "/v2")) => host.to_owned(),
        _ => bare.to_owned(),
    }
}

fn login_of(entry: Entry) -> Result<Option<Login>, &'static str> {
    if !entry.registrytoken.is_empty() {
        return Ok(Some(Login::RegistryToken(Redacted::new(entry.registrytoken))));
    }
    if !entry.identitytoken.is_empty() {
        return Ok(Some(Login::IdentityToken(Redacted::new(entry.identitytoken))));
    }
    if !entry.auth.is_empty() {
        let decoded = STANDARD.decode(entry.auth.trim()).map_err(|_| "auth is not base64")?;
        let text = String::from_utf8(decoded).map_err(|_| "auth is not text")?;
        let (user, password) = text.split_once(':').ok_or("auth is not user:password")?;
        let password = Redacted::new(password.trim_end_matches('\0').to_owned());
        return Ok(Some(Login::Password { user: user.to_owned(), password }));
    }
    // An empty entry is what `docker login` leaves where a helper keeps the secret.
    let known = !entry.username.is_empty();
    Ok(known.then(|| Login::Password { user: entry.username, password: Redacted::new(entry.password) }))
}

impl DockerConfig {
    /// The helper for a registry: its own, else the one for all.
    pub(crate) fn helper(&self, registry: &str) -> Option<&Helper> {
        self.helpers.get(registry).or(self.store.as_ref())
    }

    /// The login in the file for a repository.
    pub(crate) fn login(&self, repository: &Repository) -> Option<Login> {
        let mut name = repository.to_string();
        loop {
            if let Some(login) = self.logins.get(&name) {
                return Some(login.clone());
            }
            name.truncate(name.rfind('/')?);
        }
    }
}

/// `docker-credential-NAME` (docker/docker-credential-helpers).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Helper {
    name: String,
}

/// A login is short; a helper that says more is broken.
const HELPER_OUTPUT: u64 = 64 << 10;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct HelperAnswer {
    username: String,
    secret: String,
}

impl Helper {
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The name becomes part of a program's name and must not name a path.
    fn named(name: String) -> Result<Self, String> {
        let fits = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        if fits {
            Ok(Self { name })
        } else {
            Err(format!("{} is not the name of a credential helper", Untrusted::new(name)))
        }
    }

    /// Asks the helper. `None` where it has no login for this registry.
    pub(crate) async fn get(
        &self,
        registry: &str,
        path: Option<&OsStr>,
        timeout: Duration,
    ) -> Result<Option<Login>, RegistryError> {
        // Docker Hub's entry has this name since the days of its version 1 API.
        let server = if registry == "docker.io" { "https://index.docker.io/v1/" } else { registry };
        let fail = |problem: String| RegistryError::CredentialHelper {
            helper: self.name.as_str().into(),
            registry: registry.to_owned(),
            problem,
        };
        let run = tokio::time::timeout(timeout, self.run(server, path)).await;
        let (success, output) = run
            .map_err(|_| fail(format!("no answer within {} seconds", timeout.as_secs())))?
            .map_err(|e| fail(e.to_string()))?;
        if !success {
            // The helpers' protocol has no code for it, only this sentence (docker-credential-helpers, `credentials/error.go`).
            let said = String::from_utf8_lossy(&output);
            let unknown = said.contains("credentials not found");
            let said = Untrusted::new(said.trim().chars().take(200).collect::<String>());
            return if unknown { Ok(None) } else { Err(fail(format!("it failed: {said}"))) };
        }
        let answer: HelperAnswer =
            serde_json::from_slice(&output).map_err(|_| fail("its answer is not a login".to_owned()))?;
        let secret = Redacted::new(answer.secret);
        // The protocol's mark for a refresh token.
        if answer.username == "<token>" {
            return Ok(Some(Login::IdentityToken(secret)));
        }
        Ok(Some(Login::Password { user: answer.username, password: secret }))
    }

    async fn run(&self, server: &str, path: Option<&OsStr>) -> io::Result<(bool, Vec<u8>)> {
        let mut command = Command::new(format!("docker-credential-{}", self.name));
        command.arg("get").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        if let Some(path) = path {
            command.env("PATH", path);
        }
        let mut child = command.spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            match stdin.write_all(server.as_bytes()).await {
                // A helper for one registry need not read which one is asked for.
                Err(e) if e.kind() != io::ErrorKind::BrokenPipe => return Err(e),
                _ => {}
            }
        }
        let mut output = Vec::new();
        if let Some(stdout) = child.stdout.take() {
            stdout.take(HELPER_OUTPUT + 1).read_to_end(&mut output).await?;
        }
        if output.len() as u64 > HELPER_OUTPUT {
            return Err(io::Error::other(format!("it wrote more than {HELPER_OUTPUT} bytes")));
        }
        Ok((child.wait().await?.success(), output))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Result<DockerConfig, RegistryError> {
        let folder = tempfile::tempdir().expect("folder");
        std::fs::write(folder.path().join("config.json"), text).expect("file");
        read(folder.path())
    }

    fn login(config: &DockerConfig, image: &str) -> Option<Login> {
        config.login(&image.parse().expect("repository"))
    }

    fn password(user: &str, password: &str) -> Option<Login> {
        Some(Login::Password { user: user.into(), password: Redacted::new(password.into()) })
    }

    #[test]
    fn logins_are_found_as_docker_and_podman_write_them() {
        let config = config(
            r#"{"auths":{
                "https://index.docker.io/v1/":{"auth":"aHViOnBhc3M="},
                "ghcr.io":{"username":"u","password":"p:q"},
                "ghcr.io/acme":{"auth":"YWNtZTpzZWNyZXQ="},
                "https://old.example/v2/":{"auth":"bzpv"},
                "acr.example":{"auth":"MDAwMA==OOPS","identitytoken":"refresh"},
                "raw.example":{"registrytoken":"bearer"},
                "kept.example":{}
            },"HttpHeaders":{"x":"y"}}"#,
        )
        .expect("configuration");
        assert_eq!(login(&config, "debian"), password("hub", "pass"));
        assert_eq!(login(&config, "ghcr.io/other/app"), password("u", "p:q"));
        assert_eq!(login(&config, "ghcr.io/acme/app"), password("acme", "secret"));
        assert_eq!(login(&config, "ghcr.io/acmex/app"), password("u", "p:q"));
        assert_eq!(login(&config, "old.example/a"), password("o", "o"));
        assert_eq!(login(&config, "acr.example/a"), Some(Login::IdentityToken(Redacted::new("refresh".into()))));
        assert_eq!(login(&config, "raw.example/a"), Some(Login::RegistryToken(Redacted::new("bearer".into()))));
        assert_eq!(login(&config, "kept.example/a"), None);
        assert_eq!(login(&config, "evil.example/ghcr.io"), None);
        assert_eq!(login(&config, "ghcr.io:444/acme/app"), None);
    }

    #[test]
    fn a_broken_file_is_an_error_without_its_contents_and_a_missing_one_is_none() {
        let error = config(r#"{"auths":{"a.b":{"auth":"hunter2!"}}}"#).expect_err("not base64").to_string();
        assert!(error.contains("auths.a.b") && !error.contains("hunter2"), "{error}");
        let error = config(r#"{"auths":"hunter2"}"#).expect_err("not a map").to_string();
        assert!(error.contains("line 1 column") && !error.contains("hunter2"), "{error}");
        assert!(config(r#"{"auths":{"a.b":{"auth":"bm9jb2xvbg=="}}}"#).is_err());
        let folder = tempfile::tempdir().expect("folder");
        assert!(read(folder.path()).expect("no file").logins.is_empty());
    }

    #[test]
    fn a_helper_cannot_be_a_path() {
        for name in ["../evil", "a/b", "a b", ""] {
            let text = serde_json::json!({ "credHelpers": { "ghcr.io": name } }).to_string();
            assert!(config(&text).is_err(), "{name:?}");
        }
        let text = r#"{"credHelpers":{"https://1.dkr.ecr.eu-west-1.amazonaws.com":"ecr-login"},"credsStore":"pass"}"#;
        let config = config(text).expect("configuration");
        let named = |registry| config.helper(registry).map(|h| h.name.as_str());
        assert_eq!(named("1.dkr.ecr.eu-west-1.amazonaws.com"), Some("ecr-login"));
        assert_eq!(named("ghcr.io"), Some("pass"));
    }

    #[test]
    fn debug_output_names_registries_and_no_secret() {
        let config = config(r#"{"auths":{"a.b":{"auth":"dXNlcjpodW50ZXIy"}}}"#).expect("configuration");
        let text = format!("{config:?}");
        assert!(text.contains("a.b") && !text.contains("hunter2"), "{text}");
    }
}
