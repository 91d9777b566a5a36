//! Streams and connections, for server code.

use tagus_base::{SessionId, UserId};
use tagus_players::{PartyId, Presence, StreamId};
use tagus_wire::realtime::StreamData;
use tagus_wire::realtime::envelope::Message;

use super::Tagus;
use crate::live::{Appearance, JoinError, stream_out};

impl Tagus {
    /// Makes a connection a member of a stream, which may be one of the studio's own modes (128 to 255);
    /// its members are told. Answers whether the connection was no member before.
    ///
    /// # Errors
    /// There is no such connection, or the stream is at a limit.
    pub fn stream_join(
        &self,
        stream: &StreamId,
        session_id: SessionId,
        appearance: Appearance,
    ) -> Result<bool, JoinError> {
        let joined = self.gateway.live.join(stream, session_id, appearance)?;
        joined
            .event
            .iter()
            .for_each(|event| self.gateway.live.announce(event));
        Ok(joined.newly)
    }

    /// Ends a membership, that of the party where the stream is a party's; the others are told.
    /// Nothing happens when there is none.
    pub fn stream_leave(&self, stream: &StreamId, session_id: SessionId) {
        if let Some(party) = PartyId::of_stream(stream) {
            return self.gateway.parties.leave(&party, session_id);
        }
        let event = self.gateway.live.leave(stream, session_id);
        event
            .iter()
            .for_each(|event| self.gateway.live.announce(event));
    }

    /// Ends every membership of a stream; each member is told first.
    pub fn stream_close(&self, stream: &StreamId) {
        for presence in self.stream_members(stream, true) {
            self.stream_leave(stream, presence.session_id);
        }
    }

    /// The members of a stream in order of their connections' ids, hidden ones if wanted.
    #[must_use]
    pub fn stream_members(&self, stream: &StreamId, hidden: bool) -> Vec<Presence> {
        let streams = self.gateway.live.streams().lock();
        let members = streams.receivers(stream);
        members
            .filter(|one| hidden || !one.hidden)
            .cloned()
            .collect()
    }

    /// Number of members that are seen.
    #[must_use]
    pub fn stream_count(&self, stream: &StreamId) -> usize {
        self.gateway.live.streams().lock().count(stream)
    }

    /// Sends data to the members of a stream, or to those of them that are listed.
    pub fn stream_send(&self, stream: &StreamId, only: &[SessionId], data: impl Into<String>) {
        let message = Message::StreamData(StreamData {
            stream: Some(stream_out(stream)),
            sender: None,
            data: data.into(),
            reliable: true,
        });
        self.gateway.live.send(stream, only, message);
    }

    /// The open connections of a user, oldest first.
    #[must_use]
    pub fn sessions(&self, user_id: UserId) -> Vec<SessionId> {
        self.gateway.live.sessions_of(user_id)
    }

    /// Closes a connection; what was sent to it before still arrives.
    pub fn disconnect(&self, session_id: SessionId) {
        if let Some(connection) = self.gateway.live.connection(session_id) {
            self.gateway
                .shards
                .close(connection.conn, "closed by the server");
        }
    }
}
