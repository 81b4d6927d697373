//! A repository of The Update Framework (TUF specification 1.0.31) with throw-away keys: root, timestamp, snapshot and targets,
//! with consistent snapshots, as Sigstore's instances publish their trusted roots.
//!
//! It is a fake: nobody's offline keys sign, all of them lie in this process. What it publishes is right, and what an attacker
//! could do with it is done by serving other bytes ([`TufRepository::alter`]) or by its faults.

mod metadata;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request as HttpRequest, State};
use axum::http::{Method, StatusCode};
use axum::response::Response;
use sealwright_core::Digest;

use crate::answer::answer;
use crate::authority::Unable;
use crate::lock;
use crate::server::{Server, listen};
use crate::traffic::{Incoming, Traffic};

pub use crate::traffic::{Effect, Fault, Request};
pub use metadata::Role;

use metadata::{Keys, Lives, root, snapshot, targets, timestamp};

/// A running repository; it ends when it is dropped.
pub struct TufRepository {
    shared: Arc<Shared>,
    _server: Server,
}

struct Shared {
    url: String,
    state: Mutex<Published>,
    traffic: Traffic,
}

/// What is published, and what the next publication needs.
struct Published {
    keys: Keys,
    lives: Lives,
    root_version: u64,
    /// Of timestamp, snapshot and targets, which are always published together.
    version: u64,
    targets: BTreeMap<String, Vec<u8>>,
    /// Everything that is served, by its path.
    files: BTreeMap<String, Vec<u8>>,
}

impl fmt::Debug for TufRepository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TufRepository({})", self.shared.url)
    }
}

impl TufRepository {
    /// Starts a repository with new keys and these targets on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When no port can be had, no thread started or no key made.
    pub fn start(targets: &[(&str, &str)]) -> io::Result<Self> {
        let (listener, address) = listen()?;
        let mut state = Published {
            keys: Keys::generate()?,
            lives: Lives::default(),
            root_version: 1,
            version: 0,
            targets: owned(targets),
            files: BTreeMap::new(),
        };
        state.files.insert("1.root.json".to_owned(), root(1, &state.keys, None, &state.lives)?);
        state.publish()?;
        let url = format!("http://{address}");
        let shared = Arc::new(Shared { url, state: Mutex::new(state), traffic: Traffic::default() });
        let app = Router::new().fallback(handle).with_state(Arc::clone(&shared));
        let server = Server::start("loopback-tuf", listener, app)?;
        Ok(Self { shared, _server: server })
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.shared.url
    }

    /// The first `root.json`, which a client has to have from somewhere else.
    pub fn root(&self) -> Vec<u8> {
        self.file("1.root.json").unwrap_or_default()
    }

    /// Publishes these targets instead of those before, with new versions of targets, snapshot and timestamp.
    ///
    /// # Errors
    /// When something cannot be signed.
    pub fn publish(&self, targets: &[(&str, &str)]) -> io::Result<()> {
        let mut state = lock(&self.shared.state);
        state.targets = owned(targets);
        Ok(state.publish()?)
    }

    /// Publishes a new root with new keys of every role, signed by the old keys and the new ones, and everything else anew.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn rotate(&self) -> io::Result<()> {
        let mut state = lock(&self.shared.state);
        let keys = Keys::generate()?;
        let version = state.root_version + 1;
        let bytes = root(version, &keys, Some(&state.keys), &state.lives)?;
        state.files.insert(format!("{version}.root.json"), bytes);
        state.root_version = version;
        state.keys = keys;
        Ok(state.publish()?)
    }

    /// How many seconds what is published of a role from now on is valid; fewer than none have passed already.
    pub fn set_life(&self, role: Role, seconds: i64) {
        lock(&self.shared.state).lives.set(role, seconds);
    }

    /// A file as it is served: `timestamp.json`, `2.snapshot.json`, `targets/HASH.NAME`.
    pub fn file(&self, path: &str) -> Option<Vec<u8>> {
        lock(&self.shared.state).files.get(path).cloned()
    }

    /// The path of a target that was published.
    pub fn target_path(&self, name: &str) -> Option<String> {
        lock(&self.shared.state).targets.get(name).map(|bytes| target_path(name, bytes))
    }

    /// Serves other bytes at a path, as an attacker in the middle could.
    pub fn alter(&self, path: &str, bytes: Vec<u8>) {
        lock(&self.shared.state).files.insert(path.to_owned(), bytes);
    }

    /// Adds a fault. Faults are tried in the order in which they were added.
    pub fn fault(&self, fault: Fault) {
        self.shared.traffic.expect(fault);
    }

    /// Every request so far.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.traffic.requests()
    }
}

fn owned(targets: &[(&str, &str)]) -> BTreeMap<String, Vec<u8>> {
    targets.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect()
}

/// TUF specification §7.2: with consistent snapshots a target's file name begins with its hash.
fn target_path(name: &str, bytes: &[u8]) -> String {
    format!("targets/{}.{name}", Digest::of(bytes).hex())
}

impl Published {
    fn publish(&mut self) -> Result<(), Unable> {
        self.version += 1;
        let version = self.version;
        for (name, bytes) in &self.targets {
            self.files.insert(target_path(name, bytes), bytes.clone());
        }
        let targets = targets(version, &self.targets, &self.keys, &self.lives)?;
        let snapshot = snapshot(version, &targets, &self.keys, &self.lives)?;
        let timestamp = timestamp(version, &snapshot, &self.keys, &self.lives)?;
        self.files.insert(format!("{version}.targets.json"), targets);
        self.files.insert(format!("{version}.snapshot.json"), snapshot);
        self.files.insert("timestamp.json".to_owned(), timestamp);
        Ok(())
    }
}

async fn handle(State(shared): State<Arc<Shared>>, request: HttpRequest) -> Response {
    shared.traffic.exchange(request, refuse, |incoming| dispatch(&shared, incoming)).await
}

fn dispatch(shared: &Shared, incoming: &Incoming) -> Response {
    if incoming.method != Method::GET {
        return refuse(StatusCode::METHOD_NOT_ALLOWED, "a repository is only read");
    }
    let path = incoming.path.trim_start_matches('/');
    match lock(&shared.state).files.get(path) {
        Some(bytes) => answer(StatusCode::OK, &[("content-type", "application/json")], bytes.clone()),
        None => refuse(StatusCode::NOT_FOUND, "there is no such file"),
    }
}

fn refuse(status: StatusCode, message: &str) -> Response {
    answer(status, &[("content-type", "text/plain")], message.to_owned())
}
