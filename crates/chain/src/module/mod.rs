//! What a module of the chain is: one constant value, no object and no registry that fills at run time.
//!
//! [`crate::modules::MODULES`] is the table of them; everything that the core does with modules goes through it, and no file of
//! the core names a module. Handlers are made from their types ([`MsgHandler::of`], [`queries!`](crate::queries),
//! [`GenesisPart::of`]), so the tests hold the table against the descriptors of the protocol.

#[cfg(test)]
mod tests;

use crate::Ctx;
use crate::error::{Stop, broken};
use crate::genesis::{AppState, GenesisError, LocalnetParams};
use crate::modules::MODULES;
use crate::query::QueryStop;
use crate::types::error::{self, Registered};
use crate::types::proto::{Message, Name};
use crate::types::tx::decode_proto;
use crate::types::{Address, TxError, ValidatorUpdate};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

/// A module.
pub struct Module {
    /// Its name: unique, what the order lists call it.
    pub name: &'static str,
    /// The errors that only it makes.
    pub errors: &'static [Registered],
    /// The accounts that belong to it.
    pub accounts: &'static [ModuleAccount],
    /// The names of its collections, with which all of its keys in the state begin.
    pub collections: &'static [&'static str],
    /// The messages that it handles.
    pub messages: &'static [MsgHandler],
    /// The queries that it answers.
    pub queries: &'static [QueryHandler],
    /// Its parts of `app_state`: one under its name, or none if all of its state stands elsewhere in the document.
    pub genesis: &'static [GenesisPart],
    /// Runs before the first transaction of a block, in the order of [`crate::modules::BEGIN_BLOCK`].
    pub begin_block: Option<BeginBlock>,
    /// Runs after the last transaction of a block, in the order of [`crate::modules::END_BLOCK`], and gives the changes of the
    /// validator set: of one module at most in a block. What it does is bounded, whatever transactions have left.
    pub end_block: Option<EndBlock>,
    /// Version of its state: what a migration begins from.
    pub version: u64,
}

/// See [`Module::begin_block`].
pub type BeginBlock = fn(&mut Ctx<'_, '_>) -> Result<(), Stop>;
/// See [`Module::end_block`].
pub type EndBlock = fn(&mut Ctx<'_, '_>) -> Result<Vec<ValidatorUpdate>, Stop>;

impl Module {
    /// A module with nothing but a name: what a constant leaves out comes from here.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            errors: &[],
            accounts: &[],
            collections: &[],
            messages: &[],
            queries: &[],
            genesis: &[],
            begin_block: None,
            end_block: None,
            version: 1,
        }
    }
}

/// An account that a module owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModuleAccount {
    /// Name; the address is its hash.
    pub name: &'static str,
    /// Permissions in the order that clients see.
    pub permissions: &'static [&'static str],
    /// Whether users and contracts may send coins to it. If not, it may not call contracts either.
    pub may_receive: bool,
}

