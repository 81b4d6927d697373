//! Reads a trust policy (IAM User Guide, "IAM JSON policy elements"). What is not understood is refused, never skipped.

use sealwright_bundle::{ShapeError, parse_strict};
use serde_json::{Map, Value};

use super::condition::Condition;

/// IAM takes at most 8,192 characters; spaces do not count there.
const LONGEST: u64 = 64 << 10;

/// The policy that says who may assume a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustPolicy {
    pub(super) statements: Vec<Statement>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Statement {
    /// `statement 1`, with its `Sid` if it has one.
    pub(super) label: String,
    pub(super) allows: bool,
    /// `Principal.Federated`; `*` where everyone is meant.
    pub(super) federated: Vec<String>,
    pub(super) actions: Vec<String>,
    /// Whether the actions are those that are not meant.
    pub(super) not_actions: bool,
    pub(super) conditions: Vec<Condition>,
}

/// Why a document is no trust policy that can be judged.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// Not JSON, too large, or ambiguous.
    #[error(transparent)]
    Json(#[from] ShapeError),
    /// Not what a trust policy is made of.
    #[error("the trust policy: {at} {why}")]
    Shape {
        /// Where.
        at: String,
        /// What is wrong there.
        why: String,
    },
}

pub(super) fn shape(at: &str, why: impl Into<String>) -> DocumentError {
    DocumentError::Shape { at: at.to_owned(), why: why.into() }
}

impl TrustPolicy {
    /// Reads a policy document, also inside of what `aws iam get-role` prints.
    ///
    /// # Errors
    /// When it is no such document, or has something in it that is not understood.
    pub fn parse(bytes: &[u8]) -> Result<Self, DocumentError> {
        let whole: Value = parse_strict(bytes, "trust policy", LONGEST)?;
        let inside = ["/Role/AssumeRolePolicyDocument", "/AssumeRolePolicyDocument"];
        let document = inside.into_iter().find_map(|pointer| whole.pointer(pointer)).unwrap_or(&whole);
        let document = document.as_object().ok_or_else(|| shape("the document", "is no object"))?;
        for name in document.keys() {
            if !["Version", "Id", "Statement"].contains(&name.as_str()) {
                return Err(shape(&format!("member {name:?}"), "is not known, expected Version, Id and Statement"));
            }
        }
        let statements = match document.get("Statement") {
            Some(Value::Array(several)) => several.iter().collect(),
            Some(one) => vec![one],
            None => return Err(shape("the document", "has no Statement")),
        };
        let statements = statements.into_iter().enumerate().map(|(at, value)| Statement::read(at + 1, value));
        Ok(Self { statements: statements.collect::<Result<_, _>>()? })
    }
}

impl Statement {
    fn read(number: usize, value: &Value) -> Result<Self, DocumentError> {
        let plain = format!("statement {number}");
        let members = value.as_object().ok_or_else(|| shape(&plain, "is no object"))?;
        let sid = members.get("Sid").and_then(Value::as_str).filter(|sid| !sid.is_empty());
        let label = sid.map_or_else(|| plain.clone(), |sid| format!("{plain} ({sid})"));
        for name in members.keys() {
            let known = ["Sid", "Effect", "Principal", "Action", "NotAction", "Condition"];
            if !known.contains(&name.as_str()) {
                return Err(shape(&label, format!("has {name:?}, which cannot be judged here")));
            }
        }
        let allows = match members.get("Effect").and_then(Value::as_str) {
            Some("Allow") => true,
            Some("Deny") => false,
            _ => return Err(shape(&label, "has no Effect that is Allow or Deny")),
        };
        let (actions, not_actions) = match (members.get("Action"), members.get("NotAction")) {
            (Some(actions), None) => (actions, false),
            (None, Some(actions)) => (actions, true),
            _ => return Err(shape(&label, "needs one of Action and NotAction")),
        };
        let actions = texts(actions).ok_or_else(|| shape(&label, "has an Action that is no text"))?;
        let federated = federated(members.get("Principal"), &label)?;
        let conditions = members.get("Condition").map(|value| conditions(value, &label)).transpose()?;
        Ok(Self { label, allows, federated, actions, not_actions, conditions: conditions.unwrap_or_default() })
    }
}

/// Whom of the identity providers a statement means. AWS accounts and services are somebody else.
fn federated(value: Option<&Value>, label: &str) -> Result<Vec<String>, DocumentError> {
    let fail = || shape(label, "has a Principal that is not understood, expected { \"Federated\": … }");
    match value {
        Some(Value::String(all)) if all == "*" => Ok(vec!["*".to_owned()]),
        Some(Value::Object(kinds)) => {
            let known = ["Federated", "AWS", "Service", "CanonicalUser"];
            if kinds.keys().any(|kind| !known.contains(&kind.as_str())) {
                return Err(fail());
            }
            kinds.get("Federated").map_or_else(|| Ok(vec![]), |value| texts(value).ok_or_else(fail))
        }
        _ => Err(fail()),
    }
}

fn conditions(value: &Value, label: &str) -> Result<Vec<Condition>, DocumentError> {
    let operators = value.as_object().ok_or_else(|| shape(label, "has a Condition that is no object"))?;
    let mut conditions = Vec::new();
    for (operator, keys) in operators {
        let fail = || shape(label, format!("has a Condition {operator:?} that is not understood"));
        let keys: &Map<String, Value> = keys.as_object().ok_or_else(fail)?;
        for (key, values) in keys {
            conditions.push(Condition::new(operator, key, texts(values).ok_or_else(fail)?));
        }
    }
    Ok(conditions)
}

/// One text or a list of them; numbers and truths may stand without quotes.
fn texts(value: &Value) -> Option<Vec<String>> {
    let word = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    match value {
        Value::Array(several) => several.iter().map(word).collect(),
        one => Some(vec![word(one)?]),
    }
}
