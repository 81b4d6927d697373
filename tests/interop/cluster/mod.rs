//! Tier B: a real API server with Kyverno's webhooks judges what was sealed and every row of the table of bypasses.

mod installed;
mod measure;
mod processes;
mod scrape;

use std::time::Duration;

use serde_json::{Value, json};

use crate::admission::images::{Images, OTHER_SIGNERS};
use crate::admission::pods::{pod, with_forged_annotations, with_init, with_sidecar, with_volume, workload};
use crate::admission::rows::{Results, Verdict};
use crate::admission::signer::Variant;
use processes::{Answer, Cluster, User};
use sealwright_loopback::registry::{Effect, Fault};

const PODS: &str = "/api/v1/namespaces/shop/pods";
const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/shop/deployments";

#[test]
fn every_row_holds_for_a_key() {
    judged(Variant::Key);
}

#[test]
fn every_row_holds_for_a_workflow() {
    judged(Variant::Keyless);
}

fn judged(variant: Variant) {
    let images = Images::new(variant);
    let mut trial = Trial { cluster: Cluster::start(images.path()), images, results: Results::new("B", variant) };
    trial.before_there_were_policies();
    install(&trial.cluster, &trial.images);
    trial.evidence();
    trial.containers();
    trial.updates();
    trial.references();
    trial.scopes();
    trial.policies();
    trial.registry();
    scrape::check(&trial.cluster);
    // The last one: Kyverno is not there any more.
    trial.kyverno();
    trial.results.check();
}

struct Trial {
    images: Images,
    cluster: Cluster,
    results: Results,
}

fn verdict(answer: &Answer) -> Verdict {
    if answer.is_success() { Verdict::Admitted } else { Verdict::Denied(answer.message().to_owned()) }
}

impl Trial {
    fn try_as(&mut self, user: User, case: &str, method: &str, path: &str, object: &Value) -> Answer {
        let answer = self.cluster.send(user, method, path, object);
        self.results.record(case, verdict(&answer));
        answer
    }

    /// A developer creates a Pod.
    fn create(&mut self, case: &str, pod: &Value) -> Answer {
        self.try_as(User::Developer, case, "POST", PODS, pod)
    }

    fn evidence(&mut self) {
        let sealed = pod("sealed", &self.images.pinned("good"));
        self.create("sealed", &sealed);
        for name in ["unsigned", "no-signature", "no-sbom", "no-provenance", "no-decision", "no-scan", "stranger"] {
            let pod = pod(name, &self.images.pinned(name));
            self.create(name, &pod);
        }
        for name in ["only-sbom", "foreign-provenance", "failing-scan", "old-scan", "mallory"] {
            let pod = pod(name, &self.images.pinned(name));
            self.create(name, &pod);
        }
        for name in ["failing-scan-last", "failing-scan-first"] {
            let pod = pod(name, &self.images.pinned(name));
            self.create(name, &pod);
        }
        if self.images.signer.variant == Variant::Keyless {
            self.other_signers();
        }
        let borrowed = pod("borrowed", &self.images.borrowed());
        self.create("borrowed", &borrowed);
        self.create("nginx", &pod("nginx", "nginx:latest"));
    }

    /// Certificates that are almost the right ones, and the right workflow called by another repository.
    fn other_signers(&mut self) {
        for name in OTHER_SIGNERS {
            let pod = pod(name, &self.images.pinned(name));
            self.create(name, &pod);
        }
    }

