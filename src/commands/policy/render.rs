//! `sealwright policy render`: the trust file as objects of an admission controller.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use sealwright_admission::render::{Instance, Settings, helm, kyverno, kyverno_legacy, policy_controller};
use sealwright_core::Digest;
use sealwright_core::bounded::read_file;
use sealwright_policy::{BuilderIdentity, Transparency};
use tokio::runtime::Handle;

use crate::cli::arguments::{InstanceName, PolicyRender, RenderFormat, TrustSource};
use crate::context::Context;
use crate::failure::Failure;
use crate::pipeline::builders::read_key;
use crate::pipeline::trust_file::{self, TrustFile};
use crate::pipeline::trust_root::{self, Origin, TrustRoots};

/// Writes the policies into the folder.
///
/// # Errors
/// When the trust file or one of its keys cannot be read, something cannot be said without being weaker, or nothing can be
/// written.
pub fn run(arguments: &PolicyRender, context: &Context, handle: &Handle) -> Result<(), Failure> {
    let file = trust_file::find(arguments.policy.as_deref(), context)?
        .ok_or_else(|| Failure::usage("there is no trust file here").hint("name one with --policy FILE"))?;
    let settings = Settings {
        keys: keys(&file, context)?,
        kms: kms(&file, &arguments.kms)?,
        instance: instance(&file, &arguments.trust, context, handle)?,
        also_allowed: arguments.also_allow.clone(),
        revoked: arguments.revoked.as_deref().map(|path| revoked(path, context)).transpose()?.unwrap_or_default(),
    };
    let render = match arguments.format {
        RenderFormat::Kyverno => kyverno,
        RenderFormat::Helm => helm,
        RenderFormat::KyvernoLegacy => kyverno_legacy,
        RenderFormat::PolicyController => policy_controller,
    };
    let rendered = render(&file.policy, &settings).map_err(|e| Failure::usage(e.to_string()).at(&file.name))?;
    rendered.notes.iter().for_each(|note| context.console.warn(note));
    for (name, text) in &rendered.files {
        let path = arguments.output.join(name);
        let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, text));
        written.map_err(|e| Failure::usage(format!("{} could not be written: {e}", path.display())))?;
    }
    context.console.note(&format!("{} files written to {}", rendered.files.len(), arguments.output.display()));
    Ok(())
}

/// The public keys of builders that have one, as their files hold them.
///
/// # Errors
/// When one cannot be read, or is none.
pub(super) fn keys(file: &TrustFile, context: &Context) -> Result<BTreeMap<String, String>, Failure> {
    let folder = Path::new(&file.name).parent().unwrap_or(Path::new(""));
    let mut keys = BTreeMap::new();
    for builder in &file.policy.builders {
        let BuilderIdentity::Key(rule) = &builder.identity else { continue };
        let path = folder.join(&rule.file);
        // Whatever is no public key is refused here and not by Kyverno.
        read_key(&path, context)?;
        let fail = |why: String| Failure::usage(format!("key {} could not be read: {why}", path.display()));
        let bytes = read_file(&path, context.limits.configuration).map_err(|e| fail(e.to_string()))?;
        let text = String::from_utf8(bytes).map_err(|e| fail(e.to_string()))?;
        keys.insert(builder.name.clone(), format!("{}\n", text.replace("\r\n", "\n").trim()));
    }
    Ok(keys)
}

fn kms(file: &TrustFile, stated: &[(String, String)]) -> Result<BTreeMap<String, String>, Failure> {
    let by_key = |name: &str| {
        let mut builders = file.policy.builders.iter();
        builders.any(|builder| builder.name == name && matches!(builder.identity, BuilderIdentity::Key(_)))
    };
    match stated.iter().find(|(name, _)| !by_key(name)) {
        Some((name, _)) => {
            Err(Failure::usage(format!("the trust file has no builder {name:?} that is known by a key")))
        }
        None => Ok(stated.iter().cloned().collect()),
    }
}

/// The instance; where nobody demands a certificate or a log, none is looked for.
fn instance(file: &TrustFile, source: &TrustSource, context: &Context, handle: &Handle) -> Result<Instance, Failure> {
    let needed = file.policy.builders.iter().any(|builder| builder.transparency == Transparency::Required);
    if !needed || source.is_default() {
        return Ok(Instance::PublicGood);
    }
    if let Some(url) = &source.tuf {
        trust_root::repository(source, context)?;
        let root = source.tuf_root.as_deref().map(|path| {
            read_file(path, context.limits.configuration)
                .map_err(|e| Failure::usage(format!("TUF root {} could not be read: {e}", path.display())))
        });
        return Ok(Instance::Tuf { url: url.clone(), root: root.transpose()? });
    }
    if source.trusted_root.is_none() && source.instance == Some(InstanceName::PublicGood) {
        return Ok(Instance::PublicGood);
    }
    let roots = TrustRoots::new(source, context, handle);
    roots.root()?;
    let bytes = match roots.origin() {
        Some(Origin::Tuf(material)) => material.trusted_root().to_vec(),
        Some(Origin::File(path)) => read_file(path, context.limits.evidence)
            .map_err(|e| Failure::usage(format!("trusted root {} could not be read: {e}", path.display())))?,
        None => Vec::new(),
    };
    let value: serde_json::Value =
        serde_json::from_slice(&bytes).map_err(|e| Failure::usage(format!("the trusted root is no JSON: {e}")))?;
    let logs = value.get("tlogs").and_then(serde_json::Value::as_array).is_some_and(|logs| !logs.is_empty());
    Ok(Instance::TrustedRoot { json: format!("{value:#}\n"), logs })
}

/// One digest per line.
///
/// # Errors
/// When the file cannot be read, or a line is no digest.
pub(super) fn revoked(path: &Path, context: &Context) -> Result<Vec<Digest>, Failure> {
    let fail = |why: String| Failure::usage(format!("{}: {why}", path.display()));
    let bytes = read_file(path, context.limits.configuration).map_err(|e| fail(e.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|e| fail(e.to_string()))?;
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim()).enumerate();
    lines
        .filter(|(_, line)| !line.is_empty())
        .map(|(number, line)| line.parse().map_err(|e| fail(format!("line {}: {e}", number + 1))))
        .collect()
}
