//! What happened on the wire, and what shall go wrong there.

use std::sync::Mutex;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::Response;

use crate::{body, lock};

/// The most that one request may carry: it lies in memory.
const MOST: usize = 1 << 30;

/// One request, as it was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `PUT` …
    pub method: String,
    /// The path of the URL.
    pub path: String,
    /// The query of the URL, empty without one.
    pub query: String,
    /// The `Authorization` header as it came. Only throw-away credentials ever reach a fake.
    pub authorization: Option<String>,
    /// The status of the answer; 0 where there is none.
    pub status: u16,
}

/// Something that goes wrong a number of times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The method it is about; every one when empty.
    pub method: String,
    /// A part of the path it is about.
    pub path: String,
    /// What happens.
    pub effect: Effect,
    /// How often it happens.
    pub times: u32,
}

impl Fault {
    /// A fault that happens once.
    pub fn once(method: &str, path: &str, effect: Effect) -> Self {
        Self { method: method.into(), path: path.into(), effect, times: 1 }
    }

    /// A fault that never stops.
    pub fn always(method: &str, path: &str, effect: Effect) -> Self {
        Self { times: u32::MAX, ..Self::once(method, path, effect) }
    }

    pub(crate) fn fits(&self, method: &str, path: &str) -> bool {
        self.times > 0 && (self.method.is_empty() || self.method == method) && path.contains(&self.path)
    }
}

/// What a fault does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// The request is not carried out; this status comes instead.
    Status(u16),
    /// The same with `Retry-After`, in seconds.
    RetryAfter(u16, u64),
    /// The answer's body ends halfway and the connection breaks.
    CutBody,
    /// The answer's body comes in four parts with this pause before each.
    SlowBody(Duration),
    /// A pushed manifest is acknowledged and stored, and its tag is not written: another writer was faster.
    LoseTag,
    /// The request is not carried out and never answered; it stands in the log with status 0 while its client waits.
    Hold,
    /// The answer states no length, and its body never ends.
    Endless,
    /// None: it uses up its times, so that the faults after it wait for later requests.
    Nothing,
}

/// The faults that wait, and the requests that were.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    faults: Mutex<Vec<Fault>>,
    log: Mutex<Vec<Request>>,
}

/// A request whose body was read.
pub(crate) struct Incoming {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) lose_tag: bool,
}

impl Incoming {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|v| v.to_str().ok())
    }
}

impl Traffic {
    pub(crate) fn expect(&self, fault: Fault) {
        lock(&self.faults).push(fault);
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        lock(&self.log).clone()
    }

    pub(crate) fn forget(&self) {
        lock(&self.log).clear();
    }

    /// The effect of the first fault that fits this request, which is used up once.
    fn fault(&self, method: &str, path: &str) -> Option<Effect> {
        let mut faults = lock(&self.faults);
        let fault = faults.iter_mut().find(|f| f.fits(method, path))?;
        fault.times -= 1;
        Some(fault.effect.clone())
    }

    /// Reads the request, lets `carry_out` answer it unless a fault waits for it, and writes it down. `refuse` makes an
    /// answer with an error status.
    pub(crate) async fn exchange(
        &self,
        request: axum::extract::Request,
        refuse: fn(StatusCode, &str) -> Response,
        carry_out: impl FnOnce(&Incoming) -> Response,
    ) -> Response {
        let (parts, stream) = request.into_parts();
        let method = parts.method;
        let path = parts.uri.path().to_owned();
        let query = parts.uri.query().unwrap_or_default().to_owned();
        let authorization = parts.headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok()).map(str::to_owned);
        let response = match to_bytes(stream, MOST).await {
            Ok(body) => {
                let effect = self.fault(method.as_str(), &path);
                let (method, path, query) = (method.clone(), path.clone(), query.clone());
                if effect == Some(Effect::Hold) {
                    let (method, path, query) = (method.to_string(), path.clone(), query.clone());
                    let authorization = authorization.clone();
                    lock(&self.log).push(Request { method, path, query, authorization, status: 0 });
                }
                let lose_tag = effect == Some(Effect::LoseTag);
                let incoming = Incoming { method, path, query, headers: parts.headers, body, lose_tag };
                with_effect(effect, refuse, || carry_out(&incoming)).await
            }
            // A push that broke off, or one that is too large for a fake.
            Err(_) => refuse(StatusCode::BAD_REQUEST, "the request's body could not be read"),
        };
        let status = response.status().as_u16();
        let head = method == Method::HEAD;
        lock(&self.log).push(Request { method: method.to_string(), path, query, authorization, status });
        if head { without_body(response) } else { response }
    }
}

async fn with_effect(
    effect: Option<Effect>,
    refuse: fn(StatusCode, &str) -> Response,
    carry_out: impl FnOnce() -> Response,
) -> Response {
    let refuse = |status| {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        refuse(status, "this fault was asked for")
    };
    match effect {
        Some(Effect::Status(status)) => refuse(status),
        Some(Effect::RetryAfter(status, seconds)) => {
            let mut response = refuse(status);
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            response
        }
        Some(Effect::CutBody) => remade(carry_out(), body::cut).await,
        Some(Effect::SlowBody(pause)) => remade(carry_out(), |bytes| body::slow(bytes, pause)).await,
        Some(Effect::Hold) => std::future::pending().await,
        Some(Effect::Endless) => {
            let (mut parts, _) = carry_out().into_parts();
            parts.headers.remove(header::CONTENT_LENGTH);
            Response::from_parts(parts, body::endless())
        }
        Some(Effect::LoseTag | Effect::Nothing) | None => carry_out(),
    }
}

/// The same answer with another body and the length it would have had.
async fn remade(response: Response, remake: impl FnOnce(&Bytes) -> Body) -> Response {
    let (mut parts, body) = response.into_parts();
    let bytes = to_bytes(body, MOST).await.unwrap_or_default();
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    Response::from_parts(parts, remake(&bytes))
}

fn without_body(response: Response) -> Response {
    let (parts, _) = response.into_parts();
    Response::from_parts(parts, Body::empty())
}
