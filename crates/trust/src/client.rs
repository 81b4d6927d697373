//! The client: what is kept if it does, else what the repository has.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sigstore_tuf::transport::Repository as Transport;
use sigstore_tuf::{Error, TrustedMetadataSet, Updater, UpdaterConfig};

use crate::cache::Files;
use crate::error::told;
use crate::transport::{Http, Kept};
use crate::{Repository, SIGNING_CONFIG, SIGNING_CONFIG_REKOR_V2, TRUSTED_ROOT, TrustError};

/// The largest target, in bytes. Sigstore's have some ten thousand.
const LARGEST_TARGET: u64 = 4 << 20;

/// What an instance publishes, verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Material {
    /// The instance's name.
    pub instance: String,
    /// The repository's address.
    pub url: String,
    /// Where it came from this time.
    pub source: Source,
    /// Root, timestamp, snapshot and targets, in this order.
    pub roles: Vec<RoleState>,
    /// Why it could not be kept, if it could not.
    pub not_kept: Option<String>,
    trusted_root: Vec<u8>,
    signing_config: Option<Vec<u8>>,
    signing_config_rekor_v2: Option<Vec<u8>>,
}

/// Where material came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// What is kept on this machine; nobody was asked.
    Cache,
    /// The repository was asked.
    Repository,
}

/// One role's metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleState {
    /// `root`, `timestamp`, `snapshot` or `targets`.
    pub name: &'static str,
    /// Its version.
    pub version: u64,
    /// Until when it is valid.
    pub expires: Timestamp,
}

impl Material {
    /// Until when it is used without asking the repository: the first expiry of the four.
    pub fn fresh_until(&self) -> Timestamp {
        self.roles.iter().map(|role| role.expires).min().unwrap_or(Timestamp::MIN)
    }

    /// The keys and certificates of the instance.
    pub fn trusted_root(&self) -> &[u8] {
        &self.trusted_root
    }

    /// The endpoints of the instance.
    ///
    /// # Errors
    /// When it publishes none.
    pub fn signing_config(&self) -> Result<&[u8], TrustError> {
        self.signing_config.as_deref().ok_or_else(|| self.lacks(SIGNING_CONFIG))
    }

    /// The same with a log of version 2.
    ///
    /// # Errors
    /// When it publishes none.
    pub fn signing_config_rekor_v2(&self) -> Result<&[u8], TrustError> {
        self.signing_config_rekor_v2.as_deref().ok_or_else(|| self.lacks(SIGNING_CONFIG_REKOR_V2))
    }

    fn lacks(&self, name: &'static str) -> TrustError {
        TrustError::NoTarget { url: self.url.clone(), name }
    }
}

/// What is kept in the folder `cache` if it is valid at `now`, without any request; else what the repository has.
///
/// # Errors
/// When neither can be used.
pub async fn open(
    repository: &Repository,
    cache: &Path,
    now: Timestamp,
    timeout: Duration,
) -> Result<Material, TrustError> {
    let before = match from_cache(repository, cache, now).await {
        Ok(material) => return Ok(material),
        Err(error) => error,
    };
    match update(repository, cache, now, timeout).await {
        Err(TrustError::Unreachable { url, message }) => Err(match before {
            Unusable::Missing => TrustError::NoCopy { url, message },
            Unusable::Damaged(why) => {
                TrustError::NoCopy { url, message: format!("{message}; the old one is damaged: {why}") }
            }
            Unusable::Expired { role, expired } => TrustError::Stale { url, role, expired, message },
        }),
        result => result,
    }
}

/// What the repository has now. Versions that are kept are the least that it may have. Unlike in TUF specification §5.4.5, only
/// what came whole is kept: a publication that breaks off must not take away the copy that works without a network.
///
/// # Errors
/// When it cannot be reached or trusted; what is kept stays as it is.
pub async fn update(
    repository: &Repository,
    cache: &Path,
    now: Timestamp,
    timeout: Duration,
) -> Result<Material, TrustError> {
    let path = cache.join(repository.file_name());
    // A damaged copy is no reason to do without a new one.
    let files = Arc::new(Files::read(&path).ok().flatten().unwrap_or_default());
    let http = Http::new(&repository.url, timeout).map_err(|e| failed(repository, &e))?;
    let mut material = verified(repository, http, Arc::clone(&files), now, Source::Repository)
        .await
        .map_err(|e| failed(repository, &e))?;
    let kept = files.write(&path, repository.url());
    material.not_kept = kept.err().map(|e| format!("{} could not be written: {e}", path.display()));
    Ok(material)
}

