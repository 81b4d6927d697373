//! Other vendors' tools, built or installed at pinned versions: Go modules with `go.sum`, Rust programs with their
//! `Cargo.lock`, Python packages with hashes, Debian packages by the archive's signatures.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sealwright_core::Digest;
use sealwright_core::bounded::read_file;

use crate::process::{cargo, find, free_gigabytes, in_ci, root, run, variable};

/// Where less is free, nothing is kept that only a next build would use.
const BUILDING_GIGABYTES: u64 = 20;

/// Where peers are kept between runs.
pub(crate) struct Peers {
    folder: PathBuf,
}

/// One peer, as the environment variable that the tests look at.
pub(crate) struct Peer {
    pub(crate) variable: &'static str,
    pub(crate) value: PathBuf,
}

/// Why a peer cannot be used.
pub(crate) enum Missing {
    /// Its toolchain or package is not here: the tier is not run.
    Absent(String),
    /// It is here and could not be set up: the tier fails.
    Broken(String),
}

impl Missing {
    /// What is wrong, whichever it is.
    pub(crate) fn why(self) -> String {
        match self {
            Self::Absent(why) | Self::Broken(why) => why,
        }
    }
}

impl Peers {
    /// Makes the folder.
    pub(crate) fn prepare() -> Result<Self, String> {
        let folder = variable("SEALWRIGHT_PEERS").map(PathBuf::from).unwrap_or_else(default_folder);
        fs::create_dir_all(folder.join("bin")).map_err(|e| format!("{}: {e}", folder.display()))?;
        Ok(Self { folder })
    }

    /// The folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }
}

fn default_folder() -> PathBuf {
    let cache = variable("XDG_CACHE_HOME").map(PathBuf::from);
    let home = variable("HOME").map(|home| Path::new(&home).join(".cache"));
    cache.or(home).unwrap_or_else(std::env::temp_dir).join("sealwright-peers")
}

/// cosign, from the module that pins it.
pub(crate) fn cosign(peers: &Peers) -> Result<Peer, Missing> {
    go_tool(peers, "SEALWRIGHT_COSIGN", "cosign", "github.com/sigstore/cosign/v3/cmd/cosign")
}

/// A Go program: `package` of the module in `tests/peers/MODULE`, whose `go.sum` names every hash.
pub(crate) fn go_tool(peers: &Peers, variable: &'static str, module: &str, package: &str) -> Result<Peer, Missing> {
    go_build(peers, variable, module, &[package])
}

/// HashiCorp Vault with the few parts that its own tag `minimal` leaves in.
pub(crate) fn vault(peers: &Peers) -> Result<Peer, Missing> {
    go_build(peers, "SEALWRIGHT_VAULT", "vault", &["-tags", "minimal", "github.com/hashicorp/vault"])
}

/// One of several programs of a module.
pub(crate) fn go_program(
    peers: &Peers,
    variable: &'static str,
    module: &str,
    (name, package): (&str, &str),
) -> Result<Peer, Missing> {
    go_build_as(peers, variable, (module, name), &[package])
}

fn go_build(peers: &Peers, variable: &'static str, module: &str, arguments: &[&str]) -> Result<Peer, Missing> {
    go_build_as(peers, variable, (module, &module.replace('/', "-")), arguments)
}

fn go_build_as(
    peers: &Peers,
    variable: &'static str,
    (module, name): (&str, &str),
    arguments: &[&str],
) -> Result<Peer, Missing> {
    let go = find("go").ok_or_else(|| Missing::Absent("Go is not installed".into()))?;
    let source = root().join("tests/peers").join(module);
    let version = fingerprint(&source).map_err(Missing::Broken)?;
    let binary = peers.folder.join("bin").join(format!("{name}-{version}"));
    if !binary.is_file() {
        // Built beside and renamed, so that a build that was cut off is not taken for a whole one.
        let partial = binary.with_extension("partial");
        let mut build = Command::new(&go);
        let flags = format!("-ldflags=-s -w {}", linked(&source).map_err(Missing::Broken)?);
        build.args(["build", "-mod=readonly", "-buildvcs=false", flags.trim_end(), "-o"]).arg(&partial).args(arguments);
        build.current_dir(&source).env("CGO_ENABLED", "0").env("GOFLAGS", "").env("GOWORK", "off");
        run(&mut build).map_err(Missing::Broken)?;
        fs::rename(&partial, &binary).map_err(|e| Missing::Broken(format!("{}: {e}", binary.display())))?;
        // The program is kept: what it was made from helps only the next one, and takes gigabytes. In CI the folder is CI's own.
        if in_ci() && free_gigabytes().is_some_and(|free| free < BUILDING_GIGABYTES) {
            run(Command::new(go).args(["clean", "-cache"])).map_err(Missing::Broken)?;
        }
    }
    Ok(Peer { variable, value: binary })
}

