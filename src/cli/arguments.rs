//! The command line, as clap reads it.
//!
//! Policy, key, transparency, trust root and advisory data have no environment variables: a step that can write
//! `GITHUB_ENV` could weaken them. The one exception is the password of a key, which never stands on a command line.

mod claims;
mod doctor;
mod evidence;
mod policy;
mod registry;
mod report;
mod signing;
mod trust;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use sealwright_core::{Digest, ImageRef, Platform, Severity};
use sealwright_github::Place;
use sealwright_source::Transport;

pub use claims::{ExpectedClaims, RunnerEnvironment};
pub use doctor::{Connecting, Doctor, DoctorPart, DoctorPlan, Egress};
pub use evidence::{Copy, Download, DownloadWhat, Tree};
pub use policy::{Policy, PolicyExplain, PolicyExport, PolicyFormat, PolicyLint, PolicyRender, RenderFormat};
pub use registry::{EcrFlags, Login};
pub use report::Report;
pub use signing::{Attest, EvidenceFiles, Format, GenerateKeyPair, Identity, PublicKey, Sign, Signing, VaultFlags};
pub use trust::{InstanceName, Trust, TrustReport, TrustSource};

use doctor::DOCTOR_EXAMPLES;
use evidence::{COPY_EXAMPLES, TREE_EXAMPLES};
use registry::LOGIN_EXAMPLES;
use report::REPORT_EXAMPLES;
use signing::{ATTEST_EXAMPLES, GENERATE_KEY_PAIR_EXAMPLES, PUBLIC_KEY_EXAMPLES, SIGN_EXAMPLES};

use super::output::{Output, ProofFormat, SbomFormat, ScanFormat, SealFormat, VerifyFormat};
use super::parameters::Parameters;

/// Is what runs in production exactly what was built from this commit, untampered, and free of critical vulnerabilities
/// that were not accepted?
#[derive(Debug, Parser)]
#[command(name = "sealwright", version, max_term_width = 110, after_help = AFTER_HELP)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Flags of every command.
    #[command(flatten)]
    pub global: Global,
}

const AFTER_HELP: &str = "\
Sources:
  oci:DIR[:TAG]            an OCI image layout
  oci-archive:FILE[:TAG]   the same in one tar file
  docker-archive:FILE[:NAME]  what `docker save` writes
  docker-daemon:NAME       an image of the local Docker engine
  sbom:FILE|-              a CycloneDX or SPDX document (scan only)
  [REGISTRY/]NAME[:TAG][@DIGEST]  an image in a registry

Exit codes: 0 passed, 1 internal error, 2 usage or configuration, 3 the gate refused, 4 verification failed,
5 an upstream was unavailable or does not have what was asked for.";

/// Flags of every command.
#[derive(Debug, Args)]
pub struct Global {
    /// Print results only: no progress and no notes
    #[arg(long, short, global = true, env = "SEALWRIGHT_QUIET")]
    pub quiet: bool,
    /// How messages on stderr are written
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text", env = "SEALWRIGHT_LOG_FORMAT")]
    pub log_format: LogFormat,
    /// The longest that one network operation may take, for example 30s or 5m
    #[arg(long, global = true, value_name = "DURATION", default_value = "5m", value_parser = duration, env = "SEALWRIGHT_TIMEOUT")]
    pub timeout: Duration,
}

