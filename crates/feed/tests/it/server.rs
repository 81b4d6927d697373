//! An HTTP server on loopback that answers each request as it was told to, then closes.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// The raw bytes of an answer.
pub(crate) type Answer = Vec<u8>;

/// Path and range of every request.
type Log = Mutex<Vec<(String, Option<String>)>>;

pub(crate) struct Server {
    pub(crate) url: String,
    requests: Arc<Log>,
}

impl Server {
    /// Gives one answer after the other, whatever is asked; the last one again and again.
    pub(crate) fn start(answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("listener");
        let url = format!("http://{}", listener.local_addr().expect("address"));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let log = requests.clone();
        std::thread::spawn(move || {
            let mut answers = VecDeque::from(answers);
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
                serve(stream, &answer.unwrap_or_default(), &log);
            }
        });
        Self { url, requests }
    }

    pub(crate) fn requests(&self) -> Vec<(String, Option<String>)> {
        self.requests.lock().expect("log").clone()
    }
}

fn serve(mut stream: TcpStream, answer: &[u8], log: &Log) {
    let mut lines = BufReader::new(stream.try_clone().expect("stream")).lines().map_while(Result::ok);
    let first = lines.next().unwrap_or_default();
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let headers: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    let range = headers.iter().find_map(|h| h.to_ascii_lowercase().strip_prefix("range: ").map(str::to_owned));
    log.lock().expect("log").push((path, range));
    let _ = stream.write_all(answer);
}

/// An answer with a body; `length` is what the header claims.
pub(crate) fn answer(status: &str, headers: &str, length: usize, body: &[u8]) -> Answer {
    let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n");
    [head.as_bytes(), body].concat()
}

pub(crate) fn whole(body: &[u8]) -> Answer {
    answer("200 OK", "ETag: \"one\"\r\n", body.len(), body)
}
