//! What has to be true of every workflow, template and action here. Each rule has a change in the tests that it finds.

#![expect(clippy::indexing_slicing, reason = "a member that JSON lacks is null")]

use std::collections::BTreeSet;

use serde_json::Value;

use super::model::{Action, Job, Repository, Step, Taken, Workflow};
use super::page::{described, grants};
use super::pins::PINS;

/// A rule: what it is called, and what it finds.
type Rule = (&'static str, fn(&Repository) -> Vec<String>);

const RULES: [Rule; 15] = [
    ("no job that runs user code may write or sign", user_code),
    ("every job states its permissions, or says what it takes of the caller's", stated),
    ("every permission has its reason beside it", reasons),
    ("no permission is wider than what the steps can use", used),
    ("a caller grants what is always needed", granted),
    ("whatever is used is pinned", pinned),
    ("every image has its digest", images),
    ("every input is used and described", inputs),
    ("a step gives the action inputs that it has", action_inputs),
    ("no script holds an expression", scripts),
    ("secrets are handed on by name", secrets),
    ("an artifact is taken over by its id and never replaced", artifacts),
    ("no checkout leaves its token behind", checkouts),
    ("every job is bounded, on a machine that GitHub hosts, with a strict shell", bounded),
    ("steps of one name do one thing", equal_steps),
];

/// Jobs that may run scripts of their own checkout and hold more than reading: (file, job, why).
const OWN_SCRIPTS: [(&str, &str, &str); 2] = [
    ("release.yml", "seal", "it seals what other jobs built, from main, behind the environment release"),
    ("release.yml", "publish", "it writes the release, from main, behind the environment release"),
];

/// What else steps can use than what follows from their actions: (file, job, scope, level).
const SCRIPTS_USE: [(&str, &str, &str, &str); 5] = [
    ("release.yml", "seal", "id-token", "write"),
    // On which machines the jobs of the run were.
    ("seal.yml", "seal", "actions", "read"),
    ("release.yml", "seal", "packages", "write"),
    ("release.yml", "verify", "packages", "read"),
    ("release.yml", "publish", "contents", "write"),
];

/// What is wrong, by rule.
pub(crate) fn broken(repository: &Repository) -> Vec<String> {
    let found =
        |(name, rule): &Rule| rule(repository).into_iter().map(|place| format!("{place} ({name})")).collect::<Vec<_>>();
    RULES.iter().flat_map(found).collect()
}

/// Every job with its workflow.
fn jobs(repository: &Repository) -> impl Iterator<Item = (&Workflow, &Job)> {
    repository.workflows.iter().flat_map(|workflow| workflow.jobs.iter().map(move |job| (workflow, job)))
}

/// Every step with its place.
fn steps(repository: &Repository) -> impl Iterator<Item = (String, &Step)> {
    let of_jobs = jobs(repository).flat_map(|(workflow, job)| {
        job.steps.iter().map(move |step| (format!("{}: {}: {}", workflow.path, job.id, step.name), step))
    });
    let of_actions = repository
        .actions
        .iter()
        .flat_map(|action| action.steps.iter().map(move |step| (format!("{}: {}", action.path, step.name), step)));
    of_jobs.chain(of_actions)
}

fn text<'a>(step: &'a Step, input: &str) -> &'a str {
    step.with.get(input).and_then(Value::as_str).unwrap_or_default()
}

fn is_checkout(step: &Step) -> bool {
    step.uses.as_deref().is_some_and(|uses| uses.starts_with("actions/checkout@"))
}

/// Whether a step is our action, however it is named.
fn is_ours(step: &Step) -> bool {
    step.uses
        .as_deref()
        .is_some_and(|uses| uses == "$/action" || uses == "./" || uses.starts_with("sealwright/sealwright@"))
}

/// A build, or a checkout of more than rules together with a script that could run something of it.
fn runs_user_code(job: &Job) -> bool {
    let scripts = || job.steps.iter().filter_map(|step| step.run.as_deref());
    let builds = scripts()
        .any(|script| ["docker buildx build", "docker build ", ".ci/run"].iter().any(|word| script.contains(word)));
    let whole =
        |step: &Step| is_checkout(step) && (text(step, "path") != "rules" || text(step, "sparse-checkout").is_empty());
    let local = |step: &Step| step.uses.as_deref().is_some_and(|uses| uses.starts_with("./"));
    builds || job.steps.iter().any(local) || (job.steps.iter().any(whole) && scripts().next().is_some())
}

