//! The rules: a closed set, one entry each, from which the reference page is made.
//!
//! An error: the object alone lets in what its text refuses, or refuses what its text admits. A warning: the object does what it
//! says, and what it leaves open is for another object to close, or was chosen.
//!
//! The documentation of each rule names where the behavior was read or measured: a file or an issue of kyverno/kyverno. Paths are
//! those of version 1.19.1; "measured" means that a real API server with Kyverno 1.19.1 did it.

use std::fmt;

use serde::{Serialize, Serializer};

use super::version::Versions;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The object does what it says; something is left open.
    Warning,
    /// The object does not do what it says.
    Error,
}

impl Severity {
    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

macro_rules! rules {
    ($(
        $(#[doc = $source:literal])+
        $name:ident = $word:literal, $severity:ident, $versions:expr,
        what: $what:literal,
        why: $why:literal,
        fix: $fix:literal;
    )+) => {
        /// What is looked for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rule { $($(#[doc = $source])+ $name),+ }

        impl Rule {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The id.
            pub fn word(self) -> &'static str {
                match self { $(Self::$name => $word),+ }
            }

            /// How bad it is.
            pub fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity),+ }
            }

            /// The versions of Kyverno that it is about.
            pub fn versions(self) -> Versions {
                match self { $(Self::$name => $versions),+ }
            }

            /// What is there.
            pub fn what(self) -> &'static str {
                match self { $(Self::$name => $what),+ }
            }

            /// Why it does silently nothing, or not what it looks like.
            pub fn why(self) -> &'static str {
                match self { $(Self::$name => $why),+ }
            }

            /// What to write instead.
            pub fn fix(self) -> &'static str {
                match self { $(Self::$name => $fix),+ }
            }

            /// Where the behavior was read or measured.
            pub fn source(self) -> &'static str {
                match self { $(Self::$name => concat!($($source),+).trim_ascii()),+ }
            }
        }
    };
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

