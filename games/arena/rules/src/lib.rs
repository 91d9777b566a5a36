//! Rules of the arena: eat, grow, split.
