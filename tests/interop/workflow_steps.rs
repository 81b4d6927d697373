//! The scripts of the reusable workflows, as the runner starts them: what they hand on, and what they refuse. No container is
//! started: `docker` is a fake here that writes down what it was told.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use sealwright_core::Digest;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::downloads::{Downloads, Served};
use crate::peer::{peer, text_of};

/// A machine with nothing on it but what a script may expect.
struct Machine {
    home: TempDir,
}

/// What became of a script.
struct Ran {
    passed: bool,
    said: String,
    outputs: BTreeMap<String, String>,
    environment: String,
    docker: String,
}

impl Machine {
    fn new() -> Self {
        let home = TempDir::new().expect("a folder");
        let bin = home.path().join("bin");
        fs::create_dir_all(&bin).expect("bin");
        fs::create_dir_all(home.path().join("work")).expect("work");
        let docker = bin.join("docker");
        fs::write(&docker, "#!/bin/sh\nprintf '%s\\n' \"$@\" >> \"$DOCKER_LOG\"\n").expect("docker");
        fs::set_permissions(&docker, fs::Permissions::from_mode(0o755)).expect("docker");
        Self { home }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// A commit of the caller's, checked out to `source`.
    fn commit(&self) {
        let source = self.path("work/source");
        fs::create_dir_all(source.join("app")).expect("source");
        fs::write(source.join("app/Dockerfile"), "FROM scratch\n").expect("Dockerfile");
        symlink("/", source.join("everything")).expect("a link");
        let git = |arguments: &[&str]| {
            let mut command = Command::new("git");
            command.args(["-c", "user.name=t", "-c", "user.email=t@example.com"]).args(arguments).current_dir(&source);
            command.env("GIT_COMMITTER_DATE", "@1700000000 +0000");
            assert!(command.output().expect("git").status.success());
        };
        git(&["init", "-q"]);
        git(&["add", "."]);
        git(&["commit", "-q", "-m", "one"]);
    }

    /// Runs a step's script with its variables, as a runner does: their values are what the expressions would be.
    fn run(&self, step: (&str, &str, &str), variables: &[(&str, &str)]) -> Ran {
        let [outputs, environment, docker] = ["outputs", "environment", "docker"].map(|name| self.path(name));
        for file in [&outputs, &environment, &docker] {
            fs::write(file, "").expect("an empty file");
        }
        let jq = peer("SEALWRIGHT_JQ");
        let folders = [self.path("bin"), jq.parent().expect("a folder").into(), "/usr/bin".into(), "/bin".into()];
        let mut command = Command::new("bash");
        command.args(["--noprofile", "--norc", "-euo", "pipefail", "-c", &script(step)]);
        command.current_dir(self.path("work")).env_clear();
        command.env("PATH", std::env::join_paths(folders).expect("a path")).env("HOME", self.home.path());
        command.env("GITHUB_OUTPUT", &outputs).env("GITHUB_ENV", &environment).env("DOCKER_LOG", &docker);
        let done = command.envs(variables.iter().copied()).output().expect("bash");
        let [out, err] = [done.stdout, done.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let lines = text_of(&outputs);
        let outputs = lines.lines().filter_map(|line| line.split_once('=')).map(|(k, v)| (k.to_owned(), v.to_owned()));
        Ran {
            passed: done.status.success(),
            said: out + &err,
            outputs: outputs.collect(),
            environment: text_of(&environment),
            docker: text_of(&docker),
        }
    }
}

impl Ran {
    #[track_caller]
    fn passes(self) -> Self {
        assert!(self.passed, "{}", self.said);
        self
    }

    /// It ends with an error that the run's page shows.
    #[track_caller]
    fn refuses(self, words: &str) {
        assert!(!self.passed && self.said.contains("::error title=sealwright::"), "{}", self.said);
        assert!(self.said.contains(words), "{:?} lacks {words:?}", self.said);
    }

    #[track_caller]
    fn hands_on(&self, name: &str, value: &str) {
        assert_eq!(self.outputs.get(name).map(String::as_str), Some(value), "{:?}", self.outputs);
    }
}

fn script((file, job, name): (&str, &str, &str)) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(".github/workflows").join(file);
    let workflow: Value = serde_saphyr::from_str(&text_of(&path)).expect("YAML");
    let steps = workflow["jobs"][job]["steps"].as_array().cloned().unwrap_or_default();
    let step = steps.iter().find(|step| step["name"] == name).unwrap_or_else(|| panic!("{file} has no step {name}"));
    assert_eq!(workflow["defaults"]["run"]["shell"], "bash --noprofile --norc -euo pipefail {0}");
    step["run"].as_str().expect("a script").to_owned()
}

const IMAGE: &str = "ghcr.io/acme/shop@sha256:0000000000000000000000000000000000000000000000000000000000000000";

#[test]
fn nothing_is_sealed_for_a_pull_request_or_on_somebodys_runner() {
    let machine = Machine::new();
    let digest = IMAGE.split_once('@').expect("a digest").1;
    let step = ("seal.yml", "build", "Refuse what may not be sealed");
    let run = |event, reference, runner| machine.run(step, &[("EVENT", event), ("REF", reference), ("RUNNER", runner)]);
    run("push", "refs/heads/main", "github-hosted").passes();
    run("pull_request_target", "refs/heads/main", "github-hosted").refuses("nothing is sealed for pull_request_target");
    run("workflow_dispatch", "refs/pull/7/merge", "github-hosted").refuses("refs/pull/7/merge");
    run("push", "refs/heads/main", "self-hosted").refuses("this runner is self-hosted");
    let hosted = |runner| {
        machine.run(
            ("seal.yml", "seal", "Look at the inputs"),
            &[("RUNNER", runner), ("POLICY", "a.yaml"), ("DIGEST", digest), ("ARTIFACT", "7")],
        )
    };
    hosted("github-hosted").passes();
    hosted("self-hosted").refuses("this runner is self-hosted");
}

#[test]
fn a_foreign_platform_is_emulated_and_nothing_is_asked_for_otherwise() {
    let machine = Machine::new();
    let run = |platforms| {
        let images =
            [("BINFMT_IMAGE", "binfmt@sha256:1"), ("BUILDKIT_IMAGE", "buildkit@sha256:2"), ("PLATFORMS", platforms)];
        machine.run(("seal.yml", "build", "Start BuildKit"), &images)
    };
    let native = run("linux/amd64").passes().docker;
    assert!(!native.contains("binfmt") && native.contains("image=buildkit@sha256:2"), "{native}");
    assert!(!native.contains("entitlement"), "{native}");
    let foreign = run("linux/amd64,linux/arm64/v8,linux/riscv64").passes().docker;
    assert!(foreign.contains("--privileged\nbinfmt@sha256:1\n--install\narm64,riscv64\n"), "{foreign}");
    for hostile in ["", "linux/amd64 --privileged", "linux/amd64\nx", "windows/amd64", "$(id)"] {
        run(hostile).refuses("platforms is not");
    }
}

#[test]
fn only_the_commit_is_built_from() {
    let machine = Machine::new();
    machine.commit();
    let archive = machine.path("image.tar").display().to_string();
    let run = |more: &[(&str, &str)]| {
        let mut variables = BTreeMap::from([
            ("BUILD_CONTEXT", "app"),
            ("DOCKERFILE", ""),
            ("STAGE", ""),
            ("BUILD_ARGS", ""),
            ("LABELS", ""),
            ("PLATFORMS", "linux/amd64"),
            ("ARCHIVE", archive.as_str()),
        ]);
        variables.extend(more.iter().copied());
        machine.run(("seal.yml", "build", "Build"), &variables.into_iter().collect::<Vec<_>>())
    };
    let told = run(&[("BUILD_ARGS", "A=1 2\n\nB=--push\n"), ("LABELS", "a=b"), ("STAGE", "--load")]).passes().docker;
    for word in [
        "--build-arg=A=1 2",
        "--build-arg=B=--push",
        "--label=a=b",
        "--target=--load",
        "--provenance=false",
        "--no-cache",
    ] {
        assert!(told.lines().any(|line| line == word), "{told:?} lacks {word}");
    }
    assert!(!told.contains("--allow") && !told.lines().any(|line| line == "--push"), "{told}");
    let context = fs::canonicalize(machine.path("work/source/app")).expect("the context");
    assert_eq!(told.lines().last(), context.to_str(), "{told}");
    for context in
        ["..", "/etc", "everything", "everything/etc", "app/../..", "https://example.com/x.git", "nowhere", "--help"]
    {
        let refused = run(&[("BUILD_CONTEXT", context)]);
        assert_eq!(refused.docker, "", "{context}");
        refused.refuses(context);
    }
    run(&[("DOCKERFILE", "everything/etc/hostname")]).refuses("leads out of the checkout");
    run(&[("BUILD_ARGS", "GITHUB_OUTPUT")]).refuses("has a line without =");
    run(&[("BUILD_ARGS", "A=1\nBUILDKIT_SYNTAX=evil.example/frontend")]).refuses("is no argument of the Dockerfile");
    // What the Dockerfile prints is no command.
    let said = run(&[]).passes().said;
    let word = said.lines().find_map(|line| line.strip_prefix("::stop-commands::")).expect("stopped");
    assert!(word.len() > 30 && said.trim_end().ends_with(&format!("::{word}::")), "{said}");
}

#[test]
fn what_a_build_that_blanks_its_outputs_hands_over_is_refused() {
    let machine = Machine::new();
    let digest = IMAGE.split_once('@').expect("a digest").1;
    let run = |digest, artifact| {
        let more = [("DIGEST", digest), ("ARTIFACT", artifact)];
        let fixed = [("RUNNER", "github-hosted"), ("POLICY", "a.yaml")];
        machine.run(("seal.yml", "seal", "Look at the inputs"), &fixed.into_iter().chain(more).collect::<Vec<_>>())
    };
    run(digest, "7").passes();
    for (digest, artifact) in [("", "7"), (digest, ""), ("sha256:***", "7"), (digest, "7,8")] {
        run(digest, artifact).refuses("the build handed no image over");
    }
}

/// Somebody's own machine can have the label of GitHub's, and answers what it likes; GitHub says where a job ran.
#[test]
fn where_the_build_ran_is_asked_of_the_platform() {
    let machine = Machine::new();
    let job = |name: &str, group: Value| json!({ "name": name, "runner_group_name": group });
    let run = |jobs: Vec<Value>| {
        let page = Served::Whole(json!({ "jobs": jobs }).to_string().into_bytes());
        let server = Downloads::start(BTreeMap::from([("/jobs?per_page=100&page=1".to_owned(), page)]));
        let address = format!("{}/jobs", server.address);
        machine.run(("seal.yml", "seal", "Ask where the build ran"), &[("TOKEN", "t"), ("ADDRESS", &address)])
    };
    let hosted = || json!("GitHub Actions");
    run(vec![job("seal / Build", hosted()), job("other", json!("Default")), job("Build", hosted())]).passes();
    for jobs in [
        vec![job("seal / Build", json!("Default"))],
        vec![job("seal / Build", Value::Null)],
        vec![job("seal / Build", hosted()), job("Build", json!("Default"))],
        vec![job("Rebuild", hosted())],
        vec![],
    ] {
        run(jobs).refuses("expected GitHub Actions");
    }
    let gone = [("TOKEN", "t"), ("ADDRESS", "http://127.0.0.1:9/jobs")];
    machine
        .run(("seal.yml", "seal", "Ask where the build ran"), &gone)
        .refuses("grant the calling job 'actions: read'");
}

#[test]
fn the_digest_is_computed_from_the_bytes() {
    let machine = Machine::new();
    let manifest = br#"{"schemaVersion":2}"#;
    let digest = Digest::of(manifest);
    let archive = machine.path("image.tar").display().to_string();
    let run = |index: Value, blob: &[u8]| {
        let layout = machine.path("layout");
        fs::create_dir_all(layout.join("blobs/sha256")).expect("layout");
        fs::write(layout.join("blobs/sha256").join(digest.hex()), blob).expect("blob");
        fs::write(layout.join("index.json"), index.to_string()).expect("index");
        let tar = Command::new("tar").args(["-cf", &archive, "-C"]).arg(&layout).args(["index.json", "blobs"]).status();
        assert!(tar.expect("tar").success());
        machine.run(("seal.yml", "build", "Take the digest"), &[("ARCHIVE", &archive)])
    };
    let of = |digest: &str| json!({ "manifests": [{ "digest": digest }] });
    run(of(&digest.to_string()), manifest).passes().hands_on("digest", &digest.to_string());
    run(of(&digest.to_string()), b"another").refuses("does not match its digest");
    run(of("sha256:../../x"), manifest).refuses("names no sha256 digest");
    run(json!({ "manifests": [] }), manifest).refuses("not exactly one image");
    run(json!({ "manifests": [{ "digest": digest.to_string() }, { "digest": "x" }] }), manifest)
        .refuses("not exactly one image");
}

#[test]
fn rules_are_only_found_in_the_checkout() {
    let machine = Machine::new();
    let digest = IMAGE.split_once('@').expect("a digest").1;
    for (file, job) in
        [("seal.yml", "seal"), ("seal-existing.yml", "seal"), ("scan.yml", "scan"), ("verify.yml", "verify")]
    {
        let run = |policy| {
            let variables = [
                ("POLICY", policy),
                ("RUNNER", "github-hosted"),
                ("EVENT", "push"),
                ("REF", "refs/heads/main"),
                ("ARTIFACT", if file == "verify.yml" { "" } else { "7" }),
                ("IMAGE", if file == "verify.yml" { IMAGE } else { "" }),
                ("FILE", "image.tar"),
                ("FORM", "oci-archive"),
                ("DIGEST", if file == "seal.yml" { digest } else { "" }),
                ("RESULT", ""),
                ("IDENTITY", ""),
                ("NAME", "image"),
                ("TUF_ROOT", ""),
            ];
            machine.run((file, job, "Look at the inputs"), &variables)
        };
        run("sealwright.yaml").passes().hands_on("folder", ".github");
        run("deploy/x/sealwright.yaml").passes().hands_on("folder", "deploy/x");
        for hostile in ["../x", "/etc/passwd", "a/../../x", "..", "a\nfolder=b"] {
            run(hostile).refuses("is no path in the repository");
        }
    }
}

fn login<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut variables = BTreeMap::from([
        ("POLICY", ""),
        ("PUSH", "registry.example/shop/app:v1"),
        ("REGISTRY_USERNAME", "bot"),
        ("REGISTRY_PASSWORD", ""),
        ("GITHUB_PASSWORD", ""),
        ("KEY", ""),
        ("KMS_ROLE", ""),
        ("VAULT_ADDRESS", ""),
        ("LOGIN", "login"),
    ]);
    variables.extend(more.iter().copied());
    variables.into_iter().collect()
}

