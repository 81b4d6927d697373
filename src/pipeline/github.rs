//! GitHub's attestation store beside the registry: what was written goes there too, and evidence is read from there.

use std::collections::BTreeMap;

use sealwright_core::{Digest, Limits};
use sealwright_github::{Bounds, GitHubError, Options, Place, RepositoryName, Store};
use sealwright_sign::Signer;
use sealwright_verify::{MOST_BUNDLES, verify_bundle};

use super::evidence::MOST_BYTES;
use super::publish::Written;
use super::signer::Sealer;
use crate::cli::arguments::Format;
use crate::context::Context;
use crate::failure::Failure;

/// Where GitHub's API is, unless a job's `GITHUB_API_URL` says otherwise.
const ADDRESS: &str = "https://api.github.com";

/// Where GitHub's API is for this run.
pub fn address(context: &Context) -> &str {
    context.environment.github_api.as_deref().unwrap_or(ADDRESS)
}

/// The store at the address of the environment, asked with its token. GitHub says the same of what is not there and of what may
/// not be seen, so that a person should know when there is no token.
///
/// # Errors
/// When the address is none to which a token may be sent.
pub fn open(context: &Context) -> Result<Store, Failure> {
    let environment = &context.environment;
    let address = address(context).to_owned();
    let token = environment.github_token.clone();
    if token.is_none() {
        context.console.note("GitHub is asked without a token: what is not public is not found");
    }
    Ok(Store::new(Options { address, token, timeout: context.timeout })?)
}

/// How much is read of the store: as much as of a registry.
pub fn bounds(limits: &Limits) -> Bounds {
    Bounds { bundles: MOST_BUNDLES, bundle: limits.evidence, bytes: MOST_BYTES }
}

/// The store that gets what a signer wrote.
#[derive(Debug)]
pub struct Delivery {
    store: Store,
    repository: RepositoryName,
}

impl Delivery {
    /// What `--push-to-github` asks for. Whatever will be refused is refused here, before anything is read or signed.
    ///
    /// # Errors
    /// When a key signs, or it is not known which repository is meant or who asks.
    pub fn plan(asked: bool, format: Format, sealer: &Sealer, context: &Context) -> Result<Option<Self>, Failure> {
        if !asked {
            return Ok(None);
        }
        if !format.writes_bundles() {
            return Err(Failure::usage("--push-to-github needs bundles, and --format writes none")
                .hint("--format both writes them too"));
        }
        if !matches!(sealer.signer, Signer::Keyless(_)) {
            return Err(Failure::usage("--push-to-github needs a signer without a key").hint(
                "GitHub's attestation store takes no bundles by key, and `gh attestation verify` verifies none",
            ));
        }
        // The certificate names the repository of the token, and `gh` looks for it there.
        let claimed = sealer.source.as_ref().and_then(|source| source.repository.as_ref());
        let named = claimed.or(context.environment.github_repository.as_ref()).ok_or_else(|| {
            Failure::usage("--push-to-github, and it is not known to which repository")
                .hint("the identity token names none: set GITHUB_REPOSITORY to OWNER/NAME")
        })?;
        if context.environment.github_token.is_none() {
            return Err(GitHubError::NoToken.into());
        }
        let repository = named.parse().map_err(Failure::usage)?;
        Ok(Some(Self { store: open(context)?, repository }))
    }

    /// Stores every bundle that was written. One that was kept is stored unless the store has the same statement by the same
    /// signer: a run that failed here is completed by the next one. `place` says where the evidence is in any case.
    ///
    /// # Errors
    /// When GitHub does not take one.
    pub async fn deliver(
        &self,
        written: &mut [Written],
        sealer: &Sealer,
        limits: &Limits,
        place: &str,
    ) -> Result<(), Failure> {
        let lacking = |error: GitHubError| {
            let lacks = format!(
                "the evidence is in {place}, and GitHub's attestation store of {} lacks some of it",
                self.repository
            );
            Failure::from(error).at(lacks)
        };
        let mut there: BTreeMap<Digest, Vec<Digest>> = BTreeMap::new();
        for Written { subject, bundle, attestation, .. } in written {
            let Some(bundle) = bundle else { continue };
            if !bundle.new && !there.contains_key(subject) {
                there.insert(*subject, self.stored(subject, sealer, limits).await.map_err(lacking)?);
            }
            if !bundle.new && there.get(subject).is_some_and(|statements| statements.contains(&bundle.statement)) {
                continue;
            }
            *attestation = Some(self.store.push(&self.repository, &bundle.bytes, limits).await.map_err(lacking)?);
        }
        Ok(())
    }

    /// The statements of this signer in the store.
    async fn stored(&self, subject: &Digest, sealer: &Sealer, limits: &Limits) -> Result<Vec<Digest>, GitHubError> {
        let place = Place::Repository(self.repository.clone());
        let found = self.store.fetch(&place, subject, None, &bounds(limits)).await?;
        let verified = |bundle: &Vec<u8>| verify_bundle(bundle, subject, sealer.anchor(), limits).ok();
        Ok(found.bundles.iter().filter_map(verified).map(|signed| signed.get().digest).collect())
    }
}
