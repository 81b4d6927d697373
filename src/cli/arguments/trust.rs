//! Arguments that name a Sigstore instance, and the command that shows and fetches what it publishes.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::cli::output::{Output, ReportFormat};

/// Under which the help lists what names an instance. A heading of the whole struct would go on behind it.
pub(super) const INSTANCE: &str = "Sigstore instance";

/// Where the keys and certificates of a Sigstore instance come from.
#[derive(Debug, Default, Args)]
pub struct TrustSource {
    /// Its keys and certificates; default: what the instance publishes by TUF
    #[arg(long, value_name = "FILE", conflicts_with_all = ["instance", "tuf"], help_heading = INSTANCE)]
    pub trusted_root: Option<PathBuf>,
    /// Which instance's TUF repository is asked; default: public-good
    #[arg(long, value_name = "NAME", help_heading = INSTANCE)]
    pub instance: Option<InstanceName>,
    /// The address of the TUF repository, of a private instance or a mirror, as of `cosign initialize --mirror`
    #[arg(long, value_name = "URL", help_heading = INSTANCE)]
    pub tuf: Option<String>,
    /// The first root.json of a private instance's repository, as of `cosign initialize --root`
    #[arg(long, value_name = "FILE", requires = "tuf", conflicts_with = "instance", help_heading = INSTANCE)]
    pub tuf_root: Option<PathBuf>,
}

impl TrustSource {
    /// Whether nothing of it was said.
    pub fn is_default(&self) -> bool {
        self.trusted_root.is_none() && self.instance.is_none() && self.tuf.is_none()
    }
}

/// An instance whose first root comes along.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum InstanceName {
    /// Sigstore's own, for everyone.
    PublicGood,
    /// GitHub's, for repositories that are not public.
    Github,
}

pub(super) const SHOW_EXAMPLES: &str = "\
Examples:
  sealwright trust show
  sealwright trust show --tuf https://tuf.example --tuf-root root.json -o json";

pub(super) const UPDATE_EXAMPLES: &str = "\
Examples:
  sealwright trust update
  sealwright trust update --tuf https://tuf.example --tuf-root root.json

It does what `cosign initialize --mirror URL --root FILE` does, and keeps it in a cache of its own. Commands that need a trusted root
fetch one themselves when there is none or it has expired.";

/// `trust`.
#[derive(Debug, Subcommand)]
pub enum Trust {
    /// Show what is kept of an instance, how old it is, and whom it names; nobody is asked
    #[command(after_help = SHOW_EXAMPLES)]
    Show(TrustReport),
    /// Fetch what an instance publishes now
    #[command(after_help = UPDATE_EXAMPLES)]
    Update(TrustReport),
}

/// `trust show` and `trust update`.
#[derive(Debug, Args)]
pub struct TrustReport {
    /// Which instance.
    #[command(flatten)]
    pub trust: TrustSource,
    /// Write a report: text (default) or json, to stdout or to FILE
    #[arg(short, long, value_name = "FORMAT[=FILE]")]
    pub output: Vec<Output<ReportFormat>>,
}