#[test]
fn a_login_is_masked_for_its_owner_and_never_said() {
    let machine = Machine::new();
    fs::create_dir_all(machine.path("work/rules/.github")).expect("rules");
    fs::write(machine.path("work/rules/.github/sealwright.yaml"), "version: 1\n").expect("rules");
    symlink("/etc/passwd", machine.path("work/rules/link.yaml")).expect("a link");
    let step = ("seal.yml", "seal", "Find the rules and log in");
    let run = |more: &[(&str, &str)]| machine.run(step, &login(more));
    let file = machine.path("work/login/config.json");

    let ran = run(&[("REGISTRY_PASSWORD", "a\"b\\c$d")]).passes();
    ran.hands_on("policy", "rules/.github/sealwright.yaml");
    let written: Value = serde_json::from_str(&text_of(&file)).expect("JSON");
    assert_eq!(written, json!({ "auths": { "registry.example": { "auth": "Ym90OmEiYlxjJGQ=" } } }));
    let auth = written["auths"]["registry.example"]["auth"].as_str().expect("a login");
    assert_eq!(ran.said.trim(), format!("::add-mask::{auth}"));
    assert_eq!(fs::metadata(&file).expect("a file").permissions().mode() & 0o777, 0o600);

    run(&[]).passes();
    assert_eq!(text_of(&file), "{}\n");
    run(&[("POLICY", "nowhere.yaml")]).refuses("the commit has no 'nowhere.yaml'");
    run(&[("POLICY", "link.yaml")]).refuses("leads out of the checkout");
}