fn user_code(repository: &Repository) -> Vec<String> {
    let writes = |job: &Job| match &job.permissions {
        Some(stated) => stated.values().any(|level| level.contains("write")),
        None => true,
    };
    let own = |workflow: &Workflow, job: &Job| {
        OWN_SCRIPTS.iter().any(|(file, id, _)| *file == workflow.file() && *id == job.id)
    };
    jobs(repository)
        .filter(|(workflow, job)| runs_user_code(job) && writes(job) && !own(workflow, job))
        .map(|(workflow, job)| format!("{}: {}", workflow.path, job.id))
        .collect()
}

fn stated(repository: &Repository) -> Vec<String> {
    let mut wrong = Vec::new();
    for workflow in &repository.workflows {
        let path = &workflow.path;
        let takes = workflow.jobs.iter().any(|job| job.permissions.is_none());
        match (&workflow.permissions, takes) {
            (Some(none), false) if none.is_empty() => {}
            (None, true) if workflow.triggers == ["workflow_call"] => {}
            (_, true) => wrong.push(format!("{path}: a job takes what the workflow is started with")),
            (_, false) => wrong.push(format!("{path}: not `permissions: {{}}` at the top")),
        }
        for job in &workflow.jobs {
            let calls = job.uses.as_deref().is_some_and(|uses| uses.starts_with("$/"));
            if job.permissions.is_none() && job.takes.is_empty() && !calls {
                wrong.push(format!("{path}: {}: neither stated nor said", job.id));
            }
            if job.permissions.iter().flatten().any(|(scope, _)| scope.is_empty()) {
                wrong.push(format!("{path}: {}: all scopes at once", job.id));
            }
        }
    }
    wrong
}

fn reasons(repository: &Repository) -> Vec<String> {
    let mut wrong = Vec::new();
    for (workflow, job) in jobs(repository) {
        for scope in job.permissions.iter().flat_map(|stated| stated.keys()) {
            if job.reasons.get(scope).is_none_or(|reason| reason.len() < 8) {
                wrong.push(format!("{}: {}: {scope}", workflow.path, job.id));
            }
        }
    }
    wrong
}

/// What our action can use of a token, by its command.
fn of_command(command: &str) -> &'static [(&'static str, &'static str)] {
    match command {
        "seal" | "sign" | "attest" => &[("id-token", "write"), ("packages", "write"), ("attestations", "write")],
        "verify" | "prove" => &[("id-token", "write"), ("packages", "read"), ("attestations", "read")],
        "scan" | "sbom" => &[("packages", "read")],
        "doctor" => &[("id-token", "write"), ("packages", "read")],
        "report" => &[("security-events", "write"), ("contents", "write"), ("artifact-metadata", "write")],
        _ => &[],
    }
}

/// What the steps of a job can use.
fn usable(repository: &Repository, workflow: &Workflow, job: &Job) -> BTreeSet<(String, String)> {
    let mut usable = BTreeSet::new();
    let mut add = |scope: &str, level: &str| {
        usable.insert((scope.to_owned(), level.to_owned()));
    };
    for step in &job.steps {
        if is_checkout(step) {
            add("contents", "read");
        }
        if is_ours(step) {
            for (scope, level) in of_command(text(step, "command")) {
                add(scope, level);
            }
        }
        let script = step.run.as_deref().unwrap_or_default();
        for (word, scope) in
            [("ACTIONS_ID_TOKEN_REQUEST_URL", "id-token"), ("gh issue", "issues"), ("gh release", "contents")]
        {
            if script.contains(word) {
                add(scope, "write");
            }
        }
    }
    for (file, id, scope, level) in SCRIPTS_USE {
        if file == workflow.file() && id == job.id {
            add(scope, level);
        }
    }
    if let Some(called) = job.uses.as_deref() {
        for taken in callee(repository, workflow, called).map(|callee| grants(repository, callee)).unwrap_or_default() {
            add(&taken.scope, &taken.level);
        }
        if called.starts_with("slsa-framework/") {
            for (scope, level) in [("actions", "read"), ("id-token", "write"), ("packages", "write")] {
                add(scope, level);
            }
        }
    }
    usable
}

/// A reusable workflow of this repository, however it is named. A template's neighbor lies beside it once both are copied.
fn callee<'a>(repository: &'a Repository, caller: &Workflow, uses: &str) -> Option<&'a Workflow> {
    let ours = uses.strip_prefix("sealwright/sealwright/").and_then(|path| path.split('@').next());
    let own = uses.strip_prefix("$/").or_else(|| uses.strip_prefix("./"));
    let file = ours.or(own)?.strip_prefix(".github/workflows/")?;
    let template = own.is_some() && caller.path.starts_with("workflows/");
    let folder = if template { "workflows" } else { ".github/workflows" };
    let path = format!("{folder}/{file}");
    repository.workflows.iter().find(|workflow| workflow.path == path && workflow.is_reusable())
}

