//! What a leaderboard or a tournament is, and when its periods begin and end.

use tagus_base::UnixMillis;
use tagus_store::{LeaderboardRow, TournamentColumns};

use crate::PlayersError;
use crate::cron::Schedule;
use crate::notifications::is_json_object;
use crate::ranks::{Direction, Ties};

/// What a write does to a record that is there.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Operator {
    /// Score and subscore each keep the better of old and new.
    #[default]
    Best,
    /// The new ones count.
    Set,
    /// They grow by the new ones.
    Increment,
    /// They shrink by the new ones, down to 0.
    Decrement,
}

/// A leaderboard, or a tournament if it has [`TournamentRules`]. It never changes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Leaderboard {
    /// Its name, 1 to [`ID_BYTES_MAX`] bytes.
    pub id: String,
    /// Only server code writes its records.
    pub authoritative: bool,
    /// Which scores come first.
    pub sort: Direction,
    /// Which subscores come first.
    pub subscore_sort: Direction,
    /// Who comes first among equal scores and subscores.
    pub ties: Ties,
    /// What a write does that does not say so itself.
    pub operator: Operator,
    /// When a period ends and the next begins; none: there is one period without an end.
    pub reset_schedule: Option<Schedule>,
    /// Whether records have ranks, which are kept in memory.
    pub ranks: bool,
    /// A JSON object as text, at most [`METADATA_BYTES_MAX`] bytes.
    pub metadata: String,
    /// When it was made; a new one gets the present time.
    pub create_time: UnixMillis,
    /// What makes it a tournament.
    pub tournament: Option<TournamentRules>,
}

/// What a tournament has beyond a leaderboard.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TournamentRules {
    /// A title.
    pub title: String,
    /// A description.
    pub description: String,
    /// 0..=[`CATEGORY_MAX`], for listings.
    pub category: u32,
    /// When it begins; 0: when it is made.
    pub start_time: UnixMillis,
    /// When it is over; 0: never, or after `duration_secs` where it has no schedule.
    pub end_time: UnixMillis,
    /// How long each period takes scores, in seconds, at least 1.
    pub duration_secs: u32,
    /// Who did not join in this period may not write.
    pub join_required: bool,
    /// Records in one period at most; 0: any number.
    pub size_max: u32,
    /// Writes of an owner in one period at most; 0: any number.
    pub attempts_max: u32,
}

/// A period of a leaderboard or a tournament. Times that there are not are 0.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Period {
    /// When a tournament begins to take scores.
    pub start: UnixMillis,
    /// When a tournament ends to take scores.
    pub end: UnixMillis,
    /// When it is over: records of one period have the same of these.
    pub expiry: UnixMillis,
    /// The last reset.
    pub reset_before: UnixMillis,
    /// The next reset.
    pub reset_after: UnixMillis,
}

/// Something that server code is told about a board.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BoardEvent {
    /// Which board.
    pub board: Leaderboard,
    /// What happened.
    pub kind: BoardEventKind,
    /// When.
    pub time: UnixMillis,
    /// The expiry of the period that it is about, by which its records can be listed.
    pub expiry: UnixMillis,
}

/// What happens to boards as time goes by.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum BoardEventKind {
    /// A period of a tournament takes no more scores.
    End,
    /// A period is over and the next begins.
    Reset,
}

