//! `sealwright login`: a login in Docker's configuration, for every program that reads it.

use std::path::Path;

use sealwright_core::{Redacted, Repository};
use sealwright_ecr::Host;
use sealwright_registry::{check_helper, store_login};
use tokio::runtime::Handle;

use super::read_input;
use crate::cli::arguments;
use crate::context::Context;
use crate::failure::Failure;
use crate::pipeline::ecr::Ecr;

/// Gets a login from AWS, or takes it as it is, and writes it.
///
/// # Errors
/// When the registry has a credential helper, there is no login, or it cannot be written.
pub fn run(arguments: &arguments::Login, context: &Context, handle: &Handle) -> Result<(), Failure> {
    let registry = host(&arguments.registry)?;
    let folder = context.environment.docker_folder().ok_or_else(|| {
        Failure::usage("there is no folder for the Docker configuration: neither DOCKER_CONFIG nor HOME is set")
    })?;
    // Before anyone is asked for a secret that has no place.
    check_helper(&folder, &registry)?;
    let (user, password) = match (Host::of(&registry), &arguments.username) {
        (Some(host), None) => {
            let ecr = Ecr::new(arguments.ecr.role.as_ref(), &[], context)?;
            handle.block_on(ecr.registry_login(&registry, &host))?
        }
        (Some(_), Some(_)) => {
            return Err(Failure::usage(format!("{registry} is one of Amazon ECR, which gives out its own logins"))
                .hint("leave out --username and --password-stdin"));
        }
        (None, Some(user)) => (user.clone(), password(user, context)?),
        (None, None) => {
            return Err(Failure::usage(format!("{registry} is none of Amazon ECR, so it needs a user and a password"))
                .hint("give --username USER and --password-stdin"));
        }
    };
    let file = store_login(&folder, &registry, &user, &password)?;
    context.console.note(&format!("wrote the login for {registry} into {}", file.display()));
    Ok(())
}

/// The host as image references name it: a path or a scheme in it would be another key of the configuration.
fn host(text: &str) -> Result<String, Failure> {
    let fits =
        |repository: &Repository| repository.registry() == text && text.contains(['.', ':']) || text == "localhost";
    let parsed = format!("{text}/x").parse::<Repository>().ok().filter(fits);
    parsed.map(|_| text.to_owned()).ok_or_else(|| {
        Failure::usage(format!("{text:?} is no registry, expected HOST[:PORT] without a scheme and without a path"))
    })
}

fn password(user: &str, context: &Context) -> Result<Redacted<String>, Failure> {
    let bytes = read_input(Path::new("-"), context.limits.configuration)?;
    let text = String::from_utf8(bytes).map_err(|_| Failure::usage("the password is no text"))?;
    let password = text.trim_end_matches(['\r', '\n']);
    if user.contains(':') {
        return Err(Failure::usage(format!("user {user:?} has a colon, which ends the user's name (RFC 7617)")));
    }
    if password.is_empty() {
        return Err(Failure::usage("the password on stdin is empty"));
    }
    Ok(Redacted::new(password.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_is_a_host() {
        for good in
            ["registry.example", "registry.example:5000", "localhost", "localhost:5000", "docker.io", "[::1]:5000"]
        {
            assert!(host(good).is_ok(), "{good}");
        }
        for bad in
            ["https://registry.example", "registry.example/acme", "registry", "", "a b.example", "index.docker.io"]
        {
            assert!(host(bad).is_err(), "{bad}");
        }
    }
}
