//! Rekor, version 1 (sigstore/rekor, `openapi.yaml`) and version 2 (sigstore/rekor-tiles): what was signed is checked and
//! written into a log.
//!
//! Of version 1 the entry types `hashedrekord` and `dsse` are there, of version 2 `hashedrekord`. An entry of version 1 can be
//! read by its UUID; nothing can be searched and there are no tiles.

use std::collections::BTreeMap;
use std::sync::Mutex;

use aws_lc_rs::digest::{Digest as Sha, SHA256};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealwright_core::{Digest, Hasher};
use serde_json::{Value, json};
use x509_cert::Certificate;
use x509_cert::der::pem::LineEnding;
use x509_cert::der::{Decode as _, pem};
use x509_cert::spki::SubjectPublicKeyInfoOwned;

use super::key::{EcKey, EdKey};
use super::transparency::{Inclusion, Tree, checkpoint, leaf};
use super::{Refusal, Unable, now};
use crate::lock;

/// The host names of the logs; checkpoints carry them and nobody dials them.
pub(crate) const V1_HOST: &str = "rekor-v1.loopback.test";
pub(crate) const V2_HOST: &str = "rekor-v2.loopback.test";

/// A log of version 1, which signs with ECDSA and promises inclusion at a time.
pub(crate) struct RekorV1 {
    pub(crate) key: EcKey,
    tree: Mutex<Tree>,
    /// What was answered, by UUID.
    entries: Mutex<BTreeMap<String, Value>>,
}

/// A log of version 2, which signs its checkpoints with Ed25519.
pub(crate) struct RekorV2 {
    pub(crate) key: EdKey,
    tree: Mutex<Tree>,
}

fn bad(why: &str) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, why)
}

fn text<'a>(value: &'a Value, pointer: &str) -> Result<&'a str, Refusal> {
    value.pointer(pointer).and_then(Value::as_str).ok_or_else(|| bad(&format!("{pointer} is missing")))
}

fn bytes(value: &Value, pointer: &str) -> Result<Vec<u8>, Refusal> {
    STANDARD.decode(text(value, pointer)?).map_err(|_| bad(&format!("{pointer} is not base64")))
}

/// Refuses a signature over something else, or by another key.
fn check(spki: &SubjectPublicKeyInfoOwned, digest: &[u8], signature: &[u8]) -> Result<(), Refusal> {
    let digest = Sha::import_less_safe(digest, &SHA256).map_err(|_| bad("the digest is not one of SHA-256"))?;
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, spki.subject_public_key.raw_bytes())
        .verify_digest(&digest, signature)
        .map_err(|_| bad("the signature is not of this key over this digest"))
}

fn key_of_certificate(der: &[u8]) -> Result<SubjectPublicKeyInfoOwned, Refusal> {
    let certificate = Certificate::from_der(der).map_err(|_| bad("the verifier is no certificate"))?;
    Ok(certificate.tbs_certificate.subject_public_key_info)
}

/// A PEM block with a key or a certificate, as it is logged: Rekor writes it anew (`CanonicalValue`), in lines of 64.
struct Verifier {
    key: SubjectPublicKeyInfoOwned,
    canonical: String,
}

impl Verifier {
    fn of(text: &[u8]) -> Result<Self, Refusal> {
        let (label, der) = pem::decode_vec(text).map_err(|_| bad("the verifier is not PEM"))?;
        let key = match label {
            "CERTIFICATE" => key_of_certificate(&der)?,
            _ => SubjectPublicKeyInfoOwned::from_der(&der).map_err(|_| bad("the verifier is no public key"))?,
        };
        let canonical = pem::encode_string(label, LineEnding::LF, &der).map_err(Unable::of)?;
        Ok(Self { key, canonical: STANDARD.encode(canonical) })
    }
}

impl RekorV1 {
    pub(crate) fn new() -> Result<Self, Unable> {
        Ok(Self { key: EcKey::generate()?, tree: Mutex::default(), entries: Mutex::default() })
    }

