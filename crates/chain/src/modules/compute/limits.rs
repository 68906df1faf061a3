//! Every limit of the compute module: name, value, reason.

/// Largest wasm, compressed or not, in bytes (contract-abi.md 6.1).
pub const CODE_BYTES_MAX: usize = 2_097_152;
/// Longest label, in bytes (contract-abi.md 6.4).
pub const LABEL_BYTES_MAX: usize = 512;
/// Longest salt of a predictable address, in bytes: the ordinary library's number.
pub const SALT_BYTES_MAX: usize = 64;
/// Longest `builder`, in characters.
pub const BUILDER_CHARS_MAX: usize = 128;
/// Longest `source`, in bytes: an URL that browsers still take.
pub const SOURCE_BYTES_MAX: usize = 2_048;
/// Largest encrypted contract message, in bytes (contract-abi.md 6.4).
pub const MSG_BYTES_MAX: usize = 2_048_000;
/// Shortest encrypted message: nonce, key, SIV and a code hash.
pub const MSG_BYTES_MIN: usize = 32 + 32 + 16 + 64;
/// Contract messages nested in each other (contract-abi.md 6.4).
pub const CALL_DEPTH_MAX: usize = 100;
/// Queries nested in each other, the outermost included (contract-abi.md 6.4).
pub const QUERY_DEPTH_MAX: usize = 10;
/// Instances alive at one time: each holds up to 12 MiB of guest memory. A call and the queries under it; calls that
/// dispatch messages hold none.
pub const LIVE_INSTANCES_MAX: usize = QUERY_DEPTH_MAX;
/// Longest plaintext storage key, in bytes. Keys are hashed, but they are held until the end of the block: long ones cost
/// by the byte.
pub const STORAGE_KEY_BYTES_MAX: usize = 65_536;
/// Largest plaintext storage value, in bytes: fits a proof answer of the door with room to spare.
pub const STORAGE_VALUE_BYTES_MAX: usize = 524_288;
/// Longest plaintext storage key of a contract that iterates, in bytes: its keys lie in pages, which are rewritten.
pub const ORDERED_KEY_BYTES_MAX: usize = 4_096;
/// Keys on a page of a contract's list: what the first write of a key rewrites, and what an iterator reads at once.
pub const ORDERED_PAGE_KEYS_MAX: usize = 32;
/// Bytes of keys on such a page, above which it is split though it has fewer keys: keys of contracts have 20 to 80 bytes.
pub const ORDERED_PAGE_BYTES_MAX: usize = 4_096;
/// Iterators that one call may open: there is no way to close one, so they are held until the call ends.
pub const ITERATORS_MAX: usize = 4_096;
/// Iterators of a call that hold the keys of the page where they stand: a contract that merges lists walks a few at a time.
pub const ITERATORS_AHEAD_MAX: usize = 4;
/// Largest answer of one query to a contract or to a client, in bytes.
pub const QUERY_RESULT_BYTES_MAX: usize = 1_048_576;
/// Longest message of a reply, in bytes: that of a user's message. The events of what was called are in it.
pub const REPLY_BYTES_MAX: usize = MSG_BYTES_MAX;
/// Messages that one response may send.
pub const MESSAGES_MAX: usize = 1_024;
/// Attributes, over all events, that one response may carry.
pub const ATTRIBUTES_MAX: usize = 4_096;
/// Migrations and admins that one proposal may allow: whoever sends one has paid nothing yet when their addresses are read.
pub const PROPOSAL_ENTRIES_MAX: usize = 256;
/// Bytes of responses whose messages wait for those of their calls to end, over all levels of one transaction: they are held.
pub const WAITING_BYTES_MAX: usize = 16 << 20;
/// Bytes of a contract's own text that an error shows in clear (an address, an amount, a key).
pub const QUOTED_BYTES_MAX: usize = 256;
/// Lengths in bytes that a sealed error, and sealed JSON, may have as they leave; above the last, those of
/// [`crate::types::size_class`]. The first holds most answers; few and far apart, so that texts that differ by a word rarely
/// stand on both sides of a step.
pub const OUTPUT_CLASSES: [usize; 3] = [256, 1_024, 4_096];
