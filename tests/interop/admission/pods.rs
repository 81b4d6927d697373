//! Pods, and what has one inside.

use serde_json::{Value, json};

/// A Pod with one container.
pub(crate) fn pod(name: &str, image: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": { "name": name, "namespace": "shop" },
        "spec": { "containers": [{ "name": "app", "image": image }] },
    })
}

/// The same with another init container.
pub(crate) fn with_init(name: &str, image: &str, init: &str) -> Value {
    let mut pod = pod(name, image);
    pod["spec"]["initContainers"] = json!([{ "name": "init", "image": init }]);
    pod
}

/// The same with one that goes on running.
pub(crate) fn with_sidecar(name: &str, image: &str, sidecar: &str) -> Value {
    let mut pod = with_init(name, image, sidecar);
    pod["spec"]["initContainers"][0]["restartPolicy"] = json!("Always");
    pod
}

/// The same with an image as a volume.
pub(crate) fn with_volume(name: &str, image: &str, volume: &str) -> Value {
    let mut pod = pod(name, image);
    pod["spec"]["volumes"] =
        json!([{ "name": "data", "image": { "reference": volume, "pullPolicy": "IfNotPresent" } }]);
    pod
}

/// With the annotations in which older versions of Kyverno kept what they had verified.
pub(crate) fn with_forged_annotations(name: &str, image: &str) -> Value {
    let mut pod = pod(name, image);
    let outcome = json!({ "sealwright-signature": "pass", image: "pass" }).to_string();
    pod["metadata"]["annotations"] =
        json!({ "kyverno.io/image-verification-outcomes": outcome, "kyverno.io/verify-images": outcome });
    pod
}

/// A Deployment or a ReplicaSet of it.
pub(crate) fn workload(kind: &str, name: &str, image: &str) -> Value {
    let labels = json!({ "app": name });
    json!({
        "apiVersion": "apps/v1", "kind": kind, "metadata": { "name": name, "namespace": "shop" },
        "spec": {
            "selector": { "matchLabels": labels },
            "template": { "metadata": { "labels": labels }, "spec": pod(name, image)["spec"] },
        },
    })
}
