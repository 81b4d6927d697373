//! Go's `archive/tar` as the oracle: containerd and Docker unpack with it, so that what it lists is what a container gets.

use std::collections::BTreeMap;
use std::io::{self, Read, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use sealwright_core::bounded::read_all;
use sealwright_core::{Hasher, Limits};
use sealwright_oci::{EntryKind, EntryMeta, EntryVisitor, read_tar};
use serde_json::Value;

use crate::peer::peer;

/// Path → what lies there: the digest of a file's contents, or a word for everything else.
type Listing = BTreeMap<String, String>;

#[derive(Default)]
struct Ours(Listing);

impl EntryVisitor for Ours {
    fn entry(&mut self, meta: &EntryMeta, contents: &mut dyn Read) -> io::Result<()> {
        let what = match &meta.kind {
            EntryKind::File => {
                let (mut hasher, mut buffer) = (Hasher::new(), [0; 4096]);
                loop {
                    match contents.read(&mut buffer)? {
                        0 => break,
                        n => hasher.update(&buffer[..n]),
                    }
                }
                hasher.finish().hex()
            }
            EntryKind::Directory => "folder".to_owned(),
            EntryKind::Symlink(target) => format!("symlink {}", target.raw()),
            EntryKind::HardLink(target) => format!("link {}", target.raw()),
            _ => "other".to_owned(),
        };
        self.0.insert(meta.path.raw().to_owned(), what);
        Ok(())
    }
}

enum Reading {
    /// Listed without a flaw.
    Plain(Listing),
    /// Listed, or begun, with a flaw: the image is refused.
    Flawed,
    Failed,
}

fn ours(archive: &[u8]) -> Reading {
    let mut listing = Ours::default();
    match read_tar(&mut &archive[..], &Limits::default(), &mut listing) {
        Ok(summary) if summary.findings.is_empty() => Reading::Plain(listing.0),
        Ok(_) => Reading::Flawed,
        Err(_) => Reading::Failed,
    }
}

/// What Go lists; `None` where it gives up.
fn gos(archive: &[u8]) -> Option<Listing> {
    let mut child = Command::new(peer("SEALWRIGHT_TAR_ORACLE"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the oracle");
    let mut stdin = child.stdin.take().expect("piped");
    let stdout = child.stdout.take().expect("piped");
    let output = std::thread::scope(|scope| {
        scope.spawn(move || {
            // The oracle stops reading where the archive ends.
            let _ = stdin.write_all(archive);
        });
        read_all(stdout, 64 << 20).expect("its list")
    });
    assert!(child.wait().expect("the oracle").success());
    let mut listing = Listing::new();
    for line in String::from_utf8(output).expect("text").lines() {
        let entry: Value = serde_json::from_str(line).expect("JSON");
        if entry.get("error").is_some() {
            return None;
        }
        let text = |key: &str| entry[key].as_str().unwrap_or_default().to_owned();
        let what = match text("type").as_str() {
            "0" | "S" => text("sha256"),
            "5" => "folder".to_owned(),
            "2" => format!("symlink {}", text("link")),
            "1" => format!("link {}", clean(&text("link"))),
            "g" => continue,
            _ => "other".to_owned(),
        };
        listing.insert(clean(&text("name")), what);
    }
    Some(listing)
}

fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

/// A folder with everything that archives hold.
fn tree(folder: &Path) {
    let long = "long-name-".repeat(15);
    std::fs::create_dir_all(folder.join(format!("a/{long}/b"))).expect("folders");
    std::fs::write(folder.join("a/small"), b"small").expect("file");
    std::fs::write(folder.join("a/block"), vec![7; 512]).expect("file");
    std::fs::write(folder.join(format!("a/{long}/b/deep")), vec![1; 70_000]).expect("file");
    std::fs::write(folder.join("zürich"), b"utf-8").expect("file");
    std::fs::hard_link(folder.join("a/small"), folder.join("hard")).expect("link");
    std::os::unix::fs::symlink(format!("../{long}"), folder.join("soft")).expect("link");
    // Holes: the data lies at 1 MiB and 3 MiB.
    let sparse = std::fs::File::create(folder.join("sparse")).expect("file");
    sparse.set_len(4 << 20).expect("length");
    use std::os::unix::fs::FileExt as _;
    sparse.write_all_at(b"one", 1 << 20).expect("data");
    sparse.write_all_at(&[9; 5_000], 3 << 20).expect("data");
}

#[test]
fn archives_of_gnu_tar_in_every_format_list_the_same() {
    let folder = tempfile::tempdir().expect("folder");
    tree(folder.path());
    let mut compared = 0;
    let plain: &[&[&str]] = &[&[]];
    let sparse: &[&[&str]] = &[&[], &["--sparse"]];
    let versions: &[&[&str]] =
        &[&[], &["--sparse"], &["--sparse", "--sparse-version=0.0"], &["--sparse", "--sparse-version=0.1"]];
    for (format, options) in [("v7", plain), ("ustar", plain), ("gnu", sparse), ("oldgnu", sparse), ("posix", versions)]
    {
        for sparse in options {
            let mut tar = Command::new("tar");
            tar.arg("--create").arg(format!("--format={format}")).args(*sparse).arg("-C").arg(folder.path());
            // v7 and ustar cannot hold the longest names; tar leaves those out and says so.
            let output = tar.arg(".").stderr(Stdio::null()).output().expect("GNU tar");
            let Reading::Plain(ours) = ours(&output.stdout) else { panic!("{format} {sparse:?} was not read plainly") };
            let gos = gos(&output.stdout).expect("Go reads it");
            assert!(ours.len() >= 8, "{format}: {ours:?}");
            assert_eq!(ours, gos, "{format} {sparse:?}");
            compared += 1;
        }
    }
    println!("{compared} archives of GNU tar list the same");
}

/// One archive with PAX, GNU long names, sparse files and links, changed one byte at a time: wherever we list plainly, Go
/// lists the same, or gives up, so that no container can come of it.
#[test]
fn an_archive_that_was_changed_is_listed_as_go_lists_it_or_refused() {
    let folder = tempfile::tempdir().expect("folder");
    tree(folder.path());
    std::fs::remove_file(folder.path().join("a/block")).expect("file");
    let (mut plain, mut refused, mut given_up) = (0, 0, 0);
    for format in ["gnu", "posix"] {
        let mut tar = Command::new("tar");
        tar.args(["--create", "--sparse"]).arg(format!("--format={format}")).arg("-C").arg(folder.path()).arg(".");
        let archive = tar.output().expect("GNU tar").stdout;
        // Headers are what readers disagree about; every 11th byte of the first 12 KiB keeps the run short.
        for (n, place) in (0..archive.len().min(12 << 10)).step_by(11).enumerate() {
            let mut changed = archive.clone();
            changed[place] ^= 1 << (n % 7);
            // With the checksum put right half of the time, so that more than the checksum is tested.
            if n % 2 == 0 {
                fix_checksum(&mut changed, place / 512 * 512);
            }
            match ours(&changed) {
                Reading::Plain(ours) => {
                    match gos(&changed) {
                        Some(gos) => assert_eq!(ours, gos, "{format}: byte {place} was changed"),
                        None => given_up += 1,
                    }
                    plain += 1;
                }
                Reading::Flawed | Reading::Failed => refused += 1,
            }
        }
    }
    println!("{plain} changed archives list the same ({given_up} of them Go does not read), {refused} were refused");
    assert!(plain > 100 && refused > 100 && given_up < plain / 4, "{plain} {refused} {given_up}");
}

fn fix_checksum(archive: &mut [u8], header: usize) {
    let Some(block) = archive.get_mut(header..header + 512) else { return };
    if !block[257..].starts_with(b"ustar") {
        return;
    }
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|b| u32::from(*b)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

#[test]
fn lies_are_refused_each_by_its_name() {
    use sealwright_core::FindingId;
    let folder = tempfile::tempdir().expect("folder");
    std::fs::write(folder.path().join("f"), b"contents").expect("file");
    let make = |arguments: &[&str]| {
        let mut tar = Command::new("tar");
        tar.arg("--create").args(arguments).arg("-C").arg(folder.path()).arg("f").output().expect("GNU tar").stdout
    };
    let findings = |archive: &[u8]| -> Vec<FindingId> {
        let summary = read_tar(&mut &archive[..], &Limits::default(), &mut Ours::default()).expect("read");
        summary.findings.iter().map(sealwright_core::Finding::id).collect()
    };
    let plain = make(&[]);
    assert_eq!(findings(&plain), []);
    let mut trailing = plain.clone();
    let end = trailing.len() - 1;
    trailing[end] = 1;
    assert_eq!(findings(&trailing), [FindingId::ArchiveTrailingData]);
    let mut checksum = plain.clone();
    checksum[0] = b'g';
    assert_eq!(findings(&checksum), [FindingId::ArchiveBadChecksum]);
    assert_eq!(findings(&make(&["--transform=s,^f$,../f,", "-P"])), [FindingId::ArchiveEscapingPath]);
    let mut link = plain.clone();
    link[156] = b'2';
    fix_checksum(&mut link, 0);
    // Go takes the contents of a link for the next header.
    assert!(findings(&link).contains(&FindingId::ArchiveLinkWithSize));
    assert_eq!(
        findings(&make(&["--format=posix", "--pax-option=delete=mtime,size:=3"])),
        [FindingId::ArchiveSizeConflict]
    );
}
