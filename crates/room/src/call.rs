//! Calls of a room to server code: what a game may ask, and what it is told.

use bytes::Bytes;

use crate::codec::{Reader, put_bytes};
use crate::{CALL_BYTES_MAX, CALL_NAME_BYTES_MAX, CALLS_WAITING_MAX};

/// What server code answered to a call.
pub type CallResult = Result<Bytes, CallFailed>;

/// Server code gave no answer: it refused, panicked or took too long, or there is none of that name.
/// What it was asked to do may still have happened.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("call server code: {reason}")]
pub struct CallFailed {
    /// What went wrong, for a log.
    pub reason: String,
}

impl CallFailed {
    /// A failure for this reason.
    pub fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
        }
    }
}

/// Why a call was not even begun.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CallRefused {
    /// [`CALLS_WAITING_MAX`] of this room are under way, or done and waiting for the next tick.
    #[error("begin more than {CALLS_WAITING_MAX} calls at once")]
    Full,
    /// The name is empty, or longer than [`CALL_NAME_BYTES_MAX`].
    #[error("call a name that is empty or longer than {CALL_NAME_BYTES_MAX} bytes")]
    Name,
    /// The data are longer than [`CALL_BYTES_MAX`].
    #[error("call with more than {CALL_BYTES_MAX} bytes")]
    DataTooLong,
}

/// Is the call within its limits?
pub(crate) const fn check(name: &str, data: &Bytes) -> Result<(), CallRefused> {
    if name.is_empty() || name.len() > CALL_NAME_BYTES_MAX {
        return Err(CallRefused::Name);
    }
    if data.len() > CALL_BYTES_MAX {
        return Err(CallRefused::DataTooLong);
    }
    Ok(())
}

pub(crate) fn write_answer(result: &CallResult, out: &mut Vec<u8>) {
    match result {
        Ok(data) => {
            out.push(0);
            put_bytes(out, data);
        }
        Err(failed) => {
            out.push(1);
            put_bytes(out, failed.reason.as_bytes());
        }
    }
}

pub(crate) fn read_answer(reader: &mut Reader<'_>) -> Option<CallResult> {
    Some(if reader.flag()? {
        Err(CallFailed::new(reader.text()?))
    } else {
        Ok(reader.owned()?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_read_what_they_write() {
        let data = Bytes::from_static(b"answer");
        for result in [Ok(Bytes::new()), Ok(data), Err(CallFailed::new("no"))] {
            let mut bytes = Vec::new();
            write_answer(&result, &mut bytes);
            let mut reader = Reader::new(&bytes);
            assert_eq!(read_answer(&mut reader), Some(result));
            assert!(reader.is_empty());
            let mut cut = Reader::new(&bytes[..bytes.len() - 1]);
            assert_eq!(read_answer(&mut cut), None);
        }
    }

    #[test]
    fn limits() {
        let call = |name: usize, data: usize| check(&"n".repeat(name), &vec![0; data].into());
        assert_eq!(call(CALL_NAME_BYTES_MAX, CALL_BYTES_MAX), Ok(()));
        assert_eq!(call(1, 0), Ok(()));
        assert_eq!(call(0, 0), Err(CallRefused::Name));
        assert_eq!(call(CALL_NAME_BYTES_MAX + 1, 0), Err(CallRefused::Name));
        assert_eq!(call(1, CALL_BYTES_MAX + 1), Err(CallRefused::DataTooLong));
    }
}
