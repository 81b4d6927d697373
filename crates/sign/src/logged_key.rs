//! A key whose signatures are entered into a transparency log and stamped with the time.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealwright_bundle::{Bundle, Envelope, PAYLOAD_TYPE, pae};
use sealwright_core::Digest;
use serde_json::{Value, json};
use sigstore_rekor::{
    DsseEntry, HashedRekord, HashedRekordV2, LogEntry, RekorApiVersion, RekorClient, RekorV2Client, RekorV2KeyDetails,
};
use sigstore_sign::Error;
use sigstore_trust_root::SigningConfig;
use sigstore_tsa::TimestampClient;
use sigstore_types::{DerPublicKey, EntryUuid, KindVersion, Sha256Hash, SignatureBytes, TransparencyLogEntry};

use crate::kind::Kind;
use crate::signing_key::SigningKey;
use crate::upstream::{client, persist};
use crate::{SignError, key_hint};

/// A key, the log that hears of what it signs, and who says when that was.
pub struct LoggedKeySigner {
    key: SigningKey,
    log: Log,
    /// A timestamp authority; a log of version 1 can do without one.
    timestamps: Option<TimestampClient>,
}

enum Log {
    V1(RekorClient),
    V2(RekorV2Client),
}

impl fmt::Debug for LoggedKeySigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Logged{:?}", self.key)
    }
}

impl LoggedKeySigner {
    /// Nothing is asked yet. `timeout` is for each request.
    ///
    /// Keys other than P-256 need a log of version 1: a log of version 2 takes what they sign only in forms that this
    /// version does not write.
    ///
    /// # Errors
    /// When the signing config names no log that takes this key, or nobody who says the time.
    pub fn new(key: SigningKey, signing_config: &[u8], timeout: Duration) -> Result<Self, SignError> {
        let unusable = |why: &str| SignError::SigningConfig(why.to_owned());
        let text = std::str::from_utf8(signing_config).map_err(|_| unusable("it is no text"))?;
        let config = SigningConfig::from_json(text).map_err(|e| SignError::SigningConfig(e.to_string()))?;
        let version = if key.kind() == Kind::P256 { None } else { Some(RekorApiVersion::V1.major()) };
        let rekor = config.rekor_url(version).ok_or_else(|| unusable("it names no log that takes this kind of key"))?;
        let used = [Some(rekor), config.tsa_url()];
        let http = client(used.into_iter().flatten().map(|service| service.url.as_str()), timeout)?;
        let broken = |e: &dyn fmt::Display| SignError::SigningConfig(e.to_string());
        let log = match RekorApiVersion::from_major(rekor.major_api_version) {
            Some(RekorApiVersion::V1) => {
                let builder = RekorClient::builder(rekor.url.clone()).with_http_client(http.clone());
                Log::V1(builder.build().map_err(|e| broken(&e))?)
            }
            Some(RekorApiVersion::V2) => {
                let builder = RekorV2Client::builder(rekor.url.clone()).with_http_client(http.clone());
                Log::V2(builder.build().map_err(|e| broken(&e))?)
            }
            _ => return Err(unusable("its log speaks a version that is not known")),
        };
        let timestamps = config.tsa_url().map(|tsa| TimestampClient::builder(tsa.url.clone()).with_http_client(http));
        let timestamps = timestamps.map(|builder| builder.build().map_err(|e| broken(&e))).transpose()?;
        if timestamps.is_none() && matches!(log, Log::V2(_)) {
            return Err(unusable("it names no timestamp authority, and a log of version 2 states no time"));
        }
        Ok(Self { key, log, timestamps })
    }

    /// The key.
    pub fn key(&self) -> &SigningKey {
        &self.key
    }

    pub(crate) fn enters_envelopes(&self) -> bool {
        matches!(self.log, Log::V1(_))
    }

    pub(crate) async fn sign(&self, statement: &[u8]) -> Result<Vec<u8>, SignError> {
        let signed = pae(PAYLOAD_TYPE, statement);
        let signature = self.key.sign_bytes(&signed).await?;
        let envelope = Envelope::new(statement, &signature);
        let entry = persist(async || match &self.log {
            Log::V1(log) => enter(log, log.create_dsse_entry(self.dsse_entry(&envelope)?), KindVersion::DsseV001).await,
            Log::V2(log) => self.enter_digest(log, &signed, &signature).await,
        });
        let material = self.material(entry.await?, &signature).await?;
        Ok(Bundle { verification_material: material, ..Bundle::with_key(envelope, "") }.to_bytes())
    }

    pub(crate) async fn sign_message(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        // Logs take digests of plain messages, and these keys sign none.
        if self.key.kind() == Kind::Ed25519 {
            return Err(SignError::NotLogged);
        }
        let signature = self.key.sign_bytes(message).await?;
        let entry = persist(async || match &self.log {
            Log::V1(log) => {
                enter(log, log.create_entry(self.hash_entry(message, &signature)?), KindVersion::HashedRekordV001).await
            }
            Log::V2(log) => self.enter_digest(log, message, &signature).await,
        });
        let material = self.material(entry.await?, &signature).await?;
        let stated = self.key.kind().message_signature(message, &signature);
        Ok(Bundle { verification_material: material, ..Bundle::of_message(stated, "") }.to_bytes())
    }

