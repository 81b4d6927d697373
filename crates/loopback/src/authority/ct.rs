//! A certificate transparency log (RFC 6962): it signs that it has seen a certificate before that was issued.

use sealwright_core::Digest;
use x509_cert::TbsCertificate;
use x509_cert::der::Encode as _;
use x509_cert::der::asn1::OctetString;
use x509_cert::der::oid::db::rfc6962::CT_PRECERT_SCTS;
use x509_cert::ext::Extension;

use super::certificate::extension;
use super::key::EcKey;
use super::{Unable, now};

/// §3.2: version 1, which is written as 0.
const VERSION: u8 = 0;
/// §3.2: `certificate_timestamp`.
const CERTIFICATE_TIMESTAMP: u8 = 0;
/// §3.1: `precert_entry`.
const PRECERTIFICATE: [u8; 2] = [0, 1];
/// RFC 5246 §7.4.1.4.1: SHA-256 and ECDSA.
const ALGORITHM: [u8; 2] = [4, 3];
const NO_EXTENSIONS: [u8; 2] = [0, 0];

pub(crate) struct CtLog {
    pub(crate) key: EcKey,
}

impl CtLog {
    pub(crate) fn new() -> Result<Self, Unable> {
        Ok(Self { key: EcKey::generate()? })
    }

    /// The extension with one signed certificate timestamp (§3.3) for a certificate that has no such extension yet.
    pub(crate) fn see(&self, issuer_key: &Digest, certificate: &TbsCertificate) -> Result<Extension, Unable> {
        let at = u64::try_from(now()).map_err(Unable::of)?.saturating_mul(1000).to_be_bytes();
        let der = certificate.to_der()?;
        let mut signed = vec![VERSION, CERTIFICATE_TIMESTAMP];
        signed.extend(at);
        signed.extend(PRECERTIFICATE);
        signed.extend(issuer_key.as_bytes());
        let [first, length @ ..] = u32::try_from(der.len()).map_err(Unable::of)?.to_be_bytes();
        if first != 0 {
            return Err(Unable::of("a certificate of more than 16 MiB"));
        }
        signed.extend(length);
        signed.extend(der);
        signed.extend(NO_EXTENSIONS);
        let signature = self.key.sign(&signed)?;

        let mut timestamp = vec![VERSION];
        timestamp.extend(self.key.id().as_bytes());
        timestamp.extend(at);
        timestamp.extend(NO_EXTENSIONS);
        timestamp.extend(ALGORITHM);
        timestamp.extend(prefixed(&signature)?);
        let list = prefixed(&prefixed(&timestamp)?)?;
        extension(CT_PRECERT_SCTS, false, &OctetString::new(list)?)
    }
}

/// The bytes with their length in two bytes before them (RFC 5246 §4.3).
fn prefixed(bytes: &[u8]) -> Result<Vec<u8>, Unable> {
    let mut all = u16::try_from(bytes.len()).map_err(Unable::of)?.to_be_bytes().to_vec();
    all.extend(bytes);
    Ok(all)
}
