//! One request, to its end: scheme rules, redirects, one answer to a challenge, classification of the status, bounded
//! bodies, and repetition of what may pass.

use std::error::Error as _;
use std::io;
use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};
use reqwest::{Body, Method, Response, StatusCode, Url};
use sealwright_core::{Repository, Untrusted, causes, is_loopback_host};
use serde::Deserialize;
use tokio::time::{Instant, sleep, timeout_at};

use crate::authorization::{Access, TokenAnswer, TokenRequest, basic, bearer};
use crate::challenge::Challenge;
use crate::client::{Client, Options, PlainHttp, text};
use crate::credentials::Login;
use crate::error::{Answer, Asked, RegistryError};
use crate::retry::{Again, Failure};

/// More hops than any registry needs.
const REDIRECTS: u32 = 5;
/// The most that is read of an error or of a token answer.
const SMALL: u64 = 256 << 10;

/// Two HTTP clients: one for this machine, which needs no certificates and no proxy, and one for the rest.
pub(crate) struct Transport {
    loopback: reqwest::Client,
    /// Made when it is first needed: without certificates on the system it cannot be made, and a registry on this machine
    /// works nevertheless.
    world: OnceLock<reqwest::Client>,
    user_agent: String,
    timeout: Duration,
}

impl Transport {
    pub(crate) fn new(options: &Options) -> Result<Self, RegistryError> {
        let mut transport = Self {
            loopback: reqwest::Client::default(),
            world: OnceLock::new(),
            user_agent: options.user_agent.clone(),
            timeout: options.timeout,
        };
        transport.loopback = made(transport.builder().no_proxy().tls_certs_only([]))?;
        Ok(transport)
    }

    /// Redirects are followed here and not by the library, so that no header reaches a host it is not meant for.
    fn builder(&self) -> reqwest::ClientBuilder {
        reqwest::Client::builder()
            .user_agent(self.user_agent.as_str())
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            .connect_timeout(self.timeout)
            .read_timeout(self.timeout)
    }

    fn client(&self, url: &Url) -> Result<&reqwest::Client, RegistryError> {
        if url.scheme() == "http" {
            return Ok(&self.loopback);
        }
        if let Some(client) = self.world.get() {
            return Ok(client);
        }
        let client = made(self.builder())?;
        Ok(self.world.get_or_init(|| client))
    }
}

fn made(builder: reqwest::ClientBuilder) -> Result<reqwest::Client, RegistryError> {
    builder.build().map_err(|e| RegistryError::HttpClient { reason: reason(e) })
}

/// A request before it is sent.
pub(crate) struct Request<'a> {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) repository: &'a Repository,
    pub(crate) access: Access,
    pub(crate) asked: Asked,
    pub(crate) headers: Vec<(HeaderName, String)>,
    pub(crate) body: Bytes,
}

impl<'a> Request<'a> {
    pub(crate) fn get(url: Url, repository: &'a Repository, asked: Asked) -> Self {
        let (method, access) = (Method::GET, Access::Pull);
        Self { method, url, repository, access, asked, headers: Vec::new(), body: Bytes::new() }
    }

    pub(crate) fn push(method: Method, url: Url, repository: &'a Repository, asked: Asked) -> Self {
        Self { method, access: Access::Push, ..Self::get(url, repository, asked) }
    }

    pub(crate) fn header(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// What becomes of a successful answer's body.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reading {
    /// It is left for the caller.
    Left,
    /// It is read, at most so many bytes.
    Whole(u64),
}

/// A successful answer.
pub(crate) struct Fetched {
    /// Of the last hop.
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) status: StatusCode,
    /// The body where it was read.
    pub(crate) bytes: Vec<u8>,
    /// The answer where its body was left.
    pub(crate) response: Option<Response>,
}

impl Fetched {
    /// `Content-Type` without parameters.
    pub(crate) fn media_type(&self) -> Option<&str> {
        text(self.headers.get(CONTENT_TYPE)).and_then(|value| value.split(';').next()).map(str::trim)
    }
}

/// `scheme://host:port`.
pub(crate) fn origin(url: &Url) -> String {
    let port = url.port_or_known_default().unwrap_or_default();
    format!("{}://{}:{port}", url.scheme(), url.host_str().unwrap_or_default())
}

