//! What is demanded of an image: attestations, and the calls that verify them.

use std::collections::{BTreeMap, BTreeSet};

use sealwright_policy::yaml::Node;

use super::cel::{Token, calls, members_of};
use super::judge::{Expression, Judge};
use super::rule::Rule;

/// The predicate type of a signature as a statement (cosign 3, `pkg/types`).
const SIGNATURE: &str = "https://sigstore.dev/cosign/sign/v1";
/// What is like a name of a verification function, and none.
const FUNCTIONS: [&str; 4] = ["verifyImageSignatures", "verifyAttestationSignatures", "extractPayload", "getImageData"];

pub(super) fn judge(judge: &mut Judge<'_, '_>) {
    types(judge);
    unused(judge);
    payloads(judge);
    statements(judge);
    formats(judge);
    signature_alone(judge);
    unknown_calls(judge);
    quorum(judge);
}

fn named<'a>(judge: &Judge<'a, '_>, list: &str) -> Vec<(&'a str, &'a Node)> {
    let items = judge.subject.spec(&[list]).map(Node::items).unwrap_or_default();
    items.iter().filter_map(|item| Some((item.member("name")?.text()?, item))).collect()
}

fn types(judge: &mut Judge<'_, '_>) {
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    for (name, attestation) in named(judge, "attestations") {
        let Some(node) = attestation.descend(&["intoto", "type"]) else { continue };
        let Some(word) = node.text() else { continue };
        if !word.contains("://") {
            judge.find(Rule::ShorthandType, node.at, word);
        }
        if let Some(first) = seen.insert(word, name) {
            judge.find(Rule::RepeatedType, node.at, &format!("{first} and {name}: {word}"));
        }
    }
}

/// The names that verification calls give for an owner; nothing where the owner stands alone, for then all are used.
fn used<'a>(judge: &'a Judge<'_, '_>, owner: &str) -> Option<Vec<&'a str>> {
    let mut names = Vec::new();
    for expression in judge.deciding() {
        let (found, alone) = members_of(&expression.tokens, owner);
        if alone {
            return None;
        }
        names.extend(found);
    }
    Some(names)
}

fn unused(judge: &mut Judge<'_, '_>) {
    for (owner, rule) in [("attestors", Rule::UnusedAttestor), ("attestations", Rule::UnusedAttestation)] {
        let Some(names) = used(judge, owner) else { continue };
        let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
        for (name, node) in named(judge, owner) {
            if !names.iter().any(|used| used == name) {
                judge.find(rule, node.at, name);
            }
        }
    }
}

/// The attestations that calls of a function name in an expression, with the place of the call.
fn attestations_of<'a>(expression: &'a Expression<'_>, function: &str) -> Vec<(usize, &'a str)> {
    let calls = calls(&expression.tokens, function).into_iter();
    calls
        .flat_map(|(at, arguments)| members_of(arguments, "attestations").0.into_iter().map(move |name| (at, name)))
        .collect()
}

/// Variables are evaluated when a validation asks for them, so that only a statement that nobody verifies is certain there.
fn payloads(judge: &mut Judge<'_, '_>) {
    let mut found = Vec::new();
    let verified_in = |expressions: &[Expression<'_>]| -> Vec<String> {
        expressions
            .iter()
            .flat_map(|e| attestations_of(e, "verifyAttestationSignatures"))
            .map(|(_, name)| name.to_owned())
            .collect()
    };
    let by_variables = verified_in(&judge.variables);
    let all: Vec<String> = by_variables.iter().cloned().chain(verified_in(&judge.validations)).collect();
    for expression in &judge.variables {
        for (_, name) in attestations_of(expression, "extractPayload") {
            if !all.iter().any(|verified| verified == name) {
                found.push((expression.at, name.to_owned()));
            }
        }
    }
    let mut before = by_variables;
    for expression in &judge.validations {
        let here = attestations_of(expression, "verifyAttestationSignatures");
        for (at, name) in attestations_of(expression, "extractPayload") {
            let verified = before.iter().any(|verified| verified == name)
                || here.iter().any(|(call, verified)| *call < at && *verified == name);
            if !verified {
                found.push((expression.at, name.to_owned()));
            }
        }
        before.extend(here.into_iter().map(|(_, name)| name.to_owned()));
    }
    for (at, name) in found {
        judge.find(Rule::UnverifiedPayload, at, &name);
    }
}

/// The members of an in-toto statement (in-toto attestation framework, Statement v1).
const STATEMENT: [&str; 4] = ["_type", "subject", "predicateType", "predicate"];

fn statements(judge: &mut Judge<'_, '_>) {
    let attestations: BTreeMap<&str, &Node> = named(judge, "attestations").into_iter().collect();
    let mut found = Vec::new();
    for expression in judge.deciding() {
        for (at, arguments) in calls(&expression.tokens, "extractPayload") {
            let by_cosign = members_of(arguments, "attestations")
                .0
                .iter()
                .any(|name| attestations.get(name).is_some_and(|attestation| attestation.member("intoto").is_some()));
            // The name, both parentheses and what is between them.
            let mut after = expression.tokens.iter().skip(at + arguments.len() + 3);
            let dot = after.next().is_some_and(|token| token.is_mark("."));
            let member = after.find(|token| !token.is_mark("?")).and_then(Token::name).filter(|_| dot && by_cosign);
            if let Some(member) = member.filter(|member| !STATEMENT.contains(member)) {
                found.push((expression.at, format!("extractPayload(…).{member}")));
            }
        }
    }
    for (at, detail) in found {
        judge.find(Rule::StatementNotPredicate, at, &detail);
    }
}

