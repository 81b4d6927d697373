//! Keyless against the genuine Fulcio, Rekor v2, CT log and timestamp authority, as plain processes on loopback. Only the
//! OpenID Connect issuer is a stand-in: GitHub's own cannot be had.

use std::path::Path;
use std::process::Command;

use sealwright_core::Digest;
use sealwright_core::bounded::read_file;
use serde_json::{Value, json};

use crate::keyless::{IDENTITY, Instance, a_seal_is_accepted_by_everyone};
use crate::peer::{Server, free_port, peer, say, sealwright};
use crate::sealed::{cosign, go_registry};

/// The name in the log's checkpoints; it is never dialed.
const ORIGIN: &str = "rekor.private.test";

struct Sigstore {
    _servers: Vec<Server>,
    instance: Instance,
}

fn at(port: u16) -> String {
    format!("127.0.0.1:{port}")
}

/// The issuer, and its address.
fn start_issuer() -> (Server, String) {
    let issuer = Server::start(&mut Command::new(peer("SEALWRIGHT_ISSUER")), "listening on");
    let url = issuer.announced.split_whitespace().next_back().expect("an address").to_owned();
    (issuer, url)
}

/// Fulcio, and its address; its root is in `fulcio.pem`. Without the address of a CT log it uses none.
fn start_fulcio(folder: &Path, issuer_url: &str, log_url: &str) -> (Server, String) {
    std::fs::write(folder.join("fulcio.yaml"), fulcio_configuration(issuer_url)).expect("configuration");
    let port = free_port();
    let mut fulcio = Command::new(peer("SEALWRIGHT_FULCIO"));
    fulcio.current_dir(folder).args(["serve", "--ca", "ephemeralca", "--config-path", "fulcio.yaml"]);
    fulcio.args(["--host", "127.0.0.1", "--port", &port.to_string(), "--grpc-host", "127.0.0.1"]);
    fulcio.args(["--grpc-port", &free_port().to_string(), "--metrics-port", &free_port().to_string()]);
    fulcio.args(["--legacy-unix-domain-socket", "fulcio.sock", "--ct-log-url", log_url]);
    let fulcio = Server::start_at(&mut fulcio, &at(port));
    let url = format!("http://{}", at(port));
    fetch(&format!("{url}/api/v1/rootCert"), &folder.join("fulcio.pem"));
    (fulcio, url)
}

/// The timestamp authority, and its address; its chain is in `time.pem`.
fn start_time(folder: &Path) -> (Server, String) {
    let port = free_port();
    let mut time = Command::new(peer("SEALWRIGHT_TIMESTAMP"));
    let time = Server::start_at(time.args(["-port", &port.to_string()]), &at(port));
    let url = format!("http://{}/api/v1/timestamp", at(port));
    fetch(&format!("{url}/certchain"), &folder.join("time.pem"));
    (time, url)
}

/// Fulcio reads the issuer's configuration when it starts, the CT log accepts Fulcio's root: the order matters.
fn start(folder: &Path) -> Sigstore {
    let (issuer, issuer_url) = start_issuer();
    let (log_port, rekor_port) = (free_port(), free_port());
    let (fulcio, fulcio_url) = start_fulcio(folder, &issuer_url, &format!("http://{}/log", at(log_port)));

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

    let (time, time_url) = start_time(folder);

    let since = "start-time=2024-01-01T00:00:00Z";
    let trusted_root = folder.join("trusted-root.json");
    let mut create = cosign(folder);
    create.args(["trusted-root", "create", "--out"]).arg(&trusted_root);
    create.args(["--fulcio", &format!("url={fulcio_url},certificate-chain=fulcio.pem,{since}")]);
    create.args(["--ctfe", &format!("url=http://{}/log,public-key=ct.pub,{since}", at(log_port))]);
    create.args(["--rekor", &format!("url=http://{ORIGIN},public-key=rekor.pub,{since},origin={ORIGIN}")]);
    create.args(["--tsa", &format!("url={time_url},certificate-chain=time.pem,{since}")]);
    say(&mut create).expect_code(0);

    let signing_config = folder.join("signing-config.json");
    let service = |url: &str| format!("url={url},api-version=1,{since},operator=private.test");
    let mut create = cosign(folder);
    create.args(["signing-config", "create", "--out"]).arg(&signing_config);
    create.args(["--fulcio", &service(&fulcio_url), "--oidc-provider", &service(&issuer_url)]);
    create.args(["--rekor", &service(&format!("http://{}", at(rekor_port))).replace("version=1", "version=2")]);
    create.args(["--rekor-config", "ANY", "--tsa", &service(&time_url), "--tsa-config", "ANY"]);
    say(&mut create).expect_code(0);
    let instance = Instance { issuer: issuer_url, trusted_root, signing_config, stamps: true };
    Sigstore { _servers: vec![issuer, fulcio, log, rekor, time], instance }
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
    fetch(&format!("{}/token", sigstore.instance.issuer), &home.join("token"));
    let (_server, registry) = go_registry();
    a_seal_is_accepted_by_everyone(home, &sigstore.instance, &registry);
}

