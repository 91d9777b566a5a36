//! Logging in: what is checked, who is let in, how often one may guess.

use std::collections::BTreeMap;

use tagus_base::UserId;
use tagus_players::{EmailLogin, IdentityLogin};

use crate::house::{House, NOW, device, email, join_all, named, refusal};

const FINE: (i32, &str) = (0, "");
const NOT_FOUND: (i32, &str) = (5, "User account not found.");
const NAME_TAKEN: (i32, &str) = (6, "Username is already in use.");
const WRONG: (i32, &str) = (16, "Invalid credentials.");

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
    let (house, _folder) = House::on_disk();
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
    let (house, _folder) = House::on_disk();
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
