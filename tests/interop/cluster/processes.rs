//! etcd, the API server and Kyverno as plain processes on loopback, and requests to the API server.
//!
//! No kubelet, scheduler or controller manager: admission is all. The flags that Kyverno's chart would set are here; what it
//! makes itself (certificates, webhook configurations) is its own.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::peer::{free_port, peer, say};

/// Tokens of the users, for this test alone.
const ADMIN: &str = "admin-token";
const DEVELOPER: &str = "developer-token";

/// Who asks the API server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum User {
    /// `system:masters`.
    Admin,
    /// May do anything with what runs, and nothing with policies.
    Developer,
}

/// A process that ends with the test. Its output is in a file.
struct Process(Child);

impl Process {
    fn start(command: &mut Command, log: &Path) -> Self {
        let out = File::create(log).expect("log");
        let errors = out.try_clone().expect("log");
        let child = command.stdin(Stdio::null()).stdout(out).stderr(errors).spawn();
        Self(child.unwrap_or_else(|e| panic!("{command:?}: {e}")))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A cluster without nodes.
pub(crate) struct Cluster {
    folder: PathBuf,
    kyverno: Option<Process>,
    port: u16,
    webhook_port: u16,
    pub(crate) metrics_port: u16,
    _api_server: Process,
    _etcd: Process,
}

/// What the API server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
    /// From the first byte that was sent to the last that came.
    pub(crate) seconds: f64,
}

impl Answer {
    /// What it says of a failure.
    pub(crate) fn message(&self) -> &str {
        self.body["message"].as_str().unwrap_or_default()
    }

    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

impl Cluster {
    /// Starts everything in `folder`, with Kyverno's definitions and namespaces, and waits until its webhooks are registered.
    pub(crate) fn start(folder: &Path) -> Self {
        let folder = folder.join("cluster");
        std::fs::create_dir_all(&folder).expect("folder");
        let etcd = start_etcd(&folder);
        let (port, webhook_port, metrics_port) = (free_port(), free_port(), free_port());
        let api_server = start_api_server(&folder, &etcd.1, port);
        let mut cluster =
            Self { folder, kyverno: None, port, webhook_port, metrics_port, _api_server: api_server, _etcd: etcd.0 };
        cluster.wait("the API server", Duration::from_secs(180), |cluster| {
            cluster.ask(User::Admin, "GET", "/readyz", None).status == 200
        });
        cluster.prepare();
        cluster.start_kyverno();
        cluster
    }

    /// Starts Kyverno, and waits until the API server would ask it.
    pub(crate) fn start_kyverno(&mut self) {
        let address = format!("127.0.0.1:{}", self.webhook_port);
        let mut command = Command::new(peer("SEALWRIGHT_KYVERNO"));
        command
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", &self.folder)
            .env("TUF_ROOT", self.folder.join("tuf"));
        for (name, value) in [
            ("KYVERNO_NAMESPACE", "kyverno"),
            ("KYVERNO_SERVICEACCOUNT_NAME", "kyverno-admission-controller"),
            ("KYVERNO_DEPLOYMENT", "kyverno-admission-controller"),
            ("KYVERNO_POD_NAME", "kyverno-admission-controller-0"),
            ("INIT_CONFIG", "kyverno"),
            ("METRICS_CONFIG", "kyverno-metrics"),
        ] {
            command.env(name, value);
        }
        command.arg("--kubeconfig").arg(self.kubeconfig());
        command.args([format!("--serverIP={address}"), format!("--webhookServerPort={}", self.webhook_port)]);
        command.args(["--webhookServerHost=127.0.0.1", "--caSecretName=kyverno-svc.kyverno.svc.kyverno-tls-ca"]);
        command.arg("--tlsSecretName=kyverno-svc.kyverno.svc.kyverno-tls-pair");
        for account in ["background", "reports"] {
            command.arg(format!(
                "--{account}ServiceAccountName=system:serviceaccount:kyverno:kyverno-{account}-controller"
            ));
        }
        command.args([format!("--metricsPort={}", self.metrics_port), "--metricsHost=127.0.0.1".to_owned()]);
        command.args(["--controllerRuntimeMetricsAddress=0", "--imageVerifyCacheMaxSize=67108864"]);
        command.args(["--enablePolicyException", "--exceptionNamespace=kyverno-exceptions", "-v=2"]);
        self.kyverno = Some(Process::start(&mut command, &self.folder.join("kyverno.log")));
        let health = format!("https://{address}/health/readiness");
        self.wait("Kyverno", Duration::from_secs(180), |_| {
            say(Command::new("curl").args(["-fsSk", "-m", "5", &health])).code() == 0
        });
        let configuration = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/kyverno-policy-validating-webhook-cfg";
        self.wait("Kyverno's webhooks", Duration::from_secs(120), |cluster| {
            cluster.ask(User::Admin, "GET", configuration, None).status == 200
        });
    }

    /// As `kill -9`.
    pub(crate) fn kill_kyverno(&mut self) {
        self.kyverno = None;
    }

