//! A Merkle tree (RFC 6962 §2.1) and its signed heads as notes (C2SP "signed-note" and "tlog-checkpoint").

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealwright_core::{Digest, Hasher};

/// The entries of a log, as the hashes of its leaves.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    leaves: Vec<Digest>,
}

/// That one entry is in a tree of a certain size.
pub(crate) struct Inclusion {
    pub(crate) index: u64,
    pub(crate) size: u64,
    pub(crate) leaf: Digest,
    pub(crate) root: Digest,
    /// From the leaf's sibling upward.
    pub(crate) path: Vec<Digest>,
}

impl Tree {
    /// Adds an entry and proves that it is there.
    pub(crate) fn append(&mut self, entry: &[u8]) -> Inclusion {
        let leaf = leaf(entry);
        self.leaves.push(leaf);
        let index = self.leaves.len() - 1;
        Inclusion {
            index: index as u64,
            size: self.leaves.len() as u64,
            leaf,
            root: root(&self.leaves),
            path: path(index, &self.leaves),
        }
    }
}

/// §2.1: the hash of a leaf.
pub(crate) fn leaf(entry: &[u8]) -> Digest {
    let mut leaf = Hasher::default();
    leaf.update(&[0]);
    leaf.update(entry);
    leaf.finish()
}

/// §2.1, "Merkle Tree Hash".
fn root(leaves: &[Digest]) -> Digest {
    match leaves {
        [] => Digest::of(b""),
        [one] => *one,
        several => {
            let (left, right) = several.split_at(split(several.len()));
            parent(&root(left), &root(right))
        }
    }
}

/// §2.1.1, "Merkle Audit Paths".
fn path(index: usize, leaves: &[Digest]) -> Vec<Digest> {
    if leaves.len() < 2 {
        return Vec::new();
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    let (mut below, sibling) = if index < left.len() {
        (path(index, left), root(right))
    } else {
        (path(index - left.len(), right), root(left))
    };
    below.push(sibling);
    below
}

/// The largest power of two that is smaller than `length`, which is at least two.
fn split(length: usize) -> usize {
    length.next_power_of_two() / 2
}

fn parent(left: &Digest, right: &Digest) -> Digest {
    let mut hash = Hasher::default();
    hash.update(&[1]);
    hash.update(left.as_bytes());
    hash.update(right.as_bytes());
    hash.finish()
}

/// A tree head as a note, signed by `sign`; `hint` is the first four bytes of the key's identity.
pub(crate) fn checkpoint<E>(
    origin: &str,
    signer: &str,
    hint: &Digest,
    inclusion: &Inclusion,
    sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, E>,
) -> Result<String, E> {
    let text = format!("{origin}\n{}\n{}\n", inclusion.size, STANDARD.encode(inclusion.root.as_bytes()));
    let mut signature = hint.as_bytes().iter().copied().take(4).collect::<Vec<u8>>();
    signature.extend(sign(text.as_bytes())?);
    Ok(format!("{text}\n\u{2014} {signer} {}\n", STANDARD.encode(signature)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The proof's own check, from RFC 9162 §2.1.3.2: another algorithm than the one that made the path.
    fn leads_to_root(inclusion: &Inclusion) -> bool {
        let (mut node, mut last, mut hash) = (inclusion.index, inclusion.size - 1, inclusion.leaf);
        for sibling in &inclusion.path {
            if last == 0 {
                return false;
            }
            if node % 2 == 1 || node == last {
                hash = parent(sibling, &hash);
                while node % 2 == 0 && node != 0 {
                    (node, last) = (node >> 1, last >> 1);
                }
            } else {
                hash = parent(&hash, sibling);
            }
            (node, last) = (node >> 1, last >> 1);
        }
        last == 0 && hash == inclusion.root
    }

    #[test]
    fn every_path_leads_to_the_root() {
        for size in 1..40_u64 {
            let mut tree = Tree::default();
            for entry in 0..size {
                let inclusion = tree.append(&entry.to_be_bytes());
                assert!(leads_to_root(&inclusion), "entry {entry}");
            }
            let whole = root(&tree.leaves);
            for (index, leaf) in tree.leaves.iter().enumerate() {
                let found = path(index, &tree.leaves);
                let inclusion = Inclusion { index: index as u64, size, leaf: *leaf, root: whole, path: found };
                assert!(leads_to_root(&inclusion), "{index} of {size}");
            }
        }
    }

    #[test]
    fn the_root_is_that_of_the_test_vectors() {
        // transparency-dev/merkle, `testonly/reference_test.go`: the trees over these eight entries.
        let entries: [&[u8]; 3] = [b"", b"\x00", b"\x10"];
        let mut tree = Tree::default();
        let roots = entries.map(|e| tree.append(e).root.to_string());
        assert_eq!(roots[0], "sha256:6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
        assert_eq!(roots[1], "sha256:fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125");
        assert_eq!(roots[2], "sha256:aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77");
    }
}
