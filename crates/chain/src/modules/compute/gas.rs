//! Prices of contract storage and of loading code (wire.md 1.6, contract-abi.md 6.3). Functions of the logical
//! operation and the value's size class only.

use crate::gas::{
    CONTRACT_KEY_BYTES, DELETE, LOAD_CODE, LOAD_FREE_WEIGHT, LOAD_ODD_PER_KIB, LOAD_ODD_WEIGHT,
    LOAD_PER_KIB, READ_FLAT, READ_PER_BYTE, WRITE_FLAT, WRITE_PER_BYTE,
};
use crate::types::{Gas, size_class};

/// The size class of a value.
#[must_use]
pub(super) fn class(value: &[u8]) -> u64 {
    size_class(u64::try_from(value.len()).unwrap_or(u64::MAX))
}

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

/// Bytes of a contract's own key that cost nothing beside the 32 that are stored: the keys of common contracts are
/// shorter. (What is above is hashed, copied and held until the end of the block, and would be free.)
const KEY_FREE_BYTES: usize = 256;

/// Price of a contract's own key of `bytes` in every operation, in SDK gas: 1 per byte above 256.
#[must_use]
pub(super) fn key(bytes: usize) -> Gas {
    u64::try_from(bytes.saturating_sub(KEY_FREE_BYTES)).unwrap_or(u64::MAX)
}

/// Price of an event or an attribute beside its bytes: sealing and sorting it.
const ITEM: Gas = 50;
/// Bytes of a contract's JSON that one gas reads or writes.
const JSON_BYTES: u64 = 32;

/// Reading or writing `bytes` of JSON on behalf of a contract.
#[must_use]
pub(super) fn json(bytes: usize) -> Gas {
    u64::try_from(bytes)
        .unwrap_or(u64::MAX)
        .div_euclid(JSON_BYTES)
}

/// A text that leaves in the transaction's result: 1 per byte as it leaves, sealed texts in base64.
#[must_use]
pub(super) fn output_bytes(bytes: usize, sealed: bool) -> Gas {
    let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
    if sealed {
        bytes.saturating_add(16).div_ceil(3).saturating_mul(4)
    } else {
        bytes
    }
}

/// An event with its type, or an attribute with the texts of its key and value.
#[must_use]
pub(super) fn item(texts: &[&str], sealed: bool) -> Gas {
    let texts = texts.iter().map(|text| output_bytes(text.len(), sealed));
    texts.fold(ITEM, Gas::saturating_add)
}

/// Loading code of this weight for one call, in SDK gas; cached or not.
#[must_use]
pub fn load(weight: u64) -> Gas {
    let above = |free: u64, each: Gas| {
        weight
            .saturating_sub(free)
            .div_ceil(1024)
            .saturating_mul(each)
    };
    LOAD_CODE
        .saturating_add(above(LOAD_FREE_WEIGHT, LOAD_PER_KIB))
        .saturating_add(above(LOAD_ODD_WEIGHT, LOAD_ODD_PER_KIB))
}

/// Uploading `bytes` of unzipped code at `cost_e18` · 10^-18 SDK gas per byte (parameter, 0.8), in integers.
#[must_use]
pub(super) fn compile(bytes: u64, cost_e18: u128) -> Gas {
    let gas = u128::from(bytes)
        .saturating_mul(cost_e18)
        .div_euclid(1_000_000_000_000_000_000);
    Gas::try_from(gas).unwrap_or(Gas::MAX)
}

/// Weight of a byte of code that [`compile`] pays for: contracts weigh about 6 times their bytes.
const WEIGHT_PER_BYTE: u64 = 8;

/// Extra price of an upload of `bytes` that weighs more than any contract does, in SDK gas.
#[must_use]
pub(super) fn odd(bytes: u64, weight: u64) -> Gas {
    weight
        .saturating_sub(bytes.saturating_mul(WEIGHT_PER_BYTE))
        .div_ceil(1024)
        .saturating_mul(LOAD_ODD_PER_KIB)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upload_that_weighs_more_than_contracts_do_costs_what_it_takes() {
        assert_eq!((odd(447_358, 2_621_176), odd(1, 8)), (0, 0));
        // Nineteen thousand empty functions.
        assert_eq!(odd(76_132, 4_029_668), 3_341 * 300);
    }

    #[test]
    fn a_load_costs_20000_unless_the_code_is_heavier_than_contracts_are() {
        assert_eq!((load(0), load(8 << 20)), (20_000, 20_000));
        assert_eq!(load((8 << 20) + 1), 20_002);
        assert_eq!(load(16 << 20), 20_000 + 8_192 * 2);
        assert_eq!(load(32 << 20), 20_000 + 24_576 * 2 + 16_384 * 300);
    }

    #[test]
    fn an_upload_costs_eight_tenths_per_byte() {
        assert_eq!(compile(2_097_152, 800_000_000_000_000_000), 1_677_721);
    }

    #[test]
    fn what_leaves_costs_its_bytes_as_they_leave() {
        assert_eq!((json(31), json(32), json(1 << 20)), (0, 1, 32_768));
        assert_eq!(
            (
                output_bytes(5, false),
                output_bytes(5, true),
                output_bytes(0, true)
            ),
            (5, 28, 24)
        );
        assert_eq!(item(&["key", "value"], false), 58);
        assert_eq!(item(&["key", "value"], true), 50 + 28 + 28);
        // The text of the real thing.
        let key = crate::crypto::TxKey::derive(&crate::crypto::Secret::new([1; 32]), &[2; 32]);
        for n in 0..40 {
            let sealed = key.seal_text(&"x".repeat(n)).unwrap().len();
            assert_eq!(u64::try_from(sealed).unwrap(), output_bytes(n, true));
        }
    }

    #[test]
    fn a_key_costs_what_it_is_longer_than_any_contract_needs() {
        assert_eq!((key(0), key(256), key(257), key(65_536)), (0, 0, 1, 65_280));
    }

    #[test]
    fn storage_prices_count_the_32_byte_key_and_the_class() {
        assert_eq!(read(None), 132);
        assert_eq!(read(Some(64)), 196);
        assert_eq!(write(64), 200 + 5 * 96);
    }
}
