//! Peers from the environment, and running them.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use sealwright_core::bounded::read_file;

/// The program or folder that a tier put into the environment.
#[expect(clippy::disallowed_methods, reason = "peers are named by the environment")]
pub(crate) fn peer(variable: &str) -> PathBuf {
    let value = std::env::var_os(variable);
    let path =
        PathBuf::from(value.unwrap_or_else(|| panic!("{variable} is not set: run this through cargo xtask test")));
    assert!(path.exists(), "{variable} names {}, which is not there", path.display());
    path
}

/// What a finished program said.
pub(crate) struct Said {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Said {
    pub(crate) fn code(&self) -> i32 {
        self.status.code().unwrap_or(-1)
    }

    /// Panics with all that was said unless the program ended with `code`.
    #[track_caller]
    pub(crate) fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code(), code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }
}

pub(crate) fn say(command: &mut Command) -> Said {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    Said {
        status: output.status,
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// What a small file says.
pub(crate) fn text_of(path: &Path) -> String {
    let bytes = read_file(path, 1 << 20).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    String::from_utf8(bytes).expect("text")
}

/// Our own binary with a home of its own, so that no configuration of this machine plays a part.
pub(crate) fn sealwright(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sealwright"));
    command.env("HOME", home).env_remove("XDG_CACHE_HOME").env_remove("DOCKER_CONFIG").env("COSIGN_PASSWORD", "");
    for name in ["VAULT_ADDR", "VAULT_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"] {
        command.env_remove(name);
    }
    command.current_dir(home);
    command
}

/// A server that ends with the test.
pub(crate) struct Server {
    child: Child,
    /// The line that said where it listens.
    pub(crate) announced: String,
}

impl Server {
    /// Starts a program and waits until a line of its stdout contains `announcement`.
    pub(crate) fn start(command: &mut Command, announcement: &str) -> Self {
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut child = child.unwrap_or_else(|e| panic!("{command:?}: {e}"));
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).take(1 << 20).lines();
        let announced = lines
            .find_map(|line| line.ok().filter(|l| l.contains(announcement)))
            .unwrap_or_else(|| panic!("{command:?} never said {announcement:?}"));
        Self { child, announced }
    }

    /// Starts a program that says nothing and waits until `address` accepts a connection.
    pub(crate) fn start_at(command: &mut Command, address: &str) -> Self {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let mut server =
            Self { child: child.unwrap_or_else(|e| panic!("{command:?}: {e}")), announced: address.to_owned() };
        let start = Instant::now();
        while std::net::TcpStream::connect(address).is_err() {
            assert!(start.elapsed() < Duration::from_secs(30), "{command:?} does not listen on {address}");
            assert!(server.child.try_wait().expect("child").is_none(), "{command:?} ended");
            std::thread::sleep(Duration::from_millis(50));
        }
        server
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A loopback port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port()
}
