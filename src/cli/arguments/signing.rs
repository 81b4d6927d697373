//! Arguments of what signs one thing, and of what everything that signs has in common.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use sealwright_core::ImageRef;

use super::trust::INSTANCE;
use super::{EcrFlags, Transparency, TrustSource};
use crate::cli::key_ref::KeyRef;
use crate::cli::output::{Output, ReportFormat};

pub(super) const SIGN_EXAMPLES: &str = "\
Examples:
  sealwright sign registry.example/shop/app@sha256:… --key cosign.key --transparency none
  sealwright sign registry.example/shop/app:v1 --recursive -a approved-by=ops --key cosign.key \\
      --transparency required
  sealwright sign --artifact app.tar.gz --bundle app.sigstore.json --key cosign.key --transparency none

No gate is asked: `seal` signs what was judged, `sign` signs what you name.";

pub(super) const ATTEST_EXAMPLES: &str = "\
Examples:
  sealwright attest registry.example/shop/app@sha256:… --type openvex --predicate app.vex.json --key cosign.key \\
      --transparency none
  sealwright attest --artifact app.tar.gz --type cyclonedx --predicate app.cdx.json --bundle app.sigstore.json \\
      --signing-config signing-config.json --trusted-root trusted-root.json

Types: cyclonedx, spdx, spdxjson, vuln, openvex, slsaprovenance, slsaprovenance02, slsaprovenance1, link, custom, or a URI.";

pub(super) const GENERATE_KEY_PAIR_EXAMPLES: &str = "\
Examples:
  COSIGN_PASSWORD=… sealwright generate-key-pair
  COSIGN_PASSWORD=… sealwright generate-key-pair --output-key-prefix release

The private key lies in cosign.key, which only its owner may read, the public key in cosign.pub. Nothing is replaced.";

pub(super) const PUBLIC_KEY_EXAMPLES: &str = "\
Examples:
  sealwright public-key --key cosign.key
  VAULT_ADDR=https://vault.example:8200 sealwright public-key --key hashivault://release --outfile release.pub";

/// `public-key`.
#[derive(Debug, Args)]
pub struct PublicKey {
    /// Whose key.
    #[command(flatten)]
    pub identity: Identity,
    /// Where it goes; default: stdout
    #[arg(long, value_name = "FILE")]
    pub outfile: Option<PathBuf>,
}

/// `sign`.
#[derive(Debug, Args)]
pub struct Sign {
    /// The image; a tag is looked up once, and what it names then is signed
    #[arg(value_name = "REF", required_unless_present = "artifact", conflicts_with = "artifact")]
    pub reference: Option<ImageRef>,
    /// A file instead of an image
    #[arg(long, value_name = "FILE", requires = "bundle")]
    pub artifact: Option<PathBuf>,
    /// Where the bundle about a file goes
    #[arg(long, value_name = "FILE", requires = "artifact")]
    pub bundle: Option<PathBuf>,
    /// Words of yours in the signature of an image; repeatable
    #[arg(short = 'a', long, value_name = "KEY=VALUE", value_parser = key_and_value, conflicts_with = "artifact")]
    pub annotations: Vec<(String, String)>,
    /// How the signature is stored: bundle (cosign 3), legacy (tags of cosign up to 2.x), or both
    #[arg(long, value_name = "FORMAT", default_value = "bundle")]
    pub format: Format,
    /// Sign the image of every platform of an index too
    #[arg(short, long, conflicts_with = "artifact")]
    pub recursive: bool,
    /// Who signs.
    #[command(flatten)]
    pub signing: Signing,
    /// Who asks Amazon ECR.
    #[command(flatten)]
    pub ecr: EcrFlags,
    /// Where evidence is written besides.
    #[command(flatten)]
    pub evidence: EvidenceFiles,
    /// Write a report: text (default) or json, to stdout or to FILE
    #[arg(short, long, value_name = "FORMAT[=FILE]")]
    pub output: Vec<Output<ReportFormat>>,
}

/// How evidence about an image is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Sigstore bundles among the image's referrers.
    Bundle,
    /// Layers under the tags `sha256-HEX.sig` and `.att`.
    Legacy,
    /// Both of them.
    Both,
}

impl Format {
    /// Whether bundles are written.
    pub fn writes_bundles(self) -> bool {
        self != Self::Legacy
    }

    /// Whether the tags of older versions are written.
    pub fn writes_legacy(self) -> bool {
        self != Self::Bundle
    }
}

/// `attest`.
#[derive(Debug, Args)]
pub struct Attest {
    /// The image; a tag is looked up once, and what it names then is attested
    #[arg(value_name = "REF", required_unless_present = "artifact", conflicts_with = "artifact")]
    pub reference: Option<ImageRef>,
    /// A file instead of an image
    #[arg(long, value_name = "FILE", requires = "bundle")]
    pub artifact: Option<PathBuf>,
    /// Where the bundle about a file goes
    #[arg(long, value_name = "FILE", requires = "artifact")]
    pub bundle: Option<PathBuf>,
    /// What is stated, by one of cosign's words or a URI
    #[arg(long = "type", value_name = "TYPE")]
    pub kind: String,
    /// How a statement about an image is stored: bundle (cosign 3), legacy (tags of cosign up to 2.x), or both
    #[arg(long, value_name = "FORMAT", default_value = "bundle")]
    pub format: Format,
    /// The statement's predicate, a JSON object; `-` for stdin
    #[arg(long, value_name = "FILE|-")]
    pub predicate: PathBuf,
    /// Who signs.
    #[command(flatten)]
    pub signing: Signing,
    /// Who asks Amazon ECR.
    #[command(flatten)]
    pub ecr: EcrFlags,
    /// Where evidence is written besides.
    #[command(flatten)]
    pub evidence: EvidenceFiles,
    /// Write a report: text (default) or json, to stdout or to FILE
    #[arg(short, long, value_name = "FORMAT[=FILE]")]
    pub output: Vec<Output<ReportFormat>>,
}

