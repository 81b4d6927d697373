//! A workflow's jobs in the order in which they need each other: with matrices, and with the workflows that they call.

use std::collections::BTreeMap;

use sealwright_testkit::expression::{as_text, contexts, evaluate, interpolate, is_true};
use serde_json::{Map, Value, json};

use super::job::{Call, Done, Run, mapped, needs};

/// A workflow that a job calls.
pub(crate) struct Called {
    /// What its file says.
    pub(crate) workflow: Value,
    /// Variables of its jobs that may ask for an identity token: the token names this workflow.
    pub(crate) identity: Vec<(String, String)>,
}

impl Call {
    /// A call with `with`, where what it leaves out is as the workflow declares it.
    #[track_caller]
    pub(crate) fn of(workflow: &Value, with: &Map<String, Value>, secrets: Value, permissions: Value) -> Self {
        let declared =
            workflow.pointer("/on/workflow_call/inputs").and_then(Value::as_object).cloned().unwrap_or_default();
        let mut inputs: Map<String, Value> =
            declared.iter().map(|(name, input)| (name.clone(), input["default"].clone())).collect();
        for (name, value) in with {
            assert!(declared.contains_key(name), "no input {name}");
            inputs.insert(name.clone(), value.clone());
        }
        for (name, input) in &declared {
            assert!(input["required"] != true || !inputs[name].is_null(), "{name} is required");
        }
        Self { inputs: Value::Object(inputs), secrets, permissions, matrix: Value::Null }
    }
}

impl Run<'_> {
    /// All jobs, and the workflow's outputs. A job that needs one that failed is left out.
    pub(crate) fn workflow(&mut self, workflow: &Value, call: &Call) -> (BTreeMap<String, Done>, Value) {
        let jobs = workflow["jobs"].as_object().expect("jobs");
        let mut done: BTreeMap<String, Done> = BTreeMap::new();
        while done.len() < jobs.len() {
            let ready = jobs
                .iter()
                .find(|(name, job)| !done.contains_key(*name) && needs(job).iter().all(|one| done.contains_key(one)));
            let (name, job) = ready.expect("a job whose needs are done");
            let result =
                if self.starts(job, call, &done) { self.every(workflow, name, call, &done) } else { Done::skipped() };
            done.insert(name.clone(), result);
        }
        let named = done.iter().map(|(name, one)| (name.clone(), json!({ "outputs": one.outputs }))).collect();
        let known = contexts([("jobs", Value::Object(named))]);
        let declared =
            workflow.pointer("/on/workflow_call/outputs").and_then(Value::as_object).cloned().unwrap_or_default();
        let outputs = declared
            .iter()
            .map(|(name, output)| (name.clone(), interpolate(output["value"].as_str().expect("a value"), &known)));
        let outputs = Value::Object(outputs.collect());
        (done, outputs)
    }

    /// Whether a job runs: those that it needs have passed, unless its condition speaks of their status.
    fn starts(&self, job: &Value, call: &Call, done: &BTreeMap<String, Done>) -> bool {
        let passed = needs(job).iter().all(|one| done[one].passed);
        let Some(condition) = job["if"].as_str() else { return passed };
        let mut known = self.known(job, call, done);
        known["job"] = json!({ "status": if passed { "success" } else { "failure" } });
        let condition = condition.trim().trim_start_matches("${{").trim_end_matches("}}");
        let speaks = ["always()", "failure()", "cancelled()"].iter().any(|word| condition.contains(word));
        (passed || speaks) && is_true(&evaluate(condition, &known))
    }

    /// A job as often as its matrix says. Its outputs are those of the last.
    fn every(&mut self, workflow: &Value, name: &str, call: &Call, before: &BTreeMap<String, Done>) -> Done {
        let job = &workflow["jobs"][name];
        let mut all: Option<Done> = None;
        for matrix in combinations(&job["strategy"]["matrix"]) {
            let call = Call { matrix, ..call.clone() };
            let one = match job["uses"].as_str() {
                Some(uses) => self.calls(workflow, job, uses, &call, before),
                None => self.job(workflow, name, &call, before),
            };
            all = Some(all.map_or_else(|| one.clone(), |all| all.and(&one)));
        }
        all.expect("a matrix has a value")
    }

    /// What a job knows when it is started.
    fn known(&self, job: &Value, call: &Call, before: &BTreeMap<String, Done>) -> Value {
        let needed =
            needs(job).into_iter().map(|one| (one.clone(), json!({ "outputs": before[&one].outputs }))).collect();
        contexts([
            ("github", self.github.clone()),
            ("inputs", call.inputs.clone()),
            ("secrets", call.secrets.clone()),
            ("needs", Value::Object(needed)),
            ("matrix", call.matrix.clone()),
            ("vars", self.variables.clone()),
        ])
    }

    /// The jobs of the workflow that a job calls. One that cannot be had here is told in words, with what it would get.
    fn calls(
        &mut self,
        workflow: &Value,
        job: &Value,
        uses: &str,
        call: &Call,
        before: &BTreeMap<String, Done>,
    ) -> Done {
        let known = self.known(job, call, before);
        let with = mapped(&job["with"], &known);
        let secrets = Value::Object(mapped(&job["secrets"], &known));
        let Some(called) = (self.called)(uses) else {
            return Done { said: format!("{uses} is not here: {}", Value::Object(with)), ..Done::skipped() };
        };
        let permissions = granted(workflow, job, call);
        let call = Call::of(&called.workflow, &with, secrets, permissions);
        // Also of jobs that a condition leaves out.
        for job in called.workflow["jobs"].as_object().expect("jobs").values() {
            granted(&called.workflow, job, &call);
        }
        let own = std::mem::replace(&mut self.identity, called.identity);
        let (jobs, outputs) = self.workflow(&called.workflow, &call);
        self.identity = own;
        let all = jobs.into_iter().map(|(name, one)| Done { said: format!("\n# {name}\n{}", one.said), ..one });
        let all = all.reduce(|all, one| all.and(&one)).expect("jobs");
        Done { outputs, ..all }
    }
}

