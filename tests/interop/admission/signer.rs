//! Who signs: a key, or a workflow at a throw-away authority.

use std::path::Path;
use std::process::Command;

use sealwright_loopback::authority::{Authority, LogVersion, Logs, workflow_claims};
use sealwright_loopback::tuf::TufRepository;
use sealwright_sign::KeySigner;
use serde_json::{Value, json};

use crate::peer::{say, sealwright};

/// How the trust file knows its builder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Variant {
    Key,
    Keyless,
}

impl Variant {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Keyless => "keyless",
        }
    }
}

/// The public reusable workflow that signs, at a tag that the trust file takes.
const WORKFLOW: &str = "sealwright/sealwright/.github/workflows/seal.yml";

/// The builder of the trust file, and what others need to know of it.
pub(crate) struct Signer {
    pub(crate) variant: Variant,
    authority: Option<(Authority, TufRepository)>,
}

impl Signer {
    /// Writes keys, configuration and the trust file into `home`.
    pub(crate) fn new(variant: Variant, logs: Logs, home: &Path) -> Self {
        let write = |name: &str, text: &str| std::fs::write(home.join(name), text).expect(name);
        for name in ["key", "stranger"] {
            let (signer, private) = KeySigner::generate().expect("key");
            write(&format!("{name}.pem"), private.expose());
            write(&format!("{name}.pub"), &signer.public_pem());
        }
        write("stranger.yaml", &trust_file("builders: [{ name: stranger, key: stranger.pub, transparency: none }]"));
        let authority = (variant == Variant::Keyless).then(|| {
            let authority = Authority::start_with(logs).expect("authority");
            let log = if logs == Logs::Kept { LogVersion::V1 } else { LogVersion::None };
            let root = authority.trusted_root().expect("trusted root");
            let config = authority.signing_config(log);
            write("trusted-root.json", &root);
            write("signing-config.json", &config);
            let targets = [("trusted_root.json", root.as_str()), ("signing_config.v0.2.json", config.as_str())];
            let tuf = TufRepository::start(&targets).expect("TUF repository");
            std::fs::write(home.join("tuf-root.json"), tuf.root()).expect("TUF root");
            (authority, tuf)
        });
        let signer = Self { variant, authority };
        write("policy.yaml", &trust_file(&signer.builder("acme/shop", 123_456)));
        write("mallory.yaml", &trust_file(&signer.builder("mallory/evil", 666)));
        signer
    }

    fn builder(&self, repository: &str, id: u64) -> String {
        let Some((authority, _)) = &self.authority else {
            return "builders: [{ name: team, key: key.pub, transparency: none }]".to_owned();
        };
        format!(
            "builders:\n  - name: release\n    source: {{ repository: {repository}, repository-id: {id}, refs: [refs/heads/main] }}\n    keyless:\n      issuer: \"{}\"\n      workflow: {{ path: {WORKFLOW}, tags: [\"v1.*\"] }}\n      runner: github-hosted\n    evidence: {{ provenance: {{ level: 3 }} }}",
            authority.issuer()
        )
    }

    /// The arguments of `policy render` that name the instance.
    pub(crate) fn instance(&self) -> Vec<String> {
        let Some((_, tuf)) = &self.authority else { return vec![] };
        ["--tuf", tuf.url(), "--tuf-root", "tuf-root.json"].map(str::to_owned).to_vec()
    }

    /// A command of ours that signs as the trust file's builder, in a run with these claims beside those of acme's release.
    pub(crate) fn command(&self, home: &Path, arguments: &[&str], claims: &Value) -> Command {
        let mut command = sealwright(home);
        command.args(arguments);
        let Some((authority, _)) = &self.authority else {
            command.args(["--key", "key.pem", "--transparency", "none"]);
            return command;
        };
        let mut all = workflow_claims();
        let members = all.as_object_mut().expect("claims");
        members.insert("job_workflow_ref".to_owned(), json!(format!("{WORKFLOW}@refs/tags/v1.0.0")));
        members.extend(claims.as_object().cloned().unwrap_or_default());
        std::fs::write(home.join("token"), authority.token(&all).expect("token")).expect("token");
        command.args(["--identity-token", "token", "--signing-config", "signing-config.json"]);
        command.args(["--trusted-root", "trusted-root.json"]);
        command
    }

    /// Runs such a command.
    pub(crate) fn run(&self, home: &Path, arguments: &[&str], claims: &Value) {
        say(&mut self.command(home, arguments, claims)).expect_code(0);
    }
}

/// What the token of a run of somebody else's repository says, which calls the same public workflow.
pub(crate) fn mallory() -> Value {
    json!({
        "sub": "repo:mallory/evil:ref:refs/heads/main", "repository": "mallory/evil", "repository_id": "666",
        "repository_owner": "mallory", "repository_owner_id": "667",
        "workflow_ref": "mallory/evil/.github/workflows/release.yml@refs/heads/main",
    })
}

fn trust_file(builders: &str) -> String {
    format!(
        "version: 1\nimages: [\"127.0.0.1:*/shop/**\"]\n{builders}\nevidence: {{ scan: {{ max-age: 7d }} }}\ngate: {{ unknown-severity: report, unknown-distro: report, max-advisory-age: off }}\n"
    )
}
