//! Random acts on a group, beside a naive model.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use tagus_base::{UserId, Uuid};
use tagus_players::{GroupRole, GroupUpdate, GroupVerb, Kind, NewGroup, Push};
use tagus_store::{Store, block_on};

use super::{asker, create, delete, groups, new, people, role, user};
use crate::house::NOW;

use GroupRole::{Admin, Banned, JoinRequest, Member, Superadmin};

/// Something that is done to the only group of a model.
#[derive(Clone, Debug)]
enum Act {
    Join(u8),
    Leave(u8),
    /// By somebody, or by the server: 0.
    Change(u8, GroupVerb, Vec<u8>),
    Open(bool),
    DeleteAccount(u8),
}

/// What is told after an act, in its order: messages about users, notifications to users, and who is taken out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Told {
    Message(i32, UserId),
    Notification(i32, UserId),
    Kick(UserId),
}

/// The rules as plainly as can be.
struct Model {
    open: bool,
    roles: BTreeMap<u8, GroupRole>,
    accounts: BTreeSet<u8>,
}

/// Members of the model's group at most.
const MOST: usize = 3;
const PEOPLE: u8 = 4;

impl Model {
    fn members(&self) -> usize {
        let members = self.roles.values().filter(|role| role.number() <= 2);
        members.count()
    }

    fn superadmins(&self) -> usize {
        let roles = self.roles.values();
        roles.filter(|role| **role == Superadmin).count()
    }

    fn join(&mut self, who: u8) -> Result<Vec<Told>, Kind> {
        match self.roles.get(&who) {
            Some(Banned) => return Err(Kind::PermissionDenied),
            Some(Superadmin | Admin | Member) => return Ok(vec![]),
            Some(JoinRequest) if !self.open => return Ok(vec![]),
            _ => {}
        }
        if self.roles.is_empty() {
            return Err(Kind::NotFound);
        }
        if self.members() == MOST {
            return Err(Kind::InvalidArgument);
        }
        if self.open {
            self.roles.insert(who, Member);
            return Ok(vec![Told::Message(3, user(who))]);
        }
        self.roles.insert(who, JoinRequest);
        let of = |role| {
            let roles = self.roles.iter().filter(move |(_, other)| **other == role);
            roles.map(|(who, _)| Told::Notification(-5, user(*who)))
        };
        Ok(of(Superadmin).chain(of(Admin)).collect())
    }

    fn leave(&mut self, who: u8) -> Result<Vec<Told>, Kind> {
        match self.roles.get(&who) {
            None if self.roles.is_empty() => return Err(Kind::NotFound),
            None | Some(Banned) => return Ok(vec![]),
            Some(JoinRequest) => {
                self.roles.remove(&who);
                return Ok(vec![]);
            }
            Some(Superadmin) if self.superadmins() == 1 => return Err(Kind::InvalidArgument),
            Some(_) => {}
        }
        self.roles.remove(&who);
        Ok(vec![Told::Message(5, user(who)), Told::Kick(user(who))])
    }

    fn change(
        &mut self,
        caller: u8,
        verb: GroupVerb,
        targets: &BTreeSet<u8>,
    ) -> Result<Vec<Told>, Kind> {
        if targets.contains(&caller) && matches!(verb, GroupVerb::Kick | GroupVerb::Ban) {
            return Err(Kind::InvalidArgument);
        }
        if self.roles.is_empty() {
            return Err(Kind::NotFound);
        }
        let caller = match caller {
            0 => Some(&Superadmin),
            caller => self.roles.get(&caller),
        };
        let Some(caller @ (Superadmin | Admin)) = caller.copied() else {
            return Err(Kind::NotFound);
        };
        if !targets.is_subset(&self.accounts) {
            return Err(Kind::NotFound);
        }
        let mut steps = Vec::new();
        for who in targets {
            let role = self.roles.get(who).copied();
            let (next, message) = match (verb, role) {
                (GroupVerb::Add, Some(Banned)) => return Err(Kind::PermissionDenied),
                (GroupVerb::Add, None | Some(JoinRequest)) => (Some(Member), 4),
                (GroupVerb::Kick, Some(_)) => (None, 6),
                (GroupVerb::Ban, _) => (Some(Banned), 8),
                (GroupVerb::Promote, Some(Member)) => (Some(Admin), 7),
                (GroupVerb::Promote, Some(Admin)) => (Some(Superadmin), 7),
                (GroupVerb::Demote, Some(Superadmin)) => (Some(Admin), 9),
                (GroupVerb::Demote, Some(Admin)) => (Some(Member), 9),
                (_, role) => (role, 0),
            };
            if next == role {
                continue;
            }
            let is_lower = role.is_none_or(|role| role.number() > 1);
            if caller == Admin && !is_lower {
                return Err(Kind::PermissionDenied);
            }
            steps.push((*who, role, next, message));
        }
        let before = self.roles.clone();
        let mut told = Vec::new();
        let is_member = |role: Option<GroupRole>| role.is_some_and(|role| role.number() <= 2);
        for (who, role, next, message) in steps {
            match next {
                Some(next) => self.roles.insert(who, next),
                None => self.roles.remove(&who),
            };
            let lost = role == Some(Superadmin) && self.superadmins() == 0;
            if lost || self.members() > MOST {
                self.roles = before;
                return Err(Kind::InvalidArgument);
            }
            if is_member(role) || is_member(next) {
                told.push(Told::Message(message, user(who)));
            }
            if is_member(role) && !is_member(next) {
                told.push(Told::Kick(user(who)));
            }
            if !is_member(role) && is_member(next) {
                told.push(Told::Notification(-4, user(who)));
            }
        }
        Ok(told)
    }

