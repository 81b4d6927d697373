//! A small registry that speaks the distribution specification, in memory, on loopback, with switches for faults.
//!
//! It is a fake: nothing is kept, nothing is deleted and there is no TLS. It checks what real registries check (digests,
//! sizes, that a manifest's blobs and an index's manifests are there), so that a client that passes here has not passed by
//! carelessness. The switches reproduce the behaviors that clients meet in the wild.

mod access;
mod answer;
mod body;
mod manifests;
mod referrers;
mod routes;
mod store;
mod switches;
mod uploads;

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use axum::body::Bytes;
use sealwright_core::Digest;
use tokio::sync::oneshot;

pub use store::StoredManifest;
pub use switches::{
    Access, ArtifactTypes, Effect, EntityTags, Fault, Filters, GitLabQuirk, ManifestLocation, ReferrersApi, Switches,
    Tags, UploadLocation,
};

use store::Store;

/// How long open connections may go on after the registry was dropped.
const FAREWELL: Duration = Duration::from_millis(500);

/// A running registry; it ends when it is dropped.
///
/// It runs on a thread of its own, so that it answers whatever the caller's thread or runtime does.
#[derive(Debug)]
pub struct Registry {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// One request, as it was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `PUT` …
    pub method: String,
    /// The path of the URL.
    pub path: String,
    /// The query of the URL, empty without one.
    pub query: String,
    /// The `Authorization` header as it came. Only throw-away credentials ever reach a fake.
    pub authorization: Option<String>,
    /// The status of the answer.
    pub status: u16,
}

/// What the handlers share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) address: SocketAddr,
    pub(crate) switches: Mutex<Switches>,
    pub(crate) store: Mutex<Store>,
    pub(crate) tokens: Mutex<access::Tokens>,
    faults: Mutex<Vec<Fault>>,
    log: Mutex<Vec<Request>>,
}

/// A panic in one handler must not hide what the others stored.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// The effect of the first fault that fits this request, which is used up once.
    pub(crate) fn fault(&self, method: &str, path: &str) -> Option<Effect> {
        let mut faults = lock(&self.faults);
        let fault = faults.iter_mut().find(|f| f.fits(method, path))?;
        fault.times -= 1;
        Some(fault.effect.clone())
    }

    pub(crate) fn record(&self, request: Request) {
        lock(&self.log).push(request);
    }
}

impl Registry {
    /// Starts an empty registry on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When no port can be had or no thread started.
    pub fn start(switches: Switches) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            address,
            switches: Mutex::new(switches),
            store: Mutex::default(),
            tokens: Mutex::default(),
            faults: Mutex::default(),
            log: Mutex::default(),
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let app = routes::app(Arc::clone(&shared));
        let thread = std::thread::Builder::new()
            .name("loopback-registry".into())
            .spawn(move || runtime.block_on(serve(listener, app, stopped)))?;
        Ok(Self { address, shared, stop: Some(stop), thread: Some(thread) })
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
        lock(&self.shared.faults).push(fault);
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

    /// Every repository that holds anything.
    pub fn repositories(&self) -> Vec<String> {
        lock(&self.shared.store).repositories()
    }

    /// Every request so far, token requests included.
    pub fn requests(&self) -> Vec<Request> {
        lock(&self.shared.log).clone()
    }

    /// Forgets the requests so far.
    pub fn forget_requests(&self) {
        lock(&self.shared.log).clear();
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // The receiver is gone only when the server has ended already.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn serve(listener: TcpListener, app: axum::Router, stopped: oneshot::Receiver<()>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    let (begin, begun) = oneshot::channel::<()>();
    let graceful = axum::serve(listener, app).with_graceful_shutdown(async {
        let _ = begun.await;
    });
    let farewell = async move {
        let _ = stopped.await;
        let _ = begin.send(());
        tokio::time::sleep(FAREWELL).await;
    };
    // A client that reads a slow body must not keep the process alive.
    tokio::select! {
        _ = graceful => {}
        () = farewell => {}
    }
}
