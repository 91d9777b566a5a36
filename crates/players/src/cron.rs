//! Schedules in the form of cron: five fields, UTC, to the minute.

use std::ops::RangeInclusive;

use crate::calendar::civil;

/// When something happens again and again: `minute hour day-of-month month day-of-week`.
///
/// A field is `*` (or `?`), a number, a range `a-b`, either of these with a step `/n`, or a list of such with commas;
/// months and days of the week also by their English names of three letters; Sunday is 0 or 7.
/// Where both days of the month and of the week are named, one of them is enough.
/// `@hourly`, `@daily`, `@midnight`, `@weekly`, `@monthly`, `@yearly` and `@annually` stand for what they say.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Schedule {
    text: String,
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// Whether one of the two kinds of days is enough.
    either_day: bool,
}

/// Why a text is no schedule.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ScheduleError {
    /// There are not five fields.
    #[error("read schedule: it has five fields")]
    Fields,
    /// A field is none.
    #[error("read schedule: {0} is wrong")]
    Field(&'static str),
    /// No day is ever meant, such as the 30th of February.
    #[error("read schedule: it never comes")]
    Never,
}

impl Schedule {
    /// Reads a schedule.
    ///
    /// # Errors
    /// See [`ScheduleError`].
    pub fn parse(text: &str) -> Result<Self, ScheduleError> {
        let text = text.trim();
        let long = SHORT.iter().find(|(short, _)| *short == text);
        let mut fields = long.map_or(text, |(_, long)| long).split_ascii_whitespace();
        let mut field = |kind: &Kind| {
            let field = fields.next().ok_or(ScheduleError::Fields)?;
            let mask = kind.mask(field);
            mask.map(|mask| (mask, matches!(field, "*" | "?")))
                .ok_or(ScheduleError::Field(kind.name))
        };
        let (minutes, _) = field(&MINUTE)?;
        let (hours, _) = field(&HOUR)?;
        let (days, any_day) = field(&DAY)?;
        let (months, _) = field(&MONTH)?;
        let (weekdays, any_weekday) = field(&WEEKDAY)?;
        if fields.next().is_some() {
            return Err(ScheduleError::Fields);
        }
        let schedule = Self {
            text: text.to_owned(),
            minutes,
            hours,
            days,
            months,
            // Sunday has two numbers.
            weekdays: weekdays | ((weekdays >> 7) & 1),
            either_day: !any_day && !any_weekday,
        };
        match schedule.next_after(0) {
            Some(_) => Ok(schedule),
            None => Err(ScheduleError::Never),
        }
    }

    /// The text that it was read from.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The first time after the given one, both in seconds since 1970.
    #[must_use]
    pub fn next_after(&self, secs: u64) -> Option<u64> {
        let minute = secs / 60 + 1;
        let first_day = minute / DAY_MINUTES;
        let mut least = minute % DAY_MINUTES;
        for day in first_day..first_day + DAYS_SEARCHED {
            if self.has_day(day) {
                let mut minutes = least..DAY_MINUTES;
                if let Some(minute) = minutes.find(|minute| self.has_minute(*minute)) {
                    return Some((day * DAY_MINUTES + minute) * 60);
                }
            }
            least = 0;
        }
        None
    }

    /// The last time that is not after the given one, both in seconds since 1970; none before 1970.
    #[must_use]
    pub fn last_until(&self, secs: u64) -> Option<u64> {
        let minute = secs / 60;
        let last_day = minute / DAY_MINUTES;
        let mut most = minute % DAY_MINUTES;
        for day in (last_day.saturating_sub(DAYS_SEARCHED)..=last_day).rev() {
            if self.has_day(day) {
                let mut minutes = (0..=most).rev();
                if let Some(minute) = minutes.find(|minute| self.has_minute(*minute)) {
                    return Some((day * DAY_MINUTES + minute) * 60);
                }
            }
            most = DAY_MINUTES - 1;
        }
        None
    }

    fn has_minute(&self, of_day: u64) -> bool {
        has(self.hours, of_day / 60) && has(self.minutes, of_day % 60)
    }

    fn has_day(&self, since_epoch: u64) -> bool {
        let (_, month, day) = civil(since_epoch);
        // 1970 began on a Thursday.
        let weekday = (since_epoch + 4) % 7;
        let (day, weekday) = (has(self.days, day), has(self.weekdays, weekday));
        let is_meant = if self.either_day {
            day || weekday
        } else {
            day && weekday
        };
        is_meant && has(self.months, month)
    }
}

