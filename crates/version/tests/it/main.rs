//! The published orders, and the laws that every order has to keep.

#![expect(clippy::expect_used, reason = "a pattern that does not parse is a defect of the test")]

use std::cmp::Ordering;

use proptest::prelude::*;
use sealwright_version::{Scheme, compare};

/// Each list is in ascending order; every pair of it is compared both ways.
#[track_caller]
fn ascending(scheme: Scheme, versions: &[&str]) {
    for (i, a) in versions.iter().enumerate() {
        for (j, b) in versions.iter().enumerate() {
            assert_eq!(compare(scheme, a, b), Ok(i.cmp(&j)), "{a} and {b}");
        }
    }
}

#[track_caller]
fn equal(scheme: Scheme, pairs: &[(&str, &str)]) {
    for (a, b) in pairs {
        assert_eq!(compare(scheme, a, b), Ok(Ordering::Equal), "{a} and {b}");
        assert_eq!(compare(scheme, b, a), Ok(Ordering::Equal), "{b} and {a}");
    }
}

#[track_caller]
fn refused(scheme: Scheme, versions: &[&str]) {
    for version in versions {
        assert!(compare(scheme, version, "1").is_err(), "{version:?}");
        assert!(compare(scheme, version, version).is_err(), "{version:?}");
    }
}

#[test]
fn debian() {
    // deb-version(7): "~~, ~~a, ~, the empty part, a".
    ascending(
        Scheme::Deb,
        &[
            "1~~",
            "1~~a",
            "1~",
            "1",
            "1-0ubuntu1",
            "1-1~bpo12+1",
            "1-1",
            "1-1+b1",
            "1-1+deb12u1",
            "1-1.1",
            "1a",
            "1+b",
            "1.0",
            "1.0a",
            "1.2",
            "1.10",
            "2~rc1-1",
            "2-1",
            "1:0.1",
        ],
    );
    equal(Scheme::Deb, &[("1.0", "1.00"), ("0:1.0", "1.0"), ("1.0-0", "1.0"), ("1.01", "1.1")]);
    refused(Scheme::Deb, &["", "a1", "1:", ":1", "x:1", "1-", "1_0-é", "1 0", "-1:1", "3000000000:1"]);
}

#[test]
fn alpine() {
    ascending(
        Scheme::Apk,
        &[
            "0.1_alpha",
            "0.1_alpha2",
            "0.1_beta1",
            "0.1_pre2",
            "0.1_rc1",
            "0.1",
            "0.1_cvs1",
            "0.1_git20200101",
            "0.1_p1",
            "0.1_p1-r1",
            "0.1_p2",
            "0.1a",
            "0.1b",
            "0.1.1",
            "0.2",
            "1.01",
            "1.1",
            "1.1-r1",
            "1.1-r2",
            "1.1-r10",
            "1.2",
            "1.10",
        ],
    );
    equal(Scheme::Apk, &[("1.0-r0", "1.0"), ("01", "1"), ("1.0_p01", "1.0_p1")]);
    refused(Scheme::Apk, &["", "a", "1.", "1..2", "1_foo", "1-x", "1.2-rx", "1ab", "1~", "1~xyz", "1-r"]);
}

#[test]
fn python() {
    // PEP 440, "Summary of permitted suffixes and relative ordering".
    ascending(
        Scheme::Pep440,
        &[
            "1.dev0",
            "1.0.dev456",
            "1.0a1",
            "1.0a2.dev456",
            "1.0a12.dev456",
            "1.0a12",
            "1.0b1.dev456",
            "1.0b2",
            "1.0b2.post345.dev456",
            "1.0b2.post345",
            "1.0rc1.dev456",
            "1.0rc1",
            "1.0",
            "1.0+abc.5",
            "1.0+abc.7",
            "1.0+5",
            "1.0.post456.dev34",
            "1.0.post456",
            "1.0.15",
            "1.1.dev1",
            "1!0.1",
        ],
    );
    equal(
        Scheme::Pep440,
        &[
            ("1.0", "1"),
            ("1.0.0", "1"),
            ("v1.0", "1.0"),
            ("1.0alpha1", "1.0a1"),
            ("1.0-c1", "1.0rc1"),
            ("1.0-1", "1.0.post1"),
            ("1.0.rev2", "1.0.post2"),
            ("1.0a", "1.0a0"),
            ("1.0_DEV", "1.0.dev0"),
            ("1.0+ubuntu-1", "1.0+ubuntu.1"),
            ("01.0", "1.0"),
        ],
    );
    refused(Scheme::Pep440, &["", "a", "1.0foo", "1.0+", "1.0+a..b", "!1", "1.0.", "1.0.post1.post2", "1 0"]);
}

