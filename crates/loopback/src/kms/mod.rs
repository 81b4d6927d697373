//! A stand-in for AWS Key Management Service with asymmetric keys, on loopback: `DescribeKey`, `GetPublicKey` and `Sign` of the
//! AWS JSON 1.1 protocol (AWS KMS API Reference, `TrentService`).
//!
//! It is a fake: there are no policies, no regions, and its keys are gone with it. It is strict where clients go wrong: the
//! signature of a request (Signature Version 4) has to be right, a digest has to have its algorithm's length, and an
//! algorithm has to fit the key.

mod key;

use std::io;
use std::sync::{Arc, Mutex};

use aws_lc_rs::rand;
use axum::Router;
use axum::extract::{Request as HttpRequest, State};
use axum::http::{Method, StatusCode};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::answer::answer;
use crate::lock;
use crate::server::{Server, listen};
use crate::sigv4::{self, AccessKey};
use crate::traffic::{Incoming, Traffic};

pub use crate::traffic::{Effect, Fault, Request};
pub use key::KeySpec;

use key::Key;

/// The region that requests have to be signed for.
pub const REGION: &str = "eu-west-1";
const ACCOUNT: &str = "111122223333";

/// A running service; it ends when it is dropped.
#[derive(Debug)]
pub struct Kms {
    shared: Arc<Shared>,
    _server: Server,
}

#[derive(Debug)]
struct Shared {
    url: String,
    access_key: AccessKey,
    keys: Mutex<Vec<Key>>,
    traffic: Traffic,
}

impl Kms {
    /// Starts a service without keys on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When no port can be had or no thread started.
    pub fn start() -> io::Result<Self> {
        let (listener, address) = listen()?;
        let mut secret = [0; 20];
        rand::fill(&mut secret).map_err(|_| io::Error::other("no randomness"))?;
        let shared = Arc::new(Shared {
            url: format!("http://{address}"),
            access_key: AccessKey {
                id: "AKIALOOPBACKLOOPBACK".to_owned(),
                secret: STANDARD.encode(secret),
                session_token: None,
            },
            keys: Mutex::default(),
            traffic: Traffic::default(),
        });
        let app = Router::new().fallback(handle).with_state(Arc::clone(&shared));
        let server = Server::start("loopback-kms", listener, app)?;
        Ok(Self { shared, _server: server })
    }

    /// The variables by which AWS's SDKs find the service and sign their requests.
    pub fn variables(&self) -> [(&'static str, String); 4] {
        [
            ("AWS_ENDPOINT_URL_KMS", self.shared.url.clone()),
            ("AWS_ACCESS_KEY_ID", self.shared.access_key.id.clone()),
            ("AWS_SECRET_ACCESS_KEY", self.shared.access_key.secret.clone()),
            ("AWS_REGION", REGION.to_owned()),
        ]
    }

    /// A new key with the alias `alias/NAME`; gives its ARN.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn key(&self, spec: KeySpec, name: &str) -> io::Result<String> {
        let mut keys = lock(&self.shared.keys);
        let id = format!("00000000-0000-4000-8000-{:012}", keys.len());
        let arn = format!("arn:aws:kms:{REGION}:{ACCOUNT}:key/{id}");
        let alias = format!("alias/{name}");
        // An alias that is given again moves.
        keys.iter_mut().filter(|key| key.alias == alias).for_each(|key| key.alias.clear());
        keys.push(Key::generate(spec, id, arn.clone(), alias).map_err(|_| io::Error::other("no key could be made"))?);
        Ok(arn)
    }

    /// Adds a fault. Faults are tried in the order in which they were added.
    pub fn fault(&self, fault: Fault) {
        self.shared.traffic.expect(fault);
    }

    /// Every request so far.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.traffic.requests()
    }
}

async fn handle(State(shared): State<Arc<Shared>>, request: HttpRequest) -> Response {
    shared.traffic.exchange(request, unavailable, |incoming| dispatch(&shared, incoming)).await
}

fn unavailable(status: StatusCode, message: &str) -> Response {
    refuse(status, &Refusal::new("KMSInternalException", message))
}

/// Why a request is not carried out: an exception of the API, and words.
struct Refusal {
    exception: &'static str,
    message: String,
}

impl Refusal {
    fn new(exception: &'static str, message: impl Into<String>) -> Self {
        Self { exception, message: message.into() }
    }
}

fn refuse(status: StatusCode, refusal: &Refusal) -> Response {
    let body = json!({ "__type": refusal.exception, "message": refusal.message });
    answer(status, &[("content-type", "application/x-amz-json-1.1")], body.to_string())
}

fn dispatch(shared: &Shared, incoming: &Incoming) -> Response {
    match carry_out(shared, incoming) {
        Ok(value) => answer(StatusCode::OK, &[("content-type", "application/x-amz-json-1.1")], value.to_string()),
        Err(refusal) => refuse(StatusCode::BAD_REQUEST, &refusal),
    }
}

fn carry_out(shared: &Shared, incoming: &Incoming) -> Result<Value, Refusal> {
    if incoming.method != Method::POST || incoming.path != "/" {
        return Err(Refusal::new("UnknownOperationException", "only POST / is known"));
    }
    if incoming.header("content-type") != Some("application/x-amz-json-1.1") {
        return Err(Refusal::new("SerializationException", "the content type is not application/x-amz-json-1.1"));
    }
    sigv4::verify(incoming, &shared.access_key, REGION, "kms")
        .map_err(|why| Refusal::new("IncompleteSignatureException", why))?;
    let body: Value = serde_json::from_slice(&incoming.body)
        .map_err(|_| Refusal::new("SerializationException", "the body is not JSON"))?;
    let keys = lock(&shared.keys);
    let wanted = body.get("KeyId").and_then(Value::as_str).unwrap_or_default();
    let key = keys.iter().find(|key| key.is(wanted));
    let key = key.ok_or_else(|| Refusal::new("NotFoundException", format!("there is no key {wanted}")))?;
    match incoming.header("x-amz-target") {
        Some("TrentService.DescribeKey") => Ok(json!({ "KeyMetadata": key.described(ACCOUNT) })),
        Some("TrentService.GetPublicKey") => Ok(key.public()),
        Some("TrentService.Sign") => key.sign(&body),
        _ => Err(Refusal::new("UnknownOperationException", "this service is a fake: it does not do that")),
    }
}
