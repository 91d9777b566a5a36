//! Rooms, for server code.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tagus_base::{RoomId, SessionId, UserId, Uuid};
use tagus_players::Joinable;
use tagus_room::RESERVE_USERS_MAX;
use tagus_shard::{NotReserved, RoomOpening};
use tokio::sync::oneshot;

use super::Tagus;
use crate::api::{ApiError, CODE_RESOURCE_EXHAUSTED};
use crate::directory::{RoomFilter, RoomListing};
use crate::entry::CODE_FAILED_PRECONDITION;
use crate::gateway::{named_room, random_bytes};

impl Tagus {
    /// Opens an authoritative room of a registered game. `params` are the game's own, JSON by convention.
    ///
    /// # Errors
    /// NOT_FOUND when no such game is registered, INVALID_ARGUMENT with the game's reason when the parameters make no room.
    pub async fn room_create(
        &self,
        game: &str,
        params: impl Into<Bytes>,
    ) -> Result<RoomId, ApiError> {
        let id = self.new_room_id();
        self.open(id, "", game, params.into()).await?;
        Ok(id)
    }

    /// As [`Self::room_create`]; players' listings leave the room out.
    ///
    /// # Errors
    /// Those of [`Self::room_create`].
    pub async fn room_create_private(
        &self,
        game: &str,
        params: impl Into<Bytes>,
    ) -> Result<RoomId, ApiError> {
        self.create_private(game, params.into(), None).await
    }

    /// Counts it for the user, if there is one.
    async fn create_private(
        &self,
        game: &str,
        params: Bytes,
        user_id: Option<UserId>,
    ) -> Result<RoomId, ApiError> {
        let (id, directory) = (self.new_room_id(), &self.gateway.directory);
        // Before it is opened, so that no listing shows it for a moment.
        if directory.put_private(id, user_id).is_err() {
            let text = "Too many private matches are open, let one of them end.";
            return Err(ApiError::new(CODE_RESOURCE_EXHAUSTED, text));
        }
        if let Err(error) = self.open(id, "", game, params).await {
            directory.remove(&id);
            return Err(error);
        }
        Ok(id)
    }

    fn new_room_id(&self) -> RoomId {
        RoomId {
            uuid: Uuid::from_random(random_bytes()),
            home: Some(self.gateway.node),
        }
    }

