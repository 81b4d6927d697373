//! Rust: the crates that cargo-auditable writes into an executable (cargo-auditable, `PARSING.md`): a zlib stream of JSON in
//! the ELF section `.dep-v0`.

use flate2::read::ZlibDecoder;
use memchr::memmem;
use object::{Object as _, ObjectSection as _};
use sealwright_core::PackageKind;
use sealwright_core::bounded::read_all;
use sealwright_oci::EntryMeta;
use serde::Deserialize;

use crate::cataloger::{Cataloger, Component, File, Interest, Unreadable};

/// Reads the crates of an executable. Crates that only the build needed are not in it.
pub(crate) struct Cargo;

const SECTION: &str = ".dep-v0";
/// Uncompressed bytes of the list.
const LARGEST_LIST: u64 = 8 << 20;

#[derive(Deserialize)]
struct Auditable {
    packages: Vec<Crate>,
}

#[derive(Deserialize)]
struct Crate {
    name: String,
    version: String,
    #[serde(default)]
    kind: Kind,
    #[serde(default)]
    dependencies: Vec<usize>,
}

#[derive(Deserialize, Default, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Kind {
    #[default]
    Runtime,
    #[serde(other)]
    Build,
}

impl Cataloger for Cargo {
    fn id(&self) -> &'static str {
        "cargo"
    }

    fn interest(&self, _: &EntryMeta) -> Interest {
        Interest::Executable
    }

    fn read(&self, file: &File<'_>) -> Result<Vec<Component>, Unreadable> {
        // Looking for the name is much cheaper than parsing every executable.
        if memmem::find(file.bytes, SECTION.as_bytes()).is_none() {
            return Ok(vec![]);
        }
        let Ok(executable) = object::File::parse(file.bytes) else { return Ok(vec![]) };
        let Some(section) = executable.section_by_name(SECTION) else { return Ok(vec![]) };
        let broken = |why: String| Unreadable(format!("the list of crates in the executable {why}"));
        let data = section.data().map_err(|e| broken(format!("cannot be read: {e}")))?;
        let json =
            read_all(ZlibDecoder::new(data), LARGEST_LIST).map_err(|e| broken(format!("cannot be inflated: {e}")))?;
        let list: Auditable =
            serde_json::from_slice(&json).map_err(|e| broken(format!("is not cargo-auditable's: {e}")))?;
        Ok(components(&list))
    }
}

/// A crate can be there in two versions: edges name both.
fn key(name: &str, version: &str) -> String {
    format!("{name}@{version}")
}

fn components(list: &Auditable) -> Vec<Component> {
    let component = |found: &Crate| {
        let needs = found.dependencies.iter().filter_map(|i| list.packages.get(*i));
        Component {
            provides: vec![key(&found.name, &found.version)],
            needs: needs.map(|c| vec![key(&c.name, &c.version)]).collect(),
            ..Component::new(PackageKind::Cargo, found.name.as_str(), found.version.as_str())
        }
    };
    list.packages.iter().filter(|c| c.kind == Kind::Runtime).map(component).collect()
}
