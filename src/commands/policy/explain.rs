//! `sealwright policy explain`: what enforcing would deny, image by image.

use std::collections::BTreeMap;
use std::path::Path;

use sealwright_admission::explain::{Place, Rules};
use sealwright_admission::render::{Settings, notes};
use tokio::runtime::Handle;

use super::render::{keys, revoked};
use crate::cli::arguments::PolicyExplain;
use crate::cli::output::{ExplainFormat, or_stdout};
use crate::commands::read_input;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::pipeline::builders::builder_anchors;
use crate::pipeline::explain::Explainer;
use crate::pipeline::explain::kubectl::{self, Asked};
use crate::pipeline::explain::pods::{self, Found, MOST_BYTES, Named};
use crate::pipeline::source::Registry;
use crate::pipeline::trust_file;
use crate::pipeline::trust_root::TrustRoots;
use crate::report::console::write_document;
use crate::report::explain::ExplainReport;
use crate::report::progress::ImageProgress;

/// Judges each image and writes the report. What would be denied is no error but exit 4.
///
/// # Errors
/// When the trust file, its keys or the list of Pods cannot be read. A registry that does not answer is a verdict.
pub fn run(arguments: &PolicyExplain, context: &Context, handle: &Handle) -> Result<Exit, Failure> {
    let file = trust_file::find(arguments.policy.as_deref(), context)?
        .ok_or_else(|| Failure::usage("there is no trust file here").hint("name one with --policy FILE"))?;
    let settings = Settings {
        keys: keys(&file, context)?,
        also_allowed: arguments.also_allow.clone(),
        revoked: arguments.revoked.as_deref().map(|path| revoked(path, context)).transpose()?.unwrap_or_default(),
        ..Settings::default()
    };
    let rules = Rules::new(&file.policy, &settings).map_err(|e| Failure::usage(e.to_string()).at(&file.name))?;
    let roots = TrustRoots::new(&arguments.trust, context, handle);
    let builders = builder_anchors(&file, &roots, context)?;
    if context.environment.evidence_repository.is_some() {
        context.console.warn("COSIGN_REPOSITORY is left aside: the policies look for evidence beside the image");
    }
    let found = found(arguments, context)?;
    let client = Registry::new(handle.clone(), context).client(context)?;
    let explainer = Explainer { rules, builders: &builders, client, context };
    let progress = ImageProgress::new(&context.console);
    let explanation = handle.block_on(explainer.explain(&found.images, |done, of| progress.step(done, of)));
    progress.finish();
    let report = ExplainReport {
        rules: file.policy.digest(),
        explanation: &explanation,
        found: &found,
        notes: &notes(&file.policy, &settings),
    };
    for output in or_stdout(&arguments.output, ExplainFormat::Table).iter() {
        let bytes = match output.format {
            ExplainFormat::Table => report.table(context.console.style()).into_bytes(),
            ExplainFormat::Json => report.json(),
            ExplainFormat::Markdown => report.markdown().into_bytes(),
        };
        write_document(&bytes, output.file.as_deref())?;
    }
    Ok(explanation.exit())
}

/// The images that were named, or those of the Pods.
fn found(arguments: &PolicyExplain, context: &Context) -> Result<Found, Failure> {
    if let Some(file) = &arguments.pods {
        let name = if file == Path::new("-") { "stdin".to_owned() } else { file.display().to_string() };
        return pods::read(&read_input(file, MOST_BYTES)?, &name);
    }
    if arguments.from_cluster {
        let asked = Asked {
            context: arguments.context.as_deref(),
            namespace: arguments.namespace.as_deref(),
            timeout: context.timeout,
        };
        return pods::read(&kubectl::pods(&asked, &context.console)?, "what kubectl wrote");
    }
    let named = |reference: String| Named { reference, place: Place::Container, running: None };
    let images = arguments.images.iter().map(|image| (named(image.clone()), BTreeMap::new()));
    Ok(Found { images: images.collect(), ..Found::default() })
}
