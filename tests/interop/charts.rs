//! `charts/` with the genuine Helm 3 and Helm 4: every file of `ci/` lints and renders the same with both for every Kubernetes
//! that is supported, what is rendered is what these Kubernetes versions publish as their schema and passes the restricted Pod
//! Security Standard, and an image without a digest is refused, by the schema and by the templates.
//!
//! Not here: that a cluster takes the objects (tier `cluster`).

mod policies;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sealwright_core::bounded::{read_all, read_file};
use serde_json::Value;

use crate::kubernetes_schema::Kinds;
use crate::peer::{Said, peer, say, text_of};

/// The versions of Kubernetes whose documents are peers: `SEALWRIGHT_OPENAPI_1_33` and so on.
const KUBERNETES: [&str; 4] = ["1.33", "1.34", "1.35", "1.36"];
const HELM: [&str; 2] = ["SEALWRIGHT_HELM3", "SEALWRIGHT_HELM4"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Helm in `charts/`, with a home of its own and no cluster.
fn helm(variable: &str, home: &Path) -> Command {
    let mut command = Command::new(peer(variable));
    command.current_dir(root().join("charts")).env("HOME", home).env("KUBECONFIG", home.join("none"));
    for name in ["HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME", "HELM_PLUGINS"] {
        command.env(name, home);
    }
    command
}

/// For a version of Kubernetes, because Helm 3 takes a very old one by itself.
fn template(variable: &str, home: &Path, chart: &str, (kubernetes, more): (&str, &[&str])) -> Said {
    let mut command = helm(variable, home);
    command.args(["template", "shop", chart, "--namespace", "shop", "--kube-version", &format!("{kubernetes}.0")]);
    say(command.args(more))
}

/// Every chart with each of its `ci/*-values.yaml`, as `(chart, values)`.
fn cases() -> Vec<(String, String)> {
    let mut cases = Vec::new();
    for chart in fs::read_dir(root().join("charts")).expect("charts") {
        let chart = chart.expect("a chart").file_name().into_string().expect("a name");
        let Ok(values) = fs::read_dir(root().join("charts").join(&chart).join("ci")) else { continue };
        for file in values {
            let file = file.expect("values").file_name().into_string().expect("a name");
            cases.push((chart.clone(), format!("{chart}/ci/{file}")));
        }
    }
    cases.sort();
    assert!(cases.len() >= 3, "{cases:?}");
    cases
}

/// Where what the chart `app` renders to is kept.
fn golden(values: &str) -> PathBuf {
    let name = values.replace("/ci/", ".").replace("-values.yaml", ".yaml");
    root().join("tests/interop/charts").join(name)
}

/// The objects of what Helm wrote.
fn documents(rendered: &str) -> Vec<Value> {
    let documents = rendered.split("\n---\n").map(|document| document.trim_start_matches("---\n"));
    let objects = documents.map(|document| serde_saphyr::from_str::<Value>(document).expect("YAML"));
    objects.filter(|object| !object.is_null()).collect()
}

#[test]
fn every_values_file_lints_and_renders_the_same_with_both_helms() {
    let home = tempfile::tempdir().expect("home");
    for (chart, values) in cases() {
        let mut expected: Option<Vec<Value>> = None;
        for variable in HELM {
            for version in KUBERNETES {
                let mut lint = helm(variable, home.path());
                lint.args(["lint", "--strict", &chart, "-f", &values, "--kube-version", &format!("{version}.0")]);
                let lint = say(&mut lint).expect_code(0);
                assert!(lint.stdout.contains("1 chart(s) linted, 0 chart(s) failed"), "{}", lint.stdout);
                let rendered =
                    template(variable, home.path(), &chart, (version, &["-f", &values])).expect_code(0).stdout;
                let found = documents(&rendered);
                let kept = || if chart == "app" { documents(&text_of(&golden(&values))) } else { found.clone() };
                let expected = expected.get_or_insert_with(kept);
                assert!(*expected == found, "{variable} renders {values} for {version} differently:\n{rendered}");
            }
        }
    }
}

#[test]
fn an_older_kubernetes_is_refused() {
    let home = tempfile::tempdir().expect("home");
    for variable in HELM {
        let said =
            template(variable, home.path(), "app", ("1.32", &["-f", "app/ci/minimal-values.yaml"])).expect_code(1);
        assert!(said.stderr.contains(">=1.33.0-0"), "{}", said.stderr);
    }
}

/// The kinds that the charts render, and the document of Kubernetes' source that each stands in.
const KINDS: [(&str, &[&str]); 5] = [
    ("api__v1", &["ConfigMap", "Pod", "Service", "ServiceAccount"]),
    ("apis__apps__v1", &["Deployment"]),
    ("apis__autoscaling__v2", &["HorizontalPodAutoscaler"]),
    ("apis__networking.k8s.io__v1", &["NetworkPolicy"]),
    ("apis__policy__v1", &["PodDisruptionBudget"]),
];

fn kinds(version: &str) -> Kinds {
    let source = peer(&format!("SEALWRIGHT_OPENAPI_{}", version.replace('.', "_")));
    let definitions = peer("SEALWRIGHT_PROMETHEUS_OPERATOR").join("example/prometheus-operator-crd");
    let kinds = Kinds::published(&source.join("api/openapi-spec/v3"), &KINDS);
    let kyverno = peer("SEALWRIGHT_KYVERNO_SOURCES").join("config/crds/policies.kyverno.io");
    kinds
        .with_definitions(&definitions, &["PodMonitor", "PrometheusRule"])
        .with_definitions(&kyverno, &["ImageValidatingPolicy", "ValidatingPolicy"])
}

#[test]
fn what_is_rendered_is_what_kubernetes_publishes() {
    let home = tempfile::tempdir().expect("home");
    let mut judged = 0;
    for version in KUBERNETES {
        let kinds = kinds(version);
        for (chart, values) in cases() {
            let flags = ["-f", &values];
            let rendered = template("SEALWRIGHT_HELM4", home.path(), &chart, (version, &flags)).expect_code(0).stdout;
            for object in documents(&rendered) {
                assert_eq!(kinds.faults(&object), Vec::<String>::new(), "{values} on {version}");
                judged += 1;
            }
        }
        // The judge can refuse: a field that is not there, a type that is another, and a kind that is none.
        let good = text_of(&golden("app/ci/full-values.yaml"));
        for (from, to, fault) in [
            (
                "automountServiceAccountToken: false\n      ",
                "mountServiceAccountToken: false\n      ",
                "mountServiceAccountToken",
            ),
            ("containerPort: 8080", "containerPort: http", "/spec/template/spec/containers/0/ports/0/containerPort"),
            ("maxReplicas: 10", "maximalReplicas: 10", "\"maxReplicas\" is a required property"),
            ("port: metrics\n      path", "ports: metrics\n      path", "/spec/podMetricsEndpoints/0"),
            ("policy/v1", "policy/v1beta1", "policy/v1beta1 PodDisruptionBudget is not known"),
        ] {
            let bad = good.replace(from, to);
            assert_ne!(bad, good, "{from}");
            let faults: Vec<String> = documents(&bad).iter().flat_map(|object| kinds.faults(object)).collect();
            assert!(faults.iter().any(|found| found.contains(fault)), "{from} on {version}: {faults:?}");
        }
    }
    println!("{judged} objects are what Kubernetes {} publish", KUBERNETES.join(", "));
}

/// The Pods that objects make.
fn pods(objects: &[Value]) -> Vec<Value> {
    let pod = |object: &Value| match object["kind"].as_str() {
        Some("Pod") => Some(object.clone()),
        Some("Deployment") => Some(object["spec"]["template"].clone()),
        _ => None,
    };
    objects.iter().filter_map(pod).collect()
}

/// What Pod Security admission says of each Pod; nothing where it is allowed.
fn restricted(pods: &[Value]) -> Vec<String> {
    let mut child = Command::new(peer("SEALWRIGHT_POD_SECURITY"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Pod Security");
    let lines: String = pods.iter().map(|pod| format!("{pod}\n")).collect();
    child.stdin.take().expect("piped").write_all(lines.as_bytes()).expect("Pods");
    let answers = read_all(child.stdout.take().expect("piped"), 1 << 20).expect("answers");
    assert!(child.wait().expect("Pod Security").success());
    let answers: Vec<String> = String::from_utf8(answers).expect("text").lines().map(str::to_owned).collect();
    assert_eq!(answers.len(), pods.len());
    answers
}

#[test]
fn every_pod_is_restricted() {
    let home = tempfile::tempdir().expect("home");
    let mut judged = 0;
    for (chart, values) in cases() {
        let rendered =
            template("SEALWRIGHT_HELM4", home.path(), &chart, ("1.36", &["-f", &values])).expect_code(0).stdout;
        let pods = pods(&documents(&rendered));
        assert!(restricted(&pods).iter().all(String::is_empty), "{values}: {:?}", restricted(&pods));
        judged += pods.len();
    }
    assert!(judged >= 4, "{judged}");
    let good = text_of(&golden("app/ci/minimal-values.yaml"));
    for (from, to, fault) in [
        ("runAsNonRoot: true", "runAsNonRoot: false", "runAsNonRoot != true"),
        ("type: RuntimeDefault", "type: Unconfined", "seccompProfile"),
        ("allowPrivilegeEscalation: false", "allowPrivilegeEscalation: true", "allowPrivilegeEscalation != false"),
        ("- ALL", "- NET_RAW", "unrestricted capabilities"),
    ] {
        let bad = good.replace(from, to);
        assert_ne!(bad, good, "{from}");
        let said = restricted(&pods(&documents(&bad)));
        assert!(said.iter().any(|reasons| reasons.contains(fault)), "{from}: {said:?}");
    }
}

/// Values beside a good image that have to be refused, and what Helm then says: the place and what was expected there.
const REFUSED: &[(&[&str], &[&str])] = &[
    (&["image.repository=ghcr.io/acme/shop", "image.tag=v1"], &["'/image'", "'tag' not allowed", "'/image/digest'"]),
    (&[], &["'/image/repository': '' does not match", "'/image/digest': '' does not match"]),
    (&["image.repository=ghcr.io/acme/shop"], &["'/image/digest': '' does not match", "^sha256:[a-f0-9]{64}$"]),
    (&["image.repository=ghcr.io/acme/shop", "image.digest=sha256:b5bb9d80"], &["'/image/digest'"]),
    (&["image.repository=ghcr.io/acme/shop", "image.digest=latest"], &["'/image/digest': 'latest' does not match"]),
    (&["image.repository=ghcr.io/acme/shop", UPPER], &["'/image/digest'"]),
    (&["image.repository=ghcr.io/acme/shop:v1", GOOD], &["'/image/repository': 'ghcr.io/acme/shop:v1' does not match"]),
    // Without a registry, the node's configuration says which one it is.
    (&["image.repository=shop", GOOD], &["'/image/repository': 'shop' does not match"]),
    (&["image.repository=acme/shop", GOOD], &["'/image/repository': 'acme/shop' does not match"]),
    (
        &[REPOSITORY, GOOD, "initContainers[0].name=a", "initContainers[0].image.tag=v1"],
        &["'/initContainers/0/image'", "'tag' not allowed"],
    ),
    (&[REPOSITORY, GOOD, "test.command[0]=a", "test.image.tag=v1"], &["'/test/image'", "'tag' not allowed"]),
    // An image volume has a reference of its own.
    (
        &[REPOSITORY, GOOD, "volumes[0].name=a", "volumes[0].image.reference=nginx:latest"],
        &["'/volumes/0'", "'image' not allowed"],
    ),
    (&[REPOSITORY, GOOD, "volumes[0].name=a", "volumes[0].hostPath.path=/"], &["'hostPath' not allowed"]),
    (&[REPOSITORY, GOOD, "podSecurityContext.runAsNonRoot=false"], &["'/podSecurityContext/runAsNonRoot'"]),
    (&[REPOSITORY, GOOD, "podSecurityContext.seccompProfile=null"], &["'seccompProfile'"]),
    (&[REPOSITORY, GOOD, "securityContext.privileged=true"], &["'privileged' not allowed"]),
    (&[REPOSITORY, GOOD, "securityContext.capabilities.drop=null"], &["'drop'"]),
    (&[REPOSITORY, GOOD, "securityContext.capabilities.add[0]=SYS_ADMIN"], &["'/securityContext/capabilities/add/0'"]),
    (&[REPOSITORY, GOOD, "podLabels.app\\.kubernetes\\.io/name=other"], &["'app.kubernetes.io/name'"]),
    (&[REPOSITORY, GOOD, "replica=3"], &["'replica' not allowed"]),
    // A driver could mount an image, by whatever name it likes.
    (&[REPOSITORY, GOOD, "volumes[0].name=a", "volumes[0].csi.driver=x"], &["'csi' not allowed"]),
    // A line of its own in the Pod.
    (&[REPOSITORY, GOOD, "serviceAccount.name=a\n      hostPID: true"], &["'/serviceAccount/name'"]),
    (&[REPOSITORY, GOOD, "initContainers[0].name=a\n          image: b"], &["'/initContainers/0/name'"]),
    (&[REPOSITORY, GOOD, "service.targetPort=a\nb"], &["'/service/targetPort'"]),
    (&[REPOSITORY, GOOD, "podMonitor.port=a\nb"], &["'/podMonitor/port'"]),
    (&[REPOSITORY, GOOD, "podMonitor.path=/a\nb"], &["'/podMonitor/path'"]),
];
const REPOSITORY: &str = "image.repository=ghcr.io/acme/shop";
const GOOD: &str = "image.digest=sha256:b5bb9d8014a0f9b1d61e21e796d78dccdf1352f23cd32812f4850b878ae4944c";
const UPPER: &str = "image.digest=sha256:B5BB9D8014A0F9B1D61E21E796D78DCCDF1352F23CD32812F4850B878AE4944C";

#[test]
fn an_image_without_a_digest_and_a_pod_without_its_limits_are_refused() {
    let home = tempfile::tempdir().expect("home");
    for variable in HELM {
        template(variable, home.path(), "app", ("1.36", &["--set", REPOSITORY, "--set", GOOD])).expect_code(0);
        for (values, fragments) in REFUSED {
            let flags: Vec<&str> = values.iter().flat_map(|value| ["--set", value]).collect();
            let said = template(variable, home.path(), "app", ("1.36", &flags)).expect_code(1);
            for fragment in *fragments {
                assert!(said.stderr.contains(fragment), "{variable} {values:?}: {fragment} is not in {}", said.stderr);
            }
        }
    }
}

/// A flag of Helm turns the schema off.
#[test]
fn a_tag_is_refused_where_the_schema_is_not_asked() {
    let home = tempfile::tempdir().expect("home");
    for variable in HELM {
        let refuse = |values: &[&str], message: &str| {
            let mut flags: Vec<&str> = values.iter().flat_map(|value| ["--set", value]).collect();
            flags.push("--skip-schema-validation");
            let said = template(variable, home.path(), "app", ("1.36", &flags)).expect_code(1);
            assert!(said.stderr.contains(message), "{variable} {values:?}: {}", said.stderr);
        };
        refuse(&[REPOSITORY, "image.tag=v1"], "image.digest is \"\", expected sha256: and 64 hexadecimal digits");
        refuse(&[REPOSITORY, "image.digest=v1"], "image.digest is \"v1\", expected");
        refuse(
            &["image.repository=ghcr.io/acme/shop:v1", GOOD],
            "image.repository is \"ghcr.io/acme/shop:v1\", expected",
        );
        let own = ["initContainers[0].name=a", "initContainers[0].image.repository=ghcr.io/a/b"];
        refuse(&[REPOSITORY, GOOD, own[0], own[1]], "initContainers[0].image.digest is \"\", expected");
        let test = ["test.command[0]=a", "test.image.repository=ghcr.io/a/b", "test.image.tag=v1"];
        refuse(&[REPOSITORY, GOOD, test[0], test[1], test[2]], "test.image.digest is \"\", expected");
    }
}

#[test]
fn the_chart_of_observability_carries_what_dashboards_has() {
    let home = tempfile::tempdir().expect("home");
    let flags = ["-f", "observability/ci/stack-values.yaml"];
    let rendered = template("SEALWRIGHT_HELM4", home.path(), "observability", ("1.36", &flags)).expect_code(0).stdout;
    let objects = documents(&rendered);
    let of = |kind: &str| objects.iter().find(|object| object["kind"] == kind).unwrap_or_else(|| panic!("no {kind}"));
    let dashboard = of("ConfigMap")["data"]["image-admission.json"].as_str().expect("a dashboard");
    assert_eq!(dashboard.trim_end(), text_of(&root().join("dashboards/admission.json")).trim_end());
    let rules: Value = serde_saphyr::from_str(&text_of(&root().join("dashboards/rules/admission.yaml"))).expect("YAML");
    assert_eq!(of("PrometheusRule")["spec"], rules);
    assert_eq!(of("PrometheusRule")["metadata"]["labels"]["release"], "kube-prometheus-stack");
}

/// Kyverno's own chart, without the charts that are neither in its source nor needed.
fn kyvernos_chart(home: &Path) {
    let chart = home.join("kyverno");
    copy(&peer("SEALWRIGHT_KYVERNO_SOURCES").join("charts/kyverno"), &chart);
    let mut about: Value = serde_saphyr::from_str(&text_of(&chart.join("Chart.yaml"))).expect("YAML");
    about["dependencies"].as_array_mut().expect("charts").retain(|one| one["repository"].is_null());
    fs::write(chart.join("Chart.yaml"), about.to_string()).expect("a file");
    fs::remove_file(chart.join("Chart.lock")).expect("a file");
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let to = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &to)
        } else {
            fs::write(to, read_file(&path, 16 << 20).expect("a file")).expect("a file")
        }
    }
}

