//! The imports of a contract (module `env`, contract-abi.md section 5, column v1): their names, types and what they
//! answer. One file per family; [`crate::Instance`] dispatches.

pub(crate) mod address;
pub(crate) mod sections;

use wasmparser::ValType;

/// The module name of every import.
pub const MODULE: &str = "env";

/// An imported function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Import {
    /// `db_read(key) -> region or 0`
    DbRead,
    /// `db_write(key, value)`
    DbWrite,
    /// `db_remove(key)`
    DbRemove,
    /// `addr_canonicalize(human, dest) -> 0 or error region`
    AddrCanonicalize,
    /// `addr_humanize(canon, dest) -> 0 or error region`
    AddrHumanize,
    /// `addr_validate(human) -> 0 or error region`
    AddrValidate,
    /// `query_chain(request) -> region`; suspends the call.
    QueryChain,
    /// `debug(message)`: does nothing.
    Debug,
    /// `secp256k1_verify(hash, sig, pubkey) -> i32`
    Secp256k1Verify,
    /// `secp256k1_recover_pubkey(hash, sig, param) -> i64`
    Secp256k1RecoverPubkey,
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
}

/// Names that exist in the protocol but not here yet, with what to say.
const NOT_YET: [(&str, &str); 2] = [
    ("db_scan", " (storage iteration is not built yet)"),
    ("db_next", " (storage iteration is not built yet)"),
];

impl Import {
    /// All of them.
    pub const ALL: [Self; 18] = [
        Self::DbRead,
        Self::DbWrite,
        Self::DbRemove,
        Self::AddrCanonicalize,
        Self::AddrHumanize,
        Self::AddrValidate,
        Self::QueryChain,
        Self::Debug,
        Self::Secp256k1Verify,
        Self::Secp256k1RecoverPubkey,
        Self::Ed25519Verify,
        Self::Ed25519BatchVerify,
        Self::Secp256k1Sign,
        Self::Ed25519Sign,
        Self::DcapQuoteVerify,
        Self::GasEvaporate,
        Self::CheckGas,
        Self::Abort,
    ];

    /// The name in the module `env`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::DbRead => "db_read",
            Self::DbWrite => "db_write",
            Self::DbRemove => "db_remove",
            Self::AddrCanonicalize => "addr_canonicalize",
            Self::AddrHumanize => "addr_humanize",
            Self::AddrValidate => "addr_validate",
            Self::QueryChain => "query_chain",
            Self::Debug => "debug",
            Self::Secp256k1Verify => "secp256k1_verify",
            Self::Secp256k1RecoverPubkey => "secp256k1_recover_pubkey",
            Self::Ed25519Verify => "ed25519_verify",
            Self::Ed25519BatchVerify => "ed25519_batch_verify",
            Self::Secp256k1Sign => "secp256k1_sign",
            Self::Ed25519Sign => "ed25519_sign",
            Self::DcapQuoteVerify => "dcap_quote_verify",
            Self::GasEvaporate => "gas_evaporate",
            Self::CheckGas => "check_gas",
            Self::Abort => "abort",
        }
    }

    /// The import of this name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|i| i.name() == name)
    }

    /// How many `i32` parameters it takes; it takes no others.
    #[must_use]
    pub fn params(self) -> usize {
        match self {
            Self::CheckGas => 0,
            Self::DbRead
            | Self::DbRemove
            | Self::AddrValidate
            | Self::QueryChain
            | Self::Debug
            | Self::GasEvaporate
            | Self::Abort => 1,
            Self::DbWrite
            | Self::AddrCanonicalize
            | Self::AddrHumanize
            | Self::Secp256k1Sign
            | Self::Ed25519Sign
            | Self::DcapQuoteVerify => 2,
            Self::Secp256k1Verify
            | Self::Secp256k1RecoverPubkey
            | Self::Ed25519Verify
            | Self::Ed25519BatchVerify => 3,
        }
    }

    /// The type of its one result, if it has one.
    #[must_use]
    pub fn result(self) -> Option<ValType> {
        match self {
            Self::DbWrite | Self::DbRemove | Self::Debug | Self::Abort => None,
            Self::Secp256k1RecoverPubkey
            | Self::Secp256k1Sign
            | Self::Ed25519Sign
            | Self::DcapQuoteVerify
            | Self::CheckGas => Some(ValType::I64),
            _ => Some(ValType::I32),
        }
    }

    /// What a refusal adds about a name that we do not have.
    pub(crate) fn why_not(name: &str) -> &'static str {
        NOT_YET
            .iter()
            .find(|(n, _)| *n == name)
            .map_or("", |(_, why)| *why)
    }
}