fn has(mask: u64, value: u64) -> bool {
    (mask >> value) & 1 == 1
}

struct Kind {
    name: &'static str,
    range: RangeInclusive<u64>,
    /// Names of the numbers from `range.start()` on.
    names: &'static [&'static str],
}

impl Kind {
    /// The numbers of a field, one bit each.
    fn mask(&self, field: &str) -> Option<u64> {
        let mut mask = 0;
        for part in field.split(',') {
            let (range, step) = match part.split_once('/') {
                Some((range, step)) => (range, Some(number(step)?)),
                None => (part, None),
            };
            let (least, most) = self.range(range, step.is_some())?;
            let step = usize::try_from(step.unwrap_or(1)).ok()?;
            if step == 0 || least > most {
                return None;
            }
            for value in (least..=most).step_by(step) {
                mask |= 1 << value;
            }
        }
        Some(mask)
    }

    /// A number with a step goes on to the end.
    fn range(&self, text: &str, steps: bool) -> Option<(u64, u64)> {
        let (start, end) = (*self.range.start(), *self.range.end());
        if matches!(text, "*" | "?") {
            return Some((start, end));
        }
        match text.split_once('-') {
            Some((least, most)) => Some((self.value(least)?, self.value(most)?)),
            None => {
                let value = self.value(text)?;
                Some((value, if steps { end } else { value }))
            }
        }
    }

    fn value(&self, text: &str) -> Option<u64> {
        let named = self
            .names
            .iter()
            .position(|name| name.eq_ignore_ascii_case(text));
        let value = match named {
            Some(index) => *self.range.start() + u64::try_from(index).ok()?,
            None => number(text)?,
        };
        self.range.contains(&value).then_some(value)
    }
}

/// Digits only.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

const MINUTE: Kind = Kind {
    name: "the minute",
    range: 0..=59,
    names: &[],
};
const HOUR: Kind = Kind {
    name: "the hour",
    range: 0..=23,
    names: &[],
};
const DAY: Kind = Kind {
    name: "the day of the month",
    range: 1..=31,
    names: &[],
};
const MONTH: Kind = Kind {
    name: "the month",
    range: 1..=12,
    names: &[
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ],
};
const WEEKDAY: Kind = Kind {
    name: "the day of the week",
    range: 0..=7,
    names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
};
const SHORT: &[(&str, &str)] = &[
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
];
const DAY_MINUTES: u64 = 24 * 60;
/// From one 29th of February to the next there are up to eight years.
const DAYS_SEARCHED: u64 = 8 * 366 + 1;

#[cfg(test)]
mod tests {
    use super::*;

