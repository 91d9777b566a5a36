//! Random batches against a naive model.

use std::collections::{BTreeMap, BTreeSet};

use tagus_base::{Rng, UnixMillis, UserId};
use tagus_store::{
    AccountOp, AccountPatch, AccountRow, Batch, Conflict, DeviceOp, Op, Store, block_on,
};

use super::account::{insert, update};
use super::commit_all;
use crate::user;

pub(super) fn run(open: &dyn Fn() -> Store) {
    for seed in 0..8 {
        random_batches_match_the_model(&open(), seed);
    }
}

/// The same rules, as plainly as can be.
#[derive(Clone, Default)]
struct Model {
    accounts: BTreeMap<UserId, AccountRow>,
    devices: BTreeMap<String, UserId>,
}

impl Model {
    /// Applies an operation, or says which conflicts it may report.
    fn apply(&mut self, op: &Op) -> Result<(), Vec<Conflict>> {
        match op {
            Op::Account(AccountOp::Insert(row)) => {
                let mut conflicts = self.taken(row, None);
                conflicts.extend(
                    self.accounts
                        .contains_key(&row.id)
                        .then_some(Conflict::IdTaken),
                );
                none(conflicts)?;
                self.accounts.insert(row.id, (**row).clone());
            }
            Op::Account(AccountOp::Update { id, patch }) => {
                let mut row = self
                    .accounts
                    .get(id)
                    .cloned()
                    .ok_or(vec![Conflict::Missing])?;
                row.username = patch.username.clone().unwrap_or(row.username);
                row.email = patch.email.clone().unwrap_or(row.email);
                row.update_time = patch.update_time;
                none(self.taken(&row, Some(*id)))?;
                self.accounts.insert(*id, row);
            }
            Op::Account(AccountOp::Delete { id, .. }) => {
                self.accounts.remove(id).ok_or(vec![Conflict::Missing])?;
                self.devices.retain(|_, owner| owner != id);
            }
            Op::Device(DeviceOp::Insert { id, user }) => {
                let missing = (!self.accounts.contains_key(user)).then_some(Conflict::Missing);
                let taken = self
                    .devices
                    .contains_key(id)
                    .then_some(Conflict::DeviceTaken);
                none(missing.into_iter().chain(taken).collect())?;
                self.devices.insert(id.clone(), *user);
            }
            Op::Device(DeviceOp::Delete { id, user }) => {
                none(
                    (self.devices.get(id) != Some(user))
                        .then_some(Conflict::Missing)
                        .into_iter()
                        .collect(),
                )?;
                self.devices.remove(id);
            }
            op => panic!("the model does not know {op:?}"),
        }
        Ok(())
    }

    /// Conflicts of the row with accounts other than `own`.
    fn taken(&self, row: &AccountRow, own: Option<UserId>) -> Vec<Conflict> {
        let others = || self.accounts.values().filter(|other| Some(other.id) != own);
        let username = others().any(|other| other.username == row.username);
        let email = others().any(|other| other.email.is_some() && other.email == row.email);
        let username = username.then_some(Conflict::UsernameTaken);
        username
            .into_iter()
            .chain(email.then_some(Conflict::EmailTaken))
            .collect()
    }
}

fn none(conflicts: Vec<Conflict>) -> Result<(), Vec<Conflict>> {
    if conflicts.is_empty() {
        Ok(())
    } else {
        Err(conflicts)
    }
}

fn random_op(rng: &mut Rng) -> Op {
    let id = user(rng.below(5));
    let name = format!("name-{}", rng.below(6));
    let email = (rng.below(2) == 0).then(|| format!("mail-{}", rng.below(4)));
    let device = format!("device-{}", rng.below(6));
    let update_time = UnixMillis(u64::from(rng.below(1_000)));
    match rng.below(8) {
        0..=1 => insert(AccountRow {
            email,
            ..AccountRow::new(id, name, UnixMillis(1))
        }),
        2..=3 => {
            let username = (rng.below(2) == 0).then_some(name);
            update(
                id,
                AccountPatch {
                    username,
                    email: Some(email),
                    update_time,
                    ..AccountPatch::default()
                },
            )
        }
        4 => Op::Account(AccountOp::Delete {
            id,
            tombstone_time: update_time,
        }),
        5..=6 => Op::Device(DeviceOp::Insert {
            id: device,
            user: id,
        }),
        _ => Op::Device(DeviceOp::Delete {
            id: device,
            user: id,
        }),
    }
}

fn random_batches_match_the_model(store: &Store, seed: u64) {
    let mut rng = Rng::new(seed);
    let mut model = Model::default();
    let mut outcomes = BTreeSet::new();
    for step in 0..100 {
        let batch: Batch = (0..1 + rng.below(3)).map(|_| random_op(&mut rng)).collect();
        let mut next = model.clone();
        let expected = batch
            .ops
            .iter()
            .enumerate()
            .try_for_each(|(index, op)| next.apply(op).map_err(|conflicts| (index, conflicts)));
        let found = commit_all(store, batch.clone());
        outcomes.insert(found.is_ok());
        match (&expected, &found) {
            (Ok(()), Ok(_)) => model = next,
            (Err((index, allowed)), Err((at, conflict)))
                if at == index && allowed.contains(conflict) => {}
            _ => {
                panic!("seed {seed}, step {step}: {batch:?} gave {found:?}, expected {expected:?}")
            }
        }
        for number in 0..5 {
            let id = user(number);
            assert_eq!(
                block_on(store.account_by_id(id)).unwrap().as_ref(),
                model.accounts.get(&id),
                "seed {seed}, step {step}"
            );
            let devices = model
                .devices
                .iter()
                .filter(|(_, owner)| **owner == id)
                .map(|(device, _)| device.clone());
            assert_eq!(
                block_on(store.devices_of(id)).unwrap(),
                devices.collect::<Vec<_>>(),
                "seed {seed}, step {step}"
            );
        }
    }
    assert_eq!(
        outcomes.len(),
        2,
        "seed {seed} never failed or never succeeded"
    );
}
