//! OCI image layouts (OCI image specification, "Image Layout"), as a folder or in one tar file.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sealwright_core::Limits;
use sealwright_core::bounded::{ReadError, read_file};
use sealwright_oci::{BlobError, Blobs, Descriptor, Document, ImageSource, Index};

use crate::archive::Archive;
use crate::{SourceError, blob_path};

/// The annotation that names an image in a layout.
const REF_NAME: &str = "org.opencontainers.image.ref.name";

pub(crate) struct Layout<P> {
    place: P,
    root: Descriptor,
}

pub(crate) struct Folder(PathBuf);

pub(crate) fn open_folder(dir: &Path, tag: Option<&str>, limits: &Limits) -> Result<Layout<Folder>, SourceError> {
    let path = dir.join("index.json");
    let bytes = read_file(&path, limits.manifest).map_err(|e| match e {
        ReadError::TooLarge { limit } => SourceError::TooLarge { path: path.clone(), limit },
        ReadError::Io(source) => SourceError::Io { path: path.clone(), source },
    })?;
    let root = choose(&bytes, &path.display().to_string(), tag)?;
    Ok(Layout { place: Folder(dir.to_owned()), root })
}

pub(crate) fn open_archive(file: &Path, tag: Option<&str>, limits: &Limits) -> Result<Layout<Archive>, SourceError> {
    let opened = File::open(file).map_err(|source| SourceError::Io { path: file.to_owned(), source })?;
    let archive = Archive::index(file.display().to_string(), opened, limits)?;
    let bytes = archive.read("index.json", limits.manifest)?;
    let root = choose(&bytes, &format!("{}:index.json", file.display()), tag)?;
    Ok(Layout { place: archive, root })
}

/// The image with this tag, or the only one there is.
fn choose(index: &[u8], name: &str, tag: Option<&str>) -> Result<Descriptor, SourceError> {
    let document =
        Document::parse(index, None).map_err(|source| SourceError::Document { name: name.to_owned(), source })?;
    let Document::Index(Index { manifests, .. }) = document else {
        let source = sealwright_oci::DocumentError::Neither;
        return Err(SourceError::Document { name: name.to_owned(), source });
    };
    let name_of = |d: &Descriptor| d.annotations.get(REF_NAME).cloned();
    let matching: Vec<&Descriptor> = manifests
        .iter()
        .filter(|d| tag.is_none_or(|tag| name_of(d).is_some_and(|n| n == tag || n.ends_with(&format!(":{tag}")))))
        .collect();
    match matching.as_slice() {
        // The annotations of a layout's entry say how it is called here, not what it is.
        [only] => Ok(Descriptor { annotations: Default::default(), platform: None, ..(*only).clone() }),
        _ => Err(SourceError::NoImage {
            wanted: tag.unwrap_or_default().to_owned(),
            available: manifests.iter().map(|d| name_of(d).unwrap_or_else(|| d.digest.to_string())).collect(),
        }),
    }
}

impl Blobs for Layout<Folder> {
    fn open(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send + '_>, BlobError> {
        let digest = descriptor.digest;
        let path = self.place.0.join(blob_path(&digest));
        let io = |source| BlobError::Io { digest, source };
        match std::fs::metadata(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(BlobError::NotFound { digest }),
            Err(e) => return Err(io(e)),
            // A pipe or device would block or never end.
            Ok(meta) if !meta.is_file() => return Err(io(io::Error::other("it is not a regular file"))),
            Ok(_) => {}
        }
        Ok(Box::new(File::open(path).map_err(io)?))
    }
}

impl Blobs for Layout<Archive> {
    fn open(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send + '_>, BlobError> {
        let digest = descriptor.digest;
        let range = self.place.find(&blob_path(&digest)).map_err(|_| BlobError::NotFound { digest })?;
        Ok(Box::new(self.place.reader(range)))
    }
}

impl<P> ImageSource for Layout<P>
where
    Layout<P>: Blobs,
{
    fn root(&self) -> &Descriptor {
        &self.root
    }

    fn as_blobs(&self) -> &dyn Blobs {
        self
    }
}
