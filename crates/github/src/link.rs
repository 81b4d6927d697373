//! `Link` with `rel="next"` (RFC 8288), as GitHub's lists page.

/// The target of the first link whose relation is `next`. GitHub writes one relation a link, and no comma into a target.
pub(crate) fn next(header: &str) -> Option<&str> {
    header.split(',').find_map(|link| {
        let (target, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
        let is_next = |parameter: &str| {
            let (name, value) = parameter.split_once('=').unwrap_or_default();
            name.trim().eq_ignore_ascii_case("rel") && value.trim().trim_matches('"').eq_ignore_ascii_case("next")
        };
        parameters.split(';').any(is_next).then_some(target)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_next_is_followed() {
        for (header, expected) in [
            ("<https://a/b?after=2>; rel=\"next\"", Some("https://a/b?after=2")),
            ("<https://a/1>; rel=\"prev\", <https://a/2>; rel=\"next\"", Some("https://a/2")),
            ("<https://a/1>; rel=\"prev\"", None),
            ("<https://a/1>; title=\"next\"", None),
            ("<https://a/1; rel=next", None),
            ("", None),
        ] {
            assert_eq!(next(header), expected, "{header}");
        }
    }
}
