//! One request to GitHub's API or to where it keeps bundles: to its end, within bounds, again where a failure may pass.

use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

use reqwest::header::{ACCEPT, HeaderMap, LINK, RETRY_AFTER};
use reqwest::{Method, Response, StatusCode, Url};
use sealwright_core::{Redacted, Untrusted, causes, is_loopback_host};
use serde_json::Value;

use crate::{GitHubError, Surface, link};

/// The version of the API that this crate speaks (GitHub REST API, "API Versions"). Servers know several at a time.
const API_VERSION: &str = "2022-11-28";
/// A request is sent this often.
const ATTEMPTS: u32 = 3;
/// The longest that GitHub may ask to wait. A secondary rate limit asks for a minute.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// The most that is read of a refusal or of the answer to what was stored, in bytes.
pub(crate) const SMALL: u64 = 64 << 10;

/// Where the API is and who asks.
#[derive(Debug, Clone)]
pub struct Options {
    /// The API's address, for example `https://api.github.com`. Others than `https://` only on this machine.
    pub address: String,
    /// What public repositories can be read without.
    pub token: Option<Redacted<String>>,
    /// The longest that one request may take.
    pub timeout: Duration,
}

/// GitHub's API behind one address.
pub struct Store {
    base: Url,
    token: Option<Redacted<String>>,
    timeout: Duration,
    /// Without a proxy: what is sent to loopback must not leave this machine.
    loopback: OnceLock<reqwest::Client>,
    world: OnceLock<reqwest::Client>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Store({})", self.base)
    }
}

/// What is sent. The token goes to the API alone.
pub(crate) enum Sent {
    /// To the API.
    Get,
    /// To the API.
    Post(Vec<u8>),
    /// To where bundles are kept: its address is signed, and not the API's.
    Download,
}

/// What is asked of whom, for messages.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) surface: Surface,
    /// In the infinitive.
    pub(crate) what: &'a str,
}

/// A successful answer, or one that says that there is nothing.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) next: Option<String>,
    /// Nothing where it is longer than allowed.
    pub(crate) body: Option<Vec<u8>>,
}

/// A failure, and after how long it may have passed.
struct Failed {
    error: GitHubError,
    again: Option<Duration>,
}

impl Store {
    /// Nothing is asked yet.
    ///
    /// # Errors
    /// When the address is none to which a token may be sent.
    pub fn new(options: Options) -> Result<Self, GitHubError> {
        let fail = |why: &str| GitHubError::Address(format!("{} {why}", Untrusted::new(options.address.as_str())));
        let mut base = Url::parse(&options.address).map_err(|_| fail("is no URL"))?;
        if !is_safe(&base) {
            return Err(fail("is no https:// address"));
        }
        if base.query().is_some() || base.fragment().is_some() || !base.username().is_empty() {
            return Err(fail("has more than host and path"));
        }
        let path = format!("{}/", base.path().trim_end_matches('/'));
        base.set_path(&path);
        let (token, timeout) = (options.token, options.timeout);
        Ok(Self { base, token, timeout, loopback: OnceLock::new(), world: OnceLock::new() })
    }

    /// Nothing is written without a token.
    pub(crate) fn needs_token(&self) -> Result<(), GitHubError> {
        self.token.as_ref().map(|_| ()).ok_or(GitHubError::NoToken)
    }

    /// Sends a document to a path of the API, and reads the document that comes back.
    pub(crate) async fn post(&self, path: &str, document: &Value, asked: Asked<'_>) -> Result<Value, GitHubError> {
        self.needs_token()?;
        let sent = Sent::Post(document.to_string().into_bytes());
        let answer = self.exchange(&sent, &self.url(path)?, &[], SMALL, asked).await?;
        let answer = answer.body.and_then(|body| serde_json::from_slice(&body).ok());
        answer.ok_or_else(|| GitHubError::Protocol { what: asked.what.to_owned(), problem: "is no JSON".to_owned() })
    }

