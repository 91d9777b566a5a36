//! Which waiting tickets a ticket could be matched with, without asking each.
//!
//! The question has two directions, and both are answered with the same sets of slots.
//! What the ticket demands is looked up among what the others say of themselves;
//! what it says of itself is looked up among what the others demand.
//! The answer contains every ticket with which both queries agree, and others: whoever asks puts the queries to them.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hash};

use hashbrown::HashMap;

use super::criteria::{Demand, FixedHasher, Need};
use super::numbers::{self, Node};
use super::slots::{Bits, Slot, SlotSet};
use super::ticket::{CREATED_AT, Fact, FactValue};

/// Most fields of which others' demands are held; those on further fields are put to everybody.
/// Each costs a decision at most some two microseconds with 100,000 waiting tickets.
const FIELDS_MAX: usize = 256;

/// Sets of waiting tickets by what they say and what they demand.
#[derive(Debug)]
pub(super) struct Index {
    hasher: FixedHasher,
    /// By a hash of what the members have in common. Two things with one hash only make answers longer.
    sets: HashMap<u64, SlotSet>,
    /// By the hash of the field's name.
    demanded: BTreeMap<u64, Demanded>,
    waiting: Bits,
    rated: SlotSet,
    /// Those who play with and without a rating.
    any_skill: SlotSet,
    scratch: Bits,
}

/// Who demands something of a field.
#[derive(Debug, Default)]
struct Demanded {
    anything: SlotSet,
    some_text: SlotSet,
}

/// What the members of a set have in common.
#[derive(Clone, Copy, Hash)]
enum Key {
    SaysText(u64),
    SaysNumber(Node),
    DemandsText(u64),
    DemandsNumber(Node),
    /// The rating is in this node.
    Rated(Node),
    /// The window around the rating has this node.
    Window(Node),
}

/// A rating and how far away others may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Reach {
    pub(super) mu: f64,
    pub(super) window: f64,
}

/// With whom one plays by ratings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Skill {
    /// With those near enough.
    Rated(Reach),
    /// With those who have none.
    Unrated,
    /// With both.
    Any,
}

impl Skill {
    /// Of tickets, and of rooms, which are not choosy where they have no rating.
    pub(super) fn of(reach: Option<Reach>, is_room: bool) -> Self {
        match (reach, is_room) {
            (Some(reach), _) => Self::Rated(reach),
            (None, true) => Self::Any,
            (None, false) => Self::Unrated,
        }
    }
}

impl Reach {
    fn cover(self) -> Vec<Node> {
        numbers::cover(self.mu - self.window, self.mu + self.window)
    }
}

