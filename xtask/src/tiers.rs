//! The tiers of the test run, cheapest first.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::peers::Peers;
use crate::process::{cargo, free_gigabytes, in_ci, output, root, run as run_command};
use crate::table::{Row, print_results};
use crate::{fuzz, generate, linters, peers};

/// Whether CI may go on without a tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// With `CI=true` it has to run.
    Required,
    /// It runs where its peers can be had.
    Optional,
}

impl Need {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Optional => "optional",
        }
    }
}

/// What became of a tier.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Passed,
    Failed(String),
    /// The peer that is missing.
    NotRun(String),
}

/// One group of tests that share their peers.
pub(crate) struct Tier {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) need: Need,
    /// Minutes on two cores with empty caches.
    pub(crate) cold_minutes: u32,
    pub(crate) run: fn(&Peers) -> Outcome,
}

/// All tiers in the order in which they run.
pub(crate) const ALL: &[Tier] = &[
    Tier { name: "format", about: "rustfmt", need: Need::Required, cold_minutes: 1, run: format },
    Tier { name: "lints", about: "clippy, every warning an error", need: Need::Required, cold_minutes: 5, run: lints },
    Tier {
        name: "hermetic",
        about: "cargo test --workspace: Rust and loopback only",
        need: Need::Required,
        cold_minutes: 8,
        run: hermetic,
    },
    Tier {
        name: "documents",
        about: "rustdoc without a warning, generated documents without drift",
        need: Need::Required,
        cold_minutes: 3,
        run: documents,
    },
    Tier {
        name: "workflows",
        about: "our rules, zizmor, actionlint and the schemas for every workflow and action; their scripts run, and refuse",
        need: Need::Required,
        cold_minutes: 2,
        run: workflows,
    },
    Tier {
        name: "demo",
        about: "the README's first command, a release build",
        need: Need::Required,
        cold_minutes: 10,
        run: demo,
    },
    Tier {
        name: "tar",
        about: "Go's archive/tar lists what we list, and refuses what we refuse",
        need: Need::Required,
        cold_minutes: 1,
        run: |p| interop("tar", [peers::go_tool(p, "SEALWRIGHT_TAR_ORACLE", "tar", ".")]),
    },
    Tier {
        name: "cosign",
        about: "the real cosign accepts what we seal, and refuses what was changed",
        need: Need::Required,
        cold_minutes: 6,
        run: |p| {
            let registry = peers::go_tool(p, "SEALWRIGHT_GO_REGISTRY", "registry", ".");
            interop("cosign", [peers::cosign(p), registry])
        },
    },
    Tier {
        name: "differences",
        about: "where cosign and we disagree on purpose, row by row: docs/reference/differences-to-cosign.md",
        need: Need::Required,
        cold_minutes: 1,
        run: |p| {
            let registry = peers::go_tool(p, "SEALWRIGHT_GO_REGISTRY", "registry", ".");
            interop("differences", [peers::cosign(p), registry])
        },
    },
    Tier {
        name: "requests",
        about: "how many requests a verification makes, ours and cosign's: the table of docs/benchmarks.md",
        need: Need::Required,
        cold_minutes: 1,
        run: |p| interop("requests", [peers::cosign(p)]),
    },
    Tier {
        name: "registries",
        about: "Debian's docker-registry and go-containerregistry's registry",
        need: Need::Required,
        cold_minutes: 3,
        run: |p| {
            interop(
                "registries",
                [
                    peers::cosign(p),
                    peers::go_tool(p, "SEALWRIGHT_GO_REGISTRY", "registry", "."),
                    peers::debian("SEALWRIGHT_DOCKER_REGISTRY", "docker-registry", "docker-registry"),
                ],
            )
        },
    },
    Tier {
        name: "debian",
        about: "a Debian 12 minbase image: dpkg's package set, seal, cosign, both registries",
        need: Need::Required,
        cold_minutes: 4,
        run: |p| {
            interop(
                "debian",
                [
                    peers::cosign(p),
                    peers::go_tool(p, "SEALWRIGHT_GO_REGISTRY", "registry", "."),
                    peers::debian("SEALWRIGHT_DOCKER_REGISTRY", "docker-registry", "docker-registry"),
                    peers::debian("SEALWRIGHT_MMDEBSTRAP", "mmdebstrap", "mmdebstrap"),
                ],
            )
        },
    },
    Tier {
        name: "alpine",
        about: "Alpine 3.9, 3.11 and 3.20 root file systems against real advisories",
        need: Need::Optional,
        cold_minutes: 1,
        run: |p| {
            interop(
                "alpine",
                [peers::test_data(), peers::cosign(p), peers::go_tool(p, "SEALWRIGHT_GO_REGISTRY", "registry", ".")],
            )
        },
    },
    Tier {
        name: "authority",
        about: "keyless against the loopback authority and TUF repository: cosign and PyPI sigstore accept it, cosign signs there",
        need: Need::Required,
        cold_minutes: 2,
        run: |p| {
            let registry = peers::go_tool(p, "SEALWRIGHT_GO_REGISTRY", "registry", ".");
            interop("authority", [peers::cosign(p), registry, peers::python(p)])
        },
    },
    Tier {
        name: "sigstore",
        about: "keyless against the real Fulcio, Rekor v2, CT log and timestamp authority",
        need: Need::Optional,
        cold_minutes: 12,
        run: |p| {
            interop(
                "sigstore_servers",
                [
                    peers::cosign(p),
                    peers::go_tool(p, "SEALWRIGHT_GO_REGISTRY", "registry", "."),
                    peers::python(p),
                    peers::go_tool(p, "SEALWRIGHT_FULCIO", "sigstore/fulcio", "github.com/sigstore/fulcio"),
                    peers::go_tool(
                        p,
                        "SEALWRIGHT_REKOR",
                        "sigstore/rekor",
                        "github.com/sigstore/rekor-tiles/v2/cmd/rekor-server/posix",
                    ),
                    peers::go_tool(p, "SEALWRIGHT_TIMESTAMP", "sigstore/timestamp", "."),
                    peers::go_tool(p, "SEALWRIGHT_CTLOG", "sigstore/ctlog", "."),
                    peers::go_tool(p, "SEALWRIGHT_ISSUER", "sigstore/issuer", "."),
                    peers::go_tool(p, "SEALWRIGHT_SIGSTORE_GO", "sigstore-go", "."),
                ],
            )
        },
    },
    Tier {
        name: "github",
        about: "an instance without logs, and a stand-in for GitHub's store: sigstore-go accepts what we sign and store",
        need: Need::Required,
        cold_minutes: 2,
        run: |p| interop("github", [peers::go_tool(p, "SEALWRIGHT_SIGSTORE_GO", "sigstore-go", ".")]),
    },
    Tier {
        name: "sarif",
        about: "Microsoft's SARIF validator, with its rules for code scanning, finds nothing wrong with what we write",
        need: Need::Required,
        cold_minutes: 2,
        run: |p| interop("sarif", [peers::sarif(p)]),
    },
    Tier {
        name: "kms",
        about: "keys of a strict stand-in for AWS KMS: cosign signs with them too, and each accepts the other",
        need: Need::Required,
        cold_minutes: 1,
        run: |p| interop("kms", [peers::cosign(p), peers::go_tool(p, "SEALWRIGHT_GO_REGISTRY", "registry", ".")]),
    },
    Tier {
        name: "ecr",
        about: "a strict stand-in for AWS STS and ECR: botocore gets the same answers, cosign uses the login that we write",
        need: Need::Required,
        cold_minutes: 1,
        run: |p| interop("ecr", [peers::cosign(p), peers::botocore(p)]),
    },
    Tier {
        name: "vault",
        about: "a genuine HashiCorp Vault: transit keys of every kind, JWT login, AppRole, rotation; cosign accepts it",
        need: Need::Optional,
        cold_minutes: 8,
        run: |p| {
            let registry = peers::go_tool(p, "SEALWRIGHT_GO_REGISTRY", "registry", ".");
            interop("vault", [peers::vault(p), peers::cosign(p), registry])
        },
    },
    Tier {
        name: "matrix",
        about: "every signer × every verifier × every place of storage: the table of docs/reference/interop.md",
        need: Need::Optional,
        cold_minutes: 4,
        run: |p| {
            interop(
                "matrix",
                [
                    peers::vault(p),
                    peers::cosign(p),
                    peers::go_tool(p, "SEALWRIGHT_GO_REGISTRY", "registry", "."),
                    peers::debian("SEALWRIGHT_DOCKER_REGISTRY", "docker-registry", "docker-registry"),
                    peers::python(p),
                    peers::npm(p),
                ],
            )
        },
    },
    Tier {
        name: "policy-lint",
        about: "policies of others, read from their Go module: each finding of docs/reference/public-policies.md, and no other",
        need: Need::Required,
        cold_minutes: 1,
        run: |_| interop("policy_lint", [kyverno_sources()]),
    },
    Tier {
        name: "setup",
        about: "the script of the composite action: right, wrong and half downloads from loopback, in bash with curl",
        need: Need::Required,
        cold_minutes: 1,
        run: |_| {
            let bash = peers::debian("SEALWRIGHT_BASH", "bash", "bash");
            interop("setup", [bash, peers::debian("SEALWRIGHT_CURL", "curl", "curl")])
        },
    },
    Tier {
        name: "release",
        about: "a rehearsal of the release: a static binary, the image, seal, sign, verify, write back; everything but GitHub",
        need: Need::Optional,
        cold_minutes: 15,
        run: |p| {
            let jq = peers::debian("SEALWRIGHT_JQ", "jq", "jq");
            interop("release", [peers::static_binary(p), jq, peers::debian("SEALWRIGHT_GIT", "git", "git")])
        },
    },
    Tier {
        name: "action",
        about: "the container action in a real Docker engine as the runner starts it, and the composite action, step by step",
        need: Need::Optional,
        cold_minutes: 2,
        run: |p| {
            let curl = peers::debian("SEALWRIGHT_CURL", "curl", "curl");
            interop("action", [peers::docker(), peers::static_binary(p), peers::certificates(), curl])
        },
    },
    Tier {
        name: "rehearsal",
        about: "seal.yml and its callers job by job: scripts in their shell, BuildKit, the action in Docker, cosign, Vault, Helm, gh",
        need: Need::Optional,
        cold_minutes: 15,
        run: |p| {
            let buildkit = |variable, name: &str| {
                let package = format!("github.com/moby/buildkit/cmd/{name}");
                peers::go_program(p, variable, "buildkit", (name, &package))
            };
            interop(
                "rehearsal",
                [
                    peers::docker(),
                    peers::static_binary(p),
                    peers::certificates(),
                    peers::cosign(p),
                    buildkit("SEALWRIGHT_BUILDKITD", "buildkitd"),
                    buildkit("SEALWRIGHT_BUILDCTL", "buildctl"),
                    peers::go_tool(p, "SEALWRIGHT_BUILDX", "buildx", "github.com/docker/buildx/cmd/buildx"),
                    peers::buildkit_root(p),
                    peers::vault(p),
                    peers::go_tool(p, "SEALWRIGHT_HELM4", "helm4", "helm.sh/helm/v4/cmd/helm"),
                    peers::go_tool(p, "SEALWRIGHT_GH", "gh", "github.com/cli/cli/v2/cmd/gh"),
                    peers::debian("SEALWRIGHT_JQ", "jq", "jq"),
                    peers::debian("SEALWRIGHT_GIT", "git", "git"),
                ],
            )
        },
    },
    Tier {
        name: "kyverno",
        about: "Kyverno's own engine judges what `policy render` writes: the rows of docs/reference/admission-bypasses.md that need no cluster",
        need: Need::Optional,
        cold_minutes: 18,
        run: |p| interop("kyverno", [kyverno(p, "SEALWRIGHT_KYVERNO_CLI", "cli/kubectl-kyverno")]),
    },
    Tier {
        name: "cluster",
        about: "a real API server with Kyverno's webhooks: what was sealed is admitted, and every row of docs/reference/admission-bypasses.md",
        need: Need::Optional,
        cold_minutes: 30,
        run: |p| interop("cluster", cluster(p)),
    },
    Tier {
        name: "charts",
        about: "Helm 3 and 4: lint, render, refuse; what is rendered is what Kubernetes 1.33 to 1.36 publish, and restricted",
        need: Need::Optional,
        cold_minutes: 6,
        run: |p| {
            interop(
                "charts",
                [
                    peers::go_tool(p, "SEALWRIGHT_HELM3", "helm3", "helm.sh/helm/v3/cmd/helm"),
                    peers::go_tool(p, "SEALWRIGHT_HELM4", "helm4", "helm.sh/helm/v4/cmd/helm"),
                    peers::go_tool(p, "SEALWRIGHT_POD_SECURITY", "pod-security", "."),
                    peers::openapi("SEALWRIGHT_OPENAPI_1_33", "1.33"),
                    peers::openapi("SEALWRIGHT_OPENAPI_1_34", "1.34"),
                    peers::openapi("SEALWRIGHT_OPENAPI_1_35", "1.35"),
                    peers::openapi("SEALWRIGHT_OPENAPI_1_36", "1.36"),
                    peers::go_sources(
                        "SEALWRIGHT_PROMETHEUS_OPERATOR",
                        "prometheus-operator",
                        "github.com/prometheus-operator/prometheus-operator",
                    ),
                    kyverno_sources(),
                ],
            )
        },
    },
    Tier {
        name: "dashboards",
        about: "every expression of dashboards and alerts is PromQL about metrics that exist; promtool runs the alerts' tests",
        need: Need::Required,
        cold_minutes: 2,
        run: |p| {
            interop(
                "dashboards",
                [
                    peers::go_tool(p, "SEALWRIGHT_PROMQL", "promql", "."),
                    peers::debian("SEALWRIGHT_PROMTOOL", "prometheus", "promtool"),
                    peers::debian("SEALWRIGHT_PROMETHEUS", "prometheus", "prometheus"),
                ],
            )
        },
    },
    Tier {
        name: "docker",
        about: "docker-daemon: and docker save of a real Docker engine",
        need: Need::Optional,
        cold_minutes: 3,
        run: |_| interop("docker_engine", [peers::test_data(), peers::docker()]),
    },
    Tier {
        name: "browser",
        about: "the page of prove in a real browser: one sheet of A4 and of Letter, and nothing in it runs",
        need: Need::Optional,
        cold_minutes: 2,
        run: |_| interop("browser", [peers::debian("SEALWRIGHT_CHROMIUM", "chromium", "chromium")]),
    },
    Tier {
        name: "fuzz",
        about: "every fuzz target for a few seconds",
        need: Need::Optional,
        cold_minutes: 5,
        run: |p| match fuzz::all(p) {
            Ok(()) => Outcome::Passed,
            Err(peers::Missing::Absent(why)) => Outcome::NotRun(why),
            Err(peers::Missing::Broken(why)) => Outcome::Failed(why),
        },
    },
    Tier {
        name: "licenses",
        about: "cargo-deny: bans, licenses and sources",
        need: Need::Required,
        cold_minutes: 5,
        run: licenses,
    },
];

