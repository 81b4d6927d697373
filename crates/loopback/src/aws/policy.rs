//! IAM policies (IAM User Guide, "IAM JSON policy elements"), as far as this account's are written: `Allow` with `Action` and
//! `Resource`. What is not understood is refused, never skipped: a fake that overlooks a condition allows too much.

use serde::Deserialize;
use serde_json::Value;

use crate::registry::fits;

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Policy {
    version: String,
    #[serde(default)]
    #[expect(dead_code, reason = "part of the format, and means nothing")]
    id: Option<String>,
    statement: Vec<Statement>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Statement {
    #[serde(default)]
    #[expect(dead_code, reason = "part of the format, and means nothing")]
    sid: Option<String>,
    effect: Effect,
    action: OneOrMore,
    resource: OneOrMore,
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) enum Effect {
    Allow,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl OneOrMore {
    pub(super) fn any(&self, fits: impl Fn(&str) -> bool) -> bool {
        match self {
            Self::One(one) => fits(one),
            Self::More(several) => several.iter().any(|one| fits(one)),
        }
    }
}

impl Policy {
    pub(crate) fn of(document: &Value) -> Result<Self, String> {
        let policy: Self = serde_json::from_value(document.clone()).map_err(|e| e.to_string())?;
        // Another version knows no policy variables, and nobody writes one today.
        if policy.version == "2012-10-17" { Ok(policy) } else { Err(format!("its version is {:?}", policy.version)) }
    }

    pub(crate) fn allows(&self, action: &str, resource: &str) -> bool {
        let action = action.to_ascii_lowercase();
        self.statement.iter().any(|statement| {
            let Effect::Allow = statement.effect;
            statement.action.any(|pattern| fits(&pattern.to_ascii_lowercase(), &action))
                && statement.resource.any(|pattern| fits(pattern, resource))
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_allowed_is_and_what_is_not_understood_is_refused() {
        let statement =
            json!({ "Sid": "x", "Effect": "Allow", "Action": ["ecr:Put*"], "Resource": "arn:*:repository/a/*" });
        let whole = json!({ "Version": "2012-10-17", "Statement": [statement] });
        let policy = Policy::of(&whole).expect("policy");
        assert!(policy.allows("ecr:PutImage", "arn:aws:ecr:r:1:repository/a/b"));
        assert!(policy.allows("ECR:putimage", "arn:aws:ecr:r:1:repository/a/b"));
        assert!(!policy.allows("ecr:BatchGetImage", "arn:aws:ecr:r:1:repository/a/b"));
        assert!(!policy.allows("ecr:PutImage", "arn:aws:ecr:r:1:repository/b"));
        for (pointer, value) in [
            ("/Version", json!("2008-10-17")),
            ("/Statement/0/Effect", json!("Deny")),
            ("/Statement/0/Condition", json!({})),
            ("/Statement/0/NotAction", json!("ecr:*")),
            ("/Statement/0/Resource", json!(null)),
        ] {
            let mut changed = whole.clone();
            let (object, key) = pointer.rsplit_once('/').expect("pointer");
            changed.pointer_mut(object).expect("object")[key] = value;
            assert!(Policy::of(&changed).is_err(), "{pointer}");
        }
    }
}
