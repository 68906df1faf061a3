//! What can go wrong, by whose fault: [`PrepareError`] (the module is refused), [`Trap`] (the contract failed; part of
//! the chain's result) and [`VmFault`] (we or our host failed; the block must stop, nothing of it may be published).
//! [`EngineError`] stands between: what a contract can provoke in an engine becomes one of the first two, what it cannot
//! (no memory on this machine) a fault.

/// Why a module is refused. `Display` is the inner text of
/// `Execution error: Error during static Wasm validation: …: create contract failed` (wire.md 1.12.4).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PrepareError {
    /// Not a wasm module, or not a valid one with the accepted features.
    #[error("Wasm bytecode could not be deserialized. Deserialization error: \"{function}{what}\"")]
    Invalid {
        /// The function, `function 'name' (#index): `, or empty.
        function: String,
        /// What is wrong.
        what: Invalid,
    },
    /// A named limit of [`crate::limits`] is exceeded.
    #[error("Wasm contract exceeds a limit: {function}{what} {found}, at most {limit}")]
    Limit {
        /// The function, `function "name" (#index): `, or empty.
        function: String,
        /// What is limited.
        what: &'static str,
        /// What the module has.
        found: u64,
        /// The limit.
        limit: u64,
    },
    /// Something valid that we do not take.
    #[error("Wasm contract is refused: {function}{reason}")]
    Refused {
        /// The function, or empty.
        function: String,
        /// Why.
        reason: String,
    },
    /// No memory.
    #[error("Wasm contract doesn't have a memory section")]
    NoMemory,
    /// More than one memory, or an imported one.
    #[error("Wasm contract must contain exactly one memory")]
    Memories,
    /// Initial memory too large.
    #[error("Wasm contract memory's minimum must not exceed {limit} pages.")]
    MemoryPages {
        /// The limit in pages.
        limit: u64,
    },
    /// An import that we do not have, or not yet, or with another type.
    #[error("Wasm contract requires unsupported import: \"{name}\"{reason}")]
    Import {
        /// `module.name`.
        name: String,
        /// More about it, or empty.
        reason: String,
    },
    /// A required export is missing or has the wrong type.
    #[error("Wasm contract doesn't have required export: \"{name}\"{reason}")]
    Export {
        /// The export.
        name: String,
        /// More about it, or empty.
        reason: String,
    },
    /// A `requires_<x>` that we do not offer.
    #[error("Wasm contract requires unsupported features: {{{features}}}")]
    Features {
        /// The names, quoted, sorted, separated by commas.
        features: String,
    },
    /// No interface marker that we know.
    #[error(
        "Contract is not CosmWasm v0.10 or v1: it exports neither `cosmwasm_vm_version_3` nor `interface_version_8`"
    )]
    NotAContract,
    /// The contract engine cannot load it, or panicked on it: its mistake or ours, with the same end everywhere.
    #[error("Wasm contract is refused: the contract engine cannot run it")]
    Engine,
}

/// In what way a module is not valid. The parser's own texts would change with its version, so these are few and ours: a
/// validator on the uploader's machine says more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Invalid {
    /// It does not begin like a module.
    #[error("it does not begin with the eight bytes of a wasm module, version 1")]
    Header,
    /// Something outside of functions.
    #[error("a section is malformed or not valid with the accepted features")]
    Section,
    /// Something in the function that is named.
    #[error("the code is malformed or not valid with the accepted features")]
    Code,
    /// What `prepare` wrote: a mistake of ours.
    #[error("the metered module is not valid")]
    Metered,
}

impl PrepareError {
    /// A stable number, for logs and tests; 11 was "v0.10 is not supported yet".
    #[must_use]
    pub fn code(&self) -> u32 {
        match self {
            Self::Invalid { .. } => 1,
            Self::Limit { .. } => 2,
            Self::Refused { .. } => 3,
            Self::NoMemory => 4,
            Self::Memories => 5,
            Self::MemoryPages { .. } => 6,
            Self::Import { .. } => 7,
            Self::Export { .. } => 8,
            Self::Features { .. } => 9,
            Self::NotAContract => 10,
            Self::Engine => 12,
        }
    }
}

