//! The caller's repository: a Dockerfile that runs something, three services, a chart, and the rules for all of it.

use std::fs;
use std::process::Command;

use super::{SEAL, Stage};
use crate::peer::{peer, say};

const DOCKERFILE: &str = "FROM scratch
ARG WORD=none
COPY program /bin/program
COPY os-release /etc/os-release
COPY installed /lib/apk/db/installed
RUN [\"/bin/program\", \"--version\"]
ENV WORD=$WORD
";

const DEPLOYMENT: &str = "apiVersion: apps/v1
kind: Deployment
metadata: { name: {{ .Release.Name }} }
spec:
  selector: { matchLabels: { app: shop } }
  template:
    metadata: { labels: { app: shop } }
    spec:
      containers:
        - name: app
          image: {{ required \"image.repository\" .Values.image.repository }}@{{ required \"image.digest\" .Values.image.digest }}
";

impl Stage {
    /// Who may sign by the workflow's own identity.
    pub(super) fn keyless_rules(&self) -> String {
        rules(&format!(
            "keyless: {{ issuer: \"{}\", workflow: {{ path: {SEAL}, tags: [\"v0.1.*\"] }}, runner: github-hosted }}
    evidence: {{ provenance: {{ level: 3 }} }}",
            self.authority.issuer()
        ))
    }

    /// Makes the repository.
    pub(super) fn found(&mut self) {
        let at = self.repository.clone();
        for folder in [".github", "chart/templates", "services"] {
            fs::create_dir_all(at.join(folder)).expect("folder");
        }
        fs::copy(peer("SEALWRIGHT_STATIC"), at.join("program")).expect("program");
        fs::write(at.join("os-release"), "ID=alpine\nVERSION_ID=3.20.3\n").expect("a file");
        fs::write(at.join("installed"), "P:zlib\nV:1.4-r0\nA:x86_64\no:zlib\n\n").expect("a file");
        fs::write(at.join("Dockerfile"), DOCKERFILE).expect("a file");
        for service in ["cart", "catalog", "checkout"] {
            fs::create_dir(at.join("services").join(service)).expect("folder");
            for name in ["Dockerfile", "program", "os-release", "installed"] {
                fs::copy(at.join(name), at.join("services").join(service).join(name)).expect(name);
            }
        }
        fs::write(at.join("chart/Chart.yaml"), "apiVersion: v2\nname: shop\nversion: 0.1.0\n").expect("a file");
        fs::write(at.join("chart/templates/deployment.yaml"), DEPLOYMENT).expect("a file");
        say(Command::new("git").args(["init", "-q", "-b", "main"]).current_dir(&at)).expect_code(0);
        self.commit(&self.keyless_rules());
    }

    /// A commit whose trust file holds these rules.
    pub(super) fn commit(&mut self, rules: &str) {
        let write = |name: &str, text: &str| fs::write(self.repository.join(name), text).expect("a file");
        write(".github/sealwright.yaml", rules);
        write("sealwright.yaml", rules);
        write(".github/existing.yaml", &rules.replace("seal.yml", "seal-existing.yml").replace("level: 3", "level: 2"));
        write(".github/too-much.yaml", &rules.replace("seal.yml", "seal-existing.yml"));
        let git = |arguments: &[&str]| {
            let mut command = Command::new("git");
            command.args(["-c", "user.name=a", "-c", "user.email=a@example.com"]).args(arguments);
            command.current_dir(&self.repository).env("GIT_COMMITTER_DATE", "@1700000000 +0000");
            say(&mut command).expect_code(0).stdout
        };
        git(&["add", "."]);
        git(&["commit", "-q", "-m", "rules"]);
        self.commit = git(&["rev-parse", "HEAD"]).trim().to_owned();
    }

    /// A file of the repository, for the next commit.
    pub(super) fn write(&self, name: &str, text: &str) {
        fs::write(self.repository.join(name), text).expect("a file");
    }
}

/// One builder, with this identity.
pub(super) fn rules(identity: &str) -> String {
    format!(
        "version: 1
builders:
  - name: release
    source: {{ repository: acme/shop, repository-id: 123456, refs: [refs/heads/main] }}
    {identity}
gate: {{ unknown-severity: report, max-advisory-age: off }}
"
    )
}
