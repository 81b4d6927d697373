//! `sealwright report`: what was found, what is in an image and where it is kept, told to GitHub.

use std::path::Path;
use std::time::Duration;

use sealwright_core::{ImageRef, PinnedRef};
use sealwright_github::{Commit, GitHubError, Processing, Snapshot, StorageRecord, Store, Submitted, Upload};
use sealwright_sbom::{Stated, stated};
use serde_json::{Value, json};
use tokio::runtime::Handle;

use crate::cli::arguments;
use crate::cli::output::{ReportFormat, or_stdout};
use crate::context::{Context, RunVariables};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::pipeline::github;
use crate::pipeline::github_run::Run;
use crate::report::console::{Style, write_document};

/// How long code scanning may take to read a file before the run goes on without knowing.
const PATIENCE: Duration = Duration::from_secs(120);

/// Reads everything, then sends everything: what GitHub does not take of one kind keeps nothing back of another.
///
/// # Errors
/// When a file cannot be read, or GitHub does not take all.
pub fn run(arguments: &arguments::Report, context: &Context, handle: &Handle) -> Result<(), Failure> {
    let run = Run::of(context)?;
    let plan = Plan::of(arguments, &run, context)?;
    if context.environment.github_token.is_none() {
        return Err(GitHubError::NoToken.into());
    }
    let store = github::open(context)?;
    let told = handle.block_on(plan.send(&store, &run, context));
    for output in or_stdout(&arguments.output, ReportFormat::Text).iter() {
        let report = match output.format {
            ReportFormat::Text => text(&told.done, context.console.style()),
            ReportFormat::Json => format!("{:#}\n", as_json(&told.done, &run)),
        };
        write_document(report.as_bytes(), output.file.as_deref())?;
    }
    let mut failures = told.failures.into_iter();
    let Some(first) = failures.next() else { return Ok(()) };
    failures.for_each(|failure| context.console.fail(&failure));
    Err(first)
}

/// What will be sent.
struct Plan {
    sarif: Vec<(String, Upload, Commit)>,
    dependencies: Option<(String, Stated, Commit)>,
    storage_record: Option<(PinnedRef, Option<String>)>,
}

impl Plan {
    fn of(arguments: &arguments::Report, run: &Run, context: &Context) -> Result<Self, Failure> {
        let sarif = arguments.sarif.iter().map(|path| {
            let bytes = super::read_input(path, context.limits.evidence)?;
            let upload = Upload::new(&bytes).map_err(|e| Failure::from(e).at(path.display()))?;
            Ok((path.display().to_string(), upload, run.commit(context)?))
        });
        let dependencies = arguments.dependencies.as_deref().map(|path| {
            let bytes = super::read_input(path, context.limits.evidence)?;
            let stated = stated(&bytes, &context.limits).map_err(|e| Failure::from(e).at(path.display()))?;
            Ok::<_, Failure>((image(&stated, path), stated, run.head(context)?))
        });
        Ok(Self {
            sarif: sarif.collect::<Result<_, Failure>>()?,
            dependencies: dependencies.transpose()?,
            storage_record: arguments.storage_record.as_ref().map(pinned).transpose()?,
        })
    }

    async fn send(&self, store: &Store, run: &Run, context: &Context) -> Told {
        let mut told = Told::default();
        for (file, upload, commit) in &self.sarif {
            told.add(sarif(store, run, (file, upload, commit)).await, run);
        }
        if let Some((image, stated, commit)) = &self.dependencies {
            told.add(dependencies(store, run, (image, stated, commit), context).await, run);
        }
        if let Some((image, version)) = &self.storage_record {
            let record = StorageRecord { image, version: version.as_deref() };
            let sent = store.record_storage(&run.repository, &record).await;
            told.add(sent.map(|records| Done::StorageRecord { image: image.to_string(), records }), run);
        }
        told
    }
}

/// What an SBOM is about; without that its file.
fn image(stated: &Stated, path: &Path) -> String {
    let file = || path.file_name().map(|name| name.to_string_lossy().into_owned());
    stated.subject.as_ref().map(|subject| subject.raw().to_owned()).or_else(file).unwrap_or_else(|| "image".to_owned())
}

fn pinned(reference: &ImageRef) -> Result<(PinnedRef, Option<String>), Failure> {
    let digest = reference.digest.ok_or_else(|| {
        Failure::usage(format!("--storage-record names {reference} without its digest, expected REF@DIGEST"))
    })?;
    Ok((reference.repository.pinned(digest), reference.tag.clone()))
}

