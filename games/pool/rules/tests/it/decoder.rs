//! What a client reads out of the room's messages, written from `PROTOCOL.md` alone.

use tagus_physics::{PoolSize, State, Table};

fn number(bytes: &[u8], at: usize, size: usize) -> u64 {
    let mut out = [0; 8];
    out[..size].copy_from_slice(&bytes[at..at + size]);
    u64::from_le_bytes(out)
}

/// The turn's block and the state after it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Turn {
    pub(crate) game: u16,
    pub(crate) turn: u16,
    pub(crate) phase: u8,
    pub(crate) player: u8,
    pub(crate) hand: u8,
    pub(crate) flags: u8,
    pub(crate) groups: [u8; 2],
    pub(crate) time_outs: [u8; 2],
    pub(crate) fouls: [u8; 2],
    pub(crate) winner: u8,
    pub(crate) how: u8,
    pub(crate) wait_ms: u32,
    pub(crate) left_ms: u32,
    pub(crate) state: State,
}

impl Turn {
    pub(crate) fn decode(bytes: &[u8]) -> Self {
        Self {
            game: number(bytes, 0, 2) as u16,
            turn: number(bytes, 2, 2) as u16,
            phase: bytes[4],
            player: bytes[5],
            hand: bytes[6],
            flags: bytes[7],
            groups: [bytes[8], bytes[9]],
            time_outs: [bytes[10], bytes[11]],
            fouls: [bytes[12], bytes[13]],
            winner: bytes[14],
            how: bytes[15],
            wait_ms: number(bytes, 16, 4) as u32,
            left_ms: number(bytes, 20, 4) as u32,
            state: State::decode(&Table::pool(PoolSize::EightFoot), &bytes[24..]).unwrap(),
        }
    }

    /// Of op 16.
    pub(crate) fn of_table(bytes: &[u8]) -> Self {
        assert_eq!(number(bytes, 4, 2), 2, "the eight-foot table");
        Self::decode(&bytes[8..])
    }
}

/// Op 18.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Told {
    pub(crate) game: u16,
    pub(crate) of_turn: u16,
    pub(crate) hash: u64,
    pub(crate) rest_ms: u32,
    pub(crate) foul: u8,
    pub(crate) pocketed: Vec<(u8, u8)>,
    pub(crate) turn: Turn,
}

impl Told {
    pub(crate) fn decode(bytes: &[u8]) -> Self {
        let count = usize::from(bytes[17]);
        let pairs = bytes[18..18 + 2 * count].chunks(2);
        Self {
            game: number(bytes, 0, 2) as u16,
            of_turn: number(bytes, 2, 2) as u16,
            hash: number(bytes, 4, 8),
            rest_ms: number(bytes, 12, 4) as u32,
            foul: bytes[16],
            pocketed: pairs.map(|pair| (pair[0], pair[1])).collect(),
            turn: Turn::decode(&bytes[18 + 2 * count..]),
        }
    }
}

/// Op 20: who watches, who wants to play again, and each chair's kind and name.
pub(crate) fn people(bytes: &[u8]) -> (u16, u8, [(u8, String); 2]) {
    let mut rest = &bytes[3..];
    let chairs = [(); 2].map(|()| {
        let (kind, length) = (rest[0], usize::from(rest[1]));
        let name = String::from_utf8(rest[2..2 + length].to_vec()).unwrap();
        rest = &rest[2 + length..];
        (kind, name)
    });
    assert!(rest.is_empty());
    (number(bytes, 0, 2) as u16, bytes[2], chairs)
}