impl ModuleAccount {
    /// An account that refuses coins.
    #[must_use]
    pub const fn blocked(name: &'static str, permissions: &'static [&'static str]) -> Self {
        Self {
            name,
            permissions,
            may_receive: false,
        }
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> Address {
        Address::of_module(self.name)
    }
}

/// A message that a module handles, whoever sends it: a transaction or a contract.
pub trait TxMsg: Message + Name + Default + 'static {
    /// What the handler answers.
    type Response: Message + Name + Default;

    /// Whether it takes so much memory, or so much more time than its gas tells, that no two of a block may run beside each other.
    const ALONE: bool = false;

    /// Whether it is for a contract, sealed, so that only who has the secrets can run it.
    const RUNS_CONTRACT: bool = false;

    /// The checks that need no state. They come before the ante chain, so what they refuse costs nobody anything.
    ///
    /// # Errors
    /// The module's own.
    fn validate_basic(&self) -> Result<(), TxError> {
        Ok(())
    }

    /// Takes from the pending state of a check what its delivery may take from its signers, as far as it is there, without an
    /// event: fees that wait behind it must not rest on that. What it gives is not counted, since it may fail.
    ///
    /// # Errors
    /// A fault.
    fn set_aside(&self, _: &mut Ctx<'_, '_>) -> Result<(), Stop> {
        Ok(())
    }

    /// Runs it. [`Ctx::dispatch`] has seen that its signers allow it, and that [`TxMsg::validate_basic`] passes.
    ///
    /// # Errors
    /// The module's own; out of gas; a fault. Whoever dispatched takes back what was written.
    fn run(self, ctx: &mut Ctx<'_, '_>) -> Result<Self::Response, Stop>;
}

/// A [`TxMsg`] of any type.
pub(crate) trait AnyMsg: Send + Sync {
    fn is_alone(&self) -> bool;
    fn runs_contract(&self) -> bool;
    fn set_aside(&self, ctx: &mut Ctx<'_, '_>) -> Result<(), Stop>;
    fn run(self: Box<Self>, ctx: &mut Ctx<'_, '_>) -> Result<Vec<u8>, Stop>;
}

impl<M: TxMsg> AnyMsg for M {
    fn is_alone(&self) -> bool {
        M::ALONE
    }

    fn runs_contract(&self) -> bool {
        M::RUNS_CONTRACT
    }

    fn set_aside(&self, ctx: &mut Ctx<'_, '_>) -> Result<(), Stop> {
        TxMsg::set_aside(self, ctx)
    }

    fn run(self: Box<Self>, ctx: &mut Ctx<'_, '_>) -> Result<Vec<u8>, Stop> {
        Ok(TxMsg::run(*self, ctx)?.encode_to_vec())
    }
}

/// The handler of one type of messages.
#[derive(Clone, Copy)]
pub struct MsgHandler {
    package: &'static str,
    name: &'static str,
    #[cfg(test)]
    response: fn() -> String,
    decode: Decode,
}

/// Decodes the bytes of a message of one type.
type Decode = fn(&[u8]) -> Result<Box<dyn AnyMsg>, TxError>;

impl MsgHandler {
    /// The handler of `M`.
    #[must_use]
    pub const fn of<M: TxMsg>() -> Self {
        Self {
            package: M::PACKAGE,
            name: M::NAME,
            #[cfg(test)]
            response: M::Response::full_name,
            decode: |bytes| {
                let message: M = decode_proto(bytes)?;
                message.validate_basic()?;
                Ok(Box::new(message))
            },
        }
    }

    /// Whether this is the type of its messages: `/package.name`.
    fn handles(&self, type_url: &str) -> bool {
        let name = type_url
            .strip_prefix('/')
            .and_then(|url| url.strip_prefix(self.package))
            .and_then(|url| url.strip_prefix('.'));
        name == Some(self.name)
    }

    /// Decodes a message of its type and checks it.
    ///
    /// # Errors
    /// sdk 2 for bytes that are not the message, else those of [`TxMsg::validate_basic`].
    pub(crate) fn decode(&self, bytes: &[u8]) -> Result<Box<dyn AnyMsg>, TxError> {
        (self.decode)(bytes)
    }
}

/// The handler of messages of this type.
pub(crate) fn message(type_url: &str) -> Option<&'static MsgHandler> {
    let mut handlers = MODULES.iter().flat_map(|m| m.messages);
    handlers.find(|handler| handler.handles(type_url))
}

/// The handler of one query.
#[derive(Clone, Copy)]
pub struct QueryHandler {
    /// Full name of the service.
    pub service: &'static str,
    /// Name of the method.
    pub method: &'static str,
    /// Whether contract code runs for it, and so the secrets are needed.
    pub runs_contract: bool,
    /// Full names of request and response.
    pub types: fn() -> (String, String),
    /// Answers an encoded request.
    pub run: fn(&mut Ctx<'_, '_>, &[u8]) -> Result<Vec<u8>, QueryStop>,
}

