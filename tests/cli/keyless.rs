//! Keyless seals at the loopback authority.

use sealwright_loopback::authority::{Authority, Effect, Fault, LogVersion, workflow_claims};
use serde_json::{Value, json};

use crate::scene::{Said, Scene};

pub(crate) const IDENTITY: &str = "https://github.com/acme/shop/.github/workflows/release.yml@refs/heads/main";

pub(crate) struct Keyless {
    pub(crate) scene: Scene,
    pub(crate) authority: Authority,
    source: String,
}

impl Keyless {
    pub(crate) fn new(log: LogVersion, claims: &Value) -> Self {
        let authority = Authority::start().expect("authority");
        let scene = Scene::new();
        scene.write("token", authority.token(claims).expect("token"));
        scene.write("root.json", authority.trusted_root().expect("trusted root"));
        scene.write("config.json", authority.signing_config(log));
        let source = scene.image("image", "1.4-r0");
        Self { scene, authority, source }
    }

    fn release(&self, name: &str, reference: &str, repository_id: u32) {
        let issuer = self.authority.issuer();
        self.scene.write(
            name,
            format!(
                "version: 1
builders:
  - name: release
    source: {{ repository: acme/shop, repository-id: {repository_id}, refs: [{reference}] }}
    keyless: {{ issuer: \"{issuer}\", identity: \"{IDENTITY}\", runner: github-hosted }}
    evidence: {{ provenance: {{ level: 2 }} }}
gate: {{ unknown-severity: report, max-advisory-age: off }}
"
            ),
        );
    }

    pub(crate) fn seal(&self) -> Said {
        self.seal_with(&[], &["--identity-token", "token"])
    }

    fn seal_with(&self, variables: &[(&str, &str)], more: &[&str]) -> Said {
        self.release("policy.yaml", "refs/heads/main", 123_456);
        let reference = self.scene.reference();
        let fixed = ["seal", &self.source, "--push", &reference, "--policy", "policy.yaml", "--db", "db"];
        let keyless = ["--trusted-root", "root.json", "--signing-config", "config.json", "--timeout", "3s"];
        self.scene.run_with(variables, &[&fixed[..], &keyless[..], more].concat())
    }

    fn verify(&self, more: &[&str]) -> Said {
        self.scene.verify(&[&["--trusted-root", "root.json"], more].concat())
    }
}

#[test]
fn a_workflow_seals_and_only_what_fits_it_verifies() {
    for log in [LogVersion::V1, LogVersion::V2] {
        let keyless = Keyless::new(log, &workflow_claims());
        keyless.seal().expect(0, &["SLSA_BUILD_LEVEL_2", "v1 names it now"]);
        let said =
            keyless.verify(&["--policy", "policy.yaml", "--explain"]).expect(0, &["verified", IDENTITY, "signed  20"]);
        assert!(!said.stdout.contains("self-asserted"), "{}", said.stdout);
        keyless.scene.run(&["tree", &keyless.scene.reference()]).expect(0, &["  certificate  sha256:"]);
        let issuer = keyless.authority.issuer();
        let by = |identity: &str, issuer: &str| {
            keyless.verify(&["--certificate-identity", identity, "--certificate-oidc-issuer", issuer])
        };
        by(IDENTITY, issuer).expect(0, &["verified"]);
        by("https://github.com/mallory/shop/.github/workflows/release.yml@refs/heads/main", issuer).expect(4, &[]);
        by(IDENTITY, "https://token.actions.githubusercontent.com").expect(4, &[]);
        // The repository was renamed away and its name taken by another; a branch that may not release.
        for (name, reference, id) in [("taken.yaml", "refs/heads/main", 666), ("tag.yaml", "\"refs/tags/v*\"", 123_456)]
        {
            keyless.release(name, reference, id);
            keyless.verify(&["--policy", name]).expect(4, &["source"]);
        }
        let stranger = Authority::start().expect("authority");
        keyless.scene.write("root.json", stranger.trusted_root().expect("trusted root"));
        by(IDENTITY, issuer).expect(4, &[]);
    }
}

#[test]
fn what_a_certificate_claims_of_its_workload_is_compared_claim_by_claim() {
    let keyless = Keyless::new(LogVersion::V2, &workflow_claims());
    keyless.seal().expect(0, &[]);
    let issuer = keyless.authority.issuer();
    let with = |more: &[&str]| {
        let who = ["--certificate-identity", IDENTITY, "--certificate-oidc-issuer", issuer];
        keyless.verify(&[&who[..], more].concat())
    };
    let claims = [
        ("workflow-trigger", "push", "schedule", "trigger is \"push\""),
        ("workflow-sha", "3f786850e387550fdab836ed7e6dc881de23001b", "3f78", "commit is \"3f786850e38"),
        ("workflow-name", "release", "Release", "workflow name is \"release\""),
        ("workflow-repository", "acme/shop", "acme/lab", "repository is \"acme/shop\""),
        ("workflow-ref", "refs/heads/main", "main", "ref is \"refs/heads/main\""),
        ("repository-id", "123456", "123457", "repository id is \"123456\""),
        ("owner-id", "7890", "789", "owner id is \"7890\""),
        ("runner-environment", "github-hosted", "self-hosted", "runner is \"github-hosted\""),
    ];
    let flags = claims.map(|(name, ..)| format!("--certificate-github-{name}"));
    let right: Vec<&str> = flags.iter().zip(claims).flat_map(|(flag, (_, value, ..))| [flag.as_str(), value]).collect();
    with(&right).expect(0, &["verified"]);
    for (flag, (_, _, wrong, found)) in flags.iter().zip(claims) {
        with(&[flag, wrong]).expect(4, &[&format!("the certificate's {found}"), &format!("expected {wrong}")]);
    }
    for flag in &flags {
        with(&[flag, ""]).expect(2, &[flag]);
    }
}

#[test]
fn a_builder_is_not_started_by_a_pull_request_unless_its_trust_file_says_so() {
    let mut claims = workflow_claims();
    claims["event_name"] = json!("pull_request_target");
    let keyless = Keyless::new(LogVersion::V2, &claims);
    let why = "trigger is \"pull_request_target\", expected no pull request";
    keyless.seal().expect(2, &["no builder of policy.yaml", why]);
    keyless.scene.is_untouched();
    // By rules that allow it, it is sealed; by rules that do not, it is not verified.
    let source = "source: { owner-id: 7890 }";
    let policy = |name: &str, more: &str| {
        let who = format!("issuer: \"{}\", identity: [\"{IDENTITY}\", other]", keyless.authority.issuer());
        let builder = format!("{{ name: release, {source}, keyless: {{ {who}{more} }} }}");
        keyless.scene.write(
            name,
            format!("version: 1\nbuilders: [{builder}]\ngate: {{ unknown-severity: report, max-advisory-age: off }}\n"),
        );
    };
    policy("asked.yaml", ", triggers: [push, pull_request_target]");
    policy("policy.yaml", "");
    let reference = keyless.scene.reference();
    let seal = |policy: &str| {
        let fixed = ["seal", &keyless.source, "--push", &reference, "--policy", policy, "--db", "db"];
        let files = ["--identity-token", "token", "--trusted-root", "root.json", "--signing-config", "config.json"];
        keyless.scene.run(&[&fixed[..], &files].concat())
    };
    seal("policy.yaml").expect(2, &[why]);
    seal("asked.yaml").expect(0, &["v1 names it now"]);
    keyless.verify(&["--policy", "asked.yaml"]).expect(0, &["verified"]);
    keyless.verify(&["--policy", "policy.yaml"]).expect(4, &[why]);
}

#[test]
fn a_person_seals_too() {
    let claims = json!({ "sub": "42", "email": "jane@example.test", "email_verified": true });
    let keyless = Keyless::new(LogVersion::V2, &claims);
    let issuer = keyless.authority.issuer();
    let reference = keyless.scene.reference();
    keyless.scene.write("person.yaml", format!("version: 1\nbuilders: [{{ name: jane, keyless: {{ issuer: \"{issuer}\", identity: jane@example.test }} }}]\ngate: {{ unknown-severity: report, max-advisory-age: off }}\n"));
    let arguments = ["seal", &keyless.source, "--push", &reference, "--policy", "person.yaml", "--db", "db"];
    let files = ["--identity-token", "token", "--trusted-root", "root.json", "--signing-config", "config.json"];
    keyless.scene.run(&[&arguments[..], &files[..]].concat()).expect(0, &["v1 names it now"]);
    keyless.verify(&["--policy", "person.yaml"]).expect(0, &["verified"]);
}

#[test]
fn a_branch_that_may_not_release_is_refused_before_anything_is_signed() {
    let mut claims = workflow_claims();
    for (reference, why) in [
        ("refs/heads/dev", "release: the token names the ref \"refs/heads/dev\""),
        ("refs/pull/7/merge", "ref is \"refs/pull/7/merge\", expected none of a pull request"),
    ] {
        claims["ref"] = json!(reference);
        let keyless = Keyless::new(LogVersion::V2, &claims);
        keyless.seal().expect(2, &["no builder of policy.yaml", why]);
        assert!(keyless.authority.requests().is_empty() && keyless.scene.registry.requests().is_empty());
    }
}

#[test]
fn an_authority_that_fails_leaves_no_tag_and_prints_no_token() {
    for (path, service) in [
        ("/api/v2/signingCert", "Fulcio"),
        ("/api/v2/log/entries", "Rekor"),
        ("/api/v1/timestamp", "timestamp authority"),
    ] {
        for effect in [Effect::Status(400), Effect::Status(403)] {
            let keyless = Keyless::new(LogVersion::V2, &workflow_claims());
            keyless.authority.fault(Fault::always("POST", path, effect));
            let said = keyless.seal().expect(5, &[service, "40"]);
            keyless.scene.is_untagged();
            let token = keyless.authority.token(&workflow_claims()).expect("token");
            let payload = token.split('.').nth(1).expect("payload").get(..40).expect("long").to_owned();
            assert!(!said.stderr.contains(&payload) && !said.stdout.contains(&payload));
        }
    }
}

#[test]
fn a_key_seals_with_a_log_entry_and_a_time() {
    let keyless = Keyless::new(LogVersion::V2, &workflow_claims());
    let scene = &keyless.scene;
    let demanding = "version: 1\nbuilders: [{ name: key, key: key.pub }]\ngate: { unknown-severity: report, max-advisory-age: off }\n";
    scene.write("logged.yaml", demanding);
    let reference = scene.reference();
    let seal = |more: &[&str]| {
        let fixed = ["seal", &keyless.source, "--push", &reference, "--policy", "logged.yaml", "--db", "db"];
        scene.run(&[&fixed[..], &["--key", "key.pem", "--trusted-root", "root.json"], more].concat())
    };
    seal(&[]).expect(2, &["--signing-config", "--transparency none"]);
    seal(&["--transparency", "none"]).expect(2, &["it demands a log entry, and --transparency is none"]);
    scene.is_untouched();
    seal(&["--signing-config", "config.json"]).expect(0, &["v1 names it now"]);
    keyless.verify(&["--policy", "logged.yaml"]).expect(0, &["verified"]);
    keyless.verify(&["--key", "key.pub"]).expect(0, &["verified"]);
    // A bundle without a log entry is not enough for those who demand one.
    let plain = Scene::new();
    let source = plain.image("image", "1.4-r0");
    plain.seal(&source, &[]).expect(0, &[]);
    plain.write("root.json", keyless.authority.trusted_root().expect("trusted root"));
    plain.verify(&["--key", "key.pub", "--trusted-root", "root.json"]).expect(4, &[]);
}

#[test]
fn a_job_of_github_actions_needs_no_token_and_the_one_it_gets_is_shown_nowhere() {
    let keyless = Keyless::new(LogVersion::V2, &workflow_claims());
    let job = keyless.authority.job(&workflow_claims()).expect("job");
    let variables = [
        ("ACTIONS_ID_TOKEN_REQUEST_URL", job.request_url.as_str()),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", job.request_token.as_str()),
        // What goes to this machine goes through no proxy, which could read the tokens.
        ("HTTP_PROXY", "http://127.0.0.1:9"),
        ("http_proxy", "http://127.0.0.1:9"),
    ];
    let said = keyless.seal_with(&variables, &[]).expect(0, &["SLSA_BUILD_LEVEL_2", "v1 names it now"]);
    assert!(!said.stderr.contains("eyJ") && !said.stdout.contains("eyJ"), "a token is shown: {}", said.stderr);
    let stolen = [variables[0], ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "wrong")];
    keyless.seal_with(&stolen, &[]).expect(2, &["id-token: write"]);
    keyless.seal_with(&[("GITHUB_ACTIONS", "true")], &[]).expect(2, &["id-token: write"]);
    keyless.seal_with(&[], &[]).expect(2, &["SIGSTORE_ID_TOKEN", "--identity-token"]);
}

#[test]
fn a_token_in_the_environment_signs() {
    let keyless = Keyless::new(LogVersion::V1, &workflow_claims());
    let token = keyless.authority.token(&workflow_claims()).expect("token");
    keyless.seal_with(&[("SIGSTORE_ID_TOKEN", &token)], &[]).expect(0, &["v1 names it now"]);
    keyless.seal_with(&[("SIGSTORE_ID_TOKEN", "none")], &[]).expect(2, &["identity token"]);
}

#[test]
fn a_repository_that_is_not_public_has_to_say_that_its_name_may_be_shown() {
    let mut claims = workflow_claims();
    claims["repository_visibility"] = json!("private");
    let keyless = Keyless::new(LogVersion::V2, &claims);
    keyless.seal().expect(2, &["not known that acme/shop is public", "--transparency required"]);
    keyless.scene.is_untouched();
    assert!(keyless.authority.requests().is_empty());
    // A workload of which its token does not say it.
    let build = json!({ "sub": "organization:acme:pipeline:shop" });
    keyless.scene.write("silent", keyless.authority.token(&build).expect("token"));
    keyless.seal_with(&[], &["--identity-token", "silent"]).expect(2, &["--transparency required"]);
    keyless
        .seal_with(&[], &["--identity-token", "token", "--transparency", "required"])
        .expect(0, &["v1 names it now"]);
}

#[test]
fn a_large_statement_is_signed_and_where_the_log_refuses_it_its_size_is_told() {
    let attest = |keyless: &Keyless, size: usize| {
        keyless.scene.write("large.json", json!({ "padding": "x".repeat(size) }).to_string());
        let reference = keyless.scene.reference();
        let log = ["--trusted-root", "root.json", "--signing-config", "config.json", "--identity-token", "token"];
        let statement = ["--type", "custom", "--predicate", "large.json"];
        keyless.scene.run(&[&["attest", &reference][..], &log, &statement].concat())
    };
    let keyless = Keyless::new(LogVersion::V2, &workflow_claims());
    keyless.seal().expect(0, &[]);
    attest(&keyless, 20 << 20).expect(0, &["signed"]);
    let keyless = Keyless::new(LogVersion::V1, &workflow_claims());
    keyless.seal().expect(0, &[]);
    keyless.authority.fault(Fault::always("POST", "/api/v1/log/entries", Effect::Status(413)));
    let said = attest(&keyless, 2 << 20).expect(5, &["413", "use one of version 2"]);
    assert!(said.stderr.contains("2097"), "{}", said.stderr);
    let said = attest(&keyless, 10).expect(5, &["413"]);
    assert!(!said.stderr.contains("version 2"), "{}", said.stderr);
}
