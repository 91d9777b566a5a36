//! Lists of records and of boards.

use tagus_base::{UnixMillis, UserId};
use tagus_store::{LeaderboardRecordRow, RecordOrder, StoreError};

use super::board::Board;
use super::definition::{CATEGORY_MAX, Leaderboard};
use super::{BoardKind, Leaderboards, Record};
use crate::PlayersError;
use crate::cursor::{Cursor, MALFORMED, checked_limit};

/// Which records to list.
#[derive(Clone, Copy, Debug, Default)]
pub struct RecordQuery<'a> {
    /// Owners whose records are listed beside the page.
    pub owners: &'a [UserId],
    /// Records on the page, 1..=[`RECORDS_LIST_MAX`]; none: only those of the owners, or one if there are no owners.
    pub limit: Option<i32>,
    /// Where the page begins; empty: with the first record.
    pub cursor: &'a str,
    /// The expiry of the period, in seconds since 1970; 0: the current one.
    pub expiry_secs: i64,
}

/// A page of records, best first.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct RecordPage {
    /// The page.
    pub records: Vec<Record>,
    /// The records of the owners that were asked for.
    pub owner_records: Vec<Record>,
    /// For the page behind this one; empty at the end.
    pub next_cursor: String,
    /// For the page before this one; empty at the beginning.
    pub prev_cursor: String,
    /// Records in the period; 0 on boards without ranks.
    pub rank_count: u64,
}

/// A page of boards, by name.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct LeaderboardPage {
    /// The page.
    pub leaderboards: Vec<Leaderboard>,
    /// For the page behind this one; empty at the end.
    pub cursor: String,
}

/// Which tournaments to list.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct TournamentFilter {
    /// Least category; none: 0.
    pub category_start: Option<u32>,
    /// Greatest category; none: [`CATEGORY_MAX`].
    pub category_end: Option<u32>,
    /// Only those that start at that time or later.
    pub start_time: Option<UnixMillis>,
    /// Only those that are over by then; 0: only those that never end; none: all that are not over.
    pub end_time: Option<UnixMillis>,
}

/// A tournament at a time.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tournament {
    /// What it is.
    pub board: Leaderboard,
    /// Its period.
    pub period: super::Period,
    /// Records in this period.
    pub size: u64,
    /// Whether it is active and has a place left.
    pub can_enter: bool,
}

/// A page of tournaments, by name.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TournamentPage {
    /// The page.
    pub tournaments: Vec<Tournament>,
    /// For the page behind this one; empty at the end.
    pub cursor: String,
}

/// A place among records.
type Place = (RecordOrder, UserId);

impl Leaderboards {
    /// Lists records of a period.
    ///
    /// # Errors
    /// No such board, a limit out of its range, too many owners, a cursor of another list.
    pub async fn records(
        &self,
        now: UnixMillis,
        (kind, id): (BoardKind, &str),
        query: RecordQuery<'_>,
    ) -> Result<RecordPage, PlayersError> {
        let limit = match query.limit {
            Some(limit) => Some(checked_limit(limit, RECORDS_LIST_MAX)?),
            None if query.owners.is_empty() || !query.cursor.is_empty() => Some(1),
            None => None,
        };
        if query.owners.len() > OWNERS_MAX {
            return Err(PlayersError::InvalidArgument(
                "At most 1000 owner IDs may be given.",
            ));
        }
        let board = self.board(kind, id)?;
        let mut expiry = expiry_of(&board.definition, now, query.expiry_secs)?;
        let mut from = None;
        if !query.cursor.is_empty() {
            let (place, forward, of) = read_cursor(&board.definition, query.cursor)?;
            from = Some((place, forward));
            expiry = of;
        }
        let mut page = match limit {
            Some(limit) => self.page((&board, expiry), from, limit).await?,
            None => RecordPage::default(),
        };
        let period = (board.definition.id.as_str(), expiry);
        let owners = self
            .inner
            .store
            .leaderboard_records_of(period, query.owners);
        let owners = owners.await.map_err(READ)?;
        page.owner_records = self.ranked((&board, expiry), owners).await?;
        page.rank_count = self.rank_count(&board, expiry).await?;
        Ok(page)
    }