    fn delete_account(&mut self, who: u8) {
        self.accounts.remove(&who);
        self.roles.remove(&who);
        if self.members() == 0 {
            self.roles.clear();
        } else if self.superadmins() == 0 {
            let heir = self.roles.iter().min_by_key(|(who, role)| (**role, **who));
            let (heir, _) = heir.unwrap();
            self.roles.insert(*heir, Superadmin);
        }
    }
}

fn act() -> impl Strategy<Value = Act> {
    let who = || 1..=PEOPLE;
    let verb = prop_oneof![
        3 => Just(GroupVerb::Add),
        1 => Just(GroupVerb::Kick),
        1 => Just(GroupVerb::Ban),
        3 => Just(GroupVerb::Promote),
        1 => Just(GroupVerb::Demote),
    ];
    let caller = prop_oneof![1 => Just(0), 2 => Just(1), 4 => who()];
    let change = (caller, verb, prop::collection::vec(who(), 1..3));
    prop_oneof![
        4 => who().prop_map(Act::Join),
        2 => who().prop_map(Act::Leave),
        18 => change.prop_map(|(caller, verb, targets)| Act::Change(caller, verb, targets)),
        2 => any::<bool>().prop_map(Act::Open),
        1 => who().prop_map(Act::DeleteAccount),
    ]
}

fn told(pushes: &[Push], channel: Uuid) -> Vec<Told> {
    let told = pushes.iter().map(|push| match push {
        Push::ChannelMessage(one) if one.channel.subject == channel => {
            Told::Message(one.code, one.sender_id)
        }
        Push::Notification(one) => Told::Notification(one.code, one.user_id),
        Push::Kick { stream, user_id } if stream.subject == channel => Told::Kick(*user_id),
        other => panic!("{other:?}"),
    });
    told.collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_acts_match_the_model(acts in prop::collection::vec(act(), 20..60)) {
        let store = Store::memory().unwrap();
        people(&store, PEOPLE);
        let groups = groups(&store);
        let id = create(&groups, NewGroup { max_count: MOST as i32, ..new("Otters") }).id;
        let mut model = Model {
            open: true,
            roles: BTreeMap::from([(1, Superadmin)]),
            accounts: (1..=PEOPLE).collect(),
        };
        for act in acts {
            let mut out = Vec::new();
            let (found, expected) = match &act {
                Act::Join(who) | Act::Leave(who) if !model.accounts.contains(who) => continue,
                Act::Join(who) => {
                    (block_on(groups.join(NOW, asker(*who), id, &mut out)), model.join(*who))
                }
                Act::Leave(who) => {
                    (block_on(groups.leave(NOW, asker(*who), id, &mut out)), model.leave(*who))
                }
                Act::Change(caller, verb, targets) => {
                    let users: Vec<UserId> = targets.iter().map(|who| user(*who)).collect();
                    let by = (*caller > 0).then(|| user(*caller));
                    let found = groups.change(NOW, by, id, (*verb, &users), &mut out);
                    let targets = targets.iter().copied().collect();
                    (block_on(found), model.change(*caller, *verb, &targets))
                }
                Act::Open(open) => {
                    if !model.roles.is_empty() {
                        let update = GroupUpdate { open: Some(*open), ..GroupUpdate::default() };
                        block_on(groups.update(NOW, None, id, update)).unwrap();
                        model.open = *open;
                    }
                    continue;
                }
                Act::DeleteAccount(who) => {
                    if model.accounts.contains(who) {
                        delete(&store, *who);
                        model.delete_account(*who);
                    }
                    continue;
                }
            };
            let found = found.map(|()| told(&out, id)).map_err(|error| error.kind());
            prop_assert_eq!(found, expected, "{:?}", act);
            for who in 1..=PEOPLE {
                prop_assert_eq!(role(&groups, id, who), model.roles.get(&who).copied(), "{:?}", act);
            }
            let group = block_on(groups.get(&[id])).unwrap();
            prop_assert_eq!(group.is_empty(), model.roles.is_empty());
            for group in group {
                prop_assert_eq!(group.edge_count as usize, model.members());
                prop_assert!((1..=MOST).contains(&model.members()));
                prop_assert!(model.superadmins() > 0);
            }
        }
    }
}
