//! The modules of `tests/interop`, run with their peers in the environment.

use super::{Outcome, outcome};
use crate::linters;
use crate::peers::{self, Peers};
use crate::process::{cargo, output, run as run_command};

pub(super) fn workflows(peers: &Peers) -> Outcome {
    match linters::all(peers) {
        Ok(()) => interop("workflow_steps", [peers::debian("SEALWRIGHT_JQ", "jq", "jq")]),
        Err(peers::Missing::Absent(why)) => Outcome::NotRun(why),
        Err(peers::Missing::Broken(why)) => Outcome::Failed(why),
    }
}

/// Measures the webhooks of a real API server, and prints it.
pub(crate) fn bench_admission() -> Result<(), String> {
    let peers = Peers::prepare()?;
    match interop_with("cluster::measure::", &["--ignored"], cluster(&peers)) {
        Outcome::Passed => Ok(()),
        Outcome::Failed(why) | Outcome::NotRun(why) => Err(why),
    }
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

/// An API server with its store, and Kyverno.
pub(super) fn cluster(peers: &Peers) -> [Result<peers::Peer, peers::Missing>; 10] {
    let api_server = ("kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver");
    [
        peers::go_program(peers, "SEALWRIGHT_ETCD", "etcd", ("etcd", "go.etcd.io/etcd/server/v3")),
        peers::go_program(peers, "SEALWRIGHT_KUBE_APISERVER", "kube-apiserver", api_server),
        kyverno(peers, "SEALWRIGHT_KYVERNO", "kyverno"),
        kyverno_sources(),
        peers::debian("SEALWRIGHT_CURL", "curl", "curl"),
        peers::debian("SEALWRIGHT_OPENSSL", "openssl", "openssl"),
        peers::debian("SEALWRIGHT_KUBECTL", "kubernetes-client", "kubectl"),
        peers::go_tool(peers, "SEALWRIGHT_HELM3", "helm3", "helm.sh/helm/v3/cmd/helm"),
        peers::go_tool(peers, "SEALWRIGHT_HELM4", "helm4", "helm.sh/helm/v4/cmd/helm"),
        prometheus_operator(),
    ]
}

/// What Prometheus' operator publishes beside its programs: the definitions of its resources.
pub(super) fn prometheus_operator() -> Result<peers::Peer, peers::Missing> {
    let module = "github.com/prometheus-operator/prometheus-operator";
    peers::go_sources("SEALWRIGHT_PROMETHEUS_OPERATOR", "prometheus-operator", module)
}

/// What Kyverno publishes beside its programs: definitions, policies, its chart.
pub(super) fn kyverno_sources() -> Result<peers::Peer, peers::Missing> {
    peers::go_sources("SEALWRIGHT_KYVERNO_SOURCES", "kyverno", "github.com/kyverno/kyverno")
}

/// A program of Kyverno.
pub(super) fn kyverno(peers: &Peers, variable: &'static str, command: &str) -> Result<peers::Peer, peers::Missing> {
    let name = command.rsplit('/').next().unwrap_or(command);
    peers::go_program(peers, variable, "kyverno", (name, &format!("github.com/kyverno/kyverno/cmd/{command}")))
}

/// Runs one module of `tests/interop` with its peers in the environment.
pub(super) fn interop<const N: usize>(module: &str, peers: [Result<peers::Peer, peers::Missing>; N]) -> Outcome {
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
