//! `dashboards/` with Prometheus's own tools: each expression is PromQL about metrics and labels of the list, promtool runs the
//! alerts' tests, which notice when an alert is changed, and each panel shows something in a real Prometheus that is filled with
//! series of every listed metric.
//!
//! Not here: a real Grafana, which no package registry has; that the metrics are exposed by a live Kyverno and API server (tier
//! `cluster`).

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sealwright_core::bounded::read_all;
use serde_json::Value;

use crate::metrics::{Asked, Metrics};
use crate::peer::{Server, free_port, peer, say, text_of};

/// What Grafana puts in the place of its variables; a namespace or policy that was not chosen is `.*`.
const VARIABLES: [(&str, &str); 4] =
    [("$__rate_interval", "5m"), ("$__range", "1h"), ("$namespace", ".*"), ("$policy", ".*")];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The files of a folder of `dashboards/` that end so.
fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join(folder)).expect("a folder").map(|entry| entry.expect("an entry").path());
    let mut files: Vec<PathBuf> = entries.filter(|path| path.to_string_lossy().ends_with(ending)).collect();
    files.sort();
    assert!(!files.is_empty(), "{folder} has no {ending}");
    files
}

fn dashboards() -> Vec<Value> {
    let read =
        |path: PathBuf| serde_json::from_str(&text_of(&path)).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    files("dashboards", ".json").into_iter().map(read).collect()
}

/// The panels of a dashboard that show something.
fn panels(dashboard: &Value) -> Vec<&Value> {
    dashboard["panels"].as_array().expect("panels").iter().filter(|panel| panel["type"] != "row").collect()
}

/// Each query of a panel, with Grafana's variables filled in.
fn queries(panel: &Value) -> Vec<String> {
    let targets = panel["targets"].as_array().expect("targets").iter();
    targets
        .map(|target| {
            let query = target["expr"].as_str().expect("a query").to_owned();
            VARIABLES.iter().fold(query, |query, (name, value)| query.replace(name, value))
        })
        .collect()
}

/// Each alert: its name and its expression.
fn alerts() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for file in files("dashboards/rules", ".yaml").iter().filter(|file| !file.to_string_lossy().ends_with(".test.yaml"))
    {
        let rules: Value = serde_saphyr::from_str(&text_of(file)).expect("YAML");
        for group in rules["groups"].as_array().expect("groups") {
            for rule in group["rules"].as_array().expect("rules") {
                let word = |key: &str| rule[key].as_str().unwrap_or_else(|| panic!("no {key} in {rule}")).to_owned();
                found.push((word("alert"), word("expr")));
            }
        }
    }
    found
}