/// The manifests of all workspaces.
const WORKSPACES: [&str; 2] = ["Cargo.toml", "fuzz/Cargo.toml"];

/// The tiers that the arguments `--tier NAME …` name; all of them without arguments.
pub(crate) fn named(arguments: &[&str]) -> Result<Vec<&'static Tier>, String> {
    if arguments.is_empty() {
        return Ok(ALL.iter().collect());
    }
    let names = || ALL.iter().map(|t| t.name).collect::<Vec<_>>().join(", ");
    arguments
        .chunks(2)
        .map(|pair| match pair {
            ["--tier", name] => ALL
                .iter()
                .find(|t| t.name == *name)
                .ok_or_else(|| format!("no tier {name:?}, expected one of {}", names())),
            _ => Err(format!("expected --tier NAME, with one of {}", names())),
        })
        .collect()
}

/// Runs the tiers one after another, also after a failure, and prints the table.
pub(crate) fn run(tiers: &[&'static Tier]) -> Result<(), String> {
    let peers = Peers::prepare()?;
    let begun = Instant::now();
    let mut rows = Vec::new();
    for (number, tier) in tiers.iter().enumerate() {
        println!("\n== {}: {}", tier.name, tier.about);
        let start = Instant::now();
        let later = tiers.get(number + 1..).unwrap_or_default();
        let left = time_is_left(begun.elapsed(), tier, later).and_then(|()| space_is_left(tier, free_gigabytes()));
        let outcome = match left {
            Err(why) if in_ci() => Outcome::NotRun(why),
            _ => (tier.run)(&peers),
        };
        if let Outcome::Failed(why) | Outcome::NotRun(why) = &outcome {
            println!("{why}");
        }
        rows.push(Row { tier, seconds: start.elapsed(), outcome });
    }
    let failed = print_results(&rows, in_ci());
    if failed.is_empty() { Ok(()) } else { Err(format!("tiers that did not pass: {}", failed.join(", "))) }
}

/// What CI gives a run, less what cloning and reporting take.
const CI_MINUTES: u64 = 85;

/// An optional tier is run in CI where it leaves enough time for the required ones after it, all with empty caches.
fn time_is_left(elapsed: Duration, tier: &Tier, later: &[&Tier]) -> Result<(), String> {
    let required = later.iter().filter(|later| later.need == Need::Required).map(|later| later.cold_minutes);
    let needed = u64::from(required.sum::<u32>() + tier.cold_minutes);
    let left = CI_MINUTES.saturating_sub(elapsed.as_secs() / 60);
    if tier.need == Need::Required || needed <= left {
        return Ok(());
    }
    Err(format!("{left} minutes are left, and with what has to run after it {needed} may be needed"))
}

/// What an optional tier may need while it runs: images are copied for every container of a Docker engine without overlays.
const TIER_GIGABYTES: u64 = 6;

/// An optional tier is run in CI where it leaves enough space for the required ones after it.
fn space_is_left(tier: &Tier, free: Option<u64>) -> Result<(), String> {
    match free {
        Some(free) if tier.need == Need::Optional && free < TIER_GIGABYTES => {
            Err(format!("{free} GB are free for temporary files, and {TIER_GIGABYTES} may be needed"))
        }
        _ => Ok(()),
    }
}

fn outcome(result: Result<(), String>) -> Outcome {
    result.map_or_else(Outcome::Failed, |()| Outcome::Passed)
}

fn format(_: &Peers) -> Outcome {
    outcome(
        WORKSPACES.iter().try_for_each(|manifest| {
            run_command(&mut cargo(&["fmt", "--all", "--check", "--manifest-path", manifest]))
        }),
    )
}

fn lints(_: &Peers) -> Outcome {
    // The tests of the tiers are no target of `cargo test`, and so none of these either.
    let interop = ["clippy", "--test", "interop", "--locked", "--", "-D", "warnings"];
    outcome(
        run_command(&mut cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]))
            .and_then(|()| run_command(&mut cargo(&interop))),
    )
}

