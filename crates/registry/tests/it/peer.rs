//! A server that says exactly what a test tells it, one connection and one answer at a time: for what a well-behaved HTTP
//! library cannot say.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use sealwright_core::ImageRef;

/// What becomes of one connection.
pub(crate) enum Answer {
    /// An answer.
    Say { status: &'static str, headers: Vec<(String, String)>, body: Vec<u8> },
    /// A body that ends before its announced length.
    Broken { announced: usize, body: Vec<u8> },
    /// The connection is closed after the request was read.
    HangUp,
    /// The request is read and nothing is ever said.
    Silence,
}

impl Answer {
    pub(crate) fn ok(media_type: &str, body: Vec<u8>) -> Self {
        Self::Say { status: "200 OK", headers: vec![("Content-Type".into(), media_type.into())], body }
    }

    pub(crate) fn status(status: &'static str) -> Self {
        Self::Say { status, headers: Vec::new(), body: Vec::new() }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        if let Self::Say { headers, .. } = &mut self {
            headers.push((name.into(), value.into()));
        }
        self
    }
}

pub(crate) struct Server {
    address: String,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(crate) fn reference(&self, rest: &str) -> ImageRef {
        format!("{}/acme/app{rest}", self.address).parse().expect("reference")
    }

    /// The request heads so far.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().expect("heads").clone()
    }

    pub(crate) fn methods(&self) -> Vec<String> {
        self.heads().iter().filter_map(|head| Some(head.split(' ').next()?.to_owned())).collect()
    }
}

/// Serves the answers in their order and then nothing more.
pub(crate) fn serve(answers: Vec<Answer>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").expect("port");
    let address = listener.local_addr().expect("address").to_string();
    let heads = Arc::new(Mutex::new(Vec::new()));
    let record = Arc::clone(&heads);
    std::thread::spawn(move || {
        let mut silent = Vec::new();
        for answer in answers {
            let Ok((stream, _)) = listener.accept() else { return };
            let head = request(&stream);
            record.lock().expect("heads").push(head.clone());
            match answer {
                Answer::Say { status, headers, body } => {
                    let body = if head.starts_with("HEAD") { (body.len(), Vec::new()) } else { (body.len(), body) };
                    say(&stream, status, &headers, body);
                }
                Answer::Broken { announced, body } => say(&stream, "200 OK", &[], (announced, body)),
                Answer::HangUp => {}
                Answer::Silence => silent.push(stream),
            }
        }
        // Keeps the silent connections open for as long as any test takes.
        if !silent.is_empty() {
            std::thread::sleep(std::time::Duration::from_secs(30));
        }
    });
    Server { address, heads }
}

fn request(stream: &TcpStream) -> String {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 || line == "\r\n" {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    let _ = reader.read_exact(&mut body);
    head
}

fn say(mut stream: &TcpStream, status: &str, headers: &[(String, String)], (length, body): (usize, Vec<u8>)) {
    let mut text = format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.write_all(&body));
}
