//! What stands behind a signature besides its signer: log entries, a trusted time, the life of the certificate.
//!
//! It is read out of a bundle after `sigstore-verify` has checked all of it, and decides nothing.

use jiff::Timestamp;
use serde::Serialize;
use sigstore_trust_root::TrustedRoot;
use sigstore_types::{KindVersion, TransparencyLogEntry};
use sigstore_verify::VerificationResult;

/// Who vouches for a statement's signature, and in which form it is stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vouchers {
    /// The bundle's media type. What older cosign versions store under tags is read as a bundle of version 0.1.
    pub media_type: String,
    /// The log entries, all of them verified.
    pub log_entries: Vec<LogEntry>,
    /// Who vouches for the time.
    pub time_source: Option<TimeSource>,
    /// From when until when the certificate holds.
    pub validity: Option<(Timestamp, Timestamp)>,
}

/// An entry in a transparency log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LogEntry {
    /// Its position.
    pub index: u64,
    /// sha256 over the log's key, base64, as bundles and trusted roots write it. Only where the log's promise is over it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_id: Option<String>,
    /// The log's address, by the trusted root.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<String>,
}

/// Who says when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TimeSource {
    /// A transparency log of version 1, in the entry that it signed.
    Log,
    /// A timestamp authority (RFC 3161).
    TimestampAuthority,
}

impl Vouchers {
    /// Those of a bundle that was verified with this result.
    pub(crate) fn of(bundle: &sigstore_types::Bundle, result: &VerificationResult, root: &TrustedRoot) -> Self {
        let time_source = time(result).map(|time| match result.integrated_time() {
            Some(integrated) if integrated == time => TimeSource::Log,
            _ => TimeSource::TimestampAuthority,
        });
        Self {
            media_type: String::new(),
            log_entries: bundle.verification_material.tlog_entries.iter().filter_map(|e| entry_of(e, root)).collect(),
            time_source,
            validity: result.certificate().map(|certificate| (certificate.not_before, certificate.not_after)),
        }
    }
}

/// Nothing for an entry that no log vouches for: `sigstore-verify` passes over it where another one is proven.
fn entry_of(entry: &TransparencyLogEntry, root: &TrustedRoot) -> Option<LogEntry> {
    // The promise is over the entry's own index, and so is the proof of a log of version 2; one of version 1 over its own.
    let index = match (&entry.inclusion_promise, &entry.inclusion_proof) {
        (None, Some(proof)) if entry.kind_version != KindVersion::HashedRekordV002 => proof.log_index,
        (None, None) => return None,
        _ => entry.log_index,
    };
    // Which log it is, only a promise is over.
    let id = entry.inclusion_promise.as_ref().map(|_| &entry.log_id.key_id);
    let log = root.tlogs.iter().find(|log| id == Some(&log.log_id.key_id)).map(|log| log.base_url.clone());
    Some(LogEntry { index: index.into(), log_id: id.map(ToString::to_string), log })
}

/// The earliest time that a log or a timestamp authority vouches for.
pub(crate) fn time(result: &VerificationResult) -> Option<Timestamp> {
    result.verified_timestamps().iter().copied().chain(result.integrated_time()).min()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sigstore_trust_root::SIGSTORE_PRODUCTION_TRUSTED_ROOT;

    use super::*;

    /// An entry of the workflow's bundle, changed.
    fn entry(change: impl Fn(&mut Value)) -> Option<LogEntry> {
        let bundle: Value =
            serde_json::from_slice(include_bytes!("../tests/fixtures/github-workflow.rekor-v1.json")).expect("JSON");
        let mut entry = bundle["verificationMaterial"]["tlogEntries"][0].clone();
        change(&mut entry);
        let entry: TransparencyLogEntry = serde_json::from_value(entry).expect("an entry");
        entry_of(&entry, &TrustedRoot::from_json(SIGSTORE_PRODUCTION_TRUSTED_ROOT).expect("trusted root"))
    }

    #[test]
    fn only_what_the_log_vouches_for_is_told() {
        let whole = entry(|_| {}).expect("an entry");
        assert!(whole.log.is_some() && whole.log_id.is_some());
        let without = |entry: &mut Value, key: &str| drop(entry.as_object_mut().and_then(|all| all.remove(key)));
        let proven = entry(|e| without(e, "inclusionPromise")).expect("its proof is there");
        assert_eq!((proven.log, proven.log_id), (None, None), "nothing is over which log it is");
        assert_ne!(proven.index, whole.index, "the proof has its own place");
        let neither = entry(|e| {
            without(e, "inclusionPromise");
            without(e, "inclusionProof");
        });
        assert_eq!(neither, None);
        // The name of a log that the trusted root does not have is told as it was promised, without an address.
        let unknown = entry(|e| e["logId"]["keyId"] = json!("AAAA"));
        assert!(unknown.is_some_and(|entry| entry.log.is_none() && entry.log_id.is_some()));
    }
}
