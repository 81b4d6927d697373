//! A pattern and a path: the fast way finds what trying every way finds.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sealwright_policy::PathPattern;

/// The meaning of a pattern, written down without thought of how long it takes.
fn matches(pattern: &[&str], path: &[&str]) -> bool {
    match (pattern, path) {
        ([], rest) => rest.is_empty(),
        (["**"], rest) => !rest.is_empty(),
        (["**", rest @ ..], _) => (0..=path.len()).any(|skipped| matches(rest, &path[skipped..])),
        ([_, ..], []) => false,
        ([part, pattern @ ..], [component, path @ ..]) => {
            let (part, component): (Vec<char>, Vec<char>) = (part.chars().collect(), component.chars().collect());
            inside(&part, &component) && matches(pattern, path)
        }
    }
}

fn inside(part: &[char], component: &[char]) -> bool {
    match (part, component) {
        ([], rest) => rest.is_empty(),
        (['*', rest @ ..], _) => (0..=component.len()).any(|skipped| inside(rest, &component[skipped..])),
        (['?', part @ ..], [_, rest @ ..]) => inside(part, rest),
        ([c, part @ ..], [other, rest @ ..]) => c == other && inside(part, rest),
        ([_, ..], []) => false,
    }
}

fuzz_target!(|data: &str| {
    let Some((text, path)) = data.split_once('\n') else { return };
    let Ok(pattern) = text.parse::<PathPattern>() else { return };
    // Trying every way takes exponential time.
    if data.len() <= 40 {
        let (parts, components): (Vec<&str>, Vec<&str>) = (text.split('/').collect(), path.split('/').collect());
        assert_eq!(pattern.matches(path), matches(&parts, &components), "{text:?} {path:?}");
    }
});
