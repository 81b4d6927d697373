//! What is exported takes the tokens that the trust file takes, and no others.

use proptest::prelude::*;
use sealwright_policy::Policy;
use sealwright_workload::aws::{Outcome, TrustPolicy};
use sealwright_workload::export::{aws_trust_policy, json, vault_role};
use sealwright_workload::vault::Role;
use sealwright_workload::{Claims, Fit, builders};
use serde_json::{Value, json};

use crate::fixtures::{changed, claims, token};

const AUDIENCE: &str = "sts.amazonaws.com";
const ACCOUNT: &str = "111122223333";

fn policy(builder: &str) -> Policy {
    let file = format!("version: 1\nbuilders:\n  - {builder}\n");
    sealwright_policy::parse(file.as_bytes(), "file", &|_| Err("none".into())).unwrap_or_else(|e| panic!("{file}\n{e}"))
}

fn release() -> Policy {
    policy(
        "{ name: release-1, source: { repository: acme/shop, repository-id: 123456, owner-id: 7890, refs: [refs/heads/main, \
         \"refs/tags/v*\"] }, keyless: { issuer: github, runner: github-hosted, triggers: [push], workflow: { path: \
         acme/ci/.github/workflows/seal.yml, tags: [\"v2.*\"], commits: [3f786850e387550fdab836ed7e6dc881de23001b] } } }",
    )
}

fn trusted(policy: &Policy, claims: &Claims) -> bool {
    builders(policy, claims).iter().any(|found| found.fit == Fit::Fits)
}

fn assumes(policy: &Policy, claims: &Claims) -> bool {
    let all: Vec<_> = policy.builders.iter().collect();
    let exported = aws_trust_policy(&all, ACCOUNT, AUDIENCE).expect("exported");
    let document = TrustPolicy::parse(exported.document.to_string().as_bytes()).expect("policy");
    document.evaluate(claims, Some(ACCOUNT)).outcome == Outcome::Allowed
}

fn logs_in(policy: &Policy, claims: &Claims) -> bool {
    let exported = vault_role(&policy.builders[0], AUDIENCE).expect("exported");
    let role = Role::parse(exported.document.to_string().as_bytes()).expect("role");
    role.evaluate(claims).differences.is_empty()
}

#[test]
fn the_trust_policy_names_every_claim_that_aws_knows_and_says_what_it_does_not() {
    let policy = release();
    let exported = aws_trust_policy(&[&policy.builders[0]], ACCOUNT, AUDIENCE).expect("exported");
    let statements = exported.document["Statement"].as_array().expect("statements");
    // Tags and commits of the workflow, times the one depth of the refs and the exact ref.
    assert_eq!(statements.len(), 4);
    let key = |name: &str| format!("token.actions.githubusercontent.com:{name}");
    let all = &statements[0];
    assert_eq!(all["Sid"], "release11");
    assert_eq!(
        all["Principal"]["Federated"],
        "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"
    );
    let equals = &all["Condition"]["StringEquals"];
    assert_eq!(equals[key("aud")], "sts.amazonaws.com");
    assert_eq!(equals[key("repository")], "acme/shop");
    assert_eq!(equals[key("repository_id")], "123456");
    assert_eq!(equals[key("repository_owner_id")], "7890");
    assert_eq!(
        equals[key("job_workflow_ref")],
        "acme/ci/.github/workflows/seal.yml@3f786850e387550fdab836ed7e6dc881de23001b"
    );
    let forms = ["repo:acme@7890/shop@123456:*", "repo:acme/shop:*"];
    assert_eq!(all["Condition"]["StringLike"][key("sub")], json!(forms));
    assert_eq!(all["Condition"]["StringNotLike"][key("sub")], "*:pull_request");
    let tags = statements.iter().find(|s| s["Condition"]["StringLike"].get(key("job_workflow_ref")).is_some());
    let tags = &tags.expect("a statement about tags")["Condition"];
    assert_eq!(tags["StringLike"][key("job_workflow_ref")], "acme/ci/.github/workflows/seal.yml@refs/tags/v2.*");
    assert_eq!(tags["StringNotLike"][key("job_workflow_ref")], "*/*/*/*/*/*/*/*");
    let notes = exported.notes.join("\n");
    for word in ["the runner: that it is github-hosted", "the event: that it is push", "characters, more than the 2048"]
    {
        assert!(notes.contains(word), "{word} is not in {notes}");
    }
    let again = aws_trust_policy(&[&policy.builders[0]], ACCOUNT, AUDIENCE).expect("exported");
    assert_eq!(exported.document.to_string(), again.document.to_string());
    let said = TrustPolicy::parse(exported.document.to_string().as_bytes()).expect("policy");
    assert_eq!(said.evaluate(&claims(&token()), None).dangers().collect::<Vec<_>>(), vec![]);
}

