//! `policy export`: the trust file's builders in the words of others.

use sealwright_ecr::AUDIENCE;
use sealwright_policy::{Builder, BuilderIdentity};
use sealwright_workload::export::{Exported, Inexpressible, aws_trust_policy, json, vault_role};

use crate::cli::arguments::{PolicyExport, PolicyFormat};
use crate::context::Context;
use crate::failure::Failure;
use crate::pipeline::trust_file;
use crate::report::console::write_document;

/// Writes what is asked for.
///
/// # Errors
/// When the trust file cannot be read, or its builders cannot be said in those words.
pub fn run(arguments: &PolicyExport, context: &Context) -> Result<(), Failure> {
    let file = trust_file::find(arguments.policy.as_deref(), context)?
        .ok_or_else(|| Failure::usage("there is no trust file here").hint("name one with --policy FILE"))?;
    let builders = chosen(&file.policy.builders, arguments)?;
    let exported = export(&builders, arguments).map_err(|e| Failure::usage(e.to_string()).at(&file.name))?;
    exported.notes.iter().for_each(|note| context.console.warn(note));
    write_document(format!("{:#}\n", exported.document).as_bytes(), arguments.outfile.as_deref())
}

/// The builder that is named, or all that no key is of.
fn chosen<'a>(builders: &'a [Builder], arguments: &PolicyExport) -> Result<Vec<&'a Builder>, Failure> {
    let names = || builders.iter().map(|builder| builder.name.as_str()).collect::<Vec<_>>().join(", ");
    let chosen: Vec<&Builder> = match &arguments.builder {
        Some(name) => builders.iter().filter(|builder| builder.name == *name).collect(),
        None => builders.iter().filter(|b| matches!(b.identity, BuilderIdentity::Keyless(_))).collect(),
    };
    if chosen.is_empty() {
        let what = match &arguments.builder {
            Some(name) => format!("the trust file has no builder {name:?}"),
            None => "every builder of the trust file is known by a key, and no token is a key's".to_owned(),
        };
        return Err(Failure::usage(what).hint(format!("it has {}", names())));
    }
    if arguments.format == PolicyFormat::VaultRole && chosen.len() > 1 {
        let what = format!("a role of Vault is for one builder, and the trust file has {}", names());
        return Err(Failure::usage(what).hint("name it with --builder NAME"));
    }
    Ok(chosen)
}

fn export(builders: &[&Builder], arguments: &PolicyExport) -> Result<Exported, Inexpressible> {
    match arguments.format {
        PolicyFormat::Json => Ok(Exported { document: json(builders), notes: vec![] }),
        PolicyFormat::AwsTrustPolicy => {
            aws_trust_policy(builders, arguments.account.as_deref().unwrap_or_default(), AUDIENCE)
        }
        PolicyFormat::VaultRole => {
            let builder = builders.first().ok_or_else(|| Inexpressible(vec![]))?;
            vault_role(builder, &arguments.vault_audience)
        }
    }
}
