//! Three versions of one scheme: the order is reflexive, antisymmetric and transitive.

#![no_main]

use std::cmp::Ordering;

use libfuzzer_sys::fuzz_target;
use sealwright_version::{Scheme, compare};

const SCHEMES: [Scheme; 6] = [Scheme::Apk, Scheme::Deb, Scheme::Pep440, Scheme::Go, Scheme::Semver, Scheme::Npm];

fuzz_target!(|data: &str| {
    let texts: Vec<&str> = data.splitn(3, '\n').collect();
    let [a, b, c] = texts[..] else { return };
    for scheme in SCHEMES {
        let order = |one, other| compare(scheme, one, other);
        let (Ok(ab), Ok(bc), Ok(ac)) = (order(a, b), order(b, c), order(a, c)) else { continue };
        assert_eq!(order(a, a), Ok(Ordering::Equal), "{scheme:?} {a:?}");
        assert_eq!(order(b, a), Ok(ab.reverse()), "{scheme:?} {a:?} {b:?}");
        // Two steps in one direction, or one step and none, lead there too.
        if ab == bc || bc == Ordering::Equal {
            assert_eq!(ac, ab, "{scheme:?} {a:?} {b:?} {c:?}");
        } else if ab == Ordering::Equal {
            assert_eq!(ac, bc, "{scheme:?} {a:?} {b:?} {c:?}");
        }
    }
});
