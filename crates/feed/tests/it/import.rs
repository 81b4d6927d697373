//! Importing files, and opening what came of it.

use sealwright_advisory::{Advisory, AdvisorySource, Kev, MemorySource};
use sealwright_core::Limits;
use sealwright_feed::{Backwards, FeedError, Store, import};

use crate::{bring, contents, export, now, record, write, zip};

const KEV: &str = r#"{"title":"t","count":1,"vulnerabilities":[{"cveID":"CVE-2024-1"}]}"#;

fn open(folder: &std::path::Path) -> Result<Store, FeedError> {
    Store::open(&folder.join("db"), &Limits::default())
}

#[test]
fn an_import_is_found_again_by_package() {
    let folder = tempfile::tempdir().expect("folder");
    let at = folder.path();
    let zip = write(at, "osv/Alpine/all.zip", export("Alpine:v3.20", 20, "2025-01-01T00:00:00Z"));
    let kev = write(at, "kev.json", KEV);
    let report = bring(at, &[zip, kev]).expect("import");
    assert_eq!(report.replaced, ["Alpine"]);
    let store = open(at).expect("store");
    let info = &store.snapshot().ecosystems["Alpine"];
    assert_eq!((info.records, info.newest.map(|t| t.to_string()).as_deref()), (20, Some("2025-01-01T00:00:00Z")));
    assert!(store.snapshot().covers("Alpine", Some("v3.20")) && !store.snapshot().covers("Alpine", Some("v3.21")));
    assert_eq!(store.advisories("Alpine", "package-0").expect("lookup").len(), 3);
    assert_eq!(store.advisories("Alpine", "package-9").expect("lookup").len(), 0);
    assert_eq!(store.advisories("Debian", "package-0").expect("lookup").len(), 0);
    assert!(store.is_known_exploited("CVE-2024-1") && !store.is_known_exploited("CVE-2024-2"));
    assert!(store.source("Alpine").expect("source").ends_with("Alpine/all.zip"));
    assert_eq!(report.snapshot.digest(), store.snapshot().digest());
}

#[test]
fn the_store_answers_as_the_records_in_memory_do() {
    let folder = tempfile::tempdir().expect("folder");
    let texts: Vec<(String, String)> = (0..50)
        .map(|i| {
            (
                format!("R-{i}.json"),
                record(&format!("R-{i}"), "2025-01-01T00:00:00Z", "PyPI", &format!("Na.Me_{}", i % 5)),
            )
        })
        .collect();
    let files: Vec<(&str, &str)> = texts.iter().map(|(n, t)| (n.as_str(), t.as_str())).collect();
    bring(folder.path(), &[write(folder.path(), "PyPI/all.zip", zip(&files))]).expect("import");
    let memory = texts.iter().map(|(_, t)| Advisory::parse(t.as_bytes()).expect("record")).collect();
    let memory = MemorySource::new(memory, Kev::default());
    let store = open(folder.path()).expect("store");
    for name in ["na-me-0", "NA.ME_1", "na_me-4", "other"] {
        let ids = |source: &dyn AdvisorySource| {
            let mut ids: Vec<String> =
                source.advisories("PyPI", name).expect("lookup").iter().map(|a| a.id.clone()).collect();
            ids.sort();
            ids
        };
        assert_eq!(ids(&store), ids(&memory), "{name}");
    }
}

#[test]
fn importing_the_same_again_gives_the_same_digest_and_other_ecosystems_stay() {
    let folder = tempfile::tempdir().expect("folder");
    let at = folder.path();
    let alpine = write(at, "Alpine/all.zip", export("Alpine:v3.20", 5, "2025-01-01T00:00:00Z"));
    let one = bring(at, std::slice::from_ref(&alpine)).expect("import").snapshot.digest();
    assert_eq!(bring(at, std::slice::from_ref(&alpine)).expect("again").snapshot.digest(), one);
    let go = write(at, "Go/all.zip", export("Go", 5, "2025-01-01T00:00:00Z"));
    bring(at, &[go]).expect("another");
    let store = open(at).expect("store");
    assert_eq!(store.snapshot().ecosystems.keys().collect::<Vec<_>>(), ["Alpine", "Go"]);
    assert_eq!(store.advisories("Alpine", "package-1").expect("kept").len(), 1);
    // Nothing of the old generations is left.
    let folders =
        std::fs::read_dir(at.join("db")).expect("folder").filter(|e| e.as_ref().expect("entry").path().is_dir());
    assert_eq!(folders.count(), 1);
}

