//! Exit codes: part of the interface, in one place.

use std::process::ExitCode;

/// How a run ended. Scripts may rely on the numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// 0.
    Passed,
    /// 1.
    Internal,
    /// 2.
    Usage,
    /// 3.
    Refused,
    /// 4.
    NotVerified,
    /// 5.
    Unavailable,
}

impl Exit {
    /// All of them, for the generated reference.
    pub const ALL: [Self; 6] =
        [Self::Passed, Self::Internal, Self::Usage, Self::Refused, Self::NotVerified, Self::Unavailable];

    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::Internal => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::NotVerified => 4,
            Self::Unavailable => 5,
        }
    }

    /// What it means.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Internal => "internal error: a defect of sealwright, or of the machine it runs on",
            Self::Usage => "usage or configuration: a flag, a trust file, a key, or an image or file that is corrupt",
            Self::Refused => {
                "refused: by the gate, and nothing was pushed, signed or tagged; or by `policy lint`, because a policy does not do what it says"
            }
            Self::NotVerified => "verification failed; or `policy explain`: enforcing would deny an image",
            Self::Unavailable => {
                "an upstream (registry, authority, log, feed) was unavailable or does not have what was asked for"
            }
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_fixed() {
        assert_eq!(Exit::ALL.map(Exit::code), [0, 1, 2, 3, 4, 5]);
        assert_eq!(Exit::Refused.code(), 3);
        assert_eq!(Exit::NotVerified.code(), 4);
        assert_eq!(Exit::Unavailable.code(), 5);
    }
}
