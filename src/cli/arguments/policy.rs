//! Arguments of what is done with a trust file itself.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

pub(super) const EXPORT_EXAMPLES: &str = "\
Examples:
  sealwright policy export --format aws-trust-policy --account 111122223333
  sealwright policy export --policy sealwright.yaml --format vault-role --builder release

What the other side cannot say is told on stderr.";

/// `policy`.
#[derive(Debug, Subcommand)]
pub enum Policy {
    /// Write the keyless builders of a trust file as the trust policy of an AWS role or as a role of Vault
    #[command(after_help = EXPORT_EXAMPLES)]
    Export(PolicyExport),
}

/// `policy export`.
#[derive(Debug, Args)]
pub struct PolicyExport {
    /// The trust file; default: sealwright.yaml or .github/sealwright.yaml of the checkout
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// For whom it is written
    #[arg(long, value_name = "FORMAT")]
    pub format: PolicyFormat,
    /// Only this builder; a role of Vault is for one
    #[arg(long, value_name = "NAME")]
    pub builder: Option<String>,
    /// The AWS account of the role and of its identity provider
    #[arg(long, value_name = "ID", value_parser = account, required_if_eq("format", "aws-trust-policy"))]
    pub account: Option<String>,
    /// For whom the identity token for Vault is
    #[arg(long, value_name = "AUDIENCE", default_value = "vault")]
    pub vault_audience: String,
    /// Where it goes; default: stdout
    #[arg(long, value_name = "FILE")]
    pub outfile: Option<PathBuf>,
}

/// Who reads what is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PolicyFormat {
    /// AWS IAM: who may assume a role.
    AwsTrustPolicy,
    /// Vault and OpenBao: what a role of the JWT auth method binds.
    VaultRole,
    /// Programs.
    Json,
}

/// Twelve digits (AWS Account Management, "AWS account identifiers").
fn account(text: &str) -> Result<String, String> {
    let fits = text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
    if fits { Ok(text.to_owned()) } else { Err(format!("{text:?} is no account, expected 12 digits")) }
}