    /// Lists the records around an owner's, which is about in the middle; nothing if the owner has none.
    /// A cursor of this list goes on from there.
    ///
    /// # Errors
    /// As [`Leaderboards::records`]; the limit is 1..=[`AROUND_LIST_MAX`].
    pub async fn records_around(
        &self,
        now: UnixMillis,
        (kind, id): (BoardKind, &str),
        owner: UserId,
        query: RecordQuery<'_>,
    ) -> Result<RecordPage, PlayersError> {
        let limit = checked_limit(query.limit.unwrap_or(1), AROUND_LIST_MAX)?;
        if !query.cursor.is_empty() {
            let query = RecordQuery {
                limit: Some(limit.cast_signed()),
                ..query
            };
            return self.records(now, (kind, id), query).await;
        }
        let board = self.board(kind, id)?;
        let expiry = expiry_of(&board.definition, now, query.expiry_secs)?;
        let period = (board.definition.id.as_str(), expiry);
        let store = &self.inner.store;
        let rank_count = self.rank_count(&board, expiry).await?;
        let own = store.leaderboard_records_of(period, &[owner]).await;
        let Some(own) = own.map_err(READ)?.pop() else {
            return Ok(RecordPage {
                rank_count,
                ..RecordPage::default()
            });
        };
        let place = place_of(&own);
        let before = store.leaderboard_records_before(period, place, limit);
        let before = before.await.map_err(READ)?;
        let after = store.leaderboard_records_after(period, Some(place), limit);
        let after = after.await.map_err(READ)?;
        let limit = limit as usize;
        let wanted_before = (limit / 2).max((limit - 1).saturating_sub(after.len()));
        let before_count = before.len().min(wanted_before);
        let after_count = after.len().min(limit - 1 - before_count);
        let (more_before, more_after) = (before.len() > before_count, after.len() > after_count);
        let mut rows: Vec<_> = before.into_iter().take(before_count).collect();
        rows.reverse();
        rows.push(own);
        rows.extend(after.into_iter().take(after_count));
        let mut page = self
            .finish((&board, expiry), rows, more_before, more_after)
            .await?;
        page.rank_count = rank_count;
        Ok(page)
    }

    async fn page(
        &self,
        (board, expiry): (&Board, UnixMillis),
        from: Option<(Place, bool)>,
        limit: u32,
    ) -> Result<RecordPage, PlayersError> {
        let period = (board.definition.id.as_str(), expiry);
        let store = &self.inner.store;
        let (mut rows, forward) = match from {
            Some((place, false)) => {
                let rows = store.leaderboard_records_before(period, place, limit + 1);
                (rows.await, false)
            }
            _ => {
                let after = from.map(|(place, _)| place);
                let rows = store.leaderboard_records_after(period, after, limit + 1);
                (rows.await, true)
            }
        };
        let rows = rows.as_mut().map_err(|error| READ(error.clone()))?;
        let more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let (more_before, more_after) = if forward {
            (from.is_some(), more)
        } else {
            rows.reverse();
            (more, true)
        };
        let rows = std::mem::take(rows);
        self.finish((board, expiry), rows, more_before, more_after)
            .await
    }

    /// Adds ranks and cursors to the rows of a page.
    async fn finish(
        &self,
        (board, expiry): (&Board, UnixMillis),
        rows: Vec<LeaderboardRecordRow>,
        more_before: bool,
        more_after: bool,
    ) -> Result<RecordPage, PlayersError> {
        let cursor = |row: Option<&LeaderboardRecordRow>, forward| {
            row.map(|row| write_cursor(row, forward))
                .unwrap_or_default()
        };
        let prev_cursor = if more_before {
            cursor(rows.first(), false)
        } else {
            String::new()
        };
        let next_cursor = if more_after {
            cursor(rows.last(), true)
        } else {
            String::new()
        };
        Ok(RecordPage {
            records: self.ranked((board, expiry), rows).await?,
            prev_cursor,
            next_cursor,
            ..RecordPage::default()
        })
    }

    async fn ranked(
        &self,
        period: (&Board, UnixMillis),
        rows: Vec<LeaderboardRecordRow>,
    ) -> Result<Vec<Record>, PlayersError> {
        let ranks = self.ranks_of(period, &rows).await?;
        let rows = rows.into_iter().zip(ranks);
        Ok(rows.map(|(row, rank)| Record::new(row, rank)).collect())
    }

    /// The ranks of records of a period: from memory, or counted, each record that stands before them once.
    pub(super) async fn ranks_of(
        &self,
        (board, expiry): (&Board, UnixMillis),
        rows: &[LeaderboardRecordRow],
    ) -> Result<Vec<u64>, PlayersError> {
        if !board.definition.ranks {
            return Ok(vec![0; rows.len()]);
        }
        if let Some((ranks, _)) = board.ranks(expiry, rows.iter().map(|row| row.key.owner_id)) {
            return Ok(ranks);
        }
        let mut places: Vec<(Place, usize)> = rows.iter().map(place_of).zip(0..).collect();
        places.sort_unstable();
        let mut ranks = vec![0; rows.len()];
        let (mut from, mut rank) = (None, 1);
        let period = (board.definition.id.as_str(), expiry);
        for (place, index) in places {
            let between = self
                .inner
                .store
                .leaderboard_records_between(period, from, place);
            rank += between.await.map_err(READ)?;
            ranks[index] = rank;
            from = Some(place);
        }
        Ok(ranks)
    }

