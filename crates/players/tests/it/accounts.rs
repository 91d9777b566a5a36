//! Accounts: the rules of logging in, and what an owner may change.

use std::collections::BTreeMap;

use tagus_base::{UserId, Uuid};
use tagus_players::{
    AccountUpdate, EmailLogin, IdentityLogin, LoginConfig, Revoked, TokenError, USERS_REQUEST_MAX,
};
use tagus_store::{AccountPatch, Batch, Config, Op, Store};
use tempfile::TempDir;

use crate::house::{House, NOW, device, email, random, refusal};

const FINE: (i32, &str) = (0, "");
const NOT_FOUND: (i32, &str) = (5, "User account not found.");
const NAME_TAKEN: (i32, &str) = (6, "Username is already in use.");
const WRONG: (i32, &str) = (16, "Invalid credentials.");

fn named<'a>(id: &'a str, username: &'a str) -> IdentityLogin<'a> {
    IdentityLogin {
        username: Some(username),
        ..device(id)
    }
}

#[tokio::test]
async fn device_ids_and_names_are_checked() {
    let house = House::new();
    let length = (3, "Device ID invalid, must be 10-128 bytes.");
    let characters = (
        3,
        "Device ID invalid, no spaces or control characters allowed.",
    );
    let name_characters = (
        3,
        "Username invalid, no spaces or control characters allowed.",
    );
    let name_length = (3, "Username invalid, must be 1-128 bytes.");
    let text = "x".repeat(129);
    let cases = [
        (device(""), (3, "Device ID is required.")),
        (device(&text[..9]), length),
        (device(&text[..10]), FINE),
        (device(&text[..128]), FINE),
        (device(&text), length),
        (device("ten bytes "), characters),
        (device("ten\0bytes!"), characters),
        (device("ten\u{2003}bytes"), characters),
        (named("names-0001", ""), FINE),
        (named("names-0002", "n"), FINE),
        (named("names-0003", &text[..128]), FINE),
        (named("names-0004", &text), name_length),
        (named("names-0005", "two words"), name_characters),
        (named("names-0006", "tab\there"), name_characters),
        (named("names-0007", "n"), NAME_TAKEN),
        (named("names-0002", "other-name"), FINE),
    ];
    for (login, expected) in cases {
        let result = house.accounts.authenticate_device(NOW, login).await;
        assert_eq!(refusal(result), expected, "{login:?}");
    }
}

#[tokio::test]
async fn custom_ids_are_checked() {
    let house = House::new();
    let length = (3, "Custom ID invalid, must be 6-128 bytes.");
    let text = "x".repeat(129);
    let cases = [
        (device(""), (3, "Custom ID is required.")),
        (device(&text[..5]), length),
        (device(&text[..6]), FINE),
        (device(&text[..128]), FINE),
        (device(&text), length),
        (
            device("six by"),
            (
                3,
                "Custom ID invalid, no spaces or control characters allowed.",
            ),
        ),
    ];
    for (login, expected) in cases {
        let result = house.accounts.authenticate_custom(NOW, login).await;
        assert_eq!(refusal(result), expected, "{login:?}");
    }
}

#[tokio::test]
async fn addresses_and_passwords_are_checked() {
    let house = House::new();
    let form = (3, "Invalid email address format.");
    let length = (3, "Invalid email address, must be 10-255 bytes.");
    let host = format!("{}.example", "h".repeat(245));
    let (longest, too_long) = (format!("a@{host}"), format!("ab@{host}"));
    let (password_max, password_over) = ("p".repeat(1_024), "p".repeat(1_025));
    let cases = [
        ("a@bcd.efg", "password", length),
        ("a@bcde.fgh", "password", FINE),
        (longest.as_str(), "password", FINE),
        (too_long.as_str(), "password", length),
        ("no-at.example", "password", form),
        ("two@at@some.example", "password", form),
        ("@host.example", "password", form),
        ("name@hostonly", "password", form),
        ("name@host..example", "password", form),
        ("name@host.example.", "password", form),
        ("name@ho_st.example", "password", form),
        (
            "na me@host.example",
            "password",
            (
                3,
                "Invalid email address, no spaces or control characters allowed.",
            ),
        ),
        ("name@host.example", "", (3, "Password is required.")),
        (
            "name@host.example",
            "sevenxx",
            (3, "Password must be at least 8 characters long."),
        ),
        ("name@host.example", "eightxxx", FINE),
        ("most@host.example", &password_max, FINE),
        (
            "over@host.example",
            &password_over,
            (3, "Password must be at most 1024 bytes long."),
        ),
        (
            "",
            "password",
            (
                3,
                "Username is required when email address is not supplied.",
            ),
        ),
    ];
    for (address, password, expected) in cases {
        let result = house
            .accounts
            .authenticate_email(NOW, email(address, password))
            .await;
        assert_eq!(refusal(result), expected, "{address}");
    }
}

