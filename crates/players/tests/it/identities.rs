//! Linking, unlinking and banning.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use tagus_base::{UserId, Uuid};
use tagus_players::{
    DEVICES_MAX, LoginConfig, Notifications, Push, Revoked, User, notification_code,
};
use tagus_store::Store;

use crate::house::{House, NOW, device, email, join_all, random, refusal};

const FINE: (i32, &str) = (0, "");
const LAST: (i32, &str) = (
    7,
    "Cannot unlink last account identifier. Check profile exists and is not last link.",
);
const BANNED: (i32, &str) = (7, "User account banned.");
const NOBODY: UserId = UserId(Uuid([9; 16]));

#[tokio::test]
async fn links_are_the_account_s_own() {
    let house = House::new();
    let accounts = &house.accounts;
    let ann = house.device("device-ann").await.user_id;
    let bob = house.device("device-bob").await.user_id;
    for _ in 0..2 {
        let linked = accounts.link_device(NOW, ann, "device-ann-2").await;
        assert_eq!(refusal(linked), FINE);
        assert_eq!(
            refusal(accounts.link_custom(NOW, ann, "custom-ann").await),
            FINE
        );
        let linked = accounts.link_email(NOW, ann, "Ann@example.org", "password");
        assert_eq!(refusal(linked.await), FINE);
    }
    let taken = accounts.link_device(NOW, bob, "device-ann-2").await;
    assert_eq!(refusal(taken), (6, "Device ID already in use."));
    let taken = accounts.link_custom(NOW, bob, "custom-ann").await;
    assert_eq!(refusal(taken), (6, "Custom ID is already in use."));
    let taken = accounts.link_email(NOW, bob, "ann@EXAMPLE.org", "password");
    assert_eq!(refusal(taken.await), (6, "Email is already in use."));
    let account = accounts.get_account(ann).await.unwrap();
    assert_eq!(account.devices, ["device-ann", "device-ann-2"]);
    assert_eq!(account.custom_id.as_deref(), Some("custom-ann"));
    assert_eq!(account.email.as_deref(), Some("ann@example.org"));
    for login in [email("ann@example.org", "password")] {
        let entered = accounts.authenticate_email(NOW, login).await.unwrap();
        assert_eq!((entered.user_id, entered.created), (ann, false));
    }
    // Another one takes the place of a custom id; the old one is free.
    assert_eq!(
        refusal(accounts.link_custom(NOW, ann, "custom-two").await),
        FINE
    );
    assert_eq!(
        refusal(accounts.link_custom(NOW, bob, "custom-ann").await),
        FINE
    );
    let nobody = accounts.link_custom(NOW, NOBODY, "custom-nobody").await;
    assert_eq!(refusal(nobody), (5, "Account not found."));
    let nobody = accounts.link_device(NOW, NOBODY, "device-nobody").await;
    assert_eq!(refusal(nobody), (5, "Account not found."));
}

#[tokio::test]
async fn bad_identities_are_refused() {
    let house = House::new();
    let accounts = &house.accounts;
    let ann = house.device("device-ann").await.user_id;
    for (id, text) in [
        ("", "Device ID is required."),
        ("short", "Device ID invalid, must be 10-128 bytes."),
        (
            "a device id",
            "Device ID invalid, no spaces or control characters allowed.",
        ),
    ] {
        assert_eq!(refusal(accounts.link_device(NOW, ann, id).await), (3, text));
        assert_eq!(
            refusal(accounts.unlink_device(NOW, ann, id).await),
            (3, text)
        );
    }
    let refused = accounts.link_custom(NOW, ann, "").await;
    assert_eq!(refusal(refused), (3, "Custom ID is required."));
    let both = "Email address and password is required.";
    for (address, password, text) in [
        ("", "password", both),
        ("ann@example.org", "", both),
        (
            "ann@example.org",
            "seven77",
            "Password must be at least 8 characters long.",
        ),
        (
            "ann.example.org",
            "password",
            "Invalid email address format.",
        ),
        (
            "a@b.c",
            "password",
            "Invalid email address, must be 10-255 bytes.",
        ),
    ] {
        let refused = accounts.link_email(NOW, ann, address, password).await;
        assert_eq!(refusal(refused), (3, text));
    }
}

