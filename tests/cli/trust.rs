//! Trusted roots and signing configs by TUF: fetched, kept, used without a network, and never asked for in vain.

use sealwright_loopback::authority::{Authority, LogVersion, buildkite_claims, workflow_claims};
use sealwright_loopback::tuf::{Effect, Fault, Role, TufRepository};
use serde_json::{Value, json};

use crate::scene::{Said, Scene};

const IDENTITY: &str = "https://github.com/acme/shop/.github/workflows/release.yml@refs/heads/main";

/// A private instance, entirely on loopback, and somebody who knows the first root of its repository.
struct Private {
    scene: Scene,
    authority: Authority,
    repository: Option<TufRepository>,
    url: String,
    source: String,
}

impl Private {
    fn new() -> Self {
        let authority = Authority::start().expect("authority");
        let root = authority.trusted_root().expect("trusted root");
        let (v1, v2) = (authority.signing_config(LogVersion::V1), authority.signing_config(LogVersion::V2));
        let repository = TufRepository::start(&[
            ("trusted_root.json", &root),
            ("signing_config.v0.2.json", &v1),
            ("signing_config_rekor_v2.v0.2.json", &v2),
        ]);
        let repository = repository.expect("repository");
        let scene = Scene::new();
        scene.write("token", authority.token(&workflow_claims()).expect("token"));
        scene.write("root.json", repository.root());
        let source = scene.image("image", "1.4-r0");
        let url = repository.url().to_owned();
        Self { scene, authority, repository: Some(repository), url, source }
    }

    fn repository(&self) -> &TufRepository {
        self.repository.as_ref().expect("plugged in")
    }

    fn unplug(&mut self) {
        self.repository = None;
    }

    fn requests(&self) -> usize {
        self.repository().requests().len()
    }

