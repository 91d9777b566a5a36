//! What the house says about itself while it runs.
//! Owns: the set-up of log output, and the few metric types that every part shares.
//! Must not know: what is measured or logged. Metrics live beside what they measure; there is no global registry.

pub mod logs;
pub mod metrics;
