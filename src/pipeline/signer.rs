//! Who signs, and how its signatures are checked when they are read back.

use std::path::Path;

use sealwright_attest::{ProvenBuilder, SourceIdentity};
use sealwright_core::bounded::read_file;
use sealwright_core::{Digest, Redacted};
use sealwright_policy::{
    Builder, BuilderIdentity, KeyRule, KeylessRule, Policy, Runner, SubjectRule, Transparency as Demanded, pull_request,
};
use sealwright_sign::{
    KeySigner, KeylessSigner, KmsKey, LoggedKeySigner, SIGSTORE, Signer, SigningKey, Visibility, WorkloadClaims,
    sign_in,
};
use sealwright_verify::{Anchor, BuilderAnchor, NamedClaims, NamedSource, Proof, PublicKey, TrustedRoot};
use tokio::runtime::Handle;

use super::token::{self, Found};
use super::trust_root::TrustRoots;
use super::vault;
use crate::cli::arguments::{Identity, Signing, Transparency};
use crate::cli::key_ref::KeyRef;
use crate::context::Context;
use crate::failure::Failure;

/// A signer, and what is known about it before it signs.
#[derive(Debug)]
pub struct Sealer {
    /// It signs.
    pub signer: Signer,
    /// The builder that it is where no trust file names one.
    pub builder: BuilderAnchor,
    /// The source that its token names. A certificate has to name the same one; that is checked when it is read back. Where a key
    /// signs, its holder says it.
    pub source: Option<SourceIdentity>,
    who: Who,
}

#[derive(Debug)]
enum Who {
    Key(Digest),
    Workload(Box<WorkloadClaims>, String),
    Identity { subject: String, issuer: String },
}

/// Reads key, token and configuration. Only a CI system's token endpoint, a key service and the instance's TUF repository are
/// asked, each for what it has, and a person at a terminal.
///
/// # Errors
/// When one of them cannot be used, or they do not fit together.
pub fn open(
    arguments: &Signing,
    roots: &TrustRoots<'_>,
    context: &Context,
    handle: &Handle,
) -> Result<Sealer, Failure> {
    match (&arguments.identity.key, arguments.transparency) {
        (Some(key), Some(Transparency::None)) => {
            let source = stated_source(&arguments.identity, context, handle)?;
            Sealer::of_key(read_key(key, &arguments.identity, context, handle)?, key, source)
        }
        (Some(_), None) if arguments.trust.is_default() && arguments.signing_config.is_none() => {
            Err(Failure::usage("it is not said whether the signature is entered into a log that everyone can read").hint(
                "say --transparency required if it is, or --transparency none: the signature, the subject and the predicate type are still checked; no log, no trusted time",
            ))
        }
        (Some(key), None | Some(Transparency::Required)) => logged_key(key, arguments, roots, context, handle),
        (None, Some(Transparency::None)) => Err(Failure::usage("--transparency none needs --key")
            .hint("a certificate lives for minutes: without a log and a trusted time it proves nothing")),
        (None, stated) => {
            let sealer = keyless(arguments, roots, context, handle)?;
            match stated {
                Some(Transparency::Required) if !sealer.is_logged() => {
                    Err(Failure::usage("--transparency required, and the instance has no log")
                        .hint("leave it out: a timestamp then says when it was signed"))
                }
                Some(Transparency::Required) => Ok(sealer),
                _ => sealer.may_be_named(),
            }
        }
    }
}

/// The key that is named, wherever it lies.
///
/// # Errors
/// When it cannot be opened.
pub fn read_key(key: &KeyRef, identity: &Identity, context: &Context, handle: &Handle) -> Result<SigningKey, Failure> {
    match key {
        KeyRef::File(path) => read_key_file(path, context).map(SigningKey::from),
        KeyRef::Vault { dialect, name } => {
            let opened = vault::open(*dialect, name, identity, context, handle);
            opened.map(|key| SigningKey::Vault(Box::new(key))).map_err(|e| e.at(format!("key {key}")))
        }
        KeyRef::Kms { endpoint, name } => {
            let opened = handle.block_on(KmsKey::open(endpoint.as_deref(), name, context.timeout));
            opened.map(|key| SigningKey::Kms(Box::new(key))).map_err(|e| Failure::from(e).at(format!("key {key}")))
        }
    }
}

