//! Reads the layers in parallel and lets every cataloger see the files it wants.

use std::hash::RandomState;
use std::io::{self, Read};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use sealwright_core::bounded::{ReadError, read_all};
use sealwright_core::{Digest, Finding, FindingId, Limits, Place};
use sealwright_oci::{
    BlobError, Blobs, Descriptor, EntryKind, EntryMeta, EntryVisitor, LayerError, PlatformImage, read_layer,
};

use crate::cataloger::{Cataloger, File, Interest, Size};
use crate::layer::{FileFacts, LayerFacts, PathSet};
use crate::os::{os_release, well_known};
use crate::{CATALOGERS, CatalogError, Options, Progress};

/// Executables up to this size are searched; a larger one is read in pieces, and only for Go's build information.
const BUFFERED_EXECUTABLE: u64 = 48 << 20;
/// Smaller files hold no build information.
const LEAST_EXECUTABLE: u64 = 4 << 10;

/// The facts of all layers, from the bottom. At most as many threads as the machine has processors.
pub(crate) fn read_layers(
    blobs: &dyn Blobs,
    image: &PlatformImage,
    options: &Options<'_>,
) -> Result<Vec<LayerFacts>, CatalogError> {
    let jobs: Vec<(&Descriptor, &Digest)> = image.manifest.layers.iter().zip(&image.config.rootfs.diff_ids).collect();
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(jobs.len()).max(1);
    let state = RandomState::new();
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<(usize, Result<LayerFacts, LayerError>)>> = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some((layer, diff_id)) = jobs.get(index) else { break };
                    options.progress.layer(index, jobs.len(), &layer.digest);
                    let result = read_one(blobs, layer, diff_id, options, &state);
                    // After a failure nobody needs the rest.
                    if result.is_err() {
                        next.store(jobs.len(), Ordering::Relaxed);
                    }
                    results.lock().unwrap_or_else(PoisonError::into_inner).push((index, result));
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(index, _)| *index);
    Ok(results.into_iter().map(|(_, result)| result).collect::<Result<Vec<_>, _>>()?)
}

fn read_one(
    blobs: &dyn Blobs,
    layer: &Descriptor,
    diff_id: &Digest,
    options: &Options<'_>,
    state: &RandomState,
) -> Result<LayerFacts, LayerError> {
    let facts = LayerFacts {
        diff_id: *diff_id,
        files: vec![],
        releases: vec![],
        whiteouts: vec![],
        opaque: vec![],
        links: vec![],
        paths: PathSet::new(state.clone()),
        findings: vec![],
    };
    let mut provisional = Provisional { facts, limits: options.limits, deny: options.deny, buffer: Vec::new() };
    let counted = Counted { blobs, progress: options.progress };
    let summary = read_layer(&counted, layer, diff_id, options.limits, &mut provisional)?;
    // Both digests match: what was read are facts now.
    let mut facts = provisional.facts;
    facts.findings.extend(summary.findings);
    Ok(facts)
}

/// Tells the progress how many bytes were read.
struct Counted<'a> {
    blobs: &'a dyn Blobs,
    progress: &'a dyn Progress,
}

impl Blobs for Counted<'_> {
    fn open(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send + '_>, BlobError> {
        struct Told<'a>(Box<dyn Read + Send + 'a>, &'a dyn Progress);
        impl Read for Told<'_> {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                let n = self.0.read(buffer)?;
                self.1.bytes(n as u64);
                Ok(n)
            }
        }
        Ok(Box::new(Told(self.blobs.open(descriptor)?, self.progress)))
    }
}

/// Facts that nobody may use yet.
struct Provisional<'a> {
    facts: LayerFacts,
    limits: &'a Limits,
    deny: &'a (dyn Fn(&str) -> Option<String> + Sync),
    buffer: Vec<u8>,
}

impl EntryVisitor for Provisional<'_> {
    fn entry(&mut self, meta: &EntryMeta, contents: &mut dyn Read) -> io::Result<()> {
        let path = meta.path.raw();
        match &meta.kind {
            EntryKind::Directory => return Ok(()),
            EntryKind::Whiteout => {
                self.facts.whiteouts.push(path.to_owned());
                return Ok(());
            }
            EntryKind::OpaqueWhiteout => {
                self.facts.opaque.push(path.to_owned());
                return Ok(());
            }
            EntryKind::Symlink(target) if well_known::is_on_the_way(path) => {
                self.facts.links.push((path.to_owned(), target.raw().to_owned()));
            }
            EntryKind::HardLink(target) if well_known::is_database(path) => self.linked(path, target.raw()),
            _ => {}
        }
        self.facts.paths.insert(path);
        if let Some(pattern) = (self.deny)(path) {
            let detail = format!("gate.contents.deny names {pattern}");
            self.facts.findings.push(Finding::observation(FindingId::DeniedContent, self.place(path), detail));
        }
        if meta.kind == EntryKind::File { self.file(meta, contents) } else { Ok(()) }
    }
}

