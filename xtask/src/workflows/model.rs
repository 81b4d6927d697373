//! A workflow or an action as data. What is not looked at is left in `value`.

#![expect(clippy::indexing_slicing, reason = "a member that JSON lacks is null")]

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// All files.
#[derive(Debug, Clone, Default)]
pub(crate) struct Repository {
    pub(crate) workflows: Vec<Workflow>,
    pub(crate) actions: Vec<Action>,
}

/// A workflow, reusable or not.
#[derive(Debug, Clone)]
pub(crate) struct Workflow {
    /// For example `.github/workflows/seal.yml`.
    pub(crate) path: String,
    pub(crate) text: String,
    pub(crate) value: Value,
    /// `on`, for example `workflow_call`.
    pub(crate) triggers: Vec<String>,
    /// Of `workflow_call`, in the order of the file.
    pub(crate) inputs: Vec<Declared>,
    pub(crate) secrets: Vec<Declared>,
    pub(crate) outputs: Vec<Declared>,
    pub(crate) permissions: Option<Permissions>,
    pub(crate) jobs: Vec<Job>,
}

/// An action.
#[derive(Debug, Clone)]
pub(crate) struct Action {
    pub(crate) path: String,
    pub(crate) text: String,
    pub(crate) value: Value,
    pub(crate) inputs: Vec<Declared>,
    pub(crate) outputs: Vec<Declared>,
    /// Of a composite one.
    pub(crate) steps: Vec<Step>,
}

/// An input, a secret or an output.
#[derive(Debug, Clone)]
pub(crate) struct Declared {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) required: bool,
    pub(crate) default: Option<String>,
}

/// Scope and level.
pub(crate) type Permissions = BTreeMap<String, String>;

/// A job.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) id: String,
    pub(crate) value: Value,
    /// None where the job states none.
    pub(crate) permissions: Option<Permissions>,
    /// What a job without permissions says that it uses: the lines `#   scope: level  when` before its steps.
    pub(crate) takes: Vec<Taken>,
    /// The comment behind each permission that it states.
    pub(crate) reasons: BTreeMap<String, String>,
    /// A reusable workflow.
    pub(crate) uses: Option<String>,
    pub(crate) steps: Vec<Step>,
}

/// A permission that a job takes from its caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) scope: String,
    pub(crate) level: String,
    pub(crate) when: String,
}

/// A step.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) name: String,
    pub(crate) uses: Option<String>,
    pub(crate) run: Option<String>,
    pub(crate) with: Map<String, Value>,
}

impl Repository {
    /// Parses texts by their paths.
    pub(crate) fn parse(texts: Vec<(String, String)>) -> Result<Self, String> {
        let mut repository = Self::default();
        for (path, text) in texts {
            let value: Value = serde_saphyr::from_str(&text).map_err(|e| format!("{path}: {e}"))?;
            if path.ends_with("action.yml") {
                repository.actions.push(action(path, text, value));
            } else {
                repository.workflows.push(workflow(path, text, value));
            }
        }
        Ok(repository)
    }

    /// A reusable workflow by its file name.
    pub(crate) fn reusable(&self, file: &str) -> Option<&Workflow> {
        let path = format!(".github/workflows/{file}");
        self.workflows.iter().find(|workflow| workflow.path == path && workflow.is_reusable())
    }

    /// The action itself.
    pub(crate) fn action(&self) -> Option<&Action> {
        self.actions.iter().find(|action| action.path == "action.yml")
    }
}

impl Workflow {
    /// Whether others call it.
    pub(crate) fn is_reusable(&self) -> bool {
        self.triggers.iter().any(|trigger| trigger == "workflow_call")
    }

    /// Its file name.
    pub(crate) fn file(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }
}

fn workflow(path: String, text: String, value: Value) -> Workflow {
    let triggers = match &value["on"] {
        Value::String(one) => vec![one.clone()],
        Value::Array(several) => several.iter().filter_map(|one| Some(one.as_str()?.to_owned())).collect(),
        other => keys(other),
    };
    let call = &value["on"]["workflow_call"];
    let of_call = |section: &str| declared(&call[section], &block(&text, &["on", "workflow_call", section]));
    let jobs = in_order(keys(&value["jobs"]), &block(&text, &["jobs"]));
    Workflow {
        triggers,
        inputs: of_call("inputs"),
        secrets: of_call("secrets"),
        outputs: of_call("outputs"),
        permissions: permissions(&value["permissions"]),
        jobs: jobs.into_iter().map(|id| job(&text, id, &value["jobs"])).collect(),
        path,
        text,
        value,
    }
}

fn job(text: &str, id: String, jobs: &Value) -> Job {
    let value = jobs[&id].clone();
    let own = block(text, &["jobs", &id]);
    let before_steps = own.iter().take_while(|line| line.trim() != "steps:");
    Job {
        permissions: permissions(&value["permissions"]),
        takes: before_steps.filter_map(|line| taken(line)).collect(),
        reasons: block(text, &["jobs", &id, "permissions"]).iter().filter_map(|line| reason(line)).collect(),
        uses: text_of(&value["uses"]),
        steps: steps(&value["steps"]),
        value,
        id,
    }
}

