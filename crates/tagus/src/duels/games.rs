//! The games that this module knows.

use tagus_duel::{Record, ReplayError, Sport, Turn, Variant};

use crate::api::ApiError;

/// A game of two players.
pub(super) struct Play {
    /// Its name among the registered games, and the key of its history.
    pub(super) game: &'static str,
    /// Collection of its records.
    pub(super) records: &'static str,
    /// Those of its modes that can be played over days.
    pub(super) modes: &'static [Mode],
    pub(super) mode: fn(Variant) -> &'static str,
    /// Whether it is what is played.
    pub(super) has: fn(Variant) -> bool,
    /// Proves a record, and says how many shots that took.
    pub(super) prove: fn(&Record) -> Result<usize, ReplayError>,
    /// A record as the messages of its room.
    pub(super) told: fn(&Record) -> Result<Messages, ReplayError>,
    pub(super) with_turn: fn(&Record, Turn) -> Result<Record, ReplayError>,
}

/// Op codes and bytes.
pub(super) type Messages = Vec<(i64, Vec<u8>)>;

/// A way to play, which has ratings of its own.
pub(super) struct Mode {
    pub(super) name: &'static str,
    /// What its rooms are made from: a JSON object.
    pub(super) params: &'static str,
}

impl Play {
    const fn of<S: Sport>(records: &'static str, modes: &'static [Mode]) -> Self {
        Self {
            game: S::GAME,
            records,
            modes,
            mode: S::mode,
            has: |variant| S::table_of(variant).is_some(),
            prove: |record| Ok(tagus_duel::replay::<S>(record)?.shots),
            told: tagus_duel::told::<S>,
            with_turn: tagus_duel::with_turn::<S>,
        }
    }
}

/// The game of this name.
pub(super) fn play(game: &str) -> Result<&'static Play, ApiError> {
    let play = PLAYS.iter().find(|play| play.game == game);
    play.ok_or_else(|| ApiError::not_found("There is no such game of two players."))
}

/// The game that a record is of.
pub(super) fn play_of(record: &Record) -> Option<&'static Play> {
    PLAYS.iter().find(|play| (play.has)(record.variant))
}

/// The mode of this name, if it can be played over days.
pub(super) fn mode(name: &str) -> Option<(&'static Play, &'static Mode)> {
    let named = |play: &'static Play| {
        let mut modes = play.modes.iter();
        let mode = modes.find(|mode| mode.name == name);
        mode.map(|mode| (play, mode))
    };
    PLAYS.iter().find_map(named)
}

pub(super) static PLAYS: &[Play] = &[
    Play::of::<tagus_pool::Frame>(
        "pool_games",
        &[
            Mode {
                name: "pool",
                params: r#"{"rules":"eight"}"#,
            },
            Mode {
                name: "pool-nine",
                params: r#"{"rules":"nine"}"#,
            },
        ],
    ),
    Play::of::<tagus_soccer::Frame>(
        "soccer_games",
        &[Mode {
            name: "soccer",
            params: "{}",
        }],
    ),
];
