//! An image and everything that a registry keeps about it: the images of an index, referrers and their referrers, and the tags
//! of older cosign versions. Manifests only; blobs stay where they are, and nothing is verified.

use std::collections::BTreeMap;
use std::pin::Pin;

use sealwright_core::{Digest, PinnedRef, Repository};
use sealwright_oci::{Descriptor, Document};
use sealwright_registry::{Client, RegistryError};

use crate::failure::Failure;

/// What cosign up to 2.x puts behind `sha256-HEX` (cosign, `specs/SIGNATURE_SPEC.md` and `ATTESTATION_SPEC.md`).
const LEGACY: [&str; 3] = ["sig", "att", "sbom"];

/// How much is read. Manifests are kept until the work is done.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Manifests in all.
    pub manifests: usize,
    /// Bytes of all manifests.
    pub bytes: u64,
    /// Steps from the image: its platforms' images are one step away, their referrers two.
    pub depth: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { manifests: 10_000, bytes: 256 << 20, depth: 16 }
    }
}

/// A manifest or index and what belongs to it.
#[derive(Debug)]
pub struct Node {
    /// As an index lists it, with its platform; of a referrer with the manifest's own type and annotations.
    pub descriptor: Descriptor,
    /// What was found.
    pub content: Content,
    /// Tags of older cosign versions that are about it.
    pub legacy: Vec<Legacy>,
    /// Its referrers.
    pub referrers: Vec<Node>,
    /// Of an index: its images.
    pub images: Vec<Node>,
}

/// What was found behind a descriptor.
#[derive(Debug)]
pub enum Content {
    /// The manifest, checked against its digest.
    Read {
        /// As stored.
        bytes: Vec<u8>,
        /// As parsed.
        document: Box<Document>,
    },
    /// It stands at another place of the graph too, with all that belongs to it.
    Elsewhere,
    /// It is listed and not there.
    Gone,
    /// It is listed as a referrer and does not name this subject: a fallback tag can list anything.
    Unrelated,
    /// It is not what its digest or its type says.
    Broken(Problem),
}

/// Why what is there cannot be used.
#[derive(Debug)]
pub enum Problem {
    /// The bytes are not what their digest says: the registry, or what lies between, is at fault.
    Altered(String),
    /// No manifest or index, or a larger one than is read. Whoever may push can do that.
    NoDocument(String),
}

impl Problem {
    /// In words.
    pub fn as_str(&self) -> &str {
        let (Self::Altered(words) | Self::NoDocument(words)) = self;
        words
    }
}

/// A tag `sha256-HEX.sig`, `.att` or `.sbom`.
#[derive(Debug)]
pub struct Legacy {
    /// The tag.
    pub tag: String,
    /// What it names.
    pub node: Node,
}

impl Node {
    fn new(descriptor: Descriptor) -> Self {
        Self { descriptor, content: Content::Elsewhere, legacy: vec![], referrers: vec![], images: vec![] }
    }
}

/// Reads the graph of an image that was resolved. Its evidence is in `evidence`.
///
/// What is listed and not there, or not what it should be, stands in the graph as such: whoever may push could otherwise
/// hide the rest.
///
/// # Errors
/// When the registry does not answer, or more belongs to the image than `bounds` allow.
pub async fn read(
    client: &Client,
    image: &PinnedRef,
    evidence: &Repository,
    root: Descriptor,
    bounds: Bounds,
) -> Result<Node, Failure> {
    let mut walk = Walk { client, image, evidence, bounds, seen: BTreeMap::new(), manifests: 0, bytes: 0 };
    walk.visit(root, Role::Image(Place::Image), 0).await
}

/// In which repository a manifest lies.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Image,
    Evidence,
}

/// Why a manifest is visited, and so what is asked about it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// The image, an image of an index, or a part of a referrer that is an index: it lies where its index does.
    Image(Place),
    Referrer(Digest),
    Legacy,
}

