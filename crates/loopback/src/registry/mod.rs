//! A small registry that speaks the distribution specification, in memory, on loopback, with switches for faults.
//!
//! It is a fake: nothing is kept, nothing is deleted and there is no TLS (`crate::aws` puts some in front). It checks what real registries check (digests,
//! sizes, that a manifest's blobs and an index's manifests are there), so that a client that passes here has not passed by
//! carelessness. The switches reproduce the behaviors that clients meet in the wild.

mod access;
mod answer;
mod manifests;
mod referrers;
mod routes;
mod store;
mod switches;
mod uploads;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use sealwright_core::Digest;

use crate::lock;
use crate::server::{Server, listen};
use crate::traffic::Traffic;

pub use crate::traffic::{Effect, Fault, Request};
pub use store::StoredManifest;
pub use switches::{
    Access, ArtifactTypes, EntityTags, Filters, GitLabQuirk, ManifestLocation, ReferrersApi, Switches, Tags,
    UploadLocation,
};

pub(crate) use access::parameters;
pub(crate) use switches::fits;

use store::Store;

/// A running registry; it ends when it is dropped.
#[derive(Debug)]
pub struct Registry {
    address: SocketAddr,
    shared: Arc<Shared>,
    _server: Server,
}

/// What the handlers share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) address: SocketAddr,
    pub(crate) switches: Mutex<Switches>,
    pub(crate) store: Mutex<Store>,
    pub(crate) tokens: Mutex<access::Tokens>,
    pub(crate) traffic: Traffic,
}

impl Registry {
    /// Starts an empty registry on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When no port can be had or no thread started.
    pub fn start(switches: Switches) -> io::Result<Self> {
        let (listener, address) = listen()?;
        let shared = Arc::new(Shared {
            address,
            switches: Mutex::new(switches),
            store: Mutex::default(),
            tokens: Mutex::default(),
            traffic: Traffic::default(),
        });
        let server = Server::start("loopback-registry", listener, routes::app(Arc::clone(&shared)))?;
        Ok(Self { address, shared, _server: server })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `127.0.0.1:PORT`, as image references spell it.
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// Changes the switches from the next request on.
    pub fn switch(&self, change: impl FnOnce(&mut Switches)) {
        change(&mut lock(&self.shared.switches));
    }

    /// Adds a fault. Faults are tried in the order in which they were added.
    pub fn fault(&self, fault: Fault) {
        self.shared.traffic.expect(fault);
    }

    /// From now on serves `bytes` where `digest` is asked for, as a registry or a proxy that alters content would.
    pub fn alter(&self, digest: Digest, bytes: impl Into<Bytes>) {
        lock(&self.shared.store).alter(digest, bytes.into());
    }

    /// Stores a blob without a request.
    pub fn put_blob(&self, repository: &str, bytes: impl Into<Bytes>) -> Digest {
        lock(&self.shared.store).put_blob(repository, bytes.into())
    }

    /// Stores a manifest without a request and without any check, also under a tag.
    pub fn put_manifest(
        &self,
        repository: &str,
        tag: Option<&str>,
        media_type: &str,
        bytes: impl Into<Bytes>,
    ) -> Digest {
        lock(&self.shared.store).put_manifest(repository, tag, media_type, bytes.into())
    }

    /// The manifests of a repository in the order in which they came.
    pub fn manifests(&self, repository: &str) -> Vec<StoredManifest> {
        lock(&self.shared.store).manifests(repository)
    }

    /// The tags of a repository.
    pub fn tags(&self, repository: &str) -> BTreeMap<String, Digest> {
        lock(&self.shared.store).tags(repository)
    }

    /// The blobs of a repository and their sizes in bytes.
    pub fn blobs(&self, repository: &str) -> BTreeMap<Digest, u64> {
        lock(&self.shared.store).blobs(repository)
    }

    /// A blob of a repository.
    pub fn blob(&self, repository: &str, digest: &Digest) -> Option<Bytes> {
        lock(&self.shared.store).blob(repository, digest)
    }

    /// Every repository that holds anything.
    pub fn repositories(&self) -> Vec<String> {
        lock(&self.shared.store).repositories()
    }

    /// Every request so far, token requests included.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.traffic.requests()
    }

    /// Forgets the requests so far.
    pub fn forget_requests(&self) {
        self.shared.traffic.forget();
    }
}
