//! Regular expressions that stand for a signer: what they let in beyond what they look like.
//!
//! Syntax is RE2's (Go's regexp); the parser here is that of the regex crate, which reads the same for what identities use.

use regex_syntax::ast::{self, Ast};
use regex_syntax::hir::{Hir, Look};

use super::pattern::compile;
use super::rule::Rule;

/// What an expression is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Issuer,
    Subject,
}

/// A longer expression is not judged: identities are far shorter.
const LONGEST: usize = 4096;
/// Somebody else, as an issuer and as a workflow.
const OTHER_ISSUER: &str = "https://issuer.sealwright-probe.example";
const OTHER_WORKFLOW: &str =
    "https://github.com/sealwright-probe/sealwright-probe/.github/workflows/sealwright-probe.yml@refs/heads/probe";

/// What is wrong with a regular expression for an issuer or a subject.
pub(super) fn judge(pattern: &str, part: Part) -> Vec<Rule> {
    if pattern.len() > LONGEST {
        return vec![Rule::InvalidRegexp];
    }
    let Ok(hir) = regex_syntax::Parser::new().parse(pattern) else { return vec![Rule::InvalidRegexp] };
    let Ok(tree) = ast::parse::Parser::new().parse(pattern) else { return vec![Rule::InvalidRegexp] };
    if matches_others(pattern, part) {
        return vec![Rule::AnyIdentity];
    }
    let mut found = Vec::new();
    if !is_whole(&hir) {
        found.push(Rule::UnanchoredIdentity);
    }
    if has_bare_dot(&tree) {
        found.push(Rule::UnescapedIdentity);
    }
    if part == Part::Subject {
        found.extend(judge_subject(pattern, &tree));
    }
    found
}

/// Whether a subject that may hold `*` (ClusterPolicy: kyverno/pkg/ext/wildcard) or an issuer is anybody's.
pub(super) fn judge_wildcard(text: &str, part: Part) -> Vec<Rule> {
    let pattern = format!("^{}$", regex::escape(text).replace("\\*", ".*").replace("\\?", "."));
    if !text.contains('*') {
        return vec![];
    }
    if matches_others(&pattern, part) {
        return vec![Rule::AnyIdentity];
    }
    if part == Part::Issuer {
        return vec![];
    }
    let Ok(tree) = ast::parse::Parser::new().parse(&pattern) else { return vec![] };
    judge_subject(&pattern, &tree)
}

fn judge_subject(pattern: &str, tree: &Ast) -> Vec<Rule> {
    let mut found = Vec::new();
    let prefix = literal_prefix(tree);
    if wildcard_in_name(&prefix, tree) {
        found.push(Rule::IdentityWithoutBoundary);
    }
    if has_hex_class(tree) && pattern.contains('@') {
        found.push(Rule::AnyCommit);
    }
    // Owner and repository are fixed: is a pull request's own workflow let in?
    let segments: Vec<&str> = prefix.strip_prefix("https://github.com/").unwrap_or_default().split('/').collect();
    if let [owner, repository, _, ..] = segments[..] {
        let probe =
            format!("https://github.com/{owner}/{repository}/.github/workflows/sealwright-probe.yml@refs/pull/1/merge");
        if compile(pattern).is_some_and(|regex| regex.is_match(&probe)) {
            found.push(Rule::AnyRef);
        }
    }
    found
}

/// Whether somebody who has nothing to do with it matches.
fn matches_others(pattern: &str, part: Part) -> bool {
    let other = match part {
        Part::Issuer => OTHER_ISSUER,
        Part::Subject => OTHER_WORKFLOW,
    };
    let Some(regex) = compile(pattern) else { return false };
    let mail = "sealwright-probe@sealwright-probe.example";
    regex.is_match(other) || (part == Part::Subject && regex.is_match(mail))
}

/// Whether `^` and `$` hold for every alternative.
fn is_whole(hir: &Hir) -> bool {
    let properties = hir.properties();
    properties.look_set_prefix().contains(Look::Start) && properties.look_set_suffix().contains(Look::End)
}

/// Whether the expression is fixed at its beginning.
pub(super) fn is_anchored_at_start(pattern: &str) -> bool {
    pattern.len() > LONGEST
        || regex_syntax::Parser::new()
            .parse(pattern)
            .map_or(true, |hir| hir.properties().look_set_prefix().contains(Look::Start))
}

fn parts(tree: &Ast) -> &[Ast] {
    match tree {
        Ast::Concat(concat) => &concat.asts,
        other => std::slice::from_ref(other),
    }
}

/// What every match begins with.
fn literal_prefix(tree: &Ast) -> String {
    let mut prefix = String::new();
    for part in parts(tree) {
        match part {
            Ast::Assertion(_) => {}
            Ast::Literal(literal) => prefix.push(literal.c),
            // An unescaped dot is meant as one.
            Ast::Dot(_) => prefix.push('.'),
            _ => break,
        }
    }
    prefix
}

/// Whether the first wildcard stands inside the owner or the repository, after some of its letters.
fn wildcard_in_name(prefix: &str, tree: &Ast) -> bool {
    let Some((_, path)) = prefix.split_once("://").and_then(|(_, rest)| rest.split_once('/')) else { return false };
    let begun = path.chars().next_back().is_some_and(|c| c != '/');
    let next = parts(tree).iter().find(|part| !matches!(part, Ast::Assertion(_) | Ast::Literal(_) | Ast::Dot(_)));
    let wild = matches!(next, Some(Ast::Repetition(r)) if matches!(*r.ast, Ast::Dot(_) | Ast::ClassBracketed(_) | Ast::ClassPerl(_)));
    begun && path.matches('/').count() < 2 && wild
}

