//! One layer: files, folders, links, whiteouts, and the package databases that tests speak of.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use sealwright_oci::media_type;

use crate::tar::Tar;

/// A layer as it is put together. Entries stand in the archive in the order in which they were added.
#[derive(Debug, Clone, Default)]
pub struct LayerBuilder {
    entries: Vec<Entry>,
    packages: Vec<String>,
    stanzas: Vec<String>,
    packing: Packing,
}

#[derive(Debug, Clone)]
enum Entry {
    File(String, Vec<u8>),
    Folder(String),
    Symlink(String, String),
    HardLink(String, String),
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Packing {
    #[default]
    Plain,
    Gzip,
    Zstd,
}

impl LayerBuilder {
    /// With a regular file.
    #[must_use]
    pub fn file(mut self, path: &str, contents: impl AsRef<[u8]>) -> Self {
        self.entries.push(Entry::File(path.to_owned(), contents.as_ref().to_vec()));
        self
    }

    /// With a folder.
    #[must_use]
    pub fn folder(mut self, path: &str) -> Self {
        self.entries.push(Entry::Folder(path.to_owned()));
        self
    }

    /// With a symbolic link.
    #[must_use]
    pub fn symlink(mut self, path: &str, target: &str) -> Self {
        self.entries.push(Entry::Symlink(path.to_owned(), target.to_owned()));
        self
    }

    /// With a hard link.
    #[must_use]
    pub fn hard_link(mut self, path: &str, target: &str) -> Self {
        self.entries.push(Entry::HardLink(path.to_owned(), target.to_owned()));
        self
    }

    /// Deletes a path from the layers below.
    #[must_use]
    pub fn whiteout(self, path: &str) -> Self {
        let (folder, name) = path.rsplit_once('/').map_or((String::new(), path), |(f, n)| (format!("{f}/"), n));
        self.file(&format!("{folder}.wh.{name}"), b"")
    }

    /// Hides everything that lower layers have in a folder.
    #[must_use]
    pub fn opaque(self, folder: &str) -> Self {
        self.file(&format!("{folder}/.wh..wh..opq"), b"")
    }

    /// With `etc/os-release`.
    #[must_use]
    pub fn os_release(self, id: &str, version: &str) -> Self {
        self.file("etc/os-release", format!("ID={id}\nVERSION_ID={version}\n"))
    }

    /// With a package in Alpine's database.
    #[must_use]
    pub fn apk(mut self, name: &str, version: &str) -> Self {
        self.packages.push(format!("P:{name}\nV:{version}\nA:x86_64\no:{name}\n\n"));
        self
    }

    /// With an installed package in Debian's database.
    #[must_use]
    pub fn dpkg(mut self, name: &str, version: &str) -> Self {
        let stanza =
            format!("Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {version}\n\n");
        self.stanzas.push(stanza);
        self
    }

    /// Compressed with gzip.
    #[must_use]
    pub fn gzip(mut self) -> Self {
        self.packing = Packing::Gzip;
        self
    }

    /// Compressed with zstd.
    #[must_use]
    pub fn zstd(mut self) -> Self {
        self.packing = Packing::Zstd;
        self
    }

    /// The tar archive.
    pub(crate) fn uncompressed(&self) -> Vec<u8> {
        let mut tar = Tar::default();
        for entry in &self.entries {
            match entry {
                Entry::File(path, contents) => tar.file(path, contents),
                Entry::Folder(path) => tar.entry(path, b'5', "", b""),
                Entry::Symlink(path, target) => tar.entry(path, b'2', target, b""),
                Entry::HardLink(path, target) => tar.entry(path, b'1', target, b""),
            }
        }
        if !self.packages.is_empty() {
            tar.file("lib/apk/db/installed", self.packages.concat().as_bytes());
        }
        if !self.stanzas.is_empty() {
            tar.file("var/lib/dpkg/status", self.stanzas.concat().as_bytes());
        }
        tar.finish()
    }

    /// The media type and the bytes as they are stored.
    pub(crate) fn packed(&self) -> (&'static str, Vec<u8>) {
        let tar = self.uncompressed();
        match self.packing {
            Packing::Plain => (media_type::LAYER, tar),
            Packing::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
                encoder.write_all(&tar).expect("memory");
                (media_type::LAYER_GZIP, encoder.finish().expect("memory"))
            }
            Packing::Zstd => (media_type::LAYER_ZSTD, zstd::encode_all(&tar[..], 3).expect("memory")),
        }
    }
}
