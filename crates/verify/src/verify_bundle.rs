//! One bundle: who signed what about which digest.

use jiff::Timestamp;
use sealwright_bundle::{Bundle, Envelope, PAYLOAD_TYPE, ShapeError, Statement, pae};
use sealwright_core::{Digest, Limits};
use sealwright_policy::Transparency;
use sigstore_crypto::FulcioCiClaims;
use sigstore_trust_root::TrustedRoot;
use sigstore_types::{Artifact, Sha256Hash};
use sigstore_verify::{PublicKeyVerificationPolicy, VerificationPolicy};

use crate::identity::IdentityRule;
use crate::key::PublicKey;

/// Whose signature counts.
#[derive(Debug, Clone)]
pub enum Anchor {
    /// The holder of a key, without a log and a trusted time.
    Key(PublicKey),
    /// The holder of a key, with a log entry of this instance.
    LoggedKey(PublicKey, Box<TrustedRoot>),
    /// Whoever a certificate of this instance names.
    Keyless(Box<TrustedRoot>, IdentityRule),
}

impl Anchor {
    /// Whether a log entry and a trusted time are demanded.
    pub fn transparency(&self) -> Transparency {
        match self {
            Self::Key(_) => Transparency::None,
            Self::LoggedKey(..) | Self::Keyless(..) => Transparency::Required,
        }
    }
}

/// Something that was verified; there is no other way to get one.
#[derive(Debug, Clone, PartialEq)]
pub struct Verified<T>(T);

impl<T> Verified<T> {
    /// What was verified.
    pub fn get(&self) -> &T {
        &self.0
    }

    /// What was verified, owned.
    pub fn into_inner(self) -> T {
        self.0
    }
}

/// A statement and who made it.
#[derive(Debug, Clone, PartialEq)]
pub struct Signed {
    /// The claim.
    pub statement: Statement,
    /// The digest of the statement's bytes, by which a decision names its inputs.
    pub digest: Digest,
    /// Who made it.
    pub signer: VerifiedSigner,
    /// When it was made, by a log or a timestamp authority.
    pub time: Option<Timestamp>,
}

/// Who made a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VerifiedSigner {
    /// The holder of a key.
    Key {
        /// sha256 over its SPKI.
        fingerprint: Digest,
    },
    /// The one that a certificate names.
    Certificate {
        /// The subject alternative name.
        identity: String,
        /// The issuer of the identity.
        issuer: String,
        /// What the certificate says about a CI workload.
        claims: Box<FulcioCiClaims>,
    },
}

/// Why a bundle does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It cannot be read.
    #[error("{0}")]
    Shape(String),
    /// It holds no statement.
    #[error("the bundle holds no signed statement")]
    NoStatement,
    /// Another payload type.
    #[error("the payload is {found:?}, expected {PAYLOAD_TYPE}")]
    PayloadType {
        /// As written, cut.
        found: String,
    },
    /// None or several signatures: readers disagree about which counts.
    #[error("the envelope has {found} signatures, expected one")]
    SignatureCount {
        /// As found.
        found: usize,
    },
    /// It was made with a certificate, and a key is asked for, or the other way around.
    #[error("the bundle was not made with {expected}")]
    OtherMaterial {
        /// What is asked for.
        expected: &'static str,
    },
    /// Not this key's signature over this statement.
    #[error("the signature is not of key {}", fingerprint.short())]
    Signature {
        /// The key that is asked for.
        fingerprint: Digest,
    },
    /// Certificate, log entry, timestamp or signature do not hold.
    #[error("{0}")]
    Sigstore(String),
    /// The certificate names somebody else.
    #[error("{0}")]
    Identity(String),
    /// The statement is about something else.
    #[error("the statement is not about {subject}")]
    OtherSubject {
        /// What was asked about.
        subject: Digest,
    },
}

impl From<ShapeError> for Refusal {
    fn from(error: ShapeError) -> Self {
        Self::Shape(error.to_string())
    }
}

