//! `sealwright db`: the advisory store.

use sealwright_advisory::AdvisorySource as _;
use sealwright_core::{Inventory, Platform};
use sealwright_feed::{Backwards, ImportReport, Store, UpdateOptions};
use sealwright_oci::Wanted;
use sealwright_source::Transport;
use tokio::runtime::Handle;

use crate::cli::arguments::{Db, DbImport, DbStatus, DbUpdate};
use crate::context::Context;
use crate::failure::Failure;
use crate::pipeline::inventory::inventory;
use crate::pipeline::scan::open_store;
use crate::pipeline::source::{Registry, open};
use crate::report::columns::columns;
use crate::report::console::write_document;

/// Runs one of the three.
///
/// # Errors
/// When data cannot be fetched, is broken, or is older than what is there.
pub fn run(arguments: &Db, context: &Context, handle: &Handle) -> Result<(), Failure> {
    match arguments {
        Db::Import(arguments) => import(arguments, context),
        Db::Update(arguments) => update(arguments, context, handle),
        Db::Status(arguments) => status(arguments, context),
    }
}

fn import(arguments: &DbImport, context: &Context) -> Result<(), Failure> {
    let directory = context.store_directory(arguments.db.as_ref())?;
    let backwards = backwards(arguments.accept_older);
    let report = sealwright_feed::import(&arguments.paths, &directory, &context.limits, context.now, backwards)?;
    tell(&report, context);
    Ok(())
}

fn update(arguments: &DbUpdate, context: &Context, handle: &Handle) -> Result<(), Failure> {
    let directory = context.store_directory(arguments.db.as_ref())?;
    let mut ecosystems = arguments.ecosystem.clone();
    if let Some(source) = &arguments.source {
        for inventory in inventories(source, arguments.platform.as_ref(), context, handle)? {
            ecosystems.extend(sealwright_match::ecosystems_needed(&inventory));
        }
    }
    ecosystems.sort();
    ecosystems.dedup();
    let base_url = arguments.from.clone().unwrap_or_else(|| sealwright_feed::PUBLIC_OSV_EXPORT.to_owned());
    let kev_url = match arguments.kev_from.as_deref() {
        Some("none") => None,
        Some(url) => Some(url.to_owned()),
        None => Some(sealwright_feed::PUBLIC_KEV_CATALOG.to_owned()),
    };
    if ecosystems.is_empty() {
        // The store is made all the same: whoever scans the image next asks it.
        context.console.note("the image needs no advisories: it holds no package of an ecosystem that is known here");
    } else {
        context.console.note(&format!("fetching {} from {base_url}", ecosystems.join(", ")));
    }
    let options = UpdateOptions {
        base_url,
        ecosystems,
        kev_url,
        timeout: context.timeout,
        backwards: backwards(arguments.accept_older),
    };
    let report = handle.block_on(sealwright_feed::update(&options, &directory, &context.limits, context.now))?;
    tell(&report, context);
    Ok(())
}

/// What is in every platform's image, because `seal` judges all of them, or in the one that is named.
fn inventories(
    source: &Transport,
    platform: Option<&Platform>,
    context: &Context,
    handle: &Handle,
) -> Result<Vec<Inventory>, Failure> {
    if let Transport::Sbom { .. } = source {
        return Ok(vec![super::scan::read_inventory(source, platform, &[], context, handle)?.inventory]);
    }
    let wanted = platform.cloned().map_or(Wanted::All, Wanted::One);
    let opened = open(source, &wanted, context, &Registry::new(handle.clone(), context))?;
    opened.image.images.iter().map(|image| inventory(opened.source.as_blobs(), image, &[], context)).collect()
}

fn backwards(accept: bool) -> Backwards {
    if accept { Backwards::Accept } else { Backwards::Refuse }
}

fn tell(report: &ImportReport, context: &Context) {
    for line in report.lines() {
        context.console.note(&line);
    }
}

fn status(arguments: &DbStatus, context: &Context) -> Result<(), Failure> {
    let directory = context.store_directory(arguments.db.as_ref())?;
    let store: Store = open_store(&directory, context)?;
    let snapshot = store.snapshot();
    let mut rows = vec![["source", "records", "newest", "digest"].map(str::to_owned).to_vec()];
    rows.extend(snapshot.ecosystems.iter().map(|(name, info)| {
        let newest = info.newest.map_or_else(|| "-".to_owned(), |t| t.strftime("%Y-%m-%d").to_string());
        vec![name.clone(), info.records.to_string(), newest, info.digest.short()]
    }));
    if let Some(kev) = &snapshot.kev {
        rows.push(vec!["KEV".into(), kev.records.to_string(), "-".into(), kev.digest.short()]);
    }
    let table = columns(&rows, context.console.style(), |_, _, padded| padded);
    let text = format!("{table}\nsnapshot {}\n{}\n", snapshot.digest(), directory.display());
    write_document(text.as_bytes(), None)
}
