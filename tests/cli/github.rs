//! GitHub's attestation store, and an instance without logs as GitHub has one. Both are stand-ins on loopback.

use sealwright_core::bounded::read_file;
use sealwright_loopback::authority::{Authority, LogVersion, Logs, workflow_claims};
use sealwright_loopback::github::{Effect, Fault, GitHub, Permission, Visibility};
use serde_json::{Value, json};

use crate::scene::{Said, Scene};

const IDENTITY: &str = "https://github.com/acme/shop/.github/workflows/release.yml@refs/heads/main";
const SHOP: &str = "acme/shop";

struct Stage {
    scene: Scene,
    authority: Authority,
    github: GitHub,
    source: String,
}

impl Stage {
    fn new(logs: Logs) -> Self {
        Self::with_claims(logs, &workflow_claims())
    }

    fn with_claims(logs: Logs, claims: &Value) -> Self {
        let (authority, scene) = (Authority::start_with(logs).expect("authority"), Scene::new());
        let log = if logs == Logs::Kept { LogVersion::V2 } else { LogVersion::None };
        scene.write("token", authority.token(claims).expect("token"));
        scene.write("root.json", authority.trusted_root().expect("trusted root"));
        scene.write("config.json", authority.signing_config(log));
        let issuer = authority.issuer();
        scene.write(
            "release.yaml",
            format!(
                "version: 1
builders:
  - name: release
    source: {{ repository: acme/shop, repository-id: 123456, refs: [refs/heads/main] }}
    keyless: {{ issuer: \"{issuer}\", identity: \"{IDENTITY}\", runner: github-hosted }}
gate: {{ unknown-severity: report, max-advisory-age: off }}
"
            ),
        );
        scene.write("app.tar", "an archive");
        scene.write("predicate.json", "{ \"checked\": true }");
        let github = GitHub::start().expect("store");
        github.repository(SHOP, Visibility::Public);
        let source = scene.image("image", "1.4-r0");
        Self { scene, authority, github, source }
    }

    fn run_as(&self, token: Option<&str>, arguments: &[&str]) -> Said {
        let mut variables = vec![("GITHUB_API_URL", self.github.address())];
        variables.extend(token.map(|token| ("GITHUB_TOKEN", token)));
        self.scene.run_with(&variables, arguments)
    }

    fn writer(&self) -> String {
        self.github.token(SHOP, Permission::Write)
    }

    fn signing<'a>(&self, fixed: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
        let keyless = ["--trusted-root", "root.json", "--signing-config", "config.json", "--identity-token", "token"];
        [fixed, &keyless, more].concat()
    }

    fn seal_as(&self, token: Option<&str>, more: &[&str]) -> Said {
        let reference = self.scene.reference();
        let fixed = ["seal", &self.source, "--push", &reference, "--policy", "release.yaml", "--db", "db"];
        self.run_as(token, &self.signing(&fixed, more))
    }

    fn attest_file(&self, token: Option<&str>, more: &[&str]) -> Said {
        let fixed = ["attest", "--artifact", "app.tar", "--bundle", "app.json", "--type", "custom"];
        self.run_as(token, &self.signing(&[&fixed[..], &["--predicate", "predicate.json"]].concat(), more))
    }

    fn verify_as(&self, token: Option<&str>, more: &[&str]) -> Said {
        self.run_as(token, &[&["verify", "--trusted-root", "root.json"][..], more].concat())
    }

    /// How many statements the store has about the image, each once.
    fn stored(&self) -> usize {
        let bundles = self.github.bundles(SHOP, &self.image());
        let mut payloads: Vec<_> = bundles.iter().map(|b| parse(b)["dsseEnvelope"]["payload"].to_string()).collect();
        payloads.sort();
        payloads.dedup();
        assert_eq!(payloads.len(), bundles.len(), "one is stored twice");
        bundles.len()
    }

    fn read(&self, name: &str) -> Vec<u8> {
        read_file(&self.scene.path().join(name), 1 << 20).expect(name)
    }

    /// The manifest of the image, tagged or not.
    fn image(&self) -> sealwright_core::Digest {
        parse(&self.read("image/index.json"))["manifests"][0]["digest"]
            .as_str()
            .expect("digest")
            .parse()
            .expect("digest")
    }
}

fn parse(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).expect("JSON")
}