fn hermetic(_: &Peers) -> Outcome {
    outcome(run_command(&mut cargo(&["test", "--workspace", "--locked"])))
}

fn documents(_: &Peers) -> Outcome {
    let mut rustdoc = cargo(&["doc", "--workspace", "--no-deps", "--document-private-items", "--locked"]);
    rustdoc.env("RUSTDOCFLAGS", "-D warnings");
    outcome(run_command(&mut rustdoc).and_then(|()| generate::check()))
}

fn workflows(peers: &Peers) -> Outcome {
    match linters::all(peers) {
        Ok(()) => interop("workflow_steps", [peers::debian("SEALWRIGHT_JQ", "jq", "jq")]),
        Err(peers::Missing::Absent(why)) => Outcome::NotRun(why),
        Err(peers::Missing::Broken(why)) => Outcome::Failed(why),
    }
}

fn demo(_: &Peers) -> Outcome {
    outcome(run_command(&mut cargo(&["run", "--release", "--locked", "--", "demo"])))
}

fn licenses(peers: &Peers) -> Outcome {
    let judged = peers::cargo_deny(peers).and_then(|deny| WORKSPACES.iter().try_for_each(|w| judge(&deny, w)));
    outcome(judged)
}

/// The advisories of cargo-deny are left out: they would need the network, and be other ones every day.
fn judge(deny: &Path, manifest: &str) -> Result<(), String> {
    // The sources of every platform's crates are looked at, also of those that no build here has needed.
    run_command(&mut cargo(&["fetch", "--locked", "--manifest-path", manifest]))?;
    let mut command = Command::new(deny);
    command.current_dir(root()).args(["--locked", "--offline", "--manifest-path", manifest]);
    run_command(command.args(["check", "bans", "licenses", "sources"]))
}

