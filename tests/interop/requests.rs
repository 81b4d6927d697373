//! How many requests a verification makes, ours and cosign's, counted by the registry: the table in `docs/benchmarks.md`.

use std::path::Path;

use sealwright_loopback::registry::{ReferrersApi, Registry, Switches};

use crate::peer::{Said, say, sealwright, text_of};
use crate::registries::small_image;
use crate::sealed::{cosign, home, seal};

#[test]
fn the_table_of_requests_is_true() {
    let home = home();
    let source = small_image(home.path());
    let mut table = String::new();
    for (referrers, name) in [(ReferrersApi::On, "referrers API"), (ReferrersApi::Off, "fallback tag")] {
        let registry = Registry::start(Switches { referrers, ..Switches::default() }).expect("registry");
        let image = format!("{}/acme/app:v1", registry.host());
        seal(home.path(), &source, &image).expect_code(0);
        let count = |said: &dyn Fn() -> Said| {
            registry.forget_requests();
            said();
            registry.requests().len()
        };
        let key = ["--key", "cosign.pub", "--transparency", "none"];
        let ours = |more: &[&str]| say(sealwright(home.path()).args(["verify", &image]).args(more)).expect_code(0);
        let theirs = |verb: &[&str]| {
            let key = ["--key", "cosign.pub", "--insecure-ignore-tlog=true", &image];
            say(cosign(home.path()).args(verb).args(key)).expect_code(0)
        };
        let rows = [
            ("the signature", "sealwright", count(&|| ours(&key))),
            ("the signature", "cosign 3.1.2", count(&|| theirs(&["verify"]))),
            ("everything, by the trust file", "sealwright", count(&|| ours(&["--policy", "policy.yaml"]))),
            ("one attestation", "cosign 3.1.2", count(&|| theirs(&["verify-attestation", "--type", "cyclonedx"]))),
        ];
        for (what, who, number) in rows {
            table.push_str(&format!("| {name} | {what} | {who} | {number} |\n"));
        }
    }
    println!("{table}");
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/benchmarks.md");
    let page = text_of(&page);
    assert!(page.contains(&table), "docs/benchmarks.md does not hold the table above");
}