impl Leaderboard {
    /// An open leaderboard of this name: greatest scores first, the best one counts, no reset, with ranks.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            authoritative: false,
            sort: Direction::Descending,
            subscore_sort: Direction::Descending,
            ties: Ties::EarlierFirst,
            operator: Operator::Best,
            reset_schedule: None,
            ranks: true,
            metadata: "{}".to_owned(),
            create_time: UnixMillis(0),
            tournament: None,
        }
    }

    /// The same with scores and subscores in this direction.
    #[must_use]
    pub const fn sorted(mut self, direction: Direction) -> Self {
        self.sort = direction;
        self.subscore_sort = direction;
        self
    }

    /// The period at a time. Before a tournament's start that is its first one, after its end its last one.
    #[must_use]
    pub fn period(&self, now: UnixMillis) -> Period {
        match &self.tournament {
            Some(rules) => self.tournament_period(rules, now),
            None => {
                let (before, after) = self.resets_around(now.as_secs());
                Period {
                    expiry: after,
                    reset_before: before,
                    reset_after: after,
                    ..Period::default()
                }
            }
        }
    }

    /// Whether a tournament takes scores and new members at a time.
    #[must_use]
    pub fn is_active(&self, now: UnixMillis) -> bool {
        let period = self.period(now);
        self.tournament.is_none() || (period.start <= now && now < period.end)
    }

    fn tournament_period(&self, rules: &TournamentRules, now: UnixMillis) -> Period {
        let until = |time: UnixMillis| match rules.end_time {
            UnixMillis(0) => time,
            end => time.min(end),
        };
        let length = u64::from(rules.duration_secs);
        let Some(schedule) = &self.reset_schedule else {
            let end = until(rules.start_time.plus_secs(length));
            return Period {
                start: rules.start_time,
                end,
                expiry: end,
                ..Period::default()
            };
        };
        let last = match rules.end_time {
            UnixMillis(0) => u64::MAX,
            end => end.as_secs().saturating_sub(1),
        };
        let at = now.max(rules.start_time).as_secs().min(last);
        let next = |secs| schedule.next_after(secs).unwrap_or(u64::MAX / 1_000);
        let mut begin = schedule.last_until(at).unwrap_or(at);
        let mut after = next(at);
        // A start between the end of one activity and the next reset waits for that reset.
        if begin + length <= rules.start_time.as_secs() {
            begin = after;
            after = next(begin);
        }
        let end = until(millis((begin + length).min(after)));
        let (reset_before, reset_after) = self.resets_around(now.as_secs());
        Period {
            start: millis(begin).max(rules.start_time),
            end,
            expiry: until(millis(after)),
            reset_before,
            reset_after,
        }
    }

    fn resets_around(&self, now_secs: u64) -> (UnixMillis, UnixMillis) {
        let Some(schedule) = &self.reset_schedule else {
            return (UnixMillis(0), UnixMillis(0));
        };
        let before = schedule.last_until(now_secs).map_or(UnixMillis(0), millis);
        let after = schedule.next_after(now_secs).map_or(UnixMillis(0), millis);
        (before, after)
    }

    /// What has happened up to `now` behind the marks, in its order; the newest [`EVENTS_MAX`] of each kind.
    pub(crate) fn events(&self, now: UnixMillis, marks: &Marks) -> Vec<BoardEvent> {
        let mut events = Vec::new();
        let mut push = |kind, time: UnixMillis, expiry| {
            events.push(BoardEvent {
                board: self.clone(),
                kind,
                time,
                expiry,
            });
        };
        for reset in self.resets_between(marks.reset, now) {
            push(BoardEventKind::Reset, reset, reset);
        }
        if self.tournament.is_some() {
            for period in self.periods_ended_between(marks.end, now) {
                push(BoardEventKind::End, period.end, period.expiry);
            }
        }
        events.sort_by_key(|event| (event.time, event.kind));
        events
    }

    /// When something happens next, after `now`.
    pub(crate) fn next_change(&self, now: UnixMillis) -> Option<UnixMillis> {
        let period = self.period(now);
        [period.start, period.end, period.expiry, period.reset_after]
            .into_iter()
            .filter(|time| *time > now)
            .min()
    }

    fn resets_between(&self, mark: UnixMillis, now: UnixMillis) -> Vec<UnixMillis> {
        let Some(schedule) = &self.reset_schedule else {
            return Vec::new();
        };
        let mut until = now;
        let mut mark = mark;
        if let Some(rules) = &self.tournament {
            mark = mark.max(rules.start_time);
            if rules.end_time != UnixMillis(0) {
                until = until.min(rules.end_time);
            }
        }
        let mut resets = Vec::new();
        let mut at = Some(until.as_secs());
        while let Some(reset) = at.and_then(|secs| schedule.last_until(secs)) {
            if millis(reset) <= mark || resets.len() == EVENTS_MAX {
                break;
            }
            resets.push(millis(reset));
            at = reset.checked_sub(1);
        }
        resets.reverse();
        resets
    }

    fn periods_ended_between(&self, mark: UnixMillis, now: UnixMillis) -> Vec<Period> {
        let mut ended = Vec::new();
        let mut period = self.period(now);
        while ended.len() < EVENTS_MAX && period.end > mark {
            if period.end <= now {
                ended.push(period);
            }
            let Some(schedule) = &self.reset_schedule else {
                break;
            };
            let begin = schedule.last_until(period.start.as_secs());
            let Some(before) = begin.and_then(|begin| begin.checked_sub(1)) else {
                break;
            };
            let earlier = self.period(millis(before));
            if earlier.start >= period.start {
                break;
            }
            period = earlier;
        }
        ended.reverse();
        ended
    }

    /// The definition as it is stored, with what is left open filled in.
    pub(super) fn checked(mut self, now: UnixMillis) -> Result<Self, PlayersError> {
        let refuse = |text| Err(PlayersError::InvalidArgument(text));
        if self.id.is_empty() || self.id.len() > ID_BYTES_MAX || has_control(&self.id) {
            return refuse("Invalid leaderboard ID, must be 1-128 bytes.");
        }
        if self.metadata.is_empty() {
            "{}".clone_into(&mut self.metadata);
        }
        if self.metadata.len() > METADATA_BYTES_MAX || !is_json_object(&self.metadata) {
            return refuse("Metadata must be a JSON object of at most 16384 bytes.");
        }
        self.create_time = now;
        if let Some(rules) = &mut self.tournament {
            if rules.start_time == UnixMillis(0) {
                rules.start_time = now;
            }
            // Whole seconds, as on the wire.
            rules.start_time = millis(rules.start_time.as_secs());
            rules.end_time = millis(rules.end_time.as_secs());
            let ends = rules.end_time != UnixMillis(0);
            if rules.category > CATEGORY_MAX {
                return refuse("Tournament category must be between 0 and 127.");
            }
            if rules.duration_secs == 0 {
                return refuse("Tournament duration must be greater than zero.");
            }
            if ends && rules.end_time <= rules.start_time {
                return refuse("Tournament end time must be after its start time.");
            }
            if ends && rules.end_time <= now {
                return refuse("Tournament end time must be in the future.");
            }
            if rules.title.len() > TEXT_BYTES_MAX || rules.description.len() > TEXT_BYTES_MAX {
                return refuse("Tournament title and description must be at most 2048 bytes.");
            }
        }
        Ok(self)
    }

    pub(super) fn into_row(self) -> LeaderboardRow {
        LeaderboardRow {
            id: self.id,
            authoritative: self.authoritative,
            sort_order: direction_number(self.sort),
            subscore_order: direction_number(self.subscore_sort),
            tie_order: i64::from(self.ties == Ties::LaterFirst),
            operator: self.operator.number(),
            reset_schedule: self
                .reset_schedule
                .map(|schedule| schedule.as_str().to_owned())
                .unwrap_or_default(),
            ranks: self.ranks,
            metadata: self.metadata,
            create_time: self.create_time,
            reset_mark: self.create_time,
            end_mark: self.create_time,
            tournament: self.tournament.map(|rules| TournamentColumns {
                title: rules.title,
                description: rules.description,
                category: rules.category.into(),
                start_time: rules.start_time,
                end_time: rules.end_time,
                duration_secs: rules.duration_secs.into(),
                join_required: rules.join_required,
                size_max: rules.size_max.into(),
                attempts_max: rules.attempts_max.into(),
            }),
        }
    }

    /// The definition of a row, with its marks. A schedule that this program does not understand is left out.
    pub(super) fn from_row(row: LeaderboardRow) -> (Self, Marks) {
        let marks = Marks {
            reset: row.reset_mark,
            end: row.end_mark,
        };
        let small = |number: i64| u32::try_from(number).unwrap_or_default();
        let ties = if row.tie_order == 0 {
            Ties::EarlierFirst
        } else {
            Ties::LaterFirst
        };
        let board = Self {
            authoritative: row.authoritative,
            sort: direction(row.sort_order),
            subscore_sort: direction(row.subscore_order),
            ties,
            operator: Operator::from_number(row.operator),
            reset_schedule: Schedule::parse(&row.reset_schedule).ok(),
            ranks: row.ranks,
            metadata: row.metadata,
            create_time: row.create_time,
            id: row.id,
            tournament: row.tournament.map(|own| TournamentRules {
                title: own.title,
                description: own.description,
                category: small(own.category),
                start_time: own.start_time,
                end_time: own.end_time,
                duration_secs: small(own.duration_secs),
                join_required: own.join_required,
                size_max: small(own.size_max),
                attempts_max: small(own.attempts_max),
            }),
        };
        (board, marks)
    }
}

