//! Keys of AWS KMS: the service is a stand-in, and cosign is a client of it beside us, through AWS's SDK for Go.

use sealwright_loopback::kms::{KeySpec, Kms};

use crate::peer::{Said, say, sealwright, text_of};
use crate::registries::small_image;
use crate::sealed::{cosign, go_registry, home, seal};

#[test]
fn cosign_and_we_sign_with_the_same_keys_and_accept_each_other() {
    let home = home();
    let kms = Kms::start().expect("KMS");
    let (_server, registry) = go_registry();
    let theirs = |arguments: &[&str]| say(cosign(home.path()).args(arguments).envs(kms.variables()));
    let ours = |arguments: &[&str]| say(sealwright(home.path()).args(arguments).envs(kms.variables()));
    theirs(&["signing-config", "create", "--out", "no-log.json"]).expect_code(0);
    for (spec, name, hash) in
        [(KeySpec::P256, "p256", "sha256"), (KeySpec::P384, "p384", "sha384"), (KeySpec::Rsa2048, "rsa", "sha256")]
    {
        let key = format!("awskms:///{}", kms.key(spec, name).expect("key"));
        let public = format!("{name}.pub");
        theirs(&["public-key", "--key", &key, "--outfile", &public]).expect_code(0);
        let written = text_of(&home.path().join(&public));
        assert_eq!(ours(&["public-key", "--key", &key]).expect_code(0).stdout, written, "{name}");

        let image = |by: &str| {
            let image = format!("{registry}/acme/{name}-{by}:v1");
            seal(home.path(), &small_image(home.path()), &image).expect_code(0);
            image
        };
        let (by_us, by_them) = (image("us"), image("them"));
        let they_verify = |image: &str| -> Said {
            let insecure = ["--insecure-ignore-tlog=true", "--signature-digest-algorithm", hash];
            theirs(&[&["verify", "--key", &public][..], &insecure, &[image]].concat())
        };
        assert_ne!(they_verify(&by_us).code(), 0, "{name}");
        ours(&["sign", &by_us, "--key", &key, "--transparency", "none"]).expect_code(0);
        they_verify(&by_us).expect_code(0);

        let we_verify = || ours(&["verify", &by_them, "--key", &public, "--transparency", "none"]);
        we_verify().expect_code(4);
        let sign = ["sign", "--yes", "--allow-http-registry", "--signing-config", "no-log.json", "--key"];
        theirs(&[&sign[..], &[&key, &by_them]].concat()).expect_code(0);
        we_verify().expect_code(0);
    }
}
