//! A role of the JWT auth method of Vault and OpenBao, and whether a token may log in as it (HashiCorp, "JWT/OIDC auth method (API)";
//! hashicorp/vault-plugin-auth-jwt, `path_login.go` and `claims.go`).

use sealwright_bundle::{ShapeError, parse_strict};
use serde_json::{Map, Value};

use crate::advice;
use crate::claims::Claims;
use crate::difference::{Danger, Difference, Weight};
use crate::subject::Subject;
use crate::wildcard::Wildcard;

/// A role of many bound claims has a few kilobytes.
const LONGEST: u64 = 256 << 10;

/// Which claims name a repository, so that others of GitHub are kept out.
const NAMES: [&str; 6] =
    ["sub", "repository", "repository_id", "repository_owner", "repository_owner_id", "workflow_ref"];

/// A role.
#[derive(Debug, Clone, PartialEq)]
pub struct Role {
    kind: String,
    audiences: Vec<String>,
    subject: Option<String>,
    claims: Vec<(String, Vec<Value>)>,
    globs: bool,
    user_claim: String,
    groups_claim: Option<String>,
}

/// Why a document is no role.
#[derive(Debug, thiserror::Error)]
pub enum RoleError {
    /// Not JSON, too large, or ambiguous.
    #[error(transparent)]
    Json(#[from] ShapeError),
    /// Not what a role is made of.
    #[error("the role of Vault: {0}")]
    Shape(String),
}

/// What a role says about a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evaluation {
    /// Why the token may not log in; nothing if it may.
    pub differences: Vec<Difference>,
    /// What is wrong with the role in any case.
    pub dangers: Vec<Danger>,
}

impl Role {
    /// Reads what `vault read -format=json auth/jwt/role/NAME` prints, or what `vault write` takes.
    ///
    /// # Errors
    /// When it is no such document.
    pub fn parse(bytes: &[u8]) -> Result<Self, RoleError> {
        let whole: Value = parse_strict(bytes, "role of Vault", LONGEST)?;
        let role = whole.get("data").unwrap_or(&whole);
        let role = role.as_object().ok_or_else(|| RoleError::Shape("it is no object".to_owned()))?;
        let text = |name: &str| role.get(name).and_then(Value::as_str).filter(|t| !t.is_empty()).map(str::to_owned);
        let user_claim = text("user_claim").ok_or_else(|| RoleError::Shape("it has no user_claim".to_owned()))?;
        let globs = match text("bound_claims_type").as_deref() {
            None | Some("string") => false,
            Some("glob") => true,
            Some(other) => return Err(RoleError::Shape(format!("bound_claims_type is {other:?}"))),
        };
        Ok(Self {
            kind: text("role_type").unwrap_or_else(|| "oidc".to_owned()),
            audiences: texts(role, "bound_audiences")?,
            subject: text("bound_subject"),
            claims: bound_claims(role)?,
            globs,
            user_claim,
            groups_claim: text("groups_claim"),
        })
    }

    /// Judges whether a token may log in. Whether its issuer is the auth method's is not part of a role.
    pub fn evaluate(&self, claims: &Claims) -> Evaluation {
        let mut differences = Vec::new();
        if self.kind != "jwt" {
            let mut other = Difference::new("role_type", "to take tokens", vec!["jwt".into()], Some(self.kind.clone()));
            other.next = Some("write the role with role_type=jwt: the others send a person to a browser".to_owned());
            differences.push(other);
        }
        differences.extend(self.audience(claims));
        differences.extend(self.subject.as_ref().and_then(|subject| {
            let found = claims.text("sub");
            let differs = found.as_ref() != Some(subject);
            differs.then(|| told(Difference::new("sub", "bound_subject", vec![subject.clone()], found), claims, false))
        }));
        differences.extend(self.claims.iter().filter_map(|(claim, values)| self.bound(claim, values, claims)));
        for (what, name) in [("user_claim", Some(&self.user_claim)), ("groups_claim", self.groups_claim.as_ref())] {
            let Some(name) = name.filter(|name| at(claims, name).is_none()) else { continue };
            let mut missing = Difference::new(name, what, vec!["any value".to_owned()], None);
            missing.next = Some(format!("name another claim in {what}, for example repository_id"));
            differences.push(missing);
        }
        Evaluation { differences, dangers: self.dangers() }
    }

    fn audience(&self, claims: &Claims) -> Option<Difference> {
        let found = claims.texts("aud");
        if found.iter().any(|one| self.audiences.contains(one)) {
            return None;
        }
        let found = (!found.is_empty()).then(|| found.join(", "));
        let mut difference = Difference::new("aud", "bound_audiences", self.audiences.clone(), found.clone());
        if self.audiences.is_empty() {
            difference.expected.push("one that is bound".to_owned());
            let own = found.unwrap_or_default();
            difference.next =
                Some(format!("write bound_audiences={own}: without one, a token with an audience is refused"));
            return Some(difference);
        }
        let first = self.audiences.first().map(String::as_str).unwrap_or_default();
        difference.next =
            Some(format!("ask for a token for it (--vault-audience {first}), or bind the token's audience"));
        Some(difference)
    }