/// How messages are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For a person.
    Text,
    /// One JSON object a line.
    Json,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show the whole story on this machine: gate, seal, verify, tamper, ask; no network, no accounts, no containers
    Demo,
    /// Read an image, gate it, push it by digest, sign and attest it, read back and verify, tag last
    #[command(after_help = SEAL_EXAMPLES)]
    Seal(Seal),
    /// List what is in an image
    #[command(after_help = SBOM_EXAMPLES)]
    Sbom(Sbom),
    /// Match an image, or an SBOM of one, against advisories
    #[command(after_help = SCAN_EXAMPLES)]
    Scan(Scan),
    /// Check the evidence of an image in a registry, or a bundle in a file
    #[command(after_help = VERIFY_EXAMPLES)]
    Verify(Verify),
    /// Show the chain of custody of an image on one page: source, build, SBOM, scans, decision, signatures
    #[command(after_help = PROVE_EXAMPLES)]
    Prove(Prove),
    /// Sign an image in a registry: "this is mine"
    #[command(after_help = SIGN_EXAMPLES)]
    Sign(Sign),
    /// State something about an image in a registry, or about a file: sign a predicate of any type
    #[command(after_help = ATTEST_EXAMPLES)]
    Attest(Attest),
    /// Make a key pair in cosign's format, encrypted with COSIGN_PASSWORD
    #[command(after_help = GENERATE_KEY_PAIR_EXAMPLES)]
    GenerateKeyPair(GenerateKeyPair),
    /// Write the public half of a key
    #[command(after_help = PUBLIC_KEY_EXAMPLES)]
    PublicKey(PublicKey),
    /// List the evidence that is stored with an image; nothing is verified
    #[command(after_help = TREE_EXAMPLES)]
    Tree(Tree),
    /// Write the evidence that is stored with an image; nothing is verified
    #[command(subcommand)]
    Download(Download),
    /// Copy an image with all its evidence to another repository; digests stay the same, the tag is set last
    #[command(after_help = COPY_EXAMPLES)]
    Copy(Copy),
    /// Write a login into Docker's configuration; for Amazon ECR it comes from AWS
    #[command(after_help = LOGIN_EXAMPLES)]
    Login(Login),
    /// Report to GitHub: findings to code scanning, packages to the dependency graph, where an image is kept
    #[command(after_help = REPORT_EXAMPLES)]
    Report(Report),
    /// Advisory data: fetch, import, show
    #[command(subcommand)]
    Db(Db),
    /// The keys and endpoints of a Sigstore instance: show, fetch
    #[command(subcommand)]
    Trust(Trust),
    /// The trust file in the words of others
    #[command(subcommand)]
    Policy(Policy),
    /// Look ahead: say which claim, permission or capability a job lacks, before it is needed
    #[command(after_help = DOCTOR_EXAMPLES)]
    Doctor(Box<Doctor>),
    /// What a step of GitHub Actions runs: its inputs are read from the environment
    #[command(hide = true)]
    Action,
}

const SEAL_EXAMPLES: &str = "\
Examples:
  sealwright seal oci:build/image --push registry.example/shop/app:v1 --key cosign.key --transparency none
  sealwright seal docker-archive:app.tar --push registry.example/shop/app:v1 --policy sealwright.yaml

The password of an encrypted key is read from COSIGN_PASSWORD.";

const SBOM_EXAMPLES: &str = "\
Examples:
  sealwright sbom oci:build/image
  sealwright sbom docker-archive:app.tar -o cyclonedx-json=app.cdx.json -o spdx-json=app.spdx.json";

const SCAN_EXAMPLES: &str = "\
Examples:
  sealwright scan oci:build/image --db advisories
  sealwright scan sbom:app.cdx.json --db advisories --fail-on high --only-fixed
  sealwright scan docker-archive:app.tar --policy sealwright.yaml -o json=scan.json
  sealwright scan oci:build/image -o sarif=scan.sarif -o markdown=summary.md

Without a policy file and without --fail-on it reports and exits 0.";

const VERIFY_EXAMPLES: &str = "\
Examples:
  sealwright verify registry.example/shop/app:v1 --policy sealwright.yaml
  sealwright verify registry.example/shop/app:v1 --key cosign.pub --transparency none
  sealwright verify registry.example/shop/app@sha256:… \\
      --certificate-identity https://github.com/acme/shop/.github/workflows/release.yml@refs/heads/main \\
      --certificate-oidc-issuer https://token.actions.githubusercontent.com
  sealwright verify --bundle app.sigstore.json --artifact sha256:… --key cosign.pub --transparency none
  sealwright verify --artifact app.tar.gz --from-github acme/shop --type slsaprovenance1 --trusted-root root.json \\
      --certificate-identity https://github.com/acme/shop/.github/workflows/release.yml@refs/heads/main \\
      --certificate-oidc-issuer https://token.actions.githubusercontent.com";

const PROVE_EXAMPLES: &str = "\
Examples:
  sealwright prove registry.example/shop/app:v1 --policy sealwright.yaml
  sealwright prove registry.example/shop/app:v1 --policy sealwright.yaml --db advisories -o html=app.html -o json=app.json
  sealwright prove registry.example/shop/app:v1 --key cosign.pub --transparency none -o markdown

Exit 4 means that a check does not hold; the page is written all the same and says which.";

