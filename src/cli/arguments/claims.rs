//! Arguments about what a certificate says of a workload.

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, ValueEnum};

const WORKLOAD: &str = "Workload of GitHub";
/// Who is named otherwise: the claims would be passed over in silence.
const OTHERS: [&str; 2] = ["key", "policy"];

/// What the signer's certificate has to say about the workload, each exactly: in cosign's spelling, and where cosign has none in
/// ours.
#[derive(Debug, Default, Args)]
pub struct ExpectedClaims {
    /// The event that started it
    #[arg(
        long = "certificate-github-workflow-trigger",
        value_name = "EVENT",
        value_parser = stated(),
        conflicts_with_all = OTHERS,
        help_heading = WORKLOAD
    )]
    pub trigger: Option<String>,
    /// The commit that it ran on
    #[arg(
        long = "certificate-github-workflow-sha",
        value_name = "COMMIT",
        value_parser = stated(),
        conflicts_with_all = OTHERS,
        help_heading = WORKLOAD
    )]
    pub commit: Option<String>,
    /// The workflow's name
    #[arg(
        long = "certificate-github-workflow-name",
        value_name = "NAME",
        value_parser = stated(),
        conflicts_with_all = OTHERS,
        help_heading = WORKLOAD
    )]
    pub workflow_name: Option<String>,
    /// The repository that it ran on
    #[arg(
        long = "certificate-github-workflow-repository",
        value_name = "OWNER/NAME",
        value_parser = stated(),
        conflicts_with_all = OTHERS,
        help_heading = WORKLOAD
    )]
    pub repository: Option<String>,
    /// The ref that it ran on
    #[arg(
        long = "certificate-github-workflow-ref",
        value_name = "REF",
        value_parser = stated(),
        conflicts_with_all = OTHERS,
        help_heading = WORKLOAD
    )]
    pub workflow_ref: Option<String>,
    /// The repository's number, which stays when it is renamed
    #[arg(
        long = "certificate-github-repository-id",
        value_name = "NUMBER",
        conflicts_with_all = OTHERS,
        help_heading = WORKLOAD
    )]
    pub repository_id: Option<u64>,
    /// The number of the repository's owner
    #[arg(
        long = "certificate-github-owner-id",
        value_name = "NUMBER",
        conflicts_with_all = OTHERS,
        help_heading = WORKLOAD
    )]
    pub owner_id: Option<u64>,
    /// The kind of machine that it ran on
    #[arg(
        long = "certificate-github-runner-environment",
        value_name = "KIND",
        conflicts_with_all = OTHERS,
        help_heading = WORKLOAD
    )]
    pub runner: Option<RunnerEnvironment>,
}

/// The kind of machine that a workflow ran on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RunnerEnvironment {
    /// GitHub's own.
    GithubHosted,
    /// Somebody else's.
    SelfHosted,
}

/// cosign takes an empty text for anything.
fn stated() -> NonEmptyStringValueParser {
    NonEmptyStringValueParser::new()
}
