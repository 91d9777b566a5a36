//! From the state of a game to what its viewers are sent.

use tagus_base::{SeatIndex, Tick};

use crate::Game;

/// Encodes what the viewers of a room see, with a memory of its own: what several see is encoded once, what a viewer
/// has already is not sent again.
///
/// Encoding is not state: an encoder is neither recorded nor hashed nor part of a snapshot, and a restored room begins
/// with a new one.
///
/// Order of calls: [`tick`](Self::tick) after every tick, then [`view`](Self::view) for each viewer who can be sent
/// something. Left out are those whose last view is not wholly written yet or who lag, those whose turn did not come
/// before the next tick, and everybody between the ticks of a room that catches up; what they missed is for the encoder
/// to make up for. Between a tick and the last of its views seats may be taken and freed, and the game may be told so;
/// who took one is asked for after the next tick.
pub trait Encoder<G>: Send {
    /// The world moved on by one tick.
    fn tick(&mut self, game: &G, tick: Tick);

    /// A connection took this seat. It has nothing yet, whatever the one before it had.
    fn opened(&mut self, viewer: SeatIndex);

    /// The seat has no connection any more.
    fn closed(&mut self, viewer: SeatIndex);

    /// What this viewer is sent, appended to `out`; answers the op code to send it under, or none to send nothing.
    fn view(&mut self, game: &G, viewer: SeatIndex, out: &mut Vec<u8>) -> Option<i64>;
}

/// Sends each viewer its [`Game::view`], without a memory.
#[derive(Clone, Copy, Debug, Default)]
pub struct EachView;

impl<G: Game> Encoder<G> for EachView {
    fn tick(&mut self, _game: &G, _tick: Tick) {}

    fn opened(&mut self, _viewer: SeatIndex) {}

    fn closed(&mut self, _viewer: SeatIndex) {}

    fn view(&mut self, game: &G, viewer: SeatIndex, out: &mut Vec<u8>) -> Option<i64> {
        game.view(viewer, out)
    }
}