/// `#   packages: write      only for ghcr.io`
fn taken(line: &str) -> Option<Taken> {
    let (scope, rest) = line.trim().strip_prefix("#   ")?.split_once(": ")?;
    let (level, when) = rest.split_once("  ")?;
    let word = |text: &str| text.chars().all(|c| c.is_ascii_lowercase() || c == '-');
    (word(scope) && ["read", "write"].contains(&level)).then(|| Taken {
        scope: scope.to_owned(),
        level: level.to_owned(),
        when: when.trim().to_owned(),
    })
}

/// `contents: read # why`
fn reason(line: &str) -> Option<(String, String)> {
    let (permission, why) = line.trim().split_once(" # ")?;
    Some((permission.split(':').next()?.to_owned(), why.to_owned()))
}

fn action(path: String, text: String, value: Value) -> Action {
    Action {
        inputs: declared(&value["inputs"], &block(&text, &["inputs"])),
        outputs: declared(&value["outputs"], &block(&text, &["outputs"])),
        steps: steps(&value["runs"]["steps"]),
        path,
        text,
        value,
    }
}

fn steps(value: &Value) -> Vec<Step> {
    let one = |step: &Value| Step {
        name: text_of(&step["name"]).or_else(|| text_of(&step["uses"])).unwrap_or_default(),
        uses: text_of(&step["uses"]),
        run: text_of(&step["run"]),
        with: step["with"].as_object().cloned().unwrap_or_default(),
    };
    value.as_array().into_iter().flatten().map(one).collect()
}

/// `read-all` and `write-all` become one entry with an empty scope's name.
fn permissions(value: &Value) -> Option<Permissions> {
    match value {
        Value::Object(scopes) => {
            Some(scopes.iter().map(|(scope, level)| (scope.clone(), text_of(level).unwrap_or_default())).collect())
        }
        Value::String(all) => Some(BTreeMap::from([(String::new(), all.clone())])),
        _ => None,
    }
}

fn declared(value: &Value, lines: &[&str]) -> Vec<Declared> {
    let one = |name: String| Declared {
        description: text_of(&value[&name]["description"]).unwrap_or_default(),
        required: value[&name]["required"] == Value::Bool(true),
        default: text_of(&value[&name]["default"]),
        name,
    };
    in_order(keys(value), lines).into_iter().map(one).collect()
}

/// Keys in the order in which the lines have them: JSON objects are sorted.
fn in_order(mut keys: Vec<String>, lines: &[&str]) -> Vec<String> {
    let depth =
        lines.iter().filter(|line| !line.trim().is_empty()).map(|line| indentation(line)).min().unwrap_or_default();
    let place =
        |key: &str| lines.iter().position(|line| line.get(depth..).is_some_and(|l| l.starts_with(&format!("{key}:"))));
    keys.sort_by_key(|key| place(key));
    keys
}

/// The lines below a key, found by indentation, as our files are written.
fn block<'a>(text: &'a str, path: &[&str]) -> Vec<&'a str> {
    let mut lines: Vec<&str> = text.lines().collect();
    for key in path {
        let Some(start) = lines.iter().position(|line| line.trim_start().starts_with(&format!("{key}:"))) else {
            return vec![];
        };
        let depth = lines.get(start).map_or(0, |line| indentation(line));
        let inside = lines.into_iter().skip(start + 1);
        lines = inside.take_while(|line| line.trim().is_empty() || indentation(line) > depth).collect();
    }
    lines
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

fn keys(value: &Value) -> Vec<String> {
    value.as_object().into_iter().flat_map(Map::keys).cloned().collect()
}

/// A scalar as the runner hands it on.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workflow_is_read_in_the_order_of_its_file() {
        let text = "\
name: x
on:
  workflow_call:
    inputs:
      z: { description: last }
      a:
        description: first
        required: true
permissions: {}
jobs:
  two:
    # None, because:
    #
    #   id-token: write  to sign
    #   packages: read   only sometimes
    #
    steps:
      - uses: a/b@v1
        with: { c: true }
  one:
    permissions:
      contents: read # the checkout
    uses: $/.github/workflows/y.yml
";
        let parsed = Repository::parse(vec![(".github/workflows/x.yml".into(), text.into())]).expect("a workflow");
        let workflow = parsed.reusable("x.yml").expect("a reusable one");
        let names = |declared: &[Declared]| declared.iter().map(|one| one.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&workflow.inputs), ["z", "a"]);
        assert!(workflow.inputs[1].required && !workflow.inputs[0].required);
        assert_eq!(workflow.permissions, Some(BTreeMap::new()));
        let [two, one] = workflow.jobs.as_slice() else { panic!("two jobs") };
        assert_eq!((two.id.as_str(), &two.permissions, two.takes.len()), ("two", &None, 2));
        assert_eq!(
            two.takes[1],
            Taken { scope: "packages".into(), level: "read".into(), when: "only sometimes".into() }
        );
        assert_eq!(two.steps[0].with["c"], Value::Bool(true));
        assert_eq!(one.reasons["contents"], "the checkout");
        assert_eq!(one.uses.as_deref(), Some("$/.github/workflows/y.yml"));
    }
}
