//! Who asks: a user with a lasting access key, or a session of a role; and what they may do.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::policy::Policy;
use crate::lock;
use crate::sigv4::AccessKey;

/// Somebody with permissions.
#[derive(Debug)]
pub(crate) struct Principal {
    /// As CloudTrail names it.
    pub(crate) arn: String,
    pub(crate) account: String,
    permissions: Policy,
    /// What a session was narrowed to: only what both allow is allowed (IAM User Guide, "Session policies").
    session: Option<Policy>,
    /// Whether the policies of another account's repositories let it in.
    guest: bool,
}

impl Principal {
    pub(crate) fn new(arn: String, account: String, permissions: Policy, session: Option<Policy>, guest: bool) -> Self {
        Self { arn, account, permissions, session, guest }
    }

    /// Whether it may do this, in the account `owner`; else the sentence with which AWS says so.
    pub(crate) fn may(&self, action: &str, resource: &str, owner: &str) -> Result<(), String> {
        let because = if !self.permissions.allows(action, resource) {
            "no identity-based policy allows"
        } else if self.session.as_ref().is_some_and(|session| !session.allows(action, resource)) {
            "no session policy allows"
        } else if resource != "*" && self.account != owner && !self.guest {
            "no resource-based policy allows"
        } else {
            return Ok(());
        };
        let who = &self.arn;
        Err(format!(
            "User: {who} is not authorized to perform: {action} on resource: {resource} because {because} the {action} action"
        ))
    }
}

/// Access keys and registry passwords that were given out, and to whom.
#[derive(Clone, Default)]
pub struct Given(Arc<Mutex<Lists>>);

#[derive(Default)]
struct Lists {
    keys: HashMap<String, (AccessKey, Arc<Principal>)>,
    passwords: HashMap<String, Arc<Principal>>,
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Given(…)")
    }
}

impl PartialEq for Given {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Given {}

impl Given {
    pub(crate) fn give_key(&self, key: AccessKey, principal: Arc<Principal>) {
        lock(&self.0).keys.insert(key.id.clone(), (key, principal));
    }

    pub(crate) fn key(&self, id: &str) -> Option<(AccessKey, Arc<Principal>)> {
        lock(&self.0).keys.get(id).cloned()
    }

    /// Whoever was given an access key.
    pub(crate) fn principals(&self) -> Vec<String> {
        lock(&self.0).keys.values().map(|(_, principal)| principal.arn.clone()).collect()
    }

    pub(crate) fn give_password(&self, password: String, principal: Arc<Principal>) {
        lock(&self.0).passwords.insert(password, principal);
    }

    pub(crate) fn by_password(&self, password: &str) -> Option<Arc<Principal>> {
        lock(&self.0).passwords.get(password).cloned()
    }
}

/// Text that nobody can guess.
pub(crate) fn secret() -> Result<String, &'static str> {
    let mut bytes = [0; 30];
    rand::fill(&mut bytes).map_err(|_| "there is no randomness")?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
