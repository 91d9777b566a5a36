//! How well players play in each mode, learnt from the results of games. Server code alone tells results.
//!
//! Who counts a result reads the ratings, decides, and commits under the condition that none has changed meanwhile;
//! otherwise it decides anew. On one node they do so one after another.

mod weng_lin;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use tagus_base::{UnixMillis, UserId, Uuid};
use tagus_store::{Conflict, RatingOp, RatingRow, Store, StoreError};

use crate::matchmaker::Rating;
use crate::turns::{Attempts, Turns};
use crate::{PlayersError, Random};

/// How well somebody plays in a mode.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlayerRating {
    /// Whose.
    pub user_id: UserId,
    /// The rating; a newcomer's where no game was counted.
    pub rating: Rating,
    /// Games that were counted.
    pub games: u32,
}

/// Those who played together, and what they reached.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RankedTeam {
    /// Who they are.
    pub users: Vec<UserId>,
    /// The lower one is the better one; equal ones are a tie.
    pub rank: u32,
}

/// What a result did to a rating.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RatingChange {
    /// The rating before.
    pub before: PlayerRating,
    /// The rating after.
    pub after: PlayerRating,
}

/// The ratings and their rules.
#[derive(Clone)]
pub struct Ratings {
    store: Store,
    random: Random,
    turns: Arc<Turns>,
}

impl Ratings {
    /// Ratings that lie in the store.
    #[must_use]
    pub fn new(store: Store, random: Random) -> Self {
        Self {
            store,
            random,
            turns: Arc::default(),
        }
    }

    /// Somebody's rating in a mode; a newcomer's where no game was counted or there is no such account.
    ///
    /// # Errors
    /// A mode's name out of its range.
    pub async fn rating(&self, mode: &str, user_id: UserId) -> Result<PlayerRating, PlayersError> {
        let found = self.ratings(mode, &[user_id]).await?.pop();
        Ok(found.unwrap_or_else(|| PlayerRating::newcomer(user_id)))
    }

    /// Ratings in a mode, in the order asked for; see [`Ratings::rating`].
    ///
    /// # Errors
    /// A mode's name out of its range, more than [`RATED_USERS_MAX`] accounts.
    pub async fn ratings(
        &self,
        mode: &str,
        users: &[UserId],
    ) -> Result<Vec<PlayerRating>, PlayersError> {
        check_mode(mode)?;
        if users.len() > RATED_USERS_MAX {
            return Err(TOO_MANY_USERS);
        }
        let known = self.known(mode, users).await?;
        let rating = |user: &UserId| {
            known
                .get(user)
                .map_or_else(|| PlayerRating::newcomer(*user), rating_of)
        };
        Ok(users.iter().map(rating).collect())
    }

    /// Counts the result of a game: all ratings that follow from it, or none. The changes are in the order of the teams and
    /// their players. A result with an id counts once: where it is among the newest [`RESULTS_KEPT`] of one of the players
    /// in this mode, nothing happens and there are no changes.
    ///
    /// # Errors
    /// A mode's name out of its range; less than 2 or more than [`RATED_TEAMS_MAX`] teams; a team without players; more than
    /// [`RATED_USERS_MAX`] players; a player twice; an account that does not exist; `Aborted` where other nodes changed the
    /// same ratings again and again.
    pub async fn rate(
        &self,
        now: UnixMillis,
        mode: &str,
        teams: &[RankedTeam],
        result: Option<Uuid>,
    ) -> Result<Vec<RatingChange>, PlayersError> {
        check_mode(mode)?;
        let users = checked_users(teams)?;
        let _turns = self.turns.take(&users).await;
        let users: Vec<UserId> = users.into_iter().collect();
        let mut attempts = Attempts::new(&self.random);
        while attempts.next().await {
            let mut known = self.known(mode, &users).await?;
            if result.is_some_and(|id| known.values().any(|row| is_counted(row, id))) {
                return Ok(Vec::new());
            }
            let changes = decide(&known, teams);
            let mut rows: Vec<RatingRow> = Vec::with_capacity(users.len());
            for change in &changes {
                let counted = known.remove(&change.after.user_id).map(|row| row.results);
                let counted = counted_with(counted.unwrap_or_default(), result);
                rows.push(row_of(now, mode, &change.after, counted));
            }
            rows.sort_by_key(|row| row.user_id);
            match self.store.commit(RatingOp::Put(rows).into()).await {
                Ok(_) => return Ok(changes),
                Err(source) => match source.conflict() {
                    Some(Conflict::Changed) => {}
                    Some(Conflict::Missing) => return Err(NO_USER),
                    _ => return Err(WRITE(source)),
                },
            }
        }
        Err(CONTENDED)
    }

    /// An account's ratings in all modes, by the mode's name: for handing its data to whom it belongs.
    ///
    /// # Errors
    /// The database failed.
    pub async fn export(
        &self,
        user_id: UserId,
    ) -> Result<Vec<(String, PlayerRating)>, PlayersError> {
        let mut all: Vec<(String, PlayerRating)> = Vec::new();
        loop {
            let after = all.last().map_or("", |(mode, _)| mode);
            let rows = self.store.ratings_of(user_id, after, EXPORT_ROWS).await;
            let rows = rows.map_err(READ)?;
            if rows.is_empty() {
                return Ok(all);
            }
            all.extend(rows.into_iter().map(|row| {
                let rating = rating_of(&row);
                (row.mode, rating)
            }));
        }
    }

    async fn known(
        &self,
        mode: &str,
        users: &[UserId],
    ) -> Result<BTreeMap<UserId, RatingRow>, PlayersError> {
        let rows = self.store.ratings(mode, users).await.map_err(READ)?;
        Ok(rows.into_iter().map(|row| (row.user_id, row)).collect())
    }
}

