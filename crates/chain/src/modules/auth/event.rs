//! Events of the ante chain (wire.md 1.13.1): kind `tx`.

use crate::ctx::event_of;
use crate::types::{Address, Coins, Event};
use base64::Engine as _;

/// The fee that was taken, also when it is nothing, and who paid.
#[must_use]
pub fn fee(fee: &Coins, payer: &Address) -> Event {
    event_of(
        "tx",
        [("fee", fee.to_string()), ("fee_payer", payer.to_string())],
    )
}

/// The sequence that a signer used.
#[must_use]
pub fn acc_seq(signer: &Address, sequence: u64) -> Event {
    event_of("tx", [("acc_seq", format!("{signer}/{sequence}"))])
}

/// A signature, base64.
#[must_use]
pub fn signature(signature: &[u8]) -> Event {
    event_of(
        "tx",
        [(
            "signature",
            base64::engine::general_purpose::STANDARD.encode(signature),
        )],
    )
}
