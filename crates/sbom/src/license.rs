//! Declared licenses: SPDX expressions where they are some, names otherwise.

/// Whether the text is a valid SPDX expression (SPDX 2.3, annex D).
pub(crate) fn is_expression(text: &str) -> bool {
    text.len() <= 1_000 && spdx::Expression::parse(text).is_ok()
}
