//! Leaderboards and tournaments: definitions by server code, records by players, ranks in memory.
//!
//! Records and their order are the database's. Memory holds the definitions, and the ranks of the current period of each
//! board, which are loaded at start; until then, and for past periods, ranks are counted in the database.
//! Changes of one owner's records happen one after the other, so that memory hears of them in their order.

mod board;
mod definition;
mod listing;
mod records;
mod score;

pub use definition::{
    BoardEvent, BoardEventKind, CATEGORY_MAX, EVENTS_MAX, ID_BYTES_MAX, Leaderboard,
    METADATA_BYTES_MAX, Operator, Period, TournamentRules,
};
pub use listing::{
    AROUND_LIST_MAX, LeaderboardPage, RECORDS_LIST_MAX, RecordPage, RecordQuery,
    TOURNAMENTS_LIST_MAX, Tournament, TournamentFilter, TournamentPage,
};
pub use records::Writer;
pub use score::{NewScore, Record};

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use tagus_base::{UnixMillis, UserId, Uuid};
use tagus_store::{Conflict, LeaderboardOp, Store};

use crate::PlayersError;
use board::Board;
use definition::Marks;

/// Which of the two a caller means: each has its own names, and its own words for what is wrong.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BoardKind {
    /// A leaderboard.
    Leaderboard,
    /// A tournament.
    Tournament,
}

/// The leaderboards and tournaments, their records and ranks. Clones are the same.
#[derive(Clone)]
pub struct Leaderboards {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    boards: RwLock<BTreeMap<String, Arc<Board>>>,
    /// Who changes records of an owner holds the lock that the owner's id picks.
    owners: Vec<tokio::sync::Mutex<()>>,
    /// When the boards must be looked at next, in milliseconds since 1970.
    next_look: AtomicU64,
}

impl Leaderboards {
    /// The boards of the store, without their ranks: these come with the first [`Leaderboards::tick`].
    ///
    /// # Errors
    /// The database failed.
    pub async fn load(store: Store) -> Result<Self, PlayersError> {
        let mut boards = BTreeMap::new();
        let mut after = String::new();
        loop {
            let rows = store.leaderboards(&after, PAGE_ROWS).await;
            let rows = rows.map_err(PlayersError::store("load leaderboards"))?;
            let Some(last) = rows.last() else {
                break;
            };
            after.clone_from(&last.id);
            for row in rows {
                let (definition, marks) = Leaderboard::from_row(row);
                let id = definition.id.clone();
                boards.insert(id, Arc::new(Board::new(definition, marks)));
            }
        }
        let owners = std::iter::repeat_with(|| tokio::sync::Mutex::new(()));
        Ok(Self {
            inner: Arc::new(Inner {
                store,
                boards: RwLock::new(boards),
                owners: owners.take(OWNER_LOCKS).collect(),
                next_look: AtomicU64::new(0),
            }),
        })
    }