/// `seal`.
#[derive(Debug, Args)]
pub struct Seal {
    /// The image to seal
    #[arg(value_name = "SOURCE")]
    pub source: Transport,
    /// Where it goes; the tag is set last
    #[arg(long, value_name = "REF[:TAG]", env = "SEALWRIGHT_PUSH")]
    pub push: ImageRef,
    /// Trust file and advisories.
    #[command(flatten)]
    pub rules: Rules,
    /// Who signs.
    #[command(flatten)]
    pub signing: Signing,
    /// Who asks Amazon ECR.
    #[command(flatten)]
    pub ecr: EcrFlags,
    /// Where evidence is written besides.
    #[command(flatten)]
    pub evidence: EvidenceFiles,
    /// Refuse an image that has not this digest, as whoever built it stated it
    #[arg(long, value_name = "sha256:HEX")]
    pub expect_digest: Option<Digest>,
    /// The declared inputs of the reusable workflow that runs this, a JSON object; they stand in the provenance
    #[arg(long, value_name = "JSON")]
    pub parameters: Option<Parameters>,
    /// How evidence is stored: bundle (cosign 3), legacy (tags of cosign up to 2.x), or both
    #[arg(long, value_name = "FORMAT", default_value = "bundle")]
    pub format: Format,
    /// Push and seal only this platform of an index
    #[arg(long, value_name = "OS/ARCH[/VARIANT]", env = "SEALWRIGHT_PLATFORM")]
    pub platform: Option<Platform>,
    /// Write a report: text (default), json, sarif, markdown, markdown-comment or annotations, to stdout or to FILE
    #[arg(short, long, value_name = "FORMAT[=FILE]")]
    pub output: Vec<Output<SealFormat>>,
}

/// The trust file and the advisories it is judged with.
#[derive(Debug, Args)]
pub struct Rules {
    /// The trust file; default: sealwright.yaml or .github/sealwright.yaml of the checkout, else the built-in policy
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// The advisory store; default: the user's cache folder
    #[arg(long, value_name = "DIR")]
    pub db: Option<PathBuf>,
}

/// Whether a log entry and a trusted time are demanded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Transparency {
    /// A log entry and a trusted time are demanded.
    Required,
    /// Neither; the signature, the subject and the predicate type are still checked.
    None,
}

/// In a constant, because rustdoc would take the brackets for links.
const SBOM_FORMATS: &str = "Formats: table (default), cyclonedx-json[@1.5|@1.6|@1.7], spdx-json[@2.3], json";

/// `sbom`.
#[derive(Debug, Args)]
pub struct Sbom {
    /// The image
    #[arg(value_name = "SOURCE")]
    pub source: Transport,
    /// What is written, and where.
    #[arg(short, long, value_name = "FORMAT[=FILE]", help = SBOM_FORMATS)]
    pub output: Vec<Output<SbomFormat>>,
    /// The platform of an index; default: this machine's
    #[arg(long, value_name = "OS/ARCH[/VARIANT]", env = "SEALWRIGHT_PLATFORM")]
    pub platform: Option<Platform>,
}

/// `scan`.
#[derive(Debug, Args)]
pub struct Scan {
    /// The image, or sbom:FILE
    #[arg(value_name = "SOURCE")]
    pub source: Transport,
    /// Trust file and advisories.
    #[command(flatten)]
    pub rules: Rules,
    /// Refuse (exit 3) flaws of this severity and above: negligible, low, medium, high, critical
    #[arg(long, value_name = "SEVERITY", conflicts_with = "policy", env = "SEALWRIGHT_FAIL_ON")]
    pub fail_on: Option<Severity>,
    /// Do not refuse flaws without a fix
    #[arg(long, conflicts_with = "policy", env = "SEALWRIGHT_ONLY_FIXED")]
    pub only_fixed: bool,
    /// Formats: table (default), json, sarif, markdown, markdown-comment, annotations
    #[arg(short, long, value_name = "FORMAT[=FILE]")]
    pub output: Vec<Output<ScanFormat>>,
    /// The platform of an index; default: this machine's
    #[arg(long, value_name = "OS/ARCH[/VARIANT]", env = "SEALWRIGHT_PLATFORM")]
    pub platform: Option<Platform>,
}