/// Up to when server code has been told of resets and ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Marks {
    pub(crate) reset: UnixMillis,
    pub(crate) end: UnixMillis,
}

impl Operator {
    const fn number(self) -> i64 {
        match self {
            Self::Best => 0,
            Self::Set => 1,
            Self::Increment => 2,
            Self::Decrement => 3,
        }
    }

    const fn from_number(number: i64) -> Self {
        match number {
            1 => Self::Set,
            2 => Self::Increment,
            3 => Self::Decrement,
            _ => Self::Best,
        }
    }
}

const fn direction_number(direction: Direction) -> i64 {
    match direction {
        Direction::Ascending => 0,
        Direction::Descending => 1,
    }
}

const fn direction(number: i64) -> Direction {
    match number {
        0 => Direction::Ascending,
        _ => Direction::Descending,
    }
}

const fn millis(secs: u64) -> UnixMillis {
    UnixMillis(0).plus_secs(secs)
}

fn has_control(text: &str) -> bool {
    text.chars().any(char::is_control)
}

/// Bytes of a board's name, at most.
pub const ID_BYTES_MAX: usize = 128;
/// Bytes of a board's or a record's metadata, at most.
pub const METADATA_BYTES_MAX: usize = 16_384;
/// Greatest category of a tournament.
pub const CATEGORY_MAX: u32 = 127;
/// Resets, and ends, that are told of one board after a pause of the server; earlier ones are passed over.
pub const EVENTS_MAX: usize = 32;
/// Bytes of a tournament's title, and of its description, at most.
const TEXT_BYTES_MAX: usize = 2_048;

