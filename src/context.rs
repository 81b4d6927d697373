//! What a command may know of the world: time, environment, limits and the console. Read once, handed down.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use sealwright_core::{Limits, Redacted, Repository};

use crate::cli::arguments::Global;
use crate::failure::Failure;
use crate::report::console::Console;

/// The environment variables that sealwright reads.
#[derive(Debug, Default)]
pub struct Environment {
    /// `HOME`.
    pub home: Option<PathBuf>,
    /// `XDG_CACHE_HOME`.
    pub cache_home: Option<PathBuf>,
    /// `DOCKER_CONFIG`: the folder of the Docker configuration.
    pub docker_config: Option<PathBuf>,
    /// `DOCKER_HOST`: where the Docker engine listens.
    pub docker_host: Option<String>,
    /// `COSIGN_PASSWORD`: of an encrypted key.
    pub key_password: Option<Redacted<String>>,
    /// `SIGSTORE_ID_TOKEN`: an identity token for the audience `sigstore`, which GitLab can put there.
    pub identity_token: Option<Redacted<String>>,
    /// `ACTIONS_ID_TOKEN_REQUEST_URL` and `ACTIONS_ID_TOKEN_REQUEST_TOKEN`: where a job of GitHub Actions gets tokens.
    pub token_endpoint: Option<(String, Redacted<String>)>,
    /// `BUILDKITE_AGENT_ACCESS_TOKEN`, `BUILDKITE_JOB_ID` and `BUILDKITE_AGENT_ENDPOINT`: by what a job of Buildkite gets tokens.
    pub buildkite: Option<BuildkiteVariables>,
    /// `CI`: whether nobody sits in front of this machine.
    pub ci: bool,
    /// `GITHUB_ACTIONS`: whether a job can be given a token endpoint.
    pub github_actions: bool,
    /// `VAULT_…`.
    pub vault: VaultVariables,
    /// `BAO_…`.
    pub openbao: VaultVariables,
    /// `TRANSIT_SECRET_ENGINE_PATH`, as cosign reads it.
    pub transit_mount: Option<String>,
    /// `GITHUB_API_URL`: where GitHub's API is, for a job of GitHub Enterprise too.
    pub github_api: Option<String>,
    /// `GH_TOKEN`, else `GITHUB_TOKEN`, as GitHub's own command line reads them.
    pub github_token: Option<Redacted<String>>,
    /// `GITHUB_REPOSITORY`: the repository of a job, `OWNER/NAME`.
    pub github_repository: Option<String>,
    /// `AWS_REGION`, else `AWS_DEFAULT_REGION`, as the command line of AWS reads them.
    pub aws_region: Option<String>,
    /// `COSIGN_REPOSITORY`: where evidence is kept instead of beside its image.
    pub evidence_repository: Option<String>,
    /// `SOURCE_DATE_EPOCH`: the time that documents state, in seconds.
    pub source_date_epoch: Option<String>,
    /// What the runner tells a step.
    pub actions: Actions,
    /// Where the search for a trust file starts.
    pub working_directory: PathBuf,
}

/// What the runner of GitHub Actions tells a step (GitHub, "Variables reference"; actions/runner, `FileCommandManager.cs`).
#[derive(Debug, Default)]
pub struct Actions {
    /// `INPUT_…`: the step's inputs by their names. The runner writes names in capitals and keeps hyphens, which no shell could
    /// export: a composite action writes `_`, which no input has in its name.
    pub inputs: BTreeMap<String, String>,
    /// `GITHUB_OUTPUT`: the file of the step's outputs.
    pub output: Option<PathBuf>,
    /// `GITHUB_STEP_SUMMARY`: the file of the step's summary.
    pub summary: Option<PathBuf>,
    /// `GITHUB_ARTIFACTS`: the file of what was made, where the runner has one.
    pub artifacts: Option<PathBuf>,
    /// `GITHUB_WORKSPACE`: the checkout.
    pub workspace: Option<PathBuf>,
    /// `RUNNER_WORKSPACE`: the folder around it, as the machine names it also in a container.
    pub runner_workspace: Option<PathBuf>,
    /// `RUNNER_TEMP`.
    pub temporary: Option<PathBuf>,
    /// `GITHUB_REPOSITORY`: `OWNER/NAME`.
    pub repository: Option<String>,
    /// `RUNNER_ENVIRONMENT`: `github-hosted` or `self-hosted`.
    pub runner: Option<String>,
    /// What the run is about.
    pub run: RunVariables,
}