    async fn rank_count(&self, board: &Board, expiry: UnixMillis) -> Result<u64, PlayersError> {
        if !board.definition.ranks {
            return Ok(0);
        }
        if let Some((_, count)) = board.ranks(expiry, []) {
            return Ok(count);
        }
        let period = (board.definition.id.as_str(), expiry);
        let count = self.inner.store.leaderboard_records_count(period);
        count.await.map_err(READ)
    }

    /// All records of an owner, of all boards and periods, without ranks; for exports.
    ///
    /// # Errors
    /// The database failed.
    pub async fn export(&self, owner: UserId) -> Result<Vec<Record>, PlayersError> {
        let mut records = Vec::new();
        let mut after = (String::new(), UnixMillis(0));
        loop {
            let place = (after.0.as_str(), after.1);
            let rows = self
                .inner
                .store
                .leaderboard_records_of_owner(owner, place, EXPORT_ROWS);
            let rows = rows.await.map_err(READ)?;
            let Some(last) = rows.last() else {
                return Ok(records);
            };
            after = (last.key.leaderboard_id.clone(), last.key.expiry_time);
            records.extend(rows.into_iter().map(|row| Record::new(row, 0)));
        }
    }

    /// Lists leaderboards by name.
    ///
    /// # Errors
    /// A limit that is not in 1..=[`RECORDS_LIST_MAX`], a cursor that is none.
    pub fn list(&self, limit: i32, cursor: &str) -> Result<LeaderboardPage, PlayersError> {
        let limit = checked_limit(limit, RECORDS_LIST_MAX)?;
        let is_leaderboard = |board: &Leaderboard| board.kind() == BoardKind::Leaderboard;
        let (leaderboards, cursor) = self.named((KIND_BOARDS, cursor), limit, is_leaderboard)?;
        Ok(LeaderboardPage {
            leaderboards,
            cursor,
        })
    }

    /// Lists tournaments by name.
    ///
    /// # Errors
    /// A limit that is not in 1..=[`TOURNAMENTS_LIST_MAX`], categories or times in the wrong order, a cursor that is none.
    pub async fn tournaments(
        &self,
        now: UnixMillis,
        filter: TournamentFilter,
        limit: i32,
        cursor: &str,
    ) -> Result<TournamentPage, PlayersError> {
        let limit = checked_limit(limit, TOURNAMENTS_LIST_MAX)?;
        let filter = filter.checked()?;
        let shown = |board: &Leaderboard| filter.shows(board, now);
        let (boards, cursor) = self.named((KIND_TOURNAMENTS, cursor), limit, shown)?;
        let tournaments = self.at(now, boards).await?;
        Ok(TournamentPage {
            tournaments,
            cursor,
        })
    }

    /// The tournaments of these names, in the order of the names; unknown ones are left out.
    ///
    /// # Errors
    /// The database failed.
    pub async fn tournaments_by_ids(
        &self,
        now: UnixMillis,
        ids: &[&str],
    ) -> Result<Vec<Tournament>, PlayersError> {
        let boards = ids
            .iter()
            .filter_map(|id| self.get(BoardKind::Tournament, id));
        self.at(now, boards.collect()).await
    }

    async fn at(
        &self,
        now: UnixMillis,
        boards: Vec<Leaderboard>,
    ) -> Result<Vec<Tournament>, PlayersError> {
        let periods: Vec<_> = boards.iter().map(|board| board.period(now)).collect();
        let named = boards.iter().zip(&periods);
        let named: Vec<_> = named
            .map(|(board, period)| (board.id.as_str(), period.expiry))
            .collect();
        let sizes = self
            .inner
            .store
            .tournament_sizes(&named)
            .await
            .map_err(READ)?;
        let all = boards.into_iter().zip(periods).zip(sizes);
        let tournament = |((board, period), size): ((Leaderboard, super::Period), u64)| {
            let size_max = board.tournament.as_ref().map_or(0, |rules| rules.size_max);
            let has_place = size_max == 0 || size < u64::from(size_max);
            Tournament {
                can_enter: has_place && board.is_active(now),
                board,
                period,
                size,
            }
        };
        Ok(all.map(tournament).collect())
    }

