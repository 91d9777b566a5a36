//! Dates in text.

use tagus_base::UnixMillis;

use crate::calendar::civil;

/// Nanoseconds since 1970-01-01T00:00:00Z of a text like `2006-01-02T15:04:05.999-07:00`.
/// The offset may be missing and is then `Z`; so may the time, which is then midnight; a space may stand for the `T`.
/// `None` for anything else, and for dates outside the years 1678 to 2261, of which the nanoseconds are no `i64`.
pub(super) fn parse(text: &str) -> Option<i64> {
    let mut text = Cursor(text.as_bytes());
    let year = text.number(4)?;
    text.skip(b'-')?;
    let month = text.number(2)?;
    text.skip(b'-')?;
    let day = text.number(2)?;
    let mut seconds = days_since_1970(year, month, day)? * 86_400;
    let mut nanos = 0;
    if text.skip(b'T').or_else(|| text.skip(b' ')).is_some() {
        seconds += text.hour_and_minute()?;
        text.skip(b':')?;
        seconds += text.number(2).filter(|second| *second < 60)?;
        nanos = text.fraction()?;
        seconds -= text.offset()?;
    }
    if !text.0.is_empty() {
        return None;
    }
    seconds.checked_mul(1_000_000_000)?.checked_add(nanos)
}

/// What is left to read.
struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn skip(&mut self, byte: u8) -> Option<()> {
        let (first, rest) = self.0.split_first()?;
        (*first == byte).then(|| self.0 = rest)
    }

    /// A number of exactly so many digits.
    fn number(&mut self, digits: usize) -> Option<i64> {
        let (number, rest) = self.0.split_at_checked(digits)?;
        self.0 = rest;
        number.iter().try_fold(0, |number, digit| {
            digit
                .is_ascii_digit()
                .then(|| number * 10 + i64::from(digit - b'0'))
        })
    }

    /// `15:04` in seconds.
    fn hour_and_minute(&mut self) -> Option<i64> {
        let hour = self.number(2).filter(|hour| *hour < 24)?;
        self.skip(b':')?;
        let minute = self.number(2).filter(|minute| *minute < 60)?;
        Some(hour * 3_600 + minute * 60)
    }

    /// The nanoseconds of `.999`, 0 without a point. Digits behind the ninth do not count.
    fn fraction(&mut self) -> Option<i64> {
        if self.skip(b'.').is_none() {
            return Some(0);
        }
        let digits = self.0.iter().take_while(|byte| byte.is_ascii_digit());
        let count = digits.count();
        let (digits, rest) = self.0.split_at(count);
        self.0 = rest;
        let padded = digits.iter().chain([b'0'; 9].iter()).take(9);
        let nanos = padded.fold(0, |nanos, digit| nanos * 10 + i64::from(digit - b'0'));
        (count > 0).then_some(nanos)
    }

    /// The seconds of `Z`, `+07:00` or nothing.
    fn offset(&mut self) -> Option<i64> {
        if self.0.is_empty() || self.skip(b'Z').is_some() {
            return Some(0);
        }
        if self.skip(b'+').is_some() {
            return self.hour_and_minute();
        }
        self.skip(b'-')?;
        Some(-self.hour_and_minute()?)
    }
}

/// A time as text in the form that [`parse`] reads, to the millisecond.
pub(super) fn text(time: UnixMillis) -> String {
    let (secs, millis) = (time.as_secs(), time.0 % 1_000);
    let (days, of_day) = (secs / SECS_OF_DAY, secs % SECS_OF_DAY);
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

/// Days from 1970-01-01 to a date of the Gregorian calendar, or none if there is no such date.
fn days_since_1970(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = i64::from(year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
    let months = [31, 28 + leap, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let before = usize::try_from(month - 1).ok()?;
    let length = months.get(before)?;
    if year == 0 || !(1..=*length).contains(&day) {
        return None;
    }
    let years = year - 1;
    let days = years * 365 + years / 4 - years / 100 + years / 400;
    Some(days + months[..before].iter().sum::<i64>() + day - 1 - DAYS_BEFORE_1970)
}

const SECS_OF_DAY: u64 = 86_400;
/// Days from 0001-01-01 to 1970-01-01.
const DAYS_BEFORE_1970: i64 = 719_162;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_of_dates() {
        const SECOND: i64 = 1_000_000_000;
        for (text, expected) in [
            ("1970-01-01", 0),
            ("1970-01-01T00:00:01Z", SECOND),
            ("1969-12-31T23:59:59.5Z", -SECOND / 2),
            ("2006-01-02T15:04:05Z", 1_136_214_245 * SECOND),
            ("2006-01-02T15:04:05", 1_136_214_245 * SECOND),
            ("2006-01-02 15:04:05", 1_136_214_245 * SECOND),
            (
                "2006-01-02T15:04:05.0000000019Z",
                1_136_214_245 * SECOND + 1,
            ),
            ("2006-01-02T15:04:05-07:00", 1_136_239_445 * SECOND),
            ("2006-01-02T15:04:05+07:30", 1_136_187_245 * SECOND),
            ("2000-02-29", 951_782_400 * SECOND),
            ("2100-03-01", 4_107_542_400 * SECOND),
            ("2262-04-11T23:47:16.854775807Z", i64::MAX),
        ] {
            assert_eq!(parse(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn times_are_read_as_they_are_written() {
        assert_eq!(text(UnixMillis(0)), "1970-01-01T00:00:00.000Z");
        let time = UnixMillis(1_136_214_245_007);
        assert_eq!(text(time), "2006-01-02T15:04:05.007Z");
        // Every day up to 2261, at some millisecond of it.
        for day in 0..106_000_u64 {
            let time = day * 86_400_000 + day * 7_919 % 86_400_000;
            let nanos = i64::try_from(time).unwrap() * 1_000_000;
            assert_eq!(parse(&text(UnixMillis(time))), Some(nanos), "{time}");
        }
    }

    #[test]
    fn what_is_no_date() {
        for text in [
            "",
            "2006",
            "2006-01",
            "2006-1-2",
            "2006-13-01",
            "2006-00-01",
            "2006-01-00",
            "2006-02-29",
            "2100-02-29",
            "0000-01-01",
            "2006-01-02T",
            "2006-01-02T15:04",
            "2006-01-02T24:00:00Z",
            "2006-01-02T15:60:00Z",
            "2006-01-02T15:04:60Z",
            "2006-01-02T15:04:05.Z",
            "2006-01-02T15:04:05z",
            "2006-01-02T15:04:05Z ",
            "2006-01-02T15:04:05+7:00",
            "2006-01-02x",
            "２006-01-02",
            "2262-04-11T23:47:16.854775808Z",
            "1600-01-01",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
