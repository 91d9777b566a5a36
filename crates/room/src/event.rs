//! What happens to a room, as recorded.

use bytes::Bytes;
use tagus_base::{SeatIndex, UserId};

use crate::call::{read_answer, write_answer};
use crate::codec::{Reader, put_bytes, put_fixed, put_i64, put_u64};
use crate::state::{read_person, read_users, write_person, write_users};
use crate::store::{read_result, write_result};
use crate::{CallResult, LeaveReason, METADATA_ENTRIES_MAX, Metadata, Person, StoreResult};

/// One call of a [`crate::core::Core`]. Times are absent: that a hold ran out or a tick was due is decided before.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Event {
    Join {
        person: Person,
        metadata: Metadata,
    },
    Leave {
        seat: SeatIndex,
        reason: LeaveReason,
    },
    Lost {
        seat: SeatIndex,
    },
    Message {
        seat: SeatIndex,
        op: i64,
        data: Bytes,
    },
    Computed {
        token: u64,
        data: Bytes,
    },
    Signal {
        data: Bytes,
    },
    Terminate {
        grace_ms: u32,
    },
    Close,
    Tick,
    Stored {
        token: u64,
        result: StoreResult,
    },
    /// Seats for those who have neither a seat nor a reservation.
    Reserve {
        users: Vec<UserId>,
    },
    /// Taken back, or run out.
    Unreserve {
        users: Vec<UserId>,
    },
    Called {
        token: u64,
        result: CallResult,
    },
    /// Not a call but a proof: the state's hash here.
    Hash(u64),
}

impl Event {
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Tick => out.push(0),
            Self::Message { seat, op, data } => {
                out.push(1);
                put_u64(out, u64::from(seat.0));
                put_i64(out, *op);
                put_bytes(out, data);
            }
            Self::Join { person, metadata } => {
                out.push(2);
                write_person(person, out);
                put_u64(out, metadata.len() as u64);
                for (key, value) in metadata {
                    put_bytes(out, key.as_bytes());
                    put_bytes(out, value.as_bytes());
                }
            }
            Self::Leave { seat, reason } => {
                out.push(3);
                put_u64(out, u64::from(seat.0));
                out.push(match reason {
                    LeaveReason::Left => 0,
                    LeaveReason::Disconnected => 1,
                    LeaveReason::Kicked => 2,
                    LeaveReason::Closed => 3,
                });
            }
            Self::Lost { seat } => {
                out.push(4);
                put_u64(out, u64::from(seat.0));
            }
            Self::Computed { token, data } => {
                out.push(5);
                put_u64(out, *token);
                put_bytes(out, data);
            }
            Self::Signal { data } => {
                out.push(6);
                put_bytes(out, data);
            }
            Self::Terminate { grace_ms } => {
                out.push(7);
                put_u64(out, u64::from(*grace_ms));
            }
            Self::Close => out.push(8),
            Self::Hash(hash) => {
                out.push(9);
                put_fixed(out, *hash);
            }
            Self::Stored { token, result } => {
                out.push(10);
                put_u64(out, *token);
                write_result(result, out);
            }
            Self::Reserve { users } => {
                out.push(11);
                write_users(users, out);
            }
            Self::Unreserve { users } => {
                out.push(12);
                write_users(users, out);
            }
            Self::Called { token, result } => {
                out.push(13);
                put_u64(out, *token);
                write_answer(result, out);
            }
        }
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        Some(match reader.u8()? {
            0 => Self::Tick,
            1 => Self::Message {
                seat: SeatIndex(reader.u16()?),
                op: reader.i64()?,
                data: reader.owned()?,
            },
            2 => {
                let person = read_person(reader)?;
                let mut metadata = Metadata::new();
                for _ in 0..reader.u64()? {
                    if metadata.len() >= METADATA_ENTRIES_MAX {
                        return None;
                    }
                    metadata.insert(reader.text()?.to_owned(), reader.text()?.to_owned());
                }
                Self::Join { person, metadata }
            }
            3 => {
                let seat = SeatIndex(reader.u16()?);
                let reason = match reader.u8()? {
                    0 => LeaveReason::Left,
                    1 => LeaveReason::Disconnected,
                    2 => LeaveReason::Kicked,
                    3 => LeaveReason::Closed,
                    _ => return None,
                };
                Self::Leave { seat, reason }
            }
            4 => Self::Lost {
                seat: SeatIndex(reader.u16()?),
            },
            5 => Self::Computed {
                token: reader.u64()?,
                data: reader.owned()?,
            },
            6 => Self::Signal {
                data: reader.owned()?,
            },
            7 => Self::Terminate {
                grace_ms: reader.u32()?,
            },
            8 => Self::Close,
            9 => Self::Hash(reader.fixed()?),
            10 => Self::Stored {
                token: reader.u64()?,
                result: read_result(reader)?,
            },
            11 => Self::Reserve {
                users: read_users(reader)?,
            },
            12 => Self::Unreserve {
                users: read_users(reader)?,
            },
            13 => Self::Called {
                token: reader.u64()?,
                result: read_answer(reader)?,
            },
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use tagus_base::{SessionId, UserId, Uuid};

    use super::*;
    use crate::CallFailed;

    #[test]
    fn events_read_what_they_write() {
        let person = Person {
            user_id: UserId(Uuid([1; 16])),
            session_id: SessionId(Uuid([2; 16])),
            username: "anna".into(),
        };
        let metadata = Metadata::from([
            ("team".to_owned(), "red".to_owned()),
            (String::new(), String::new()),
        ]);
        let data = Bytes::from_static(b"data");
        let seat = SeatIndex(u16::MAX);
        let events = [
            Event::Tick,
            Event::Message {
                seat,
                op: i64::MIN,
                data: data.clone(),
            },
            Event::Join { person, metadata },
            Event::Leave {
                seat,
                reason: LeaveReason::Left,
            },
            Event::Leave {
                seat,
                reason: LeaveReason::Disconnected,
            },
            Event::Leave {
                seat,
                reason: LeaveReason::Kicked,
            },
            Event::Leave {
                seat,
                reason: LeaveReason::Closed,
            },
            Event::Lost { seat },
            Event::Computed {
                token: u64::MAX,
                data: Bytes::new(),
            },
            Event::Signal { data },
            Event::Terminate { grace_ms: u32::MAX },
            Event::Close,
            Event::Hash(u64::MAX),
            Event::Stored {
                token: 1,
                result: Ok([("key".to_owned(), Bytes::from_static(b"value"))].into()),
            },
            Event::Reserve {
                users: vec![UserId(Uuid([1; 16])), UserId(Uuid([2; 16]))],
            },
            Event::Unreserve { users: Vec::new() },
            Event::Called {
                token: 2,
                result: Ok(Bytes::from_static(b"answer")),
            },
            Event::Called {
                token: 3,
                result: Err(CallFailed::new("no")),
            },
        ];
        let mut bytes = Vec::new();
        for event in &events {
            event.write(&mut bytes);
        }
        let mut reader = Reader::new(&bytes);
        for event in events {
            assert_eq!(Event::read(&mut reader), Some(event));
        }
        assert!(reader.is_empty());
    }
}