#[test]
fn crates() {
    // Semantic Versioning 2.0.0 §11.
    ascending(
        Scheme::Semver,
        &[
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
            "2.0.0",
            "2.1.0",
            "2.1.1",
            "10.0.0",
        ],
    );
    equal(Scheme::Semver, &[("1.0.0+a", "1.0.0+b"), ("1.0.0-x+1", "1.0.0-x")]);
    for bad in ["1", "1.0", "01.0.0", "1.0.0-", "1.0.0-01", "1.0.0+", "v1.0.0", "1.0.0-é", "1.0.0.0"] {
        assert!(compare(Scheme::Semver, bad, "1.0.0").is_err(), "{bad:?}");
    }
}

#[test]
fn npm_and_go() {
    ascending(Scheme::Npm, &["0.9.0", "1.0.0-0", "1.0.0-rc.1", "v1.0.0", "=1.0.1", "1.10.0"]);
    assert!(compare(Scheme::Npm, "latest", "1.0.0").is_err());
    ascending(
        Scheme::Go,
        &[
            "v0.0.0-20190101000000-abcdefabcdef",
            "v0.0.0-20200101000000-abcdefabcdef",
            "v0.1.0",
            "v1.0.0-rc.1",
            "v1.0.0",
            "v1.0.1-0.20200101000000-abcdefabcdef",
            "v1.0.1",
            "go1.20",
            "go1.21rc2",
            "1.21.0",
            "go1.21.3",
            "v2.0.0+incompatible",
        ],
    );
    equal(Scheme::Go, &[("v1.2.3", "1.2.3"), ("go1.21", "1.21.0"), ("v2.0.0+incompatible", "2.0.0")]);
    assert!(compare(Scheme::Go, "(devel)", "v1.0.0").is_err());
}

#[test]
fn very_long_versions_are_refused_at_the_limit() {
    let (fits, too_long) = ("1".repeat(1024), "1".repeat(1025));
    assert!(compare(Scheme::Deb, &fits, "1").is_ok());
    assert!(compare(Scheme::Deb, &too_long, "1").is_err());
}

fn versions(scheme: Scheme) -> impl Strategy<Value = String> {
    let pattern = match scheme {
        Scheme::Apk => "[0-9]{1,2}(\\.[0-9]{1,2}){0,2}[a-c]?(_(alpha|rc|p|git)[0-9]?){0,2}(-r[0-2])?",
        Scheme::Deb => "([0-2]:)?[0-9][0-9a-b.~+]{0,4}(-[0-9a-b.~+]{1,3})?",
        Scheme::Pep440 => {
            "([0-1]!)?[0-9](\\.[0-9]){0,2}((a|b|rc)[0-2])?(\\.post[0-1])?(\\.dev[0-1])?(\\+[a-b0-1](\\.[a-b0-1])?)?"
        }
        Scheme::Go => "v[0-2]\\.[0-9]\\.[0-9](-[a-b0-1](\\.[a-b0-1]){0,2})?",
        Scheme::Semver | Scheme::Npm => "[0-2]\\.[0-9]\\.[0-9](-[a-b1-2](\\.[a-b1-2]){0,2})?",
    };
    proptest::string::string_regex(pattern).expect("pattern")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_orders_are_orders(
        (scheme, a, b, c) in prop::sample::select(vec![Scheme::Apk, Scheme::Deb, Scheme::Pep440, Scheme::Go, Scheme::Semver, Scheme::Npm])
            .prop_flat_map(|s| (Just(s), versions(s), versions(s), versions(s)))
    ) {
        let order = |x: &str, y: &str| compare(scheme, x, y).expect("generated versions follow the grammar");
        prop_assert_eq!(order(&a, &a), Ordering::Equal);
        prop_assert_eq!(order(&a, &b), order(&b, &a).reverse());
        if order(&a, &b) != Ordering::Greater && order(&b, &c) != Ordering::Greater {
            prop_assert_ne!(order(&a, &c), Ordering::Greater, "{} {} {}", a, b, c);
        }
    }

    #[test]
    fn no_text_panics(a in "\\PC{0,20}", b in "[0-9a-z.~+:_-]{0,12}") {
        for scheme in [Scheme::Apk, Scheme::Deb, Scheme::Pep440, Scheme::Go, Scheme::Semver, Scheme::Npm] {
            if compare(scheme, &a, &a).is_ok() {
                prop_assert_eq!(compare(scheme, &a, &a), Ok(Ordering::Equal));
            }
            prop_assert_eq!(compare(scheme, &a, &b).is_ok(), compare(scheme, &b, &a).is_ok());
        }
    }
}
