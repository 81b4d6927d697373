//! A key of Vault or OpenBao: the variables that their own clients read say where, the flags how one gets in.

use sealwright_core::Redacted;
use sealwright_core::bounded::read_file;
use sealwright_sign::{VaultAccess, VaultKey, VaultLogin};
use tokio::runtime::Handle;

use super::token::{self, Found};
use crate::cli::arguments::Identity;
use crate::cli::key_ref::Dialect;
use crate::context::{Context, VaultVariables};
use crate::failure::Failure;

/// Logs in and reads the public key.
///
/// # Errors
/// When it is not said where Vault is or who asks, or Vault does not give the key.
pub fn open(
    dialect: Dialect,
    name: &str,
    identity: &Identity,
    context: &Context,
    handle: &Handle,
) -> Result<VaultKey, Failure> {
    let variables = match dialect {
        Dialect::Vault => context.environment.vault.clone(),
        Dialect::OpenBao => context.environment.openbao.clone().or(&context.environment.vault),
    };
    let prefix = match dialect {
        Dialect::Vault => "VAULT",
        Dialect::OpenBao => "BAO",
    };
    let address = variables.address.clone().ok_or_else(|| {
        Failure::usage(format!("{prefix}_ADDR is not set")).hint("set it to the server's address, https://HOST:8200")
    })?;
    let authorities = variables.ca_file.as_ref().map(|file| {
        read_file(file, context.limits.configuration)
            .map_err(|e| Failure::usage(format!("CA file {} could not be read: {e}", file.display())))
    });
    let access = VaultAccess {
        address,
        namespace: variables.namespace.clone(),
        mount: context.environment.transit_mount.clone().unwrap_or_else(|| "transit".to_owned()),
        authorities: authorities.transpose()?,
        login: login(&variables, prefix, identity, context, handle)?,
    };
    Ok(handle.block_on(VaultKey::open(access, name, identity.vault.key_version, context.timeout))?)
}

fn login(
    variables: &VaultVariables,
    prefix: &str,
    identity: &Identity,
    context: &Context,
    handle: &Handle,
) -> Result<VaultLogin, Failure> {
    let flags = &identity.vault;
    if let Some(role) = &flags.role {
        let token = workload_token(identity, context, handle)?;
        let path = flags.auth.clone().unwrap_or_else(|| "jwt".to_owned());
        return Ok(VaultLogin::Jwt { path, role: role.clone(), token });
    }
    if let Some(token) = &variables.token {
        return Ok(VaultLogin::Token(token.clone()));
    }
    if let (Some(role_id), Some(secret_id)) = (&variables.role_id, &variables.secret_id) {
        let path = flags.auth.clone().unwrap_or_else(|| "approle".to_owned());
        return Ok(VaultLogin::AppRole { path, role_id: role_id.clone(), secret_id: secret_id.clone() });
    }
    let file = context.environment.home.as_ref().map(|home| home.join(".vault-token"));
    let token = file.and_then(|file| read_file(&file, context.limits.configuration).ok());
    match token.and_then(|token| String::from_utf8(token).ok()) {
        Some(token) => Ok(VaultLogin::Token(Redacted::new(token))),
        None => Err(Failure::usage("it is not said who asks Vault").hint(format!(
            "name --vault-role for the workload's own identity, or set {prefix}_TOKEN, or {prefix}_ROLE_ID and {prefix}_SECRET_ID"
        ))),
    }
}

/// The identity token of the workload, for Vault's eyes.
fn workload_token(identity: &Identity, context: &Context, handle: &Handle) -> Result<Redacted<String>, Failure> {
    match token::find(identity, &identity.vault.audience, context)? {
        Found::Token(token) => Ok(token),
        Found::Endpoint(endpoint) => Ok(handle.block_on(endpoint.request())?),
        Found::Person => Err(Failure::usage("--vault-role needs the workload's identity token")
            .hint("name a file with --identity-token, or give the job `permissions: id-token: write`")),
    }
}