rules! {
    /// YAML 1.2; our own limits.
    Unreadable = "unreadable", Error, Versions::ALL,
        what: "the file is not YAML, is too large, or has too many documents",
        why: "nothing in it was judged",
        fix: "lint what is applied: rendered manifests rather than templates";
    /// The schemas in config/crds of 1.19.1; an API server prunes what they do not name (Kubernetes, "Structural schemas").
    UnknownField = "unknown-field", Error, Versions::ALL,
        what: "a field that the object's schema does not have",
        why: "the API server drops it without an error unless the client asks for strict validation",
        fix: "correct the name; `kubectl explain` lists what there is";
    /// CRD versions of 1.19.1 (config/crds/policies.kyverno.io); v1 is served since 1.17 (release notes).
    VersionNotServed = "version-not-served", Error, Versions::ALL,
        what: "an apiVersion that this Kyverno does not serve for the kind",
        why: "the object cannot be created, and a pipeline that ignores the error runs on without the policy",
        fix: "use policies.kyverno.io/v1, or v1beta1 before 1.17";
    /// CRD versions of 1.19.1: `deprecated: true` on policies.kyverno.io/v1alpha1 and kyverno.io/v2, v2beta1.
    DeprecatedVersion = "deprecated-version", Warning, Versions::since(1, 17, 0),
        what: "an apiVersion that is deprecated",
        why: "a later Kyverno does not serve it, and the object then stops being applied",
        fix: "use policies.kyverno.io/v1";
    /// #16808, #16809, #16853 (mutateDigest, verifyDigest, required), #16275, #16947 (ephemeral containers), #16336 (annotation).
    UnsafeVersion = "unsafe-version", Error, Versions::before(1, 19, 0),
        what: "an image policy for a Kyverno before 1.19",
        why: "mutateDigest, verifyDigest and required do nothing there, ephemeral containers are not enforced, and the verdict travels in an annotation that a Pod's author can forge",
        fix: "run 1.19.1 or later";
    /// #17162 for the other kinds; pkg/image/verification/evaluator/validate.go does not ask for a rule.
    MatchesNothing = "matches-nothing", Error, Versions::ALL,
        what: "matchConstraints without a resource rule",
        why: "no request ever reaches the policy",
        fix: "name resourceRules: apiGroups [\"\"], apiVersions [v1], operations [CREATE, UPDATE], resources [pods]";
    /// Kubernetes, "Matching requests: rules"; webhook rules are taken word by word from matchConstraints.
    WrongGroup = "wrong-group", Error, Versions::ALL,
        what: "a resource rule that names a resource of another API group",
        why: "no such resource exists, so that the rule never matches",
        fix: "deployments, statefulsets, daemonsets and replicasets are of apps, jobs and cronjobs of batch, pods of the empty group";
    /// Measured: `spec.containers[].image` of a running Pod can be changed.
    UpdateUnchecked = "update-unchecked", Error, Versions::ALL,
        what: "a rule for Pods, or for what makes them, does not list UPDATE",
        why: "the image of what runs can be replaced by one that nobody checks",
        fix: "operations: [CREATE, UPDATE]";
    /// pkg/cel/autogen/support.go, `CanAutoGen`.
    AutogenOff = "autogen-off", Warning, Versions::ALL,
        what: "something in matchConstraints that switches the rules for pod controllers off",
        why: "they are made only for exactly one rule for pods of group \"\" and v1, without resourceNames, excludeResourceRules and objectSelector; a Deployment is then admitted, and its Pods fail later without anybody seeing a message",
        fix: "give Pods a policy of their own, with that one rule";
    /// Measured; pkg/cel/autogen/support.go.
    PodsWithEphemeral = "pods-with-ephemeral", Warning, Versions::ALL,
        what: "pods and pods/ephemeralcontainers in one policy",
        why: "resources other than exactly pods switch the rules for pod controllers off",
        fix: "two policies: one for pods, one for pods/ephemeralcontainers with operations [UPDATE]";
    /// Kubernetes, "Matching requests: objectSelector": an opt-in or opt-out is up to whoever creates the object.
    LabelOptOut = "label-opt-out", Error, Versions::ALL,
        what: "the policy applies only to objects with a label, annotation or name that their author chooses",
        why: "whoever creates the Pod leaves it out, or puts it in, and is not checked",
        fix: "match every Pod; leave out namespaces by kubernetes.io/metadata.name";
    /// Kubernetes, "Matching requests: namespaceSelector": whoever may label a namespace decides.
    NamespaceOptIn = "namespace-opt-in", Warning, Versions::ALL,
        what: "the policy applies by a label of the namespace",
        why: "a new namespace is not checked, and whoever may label a namespace switches the policy off",
        fix: "select by kubernetes.io/metadata.name, or guard the label with a policy";
    /// evaluation.admission.enabled of the CRD.
    AdmissionOff = "admission-off", Warning, Versions::ALL,
        what: "evaluation at admission is switched off",
        why: "nothing is blocked; violations show only in reports",
        fix: "drop evaluation.admission, or set enabled: true";
    /// The default is Deny for CEL policies (kyverno/api, `ValidationActions`) and Audit for ClusterPolicy (CRD).
    AuditOnly = "audit-only", Warning, Versions::ALL,
        what: "the policy only audits or warns",
        why: "what violates it is admitted; a ClusterPolicy without an action audits too",
        fix: "validationActions: [Deny]; failureAction: Enforce in a ClusterPolicy";
    /// Measured: with Fail a killed Kyverno denies; pkg/webhooks/resource/ivpol.
    FailsOpen = "fails-open", Error, Versions::ALL,
        what: "failurePolicy: Ignore",
        why: "a time-out, a restart of Kyverno or a matchCondition that fails admits the image unchecked, and load can bring that about",
        fix: "failurePolicy: Fail, and several replicas";
    /// kyverno/api, `GetFailurePolicy(forceFailurePolicyIgnore)`.
    ForcedOpen = "forced-open", Error, Versions::ALL,
        what: "Kyverno runs with --forceFailurePolicyIgnore",
        why: "it overrides failurePolicy: Fail of every policy",
        fix: "drop the flag (chart: features.forceFailurePolicyIgnore.enabled)";
    /// `EnforceRequired` in pkg/image/verification/evaluator/policy.go, per-policy webhooks in pkg/controllers/webhook.
    EvidenceNotShared = "evidence-not-shared", Error, Versions::since(1, 19, 0),
        what: "a policy with timeoutSeconds or matchConditions beside one that only requires that somebody verified",
        why: "such a policy gets a webhook call of its own, and what was verified in one call is not known in another: every image is refused",
        fix: "no webhookConfiguration.timeoutSeconds and no matchConditions on either of them";
    /// `checkDigests` and `MutateDigest` in pkg/image/verification/evaluator/policy.go.
    TagNotPinned = "tag-not-pinned", Error, Versions::since(1, 19, 0),
        what: "tags are neither pinned nor refused",
        why: "the tag can point to another image between the check and the pull, and each time a replica starts",
        fix: "validationConfigurations.mutateDigest: true and verifyDigest: true, which are the defaults";
    /// Measured: mutateDigest does not pin image volumes, verifyDigest refuses their tags.
    DigestNotDemanded = "digest-not-demanded", Warning, Versions::since(1, 19, 0),
        what: "verifyDigest: false",
        why: "mutateDigest pins containers only: the tags of image volumes and of custom images stay",
        fix: "leave verifyDigest at true";
    /// `EnforceRequired` in pkg/image/verification/evaluator/policy.go.
    NotRequired = "not-required", Warning, Versions::since(1, 19, 0),
        what: "required: false",
        why: "an image that matches and that no expression verifies, such as an init container's, is admitted",
        fix: "leave required at true";
    /// The mutating call pins in Audit too (pkg/webhooks/resource/ivpol).
    AuditRewrites = "audit-rewrites", Warning, Versions::since(1, 19, 0),
        what: "a policy that only audits and has mutateDigest",
        why: "it still rewrites the images of Pods, although it looks as if it changed nothing",
        fix: "mutateDigest: false while it audits";
    /// The extractors in pkg/cel/compiler/images.go have one entry for each kind of container.
    ContainersOnly = "containers-only", Error, Versions::ALL,
        what: "only some kinds of containers are checked",
        why: "an init container, a native sidecar or an ephemeral container runs any image",
        fix: "check images.containers, images.initContainers and images.ephemeralContainers";
    /// `EnforceRequired` in pkg/image/verification/evaluator/policy.go.
    RefusesSigned = "refuses-signed", Warning, Versions::since(1, 19, 0),
        what: "only some kinds of containers are verified, and required is true",
        why: "the images of the others are refused even when they are signed, because no expression verified them",
        fix: "verify images.containers, images.initContainers and images.ephemeralContainers";
    /// #16275, measured: a policy for pods does not see `kubectl debug`.
    EphemeralUnchecked = "ephemeral-unchecked", Warning, Versions::ALL,
        what: "no policy here checks pods/ephemeralcontainers",
        why: "an ephemeral container is added through the subresource, which a rule for pods does not match",
        fix: "a second policy: resources [pods/ephemeralcontainers], operations [UPDATE], over images.ephemeralContainers";
    /// Measured, with the remedy; PR #17555.
    VolumesUnchecked = "volumes-unchecked", Warning, Versions::ALL,
        what: "no policy here looks at image volumes",
        why: "spec.volumes[].image.reference (on by default since Kubernetes 1.35) is in none of the built-in lists",
        fix: "an entry of spec.images that maps volumes to v.image.reference, and a validation over it";
    /// Measured: `[].all()` is true.
    NoCatchAll = "no-catch-all", Warning, Versions::ALL,
        what: "no policy here judges images outside the listed references",
        why: "they are filtered out before the validations, and a check of no images passes",
        fix: "a policy with glob \"*\" that requires verification, or an allow-list of registries";
    /// gobwas/glob is compiled without separators in pkg/cel/compiler/compiler.go, so that `*` crosses slashes.
    GlobWithoutBoundary = "glob-without-boundary", Warning, Versions::ALL,
        what: "a glob whose * follows a name rather than a slash",
        why: "registry.example/org* is also registry.example/org-evil/app: this policy's attestors then judge the images of others",
        fix: "registry.example/org/**";
    /// CEL `startsWith`; wildcards of a ClusterPolicy (ext/wildcard) cross slashes.
    PrefixWithoutBoundary = "prefix-without-boundary", Error, Versions::ALL,
        what: "an allow-list or exemption that compares the beginning of a name",
        why: "ghcr.io/acme is also the beginning of ghcr.io/acme-evil and, for a host, of ghcr.io.evil.example",
        fix: "end the prefix with a slash";
    /// pkg/cel/matching/image.go compares the text of the Pod.
    GlobNeedsTag = "glob-needs-tag", Error, Versions::ALL,
        what: "a glob with a tag",
        why: "an image that is named by digest alone (app@sha256:…) does not match, and is admitted unchecked",
        fix: "a second glob for digests: registry.example/app:* and registry.example/app@*, or registry.example/app{,:*,@*}";
    /// Validation compares the raw text, pkg/cel/matching/image.go.
    ShortNames = "short-names", Error, Versions::ALL,
        what: "a glob for Docker Hub that matches only one of the ways to write a name",
        why: "nginx, library/nginx, docker.io/nginx and index.docker.io/library/nginx are one image, and the glob is compared with what the Pod says",
        fix: "glob \"*\" and a policy that demands a registry in every name";
    /// kyverno/policies tests for a tag with contains(':').
    TagTest = "tag-test", Error, Versions::ALL,
        what: "a colon is taken for a tag",
        why: "the port of a registry has one too: registry.example:5000/app has no tag and passes",
        fix: "image(c.image).tag() in CEL, or demand a digest";
    /// kyverno/policies tests for a digest with contains('@').
    DigestTest = "digest-test", Error, Versions::ALL,
        what: "an @ is taken for a digest",
        why: "it says nothing of the algorithm or the length",
        fix: "image(c.image).containsDigest() or matches('@sha256:[0-9a-f]{64}$')";
    /// Docker's reference grammar: a name without tag and digest is `latest`.
    LatestByName = "latest-by-name", Error, Versions::ALL,
        what: "the tag latest is refused by its name alone",
        why: "a name without a tag is latest too, and passes",
        fix: "demand a digest, or a tag as well";
    /// CEL's `matches` is RE2's partial match.
    UnanchoredImage = "unanchored-image", Error, Versions::ALL,
        what: "a regular expression for images without an anchor at its beginning",
        why: "it is found anywhere in the name: evil.example/ghcr.io/acme/app matches ghcr.io/acme/",
        fix: "begin with ^";
    /// Read in source: additionalExtensions and subjectExpression have no reader (#15809, PR #16008); for SigstoreBundle in a ClusterPolicy pkg/image/verifiers/cpol/cosign/sigstore.go.
    IgnoredIdentityField = "ignored-identity-field", Error, Versions::ALL,
        what: "additionalExtensions or subjectExpression of an identity",
        why: "the schema has the field and no code reads it: the certificate's repository, ref and trigger are not checked",
        fix: "anchor subjectRegExp, and compare repository, ref and commit in the verified payload";
    /// Measured: "multiple identities are not supported at this time".
    SeveralIdentities = "several-identities", Error, Versions::since(1, 17, 0),
        what: "more than one identity in an attestor",
        why: "with Sigstore bundles the verifier gives an error and every image is refused",
        fix: "one attestor for each identity, all of them in the list of the call";
    /// pkg/image/verifiers/ivpol/cosign/opts.go ("needs to have one key, keyless or certificate fields set"); cosign 3.1.2 pkg/cosign/verify.go.
    NoIdentity = "no-identity", Error, Versions::ALL,
        what: "an attestor without a key or certificate, or an identity without issuer or subject",
        why: "for bundles the verifier gives an error and every image is refused; for older signatures what is left out is not compared",
        fix: "name a key, or both issuer and subject";
    /// cosign 3.1.2 pkg/cosign/verify.go compares issuer and subject as they are; only a ClusterPolicy has wildcards (pkg/image/verifiers/cpol/cosign/cosign.go).
    LiteralWildcard = "literal-wildcard", Error, Versions::ALL,
        what: "a * in the issuer or subject of an image policy",
        why: "both are compared character by character, so that no certificate fits and every image is refused; wildcards are of ClusterPolicy",
        fix: "issuerRegExp or subjectRegExp, anchored and escaped";
    /// GitHub Docs, "OpenID Connect": every workflow of everybody has a certificate of the same issuer.
    AnyIdentity = "any-identity", Error, Versions::ALL,
        what: "an issuer or subject that anybody can have",
        why: "whoever has a repository on the same platform, or an account with another issuer, signs for you",
        fix: "^https://github\\.com/OWNER/REPOSITORY/\\.github/workflows/FILE\\.yml@refs/heads/main$";
    /// Go's regexp looks for a match anywhere (cosign 3.1.2 pkg/cosign/verify.go, sigstore-go pkg/verify).
    UnanchoredIdentity = "unanchored-identity", Error, Versions::ALL,
        what: "a regular expression for an identity without ^ and $ around all of it",
        why: "it is found anywhere: https://github.com/acme/app is also in https://github.com/acme/app-evil/… and in https://evil.example/?https://github.com/acme/app",
        fix: "write ^…$, and parentheses around alternatives";
    /// Go's regexp (RE2): a dot is any character.
    UnescapedIdentity = "unescaped-identity", Warning, Versions::ALL,
        what: "a dot that is not escaped in a regular expression for an identity",
        why: "it stands for any character: github.com is also githubXcom",
        fix: "write \\.";
    /// Go's regexp (RE2); names of owners are free to register.
    IdentityWithoutBoundary = "identity-without-boundary", Error, Versions::ALL,
        what: "a wildcard in an identity that follows the beginning of an owner or repository",
        why: "acme.* is also acme-evil, which anybody can register",
        fix: "end owner and repository with a slash before the wildcard";
    /// Workflows of pull requests have the ref refs/pull/N/merge.
    AnyRef = "any-ref", Warning, Versions::ALL,
        what: "an identity that is every workflow and every ref of a repository",
        why: "a workflow on a branch that nobody reviewed, or of a pull request, signs as well as the release",
        fix: "name the workflow file and the ref";
    /// A commit of a fork can be reached through its parent.
    AnyCommit = "any-commit", Error, Versions::ALL,
        what: "hexadecimal digits where a commit belongs",
        why: "every commit fits, also of a fork and of any branch",
        fix: "name the commits, or a ref";
    /// Go's regexp package (RE2).
    InvalidRegexp = "invalid-regexp", Error, Versions::ALL,
        what: "a regular expression that is none",
        why: "every verification ends with an error: all images are refused",
        fix: "RE2 syntax: no look-around, no back-references";
    /// pkg/image/verifiers/ivpol/cosign/opts.go, `IgnoreTlog`; a keyless certificate lives ten minutes.
    NoTransparency = "no-transparency", Error, Versions::ALL,
        what: "keyless without the transparency log",
        why: "nothing proves that the signature was made while the certificate was valid, and nobody would see a stolen one",
        fix: "drop insecureIgnoreTlog; for an instance without a log name its timestamp authority (tsaCertChain, trustedRoot or tuf)";
    /// pkg/image/verifiers/ivpol/cosign/verifier.go: `ignoreTlog := … InsecureIgnoreTlog || … InsecureIgnoreSCT` accepts what was not verified.
    NoSct = "no-sct", Error, Versions::ALL,
        what: "keyless without the log of certificates",
        why: "a certificate that nobody can see is accepted; in an ImageValidatingPolicy a signature whose log entry was not verified is accepted as well",
        fix: "drop insecureIgnoreSCT (ctlog.ignoreSCT)";
    /// `getRekor` in pkg/image/verifiers/ivpol/cosign/opts.go.
    LogWithoutUrl = "log-without-url", Error, Versions::ALL,
        what: "ctlog without url",
        why: "the verifier wants the log's address as soon as ctlog is there, and refuses every image",
        fix: "leave ctlog out for the public instance, or name ctlog.url";
    /// Measured: "failed to initialize TUF client"; `initTUFAndFetch` comes before `resolveTrustedMaterial` in opts.go.
    RootNeedsTuf = "root-needs-tuf", Warning, Versions::ALL,
        what: "an inline trustedRoot without a TUF mirror",
        why: "the public TUF repository is asked all the same; without a way to it every image is refused",
        fix: "tuf.mirror and tuf.root.data of a repository that can be reached";
    /// CEL: nothing refers to it.
    UnusedAttestor = "unused-attestor", Error, Versions::ALL,
        what: "an attestor that no validation names",
        why: "declaring it demands nothing",
        fix: "name it in verifyImageSignatures or verifyAttestationSignatures";
    /// CEL: nothing refers to it.
    UnusedAttestation = "unused-attestation", Error, Versions::ALL,
        what: "an attestation that no validation verifies",
        why: "declaring it demands nothing: an image without it is admitted",
        fix: "verifyAttestationSignatures(image, attestations.NAME, [attestors.NAME])";
    /// cosign's PredicateTypeMap; the statement is read into cosign's own types and written again.
    ShorthandType = "shorthand-type", Error, Versions::ALL,
        what: "a predicate type that is no URI",
        why: "cosign's words are mapped to types of its own, which lose fields and are not those of the statement; other words match nothing",
        fix: "the URI: https://cyclonedx.org/bom, https://spdx.dev/Document, https://slsa.dev/provenance/v1";
    /// Measured; `AddVerifiedIntotoPayloads` writes one map by type.
    RepeatedType = "repeated-type", Error, Versions::since(1, 17, 0),
        what: "two attestations of one predicate type",
        why: "payloads are kept by type: both names give the statement that the registry listed last",
        fix: "one attestation for each type";
    /// `payload_string_string` in pkg/cel/libs/imageverify/impl.go.
    UnverifiedPayload = "unverified-payload", Error, Versions::ALL,
        what: "extractPayload before the statement's signature was verified",
        why: "the call gives an error, and every image is refused",
        fix: "an earlier validation with verifyAttestationSignatures for the same attestation";
    /// Measured: `.predicate.components`; `GetPayload` in kyverno/sdk gives the statement for intoto.
    StatementNotPredicate = "statement-not-predicate", Error, Versions::ALL,
        what: "a field of the predicate where the statement is",
        why: "extractPayload gives the whole in-toto statement: the field is not there, the expression fails and every image is refused",
        fix: "extractPayload(image, attestations.NAME).predicate.…";
    /// pkg/image/verifiers/ivpol/cosign/verifier.go and pkg/cel/libs/imageverify/impl.go.
    WrongAttestor = "wrong-attestor", Error, Versions::ALL,
        what: "an attestation of one format with an attestor of the other",
        why: "cosign verifies only intoto, notary only referrer: the call fails for every image",
        fix: "intoto.type with cosign, referrer.type with notary";
    /// Measured: with the remedy: `VerifyImageSignature` calls `VerifyImageAttestations` for bundles.
    SbomIsSignature = "sbom-is-signature", Error, Versions::since(1, 17, 0),
        what: "verifyImageSignatures without a look at what was signed",
        why: "for Sigstore bundles any statement of that identity counts, also only an SBOM or a scan that failed",
        fix: "an attestation with intoto.type https://sigstore.dev/cosign/sign/v1 (or provenance) and verifyAttestationSignatures";
    /// pkg/cel/libs/imageverify/lib.go has four functions; the documentation's imageverify.verify is none.
    UnknownCall = "unknown-call", Error, Versions::ALL,
        what: "a verification function that does not exist",
        why: "the policy does not compile: it is refused, or is there and never ready",
        fix: "verifyImageSignatures, verifyAttestationSignatures, extractPayload, getImageData";
    /// `verify_image_signature_string_stringarray` gives the number of attestors that verified.
    ZeroQuorum = "zero-quorum", Error, Versions::ALL,
        what: "a comparison that no attestor is needed for",
        why: "the calls give the number of attestors that verified, and 0 passes",
        fix: "compare with > 0, or >= 2 for two of them";
    /// `Evaluate` in pkg/image/verification/evaluator/policy.go.
    UnconditionalException = "unconditional-exception", Error, Versions::ALL,
        what: "an exception without conditions",
        why: "it exempts everything that the policy matches",
        fix: "matchConditions that name the namespace and what is exempt";
    /// measured on 1.19.1: skipped; before it the whole Pod was exempt (kyverno/policies#1530).
    ExceptionImages = "exception-images", Error, Versions::ALL,
        what: "images or allowedValues in an exception from an image policy",
        why: "1.19.1 skips such an exception, and nothing is exempt; before, the whole Pod was",
        fix: "matchConditions over the images of object.spec, without images";
    /// exceptions are matched by condition, not by their own namespace.
    ExceptionEverywhere = "exception-everywhere", Warning, Versions::ALL,
        what: "an exception whose conditions name no namespace",
        why: "it holds in every namespace",
        fix: "a condition on object.metadata.namespace";
    /// Exceptions are matched by condition (`Evaluate` in pkg/image/verification/evaluator/policy.go).
    ExceptionByAuthor = "exception-by-author", Error, Versions::ALL,
        what: "an exception by a name, label or annotation that a Pod's author chooses",
        why: "whoever may create a Pod gives it that name",
        fix: "a condition on the namespace and the images, or on request.userInfo";
    /// `IsExpired` of kyverno/api.
    ExceptionForever = "exception-forever", Warning, Versions::since(1, 19, 0),
        what: "an exception without an end",
        why: "it outlives its reason",
        fix: "expiresAt";
    /// pkg/validation/exception: without a namespace every one is allowed.
    ExceptionsFromAnywhere = "exceptions-from-anywhere", Error, Versions::ALL,
        what: "Kyverno takes exceptions from every namespace",
        why: "whoever may create one in a namespace of theirs switches policies off",
        fix: "--exceptionNamespace=NAME, and RBAC on that namespace";
    /// #17701, #17718, #17493.
    LegacyPolicy = "legacy-policy", Warning, Versions::before(1, 20, 0),
        what: "an image policy of the legacy kinds",
        why: "they are deprecated since 1.17, and 1.20 does not execute them any more",
        fix: "an ImageValidatingPolicy; `sealwright policy render` writes it";
    /// #17701, #17718, #17493.
    RemovedPolicy = "removed-policy", Error, Versions::since(1, 20, 0),
        what: "an image policy of the legacy kinds",
        why: "1.20 keeps the kinds and executes nothing of them, 1.21 drops them",
        fix: "an ImageValidatingPolicy; `sealwright policy render` writes it";
    /// `type: SigstoreBundle` reads bundles, the default Cosign does not.
    BundleNotRead = "bundle-not-read", Warning, Versions::before(1, 20, 0),
        what: "verifyImages without type: SigstoreBundle",
        why: "what cosign 3, GitHub and others attach as a bundle is not found, and the image is refused",
        fix: "type: SigstoreBundle for such images";
    /// pkg/engine/internal/imageverifier.go adds an empty attestor where there is none.
    UnsignedStatement = "unsigned-statement", Error, Versions::before(1, 20, 0),
        what: "an attestation of a legacy policy without attestors",
        why: "an empty attestor is put in their place: nobody in particular has to have signed the statement",
        fix: "attestors in the entry of attestations itself";
    /// api/kyverno/v1/image_verification_types.go: "mutateDigest must be set to false for Audit failure action".
    AuditWithMutate = "audit-with-mutate", Error, Versions::before(1, 20, 0),
        what: "mutateDigest in a legacy policy that audits",
        why: "mutateDigest is true by default, and Kyverno refuses the policy",
        fix: "mutateDigest: false, or failureAction: Enforce";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_distinct_words_and_every_rule_says_all() {
        let mut words: Vec<&str> = Rule::ALL.iter().map(|rule| rule.word()).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), Rule::ALL.len());
        for rule in Rule::ALL {
            assert!(rule.word().bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{rule}");
            for text in [rule.what(), rule.why(), rule.fix(), rule.source()] {
                assert!(text.len() > 3 && text.trim() == text, "{rule}: {text:?}");
            }
        }
    }
}