fn formats(judge: &mut Judge<'_, '_>) {
    let attestors: BTreeMap<&str, &Node> = named(judge, "attestors").into_iter().collect();
    let attestations: BTreeMap<&str, &Node> = named(judge, "attestations").into_iter().collect();
    // Once for each pair, however often an expression names it.
    let mut found = BTreeSet::new();
    for expression in judge.deciding() {
        for (_, arguments) in calls(&expression.tokens, "verifyAttestationSignatures") {
            let once = |list| members_of(arguments, list).0.into_iter().collect::<BTreeSet<_>>();
            let (statements, signers) = (once("attestations"), once("attestors"));
            for (statement, signer) in
                statements.iter().flat_map(|statement| signers.iter().map(move |signer| (*statement, *signer)))
            {
                let (Some(declared), Some(by)) = (attestations.get(statement), attestors.get(signer)) else { continue };
                let cosign_on_referrer = by.member("cosign").is_some() && declared.member("intoto").is_none();
                let notary_on_intoto = by.member("cosign").is_none() && declared.member("referrer").is_none();
                if cosign_on_referrer || notary_on_intoto {
                    found.insert((expression.at, format!("{statement} with {signer}")));
                }
            }
        }
    }
    for (at, detail) in found {
        judge.find(Rule::WrongAttestor, at, &detail);
    }
}

/// Any statement of the identity counts as a signature, unless one is demanded that says more than what the image contains.
fn signature_alone(judge: &mut Judge<'_, '_>) {
    let attestations: BTreeMap<&str, &Node> = named(judge, "attestations").into_iter().collect();
    let by_cosign = named(judge, "attestors").iter().any(|(_, attestor)| attestor.member("cosign").is_some());
    let demanded = judge.deciding().flat_map(|e| attestations_of(e, "verifyAttestationSignatures")).any(|(_, name)| {
        let word = attestations
            .get(name)
            .and_then(|node| node.descend(&["intoto", "type"]))
            .and_then(Node::text)
            .unwrap_or_default();
        word == SIGNATURE || word.starts_with("https://slsa.dev/provenance/")
    });
    let place = judge
        .deciding()
        .find(|e| !calls(&e.tokens, "verifyImageSignatures").is_empty())
        .map(|e| (e.at, e.source.to_owned()));
    if let Some((at, source)) = place
        && by_cosign
        && !demanded
    {
        judge.find(Rule::SbomIsSignature, at, &source);
    }
}

fn unknown_calls(judge: &mut Judge<'_, '_>) {
    let mut found = Vec::new();
    for expression in judge.deciding().chain(&judge.conditions) {
        for (at, token) in expression.tokens.iter().enumerate() {
            let Some(name) = token.name() else { continue };
            let called = expression.tokens.get(at + 1).is_some_and(|next| next.is_mark("("));
            let receiver = at.checked_sub(2).and_then(|before| expression.tokens.get(before)).and_then(Token::name);
            let method = at > 0 && expression.tokens.get(at - 1).is_some_and(|before| before.is_mark("."));
            let word = name.to_ascii_lowercase();
            let like = !method
                && !FUNCTIONS.contains(&name)
                && (word.starts_with("verif") || word.starts_with("extractpayload") || word.starts_with("getimage"));
            let library = method && receiver.is_some_and(|receiver| receiver.eq_ignore_ascii_case("imageverify"));
            if called && (like || library) {
                let owner = if library {
                    receiver.map(|receiver| format!("{receiver}.")).unwrap_or_default()
                } else {
                    String::new()
                };
                found.push((expression.at, format!("{owner}{name}(…)")));
            }
        }
    }
    for (at, detail) in found {
        judge.find(Rule::UnknownCall, at, &detail);
    }
}

fn quorum(judge: &mut Judge<'_, '_>) {
    let number = |token: Option<&Token>, wanted: &str| matches!(token, Some(Token::Number(number)) if number == wanted);
    let mut found = Vec::new();
    for expression in judge.validations.iter().chain(&judge.variables) {
        let verifies = ["verifyImageSignatures", "verifyAttestationSignatures"]
            .iter()
            .any(|f| !calls(&expression.tokens, f).is_empty());
        let always = expression.tokens.iter().enumerate().any(|(at, token)| {
            let next = expression.tokens.get(at + 1);
            let minus_one = next.is_some_and(|next| next.is_mark("-")) && number(expression.tokens.get(at + 2), "1");
            (token.is_mark(">=") && number(next, "0")) || ((token.is_mark(">") || token.is_mark("!=")) && minus_one)
        });
        if verifies && always {
            found.push((expression.at, expression.source.to_owned()));
        }
    }
    for (at, source) in found {
        judge.find(Rule::ZeroQuorum, at, &source);
    }
}
