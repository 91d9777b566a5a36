//! The bodies of the fuzz targets, with seeds: noise, and snapshots with a few bits turned.

use tagus_base::{Rng, Tick};
use tagus_replication::{KindIndex, View, Viewer, World};

use crate::bodies::{description, schema, snapshots};

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
        let mut bytes = conversation(rng);
        for _ in 0..rng.below(4) {
            let at = rng.below(bytes.len() as u32) as usize;
            bytes[at] ^= 1 << rng.below(8);
        }
        snapshots(&bytes);
        let mut described = schema().describe();
        let at = rng.below(described.len() as u32) as usize;
        described[at] ^= 1 << rng.below(8);
        description(&described);
    }
}

/// A few frames of a small world as one viewer gets them, each behind its length.
fn conversation(rng: &mut Rng) -> Vec<u8> {
    let mut world = World::new(schema());
    let mut viewer = Viewer::new();
    let mut out = Vec::new();
    for frame in 1..6 {
        world.begin(Tick(frame * 2));
        for id in 0..rng.below(8) {
            let x = f64::from(rng.below(100)) + frame as f64;
            world.put(id, KindIndex((id % 3) as u8), &[x, x, x, x, x]);
        }
        world.remove_absent();
        world.end();
        let mut snapshot = Vec::new();
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
        viewer.encode(&mut world, &view, &mut snapshot);
        out.push(snapshot.len() as u8);
        out.append(&mut snapshot);
    }
    out
}
