//! The ante chain and the messages of the bank, with real signatures, against the texts of wire.md 1.12.

mod amino;
mod ante;
mod messages;
mod modes;
mod multisig;

use crate::testing::{Chain, Draft, draft, send};
use crate::types::{Event, ExecTxResult};

pub(super) fn chain() -> Chain {
    Chain::new(3)
}

/// A transfer of 5 from user 0 to user 1.
pub(super) fn transfer(chain: &Chain) -> Draft {
    draft(vec![send(
        &chain.users[0].address,
        &chain.users[1].address,
        5,
    )])
}

/// The error of a check, and that delivery says the same and changes nothing.
#[track_caller]
pub(super) fn refused(chain: &mut Chain, bytes: Vec<u8>) -> (u32, String) {
    let (codespace, code, text) = chain.check(&bytes).expect("it passes");
    let before = chain.state.0.clone();
    let result = chain.block(&[bytes]).tx_results.remove(0);
    assert_eq!(
        (result.codespace, result.code, result.log),
        (codespace.clone(), code, text.clone())
    );
    assert!(result.events.is_empty() && result.data.is_empty());
    assert!(chain.state.0 == before);
    assert_eq!(codespace, if code == 1 { "undefined" } else { "sdk" });
    (code, text)
}

/// Signs a draft of user 0 with a change and tells how it is refused.
#[track_caller]
pub(super) fn refused_with(change: impl FnOnce(&mut Draft)) -> (u32, String) {
    let mut chain = chain();
    let mut draft = transfer(&chain);
    change(&mut draft);
    let bytes = draft.signed(&[&chain.users[0]]);
    refused(&mut chain, bytes)
}

pub(super) fn deliver(chain: &mut Chain, bytes: Vec<u8>) -> ExecTxResult {
    chain.block(&[bytes]).tx_results.remove(0)
}

pub(super) fn shown(event: &Event) -> String {
    let attributes: Vec<String> = event
        .attributes
        .iter()
        .map(|a| format!("{}={}", a.key, a.value))
        .collect();
    format!("{}{{{}}}", event.kind, attributes.join(","))
}