/// What Prometheus's parser says of expressions.
fn read(expressions: &[String]) -> Vec<Result<Asked, String>> {
    let mut child = Command::new(peer("SEALWRIGHT_PROMQL"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the parser");
    let lines: String = expressions.iter().map(|e| e.replace('\n', " ") + "\n").collect();
    child.stdin.take().expect("piped").write_all(lines.as_bytes()).expect("expressions");
    let answers = read_all(child.stdout.take().expect("piped"), 16 << 20).expect("answers");
    assert!(child.wait().expect("the parser").success());
    let answers = String::from_utf8(answers).expect("text");
    let answers: Vec<_> = answers.lines().map(|line| asked(&serde_json::from_str(line).expect("JSON"))).collect();
    assert_eq!(answers.len(), expressions.len());
    answers
}

fn asked(answer: &Value) -> Result<Asked, String> {
    if let Some(error) = answer["error"].as_str() {
        return Err(error.to_owned());
    }
    let words = |list: &Value| -> BTreeSet<String> {
        list.as_array().into_iter().flatten().map(|word| word.as_str().expect("a word").to_owned()).collect()
    };
    let metrics = answer["metrics"].as_array().expect("metrics").iter();
    let metrics = metrics.map(|m| (m["name"].as_str().expect("a name").to_owned(), words(&m["labels"]))).collect();
    Ok(Asked { metrics, groupings: words(&answer["groupings"]) })
}

#[test]
fn every_expression_asks_for_metrics_that_exist() {
    let mut expressions: Vec<String> = alerts().into_iter().map(|(_, expression)| expression).collect();
    for dashboard in dashboards() {
        expressions.extend(panels(&dashboard).into_iter().flat_map(queries));
    }
    let metrics = Metrics::of_admission();
    for (expression, asked) in expressions.iter().zip(read(&expressions)) {
        let asked = asked.unwrap_or_else(|error| panic!("{expression}\n{error}"));
        assert!(!asked.metrics.is_empty(), "{expression}");
        assert_eq!(metrics.unlisted(&asked), Vec::<String>::new(), "{expression}");
    }
    println!("{} expressions ask for listed metrics and labels", expressions.len());
    assert!(expressions.len() >= 36, "{}", expressions.len());
}

#[test]
fn an_expression_that_asks_for_something_else_is_found() {
    let metrics = Metrics::of_admission();
    for (expression, fault) in [
        ("sum(rate(kyverno_admission_request_total[5m]))", "kyverno_admission_request_total is no metric of the list"),
        ("kyverno_info{release=\"1\"}", "kyverno_info has no label release"),
        ("sum by (namespace) (kyverno_info)", "no metric here has the label namespace"),
        // A histogram has no series of its own name, and this one no namespace.
        ("kyverno_admission_review_duration_seconds", "is no metric of the list"),
        (
            "kyverno_admission_review_duration_seconds_bucket{resource_namespace=\"a\"}",
            "has no label resource_namespace",
        ),
        ("kyverno_info * on (pod) group_left (node) kyverno_info", "no metric here has the label pod"),
    ] {
        let asked = read(&[expression.to_owned()]).remove(0).expect(expression);
        let faults = metrics.unlisted(&asked);
        assert!(faults.iter().any(|found| found.contains(fault)), "{expression}: {faults:?}");
    }
    let broken = read(&["sum(rate(kyverno_info[5m])".to_owned()]).remove(0);
    assert!(broken.is_err_and(|error| error.contains("unclosed left parenthesis")));
}

fn promtool(folder: &Path, arguments: &[&str]) -> crate::peer::Said {
    say(Command::new(peer("SEALWRIGHT_PROMTOOL")).args(arguments).current_dir(folder))
}

#[test]
fn the_alerts_pass_their_tests_and_fail_them_when_they_are_changed() {
    let rules = root().join("dashboards/rules");
    promtool(&rules, &["check", "rules", "admission.yaml"]).expect_code(0);
    promtool(&rules, &["test", "rules", "admission.test.yaml"]).expect_code(0);
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("admission.test.yaml"), text_of(&rules.join("admission.test.yaml"))).expect("tests");
    let good = text_of(&rules.join("admission.yaml"));
    let changes = [
        ("execution_cause=\"admission_request\", policy_validation_mode=\"Deny\", ", ""),
        ("policy_validation_mode=\"Deny\", result=\"fail\"", "result=\"fail\""),
        ("result=\"error\"", "result=\"pass\""),
        ("> 20", "> 2"),
        ("0.99", "0.5"),
        ("> 5\n        for", "> 50\n        for"),
        ("name=~\".+[.]kyverno[.]svc.*\"", "name=~\".*\""),
        ("error_type=\"calling_webhook_error\", ", ""),
        ("subresource=\"\", ", ""),
        ("dry_run=\"\", ", ""),
        (", code=~\"2..\"", ""),
        (", verb=~\"POST|PUT|PATCH|APPLY|DELETE|DELETECOLLECTION\"", ""),
        ("result=\"skip\"", "result=\"fail\""),
        ("absent(kyverno_info)", "kyverno_info > 1"),
        ("unless\n          sum", "or\n          sum"),
        // What was not there before counts.
        ("            or\n", "            and\n"),
    ];
    for (from, to) in changes {
        let changed = good.replace(from, to);
        assert_ne!(changed, good, "{from}");
        fs::write(folder.path().join("admission.yaml"), changed).expect("rules");
        let said = promtool(folder.path(), &["test", "rules", "admission.test.yaml"]);
        assert!(said.stdout.contains("FAILED") || said.stderr.contains("FAILED"), "{from} → {to}: {}", said.stdout);
    }
}

#[test]
fn every_alert_has_a_section_in_the_guide_and_a_test() {
    let guide = text_of(&root().join("docs/guides/observability.md"));
    let tests = text_of(&root().join("dashboards/rules/admission.test.yaml"));
    let rules = text_of(&root().join("dashboards/rules/admission.yaml"));
    for (name, _) in alerts() {
        assert!(guide.contains(&format!("\n### {name}\n")), "{name} has no section");
        assert!(rules.contains(&format!("observability.md#{}\n", name.to_lowercase())), "{name} names no section");
        assert!(
            tests.contains(&format!("alertname: {name}\n        exp_alerts:\n")),
            "{name} is never raised in a test"
        );
    }
}

/// Grafana silently moves panels that overlap, and shows the first of two with one number.
#[test]
fn a_dashboard_is_laid_out_and_says_what_it_shows() {
    for dashboard in dashboards() {
        let mut numbers = BTreeSet::new();
        let mut taken = BTreeSet::new();
        for panel in dashboard["panels"].as_array().expect("panels") {
            assert!(numbers.insert(panel["id"].as_u64().expect("a number")), "{panel}");
            let [x, y, w, h] = ["x", "y", "w", "h"].map(|side| panel["gridPos"][side].as_u64().expect("a place"));
            assert!(x + w <= 24, "{}", panel["title"]);
            for cell in (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))) {
                assert!(taken.insert(cell), "{} overlaps", panel["title"]);
            }
        }
        for panel in panels(&dashboard) {
            for key in ["title", "description"] {
                assert!(panel[key].as_str().is_some_and(|text| !text.is_empty()), "{panel}");
            }
            assert_eq!(panel["datasource"]["uid"], "${datasource}", "{}", panel["title"]);
            assert!(panel["fieldConfig"]["defaults"]["unit"].is_string(), "{}", panel["title"]);
        }
        assert!(dashboard["uid"].as_str().is_some_and(|uid| uid.len() <= 40), "{}", dashboard["uid"]);
    }
}

