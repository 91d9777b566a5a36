//! Players: people and bots, their names, wishes and lives.

use crate::bodies::Vec2;
use crate::bots::Brain;

/// Which player; the wire's `owner`. A person's key is the index of the seat, a bot's lies behind all seats.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct PlayerKey(pub u16);

impl PlayerKey {
    /// On the wire: nobody.
    pub const NOBODY: Self = Self(u16::MAX);

    pub(crate) fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// A name as others see it: trimmed, without control characters, not empty, at most 24 bytes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PlayerName(String);

impl PlayerName {
    /// Bytes of a name at most.
    pub const BYTES_MAX: usize = 24;

    /// The name in this text, cut at a character's border where it is too long; none when nothing visible is left.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut name = String::new();
        for character in text
            .trim()
            .chars()
            .filter(|character| !is_invisible(*character))
        {
            if name.len() + character.len_utf8() > Self::BYTES_MAX {
                break;
            }
            name.push(character);
        }
        let name = name.trim();
        (!name.is_empty()).then(|| Self(name.to_owned()))
    }

    /// The name for somebody who has none that can be seen.
    #[must_use]
    pub fn nameless() -> Self {
        Self(String::from("player"))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Somebody who plays or watches.
#[derive(Clone, Debug, PartialEq)]
pub struct Player {
    /// The name that others see.
    pub name: PlayerName,
    /// Colour of the cells.
    pub hue: u8,
    /// Where the cells head for.
    pub target: Vec2,
    /// What the player does.
    pub(crate) life: Life,
    /// Splits wished for since the last tick.
    pub(crate) splits: u8,
    /// An ejection was wished for since the last tick.
    pub(crate) eject: bool,
    /// The player wants to play, when not alive.
    pub(crate) spawn: bool,
    /// The tick from which another ejection is possible.
    pub(crate) eject_from_tick: u64,
    /// What steers a bot.
    pub(crate) brain: Option<Brain>,
}

impl Player {
    pub(crate) fn new(name: PlayerName, hue: u8, brain: Option<Brain>) -> Self {
        Self {
            name,
            hue,
            target: Vec2::ZERO,
            life: Life::Watching,
            splits: 0,
            eject: false,
            spawn: false,
            eject_from_tick: 0,
            brain,
        }
    }

    /// Whether the player has cells.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        matches!(self.life, Life::Alive(_))
    }

    /// Whether the server plays for this player.
    #[must_use]
    pub fn is_bot(&self) -> bool {
        self.brain.is_some()
    }
}

/// What a player does in the world.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Life {
    /// Looks on at the largest player.
    Watching,
    /// Has cells.
    Alive(Record),
    /// Looks at the place of death.
    Dead {
        /// Centre of the last view.
        at: Vec2,
        /// Half its height.
        half_height: f32,
    },
}

/// What is remembered of a life for its end.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Record {
    pub(crate) since_tick: u64,
    pub(crate) score_best: u32,
    /// Best place on the board, 1-based; `u16::MAX` before the first board.
    pub(crate) rank_best: u16,
    /// Who ate the last lost cell.
    pub(crate) eater: PlayerKey,
}

/// Control characters, and those that only change how their neighbours are written.
fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_trimmed_cleaned_and_cut() {
        let cases = [
            ("  Ann  ", Some("Ann")),
            ("A\u{7}n\nn", Some("Ann")),
            ("\u{202e}nnA", Some("nnA")),
            ("", None),
            (" \t\u{200b} ", None),
            ("123456789012345678901234", Some("123456789012345678901234")),
            (
                "1234567890123456789012345",
                Some("123456789012345678901234"),
            ),
            ("12345678901234567890123ß", Some("12345678901234567890123")),
            (
                "1234567890123456789012 \u{7}x y",
                Some("1234567890123456789012 x"),
            ),
        ];
        for (text, expected) in cases {
            let name = PlayerName::parse(text);
            assert_eq!(name.as_ref().map(PlayerName::as_str), expected, "{text:?}");
        }
    }
}
