//! Fetching from a server that fails.

use std::path::Path;
use std::time::Duration;

use sealwright_core::Limits;
use sealwright_feed::{Backwards, FeedError, ImportReport, UpdateOptions, update};

use crate::server::{Server, answer, whole};
use crate::{contents, export, now};

fn fetch(url: &str, folder: &Path, ecosystems: &[&str], limits: &Limits) -> Result<ImportReport, FeedError> {
    let options = UpdateOptions {
        base_url: url.to_owned(),
        ecosystems: ecosystems.iter().map(|e| (*e).to_owned()).collect(),
        kev_url: None,
        timeout: Duration::from_secs(5),
        backwards: Backwards::Refuse,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
    runtime.block_on(update(&options, &folder.join("db"), limits, now()))
}

fn archive() -> Vec<u8> {
    export("Rocky Linux:9", 50, "2025-01-01T00:00:00Z")
}

#[test]
fn only_the_ecosystems_that_were_asked_for_are_fetched() {
    let folder = tempfile::tempdir().expect("folder");
    let server = Server::start(vec![whole(&archive())]);
    let report = fetch(&server.url, folder.path(), &["Rocky Linux"], &Limits::default()).expect("update");
    assert_eq!(
        (report.replaced, report.snapshot.ecosystems["Rocky Linux"].records),
        (vec!["Rocky Linux".to_owned()], 50)
    );
    assert_eq!(server.requests(), [("/Rocky%20Linux/all.zip".to_owned(), None)]);
    assert!(!folder.path().join("db/partial").exists(), "nothing half is left");
}

#[test]
fn a_cut_connection_is_continued_where_it_was_cut() {
    let folder = tempfile::tempdir().expect("folder");
    let bytes = archive();
    let half = bytes.len() / 2;
    let rest = answer(
        "206 Partial Content",
        &format!("Content-Range: bytes {half}-{}/{}\r\n", bytes.len() - 1, bytes.len()),
        bytes.len() - half,
        &bytes[half..],
    );
    let server = Server::start(vec![answer("200 OK", "ETag: \"one\"\r\n", bytes.len(), &bytes[..half]), rest]);
    fetch(&server.url, folder.path(), &["Rocky Linux"], &Limits::default()).expect("update");
    let ranges: Vec<Option<String>> = server.requests().into_iter().map(|(_, range)| range).collect();
    assert_eq!(ranges, [None, Some(format!("bytes={half}-"))]);
}

#[test]
fn a_server_that_does_not_continue_gives_all_of_it_again() {
    let bytes = archive();
    let half = &bytes[..bytes.len() / 2];
    let cut = |tag: &str| answer("200 OK", tag, bytes.len(), half);
    let wrong_place = answer("206 Partial Content", "Content-Range: bytes 3-9/10\r\n", 7, b"wrong!!");
    for (what, answers) in [
        ("ignores the range", vec![cut("ETag: \"one\"\r\n"), whole(&bytes)]),
        ("no tag", vec![cut(""), whole(&bytes)]),
        ("a weak tag", vec![cut("ETag: W/\"one\"\r\n"), whole(&bytes)]),
        ("another place", vec![cut("ETag: \"one\"\r\n"), wrong_place, whole(&bytes)]),
        ("not satisfiable", vec![cut("ETag: \"one\"\r\n"), answer("416 X", "", 0, b""), whole(&bytes)]),
    ] {
        let folder = tempfile::tempdir().expect("folder");
        let server = Server::start(answers);
        let report = fetch(&server.url, folder.path(), &["Rocky Linux"], &Limits::default());
        assert!(report.is_ok(), "{what}: {report:?}");
    }
    let folder = tempfile::tempdir().expect("folder");
    let server = Server::start(vec![cut(""), whole(&bytes)]);
    fetch(&server.url, folder.path(), &["Rocky Linux"], &Limits::default()).expect("update");
    assert!(server.requests().iter().all(|(_, range)| range.is_none()), "without a strong tag nothing is continued");
}

#[test]
fn what_may_pass_is_asked_again_and_what_will_not_is_not() {
    let bytes = archive();
    for status in ["429 Too Many", "500 X", "503 X"] {
        let folder = tempfile::tempdir().expect("folder");
        let server = Server::start(vec![answer(status, "Retry-After: 0\r\n", 0, b""), whole(&bytes)]);
        assert!(fetch(&server.url, folder.path(), &["Rocky Linux"], &Limits::default()).is_ok(), "{status}");
    }
    for status in ["404 Not Found", "403 X", "401 X", "302 Found"] {
        let folder = tempfile::tempdir().expect("folder");
        let server = Server::start(vec![answer(status, "", 0, b"")]);
        let error = fetch(&server.url, folder.path(), &["Rocky Linux"], &Limits::default()).expect_err(status);
        assert!(error.is_unavailable() && error.to_string().contains(&status[..3]), "{error}");
        assert_eq!(server.requests().len(), 1, "{status}");
    }
    let folder = tempfile::tempdir().expect("folder");
    let server = Server::start(vec![answer("500 X", "Retry-After: 0\r\n", 0, b"")]);
    let error = fetch(&server.url, folder.path(), &["Rocky Linux"], &Limits::default()).expect_err("failing");
    assert!(error.is_unavailable() && server.requests().len() == 4, "{error}");
}

#[test]
fn broken_data_replaces_nothing_and_is_not_continued() {
    let folder = tempfile::tempdir().expect("folder");
    let good = Server::start(vec![whole(&archive())]);
    fetch(&good.url, folder.path(), &["Rocky Linux"], &Limits::default()).expect("first");
    let before = contents(&folder.path().join("db"));
    let mut broken = archive();
    let middle = broken.len() / 2;
    broken[middle] ^= 0xff;
    let bad = Server::start(vec![whole(&broken)]);
    let error = fetch(&bad.url, folder.path(), &["Rocky Linux"], &Limits::default()).expect_err("broken");
    assert!(matches!(error, FeedError::Broken { .. }) && error.to_string().contains(&bad.url), "{error}");
    let after: Vec<_> = contents(&folder.path().join("db"))
        .into_iter()
        .filter(|(p, _)| !p.to_string_lossy().contains("partial"))
        .collect();
    assert_eq!(after, before);
    let zips = contents(&folder.path().join("db")).into_iter().filter(|(p, _)| p.ends_with("all.zip"));
    assert_eq!(zips.count(), 0, "the next call begins anew");
}

#[test]
fn more_than_is_allowed_is_not_kept() {
    let folder = tempfile::tempdir().expect("folder");
    let bytes = archive();
    let server = Server::start(vec![whole(&bytes)]);
    let limits = |advisory_archive| Limits { advisory_archive, ..Limits::default() };
    let error =
        fetch(&server.url, folder.path(), &["Rocky Linux"], &limits(bytes.len() as u64 - 1)).expect_err("large");
    assert!(error.to_string().contains("more than"), "{error}");
    assert!(fetch(&server.url, folder.path(), &["Rocky Linux"], &limits(bytes.len() as u64)).is_ok());
}

#[test]
fn nobody_there_is_said_so() {
    let folder = tempfile::tempdir().expect("folder");
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("port").port();
    let error =
        fetch(&format!("http://127.0.0.1:{port}"), folder.path(), &["Go"], &Limits::default()).expect_err("nobody");
    assert!(error.is_unavailable() && error.to_string().to_lowercase().contains("refused"), "{error}");
}
