//! A timestamp authority (RFC 3161, RFC 5816): a signed time over a digest.

use std::str::FromStr as _;

use axum::http::StatusCode;
use cms::cert::{CertificateChoices, IssuerAndSerialNumber};
use cms::content_info::{CmsVersion, ContentInfo};
use cms::signed_data::{
    CertificateSet, EncapsulatedContentInfo, SignedAttributes, SignedData, SignerIdentifier, SignerInfo, SignerInfos,
};
use der::asn1::{Any, GeneralizedTime, Int, OctetString, SetOfVec};
use der::oid::ObjectIdentifier;
use der::oid::db::rfc5280::ID_KP_TIME_STAMPING;
use der::oid::db::rfc5911::{ID_CONTENT_TYPE, ID_MESSAGE_DIGEST, ID_SIGNED_DATA};
use der::oid::db::rfc5912::ID_SHA_256;
use der::{Decode as _, Encode as _, EncodeValue, Sequence, Tagged};
use sealwright_core::Digest;
use x509_cert::Certificate;
use x509_cert::attr::Attribute;
use x509_cert::name::Name;
use x509_cert::spki::AlgorithmIdentifierOwned;

use super::certificate::{Issuer, Purpose, signature_algorithm};
use super::key::EcKey;
use super::{DAY, Refusal, Unable, since_1970};

/// The policy under which Sigstore's own authority answers (sigstore/timestamp-authority).
const POLICY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.2");
/// `id-ct-TSTInfo` (RFC 3161 §2.4.2).
const ID_CT_TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");
/// `id-aa-signingCertificateV2` (RFC 5035 §3).
const SIGNING_CERTIFICATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.47");

pub(crate) struct TimestampAuthority {
    root: Issuer,
    key: EcKey,
    certificate: Certificate,
}

/// §2.4.1; extensions are not understood.
#[derive(Sequence)]
struct Asked {
    version: u8,
    imprint: Imprint,
    #[asn1(optional = "true")]
    policy: Option<ObjectIdentifier>,
    #[asn1(optional = "true")]
    nonce: Option<Int>,
    #[asn1(default = "no")]
    certificates: bool,
}

fn no() -> bool {
    false
}

#[derive(Sequence)]
struct Imprint {
    algorithm: AlgorithmIdentifierOwned,
    hash: OctetString,
}

/// `TSTInfo`, §2.4.2.
#[derive(Sequence)]
struct Info {
    version: u8,
    policy: ObjectIdentifier,
    imprint: Imprint,
    serial_number: Int,
    time: GeneralizedTime,
    #[asn1(optional = "true")]
    nonce: Option<Int>,
}

/// `TimeStampResp`, §2.4.2.
#[derive(Sequence)]
struct Answer {
    status: Status,
    token: ContentInfo,
}

#[derive(Sequence)]
struct Status {
    status: u8,
}

/// RFC 5035 §3 and §4; the hash algorithm's default is SHA-256.
#[derive(Sequence)]
struct SigningCertificate {
    certificates: Vec<CertificateId>,
}

#[derive(Sequence)]
struct CertificateId {
    hash: OctetString,
}

impl TimestampAuthority {
    pub(crate) fn new() -> Result<Self, Unable> {
        let root = Issuer::root("CN=loopback-tsa-root,O=sealwright.loopback", DAY)?;
        let key = EcKey::generate()?;
        let subject = Name::from_str("CN=loopback-tsa,O=sealwright.loopback")?;
        let extensions = root.end_entity(ID_KP_TIME_STAMPING, key.spki())?;
        let purpose = Purpose { subject, spki: key.spki().to_vec(), life: DAY, extensions };
        let certificate = root.sign(root.prepare(purpose)?)?;
        Ok(Self { root, key, certificate })
    }

    /// Its own certificate first, its root last.
    pub(crate) fn chain(&self) -> [&Certificate; 2] {
        [&self.certificate, self.root.certificate()]
    }

