//! Which credentials belong to which registry.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use sealwright_core::{Redacted, Repository};

use crate::docker_config::{self, DockerConfig};
use crate::error::RegistryError;

/// What proves who we are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Login {
    /// User and password, or a token in the password's place.
    Password {
        /// The user.
        user: String,
        /// The password.
        password: Redacted<String>,
    },
    /// A refresh token for the registry's token endpoint (`identitytoken`).
    IdentityToken(Redacted<String>),
    /// A bearer token that is sent as it is (`registrytoken`).
    RegistryToken(Redacted<String>),
}

/// Gives logins for registries whose logins come from somewhere else, for example from a cloud's API.
pub trait LoginProvider: fmt::Debug + Send + Sync {
    /// A login for a repository; nothing where this is not its registry.
    fn login<'a>(&'a self, repository: &'a Repository) -> ProvidedLogin<'a>;
}

/// What becomes of the question for a login.
pub type ProvidedLogin<'a> = Pin<Box<dyn Future<Output = Result<Option<Login>, NoLogin>> + Send + 'a>>;

/// Why a provider gave no login for a registry of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoLogin {
    /// In words.
    pub problem: String,
    /// Whether it may give one later.
    pub unavailable: bool,
}

/// Credentials by registry. The default knows none.
#[derive(Debug, Clone, Default)]
pub struct Credentials {
    given: BTreeMap<String, Login>,
    docker: DockerConfig,
    helper_path: Option<OsString>,
    provider: Option<Arc<dyn LoginProvider>>,
}

/// How long a credential helper may take: some ask a cloud's API.
const HELPER_TIMEOUT: Duration = Duration::from_secs(30);

impl Credentials {
    /// Those of `config.json` in the Docker configuration folder (`DOCKER_CONFIG`, usually `~/.docker`). Without a folder, or
    /// where it holds no such file, there are none.
    ///
    /// # Errors
    /// When the file cannot be read or is none.
    pub fn from_docker_config(folder: Option<&Path>) -> Result<Self, RegistryError> {
        let docker = folder.map(docker_config::read).transpose()?.unwrap_or_default();
        Ok(Self { docker, ..Self::default() })
    }

    /// The same with a login for one registry (`host[:port]`), which goes before the configuration's.
    #[must_use]
    pub fn with_login(mut self, registry: &str, login: Login) -> Self {
        self.given.insert(docker_config::key(registry), login);
        self
    }

    /// The same with another `PATH` in which credential helpers are looked for; the process's own by default.
    #[must_use]
    pub fn with_helper_path(mut self, path: impl Into<OsString>) -> Self {
        self.helper_path = Some(path.into());
        self
    }

    /// The same with a provider, which is asked where nothing else knows a login.
    #[must_use]
    pub fn with_provider(mut self, provider: Arc<dyn LoginProvider>) -> Self {
        self.provider = Some(provider);
        self
    }

    /// The login for a repository: what was given, else the credential helper's, else the file's, else the provider's.
    pub(crate) async fn login(&self, repository: &Repository) -> Result<Option<Login>, RegistryError> {
        let registry = repository.registry();
        if let Some(login) = self.given.get(registry) {
            return Ok(Some(login.clone()));
        }
        if let Some(helper) = self.docker.helper(registry) {
            let asked = helper.get(registry, self.helper_path.as_deref(), HELPER_TIMEOUT).await?;
            if asked.is_some() {
                return Ok(asked);
            }
        }
        if let Some(login) = self.docker.login(repository) {
            return Ok(Some(login));
        }
        let Some(provider) = &self.provider else { return Ok(None) };
        provider.login(repository).await.map_err(|NoLogin { problem, unavailable }| RegistryError::NoLogin {
            registry: registry.to_owned(),
            problem,
            unavailable,
        })
    }
}
