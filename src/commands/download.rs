//! `sealwright download`: evidence as it is stored with an image, for other tools and for a look. Nothing is verified; what the
//! tags of older cosign versions hold is not read.

use std::cmp::Reverse;
use std::fmt::Write as _;
use std::io::{self, IsTerminal as _};
use std::path::Path;

use jiff::Timestamp;
use sealwright_bundle::{Bundle, Statement, predicate_type};
use sealwright_core::{Digest, Limits, Untrusted};
use sealwright_registry::CREATED_ANNOTATION;
use tokio::runtime::Handle;

use crate::cli::arguments::{Download, DownloadWhat};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::pipeline::evidence::{Keeper, StoredBundle};
use crate::pipeline::github;
use crate::pipeline::source::Registry;
use crate::report::console::write_document;

/// The types of SBOM statements.
const SBOM_TYPES: [&str; 3] = [predicate_type::CYCLONEDX, predicate_type::SPDX, predicate_type::SPDX_V2_3];

/// Reads the bundles of the image and writes what was asked for.
///
/// # Errors
/// When the registry does not answer, has nothing of the kind, or the result cannot be written.
pub fn run(wanted: &Download, context: &Context, handle: &Handle) -> Result<(), Failure> {
    let (Download::Bundle(what) | Download::Attestation(what) | Download::Sbom(what)) = wanted;
    let kind = what.kind.as_deref().map(super::predicate_type).transpose()?;
    if let (Download::Sbom(_), Some(kind)) = (wanted, kind)
        && !SBOM_TYPES.contains(&kind)
    {
        return Err(Failure::usage(format!("--type {kind} is no SBOM, expected cyclonedx or spdxjson")));
    }
    if matches!(wanted, Download::Sbom(_)) && what.from_github.is_some() {
        return Err(Failure::usage("--from-github with sbom: GitHub's store does not say which one is the newest")
            .hint("download attestation --type cyclonedx gives all of them"));
    }
    // GitHub's store compares the spelling.
    let spelled = kind.filter(|kind| predicate_type::spellings(kind).len() == 1);
    let (image, claims) = read(what, spelled, context, handle)?;
    let asked = claims.into_iter().filter(|claims| kind.is_none_or(|kind| claims.is_of(kind)));
    let (name, documents) = match wanted {
        Download::Bundle(_) => ("bundle", asked.map(UnverifiedClaims::into_bundle).collect()),
        Download::Attestation(_) => ("statement", asked.filter_map(UnverifiedClaims::into_statement).collect()),
        Download::Sbom(_) => ("SBOM statement", newest_sbom(asked).into_iter().collect::<Vec<_>>()),
    };
    if documents.is_empty() {
        return Err(nothing(name, kind, &image, what));
    }
    context.console.note("nothing was verified; `sealwright verify` does that");
    write(&documents, wanted, what.output.as_deref())
}

fn nothing(name: &str, kind: Option<&str>, image: &str, what: &DownloadWhat) -> Failure {
    let of_type = kind.map(|kind| format!(" of type {kind}")).unwrap_or_default();
    if let Some(place) = &what.from_github {
        let place = format!("GitHub's attestation store of {place}");
        return Failure::new(Exit::Unavailable, format!("no {name}{of_type} about {image} is in {place}"))
            .hint("GitHub says the same of what the token may not see; a private repository needs GITHUB_TOKEN");
    }
    Failure::new(Exit::Unavailable, format!("no {name}{of_type} is stored with {image}")).hint(
        "`sealwright tree` lists what there is; the images of an index have evidence of their own, by their digest",
    )
}

/// A bundle that parses, and what it claims. Nobody checked the signature.
struct UnverifiedClaims {
    bytes: Vec<u8>,
    statement: Option<(Vec<u8>, Statement)>,
    created: Option<Timestamp>,
}

/// A document and how the name of its file ends.
struct Downloaded {
    bytes: Vec<u8>,
    ending: &'static str,
}

