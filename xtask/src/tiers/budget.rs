//! What is left for a tier in CI, of its minutes and of its disk.

use std::time::Duration;

use super::{Need, Tier};

/// What CI gives a run, less what cloning and reporting take.
const CI_MINUTES: u64 = 85;

/// An optional tier is run in CI where it leaves enough time for the required ones after it, all with empty caches.
pub(super) fn time_is_left(elapsed: Duration, tier: &Tier, later: &[&Tier]) -> Result<(), String> {
    let required = later.iter().filter(|later| later.need == Need::Required).map(|later| later.cold_minutes);
    let needed = u64::from(required.sum::<u32>() + tier.cold_minutes);
    let left = CI_MINUTES.saturating_sub(elapsed.as_secs() / 60);
    if tier.need == Need::Required || needed <= left {
        return Ok(());
    }
    Err(format!("{left} minutes are left, and with what has to run after it {needed} may be needed"))
}

/// What an optional tier may need while it runs: images are copied for every container of a Docker engine without overlays.
const TIER_GIGABYTES: u64 = 6;

/// An optional tier is run in CI where it leaves enough space for the required ones after it.
pub(super) fn space_is_left(tier: &Tier, free: Option<u64>) -> Result<(), String> {
    match free {
        Some(free) if tier.need == Need::Optional && free < TIER_GIGABYTES => {
            Err(format!("{free} GB are free for temporary files, and {TIER_GIGABYTES} may be needed"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Outcome;
    use super::*;

    fn tier(need: Need, cold_minutes: u32) -> Tier {
        Tier { name: "t", about: "", need, cold_minutes, run: |_| Outcome::Passed }
    }

    #[test]
    fn an_optional_tier_takes_no_time_from_a_required_one() {
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        let (optional, later) = (tier(Need::Optional, 10), [tier(Need::Required, 5), tier(Need::Optional, 50)]);
        let later: Vec<&Tier> = later.iter().collect();
        assert_eq!(time_is_left(minutes(CI_MINUTES - 15), &optional, &later), Ok(()));
        assert!(time_is_left(minutes(CI_MINUTES - 14), &optional, &later).is_err());
        assert!(time_is_left(minutes(CI_MINUTES + 1), &optional, &[]).is_err());
        assert_eq!(time_is_left(minutes(CI_MINUTES + 1), &tier(Need::Required, 10), &later), Ok(()));
    }

    #[test]
    fn an_optional_tier_takes_no_space_from_a_required_one() {
        let (optional, required) = (tier(Need::Optional, 1), tier(Need::Required, 1));
        assert!(space_is_left(&optional, Some(TIER_GIGABYTES - 1)).is_err());
        assert_eq!(space_is_left(&optional, Some(TIER_GIGABYTES)), Ok(()));
        assert_eq!(space_is_left(&optional, None), Ok(()));
        assert_eq!(space_is_left(&required, Some(0)), Ok(()));
    }
}
