//! A rehearsal of `.github/workflows/release.yml`: its scripts, and the steps that need no service word by word, in its order and each
//! job in a checkout of its own.
//!
//! What is not GitHub's: registry and signing authority are the loopback ones, `gh` is a stand-in that writes down what it was told,
//! and one static binary of this machine stands for those of all platforms.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use sealwright_core::Digest;
use sealwright_core::bounded::read_file;
use sealwright_loopback::authority::{Authority, LogVersion, workflow_claims};
use sealwright_loopback::registry::{Registry, Switches};
use serde_json::{Value, json};

use crate::downloads::{Downloads, Served};
use crate::peer::{Said, peer, say, text_of};

const VERSION: &str = env!("CARGO_PKG_VERSION");
const TARGETS: [(&str, &str); 4] = [
    ("LINUX_AMD64", "x86_64-unknown-linux-musl"),
    ("LINUX_ARM64", "aarch64-unknown-linux-musl"),
    ("MACOS_ARM64", "aarch64-apple-darwin"),
    ("MACOS_AMD64", "x86_64-apple-darwin"),
];
const IDENTITY: &str = "https://github.com/sealwright/sealwright/.github/workflows/release.yml@refs/heads/main";
/// What the image may weigh, compressed, in bytes.
const IMAGE_LIMIT: u64 = 25 << 20;

struct Rehearsal {
    folder: tempfile::TempDir,
    authority: Authority,
    registry: Registry,
}

#[test]
fn a_release_is_made_in_the_order_of_its_workflow() {
    let rehearsal = Rehearsal::new();
    rehearsal.only_a_version_that_fits_is_released();
    let digest = rehearsal.assemble("assemble");
    assert_eq!(rehearsal.assemble("again"), digest, "the same binaries gave another image");
    rehearsal.image_is_small_and_for_two_platforms();
    rehearsal.seal(&digest);
    rehearsal.verify(&digest);
    rehearsal.what_was_changed_is_refused();
    let commit = rehearsal.publish(&digest);
    rehearsal.the_commit_installs_the_binary(&commit);
    rehearsal.the_next_release_goes_on_from_it(&commit, &digest);
}

