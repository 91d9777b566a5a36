//! Work on all subjects, as a server does it: each step is one batch whose rows are known beforehand.

use tagus_base::{UnixMillis, Uuid};
use tagus_store::{
    AccountOp, Batch, Bounded, ChannelMessageRow, ChannelOp, CodeOp, Conflict, FriendOp, FriendRow,
    GroupOp, GroupRow, JobOp, JobRow, LeaderboardOp, LeaderboardRecordKey, LeaderboardRecordOp,
    LeaderboardRecordRow, LeaderboardRow, LedgerRow, NotificationOp, NotificationRow, Op,
    Overwrite, RatingOp, RatingRow, RecordChange, RecordOrder, StorageOp, StorageRow, Store,
    TournamentColumns, WalletOp, block_on,
};

use crate::invariants::md5;
use crate::{first_login, user};

/// A worker and everything that it makes; no two of them touch the same rows, but for those that [`found`] makes.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Family(pub(crate) u32);

/// Accounts that one family may make.
const MEMBERS_MAX: u32 = 4_096;
/// The account whose wallet everybody changes.
const BANK: u32 = u32::MAX;
const TIME: UnixMillis = UnixMillis(5_000);

impl Family {
    /// The ids of its rows: from the first one up to, without it, the second.
    pub(crate) fn ids(self) -> [[u8; 4]; 2] {
        [self.first(), self.first() + MEMBERS_MAX].map(u32::to_be_bytes)
    }

    /// The same of its names.
    pub(crate) fn names(self) -> [String; 2] {
        [self.first(), self.first() + MEMBERS_MAX].map(|number| name(number, 0))
    }

    const fn first(self) -> u32 {
        self.0 * MEMBERS_MAX
    }
}

/// What everybody works on: a rich account, its group, a leaderboard and a tournament.
pub(crate) fn found(store: &Store) {
    let commit = |batch| store.commit_blocking(batch).unwrap();
    commit(first_login(BANK));
    commit(new_group(BANK, "guild"));
    commit(leaderboard("board", None).into());
    let tournament = TournamentColumns {
        title: String::new(),
        description: String::new(),
        category: 0,
        start_time: TIME,
        end_time: UnixMillis(0),
        duration_secs: 60,
        join_required: true,
        size_max: 0,
        attempts_max: 0,
    };
    commit(leaderboard("tournament", Some(tournament)).into());
}

pub(crate) const STEPS_IN_CYCLE: u32 = 17;

/// Does one step of a family: all before it are done.
pub(crate) fn run(store: &Store, family: Family, step: u32) {
    let (cycle, step) = (step / STEPS_IN_CYCLE, step % STEPS_IN_CYCLE);
    let hero = family.first() + 2 * cycle;
    assert!(hero + 1 < family.first() + MEMBERS_MAX, "too many steps");
    if step == 14 {
        return deposit(store, hero);
    }
    let batch = batch(hero, step, cycle % 5);
    store.commit_blocking(batch).unwrap();
}

