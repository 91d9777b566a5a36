//! Games without their type.

use tagus_base::{SeatIndex, Tick};

use crate::{
    Encoder, Game, InitError, Input, LeaveReason, Metadata, Person, Refusal, RestoreError, Room,
    Settings, Setup,
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
                Ok((Box::new(Hosted::new(game)), settings))
            },
            restore: |version, bytes| Ok(Box::new(Hosted::new(G::restore(version, bytes)?))),
        }
    }
}

/// A game with what encodes it.
struct Hosted<G> {
    game: G,
    encoder: Box<dyn Encoder<G>>,
}

impl<G: Game> Hosted<G> {
    fn new(game: G) -> Self {
        let encoder = game.encoder();
        Self { game, encoder }
    }
}

/// [`Game`] and its [`Encoder`] as an object. Every method is the one of the same name.
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
    fn encode(&mut self, tick: Tick);
    fn opened(&mut self, viewer: SeatIndex);
    fn closed(&mut self, viewer: SeatIndex);
    fn view(&mut self, viewer: SeatIndex, out: &mut Vec<u8>) -> Option<i64>;
    fn signal(&mut self, room: &mut Room<'_>, data: &[u8]) -> Vec<u8>;
    fn terminate(&mut self, room: &mut Room<'_>, grace_ms: u32);
    fn snapshot(&self, out: &mut Vec<u8>);
}

impl<G: Game> AnyGame for Hosted<G> {
    fn join_attempt(
        &mut self,
        room: &mut Room<'_>,
        person: &Person,
        metadata: &Metadata,
    ) -> Result<(), Refusal> {
        self.game.join_attempt(room, person, metadata)
    }

    fn join(&mut self, room: &mut Room<'_>, seat: SeatIndex) {
        self.game.join(room, seat);
    }

    fn leave(&mut self, room: &mut Room<'_>, seat: SeatIndex, reason: LeaveReason) {
        self.game.leave(room, seat, reason);
    }

    fn connection_lost(&mut self, room: &mut Room<'_>, seat: SeatIndex) {
        self.game.connection_lost(room, seat);
    }

    fn connection_back(&mut self, room: &mut Room<'_>, seat: SeatIndex) {
        self.game.connection_back(room, seat);
    }

    fn tick(&mut self, room: &mut Room<'_>, inputs: &[Input]) {
        self.game.tick(room, inputs);
    }

    fn encode(&mut self, tick: Tick) {
        self.encoder.tick(&self.game, tick);
    }

    fn opened(&mut self, viewer: SeatIndex) {
        self.encoder.opened(viewer);
    }

    fn closed(&mut self, viewer: SeatIndex) {
        self.encoder.closed(viewer);
    }

    fn view(&mut self, viewer: SeatIndex, out: &mut Vec<u8>) -> Option<i64> {
        self.encoder.view(&self.game, viewer, out)
    }

    fn signal(&mut self, room: &mut Room<'_>, data: &[u8]) -> Vec<u8> {
        self.game.signal(room, data)
    }

    fn terminate(&mut self, room: &mut Room<'_>, grace_ms: u32) {
        self.game.terminate(room, grace_ms);
    }

    fn snapshot(&self, out: &mut Vec<u8>) {
        self.game.snapshot(out);
    }
}
