//! The imports of a contract (module `env`, contract-abi.md section 5): their names, types, the generations that may use
//! them, and what they answer. One file per family; [`crate::Instance`] dispatches.

pub(crate) mod address;
pub(crate) mod sections;

use crate::entry::Generation;
use wasmparser::ValType;

/// The module name of every import.
pub const MODULE: &str = "env";

/// Parameters of an import, at most.
pub const PARAMS_MAX: usize = 4;

/// An imported function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Import {
    /// `db_read(key) -> region or 0`
    DbRead,
    /// `db_write(key, value)`
    DbWrite,
    /// `db_remove(key)`
    DbRemove,
    /// `db_scan(start or 0, end or 0, order) -> iterator`
    DbScan,
    /// `db_next(iterator) -> region with key and value, both empty at the end`; each generation writes them in its own form.
    DbNext,
    /// `db_next_key(iterator) -> region or 0`
    DbNextKey,
    /// `db_next_value(iterator) -> region or 0`
    DbNextValue,
    /// `canonicalize_address(human, dest) -> 0 or error region`; of v0.10.
    CanonicalizeAddress,
    /// `humanize_address(canon, dest) -> 0 or error region`; of v0.10.
    HumanizeAddress,
    /// `addr_canonicalize(human, dest) -> 0 or error region`
    AddrCanonicalize,
    /// `addr_humanize(canon, dest) -> 0 or error region`
    AddrHumanize,
    /// `addr_validate(human) -> 0 or error region`
    AddrValidate,
    /// `query_chain(request) -> region`; suspends the call.
    QueryChain,
    /// `debug_print(message)`: does nothing; of v0.10.
    DebugPrint,
    /// `debug(message)`: does nothing.
    Debug,
    /// `secp256k1_verify(hash, sig, pubkey) -> i32`
    Secp256k1Verify,
    /// `secp256k1_recover_pubkey(hash, sig, param) -> i64`
    Secp256k1RecoverPubkey,
    /// `secp256r1_verify(hash, sig, pubkey) -> i32`
    Secp256r1Verify,
    /// `secp256r1_recover_pubkey(hash, sig, param) -> i64`
    Secp256r1RecoverPubkey,
    /// `bls12_381_aggregate_g1(points, dest) -> i32`
    Bls12381AggregateG1,
    /// `bls12_381_aggregate_g2(points, dest) -> i32`
    Bls12381AggregateG2,
    /// `bls12_381_pairing_equality(ps, qs, r, s) -> i32`
    Bls12381PairingEquality,
    /// `bls12_381_hash_to_g1(hash function, msg, tag, dest) -> i32`
    Bls12381HashToG1,
    /// `bls12_381_hash_to_g2(hash function, msg, tag, dest) -> i32`
    Bls12381HashToG2,
    /// `ed25519_verify(msg, sig, pubkey) -> i32`
    Ed25519Verify,
    /// `ed25519_batch_verify(msgs, sigs, pubkeys) -> i32`
    Ed25519BatchVerify,
    /// `secp256k1_sign(msg, key) -> i64`
    Secp256k1Sign,
    /// `ed25519_sign(msg, seed) -> i64`
    Ed25519Sign,
    /// `dcap_quote_verify(quote, collateral) -> i64`
    DcapQuoteVerify,
    /// `gas_evaporate(sdk_gas) -> 0`
    GasEvaporate,
    /// `check_gas() -> SDK gas used so far, at least 1`
    CheckGas,
    /// `abort(message)`
    Abort,
    /// `message_bound() -> 1 or 0`: whether the message is bound to its sender; ours.
    MessageBound,
}

impl Import {
    /// All of them.
    pub const ALL: [Self; 33] = [
        Self::DbRead,
        Self::DbWrite,
        Self::DbRemove,
        Self::DbScan,
        Self::DbNext,
        Self::DbNextKey,
        Self::DbNextValue,
        Self::CanonicalizeAddress,
        Self::HumanizeAddress,
        Self::AddrCanonicalize,
        Self::AddrHumanize,
        Self::AddrValidate,
        Self::QueryChain,
        Self::DebugPrint,
        Self::Debug,
        Self::Secp256k1Verify,
        Self::Secp256k1RecoverPubkey,
        Self::Secp256r1Verify,
        Self::Secp256r1RecoverPubkey,
        Self::Bls12381AggregateG1,
        Self::Bls12381AggregateG2,
        Self::Bls12381PairingEquality,
        Self::Bls12381HashToG1,
        Self::Bls12381HashToG2,
        Self::Ed25519Verify,
        Self::Ed25519BatchVerify,
        Self::Secp256k1Sign,
        Self::Ed25519Sign,
        Self::DcapQuoteVerify,
        Self::GasEvaporate,
        Self::CheckGas,
        Self::Abort,
        Self::MessageBound,
    ];

