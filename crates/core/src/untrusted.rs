//! Text that came out of an image, an advisory or a registry.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Hostile text. `Display` escapes everything that could steer a terminal or a log reader; the raw text is only had by
/// asking for it with [`Untrusted::raw`], which is for comparing, hashing and for encoders with an escaping of their own.
///
/// JSON encoders escape on their own, so it serializes as the raw string.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Untrusted(String);

impl Untrusted {
    /// Marks `text` as hostile.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text as it came. Never print it.
    pub fn raw(&self) -> &str {
        &self.0
    }

    /// The raw text, owned. Never print it.
    pub fn into_raw(self) -> String {
        self.0
    }

    /// Whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&str> for Untrusted {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<String> for Untrusted {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;
        // Escaped first and padded afterwards, so that `{:<20}` counts what is printed.
        let mut shown = String::with_capacity(self.0.len());
        for c in self.0.chars() {
            if is_steering(c) { write!(shown, "\\u{{{:x}}}", u32::from(c))? } else { shown.push(c) }
        }
        f.pad(&shown)
    }
}

/// Whether a character can move the cursor, start a new line or reorder what is read.
///
/// Control characters (C0, C1, line and paragraph separators) end a line or start an escape sequence: with one of them a
/// package name could write a workflow command such as `::set-output` (osv-scanner#2669). Bidirectional controls reorder
/// what follows (CVE-2021-42574); zero-width characters make two names look equal.
fn is_steering(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{061c}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steering_characters_are_escaped_on_display_only() {
        let hostile = Untrusted::new("a\n::error::x\u{1b}[31m\u{202e}b\u{200b}");
        assert_eq!(hostile.to_string(), "a\\u{a}::error::x\\u{1b}[31m\\u{202e}b\\u{200b}");
        assert_eq!(hostile.raw(), "a\n::error::x\u{1b}[31m\u{202e}b\u{200b}");
        assert_eq!(format!("[{:<6}]", Untrusted::new("a\n")), "[a\\u{a}]");
        assert_eq!(format!("[{:<6}]", Untrusted::new("zürich")), "[zürich]");
    }
}
