//! Tar archives: what is read, what is refused by name, and what is an error.

use proptest::prelude::*;
use sealwright_core::{Finding, FindingId, Limits};
use sealwright_oci::{EntryKind, LayerSummary, TarError, read_tar};

use crate::{Seen, Tar};

fn read(archive: &[u8]) -> Result<(Seen, LayerSummary), TarError> {
    within(archive, &Limits::default())
}

fn within(archive: &[u8], limits: &Limits) -> Result<(Seen, LayerSummary), TarError> {
    let mut seen = Seen::default();
    let summary = read_tar(&mut &archive[..], limits, &mut seen)?;
    Ok((seen, summary))
}

fn findings(archive: &[u8]) -> Vec<FindingId> {
    read(archive).expect("read").1.findings.iter().map(Finding::id).collect()
}

#[test]
fn paths_are_cleaned_and_whiteouts_are_told_apart() {
    let archive = Tar::default()
        .file("./a//b/./c", b"x")
        .file("/abs", b"")
        .file("d/../e", b"")
        .file("f/.wh.gone", b"")
        .file("f/.wh..wh..opq", b"")
        .file("f/.wh..wh.plnk", b"")
        .entry("dir/", b'5', "", 0, b"")
        .entry("soft", b'2', "../x", 0, b"")
        .entry("hard", b'1', "./a/b/c", 0, b"")
        .entry("fifo", b'6', "", 0, b"")
        .end();
    let (seen, summary) = read(&archive).expect("read");
    assert_eq!(seen.paths(), ["a/b/c", "abs", "e", "f/gone", "f", "dir", "soft", "hard", "fifo"]);
    assert_eq!(seen.0[3].1, EntryKind::Whiteout);
    assert_eq!(seen.0[4].1, EntryKind::OpaqueWhiteout);
    assert_eq!(seen.0[5].1, EntryKind::Directory);
    assert_eq!(seen.0[6].1, EntryKind::Symlink("../x".into()));
    assert_eq!(seen.0[7].1, EntryKind::HardLink("a/b/c".into()));
    assert_eq!(seen.0[8].1, EntryKind::Special);
    assert_eq!((summary.entries, summary.findings.len()), (10, 0));
}

#[test]
fn long_names_come_from_gnu_headers_and_pax_records() {
    let long = "n".repeat(300);
    let archive = Tar::default()
        .entry("././@LongLink", b'L', "", 301, format!("{long}\0").as_bytes())
        .file("short", b"1")
        .pax(&[("path", &long), ("size", "1")])
        .file("short", b"2")
        .entry("././@LongLink", b'K', "", 301, format!("{long}\0").as_bytes())
        .entry("link", b'2', "short", 0, b"")
        .pax(&[("linkpath", "target")])
        .entry("hard", b'1', "short", 0, b"")
        .file("next", b"3")
        .end();
    let (seen, summary) = read(&archive).expect("read");
    assert_eq!(seen.paths(), [&long, &long, "link", "hard", "next"]);
    assert_eq!(seen.0[2].1, EntryKind::Symlink(long.as_str().into()));
    assert_eq!(seen.0[3].1, EntryKind::HardLink("target".into()));
    assert_eq!((summary.findings.len(), summary.entries), (0, 5));
}

