//! `sealwright scan`: what is wrong with an image, or with the image that an SBOM describes.

use sealwright_advisory::AdvisorySource as _;
use sealwright_core::{Decision, Digest, Inventory, Platform};
use sealwright_gate::{Evidence, Judgment, judge};
use sealwright_policy::{GateRules, PathPattern};
use sealwright_source::Transport;
use tokio::runtime::Handle;

use crate::cli::arguments;
use crate::cli::output::{ScanFormat, or_stdout};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::pipeline::inventory::inventory;
use crate::pipeline::scan::{open_store, scan};
use crate::pipeline::source::{Registry, open, wanted_platform};
use crate::pipeline::trust_file;
use crate::report::console::write_document;
use crate::report::judged::{Judged, Places};
use crate::report::sarif::Analysis;
use crate::report::scan::ScanReport;
use crate::report::{annotations, summary};

/// Reads, matches, judges if there is a rule, and reports.
///
/// # Errors
/// When the source or the advisories cannot be read.
pub fn run(arguments: &arguments::Scan, context: &Context, handle: &Handle) -> Result<Exit, Failure> {
    let rules = rules(arguments, context)?;
    let store = open_store(&context.store_directory(arguments.rules.db.as_ref())?, context)?;
    let denied = rules.as_ref().map_or(&[][..], |rules| &rules.contents_deny);
    let read = read_inventory(&arguments.source, arguments.platform.as_ref(), denied, context, handle)?;
    let scanned = scan(&read.inventory, &store)?;
    let decision = rules.as_ref().map(|rules| {
        let evidence = Evidence { subject: read.digest, findings: scanned.findings.clone(), ages: &scanned.ages };
        decision(judge(evidence, rules, context.now))
    });
    context.console.note(&ScanReport::data_line(store.snapshot(), &scanned.ages));
    let report = ScanReport {
        schema: ScanReport::SCHEMA,
        source: &read.name,
        digest: read.digest,
        scanned: context.now,
        snapshot: store.snapshot().digest(),
        newest: ScanReport::newest(&scanned.ages),
        findings: &scanned.findings,
        decision: decision.as_ref(),
    };
    let places = Places::of(&read.inventory);
    let judged = Judged::new(read.platform.as_ref(), read.digest, &scanned.findings, decision.as_ref(), &places);
    for output in or_stdout(&arguments.output, ScanFormat::Table).iter() {
        let bytes = match output.format {
            ScanFormat::Table => report.table(context.console.style()).into_bytes(),
            ScanFormat::Json => report.json(),
            ScanFormat::Sarif => sarif(&read.image, &judged, context),
            ScanFormat::Markdown => summary::scan(&report, &judged, summary::STEP).into_bytes(),
            ScanFormat::Comment => summary::scan(&report, &judged, summary::COMMENT).into_bytes(),
            ScanFormat::Annotations => annotations::text(std::slice::from_ref(&judged)).into_bytes(),
        };
        let platform = read.platform.as_ref();
        let file = output.file.as_deref().map(|f| platform.map_or(f.into(), |p| super::sbom::for_platform(f, p)));
        write_document(&bytes, file.as_deref())?;
    }
    Ok(if report.refused() { Exit::Refused } else { Exit::Passed })
}

fn sarif(image: &str, judged: &Judged<'_>, context: &Context) -> Vec<u8> {
    let analysis = Analysis { image, time: context.now, judged: std::slice::from_ref(judged) };
    let document = analysis.document();
    document.left_out.iter().for_each(|line| context.console.warn(line));
    document.bytes
}

fn decision(judgment: Judgment) -> Decision {
    match judgment {
        Judgment::Cleared(cleared) => cleared.decision().clone(),
        Judgment::Refused(decision) => decision,
    }
}

/// The flags, else the trust file's gate, else no rule at all.
fn rules(arguments: &arguments::Scan, context: &Context) -> Result<Option<GateRules>, Failure> {
    if let Some(severity) = arguments.fail_on {
        return Ok(Some(GateRules::fail_on(severity, arguments.only_fixed)));
    }
    let found = trust_file::find(arguments.rules.policy.as_deref(), context)?;
    if let Some(found) = &found {
        context.console.note(&format!("rules of {} ({})", found.name, found.policy.digest().short()));
    }
    Ok(found.map(|found| found.policy.gate))
}

/// An inventory and where it came from.
pub struct Read {
    /// What is in the image.
    pub inventory: Inventory,
    /// The image's digest; of an SBOM the document's.
    pub digest: Digest,
    /// The source as a person named it.
    pub name: String,
    /// The same without what changes from one build to the next: a tag, a digest.
    pub image: String,
    /// The platform; an SBOM names none.
    pub platform: Option<Platform>,
}

/// The inventory of an image, or the one that an SBOM states.
///
/// # Errors
/// When it cannot be read.
pub fn read_inventory(
    source: &Transport,
    platform: Option<&Platform>,
    denied: &[PathPattern],
    context: &Context,
    handle: &Handle,
) -> Result<Read, Failure> {
    if let Transport::Sbom { file } = source {
        let bytes = super::read_input(file, context.limits.evidence)?;
        let read = sealwright_sbom::read(&bytes, &context.limits).map_err(|e| Failure::from(e).at(source))?;
        let name = source.to_string();
        let digest = Digest::of(&bytes);
        return Ok(Read { inventory: read, digest, image: name.clone(), name, platform: None });
    }
    let registry = Registry::new(handle.clone(), context);
    let opened = open(source, &wanted_platform(platform), context, &registry)?;
    let image = opened.image.images.first().ok_or_else(|| Failure::usage("the image has no platform that runs"))?;
    let found = inventory(opened.source.as_blobs(), image, denied, context)?;
    Ok(Read {
        inventory: found,
        digest: image.descriptor.digest,
        image: untagged(source),
        name: opened.name,
        platform: Some(image.platform.clone()),
    })
}

/// What stays the same of a source from one build to the next.
pub fn untagged(source: &Transport) -> String {
    match source {
        Transport::Registry(reference) => reference.repository.to_string(),
        Transport::OciLayout { dir, .. } => format!("oci:{}", dir.display()),
        Transport::OciArchive { file, .. } => format!("oci-archive:{}", file.display()),
        Transport::DockerArchive { file, .. } => format!("docker-archive:{}", file.display()),
        // The engine's names are references, of which a short one need not be on Docker Hub.
        Transport::DockerDaemon { name } => {
            let named = name.split('@').next().unwrap_or_default();
            let untagged = named.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')).map_or(named, |(name, _)| name);
            format!("docker-daemon:{untagged}")
        }
        Transport::Sbom { .. } => source.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_from_build_to_build_is_not_in_the_name_of_an_image() {
        let digest = "0".repeat(64);
        for (source, name) in [
            ("registry.example:5000/shop/app:v1", "registry.example:5000/shop/app".to_owned()),
            (&format!("registry.example/shop/app@sha256:{digest}"), "registry.example/shop/app".to_owned()),
            ("oci:build/image:v1", "oci:build/image".to_owned()),
            ("docker-archive:app.tar:acme/app:v1", "docker-archive:app.tar".to_owned()),
            ("docker-daemon:localhost:5000/acme/app:v1", "docker-daemon:localhost:5000/acme/app".to_owned()),
            ("docker-daemon:localhost:5000/acme/app", "docker-daemon:localhost:5000/acme/app".to_owned()),
            ("sbom:app.cdx.json", "sbom:app.cdx.json".to_owned()),
        ] {
            assert_eq!(untagged(&source.parse().expect(source)), name);
        }
    }
}
