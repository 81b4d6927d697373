//! A rehearsal of the reusable workflows, the templates and the README's quick start: every script in its shell, the image by the
//! genuine BuildKit, the action in Docker, what is signed by the loopback authority, which speaks Fulcio's and Rekor's protocols,
//! and cosign to check it. GitHub itself cannot be had here: `job.rs` stands in for its runner.
//!
//! What cannot be had here is replaced by name: the image of BuildKit by one made of the same version's binaries, GitHub's registry
//! and its API, and the templates' Vault, by ones on loopback, the public Sigstore, OSV export and KEV catalog by inputs of the action
//! that name others, and a cluster by Helm's dry run.

mod callers;
mod job;
mod shop;
mod workflow;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sealwright_core::bounded::read_file;
use sealwright_loopback::authority::{Authority, LogVersion, workflow_claims};
use sealwright_loopback::registry::{Registry, Switches};
use sealwright_loopback::tuf::TufRepository;
use serde_json::{Value, json};

use crate::docker_engine::Engine;
use crate::downloads::{Downloads, Served};
use crate::peer::{peer, say, text_of};
use job::{Artifact, Call, Done, Run};
use workflow::Called;

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
    /// Names in templates, and what is called so here.
    names: Vec<(String, String)>,
    folder: tempfile::TempDir,
}

/// Two engines at once would need twice the space.
fn one_engine() -> MutexGuard<'static, ()> {
    static ENGINE: Mutex<()> = Mutex::new(());
    ENGINE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn from_a_dockerfile_to_a_digest_that_others_verify() {
    let _one = one_engine();
    let stage = Stage::new();
    let (jobs, outputs) =
        stage.calls("seal.yml", &json!({ "push": stage.reference("shop:one"), "build-args": "WORD=hello" }));
    let jobs: BTreeMap<String, Done> = jobs.into_iter().map(|(name, job)| (name, job.passes())).collect();
    let image = outputs["image"].as_str().expect("an image");
    assert_eq!(outputs["digest"], jobs["build"].outputs["digest"], "what was sealed is what was built");
    assert!(jobs["seal"].summary.contains("sha256:"), "{}", jobs["seal"].summary);
    stage.cosign_accepts(image);
    stage.provenance_states_the_inputs(image);
    // As anybody would: the whole result, and the rules of the repository.
    let verify = json!({ "result": outputs["result"], "policy": ".github/sealwright.yaml" });
    let (jobs, verified) = stage.calls("verify.yml", &verify);
    assert!(jobs["verify"].passed, "{}", jobs["verify"].said);
    assert_eq!(verified["image"], image);
    assert!(jobs["verify"].said.contains("SLSA_BUILD_LEVEL_3"), "{}", jobs["verify"].said);
    stage.another_repository_is_refused(image);
    stage.what_is_replaced_between_the_jobs_is_refused();
    stage.a_pull_request_seals_nothing();
    stage.what_somebody_else_built_reaches_level_two();
}