    /// An address below the API's.
    pub(crate) fn url(&self, path: &str) -> Result<Url, GitHubError> {
        self.base.join(path).map_err(|e| GitHubError::Address(e.to_string()))
    }

    /// The page that an answer names as the next one. The token would go there too, so it has to be the API's own origin.
    pub(crate) fn next(&self, current: &Url, next: &str) -> Option<Url> {
        current.join(next).ok().filter(|url| url.origin() == self.base.origin() && is_safe(url))
    }

    /// Where a bundle may be downloaded: elsewhere by TLS, on this machine only for an API on this machine.
    pub(crate) fn place(&self, address: &str) -> Option<Url> {
        let url = Url::parse(address).ok()?;
        (is_safe(&url) && (url.scheme() == "https" || is_loopback(&self.base))).then_some(url)
    }

    /// Sends a request, again and again where its failure may pass. `missing` are the statuses that are an answer too. At most
    /// `limit` bytes are read of a body.
    pub(crate) async fn exchange(
        &self,
        sent: &Sent,
        url: &Url,
        missing: &[StatusCode],
        limit: u64,
        asked: Asked<'_>,
    ) -> Result<Answer, GitHubError> {
        let mut attempt = 1;
        loop {
            match self.once(sent, url, missing, limit, asked).await {
                Ok(answer) => return Ok(answer),
                Err(Failed { again: Some(pause), .. }) if attempt < ATTEMPTS && pause <= LONGEST_PAUSE => {
                    let least = Duration::from_millis(250) * 4_u32.pow(attempt);
                    tokio::time::sleep(pause.max(least)).await;
                    attempt += 1;
                }
                Err(failed) => return Err(failed.error),
            }
        }
    }

    async fn once(
        &self,
        sent: &Sent,
        url: &Url,
        missing: &[StatusCode],
        limit: u64,
        asked: Asked<'_>,
    ) -> Result<Answer, Failed> {
        let what = asked.what;
        // The address of a bundle is a secret while it lasts, so that no message names it.
        let lost = |e: reqwest::Error| {
            let why = clip(&causes(&e.without_url()));
            Failed { error: GitHubError::Unavailable { what: what.to_owned(), why }, again: Some(Duration::ZERO) }
        };
        let mut response = self.request(sent, url)?.send().await.map_err(lost)?;
        let status = response.status();
        if missing.contains(&status) {
            return Ok(Answer { status, next: None, body: None });
        }
        if !status.is_success() {
            let text = read(&mut response, SMALL).await.map_err(lost)?.unwrap_or_default();
            return Err(refused(sent, response.headers(), status, &text, asked));
        }
        let next = response.headers().get(LINK).and_then(|value| value.to_str().ok()).and_then(link::next);
        let next = next.map(str::to_owned);
        let limit = if matches!(sent, Sent::Post(_)) { SMALL } else { limit };
        Ok(Answer { status, next, body: read(&mut response, limit).await.map_err(lost)? })
    }

    /// Sends a request once, and gives the answer whatever it is.
    pub(crate) async fn send(&self, sent: &Sent, url: &Url, what: &str) -> Result<Response, GitHubError> {
        let request = self.request(sent, url).map_err(|failed| failed.error)?;
        request.send().await.map_err(|e| {
            let why = clip(&causes(&e.without_url()));
            GitHubError::Unavailable { what: what.to_owned(), why }
        })
    }

