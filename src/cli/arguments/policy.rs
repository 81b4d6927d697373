//! Arguments of what is done with a trust file itself.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use sealwright_admission::lint::Version;
use sealwright_core::ImageRef;
use sealwright_policy::PathPattern;

use super::trust::TrustSource;
use crate::cli::output::{ExplainFormat, LintFormat, Output};

pub(super) const EXPORT_EXAMPLES: &str = "\
Examples:
  sealwright policy export --format aws-trust-policy --account 111122223333
  sealwright policy export --policy sealwright.yaml --format vault-role --builder release

What the other side cannot say is told on stderr.";

pub(super) const RENDER_EXAMPLES: &str = "\
Examples:
  sealwright policy render -o policies
  sealwright policy render --policy sealwright.yaml --also-allow 'registry.k8s.io/**' --revoked revoked.txt -o policies
  kubectl apply -k policies/overlays/audit
  sealwright policy render --format helm -o charts/sealwright-policies
  helm upgrade --install sealwright-policies charts/sealwright-policies --set action=Audit
  sealwright policy render --format policy-controller -o policies

What the admission controller cannot say is told on stderr.";

pub(super) const LINT_EXAMPLES: &str = "\
Examples:
  sealwright policy lint policies/
  sealwright policy lint verify.yaml --kyverno-version 1.20
  kustomize build overlays/enforce | sealwright policy lint - -o sarif=lint.sarif

Files are judged together: what one policy leaves open another one may close.
Exit 0: nothing, or warnings only. Exit 3: a policy does not do what it says.";

pub(super) const EXPLAIN_EXAMPLES: &str = "\
Examples:
  sealwright policy explain registry.example/shop/app:v1 --policy sealwright.yaml
  sealwright policy explain --from-cluster --policy sealwright.yaml --also-allow 'registry.k8s.io/**'
  kubectl get pods --all-namespaces -o json | sealwright policy explain --pods - -o markdown=enforce.md

It says of each image what the policies of `policy render` would do with it, rendered with the same --also-allow and --revoked: which
one denies it, what is missing, and what to do. Of what runs it judges the digest that runs, and the one that its tag names now.
Exit 0: all would be admitted. Exit 4: something would be denied. Exit 5: something could not be judged, and nothing else is denied.";

/// `policy`.
#[derive(Debug, Subcommand)]
pub enum Policy {
    /// Write a trust file as the policies of an admission controller that admit what its builders sealed, and nothing else
    #[command(after_help = RENDER_EXAMPLES)]
    Render(PolicyRender),
    /// Write the keyless builders of a trust file as the trust policy of an AWS role or as a role of Vault
    #[command(after_help = EXPORT_EXAMPLES)]
    Export(PolicyExport),
    /// Say what the policies would deny of images, or of what runs in a cluster, and what is missing
    #[command(after_help = EXPLAIN_EXAMPLES)]
    Explain(PolicyExplain),
    /// Find what is silently without effect in image policies of Kyverno
    #[command(after_help = LINT_EXAMPLES)]
    Lint(PolicyLint),
}

/// What `policy render` writes, and for whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RenderFormat {
    /// Kyverno 1.19.1 or newer: Kustomize's base, with an overlay that reports (audit) and one that denies (enforce)
    Kyverno,
    /// The same policies as a Helm chart
    Helm,
    /// Kyverno before 1.20: one ClusterPolicy with verifyImages, which is weaker and does nothing from 1.20 on
    KyvernoLegacy,
    /// Sigstore's policy-controller: ClusterImagePolicy, of builders that sign without a key
    PolicyController,
}

