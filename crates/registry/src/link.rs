//! `Link` with `rel="next"` (RFC 8288), as the referrers API pages.

/// The target of the next page.
pub(crate) fn next(header: &str) -> Option<&str> {
    let mut rest = header;
    while let Some((_, after)) = rest.split_once('<') {
        let (target, after) = after.split_once('>')?;
        let parameters = after.split_once('<').map_or(after, |(parameters, _)| parameters);
        if is_next(parameters) {
            return Some(target);
        }
        rest = after;
    }
    None
}

fn is_next(parameters: &str) -> bool {
    parameters.split([';', ',']).filter_map(|p| p.trim().split_once('=')).any(|(name, value)| {
        name.trim().eq_ignore_ascii_case("rel")
            && value.trim().trim_matches('"').split(' ').any(|relation| relation.eq_ignore_ascii_case("next"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_next_page_is_followed() {
        let cases = [
            ("</v2/a/referrers/x?after=2>; rel=\"next\"", Some("/v2/a/referrers/x?after=2")),
            ("<https://h/a,b>; rel=prev, </c>;title=\"x\"; REL=\"last next\"", Some("/c")),
            ("</c>; rel=\"prev\"", None),
            ("</c>; rel=\"nextish\"", None),
            ("</c>", None),
            ("</c; rel=next", None),
            ("", None),
        ];
        for (header, expected) in cases {
            assert_eq!(next(header), expected, "{header}");
        }
    }
}
