#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| tagus_fuzz::SLOT_SNAPSHOTS(input));
