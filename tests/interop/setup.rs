//! The composite action of `setup/`: its script in the machine's own bash with its own curl.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use sealwright_core::Digest;

use crate::downloads::{Downloads, Served};
use crate::peer::{Said, peer, say, text_of};

const PROGRAM: &[u8] = b"#!/bin/sh\necho installed\n";
const NAME: &str = "sealwright-v9.8.7-x86_64-unknown-linux-musl";

/// A job on a runner: its temporary folder, its file of paths, and the checksums of the action's commit.
struct Job {
    folder: tempfile::TempDir,
    mirror: Downloads,
}

impl Job {
    fn new(served: Option<Served>) -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let files = served.map(|served| (format!("/v9.8.7/{NAME}"), served));
        let job = Self { folder, mirror: Downloads::start(BTreeMap::from_iter(files)) };
        job.write("paths", b"");
        job.write("checksums.txt", format!("# of v9.8.7\n{}  {NAME}\n", Digest::of(PROGRAM).hex()).as_bytes());
        std::fs::create_dir(job.path("temp")).expect("folder");
        job
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).expect("file");
    }

    fn installed(&self) -> PathBuf {
        self.path("temp/sealwright-v9.8.7/sealwright")
    }

    fn install(&self) -> Said {
        self.install_with("Linux", &self.path("checksums.txt"), &self.mirror.address)
    }

    fn install_with(&self, system: &str, checksums: &Path, from: &str) -> Said {
        let mut command = Command::new(peer("SEALWRIGHT_BASH"));
        command.arg(root().join("setup/install.sh")).arg(checksums).arg(from);
        command.env("RUNNER_OS", system).env("RUNNER_ARCH", "X64");
        command.env("RUNNER_TEMP", self.path("temp")).env("GITHUB_PATH", self.path("paths"));
        for proxy in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"] {
            command.env_remove(proxy);
        }
        say(&mut command)
    }

    #[track_caller]
    fn refuses(&self, said: Said, why: &str) {
        let said = said.expect_code(1);
        assert!(said.stderr.contains(&format!("::error title=sealwright setup::{why}")), "{}", said.stderr);
        let folder = self.path("temp/sealwright-v9.8.7");
        let left: Vec<_> = std::fs::read_dir(folder).map(|d| d.flatten().collect()).unwrap_or_default();
        assert!(left.is_empty(), "{left:?}");
        assert_eq!(std::fs::metadata(self.path("paths")).expect("paths").len(), 0);
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_program_with_the_right_digest_is_installed_once() {
    let job = Job::new(Some(Served::Whole(PROGRAM.to_vec())));
    job.install().expect_code(0);
    assert_eq!(say(&mut Command::new(job.installed())).expect_code(0).stdout, "installed\n");
    let said = job.install().expect_code(0);
    assert!(said.stdout.contains("is installed already"), "{}", said.stdout);
    assert_eq!(job.mirror.asked(), [format!("/v9.8.7/{NAME}")]);
    let folder = format!("{}\n", job.path("temp/sealwright-v9.8.7").display());
    assert_eq!(text_of(&job.path("paths")), folder.repeat(2));
}

#[test]
fn a_program_that_was_changed_on_the_machine_is_replaced() {
    let job = Job::new(Some(Served::Whole(PROGRAM.to_vec())));
    job.install().expect_code(0);
    std::fs::write(job.installed(), "#!/bin/sh\necho changed\n").expect("program");
    job.install().expect_code(0);
    assert_eq!(say(&mut Command::new(job.installed())).expect_code(0).stdout, "installed\n");
}

#[test]
fn other_bytes_half_of_them_or_none_are_not_installed() {
    let other = Job::new(Some(Served::Whole(b"#!/bin/sh\necho mallory\n".to_vec())));
    let found = Digest::of(b"#!/bin/sh\necho mallory\n").hex();
    let address = &other.mirror.address;
    other.refuses(other.install(), &format!("{NAME} from {address} has the sha256 {found}, expected "));
    let half = Job::new(Some(Served::CutOff(PROGRAM[..10].to_vec())));
    half.refuses(half.install(), &format!("{NAME} of v9.8.7 could not be downloaded"));
    let none = Job::new(None);
    none.refuses(none.install(), &format!("{NAME} of v9.8.7 could not be downloaded"));
    assert_eq!(none.mirror.asked().len(), 3, "it is tried three times");
}

#[test]
fn a_commit_without_a_release_and_a_platform_without_a_binary_say_what_to_do() {
    let job = Job::new(Some(Served::Whole(PROGRAM.to_vec())));
    let install = |system: &str, checksums: &Path| job.install_with(system, checksums, &job.mirror.address);
    let empty = job.path("none.txt");
    job.write("none.txt", b"# main belongs to no release\n");
    job.refuses(install("Linux", &empty), "this commit names no binary for x86_64-unknown-linux-musl");
    job.refuses(install("macOS", &job.path("checksums.txt")), "this commit names no binary for x86_64-apple-darwin");
    job.refuses(install("Windows", &job.path("checksums.txt")), "there is no binary for Windows on X64");
    assert!(job.mirror.asked().is_empty());
}

#[test]
fn an_address_is_https_and_cannot_speak_to_the_runner() {
    let job = Job::new(Some(Served::Whole(PROGRAM.to_vec())));
    let install = |from: &str| job.install_with("Linux", &job.path("checksums.txt"), from);
    for from in ["http://mirror.example/releases", "file:///tmp", "ftp://127.0.0.1:1"] {
        job.refuses(install(from), "download-from has to be an https:// address");
    }
    for from in ["https://a.example/\n::add-path::/tmp/evil", "https://a.example/$(id)", "https://a.example/%0a b"] {
        let said = install(from);
        assert!(!said.stderr.contains("::add-path"), "{}", said.stderr);
        job.refuses(said, "download-from is no plain address");
    }
}
