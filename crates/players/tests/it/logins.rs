//! Logins and logouts.

use std::collections::BTreeMap;

use tagus_base::{UnixMillis, UserId, Uuid};
use tagus_players::{
    Authenticated, LoginConfig, PlayersError, Revoked, TokenError, TokenPair, VARS_BYTES_MAX,
    VARS_COUNT_MAX,
};
use tagus_store::Store;

use crate::house::{House, NOW, random, refusal};

fn authenticated(number: u8) -> Authenticated {
    Authenticated {
        user_id: user(number),
        username: "ann".into(),
        created: false,
    }
}

fn user(number: u8) -> UserId {
    UserId(Uuid([number; 16]))
}

fn later(secs: u64) -> UnixMillis {
    NOW.plus_secs(secs)
}

fn pair(house: &House, number: u8, now: UnixMillis) -> TokenPair {
    house
        .accounts
        .sessions(now, &authenticated(number), BTreeMap::new())
        .unwrap()
}

/// Whether the session token and the refresh token of a pair are logged out.
fn is_out(house: &House, pair: &TokenPair, now: UnixMillis) -> (bool, bool) {
    let out = Err(TokenError::LoggedOut);
    (
        house.logins().verify_session(&pair.token, now).map(|_| ()) == out,
        house
            .logins()
            .verify_refresh(&pair.refresh_token, now)
            .map(|_| ())
            == out,
    )
}

#[tokio::test]
async fn a_pair_lives_an_hour_and_thirty_days() {
    let house = House::new();
    let pair = pair(&house, 1, NOW);
    let session = house.logins().verify_session(&pair.token, NOW).unwrap();
    assert_eq!(session, pair.login);
    let refresh = house
        .logins()
        .verify_refresh(&pair.refresh_token, NOW)
        .unwrap();
    assert_eq!(
        (session.user_id, session.token_id),
        (user(1), refresh.token_id)
    );
    let expired = Err(TokenError::Expired);
    assert!(
        house
            .logins()
            .verify_session(&pair.token, later(3_599))
            .is_ok()
    );
    assert_eq!(
        house.logins().verify_session(&pair.token, later(3_600)),
        expired
    );
    assert!(
        house
            .logins()
            .verify_refresh(&pair.refresh_token, later(30 * 86_400 - 1))
            .is_ok()
    );
    assert_eq!(
        house
            .logins()
            .verify_refresh(&pair.refresh_token, later(30 * 86_400)),
        expired
    );
}

#[tokio::test]
async fn a_logout_ends_one_login_and_says_which() {
    let house = House::new();
    let (first, second) = (pair(&house, 1, NOW), pair(&house, 1, NOW));
    let revoked = house
        .logins()
        .logout(user(1), Some(&first.token), None, NOW)
        .await
        .unwrap();
    let token_id = first.login.token_id;
    assert_eq!(
        revoked,
        [Revoked::Login {
            user_id: user(1),
            token_id
        }]
    );
    assert_eq!(is_out(&house, &first, NOW), (true, true));
    assert_eq!(is_out(&house, &second, NOW), (false, false));
    assert!(house.logins().is_logged_out(&first.login));
    let (token, refresh) = (
        Some(first.token.as_str()),
        Some(second.refresh_token.as_str()),
    );
    let revoked = house
        .logins()
        .logout(user(1), token, refresh, NOW)
        .await
        .unwrap();
    assert_eq!(revoked.len(), 2, "again and another");
    assert_eq!(is_out(&house, &second, NOW), (true, true));
    assert_eq!(house.logins().logout_count(), 2);
}

#[tokio::test]
async fn a_logout_without_tokens_ends_all_of_the_user_and_nobody_else() {
    let house = House::new();
    let (own, other) = (pair(&house, 1, NOW), pair(&house, 2, NOW));
    let revoked = house
        .logins()
        .logout(user(1), None, None, NOW)
        .await
        .unwrap();
    assert_eq!(revoked, [Revoked::User(user(1))]);
    assert_eq!(is_out(&house, &own, NOW), (true, true));
    assert_eq!(is_out(&house, &other, NOW), (false, false));
}

#[tokio::test]
async fn who_logs_in_in_the_second_of_a_logout_is_in_until_the_next_logout() {
    let house = House::new();
    for _ in 0..3 {
        let pair = pair(&house, 1, NOW);
        assert_eq!(is_out(&house, &pair, NOW), (false, false));
        house.logins().logout_all(user(1), NOW).await.unwrap();
        assert_eq!(is_out(&house, &pair, NOW), (true, true));
    }
}

#[tokio::test]
async fn foreign_bad_and_expired_tokens_log_nobody_out() {
    let house = House::new();
    let own = pair(&house, 1, NOW);
    let other = pair(&house, 2, NOW);
    let session = (3, "Session token invalid.");
    let refresh = (3, "Refresh token invalid.");
    let cases = [
        (Some(other.token.as_str()), None, NOW, session),
        (Some("x"), None, NOW, session),
        (Some(own.refresh_token.as_str()), None, NOW, session),
        (Some(own.token.as_str()), None, later(3_600), session),
        (None, Some(other.refresh_token.as_str()), NOW, refresh),
        (None, Some(own.token.as_str()), NOW, refresh),
        (
            Some(own.token.as_str()),
            Some(other.refresh_token.as_str()),
            NOW,
            refresh,
        ),
    ];
    for (token, refresh_token, now, expected) in cases {
        let result = house
            .logins()
            .logout(user(1), token, refresh_token, now)
            .await;
        assert_eq!(refusal(result), expected, "{token:?} {refresh_token:?}");
    }
    assert_eq!(house.logins().logout_count(), 0);
    assert_eq!(is_out(&house, &own, NOW), (false, false));
}

