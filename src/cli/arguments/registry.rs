//! Arguments about who asks a registry.

use clap::Args;
use sealwright_ecr::RoleArn;

pub(super) const LOGIN_EXAMPLES: &str = "\
Examples:
  sealwright login 111122223333.dkr.ecr.eu-west-1.amazonaws.com
  printenv TOKEN | sealwright login registry.example --username robot --password-stdin

Commands of sealwright log in to Amazon ECR by themselves; this is for other programs that read the Docker configuration.";

/// `login`.
#[derive(Debug, Args)]
pub struct Login {
    /// The registry's host, with its port if it has one
    #[arg(value_name = "REGISTRY")]
    pub registry: String,
    /// The user; not for Amazon ECR, which names its own
    #[arg(long, short, value_name = "USER", requires = "password_stdin")]
    pub username: Option<String>,
    /// Read the password from stdin
    #[arg(long, requires = "username")]
    pub password_stdin: bool,
    /// Who asks Amazon ECR.
    #[command(flatten)]
    pub ecr: EcrFlags,
}

/// Who asks Amazon ECR.
#[derive(Debug, Default, Args)]
pub struct EcrFlags {
    /// In a job of GitHub Actions, assume this role with the job's own identity, for one repository at a time; default: AWS
    /// credentials where every AWS SDK finds them
    #[arg(id = "aws_role", long = "aws-role", value_name = "ARN", help_heading = "Amazon ECR")]
    pub role: Option<RoleArn>,
}
