//! From bytes to the effective rules.

use sealwright_core::Digest;

use crate::document::Document;
use crate::error::{PolicyError, Position};
use crate::reader::Value;
use crate::rules::{Builder, EvidenceRules, GateRules, Policy};
use crate::tighten::tighten;
use crate::yaml;

/// How many parents a file may have.
const MOST_PARENTS: usize = 4;

/// Parses a trust file. `read_parent` gives the bytes of the file that `extends` names; their digest is checked.
///
/// # Errors
/// The first thing that is wrong, with its line and column.
pub fn parse(
    bytes: &[u8],
    file_name: &str,
    read_parent: &dyn Fn(&str) -> Result<Vec<u8>, String>,
) -> Result<Policy, PolicyError> {
    parse_below(bytes, file_name, read_parent, MOST_PARENTS)
}

fn parse_below(
    bytes: &[u8],
    file: &str,
    read_parent: &dyn Fn(&str) -> Result<Vec<u8>, String>,
    parents: usize,
) -> Result<Policy, PolicyError> {
    let fail = |at: Position, key: &str, message: String| PolicyError {
        file: file.to_owned(),
        at,
        key: key.to_owned(),
        message,
    };
    let start = Position { line: 1, column: 1 };
    let text = std::str::from_utf8(bytes)
        .map_err(|e| fail(start, "", format!("this is no UTF-8 after byte {}", e.valid_up_to())))?;
    let node = yaml::parse(text).map_err(|(at, message)| fail(at, "", message))?;
    let document = Document::read(&Value::root(file, &node))?;
    let Some(extends) = &document.extends else {
        let Some(builders) = &document.builders else {
            return Err(fail(node.at, "", "builders is missing: nobody could build".to_owned()));
        };
        let evidence = document.evidence.over(&EvidenceRules::default());
        let builders: Vec<_> = builders.value.iter().map(|b| b.effective(&evidence)).collect();
        known_signers(&document, &builders).map_err(|(at, message)| fail(at, SIGNERS, message))?;
        return Ok(Policy {
            images: document.images.as_ref().map(|i| i.value.clone()).unwrap_or_default(),
            builders,
            evidence,
            gate: document.gate.over(&GateRules::default()),
        });
    };
    if parents == 0 {
        return Err(fail(extends.at, "extends", format!("more than {MOST_PARENTS} files extend one another")));
    }
    let name = &extends.value.file;
    let parent =
        read_parent(name).map_err(|why| fail(extends.at, "extends", format!("the parent could not be read: {why}")))?;
    let found = Digest::of(&parent).hex();
    if found != extends.value.sha256 {
        let message = format!("{name} has the digest {found}, expected {}", extends.value.sha256);
        return Err(fail(extends.at, "extends.sha256", message));
    }
    let parent = parse_below(&parent, name, read_parent, parents - 1)?;
    known_signers(&document, &parent.builders).map_err(|(at, message)| fail(at, SIGNERS, message))?;
    tighten(&parent, &document).map_err(|(at, key, message)| fail(at, key, message))
}

const SIGNERS: &str = "evidence.signature.of";

fn known_signers(document: &Document, builders: &[Builder]) -> Result<(), (Position, String)> {
    match document.unknown_signer(builders) {
        Some(name) => Err((name.at, format!("there is no builder named {:?}", name.value))),
        None => Ok(()),
    }
}