#[tokio::test]
async fn logouts_survive_a_restart() {
    let house = House::new();
    let (single, whole) = (pair(&house, 1, NOW), pair(&house, 2, NOW));
    house
        .logins()
        .logout(user(1), Some(&single.token), None, NOW)
        .await
        .unwrap();
    house.logins().logout_all(user(2), NOW).await.unwrap();
    // Twice in a second: the second logout is told from the login between by the stored time.
    let between = pair(&house, 2, NOW);
    house.logins().logout_all(user(2), NOW).await.unwrap();
    let house = House::with(house.store.clone(), LoginConfig::default(), random(2));
    for pair in [&single, &whole, &between] {
        assert_eq!(is_out(&house, pair, NOW), (true, true));
    }
    let fresh = pair(&house, 2, NOW);
    assert_eq!(is_out(&house, &fresh, NOW), (false, false));
}

#[tokio::test]
async fn logouts_are_forgotten_after_the_last_token_they_concern() {
    let house = House::new();
    let one = pair(&house, 1, NOW);
    house
        .logins()
        .logout(user(1), Some(&one.token), None, NOW)
        .await
        .unwrap();
    house.logins().logout_all(user(2), NOW).await.unwrap();
    assert_eq!(house.logins().sweep(later(30 * 86_400)).await.unwrap(), 0);
    assert_eq!(is_out(&house, &one, NOW), (true, true));
    assert_eq!(house.logins().sweep(later(31 * 86_400)).await.unwrap(), 2);
    assert_eq!(house.logins().logout_count(), 0);
    let house = House::with(house.store.clone(), LoginConfig::default(), random(2));
    assert_eq!(house.logins().logout_count(), 0, "in the store too");
}

#[tokio::test]
async fn a_full_table_refuses_the_next_logout_until_something_expires() {
    let config = LoginConfig {
        logouts_max: 2,
        ..LoginConfig::default()
    };
    let house = House::with(Store::memory().unwrap(), config, random(1));
    for number in [1, 2] {
        house.logins().logout_all(user(number), NOW).await.unwrap();
    }
    house
        .logins()
        .logout_all(user(1), NOW)
        .await
        .expect("replaces its own entry");
    let refused = house.logins().logout_all(user(3), NOW).await;
    assert!(matches!(
        refused,
        Err(PlayersError::LogoutsFull { logouts_max: 2 })
    ));
    let single = pair(&house, 3, NOW);
    let refused = house
        .logins()
        .logout(user(3), Some(&single.token), None, NOW)
        .await;
    assert_eq!(refusal(refused), (8, "Server busy, try again later."));
    assert_eq!(
        is_out(&house, &single, NOW),
        (false, false),
        "refused is refused"
    );
    house
        .logins()
        .logout_all(user(3), later(31 * 86_400))
        .await
        .unwrap();
    assert_eq!(house.logins().logout_count(), 1);
}

#[tokio::test]
async fn one_logout_too_many_of_one_account_ends_all_its_logins() {
    let house = House::new();
    let bystander = pair(&house, 1, NOW);
    for _ in 0..128 {
        let next = pair(&house, 1, NOW);
        house
            .logins()
            .logout(user(1), Some(&next.token), None, NOW)
            .await
            .unwrap();
    }
    assert_eq!(house.logins().logout_count(), 128);
    assert_eq!(is_out(&house, &bystander, NOW), (false, false));
    let last = pair(&house, 1, NOW);
    let revoked = house
        .logins()
        .logout(user(1), Some(&last.token), None, NOW)
        .await
        .unwrap();
    assert_eq!(revoked, [Revoked::User(user(1))]);
    assert_eq!(house.logins().logout_count(), 129);
    assert_eq!(is_out(&house, &bystander, NOW), (true, true));
}

#[tokio::test]
async fn session_variables_have_limits() {
    let house = House::new();
    let issue = |vars| house.accounts.sessions(NOW, &authenticated(1), vars);
    let named = |count: usize| -> BTreeMap<String, String> {
        (0..count)
            .map(|index| (index.to_string(), String::new()))
            .collect()
    };
    let sized = |bytes: usize| BTreeMap::from([("k".to_owned(), "\u{1}".repeat(bytes - 1))]);
    for vars in [named(VARS_COUNT_MAX), sized(VARS_BYTES_MAX)] {
        let pair = issue(vars.clone()).unwrap();
        assert_eq!(
            house
                .logins()
                .verify_session(&pair.token, NOW)
                .unwrap()
                .vars,
            vars
        );
    }
    for vars in [named(VARS_COUNT_MAX + 1), sized(VARS_BYTES_MAX + 1)] {
        assert_eq!(
            refusal(issue(vars)),
            (3, "Session variables are too large.")
        );
    }
}
