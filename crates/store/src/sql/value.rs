//! Values that go into statements and come out of rows.

use bytes::Bytes;
use tagus_base::{UnixMillis, UserId, Uuid};

/// One value of a column or a parameter. There are no floating-point numbers: no column has any.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Value {
    Null,
    /// BIGINT; as a parameter also of a condition, where 0 is false.
    Int(i64),
    Text(String),
    Blob(Bytes),
    /// A blob of 16 bytes; rows have it as `Blob`.
    Uuid(Uuid),
}

impl Value {
    /// Whether PostgreSQL has no text like this.
    pub(crate) fn holds_nul(&self) -> bool {
        matches!(self, Self::Text(text) if text.as_bytes().contains(&0))
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Int(value.into())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<Bytes> for Value {
    fn from(value: Bytes) -> Self {
        Self::Blob(value)
    }
}

impl From<Uuid> for Value {
    fn from(value: Uuid) -> Self {
        Self::Uuid(value)
    }
}

impl From<UserId> for Value {
    fn from(value: UserId) -> Self {
        Self::Uuid(value.0)
    }
}

impl From<UnixMillis> for Value {
    /// Times beyond what the databases' integers hold, some 292 million years from now, become the last one they hold.
    fn from(value: UnixMillis) -> Self {
        Self::Int(i64::try_from(value.0).unwrap_or(i64::MAX))
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// The parameters of a statement, in the order of their numbers.
macro_rules! params {
    ($($value:expr),* $(,)?) => {
        vec![$($crate::sql::Value::from($value)),*]
    };
}
pub(crate) use params;
