//! Pages of listings: their limits, and places in them as opaque text that clients hand back.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tagus_base::{UnixMillis, UserId, Uuid};

use crate::PlayersError;

/// A place: what kind of listing it is of, and the last entry that was listed.
///
/// A cursor proves nothing: a listing checks the caller's rights as if there were none. It only refuses what it did not write.
#[derive(Debug)]
pub(crate) struct Cursor {
    bytes: Vec<u8>,
}

impl Cursor {
    /// A cursor of the listing that `kind` numbers; listings with different filters differ by a field that says so.
    pub(crate) fn new(kind: u8) -> Self {
        Self { bytes: vec![kind] }
    }

    pub(crate) fn int(mut self, value: i64) -> Self {
        self.bytes.extend(value.to_le_bytes());
        self
    }

    pub(crate) fn time(self, value: UnixMillis) -> Self {
        self.int(value.0.cast_signed())
    }

    pub(crate) fn uuid(mut self, value: Uuid) -> Self {
        self.bytes.extend(value.0);
        self
    }

    pub(crate) fn text(mut self, value: &str) -> Self {
        let bytes = value.as_bytes();
        self.bytes.extend((bytes.len() as u64).to_le_bytes());
        self.bytes.extend(bytes);
        self
    }

    /// The text for the client.
    pub(crate) fn write(mut self) -> String {
        let check = checksum(&self.bytes);
        self.bytes.extend(check.to_le_bytes());
        URL_SAFE_NO_PAD.encode(self.bytes)
    }

    /// Reads a text that [`Cursor::write`] wrote for the same kind of listing.
    pub(crate) fn read(kind: u8, text: &str) -> Result<CursorReader, PlayersError> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| MALFORMED)?;
        let (body, check) = bytes.split_last_chunk::<4>().ok_or(MALFORMED)?;
        if checksum(body) != u32::from_le_bytes(*check) || body.first() != Some(&kind) {
            return Err(MALFORMED);
        }
        Ok(CursorReader {
            bytes: body.to_vec(),
            at: 1,
        })
    }
}

/// The fields of a cursor, read in the order in which they were written.
#[derive(Debug)]
pub(crate) struct CursorReader {
    bytes: Vec<u8>,
    at: usize,
}

impl CursorReader {
    pub(crate) fn int(&mut self) -> Result<i64, PlayersError> {
        self.chunk().map(i64::from_le_bytes)
    }

    pub(crate) fn time(&mut self) -> Result<UnixMillis, PlayersError> {
        Ok(UnixMillis(self.int()?.cast_unsigned()))
    }

    pub(crate) fn uuid(&mut self) -> Result<Uuid, PlayersError> {
        self.chunk().map(Uuid)
    }

    pub(crate) fn user(&mut self) -> Result<UserId, PlayersError> {
        self.uuid().map(UserId)
    }

    pub(crate) fn text(&mut self) -> Result<String, PlayersError> {
        let length = usize::try_from(self.int()?).map_err(|_| MALFORMED)?;
        let end = self.at.checked_add(length).ok_or(MALFORMED)?;
        let bytes = self.bytes.get(self.at..end).ok_or(MALFORMED)?;
        self.at = end;
        String::from_utf8(bytes.to_vec()).map_err(|_| MALFORMED)
    }

    /// Nothing may be left.
    pub(crate) fn end(self) -> Result<(), PlayersError> {
        if self.at == self.bytes.len() {
            Ok(())
        } else {
            Err(MALFORMED)
        }
    }

    fn chunk<const N: usize>(&mut self) -> Result<[u8; N], PlayersError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let chunk = rest.first_chunk::<N>().ok_or(MALFORMED)?;
        self.at += N;
        Ok(*chunk)
    }
}

/// FNV-1a, against damage and mixed-up cursors, not against forgers.
fn checksum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    })
}

/// A listing takes at most so many entries on one page, and at least one.
///
/// # Errors
/// `limit` is not in 1..=`most`.
pub(crate) fn checked_limit(limit: i32, most: i32) -> Result<u32, PlayersError> {
    if (1..=most).contains(&limit) {
        return Ok(limit.unsigned_abs());
    }
    Err(PlayersError::InvalidArgument(match most {
        100 => "Invalid limit - limit must be between 1 and 100.",
        _ => {
            debug_assert_eq!(most, 1_000, "a sentence for this limit");
            "Invalid limit - limit must be between 1 and 1000."
        }
    }))
}

/// What a cursor is answered that this listing did not write.
pub(crate) const MALFORMED: PlayersError =
    PlayersError::InvalidArgument("Malformed cursor was used.");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_come_back_in_order() {
        let id = Uuid([7; 16]);
        let written = Cursor::new(3)
            .int(-5)
            .text("ä.b")
            .uuid(id)
            .time(UnixMillis(9));
        let mut read = Cursor::read(3, &written.write()).unwrap();
        assert_eq!(read.int().unwrap(), -5);
        assert_eq!(read.text().unwrap(), "ä.b");
        assert_eq!(read.uuid().unwrap(), id);
        assert_eq!(read.time().unwrap(), UnixMillis(9));
        read.end().unwrap();
    }

    #[test]
    fn what_was_not_written_for_this_listing_is_refused() {
        let written = Cursor::new(3).int(1).write();
        assert!(Cursor::read(4, &written).is_err());
        for wrong in ["", "?", "AAAA", &written[1..], &format!("{written}A")] {
            assert!(Cursor::read(3, wrong).is_err(), "{wrong}");
        }
        let mut short = Cursor::read(3, &written).unwrap();
        assert!(short.uuid().is_err());
        let mut unread = Cursor::read(3, &written).unwrap();
        assert!(unread.text().is_err(), "one byte of text is not there");
        assert!(Cursor::read(3, &written).unwrap().end().is_err());
    }
}
