//! Sets of slots: sorted lists while they are short, bits when they are long.

/// Where a waiting ticket is: an index that is used again when the ticket is gone.
pub(super) type Slot = u32;

/// A set of slots that tickets enter and leave.
#[derive(Clone, Debug)]
pub(super) enum SlotSet {
    /// In ascending order.
    Few(Vec<Slot>),
    /// With their number.
    Many(Bits, u32),
}

/// A list is at most this long, or as long as it takes less memory than bits would; the next slot makes it bits.
const FEW_MAX: usize = 512;

/// Bits that are fewer than this, and fewer than half of what is worth them, become a list again.
const MANY_MIN: usize = 256;

impl Default for SlotSet {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl SlotSet {
    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::Few(slots) if slots.is_empty())
    }

    pub(super) fn insert(&mut self, slot: Slot) {
        match self {
            Self::Few(slots) => {
                let Err(at) = slots.binary_search(&slot) else {
                    return;
                };
                let highest = slots.last().copied().unwrap_or_default().max(slot);
                if slots.len() < FEW_MAX.max(highest as usize / 32) {
                    slots.insert(at, slot);
                    return;
                }
                let mut bits = Bits::default();
                slots.iter().for_each(|slot| bits.insert(*slot));
                bits.insert(slot);
                *self = Self::Many(bits, slots.len() as u32 + 1);
            }
            Self::Many(bits, count) => {
                *count += u32::from(!bits.contains(slot));
                bits.insert(slot);
            }
        }
    }

    pub(super) fn remove(&mut self, slot: Slot) {
        match self {
            Self::Few(slots) => {
                if let Ok(at) = slots.binary_search(&slot) {
                    slots.remove(at);
                }
            }
            Self::Many(bits, count) => {
                *count -= u32::from(bits.contains(slot));
                bits.remove(slot);
                if (*count as usize) < MANY_MIN.max(bits.0.len()) {
                    *self = Self::Few(bits.iter().collect());
                }
            }
        }
    }
}

/// A set of slots as bits.
#[derive(Clone, Debug, Default)]
pub(super) struct Bits(Vec<u64>);

impl Bits {
    pub(super) fn contains(&self, slot: Slot) -> bool {
        let (word, bit) = place(slot);
        self.0.get(word).is_some_and(|word| word & bit != 0)
    }

    pub(super) fn insert(&mut self, slot: Slot) {
        let (word, bit) = place(slot);
        if word >= self.0.len() {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= bit;
    }

    pub(super) fn remove(&mut self, slot: Slot) {
        let (word, bit) = place(slot);
        if let Some(word) = self.0.get_mut(word) {
            *word &= !bit;
        }
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Adds a set's slots.
    pub(super) fn add(&mut self, set: &SlotSet) {
        match set {
            SlotSet::Few(slots) => slots.iter().for_each(|slot| self.insert(*slot)),
            SlotSet::Many(bits, _) => {
                if self.0.len() < bits.0.len() {
                    self.0.resize(bits.0.len(), 0);
                }
                let words = self.0.iter_mut().zip(&bits.0);
                words.for_each(|(word, other)| *word |= other);
            }
        }
    }

    /// Keeps what is in the other set too.
    pub(super) fn keep(&mut self, other: &Self) {
        self.0.truncate(other.0.len());
        let words = self.0.iter_mut().zip(&other.0);
        words.for_each(|(word, other)| *word &= other);
    }

    /// Takes the slots of one set out, but for those of the other.
    pub(super) fn take_except(&mut self, out: &SlotSet, except: &Self) {
        match out {
            SlotSet::Few(slots) => slots
                .iter()
                .filter(|slot| !except.contains(**slot))
                .for_each(|slot| self.remove(*slot)),
            SlotSet::Many(out, _) => {
                for (index, (word, out)) in self.0.iter_mut().zip(&out.0).enumerate() {
                    *word &= !out | except.0.get(index).copied().unwrap_or_default();
                }
            }
        }
    }

    /// The slots in ascending order.
    pub(super) fn iter(&self) -> impl Iterator<Item = Slot> {
        self.0.iter().enumerate().flat_map(|(index, word)| {
            let mut left = *word;
            std::iter::from_fn(move || {
                let bit = (left != 0).then(|| left.trailing_zeros())?;
                left &= left - 1;
                Some(index as u32 * u64::BITS + bit)
            })
        })
    }
}

const fn place(slot: Slot) -> (usize, u64) {
    ((slot / u64::BITS) as usize, 1 << (slot % u64::BITS))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    proptest::proptest! {
        #[test]
        fn a_set_is_the_models(steps in proptest::collection::vec((0_u32..3, 0_u32..1_500), 0..3_000)) {
            let mut set = SlotSet::default();
            let mut model = BTreeSet::new();
            // Two of three steps add, so that lists become bits; the end takes all out, so that bits become lists.
            for (kind, slot) in steps {
                if kind < 2 {
                    set.insert(slot);
                    model.insert(slot);
                } else {
                    set.remove(slot);
                    model.remove(&slot);
                }
            }
            let mut bits = Bits::default();
            bits.add(&set);
            assert!(bits.iter().eq(model.iter().copied()));
            for slot in 0..1_500 {
                set.remove(slot);
            }
            assert!(set.is_empty());
        }

        #[test]
        fn algebra_is_the_models(
            one in proptest::collection::btree_set(0_u32..700, 0..600),
            two in proptest::collection::btree_set(0_u32..700, 0..600),
            three in proptest::collection::btree_set(0_u32..700, 0..600),
        ) {
            let bits = |slots: &BTreeSet<Slot>| {
                let mut bits = Bits::default();
                slots.iter().for_each(|slot| bits.insert(*slot));
                bits
            };
            let mut out = SlotSet::default();
            two.iter().for_each(|slot| out.insert(*slot));
            let mut kept = bits(&one);
            kept.keep(&bits(&two));
            assert!(kept.iter().eq(one.intersection(&two).copied()));
            let mut left = bits(&one);
            left.take_except(&out, &bits(&three));
            let expected = one.iter().filter(|slot| !two.contains(slot) || three.contains(slot));
            assert!(left.iter().eq(expected.copied()));
        }
    }
}
