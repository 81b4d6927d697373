//! When a request is tried again, and after how long.

use std::time::Duration;

use crate::error::RegistryError;

/// How often and how fast a request is tried again. Everything together stays within [`crate::Options::timeout`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backoff {
    /// How often a request is sent at most, the first time included.
    pub attempts: u32,
    /// The pause before the second time; it doubles from then on.
    pub first: Duration,
    /// The longest pause, also where the registry asks for a longer one with `Retry-After`.
    pub longest: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { attempts: 5, first: Duration::from_millis(500), longest: Duration::from_secs(30) }
    }
}

impl Backoff {
    /// The pause after attempt number `attempt` (from 1), or `None` when that was the last one.
    pub(crate) fn pause(&self, attempt: u32, retry_after: Option<Duration>) -> Option<Duration> {
        if attempt >= self.attempts {
            return None;
        }
        let doubled = self.first.saturating_mul(1_u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(u32::MAX));
        Some(retry_after.unwrap_or(doubled).min(self.longest))
    }
}

/// An error, and whether the same request can succeed later.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: RegistryError,
    pub(crate) again: Again,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Again {
    No,
    After(Option<Duration>),
}

impl Failure {
    pub(crate) fn last(error: RegistryError) -> Self {
        Self { error, again: Again::No }
    }

    pub(crate) fn passing(error: RegistryError) -> Self {
        Self { error, again: Again::After(None) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_are_capped_also_when_the_registry_asks_for_more() {
        let backoff = Backoff { attempts: 4, first: Duration::from_secs(1), longest: Duration::from_secs(3) };
        let pauses: Vec<_> = (1..=4).map(|n| backoff.pause(n, None).map(|p| p.as_secs())).collect();
        assert_eq!(pauses, [Some(1), Some(2), Some(3), None]);
        assert_eq!(backoff.pause(1, Some(Duration::from_secs(86_400))), Some(Duration::from_secs(3)));
        assert_eq!(backoff.pause(3, Some(Duration::ZERO)), Some(Duration::ZERO));
        assert_eq!(backoff.pause(4, Some(Duration::ZERO)), None);
        assert!(Backoff { attempts: 99, ..backoff }.pause(90, None).is_some());
    }
}
