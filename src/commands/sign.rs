//! `sealwright sign`: a signature for an image that is in a registry, or for a file.

use std::collections::BTreeMap;
use std::path::Path;

use sealwright_attest::{Subject, annotated_signature};
use sealwright_bundle::predicate_type;
use sealwright_core::bounded::read_file;
use sealwright_core::{Digest, ImageRef};
use sealwright_verify::verify_file;
use tokio::runtime::Handle;

use super::is_same_file;
use crate::cli::arguments;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::pipeline::evidence_files;
use crate::pipeline::github::Delivery;
use crate::pipeline::publish::Written;
use crate::pipeline::signer::{self, Sealer};
use crate::pipeline::target::Target;
use crate::pipeline::trust_root::TrustRoots;
use crate::pipeline::verify_command::verify_command;
use crate::report::console::write_document;
use crate::report::statements;

/// Signs the image, with `--recursive` also what an index names, or writes the bundle where a file is meant.
///
/// # Errors
/// When something cannot be read, signed or attached.
pub fn run(arguments: &arguments::Sign, context: &Context, handle: &Handle) -> Result<(), Failure> {
    let style = context.console.style();
    match (&arguments.reference, &arguments.artifact, &arguments.bundle) {
        (Some(reference), ..) => {
            let (image, command, written) = sign_image(reference, arguments, context, handle)?;
            evidence_files::write(arguments.evidence.folder.as_deref(), &written)?;
            statements::write(("image", &image), Some(&command), &written, &arguments.output, style)
        }
        (None, Some(artifact), Some(bundle)) => {
            if is_same_file(artifact, bundle) {
                return Err(Failure::usage("--bundle names the artifact itself, expected another file"));
            }
            if arguments.signing.push_to_github {
                return Err(Failure::usage(
                    "--push-to-github: a signature over a file is no statement, which the store takes",
                )
                .hint("state something about the file: sealwright attest --artifact FILE --push-to-github"));
            }
            let roots = TrustRoots::new(&arguments.signing.trust, context, handle);
            let sealer = signer::open(&arguments.signing, &roots, context, handle)?;
            let written = sign_file(artifact, bundle, &sealer, context, handle)?;
            statements::write(("bundle", &bundle.display().to_string()), None, &[written], &arguments.output, style)
        }
        _ => Err(Failure::usage("expected an image, or --artifact and --bundle")),
    }
}

fn sign_image(
    reference: &ImageRef,
    arguments: &arguments::Sign,
    context: &Context,
    handle: &Handle,
) -> Result<(String, String, Vec<Written>), Failure> {
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
    let roots = TrustRoots::new(&arguments.signing.trust, context, handle);
    let sealer = signer::open(&arguments.signing, &roots, context, handle)?;
    let delivery = Delivery::plan(arguments.signing.push_to_github, arguments.format, &sealer, context)?;
    let target = Target::find(reference, arguments.recursive, &arguments.ecr, context, handle)?;
    let name = target.image.repository().to_string();
    let written = target.attach((&sealer, delivery.as_ref()), context, handle, arguments.format, |digest| {
        annotated_signature(&Subject { name: &name, digest, source: sealer.source.as_ref() }, &annotations)
    })?;
    let command = verify_command(&target.image, &sealer, &arguments.signing.trust);
    Ok((target.image.to_string(), command, written))
}

/// Signs the file's own bytes, as `cosign sign-blob` does.
fn sign_file(
    artifact: &Path,
    bundle: &Path,
    sealer: &Sealer,
    context: &Context,
    handle: &Handle,
) -> Result<Written, Failure> {
    let content = read_file(artifact, context.limits.artifact)
        .map_err(|e| Failure::usage(format!("{} could not be read: {e}", artifact.display())))?;
    let signed = handle.block_on(sealer.signer.sign_message(&content))?;
    verify_file(&signed, &content, sealer.anchor(), &context.limits)
        .map_err(|e| Failure::new(Exit::NotVerified, format!("what was signed does not verify: {e}")))?;
    write_document(&signed, Some(bundle))?;
    let (subject, predicate_type) = (Digest::of(&content), predicate_type::SIGNATURE.to_owned());
    Ok(Written { subject, predicate_type, new: true, referrer: None, bundle: None, attestation: None })
}
