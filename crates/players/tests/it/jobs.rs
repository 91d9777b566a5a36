//! Planned work: when it is due, who runs it, what a failure means.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use tagus_base::UnixMillis;
use tagus_players::{
    CLAIM_MS, Every, JOB_ATTEMPTS_MAX, JOB_NAME_BYTES_MAX, JOB_PAYLOAD_BYTES_MAX, JobEnd, JobRun,
    JobState, Jobs, Kind, NewJob, RENEW_MS, Schedule, UNKNOWN_MS,
};
use tagus_store::{Store, block_on};

use crate::house::random;

fn jobs(store: &Store) -> Jobs {
    jobs_of(store, 1)
}

fn jobs_of(store: &Store, seed: u64) -> Jobs {
    Jobs::new(store.clone(), random(seed))
}

const fn job(name: &str) -> NewJob<'_> {
    NewJob {
        name,
        kind: "kind",
        payload: "payload",
    }
}

fn begin(jobs: &Jobs, now: u64) -> Vec<JobRun> {
    block_on(jobs.begin(UnixMillis(now), 16, |kind| kind == "kind")).unwrap()
}

fn end(jobs: &Jobs, now: u64, run: JobRun, result: Result<(), &str>) -> JobEnd {
    block_on(jobs.end(UnixMillis(now), run, result.map_err(str::to_owned))).unwrap()
}

fn state(jobs: &Jobs) -> Vec<(String, JobState, u32, String)> {
    let listed = block_on(jobs.list("", 100)).unwrap().into_iter();
    let told = listed.map(|job| (job.name, job.state, job.attempts, job.error));
    told.collect()
}

fn put_every(jobs: &Jobs, now: u64, name: &str, every: &Every) {
    block_on(jobs.put_every(UnixMillis(now), job(name), every)).unwrap();
}

#[test]
fn a_job_runs_once_at_its_time() {
    let jobs = jobs(&Store::memory().unwrap());
    block_on(jobs.put_at(job("one"), UnixMillis(1_000))).unwrap();
    assert_eq!(block_on(jobs.next_due()).unwrap(), Some(UnixMillis(1_000)));
    assert!(begin(&jobs, 999).is_empty());
    let [run] = begin(&jobs, 1_000).try_into().unwrap();
    assert_eq!(
        (run.name(), run.kind(), run.payload()),
        ("one", "kind", "payload")
    );
    assert_eq!((run.planned_time(), run.attempt()), (UnixMillis(1_000), 1));
    assert!(begin(&jobs, 1_001).is_empty(), "it runs");
    assert_eq!(end(&jobs, 1_500, run, Ok(())), JobEnd::Done);
    assert_eq!(state(&jobs), []);
    assert_eq!(block_on(jobs.next_due()).unwrap(), None);
}

#[test]
fn a_job_whose_server_died_is_due_when_its_claim_ends() {
    let store = Store::memory().unwrap();
    let [dead, alive] = [1, 2].map(|seed| jobs_of(&store, seed));
    block_on(dead.put_at(job("one"), UnixMillis(0))).unwrap();
    let [lost] = begin(&dead, 100).try_into().unwrap();
    assert!(block_on(dead.renew(UnixMillis(100 + RENEW_MS), &lost)).unwrap());
    let over = 100 + RENEW_MS + CLAIM_MS;
    assert!(begin(&alive, over - 1).is_empty());
    let [run] = begin(&alive, over).try_into().unwrap();
    assert_eq!(run.attempt(), 2);
    assert!(!block_on(dead.renew(UnixMillis(over), &lost)).unwrap());
    assert_eq!(end(&dead, over, lost, Ok(())), JobEnd::Superseded);
    assert_eq!(end(&alive, over, run, Ok(())), JobEnd::Done);
}

#[test]
fn what_is_cut_off_is_due_at_once_and_counts_as_no_try() {
    let jobs = jobs(&Store::memory().unwrap());
    block_on(jobs.put_at(job("one"), UnixMillis(0))).unwrap();
    let [run] = begin(&jobs, 5).try_into().unwrap();
    block_on(jobs.give_back(UnixMillis(6), run)).unwrap();
    let [run] = begin(&jobs, 6).try_into().unwrap();
    assert_eq!(run.attempt(), 1);
}

#[test]
fn failures_wait_longer_and_longer_and_are_kept_in_the_end() {
    let jobs = jobs(&Store::memory().unwrap());
    block_on(jobs.put_at(job("one"), UnixMillis(0))).unwrap();
    let mut now = 0;
    let mut waits = Vec::new();
    for attempt in 1..JOB_ATTEMPTS_MAX {
        let [run] = begin(&jobs, now).try_into().unwrap();
        assert_eq!(run.attempt(), attempt);
        let JobEnd::Retry(at) = end(&jobs, now, run, Err("no luck")) else {
            panic!("tried again");
        };
        waits.push(at.0 - now);
        assert!(begin(&jobs, at.0 - 1).is_empty());
        now = at.0;
    }
    assert!(waits.is_sorted() && waits[0] == 5_000, "{waits:?}");
    let [run] = begin(&jobs, now).try_into().unwrap();
    assert_eq!(end(&jobs, now, run, Err("no luck")), JobEnd::GivenUp);
    let error = "no luck".to_owned();
    let kept = ("one".to_owned(), JobState::Failed, JOB_ATTEMPTS_MAX, error);
    assert_eq!(state(&jobs), [kept]);
    assert!(begin(&jobs, u64::MAX >> 1).is_empty());
    // Planned anew it begins from the beginning.
    block_on(jobs.put_at(job("one"), UnixMillis(0))).unwrap();
    assert_eq!(begin(&jobs, 1)[0].attempt(), 1);
}

