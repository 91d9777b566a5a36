//! Ratings and the results of games.

use std::collections::BTreeMap;

use proptest::prelude::*;
use skillratings::Outcomes;
use skillratings::weng_lin::{WengLinConfig, WengLinRating, weng_lin_two_teams};
use tagus_base::{UnixMillis, UserId, Uuid};
use tagus_players::matchmaker::Rating;
use tagus_players::{
    PlayerRating, PlayersError, RankedTeam, RatingChange, Ratings, win_probability,
};
use tagus_store::{AccountOp, AccountRow, Batch, SqliteConfig, Store, block_on};

use crate::house::{NOW, join_all, random, refusal, run};

fn user(number: u16) -> UserId {
    let [high, low] = number.to_be_bytes();
    let mut id = [7; 16];
    (id[14], id[15]) = (high, low);
    UserId(Uuid(id))
}

fn people(store: &Store, count: u16) {
    let numbers: Vec<u16> = (0..count).collect();
    for some in numbers.chunks(Batch::OPS_MAX) {
        let insert = |number: &u16| {
            let row = AccountRow::new(user(*number), format!("user{number}"), NOW);
            AccountOp::Insert(Box::new(row))
        };
        store
            .commit_blocking(some.iter().map(insert).collect())
            .unwrap();
    }
}

fn house(count: u16) -> (Store, Ratings) {
    let store = Store::memory().unwrap();
    people(&store, count);
    let ratings = Ratings::new(store.clone(), random(7));
    (store, ratings)
}

fn team(numbers: &[u16], rank: u32) -> RankedTeam {
    RankedTeam {
        users: numbers.iter().map(|number| user(*number)).collect(),
        rank,
    }
}

fn duel() -> [RankedTeam; 2] {
    [team(&[0], 0), team(&[1], 1)]
}

fn rate(
    ratings: &Ratings,
    mode: &str,
    teams: &[RankedTeam],
    result: Option<Uuid>,
) -> Result<Vec<RatingChange>, PlayersError> {
    block_on(ratings.rate(NOW, mode, teams, result))
}

fn rating(ratings: &Ratings, mode: &str, number: u16) -> PlayerRating {
    block_on(ratings.rating(mode, user(number))).unwrap()
}

fn newcomer(number: u16) -> PlayerRating {
    PlayerRating {
        user_id: user(number),
        rating: Rating::NEWCOMER,
        games: 0,
    }
}

#[test]
fn a_result_changes_the_ratings_of_its_mode() {
    let (store, ratings) = house(4);
    assert_eq!(rating(&ratings, "duel", 9), newcomer(9));
    assert_eq!(
        (Rating::NEWCOMER.mu, Rating::NEWCOMER.ordinal()),
        (25.0, 0.0)
    );
    let teams = [team(&[3, 1], 2), team(&[0], 1)];
    let changes = rate(&ratings, "duel", &teams, None).unwrap();
    let befores: Vec<PlayerRating> = changes.iter().map(|change| change.before).collect();
    assert_eq!(befores, [3, 1, 0].map(newcomer));
    let afters: Vec<PlayerRating> = changes.iter().map(|change| change.after).collect();
    for after in &afters {
        let number = u16::from(after.user_id.0.0[15]);
        assert_eq!((after.games, rating(&ratings, "duel", number)), (1, *after));
        assert_eq!(rating(&ratings, "team", number), newcomer(number));
        assert!(after.rating.sigma < Rating::NEWCOMER.sigma);
        assert_eq!(after.rating.mu > 25.0, number == 0);
    }
    let asked = [user(1), user(2), user(3)];
    let found = block_on(ratings.ratings("duel", &asked)).unwrap();
    assert_eq!(found, [afters[1], newcomer(2), afters[0]]);

    let changes = rate(&ratings, "arena", &duel(), None).unwrap();
    let kept = block_on(ratings.export(user(0))).unwrap();
    let expected = [("arena", changes[0].after), ("duel", afters[2])];
    assert_eq!(
        kept,
        expected.map(|(mode, rating)| (mode.to_owned(), rating))
    );
    assert_eq!(block_on(ratings.export(user(2))).unwrap(), []);
    let deleted = AccountOp::Delete {
        id: user(0),
        tombstone_time: UnixMillis(1),
    };
    store.commit_blocking(deleted.into()).unwrap();
    assert_eq!(rating(&ratings, "duel", 0), newcomer(0));
    assert_eq!(block_on(ratings.export(user(0))).unwrap(), []);
}