/// What evidence is about, in words, and what there is.
fn read(
    what: &DownloadWhat,
    kind: Option<&str>,
    context: &Context,
    handle: &Handle,
) -> Result<(String, Vec<UnverifiedClaims>), Failure> {
    let client = Registry::new(handle.clone(), context).client(context)?;
    let (subject, name) = match (&what.reference, &what.artifact) {
        (Some(reference), _) => {
            let (image, ..) = handle.block_on(client.resolve(reference))?;
            (*image.digest(), image.to_string())
        }
        (None, Some(artifact)) => (super::artifact_digest(artifact)?, artifact.clone()),
        (None, None) => return Err(Failure::usage("expected REF, or --artifact with --from-github")),
    };
    let keeper = match (&what.from_github, &what.reference) {
        (Some(place), _) => Keeper::GitHub { store: github::open(context)?, place: place.clone() },
        (None, Some(reference)) => {
            let repository = context.evidence_repository(&reference.repository)?;
            Keeper::Registry { client: &client, repository }
        }
        (None, None) => return Err(Failure::usage("--artifact needs --from-github")),
    };
    let stored = handle.block_on(keeper.stored(&subject, kind, &context.limits))?;
    let (mut claims, mut left_aside) = (Vec::new(), stored.broken);
    for bundle in stored.bundles {
        match UnverifiedClaims::parse(bundle, &subject, &context.limits) {
            Ok(parsed) => claims.push(parsed),
            Err(problem) => left_aside.push(problem),
        }
    }
    for problem in left_aside {
        context.console.warn(&format!("left aside: {}", Untrusted::new(problem)));
    }
    Ok((name, claims))
}

impl UnverifiedClaims {
    fn parse(stored: StoredBundle, subject: &Digest, limits: &Limits) -> Result<Self, String> {
        let bundle = Bundle::parse(&stored.bytes, limits).map_err(|e| e.to_string())?;
        let statement = match bundle.dsse_envelope {
            Some(envelope) => {
                let payload = envelope.payload().map_err(|e| e.to_string())?;
                let statement = Statement::parse(&payload, limits).map_err(|e| e.to_string())?;
                if !statement.names(subject) {
                    return Err(format!(
                        "a statement of type {} that is about something else",
                        statement.predicate_type
                    ));
                }
                Some((payload, statement))
            }
            None => None,
        };
        let created = stored.annotations.get(CREATED_ANNOTATION).and_then(|time| time.parse().ok());
        Ok(Self { bytes: stored.bytes, statement, created })
    }

    fn predicate_type(&self) -> Option<&str> {
        self.statement.as_ref().map(|(_, statement)| statement.predicate_type.as_str())
    }

    fn is_of(&self, kind: &str) -> bool {
        self.predicate_type().is_some_and(|found| predicate_type::is_same(found, kind))
    }

    fn into_bundle(self) -> Downloaded {
        Downloaded { bytes: self.bytes, ending: "sigstore.json" }
    }

    fn into_statement(self) -> Option<Downloaded> {
        self.statement.map(|(payload, _)| Downloaded { bytes: payload, ending: "intoto.json" })
    }

    /// The predicate, indented.
    fn into_predicate(self) -> Option<Downloaded> {
        let (_, statement) = self.statement?;
        let mut bytes = serde_json::to_vec_pretty(&statement.predicate).ok()?;
        bytes.push(b'\n');
        let cyclonedx = statement.predicate_type == predicate_type::CYCLONEDX;
        Some(Downloaded { bytes, ending: if cyclonedx { "cdx.json" } else { "spdx.json" } })
    }
}

/// The newest by the time that its manifest states, which is a claim too; of several with one time CycloneDX first, and then the
/// one that the registry lists first.
fn newest_sbom(claims: impl Iterator<Item = UnverifiedClaims>) -> Option<Downloaded> {
    let rank = |c: &UnverifiedClaims| SBOM_TYPES.iter().position(|kind| c.predicate_type() == Some(kind));
    let sboms = claims.filter_map(|claims| Some((rank(&claims)?, claims)));
    let newest = sboms.min_by_key(|(rank, claims)| (Reverse(claims.created), *rank));
    newest.and_then(|(_, claims)| claims.into_predicate())
}

/// Into a folder each in a file that is named by its digest. Else one bundle or SBOM as it is, and the rest as JSON Lines.
fn write(documents: &[Downloaded], wanted: &Download, output: Option<&Path>) -> Result<(), Failure> {
    if let Some(folder) = output.filter(|path| is_folder(path)) {
        return write_each(documents, folder);
    }
    let bytes = in_one(documents, wanted, output.is_none() && io::stdout().is_terminal());
    write_document(&bytes, output)
}

