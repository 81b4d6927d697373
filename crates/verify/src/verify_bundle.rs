//! One bundle: who signed what about which digest.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use sealwright_bundle::{
    Bundle, Envelope, EnvelopeSignature, MessageSignature, PAYLOAD_TYPE, ShapeError, SimpleSigning, Statement,
    StatementSubject, pae, predicate_type,
};
use sealwright_core::{Digest, Limits};
use serde_json::json;
use sigstore_crypto::FulcioCiClaims;
use sigstore_trust_root::TrustedRoot;
use sigstore_types::{Artifact, Sha256Hash, SignatureContent};
use sigstore_verify::{PublicKeyVerificationPolicy, VerificationPolicy, VerificationResult};

use crate::identity::IdentityRule;
use crate::instance::{Proof, without_logs};
use crate::key::PublicKey;
use crate::voucher::{Vouchers, time};

/// Whose signature counts.
#[derive(Debug, Clone)]
pub enum Anchor {
    /// The holder of a key, without a log and a trusted time.
    Key(PublicKey),
    /// The holder of a key, with a log entry and a trusted time of this instance.
    LoggedKey(PublicKey, Box<TrustedRoot>),
    /// Whoever a certificate of this instance names.
    Keyless(Box<TrustedRoot>, IdentityRule),
}

impl Anchor {
    /// What is demanded besides the signature; of a key alone nothing.
    pub fn proof(&self) -> Option<Proof> {
        match self {
            Self::Key(_) => None,
            Self::LoggedKey(..) => Some(Proof::LogEntry),
            Self::Keyless(root, _) => Some(Proof::of(root)),
        }
    }
}

/// Something that was verified; only this crate makes one.
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The claim.
    pub statement: Statement,
    /// The digest of the statement's bytes, by which a decision names its inputs.
    pub digest: Digest,
    /// Who made it.
    pub signer: VerifiedSigner,
    /// When it was made, by a log or a timestamp authority.
    pub time: Option<Timestamp>,
    /// What stands behind the signature besides its signer.
    pub vouchers: Vouchers,
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
    /// It holds a statement where a signature over a payload has to be.
    #[error("the bundle holds no signature over the payload")]
    NoMessageSignature,
    /// The key signs something else than a SHA-256 digest.
    #[error("this kind of key signs no SHA-256 digest: the file itself is needed")]
    NeedsFile,
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
    /// It names another key.
    #[error("the bundle names key {}, expected {}", found.short(), expected.short())]
    OtherKey {
        /// The key that it names.
        found: Digest,
        /// The key that is asked for.
        expected: Digest,
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
    /// Nobody who is trusted says when.
    #[error("neither the log nor a timestamp authority says when the statement was signed")]
    NoTrustedTime,
    /// It was made at an instance that has logs, and the trusted root names none.
    #[error("the bundle has {found}, and the trusted root names no log: it is not of this instance")]
    OtherInstance {
        /// What an instance without logs does not give.
        found: &'static str,
    },
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
/// 1. it is a bundle with one content: an envelope with one signature and an in-toto payload, or a signature over `subject`'s
///    own bytes;
/// 2. the signature is `anchor`'s; with a certificate or a log, everything that `sigstore-verify` checks holds too:
///    certificate chain, SCT, log inclusion and checkpoint, timestamps; of an instance without logs chain and timestamps
///    ([`Proof`] says when);
/// 3. a certificate names who is asked for;
/// 4. the statement, which is parsed from the bytes that 2. checked, is well-formed and about `subject`. A signature over the
///    bytes themselves is a signature statement.
///
/// # Errors
/// The first step that does not hold.
pub fn verify_bundle(
    bytes: &[u8],
    subject: &Digest,
    anchor: &Anchor,
    limits: &Limits,
) -> Result<Verified<Signed>, Refusal> {
    verify_content(bytes, &Message::Digest(*subject), anchor, limits)
}

/// The same about a file that is at hand. Keys that sign no SHA-256 digest need it for signatures over the file itself.
///
/// # Errors
/// As [`verify_bundle`].
pub fn verify_file(bytes: &[u8], file: &[u8], anchor: &Anchor, limits: &Limits) -> Result<Verified<Signed>, Refusal> {
    verify_content(bytes, &Message::Bytes(file), anchor, limits)
}

/// Verifies the signature over a simple signing payload as [`verify_bundle`] does, and that the payload is about `subject`.
///
/// # Errors
/// The first step that does not hold.
pub fn verify_simple_signing(
    payload: &[u8],
    bundle: &[u8],
    subject: &Digest,
    anchor: &Anchor,
    limits: &Limits,
) -> Result<Verified<Signed>, Refusal> {
    // An envelope about the payload is an attestation about a payload, and no signature of an image.
    if Bundle::parse(bundle, limits)?.message_signature.is_none() {
        return Err(Refusal::NoMessageSignature);
    }
    let Verified(signed) = verify_content(bundle, &Message::Bytes(payload), anchor, limits)?;
    about(SimpleSigning::parse(payload, limits)?.statement(), subject, signed)
}

/// What a signature over plain bytes is over.
enum Message<'a> {
    Bytes(&'a [u8]),
    /// The bytes are elsewhere.
    Digest(Digest),
}

impl Message<'_> {
    fn digest(&self) -> Digest {
        match self {
            Self::Bytes(bytes) => Digest::of(bytes),
            Self::Digest(digest) => *digest,
        }
    }
}