impl Stage {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let authority = Authority::start().expect("authority");
        let (root, config) =
            (authority.trusted_root().expect("trusted root"), authority.signing_config(LogVersion::V2));
        let tuf =
            TufRepository::start(&[("trusted_root.json", &root), ("signing_config.v0.2.json", &config)]).expect("TUF");
        let export = Downloads::start(exported());
        let engine = Engine::start_with_network(folder.path());
        let repository = folder.path().join("shop.git");
        let registry = Registry::start(Switches::default()).expect("registry");
        let mut stage = Self {
            names: vec![("ghcr.io".to_owned(), registry.host().to_owned())],
            registry,
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
        stage.found();
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

    fn reference(&self, name: &str) -> String {
        format!("{}/acme/{name}", self.registry.host())
    }

    /// A run that an event of the repository started.
    fn run(&self, event: &str) -> Run<'_> {
        let reference = if event == "pull_request" { "refs/pull/7/merge" } else { "refs/heads/main" };
        let github = json!({
            "sha": self.commit, "ref": reference, "event_name": event, "repository": "acme/shop", "repository_id": "123456",
            "repository_owner": "acme", "actor": "octocat", "token": "ghs_rehearsal0", "run_id": "42", "run_attempt": "1",
            "workflow": "release", "server_url": "https://github.com", "api_url": self.api.address, "event": self.event(event),
            "job": "seal",
        });
        let own = format!("acme/shop/.github/workflows/own.yml@{reference}");
        let event = event.to_owned();
        Run {
            github,
            repository: self.repository.clone(),
            engine: &self.engine,
            image: IMAGE,
            machine: vec![("DOCKER_HOST".to_owned(), self.engine.host.clone())],
            files: vec![],
            identity: self.identity(&own, &event, reference),
            called: Box::new(move |uses| self.called(uses, &event, reference)),
            variables: json!({}),
            programs: self.folder.path().join("programs"),
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

    /// Where a job asks for a token that names a workflow.
    fn identity(&self, workflow: &str, event: &str, reference: &str) -> Vec<(String, String)> {
        let mut claims = workflow_claims();
        claims["sha"] = json!(self.commit);
        claims["workflow_sha"] = json!(self.commit);
        claims["ref"] = json!(reference);
        claims["event_name"] = json!(event);
        claims["job_workflow_ref"] = json!(workflow);
        let job = self.authority.job(&claims).expect("job");
        vec![
            ("ACTIONS_ID_TOKEN_REQUEST_URL".to_owned(), job.request_url),
            ("ACTIONS_ID_TOKEN_REQUEST_TOKEN".to_owned(), job.request_token),
        ]
    }

    /// A workflow of this repository at its release, or one of the caller's.
    fn called(&self, uses: &str, event: &str, reference: &str) -> Option<Called> {
        let file = uses.strip_prefix("$/.github/workflows/");
        let template = file.map(|file| root().join("workflows").join(file)).filter(|path| path.is_file());
        if let (Some(file), Some(path)) = (file, template) {
            let name = format!("acme/shop/.github/workflows/{file}@{reference}");
            return Some(Called { workflow: self.template(&path), identity: self.identity(&name, event, reference) });
        }
        let released = || uses.strip_prefix("sealwright/sealwright/.github/workflows/")?.split('@').next();
        let file = file.or_else(released)?;
        let name = format!("sealwright/sealwright/.github/workflows/{file}@refs/tags/{VERSION}");
        let workflow = yaml(&root().join(".github/workflows").join(file));
        Some(Called { workflow, identity: self.identity(&name, event, reference) })
    }

    /// The payload: a pull request is a fork's.
    fn event(&self, name: &str) -> Value {
        let mut event = json!({ "repository": { "default_branch": "main" } });
        if name == "pull_request" {
            event["pull_request"] = json!({ "number": 7, "base": { "sha": self.commit }, "head": { "repo": { "full_name": "somebody/shop" } } });
        }
        event
    }

    /// A run with a job that calls one of our workflows, the workflow, and the call.
    fn call(&self, file: &str, event: &str, inputs: &Value) -> (Run<'_>, Value, Call) {
        let mut run = self.run(event);
        let called = (run.called)(&format!("sealwright/sealwright/.github/workflows/{file}@{VERSION}")).expect("ours");
        run.identity = called.identity;
        let permissions = json!({ "contents": "read", "actions": "read", "id-token": "write", "packages": "write" });
        let call = Call::of(&called.workflow, inputs.as_object().expect("inputs"), json!({}), permissions);
        (run, called.workflow, call)
    }

    fn calls(&self, file: &str, inputs: &Value) -> (BTreeMap<String, Done>, Value) {
        let (mut run, workflow, call) = self.call(file, "push", inputs);
        run.workflow(&workflow, &call)
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
        let text = text_of(&rules);
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
        let (mut run, workflow, call) = self.call("seal.yml", "push", &json!({ "push": self.reference("shop:two") }));
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
        let inputs = json!({ "push": self.reference("shop:evil") });
        let (mut run, workflow, call) = self.call("seal.yml", "pull_request", &inputs);
        run.job(&workflow, "build", &call, &BTreeMap::new()).fails("nothing is sealed for pull_request");
        assert!(!self.registry.tags("acme/shop").contains_key("evil"));
    }

    fn what_somebody_else_built_reaches_level_two(&self) {
        let (_, outputs) = self.calls("seal.yml", &json!({ "push": self.reference("shop:three") }));
        let image = outputs["image"].as_str().expect("an image");
        let seal = |policy: &str| {
            self.calls(
                "seal-existing.yml",
                &json!({ "image": image, "push": self.reference("existing:one"), "policy": policy }),
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
        let (jobs, _) = self.calls("verify.yml", &verify);
        assert!(jobs["verify"].passed && jobs["verify"].said.contains("SLSA_BUILD_LEVEL_2"), "{}", jobs["verify"].said);
    }
}

/// The advisories of the day, by path of the export. The program in the image lists its own crates.
fn exported() -> BTreeMap<String, Served> {
    let crates = crate::action::export_of("RUSTSEC-2030-0001", CRATE_ADVISORY);
    let files = [("/Alpine/all.zip", crate::action::export()), ("/crates.io/all.zip", crates)];
    files.into_iter().map(|(path, zip)| (path.to_owned(), Served::Whole(zip))).collect()
}

/// GitHub's list of a run's jobs (REST API, "List jobs for a workflow run attempt"), of machines of this group.
fn jobs_in(group: &str) -> Downloads {
    let list = json!({ "total_count": 1, "jobs": [{ "name": "seal / Build", "runner_group_name": group }] });
    let path = "/repos/acme/shop/actions/runs/42/attempts/1/jobs?per_page=100&page=1";
    Downloads::start(BTreeMap::from([(path.to_owned(), Served::Whole(list.to_string().into_bytes()))]))
}

fn yaml(path: &Path) -> Value {
    let text = text_of(path);
    serde_saphyr::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
