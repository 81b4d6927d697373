//! What a step of an action does, on the stand-in for the runner: outputs, masks, annotations, and inputs that are none.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use sealwright_core::Digest;
use sealwright_loopback::authority::{LogVersion, workflow_claims};
use sealwright_testkit::runner::{Log, Place, Runner, Step};
use serde_json::Value;

use crate::keyless::Keyless;
use crate::scene::Scene;

/// A job whose checkout is the scene.
pub(crate) struct Job {
    pub(crate) scene: Scene,
    pub(crate) runner: Runner,
}

/// What came of a step.
pub(crate) struct Done {
    code: i32,
    pub(crate) log: Log,
    step: Step,
    outputs: BTreeMap<String, String>,
}

impl Job {
    pub(crate) fn of(scene: Scene) -> Self {
        let root = scene.path().join("runner");
        let mut runner = Runner::new(&root, "acme/shop");
        let workspace = runner.workspace();
        std::fs::remove_dir(&workspace).expect("an empty checkout");
        std::os::unix::fs::symlink(scene.path(), &workspace).expect("the checkout");
        runner.set("COSIGN_PASSWORD", "");
        Self { scene, runner }
    }

    pub(crate) fn run(&self, inputs: &[(&str, &str)]) -> Done {
        let step = self.runner.step(Place::Machine, inputs);
        let mut command = Command::new(env!("CARGO_BIN_EXE_sealwright"));
        command.arg("action").current_dir(self.runner.workspace()).env_clear().envs(&step.variables);
        let output = command.stdin(Stdio::null()).output().expect("the binary");
        let text = |bytes| String::from_utf8(bytes).expect("text");
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        assert_eq!(stderr, "", "the order of two streams is not known");
        let outputs = step.outputs();
        Done { code: output.status.code().unwrap_or(-1), log: Log::of(&stdout), step, outputs }
    }

    fn seal(&self, source: &str, more: &[(&str, &str)]) -> Done {
        let reference = self.scene.reference();
        let fixed = [
            ("command", "seal"),
            ("source", source),
            ("push", &reference),
            ("key", "key.pem"),
            ("transparency", "none"),
            ("policy", "policy.yaml"),
            ("db", "db"),
            ("output", "json=seal.json\n"),
        ];
        self.run(&[&fixed[..], more].concat())
    }
}

impl Done {
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{:#?}", self.log);
        self
    }

    #[track_caller]
    fn error(&self, words: &[&str]) {
        let errors: Vec<_> = self.log.annotations.iter().filter(|one| one.level == "error").collect();
        assert_eq!(errors.len(), 1, "{:#?}", self.log);
        let error = errors[0];
        for word in words {
            assert!(error.message.contains(word), "{word:?} is not in {:?}", error.message);
        }
    }

    fn output(&self, name: &str) -> &str {
        self.outputs.get(name).map_or("", String::as_str)
    }
}

#[test]
fn a_seal_hands_on_what_a_later_step_needs() {
    let job = Job::of(Scene::new());
    let source = job.scene.image("image", "1.4-r0");
    let done = job.seal(&source, &[]).expect(0);
    let image = done.output("image").to_owned();
    let (_, digest) = image.split_once('@').expect("a digest");
    assert_eq!((done.output("digest"), done.output("exit-code")), (digest, "0"));
    assert_eq!(done.step.artifacts(), [format!("oci://{image}")]);
    assert!(done.log.annotations.is_empty() && done.log.lines.iter().any(|line| line.contains("verified")));
    // The command that anybody can run is one that holds.
    let command = done.output("verify-command").replace("cosign.pub", "key.pub");
    let words: Vec<&str> = command.split(' ').skip(1).collect();
    job.scene.run(&words).expect(0, &["verified"]);
    // What is listed beside the image is what is named.
    let referrers: Vec<Digest> = serde_json::from_str(done.output("referrers")).expect("a list");
    let listed = job.scene.run(&["tree", &image, "-o", "json"]).expect(0, &[]).stdout;
    assert_eq!(referrers.len(), 6);
    assert!(referrers.iter().all(|referrer| listed.contains(&referrer.to_string())), "{listed}");
    let bundles = std::fs::read_dir(job.scene.path().join(done.output("bundles"))).expect("a folder");
    let mut names: Vec<String> =
        bundles.map(|entry| entry.expect("an entry").file_name().into_string().expect("text")).collect();
    names.sort();
    let hex = digest.trim_start_matches("sha256:");
    let words = ["cyclonedx", "decision", "provenance", "signature", "spdx", "vuln"];
    assert_eq!(names, words.map(|word| format!("sha256-{hex}.{word}.sigstore.json")));
    let result: Value = serde_json::from_str(done.output("result")).expect("JSON");
    assert_eq!((&result["schema"], &result["command"], &result["exit-code"]), (&1.into(), &"seal".into(), &0.into()));
    assert_eq!((&result["image"], &result["tag"]), (&image.clone().into(), &"v1".into()));
    assert_eq!(result["referrers"].as_array().map(Vec::len), Some(6));
    assert!(job.scene.path().join("seal.json").is_file());
    // A second run finds everything there, and hands on the same.
    let again = job.seal(&source, &[]).expect(0);
    assert_eq!((again.output("referrers"), again.output("image")), (done.output("referrers"), image.as_str()));
}

