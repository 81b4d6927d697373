use sealwright_workload::aws::{Evaluation, Outcome, TrustPolicy, Verdict};
use sealwright_workload::{Claims, Weight};
use serde_json::{Value, json};

use crate::fixtures::{changed, claims, token};

const PROVIDER: &str = "token.actions.githubusercontent.com";
const SUBJECT: &str = "repo:acme@7890/shop@123456:ref:refs/heads/main";

/// `StringEquals aud` becomes `StringEquals token.actions.githubusercontent.com:aud`.
fn statement(condition: Value) -> Value {
    let mut named = json!({});
    for (operator, keys) in condition.as_object().expect("object") {
        for (key, value) in keys.as_object().expect("object") {
            let key = if key.contains(':') { key.clone() } else { format!("{PROVIDER}:{key}") };
            named[operator][key] = value.clone();
        }
    }
    json!({
        "Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity", "Condition": named,
        "Principal": { "Federated": format!("arn:aws:iam::111122223333:oidc-provider/{PROVIDER}") },
    })
}

fn policy(statements: Value) -> TrustPolicy {
    let document = json!({ "Version": "2012-10-17", "Statement": statements });
    TrustPolicy::parse(document.to_string().as_bytes()).expect("policy")
}

fn good() -> Value {
    json!({ "StringEquals": { "aud": "sts.amazonaws.com", "sub": SUBJECT } })
}

fn evaluate(condition: Value, claims: &Claims) -> Evaluation {
    policy(statement(condition)).evaluate(claims, Some("111122223333"))
}

#[track_caller]
fn differs(condition: Value, changes: Value, words: &[&str]) {
    let evaluation = evaluate(condition, &claims(&changed(token(), changes)));
    assert_eq!(evaluation.outcome, Outcome::NotAllowed);
    let Verdict::Differs(differences) = &evaluation.statements[0].verdict else { panic!("{evaluation:?}") };
    assert_eq!(differences.len(), 1, "{differences:?}");
    let text = format!("{}; {}", differences[0], differences[0].next.clone().unwrap_or_default());
    for word in words {
        assert!(text.contains(word), "{word} is not in: {text}");
    }
}

#[track_caller]
fn dangers(condition: Value, expected: &[(Weight, &str)]) {
    let evaluation = evaluate(condition, &claims(&token()));
    let found: Vec<_> = evaluation.dangers().map(|(_, danger)| (danger.weight, danger.to_string())).collect();
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for ((weight, text), (expected, word)) in found.iter().zip(expected) {
        assert!(weight == expected && text.contains(word), "{word:?}: {text}");
    }
}

#[test]
fn the_guides_policy_lets_its_workflow_in_and_nothing_is_wrong_with_it() {
    let evaluation = evaluate(good(), &claims(&token()));
    assert_eq!(evaluation.outcome, Outcome::Allowed);
    dangers(good(), &[]);
}

#[test]
fn the_claim_that_differs_is_named_with_what_was_expected_and_what_the_token_has() {
    differs(
        good(),
        json!({ "aud": "sigstore" }),
        &["aud is \"sigstore\"", "StringEquals \"sts.amazonaws.com\"", "ask for a token"],
    );
    differs(
        good(),
        json!({ "sub": "repo:acme@7890/shop@123456:ref:refs/heads/x" }),
        &["sub is", "refs/heads/x", SUBJECT],
    );
    let with = |claim: &str, value: &str| json!({ "StringEquals": { "aud": "sts.amazonaws.com", "sub": SUBJECT }, "StringLike": { claim: value } });
    let other_tag = with("job_workflow_ref", "acme/ci/.github/workflows/seal.yml@refs/tags/v3*");
    differs(other_tag, json!({}), &["job_workflow_ref is", "at refs/tags/v2.1", "sealwright policy export"]);
    differs(with("environment", "release"), json!({}), &["environment is missing", "`environment: release`"]);
    differs(with("repository_id", "1"), json!({}), &["repository_id is \"123456\", expected StringLike \"1\""]);
}

