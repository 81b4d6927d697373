//! One entry of a layer's tar archive, without its contents.

use sealwright_core::Untrusted;

/// What an entry is. Only what matters to a reader of files is kept apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file (typeflags `0`, NUL, `7`, GNU sparse).
    File,
    /// A directory.
    Directory,
    /// A symbolic link and its target as written.
    Symlink(Untrusted),
    /// A hard link and the path inside the layer that it names, cleaned like [`EntryMeta::path`].
    HardLink(Untrusted),
    /// A device, FIFO or socket.
    Special,
    /// `.wh.NAME`: the path without the prefix is deleted from the layers below (OCI layer specification, "Whiteouts").
    Whiteout,
    /// `.wh..wh..opq`: everything that lower layers hold in this directory is deleted. The path is the directory's.
    OpaqueWhiteout,
}

/// The meta data of one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryMeta {
    /// Cleaned path: no leading `/` or `./`, no `.` or empty components, never `..`; of a whiteout the path that it deletes.
    /// The root directory itself is the empty path. Names that are not UTF-8 are decoded lossily.
    pub path: Untrusted,
    /// What it is.
    pub kind: EntryKind,
    /// Size of the contents in bytes, after expanding sparse entries; 0 for everything but files.
    pub size: u64,
    /// Permission bits.
    pub mode: u32,
}

/// The path that a symbolic link at `link` names, resolved inside the root: `..` at the root stays there, as in a container.
pub fn link_target(link: &str, target: &str) -> String {
    let folder = if target.starts_with('/') { "" } else { link.rsplit_once('/').map_or("", |(folder, _)| folder) };
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_resolved_inside_the_root() {
        for (link, target, expected) in [
            ("lib", "usr/lib", "usr/lib"),
            ("a/b", "../c", "c"),
            ("a/b", "c/./d//e", "a/c/d/e"),
            ("a/b", "/c", "c"),
            ("a", "../../../etc/x", "etc/x"),
            ("a/b/c", ".", "a/b"),
        ] {
            assert_eq!(link_target(link, target), expected, "{link} -> {target}");
        }
    }
}
