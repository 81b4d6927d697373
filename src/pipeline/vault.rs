//! A key of Vault or OpenBao, and what they say of a role: the variables that their own clients read say where, the flags how one gets in.

use sealwright_core::Redacted;
use sealwright_core::bounded::read_file;
use sealwright_sign::{SignError, VaultAccess, VaultKey, VaultLogin, vault_role};
use serde_json::Value;
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
    let asked = Asked::of(dialect, context);
    let access = asked.access(context, || login(&asked, identity, context, handle))?;
    Ok(handle.block_on(VaultKey::open(access, name, identity.vault.key_version, context.timeout))?)
}

/// What Vault says of a role.
pub enum Shown {
    /// The role.
    Role(Value),
    /// There is none of that name.
    Missing,
    /// Whoever asks may not read it.
    Denied(String),
    /// Nobody who could read it was found.
    NotAsked(String),
}

/// A role of the auth method at `method`, as whoever holds a token sees it. The workload itself is not asked: what it is given for
/// signing reads no roles.
///
/// # Errors
/// When Vault does not answer, or its address cannot be used.
pub fn role(dialect: Dialect, method: &str, name: &str, context: &Context, handle: &Handle) -> Result<Shown, Failure> {
    let asked = Asked::of(dialect, context);
    let prefix = asked.prefix;
    if asked.variables.address.is_none() {
        return Ok(Shown::NotAsked(format!("{prefix}_ADDR is not set")));
    }
    let Some(token) = asked.token(context) else {
        return Ok(Shown::NotAsked(format!("{prefix}_TOKEN is not set, and a token that may read it is needed")));
    };
    let access = asked.access(context, || Ok(VaultLogin::Token(token)))?;
    match handle.block_on(vault_role(access, method, name, context.timeout)) {
        Ok(Some(role)) => Ok(Shown::Role(role)),
        Ok(None) => Ok(Shown::Missing),
        Err(denied @ SignError::VaultDenied(_)) => Ok(Shown::Denied(denied.to_string())),
        Err(error) => Err(error.into()),
    }
}

/// The variables that count.
struct Asked {
    variables: VaultVariables,
    prefix: &'static str,
}

impl Asked {
    fn of(dialect: Dialect, context: &Context) -> Self {
        let environment = &context.environment;
        match dialect {
            Dialect::Vault => Self { variables: environment.vault.clone(), prefix: "VAULT" },
            Dialect::OpenBao => Self { variables: environment.openbao.clone().or(&environment.vault), prefix: "BAO" },
        }
    }

    fn access(
        &self,
        context: &Context,
        login: impl FnOnce() -> Result<VaultLogin, Failure>,
    ) -> Result<VaultAccess, Failure> {
        let variables = &self.variables;
        let address = variables.address.clone().ok_or_else(|| {
            Failure::usage(format!("{}_ADDR is not set", self.prefix))
                .hint("set it to the server's address, https://HOST:8200")
        })?;
        let authorities = variables.ca_file.as_ref().map(|file| {
            read_file(file, context.limits.configuration)
                .map_err(|e| Failure::usage(format!("CA file {} could not be read: {e}", file.display())))
        });
        Ok(VaultAccess {
            address,
            namespace: variables.namespace.clone(),
            mount: context.environment.transit_mount.clone().unwrap_or_else(|| "transit".to_owned()),
            authorities: authorities.transpose()?,
            login: login()?,
        })
    }

    /// That of the environment, else what `vault login` left behind.
    fn token(&self, context: &Context) -> Option<Redacted<String>> {
        if let Some(token) = &self.variables.token {
            return Some(token.clone());
        }
        let file = context.environment.home.as_ref()?.join(".vault-token");
        let token = read_file(&file, context.limits.configuration).ok()?;
        String::from_utf8(token).ok().map(Redacted::new)
    }
}

fn login(asked: &Asked, identity: &Identity, context: &Context, handle: &Handle) -> Result<VaultLogin, Failure> {
    let (flags, variables, prefix) = (&identity.vault, &asked.variables, asked.prefix);
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
    match asked.token(context) {
        Some(token) => Ok(VaultLogin::Token(token)),
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
