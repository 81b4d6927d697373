//! A stand-in for an AWS account with ECR, on loopback: Security Token Service, what IAM says of a role, ECR's control plane, and
//! the registry itself under its own name with TLS.
//!
//! It is a fake: one account in one region, no paging, no quotas, no expiry, policies that only allow, repositories that all
//! have one tag mode, and a registry that has every other switch of [`crate::registry`]. It is strict where clients go wrong:
//! requests have to be signed (Signature Version 4) with their session token, a token has to be the authority's, for STS and
//! let in by the role's trust policy, and a session may do only what the role's permissions *and* its session policy allow,
//! at the registry too.

mod ecr;
mod iam;
mod policy;
mod principal;
mod query;
mod sts;
mod trust;

use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request as HttpRequest, State};
use axum::http::{Method, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};

use crate::answer::answer;
use crate::authority::{Authority, Tokens};
use crate::lock;
use crate::registry::{Access, ReferrersApi, Registry, Switches, Tags};
use crate::server::{Server, listen};
use crate::sigv4::AccessKey;
use crate::tls::Front;
use crate::traffic::{Incoming, Traffic};

pub use crate::traffic::{Effect, Fault, Request};
pub use principal::Given;

use policy::Policy;
use principal::{Principal, secret};
use query::Form;
use trust::Trust;

/// The region that requests have to be signed for.
pub const REGION: &str = "eu-west-1";
/// The account.
pub const ACCOUNT: &str = "111122223333";

/// A role that a workload can assume.
#[derive(Debug, Clone)]
pub struct Role {
    /// `arn:aws:iam::ACCOUNT:role/NAME`, of any account.
    pub arn: String,
    /// The `StringLike` on the token's `sub` of the trust policy that it starts with, which demands issuer and audience too.
    pub subjects: Vec<String>,
    /// Its permissions policy.
    pub permissions: Value,
}

/// A running account; it ends when it is dropped.
#[derive(Debug)]
pub struct Account {
    shared: Arc<Shared>,
    url: String,
    user: AccessKey,
    front: Front,
    _server: Server,
}

struct Shared {
    host: String,
    tokens: Tokens,
    /// The identity provider, as an account names it: the issuer without its scheme.
    provider: String,
    roles: Mutex<Vec<Known>>,
    guests: Mutex<BTreeSet<String>>,
    repositories: Mutex<BTreeSet<String>>,
    given: Given,
    registry: Registry,
    traffic: Traffic,
}

/// A role, and who may assume it.
#[derive(Debug, Clone)]
struct Known {
    role: Role,
    trust: Trust,
}

impl Known {
    fn account(&self) -> &str {
        self.role.arn.split(':').nth(4).unwrap_or_default()
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("host", &self.host).finish_non_exhaustive()
    }
}

