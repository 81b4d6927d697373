//! `doctor egress`: where a command connects to.

use super::*;

#[test]
fn the_endpoints_of_a_command_are_listed_for_a_firewall() {
    let scene = Scene::new();
    let listed = |variables: &[(&str, &str)], arguments: &[&str]| {
        let said = scene.run_with(variables, &[&["doctor", "egress"], arguments].concat()).expect(0, &[]);
        said.stdout.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let ecr = "111122223333.dkr.ecr.eu-west-1.amazonaws.com";
    let push = format!("{ecr}/shop/app:v1");
    let seal = listed(&[], &["seal", "--push", &push, "--aws-role", ROLE]);
    assert_eq!(
        seal,
        [
            "*.actions.githubusercontent.com:443",
            "111122223333.dkr.ecr.eu-west-1.amazonaws.com:443",
            "api.ecr.eu-west-1.amazonaws.com:443",
            "fulcio.sigstore.dev:443",
            "osv-vulnerabilities.storage.googleapis.com:443",
            "prod-eu-west-1-starport-layer-bucket.s3.eu-west-1.amazonaws.com:443",
            "rekor.sigstore.dev:443",
            "sts.eu-west-1.amazonaws.com:443",
            "timestamp.sigstore.dev:443",
            "tuf-repo-cdn.sigstore.dev:443",
            "www.cisa.gov:443",
        ]
    );
    let doctor = listed(&[], &["doctor", "--push", &push, "--aws-role", ROLE, "--key", "key.pem"]);
    let role = ["iam.amazonaws.com:443", "sts.eu-west-1.amazonaws.com:443"];
    assert!(role.iter().all(|endpoint| doctor.contains(&(*endpoint).to_owned())), "{doctor:?}");
    let desk = listed(&[], &["doctor", "--aws-role", ROLE, "--key", "key.pem"]);
    let tokens = "*.actions.githubusercontent.com:443";
    assert_eq!(desk, [tokens, "iam.amazonaws.com:443", "sts.us-east-1.amazonaws.com:443"]);
    let key = ["--key", "awskms:///alias/release", "--transparency", "none"];
    let sign = ["sign", "--push", "ghcr.io/acme/shop:v1", "--push-to-github"];
    let region = [("AWS_REGION", "eu-west-1")];
    let kms = listed(&region, &[&sign[..], &key].concat());
    assert_eq!(kms, ["api.github.com:443", "ghcr.io:443", "kms.eu-west-1.amazonaws.com:443"]);
    scene.run(&[&["doctor", "egress"], &sign[..], &key].concat()).expect(2, &["set AWS_REGION"]);
    let vault = [
        ("VAULT_ADDR", "https://vault.example:8200"),
        ("ACTIONS_ID_TOKEN_REQUEST_URL", "https://t.example/x"),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "secret"),
    ];
    let key = ["sign", "--key", "hashivault://release", "--vault-role", "r", "--transparency", "none"];
    assert_eq!(listed(&vault, &key), ["t.example:443", "vault.example:8200"]);
    scene.write("config.json", r#"{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json","caUrls":[{"url":"https://ca.example","majorApiVersion":1,"validFor":{"start":"2022-04-13T20:06:15.000Z"},"operator":"x"}],"rekorTlogUrls":[],"tsaUrls":[],"rekorTlogConfig":{"selector":"ANY"},"tsaConfig":{"selector":"ANY"}}"#);
    let own = listed(&[], &["sign", "--signing-config", "config.json", "--trusted-root", "root.json"]);
    assert_eq!(own, ["*.actions.githubusercontent.com:443", "ca.example:443"]);
    assert_eq!(listed(&[], &["trust", "--instance", "github"]), ["tuf-repo.github.com:443"]);
    let everything = listed(&[], &[]);
    assert!(everything.contains(&"api.github.com:443".to_owned()), "{everything:?}");
}
