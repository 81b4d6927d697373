//! Amazon ECR: its logins, and what its immutable tags will refuse, said before anything is sent.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sealwright_core::{Digest, Redacted, Repository};
use sealwright_ecr::{AUDIENCE, Access, Client, EcrError, Host, Mutability, RoleArn, Scope, WhoAsks};
use sealwright_registry::{Asked, Login, LoginProvider, NoLogin, ProvidedLogin, RegistryError};
use sealwright_sign::{JobTokens, SignError};
use tokio::sync::Mutex;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::report::console::Console;

/// What one command knows of ECR. Nothing is asked before it is needed.
pub struct Ecr {
    role: Option<(RoleArn, JobTokens)>,
    /// Of all others a role's session may only read.
    written: Vec<Repository>,
    timeout: Duration,
    /// One for each repository: the session of a role is for no other.
    clients: Mutex<HashMap<Repository, Arc<Client>>>,
}

impl fmt::Debug for Ecr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ecr").field("role", &self.role).finish_non_exhaustive()
    }
}

/// Why AWS was not asked, or did not answer.
#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error(transparent)]
    Ecr(#[from] EcrError),
    #[error("the job's identity token: {0}")]
    Token(#[from] SignError),
}

impl Problem {
    fn is_unavailable(&self) -> bool {
        match self {
            Self::Ecr(error) => error.is_unavailable(),
            Self::Token(error) => error.is_unavailable(),
        }
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::new(if problem.is_unavailable() { Exit::Unavailable } else { Exit::Usage }, problem.to_string())
    }
}

impl Ecr {
    /// With a role, the job's own identity assumes it, to write into the repositories that are `written` and to read others;
    /// without one, credentials are found as by every AWS SDK.
    ///
    /// # Errors
    /// When there is a role and no job that could assume it.
    pub fn new(role: Option<&RoleArn>, written: &[&Repository], context: &Context) -> Result<Self, Failure> {
        let role = role.map(|role| Ok::<_, Failure>((role.clone(), tokens(context)?))).transpose()?;
        let written = written.iter().map(|repository| (*repository).clone()).collect();
        Ok(Self { role, written, ..Self::ambient(context) })
    }

    /// Credentials are found as by every AWS SDK.
    pub fn ambient(context: &Context) -> Self {
        Self { role: None, written: Vec::new(), timeout: context.timeout, clients: Mutex::default() }
    }

    /// User and password of a registry; those of a role may do what the role may in the whole registry.
    ///
    /// # Errors
    /// When AWS gives none.
    pub async fn registry_login(&self, registry: &str, host: &Host) -> Result<(String, Redacted<String>), Failure> {
        let logged_in = async {
            Ok::<_, Problem>(self.open(host, &Scope { repository: None, access: Access::Push }).await?.login().await?)
        };
        let login = logged_in.await.map_err(|problem| {
            let (registry, unavailable) = (registry.to_owned(), problem.is_unavailable());
            RegistryError::NoLogin { registry, problem: problem.to_string(), unavailable }
        })?;
        Ok((login.user, login.password))
    }

    /// The tag mode of a repository; nothing where it is none of ECR's.
    ///
    /// # Errors
    /// When the role is not given, or ECR does not say.
    pub async fn mode(&self, repository: &Repository) -> Result<Option<Mutability>, Failure> {
        let Some(host) = Host::of(repository.registry()) else { return Ok(None) };
        let asked =
            async { Ok::<_, Problem>(self.client(&host, repository).await?.mutability(repository.path()).await?) };
        asked.await.map(Some).map_err(|problem| problem.into())
    }

    /// Fails where the role's session, or whose credentials are found, cannot be had for a repository of ECR.
    ///
    /// # Errors
    /// As said.
    pub async fn open_session(&self, host: &Host, repository: &Repository) -> Result<(), Failure> {
        self.client(host, repository).await.map(|_| ()).map_err(|problem| problem.into())
    }

    /// Fails where a tag names another image and is immutable. ECR would say so too, after everything else was sent.
    ///
    /// # Errors
    /// As said.
    pub async fn check_tag(
        &self,
        repository: &Repository,
        tag: &str,
        (existing, wanted): (Digest, Digest),
        console: &Console,
    ) -> Result<(), Failure> {
        let Some(mode) = self.immutable(repository, tag, console).await else { return Ok(()) };
        let asked = Asked { what: "push tag", target: format!("{repository}:{tag}") };
        let failure = Failure::from(RegistryError::TagConflict { asked, existing, wanted });
        Err(failure.hint(format!("nothing was sent: tags of {repository} are {mode}; push under another tag")))
    }

    /// Why the next statement in one of cosign's older formats will be refused: all of them are in one image behind one tag,
    /// `sha256-HEX.att` or `sha256-HEX.sig`, which each writer reads, adds to and writes again. Nothing where it will be taken,
    /// or the repository is none of ECR's, or ECR does not say.
    ///
    /// # Errors
    /// When the registry does not say what the tag names.
    pub async fn refuses_legacy(
        &self,
        client: &sealwright_registry::Client,
        repository: &Repository,
        tag: &str,
        console: &Console,
    ) -> Result<Option<Failure>, Failure> {
        let Some(mode) = self.immutable(repository, tag, console).await else { return Ok(None) };
        let existing = client.tag_state(repository, tag).await?;
        let place = format!("{repository}:{tag}");
        if existing.is_none() {
            console.warn(&format!("{place} can be written once: tags of the repository are {mode}"));
        }
        Ok(existing.map(|existing| legacy_refusal(&place, existing, &mode)))
    }

    /// The tag mode, where a tag of ECR that is there cannot be written again.
    async fn immutable(&self, repository: &Repository, tag: &str, console: &Console) -> Option<Mutability> {
        let host = Host::of(repository.registry())?;
        let asked =
            async { Ok::<_, Problem>(self.client(&host, repository).await?.mutability(repository.path()).await?) };
        match asked.await {
            Ok(mode) => (!mode.allows_rewrite(tag)).then_some(mode),
            Err(problem) => {
                console.warn(&format!("it is not known whether tags of {repository} may move: {problem}"));
                None
            }
        }
    }

    async fn client(&self, host: &Host, repository: &Repository) -> Result<Arc<Client>, Problem> {
        let mut clients = self.clients.lock().await;
        if let Some(client) = clients.get(repository) {
            return Ok(Arc::clone(client));
        }
        let access = if self.written.contains(repository) { Access::Push } else { Access::Pull };
        let scope = Scope { repository: Some(repository.path().to_owned()), access };
        let client = Arc::new(self.open(host, &scope).await?);
        clients.insert(repository.clone(), Arc::clone(&client));
        Ok(client)
    }

    async fn open(&self, host: &Host, scope: &Scope) -> Result<Client, Problem> {
        let who = match &self.role {
            Some((arn, tokens)) => WhoAsks::Role { arn: arn.clone(), token: tokens.request().await? },
            None => WhoAsks::Ambient,
        };
        Ok(Client::open(host, scope, &who, self.timeout).await?)
    }
}

impl LoginProvider for Ecr {
    fn login<'a>(&'a self, repository: &'a Repository) -> ProvidedLogin<'a> {
        Box::pin(async move {
            let Some(host) = Host::of(repository.registry()) else { return Ok(None) };
            let logged_in = async { Ok::<_, Problem>(self.client(&host, repository).await?.login().await?) };
            match logged_in.await {
                Ok(login) => Ok(Some(Login::Password { user: login.user, password: login.password })),
                // Anyone may pull there.
                Err(Problem::Ecr(EcrError::Credentials(_))) if host == Host::Public => Ok(None),
                Err(problem) => Err(NoLogin { unavailable: problem.is_unavailable(), problem: problem.to_string() }),
            }
        })
    }
}

/// The job's identity tokens for AWS.
///
/// # Errors
/// When this is no job that is given some.
pub fn tokens(context: &Context) -> Result<JobTokens, Failure> {
    let Some((url, bearer)) = &context.environment.token_endpoint else {
        return Err(Failure::usage("--aws-role needs the identity of a GitHub Actions job").hint(
            if context.environment.github_actions {
                "the job has no token endpoint: give it `permissions: id-token: write`"
            } else {
                "elsewhere leave it out: AWS credentials are found as by every AWS SDK, and a profile can name a role"
            },
        ));
    };
    Ok(JobTokens::github(url, bearer.clone(), AUDIENCE, context.timeout)?)
}

fn legacy_refusal(place: &str, existing: Digest, mode: &Mutability) -> Failure {
    let what = format!("{place} names {existing} and cannot be added to: tags of the repository are {mode}");
    Failure::usage(what).hint(format!(
        "nothing was signed for it; bundles as referrers need no tag and work here as it is. Only where a reader knows none of them, \
         exclude sha256-*{} from immutability: whoever may push can then remove what is behind such a tag",
        suffix(place)
    ))
}

/// `.att` of `sha256-HEX.att`.
fn suffix(tag: &str) -> &str {
    tag.rfind('.').and_then(|at| tag.get(at..)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weaker_tags_are_the_last_way_and_only_as_weak_as_they_have_to_be() {
        let failure = legacy_refusal("r.example/a:sha256-ab.att", Digest::of(b"x"), &Mutability::Immutable);
        assert_eq!(failure.exit, Exit::Usage);
        assert!(failure.message.contains("r.example/a:sha256-ab.att names sha256:2d71"), "{failure}");
        let hint = failure.hint.expect("a hint");
        assert!(hint.find("referrers") < hint.find("sha256-*.att"), "{hint}");
        assert!(!hint.contains(".sig") && !hint.contains("MUTABLE"), "{hint}");
    }
}