/// `policy render`.
#[derive(Debug, Args)]
pub struct PolicyRender {
    /// The trust file; default: sealwright.yaml or .github/sealwright.yaml of the checkout
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// The folder that the policies go to
    #[arg(short, long, value_name = "DIR")]
    pub output: PathBuf,
    /// As what they are written
    #[arg(long, value_name = "FORMAT", default_value = "kyverno")]
    pub format: RenderFormat,
    /// Images that run without evidence, beside those of the trust file; may be given several times
    #[arg(long, value_name = "PATTERN")]
    pub also_allow: Vec<PathPattern>,
    /// Digests that do not run any more: one per line, comments behind #
    #[arg(long, value_name = "FILE")]
    pub revoked: Option<PathBuf>,
    /// Let Kyverno fetch the key of a builder from AWS KMS: NAME=awskms:///arn:…; default: the file that the trust file names
    #[arg(long, value_name = "NAME=URI", value_parser = kms)]
    pub kms: Vec<(String, String)>,
    /// Whose certificates and logs count.
    #[command(flatten)]
    pub trust: TrustSource,
}

/// `policy explain`.
#[derive(Debug, Args)]
pub struct PolicyExplain {
    /// Images as a Pod names them
    #[arg(value_name = "IMAGE", required_unless_present_any = ["from_cluster", "pods"], value_parser = image)]
    pub images: Vec<String>,
    /// Every image of a cluster: `kubectl get pods --all-namespaces` is run, with your own kubectl
    #[arg(long, conflicts_with_all = ["images", "pods"])]
    pub from_cluster: bool,
    /// The context that kubectl is given
    #[arg(long, value_name = "NAME", requires = "from_cluster", conflicts_with_all = ["images", "pods"])]
    pub context: Option<String>,
    /// Only the Pods of this namespace
    #[arg(long, value_name = "NAME", requires = "from_cluster", conflicts_with_all = ["images", "pods"])]
    pub namespace: Option<String>,
    /// Every image of a list that was saved before, by `kubectl get pods --all-namespaces -o json`; - for stdin
    #[arg(long, value_name = "FILE", conflicts_with = "images")]
    pub pods: Option<PathBuf>,
    /// The trust file; default: sealwright.yaml or .github/sealwright.yaml of the checkout
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// Images that run without evidence, beside those of the trust file; may be given several times
    #[arg(long, value_name = "PATTERN")]
    pub also_allow: Vec<PathPattern>,
    /// Digests that do not run any more: one per line, comments behind #
    #[arg(long, value_name = "FILE")]
    pub revoked: Option<PathBuf>,
    /// Whose certificates and logs count.
    #[command(flatten)]
    pub trust: TrustSource,
    /// table, json or markdown, with =FILE into a file; repeatable
    #[arg(short, long, value_name = "FORMAT[=FILE]")]
    pub output: Vec<Output<ExplainFormat>>,
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

/// `policy lint`.
#[derive(Debug, Args)]
pub struct PolicyLint {
    /// Files, folders (every *.yaml and *.yml below) or - for stdin
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<PathBuf>,
    /// The version of Kyverno that will read them
    #[arg(long, value_name = "VERSION", default_value_t = Version::DEFAULT)]
    pub kyverno_version: Version,
    /// table, json or sarif, with =FILE into a file; repeatable
    #[arg(short, long, value_name = "FORMAT[=FILE]")]
    pub output: Vec<Output<LintFormat>>,
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

/// A reference as it was written: a policy reads it so, without the registry that a short name stands for.
fn image(text: &str) -> Result<String, String> {
    text.parse::<ImageRef>().map(|_| text.to_owned()).map_err(|e| e.to_string())
}

/// Twelve digits (AWS Account Management, "AWS account identifiers").
fn account(text: &str) -> Result<String, String> {
    let fits = text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
    if fits { Ok(text.to_owned()) } else { Err(format!("{text:?} is no account, expected 12 digits")) }
}

/// A builder and the whole ARN of its key: an alias or an endpoint could be turned to another key.
fn kms(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(name, uri)| !name.is_empty() && uri.starts_with("awskms:///arn:"));
    let (name, uri) =
        pair.ok_or_else(|| format!("{text:?} is no builder with a key, expected NAME=awskms:///arn:…"))?;
    Ok((name.to_owned(), uri.to_owned()))
}
