//! The images of Pods, from the list that `kubectl get pods --all-namespaces -o json` writes (Kubernetes API, `v1.PodList`).
//!
//! Read are names, images and the digests that run; nothing else of a Pod is kept. What a webhook is not asked about is counted and
//! left out.

use std::collections::BTreeMap;

use sealwright_admission::explain::Place;
use sealwright_core::Digest;
use serde::Deserialize;

use crate::failure::Failure;

/// Bytes of a list. A Pod has some 10 to 20 KiB in it, so that this is some 30,000 Pods; a larger cluster is asked by namespace.
pub const MOST_BYTES: u64 = 512 << 20;
/// Different images of a run.
const MOST_IMAGES: usize = 20_000;

/// Namespaces that the webhooks of Kyverno are not asked about (kyverno/kyverno, chart 3.9.1, `config.webhooks` and
/// `config.excludeKyvernoNamespace`; `charts/kyverno/eks-values.yaml`).
pub const NOT_ASKED: [&str; 2] = ["kube-system", "kyverno"];

/// By this a Pod is one that a node runs from a file of its own (Kubernetes, "Static Pods"): the API server only mirrors it.
const MIRROR: &str = "kubernetes.io/config.mirror";

/// An image as Pods name it. Those that run another digest under the same name are another image.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Named {
    /// As `spec` has it. Hostile.
    pub reference: String,
    /// Where.
    pub place: Place,
    /// The digest that runs, where `status` says it.
    pub running: Option<Digest>,
}

/// What made a Pod. Hostile.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Workload {
    /// Its namespace.
    pub namespace: String,
    /// `Deployment`, `Pod`, …
    pub kind: String,
    /// Its name.
    pub name: String,
}

/// Everything that was found.
#[derive(Debug, Default)]
pub struct Found {
    /// The images, each with the workloads that use it and how many of their Pods.
    pub images: BTreeMap<Named, BTreeMap<Workload, usize>>,
    /// Pods that were looked at.
    pub pods: usize,
    /// Pods that were left out: by namespace, or `static Pods`.
    pub skipped: BTreeMap<String, usize>,
}

/// Reads a list.
///
/// # Errors
/// When it is no list of Pods, or has more images than may be.
pub fn read(bytes: &[u8], name: &str) -> Result<Found, Failure> {
    read_at_most(bytes, name, MOST_IMAGES)
}

fn read_at_most(bytes: &[u8], name: &str, most: usize) -> Result<Found, Failure> {
    let expected = "expected a list of Pods, as `kubectl get pods --all-namespaces -o json` writes it";
    let list: List = serde_json::from_slice(bytes)
        .map_err(|e| Failure::usage(format!("{name} is no list of Pods: {e}")).hint(expected))?;
    let mut found = Found::default();
    for (number, pod) in list.items.iter().enumerate() {
        if pod.kind.as_deref().is_some_and(|kind| kind != "Pod") {
            return Err(Failure::usage(format!("{name}: item {} is no Pod", number + 1)).hint(expected));
        }
        found.pods += 1;
        if let Some(reason) = not_asked(&pod.metadata) {
            *found.skipped.entry(reason).or_default() += 1;
            continue;
        }
        let workload = workload(&pod.metadata);
        let mut images = images(pod);
        images.sort();
        // Two containers of one image are one Pod.
        images.dedup();
        for image in images {
            *found.images.entry(image).or_default().entry(workload.clone()).or_default() += 1;
        }
        if found.images.len() > most {
            return Err(Failure::usage(format!("{name} has more than {most} images"))
                .hint("explain the namespaces one by one: --from-cluster --namespace NAME"));
        }
    }
    Ok(found)
}

fn not_asked(pod: &Metadata) -> Option<String> {
    if let Some(namespace) = NOT_ASKED.iter().find(|name| **name == pod.namespace) {
        return Some((*namespace).to_owned());
    }
    // Anybody can write the annotation; the owner of a mirror is its node, which the API server sees to.
    let of_a_node = pod.owner_references.iter().flatten().any(|owner| owner.kind == "Node");
    (of_a_node && pod.annotations.as_ref()?.contains_key(MIRROR)).then(|| "static Pods".to_owned())
}

