//! A message of a transaction or of a contract, whatever its module: its type, who must sign it, its handler.

use super::signers;
use crate::Ctx;
use crate::error::Stop;
use crate::module::{self, AnyMsg};
use crate::types::error::sdk;
use crate::types::proto::Any;
use crate::types::{Address, TxError};

/// A message that has a handler and passed its stateless check.
pub struct Msg {
    type_url: String,
    signers: Result<Vec<Address>, TxError>,
    message: Box<dyn AnyMsg>,
}

impl core::fmt::Debug for Msg {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_tuple("Msg").field(&self.type_url).finish()
    }
}

impl Msg {
    /// Decodes and checks a message. `Ok(None)` for one that nobody handles.
    ///
    /// # Errors
    /// sdk 2 for bytes that are not the message, else those of its stateless check.
    pub fn decode(any: &Any) -> Result<Option<Self>, TxError> {
        let Some(handler) = module::message(&any.type_url) else {
            return Ok(None);
        };
        let message = handler.decode(&any.value)?;
        Ok(Some(Self {
            type_url: any.type_url.clone(),
            signers: signers::of_message(any),
            message,
        }))
    }

    /// Its type.
    #[must_use]
    pub fn type_url(&self) -> &str {
        &self.type_url
    }

    /// Required signers, in order of its fields.
    ///
    /// # Errors
    /// The address errors of signer fields.
    pub fn signers(&self) -> Result<&[Address], TxError> {
        self.signers.as_deref().map_err(Clone::clone)
    }

    /// See [`crate::module::TxMsg::ALONE`].
    pub(crate) fn is_alone(&self) -> bool {
        self.message.is_alone()
    }

    /// See [`crate::module::TxMsg::RUNS_CONTRACT`].
    pub(crate) fn runs_contract(&self) -> bool {
        self.message.runs_contract()
    }

    /// See [`crate::module::TxMsg::set_aside`].
    ///
    /// # Errors
    /// A fault.
    pub(crate) fn set_aside(&self, ctx: &mut Ctx<'_, '_>) -> Result<(), Stop> {
        self.message.set_aside(ctx)
    }

    /// Runs it; gives its encoded response.
    ///
    /// # Errors
    /// The handler's.
    pub(crate) fn run(self, ctx: &mut Ctx<'_, '_>) -> Result<Vec<u8>, Stop> {
        self.message.run(ctx)
    }
}

/// sdk 6 for a message that nobody handles.
pub(crate) fn no_handler(type_url: &str) -> TxError {
    let name = type_url.rsplit('.').next().unwrap_or(type_url);
    sdk::UNKNOWN_REQUEST.wrap(format!("no message handler found for *types.{name}"))
}
