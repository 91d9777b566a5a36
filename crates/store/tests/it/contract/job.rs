//! Jobs and their claims.

use tagus_base::{UnixMillis, Uuid};
use tagus_store::{Conflict, JobOp, JobRow, Store, block_on};

use super::commit;

pub(super) fn run(open: &dyn Fn() -> Store) {
    one_of_many_gets_the_claim(&open());
    a_claim_is_its_owners(&open());
    what_repeats_alike_keeps_its_time(&open());
    due_jobs_come_in_order(&open());
}

fn row(name: &str, due: u64, period: Option<&str>) -> JobRow {
    JobRow {
        name: name.to_owned(),
        kind: "kind".to_owned(),
        payload: "{}".to_owned(),
        period: period.map(str::to_owned),
        due_time: UnixMillis(due),
        planned_time: UnixMillis(due),
        attempts: 0,
        error: String::new(),
        claim: None,
        is_failed: false,
    }
}

fn put(store: &Store, row: JobRow) {
    assert_eq!(commit(store, JobOp::Put(Box::new(row))), Ok(1));
}

const fn token(number: u8) -> Uuid {
    Uuid([number; 16])
}

fn claim(name: &str, seen: u64, claim: Option<Uuid>, until: u64) -> JobOp {
    JobOp::Claim {
        name: name.to_owned(),
        seen_due: UnixMillis(seen),
        claim,
        until: UnixMillis(until),
    }
}

fn only(store: &Store) -> JobRow {
    let mut rows = block_on(store.jobs("", 10)).unwrap();
    assert_eq!(rows.len(), 1);
    rows.remove(0)
}

fn one_of_many_gets_the_claim(store: &Store) {
    put(store, row("job", 5, None));
    let winners = std::thread::scope(|scope| {
        let tries: Vec<_> = (1..=16)
            .map(|number| {
                scope.spawn(move || commit(store, claim("job", 5, Some(token(number)), 50)))
            })
            .collect();
        let results = tries.into_iter().map(|thread| thread.join().unwrap());
        results.filter(|result| *result == Ok(1)).count()
    });
    assert_eq!(winners, 1);
    let claimed = only(store);
    assert_eq!((claimed.attempts, claimed.due_time), (1, UnixMillis(50)));
    assert!(claimed.claim.is_some());
}

fn a_claim_is_its_owners(store: &Store) {
    let name = || "job".to_owned();
    put(store, row("job", 5, None));
    commit(store, claim("job", 5, Some(token(1)), 50)).unwrap();
    let changed = Err((0, Conflict::Changed));
    let foreign = [
        JobOp::Renew {
            name: name(),
            claim: token(2),
            until: UnixMillis(60),
        },
        JobOp::End {
            row: Box::new(row("job", 70, None)),
            claim: token(2),
        },
        JobOp::Done {
            name: name(),
            claim: token(2),
        },
        claim("job", 5, Some(token(2)), 60),
    ];
    for op in foreign {
        assert_eq!(commit(store, op), changed);
    }
    let renew = JobOp::Renew {
        name: name(),
        claim: token(1),
        until: UnixMillis(60),
    };
    commit(store, renew).unwrap();
    assert_eq!(only(store).due_time, UnixMillis(60));

    let mut failed = row("job", 70, None);
    failed.attempts = 1;
    failed.error = "why".to_owned();
    let end = |row: &JobRow| JobOp::End {
        row: Box::new(row.clone()),
        claim: token(1),
    };
    commit(store, end(&failed)).unwrap();
    assert_eq!(only(store), failed);
    assert_eq!(commit(store, end(&failed)), changed, "the claim is over");

    // Put off by nobody: no run is counted.
    commit(store, claim("job", 70, None, 80)).unwrap();
    assert_eq!((only(store).attempts, only(store).claim), (1, None));

    commit(store, claim("job", 80, Some(token(1)), 90)).unwrap();
    failed.is_failed = true;
    commit(store, end(&failed)).unwrap();
    assert_eq!(commit(store, claim("job", 70, Some(token(1)), 90)), changed);
    assert_eq!(block_on(store.job_next_due()).unwrap(), None);
    assert!(only(store).is_failed);
    let delete = || JobOp::Delete { name: name() };
    commit(store, delete()).unwrap();
    assert_eq!(commit(store, delete()), Err((0, Conflict::Missing)));
}

fn what_repeats_alike_keeps_its_time(store: &Store) {
    put(store, row("job", 5, Some("every 1")));
    commit(store, claim("job", 5, Some(token(1)), 50)).unwrap();
    let mut again = row("job", 99, Some("every 1"));
    again.payload = "new".to_owned();
    again.kind = "other".to_owned();
    put(store, again.clone());
    let kept = only(store);
    assert_eq!(
        (kept.payload.as_str(), kept.kind.as_str()),
        ("new", "other")
    );
    assert_eq!(
        (kept.due_time, kept.planned_time),
        (UnixMillis(50), UnixMillis(5))
    );
    assert_eq!((kept.claim, kept.attempts), (Some(token(1)), 1));

    again.period = Some("every 2".to_owned());
    put(store, again.clone());
    assert_eq!(only(store), again, "it repeats in another way");
    let once = row("job", 7, None);
    put(store, once);
    let once = row("job", 8, None);
    put(store, once.clone());
    assert_eq!(
        only(store),
        once,
        "without a period the time is the new one"
    );
    put(store, again.clone());
    assert_eq!(only(store), again);
}

fn due_jobs_come_in_order(store: &Store) {
    for (name, due) in [("c", 3), ("a", 5), ("b", 3), ("d", 6)] {
        put(store, row(name, due, None));
    }
    let names = |now, limit| -> Vec<String> {
        let rows = block_on(store.jobs_due(UnixMillis(now), limit)).unwrap();
        rows.into_iter().map(|row| row.name).collect()
    };
    assert_eq!(names(5, 10), ["b", "c", "a"]);
    assert_eq!(names(5, 2), ["b", "c"]);
    assert_eq!(names(2, 10), [""; 0]);
    assert_eq!(block_on(store.job_next_due()).unwrap(), Some(UnixMillis(3)));
    let listed = block_on(store.jobs("b", 1)).unwrap();
    assert_eq!(listed, [row("c", 3, None)]);
}
