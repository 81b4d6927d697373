//! A rehearsal of the reusable workflows, the templates and the README's quick start: every script in its shell, the image by the
//! genuine BuildKit, the action in Docker, what is signed by the loopback authority, which speaks Fulcio's and Rekor's protocols,
//! and cosign to check it. GitHub itself cannot be had here: `job.rs` stands in for its runner.
//!
//! Four things are replaced, each by name: the image of BuildKit by one made of the same version's binaries, GitHub's registry and
//! its API by ones on loopback, and the public Sigstore, OSV export and KEV catalog by inputs of the action that name others.

mod job;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sealwright_core::bounded::read_file;
use sealwright_loopback::authority::{Authority, LogVersion, workflow_claims};
use sealwright_loopback::aws::{Account, Role};
use sealwright_loopback::registry::{Registry, Switches};
use sealwright_loopback::tuf::TufRepository;
use serde_json::{Map, Value, json};

use crate::docker_engine::Engine;
use crate::downloads::{Downloads, Served};
use crate::peer::{peer, say};
use job::{Artifact, Call, Done, Run};
use sealwright_testkit::expression::{contexts, interpolate};

const IMAGE: &str = "sealwright-action:rehearsal";
const BUILDKIT: &str = "buildkit:rehearsal";
const VERSION: &str = "v0.1.0";
const SEAL: &str = "sealwright/sealwright/.github/workflows/seal.yml";

/// Of a crate that nothing here has.
const CRATE_ADVISORY: &str = r#"{"id":"RUSTSEC-2030-0001","modified":"2024-01-01T00:00:00Z","affected":[{"package":{"ecosystem":"crates.io","name":"none-of-ours"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}]}]}"#;

/// The caller's repository, everything that stands in for the internet, and an engine with two images.
struct Stage {
    registry: Registry,
    authority: Authority,
    tuf: TufRepository,
    export: Downloads,
    api: Downloads,
    engine: Engine,
    repository: PathBuf,
    commit: String,
    folder: tempfile::TempDir,
}

#[test]
fn from_a_dockerfile_to_a_digest_that_others_verify() {
    let stage = Stage::new();
    let (jobs, outputs) =
        stage.calls("seal.yml", json!({ "push": stage.reference("shop:one"), "build-args": "WORD=hello" }));
    let jobs: BTreeMap<String, Done> = jobs.into_iter().map(|(name, job)| (name, job.passes())).collect();
    let image = outputs["image"].as_str().expect("an image");
    assert_eq!(outputs["digest"], jobs["build"].outputs["digest"], "what was sealed is what was built");
    assert!(jobs["seal"].summary.contains("sha256:"), "{}", jobs["seal"].summary);
    stage.cosign_accepts(image);
    stage.provenance_states_the_inputs(image);
    // As anybody would: the whole result, and the rules of the repository.
    let verify = json!({ "result": outputs["result"], "policy": ".github/sealwright.yaml" });
    let (jobs, verified) = stage.calls("verify.yml", verify);
    assert!(jobs["verify"].passed, "{}", jobs["verify"].said);
    assert_eq!(verified["image"], image);
    assert!(jobs["verify"].said.contains("SLSA_BUILD_LEVEL_3"), "{}", jobs["verify"].said);
    stage.another_repository_is_refused(image);
    stage.what_is_replaced_between_the_jobs_is_refused();
    stage.a_pull_request_seals_nothing();
    stage.what_somebody_else_built_reaches_level_two();
    stage.templates_run();
}