/// What the runner tells of the run itself.
#[derive(Debug, Default)]
pub struct RunVariables {
    /// `GITHUB_SHA`: the commit; of a pull request the one that merges it.
    pub sha: Option<String>,
    /// `GITHUB_REF`: the branch, tag or pull request, in full.
    pub reference: Option<String>,
    /// `GITHUB_WORKFLOW`: the workflow's name.
    pub workflow: Option<String>,
    /// `GITHUB_JOB`: the job's id in its workflow.
    pub job: Option<String>,
    /// `GITHUB_RUN_ID`.
    pub id: Option<String>,
    /// `GITHUB_SERVER_URL`: where the run has a page.
    pub server: Option<String>,
    /// `GITHUB_EVENT_NAME`: what started it.
    pub event: Option<String>,
    /// `GITHUB_EVENT_PATH`: the file that says more about that.
    pub event_file: Option<PathBuf>,
}

impl RunVariables {
    fn read(text: &dyn Fn(&str) -> Option<String>) -> Self {
        Self {
            sha: text("GITHUB_SHA"),
            reference: text("GITHUB_REF"),
            workflow: text("GITHUB_WORKFLOW"),
            job: text("GITHUB_JOB"),
            id: text("GITHUB_RUN_ID"),
            server: text("GITHUB_SERVER_URL"),
            event: text("GITHUB_EVENT_NAME"),
            event_file: text("GITHUB_EVENT_PATH").map(PathBuf::from),
        }
    }
}

impl Actions {
    #[expect(clippy::disallowed_methods, reason = "the environment enters here and nowhere else")]
    fn read(text: &dyn Fn(&str) -> Option<String>) -> Self {
        let path = |name: &str| text(name).map(PathBuf::from);
        let variables = std::env::vars_os().map(|(name, value)| (name.to_string_lossy().into_owned(), value));
        let inputs = variables.filter_map(|(name, value)| {
            let name = name.strip_prefix("INPUT_")?.to_ascii_lowercase().replace('_', "-");
            Some((name, value.to_string_lossy().into_owned()))
        });
        Self {
            inputs: inputs.collect(),
            output: path("GITHUB_OUTPUT"),
            summary: path("GITHUB_STEP_SUMMARY"),
            artifacts: path("GITHUB_ARTIFACTS"),
            workspace: path("GITHUB_WORKSPACE"),
            runner_workspace: path("RUNNER_WORKSPACE"),
            temporary: path("RUNNER_TEMP"),
            repository: text("GITHUB_REPOSITORY"),
            runner: text("RUNNER_ENVIRONMENT"),
            run: RunVariables::read(text),
        }
    }
}

impl Environment {
    /// A token that a step names counts where its environment has none.
    pub fn prefer_github_token(&mut self, token: Option<&str>) {
        if self.github_token.is_none() {
            self.github_token = token.map(|token| Redacted::new(token.to_owned()));
        }
    }

    /// The folder of the Docker configuration: `DOCKER_CONFIG`, else `~/.docker`.
    pub fn docker_folder(&self) -> Option<PathBuf> {
        self.docker_config.clone().or_else(|| self.home.as_ref().map(|home| home.join(".docker")))
    }
}