/// When the series begin, in seconds: some time in the past, the same on every run.
const BEGIN: u64 = 1_700_000_000;
/// How long they last, and how far apart their samples are.
const SECONDS: u64 = 7_200;
const STEP: u64 = 30;

/// A series and how much it grows with each sample; a gauge does not grow.
struct Series {
    name: &'static str,
    labels: String,
    growth: u64,
}

/// Series of every metric of the list: what a cluster shows where some images are refused, some cannot be judged, and a webhook
/// was not reached.
fn series() -> Vec<Series> {
    let mut all = vec![Series { name: "kyverno_info", labels: "version=\"v1.19.1\"".into(), growth: 0 }];
    let mut add = |name, labels: String, growth| all.push(Series { name, labels, growth });
    let resource = "resource_kind=\"Pod\",resource_request_operation=\"create\"";
    for (namespace, allowed, growth) in [("shop", "true", 6), ("shop", "false", 2), ("legacy", "true", 3)] {
        let labels = format!(
            "{resource},resource_namespace=\"{namespace}\",request_allowed=\"{allowed}\",\
             request_webhook=\"ValidatingWebhookConfiguration\""
        );
        add("kyverno_admission_requests_total", labels, growth);
    }
    let webhook = "name=\"ivpol.validate.kyverno.svc-fail\",type=\"validating\"";
    for (bound, growth) in [("0.1", 4), ("1", 8), ("5", 9), ("10", 10), ("+Inf", 10)] {
        let of = |labels: &str| format!("{labels},le=\"{bound}\"");
        let request = format!("{resource},request_allowed=\"true\",request_webhook=\"ValidatingWebhookConfiguration\"");
        add("kyverno_admission_review_duration_seconds_bucket", of(&request), growth);
        let policy = "policy_name=\"verify-pods\",policy_validation_mode=\"Deny\",execution_cause=\"admission_request\",result=\"pass\"";
        add("kyverno_image_validating_policy_execution_duration_seconds_bucket", of(policy), growth);
        let server = format!("{webhook},operation=\"CREATE\",rejected=\"false\"");
        add("apiserver_admission_webhook_admission_duration_seconds_bucket", of(&server), growth);
    }
    for (mode, cause, result) in [
        ("Deny", "admission_request", "pass"),
        ("Deny", "admission_request", "fail"),
        ("Deny", "admission_request", "error"),
        ("Deny", "admission_request", "skip"),
        ("Audit", "admission_request", "fail"),
        ("Audit", "background_scan", "fail"),
    ] {
        let labels = format!(
            "policy_name=\"verify-pods\",policy_validation_mode=\"{mode}\",policy_background_mode=\"true\",\
             policy_namespace=\"\",{resource},resource_namespace=\"shop\",execution_cause=\"{cause}\",result=\"{result}\""
        );
        add("kyverno_image_validating_policy_results_total", labels.clone(), 2);
        add("kyverno_validating_policy_results_total", labels.replace("verify-pods", "registry-allowlist"), 1);
    }
    add(
        "apiserver_admission_webhook_request_total",
        format!("{webhook},operation=\"CREATE\",code=\"200\",rejected=\"false\""),
        9,
    );
    for (kind, code) in [("no_error", "400"), ("calling_webhook_error", "503")] {
        let labels = format!("{webhook},operation=\"CREATE\",error_type=\"{kind}\",rejection_code=\"{code}\"");
        add("apiserver_admission_webhook_rejection_count", labels, 1);
    }
    add("apiserver_admission_webhook_fail_open_count", webhook.replace("fail", "ignore"), 1);
    let write = "verb=\"PATCH\",dry_run=\"\",group=\"policies.kyverno.io\",version=\"v1\",resource=\"imagevalidatingpolicies\",\
                 subresource=\"\",scope=\"resource\",component=\"apiserver\",code=\"200\"";
    add("apiserver_request_total", write.to_owned(), 1);
    all
}