/// What is kept, also if it has expired. Nobody is asked.
///
/// # Errors
/// When nothing is kept, or it is damaged.
pub async fn kept(repository: &Repository, cache: &Path) -> Result<Material, TrustError> {
    // Nothing has expired at the beginning of time.
    from_cache(repository, cache, Timestamp::MIN).await.map_err(|why| match why {
        Unusable::Missing | Unusable::Expired { .. } => TrustError::NotKept { url: repository.url().to_owned() },
        Unusable::Damaged(message) => TrustError::Local { path: file(repository, cache), message },
    })
}

fn file(repository: &Repository, cache: &Path) -> PathBuf {
    cache.join(repository.file_name())
}

/// Why what is kept is not used.
enum Unusable {
    Missing,
    Expired { role: String, expired: Timestamp },
    Damaged(String),
}

async fn from_cache(repository: &Repository, cache: &Path, now: Timestamp) -> Result<Material, Unusable> {
    let files = Files::read(&file(repository, cache)).map_err(Unusable::Damaged)?;
    let files = Arc::new(files.ok_or(Unusable::Missing)?);
    verified(repository, Kept(Arc::clone(&files)), files, now, Source::Cache).await.map_err(|error| match error {
        Error::Expired { role, expires } => Unusable::Expired { role, expired: expires },
        other => Unusable::Damaged(told(&other)),
    })
}

fn failed(repository: &Repository, error: &Error) -> TrustError {
    let url = repository.url().to_owned();
    match error {
        Error::Transport { .. } => TrustError::Unreachable { url, message: told(error) },
        Error::Expired { role, expires } => TrustError::Frozen { url, role: role.clone(), expired: *expires },
        Error::TargetNotFound(_) => TrustError::NoTarget { url, name: TRUSTED_ROOT },
        other => TrustError::Refused { url, message: told(other) },
    }
}

/// TUF specification §5, from the initial root to the targets, at one time for all of it.
async fn verified(
    repository: &Repository,
    transport: impl Transport + 'static,
    files: Arc<Files>,
    now: Timestamp,
    source: Source,
) -> Result<Material, Error> {
    let mut config = UpdaterConfig::default();
    config.target_max_length = LARGEST_TARGET;
    let mut updater = Updater::new(transport, &repository.root)?.with_config(config).with_store(files);
    updater.refresh(now).await?;
    let trusted_root = updater.get_target(TRUSTED_ROOT, now).await?;
    let signing_config = optional(&mut updater, SIGNING_CONFIG, now).await?;
    let signing_config_rekor_v2 = optional(&mut updater, SIGNING_CONFIG_REKOR_V2, now).await?;
    Ok(Material {
        instance: repository.instance.clone(),
        url: repository.url().to_owned(),
        source,
        roles: states(updater.trusted()),
        not_kept: None,
        trusted_root,
        signing_config,
        signing_config_rekor_v2,
    })
}

/// A target that not every instance has. All are fetched together, so that none is missing once the network is gone.
async fn optional(updater: &mut Updater, name: &str, now: Timestamp) -> Result<Option<Vec<u8>>, Error> {
    match updater.get_target(name, now).await {
        Err(Error::TargetNotFound(_)) => Ok(None),
        other => other.map(Some),
    }
}

fn states(trusted: &TrustedMetadataSet) -> Vec<RoleState> {
    let state = |name, version, expires| RoleState { name, version, expires };
    let root = trusted.root();
    let mut states = vec![state("root", root.version, root.expires)];
    states.extend(trusted.timestamp().map(|t| state("timestamp", t.version, t.expires)));
    states.extend(trusted.snapshot().map(|s| state("snapshot", s.version, s.expires)));
    states.extend(trusted.targets_role("targets").map(|t| state("targets", t.version, t.expires)));
    states
}