    fn containers(&mut self) {
        let (good, bad) = (self.images.pinned("good"), self.images.pinned("unsigned"));
        self.create("unsigned-init-container", &with_init("init", &good, &bad));
        self.create("unsigned-sidecar", &with_sidecar("sidecar", &good, &bad));
        self.create("unsigned-image-volume", &with_volume("volume", &good, &bad));
        let tagged = self.images.tagged("good");
        self.create("image-volume-by-tag", &with_volume("volume-tag", &good, &tagged));
        self.create("sealed-image-volume", &with_volume("volume-good", &good, &good));
        self.create("forged-annotation", &with_forged_annotations("forged", &bad));
        let debug = |name: &str, image: &str| json!({ "spec": { "ephemeralContainers": [{ "name": name, "image": image, "targetContainerName": "app" }] } });
        let path = format!("{PODS}/sealed/ephemeralcontainers");
        for (case, name, image) in
            [("unsigned-ephemeral-container", "bad", bad.clone()), ("sealed-ephemeral-container", "good", tagged)]
        {
            let patch = debug(name, &image).to_string();
            let kind = "application/strategic-merge-patch+json";
            let answer = self.cluster.ask(User::Developer, "PATCH", &path, Some((kind, &patch)));
            self.results.record(case, verdict(&answer));
            if answer.is_success() {
                let stored =
                    answer.body["spec"]["ephemeralContainers"][0]["image"].as_str().unwrap_or_default().to_owned();
                assert!(stored.ends_with(&self.images.digest.to_string()), "{stored} is not pinned");
            }
        }
        self.try_as(User::Developer, "deployment", "POST", DEPLOYMENTS, &workload("Deployment", "deployment", &bad));
        self.try_as(
            User::Developer,
            "bare-replica-set",
            "POST",
            "/apis/apps/v1/namespaces/shop/replicasets",
            &workload("ReplicaSet", "replicas", &bad),
        );
        self.create("pod-of-a-replica-set", &pod("replicas-x7k2p", &bad));
    }

    /// What runs already: a Pod of a Job, and something that is scaled.
    fn before_there_were_policies(&self) {
        let bad = self.images.pinned("unsigned");
        let mut old = pod("old", &bad);
        old["metadata"]["finalizers"] = json!(["batch.kubernetes.io/job-tracking"]);
        for (path, object) in [(PODS, &old), (DEPLOYMENTS, &workload("Deployment", "old", &bad))] {
            let answer = self.cluster.send(User::Developer, "POST", path, object);
            assert!(answer.is_success(), "{}", answer.message());
        }
    }

    fn updates(&mut self) {
        let other = self.images.pinned("no-signature");
        let container = json!([{ "name": "app", "image": other }]);
        for (case, path, change) in [
            ("update-of-an-image", format!("{PODS}/sealed"), json!({ "spec": { "containers": container } })),
            ("update-without-an-image", format!("{PODS}/old"), json!({ "metadata": { "finalizers": null } })),
            ("scaled-without-an-image", format!("{DEPLOYMENTS}/old"), json!({ "spec": { "replicas": 3 } })),
            (
                "update-of-a-template",
                format!("{DEPLOYMENTS}/old"),
                json!({ "spec": { "replicas": 4, "template": { "spec": { "containers": container } } } }),
            ),
        ] {
            let patch = change.to_string();
            let kind = "application/strategic-merge-patch+json";
            let answer = self.cluster.ask(User::Developer, "PATCH", &path, Some((kind, &patch)));
            self.results.record(case, verdict(&answer));
        }
    }

    fn references(&mut self) {
        let host = self.images.registry.host();
        let digest = self.images.digest;
        let tagged = pod("tagged", &self.images.tagged("good"));
        let answer = self.create("tag-is-stored-as-digest", &tagged);
        let stored = answer.body["spec"]["containers"][0]["image"].as_str().unwrap_or_default().to_owned();
        assert!(stored.ends_with(&format!("@{digest}")), "{stored} is not pinned: {}", answer.message());
        self.create("short-name", &pod("short", "nginx"));
        self.create("mirror", &pod("mirror", &format!("{host}/mirror/app@{digest}")));
        self.create("longer-repository", &pod("longer", &format!("{host}/shop-evil/app@{digest}")));
        // `borrowed` has another image under its tag.
        let moved = pod("moved", &self.images.tagged("borrowed"));
        self.create("tag-moved-to-unsigned", &moved);
        self.rewritten();
    }