#[test]
fn both_forms_of_the_subject_are_told_from_each_other_with_the_line_to_change() {
    let named = "repo:acme/shop:ref:refs/heads/main";
    let with = |operator: &str, subject: &str| {
        let mut condition = json!({ "StringEquals": { "aud": "sts.amazonaws.com" } });
        condition[operator]["sub"] = subject.into();
        condition
    };
    let old = json!({ "sub": named });
    for (operator, line, instead) in [
        ("StringEquals", named, SUBJECT),
        ("StringLike", "repo:acme/shop:*", "repo:acme@7890/shop@123456:*"),
        ("StringLike", "repo:acme/*:ref:refs/heads/main", SUBJECT),
    ] {
        let words = ["has the immutable form", "2026-07-15", &format!("replace {line:?} by {instead:?}")];
        differs(with(operator, line), json!({}), &words);
    }
    let words = ["has the older form", "replace \"repo:acme@7890/shop@123456:*\" by \"repo:acme/shop:*\""];
    differs(with("StringLike", "repo:acme@7890/shop@123456:*"), old.clone(), &words);
    // Another repository is just another one.
    let evaluation = evaluate(with("StringEquals", "repo:acme/lab:ref:refs/heads/main"), &claims(&token()));
    let Verdict::Differs(differences) = &evaluation.statements[0].verdict else { panic!("{evaluation:?}") };
    assert_eq!(differences[0].next, None);
}

#[test]
fn an_environment_is_in_the_subject_of_its_jobs_alone() {
    let with = |subject: &str| json!({ "StringEquals": { "aud": "sts.amazonaws.com", "sub": subject } });
    let release = "repo:acme@7890/shop@123456:environment:release";
    differs(with(release), json!({}), &["runs in no environment", "`environment: release`"]);
    let deployed = json!({ "sub": release, "environment": "release" });
    differs(good(), deployed, &["has that in its subject instead of the ref"]);
    differs(good(), json!({ "sub": "repo:acme@7890/shop@123456:pull_request" }), &["a pull request's job"]);
}

#[test]
fn dangers_are_told_also_where_the_token_fits() {
    use Weight::{Remarkable, Severe};
    let like =
        |subject: &str| json!({ "StringEquals": { "aud": "sts.amazonaws.com" }, "StringLike": { "sub": subject } });
    let aud = json!({ "StringEquals": { "aud": "sts.amazonaws.com" } });
    dangers(aud, &[(Severe, "sub: no condition demands it")]);
    let all =
        json!({ "StringEquals": { "aud": "sts.amazonaws.com" }, "ForAllValues:StringLike": { "sub": "repo:acme/*" } });
    dangers(
        all,
        &[
            (Severe, "ForAllValues:StringLike also holds where the claim is missing: write StringLike"),
            (Severe, "sub: no"),
        ],
    );
    dangers(json!({ "StringEquals": { "sub": SUBJECT } }), &[(Remarkable, "aud: no condition")]);
    for wide in ["*", "repo:*", "repo:ac*/shop:*", "re?o:acme/shop:*"] {
        let evaluation = evaluate(like(wide), &claims(&token()));
        assert!(evaluation.dangers().any(|(_, d)| d.weight == Severe && d.why.contains("every owner")), "{wide}");
    }
    let several = evaluate(like("repo:acme@7890/*"), &claims(&token()));
    assert!(several.dangers().any(|(_, d)| d.why.contains("several repositories")), "{several:?}");
    dangers(like("repo:acme@7890/shop@123456:*"), &[(Remarkable, "pull requests fit too")]);
    dangers(like("repo:acme@7890/shop@123456:ref:*"), &[]);
    let mut kept_out = like("repo:acme@7890/shop@123456:*");
    kept_out["StringNotLike"] = json!({ "sub": "*:pull_request" });
    dangers(kept_out, &[]);
    let named = json!({ "StringEquals": { "aud": "sts.amazonaws.com", "sub": "repo:acme/shop:ref:refs/heads/main" } });
    dangers(named.clone(), &[(Remarkable, "a name can be taken by somebody else")]);
    let mut with_id = named;
    with_id["StringEquals"]["repository_id"] = "123456".into();
    dangers(with_id, &[]);
    for (key, word) in
        [("runner_environment", "AWS has no condition key"), ("other.example:sub", "no key of the provider")]
    {
        let mut condition = good();
        condition["StringEquals"][key] = "x".into();
        dangers(condition, &[(Severe, word)]);
    }
    let mut if_exists = good();
    if_exists["StringEqualsIfExists"] = json!({ "ref": "refs/heads/main" });
    dangers(if_exists, &[(Remarkable, "StringEqualsIfExists also holds")]);
}

