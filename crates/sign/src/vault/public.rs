//! The public half of a transit key, as `keys/NAME` shows it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealwright_bundle::pem;
use serde_json::Value;

use super::unusual;
use crate::SignError;
use crate::kind::Kind;

/// RFC 8410 §4: the SPKI of an Ed25519 key is this and its 32 bytes.
const ED25519_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

#[derive(Debug, PartialEq, Eq)]
pub(super) struct PublicHalf {
    pub(super) kind: Kind,
    pub(super) spki: Vec<u8>,
}

impl PublicHalf {
    pub(super) fn of(data: &Value, version: u64) -> Result<Self, SignError> {
        let kind = match data.get("type").and_then(Value::as_str) {
            Some("ecdsa-p256") => Kind::P256,
            Some("ecdsa-p384") => Kind::P384,
            Some("ed25519") => Kind::Ed25519,
            Some("rsa-2048" | "rsa-3072" | "rsa-4096") => Kind::Rsa,
            _ => return Err(SignError::UnsupportedKey),
        };
        let versions = data.get("keys").and_then(Value::as_object);
        let versions = versions.ok_or_else(|| unusual("shows no versions of the key"))?;
        let key = versions.get(&version.to_string()).ok_or_else(|| {
            let known = versions.keys().map(|v| v.chars().filter(char::is_ascii_digit).collect::<String>());
            let known = known.collect::<Vec<_>>().join(", ");
            SignError::Vault(format!("the key has no version {version}, expected one of {known}"))
        })?;
        let text = key.get("public_key").and_then(Value::as_str).unwrap_or_default();
        let spki = match kind {
            Kind::Ed25519 => STANDARD.decode(text).ok().filter(|raw| raw.len() == 32).map(|raw| {
                let mut spki = ED25519_PREFIX.to_vec();
                spki.extend(raw);
                spki
            }),
            _ => pem::parse(text.as_bytes()).ok().filter(|block| block.label == "PUBLIC KEY").map(|block| block.bytes),
        };
        let spki = spki.ok_or_else(|| unusual("shows no public key of that version"))?;
        Ok(Self { kind, spki })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_kind_has_its_public_key_in_its_own_form() {
        let pem = pem::write("PUBLIC KEY", b"spki");
        for (word, kind) in
            [("ecdsa-p256", Kind::P256), ("ecdsa-p384", Kind::P384), ("rsa-2048", Kind::Rsa), ("rsa-4096", Kind::Rsa)]
        {
            let data = json!({ "type": word, "keys": { "3": { "public_key": pem } } });
            assert_eq!(PublicHalf::of(&data, 3), Ok(PublicHalf { kind, spki: b"spki".to_vec() }), "{word}");
        }
        let data = json!({ "type": "ed25519", "keys": { "1": { "public_key": STANDARD.encode([7; 32]) } } });
        let public = PublicHalf::of(&data, 1).expect("a key");
        assert_eq!((public.kind, public.spki.len()), (Kind::Ed25519, 44));
        assert!(public.spki.ends_with(&[7; 32]));
    }

    #[test]
    fn what_cannot_be_used_is_told() {
        for (data, word) in [
            (json!({ "type": "aes256-gcm96", "keys": { "1": 1_700_000_000 } }), "unsupported kind"),
            (json!({ "type": "ecdsa-p521", "keys": { "1": { "public_key": "" } } }), "unsupported kind"),
            (json!({ "type": "ecdsa-p256" }), "shows no versions"),
            (json!({ "type": "ecdsa-p256", "keys": { "1": {}, "2\u{1b}": {} } }), "no version 9, expected one of 1, 2"),
            (json!({ "type": "ecdsa-p256", "keys": { "9": { "public_key": "x" } } }), "no public key"),
            (json!({ "type": "ed25519", "keys": { "9": { "public_key": "AAAA" } } }), "no public key"),
        ] {
            let error = PublicHalf::of(&data, 9).expect_err(word).to_string();
            assert!(error.contains(word), "{error}");
        }
    }
}