#[test]
fn a_seal_is_in_the_store_too_and_verifies_from_there() {
    for logs in [Logs::Kept, Logs::Absent] {
        let stage = Stage::new(logs);
        let writer = stage.writer();
        let said = stage.seal_as(Some(&writer), &["--push-to-github"]);
        let said = said.expect(0, &["attestation 0 of GitHub", "v1 names it now"]);
        assert!(!said.stdout.contains(&writer) && !said.stderr.contains(&writer));
        assert_eq!(stage.stored(), said.stdout.lines().filter(|line| line.starts_with("signed")).count());
        let reference = stage.scene.reference();
        stage.scene.registry.forget_requests();
        for place in [SHOP, "acme"] {
            let more = [&reference, "--policy", "release.yaml", "--from-github", place];
            stage.verify_as(None, &more).expect(0, &["verified", "SLSA_BUILD_LEVEL_2"]);
        }
        // By the digest alone the same is asked of it, by today's advisories too.
        let digest = stage.scene.sealed().to_string();
        let alone = ["--artifact", &digest, "--policy", "release.yaml", "--from-github", SHOP, "--db", "db"];
        stage.verify_as(None, &alone).expect(0, &["ok      20  scan-today", "not read"]);
        let asked = stage.scene.registry.requests();
        assert!(!asked.is_empty() && asked.iter().all(|request| !request.path.contains("referrers")), "{asked:?}");
        // Nothing is there of another owner, and nothing of an image that was not sealed.
        let more = [&reference, "--policy", "release.yaml", "--from-github", "mallory"];
        stage.verify_as(None, &more).expect(4, &["no bundle is stored", "without a token"]);
        let text = stage.run_as(None, &["download", "attestation", &reference, "--from-github", SHOP]).expect(0, &[]);
        assert_eq!(text.stdout.lines().count(), stage.stored());
        let bundles = ["download", "bundle", &reference, "--from-github", SHOP, "-o", "evidence/", "--type", "vuln"];
        stage.run_as(None, &bundles).expect(0, &[]);
        assert_eq!(std::fs::read_dir(stage.scene.path().join("evidence")).expect("folder").count(), 1);
    }
}

#[test]
fn the_images_of_an_index_have_their_evidence_in_the_store_too() {
    let stage = Stage::new(Logs::Absent);
    let of = |platform: &str, zlib: &str| {
        let image = sealwright_testkit::image().platform(platform);
        image.layer(|l| l.os_release("alpine", "3.20.3").apk("zlib", zlib))
    };
    let index = sealwright_testkit::index(vec![of("linux/amd64", "1.4-r0"), of("linux/arm64", "1.4-r1")]);
    index.write_layout(&stage.scene.path().join("index"), "latest");
    let (reference, writer) = (stage.scene.reference(), stage.writer());
    let fixed = ["seal", "oci:index", "--push", &reference, "--policy", "release.yaml", "--db", "db"];
    stage.run_as(Some(&writer), &stage.signing(&fixed, &["--push-to-github"])).expect(0, &[]);
    let more = [&reference, "--policy", "release.yaml", "--from-github", "acme"];
    stage.verify_as(None, &more).expect(0, &["ok      15  images"]);
    // What is missing of one image is missed, wherever it is looked for.
    stage.github.fault(Fault { times: 8, ..Fault::once("GET", "/bundles/", Effect::Status(404)) });
    stage.verify_as(None, &more).expect(4, &["FAILED"]);
}

#[test]
fn what_cannot_be_stored_is_refused_before_anything_is_read() {
    let stage = Stage::new(Logs::Kept);
    let (reference, writer) = (stage.scene.reference(), stage.writer());
    stage.seal_as(None, &["--push-to-github"]).expect(2, &["no token", "attestations: write"]);
    let key = ["--key", "key.pem", "--transparency", "none", "--push-to-github"];
    let seal = ["seal", "oci:image", "--push", &reference, "--policy", "policy.yaml", "--db", "db"];
    stage.run_as(Some(&writer), &[&seal[..], &key].concat()).expect(2, &["without a key", "gh attestation verify"]);
    stage.scene.write("config.json", stage.authority.signing_config(LogVersion::V1));
    stage.seal_as(Some(&writer), &["--push-to-github", "--format", "legacy"]).expect(2, &["--format both"]);
    let file = ["sign", "--artifact", "app.tar", "--bundle", "app.json"];
    let file = stage.signing(&file, &["--push-to-github"]);
    stage.run_as(Some(&writer), &file).expect(2, &["attest --artifact"]);
    stage.scene.is_untouched();
    // A person's token names no repository.
    let person = json!({ "sub": "42", "email": "jane@example.test", "email_verified": true });
    stage.scene.write("token", stage.authority.token(&person).expect("token"));
    stage.attest_file(Some(&writer), &["--push-to-github"]).expect(2, &["GITHUB_REPOSITORY"]);
    assert!(!stage.scene.path().join("app.json").exists() && stage.github.requests().is_empty());
    assert!(stage.authority.requests().is_empty());
    let plain = [("GITHUB_API_URL", "http://github.example"), ("GH_TOKEN", &writer), ("GITHUB_REPOSITORY", SHOP)];
    let fixed = ["attest", "--artifact", "app.tar", "--bundle", "app.json", "--type", "custom"];
    let arguments = stage.signing(&[&fixed[..], &["--predicate", "predicate.json"]].concat(), &["--push-to-github"]);
    stage.scene.run_with(&plain, &arguments).expect(2, &["no https:// address"]);
}

