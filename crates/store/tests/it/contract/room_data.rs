//! Durable values of rooms.

use bytes::Bytes;
use tagus_store::{RoomDataOp, RoomDataRow, Store, block_on};

use super::commit;

pub(super) fn run(open: &dyn Fn() -> Store) {
    room_values_are_replaced_and_removed(&open());
}

fn room_values_are_replaced_and_removed(store: &Store) {
    let put = |room_key: &str, key: &str, value: &'static [u8]| RoomDataOp::Put {
        room_key: room_key.to_owned(),
        key: key.to_owned(),
        value: Bytes::from_static(value),
    };
    let row = |key: &str, value: &'static [u8]| RoomDataRow {
        key: key.to_owned(),
        value: Bytes::from_static(value),
    };
    for op in [
        put("r", "b", b"1"),
        put("r", "a", b""),
        put("r", "b", b"\0\xff"),
        put("s", "b", b"3"),
    ] {
        commit(store, op).unwrap();
    }
    assert_eq!(
        block_on(store.room_data("r")).unwrap(),
        [row("a", b""), row("b", b"\0\xff")]
    );
    for _ in 0..2 {
        commit(
            store,
            RoomDataOp::Delete {
                room_key: "r".to_owned(),
                key: "b".to_owned(),
            },
        )
        .unwrap();
    }
    assert_eq!(block_on(store.room_data("r")).unwrap(), [row("a", b"")]);
    assert_eq!(block_on(store.room_data("s")).unwrap(), [row("b", b"3")]);
}
