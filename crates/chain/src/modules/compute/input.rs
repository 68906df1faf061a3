//! The message of a call: what a user sealed, opened; or what a contract sends, as it is.
//!
//! Promises: a message that is bound to somebody or something else is refused before any contract sees it (docs/spec/contracts.md, "Bound
//! messages").

use super::output::EntryPoint;
use crate::crypto::bound::{Binding, Target};
use crate::crypto::io::TxKey;
use crate::ctx::Ctx;
use crate::error::{Stop, broken};
use crate::ports::SecretsError;
use crate::types::{Address, Hash};

/// A message, and what belongs to it.
pub struct CallInput<K> {
    /// The code hash to which the message is bound; `None` if a contract wrote no hash.
    pub code_hash: Option<Hash>,
    /// The plain message.
    pub message: Vec<u8>,
    /// Whether nobody but the sender can have sent it: the user bound it, or a contract sends it. Where a transaction is only simulated nobody has signed it.
    pub bound: bool,
    /// What seals the outputs.
    pub key: K,
    /// The message as the contract's history keeps it, sealed.
    pub kept: Vec<u8>,
}

/// Opens a user's message; `by` is who sends it to what, nobody for a query. The host has no keys: there, simulation of a contract
/// message ends here.
///
/// # Errors
/// The enclave's errors of contract-abi.md 6.5; a fault.
pub(super) fn open(
    ctx: &Ctx<'_, '_>,
    entry_point: EntryPoint,
    wire: Vec<u8>,
    by: Option<(&Address, Target<'_>)>,
) -> Result<CallInput<TxKey>, Stop> {
    let refused = |text| Stop::from(entry_point.enclave_error(text));
    let input = ctx.state.secrets().open_input(&wire).map_err(|e| match e {
        SecretsError::NotHere => refused("failed to verify transaction signature"),
        SecretsError::Closed => refused("failed to decrypt data"),
        SecretsError::Corrupt | SecretsError::Key => Stop::Fault(broken(e)),
    })?;
    let bound = match (input.binding, by) {
        (None, _) => false,
        (Some(binding), Some((sender, target))) => {
            let here = Binding {
                chain_id: &ctx.block.chain_id,
                sender: sender.as_bytes(),
                target,
            };
            if binding != here.digest() {
                return Err(refused("failed to validate transaction"));
            }
            true
        }
        (Some(_), None) => return Err(refused("failed to validate transaction")),
    };
    Ok(CallInput {
        code_hash: Some(input.code_hash),
        message: input.message().to_vec(),
        bound,
        key: input.key,
        kept: wire,
    })
}