/// Measures the webhooks of a real API server, and prints it.
pub(crate) fn bench_admission() -> Result<(), String> {
    let peers = Peers::prepare()?;
    match interop_with("cluster::measure::", &["--ignored"], cluster(&peers)) {
        Outcome::Passed => Ok(()),
        Outcome::Failed(why) | Outcome::NotRun(why) => Err(why),
    }
}

/// An API server with its store, and Kyverno.
fn cluster(peers: &Peers) -> [Result<peers::Peer, peers::Missing>; 5] {
    let api_server = ("kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver");
    [
        peers::go_program(peers, "SEALWRIGHT_ETCD", "etcd", ("etcd", "go.etcd.io/etcd/server/v3")),
        peers::go_program(peers, "SEALWRIGHT_KUBE_APISERVER", "kube-apiserver", api_server),
        kyverno(peers, "SEALWRIGHT_KYVERNO", "kyverno"),
        kyverno_sources(),
        peers::debian("SEALWRIGHT_CURL", "curl", "curl"),
    ]
}

/// What Kyverno publishes beside its programs: definitions, policies, its chart.
fn kyverno_sources() -> Result<peers::Peer, peers::Missing> {
    peers::go_sources("SEALWRIGHT_KYVERNO_SOURCES", "kyverno", "github.com/kyverno/kyverno")
}