    fn request(&self, sent: &Sent, url: &Url) -> Result<reqwest::RequestBuilder, Failed> {
        let client = self.client(url)?;
        let method = if matches!(sent, Sent::Post(_)) { Method::POST } else { Method::GET };
        let mut request = client.request(method, url.clone());
        if matches!(sent, Sent::Download) {
            return Ok(request);
        }
        request = request.header(ACCEPT, "application/vnd.github+json").header("x-github-api-version", API_VERSION);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.expose());
        }
        if let Sent::Post(body) = sent {
            request = request.header("content-type", "application/json").body(body.clone());
        }
        Ok(request)
    }

    fn client(&self, url: &Url) -> Result<&reqwest::Client, Failed> {
        let local = is_loopback(url);
        let kept = if local { &self.loopback } else { &self.world };
        if let Some(client) = kept.get() {
            return Ok(client);
        }
        let builder = reqwest::Client::builder()
            .user_agent(concat!("sealwright/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .timeout(self.timeout);
        let builder = if local { builder.no_proxy() } else { builder };
        let client = builder.build().map_err(|e| {
            let (what, why) = ("be asked anything".to_owned(), clip(&causes(&e)));
            Failed { error: GitHubError::Unavailable { what, why }, again: None }
        })?;
        Ok(kept.get_or_init(|| client))
    }
}

fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(is_loopback_host)
}

/// TLS everywhere, plain HTTP on this machine.
fn is_safe(url: &Url) -> bool {
    url.scheme() == "https" || url.scheme() == "http" && is_loopback(url)
}

/// What a status means. GitHub says with 403 both that something is not allowed and that one asked too often (GitHub REST API,
/// "Best practices", "Handle rate limit errors appropriately").
fn refused(sent: &Sent, headers: &HeaderMap, status: StatusCode, body: &[u8], asked: Asked<'_>) -> Failed {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let message = message(body);
    let (what, surface) = (asked.what.to_owned(), asked.surface);
    let wait = text(RETRY_AFTER.as_str()).and_then(|seconds| seconds.trim().parse().ok()).map(Duration::from_secs);
    let limited = status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::FORBIDDEN;
    let unavailable =
        |why: String, again| Failed { error: GitHubError::Unavailable { what: what.clone(), why }, again };
    if limited && wait.is_some_and(|wait| wait > LONGEST_PAUSE) {
        let seconds = wait.unwrap_or_default().as_secs();
        return unavailable(format!("it was asked too often, and wants {seconds} seconds of rest"), None);
    }
    if limited && wait.is_some() || status == StatusCode::TOO_MANY_REQUESTS {
        return unavailable(format!("it was asked too often: {status} {message}"), Some(wait.unwrap_or_default()));
    }
    if limited && text("x-ratelimit-remaining") == Some("0") {
        return unavailable(format!("the token's requests for this hour are used up: {status} {message}"), None);
    }
    if limited && message.raw().to_ascii_lowercase().contains("secondary rate limit") {
        return unavailable(format!("it was asked too often: {status} {message}"), Some(LONGEST_PAUSE));
    }
    if status.is_server_error() {
        return unavailable(format!("it answered {status} {message}"), Some(wait.unwrap_or_default()));
    }
    if matches!(sent, Sent::Download) {
        return unavailable(format!("what it keeps answered {status}"), None);
    }
    // GitHub REST API, "Getting started", "X-Accepted-GitHub-Permissions".
    let wants =
        text("x-accepted-github-permissions").filter(|wants| !wants.is_empty() && status == StatusCode::FORBIDDEN);
    let wants = wants.map(|wants| Untrusted::new(wants.chars().take(100).collect::<String>()));
    Failed { error: GitHubError::Refused { what, surface, status: status.as_u16(), wants, message }, again: None }
}

/// GitHub's own words, in one line.
pub(crate) fn message(body: &[u8]) -> Untrusted {
    let said = serde_json::from_slice::<Value>(body).ok();
    let said = said.as_ref().and_then(|value| value.get("message")).and_then(Value::as_str).unwrap_or_default();
    Untrusted::new(said.chars().take(300).collect::<String>())
}

fn clip(text: &str) -> String {
    Untrusted::new(text.chars().take(400).collect::<String>()).to_string()
}