#[test]
fn a_refusal_is_exit_3_and_what_failed_is_an_annotation() {
    let job = Job::of(Scene::new());
    let vulnerable = job.scene.image("vulnerable", "1.3-r0");
    let done = job.seal(&vulnerable, &[]).expect(3);
    assert_eq!((done.output("exit-code"), done.output("image"), done.output("digest")), ("3", "", ""));
    assert!(done.step.artifacts().is_empty());
    job.seal("oci:nowhere", &[]).expect(2).error(&["nowhere"]);
    let other = Digest::of(b"another").to_string();
    let replaced = job.seal(&vulnerable, &[("expect-digest", &other)]).expect(4);
    replaced.error(&[&format!("expected {other}"), "nothing was pushed"]);
}

#[test]
fn an_input_that_is_none_is_refused_before_anything_is_done() {
    let job = Job::of(Scene::new());
    let scan = [("command", "scan"), ("source", "oci:nowhere"), ("db", "db")];
    for (input, words) in [
        (("polcy", "policy.yaml"), &["scan has no input \"polcy\"", "policy"][..]),
        (("push", "registry.example/a"), &["scan has no input \"push\""]),
        (("entrypoint", "/bin/sh"), &["scan has no input \"entrypoint\""]),
        (("quiet", "true"), &["scan has no input \"quiet\""]),
        (("log-format", "json"), &["scan has no input \"log-format\""]),
        (("only-fixed", "yes"), &["only-fixed is \"yes\", expected true or false"]),
        (("fail-on", "high\ncritical"), &["fail-on has several lines"]),
        (("fail-on", "terrible"), &["invalid value 'terrible'"]),
        (("policy", "a::error::b"), &["a::error::b"]),
        (("output", "json=x\n--policy=evil"), &["--policy"]),
        (("summary", "perhaps"), &["summary is \"perhaps\""]),
    ] {
        let done = job.run(&[&scan[..], &[input]].concat());
        assert_eq!(done.code, 2, "{input:?} {:#?}", done.log);
        done.error(words);
    }
    for command in ["", "demo", "seal\n", "action", "db", "::error::x"] {
        if command.trim() != "seal" {
            job.run(&[("command", command)]).expect(2).error(&["command names nothing that is known"]);
        }
    }
    job.run(&[("command", "seal\n"), ("push", "registry.example/a")]).expect(2).error(&["SOURCE"]);
}

#[test]
fn what_an_input_says_is_no_flag_and_no_command() {
    let job = Job::of(Scene::new());
    let source = job.scene.image("image", "1.4-r0");
    for hostile in [
        "--version",
        "-o json",
        "x\u{1b}[2J",
        "${{ github.token }}",
        "$(id)`id`",
        "'\"",
        "%0A::error::x",
        &"x".repeat(100_000),
    ] {
        let done = job.run(&[("command", "sbom"), ("source", hostile)]);
        assert_eq!(done.code, 2, "{hostile:?} {:#?}", done.log);
        assert_eq!(done.log.annotations.len(), 1, "{:#?}", done.log);
    }
    // A name in an image that is a command at the start of a line.
    let files = "x\n::error::gotcha\n::add-mask::zlib\n::set-output name=image::evil\n";
    job.scene.write("hostile.txt", files);
    let image =
        sealwright_testkit::image().layer(|l| l.os_release("alpine", "3.20.3").apk("::error::gotcha", "1-r0").gzip());
    image.write_layout(&job.scene.path().join("hostile"), "latest");
    let done = job.run(&[("command", "sbom"), ("source", "oci:hostile")]).expect(0);
    assert!(done.log.annotations.is_empty() && done.log.masks.is_empty(), "{:#?}", done.log);
    job.run(&[("command", "sbom"), ("source", &source), ("output", "json=a.json\n\n  spdx-json=b.json  \n")]).expect(0);
    assert!(["a.json", "b.json"].iter().all(|file| job.scene.path().join(file).is_file()));
}

