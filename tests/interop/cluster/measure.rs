//! How long a Pod waits for the webhooks: `cargo xtask bench-admission`, and the table of docs/benchmarks.md.

use serde_json::{Value, json};

use super::processes::{Cluster, User};
use super::{PODS, install};
use crate::admission::images::Images;
use crate::admission::pods::pod;
use crate::admission::signer::Variant;

/// Pods of images that nobody has verified yet, and how often the same ones come again.
const COLD: usize = 20;
const WARM: usize = 5;

#[test]
#[ignore = "a benchmark: cargo xtask bench-admission"]
fn measure() {
    let images = Images::new(Variant::Key);
    let cluster = Cluster::start(images.path());
    install(&cluster, &images);
    println!(
        "\n| images of the Pod | verified before | p50 ms | p99 ms | requests to the registry |\n| --- | --- | --- | --- | --- |"
    );
    for containers in [1, 5] {
        let pods: Vec<Value> = (0..COLD).map(|number| fresh(&images, number, containers)).collect();
        for (word, rounds) in [("no", 1), ("yes", WARM)] {
            images.registry.forget_requests();
            let mut times: Vec<f64> = Vec::new();
            for pod in std::iter::repeat_n(&pods, rounds).flatten() {
                let answer = cluster.send(User::Developer, "POST", &format!("{PODS}?dryRun=All"), pod);
                assert!(answer.is_success(), "{}", answer.message());
                times.push(answer.seconds * 1_000.0);
            }
            times.sort_by(f64::total_cmp);
            let at = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize];
            let requests = images.registry.requests().len() / times.len();
            println!("| {containers} | {word} | {:.0} | {:.0} | {requests} |", at(0.5), at(0.99));
        }
    }
}

/// A Pod of images in repositories of their own.
fn fresh(images: &Images, number: usize, containers: usize) -> Value {
    let name = |container: usize| format!("fresh-{containers}-{number}-{container}");
    let listed = (0..containers).map(|container| {
        images.copy(&name(container));
        json!({ "name": format!("app-{container}"), "image": images.pinned(&name(container)) })
    });
    let listed: Vec<Value> = listed.collect();
    let mut pod = pod(&format!("pod-{containers}-{number}"), "");
    pod["spec"]["containers"] = json!(listed);
    pod
}
