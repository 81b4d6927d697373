//! A stand-in for the runner of GitHub Actions, as far as a step of an action meets it: folders, variables and command files, and
//! what it makes of a log.
//!
//! Written after actions/runner v2.336.0: `Runner.Worker/Handlers/ContainerActionHandler.cs` (mounts and variables),
//! `FileCommandManager.cs` (command files), `ActionCommandManager.cs` and `Runner.Common/ActionCommand.cs` (commands in a log),
//! `Runner.Sdk/…/SecretMasker` (masks). What it does not know it refuses, where the runner would shrug.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sealwright_core::bounded::read_file;

/// What is mounted into a container, and as what.
pub const MOUNTS: [(&str, &str); 5] = [
    ("workspace", "/github/workspace"),
    ("home", "/github/home"),
    ("workflow", "/github/workflow"),
    ("file_commands", "/github/file_commands"),
    ("runner_temp", "/github/runner_temp"),
];

/// One job on one machine.
#[derive(Debug, Clone)]
pub struct Runner {
    root: PathBuf,
    repository: String,
    variables: BTreeMap<String, String>,
}

/// Where a step runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// On the machine, as a composite action does.
    Machine,
    /// In a container.
    Container,
}

impl Runner {
    /// Makes the folders below `root`, with an empty checkout of `OWNER/NAME`.
    ///
    /// # Panics
    /// When they cannot be made.
    pub fn new(root: &Path, repository: &str) -> Self {
        let runner = Self { root: root.to_owned(), repository: repository.to_owned(), variables: BTreeMap::new() };
        for (folder, _) in MOUNTS {
            std::fs::create_dir_all(runner.folder(folder)).expect("a folder of the runner");
        }
        std::fs::write(runner.folder("workflow").join("event.json"), "{}").expect("the event");
        runner
    }

    /// The checkout, `_work/NAME/NAME`.
    pub fn workspace(&self) -> PathBuf {
        self.folder("workspace")
    }

    /// A folder that is mounted into containers, by its name there.
    pub fn folder(&self, name: &str) -> PathBuf {
        let project = self.repository.rsplit('/').next().unwrap_or_default();
        let (work, temporary) = (self.root.join("_work"), self.root.join("_work/_temp"));
        match name {
            "workspace" => work.join(project).join(project),
            "home" => temporary.join("_github_home"),
            "workflow" => temporary.join("_github_workflow"),
            "file_commands" => temporary.join("_runner_file_commands"),
            _ => temporary,
        }
    }

    /// A variable of the job.
    pub fn set(&mut self, name: &str, value: &str) {
        self.variables.insert(name.to_owned(), value.to_owned());
    }

    /// What the event's payload says.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn event(&self, payload: &str) {
        std::fs::write(self.folder("workflow").join("event.json"), payload).expect("the event");
    }

    /// The variables of one step, and its new command files. Inputs keep their hyphens, and one that is empty is an empty
    /// variable (`Handler.cs`, `AddInputsToEnvironment`).
    ///
    /// # Panics
    /// When the files cannot be made.
    pub fn step(&self, place: Place, inputs: &[(&str, &str)]) -> Step {
        let step = format!("{:04}", std::fs::read_dir(self.folder("file_commands")).expect("the folder").count());
        let mut variables = BTreeMap::from([
            ("CI".to_owned(), "true".to_owned()),
            ("GITHUB_ACTIONS".to_owned(), "true".to_owned()),
            ("GITHUB_REPOSITORY".to_owned(), self.repository.clone()),
            ("RUNNER_OS".to_owned(), "Linux".to_owned()),
            ("RUNNER_ARCH".to_owned(), "X64".to_owned()),
            // Nobody translates this one.
            (
                "RUNNER_WORKSPACE".to_owned(),
                self.workspace().parent().map(Path::to_path_buf).unwrap_or_default().display().to_string(),
            ),
        ]);
        let folders = [
            ("GITHUB_WORKSPACE", self.workspace()),
            ("HOME", self.folder("home")),
            ("RUNNER_TEMP", self.folder("runner_temp")),
            ("GITHUB_EVENT_PATH", self.folder("workflow").join("event.json")),
        ];
        variables.extend(folders.map(|(name, path)| (name.to_owned(), path.display().to_string())));
        let files = ["OUTPUT", "ENV", "STATE", "PATH", "STEP_SUMMARY", "ARTIFACTS"].map(|name| {
            let file = self.folder("file_commands").join(format!("{}_{step}", name.to_lowercase()));
            std::fs::write(&file, "").expect("a command file");
            (format!("GITHUB_{name}"), file)
        });
        variables.extend(files.iter().map(|(name, file)| (name.clone(), file.display().to_string())));
        let inputs = inputs
            .iter()
            .map(|(name, value)| (format!("INPUT_{}", name.replace(' ', "_").to_uppercase()), (*value).to_owned()));
        variables.extend(inputs);
        variables.extend(self.variables.clone());
        if place == Place::Container {
            for value in variables.values_mut() {
                *value = self.translate(value);
            }
            variables.insert("HOME".to_owned(), "/github/home".to_owned());
        }
        Step { variables, files: files.into_iter().collect() }
    }

    /// A whole value that is a path of the machine, or starts with one, as the container has it
    /// (`ContainerInfo.cs`, `TranslateToContainerPath`).
    fn translate(&self, value: &str) -> String {
        let mut mounts: Vec<_> =
            MOUNTS.iter().map(|(name, inside)| (self.folder(name).display().to_string(), inside)).collect();
        mounts.sort_by_key(|(machine, _)| std::cmp::Reverse(machine.len()));
        let translated = mounts.iter().find_map(|(machine, inside)| {
            let rest = value.strip_prefix(machine.as_str())?;
            (rest.is_empty() || rest.starts_with('/')).then(|| format!("{inside}{rest}"))
        });
        translated.unwrap_or_else(|| value.to_owned())
    }
}

