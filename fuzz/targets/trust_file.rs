//! A trust file, alone or below a parent: an error has its place, rules have one form, and a child keeps what its parent denies.

#![no_main]

use std::cell::Cell;

use libfuzzer_sys::fuzz_target;
use sealwright_core::canonical_json;
use sealwright_policy::parse;

const PARENT: &[u8] = include_bytes!("../fixtures/parent.yaml");

fuzz_target!(|data: &[u8]| {
    let inherited = Cell::new(false);
    let read_parent = |_: &str| {
        inherited.set(true);
        Ok(PARENT.to_vec())
    };
    match parse(data, "trust.yaml", &read_parent) {
        Ok(policy) => {
            assert!(!policy.builders.is_empty());
            let canonical = policy.canonical();
            assert_eq!(canonical_json::to_vec(&serde_json::from_slice(&canonical).expect("JSON")), canonical);
            if inherited.get() {
                let parent = parse(PARENT, "parent.yaml", &read_parent).expect("the parent");
                assert!(parent.gate.contents_deny.iter().all(|denied| policy.gate.contents_deny.contains(denied)));
                assert!(policy.gate.fail_on.is_some_and(|least| Some(least) <= parent.gate.fail_on));
            }
        }
        // YAML 1.2 §5.4: a carriage return alone ends a line too.
        Err(error) => assert!(error.at.line as usize <= data.iter().filter(|b| matches!(b, b'\n' | b'\r')).count() + 2),
    }
});
