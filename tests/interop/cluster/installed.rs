//! The charts on a real API server, installed by the genuine Helm 3 and Helm 4: the policies deny or report as their value says,
//! what was sealed can be deployed, and a wrong digest cannot.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use sealwright_core::Digest;
use serde_json::{Value, json};

use super::processes::{Cluster, User};
use super::{PODS, wait_until_ready};
use crate::admission::images::Images;
use crate::admission::pods::pod;
use crate::admission::signer::Variant;
use crate::peer::{Said, peer, say, sealwright, text_of};

const HELM: [&str; 2] = ["SEALWRIGHT_HELM3", "SEALWRIGHT_HELM4"];

/// A cluster, and Helm with its administrator's credentials.
struct Trial {
    images: Images,
    cluster: Cluster,
}

impl Trial {
    fn helm(&self, variable: &str, arguments: &[&str]) -> Said {
        let mut command = Command::new(peer(variable));
        command.current_dir(self.images.path()).env("HOME", self.images.path());
        for name in ["HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME", "HELM_PLUGINS"] {
            command.env(name, self.images.path().join("helm"));
        }
        say(command.arg("--kubeconfig").arg(self.cluster.kubeconfig()).args(arguments))
    }

    /// Installs or upgrades `release`, which has to be taken.
    fn install(&self, variable: &str, release: &str, chart: &str, values: &[&str]) {
        self.upgrade(variable, release, chart, values).expect_code(0);
    }

    fn upgrade(&self, variable: &str, release: &str, chart: &str, values: &[&str]) -> Said {
        let mut arguments = vec!["upgrade", "--install", release, chart, "--namespace", "shop"];
        arguments.extend(values.iter().flat_map(|value| ["--set", value]));
        self.helm(variable, &arguments)
    }

    /// The policies of the trust file, and that every one is in force.
    fn policies(&self, variable: &str, action: &str) {
        self.install(variable, "sealwright-policies", "chart", &[&format!("action={action}")]);
        for (_, text) in self.images.policies() {
            wait_until_ready(&self.cluster, &text);
        }
        std::thread::sleep(Duration::from_secs(3));
    }

    /// Whether an unsigned image is let in.
    fn admits_unsigned(&self, name: &str) -> bool {
        let pod = pod(name, &self.images.pinned("unsigned"));
        let answer = self.cluster.send(User::Developer, "POST", PODS, &pod);
        let expected = answer.is_success() || answer.message().contains("Policy sealwright-");
        assert!(expected, "{}", answer.message());
        answer.is_success()
    }

    /// `policy explain --from-cluster`, with the genuine kubectl: what was let in while policies only reported would be denied.
    fn what_runs_is_explained(&self) {
        let sealed = pod("sealed", &self.images.pinned("good"));
        assert!(self.cluster.send(User::Developer, "POST", PODS, &sealed).is_success());
        let mut explain = sealwright(self.images.path());
        let kubectl = peer("SEALWRIGHT_KUBECTL");
        explain.env("PATH", kubectl.parent().expect("a folder")).env("KUBECONFIG", self.cluster.kubeconfig());
        explain.args([
            "policy",
            "explain",
            "--from-cluster",
            "--policy",
            "policy.yaml",
            "-o",
            "table",
            "-o",
            "json=explained.json",
        ]);
        let said = say(&mut explain).expect_code(4);
        println!("{}", said.stdout);
        let report: Value = serde_json::from_str(&text_of(&self.images.path().join("explained.json"))).expect("JSON");
        let verdict = |image: &str| {
            let mut all = report["images"].as_array().expect("images").iter();
            let one = all.find(|one| one["image"] == image).unwrap_or_else(|| panic!("{image}: {report:#}"));
            (one["verdict"].clone(), one["used_by"].as_array().map_or(0, Vec::len))
        };
        assert_eq!(verdict(&self.images.pinned("good")), (json!("admitted"), 1));
        // One Pod for each Helm.
        assert_eq!(verdict(&self.images.pinned("unsigned")), (json!("denied"), HELM.len()));
    }

    /// The chart `app` with an image of the repository.
    fn deploy(&self, variable: &str, release: &str, digest: &Digest) -> Said {
        let repository = format!("image.repository={}/shop/good", self.images.registry.host());
        self.upgrade(variable, release, &in_repository("app"), &[&repository, &format!("image.digest={digest}")])
    }
}

fn in_repository(chart: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("charts").join(chart).display().to_string()
}

#[test]
fn charts_are_installed_and_hold() {
    let images = Images::new(Variant::Key);
    let mut render = sealwright(images.path());
    render.args(["policy", "render", "--policy", "policy.yaml", "--format", "helm", "-o", "chart"]);
    say(&mut render).expect_code(0);
    let trial = Trial { cluster: Cluster::start(images.path()), images };
    let definitions = peer("SEALWRIGHT_PROMETHEUS_OPERATOR").join("example/prometheus-operator-crd");
    for name in ["podmonitors", "prometheusrules"] {
        trial.cluster.define(&definitions.join(format!("monitoring.coreos.com_{name}.yaml")));
    }
    for (position, variable) in HELM.into_iter().enumerate() {
        trial.policies(variable, "Audit");
        assert!(trial.admits_unsigned(&format!("audited-{position}")), "{variable}");
        trial.policies(variable, "Deny");
        assert!(!trial.admits_unsigned(&format!("denied-{position}")), "{variable}");

        trial.deploy(variable, &format!("shop-{position}"), &trial.images.digest).expect_code(0);
        let release = format!("wrong-{position}");
        let wrong = trial.deploy(variable, &release, &Digest::of(b"nothing has this digest"));
        assert_ne!(wrong.code(), 0, "{variable}");
        assert!(wrong.stderr.contains("sealwright-"), "{variable}: {}", wrong.stderr);
        let path = format!("/apis/apps/v1/namespaces/shop/deployments/{release}");
        let stored = trial.cluster.ask(User::Admin, "GET", &path, None);
        assert_eq!(stored.status, 404, "{variable}: {}", stored.body);
        println!("{variable}: {}", wrong.stderr.trim());

        let release = format!("observability-{position}");
        trial.install(variable, &release, &in_repository("observability"), &[]);
        let rules = format!("/apis/monitoring.coreos.com/v1/namespaces/shop/prometheusrules/{release}");
        assert!(trial.cluster.ask(User::Admin, "GET", &rules, None).is_success(), "{variable}");
        let said = trial.helm(variable, &["uninstall", "sealwright-policies", "--namespace", "shop"]);
        said.expect_code(0);
    }
    trial.what_runs_is_explained();
    // The one that is committed, too: nobody's images have its names, so that it is only tried.
    let chart = in_repository("sealwright-policies");
    let dry = ["install", "example", &chart, "--namespace", "shop", "--set", "action=Deny", "--dry-run=server"];
    trial.helm("SEALWRIGHT_HELM4", &dry).expect_code(0);
    let left = trial.cluster.ask(User::Admin, "GET", "/apis/policies.kyverno.io/v1/imagevalidatingpolicies", None);
    assert_eq!(left.body["items"], json!([]));
}
