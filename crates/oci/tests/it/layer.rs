//! Layers: both digests to the very end, three compressions, and limits.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use sealwright_core::{Digest, Finding, FindingId, Limits};
use sealwright_oci::{BlobError, Descriptor, LayerError, LayerSummary, media_type, read_layer};

use crate::{Memory, Seen, Tar};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

fn archive() -> Vec<u8> {
    Tar::default().file("a", b"contents").file("b", &[5; 3_000]).end()
}

fn read(blob: &[u8], descriptor: &Descriptor, diff_id: &Digest) -> Result<(Seen, LayerSummary), LayerError> {
    within(blob, descriptor, diff_id, &Limits::default())
}

fn within(
    blob: &[u8],
    descriptor: &Descriptor,
    diff_id: &Digest,
    limits: &Limits,
) -> Result<(Seen, LayerSummary), LayerError> {
    let mut memory = Memory::default();
    memory.blobs.insert(descriptor.digest, blob.to_vec());
    let mut seen = Seen::default();
    let summary = read_layer(&memory, descriptor, diff_id, limits, &mut seen)?;
    Ok((seen, summary))
}

#[test]
fn all_compressions_give_the_same_entries() {
    let tar = archive();
    let diff_id = Digest::of(&tar);
    let (first, second) = tar.split_at(700);
    let members = [gzip(first), gzip(second)].concat();
    let frames = [
        b"\x50\x2a\x4d\x18\x03\x00\x00\x00xyz".to_vec(),
        zstd::encode_all(first, 1).expect("memory"),
        zstd::encode_all(second, 1).expect("memory"),
        b"\x5f\x2a\x4d\x18\x00\x00\x00\x00".to_vec(),
    ]
    .concat();
    let zstd = zstd::encode_all(&tar[..], 3).expect("memory");
    for (what, blob) in
        [("plain", tar.clone()), ("gzip", gzip(&tar)), ("members", members), ("zstd", zstd), ("frames", frames)]
    {
        // The media type is not believed.
        let descriptor = Descriptor::of(media_type::LAYER_GZIP, &blob);
        let (seen, summary) = read(&blob, &descriptor, &diff_id).unwrap_or_else(|e| panic!("{what}: {e}"));
        assert_eq!(seen.paths(), ["a", "b"], "{what}");
        assert_eq!((summary.entries, summary.uncompressed, summary.findings.len()), (2, tar.len() as u64, 0), "{what}");
    }
}

#[test]
fn a_changed_byte_anywhere_is_noticed() {
    let tar = archive();
    let diff_id = Digest::of(&tar);
    for blob in [tar.clone(), gzip(&tar), zstd::encode_all(&tar[..], 3).expect("memory")] {
        let descriptor = Descriptor::of(media_type::LAYER, &blob);
        for place in (0..blob.len()).step_by(37).chain([blob.len() - 1]) {
            let mut changed = blob.clone();
            changed[place] ^= 1;
            assert!(read(&changed, &descriptor, &diff_id).is_err(), "byte {place} of {}", blob.len());
        }
    }
}

#[test]
fn the_blob_is_what_its_descriptor_says_to_the_last_byte() {
    let blob = gzip(&archive());
    let diff_id = Digest::of(&archive());
    let good = Descriptor::of(media_type::LAYER_GZIP, &blob);
    let short = Descriptor { size: good.size + 1, ..good.clone() };
    let error = read(&blob, &short, &diff_id).expect_err("short");
    assert!(matches!(error, LayerError::Blob(BlobError::SizeMismatch { .. })), "{error}");
    let mut longer = blob.clone();
    longer.push(0);
    let error = read(&longer, &good, &diff_id).expect_err("long");
    assert!(matches!(error, LayerError::Blob(BlobError::SizeMismatch { .. })), "{error}");
    let cut = read(&blob[..blob.len() / 2], &good, &diff_id).expect_err("cut");
    assert!(matches!(cut, LayerError::Blob(BlobError::SizeMismatch { .. })), "{cut}");
    let other = Descriptor { digest: Digest::of(b"other"), ..good.clone() };
    let error = read(&blob, &other, &diff_id).expect_err("other");
    assert!(matches!(error, LayerError::Blob(BlobError::DigestMismatch { .. })), "{error}");
    let empty = Memory::default();
    let error = read_layer(&empty, &good, &diff_id, &Limits::default(), &mut Seen::default()).expect_err("missing");
    assert!(matches!(error, LayerError::Blob(BlobError::NotFound { .. })), "{error}");
}

