//! The endpoints that commands connect to, from where the crates that connect have them.

use std::collections::BTreeSet;

use sealwright_ecr::Host;
use sealwright_feed::{PUBLIC_KEV_CATALOG, PUBLIC_OSV_EXPORT};
use sealwright_sign::{SigningEndpoints, kms_endpoint};
use tokio::runtime::Handle;

use super::github;
use super::trust_root::{self, Origin};
use crate::cli::arguments::{Connecting, Egress, Transparency};
use crate::cli::key_ref::{Dialect, KeyRef};
use crate::commands::read_input;
use crate::context::Context;
use crate::failure::Failure;

/// Where a job of github.com gets its identity token; the endpoint itself is only known inside a job (GitHub, "Communicating with
/// self-hosted runners").
const TOKENS: &str = "*.actions.githubusercontent.com:443";

/// `HOST:PORT`, sorted.
///
/// # Errors
/// When it is not known which endpoints an instance of Sigstore or a key service has.
pub fn endpoints(arguments: &Egress, context: &Context, handle: &Handle) -> Result<BTreeSet<String>, Failure> {
    let mut list = List { arguments, context, handle, found: BTreeSet::new() };
    let all = [
        Connecting::Seal,
        Connecting::Scan,
        Connecting::Copy,
        Connecting::Login,
        Connecting::Verify,
        Connecting::Report,
        Connecting::Doctor,
    ];
    let one = arguments.command.map(|command| vec![command]);
    for command in one.unwrap_or_else(|| all.to_vec()) {
        list.command(command)?;
    }
    if arguments.plan.push.is_some() {
        context.console.note("a registry may send logins and blobs to other hosts, which only it knows");
    }
    Ok(list.found)
}

struct List<'a> {
    arguments: &'a Egress,
    context: &'a Context,
    handle: &'a Handle,
    found: BTreeSet<String>,
}

