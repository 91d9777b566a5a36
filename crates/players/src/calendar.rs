//! The Gregorian calendar.

/// Year, month and day of the month, from 1, of a day since 1970-01-01.
///
/// Years are counted from March, so that the day of a leap year is the last one; an era is 400 years.
pub(crate) const fn civil(days_since_1970: u64) -> (u64, u64, u64) {
    let days = days_since_1970 + DAYS_FROM_MARCH_OF_0_TO_1970;
    let (era, of_era) = (days / DAYS_OF_ERA, days % DAYS_OF_ERA);
    let leaps = of_era / 1_460 - of_era / 36_524 + of_era / 146_096;
    let year_of_era = (of_era - leaps) / 365;
    let of_year = of_era - (year_of_era * 365 + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let is_next = from_march >= 10;
    let month = if is_next {
        from_march - 9
    } else {
        from_march + 3
    };
    (era * 400 + year_of_era + is_next as u64, month, day)
}

const DAYS_OF_ERA: u64 = 146_097;
const DAYS_FROM_MARCH_OF_0_TO_1970: u64 = 719_468;
