//! The command line with which somebody else verifies what was signed here.

use std::path::PathBuf;

use clap::ValueEnum as _;
use sealwright_core::PinnedRef;

use super::prove::shell;
use super::signer::Sealer;
use crate::cli::arguments::TrustSource;

/// It names who signed as narrowly as that is known: the workflow and the repository by number, or a key, whose public half
/// lies in `cosign.pub`.
pub fn verify_command(image: &PinnedRef, sealer: &Sealer, trust: &TrustSource) -> String {
    let file = |path: &PathBuf| path.display().to_string();
    let mut flags = sealer.expected();
    flags.extend([
        ("--trusted-root", trust.trusted_root.as_ref().map(file)),
        ("--instance", trust.instance.and_then(|name| Some(name.to_possible_value()?.get_name().to_owned()))),
        ("--tuf", trust.tuf.clone()),
        ("--tuf-root", trust.tuf_root.as_ref().map(file)),
    ]);
    let flags = flags.into_iter().filter_map(|(flag, value)| Some(format!(" {flag} {}", shell(&value?))));
    format!("sealwright verify {}{}", shell(&image.to_string()), flags.collect::<String>())
}
