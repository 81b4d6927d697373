//! The trusted root and the signing config of the Sigstore instance that the command line names: from files, or by TUF.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use sealwright_core::bounded::read_file;
use sealwright_trust::{Material, Repository, Source};
use sealwright_verify::TrustedRoot;
use tokio::runtime::Handle;

use crate::cli::arguments::{InstanceName, Signing, TrustSource};
use crate::commands::read_input;
use crate::context::Context;
use crate::failure::Failure;

/// What a run trusts. It is opened where it is needed first: a key without a log never has anyone asked.
pub struct TrustRoots<'a> {
    source: &'a TrustSource,
    context: &'a Context,
    handle: &'a Handle,
    opened: OnceCell<(TrustedRoot, Origin)>,
}

/// Where a trusted root came from.
#[derive(Debug)]
pub enum Origin {
    /// A file of the user's.
    File(PathBuf),
    /// A TUF repository.
    Tuf(Box<Material>),
}

impl<'a> TrustRoots<'a> {
    /// Nothing is opened yet.
    pub fn new(source: &'a TrustSource, context: &'a Context, handle: &'a Handle) -> Self {
        Self { source, context, handle, opened: OnceCell::new() }
    }

    /// The trusted root.
    ///
    /// # Errors
    /// When the file cannot be read, or the instance gives none.
    pub fn root(&self) -> Result<&TrustedRoot, Failure> {
        Ok(&self.opened()?.0)
    }

    /// Where it came from; nothing where none was needed.
    pub fn origin(&self) -> Option<&Origin> {
        self.opened.get().map(|(_, origin)| origin)
    }

    /// The signing config and the trusted root, which have to be of one instance. `hint` says what else could be done.
    ///
    /// # Errors
    /// When only one of the two is named, or one cannot be had.
    pub fn for_signing(&self, arguments: &Signing, hint: &str) -> Result<(Vec<u8>, &TrustedRoot), Failure> {
        let lonely = |given: &str, missing: &str| {
            let what = format!("{given} is given and {missing} is missing: both have to be of one instance");
            Err(Failure::usage(what).hint(hint))
        };
        match (&arguments.signing_config, &self.source.trusted_root) {
            (Some(_), None) => lonely("--signing-config", "--trusted-root"),
            (None, Some(_)) => lonely("--trusted-root", "--signing-config"),
            (Some(config), Some(_)) => Ok((read_input(config, self.context.limits.evidence)?, self.root()?)),
            (None, None) => {
                let (root, origin) = self.opened()?;
                let Origin::Tuf(material) = origin else { return lonely("--trusted-root", "--signing-config") };
                let config =
                    if arguments.rekor_v2 { material.signing_config_rekor_v2() } else { material.signing_config() };
                Ok((config?.to_vec(), root))
            }
        }
    }

    fn opened(&self) -> Result<&(TrustedRoot, Origin), Failure> {
        if let Some(opened) = self.opened.get() {
            return Ok(opened);
        }
        let opened = open(self.source, self.context, self.handle)?;
        Ok(self.opened.get_or_init(|| opened))
    }
}

fn open(source: &TrustSource, context: &Context, handle: &Handle) -> Result<(TrustedRoot, Origin), Failure> {
    if let Some(path) = &source.trusted_root {
        return read_trusted_root(path, context);
    }
    let (repository, cache) = (repository(source, context)?, context.trust_directory()?);
    let material = handle.block_on(sealwright_trust::open(&repository, &cache, context.now, context.timeout))?;
    of_material(material, context)
}

/// What is kept of the instance, however old, or the file.
///
/// # Errors
/// When there is none, or it cannot be read.
pub fn kept(source: &TrustSource, context: &Context, handle: &Handle) -> Result<(TrustedRoot, Origin), Failure> {
    if let Some(path) = &source.trusted_root {
        return read_trusted_root(path, context);
    }
    let (repository, cache) = (repository(source, context)?, context.trust_directory()?);
    of_material(handle.block_on(sealwright_trust::kept(&repository, &cache))?, context)
}

/// What the instance publishes now.
///
/// # Errors
/// When it is not there, or cannot be trusted.
pub fn update(source: &TrustSource, context: &Context, handle: &Handle) -> Result<(TrustedRoot, Origin), Failure> {
    if source.trusted_root.is_some() {
        return Err(Failure::usage("--trusted-root is a file, and nobody publishes a newer one of it"));
    }
    let (repository, cache) = (repository(source, context)?, context.trust_directory()?);
    let material = handle.block_on(sealwright_trust::update(&repository, &cache, context.now, context.timeout))?;
    of_material(material, context)
}

/// The TUF repository that the flags name. Nothing is asked.
///
/// # Errors
/// When its root cannot be read, or its address is none.
pub fn repository(source: &TrustSource, context: &Context) -> Result<Repository, Failure> {
    match (&source.tuf, &source.tuf_root) {
        (Some(url), Some(file)) => {
            let root = read_file(file, context.limits.configuration)
                .map_err(|e| Failure::usage(format!("TUF root {} could not be read: {e}", file.display())))?;
            Ok(Repository::private(url, root)?)
        }
        (mirror, _) => {
            let known = match source.instance {
                Some(InstanceName::Github) => Repository::github()?,
                Some(InstanceName::PublicGood) | None => Repository::public_good()?,
            };
            Ok(match mirror {
                Some(url) => known.mirrored_at(url)?,
                None => known,
            })
        }
    }
}

fn of_material(material: Material, context: &Context) -> Result<(TrustedRoot, Origin), Failure> {
    if let Some(why) = &material.not_kept {
        context.console.warn(&format!("what was fetched is not kept, and without a network it will be missing: {why}"));
    }
    if material.source == Source::Repository {
        context.console.note(&format!("trusted root of {} fetched from {}", material.instance, material.url));
    }
    let root = std::str::from_utf8(material.trusted_root())
        .map_err(|_| "it is no text".to_owned())
        .and_then(|text| TrustedRoot::from_json(text).map_err(|e| e.to_string()))
        .map_err(|why| Failure::usage(format!("the trusted root of {} cannot be used: {why}", material.url)))?;
    Ok((root, Origin::Tuf(Box::new(material))))
}

fn read_trusted_root(path: &Path, context: &Context) -> Result<(TrustedRoot, Origin), Failure> {
    let fail = |why: String| Failure::usage(format!("trusted root {} could not be read: {why}", path.display()));
    let bytes = read_file(path, context.limits.evidence).map_err(|e| fail(e.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|_| fail("it is no text".into()))?;
    let root = TrustedRoot::from_json(&text).map_err(|e| fail(e.to_string()))?;
    Ok((root, Origin::File(path.to_owned())))
}
