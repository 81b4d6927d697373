//! `sealwright sbom`: what is in an image.

use std::path::{Path, PathBuf};

use sealwright_core::{Inventory, Platform};
use sealwright_sbom::{CycloneDx, Subject};
use sealwright_source::Transport;
use tokio::runtime::Handle;

use crate::cli::arguments;
use crate::cli::output::{SbomFormat, or_stdout};
use crate::context::Context;
use crate::failure::Failure;
use crate::pipeline::inventory::inventory;
use crate::pipeline::source::{Registry, open, wanted_platform};
use crate::report::columns::columns;
use crate::report::console::{Style, write_document};

/// Reads the image once and writes every document that was asked for.
///
/// # Errors
/// When the image cannot be read or a document cannot be written.
pub fn run(arguments: &arguments::Sbom, context: &Context, handle: &Handle) -> Result<(), Failure> {
    if let Transport::Sbom { .. } = arguments.source {
        return Err(Failure::usage("sbom: is a document already, expected an image").hint("`scan` reads sbom:FILE"));
    }
    let registry = Registry::new(handle.clone(), context);
    let opened = open(&arguments.source, &wanted_platform(arguments.platform.as_ref()), context, &registry)?;
    let image = opened.image.images.first().ok_or_else(|| Failure::usage("the image has no platform that runs"))?;
    let found = inventory(opened.source.as_blobs(), image, &[], context)?;
    for finding in &found.findings {
        context.console.warn(&crate::report::decision::line(finding));
    }
    let subject = Subject {
        name: &opened.name,
        digest: image.descriptor.digest,
        platform: Some(&image.platform),
        created: context.document_time(image.config.created.as_deref())?,
        tool_version: env!("CARGO_PKG_VERSION"),
    };
    for output in or_stdout(&arguments.output, SbomFormat::Table).iter() {
        let bytes = document(output.format, &found, &subject, context.console.style());
        let file = output.file.as_deref().map(|file| for_platform(file, &image.platform));
        write_document(&bytes, file.as_deref())?;
    }
    Ok(())
}

fn document(format: SbomFormat, inventory: &Inventory, subject: &Subject<'_>, style: Style) -> Vec<u8> {
    match format {
        SbomFormat::Table => table(inventory, style).into_bytes(),
        SbomFormat::CycloneDx15 => sealwright_sbom::cyclonedx(inventory, subject, CycloneDx::V1_5),
        SbomFormat::CycloneDx16 => sealwright_sbom::cyclonedx(inventory, subject, CycloneDx::V1_6),
        SbomFormat::CycloneDx17 => sealwright_sbom::cyclonedx(inventory, subject, CycloneDx::V1_7),
        SbomFormat::Spdx => sealwright_sbom::spdx(inventory, subject),
        SbomFormat::Native => sealwright_sbom::native(inventory, subject),
    }
}

/// `{platform}` in a file name becomes `linux-amd64`.
pub fn for_platform(file: &Path, platform: &Platform) -> PathBuf {
    let word = platform.to_string().replace('/', "-");
    PathBuf::from(file.to_string_lossy().replace("{platform}", &word))
}

fn table(inventory: &Inventory, style: Style) -> String {
    let mut rows = vec![["name", "version", "kind", "location"].map(str::to_owned).to_vec()];
    rows.extend(inventory.packages.iter().map(|package| {
        vec![
            package.name.to_string(),
            package.version.to_string(),
            package.kind.word().to_owned(),
            format!("/{}", package.location.path),
        ]
    }));
    let count = match inventory.packages.len() {
        1 => "1 package".to_owned(),
        n => format!("{n} packages"),
    };
    let system = inventory.distribution.as_ref().map(|d| d.pretty_name.as_ref().unwrap_or(&d.id).to_string());
    let place = system.unwrap_or_else(|| "no operating system named".to_owned());
    format!("{}\n{count}, {place}\n", columns(&rows, style, |_, _, padded| padded))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_platform_in_a_file_name_has_no_slashes() {
        let platform = "linux/arm/v7".parse().expect("platform");
        assert_eq!(for_platform(Path::new("out/{platform}.json"), &platform), Path::new("out/linux-arm-v7.json"));
    }
}
