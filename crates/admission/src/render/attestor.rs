//! A builder of the trust file as an attestor: whose signatures count, and which instance vouches for them.
//!
//! One attestor per builder, with one identity: the engine takes no second one for bundles (cosign `pkg/cosign/verify.go`,
//! "multiple identities are not supported"), and each attestor costs a round of requests to the registry, so that the patterns
//! of a builder are one anchored expression. What the engine reads but never compares (`additionalExtensions`,
//! `subjectExpression`) is not written.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealwright_policy::{Builder, BuilderIdentity, KeylessRule, SubjectRule, Transparency};

use super::cel;
use super::yaml::Node;
use super::{Instance, Settings};

/// Ways in which Go's regular expressions take something else for a sign than those of the trust file: set operations and
/// nested classes, other flags, and boundaries of words (Go `regexp/syntax`; Rust `regex`, "Syntax").
const OTHERWISE_IN_GO: [&str; 10] = ["&&", "--", "~~", "[[", "(?x", "(?R", r"\<", r"\>", r"\b{", r"\u"];

/// The attestor.
pub(super) fn attestor(builder: &Builder, settings: &Settings) -> Result<Node, String> {
    let trust = Trust::of(builder, &settings.instance);
    let who = match &builder.identity {
        BuilderIdentity::Keyless(rule) => ("keyless", keyless(builder, rule)?),
        BuilderIdentity::Key(_) => ("key", key(builder, settings)?),
    };
    let mut members = vec![(who.0.to_owned(), who.1)];
    members.extend(trust.members());
    Ok(Node::map([("name", Some(Node::text(&builder.name))), ("cosign", Some(Node::Map(members)))]))
}

/// Refuses two builders that are one signer where a threshold counts builders: for the engine they would be two.
pub(crate) fn distinct<'a>(builders: impl Iterator<Item = &'a Builder>, settings: &Settings) -> Result<(), String> {
    let mut seen: Vec<(&str, Option<Node>)> = Vec::new();
    for builder in builders {
        let signer = attestor(builder, settings)?.member("cosign").cloned();
        if let Some((other, _)) = seen.iter().find(|(_, found)| *found == signer) {
            let name = &builder.name;
            return Err(format!(
                "builders {other:?} and {name:?} are one signer, which Kyverno would count twice: expected another key or identity for each builder of `signature.of`"
            ));
        }
        seen.push((&builder.name, signer));
    }
    Ok(())
}

/// How an expression names it.
pub(super) fn reference(builder: &Builder) -> String {
    member("attestors", &builder.name)
}

/// A member of a map by its name, which need not be an identifier.
pub(super) fn member(map: &str, name: &str) -> String {
    let identifier = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let reserved = ["true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if"];
    let more = ["import", "let", "loop", "package", "namespace", "return", "var", "void", "while"];
    if identifier && !reserved.contains(&name) && !more.contains(&name) {
        format!("{map}.{name}")
    } else {
        format!("{map}[{}]", cel::string(name))
    }
}

fn key(builder: &Builder, settings: &Settings) -> Result<Node, String> {
    if let Some(uri) = settings.kms.get(&builder.name) {
        return Ok(Node::map([("kms", Some(Node::text(uri)))]));
    }
    let pem = settings.keys.get(&builder.name).ok_or_else(|| format!("builder {:?} has no key", builder.name))?;
    Ok(Node::map([("data", Some(Node::lines(pem)))]))
}

fn keyless(builder: &Builder, rule: &KeylessRule) -> Result<Node, String> {
    let subject = match subject(builder, &rule.subject)? {
        Subject::Exact(text) => ("subject", text),
        Subject::Expression(expression) => ("subjectRegExp", expression),
    };
    let identity = Node::map([("issuer", Some(Node::text(&rule.issuer))), (subject.0, Some(Node::text(subject.1)))]);
    Ok(Node::map([("identities", Some(Node::List(vec![identity])))]))
}