fn images(pod: &Pod) -> Vec<Named> {
    let (spec, status) = (&pod.spec, &pod.status);
    let lists = [
        (&spec.containers, &status.container_statuses, Place::Container),
        (&spec.init_containers, &status.init_container_statuses, Place::Container),
        (&spec.ephemeral_containers, &status.ephemeral_container_statuses, Place::EphemeralContainer),
    ];
    let mut images = Vec::new();
    for (containers, statuses, place) in lists {
        let ids: BTreeMap<&str, &str> =
            statuses.iter().flatten().map(|status| (status.name.as_str(), status.image_id.as_str())).collect();
        for container in containers.iter().flatten() {
            let running = ids.get(container.name.as_str()).and_then(|id| digest(id));
            images.push(Named { reference: container.image.clone().unwrap_or_default(), place, running });
        }
    }
    let volumes = spec.volumes.iter().flatten().filter_map(|volume| volume.image.as_ref());
    images.extend(volumes.map(|image| Named {
        reference: image.reference.clone().unwrap_or_default(),
        place: Place::Volume,
        running: None,
    }));
    images
}

/// `REPOSITORY@sha256:…`, with `docker-pullable://` in front on old nodes. Without a repository it is the digest of the image's
/// configuration, by which no registry knows it.
fn digest(image_id: &str) -> Option<Digest> {
    image_id.rsplit_once('@')?.1.parse().ok()
}

/// The controller, or the Pod itself. A ReplicaSet that has the hash of a template at the end of its name is a Deployment's, a Job
/// that has a time there a CronJob's: the list shows no more.
fn workload(pod: &Metadata) -> Workload {
    let owners = || pod.owner_references.iter().flatten();
    let owner = owners().find(|owner| owner.controller == Some(true)).or_else(|| owners().next());
    let of = |kind: &str, name: &str| Workload {
        namespace: pod.namespace.clone(),
        kind: kind.to_owned(),
        name: name.to_owned(),
    };
    let Some(Owner { kind, name, .. }) = owner else { return of("Pod", &pod.name) };
    let (stem, end) = name.rsplit_once('-').unwrap_or((name, ""));
    let hash = pod.labels.as_ref().and_then(|labels| labels.get("pod-template-hash"));
    match kind.as_str() {
        "ReplicaSet" if !end.is_empty() && hash.is_some_and(|hash| hash == end) => of("Deployment", stem),
        "Job" if end.len() >= 8 && end.bytes().all(|b| b.is_ascii_digit()) => of("CronJob", stem),
        kind => of(kind, name),
    }
}

#[derive(Deserialize)]
struct List {
    items: Vec<Pod>,
}

#[derive(Deserialize)]
struct Pod {
    kind: Option<String>,
    metadata: Metadata,
    spec: Spec,
    #[serde(default)]
    status: Status,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    name: String,
    #[serde(default)]
    namespace: String,
    labels: Option<BTreeMap<String, String>>,
    annotations: Option<BTreeMap<String, String>>,
    owner_references: Option<Vec<Owner>>,
}

#[derive(Deserialize)]
struct Owner {
    kind: String,
    name: String,
    controller: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    containers: Option<Vec<Container>>,
    init_containers: Option<Vec<Container>>,
    ephemeral_containers: Option<Vec<Container>>,
    volumes: Option<Vec<Volume>>,
}

#[derive(Deserialize)]
struct Container {
    name: String,
    image: Option<String>,
}

#[derive(Deserialize)]
struct Volume {
    image: Option<VolumeImage>,
}

#[derive(Deserialize)]
struct VolumeImage {
    reference: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    container_statuses: Option<Vec<ContainerStatus>>,
    init_container_statuses: Option<Vec<ContainerStatus>>,
    ephemeral_container_statuses: Option<Vec<ContainerStatus>>,
}

#[derive(Deserialize)]
struct ContainerStatus {
    name: String,
    #[serde(rename = "imageID", default)]
    image_id: String,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn found(pods: Value) -> Found {
        read(json!({ "kind": "List", "items": pods }).to_string().as_bytes(), "pods.json").expect("a list")
    }

    fn pod(name: &str, owner: Value, labels: Value) -> Value {
        let metadata = json!({ "namespace": "shop", "name": name, "labels": labels, "ownerReferences": owner });
        json!({ "kind": "Pod", "metadata": metadata, "spec": { "containers": [{ "name": "a", "image": "r.example/a" }] } })
    }