impl Rehearsal {
    /// A repository whose main is this checkout, with a section of the changelog for the version.
    fn new() -> Self {
        let rehearsal = Self {
            folder: tempfile::tempdir().expect("folder"),
            authority: Authority::start().expect("authority"),
            registry: Registry::start(Switches::default()).expect("registry"),
        };
        for name in ["bin", "jobs"] {
            std::fs::create_dir(rehearsal.path(name)).expect("folder");
        }
        std::fs::copy(peer("SEALWRIGHT_STATIC"), rehearsal.path("bin/sealwright")).expect("binary");
        std::os::unix::fs::symlink(peer("SEALWRIGHT_HELM4"), rehearsal.path("bin/helm")).expect("helm");
        rehearsal.write("bin/gh", "#!/bin/sh\necho \"$@\" >>\"$HOME/gh.log\"\n");
        std::fs::set_permissions(rehearsal.path("bin/gh"), std::fs::Permissions::from_mode(0o755)).expect("gh");
        let root = env!("CARGO_MANIFEST_DIR");
        let script = r###"
            git init --quiet --bare origin.git
            git clone --quiet "$ROOT" main
            for name in release setup action .github action.yml; do
              [ ! -e "$ROOT/$name" ] || cp -r "$ROOT/$name" main/
            done
            cd main
            sed "s/^## Unreleased\$/&\n\n## $VERSION\n\n- What is new.\n\n## 0.0.1\n/" "$ROOT/CHANGELOG.md" >CHANGELOG.md
            git add --all
            git commit --quiet --message "What is released"
            git push --quiet ../origin.git HEAD:refs/heads/main
        "###;
        rehearsal.run(".", script, &[("ROOT", root)]).expect_code(0);
        rehearsal
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), text).expect(name);
    }

    fn read(&self, name: &str) -> String {
        let bytes = read_file(&self.path(name), 16 << 20).unwrap_or_else(|e| panic!("{name}: {e}"));
        String::from_utf8(bytes).expect("text")
    }

    /// Runs a script as a step of a workflow runs.
    fn run(&self, folder: &str, script: &str, variables: &[(&str, &str)]) -> Said {
        let mut command = Command::new("bash");
        let bin = self.path("bin");
        let script = format!("PATH=\"{}:$PATH\"\n{script}", bin.display());
        command.args(["--noprofile", "--norc", "-euo", "pipefail", "-c", &script]).current_dir(self.path(folder));
        for name in
            ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "DOCKER_CONFIG", "XDG_CACHE_HOME", "COSIGN_REPOSITORY"]
        {
            command.env_remove(name);
        }
        command.env("HOME", self.folder.path()).env("VERSION", VERSION).env("BRANCH", branch());
        command.env("RUNNER_TEMP", self.path(folder)).env("GITHUB_OUTPUT", self.path(folder).join("outputs"));
        for who in ["AUTHOR", "COMMITTER"] {
            command
                .env(format!("GIT_{who}_NAME"), "rehearsal")
                .env(format!("GIT_{who}_EMAIL"), "rehearsal@example.test");
        }
        say(command.envs(variables.iter().copied()))
    }

    /// A job of the workflow: a folder with a fresh checkout of main.
    fn job(&self, name: &str) -> String {
        let job = format!("jobs/{name}");
        let script = format!("mkdir {job} && git clone --quiet --branch main origin.git {job}/source");
        self.run(".", &script, &[]).expect_code(0);
        job
    }

    fn commit(&self) -> String {
        self.run("main", "git rev-parse HEAD", &[]).expect_code(0).stdout.trim().to_owned()
    }

    fn only_a_version_that_fits_is_released(&self) {
        let said = self.run("main", "release/check.sh \"$VERSION\"; release/notes.sh \"$VERSION\"", &[]).expect_code(0);
        assert!(said.stdout.ends_with("- What is new.\n\n"), "{:?}", said.stdout);
        let refused = |change: &str, version: &str, why: &str| {
            let said = self.run("main", &format!("{change}; release/check.sh {version}"), &[]);
            self.run(
                "main",
                "git reset --quiet --hard; git tag --list | xargs --no-run-if-empty git tag --delete",
                &[],
            );
            assert!(said.expect_code(1).stderr.contains(why), "{why}");
        };
        refused("true", "99.0.0", &format!("Cargo.toml says {VERSION}"));
        refused("true", "1.0", "it is no version");
        refused(&format!("git tag v{VERSION}"), VERSION, "the tag is there already");
        refused("sed -i 's/^## /### /' CHANGELOG.md", VERSION, "CHANGELOG.md has nothing");
        refused("sed -i 's/image: Dockerfile/image: other/' action.yml", VERSION, "does not name the Dockerfile");
    }

    /// Job `assemble`, word by word; gives the image's digest.
    fn assemble(&self, name: &str) -> String {
        let job = self.job(name);
        let source = format!("{job}/source");
        std::fs::create_dir(self.path(&source).join("binaries")).expect("folder");
        let binary = read_file(&peer("SEALWRIGHT_STATIC"), 1 << 30).expect("binary");
        let sha256 = Digest::of(&binary).hex();
        for (_, target) in TARGETS {
            self.write(&format!("{source}/binaries/sealwright-{target}"), &binary);
        }
        self.write(&format!("{source}/binaries/ca-certificates.crt"), "# no certificates\n");
        let mut variables: Vec<(&str, &str)> = TARGETS.map(|(variable, _)| (variable, sha256.as_str())).to_vec();
        let assemble = step("Assemble");
        variables.push(("MACOS_AMD64", "0000000000000000000000000000000000000000000000000000000000000000"));
        assert!(self.run(&source, &assemble, &variables).expect_code(1).stdout.contains("x86_64-apple-darwin: FAILED"));
        variables.pop();
        self.run(&source, &assemble, &variables).expect_code(0);
        let outputs = self.read(&format!("{source}/outputs"));
        let digest = outputs.lines().find_map(|line| line.strip_prefix("digest=")).expect("digest");
        digest.to_owned()
    }

    fn image_is_small_and_for_two_platforms(&self) {
        let image = "jobs/assemble/source/assembled/image";
        let blob = |digest: &Value| {
            let digest = digest.as_str().and_then(|d| d.strip_prefix("sha256:")).expect("digest");
            let bytes = self.read(&format!("{image}/blobs/sha256/{digest}"));
            serde_json::from_str::<Value>(&bytes).expect("JSON")
        };
        let layout: Value = serde_json::from_str(&self.read(&format!("{image}/index.json"))).expect("JSON");
        let index = blob(&layout["manifests"][0]["digest"]);
        assert_eq!(index["annotations"]["org.opencontainers.image.version"], VERSION);
        assert_eq!(index["annotations"]["org.opencontainers.image.revision"], self.commit());
        let mut platforms = Vec::new();
        for child in index["manifests"].as_array().expect("images") {
            let manifest = blob(&child["digest"]);
            let config = blob(&manifest["config"]["digest"]);
            assert_eq!(config["config"]["Entrypoint"], json!(["/sealwright"]));
            assert_eq!(config["config"]["User"], Value::Null);
            assert_eq!(config["config"]["Labels"]["org.opencontainers.image.licenses"], "Apache-2.0");
            let size = manifest["layers"][0]["size"].as_u64().expect("size");
            println!("the layer for {} has {size} bytes, compressed", child["platform"]);
            assert!(size <= IMAGE_LIMIT, "{size}");
            platforms.push(child["platform"]["architecture"].clone());
        }
        assert_eq!(platforms, ["amd64", "arm64"]);
        let sbom = self.read(&format!(
            "jobs/assemble/source/assembled/files/sealwright-v{VERSION}-x86_64-unknown-linux-musl.cdx.json"
        ));
        assert!(sbom.contains("pkg:cargo/rustls@"), "the binary does not say what it is made of");
    }

    /// Job `seal`: the same commands, with a trust file, advisories and an instance of this machine.
    fn seal(&self, digest: &str) {
        let claims = self.claims();
        let job = self.authority.job(&claims).expect("job");
        self.write("trusted-root.json", self.authority.trusted_root().expect("trusted root"));
        self.write("signing-config.json", self.authority.signing_config(LogVersion::V2));
        let policy = self
            .read("main/release/sealwright.yaml")
            .replace("issuer: github", &format!("issuer: \"{}\"", self.authority.issuer()));
        self.write(
            "policy.yaml",
            policy
                .replace("[ghcr.io/", &format!("[\"{}/", self.registry.host()))
                .replace("/sealwright]", "/sealwright\"]"),
        );
        let now = self.run(".", "date --utc +%Y-%m-%dT%H:%M:%SZ", &[]).stdout;
        let affected = json!([{ "package": { "ecosystem": "crates.io", "name": "no-such-crate" },
            "ranges": [{ "type": "SEMVER", "events": [{ "introduced": "0" }] }] }]);
        let record = json!({ "id": "TEST-1", "modified": now.trim(), "affected": affected });
        self.write("record.json", record.to_string());
        self.run(".", "sealwright db import --db db record.json", &[]).expect_code(0);

        let folder = self.job("seal");
        let repository = format!("{}/sealwright/sealwright", self.registry.host());
        let commit = self.commit();
        let variables = [
            ("ACTIONS_ID_TOKEN_REQUEST_URL", job.request_url.as_str()),
            ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", job.request_token.as_str()),
            ("IMAGE", &repository),
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_REPOSITORY", "sealwright/sealwright"),
            ("GITHUB_REPOSITORY_ID", "1001"),
            ("GITHUB_REPOSITORY_OWNER_ID", "1000"),
            ("GITHUB_REF", "refs/heads/main"),
            ("GITHUB_SHA", &commit),
            ("GITHUB_EVENT_NAME", "workflow_dispatch"),
            ("GITHUB_WORKFLOW_REF", "sealwright/sealwright/.github/workflows/release.yml@refs/heads/main"),
            ("GITHUB_RUN_ID", "7"),
            ("GITHUB_RUN_ATTEMPT", "1"),
        ];
        let script = r#"
            cp -r ../../assemble/source/assembled .
            here="--signing-config $HOME/signing-config.json --trusted-root $HOME/trusted-root.json"
            sealwright seal oci:assembled/image --push "$IMAGE:v$VERSION" --policy "$HOME/policy.yaml" --db "$HOME/db" $here
            release/provenance.sh >"$RUNNER_TEMP/provenance.json"
            release/sign-files.sh assembled/files "$RUNNER_TEMP/provenance.json" $here
            mv assembled/files "$HOME/signed"
        "#;
        self.run(&format!("{folder}/source"), script, &variables).expect_code(0);
        let tags = self.registry.tags("sealwright/sealwright");
        assert_eq!(tags.get(&format!("v{VERSION}")).map(ToString::to_string), Some(digest.to_owned()));
        let provenance: Value =
            serde_json::from_str(&self.read(&format!("{folder}/source/provenance.json"))).expect("JSON");
        assert_eq!(provenance["runDetails"]["builder"]["id"], IDENTITY);
        assert_eq!(
            provenance["buildDefinition"]["externalParameters"]["workflow"]["path"],
            ".github/workflows/release.yml"
        );
        assert_eq!(provenance["buildDefinition"]["resolvedDependencies"][0]["digest"]["gitCommit"], commit);
    }

    fn claims(&self) -> Value {
        let mut claims = workflow_claims();
        let workflow = "sealwright/sealwright/.github/workflows/release.yml@refs/heads/main";
        let more = json!({
            "repository": "sealwright/sealwright", "repository_id": "1001", "repository_owner": "sealwright",
            "repository_owner_id": "1000", "sha": self.commit(), "event_name": "workflow_dispatch", "workflow": "Release",
            "workflow_ref": workflow, "workflow_sha": self.commit(), "job_workflow_ref": workflow, "job_workflow_sha": self.commit(),
            "run_id": "7",
        });
        claims.as_object_mut().expect("claims").extend(more.as_object().expect("claims").clone());
        claims
    }

    /// Job `verify`: on another machine, with what is public.
    fn verify(&self, digest: &str) {
        let image = format!("{}/sealwright/sealwright@{digest}", self.registry.host());
        let script = "sealwright verify \"$IMAGE\" --policy policy.yaml --trusted-root trusted-root.json --layers";
        self.run(".", script, &[("IMAGE", &image)]).expect_code(0);
        let said = self.verify_files("signed", IDENTITY).expect_code(0);
        // Four binaries, two charts, two SBOMs and the checksums.
        assert!(said.stdout.ends_with("verified 9 files\n"), "{}", said.stdout);
    }

    fn verify_files(&self, folder: &str, identity: &str) -> Said {
        let script = r#"main/release/verify-files.sh "$FILES" --certificate-identity "$IDENTITY" \
            --certificate-oidc-issuer "$ISSUER" --trusted-root trusted-root.json"#;
        let variables = [("FILES", folder), ("IDENTITY", identity), ("ISSUER", self.authority.issuer())];
        self.run(".", script, &variables)
    }

    fn what_was_changed_is_refused(&self) {
        let refused = |change: &str, why: &str| {
            self.run(".", &format!("rm -rf changed && cp -r signed changed && cd changed && {change}"), &[])
                .expect_code(0);
            let said = self.verify_files("changed", IDENTITY);
            assert_ne!(said.code(), 0, "{change}");
            assert!(format!("{}{}", said.stdout, said.stderr).contains(why), "{why:?}: {}{}", said.stdout, said.stderr);
        };
        let sums = "sha256sum -- sealwright-*linux-musl sealwright-*darwin *.cdx.json >SHA256SUMS";
        refused("echo >>sealwright-*-x86_64-apple-darwin", "FAILED");
        // Whoever changes a file and the checksums has no signature over either.
        refused(&format!("echo >>sealwright-*-x86_64-apple-darwin; {sums}"), "NOT VERIFIED");
        refused("rm sealwright-*-x86_64-apple-darwin.provenance.sigstore.json", "provenance.sigstore.json");
        refused("cp SHA256SUMS sealwright-evil", "SHA256SUMS does not name sealwright-evil");
        self.verify_files("signed", &IDENTITY.replace("release.yml", "ci.yml")).expect_code(4);
    }

    /// Job `publish`, word by word; gives the commit.
    fn publish(&self, digest: &str) -> String {
        let job = format!("{}/source", self.job("publish"));
        let sums = Digest::of(self.read("signed/SHA256SUMS").as_bytes()).hex();
        let files = self.path("signed").display().to_string();
        let variables = [
            ("DIGEST", digest),
            ("SUMS", sums.as_str()),
            ("FILES", &files),
            ("IMAGE", "ghcr.io/sealwright/sealwright"),
        ];
        let temp = self.path("jobs/publish").display().to_string();
        let outside = [&variables[..], &[("RUNNER_TEMP", temp.as_str())]].concat();
        self.run(&job, &step("Publish"), &outside).expect_code(0);
        let commit =
            self.run("origin.git", "git rev-parse \"refs/heads/$BRANCH\"", &[]).expect_code(0).stdout.trim().to_owned();
        let told = self.read("gh.log");
        let told: Vec<&str> = told.lines().collect();
        assert!(told[0].starts_with(&format!("release create v{VERSION} --draft --target {commit} ")), "{told:?}");
        // Four binaries, two charts, two SBOMs and the checksums, each with two bundles, and the SBOMs of two binaries.
        assert_eq!(told[0].matches("/signed/").count(), 9 * 3 + 2, "{told:?}");
        assert_eq!(told[1..], [format!("release edit v{VERSION} --draft=false")]);
        let script = "git diff --name-only main \"$BRANCH\"; git rev-parse \"$BRANCH^\" main";
        let said = self.run("origin.git", script, &[]).expect_code(0);
        let lines: Vec<&str> = said.stdout.lines().collect();
        let (changed, commits) = lines.split_at(lines.len() - 2);
        assert_eq!(changed, ["action.yml", "action/action.yml", "setup/checksums.txt"]);
        assert_eq!(commits[0], commits[1], "the commit of the release is not on top of main");
        let script = "git show \"$BRANCH:action.yml\" \"$BRANCH:action/action.yml\"";
        let actions = self.run("origin.git", script, &[]).expect_code(0).stdout;
        let image = format!("\n  image: docker://ghcr.io/sealwright/sealwright@{digest} # v{VERSION}\n");
        assert_eq!(actions.matches(&image).count(), 2, "{actions}");
        commit
    }

    /// What the composite action does at that commit.
    fn the_commit_installs_the_binary(&self, commit: &str) {
        self.run(
            ".",
            "git clone --quiet origin.git released && cd released && git checkout --quiet \"$COMMIT\"",
            &[("COMMIT", commit)],
        )
        .expect_code(0);
        let files = TARGETS.map(|(_, target)| format!("sealwright-v{VERSION}-{target}"));
        let served = files.map(|name| {
            let bytes = read_file(&self.path("signed").join(&name), 1 << 30).expect("file");
            (format!("/v{VERSION}/{name}"), Served::Whole(bytes))
        });
        let mirror = Downloads::start(BTreeMap::from(served));
        self.write("paths", "");
        let paths = self.path("paths").display().to_string();
        let variables = [
            ("GITHUB_PATH", paths.as_str()),
            ("RUNNER_OS", "Linux"),
            ("RUNNER_ARCH", "X64"),
            ("ADDRESS", &mirror.address),
        ];
        let script = "bash released/setup/install.sh released/setup/checksums.txt \"$ADDRESS\"; \"$(cat paths)/sealwright\" --version";
        let said = self.run(".", script, &variables).expect_code(0);
        assert!(said.stdout.ends_with(&format!("sealwright {VERSION}\n")), "{}", said.stdout);
    }

    /// A second release of the same major version leaves the first one reachable, and one that was made from somewhere else stops.
    fn the_next_release_goes_on_from_it(&self, first: &str, digest: &str) {
        let job = format!("{}/source", self.job("next"));
        let script = r#"
            sed "s/-v$VERSION-/-v$NEXT-/" "$HOME/signed/SHA256SUMS" >../sums
            release/write-back.sh "$NEXT" "$DIGEST" ../sums
        "#;
        let major = VERSION.split('.').next().unwrap_or_default();
        let (next, later) = (format!("{major}.99.0"), format!("{major}.99.1"));
        let second =
            self.run(&job, script, &[("NEXT", &next), ("DIGEST", digest)]).expect_code(0).stdout.trim().to_owned();
        let script = "git merge-base --is-ancestor \"$FIRST\" \"$BRANCH\" && git rev-parse \"$BRANCH\"";
        assert_eq!(self.run("origin.git", script, &[("FIRST", first)]).expect_code(0).stdout.trim(), second);
        for (version, digest, why) in [
            (later.as_str(), "sha256:short", "is no digest".to_owned()),
            (&later, digest, format!("names no binary of v{later}")),
            ("0.99", digest, "is no version".to_owned()),
        ] {
            let script = "git reset --quiet --hard; release/write-back.sh \"$NEXT\" \"$DIGEST\" ../sums";
            let said = self.run(&job, script, &[("NEXT", version), ("DIGEST", digest)]);
            assert!(said.expect_code(1).stderr.contains(&why), "{why}");
        }
    }
}

/// Where the commits of this major version are.
fn branch() -> String {
    format!("release/v{}", VERSION.split('.').next().unwrap_or_default())
}

/// What a step of the workflow runs, word by word. Values come from its environment alone.
fn step(name: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(".github/workflows/release.yml");
    let text = text_of(&file);
    let step = text.split(&format!("      - name: {name}\n")).nth(1).unwrap_or_else(|| panic!("no step {name}"));
    let run = step.split("        run: |\n").nth(1).expect("run");
    let lines = run.lines().take_while(|line| line.is_empty() || line.starts_with("          "));
    let script: String =
        lines.map(|line| format!("{}\n", line.strip_prefix("          ").unwrap_or_default())).collect();
    assert!(!script.contains("${{"), "{script}");
    script
}
