//! A stand-in for a run of GitHub Actions: jobs one after the other, each on a machine of its own. Scripts run in the shell that
//! their workflow names, actions of this repository in Docker, and the three actions of GitHub that our workflows use are replaced
//! by what they are documented to do (actions/checkout v7, actions/upload-artifact v7, actions/download-artifact v8).

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sealwright_core::Digest;
use sealwright_core::bounded::read_file;
use sealwright_testkit::expression::{as_text, contexts, evaluate, interpolate, is_true};
use sealwright_testkit::runner::{Log, MOUNTS, Place, Runner, key_values};
use serde_json::{Map, Value, json};

use super::workflow::{Called, granted};
use crate::docker_engine::Engine;
use crate::peer::{Said, peer, say};

/// What a job gets from whoever starts it.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// `inputs` of the called workflow.
    pub(crate) inputs: Value,
    /// Its `secrets`.
    pub(crate) secrets: Value,
    /// The permissions that the caller's job has; `write-all` for who calls nobody.
    pub(crate) permissions: Value,
    /// What a job of a matrix is about.
    pub(crate) matrix: Value,
}

/// Finds the workflow that a `uses` names.
pub(crate) type Lookup<'a> = Box<dyn Fn(&str) -> Option<Called> + 'a>;

/// One run.
pub(crate) struct Run<'a> {
    /// The `github` context.
    pub(crate) github: Value,
    /// The caller's repository.
    pub(crate) repository: PathBuf,
    /// Where actions run.
    pub(crate) engine: &'a Engine,
    /// The image of the action.
    pub(crate) image: &'a str,
    /// Variables of every machine: where stand-ins are.
    pub(crate) machine: Vec<(String, String)>,
    /// Files of every machine, and the variables that name them.
    pub(crate) files: Vec<(&'static str, String)>,
    /// Those of a job that may ask for an identity token.
    pub(crate) identity: Vec<(String, String)>,
    /// The workflow that `uses` names, as far as it can be had here.
    pub(crate) called: Lookup<'a>,
    /// The repository's variables.
    pub(crate) variables: Value,
    /// A folder of programs that every machine has.
    pub(crate) programs: PathBuf,
    /// Values of the workflow's `env` that cannot be had here, and what stands for them.
    pub(crate) replaced: BTreeMap<&'static str, String>,
    /// Inputs of the action that name others than the public services.
    pub(crate) services: Vec<(&'static str, String)>,
    /// The first root of the TUF repository among them.
    pub(crate) tuf_root: Vec<u8>,
    /// What jobs handed over, by id.
    pub(crate) artifacts: BTreeMap<u64, Artifact>,
    /// Where machines are made.
    pub(crate) folder: PathBuf,
}

/// What was uploaded: one file.
#[derive(Debug, Clone)]
pub(crate) struct Artifact {
    /// Its name.
    pub(crate) name: String,
    /// Files by path.
    pub(crate) files: BTreeMap<String, Vec<u8>>,
}

/// What became of a job.
#[derive(Debug, Clone)]
pub(crate) struct Done {
    pub(crate) passed: bool,
    /// Whether it was not started.
    pub(crate) skipped: bool,
    pub(crate) outputs: Value,
    /// What its steps said.
    pub(crate) said: String,
    pub(crate) annotations: Vec<String>,
    pub(crate) summary: String,
}

impl Done {
    #[track_caller]
    pub(crate) fn passes(self) -> Self {
        assert!(self.passed, "{}", self.said);
        self
    }

    #[track_caller]
    pub(crate) fn fails(self, words: &str) -> Self {
        assert!(!self.passed, "{}", self.said);
        assert!(self.annotations.iter().any(|one| one.contains(words)), "{words:?} is not in {:#?}", self.annotations);
        self
    }

    pub(crate) fn output(&self, name: &str) -> &str {
        self.outputs[name].as_str().unwrap_or_default()
    }
}

/// A machine that runs one job.
struct Machine {
    runner: Runner,
    environment: BTreeMap<String, String>,
    path: Vec<String>,
    steps: Map<String, Value>,
    status: &'static str,
    said: String,
    annotations: Vec<String>,
    summary: String,
    step: usize,
}

impl Run<'_> {
    /// One job.
    pub(crate) fn job(&mut self, workflow: &Value, name: &str, call: &Call, before: &BTreeMap<String, Done>) -> Done {
        let job = &workflow["jobs"][name];
        let granted = granted(workflow, job, call);
        let root = self.folder.join(format!("machine-{name}"));
        let mut runner = Runner::new(&root, self.github["repository"].as_str().expect("a repository"));
        for (name, value) in &self.machine {
            runner.set(name, value);
        }
        for (name, text) in &self.files {
            let file = runner.folder("runner_temp").join(name);
            fs::write(&file, text).expect("a file");
            runner.set(name, &file.display().to_string());
        }
        if granted["id-token"] == "write" {
            for (name, value) in &self.identity {
                runner.set(name, value);
            }
        }
        for (name, key) in [
            ("GITHUB_SHA", "sha"),
            ("GITHUB_REF", "ref"),
            ("GITHUB_EVENT_NAME", "event_name"),
            ("GITHUB_RUN_ID", "run_id"),
        ] {
            runner.set(name, self.github[key].as_str().unwrap_or_default());
        }
        plugin(&runner.folder("home"));
        let mut machine = Machine {
            runner,
            environment: BTreeMap::new(),
            path: vec![self.programs.display().to_string()],
            steps: Map::new(),
            status: "success",
            said: String::new(),
            annotations: vec![],
            summary: String::new(),
            step: 0,
        };
        let needed = needs(job)
            .iter()
            .map(|one| (one.clone(), json!({ "result": "success", "outputs": before[one].outputs })))
            .collect();
        let (github, variables) = (self.github.clone(), self.variables.clone());
        let known = |machine: &Machine, env: &Map<String, Value>| {
            contexts([
                ("github", github.clone()),
                ("inputs", call.inputs.clone()),
                ("secrets", call.secrets.clone()),
                ("needs", Value::Object(Map::clone(&needed))),
                ("steps", Value::Object(machine.steps.clone())),
                ("env", Value::Object(env.clone())),
                ("job", json!({ "status": machine.status })),
                ("matrix", call.matrix.clone()),
                ("vars", variables.clone()),
                (
                    "runner",
                    json!({
                        "temp": machine.runner.folder("runner_temp").display().to_string(),
                        "environment": "github-hosted", "os": "Linux", "arch": "X64",
                    }),
                ),
            ])
        };
        let shell =
            [job, workflow].iter().find_map(|one| one.pointer("/defaults/run/shell")?.as_str().map(str::to_owned));
        for step in job["steps"].as_array().expect("steps") {
            let env = self.environment(&[workflow, job], &machine, &known);
            let wanted =
                step["if"].as_str().map(|text| text.trim().trim_start_matches("${{").trim_end_matches("}}").to_owned());
            let contexts = known(&machine, &env);
            // Without a word about it a step runs only where those before it did not fail.
            let asks = wanted.as_ref().is_some_and(|text| {
                ["always()", "failure()", "cancelled()", "success()"].iter().any(|word| text.contains(word))
            });
            let runs =
                wanted.is_none_or(|text| is_true(&evaluate(&text, &contexts))) && (asks || machine.status == "success");
            if runs {
                self.step(step, shell.as_deref(), &contexts, &env, &mut machine);
            }
        }
        self.leave(&root);
        let contexts = known(&machine, &Map::new());
        let outputs = job["outputs"].as_object().cloned().unwrap_or_default();
        let outputs = outputs
            .iter()
            .map(|(name, value)| (name.clone(), interpolate(value.as_str().expect("an output"), &contexts)));
        Done {
            passed: machine.status == "success",
            skipped: false,
            outputs: Value::Object(outputs.map(|(name, value)| (name, json!(as_text(&value)))).collect()),
            said: machine.said,
            annotations: machine.annotations,
            summary: machine.summary,
        }
    }

    /// A machine is gone after its job, with its builders, and with what would fill this one.
    fn leave(&self, root: &Path) {
        fs::remove_dir_all(root).expect("the machine's folder");
        for (list, remove) in [
            (
                ["container", "ls", "--all", "--quiet"].as_slice(),
                ["container", "rm", "--force", "--volumes"].as_slice(),
            ),
            (&["volume", "ls", "--quiet"], &["volume", "rm", "--force"]),
        ] {
            let found = say(self.engine.docker().args(list)).expect_code(0).stdout;
            let found: Vec<&str> = found.lines().collect();
            if !found.is_empty() {
                say(self.engine.docker().args(remove).args(found)).expect_code(0);
            }
        }
    }

    /// `env` of the workflow and the job, and what earlier steps wrote into `GITHUB_ENV`.
    fn environment(
        &self,
        levels: &[&Value],
        machine: &Machine,
        known: &dyn Fn(&Machine, &Map<String, Value>) -> Value,
    ) -> Map<String, Value> {
        let mut env = Map::new();
        for level in levels {
            for name in level["env"].as_object().into_iter().flatten().map(|(name, _)| name) {
                let value = self.replaced.get(name.as_str()).map(|other| json!(other));
                let value = value.unwrap_or_else(|| interpolate_any(&level["env"][name], &known(machine, &env)));
                env.insert(name.clone(), value);
            }
        }
        env.extend(machine.environment.iter().map(|(name, value)| (name.clone(), json!(value))));
        env
    }

    fn step(
        &mut self,
        step: &Value,
        shell: Option<&str>,
        known: &Value,
        env: &Map<String, Value>,
        machine: &mut Machine,
    ) {
        let mut env = env.clone();
        env.extend(mapped(&step["env"], known));
        let name = as_text(&interpolate_any(&step["name"], known));
        machine.said.push_str(&format!("\n## {name}\n"));
        machine.step += 1;
        let with = mapped(&step["with"], known);
        let (code, outputs) = match (step["run"].as_str(), step["uses"].as_str()) {
            (Some(script), None) => {
                let shell = step["shell"].as_str().or(shell).unwrap_or("bash -e {0}");
                script_step(script, shell, &env, machine)
            }
            (None, Some(action)) => {
                let action = action.split('@').next().unwrap_or_default();
                match action {
                    "actions/checkout" => (self.checkout(&with, machine), BTreeMap::new()),
                    "actions/upload-artifact" => self.upload(&with, machine),
                    "actions/download-artifact" => (self.download(&with, machine), BTreeMap::new()),
                    "$/action" | "sealwright/sealwright" => self.container(&with, &env, machine),
                    other => panic!("no stand-in for {other}"),
                }
            }
            _ => panic!("{step} is no step"),
        };
        let outcome = if code == 0 { "success" } else { "failure" };
        if let Some(id) = step["id"].as_str() {
            machine
                .steps
                .insert(id.to_owned(), json!({ "outputs": outputs, "outcome": outcome, "conclusion": outcome }));
        }
        if code != 0 && step["continue-on-error"] != true {
            machine.status = "failure";
        }
    }

    /// Clones the commit, and takes of it what is asked for.
    fn checkout(&self, with: &Map<String, Value>, machine: &mut Machine) -> i32 {
        assert_eq!(with["persist-credentials"], json!(false), "a token is left behind");
        let path = machine.runner.workspace().join(with.get("path").map(as_text).unwrap_or_default());
        let commit = with
            .get("ref")
            .map(as_text)
            .filter(|text| !text.is_empty())
            .unwrap_or_else(|| as_text(&self.github["sha"]));
        let git = |arguments: &[&str], folder: &Path| {
            let mut command = Command::new("git");
            command.args(arguments).current_dir(folder).env("HOME", machine.runner.folder("home"));
            say(&mut command)
        };
        let url = format!("file://{}", self.repository.display());
        let clone = git(&["clone", "--quiet", "--no-checkout", &url, &path.display().to_string()], &self.folder);
        let mut said = vec![clone];
        if let Some(folder) = with.get("sparse-checkout").map(as_text) {
            said.push(git(&["sparse-checkout", "set", &folder], &path));
        }
        said.push(git(&["checkout", "--quiet", &commit], &path));
        said.iter().for_each(|one| machine.said.push_str(&one.stderr));
        said.iter().map(Said::code).max().unwrap_or(1)
    }

    fn upload(&mut self, with: &Map<String, Value>, machine: &mut Machine) -> (i32, BTreeMap<String, String>) {
        let path = machine.runner.workspace().join(as_text(&with["path"]).trim());
        let files = if path.is_dir() {
            let entries = fs::read_dir(&path).expect("a folder").map(|entry| entry.expect("an entry").path());
            entries.filter(|path| path.is_file()).collect()
        } else {
            vec![path]
        };
        let read =
            |path: &PathBuf| Some((path.file_name()?.to_string_lossy().into_owned(), read_file(path, 1 << 30).ok()?));
        let files: BTreeMap<String, Vec<u8>> = files.iter().filter_map(read).collect();
        if files.is_empty() {
            machine.said.push_str("no file was found to upload\n");
            return (i32::from(with.get("if-no-files-found").is_some_and(|word| word == "error")), BTreeMap::new());
        }
        let name = as_text(&with["name"]);
        if self.artifacts.values().any(|artifact| artifact.name == name) {
            // "Conflict: an artifact with this name already exists on the workflow run".
            machine.said.push_str("an artifact with this name exists\n");
            return (1, BTreeMap::new());
        }
        let id = 4000 + self.artifacts.len() as u64;
        let digest = Digest::of(&files.values().flatten().copied().collect::<Vec<u8>>());
        self.artifacts.insert(id, Artifact { name, files });
        (
            0,
            BTreeMap::from([
                ("artifact-id".into(), id.to_string()),
                ("artifact-digest".into(), digest.hex().to_owned()),
            ]),
        )
    }

    fn download(&self, with: &Map<String, Value>, machine: &mut Machine) -> i32 {
        let ids = with.get("artifact-ids").map(as_text).expect("by id");
        let Some(artifact) = ids.trim().parse().ok().and_then(|id: u64| self.artifacts.get(&id)) else {
            machine.said.push_str("no such artifact\n");
            return 1;
        };
        let folder = machine.runner.workspace().join(with.get("path").map(as_text).unwrap_or_default());
        fs::create_dir_all(&folder).expect("a folder");
        for (name, bytes) in &artifact.files {
            fs::write(folder.join(name), bytes).expect("a file");
        }
        0
    }

    /// The container action, as the runner starts it.
    fn container(
        &self,
        with: &Map<String, Value>,
        env: &Map<String, Value>,
        machine: &mut Machine,
    ) -> (i32, BTreeMap<String, String>) {
        let mut inputs: Vec<(String, String)> =
            with.iter().map(|(name, value)| (name.clone(), as_text(value))).collect();
        let command = with.get("command").map(as_text).unwrap_or_default();
        let root = machine.runner.folder("runner_temp").join("tuf-root.json");
        fs::write(&root, &self.tuf_root).expect("a file");
        let sigstore = [("tuf", ["seal", "sign", "verify"].as_slice()), ("tuf-root", &["seal", "sign", "verify"])];
        let asks = [("db-from", ["seal", "scan"].as_slice()), ("kev-from", &["seal", "scan"])];
        for (name, commands) in sigstore.into_iter().chain(asks) {
            let value = self.services.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
            let value = value.unwrap_or_else(|| root.display().to_string());
            if commands.contains(&command.as_str()) {
                inputs.retain(|(known, _)| known != name);
                inputs.push((name.to_owned(), value));
            }
        }
        let inputs: Vec<(&str, &str)> = inputs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let mut runner = machine.runner.clone();
        env.iter().for_each(|(name, value)| runner.set(name, &as_text(value)));
        let step = runner.step(Place::Container, &inputs);
        let mut command = self.engine.docker();
        command.args(["run", "--rm", "--network", "host", "--workdir", "/github/workspace"]);
        for (name, value) in &step.variables {
            command.arg("--env").arg(format!("{name}={value}"));
        }
        command.arg("--volume").arg(format!("{}:/var/run/docker.sock", self.engine.host.trim_start_matches("unix://")));
        for (name, inside) in MOUNTS {
            command.arg("--volume").arg(format!("{}:{inside}", runner.folder(name).display()));
        }
        let said = say(command.args([self.image, "action"]));
        machine.hear(&said);
        machine.summary.push_str(&step.summary());
        (said.code(), step.outputs())
    }
}

