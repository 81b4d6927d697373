//! What the registry does differently from the plain specification.

use crate::aws::Given;

/// The switches; the default is a registry that follows distribution specification 1.1.
#[derive(Debug, Clone, Default)]
pub struct Switches {
    /// Whether there is a referrers API.
    pub referrers: ReferrersApi,
    /// Referrers of one answer; all of them without a number.
    pub page_size: Option<usize>,
    /// What a filter in a referrers request does.
    pub filters: Filters,
    /// What the referrers API says about an artifact's type.
    pub artifact_types: ArtifactTypes,
    /// Which tags may be moved.
    pub tags: Tags,
    /// Whether the answer to a pushed manifest names its place.
    pub manifest_location: ManifestLocation,
    /// How an upload's place is named.
    pub upload_location: UploadLocation,
    /// What `sha256-…` as a tag means.
    pub gitlab_quirk: GitLabQuirk,
    /// Whether tags have entity tags.
    pub entity_tags: EntityTags,
    /// Who may read and write.
    pub access: Access,
    /// Requests that one bearer token serves before it has expired.
    pub token_uses: Option<u32>,
    /// A base URL to which reads of blobs are redirected.
    pub redirect_blobs: Option<String>,
}

/// Distribution specification 1.1, "Listing Referrers".
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ReferrersApi {
    /// It is there.
    #[default]
    On,
    /// `404`, as in distribution 2.x.
    Off,
}

/// What `?artifactType=` does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Filters {
    /// It filters and says so with `OCI-Filters-Applied`.
    #[default]
    Applied,
    /// It is ignored, which the specification allows.
    Ignored,
}

/// What a referrer's descriptor says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ArtifactTypes {
    /// The manifest's `artifactType`, else the media type of its configuration.
    #[default]
    Stated,
    /// Always the media type of the configuration, no annotations and no `OCI-Subject`: go-containerregistry's registry.
    OfConfiguration,
}

/// Which tags may be written a second time: the modes of ECR (Amazon ECR API Reference, `imageTagMutability` and
/// `ImageTagMutabilityExclusionFilter`). Elsewhere a write is `400 TAG_INVALID`, as in ECR, also with the same bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Tags {
    /// `MUTABLE`: all of them.
    #[default]
    Mutable,
    /// `IMMUTABLE`: none.
    Immutable,
    /// `MUTABLE_WITH_EXCLUSION`: all but those that fit one of these filters. In a filter `*` is any text.
    MutableWithExclusion(Vec<String>),
    /// `IMMUTABLE_WITH_EXCLUSION`: none but those that fit one of these filters.
    ImmutableWithExclusion(Vec<String>),
}

impl Tags {
    pub(crate) fn may_be_rewritten(&self, tag: &str) -> bool {
        let excluded = |filters: &[String]| filters.iter().any(|filter| fits(filter, tag));
        match self {
            Self::Mutable => true,
            Self::Immutable => false,
            Self::MutableWithExclusion(filters) => !excluded(filters),
            Self::ImmutableWithExclusion(filters) => excluded(filters),
        }
    }
}

/// Whether a text fits a pattern in which `*` is any text, also none.
pub(crate) fn fits(pattern: &str, text: &str) -> bool {
    let Some((before, after)) = pattern.split_once('*') else { return pattern == text };
    let Some(rest) = text.strip_prefix(before) else { return false };
    rest.char_indices()
        .map(|(at, _)| at)
        .chain([rest.len()])
        .any(|at| rest.get(at..).is_some_and(|rest| fits(after, rest)))
}

/// `Location` of a pushed manifest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ManifestLocation {
    /// As the specification demands.
    #[default]
    Sent,
    /// Left out.
    Omitted,
}

/// `Location` of an upload.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum UploadLocation {
    /// A path.
    #[default]
    Relative,
    /// A URL of this registry.
    Absolute,
    /// A URL below another base, for example `http://127.0.0.1:5001`.
    On(String),
}

/// Whether `sha256-HEX` is taken for the digest `sha256:HEX` (oras-project/oras-go#1396).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum GitLabQuirk {
    /// It is a tag like any other.
    #[default]
    Off,
    /// As long as nobody pushed that tag.
    UntilTagged,
    /// Always; the pushed tag cannot be read.
    Always,
}

/// `ETag` and `If-Match` of tags.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum EntityTags {
    /// None; `If-Match` is ignored.
    #[default]
    Off,
    /// A push with another tag's state than the present one is `412`.
    On,
}

/// Who may do what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Access {
    /// Everyone everything.
    #[default]
    Open,
    /// The user everything, with `Basic` on every request.
    Basic {
        /// Name.
        user: String,
        /// Password, or the refresh token of an identity-token login.
        password: String,
    },
    /// The user everything, with a token of this registry's own token endpoint.
    Bearer {
        /// Name.
        user: String,
        /// Password, or the refresh token of an identity-token login.
        password: String,
        /// Whether a token for reading needs no user.
        anonymous_pull: bool,
        /// The `realm` in the challenge; this registry's own endpoint without one.
        realm: Option<String>,
    },
    /// Whoever has a password of ECR's `GetAuthorizationToken`, what its owner may do.
    Ecr(Given),
}
