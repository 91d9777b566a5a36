//! Which of a ticket's candidates make the best match with it.

use super::ticket::Counts;

/// Most pairs that a search looks at, beyond one look at each; it then gives what it has found.
/// A pool of a dozen tickets is always searched wholly.
const PAIRS_MAX: usize = 8_192;

/// How many pairs searches may still look at.
pub(super) struct Effort(usize);

impl Effort {
    /// For searches among so many members.
    pub(super) fn new(members: usize) -> Self {
        Self(PAIRS_MAX + members * members)
    }
}

/// A ticket that may be part of the match.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member {
    /// Its players.
    pub(super) size: u32,
    pub(super) counts: Counts,
    /// Whether it has waited long enough for a match that is not full.
    pub(super) ripe: bool,
    /// The regions where it can play, one bit each.
    pub(super) regions: u64,
}

impl Counts {
    /// What both allow; the minimum may exceed the maximum.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            min: self.min.max(other.min),
            max: self.max.min(other.max),
            multiple: least_common_multiple(self.multiple, other.multiple),
        }
    }

    /// The largest number of players, not above the given one, that is allowed; 0 if none is.
    fn largest(self, players: u32) -> u32 {
        let players = players.min(self.max);
        let largest = players - players % self.multiple;
        if largest < self.min { 0 } else { largest }
    }

    fn allows(self, players: u32) -> bool {
        players > 0 && self.largest(players) == players
    }
}

fn least_common_multiple(one: u32, other: u32) -> u32 {
    let (mut divisor, mut rest) = (one, other);
    while rest > 0 {
        (divisor, rest) = (rest, divisor % rest);
    }
    (one / divisor).saturating_mul(other)
}

/// What is chosen so far.
#[derive(Clone, Copy)]
struct Choice {
    index: usize,
    counts: Counts,
    players: u32,
    ripe: bool,
    regions: u64,
}

/// The members of the best match with the first member: a full one, which no further player may join, as soon as one
/// is found; else the one with the most players, if one of its members is ripe. Earlier members are preferred.
/// `agree` says whether two members, neither of them the first, can play together; all can with the first.
/// `splits` says whether members, among them the first, can be split into teams.
pub(super) fn best(
    members: &[Member],
    effort: &mut Effort,
    mut agree: impl FnMut(usize, usize) -> bool,
    mut splits: impl FnMut(&[usize]) -> bool,
) -> Option<Vec<usize>> {
    let ahead = Ahead::new(members);
    let mut best = (0, None);
    let first = members.first()?;
    let mut chosen = vec![Choice {
        index: 0,
        counts: first.counts,
        players: first.size,
        ripe: first.ripe,
        regions: first.regions,
    }];
    let mut next = 1;
    if let Some(found) = judge(&chosen, &mut splits, &mut best) {
        return Some(found);
    }
    while let Some(last) = chosen.last().copied() {
        if next >= members.len() || ahead.is_hopeless(next, &last, best.0) {
            chosen.pop();
            next = last.index + 1;
            continue;
        }
        let index = next;
        next += 1;
        effort.0 = effort.0.saturating_sub(chosen.len());
        if effort.0 == 0 {
            break;
        }
        let Some(choice) = last.with(index, &members[index]) else {
            continue;
        };
        if chosen[1..].iter().all(|other| agree(other.index, index)) {
            chosen.push(choice);
            if let Some(found) = judge(&chosen, &mut splits, &mut best) {
                return Some(found);
            }
        }
    }
    best.1
}

/// Gives the choice if it is full, and keeps it as best if it is and will do.
fn judge(
    chosen: &[Choice],
    splits: &mut impl FnMut(&[usize]) -> bool,
    best: &mut (u32, Option<Vec<usize>>),
) -> Option<Vec<usize>> {
    let last = chosen.last()?;
    let full = last.counts.largest(u32::MAX) == last.players;
    let better = last.ripe && last.players > best.0;
    if !last.counts.allows(last.players) || !(full || better) {
        return None;
    }
    let indices: Vec<usize> = chosen.iter().map(|choice| choice.index).collect();
    if !splits(&indices) {
        return None;
    }
    if full {
        return Some(indices);
    }
    *best = (last.players, Some(indices));
    None
}

impl Choice {
    /// With one more member, if the numbers and the regions allow it.
    fn with(&self, index: usize, member: &Member) -> Option<Self> {
        let counts = self.counts.and(member.counts);
        let players = self.players + member.size;
        let regions = self.regions & member.regions;
        let possible = players <= counts.max && counts.largest(u32::MAX) > 0 && regions != 0;
        possible.then_some(Self {
            index,
            counts,
            players,
            ripe: self.ripe || member.ripe,
            regions,
        })
    }
}

/// What the members from an index on can still bring.
struct Ahead(Vec<Rest>);

#[derive(Clone, Copy, Default)]
struct Rest {
    players: u32,
    ripe: bool,
    /// Whether one of them makes full matches smaller than the first member does.
    narrows: bool,
}

impl Ahead {
    fn new(members: &[Member]) -> Self {
        let mut rests = vec![Rest::default(); members.len()];
        let mut rest = Rest::default();
        for (index, member) in members.iter().enumerate().rev() {
            let (own, first) = (member.counts, members[0].counts);
            rest.players += member.size;
            rest.ripe |= member.ripe;
            rest.narrows |= own.max < first.max || !first.multiple.is_multiple_of(own.multiple);
            rests[index] = rest;
        }
        Self(rests)
    }

    /// Whether nothing better can come of the choice and members from an index on.
    fn is_hopeless(&self, next: usize, last: &Choice, best: u32) -> bool {
        let rest = self.0[next];
        let players = last.players + rest.players;
        if players < last.counts.min {
            return true;
        }
        let full = last.counts.largest(u32::MAX);
        let full_in_reach = rest.narrows || players >= full;
        let better_in_reach = (last.ripe || rest.ripe) && last.counts.largest(players) > best;
        !full_in_reach && !better_in_reach
    }
}
