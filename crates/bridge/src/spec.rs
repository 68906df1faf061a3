//! Names and byte limits of all messages: the table of docs/spec/door.md (a test holds the two together).

use strongroom_types::genesis::GENESIS_BYTES_MAX;

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// One row of the table.
#[derive(Debug, PartialEq, Eq)]
pub struct Spec {
    /// Name in the document.
    pub name: &'static str,
    /// Which half of the direction's enum: 0 or 1.
    pub half: u8,
    /// Which variant of the half.
    pub kind: u8,
    /// The most bytes of the encoded message, version included.
    pub limit: usize,
}

const fn spec(name: &'static str, half: u8, kind: u8, limit: usize) -> Spec {
    Spec {
        name,
        half,
        kind,
        limit,
    }
}

/// A message with a genesis file.
const GENESIS_MESSAGE_BYTES_MAX: usize = GENESIS_BYTES_MAX + MIB;
/// A block is at most 4 MiB of transactions and 1 MiB of evidence; the rest is commits and hints.
pub const EXECUTE_BLOCK_BYTES_MAX: usize = 12 * MIB;
/// Output of one block at most: writes, results, events and new content together.
pub const BLOCK_RESULT_BYTES_MAX: usize = 64 * MIB;
/// A stored value with its proof.
pub const PROVEN_BYTES_MAX: usize = 8 * MIB;
/// Paths of one `get_for_write`: so many proofs of the greatest depth (256 levels) fit its answer.
pub const PATHS_MAX: usize = 1024;
/// Exceptions of one block.
pub const EXCEPTIONS_MAX: usize = 1024;
/// Contract code.
pub const CODE_BYTES_MAX: usize = 4 * MIB;
/// The way of a joining node from the genesis to its share: some hundred light blocks of large sets, thousands of small ones.
pub const LIGHT_BLOCKS_BYTES_MAX: usize = 16 * MIB;
/// A query from outside: what `chain` reads is at most 4 MiB.
pub const QUERY_BYTES_MAX: usize = 4 * MIB + 4 * KIB;
/// A query's answer.
pub const QUERY_RESULT_BYTES_MAX: usize = 8 * MIB;

pub(crate) static BOOTSTRAP_BEGIN: Spec = spec("bootstrap_begin", 0, 0, 16);
pub(crate) static BOOTSTRAP_SEAL: Spec = spec("bootstrap_seal", 0, 1, GENESIS_MESSAGE_BYTES_MAX);
pub(crate) static UNSEAL: Spec = spec("unseal", 0, 2, GENESIS_MESSAGE_BYTES_MAX + MIB);
pub(crate) static INIT_CHAIN: Spec = spec("init_chain", 0, 3, GENESIS_MESSAGE_BYTES_MAX);
pub(crate) static EXECUTE_BLOCK: Spec = spec("execute_block", 0, 4, EXECUTE_BLOCK_BYTES_MAX);
pub(crate) static COMMITTED: Spec = spec("committed", 0, 5, 16);
pub(crate) static QUERY: Spec = spec("query", 0, 6, QUERY_BYTES_MAX);
pub(crate) static SIMULATE: Spec = spec("simulate", 0, 7, 4 * MIB);
pub(crate) static ATTEST: Spec = spec("attest", 0, 8, 128);
pub(crate) static STATUS: Spec = spec("status", 0, 9, 16);
pub(crate) static JOIN_BEGIN: Spec = spec("join_begin", 0, 10, GENESIS_MESSAGE_BYTES_MAX);
pub(crate) static JOIN_OPEN: Spec = spec(
    "join_open",
    0,
    11,
    GENESIS_MESSAGE_BYTES_MAX + LIGHT_BLOCKS_BYTES_MAX,
);

pub(crate) static BOOTSTRAP_ATTEST: Spec = spec("bootstrap_attest", 0, 12, 256);

pub(crate) static PROVEN: Spec = spec("proven", 1, 0, PROVEN_BYTES_MAX);
pub(crate) static PATHS: Spec = spec("paths", 1, 1, 16 * MIB);
pub(crate) static CODE: Spec = spec("code", 1, 2, CODE_BYTES_MAX);
pub(crate) static UNAVAILABLE: Spec = spec("unavailable", 1, 3, 4 * KIB);

pub(crate) static GET: Spec = spec("get", 0, 0, 64 * KIB);
pub(crate) static GET_FOR_WRITE: Spec = spec("get_for_write", 0, 1, 64 * KIB);
pub(crate) static GET_CODE: Spec = spec("get_code", 0, 2, 64);

pub(crate) static BEGUN: Spec = spec("begun", 1, 0, 128);
pub(crate) static SEALED: Spec = spec("sealed", 1, 1, 64 * KIB);
pub(crate) static STATUS_REPLY: Spec = spec("status_reply", 1, 2, 16 * KIB);
pub(crate) static CHAIN: Spec = spec("chain", 1, 3, BLOCK_RESULT_BYTES_MAX);
pub(crate) static BLOCK: Spec = spec("block", 1, 4, BLOCK_RESULT_BYTES_MAX);
pub(crate) static PUBLISHED: Spec = spec("published", 1, 5, 16);
pub(crate) static QUERY_REPLY: Spec = spec("query_reply", 1, 6, QUERY_RESULT_BYTES_MAX);
pub(crate) static EVIDENCE: Spec = spec("evidence", 1, 7, 64 * KIB);
pub(crate) static FAILED: Spec = spec("failed", 1, 8, 16 * KIB);
pub(crate) static JOINING: Spec = spec("joining", 1, 9, 128 * KIB);
pub(crate) static JOINED: Spec = spec("joined", 1, 10, 64 * KIB);

/// Host → enclave: half 0 = requests, half 1 = answers.
pub static FROM_HOST: [&Spec; 17] = [
    &BOOTSTRAP_BEGIN,
    &BOOTSTRAP_SEAL,
    &UNSEAL,
    &INIT_CHAIN,
    &EXECUTE_BLOCK,
    &COMMITTED,
    &QUERY,
    &SIMULATE,
    &ATTEST,
    &STATUS,
    &JOIN_BEGIN,
    &JOIN_OPEN,
    &BOOTSTRAP_ATTEST,
    &PROVEN,
    &PATHS,
    &CODE,
    &UNAVAILABLE,
];

/// Enclave → host: half 0 = asks, half 1 = replies.
pub static FROM_ENCLAVE: [&Spec; 14] = [
    &GET,
    &GET_FOR_WRITE,
    &GET_CODE,
    &BEGUN,
    &SEALED,
    &STATUS_REPLY,
    &CHAIN,
    &BLOCK,
    &PUBLISHED,
    &QUERY_REPLY,
    &EVIDENCE,
    &FAILED,
    &JOINING,
    &JOINED,
];