#[test]
fn what_is_no_result_changes_nothing() {
    let (_, ratings) = house(1_025);
    let long = "m".repeat(65);
    let numbers: Vec<u16> = (0..1_025).collect();
    let singles =
        |count: u16| -> Vec<RankedTeam> { (0..count).map(|number| team(&[number], 0)).collect() };
    let mode = (3, "Mode must have a name of 1-64 bytes.");
    let teams = (3, "A result must have 2-64 teams.");
    let empty = (3, "A team of a result must have players.");
    let twice = (3, "A player may be in a result only once.");
    let users = (3, "At most 1024 players may be rated at once.");
    let unknown = (5, "User not found.");
    let nul = (3, "Text invalid, must not contain null characters.");
    let bad = [
        ("", duel().to_vec(), mode),
        (&long, duel().to_vec(), mode),
        ("a\0b", duel().to_vec(), nul),
        ("duel", vec![], teams),
        ("duel", singles(1), teams),
        ("duel", singles(65), teams),
        ("duel", vec![team(&[0], 0), team(&[], 1)], empty),
        ("duel", vec![team(&[0], 0), team(&[0], 1)], twice),
        ("duel", vec![team(&[0, 1, 0], 0), team(&[2], 1)], twice),
        ("duel", vec![team(&numbers[1..], 0), team(&[0], 1)], users),
        ("duel", vec![team(&[0], 0), team(&[2_000], 1)], unknown),
    ];
    for (mode, teams, refused) in bad {
        let answer = rate(&ratings, mode, &teams, None);
        assert_eq!(refusal(answer), refused, "{mode:?} {}", teams.len());
    }
    assert_eq!(rating(&ratings, "duel", 0), newcomer(0));
    assert_eq!(refusal(block_on(ratings.rating(&long, user(0)))), mode);
    let asked: Vec<UserId> = numbers.iter().map(|number| user(*number)).collect();
    assert_eq!(refusal(block_on(ratings.ratings("duel", &asked))), users);

    let most = block_on(ratings.ratings(&long[1..], &asked[1..])).unwrap();
    assert_eq!(most.len(), 1_024);
    assert_eq!(refusal(rate(&ratings, &long[1..], &singles(64), None)).0, 0);
    let crowd = [team(&numbers[2..], 0), team(&[0], 1)];
    let changes = rate(&ratings, "crowd", &crowd, None).unwrap();
    assert_eq!(changes.len(), 1_024);
    let after = rating(&ratings, "crowd", 0).rating;
    assert!(after.mu.is_finite() && after.mu <= 25.0);
}

#[test]
fn a_result_with_an_id_counts_once() {
    let (_, ratings) = house(3);
    let id = |number: u8| Some(Uuid([number; 16]));
    let games = |number| rating(&ratings, "duel", number).games;
    assert_eq!(rate(&ratings, "duel", &duel(), id(0)).unwrap().len(), 2);
    assert_eq!(rate(&ratings, "duel", &duel(), id(0)).unwrap(), []);
    // Whoever of its players is asked knows it.
    let other = [team(&[1], 0), team(&[2], 1)];
    assert_eq!(rate(&ratings, "duel", &other, id(0)).unwrap(), []);
    assert_eq!((games(0), games(1), games(2)), (1, 1, 0));
    assert_eq!(rate(&ratings, "team", &duel(), id(0)).unwrap().len(), 2);
    for number in 1..16 {
        rate(&ratings, "duel", &duel(), id(number)).unwrap();
        rate(&ratings, "duel", &duel(), None).unwrap();
        assert_eq!(rate(&ratings, "duel", &duel(), id(0)).unwrap(), []);
    }
    assert_eq!(games(0), 31);
    rate(&ratings, "duel", &duel(), id(16)).unwrap();
    assert_eq!(rate(&ratings, "duel", &duel(), id(1)).unwrap(), []);
    assert_eq!(rate(&ratings, "duel", &duel(), id(0)).unwrap().len(), 2);
}