#[test]
fn a_store_that_refuses_leaves_the_evidence_and_no_tag_and_the_next_run_completes_it() {
    let stage = Stage::new(Logs::Absent);
    let reader = stage.github.token(SHOP, Permission::Read);
    let said = stage.seal_as(Some(&reader), &["--push-to-github"]);
    said.expect(
        5,
        &["the evidence is in the registry, and no tag was set", "acme/shop lacks some of it", "attestations: write"],
    );
    stage.scene.is_untagged();
    assert_eq!(stage.stored(), 0);
    // It stops in the middle.
    let writer = stage.writer();
    stage.github.fault(Fault::once("POST", "attestations", Effect::Nothing));
    stage.github.fault(Fault::once("POST", "attestations", Effect::Status(422)));
    stage.seal_as(Some(&writer), &["--push-to-github"]).expect(5, &["422", "private repositories"]);
    assert_eq!(stage.stored(), 1);
    let said = stage.seal_as(Some(&writer), &["--push-to-github"]).expect(0, &["kept", "v1 names it now"]);
    assert!(!said.stdout.contains("signed "), "{}", said.stdout);
    let all = stage.stored();
    assert!(all > 3, "{all}");
    // Another run has nothing to store.
    let before = stage.github.requests().iter().filter(|request| request.method == "POST").count();
    stage.seal_as(Some(&writer), &["--push-to-github"]).expect(0, &["kept"]);
    assert_eq!(stage.github.requests().iter().filter(|request| request.method == "POST").count(), before);
}

#[test]
fn an_unsigned_copy_in_the_store_is_no_reason_to_store_nothing() {
    let stage = Stage::new(Logs::Absent);
    stage.seal_as(None, &[]).expect(0, &[]);
    stage.seal_as(None, &["-o", "json=report.json"]).expect(0, &[]);
    let reference = stage.scene.reference();
    stage.run_as(None, &["download", "bundle", &reference, "-o", "evidence/"]).expect(0, &[]);
    let mut count = 0;
    for file in std::fs::read_dir(stage.scene.path().join("evidence")).expect("folder") {
        let mut bundle = parse(&read_file(&file.expect("file").path(), 1 << 20).expect("bundle"));
        bundle["dsseEnvelope"]["signatures"][0]["sig"] = "AAAA".into();
        stage.github.put(SHOP, &stage.image(), bundle.to_string().as_bytes());
        count += 1;
    }
    let writer = stage.writer();
    stage.seal_as(Some(&writer), &["--push-to-github"]).expect(0, &["kept"]);
    assert_eq!(stage.github.bundles(SHOP, &stage.image()).len(), 2 * count);
    let said = stage.verify_as(None, &[&reference, "--policy", "release.yaml", "--from-github", SHOP]).expect(0, &[]);
    assert!(said.stdout.contains(&format!("{count} other bundles were left aside")), "{}", said.stdout);
}

#[test]
fn a_signature_and_an_attestation_go_there_too() {
    let stage = Stage::new(Logs::Kept);
    stage.seal_as(None, &[]).expect(0, &[]);
    assert_eq!(stage.stored(), 0);
    let (reference, writer) = (stage.scene.reference(), stage.writer());
    let sign = stage.signing(&["sign", &reference, "-a", "approved-by=ops"], &["--push-to-github", "-o", "json"]);
    let said = stage.run_as(Some(&writer), &sign).expect(0, &[]);
    assert_eq!(parse(said.stdout.as_bytes())["statements"][0]["attestation"], "0");
    let attest = ["attest", &reference, "--type", "custom", "--predicate", "predicate.json", "--push-to-github"];
    stage.run_as(Some(&writer), &stage.signing(&attest, &[])).expect(0, &["attestation 1 of GitHub"]);
    let by = ["--certificate-identity", IDENTITY, "--certificate-oidc-issuer", stage.authority.issuer()];
    let verify =
        |more: &[&str]| stage.verify_as(None, &[&[&*reference, "--from-github", SHOP][..], &by, more].concat());
    verify(&[]).expect(0, &["verified"]);
    verify(&["--type", "custom"]).expect(0, &["verified"]);
    verify(&["--type", "cyclonedx"]).expect(4, &["statement"]);
}

