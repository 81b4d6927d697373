//! A server of this machine under another name and with TLS: an HTTP proxy (RFC 9110 §9.3.6, `CONNECT`) that leads to it,
//! with a certificate of a throw-away authority. It leads nowhere else.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{self, ServerConfig};
use x509_cert::Certificate;
use x509_cert::der::asn1::Ia5String;
use x509_cert::der::oid::db::rfc5280::{ID_CE_SUBJECT_ALT_NAME, ID_KP_SERVER_AUTH};
use x509_cert::der::pem::LineEnding;
use x509_cert::der::{Encode as _, EncodePem as _};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::name::Name;

use crate::authority::{EcKey, Issuer, Purpose, Unable, extension};
use crate::server::{Server, listen};

/// Longer than any test.
const LIFE: Duration = Duration::from_secs(24 * 3600);
/// The head of a `CONNECT` request is short, in bytes.
const LONGEST_HEAD: usize = 8 << 10;

/// A running proxy; it ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Front {
    address: SocketAddr,
    ca_certificate: String,
    _server: Server,
}

impl Front {
    /// Leads to `target` whoever asks for `host`.
    pub(crate) fn start(host: &str, target: SocketAddr) -> io::Result<Self> {
        let ca = Issuer::root("CN=loopback", LIFE)?;
        let ca_certificate = ca.certificate().to_pem(LineEnding::LF).map_err(io::Error::other)?;
        let acceptor = TlsAcceptor::from(Arc::new(configuration(&ca, host)?));
        let (listener, address) = listen()?;
        let destination = Destination { authority: format!("{host}:443"), target, acceptor };
        let server = Server::run("loopback-tls", listener, move |listener| accept(listener, Arc::new(destination)))?;
        Ok(Self { address, ca_certificate, _server: server })
    }

    pub(crate) fn proxy(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn ca_certificate(&self) -> &str {
        &self.ca_certificate
    }
}

struct Destination {
    authority: String,
    target: SocketAddr,
    acceptor: TlsAcceptor,
}

fn configuration(ca: &Issuer, host: &str) -> io::Result<ServerConfig> {
    let key = EcKey::generate()?;
    let certificate = issue(ca, host, &key)?.to_der().map_err(io::Error::other)?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.pkcs8()?));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_protocol_versions(&[&rustls::version::TLS13]);
    let builder = builder.map_err(io::Error::other)?.with_no_client_auth();
    builder.with_single_cert(vec![CertificateDer::from(certificate)], key).map_err(io::Error::other)
}

fn issue(ca: &Issuer, host: &str, key: &EcKey) -> Result<Certificate, Unable> {
    let name = SubjectAltName(vec![GeneralName::DnsName(Ia5String::new(host)?)]);
    let mut extensions = ca.end_entity(ID_KP_SERVER_AUTH, key.spki())?;
    // RFC 5280 §4.2.1.6: critical where the subject is empty.
    extensions.push(extension(ID_CE_SUBJECT_ALT_NAME, true, &name)?);
    let purpose = Purpose { subject: Name::default(), spki: key.spki().to_vec(), life: LIFE, extensions };
    ca.sign(ca.prepare(purpose)?)
}

async fn accept(listener: tokio::net::TcpListener, destination: Arc<Destination>) {
    while let Ok((stream, _)) = listener.accept().await {
        let destination = Arc::clone(&destination);
        // A client that goes away early ends its own connection only.
        tokio::spawn(async move {
            let _ = serve(stream, &destination).await;
        });
    }
}

async fn serve(mut stream: TcpStream, destination: &Destination) -> io::Result<()> {
    let head = head(&mut stream).await?;
    let asked = head.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next());
    if asked != Some(destination.authority.as_str()) {
        return stream.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n").await;
    }
    stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
    let mut outside = destination.acceptor.accept(stream).await?;
    let mut inside = TcpStream::connect(destination.target).await?;
    copy_bidirectional(&mut outside, &mut inside).await?;
    Ok(())
}

/// The request's head. What follows it is TLS, so not a byte more may be read.
async fn head(stream: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() > LONGEST_HEAD {
            return Err(io::Error::other("the head of the request is too long"));
        }
        head.push(stream.read_u8().await?);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}