fn read_key_file(path: &Path, context: &Context) -> Result<KeySigner, Failure> {
    let file = read_file(path, context.limits.configuration)
        .map_err(|e| Failure::usage(format!("key {} could not be read: {e}", path.display())))?;
    KeySigner::from_pem(&file, context.environment.key_password.as_ref())
        .map_err(|e| Failure::from(e).at(format!("key {}", path.display())))
}

fn logged_key(
    key: &KeyRef,
    arguments: &Signing,
    roots: &TrustRoots<'_>,
    context: &Context,
    handle: &Handle,
) -> Result<Sealer, Failure> {
    let hint = "--transparency none signs with the key alone: the signature, the subject and the predicate type are still checked; no log, no trusted time";
    let (config, root) = roots.for_signing(arguments, hint)?;
    let source = stated_source(&arguments.identity, context, handle)?;
    let signer = LoggedKeySigner::new(read_key(key, &arguments.identity, context, handle)?, &config, context.timeout)?;
    Sealer::of_logged_key(signer, key, root, source)
}

/// For whom a token is that is only looked at: it opens nothing anywhere.
const NOBODY: &str = "sealwright";

/// The source that the token of the job names in which a key signs: whoever holds the key says it, and no authority checks it.
/// Nothing outside of a job that may ask for a token, and nothing where a pull request started the job: it runs on the branch that
/// is asked to take it, with what the asker brought along. A token in a file could be anybody's.
fn stated_source(identity: &Identity, context: &Context, handle: &Handle) -> Result<Option<SourceIdentity>, Failure> {
    let Some(Found::Endpoint(endpoint)) = token::of_workload(identity, NOBODY, context)? else { return Ok(None) };
    let claims = WorkloadClaims::stated_by(&handle.block_on(endpoint.request())?)?;
    let claims = claims.filter(|claims| {
        pull_request(claims.trigger.as_deref(), claims.reference.as_deref()).is_none()
            && claims.trigger.as_deref() != Some("workflow_run")
    });
    Ok(claims.as_ref().map(source_of))
}

fn keyless(arguments: &Signing, roots: &TrustRoots<'_>, context: &Context, handle: &Handle) -> Result<Sealer, Failure> {
    let tokens = token::find(&arguments.identity, SIGSTORE, context)?;
    let (config, root) =
        roots.for_signing(arguments, "sign with a key instead: --key cosign.key --transparency none")?;
    let signer = |token: &Redacted<String>, endpoint| {
        Ok::<_, Failure>(KeylessSigner::new(&config, token, endpoint, context.now, context.timeout)?)
    };
    let signer = match tokens {
        Found::Token(token) => signer(&token, None)?,
        Found::Endpoint(endpoint) => signer(&handle.block_on(endpoint.request())?, Some(endpoint))?,
        Found::Person => {
            let show = |url: &str| {
                context.console.ask(&format!(
                    "Open this address in a browser and say who you are. Certificate and log will show your e-mail address to everyone.\n\n  {url}\n"
                ));
            };
            signer(&handle.block_on(sign_in(&config, context.timeout, show))?, None)?
        }
    };
    Sealer::of_keyless(signer, root)
}

/// Whoever signs, with the evidence that the built-in policy asks for.
fn builder(identity: BuilderIdentity, transparency: Demanded) -> Builder {
    let evidence = Policy::built_in().evidence;
    Builder { name: "signer".to_owned(), source: None, identity, transparency, evidence }
}

fn key_builder(
    key: &SigningKey,
    name: &KeyRef,
    transparency: Demanded,
    root: Option<&TrustedRoot>,
) -> Result<BuilderAnchor, Failure> {
    let public = PublicKey::from_pem(key.public_pem().as_bytes()).map_err(|e| Failure::usage(e.to_string()))?;
    let identity = BuilderIdentity::Key(KeyRule { file: name.to_string() });
    Ok(BuilderAnchor::new(builder(identity, transparency), Some(public), root)?)
}

fn source_of(workload: &WorkloadClaims) -> SourceIdentity {
    SourceIdentity {
        repository: Some(workload.repository.clone()),
        repository_id: workload.repository_id.clone(),
        owner_id: workload.owner_id.clone(),
        reference: workload.reference.clone(),
        commit: workload.commit.clone(),
    }
}

