//! Gas: one meter, one price table (wire.md 1.6). Gas sees no cache, no proof and no ciphertext length.

use crate::error::Stop;
use crate::types::Gas;

/// A flat read of a key, found or not.
pub const READ_FLAT: Gas = 100;
/// Per byte of key and value read.
pub const READ_PER_BYTE: Gas = 1;
/// A flat write.
pub const WRITE_FLAT: Gas = 200;
/// Per byte of key and value written.
pub const WRITE_PER_BYTE: Gas = 5;
/// A removal.
pub const DELETE: Gas = 100;
/// A test for presence.
pub const HAS: Gas = 100;
/// Per byte of a transaction.
pub const TX_SIZE_PER_BYTE: Gas = 10;
/// Verification of one secp256k1 signature.
pub const SIG_VERIFY_SECP256K1: Gas = 1000;
/// Verification of one ed25519 signature (parameter only; such signers are refused).
pub const SIG_VERIFY_ED25519: Gas = 590;
/// Loading a contract for one call, cached or not.
pub const LOAD_CODE: Gas = 20_000;
/// Weight (`vm::Prepared::weight`) up to which a load costs only [`LOAD_CODE`]: contracts weigh about 6 times their bytes,
/// so those of one MiB are below.
pub const LOAD_FREE_WEIGHT: u64 = 8 << 20;
/// Per KiB of weight above that.
pub const LOAD_PER_KIB: Gas = 2;
/// Weight that no contract of a compiler has (2 MiB of them weigh 12).
pub const LOAD_ODD_WEIGHT: u64 = 16 << 20;
/// Per KiB of weight above that: what it takes (30 µs and more), at 10 gas a microsecond.
pub const LOAD_ODD_PER_KIB: Gas = 300;
/// Wasm gas per SDK gas.
pub const WASM_PER_SDK: u64 = 1000;
/// The most wasm gas that one call can have, 10^10 (contract-abi.md 6.3).
pub const WASM_CALL_MAX: u64 = 10_000_000_000;
/// Gas of one contract query from outside.
pub const QUERY_MAX: Gas = 10_000_000;
/// The most gas of a simulation that runs contracts: it holds a lane as long as a query may. What takes more is given its gas by hand.
pub const SIMULATION_MAX: Gas = QUERY_MAX;
/// Storage keys of contracts are always charged as 32 bytes, their length on disk.
pub const CONTRACT_KEY_BYTES: u64 = 32;

/// A meter with a limit. Consuming past the limit leaves `used` above it, as the tx's `gas_used` then tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GasMeter {
    limit: Gas,
    used: Gas,
}

impl GasMeter {
    /// A meter with `limit` SDK gas.
    #[must_use]
    pub const fn new(limit: Gas) -> Self {
        Self { limit, used: 0 }
    }

    /// The limit.
    #[must_use]
    pub const fn limit(&self) -> Gas {
        self.limit
    }

    /// Gas used so far; above the limit once it ran empty.
    #[must_use]
    pub const fn used(&self) -> Gas {
        self.used
    }

    /// Gas that is left.
    #[must_use]
    pub const fn left(&self) -> Gas {
        self.limit.saturating_sub(self.used)
    }

    /// Takes `amount`.
    ///
    /// # Errors
    /// [`Stop::OutOfGas`] with `location` if less is left.
    pub fn consume(&mut self, amount: Gas, location: &'static str) -> Result<(), Stop> {
        self.used = self.used.saturating_add(amount);
        if self.used > self.limit {
            Err(Stop::OutOfGas(location))
        } else {
            Ok(())
        }
    }
}
