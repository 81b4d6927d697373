//! What an instance of Sigstore can show for a signature, read from its trusted root.
//!
//! The public-good instance has logs: one of certificates, which is promised in every certificate (SCT), and one of
//! signatures. GitHub's own instance, for repositories that are not public, has a timestamp authority and no log. What is
//! demanded follows from the trusted root alone, never from a bundle, because whoever stores a bundle chooses what is in it:
//!
//! - A trusted root that names any log, of either kind, demands a log entry, an SCT and a trusted time. It does so for every
//!   certificate authority that it names: in a root that was put together from two instances, a certificate of the one
//!   without logs is refused. Otherwise an authority with logs could be used without them, unseen by those who watch its logs.
//! - A trusted root without any log, with certificate authorities and timestamp authorities, demands a timestamp of one of
//!   them, within the life of the certificate.
//! - A trusted root that lost its logs (a file that was cut, a member that is misspelled) must not turn the first case into
//!   the second. The certificate tells: an SCT is part of what its authority signed, so it cannot be left out of a bundle.
//!   A certificate with an SCT is of an instance with logs, and a trusted root without any is not its root. The same holds for
//!   a bundle with a log entry.
//!
//! Keys have no instance: a key that demands transparency demands a log entry, and finds none here.

use sealwright_bundle::Bundle;
use sigstore_trust_root::TrustedRoot;
use sigstore_types::DerCertificate;
use x509_cert::Certificate;
use x509_cert::der::Decode as _;
use x509_cert::der::oid::db::rfc6962::CT_PRECERT_SCTS;

use crate::verify_bundle::Refusal;

/// What has to stand behind a signature by certificate, besides chain, identity and signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// A log entry, an SCT and a trusted time.
    LogEntry,
    /// A timestamp of an authority of the instance.
    Timestamp,
}

impl Proof {
    /// What the instance of this trusted root has to show.
    pub fn of(root: &TrustedRoot) -> Self {
        let logs = root.tlogs.len() + root.ctlogs.len();
        let has_authorities = !root.certificate_authorities.is_empty() && !root.timestamp_authorities.is_empty();
        if logs == 0 && has_authorities { Self::Timestamp } else { Self::LogEntry }
    }
}

/// Refuses what an instance without logs cannot have made.
pub(crate) fn without_logs(bundle: &Bundle, certificate: Option<&DerCertificate>) -> Result<(), Refusal> {
    let elsewhere = |found| Err(Refusal::OtherInstance { found });
    if bundle.has_log_entry() {
        return elsewhere("a log entry");
    }
    let certificate = certificate.and_then(|der| Certificate::from_der(der.as_bytes()).ok());
    let Some(certificate) = certificate else {
        return Err(Refusal::Sigstore("the certificate cannot be read".to_owned()));
    };
    let extensions = certificate.tbs_certificate.extensions.unwrap_or_default();
    // RFC 6962 §3.3.
    match extensions.iter().any(|extension| extension.extn_id == CT_PRECERT_SCTS) {
        true => elsewhere("the promise of a certificate log"),
        false => Ok(()),
    }
}