    /// A page of boards by name, and the cursor behind it.
    fn named(
        &self,
        (kind, cursor): (u8, &str),
        limit: u32,
        shown: impl Fn(&Leaderboard) -> bool,
    ) -> Result<(Vec<Leaderboard>, String), PlayersError> {
        let after = if cursor.is_empty() {
            String::new()
        } else {
            let mut read = Cursor::read(kind, cursor)?;
            let after = read.text()?;
            read.end()?;
            after
        };
        let limit = limit as usize;
        let mut page: Vec<Leaderboard> = self.boards(|boards| {
            let behind = boards.range::<str, _>((
                std::ops::Bound::Excluded(after.as_str()),
                std::ops::Bound::Unbounded,
            ));
            let definitions = behind.map(|(_, board)| &board.definition);
            let shown = definitions.filter(|board| shown(board));
            shown.take(limit + 1).cloned().collect()
        });
        let more = page.len() > limit;
        page.truncate(limit);
        let last = page.last().filter(|_| more);
        let cursor = last.map(|board| Cursor::new(kind).text(&board.id).write());
        Ok((page, cursor.unwrap_or_default()))
    }
}

impl TournamentFilter {
    fn checked(self) -> Result<Self, PlayersError> {
        let refuse = |text| Err(PlayersError::InvalidArgument(text));
        let (start, end) = (
            self.category_start.unwrap_or(0),
            self.category_end.unwrap_or(CATEGORY_MAX),
        );
        if start > CATEGORY_MAX {
            return refuse("Tournament category start must be between 0 and 127.");
        }
        if end > CATEGORY_MAX {
            return refuse("Tournament category end must be between 0 and 127.");
        }
        if end < start {
            return refuse(
                "Tournament category end must be greater than or equal to category start.",
            );
        }
        match (self.start_time, self.end_time) {
            (Some(start), Some(end)) if end != UnixMillis(0) && end < start => {
                refuse("Tournament end time must be greater than or equal to start time.")
            }
            _ => Ok(self),
        }
    }

    fn shows(&self, board: &Leaderboard, now: UnixMillis) -> bool {
        let Some(rules) = &board.tournament else {
            return false;
        };
        let never = UnixMillis(0);
        let end = match &board.reset_schedule {
            Some(_) => rules.end_time,
            None => board.period(now).end,
        };
        let ends_well = match self.end_time {
            None => end == never || end > now,
            Some(UnixMillis(0)) => end == never,
            Some(latest) => end != never && end <= latest,
        };
        self.category_start
            .is_none_or(|least| rules.category >= least)
            && self.category_end.is_none_or(|most| rules.category <= most)
            && self
                .start_time
                .is_none_or(|earliest| rules.start_time >= earliest)
            && ends_well
    }
}

fn expiry_of(board: &Leaderboard, now: UnixMillis, secs: i64) -> Result<UnixMillis, PlayersError> {
    match u64::try_from(secs) {
        Ok(0) => Ok(board.period(now).expiry),
        Ok(secs) => Ok(UnixMillis(0).plus_secs(secs)),
        Err(_) => Err(PlayersError::InvalidArgument(
            "Expiry must be a time since 1970, in seconds.",
        )),
    }
}

fn place_of(row: &LeaderboardRecordRow) -> Place {
    (row.order, row.key.owner_id)
}

fn write_cursor(row: &LeaderboardRecordRow, forward: bool) -> String {
    Cursor::new(KIND_RECORDS)
        .text(&row.key.leaderboard_id)
        .time(row.key.expiry_time)
        .int(i64::from(forward))
        .int(row.order.score)
        .int(row.order.subscore)
        .int(row.order.time)
        .uuid(row.key.owner_id.0)
        .write()
}

fn read_cursor(board: &Leaderboard, text: &str) -> Result<(Place, bool, UnixMillis), PlayersError> {
    let mut read = Cursor::read(KIND_RECORDS, text)?;
    if read.text()? != board.id {
        return Err(MALFORMED);
    }
    let expiry = read.time()?;
    let forward = read.int()? != 0;
    let order = RecordOrder {
        score: read.int()?,
        subscore: read.int()?,
        time: read.int()?,
    };
    let owner = read.user()?;
    read.end()?;
    Ok(((order, owner), forward, expiry))
}

const READ: fn(StoreError) -> PlayersError = |source| PlayersError::Store {
    attempt: "read leaderboard records",
    source,
};

/// Records, or leaderboards, on one page, at most.
pub const RECORDS_LIST_MAX: i32 = 1_000;
/// Records on one page around an owner, at most.
pub const AROUND_LIST_MAX: i32 = 100;
/// Tournaments on one page, at most.
pub const TOURNAMENTS_LIST_MAX: i32 = 100;
const KIND_RECORDS: u8 = 30;
const KIND_BOARDS: u8 = 31;
const KIND_TOURNAMENTS: u8 = 32;
/// Owners that one request names, at most.
const OWNERS_MAX: usize = 1_000;
/// Rows read together for an export.
const EXPORT_ROWS: u32 = 1_000;