fn covers(usable: &BTreeSet<(String, String)>, scope: &str, level: &str) -> bool {
    let has = |level: &str| usable.contains(&(scope.to_owned(), level.to_owned()));
    has(level) || (level == "read" && has("write"))
}

fn used(repository: &Repository) -> Vec<String> {
    let mut wrong = Vec::new();
    for (workflow, job) in jobs(repository) {
        let usable = usable(repository, workflow, job);
        let stated = job.permissions.iter().flatten().map(|(scope, level)| (scope.as_str(), level.as_str()));
        let said = job.takes.iter().map(|taken| (taken.scope.as_str(), taken.level.as_str()));
        for (scope, level) in stated.chain(said).filter(|(scope, level)| !covers(&usable, scope, level)) {
            wrong.push(format!("{}: {}: {scope}: {level}", workflow.path, job.id));
        }
    }
    wrong
}

fn granted(repository: &Repository) -> Vec<String> {
    let mut wrong = Vec::new();
    for (workflow, job) in jobs(repository) {
        let (Some(stated), Some(called)) = (&job.permissions, job.uses.as_deref()) else { continue };
        let wanted = callee(repository, workflow, called).map(|callee| grants(repository, callee)).unwrap_or_default();
        let lacks = |taken: &&Taken| {
            let level = stated.get(&taken.scope).map_or("", String::as_str);
            !taken.when.starts_with("only") && level != taken.level && level != "write"
        };
        for taken in wanted.iter().filter(lacks) {
            wrong.push(format!("{}: {}: {}: {}", workflow.path, job.id, taken.scope, taken.level));
        }
    }
    wrong
}

fn is_hex(word: &str, length: usize) -> bool {
    word.len() == length && word.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c))
}

fn pinned(repository: &Repository) -> Vec<String> {
    let of_workflows = repository.workflows.iter().flat_map(|workflow| {
        let jobs = workflow.jobs.iter().filter_map(|job| job.uses.as_deref());
        let steps = workflow.jobs.iter().flat_map(|job| job.steps.iter().filter_map(|step| step.uses.as_deref()));
        jobs.chain(steps).map(move |uses| (&workflow.path, &workflow.text, uses))
    });
    let of_actions = repository.actions.iter().flat_map(|action| {
        action.steps.iter().filter_map(move |step| Some((&action.path, &action.text, step.uses.as_deref()?)))
    });
    of_workflows
        .chain(of_actions)
        .filter(|(path, text, uses)| !is_pinned(repository, path, text, uses))
        .map(|(path, _, uses)| format!("{path}: {uses}"))
        .collect()
}

/// By a commit that [`PINS`] names with its version beside it, or of this repository itself.
fn is_pinned(repository: &Repository, path: &str, text: &str, uses: &str) -> bool {
    if let Some(own) = uses.strip_prefix("$/").or_else(|| uses.strip_prefix("./")) {
        return repository.actions.iter().any(|action| action.path.trim_end_matches("/action.yml") == own)
            || repository.workflows.iter().any(|workflow| workflow.path == own)
            || own.strip_prefix(".github/").is_some_and(|copied| {
                path.starts_with("workflows/") && repository.workflows.iter().any(|workflow| workflow.path == copied)
            })
            || (own.is_empty() && uses == "./");
    }
    let Some((name, reference)) = uses.split_once('@') else { return false };
    if name.starts_with("sealwright/sealwright") {
        // Callers may pin us by tag: the certificate names the commit too.
        let version = reference
            .strip_prefix('v')
            .is_some_and(|version| version.split('.').filter_map(|n| n.parse::<u32>().ok()).count() == 3);
        return path.starts_with("workflows/") && (version || is_hex(reference, 40));
    }
    let Some(pin) = PINS.iter().find(|pin| pin.name == name && pin.pin == reference) else { return false };
    let lines: Vec<&str> = text.lines().collect();
    let Some(place) = lines.iter().position(|line| line.contains(uses)) else { return false };
    if is_hex(reference, 40) {
        return lines
            .iter()
            .filter(|line| line.contains(uses))
            .all(|line| line.contains(&format!("# {}", pin.version)));
    }
    // By tag only with the reason above it.
    lines.iter().take(place).rev().take(3).any(|line| line.contains("slsa-verifier#12"))
}

