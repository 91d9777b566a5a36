//! The time of a turn.

use tagus_duel::Command;

use crate::{Table, soft};

#[test]
fn who_waits_for_a_slow_server_loses_no_time_by_it() {
    let mut table = Table::of_two("{}", 1);
    let before = table.turn();
    table.is_slow = true;
    let shoot = Command::Shoot {
        game: 0,
        turn: 0,
        stroke: soft(),
    };
    table.say(before.player.into(), shoot);
    table.tick();
    table.wait(15_000);
    table.run_jobs();
    table.tick();
    let after = table.turn();
    assert_eq!((after.turn, after.player), (1, 1 - before.player));
    assert_eq!((after.wait_ms, after.left_ms), (0, 10_000));
    table.wait(10_000);
    assert_eq!(table.turn().turn, 1);
    table.wait(2_000);
    let late = table.turn();
    assert_eq!(
        (late.turn, late.time_outs[usize::from(after.player)]),
        (2, 1)
    );
}
