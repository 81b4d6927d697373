//! PHP: the packages that Composer installed (Composer, `vendor/composer/installed.json`).

use sealwright_core::PackageKind;
use sealwright_oci::EntryMeta;
use serde_json::Value;

use crate::cataloger::{Cataloger, Component, File, Interest, Size, Unreadable};

/// Reads `vendor/composer/installed.json`: an object with `packages` (Composer 2), or the list alone (Composer 1).
pub(crate) struct Composer;

impl Cataloger for Composer {
    fn id(&self) -> &'static str {
        "composer"
    }

    fn interest(&self, entry: &EntryMeta) -> Interest {
        let path = entry.path.raw();
        let wanted = path == "vendor/composer/installed.json" || path.ends_with("/vendor/composer/installed.json");
        if wanted { Interest::Whole(Size::Metadata) } else { Interest::Skip }
    }

    fn read(&self, file: &File<'_>) -> Result<Vec<Component>, Unreadable> {
        let broken = |why: String| Unreadable(format!("Composer's list of installed packages {why}"));
        let document: Value = serde_json::from_slice(file.bytes).map_err(|e| broken(format!("is not JSON: {e}")))?;
        let list = document.get("packages").unwrap_or(&document).as_array();
        let list = list.ok_or_else(|| broken("holds no packages".to_owned()))?;
        list.iter()
            .map(|package| component(package).ok_or_else(|| broken("names a package without a version".to_owned())))
            .collect()
    }
}

fn component(package: &Value) -> Option<Component> {
    let text = |key: &str| package.get(key).and_then(Value::as_str);
    let needs = package.get("require").and_then(Value::as_object).into_iter().flatten();
    let licenses = package.get("license").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    Some(Component {
        licenses: licenses.map(Into::into).collect(),
        // `php` and `ext-…` are the platform's; nobody provides them here.
        needs: needs.map(|(name, _)| vec![name.clone()]).collect(),
        ..Component::new(PackageKind::Composer, text("name")?, text("version")?)
    })
}

#[cfg(test)]
mod tests {
    use sealwright_oci::EntryKind;

    use super::*;

    #[test]
    fn both_shapes_of_the_list_are_read() {
        let package = r#"{"name":"monolog/monolog","version":"3.5.0","license":["MIT"],"require":{"php":">=8.1","psr/log":"^2.0"}}"#;
        for text in [format!("[{package}]"), format!(r#"{{"packages":[{package}],"dev":false}}"#)] {
            let found = Composer.read(&File { path: "x", bytes: text.as_bytes() }).expect("list");
            assert_eq!((found[0].name.raw(), found[0].version.raw()), ("monolog/monolog", "3.5.0"));
            assert_eq!(found[0].needs, [vec!["php".to_owned()], vec!["psr/log".to_owned()]]);
        }
    }

    #[test]
    fn a_list_that_is_cut_off_or_lacks_a_version_is_unreadable() {
        for bad in ["", "{", "{}", "3", r#"[{"name":"a/b"}]"#, r#"[{"version":"1"}]"#] {
            assert!(Composer.read(&File { path: "x", bytes: bad.as_bytes() }).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn only_the_list_of_a_vendor_folder_is_wanted() {
        let interest = |path: &str| {
            Composer.interest(&EntryMeta { path: path.into(), kind: EntryKind::File, size: 1, mode: 0o644 })
                != Interest::Skip
        };
        assert!(interest("vendor/composer/installed.json") && interest("srv/app/vendor/composer/installed.json"));
        assert!(!interest("composer/installed.json") && !interest("srv/xvendor/composer/installed.json"));
    }
}