#[test]
fn kyvernos_own_chart_takes_the_values_for_eks() {
    let home = tempfile::tempdir().expect("home");
    kyvernos_chart(home.path());
    let values = root().join("charts/kyverno/eks-values.yaml");
    for variable in HELM {
        let mut command = helm(variable, home.path());
        command.args(["template", "kyverno", "kyverno", "--namespace", "kyverno", "--kube-version", "1.35.0", "-f"]);
        let said = say(command.arg(&values).current_dir(home.path())).expect_code(0);
        let objects: Vec<Value> = documents(&said.stdout);
        let controller = |name: &str| {
            let name = format!("kyverno-{name}-controller");
            let found = objects.iter().find(|o| o["kind"] == "Deployment" && o["metadata"]["name"] == name.as_str());
            found.unwrap_or_else(|| panic!("no {name}"))
        };
        for (name, flags) in [
            ("admission", &["--imageVerifyCacheMaxSize=67108864", "--enablePolicyException=false"][..]),
            ("admission", &["--registryCredentialHelpers=amazon", "--forceFailurePolicyIgnore=false"]),
            ("admission", &["--protectManagedResources=true"]),
            ("reports", &["--imageVerifyCacheMaxSize=67108864", "--registryCredentialHelpers=amazon"]),
        ] {
            let arguments = &controller(name)["spec"]["template"]["spec"]["containers"][0]["args"];
            let arguments = arguments.as_array().expect("arguments");
            assert!(
                flags.iter().all(|flag| arguments.iter().any(|one| one == flag)),
                "{name}: {flags:?}: {arguments:?}"
            );
        }
        assert_eq!(controller("admission")["spec"]["replicas"], 3);
        let roles = objects.iter().filter(|object| object["kind"] == "ServiceAccount");
        let roles = roles.filter(|one| one["metadata"]["annotations"]["eks.amazonaws.com/role-arn"].is_string());
        assert_eq!(roles.count(), 3);
        let scraped = objects.iter().filter(|object| object["kind"] == "ServiceMonitor");
        assert_eq!(scraped.count(), 2);
        let budget = objects.iter().find(|o| o["kind"] == "PodDisruptionBudget").expect("a budget");
        assert_eq!(budget["spec"]["minAvailable"], 2);
    }
}

