//! Signatures and attestations as cosign up to 2.x stores them: a layer of a manifest, and its annotations (cosign,
//! `specs/SIGNATURE_SPEC.md`, `specs/ATTESTATION_SPEC.md` and `pkg/oci/static`), from and to bundles.
//!
//! A layer says what a bundle of version 0.1 can say, so that one verifier serves both.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealwright_core::{Digest, Limits};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{Bundle, Envelope, MessageSignature, ShapeError, clip, pem, strict};

/// The media type of a layer that is a simple signing payload.
pub const SIGNATURE_LAYER: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
/// The media type of a layer that is a DSSE envelope.
pub const ATTESTATION_LAYER: &str = "application/vnd.dsse.envelope.v1+json";

const SIGNATURE: &str = "dev.cosignproject.cosign/signature";
const CERTIFICATE: &str = "dev.sigstore.cosign/certificate";
const LOG_ENTRY: &str = "dev.sigstore.cosign/bundle";
const TIMESTAMP: &str = "dev.sigstore.cosign/rfc3161timestamp";
const PREDICATE_TYPE: &str = "predicateType";

const MEDIA_TYPE: &str = "application/vnd.dev.sigstore.bundle+json;version=0.1";
const WHAT: &str = "layer of an older cosign";

/// A layer's annotations.
pub type Annotations = BTreeMap<String, String>;

