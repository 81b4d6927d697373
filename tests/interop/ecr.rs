//! The stand-in for STS, IAM and ECR answers AWS's SDK for Python as it answers that for Rust, and cosign finds the login that we
//! write and verifies what we sealed, through the registry's own name.

use std::path::Path;

use sealwright_loopback::authority::{Authority, workflow_claims};
use sealwright_loopback::aws::{Account, Role};
use sealwright_loopback::registry::Tags;
use serde_json::{Value, json};

use crate::peer::{peer, say, sealwright};
use crate::registries::small_image;
use crate::sealed::{LENIENT, cosign, home};

const ROLE: &str = "arn:aws:iam::111122223333:role/release";

fn account(authority: &Authority) -> Account {
    let account = Account::start(authority).expect("account");
    account.create("shop/app");
    let statement = json!({ "Effect": "Allow", "Action": "ecr:*", "Resource": "*" });
    account.add_role(Role {
        arn: ROLE.to_owned(),
        subjects: vec!["repo:acme/shop:ref:refs/heads/*".to_owned()],
        permissions: json!({ "Version": "2012-10-17", "Statement": [statement] }),
    });
    account
}

#[test]
fn botocore_gets_the_same_answers() {
    let authority = Authority::start().expect("authority");
    let account = account(&authority);
    account.set_tags(Tags::ImmutableWithExclusion(vec!["sha256-*.att".to_owned()])).expect("mode");
    let mut claims = workflow_claims();
    claims["aud"] = json!("sts.amazonaws.com");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/aws/control_plane.py");
    let user = account.user();
    let mut python = std::process::Command::new(peer("SEALWRIGHT_BOTOCORE_PYTHON"));
    python.arg(script).arg(ROLE).env("WEB_IDENTITY_TOKEN", authority.token(&claims).expect("token"));
    python.env("USER_KEY", &user[0].1).env("USER_SECRET", &user[1].1).env("AWS_EC2_METADATA_DISABLED", "true");
    python.envs(account.variables()).env("HOME", "/nonexistent");
    let said = say(&mut python).expect_code(0);
    let mut answers: Value = serde_json::from_str(&said.stdout).expect(&said.stdout);
    let token = answers.as_object_mut().expect("object").remove("token").expect("token");
    assert!(token.as_str().is_some_and(|token| token.starts_with("QVdTO")), "AWS: in base64: {token}");
    let provider = authority.issuer().split_once("://").expect("URL").1;
    let expected = json!({
        "arn": "arn:aws:sts::111122223333:assumed-role/release/botocore",
        "mode": "IMMUTABLE_WITH_EXCLUSION",
        "filters": [{ "filterType": "WILDCARD", "filter": "sha256-*.att" }],
        "proxy": "https://111122223333.dkr.ecr.eu-west-1.amazonaws.com",
        "session policy": "AccessDeniedException",
        "no repository": "RepositoryNotFoundException",
        "wrong secret": "InvalidSignatureException",
        "role": ["/", "release", ROLE],
        // botocore takes the document out of its encoding.
        "trust policy": { "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
            "Principal": { "Federated": format!("arn:aws:iam::111122223333:oidc-provider/{provider}") },
            "Condition": {
                "StringEquals": { (format!("{provider}:aud")): "sts.amazonaws.com" },
                "StringLike": { (format!("{provider}:sub")): ["repo:acme/shop:ref:refs/heads/*"] },
            },
        }]},
        "no role": "NoSuchEntity",
        "not permitted": "AccessDenied",
        "forged": "SignatureDoesNotMatch",
        "elsewhere": "SignatureDoesNotMatch",
        "wrong role": "AccessDenied",
        "wrong token": "InvalidIdentityToken",
        "wrong policy": "MalformedPolicyDocument",
    });
    assert_eq!(answers, expected);
}

#[test]
fn cosign_uses_the_login_that_we_write_and_verifies_what_we_sealed() {
    let home = home();
    let authority = Authority::start().expect("authority");
    let account = account(&authority);
    account.set_tags(Tags::Immutable).expect("mode");
    std::fs::write(home.path().join("ca.pem"), account.ca_certificate()).expect("file");
    let mut variables = account.variables();
    variables.push(("SSL_CERT_FILE", home.path().join("ca.pem").display().to_string()));
    let rules = LENIENT.replace("127.0.0.1:*/**", "*.amazonaws.com/**");
    std::fs::write(home.path().join("policy.yaml"), rules).expect("file");
    let image = format!("{}/shop/app:v1", account.host());
    let source = small_image(home.path());
    let mut ours = sealwright(home.path());
    ours.envs(variables.clone()).envs(account.user());
    ours.args(["seal", &source, "--push", &image, "--policy", "policy.yaml", "--db", "db"]);
    say(ours.args(["--key", "cosign.key", "--transparency", "none"])).expect_code(0);
    let mut login = sealwright(home.path());
    say(login.envs(variables.clone()).envs(account.user()).args(["login", account.host()])).expect_code(0);
    let verify = ["verify", "--key", "cosign.pub", "--insecure-ignore-tlog=true", &image];
    say(cosign(home.path()).envs(variables).args(verify)).expect_code(0);
}
