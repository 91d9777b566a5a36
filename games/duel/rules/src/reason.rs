//! Why a message is refused.

/// Why a message changes nothing; its number is what the sender is told.
/// Source: `games/pool/PROTOCOL.md` and `games/soccer/PROTOCOL.md`, op 21.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, thiserror::Error)]
#[repr(u8)]
pub enum Reason {
    /// A wrong length, an unknown op, unknown flags.
    #[error("malformed")]
    Malformed = 1,
    /// The sender has no chair.
    #[error("who watches does not play")]
    Watching = 2,
    /// No game is being played; for a rematch: one is.
    #[error("no game is being played")]
    Phase = 3,
    /// It is of another game than the present one.
    #[error("of another game")]
    OtherGame = 4,
    /// It is of a turn that was played already.
    #[error("of a turn that is over")]
    OldTurn = 5,
    /// It is of a turn whose time ran out.
    #[error("too late")]
    TooLate = 6,
    /// It is of a turn that has not come yet.
    #[error("of a turn that has not come yet")]
    NotYet = 7,
    /// It is the other player's turn.
    #[error("not your turn")]
    NotYourTurn = 8,
    /// The bodies still move.
    #[error("too early")]
    TooEarly = 9,
    /// The shot is for another version of the table.
    #[error("for another table")]
    OtherTable = 10,
    /// The shot strikes what the player may not strike.
    #[error("the shot strikes another ball than the own")]
    OtherBall = 11,
    /// The shot strikes too far from the middle.
    #[error("too far from the middle")]
    Offset = 12,
    /// The shot has no power.
    #[error("no power")]
    NoPower = 13,
    /// The ball is put somewhere, and is not in hand.
    #[error("the ball is not in hand")]
    NotInHand = 14,
    /// The ball is off the table and is not put anywhere.
    #[error("the ball must be put somewhere")]
    MustPlace = 15,
    /// The ball does not fit there.
    #[error("the ball does not fit there")]
    NoFit = 16,
    /// The ball must be put behind the head string.
    #[error("not behind the head string")]
    HeadString = 17,
    /// A pocket must be called, and none is.
    #[error("a pocket must be called")]
    MustCall = 18,
    /// A pocket is called where none is to be.
    #[error("nothing is to be called")]
    NoCall = 19,
    /// There is no such pocket.
    #[error("no such pocket")]
    NoPocket = 20,
    /// The rules do not allow it now.
    #[error("not allowed now")]
    NotAllowed = 21,
    /// Both chairs are taken.
    #[error("no chair is free")]
    NoChair = 22,
    /// It comes more often than it may.
    #[error("too often")]
    TooOften = 23,
    /// The server could not do it.
    #[error("the server could not do it")]
    Failed = 24,
}