    /// `POST /api/v1/log/entries`: the entry's UUID, and the answer.
    pub(crate) fn add(&self, body: &[u8]) -> Result<(String, Value), Refusal> {
        let asked: Value = serde_json::from_slice(body).map_err(|e| bad(&e.to_string()))?;
        let entry = match (text(&asked, "/kind")?, text(&asked, "/apiVersion")?) {
            ("hashedrekord", "0.0.1") => checked_hash(&asked)?,
            ("dsse", "0.0.1") => checked_envelope(&asked)?,
            _ => return Err(bad("no such kind of entry")),
        };
        let known = leaf(entry.to_string().as_bytes()).hex();
        if lock(&self.entries).contains_key(&known) {
            let message = format!("An equivalent entry already exists in the transparency log with UUID {known}");
            return Err(Refusal::new(StatusCode::CONFLICT, &message));
        }
        let (uuid, answer) = self.log(&entry)?;
        lock(&self.entries).insert(uuid.clone(), answer.clone());
        Ok((uuid, answer))
    }

    /// `GET /api/v1/log/entries/UUID`, as it was answered then.
    pub(crate) fn entry(&self, uuid: &str) -> Result<Value, Refusal> {
        lock(&self.entries).get(uuid).cloned().ok_or_else(|| Refusal::new(StatusCode::NOT_FOUND, "no such entry"))
    }

    fn log(&self, entry: &Value) -> Result<(String, Value), Unable> {
        // The keys of `serde_json`'s objects are sorted and the strings plain: that is RFC 8785.
        let entry = entry.to_string();
        let inclusion = lock(&self.tree).append(entry.as_bytes());
        let (body, at, id) = (STANDARD.encode(&entry), now(), self.key.id());
        let id = id.to_string().replace("sha256:", "");
        let promise = json!({ "body": body, "integratedTime": at, "logID": id, "logIndex": inclusion.index });
        let promise = self.key.sign(promise.to_string().as_bytes())?;
        let origin = format!("{V1_HOST} - 1");
        let head = checkpoint(&origin, V1_HOST, &self.key.id(), &inclusion, |text| self.key.sign(text))?;
        let plain = |digest: &Digest| digest.to_string().replace("sha256:", "");
        let uuid = plain(&inclusion.leaf);
        let answer = json!({ &uuid: {
            "body": body, "integratedTime": at, "logID": id, "logIndex": inclusion.index,
            "verification": {
                "signedEntryTimestamp": STANDARD.encode(promise),
                "inclusionProof": {
                    "checkpoint": head, "hashes": inclusion.path.iter().map(plain).collect::<Vec<_>>(),
                    "logIndex": inclusion.index, "rootHash": plain(&inclusion.root), "treeSize": inclusion.size,
                },
            },
        }});
        Ok((uuid, answer))
    }
}

/// `hashedrekord` 0.0.1: it is logged as it came.
fn checked_hash(asked: &Value) -> Result<Value, Refusal> {
    let value = text(asked, "/spec/data/hash/value")?;
    let digest: Digest = format!("sha256:{value}").parse().map_err(|_| bad("the hash is not one of SHA-256"))?;
    let verifier = Verifier::of(&bytes(asked, "/spec/signature/publicKey/content")?)?;
    let signature = bytes(asked, "/spec/signature/content")?;
    check(&verifier.key, digest.as_bytes(), &signature)?;
    Ok(json!({
        "apiVersion": "0.0.1", "kind": "hashedrekord",
        "spec": {
            "data": { "hash": { "algorithm": "sha256", "value": value } },
            "signature": {
                "content": STANDARD.encode(signature), "publicKey": { "content": verifier.canonical },
            },
        },
    }))
}