#[test]
fn an_export_folder_and_single_records_are_read() {
    let folder = tempfile::tempdir().expect("folder");
    let at = folder.path();
    write(at, "osv/Alpine/all.zip", export("Alpine:v3.20", 2, "2025-01-01T00:00:00Z"));
    write(at, "osv/Go/all.zip", export("Go", 2, "2025-01-01T00:00:00Z"));
    let a = write(at, "a.json", record("A", "2025-01-01T00:00:00Z", "PyPI", "x"));
    let b = write(at, "b.json", record("B", "2025-01-02T00:00:00Z", "PyPI", "x"));
    let report = bring(at, &[at.join("osv"), a.clone(), b]).expect("import");
    assert_eq!(report.replaced, ["Alpine", "Go", "PyPI"]);
    assert_eq!(open(at).expect("store").advisories("PyPI", "x").expect("lookup").len(), 2);
    assert!(bring(at, &[a.clone(), a]).expect_err("twice").to_string().contains("A too"));
    assert!(bring(at, &[at.join("db")]).is_err(), "a folder without archives");
}

#[test]
fn archives_that_lie_change_nothing() {
    let folder = tempfile::tempdir().expect("folder");
    let at = folder.path();
    bring(at, &[write(at, "Alpine/all.zip", export("Alpine:v3.20", 5, "2025-01-01T00:00:00Z"))]).expect("import");
    let before = contents(&at.join("db"));
    let good = record("X", "2025-01-01T00:00:00Z", "Alpine:v3.20", "x");
    let whole = export("Alpine:v3.20", 9, "2025-02-01T00:00:00Z");
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("cut", whole[..whole.len() - 30].to_vec(), "no whole zip"),
        ("name", zip(&[("Y.json", &good)]), "its file's name"),
        ("path", zip(&[("a/X.json", &good)]), "<ID>.json"),
        ("other", zip(&[("X.txt", &good)]), "<ID>.json"),
        ("shape", zip(&[("X.json", "{}")]), "OSV record"),
        ("empty", zip(&[]), "in common"),
        ("mixed", zip(&[("X.json", &good), ("Z.json", &record("Z", "2025-01-01T00:00:00Z", "Go", "x"))]), "in common"),
    ];
    for (what, bytes, expected) in cases {
        let error = bring(at, &[write(at, "new/all.zip", bytes)]).expect_err(what);
        assert!(matches!(error, FeedError::Broken { .. }), "{what}: {error}");
        assert!(error.to_string().contains(expected) && !error.is_unavailable(), "{what}: {error}");
        assert_eq!(contents(&at.join("db")), before, "{what}");
    }
    for (text, expected) in [("{", "OSV record"), (r#"{"count":2,"vulnerabilities":[]}"#, "2 entries")] {
        let error = bring(at, &[write(at, "x.json", text)]).expect_err(text);
        assert!(error.to_string().contains(expected), "{error}");
    }
    assert_eq!(contents(&at.join("db")), before);
}

