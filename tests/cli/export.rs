//! An OSV export on loopback.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};

/// Serves these files, and of all others that they are not there. The address.
pub(crate) fn serve(files: &[(&str, &[u8])]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("listener");
    let url = format!("http://{}", listener.local_addr().expect("address"));
    let files: Vec<(String, Vec<u8>)> =
        files.iter().map(|(path, bytes)| ((*path).to_owned(), bytes.to_vec())).collect();
    std::thread::spawn(move || listener.incoming().flatten().for_each(|stream| answer(stream, &files)));
    url
}

fn answer(mut stream: TcpStream, files: &[(String, Vec<u8>)]) {
    let mut lines = BufReader::new(stream.try_clone().expect("stream")).lines().map_while(Result::ok);
    let path = lines.next().and_then(|first| first.split(' ').nth(1).map(str::to_owned)).unwrap_or_default();
    lines.take_while(|line| !line.is_empty()).for_each(drop);
    let found = files.iter().find(|(known, _)| *known == path);
    let (status, body) = found.map_or(("404 Not Found", &[][..]), |(_, bytes)| ("200 OK", bytes));
    let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
    let _ = stream.write_all(&[head.as_bytes(), body].concat());
}

/// A zip of the export: one file for each record.
pub(crate) fn zip(records: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, record) in records {
        archive.start_file(*name, zip::write::SimpleFileOptions::default()).expect("a file");
        archive.write_all(record.as_bytes()).expect("written");
    }
    archive.finish().expect("a zip").into_inner()
}