#[cfg(test)]
mod tests {
    use super::*;

    /// Monday, 23 November 2026, midnight.
    const DAY: u64 = 1_795_392_000;
    const HOUR: u64 = 3_600;

    fn tournament(schedule: &str, rules: TournamentRules) -> Leaderboard {
        Leaderboard {
            reset_schedule: Schedule::parse(schedule).ok(),
            tournament: Some(rules),
            ..Leaderboard::new("t")
        }
    }

    fn hours(period: Period) -> (i64, i64, i64) {
        let hour = |time: UnixMillis| (time.as_secs().cast_signed() - DAY.cast_signed()) / 3_600;
        (hour(period.start), hour(period.end), hour(period.expiry))
    }

    fn at(hour: u64) -> UnixMillis {
        millis(DAY + hour * HOUR)
    }

    #[test]
    fn a_leaderboard_expires_at_its_next_reset() {
        let mut board = Leaderboard::new("b");
        assert_eq!(board.period(at(1)), Period::default());
        board.reset_schedule = Schedule::parse("0 12 * * *").ok();
        let period = board.period(at(12));
        assert_eq!((period.reset_before, period.expiry), (at(12), at(36)));
        assert_eq!(board.period(UnixMillis(at(12).0 - 1)).expiry, at(12));
    }

