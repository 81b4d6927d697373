//! What clients need to know of the authority: the trusted root and the signing config
//! (sigstore/protobuf-specs, `sigstore_trustroot.proto`).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealwright_core::Digest;
use serde_json::{Value, json};
use x509_cert::Certificate;
use x509_cert::der::Encode as _;

use super::ct::CtLog;
use super::rekor::{V1_HOST, V2_HOST};
use super::{LogVersion, Shared, Unable};

/// Before the authority existed; what it issues is valid for minutes anyway.
const SINCE: &str = "2024-01-01T00:00:00Z";

pub(crate) fn trusted_root(shared: &Shared) -> Result<Value, Unable> {
    let mut root = json!({
        "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
        "certificateAuthorities": [authority("loopback-fulcio", &shared.base, &[shared.fulcio.root()])?],
        "timestampAuthorities": [authority("loopback-tsa", &timestamp_url(shared), &shared.timestamps.chain())?],
    });
    // GitHub's own trusted root leaves both members out.
    if let (Some(CtLog { key: ct }), Some(root)) = (&shared.fulcio.log, root.as_object_mut()) {
        let (v1, v2) = (&shared.rekor_v1.key, &shared.rekor_v2);
        let ecdsa = "PKIX_ECDSA_P256_SHA_256";
        let logs = json!([
            log(&format!("http://{V1_HOST}"), v1.spki(), ecdsa, &v1.id()),
            log(&format!("http://{V2_HOST}"), v2.key.spki(), "PKIX_ED25519", &v2.id()),
        ]);
        root.insert("tlogs".to_owned(), logs);
        root.insert("ctlogs".to_owned(), json!([log(&format!("{}/ct", shared.base), ct.spki(), ecdsa, &ct.id())]));
    }
    Ok(root)
}

fn log(url: &str, spki: &[u8], details: &str, id: &Digest) -> Value {
    json!({
        "baseUrl": url, "hashAlgorithm": "SHA2_256",
        "publicKey": { "rawBytes": STANDARD.encode(spki), "keyDetails": details, "validFor": { "start": SINCE } },
        "logId": { "keyId": STANDARD.encode(id.as_bytes()) },
    })
}

fn authority(name: &str, uri: &str, chain: &[&Certificate]) -> Result<Value, Unable> {
    let mut certificates = Vec::new();
    for certificate in chain {
        certificates.push(json!({ "rawBytes": STANDARD.encode(certificate.to_der()?) }));
    }
    Ok(json!({
        "subject": { "organization": "sealwright.loopback", "commonName": name }, "uri": uri,
        "certChain": { "certificates": certificates }, "validFor": { "start": SINCE },
    }))
}

fn timestamp_url(shared: &Shared) -> String {
    format!("{}/api/v1/timestamp", shared.base)
}

/// With a log of version 1 there is no timestamp authority: its entries carry a time of their own. Without a log there is
/// nothing but one.
pub(crate) fn signing_config(shared: &Shared, log: LogVersion) -> Value {
    let service = |url: &str, version: u8| {
        json!({
            "url": url, "majorApiVersion": version, "validFor": { "start": SINCE }, "operator": "sealwright.loopback",
        })
    };
    let base = &shared.base;
    let (logs, timestamps) = match log {
        LogVersion::V1 => (json!([service(base, 1)]), json!([])),
        LogVersion::V2 => (json!([service(base, 2)]), json!([service(&timestamp_url(shared), 1)])),
        LogVersion::None => (json!([]), json!([service(&timestamp_url(shared), 1)])),
    };
    json!({
        "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
        "caUrls": [service(base, 1)], "oidcUrls": [service(base, 1)],
        "rekorTlogUrls": logs, "rekorTlogConfig": { "selector": "ANY" },
        "tsaUrls": timestamps, "tsaConfig": { "selector": "ANY" },
    })
}
