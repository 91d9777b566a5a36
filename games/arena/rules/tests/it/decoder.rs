//! A second reading of `games/arena/PROTOCOL.md`, to check the first one.

/// Op 17.
#[derive(Debug, Default)]
pub(crate) struct View {
    pub(crate) tick: u32,
    pub(crate) flags: u8,
    pub(crate) centre: (u16, u16),
    pub(crate) half_height: u16,
    pub(crate) score: u32,
    pub(crate) own: Vec<u32>,
    pub(crate) cells: Vec<Ball>,
    pub(crate) others: Vec<Ball>,
    pub(crate) pellets: Vec<(u16, u16, u8)>,
    pub(crate) eaten: Vec<(u32, u32)>,
}

/// A cell, virus or ejected piece.
#[derive(Debug)]
pub(crate) struct Ball {
    pub(crate) id: u32,
    pub(crate) at: (u16, u16),
    pub(crate) radius: u16,
    pub(crate) kind_or_hue: u8,
    pub(crate) owner: u16,
}

impl View {
    pub(crate) fn decode(bytes: &[u8]) -> Self {
        let mut cursor = Cursor { bytes };
        let mut view = Self {
            tick: cursor.u32(),
            flags: cursor.u8(),
            centre: (cursor.u16(), cursor.u16()),
            half_height: cursor.u16(),
            score: cursor.u32(),
            ..Self::default()
        };
        for _ in 0..cursor.u8() {
            view.own.push(cursor.u32());
        }
        for _ in 0..cursor.u16() {
            let (id, at, radius) = (cursor.u32(), (cursor.u16(), cursor.u16()), cursor.u16());
            view.cells.push(Ball {
                id,
                at,
                radius,
                kind_or_hue: cursor.u8(),
                owner: cursor.u16(),
            });
        }
        for _ in 0..cursor.u16() {
            let (id, at, radius) = (cursor.u32(), (cursor.u16(), cursor.u16()), cursor.u16());
            view.others.push(Ball {
                id,
                at,
                radius,
                kind_or_hue: cursor.u8(),
                owner: u16::MAX,
            });
        }
        for _ in 0..cursor.u16() {
            view.pellets.push((cursor.u16(), cursor.u16(), cursor.u8()));
        }
        for _ in 0..cursor.u8() {
            view.eaten.push((cursor.u32(), cursor.u32()));
        }
        cursor.end();
        view
    }
}

/// Op 18: (owner, flags, hue, name) and who is gone.
#[derive(Debug, Default)]
pub(crate) struct Players {
    pub(crate) whole: bool,
    pub(crate) rows: Vec<(u16, u8, u8, String)>,
    pub(crate) gone: Vec<u16>,
}

impl Players {
    pub(crate) fn decode(bytes: &[u8]) -> Self {
        let mut cursor = Cursor { bytes };
        let mut players = Self {
            whole: cursor.u8() == 1,
            ..Self::default()
        };
        for _ in 0..cursor.u16() {
            let (owner, flags, hue, length) = (cursor.u16(), cursor.u8(), cursor.u8(), cursor.u8());
            let name = String::from_utf8(cursor.take(usize::from(length)).to_vec()).unwrap();
            players.rows.push((owner, flags, hue, name));
        }
        for _ in 0..cursor.u16() {
            players.gone.push(cursor.u16());
        }
        cursor.end();
        players
    }
}

struct Cursor<'a> {
    bytes: &'a [u8],
}

impl<'a> Cursor<'a> {
    fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.bytes.split_at(count);
        self.bytes = rest;
        taken
    }

    fn u8(&mut self) -> u8 {
        self.take(1)[0]
    }

    fn u16(&mut self) -> u16 {
        u16::from_le_bytes(self.take(2).try_into().unwrap())
    }

    fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.take(4).try_into().unwrap())
    }

    fn end(&self) {
        assert!(
            self.bytes.is_empty(),
            "{} bytes behind the message",
            self.bytes.len()
        );
    }
}