#[test]
fn one_statement_has_to_allow_and_one_that_denies_wins() {
    let other = statement(json!({ "StringEquals": { "sub": "repo:a/b:x" } }));
    let mut deny = statement(json!({ "StringNotEquals": { "repository_owner_id": "7890" } }));
    deny["Effect"] = "Deny".into();
    let mut deny_all = deny.clone();
    deny_all.as_object_mut().expect("object").remove("Condition");
    let outcome = |statements: Value, token: &Value| policy(statements).evaluate(&claims(token), None).outcome;
    assert_eq!(outcome(json!([other, statement(good())]), &token()), Outcome::Allowed);
    assert_eq!(outcome(json!([other]), &token()), Outcome::NotAllowed);
    assert_eq!(outcome(json!([]), &token()), Outcome::NotAllowed);
    assert_eq!(outcome(json!([deny, statement(good())]), &token()), Outcome::Allowed);
    let stranger = changed(token(), json!({ "repository_owner_id": "1" }));
    assert_eq!(outcome(json!([statement(good()), deny]), &stranger), Outcome::Denied);
    assert_eq!(outcome(json!([statement(good()), deny_all]), &token()), Outcome::Denied);
}

#[test]
fn what_depends_on_the_request_is_not_guessed() {
    let mut depends = good();
    depends["IpAddress"] = json!({ "aws:SourceIp": "10.0.0.0/8" });
    let evaluation = evaluate(depends.clone(), &claims(&token()));
    assert_eq!(evaluation.outcome, Outcome::NotKnown);
    assert_eq!(evaluation.statements[0].verdict, Verdict::Depends(vec!["IpAddress aws:SourceIp".into()]));
    let mut deny = statement(depends);
    deny["Effect"] = "Deny".into();
    let both = policy(json!([statement(good()), deny])).evaluate(&claims(&token()), None);
    assert_eq!(both.outcome, Outcome::NotKnown);
}

#[test]
fn the_principal_and_the_action_have_to_be_meant() {
    let word = |change: Value, account: Option<&str>| {
        let evaluation = policy(changed(statement(good()), change)).evaluate(&claims(&token()), account);
        match &evaluation.statements[0].verdict {
            Verdict::Differs(differences) => differences.iter().map(ToString::to_string).collect::<String>(),
            other => format!("{other:?}"),
        }
    };
    let named = |arn: &str| json!({ "Principal": { "Federated": arn } });
    assert_eq!(word(json!({}), None), "Applies");
    assert!(word(json!({}), Some("444455556666")).contains("arn:aws:iam::444455556666:oidc-provider"));
    assert!(
        word(named("arn:aws:iam::111122223333:oidc-provider/gitlab.com"), None).starts_with("Principal.Federated is")
    );
    assert!(
        word(json!({ "Principal": { "Service": "ec2.amazonaws.com" } }), None)
            .contains("Principal.Federated is missing")
    );
    assert_eq!(
        word(named("arn:aws-cn:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"), None),
        "Applies"
    );
    assert!(word(json!({ "Action": "sts:AssumeRole" }), None).contains("Action is \"sts:AssumeRole\""));
    assert_eq!(word(json!({ "Action": ["sts:TagSession", "STS:assumerole*"] }), None), "Applies");
}

#[test]
fn what_cannot_be_judged_is_refused_and_what_iam_prints_is_read() {
    let whole = json!({ "Version": "2012-10-17", "Statement": statement(good()) });
    let printed = json!({ "Role": { "RoleName": "release", "AssumeRolePolicyDocument": whole } });
    let policy = TrustPolicy::parse(printed.to_string().as_bytes()).expect("policy");
    assert_eq!(policy.evaluate(&claims(&token()), None).outcome, Outcome::Allowed);
    for (pointer, key, value) in [
        ("", "Statements", json!([])),
        ("/Statement", "NotPrincipal", json!("*")),
        ("/Statement", "Resource", json!("*")),
        ("/Statement", "Effect", json!("allow")),
        ("/Statement", "Principal", json!("everyone")),
        ("/Statement", "Principal", json!({ "Federate": "x" })),
        ("/Statement", "NotAction", json!("x")),
        ("/Statement", "Condition", json!([])),
        ("/Statement", "Condition", json!({ "StringEquals": "x" })),
    ] {
        let mut changed = whole.clone();
        changed.pointer_mut(pointer).expect("object")[key] = value;
        assert!(TrustPolicy::parse(changed.to_string().as_bytes()).is_err(), "{pointer} {key}");
    }
    // Of two keys that are the same, IAM and a parser could each take another one.
    let twice = whole.to_string().replace("\"Effect\":", "\"Effect\":\"Deny\",\"Effect\":");
    assert!(TrustPolicy::parse(twice.as_bytes()).is_err_and(|e| e.to_string().contains("twice")));
    assert!(TrustPolicy::parse(&vec![b' '; 70_000]).is_err_and(|e| e.to_string().contains("more than")));
}
