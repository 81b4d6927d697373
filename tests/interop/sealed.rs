//! What the tiers share: a key of cosign's making, a registry of another vendor's, a seal, and cosign's judgment of it.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::peer::{Said, Server, free_port, peer, say, sealwright};

/// A trust file that refuses nothing for what the fixtures' advisories lack: dates and severities.
pub(crate) const LENIENT: &str = "\
version: 1
images: [\"127.0.0.1:*/**\"]
builders:
  - name: test
    key: cosign.pub
    transparency: none
gate:
  fail-on: critical
  unknown-severity: report
  unknown-distro: report
  max-advisory-age: off
";

/// The predicate types that every seal attests, in cosign's words.
pub(crate) const ATTESTED: [&str; 4] = ["cyclonedx", "spdxjson", "vuln", "slsaprovenance1"];

/// A folder with `cosign.key` (an encrypted key that cosign made, with an empty password), `cosign.pub`, the lenient trust
/// file and an empty advisory store.
pub(crate) fn home() -> tempfile::TempDir {
    let home = tempfile::tempdir().expect("folder");
    say(cosign(home.path()).arg("generate-key-pair")).expect_code(0);
    std::fs::write(home.path().join("policy.yaml"), LENIENT).expect("policy");
    import_nothing(home.path());
    home
}

/// A store that knows Debian 12 and nothing that is wrong with it.
pub(crate) fn import_nothing(home: &Path) {
    let record = r#"{"id":"TEST-1","modified":"2024-01-01T00:00:00Z","affected":[{"package":{"ecosystem":"Debian:12","name":"no-such-package"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}]}]}]}"#;
    import(home, "db", record);
}

/// Imports one OSV record into an advisory store of its own.
pub(crate) fn import(home: &Path, store: &str, record: &str) {
    let value: serde_json::Value = serde_json::from_str(record).expect("a record");
    let file = home.join(format!("{}.json", value["id"].as_str().expect("id")));
    std::fs::write(&file, record).expect("record");
    say(sealwright(home).args(["db", "import", "--db", store]).arg(&file)).expect_code(0);
}

/// The real cosign, away from public services.
pub(crate) fn cosign(home: &Path) -> Command {
    let mut command = Command::new(peer("SEALWRIGHT_COSIGN"));
    command.current_dir(home).env("HOME", home).env("COSIGN_PASSWORD", "").env("SIGSTORE_NO_CACHE", "true");
    command
}

/// Seals with the key of [`home`].
pub(crate) fn seal(home: &Path, source: &str, push: &str) -> Said {
    say(sealwright(home).args(["seal", source, "--push", push, "--policy", "policy.yaml", "--db", "db"]).args([
        "--key",
        "cosign.key",
        "--transparency",
        "none",
    ]))
}

/// Our own verification by the trust file.
pub(crate) fn verify(home: &Path, image: &str) -> Said {
    say(sealwright(home).args(["verify", image, "--policy", "policy.yaml"]))
}

/// The commands for cosign on the page of `prove` are ones that cosign takes and that it accepts the image with.
pub(crate) fn cosign_takes_the_pages_commands(home: &Path, image: &str, trust: &[&str]) {
    let said = say(sealwright(home).args(["prove", image, "-o", "json"]).args(trust)).expect_code(0);
    let page: serde_json::Value = serde_json::from_str(&said.stdout).expect("JSON");
    let tool = page["other_tools"].as_array().and_then(|tools| tools.iter().find(|tool| tool["tool"] == "cosign"));
    let commands = tool.expect("cosign")["commands"].as_array().expect("commands");
    assert_eq!(commands.len(), 2, "{commands:?}");
    for command in commands {
        let command = command.as_str().expect("text");
        // `cosign` of the page is the peer. `break` ends a loop with 0.
        let script = format!("cosign() {{ \"$COSIGN\" \"$@\"; }}\n{}", command.replace("|| break", "|| exit 1"));
        let mut shell = Command::new("sh");
        shell.args(["-c", &script]).current_dir(home).env("HOME", home).env("SIGSTORE_NO_CACHE", "true");
        say(shell.env("COSIGN", peer("SEALWRIGHT_COSIGN"))).expect_code(0);
    }
}

/// cosign accepts the signature and every attestation.
pub(crate) fn cosign_accepts(home: &Path, image: &str) {
    let key = ["--key", "cosign.pub", "--insecure-ignore-tlog=true"];
    say(cosign(home).arg("verify").args(key).arg(image)).expect_code(0);
    for kind in ATTESTED {
        let said =
            say(cosign(home).arg("verify-attestation").args(key).args(["--type", kind]).arg(image)).expect_code(0);
        assert!(said.stdout.contains("\"payload\"") || said.stdout.contains("payloadType"), "{kind}: {}", said.stdout);
    }
}

/// go-containerregistry's registry: it has the referrers API.
pub(crate) fn go_registry() -> (Server, String) {
    let server =
        Server::start(Command::new(peer("SEALWRIGHT_GO_REGISTRY")).args(["-listen", "127.0.0.1:0"]), "127.0.0.1:");
    let address = server.announced.split_whitespace().find(|w| w.contains("127.0.0.1:")).expect("an address");
    let address = address.trim_start_matches("http://").to_owned();
    (server, address)
}

/// Debian's docker-registry: it has no referrers API.
pub(crate) fn docker_registry(folder: &Path) -> (Server, String) {
    let address = format!("127.0.0.1:{}", free_port());
    let config: PathBuf = folder.join("registry.yml");
    let storage = folder.join("registry");
    let text = format!(
        "version: 0.1\nlog: {{ level: error }}\nstorage:\n  filesystem: {{ rootdirectory: {} }}\nhttp: {{ addr: {address} }}\n",
        storage.display()
    );
    std::fs::write(&config, text).expect("configuration");
    let server = Server::start_at(
        Command::new(peer("SEALWRIGHT_DOCKER_REGISTRY")).arg("serve").arg(&config).env("OTEL_TRACES_EXPORTER", "none"),
        &address,
    );
    (server, address)
}
