//! Arguments of `doctor`, which are those of the commands that it looks ahead for.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use sealwright_core::ImageRef;
use sealwright_source::Transport;

use super::{EcrFlags, Signing};
use crate::cli::output::{DoctorFormat, Output};

pub(super) const DOCTOR_EXAMPLES: &str = "\
Examples:
  sealwright doctor --push 111122223333.dkr.ecr.eu-west-1.amazonaws.com/shop/app:v1 \\
      --aws-role arn:aws:iam::111122223333:role/release --policy sealwright.yaml
  sealwright doctor --identity-token token.jwt --aws-trust-policy trust.json --vault-role-file role.json
  sealwright doctor egress seal --push ghcr.io/acme/shop:v1

Of a token its claims are shown, never the token. Nothing is signed, pushed or stored.
Exit 2 means that something here is to be changed, 5 that an upstream did not answer.";

pub(super) const EGRESS_EXAMPLES: &str = "\
Examples:
  sealwright doctor egress
  sealwright doctor egress seal --push 111122223333.dkr.ecr.eu-west-1.amazonaws.com/shop/app:v1 \\
      --aws-role arn:aws:iam::111122223333:role/release";

/// `doctor`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Doctor {
    /// The parts of it that are commands of their own.
    #[command(subcommand)]
    pub part: Option<DoctorPart>,
    /// The image that would be sealed
    #[arg(value_name = "SOURCE")]
    pub source: Option<Transport>,
    /// What is to be checked.
    #[command(flatten)]
    pub plan: DoctorPlan,
    /// The trust file whose builders the job is compared with; default: sealwright.yaml or .github/sealwright.yaml of the
    /// checkout
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// The trust policy of an AWS role, as a document or as `aws iam get-role` prints it; default: that of --aws-role, as IAM
    /// shows it to the role itself or to whose AWS credentials are found (iam:GetRole)
    #[arg(long, value_name = "FILE")]
    pub aws_trust_policy: Option<PathBuf>,
    /// A role of Vault or OpenBao, as `vault read -format=json auth/jwt/role/NAME` prints it; default: --vault-role, as the server
    /// shows it to whose token `VAULT_TOKEN` or `BAO_TOKEN` is
    #[arg(long, value_name = "FILE")]
    pub vault_role_file: Option<PathBuf>,
    /// A SARIF file would be uploaded: check security-events write
    #[arg(long, value_name = "FILE")]
    pub sarif: Option<PathBuf>,
    /// An SBOM would be submitted to the dependency graph: check contents write
    #[arg(long, value_name = "FILE")]
    pub dependencies: Option<PathBuf>,
    /// An image's place would be recorded for the organization: check artifact-metadata write
    #[arg(long, value_name = "REF@DIGEST")]
    pub storage_record: Option<String>,
    /// Write a report: text (default), json or markdown, to stdout or to FILE
    #[arg(short, long, value_name = "FORMAT[=FILE]")]
    pub output: Vec<Output<DoctorFormat>>,
}

/// What a job is going to do, by the flags of the commands that do it.
#[derive(Debug, Args)]
pub struct DoctorPlan {
    /// Where an image goes
    #[arg(long, value_name = "REF[:TAG]", env = "SEALWRIGHT_PUSH")]
    pub push: Option<ImageRef>,
    /// Who signs.
    #[command(flatten)]
    pub signing: Signing,
    /// Who asks Amazon ECR.
    #[command(flatten)]
    pub ecr: EcrFlags,
}

/// The parts of `doctor` that are commands of their own.
#[derive(Debug, Subcommand)]
pub enum DoctorPart {
    /// List the endpoints that a command connects to, HOST:PORT one a line, as `allowed-endpoints` of harden-runner takes them
    #[command(after_help = EGRESS_EXAMPLES)]
    Egress(Box<Egress>),
}

/// `doctor egress`.
#[derive(Debug, Args)]
pub struct Egress {
    /// The command; default: all of them
    #[arg(value_name = "COMMAND")]
    pub command: Option<Connecting>,
    /// What it is going to do.
    #[command(flatten)]
    pub plan: DoctorPlan,
}

/// Commands that connect to something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "the names of the commands")]
pub enum Connecting {
    Seal,
    Sbom,
    Scan,
    Sign,
    Attest,
    Verify,
    Prove,
    Copy,
    Login,
    Db,
    Trust,
    Report,
    Doctor,
}
