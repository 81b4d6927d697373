//! What `doctor` says of set-ups in which one thing is wrong, and of one in which nothing is.

mod egress;
mod iam;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sealwright_loopback::authority::{Authority, Job, workflow_claims};
use sealwright_loopback::aws::{Account, Effect, Fault, Role};
use sealwright_loopback::github::{GitHub, Permission, Scope, Visibility};
use sealwright_loopback::registry::{ReferrersApi, Tags};
use serde_json::{Value, json};

use crate::scene::{Said, Scene};

const ROLE: &str = "arn:aws:iam::111122223333:role/release";
const SUBJECT: &str = "repo:acme@7890/shop@123456:ref:refs/heads/main";
const WORKFLOW: &str = "acme/ci/.github/workflows/seal.yml@refs/tags/v2.1";

/// What a token says where the repository is a new one and the job calls a reusable workflow.
fn claims(change: Value) -> Value {
    let mut claims = workflow_claims();
    let own = json!({ "sub": SUBJECT, "job_workflow_ref": WORKFLOW });
    for object in [own, change] {
        claims.as_object_mut().expect("object").extend(object.as_object().expect("object").clone());
    }
    claims
}

const TRUST_FILE: &str = "version: 1
builders:
  - name: release
    source: { repository: acme/shop, repository-id: 123456, owner-id: 7890, refs: [refs/heads/main, \"refs/tags/v*\"] }
    keyless:
      issuer: ISSUER
      workflow: { path: acme/ci/.github/workflows/seal.yml, tags: [\"v2.*\"] }
      runner: github-hosted
";

const ISSUER: &str = "https://token.actions.githubusercontent.com";

fn trust_policy(issuer: &str, condition: Value) -> String {
    let provider = issuer.split_once("://").expect("URL").1;
    let mut named = json!({});
    for (operator, keys) in condition.as_object().expect("object") {
        for (claim, value) in keys.as_object().expect("object") {
            named[operator][format!("{provider}:{claim}")] = value.clone();
        }
    }
    json!({ "Version": "2012-10-17", "Statement": [{
        "Sid": "Release", "Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity", "Condition": named,
        "Principal": { "Federated": format!("arn:aws:iam::111122223333:oidc-provider/{provider}") },
    }]})
    .to_string()
}

fn vault_role(change: Value) -> String {
    let mut role = json!({
        "role_type": "jwt", "bound_audiences": ["vault"], "user_claim": "repository_id", "bound_claims_type": "glob",
        "bound_claims": { "repository_id": "123456", "ref": ["refs/heads/main", "refs/tags/v*"] },
    });
    role.as_object_mut().expect("object").extend(change.as_object().expect("object").clone());
    json!({ "data": role }).to_string()
}

/// A token in a file, as somebody at a desk has one.
fn held(scene: &Scene, change: Value) {
    let mut claims =
        claims(json!({ "iss": ISSUER, "aud": "sts.amazonaws.com", "iat": 1_700_000_000, "exp": 4_102_444_800_u64 }));
    claims.as_object_mut().expect("object").extend(change.as_object().expect("object").clone());
    scene.write("token.jwt", format!("e30.{}.c2lnbmF0dXJl", URL_SAFE_NO_PAD.encode(claims.to_string())));
}

/// Runs it with that token; the row of this name has to fail for these reasons, and no other row.
#[track_caller]
fn fails(change: Value, (file, text): (&str, String), arguments: &[&str], name: &str, words: &[&str]) {
    let scene = Scene::new();
    held(&scene, change);
    scene.write(file, text);
    let arguments = [&["doctor", "--identity-token", "token.jwt"], arguments].concat();
    let said = scene.run(&[&arguments[..], &["-o", "text", "-o", "json=report.json"]].concat()).expect(2, words);
    only_fails(&scene, name);
    assert!(!said.stdout.contains("c2lnbmF0dXJl") && !said.stderr.contains("e30."), "{}", said.stdout);
}

fn rows(scene: &Scene) -> Vec<(String, String, String)> {
    let file = sealwright_core::bounded::read_file(&scene.path().join("report.json"), 1 << 20).expect("report");
    let report: Value = serde_json::from_slice(&file).expect("JSON");
    let text = |row: &Value, key: &str| row[key].as_str().expect("text").to_owned();
    let rows = report["checks"].as_array().expect("checks");
    rows.iter().map(|row| (text(row, "name"), text(row, "outcome"), row.to_string())).collect()
}

#[track_caller]
fn only_fails(scene: &Scene, name: &str) {
    let failing: Vec<_> = rows(scene).into_iter().filter(|(_, outcome, _)| outcome == "fail").collect();
    assert!(matches!(failing.as_slice(), [(found, _, _)] if found == name), "{failing:?}");
}

fn aws(condition: Value) -> (&'static str, String) {
    ("trust.json", trust_policy(ISSUER, condition))
}

const AWS: [&str; 4] = ["--aws-trust-policy", "trust.json", "--aws-role", ROLE];

#[test]
fn a_job_without_the_permission_for_tokens_is_told_the_lines_to_add() {
    let scene = Scene::new();
    let actions = ("GITHUB_ACTIONS", "true");
    let words = ["FAIL", "identity-token", "lacks the permission id-token: write", "    id-token: write"];
    scene.run_with(&[actions], &["doctor"]).expect(2, &words);
    let event =
        r#"{"pull_request":{"head":{"repo":{"full_name":"mallory/shop"}},"base":{"repo":{"full_name":"acme/shop"}}}}"#;
    scene.write("event.json", event);
    let file = scene.path().join("event.json").display().to_string();
    let pull = [actions, ("GITHUB_EVENT_NAME", "pull_request"), ("GITHUB_EVENT_PATH", file.as_str())];
    scene.run_with(&pull, &["doctor"]).expect(2, &["a fork's pull request cannot have it"]);
    // A key needs no token, and a desk is no job.
    scene.run_with(&[actions], &["doctor", "--key", "key.pem"]).expect(0, &["nothing that is asked for needs one"]);
    scene.run(&["doctor"]).expect(0, &["this is no job of GitHub Actions"]);
}

#[test]
fn a_trust_policy_for_another_audience() {
    let policy = aws(json!({ "StringEquals": { "aud": "sigstore", "sub": SUBJECT } }));
    let words = ["statement 1 (Release): aud is \"sts.amazonaws.com\", expected StringEquals \"sigstore\""];
    fails(json!({}), policy, &AWS, "aws-trust-policy", &words);
}

#[test]
fn a_trust_policy_with_the_other_form_of_the_subject() {
    let named = "repo:acme/shop:ref:refs/heads/main";
    let policy = |subject: &str| {
        aws(json!({ "StringEquals": { "aud": "sts.amazonaws.com", "sub": subject, "repository_id": "123456" } }))
    };
    let words = ["sub is", "immutable form", "2026-07-15", &format!("replace {named:?} by {SUBJECT:?}")];
    fails(json!({}), policy(named), &AWS, "aws-trust-policy", &words);
    let words = ["sub is", "older form by name", &format!("replace {SUBJECT:?} by {named:?}")];
    fails(json!({ "sub": named }), policy(SUBJECT), &AWS, "aws-trust-policy", &words);
}

#[test]
fn a_trust_policy_for_another_tag_of_the_workflow() {
    let other = "acme/ci/.github/workflows/seal.yml@refs/tags/v1.*";
    let condition = json!({
        "StringEquals": { "aud": "sts.amazonaws.com", "sub": SUBJECT }, "StringLike": { "job_workflow_ref": other },
    });
    let words = ["job_workflow_ref is", WORKFLOW, other, "sealwright policy export"];
    fails(json!({}), aws(condition), &AWS, "aws-trust-policy", &words);
}

#[test]
fn a_trust_policy_for_an_environment_that_the_job_does_not_run_in() {
    let condition = json!({ "StringEquals": { "aud": "sts.amazonaws.com", "sub": "repo:acme@7890/shop@123456:environment:release" } });
    let words = ["sub is", "the job runs in no environment", "`environment: release`"];
    fails(json!({}), aws(condition), &AWS, "aws-trust-policy", &words);
}

#[test]
fn a_trust_policy_that_lets_in_who_says_nothing() {
    let condition = json!({
        "StringEquals": { "aud": "sts.amazonaws.com" }, "ForAllValues:StringLike": { "sub": "repo:acme@7890/shop@123456:ref:*" },
    });
    let words =
        ["lets the job in", "sub: ForAllValues:StringLike also holds where the claim is missing", "sub: no condition"];
    fails(json!({}), aws(condition), &AWS, "aws-trust-policy", &words);
}

const VAULT: [&str; 2] = ["--vault-role-file", "role.json"];

#[test]
fn a_role_of_vault_for_another_ref() {
    let role = vault_role(json!({ "bound_claims": { "repository_id": "123456", "ref": "refs/heads/release" } }));
    let words = ["ref is \"refs/heads/main\", expected bound_claims (glob) \"refs/heads/release\""];
    fails(json!({}), ("role.json", role), &VAULT, "vault-role", &words);
}

#[test]
fn a_role_of_vault_for_another_audience() {
    let role = vault_role(json!({ "bound_audiences": ["https://vault.acme.example"] }));
    let words = ["aud is \"vault\"", "bound_audiences", "--vault-audience https://vault.acme.example"];
    fails(json!({}), ("role.json", role), &VAULT, "vault-role", &words);
}

const TRUST: [&str; 2] = ["--policy", "sealwright.yaml"];

fn trust_file() -> (&'static str, String) {
    ("sealwright.yaml", TRUST_FILE.replace("ISSUER", "github"))
}

#[test]
fn a_trust_file_that_pins_the_workflow_elsewhere() {
    let change = json!({ "job_workflow_ref": "acme/ci/.github/workflows/seal.yml@refs/tags/v3.0" });
    let words = ["builder \"release\": job_workflow_ref is", "workflow.tags", "refs/tags/v2.*", "pin the workflow"];
    fails(change, trust_file(), &TRUST, "trust-file", &words);
}

#[test]
fn a_trust_file_for_a_repository_of_another_id() {
    let change = json!({ "repository_id": "99", "sub": "repo:acme@7890/shop@99:ref:refs/heads/main" });
    let words = ["repository_id is \"99\", expected source.repository-id \"123456\""];
    fails(change, trust_file(), &TRUST, "trust-file", &words);
}

#[test]
fn a_token_of_github_that_lacks_a_permission() {
    let scene = Scene::new();
    let github = GitHub::start().expect("GitHub");
    github.repository("acme/shop", Visibility::Public);
    github.organization("acme");
    let all = [
        (Scope::Attestations, "attestations", &["--push-to-github"][..]),
        (Scope::SecurityEvents, "security-events", &["--sarif", "scan.sarif"]),
        (Scope::Contents, "contents", &["--dependencies", "app.cdx.json"]),
        (Scope::ArtifactMetadata, "artifact-metadata", &["--storage-record", "r.example/a@sha256:0"]),
    ];
    let flags: Vec<&str> = all.iter().flat_map(|(.., flags)| flags.iter().copied()).collect();
    let run = |token: &str| {
        let variables =
            [("GITHUB_API_URL", github.address()), ("GITHUB_TOKEN", token), ("GITHUB_REPOSITORY", "acme/shop")];
        let arguments = ["doctor", "--key", "key.pem", "-o", "text", "-o", "json=report.json"];
        scene.run_with(&variables, &[&arguments[..], &flags].concat())
    };
    for (missing, name, _) in all {
        let given = |scope: Scope| if scope == missing { Permission::Read } else { Permission::Write };
        let token = github.token_with("acme/shop", &all.map(|(scope, ..)| (scope, given(scope))));
        let word = name.replace('-', "_");
        let words =
            [&format!("lacks {name}: write in acme/shop")[..], &format!("{word}=write"), &format!("    {name}: write")];
        run(&token).expect(2, &words);
        only_fails(&scene, name);
    }
    let token = github.token_with("acme/shop", &all.map(|(scope, ..)| (scope, Permission::Write)));
    run(&token).expect(0, &["the token has attestations: write", "the token has artifact-metadata: write"]);
    assert!(rows(&scene).iter().all(|(_, outcome, _)| outcome != "warn"));
    assert!(github.requests().iter().all(|request| request.status >= 400), "something was stored");
    let without = ["doctor", "--key", "key.pem", "--push-to-github"];
    let address = [("GITHUB_API_URL", github.address())];
    scene.run_with(&address, &without).expect(2, &["attestations", "GITHUB_TOKEN: ${{ github.token }}"]);
}

#[test]
fn a_source_in_an_engine_that_is_not_there() {
    let scene = Scene::new();
    let nowhere = [("DOCKER_HOST", "unix:///nowhere/docker.sock")];
    let asked = ["doctor", "docker-daemon:app:v1", "--key", "key.pem", "-o", "text", "-o", "json=report.json"];
    scene.run_with(&nowhere, &asked).expect(2, &["docker", "/nowhere/docker.sock", "oci-archive:FILE"]);
    only_fails(&scene, "docker");
    scene
        .run_with(&nowhere, &["doctor", "oci:image", "--key", "key.pem"])
        .expect(0, &["no Docker engine answers here"]);
}

#[test]
fn a_clock_that_is_wrong() {
    let change = json!({ "iat": 4_102_444_000_u64 });
    let words = ["clock", "the token's issuer (iat) is", "s ahead of this machine", "set this machine's clock"];
    fails(change, ("unused", String::new()), &[], "clock", &words);
}

#[test]
fn a_registry_without_referrers() {
    let scene = Scene::new();
    scene.put_image("v1");
    scene.registry.switch(|switches| switches.referrers = ReferrersApi::Off);
    let reference = scene.reference();
    let arguments = ["doctor", "--key", "key.pem", "--push", &reference];
    let words = ["warn", "referrers", "has no referrers API", "the fallback tag sha256-HEX", "v1 names sha256:"];
    scene.run(&arguments).expect(0, &words);
    scene.registry.switch(|switches| switches.referrers = ReferrersApi::On);
    scene.run(&arguments).expect(0, &["lists referrers itself"]);
    // Exit 5 is for who does not answer.
    let nobody = ["doctor", "--key", "key.pem", "--push", "127.0.0.1:1/a:v1", "--timeout", "2s"];
    scene.run(&nobody).expect(5, &["FAIL", "registry"]);
}

/// A job with AWS, GitHub and everything that is to be checked.
struct Workplace {
    scene: Scene,
    authority: Authority,
    account: Account,
    github: GitHub,
}

impl Workplace {
    fn new() -> Self {
        let (scene, authority) = (Scene::new(), Authority::start().expect("authority"));
        let account = Account::start(&authority).expect("account");
        account.create("shop/app");
        scene.write("ca.pem", account.ca_certificate());
        let github = GitHub::start().expect("GitHub");
        github.repository("acme/shop", Visibility::Public);
        Self { scene, authority, account, github }
    }

    fn role(&self, subjects: &[&str]) {
        self.role_with(subjects, json!([{ "Effect": "Allow", "Action": "ecr:*", "Resource": "*" }]));
    }

    fn role_with(&self, subjects: &[&str], statements: Value) {
        let permissions = json!({ "Version": "2012-10-17", "Statement": statements });
        let subjects = subjects.iter().map(|subject| (*subject).to_owned()).collect();
        self.account.add_role(Role { arn: ROLE.to_owned(), subjects, permissions });
    }

    fn push(&self, tag: &str) -> String {
        format!("{}/shop/app:{tag}", self.account.host())
    }

    fn run(&self, job: &Job, arguments: &[&str]) -> Said {
        self.run_beside(job, &[], arguments)
    }

    /// The same where other credentials lie about.
    fn run_beside(&self, job: &Job, credentials: &[(&'static str, String)], arguments: &[&str]) -> Said {
        let ca = self.scene.path().join("ca.pem").display().to_string();
        let token = self.github.token("acme/shop", Permission::Write);
        let mut all = self.account.variables();
        all.extend(credentials.iter().cloned());
        all.extend([
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
            ("SSL_CERT_FILE", ca),
            ("GITHUB_ACTIONS", "true".to_owned()),
            ("GITHUB_API_URL", self.github.address().to_owned()),
            ("GITHUB_TOKEN", token),
            ("ACTIONS_ID_TOKEN_REQUEST_URL", job.request_url.clone()),
            ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", job.request_token.clone()),
        ]);
        let all: Vec<(&str, &str)> = all.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.scene.run_with(&all, &[&["doctor"], arguments, &["-o", "text", "-o", "json=report.json"]].concat())
    }

    /// Somebody with a token in a file and credentials of their own.
    fn run_at_a_desk(&self, role: &str) -> Said {
        held(&self.scene, json!({ "iss": self.authority.issuer() }));
        let all = [self.account.variables(), self.account.user()].concat();
        let all: Vec<(&str, &str)> = all.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let arguments =
            ["doctor", "--identity-token", "token.jwt", "--aws-role", role, "-o", "text", "-o", "json=report.json"];
        self.scene.run_with(&all, &arguments)
    }

    /// How often IAM was asked, signed for the one region where it is.
    fn asked_iam(&self) -> usize {
        let signed = |authorization: &String| authorization.contains("/us-east-1/iam/aws4_request");
        self.account.requests().iter().filter(|request| request.authorization.as_ref().is_some_and(signed)).count()
    }

    fn outcome(&self, name: &str) -> String {
        let row = rows(&self.scene).into_iter().find(|(found, ..)| found == name);
        row.map(|(_, outcome, _)| outcome).expect(name)
    }
}

#[test]
fn a_set_up_in_which_nothing_is_wrong_has_no_finding_and_shows_no_token() {
    let place = Workplace::new();
    let issuer = place.authority.issuer().to_owned();
    place.role(&[SUBJECT]);
    place.account.set_tags(Tags::Immutable).expect("mode");
    let condition = json!({ "StringEquals": {
        "aud": "sts.amazonaws.com", "sub": SUBJECT, "repository_id": "123456", "job_workflow_ref": WORKFLOW,
    }});
    place.scene.write("trust.json", trust_policy(&issuer, condition));
    place.scene.write("role.json", vault_role(json!({})));
    place.scene.write("sealwright.yaml", TRUST_FILE.replace("ISSUER", &issuer));
    let job = place.authority.job(&claims(json!({}))).expect("job");
    let push = place.push("v1");
    let arguments = [&AWS[..], &VAULT, &["--push", &push, "--push-to-github"]].concat();
    let said = place.run(&job, &arguments).expect(0, &["the job is builder \"release\"", "the registry ", "GitHub "]);
    let rows = rows(&place.scene);
    assert_eq!(rows.len(), 17);
    for (name, outcome, row) in &rows {
        // Neither asked for, nor of this machine.
        let aside = ["key", "security-events", "contents", "artifact-metadata", "docker"].contains(&name.as_str());
        assert!(outcome == "ok" || aside && outcome == "not checked" || name == "docker", "{row}");
    }
    for secret in ["eyJ", job.request_token.as_str()] {
        assert!(!said.stdout.contains(secret) && !said.stderr.contains(secret), "{}", said.stdout);
    }
    assert!(
        place.account.registry().requests().iter().all(|r| ["GET", "HEAD"].contains(&r.method.as_str())),
        "nothing is pushed"
    );
    assert_eq!(place.asked_iam(), 0, "a file counts before what IAM says");
}

#[test]
fn a_tag_that_cannot_move() {
    let place = Workplace::new();
    place.role(&[SUBJECT]);
    place.account.registry().put_manifest(
        "shop/app",
        Some("v1"),
        "application/vnd.oci.image.index.v1+json",
        br#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#.to_vec(),
    );
    place.account.set_tags(Tags::Immutable).expect("mode");
    let job = place.authority.job(&claims(json!({}))).expect("job");
    let push = place.push("v1");
    let words = ["tag", "names sha256:", "cannot move", "IMMUTABLE", "${{ github.sha }}"];
    place.run(&job, &["--push", &push, "--aws-role", ROLE]).expect(2, &words);
    only_fails(&place.scene, "tag");
}

#[test]
fn a_role_that_aws_refuses_is_explained_as_far_as_aws_explains() {
    let place = Workplace::new();
    place.role(&["repo:acme/shop:ref:refs/heads/main"]);
    let job = place.authority.job(&claims(json!({}))).expect("job");
    let push = place.push("v1");
    let words =
        ["aws-role", "Not authorized to perform sts:AssumeRoleWithWebIdentity", "aws iam get-role --role-name release"];
    place.run(&job, &["--push", &push, "--aws-role", ROLE]).expect(2, &words);
    // A role that is not given cannot read its own policy.
    assert_eq!(place.outcome("aws-trust-policy"), "not checked");
}

#[test]
fn what_is_exported_from_a_trust_file_lets_its_builder_in() {
    let place = Workplace::new();
    let scene = &place.scene;
    scene.write("sealwright.yaml", TRUST_FILE.replace("ISSUER", "github"));
    let export =
        ["policy", "export", "--format", "aws-trust-policy", "--account", "111122223333", "--outfile", "trust.json"];
    scene.run(&export).expect(0, &["warning: builder \"release\": AWS has no condition key for the runner"]);
    scene.run(&["policy", "export", "--format", "vault-role", "--outfile", "role.json"]).expect(0, &[]);
    let all = [&["doctor", "--identity-token", "token.jwt", "-o", "json=report.json"][..], &AWS, &VAULT].concat();
    held(scene, json!({}));
    scene.run(&all).expect(0, &[]);
    let outcomes = |scene: &Scene| {
        let wanted = ["aws-trust-policy", "vault-role", "trust-file"];
        rows(scene)
            .into_iter()
            .filter(|(name, ..)| wanted.contains(&name.as_str()))
            .map(|(_, o, _)| o)
            .collect::<Vec<_>>()
    };
    assert_eq!(outcomes(scene), ["ok", "ok", "ok"]);
    // All three refuse the same job.
    held(scene, json!({ "ref": "refs/heads/x", "sub": "repo:acme@7890/shop@123456:ref:refs/heads/x" }));
    scene.run(&all).expect(2, &[]);
    assert_eq!(outcomes(scene), ["fail", "fail", "fail"]);
    // And the stand-in for STS takes the exported subjects.
    let exported = sealwright_core::bounded::read_file(&scene.path().join("trust.json"), 1 << 20).expect("policy");
    let exported: Value = serde_json::from_slice(&exported).expect("JSON");
    let subjects = &exported["Statement"][0]["Condition"]["StringLike"]["token.actions.githubusercontent.com:sub"];
    let subjects: Vec<&str> =
        subjects.as_array().expect("both forms").iter().map(|s| s.as_str().expect("text")).collect();
    place.role(&subjects);
    let push = place.push("v1");
    for subject in [SUBJECT, "repo:acme/shop:ref:refs/heads/main"] {
        let job = place.authority.job(&claims(json!({ "sub": subject }))).expect("job");
        place.run(&job, &["--push", &push, "--aws-role", ROLE, "--key", "key.pem"]).expect(0, &["the job assumes"]);
    }
    let json = scene.run(&["policy", "export", "--format", "json"]).expect(0, &[]);
    assert_eq!(serde_json::from_str::<Value>(&json.stdout).expect("JSON")["builders"][0]["name"], "release");
    for (arguments, word) in [
        (&["--format", "aws-trust-policy"][..], "--account"),
        (&["--format", "aws-trust-policy", "--account", "1"], "12 digits"),
        (&["--format", "vault-role", "--builder", "x"], "no builder \"x\""),
        (&["--format", "json", "--policy", "policy.yaml"], "known by a key"),
    ] {
        scene.run(&[&["policy", "export"], arguments].concat()).expect(2, &[word]);
    }
}

#[test]
fn a_report_for_the_page_of_a_run_quotes_what_others_wrote() {
    let scene = Scene::new();
    held(&scene, json!({ "sub": "repo:a/b:`x`\n::error::|<script>" }));
    scene.write(
        "trust.json",
        trust_policy(ISSUER, json!({ "StringEquals": { "aud": "sts.amazonaws.com", "sub": SUBJECT } })),
    );
    let arguments = ["doctor", "--identity-token", "token.jwt", "--aws-trust-policy", "trust.json", "-o", "markdown"];
    let said = scene.run(&arguments).expect(2, &["## Doctor", "❌ 3 **aws-trust-policy**"]);
    assert!(!said.stdout.lines().any(|line| line.starts_with("::error")), "{}", said.stdout);
    assert!(said.stdout.contains("``"), "{}", said.stdout);
}
