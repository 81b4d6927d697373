//! Every rule holds here, and each finds a copy that breaks it.

use sealwright_core::bounded::read_file;

use super::*;
use crate::process::root;

fn ours() -> Repository {
    Repository::read(&root()).expect("the workflows")
}

/// The repository with one text changed.
fn changed(file: &str, from: &str, to: &str) -> Repository {
    let Repository { workflows, actions } = ours();
    let of_workflows = workflows.into_iter().map(|workflow| (workflow.path, workflow.text));
    let texts = of_workflows.chain(actions.into_iter().map(|action| (action.path, action.text)));
    let mut hit = false;
    let texts = texts.map(|(path, mut text)| {
        if path.ends_with(file) && text.contains(from) {
            text = text.replacen(from, to, 1);
            hit = true;
        }
        (path, text)
    });
    let texts = texts.collect();
    assert!(hit, "{file} has no {from:?}");
    Repository::parse(texts).expect("still YAML")
}

#[test]
fn every_rule_holds() {
    assert_eq!(broken(&ours()), Vec::<String>::new());
}

#[test]
fn all_files_are_looked_at() {
    let ours = ours();
    assert!(ours.workflows.len() >= 6 && ours.actions.len() >= 2, "{} {}", ours.workflows.len(), ours.actions.len());
    assert!(steps(&ours).count() > 25 && jobs(&ours).count() > 8);
}

/// For each rule, changes that break it: file, what is replaced, by what.
const CHANGES: [(&str, &str, &str, &str); 35] = [
    (
        "user code",
        "seal.yml",
        "      contents: read # the checkout, also",
        "      id-token: write # to sign it at once\n      contents: read # the checkout, also",
    ),
    ("user code", "ci.yml", "contents: read # the checkout", "contents: write # the checkout"),
    ("user code", "verify.yml", "          sparse-checkout: ${{ steps.checked.outputs.folder }}\n", ""),
    ("user code", "seal-existing.yml", "          path: rules\n", "          path: source\n"),
    ("states its permissions", "ci.yml", "permissions: {}", "permissions: read-all"),
    ("states its permissions", "ci.yml", "permissions: {}\n", ""),
    ("states its permissions", "seal.yml", "# No permissions up here:", "permissions: {}\n# No permissions up here:"),
    (
        "states its permissions",
        "scan.yml",
        "    permissions:\n      contents: read # the trust file of the base branch, also of a private repository\n",
        "",
    ),
    ("states its permissions", "verify.yml", "  workflow_call:\n", "  push:\n  workflow_call:\n"),
    (
        "reason",
        "seal.yml",
        " # the checkout, also of a private repository; the caller's Dockerfile runs in this job",
        "",
    ),
    (
        "wider",
        "seal.yml",
        "      contents: read # the checkout, also",
        "      issues: read # to look around\n      contents: read # the checkout, also",
    ),
    ("wider", "verify.yml", "    #   packages: read      only", "    #   packages: write     only"),
    ("wider", "slsa-generator.yml", "      actions: read # the", "      actions: write # the"),
    (
        "pinned",
        "seal.yml",
        "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1",
        "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b2",
    ),
    ("pinned", "seal.yml", "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1", "actions/checkout@v7"),
    (
        "pinned",
        "scan.yml",
        "3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c # v8.0.1",
        "3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c # v8.0.0",
    ),
    ("pinned", "seal.yml", "uses: $/action", "uses: $/"),
    ("pinned", "slsa-generator.yml", "@v2.1.0 #", "@v2.0.0 #"),
    ("pinned", "slsa-generator.yml", "    # (slsa-verifier#12).", "    # (as it says)."),
    ("digest", "seal.yml", "@sha256:28a898719c18a33f4e8000685287fa36fd0dd9560c6440227d3a732d79bb41d8", ""),
    ("digest", "seal.yml", "--privileged \"$BINFMT_IMAGE\"", "--privileged tonistiigi/binfmt"),
    ("digest", "/action.yml", "../Dockerfile", "docker://ghcr.io/sealwright/sealwright:v1"),
    ("used and described", "seal.yml", "          STAGE: ${{ inputs.target }}\n", "          STAGE: x\n"),
    ("used and described", "seal.yml", "inputs.target }}", "inputs.stage }}"),
    ("used and described", "verify.yml", "secrets.registry-password", "secrets.password"),
    (
        "used and described",
        "scan.yml",
        "description: Refuse flaws of this severity and above where there is no trust file.",
        "description: x",
    ),
    ("inputs that it has", "seal.yml", "          expect-digest: ${{", "          expected-digest: ${{"),
    ("inputs that it has", "scan.yml", "command: report", "command: reports"),
    ("no script", "verify.yml", "          mkdir -p \"$LOGIN\"\n", "          mkdir -p \"${{ runner.temp }}\"\n"),
    (
        "by name",
        "slsa-generator.yml",
        "    secrets:\n      registry-password: ${{ secrets.registry-password }}\n",
        "    secrets: inherit\n",
    ),
    (
        "by its id",
        "seal.yml",
        "          artifact-ids: ${{ needs.build.outputs.artifact-id }}\n",
        "          name: image\n",
    ),
    ("by its id", "seal.yml", "overwrite: false", "overwrite: true"),
    ("its token", "seal.yml", "          persist-credentials: false\n", ""),
    ("bounded", "seal.yml", "runs-on: ubuntu-24.04", "runs-on: [self-hosted, linux]"),
    ("one name", "seal-existing.yml", "          umask 077\n", ""),
];

