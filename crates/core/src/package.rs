//! What is installed.

use serde::{Deserialize, Serialize};

use crate::{Digest, Purl, Untrusted};

/// What kind of package database or file a package was read from. The order is the order in documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PackageKind {
    /// Alpine's apk.
    Apk,
    /// Debian's dpkg.
    Deb,
    /// An installed Python distribution.
    Python,
    /// An installed npm package.
    Npm,
    /// A Go module inside a binary.
    Go,
    /// A Rust crate inside a binary built by cargo-auditable.
    Cargo,
    /// An installed PHP package.
    Composer,
}

impl PackageKind {
    /// The word in documents and tables.
    pub fn word(self) -> &'static str {
        match self {
            Self::Apk => "apk",
            Self::Deb => "deb",
            Self::Python => "python",
            Self::Npm => "npm",
            Self::Go => "go",
            Self::Cargo => "cargo",
            Self::Composer => "composer",
        }
    }

    /// Whether packages of this kind belong to the operating system, so that the distribution's advisories judge them.
    pub fn is_operating_system(self) -> bool {
        matches!(self, Self::Apk | Self::Deb)
    }
}

/// Where in the image a package was found.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Location {
    /// The path inside the image, without a leading slash.
    pub path: Untrusted,
    /// The diff id (sha256 of the uncompressed tar) of the layer that holds it.
    pub layer: Digest,
}

/// The source package that a distribution built a binary package from; distributions write their advisories for it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SourcePackage {
    /// Its name.
    pub name: Untrusted,
    /// Its version, where it differs from the binary package's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Untrusted>,
}

/// One installed package.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Package {
    /// What it was read from.
    pub kind: PackageKind,
    /// The name in its ecosystem; of npm with the scope, of Go the module path.
    pub name: Untrusted,
    /// The version as the ecosystem writes it; of Debian with epoch and revision.
    pub version: Untrusted,
    /// As the ecosystem writes it, for example `amd64` or `x86_64`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<Untrusted>,
    /// The source package, if its name differs or the database states it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourcePackage>,
    /// Declared licenses, as written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub licenses: Vec<Untrusted>,
    /// Who maintains or publishes it, as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supplier: Option<Untrusted>,
    /// The package URL: also its identity in an inventory, together with the location.
    pub purl: Purl,
    /// Where it was found; a package that a database names has the database's location.
    pub location: Location,
    /// The id of the cataloger that found it.
    pub cataloger: String,
}