    /// One claim, which has to have, or to list, one of the values.
    fn bound(&self, claim: &str, values: &[Value], claims: &Claims) -> Option<Difference> {
        let found: Vec<&Value> = match at(claims, claim) {
            Some(Value::Array(several)) => several.iter().collect(),
            Some(one) => vec![one],
            None => vec![],
        };
        let same = |expected: &Value, found: &Value| match (expected, found) {
            (Value::String(expected), Value::String(found)) if self.globs => Wildcard::glob(expected).matches(found),
            _ => expected == found,
        };
        if values.iter().any(|expected| found.iter().any(|found| same(expected, found))) {
            return None;
        }
        let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let how = if self.globs { "bound_claims (glob)" } else { "bound_claims" };
        let expected: Vec<String> = values.iter().map(word).collect();
        let found = (!found.is_empty()).then(|| found.into_iter().map(word).collect::<Vec<_>>().join(", "));
        let mut difference = told(Difference::new(claim, how, expected, found), claims, self.globs);
        let starred = |value: &Value| {
            let globbed = value.as_str().filter(|text| text.contains('*')).map(Wildcard::glob);
            globbed.is_some_and(|glob| difference.found.as_ref().is_some_and(|found| glob.matches(found)))
        };
        if !self.globs && values.iter().any(starred) {
            let next = "a star is only itself here: write the role with bound_claims_type=glob, or the whole value";
            difference.next = Some(next.to_owned());
        }
        Some(difference)
    }

    fn dangers(&self) -> Vec<Danger> {
        let mut found = Vec::new();
        let all = |values: &Vec<Value>| self.globs && values.iter().any(|value| value.as_str() == Some("*"));
        let bound =
            |names: &[&str]| self.claims.iter().any(|(claim, values)| names.contains(&claim.as_str()) && !all(values));
        if self.subject.is_none() && !bound(&NAMES) {
            let why = "no claim names the repository, so that a job of every repository of GitHub may log in: bind repository_id";
            found.push(Danger { weight: Weight::Severe, claim: "bound_claims".to_owned(), why: why.to_owned() });
            return found;
        }
        let named = |subject: &String| Subject::parse(subject).is_some_and(|subject| subject.ids.is_some());
        if !bound(&["repository_id", "repository_owner_id"]) && !self.subject.as_ref().is_some_and(named) {
            let why = "names only, which can be taken by somebody else after a rename: bind repository_id";
            found.push(Danger { weight: Weight::Remarkable, claim: "bound_claims".to_owned(), why: why.to_owned() });
        }
        found
    }
}

fn told(mut difference: Difference, claims: &Claims, globs: bool) -> Difference {
    let fits =
        |expected: &str, text: &str| if globs { Wildcard::glob(expected).matches(text) } else { expected == text };
    difference.next = advice::next(&difference, claims, &fits);
    difference
}

/// A claim by its name, or by a JSON pointer.
fn at<'a>(claims: &'a Claims, name: &str) -> Option<&'a Value> {
    match name.strip_prefix('/') {
        None => claims.value(name),
        Some(path) => {
            let (first, rest) = path.split_once('/').map_or((path, None), |(first, rest)| (first, Some(rest)));
            let value = claims.value(&first.replace("~1", "/").replace("~0", "~"))?;
            rest.map_or(Some(value), |rest| value.pointer(&format!("/{rest}")))
        }
    }
}

/// A list of texts; `null` and nothing are the empty one.
fn texts(role: &Map<String, Value>, name: &str) -> Result<Vec<String>, RoleError> {
    let fail = || RoleError::Shape(format!("{name} is no list of texts"));
    match role.get(name) {
        None | Some(Value::Null) => Ok(vec![]),
        // As `vault write` takes it.
        Some(Value::String(text)) => Ok(text.split(',').map(|one| one.trim().to_owned()).collect()),
        Some(Value::Array(several)) => {
            several.iter().map(|one| one.as_str().map(str::to_owned).ok_or_else(fail)).collect()
        }
        Some(_) => Err(fail()),
    }
}