#[tokio::test]
async fn the_last_identity_stays() {
    let house = House::new();
    let accounts = &house.accounts;
    let ann = house.device("device-ann").await.user_id;
    assert_eq!(
        refusal(accounts.unlink_device(NOW, ann, "device-ann").await),
        LAST
    );
    assert_eq!(refusal(accounts.unlink_custom(NOW, ann, "").await), LAST);
    accounts.link_custom(NOW, ann, "custom-ann").await.unwrap();
    let other = accounts.unlink_custom(NOW, ann, "custom-other").await;
    assert_eq!(refusal(other), LAST);
    assert_eq!(
        refusal(accounts.unlink_device(NOW, ann, "device-ann").await),
        FINE
    );
    assert_eq!(refusal(accounts.unlink_custom(NOW, ann, "").await), LAST);
    let linked = accounts.link_email(NOW, ann, "ann@example.org", "password");
    linked.await.unwrap();
    assert_eq!(
        refusal(accounts.unlink_custom(NOW, ann, "custom-ann").await),
        FINE
    );
    let unlinked = accounts.unlink_email(NOW, ann, "Ann@example.org").await;
    assert_eq!(refusal(unlinked), LAST);
    assert_eq!(refusal(accounts.unlink_custom(NOW, NOBODY, "").await), LAST);
}

#[tokio::test]
async fn devices_have_a_limit() {
    let house = House::new();
    let ann = house.device("device-0001").await.user_id;
    for number in 2..=DEVICES_MAX {
        let id = format!("device-{number:04}");
        house.accounts.link_device(NOW, ann, &id).await.unwrap();
    }
    let full = house.accounts.link_device(NOW, ann, "device-more").await;
    assert_eq!(
        refusal(full),
        (9, "Too many devices are linked to this account.")
    );
    assert_eq!(
        refusal(house.accounts.link_device(NOW, ann, "device-0001").await),
        FINE
    );
}

#[tokio::test]
async fn of_many_unlinks_at_once_one_identity_is_left() {
    let (house, _folder) = House::on_disk();
    let accounts = &house.accounts;
    for round in 0..8 {
        let ids: Vec<String> = (0..4).map(|id| format!("device-{round}-{id}")).collect();
        let ann = house.device(&ids[0]).await.user_id;
        for id in &ids[1..] {
            accounts.link_device(NOW, ann, id).await.unwrap();
        }
        let unlinks = ids.iter().map(|id| accounts.unlink_device(NOW, ann, id));
        let done = join_all(unlinks.collect()).await;
        let refused = done.into_iter().map(refusal).filter(|one| *one == LAST);
        assert_eq!(refused.count(), 1, "round {round}");
        assert_eq!(accounts.get_account(ann).await.unwrap().devices.len(), 1);
    }
}

/// What somebody does to one of two accounts.
#[derive(Clone, Copy, Debug)]
enum Act {
    LinkDevice(usize, u8),
    LinkCustom(usize, u8),
    LinkEmail(usize, u8),
    UnlinkDevice(usize, u8),
    UnlinkCustom(usize),
    UnlinkEmail(usize),
}

/// The same rules, as plainly as can be.
#[derive(Default)]
struct Model {
    devices: [BTreeSet<u8>; 2],
    customs: [Option<u8>; 2],
    emails: [Option<u8>; 2],
}

impl Model {
    fn count(&self, who: usize) -> usize {
        self.devices[who].len()
            + usize::from(self.customs[who].is_some())
            + usize::from(self.emails[who].is_some())
    }

    /// The code that the act is answered with.
    fn act(&mut self, act: Act) -> i32 {
        match act {
            Act::LinkDevice(who, id) if self.devices[1 - who].contains(&id) => 6,
            Act::LinkDevice(who, id) => {
                self.devices[who].insert(id);
                0
            }
            Act::LinkCustom(who, id) if self.customs[1 - who] == Some(id) => 6,
            Act::LinkCustom(who, id) => {
                self.customs[who] = Some(id);
                0
            }
            Act::LinkEmail(who, id) if self.emails[1 - who] == Some(id) => 6,
            Act::LinkEmail(who, id) => {
                self.emails[who] = Some(id);
                0
            }
            Act::UnlinkDevice(who, id)
                if self.devices[who].contains(&id) && self.count(who) > 1 =>
            {
                self.devices[who].remove(&id);
                0
            }
            Act::UnlinkCustom(who) if self.customs[who].is_some() && self.count(who) > 1 => {
                self.customs[who] = None;
                0
            }
            Act::UnlinkEmail(who) if self.emails[who].is_some() && self.count(who) > 1 => {
                self.emails[who] = None;
                0
            }
            _ => 7,
        }
    }
}

