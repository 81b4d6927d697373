//! `cargo xtask bench-signatures`: verifying and signing the same image by us and by cosign, in one run, on
//! go-containerregistry's registry on loopback.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::bench::{Measured, measure, release_build};
use crate::peers::{self, Missing, Peers};
use crate::process::{find, run as run_command};

const POLICY: &str = "\
version: 1
images: [\"127.0.0.1:*/**\"]
builders: [{ name: bench, key: cosign.pub, transparency: none }]
gate: { fail-on: critical, unknown-severity: report, unknown-distro: report, max-advisory-age: off }
";
const ADVISORY: &str = r#"{"id":"BENCH-1","modified":"2024-01-01T00:00:00Z","affected":[{"package":{"ecosystem":"Alpine:v3.20","name":"none"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}]}]}]}"#;

/// Measures and prints a table. `layout` is the OCI layout of the image.
pub(crate) fn run(layout: &Path) -> Result<(), String> {
    let peers = Peers::prepare()?;
    let time = find("time").ok_or("GNU time is not installed (Debian: time)")?;
    let cosign = peers::cosign(&peers).map_err(Missing::why)?.value;
    let server = peers::go_tool(&peers, "", "registry", ".").map_err(Missing::why)?.value;
    let bench = Bench {
        ours: release_build()?,
        cosign,
        time,
        folder: std::env::temp_dir().join("sealwright-bench-signatures"),
    };
    let _ = fs::remove_dir_all(&bench.folder);
    fs::create_dir_all(&bench.folder).map_err(|e| format!("{}: {e}", bench.folder.display()))?;
    let registry = Registry::start(&server)?;
    let image = format!("{}/bench/app:v1", registry.address);
    bench.prepare(layout, &image)?;

    let insecure = ["--key", "cosign.pub", "--insecure-ignore-tlog=true", &image];
    let us = bench.measure(&bench.ours, &["verify", &image, "--policy", "policy.yaml", "-q"])?;
    let them = bench.measure(&bench.cosign, &[&["verify"][..], &insecure].concat())?;
    println!("\n| what | tool | wall s | CPU s | peak MB |\n| --- | --- | --- | --- | --- |");
    print("verify: we everything, cosign the signature", &us, &them);
    // Another word each time: nothing is signed twice.
    let us = bench.measure_each(&bench.ours, &|run| {
        ["sign", &image, "--key", "cosign.key", "--transparency", "none", "-q", "-a"]
            .map(str::to_owned)
            .into_iter()
            .chain([format!("run={run}")])
            .collect()
    })?;
    let them = bench.measure_each(&bench.cosign, &|run| {
        let fixed =
            ["sign", "--yes", "--allow-http-registry", "--key", "cosign.key", "--signing-config", "no-log.json", "-a"];
        fixed.map(str::to_owned).into_iter().chain([format!("run={run}"), image.clone()]).collect()
    })?;
    print("sign with an encrypted key", &us, &them);
    Ok(())
}

fn print(what: &str, us: &Measured, them: &Measured) {
    for (tool, m) in [("sealwright", us), ("cosign 3.1.2", them)] {
        println!("| {what} | {tool} | {:.3} | {:.3} | {:.0} |", m.wall, m.cpu, m.memory);
    }
    println!(
        "| {what} | ratio | {:.1}× | {:.1}× | {:.1}× |",
        them.wall / us.wall.max(0.005),
        them.cpu / us.cpu.max(0.005),
        them.memory / us.memory.max(1.0)
    );
}

struct Bench {
    ours: PathBuf,
    cosign: PathBuf,
    time: PathBuf,
    folder: PathBuf,
}

impl Bench {
    fn prepare(&self, layout: &Path, image: &str) -> Result<(), String> {
        let layout = layout.canonicalize().map_err(|e| format!("{}: {e}", layout.display()))?;
        let write =
            |name: &str, text: &str| fs::write(self.folder.join(name), text).map_err(|e| format!("{name}: {e}"));
        write("policy.yaml", POLICY)?;
        write("record.json", ADVISORY)?;
        run_command(self.command(&self.cosign).arg("generate-key-pair"))?;
        run_command(self.command(&self.cosign).args(["signing-config", "create", "--out", "no-log.json"]))?;
        run_command(self.command(&self.ours).args(["db", "import", "record.json", "--db", "db"]))?;
        let mut seal = self.command(&self.ours);
        seal.arg("seal").arg(format!("oci:{}", layout.display())).args(["--push", image, "--policy", "policy.yaml"]);
        run_command(seal.args(["--db", "db", "--key", "cosign.key", "--transparency", "none"]))
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.folder).env("HOME", &self.folder).env("COSIGN_PASSWORD", "");
        command
    }

    fn measure(&self, program: &Path, arguments: &[&str]) -> Result<Measured, String> {
        self.measure_each(program, &|_| arguments.iter().map(|word| (*word).to_owned()).collect())
    }

    fn measure_each(&self, program: &Path, arguments: &dyn Fn(usize) -> Vec<String>) -> Result<Measured, String> {
        measure(|run| {
            let mut command = self.command(&self.time);
            command.args(["-f", "%e %U %S %M"]).arg(program).args(arguments(run));
            command
        })
    }
}

/// A registry that ends with the run.
struct Registry {
    child: Child,
    address: String,
}

impl Registry {
    fn start(program: &Path) -> Result<Self, String> {
        let mut command = Command::new(program);
        command.args(["-listen", "127.0.0.1:0"]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(|e| format!("{}: {e}", program.display()))?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            std::io::Read::take(BufReader::new(stdout), 4096).read_line(&mut line).map_err(|e| e.to_string())?;
        }
        let address = line.split_whitespace().find(|word| word.contains("127.0.0.1:")).unwrap_or_default();
        Ok(Self { child, address: address.trim_start_matches("http://").to_owned() })
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