#[test]
fn secrets_are_masked_before_anything_is_said_about_them() {
    let keyless = Keyless::new(LogVersion::V2, &workflow_claims());
    let endpoint = keyless.authority.job(&workflow_claims()).expect("job");
    let mut job = Job::of(keyless.scene);
    job.runner.set("ACTIONS_ID_TOKEN_REQUEST_URL", &endpoint.request_url);
    job.runner.set("ACTIONS_ID_TOKEN_REQUEST_TOKEN", &endpoint.request_token);
    job.runner.set("COSIGN_PASSWORD", "correct horse");
    let reference = job.scene.reference();
    let inputs = [
        ("command", "seal"),
        ("source", "oci:image"),
        ("push", reference.as_str()),
        ("policy", "open.yaml"),
        ("db", "db"),
        ("trusted-root", "root.json"),
        ("signing-config", "config.json"),
        ("github-token", "ghs_0123456789"),
    ];
    job.scene.write("open.yaml", format!(
        "version: 1\nbuilders:\n  - name: release\n    source: {{ repository: acme/shop }}\n    keyless: {{ issuer: \"{}\", identity: \"{}\" }}\ngate: {{ unknown-severity: report, max-advisory-age: off }}\n",
        keyless.authority.issuer(), crate::keyless::IDENTITY
    ));
    let done = job.run(&inputs).expect(0);
    let masks = &done.log.masks;
    for secret in ["correct horse", "ghs_0123456789", endpoint.request_token.as_str()] {
        assert!(masks.iter().any(|mask| mask == secret), "{secret} {masks:?}");
    }
    let token = masks.iter().find(|mask| mask.starts_with("eyJ")).expect("the identity token");
    // Masked or not, no secret stands in a line, and none in what is handed on.
    let said = format!("{:?} {:?} {}", done.log.lines, done.outputs, done.step.summary());
    assert!(!said.contains("***") && !said.contains(token.as_str()) && !said.contains("correct horse"), "{said}");
    assert!(done.output("verify-command").contains("--certificate-github-repository-id 123456"), "{:?}", done.outputs);
}

#[test]
fn an_output_that_the_runner_would_drop_is_told() {
    let mut job = Job::of(Scene::new());
    let source = job.scene.image("image", "1.4-r0");
    // As the number of an account of AWS that somebody has masked stands in the name of every image there.
    job.runner.set("COSIGN_PASSWORD", "127.0.0.1");
    let done = job.seal(&source, &[]).expect(0);
    let warned: Vec<&str> = done.log.annotations.iter().map(|one| one.message.as_str()).collect();
    assert!(
        warned.iter().any(|message| message.contains("the output image holds something that is masked")),
        "{warned:?}"
    );
    assert!(!warned.iter().any(|message| message.contains("output digest")), "{warned:?}");
}

#[test]
fn advisories_are_fetched_where_a_step_names_none() {
    let job = Job::of(Scene::new());
    job.scene.image("image", "1.3-r0");
    let records = crate::export::zip(&[("ALPINE-CVE-2030-1.json", crate::scene::ADVISORY)]);
    let export = crate::export::serve(&[("/Alpine/all.zip", &records)]);
    let inputs = [
        ("command", "scan"),
        ("source", "oci:image"),
        ("fail-on", "critical"),
        ("db-from", export.as_str()),
        ("kev-from", "none"),
    ];
    let done = job.run(&inputs).expect(3);
    assert!(done.log.lines.iter().any(|line| line.contains("CVE-2030-1")), "{:#?}", done.log);
    let nothing = crate::export::serve(&[]);
    let done = job.run(&[&inputs[..3], &[("db-from", nothing.as_str()), ("kev-from", "none")]].concat()).expect(5);
    done.error(&["Alpine"]);
    // An image without packages is judged too: there is nothing that could be fetched for it.
    sealwright_testkit::image()
        .layer(|l| l.file("app", b"no package"))
        .write_layout(&job.scene.path().join("empty"), "latest");
    let empty = [
        ("command", "scan"),
        ("source", "oci:empty"),
        ("fail-on", "critical"),
        ("db-from", export.as_str()),
        ("kev-from", "none"),
    ];
    let done = job.run(&empty).expect(0);
    assert!(done.log.lines.iter().any(|line| line.contains("needs no advisories")), "{:#?}", done.log);
}