#[test]
fn a_file_is_found_in_the_store() {
    let stage = Stage::new(Logs::Kept);
    stage.attest_file(Some(&stage.writer()), &["--push-to-github"]).expect(0, &["attestation 0 of GitHub"]);
    let by = ["--certificate-identity", IDENTITY, "--certificate-oidc-issuer", stage.authority.issuer()];
    let verify = |artifact: &str, more: &[&str]| {
        stage.verify_as(None, &[&["--artifact", artifact, "--type", "custom"][..], &by, more].concat())
    };
    verify("app.tar", &["--from-github", SHOP]).expect(0, &["verified"]);
    verify("app.tar", &["--bundle", "app.json"]).expect(0, &["verified"]);
    verify("token", &["--from-github", SHOP]).expect(4, &["no bundle is stored"]);
    verify("app.tar", &[]).expect(2, &["--bundle FILE or --from-github"]);
    verify("app.tar", &["--bundle", "app.json", "--from-github", SHOP]).expect(2, &["cannot be used with"]);
    let download = |what: &str, artifact: &str| {
        stage.run_as(None, &["download", what, "--artifact", artifact, "--from-github", SHOP])
    };
    let said = download("bundle", "app.tar").expect(0, &[]);
    assert_eq!(parse(said.stdout.as_bytes()), parse(&stage.read("app.json")));
    download("bundle", "token").expect(5, &["GitHub's attestation store of acme/shop"]);
    download("sbom", "app.tar").expect(2, &["newest"]);
    stage.run_as(None, &["download", "bundle", "--artifact", "app.tar"]).expect(2, &["--from-github"]);
    let wrong = ["download", "bundle", "--artifact", "app.tar", "--from-github", "acme/shop/x"];
    stage.run_as(None, &wrong).expect(2, &["OWNER/REPO"]);
}

#[test]
fn a_store_that_does_not_answer_is_not_empty() {
    let stage = Stage::new(Logs::Kept);
    stage.seal_as(Some(&stage.writer()), &["--push-to-github"]).expect(0, &[]);
    let reference = stage.scene.reference();
    let verify =
        |token: Option<&str>| stage.verify_as(token, &[&reference, "--policy", "release.yaml", "--from-github", SHOP]);
    verify(Some("ghs_wrong")).expect(5, &["401", "not accepted"]);
    for (method, path) in [("GET", "/attestations/"), ("GET", "/bundles/")] {
        stage.github.fault(Fault::once(method, path, Effect::Status(403)));
        verify(None).expect(5, &["403"]);
    }
    verify(None).expect(0, &["verified"]);
}

#[test]
fn an_instance_without_logs_names_nobody_and_claims_no_log_entry() {
    let mut claims = workflow_claims();
    claims["repository_visibility"] = json!("private");
    let stage = Stage::with_claims(Logs::Absent, &claims);
    stage.seal_as(None, &["--transparency", "required"]).expect(2, &["the instance has no log"]);
    stage.scene.is_untouched();
    stage.seal_as(None, &[]).expect(0, &["v1 names it now"]);
    let reference = stage.scene.reference();
    let more = [&reference, "--policy", "release.yaml", "--explain"];
    let said = stage.verify_as(None, &more).expect(0, &["verified", "the trusted root names no log", "signed  20"]);
    assert!(said.stdout.contains("-        3  transparency"), "{}", said.stdout);
    // Another instance of the kind did not issue these certificates.
    let stranger = Authority::start_with(Logs::Absent).expect("authority");
    stage.scene.write("root.json", stranger.trusted_root().expect("trusted root"));
    stage.verify_as(None, &more).expect(4, &["FAILED"]);
}

#[test]
fn a_log_on_one_side_only_is_a_mistake_that_nothing_is_sent_for() {
    let (logged, silent) = (Stage::new(Logs::Kept), Stage::new(Logs::Absent));
    logged.scene.write("config.json", silent.authority.signing_config(LogVersion::None));
    logged.seal_as(None, &[]).expect(2, &["names no log, and the trusted root demands log entries"]);
    silent.scene.write("config.json", logged.authority.signing_config(LogVersion::V2));
    silent.seal_as(None, &[]).expect(2, &["names a log, and the trusted root names none"]);
    logged.scene.is_untouched();
    silent.scene.is_untouched();
    assert!(logged.authority.requests().is_empty() && silent.authority.requests().is_empty());
    // A key that demands a log finds none.
    let key = ["--key", "key.pem", "--signing-config", "config.json", "--trusted-root", "root.json"];
    silent.scene.write("config.json", silent.authority.signing_config(LogVersion::None));
    let reference = silent.scene.reference();
    let seal = ["seal", "oci:image", "--push", &reference, "--policy", "policy.yaml", "--db", "db"];
    silent.run_as(None, &[&seal[..], &key].concat()).expect(2, &["names no log"]);
}
