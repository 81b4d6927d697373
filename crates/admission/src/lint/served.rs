//! Whether this Kyverno serves the object's version and knows its fields.

use super::judge::Judge;
use super::rule::Rule;
use super::schema::unknown_fields;
use super::subject::Kind;
use super::version::Version;

pub(super) fn judge(judge: &mut Judge<'_, '_>) {
    version(judge);
    for (path, at) in unknown_fields(judge.subject.kind, judge.subject.object) {
        judge.find(Rule::UnknownField, at, &path);
    }
}

/// Which version came when: the CRDs of 1.14 to 1.19 (v1alpha1 with 1.14, v1beta1 with 1.16, v1 with 1.17; the namespaced image
/// policy has no v1alpha1).
fn version(judge: &mut Judge<'_, '_>) {
    let subject = judge.subject;
    let at = subject.object.member("apiVersion").map_or(subject.object.at, |node| node.at);
    let namespaced = subject.word.starts_with("Namespaced");
    let since = match (subject.kind, subject.version) {
        (Kind::ImageValidating | Kind::Validating | Kind::Exception, "v1") => Some(Version::new(1, 17, 0)),
        (Kind::ImageValidating | Kind::Validating | Kind::Exception, "v1beta1") => Some(Version::new(1, 16, 0)),
        (Kind::ImageValidating | Kind::Validating | Kind::Exception, "v1alpha1") if !namespaced => {
            Some(Version::new(1, 14, 0))
        }
        (Kind::Legacy, "v1" | "v2beta1") | (Kind::LegacyException, "v2" | "v2beta1") => Some(Version::new(0, 0, 0)),
        _ => None,
    };
    if since.is_none_or(|since| judge.version < since) {
        judge.find(Rule::VersionNotServed, at, &format!("{} {}", subject.word, subject.version));
    } else if matches!(subject.version, "v1alpha1" | "v2beta1") || subject.kind == Kind::LegacyException {
        judge.find(Rule::DeprecatedVersion, at, &format!("{} {}", subject.word, subject.version));
    }
    if subject.kind == Kind::ImageValidating {
        judge.find(Rule::UnsafeVersion, at, &format!("judged for {}", judge.version));
    }
}
