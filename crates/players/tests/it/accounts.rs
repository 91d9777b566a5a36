//! Accounts: what an owner may see and change, and what others see.

use std::collections::BTreeMap;

use tagus_base::{UserId, Uuid};
use tagus_players::{AccountUpdate, EmailLogin, Revoked, TokenError, USERS_REQUEST_MAX};
use tagus_store::{AccountOp, AccountPatch, Batch};

use crate::house::{House, NOW, device, email, named, refusal};

const FINE: (i32, &str) = (0, "");
const NAME_TAKEN: (i32, &str) = (6, "Username is already in use.");
const WRONG: (i32, &str) = (16, "Invalid credentials.");

#[tokio::test]
async fn a_refresh_keeps_the_login_and_takes_the_present_name() {
    let house = House::new();
    let ann = house.device("device-0001").await;
    let vars = BTreeMap::from([("k".to_owned(), "v".to_owned())]);
    let pair = house.accounts.sessions(NOW, &ann, vars.clone()).unwrap();
    let rename = AccountUpdate {
        username: Some("ann".to_owned()),
        ..AccountUpdate::default()
    };
    house
        .accounts
        .update_account(NOW, ann.user_id, rename)
        .await
        .unwrap();
    let at = NOW.plus_secs(7_200);
    let renewed = house
        .accounts
        .refresh(at, &pair.refresh_token, BTreeMap::new())
        .await
        .unwrap();
    assert_eq!(&*renewed.login.username, "ann");
    assert_eq!(
        (renewed.login.token_id, renewed.login.vars),
        (pair.login.token_id, vars)
    );
    assert!(
        house
            .logins()
            .verify_session(&renewed.token, at.plus_secs(3_599))
            .is_ok()
    );
    let other = BTreeMap::from([("other".to_owned(), String::new())]);
    let replaced = house
        .accounts
        .refresh(at, &pair.refresh_token, other.clone())
        .await
        .unwrap();
    assert_eq!(replaced.login.vars, other);
    // What came of a login ends with it, whichever of its tokens is logged out.
    let token = Some(renewed.token.as_str());
    house
        .logins()
        .logout(ann.user_id, token, None, at)
        .await
        .unwrap();
    let invalid = (16, "Refresh token invalid or expired.");
    for token in [
        &pair.refresh_token,
        &renewed.refresh_token,
        &replaced.refresh_token,
    ] {
        assert_eq!(
            refusal(house.accounts.refresh(at, token, BTreeMap::new()).await),
            invalid
        );
    }
    let cases = [
        ("", (3, "Refresh token is required.")),
        ("x", invalid),
        (&pair.token, invalid),
    ];
    for (token, expected) in cases {
        assert_eq!(
            refusal(house.accounts.refresh(at, token, BTreeMap::new()).await),
            expected
        );
    }
}

#[tokio::test]
async fn an_owner_changes_what_is_theirs() {
    let house = House::new();
    let ann = house
        .accounts
        .authenticate_device(NOW, named("device-0001", "ann"))
        .await
        .unwrap();
    house
        .accounts
        .authenticate_device(NOW, named("device-0002", "bob"))
        .await
        .unwrap();
    let later = NOW.plus_secs(1);
    let update = AccountUpdate {
        username: Some("anne".to_owned()),
        display_name: Some("Anne B".to_owned()),
        avatar_url: Some("http://a.example/".to_owned()),
        lang_tag: Some("pt".to_owned()),
        location: Some("Lisbon".to_owned()),
        timezone: Some("Europe/Lisbon".to_owned()),
    };
    house
        .accounts
        .update_account(later, ann.user_id, update)
        .await
        .unwrap();
    let account = house.accounts.get_account(ann.user_id).await.unwrap();
    let user = &account.user;
    assert_eq!(
        (user.username.as_str(), user.display_name.as_str()),
        ("anne", "Anne B")
    );
    assert_eq!(
        (user.avatar_url.as_str(), user.lang_tag.as_str()),
        ("http://a.example/", "pt")
    );
    assert_eq!(
        (user.location.as_str(), user.timezone.as_str()),
        ("Lisbon", "Europe/Lisbon")
    );
    assert_eq!((user.created_at, user.updated_at), (NOW, later));
    assert_eq!(account.devices, ["device-0001"]);
    house
        .accounts
        .update_account(NOW, ann.user_id, AccountUpdate::default())
        .await
        .unwrap();
    let clear = AccountUpdate {
        location: Some(String::new()),
        ..AccountUpdate::default()
    };
    house
        .accounts
        .update_account(later, ann.user_id, clear)
        .await
        .unwrap();
    let user = house.accounts.get_account(ann.user_id).await.unwrap().user;
    assert_eq!(
        (user.location.as_str(), user.timezone.as_str()),
        ("", "Europe/Lisbon")
    );
}

