//! A transparency log of one entry, as Rekor v1 writes it (`dsse` 0.0.1), for bundles by key.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealwright_bundle::Bundle;
use sealwright_core::{Digest, canonical_json};
use sealwright_verify::TrustedRoot;
use serde_json::{Value, json};

use crate::signing::TestKey;

pub(crate) struct Log {
    key: TestKey,
}

impl Log {
    pub(crate) fn new() -> Self {
        Self { key: TestKey::p256() }
    }

    fn id(&self) -> Digest {
        Digest::of(&self.key.spki())
    }

    pub(crate) fn trusted_root(&self) -> TrustedRoot {
        let document = json!({
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [{
                "baseUrl": "https://log.example",
                "hashAlgorithm": "SHA2_256",
                "publicKey": {
                    "rawBytes": STANDARD.encode(self.key.spki()),
                    "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                    "validFor": { "start": "2020-01-01T00:00:00Z" },
                },
                "logId": { "keyId": STANDARD.encode(self.id().as_bytes()) },
            }],
            "certificateAuthorities": [],
            "ctlogs": [],
            "timestampAuthorities": [],
        });
        TrustedRoot::from_json(&document.to_string()).expect("trusted root")
    }

    /// Adds an entry for the bundle's envelope, integrated at `time` (seconds since 1970).
    pub(crate) fn enter(&self, mut bundle: Bundle, signer: &TestKey, time: i64) -> Bundle {
        let entry = self.entry(&bundle, signer, time);
        bundle.verification_material["tlogEntries"] = json!([entry]);
        bundle
    }

    fn entry(&self, bundle: &Bundle, signer: &TestKey, time: i64) -> Value {
        let envelope = bundle.dsse_envelope.as_ref().expect("envelope");
        let payload = envelope.payload().expect("base64");
        let body = canonical_json::to_vec(&json!({
            "apiVersion": "0.0.1",
            "kind": "dsse",
            "spec": {
                "envelopeHash": { "algorithm": "sha256", "value": Digest::of(b"not checked").hex() },
                "payloadHash": { "algorithm": "sha256", "value": Digest::of(&payload).hex() },
                "signatures": [{ "signature": envelope.signatures[0].sig, "verifier": STANDARD.encode(signer.pem()) }],
            },
        }));
        // RFC 6962 §2.1: a leaf's hash, which is the root of a tree of one.
        let root = STANDARD.encode(Digest::of(&[b"\0", body.as_slice()].concat()).as_bytes());
        let note = format!("log.example - 1\n1\n{root}\n");
        let note_signature = [&self.id().as_bytes()[..4], &self.key.sign(note.as_bytes())].concat();
        let checkpoint = format!("{note}\n\u{2014} log.example {}\n", STANDARD.encode(note_signature));
        let promise = canonical_json::to_vec(&json!({
            "body": STANDARD.encode(&body), "integratedTime": time, "logID": self.id().hex(), "logIndex": 0,
        }));
        json!({
            "logIndex": "0",
            "logId": { "keyId": STANDARD.encode(self.id().as_bytes()) },
            "kindVersion": { "kind": "dsse", "version": "0.0.1" },
            "integratedTime": time.to_string(),
            "inclusionPromise": { "signedEntryTimestamp": STANDARD.encode(self.key.sign(&promise)) },
            "inclusionProof": {
                "logIndex": "0", "rootHash": root, "treeSize": "1", "hashes": [],
                "checkpoint": { "envelope": checkpoint },
            },
            "canonicalizedBody": STANDARD.encode(&body),
        })
    }
}
