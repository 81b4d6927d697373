//! The fields that the schemas have, for the kinds that are about images.
//!
//! Source: config/crds of kyverno/kyverno 1.19.1, version v1 of policies.kyverno.io and kyverno.io. A path that ends in `*` has
//! free keys below it, or a schema that is Kubernetes' own and is not repeated here.

use sealwright_policy::Position;
use sealwright_policy::yaml::{Node, Yaml};

use super::subject::Kind;

/// Paths below the object; lists are passed through.
fn fields(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::ImageValidating => IMAGE_VALIDATING,
        Kind::Validating => VALIDATING,
        Kind::Exception => EXCEPTION,
        Kind::Legacy => LEGACY,
        _ => &[],
    }
}

const MATCH_CONSTRAINTS: [&str; 2] =
    ["spec.matchConstraints", "matchPolicy namespaceSelector.* objectSelector.* resourceRules excludeResourceRules"];
const RULES: &str = "apiGroups apiVersions operations resources scope resourceNames";

const IMAGE_VALIDATING: &[&str] = &[
    "",
    "apiVersion kind metadata.* status.* spec",
    "spec",
    "attestations attestors auditAnnotations autogen credentials evaluation failurePolicy images matchConditions matchConstraints matchImageReferences validationActions validationConfigurations validations variables webhookConfiguration",
    "spec.attestations",
    "intoto name referrer",
    "spec.attestations.intoto",
    "type",
    "spec.attestations.referrer",
    "type",
    "spec.attestors",
    "cosign name notary",
    "spec.attestors.notary",
    "certs tsaCerts",
    "spec.attestors.notary.certs",
    "expression value",
    "spec.attestors.notary.tsaCerts",
    "expression value",
    "spec.attestors.cosign",
    "annotations.* certificate ctlog key keyless source trustedRoot tuf",
    "spec.attestors.cosign.certificate",
    "cert certChain",
    "spec.attestors.cosign.certificate.cert",
    "expression value",
    "spec.attestors.cosign.certificate.certChain",
    "expression value",
    "spec.attestors.cosign.ctlog",
    "ctLogPubKey insecureIgnoreSCT insecureIgnoreTlog rekorPubKey tsaCertChain url",
    "spec.attestors.cosign.key",
    "data expression hashAlgorithm kms",
    "spec.attestors.cosign.keyless",
    "additionalExtensions.* identities roots",
    "spec.attestors.cosign.keyless.identities",
    "issuer issuerRegExp subject subjectExpression subjectRegExp",
    "spec.attestors.cosign.source",
    "PullSecrets repository tagPrefix",
    "spec.attestors.cosign.source.PullSecrets",
    "name",
    "spec.attestors.cosign.trustedRoot",
    "expression value",
    "spec.attestors.cosign.tuf",
    "mirror root",
    "spec.attestors.cosign.tuf.root",
    "data path",
    "spec.auditAnnotations",
    "key valueExpression",
    "spec.autogen",
    "podControllers",
    "spec.autogen.podControllers",
    "controllers",
    "spec.credentials",
    "allowInsecureRegistry providers secrets",
    "spec.evaluation",
    "admission background mode",
    "spec.evaluation.admission",
    "enabled",
    "spec.evaluation.background",
    "enabled",
    "spec.images",
    "expression name",
    "spec.matchConditions",
    "expression name",
    MATCH_CONSTRAINTS[0],
    MATCH_CONSTRAINTS[1],
    "spec.matchConstraints.resourceRules",
    RULES,
    "spec.matchConstraints.excludeResourceRules",
    RULES,
    "spec.matchImageReferences",
    "expression glob",
    "spec.validationConfigurations",
    "mutateDigest required verifyDigest",
    "spec.validations",
    "expression message messageExpression reason",
    "spec.variables",
    "expression name",
    "spec.webhookConfiguration",
    "timeoutSeconds",
];

const VALIDATING: &[&str] = &[
    "",
    "apiVersion kind metadata.* status.* spec",
    "spec",
    "auditAnnotations autogen.* evaluation.* failurePolicy matchConditions matchConstraints validationActions validations variables webhookConfiguration",
    "spec.auditAnnotations",
    "key valueExpression",
    "spec.matchConditions",
    "expression name",
    MATCH_CONSTRAINTS[0],
    MATCH_CONSTRAINTS[1],
    "spec.matchConstraints.resourceRules",
    RULES,
    "spec.matchConstraints.excludeResourceRules",
    RULES,
    "spec.validations",
    "expression message messageExpression reason",
    "spec.variables",
    "expression name",
    "spec.webhookConfiguration",
    "timeoutSeconds",
];