/// `dsse` 0.0.1: the envelope itself is not kept, its hashes and signature are.
fn checked_envelope(asked: &Value) -> Result<Value, Refusal> {
    let envelope = text(asked, "/spec/proposedContent/envelope")?;
    let verifier = Verifier::of(&bytes(asked, "/spec/proposedContent/verifiers/0")?)?;
    let parsed: Value = serde_json::from_str(envelope).map_err(|e| bad(&e.to_string()))?;
    let payload = bytes(&parsed, "/payload")?;
    let kind = text(&parsed, "/payloadType")?;
    let signature = bytes(&parsed, "/signatures/0/sig")?;
    // DSSE v1.0, "PAE".
    let mut signed = Hasher::default();
    signed.update(format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len()).as_bytes());
    signed.update(&payload);
    check(&verifier.key, signed.finish().as_bytes(), &signature)?;
    let hash =
        |bytes: &[u8]| json!({ "algorithm": "sha256", "value": Digest::of(bytes).to_string().replace("sha256:", "") });
    Ok(json!({
        "apiVersion": "0.0.1", "kind": "dsse",
        "spec": {
            "envelopeHash": hash(envelope.as_bytes()), "payloadHash": hash(&payload),
            "signatures": [{ "signature": STANDARD.encode(signature), "verifier": verifier.canonical }],
        },
    }))
}

impl RekorV2 {
    pub(crate) fn new() -> Result<Self, Unable> {
        Ok(Self { key: EdKey::generate()?, tree: Mutex::default() })
    }

    /// The key's identity (C2SP "signed-note", Ed25519): sha256 over name, newline, algorithm 1 and the key.
    pub(crate) fn id(&self) -> Digest {
        let mut hash = Hasher::default();
        hash.update(V2_HOST.as_bytes());
        hash.update(b"\n\x01");
        hash.update(self.key.raw());
        hash.finish()
    }

    /// `POST /api/v2/log/entries`.
    pub(crate) fn add(&self, body: &[u8]) -> Result<Value, Refusal> {
        let asked: Value = serde_json::from_slice(body).map_err(|e| bad(&e.to_string()))?;
        let asked = asked.get("hashedRekordRequestV002").ok_or_else(|| bad("only hashedrekord 0.0.2 is here"))?;
        let (digest, signature) = (bytes(asked, "/digest")?, bytes(asked, "/signature/content")?);
        let details = text(asked, "/signature/verifier/keyDetails")?;
        if details != "PKIX_ECDSA_P256_SHA_256" {
            return Err(bad("only PKIX_ECDSA_P256_SHA_256 is here"));
        }
        let (kind, raw, key) = match bytes(asked, "/signature/verifier/x509Certificate/rawBytes") {
            Ok(der) => ("x509Certificate", der.clone(), key_of_certificate(&der)?),
            Err(_) => {
                let der = bytes(asked, "/signature/verifier/publicKey/rawBytes")?;
                let key =
                    SubjectPublicKeyInfoOwned::from_der(&der).map_err(|_| bad("the verifier is no public key"))?;
                ("publicKey", der, key)
            }
        };
        check(&key, &digest, &signature)?;
        let entry = json!({
            "apiVersion": "0.0.2", "kind": "hashedrekord",
            "spec": { "hashedRekordV002": {
                "data": { "algorithm": "SHA2_256", "digest": STANDARD.encode(digest) },
                "signature": {
                    "content": STANDARD.encode(signature),
                    "verifier": { "keyDetails": details, kind: { "rawBytes": STANDARD.encode(raw) } },
                },
            }},
        });
        let entry = entry.to_string();
        let inclusion = lock(&self.tree).append(entry.as_bytes());
        Ok(self.answer(&entry, &inclusion)?)
    }

    /// A `TransparencyLogEntry` as protobuf's JSON: 64-bit numbers are strings.
    fn answer(&self, entry: &str, inclusion: &Inclusion) -> Result<Value, Unable> {
        let head = checkpoint(V2_HOST, V2_HOST, &self.id(), inclusion, |text| Ok::<_, Unable>(self.key.sign(text)))?;
        let encode = |digest: &Digest| STANDARD.encode(digest.as_bytes());
        Ok(json!({
            "logIndex": inclusion.index.to_string(),
            "logId": { "keyId": encode(&self.id()) },
            "kindVersion": { "kind": "hashedrekord", "version": "0.0.2" },
            "inclusionProof": {
                "logIndex": inclusion.index.to_string(), "treeSize": inclusion.size.to_string(),
                "rootHash": encode(&inclusion.root), "hashes": inclusion.path.iter().map(encode).collect::<Vec<_>>(),
                "checkpoint": { "envelope": head },
            },
            "canonicalizedBody": STANDARD.encode(entry),
        }))
    }
}
