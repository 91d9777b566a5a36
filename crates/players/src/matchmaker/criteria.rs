//! A query made ready: what its clauses demand in a form that an index can hold, and what it costs.

use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

use hashbrown::HashTable;

use crate::query::{Clause, Comparison, Occur, Query, Test};

/// What one clause, or the ranges of one field, demand of others. It may accept more than the query does, never less.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Demand {
    /// The text of the field is this one.
    Text(Box<str>),
    /// The number of the field lies in this range, bounds included.
    Range(f64, f64),
    /// The number is this one, or the text is how it is written.
    Number(f64, Box<str>),
    /// The field has a text.
    SomeText,
}

/// What a query demands of one field.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Need {
    pub(super) field: Box<str>,
    pub(super) demand: Demand,
}

/// Most fields of a query that the index knows of; of the others it accepts anything.
const NEEDS_MAX: usize = 8;

/// A query and what is known about it. Tickets with the same query share it.
#[derive(Debug)]
pub(super) struct Criteria {
    query: Query,
    hash: u64,
    /// What [`cost`] says.
    cost: u32,
    /// Whether which tickets it prefers depends on more than their age.
    scores: bool,
}

impl Criteria {
    pub(super) fn query(&self) -> &Query {
        &self.query
    }

    pub(super) fn cost(&self) -> u32 {
        self.cost
    }

    pub(super) fn scores(&self) -> bool {
        self.scores
    }

    /// What the query demands, one need a field: most must-clauses give one.
    pub(super) fn needs(&self) -> Vec<Need> {
        let mut needs: Vec<Need> = Vec::new();
        let clauses = self.query.clauses().iter();
        for clause in clauses.filter(|clause| clause.occur == Occur::Must) {
            let Some(demand) = demand(&clause.test) else {
                continue;
            };
            let known = needs.iter().position(|need| need.field == clause.field);
            match known {
                Some(index) => needs[index].demand.narrow(demand),
                None if needs.len() < NEEDS_MAX => needs.push(Need {
                    field: clause.field.clone(),
                    demand,
                }),
                None => {}
            }
        }
        needs
    }
}

impl Demand {
    /// Joins a second demand on the same field: of two ranges what they have in common, else the narrower kind.
    fn narrow(&mut self, other: Self) {
        match (&mut *self, other) {
            (Self::Range(low, high), Self::Range(other_low, other_high)) => {
                *low = low.max(other_low);
                *high = high.min(other_high);
            }
            (Self::SomeText | Self::Range(..), other @ (Self::Text(_) | Self::Number(..))) => {
                *self = other;
            }
            (Self::SomeText | Self::Range(..) | Self::Text(_) | Self::Number(..), _) => {}
        }
    }
}

fn demand(test: &Test) -> Option<Demand> {
    match test {
        Test::Term(text) => Some(Demand::Text(text.clone())),
        Test::Number(number) => Some(Demand::Number(number.value, number.text.clone())),
        Test::NumberRange(Comparison::Less | Comparison::LessOrEqual, bound) => {
            Some(Demand::Range(f64::NEG_INFINITY, bound.value))
        }
        Test::NumberRange(Comparison::Greater | Comparison::GreaterOrEqual, bound) => {
            Some(Demand::Range(bound.value, f64::INFINITY))
        }
        Test::Wildcard(wildcard) if wildcard.is_any() => None,
        Test::Wildcard(_) | Test::Regexp(_) | Test::Fuzzy { .. } | Test::DateRange(..) => {
            Some(Demand::SomeText)
        }
        Test::Everything => None,
    }
}

/// What it costs to put a query to one ticket, at least 1, in units of some 50 ns.
pub(super) fn cost(query: &Query) -> u32 {
    query.clauses().iter().map(clause_cost).sum::<u32>().max(1)
}

fn clause_cost(clause: &Clause) -> u32 {
    match &clause.test {
        Test::Everything | Test::Term(_) | Test::Number(_) => 1,
        Test::NumberRange(..) | Test::DateRange(..) => 1,
        Test::Wildcard(_) => 4,
        Test::Fuzzy { .. } => 32,
        Test::Regexp(_) => 256,
    }
}

/// The queries in use.
#[derive(Debug, Default)]
pub(super) struct CriteriaTable {
    table: HashTable<(Arc<Criteria>, u32)>,
    hasher: FixedHasher,
}

impl CriteriaTable {
    /// The criteria of a query for one more ticket.
    pub(super) fn enter(&mut self, query: Query, text: &str) -> Arc<Criteria> {
        let hash = self.hasher.hash_one(text);
        let same = |(known, _): &(Arc<Criteria>, u32)| known.query == query;
        if let Some((known, users)) = self.table.find_mut(hash, same) {
            *users += 1;
            return Arc::clone(known);
        }
        let mut clauses = query.clauses().iter();
        let scores = clauses.any(|clause| clause.occur == Occur::Should);
        let cost = cost(&query);
        let criteria = Arc::new(Criteria {
            // A copy takes no more memory than it needs.
            query: query.clone(),
            hash,
            cost,
            scores,
        });
        self.keep(&criteria);
        criteria
    }

    /// One more ticket with these criteria.
    pub(super) fn enter_again(&mut self, criteria: &mut Arc<Criteria>) {
        let same = |(known, _): &(Arc<Criteria>, u32)| known.query == criteria.query;
        if let Some((known, users)) = self.table.find_mut(criteria.hash, same) {
            *users += 1;
            *criteria = Arc::clone(known);
        } else {
            self.keep(criteria);
        }
    }

    /// One ticket less with these criteria.
    pub(super) fn leave(&mut self, criteria: &Arc<Criteria>) {
        let same = |(known, _): &(Arc<Criteria>, u32)| Arc::ptr_eq(known, criteria);
        if let Ok(mut entry) = self.table.find_entry(criteria.hash, same) {
            entry.get_mut().1 -= 1;
            if entry.get().1 == 0 {
                entry.remove();
            }
        }
    }

    fn keep(&mut self, criteria: &Arc<Criteria>) {
        let entry = (Arc::clone(criteria), 1);
        let hash_of = |(known, _): &(Arc<Criteria>, u32)| known.hash;
        self.table.insert_unique(criteria.hash, entry, hash_of);
    }
}

/// A hasher of which the same seed gives the same hashes in every process.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FixedHasher {
    pub(super) seed: u64,
}

impl BuildHasher for FixedHasher {
    type Hasher = std::hash::DefaultHasher;

    fn build_hasher(&self) -> Self::Hasher {
        let mut hasher = Self::Hasher::new();
        hasher.write_u64(self.seed);
        hasher
    }
}
