//! An image policy of Kyverno, whatever it is: every finding has a place in the file, concerns the version that was asked for, and
//! holds no more text than a line.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sealwright_admission::lint::{Rule, Source, Version, lint};

fuzz_target!(|data: &[u8]| {
    let lines = data.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count() + 2;
    for version in [Version::DEFAULT, Version::new(1, 18, 2), Version::new(1, 20, 0)] {
        let report = lint(&[Source { name: "policy.yaml", bytes: data }], version);
        for found in &report.findings {
            assert!(found.rule.versions().contains(version), "{} for {version}", found.rule);
            // YAML 1.2 section 5.4: a carriage return alone ends a line too.
            assert!(usize::try_from(found.at.line).is_ok_and(|line| line <= lines), "{found:?}");
            assert!(found.detail.raw().chars().count() <= 200 || found.rule == Rule::Unreadable, "{found:?}");
        }
        // Judging twice says the same.
        assert_eq!(report, lint(&[Source { name: "policy.yaml", bytes: data }], version));
    }
});
