//! Ratings.

use tagus_base::UnixMillis;
use tagus_store::{AccountOp, Batch, Conflict, RatingOp, RatingRow, Store, StoreError, block_on};

use super::commit;
use crate::{first_login, user};

pub(super) fn run(open: &dyn Fn() -> Store) {
    ratings_are_written_where_they_are_as_they_were_read(&open());
    many_writers_lose_nothing(&open());
    ratings_go_with_their_account(&open());
}

fn row(number: u32, mode: &str, games: u32) -> RatingRow {
    RatingRow {
        user_id: user(number),
        mode: mode.to_owned(),
        mu_micros: -1_000_001 - i64::from(games),
        sigma_micros: i64::MAX,
        games,
        results: vec![0, 255, games as u8].into(),
        update_time: UnixMillis(5_000 + u64::from(games)),
    }
}

fn put(rows: &[RatingRow]) -> RatingOp {
    RatingOp::Put(rows.to_vec())
}

fn ratings(store: &Store, mode: &str, numbers: &[u32]) -> Vec<RatingRow> {
    let ids: Vec<_> = numbers.iter().map(|number| user(*number)).collect();
    block_on(store.ratings(mode, &ids)).unwrap()
}

fn ratings_are_written_where_they_are_as_they_were_read(store: &Store) {
    for number in [1, 2] {
        store.commit_blocking(first_login(number)).unwrap();
    }
    let first = [row(1, "duel", 1), row(2, "duel", 1)];
    assert_eq!(commit(store, put(&first)), Ok(2));
    assert_eq!(commit(store, put(&[row(1, "Duel", 1)])), Ok(1));
    let next = [row(1, "duel", 2)];
    assert_eq!(commit(store, put(&next)), Ok(1));
    for wrong in [
        [row(2, "duel", 2), row(1, "duel", 1)],
        [row(2, "duel", 2), row(1, "duel", 2)],
        [row(2, "duel", 2), row(1, "duel", 4)],
        [row(2, "duel", 2), row(1, "team", 2)],
        [row(2, "duel", 2), row(9, "duel", 2)],
    ] {
        assert_eq!(
            commit(store, put(&wrong)),
            Err((0, Conflict::Changed)),
            "{wrong:?}"
        );
    }
    let stranger = [row(2, "duel", 2), row(9, "duel", 1)];
    assert_eq!(commit(store, put(&stranger)), Err((0, Conflict::Missing)));

    let expected = [row(2, "duel", 1), row(1, "duel", 2)];
    assert_eq!(ratings(store, "duel", &[2, 9, 1]), expected);
    assert_eq!(ratings(store, "team", &[1, 2]), []);
    let of = |after, limit| block_on(store.ratings_of(user(1), after, limit)).unwrap();
    let all = [row(1, "Duel", 1), row(1, "duel", 2)];
    assert_eq!(of("", 9), all);
    assert_eq!(of("", 1), all[..1]);
    assert_eq!(of("Duel", 9), all[1..]);
}

/// Each reads, counts one more and writes, again and again until it was not too late.
fn many_writers_lose_nothing(store: &Store) {
    for number in [1, 2] {
        store.commit_blocking(first_login(number)).unwrap();
    }
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                loop {
                    let found = ratings(store, "duel", &[1, 2]);
                    let games = found.first().map_or(1, |row| row.games + 1);
                    let rows = [row(1, "duel", games), row(2, "duel", games)];
                    match store.commit_blocking(Batch::from(put(&rows))) {
                        Ok(_) => return,
                        Err(StoreError::Conflict {
                            conflict: Conflict::Changed,
                            ..
                        }) => {}
                        Err(err) => panic!("{err:?}"),
                    }
                }
            });
        }
    });
    let expected = [row(1, "duel", 16), row(2, "duel", 16)];
    assert_eq!(ratings(store, "duel", &[1, 2]), expected);
}

fn ratings_go_with_their_account(store: &Store) {
    for number in [1, 2] {
        store.commit_blocking(first_login(number)).unwrap();
    }
    commit(store, put(&[row(1, "duel", 1), row(2, "duel", 1)])).unwrap();
    let deleted = AccountOp::Delete {
        id: user(1),
        tombstone_time: UnixMillis(2_000),
    };
    commit(store, deleted).unwrap();
    assert_eq!(ratings(store, "duel", &[1, 2]), [row(2, "duel", 1)]);
}