#[tokio::test]
async fn an_identity_is_one_account_for_ever() {
    let house = House::new();
    let first = house.device("device-0001").await;
    assert!(first.created);
    assert_eq!(first.username.len(), 10);
    assert!(
        first
            .username
            .chars()
            .all(|character| character.is_ascii_alphabetic())
    );
    let again = house.device("device-0001").await;
    assert_eq!((again.user_id, again.created), (first.user_id, false));
    assert_eq!(again.username, first.username);
    let custom = house
        .accounts
        .authenticate_custom(NOW, device("device-0001"))
        .await
        .unwrap();
    assert_ne!(
        custom.user_id, first.user_id,
        "the same text as another kind of id is another"
    );
    let absent = IdentityLogin {
        create: false,
        ..device("device-0002")
    };
    assert_eq!(
        refusal(house.accounts.authenticate_device(NOW, absent).await),
        NOT_FOUND
    );
    assert_eq!(
        refusal(house.accounts.authenticate_custom(NOW, absent).await),
        NOT_FOUND
    );
}

#[tokio::test]
async fn the_same_device_at_once_makes_one_account() {
    let (house, _folder) = on_disk();
    let logins = (0..32).map(|_| {
        house
            .accounts
            .authenticate_device(NOW, device("device-0001"))
    });
    let results = join_all(logins.collect()).await;
    let ids: Vec<UserId> = results
        .iter()
        .map(|result| result.as_ref().unwrap().user_id)
        .collect();
    assert!(ids.iter().all(|id| *id == ids[0]));
    assert_eq!(
        results
            .iter()
            .filter(|result| result.as_ref().unwrap().created)
            .count(),
        1
    );
    let logins = (0..8).map(|_| {
        house
            .accounts
            .authenticate_device(NOW, named("device-0002", "ann"))
    });
    for result in join_all(logins.collect()).await {
        assert_eq!(
            &*result.unwrap().username,
            "ann",
            "a name taken by one's own other request is fine"
        );
    }
}

#[tokio::test]
async fn passwords_open_by_address_and_by_name() {
    let house = House::new();
    let address = "Ann@Host.Example";
    let create = EmailLogin {
        username: Some("ann"),
        ..email(address, "password")
    };
    let ann = house
        .accounts
        .authenticate_email(NOW, create)
        .await
        .unwrap();
    assert!(ann.created);
    let lower = email("ann@host.example", "password");
    assert_eq!(
        house
            .accounts
            .authenticate_email(NOW, lower)
            .await
            .unwrap()
            .user_id,
        ann.user_id
    );
    let by_name = EmailLogin {
        email: "",
        ..create
    };
    let entered = house
        .accounts
        .authenticate_email(NOW, by_name)
        .await
        .unwrap();
    assert_eq!((entered.user_id, entered.created), (ann.user_id, false));
    house
        .accounts
        .authenticate_device(NOW, named("device-0001", "bob"))
        .await
        .unwrap();
    let absent = EmailLogin {
        create: false,
        ..email("bob@host.example", "password")
    };
    let cases = [
        (email(address, "Password"), WRONG),
        (
            EmailLogin {
                password: "Password",
                ..by_name
            },
            WRONG,
        ),
        (absent, NOT_FOUND),
        (
            EmailLogin {
                username: Some("cid"),
                ..by_name
            },
            NOT_FOUND,
        ),
        (
            EmailLogin {
                username: Some("bob"),
                ..by_name
            },
            WRONG,
        ),
        (
            EmailLogin {
                username: Some("ann"),
                ..email("bob@host.example", "password")
            },
            NAME_TAKEN,
        ),
    ];
    for (login, expected) in cases {
        let result = house.accounts.authenticate_email(NOW, login).await;
        assert_eq!(
            refusal(result),
            expected,
            "{} {:?}",
            login.email,
            login.username
        );
    }
    assert_eq!(
        house
            .accounts
            .get_account(ann.user_id)
            .await
            .unwrap()
            .email
            .unwrap(),
        "ann@host.example"
    );
}

