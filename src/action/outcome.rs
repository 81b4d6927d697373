//! What came of a command: outputs, summary, annotations.

use sealwright_core::bounded::read_file;
use sealwright_core::{Digest, ImageRef, PinnedRef};
use serde_json::{Map, Value, json};

use super::inputs::Inputs;
use super::{Folder, commands, files};
use crate::context::Actions;
use crate::exit::Exit;
use crate::failure::Failure;

/// A report is at most this long, in bytes.
const LONGEST_REPORT: u64 = 64 << 20;
/// The output `result` is at most this long, in bytes: a job's outputs may have 1 MiB together (GitHub, "Passing information
/// between jobs"). What does not fit is left out by name.
const LONGEST_RESULT: usize = 256 << 10;

/// What is handed on.
#[derive(Debug)]
pub struct Outcome {
    exit: Exit,
    report: Value,
    image: Option<PinnedRef>,
}

impl Outcome {
    /// Reads the command's report. A command that failed may have left none.
    pub fn read(folder: &Folder, exit: Exit) -> Self {
        let report = folder.json(LONGEST_REPORT).unwrap_or_default();
        // `verify` calls it the subject, because it may be a file's digest.
        let named = report.get("image").or_else(|| report.get("subject")).and_then(Value::as_str);
        let named = named.filter(|text| text.contains('@')).and_then(|text| text.parse::<ImageRef>().ok());
        let image = named.and_then(|image| Some(image.repository.pinned(image.digest?)));
        Self { exit, report, image }
    }

    /// Writes the runner's files.
    ///
    /// # Errors
    /// When one cannot be written.
    pub fn hand_on(&self, actions: &Actions, inputs: &Inputs, folder: &Folder) -> Result<(), Failure> {
        let outputs = self.outputs(inputs, folder);
        for (name, value) in &outputs {
            if commands::holds_masked(value) {
                commands::print(&commands::warning(&format!(
                    "the output {name} holds something that is masked as a secret: the runner will not hand it to other jobs"
                )));
            }
        }
        files::outputs(actions, &outputs)?;
        if let Ok(lines) = read_file(&folder.report("annotations.txt"), LONGEST_REPORT) {
            commands::print(&String::from_utf8_lossy(&lines));
        }
        if inputs.summary()?
            && let Ok(markdown) = read_file(&folder.report("summary.md"), LONGEST_REPORT)
        {
            files::summary(actions, &String::from_utf8_lossy(&markdown))?;
        }
        let subject = self.image.as_ref().filter(|_| self.exit == Exit::Passed && inputs.command() == "seal");
        files::artifacts(actions, &subject.map(|image| format!("oci://{image}")).into_iter().collect::<Vec<_>>())
    }

    fn outputs(&self, inputs: &Inputs, folder: &Folder) -> Vec<(&'static str, String)> {
        let text = |pointer: &str| self.report.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let digest = self.image.as_ref().map(|image| image.digest().to_string()).or_else(|| text("/digest"));
        let bundles =
            inputs.evidence(folder).filter(|folder| folder.is_dir()).map(|folder| folder.display().to_string());
        let mut outputs = vec![("exit-code", self.exit.code().to_string())];
        let mut add = |name, value: Option<String>| outputs.extend(value.map(|value| (name, value)));
        add("image", self.image.as_ref().map(ToString::to_string));
        add("digest", digest);
        add("bundles", bundles);
        add("referrers", self.image.as_ref().map(|_| json!(self.referrers()).to_string()));
        add("verify-command", text("/verifyCommand"));
        let result = self.result(inputs, &outputs);
        outputs.push(("result", result));
        outputs
    }

    fn referrers(&self) -> Vec<Digest> {
        let statements = self.report.get("statements").and_then(Value::as_array).into_iter().flatten();
        statements.filter_map(|one| one.get("referrer")?.as_str()?.parse().ok()).collect()
    }

    /// One object for a later job: the outputs, and the report without what is large.
    fn result(&self, inputs: &Inputs, outputs: &[(&str, String)]) -> String {
        let mut result = Map::new();
        result.insert("schema".to_owned(), json!(1));
        result.insert("command".to_owned(), json!(inputs.command()));
        for (name, value) in outputs {
            // Numbers and lists are what they are; a digest or a command line is text.
            let parsed = serde_json::from_str(value).ok().filter(|value: &Value| !value.is_string());
            result.insert((*name).to_owned(), parsed.unwrap_or_else(|| json!(value)));
        }
        let parts = self.report.as_object().into_iter().flatten();
        // What was found is in the reports, which are files; a job's outputs are short.
        for (name, value) in
            parts.filter(|(name, _)| ["statements", "tag", "verification", "summary"].contains(&name.as_str()))
        {
            let length = |result: &Map<String, Value>| serde_json::to_string(result).map_or(0, |text| text.len());
            if length(&result).saturating_add(value.to_string().len()) < LONGEST_RESULT {
                result.insert(name.clone(), value.clone());
            } else {
                let left_out = result.entry("leftOut").or_insert_with(|| json!([]));
                left_out.as_array_mut().into_iter().for_each(|names| names.push(json!(name)));
            }
        }
        Value::Object(result).to_string()
    }
}
