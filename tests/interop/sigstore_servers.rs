//! Keyless against the genuine Fulcio, Rekor v2, CT log and timestamp authority, as plain processes on loopback. Only the
//! OpenID Connect issuer is a stand-in: GitHub's own cannot be had.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::peer::{Server, free_port, peer, say, sealwright};
use crate::registries::small_image;
use crate::sealed::{ATTESTED, cosign, go_registry, import_nothing};

/// The name in the log's checkpoints; it is never dialed.
const ORIGIN: &str = "rekor.private.test";
const IDENTITY: &str = "https://github.com/acme/shop/.github/workflows/release.yml@refs/heads/main";

struct Sigstore {
    _servers: Vec<Server>,
    issuer: String,
    trusted_root: PathBuf,
    signing_config: PathBuf,
}

/// Fulcio reads the issuer's configuration when it starts, the CT log accepts Fulcio's root: the order matters.
fn start(folder: &Path) -> Sigstore {
    let issuer = Server::start(&mut Command::new(peer("SEALWRIGHT_ISSUER")), "listening on");
    let issuer_url = issuer.announced.split_whitespace().next_back().expect("an address").to_owned();
    std::fs::write(folder.join("fulcio.yaml"), fulcio_configuration(&issuer_url)).expect("configuration");
    let (fulcio_port, log_port, rekor_port, time_port) = (free_port(), free_port(), free_port(), free_port());
    let at = |port: u16| format!("127.0.0.1:{port}");

    let mut fulcio = Command::new(peer("SEALWRIGHT_FULCIO"));
    fulcio.current_dir(folder).args(["serve", "--ca", "ephemeralca", "--config-path", "fulcio.yaml"]);
    fulcio.args(["--host", "127.0.0.1", "--port", &fulcio_port.to_string(), "--grpc-host", "127.0.0.1"]);
    fulcio.args(["--grpc-port", &free_port().to_string(), "--metrics-port", &free_port().to_string()]);
    fulcio.args([
        "--legacy-unix-domain-socket",
        "fulcio.sock",
        "--ct-log-url",
        &format!("http://{}/log", at(log_port)),
    ]);
    let fulcio = Server::start_at(&mut fulcio, &at(fulcio_port));
    fetch(&format!("http://{}/api/v1/rootCert", at(fulcio_port)), &folder.join("fulcio.pem"));

    let mut log = Command::new(peer("SEALWRIGHT_CTLOG"));
    log.current_dir(folder).args(["-listen", &at(log_port), "-roots", "fulcio.pem", "-public-key", "ct.pub"]);
    let log = Server::start(&mut log, "listening on");

    say(Command::new("openssl").current_dir(folder).args(["genpkey", "-algorithm", "ed25519", "-out", "rekor.key"]))
        .expect_code(0);
    say(Command::new("openssl").current_dir(folder).args(["pkey", "-in", "rekor.key", "-pubout", "-out", "rekor.pub"]))
        .expect_code(0);
    std::fs::create_dir(folder.join("tiles")).expect("folder");
    let mut rekor = Command::new(peer("SEALWRIGHT_REKOR"));
    rekor.current_dir(folder).args(["serve", "--hostname", ORIGIN, "--storage-dir", "tiles", "--signer-filepath"]);
    rekor.args(["rekor.key", "--checkpoint-interval", "1s", "--batch-max-age", "100ms", "--http-address", "127.0.0.1"]);
    rekor.args(["--http-port", &rekor_port.to_string(), "--grpc-address", "127.0.0.1", "--grpc-port"]);
    rekor.args([&free_port().to_string(), "--http-metrics-port", &free_port().to_string()]);
    let rekor = Server::start_at(&mut rekor, &at(rekor_port));

    let mut time = Command::new(peer("SEALWRIGHT_TIMESTAMP"));
    let time = Server::start_at(time.args(["-port", &time_port.to_string()]), &at(time_port));
    let time_url = format!("http://{}/api/v1/timestamp", at(time_port));
    fetch(&format!("{time_url}/certchain"), &folder.join("time.pem"));

    let since = "start-time=2024-01-01T00:00:00Z";
    let trusted_root = folder.join("trusted-root.json");
    let mut create = cosign(folder);
    create.args(["trusted-root", "create", "--out"]).arg(&trusted_root);
    create.args(["--fulcio", &format!("url=http://{},certificate-chain=fulcio.pem,{since}", at(fulcio_port))]);
    create.args(["--ctfe", &format!("url=http://{}/log,public-key=ct.pub,{since}", at(log_port))]);
    create.args(["--rekor", &format!("url=http://{ORIGIN},public-key=rekor.pub,{since},origin={ORIGIN}")]);
    create.args(["--tsa", &format!("url={time_url},certificate-chain=time.pem,{since}")]);
    say(&mut create).expect_code(0);

    let signing_config = folder.join("signing-config.json");
    let service = |url: &str| format!("url={url},api-version=1,{since},operator=private.test");
    let mut create = cosign(folder);
    create.args(["signing-config", "create", "--out"]).arg(&signing_config);
    create.args([
        "--fulcio",
        &service(&format!("http://{}", at(fulcio_port))),
        "--oidc-provider",
        &service(&issuer_url),
    ]);
    create.args(["--rekor", &service(&format!("http://{}", at(rekor_port))).replace("version=1", "version=2")]);
    create.args(["--rekor-config", "ANY", "--tsa", &service(&time_url), "--tsa-config", "ANY"]);
    say(&mut create).expect_code(0);
    Sigstore { _servers: vec![issuer, fulcio, log, rekor, time], issuer: issuer_url, trusted_root, signing_config }
}

