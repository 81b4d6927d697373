//! Which ecosystem of OSV judges a package, and under which names.

use sealwright_core::{Distribution, Inventory, Package, PackageKind};
use sealwright_version::Scheme;

/// An ecosystem, the release if it has releases, and its version order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ecosystem {
    pub(crate) name: String,
    pub(crate) release: Option<String>,
    pub(crate) scheme: Scheme,
}

impl Ecosystem {
    fn new(name: &str, scheme: Scheme) -> Self {
        Self { name: name.to_owned(), release: None, scheme }
    }

    pub(crate) fn full_name(&self) -> String {
        match &self.release {
            Some(release) => format!("{}:{}", self.name, sealwright_core::Untrusted::new(release.as_str())),
            None => self.name.clone(),
        }
    }
}

/// Packages of an operating system that no advisories are known for.
pub(crate) struct Unknown {
    pub(crate) detail: String,
}

pub(crate) fn unknown_distribution(inventory: &Inventory) -> Option<Unknown> {
    let kinds = |p: &&Package| p.kind.is_operating_system();
    let first = inventory
        .packages
        .iter()
        .filter(kinds)
        .find(|p| of_system(p.kind, inventory.distribution.as_ref()).is_none())?;
    let named = match &inventory.distribution {
        None => "the image names no operating system".to_owned(),
        Some(d) => {
            let version = d.version_id.as_ref().map(|v| format!(" {v}")).unwrap_or_default();
            format!("no advisories are known for {}{version}", d.id)
        }
    };
    Some(Unknown { detail: format!("{named}, yet it holds {} packages", first.kind.word()) })
}

/// Kinds of packages that are listed and that nothing judges.
pub(crate) fn unmatched(inventory: &Inventory) -> Vec<PackageKind> {
    let mut kinds: Vec<PackageKind> = inventory
        .packages
        .iter()
        .filter(|p| !p.kind.is_operating_system() && of(p, inventory).is_none())
        .map(|p| p.kind)
        .collect();
    kinds.dedup();
    kinds
}

/// Every ecosystem that judges a package of the inventory, each once.
pub(crate) fn all(inventory: &Inventory) -> Vec<Ecosystem> {
    let mut found: Vec<Ecosystem> = Vec::new();
    for package in &inventory.packages {
        if let Some(ecosystem) = of(package, inventory).filter(|e| !found.contains(e)) {
            found.push(ecosystem);
        }
    }
    found
}

pub(crate) fn of(package: &Package, inventory: &Inventory) -> Option<Ecosystem> {
    match package.kind {
        PackageKind::Apk | PackageKind::Deb => of_system(package.kind, inventory.distribution.as_ref()),
        PackageKind::Python => Some(Ecosystem::new("PyPI", Scheme::Pep440)),
        PackageKind::Npm => Some(Ecosystem::new("npm", Scheme::Npm)),
        PackageKind::Go => Some(Ecosystem::new("Go", Scheme::Go)),
        PackageKind::Cargo => Some(Ecosystem::new("crates.io", Scheme::Semver)),
        // There is no version order of Composer's here yet; `unmatched` says so.
        PackageKind::Composer => None,
    }
}

/// Only the distribution itself: a derivative (`ID_LIKE`) builds its own packages and fixes them on its own days.
fn of_system(kind: PackageKind, distribution: Option<&Distribution>) -> Option<Ecosystem> {
    let distribution = distribution?;
    let version = distribution.version_id.as_ref().map(|v| v.raw());
    match (kind, distribution.id.raw()) {
        (PackageKind::Apk, "alpine") => {
            // 3.20.3 is v3.20; a snapshot of edge (3.21_alpha…) has no release of its own.
            let mut numbers = version?.split('.');
            let (major, minor) = (numbers.next()?, numbers.next()?);
            let number = |n: &str| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit());
            let release = (number(major) && number(minor)).then(|| format!("v{major}.{minor}"))?;
            Some(Ecosystem { release: Some(release), ..Ecosystem::new("Alpine", Scheme::Apk) })
        }
        (PackageKind::Deb, "debian") => {
            Some(Ecosystem { release: Some(version?.to_owned()), ..Ecosystem::new("Debian", Scheme::Deb) })
        }
        (PackageKind::Apk, "wolfi") => Some(Ecosystem::new("Wolfi", Scheme::Apk)),
        (PackageKind::Apk, "chainguard") => Some(Ecosystem::new("Chainguard", Scheme::Apk)),
        _ => None,
    }
}

/// A name that advisories may use for a package, and the version that they mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subject {
    pub(crate) name: String,
    pub(crate) version: String,
}

/// Distributions write advisories for source packages; Wolfi names binary packages too.
pub(crate) fn subjects(package: &Package, ecosystem: &Ecosystem) -> Vec<Subject> {
    let own = Subject { name: package.name.raw().to_owned(), version: package.version.raw().to_owned() };
    let Some(source) = &package.source else { return vec![own] };
    let version = source.version.as_ref().unwrap_or(&package.version).raw().to_owned();
    let from = Subject { name: source.name.raw().to_owned(), version };
    let both = matches!(ecosystem.name.as_str(), "Wolfi" | "Chainguard") && from.name != own.name;
    if both { vec![from, own] } else { vec![from] }
}
