//! A small seeded generator. Never for secrets: tokens and ids come from the operating system at the edge.

/// Seeded pseudo-random generator (xoshiro256++ seeded by splitmix64).
///
/// The same seed gives the same numbers on every platform and for ever: recordings depend on it.
/// Source: Blackman and Vigna, "Scrambled linear pseudorandom number generators".
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rng {
    state: [u64; 4],
}

impl Rng {
    /// A generator with the given seed; any value is good.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        let mut mix = seed;
        let mut state = [0; 4];
        let mut index = 0;
        while index < 4 {
            mix = mix.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut word = mix;
            word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            state[index] = word ^ (word >> 31);
            index += 1;
        }
        Self { state }
    }

    /// The whole state, to be put into a snapshot.
    #[must_use]
    pub const fn state(&self) -> [u64; 4] {
        self.state
    }

    /// Continues from a state taken by [`Rng::state`]. An all-zero state, which no seed produces, becomes seed 0.
    #[must_use]
    pub const fn from_state(state: [u64; 4]) -> Self {
        if state[0] == 0 && state[1] == 0 && state[2] == 0 && state[3] == 0 {
            return Self::new(0);
        }
        Self { state }
    }

    /// The next 64 uniformly distributed bits.
    pub const fn next_u64(&mut self) -> u64 {
        let [a, b, c, d] = self.state;
        let result = a.wrapping_add(d).rotate_left(23).wrapping_add(a);
        let c2 = c ^ a;
        let d2 = d ^ b;
        self.state = [a ^ d2, b ^ c2, c2 ^ (b << 17), d2.rotate_left(45)];
        result
    }

    /// A number in `0..bound`; 0 when `bound` is 0.
    ///
    /// Multiply-shift without rejection: the bias is below 2⁻³² for the bounds games use.
    pub const fn below(&mut self, bound: u32) -> u32 {
        (((self.next_u64() >> 32) * bound as u64) >> 32) as u32
    }

    /// A number in `0.0..1.0` with 24 random bits.
    pub const fn unit_f32(&mut self) -> f32 {
        (self.next_u64() >> 40) as f32 / 16_777_216.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_a_seed_are_frozen() {
        let mut rng = Rng::new(1);
        let seen = [rng.next_u64(), rng.next_u64(), rng.next_u64()];
        assert_eq!(
            seen,
            [
                0xcfc5_d07f_6f03_c29b,
                0xbf42_4132_963f_e08d,
                0x19a3_7d57_57aa_f520
            ]
        );
    }

    #[test]
    fn below_stays_below_and_reaches_every_value() {
        let mut rng = Rng::new(7);
        let mut seen = [false; 6];
        for _ in 0..1_000 {
            seen[rng.below(6) as usize] = true;
        }
        assert_eq!(seen, [true; 6]);
        assert_eq!(rng.below(0), 0);
    }

    #[test]
    fn a_restored_state_runs_on() {
        let mut rng = Rng::new(3);
        rng.next_u64();
        let mut twin = Rng::from_state(rng.state());
        assert_eq!(rng.next_u64(), twin.next_u64());
        assert_ne!(Rng::from_state([0; 4]).next_u64(), 0);
    }
}