/// The name in a certificate.
pub(crate) enum Subject {
    /// This text.
    Exact(String),
    /// An expression of RE2, anchored.
    Expression(String),
}

pub(crate) fn subject(builder: &Builder, rule: &SubjectRule) -> Result<Subject, String> {
    Ok(match rule {
        SubjectRule::Exact(text) => Subject::Exact(text.clone()),
        SubjectRule::OneOf(texts) => {
            let texts: Vec<String> = texts.iter().map(|text| cel::escaped(text)).collect();
            Subject::Expression(format!("^{}$", cel::any_of(&texts)))
        }
        SubjectRule::Pattern(pattern) => {
            let text = pattern.as_str();
            if let Some(found) = OTHERWISE_IN_GO.iter().find(|sign| text.contains(*sign)) {
                return Err(format!(
                    "builder {:?}: {found:?} in its `identity-regexp` means something else in Kyverno: name a `workflow`, or write it without",
                    builder.name
                ));
            }
            Subject::Expression(text.to_owned())
        }
        SubjectRule::Workflow { path, tags, commits, .. } => {
            let mut revisions: Vec<String> =
                tags.iter().map(|tag| format!("refs/tags/{}", cel::pattern(tag, cel::REF))).collect();
            revisions.extend(commits.iter().cloned());
            revisions.sort();
            Subject::Expression(format!("^https://github\\.com/{}@{}$", cel::escaped(path), cel::any_of(&revisions)))
        }
    })
}

/// The name that the builder's provenance has to have: a workflow's name in its certificate is the builder that its provenance
/// names. Nothing where the trust file does not say that it is a workflow.
pub(super) fn known_workflow(builder: &Builder) -> Result<Option<Subject>, String> {
    let BuilderIdentity::Keyless(rule) = &builder.identity else { return Ok(None) };
    let is_workflow = match &rule.subject {
        SubjectRule::Exact(text) => text.contains("/.github/workflows/"),
        SubjectRule::OneOf(texts) => texts.iter().all(|text| text.contains("/.github/workflows/")),
        SubjectRule::Workflow { .. } => true,
        SubjectRule::Pattern(_) => false,
    };
    if is_workflow { subject(builder, &rule.subject).map(Some) } else { Ok(None) }
}

/// Which logs and times are demanded, and where the keys of the instance come from.
struct Trust {
    ignore_logs: bool,
    tuf: Option<Node>,
    trusted_root: Option<Node>,
}

impl Trust {
    fn of(builder: &Builder, instance: &Instance) -> Self {
        let none = Self { ignore_logs: false, tuf: None, trusted_root: None };
        if builder.transparency == Transparency::None {
            // A key without a log: nothing of an instance is needed, and Kyverno then asks no TUF repository.
            return Self { ignore_logs: true, ..none };
        }
        match instance {
            Instance::PublicGood => none,
            Instance::Tuf { url, root } => {
                let root = root.as_ref().map(|bytes| Node::map([("data", Some(Node::text(STANDARD.encode(bytes))))]));
                let tuf = Node::map([("mirror", Some(Node::text(url))), ("root", root)]);
                Self { tuf: Some(tuf), ..none }
            }
            Instance::TrustedRoot { json, logs } => {
                let root = Node::map([("value", Some(Node::lines(json)))]);
                Self { ignore_logs: !logs, trusted_root: Some(root), ..none }
            }
        }
    }

    fn members(self) -> Vec<(String, Node)> {
        let yes = || Some(Node::Bool(true));
        let ignored = || Node::map([("insecureIgnoreTlog", yes()), ("insecureIgnoreSCT", yes())]);
        let ctlog = self.ignore_logs.then(ignored);
        [("ctlog", ctlog), ("tuf", self.tuf), ("trustedRoot", self.trusted_root)]
            .into_iter()
            .filter_map(|(key, value)| Some((key.to_owned(), value?)))
            .collect()
    }
}
