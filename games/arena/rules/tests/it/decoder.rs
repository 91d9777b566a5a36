//! A second reading of `games/arena/PROTOCOL.md`, to check the first one.

use tagus_replication::{Replica, Seen};

/// What a viewer knows after its last snapshot.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct View {
    pub(crate) tick: u64,
    pub(crate) flags: u8,
    pub(crate) followed: u16,
    pub(crate) rank: u16,
    pub(crate) score: u32,
    /// Where the camera stands when it follows nobody: position and half height.
    pub(crate) still: Option<(u16, u16, u16)>,
    pub(crate) cells: Vec<Ball>,
    pub(crate) viruses: Vec<Ball>,
    pub(crate) ejected: Vec<Ball>,
    pub(crate) pellets: Vec<Ball>,
}

/// A body in half units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Ball {
    pub(crate) id: u32,
    pub(crate) at: (u32, u32),
    pub(crate) radius: u32,
    pub(crate) hue: u8,
    pub(crate) owner: u16,
}

impl View {
    pub(crate) fn of(replica: &Replica) -> Self {
        let own = replica.own();
        let mut cursor = Cursor { bytes: &own.state };
        let mut view = Self {
            tick: replica.tick().0,
            flags: cursor.u8(),
            followed: cursor.u16(),
            rank: cursor.u16(),
            score: cursor.u32(),
            ..Self::default()
        };
        if view.followed == u16::MAX {
            view.still = Some((cursor.u16(), cursor.u16(), cursor.u16()));
        }
        cursor.end();
        for seen in replica.entities() {
            let ball = |radius: Option<usize>, hue: Option<usize>, owner: Option<usize>| Ball {
                id: seen.id,
                at: (half_units(&seen, 0), half_units(&seen, 1)),
                radius: radius.map_or(0, |index| half_units(&seen, index)),
                hue: hue.map_or(0, |index| seen.value(index).unwrap() as u8),
                owner: owner.map_or(u16::MAX, |index| seen.value(index).unwrap() as u16),
            };
            match seen.kind.0 {
                0 => view.cells.push(ball(Some(2), Some(3), Some(4))),
                1 => view.viruses.push(ball(Some(2), None, None)),
                2 => view.ejected.push(ball(None, Some(2), None)),
                3 => view.pellets.push(ball(None, Some(2), None)),
                kind => panic!("a body of kind {kind}"),
            }
        }
        view
    }

    /// Centre and half height of the screen, worked out as a client does it from what it was told.
    pub(crate) fn screen(&self, size: f64, [half_min, half_max]: [f64; 2]) -> ([f64; 2], f64) {
        if let Some((x, y, half_height)) = self.still {
            let centre = [x, y].map(|position| f64::from(position) * size / 65_535.0);
            return (centre, f64::from(half_height));
        }
        let (mut mass, mut x, mut y, mut radii) = (0.0, 0.0, 0.0, 0.0);
        for cell in self.cells_of(self.followed) {
            let radius = f64::from(cell.radius) / 2.0;
            mass += radius * radius;
            x += radius * radius * f64::from(cell.at.0) / 2.0;
            y += radius * radius * f64::from(cell.at.1) / 2.0;
            radii += radius;
        }
        assert!(mass > 0.0, "the cells in the middle are in view");
        let zoom = (radii / 64.0).max(1.0).powf(0.375);
        ([x / mass, y / mass], (half_min * zoom).min(half_max))
    }

    /// Cells of one player.
    pub(crate) fn cells_of(&self, owner: u16) -> Vec<Ball> {
        let theirs = self.cells.iter().filter(|cell| cell.owner == owner);
        theirs.copied().collect()
    }
}

fn half_units(seen: &Seen<'_>, index: usize) -> u32 {
    (seen.value(index).unwrap() * 2.0) as u32
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
