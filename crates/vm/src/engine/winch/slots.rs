//! Where instances live: slots that are made once, so that a call asks the system for no addresses and gives none back (ADR 29).
//!
//! wasmtime clears a slot when its instance ends: what was written of its memory goes back to the system, which gives zeroes for it; its table and the
//! upper part of its stacks are overwritten with zeroes and stay. So each instance begins on zeroes, whatever ran there before.
//!
//! What was written is not asked of the kernel (`pagemap_scan`), though that would be faster: a page that was swapped out is none of those that it
//! names, and would reach the next call.

use wasmtime::{Enabled, PoolingAllocationConfig};

use crate::limits;

/// Instances at one time; what finds no slot is interpreted, with the same results. Ten are alive for a query and as many for a transaction, at most:
/// the enclave holds its lanes against it. Simulations are interpreted and have none.
pub const INSTANCES_MAX: u32 = 60;
/// Calls of one instance at one time: its entry point, and its allocator while that waits for an import. No third begins ([`crate::Instance`]).
const STACKS_EACH: u32 = 2;
/// From so many on wasmtime divides a pool among cores, and who looks through the parts may find none free though one was at all times: a call under way
/// would fail for want of a stack.
const DIVIDED_FROM: u32 = 128;
const _: () = assert!(INSTANCES_MAX * STACKS_EACH < DIVIDED_FROM);
/// Bytes of a stack that stay. The rest is clean unless a call went deep.
const STACK_KEPT_BYTES: usize = 32 << 10;

/// Slots for so many instances. One that was used keeps at most 84 KiB of data.
pub(super) fn config(instances: u32) -> PoolingAllocationConfig {
    let pages = usize::try_from(limits::MEMORY_PAGES_MAX).unwrap_or(usize::MAX);
    let entries = usize::try_from(limits::TABLE_ENTRIES_MAX).unwrap_or(usize::MAX);
    let mut slots = PoolingAllocationConfig::new();
    slots
        .total_core_instances(instances)
        .total_memories(instances)
        .total_tables(instances)
        .total_stacks(instances.saturating_mul(STACKS_EACH))
        .max_memory_size(pages.saturating_mul(limits::PAGE_BYTES))
        .table_elements(entries)
        // Used slots before unused ones, whichever module had them: what is kept grows only with calls at one time.
        .max_unused_warm_slots(0)
        // Whole memories would be overwritten, of which most was never touched: that takes longer than the faults that it saves.
        .linear_memory_keep_resident(0)
        .table_keep_resident(entries.saturating_mul(size_of::<u64>()))
        .async_stack_keep_resident(STACK_KEPT_BYTES)
        .pagemap_scan(Enabled::No);
    slots
}