impl fmt::Debug for Ratings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ratings").finish_non_exhaustive()
    }
}

impl PlayerRating {
    fn newcomer(user_id: UserId) -> Self {
        Self {
            user_id,
            rating: Rating::NEWCOMER,
            games: 0,
        }
    }
}

/// How probable it is that each team wins a game against all others; together 1. Ratings must be finite.
#[must_use]
pub fn win_probability(teams: &[&[Rating]]) -> Vec<f64> {
    weng_lin::win_probability(teams)
}

fn checked_users(teams: &[RankedTeam]) -> Result<BTreeSet<UserId>, PlayersError> {
    if !(2..=RATED_TEAMS_MAX).contains(&teams.len()) {
        return Err(PlayersError::InvalidArgument(
            "A result must have 2-64 teams.",
        ));
    }
    if teams.iter().any(|team| team.users.is_empty()) {
        return Err(PlayersError::InvalidArgument(
            "A team of a result must have players.",
        ));
    }
    if teams.iter().map(|team| team.users.len()).sum::<usize>() > RATED_USERS_MAX {
        return Err(TOO_MANY_USERS);
    }
    let mut users = BTreeSet::new();
    if !teams
        .iter()
        .flat_map(|team| &team.users)
        .all(|user| users.insert(*user))
    {
        return Err(PlayersError::InvalidArgument(
            "A player may be in a result only once.",
        ));
    }
    Ok(users)
}

fn check_mode(mode: &str) -> Result<(), PlayersError> {
    if (1..=RATING_MODE_BYTES_MAX).contains(&mode.len()) {
        return Ok(());
    }
    Err(PlayersError::InvalidArgument(
        "Mode must have a name of 1-64 bytes.",
    ))
}

/// What follows for each player, in the order of the teams.
fn decide(known: &BTreeMap<UserId, RatingRow>, teams: &[RankedTeam]) -> Vec<RatingChange> {
    let before = |user: &UserId| {
        known
            .get(user)
            .map_or_else(|| PlayerRating::newcomer(*user), rating_of)
    };
    let befores: Vec<PlayerRating> = teams
        .iter()
        .flat_map(|team| &team.users)
        .map(before)
        .collect();
    let mut rest = befores.iter().map(|before| before.rating);
    let games: Vec<(Vec<Rating>, u32)> = teams
        .iter()
        .map(|team| (rest.by_ref().take(team.users.len()).collect(), team.rank))
        .collect();
    let afters = weng_lin::rate(&games).into_iter().flatten();
    let change = |(before, after): (PlayerRating, Rating)| RatingChange {
        before,
        after: PlayerRating {
            rating: rounded(after),
            games: before.games.saturating_add(1),
            ..before
        },
    };
    befores.into_iter().zip(afters).map(change).collect()
}

/// As it is stored, so that what is told is what will be read.
fn rounded(rating: Rating) -> Rating {
    Rating {
        mu: from_micros(to_micros(rating.mu)),
        sigma: from_micros(to_micros(rating.sigma).max(1)),
    }
}

fn rating_of(row: &RatingRow) -> PlayerRating {
    PlayerRating {
        user_id: row.user_id,
        rating: Rating {
            mu: from_micros(row.mu_micros),
            sigma: from_micros(row.sigma_micros),
        },
        games: row.games,
    }
}

fn row_of(now: UnixMillis, mode: &str, after: &PlayerRating, results: Bytes) -> RatingRow {
    RatingRow {
        user_id: after.user_id,
        mode: mode.to_owned(),
        mu_micros: to_micros(after.rating.mu),
        sigma_micros: to_micros(after.rating.sigma),
        games: after.games,
        results,
        update_time: now,
    }
}

fn from_micros(micros: i64) -> f64 {
    micros as f64 / MICROS
}

fn to_micros(value: f64) -> i64 {
    (value * MICROS).round() as i64
}

fn is_counted(row: &RatingRow, result: Uuid) -> bool {
    row.results
        .chunks_exact(RESULT_BYTES)
        .any(|id| id == result.0)
}

/// The newest results, one more and those that are too old no more.
fn counted_with(mut counted: Bytes, result: Option<Uuid>) -> Bytes {
    let Some(result) = result else {
        return counted;
    };
    let kept = (RESULTS_KEPT - 1) * RESULT_BYTES;
    let counted = counted.split_off(counted.len().saturating_sub(kept));
    [counted.as_ref(), &result.0].concat().into()
}

/// Bytes of the name of a mode, at most.
pub const RATING_MODE_BYTES_MAX: usize = 64;
/// Teams of a result, at most.
pub const RATED_TEAMS_MAX: usize = 64;
/// Players of a result, or ratings asked for at once, at most.
pub const RATED_USERS_MAX: usize = 1_024;
/// Results with an id that each rating remembers; older ones are forgotten.
pub const RESULTS_KEPT: usize = 16;

const RESULT_BYTES: usize = size_of::<Uuid>();
const MICROS: f64 = 1_000_000.0;
const EXPORT_ROWS: u32 = 100;

const READ: fn(StoreError) -> PlayersError = |source| PlayersError::Store {
    attempt: "read ratings",
    source,
};
const WRITE: fn(StoreError) -> PlayersError = |source| PlayersError::Store {
    attempt: "change ratings",
    source,
};
const NO_USER: PlayersError = PlayersError::NotFound("User not found.");
const TOO_MANY_USERS: PlayersError =
    PlayersError::InvalidArgument("At most 1024 players may be rated at once.");
const CONTENDED: PlayersError =
    PlayersError::Aborted("Ratings changed by others meanwhile, try again.");