impl Done {
    /// A job that was not started.
    fn skipped() -> Self {
        Self {
            passed: false,
            skipped: true,
            outputs: json!({}),
            said: "skipped".into(),
            annotations: vec![],
            summary: String::new(),
        }
    }

    /// Both, with the outputs of the second.
    fn and(self, other: &Self) -> Self {
        Self {
            passed: (self.passed || self.skipped) && (other.passed || other.skipped),
            skipped: self.skipped && other.skipped,
            outputs: other.outputs.clone(),
            said: self.said + &other.said,
            annotations: [self.annotations, other.annotations.clone()].concat(),
            summary: self.summary + &other.summary,
        }
    }
}

/// What a job may do: what it says, else what its workflow says, else what the caller grants. A workflow that asks for more than
/// it is granted is not started (GitHub Docs, "Reuse workflows", "Supported keywords for jobs that call a reusable workflow").
#[track_caller]
pub(crate) fn granted(workflow: &Value, job: &Value, call: &Call) -> Value {
    let stated = [&job["permissions"], &workflow["permissions"]].into_iter().find(|one| !one.is_null());
    let Some(stated) = stated else { return call.permissions.clone() };
    let rank =
        |of: &Value, scope: &str| ["read", "write"].iter().position(|word| of[scope] == *word).map_or(0, |at| at + 1);
    for scope in stated.as_object().expect("permissions by scope").keys() {
        let (asked, had) = (rank(stated, scope), rank(&call.permissions, scope));
        assert!(
            call.permissions == "write-all" || asked <= had,
            "the job {:?} asks for {scope}: {}, and its caller grants {}",
            job["name"],
            stated[scope],
            call.permissions
        );
    }
    stated.clone()
}

/// The values of a matrix, one for each job: nothing where there is none.
fn combinations(matrix: &Value) -> Vec<Value> {
    let mut all = vec![json!({})];
    for (name, values) in matrix.as_object().into_iter().flatten() {
        let values = values.as_array().unwrap_or_else(|| panic!("{name} of a matrix is no list"));
        let with = |one: &Value, value: &Value| {
            let mut one = one.clone();
            one[name] = json!(as_text(value));
            one
        };
        all = all.iter().flat_map(|one| values.iter().map(move |value| with(one, value))).collect();
    }
    all
}
