//! What a certificate says about the CI workload that it was issued to (sigstore/fulcio, `docs/oid-info.md`), and what it has
//! to say.

use sealwright_policy::{KeylessRule, PullRequest, Runner, pull_request};
use sigstore_crypto::FulcioCiClaims;

/// The claims as somebody names them: a certificate, or the token that one will be issued for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NamedClaims<'a> {
    /// The event that started the workload (`.1.20`).
    pub trigger: Option<&'a str>,
    /// The commit that it ran on (`.1.13`).
    pub commit: Option<&'a str>,
    /// The name of the workflow (`.1.4`, which has no successor).
    pub workflow_name: Option<&'a str>,
    /// The source repository, at GitHub `owner/name` (`.1.12`).
    pub repository: Option<&'a str>,
    /// The ref that it ran on (`.1.14`).
    pub reference: Option<&'a str>,
    /// The number that stays when a repository is renamed (`.1.15`).
    pub repository_id: Option<&'a str>,
    /// The number of the repository's owner (`.1.17`).
    pub owner_id: Option<&'a str>,
    /// The kind of machine (`.1.11`).
    pub runner: Option<&'a str>,
}

impl<'a> From<&'a FulcioCiClaims> for NamedClaims<'a> {
    /// Older certificates have GitHub's own claims only (`.1.2` to `.1.6`), newer ones both.
    fn from(claims: &'a FulcioCiClaims) -> Self {
        let older = &claims.deprecated_github;
        let either = |new: &'a Option<String>, old: &'a Option<String>| new.as_deref().or(old.as_deref());
        // Fulcio writes the address of the repository. Of another host it stays as it is, and fits no `owner/name`.
        let at_github = |uri: &'a str| uri.strip_prefix("https://github.com/").unwrap_or(uri);
        let repository = claims.source_repository_uri.as_deref().map(at_github);
        Self {
            trigger: either(&claims.build_trigger, &older.workflow_trigger),
            commit: either(&claims.source_repository_digest, &older.workflow_sha),
            workflow_name: older.workflow_name.as_deref(),
            repository: repository.or(older.workflow_repository.as_deref()),
            reference: either(&claims.source_repository_ref, &older.workflow_ref),
            repository_id: claims.source_repository_identifier.as_deref(),
            owner_id: claims.source_repository_owner_identifier.as_deref(),
            runner: claims.runner_environment.as_deref(),
        }
    }
}

/// What has to be claimed, each exactly; what is left out is not compared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClaimRules {
    /// What may have started the workload.
    pub triggers: TriggerRule,
    /// The commit.
    pub commit: Option<String>,
    /// The name of the workflow.
    pub workflow_name: Option<String>,
    /// `owner/name`.
    pub repository: Option<String>,
    /// The full ref.
    pub reference: Option<String>,
    /// The repository's number.
    pub repository_id: Option<u64>,
    /// The owner's number.
    pub owner_id: Option<u64>,
    /// The kind of machine.
    pub runner: Option<Runner>,
}

/// What may have started a workload.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum TriggerRule {
    /// Anything.
    #[default]
    Any,
    /// Everything but pull requests: whoever opens one decides what runs, or on what it runs.
    NoPullRequest,
    /// One of these events.
    OneOf(Vec<String>),
}

impl ClaimRules {
    /// A trust file's rule.
    pub(crate) fn from_policy(rule: &KeylessRule) -> Self {
        let triggers = match rule.triggers.as_slice() {
            [] => TriggerRule::NoPullRequest,
            events => TriggerRule::OneOf(events.to_vec()),
        };
        Self { triggers, runner: rule.runner, ..Self::default() }
    }

    /// The first claim that does not fit, with what was found and expected; nothing if all do.
    pub(crate) fn mismatch(&self, named: &NamedClaims<'_>) -> Option<String> {
        let number = |id: Option<u64>| id.map(|id| id.to_string());
        let exact = [
            ("commit", named.commit, self.commit.clone()),
            ("workflow name", named.workflow_name, self.workflow_name.clone()),
            ("repository", named.repository, self.repository.clone()),
            ("ref", named.reference, self.reference.clone()),
            ("repository id", named.repository_id, number(self.repository_id)),
            ("owner id", named.owner_id, number(self.owner_id)),
            ("runner", named.runner, self.runner.map(|runner| runner.word().to_owned())),
        ];
        let differs = |(claim, found, expected): (&str, Option<&str>, Option<String>)| {
            let expected = expected.filter(|expected| found != Some(expected))?;
            Some(wrong(claim, found, &expected))
        };
        self.triggers.mismatch(named).or_else(|| exact.into_iter().find_map(differs))
    }
}

impl TriggerRule {
    fn mismatch(&self, named: &NamedClaims<'_>) -> Option<String> {
        match self {
            Self::Any => None,
            Self::NoPullRequest => match pull_request(named.trigger, named.reference)? {
                PullRequest::Trigger => Some(wrong("trigger", named.trigger, "no pull request")),
                PullRequest::Ref => Some(wrong("ref", named.reference, "none of a pull request")),
            },
            Self::OneOf(events) => {
                let fits = named.trigger.is_some_and(|found| events.iter().any(|event| event == found));
                (!fits).then(|| wrong("trigger", named.trigger, &events.join(" or ")))
            }
        }
    }
}

fn wrong(claim: &str, found: Option<&str>, expected: &str) -> String {
    format!("the certificate's {claim} is {}, expected {expected}", shown(found))
}

/// A claim in a message.
pub(crate) fn shown(text: Option<&str>) -> String {
    text.map_or_else(|| "not stated".to_owned(), |t| format!("{:?}", t.chars().take(300).collect::<String>()))
}

