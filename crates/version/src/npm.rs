//! npm: semantic versions, with the liberties of node-semver's loose mode that published packages take.

use crate::semver::Version;

/// A leading `v` or `=` and spaces are dropped; numbers may start with zeros.
pub(crate) fn parse(text: &str) -> Option<Version<'_>> {
    Version::loose(text.trim().trim_start_matches(['=', 'v', ' ']))
}
