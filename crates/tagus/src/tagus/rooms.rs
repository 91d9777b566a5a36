//! Rooms, for server code.

use std::sync::Arc;

use bytes::Bytes;
use tagus_base::{RoomId, SessionId, Uuid};
use tagus_shard::RoomOpening;
use tokio::sync::oneshot;

use super::Tagus;
use crate::api::ApiError;
use crate::directory::{RoomFilter, RoomListing};
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
        let gateway = &self.gateway;
        let uuid = Uuid::from_random(random_bytes());
        let id = RoomId {
            uuid,
            home: Some(gateway.node),
        };
        self.open(id, "", game, params.into()).await?;
        Ok(id)
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

    /// Frees the seat that this connection has in the room.
    pub fn room_kick(&self, id: RoomId, session_id: SessionId) {
        self.gateway.shards.kick(id, session_id);
    }
}
