//! One table: type URL to message, stateless check and handler.

use crate::Ctx;
use crate::error::Stop;
use crate::modules::compute::handler as compute;
use crate::modules::compute::msg::{Execute, Instantiate, StoreCode};
use crate::modules::{bank, bank::msg as bank_msg};
use crate::types::coin::is_wire_amount;
use crate::types::error::sdk;
use crate::types::proto::cosmos::bank::v1beta1 as bank_pb;
use crate::types::proto::cosmos::base::v1beta1::Coin;
use crate::types::proto::secret::compute::v1beta1 as compute_pb;
use crate::types::proto::{Any, Message, Name};
use crate::types::tx::{decode_proto, parse_error};
use crate::types::{Address, Coins, TxError};

/// A message that has a handler, after its stateless check. Those of the bank have none: their fields are checked at
/// delivery, as in the protocol.
#[derive(Clone, Debug, PartialEq)]
pub enum Msg {
    /// `MsgSend`.
    Send(bank_pb::MsgSend),
    /// `MsgMultiSend`.
    MultiSend(bank_pb::MsgMultiSend),
    /// `MsgStoreCode`.
    StoreCode(StoreCode),
    /// `MsgInstantiateContract`.
    Instantiate(Instantiate),
    /// `MsgExecuteContract`.
    Execute(Execute),
}

/// What is shown of an amount that cannot be read: as much as the largest has digits.
const AMOUNT_CHARS_SHOWN: usize = 78;

/// Amounts that are no integers of 256 bits do not decode; which integers are taken is for delivery to say.
fn check_amounts<'a>(coins: impl IntoIterator<Item = &'a Coin>) -> Result<(), TxError> {
    for coin in coins {
        let digits = coin.amount.strip_prefix('-').unwrap_or(&coin.amount);
        if !is_wire_amount(digits) {
            // Quoted short: escapes would make it five times as long as it came.
            let shown: String = coin.amount.chars().take(AMOUNT_CHARS_SHOWN).collect();
            return Err(parse_error(format!("cannot read amount {shown:?}")));
        }
    }
    Ok(())
}

impl Msg {
    /// Decodes and checks one message. `Ok(None)` for a message that nobody handles.
    ///
    /// # Errors
    /// sdk 2 for bytes that are not the message, else the module's own.
    pub fn route(any: &Any) -> Result<Option<Self>, TxError> {
        let (url, value) = (any.type_url.as_str(), any.value.as_slice());
        Ok(Some(if url == bank_pb::MsgSend::type_url() {
            let msg: bank_pb::MsgSend = decode_proto(value)?;
            check_amounts(&msg.amount)?;
            Self::Send(msg)
        } else if url == bank_pb::MsgMultiSend::type_url() {
            let msg: bank_pb::MsgMultiSend = decode_proto(value)?;
            check_amounts(msg.inputs.iter().flat_map(|i| &i.coins))?;
            check_amounts(msg.outputs.iter().flat_map(|o| &o.coins))?;
            Self::MultiSend(msg)
        } else if url == compute_pb::MsgStoreCode::type_url() {
            Self::StoreCode(decode_proto::<compute_pb::MsgStoreCode>(value)?.try_into()?)
        } else if url == compute_pb::MsgInstantiateContract::type_url() {
            Self::Instantiate(
                decode_proto::<compute_pb::MsgInstantiateContract>(value)?.try_into()?,
            )
        } else if url == compute_pb::MsgExecuteContract::type_url() {
            Self::Execute(decode_proto::<compute_pb::MsgExecuteContract>(value)?.try_into()?)
        } else {
            return Ok(None);
        }))
    }

    /// The coins that this message may take from its sender, and its sender. Nothing for a message that will fail by its
    /// own form.
    #[must_use]
    pub fn spends(&self) -> Option<(Address, Coins)> {
        let (from, coins) = match self {
            Self::Send(m) if m.from_address == m.to_address => return None,
            Self::Send(m) => (
                m.from_address.parse().ok()?,
                Coins::from_proto_list(&m.amount).ok()?,
            ),
            Self::MultiSend(m) => {
                let input = m.inputs.first()?;
                (
                    input.address.parse().ok()?,
                    Coins::from_proto_list(&input.coins).ok()?,
                )
            }
            Self::StoreCode(_) => return None,
            Self::Instantiate(m) => (m.sender.clone(), m.funds.clone()),
            Self::Execute(m) => (m.sender.clone(), m.funds.clone()),
        };
        (!coins.is_empty()).then_some((from, coins))
    }

    /// Runs the message; gives its encoded response.
    ///
    /// # Errors
    /// The handler's.
    pub fn run(self, ctx: &mut Ctx) -> Result<Vec<u8>, Stop> {
        match self {
            Self::Send(msg) => {
                bank::handler::send(ctx, &bank_msg::Send::try_from(msg)?)?;
                Ok(bank_pb::MsgSendResponse {}.encode_to_vec())
            }
            Self::MultiSend(msg) => {
                bank::handler::multi_send(ctx, &bank_msg::MultiSend::try_from(msg)?)?;
                Ok(bank_pb::MsgMultiSendResponse {}.encode_to_vec())
            }
            Self::StoreCode(msg) => compute::store_code(ctx, msg),
            Self::Instantiate(msg) => compute::instantiate(ctx, msg),
            Self::Execute(msg) => compute::execute(ctx, msg),
        }
    }
}

/// sdk 6 for a message that nobody handles.
pub(super) fn no_handler(type_url: &str) -> TxError {
    let name = type_url.rsplit('.').next().unwrap_or(type_url);
    sdk::UNKNOWN_REQUEST.wrap(format!("no message handler found for *types.{name}"))
}
