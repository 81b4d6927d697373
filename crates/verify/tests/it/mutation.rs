//! Every byte of a bundle of each kind is flipped, every field dropped, doubled and exchanged with its neighbors: nothing is
//! accepted but where a byte carries no meaning, and then what comes out is the same.

use std::collections::BTreeSet;

use sealwright_bundle::{Bundle, MessageSignature, SHA2_256};
use sealwright_core::{Digest, Limits};
use sealwright_verify::{Anchor, IdentityRule, Signed, TrustedRoot, verify_bundle};
use serde_json::{Map, Value};
use sigstore_trust_root::{SIGSTORE_PRODUCTION_TRUSTED_ROOT, SIGSTORE_STAGING_TRUSTED_ROOT};

use crate::evidence::{golden, subject};
use crate::log::Log;
use crate::signing::TestKey;

const WORKFLOW: &[u8] = include_bytes!("../fixtures/github-workflow.rekor-v1.json");
const PERSON: &[u8] = include_bytes!("../fixtures/person.rekor-v2.staging.json");

struct Case {
    bytes: Vec<u8>,
    subject: Digest,
    anchor: Anchor,
}

impl Case {
    fn real(bytes: &[u8], root: &str, identity: &str, issuer: &str) -> Self {
        let root = Box::new(TrustedRoot::from_json(root).expect("trusted root"));
        let rule = IdentityRule::from_flags(Ok(identity), Ok(issuer)).expect("rule");
        let bundle: Value = serde_json::from_slice(bytes).expect("JSON");
        let payload = bundle["dsseEnvelope"]["payload"].as_str().expect("payload");
        let payload = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, payload).expect("base64");
        let statement: Value = serde_json::from_slice(&payload).expect("statement");
        let digest = statement["subject"][0]["digest"]["sha256"].as_str().expect("digest");
        // Without line breaks every byte counts.
        let bytes = bundle.to_string().into_bytes();
        Self {
            bytes,
            subject: format!("sha256:{digest}").parse().expect("digest"),
            anchor: Anchor::Keyless(root, rule),
        }
    }

    fn verify(&self, bytes: &[u8]) -> Option<Signed> {
        verify_bundle(bytes, &self.subject, &self.anchor, &Limits::default()).ok().map(|v| v.into_inner())
    }

    /// The places at which a change was accepted, as JSON pointers without the numbers of lists.
    fn accepted(&self, changed: impl Iterator<Item = Vec<u8>>) -> BTreeSet<String> {
        let original: Value = serde_json::from_slice(&self.bytes).expect("JSON");
        let expected = self.verify(&self.bytes).expect("the bundle itself");
        let mut places = BTreeSet::new();
        for bytes in changed.filter(|bytes| *bytes != self.bytes) {
            let Some(signed) = self.verify(&bytes) else { continue };
            let text = String::from_utf8_lossy(&bytes);
            assert_eq!(signed.statement, expected.statement, "{text}");
            assert_eq!(signed.signer, expected.signer, "{text}");
            assert_eq!(signed.time, expected.time, "{text}");
            let changed: Value = serde_json::from_slice(&bytes).expect("what was accepted is JSON");
            differences(&original, &changed, "", &mut places);
        }
        places
    }

    fn flips(&self) -> impl Iterator<Item = Vec<u8>> + '_ {
        (0..self.bytes.len()).map(|at| {
            let mut bytes = self.bytes.clone();
            bytes[at] ^= 1;
            bytes
        })
    }

    fn edits(&self) -> impl Iterator<Item = Vec<u8>> {
        let original: Value = serde_json::from_slice(&self.bytes).expect("JSON");
        let mut edited = Vec::new();
        edit(&original, &mut |value| edited.push(value.to_string().into_bytes()));
        edited.into_iter()
    }

    /// Every object once more with one of its fields written twice.
    fn doubled(&self) -> impl Iterator<Item = Vec<u8>> + '_ {
        let text = std::str::from_utf8(&self.bytes).expect("text");
        let original: Value = serde_json::from_str(text).expect("JSON");
        let mut fields = Vec::new();
        members(&original, &mut |key, value| fields.push(format!("{}:{value}", Value::from(key))));
        fields.into_iter().map(move |field| text.replacen(&field, &format!("{field},{field}"), 1).into_bytes())
    }
}

fn differences(one: &Value, other: &Value, place: &str, found: &mut BTreeSet<String>) {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            let keys: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
            for key in keys.into_iter().filter(|key| one.get(*key) != other.get(*key)) {
                match (one.get(key), other.get(key)) {
                    (Some(one), Some(other)) => differences(one, other, &format!("{place}/{key}"), found),
                    // A field with another name is a field that is missing.
                    (Some(_), None) => {
                        found.insert(format!("{place}/{key} missing"));
                    }
                    _ => {}
                }
            }
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            for (one, other) in one.iter().zip(other).filter(|(one, other)| one != other) {
                differences(one, other, place, found);
            }
        }
        _ if unnamed(one).is_some_and(|one| Some(one) == unnamed(other)) => {
            found.insert(format!("{place} beside the log's signature"));
        }
        _ => {
            found.insert(place.to_owned());
        }
    }
}

/// A checkpoint (C2SP, "tlog-checkpoint") without the name in the first line of its signatures, and without those of witnesses:
/// whose signature it is, the four bytes after the name say.
fn unnamed(checkpoint: &Value) -> Option<String> {
    let (text, signatures) = checkpoint.as_str()?.split_once("\n\u{2014} ")?;
    let (_, first) = signatures.lines().next()?.split_once(' ')?;
    Some(format!("{text} {first}"))
}