fn images(repository: &Repository) -> Vec<String> {
    let mut wrong = Vec::new();
    for workflow in &repository.workflows {
        let mut found = Vec::new();
        image_names(&workflow.value, &mut found);
        wrong.extend(
            found
                .into_iter()
                .filter(|image| !image_is_pinned(image))
                .map(|image| format!("{}: {image}", workflow.path)),
        );
    }
    for action in &repository.actions {
        let image = action.value["runs"]["image"].as_str().unwrap_or("Dockerfile");
        let digest = image.strip_prefix("docker://").and_then(|image| image.split_once("@sha256:"));
        if !image.ends_with("Dockerfile") && !digest.is_some_and(|(_, hex)| is_hex(hex, 64)) {
            wrong.push(format!("{}: {image}", action.path));
        }
    }
    for (place, step) in steps(repository) {
        let script = step.run.as_deref().unwrap_or_default();
        let starts = |line: &&str| ["docker run", "docker pull", "--driver-opt"].iter().any(|word| line.contains(word));
        wrong.extend(
            script
                .lines()
                .filter(starts)
                .filter(|line| !line.contains("_IMAGE\""))
                .map(|line| format!("{place}: {}", line.trim())),
        );
    }
    wrong
}

/// What stands under `image`, `container` and variables that end in `_IMAGE`.
fn image_names(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (key, inner) in members {
                match inner {
                    Value::String(image) if key.ends_with("_IMAGE") || key == "container" || key == "image" => {
                        found.push(image.clone());
                    }
                    // The inputs of a step are not run.
                    _ if key == "with" || key == "inputs" || key == "outputs" => {}
                    _ => image_names(inner, found),
                }
            }
        }
        Value::Array(several) => several.iter().for_each(|one| image_names(one, found)),
        _ => {}
    }
}

fn image_is_pinned(image: &str) -> bool {
    let pin = |name: &str, digest: &str| {
        PINS.iter().any(|pin| name == format!("{}:{}", pin.name, pin.version) && pin.pin == digest)
    };
    image.split_once('@').is_some_and(|(name, digest)| pin(name, digest))
}

/// The names behind `inputs.` or `secrets.` in a text.
fn named<'a>(text: &'a str, context: &str) -> BTreeSet<&'a str> {
    let word = |rest: &'a str| {
        rest.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_')).next().unwrap_or_default()
    };
    text.split(context).skip(1).map(word).filter(|name| !name.is_empty()).collect()
}

fn inputs(repository: &Repository) -> Vec<String> {
    let mut wrong = Vec::new();
    let expressions = |text: &str| {
        text.split("${{").skip(1).filter_map(|rest| Some(rest.split("}}").next()?.to_owned())).collect::<String>()
    };
    for workflow in repository.workflows.iter().filter(|workflow| workflow.is_reusable()) {
        let conditions: String = jobs_conditions(workflow);
        let text = expressions(&workflow.text) + &conditions;
        let declared =
            |all: &'_ [super::model::Declared]| all.iter().map(|one| one.name.clone()).collect::<BTreeSet<_>>();
        for (what, context, declared) in
            [("input", "inputs.", declared(&workflow.inputs)), ("secret", "secrets.", declared(&workflow.secrets))]
        {
            let mut used: BTreeSet<String> = named(&text, context).into_iter().map(str::to_owned).collect();
            used.remove("GITHUB_TOKEN");
            wrong.extend(declared.symmetric_difference(&used).map(|name| format!("{}: {what} {name}", workflow.path)));
        }
        for one in workflow.inputs.iter().chain(&workflow.secrets).chain(&workflow.outputs) {
            if !one.description.ends_with('.') {
                wrong.push(format!("{}: {} has no description", workflow.path, one.name));
            }
        }
        if !of_the_release(workflow) && workflow.path.starts_with('.') && !described(workflow.file()) {
            wrong.push(format!("{}: docs/reference/workflows.md does not know it", workflow.path));
        }
    }
    for action in &repository.actions {
        wrong.extend(undescribed(action));
    }
    wrong
}

/// Called by our own release and by nobody else.
fn of_the_release(workflow: &Workflow) -> bool {
    workflow.file() == "release-binary.yml"
}

/// `if` needs no `${{ }}`.
fn jobs_conditions(workflow: &Workflow) -> String {
    let mut text = String::new();
    for job in &workflow.jobs {
        let steps = job.value["steps"].as_array().into_iter().flatten();
        for value in steps.chain([&job.value]) {
            text.push_str(value["if"].as_str().unwrap_or_default());
            text.push('\n');
        }
    }
    text
}