/// What the linker is told beside, as a program's own release does for its version: the file `ldflags` of a module, if it has one.
fn linked(source: &Path) -> Result<String, String> {
    let file = source.join("ldflags");
    if !file.is_file() {
        return Ok(String::new());
    }
    let bytes = read_file(&file, 4096).map_err(|e| format!("{}: {e}", file.display()))?;
    let text = String::from_utf8(bytes).map_err(|e| format!("{}: {e}", file.display()))?;
    Ok(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// The files of a Go module as the proxy serves them, whose digest stands in `tests/peers/MODULE/go.sum`. Nothing is built.
pub(crate) fn go_sources(variable: &'static str, module: &str, path: &str) -> Result<Peer, Missing> {
    let go = find("go").ok_or_else(|| Missing::Absent("Go is not installed".into()))?;
    let source = root().join("tests/peers").join(module);
    let mut download = Command::new(go);
    download.args(["mod", "download", "-json", path]).current_dir(&source).env("GOFLAGS", "").env("GOWORK", "off");
    let output = download.output().map_err(|e| Missing::Broken(format!("go mod download: {e}")))?;
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let word = |key: &str| said.get(key).and_then(serde_json::Value::as_str).unwrap_or_default();
    if !output.status.success() {
        let why = [word("Error"), &String::from_utf8_lossy(&output.stderr)].concat();
        return Err(Missing::Broken(format!("{path} could not be downloaded: {why}")));
    }
    // Go compares with go.sum where there is a line; that there is one is ours to see.
    let pins = read_file(&source.join("go.sum"), 1 << 20).map_err(|e| Missing::Broken(format!("go.sum: {e}")))?;
    let pin = format!("{path} {} {}", word("Version"), word("Sum"));
    if !String::from_utf8_lossy(&pins).lines().any(|line| line == pin) {
        return Err(Missing::Broken(format!("tests/peers/{module}/go.sum has no line {pin:?}")));
    }
    Ok(Peer { variable, value: PathBuf::from(word("Dir")) })
}

/// What Kubernetes publishes about its API, in the source of one version.
pub(crate) fn openapi(variable: &'static str, version: &str) -> Result<Peer, Missing> {
    go_sources(variable, &format!("openapi/{version}"), "k8s.io/kubernetes")
}

/// A digest over a module's files: a changed pin is built anew.
fn fingerprint(folder: &Path) -> Result<String, String> {
    let entries = fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut files: Vec<PathBuf> = entries.filter_map(|e| Some(e.ok()?.path())).filter(|p| p.is_file()).collect();
    files.sort();
    let mut all = Vec::new();
    for file in files {
        all.extend(read_file(&file, 4 << 20).map_err(|e| format!("{}: {e}", file.display()))?);
    }
    Ok(Digest::of(&all).short())
}

/// cargo-deny, without the features that it needs to fetch advisories.
pub(crate) fn cargo_deny(peers: &Peers) -> Result<PathBuf, String> {
    const VERSION: &str = "0.20.2";
    let folder = peers.folder.join(format!("cargo-deny-{VERSION}"));
    let program = folder.join("bin/cargo-deny");
    if !program.is_file() {
        let mut install = cargo(&["install", "cargo-deny", "--locked", "--no-default-features"]);
        install.args(["--version", &format!("={VERSION}"), "--root"]).arg(&folder);
        // Not beside our own artifacts: the next `cargo build` would not know them.
        run(install.env_remove("CARGO_TARGET_DIR"))?;
    }
    Ok(program)
}

/// A virtual environment with PyPI `sigstore`.
pub(crate) fn python(peers: &Peers) -> Result<Peer, Missing> {
    let value = environment(peers, "python", "sigstore")?;
    Ok(Peer { variable: "SEALWRIGHT_PYTHON_SIGSTORE", value })
}

/// A Python with botocore, AWS's SDK without its conveniences.
pub(crate) fn botocore(peers: &Peers) -> Result<Peer, Missing> {
    Ok(Peer { variable: "SEALWRIGHT_BOTOCORE_PYTHON", value: environment(peers, "aws", "python")? })
}

/// Syft 1.18.1, ready-made from PyPI.
pub(crate) fn syft(peers: &Peers) -> Result<Peer, Missing> {
    Ok(Peer { variable: "SEALWRIGHT_SYFT", value: environment(peers, "syft", "syft")? })
}

/// The folder with zizmor, actionlint, ShellCheck and check-jsonschema.
pub(crate) fn linters(peers: &Peers) -> Result<PathBuf, Missing> {
    environment(peers, "workflows", "zizmor").map(|zizmor| zizmor.parent().map(Path::to_path_buf).unwrap_or_default())
}

/// A program of a virtual environment; every package's hash stands in `tests/peers/NAME/requirements.txt`.
fn environment(peers: &Peers, name: &str, program: &str) -> Result<PathBuf, Missing> {
    let python = find("python3").ok_or_else(|| Missing::Absent("Python is not installed".into()))?;
    let source = root().join("tests/peers").join(name);
    let version = fingerprint(&source).map_err(Missing::Broken)?;
    let environment = peers.folder.join(format!("{name}-{version}"));
    let done = environment.join("complete");
    if !done.is_file() {
        run(Command::new(&python).args(["-m", "venv", "--clear"]).arg(&environment)).map_err(Missing::Broken)?;
        let mut install = Command::new(environment.join("bin/python"));
        install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r"]);
        run(install.arg(source.join("requirements.txt"))).map_err(Missing::Broken)?;
        fs::write(&done, "").map_err(|e| Missing::Broken(format!("{}: {e}", done.display())))?;
    }
    Ok(environment.join("bin").join(program))
}

/// The packages of `tests/peers/npm` with their Node.js, and the scripts that use them.
pub(crate) fn npm(peers: &Peers) -> Result<Peer, Missing> {
    Ok(Peer { variable: "SEALWRIGHT_NPM", value: packages(peers, "npm")? })
}

/// Microsoft's SARIF validator: a program that needs no Node.js, in a package of `tests/peers/sarif`.
pub(crate) fn sarif(peers: &Peers) -> Result<Peer, Missing> {
    let folder = packages(peers, "sarif")?;
    let value = folder.join("node_modules/@microsoft/sarif-multitool-linux/Sarif.Multitool");
    let broken = |e: std::io::Error| Missing::Broken(format!("{}: {e}", value.display()));
    // What the package's own script would do.
    fs::set_permissions(&value, std::os::unix::fs::PermissionsExt::from_mode(0o755)).map_err(broken)?;
    Ok(Peer { variable: "SEALWRIGHT_SARIF_MULTITOOL", value })
}

/// A copy of `tests/peers/NAME` with the packages that its `package-lock.json` names by hash. No package's own scripts run.
fn packages(peers: &Peers, name: &str) -> Result<PathBuf, Missing> {
    let npm = find("npm").ok_or_else(|| Missing::Absent("npm is not installed".into()))?;
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Err(Missing::Absent("the pinned programs are for Linux on x86_64".into()));
    }
    let source = root().join("tests/peers").join(name);
    let version = fingerprint(&source).map_err(Missing::Broken)?;
    let folder = peers.folder.join(format!("{name}-{version}"));
    let done = folder.join("complete");
    if !done.is_file() {
        let broken = |e: std::io::Error| Missing::Broken(format!("{}: {e}", folder.display()));
        fs::create_dir_all(&folder).map_err(broken)?;
        for entry in fs::read_dir(&source).map_err(broken)? {
            let file = entry.map_err(broken)?.path();
            fs::copy(&file, folder.join(file.file_name().unwrap_or_default())).map_err(broken)?;
        }
        let mut install = Command::new(npm);
        // `--force`: the Node.js that the packages ask for is one of them.
        install.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--force"]).current_dir(&folder);
        run(&mut install).map_err(Missing::Broken)?;
        fs::write(&done, "").map_err(broken)?;
    }
    Ok(folder)
}

/// Our own binary, linked statically by the recipe of the release, for the C library of this machine.
pub(crate) fn static_binary(peers: &Peers) -> Result<Peer, Missing> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu")) {
        return Err(Missing::Absent("the static binary of the tests is for Linux on x86_64 with glibc".into()));
    }
    let value = peers.folder.join("bin/sealwright-static");
    let mut build = Command::new(root().join("release/build-static.sh"));
    run(build.arg("x86_64-unknown-linux-gnu").arg(&value)).map_err(Missing::Broken)?;
    Ok(Peer { variable: "SEALWRIGHT_STATIC", value })
}