fn has_bare_dot(tree: &Ast) -> bool {
    match tree {
        Ast::Dot(_) => true,
        Ast::Group(group) => has_bare_dot(&group.ast),
        Ast::Concat(concat) => concat.asts.iter().any(has_bare_dot),
        Ast::Alternation(alternation) => alternation.asts.iter().any(has_bare_dot),
        // `.*`, `.+` and `.{n}` are meant as wildcards; a group may hold a dot all the same.
        Ast::Repetition(repetition) => !matches!(*repetition.ast, Ast::Dot(_)) && has_bare_dot(&repetition.ast),
        _ => false,
    }
}

/// `[0-9a-f]` seven times or more.
fn has_hex_class(tree: &Ast) -> bool {
    match tree {
        Ast::Repetition(repetition) => {
            is_hex(&repetition.ast) && repeats_enough(&repetition.op.kind) || has_hex_class(&repetition.ast)
        }
        Ast::Group(group) => has_hex_class(&group.ast),
        Ast::Concat(concat) => concat.asts.iter().any(has_hex_class),
        Ast::Alternation(alternation) => alternation.asts.iter().any(has_hex_class),
        _ => false,
    }
}

fn repeats_enough(kind: &ast::RepetitionKind) -> bool {
    use ast::{RepetitionKind, RepetitionRange};
    match kind {
        RepetitionKind::ZeroOrOne => false,
        RepetitionKind::ZeroOrMore | RepetitionKind::OneOrMore => true,
        RepetitionKind::Range(
            RepetitionRange::Exactly(n) | RepetitionRange::AtLeast(n) | RepetitionRange::Bounded(_, n),
        ) => *n >= 7,
    }
}

fn is_hex(tree: &Ast) -> bool {
    let Ast::ClassBracketed(class) = tree else { return false };
    let ast::ClassSet::Item(ast::ClassSetItem::Union(union)) = &class.kind else { return false };
    let range = |start: char, end: char| {
        union
            .items
            .iter()
            .any(|item| matches!(item, ast::ClassSetItem::Range(r) if r.start.c == start && r.end.c == end))
    };
    let digits = range('0', '9') || union.items.iter().any(|item| matches!(item, ast::ClassSetItem::Perl(_)));
    !class.negated && digits && (range('a', 'f') || range('A', 'F')) && union.items.len() <= 3
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r"^https://github\.com/acme/app/\.github/workflows/release\.yml@refs/tags/v[0-9.]+$";

    #[test]
    fn what_an_expression_lets_in_is_named() {
        let subject = |pattern: &str| judge(pattern, Part::Subject);
        assert_eq!(subject(GOOD), []);
        assert_eq!(subject(r"^(?:https://github\.com/acme/app/\.github/workflows/(?:a|b)\.yml@refs/heads/main)$"), []);
        assert_eq!(
            subject(r"https://github\.com/acme/app/\.github/workflows/a\.yml@refs/heads/main"),
            [Rule::UnanchoredIdentity]
        );
        let one_side =
            r"^https://github\.com/acme/app/\.github/workflows/a\.yml@refs/heads/main$|^mailto:a@acme\.example";
        assert_eq!(subject(one_side), [Rule::UnanchoredIdentity]);
        assert_eq!(
            subject(r"^https://github.com/acme/app/\.github/workflows/a\.yml@refs/heads/main$"),
            [Rule::UnescapedIdentity]
        );
        for anybody in [".*", "", "^https://github\\.com/.*$", "^https://github\\.com/[^/]+/.*", ".+@.+"] {
            assert_eq!(subject(anybody), [Rule::AnyIdentity], "{anybody}");
        }
        for begun in [r"^https://github\.com/acme.*$", r"^https://github\.com/acme/app.*$"] {
            assert!(subject(begun).contains(&Rule::IdentityWithoutBoundary), "{begun}");
        }
        assert_eq!(subject(r"^https://github\.com/acme/app/.*$"), [Rule::AnyRef]);
        let commit = r"^https://github\.com/acme/app/\.github/workflows/a\.yml@[0-9a-f]{40}$";
        assert_eq!(subject(commit), [Rule::AnyCommit]);
        assert_eq!(subject("(?=a)"), [Rule::InvalidRegexp]);
        assert_eq!(subject(&"a".repeat(5000)), [Rule::InvalidRegexp]);
        assert_eq!(judge(r"^https://token\.actions\.githubusercontent\.com$", Part::Issuer), []);
        assert_eq!(judge("https://.*", Part::Issuer), [Rule::AnyIdentity]);
    }

    #[test]
    fn a_wildcard_is_judged_as_what_it_matches() {
        let subject = |text: &str| judge_wildcard(text, Part::Subject);
        assert_eq!(subject("*"), [Rule::AnyIdentity]);
        assert_eq!(subject("https://github.com/*"), [Rule::AnyIdentity]);
        assert_eq!(subject("https://github.com/acme*"), [Rule::IdentityWithoutBoundary]);
        assert_eq!(subject("https://github.com/acme/app/.github/workflows/a.yml@refs/tags/*"), []);
        assert_eq!(judge_wildcard("https://accounts.example.com", Part::Issuer), []);
    }

    #[test]
    fn an_anchor_holds_for_every_alternative() {
        assert!(is_anchored_at_start("^(a|b)") && !is_anchored_at_start("^a|b"));
    }
}
