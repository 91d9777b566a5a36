//! What a client may say.

use crate::messages::op;
use crate::players::PlayerName;

/// A client's message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Command<'a> {
    /// Head for this position, in 1/65535 of the world.
    Steer {
        /// To the right.
        x: u16,
        /// Downwards.
        y: u16,
    },
    /// Split every cell that is large enough.
    Split,
    /// Eject from every cell that is large enough.
    Eject,
    /// Play.
    Spawn {
        /// Colour.
        hue: u8,
        /// As typed, at most 24 bytes.
        name: &'a str,
    },
    /// Watch the largest player.
    Spectate,
}

impl<'a> Command<'a> {
    /// Reads a message.
    ///
    /// # Errors
    /// [`CommandError`] when there is no such command, or its data has the wrong length or is not UTF-8.
    pub fn decode(op: i64, data: &'a [u8]) -> Result<Self, CommandError> {
        match (op, data) {
            (op::STEER, &[x0, x1, y0, y1]) => Ok(Self::Steer {
                x: u16::from_le_bytes([x0, x1]),
                y: u16::from_le_bytes([y0, y1]),
            }),
            (op::SPLIT, []) => Ok(Self::Split),
            (op::EJECT, []) => Ok(Self::Eject),
            (op::SPAWN, [hue, name @ ..]) if name.len() <= PlayerName::BYTES_MAX => {
                let name = str::from_utf8(name).map_err(|_| CommandError)?;
                Ok(Self::Spawn { hue: *hue, name })
            }
            (op::SPECTATE, []) => Ok(Self::Spectate),
            _ => Err(CommandError),
        }
    }

    /// Appends the message's data; answers its op code.
    pub fn encode(&self, out: &mut Vec<u8>) -> i64 {
        match self {
            Self::Steer { x, y } => {
                out.extend_from_slice(&x.to_le_bytes());
                out.extend_from_slice(&y.to_le_bytes());
                op::STEER
            }
            Self::Split => op::SPLIT,
            Self::Eject => op::EJECT,
            Self::Spawn { hue, name } => {
                out.push(*hue);
                out.extend_from_slice(name.as_bytes());
                op::SPAWN
            }
            Self::Spectate => op::SPECTATE,
        }
    }
}

/// The message is no command of this game.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("decode a command")]
pub struct CommandError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_read_what_they_write() {
        let long = "n".repeat(24);
        let commands = [
            Command::Steer {
                x: 0x0201,
                y: 0xffff,
            },
            Command::Split,
            Command::Eject,
            Command::Spawn {
                hue: 7,
                name: "Zoë",
            },
            Command::Spawn { hue: 255, name: "" },
            Command::Spawn {
                hue: 0,
                name: &long,
            },
            Command::Spectate,
        ];
        for command in commands {
            let mut data = Vec::new();
            let op = command.encode(&mut data);
            assert_eq!(Command::decode(op, &data), Ok(command));
        }
    }

    #[test]
    fn commands_are_as_the_protocol_says() {
        assert_eq!(
            Command::decode(1, &[1, 2, 3, 4]),
            Ok(Command::Steer {
                x: 0x0201,
                y: 0x0403
            })
        );
        assert_eq!(
            Command::decode(4, b"\x09Ann"),
            Ok(Command::Spawn {
                hue: 9,
                name: "Ann"
            })
        );
    }

    #[test]
    fn what_is_no_command_is_refused() {
        let long = [b'n'; 26];
        let cases: [(i64, &[u8]); 11] = [
            (0, &[]),
            (-1, &[]),
            (6, &[]),
            (i64::MAX, &[]),
            (1, &[]),
            (1, &[1, 2, 3]),
            (1, &[1, 2, 3, 4, 5]),
            (2, &[0]),
            (4, &[]),
            (4, &[1, 0xc3, 0x28]),
            (4, &long),
        ];
        for (op, data) in cases {
            assert_eq!(
                Command::decode(op, data),
                Err(CommandError),
                "{op} {data:?}"
            );
        }
    }
}
