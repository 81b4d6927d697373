//! What is fetched, kept and refused, at a repository that does what attackers do.

#![expect(clippy::expect_used, reason = "a broken fixture fails the test")]

mod attacks;
mod keeping;

use std::path::Path;
use std::time::Duration;

use jiff::{Timestamp, ToSpan as _};
use sealwright_loopback::tuf::TufRepository;
use sealwright_trust::{Material, Repository, TrustError};
use tempfile::TempDir;

const DAY: i64 = 24 * 3_600;
const ROOT: &str = r#"{"trusted":"root"}"#;
const CONFIG: &str = r#"{"signing":"config"}"#;

/// A client with a cache, and a private repository that it knows.
struct Scene {
    server: Option<TufRepository>,
    repository: Repository,
    cache: TempDir,
    now: Timestamp,
}

impl Scene {
    fn new(targets: &[(&str, &str)]) -> Self {
        let server = TufRepository::start(targets).expect("repository");
        let repository = Repository::private(server.url(), server.root()).expect("private");
        Self { server: Some(server), repository, cache: tempfile::tempdir().expect("folder"), now: now() }
    }

    fn usual() -> Self {
        Self::new(&[("trusted_root.json", ROOT), ("signing_config.v0.2.json", CONFIG)])
    }

    fn server(&self) -> &TufRepository {
        self.server.as_ref().expect("plugged in")
    }

    /// Nobody answers any more.
    fn unplug(&mut self) {
        self.server = None;
    }

    fn later(&mut self, seconds: i64) {
        self.now = self.now.checked_add(seconds.seconds()).expect("time");
    }

    fn open(&self) -> Result<Material, TrustError> {
        run(sealwright_trust::open(&self.repository, self.cache.path(), self.now, LONG))
    }

    fn update(&self) -> Result<Material, TrustError> {
        run(sealwright_trust::update(&self.repository, self.cache.path(), self.now, LONG))
    }

    fn kept(&self) -> Result<Material, TrustError> {
        run(sealwright_trust::kept(&self.repository, self.cache.path()))
    }

    fn requests(&self) -> usize {
        self.server().requests().len()
    }

    /// The one file in the cache.
    fn cache_file(&self) -> std::path::PathBuf {
        files(self.cache.path()).pop().expect("kept")
    }
}

const LONG: Duration = Duration::from_secs(5);

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    std::fs::read_dir(folder).expect("folder").map(|entry| entry.expect("entry").path()).collect()
}

#[expect(clippy::disallowed_methods, reason = "what the repository signs is about the machine's clock")]
fn now() -> Timestamp {
    Timestamp::now()
}

fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
    runtime.block_on(work)
}

fn versions(material: &Material) -> Vec<u64> {
    material.roles.iter().map(|role| role.version).collect()
}
