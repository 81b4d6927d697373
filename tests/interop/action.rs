//! The container action in a real Docker engine, started as the runner starts it, and the same through the composite action.
//!
//! GitHub, its runner and Sigstore's public servers cannot be had here: the job's tokens and the signing authority are the
//! loopback ones, and the runner is `sealwright_testkit::runner`.

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use sealwright_core::Digest;
use sealwright_core::bounded::read_file;
use sealwright_loopback::authority::{Authority, LogVersion, workflow_claims};
use sealwright_loopback::registry::{Registry, Switches};
use sealwright_testkit::runner::{Log, MOUNTS, Place, Runner, Step};
use serde_json::Value;

use crate::docker_engine::Engine;
use crate::downloads::{Downloads, Served};
use crate::layout::layout_from_tar;
use crate::peer::{peer, say};

const IMAGE: &str = "sealwright-action:test";
/// The runner's user on GitHub's machines.
const RUNNER: u32 = 1001;
const IDENTITY: &str = "https://github.com/acme/shop/.github/workflows/release.yml@refs/heads/main";
/// zlib 1.3 has a critical flaw, and one of an image's own making is in its text.
const ADVISORY: &str = r#"{"id":"ALPINE-CVE-2030-1","modified":"2024-01-01T00:00:00Z","upstream":["CVE-2030-1"],
"summary":"::error::not ours","severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
"affected":[{"package":{"ecosystem":"Alpine:v3.20","name":"zlib"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1.4-r0"}]}]}]}"#;

/// A job on a runner, with a Docker engine that has the action's image.
struct Scene {
    runner: Runner,
    authority: Authority,
    registry: Registry,
    export: Downloads,
    engine: Engine,
    folder: tempfile::TempDir,
}

struct Done {
    code: i32,
    log: Log,
    step: Step,
    outputs: BTreeMap<String, String>,
}

#[test]
fn the_container_and_the_composite_action_do_the_same() {
    let scene = Scene::new();
    let sealed = [Place::Container, Place::Machine].map(|place| scene.seal(place));
    let [inside, outside] = &sealed;
    for name in ["digest", "exit-code", "bundles"] {
        assert_eq!(inside.outputs[name], outside.outputs[name], "{name}");
    }
    scene.a_refusal_is_told_everywhere(Place::Container);
    scene.a_refusal_is_told_everywhere(Place::Machine);
    scene.what_was_sealed_verifies(inside);
    scene.what_is_wrong_is_said();
    scene.everything_belongs_to_the_runner();
}

/// `cargo xtask bench-action` prints what it measures: how long a container takes to its first line, and a seal of Debian inside
/// beside one outside.
#[test]
#[ignore = "a measurement: its times depend on the machine"]
fn measure() {
    const RUNS: usize = 5;
    let scene = Scene::new();
    let tar = scene.folder.path().join("debian.tar");
    let mut debian = Command::new(peer("SEALWRIGHT_MMDEBSTRAP"));
    say(debian.args(["--quiet", "--variant=minbase", "bookworm"]).arg(&tar)).expect_code(0);
    layout_from_tar(&tar, &scene.in_workspace("debian"));
    std::fs::write(scene.in_workspace("none.json"), DEBIAN_ADVISORY).expect("a record");
    let mut import = Command::new(peer("SEALWRIGHT_STATIC"));
    import.args(["db", "import", "none.json", "--db", "db"]).current_dir(scene.runner.workspace());
    say(&mut import).expect_code(0);
    let mut inside = Vec::new();
    let mut first = Vec::new();
    let mut outside = Vec::new();
    for run in 0..RUNS {
        let push = format!("{}/acme/inside-{run}:v1", scene.registry.host());
        let (to_first, whole) = scene.timed(&scene.runner.step(Place::Container, &sealing_debian(&push)));
        first.push(to_first);
        inside.push(whole);
        let push = format!("{}/acme/outside-{run}:v1", scene.registry.host());
        let mut composite = scene.composite(&scene.runner.step(Place::Machine, &sealing_debian(&push)));
        let start = Instant::now();
        say(&mut composite).expect_code(0);
        outside.push(start.elapsed());
    }
    let least = |times: &[Duration]| times.iter().min().copied().unwrap_or_default().as_secs_f64();
    let size =
        Command::new("gzip").args(["-9", "-c"]).arg(peer("SEALWRIGHT_STATIC")).output().expect("gzip").stdout.len();
    println!("binary, compressed        {:.1} MB", size as f64 / 1e6);
    println!("container to first line   {:.3} s", least(&first));
    println!("seal of Debian, container {:.3} s", least(&inside));
    println!("seal of Debian, outside   {:.3} s", least(&outside));
    println!("ratio                     {:.2}", least(&inside) / least(&outside));
}

fn sealing_debian(push: &str) -> [(&str, &str); 6] {
    [
        ("command", "seal"),
        ("source", "oci:debian"),
        ("push", push),
        ("db", "db"),
        ("trusted-root", "root.json"),
        ("signing-config", "config.json"),
    ]
}

/// About no package of Debian.
const DEBIAN_ADVISORY: &str = r#"{"id":"none","modified":"2024-01-01T00:00:00Z","affected":[{"package":{"ecosystem":"Debian:12","name":"none-of-these"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}]}]}]}"#;

impl Scene {
    /// From the start of the container's process to its first line, and to its end, by the engine's own clock.
    fn timed(&self, step: &Step) -> (Duration, Duration) {
        let mut create = self.container(step);
        // As `run`, but kept until it was looked at.
        let arguments: Vec<_> =
            create.get_args().map(std::ffi::OsStr::to_owned).filter(|word| word != "--rm").collect();
        create = self.engine.docker();
        create.arg("create").args(arguments.into_iter().skip(1));
        let id = say(&mut create).expect_code(0).stdout.trim().to_owned();
        say(self.engine.docker().args(["start", "--attach", &id])).expect_code(0);
        let state =
            say(self.engine.docker().args(["inspect", "--format", "{{.State.StartedAt}} {{.State.FinishedAt}}", &id]));
        let log = say(self.engine.docker().args(["logs", "--timestamps", &id])).expect_code(0).stdout;
        let time = |text: &str| text.parse::<jiff::Timestamp>().expect("a time");
        let (started, finished) =
            state.stdout.trim().split_once(' ').map(|(a, b)| (time(a), time(b))).expect("two times");
        let line =
            log.lines().find(|line| !line.contains("::")).and_then(|line| line.split(' ').next()).expect("a line");
        let since = |end: jiff::Timestamp| Duration::try_from(end.duration_since(started)).expect("after the start");
        (since(time(line)), since(finished))
    }

    fn new() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let authority = Authority::start().expect("authority");
        let mut runner = Runner::new(&folder.path().join("runner"), "acme/shop");
        let job = authority.job(&workflow_claims()).expect("job");
        runner.set("ACTIONS_ID_TOKEN_REQUEST_URL", &job.request_url);
        runner.set("ACTIONS_ID_TOKEN_REQUEST_TOKEN", &job.request_token);
        let workspace = runner.workspace();
        let write = |name: &str, text: &[u8]| std::fs::write(workspace.join(name), text).expect("a file");
        write("root.json", authority.trusted_root().expect("trusted root").as_bytes());
        write("config.json", authority.signing_config(LogVersion::V2).as_bytes());
        let policy = format!(
            "version: 1\nbuilders:\n  - name: release\n    source: {{ repository: acme/shop, repository-id: 123456 }}\n    keyless: {{ issuer: \"{}\", identity: \"{IDENTITY}\", runner: github-hosted }}\ngate: {{ unknown-severity: report, max-advisory-age: off }}\n",
            authority.issuer()
        );
        write("sealwright.yaml", policy.as_bytes());
        for (name, zlib) in [("fixed", "1.4-r0"), ("flawed", "1.3-r0")] {
            let image =
                sealwright_testkit::image().layer(|l| l.os_release("alpine", "3.20.3").apk("zlib", zlib).gzip());
            image.write_layout(&workspace.join(name), "latest");
        }
        let export = Downloads::start(BTreeMap::from([("/Alpine/all.zip".to_owned(), Served::Whole(export()))]));
        let engine = Engine::start(folder.path());
        let scene = Self {
            runner,
            authority,
            registry: Registry::start(Switches::default()).expect("registry"),
            export,
            engine,
            folder,
        };
        build_image(&scene.engine, &scene.folder.path().join("context"), IMAGE);
        // Last, so that all of it belongs to the runner, as a checkout does.
        give(&scene.folder.path().join("runner"));
        scene
    }

    /// One step, in the container that the runner would start or by the composite action's own lines.
    fn run(&self, place: Place, inputs: &[(&str, &str)]) -> Done {
        let step = self.runner.step(place, inputs);
        let mut command = match place {
            Place::Container => self.container(&step),
            Place::Machine => self.composite(&step),
        };
        let said = say(&mut command);
        let outputs = step.outputs();
        assert_eq!(said.stderr, "", "the order of two streams is not known");
        Done { code: said.code(), log: Log::of(&said.stdout), step, outputs }
    }

    /// `docker run` with the options of the runner (actions/runner, `ContainerActionHandler.cs`), on the machine's network, where
    /// what stands in for the internet is.
    fn container(&self, step: &Step) -> Command {
        let mut command = self.engine.docker();
        command.args(["run", "--rm", "--network", "host", "--workdir", "/github/workspace"]);
        for (name, value) in &step.variables {
            command.arg("--env").arg(format!("{name}={value}"));
        }
        let socket = self.engine.host.trim_start_matches("unix://");
        command.arg("--volume").arg(format!("{socket}:/var/run/docker.sock"));
        for (name, inside) in MOUNTS {
            command.arg("--volume").arg(format!("{}:{inside}", self.runner.folder(name).display()));
        }
        command.args([IMAGE, "action"]);
        command
    }

    /// The steps of `setup/action.yml`: the installed binary, with the inputs in the environment.
    fn composite(&self, step: &Step) -> Command {
        let temporary = self.runner.folder("runner_temp");
        let (bytes, name) = (
            read_file(&peer("SEALWRIGHT_STATIC"), 1 << 30).expect("the binary"),
            "sealwright-v0.0.1-x86_64-unknown-linux-musl",
        );
        let checksums = temporary.join("checksums.txt");
        std::fs::write(&checksums, format!("{}  {name}\n", Digest::of(&bytes).hex())).expect("a file");
        let mirror = Downloads::start(BTreeMap::from([(format!("/v0.0.1/{name}"), Served::Whole(bytes))]));
        let mut install = Command::new("bash");
        install.arg(repository().join("setup/install.sh")).arg(&checksums).arg(&mirror.address);
        install
            .env("RUNNER_TEMP", &temporary)
            .env("RUNNER_OS", "Linux")
            .env("RUNNER_ARCH", "X64")
            .env_remove("GITHUB_PATH");
        say(&mut install).expect_code(0);
        // `shell: bash` (GitHub, "Workflow syntax", `jobs.<job_id>.steps[*].shell`).
        let mut command = Command::new("bash");
        command.args(["--noprofile", "--norc", "-eo", "pipefail", "-c", "sealwright action"]);
        command.current_dir(self.runner.workspace()).env_clear();
        let path = format!("{}:/usr/bin:/bin", temporary.join("sealwright-v0.0.1").display());
        for (name, value) in &step.variables {
            let name = if name.starts_with("INPUT_") { name.replace('-', "_") } else { name.clone() };
            command.env(name, value);
        }
        command.env("PATH", path);
        command
    }

    fn reference(&self, place: Place) -> String {
        let name = if place == Place::Container { "container" } else { "composite" };
        format!("{}/acme/{name}:v1", self.registry.host())
    }

    fn seal(&self, place: Place) -> Done {
        // The runner translates no path that stands behind something else in a value.
        let source = format!("oci:{}/fixed", self.runner.workspace().display());
        let reports = format!("json=seal.json\nsarif={}/seal.sarif\n", self.runner.workspace().display());
        let push = self.reference(place);
        let done = self.run(
            place,
            &[
                ("command", "seal"),
                ("source", &source),
                ("push", &push),
                ("db-from", &self.export.address),
                ("kev-from", "none"),
                ("trusted-root", "root.json"),
                ("signing-config", "config.json"),
                ("output", &reports),
                ("github-token", "ghs_0123456789"),
                ("policy", ""),
            ],
        );
        assert_eq!(done.code, 0, "{:#?}", done.log);
        assert!(done.log.annotations.is_empty(), "{:#?}", done.log);
        let summary = done.step.summary();
        assert!(summary.contains("sha256:") && summary.contains("| "), "{summary}");
        let token = done.log.masks.iter().find(|mask| mask.starts_with("eyJ")).expect("the identity token is masked");
        assert!(done.log.masks.iter().any(|mask| mask == "ghs_0123456789"));
        let said = format!("{:?}{:?}{summary}", done.log.lines, done.outputs);
        assert!(!said.contains("***") && !said.contains(token.as_str()), "{said}");
        let image = &done.outputs["image"];
        assert_eq!(done.step.artifacts(), [format!("oci://{image}")]);
        assert_eq!(std::fs::read_dir(self.in_workspace(&done.outputs["bundles"])).expect("bundles").count(), 6);
        for file in ["seal.json", "seal.sarif"] {
            let bytes = read_file(&self.in_workspace(file), 1 << 20).expect(file);
            serde_json::from_slice::<Value>(&bytes).expect(file);
            std::fs::remove_file(self.in_workspace(file)).expect(file);
        }
        done
    }

    fn a_refusal_is_told_everywhere(&self, place: Place) {
        let inputs = [
            ("command", "scan"),
            ("source", "oci:flawed"),
            ("fail-on", "critical"),
            ("db-from", self.export.address.as_str()),
            ("kev-from", "none"),
            ("output", "sarif=scan.sarif"),
        ];
        let done = self.run(place, &inputs);
        assert_eq!(done.code, 3, "{:#?}", done.log);
        assert_eq!(done.outputs["exit-code"], "3");
        let [annotation] = done.log.annotations.as_slice() else { panic!("{:#?}", done.log) };
        assert!(annotation.level == "error" && annotation.properties["title"].contains("zlib"), "{annotation:?}");
        assert!(done.step.summary().contains("CVE-2030-1"), "{}", done.step.summary());
        let sarif = read_file(&self.in_workspace("scan.sarif"), 1 << 20).expect("SARIF");
        let sarif: Value = serde_json::from_slice(&sarif).expect("JSON");
        let results = sarif["runs"][0]["results"].as_array().expect("results");
        assert!(results.iter().any(|result| result["level"] == "error"), "{sarif:#}");
        assert!(results.iter().all(|result| result["partialFingerprints"].is_object()), "{sarif:#}");
    }

    fn what_was_sealed_verifies(&self, sealed: &Done) {
        let image = sealed.outputs["image"].as_str();
        let verify = |more: &[(&str, &str)]| {
            self.run(
                Place::Container,
                &[&[("command", "verify"), ("image", image), ("trusted-root", "root.json")], more].concat(),
            )
        };
        let done = verify(&[("policy", "sealwright.yaml")]);
        assert_eq!((done.code, done.outputs["exit-code"].as_str()), (0, "0"), "{:#?}", done.log);
        assert!(done.step.summary().contains("19 provenance-parameters"), "{}", done.step.summary());
        let issuer = self.authority.issuer();
        let other = "https://github.com/mallory/shop/.github/workflows/release.yml@refs/heads/main";
        let refused = verify(&[("certificate-identity", other), ("certificate-oidc-issuer", issuer)]);
        assert_eq!(refused.code, 4, "{:#?}", refused.log);
        // The command that the seal handed on, with the binary on the machine.
        let command = sealed.outputs["verify-command"].replacen(
            "sealwright",
            &peer("SEALWRIGHT_STATIC").display().to_string(),
            1,
        );
        let mut shell = Command::new("sh");
        shell.args(["-c", &command]).current_dir(self.runner.workspace()).env("HOME", self.folder.path());
        say(&mut shell).expect_code(0);
    }

    fn what_is_wrong_is_said(&self) {
        for (inputs, code, words) in [
            (vec![("command", "sbom"), ("source", "oci:nowhere")], 2, "nowhere"),
            (vec![("command", "scan"), ("source", "oci:fixed"), ("polcy", "x")], 2, "scan has no input \"polcy\""),
            (vec![("command", "sbom"), ("source", "docker-daemon:absent:v1")], 5, "absent:v1"),
            (vec![("command", "sbom"), ("source", "oci:\n::error::x")], 2, "several lines"),
        ] {
            let done = self.run(Place::Container, &inputs);
            assert_eq!(done.code, code, "{inputs:?} {:#?}", done.log);
            let [annotation] = done.log.annotations.as_slice() else { panic!("{:#?}", done.log) };
            assert!(annotation.message.contains(words), "{annotation:?}");
        }
        // With an identity that the job does not have.
        let mut step = self.runner.step(
            Place::Container,
            &[
                ("command", "sign"),
                ("image", "127.0.0.1:9/a@sha256:0000000000000000000000000000000000000000000000000000000000000000"),
                ("trusted-root", "root.json"),
                ("signing-config", "config.json"),
            ],
        );
        step.variables.retain(|name, _| !name.starts_with("ACTIONS_ID_TOKEN"));
        let said = say(&mut self.container(&step)).expect_code(2);
        let log = Log::of(&said.stdout);
        assert!(log.annotations.iter().any(|one| one.message.contains("id-token: write")), "{log:#?}");
    }

    /// A container runs as root; nothing of root's stays where a later step of the runner's user works.
    fn everything_belongs_to_the_runner(&self) {
        let mut open = vec![self.runner.workspace()];
        let mut seen = 0;
        while let Some(path) = open.pop() {
            let metadata = std::fs::symlink_metadata(&path).expect("metadata");
            assert_eq!((metadata.uid(), metadata.gid()), (RUNNER, RUNNER), "{}", path.display());
            seen += 1;
            if metadata.is_dir() {
                open.extend(std::fs::read_dir(&path).expect("a folder").map(|entry| entry.expect("an entry").path()));
            }
        }
        assert!(seen > 15, "{seen} files");
    }

    fn in_workspace(&self, name: &str) -> PathBuf {
        self.runner.workspace().join(name)
    }
}

/// The image of a release, around the static binary.
pub(crate) fn build_image(engine: &Engine, context: &Path, name: &str) {
    std::fs::create_dir(context).expect("a folder");
    let mut root = Command::new(repository().join("release/image-root.sh"));
    root.arg(peer("SEALWRIGHT_STATIC")).arg(peer("SEALWRIGHT_CERTIFICATES")).arg(context.join("root"));
    say(&mut root).expect_code(0);
    let mut build = engine.docker();
    build.args(["build", "--quiet", "--tag", name, "--file"]).arg(repository().join("release/Dockerfile"));
    say(build.arg(context)).expect_code(0);
}

/// An OSV export of one record about zlib in Alpine.
pub(crate) fn export() -> Vec<u8> {
    export_of("ALPINE-CVE-2030-1", ADVISORY)
}

/// An OSV export of one record.
pub(crate) fn export_of(id: &str, record: &str) -> Vec<u8> {
    use std::io::Write as _;
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    archive.start_file(format!("{id}.json"), zip::write::SimpleFileOptions::default()).expect("a file");
    archive.write_all(record.as_bytes()).expect("written");
    archive.finish().expect("a zip").into_inner()
}

fn give(path: &Path) {
    if path.is_dir() {
        std::fs::read_dir(path).expect("a folder").for_each(|entry| give(&entry.expect("an entry").path()));
    }
    chown(path, Some(RUNNER), Some(RUNNER)).expect("as root");
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
