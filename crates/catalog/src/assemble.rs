//! Visible files become an inventory: places, purls and edges.

use std::collections::HashMap;

use sealwright_core::{Dependency, Distribution, Inventory, Location, Package, PackageIndex, PackageKind, Purl};

use crate::cataloger::Component;
use crate::fold::{Folded, Visible};

pub(crate) fn inventory(folded: Folded) -> Inventory {
    let Folded { distribution, files, findings } = folded;
    let mut packages: Vec<Package> = Vec::new();
    let mut edges: Vec<Dependency> = Vec::new();
    // Packages of one operating system need each other across files; crates only inside of one executable.
    let mut system = Scope::default();
    for (path, Visible { layer, cataloger, components, .. }) in files {
        let path = path.split('\0').next().unwrap_or_default();
        let mut own = Scope::default();
        for component in components {
            let index = packages.len();
            let scope = if component.kind.is_operating_system() { &mut system } else { &mut own };
            scope.add(index, &component);
            let location = Location { path: path.into(), layer };
            packages.push(package(component, distribution.as_ref(), location, cataloger));
        }
        edges.extend(own.edges());
    }
    edges.extend(system.edges());
    Inventory::new(distribution, packages, edges, findings)
}

/// Who provides what, and who needs what.
#[derive(Default)]
struct Scope {
    providers: HashMap<String, Vec<PackageIndex>>,
    needs: Vec<(PackageIndex, Vec<String>)>,
}

impl Scope {
    fn add(&mut self, index: PackageIndex, component: &Component) {
        let own = component.name.raw().to_owned();
        for name in std::iter::once(own).chain(component.provides.iter().cloned()) {
            self.providers.entry(name).or_default().push(index);
        }
        self.needs.extend(component.needs.iter().map(|alternatives| (index, alternatives.clone())));
    }

    /// An edge to every installed package that answers one of the alternatives: which one serves at run time is not known.
    fn edges(&self) -> impl Iterator<Item = Dependency> + '_ {
        self.needs.iter().flat_map(|(dependent, alternatives)| {
            let found = alternatives.iter().filter_map(|name| self.providers.get(name)).flatten();
            found.map(|dependency| Dependency { dependent: *dependent, dependency: *dependency })
        })
    }
}

fn package(component: Component, distribution: Option<&Distribution>, location: Location, cataloger: &str) -> Package {
    let purl = purl(&component, distribution);
    Package {
        kind: component.kind,
        name: component.name,
        version: component.version,
        architecture: component.architecture,
        source: component.source,
        licenses: component.licenses,
        supplier: component.supplier,
        purl,
        location,
        cataloger: cataloger.to_owned(),
    }
}

/// As Syft writes them, so that SBOMs of both can be compared.
fn purl(component: &Component, distribution: Option<&Distribution>) -> Purl {
    let (name, version) = (component.name.raw(), component.version.raw());
    match component.kind {
        PackageKind::Apk | PackageKind::Deb => {
            let kind = component.kind.word();
            let own = if component.kind == PackageKind::Apk { "alpine" } else { "debian" };
            let namespace = distribution.map_or(own, |d| d.id.raw());
            let distro = distribution.map(|d| match &d.version_id {
                Some(version) => format!("{}-{}", d.id.raw(), version.raw()),
                None => d.id.raw().to_owned(),
            });
            let upstream =
                component.source.as_ref().filter(|s| s.name != component.name || s.version.is_some()).map(|s| {
                    let version = s.version.as_ref().map(|v| format!("@{}", v.raw())).unwrap_or_default();
                    format!("{}{version}", s.name.raw())
                });
            Purl::new(kind, Some(namespace), name)
                .with_version(version)
                .with_qualifier("arch", component.architecture.as_ref().map_or("", |a| a.raw()))
                .with_qualifier("distro", distro.unwrap_or_default())
                .with_qualifier("upstream", upstream.unwrap_or_default())
        }
        PackageKind::Python => {
            // PEP 503; the purl specification asks for the normalized name.
            let normal = name.to_lowercase().replace(['_', '.'], "-");
            Purl::new("pypi", None, normal).with_version(version)
        }
        PackageKind::Npm => in_namespace("npm", name, name.split_once('/')).with_version(version),
        PackageKind::Go => in_namespace("golang", name, name.rsplit_once('/')).with_version(version),
        PackageKind::Composer => in_namespace("composer", name, name.split_once('/')).with_version(version),
        PackageKind::Cargo => Purl::new("cargo", None, name).with_version(version),
    }
}

/// A name in two parts. One that lacks the second stays whole, because a purl has to have a name.
fn in_namespace(kind: &str, whole: &str, parts: Option<(&str, &str)>) -> Purl {
    match parts.filter(|(_, name)| !name.is_empty()) {
        Some((namespace, name)) => Purl::new(kind, Some(namespace), name),
        None => Purl::new(kind, None, whole),
    }
}
