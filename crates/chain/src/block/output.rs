//! What a block gives away is bounded in bytes: its result crosses the door whole.
//!
//! Gas alone does not bound it: 100,000,000 gas buy 125 MB of uploads. A block whose result did not fit the door could be
//! executed by nobody, and a chain that has decided it would stand still for ever.

use crate::Bytes;
use crate::types::{Event, ExecTxResult, Hash};
use std::collections::BTreeMap;

/// Bytes that results, new content and writes of a block may take together. The door takes 64 MiB; the rest is for what
/// no transaction can be refused for: the error of one that does not decode, fees, the collector's balance.
pub const OUTPUT_BYTES_MAX: usize = 40 << 20;

/// What an event, an attribute or a result takes beside its texts: lengths, tags, numbers.
const ITEM_BYTES: usize = 16;
/// What a result takes beside its parts.
const RESULT_BYTES: usize = 64;
/// Hash and lengths of one piece of content.
const CONTENT_BYTES: usize = 48;

/// The output of the running block so far, without its writes.
#[derive(Debug, Default)]
pub(super) struct Output {
    told: usize,
}

impl Output {
    /// Whether nothing fits any more beside `writes` bytes of writes.
    pub(super) const fn is_full(&self, writes: usize) -> bool {
        self.told.saturating_add(writes) >= OUTPUT_BYTES_MAX
    }

    /// Whether `bytes` more fit.
    pub(super) const fn fits(&self, bytes: usize, writes: usize) -> bool {
        self.told.saturating_add(bytes).saturating_add(writes) <= OUTPUT_BYTES_MAX
    }

    /// Counts what leaves for certain.
    pub(super) const fn tell(&mut self, bytes: usize) {
        self.told = self.told.saturating_add(bytes);
    }
}

/// Bytes of a transaction's result.
pub(super) fn of_result(result: &ExecTxResult) -> usize {
    [&result.log, &result.info, &result.codespace]
        .into_iter()
        .map(String::len)
        .fold(
            of_success(result.data.len(), &result.events),
            usize::saturating_add,
        )
}

/// Bytes of the result of a transaction that ended well.
pub(super) fn of_success(data: usize, events: &[Event]) -> usize {
    let events = events.iter().map(|event| {
        let attributes = event.attributes.iter();
        let sizes = attributes.map(|a| {
            ITEM_BYTES
                .saturating_add(a.key.len())
                .saturating_add(a.value.len())
        });
        let own = ITEM_BYTES.saturating_add(event.kind.len());
        sizes.fold(own, usize::saturating_add)
    });
    events.fold(RESULT_BYTES.saturating_add(data), usize::saturating_add)
}

/// Bytes of new content.
pub(super) fn of_content(content: &BTreeMap<Hash, Bytes>) -> usize {
    let sizes = content
        .values()
        .map(|c| CONTENT_BYTES.saturating_add(c.len()));
    sizes.fold(0, usize::saturating_add)
}
