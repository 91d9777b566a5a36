//! The bodies of the fuzz targets, with seeds: noise, and snapshots with a few bits turned.

use tagus_base::{Rng, Tick};
use tagus_replication::{Ack, KindIndex, SlotViewer, View, Viewer, World};

use crate::bodies::{description, schema, slot_snapshots, snapshots};

#[test]
fn noise_is_refused() {
    let rng = &mut Rng::new(1);
    for _ in 0..20_000 {
        let mut noise: Vec<u8> = (0..rng.below(64)).map(|_| rng.next_u64() as u8).collect();
        if noise.len() > 2 && rng.below(2) == 0 {
            noise[0] = noise.len() as u8;
            noise[1] = 1;
        }
        snapshots(&noise);
        if let Some(flags) = noise.get_mut(1) {
            *flags |= 16;
        }
        slot_snapshots(&noise);
        if let Some(version) = noise.first_mut() {
            *version = 1;
        }
        description(&noise);
    }
}

#[test]
fn turned_bits_are_refused_or_something_else() {
    let rng = &mut Rng::new(2);
    for _ in 0..4_000 {
        let (mut cells, mut slots) = conversations(rng);
        turn_bits(rng, &mut cells);
        snapshots(&cells);
        turn_bits(rng, &mut slots);
        slot_snapshots(&slots);
        let mut described = schema().describe();
        let at = rng.below(described.len() as u32) as usize;
        described[at] ^= 1 << rng.below(8);
        description(&described);
    }
}

fn turn_bits(rng: &mut Rng, bytes: &mut [u8]) {
    for _ in 0..rng.below(4) {
        let at = rng.below(bytes.len() as u32) as usize;
        bytes[at] ^= 1 << rng.below(8);
    }
}

/// A few frames of a small world as a viewer of each kind gets them, each behind its length.
fn conversations(rng: &mut Rng) -> (Vec<u8>, Vec<u8>) {
    let mut world = World::new(schema());
    let (mut viewer, mut slot_viewer) = (Viewer::new(), SlotViewer::new());
    let (mut cells, mut slots) = (Vec::new(), Vec::new());
    for frame in 1..6_u16 {
        world.begin(Tick(u64::from(frame) * 2));
        for id in 0..rng.below(8) {
            let x = f64::from(rng.below(100)) + f64::from(frame);
            world.put(id, KindIndex((id % 3) as u8), &[x, x, x, x, x]);
        }
        world.remove_absent();
        world.end();
        let view = View {
            centre: [50.0; 2],
            half: [60.0; 2],
            mask: 0,
            own_id: Some(1),
            last_input: 3,
            own: &[1, 2, 3],
            bytes_max: 100,
            entities_max: 1_000,
        };
        let mut snapshot = Vec::new();
        viewer.encode(&mut world, &view, &mut snapshot);
        cells.push(snapshot.len() as u8);
        cells.append(&mut snapshot);
        slot_viewer.encode(&mut world, &view, &mut snapshot);
        slots.push(snapshot.len() as u8);
        slots.append(&mut snapshot);
        let earlier = rng.next_u64() as u32;
        slot_viewer.acked(Ack { frame, earlier });
    }
    (cells, slots)
}