impl Client {
    /// Sends a request, again and again where its failure may pass, within the timeout.
    pub(crate) async fn fetch(&self, request: &Request<'_>, reading: Reading) -> Result<Fetched, RegistryError> {
        let deadline = Instant::now() + self.options.timeout;
        let mut number = 0;
        loop {
            number += 1;
            let sent = timeout_at(deadline, self.once(request, None, reading)).await;
            let failure = match sent {
                Ok(Ok(fetched)) => return Ok(fetched),
                Ok(Err(failure)) => failure,
                Err(_) => return Err(self.too_late(&request.asked)),
            };
            let pause = match failure.again {
                Again::No => None,
                Again::After(wanted) => self.options.backoff.pause(number, wanted),
            };
            match pause {
                Some(pause) if Instant::now() + pause < deadline => sleep(pause).await,
                _ => return Err(failure.error),
            }
        }
    }

    pub(crate) fn too_late(&self, asked: &Asked) -> RegistryError {
        let seconds = self.options.timeout.as_secs_f32();
        RegistryError::Unreachable { asked: asked.clone(), reason: format!("no answer within {seconds} seconds") }
    }

    /// Sends a request once, with redirects and one answer to a challenge. With a streamed `body` nothing can be sent a
    /// second time: a challenge is answered for the next attempt.
    pub(crate) async fn once(
        &self,
        request: &Request<'_>,
        mut body: Option<Body>,
        reading: Reading,
    ) -> Result<Fetched, Failure> {
        let home = origin(&self.url(request.repository, "").map_err(Failure::last)?);
        let streamed = body.is_some();
        let mut url = request.url.clone();
        let mut hops = 0;
        let mut answered = false;
        loop {
            let response = self.send(request, &url, body.take()).await?;
            let status = response.status();
            if status == StatusCode::UNAUTHORIZED && !answered {
                answered = true;
                let here = origin(&url);
                self.remembered.forget(&here, request.repository);
                if self.answer(request, &response, &here, here == home).await? {
                    if streamed {
                        return Err(Failure {
                            again: Again::After(Some(Duration::ZERO)),
                            ..self.failure(request, response).await
                        });
                    }
                    continue;
                }
            }
            if status.is_redirection() && matches!(request.method, Method::GET | Method::HEAD) {
                hops += 1;
                url = self.next_hop(request, &url, &response, hops).map_err(Failure::last)?;
                answered = false;
                continue;
            }
            if !status.is_success() {
                return Err(self.failure(request, response).await);
            }
            return self.received(request, url, response, reading).await;
        }
    }

    async fn send(&self, request: &Request<'_>, url: &Url, body: Option<Body>) -> Result<Response, Failure> {
        self.permit(request.repository, url, &request.asked).map_err(Failure::last)?;
        let client = self.transport.client(url).map_err(Failure::last)?;
        let mut builder = client.request(request.method.clone(), url.clone());
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        if let Some(value) = self.remembered.header(&origin(url), request.repository, request.access) {
            builder = builder.header(AUTHORIZATION, value);
        }
        if let Some(body) = body {
            builder = builder.body(body);
        } else if !matches!(request.method, Method::GET | Method::HEAD) {
            builder = builder.body(request.body.clone());
        }
        builder.send().await.map_err(|e| connection(&request.asked, e))
    }

    /// TLS everywhere; plain HTTP only from a registry on this machine to this machine, so that a registry elsewhere cannot
    /// send us to a local service.
    fn permit(&self, repository: &Repository, url: &Url, asked: &Asked) -> Result<(), RegistryError> {
        let plain = url.scheme() == "http"
            && self.options.plain_http == PlainHttp::Loopback
            && repository.is_loopback()
            && is_loopback(url);
        if url.scheme() == "https" || plain {
            return Ok(());
        }
        let shown = format!("{}://{}", url.scheme(), url.host_str().unwrap_or_default());
        Err(RegistryError::Insecure { asked: asked.clone(), url: shown.into() })
    }

    fn next_hop(&self, request: &Request<'_>, url: &Url, response: &Response, hops: u32) -> Result<Url, RegistryError> {
        let protocol =
            |problem: &str| RegistryError::Protocol { asked: request.asked.clone(), problem: problem.into() };
        if hops > REDIRECTS {
            return Err(protocol("too many redirects"));
        }
        let location =
            text(response.headers().get(LOCATION)).ok_or_else(|| protocol("a redirect without a Location"))?;
        url.join(location).map_err(|_| protocol("a redirect to something that is no URL"))
    }

    async fn received(
        &self,
        request: &Request<'_>,
        url: Url,
        mut response: Response,
        reading: Reading,
    ) -> Result<Fetched, Failure> {
        let (headers, status) = (response.headers().clone(), response.status());
        let mut fetched = Fetched { url, headers, status, bytes: Vec::new(), response: None };
        match reading {
            Reading::Whole(limit) => fetched.bytes = read(&mut response, limit, &request.asked).await?,
            Reading::Left => fetched.response = Some(response),
        }
        Ok(fetched)
    }