impl Account {
    /// Starts an account without repositories and roles. Its roles trust `authority`, in the place of GitHub's issuer.
    ///
    /// # Errors
    /// When no port can be had, no thread started or no key made.
    pub fn start(authority: &Authority) -> io::Result<Self> {
        let given = Given::default();
        let access = Access::Ecr(given.clone());
        let registry = Registry::start(Switches { access, referrers: ReferrersApi::On, ..Switches::default() })?;
        let host = format!("{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com");
        let front = Front::start(&host, registry.address())?;
        let user = AccessKey {
            id: "AKIALOOPBACKLOOPBACK".to_owned(),
            secret: secret().map_err(io::Error::other)?,
            session_token: None,
        };
        let everything =
            json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "*", "Resource": "*" }] });
        let everything = Policy::of(&everything).map_err(io::Error::other)?;
        let arn = format!("arn:aws:iam::{ACCOUNT}:user/admin");
        given.give_key(user.clone(), Arc::new(Principal::new(arn, ACCOUNT.to_owned(), everything, None, false)));
        let (listener, address) = listen()?;
        let shared = Arc::new(Shared {
            host,
            tokens: authority.tokens(),
            provider: authority.issuer().split_once("://").map_or("", |(_, rest)| rest).to_owned(),
            roles: Mutex::default(),
            guests: Mutex::default(),
            repositories: Mutex::default(),
            given,
            registry,
            traffic: Traffic::default(),
        });
        let app = Router::new().fallback(handle).with_state(Arc::clone(&shared));
        let server = Server::start("loopback-aws", listener, app)?;
        Ok(Self { shared, url: format!("http://{address}"), user, front, _server: server })
    }

    /// The registry's name, as image references spell it.
    pub fn host(&self) -> &str {
        &self.shared.host
    }

    /// The registry behind that name.
    pub fn registry(&self) -> &Registry {
        &self.shared.registry
    }

    /// Creates a repository.
    pub fn create(&self, repository: &str) {
        lock(&self.shared.repositories).insert(repository.to_owned());
    }

    /// Sets the tag mode of all repositories, with the rules of `PutImageTagMutability`.
    ///
    /// # Errors
    /// When ECR would not take the filters: there are 1 to 5, with at most 128 characters of `[0-9A-Za-z._*-]` and two `*` each.
    pub fn set_tags(&self, tags: Tags) -> io::Result<()> {
        let filters = match &tags {
            Tags::Mutable | Tags::Immutable => None,
            Tags::MutableWithExclusion(filters) | Tags::ImmutableWithExclusion(filters) => Some(filters),
        };
        let is_one = |filter: &String| {
            let allowed = filter.bytes().all(|b| b.is_ascii_alphanumeric() || b"._*-".contains(&b));
            (1..=128).contains(&filter.len()) && allowed && filter.matches('*').count() <= 2
        };
        if filters.is_some_and(|filters| !(1..=5).contains(&filters.len()) || !filters.iter().all(is_one)) {
            return Err(io::Error::other("InvalidParameterException: ECR takes no such exclusion filters"));
        }
        self.shared.registry.switch(|switches| switches.tags = tags);
        Ok(())
    }

    /// Adds a role.
    pub fn add_role(&self, role: Role) {
        let account = role.arn.split(':').nth(4).unwrap_or_default();
        let trust = Trust::of_subjects(&role.subjects, &self.shared.provider, account);
        lock(&self.shared.roles).push(Known { role, trust });
    }

    /// Gives a role another trust policy (`UpdateAssumeRolePolicy`).
    ///
    /// # Errors
    /// When there is no such role, or the document has something in it that this service does not judge.
    pub fn set_trust_policy(&self, role: &str, document: Value) -> io::Result<()> {
        let trust = Trust::of(document).map_err(|why| io::Error::other(format!("MalformedPolicyDocument: {why}")))?;
        let mut roles = lock(&self.shared.roles);
        let known = roles.iter_mut().find(|known| known.role.arn == role);
        known.ok_or_else(|| io::Error::other("NoSuchEntity"))?.trust = trust;
        Ok(())
    }

    /// Lets another account into all repositories, as their own policies can. Sessions that exist gain nothing.
    pub fn let_in(&self, account: &str) {
        lock(&self.shared.guests).insert(account.to_owned());
    }

    /// The variables by which AWS's SDKs find the services, and every client the registry; no credentials.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ENDPOINT_URL_STS", self.url.clone()),
            ("AWS_ENDPOINT_URL_IAM", self.url.clone()),
            ("AWS_ENDPOINT_URL_ECR", self.url.clone()),
            ("AWS_ENDPOINT_URL_ECR_PUBLIC", self.url.clone()),
            ("HTTPS_PROXY", self.front.proxy()),
        ]
    }

    /// The access key of a user who may do everything, as the variables of AWS's SDKs.
    pub fn user(&self) -> Vec<(&'static str, String)> {
        vec![("AWS_ACCESS_KEY_ID", self.user.id.clone()), ("AWS_SECRET_ACCESS_KEY", self.user.secret.clone())]
    }

    /// A password for the registry, as `GetAuthorizationToken` gives that user one.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn password(&self) -> io::Result<String> {
        let password = secret().map_err(io::Error::other)?;
        let (_, user) = self.shared.given.key(&self.user.id).ok_or_else(|| io::Error::other("the user is gone"))?;
        self.shared.given.give_password(password.clone(), user);
        Ok(password)
    }

    /// The sessions of roles so far, by the ARNs that CloudTrail would show.
    pub fn sessions(&self) -> Vec<String> {
        self.shared.given.principals().into_iter().filter(|arn| arn.contains(":assumed-role/")).collect()
    }

    /// The certificate of the authority that the registry's own is from (PEM), for `SSL_CERT_FILE`.
    pub fn ca_certificate(&self) -> &str {
        self.front.ca_certificate()
    }

    /// Adds a fault of STS, IAM and the control plane. Faults are tried in the order in which they were added.
    pub fn fault(&self, fault: Fault) {
        self.shared.traffic.expect(fault);
    }

    /// Every request to STS, IAM and the control plane so far.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.traffic.requests()
    }
}

impl Shared {
    fn roles(&self) -> Vec<Known> {
        lock(&self.roles).clone()
    }

    fn guests(&self) -> BTreeSet<String> {
        lock(&self.guests).clone()
    }

    fn knows(&self, repository: &str) -> bool {
        lock(&self.repositories).contains(repository)
    }

    fn tags(&self) -> Tags {
        let mut tags = Tags::default();
        self.registry.switch(|switches| tags = switches.tags.clone());
        tags
    }
}

/// `arn:PARTITION:ecr:REGION:ACCOUNT:repository/NAME` (Service Authorization Reference, "Amazon Elastic Container Registry").
pub(crate) fn repository_arn(name: &str) -> String {
    format!("arn:aws:ecr:{REGION}:{ACCOUNT}:repository/{name}")
}

/// Which principal may do what at the registry.
impl Given {
    /// Whether the password's owner may do this to a repository; `None` where nobody owns it.
    pub(crate) fn check(&self, password: &str, actions: &[&str], repository: &str) -> Option<Result<(), String>> {
        let principal = self.by_password(password)?;
        Some(actions.iter().try_for_each(|action| principal.may(action, &repository_arn(repository), ACCOUNT)))
    }
}

async fn handle(State(shared): State<Arc<Shared>>, request: HttpRequest) -> Response {
    shared.traffic.exchange(request, unavailable, |incoming| dispatch(&shared, incoming)).await
}

fn unavailable(status: StatusCode, message: &str) -> Response {
    answer(
        status,
        &[("content-type", "application/x-amz-json-1.1")],
        json!({ "__type": "ServerException", "message": message }).to_string(),
    )
}

/// The query protocol has forms, in which the version says which service is meant; the JSON protocol has a target.
fn dispatch(shared: &Shared, incoming: &Incoming) -> Response {
    if incoming.method != Method::POST || incoming.path != "/" {
        return unavailable(StatusCode::NOT_FOUND, "only POST / is known");
    }
    match incoming.header("content-type") {
        Some("application/x-www-form-urlencoded" | "application/x-www-form-urlencoded; charset=utf-8") => {
            let form = Form::of(&incoming.body);
            match form.one("Version") {
                Some(iam::VERSION) => iam::dispatch(shared, incoming, &form),
                _ => sts::dispatch(shared, &form),
            }
        }
        _ => ecr::dispatch(shared, incoming),
    }
}
