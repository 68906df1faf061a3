//! One table: type URL to message, stateless check and handler.

use crate::Ctx;
use crate::error::Stop;
use crate::modules::compute::handler as compute;
use crate::modules::compute::msg::{Execute, Instantiate, StoreCode};
use crate::modules::{bank, bank::msg as bank_msg};
use crate::types::TxError;
use crate::types::error::sdk;
use crate::types::proto::cosmos::bank::v1beta1 as bank_pb;
use crate::types::proto::cosmos::base::v1beta1::Coin;
use crate::types::proto::secret::compute::v1beta1 as compute_pb;
use crate::types::proto::{Any, Message, Name};
use crate::types::tx::parse_error;

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

/// The most digits of an amount: 256 bits.
const AMOUNT_DIGITS_MAX: usize = 78;

fn decode<M: Message + Default>(value: &[u8]) -> Result<M, TxError> {
    M::decode(value).map_err(parse_error)
}

/// Amounts that are no integers do not decode; which integers are taken is for delivery to say.
fn check_amounts<'a>(coins: impl IntoIterator<Item = &'a Coin>) -> Result<(), TxError> {
    for coin in coins {
        let digits = coin.amount.strip_prefix('-').unwrap_or(&coin.amount);
        if digits.is_empty()
            || digits.len() > AMOUNT_DIGITS_MAX
            || !digits.bytes().all(|b| b.is_ascii_digit())
        {
            // Quoted short: escapes would make it five times as long as it came.
            let shown: String = coin.amount.chars().take(AMOUNT_DIGITS_MAX).collect();
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
            let msg: bank_pb::MsgSend = decode(value)?;
            check_amounts(&msg.amount)?;
            Self::Send(msg)
        } else if url == bank_pb::MsgMultiSend::type_url() {
            let msg: bank_pb::MsgMultiSend = decode(value)?;
            check_amounts(msg.inputs.iter().flat_map(|i| &i.coins))?;
            check_amounts(msg.outputs.iter().flat_map(|o| &o.coins))?;
            Self::MultiSend(msg)
        } else if url == compute_pb::MsgStoreCode::type_url() {
            Self::StoreCode(decode::<compute_pb::MsgStoreCode>(value)?.try_into()?)
        } else if url == compute_pb::MsgInstantiateContract::type_url() {
            Self::Instantiate(decode::<compute_pb::MsgInstantiateContract>(value)?.try_into()?)
        } else if url == compute_pb::MsgExecuteContract::type_url() {
            Self::Execute(decode::<compute_pb::MsgExecuteContract>(value)?.try_into()?)
        } else {
            return Ok(None);
        }))
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