fn about(statement: Statement, subject: &Digest, signed: Signed) -> Result<Verified<Signed>, Refusal> {
    if !statement.names(subject) {
        return Err(Refusal::OtherSubject { subject: *subject });
    }
    Ok(Verified(Signed { statement, ..signed }))
}

fn verify_content(
    bytes: &[u8],
    message: &Message<'_>,
    anchor: &Anchor,
    limits: &Limits,
) -> Result<Verified<Signed>, Refusal> {
    // 1.
    let bundle = Bundle::parse(bytes, limits)?;
    let content = Content::of(&bundle)?;
    // 2. and 3.
    let Checked { payload, signer, time, mut vouchers } = match anchor {
        Anchor::Key(key) => by_key(&bundle, &content, message, key)?,
        Anchor::LoggedKey(key, root) => by_logged_key(&bundle, bytes, message, key, root)?,
        Anchor::Keyless(root, rule) => by_certificate(&bundle, bytes, message, root, rule)?,
    };
    vouchers.media_type = bundle.media_type;
    // 4.
    let subject = message.digest();
    let (statement, digest) = match &payload {
        Some(payload) => (Statement::parse(payload, limits)?, Digest::of(payload)),
        None => (signature_of(&subject), subject),
    };
    about(statement.clone(), &subject, Signed { statement, digest, signer, time, vouchers })
}

/// Whoever signs the bytes themselves says no more than that.
fn signature_of(subject: &Digest) -> Statement {
    let named = StatementSubject::new(None, subject, BTreeMap::new());
    Statement::new(vec![named], predicate_type::SIGNATURE, json!({}))
}

/// What a bundle holds.
enum Content<'a> {
    Statement(&'a Envelope, &'a EnvelopeSignature),
    Message(&'a MessageSignature),
}

impl<'a> Content<'a> {
    fn of(bundle: &'a Bundle) -> Result<Self, Refusal> {
        if let Some(message) = &bundle.message_signature {
            return Ok(Self::Message(message));
        }
        let envelope = bundle.dsse_envelope.as_ref().ok_or(Refusal::NoStatement)?;
        if envelope.payload_type != PAYLOAD_TYPE {
            return Err(Refusal::PayloadType { found: envelope.payload_type.chars().take(120).collect() });
        }
        match envelope.signatures.as_slice() {
            [signature] => Ok(Self::Statement(envelope, signature)),
            several => Err(Refusal::SignatureCount { found: several.len() }),
        }
    }
}

struct Checked {
    /// The statement whose signature was checked: the same bytes, not those that another parser may have seen. None where the
    /// message itself was signed.
    payload: Option<Vec<u8>>,
    signer: VerifiedSigner,
    time: Option<Timestamp>,
    vouchers: Vouchers,
}

/// `sigstore-verify` refuses a key's bundle without a log entry and a timestamp, which is what `none` asks for.
fn by_key(bundle: &Bundle, content: &Content<'_>, message: &Message<'_>, key: &PublicKey) -> Result<Checked, Refusal> {
    let signer = named_key(bundle, key)?;
    let (payload, holds) = match content {
        Content::Statement(envelope, signature) => {
            let payload = envelope.payload()?;
            let holds = key.signed(&pae(&envelope.payload_type, &payload), &signature.bytes()?);
            (Some(payload), holds)
        }
        Content::Message(signature) => {
            if signature.contradicts(&message.digest()) {
                return Err(Refusal::OtherSubject { subject: message.digest() });
            }
            let signature = signature.bytes()?;
            let holds = match message {
                Message::Bytes(bytes) => key.signed(bytes, &signature),
                Message::Digest(digest) => key.signed_digest(digest, &signature).ok_or(Refusal::NeedsFile)?,
            };
            (None, holds)
        }
    };
    if !holds {
        return Err(Refusal::Signature { fingerprint: key.fingerprint() });
    }
    Ok(Checked { payload, signer, time: None, vouchers: Vouchers::default() })
}