fn in_one(documents: &[Downloaded], wanted: &Download, terminal: bool) -> Vec<u8> {
    let bytes = match (documents, wanted) {
        ([one], Download::Bundle(_) | Download::Sbom(_)) => one.bytes.clone(),
        _ => json_lines(documents),
    };
    if terminal { for_terminal(&bytes).into_bytes() } else { bytes }
}

/// The same JSON without what could steer a terminal. In JSON other characters than ASCII stand in strings only, where
/// `\uXXXX` means the same (RFC 8259 §7); so does U+007F. A carriage return stands between tokens only and means nothing.
fn for_terminal(json: &[u8]) -> String {
    let mut shown = String::with_capacity(json.len());
    for c in String::from_utf8_lossy(json).chars() {
        if c == '\u{7f}' || !c.is_ascii() && is_steering(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a `String` does not fail.
                let _ = write!(shown, "\\u{unit:04x}");
            }
        } else if c != '\r' {
            shown.push(c);
        }
    }
    shown
}

/// Control and format characters and the separators of lines (Unicode 17, general categories Cc, Cf, Zl and Zp). All that
/// [`Untrusted`] escapes outside of ASCII is among them.
fn is_steering(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}' | '\u{891}' | '\u{8e2}'
            | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0001}' | '\u{e0020}'..='\u{e007f}')
}

fn is_folder(path: &Path) -> bool {
    path.is_dir() || path.to_string_lossy().ends_with('/')
}

fn write_each(documents: &[Downloaded], folder: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(folder)
        .map_err(|e| Failure::usage(format!("folder {} could not be made: {e}", folder.display())))?;
    for Downloaded { bytes, ending } in documents {
        write_document(bytes, Some(&folder.join(format!("sha256-{}.{ending}", Digest::of(bytes).hex()))))?;
    }
    Ok(())
}

/// In JSON a line break stands between tokens only (RFC 8259 §7: in a string it is escaped), so leaving it out changes nothing
/// that is signed or meant.
fn json_lines(documents: &[Downloaded]) -> Vec<u8> {
    let mut lines = Vec::new();
    for Downloaded { bytes, .. } in documents {
        lines.extend(bytes.iter().filter(|byte| !matches!(byte, b'\n' | b'\r')));
        lines.push(b'\n');
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_document_gets_one_line_and_keeps_its_meaning() {
        let of = |text: &str| Downloaded { bytes: text.as_bytes().to_vec(), ending: "json" };
        let lines = json_lines(&[of("{\r\n \"a\": \"x\\n\"\n}\n"), of("{}")]);
        assert_eq!(String::from_utf8(lines).expect("text"), "{ \"a\": \"x\\n\"}\n{}\n");
    }

    #[test]
    fn json_on_a_terminal_steers_nothing_and_means_the_same() {
        let value = serde_json::json!({ "zürich→": "a\u{9b}2J\u{202e}b\u{7f}\u{e0041}\u{feff}\u{1b}\\\"\n" });
        let shown = for_terminal(value.to_string().as_bytes());
        let expected = r#"{"zürich→":"a\u009b2J\u202eb\u007f\udb40\udc41\ufeff\u001b\\\"\n"}"#;
        assert_eq!(shown, expected);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).expect("JSON"), value);
        assert_eq!(for_terminal(b"{\r\n \"a\": \"\x9b\"\r}"), "{\n \"a\": \"\u{fffd}\"}");
        let escaped = |c: char| Untrusted::new(c).to_string() != c.to_string();
        let missed = ('\u{80}'..=char::MAX).find(|c| escaped(*c) && !is_steering(*c));
        assert_eq!(missed, None);
    }

    #[test]
    fn only_a_terminal_gets_other_bytes_than_are_stored() {
        let what = || DownloadWhat { reference: None, from_github: None, artifact: None, kind: None, output: None };
        let one = [Downloaded { bytes: "{\r\n\"a\": \"\u{9b}\"}".into(), ending: "json" }];
        for wanted in [Download::Bundle(what()), Download::Sbom(what())] {
            assert_eq!(in_one(&one, &wanted, false), one[0].bytes);
            assert_eq!(in_one(&one, &wanted, true), b"{\n\"a\": \"\\u009b\"}");
        }
        let statements = Download::Attestation(what());
        assert_eq!(in_one(&one, &statements, false), "{\"a\": \"\u{9b}\"}\n".as_bytes());
        assert_eq!(in_one(&one, &statements, true), b"{\"a\": \"\\u009b\"}\n");
    }
}
