//! The page of `prove` in a real browser: it prints on one sheet, and nothing that a statement says runs in it.

use std::path::Path;
use std::process::Command;

use sealwright_core::bounded::read_file;
use sealwright_loopback::authority::{Authority, LogVersion, workflow_claims};
use sealwright_loopback::registry::{Registry, Switches};
use sealwright_sign::KeySigner;
use serde_json::json;

use crate::keyless::IDENTITY;
use crate::peer::{Said, peer, say, sealwright, text_of};
use crate::registries::small_image;
use crate::sealed::{LENIENT, import_nothing};

fn chromium(home: &Path) -> Command {
    let mut command = Command::new(peer("SEALWRIGHT_CHROMIUM"));
    // CI runs as root, where Chromium has no sandbox. The page is ours, and there is no network in it.
    command.args([
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-pdf-header-footer",
    ]);
    command.arg(format!("--user-data-dir={}", home.join("chromium").display())).env("HOME", home);
    command
}

/// How many sheets the page needs when it is printed on `paper`.
fn sheets(home: &Path, html: &str, paper: &str) -> usize {
    let style = "</style>";
    assert_eq!(html.matches(style).count(), 1);
    let file = home.join(format!("{paper}.html"));
    std::fs::write(&file, html.replace(style, &format!("@page {{ size: {paper} }}\n</style>"))).expect("page");
    let pdf = home.join(format!("{paper}.pdf"));
    let print = format!("--print-to-pdf={}", pdf.display());
    say(chromium(home).arg(print).arg(format!("file://{}", file.display()))).expect_code(0);
    let bytes = read_file(&pdf, 16 << 20).expect("PDF");
    let text = String::from_utf8_lossy(&bytes);
    // PDF 1.7, 7.7.3.2: the root of the page tree counts its leaves.
    let count = text.split("/Count ").nth(1).and_then(|rest| rest.split(|c: char| !c.is_ascii_digit()).next());
    count.and_then(|count| count.parse().ok()).expect("a page tree")
}

fn page(home: &Path, image: &str, more: &[&str]) -> String {
    let mut command = sealwright(home);
    let said: Said = say(command.args(["prove", image, "-o", "html=page.html"]).args(more));
    assert!(matches!(said.code(), 0 | 4), "{}", said.stderr);
    text_of(&home.join("page.html"))
}

fn home() -> tempfile::TempDir {
    let home = tempfile::tempdir().expect("folder");
    let (signer, private) = KeySigner::generate().expect("key");
    std::fs::write(home.path().join("cosign.key"), private.expose()).expect("key");
    std::fs::write(home.path().join("cosign.pub"), signer.public_pem()).expect("key");
    std::fs::write(home.path().join("policy.yaml"), LENIENT).expect("policy");
    import_nothing(home.path());
    home
}

#[test]
fn a_keyless_image_with_new_flaws_prints_on_one_sheet() {
    let folder = home();
    let home = folder.path();
    let (registry, authority) =
        (Registry::start(Switches::default()).expect("registry"), Authority::start().expect("authority"));
    let write = |name: &str, text: String| std::fs::write(home.join(name), text).expect(name);
    write("token", authority.token(&workflow_claims()).expect("token"));
    write("root.json", authority.trusted_root().expect("trusted root"));
    write("config.json", authority.signing_config(LogVersion::V2));
    let keyless = format!("keyless: {{ issuer: \"{}\", identity: \"{IDENTITY}\" }}", authority.issuer());
    write("policy.yaml", LENIENT.replace("key: cosign.pub\n    transparency: none", &keyless));
    let image = format!("{}/acme/shop:v1", registry.host());
    let trust = ["--policy", "policy.yaml", "--trusted-root", "root.json"];
    let mut seal = sealwright(home);
    seal.args(["seal", &small_image(home), "--push", &image, "--db", "db", "--identity-token", "token"]);
    say(seal.args(trust).args(["--signing-config", "config.json"])).expect_code(0);
    let flaw = |number: usize| {
        json!({
            "id": format!("ALPINE-CVE-2031-{number}"), "modified": "2031-01-01T00:00:00Z",
            "upstream": [format!("CVE-2031-{number}")],
            "affected": [{ "package": { "ecosystem": "Alpine:v3.20", "name": "zlib" },
                "ranges": [{ "type": "ECOSYSTEM", "events": [{ "introduced": "0" }, { "fixed": "9.9-r0" }] }] }],
        })
    };
    let records: Vec<String> = (0..40).map(|number| format!("{number}.json")).collect();
    for (number, name) in records.iter().enumerate() {
        write(name, flaw(number).to_string());
    }
    say(sealwright(home).args(["db", "import", "--db", "today"]).args(&records)).expect_code(0);
    let html = page(home, &image, &[&trust[..], &["--db", "today"]].concat());
    assert!(html.contains("new since the build: 34 more"), "{html}");
    for paper in ["A4", "Letter"] {
        assert_eq!(sheets(home, &html, paper), 1, "{paper}");
    }
}

#[test]
fn nothing_that_a_statement_says_runs() {
    let folder = home();
    let home = folder.path();
    let registry = Registry::start(Switches::default()).expect("registry");
    let image = format!("{}/acme/small:v1", registry.host());
    let key = ["--key", "cosign.key", "--transparency", "none"];
    let mut seal = sealwright(home);
    seal.args(["seal", &small_image(home), "--push", &image, "--policy", "policy.yaml", "--db", "db"]);
    say(seal.args(key)).expect_code(0);
    let hostile = "</bdi></dd><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">";
    let predicate =
        json!({ "buildDefinition": { "buildType": hostile }, "runDetails": { "builder": { "id": hostile } } });
    std::fs::write(home.join("predicate.json"), predicate.to_string()).expect("predicate");
    let mut attest = sealwright(home);
    attest.args(["attest", &image, "--type", "slsaprovenance1", "--predicate", "predicate.json"]);
    say(attest.args(key)).expect_code(0);
    let html = page(home, &image, &["--key", "cosign.pub", "--transparency", "none", "--db", "db"]);
    let dump = format!("file://{}", home.join("page.html").display());
    let dom = say(chromium(home).arg("--dump-dom").arg(&dump)).expect_code(0).stdout;
    let tags = |text: &str| ["<script", "<img", "<bdi", "<section", "<table"].map(|tag| text.matches(tag).count());
    assert_eq!(tags(&dom), tags(&html), "the browser sees other elements than were written");
    assert_eq!(tags(&dom)[..2], [0, 0]);
    assert!(dom.contains("<title>Chain of custody of "), "{dom}");
    // A browser that ran scripts would have said so: the same page with one, and without the policy, does.
    let policy = html.find("<meta http-equiv=\"Content-Security-Policy\"").expect("policy");
    let script = "<script>document.title='owned'</script></body>";
    let bare = format!("{}{}", &html[..policy], &html[policy..].split_once("/>").expect("end").1);
    for (name, text, ran) in [("bare", bare, true), ("guarded", html.clone(), false)] {
        let file = home.join(format!("{name}.html"));
        std::fs::write(&file, text.replace("</body>", script)).expect(name);
        let dom = say(chromium(home).arg("--dump-dom").arg(format!("file://{}", file.display()))).expect_code(0).stdout;
        assert_eq!(dom.contains("<title>owned</title>"), ran, "{name}: {dom}");
    }
    assert_eq!(sheets(home, &html, "A4"), 1);
}