#[cfg(test)]
mod tests {
    use sealwright_policy::SubjectRule;

    use super::*;

    const NAMED: NamedClaims<'_> = NamedClaims {
        trigger: Some("push"),
        commit: Some("3f78"),
        workflow_name: Some("release"),
        repository: Some("acme/shop"),
        reference: Some("refs/heads/main"),
        repository_id: Some("7"),
        owner_id: Some("8"),
        runner: Some("github-hosted"),
    };

    fn all() -> ClaimRules {
        ClaimRules {
            triggers: TriggerRule::OneOf(vec!["push".into(), "release".into()]),
            commit: Some("3f78".into()),
            workflow_name: Some("release".into()),
            repository: Some("acme/shop".into()),
            reference: Some("refs/heads/main".into()),
            repository_id: Some(7),
            owner_id: Some(8),
            runner: Some(Runner::GithubHosted),
        }
    }

    #[test]
    fn each_claim_is_compared_and_the_message_names_it_with_found_and_expected() {
        assert_eq!(all().mismatch(&NAMED), None);
        type Set = fn(&mut NamedClaims<'_>, Option<&'static str>);
        let cases: [(Set, &str, &str); 8] = [
            (|n, v| n.trigger = v, "trigger", "push or release"),
            (|n, v| n.commit = v, "commit", "3f78"),
            (|n, v| n.workflow_name = v, "workflow name", "release"),
            (|n, v| n.repository = v, "repository", "acme/shop"),
            (|n, v| n.reference = v, "ref", "refs/heads/main"),
            (|n, v| n.repository_id = v, "repository id", "7"),
            (|n, v| n.owner_id = v, "owner id", "8"),
            (|n, v| n.runner = v, "runner", "github-hosted"),
        ];
        for (set, claim, expected) in cases {
            for (found, shown) in [(Some("other"), "\"other\""), (None, "not stated")] {
                let mut named = NAMED;
                set(&mut named, found);
                let why = format!("the certificate's {claim} is {shown}, expected {expected}");
                assert_eq!(all().mismatch(&named), Some(why));
                assert_eq!(ClaimRules::default().mismatch(&named), None, "what is left out is not compared");
            }
        }
    }

    #[test]
    fn a_trust_files_builder_is_not_started_by_a_pull_request_unless_it_says_so() {
        let rule = |triggers: &[&str]| {
            let triggers = triggers.iter().map(|event| (*event).to_owned()).collect();
            let subject = SubjectRule::Exact("s".into());
            ClaimRules::from_policy(&KeylessRule { issuer: "i".into(), subject, runner: None, triggers })
        };
        let started = |trigger, reference| NamedClaims { trigger, reference, ..NAMED };
        let branch = Some("refs/heads/main");
        for trigger in [Some("push"), Some("schedule"), Some("workflow_dispatch"), None] {
            assert_eq!(rule(&[]).mismatch(&started(trigger, branch)), None, "{trigger:?}");
        }
        let asked = ["pull_request", "pull_request_target", "pull_request_review"];
        for trigger in asked.into_iter().chain(["merge_request_event", "external_pull_request_event"]) {
            let why = rule(&[]).mismatch(&started(Some(trigger), branch)).expect(trigger);
            assert_eq!(why, format!("the certificate's trigger is {trigger:?}, expected no pull request"));
            assert_eq!(rule(&[trigger]).mismatch(&started(Some(trigger), branch)), None);
        }
        let pull = started(Some("push"), Some("refs/pull/7/merge"));
        let why = "the certificate's ref is \"refs/pull/7/merge\", expected none of a pull request";
        assert_eq!(rule(&[]).mismatch(&pull).as_deref(), Some(why));
        assert!(rule(&[]).mismatch(&started(None, Some("refs/pull/7/head"))).is_some());
        assert!(rule(&["push"]).mismatch(&started(Some("pull_request"), branch)).is_some());
        assert!(rule(&["push"]).mismatch(&started(None, branch)).is_some());
    }

    #[test]
    fn the_older_claims_count_where_there_are_no_newer_ones() {
        let mut claims = FulcioCiClaims::default();
        claims.deprecated_github.workflow_trigger = Some("push".into());
        claims.deprecated_github.workflow_sha = Some("3f78".into());
        claims.deprecated_github.workflow_name = Some("release".into());
        claims.deprecated_github.workflow_repository = Some("acme/shop".into());
        claims.deprecated_github.workflow_ref = Some("refs/heads/main".into());
        let older = NamedClaims { repository_id: None, owner_id: None, runner: None, ..NAMED };
        assert_eq!(NamedClaims::from(&claims), older);
        claims.build_trigger = Some("release".into());
        claims.source_repository_digest = Some("abcd".into());
        claims.source_repository_uri = Some("https://github.com/acme/lab".into());
        claims.source_repository_ref = Some("refs/tags/v1".into());
        claims.source_repository_identifier = Some("7".into());
        claims.source_repository_owner_identifier = Some("8".into());
        claims.runner_environment = Some("github-hosted".into());
        let newer = NamedClaims {
            trigger: Some("release"),
            commit: Some("abcd"),
            repository: Some("acme/lab"),
            reference: Some("refs/tags/v1"),
            ..NAMED
        };
        assert_eq!(NamedClaims::from(&claims), newer);
        claims.source_repository_uri = Some("https://gitlab.com/acme/lab".into());
        assert_eq!(NamedClaims::from(&claims).repository, Some("https://gitlab.com/acme/lab"));
    }
}