    /// `POST /api/v1/timestamp` with `application/timestamp-query`.
    pub(crate) fn answer(&self, query: &[u8]) -> Result<Vec<u8>, Refusal> {
        let bad = |why: &str| Refusal::new(StatusCode::BAD_REQUEST, why);
        let asked = Asked::from_der(query).map_err(|e| bad(&format!("no timestamp query: {e}")))?;
        let of_sha256 = asked.imprint.algorithm.oid == ID_SHA_256 && asked.imprint.hash.as_bytes().len() == 32;
        if asked.version != 1 || !of_sha256 || asked.policy.is_some_and(|p| p != POLICY) {
            return Err(bad("expected version 1, SHA-256 and no other policy"));
        }
        let certificates = asked.certificates;
        let info = self.info(asked)?;
        let answer = Answer { status: Status { status: 0 }, token: self.token(&info, certificates)? };
        Ok(answer.to_der().map_err(Unable::from)?)
    }

    fn info(&self, asked: Asked) -> Result<Vec<u8>, Unable> {
        let mut serial = [0; 8];
        aws_lc_rs::rand::fill(&mut serial)?;
        serial[0] = serial[0] & 0x7f | 0x40;
        let time = GeneralizedTime::from_unix_duration(since_1970())?;
        let serial_number = Int::new(&serial)?;
        let info = Info { version: 1, policy: POLICY, imprint: asked.imprint, serial_number, time, nonce: asked.nonce };
        Ok(info.to_der()?)
    }

    /// `SignedData` (RFC 5652 §5) over the information.
    fn token(&self, info: &[u8], certificates: bool) -> Result<ContentInfo, Unable> {
        let sha256 = AlgorithmIdentifierOwned { oid: ID_SHA_256, parameters: None };
        let own = Digest::of(&self.certificate.to_der()?);
        let own = SigningCertificate {
            certificates: vec![CertificateId { hash: OctetString::new(own.as_bytes().as_slice())? }],
        };
        let attributes = SignedAttributes::try_from(vec![
            attribute(ID_CONTENT_TYPE, &ID_CT_TST_INFO)?,
            attribute(ID_MESSAGE_DIGEST, &OctetString::new(Digest::of(info).as_bytes().as_slice())?)?,
            attribute(SIGNING_CERTIFICATE, &own)?,
        ])?;
        // §5.4: what is signed is the set, not the implicitly tagged field.
        let signature = OctetString::new(self.key.sign(&attributes.to_der()?)?)?;
        let signer = SignerInfo {
            version: CmsVersion::V1,
            sid: SignerIdentifier::IssuerAndSerialNumber(IssuerAndSerialNumber {
                issuer: self.certificate.tbs_certificate.issuer.clone(),
                serial_number: self.certificate.tbs_certificate.serial_number.clone(),
            }),
            digest_alg: sha256.clone(),
            signed_attrs: Some(attributes),
            signature_algorithm: signature_algorithm(),
            signature,
            unsigned_attrs: None,
        };
        let chain = self.chain().map(|certificate| CertificateChoices::Certificate(certificate.clone()));
        let data = SignedData {
            version: CmsVersion::V3,
            digest_algorithms: SetOfVec::try_from(vec![sha256])?,
            encap_content_info: EncapsulatedContentInfo {
                econtent_type: ID_CT_TST_INFO,
                econtent: Some(Any::encode_from(&OctetString::new(info)?)?),
            },
            certificates: certificates.then(|| SetOfVec::try_from(chain.to_vec()).map(CertificateSet)).transpose()?,
            crls: None,
            signer_infos: SignerInfos(SetOfVec::try_from(vec![signer])?),
        };
        Ok(ContentInfo { content_type: ID_SIGNED_DATA, content: Any::encode_from(&data)? })
    }
}

fn attribute(oid: ObjectIdentifier, value: &(impl EncodeValue + Tagged)) -> Result<Attribute, Unable> {
    Ok(Attribute { oid, values: SetOfVec::try_from(vec![Any::encode_from(value)?])? })
}