/// The variables of a Buildkite job that its agent's `oidc request-token` reads.
#[derive(Debug)]
pub struct BuildkiteVariables {
    /// `BUILDKITE_AGENT_ACCESS_TOKEN`.
    pub access_token: Redacted<String>,
    /// `BUILDKITE_JOB_ID`.
    pub job: String,
    /// `BUILDKITE_AGENT_ENDPOINT`; without it Buildkite's own.
    pub endpoint: Option<String>,
}

/// The variables that the clients of Vault and OpenBao read, with their own prefixes.
#[derive(Debug, Default, Clone)]
pub struct VaultVariables {
    /// `…_ADDR`.
    pub address: Option<String>,
    /// `…_TOKEN`.
    pub token: Option<Redacted<String>>,
    /// `…_NAMESPACE`.
    pub namespace: Option<String>,
    /// `…_CACERT`: certificates of the authorities of the server's own certificate.
    pub ca_file: Option<PathBuf>,
    /// `…_ROLE_ID`, for AppRole.
    pub role_id: Option<String>,
    /// `…_SECRET_ID`, for AppRole.
    pub secret_id: Option<Redacted<String>>,
}

impl VaultVariables {
    fn read(prefix: &str, text: &dyn Fn(&str) -> Option<String>) -> Self {
        let variable = |name: &str| text(&format!("{prefix}_{name}"));
        Self {
            address: variable("ADDR"),
            token: variable("TOKEN").map(Redacted::new),
            namespace: variable("NAMESPACE"),
            ca_file: variable("CACERT").map(PathBuf::from),
            role_id: variable("ROLE_ID"),
            secret_id: variable("SECRET_ID").map(Redacted::new),
        }
    }

    /// Those of `other` where there is no address here: parts of two configurations do not fit together.
    #[must_use]
    pub fn or(self, other: &Self) -> Self {
        if self.address.is_some() { self } else { other.clone() }
    }
}

/// Everything a command is given besides its arguments.
#[derive(Debug)]
pub struct Context {
    /// The time of the run.
    pub now: Timestamp,
    /// What was read from the environment.
    pub environment: Environment,
    /// How much may be read.
    pub limits: Limits,
    /// Where messages go.
    pub console: Console,
    /// The longest that one network operation may take.
    pub timeout: Duration,
}

impl Context {
    /// The context of a real run: the only place that looks at the clock and the environment.
    #[expect(clippy::disallowed_methods, reason = "time and environment enter here and nowhere else")]
    pub fn of_process(global: &Global) -> Self {
        // What is no text becomes one that fits nothing: a variable that is set must not count as one that is not.
        let any = |name: &str| std::env::var_os(name).map(|v| v.to_string_lossy().into_owned());
        let text = |name: &str| any(name).filter(|v| !v.is_empty());
        let path = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        Self {
            now: Timestamp::now(),
            environment: Environment {
                home: path("HOME"),
                cache_home: path("XDG_CACHE_HOME"),
                docker_config: path("DOCKER_CONFIG"),
                docker_host: text("DOCKER_HOST"),
                // An empty password is a password: cosign makes keys with one.
                key_password: any("COSIGN_PASSWORD").map(Redacted::new),
                identity_token: text("SIGSTORE_ID_TOKEN").map(Redacted::new),
                token_endpoint: text("ACTIONS_ID_TOKEN_REQUEST_URL")
                    .zip(text("ACTIONS_ID_TOKEN_REQUEST_TOKEN").map(Redacted::new)),
                buildkite: text("BUILDKITE_AGENT_ACCESS_TOKEN").zip(text("BUILDKITE_JOB_ID")).map(|(token, job)| {
                    let endpoint = text("BUILDKITE_AGENT_ENDPOINT");
                    BuildkiteVariables { access_token: Redacted::new(token), job, endpoint }
                }),
                ci: text("CI").is_some_and(|ci| ci != "false"),
                github_actions: text("GITHUB_ACTIONS").as_deref() == Some("true"),
                vault: VaultVariables::read("VAULT", &text),
                openbao: VaultVariables::read("BAO", &text),
                transit_mount: text("TRANSIT_SECRET_ENGINE_PATH"),
                github_api: text("GITHUB_API_URL"),
                github_token: text("GH_TOKEN").or_else(|| text("GITHUB_TOKEN")).map(Redacted::new),
                github_repository: text("GITHUB_REPOSITORY"),
                aws_region: text("AWS_REGION").or_else(|| text("AWS_DEFAULT_REGION")),
                evidence_repository: text("COSIGN_REPOSITORY"),
                source_date_epoch: text("SOURCE_DATE_EPOCH"),
                actions: Actions::read(&text),
                working_directory: std::env::current_dir().unwrap_or_default(),
            },
            limits: Limits::default(),
            console: Console::of_process(global.quiet, global.log_format, text("NO_COLOR").is_some()),
            timeout: global.timeout,
        }
    }

