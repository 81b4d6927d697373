//! Every tier, cheapest first, with the peers that it needs.

use super::interop::{cluster, interop, kyverno, kyverno_sources, prometheus_operator, workflows};
use super::workspace::{demo, documents, format, hermetic, licenses, lints};
use super::{Need, Outcome, Tier};
use crate::{fuzz, peers};

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
            let git = peers::debian("SEALWRIGHT_GIT", "git", "git");
            let helm = peers::go_tool(p, "SEALWRIGHT_HELM4", "helm4", "helm.sh/helm/v4/cmd/helm");
            interop("release", [peers::static_binary(p), jq, git, helm])
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
        name: "policy-controller",
        about: "the policy-controller's own tester judges what `policy render --format policy-controller` writes",
        need: Need::Optional,
        cold_minutes: 10,
        run: |p| {
            let tester = "github.com/sigstore/policy-controller/cmd/tester";
            interop("policy_controller", [peers::go_tool(p, "SEALWRIGHT_POLICY_TESTER", "policy-controller", tester)])
        },
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
                    prometheus_operator(),
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
