//! Games without their type.

use tagus_base::SeatIndex;

use crate::{
    Game, InitError, Input, LeaveReason, Metadata, Person, Refusal, RestoreError, Room, Settings,
    Setup,
};

/// Makes and restores rooms of one kind. A pair of function pointers: clone it freely.
#[derive(Clone, Debug)]
pub struct Factory {
    pub(crate) version: u32,
    pub(crate) init: Init,
    pub(crate) restore: Restore,
}

type Init = fn(Setup<'_>) -> Result<(Box<dyn AnyGame>, Settings), InitError>;
type Restore = fn(u32, &[u8]) -> Result<Box<dyn AnyGame>, RestoreError>;

impl Factory {
    /// The factory of the game `G`.
    #[must_use]
    pub fn of<G: Game>() -> Self {
        Self {
            version: G::SNAPSHOT_VERSION,
            init: |setup| {
                let (game, settings) = G::init(setup)?;
                Ok((Box::new(game), settings))
            },
            restore: |version, bytes| Ok(Box::new(G::restore(version, bytes)?)),
        }
    }
}

/// [`Game`] as an object. Every method is the one of the same name.
pub(crate) trait AnyGame: Send {
    fn join_attempt(
        &mut self,
        room: &mut Room<'_>,
        person: &Person,
        metadata: &Metadata,
    ) -> Result<(), Refusal>;
    fn join(&mut self, room: &mut Room<'_>, seat: SeatIndex);
    fn leave(&mut self, room: &mut Room<'_>, seat: SeatIndex, reason: LeaveReason);
    fn connection_lost(&mut self, room: &mut Room<'_>, seat: SeatIndex);
    fn connection_back(&mut self, room: &mut Room<'_>, seat: SeatIndex);
    fn tick(&mut self, room: &mut Room<'_>, inputs: &[Input]);
    fn view(&self, viewer: SeatIndex, out: &mut Vec<u8>) -> Option<i64>;
    fn signal(&mut self, room: &mut Room<'_>, data: &[u8]) -> Vec<u8>;
    fn terminate(&mut self, room: &mut Room<'_>, grace_ms: u32);
    fn snapshot(&self, out: &mut Vec<u8>);
}

impl<G: Game> AnyGame for G {
    fn join_attempt(
        &mut self,
        room: &mut Room<'_>,
        person: &Person,
        metadata: &Metadata,
    ) -> Result<(), Refusal> {
        Game::join_attempt(self, room, person, metadata)
    }

    fn join(&mut self, room: &mut Room<'_>, seat: SeatIndex) {
        Game::join(self, room, seat);
    }

    fn leave(&mut self, room: &mut Room<'_>, seat: SeatIndex, reason: LeaveReason) {
        Game::leave(self, room, seat, reason);
    }

    fn connection_lost(&mut self, room: &mut Room<'_>, seat: SeatIndex) {
        Game::connection_lost(self, room, seat);
    }

    fn connection_back(&mut self, room: &mut Room<'_>, seat: SeatIndex) {
        Game::connection_back(self, room, seat);
    }

    fn tick(&mut self, room: &mut Room<'_>, inputs: &[Input]) {
        Game::tick(self, room, inputs);
    }

    fn view(&self, viewer: SeatIndex, out: &mut Vec<u8>) -> Option<i64> {
        Game::view(self, viewer, out)
    }

    fn signal(&mut self, room: &mut Room<'_>, data: &[u8]) -> Vec<u8> {
        Game::signal(self, room, data)
    }

    fn terminate(&mut self, room: &mut Room<'_>, grace_ms: u32) {
        Game::terminate(self, room, grace_ms);
    }

    fn snapshot(&self, out: &mut Vec<u8>) {
        Game::snapshot(self, out);
    }
}
