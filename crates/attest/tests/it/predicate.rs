//! Documents that become predicates.

use sealwright_attest::{AttestError, cyclonedx, predicate, spdx};
use serde_json::json;

use crate::golden::subject;

#[test]
fn a_document_becomes_the_predicate_as_it_is() {
    let document = br#"{"b":[1,2.5,null],"a":"x"}"#;
    let statement = predicate(&subject(None), "https://example.com/p", document).expect("JSON");
    assert_eq!(statement.predicate, json!({ "a": "x", "b": [1, 2.5, null] }));
    assert_eq!(statement.predicate_type, "https://example.com/p");
    assert_eq!(statement.subject[0].name.as_deref(), Some("registry.example/shop/app"));
    assert_eq!(cyclonedx(&subject(None), b"{}").expect("JSON").predicate_type, "https://cyclonedx.org/bom");
    assert_eq!(spdx(&subject(None), b"{}").expect("JSON").predicate_type, "https://spdx.dev/Document");
}

#[test]
fn what_is_no_unambiguous_object_is_not_attested() {
    for broken in [&b""[..], b"{", b"<xml/>", br#"{"a":1,"a":2}"#] {
        let error = predicate(&subject(None), "t", broken).expect_err("no JSON");
        assert!(matches!(error, AttestError::Document { .. }), "{error}");
    }
    for bare in ["null", "[]", "1", "\"x\""] {
        let error = predicate(&subject(None), "t", bare.as_bytes()).expect_err(bare);
        assert!(matches!(error, AttestError::NoObject { ref predicate_type } if predicate_type == "t"), "{error}");
    }
}
