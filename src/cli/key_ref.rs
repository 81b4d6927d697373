//! `--key`: a file, or a key of Vault, OpenBao or AWS KMS in cosign's spelling.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// A private key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyRef {
    /// A file.
    File(PathBuf),
    /// `hashivault://NAME` or `openbao://NAME`: a key of the transit engine.
    Vault {
        /// Whose environment variables say where it is.
        dialect: Dialect,
        /// Its name.
        name: String,
    },
    /// `awskms://[ENDPOINT]/NAME`.
    Kms {
        /// The host that answers instead of AWS's own, over TLS.
        endpoint: Option<String>,
        /// An id, an ARN, `alias/NAME` or an alias's ARN.
        name: String,
    },
}

/// Vault and OpenBao speak the same, and their clients read variables of other names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// HashiCorp Vault: `VAULT_…`.
    Vault,
    /// OpenBao: `BAO_…`, else `VAULT_…`.
    OpenBao,
}

impl FromStr for KeyRef {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let vault = |dialect, name: &str| match name {
            "" => Err(format!("{text:?} names no key, expected for example hashivault://release")),
            name => Ok(Self::Vault { dialect, name: name.to_owned() }),
        };
        match text.split_once("://") {
            Some(("hashivault", name)) => vault(Dialect::Vault, name),
            Some(("openbao", name)) => vault(Dialect::OpenBao, name),
            Some(("awskms", rest)) => match rest.split_once('/') {
                Some((endpoint, name)) if !name.is_empty() => {
                    let endpoint = Some(endpoint).filter(|e| !e.is_empty()).map(str::to_owned);
                    Ok(Self::Kms { endpoint, name: name.to_owned() })
                }
                _ => Err(format!("{text:?} names no key, expected for example awskms:///alias/release")),
            },
            Some((scheme, _)) => Err(format!(
                "{scheme}:// keys cannot be used by this version, expected a file, awskms:///NAME, hashivault://NAME or openbao://NAME"
            )),
            None => Ok(Self::File(text.into())),
        }
    }
}

impl fmt::Display for KeyRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) => file.display().fmt(f),
            Self::Vault { dialect: Dialect::Vault, name } => write!(f, "hashivault://{name}"),
            Self::Vault { dialect: Dialect::OpenBao, name } => write!(f, "openbao://{name}"),
            Self::Kms { endpoint, name } => write!(f, "awskms://{}/{name}", endpoint.as_deref().unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_named_as_with_cosign() {
        // AWS's spellings: cosign, "KMS_SUPPORT.md".
        let kms = [
            "awskms:///alias/release",
            "awskms:///1234abcd-12ab-34cd-56ef-1234567890ab",
            "awskms:///arn:aws:kms:us-east-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
            "awskms:///arn:aws:kms:us-east-2:111122223333:alias/release",
            "awskms://localhost:4566/alias/release",
        ];
        let others = ["cosign.key", "keys/a.pem", "hashivault://release", "openbao://team-a.release"];
        for text in kms.into_iter().chain(others) {
            let key: KeyRef = text.parse().expect(text);
            assert_eq!(key.to_string(), text);
            assert_eq!(matches!(key, KeyRef::File(_)), !text.contains("://"));
        }
        for (text, word) in [
            ("hashivault://", "names no key"),
            ("gcpkms://x", "gcpkms:// keys cannot"),
            ("awskms://", "names no key"),
            ("awskms:///", "names no key"),
        ] {
            assert!(text.parse::<KeyRef>().is_err_and(|e| e.contains(word)), "{text}");
        }
    }
}