/// One step of a job.
#[derive(Debug)]
pub struct Step {
    /// What its process finds in the environment.
    pub variables: BTreeMap<String, String>,
    files: BTreeMap<String, PathBuf>,
}

impl Step {
    fn file(&self, name: &str) -> String {
        let bytes = read_file(&self.files[name], 16 << 20).expect("a command file");
        String::from_utf8(bytes).expect("text")
    }

    /// The summary, which the runner refuses where it is longer than 1 MiB.
    ///
    /// # Panics
    /// When it is.
    pub fn summary(&self) -> String {
        let summary = self.file("GITHUB_STEP_SUMMARY");
        assert!(summary.len() <= 1 << 20, "the summary has {} bytes", summary.len());
        summary
    }

    /// The lines about what was made.
    ///
    /// # Panics
    /// When there is no such file.
    pub fn artifacts(&self) -> Vec<String> {
        self.file("GITHUB_ARTIFACTS").lines().map(str::to_owned).collect()
    }

    /// The step's outputs, by name.
    ///
    /// # Panics
    /// When the file is none that the runner reads, or variables, a path or a state were written, which no command of ours does.
    pub fn outputs(&self) -> BTreeMap<String, String> {
        for name in ["GITHUB_ENV", "GITHUB_PATH", "GITHUB_STATE"] {
            assert_eq!(self.file(name), "", "{name}");
        }
        key_values(&self.file("GITHUB_OUTPUT"))
    }
}

/// `NAME=VALUE` and `NAME<<WORD`, lines, `WORD` (`FileCommandManager.cs`, `EnvFileKeyValuePairs`).
///
/// # Panics
/// When it is neither.
pub fn key_values(text: &str) -> BTreeMap<String, String> {
    let mut pairs = BTreeMap::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.is_empty() {
            continue;
        }
        let (equals, heredoc) = (line.find('='), line.find("<<"));
        match (equals, heredoc) {
            (Some(equals), heredoc) if heredoc.is_none_or(|heredoc| equals < heredoc) => {
                pairs.insert(line[..equals].to_owned(), line[equals + 1..].to_owned());
            }
            (_, Some(heredoc)) => {
                let (name, word) = (&line[..heredoc], &line[heredoc + 2..]);
                assert!(!name.is_empty() && !word.is_empty(), "{line:?}");
                let mut value = Vec::new();
                loop {
                    let line = lines.next().unwrap_or_else(|| panic!("no line {word:?} ends {name}"));
                    if line == word {
                        break;
                    }
                    value.push(line);
                }
                pairs.insert(name.to_owned(), value.join("\n"));
            }
            _ => panic!("{line:?} is no output"),
        }
    }
    pairs
}

/// What the runner makes of a log.
#[derive(Debug, Default)]
pub struct Log {
    /// What was masked from some line on.
    pub masks: Vec<String>,
    /// Annotations: level, title, message.
    pub annotations: Vec<Annotation>,
    /// The other lines, masked as far as masks were known by then.
    pub lines: Vec<String>,
}

/// A line that stands at the step on the run's page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotation {
    /// `error`, `warning` or `notice`.
    pub level: String,
    /// Its properties.
    pub properties: BTreeMap<String, String>,
    /// Its text.
    pub message: String,
}

/// Commands of a log; those for files were turned off in 2022.
const COMMANDS: [&str; 9] =
    ["add-mask", "error", "warning", "notice", "debug", "group", "endgroup", "add-matcher", "echo"];

