//! Points in time as the wire has them.

use std::fmt;
use std::ops::RangeInclusive;

use tagus_base::UnixMillis;

/// A point in time, `google.protobuf.Timestamp` on the wire.
/// In JSON it is RFC 3339 text in UTC, years 1 to 9999; anything outside is written as the nearest time inside.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd, prost::Message)]
pub struct Timestamp {
    /// Seconds since 1970-01-01T00:00:00Z; negative before it.
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    /// Nanoseconds after that second, 0 to 999,999,999.
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

impl From<UnixMillis> for Timestamp {
    fn from(time: UnixMillis) -> Self {
        let nanos = i32::try_from(time.0 % 1_000).unwrap_or(0) * 1_000_000;
        Self {
            seconds: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
            nanos,
        }
    }
}

impl fmt::Display for Timestamp {
    /// As in JSON, without the quotation marks.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Vec::new();
        self.write_rfc3339(&mut text);
        f.write_str(&String::from_utf8_lossy(&text))
    }
}

impl Timestamp {
    /// Appends RFC 3339 text such as `2026-11-23T11:30:00Z`, with 3, 6 or 9 digits of fraction when there is one.
    pub(crate) fn write_rfc3339(self, out: &mut Vec<u8>) {
        use std::io::Write;

        let seconds = self.seconds.clamp(SECONDS_MIN, SECONDS_MAX);
        let (year, month, day) = civil_from_days(seconds.div_euclid(DAY_SECONDS));
        let of_day = seconds.rem_euclid(DAY_SECONDS);
        let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
        // Writing to a vector cannot fail.
        let _ = write!(
            out,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"
        );
        let nanos = self.nanos.clamp(0, NANOS_MAX);
        let _ = match nanos {
            0 => Ok(()),
            _ if nanos % 1_000_000 == 0 => write!(out, ".{:03}", nanos / 1_000_000),
            _ if nanos % 1_000 == 0 => write!(out, ".{:06}", nanos / 1_000),
            _ => write!(out, ".{nanos:09}"),
        };
        out.push(b'Z');
    }

    /// Reads RFC 3339 text; an offset other than `Z` is converted to UTC. `None` for anything else.
    pub(crate) fn parse_rfc3339(text: &str) -> Option<Self> {
        let mut text = Text(text.as_bytes());
        let year = text.number(4, 1..=9_999)?;
        let month = text.expect(b"-")?.number(2, 1..=12)?;
        let day = text
            .expect(b"-")?
            .number(2, 1..=days_in_month(year, month))?;
        let hour = text.expect(b"Tt")?.number(2, 0..=23)?;
        let minute = text.expect(b":")?.number(2, 0..=59)?;
        let second = text.expect(b":")?.number(2, 0..=59)?;
        let nanos = text.fraction()?;
        let offset = text.offset_seconds()?;
        if !text.0.is_empty() {
            return None;
        }
        let of_day = hour * 3_600 + minute * 60 + second;
        let seconds = days_from_civil(year, month, day) * DAY_SECONDS + of_day - offset;
        (SECONDS_MIN..=SECONDS_MAX)
            .contains(&seconds)
            .then_some(Self { seconds, nanos })
    }
}

/// What is left to read of a time's text.
struct Text<'a>(&'a [u8]);

impl Text<'_> {
    /// Takes one byte, which must be one of `wanted`.
    fn expect(&mut self, wanted: &[u8]) -> Option<&mut Self> {
        let (first, rest) = self.0.split_first()?;
        if !wanted.contains(first) {
            return None;
        }
        self.0 = rest;
        Some(self)
    }

    fn digit(&mut self) -> Option<i64> {
        let (first, rest) = self.0.split_first()?;
        if !first.is_ascii_digit() {
            return None;
        }
        self.0 = rest;
        Some(i64::from(first - b'0'))
    }

    /// Takes exactly `count` digits.
    fn number(&mut self, count: usize, range: RangeInclusive<i64>) -> Option<i64> {
        let mut value = 0;
        for _ in 0..count {
            value = value * 10 + self.digit()?;
        }
        range.contains(&value).then_some(value)
    }

    /// Takes an optional fraction of one to nine digits, as nanoseconds.
    fn fraction(&mut self) -> Option<i32> {
        if self.expect(b".").is_none() {
            return Some(0);
        }
        let (mut value, mut count) = (self.digit()?, 1);
        while let Some(digit) = self.digit() {
            value = value * 10 + digit;
            count += 1;
            if count > 9 {
                return None;
            }
        }
        for _ in count..9 {
            value *= 10;
        }
        i32::try_from(value).ok()
    }

    /// Takes `Z` or `+hh:mm` or `-hh:mm`.
    fn offset_seconds(&mut self) -> Option<i64> {
        if self.expect(b"Zz").is_some() {
            return Some(0);
        }
        let sign = if self.expect(b"+").is_some() {
            1
        } else {
            self.expect(b"-")?;
            -1
        };
        let hours = self.number(2, 0..=23)?;
        let minutes = self.expect(b":")?.number(2, 0..=59)?;
        Some(sign * (hours * 3_600 + minutes * 60))
    }
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days since 1970-01-01 of a date of the Gregorian calendar.
/// Years are counted from March, so that the leap day is the last of its year.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * ERA_DAYS + of_era * 365 + of_era / 4 - of_era / 100 + of_year - EPOCH_DAYS
}