#[tokio::test]
async fn the_same_address_at_once_makes_one_account() {
    let (house, _folder) = on_disk();
    let login = EmailLogin {
        address: None,
        ..email("ann@host.example", "password")
    };
    let logins = (0..4).map(|_| house.accounts.authenticate_email(NOW, login));
    let results = join_all(logins.collect()).await;
    let ids: Vec<UserId> = results
        .iter()
        .map(|result| result.as_ref().unwrap().user_id)
        .collect();
    assert!(ids.iter().all(|id| *id == ids[0]));
    assert_eq!(
        results
            .iter()
            .filter(|result| result.as_ref().unwrap().created)
            .count(),
        1
    );
}

#[tokio::test]
async fn guessing_is_slowed_and_the_owner_stays_in() {
    let house = House::new();
    let right = email("ann@host.example", "password");
    let ann = house.accounts.authenticate_email(NOW, right).await.unwrap();
    let pair = house.accounts.sessions(NOW, &ann, BTreeMap::new()).unwrap();
    let wrong = email("ann@host.example", "passwort");
    for _ in 0..6 {
        assert_eq!(
            refusal(house.accounts.authenticate_email(NOW, wrong).await),
            WRONG
        );
    }
    let slowed = house
        .accounts
        .authenticate_email(NOW, right)
        .await
        .unwrap_err();
    assert_eq!((slowed.grpc_code(), slowed.retry_ms()), (8, Some(1_000)));
    assert!(house.logins().verify_session(&pair.token, NOW).is_ok());
    assert!(
        house
            .accounts
            .refresh(NOW, &pair.refresh_token, BTreeMap::new())
            .await
            .is_ok()
    );
    house
        .accounts
        .authenticate_email(NOW.plus_secs(1), right)
        .await
        .unwrap();
    house
        .accounts
        .authenticate_email(NOW.plus_secs(1), right)
        .await
        .expect("success forgets");
    let unknown = EmailLogin {
        create: false,
        ..email("nobody@host.example", "password")
    };
    for _ in 0..6 {
        assert_eq!(
            refusal(house.accounts.authenticate_email(NOW, unknown).await),
            NOT_FOUND
        );
    }
    let slowed = house
        .accounts
        .authenticate_email(NOW, unknown)
        .await
        .unwrap_err();
    assert_eq!(
        slowed.grpc_code(),
        8,
        "unknown accounts are no quicker to try"
    );
}

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
            Op::AccountUpdate {
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

/// A house whose commits take time: other requests look between a look and a commit.
fn on_disk() -> (House, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(Config::new(folder.path().join("tagus.db"))).unwrap();
    (
        House::with(store, LoginConfig::default(), random(1)),
        folder,
    )
}

/// Runs the futures side by side on this thread and returns their results in order.
async fn join_all<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut running: Vec<_> = futures
        .into_iter()
        .map(|future| (Box::pin(future), None))
        .collect();
    std::future::poll_fn(|context| {
        for (future, result) in running.iter_mut().filter(|(_, result)| result.is_none()) {
            if let std::task::Poll::Ready(value) = future.as_mut().poll(context) {
                *result = Some(value);
            }
        }
        match running.iter().all(|(_, result)| result.is_some()) {
            true => std::task::Poll::Ready(()),
            false => std::task::Poll::Pending,
        }
    })
    .await;
    running
        .into_iter()
        .filter_map(|(_, result)| result)
        .collect()
}
