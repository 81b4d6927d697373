//! Keyless at an instance without logs, as GitHub's own: a certificate from Fulcio and a timestamp, and nothing else.

use std::fmt::Display;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealwright_bundle::{Bundle, Envelope, MessageSignature, PAYLOAD_TYPE, SHA2_256, pae};
use sealwright_core::{Digest, Redacted};
use serde_json::{Value, json};
use sigstore_fulcio::FulcioClient;
use sigstore_oidc::IdentityToken;
use sigstore_sign::Error;
use sigstore_sign::crypto::KeyPair;
use sigstore_trust_root::{ServiceSelector, SigningConfig};
use sigstore_tsa::TimestampClient;
use sigstore_types::SignatureBytes;

use crate::SignError;
use crate::upstream::persist;

pub(crate) struct Timestamped {
    fulcio: FulcioClient,
    timestamps: TimestampClient,
}

impl Timestamped {
    /// Nothing where the signing config names a log, also one that this version cannot use: what should be logged is not
    /// signed without it.
    pub(crate) fn of(config: &SigningConfig, http: &reqwest::Client) -> Result<Option<Self>, SignError> {
        if !config.rekor_tlog_urls.is_empty() {
            return Ok(None);
        }
        // Not fewer authorities than are asked for.
        let (wanted, there) = (&config.tsa_config, config.eligible_tsa_urls().len());
        if !(match wanted.selector {
            ServiceSelector::Any => true,
            ServiceSelector::Exact => wanted.count == Some(1),
            ServiceSelector::All => there == 1,
            _ => false,
        }) {
            return Err(SignError::SigningConfig("it wants another number of timestamps than one".to_owned()));
        }
        let missing = |what: &str| SignError::SigningConfig(format!("it names no log and no usable {what}"));
        let unusable = |e: &dyn Display| SignError::SigningConfig(e.to_string());
        let fulcio = config.fulcio_url().ok_or_else(|| missing("Fulcio"))?;
        let authority = config.tsa_url().ok_or_else(|| missing("timestamp authority"))?;
        let fulcio = FulcioClient::builder(fulcio.url.clone()).with_http_client(http.clone()).build();
        let timestamps = TimestampClient::builder(authority.url.clone()).with_http_client(http.clone()).build();
        Ok(Some(Self { fulcio: fulcio.map_err(|e| unusable(&e))?, timestamps: timestamps.map_err(|e| unusable(&e))? }))
    }

    pub(crate) async fn sign(&self, statement: &[u8], token: &Redacted<String>) -> Result<Vec<u8>, SignError> {
        let (signature, material) = self.signed(&pae(PAYLOAD_TYPE, statement), token).await?;
        let bundle = Bundle::with_key(Envelope::new(statement, signature.as_bytes()), "");
        Ok(Bundle { verification_material: material, ..bundle }.to_bytes())
    }

    pub(crate) async fn sign_message(&self, message: &[u8], token: &Redacted<String>) -> Result<Vec<u8>, SignError> {
        let (signature, material) = self.signed(message, token).await?;
        let stated = MessageSignature::new(SHA2_256, Digest::of(message).as_bytes(), signature.as_bytes());
        Ok(Bundle { verification_material: material, ..Bundle::of_message(stated, "") }.to_bytes())
    }

    /// A signature by a new key, with the key's certificate and the time.
    async fn signed(&self, bytes: &[u8], token: &Redacted<String>) -> Result<(SignatureBytes, Value), SignError> {
        let key = KeyPair::generate_ecdsa_p256().map_err(|_| SignError::Failed)?;
        let certificate = persist(async || {
            let token = IdentityToken::from_jwt(token.expose())?;
            Ok::<_, Error>(self.fulcio.create_signing_certificate(&token, &key).await?.leaf_certificate().clone())
        });
        let certificate = certificate.await?;
        let signature = key.sign(bytes).map_err(|_| SignError::Failed)?;
        let stamp = persist(async || Ok(self.timestamps.timestamp_signature(&signature).await?)).await?;
        let material = json!({
            "certificate": { "rawBytes": STANDARD.encode(certificate.as_bytes()) },
            "timestampVerificationData": {
                "rfc3161Timestamps": [{ "signedTimestamp": STANDARD.encode(stamp.as_bytes()) }],
            },
        });
        Ok((signature, material))
    }
}