#[test]
fn what_repeats_goes_on_after_failures_and_makes_up_for_missed_times_once() {
    let jobs = jobs(&Store::memory().unwrap());
    put_every(&jobs, 0, "one", &Duration::from_secs(3_600).into());
    let hour = 3_600_000;
    assert!(begin(&jobs, hour - 1).is_empty());
    let [run] = begin(&jobs, hour).try_into().unwrap();
    assert_eq!(end(&jobs, hour + 10, run, Ok(())), JobEnd::Done);
    // Every start says it again.
    put_every(&jobs, hour + 20, "one", &Every::Millis(hour));
    assert_eq!(
        block_on(jobs.next_due()).unwrap(),
        Some(UnixMillis(2 * hour))
    );
    // The server was down from then on.
    let [run] = begin(&jobs, 9 * hour + 1).try_into().unwrap();
    assert_eq!(run.planned_time(), UnixMillis(2 * hour));
    assert_eq!(end(&jobs, 9 * hour + 2, run, Ok(())), JobEnd::Done);
    assert!(begin(&jobs, 10 * hour - 1).is_empty());

    let mut now = 10 * hour;
    for _ in 1..JOB_ATTEMPTS_MAX {
        let [run] = begin(&jobs, now).try_into().unwrap();
        let JobEnd::Retry(at) = end(&jobs, now, run, Err("no")) else {
            panic!("tried again");
        };
        now = at.0;
    }
    let [run] = begin(&jobs, now).try_into().unwrap();
    assert_eq!(end(&jobs, now, run, Err("no")), JobEnd::GivenUp);
    let next = JobState::Waiting(UnixMillis((now / hour + 1) * hour));
    assert_eq!(state(&jobs), [("one".to_owned(), next, 0, "no".to_owned())]);
}

#[test]
fn a_schedule_names_the_times() {
    let jobs = jobs(&Store::memory().unwrap());
    let daily = Every::from(Schedule::parse("30 4 * * *").unwrap());
    put_every(&jobs, 1, "daily", &daily);
    let day = 86_400_000;
    let half_past_four = 16_200_000;
    assert_eq!(
        block_on(jobs.next_due()).unwrap(),
        Some(UnixMillis(half_past_four))
    );
    let [run] = begin(&jobs, 3 * day).try_into().unwrap();
    assert_eq!(end(&jobs, 3 * day + 1, run, Ok(())), JobEnd::Done);
    let next = UnixMillis(3 * day + half_past_four);
    assert_eq!(block_on(jobs.next_due()).unwrap(), Some(next));
    assert_eq!(block_on(jobs.list("", 1)).unwrap()[0].every, Some(daily));
}

#[test]
fn a_job_that_is_replaced_while_it_runs_stays_as_it_was_planned() {
    let jobs = jobs(&Store::memory().unwrap());
    block_on(jobs.put_at(job("one"), UnixMillis(0))).unwrap();
    let [run] = begin(&jobs, 1).try_into().unwrap();
    block_on(jobs.put_at(job("one"), UnixMillis(50))).unwrap();
    assert_eq!(end(&jobs, 2, run, Ok(())), JobEnd::Superseded);
    let [run] = begin(&jobs, 50).try_into().unwrap();
    assert!(block_on(jobs.remove("one")).unwrap());
    assert!(!block_on(jobs.remove("one")).unwrap());
    assert_eq!(end(&jobs, 51, run, Err("no")), JobEnd::Superseded);
}

#[test]
fn a_kind_that_nobody_knows_is_put_off() {
    let jobs = jobs(&Store::memory().unwrap());
    let stranger = NewJob {
        kind: "stranger",
        ..job("one")
    };
    block_on(jobs.put_at(stranger, UnixMillis(0))).unwrap();
    assert!(begin(&jobs, 10).is_empty());
    let until = JobState::Waiting(UnixMillis(10 + UNKNOWN_MS));
    assert_eq!(state(&jobs), [("one".to_owned(), until, 0, String::new())]);
}

