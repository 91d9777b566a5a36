//! Bodies of the fuzz targets: any bytes, and what must hold for them. The seeded tests run them too.

use tagus_replication::{Field, Grid, Kind, Replica, Schema, Seen, SlotReplica};

/// A schema with every motion, and a kind that is seen everywhere.
pub fn schema() -> Schema {
    let grid = Grid {
        min: [-500.0, -250.0],
        size: [1_000.0, 500.0],
        step: 0.25,
        cell: 100.0,
        margin: 10.0,
    };
    let walker = Kind::new("walker")
        .field(Field::real("radius", 0.0..=100.0, 0.5).group(1))
        .field(Field::angle("heading", 256).linear())
        .field(Field::whole("hue", 0..=359).group(2));
    let stone = Kind::new("stone");
    let flag = Kind::new("flag")
        .field(Field::whole("owner", 0..=u32::MAX))
        .everywhere();
    Schema::new(&grid, vec![walker, stone, flag], 2).unwrap()
}

/// Snapshots, each behind its length in a byte: none panics, and what is no snapshot leaves a replica that refuses more.
pub fn snapshots(input: &[u8]) {
    let mut replica = Replica::new(schema());
    let mut rest = input;
    while let Some((length, behind)) = rest.split_first() {
        let (snapshot, behind) = behind.split_at(usize::from(*length).min(behind.len()));
        rest = behind;
        let is_refused = replica.apply(snapshot).is_err();
        assert_eq!(replica.entities().count(), replica.len());
        for entity in replica.entities() {
            check_levels(replica.schema(), entity);
        }
        if is_refused {
            assert!(replica.apply(&[0, 0]).is_err());
        }
    }
}

/// Snapshots of slots in the same way: none panics, no id is in two slots, and what is no snapshot is not acknowledged.
pub fn slot_snapshots(input: &[u8]) {
    let mut replica = SlotReplica::new(schema());
    let mut rest = input;
    while let Some((length, behind)) = rest.split_first() {
        let (snapshot, behind) = behind.split_at(usize::from(*length).min(behind.len()));
        rest = behind;
        let before = (replica.tick(), replica.ack());
        match replica.apply(snapshot) {
            Ok(true) => assert!(replica.ack().is_some()),
            Ok(false) => assert_eq!((replica.tick(), replica.ack()), before),
            Err(_) => assert_eq!((replica.ack(), replica.len()), (None, 0)),
        }
        assert_eq!(replica.entities().count(), replica.len());
        for entity in replica.entities() {
            check_levels(replica.schema(), entity);
            assert!(entity.tick <= replica.tick());
            assert_eq!(
                replica.entity(entity.id).map(|same| same.kind),
                Some(entity.kind)
            );
        }
    }
}

fn check_levels(schema: &Schema, entity: Seen<'_>) {
    let kind = schema.kind(entity.kind).unwrap();
    assert_eq!(entity.values().count(), kind.fields().len());
    for (field, value) in kind.fields().iter().zip(entity.values()) {
        assert_eq!(field.value_of(field.level_of(value)), value);
    }
}

/// A description: what is one is described by the same bytes again.
pub fn description(input: &[u8]) {
    if let Ok(schema) = Schema::parse(input) {
        assert_eq!(Schema::parse(&schema.describe()), Ok(schema));
    }
}