/// A step of the life of two accounts, `hero` and the one after it.
fn batch(hero: u32, step: u32, end: u32) -> Batch {
    let mate = hero + 1;
    match step {
        0 => first_login(hero),
        1 => first_login(mate),
        2 => Batch::from(new_edge(hero, mate, 1))
            .with(new_edge(mate, hero, 2))
            .with(told(hero, mate, 2)),
        3 => Batch::from(edge(hero, mate, 1, 0))
            .with(edge(mate, hero, 2, 0))
            .with(told(mate, hero, 3))
            .with(NotificationOp::Delete {
                user_id: user(mate),
                id: id(hero, 2),
            }),
        4 => paid(hero, ("{}", r#"{"coins":10}"#), r#"{"coins":10}"#, 4),
        5 => paid(
            hero,
            (r#"{"coins":10}"#, r#"{"coins":7,"gems":2}"#),
            r#"{"coins":-3,"gems":2}"#,
            5,
        )
        .with(object(hero, "save", r#"{"level":1}"#, Overwrite::Absent)),
        6 => Batch::from(object(
            hero,
            "save",
            r#"{"level":2}"#,
            Overwrite::Version(md5(r#"{"level":1}"#)),
        ))
        .with(object(hero, "draft", "{}", Overwrite::Any))
        .with(object(mate, "save", "{}", Overwrite::Any)),
        7 => StorageOp::Delete {
            collection: "saves".to_owned(),
            owner: user(hero),
            key: "draft".to_owned(),
            version: Some(md5("{}")),
            permission_write_min: 0,
        }
        .into(),
        8 => new_group(hero, &name(hero, 8)).with(CodeOp::Insert {
            number: hero,
            kind: 1,
            subject: group_of(hero),
        }),
        9 => joins(group_of(hero), mate).with(said(hero, "lobby", 9)),
        10 => joins(group_of(BANK), hero)
            .with(said(hero, &name(hero, 10), 10))
            .with(said(hero, "lobby", 11)),
        11 => Batch::from(scored("board", hero, 5))
            .with(joins_tournament(hero))
            .with(rated(hero, 1)),
        12 => Batch::from(scored("board", hero, 2))
            .with(scored("tournament", hero, 1))
            .with(rated(hero, 2)),
        13 => Batch::from(JobOp::Put(Box::new(job(name(hero, 13)))))
            .with(JobOp::Put(Box::new(job(name(hero, 14)))))
            .with(CodeOp::Insert {
                number: mate,
                kind: 0,
                subject: user(hero).0,
            }),
        15 => Batch::from(ChannelOp::Update {
            channel: "lobby".to_owned(),
            id: id(hero, 9),
            content: r#"{"text":"changed"}"#.to_owned(),
            update_time: UnixMillis(6_000),
        })
        .with(ChannelOp::Remove {
            channel: "lobby".to_owned(),
            id: id(hero, 11),
        })
        .with(JobOp::Claim {
            name: name(hero, 13),
            seen_due: TIME,
            claim: Some(id(hero, 15)),
            until: UnixMillis(7_000),
        })
        .with(JobOp::Delete {
            name: name(hero, 14),
        }),
        _ => parting(hero, mate, end),
    }
}

/// How the two end.
fn parting(hero: u32, mate: u32, end: u32) -> Batch {
    let deleted = |number| AccountOp::Delete {
        id: user(number),
        tombstone_time: TIME,
    };
    match end {
        0 => Batch::from(edge(hero, mate, 0, 3)).with(FriendOp::Delete {
            source: user(mate),
            destination: user(hero),
            from: 0,
        }),
        1 => Batch::from(edge(hero, mate, 0, 3)).with(edge(mate, hero, 0, 3)),
        2 => deleted(mate).into(),
        // The group is the mate's from now on.
        3 => deleted(hero).into(),
        // The group goes as well.
        _ => Batch::from(GroupOp::Move {
            group_id: group_of(hero),
            user_id: user(mate),
            from: Some(2),
            to: None,
            time: TIME,
        })
        .with(deleted(hero)),
    }
}

/// The two have played so many games against each other.
fn rated(hero: u32, games: u32) -> RatingOp {
    let rows = [hero, hero + 1].map(|number| RatingRow {
        user_id: user(number),
        mode: "duel".to_owned(),
        mu_micros: 25_000_000 + i64::from(games),
        sigma_micros: 8_000_000,
        games,
        results: Default::default(),
        update_time: TIME,
    });
    RatingOp::Put(rows.into())
}

/// Pays into the bank's wallet, which others do at the same time.
fn deposit(store: &Store, hero: u32) {
    for _ in 0..1_000 {
        let wallets = block_on(store.wallets(&[user(BANK)])).unwrap();
        let from = &wallets[0].1;
        let coins = from.strip_prefix(r#"{"coins":"#).unwrap_or("0}");
        let coins: u64 = coins.strip_suffix('}').unwrap().parse().unwrap();
        let to = format!(r#"{{"coins":{}}}"#, coins + 3);
        let batch = Batch::from(wallet(BANK, from, &to)).with(WalletOp::Record(Box::new(ledger(
            id(hero, 14),
            BANK,
            r#"{"coins":3}"#,
        ))));
        match store.commit_blocking(batch) {
            Ok(_) => return,
            Err(err) if err.conflict() == Some(Conflict::Changed) => {}
            Err(err) => panic!("{err:?}"),
        }
    }
    panic!("somebody else was always quicker");
}

/// The id of what a step of this account made.
fn id(number: u32, step: u8) -> Uuid {
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    bytes[15] = step;
    Uuid::from_random(bytes)
}

fn group_of(owner: u32) -> Uuid {
    id(owner, 8)
}

fn name(number: u32, step: u32) -> String {
    format!("{number:010}-{step}")
}

fn friend(source: u32, destination: u32, state: i64) -> Box<FriendRow> {
    Box::new(FriendRow {
        source: user(source),
        destination: user(destination),
        state,
        metadata: "{}".to_owned(),
        update_time: TIME,
    })
}

fn new_edge(source: u32, destination: u32, state: i64) -> Op {
    FriendOp::Insert(friend(source, destination, state)).into()
}

fn edge(source: u32, destination: u32, from: i64, to: i64) -> Op {
    let row = friend(source, destination, to);
    FriendOp::Move { row, from }.into()
}

fn told(sender: u32, receiver: u32, step: u8) -> Op {
    NotificationOp::Insert(Box::new(NotificationRow {
        id: id(sender.min(receiver), step),
        user_id: user(receiver),
        subject: "told".to_owned(),
        content: "{}".to_owned(),
        code: -2,
        sender_id: Some(user(sender)),
        create_time: TIME,
    }))
    .into()
}

fn wallet(number: u32, from: &str, to: &str) -> Op {
    WalletOp::Set {
        user_id: user(number),
        from: from.to_owned(),
        to: to.to_owned(),
        update_time: TIME,
    }
    .into()
}

fn ledger(id: Uuid, number: u32, changeset: &str) -> LedgerRow {
    LedgerRow {
        id,
        user_id: user(number),
        changeset: changeset.to_owned(),
        metadata: "{}".to_owned(),
        create_time: TIME,
        update_time: TIME,
    }
}

fn paid(number: u32, (from, to): (&str, &str), changeset: &str, step: u8) -> Batch {
    let row = ledger(id(number, step), number, changeset);
    Batch::from(wallet(number, from, to)).with(WalletOp::Record(Box::new(row)))
}

fn object(number: u32, key: &str, value: &str, over: Overwrite) -> Op {
    StorageOp::Put {
        row: Box::new(StorageRow {
            collection: "saves".to_owned(),
            owner: user(number),
            key: key.to_owned(),
            value: value.to_owned(),
            version: md5(value),
            permission_read: 1,
            permission_write: 1,
            create_time: TIME,
            update_time: TIME,
        }),
        over,
        permission_write_min: 1,
    }
    .into()
}

/// A group and its owner.
fn new_group(owner: u32, name: &str) -> Batch {
    Batch::from(GroupOp::Insert(Box::new(GroupRow {
        id: group_of(owner),
        creator_id: user(owner),
        name: name.to_owned(),
        description: String::new(),
        lang_tag: "en".to_owned(),
        metadata: "{}".to_owned(),
        avatar_url: String::new(),
        open: true,
        edge_count: 0,
        max_count: 1_000_000,
        create_time: TIME,
        update_time: TIME,
    })))
    .with(GroupOp::Move {
        group_id: group_of(owner),
        user_id: user(owner),
        from: None,
        to: Some(0),
        time: TIME,
    })
}

fn joins(group_id: Uuid, number: u32) -> Batch {
    GroupOp::Move {
        group_id,
        user_id: user(number),
        from: None,
        to: Some(2),
        time: TIME,
    }
    .into()
}

fn said(number: u32, channel: &str, step: u8) -> Op {
    ChannelOp::Insert(Box::new(ChannelMessageRow {
        channel: channel.to_owned(),
        id: id(number, step),
        code: 0,
        sender_id: user(number),
        username: String::new(),
        content: "{}".to_owned(),
        create_time: TIME,
        update_time: TIME,
    }))
    .into()
}

fn leaderboard(id: &str, tournament: Option<TournamentColumns>) -> LeaderboardOp {
    LeaderboardOp::Insert(Box::new(LeaderboardRow {
        id: id.to_owned(),
        authoritative: false,
        sort_order: 0,
        subscore_order: 0,
        tie_order: 0,
        operator: 0,
        reset_schedule: String::new(),
        ranks: true,
        metadata: "{}".to_owned(),
        create_time: TIME,
        reset_mark: TIME,
        end_mark: TIME,
        tournament,
    }))
}

fn record(board: &str, number: u32, num_score: i64, score: i64) -> Box<LeaderboardRecordRow> {
    Box::new(LeaderboardRecordRow {
        key: LeaderboardRecordKey {
            leaderboard_id: board.to_owned(),
            expiry_time: UnixMillis(0),
            owner_id: user(number),
        },
        username: String::new(),
        order: RecordOrder {
            score,
            subscore: 0,
            time: 0,
        },
        num_score,
        max_num_score: 0,
        metadata: "{}".to_owned(),
        create_time: TIME,
    })
}

fn scored(board: &str, number: u32, add: i64) -> Op {
    let bounded = |add| Bounded {
        add,
        least: 0,
        greatest: i64::MAX,
    };
    LeaderboardRecordOp::Write {
        row: record(board, number, 1, add),
        change: RecordChange::Add {
            score: bounded(add),
            subscore: bounded(0),
        },
        metadata: false,
        existing: false,
    }
    .into()
}

fn joins_tournament(number: u32) -> Op {
    let row = record("tournament", number, 0, 0);
    LeaderboardRecordOp::Join { row, size_max: 0 }.into()
}

fn job(name: String) -> JobRow {
    JobRow {
        name,
        kind: "work".to_owned(),
        payload: "{}".to_owned(),
        period: None,
        due_time: TIME,
        planned_time: TIME,
        attempts: 0,
        error: String::new(),
        claim: None,
        is_failed: false,
    }
}