#[test]
fn each_lie_has_its_name() {
    let plain = || Tar::default().file("f", b"contents");
    assert_eq!(findings(&plain().end()), []);
    let mut trailing = plain().end();
    trailing.extend([0; 512]);
    assert_eq!(findings(&trailing), [], "zeros may follow");
    trailing.push(7);
    assert_eq!(findings(&trailing), [FindingId::ArchiveTrailingData]);
    let mut lone = plain().0;
    lone.extend([0; 512]);
    lone.extend(plain().end());
    assert_eq!(findings(&lone), [FindingId::ArchiveTrailingData], "a lone block of zeros");
    let mut checksum = plain().file("g", b"").end();
    checksum[1024] = b'h';
    assert_eq!(findings(&checksum), [FindingId::ArchiveBadChecksum]);
    let conflict = Tar::default().pax(&[("size", "8")]).entry("f", b'0', "", 0, b"contents").end();
    assert_eq!(findings(&conflict), [FindingId::ArchiveSizeConflict]);
    let global = Tar::default().entry("g", b'g', "", 9, b"9 size=1\n").file("f", b"").end();
    assert_eq!(findings(&global), [FindingId::ArchiveSizeConflict]);
    let twice = Tar::default().pax(&[("path", "a"), ("path", "b")]).file("f", b"").end();
    assert_eq!(findings(&twice), [FindingId::ArchiveDuplicatePaxKey]);
    let nul = Tar::default().pax(&[("path", "a\0b")]).file("f", b"").end();
    assert_eq!(findings(&nul), [FindingId::ArchiveNulInName]);
    let nul = Tar::default().entry("L", b'L', "", 4, b"a\0b\0").file("f", b"").end();
    assert_eq!(findings(&nul), [FindingId::ArchiveNulInName]);
    for kind in [b'1', b'2', b'3', b'4', b'5', b'6'] {
        let link = Tar::default().entry("l", kind, "f", 5, b"").end();
        assert_eq!(findings(&link), [FindingId::ArchiveLinkWithSize], "{}", char::from(kind));
    }
    for path in ["..", "../x", "a/../../x", "/../x", "x/.wh..."] {
        let archive = Tar::default().file(path, b"").file("after", b"").end();
        let (seen, summary) = read(&archive).expect("read");
        assert_eq!(seen.paths(), ["after"], "{path}");
        assert_eq!(summary.findings[0].id(), FindingId::ArchiveEscapingPath, "{path}");
    }
    let hard = Tar::default().entry("l", b'1', "../../etc/shadow", 0, b"").end();
    assert_eq!(findings(&hard), [FindingId::ArchiveEscapingPath]);
    let soft = Tar::default().entry("l", b'2', "../../etc/shadow", 0, b"").end();
    assert_eq!(findings(&soft), [], "a symbolic link is resolved inside the container");
}

#[test]
fn a_finding_names_the_entry_and_its_path() {
    let archive = Tar::default().file("first", b"").file("a/../../x", b"").end();
    let (_, summary) = read(&archive).expect("read");
    let Finding::Observation { place, detail, .. } = &summary.findings[0] else { panic!("an observation") };
    assert_eq!(place.path.as_ref().map(|p| p.raw()), Some("a/../../x"));
    assert!(detail.raw().contains("entry 2"), "{detail}");
}

#[test]
fn a_whiteout_with_contents_shows_none_of_them() {
    let archive = Tar::default().file("a/.wh.b", b"contents").file("after", b"x").end();
    let (seen, summary) = read(&archive).expect("read");
    assert_eq!((seen.paths(), summary.findings.len()), (vec!["a/b", "after"], 0));
}

#[test]
fn archives_that_are_cut_off_are_errors_wherever_that_happens() {
    let whole = Tar::default().pax(&[("path", "x")]).file("f", &[1; 700]).file("g", b"2").end();
    let (seen, _) = read(&whole).expect("whole");
    assert_eq!(seen.paths(), ["x", "g"]);
    for end in 1..whole.len() - 1024 {
        let cut = read(&whole[..end]);
        // Between two entries an archive may end: so does Go. The padding of the last entry may be missing.
        if let Ok((seen, _)) = &cut {
            let complete = seen.0.iter().all(|(path, _, bytes)| bytes.len() == if path == "x" { 700 } else { 1 });
            assert!(complete, "{end}: {:?}", seen.paths());
        } else {
            assert!(matches!(cut, Err(TarError::Truncated { .. })), "{end}");
        }
    }
    assert!(matches!(read(&whole[..512 * 3 + 100]), Err(TarError::Truncated { .. })));
}

