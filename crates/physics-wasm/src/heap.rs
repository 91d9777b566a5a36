//! The module's allocator: sizes of powers of two, each with a list of what was freed.

#![expect(unsafe_code, reason = "an allocator hands out raw memory")]

use core::alloc::{GlobalAlloc, Layout};
use core::arch::wasm32::{memory_grow, memory_size};
use core::cell::UnsafeCell;
use core::ptr::null_mut;

struct Heap(UnsafeCell<Lists>);

struct Lists {
    /// The first free block of each size, 2^index bytes; each holds the address of the next.
    free: [*mut u8; CLASSES],
    /// What of the newest pages is unused.
    next: usize,
    end: usize,
}

#[global_allocator]
static HEAP: Heap = Heap(UnsafeCell::new(Lists {
    free: [null_mut(); CLASSES],
    next: 0,
    end: 0,
}));

// SAFETY: the module is built without threads, so nothing is ever shared between two.
unsafe impl Sync for Heap {}

// SAFETY: a block comes either from pages that nobody else has, or from a list of blocks that were given back; it is
// 2^class bytes long and aligned to `BLOCK_BYTES_MIN`, or to its size when an alignment above that asks for it.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: nothing that this function calls allocates, so the reference is the only one.
        let lists = unsafe { &mut *self.0.get() };
        let Some(class) = class_of(layout) else {
            return null_mut();
        };
        let block = lists.free[class];
        if block.is_null() {
            return lists.take(1 << class);
        }
        // SAFETY: a block on a list was given back, and its first word was written then.
        lists.free[class] = unsafe { *block.cast::<*mut u8>() };
        block
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as above.
        let lists = unsafe { &mut *self.0.get() };
        if let Some(class) = class_of(layout) {
            // SAFETY: the block is the caller's to give back, and longer than a word.
            unsafe { *block.cast::<*mut u8>() = lists.free[class] };
            lists.free[class] = block;
        }
    }
}

impl Lists {
    fn take(&mut self, bytes: usize) -> *mut u8 {
        if self.end - self.next < bytes {
            let pages = bytes.div_ceil(PAGE_BYTES).max(PAGES_MIN);
            let grown = memory_grow(0, pages);
            if grown == usize::MAX {
                return null_mut();
            }
            // What was left of the pages before stays unused, unless the new ones follow it.
            let begin = grown * PAGE_BYTES;
            if begin != self.end {
                self.next = begin;
            }
            self.end = memory_size(0) * PAGE_BYTES;
        }
        let block = self.next;
        self.next += bytes;
        core::ptr::with_exposed_provenance_mut(block)
    }
}

/// The power of two that holds the layout. Nothing in the module asks for an alignment above [`BLOCK_BYTES_MIN`].
fn class_of(layout: Layout) -> Option<usize> {
    let bytes = layout.size().max(BLOCK_BYTES_MIN);
    let class = bytes.checked_next_power_of_two()?.trailing_zeros() as usize;
    (class < CLASSES && layout.align() <= BLOCK_BYTES_MIN).then_some(class)
}

const BLOCK_BYTES_MIN: usize = 16;
/// The largest block has 2²⁶ bytes: a shot at its limit of events needs less.
const CLASSES: usize = 27;
const PAGE_BYTES: usize = 65_536;
const PAGES_MIN: usize = 2;