    #[test]
    fn a_tournament_without_a_schedule_is_one_period() {
        let rules = TournamentRules {
            start_time: at(2),
            duration_secs: 3_600,
            ..TournamentRules::default()
        };
        let board = tournament("", rules.clone());
        for hour in [0, 2, 30] {
            assert_eq!(hours(board.period(at(hour))), (2, 3, 3));
        }
        assert!(!board.is_active(UnixMillis(at(2).0 - 1)));
        assert!(board.is_active(at(2)) && board.is_active(UnixMillis(at(3).0 - 1)));
        assert!(!board.is_active(at(3)));
        let short = TournamentRules {
            end_time: millis(DAY + 2 * HOUR + 60),
            ..rules
        };
        assert_eq!(
            tournament("", short).period(at(2)).end,
            millis(DAY + 2 * HOUR + 60)
        );
    }

    #[test]
    fn a_scheduled_tournament_is_active_behind_each_reset() {
        let rules = TournamentRules {
            start_time: at(15),
            duration_secs: 3_600,
            ..TournamentRules::default()
        };
        // Daily at noon for an hour; it starts in between, and waits.
        let board = tournament("0 12 * * *", rules.clone());
        assert_eq!(hours(board.period(at(15))), (36, 37, 60));
        assert_eq!(hours(board.period(at(0))), (36, 37, 60));
        assert_eq!(hours(board.period(at(36))), (36, 37, 60));
        assert_eq!(hours(board.period(at(59))), (36, 37, 60));
        assert_eq!(hours(board.period(at(60))), (60, 61, 84));
        assert!(!board.is_active(at(35)) && board.is_active(at(36)) && !board.is_active(at(37)));
        // It starts while a period is on.
        let inside = TournamentRules {
            duration_secs: 6 * 3_600,
            ..rules.clone()
        };
        assert_eq!(
            hours(tournament("0 12 * * *", inside).period(at(15))),
            (15, 18, 36)
        );
        // A period is cut by the next reset and by the tournament's end.
        let long = TournamentRules {
            duration_secs: 1_000_000,
            end_time: at(70),
            ..rules
        };
        let board = tournament("0 12 * * *", long);
        assert_eq!(hours(board.period(at(40))), (36, 60, 60));
        assert_eq!(hours(board.period(at(61))), (60, 70, 70));
        assert_eq!(hours(board.period(at(500))), (60, 70, 70));
    }

    #[test]
    fn what_happened_is_told_once_behind_the_marks() {
        let told = |board: &Leaderboard, mark, now| -> Vec<(BoardEventKind, u64)> {
            let marks = Marks {
                reset: mark,
                end: mark,
            };
            let events = board.events(now, &marks).into_iter();
            events
                .map(|event| (event.kind, (event.time.as_secs() - DAY) / HOUR))
                .collect()
        };
        use BoardEventKind::{End, Reset};
        let mut board = Leaderboard::new("b");
        assert_eq!(told(&board, at(0), at(100)), []);
        board.reset_schedule = Schedule::parse("0 12 * * *").ok();
        assert_eq!(told(&board, at(12), at(35)), []);
        assert_eq!(told(&board, at(12), at(36)), [(Reset, 36)]);
        assert_eq!(
            told(&board, at(11), at(70)),
            [(Reset, 12), (Reset, 36), (Reset, 60)]
        );
        assert_eq!(told(&board, at(0), at(24 * 100)).len(), EVENTS_MAX);
        let rules = TournamentRules {
            start_time: at(13),
            end_time: at(65),
            duration_secs: 7_200,
            ..TournamentRules::default()
        };
        let board = tournament("0 12 * * *", rules);
        let all = [(End, 14), (Reset, 36), (End, 38), (Reset, 60), (End, 62)];
        assert_eq!(told(&board, at(1), at(500)), all);
        assert_eq!(told(&board, at(1), at(37)), all[..2]);
        assert_eq!(told(&board, at(38), at(100)), all[3..]);
        let rules = TournamentRules {
            start_time: at(1),
            duration_secs: 3_600,
            ..TournamentRules::default()
        };
        assert_eq!(told(&tournament("", rules), at(1), at(9)), [(End, 2)]);
    }
}
