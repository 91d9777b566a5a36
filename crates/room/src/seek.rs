//! Looking for more people: what a game may ask for.

use std::collections::BTreeMap;

use crate::codec::{Reader, put_bytes, put_fixed, put_u64};
use crate::{
    RESERVE_MS_MAX, SEATS_MAX, SEEK_PROPERTIES_BYTES_MAX, SEEK_PROPERTIES_MAX, SEEK_QUERY_BYTES_MAX,
};

/// People that a room wants to have, described as in a matchmaker's ticket.
#[derive(Clone, Debug, PartialEq)]
pub struct Seek {
    /// How many, 1..=[`crate::Settings::seats_max`].
    pub players: u16,
    /// What must hold of their properties, up to [`SEEK_QUERY_BYTES_MAX`] bytes. Empty: anybody.
    pub query: String,
    /// Properties of the room that their queries look at.
    pub string_properties: BTreeMap<String, String>,
    /// More of them, finite numbers.
    pub numeric_properties: BTreeMap<String, f64>,
    /// How long a seat is kept for somebody who was found, in milliseconds, 1..=[`RESERVE_MS_MAX`].
    pub hold_ms: u32,
}

/// Why a [`Seek`] was not begun.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SeekRefused {
    /// Nobody is wanted, or more people than the room has seats.
    #[error("look for nobody, or for more people than there are seats")]
    Players,
    /// The query is longer than [`SEEK_QUERY_BYTES_MAX`].
    #[error("look for people with a query of more than {SEEK_QUERY_BYTES_MAX} bytes")]
    Query,
    /// There are more than [`SEEK_PROPERTIES_MAX`] properties, or more than [`SEEK_PROPERTIES_BYTES_MAX`] bytes in
    /// them, or a number is not finite.
    #[error("look for people with too many properties, or with a number that is not finite")]
    Properties,
    /// The time is not in 1..=[`RESERVE_MS_MAX`].
    #[error("keep a seat for no time, or for more than {RESERVE_MS_MAX} ms")]
    Hold,
}

impl Seek {
    /// Is it within its limits, in a room of so many seats?
    pub(crate) fn check(&self, seats_max: u16) -> Result<(), SeekRefused> {
        if self.players == 0 || self.players > seats_max {
            return Err(SeekRefused::Players);
        }
        if self.query.len() > SEEK_QUERY_BYTES_MAX {
            return Err(SeekRefused::Query);
        }
        if self.hold_ms == 0 || self.hold_ms > RESERVE_MS_MAX {
            return Err(SeekRefused::Hold);
        }
        let texts = self.string_properties.iter();
        let texts: usize = texts.map(|(name, text)| name.len() + text.len()).sum();
        let names: usize = self.numeric_properties.keys().map(String::len).sum();
        let count = self.string_properties.len() + self.numeric_properties.len();
        if count > SEEK_PROPERTIES_MAX
            || texts + names > SEEK_PROPERTIES_BYTES_MAX
            || !self
                .numeric_properties
                .values()
                .all(|number| number.is_finite())
        {
            return Err(SeekRefused::Properties);
        }
        Ok(())
    }
}

pub(crate) fn write_seek(seek: &Seek, out: &mut Vec<u8>) {
    put_u64(out, u64::from(seek.players));
    put_bytes(out, seek.query.as_bytes());
    put_u64(out, seek.string_properties.len() as u64);
    for (name, text) in &seek.string_properties {
        put_bytes(out, name.as_bytes());
        put_bytes(out, text.as_bytes());
    }
    put_u64(out, seek.numeric_properties.len() as u64);
    for (name, number) in &seek.numeric_properties {
        put_bytes(out, name.as_bytes());
        put_fixed(out, number.to_bits());
    }
    put_u64(out, u64::from(seek.hold_ms));
}

