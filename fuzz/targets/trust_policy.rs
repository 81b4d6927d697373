//! A trust policy of AWS against a token: whatever it is, it is judged, and what is allowed has a statement that says so and none
//! that denies.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sealwright_workload::Claims;
use sealwright_workload::aws::{Outcome, TrustPolicy, Verdict};

const TOKEN: &str = r#"{"iss":"https://token.actions.githubusercontent.com","aud":"sts.amazonaws.com",
"sub":"repo:acme@7890/shop@123456:ref:refs/heads/main","repository_id":"123456","repository_owner_id":"7890",
"job_workflow_ref":"acme/ci/.github/workflows/seal.yml@refs/tags/v2","ref":"refs/heads/main"}"#;

static CLAIMS: LazyLock<Claims> = LazyLock::new(|| Claims::of_json(TOKEN.as_bytes()).expect("claims"));

fuzz_target!(|data: &[u8]| {
    let Ok(policy) = TrustPolicy::parse(data) else { return };
    let evaluation = policy.evaluate(&CLAIMS, None);
    let applies = |allows: bool| {
        evaluation.statements.iter().any(|judged| judged.allows == allows && judged.verdict == Verdict::Applies)
    };
    match evaluation.outcome {
        Outcome::Allowed => assert!(applies(true) && !applies(false)),
        Outcome::Denied => assert!(applies(false)),
        Outcome::NotAllowed | Outcome::NotKnown => assert!(!applies(false)),
    }
    for judged in &evaluation.statements {
        if let Verdict::Differs(differences) = &judged.verdict {
            assert!(!differences.is_empty());
            differences.iter().for_each(|difference| assert!(!difference.to_string().is_empty()));
        }
    }
});