/// A program of Kyverno.
fn kyverno(peers: &Peers, variable: &'static str, command: &str) -> Result<peers::Peer, peers::Missing> {
    let name = command.rsplit('/').next().unwrap_or(command);
    peers::go_program(peers, variable, "kyverno", (name, &format!("github.com/kyverno/kyverno/cmd/{command}")))
}

/// Measures the container action beside the binary on the machine, and prints it.
pub(crate) fn bench_action() -> Result<(), String> {
    let peers = Peers::prepare()?;
    let curl = peers::debian("SEALWRIGHT_CURL", "curl", "curl");
    let mmdebstrap = peers::debian("SEALWRIGHT_MMDEBSTRAP", "mmdebstrap", "mmdebstrap");
    let needed = [peers::docker(), peers::static_binary(&peers), peers::certificates(), curl, mmdebstrap];
    match interop_with("action::measure", &["--ignored"], needed) {
        Outcome::Passed => Ok(()),
        Outcome::Failed(why) | Outcome::NotRun(why) => Err(why),
    }
}

/// Runs one module of `tests/interop` with its peers in the environment.
fn interop<const N: usize>(module: &str, peers: [Result<peers::Peer, peers::Missing>; N]) -> Outcome {
    interop_with(&format!("{module}::"), &[], peers)
}

