//! The README's quick start and every template: all their jobs, with what they call.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use sealwright_loopback::aws::{Account, Role};
use sealwright_loopback::github::{GitHub, Permission, Scope, Visibility};
use serde_json::{Value, json};

use super::job::{Call, Done, Run};
use super::shop::rules;
use super::{SEAL, Stage, VERSION, exported, one_engine, root};
use crate::downloads::{Downloads, Served};
use crate::peer::{peer, say, sealwright, text_of};
use crate::vault::Vault;

/// zlib 1.4-r0, which is in the image, turns out to be critical.
const LATER_ADVISORY: &str = r#"{"id":"ALPINE-CVE-2030-2","modified":"2024-01-02T00:00:00Z","upstream":["CVE-2030-2"],
"severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
"affected":[{"package":{"ecosystem":"Alpine:v3.20","name":"zlib"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1.4-r1"}]}]}]}"#;

#[test]
fn the_quick_start_and_every_template_run() {
    let _one = one_engine();
    let mut stage = Stage::new();
    stage.templates_run();
    stage.the_template_for_vault_runs();
}

impl Stage {
    fn templates_run(&self) {
        self.the_nightly_template_keeps_one_issue();
        self.the_chain_of_the_generator_runs_up_to_it();
        let readme = text_of(&root().join("README.md"));
        let block = readme
            .split("```yaml\n")
            .filter_map(|part| part.split("```").next())
            .find(|block| block.contains("seal.yml@"));
        self.all_pass(&self.here(block.expect("a quick start")), &mut self.run("push"));
        for (name, event) in [("ghcr.yml", "push"), ("pull-request.yml", "pull_request"), ("monorepo.yml", "push")] {
            println!("{name}");
            self.all_pass(&self.template(&template(name)), &mut self.run(event));
        }
        for service in ["cart", "catalog", "checkout"] {
            assert!(self.registry.tags(&format!("acme/shop-{service}")).contains_key(&self.commit), "{service}");
        }
        self.the_template_for_a_cluster_runs();
        self.the_template_for_ecr_runs();
    }

    /// A template with the names of what is here.
    pub(super) fn template(&self, path: &Path) -> Value {
        self.here(&text_of(path))
    }

    fn here(&self, text: &str) -> Value {
        let text = self.names.iter().fold(text.to_owned(), |text, (name, here)| text.replace(name, here));
        serde_saphyr::from_str(&text).expect("YAML")
    }

    /// Whoever starts a workflow grants it what it asks for.
    fn all(&self, workflow: &Value, run: &mut Run<'_>, secrets: Value) -> BTreeMap<String, Done> {
        let call = Call { inputs: json!({}), secrets, permissions: json!("write-all"), matrix: Value::Null };
        run.workflow(workflow, &call).0
    }

    fn all_pass(&self, workflow: &Value, run: &mut Run<'_>) -> BTreeMap<String, Done> {
        let jobs = self.all(workflow, run, json!({}));
        for (name, job) in &jobs {
            assert!(job.passed || job.skipped, "{name}: {}", job.said);
        }
        assert!(jobs.values().any(|job| job.passed), "no job ran");
        jobs
    }

    /// A program of every machine that calls a genuine one, which is told where it is.
    fn program(&self, folder: &str, name: &str, script: &str) -> PathBuf {
        let folder = self.folder.path().join(folder);
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join(name), format!("#!/bin/sh\n{script}\n")).expect("a script");
        std::fs::set_permissions(folder.join(name), std::fs::Permissions::from_mode(0o755)).expect("a script");
        folder
    }

    /// The genuine Helm, which renders what it would send to the cluster.
    fn the_template_for_a_cluster_runs(&self) {
        let mut run = self.run("push");
        let helm = peer("SEALWRIGHT_HELM4");
        run.programs = self.program(
            "cluster",
            "helm",
            &format!(
                "[ $1 != upgrade ] || set -- \"$@\" --dry-run=client\nHELM_DRIVER=memory HELM_MEMORY_DRIVER_DATA=/dev/null exec {} \"$@\"",
                helm.display()
            ),
        );
        let secrets = json!({ "KUBECONFIG": "apiVersion: v1\nkind: Config" });
        let jobs = self.all(&self.template(&template("deploy.yml")), &mut run, secrets);
        let deployed = &jobs["deploy"];
        assert!(deployed.passed, "{}", deployed.said);
        let image = jobs["verify"].output("image");
        assert!(image.contains("@sha256:") && deployed.said.contains(&format!("image: {image}")), "{}", deployed.said);
    }

    /// Two platforms into a stand-in for Amazon ECR, by a role that the job's identity assumes. What would emulate the other
    /// platform has nothing to do: the program in the image is one of this machine.
    fn the_template_for_ecr_runs(&self) {
        let account = Account::start(&self.authority).expect("account");
        account.create("shop/app");
        let subjects = vec!["repo:acme/shop:ref:refs/heads/main".to_owned()];
        let permissions = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "ecr:*", "Resource": "*" }] });
        account.add_role(Role { arn: "arn:aws:iam::111122223333:role/release".to_owned(), subjects, permissions });
        let mut run = self.run("push");
        run.machine.extend(account.variables().into_iter().map(|(name, value)| (name.to_owned(), value)));
        run.machine.push(("AWS_EC2_METADATA_DISABLED".to_owned(), "true".to_owned()));
        run.files.push(("SSL_CERT_FILE", account.ca_certificate().to_owned()));
        run.replaced.insert("BINFMT_IMAGE", "nothing-to-emulate".to_owned());
        self.all_pass(&self.template(&template("ecr-keyless.yml")), &mut run);
        assert_eq!(account.registry().tags("shop/app").len(), 1);
    }

    /// Five nights of one image: nothing, a new flaw, the same flaw, a night without advisories, and a flaw that was withdrawn.
    /// GitHub's own command line speaks to a stand-in of its API.
    fn the_nightly_template_keeps_one_issue(&self) {
        let (_, sealed) = self.calls("seal.yml", &json!({ "push": self.reference("shop:production") }));
        let image = sealed["image"].as_str().expect("an image");
        let github = GitHub::start().expect("GitHub");
        github.repository("acme/shop", Visibility::Private);
        let token = github.token_with("acme/shop", &[(Scope::Issues, Permission::Write)]);
        // Only this host may be spoken to without TLS, and only a proxy leads from its name to a port.
        let script = format!(
            "GH_HOST=github.localhost http_proxy={} exec {} \"$@\"",
            github.address(),
            peer("SEALWRIGHT_GH").display()
        );
        let programs = self.program("nightly", "gh", &script);
        let workflow = self.template(&template("nightly-rescan.yml"));
        let night = |advisories: &str| {
            let mut run = self.run("schedule");
            run.github["token"] = json!(token);
            run.variables = json!({ "PRODUCTION_IMAGE": image });
            run.services.retain(|(name, _)| *name != "db-from");
            run.services.push(("db-from", advisories.to_owned()));
            run.programs = programs.clone();
            self.all(&workflow, &mut run, json!({}))
        };
        let jobs = night(&self.export.address);
        assert!(jobs["scan"].passed && jobs["issue"].passed, "{}{}", jobs["scan"].said, jobs["issue"].said);
        assert_eq!(github.issues(), []);

        let mut later = exported();
        later.insert(
            "/Alpine/all.zip".to_owned(),
            Served::Whole(crate::action::export_of("ALPINE-CVE-2030-2", LATER_ADVISORY)),
        );
        let later = Downloads::start(later);
        for _ in 0..2 {
            let jobs = night(&later.address);
            assert!(jobs["scan"].passed && !jobs["issue"].passed, "{}{}", jobs["scan"].said, jobs["issue"].said);
            let [issue] = github.issues().try_into().expect("one issue");
            assert!(issue.open && issue.labels == ["sealwright-nightly"], "{issue:?}");
            assert!(issue.body.contains(image) && issue.body.contains("CVE-2030-2"), "{issue:?}");
        }
        let before = github.issues();
        let jobs = night("http://127.0.0.1:9");
        assert!(!jobs["scan"].passed && jobs["issue"].skipped, "{}", jobs["scan"].said);
        assert_eq!(github.issues(), before, "an image that was not judged is not said to be good");

        let jobs = night(&self.export.address);
        assert!(jobs["issue"].passed, "{}", jobs["issue"].said);
        let [issue] = github.issues().try_into().expect("one issue");
        assert!(!issue.open && issue.comments.len() == 1, "{issue:?}");
    }

    /// All but the generator itself, which is a workflow of others: what it would be handed.
    fn the_chain_of_the_generator_runs_up_to_it(&self) {
        let (_, sealed) = self.calls("seal.yml", &json!({ "push": self.reference("shop:four") }));
        let (image, own) = (sealed["image"].as_str().expect("an image"), self.reference("classic"));
        let chain = |provenance: &str| {
            let inputs = json!({
                "image": image, "push": format!("{own}:one"), "policy": ".github/existing.yaml", "provenance-repository": provenance,
            });
            self.calls("slsa-generator.yml", &inputs)
        };
        let (jobs, _) = chain(&own);
        assert!(!jobs["prepare"].passed && jobs["seal"].skipped, "{}", jobs["prepare"].said);
        let (jobs, outputs) = chain(&format!("{own}-provenance"));
        assert!(jobs["seal"].passed, "{}", jobs["seal"].said);
        let digest = outputs["digest"].as_str().expect("a digest");
        let handed = &jobs["provenance"];
        for word in [
            json!({ "digest": digest }),
            json!({ "image": own }),
            json!({ "provenance-repository": format!("{own}-provenance") }),
        ] {
            let member = word.to_string();
            assert!(
                handed.skipped && handed.said.contains(member.trim_matches(['{', '}'])),
                "{member}: {}",
                handed.said
            );
        }
        assert!(image.ends_with(digest));
    }

    /// A genuine Vault, whose role demands the push to main by our workflow, and a token for its own address.
    fn the_template_for_vault_runs(&mut self) {
        let vault = Vault::start(self.folder.path());
        vault.key("release", "ecdsa-p256");
        vault.trust(&self.authority, &vault.address, &format!("{SEAL}@refs/tags/{VERSION}"));
        let mut public = sealwright(self.folder.path());
        public.args(["public-key", "--key", "hashivault://release"]).env("VAULT_ADDR", &vault.address);
        let public = say(public.env("VAULT_TOKEN", "root")).expect_code(0).stdout;
        self.write("release.pub", &public);
        self.names.push(("https://vault.example:8200".to_owned(), vault.address.clone()));
        self.commit(&rules("key: release.pub\n    transparency: required"));
        let workflow = self.template(&template("vault-key.yml"));
        let tagged = |stage: &Self| stage.registry.tags("acme/shop").contains_key(&stage.commit);
        // Another event gets no token of Vault's, and nothing is signed or tagged.
        let jobs = self.all(&workflow, &mut self.run("workflow_dispatch"), json!({}));
        assert!(!jobs["seal"].passed && jobs["seal"].said.contains("event_name"), "{}", jobs["seal"].said);
        assert!(!tagged(self));
        self.all_pass(&workflow, &mut self.run("push"));
        assert!(tagged(self));
    }
}

fn template(name: &str) -> PathBuf {
    root().join("workflows").join(name)
}
