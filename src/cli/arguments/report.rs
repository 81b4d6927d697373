//! Arguments of what reports to GitHub.

use std::path::PathBuf;

use clap::{ArgGroup, Args};
use sealwright_core::ImageRef;

use crate::cli::output::{Output, ReportFormat};

pub(super) const REPORT_EXAMPLES: &str = "\
Examples:
  sealwright report --sarif scan.sarif
  sealwright report --dependencies app.cdx.json --storage-record registry.example/shop/app:v1@sha256:…

In a job of GitHub Actions the repository, the commit and the ref are those of the run; elsewhere set GITHUB_REPOSITORY, GITHUB_SHA
and GITHUB_REF. The token is GH_TOKEN, else GITHUB_TOKEN, and needs `permissions`: security-events: write for --sarif, contents:
write for --dependencies, artifact-metadata: write for --storage-record.";

/// `report`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("reported").required(true).multiple(true).args(["sarif", "dependencies", "storage_record"]))]
pub struct Report {
    /// A SARIF file for code scanning, as scan and seal write it
    #[arg(long, value_name = "FILE")]
    pub sarif: Vec<PathBuf>,
    /// A CycloneDX or SPDX document whose packages go to the dependency graph
    #[arg(long, value_name = "SBOM")]
    pub dependencies: Option<PathBuf>,
    /// An image by digest whose place the organization of the repository records; its tag is the version
    #[arg(long, value_name = "REF@DIGEST")]
    pub storage_record: Option<ImageRef>,
    /// Write a report: text (default) or json, to stdout or to FILE
    #[arg(short, long, value_name = "FORMAT[=FILE]")]
    pub output: Vec<Output<ReportFormat>>,
}
