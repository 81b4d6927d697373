//! `sealwright sign`: a signature for an image that is in a registry.

use std::collections::BTreeMap;

use sealwright_attest::{Subject, annotated_signature};
use tokio::runtime::Handle;

use crate::cli::arguments;
use crate::context::Context;
use crate::failure::Failure;
use crate::pipeline::signer;
use crate::pipeline::target::Target;
use crate::report::statements;

/// Signs the image, and with `--recursive` what an index names.
///
/// # Errors
/// When something cannot be read, signed or attached.
pub fn run(arguments: &arguments::Sign, context: &Context, handle: &Handle) -> Result<(), Failure> {
    let mut annotations = BTreeMap::new();
    for (key, value) in &arguments.annotations {
        if annotations.insert(key.clone(), value.clone()).is_some() {
            return Err(Failure::usage(format!("annotation {key} is given twice, expected each key once")));
        }
    }
    if let Some(reserved) = annotations.keys().find(|key| key.starts_with("dev.sealwright.")) {
        return Err(Failure::usage(format!(
            "annotation {reserved} is reserved: only what the signer proved stands there"
        )));
    }
    let sealer = signer::open(&arguments.signing, context, handle)?;
    let target = Target::find(&arguments.reference, arguments.recursive, context, handle)?;
    let name = target.image.repository().to_string();
    let written = target.attach(&sealer, context, handle, |digest| {
        annotated_signature(&Subject { name: &name, digest, source: sealer.source.as_ref() }, &annotations)
    })?;
    statements::write(("image", &target.image.to_string()), &written, &arguments.output, context.console.style())
}
