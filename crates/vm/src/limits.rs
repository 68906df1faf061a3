//! Every limit of the contract engine, with its reason. All of them are consensus: a change needs a new
//! [`crate::PREP_VERSION`] (what is accepted) or a new `version.app` (what happens at run time).
//!
//! "Seen" is the largest value in 55 public contract binaries (63 KB to 2.0 MB, by toolchains of five years).

/// Bytes of one wasm page.
pub const PAGE_BYTES: usize = 65_536;

// ---- what a module may be -------------------------------------------------------------------------------------------

/// Bytes of a module, after unzipping: the limit that clients know (contract-abi.md 6.1).
pub const MODULE_BYTES_MAX: usize = 2_097_152;
/// Imported functions; the whole vocabulary has 33 names.
pub const IMPORTS_MAX: usize = 100;
/// Function types. Engines intern each; a module with one type per function would only cost memory. Seen: below 150.
pub const TYPES_MAX: usize = 2_000;
/// Functions of the module's own. Seen: 680.
pub const FUNCTIONS_MAX: usize = 20_000;
/// Entries of the one table. Seen: 193.
pub const TABLE_ENTRIES_MAX: u64 = 2_500;
/// Parameters of a function: they are copied at each call. Seen: 15.
pub const PARAMS_MAX: usize = 100;
/// Parameters of all functions together.
pub const PARAMS_TOTAL_MAX: usize = 10_000;
/// Results of a function or block; an entry point has exactly one.
pub const RESULTS_MAX: usize = 100;
/// Declared locals of a function: they are zeroed at each call. Seen: 105.
pub const LOCALS_MAX: usize = 1_000;
/// Declared locals of all functions together: 29 KB can declare 10^8 of them. Seen: 3,793.
pub const LOCALS_TOTAL_MAX: usize = 10_000;
/// Bytes of one function body: bounds what a compiler with superlinear passes can be fed. Seen: 236,557.
pub const BODY_BYTES_MAX: usize = 524_288;
/// Targets of one `br_table`. Seen: 114.
pub const BR_TABLE_TARGETS_MAX: u32 = 4_096;
/// Nesting of blocks in a function. Seen: 229.
pub const NESTING_MAX: usize = 512;
/// Values on the operand stack of a function: engines number them with 16 bits, together with the locals.
pub const OPERANDS_MAX: u32 = 10_000;
/// Global variables. Seen: 3.
pub const GLOBALS_MAX: usize = 1_000;
/// Exports; a contract needs 15 at most. Seen: below 40.
pub const EXPORTS_MAX: usize = 1_000;
/// Bytes of an import's or export's name.
pub const NAME_BYTES_MAX: usize = 256;
/// Data segments, of any length: the module bounds them together. Seen: 3, and 1,161,412 bytes in one.
pub const DATA_SEGMENTS_MAX: usize = 10_000;
/// Element segments; each is written into the table at every instantiation.
pub const ELEMENT_SEGMENTS_MAX: usize = 1_000;
/// Entries of all element segments together (they may overlap, so the table's size does not bound them).
pub const ELEMENTS_TOTAL_MAX: u64 = 10_000;
/// Pages of memory, initial and grown: 12 MiB, the reference's number. Seen: 34 initial.
pub const MEMORY_PAGES_MAX: u64 = 192;
/// The rewritten module may have this many times the bytes of the original …
pub const REWRITTEN_FACTOR: usize = 3;
/// … and this many more. (100,000 empty functions would grow 7x.)
pub const REWRITTEN_SLACK_BYTES: usize = 65_536;
/// Bytes of a name that a refusal quotes.
pub const QUOTED_BYTES_MAX: usize = 96;

// ---- what a call may do ---------------------------------------------------------------------------------------------

/// Slots (64-bit cells) of all frames on a call's stack; the engine's own may get three times as long by clearing. A frame takes its locals, its operands and
/// [`FRAME_SLOTS`]; the frame of a function that calls nothing is not counted up to [`UNCOUNTED_SLOTS_MAX`].
pub const STACK_SLOTS_MAX: u32 = 65_536;
/// Slots of a frame that is not counted, because its function calls nothing: there is at most one.
pub const UNCOUNTED_SLOTS_MAX: u32 = 128;
/// Slots that are clear beyond what is counted as clear: for one frame that is not counted, with what metering calls from
/// it (below 16 slots), and for the frame of the export (at most 6), rounded up.
pub const STACK_MARGIN_SLOTS: u32 = 192;
/// Slots that are cleared at once: 4 KiB.
pub const STACK_CHUNK_SLOTS: u32 = 512;
/// Chunks that are clear when an entry point begins: 16 KiB, of which [`STACK_MARGIN_SLOTS`] are the
/// margin. The token of `contracts/` never goes beyond.
pub const STACK_CHUNKS_OF_ENTRY: u32 = 4;
/// Chunks that are clear when the contract's allocator begins, which every argument and answer calls.
pub const STACK_CHUNKS_OF_ALLOCATE: u32 = 1;
/// Slots a frame takes beyond locals and operands: what an engine keeps for the return.
pub const FRAME_SLOTS: u32 = 4;
/// How much larger the engine's own stack limits are than ours: they must never be reached.
pub const ENGINE_STACK_FACTOR: usize = 16;
/// Wasm gas of one call, at most (contract-abi.md 6.3); 1 s of the worst class on the reference engine.
pub const CALL_GAS_MAX: u64 = 10_000_000_000;
/// Bytes of one argument (message, env): the largest message of a transaction is 2 MB.
pub const ARGUMENT_BYTES_MAX: usize = 2_097_152;
/// Bytes of what an entry point returns.
pub const RESULT_BYTES_MAX: usize = 1_048_576;
/// Bytes of a storage key.
pub const KEY_BYTES_MAX: usize = 65_536;
/// Bytes of a storage value.
pub const VALUE_BYTES_MAX: usize = 524_288;
/// Bytes of a query's request; it carries a contract message.
pub const QUERY_BYTES_MAX: usize = 1_048_576;
/// Bytes of a query's answer.
pub const ANSWER_BYTES_MAX: usize = 4_194_304;
/// Bytes of an address, human or canonical, that an import reads; a longer one gets an error text, not a trap, because
/// users write addresses.
pub const ADDRESS_BYTES_MAX: usize = 256;
/// Bytes of a message that an import hashes, signs or verifies, and of each section list of a batch.
pub const CRYPTO_MESSAGE_BYTES_MAX: usize = 1_048_576;
/// Bytes of the tag of a hash to a curve; above 255 it is hashed itself.
pub const HASH_TAG_BYTES_MAX: usize = 5_120;
/// Signatures of one batch.
pub const BATCH_MAX: usize = 256;
/// Bytes of an abort message that we keep (contract-abi.md section 5); a longer one is cut.
pub const ABORT_BYTES_MAX: usize = 8_192;