    /// Answers a challenge. `false` where there is nothing to answer it with. Only at `home`, the registry's own origin, is
    /// the login used.
    async fn answer(
        &self,
        request: &Request<'_>,
        response: &Response,
        here: &str,
        at_home: bool,
    ) -> Result<bool, Failure> {
        let headers = response.headers().get_all(WWW_AUTHENTICATE);
        let Some(challenge) = Challenge::best(headers.iter().filter_map(|value| value.to_str().ok())) else {
            return Ok(false);
        };
        let login = if at_home { self.login(request.repository).await.map_err(Failure::last)? } else { None };
        let remember = |value, lifetime| {
            self.remembered.remember(here, request.repository, request.access, value, lifetime);
            true
        };
        match (challenge, login) {
            (Challenge::Bearer { .. }, Some(Login::RegistryToken(token))) => {
                Ok(bearer(&token).is_some_and(|value| remember(value, None)))
            }
            (Challenge::Basic, Some(Login::Password { user, password })) => {
                Ok(basic(&user, &password).is_some_and(|value| remember(value, None)))
            }
            (Challenge::Basic, _) => Ok(false),
            (Challenge::Bearer { realm, service, scope }, login) => {
                let token = TokenRequest::new(
                    service.as_deref(),
                    scope.as_deref(),
                    request.repository,
                    request.access,
                    login.as_ref(),
                );
                let answer = self.token(request.repository, &realm, token).await?;
                let Some((token, lifetime)) = answer.token() else { return Ok(false) };
                Ok(bearer(&token).is_some_and(|value| remember(value, Some(lifetime))))
            }
        }
    }

    /// Asks a token endpoint. It is not followed when it redirects: the login would go with it.
    async fn token(&self, repository: &Repository, realm: &str, wanted: TokenRequest) -> Result<TokenAnswer, Failure> {
        let asked = Asked { what: "get a token for", target: repository.to_string() };
        let protocol = |problem: &str| {
            Failure::last(RegistryError::Protocol { asked: asked.clone(), problem: problem.to_owned() })
        };
        let mut url = Url::parse(realm).map_err(|_| protocol("its realm is no URL"))?;
        self.permit(repository, &url, &asked).map_err(Failure::last)?;
        let client = self.transport.client(&url).map_err(Failure::last)?;
        let mut builder = if wanted.form {
            client.post(url).header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(wanted.parameters)
        } else {
            let query = [url.query().unwrap_or_default(), &wanted.parameters];
            let query: Vec<&str> = query.into_iter().filter(|part| !part.is_empty()).collect();
            let query = query.join("&");
            url.set_query(Some(&query));
            client.get(url)
        };
        if let Some(value) = wanted.authorization {
            builder = builder.header(AUTHORIZATION, value);
        }
        let mut response = builder.send().await.map_err(|e| connection(&asked, e))?;
        if !response.status().is_success() {
            return Err(classified(&asked, response).await);
        }
        let bytes = read(&mut response, SMALL, &asked).await?;
        serde_json::from_slice(&bytes).map_err(|_| protocol("its token answer is not one"))
    }

    async fn failure(&self, request: &Request<'_>, response: Response) -> Failure {
        classified(&request.asked, response).await
    }
}

fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(is_loopback_host)
}