pub(crate) fn read_seek(reader: &mut Reader<'_>) -> Option<Seek> {
    let (players, query) = (reader.u16()?, reader.text()?.to_owned());
    let mut string_properties = BTreeMap::new();
    // Reading fails at the latest at the end of the bytes, so that a wrong count does not matter.
    for _ in 0..reader.u64()? {
        string_properties.insert(reader.text()?.to_owned(), reader.text()?.to_owned());
    }
    let mut numeric_properties = BTreeMap::new();
    for _ in 0..reader.u64()? {
        numeric_properties.insert(reader.text()?.to_owned(), f64::from_bits(reader.fixed()?));
    }
    let seek = Seek {
        players,
        query,
        string_properties,
        numeric_properties,
        hold_ms: reader.u32()?,
    };
    seek.check(SEATS_MAX).ok()?;
    Some(seek)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seek() -> Seek {
        Seek {
            players: 1,
            query: "+mode:duel".to_owned(),
            string_properties: [("mode".to_owned(), "duel".to_owned())].into(),
            numeric_properties: [("rank".to_owned(), -0.5)].into(),
            hold_ms: 1,
        }
    }

    /// Whether it is refused after the change.
    fn check(change: impl Fn(&mut Seek)) -> Result<(), SeekRefused> {
        let mut seek = seek();
        change(&mut seek);
        seek.check(4)
    }

    #[test]
    fn limits() {
        assert_eq!(check(|seek| seek.players = 4), Ok(()));
        for players in [0, 5] {
            let refused = check(|seek| seek.players = players);
            assert_eq!(refused, Err(SeekRefused::Players), "{players}");
        }
        let query = |length: usize| check(|seek| seek.query = "x".repeat(length));
        assert_eq!(query(0), Ok(()));
        assert_eq!(query(SEEK_QUERY_BYTES_MAX), Ok(()));
        assert_eq!(query(SEEK_QUERY_BYTES_MAX + 1), Err(SeekRefused::Query));
        let hold = |hold_ms: u32| check(|seek| seek.hold_ms = hold_ms);
        assert_eq!(hold(0), Err(SeekRefused::Hold));
        assert_eq!(hold(RESERVE_MS_MAX), Ok(()));
        assert_eq!(hold(RESERVE_MS_MAX + 1), Err(SeekRefused::Hold));
        // One string property is there already, of 8 bytes.
        let count = |count: usize| {
            let numbers = (0..count).map(|name| (name.to_string(), 0.0));
            check(|seek| seek.numeric_properties = numbers.clone().collect())
        };
        assert_eq!(count(SEEK_PROPERTIES_MAX - 1), Ok(()));
        assert_eq!(count(SEEK_PROPERTIES_MAX), Err(SeekRefused::Properties));
        let bytes = |bytes: usize| {
            check(|seek| {
                seek.numeric_properties = [("x".repeat(bytes - 8), 0.0)].into();
            })
        };
        assert_eq!(bytes(SEEK_PROPERTIES_BYTES_MAX), Ok(()));
        assert_eq!(
            bytes(SEEK_PROPERTIES_BYTES_MAX + 1),
            Err(SeekRefused::Properties)
        );
        let number = |number: f64| {
            check(|seek| seek.numeric_properties = [("rank".to_owned(), number)].into())
        };
        assert_eq!(number(f64::MIN), Ok(()));
        assert_eq!(number(f64::NAN), Err(SeekRefused::Properties));
        assert_eq!(number(f64::INFINITY), Err(SeekRefused::Properties));
    }

    #[test]
    fn it_reads_what_it_writes() {
        let mut bytes = Vec::new();
        write_seek(&seek(), &mut bytes);
        let mut reader = Reader::new(&bytes);
        assert_eq!(read_seek(&mut reader), Some(seek()));
        assert!(reader.is_empty());
        for length in 0..bytes.len() {
            assert_eq!(
                read_seek(&mut Reader::new(&bytes[..length])),
                None,
                "{length}"
            );
        }
    }
}