#[test]
fn the_diff_id_covers_what_follows_the_end_of_the_archive() {
    let mut tar = archive();
    let blob = gzip(&tar);
    let descriptor = Descriptor::of(media_type::LAYER_GZIP, &blob);
    let wrong = Digest::of(b"wrong");
    let error = read(&blob, &descriptor, &wrong).expect_err("wrong");
    let LayerError::DiffIdMismatch { expected, found, bytes, .. } = error else { panic!("{error}") };
    assert_eq!((expected, found, bytes), (wrong, Digest::of(&tar), tar.len() as u64));
    // Zeros after the end marker belong to the bytes that the diff id names.
    let short = Digest::of(&tar);
    tar.extend([0; 512]);
    let blob = gzip(&tar);
    let descriptor = Descriptor::of(media_type::LAYER_GZIP, &blob);
    assert!(read(&blob, &descriptor, &short).is_err());
    assert!(read(&blob, &descriptor, &Digest::of(&tar)).is_ok());
}

#[test]
fn a_flawed_archive_is_hashed_to_its_end_and_its_findings_name_the_layer() {
    let mut tar = archive();
    tar.extend(b"more");
    let diff_id = Digest::of(&tar);
    let blob = gzip(&tar);
    let descriptor = Descriptor::of(media_type::LAYER_GZIP, &blob);
    let (_, summary) = read(&blob, &descriptor, &diff_id).expect("read");
    assert_eq!(summary.uncompressed, tar.len() as u64);
    let Finding::Observation { id, place, .. } = &summary.findings[0] else { panic!("an observation") };
    assert_eq!((*id, place.layer), (FindingId::ArchiveTrailingData, Some(diff_id)));
}

#[test]
fn garbage_after_the_compressed_stream_is_an_error() {
    let tar = archive();
    for blob in [
        [gzip(&tar), b"garbage".to_vec()].concat(),
        [zstd::encode_all(&tar[..], 3).expect("memory"), b"garbage".to_vec()].concat(),
    ] {
        let descriptor = Descriptor::of(media_type::LAYER, &blob);
        let error = read(&blob, &descriptor, &Digest::of(&tar)).expect_err("garbage");
        assert!(matches!(error, LayerError::Compression { .. }), "{error}");
    }
}

#[test]
fn limits_hold_at_the_limit_and_one_past_it() {
    let tar = archive();
    let (diff_id, size) = (Digest::of(&tar), tar.len() as u64);
    let blob = gzip(&tar);
    let descriptor = Descriptor::of(media_type::LAYER_GZIP, &blob);
    let uncompressed =
        |limit| within(&blob, &descriptor, &diff_id, &Limits { uncompressed_layer: limit, ..Limits::default() });
    assert!(uncompressed(size).is_ok());
    assert!(matches!(uncompressed(size - 1), Err(LayerError::TooLarge { limit, .. }) if limit == size - 1));
    let compressed =
        |limit| within(&blob, &descriptor, &diff_id, &Limits { compressed_layer: limit, ..Limits::default() });
    assert!(compressed(descriptor.size).is_ok());
    let error = compressed(descriptor.size - 1).expect_err("too large");
    assert!(matches!(error, LayerError::Blob(BlobError::TooLarge { .. })), "{error}");
}

#[test]
fn a_bomb_is_stopped_by_its_ratio() {
    let bomb = vec![0; 1 << 20];
    let read = |blob: &[u8], expansion_grace, expansion_ratio| {
        let descriptor = Descriptor::of(media_type::LAYER_GZIP, blob);
        let limits = Limits { expansion_grace, expansion_ratio, ..Limits::default() };
        within(blob, &descriptor, &Digest::of(&bomb), &limits)
    };
    let blob = gzip(&bomb);
    assert!(matches!(read(&blob, 1_000, 500), Err(LayerError::Expansion { limit: 500, .. })));
    assert!(read(&blob, 1_000, 1_100).is_ok());
    // The first bytes are free, up to and with the last of them.
    assert!(read(&blob, 1 << 20, 500).is_ok());
    assert!(matches!(read(&blob, (1 << 20) - 1, 500), Err(LayerError::Expansion { .. })));
    // As many bytes for each byte as are allowed.
    assert!(read(&bomb, 0, 1).is_ok());
    assert!(matches!(read(&bomb, 0, 0), Err(LayerError::Expansion { .. })));
}