fn interop_with<const N: usize>(
    filter: &str,
    more: &[&str],
    peers: [Result<peers::Peer, peers::Missing>; N],
) -> Outcome {
    let mut command = cargo(&["test", "--locked", "--test", "interop", filter, "--", "--nocapture"]);
    command.args(more);
    let mut list = cargo(&["test", "--locked", "--test", "interop", filter, "--", "--list", "--format=terse"]);
    // A name that is nobody's would pass: nothing fails where nothing runs.
    match output(list.args(more)) {
        Ok(named) if named.lines().any(|line| line.ends_with(": test")) => {}
        Ok(_) => return Outcome::Failed(format!("no test is named {filter}")),
        Err(why) => return Outcome::Failed(why),
    }
    for peer in peers {
        match peer {
            Ok(peer) => command.env(peer.variable, peer.value),
            Err(peers::Missing::Absent(why)) => return Outcome::NotRun(why),
            Err(peers::Missing::Broken(why)) => return Outcome::Failed(why),
        };
    }
    outcome(run_command(&mut command))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tier(need: Need, cold_minutes: u32) -> Tier {
        Tier { name: "t", about: "", need, cold_minutes, run: |_| Outcome::Passed }
    }

    #[test]
    fn an_optional_tier_takes_no_time_from_a_required_one() {
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        let (optional, later) = (tier(Need::Optional, 10), [tier(Need::Required, 5), tier(Need::Optional, 50)]);
        let later: Vec<&Tier> = later.iter().collect();
        assert_eq!(time_is_left(minutes(CI_MINUTES - 15), &optional, &later), Ok(()));
        assert!(time_is_left(minutes(CI_MINUTES - 14), &optional, &later).is_err());
        assert!(time_is_left(minutes(CI_MINUTES + 1), &optional, &[]).is_err());
        assert_eq!(time_is_left(minutes(CI_MINUTES + 1), &tier(Need::Required, 10), &later), Ok(()));
    }

    #[test]
    fn an_optional_tier_takes_no_space_from_a_required_one() {
        let (optional, required) = (tier(Need::Optional, 1), tier(Need::Required, 1));
        assert!(space_is_left(&optional, Some(TIER_GIGABYTES - 1)).is_err());
        assert_eq!(space_is_left(&optional, Some(TIER_GIGABYTES)), Ok(()));
        assert_eq!(space_is_left(&optional, None), Ok(()));
        assert_eq!(space_is_left(&required, Some(0)), Ok(()));
    }
}
