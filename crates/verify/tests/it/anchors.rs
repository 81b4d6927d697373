//! A builder and its anchor cannot disagree.

use sealwright_policy::{BuilderIdentity, KeylessRule, SubjectRule, Transparency};
use sealwright_verify::{Anchor, AnchorError, BuilderAnchor, Proof};

use crate::evidence::builder;
use crate::log::Log;
use crate::signing::TestKey;

#[test]
fn a_key_builder_gets_what_its_transparency_asks_for() {
    let (key, root) = (TestKey::p256().public(), Log::new().trusted_root());
    let mut release = builder("release");
    let none = BuilderAnchor::new(release.clone(), Some(key.clone()), Some(&root)).expect("key");
    assert!(matches!(none.anchor(), Anchor::Key(k) if *k == key));
    assert_eq!(none.anchor().proof(), None);
    assert_eq!(none.builder().name, "release");
    release.transparency = Transparency::Required;
    let logged = BuilderAnchor::new(release.clone(), Some(key.clone()), Some(&root)).expect("key");
    assert!(matches!(logged.anchor(), Anchor::LoggedKey(k, _) if *k == key));
    assert_eq!(logged.anchor().proof(), Some(Proof::LogEntry));
    let no_root = BuilderAnchor::new(release.clone(), Some(key), None).expect_err("no root");
    assert_eq!(no_root, AnchorError::NoTrustedRoot { builder: "release".into() });
    let no_key = BuilderAnchor::new(release, None, Some(&root)).expect_err("no key");
    assert_eq!(no_key, AnchorError::NoKey { builder: "release".into(), file: "release.pub".into() });
}

#[test]
fn a_keyless_builder_needs_a_root_and_never_falls_back_to_a_key() {
    let mut release = builder("release");
    let rule =
        KeylessRule { issuer: "i".into(), subject: SubjectRule::Exact("s".into()), runner: None, triggers: vec![] };
    release.identity = BuilderIdentity::Keyless(rule);
    let key = TestKey::p256().public();
    for transparency in [Transparency::Required, Transparency::None] {
        release.transparency = transparency;
        let missing = BuilderAnchor::new(release.clone(), Some(key.clone()), None).expect_err("no root");
        assert_eq!(missing, AnchorError::NoTrustedRoot { builder: "release".into() });
        let root = Log::new().trusted_root();
        let anchored = BuilderAnchor::new(release.clone(), Some(key.clone()), Some(&root)).expect("root");
        assert!(matches!(anchored.anchor(), Anchor::Keyless(..)));
        assert_eq!(anchored.anchor().proof(), Some(Proof::LogEntry));
    }
}
