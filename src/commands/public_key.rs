//! `sealwright public-key`: the public half of a key, wherever the private one lies.

use tokio::runtime::Handle;

use crate::cli::arguments;
use crate::context::Context;
use crate::failure::Failure;
use crate::pipeline::signer;
use crate::report::console::write_document;

/// Writes it as PEM.
///
/// # Errors
/// When the key cannot be opened, or the file not be written.
pub fn run(arguments: &arguments::PublicKey, context: &Context, handle: &Handle) -> Result<(), Failure> {
    let name = arguments.identity.key.as_ref().ok_or_else(|| Failure::usage("expected --key FILE|URI"))?;
    let key = signer::read_key(name, &arguments.identity, context, handle)?;
    write_document(key.public_pem().as_bytes(), arguments.outfile.as_deref())
}
