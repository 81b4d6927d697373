//! Arguments of what lists, takes and moves evidence.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use sealwright_core::ImageRef;
use sealwright_github::Place;

use super::EcrFlags;
use crate::cli::output::{Output, TableFormat};

pub(super) const TREE_EXAMPLES: &str = "\
Examples:
  sealwright tree registry.example/shop/app:v1
  sealwright tree registry.example/shop/app@sha256:… -o json=evidence.json

Types, times and signers are what the evidence claims. `sealwright verify` checks it.";

const BUNDLE_EXAMPLES: &str = "\
Examples:
  sealwright download bundle registry.example/shop/app:v1 --type cyclonedx -o app.sigstore.json
  sealwright download bundle registry.example/shop/app:v1 -o evidence/
  sealwright download bundle --artifact app.tar.gz --from-github acme/shop -o app.sigstore.json

Nothing is verified by it. `sealwright verify` does that; with --bundle FILE it needs no registry.";

const ATTESTATION_EXAMPLES: &str = "\
Examples:
  sealwright download attestation registry.example/shop/app:v1
  sealwright download attestation registry.example/shop/app:v1 --type vuln -o scans.jsonl

Nothing is verified by it. `sealwright verify --type TYPE` does that.";

const SBOM_DOWNLOAD_EXAMPLES: &str = "\
Examples:
  sealwright download sbom registry.example/shop/app:v1 -o app.json
  sealwright download sbom registry.example/shop/app:v1 --type spdxjson

Nothing is verified by it: anyone who may push could have stored the newest one.
`sealwright verify --type cyclonedx` checks who signed.";

pub(super) const COPY_EXAMPLES: &str = "\
Examples:
  sealwright copy registry.example/shop/app:v1 mirror.example/shop/app:v1
  sealwright copy registry.example/shop/app@sha256:… mirror.example/shop/app

The evidence comes first and the tag last. What is there already is not sent again.
Nothing is verified by it.";

/// `tree`.
#[derive(Debug, Args)]
pub struct Tree {
    /// The image in a registry
    #[arg(value_name = "REF")]
    pub reference: ImageRef,
    /// Formats: table (default), json
    #[arg(short, long, value_name = "FORMAT[=FILE]")]
    pub output: Vec<Output<TableFormat>>,
}

/// `download`.
#[derive(Debug, Subcommand)]
pub enum Download {
    /// The Sigstore bundles as they are stored: one as it is, several as JSON Lines, into a folder each in a file of its own
    #[command(after_help = BUNDLE_EXAMPLES)]
    Bundle(DownloadWhat),
    /// The statements in them, as JSON Lines; into a folder each in a file of its own
    #[command(after_help = ATTESTATION_EXAMPLES)]
    Attestation(DownloadWhat),
    /// The document of the newest SBOM statement
    #[command(after_help = SBOM_DOWNLOAD_EXAMPLES)]
    Sbom(DownloadWhat),
}

/// What is downloaded, and where to.
#[derive(Debug, Args)]
pub struct DownloadWhat {
    /// The image in a registry
    #[arg(value_name = "REF", required_unless_present = "artifact", conflicts_with = "artifact")]
    pub reference: Option<ImageRef>,
    /// What is in GitHub's attestation store instead of the registry, of a repository or of all that an owner has
    #[arg(long, value_name = "OWNER[/REPO]")]
    pub from_github: Option<Place>,
    /// A file, or sha256:HEX, instead of an image; only with --from-github
    #[arg(long, value_name = "FILE|sha256:HEX", requires = "from_github")]
    pub artifact: Option<String>,
    /// Only statements of this type: cyclonedx, spdxjson, vuln, slsaprovenance1, or a URI
    #[arg(long = "type", value_name = "TYPE")]
    pub kind: Option<String>,
    /// Where to; default: stdout
    #[arg(short, long, value_name = "FILE|DIR/")]
    pub output: Option<PathBuf>,
}

/// `copy`.
#[derive(Debug, Args)]
pub struct Copy {
    /// The image in a registry
    #[arg(value_name = "SRC")]
    pub source: ImageRef,
    /// Where it goes; without a tag it is there by its digest only
    #[arg(value_name = "DST[:TAG]")]
    pub destination: ImageRef,
    /// Who asks Amazon ECR.
    #[command(flatten)]
    pub ecr: EcrFlags,
}
