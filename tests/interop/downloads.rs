//! A server of files on loopback, as a mirror of releases is one: for the tests of what downloads.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// Files by path. It serves until the process ends.
pub(crate) struct Downloads {
    pub(crate) address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

/// What is served under a path.
#[derive(Clone)]
pub(crate) enum Served {
    Whole(Vec<u8>),
    /// The connection ends before the length that was announced.
    CutOff(Vec<u8>),
}

impl Downloads {
    pub(crate) fn start(files: BTreeMap<String, Served>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("address"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let path = answer(&stream, &files);
                log.lock().expect("log").push(path);
            }
        });
        Self { address, asked }
    }

    /// The paths that were asked for so far.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("log").clone()
    }
}

fn answer(stream: &TcpStream, files: &BTreeMap<String, Served>) -> String {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let path = lines.next().and_then(|line| line.split(' ').nth(1).map(str::to_owned)).unwrap_or_default();
    while lines.next().is_some_and(|line| !line.is_empty()) {}
    let (status, length, body) = match files.get(&path) {
        Some(Served::Whole(bytes)) => ("200 OK", bytes.len(), bytes.as_slice()),
        Some(Served::CutOff(bytes)) => ("200 OK", bytes.len() + 1000, bytes.as_slice()),
        None => ("404 Not Found", 0, &[][..]),
    };
    let mut stream = stream;
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
    // A client that has seen enough may be gone.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
    path
}