/// As GitHub runs its own instance: the same Fulcio without a CT log, the same timestamp authority, and no Rekor.
#[test]
fn genuine_servers_without_logs_give_a_certificate_and_a_time() {
    let folder = tempfile::tempdir().expect("folder");
    let home = folder.path();
    let (_issuer, issuer) = start_issuer();
    let (_fulcio, fulcio) = start_fulcio(home, &issuer, "");
    let (_time, time) = start_time(home);
    fetch(&format!("{issuer}/token"), &home.join("token"));
    let valid = json!({ "start": "2024-01-01T00:00:00Z" });
    let authority = |pem: &str, uri: &str| {
        let certificates: Vec<Value> = certificates(&home.join(pem)).iter().map(|c| json!({ "rawBytes": c })).collect();
        json!([{ "subject": { "organization": "private.test", "commonName": pem }, "uri": uri,
            "certChain": { "certificates": certificates }, "validFor": valid }])
    };
    let root = json!({
        "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
        "certificateAuthorities": authority("fulcio.pem", &fulcio), "timestampAuthorities": authority("time.pem", &time),
    });
    let service =
        |url: &str| json!([{ "url": url, "majorApiVersion": 1, "validFor": valid, "operator": "private.test" }]);
    let config = json!({
        "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
        "caUrls": service(&fulcio), "tsaUrls": service(&time), "tsaConfig": { "selector": "ANY" },
    });
    let write = |name: &str, text: &str| std::fs::write(home.join(name), text).expect(name);
    write("root.json", &root.to_string());
    write("config.json", &config.to_string());
    write("app.tar", "an archive");
    write("predicate.json", "{}");
    let mut attest = sealwright(home);
    attest.args(["attest", "--artifact", "app.tar", "--bundle", "app.json", "--type", "custom", "--predicate"]);
    attest.args(["predicate.json", "--trusted-root", "root.json", "--signing-config", "config.json"]);
    say(attest.args(["--identity-token", "token"])).expect_code(0);
    let mut verify = sealwright(home);
    verify.args(["verify", "--artifact", "app.tar", "--bundle", "app.json", "--type", "custom", "--explain"]);
    verify.args(["--trusted-root", "root.json", "--certificate-identity", IDENTITY]);
    let said = say(verify.args(["--certificate-oidc-issuer", &issuer])).expect_code(0);
    assert!(said.stdout.contains("the trusted root names no log"), "{}", said.stdout);
    let digest = Digest::of(b"an archive").to_string();
    let judge = |demands: &str| {
        let mut judge = Command::new(peer("SEALWRIGHT_SIGSTORE_GO"));
        say(judge.current_dir(home).args(["root.json", "app.json", &digest, IDENTITY, &issuer, demands])).code()
    };
    assert_eq!(judge("timestamps"), 0);
    assert_ne!(judge("logs"), 0);
    println!("genuine servers without logs: sigstore-go and we accept a certificate and a timestamp");
}

/// The certificates of a file in base64.
fn certificates(file: &Path) -> Vec<String> {
    let bytes = read_file(file, 1 << 20).expect("certificates");
    let text = String::from_utf8(bytes).expect("PEM");
    let blocks = text.split("-----BEGIN CERTIFICATE-----").skip(1);
    blocks.map(|block| block.split("-----END").next().unwrap_or_default().split_whitespace().collect()).collect()
}