/// Signing config and trusted root are of one instance as far as logs go. Else what is signed would be refused, after a log had
/// shown the name of the workload to everyone.
fn fit(signer: &KeylessSigner, root: &TrustedRoot) -> Result<(), Failure> {
    let what = match (signer.is_logged(), Proof::of(root)) {
        (true, Proof::LogEntry) | (false, Proof::Timestamp) => return Ok(()),
        (true, Proof::Timestamp) => "the signing config names a log, and the trusted root names none",
        (false, Proof::LogEntry) => "the signing config names no log, and the trusted root demands log entries",
    };
    Err(Failure::usage(what).hint("take both from the same Sigstore instance"))
}

/// What the certificate for this token will claim, as far as a trust file asks for it.
fn named_claims(workload: &WorkloadClaims) -> NamedClaims<'_> {
    NamedClaims {
        trigger: workload.trigger.as_deref(),
        commit: workload.commit.as_deref(),
        workflow_name: None,
        repository: Some(&workload.repository),
        reference: workload.reference.as_deref(),
        repository_id: workload.repository_id.as_deref(),
        owner_id: workload.owner_id.as_deref(),
        runner: workload.runner.as_deref(),
    }
}

impl Sealer {
    /// Whoever a token names, at the endpoints of a signing config. Nothing is sent.
    ///
    /// # Errors
    /// When token or configuration cannot be used.
    pub fn of_token(
        signing_config: &[u8],
        token: &Redacted<String>,
        root: &TrustedRoot,
        context: &Context,
    ) -> Result<Self, Failure> {
        Self::of_keyless(KeylessSigner::new(signing_config, token, None, context.now, context.timeout)?, root)
    }

    fn of_keyless(signer: KeylessSigner, root: &TrustedRoot) -> Result<Self, Failure> {
        fit(&signer, root)?;
        let claims = signer.claims();
        let (subject, source, who) = match &claims.workload {
            Some(workload) => (
                workload.signer_uri(),
                Some(source_of(workload)),
                Who::Workload(Box::new(workload.clone()), claims.issuer.clone()),
            ),
            None => {
                let who = Who::Identity { subject: claims.subject.clone(), issuer: claims.issuer.clone() };
                (claims.subject.clone(), None, who)
            }
        };
        // Who signs decided what starts it.
        let triggers = claims.workload.iter().filter_map(|workload| workload.trigger.clone()).collect();
        let (issuer, subject) = (claims.issuer.clone(), SubjectRule::Exact(subject));
        let rule = KeylessRule { issuer, subject, runner: None, triggers };
        let builder = builder(BuilderIdentity::Keyless(rule), Demanded::Required);
        let builder = BuilderAnchor::new(builder, None, Some(root))?;
        Ok(Self { signer: Signer::Keyless(Box::new(signer)), builder, source, who })
    }

    fn of_key(signer: SigningKey, name: &KeyRef, source: Option<SourceIdentity>) -> Result<Self, Failure> {
        let builder = key_builder(&signer, name, Demanded::None, None)?;
        let who = Who::Key(signer.fingerprint());
        Ok(Self { signer: Signer::Key(signer), builder, source, who })
    }

    fn of_logged_key(
        signer: LoggedKeySigner,
        name: &KeyRef,
        root: &TrustedRoot,
        source: Option<SourceIdentity>,
    ) -> Result<Self, Failure> {
        let builder = key_builder(signer.key(), name, Demanded::Required, Some(root))?;
        let who = Who::Key(signer.key().fingerprint());
        Ok(Self { signer: Signer::LoggedKey(Box::new(signer)), builder, source, who })
    }

    /// Whether what it signs is entered into a log.
    fn is_logged(&self) -> bool {
        match &self.signer {
            Signer::Key(_) => false,
            Signer::LoggedKey(_) => true,
            Signer::Keyless(signer) => signer.is_logged(),
        }
    }