/// `verify`.
#[derive(Debug, Args)]
pub struct Verify {
    /// The image in a registry
    #[arg(
        value_name = "REF",
        required_unless_present_any = ["bundle", "artifact"],
        conflicts_with_all = ["bundle", "artifact"]
    )]
    pub reference: Option<ImageRef>,
    /// The trust file whose evidence rules all have to hold
    #[arg(long, value_name = "FILE", conflicts_with_all = ["key", "certificate_identity", "certificate_identity_regexp", "kind"])]
    pub policy: Option<PathBuf>,
    /// Whose evidence counts.
    #[command(flatten)]
    pub signer: ExpectedSigner,
    /// Demand a statement of this type instead of a signature: cyclonedx, spdxjson, vuln, slsaprovenance1, or a URI
    #[arg(long = "type", value_name = "TYPE")]
    pub kind: Option<String>,
    /// Read and hash the image's layers too
    #[arg(long, conflicts_with_all = ["bundle", "artifact"])]
    pub layers: bool,
    /// Judge what the verified SBOM lists anew: by the trust file's gate, with the advisories of this store
    #[arg(long, value_name = "DIR", requires = "policy", conflicts_with_all = ["key", "certificate_identity", "certificate_identity_regexp"])]
    pub db: Option<PathBuf>,
    /// Say what stands behind each check: its documentation, the statements that count, and why others do not
    #[arg(long)]
    pub explain: bool,
    /// A bundle in a file instead of those in a registry
    #[arg(long, value_name = "FILE", requires = "artifact", conflicts_with = "from_github")]
    pub bundle: Option<PathBuf>,
    /// What the bundle is about: a file, or sha256:HEX; with --bundle or --from-github
    #[arg(long, value_name = "FILE|sha256:HEX")]
    pub artifact: Option<String>,
    /// The bundles in GitHub's attestation store instead of those in the registry, of a repository or of all that an owner has
    #[arg(long, value_name = "OWNER[/REPO]")]
    pub from_github: Option<Place>,
    /// Write a report: text (default), json, markdown or markdown-comment, to stdout or to FILE
    #[arg(short, long, value_name = "FORMAT[=FILE]")]
    pub output: Vec<Output<VerifyFormat>>,
}

/// `prove`.
#[derive(Debug, Args)]
pub struct Prove {
    /// The image in a registry
    #[arg(value_name = "REF")]
    pub reference: ImageRef,
    /// The trust file whose evidence rules all have to hold
    #[arg(long, value_name = "FILE", conflicts_with_all = ["key", "certificate_identity", "certificate_identity_regexp"])]
    pub policy: Option<PathBuf>,
    /// Whose evidence counts.
    #[command(flatten)]
    pub signer: ExpectedSigner,
    /// The advisory store for the scan of today; default: the user's cache folder, if it holds one
    #[arg(long, value_name = "DIR")]
    pub db: Option<PathBuf>,
    /// Write the page: text (default), markdown, html or json, to stdout or to FILE
    #[arg(short, long, value_name = "FORMAT[=FILE]")]
    pub output: Vec<Output<ProofFormat>>,
}

/// Whose evidence counts, in cosign's spelling.
#[derive(Debug, Args)]
pub struct ExpectedSigner {
    /// The signer's public key (PEM)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["certificate_identity", "certificate_identity_regexp"])]
    pub key: Option<PathBuf>,
    /// Whether a log entry and a trusted time are demanded; `none` only with a key. Certificates of an instance whose trusted
    /// root names no log need a time alone
    #[arg(long, value_name = "WORD", default_value = "required")]
    pub transparency: Transparency,
    /// The identity in the signer's certificate
    #[arg(long, value_name = "IDENTITY", conflicts_with = "certificate_identity_regexp")]
    pub certificate_identity: Option<String>,
    /// The same as a regular expression that has to match all of it
    #[arg(long, value_name = "REGEXP")]
    pub certificate_identity_regexp: Option<String>,
    /// The OpenID Connect issuer in the signer's certificate
    #[arg(long, value_name = "URL", conflicts_with_all = ["certificate_oidc_issuer_regexp", "key", "policy"])]
    pub certificate_oidc_issuer: Option<String>,
    /// The same as a regular expression that has to match all of it
    #[arg(long, value_name = "REGEXP", conflicts_with_all = ["key", "policy"])]
    pub certificate_oidc_issuer_regexp: Option<String>,
    /// What else its certificate has to say.
    #[command(flatten)]
    pub claims: ExpectedClaims,
    /// Who vouches for certificates, logs and times.
    #[command(flatten)]
    pub trust: TrustSource,
}

