//! What others think what time it is. Signatures of requests, tokens and certificates live for minutes.

use jiff::Timestamp;
use jiff::fmt::rfc2822;

use super::row::{Outcome, Row};
use super::token::Tokens;
use crate::exit::Exit;

/// AWS refuses requests that are this many seconds off (IAM User Guide, "Signature Version 4", `x-amz-date`), and a token of
/// GitHub's lives as long.
const MOST: i64 = 300;
/// Less than this many seconds are the network's.
const REMARKABLE: i64 = 30;

pub(super) struct Clocks {
    now: Timestamp,
    /// Whose clock, and how many seconds it is before ours.
    offsets: Vec<(&'static str, i64)>,
}

impl Clocks {
    pub(super) fn new(now: Timestamp) -> Self {
        Self { now, offsets: vec![] }
    }

    /// When a token says that it was made: now if it was given just now, else some time ago.
    pub(super) fn token(&mut self, tokens: &Tokens<'_>) {
        let Some(made) = tokens.claims().and_then(|claims| claims.time("iat")) else { return };
        let offset = made.saturating_sub(self.now.as_second());
        if tokens.fresh || offset > 0 {
            self.offsets.push(("the token's issuer (iat)", offset));
        }
    }

    /// A `Date` header (RFC 9110 §5.6.7).
    pub(super) fn date(&mut self, whose: &'static str, header: Option<&str>) {
        let parsed = header.and_then(|text| rfc2822::DateTimeParser::new().parse_timestamp(text).ok());
        if let Some(date) = parsed.filter(|_| self.offsets.iter().all(|(known, _)| *known != whose)) {
            self.offsets.push((whose, date.as_second().saturating_sub(self.now.as_second())));
        }
    }

    pub(super) fn row(&self) -> Row {
        const NAME: &str = "clock";
        let Some(worst) = self.offsets.iter().map(|(_, offset)| offset.saturating_abs()).max() else {
            return Row::not_checked(NAME, "nobody was asked who says what time it is");
        };
        let outcome = match worst {
            0..REMARKABLE => Outcome::Ok,
            REMARKABLE..MOST => Outcome::Warn,
            _ => Outcome::Fail(Exit::Usage),
        };
        let told = |(whose, offset): &(&str, i64)| match offset {
            0 => format!("{whose} has the same time"),
            offset if *offset > 0 => format!("{whose} is {offset} s ahead of this machine"),
            offset => format!("{whose} is {} s behind this machine", offset.saturating_abs()),
        };
        let row = Row { why: self.offsets.iter().map(told).collect(), ..Row::new(NAME, outcome, "") };
        if outcome == Outcome::Ok {
            row
        } else {
            row.next(["set this machine's clock: tokens and signed requests live for minutes"])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_clock_counts_and_a_header_is_read_once() {
        let row = |dates: &[(&'static str, &str)]| {
            let mut clocks = Clocks::new("2026-11-30T12:00:00Z".parse().expect("time"));
            dates.iter().for_each(|(whose, date)| clocks.date(whose, Some(date)));
            clocks.row()
        };
        let at = |time: &'static str| [("GitHub", time)];
        assert_eq!(row(&[]).outcome, Outcome::NotChecked);
        assert_eq!(row(&at("nonsense")).outcome, Outcome::NotChecked);
        assert_eq!(row(&at("Mon, 30 Nov 2026 12:00:29 GMT")).outcome, Outcome::Ok);
        assert_eq!(row(&at("Mon, 30 Nov 2026 12:00:30 GMT")).outcome, Outcome::Warn);
        assert_eq!(row(&at("Mon, 30 Nov 2026 11:55:01 GMT")).outcome, Outcome::Warn);
        let behind = row(&[("GitHub", "Mon, 30 Nov 2026 11:55:00 GMT"), ("a", "Mon, 30 Nov 2026 12:00:00 GMT")]);
        assert_eq!(behind.outcome, Outcome::Fail(Exit::Usage));
        assert_eq!(behind.why, ["GitHub is 300 s behind this machine", "a has the same time"]);
        assert_eq!(row(&[at("Mon, 30 Nov 2026 12:00:00 GMT")[0], at("Mon, 30 Nov 2026 11:00:00 GMT")[0]]).why.len(), 1);
    }
}