#[test]
fn what_is_too_long_is_refused() {
    let jobs = jobs(&Store::memory().unwrap());
    let at = |new: NewJob<'_>| block_on(jobs.put_at(new, UnixMillis(0)));
    let [name, long] = [JOB_NAME_BYTES_MAX, JOB_NAME_BYTES_MAX + 1].map(|len| "n".repeat(len));
    let [full, over] =
        [JOB_PAYLOAD_BYTES_MAX, JOB_PAYLOAD_BYTES_MAX + 1].map(|len| "p".repeat(len));
    let good = NewJob {
        name: &name,
        kind: &name,
        payload: &full,
    };
    at(good).unwrap();
    for bad in [
        NewJob { name: "", ..good },
        NewJob {
            name: &long,
            ..good
        },
        NewJob { kind: "", ..good },
        NewJob {
            kind: &long,
            ..good
        },
        NewJob {
            payload: &over,
            ..good
        },
        NewJob {
            payload: "\0",
            ..good
        },
    ] {
        assert_eq!(at(bad).unwrap_err().kind(), Kind::InvalidArgument);
    }
    for bad in [999, 315_360_000_001, u64::MAX] {
        let put = block_on(jobs.put_every(UnixMillis(0), good, &Every::Millis(bad)));
        assert_eq!(put.unwrap_err().kind(), Kind::InvalidArgument, "{bad}");
    }
    for bad in [0, 1_001] {
        let listed = block_on(jobs.list("", bad));
        assert_eq!(listed.unwrap_err().kind(), Kind::InvalidArgument);
    }
}

/// What two servers may do with a few jobs.
#[derive(Clone, Debug)]
enum Act {
    Put(u8, u16),
    Remove(u8),
    Wait(u16),
    Begin,
    End(bool),
    Crash,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        2 => (0..4_u8, 0..40_000_u16).prop_map(|(name, wait)| Act::Put(name, wait)),
        1 => (0..4_u8).prop_map(Act::Remove),
        3 => (1..40_000_u16).prop_map(Act::Wait),
        4 => Just(Act::Begin),
        4 => any::<bool>().prop_map(Act::End),
        1 => Just(Act::Crash),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A plain table of what must be due beside the plan.
    #[test]
    fn it_is_due_when_a_plain_table_says_so(acts in prop::collection::vec(act(), 1..60)) {
        let jobs = jobs(&Store::memory().unwrap());
        let mut now = 1_000;
        // When each job is due, and how many runs were begun for it.
        let mut due: BTreeMap<String, (u64, u32)> = BTreeMap::new();
        let mut running: Vec<(JobRun, u64)> = Vec::new();
        // A plan's number tells whether a run is still of it.
        let mut plans: BTreeMap<String, u64> = BTreeMap::new();
        let mut number = 0;
        for act in acts {
            match act {
                Act::Put(name, wait) => {
                    let name = name.to_string();
                    block_on(jobs.put_at(job(&name), UnixMillis(now + u64::from(wait)))).unwrap();
                    due.insert(name.clone(), (now + u64::from(wait), 0));
                    number += 1;
                    plans.insert(name, number);
                }
                Act::Remove(name) => {
                    let name = name.to_string();
                    prop_assert_eq!(block_on(jobs.remove(&name)).unwrap(), due.remove(&name).is_some());
                    plans.remove(&name);
                }
                Act::Wait(millis) => now += u64::from(millis),
                Act::Begin => {
                    let mut expected: Vec<(u64, String)> = due
                        .iter()
                        .filter(|(_, (at, _))| *at <= now)
                        .map(|(name, (at, _))| (*at, name.clone()))
                        .collect();
                    expected.sort();
                    let begun = begin(&jobs, now);
                    let names: Vec<&str> = begun.iter().map(JobRun::name).collect();
                    prop_assert_eq!(names, expected.iter().map(|(_, name)| name.as_str()).collect::<Vec<_>>());
                    for run in begun {
                        let entry = due.get_mut(run.name()).unwrap();
                        *entry = (now + CLAIM_MS, entry.1 + 1);
                        prop_assert_eq!(run.attempt(), entry.1);
                        number += 1;
                        plans.insert(run.name().to_owned(), number);
                        running.push((run, number));
                    }
                }
                Act::End(is_good) => {
                    let Some((run, plan)) = running.pop() else { continue };
                    let name = run.name().to_owned();
                    let ended = end(&jobs, now, run, if is_good { Ok(()) } else { Err("no") });
                    if plans.get(&name) != Some(&plan) {
                        prop_assert_eq!(ended, JobEnd::Superseded);
                        continue;
                    }
                    let tries = due[&name].1;
                    match ended {
                        JobEnd::Done => {
                            prop_assert!(is_good);
                            due.remove(&name);
                        }
                        JobEnd::Retry(at) => {
                            prop_assert!(!is_good && tries < JOB_ATTEMPTS_MAX && at.0 > now);
                            due.insert(name, (at.0, tries));
                        }
                        JobEnd::GivenUp => {
                            prop_assert!(!is_good && tries >= JOB_ATTEMPTS_MAX);
                            due.remove(&name);
                            plans.remove(&name);
                        }
                        JobEnd::Superseded => prop_assert!(false, "nobody replaced it"),
                    }
                }
                Act::Crash => running.clear(),
            }
            let next = due.values().map(|(at, _)| UnixMillis(*at)).min();
            prop_assert_eq!(block_on(jobs.next_due()).unwrap(), next);
        }
    }
}