fn fetch(url: &str, file: &Path) {
    let mut last = String::new();
    for _ in 0..50 {
        let said = say(Command::new("curl").args(["-fsS", "-o"]).arg(file).arg(url));
        if said.code() == 0 {
            return;
        }
        last = said.stderr;
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    panic!("{url}: {last}");
}

/// GitHub's claims become the extensions of Fulcio's certificates, as in Fulcio's own configuration.
fn fulcio_configuration(issuer: &str) -> String {
    format!(
        r#"oidc-issuers:
  "{issuer}":
    issuer-url: "{issuer}"
    client-id: sigstore
    type: ci-provider
    ci-provider: github-workflow
ci-issuer-metadata:
  github-workflow:
    default-template-values: {{ url: "https://github.com" }}
    extension-templates:
      build-signer-uri: "{{{{ .url }}}}/{{{{ .job_workflow_ref }}}}"
      build-signer-digest: "job_workflow_sha"
      runner-environment: "runner_environment"
      source-repository-uri: "{{{{ .url }}}}/{{{{ .repository }}}}"
      source-repository-digest: "sha"
      source-repository-ref: "ref"
      source-repository-identifier: "repository_id"
      source-repository-owner-uri: "{{{{ .url }}}}/{{{{ .repository_owner }}}}"
      source-repository-owner-identifier: "repository_owner_id"
      build-config-uri: "{{{{ .url }}}}/{{{{ .workflow_ref }}}}"
      build-config-digest: "workflow_sha"
      build-trigger: "event_name"
      run-invocation-uri: "{{{{ .url }}}}/{{{{ .repository }}}}/actions/runs/{{{{ .run_id }}}}/attempts/{{{{ .run_attempt }}}}"
      source-repository-visibility-at-signing: "repository_visibility"
    subject-alternative-name-template: "{{{{ .url }}}}/{{{{ .job_workflow_ref }}}}"
"#
    )
}

#[test]
fn a_keyless_seal_against_the_real_servers_is_accepted_by_everyone() {
    let folder = tempfile::tempdir().expect("folder");
    let home = folder.path();
    let sigstore = start(home);
    import_nothing(home);
    fetch(&format!("{}/token", sigstore.issuer), &home.join("token"));
    std::fs::write(home.join("policy.yaml"), policy(&sigstore.issuer, "refs/heads/main")).expect("policy");
    let (_server, registry) = go_registry();
    let image = format!("{registry}/acme/shop:v1");
    let mut seal = sealwright(home);
    seal.args(["seal", &small_image(home), "--push", &image, "--policy", "policy.yaml", "--db", "db"]);
    seal.arg("--signing-config").arg(&sigstore.signing_config).arg("--trusted-root").arg(&sigstore.trusted_root);
    let said = say(seal.args(["--identity-token", "token"])).expect_code(0);
    println!("{}", said.stdout);
    assert!(said.stdout.contains("SLSA_BUILD_LEVEL_2"), "{}", said.stdout);

    ours(home, &sigstore, &image);
    cosign_accepts(home, &sigstore, &image);
    python_accepts(home, &sigstore, &registry, &image);
    // Somebody else's identity, and a policy for another branch.
    let mut other = sealwright(home);
    other.args([
        "verify",
        &image,
        "--certificate-identity",
        "https://github.com/mallory/x",
        "--certificate-oidc-issuer",
    ]);
    say(other.arg(&sigstore.issuer).arg("--trusted-root").arg(&sigstore.trusted_root)).expect_code(4);
    std::fs::write(home.join("release.yaml"), policy(&sigstore.issuer, "refs/tags/v*")).expect("policy");
    let mut release = sealwright(home);
    release.args(["verify", &image, "--policy", "release.yaml", "--trusted-root"]).arg(&sigstore.trusted_root);
    let said = say(&mut release).expect_code(4);
    assert!(said.stdout.contains("source"), "{}", said.stdout);
}

fn policy(issuer: &str, reference: &str) -> String {
    format!(
        r#"version: 1
builders:
  - name: release
    source: {{ repository: acme/shop, repository-id: 123456, refs: ["{reference}"] }}
    keyless: {{ issuer: "{issuer}", identity: "{IDENTITY}", runner: github-hosted }}
    evidence: {{ provenance: {{ level: 2 }} }}
gate: {{ unknown-severity: report, unknown-distro: report, max-advisory-age: off }}
"#
    )
}

fn ours(home: &Path, sigstore: &Sigstore, image: &str) {
    let mut plain = sealwright(home);
    plain.args(["verify", image, "--certificate-identity", IDENTITY, "--certificate-oidc-issuer", &sigstore.issuer]);
    say(plain.arg("--trusted-root").arg(&sigstore.trusted_root)).expect_code(0);
    let mut policy = sealwright(home);
    policy.args(["verify", image, "--policy", "policy.yaml", "--trusted-root"]).arg(&sigstore.trusted_root);
    say(&mut policy).expect_code(0);
}

fn cosign_accepts(home: &Path, sigstore: &Sigstore, image: &str) {
    let with_identity = |verb: &str| {
        let mut command = cosign(home);
        command.arg(verb).args(["--certificate-identity", IDENTITY, "--certificate-oidc-issuer", &sigstore.issuer]);
        command.arg("--trusted-root").arg(&sigstore.trusted_root).arg("--use-signed-timestamps");
        command
    };
    say(with_identity("verify").arg(image)).expect_code(0);
    for kind in ATTESTED {
        say(with_identity("verify-attestation").args(["--type", kind, image])).expect_code(0);
    }
    println!("cosign verify and verify-attestation accept it");
}

/// PyPI sigstore wants one file with both configurations, and a common name of every authority.
fn python_accepts(home: &Path, sigstore: &Sigstore, registry: &str, image: &str) {
    let read = |path: &Path| -> Value {
        let bytes = sealwright_core::bounded::read_file(path, 1 << 20).expect("file");
        serde_json::from_slice(&bytes).expect("JSON")
    };
    let mut root = read(&sigstore.trusted_root);
    for list in ["certificateAuthorities", "timestampAuthorities"] {
        for authority in root[list].as_array_mut().expect("authorities") {
            authority["subject"] = json!({ "organization": "private.test", "commonName": "private.test" });
        }
    }
    let config = json!({
        "mediaType": "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json",
        "trustedRoot": root, "signingConfig": read(&sigstore.signing_config),
    });
    std::fs::write(home.join("trust.json"), config.to_string()).expect("configuration");
    let (digest, bundles) = bundles(home, registry, image);
    assert_eq!(bundles.len(), 6);
    for bundle in &bundles {
        let mut command = Command::new(peer("SEALWRIGHT_PYTHON_SIGSTORE"));
        command.current_dir(home).env("HOME", home).args(["--trust-config", "trust.json", "verify", "identity"]);
        command.args(["--offline", "--cert-identity", IDENTITY, "--cert-oidc-issuer", &sigstore.issuer, "--bundle"]);
        say(command.arg(bundle).arg(&digest)).expect_code(0);
    }
    println!("PyPI sigstore accepts all six bundles");
}

/// The image's digest and its bundles, fetched with curl.
fn bundles(home: &Path, registry: &str, image: &str) -> (String, Vec<PathBuf>) {
    let base = format!("http://{registry}/v2/acme/shop");
    let get = |path: &str| {
        let mut curl = Command::new("curl");
        curl.args(["-fsS", "-H", "Accept: application/vnd.oci.image.manifest.v1+json", &format!("{base}/{path}")]);
        say(&mut curl).expect_code(0).stdout
    };
    let tag = image.rsplit(':').next().expect("tag");
    let digest = sealwright_core::Digest::of(get(&format!("manifests/{tag}")).as_bytes()).to_string();
    let index: Value = serde_json::from_str(&get(&format!("referrers/{digest}"))).expect("referrers");
    let mut files = Vec::new();
    for (i, referrer) in index["manifests"].as_array().expect("list").iter().enumerate() {
        let manifest = get(&format!("manifests/{}", referrer["digest"].as_str().expect("digest")));
        let manifest: Value = serde_json::from_str(&manifest).expect("manifest");
        let file = home.join(format!("bundle-{i}.json"));
        let blob = get(&format!("blobs/{}", manifest["layers"][0]["digest"].as_str().expect("digest")));
        std::fs::write(&file, blob).expect("bundle");
        files.push(file);
    }
    (digest, files)
}