/// Calls `see` with every variant of `value` in which one field or element is missing, or two have each other's value.
fn edit(value: &Value, see: &mut dyn FnMut(Value)) {
    match value {
        Value::Object(map) => {
            let keys: Vec<&String> = map.keys().collect();
            for (number, key) in keys.iter().enumerate() {
                let without: Map<String, Value> =
                    map.iter().filter(|(k, _)| k != key).map(|(k, v)| (k.clone(), v.clone())).collect();
                see(without.into());
                for other in keys.iter().skip(number + 1) {
                    let mut exchanged = map.clone();
                    exchanged[*key] = map[*other].clone();
                    exchanged[*other] = map[*key].clone();
                    see(exchanged.into());
                }
                edit(&map[*key], &mut |inner| {
                    let mut outer = map.clone();
                    outer[*key] = inner;
                    see(outer.into());
                });
            }
        }
        Value::Array(list) => {
            for (number, item) in list.iter().enumerate() {
                let mut without = list.clone();
                without.remove(number);
                see(without.into());
                for other in number + 1..list.len() {
                    let mut exchanged = list.clone();
                    exchanged.swap(number, other);
                    see(exchanged.into());
                }
                edit(item, &mut |inner| {
                    let mut outer = list.clone();
                    outer[number] = inner;
                    see(outer.into());
                });
            }
        }
        _ => {}
    }
}

fn members(value: &Value, see: &mut dyn FnMut(&str, &Value)) {
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| {
            see(key, value);
            members(value, see);
        }),
        Value::Array(list) => list.iter().for_each(|value| members(value, see)),
        _ => {}
    }
}

/// Which key to look for; the signature decides.
const HINT: &str = "/verificationMaterial/publicKey/hint";
const NO_HINT: &str = "/verificationMaterial/publicKey/hint missing";
/// A name for people, and what witnesses say, whom no trusted root names.
const CHECKPOINT_NAME: &str =
    "/verificationMaterial/tlogEntries/inclusionProof/checkpoint/envelope beside the log's signature";
/// In a log of one entry these are zero and empty, which is what a missing field means (protobuf, "ProtoJSON").
const ZEROS: [&str; 3] = [
    "/verificationMaterial/tlogEntries/inclusionProof/hashes missing",
    "/verificationMaterial/tlogEntries/inclusionProof/logIndex missing",
    "/verificationMaterial/tlogEntries/logIndex missing",
];
/// It is empty there.
const NO_TIMESTAMPS: &str = "/verificationMaterial/timestampVerificationData missing";
/// The signed checkpoint has the root and the size, the entry the index, and the checkpoint's key is the log's.
const SAID_TWICE: [&str; 5] = [
    "/verificationMaterial/tlogEntries/inclusionProof/logIndex",
    "/verificationMaterial/tlogEntries/inclusionProof/logIndex missing",
    "/verificationMaterial/tlogEntries/inclusionProof/rootHash",
    "/verificationMaterial/tlogEntries/inclusionProof/treeSize",
    "/verificationMaterial/tlogEntries/logId/keyId",
];
/// What a timestamp's signature does not cover, above all the certificates that come with it: those of the trusted root count.
const TIMESTAMP: &str = "/verificationMaterial/timestampVerificationData/rfc3161Timestamps/signedTimestamp";

#[track_caller]
fn check(case: &Case, meaningless: &[&str]) {
    let named: BTreeSet<String> = meaningless.iter().map(|place| (*place).to_owned()).collect();
    let (flipped, edited) = (case.accepted(case.flips()), case.accepted(case.edits()));
    assert_eq!(flipped.union(&edited).cloned().collect::<BTreeSet<_>>(), named);
    assert_eq!(case.accepted(case.doubled()), BTreeSet::new(), "a doubled field");
}

#[test]
fn a_key_without_a_log() {
    let key = TestKey::p256();
    let bytes = key.bundle(&golden("signature").to_bytes()).to_bytes();
    check(&Case { bytes, subject: subject(), anchor: Anchor::Key(key.public()) }, &[HINT, NO_HINT]);
}

#[test]
fn a_key_with_a_log() {
    let (key, log) = (TestKey::p256(), Log::new());
    let bytes = log.enter(key.bundle(&golden("signature").to_bytes()), &key, 1_760_000_000).to_bytes();
    let anchor = Anchor::LoggedKey(key.public(), Box::new(log.trusted_root()));
    check(&Case { bytes, subject: subject(), anchor }, &[&[HINT, NO_HINT, CHECKPOINT_NAME][..], &ZEROS].concat());
}

#[test]
fn a_workflow_in_a_log_of_version_1() {
    let identity = "https://github.com/prefix-dev/sigstore-example/.github/workflows/action.yaml@refs/heads/main";
    let issuer = "https://token.actions.githubusercontent.com";
    let case = Case::real(WORKFLOW, SIGSTORE_PRODUCTION_TRUSTED_ROOT, identity, issuer);
    check(&case, &[CHECKPOINT_NAME, NO_TIMESTAMPS]);
}

#[test]
fn a_person_in_a_log_of_version_2() {
    let issuer = "https://github.com/login/oauth";
    let case = Case::real(PERSON, SIGSTORE_STAGING_TRUSTED_ROOT, "jku@goto.fi", issuer);
    check(&case, &[&[CHECKPOINT_NAME, TIMESTAMP][..], &SAID_TWICE].concat());
}

#[test]
fn a_key_over_plain_bytes() {
    let key = TestKey::p256();
    let message = MessageSignature::new(SHA2_256, subject().as_bytes(), &key.sign(b"the image"));
    let bytes = Bundle::of_message(message, &key.hint()).to_bytes();
    let unstated = "/messageSignature/messageDigest missing";
    check(&Case { bytes, subject: subject(), anchor: Anchor::Key(key.public()) }, &[HINT, NO_HINT, unstated]);
}
