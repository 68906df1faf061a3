//! Errors of the compute module.

use crate::types::error::Registered;

/// What gov answers whoever is not the authority of a message (wire.md 1.12.4).
pub const INVALID_SIGNER: Registered = Registered {
    codespace: "gov",
    code: 13,
    description: "expected gov account as only signer for proposal message",
};

crate::types::errors!("compute" {
    INSTANTIATE_FAILED = 2 "instantiate contract failed",
    EXECUTE_FAILED = 3 "execute contract failed",
    QUERY_FAILED = 4 "query contract failed",
    MIGRATE_FAILED = 5 "migrate contract failed",
    ACCOUNT_EXISTS = 6 "contract account already exists",
    INSUFFICIENT_GAS = 7 "insufficient gas",
    INVALID_GENESIS = 8 "invalid genesis",
    NOT_FOUND = 9 "not found",
    INVALID_MSG = 10 "invalid CosmosMsg from the contract",
    EMPTY = 11 "empty",
    LIMIT = 12 "exceeds limit",
    INVALID = 13 "invalid",
    DUPLICATE = 14 "duplicate",
    CREATE_FAILED = 15 "create contract failed",
    SIGNATURE_FAILED = 16 "parse signature failed",
    UNSUPPORTED_FOR_CONTRACT = 17 "unsupported for this contract",
    UNKNOWN_MSG = 18 "unknown message from the contract",
    REPLY_FAILED = 19 "reply to contract failed",
    INVALID_EVENT = 21 "invalid event",
    MAX_TRANSFER_CHANNELS = 22 "max transfer channels",
    MAX_CALL_DEPTH = 30 "max call depth exceeded",
    MAX_CONTRACT_SIZE = 31 "max contract size exceeded",
});
