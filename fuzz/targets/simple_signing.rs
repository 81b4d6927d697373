//! A simple signing payload: a signature statement about one digest, and what is written of it says the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sealwright_bundle::{SimpleSigning, predicate_type};
use sealwright_core::Limits;

fuzz_target!(|data: &[u8]| {
    let limits = Limits { configuration: 1 << 12, ..Limits::default() };
    let Ok(payload) = SimpleSigning::parse(data, &limits) else { return };
    assert!(data.len() <= 1 << 12);
    let statement = payload.statement();
    assert_eq!(statement.predicate_type, predicate_type::SIGNATURE);
    let [subject] = &statement.subject[..] else { panic!("{statement:?}") };
    let digest = format!("sha256:{}", subject.digest["sha256"]).parse().expect("a digest");
    let again = SimpleSigning::of(&statement, &digest).expect("its own subject");
    let read = SimpleSigning::parse(&again.to_bytes(), &Limits::default()).expect("what was written");
    assert_eq!(read.statement(), statement);
});
