//! The client and its options.

use std::collections::HashMap;
use std::time::Duration;

use reqwest::Url;
use reqwest::header::HeaderValue;
use sealwright_core::{Limits, Repository};
use tokio::sync::Mutex;

use crate::authorization::Remembered;
use crate::credentials::{Credentials, Login};
use crate::error::{Asked, RegistryError};
use crate::http::Transport;
use crate::retry::Backoff;

/// Whether a registry on this machine is spoken to without TLS. There is no word for another machine's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PlainHttp {
    /// `localhost`, `127.0.0.0/8` and `[::1]`, where no one else can listen.
    #[default]
    Loopback,
    /// Never.
    Never,
}

/// How a client behaves.
#[derive(Debug, Clone)]
pub struct Options {
    /// The `User-Agent`.
    pub user_agent: String,
    /// The longest that a request may take with all its repetitions; of a streamed body, the longest pause in it.
    pub timeout: Duration,
    /// Who we are, by registry.
    pub credentials: Credentials,
    /// Where TLS may be left out.
    pub plain_http: PlainHttp,
    /// How much of an answer is read.
    pub limits: Limits,
    /// How a failing registry is asked again.
    pub backoff: Backoff,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            user_agent: concat!("sealwright/", env!("CARGO_PKG_VERSION")).to_owned(),
            timeout: Duration::from_secs(300),
            credentials: Credentials::default(),
            plain_http: PlainHttp::default(),
            limits: Limits::default(),
            backoff: Backoff::default(),
        }
    }
}

/// A client for any number of registries. Share it in an `Arc`: it remembers tokens and keeps connections.
///
/// ```
/// use sealwright_registry::{Client, Options};
///
/// # async fn f() -> Result<(), sealwright_registry::RegistryError> {
/// let client = Client::new(Options::default())?;
/// # let reference: sealwright_core::ImageRef = return Ok(());
/// let (pinned, descriptor, manifest) = client.resolve(&reference).await?;
/// # Ok(())
/// # }
/// ```
pub struct Client {
    pub(crate) options: Options,
    pub(crate) transport: Transport,
    pub(crate) remembered: Remembered,
    /// Logins that were looked up: a credential helper may ask a cloud each time.
    logins: Mutex<HashMap<Repository, Option<Login>>>,
    /// One writer of a shared tag at a time: our own writes must not overwrite each other.
    pub(crate) shared_tags: Mutex<()>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Client {
    /// A client. No connection is made yet.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn new(options: Options) -> Result<Self, RegistryError> {
        let transport = Transport::new(&options)?;
        Ok(Self {
            options,
            transport,
            remembered: Remembered::default(),
            logins: Mutex::default(),
            shared_tags: Mutex::default(),
        })
    }

    pub(crate) async fn login(&self, repository: &Repository) -> Result<Option<Login>, RegistryError> {
        let mut logins = self.logins.lock().await;
        if let Some(login) = logins.get(repository) {
            return Ok(login.clone());
        }
        let login = self.options.credentials.login(repository).await?;
        logins.insert(repository.clone(), login.clone());
        Ok(login)
    }

    /// `…/v2/NAME/REST`. Name and rest consist of characters that need no escaping.
    pub(crate) fn url(&self, repository: &Repository, rest: &str) -> Result<Url, RegistryError> {
        let plain = repository.is_loopback() && self.options.plain_http == PlainHttp::Loopback;
        let scheme = if plain { "http" } else { "https" };
        let text = format!("{scheme}://{}/v2/{}/{rest}", repository.api_host(), repository.path());
        Url::parse(&text).map_err(|e| RegistryError::Protocol {
            asked: Asked { what: "address", target: repository.to_string() },
            problem: e.to_string(),
        })
    }
}

/// A header as text, if it is one.
pub(crate) fn text(value: Option<&HeaderValue>) -> Option<&str> {
    value.and_then(|v| v.to_str().ok())
}