/// What GitHub has now.
#[derive(Debug)]
enum Done {
    Sarif { file: String, id: String, results: usize, processing: Processing },
    Dependencies { image: String, correlator: String, submitted: Submitted },
    StorageRecord { image: String, records: u64 },
}

#[derive(Default)]
struct Told {
    done: Vec<Done>,
    failures: Vec<Failure>,
}

impl Told {
    fn add(&mut self, sent: Result<Done, GitHubError>, run: &Run) {
        match sent {
            Ok(done) => self.done.push(done),
            // No line of a workflow helps there, and GitHub's own words do not say so.
            Err(error) if error.is_forbidden() && run.is_of_fork() => self.failures.push(
                Failure::new(Exit::Unavailable, format!("{error}\n  this run is of a fork's pull request, whose token may only read"))
                    .hint("the log and the summary of this run say what was found; report it from a run of the repository itself, on push after the merge"),
            ),
            Err(error) => self.failures.push(error.into()),
        }
    }
}

async fn sarif(
    store: &Store,
    run: &Run,
    (file, upload, commit): (&str, &Upload, &Commit),
) -> Result<Done, GitHubError> {
    let id = store.upload_sarif(&run.repository, commit, upload).await?;
    let processing = store.wait_for_sarif(&run.repository, &id, PATIENCE).await?;
    Ok(Done::Sarif { file: file.to_owned(), id, results: upload.results, processing })
}

async fn dependencies(
    store: &Store,
    run: &Run,
    (image, stated, commit): (&str, &Stated, &Commit),
    context: &Context,
) -> Result<Done, GitHubError> {
    let RunVariables { workflow, job, id, server, .. } = &context.environment.actions.run;
    let named = [workflow.as_deref(), job.as_deref(), Some(image)];
    let correlator = named.into_iter().flatten().collect::<Vec<_>>().join(" ");
    let url = server.as_ref().zip(id.as_ref());
    let url = url.map(|(server, id)| format!("{server}/{}/actions/runs/{id}", run.repository));
    let snapshot = Snapshot {
        commit,
        run: id.as_deref().unwrap_or("0"),
        run_url: url.as_deref(),
        correlator: &correlator,
        image,
        packages: &stated.packages,
        time: context.now,
        detector: (env!("CARGO_PKG_VERSION"), env!("CARGO_PKG_REPOSITORY")),
    };
    let mut submitted = store.submit_snapshot(&run.repository, &snapshot).await?;
    submitted.dropped += stated.unusable;
    Ok(Done::Dependencies { image: image.to_owned(), correlator, submitted })
}

fn text(done: &[Done], style: Style) -> String {
    let line = |one: &Done| match one {
        Done::Sarif { file, results, processing, .. } => {
            let state = match processing {
                Processing::Complete => "code scanning has them",
                Processing::Pending => "taken by code scanning, which has not read them yet",
            };
            format!("{} {results} results of {file}: {state}\n", style.good("reported"))
        }
        Done::Dependencies { image, submitted, .. } => {
            let dropped = match submitted.dropped {
                0 => String::new(),
                dropped => format!(", {dropped} without a usable package URL were left out"),
            };
            let image = sealwright_core::Untrusted::from(image.as_str());
            format!("{} {} packages of {image}{dropped}\n", style.good("reported"), submitted.packages)
        }
        Done::StorageRecord { image, .. } => format!("{} {image} is kept there\n", style.good("recorded")),
    };
    done.iter().map(line).collect()
}

fn as_json(done: &[Done], run: &Run) -> Value {
    let object = |one: &Done| match one {
        Done::Sarif { file, id, results, processing } => {
            let state = if *processing == Processing::Complete { "complete" } else { "pending" };
            json!({ "kind": "sarif", "file": file, "id": id, "results": results, "state": state })
        }
        Done::Dependencies { image, correlator, submitted } => json!({
            "kind": "dependencies", "image": image, "correlator": correlator, "id": submitted.id,
            "packages": submitted.packages, "dropped": submitted.dropped,
        }),
        Done::StorageRecord { image, records } => {
            json!({ "kind": "storageRecord", "image": image, "records": records })
        }
    };
    let reported: Vec<Value> = done.iter().map(object).collect();
    json!({ "schema": 1, "repository": run.repository.to_string(), "reported": reported })
}
