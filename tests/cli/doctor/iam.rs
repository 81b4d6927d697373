//! The trust policy of a role, as IAM shows it to whoever may read it.

use super::*;

/// What lets a role read its own trust policy.
fn reads_itself() -> Value {
    json!([
        { "Effect": "Allow", "Action": "ecr:*", "Resource": "*" },
        { "Effect": "Allow", "Action": "iam:GetRole", "Resource": ROLE },
    ])
}

#[test]
fn a_role_that_may_reads_its_own_trust_policy_in_a_session_for_nothing_else() {
    let place = Workplace::new();
    place.role_with(&[SUBJECT], reads_itself());
    let job = place.authority.job(&claims(json!({}))).expect("job");
    let push = place.push("v1");
    let said = place.run(&job, &["--push", &push, "--aws-role", ROLE]).expect(0, &["statement 1 lets the job in"]);
    assert_eq!((place.outcome("aws-trust-policy").as_str(), place.asked_iam()), ("ok", 1));
    assert!(rows(&place.scene).iter().all(|(_, outcome, _)| !["warn", "fail"].contains(&outcome.as_str())));
    for secret in ["eyJ", "Federated", job.request_token.as_str()] {
        assert!(!said.stdout.contains(secret) && !said.stderr.contains(secret), "{}", said.stdout);
    }
    // No image is needed for it: the Security Token Service is asked where IAM is.
    place.run(&job, &["--aws-role", ROLE]).expect(0, &["statement 1 lets the job in"]);
    assert_eq!(place.outcome("aws-trust-policy"), "ok");
}

#[test]
fn the_trust_policy_of_iam_names_the_subject_that_differs() {
    let place = Workplace::new();
    let named = "repo:acme/shop:ref:refs/heads/main";
    place.role_with(&[named], reads_itself());
    let job = place.authority.job(&claims(json!({}))).expect("job");
    let push = place.push("v1");
    let arguments = ["--push", &push, "--aws-role", ROLE];
    let words =
        ["statement 1: sub is", "expected StringLike", &format!("replace {named:?} by {SUBJECT:?}"), "aws-role"];
    place.run_beside(&job, &place.account.user(), &arguments).expect(2, &words);
    let failing = |name: &str| place.outcome(name) == "fail";
    assert!(failing("aws-trust-policy") && failing("aws-role"));
}

#[test]
fn the_trust_policy_of_iam_names_the_audience_that_differs() {
    let place = Workplace::new();
    place.role_with(&[SUBJECT], reads_itself());
    let condition = json!({ "StringEquals": { "aud": "sigstore", "sub": SUBJECT } });
    let policy = trust_policy(place.authority.issuer(), condition);
    place.account.set_trust_policy(ROLE, serde_json::from_str(&policy).expect("JSON")).expect("role");
    let words = ["statement 1 (Release): aud is \"sts.amazonaws.com\", expected StringEquals \"sigstore\""];
    place.run_at_a_desk(ROLE).expect(2, &words);
    only_fails(&place.scene, "aws-trust-policy");
    let job = place.authority.job(&claims(json!({}))).expect("job");
    place.run_beside(&job, &place.account.user(), &["--aws-role", ROLE]).expect(2, &words);
}

#[test]
fn a_policy_that_nobody_may_read_is_no_failure_and_the_permission_is_named() {
    let place = Workplace::new();
    place.role(&[SUBJECT]);
    let job = place.authority.job(&claims(json!({}))).expect("job");
    let push = place.push("v1");
    let arguments = ["--push", &push, "--aws-role", ROLE];
    let words = [
        &format!("that needs iam:GetRole on {ROLE}")[..],
        "as the role: iam:GetRole is not permitted: AccessDenied",
        "because no identity-based policy allows the iam:GetRole action",
        "there are no AWS credentials",
        "aws iam get-role --role-name release > trust.json",
        "the job assumes",
    ];
    place.run(&job, &arguments).expect(0, &words);
    assert_eq!(place.outcome("aws-trust-policy"), "not checked");
    // Whoever else is there may read it.
    place.run_beside(&job, &place.account.user(), &arguments).expect(0, &["statement 1 lets the job in"]);
    assert_eq!(place.outcome("aws-trust-policy"), "ok");
}

#[test]
fn a_role_of_that_name_in_another_account_is_not_taken_for_it() {
    let place = Workplace::new();
    place.role(&[SUBJECT]);
    let other = "arn:aws:iam::999988887777:role/release";
    let words =
        [&format!("the credentials lead to {ROLE}, expected {other}")[..], &format!("needs iam:GetRole on {other}")];
    place.run_at_a_desk(other).expect(0, &words);
    assert_eq!(place.outcome("aws-trust-policy"), "not checked");
}

#[test]
fn iam_that_does_not_answer_is_asked_again_and_what_it_says_has_a_limit() {
    let place = Workplace::new();
    place.role(&[SUBJECT]);
    place.account.fault(Fault::once("POST", "/", Effect::Status(503)));
    place.run_at_a_desk(ROLE).expect(0, &["statement 1 lets the job in"]);
    place.account.fault(Fault::once("POST", "/", Effect::Endless));
    place.run_at_a_desk(ROLE).expect(0, &["iam:GetRole: the answer is longer than 262144 bytes"]);
    assert_eq!(place.outcome("aws-trust-policy"), "not checked");
    place.account.fault(Fault::always("POST", "/", Effect::Status(503)));
    place.run_at_a_desk(ROLE).expect(5, &["FAIL", "aws-trust-policy", "iam:GetRole failed: 503"]);
}