impl Index {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            hasher: FixedHasher { seed },
            sets: HashMap::new(),
            demanded: BTreeMap::new(),
            waiting: Bits::default(),
            rated: SlotSet::default(),
            any_skill: SlotSet::default(),
            scratch: Bits::default(),
        }
    }

    pub(super) fn insert(&mut self, slot: Slot, facts: &[Fact<'_>], needs: &[Need]) {
        self.waiting.insert(slot);
        for key in self.fact_keys(facts) {
            self.sets.entry(key).or_default().insert(slot);
        }
        for need in needs {
            let field = self.hasher.hash_one(&*need.field);
            if !self.demanded.contains_key(&field) && self.demanded.len() == FIELDS_MAX {
                continue;
            }
            let demanded = self.demanded.entry(field).or_default();
            demanded.anything.insert(slot);
            if need.demand == Demand::SomeText {
                demanded.some_text.insert(slot);
            }
            for key in self.demand_keys(field, &need.demand) {
                self.sets.entry(key).or_default().insert(slot);
            }
        }
    }

    /// Takes out what [`Self::insert`] was given.
    pub(super) fn remove(&mut self, slot: Slot, facts: &[Fact<'_>], needs: &[Need]) {
        self.waiting.remove(slot);
        for key in self.fact_keys(facts) {
            self.remove_from(key, slot);
        }
        for need in needs {
            let field = self.hasher.hash_one(&*need.field);
            for key in self.demand_keys(field, &need.demand) {
                self.remove_from(key, slot);
            }
            if let Some(demanded) = self.demanded.get_mut(&field) {
                demanded.anything.remove(slot);
                demanded.some_text.remove(slot);
                if demanded.anything.is_empty() {
                    self.demanded.remove(&field);
                }
            }
        }
    }

    pub(super) fn insert_skill(&mut self, slot: Slot, skill: Skill) {
        match skill {
            Skill::Unrated => {}
            Skill::Any => self.any_skill.insert(slot),
            Skill::Rated(reach) => {
                self.rated.insert(slot);
                for key in self.reach_keys(reach) {
                    self.sets.entry(key).or_default().insert(slot);
                }
            }
        }
    }

    /// Takes out what [`Self::insert_skill`] was given.
    pub(super) fn remove_skill(&mut self, slot: Slot, skill: Skill) {
        match skill {
            Skill::Unrated => {}
            Skill::Any => self.any_skill.remove(slot),
            Skill::Rated(reach) => {
                self.rated.remove(slot);
                for key in self.reach_keys(reach) {
                    self.remove_from(key, slot);
                }
            }
        }
    }

    /// The tickets that a ticket could be matched with, itself perhaps among them.
    pub(super) fn find(
        &mut self,
        facts: &[Fact<'_>],
        needs: &[Need],
        skill: Skill,
        found: &mut Bits,
    ) {
        found.clone_from(&self.waiting);
        let mut scratch = std::mem::take(&mut self.scratch);
        for need in needs {
            self.keep_saying(need, found, &mut scratch);
        }
        let facts = facts.iter();
        let facts: Vec<(u64, FactValue<'_>)> = facts
            .map(|fact| (self.hasher.hash_one(&*fact.field), fact.value))
            .collect();
        for (field, demanded) in &self.demanded {
            scratch.clear();
            for (_, fact) in facts.iter().filter(|(name, _)| name == field) {
                self.add_accepting(*field, demanded, *fact, &mut scratch);
            }
            found.take_except(&demanded.anything, &scratch);
        }
        scratch.clear();
        match skill {
            Skill::Rated(reach) => {
                let inside = reach.cover().into_iter().map(Key::Rated);
                let around = numbers::path(reach.mu).map(Key::Window);
                for key in inside.chain(around) {
                    self.add(self.key(0, key), &mut scratch);
                }
                scratch.add(&self.any_skill);
                found.keep(&scratch);
            }
            Skill::Unrated => found.take_except(&self.rated, &scratch),
            Skill::Any => {}
        }
        self.scratch = scratch;
    }

    /// Keeps the tickets that say what is demanded.
    fn keep_saying(&self, need: &Need, found: &mut Bits, scratch: &mut Bits) {
        if need.field.as_ref() == CREATED_AT {
            return;
        }
        let field = self.hasher.hash_one(&*need.field);
        scratch.clear();
        match &need.demand {
            Demand::Text(text) => self.add(self.text_key(field, text, Key::SaysText), scratch),
            Demand::Number(number, text) => {
                self.add(self.text_key(field, text, Key::SaysText), scratch);
                for node in numbers::cover(*number, *number) {
                    self.add(self.key(field, Key::SaysNumber(node)), scratch);
                }
            }
            Demand::Range(low, high) => {
                for node in numbers::cover(*low, *high) {
                    self.add(self.key(field, Key::SaysNumber(node)), scratch);
                }
            }
            Demand::SomeText => return,
        }
        found.keep(scratch);
    }

    /// Adds those of a field's demanding tickets that accept what the fact says.
    fn add_accepting(&self, field: u64, demanded: &Demanded, fact: FactValue<'_>, out: &mut Bits) {
        match fact {
            FactValue::Text(text) => {
                out.add(&demanded.some_text);
                self.add(self.text_key(field, text, Key::DemandsText), out);
            }
            FactValue::Number(number) => {
                for node in numbers::path(number) {
                    self.add(self.key(field, Key::DemandsNumber(node)), out);
                }
            }
        }
    }

    fn add(&self, key: u64, out: &mut Bits) {
        if let Some(set) = self.sets.get(&key) {
            out.add(set);
        }
    }

    fn remove_from(&mut self, key: u64, slot: Slot) {
        if let Some(set) = self.sets.get_mut(&key) {
            set.remove(slot);
            if set.is_empty() {
                self.sets.remove(&key);
            }
        }
    }

    fn fact_keys(&self, facts: &[Fact<'_>]) -> Vec<u64> {
        let mut keys = Vec::new();
        // Every ticket's time is another: who says which is not worth the memory.
        for fact in facts.iter().filter(|fact| fact.field != CREATED_AT) {
            let field = self.hasher.hash_one(&*fact.field);
            match fact.value {
                FactValue::Text(text) => keys.push(self.text_key(field, text, Key::SaysText)),
                FactValue::Number(number) => {
                    let nodes = numbers::path(number).map(Key::SaysNumber);
                    keys.extend(nodes.map(|node| self.key(field, node)));
                }
            }
        }
        keys
    }

    fn demand_keys(&self, field: u64, demand: &Demand) -> Vec<u64> {
        let nodes = |low, high| {
            let nodes = numbers::cover(low, high).into_iter();
            nodes.map(|node| self.key(field, Key::DemandsNumber(node)))
        };
        match demand {
            Demand::Text(text) => vec![self.text_key(field, text, Key::DemandsText)],
            Demand::Range(low, high) => nodes(*low, *high).collect(),
            Demand::Number(number, text) => nodes(*number, *number)
                .chain([self.text_key(field, text, Key::DemandsText)])
                .collect(),
            Demand::SomeText => Vec::new(),
        }
    }

    fn reach_keys(&self, reach: Reach) -> Vec<u64> {
        let rated = numbers::path(reach.mu).map(Key::Rated);
        let window = reach.cover().into_iter().map(Key::Window);
        rated.chain(window).map(|key| self.key(0, key)).collect()
    }

    fn text_key(&self, field: u64, text: &str, key: fn(u64) -> Key) -> u64 {
        self.key(field, key(self.hasher.hash_one(text)))
    }

    fn key(&self, field: u64, key: Key) -> u64 {
        self.hasher.hash_one((field, key))
    }
}
