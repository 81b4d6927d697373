//! The registry that an image goes to: whether one gets in, how it lists evidence, and whether the tag can be set.

use std::sync::Arc;

use sealwright_core::{Digest, ImageRef, Repository};
use sealwright_registry::Client;
use tokio::runtime::Handle;

use super::clock::Clocks;
use super::row::{Outcome, Row};
use super::token::Tokens;
use crate::cli::arguments::{Doctor, EcrFlags};
use crate::context::Context;
use crate::failure::Failure;
use crate::pipeline::ecr::Ecr;
use crate::pipeline::source::Registry;

/// Where `--push` leads.
pub(super) struct Place {
    reference: ImageRef,
    evidence: Repository,
    client: Arc<Client>,
    ecr: Arc<Ecr>,
}

impl Place {
    /// Nothing where `--push` names none.
    pub(super) fn open(
        arguments: &Doctor,
        tokens: &Tokens<'_>,
        context: &Context,
        handle: &Handle,
    ) -> Option<Result<Self, Failure>> {
        let reference = arguments.plan.push.clone()?;
        let open = || {
            let evidence = context.evidence_repository(&reference.repository)?;
            // Without a job, AWS is asked as whoever is found.
            let nobody = EcrFlags::default();
            let flags = if tokens.fresh { &arguments.plan.ecr } else { &nobody };
            let registry = Registry::for_writing(handle.clone(), &[&reference.repository, &evidence], flags, context)?;
            let client = registry.client(context)?;
            Ok(Self { reference: reference.clone(), evidence, client, ecr: registry.ecr })
        };
        Some(open())
    }

    pub(super) fn repository(&self) -> &Repository {
        &self.reference.repository
    }

    pub(super) fn ecr(&self) -> &Ecr {
        &self.ecr
    }
}

/// The rows of the registry.
pub(super) fn rows(
    place: Option<Result<Place, Failure>>,
    clocks: &mut Clocks,
    context: &Context,
    handle: &Handle,
) -> Vec<Row> {
    const NAMES: [&str; 3] = ["registry", "referrers", "tag"];
    let aside = |why: &str| NAMES.map(|name| Row::not_checked(name, why)).to_vec();
    let place = match place {
        None => return aside("no --push names one"),
        Some(Ok(place)) => place,
        Some(Err(failure)) => {
            let mut rows = aside("the registry was not asked");
            if let Some(first) = rows.first_mut() {
                *first = Row::failure("registry", &failure);
            }
            return rows;
        }
    };
    let existing = match handle.block_on(login(&place, clocks)) {
        Ok(existing) => existing,
        Err(failure) => {
            let mut rows = aside("the registry lets nobody in");
            if let Some(first) = rows.first_mut() {
                *first = Row::failure("registry", &failure);
            }
            return rows;
        }
    };
    let host = place.repository().registry();
    let registry = Row::ok("registry", format!("{host} answers; whether it takes what is pushed, only a push shows"));
    vec![registry, handle.block_on(referrers(&place, existing)), handle.block_on(tag(&place, existing, context))]
}

/// Asks what the tag names: that needs whatever reading needs.
async fn login(place: &Place, clocks: &mut Clocks) -> Result<Option<Digest>, Failure> {
    let existing = place.client.tag_state(place.repository(), place.reference.tag_or_latest()).await?;
    // Not every registry answers there, and that is no finding.
    let date = place.client.date(place.repository()).await.ok().flatten();
    clocks.date("the registry", date.as_deref());
    Ok(existing)
}

async fn referrers(place: &Place, existing: Option<Digest>) -> Row {
    const NAME: &str = "referrers";
    let subject = place.evidence.pinned(existing.unwrap_or_else(|| Digest::of(b"{}")));
    match place.client.has_referrers_api(&subject).await {
        Ok(true) => Row::ok(NAME, "the registry lists referrers itself: evidence needs no tag"),
        Ok(false) => {
            let why = format!(
                "{} has no referrers API: evidence is listed under the fallback tag sha256-HEX, which writers write one after another",
                place.evidence.registry()
            );
            let mut row = Row::new(NAME, Outcome::Warn, why);
            if existing.is_none() {
                row.why.push("or there is no such repository yet, of which it says the same".to_owned());
            }
            row.next(["do not let two jobs attach evidence to one image at a time, and keep tags sha256-* mutable"])
        }
        Err(error) => Row::failure(NAME, &error.into()),
    }
}

async fn tag(place: &Place, existing: Option<Digest>, context: &Context) -> Row {
    const NAME: &str = "tag";
    let Some(tag) = &place.reference.tag else { return Row::not_checked(NAME, "--push names no tag") };
    let mode = match place.ecr.mode(place.repository()).await {
        Ok(mode) => mode,
        Err(failure) => {
            let why = format!("it is not known whether tags may move: {}", failure.message);
            return Row::new(NAME, Outcome::Warn, why);
        }
    };
    let repository = place.repository();
    match (existing, mode) {
        (Some(existing), Some(mode)) if !mode.allows_rewrite(tag) => {
            let why = format!("the tag {tag} names {existing} and cannot move: tags of {repository} are {mode}");
            Row::fail(NAME, why).next(next_tag(context))
        }
        (None, Some(mode)) if !mode.allows_rewrite(tag) => {
            Row::ok(NAME, format!("{tag} is free, and can be written once: tags of {repository} are {mode}"))
        }
        (Some(existing), _) => Row::ok(NAME, format!("{tag} names {existing} now, and will be moved")),
        (None, _) => Row::ok(NAME, format!("{tag} is free")),
    }
}

fn next_tag(context: &Context) -> Vec<String> {
    let commit = if context.environment.github_actions { ", for example ${{ github.sha }}" } else { "" };
    vec![format!("push under another tag{commit}")]
}
