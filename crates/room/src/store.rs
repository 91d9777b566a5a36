//! Durable values of a room: what a game may ask, and what it is told.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::codec::{Reader, put_bytes, put_u64};
use crate::{STORE_KEY_BYTES_MAX, STORE_OPS_WAITING_MAX, STORE_VALUE_BYTES_MAX};

/// Something to be done with a room's durable values. They belong to the room's stable name, and outlive the process;
/// those of a room without such a name go with the room.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum StoreOp {
    /// Reads one value. Answered with it, or with nothing when there is none.
    Get {
        /// Its key, 1..=[`STORE_KEY_BYTES_MAX`] bytes.
        key: String,
    },
    /// Writes one value, in place of what was there. Answered with nothing once it is durable.
    Put {
        /// Its key, 1..=[`STORE_KEY_BYTES_MAX`] bytes.
        key: String,
        /// The value, up to [`STORE_VALUE_BYTES_MAX`] bytes.
        value: Bytes,
    },
    /// Removes one value, which need not exist. Answered with nothing once that is durable.
    Delete {
        /// Its key, 1..=[`STORE_KEY_BYTES_MAX`] bytes.
        key: String,
    },
    /// Reads all values; there are at most [`crate::STORE_VALUES_MAX`].
    List,
}

impl StoreOp {
    /// Is it within its limits?
    pub(crate) fn check(&self) -> Result<(), StoreRefused> {
        let key = match self {
            Self::Get { key } | Self::Put { key, .. } | Self::Delete { key } => key,
            Self::List => return Ok(()),
        };
        if key.is_empty() || key.len() > STORE_KEY_BYTES_MAX {
            return Err(StoreRefused::Key);
        }
        if let Self::Put { value, .. } = self
            && value.len() > STORE_VALUE_BYTES_MAX
        {
            return Err(StoreRefused::ValueTooLong);
        }
        Ok(())
    }
}

/// What came of a [`StoreOp`]: the values that were asked for, by key.
pub type StoreResult = Result<BTreeMap<String, Bytes>, StoreFailed>;

/// The values could not be read or written. A write that failed may still have happened.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("reach the room's durable values: {reason}")]
pub struct StoreFailed {
    /// What went wrong, for a log.
    pub reason: String,
}

/// Why a [`StoreOp`] was not even begun.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreRefused {
    /// [`STORE_OPS_WAITING_MAX`] of this room are under way, or done and waiting for the next tick.
    #[error("begin more than {STORE_OPS_WAITING_MAX} store operations at once")]
    Full,
    /// The key is empty, or longer than [`STORE_KEY_BYTES_MAX`].
    #[error("use a key that is empty or longer than {STORE_KEY_BYTES_MAX} bytes")]
    Key,
    /// The value is longer than [`STORE_VALUE_BYTES_MAX`].
    #[error("store a value of more than {STORE_VALUE_BYTES_MAX} bytes")]
    ValueTooLong,
}

pub(crate) fn write_result(result: &StoreResult, out: &mut Vec<u8>) {
    match result {
        Ok(values) => {
            out.push(0);
            put_u64(out, values.len() as u64);
            for (key, value) in values {
                put_bytes(out, key.as_bytes());
                put_bytes(out, value);
            }
        }
        Err(failed) => {
            out.push(1);
            put_bytes(out, failed.reason.as_bytes());
        }
    }
}

pub(crate) fn read_result(reader: &mut Reader<'_>) -> Option<StoreResult> {
    if reader.flag()? {
        let reason = reader.text()?.to_owned();
        return Some(Err(StoreFailed { reason }));
    }
    let mut values = BTreeMap::new();
    for _ in 0..reader.u64()? {
        // Reading fails at the latest at the end of the bytes, so that a wrong count does not matter.
        values.insert(reader.text()?.to_owned(), reader.owned()?);
    }
    Some(Ok(values))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_read_what_they_write() {
        let failed = StoreFailed {
            reason: "disk full".to_owned(),
        };
        let values = BTreeMap::from([
            (String::new(), Bytes::new()),
            ("key".to_owned(), Bytes::from_static(b"value")),
        ]);
        for result in [Ok(BTreeMap::new()), Ok(values), Err(failed)] {
            let mut bytes = Vec::new();
            write_result(&result, &mut bytes);
            let mut reader = Reader::new(&bytes);
            assert_eq!(read_result(&mut reader), Some(result));
            assert!(reader.is_empty());
            let mut cut = Reader::new(&bytes[..bytes.len() - 1]);
            assert_eq!(read_result(&mut cut), None);
        }
    }

    #[test]
    fn limits() {
        let put = |key: usize, value: usize| {
            let op = StoreOp::Put {
                key: "k".repeat(key),
                value: vec![0; value].into(),
            };
            op.check()
        };
        assert_eq!(put(STORE_KEY_BYTES_MAX, STORE_VALUE_BYTES_MAX), Ok(()));
        assert_eq!(put(1, 0), Ok(()));
        assert_eq!(put(0, 0), Err(StoreRefused::Key));
        assert_eq!(put(STORE_KEY_BYTES_MAX + 1, 0), Err(StoreRefused::Key));
        assert_eq!(
            put(1, STORE_VALUE_BYTES_MAX + 1),
            Err(StoreRefused::ValueTooLong)
        );
        let key = String::new();
        assert_eq!(
            StoreOp::Get { key: key.clone() }.check(),
            Err(StoreRefused::Key)
        );
        assert_eq!(StoreOp::Delete { key }.check(), Err(StoreRefused::Key));
        assert_eq!(StoreOp::List.check(), Ok(()));
    }
}