    /// Where the evidence of the images of a repository is: beside them, or where `COSIGN_REPOSITORY` says.
    ///
    /// # Errors
    /// When that names no repository.
    pub fn evidence_repository(&self, images: &Repository) -> Result<Repository, Failure> {
        let Some(text) = &self.environment.evidence_repository else { return Ok(images.clone()) };
        // A short name would be one of Docker Hub.
        let named = text.parse::<Repository>().ok().filter(|named| named.to_string() == *text);
        let named = named.ok_or_else(|| {
            Failure::usage(format!("COSIGN_REPOSITORY is {text:?}, expected a repository without a tag: HOST/NAME"))
        })?;
        self.console.note(&format!("evidence is kept in {named}"));
        Ok(named)
    }

    /// The advisory store: as asked, else `$XDG_CACHE_HOME/sealwright/db` or `~/.cache/sealwright/db`.
    ///
    /// # Errors
    /// When neither is known.
    pub fn store_directory(&self, asked: Option<&PathBuf>) -> Result<PathBuf, Failure> {
        asked.cloned().or_else(|| self.cache("sealwright/db")).ok_or_else(|| {
            Failure::usage("there is no folder for advisory data: neither XDG_CACHE_HOME nor HOME is set")
                .hint("name one with --db DIR")
        })
    }

    /// Where what Sigstore instances publish is kept: `$XDG_CACHE_HOME/sealwright/tuf` or `~/.cache/sealwright/tuf`.
    ///
    /// # Errors
    /// When neither is known.
    pub fn trust_directory(&self) -> Result<PathBuf, Failure> {
        self.cache("sealwright/tuf").ok_or_else(|| {
            Failure::usage("there is no folder for trusted roots: neither XDG_CACHE_HOME nor HOME is set")
                .hint("set one of them, or name a file with --trusted-root FILE")
        })
    }

    fn cache(&self, folder: &str) -> Option<PathBuf> {
        let home = || self.environment.home.as_ref().map(|home| home.join(".cache"));
        self.environment.cache_home.clone().or_else(home).map(|cache| cache.join(folder))
    }

    /// The time that documents of an image state: `SOURCE_DATE_EPOCH`, else the image's own `created`, else the epoch.
    /// Never the clock: the same image gives the same bytes.
    ///
    /// # Errors
    /// When `SOURCE_DATE_EPOCH` is no number of seconds.
    pub fn document_time(&self, created: Option<&str>) -> Result<Timestamp, Failure> {
        if let Some(text) = &self.environment.source_date_epoch {
            let seconds = text.parse::<i64>().ok().and_then(|s| Timestamp::from_second(s).ok());
            return seconds.ok_or_else(|| {
                Failure::usage(format!("SOURCE_DATE_EPOCH is {text:?}, expected a number of seconds since 1970"))
            });
        }
        let whole = |t: Timestamp| Timestamp::from_second(t.as_second()).ok();
        Ok(created.and_then(|text| text.parse().ok()).and_then(whole).unwrap_or(Timestamp::UNIX_EPOCH))
    }
}
