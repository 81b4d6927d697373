//! cosign's encrypted private keys (sigstore/sigstore, `pkg/cryptoutils` and `theupdateframework/go-tuf/encrypted`): a JSON
//! document with scrypt's parameters and a NaCl secretbox around a PKCS#8 key.

use aws_lc_rs::rand::fill;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto_secretbox::aead::{Aead as _, KeyInit as _};
use crypto_secretbox::{Key, Nonce, XSalsa20Poly1305};
use sealwright_core::Redacted;
use serde::{Deserialize, Serialize};

use crate::SignError;

/// The labels that cosign writes and wrote.
pub(crate) const LABELS: [&str; 2] = ["ENCRYPTED SIGSTORE PRIVATE KEY", "ENCRYPTED COSIGN PRIVATE KEY"];

/// cosign writes N = 65536 (older versions 32768), r = 8, p = 1: 64 MiB. Four times as much is accepted.
const MOST_LOG_N: u8 = 18;

/// What cosign 3.1.2 writes (`encrypted.Standard`); it reads no other parameters than 2^15, 2^16 and 2^17 rounds.
const LOG_N: u8 = 16;
const R: u32 = 8;
const P: u32 = 1;

#[derive(Deserialize, Serialize)]
struct Encrypted {
    kdf: Kdf,
    cipher: Cipher,
    ciphertext: String,
}

#[derive(Deserialize, Serialize)]
struct Kdf {
    name: String,
    params: Params,
    salt: String,
}

#[derive(Deserialize, Serialize)]
struct Params {
    #[serde(rename = "N")]
    n: u64,
    r: u32,
    p: u32,
}

#[derive(Deserialize, Serialize)]
struct Cipher {
    name: String,
    nonce: String,
}

/// The PKCS#8 key inside.
pub(crate) fn decrypt(document: &[u8], password: &Redacted<String>) -> Result<Redacted<Vec<u8>>, SignError> {
    let broken = || SignError::NotAKey("its encryption is not cosign's");
    let document: Encrypted = serde_json::from_slice(document).map_err(|_| broken())?;
    if document.kdf.name != "scrypt" || document.cipher.name != "nacl/secretbox" {
        return Err(broken());
    }
    let decode = |text: &str| STANDARD.decode(text).map_err(|_| broken());
    let (salt, nonce) = (decode(&document.kdf.salt)?, decode(&document.cipher.nonce)?);
    let ciphertext = decode(&document.ciphertext)?;
    let Params { n, r, p } = document.kdf.params;
    // RFC 7914 §2: N is larger than 1 and a power of 2.
    if !n.is_power_of_two() || n == 1 {
        return Err(broken());
    }
    let log_n = u8::try_from(n.trailing_zeros()).map_err(|_| broken())?;
    if log_n > MOST_LOG_N || r > 16 || p > 4 {
        return Err(SignError::ExpensiveKey);
    }
    let params = scrypt::Params::new(log_n, r, p).map_err(|_| broken())?;
    let nonce: [u8; 24] = nonce.try_into().map_err(|_| broken())?;
    let opened = secretbox(password, &salt, &params)?.decrypt(Nonce::from_slice(&nonce), ciphertext.as_slice());
    opened.map(Redacted::new).map_err(|_| SignError::WrongPassword)
}

/// The document around a PKCS#8 key, with a new salt and nonce.
pub(crate) fn encrypt(pkcs8: &[u8], password: &Redacted<String>) -> Result<Vec<u8>, SignError> {
    let (mut salt, mut nonce) = ([0; 32], [0; 24]);
    fill(&mut salt).and_then(|()| fill(&mut nonce)).map_err(|_| SignError::Failed)?;
    let params = scrypt::Params::new(LOG_N, R, P).map_err(|_| SignError::Failed)?;
    let sealed = secretbox(password, &salt, &params)?.encrypt(Nonce::from_slice(&nonce), pkcs8);
    let document = Encrypted {
        kdf: Kdf {
            name: "scrypt".to_owned(),
            params: Params { n: 1 << LOG_N, r: R, p: P },
            salt: STANDARD.encode(salt),
        },
        cipher: Cipher { name: "nacl/secretbox".to_owned(), nonce: STANDARD.encode(nonce) },
        ciphertext: STANDARD.encode(sealed.map_err(|_| SignError::Failed)?),
    };
    serde_json::to_vec(&document).map_err(|_| SignError::Failed)
}

fn secretbox(password: &Redacted<String>, salt: &[u8], params: &scrypt::Params) -> Result<XSalsa20Poly1305, SignError> {
    let mut key = [0; 32];
    scrypt::scrypt(password.expose().as_bytes(), salt, params, &mut key).map_err(|_| SignError::Failed)?;
    Ok(XSalsa20Poly1305::new(Key::from_slice(&key)))
}