    /// Whether there is no board at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.boards(BTreeMap::is_empty)
    }

    /// Makes a board. One of this name that is there stays as it is and is returned.
    ///
    /// # Errors
    /// Something in the definition is out of its range; there are [`BOARDS_MAX`] boards; a tournament has the name of
    /// a leaderboard, or the other way round.
    pub async fn create(
        &self,
        now: UnixMillis,
        definition: Leaderboard,
    ) -> Result<Leaderboard, PlayersError> {
        let definition = definition.checked(now)?;
        if self.boards(|boards| boards.len()) >= BOARDS_MAX {
            return Err(PlayersError::FailedPrecondition(
                "There are too many leaderboards.",
            ));
        }
        let row = definition.clone().into_row();
        let made = LeaderboardOp::Insert(Box::new(row));
        match self.inner.store.commit(made.into()).await {
            Ok(_) => {}
            Err(error) if error.conflict() == Some(Conflict::Changed) => {}
            Err(source) => {
                return Err(PlayersError::Store {
                    attempt: "make leaderboard",
                    source,
                });
            }
        }
        let row = self.inner.store.leaderboard(&definition.id).await;
        let row = row.map_err(PlayersError::store("read leaderboard"))?;
        let (stored, marks) = Leaderboard::from_row(row.ok_or(PlayersError::Aborted(
            "The leaderboard was deleted at the same time, try again.",
        ))?);
        if stored.kind() != definition.kind() {
            return Err(PlayersError::AlreadyExists(
                "A leaderboard of the other kind has this ID.",
            ));
        }
        let boards = self.inner.boards.write();
        let mut boards = boards.unwrap_or_else(PoisonError::into_inner);
        boards
            .entry(stored.id.clone())
            .or_insert_with(|| Arc::new(Board::new(stored.clone(), marks)));
        self.inner.next_look.store(0, Ordering::Release);
        Ok(stored)
    }

    /// Deletes a board with all its records. Deleting one that is gone is fine.
    ///
    /// # Errors
    /// The database failed; `NotFound` where the name is one of the other kind.
    pub async fn delete(&self, kind: BoardKind, id: &str) -> Result<(), PlayersError> {
        if self.boards(|boards| !boards.contains_key(id)) {
            return Ok(());
        }
        self.board(kind, id)?;
        let delete = LeaderboardOp::Delete { id: id.to_owned() };
        match self.inner.store.commit(delete.into()).await {
            Err(source) if source.conflict() != Some(Conflict::Missing) => {
                return Err(PlayersError::Store {
                    attempt: "delete leaderboard",
                    source,
                });
            }
            _ => {}
        }
        let boards = self.inner.boards.write();
        let mut boards = boards.unwrap_or_else(PoisonError::into_inner);
        boards.remove(id);
        Ok(())
    }

    /// A board's definition.
    #[must_use]
    pub fn get(&self, kind: BoardKind, id: &str) -> Option<Leaderboard> {
        Some(self.board(kind, id).ok()?.definition.clone())
    }

    /// Does what is due: loads the ranks of current periods, drops those of past ones.
    /// Returns what server code must be told; what is not marked by [`Leaderboards::mark`] comes again.
    /// To be called at start and about every second; costs nothing where nothing is due.
    ///
    /// # Errors
    /// The database failed; the next call tries again.
    pub async fn tick(&self, now: UnixMillis) -> Result<Vec<BoardEvent>, PlayersError> {
        if now.0 < self.inner.next_look.load(Ordering::Acquire) {
            return Ok(Vec::new());
        }
        // Set before the look: a board that is made meanwhile is seen by the next one.
        self.inner.next_look.store(u64::MAX, Ordering::Release);
        let looked = self.look(now).await;
        let next = match &looked {
            Ok((events, next)) if events.is_empty() => *next,
            _ => now.plus_secs(RETRY_SECS),
        };
        self.inner.next_look.fetch_min(next.0, Ordering::AcqRel);
        looked.map(|(events, _)| events)
    }

    async fn look(&self, now: UnixMillis) -> Result<(Vec<BoardEvent>, UnixMillis), PlayersError> {
        let boards: Vec<_> = self.boards(|boards| boards.values().cloned().collect());
        let mut events = Vec::new();
        let mut next = UnixMillis(u64::MAX);
        for (index, board) in boards.into_iter().enumerate() {
            if index % BOARDS_PER_TURN == BOARDS_PER_TURN - 1 {
                tokio::task::yield_now().await;
            }
            let expiry = board.definition.period(now).expiry;
            self.load_ranks(&board, expiry).await?;
            board.keep_only(expiry);
            events.extend(board.definition.events(now, &board.marks()));
            next = next.min(board.definition.next_change(now).unwrap_or(next));
        }
        Ok((events, next))
    }

    async fn load_ranks(&self, board: &Board, expiry: UnixMillis) -> Result<(), PlayersError> {
        if !board.begin_load(expiry) {
            return Ok(());
        }
        let mut after = None;
        loop {
            let period = (board.definition.id.as_str(), expiry);
            let page = self
                .inner
                .store
                .leaderboard_places_after(period, after, PAGE_ROWS);
            let page = page.await.map_err(PlayersError::store("load ranks"))?;
            after = page.last().copied();
            if after.is_none() {
                break;
            }
            board.load(expiry, page);
            // Reads may be ready at once, and requests wait meanwhile.
            tokio::task::yield_now().await;
        }
        board.end_load(expiry);
        Ok(())
    }

    /// Notes that server code was told of an event, and of all before it of its kind.
    ///
    /// # Errors
    /// The database failed. A board that is gone meanwhile is fine.
    pub async fn mark(&self, event: &BoardEvent) -> Result<(), PlayersError> {
        let (reset, end) = match event.kind {
            BoardEventKind::Reset => (event.time, UnixMillis(0)),
            BoardEventKind::End => (UnixMillis(0), event.time),
        };
        let id = event.board.id.clone();
        let mark = LeaderboardOp::Mark { id, reset, end };
        match self.inner.store.commit(mark.into()).await {
            Err(source) if source.conflict() != Some(Conflict::Missing) => {
                return Err(PlayersError::Store {
                    attempt: "mark a leaderboard's reset",
                    source,
                });
            }
            _ => {}
        }
        let board = self.boards(|boards| boards.get(&event.board.id).cloned());
        if let Some(board) = board {
            let marks = board.marks();
            board.set_marks(Marks {
                reset: marks.reset.max(reset),
                end: marks.end.max(end),
            });
        }
        self.inner.next_look.store(0, Ordering::Release);
        Ok(())
    }

    /// Takes a deleted account out of all ranks. Its records went with it.
    pub async fn forget(&self, owner: UserId) {
        let _changing = self.owner_lock(owner).lock().await;
        let boards: Vec<_> = self.boards(|boards| boards.values().cloned().collect());
        for board in boards {
            board.forget(owner);
        }
    }

    /// The owners of a board's current period in the order of their ranks; none until these are loaded.
    /// For comparing memory with the database.
    #[must_use]
    pub fn ranked_owners(&self, now: UnixMillis, kind: BoardKind, id: &str) -> Option<Vec<Uuid>> {
        let board = self.board(kind, id).ok()?;
        board.owners(board.definition.period(now).expiry)
    }

    fn board(&self, kind: BoardKind, id: &str) -> Result<Arc<Board>, PlayersError> {
        let board = self.boards(|boards| boards.get(id).cloned());
        board
            .filter(|board| board.definition.kind() == kind)
            .ok_or(kind.not_found())
    }

    fn boards<T>(&self, read: impl FnOnce(&BTreeMap<String, Arc<Board>>) -> T) -> T {
        let boards = self.inner.boards.read();
        read(&boards.unwrap_or_else(PoisonError::into_inner))
    }

    fn owner_lock(&self, owner: UserId) -> &tokio::sync::Mutex<()> {
        let bytes = owner.0.0;
        // The last bytes of an id are chance.
        let number = usize::from(u16::from_le_bytes([bytes[14], bytes[15]]));
        &self.inner.owners[number % OWNER_LOCKS]
    }
}

impl Leaderboard {
    /// Whether it is a leaderboard or a tournament.
    #[must_use]
    pub const fn kind(&self) -> BoardKind {
        match self.tournament {
            Some(_) => BoardKind::Tournament,
            None => BoardKind::Leaderboard,
        }
    }
}

impl BoardKind {
    const fn not_found(self) -> PlayersError {
        PlayersError::NotFound(match self {
            Self::Leaderboard => "Leaderboard not found.",
            Self::Tournament => "Tournament not found.",
        })
    }
}

impl fmt::Debug for Leaderboards {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leaderboards").finish_non_exhaustive()
    }
}

/// Leaderboards and tournaments, at most; further ones are refused.
pub const BOARDS_MAX: usize = 100_000;
/// Boards that are looked at before others get their turn.
const BOARDS_PER_TURN: usize = 64;
/// Rows read together while loading.
const PAGE_ROWS: u32 = 1_000;
/// After an event that was not marked, or a failure, time until the next attempt, in seconds.
const RETRY_SECS: u64 = 2;
/// Owners whose records may change at the same time, at most; memory for as many locks is held.
const OWNER_LOCKS: usize = 1_024;