impl Log {
    /// Reads a log line by line, as the runner does.
    ///
    /// # Panics
    /// When a line is a command that no step of ours gives.
    pub fn of(text: &str) -> Self {
        let mut log = Self::default();
        let mut stopped: Option<String> = None;
        for line in text.lines() {
            let command = command(line);
            match (&stopped, command) {
                (Some(word), Some((name, ..))) if name == *word => stopped = None,
                (None, Some((name, _, data))) if name == "stop-commands" => stopped = Some(data),
                (None, Some((name, properties, message))) if COMMANDS.contains(&name.as_str()) => {
                    log.obey(name, properties, message);
                }
                (None, Some((name, ..))) => panic!("{name:?} is no command that is expected: {line:?}"),
                _ => {
                    let masked = log.masks.iter().fold(line.to_owned(), |line, mask| line.replace(mask, "***"));
                    log.lines.push(masked);
                }
            }
        }
        assert_eq!(stopped, None, "commands stayed stopped");
        log
    }

    fn obey(&mut self, name: String, properties: BTreeMap<String, String>, message: String) {
        match name.as_str() {
            "add-mask" => {
                assert!(!message.trim().is_empty(), "an empty mask");
                // Every line of it is masked too (`AddMaskCommandExtension`).
                self.masks.extend(message.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned));
                self.masks.push(message);
            }
            "error" | "warning" | "notice" => self.annotations.push(Annotation { level: name, properties, message }),
            other => panic!("no step of ours says {other:?}"),
        }
    }
}

/// `::NAME KEY=VALUE,KEY=VALUE::DATA` at the start of a line, behind blanks (`ActionCommand.cs`, `TryParseV2`).
fn command(line: &str) -> Option<(String, BTreeMap<String, String>, String)> {
    let rest = line.trim_start().strip_prefix("::")?;
    let (head, data) = rest.split_once("::")?;
    let (name, properties) = head.split_once(' ').unwrap_or((head, ""));
    let unescaped = |text: &str| text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%");
    let property = |text: &str| unescaped(&text.replace("%3A", ":").replace("%2C", ","));
    let pairs = properties.split(',').filter_map(|pair| pair.trim().split_once('='));
    let pairs = pairs.map(|(key, value)| (key.to_owned(), property(value))).collect();
    Some((name.to_owned(), pairs, unescaped(data)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_read_as_the_runner_reads_them() {
        let pairs = key_values("a=1<<2\nb<<W\nx\n\nW=\nW\n");
        assert_eq!(pairs, BTreeMap::from([("a".into(), "1<<2".into()), ("b".into(), "x\n\nW=".into())]));
        for bad in ["b<<W\nx\n", "<<W\nW\n", "nothing"] {
            assert!(std::panic::catch_unwind(|| key_values(bad)).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_log_is_read_as_the_runner_reads_it() {
        let log = Log::of(
            "secret\n::add-mask::secret\nsecret 1\n::stop-commands::w\n::error::no\n::w::\n  ::error title=a%2Cb::x%0Ay\n",
        );
        assert_eq!(log.lines, ["secret", "*** 1", "::error::no"]);
        let [annotation] = log.annotations.as_slice() else { panic!("{log:?}") };
        assert_eq!((annotation.level.as_str(), annotation.message.as_str()), ("error", "x\ny"));
        assert_eq!(annotation.properties["title"], "a,b");
        assert!(std::panic::catch_unwind(|| Log::of("::stop-commands::w\n")).is_err());
        assert!(std::panic::catch_unwind(|| Log::of("::set-output name=a::b\n")).is_err());
    }

    #[test]
    fn a_path_is_translated_where_a_value_starts_with_it() {
        let root = tempfile::tempdir().expect("root");
        let mut runner = Runner::new(root.path(), "acme/shop");
        let workspace = runner.workspace().display().to_string();
        runner.set("A", &format!("{workspace}/x"));
        let list = format!("json=a\njson={workspace}/x");
        let step = runner.step(Place::Container, &[("output", &list), ("db-from", "")]);
        assert_eq!(step.variables["A"], "/github/workspace/x");
        assert_eq!(step.variables["INPUT_OUTPUT"], list);
        assert_eq!(step.variables["INPUT_DB-FROM"], "");
        assert_eq!(step.variables["RUNNER_TEMP"], "/github/runner_temp");
        assert!(step.variables["GITHUB_OUTPUT"].starts_with("/github/file_commands/"));
        assert!(step.variables["RUNNER_WORKSPACE"].ends_with("/_work/shop"));
    }
}