fn acts() -> impl Strategy<Value = Act> {
    (0..6_u8, 0..2_usize, 0..3_u8).prop_map(|(kind, who, id)| match kind {
        0 => Act::LinkDevice(who, id),
        1 => Act::LinkCustom(who, id),
        2 => Act::LinkEmail(who, id),
        3 => Act::UnlinkDevice(who, id),
        4 => Act::UnlinkCustom(who),
        _ => Act::UnlinkEmail(who),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn identities_follow_the_model(acts in prop::collection::vec(acts(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let house = House::new();
            let accounts = &house.accounts;
            let mut model = Model::default();
            model.devices[0].insert(100);
            model.devices[1].insert(101);
            let users = [
                house.device("device-100").await.user_id,
                house.device("device-101").await.user_id,
            ];
            for act in acts {
                let done = match act {
                    Act::LinkDevice(who, id) => accounts.link_device(NOW, users[who], &name(id)).await,
                    Act::LinkCustom(who, id) => accounts.link_custom(NOW, users[who], &name(id)).await,
                    Act::LinkEmail(who, id) => {
                        accounts.link_email(NOW, users[who], &address(id), "password").await
                    }
                    Act::UnlinkDevice(who, id) => {
                        accounts.unlink_device(NOW, users[who], &name(id)).await
                    }
                    Act::UnlinkCustom(who) => accounts.unlink_custom(NOW, users[who], "").await,
                    Act::UnlinkEmail(who) => accounts.unlink_email(NOW, users[who], "").await,
                };
                assert_eq!(refusal(done).0, model.act(act), "{act:?}");
                for (who, user) in users.into_iter().enumerate() {
                    let account = accounts.get_account(user).await.unwrap();
                    let devices: Vec<String> = model.devices[who].iter().map(|id| name(*id)).collect();
                    let devices: BTreeSet<String> = devices.into_iter().collect();
                    assert_eq!(account.devices.into_iter().collect::<BTreeSet<_>>(), devices);
                    assert_eq!(account.custom_id, model.customs[who].map(name));
                    assert_eq!(account.email, model.emails[who].map(address));
                }
            }
        });
    }
}

fn name(id: u8) -> String {
    format!("device-{id:03}")
}

fn address(id: u8) -> String {
    format!("{id:03}@example.org")
}

#[tokio::test]
async fn a_ban_ends_logins_and_refuses_new_ones() {
    let house = House::new();
    let accounts = &house.accounts;
    let notifications = Notifications::new(house.store.clone(), random(2));
    let ann = house.device("device-ann").await;
    accounts
        .link_custom(NOW, ann.user_id, "custom-ann")
        .await
        .unwrap();
    let linked = accounts.link_email(NOW, ann.user_id, "ann@example.org", "password");
    linked.await.unwrap();
    let pair = accounts.sessions(NOW, &ann, BTreeMap::new()).unwrap();
    let mut out = Vec::new();
    let revoked = accounts.ban(NOW, ann.user_id, &notifications, &mut out);
    assert_eq!(revoked.await.unwrap(), Revoked::User(ann.user_id));
    let [Push::Notification(told)] = out.as_slice() else {
        panic!("{out:?}");
    };
    assert_eq!(
        (told.code, told.user_id),
        (notification_code::USER_BANNED, ann.user_id)
    );
    assert!(!told.persistent);
    let at = NOW.plus_secs(5);
    assert!(house.logins().is_logged_out(&pair.login));
    let entered = accounts.authenticate_device(at, device("device-ann")).await;
    assert_eq!(refusal(entered), BANNED);
    let entered = accounts.authenticate_custom(at, device("custom-ann")).await;
    assert_eq!(refusal(entered), BANNED);
    let entered = accounts
        .authenticate_email(at, email("ann@example.org", "password"))
        .await;
    assert_eq!(refusal(entered), BANNED);
    // One that read the account before the ban asks for its tokens after it.
    assert_eq!(
        refusal(accounts.sessions(at, &ann, BTreeMap::new())),
        BANNED
    );
    assert_eq!(
        refusal(accounts.enter(at, &ann, BTreeMap::new()).await),
        BANNED
    );
    assert!(
        accounts
            .get_account(ann.user_id)
            .await
            .unwrap()
            .disabled_at
            .is_some()
    );

    accounts.unban(at, ann.user_id).await.unwrap();
    accounts.unban(at, ann.user_id).await.unwrap();
    let ann = house.device("device-ann").await;
    let pair = accounts.sessions(at, &ann, BTreeMap::new()).unwrap();
    assert!(!house.logins().is_logged_out(&pair.login));

    let mut out = Vec::new();
    let nobody = accounts.ban(NOW, NOBODY, &notifications, &mut out).await;
    assert_eq!(refusal(nobody), (5, "User account not found."));
    assert_eq!(
        refusal(accounts.unban(NOW, NOBODY).await),
        (5, "User account not found.")
    );
    assert!(out.is_empty());
}

#[tokio::test]
async fn a_banned_login_cannot_be_renewed() {
    let house = House::new();
    let notifications = Notifications::new(house.store.clone(), random(2));
    let ann = house.device("device-ann").await;
    let pair = house.accounts.sessions(NOW, &ann, BTreeMap::new()).unwrap();
    let mut out = Vec::new();
    let banned = house
        .accounts
        .ban(NOW, ann.user_id, &notifications, &mut out);
    banned.await.unwrap();
    let renewed = house
        .accounts
        .refresh(NOW, &pair.refresh_token, BTreeMap::new());
    assert_eq!(refusal(renewed.await).0, 16);
}

#[tokio::test]
async fn a_single_session_ends_the_others() {
    let config = LoginConfig {
        single_session: true,
        ..LoginConfig::default()
    };
    let house = House::with(Store::memory().unwrap(), config, random(1));
    let ann = house.device("device-ann").await;
    let enter = || house.accounts.enter(NOW, &ann, BTreeMap::new());
    let (first, ended) = enter().await.unwrap();
    let token_id = first.login.token_id;
    let user_id = ann.user_id;
    assert_eq!(ended, Some(Revoked::Others { user_id, token_id }));
    assert!(!house.logins().is_logged_out(&first.login));
    let (second, _) = enter().await.unwrap();
    assert!(house.logins().is_logged_out(&first.login));
    assert!(!house.logins().is_logged_out(&second.login));
    let refreshed = house
        .accounts
        .refresh(NOW, &second.refresh_token, BTreeMap::new());
    assert!(refreshed.await.is_ok());
    // Of many at once a single one is left.
    let entered = join_all((0..32).map(|_| enter()).collect()).await;
    let alive = entered
        .into_iter()
        .filter(|one| !house.logins().is_logged_out(&one.as_ref().unwrap().0.login));
    assert_eq!(alive.count(), 1);
}

#[tokio::test]
async fn without_the_switch_logins_stand_side_by_side() {
    let house = House::new();
    let ann = house.device("device-ann").await;
    let (first, ended) = house
        .accounts
        .enter(NOW, &ann, BTreeMap::new())
        .await
        .unwrap();
    house
        .accounts
        .enter(NOW, &ann, BTreeMap::new())
        .await
        .unwrap();
    assert_eq!(ended, None);
    assert!(!house.logins().is_logged_out(&first.login));
}

#[tokio::test]
async fn metadata_is_an_object_of_limited_size() {
    let house = House::new();
    let ann = house.device("device-ann").await.user_id;
    let set = |text: String| {
        let accounts = &house.accounts;
        async move { refusal(accounts.set_metadata(NOW, ann, &text).await) }
    };
    let filled = |bytes: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(bytes - 8));
    assert_eq!(filled(100).len(), 100);
    let refused = (3, "Metadata must be a JSON object of at most 16384 bytes.");
    assert_eq!(set(filled(User::METADATA_BYTES_MAX)).await, FINE);
    assert_eq!(set(filled(User::METADATA_BYTES_MAX + 1)).await, refused);
    for bad in ["", "[]", "null", "{"] {
        assert_eq!(set(bad.to_owned()).await, refused);
    }
    let user = house.accounts.get_account(ann).await.unwrap().user;
    assert_eq!(user.metadata.len(), User::METADATA_BYTES_MAX);
    let nobody = house.accounts.set_metadata(NOW, NOBODY, "{}").await;
    assert_eq!(refusal(nobody), (5, "User account not found."));
}
