//! X.509 certificates (RFC 5280): the roots, the one of the timestamp authority, and those that Fulcio issues.

use std::str::FromStr as _;
use std::time::Duration;

use x509_cert::certificate::{Certificate, TbsCertificate, Version};
use x509_cert::der::asn1::{BitString, OctetString, UtcTime};
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::der::oid::db::rfc5280::{
    ID_CE_AUTHORITY_KEY_IDENTIFIER, ID_CE_BASIC_CONSTRAINTS, ID_CE_EXT_KEY_USAGE, ID_CE_KEY_USAGE,
    ID_CE_SUBJECT_KEY_IDENTIFIER,
};
use x509_cert::der::oid::db::rfc5912::ECDSA_WITH_SHA_256;
use x509_cert::der::{Decode as _, Encode};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages, SubjectKeyIdentifier,
};
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};
use x509_cert::time::{Time, Validity};

use sealwright_core::Digest;

use super::key::EcKey;
use super::{Unable, since_1970};

/// Clocks of verifiers may be a little behind.
const LEEWAY: Duration = Duration::from_secs(5);

/// A certificate authority: its key and its own certificate.
pub(crate) struct Issuer {
    key: EcKey,
    certificate: Certificate,
}

/// What a certificate is made for.
pub(crate) struct Purpose {
    /// Empty for a certificate whose name stands in an extension.
    pub(crate) subject: Name,
    /// DER of SubjectPublicKeyInfo.
    pub(crate) spki: Vec<u8>,
    pub(crate) life: Duration,
    pub(crate) extensions: Vec<Extension>,
}

impl Issuer {
    /// A root that signed itself.
    pub(crate) fn root(name: &str, life: Duration) -> Result<Self, Unable> {
        let key = EcKey::generate()?;
        let name = Name::from_str(name)?;
        let extensions = vec![
            extension(ID_CE_KEY_USAGE, true, &KeyUsage(KeyUsages::KeyCertSign | KeyUsages::CRLSign))?,
            extension(ID_CE_BASIC_CONSTRAINTS, true, &BasicConstraints { ca: true, path_len_constraint: Some(0) })?,
            extension(ID_CE_SUBJECT_KEY_IDENTIFIER, false, &SubjectKeyIdentifier(key_identifier(key.spki())?))?,
        ];
        let purpose = Purpose { subject: name.clone(), spki: key.spki().to_vec(), life, extensions };
        let certificate = sign(&key, unsigned(name, purpose)?)?;
        Ok(Self { key, certificate })
    }

    pub(crate) fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// sha256 over the key's SPKI.
    pub(crate) fn key_id(&self) -> Digest {
        self.key.id()
    }

    /// What will be signed: where a log has to see it first, it gets its say in between.
    pub(crate) fn prepare(&self, purpose: Purpose) -> Result<TbsCertificate, Unable> {
        unsigned(self.certificate.tbs_certificate.subject.clone(), purpose)
    }

    pub(crate) fn sign(&self, certificate: TbsCertificate) -> Result<Certificate, Unable> {
        sign(&self.key, certificate)
    }

    /// The extensions of every end-entity certificate: what its key is for, and the two key identifiers.
    pub(crate) fn end_entity(&self, usage: ObjectIdentifier, spki: &[u8]) -> Result<Vec<Extension>, Unable> {
        // RFC 3161 §2.3: a timestamp authority's certificate marks its usage critical.
        let critical = usage == x509_cert::der::oid::db::rfc5280::ID_KP_TIME_STAMPING;
        let authority = AuthorityKeyIdentifier {
            key_identifier: Some(key_identifier(self.key.spki())?),
            authority_cert_issuer: None,
            authority_cert_serial_number: None,
        };
        Ok(vec![
            extension(ID_CE_KEY_USAGE, true, &KeyUsage(KeyUsages::DigitalSignature.into()))?,
            extension(ID_CE_EXT_KEY_USAGE, critical, &ExtendedKeyUsage(vec![usage]))?,
            extension(ID_CE_SUBJECT_KEY_IDENTIFIER, false, &SubjectKeyIdentifier(key_identifier(spki)?))?,
            extension(ID_CE_AUTHORITY_KEY_IDENTIFIER, false, &authority)?,
        ])
    }
}

/// One extension; its value is DER inside of an octet string.
pub(crate) fn extension(id: ObjectIdentifier, critical: bool, value: &impl Encode) -> Result<Extension, Unable> {
    Ok(Extension { extn_id: id, critical, extn_value: OctetString::new(value.to_der()?)? })
}

/// ecdsa-with-SHA256 (RFC 5758 §3.2); it has no parameters.
pub(crate) fn signature_algorithm() -> AlgorithmIdentifierOwned {
    AlgorithmIdentifierOwned { oid: ECDSA_WITH_SHA_256, parameters: None }
}

fn unsigned(issuer: Name, purpose: Purpose) -> Result<TbsCertificate, Unable> {
    let now = since_1970();
    let time = |at: Duration| UtcTime::from_unix_duration(at).map(Time::UtcTime);
    Ok(TbsCertificate {
        version: Version::V3,
        serial_number: serial_number()?,
        signature: signature_algorithm(),
        issuer,
        validity: Validity { not_before: time(now.saturating_sub(LEEWAY))?, not_after: time(now + purpose.life)? },
        subject: purpose.subject,
        subject_public_key_info: SubjectPublicKeyInfoOwned::from_der(&purpose.spki)?,
        issuer_unique_id: None,
        subject_unique_id: None,
        extensions: Some(purpose.extensions),
    })
}

fn sign(key: &EcKey, tbs_certificate: TbsCertificate) -> Result<Certificate, Unable> {
    let signature = BitString::from_bytes(&key.sign(&tbs_certificate.to_der()?)?)?;
    Ok(Certificate { tbs_certificate, signature_algorithm: signature_algorithm(), signature })
}

/// 16 random bytes; the first bit is off, so that the number is positive.
fn serial_number() -> Result<SerialNumber, Unable> {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes)?;
    bytes[0] = bytes[0] & 0x7f | 0x40;
    Ok(SerialNumber::new(&bytes)?)
}

/// 20 bytes of sha256 over the SPKI (RFC 7093 §2, method 4).
fn key_identifier(spki: &[u8]) -> Result<OctetString, Unable> {
    let digest = Digest::of(spki);
    let (short, _) = digest.as_bytes().split_at(20);
    Ok(OctetString::new(short)?)
}