fn undescribed(action: &Action) -> Vec<String> {
    let all = action.inputs.iter().chain(&action.outputs);
    all.filter(|one| !one.description.ends_with('.'))
        .map(|one| format!("{}: {} has no description", action.path, one.name))
        .collect()
}

fn action_inputs(repository: &Repository) -> Vec<String> {
    let Some(action) = repository.action() else { return vec!["there is no action.yml".to_owned()] };
    let known: BTreeSet<&str> = action.inputs.iter().map(|input| input.name.as_str()).collect();
    let mut wrong = Vec::new();
    for (place, step) in steps(repository).filter(|(_, step)| is_ours(step)) {
        wrong.extend(
            step.with.keys().filter(|name| !known.contains(name.as_str())).map(|name| format!("{place}: {name}")),
        );
        if of_command(text(step, "command")).is_empty() {
            wrong.push(format!("{place}: no command"));
        }
    }
    wrong
}

fn scripts(repository: &Repository) -> Vec<String> {
    let templated = |step: &Step| step.run.as_deref().is_some_and(|script| script.contains("${{"));
    steps(repository).filter(|(_, step)| templated(step)).map(|(place, _)| place).collect()
}

fn secrets(repository: &Repository) -> Vec<String> {
    jobs(repository)
        .filter(|(_, job)| job.value["secrets"].is_string())
        .map(|(workflow, job)| format!("{}: {}", workflow.path, job.id))
        .collect()
}

fn artifacts(repository: &Repository) -> Vec<String> {
    let wrong = |step: &Step| {
        let uses = step.uses.as_deref().unwrap_or_default();
        let download = uses.starts_with("actions/download-artifact@");
        let by_id = !text(step, "artifact-ids").is_empty() && text(step, "digest-mismatch") == "error";
        let named = step.with.contains_key("name") || step.with.contains_key("pattern");
        let replaces =
            uses.starts_with("actions/upload-artifact@") && step.with.get("overwrite") == Some(&Value::Bool(true));
        (download && (!by_id || named)) || replaces
    };
    steps(repository).filter(|(_, step)| wrong(step)).map(|(place, _)| place).collect()
}

fn checkouts(repository: &Repository) -> Vec<String> {
    let keeps = |step: &Step| is_checkout(step) && step.with.get("persist-credentials") != Some(&Value::Bool(false));
    let caches = |step: &Step| step.uses.as_deref().is_some_and(|uses| uses.starts_with("actions/cache"));
    steps(repository).filter(|(_, step)| keeps(step) || caches(step)).map(|(place, _)| place).collect()
}

/// Names of GitHub's own machines. `${{ inputs.runner }}` is one of them too, because the callers are here.
const MACHINES: [&str; 4] = ["ubuntu-24.04", "ubuntu-24.04-arm", "macos-15", "${{ inputs.runner }}"];

fn bounded(repository: &Repository) -> Vec<String> {
    let mut wrong = Vec::new();
    for (workflow, job) in jobs(repository).filter(|(_, job)| job.uses.is_none()) {
        let place = format!("{}: {}", workflow.path, job.id);
        if !job.value["timeout-minutes"].is_u64() {
            wrong.push(format!("{place}: no timeout-minutes"));
        }
        if !job.value["runs-on"].as_str().is_some_and(|machine| MACHINES.contains(&machine)) {
            wrong.push(format!("{place}: runs-on"));
        }
        let strict = |value: &Value| value["defaults"]["run"]["shell"] == "bash --noprofile --norc -euo pipefail {0}";
        let unset = |step: &Step| step.run.as_deref().is_some_and(|script| !script.starts_with("set -euo pipefail"));
        if !strict(&workflow.value) && job.steps.iter().any(unset) {
            wrong.push(format!("{place}: its shell goes on after a failure"));
        }
    }
    wrong
}

/// Two reusable workflows cannot share a script without a checkout, so that they have copies; a copy that differs is an accident.
const COPIES: [&str; 2] = ["Find the rules and log in", "Refuse what may not be sealed"];

fn equal_steps(repository: &Repository) -> Vec<String> {
    let mut wrong = Vec::new();
    for name in COPIES {
        let mut copies = steps(repository).filter(|(_, step)| step.name == name);
        let first = copies.next();
        wrong.extend(
            copies
                .filter(|(_, step)| first.as_ref().is_none_or(|(_, other)| other.run != step.run))
                .map(|(place, _)| place),
        );
    }
    wrong
}

#[cfg(test)]
mod tests;
