//! A real Docker engine: images in it, and what `docker save` writes.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::peer::{peer, say, sealwright, text_of};

/// `dockerd` on a socket of its own, without networks; it ends with the test.
pub(crate) struct Engine {
    child: Child,
    pub(crate) host: String,
}

impl Engine {
    pub(crate) fn start(folder: &Path) -> Self {
        Self::start_as(folder, &["--bridge=none"])
    }

    /// With a network for containers that ask for none of their own. Where this machine is itself a container without some
    /// capability, a "privileged" one is given what there is: runc would refuse it otherwise.
    pub(crate) fn start_with_network(folder: &Path) -> Self {
        let missing = missing_capabilities();
        if missing.is_empty() {
            return Self::start_as(folder, &[]);
        }
        let wrapper = folder.join("runc-of-this-machine");
        std::fs::write(&wrapper, RUNC.replace("MISSING", &format!("[\"{}\"]", missing.join("\",\""))))
            .expect("a script");
        std::fs::set_permissions(&wrapper, std::fs::Permissions::from_mode(0o755)).expect("a script");
        let runtime = format!("--add-runtime=here={}", wrapper.display());
        Self::start_as(folder, &[&runtime, "--default-runtime=here"])
    }

    fn start_as(folder: &Path, more: &[&str]) -> Self {
        let socket = folder.join("docker.sock");
        let host = format!("unix://{}", socket.display());
        let mut command = Command::new(peer("SEALWRIGHT_DOCKERD"));
        command.args(more).args(["--iptables=false", "--ip6tables=false", "--storage-driver=vfs", "-H", &host]);
        command.arg("--data-root").arg(folder.join("data")).arg("--exec-root").arg(folder.join("exec"));
        command.arg("--pidfile").arg(folder.join("docker.pid"));
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("dockerd");
        let mut engine = Self { child, host };
        let start = Instant::now();
        while say(engine.docker().arg("version")).code() != 0 {
            assert!(engine.child.try_wait().expect("child").is_none(), "dockerd ended; it has to run as root");
            assert!(start.elapsed() < Duration::from_secs(60), "dockerd does not answer");
            std::thread::sleep(Duration::from_millis(200));
        }
        engine
    }

    pub(crate) fn docker(&self) -> Command {
        let mut command = Command::new("docker");
        command.env("DOCKER_HOST", &self.host).env("DOCKER_BUILDKIT", "0");
        command
    }
}

/// runc with the specification of a container or of a process in it changed: capabilities that cannot be given are left out.
const RUNC: &str = r#"#!/bin/sh
previous= file=
for word in "$@"; do
  case $previous in
    --bundle) file=$word/config.json at=.process.capabilities ;;
    --process) file=$word at=.capabilities ;;
  esac
  previous=$word
done
if [ -n "$file" ]; then
  jq --argjson missing 'MISSING' "if $at then $at |= map_values(. - \$missing) else . end" "$file" > "$file.new"
  cat "$file.new" > "$file"
  rm "$file.new"
fi
exec runc "$@"
"#;

/// In the order of their bits (Linux, `include/uapi/linux/capability.h`).
const CAPABILITIES: &str = "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE \
    NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT \
    SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE \
    MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE";

/// What no process of this machine can have (`CapBnd` of `/proc/self/status`, hexadecimal).
fn missing_capabilities() -> Vec<String> {
    let status = text_of(Path::new("/proc/self/status"));
    let bounding = status.lines().find_map(|line| line.strip_prefix("CapBnd:")).expect("CapBnd");
    let bounding = u64::from_str_radix(bounding.trim(), 16).expect("hexadecimal");
    let named = CAPABILITIES.split_whitespace().enumerate();
    named.filter(|(bit, _)| bounding >> bit & 1 == 0).map(|(_, name)| format!("CAP_{name}")).collect()
}

impl Drop for Engine {
    fn drop(&mut self) {
        // SIGTERM lets dockerd end its containerd too.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

#[test]
fn images_of_the_engine_and_saved_ones_are_read() {
    let folder = tempfile::tempdir().expect("folder");
    let engine = Engine::start(folder.path());
    let tar = peer("SEALWRIGHT_TEST_DATA").join("rootfs/alpine-minirootfs-3.20.3-x86_64.tar.gz");
    say(engine.docker().arg("import").arg(tar).arg("acme/alpine:v1")).expect_code(0);
    std::fs::create_dir(folder.path().join("context")).expect("folder");
    std::fs::write(folder.path().join("context/Dockerfile"), "FROM acme/alpine:v1\nCOPY Dockerfile /opt/Dockerfile\n")
        .expect("Dockerfile");
    say(engine.docker().args(["build", "-t", "acme/app:v1"]).arg(folder.path().join("context"))).expect_code(0);
    let saved = folder.path().join("app.tar");
    say(engine.docker().args(["save", "acme/app:v1", "-o"]).arg(&saved)).expect_code(0);

    let table = |source: &str| {
        let mut command = sealwright(folder.path());
        say(command.args(["sbom", source, "-o", "table"]).env("DOCKER_HOST", &engine.host)).expect_code(0).stdout
    };
    let from_daemon = table("docker-daemon:acme/app:v1");
    println!("{from_daemon}");
    assert!(from_daemon.contains("14 packages"), "{from_daemon}");
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<BTreeSet<_>>();
    assert_eq!(lines(&from_daemon), lines(&table(&format!("docker-archive:{}", saved.display()))));

    let mut absent = sealwright(folder.path());
    let said =
        say(absent.args(["sbom", "docker-daemon:acme/absent:v1"]).env("DOCKER_HOST", &engine.host)).expect_code(5);
    assert!(said.stderr.contains("acme/absent:v1"), "{}", said.stderr);
    let mut nowhere = sealwright(folder.path());
    let said = say(nowhere.args(["sbom", "docker-daemon:acme/app:v1"]).env("DOCKER_HOST", "unix:///nonexistent.sock"));
    assert!(said.expect_code(5).stderr.contains("nonexistent.sock"));
}
