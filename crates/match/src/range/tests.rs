use proptest::prelude::*;

use super::*;

fn range(events: &[Event]) -> Affected {
    Affected {
        package: None,
        ranges: vec![Range { kind: RangeKind::Ecosystem, events: events.to_vec() }],
        versions: vec![],
        severity: vec![],
        ecosystem_specific: Default::default(),
        database_specific: Default::default(),
    }
}

fn introduced(v: &str) -> Event {
    Event::Introduced(v.into())
}

fn fixed(v: &str) -> Event {
    Event::Fixed(v.into())
}

fn last(v: &str) -> Event {
    Event::LastAffected(v.into())
}

fn interval(affected: &Affected, version: &str) -> Option<(String, Option<String>)> {
    affects(affected, Scheme::Deb, version).expect("comparable").map(|hit| (hit.interval, hit.fixed))
}

#[test]
fn bounds_are_as_the_schema_says() {
    let affected = range(&[introduced("1"), fixed("2"), introduced("3"), last("4")]);
    let cases = [
        ("0", None),
        ("1~", None),
        ("1", Some(("[1, 2)", Some("2")))),
        ("1.9", Some(("[1, 2)", Some("2")))),
        ("2", None),
        ("3", Some(("[3, 4]", None))),
        ("4", Some(("[3, 4]", None))),
        ("4.1", None),
    ];
    for (version, expected) in cases {
        let expected = expected.map(|(i, f)| (i.to_owned(), f.map(str::to_owned)));
        assert_eq!(interval(&affected, version), expected, "{version}");
    }
    assert_eq!(interval(&range(&[introduced("0")]), "0~~"), Some(("[0, ∞)".into(), None)));
    let limited = range(&[introduced("0"), Event::Limit("5".into())]);
    assert_eq!(interval(&limited, "4"), Some(("[0, 5)".into(), None)));
    assert_eq!(interval(&limited, "5"), None);
    // Affected again after an end: the end that was passed is not this one's.
    let again = range(&[introduced("1"), last("2"), introduced("3"), fixed("4")]);
    assert_eq!(interval(&again, "3"), Some(("[3, 4)".into(), Some("4".into()))));
    let again = range(&[introduced("1"), Event::Limit("2".into()), introduced("3"), fixed("4")]);
    assert_eq!(interval(&again, "3"), Some(("[3, 4)".into(), Some("4".into()))));
}

#[test]
fn the_order_of_events_does_not_matter_and_at_one_version_a_fix_wins() {
    assert_eq!(interval(&range(&[fixed("2"), introduced("0")]), "1"), Some(("[0, 2)".into(), Some("2".into()))));
    assert_eq!(interval(&range(&[fixed("2"), introduced("2")]), "2"), None);
    assert_eq!(interval(&range(&[introduced("2"), fixed("2")]), "2"), None);
    // A version that is introduced and the last affected at once is affected.
    assert_eq!(interval(&range(&[last("2"), introduced("2")]), "2"), Some(("[2, 2]".into(), None)));
}

#[test]
fn only_an_introduced_zero_comes_before_every_version() {
    let before = |a, b| order(Scheme::Deb, &a, &b) == Ok(Ordering::Less);
    for other in ["0~~", "0", "3"] {
        assert!(before(introduced("0"), fixed(other)), "{other}");
        assert!(!before(fixed(other), introduced("0")), "{other}");
    }
    assert!(before(fixed("2"), introduced("3")) && !before(introduced("3"), fixed("2")));
    assert!(before(fixed("0~~"), fixed("0")) && before(fixed("0~~"), last("0")));
}

#[test]
fn several_ranges_need_the_latest_fix_and_one_without_a_fix_stays_unfixed() {
    let mut affected = range(&[introduced("0"), fixed("2")]);
    affected.ranges.push(Range { kind: RangeKind::Ecosystem, events: vec![introduced("0"), fixed("3")] });
    assert_eq!(interval(&affected, "1"), Some(("[0, 3)".into(), Some("3".into()))));
    affected.ranges.reverse();
    assert_eq!(interval(&affected, "1"), Some(("[0, 3)".into(), Some("3".into()))));
    affected.ranges.push(Range { kind: RangeKind::Ecosystem, events: vec![introduced("0")] });
    assert_eq!(interval(&affected, "1"), Some(("[0, ∞)".into(), None)));
    affected.ranges.reverse();
    assert_eq!(interval(&affected, "1"), Some(("[0, ∞)".into(), None)));
}

#[test]
fn enumerated_versions_count_and_git_ranges_do_not() {
    let mut affected = range(&[introduced("0")]);
    affected.ranges[0].kind = RangeKind::Git;
    assert_eq!(interval(&affected, "1"), None);
    affected.versions = vec!["1.00".into()];
    assert_eq!(interval(&affected, "1.0"), Some(("= 1.0".into(), None)));
    assert_eq!(interval(&affected, "1.1"), None);
}

#[test]
fn what_cannot_be_compared_is_an_error_unless_something_else_says_affected() {
    let broken = range(&[introduced("0"), fixed("not a version")]);
    assert!(affects(&broken, Scheme::Deb, "1").is_err());
    assert!(affects(&range(&[introduced("0")]), Scheme::Deb, "not a version").is_err());
    let mut also = broken.clone();
    also.versions = vec!["1".into()];
    assert!(affects(&also, Scheme::Deb, "1").expect("enumerated").is_some());
    let mut two = broken;
    two.ranges.push(Range { kind: RangeKind::Ecosystem, events: vec![introduced("0")] });
    assert!(affects(&two, Scheme::Deb, "1").expect("the other range").is_some());
}

/// The schema's own pseudocode over plain integers.
fn naive(events: &[(u8, u32)], version: u32) -> bool {
    let mut sorted = events.to_vec();
    sorted.sort_by_key(|(kind, at)| (*at, *kind));
    let mut vulnerable = false;
    for (kind, at) in sorted {
        match kind {
            0 if version >= at => vulnerable = true,
            1 if version > at => vulnerable = false,
            2 if version >= at => vulnerable = false,
            _ => {}
        }
    }
    vulnerable
}

proptest! {
    #[test]
    fn the_evaluation_is_that_of_the_schema(events in prop::collection::vec((0_u8..3, 1_u32..8), 0..6), version in 0_u32..9) {
        let affected = range(&events.iter().map(|(kind, at)| match kind {
            0 => introduced(&at.to_string()),
            1 => last(&at.to_string()),
            _ => fixed(&at.to_string()),
        }).collect::<Vec<_>>());
        let hit = affects(&affected, Scheme::Deb, &version.to_string()).expect("comparable");
        prop_assert_eq!(hit.is_some(), naive(&events, version));
    }
}