impl List<'_> {
    fn command(&mut self, command: Connecting) -> Result<(), Failure> {
        match command {
            // As a step of a workflow they fetch advisories too.
            Connecting::Seal => {
                self.registry();
                self.signer()?;
                self.advisories();
            }
            Connecting::Scan => {
                self.registry();
                self.advisories();
            }
            Connecting::Sign | Connecting::Attest => {
                self.registry();
                self.signer()?;
            }
            Connecting::Verify | Connecting::Prove => {
                self.registry();
                self.trust_root()?;
            }
            Connecting::Sbom | Connecting::Copy | Connecting::Login => self.registry(),
            Connecting::Db => self.advisories(),
            Connecting::Trust => self.trust_root()?,
            Connecting::Report => self.url(github::address(self.context)),
            Connecting::Doctor => {
                self.registry();
                self.tokens();
                self.trust_policy();
                self.key()?;
                if self.arguments.plan.signing.push_to_github {
                    self.url(github::address(self.context));
                }
            }
        }
        Ok(())
    }

    fn url(&mut self, url: &str) {
        self.found.extend(host_and_port(url));
    }

    fn registry(&mut self) {
        let plan = &self.arguments.plan;
        let Some(push) = &plan.push else { return };
        let host = push.repository.api_host();
        self.url(&format!("https://{host}"));
        let Some(ecr) = Host::of(push.repository.registry()) else { return };
        let urls = self.handle.block_on(sealwright_ecr::endpoints(&ecr, plan.ecr.role.is_some()));
        urls.iter().for_each(|url| self.url(url));
        if plan.ecr.role.is_some() {
            self.tokens();
        }
    }

    /// Where the role is looked at.
    fn trust_policy(&mut self) {
        let plan = &self.arguments.plan;
        let Some(role) = &plan.ecr.role else { return };
        let near = plan.push.as_ref().and_then(|push| Host::of(push.repository.registry()));
        let urls = self.handle.block_on(sealwright_ecr::trust_policy_endpoints(role, near.as_ref()));
        urls.iter().for_each(|url| self.url(url));
    }

    fn tokens(&mut self) {
        match &self.context.environment.token_endpoint {
            Some((url, _)) => self.url(&url.clone()),
            None => self.found.extend([TOKENS.to_owned()]),
        }
    }

    fn advisories(&mut self) {
        self.url(PUBLIC_OSV_EXPORT);
        self.url(PUBLIC_KEV_CATALOG);
    }

    fn signer(&mut self) -> Result<(), Failure> {
        let signing = &self.arguments.plan.signing;
        self.key()?;
        let keyless = signing.identity.key.is_none();
        if keyless {
            self.tokens();
        }
        if keyless || signing.transparency != Some(Transparency::None) {
            let endpoints = self.signing_endpoints()?;
            let certificates = endpoints.certificates.iter().filter(|_| keyless);
            certificates.chain(&endpoints.logs).chain(&endpoints.timestamps).for_each(|url| self.url(url));
            self.trust_root()?;
        }
        if signing.push_to_github {
            self.url(github::address(self.context));
        }
        Ok(())
    }

    /// The instance's: of the file, of what is kept of it, or of the public one as this version came with.
    fn signing_endpoints(&self) -> Result<SigningEndpoints, Failure> {
        let signing = &self.arguments.plan.signing;
        if let Some(file) = &signing.signing_config {
            return Ok(SigningEndpoints::of(&read_input(file, self.context.limits.evidence)?)?);
        }
        if let Ok((_, Origin::Tuf(material))) = trust_root::kept(&signing.trust, self.context, self.handle) {
            let config = if signing.rekor_v2 { material.signing_config_rekor_v2() } else { material.signing_config() };
            return Ok(SigningEndpoints::of(config?)?);
        }
        if signing.trust.is_default() && !signing.rekor_v2 {
            self.context
                .console
                .note("nothing is kept of the public instance: its endpoints are those that this version came with");
            return Ok(SigningEndpoints::public_good()?);
        }
        Err(Failure::usage("the endpoints of the Sigstore instance are not known")
            .hint("fetch them with `sealwright trust update`, or name a file with --signing-config"))
    }

    fn trust_root(&mut self) -> Result<(), Failure> {
        let source = &self.arguments.plan.signing.trust;
        if source.trusted_root.is_none() {
            let repository = trust_root::repository(source, self.context)?;
            self.url(repository.url());
        }
        Ok(())
    }

    fn key(&mut self) -> Result<(), Failure> {
        let identity = &self.arguments.plan.signing.identity;
        match &identity.key {
            Some(KeyRef::Vault { dialect, .. }) => {
                let environment = &self.context.environment;
                let own = match dialect {
                    Dialect::Vault => &environment.vault.address,
                    Dialect::OpenBao => &environment.openbao.address,
                };
                let address = own.clone().or_else(|| environment.vault.address.clone());
                let missing = || Failure::usage("VAULT_ADDR is not set, so that it is not known where Vault is");
                self.url(&address.ok_or_else(missing)?);
                if identity.vault.role.is_some() {
                    self.tokens();
                }
            }
            Some(KeyRef::Kms { endpoint, name }) => {
                let region = self.context.environment.aws_region.as_deref();
                let url = self.handle.block_on(kms_endpoint(endpoint.as_deref(), name, region));
                let missing = || {
                    Failure::usage("the region of the key is not known")
                        .hint("set AWS_REGION, or name the key by its ARN")
                };
                self.url(&url.ok_or_else(missing)?);
            }
            Some(KeyRef::File(_)) | None => {}
        }
        Ok(())
    }
}

/// `HOST:PORT` of an address. What is on this machine needs no way out.
fn host_and_port(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next().filter(|authority| !authority.is_empty())?;
    let port = if scheme == "http" { 80 } else { 443 };
    let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
    let whole = if has_port { authority.to_owned() } else { format!("{authority}:{port}") };
    let host = whole.rsplit_once(':').map(|(host, _)| host)?;
    (!sealwright_core::is_loopback_host(host)).then_some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_and_a_port() {
        for (url, expected) in [
            ("https://a.example", Some("a.example:443")),
            ("https://a.example:8200/v1", Some("a.example:8200")),
            ("http://a.example/x?y", Some("a.example:80")),
            ("http://127.0.0.1:5000", None),
            ("https://localhost", None),
            ("https:///x", None),
            ("a.example", None),
        ] {
            assert_eq!(host_and_port(url).as_deref(), expected, "{url}");
        }
    }
}