/// As OpenMetrics without types, which promtool makes blocks of.
fn open_metrics(series: &[Series]) -> String {
    let mut out = String::new();
    for time in (0..=SECONDS).step_by(usize::try_from(STEP).expect("small")) {
        for one in series {
            let value = if one.growth == 0 { 1 } else { time / STEP * one.growth };
            writeln!(out, "{}{{{}}} {value} {}", one.name, one.labels, BEGIN + time).expect("a line");
        }
    }
    out + "# EOF\n"
}

/// A Prometheus that has the series and the alerts.
struct Prometheus {
    _server: Server,
    address: String,
    _folder: tempfile::TempDir,
}

impl Prometheus {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        fs::write(path("series.txt"), open_metrics(&series())).expect("series");
        let rules = root().join("dashboards/rules/admission.yaml");
        fs::write(path("prometheus.yml"), format!("rule_files: [{}]\n", rules.display())).expect("settings");
        promtool(folder.path(), &["tsdb", "create-blocks-from", "openmetrics", "series.txt", "data"]).expect_code(0);
        let address = format!("127.0.0.1:{}", free_port());
        let mut command = Command::new(peer("SEALWRIGHT_PROMETHEUS"));
        command.arg(format!("--config.file={}", path("prometheus.yml").display()));
        command.arg(format!("--storage.tsdb.path={}", path("data").display()));
        command.args(["--storage.tsdb.retention.time=100y", &format!("--web.listen-address={address}")]);
        let server = Server::start_at(command.current_dir(folder.path()), &address);
        Self { _server: server, address, _folder: folder }
    }

    /// The answer to a path, which Prometheus gives as JSON; none before it has read its storage.
    fn get(&self, path: &str) -> Option<Value> {
        let mut stream = TcpStream::connect(&self.address).expect("a connection");
        write!(stream, "GET {path} HTTP/1.0\r\nHost: {}\r\n\r\n", self.address).expect("a request");
        let answer = read_all(&mut stream, 16 << 20).expect("an answer");
        let answer = String::from_utf8(answer).expect("text");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a body");
        if head.starts_with("HTTP/1.0 503") {
            return None;
        }
        assert!(head.starts_with("HTTP/1.0 200"), "{path}: {head}\n{body}");
        Some(serde_json::from_str(body).expect("JSON"))
    }

    /// The series that a query gives when all samples are there; none before Prometheus has read its storage.
    fn ask(&self, query: &str) -> Vec<Value> {
        let encoded: String = query.bytes().fold(String::new(), |mut out, byte| {
            write!(out, "%{byte:02X}").expect("a byte");
            out
        });
        let answer = self.get(&format!("/api/v1/query?time={}&query={encoded}", BEGIN + SECONDS));
        answer.map(|answer| answer["data"]["result"].as_array().expect("a result").clone()).unwrap_or_default()
    }
}

#[test]
fn every_panel_shows_something_in_a_real_prometheus() {
    let prometheus = Prometheus::start();
    let begun = std::time::Instant::now();
    while prometheus.ask("count(kyverno_info)").is_empty() {
        assert!(begun.elapsed().as_secs() < 30, "the series do not appear");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let mut shown = 0;
    for dashboard in dashboards() {
        for panel in panels(&dashboard) {
            for query in queries(panel) {
                let result = prometheus.ask(&query);
                assert!(!result.is_empty(), "{} shows nothing: {query}", panel["title"]);
                let numbers = result.iter().map(|one| one["value"][1].as_str().expect("a value"));
                assert!(numbers.clone().all(|number| number != "NaN"), "{}: {query}: {result:?}", panel["title"]);
                shown += 1;
            }
        }
    }
    println!("{shown} queries of the panels show series in a real Prometheus");
    // Two of eleven calls a step are denied.
    let blocked = prometheus.ask(
        "sum(increase(kyverno_admission_requests_total{request_allowed=\"false\"}[1h])) \
         / sum(increase(kyverno_admission_requests_total[1h]))",
    );
    let share: f64 = blocked[0]["value"][1].as_str().expect("a value").parse().expect("a number");
    assert!((share - 2.0 / 11.0).abs() < 1e-6, "{share}");
    let rules = prometheus.get("/api/v1/rules").expect("rules");
    let rules = rules["data"]["groups"][0]["rules"].as_array().expect("rules");
    assert_eq!(rules.len(), alerts().len());
}