    /// With the flags that name the instance.
    fn run(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Said {
        let instance = ["--tuf", self.url.as_str(), "--tuf-root", "root.json", "--timeout", "5s"];
        // What goes to this machine goes through no proxy.
        let proxies = [("HTTP_PROXY", "http://127.0.0.1:9"), ("http_proxy", "http://127.0.0.1:9")];
        self.scene.run_with(&[&proxies, variables].concat(), &[arguments, &instance].concat())
    }

    fn seal(&self, more: &[&str]) -> Said {
        let reference = self.scene.reference();
        let policy = format!(
            "version: 1\nbuilders: [{{ name: release, keyless: {{ issuer: \"{}\", identity: \"{IDENTITY}\" }} }}]\ngate: {{ unknown-severity: report, max-advisory-age: off }}\n",
            self.authority.issuer()
        );
        self.scene.write("keyless.yaml", policy);
        let fixed = ["seal", &self.source, "--push", &reference, "--policy", "keyless.yaml", "--db", "db"];
        self.run(&[], &[&fixed[..], &["--identity-token", "token"], more].concat())
    }

    fn verify(&self, more: &[&str]) -> Said {
        let reference = self.scene.reference();
        self.run(&[], &[&["verify", &reference, "--policy", "keyless.yaml"][..], more].concat())
    }
}

#[test]
fn an_instance_needs_no_files_and_verification_no_network() {
    let mut private = Private::new();
    private.seal(&[]).expect(0, &["trusted root of 127.0.0.1 fetched from", "v1 names it now"]);
    assert!(private.authority.requests().iter().any(|r| r.path == "/api/v1/log/entries"), "the usual log");
    let asked = private.requests();
    let said = private.verify(&["--explain"]).expect(0, &["verified", "trusted root\n127.0.0.1, by TUF from http"]);
    assert!(said.stdout.contains("root 1, timestamp 1, snapshot 1, targets 1; used until "), "{}", said.stdout);
    assert_eq!(private.requests(), asked, "what is kept is enough");
    private.unplug();
    let said = private.verify(&["-o", "json"]).expect(0, &[]);
    let report: Value = serde_json::from_str(&said.stdout).expect("JSON");
    assert_eq!(report["trust_root"]["repository"], format!("{}/", private.url));
    assert_eq!(report["trust_root"]["metadata"][1]["role"], "timestamp");
    assert_eq!(report["trust_root"]["expired"], false);
    let by = ["--certificate-identity", IDENTITY, "--certificate-oidc-issuer", private.authority.issuer()];
    let reference = private.scene.reference();
    private.run(&[], &[&["verify", &reference][..], &by].concat()).expect(0, &["verified"]);
    // Somebody else's cache is empty.
    let elsewhere = private.scene.path().join("elsewhere");
    let elsewhere = elsewhere.to_str().expect("text");
    private
        .run(&[("XDG_CACHE_HOME", elsewhere)], &[&["verify", &reference][..], &by].concat())
        .expect(5, &["there is no copy of", "trust update", "--trusted-root FILE"]);
}

#[test]
fn the_config_with_a_log_of_version_2_is_taken_on_request() {
    let private = Private::new();
    private.seal(&["--rekor-v2"]).expect(0, &["v1 names it now"]);
    assert!(private.authority.requests().iter().any(|r| r.path == "/api/v2/log/entries"));
    let root = private.authority.trusted_root().expect("trusted root");
    private.repository().publish(&[("trusted_root.json", &root)]).expect("published");
    private.run(&[], &["trust", "update"]).expect(0, &[]);
    private.seal(&["--rekor-v2"]).expect(5, &["publishes no signing_config_rekor_v2.v0.2.json", "--signing-config"]);
    private.verify(&[]).expect(0, &["verified"]);
}

#[test]
fn a_key_without_a_log_has_nobody_asked() {
    let private = Private::new();
    let (reference, scene) = (private.scene.reference(), &private.scene);
    let key = ["--key", "key.pem", "--transparency", "none"];
    let seal = ["seal", &private.source, "--push", &reference, "--policy", "policy.yaml", "--db", "db"];
    private.run(&[], &[&seal[..], &key].concat()).expect(0, &["v1 names it now"]);
    private.run(&[], &[&["sign", &reference][..], &key].concat()).expect(0, &[]);
    let public = ["--key", "key.pub", "--transparency", "none"];
    let said = private.run(&[], &[&["verify", &reference, "--explain"][..], &public].concat()).expect(0, &["verified"]);
    assert!(said.stdout.contains("none: keys alone are asked for"), "{}", said.stdout);
    private.run(&[], &["verify", &reference, "--policy", "policy.yaml"]).expect(0, &["verified"]);
    assert_eq!(private.requests(), 0);
    assert!(!scene.path().join(".cache/sealwright/tuf").exists());
    // With a log somebody has to be asked, and nobody enters a signature into the public one by leaving out a word.
    private.run(&[], &["verify", &reference, "--key", "key.pub"]).expect(4, &["signer"]);
    assert_ne!(private.requests(), 0);
    scene.run(&["sign", &reference, "--key", "key.pem"]).expect(2, &["--transparency required", "--transparency none"]);
    private.run(&[], &["sign", &reference, "--key", "key.pem"]).expect(0, &["signed"]);
    private.run(&[], &["verify", &reference, "--key", "key.pub"]).expect(0, &["verified"]);
}

#[test]
fn what_has_expired_is_said_with_a_way_on() {
    let mut private = Private::new();
    private.seal(&[]).expect(0, &[]);
    private.repository().set_life(Role::Timestamp, 2);
    let root = private.authority.trusted_root().expect("trusted root");
    private.repository().publish(&[("trusted_root.json", &root)]).expect("published");
    private.run(&[], &["trust", "update"]).expect(0, &["used until"]);
    std::thread::sleep(std::time::Duration::from_secs(3));
    // Nobody renews it.
    private.verify(&[]).expect(5, &["serves timestamp metadata that has expired", "clock"]);
    private.unplug();
    private.verify(&[]).expect(5, &["has expired at", "could not be reached", "--trusted-root FILE"]);
    private.run(&[], &["trust", "show"]).expect(0, &["expired at", "loopback-fulcio"]);
    private.scene.write("trusted-root.json", root);
    let reference = private.scene.reference();
    let file = ["verify", &reference, "--policy", "keyless.yaml", "--trusted-root", "trusted-root.json", "--explain"];
    private.scene.run(&file).expect(0, &["file trusted-root.json; nobody says whether it is the newest one"]);
}

#[test]
fn a_repository_that_attacks_is_refused_and_what_is_kept_goes_on() {
    let private = Private::new();
    private.seal(&[]).expect(0, &[]);
    let old = private.repository().file("timestamp.json").expect("timestamp");
    private.repository().publish(&[("trusted_root.json", "{}")]).expect("published");
    private.repository().fault(Fault::once("GET", "targets/", Effect::Endless));
    private.run(&[], &["trust", "update"]).expect(5, &["cannot be trusted", "more than 2 bytes"]);
    private.run(&[], &["trust", "update"]).expect(2, &["the trusted root of", "cannot be used"]);
    private.repository().alter("timestamp.json", old);
    private.run(&[], &["trust", "update"]).expect(5, &["rollback", "as it was"]);
}

#[test]
fn what_is_kept_can_be_looked_at() {
    let mut private = Private::new();
    private.run(&[], &["trust", "show"]).expect(5, &["nothing is kept", "sealwright trust update"]);
    assert_eq!(private.requests(), 0);
    let words = ["127.0.0.1, by TUF from", "used until", "certificates     loopback-fulcio", "log", "timestamps"];
    private.run(&[], &["trust", "update"]).expect(0, &words);
    private.repository().rotate().expect("rotated");
    private.run(&[], &["trust", "update"]).expect(0, &["root 2, timestamp 2"]);
    private.unplug();
    let said = private.run(&[], &["trust", "show", "-o", "json"]).expect(0, &[]);
    let report: Value = serde_json::from_str(&said.stdout).expect("JSON");
    assert_eq!(report["schema"], 1);
    assert_eq!(report["trust_root"]["metadata"][0]["version"], 2);
    let kinds: Vec<&Value> = report["names"].as_array().expect("names").iter().map(|n| &n["kind"]).collect();
    assert_eq!(kinds, ["certificates", "certificate log", "log", "log", "timestamps"]);
    private.run(&[], &["trust", "update"]).expect(5, &["could not be reached"]);
    private.scene.write("file.json", private.authority.trusted_root().expect("trusted root"));
    private.scene.run(&["trust", "show", "--trusted-root", "file.json"]).expect(0, &["file file.json", "loopback-tsa"]);
    private.scene.run(&["trust", "update", "--trusted-root", "file.json"]).expect(2, &["is a file"]);
}

#[test]
fn one_instance_is_named_and_not_two() {
    let scene = Scene::new();
    let show = |more: &[&str]| scene.run(&[&["trust", "show"][..], more].concat());
    show(&["--tuf-root", "root.json"]).expect(2, &["--tuf"]);
    show(&["--tuf", "https://a.example", "--trusted-root", "x"]).expect(2, &["cannot be used with"]);
    show(&["--instance", "github", "--trusted-root", "x"]).expect(2, &["cannot be used with"]);
    show(&["--tuf", "http://a.example"]).expect(2, &["expected an https:// address"]);
    show(&["--tuf", "https://a.example", "--tuf-root", "absent"]).expect(2, &["TUF root absent could not be read"]);
    scene.write("root.json", "{}");
    show(&["--tuf", "https://a.example", "--tuf-root", "root.json"]).expect(2, &["no root.json"]);
    show(&[]).expect(5, &["nothing is kept of https://tuf-repo-cdn.sigstore.dev/"]);
    show(&["--instance", "github"]).expect(5, &["nothing is kept of https://tuf-repo.github.com/"]);
    let token = ["--identity-token", "token", "--signing-config", "c"];
    scene.write("token", "x");
    scene.run(&[&["sign", &scene.reference()][..], &token].concat()).expect(2, &["--trusted-root is missing"]);
    // A mirror of the public-good instance has to be one.
    let stranger = TufRepository::start(&[("trusted_root.json", "{}")]).expect("repository");
    scene.run(&["trust", "update", "--tuf", stranger.url()]).expect(5, &["cannot be trusted", "threshold"]);
    let home = scene.path().to_str().expect("text");
    let variables = [("HOME", ""), ("XDG_CACHE_HOME", "")];
    scene.run_with(&variables, &["trust", "show"]).expect(2, &["XDG_CACHE_HOME", "--trusted-root"]);
    scene.run_with(&[("HOME", ""), ("XDG_CACHE_HOME", home)], &["trust", "show"]).expect(5, &["nothing is kept"]);
}

#[test]
fn a_job_of_buildkite_needs_no_token() {
    let private = Private::new();
    let job = private.authority.buildkite_job(&buildkite_claims()).expect("job");
    let reference = private.scene.reference();
    private.scene.seal(&private.source, &[]).expect(0, &[]);
    let variables = [
        ("BUILDKITE_AGENT_ENDPOINT", job.endpoint.as_str()),
        ("BUILDKITE_AGENT_ACCESS_TOKEN", job.access_token.as_str()),
        ("BUILDKITE_JOB_ID", job.id.as_str()),
    ];
    private.run(&variables, &["sign", &reference]).expect(2, &["--transparency required"]);
    let said = private.run(&variables, &["sign", &reference, "--transparency", "required"]).expect(0, &["signed"]);
    assert!(!said.stderr.contains("eyJ") && !said.stderr.contains(&job.access_token), "{}", said.stderr);
    let verify = ["verify", &reference, "--certificate-identity", "https://buildkite.com/acme/shop"];
    let issuer = ["--certificate-oidc-issuer", private.authority.issuer()];
    private.run(&[], &[&verify[..], &issuer].concat()).expect(0, &["verified"]);
    // What was named beats what is found.
    private.scene.write("person", private.authority.token(&json!({ "sub": "1" })).expect("token"));
    let named = ["sign", &reference, "--transparency", "required", "--identity-token", "person"];
    private.run(&variables, &named).expect(5, &["Fulcio"]);
    let stolen = [variables[0], ("BUILDKITE_AGENT_ACCESS_TOKEN", "wrong"), variables[2]];
    private.run(&stolen, &["sign", &reference]).expect(2, &["401"]);
}