#[test]
fn no_input_becomes_another_variable_of_the_next_step() {
    let machine = Machine::new();
    fs::create_dir_all(machine.path("work/rules")).expect("rules");
    for file in ["seal.yml", "seal-existing.yml"] {
        let run = |more: &[(&str, &str)]| machine.run((file, "seal", "Find the rules and log in"), &login(more));
        let ran = run(&[("VAULT_ADDRESS", "https://vault.example:8200")]).passes();
        assert_eq!(ran.environment, "VAULT_ADDR=https://vault.example:8200\n");
        for name in ["VAULT_ADDRESS", "KMS_ROLE", "KEY"] {
            let ran = run(&[(name, "x\nLD_PRELOAD=/tmp/x")]);
            assert_eq!(ran.environment, "");
            ran.refuses("have one line each");
        }
        run(&[("KMS_ROLE", "arn:aws:iam::1:role/x"), ("KEY", "hashivault://x")])
            .refuses("kms-role goes with a key awskms:///ARN");
        let key = [("KMS_ROLE", "arn:aws:iam::1:role/x"), ("KEY", "awskms:///arn:aws:kms:eu-west-1:1:key/x")];
        run(&key).refuses("grant it 'id-token: write'");
    }
}

#[test]
fn what_is_sealed_or_scanned_is_named_by_its_bytes() {
    let machine = Machine::new();
    for (file, job) in [("seal-existing.yml", "seal"), ("scan.yml", "scan")] {
        let run = |more: &[(&str, &str)]| {
            let mut variables = BTreeMap::from([
                ("EVENT", "push"),
                ("REF", "refs/heads/main"),
                ("ARTIFACT", ""),
                ("FILE", "image.tar"),
                ("FORM", "oci-archive"),
                ("IMAGE", ""),
                ("DIGEST", ""),
                ("NAME", "image"),
                ("POLICY", ".github/sealwright.yaml"),
            ]);
            variables.extend(more.iter().copied());
            machine.run((file, job, "Look at the inputs"), &variables.into_iter().collect::<Vec<_>>())
        };
        run(&[("ARTIFACT", "12")]).passes().hands_on("source", "oci-archive:image/image.tar");
        run(&[("IMAGE", IMAGE)]).passes().hands_on("source", IMAGE);
        run(&[]).refuses("give either");
        run(&[("ARTIFACT", "12"), ("IMAGE", IMAGE)]).refuses("give either");
        run(&[("ARTIFACT", "12,13")]).refuses("artifact-id is no number");
        run(&[("ARTIFACT", "12"), ("FILE", "../rules/x")]).refuses("is no path in the artifact");
        run(&[("ARTIFACT", "12"), ("FORM", "docker-daemon")]).refuses("form is");
    }
    let step = ("seal-existing.yml", "seal", "Look at the inputs");
    let run = |event, image, digest| {
        let source =
            [("ARTIFACT", ""), ("FILE", "x"), ("FORM", "oci"), ("POLICY", "a.yaml"), ("REF", "refs/heads/main")];
        let more = [("EVENT", event), ("IMAGE", image), ("DIGEST", digest)];
        machine.run(step, &source.into_iter().chain(more).collect::<Vec<_>>())
    };
    let digest = IMAGE.split_once('@').expect("a digest").1;
    run("push", IMAGE, "").passes().hands_on("digest", digest);
    run("push", "ghcr.io/acme/shop:v1", "").refuses("a tag may move");
    run("push", IMAGE, "sha256:1\nsource=docker-daemon:x").refuses("expect-digest is not sha256:HEX");
    run("pull_request", IMAGE, "").refuses("nothing is sealed for pull_request");
}