/// A program of a Debian package; in CI as root a missing one is installed.
pub(crate) fn debian(variable: &'static str, package: &str, program: &str) -> Result<Peer, Missing> {
    if find(program).is_none() && in_ci() && find("apt-get").is_some() {
        install(package)?;
    }
    let value =
        find(program).ok_or_else(|| Missing::Absent(format!("{program} is not installed (Debian: {package})")))?;
    Ok(Peer { variable, value })
}

fn install(package: &str) -> Result<(), Missing> {
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        run(command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive"))
    };
    apt(&["-qq", "update"]).map_err(Missing::Broken)?;
    apt(&["-qq", "install", "--yes", "--no-install-recommends", package]).map_err(Missing::Broken)
}

/// The Docker engine's `dockerd`, of Debian's `docker.io`; it has to run as root.
pub(crate) fn docker() -> Result<Peer, Missing> {
    debian("SEALWRIGHT_DOCKERD", "docker.io", "dockerd")
}

/// A root file system with runc and what BuildKit calls besides, of Debian's packages.
pub(crate) fn buildkit_root(peers: &Peers) -> Result<Peer, Missing> {
    let value = peers.folder.join("buildkit-root-bookworm.tar");
    if !value.is_file() {
        let mmdebstrap = debian("", "mmdebstrap", "mmdebstrap")?;
        // Built beside and renamed, so that one that was cut off is not taken for a whole one.
        let partial = value.with_extension("partial.tar");
        let mut make = Command::new(mmdebstrap.value);
        make.args(["--variant=apt", "--include=runc,ca-certificates,mount", "bookworm"]).arg(&partial);
        run(&mut make).map_err(Missing::Broken)?;
        fs::rename(&partial, &value).map_err(|e| Missing::Broken(format!("{}: {e}", value.display())))?;
    }
    Ok(Peer { variable: "SEALWRIGHT_BUILDKIT_ROOT", value })
}

/// The certificates of public authorities, of Debian's `ca-certificates`.
pub(crate) fn certificates() -> Result<Peer, Missing> {
    let value = PathBuf::from("/etc/ssl/certs/ca-certificates.crt");
    if !value.is_file() && in_ci() && find("apt-get").is_some() {
        install("ca-certificates")?;
    }
    if !value.is_file() {
        return Err(Missing::Absent(format!("{} is not there (Debian: ca-certificates)", value.display())));
    }
    Ok(Peer { variable: "SEALWRIGHT_CERTIFICATES", value })
}

/// The folder with root file systems and advisories that are not in the repository.
pub(crate) fn test_data() -> Result<Peer, Missing> {
    let value = variable("SEALWRIGHT_TEST_DATA").map(PathBuf::from).filter(|folder| folder.is_dir());
    let value =
        value.ok_or_else(|| Missing::Absent("SEALWRIGHT_TEST_DATA names no folder with rootfs/ and osv/".into()))?;
    Ok(Peer { variable: "SEALWRIGHT_TEST_DATA", value })
}
