//! An image of the local Docker engine: `GET /images/NAME/get` on its socket, which gives what `docker save` writes.
//!
//! The stream cannot be read twice, so it is spooled into a file without a name that is gone when the process ends.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read, Seek as _, Write as _};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use sealwright_core::Limits;
use sealwright_core::bounded::read_all;

use crate::SourceError;
use crate::docker_archive::{self, DockerArchive};

const DEFAULT_SOCKET: &str = "/var/run/docker.sock";
/// Headers of the answer, in bytes.
const MOST_HEADERS: u64 = 64 << 10;
/// The engine packs the image while it answers; silence longer than this is an end.
const SILENCE: Duration = Duration::from_secs(300);

/// An answer to whether anybody is there is a few words, and comes at once.
const PING_SILENCE: Duration = Duration::from_secs(10);

/// Asks the Docker engine of `DOCKER_HOST`, or of this machine, whether it is there (Docker Engine API, `GET /_ping`), and gives
/// the path of its socket.
///
/// # Errors
/// When it does not answer, or its address is none of this machine.
pub fn ping_engine(docker_host: Option<&str>) -> Result<String, SourceError> {
    let socket = socket(docker_host)?;
    let failed = |source| SourceError::Engine { socket: socket.to_owned(), source };
    let mut stream = UnixStream::connect(socket).map_err(failed)?;
    stream.set_read_timeout(Some(PING_SILENCE)).map_err(failed)?;
    write!(stream, "GET /_ping HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n").map_err(failed)?;
    match head(&mut BufReader::new(stream)).map_err(failed)?.status {
        200 => Ok(socket.to_owned()),
        status => Err(failed(io::Error::other(format!("it answers with status {status}")))),
    }
}

fn socket(docker_host: Option<&str>) -> Result<&str, SourceError> {
    match docker_host {
        None => Ok(DEFAULT_SOCKET),
        Some(host) => host
            .strip_prefix("unix://")
            .ok_or_else(|| SourceError::EngineAddress { host: host.chars().take(200).collect() }),
    }
}

pub(crate) fn open(name: &str, docker_host: Option<&str>, limits: &Limits) -> Result<DockerArchive, SourceError> {
    let socket = socket(docker_host)?;
    let spooled = fetch(name, socket, limits)?;
    docker_archive::from_file(format!("docker-daemon:{name}"), spooled, None, limits)
}

fn fetch(name: &str, socket: &str, limits: &Limits) -> Result<File, SourceError> {
    let failed = |source| SourceError::Engine { socket: socket.to_owned(), source };
    let answer = |message: String| SourceError::EngineAnswer { image: name.to_owned(), message };
    if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-/:@".contains(&b)) {
        return Err(answer("it is not the name of an image".to_owned()));
    }
    let mut stream = UnixStream::connect(socket).map_err(failed)?;
    stream.set_read_timeout(Some(SILENCE)).map_err(failed)?;
    write!(stream, "GET /images/{name}/get HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n").map_err(failed)?;
    let mut reader = BufReader::with_capacity(256 << 10, stream);
    let head = head(&mut reader).map_err(failed)?;
    let mut body = Body { reader, state: if head.chunked { State::Size } else { State::ToEnd } };
    if head.status != 200 {
        let text = read_all(&mut body, 64 << 10).unwrap_or_default();
        let said = serde_json::from_slice::<serde_json::Value>(&text).ok();
        let said = said.and_then(|v| Some(v.get("message")?.as_str()?.chars().take(300).collect::<String>()));
        return Err(answer(said.unwrap_or_else(|| format!("it answers with status {}", head.status))));
    }
    let mut file = tempfile::tempfile().map_err(failed)?;
    let most = limits.uncompressed_layer;
    let copied = io::copy(&mut (&mut body).take(most.saturating_add(1)), &mut file).map_err(failed)?;
    if copied > most {
        return Err(SourceError::TooLarge { path: format!("docker-daemon:{name}").into(), limit: most });
    }
    file.rewind().map_err(failed)?;
    Ok(file)
}

struct Head {
    status: u16,
    chunked: bool,
}