#[test]
fn an_empty_result_and_a_signer_that_nobody_named_are_refused() {
    let machine = Machine::new();
    let run = |more: &[(&str, &str)]| {
        let empty = ["RESULT", "IMAGE", "POLICY", "IDENTITY", "TUF_ROOT"];
        let mut variables: BTreeMap<&str, &str> = empty.into_iter().map(|name| (name, "")).collect();
        variables.extend(more.iter().copied());
        machine.run(("verify.yml", "verify", "Look at the inputs"), &variables.into_iter().collect::<Vec<_>>())
    };
    let result = json!({ "command": "seal", "image": IMAGE, "digest": "x" }).to_string();
    run(&[("RESULT", &result), ("POLICY", "sealwright.yaml")]).passes().hands_on("image", IMAGE);
    run(&[("RESULT", &result)]).refuses("anybody could have signed");
    run(&[("POLICY", "sealwright.yaml")]).refuses("keep the name of the registry in no secret");
    run(&[("RESULT", &result.replace("seal\"", "scan\"")), ("POLICY", "x.yaml")]).refuses("not what a seal put out");
    run(&[("RESULT", "{"), ("POLICY", "x.yaml")]).refuses("not what a seal put out");
    run(&[("RESULT", &result), ("POLICY", "x.yaml"), ("TUF_ROOT", "a/root.json")])
        .passes()
        .hands_on("tuf-root", "rules/a/root.json");
    run(&[("RESULT", &result), ("POLICY", "x.yaml"), ("TUF_ROOT", "../root.json")])
        .refuses("is no path in the repository");
    run(&[("RESULT", &result), ("IDENTITY", "x"), ("TUF_ROOT", "root.json")]).refuses("give policy too");
    run(&[("RESULT", &result.replace("@sha256:", ":")), ("POLICY", "x.yaml")]).refuses("a tag may move");
}

#[test]
fn the_generators_provenance_has_a_repository_of_its_own() {
    let machine = Machine::new();
    let run = |push, provenance| {
        machine
            .run(("slsa-generator.yml", "prepare", "Look at the names"), &[("PUSH", push), ("PROVENANCE", provenance)])
    };
    let ran = run("localhost:5000/acme/app:v1", "ghcr.io/acme/app-provenance").passes();
    ran.hands_on("repository", "localhost:5000/acme/app");
    assert!(
        ran.said.contains("::warning title=sealwright::slsa-github-generator is not maintained any more"),
        "{}",
        ran.said
    );
    run("ghcr.io/acme/app", "ghcr.io/acme/app").refuses("its tags may be immutable");
    run("ghcr.io/acme/app", "1.dkr.ecr.eu-west-1.amazonaws.com/p").refuses("cannot log in");
    run("ghcr.io/acme/app:v1\nrepository=x", "ghcr.io/acme/p").refuses("is not REGISTRY/REPOSITORY[:TAG]");
}
