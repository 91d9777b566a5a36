//! Ratings and the results of games, for server code.

use tagus_base::{UserId, Uuid};
use tagus_players::{PlayerRating, RankedTeam, RatingChange};

use super::Tagus;
use crate::api::ApiError;
use crate::gateway::unix_now;

impl Tagus {
    /// Somebody's rating in a mode; a newcomer's where no game was counted or there is no such account.
    ///
    /// # Errors
    /// INVALID_ARGUMENT for a mode whose name is not of 1 to 64 bytes.
    pub async fn rating(&self, mode: &str, user_id: UserId) -> Result<PlayerRating, ApiError> {
        Ok(self.gateway.ratings.rating(mode, user_id).await?)
    }

    /// Ratings in a mode, in the order asked for; see [`Tagus::rating`].
    ///
    /// # Errors
    /// As [`Tagus::rating`], and INVALID_ARGUMENT for more than 1,024 accounts.
    pub async fn ratings(
        &self,
        mode: &str,
        users: &[UserId],
    ) -> Result<Vec<PlayerRating>, ApiError> {
        Ok(self.gateway.ratings.ratings(mode, users).await?)
    }

    /// Counts the result of a game: all ratings that follow from it, or none. The changes are in the order of the teams and
    /// their players. A result with an id counts once, so that it may be told again where it is not known whether it was
    /// counted: where it is among the newest 16 of one of the players in this mode, nothing happens and there are no
    /// changes.
    ///
    /// # Errors
    /// INVALID_ARGUMENT for a mode whose name is not of 1 to 64 bytes, less than 2 or more than 64 teams, a team without
    /// players, more than 1,024 players, a player twice; NOT_FOUND for an account that does not exist; ABORTED where other
    /// nodes changed the same ratings again and again.
    pub async fn rate(
        &self,
        mode: &str,
        teams: &[RankedTeam],
        result: Option<Uuid>,
    ) -> Result<Vec<RatingChange>, ApiError> {
        let ratings = &self.gateway.ratings;
        Ok(ratings.rate(unix_now(), mode, teams, result).await?)
    }
}