#[test]
fn every_rule_finds_what_it_is_for() {
    let mut proven = BTreeSet::new();
    for (words, file, from, to) in CHANGES {
        let found = broken(&changed(file, from, to));
        let (name, _) = RULES.iter().find(|(name, _)| name.contains(words)).expect(words);
        assert!(found.iter().any(|one| one.contains(&format!("({name})"))), "{file}: {from:?} to {to:?}: {found:?}");
        proven.insert(*name);
    }
    // That a caller grants enough has a test of its own, below.
    let missing: Vec<_> = RULES.iter().filter(|(name, _)| !proven.contains(name)).map(|(name, _)| *name).collect();
    assert_eq!(missing, ["a caller grants what is always needed"]);
}

/// The workflows that the guide and the README show, as if they were files.
fn shown() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for name in ["docs/guides/workflows.md", "README.md"] {
        let text = String::from_utf8(read_file(&root().join(name), 1 << 20).expect(name)).expect(name);
        let blocks = text.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
        let workflows = blocks.filter(|block| block.starts_with("on:") || block.starts_with("name:"));
        found.extend(workflows.enumerate().map(|(n, block)| (format!("workflows/{name}#{n}"), block.to_owned())));
    }
    found
}

#[test]
fn what_the_guide_shows_is_judged_too() {
    let shown = shown();
    assert!(shown.len() >= 5, "{}", shown.len());
    let mut all = ours();
    all.workflows.extend(Repository::parse(shown).expect("workflows").workflows);
    assert_eq!(broken(&all), Vec::<String>::new());
}

#[test]
fn a_caller_that_grants_too_little_or_too_much_is_found() {
    let caller = |permissions: &str| {
        let text = format!(
            "on: push\npermissions: {{}}\njobs:\n  seal:\n    permissions:\n{permissions}    uses: sealwright/sealwright/.github/workflows/seal.yml@v1.2.3\n"
        );
        let mut all = ours();
        let parsed = Repository::parse(vec![("workflows/x.yml".into(), text)]).expect("a caller");
        all.workflows.extend(parsed.workflows);
        broken(&all)
    };
    let read = "      contents: read # the commit\n      actions: read # where the image was built\n";
    let sign = "      id-token: write # the identity\n";
    assert_eq!(caller(&format!("{read}{sign}")), Vec::<String>::new());
    assert_eq!(caller(&format!("{read}{sign}      packages: write # for ghcr.io\n")), Vec::<String>::new());
    let found = caller(read);
    assert!(found.len() == 1 && found[0].contains("id-token: write (a caller grants"), "{found:?}");
    let found = caller(&format!("{read}{sign}      issues: write # for whatever\n"));
    assert!(found.len() == 1 && found[0].contains("issues: write (no permission is wider"), "{found:?}");
}
