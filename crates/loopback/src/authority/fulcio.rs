//! Fulcio's API, version 2 (sigstore/fulcio, `fulcio.proto`): a certificate for a key and an identity token.
//!
//! Of its requests the one with a public key and a proof of possession is understood, the one with a certificate signing
//! request is not.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use x509_cert::Certificate;
use x509_cert::der::asn1::{Ia5String, OctetString, UtcTime};
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::der::oid::db::rfc5280::{ID_CE_SUBJECT_ALT_NAME, ID_KP_CODE_SIGNING};
use x509_cert::der::pem::LineEnding;
use x509_cert::der::{Decode as _, Encode as _, EncodePem as _, pem};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::name::Name;
use x509_cert::spki::SubjectPublicKeyInfoOwned;
use x509_cert::time::{Time, Validity};

use super::certificate::{Issuer, Purpose, extension};
use super::ct::CtLog;
use super::token::TokenIssuer;
use super::{DAY, Logs, Refusal, Unable};

/// As long as Fulcio's certificates live.
const LIFE: Duration = Duration::from_secs(600);

pub(crate) struct Fulcio {
    issuer: Issuer,
    /// The certificate transparency log, unless the instance has none.
    pub(crate) log: Option<CtLog>,
    /// Seconds by which certificates are for another time than now.
    shift: AtomicI64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    #[serde(default)]
    credentials: Credentials,
    public_key_request: Option<PublicKeyRequest>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Credentials {
    #[serde(default)]
    oidc_identity_token: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PublicKeyRequest {
    public_key: PublicKey,
    proof_of_possession: String,
}

#[derive(Deserialize)]
struct PublicKey {
    content: String,
}

fn shifted(validity: &Validity, seconds: i64) -> Result<Validity, Unable> {
    let shift = |time: &Time| {
        let at = time.to_unix_duration().as_secs().saturating_add_signed(seconds);
        UtcTime::from_unix_duration(Duration::from_secs(at)).map(Time::UtcTime)
    };
    Ok(Validity { not_before: shift(&validity.not_before)?, not_after: shift(&validity.not_after)? })
}

impl Fulcio {
    pub(crate) fn shift(&self, seconds: i64) {
        self.shift.store(seconds, Ordering::Relaxed);
    }

    pub(crate) fn new(logs: Logs) -> Result<Self, Unable> {
        let issuer = Issuer::root("CN=loopback-fulcio,O=sealwright.loopback", DAY)?;
        let log = match logs {
            Logs::Kept => Some(CtLog::new()?),
            Logs::Absent => None,
        };
        Ok(Self { issuer, log, shift: AtomicI64::new(0) })
    }

    pub(crate) fn root(&self) -> &Certificate {
        self.issuer.certificate()
    }

    /// `POST /api/v2/signingCert`.
    pub(crate) fn issue(&self, body: &[u8], bearer: Option<&str>, tokens: &TokenIssuer) -> Result<Value, Refusal> {
        let asked: Asked =
            serde_json::from_slice(body).map_err(|e| Refusal::new(StatusCode::BAD_REQUEST, &e.to_string()))?;
        let token = bearer.unwrap_or(&asked.credentials.oidc_identity_token);
        let claims = tokens.verify(token, "sigstore").map_err(|why| Refusal::new(StatusCode::UNAUTHORIZED, why))?;
        let bad = |why: &str| Refusal::new(StatusCode::BAD_REQUEST, why);
        let request = asked.public_key_request.ok_or_else(|| bad("there is no publicKeyRequest"))?;
        let key =
            public_key(&request.public_key.content).ok_or_else(|| bad("the public key is no P-256 key in PEM"))?;
        let proof = STANDARD.decode(&request.proof_of_possession).map_err(|_| bad("the proof is not base64"))?;
        let (identity, name) = identity(&claims).ok_or_else(|| bad("the token names nobody"))?;
        let point = key.subject_public_key.raw_bytes();
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point)
            .verify(identity.as_bytes(), &proof)
            .map_err(|_| bad("the proof of possession is not of this key"))?;
        let leaf = self.certificate(&key, name, &claims, tokens.url())?;
        let pem = |certificate: &Certificate| certificate.to_pem(LineEnding::LF).map_err(Unable::from);
        let chain = json!({ "certificates": [pem(&leaf)?, pem(self.root())?] });
        // Without a log Fulcio answers in the shape for an SCT beside the chain. There is none, and its gateway writes members
        // without a value too.
        Ok(match self.log {
            Some(_) => json!({ "signedCertificateEmbeddedSct": { "chain": chain } }),
            None => json!({ "signedCertificateDetachedSct": { "chain": chain, "signedCertificateTimestamp": "" } }),
        })
    }

    fn certificate(
        &self,
        key: &SubjectPublicKeyInfoOwned,
        name: GeneralName,
        claims: &Map<String, Value>,
        issuer: &str,
    ) -> Result<Certificate, Unable> {
        let spki = key.to_der()?;
        let mut extensions = self.issuer.end_entity(ID_KP_CODE_SIGNING, &spki)?;
        // RFC 5280 §4.1.2.6: without a subject, the alternative name is critical.
        extensions.push(extension(ID_CE_SUBJECT_ALT_NAME, true, &SubjectAltName(vec![name]))?);
        extensions.extend(claims_as_extensions(claims, issuer)?);
        let purpose = Purpose { subject: Name::default(), spki, life: LIFE, extensions };
        let mut certificate = self.issuer.prepare(purpose)?;
        certificate.validity = shifted(&certificate.validity, self.shift.load(Ordering::Relaxed))?;
        if let Some(log) = &self.log {
            let seen = log.see(&self.issuer.key_id(), &certificate)?;
            certificate.extensions.get_or_insert_default().push(seen);
        }
        self.issuer.sign(certificate)
    }
}

/// A P-256 key of a PEM block.
fn public_key(text: &str) -> Option<SubjectPublicKeyInfoOwned> {
    let (label, der) = pem::decode_vec(text.as_bytes()).ok()?;
    let key = SubjectPublicKeyInfoOwned::from_der(&der).ok().filter(|_| label == "PUBLIC KEY")?;
    let curve = key.algorithm.parameters.as_ref()?.decode_as::<ObjectIdentifier>().ok()?;
    (curve == x509_cert::der::oid::db::rfc5912::SECP_256_R_1).then_some(key)
}

/// What the proof of possession signs, and the name in the certificate (sigstore/fulcio, `docs/oidc.md`): the workflow that
/// signs, a pipeline of Buildkite, a verified e-mail address, or a subject that is a URI.
fn identity(claims: &Map<String, Value>) -> Option<(String, GeneralName)> {
    let claim = |name: &str| claims.get(name).and_then(Value::as_str);
    let uri = |text: &str| Ia5String::new(text).ok().map(GeneralName::UniformResourceIdentifier);
    let subject = claim("sub")?.to_owned();
    if let Some(workflow) = claim("job_workflow_ref") {
        return Some((subject, uri(&format!("https://github.com/{workflow}"))?));
    }
    if let Some((owner, pipeline)) = claim("organization_slug").zip(claim("pipeline_slug")) {
        return Some((subject, uri(&format!("https://buildkite.com/{owner}/{pipeline}"))?));
    }
    if let Some(address) = claim("email").filter(|_| claims.get("email_verified") == Some(&Value::Bool(true))) {
        return Some((address.to_owned(), GeneralName::Rfc822Name(Ia5String::new(address).ok()?)));
    }
    let name = uri(&subject).filter(|_| subject.contains("://"))?;
    Some((subject, name))
}

/// sigstore/fulcio, `docs/oid-info.md`: 1.1 to 1.6 carry bare text, the later ones DER strings.
fn claims_as_extensions(claims: &Map<String, Value>, issuer: &str) -> Result<Vec<Extension>, Unable> {
    let claim = |name: &str| claims.get(name).and_then(Value::as_str);
    // An issuer of the kind of Dex passes on what another one said (`issuer-claim` of the public-good instance's configuration).
    let passed_on = claims.get("federated_claims").and_then(|federated| federated.get("connector_id")?.as_str());
    let issuer = passed_on.unwrap_or(issuer);
    let at_github = |name: &str| claim(name).map(|path| format!("https://github.com/{path}"));
    let run = claim("repository").zip(claim("run_id")).map(|(repository, run)| {
        let attempt = claim("run_attempt").unwrap_or("1");
        format!("https://github.com/{repository}/actions/runs/{run}/attempts/{attempt}")
    });
    let bare = [(1, Some(issuer)), (2, claim("event_name")), (3, claim("sha")), (4, claim("workflow"))];
    let bare = bare.into_iter().chain([(5, claim("repository")), (6, claim("ref"))]);
    let own = |name: &str| claim(name).map(str::to_owned);
    let strings = [
        (8, Some(issuer.to_owned())),
        (9, at_github("job_workflow_ref")),
        (10, own("job_workflow_sha")),
        (11, own("runner_environment")),
        (12, at_github("repository")),
        (13, own("sha")),
        (14, own("ref")),
        (15, own("repository_id")),
        (16, at_github("repository_owner")),
        (17, own("repository_owner_id")),
        (18, at_github("workflow_ref")),
        (19, own("workflow_sha")),
        (20, own("event_name")),
        (21, run),
        (22, own("repository_visibility")),
    ];
    let id = |arc: u32| ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.1").push_arc(arc);
    let mut extensions = Vec::new();
    for (arc, text) in bare.filter_map(|(arc, text)| Some((arc, text?))) {
        let extn_value = OctetString::new(text.as_bytes())?;
        extensions.push(Extension { extn_id: id(arc).map_err(Unable::of)?, critical: false, extn_value });
    }
    for (arc, text) in strings.into_iter().filter_map(|(arc, text)| Some((arc, text?))) {
        extensions.push(extension(id(arc).map_err(Unable::of)?, false, &text)?);
    }
    Ok(extensions)
}
