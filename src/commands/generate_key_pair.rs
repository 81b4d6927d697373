//! `sealwright generate-key-pair`: two files that cosign reads too.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use sealwright_sign::KeySigner;

use crate::cli::arguments;
use crate::context::Context;
use crate::failure::Failure;

/// Writes `PREFIX.key` and `PREFIX.pub`, or neither.
///
/// # Errors
/// Without a password, when a file is there already, or when one cannot be written.
pub fn run(arguments: &arguments::GenerateKeyPair, context: &Context) -> Result<(), Failure> {
    let password = context.environment.key_password.as_ref().ok_or_else(|| {
        Failure::usage("COSIGN_PASSWORD is not set, and the private key is encrypted with it")
            .hint("set it; an empty password is a password too")
    })?;
    let prefix = &arguments.output_key_prefix;
    let (private, public) = (format!("{prefix}.key"), format!("{prefix}.pub"));
    for file in [&private, &public] {
        if Path::new(file).exists() {
            return Err(Failure::usage(format!("{file} is there already, and keys are never replaced"))
                .hint("name other files with --output-key-prefix"));
        }
    }
    let (signer, pem) = KeySigner::generate_encrypted(password)?;
    write_new(&private, &pem, 0o600)?;
    write_new(&public, &signer.public_pem(), 0o644).inspect_err(|_| {
        // A private key without its public half would be in the way of the next attempt.
        let _ = std::fs::remove_file(&private);
    })?;
    context.console.note(&format!("wrote {private} and {public} ({})", signer.fingerprint().short()));
    Ok(())
}

/// What could be written of a file only in part would be in the way of the next attempt.
fn write_new(file: &str, text: &str, mode: u32) -> Result<(), Failure> {
    let fail = |e: std::io::Error| Failure::usage(format!("{file} could not be written: {e}"));
    let mut opened = OpenOptions::new().write(true).create_new(true).mode(mode).open(file).map_err(fail)?;
    opened.write_all(text.as_bytes()).map_err(|error| {
        let _ = std::fs::remove_file(file);
        fail(error)
    })
}