/// Where evidence is written besides.
#[derive(Debug, Args)]
pub struct EvidenceFiles {
    /// Write the bundle of every statement about the image that counts into this folder too, signed now or before
    #[arg(long = "evidence-dir", value_name = "DIR")]
    pub folder: Option<PathBuf>,
}

/// `generate-key-pair`.
#[derive(Debug, Args)]
pub struct GenerateKeyPair {
    /// What the names of the two files start with
    #[arg(long, value_name = "PREFIX", default_value = "cosign")]
    pub output_key_prefix: String,
}

/// A token for somebody else's eyes is given to no Vault: whoever it is shown to could sign, or assume a role, with it.
fn vault_audience(text: &str) -> Result<String, String> {
    let taken = ["sigstore", "amazonaws.com"];
    if text.is_empty() || taken.iter().any(|word| text.to_ascii_lowercase().contains(word)) {
        return Err(format!("{text:?} is no audience of a Vault, expected its own, for example its address"));
    }
    Ok(text.to_owned())
}

fn key_and_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(format!("{text:?} is no pair, expected KEY=VALUE")),
    }
}

/// Who signs, and where it is entered.
#[derive(Debug, Args)]
pub struct Signing {
    /// Who signs.
    #[command(flatten)]
    pub identity: Identity,
    /// Whether signatures are entered into a transparency log (the default); `none` only with a key. Keyless, a repository
    /// that is not public has to say `required` where there is a log: it shows its name to everyone
    #[arg(long, value_name = "WORD")]
    pub transparency: Option<Transparency>,
    /// Which Sigstore instance certifies and logs.
    #[command(flatten)]
    pub trust: TrustSource,
    /// Its endpoints; default: what the instance publishes by TUF
    #[arg(long, value_name = "FILE", help_heading = INSTANCE)]
    pub signing_config: Option<PathBuf>,
    /// Take the endpoints with a log of version 2, which not every instance publishes
    #[arg(long, conflicts_with = "signing_config", help_heading = INSTANCE)]
    pub rekor_v2: bool,
    /// Store what was signed in GitHub's attestation store too, in the repository that the workload's token names; keyless
    /// only. The token in `GH_TOKEN` or `GITHUB_TOKEN` needs `attestations: write`
    #[arg(long)]
    pub push_to_github: bool,
}

/// A key, or the workload itself.
#[derive(Debug, Args)]
pub struct Identity {
    /// A private key: a file (PEM, or cosign's encrypted format), awskms:///NAME, hashivault://NAME or openbao://NAME; without
    /// one, keyless
    #[arg(long, value_name = "FILE|URI")]
    pub key: Option<KeyRef>,
    /// The OpenID Connect token that names the workload, `-` for stdin; default: `SIGSTORE_ID_TOKEN`, or the token endpoint of
    /// the GitHub Actions job
    #[arg(long, value_name = "FILE|-")]
    pub identity_token: Option<PathBuf>,
    /// How one gets at a key of Vault or OpenBao.
    #[command(flatten)]
    pub vault: VaultFlags,
}

const VAULT: &str = "Vault and OpenBao";

/// How one gets at a key of Vault or OpenBao. Where they are, their own variables say.
#[derive(Debug, Default, Args)]
pub struct VaultFlags {
    /// Log in as this role with the workload's own identity token
    #[arg(id = "vault_role", long = "vault-role", value_name = "ROLE", requires = "key", help_heading = VAULT)]
    pub role: Option<String>,
    /// The path of the auth method; default: jwt with --vault-role, else approle
    #[arg(id = "vault_auth", long = "vault-auth", value_name = "PATH", requires = "key", help_heading = VAULT)]
    pub auth: Option<String>,
    /// For whom the identity token is, as the role demands it
    #[arg(id = "vault_audience", long = "vault-audience", value_name = "AUDIENCE", default_value = "vault", value_parser = vault_audience, help_heading = VAULT)]
    pub audience: String,
    /// Sign with this version of the key; default: the latest one
    #[arg(id = "vault_key_version", long = "vault-key-version", value_name = "N", requires = "key", help_heading = VAULT)]
    pub key_version: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_audience_of_somebody_else_is_refused_for_a_vault() {
        for good in ["vault", "https://vault.example:8200", "https://github.com/acme"] {
            assert_eq!(vault_audience(good).as_deref(), Ok(good));
        }
        for bad in ["", "sigstore", "SIGSTORE", "sts.amazonaws.com", "https://sts.amazonaws.com.cn"] {
            assert!(vault_audience(bad).is_err(), "{bad:?}");
        }
    }
}
