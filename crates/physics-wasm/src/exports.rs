//! What a page calls. One session; a page that wants two, one of them to aim with, makes two instances of the module.

#![expect(
    unsafe_code,
    reason = "exported names and the one session behind them are unsafe to write, and no thread shares them"
)]

use core::cell::UnsafeCell;

use crate::session::Session;

struct Only(UnsafeCell<Option<Session>>);

// SAFETY: the module is built without threads, so nothing is ever shared between two.
unsafe impl Sync for Only {}

static SESSION: Only = Only(UnsafeCell::new(None));

// Not repeated in each export: the module is to be small.
#[inline(never)]
fn session() -> &'static mut Session {
    // SAFETY: each export takes this reference once and lets go of it before it returns to the page, and none calls
    // another, so no two are alive at a time.
    unsafe { &mut *SESSION.0.get() }.get_or_insert_with(Session::new)
}

/// Where the buffer of `INPUT_BYTES` bytes is.
#[unsafe(no_mangle)]
extern "C" fn input() -> *mut u8 {
    session().input.as_mut_ptr()
}

#[unsafe(no_mangle)]
extern "C" fn open(version: u32) -> u32 {
    session().open(version) as u32
}

#[unsafe(no_mangle)]
extern "C" fn rack(rack: u32, seed: u64) -> u32 {
    session().rack(rack, seed) as u32
}

#[unsafe(no_mangle)]
extern "C" fn load(length: usize) -> u32 {
    session().load(length) as u32
}

#[unsafe(no_mangle)]
extern "C" fn save() -> usize {
    session().save()
}

#[unsafe(no_mangle)]
extern "C" fn shoot(length: usize) -> u32 {
    session().shoot(length) as u32
}

#[unsafe(no_mangle)]
extern "C" fn hash() -> u64 {
    session().outcome().hash
}

#[unsafe(no_mangle)]
extern "C" fn seconds() -> f64 {
    session().outcome().seconds
}

#[unsafe(no_mangle)]
extern "C" fn event_count() -> u32 {
    session().outcome().event_count
}

#[unsafe(no_mangle)]
extern "C" fn is_cut() -> u32 {
    u32::from(session().outcome().is_cut)
}

#[unsafe(no_mangle)]
extern "C" fn frames(seconds: f64) -> u64 {
    place(session().frames(seconds))
}

#[unsafe(no_mangle)]
extern "C" fn places() -> u64 {
    place(session().places())
}

#[unsafe(no_mangle)]
extern "C" fn log() -> u64 {
    place(session().log())
}

#[unsafe(no_mangle)]
extern "C" fn geometry() -> u64 {
    place(session().geometry())
}

#[unsafe(no_mangle)]
extern "C" fn sizes() -> u64 {
    place(session().sizes())
}

/// Address and count in one: the address is the upper half. Valid until the next call.
fn place(numbers: &[f64]) -> u64 {
    (numbers.as_ptr() as u64) << 32 | numbers.len() as u64
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