    /// The API server's own mutating policies run where webhooks do.
    fn rewritten(&mut self) {
        let group = "/apis/admissionregistration.k8s.io/v1";
        let bad = self.images.pinned("unsigned");
        let expression = format!(
            "Object{{spec: Object.spec{{containers: object.spec.containers.map(c, Object.spec.containers{{name: c.name, image: '{bad}'}})}}}}"
        );
        let policy = json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingAdmissionPolicy", "metadata": { "name": "swap" },
            "spec": {
                "failurePolicy": "Fail", "reinvocationPolicy": "IfNeeded",
                "matchConstraints": { "resourceRules": [{
                    "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"],
                }] },
                "matchConditions": [{ "name": "asked-for", "expression": "has(object.metadata.labels) && 'swap' in object.metadata.labels" }],
                "mutations": [{ "patchType": "ApplyConfiguration", "applyConfiguration": { "expression": expression } }],
            },
        });
        let binding = json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingAdmissionPolicyBinding",
            "metadata": { "name": "swap" }, "spec": { "policyName": "swap" },
        });
        for (kind, object) in [("mutatingadmissionpolicies", &policy), ("mutatingadmissionpolicybindings", &binding)] {
            let answer = self.cluster.send(User::Admin, "POST", &format!("{group}/{kind}"), object);
            assert!(answer.is_success(), "{kind}: {}", answer.message());
        }
        std::thread::sleep(Duration::from_secs(2));
        let mut swapped = pod("swapped", &self.images.pinned("good"));
        swapped["metadata"]["labels"] = json!({ "swap": "yes" });
        self.create("rewritten-by-another-webhook", &swapped);
    }

    fn scopes(&mut self) {
        let bad = self.images.pinned("unsigned");
        let mut system = pod("system", &bad);
        system["metadata"]["namespace"] = json!("kube-system");
        self.try_as(User::Developer, "kube-system", "POST", "/api/v1/namespaces/kube-system/pods", &system);
        let labels = json!({
            "policy.sigstore.dev/include": "false", "kyverno.io/ignore": "true", "admission.gatekeeper.sh/ignore": "yes",
            "securesystemsengineering.connaisseur/webhook": "ignore",
        });
        let namespace = json!({
            "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "left-out", "labels": labels },
        });
        let answer = self.cluster.send(User::Developer, "POST", "/api/v1/namespaces", &namespace);
        assert!(answer.is_success(), "{}", answer.message());
        let mut labeled = pod("labeled", &bad);
        labeled["metadata"]["namespace"] = json!("left-out");
        labeled["metadata"]["labels"] = labels;
        let path = "/api/v1/namespaces/left-out/pods";
        self.try_as(User::Developer, "opt-out-labels", "POST", path, &labeled);
        // Whether the API server refuses it or puts the right name back, the Pod is judged.
        let relabel = json!({ "metadata": { "labels": { "kubernetes.io/metadata.name": "kube-system" } } }).to_string();
        let kind = "application/merge-patch+json";
        self.cluster.ask(User::Developer, "PATCH", "/api/v1/namespaces/left-out", Some((kind, &relabel)));
        labeled["metadata"]["name"] = json!("relabeled");
        self.try_as(User::Developer, "relabeled-namespace", "POST", path, &labeled);
    }

    fn policies(&mut self) {
        let path = "/apis/policies.kyverno.io/v1/namespaces/kyverno-exceptions/policyexceptions";
        let exception = |name: &str, policy: &str, more: Value, described: bool| {
            let mut metadata = json!({ "name": name, "namespace": "kyverno-exceptions" });
            if described {
                metadata["annotations"] = json!({ "sealwright.dev/owner": "@shop", "sealwright.dev/reason": "a test" });
                metadata["labels"] = json!({ "cleanup.kyverno.io/ttl": "7d" });
            }
            let mut spec = json!({ "policyRefs": [{ "name": policy, "kind": "ImageValidatingPolicy" }] });
            spec.as_object_mut().expect("spec").extend(more.as_object().cloned().unwrap_or_default());
            json!({ "apiVersion": "policies.kyverno.io/v1", "kind": "PolicyException", "metadata": metadata, "spec": spec })
        };
        let only = json!({ "matchConditions": [{ "name": "one", "expression": "object.metadata.name == 'exempt'" }] });
        let any = json!({ "matchConditions": [{ "name": "any", "expression": "true" }] });
        let images = json!({
            "matchConditions": [{ "name": "one", "expression": "object.metadata.name == 'exempt'" }], "images": ["**"],
        });
        for (case, object) in [
            ("exception-for-everything", exception("all", "sealwright-signature", json!({}), true)),
            ("exception-for-every-pod", exception("any", "sealwright-signature", any, true)),
            ("exception-with-images", exception("images", "sealwright-signature", images, true)),
            ("exception-without-end", exception("endless", "sealwright-signature", only.clone(), false)),
            ("exception-of-exceptions", exception("guard", "sealwright-exceptions", only.clone(), true)),
        ] {
            self.try_as(User::Admin, case, "POST", path, &object);
        }
        let proper =
            self.cluster.send(User::Admin, "POST", path, &exception("proper", "sealwright-signature", only, true));
        assert!(proper.is_success(), "an exception with all that is asked for: {}", proper.message());
        let nothing = json!({
            "apiVersion": "policies.kyverno.io/v1", "kind": "ImageValidatingPolicy", "metadata": { "name": "nothing" },
            "spec": {
                "matchConstraints": {}, "attestors": [{ "name": "a", "cosign": { "key": { "data": "x" } } }],
                "validations": [{ "expression": "true" }],
            },
        });
        let all = "/apis/policies.kyverno.io/v1/imagevalidatingpolicies";
        self.try_as(User::Admin, "policy-without-constraints", "POST", all, &nothing);
        let one = format!("{all}/sealwright-signature");
        self.try_as(User::Developer, "delete-policy", "DELETE", &one, &json!({}));
        let webhooks = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/kyverno-policy-validating-webhook-cfg";
        self.try_as(User::Developer, "delete-webhooks", "DELETE", webhooks, &json!({}));
    }

    /// A registry that answers wrongly, and one that does not answer. What was verified is cached, so that these are images that
    /// nobody has asked about yet. Each is seen in a metric.
    fn registry(&mut self) {
        for (case, name, method, path, effect) in [
            ("referrers-throttled", "throttled", "GET", "/v2/shop/throttled/referrers/", Effect::Status(429)),
            ("referrers-broken", "broken", "GET", "/v2/shop/broken/referrers/", Effect::Status(500)),
            ("registry-down", "down", "", "/v2/shop/down/", Effect::Status(503)),
        ] {
            self.images.registry.fault(Fault::always(method, path, effect));
            let before = scrape::refused(&self.cluster);
            let pod = pod(name, &self.images.pinned(name));
            self.create(case, &pod);
            assert!(scrape::refused(&self.cluster) > before, "{case} is not counted by Kyverno");
        }
        self.images.registry.fault(Fault::always("", "/v2/shop/slow/", Effect::Hold));
        let before = scrape::unanswered(&self.cluster);
        let slow = pod("slow", &self.images.pinned("slow"));
        self.create("registry-slow", &slow);
        assert!(scrape::unanswered(&self.cluster) > before, "registry-slow is not counted by the API server");
    }

    fn kyverno(&mut self) {
        self.cluster.kill_kyverno();
        let bad = pod("unseen", &self.images.pinned("unsigned"));
        self.create("kyverno-is-down", &bad);
    }
}

