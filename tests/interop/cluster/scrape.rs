//! What dashboards and alerts may ask for (`metrics/admission.json`) is what a live Kyverno and a live API server expose, after
//! every row of the table was tried.

use std::process::Command;
use std::time::Duration;

use serde_json::json;

use super::processes::{Cluster, User};
use crate::metrics::Metrics;
use crate::peer::say;

/// Compares the list with both scrapes.
pub(super) fn check(cluster: &Cluster) {
    fail_open(cluster);
    let metrics = Metrics::of_admission();
    for (server, scrape) in [("kyverno", of_kyverno(cluster)), ("apiserver", of_api_server(cluster))] {
        println!("{server}: {} lines are scraped", scrape.lines().count());
        assert_eq!(metrics.missing(server, &scrape), Vec::<String>::new(), "{server}");
    }
}

/// How often Kyverno has counted an image without a signature that counts, or one that it could not ask about.
pub(super) fn refused(cluster: &Cluster) -> f64 {
    let of = |result: &str| {
        let labels = ["policy_name=\"sealwright-signature\"", result];
        total(&of_kyverno(cluster), "kyverno_image_validating_policy_results_total", &labels)
    };
    of("result=\"fail\"") + of("result=\"error\"")
}

/// How often the API server has refused something because a webhook did not answer.
pub(super) fn unanswered(cluster: &Cluster) -> f64 {
    let labels = ["error_type=\"calling_webhook_error\""];
    total(&of_api_server(cluster), "apiserver_admission_webhook_rejection_count", &labels)
}

fn of_kyverno(cluster: &Cluster) -> String {
    let address = format!("http://127.0.0.1:{}/metrics", cluster.metrics_port);
    say(Command::new("curl").args(["-fsS", "-m", "20", &address])).expect_code(0).stdout
}

fn of_api_server(cluster: &Cluster) -> String {
    cluster.ask(User::Admin, "GET", "/metrics", None).message().to_owned()
}

/// The sum of the series of a name with these labels.
fn total(scrape: &str, name: &str, labels: &[&str]) -> f64 {
    let series = scrape.lines().filter(|line| {
        line.strip_prefix(name).is_some_and(|rest| rest.starts_with('{'))
            && labels.iter().all(|label| line.contains(label))
    });
    series.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
}

/// The API server counts a webhook that may fail and does, once there was one.
fn fail_open(cluster: &Cluster) {
    let webhook = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
        "metadata": { "name": "nobody" },
        "webhooks": [{
            "name": "nobody.example.test", "failurePolicy": "Ignore", "sideEffects": "None", "timeoutSeconds": 1,
            "admissionReviewVersions": ["v1"], "clientConfig": { "url": "https://127.0.0.1:9/" },
            "rules": [{ "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"] }],
        }],
    });
    let configurations = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";
    let answer = cluster.send(User::Admin, "POST", configurations, &webhook);
    assert!(answer.is_success(), "{}", answer.message());
    cluster.wait("a webhook that is not there", Duration::from_secs(30), |cluster| {
        let object =
            json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "generateName": "seen-by-nobody-" } });
        let answer = cluster.send(User::Admin, "POST", "/api/v1/namespaces/shop/configmaps", &object);
        assert!(answer.is_success(), "{}", answer.message());
        of_api_server(cluster).contains("apiserver_admission_webhook_fail_open_count{")
    });
}