fn by_logged_key(
    bundle: &Bundle,
    bytes: &[u8],
    message: &Message<'_>,
    key: &PublicKey,
    root: &TrustedRoot,
) -> Result<Checked, Refusal> {
    let signer = named_key(bundle, key)?;
    let (payload, result, vouchers) =
        sigstore(read(bytes)?, message, &PublicKeyVerificationPolicy::new(key.der()), root)?;
    // A key needs no time to be valid, so that `sigstore-verify` does not ask for one.
    let time = Some(time(&result).ok_or(Refusal::NoTrustedTime)?);
    Ok(Checked { payload, signer, time, vouchers })
}

fn by_certificate(
    bundle: &Bundle,
    bytes: &[u8],
    message: &Message<'_>,
    root: &TrustedRoot,
    rule: &IdentityRule,
) -> Result<Checked, Refusal> {
    if !bundle.has_certificate() {
        return Err(Refusal::OtherMaterial { expected: "a certificate" });
    }
    let read = read(bytes)?;
    // `sigstore-verify` compares exactly; patterns and workflows are compared here, with what it verified.
    let policy = match Proof::of(root) {
        Proof::LogEntry => VerificationPolicy::any_identity(),
        Proof::Timestamp => {
            without_logs(bundle, read.signing_certificate())?;
            VerificationPolicy::any_identity().skip_tlog_unsafe().skip_sct()
        }
    };
    let (payload, result, vouchers) = sigstore(read, message, &policy, root)?;
    let certificate = result.certificate().ok_or_else(|| Refusal::Identity("there is no certificate".to_owned()))?;
    let identity = result.identity().map(|name| name.as_str());
    if let Some(why) = rule.mismatch(identity, result.issuer(), &(&certificate.ci_claims).into()) {
        return Err(Refusal::Identity(why));
    }
    let signer = VerifiedSigner::Certificate {
        identity: identity.unwrap_or_default().to_owned(),
        issuer: result.issuer().unwrap_or_default().to_owned(),
        claims: Box::new(certificate.ci_claims.clone()),
    };
    // A certificate lives for minutes. That it was alive is shown by a time, in a log or of an authority.
    let time = Some(time(&result).ok_or(Refusal::NoTrustedTime)?);
    Ok(Checked { payload, signer, time, vouchers })
}

/// That the bundle was made with a key, and names no other one. The hint is not signed and other tools put their own words
/// there, but one that reads as a fingerprint (cosign's form) is not passed over in silence.
fn named_key(bundle: &Bundle, key: &PublicKey) -> Result<VerifiedSigner, Refusal> {
    if !bundle.has_key() {
        return Err(Refusal::OtherMaterial { expected: "a key" });
    }
    let fingerprint = key.fingerprint();
    let hint = bundle.key_hint().and_then(|hint| STANDARD.decode(hint).ok());
    match hint.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok()).map(Digest::from_bytes) {
        Some(found) if found != fingerprint => Err(Refusal::OtherKey { found, expected: fingerprint }),
        _ => Ok(VerifiedSigner::Key { fingerprint }),
    }
}

/// The bundle as `sigstore-verify` sees it.
fn read(bytes: &[u8]) -> Result<sigstore_types::Bundle, Refusal> {
    let text = std::str::from_utf8(bytes).map_err(|_| Refusal::Shape("the bundle is no UTF-8".to_owned()))?;
    sigstore_types::Bundle::from_json(text)
        .map_err(|error| Refusal::Shape(format!("the bundle cannot be read: {error}")))
}

/// Everything that `sigstore-verify` checks, the statement that it checked, and who vouches for it.
fn sigstore(
    bundle: sigstore_types::Bundle,
    message: &Message<'_>,
    policy: &dyn sigstore_verify::Policy,
    root: &TrustedRoot,
) -> Result<(Option<Vec<u8>>, VerificationResult, Vouchers), Refusal> {
    let artifact = match message {
        Message::Bytes(bytes) => Artifact::from(*bytes),
        Message::Digest(digest) => Artifact::from(Sha256Hash::new(*digest.as_bytes())),
    };
    let result =
        sigstore_verify::verify(artifact, &bundle, policy, root).map_err(|e| Refusal::Sigstore(e.to_string()))?;
    let vouchers = Vouchers::of(&bundle, &result, root);
    match &bundle.content {
        SignatureContent::DsseEnvelope(envelope) => Ok((Some(envelope.payload.as_bytes().to_vec()), result, vouchers)),
        SignatureContent::MessageSignature(_) => Ok((None, result, vouchers)),
        _ => Err(Refusal::NoStatement),
    }
}