/// Why a contract's call failed. `Display` is the text of contract-abi.md 6.5, except for [`Trap::Abort`], whose
/// message may hold secrets: `Display` leaves it out, [`Trap::abort_text`] gives it, to be sealed to the sender.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Trap {
    /// The limit given to the call is used up.
    #[error("execution ran out of gas")]
    OutOfGas,
    /// `unreachable`: a panic without a message.
    #[error("the contract panicked")]
    Unreachable,
    /// The import `abort`, with its message (at most 8 KiB of UTF-8, else a replacement).
    #[error("the contract panicked")]
    Abort(String),
    /// A load or store beyond memory.
    #[error("the contract tried to access memory out of bounds")]
    MemoryOutOfBounds,
    /// A table entry that does not exist.
    #[error("the contract tried to access a nonexistent resource")]
    TableOutOfBounds,
    /// Integer division by zero.
    #[error("the contract tried to divide by zero")]
    DivisionByZero,
    /// A float that is no integer, or an integer overflow.
    #[error("the contract tried to perform an invalid conversion to an integer")]
    InvalidConversion,
    /// The stack of [`crate::limits::STACK_SLOTS_MAX`] is used up.
    #[error("the contract has run out of space on the stack")]
    StackExhausted,
    /// `call_indirect` with another type than the function has.
    #[error("the contract tried to call a function but expected an incorrect function signature")]
    BadSignature,
    /// The module has no such entry point.
    #[error("calling a function in the contract failed for an unexpected reason")]
    MissingFunction,
    /// A region that cannot be read: null, out of bounds, length over capacity, or larger than the import takes.
    #[error("failed to read memory")]
    MemoryRead,
    /// A region that cannot be written, or is too small.
    #[error("failed to write memory")]
    MemoryWrite,
    /// The contract's `allocate` gave no usable region, or called an import that needs one.
    #[error("failed to allocate memory")]
    MemoryAllocate,
    /// `db_write` or `db_remove` in query mode.
    #[error("contract tried to write to storage during a query")]
    WriteInQuery,
    /// A contract asked its storage for what there is not, an iterator that it has not opened say; the text says what.
    #[error("{0}")]
    Storage(&'static str),
    /// The engine panicked, or did what it must never do with a prepared module: a mistake of its or ours that this
    /// contract has found. The same on every node, so it is the contract's failure and nobody else's.
    #[error("panicked due to unexpected behavior")]
    Engine,
}

impl Trap {
    /// A stable number, for logs and tests.
    #[must_use]
    pub fn code(&self) -> u32 {
        match self {
            Self::OutOfGas => 1,
            Self::Unreachable => 2,
            Self::Abort(_) => 3,
            Self::MemoryOutOfBounds => 4,
            Self::TableOutOfBounds => 5,
            Self::DivisionByZero => 6,
            Self::InvalidConversion => 7,
            Self::StackExhausted => 8,
            Self::BadSignature => 9,
            Self::MissingFunction => 10,
            Self::MemoryRead => 11,
            Self::MemoryWrite => 12,
            Self::MemoryAllocate => 13,
            Self::WriteInQuery => 14,
            Self::Engine => 15,
            Self::Storage(_) => 16,
        }
    }

    /// `the contract panicked: <message>` for [`Trap::Abort`]: secret, for the sender's eyes only.
    #[must_use]
    pub fn abort_text(&self) -> Option<String> {
        match self {
            Self::Abort(message) => Some(format!("the contract panicked: {message}")),
            _ => None,
        }
    }
}

impl core::fmt::Debug for Trap {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        // Never the message of an abort: it may hold secrets.
        write!(f, "Trap {} ({self})", self.code())
    }
}

/// The engine failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// It panicked, or did what it must never do with a prepared module. A contract may have provoked it, and then it is
    /// the same on every node: callers turn it into [`PrepareError::Engine`] or [`Trap::Engine`]. The text is for
    /// developers: it is not stable and must not reach clients.
    #[error("contract engine fault: {0}")]
    Broken(String),
    /// This machine has no memory left. Another one may have: this must never become a result.
    #[error("no memory is left on this machine for a contract")]
    NoMemory,
    /// The fast tier panicked, or did what it must never do. The interpreter would have gone on, so this must never become a result
    /// either.
    #[error("the fast tier failed: {0}")]
    Tier(String),
}

/// The [`crate::Host`] cannot go on (unproven state, lost peer …). Carries the caller's own error.
#[derive(Debug, thiserror::Error)]
#[error("host fault: {0}")]
pub struct HostFault(pub Box<dyn std::error::Error + Send + Sync>);

/// A call that must not have a result: the block stops. Nothing that a contract does leads here.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VmFault {
    /// See [`EngineError::NoMemory`].
    #[error("no memory is left on this machine for a contract")]
    NoMemory,
    /// See [`EngineError::Tier`]. Without its text, which may have come out of a contract.
    #[error("the fast tier of the contract engine failed: start without it")]
    Tier,
    /// The caller broke the rules of this crate.
    #[error("misuse of the contract engine: {0}")]
    Misuse(&'static str),
    /// See [`HostFault`].
    #[error(transparent)]
    Host(#[from] HostFault),
}
