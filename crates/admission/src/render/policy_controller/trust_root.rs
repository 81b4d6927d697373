//! `TrustRoot` objects: where the keys of an instance come from that is not Sigstore's own.
//!
//! Source: sigstore/policy-controller v0.15.1, `pkg/apis/policy/v1alpha1/trustroot_types.go`; of a trusted root:
//! sigstore/protobuf-specs, `sigstore_trustroot.proto`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::render::Instance;
use crate::render::yaml::Node;

pub(super) const NAME: &str = "sealwright";

/// Its `spec`; nothing for Sigstore's own instance, which the controller knows.
pub(super) fn spec(instance: &Instance) -> Result<Option<Node>, String> {
    match instance {
        Instance::PublicGood => Ok(None),
        Instance::Tuf { root: None, .. } => {
            Err("a TrustRoot needs the first root of the TUF repository: name it with --tuf-root FILE".to_owned())
        }
        Instance::Tuf { url, root: Some(root) } => {
            let remote =
                Node::map([("mirror", Some(Node::text(url))), ("root", Some(Node::text(STANDARD.encode(root))))]);
            Ok(Some(Node::map([("remote", Some(remote))])))
        }
        // The controller loses what kind of key a log has, and takes no bundle then: "unsupported tlog public key type".
        Instance::TrustedRoot { logs: true, .. } => Err(
            "version 0.15.1 of the policy-controller cannot read keys of logs from a TrustRoot: name the instance with --tuf URL"
                .to_owned(),
        ),
        Instance::TrustedRoot { json, logs: false } => {
            let root: Value = serde_json::from_str(json).map_err(|e| format!("the trusted root is no JSON: {e}"))?;
            Ok(Some(Node::map([("sigstoreKeys", Some(keys(&root)?))])))
        }
    }
}

fn keys(root: &Value) -> Result<Node, String> {
    let each = |member: &str, of: fn(&Value) -> Option<Node>| {
        let all = root.get(member).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let nodes: Option<Vec<Node>> = all.iter().filter(|one| !has_ended(one)).map(of).collect();
        let nodes = nodes.ok_or_else(|| format!("the trusted root has {member} of another shape than is known"))?;
        Ok::<_, String>((!nodes.is_empty()).then_some(Node::List(nodes)))
    };
    let authorities = each("certificateAuthorities", authority)?;
    if authorities.is_none() {
        return Err("the trusted root has no certificateAuthorities without an end".to_owned());
    }
    Ok(Node::map([
        ("certificateAuthorities", authorities),
        ("timestampAuthorities", each("timestampAuthorities", authority)?),
    ]))
}

/// The controller trusts whatever is listed without an end, a retired authority too (`sigstore_keys.go`, `ValidFor`).
fn has_ended(value: &Value) -> bool {
    value.pointer("/validFor/end").is_some()
}

fn authority(value: &Value) -> Option<Node> {
    let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let chain = value.pointer("/certChain/certificates")?.as_array()?;
    let pem: Option<Vec<String>> =
        chain.iter().map(|one| Some(pem("CERTIFICATE", one.get("rawBytes")?.as_str()?))).collect();
    let subject = Node::map([
        ("organization", Some(Node::text(text("/subject/organization")))),
        ("commonName", Some(Node::text(text("/subject/commonName")))),
    ]);
    Some(Node::map([
        ("subject", Some(subject)),
        ("uri", Some(Node::text(text("/uri")))),
        ("certChain", Some(Node::text(STANDARD.encode(pem?.concat())))),
    ]))
}

/// RFC 7468, with lines of 64 signs; the bytes stand in base64 in the JSON already.
fn pem(label: &str, base64: &str) -> String {
    let signs: Vec<char> = base64.chars().filter(|c| !c.is_whitespace()).collect();
    let lines: Vec<String> = signs.chunks(64).map(|line| line.iter().collect()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}