/// Year, month and day of a number of days since 1970-01-01.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + EPOCH_DAYS;
    let era = days.div_euclid(ERA_DAYS);
    let of_era = days.rem_euclid(ERA_DAYS);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    (era * 400 + year + i64::from(month <= 2), month, day)
}

const DAY_SECONDS: i64 = 86_400;
/// Days in 400 years.
const ERA_DAYS: i64 = 146_097;
/// Days from 0000-03-01 to 1970-01-01.
const EPOCH_DAYS: i64 = 719_468;
/// 0001-01-01T00:00:00Z.
const SECONDS_MIN: i64 = -62_135_596_800;
/// 9999-12-31T23:59:59Z.
const SECONDS_MAX: i64 = 253_402_300_799;
const NANOS_MAX: i32 = 999_999_999;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(seconds: i64, nanos: i32) -> String {
        let mut out = Vec::new();
        Timestamp { seconds, nanos }.write_rfc3339(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn known_times() {
        for (seconds, nanos, expected) in [
            (0, 0, "1970-01-01T00:00:00Z"),
            (1_709_164_800, 0, "2024-02-29T00:00:00Z"),
            (951_782_400, 5_000_000, "2000-02-29T00:00:00.005Z"),
            (-1, 1_000, "1969-12-31T23:59:59.000001Z"),
            (SECONDS_MIN, 1, "0001-01-01T00:00:00.000000001Z"),
            (SECONDS_MAX, NANOS_MAX, "9999-12-31T23:59:59.999999999Z"),
        ] {
            assert_eq!(text(seconds, nanos), expected);
            assert_eq!(
                Timestamp::parse_rfc3339(expected),
                Some(Timestamp { seconds, nanos })
            );
        }
        assert_eq!(text(i64::MAX, i32::MAX), "9999-12-31T23:59:59.999999999Z");
        assert_eq!(text(i64::MIN, i32::MIN), "0001-01-01T00:00:00Z");
    }

    #[test]
    fn offsets_and_refusals() {
        let parse = Timestamp::parse_rfc3339;
        assert_eq!(
            parse("1970-01-01T02:30:00+02:30"),
            Some(Timestamp::default())
        );
        assert_eq!(
            parse("1969-12-31t22:59:00.0-01:01"),
            Some(Timestamp::default())
        );
        for bad in [
            "",
            "1970-01-01",
            "1970-01-01T00:00:00",
            "1970-01-01 00:00:00Z",
            "1970-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "1970-13-01T00:00:00Z",
            "1970-01-01T24:00:00Z",
            "1970-01-01T00:00:60Z",
            "1970-01-01T00:00:00.Z",
            "1970-01-01T00:00:00.1234567890Z",
            "1970-01-01T00:00:00Zx",
            "0000-01-01T00:00:00Z",
            "0001-01-01T00:00:00+00:01",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn from_milliseconds() {
        let time = Timestamp::from(UnixMillis(1_234));
        assert_eq!(
            time,
            Timestamp {
                seconds: 1,
                nanos: 234_000_000
            }
        );
    }

    proptest! {
        #[test]
        fn read_back(seconds in SECONDS_MIN..=SECONDS_MAX, nanos in 0..=NANOS_MAX) {
            let time = Timestamp { seconds, nanos };
            prop_assert_eq!(Timestamp::parse_rfc3339(&text(seconds, nanos)), Some(time));
        }
    }
}