#[test]
fn the_role_of_vault_binds_every_claim() {
    let exported = vault_role(&release().builders[0], "vault").expect("exported");
    let expected = json!({
        "role_type": "jwt", "bound_audiences": ["vault"], "user_claim": "repository_id", "bound_claims_type": "glob",
        "bound_claims": {
            "repository": "acme/shop", "repository_id": "123456", "repository_owner_id": "7890", "event_name": ["push"],
            "runner_environment": "github-hosted", "ref": ["refs/heads/main", "refs/tags/v*"],
            "job_workflow_ref": [
                "acme/ci/.github/workflows/seal.yml@3f786850e387550fdab836ed7e6dc881de23001b",
                "acme/ci/.github/workflows/seal.yml@refs/tags/v2.*",
            ],
        },
    });
    assert_eq!(exported.document, expected);
    assert!(exported.notes.iter().any(|note| note.contains("crosses slashes")), "{:?}", exported.notes);
}

#[test]
fn what_cannot_be_said_is_not_written() {
    let builder =
        |source: &str, keyless: &str| policy(&format!("{{ name: b, {source} keyless: {{ issuer: {keyless} }} }}"));
    let source = "source: { repository: a/b },";
    let workflow = "workflow: { path: a/b/.github/workflows/c.yml, tags: [v1] }";
    for (policy, word) in [
        (policy("{ name: b, key: k.pub, transparency: none }"), "known by a key"),
        (builder("", &format!("github, {workflow}")), "names no source"),
        (builder("source: { repository-id: 7 },", &format!("github, {workflow}")), "by number alone"),
        (builder(source, &format!("https://gitlab.com, {workflow}")), "another issuer"),
        (builder(source, "github, identity-regexp: ^https://github.com/a/.*$"), "identity-regexp"),
        (builder(source, "github, identity: https://gitlab.com/a"), "no workflow of github.com"),
        (
            builder("source: { repository: a/b, refs: [\"refs/**/v*\"] },", &format!("github, {workflow}")),
            "names no refs",
        ),
    ] {
        let all: Vec<_> = policy.builders.iter().collect();
        let why = aws_trust_policy(&all, ACCOUNT, AUDIENCE).expect_err(word).to_string();
        assert!(why.contains(word), "{why}");
        assert!(vault_role(all[0], AUDIENCE).is_err_and(|why| why.to_string().contains(word)), "{word}");
    }
    let one = builder("source: { repository: a/b, refs: [\"refs/heads/x?\"] },", &format!("github, {workflow}"));
    let why = vault_role(&one.builders[0], AUDIENCE).expect_err("one character").to_string();
    assert!(why.contains("no wildcard for one character"), "{why}");
}

#[test]
fn the_plain_form_has_everything() {
    let policy = release();
    let found = json(&[&policy.builders[0]]);
    assert_eq!(found["builders"][0]["identity"]["workflow"]["tags"], json!(["v2.*"]));
    assert_eq!(found["builders"][0]["source"]["repository_id"], 123_456);
}

/// A builder, as its words.
#[derive(Debug, Clone)]
struct Words {
    ids: (bool, bool),
    refs: Vec<&'static str>,
    tags: Vec<&'static str>,
    commit: bool,
    exact: bool,
    runner: bool,
    triggers: Vec<&'static str>,
}

const COMMIT: &str = "3f786850e387550fdab836ed7e6dc881de23001b";
const PATH: &str = "acme/ci/.github/workflows/seal.yml";

impl Words {
    fn policy(&self) -> Policy {
        let list = |words: &[&str]| words.iter().map(|word| format!("{word:?}")).collect::<Vec<_>>().join(", ");
        let id = |known: bool, text: &str| if known { text.to_owned() } else { String::new() };
        let (repository, owner) = (id(self.ids.0, ", repository-id: 123456"), id(self.ids.1, ", owner-id: 7890"));
        let subject = if self.exact {
            format!(
                "identity: [\"https://github.com/{PATH}@refs/heads/main\", \"https://github.com/{PATH}@refs/tags/v*\"]"
            )
        } else {
            let commits = if self.commit { COMMIT } else { "" };
            let (tags, commits) = (list(&self.tags), commits);
            format!("workflow: {{ path: {PATH}, tags: [{tags}], commits: [{commits}] }}")
        };
        let refs = if self.refs.is_empty() { String::new() } else { format!(", refs: [{}]", list(&self.refs)) };
        let runner = id(self.runner, ", runner: github-hosted");
        let triggers =
            if self.triggers.is_empty() { String::new() } else { format!(", triggers: [{}]", list(&self.triggers)) };
        policy(&format!(
            "{{ name: b, source: {{ repository: acme/shop{repository}{owner}{refs} }}, keyless: {{ issuer: github, \
             {subject}{runner}{triggers} }} }}"
        ))
    }
}

fn words() -> impl Strategy<Value = Words> {
    const REFS: [&str; 8] = [
        "refs/heads/main",
        "refs/tags/v*",
        "refs/heads/*",
        "refs/heads/**",
        "refs/**/main",
        "refs/heads/v?",
        "refs/*/v1",
        "refs/pull/*/merge",
    ];
    const TAGS: [&str; 5] = ["v1", "v*", "rel/*", "v?.?", "v/**"];
    let some = |of: &'static [&'static str], least: usize| prop::sample::subsequence(of, least..=2);
    let triggers = some(&["pull_request", "push", "release", "pull_request_target"], 0);
    (any::<(bool, bool)>(), some(&REFS, 0), some(&TAGS, 1), any::<[bool; 3]>(), triggers).prop_map(
        |(ids, refs, tags, [commit, exact, runner], triggers)| Words {
            ids,
            refs,
            tags,
            commit,
            exact,
            runner,
            triggers,
        },
    )
}