    /// The name in the module `env`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::DbRead => "db_read",
            Self::DbWrite => "db_write",
            Self::DbRemove => "db_remove",
            Self::DbScan => "db_scan",
            Self::DbNext => "db_next",
            Self::DbNextKey => "db_next_key",
            Self::DbNextValue => "db_next_value",
            Self::CanonicalizeAddress => "canonicalize_address",
            Self::HumanizeAddress => "humanize_address",
            Self::AddrCanonicalize => "addr_canonicalize",
            Self::AddrHumanize => "addr_humanize",
            Self::AddrValidate => "addr_validate",
            Self::QueryChain => "query_chain",
            Self::DebugPrint => "debug_print",
            Self::Debug => "debug",
            Self::Secp256k1Verify => "secp256k1_verify",
            Self::Secp256k1RecoverPubkey => "secp256k1_recover_pubkey",
            Self::Secp256r1Verify => "secp256r1_verify",
            Self::Secp256r1RecoverPubkey => "secp256r1_recover_pubkey",
            Self::Bls12381AggregateG1 => "bls12_381_aggregate_g1",
            Self::Bls12381AggregateG2 => "bls12_381_aggregate_g2",
            Self::Bls12381PairingEquality => "bls12_381_pairing_equality",
            Self::Bls12381HashToG1 => "bls12_381_hash_to_g1",
            Self::Bls12381HashToG2 => "bls12_381_hash_to_g2",
            Self::Ed25519Verify => "ed25519_verify",
            Self::Ed25519BatchVerify => "ed25519_batch_verify",
            Self::Secp256k1Sign => "secp256k1_sign",
            Self::Ed25519Sign => "ed25519_sign",
            Self::DcapQuoteVerify => "dcap_quote_verify",
            Self::GasEvaporate => "gas_evaporate",
            Self::CheckGas => "check_gas",
            Self::Abort => "abort",
            Self::MessageBound => "message_bound",
        }
    }

    /// The import of this name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|i| i.name() == name)
    }

    /// Whether contracts of this generation may use it.
    #[must_use]
    pub fn is_of(self, generation: Generation) -> bool {
        match self {
            Self::CanonicalizeAddress | Self::HumanizeAddress | Self::DebugPrint => {
                generation == Generation::V010
            }
            Self::AddrCanonicalize
            | Self::AddrHumanize
            | Self::AddrValidate
            | Self::Debug
            | Self::DcapQuoteVerify
            | Self::GasEvaporate
            | Self::CheckGas
            | Self::DbNextKey
            | Self::DbNextValue
            | Self::Abort
            | Self::MessageBound
            | Self::Secp256r1Verify
            | Self::Secp256r1RecoverPubkey
            | Self::Bls12381AggregateG1
            | Self::Bls12381AggregateG2
            | Self::Bls12381PairingEquality
            | Self::Bls12381HashToG1
            | Self::Bls12381HashToG2 => generation == Generation::V1,
            Self::DbRead
            | Self::DbWrite
            | Self::DbRemove
            | Self::DbScan
            | Self::DbNext
            | Self::QueryChain
            | Self::Secp256k1Verify
            | Self::Secp256k1RecoverPubkey
            | Self::Ed25519Verify
            | Self::Ed25519BatchVerify
            | Self::Secp256k1Sign
            | Self::Ed25519Sign => true,
        }
    }

    /// How many `i32` parameters it takes; it takes no others.
    #[must_use]
    pub fn params(self) -> usize {
        match self {
            Self::CheckGas | Self::MessageBound => 0,
            Self::DbRead
            | Self::DbRemove
            | Self::DbNext
            | Self::DbNextKey
            | Self::DbNextValue
            | Self::AddrValidate
            | Self::QueryChain
            | Self::DebugPrint
            | Self::Debug
            | Self::GasEvaporate
            | Self::Abort => 1,
            Self::DbWrite
            | Self::CanonicalizeAddress
            | Self::HumanizeAddress
            | Self::AddrCanonicalize
            | Self::AddrHumanize
            | Self::Secp256k1Sign
            | Self::Ed25519Sign
            | Self::DcapQuoteVerify
            | Self::Bls12381AggregateG1
            | Self::Bls12381AggregateG2 => 2,
            Self::DbScan
            | Self::Secp256k1Verify
            | Self::Secp256k1RecoverPubkey
            | Self::Secp256r1Verify
            | Self::Secp256r1RecoverPubkey
            | Self::Ed25519Verify
            | Self::Ed25519BatchVerify => 3,
            Self::Bls12381PairingEquality | Self::Bls12381HashToG1 | Self::Bls12381HashToG2 => 4,
        }
    }

    /// The type of its one result, if it has one.
    #[must_use]
    pub fn result(self) -> Option<ValType> {
        match self {
            Self::DbWrite | Self::DbRemove | Self::DebugPrint | Self::Debug | Self::Abort => None,
            Self::Secp256k1RecoverPubkey
            | Self::Secp256r1RecoverPubkey
            | Self::Secp256k1Sign
            | Self::Ed25519Sign
            | Self::DcapQuoteVerify
            | Self::CheckGas => Some(ValType::I64),
            _ => Some(ValType::I32),
        }
    }
}