fn bound_claims(role: &Map<String, Value>) -> Result<Vec<(String, Vec<Value>)>, RoleError> {
    let values = |value: &Value| match value {
        Value::Array(several) => several.clone(),
        one => vec![one.clone()],
    };
    match role.get("bound_claims") {
        None | Some(Value::Null) => Ok(vec![]),
        Some(Value::Object(bound)) => Ok(bound.iter().map(|(claim, value)| (claim.clone(), values(value))).collect()),
        Some(_) => Err(RoleError::Shape("bound_claims is no object".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn claims() -> Claims {
        let claims = json!({
            "iss": "i", "aud": "vault", "sub": "repo:acme@7/shop@1:ref:refs/heads/main", "repository_id": "1",
            "repository_owner_id": "7", "ref": "refs/tags/v1/x", "event_name": "push", "teams": ["a", "b"], "n": 5,
            "deep": { "er": "x" },
        });
        Claims::of_json(claims.to_string().as_bytes()).expect("claims")
    }

    fn role(change: Value) -> Evaluation {
        let mut role = json!({
            "role_type": "jwt", "bound_audiences": ["vault"], "bound_claims": { "repository_id": "1" }, "user_claim": "sub",
            "bound_claims_type": "string", "bound_subject": "", "groups_claim": "",
        });
        role.as_object_mut().expect("object").extend(change.as_object().expect("object").clone());
        let printed = json!({ "request_id": "x", "data": role });
        Role::parse(printed.to_string().as_bytes()).expect("role").evaluate(&claims())
    }

    #[track_caller]
    fn refused(change: Value, words: &[&str]) {
        let evaluation = role(change);
        let [difference] = evaluation.differences.as_slice() else { panic!("{evaluation:?}") };
        let text = format!("{difference}; {}", difference.next.clone().unwrap_or_default());
        for word in words {
            assert!(text.contains(word), "{word} is not in {text}");
        }
    }

    #[test]
    fn a_role_that_binds_an_id_takes_its_repository() {
        assert_eq!(role(json!({})), Evaluation { differences: vec![], dangers: vec![] });
    }

    #[test]
    fn each_part_of_a_role_refuses_and_is_named() {
        refused(json!({ "role_type": "oidc" }), &["role_type is \"oidc\"", "role_type=jwt"]);
        refused(json!({ "bound_audiences": ["other"] }), &["aud is \"vault\"", "\"other\"", "--vault-audience other"]);
        refused(json!({ "bound_audiences": null }), &["bound_audiences=vault"]);
        let named = "repo:acme/shop:ref:refs/heads/main";
        let instead = "\"repo:acme@7/shop@1:ref:refs/heads/main\"";
        refused(json!({ "bound_subject": named }), &["sub is", "bound_subject", "immutable form", named, instead]);
        let bound = |claims: Value| json!({ "bound_claims": claims });
        refused(bound(json!({ "repository_id": "2" })), &["repository_id is \"1\", expected bound_claims \"2\""]);
        refused(bound(json!({ "repository_id": 1 })), &["repository_id"]);
        refused(
            bound(json!({ "repository_id": "1", "environment": "prod" })),
            &["environment is missing", "`environment: prod`"],
        );
        refused(
            bound(json!({ "repository_id": "1", "ref": ["refs/heads/main", "refs/tags/v*"] })),
            &["bound_claims_type=glob"],
        );
        refused(json!({ "user_claim": "email" }), &["email is missing", "user_claim"]);
        refused(json!({ "groups_claim": "groups" }), &["groups is missing", "groups_claim"]);
    }

    #[test]
    fn lists_globs_and_pointers_are_compared_as_vault_does() {
        let takes = |kind: &str, mut bound: Value| {
            bound.as_object_mut().expect("object").insert("repository_id".into(), "1".into());
            role(json!({ "bound_claims_type": kind, "bound_claims": bound })).differences.is_empty()
        };
        assert!(takes("string", json!({ "teams": ["b", "c"] })) && !takes("string", json!({ "teams": ["c"] })));
        assert!(takes("glob", json!({ "ref": "refs/tags/v*" })) && !takes("string", json!({ "ref": "refs/tags/v*" })));
        assert!(takes("glob", json!({ "n": 5 })) && !takes("string", json!({ "n": "5" })));
        assert!(takes("string", json!({ "/deep/er": "x" })) && !takes("string", json!({ "/deep/none": "x" })));
        assert!(!takes("string", json!({ "ref": [] })));
    }

    #[test]
    fn a_role_for_everyone_is_told() {
        let dangers = |change: Value| role(change).dangers.into_iter().map(|d| d.weight).collect::<Vec<_>>();
        assert_eq!(dangers(json!({ "bound_claims": { "event_name": "push" } })), [Weight::Severe]);
        assert_eq!(dangers(json!({ "bound_claims": null })), [Weight::Severe]);
        let all = json!({ "bound_claims_type": "glob", "bound_claims": { "repository_id": "*" } });
        assert_eq!(dangers(all), [Weight::Severe]);
        assert_eq!(dangers(json!({ "bound_claims": { "repository": "acme/shop" } })), [Weight::Remarkable]);
        assert_eq!(dangers(json!({ "bound_claims": null, "bound_subject": "repo:a@1/b@2:x" })), []);
    }

    #[test]
    fn what_is_no_role_is_refused() {
        for bad in ["[]", "{}", r#"{"user_claim":"sub","bound_claims":[]}"#, r#"{"user_claim":"sub","user_claim":"x"}"#]
        {
            assert!(Role::parse(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(Role::parse(br#"{"user_claim":"s","bound_claims_type":"regexp"}"#).is_err());
    }
}