#[test]
fn limits_hold_at_the_limit_and_one_past_it() {
    let folder = tempfile::tempdir().expect("folder");
    let at = folder.path();
    let text = record("X", "2025-01-01T00:00:00Z", "Go", "x");
    let archive = zip(&[("X.json", &text)]);
    let path = [write(at, "Go/all.zip", &archive)];
    let with = |limits: Limits| import(&path, &at.join("db"), &limits, now(), Backwards::Refuse);
    let advisory = |advisory| with(Limits { advisory, ..Limits::default() });
    assert!(advisory(text.len() as u64).is_ok());
    assert!(advisory(text.len() as u64 - 1).expect_err("record").to_string().contains("bytes"));
    let size = |advisory_archive| with(Limits { advisory_archive, ..Limits::default() });
    assert!(size(archive.len() as u64).is_ok());
    assert!(size(archive.len() as u64 - 1).is_err());
    let records = |advisory_records| with(Limits { advisory_records, ..Limits::default() });
    assert!(records(1).is_ok());
    assert!(records(0).expect_err("records").to_string().contains("0 records"));
}

#[test]
fn data_never_goes_backwards_unless_a_person_says_so() {
    let folder = tempfile::tempdir().expect("folder");
    let at = folder.path();
    let bring_export = |count, modified: &str, backwards| {
        let path = write(at, "Go/all.zip", export("Go", count, modified));
        import(&[path], &at.join("db"), &Limits::default(), now(), backwards)
    };
    bring_export(100, "2025-06-01T00:00:00Z", Backwards::Refuse).expect("first");
    let before = contents(&at.join("db"));
    let older = bring_export(100, "2025-05-31T23:59:59Z", Backwards::Refuse).expect_err("older");
    assert!(matches!(older, FeedError::Backwards { .. }), "{older}");
    let fewer = bring_export(94, "2025-06-01T00:00:00Z", Backwards::Refuse).expect_err("fewer");
    assert!(fewer.to_string().contains("94 records, before it had 100"), "{fewer}");
    assert_eq!(contents(&at.join("db")), before);
    bring_export(95, "2025-06-01T00:00:00Z", Backwards::Refuse).expect("a twentieth may go");
    bring_export(10, "2024-06-01T00:00:00Z", Backwards::Accept).expect("accepted");
}

#[test]
fn a_date_in_the_future_is_not_the_newest() {
    let folder = tempfile::tempdir().expect("folder");
    let (past, future) = ("2025-01-01T00:00:00Z", "2027-01-01T00:00:00Z");
    let files = zip(&[("A.json", &record("A", past, "Go", "x")), ("B.json", &record("B", future, "Go", "x"))]);
    let report = bring(folder.path(), &[write(folder.path(), "Go/all.zip", files)]).expect("import");
    assert_eq!(report.snapshot.ecosystems["Go"].newest.map(|t| t.to_string()).as_deref(), Some(past));
}

#[test]
fn a_store_that_was_changed_is_damaged_and_none_is_none() {
    let folder = tempfile::tempdir().expect("folder");
    let at = folder.path();
    assert!(matches!(open(at), Err(FeedError::NoStore { .. })));
    bring(at, &[write(at, "Go/all.zip", export("Go", 9, "2025-01-01T00:00:00Z")), write(at, "kev.json", KEV)])
        .expect("import");
    for (path, bytes) in contents(&at.join("db")) {
        let mut changed = bytes.clone();
        let middle = changed.len() / 2;
        changed[middle] ^= 4;
        std::fs::write(&path, &changed).expect("changed");
        let noticed = match open(at) {
            Err(_) => true,
            Ok(store) => store.advisories("Go", "package-1").is_err(),
        };
        // The snapshot names sources in words that nothing checks; everything else is covered by a digest.
        let words = path.ends_with("snapshot.json");
        assert!(noticed || words, "{}", path.display());
        std::fs::write(&path, &bytes).expect("restored");
    }
    let snapshot = at.join("db/snapshot.json");
    let text =
        String::from_utf8(contents(&at.join("db")).into_iter().find(|(p, _)| *p == snapshot).expect("snapshot").1)
            .expect("text");
    for (from, to) in [("\"schema\": 1", "\"schema\": 2"), ("\"folder\": \"data-", "\"folder\": \"../data-")] {
        assert!(text.contains(from), "{text}");
        std::fs::write(&snapshot, text.replace(from, to)).expect("changed");
        assert!(matches!(open(at), Err(FeedError::Damaged { .. })), "{to}");
    }
}
