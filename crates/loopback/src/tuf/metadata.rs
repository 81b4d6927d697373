//! The four roles' metadata, signed (TUF specification §4).

use std::collections::BTreeMap;
use std::time::Duration;

use der::DateTime;
use sealwright_core::{Digest, canonical_json};
use serde_json::{Map, Value, json};

use crate::authority::key::EdKey;
use crate::authority::{Unable, now};

const SPECIFICATION: &str = "1.0.31";
/// Sigstore's root needs several signatures too.
const ROOT_KEYS: usize = 2;
const DAY: i64 = 24 * 3_600;

/// A role of the top level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Names the keys of all roles.
    Root,
    /// Names the newest snapshot; the shortest life.
    Timestamp,
    /// Names the versions of all targets metadata.
    Snapshot,
    /// Names the files.
    Targets,
}

/// How many seconds each role's metadata is valid.
pub(crate) struct Lives(BTreeMap<Role, i64>);

impl Default for Lives {
    fn default() -> Self {
        let days = [(Role::Root, 180), (Role::Timestamp, 7), (Role::Snapshot, 21), (Role::Targets, 180)];
        Self(days.into_iter().map(|(role, days)| (role, days * DAY)).collect())
    }
}

impl Lives {
    pub(crate) fn set(&mut self, role: Role, seconds: i64) {
        self.0.insert(role, seconds);
    }

    /// In whole seconds and UTC (TUF specification §4.2).
    fn expiry(&self, role: Role) -> Result<String, Unable> {
        let at = now().saturating_add(self.0.get(&role).copied().unwrap_or_default());
        let since = Duration::from_secs(u64::try_from(at).unwrap_or_default());
        Ok(DateTime::from_unix_duration(since)?.to_string())
    }
}

/// The keys of all roles.
pub(crate) struct Keys {
    root: Vec<EdKey>,
    timestamp: EdKey,
    snapshot: EdKey,
    targets: EdKey,
}

impl Keys {
    pub(crate) fn generate() -> Result<Self, Unable> {
        let root = (0..ROOT_KEYS).map(|_| EdKey::generate()).collect::<Result<_, _>>()?;
        Ok(Self { root, timestamp: EdKey::generate()?, snapshot: EdKey::generate()?, targets: EdKey::generate()? })
    }

    fn all(&self) -> impl Iterator<Item = &EdKey> {
        self.root.iter().chain([&self.timestamp, &self.snapshot, &self.targets])
    }
}

/// A key as metadata names it.
fn described(key: &EdKey) -> Value {
    let public: String = key.raw().iter().map(|byte| format!("{byte:02x}")).collect();
    json!({ "keytype": "ed25519", "scheme": "ed25519", "keyval": { "public": public } })
}

/// sha256 over the canonical form of the key (TUF specification §4.2).
fn key_id(key: &EdKey) -> String {
    Digest::of(&canonical_json::to_vec(&described(key))).hex()
}

/// What is signed has only plain ASCII, for which TUF's canonical JSON is the same as that of RFC 8785.
fn signed<'a>(signed: Value, keys: impl IntoIterator<Item = &'a EdKey>) -> Vec<u8> {
    let message = canonical_json::to_vec(&signed);
    let hex = |bytes: Vec<u8>| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let signature = |key: &EdKey| json!({ "keyid": key_id(key), "sig": hex(key.sign(&message)) });
    let signatures: Vec<Value> = keys.into_iter().map(signature).collect();
    json!({ "signatures": signatures, "signed": signed }).to_string().into_bytes()
}

/// A root, signed by its own keys and by those of the root before it.
pub(crate) fn root(version: u64, keys: &Keys, before: Option<&Keys>, lives: &Lives) -> Result<Vec<u8>, Unable> {
    let listed: Map<String, Value> = keys.all().map(|key| (key_id(key), described(key))).collect();
    let role = |keys: &[&EdKey]| {
        let ids: Vec<String> = keys.iter().map(|key| key_id(key)).collect();
        json!({ "keyids": ids, "threshold": keys.len() })
    };
    let document = json!({
        "_type": "root", "spec_version": SPECIFICATION, "version": version, "expires": lives.expiry(Role::Root)?,
        "consistent_snapshot": true, "keys": listed,
        "roles": {
            "root": role(&keys.root.iter().collect::<Vec<_>>()), "timestamp": role(&[&keys.timestamp]),
            "snapshot": role(&[&keys.snapshot]), "targets": role(&[&keys.targets]),
        },
    });
    Ok(signed(document, keys.root.iter().chain(before.into_iter().flat_map(|before| &before.root))))
}

pub(crate) fn targets(
    version: u64,
    files: &BTreeMap<String, Vec<u8>>,
    keys: &Keys,
    lives: &Lives,
) -> Result<Vec<u8>, Unable> {
    let listed: Map<String, Value> = files.iter().map(|(name, bytes)| (name.clone(), pinned(bytes, None))).collect();
    let document = json!({
        "_type": "targets", "spec_version": SPECIFICATION, "version": version,
        "expires": lives.expiry(Role::Targets)?, "targets": listed,
    });
    Ok(signed(document, [&keys.targets]))
}

pub(crate) fn snapshot(version: u64, targets: &[u8], keys: &Keys, lives: &Lives) -> Result<Vec<u8>, Unable> {
    let document = json!({
        "_type": "snapshot", "spec_version": SPECIFICATION, "version": version,
        "expires": lives.expiry(Role::Snapshot)?, "meta": { "targets.json": pinned(targets, Some(version)) },
    });
    Ok(signed(document, [&keys.snapshot]))
}

pub(crate) fn timestamp(version: u64, snapshot: &[u8], keys: &Keys, lives: &Lives) -> Result<Vec<u8>, Unable> {
    let document = json!({
        "_type": "timestamp", "spec_version": SPECIFICATION, "version": version,
        "expires": lives.expiry(Role::Timestamp)?, "meta": { "snapshot.json": pinned(snapshot, Some(version)) },
    });
    Ok(signed(document, [&keys.timestamp]))
}

/// Length and hash of a file, and the version if it is metadata.
fn pinned(bytes: &[u8], version: Option<u64>) -> Value {
    let mut pin = json!({ "length": bytes.len(), "hashes": { "sha256": Digest::of(bytes).hex() } });
    if let (Some(version), Some(pin)) = (version, pin.as_object_mut()) {
        pin.insert("version".to_owned(), version.into());
    }
    pin
}