/// The handlers of services' methods: `queries!("package.Query" { Method: function, … }, …)`, where a function takes context
/// and request and gives the response. `contract Method` for one that runs contract code.
#[macro_export]
macro_rules! queries {
    (@ contract) => { true };
    (@) => { false };
    ($($service:literal { $($method:ident $($contract:ident)?: $function:path),* $(,)? }),+ $(,)?) => {
        &[$($(
            $crate::module::QueryHandler {
                service: $service,
                method: stringify!($method),
                runs_contract: $crate::queries!(@ $($contract)?),
                types: $crate::module::types_of($function),
                run: |ctx, request| {
                    let response = $function(ctx, $crate::query::decode(request)?)?;
                    Ok($crate::types::proto::Message::encode_to_vec(&response))
                },
            },
        )*)+]
    };
}

/// The names of a query's types.
pub(crate) const fn types_of<I: Name, O: Name, E>(
    _: fn(&mut Ctx<'_, '_>, I) -> Result<O, E>,
) -> fn() -> (String, String) {
    || (I::full_name(), O::full_name())
}

/// The handler of a query: `service` and `method` of its path.
pub(crate) fn query(service: &str, method: &str) -> Option<&'static QueryHandler> {
    let mut handlers = MODULES.iter().flat_map(|m| m.queries);
    handlers.find(|q| q.service == service && q.method == method)
}

/// A part of `app_state`.
pub trait GenesisState: Serialize + DeserializeOwned {
    /// The part in the document of a local network.
    fn localnet(params: &LocalnetParams) -> Self;

    /// Writes the module's first state.
    ///
    /// # Errors
    /// [`GenesisError`] for a field that is refused.
    fn init(&self, ctx: &mut Ctx<'_, '_>) -> Result<(), GenesisError>;

    /// The part that gives this state again.
    ///
    /// # Errors
    /// A fault.
    fn export(ctx: &mut Ctx<'_, '_>) -> Result<Self, Stop>;
}

/// The handler of a part of `app_state`.
#[derive(Clone, Copy)]
pub struct GenesisPart {
    /// The member of `app_state`.
    pub key: &'static str,
    /// See [`GenesisState::localnet`].
    pub localnet: fn(&LocalnetParams) -> Result<Box<RawValue>, GenesisError>,
    /// See [`GenesisState::init`]; takes the key.
    pub init: fn(&mut Ctx<'_, '_>, &str, &AppState) -> Result<(), GenesisError>,
    /// See [`GenesisState::export`].
    pub export: fn(&mut Ctx<'_, '_>) -> Result<Box<RawValue>, Stop>,
}

impl GenesisPart {
    /// The part `key`, of type `G`.
    #[must_use]
    pub const fn of<G: GenesisState>(key: &'static str) -> Self {
        Self {
            key,
            localnet: |params| {
                let json = serde_json::value::to_raw_value(&G::localnet(params));
                json.map_err(|e| GenesisError::Fault(broken(e)))
            },
            init: |ctx, key, state| state.part::<G>(key)?.init(ctx),
            export: |ctx| {
                let json = serde_json::value::to_raw_value(&G::export(ctx)?);
                json.map_err(|e| broken(e).into())
            },
        }
    }
}

/// All parts of `app_state`.
pub(crate) fn genesis_parts() -> impl Iterator<Item = &'static GenesisPart> {
    MODULES.iter().flat_map(|m| m.genesis)
}

/// The module with this name.
pub(crate) fn by_name(name: &str) -> Option<&'static Module> {
    MODULES.iter().copied().find(|m| m.name == name)
}

/// All errors that clients may see: of the framework, of this chain, and of the modules.
pub(crate) fn errors() -> impl Iterator<Item = &'static Registered> {
    let modules = MODULES.iter().flat_map(|m| m.errors);
    error::sdk::ALL
        .iter()
        .chain(error::chain::ALL)
        .chain(modules)
}

/// The registered error of this codespace and code, if we have it.
pub(crate) fn registered(codespace: &str, code: u32) -> Option<&'static Registered> {
    errors().find(|e| e.codespace == codespace && e.code == code)
}
