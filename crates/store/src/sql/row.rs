//! Rows that either database gives.

use bytes::Bytes;
use tagus_base::{UnixMillis, UserId, Uuid};

use crate::sql::Value;

/// A row; columns count from 0. Texts and blobs are moved out, so each column is read once.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Row {
    values: Vec<Value>,
}

/// A column is not what the query's decoding expects.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("column {column} is no {expected}")]
pub(crate) struct RowError {
    column: usize,
    expected: &'static str,
}

impl Row {
    pub(crate) const fn new(values: Vec<Value>) -> Self {
        Self { values }
    }

    /// All columns.
    pub(crate) fn take_values(&mut self) -> Vec<Value> {
        std::mem::take(&mut self.values)
    }

    pub(crate) fn int(&mut self, column: usize) -> Result<i64, RowError> {
        self.opt_int(column)?.ok_or(RowError {
            column,
            expected: "number",
        })
    }

    pub(crate) fn opt_int(&mut self, column: usize) -> Result<Option<i64>, RowError> {
        match self.take(column) {
            Some(Value::Null) => Ok(None),
            Some(Value::Int(value)) => Ok(Some(value)),
            _ => Err(RowError {
                column,
                expected: "number or null",
            }),
        }
    }

    /// A number that is never negative.
    pub(crate) fn count(&mut self, column: usize) -> Result<u64, RowError> {
        u64::try_from(self.int(column)?).map_err(|_| RowError {
            column,
            expected: "count",
        })
    }

    pub(crate) fn bool(&mut self, column: usize) -> Result<bool, RowError> {
        Ok(self.int(column)? != 0)
    }

    pub(crate) fn time(&mut self, column: usize) -> Result<UnixMillis, RowError> {
        self.count(column).map(UnixMillis)
    }

    pub(crate) fn text(&mut self, column: usize) -> Result<String, RowError> {
        self.opt_text(column)?.ok_or(RowError {
            column,
            expected: "text",
        })
    }

    pub(crate) fn opt_text(&mut self, column: usize) -> Result<Option<String>, RowError> {
        match self.take(column) {
            Some(Value::Null) => Ok(None),
            Some(Value::Text(value)) => Ok(Some(value)),
            _ => Err(RowError {
                column,
                expected: "text or null",
            }),
        }
    }

    pub(crate) fn blob(&mut self, column: usize) -> Result<Bytes, RowError> {
        match self.take(column) {
            Some(Value::Blob(value)) => Ok(value),
            _ => Err(RowError {
                column,
                expected: "blob",
            }),
        }
    }

    pub(crate) fn uuid(&mut self, column: usize) -> Result<Uuid, RowError> {
        let bytes = self.blob(column)?;
        let bytes = <[u8; 16]>::try_from(bytes.as_ref());
        bytes.map(Uuid).map_err(|_| RowError {
            column,
            expected: "blob of 16 bytes",
        })
    }

    pub(crate) fn opt_uuid(&mut self, column: usize) -> Result<Option<Uuid>, RowError> {
        match self.values.get(column) {
            Some(Value::Null) => Ok(None),
            _ => self.uuid(column).map(Some),
        }
    }

    pub(crate) fn user(&mut self, column: usize) -> Result<UserId, RowError> {
        self.uuid(column).map(UserId)
    }

    fn take(&mut self, column: usize) -> Option<Value> {
        let value = self.values.get_mut(column)?;
        Some(std::mem::replace(value, Value::Null))
    }
}