impl Machine {
    /// The runner reads both streams.
    fn hear(&mut self, said: &Said) {
        for stream in [&said.stdout, &said.stderr] {
            let log = Log::of(stream);
            self.said.push_str(&log.lines.join("\n"));
            for annotation in log.annotations {
                self.said.push_str(&format!("\n{}: {}\n", annotation.level, annotation.message));
                self.annotations.push(annotation.message);
            }
        }
    }
}

/// A script in its shell, on the machine.
fn script_step(
    script: &str,
    shell: &str,
    env: &Map<String, Value>,
    machine: &mut Machine,
) -> (i32, BTreeMap<String, String>) {
    let step = machine.runner.step(Place::Machine, &[]);
    let file = machine.runner.folder("runner_temp").join(format!("script-{}.sh", machine.step));
    fs::write(&file, script).expect("the script");
    let words = shell.replace("{0}", &file.display().to_string());
    let mut words = words.split(' ');
    let mut command = Command::new(words.next().expect("a shell"));
    command.args(words).current_dir(machine.runner.workspace()).env_clear().envs(&step.variables);
    let folders =
        machine.path.iter().map(String::as_str).chain(["/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"]);
    command.env("PATH", folders.collect::<Vec<_>>().join(":"));
    for (name, value) in env {
        command.env(name, as_text(value));
    }
    let said = say(&mut command);
    machine.hear(&said);
    let written = |name: &str| {
        let bytes = read_file(Path::new(&step.variables[name]), 1 << 20).expect("a command file");
        String::from_utf8(bytes).expect("text")
    };
    machine.environment.extend(key_values(&written("GITHUB_ENV")));
    machine.path.extend(written("GITHUB_PATH").lines().map(str::to_owned));
    machine.summary.push_str(&written("GITHUB_STEP_SUMMARY"));
    (said.code(), key_values(&written("GITHUB_OUTPUT")))
}

/// `docker buildx`, where the client looks for it.
fn plugin(home: &Path) {
    let plugins = home.join(".docker/cli-plugins");
    fs::create_dir_all(&plugins).expect("a folder");
    std::os::unix::fs::symlink(peer("SEALWRIGHT_BUILDX"), plugins.join("docker-buildx")).expect("a link");
}

pub(crate) fn needs(job: &Value) -> Vec<String> {
    match &job["needs"] {
        Value::String(one) => vec![one.clone()],
        Value::Array(several) => several.iter().map(as_text).collect(),
        _ => vec![],
    }
}

fn interpolate_any(value: &Value, known: &Value) -> Value {
    value.as_str().map_or_else(|| value.clone(), |text| interpolate(text, known))
}

pub(crate) fn mapped(members: &Value, known: &Value) -> Map<String, Value> {
    let members = members.as_object().cloned().unwrap_or_default();
    members.iter().map(|(name, value)| (name.clone(), interpolate_any(value, known))).collect()
}
