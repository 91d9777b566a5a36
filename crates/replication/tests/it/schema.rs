//! Which schemas there are, and that a client is told the same.

use tagus_replication::{
    Blend, DecodeError, FIELDS_MAX, Field, GROUPS_MAX, Grid, KINDS_MAX, Kind, KindIndex,
    NAME_BYTES_MAX, Schema, SchemaError,
};

const GRID: Grid = Grid {
    min: [0.0; 2],
    size: [1_024.0; 2],
    step: 0.5,
    cell: 4.0,
    margin: 1.5,
};

fn check(grid: Grid, kinds: Vec<Kind>) -> Result<(), SchemaError> {
    let schema = Schema::new(&grid, kinds, 1)?;
    assert_eq!(Schema::parse(&schema.describe()), Ok(schema));
    Ok(())
}

#[test]
fn a_grid_at_its_limits_and_past_them() {
    let of = |grid| check(grid, vec![Kind::new("a")]);
    // 1,024 / 4 squares and the one that the last position is in.
    assert_eq!(of(GRID), Err(SchemaError::Grid), "257 × 257 cells");
    let size = [1_023.5; 2];
    assert_eq!(of(Grid { size, ..GRID }), Ok(()));
    let grid = Grid { size, ..GRID };
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let step = bad;
        assert!(
            of(Grid {
                step,
                ..grid.clone()
            })
            .is_err(),
            "step {bad}"
        );
        let cell = bad;
        assert!(
            of(Grid {
                cell,
                ..grid.clone()
            })
            .is_err(),
            "cell {bad}"
        );
        let size = [bad, 100.0];
        assert!(of(Grid { size, ..GRID }).is_err(), "size {bad}");
    }
    let margin = 2.0;
    assert!(of(Grid { margin, ..grid }).is_err(), "half a side");
}

#[test]
fn kinds_at_their_limits_and_past_them() {
    let grid = Grid { cell: 64.0, ..GRID };
    let kinds = |count| vec![Kind::new("a"); count];
    let of = |kinds| check(grid.clone(), kinds);
    assert_eq!(of(kinds(0)), Err(SchemaError::Kinds));
    assert_eq!(of(kinds(KINDS_MAX)), Ok(()));
    assert_eq!(of(kinds(KINDS_MAX + 1)), Err(SchemaError::Kinds));
    let fields = |count| {
        let field = Field::whole("f", 0..=1);
        vec![(0..count).fold(Kind::new("a"), |kind, _| kind.field(field.clone()))]
    };
    assert_eq!(of(fields(FIELDS_MAX - 2)), Ok(()));
    assert_eq!(of(fields(FIELDS_MAX - 1)), Err(SchemaError::Fields));
    let named = |length| vec![Kind::new(&"n".repeat(length))];
    assert_eq!(of(named(NAME_BYTES_MAX)), Ok(()));
    assert_eq!(of(named(NAME_BYTES_MAX + 1)), Err(SchemaError::Name));
    let none = Schema::new(&grid, kinds(1), 0);
    assert_eq!(none, Err(SchemaError::FrameTicks));
}

#[test]
fn fields_at_their_limits_and_past_them() {
    let grid = Grid { cell: 64.0, ..GRID };
    let of = |field| check(grid.clone(), vec![Kind::new("a").field(field)]);
    let real = |levels: f64| Field::real("r", 0.0..=levels - 1.0, 1.0);
    assert_eq!(of(real(8_388_608.0).linear()), Ok(()));
    assert_eq!(of(real(8_388_609.0).linear()), Err(SchemaError::Range));
    assert_eq!(of(real(16_777_216.0)), Ok(()));
    assert_eq!(of(real(16_777_217.0)), Err(SchemaError::Range));
    assert_eq!(of(real(16_777_217.0).any()), Ok(()));
    assert_eq!(of(Field::whole("w", 0..=u32::MAX)), Ok(()));
    assert_eq!(of(Field::whole("w", 7..=7)), Err(SchemaError::Range));
    assert_eq!(of(Field::angle("a", 1)), Err(SchemaError::Range));
    assert_eq!(of(Field::angle("a", 2).linear().blend(Blend::Step)), Ok(()));
    assert_eq!(
        of(Field::real("r", 0.0..=f64::NAN, 1.0)),
        Err(SchemaError::Range)
    );
    assert_eq!(of(real(2.0).group(GROUPS_MAX - 1)), Ok(()));
    assert_eq!(of(real(2.0).group(GROUPS_MAX)), Err(SchemaError::Group));
}

#[test]
fn values_become_the_nearest_level() {
    let field = Field::real("r", -1.0..=1.0, 0.5);
    let levels = |field: &Field, values: &[f64]| {
        let levels = values.iter().map(|value| field.level_of(*value));
        levels.collect::<Vec<_>>()
    };
    let values = [
        -1.0,
        -0.76,
        -0.74,
        0.0,
        1.0,
        9.0,
        -9.0,
        f64::NAN,
        f64::INFINITY,
    ];
    assert_eq!(levels(&field, &values), [0, 0, 1, 2, 4, 4, 0, 0, 4]);
    let turn = core::f64::consts::TAU;
    let angle = Field::angle("a", 4);
    let values = [
        0.0,
        turn / 4.0,
        turn * 0.9,
        -turn / 4.0,
        turn * 7.5,
        -turn * 7.5,
        f64::NAN,
    ];
    assert_eq!(levels(&angle, &values), [0, 1, 0, 3, 2, 2, 0]);
    assert_eq!(field.value_of(3), 0.5);
}

#[test]
fn a_description_cut_short_is_refused() {
    let described = crate::bodies::schema().describe();
    for length in 0..described.len() {
        let refused = Schema::parse(&described[..length]);
        assert_eq!(refused, Err(DecodeError::Truncated), "{length}");
    }
    let longer = [&described[..], &[0]].concat();
    assert_eq!(Schema::parse(&longer), Err(DecodeError::Trailing));
    let mut other = described;
    other[0] += 1;
    assert_eq!(Schema::parse(&other), Err(DecodeError::Version));
}

#[test]
fn kinds_are_found_by_their_place() {
    let schema = crate::bodies::schema();
    let names = |index| {
        let kind = schema.kind(KindIndex(index))?;
        let fields = kind.fields().iter().map(Field::name);
        Some((kind.name(), fields.collect::<Vec<_>>().join(" ")))
    };
    let walker = Some(("walker", "x y radius heading hue".to_owned()));
    assert_eq!(names(0), walker);
    assert_eq!(names(1), Some(("stone", "x y".to_owned())));
    assert_eq!(names(3), None);
}