#[test]
fn broken_numbers_and_records_are_errors() {
    let mut number = Tar::default().file("f", b"").end();
    number[124..128].copy_from_slice(b"zzzz");
    let sum: u32 = number[..148].iter().chain(&number[156..512]).map(|b| u32::from(*b)).sum::<u32>() + 8 * 32;
    number[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    assert!(matches!(read(&number), Err(TarError::Malformed { what: "size", .. })));
    let records = Tar::default().entry("x", b'x', "", 5, b"99 a\n").file("f", b"").end();
    assert!(matches!(read(&records), Err(TarError::Malformed { .. })));
}

#[test]
fn limits_hold_at_the_limit_and_one_past_it() {
    let two = Tar::default().file("a", b"").file("b", b"").end();
    let entries = |entries| within(&two, &Limits { entries, ..Limits::default() });
    assert!(entries(2).is_ok());
    assert!(matches!(entries(1), Err(TarError::Limit { limit: 1, .. })));
    let path = |path| within(&Tar::default().file("abcde", b"").end(), &Limits { path, ..Limits::default() });
    assert!(path(5).is_ok());
    assert!(matches!(path(4), Err(TarError::Limit { limit: 4, .. })));
    let link = Tar::default().entry("l", b'2', "abcde", 0, b"").end();
    assert!(within(&link, &Limits { path: 4, ..Limits::default() }).is_err());
    let header = |limit| {
        let archive = Tar::default().entry("x", b'x', "", 9, b"9 size=0\n").file("f", b"").end();
        within(&archive, &Limits { extension_header: limit, ..Limits::default() })
    };
    assert!(header(9).is_ok());
    assert!(matches!(header(8), Err(TarError::Limit { limit: 8, .. })));
}

#[test]
fn sparse_files_have_their_holes() {
    let sparse = Tar::default()
        .pax(&[
            ("GNU.sparse.major", "1"),
            ("GNU.sparse.minor", "0"),
            ("GNU.sparse.name", "real"),
            ("GNU.sparse.realsize", "10"),
        ])
        .entry("GNUSparseFile.0/real", b'0', "", 515, &[b"1\n4\n3\n".to_vec(), vec![0; 506], b"abc".to_vec()].concat())
        .file("after", b"x")
        .end();
    let (seen, summary) = read(&sparse).expect("read");
    assert_eq!(seen.paths(), ["real", "after"]);
    assert_eq!(seen.0[0].2, b"\0\0\0\0abc\0\0\0");
    assert_eq!(summary.findings, []);
    for map in ["1\n4\n9\n", "1\n0\n2\n", "2\n4\n1\n4\n2\n", "x\n", "99999999\n1\n"] {
        let mut contents = map.as_bytes().to_vec();
        contents.resize(512, 0);
        contents.extend(b"abc");
        let archive = Tar::default()
            .pax(&[("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.realsize", "10")])
            .entry("s", b'0', "", 515, &contents)
            .end();
        assert!(matches!(read(&archive), Err(TarError::Malformed { .. })), "{map:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn no_bytes_make_it_panic_or_run_on(bytes in prop::collection::vec(any::<u8>(), 0..2048)) {
        let _ = read(&bytes);
    }

    #[test]
    fn an_archive_with_changed_bytes_is_read_or_refused(changes in prop::collection::vec((0_usize..6_000, any::<u8>()), 1..6)) {
        let mut archive = Tar::default()
            .pax(&[("path", "x/y"), ("size", "3"), ("GNU.sparse.map", "0,1,2,2")])
            .file("f", b"abc")
            .entry("L", b'L', "", 9, b"long-name\0")
            .file("g", &[3; 1_000])
            .entry("d", b'5', "", 0, b"")
            .end();
        for (place, byte) in changes {
            let place = place % archive.len();
            archive[place] = byte;
        }
        if let Ok((seen, summary)) = read(&archive) {
            prop_assert!(seen.0.len() as u64 <= summary.entries);
            prop_assert!(seen.paths().iter().all(|p| !p.split('/').any(|part| part == "..")));
        }
    }
}