    /// What a bundle holds beside its content.
    async fn material(&self, entry: TransparencyLogEntry, signature: &[u8]) -> Result<Value, SignError> {
        let mut stamps = Vec::new();
        if let Some(authority) = &self.timestamps {
            let signature = SignatureBytes::from_bytes(signature);
            let stamp = persist(async || Ok(authority.timestamp_signature(&signature).await?)).await?;
            stamps.push(json!({ "signedTimestamp": STANDARD.encode(stamp.as_bytes()) }));
        }
        Ok(json!({
            "publicKey": { "hint": key_hint(&self.key.fingerprint()) },
            "tlogEntries": [entry],
            "timestampVerificationData": { "rfc3161Timestamps": stamps },
        }))
    }

    /// A log of version 2 takes the digest of what was signed, whatever that is.
    async fn enter_digest(
        &self,
        log: &RekorV2Client,
        signed: &[u8],
        signature: &[u8],
    ) -> Result<TransparencyLogEntry, Error> {
        let request = HashedRekordV2::new_with_public_key(
            &Sha256Hash::new(*Digest::of(signed).as_bytes()),
            &SignatureBytes::from_bytes(signature),
            &DerPublicKey::new(self.key.spki().to_vec()),
            RekorV2KeyDetails::PkixEcdsaP256Sha256,
        );
        Ok(log.create_entry(request).await?)
    }

    /// `hashedrekord` 0.0.1 (sigstore/rekor, `hashedrekord_v0_0_1_schema.json`). The library's own constructor takes
    /// certificates only.
    fn hash_entry(&self, message: &[u8], signature: &[u8]) -> Result<HashedRekord, Error> {
        let kind = self.key.kind();
        let algorithm = if kind == Kind::P384 { "sha384" } else { "sha256" };
        let digest: String =
            kind.digest(message).unwrap_or_default().iter().map(|byte| format!("{byte:02x}")).collect();
        let entry: Value = json!({
            "apiVersion": "0.0.1", "kind": "hashedrekord",
            "spec": {
                "data": { "hash": { "algorithm": algorithm, "value": digest } },
                "signature": {
                    "content": STANDARD.encode(signature),
                    "publicKey": { "content": STANDARD.encode(self.key.public_pem()) },
                },
            },
        });
        serde_json::from_value(entry).map_err(Error::InvalidStatement)
    }

    /// `dsse` 0.0.1 (sigstore/rekor, `dsse_v0_0_1_schema.json`). The library's own constructor takes certificates only.
    fn dsse_entry(&self, envelope: &Envelope) -> Result<DsseEntry, Error> {
        let text = serde_json::to_string(envelope).map_err(Error::InvalidStatement)?;
        let entry: Value = json!({
            "apiVersion": "0.0.1", "kind": "dsse",
            "spec": { "proposedContent": {
                "envelope": text, "verifiers": [STANDARD.encode(self.key.public_pem())],
            }},
        });
        serde_json::from_value(entry).map_err(Error::InvalidStatement)
    }
}

/// The entry that a log of version 1 made, now or before: where the answer to the first request was lost, the log says to the
/// second one that it has the entry, and under which UUID.
async fn enter(
    log: &RekorClient,
    asked: impl Future<Output = sigstore_rekor::Result<LogEntry>>,
    kind: KindVersion,
) -> Result<TransparencyLogEntry, Error> {
    let malformed = |e: sigstore_types::Error| sigstore_rekor::Error::InvalidResponse(e.to_string());
    let entry = match asked.await {
        Err(sigstore_rekor::Error::Status { status: 409, message }) => {
            let conflict = || sigstore_rekor::Error::Status { status: 409, message: message.clone() };
            log.get_entry_by_uuid(&uuid(&message).ok_or_else(conflict)?).await?
        }
        answered => answered?,
    };
    Ok(entry.to_bundle_entry(kind).map_err(malformed)?)
}

/// The UUID in a conflict's message: a leaf's hash, after the id of its tree where the log has several (sigstore/rekor,
/// `pkg/sharding`, "EntryID").
fn uuid(message: &str) -> Option<EntryUuid> {
    let mut words = message.split(|c: char| !c.is_ascii_hexdigit());
    words.rfind(|word| [64, 80].contains(&word.len())).map(EntryUuid::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conflict_names_the_entry_or_stays_a_conflict() {
        let (leaf, tree) = ("ab".repeat(32), "0123456789abcdef");
        for id in [leaf.clone(), format!("{tree}{leaf}")] {
            let message = format!(
                "failed: {{\"code\":409,\"message\":\"an equivalent entry already exists in the transparency log with UUID {id}\"}}"
            );
            assert_eq!(uuid(&message), Some(EntryUuid::new(id)));
        }
        assert_eq!(uuid("an equivalent entry already exists"), None);
        assert_eq!(uuid(&"ab".repeat(33)), None);
    }
}
