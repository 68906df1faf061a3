//! Prices of contract storage and of loading code (wire.md 1.6, contract-abi.md 6.3). Functions of the logical
//! operation and the value's size class only.

use crate::gas::{
    CONTRACT_KEY_BYTES, DELETE, LOAD_CODE, LOAD_CODE_FREE_BYTES, LOAD_CODE_PER_KIB, READ_FLAT,
    READ_PER_BYTE, WRITE_FLAT, WRITE_PER_BYTE,
};
use crate::types::Gas;

/// Reading a value of a size class (`None` = absent), in SDK gas.
#[must_use]
pub(super) fn read(class: Option<u64>) -> Gas {
    let bytes = CONTRACT_KEY_BYTES.saturating_add(class.unwrap_or(0));
    READ_FLAT.saturating_add(bytes.saturating_mul(READ_PER_BYTE))
}

/// Writing a value of a size class, in SDK gas.
#[must_use]
pub(super) fn write(class: u64) -> Gas {
    WRITE_FLAT.saturating_add(
        CONTRACT_KEY_BYTES
            .saturating_add(class)
            .saturating_mul(WRITE_PER_BYTE),
    )
}

/// Removing a value, in SDK gas.
#[must_use]
pub(super) const fn remove() -> Gas {
    DELETE
}

/// Loading code of `bytes` for one call, in SDK gas; cached or not.
#[must_use]
pub(super) fn load(bytes: u64) -> Gas {
    let kib = bytes.saturating_sub(LOAD_CODE_FREE_BYTES).div_ceil(1024);
    LOAD_CODE.saturating_add(kib.saturating_mul(LOAD_CODE_PER_KIB))
}

/// Uploading `bytes` of unzipped code at `cost_e18` · 10^-18 SDK gas per byte (parameter, 0.8), in integers.
#[must_use]
pub(super) fn compile(bytes: u64, cost_e18: u128) -> Gas {
    let gas = u128::from(bytes)
        .saturating_mul(cost_e18)
        .div_euclid(1_000_000_000_000_000_000);
    Gas::try_from(gas).unwrap_or(Gas::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_load_costs_20000_up_to_a_mebibyte_and_10_per_kibibyte_above() {
        assert_eq!(load(1), 20_000);
        assert_eq!(load(1 << 20), 20_000);
        assert_eq!(load((1 << 20) + 1), 20_010);
        assert_eq!(load(2 << 20), 20_000 + 10_240);
    }

    #[test]
    fn an_upload_costs_eight_tenths_per_byte() {
        assert_eq!(compile(2_097_152, 800_000_000_000_000_000), 1_677_721);
    }

    #[test]
    fn storage_prices_count_the_32_byte_key_and_the_class() {
        assert_eq!(read(None), 132);
        assert_eq!(read(Some(64)), 196);
        assert_eq!(write(64), 200 + 5 * 96);
    }
}