impl Role {
    fn accepts(self, subject: Option<Digest>) -> bool {
        match self {
            Self::Referrer(wanted) => subject == Some(wanted),
            Self::Image(_) | Self::Legacy => true,
        }
    }

    /// Of what an index in this role lists.
    fn inner(self) -> Self {
        match self {
            Self::Image(place) => Self::Image(place),
            Self::Referrer(_) => Self::Image(Place::Evidence),
            Self::Legacy => Self::Legacy,
        }
    }
}

/// A manifest that was read before.
struct Seen {
    subject: Option<Digest>,
    listed: Descriptor,
}

struct Walk<'a> {
    client: &'a Client,
    image: &'a PinnedRef,
    evidence: &'a Repository,
    bounds: Bounds,
    seen: BTreeMap<Digest, Seen>,
    manifests: usize,
    bytes: u64,
}

impl Walk<'_> {
    /// Boxed, because it visits what belongs to the node in the same way.
    fn visit(
        &mut self,
        listed: Descriptor,
        role: Role,
        depth: usize,
    ) -> Pin<Box<dyn Future<Output = Result<Node, Failure>> + '_>> {
        Box::pin(async move {
            let mut node = Node::new(listed);
            // What an older tag names is read for itself: such a tag can name anything, and must not hide what belongs to it.
            let seen = self.seen.get(&node.descriptor.digest).filter(|_| role != Role::Legacy);
            if let Some(Seen { subject, listed }) = seen {
                if let Role::Referrer(_) = role {
                    node.descriptor = listed.clone();
                }
                node.content = if role.accepts(*subject) { Content::Elsewhere } else { Content::Unrelated };
                return Ok(node);
            }
            node.content = self.content(&mut node.descriptor, role, depth).await?;
            let Content::Read { document, .. } = &node.content else { return Ok(node) };
            if let Role::Image(_) = role {
                node.legacy = self.legacy(&node.descriptor.digest, depth).await?;
            }
            if role != Role::Legacy {
                let seen = Seen { subject: subject(document), listed: document.listed(node.descriptor.clone()) };
                self.seen.insert(node.descriptor.digest, seen);
                node.referrers = self.referrers(&node.descriptor.digest, depth).await?;
            }
            if let Document::Index(index) = &**document {
                for listed in &index.manifests {
                    node.images.push(self.visit(listed.clone(), role.inner(), depth + 1).await?);
                }
            }
            Ok(node)
        })
    }

    async fn content(&mut self, descriptor: &mut Descriptor, role: Role, depth: usize) -> Result<Content, Failure> {
        self.manifests += 1;
        self.check_bounds(depth)?;
        let beside = role == Role::Image(Place::Image);
        let repository = if beside { self.image.repository() } else { self.evidence };
        let pinned = repository.pinned(descriptor.digest);
        let (found, bytes) = match self.client.manifest(&pinned).await {
            Ok(read) => read,
            Err(RegistryError::NotFound { .. }) => return Ok(Content::Gone),
            Err(error @ RegistryError::TooLarge { .. }) => {
                return Ok(Content::Broken(Problem::NoDocument(error.to_string())));
            }
            Err(error) if error.is_about_content() => return Ok(Content::Broken(Problem::Altered(error.to_string()))),
            Err(error) => return Err(error.into()),
        };
        self.bytes += bytes.len() as u64;
        self.check_bounds(depth)?;
        let document = match Document::parse(&bytes, Some(&found.media_type)) {
            Ok(document) => Box::new(document),
            Err(error) => return Ok(Content::Broken(Problem::NoDocument(format!("{pinned} is {error}")))),
        };
        descriptor.media_type = found.media_type;
        descriptor.size = found.size;
        if let Role::Referrer(_) = role {
            *descriptor = document.listed(descriptor.clone());
        }
        let accepted = role.accepts(subject(&document));
        Ok(if accepted { Content::Read { bytes, document } } else { Content::Unrelated })
    }

    fn check_bounds(&self, depth: usize) -> Result<(), Failure> {
        let Bounds { manifests, bytes, depth: deepest } = self.bounds;
        if self.manifests <= manifests && self.bytes <= bytes && depth <= deepest {
            return Ok(());
        }
        Err(Failure::usage(format!(
            "more belongs to {} than is read: {manifests} manifests, {bytes} bytes of them, {deepest} steps from the image",
            self.image
        )))
    }

    async fn legacy(&mut self, subject: &Digest, depth: usize) -> Result<Vec<Legacy>, Failure> {
        let mut found = Vec::new();
        for suffix in LEGACY {
            let tag = format!("sha256-{}.{suffix}", subject.hex());
            if let Some(digest) = self.client.tag_state(self.evidence, &tag).await? {
                let node = self.visit(Descriptor::new("", digest, 0), Role::Legacy, depth + 1).await?;
                found.push(Legacy { tag, node });
            }
        }
        Ok(found)
    }

    async fn referrers(&mut self, subject: &Digest, depth: usize) -> Result<Vec<Node>, Failure> {
        let pinned = self.evidence.pinned(*subject);
        let mut found = Vec::new();
        for listed in self.client.referrers(&pinned, None).await?.descriptors {
            found.push(self.visit(listed, Role::Referrer(*subject), depth + 1).await?);
        }
        Ok(found)
    }
}

