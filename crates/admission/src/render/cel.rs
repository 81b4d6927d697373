//! Texts and patterns as CEL and RE2 write them.
//!
//! A pattern of a trust file fits a whole name; the expressions of both languages look for a part, so that every one that is
//! written here is anchored at both ends.

use regex::{Regex, RegexBuilder};
use sealwright_policy::PathPattern;

/// A CEL string (CEL language definition, "String and Bytes Values"): raw where it has backslashes, so that it reads like the
/// expression that it is.
pub(crate) fn string(text: &str) -> String {
    let plain = !text.contains(['\'', '\n', '\r']);
    match (plain, text.contains('\\')) {
        (true, false) => format!("'{text}'"),
        (true, true) => format!("r'{text}'"),
        _ => {
            let escaped = text.replace('\\', "\\\\").replace('\'', "\\'").replace('\n', "\\n").replace('\r', "\\r");
            format!("'{escaped}'")
        }
    }
}

/// A CEL list of strings.
pub(crate) fn list<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    format!("[{}]", texts.into_iter().map(string).collect::<Vec<_>>().join(", "))
}

/// The text itself, for RE2.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if r"\.+*?()|[]{}^$".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Any of the expressions, as a part of another one.
pub(crate) fn any_of(expressions: &[String]) -> String {
    match expressions {
        [one] => one.clone(),
        several => format!("(?:{})", several.join("|")),
    }
}

/// A pattern for RE2, not anchored. `inside` is the class of signs that `*` and `?` stand for.
pub(crate) fn pattern(pattern: &PathPattern, inside: &str) -> String {
    let components: Vec<&str> = pattern.as_str().split('/').collect();
    let mut out = String::new();
    for (position, component) in components.iter().enumerate() {
        let last = position + 1 == components.len();
        match (*component, last) {
            // At the end at least one component, elsewhere any number of them, also none.
            ("**", true) => out.push_str(&format!("{inside}+(?:/{inside}+)*")),
            ("**", false) => out.push_str(&format!("(?:{inside}+/)*")),
            (component, _) => {
                out.push_str(&component_of(component, inside));
                if !last {
                    out.push('/');
                }
            }
        }
    }
    out
}

fn component_of(component: &str, inside: &str) -> String {
    let mut out = String::new();
    for c in component.chars() {
        match c {
            '*' => out.push_str(&format!("{inside}*")),
            '?' => out.push_str(inside),
            c => out.push_str(&escaped(c.encode_utf8(&mut [0; 4]))),
        }
    }
    out
}

/// Refs and tags: a star stays between two slashes.
pub(crate) const REF: &str = "[^/]";

/// References to images whose repository fits one of the patterns, with or without a tag and a digest (distribution,
/// `reference/regexp.go`). A `*` never takes the sign in front of a tag or a digest.
pub(crate) fn images(patterns: &[PathPattern]) -> String {
    let mut repositories: Vec<String> = patterns.iter().map(|one| pattern(one, "[^/:@]")).collect();
    repositories.sort();
    repositories.dedup();
    format!(r"^{}(?::[0-9A-Za-z_][0-9A-Za-z._-]{{0,127}})?(?:@sha256:[0-9a-f]{{64}})?$", any_of(&repositories))
}

/// The same as an expression of ours. It grows with the number of patterns, and Kyverno's engine has no such limit.
pub(crate) fn images_expression(images: &str) -> Result<Regex, String> {
    let compiled = RegexBuilder::new(images).size_limit(LARGEST).dfa_size_limit(LARGEST).build();
    compiled.map_err(|e| format!("the patterns of the images are too many for one expression: {e}"))
}

/// Bytes of a compiled expression.
const LARGEST: usize = 256 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(texts: &[&str]) -> Vec<PathPattern> {
        texts.iter().map(|text| text.parse().expect(text)).collect()
    }

    #[test]
    fn strings_are_cel() {
        for (text, expected) in [
            ("plain", "'plain'"),
            (r"^a\.b$", r"r'^a\.b$'"),
            ("it's", r"'it\'s'"),
            ("a\\'b", r"'a\\\'b'"),
            ("a\nb", r"'a\nb'"),
        ] {
            assert_eq!(string(text), expected);
        }
        assert_eq!(list(["a", "b"]), "['a', 'b']");
    }

    #[test]
    fn an_image_fits_as_the_trust_file_fits_its_repository() {
        for (pattern, fitting, others) in [
            (
                "registry.example/shop/**",
                &["registry.example/shop/app", "registry.example/shop/a/b:v1", "registry.example/shop/app:v1@DIGEST"][..],
                &[
                    "registry.example/shop",
                    "registry.example/shop-evil/app",
                    "registry.example/shop/",
                    "x/registry.example/shop/app",
                    "registryXexample/shop/app",
                    "registry.example/shop/app:v1@sha256:ab",
                ][..],
            ),
            (
                "127.0.0.1:*/**",
                &["127.0.0.1:5000/a", "127.0.0.1:5000/a/b@DIGEST"],
                &["127.0.0.1/a", "127.0.0.1:5000", "127.0.0.1:5000/a@sha512:00"],
            ),
            ("r.example/*/app", &["r.example/x/app:v1"], &["r.example/x/y/app", "r.example/app", "r.example/x/app2"]),
            ("r.example/**/app", &["r.example/app", "r.example/x/y/app"], &["r.example/x/yapp"]),
            ("r.example/app", &["r.example/app:v1"], &["r.example/app:v1:v2", "r.example/app/x", "nginx", ""]),
            ("r.example/v?", &["r.example/v1"], &["r.example/v", "r.example/v:1", "r.example/v12"]),
        ] {
            let digest = format!("sha256:{}", "a".repeat(64));
            let expression = Regex::new(&images(&patterns(&[pattern]))).expect("an expression");
            for image in fitting {
                assert!(expression.is_match(&image.replace("DIGEST", &digest)), "{pattern} {image}");
            }
            for image in others {
                assert!(!expression.is_match(&image.replace("DIGEST", &digest)), "{pattern} {image}");
            }
        }
    }

    #[test]
    fn an_alternative_does_not_escape_the_anchors() {
        let expression = Regex::new(&images(&patterns(&["a.example/x", "b.example/y"]))).expect("an expression");
        assert!(expression.is_match("a.example/x") && expression.is_match("b.example/y"));
        assert!(!expression.is_match("a.example/x2") && !expression.is_match("evil/b.example/y"));
    }
}
