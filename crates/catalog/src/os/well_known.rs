//! Where package databases lie. A link on the way to one of them could hide it.

/// Databases at fixed paths.
pub(crate) const DATABASES: [&str; 3] = ["lib/apk/db/installed", "usr/lib/apk/db/installed", "var/lib/dpkg/status"];
/// The folder with one dpkg stanza a file (distroless).
pub(crate) const STATUS_FOLDER: &str = "var/lib/dpkg/status.d";

/// Whether a package database lies at exactly this path.
pub(crate) fn is_database(path: &str) -> bool {
    DATABASES.contains(&path) || path.strip_prefix(STATUS_FOLDER).is_some_and(|rest| rest.starts_with('/'))
}

/// Whether a link at this path would move a package database.
pub(crate) fn is_on_the_way(path: &str) -> bool {
    let holds =
        |database: &str| database == path || database.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'));
    DATABASES.iter().any(|database| holds(database)) || holds(STATUS_FOLDER) || is_database(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_on_the_way_are_those_of_the_databases_and_their_folders() {
        for path in [
            "lib",
            "lib/apk",
            "usr",
            "usr/lib",
            "var",
            "var/lib/dpkg",
            "var/lib/dpkg/status",
            "var/lib/dpkg/status.d",
            "var/lib/dpkg/status.d/x",
        ] {
            assert!(is_on_the_way(path), "{path}");
        }
        for path in ["li", "lib64", "var/lib/dpkg/status-old", "usr/bin", "etc"] {
            assert!(!is_on_the_way(path), "{path}");
        }
    }
}