    /// Refuses a workload of which it is not known that everyone may see it: certificate and log name it. An instance without
    /// logs shows its certificates to nobody.
    fn may_be_named(self) -> Result<Self, Failure> {
        match &self.signer {
            Signer::Keyless(signer) if signer.is_logged() && signer.claims().visibility == Visibility::Unknown => {
                let name =
                    self.source.as_ref().and_then(|s| s.repository.as_deref()).unwrap_or("the source repository");
                let what =
                    format!("it is not known that {name} is public, and a log shows its name to everyone who reads it");
                Err(Failure::usage(what).hint(
                    "say --transparency required if it may be shown, or sign with a key: --key cosign.key --transparency none",
                ))
            }
            _ => Ok(self),
        }
    }

    /// Why a builder's rule will not fit what this signer is going to sign; nothing if it will, as far as that is known
    /// before a certificate is there.
    pub fn mismatch(&self, builder: &BuilderAnchor) -> Option<String> {
        let wrong = match (&self.who, builder.anchor()) {
            (Who::Key(own), Anchor::Key(key) | Anchor::LoggedKey(key, _)) if *own != key.fingerprint() => {
                Some("its key is another one".to_owned())
            }
            (Who::Key(_), Anchor::LoggedKey(..)) if matches!(self.signer, Signer::Key(_)) => {
                Some("it demands a log entry, and --transparency is none".to_owned())
            }
            (Who::Key(_), Anchor::Key(_) | Anchor::LoggedKey(..)) => None,
            (Who::Key(_), Anchor::Keyless(..)) => Some("it signs without a key".to_owned()),
            (Who::Workload(claims, issuer), Anchor::Keyless(_, rule)) => {
                rule.mismatch(Some(&claims.signer_uri()), Some(issuer), &named_claims(claims))
            }
            (Who::Identity { subject, issuer }, Anchor::Keyless(_, rule)) => {
                rule.mismatch(Some(subject), Some(issuer), &NamedClaims::default())
            }
            (_, Anchor::Key(_) | Anchor::LoggedKey(..)) => Some("it signs with a key".to_owned()),
        };
        let source = self.source.as_ref();
        let named = NamedSource {
            repository: source.and_then(|s| s.repository.as_deref()),
            repository_id: source.and_then(|s| s.repository_id.as_deref()),
            owner_id: source.and_then(|s| s.owner_id.as_deref()),
            reference: source.and_then(|s| s.reference.as_deref()),
        };
        wrong.or_else(|| named.mismatch(builder.builder().source.as_ref()?, "the token"))
    }

    /// The flags of `verify` that name it.
    pub fn expected(&self) -> Vec<(&'static str, Option<String>)> {
        match &self.who {
            Who::Key(_) => {
                let unlogged = (!self.is_logged()).then(|| "none".to_owned());
                vec![("--key", Some("cosign.pub".to_owned())), ("--transparency", unlogged)]
            }
            Who::Workload(claims, issuer) => vec![
                ("--certificate-identity", Some(claims.signer_uri())),
                ("--certificate-oidc-issuer", Some(issuer.clone())),
                ("--certificate-github-repository-id", claims.repository_id.clone()),
            ],
            Who::Identity { subject, issuer } => vec![
                ("--certificate-identity", Some(subject.clone())),
                ("--certificate-oidc-issuer", Some(issuer.clone())),
            ],
        }
    }

    /// Its signatures are checked with this.
    pub fn anchor(&self) -> &Anchor {
        self.builder.anchor()
    }

    /// Runs `act` with who builds, as provenance names it.
    pub fn with_builder<T>(&self, act: impl FnOnce(ProvenBuilder<'_>) -> T) -> T {
        match &self.who {
            Who::Key(fingerprint) => act(ProvenBuilder::Key { fingerprint }),
            Who::Identity { subject, issuer } => act(ProvenBuilder::Identity { identity: subject, issuer }),
            Who::Workload(claims, _) => {
                let (builder, run) = (claims.signer_uri(), claims.run_uri());
                let workflow = claims.workflow.as_ref().map(|w| format!("https://github.com/{w}"));
                let hosted = claims.runner.as_deref() == Some(Runner::GithubHosted.word());
                let (builder, workflow, run) = (builder.as_str(), workflow.as_deref(), run.as_deref());
                act(ProvenBuilder::Workload { builder, workflow, run, hosted })
            }
        }
    }
}
