//! Transit keys of HashiCorp Vault and OpenBao (Vault, "Transit secrets engine (API)"): the message's hash goes there, and
//! a signature comes back.

mod client;
mod public;

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealwright_core::Redacted;
use serde_json::{Value, json};

use crate::SignError;
use crate::kind::Kind;
use client::{Answer, VaultClient};
use public::PublicHalf;

/// Where a Vault is and who asks.
#[derive(Debug)]
pub struct VaultAccess {
    /// `VAULT_ADDR`: for example `https://vault.example:8200`.
    pub address: String,
    /// `VAULT_NAMESPACE`.
    pub namespace: Option<String>,
    /// The path of the transit engine.
    pub mount: String,
    /// Certificates of the authorities that its own certificate may come from, as PEM, beside those of this machine.
    pub authorities: Option<Vec<u8>>,
    /// Who asks.
    pub login: VaultLogin,
}

/// How one gets in.
#[derive(Debug)]
pub enum VaultLogin {
    /// With a token that is there already.
    Token(Redacted<String>),
    /// With the identity token of a workload ("JWT/OIDC auth method (API)", "JWT login").
    Jwt {
        /// The path of the auth method.
        path: String,
        /// The role.
        role: String,
        /// The identity token.
        token: Redacted<String>,
    },
    /// With a role id and a secret id ("AppRole auth method (API)", "Login with AppRole").
    AppRole {
        /// The path of the auth method.
        path: String,
        /// `role_id`.
        role_id: String,
        /// `secret_id`.
        secret_id: Redacted<String>,
    },
}

/// One version of a transit key. A rotation while statements are signed changes neither signatures nor public key.
pub struct VaultKey {
    client: VaultClient,
    mount: String,
    name: String,
    version: u64,
    public: PublicHalf,
}

impl fmt::Debug for VaultKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VaultKey({} version {})", self.name, self.version)
    }
}

impl VaultKey {
    /// Logs in and reads the public key of `version`, or of the latest one. `timeout` is for each request.
    ///
    /// # Errors
    /// When Vault is not there or lets nobody in, or the key cannot sign what Sigstore's verifiers accept.
    pub async fn open(
        access: VaultAccess,
        name: &str,
        version: Option<u64>,
        timeout: Duration,
    ) -> Result<Self, SignError> {
        let mount = path(&access.mount, "the transit engine's path")?;
        let name = path(name, "the key's name")?;
        let client = VaultClient::open(&access, timeout).await?;
        let data = match client.get(&format!("{mount}/keys/{name}")).await? {
            Answer::Data(data) => data,
            Answer::NotFound => {
                return Err(SignError::Vault(format!("there is no key {name:?} in the transit engine at {mount:?}")));
            }
        };
        let latest = data.get("latest_version").and_then(Value::as_u64);
        let version = version.or(latest).ok_or_else(|| unusual("names no latest version of the key"))?;
        let public = PublicHalf::of(&data, version)?;
        Ok(Self { client, mount, name, version, public })
    }

    pub(crate) fn kind(&self) -> Kind {
        self.public.kind
    }

    pub(crate) fn spki(&self) -> &[u8] {
        &self.public.spki
    }

    pub(crate) async fn sign_bytes(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let hash = match self.public.kind {
            Kind::P256 | Kind::Rsa => "/sha2-256",
            Kind::P384 => "/sha2-384",
            Kind::Ed25519 => "",
        };
        let digest = self.public.kind.digest(message);
        let body = json!({
            "input": STANDARD.encode(digest.as_deref().unwrap_or(message)),
            "prehashed": digest.is_some(),
            "key_version": self.version,
            "marshaling_algorithm": "asn1",
            "signature_algorithm": "pkcs1v15",
        });
        let data = match self.client.post(&format!("{}/sign/{}{hash}", self.mount, self.name), &body).await? {
            Answer::Data(data) => data,
            Answer::NotFound => return Err(SignError::Vault(format!("the key {:?} is gone", self.name))),
        };
        let signature = data.get("signature").and_then(Value::as_str).unwrap_or_default();
        let prefix = format!("vault:v{}:", self.version);
        let signature = signature.strip_prefix(&prefix).and_then(|text| STANDARD.decode(text).ok());
        signature.ok_or_else(|| unusual("gave no signature of the key's version"))
    }
}

/// A role of the JWT auth method at `method`, as Vault shows it ("JWT/OIDC auth method (API)", "Read role"); nothing where there is no
/// such role. It holds conditions and no secrets.
///
/// # Errors
/// When Vault is not there, or lets nobody in, or whoever asks may not read it ([`SignError::VaultDenied`]).
pub async fn vault_role(
    access: VaultAccess,
    method: &str,
    name: &str,
    timeout: Duration,
) -> Result<Option<Value>, SignError> {
    let method = path(method, "the path of the auth method")?;
    let name = path(name, "the role's name")?;
    let client = VaultClient::open(&access, timeout).await?;
    Ok(match client.get(&format!("auth/{method}/role/{name}")).await? {
        Answer::Data(role) => Some(role),
        Answer::NotFound => None,
    })
}

fn unusual(what: &str) -> SignError {
    SignError::Upstream { service: "Vault", message: format!("it {what}") }
}

/// A part of an address that leads nowhere else: Vault's own rule for key names, with slashes between the parts of a path.
fn path(text: &str, what: &str) -> Result<String, SignError> {
    let text = text.trim_matches('/');
    let fits = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
    };
    if text.split('/').all(fits) {
        Ok(text.to_owned())
    } else {
        Err(SignError::Vault(format!("{what} is {text:?}, expected letters, digits, `_`, `-` and `.`")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_nowhere_else() {
        for good in ["transit", "team/transit", "/transit/", "release-2.0", "_x"] {
            assert_eq!(path(good, "it").as_deref(), Ok(good.trim_matches('/')));
        }
        for bad in ["", "..", "a/../b", "a//b", "a?b", "a b", "a%2fb", "-a", "é", "a/.b"] {
            assert!(path(bad, "it").is_err(), "{bad:?}");
        }
    }
}