/// Reads a body within a limit. One that breaks off may be whole the next time.
pub(crate) async fn read(response: &mut Response, limit: u64, asked: &Asked) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|e| connection(asked, e))? {
        if bytes.len() as u64 + chunk.len() as u64 > limit {
            return Err(Failure::last(RegistryError::TooLarge { asked: asked.clone(), limit }));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// What a status means. `401`, `403` and `5xx` are never "not there".
async fn classified(asked: &Asked, mut response: Response) -> Failure {
    let status = response.status();
    let retry_after =
        text(response.headers().get(RETRY_AFTER)).and_then(|v| v.trim().parse().ok()).map(Duration::from_secs);
    let body = read(&mut response, SMALL, asked).await.unwrap_or_default();
    let (asked, answer) = (asked.clone(), words(status, &body));
    match status {
        StatusCode::UNAUTHORIZED => Failure::last(RegistryError::Unauthorized { asked, answer }),
        StatusCode::FORBIDDEN => Failure::last(RegistryError::Denied { asked, answer }),
        StatusCode::NOT_FOUND => Failure::last(RegistryError::NotFound { asked, answer }),
        StatusCode::TOO_MANY_REQUESTS => Failure {
            error: RegistryError::RateLimited { asked, answer, retry_after },
            again: Again::After(retry_after),
        },
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
            Failure { error: RegistryError::Failing { asked, answer }, again: Again::After(retry_after) }
        }
        _ if status.is_server_error() => Failure::last(RegistryError::Failing { asked, answer }),
        _ => Failure::last(RegistryError::Rejected { asked, answer }),
    }
}

#[derive(Deserialize)]
struct Errors {
    errors: Vec<ErrorEntry>,
}

#[derive(Deserialize)]
struct ErrorEntry {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

/// The first error of an error answer (distribution specification, "Error Codes").
fn words(status: StatusCode, body: &[u8]) -> Answer {
    let clip = |text: &str| Untrusted::new(text.chars().take(300).collect::<String>());
    let first = serde_json::from_slice(body).ok().and_then(|e: Errors| e.errors.into_iter().next());
    let (code, message) = first.map(|e| (clip(&e.code), clip(&e.message))).unwrap_or_default();
    Answer { status: status.as_u16(), code, message }
}

/// A request that got no answer. A refused connection stays refused; one that broke may hold the next time.
pub(crate) fn connection(asked: &Asked, error: reqwest::Error) -> Failure {
    let broke = !error.is_connect() || is_reset(&error);
    let usable = !error.is_builder() && !error.is_timeout();
    let error = RegistryError::Unreachable { asked: asked.clone(), reason: reason(error) };
    if broke && usable { Failure::passing(error) } else { Failure::last(error) }
}

fn is_reset(error: &reqwest::Error) -> bool {
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(io) = cause.downcast_ref::<io::Error>() {
            use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
            return matches!(io.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof);
        }
        source = cause.source();
    }
    false
}

/// An error with its causes and without its URL, which may carry a signature.
fn reason(error: reqwest::Error) -> String {
    causes(&error.without_url())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(plain_http: PlainHttp) -> Client {
        Client::new(Options { plain_http, ..Options::default() }).expect("client")
    }

    #[test]
    fn plain_http_is_for_a_registry_on_this_machine_and_stays_there() {
        let asked = Asked { what: "read", target: "x".into() };
        let cases = [
            ("ghcr.io/a", "https://ghcr.io/v2/", true),
            ("ghcr.io/a", "https://elsewhere.example/", true),
            ("ghcr.io/a", "http://ghcr.io/v2/", false),
            ("ghcr.io/a", "http://127.0.0.1:5000/v2/", false),
            ("127.0.0.1:5000/a", "http://127.0.0.1:5000/v2/", true),
            ("127.0.0.1:5000/a", "http://localhost:9/", true),
            ("localhost:5000/a", "http://[::1]:9/", true),
            ("127.0.0.1:5000/a", "http://128.0.0.1/", false),
            ("127.0.0.1:5000/a", "ftp://127.0.0.1/", false),
            ("127.0.0.1:5000/a", "file:///etc/passwd", false),
        ];
        for (repository, url, expected) in cases {
            let repository = repository.parse().expect("repository");
            let url = Url::parse(url).expect("URL");
            let permitted = client(PlainHttp::Loopback).permit(&repository, &url, &asked).is_ok();
            assert_eq!(permitted, expected, "{repository} {url}");
            if url.scheme() == "http" {
                assert!(client(PlainHttp::Never).permit(&repository, &url, &asked).is_err(), "{url}");
            }
        }
        let local: Repository = "127.0.0.1:1/a".parse().expect("repository");
        let scheme = |plain| client(plain).url(&local, "tags/list").expect("URL").scheme().to_owned();
        assert_eq!((scheme(PlainHttp::Loopback), scheme(PlainHttp::Never)), ("http".into(), "https".into()));
    }

    #[test]
    fn docker_hub_answers_at_another_host() {
        let hub: Repository = "debian".parse().expect("repository");
        let url = client(PlainHttp::Loopback).url(&hub, "manifests/latest").expect("URL");
        assert_eq!(url.as_str(), "https://registry-1.docker.io/v2/library/debian/manifests/latest");
    }

    #[test]
    fn an_error_answer_is_clipped_and_may_be_anything() {
        let body = format!(r#"{{"errors":[{{"code":"DENIED","message":"{}","detail":[]}}]}}"#, "x".repeat(999));
        let answer = words(StatusCode::FORBIDDEN, body.as_bytes());
        assert_eq!((answer.code.raw(), answer.message.raw().len()), ("DENIED", 300));
        for body in ["<html>", "", r#"{"errors":[]}"#, r#"{"errors":null}"#] {
            assert_eq!(words(StatusCode::NOT_FOUND, body.as_bytes()).to_string(), "404", "{body}");
        }
    }
}
