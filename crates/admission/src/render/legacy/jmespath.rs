//! Expressions as Kyverno's variables hold them: JMESPath between double braces.
//!
//! Fields that a payload lacks are an error in Kyverno's dialect unless a default follows (`a.b || ''`), so that every field that
//! is read has one (kyverno/go-jmespath; kyverno/kyverno 1.19.1, `pkg/engine/variables/vars.go`).

/// A raw string (JMESPath specification, "Raw String Literals"); a quote inside is the only sign that is escaped.
pub(super) fn string(text: &str) -> String {
    format!("'{}'", text.replace('\'', "\\'"))
}

/// A JSON literal with a list of texts.
pub(super) fn list<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('`', "\\`"));
    format!("`[{}]`", texts.into_iter().map(quoted).collect::<Vec<_>>().join(","))
}

/// A field, or the empty text.
pub(super) fn field(path: &str) -> String {
    format!("({path} || '')")
}

/// Whether a field fits a whole expression of RE2.
pub(super) fn fits(expression: &str, field: &str) -> String {
    format!("regex_match({}, {field})", string(expression))
}

/// The whole variable.
///
/// # Errors
/// When Kyverno would take the expression apart elsewhere: it looks for double braces and `$(…)` without knowing of strings, and
/// lets braces nest once.
pub(super) fn variable(expression: &str) -> Result<String, String> {
    let mut depth = 0_usize;
    let mut nested = false;
    for c in expression.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        nested |= depth > 1 || c.is_control();
    }
    let taken = ["{{", "}}", "$(", "\\'"].iter().any(|sign| expression.contains(sign));
    if nested || depth != 0 || taken || expression.ends_with('}') {
        return Err(format!(
            "this cannot be written in a ClusterPolicy, whose variables end at double braces: {expression}"
        ));
    }
    Ok(format!("{{{{ {expression} }}}}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_a_variable_or_a_string_early_is_refused() {
        assert_eq!(
            variable("regex_match('^[0-9a-f]{40}$', a)").expect("fine"),
            "{{ regex_match('^[0-9a-f]{40}$', a) }}"
        );
        for text in ["a }} b", "{{ request.object }}", "$(spec.x)", "it's", "{a{b}}", "}{", "a{", "a\nb"] {
            assert!(variable(&format!("a == {}", string(text))).is_err(), "{text}");
        }
        assert_eq!(list(["a", "b`\"\\"]), r#"`["a","b\`\"\\"]`"#);
    }
}