    /// Days of the months of a year.
    fn lengths(year: u64) -> [u64; 12] {
        let divides = |number| year.is_multiple_of(number);
        let leap = divides(4) && (!divides(100) || divides(400));
        let february = 28 + u64::from(leap);
        [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    }

    /// Seconds of a date, by counting.
    fn at(text: &str) -> u64 {
        let numbers: Vec<u64> = text
            .split(['-', ' ', ':'])
            .map(|part| part.parse().unwrap())
            .collect();
        let years: u64 = (1970..numbers[0]).flat_map(lengths).sum();
        let months: u64 = lengths(numbers[0])[..numbers[1] as usize - 1].iter().sum();
        let days = years + months + numbers[2] - 1;
        (days * 1_440 + numbers[3] * 60 + numbers[4]) * 60
    }

    /// The times that follow, and the same ones back again.
    fn check(schedule: &str, from: &str, times: &[&str]) {
        let schedule = Schedule::parse(schedule).unwrap();
        let mut now = at(from);
        for time in times {
            now = schedule.next_after(now).unwrap();
            assert_eq!(now, at(time), "{schedule:?}: {time}");
            assert_eq!(schedule.last_until(now), Some(now));
            assert_eq!(schedule.last_until(now + 59), Some(now));
        }
        for time in times.iter().rev().skip(1) {
            now = schedule.last_until(now - 1).unwrap();
            assert_eq!(now, at(time), "{schedule:?}: back to {time}");
        }
    }

    #[test]
    fn known_tables() {
        check(
            "0 0 * * *",
            "2026-02-27 13:00",
            &["2026-02-28 00:00", "2026-03-01 00:00"],
        );
        check(
            "0 0 * * *",
            "2026-12-30 23:59",
            &["2026-12-31 00:00", "2027-01-01 00:00"],
        );
        check(
            "*/15 * * * *",
            "2026-01-01 00:44",
            &["2026-01-01 00:45", "2026-01-01 01:00"],
        );
        check(
            "5/20 6 * * *",
            "2026-01-01 00:00",
            &[
                "2026-01-01 06:05",
                "2026-01-01 06:25",
                "2026-01-01 06:45",
                "2026-01-02 06:05",
            ],
        );
        check(
            "0 9-17/4 * * *",
            "2026-01-01 10:00",
            &["2026-01-01 13:00", "2026-01-01 17:00", "2026-01-02 09:00"],
        );
        check(
            "30 4 1,15 * *",
            "2026-01-02 00:00",
            &["2026-01-15 04:30", "2026-02-01 04:30"],
        );
        check(
            "@monthly",
            "2026-11-23 13:00",
            &["2026-12-01 00:00", "2027-01-01 00:00"],
        );
        check(
            "@yearly",
            "2026-11-23 13:00",
            &["2027-01-01 00:00", "2028-01-01 00:00"],
        );
    }

    #[test]
    fn ends_of_months_and_leap_years() {
        check(
            "0 0 31 * *",
            "2026-01-31 00:00",
            &["2026-03-31 00:00", "2026-05-31 00:00", "2026-07-31 00:00"],
        );
        check("0 0 30 * *", "2026-01-30 00:00", &["2026-03-30 00:00"]);
        check(
            "0 12 29 2 *",
            "2026-01-01 00:00",
            &["2028-02-29 12:00", "2032-02-29 12:00"],
        );
        check("0 0 29 2 *", "2096-03-01 00:00", &["2104-02-29 00:00"]);
        check(
            "0 0 1 3 *",
            "2000-02-28 00:00",
            &["2000-03-01 00:00", "2001-03-01 00:00"],
        );
    }

    #[test]
    fn days_of_the_week() {
        // The 23rd of November 2026 is a Monday.
        check(
            "0 0 * * mon",
            "2026-11-22 13:00",
            &["2026-11-23 00:00", "2026-11-30 00:00"],
        );
        for sunday in ["0", "7", "SUN", "@weekly"] {
            let text = if sunday.starts_with('@') {
                sunday.to_owned()
            } else {
                format!("0 0 * * {sunday}")
            };
            check(
                &text,
                "2026-11-23 00:00",
                &["2026-11-29 00:00", "2026-12-06 00:00"],
            );
        }
        check(
            "0 0 * * 5-7",
            "2026-11-23 00:00",
            &[
                "2026-11-27 00:00",
                "2026-11-28 00:00",
                "2026-11-29 00:00",
                "2026-12-04 00:00",
            ],
        );
        check(
            "0 0 * jan-mar mon",
            "2026-03-24 00:00",
            &["2026-03-30 00:00", "2027-01-04 00:00"],
        );
        // Either the 13th or a Friday.
        check(
            "0 0 13 * fri",
            "2026-11-07 00:00",
            &[
                "2026-11-13 00:00",
                "2026-11-20 00:00",
                "2026-11-27 00:00",
                "2026-12-04 00:00",
                "2026-12-11 00:00",
                "2026-12-13 00:00",
            ],
        );
    }

    #[test]
    fn what_is_no_schedule() {
        for wrong in [
            "",
            "* * * *",
            "* * * * * *",
            "60 * * * *",
            "* 24 * * *",
            "* * 0 * *",
            "* * 32 * *",
            "* * * 13 *",
            "* * * * 8",
            "5-1 * * * *",
            "*/0 * * * *",
            "1- * * * *",
            "-1 * * * *",
            "+1 * * * *",
            ", * * * *",
            "1,,2 * * * *",
            "a * * * *",
            "* * * * monday",
            "@never",
            "99999999999999999999 * * * *",
        ] {
            let refused = Schedule::parse(wrong);
            assert!(
                matches!(
                    refused,
                    Err(ScheduleError::Fields | ScheduleError::Field(_))
                ),
                "{wrong}"
            );
        }
        assert_eq!(Schedule::parse("0 0 30 2 *"), Err(ScheduleError::Never));
        assert_eq!(
            Schedule::parse("0 0 31 4,6,9,11 *"),
            Err(ScheduleError::Never)
        );
    }

    #[test]
    fn every_day_of_400_years_has_its_date() {
        let mut since_epoch = 0;
        for year in 1970..2370 {
            for (month, length) in (1..).zip(lengths(year)) {
                for day in 1..=length {
                    assert_eq!(civil(since_epoch), (year, month, day));
                    since_epoch += 1;
                }
            }
        }
    }
}
