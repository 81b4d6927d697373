//! An in-toto statement: its canonical bytes are read as the same, and are canonical.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sealwright_bundle::Statement;
use sealwright_core::Limits;

fuzz_target!(|data: &[u8]| {
    let limits = Limits { evidence: 1 << 15, ..Limits::default() };
    let Ok(statement) = Statement::parse(data, &limits) else { return };
    assert!(data.len() <= 1 << 15);
    let bytes = statement.to_bytes();
    let again = Statement::parse(&bytes, &Limits::default()).expect("what was written");
    assert_eq!(again.to_bytes(), bytes);
    assert_eq!((again.subject, again.predicate_type), (statement.subject, statement.predicate_type));
});