    #[test]
    fn every_place_that_has_an_image_is_looked_at_and_a_digest_is_that_of_its_own_container() {
        let hex = |c: &str| c.repeat(64);
        let found = found(json!([{
            "metadata": { "namespace": "shop", "name": "p" },
            "spec": {
                "containers": [{ "name": "app", "image": "app:1" }, { "name": "again", "image": "app:1" }],
                "initContainers": [{ "name": "init", "image": "init:1" }],
                "ephemeralContainers": [{ "name": "debug", "image": "debug:1" }],
                "volumes": [{ "name": "v", "image": { "reference": "data:1" } }, { "name": "other", "emptyDir": {} }],
            },
            "status": {
                "containerStatuses": [
                    { "name": "again", "imageID": format!("app@sha256:{}", hex("b")) },
                    { "name": "app", "imageID": format!("docker-pullable://app@sha256:{}", hex("a")) },
                ],
                "initContainerStatuses": [{ "name": "init", "imageID": format!("sha256:{}", hex("c")) }],
                "ephemeralContainerStatuses": [{ "name": "debug", "imageID": format!("x/debug@sha256:{}", hex("d")) }],
            },
        }]));
        let images: Vec<_> = found
            .images
            .keys()
            .map(|one| (one.reference.as_str(), one.place, one.running.map(|digest| digest.hex().chars().next())))
            .collect();
        assert_eq!(
            images,
            [
                ("app:1", Place::Container, Some(Some('a'))),
                ("app:1", Place::Container, Some(Some('b'))),
                ("data:1", Place::Volume, None),
                ("debug:1", Place::EphemeralContainer, Some(Some('d'))),
                ("init:1", Place::Container, None),
            ]
        );
    }

    #[test]
    fn pods_are_grouped_by_what_made_them() {
        let owner = |kind: &str, name: &str| json!([{ "kind": kind, "name": name, "controller": true }]);
        let hash = json!({ "pod-template-hash": "5d4f" });
        let found = found(json!([
            pod("shop-5d4f-x", owner("ReplicaSet", "shop-5d4f"), hash.clone()),
            pod("shop-5d4f-y", owner("ReplicaSet", "shop-5d4f"), hash.clone()),
            pod("bare-5d4f-x", owner("ReplicaSet", "bare-5d4f"), json!({})),
            pod("night-29371234-x", owner("Job", "night-29371234"), json!({})),
            pod("once-x", owner("Job", "once"), json!({})),
            pod("alone", json!(null), json!(null)),
        ]));
        let users: Vec<_> =
            found.images.values().flatten().map(|(by, n)| format!("{} {} {n}", by.kind, by.name)).collect();
        assert_eq!(
            users,
            ["CronJob night 1", "Deployment shop 2", "Job once 1", "Pod alone 1", "ReplicaSet bare-5d4f 1"]
        );
    }

    #[test]
    fn what_no_webhook_is_asked_about_is_counted_and_left_out() {
        let mut system = pod("a", json!(null), json!(null));
        system["metadata"]["namespace"] = json!("kube-system");
        let mut mirror = pod("b", json!([{ "kind": "Node", "name": "n", "controller": true }]), json!(null));
        mirror["metadata"]["annotations"] = json!({ MIRROR: "x" });
        let mut forged = pod("c", json!(null), json!(null));
        forged["metadata"]["annotations"] = json!({ MIRROR: "x" });
        assert_eq!(found(json!([forged])).images.len(), 1, "whoever writes a Pod can write the annotation");
        let found = found(json!([system, mirror]));
        assert!(found.images.is_empty() && found.pods == 2);
        assert_eq!(found.skipped, BTreeMap::from([("kube-system".to_owned(), 1), ("static Pods".to_owned(), 1)]));
    }

    #[test]
    fn so_many_images_are_read_and_one_more_is_not() {
        let with = |image: &str| json!({ "metadata": { "name": "p" }, "spec": { "containers": [{ "name": "a", "image": image }] } });
        let list = json!({ "items": [with("a"), with("b"), with("a")] }).to_string();
        assert_eq!(read_at_most(list.as_bytes(), "pods.json", 2).expect("at the limit").images.len(), 2);
        let failure = read_at_most(list.as_bytes(), "pods.json", 1).expect_err("one past it");
        assert!(failure.message.contains("more than 1 images"), "{failure}");
    }

    #[test]
    fn what_is_no_list_of_pods_is_refused() {
        for bytes in ["", "[]", "{}", r#"{"items":[{"kind":"Deployment","metadata":{"name":"x"},"spec":{}}]}"#] {
            let failure = read(bytes.as_bytes(), "pods.json").expect_err(bytes);
            assert!(failure.message.contains("pods.json") && failure.hint.is_some(), "{failure}");
        }
    }
}
