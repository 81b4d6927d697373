//! Keys of AWS KMS, at a strict stand-in that AWS's own SDK asks.

use sealwright_loopback::kms::{Effect, Fault, KeySpec, Kms};

use crate::scene::{Said, Scene};

const NO_LOG: [&str; 2] = ["--transparency", "none"];

struct Cloud {
    scene: Scene,
    kms: Kms,
}

impl Cloud {
    fn new() -> Self {
        let scene = Scene::new();
        let source = scene.image("image", "1.4-r0");
        scene.seal(&source, &[]).expect(0, &[]);
        Self { scene, kms: Kms::start().expect("KMS") }
    }

    fn run(&self, changed: &[(&str, &str)], arguments: &[&str]) -> Said {
        let variables = self.kms.variables();
        let mut all: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        // No other source of credentials may be looked for: it would be asked over the network.
        all.extend([("AWS_EC2_METADATA_DISABLED", "true")]);
        all.extend(changed);
        self.scene.run_with(&all, arguments)
    }

    fn sign(&self, key: &str, more: &[&str]) -> Said {
        let reference = self.scene.reference();
        self.run(&[], &[&["sign", &reference, "--key", key][..], &NO_LOG, more].concat())
    }

    fn asked(&self) -> usize {
        self.kms.requests().len()
    }
}

#[test]
fn every_kind_of_key_signs_under_every_name() {
    let cloud = Cloud::new();
    for (spec, name) in [(KeySpec::P256, "p256"), (KeySpec::P384, "p384"), (KeySpec::Rsa2048, "rsa")] {
        let arn = cloud.kms.key(spec, name).expect("key");
        let id = arn.rsplit('/').next().expect("id");
        let public = format!("{name}.pub");
        for spelled in [
            format!("alias/{name}"),
            id.to_owned(),
            arn.clone(),
            arn.replace(&format!("key/{id}"), &format!("alias/{name}")),
        ] {
            let key = format!("awskms:///{spelled}");
            cloud.run(&[], &["public-key", "--key", &key, "--outfile", &public]).expect(0, &[]);
        }
        let verify = || cloud.scene.verify(&[&["--key", &public][..], &NO_LOG].concat());
        verify().expect(4, &[]);
        cloud.sign(&format!("awskms:///{arn}"), &[]).expect(0, &["signed"]);
        verify().expect(0, &["verified"]);
    }
}

#[test]
fn an_alias_that_moves_while_statements_are_signed_changes_nothing() {
    let cloud = Cloud::new();
    cloud.kms.key(KeySpec::P256, "release").expect("key");
    let public = ["public-key", "--key", "awskms:///alias/release", "--outfile"];
    cloud.run(&[], &[&public[..], &["old.pub"]].concat()).expect(0, &[]);
    cloud.sign("awskms:///alias/release", &[]).expect(0, &[]);
    // The alias is looked up once; what is signed then names the key itself.
    let before = cloud.asked();
    cloud.sign("awskms:///alias/release", &["-a", "again=yes"]).expect(0, &["signed"]);
    assert_eq!(cloud.asked() - before, 2, "one public key, one signature");
    cloud.kms.key(KeySpec::P256, "release").expect("key");
    cloud.run(&[], &[&public[..], &["new.pub"]].concat()).expect(0, &[]);
    cloud.scene.verify(&[&["--key", "old.pub"][..], &NO_LOG].concat()).expect(0, &[]);
    cloud.scene.verify(&[&["--key", "new.pub"][..], &NO_LOG].concat()).expect(4, &[]);
}

#[test]
fn what_is_wrong_is_told_and_nothing_is_signed() {
    let cloud = Cloud::new();
    let arn = cloud.kms.key(KeySpec::P256, "release").expect("key");
    let key = format!("awskms:///{arn}");
    cloud.sign("awskms:///alias/missing", &[]).expect(2, &["alias/missing", "NotFoundException"]);
    let public = |changed: &[(&str, &str)], key: &str| cloud.run(changed, &["public-key", "--key", key]);
    public(&[("AWS_SECRET_ACCESS_KEY", "wrong")], &key).expect(2, &["signature of the request does not match"]);
    public(&[("AWS_REGION", "")], "awskms:///alias/release").expect(2, &["AWS_REGION"]);
    public(&[("AWS_ACCESS_KEY_ID", ""), ("AWS_SECRET_ACCESS_KEY", "")], &key).expect(2, &["credentials"]);
    // The ARN's own region counts, and it is not this service's.
    public(&[], &key.replace("eu-west-1", "us-east-1")).expect(2, &["another day, region or service"]);
    public(&[("AWS_ENDPOINT_URL_KMS", "http://127.0.0.1:9")], &key).expect(5, &["AWS KMS failed"]);
    public(&[("AWS_ENDPOINT_URL_KMS", "http://kms.example")], &key).expect(2, &["plain address", "https://"]);
    // Credentials that never come.
    cloud.scene.write("aws-config", "[default]\ncredential_process = sleep 4\n");
    let waiting = [("AWS_ACCESS_KEY_ID", ""), ("AWS_SECRET_ACCESS_KEY", ""), ("AWS_CONFIG_FILE", "aws-config")];
    cloud.run(&waiting, &["public-key", "--key", &key, "--timeout", "1s"]).expect(5, &["AWS credentials"]);
    cloud.scene.write("aws-config", "[default]\ncredential_process = false\n");
    cloud.run(&waiting, &["public-key", "--key", &key]).expect(2, &["AWS KMS cannot be used"]);
    cloud.kms.fault(Fault::once("POST", "/", Effect::Status(500)));
    public(&[], &key).expect(0, &["BEGIN PUBLIC KEY"]);
    for _ in 0..3 {
        cloud.kms.fault(Fault::once("POST", "/", Effect::Status(500)));
    }
    public(&[], &key).expect(5, &["AWS KMS failed", "KMSInternalException"]);
}