/// The status line and the headers (RFC 9112 §2.1).
fn head(reader: &mut impl io::BufRead) -> io::Result<Head> {
    let mut limited = reader.take(MOST_HEADERS);
    let mut line = || -> io::Result<String> {
        let mut line = Vec::new();
        limited.read_until(b'\n', &mut line)?;
        if line.pop() != Some(b'\n') {
            return Err(invalid("the headers of the answer do not end"));
        }
        Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
    };
    let first = line()?;
    let status =
        first.split(' ').nth(1).and_then(|s| s.parse().ok()).ok_or_else(|| invalid("it does not speak HTTP"))?;
    let mut chunked = false;
    loop {
        let header = line()?.to_ascii_lowercase();
        if header.is_empty() {
            return Ok(Head { status, chunked });
        }
        chunked |= header.strip_prefix("transfer-encoding:").is_some_and(|v| v.trim() == "chunked");
    }
}

fn invalid(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

enum State {
    /// The body ends with the connection.
    ToEnd,
    /// A chunk's size line is next.
    Size,
    /// So many bytes of a chunk are left.
    Chunk(u64),
    Done,
}

/// The body, without its chunk framing (RFC 9112 §7.1).
struct Body<R> {
    reader: R,
    state: State,
}

impl<R: io::BufRead> Read for Body<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let State::Size = self.state {
            let mut line = Vec::new();
            (&mut self.reader).take(64).read_until(b'\n', &mut line)?;
            let text = String::from_utf8_lossy(&line);
            let size = text.trim_end().split(';').next().unwrap_or_default().trim();
            let size = u64::from_str_radix(size, 16).map_err(|_| invalid("a chunk of the answer has no size"))?;
            self.state = if size == 0 { State::Done } else { State::Chunk(size) };
        }
        match self.state {
            State::Done => Ok(0),
            State::ToEnd => self.reader.read(buffer),
            State::Size => Err(invalid("a chunk of the answer has no size")),
            State::Chunk(left) => {
                let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
                let n = self.reader.read(buffer.get_mut(..most).unwrap_or_default())?;
                if n == 0 && most > 0 {
                    return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the answer is cut off"));
                }
                let left = left - n as u64;
                self.state = State::Chunk(left);
                if left == 0 {
                    let mut end = [0; 2];
                    self.reader.read_exact(&mut end)?;
                    self.state = State::Size;
                }
                Ok(n)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(text: &[u8]) -> io::Result<Vec<u8>> {
        let mut body = Body { reader: text, state: State::Size };
        read_all(&mut body, 100).map_err(|e| io::Error::other(e.to_string()))
    }

    #[test]
    fn an_engine_is_there_where_it_says_so() {
        use std::os::unix::net::UnixListener;
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("docker.sock");
        let host = format!("unix://{}", path.display());
        assert!(ping_engine(Some(&host)).is_err_and(|e| e.to_string().contains("docker.sock")));
        assert!(matches!(ping_engine(Some("tcp://a:2375")), Err(SourceError::EngineAddress { .. })));
        for (status, there) in [("200 OK", true), ("500 Internal Server Error", false)] {
            let _ = std::fs::remove_file(&path);
            let listener = UnixListener::bind(&path).expect("socket");
            let engine = std::thread::spawn(move || {
                let (mut client, _) = listener.accept().expect("client");
                let mut asked = [0; 18];
                client.read_exact(&mut asked).expect("request");
                assert_eq!(&asked, b"GET /_ping HTTP/1.");
                write!(client, "HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\nOK").expect("answer");
            });
            assert_eq!(ping_engine(Some(&host)).is_ok(), there, "{status}");
            engine.join().expect("engine");
        }
    }

    #[test]
    fn chunks_are_joined_and_a_cut_answer_is_no_whole_one() {
        assert_eq!(body(b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n").expect("whole"), b"abcde");
        for cut in [&b"3\r\nab"[..], b"3\r\nabc\r\n", b"", b"x\r\nabc\r\n"] {
            assert!(body(cut).is_err(), "{cut:?}");
        }
    }
}
