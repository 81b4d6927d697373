//! Regular expressions that have to match a whole text.

use regex::{Regex, RegexBuilder};

/// Compiled size in bytes; more is an attack or a mistake.
const LARGEST: usize = 1 << 20;

/// Compiles `pattern` so that it matches whole texts only.
///
/// A group keeps an alternative inside the pattern from escaping the anchors. The pattern also has to be one by itself:
/// `a)|(?:b` would close the group.
///
/// # Errors
/// What is wrong with it, in one line.
pub fn whole_regex(pattern: &str) -> Result<Regex, String> {
    let build = |text: &str| RegexBuilder::new(text).size_limit(LARGEST).build();
    build(pattern).and_then(|_| build(&format!("^(?:{pattern})$"))).map_err(|error| {
        let lines: Vec<String> = error.to_string().lines().map(|l| l.trim().to_owned()).collect();
        format!("{pattern:?} is no regular expression: {}", lines.join(" "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_escapes_the_anchors() {
        let pattern = whole_regex("https://x/.*|https://y/a").expect("pattern");
        assert!(pattern.is_match("https://x/z") && pattern.is_match("https://y/a"));
        for other in ["https://y/ab", "see https://x/z", "https://y/a\n"] {
            assert!(!pattern.is_match(other), "{other:?}");
        }
        // The flags of the pattern itself do not reach the anchors.
        assert!(!whole_regex("(?m)https://x").expect("pattern").is_match("https://evil\nhttps://x"));
    }

    #[test]
    fn what_is_no_pattern_by_itself_is_refused_in_one_line() {
        for (broken, why) in [("(", "unclosed group"), ("a)|(?:b", "unopened group"), ("(a{1000}){1000}", "size")] {
            let error = whole_regex(broken).expect_err(broken);
            assert!(error.contains(why) && error.starts_with(&format!("{broken:?}")), "{error}");
            assert_eq!(error.lines().count(), 1, "{error}");
        }
    }
}