/// Verifies one bundle about `subject`:
///
/// 1. it is a bundle with one envelope, one signature, and an in-toto payload;
/// 2. the signature is `anchor`'s; with a certificate or a log, everything that `sigstore-verify` checks holds too:
///    certificate chain, SCT, log inclusion and checkpoint, timestamps;
/// 3. a certificate names who is asked for;
/// 4. the statement is well-formed and about `subject`.
///
/// # Errors
/// The first step that does not hold.
pub fn verify_bundle(
    bytes: &[u8],
    subject: &Digest,
    anchor: &Anchor,
    limits: &Limits,
) -> Result<Verified<Signed>, Refusal> {
    // 1.
    let bundle = Bundle::parse(bytes, limits)?;
    let envelope = bundle.dsse_envelope.as_ref().ok_or(Refusal::NoStatement)?;
    if envelope.payload_type != PAYLOAD_TYPE {
        return Err(Refusal::PayloadType { found: envelope.payload_type.chars().take(120).collect() });
    }
    let [signature] = envelope.signatures.as_slice() else {
        return Err(Refusal::SignatureCount { found: envelope.signatures.len() });
    };
    let payload = envelope.payload()?;
    let signature = signature.bytes()?;
    // 2. and 3.
    let (signer, time) = match anchor {
        Anchor::Key(key) => (by_key(&bundle, envelope, &payload, &signature, key)?, None),
        Anchor::LoggedKey(key, root) => {
            let signer = by_key(&bundle, envelope, &payload, &signature, key)?;
            (signer, logged(bytes, subject, key, root)?)
        }
        Anchor::Keyless(root, rule) => by_certificate(&bundle, bytes, subject, root, rule)?,
    };
    // 4.
    let statement = Statement::parse(&payload, limits)?;
    if statement.about(subject).is_none() {
        return Err(Refusal::OtherSubject { subject: *subject });
    }
    Ok(Verified(Signed { statement, digest: Digest::of(&payload), signer, time }))
}

/// `sigstore-verify` refuses a key's bundle without a log entry and a timestamp, which is what `none` asks for.
fn by_key(
    bundle: &Bundle,
    envelope: &Envelope,
    payload: &[u8],
    signature: &[u8],
    key: &PublicKey,
) -> Result<VerifiedSigner, Refusal> {
    if bundle.has_certificate() {
        return Err(Refusal::OtherMaterial { expected: "a key" });
    }
    let fingerprint = key.fingerprint();
    if !key.signed(&pae(&envelope.payload_type, payload), signature) {
        return Err(Refusal::Signature { fingerprint });
    }
    Ok(VerifiedSigner::Key { fingerprint })
}

fn logged(bytes: &[u8], subject: &Digest, key: &PublicKey, root: &TrustedRoot) -> Result<Option<Timestamp>, Refusal> {
    let bundle = sigstore_bundle(bytes)?;
    let policy = PublicKeyVerificationPolicy::new(key.der());
    let result = sigstore_verify::verify(artifact(subject)?, &bundle, &policy, root).map_err(sigstore)?;
    Ok(result.integrated_time().or_else(|| result.verified_timestamps().first().copied()))
}

fn by_certificate(
    bundle: &Bundle,
    bytes: &[u8],
    subject: &Digest,
    root: &TrustedRoot,
    rule: &IdentityRule,
) -> Result<(VerifiedSigner, Option<Timestamp>), Refusal> {
    if !bundle.has_certificate() {
        return Err(Refusal::OtherMaterial { expected: "a certificate" });
    }
    let parsed = sigstore_bundle(bytes)?;
    let policy = VerificationPolicy::any_identity();
    let result = sigstore_verify::verify(artifact(subject)?, &parsed, &policy, root).map_err(sigstore)?;
    let certificate = result.certificate().ok_or_else(|| Refusal::Identity("there is no certificate".to_owned()))?;
    let identity = result.identity().map(|name| name.as_str());
    let runner = certificate.ci_claims.runner_environment.as_deref();
    if let Some(why) = rule.mismatch(identity, result.issuer(), runner) {
        return Err(Refusal::Identity(why));
    }
    let signer = VerifiedSigner::Certificate {
        identity: identity.unwrap_or_default().to_owned(),
        issuer: result.issuer().unwrap_or_default().to_owned(),
        claims: Box::new(certificate.ci_claims.clone()),
    };
    Ok((signer, result.verified_timestamps().first().copied().or_else(|| result.integrated_time())))
}

fn sigstore_bundle(bytes: &[u8]) -> Result<sigstore_types::Bundle, Refusal> {
    let text = std::str::from_utf8(bytes).map_err(|_| Refusal::Shape("the bundle is no UTF-8".to_owned()))?;
    sigstore_types::Bundle::from_json(text).map_err(|e| Refusal::Shape(format!("the bundle cannot be read: {e}")))
}

fn artifact(subject: &Digest) -> Result<Artifact<'static>, Refusal> {
    let hash = Sha256Hash::try_from(&subject.as_bytes()[..]).map_err(|e| Refusal::Shape(e.to_string()))?;
    Ok(Artifact::from(hash))
}

fn sigstore(error: sigstore_verify::Error) -> Refusal {
    Refusal::Sigstore(error.to_string())
}