impl Provisional<'_> {
    fn place(&self, path: &str) -> Place {
        Place { layer: Some(self.facts.diff_id), path: Some(path.into()) }
    }

    fn file(&mut self, meta: &EntryMeta, contents: &mut dyn Read) -> io::Result<()> {
        let path = meta.path.raw();
        if os_release::is_wanted(path) {
            return self.os_release(path, contents);
        }
        let whole = CATALOGERS.iter().find_map(|cataloger| match cataloger.interest(meta) {
            Interest::Whole(size) => Some((*cataloger, size)),
            Interest::Skip | Interest::Executable => None,
        });
        match whole {
            // What a path says about a file comes before what its first bytes could say.
            Some((cataloger, size)) => {
                let limit = match size {
                    Size::Database => self.limits.package_database,
                    Size::Metadata => self.limits.package_metadata,
                };
                self.whole(path, cataloger, limit, contents)
            }
            None => self.executable(meta, contents),
        }
    }

    fn whole(
        &mut self,
        path: &str,
        cataloger: &'static dyn Cataloger,
        limit: u64,
        contents: &mut dyn Read,
    ) -> io::Result<()> {
        let result = match read_all(contents, limit) {
            Ok(bytes) => read(cataloger, &File { path, bytes: &bytes }),
            Err(ReadError::TooLarge { limit }) => {
                Err((FindingId::SkippedForSize, format!("a {} file has more than {limit} bytes", cataloger.id())))
            }
            Err(ReadError::Io(e)) => return Err(e),
        };
        self.keep(path, cataloger.id(), result);
        Ok(())
    }

    fn keep(
        &mut self,
        path: &str,
        cataloger: &'static str,
        result: Result<Vec<crate::Component>, (FindingId, String)>,
    ) {
        let (components, finding) = match result {
            Ok(components) => (components, None),
            Err((id, detail)) => (vec![], Some(Finding::observation(id, self.place(path), detail))),
        };
        if !components.is_empty() || finding.is_some() || well_known::is_database(path) {
            self.facts.files.push(FileFacts { path: path.to_owned(), cataloger, components, finding });
        }
    }

    fn executable(&mut self, meta: &EntryMeta, contents: &mut dyn Read) -> io::Result<()> {
        if meta.size < LEAST_EXECUTABLE {
            return Ok(());
        }
        let mut magic = [0; 4];
        contents.read_exact(&mut magic)?;
        if magic != *b"\x7fELF" {
            return Ok(());
        }
        self.buffer.clear();
        self.buffer.extend(magic);
        let piece = meta.size.min(BUFFERED_EXECUTABLE);
        contents.take(piece - 4).read_to_buffer(&mut self.buffer)?;
        let path = meta.path.raw();
        let bytes = std::mem::take(&mut self.buffer);
        for cataloger in CATALOGERS.iter().filter(|c| c.interest(meta) == Interest::Executable) {
            let result = read(*cataloger, &File { path, bytes: &bytes });
            self.keep(path, cataloger.id(), result);
        }
        self.buffer = bytes;
        // One large executable must not hold its memory for the whole layer.
        self.buffer.shrink_to(1 << 20);
        Ok(())
    }

    fn os_release(&mut self, path: &str, contents: &mut dyn Read) -> io::Result<()> {
        match read_all(contents, self.limits.package_metadata) {
            Ok(bytes) => self.facts.releases.push((path.to_owned(), os_release::parse(&bytes))),
            Err(ReadError::Io(e)) => return Err(e),
            Err(ReadError::TooLarge { limit }) => {
                let detail = format!("os-release has more than {limit} bytes");
                self.facts.findings.push(Finding::observation(FindingId::SkippedForSize, self.place(path), detail));
            }
        }
        Ok(())
    }

    /// A package database that is a hard link: the contents are those of another path of this layer or below, which may not
    /// have been read.
    fn linked(&mut self, path: &str, target: &str) {
        let known = self.facts.files.iter().find(|f| f.path == target);
        let facts = match known {
            Some(file) if file.finding.is_none() => FileFacts {
                path: path.to_owned(),
                cataloger: file.cataloger,
                components: file.components.clone(),
                finding: None,
            },
            _ => FileFacts {
                path: path.to_owned(),
                cataloger: "link",
                components: vec![],
                finding: Some(Finding::observation(
                    FindingId::HiddenByLink,
                    self.place(path),
                    "the package database is a hard link to a file that was not read",
                )),
            },
        };
        self.facts.files.push(facts);
    }
}

/// The packages of a file. One without a name could be neither written into an SBOM nor matched against anything.
fn read(cataloger: &dyn Cataloger, file: &File<'_>) -> Result<Vec<crate::Component>, (FindingId, String)> {
    let unreadable = |why| (FindingId::UnreadableMetadata, why);
    let components = cataloger.read(file).map_err(|e| unreadable(e.0))?;
    if components.iter().any(|component| component.name.is_empty()) {
        return Err(unreadable(format!("a {} file states a package without a name", cataloger.id())));
    }
    Ok(components)
}

trait ReadToBuffer {
    fn read_to_buffer(self, buffer: &mut Vec<u8>) -> io::Result<()>;
}

impl<R: Read> ReadToBuffer for io::Take<R> {
    /// `take` is the limit: the name is another one than std's, whose callers may forget it.
    #[expect(clippy::disallowed_methods, reason = "`Take` ends the read at its limit")]
    fn read_to_buffer(mut self, buffer: &mut Vec<u8>) -> io::Result<()> {
        self.read_to_end(buffer).map(|_| ())
    }
}