/// The flag of the template `workflows/deploy.yml` is one that each of them has, without a word about its age.
#[test]
fn the_deploy_template_undoes_what_fails_with_both_helms() {
    let home = tempfile::tempdir().expect("home");
    let workflow: Value = serde_saphyr::from_str(&text_of(&root().join("workflows/deploy.yml"))).expect("YAML");
    let steps = workflow["jobs"]["deploy"]["steps"].as_array().expect("steps");
    let script = steps.iter().find_map(|step| step["run"].as_str()).expect("a script");
    for (variable, version) in HELM.into_iter().zip(["v3.", "v4."]) {
        let said = say(helm(variable, home.path()).args(["version", "--short"])).expect_code(0);
        assert!(said.stdout.starts_with(version), "{}", said.stdout);
        let bin = home.path().join(variable);
        fs::create_dir_all(&bin).expect("a folder");
        std::os::unix::fs::symlink(peer(variable), bin.join("helm")).expect("a link");
        let chart = home.path().join("chart");
        if !chart.exists() {
            std::os::unix::fs::symlink(root().join("charts/app"), &chart).expect("a link");
        }
        let path = std::env::join_paths([bin, "/usr/bin".into(), "/bin".into()]).expect("a path");
        let image = format!("ghcr.io/acme/shop@{}", GOOD.trim_start_matches("image.digest="));
        let mut bash = Command::new("bash");
        bash.args(["--noprofile", "--norc", "-euo", "pipefail", "-c", script]).current_dir(home.path()).env_clear();
        bash.env("PATH", path).env("HOME", home.path()).env("RUNNER_TEMP", home.path()).env("IMAGE", image);
        // Nothing listens there: how far it gets is what is looked at.
        let cluster = "apiVersion: v1\nkind: Config\ncurrent-context: a\ncontexts: [{name: a, context: {cluster: a, user: a}}]\n\
            clusters: [{name: a, cluster: {server: \"http://127.0.0.1:9\"}}]\nusers: [{name: a, user: {}}]\n";
        let said = say(bash.env("KUBECONFIG_FILE", cluster)).expect_code(1);
        let last = said.stderr.to_lowercase();
        assert!(last.contains("cluster unreachable") && !last.contains("deprecated"), "{}", said.stderr);
    }
}