/// What a log of version 1 answered (cosign, `pkg/cosign/bundle/rekor.go`).
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct LogEntry {
    signed_entry_timestamp: String,
    payload: LogPayload,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LogPayload {
    body: String,
    integrated_time: i64,
    log_index: i64,
    #[serde(rename = "logID")]
    log_id: String,
}

/// A timestamp authority's answer (cosign, `pkg/cosign/bundle/tsa.go`).
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Timestamp {
    #[serde(rename = "SignedRFC3161Timestamp")]
    signed: String,
}

/// The signature over a simple signing payload as a bundle about that payload.
///
/// # Errors
/// When an annotation is missing or not what it should be.
pub fn signature(annotations: &Annotations, limits: &Limits) -> Result<Bundle, ShapeError> {
    let signature = annotations.get(SIGNATURE).filter(|text| !text.is_empty()).ok_or_else(|| {
        ShapeError::Unexpected { what: WHAT, member: SIGNATURE, found: String::new(), expected: "a signature" }
    })?;
    // Nothing says which hash the signature takes: it follows the key.
    let message = MessageSignature { message_digest: None, signature: signature.clone() };
    Ok(Bundle { message_signature: Some(message), ..material(annotations, limits)? })
}

/// An envelope and its annotations as a bundle.
///
/// # Errors
/// When one of them is not what it should be.
pub fn attestation(envelope: &[u8], annotations: &Annotations, limits: &Limits) -> Result<Bundle, ShapeError> {
    let envelope: Envelope = strict::parse(envelope, WHAT, limits.evidence)?;
    Ok(Bundle { dsse_envelope: Some(envelope), ..material(annotations, limits)? })
}

/// Who signed, and who vouches for the time: everything but the content.
fn material(annotations: &Annotations, limits: &Limits) -> Result<Bundle, ShapeError> {
    let annotation = |key: &str| annotations.get(key).filter(|text| !text.is_empty());
    let signer = match annotation(CERTIFICATE) {
        Some(text) => json!({ "x509CertificateChain": { "certificates": [{ "rawBytes": certificate(text)? }] } }),
        // cosign names no key here.
        None => json!({ "publicKey": { "hint": "" } }),
    };
    let mut material = signer;
    if let Some(text) = annotation(LOG_ENTRY) {
        let entry: LogEntry = strict::parse(text.as_bytes(), WHAT, limits.evidence)?;
        set(&mut material, "tlogEntries", json!([log_entry(&entry)?]));
    }
    if let Some(text) = annotation(TIMESTAMP) {
        let stamp: Timestamp = strict::parse(text.as_bytes(), WHAT, limits.evidence)?;
        let times = json!({ "rfc3161Timestamps": [{ "signedTimestamp": stamp.signed }] });
        set(&mut material, "timestampVerificationData", times);
    }
    let media_type = MEDIA_TYPE.to_owned();
    Ok(Bundle { media_type, verification_material: material, dsse_envelope: None, message_signature: None })
}

fn set(object: &mut Value, key: &str, value: Value) {
    if let Value::Object(members) = object {
        members.insert(key.to_owned(), value);
    }
}

fn certificate(text: &str) -> Result<String, ShapeError> {
    let block = pem::parse(text.as_bytes()).ok().filter(|block| block.label == "CERTIFICATE");
    let unexpected = || ShapeError::Unexpected {
        what: WHAT,
        member: CERTIFICATE,
        found: clip(text),
        expected: "a certificate as PEM",
    };
    block.map(|block| STANDARD.encode(block.bytes)).ok_or_else(unexpected)
}

fn log_entry(entry: &LogEntry) -> Result<Value, ShapeError> {
    let base64 = |member| ShapeError::Base64 { what: WHAT, member };
    let payload = &entry.payload;
    let body = STANDARD.decode(&payload.body).map_err(|_| base64("body"))?;
    let body: Value = serde_json::from_slice(&body).map_err(|source| ShapeError::Json { what: WHAT, source })?;
    let word = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default();
    let id: Digest = format!("sha256:{}", payload.log_id).parse().map_err(|_| ShapeError::Unexpected {
        what: WHAT,
        member: "logID",
        found: clip(&payload.log_id),
        expected: "a SHA-256 digest in hex",
    })?;
    Ok(json!({
        "logIndex": payload.log_index.to_string(),
        "logId": { "keyId": STANDARD.encode(id.as_bytes()) },
        "kindVersion": { "kind": word("kind"), "version": word("apiVersion") },
        "integratedTime": payload.integrated_time.to_string(),
        "inclusionPromise": { "signedEntryTimestamp": entry.signed_entry_timestamp },
        "canonicalizedBody": payload.body,
    }))
}

/// The annotations that say the same as a bundle about a signature or an attestation of type `predicate_type`. Nothing where
/// they cannot: there is no place for an entry without the log's promise, which logs of version 2 do not make.
pub fn annotations(bundle: &Bundle, predicate_type: &str) -> Option<Annotations> {
    let material = &bundle.verification_material;
    let mut annotations = match &bundle.message_signature {
        Some(message) => Annotations::from([(SIGNATURE.to_owned(), message.signature.clone())]),
        // cosign reads an attestation's signature from its envelope, and refuses a layer without this annotation.
        None => Annotations::from([
            (SIGNATURE.to_owned(), String::new()),
            (PREDICATE_TYPE.to_owned(), predicate_type.to_owned()),
        ]),
    };
    let mut put = |key: &str, value: String| annotations.insert(key.to_owned(), value);
    let leaf =
        material.pointer("/certificate/rawBytes").or(material.pointer("/x509CertificateChain/certificates/0/rawBytes"));
    if let Some(leaf) = leaf {
        put(CERTIFICATE, pem::write("CERTIFICATE", &STANDARD.decode(leaf.as_str()?).ok()?));
    }
    if let Some(entry) = material.pointer("/tlogEntries/0") {
        put(LOG_ENTRY, serde_json::to_string(&entry_of(entry)?).ok()?);
    }
    if let Some(stamp) = material.pointer("/timestampVerificationData/rfc3161Timestamps/0/signedTimestamp") {
        put(TIMESTAMP, serde_json::to_string(&Timestamp { signed: stamp.as_str()?.to_owned() }).ok()?);
    }
    Some(annotations)
}

fn entry_of(entry: &Value) -> Option<LogEntry> {
    let text = |pointer: &str| entry.pointer(pointer).and_then(Value::as_str);
    // 64-bit numbers are strings in protobuf's JSON.
    let number = |pointer: &str| text(pointer)?.parse().ok();
    let id = STANDARD.decode(text("/logId/keyId")?).ok()?;
    Some(LogEntry {
        signed_entry_timestamp: text("/inclusionPromise/signedEntryTimestamp")?.to_owned(),
        payload: LogPayload {
            body: text("/canonicalizedBody")?.to_owned(),
            integrated_time: number("/integratedTime")?,
            log_index: number("/logIndex").unwrap_or_default(),
            log_id: Digest::from_bytes(id.try_into().ok()?).hex(),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Value {
        json!({
            "logIndex": "7", "logId": { "keyId": STANDARD.encode([3; 32]) },
            "kindVersion": { "kind": "dsse", "version": "0.0.1" }, "integratedTime": "1700000000",
            "inclusionPromise": { "signedEntryTimestamp": "c2V0" },
            "canonicalizedBody": STANDARD.encode(r#"{"apiVersion":"0.0.1","kind":"dsse","spec":{}}"#),
        })
    }

    fn stamped(signer: Value) -> Bundle {
        let mut material = signer;
        set(&mut material, "tlogEntries", json!([entry()]));
        set(
            &mut material,
            "timestampVerificationData",
            json!({ "rfc3161Timestamps": [{ "signedTimestamp": "dGltZQ==" }] }),
        );
        Bundle { verification_material: material, ..Bundle::with_key(Envelope::new(b"{}", b"s"), "") }
    }

    #[test]
    fn what_a_bundle_says_comes_back_from_its_layer() {
        let signers = [
            (json!({ "publicKey": { "hint": "aGludA==" } }), json!({ "publicKey": { "hint": "" } })),
            (
                json!({ "certificate": { "rawBytes": "Y2VydA==" } }),
                json!({ "x509CertificateChain": { "certificates": [{ "rawBytes": "Y2VydA==" }] } }),
            ),
        ];
        for (written, read) in signers {
            let bundle = stamped(written);
            let annotations = annotations(&bundle, "https://example.com/p").expect("a promise");
            assert_eq!(annotations["predicateType"], "https://example.com/p");
            let envelope = serde_json::to_vec(&bundle.dsse_envelope).expect("JSON");
            let found = attestation(&envelope, &annotations, &Limits::default()).expect("a layer");
            assert_eq!(
                found,
                Bundle {
                    media_type: MEDIA_TYPE.to_owned(),
                    ..Bundle { dsse_envelope: bundle.dsse_envelope.clone(), ..stamped(read) }
                }
            );
            // It is what a reader of bundles takes.
            assert!(Bundle::parse(&found.to_bytes(), &Limits::default()).is_ok());
        }
    }

    #[test]
    fn a_signature_is_its_annotation() {
        let annotations = Annotations::from([(SIGNATURE.to_owned(), "c2ln".to_owned())]);
        let bundle = signature(&annotations, &Limits::default()).expect("a layer");
        let message = bundle.message_signature.as_ref().expect("a message signature");
        assert_eq!(message.bytes().expect("base64"), b"sig");
        assert_eq!(super::annotations(&bundle, ""), Some(annotations));
        for empty in [Annotations::new(), Annotations::from([(SIGNATURE.to_owned(), String::new())])] {
            assert!(signature(&empty, &Limits::default()).is_err());
        }
    }

    #[test]
    fn an_entry_without_a_promise_has_no_place() {
        let mut bundle = stamped(json!({ "publicKey": { "hint": "" } }));
        bundle.verification_material["tlogEntries"][0]["inclusionPromise"] = Value::Null;
        assert_eq!(annotations(&bundle, "p"), None);
        bundle.verification_material["tlogEntries"] = json!([]);
        assert!(annotations(&bundle, "p").is_some());
    }

    #[test]
    fn annotations_that_are_no_such_thing_are_refused() {
        let good =
            annotations(&stamped(json!({ "certificate": { "rawBytes": "Y2VydA==" } })), "p").expect("annotations");
        let envelope = serde_json::to_vec(&Envelope::new(b"{}", b"s")).expect("JSON");
        let read = |annotations: &Annotations| attestation(&envelope, annotations, &Limits::default());
        assert!(read(&good).is_ok());
        for (key, value) in [
            (CERTIFICATE, "cert".to_owned()),
            (CERTIFICATE, pem::write("PUBLIC KEY", b"k")),
            (LOG_ENTRY, "{}".to_owned()),
            (LOG_ENTRY, good[LOG_ENTRY].replace(&Digest::from_bytes([3; 32]).hex(), "03")),
            (LOG_ENTRY, good[LOG_ENTRY].replacen('{', r#"{"Payload":{},"#, 1)),
            (TIMESTAMP, "[]".to_owned()),
        ] {
            let mut changed = good.clone();
            changed.insert(key.to_owned(), value.clone());
            assert!(read(&changed).is_err(), "{key}: {value}");
        }
        assert!(attestation(b"{}", &good, &Limits::default()).is_err());
    }
}