    /// The ends of the logs.
    fn logs(&self) -> String {
        let end = |name: &str| {
            let bytes = sealwright_core::bounded::read_file(&self.folder.join(name), 1 << 26).unwrap_or_default();
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let lines: Vec<&str> = text.lines().collect();
            let from = lines.len().saturating_sub(20);
            format!("{name}:\n{}\n", lines[from..].join("\n"))
        };
        ["etcd.log", "api-server.log", "kyverno.log"].map(end).concat()
    }

    pub(crate) fn wait(&self, what: &str, most: Duration, done: impl Fn(&Self) -> bool) {
        let begun = Instant::now();
        while !done(self) {
            assert!(begun.elapsed() < most, "{what} is not there after {most:?}\n{}", self.logs());
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// One request. A body that is no object is YAML.
    pub(crate) fn ask(&self, user: User, method: &str, path: &str, body: Option<(&str, &str)>) -> Answer {
        let token = if user == User::Admin { ADMIN } else { DEVELOPER };
        let mut curl = Command::new("curl");
        curl.args([
            "-sS",
            "-m",
            "60",
            "-X",
            method,
            "-w",
            "\n%{http_code} %{time_total}",
            "-H",
            &format!("Authorization: Bearer {token}"),
        ]);
        curl.arg("--cacert").arg(self.folder.join("api-server/apiserver.crt"));
        if let Some((kind, text)) = body {
            let file = self.folder.join("request");
            std::fs::write(&file, text).expect("request");
            curl.args(["-H", &format!("Content-Type: {kind}"), "--data-binary"]).arg(format!("@{}", file.display()));
        }
        let said = say(curl.arg(format!("https://127.0.0.1:{}{path}", self.port)));
        let (body, told) = said.stdout.rsplit_once('\n').unwrap_or_default();
        let (status, seconds) = told.split_once(' ').unwrap_or_default();
        let body = serde_json::from_str(body).unwrap_or_else(|_| json!({ "message": body }));
        Answer { status: status.parse().unwrap_or(0), body, seconds: seconds.parse().unwrap_or_default() }
    }

    /// A JSON object.
    pub(crate) fn send(&self, user: User, method: &str, path: &str, object: &Value) -> Answer {
        self.ask(user, method, path, Some(("application/json", &object.to_string())))
    }

    /// Makes or changes an object from YAML, as `kubectl apply --server-side` does.
    pub(crate) fn apply(&self, path: &str, yaml: &str) -> Answer {
        let path = format!("{path}?fieldManager=test&force=true");
        self.ask(User::Admin, "PATCH", &path, Some(("application/apply-patch+yaml", yaml)))
    }

    /// What names the administrator to other programs.
    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.folder.join("admin.kubeconfig")
    }

    /// A definition of custom resources, from a file `GROUP_PLURAL.yaml`.
    pub(crate) fn define(&self, file: &Path) {
        let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let Some((group, plural)) = stem.split_once('_') else { return };
        let yaml = sealwright_core::bounded::read_file(file, 8 << 20).expect("definition");
        let yaml = String::from_utf8(yaml).expect("text");
        let path = format!("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{plural}.{group}");
        let answer = self.apply(&path, &yaml);
        assert!(answer.is_success(), "{}: {}", file.display(), answer.message());
        self.wait(&path, Duration::from_secs(60), |cluster| {
            let conditions = cluster.ask(User::Admin, "GET", &path, None).body["status"]["conditions"].take();
            let established = |one: &Value| one["type"] == "Established" && one["status"] == "True";
            conditions.as_array().is_some_and(|all| all.iter().any(established))
        });
    }

    /// Kyverno's definitions, its configuration and its namespaces, and what the developer may do.
    fn prepare(&self) {
        let sources = peer("SEALWRIGHT_KYVERNO_SOURCES").join("config/crds");
        for folder in ["kyverno", "policies.kyverno.io", "policyreport", "reports"] {
            for entry in std::fs::read_dir(sources.join(folder)).expect("definitions") {
                self.define(&entry.expect("entry").path());
            }
        }
        for (path, object) in fixtures() {
            let answer = self.send(User::Admin, "POST", path, &object);
            assert!(answer.is_success(), "{path}: {}", answer.message());
        }
        let policies = "/apis/policies.kyverno.io/v1/imagevalidatingpolicies";
        self.wait("Kyverno's definitions", Duration::from_secs(60), |cluster| {
            cluster.ask(User::Admin, "GET", policies, None).status == 200
        });
    }
}

fn start_etcd(folder: &Path) -> (Process, String) {
    let (client, between) = (free_port(), free_port());
    let url = |port: u16| format!("http://127.0.0.1:{port}");
    let mut command = Command::new(peer("SEALWRIGHT_ETCD"));
    command.arg("--data-dir").arg(folder.join("etcd")).args(["--unsafe-no-fsync", "--log-level=warn"]);
    command.args([format!("--listen-client-urls={}", url(client)), format!("--advertise-client-urls={}", url(client))]);
    command.args([
        format!("--listen-peer-urls={}", url(between)),
        format!("--initial-advertise-peer-urls={}", url(between)),
    ]);
    command.arg(format!("--initial-cluster=default={}", url(between)));
    (Process::start(&mut command, &folder.join("etcd.log")), url(client))
}

fn start_api_server(folder: &Path, etcd: &str, port: u16) -> Process {
    let key = folder.join("accounts.key");
    say(Command::new("openssl").args(["genrsa", "-out"]).arg(&key).arg("2048")).expect_code(0);
    let tokens = folder.join("tokens.csv");
    std::fs::write(
        &tokens,
        format!("{ADMIN},admin,admin,\"system:masters\"\n{DEVELOPER},developer,developer,\"developers\"\n"),
    )
    .expect("tokens");
    let certificates = folder.join("api-server");
    let kubeconfig = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "test",
        "clusters": [{ "name": "test", "cluster": {
            "server": format!("https://127.0.0.1:{port}"), "certificate-authority": certificates.join("apiserver.crt"),
        }}],
        "users": [{ "name": "admin", "user": { "token": ADMIN } }],
        "contexts": [{ "name": "test", "context": { "cluster": "test", "user": "admin" } }],
    });
    std::fs::write(folder.join("admin.kubeconfig"), kubeconfig.to_string()).expect("kubeconfig");
    let mut command = Command::new(peer("SEALWRIGHT_KUBE_APISERVER"));
    command.args([format!("--etcd-servers={etcd}"), format!("--secure-port={port}")]);
    command.args(["--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none"]);
    command.arg("--cert-dir").arg(&certificates).args(["--service-cluster-ip-range=10.0.0.0/24"]);
    command.args(["--service-account-issuer=https://kubernetes.default.svc", "--authorization-mode=RBAC"]);
    for flag in ["--service-account-key-file", "--service-account-signing-key-file"] {
        command.arg(flag).arg(&key);
    }
    command.arg("--token-auth-file").arg(&tokens);
    command.args(["--disable-admission-plugins=ServiceAccount", "--allow-privileged"]);
    Process::start(&mut command, &folder.join("api-server.log"))
}

/// What Kyverno's chart would have made, and a role without policies. There is no controller manager, so that the built-in
/// roles that others are folded into stay empty.
fn fixtures() -> Vec<(&'static str, Value)> {
    let namespace = |name: &str| json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
    let configuration = |name: &str, data: Value| json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name, "namespace": "kyverno" }, "data": data });
    let account = |name: &str| json!({ "kind": "ServiceAccount", "namespace": "kyverno", "name": name });
    let filters = "[Event,*,*][*/*,kube-system,*][*/*,kube-public,*][*/*,kube-node-lease,*][Node,*,*][Node/?*,*,*][APIService,*,*][APIService/?*,*,*][TokenReview,*,*][SubjectAccessReview,*,*][SelfSubjectAccessReview,*,*][Binding,*,*][Pod/binding,*,*][ReplicaSet,*,*][ReplicaSet/?*,*,*][EphemeralReport,*,*][ClusterEphemeralReport,*,*]";
    let webhooks = r#"{"namespaceSelector":{"matchExpressions":[{"key":"kubernetes.io/metadata.name","operator":"NotIn","values":["kube-system","kyverno"]}]}}"#;
    let bindings = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings";
    let binding = |name: &str, role: &str, subjects: Value| {
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": { "name": name },
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role }, "subjects": subjects,
        })
    };
    vec![
        ("/api/v1/namespaces", namespace("kyverno")),
        ("/api/v1/namespaces", namespace("kyverno-exceptions")),
        ("/api/v1/namespaces", namespace("shop")),
        (
            "/api/v1/namespaces/kyverno/configmaps",
            configuration(
                "kyverno",
                json!({
                    "enableDefaultRegistryMutation": "true", "defaultRegistry": "docker.io",
                    "generateSuccessEvents": "false", "excludeGroups": "system:nodes", "resourceFilters": filters,
                    "webhooks": webhooks,
                }),
            ),
        ),
        (
            "/api/v1/namespaces/kyverno/configmaps",
            configuration(
                "kyverno-metrics",
                json!({ "namespaces": r#"{"exclude":[],"include":[]}"#, "bucketBoundaries": "0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30" }),
            ),
        ),
        (
            bindings,
            binding(
                "kyverno",
                "cluster-admin",
                json!([account("kyverno-reports-controller"), account("kyverno-background-controller")]),
            ),
        ),
        (
            "/apis/rbac.authorization.k8s.io/v1/clusterroles",
            json!({
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": { "name": "developer" },
                "rules": [{ "apiGroups": ["", "apps", "batch"], "resources": ["*"], "verbs": ["*"] }],
            }),
        ),
        (
            bindings,
            binding(
                "developer",
                "developer",
                json!([{ "apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "developer" }]),
            ),
        ),
    ]
}