#[test]
fn at_the_same_time_on_two_nodes_every_game_counts_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(SqliteConfig::new(folder.path().join("tagus.db"))).unwrap();
    people(&store, 4);
    let nodes = [1, 2].map(|seed| Ratings::new(store.clone(), random(seed)));
    // Eight tell ten results each of the same four players; every result is told on both nodes.
    let tellers = (0..8_u8).map(|teller| {
        let node = &nodes[usize::from(teller) % 2];
        async move {
            let mut told = Vec::new();
            for number in 0..10 {
                let teams = match number % 2 {
                    0 => [team(&[0, 3], 0), team(&[1, 2], 1)],
                    _ => [team(&[2], 0), team(&[1, 3, 0], 0)],
                };
                let id = Some(Uuid([teller / 2 * 10 + number; 16]));
                told.extend(node.rate(NOW, "duel", &teams, id).await.unwrap());
            }
            told
        }
    });
    let changes = run(join_all(tellers.collect())).concat();
    for number in 0..4 {
        let of_user = changes
            .iter()
            .filter(|change| change.after.user_id == user(number));
        let mut history: Vec<RatingChange> = of_user.copied().collect();
        history.sort_by_key(|change| change.after.games);
        let mut current = newcomer(number);
        for change in &history {
            assert_eq!(change.before, current);
            current = change.after;
        }
        assert_eq!((history.len(), current.games), (40, 40));
        assert_eq!(rating(&nodes[0], "duel", number), current);
    }
}

#[test]
fn chances_add_up() {
    let rating = |mu| Rating { mu, sigma: 2.0 };
    let teams: [&[Rating]; 3] = [
        &[rating(30.0)],
        &[rating(12.0), rating(12.0)],
        &[rating(24.0)],
    ];
    let chances = win_probability(&teams);
    assert!((chances.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    assert!(chances[0] > chances[1]);
    assert_eq!(chances[1], chances[2]);
    let duel = win_probability(&teams[..2]);
    let [one, two] = [teams[0], teams[1]].map(|team| {
        let team = team.iter().map(|one| (one.mu, one.sigma).into());
        team.collect::<Vec<WengLinRating>>()
    });
    let (wins, _) = skillratings::weng_lin::expected_score_two_teams(&one, &two, &CONFIG);
    assert!((duel[0] - wins).abs() < 1e-12);
}

const CONFIG: WengLinConfig = WengLinConfig {
    beta: 25.0 / 6.0,
    uncertainty_tolerance: 0.000_001,
};

/// Five players, how many of them are on the first team, and who wins.
fn game() -> impl Strategy<Value = (Vec<u16>, usize, [u32; 2])> {
    let players = proptest::sample::subsequence((0..6).collect::<Vec<u16>>(), 2..=6).prop_shuffle();
    (players, 1..6_usize, [0..2_u32, 0..2_u32]).prop_map(|(players, first, ranks)| {
        let first = first.min(players.len() - 1);
        (players, first, ranks)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn games_of_two_teams_are_rated_as_others_rate_them(games in proptest::collection::vec(game(), 1..20)) {
        let (_, ratings) = house(6);
        let mut model: BTreeMap<u16, (WengLinRating, u32)> = BTreeMap::new();
        for (players, first, [one, two]) in games {
            let (left, right) = players.split_at(first);
            let known = |numbers: &[u16]| -> Vec<WengLinRating> {
                let known = |number| model.get(number).map_or_else(WengLinRating::new, |(rating, _)| *rating);
                numbers.iter().map(known).collect()
            };
            let outcome = match one.cmp(&two) {
                std::cmp::Ordering::Less => Outcomes::WIN,
                std::cmp::Ordering::Equal => Outcomes::DRAW,
                std::cmp::Ordering::Greater => Outcomes::LOSS,
            };
            let (lefts, rights) = weng_lin_two_teams(&known(left), &known(right), &outcome, &CONFIG);
            let teams = [team(left, one), team(right, two)];
            let changes = rate(&ratings, "duel", &teams, None).unwrap();
            let expected = players.iter().zip(lefts.into_iter().chain(rights));
            prop_assert_eq!(changes.len(), players.len());
            for (change, (number, expected)) in changes.iter().zip(expected) {
                let (kept, games) = model.entry(*number).or_default();
                *games += 1;
                prop_assert_eq!((change.after.user_id, change.after.games), (user(*number), *games));
                prop_assert!((change.after.rating.mu - expected.rating).abs() < 1e-6);
                prop_assert!((change.after.rating.sigma - expected.uncertainty).abs() < 1e-6);
                // What is stored is rounded, and the next game begins there.
                *kept = (change.after.rating.mu, change.after.rating.sigma).into();
            }
        }
    }
}