#[tokio::test]
async fn updates_are_checked() {
    let house = House::new();
    let ann = house
        .accounts
        .authenticate_device(NOW, named("device-0001", "ann"))
        .await
        .unwrap();
    house
        .accounts
        .authenticate_device(NOW, named("device-0002", "bob"))
        .await
        .unwrap();
    let text = |bytes: usize| Some("x".repeat(bytes));
    let none = AccountUpdate::default;
    let name = |name: &str| AccountUpdate {
        username: Some(name.to_owned()),
        ..none()
    };
    let cases = [
        (name(""), (3, "Username invalid, must be 1-128 bytes.")),
        (
            name("a b"),
            (
                3,
                "Username invalid, no spaces or control characters allowed.",
            ),
        ),
        (name("bob"), NAME_TAKEN),
        (name("ann"), FINE),
        (
            AccountUpdate {
                display_name: text(255),
                ..none()
            },
            FINE,
        ),
        (
            AccountUpdate {
                display_name: text(256),
                ..none()
            },
            (3, "Display name invalid, must be at most 255 bytes."),
        ),
        (
            AccountUpdate {
                avatar_url: text(512),
                ..none()
            },
            FINE,
        ),
        (
            AccountUpdate {
                avatar_url: text(513),
                ..none()
            },
            (3, "Avatar URL invalid, must be at most 512 bytes."),
        ),
        (
            AccountUpdate {
                lang_tag: text(18),
                ..none()
            },
            FINE,
        ),
        (
            AccountUpdate {
                lang_tag: text(19),
                ..none()
            },
            (3, "Language tag invalid, must be at most 18 bytes."),
        ),
        (
            AccountUpdate {
                location: text(255),
                ..none()
            },
            FINE,
        ),
        (
            AccountUpdate {
                location: text(256),
                ..none()
            },
            (3, "Location invalid, must be at most 255 bytes."),
        ),
        (
            AccountUpdate {
                timezone: text(255),
                ..none()
            },
            FINE,
        ),
        (
            AccountUpdate {
                timezone: text(256),
                ..none()
            },
            (3, "Time zone invalid, must be at most 255 bytes."),
        ),
    ];
    for (update, expected) in cases {
        let result = house
            .accounts
            .update_account(NOW, ann.user_id, update.clone())
            .await;
        assert_eq!(refusal(result), expected, "{update:?}");
    }
    let nobody = UserId(Uuid([9; 16]));
    let missing = (5, "Account not found.");
    assert_eq!(
        refusal(
            house
                .accounts
                .update_account(NOW, nobody, name("cid"))
                .await
        ),
        missing
    );
    assert_eq!(refusal(house.accounts.get_account(nobody).await), missing);
}

#[tokio::test]
async fn a_deleted_account_is_gone_with_its_logins() {
    let house = House::new();
    let ann = house
        .accounts
        .authenticate_device(NOW, named("device-0001", "ann"))
        .await
        .unwrap();
    let pair = house.accounts.sessions(NOW, &ann, BTreeMap::new()).unwrap();
    let revoked = house
        .accounts
        .delete_account(NOW, ann.user_id)
        .await
        .unwrap();
    assert_eq!(revoked, Revoked::User(ann.user_id));
    assert_eq!(
        house.logins().verify_session(&pair.token, NOW),
        Err(TokenError::LoggedOut)
    );
    assert_eq!(
        refusal(house.accounts.get_account(ann.user_id).await),
        (5, "Account not found.")
    );
    house
        .accounts
        .delete_account(NOW, ann.user_id)
        .await
        .expect("twice is fine");
    let again = house
        .accounts
        .authenticate_device(NOW, named("device-0001", "ann"))
        .await
        .unwrap();
    assert!(
        again.created && again.user_id != ann.user_id,
        "name and device are free"
    );
}

#[tokio::test]
async fn a_disabled_account_gets_no_tokens() {
    let house = House::new();
    let ann = house.device("device-0001").await;
    let pair = house.accounts.sessions(NOW, &ann, BTreeMap::new()).unwrap();
    let link = email("bob@host.example", "password");
    let bob = house.accounts.authenticate_email(NOW, link).await.unwrap();
    let batch: Batch = [ann.user_id, bob.user_id]
        .into_iter()
        .map(|id| {
            let patch = AccountPatch {
                disable_time: Some(NOW),
                ..AccountPatch::default()
            };
            AccountOp::Update {
                id,
                patch: Box::new(patch),
            }
        })
        .collect();
    house.store.commit(batch).await.unwrap();
    let banned = (7, "User account banned.");
    let result = house
        .accounts
        .authenticate_device(NOW, device("device-0001"))
        .await;
    assert_eq!(refusal(result), banned);
    let result = house
        .accounts
        .refresh(NOW, &pair.refresh_token, BTreeMap::new())
        .await;
    assert_eq!(refusal(result), banned);
    assert_eq!(
        refusal(house.accounts.authenticate_email(NOW, link).await),
        banned
    );
    let wrong = EmailLogin {
        password: "passwort",
        ..link
    };
    assert_eq!(
        refusal(house.accounts.authenticate_email(NOW, wrong).await),
        WRONG
    );
    let account = house.accounts.get_account(ann.user_id).await.unwrap();
    assert_eq!(account.disabled_at, Some(NOW));
}

#[tokio::test]
async fn users_come_once_in_the_order_asked_for() {
    let house = House::new();
    let ann = house
        .accounts
        .authenticate_device(NOW, named("device-0001", "ann"))
        .await
        .unwrap();
    let bob = house
        .accounts
        .authenticate_device(NOW, named("device-0002", "bob"))
        .await
        .unwrap();
    let nobody = UserId(Uuid([9; 16]));
    let names = ["ann", "cid", "bob", "Ann"].map(str::to_owned);
    let users = house
        .accounts
        .users(&[bob.user_id, nobody, bob.user_id], &names)
        .await
        .unwrap();
    let ids: Vec<UserId> = users.iter().map(|user| user.id).collect();
    assert_eq!(ids, [bob.user_id, ann.user_id]);
    assert_eq!(
        (users[1].username.as_str(), users[1].lang_tag.as_str()),
        ("ann", "en")
    );
    assert!(house.accounts.users(&[], &[]).await.unwrap().is_empty());
    let most = vec![nobody; USERS_REQUEST_MAX - 1];
    assert_eq!(
        house
            .accounts
            .users(&most, &names[..1])
            .await
            .unwrap()
            .len(),
        1
    );
    let result = house.accounts.users(&most, &names[..2]).await;
    assert_eq!(
        refusal(result),
        (3, "At most 100 users may be requested at once.")
    );
}