const EXCEPTION: &[&str] = &[
    "",
    "apiVersion kind metadata.* status.* spec",
    "spec",
    "allowedValues evaluationMode expiresAt images matchConditions policyRefs properties.* reportResult",
    "spec.matchConditions",
    "expression name",
    "spec.policyRefs",
    "kind name",
];

const LEGACY_ATTESTOR: &str = "annotations.* attestor.* certificates keyless keys repository signatureAlgorithm";
const LEGACY_ROOTS: [&str; 2] = ["ignoreSCT pubkey tsaCertChain", "ignoreTlog pubkey url"];
const LEGACY_KEYLESS: &str = "additionalExtensions.* ctlog issuer issuerRegExp rekor roots subject subjectRegExp";
const LEGACY_KEYS: &str = "ctlog kms publicKeys rekor secret.* signatureAlgorithm";

const LEGACY: &[&str] = &[
    "",
    "apiVersion kind metadata.* status.* spec",
    "spec",
    "admission applyRules background emitWarning failurePolicy generateExisting generateExistingOnPolicyUpdate mutateExistingOnPolicyUpdate rules schemaValidation useServerSideApply validationFailureAction validationFailureActionOverrides.* webhookConfiguration.* webhookTimeoutSeconds",
    "spec.rules",
    "celPreconditions.* context.* exclude.* generate.* imageExtractors.* match.* mutate.* name preconditions.* reportProperties.* skipBackgroundRequests validate.* verifyImages",
    "spec.rules.verifyImages",
    "additionalExtensions.* annotations.* attestations attestors cosignOCI11 failureAction image imageReferences imageRegistryCredentials.* issuer key mutateDigest repository required roots skipImageReferences subject type useCache validate.* verifyDigest",
    "spec.rules.verifyImages.attestations",
    "attestors conditions.* name predicateType type",
    "spec.rules.verifyImages.attestors",
    "count entries",
    "spec.rules.verifyImages.attestors.entries",
    LEGACY_ATTESTOR,
    "spec.rules.verifyImages.attestors.entries.certificates",
    "cert certChain ctlog rekor",
    "spec.rules.verifyImages.attestors.entries.certificates.ctlog",
    LEGACY_ROOTS[0],
    "spec.rules.verifyImages.attestors.entries.certificates.rekor",
    LEGACY_ROOTS[1],
    "spec.rules.verifyImages.attestors.entries.keyless",
    LEGACY_KEYLESS,
    "spec.rules.verifyImages.attestors.entries.keyless.ctlog",
    LEGACY_ROOTS[0],
    "spec.rules.verifyImages.attestors.entries.keyless.rekor",
    LEGACY_ROOTS[1],
    "spec.rules.verifyImages.attestors.entries.keys",
    LEGACY_KEYS,
    "spec.rules.verifyImages.attestors.entries.keys.ctlog",
    LEGACY_ROOTS[0],
    "spec.rules.verifyImages.attestors.entries.keys.rekor",
    LEGACY_ROOTS[1],
];

/// The fields that are not in the schema: path and place.
pub(super) fn unknown_fields(kind: Kind, object: &Node) -> Vec<(String, Position)> {
    let (fields, mut found) = (fields(kind), Vec::new());
    if !fields.is_empty() {
        walk(fields, "", object, &mut found);
    }
    found
}

fn walk(fields: &[&str], path: &str, node: &Node, found: &mut Vec<(String, Position)>) {
    if let Yaml::List(items) = &node.value {
        return items.iter().for_each(|item| walk(fields, path, item, found));
    }
    // Attestors of an attestation are those of the image.
    let path = path.replace(".attestations.attestors", ".attestors");
    let Some(known) =
        fields.chunks_exact(2).find(|pair| pair.first() == Some(&path.as_str())).and_then(|pair| pair.get(1))
    else {
        return;
    };
    for (key, value) in node.members() {
        let below = if path.is_empty() { key.text.clone() } else { format!("{path}.{}", key.text) };
        match known.split(' ').find(|word| word.trim_end_matches(".*") == key.text) {
            None => found.push((below, key.at)),
            Some(word) if word.ends_with(".*") => {}
            Some(_) => walk(fields, &below, value, found),
        }
    }
}
