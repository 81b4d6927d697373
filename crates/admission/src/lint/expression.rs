//! How expressions compare the names of images and identities.

use sealwright_policy::Position;

use super::attestor::judge_expression;
use super::cel::{Token, calls, is_negated};
use super::identity::{Part, is_anchored_at_start};
use super::judge::Judge;
use super::rule::Rule;

/// What is compared, as far as it is a literal.
struct Comparison {
    at: Position,
    method: &'static str,
    text: String,
    negated: bool,
}

pub(super) fn judge(judge: &mut Judge<'_, '_>) {
    let comparisons = comparisons(judge);
    for comparison in &comparisons {
        judge_one(judge, comparison);
    }
    let latest =
        comparisons.iter().find(|c| c.negated && ["endsWith", "contains"].contains(&c.method) && c.text == ":latest");
    let demands_more =
        comparisons.iter().any(|c| !c.negated && (c.method == "matches" || c.text.starts_with(['@', ':'])))
            || ["containsDigest", "digest", "tag", "identifier"].iter().any(|function| judge.calls(function));
    if let Some(latest) = latest
        && !demands_more
    {
        judge.find(Rule::LatestByName, latest.at, &latest.text);
    }
}

fn comparisons(judge: &Judge<'_, '_>) -> Vec<Comparison> {
    let mut found = Vec::new();
    for expression in judge.deciding() {
        for method in ["startsWith", "endsWith", "contains", "matches"] {
            for (at, arguments) in calls(&expression.tokens, method) {
                if let [.., last] = arguments
                    && let Some(text) = last.text()
                    && arguments.len() <= 3
                {
                    let negated = is_negated(&expression.tokens, at);
                    found.push(Comparison { at: expression.at, method, text: text.to_owned(), negated });
                }
            }
        }
    }
    found
}

fn judge_one(judge: &mut Judge<'_, '_>, Comparison { at, method, text, negated }: &Comparison) {
    if *negated {
        return;
    }
    match (*method, text.as_str()) {
        ("contains", ":") => judge.find(Rule::TagTest, *at, "contains(':')"),
        ("contains", "@") => judge.find(Rule::DigestTest, *at, "contains('@')"),
        ("startsWith", prefix) if is_open_prefix(prefix) => judge.find(Rule::PrefixWithoutBoundary, *at, prefix),
        ("matches", pattern) => judge_pattern(judge, *at, pattern),
        _ => {}
    }
}

fn judge_pattern(judge: &mut Judge<'_, '_>, at: Position, pattern: &str) {
    let plain = pattern.trim_start_matches('^').replace('\\', "");
    if plain.starts_with("https://") {
        judge_expression(judge, at, pattern, Part::Subject);
    } else if is_image_name(&plain) && !is_anchored_at_start(pattern) {
        judge.find(Rule::UnanchoredImage, at, pattern);
    }
}

/// The beginning of an image's name or of an identity that ends inside the name of its owner, or of the host; further down the
/// names are of one owner. Of an identity the repository counts as well.
pub(super) fn is_open_prefix(prefix: &str) -> bool {
    if let Some((_, path)) = prefix.split_once("://") {
        return path.contains('.') && path.split('/').count() <= 3 && !path.ends_with(['/', '@', '#', '?']);
    }
    is_image_name(prefix) && prefix.matches('/').count() <= 1 && !prefix.ends_with(['/', ':', '@'])
}

/// A registry's host, with or without a repository: `ghcr.io/acme`, `registry:5000`.
fn is_image_name(text: &str) -> bool {
    let (host, path) = text.split_once('/').map_or((text, None), |(host, path)| (host, Some(path)));
    let plausible = !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.:*+()[]{}".contains(&b));
    let dotted = host.trim_matches('.').contains('.') || host.starts_with("localhost") || host.contains(':');
    plausible && dotted && host.starts_with(|c: char| c.is_ascii_alphanumeric()) && (path.is_some() || is_host(host))
}

/// Without a path only what ends as hosts do: a version has dots too.
fn is_host(text: &str) -> bool {
    let name = text.split(':').next().unwrap_or_default();
    name.rsplit('.').next().is_some_and(|last| last.len() >= 2 && last.bytes().all(|b| b.is_ascii_alphabetic()))
        && !["io", "dev", "com"].iter().all(|_| name.contains("kubernetes.io"))
}

impl Judge<'_, '_> {
    /// Whether some expression compares names with a list of what is allowed.
    pub(super) fn has_allow_list(&self) -> bool {
        let compares =
            |token: &Token| matches!(token.name(), Some("startsWith" | "matches" | "registry" | "repository" | "in"));
        self.deciding().any(|expression| expression.tokens.iter().any(compares))
    }
}