/// `db`.
#[derive(Debug, Subcommand)]
pub enum Db {
    /// Fetch the ecosystems that an image needs from an OSV export
    #[command(
        after_help = "Examples:\n  sealwright db update --for oci:build/image\n  sealwright db update --ecosystem Alpine --ecosystem PyPI --from https://mirror.example/osv"
    )]
    Update(Box<DbUpdate>),
    /// Import OSV export folders, zips, single records and the KEV catalog
    #[command(
        after_help = "Examples:\n  sealwright db import Alpine/all.zip known_exploited_vulnerabilities.json --db advisories"
    )]
    Import(DbImport),
    /// Show what the store holds and how old it is
    Status(DbStatus),
}

/// `db update`.
#[derive(Debug, Args)]
pub struct DbUpdate {
    /// Where the store is; default: the user's cache folder
    #[arg(long, value_name = "DIR")]
    pub db: Option<PathBuf>,
    /// The image or SBOM whose ecosystems are fetched
    #[arg(long = "for", value_name = "SOURCE", required_unless_present = "ecosystem")]
    pub source: Option<Transport>,
    /// An ecosystem by its OSV name, for example Alpine, Debian, PyPI
    #[arg(long, value_name = "NAME")]
    pub ecosystem: Vec<String>,
    /// The export's address; default: the public OSV export
    #[arg(long, value_name = "URL")]
    pub from: Option<String>,
    /// The address of the KEV catalog, `none` to leave it out
    #[arg(long, value_name = "URL|none")]
    pub kev_from: Option<String>,
    /// Accept data that goes back in time or loses more than 5 % of its records
    #[arg(long)]
    pub accept_older: bool,
    /// One platform of an index that --for names; default: all of them
    #[arg(long, value_name = "OS/ARCH[/VARIANT]", env = "SEALWRIGHT_PLATFORM")]
    pub platform: Option<Platform>,
}

/// `db import`.
#[derive(Debug, Args)]
pub struct DbImport {
    /// Folders in the layout of the OSV export, zips, records, or the KEV catalog
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<PathBuf>,
    /// Where the store is; default: the user's cache folder
    #[arg(long, value_name = "DIR")]
    pub db: Option<PathBuf>,
    /// Accept data that goes back in time or loses more than 5 % of its records
    #[arg(long)]
    pub accept_older: bool,
}

/// `db status`.
#[derive(Debug, Args)]
pub struct DbStatus {
    /// Where the store is; default: the user's cache folder
    #[arg(long, value_name = "DIR")]
    pub db: Option<PathBuf>,
}

/// `30s`, `5m`, `1h`.
fn duration(text: &str) -> Result<Duration, String> {
    let fail = || format!("{text:?} is no duration, expected a number and s, m or h, for example 30s");
    let (number, unit) = [("s", 1), ("m", 60), ("h", 3600)]
        .into_iter()
        .find_map(|(suffix, unit)| Some((text.strip_suffix(suffix)?, unit)))
        .ok_or_else(fail)?;
    let seconds = number.parse::<u64>().map_err(|_| fail())?.saturating_mul(unit);
    if seconds == 0 { Err(fail()) } else { Ok(Duration::from_secs(seconds)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn durations_have_a_unit_and_are_not_zero() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        assert_eq!(duration("1h"), Ok(Duration::from_secs(3600)));
        for bad in ["", "5", "s", "0s", "1.5m", "-1s", "5 m", "é"] {
            assert!(duration(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn what_weakens_a_check_has_no_environment_variable() {
        fn names(command: &clap::Command, found: &mut Vec<String>) {
            found.extend(command.get_arguments().filter(|a| a.get_env().is_some()).map(|a| a.get_id().to_string()));
            command.get_subcommands().for_each(|c| names(c, found));
        }
        let mut found = Vec::new();
        names(&Arguments::command(), &mut found);
        assert!(found.iter().any(|n| n == "push"), "{found:?}");
        for forbidden in [
            "policy",
            "key",
            "transparency",
            "trusted_root",
            "signing_config",
            "db",
            "identity_token",
            "from",
            "instance",
            "tuf",
            "tuf_root",
        ] {
            assert!(!found.iter().any(|n| n == forbidden), "{forbidden} in {found:?}");
        }
    }
}
