//! The key that would sign: whether it can be had, by reading its public half.

use tokio::runtime::Handle;

use super::row::Row;
use crate::cli::arguments::Doctor;
use crate::context::Context;
use crate::pipeline::signer;

pub(super) fn key(arguments: &Doctor, context: &Context, handle: &Handle) -> Row {
    const NAME: &str = "key";
    let identity = &arguments.plan.signing.identity;
    let Some(key) = &identity.key else {
        return Row::not_checked(NAME, "no --key names one: a certificate is signed with");
    };
    match signer::read_key(key, identity, context, handle) {
        Ok(_) => Row::ok(NAME, format!("{key} is there, and its public half was read")),
        Err(failure) => Row::failure(NAME, &failure),
    }
}
