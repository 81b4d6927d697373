//! Which credentials belong to which registry.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
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

/// Credentials by registry. The default knows none.
#[derive(Debug, Clone, Default)]
pub struct Credentials {
    given: BTreeMap<String, Login>,
    docker: DockerConfig,
    helper_path: Option<OsString>,
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

    /// The login for a repository: what was given, else the credential helper's, else the file's.
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
        Ok(self.docker.login(repository))
    }
}