fn subject(document: &Document) -> Option<Digest> {
    document.subject().map(|subject| subject.digest)
}

#[cfg(test)]
mod tests {
    use sealwright_loopback::registry::{Registry, Switches};
    use sealwright_oci::media_type;
    use sealwright_registry::Options;
    use serde_json::json;

    use super::*;

    /// An image with a chain of so many referrers, each about the one before it.
    fn chain(registry: &Registry, length: usize) -> (PinnedRef, Descriptor, u64) {
        let mut subject = None;
        let mut first = None;
        let mut bytes = 0;
        for number in 0..=length {
            let config = Descriptor::of(media_type::EMPTY, b"{}");
            let manifest = json!({
                "schemaVersion": 2, "mediaType": media_type::MANIFEST, "config": config, "layers": [],
                "subject": subject, "annotations": { "number": number.to_string() },
            });
            let manifest = manifest.to_string();
            let descriptor = Descriptor::of(media_type::MANIFEST, manifest.as_bytes());
            bytes += descriptor.size;
            registry.put_manifest("a", None, media_type::MANIFEST, manifest);
            first.get_or_insert(descriptor.clone());
            subject = Some(descriptor);
        }
        let repository: Repository = format!("{}/a", registry.host()).parse().expect("repository");
        let root = first.expect("an image");
        (repository.pinned(root.digest), root, bytes)
    }

    #[test]
    fn what_is_read_has_bounds_and_beyond_them_nothing_is_left_out_silently() {
        let registry = Registry::start(Switches::default()).expect("registry");
        let (image, root, bytes) = chain(&registry, 3);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
        let client = Client::new(Options::default()).expect("client");
        let read = |bounds| runtime.block_on(read(&client, &image, image.repository(), root.clone(), bounds));
        let fitting = Bounds { manifests: 4, bytes, depth: 3 };
        let tree = read(fitting).expect("within the bounds");
        let mut node = &tree;
        let mut depth = 0;
        while let Some(next) = node.referrers.first() {
            (node, depth) = (next, depth + 1);
        }
        assert_eq!(depth, 3);
        for bounds in
            [Bounds { manifests: 3, ..fitting }, Bounds { bytes: bytes - 1, ..fitting }, Bounds { depth: 2, ..fitting }]
        {
            let failure = read(bounds).expect_err("one past the bounds");
            assert!(failure.message.contains("more belongs to"), "{bounds:?}: {failure}");
        }
    }
}