/// A token of GitHub's, often one that nearly fits.
fn tokens() -> impl Strategy<Value = Value> {
    let pick = |of: &'static [&'static str]| prop::sample::select(of);
    let revision = pick(&[
        "refs/tags/v1",
        "refs/tags/v1/x",
        "refs/tags/rel/a",
        "refs/tags/rel/a/b",
        "refs/tags/v1.2",
        "refs/tags/v/a/b",
        "refs/heads/main",
        "refs/tags/v*",
        COMMIT,
    ]);
    let reference = pick(&[
        "refs/heads/main",
        "refs/tags/v1",
        "refs/tags/v1/x",
        "refs/heads/a/b",
        "refs/a/b/main",
        "refs/main",
        "refs/heads/v1",
        "refs/pull/7/merge",
        "refs/heads/",
    ]);
    let event = pick(&["push", "release", "pull_request", "pull_request_target", "schedule"]);
    let names = prop::sample::select(vec![
        ("acme", "shop"),
        ("acme", "shop"),
        ("acme", "shop"),
        ("acme", "lab"),
        ("evil", "shop"),
    ]);
    let path = prop::sample::select(vec![PATH, PATH, PATH, "acme/ci/.github/workflows/other.yml"]);
    let ids = prop::sample::select(vec![("123456", "7890"), ("123456", "7890"), ("1", "7890"), ("123456", "1")]);
    (revision, reference, event, names, path, ids, any::<[bool; 3]>()).prop_map(
        |(revision, reference, event, (owner, name), path, (id, owner_id), [immutable, hosted, environment])| {
            let context = match (environment, event) {
                (true, _) => "environment:release".to_owned(),
                (_, "pull_request") => "pull_request".to_owned(),
                _ => format!("ref:{reference}"),
            };
            let sub = match immutable {
                true => format!("repo:{owner}@{owner_id}/{name}@{id}:{context}"),
                false => format!("repo:{owner}/{name}:{context}"),
            };
            let runner = if hosted { "github-hosted" } else { "self-hosted" };
            let repository = format!("{owner}/{name}");
            let change = json!({
                "sub": sub, "repository": repository, "repository_id": id, "repository_owner": owner,
                "repository_owner_id": owner_id, "ref": reference, "event_name": event, "runner_environment": runner,
                "job_workflow_ref": format!("{path}@{revision}"),
            });
            changed(token(), change)
        },
    )
}

/// Whether the runner and the event, of which AWS knows nothing, are as the builder wants them.
fn unsaid_fits(policy: &Policy, claims: &Claims) -> bool {
    let found = builders(policy, claims);
    match &found[0].fit {
        Fit::Differs(differences) => {
            differences.iter().all(|d| !["runner_environment", "event_name"].contains(&d.claim.as_str()))
        }
        _ => true,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn aws_takes_exactly_what_the_trust_file_takes(words in words(), token in tokens()) {
        let (policy, claims) = (words.policy(), claims(&token));
        let pulls = token["ref"].as_str().is_some_and(|r| r.starts_with("refs/pull/"));
        let by_pull = token["event_name"].as_str().is_some_and(|event| event.starts_with("pull_request"));
        // Such a ref is a pull request's, whatever event the token names.
        prop_assume!(!pulls || by_pull);
        prop_assert_eq!(
            trusted(&policy, &claims),
            assumes(&policy, &claims) && unsaid_fits(&policy, &claims),
            "{}", aws_trust_policy(&[&policy.builders[0]], ACCOUNT, AUDIENCE).expect("exported").document
        );
    }

    #[test]
    fn vault_takes_what_the_trust_file_takes_and_more_only_where_a_star_crosses_a_slash(words in words(), token in tokens()) {
        let starless = |text: &&str| !text.contains('?');
        let words = Words { refs: words.refs.into_iter().filter(starless).collect(), tags: vec!["v1", "v*"], ..words };
        let (policy, claims) = (words.policy(), claims(&token));
        let (trusted, taken) = (trusted(&policy, &claims), logs_in(&policy, &claims));
        let bounded = |text: &&str| text.contains('*') && !text.contains("**");
        let exact = (words.exact || !words.tags.iter().any(bounded)) && !words.refs.iter().any(bounded);
        // A branch whose name is a star is one of Vault's globs.
        let star = token["job_workflow_ref"].as_str().is_some_and(|workflow| workflow.ends_with('*'));
        prop_assert!(star || taken || !trusted, "refused");
        // No list of a role says "no ref of a pull request", and whoever has one was started by such an event.
        let pulls = token["ref"].as_str().is_some_and(|r| r.starts_with("refs/pull/"));
        prop_assert!(!exact || pulls || trusted || !taken, "taken");
    }
}