/// The policies, each ready, and in the API server's webhooks.
fn install(cluster: &Cluster, images: &Images) {
    for (_, text) in images.policies() {
        for document in text.split("\n---\n") {
            let path = policy_path(document);
            let answer = cluster.apply(&path, document);
            assert!(answer.is_success(), "{path}: {}", answer.message());
        }
        wait_until_ready(cluster, &text);
    }
    // Ready says that Kyverno has written its webhooks; the API server sees them a moment later.
    std::thread::sleep(Duration::from_secs(3));
}

/// Until Kyverno says so of each policy of a file.
fn wait_until_ready(cluster: &Cluster, text: &str) {
    for path in text.split("\n---\n").map(policy_path) {
        cluster.wait(&path, Duration::from_secs(60), |cluster| {
            let found = cluster.ask(User::Admin, "GET", &path, None).body;
            found["status"]["conditionStatus"]["ready"] == json!(true)
        });
    }
}

fn policy_path(document: &str) -> String {
    let object: Value = serde_saphyr::from_str(document).expect("YAML");
    let plural = match object["kind"].as_str() {
        Some("ImageValidatingPolicy") => "imagevalidatingpolicies",
        _ => "validatingpolicies",
    };
    format!("/apis/policies.kyverno.io/v1/{plural}/{}", object["metadata"]["name"].as_str().expect("name"))
}