impl Stage {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let authority = Authority::start().expect("authority");
        let (root, config) =
            (authority.trusted_root().expect("trusted root"), authority.signing_config(LogVersion::V2));
        let tuf =
            TufRepository::start(&[("trusted_root.json", &root), ("signing_config.v0.2.json", &config)]).expect("TUF");
        // The program in the image lists its own crates.
        let crates = crate::action::export_of("RUSTSEC-2030-0001", CRATE_ADVISORY);
        let files = [("/Alpine/all.zip", crate::action::export()), ("/crates.io/all.zip", crates)];
        let export =
            Downloads::start(files.into_iter().map(|(path, zip)| (path.to_owned(), Served::Whole(zip))).collect());
        let engine = Engine::start_with_network(folder.path());
        let repository = folder.path().join("shop.git");
        let mut stage = Self {
            registry: Registry::start(Switches::default()).expect("registry"),
            authority,
            tuf,
            export,
            api: jobs_in("GitHub Actions"),
            engine,
            repository,
            commit: String::new(),
            folder,
        };
        crate::action::build_image(&stage.engine, &stage.folder.path().join("action"), IMAGE);
        stage.build_buildkit();
        stage.commit = stage.commit();
        fs::create_dir(stage.folder.path().join("machines")).expect("folder");
        stage
    }

    /// The image that the workflow pins cannot be pulled here. This one has the same version's programs, and Debian's runc.
    fn build_buildkit(&self) {
        let context = self.folder.path().join("buildkit");
        fs::create_dir(&context).expect("folder");
        for (name, variable) in [("buildkitd", "SEALWRIGHT_BUILDKITD"), ("buildctl", "SEALWRIGHT_BUILDCTL")] {
            fs::copy(peer(variable), context.join(name)).expect(name);
        }
        let mut import = self.engine.docker();
        say(import.arg("import").arg(peer("SEALWRIGHT_BUILDKIT_ROOT")).arg("buildkit:root")).expect_code(0);
        let dockerfile = "FROM buildkit:root\nCOPY buildkitd buildctl /usr/bin/\nENTRYPOINT [\"buildkitd\"]\n";
        fs::write(context.join("Dockerfile"), dockerfile).expect("Dockerfile");
        say(self.engine.docker().args(["build", "--quiet", "--tag", BUILDKIT]).arg(&context)).expect_code(0);
        fs::write(context.join("Dockerfile"), "FROM buildkit:root\nENTRYPOINT [\"true\"]\n").expect("Dockerfile");
        say(self.engine.docker().args(["build", "--quiet", "--tag", "nothing-to-emulate"]).arg(&context))
            .expect_code(0);
    }

    /// A repository with a Dockerfile that runs something, and the rules for it.
    fn commit(&self) -> String {
        let repository = &self.repository;
        fs::create_dir_all(repository.join(".github")).expect("folder");
        let write = |name: &str, text: &str| fs::write(repository.join(name), text).expect("a file");
        fs::copy(peer("SEALWRIGHT_STATIC"), repository.join("program")).expect("program");
        write("os-release", "ID=alpine\nVERSION_ID=3.20.3\n");
        write("installed", "P:zlib\nV:1.4-r0\nA:x86_64\no:zlib\n\n");
        write(
            "Dockerfile",
            "FROM scratch\nARG WORD=none\nCOPY program /bin/program\nCOPY os-release /etc/os-release\nCOPY installed /lib/apk/db/installed\nRUN [\"/bin/program\", \"--version\"]\nENV WORD=$WORD\n",
        );
        let rules = format!(
            "version: 1
builders:
  - name: release
    source: {{ repository: acme/shop, repository-id: 123456, refs: [refs/heads/main] }}
    keyless: {{ issuer: \"{}\", workflow: {{ path: {SEAL}, tags: [\"v0.1.*\"] }}, runner: github-hosted }}
    evidence: {{ provenance: {{ level: 3 }} }}
gate: {{ unknown-severity: report, max-advisory-age: off }}
",
            self.authority.issuer()
        );
        write(".github/sealwright.yaml", &rules);
        write("sealwright.yaml", &rules);
        write(".github/existing.yaml", &rules.replace("seal.yml", "seal-existing.yml").replace("level: 3", "level: 2"));
        write(".github/too-much.yaml", &rules.replace("seal.yml", "seal-existing.yml"));
        fs::create_dir_all(repository.join("services/cart")).expect("folder");
        for name in ["Dockerfile", "program", "os-release", "installed"] {
            fs::copy(repository.join(name), repository.join("services/cart").join(name)).expect(name);
        }
        let git = |arguments: &[&str]| {
            let mut command = Command::new("git");
            command
                .args(["-c", "user.name=a", "-c", "user.email=a@example.com"])
                .args(arguments)
                .current_dir(repository);
            say(command.env("GIT_COMMITTER_DATE", "@1700000000 +0000")).expect_code(0).stdout
        };
        git(&["init", "-q", "-b", "main"]);
        git(&["add", "."]);
        git(&["commit", "-q", "-m", "one"]);
        git(&["rev-parse", "HEAD"]).trim().to_owned()
    }

    fn reference(&self, name: &str) -> String {
        format!("{}/acme/{name}", self.registry.host())
    }

    /// A run that an event of the repository started, whose jobs are of one of our workflows.
    fn run(&self, workflow: &str, event: &str) -> Run<'_> {
        let mut claims = workflow_claims();
        let reference = if event == "pull_request" { "refs/pull/7/merge" } else { "refs/heads/main" };
        claims["sha"] = json!(self.commit);
        claims["workflow_sha"] = json!(self.commit);
        claims["ref"] = json!(reference);
        claims["event_name"] = json!(event);
        claims["job_workflow_ref"] =
            json!(format!("sealwright/sealwright/.github/workflows/{workflow}@refs/tags/{VERSION}"));
        let job = self.authority.job(&claims).expect("job");
        let github = json!({
            "sha": self.commit, "ref": reference, "event_name": event, "repository": "acme/shop", "repository_id": "123456",
            "repository_owner": "acme", "actor": "octocat", "token": "ghs_rehearsal0", "run_id": "42", "run_attempt": "1",
            "workflow": "release", "server_url": "https://github.com", "api_url": self.api.address, "event": self.event(event),
            "job": "seal",
        });
        Run {
            github,
            repository: self.repository.clone(),
            engine: &self.engine,
            image: IMAGE,
            machine: vec![("DOCKER_HOST".to_owned(), self.engine.host.clone())],
            files: vec![],
            identity: vec![
                ("ACTIONS_ID_TOKEN_REQUEST_URL".to_owned(), job.request_url.clone()),
                ("ACTIONS_ID_TOKEN_REQUEST_TOKEN".to_owned(), job.request_token.clone()),
            ],
            replaced: BTreeMap::from([("BUILDKIT_IMAGE", BUILDKIT.to_owned())]),
            services: vec![
                ("tuf", self.tuf.url().to_owned()),
                ("db-from", self.export.address.clone()),
                ("kev-from", "none".to_owned()),
            ],
            tuf_root: self.tuf.root(),
            artifacts: BTreeMap::new(),
            folder: self.folder.path().join("machines"),
        }
    }

    /// The payload: a pull request is a fork's.
    fn event(&self, name: &str) -> Value {
        let mut event = json!({ "repository": { "default_branch": "main" } });
        if name == "pull_request" {
            event["pull_request"] = json!({ "number": 7, "base": { "sha": self.commit }, "head": { "repo": { "full_name": "somebody/shop" } } });
        }
        event
    }

    /// What a caller's job passes on, with its declared defaults.
    fn call(&self, workflow: &Value, inputs: Value) -> Call {
        let declared =
            workflow.pointer("/on/workflow_call/inputs").and_then(Value::as_object).cloned().unwrap_or_default();
        let mut all: Map<String, Value> =
            declared.iter().map(|(name, input)| (name.clone(), input["default"].clone())).collect();
        for (name, value) in inputs.as_object().expect("inputs") {
            assert!(declared.contains_key(name), "no input {name}");
            all.insert(name.clone(), value.clone());
        }
        for (name, input) in &declared {
            assert!(input["required"] != true || !all[name].is_null(), "{name} is required");
        }
        let permissions = json!({ "contents": "read", "id-token": "write", "packages": "write" });
        Call { inputs: Value::Object(all), secrets: json!({}), permissions }
    }

    fn calls(&self, file: &str, inputs: Value) -> (BTreeMap<String, Done>, Value) {
        let workflow = yaml(&root().join(".github/workflows").join(file));
        let call = self.call(&workflow, inputs);
        self.run(file, "push").workflow(&workflow, &call)
    }

    /// Somebody else's program, with the identity of our workflow.
    fn cosign_accepts(&self, image: &str) {
        let trusted = self.folder.path().join("trusted-root.json");
        fs::write(&trusted, self.authority.trusted_root().expect("trusted root")).expect("a file");
        let identity = format!("https://github.com/{SEAL}@refs/tags/{VERSION}");
        let cosign = |verb: &[&str]| {
            let mut command = Command::new(peer("SEALWRIGHT_COSIGN"));
            command.args(verb).arg("--trusted-root").arg(&trusted).arg("--use-signed-timestamps");
            command.args([
                "--certificate-identity",
                &identity,
                "--certificate-oidc-issuer",
                self.authority.issuer(),
                image,
            ]);
            say(command.env("HOME", self.folder.path()))
        };
        cosign(&["verify"]).expect_code(0);
        for kind in ["cyclonedx", "spdxjson", "vuln", "slsaprovenance1"] {
            cosign(&["verify-attestation", "--type", kind]).expect_code(0);
        }
    }

    fn provenance_states_the_inputs(&self, image: &str) {
        let mut command = crate::peer::sealwright(self.folder.path());
        let said =
            say(command.args(["download", "attestation", image, "--type", "slsaprovenance1"])).expect_code(0).stdout;
        let provenance: Value = serde_json::from_str(said.lines().next().expect("a line")).expect("a statement");
        let definition = &provenance["predicate"]["buildDefinition"];
        assert_eq!(definition["externalParameters"]["inputs"]["build-args"], "WORD=hello", "{provenance:#}");
        assert_eq!(definition["resolvedDependencies"][0]["digest"]["gitCommit"], self.commit.as_str());
        let builder = provenance["predicate"]["runDetails"]["builder"]["id"].as_str().expect("a builder");
        assert_eq!(builder, format!("https://github.com/{SEAL}@refs/tags/{VERSION}"));
    }

    /// Its own call of our public workflow has our workflow's name, and another repository.
    fn another_repository_is_refused(&self, image: &str) {
        let rules = self.repository.join(".github/sealwright.yaml");
        let text = String::from_utf8(read_file(&rules, 1 << 20).expect("rules")).expect("text");
        let other = self.folder.path().join("other.yaml");
        fs::write(&other, text.replace("acme/shop", "acme/lab").replace("123456", "654321")).expect("a file");
        let mut command = crate::peer::sealwright(self.folder.path());
        command.args(["verify", image, "--policy"]).arg(&other);
        command.args(["--trusted-root"]).arg(self.folder.path().join("trusted-root.json"));
        let said = say(&mut command).expect_code(4).stdout;
        assert!(said.contains("the statement names the repository \"acme/shop\""), "{said}");
    }

    /// Another job of the run, or whoever can write its artifacts, puts another image in the place of the built one.
    fn what_is_replaced_between_the_jobs_is_refused(&self) {
        let workflow = yaml(&root().join(".github/workflows/seal.yml"));
        let call = self.call(&workflow, json!({ "push": self.reference("shop:two") }));
        let mut run = self.run("seal.yml", "push");
        let build = run.job(&workflow, "build", &call, &BTreeMap::new()).passes();
        let id: u64 = build.output("artifact-id").parse().expect("a number");
        let built = run.artifacts[&id].clone();
        let done = BTreeMap::from([("build".to_owned(), build)]);
        // The same archive with one byte of a layer changed, and a whole other image.
        let mut altered = built.clone();
        let bytes = altered.files.get_mut("image.tar").expect("the image");
        let at = bytes.len() / 2;
        bytes[at] ^= 1;
        run.artifacts.insert(id, altered);
        let refused = run.job(&workflow, "seal", &call, &done);
        assert!(!refused.passed && refused.said.contains("digest"), "{}", refused.said);
        let other = self.other_image();
        run.artifacts
            .insert(id, Artifact { files: BTreeMap::from([("image.tar".to_owned(), other)]), ..built.clone() });
        run.job(&workflow, "seal", &call, &done).fails("expected sha256:");
        // Outputs that the build made disappear, and a build on somebody's own machine with the label of GitHub's.
        let blank = Done { outputs: json!({ "digest": "", "artifact-id": "" }), ..done["build"].clone() };
        run.job(&workflow, "seal", &call, &BTreeMap::from([("build".to_owned(), blank)])).fails("handed no image over");
        run.artifacts.insert(id, built.clone());
        let elsewhere = jobs_in("Default");
        run.github["api_url"] = json!(elsewhere.address);
        run.job(&workflow, "seal", &call, &done).fails("expected GitHub Actions");
        run.github["api_url"] = json!(self.api.address);
        // An artifact of the same name cannot take its place: it has another id.
        let mut impostor = built.clone();
        impostor.files.insert("image.tar".to_owned(), b"impostor".to_vec());
        run.artifacts.insert(id, built);
        run.artifacts.insert(id + 1, impostor);
        assert!(!self.registry.tags("acme/shop").contains_key("two"), "nothing was tagged");
        run.job(&workflow, "seal", &call, &done).passes();
    }

    fn other_image(&self) -> Vec<u8> {
        let folder = self.folder.path().join("other-image");
        sealwright_testkit::image().layer(|l| l.os_release("alpine", "3.20.3").gzip()).write_layout(&folder, "latest");
        let mut tar = Command::new("tar");
        let archive = self.folder.path().join("other-image.tar");
        say(tar.arg("-cf").arg(&archive).arg("-C").arg(&folder).arg(".")).expect_code(0);
        read_file(&archive, 1 << 20).expect("the archive")
    }

    fn a_pull_request_seals_nothing(&self) {
        let workflow = yaml(&root().join(".github/workflows/seal.yml"));
        let call = self.call(&workflow, json!({ "push": self.reference("shop:evil") }));
        let mut run = self.run("seal.yml", "pull_request");
        run.job(&workflow, "build", &call, &BTreeMap::new()).fails("nothing is sealed for pull_request");
        assert!(!self.registry.tags("acme/shop").contains_key("evil"));
    }

    /// The quick start of the README and the templates that need no cloud: what they call, with what they pass.
    fn templates_run(&self) {
        let readme = String::from_utf8(read_file(&root().join("README.md"), 1 << 20).expect("README")).expect("text");
        let block = readme
            .split("```yaml\n")
            .filter_map(|part| part.split("```").next())
            .find(|block| block.contains("seal.yml@"));
        self.caller("README.md", &serde_saphyr::from_str(block.expect("a quick start")).expect("YAML"), &|_| {});
        for template in ["ghcr.yml", "deploy.yml", "pull-request.yml", "monorepo-service.yml"] {
            self.caller(template, &yaml(&root().join("workflows").join(template)), &|_| {});
        }
        self.the_template_for_ecr_runs();
    }

    /// Two platforms into a stand-in for Amazon ECR, by a role that the job's identity assumes. What would emulate the other
    /// platform has nothing to do: the program in the image is one of this machine.
    fn the_template_for_ecr_runs(&self) {
        let account = Account::start(&self.authority).expect("account");
        account.create("shop/app");
        let subjects = vec!["repo:acme/shop:ref:refs/heads/main".to_owned()];
        let permissions = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "ecr:*", "Resource": "*" }] });
        account.add_role(Role { arn: "arn:aws:iam::111122223333:role/release".to_owned(), subjects, permissions });
        self.caller("ecr-keyless.yml", &yaml(&root().join("workflows/ecr-keyless.yml")), &|run: &mut Run<'_>| {
            run.machine.extend(account.variables().into_iter().map(|(name, value)| (name.to_owned(), value)));
            run.machine.push(("AWS_EC2_METADATA_DISABLED".to_owned(), "true".to_owned()));
            run.files.push(("SSL_CERT_FILE", account.ca_certificate().to_owned()));
            run.replaced.insert("BINFMT_IMAGE", "nothing-to-emulate".to_owned());
        });
        assert_eq!(account.registry().tags("shop/app").len(), 1);
    }

    /// The jobs of a caller's workflow that call one of ours, and those of its own that they need, in their order.
    fn caller(&self, name: &str, workflow: &Value, prepare: &dyn Fn(&mut Run<'_>)) {
        let event = if name == "pull-request.yml" { "pull_request" } else { "push" };
        let mut before: BTreeMap<String, Done> = BTreeMap::new();
        let mut artifacts = BTreeMap::new();
        let mut called = 0;
        let jobs = workflow["jobs"].as_object().expect("jobs");
        let needed =
            |job: &String| jobs.values().any(|other| other["uses"].is_string() && other["needs"] == job.as_str());
        for (job, definition) in jobs.iter().filter(|(job, one)| one["uses"].is_string() || needed(job)) {
            let file = definition["uses"].as_str().unwrap_or("sealwright/sealwright/.github/workflows/none@x");
            let file =
                file.strip_prefix("sealwright/sealwright/.github/workflows/").and_then(|rest| rest.split('@').next());
            let file = file.unwrap_or_else(|| panic!("{name} uses {file:?}"));
            let mut run = self.run(file, event);
            run.artifacts = std::mem::take(&mut artifacts);
            prepare(&mut run);
            let handed = before.iter().map(|(job, done)| (job.clone(), json!({ "outputs": done.outputs }))).collect();
            let known = contexts([
                ("github", run.github.clone()),
                ("needs", Value::Object(handed)),
                ("secrets", json!({})),
                ("inputs", json!({ "service": "cart" })),
            ]);
            let permissions = definition["permissions"].clone();
            let done = if definition["uses"].is_string() {
                let with = definition["with"].as_object().cloned().unwrap_or_default();
                let with = with.iter().map(|(name, value)| {
                    let value = value.as_str().map_or_else(|| value.clone(), |text| interpolate(text, &known));
                    let here =
                        value.as_str().map(|text| text.replace("ghcr.io/", &format!("{}/", self.registry.host())));
                    (name.clone(), here.map_or(value, |text| json!(text)))
                });
                let reusable = yaml(&root().join(".github/workflows").join(file));
                let call = Call { permissions, ..self.call(&reusable, Value::Object(with.collect())) };
                let (inner, outputs) = run.workflow(&reusable, &call);
                for (inner, done) in &inner {
                    assert!(done.passed || done.said == "skipped", "{name}, {job}, {inner}: {}", done.said);
                }
                called += 1;
                Done { passed: true, outputs, said: String::new(), annotations: vec![], summary: String::new() }
            } else {
                run.job(workflow, job, &Call { inputs: json!({}), secrets: json!({}), permissions }, &before).passes()
            };
            artifacts = run.artifacts;
            before.insert(job.clone(), done);
        }
        assert!(called > 0, "{name} calls nothing of ours");
    }

    fn what_somebody_else_built_reaches_level_two(&self) {
        let (_, outputs) = self.calls("seal.yml", json!({ "push": self.reference("shop:three") }));
        let image = outputs["image"].as_str().expect("an image");
        let seal = |policy: &str| {
            self.calls(
                "seal-existing.yml",
                json!({ "image": image, "push": self.reference("existing:one"), "policy": policy }),
            )
        };
        // By rules that trust another workflow it signs nothing, and no rules make more of it than it is.
        for policy in [".github/sealwright.yaml", ".github/too-much.yaml"] {
            let (jobs, _) = seal(policy);
            assert!(!jobs["seal"].passed, "{policy}: {}", jobs["seal"].said);
        }
        let (jobs, sealed) = seal(".github/existing.yaml");
        assert!(jobs["seal"].passed, "{}", jobs["seal"].said);
        let verify = json!({ "result": sealed["result"], "policy": ".github/existing.yaml" });
        let (jobs, _) = self.calls("verify.yml", verify);
        assert!(jobs["verify"].passed && jobs["verify"].said.contains("SLSA_BUILD_LEVEL_2"), "{}", jobs["verify"].said);
    }
}

/// GitHub's list of a run's jobs (REST API, "List jobs for a workflow run attempt"), of machines of this group.
fn jobs_in(group: &str) -> Downloads {
    let list = json!({ "total_count": 1, "jobs": [{ "name": "seal / Build", "runner_group_name": group }] });
    let path = "/repos/acme/shop/actions/runs/42/attempts/1/jobs?per_page=100&page=1";
    Downloads::start(BTreeMap::from([(path.to_owned(), Served::Whole(list.to_string().into_bytes()))]))
}

fn yaml(path: &Path) -> Value {
    let text = String::from_utf8(read_file(path, 1 << 20).expect("a workflow")).expect("text");
    serde_saphyr::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