    pub(crate) async fn open(
        &self,
        id: RoomId,
        name: &str,
        game: &str,
        params: Bytes,
    ) -> Result<(), ApiError> {
        let Some(factory) = self.gateway.games.get(game) else {
            return Err(ApiError::not_found(format!(
                "no game named {game:?} is registered"
            )));
        };
        let (done, outcome) = oneshot::channel();
        let seed = u64::from_le_bytes(random_bytes::<8>());
        self.gateway.shards.open_room(RoomOpening {
            id,
            name: Arc::from(name),
            game: Arc::from(game),
            factory: factory.clone(),
            params,
            seed,
            done: Box::new(move |result| drop(done.send(result))),
        });
        match outcome.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(ApiError::invalid(error.reason)),
            Err(_) => Err(ApiError::unavailable("the server stops")),
        }
    }

    /// Opens a room that players' listings leave out, of a mode that allows it, for a user who has not too many.
    /// Returns its id and its join code.
    ///
    /// # Errors
    /// NOT_FOUND when there is no such mode or it has no private rooms, RESOURCE_EXHAUSTED when the user has too many;
    /// those of [`Self::room_create`].
    pub async fn open_private(
        &self,
        mode: &str,
        user_id: UserId,
    ) -> Result<(RoomId, String), ApiError> {
        let mode = self.gateway.config.matchmaker.mode(mode);
        let mode = mode.filter(|mode| mode.private).ok_or_else(|| {
            ApiError::not_found("There is no such mode, or it has no private matches.")
        })?;
        let params = Bytes::copy_from_slice(mode.params.as_bytes());
        let id = self
            .create_private(&mode.game, params, Some(user_id))
            .await?;
        Ok((id, self.room_code(id)?))
    }

    /// The code by which players join a room until it is over.
    ///
    /// # Errors
    /// NOT_FOUND when there is no such room; there are too many codes.
    pub fn room_code(&self, id: RoomId) -> Result<String, ApiError> {
        let (gateway, what) = (&self.gateway, Joinable::Room(id));
        let not_found = || ApiError::not_found("Match not found.");
        self.room(&id).ok_or_else(not_found)?;
        let code = gateway.join_codes.code(what)?;
        // Whoever ends the room forgets its code after it is out of the directory: then, or here.
        self.room(&id).ok_or_else(|| {
            gateway.join_codes.forget(what);
            not_found()
        })?;
        Ok(code)
    }

    /// Rooms that pass the filter, fullest first.
    #[must_use]
    pub fn rooms(&self, filter: &RoomFilter) -> Vec<RoomListing> {
        self.gateway.directory.list(filter)
    }

    /// One room, if it is open.
    #[must_use]
    pub fn room(&self, id: &RoomId) -> Option<RoomListing> {
        self.gateway.directory.get(id)
    }

    /// Asks a room's game; none when there is no such authoritative room.
    pub async fn room_signal(&self, id: RoomId, data: impl Into<Vec<u8>>) -> Option<Vec<u8>> {
        let (done, answer) = oneshot::channel();
        self.gateway
            .shards
            .signal(id, data.into(), move |result| drop(done.send(result)));
        answer.await.ok().flatten()
    }

    /// A room's recording, for `tagus replay`; none when there is no such room or it is not recorded.
    pub async fn room_recording(&self, id: RoomId) -> Option<Vec<u8>> {
        let (done, answer) = oneshot::channel();
        self.gateway
            .shards
            .recording(id, move |bytes| drop(done.send(bytes)));
        answer.await.ok().flatten()
    }

    /// The id that a client would name: as the wire has it, or the stable name of a default room.
    #[must_use]
    pub fn room_id(&self, text: &str) -> Option<RoomId> {
        text.parse().ok().or_else(|| {
            let named = self
                .gateway
                .config
                .rooms
                .iter()
                .any(|room| room.name == text);
            named.then(|| named_room(text))
        })
    }

    /// Keeps a seat of an authoritative room free for each of these people, for `hold` or
    /// [`tagus_room::RESERVE_MS_MAX`]: for all of them or for none.
    /// For others these seats are taken. Who joins uses the reservation up; who has a seat needs none.
    /// A reservation that exists is renewed.
    ///
    /// # Errors
    /// NOT_FOUND when there is no such room, FAILED_PRECONDITION when it is a relayed match, RESOURCE_EXHAUSTED when not
    /// that many seats are free, INVALID_ARGUMENT for more than [`RESERVE_USERS_MAX`] people.
    pub async fn room_reserve(
        &self,
        id: RoomId,
        users: &[UserId],
        hold: Duration,
    ) -> Result<(), ApiError> {
        let (done, outcome) = oneshot::channel();
        let shards = &self.gateway.shards;
        shards.reserve(id, users.to_vec(), hold, move |result| {
            // Where nobody waits any more, the reservation ends by itself.
            let _ = done.send(result);
        });
        match outcome.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(NotReserved::NotFound)) => Err(ApiError::not_found("Match not found.")),
            Ok(Err(NotReserved::Relayed)) => Err(ApiError::new(
                CODE_FAILED_PRECONDITION,
                "A relayed match has no seats to reserve.",
            )),
            Ok(Err(NotReserved::Full)) => Err(ApiError::new(
                CODE_RESOURCE_EXHAUSTED,
                "The match has too few free seats.",
            )),
            Ok(Err(NotReserved::TooMany)) => Err(ApiError::invalid(format!(
                "Seats are reserved for at most {RESERVE_USERS_MAX} people at once."
            ))),
            Err(_) => Err(ApiError::unavailable("the server stops")),
        }
    }

    /// Ends the reservations that these people have in the room; their seats, if they have some, are left alone.
    pub fn room_unreserve(&self, id: RoomId, users: &[UserId]) {
        self.gateway.shards.unreserve(id, users.to_vec());
    }

    /// Ends an authoritative room: every seat is freed. One that does not exist is fine.
    pub fn room_close(&self, id: RoomId) {
        self.gateway.shards.close_room(id);
    }

    /// Frees the seat that this connection has in the room.
    pub fn room_kick(&self, id: RoomId, session_id: SessionId) {
        self.gateway.shards.kick(id, session_id);
    }
}