pub(crate) async fn read(response: &mut Response, limit: u64) -> Result<Option<Vec<u8>>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() as u64 + chunk.len() as u64 > limit {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body))
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    const ASKED: Asked<'_> = Asked { surface: Surface::Attestations, what: "list" };

    fn store(address: &str) -> Result<Store, GitHubError> {
        Store::new(Options { address: address.to_owned(), token: None, timeout: Duration::from_secs(1) })
    }

    #[test]
    fn a_token_goes_to_no_plain_address() {
        for (good, below) in [
            ("https://api.github.com", "https://api.github.com/orgs/a"),
            ("https://ghe.example/api/v3", "https://ghe.example/api/v3/orgs/a"),
            ("https://ghe.example/api/v3/", "https://ghe.example/api/v3/orgs/a"),
            ("http://127.0.0.1:9", "http://127.0.0.1:9/orgs/a"),
        ] {
            assert_eq!(store(good).and_then(|s| s.url("orgs/a")).map(|u| u.to_string()).as_deref(), Ok(below));
        }
        for bad in ["http://api.github.com", "http://127.0.0.1.a.example", "ftp://a", "", "https://a?x", "https://u@a"]
        {
            assert!(matches!(store(bad), Err(GitHubError::Address(_))), "{bad}");
        }
    }

    #[test]
    fn pages_stay_where_the_api_is_and_bundles_on_no_plain_address() {
        let (world, here) =
            (store("https://api.github.com").expect("store"), store("http://127.0.0.1:9").expect("store"));
        let page = world.url("orgs/a/attestations/x").expect("url");
        assert!(world.next(&page, "https://api.github.com/organizations/1?after=2").is_some());
        assert!(world.next(&page, "?after=2").is_some_and(|url| url.path() == "/orgs/a/attestations/x"));
        for bad in
            ["https://evil.example/a", "http://api.github.com/a", "https://api.github.com:444/a", "//evil.example"]
        {
            assert!(world.next(&page, bad).is_none(), "{bad}");
        }
        assert!(world.place("https://blobs.example/x?sig=1").is_some());
        for bad in ["http://blobs.example/x", "http://127.0.0.1:2375/x", "file:///etc/passwd", "x"] {
            assert!(world.place(bad).is_none(), "{bad}");
        }
        assert!(here.place("http://127.0.0.1:7/x").is_some() && here.place("http://blobs.example/x").is_none());
    }

    #[test]
    fn what_may_pass_is_told_from_what_does_not() {
        let of = |status: u16, headers: &[(&'static str, &'static str)], said: &str| {
            let headers = headers
                .iter()
                .map(|(name, value)| ((*name).parse().expect("name"), HeaderValue::from_static(value)))
                .collect();
            let body = format!(r#"{{"message":"{said}"}}"#);
            let status = StatusCode::from_u16(status).expect("status");
            let failed = refused(&Sent::Get, &headers, status, body.as_bytes(), ASKED);
            (failed.again.map(|pause| pause.as_secs()), failed.error)
        };
        for (status, headers, said, again) in [
            (429, &[][..], "", Some(0)),
            (429, &[("retry-after", "7")], "", Some(7)),
            (403, &[("retry-after", "7")], "", Some(7)),
            (403, &[("retry-after", "3600")], "", None),
            (403, &[("x-ratelimit-remaining", "0")], "API rate limit exceeded", None),
            (403, &[], "You have exceeded a secondary rate limit.", Some(60)),
            (500, &[], "", Some(0)),
            (503, &[("retry-after", "2")], "", Some(2)),
        ] {
            let (found, error) = of(status, headers, said);
            assert_eq!(found, again, "{status} {said}");
            assert!(matches!(error, GitHubError::Unavailable { .. }), "{error}");
        }
        for status in [301, 400, 401, 403, 404, 422] {
            let (again, error) = of(status, &[("x-ratelimit-remaining", "41")], "no\u{202e}");
            assert!(
                again.is_none() && matches!(error, GitHubError::Refused { status: s, .. } if s == status),
                "{error}"
            );
            assert!(!error.to_string().contains('\u{202e}'), "{error}");
        }
    }
}
