//! Gas evaporation (SNIP-50): a message says how much gas its call is to use, and the call uses that much. Gas is public, and
//! without this it tells what the message was: a transfer to somebody new costs more than one to somebody known.
//!
//! A message asks for it with a field `gas_target` beside its own, in the chain's gas. The contract has its entry point made by
//! [`entry_point!`](crate::entry_point) in place of the library's attribute:
//!
//! ```text
//! pub fn execute(deps: DepsMut, env: Env, info: MessageInfo, msg: ExecuteMsg) -> StdResult<Response> { … }
//! snip::entry_point!(execute);
//! ```
//!
//! Promises: two calls with the same target, answers of the same length and less use than the target use the same gas, to the last
//! unit. It covers the call alone: the length of the transaction and what other contracts do with the messages it sends cost as before.
//! A call that uses more than its target is as it is without one.

use std::fmt;

use cosmwasm_std::{from_slice, Uint64};
use serde::de::{Deserializer, MapAccess, Visitor};
use serde::Deserialize;

/// What is read of any message: `{"<variant>":{"gas_target":"…", …}}`.
struct Envelope(Option<Uint64>);

#[derive(Deserialize)]
struct Fields {
    gas_target: Option<Uint64>,
}

/// The name of a variant, whatever it is.
struct Variant;

impl<'de> Deserialize<'de> for Variant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl Visitor<'_> for Any {
            type Value = Variant;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_str<E>(self, _: &str) -> Result<Variant, E> {
                Ok(Variant)
            }
        }
        deserializer.deserialize_identifier(Any)
    }
}

impl<'de> Deserialize<'de> for Envelope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct One;
        impl<'de> Visitor<'de> for One {
            type Value = Envelope;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a message")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Envelope, A::Error> {
                let entry = map.next_entry::<Variant, Fields>()?;
                Ok(Envelope(entry.and_then(|(_, fields)| fields.gas_target)))
            }
        }
        // The JSON reader of the published library has structs, and no maps.
        deserializer.deserialize_struct("Envelope", &[], One)
    }
}

/// The gas that a message asks its call to use. A message of another form asks for nothing.
#[must_use]
pub fn target(message: &[u8]) -> Option<u64> {
    let envelope: Envelope = from_slice(message).ok()?;
    envelope.0.map(|target| target.u64())
}

/// Makes the entry point `execute` of a contract from its function. With `least`, calls whose message has no target use this much.
#[macro_export]
macro_rules! entry_point {
    ($execute:ident) => {
        $crate::entry_point!($execute, least = 0);
    };
    ($execute:ident, least = $least:expr) => {
        #[cfg_attr(not(target_arch = "wasm32"), allow(dead_code))]
        const ENTRY_POINT_GAS_LEAST: u64 = $least;
        #[cfg(target_arch = "wasm32")]
        mod entry_point_execute {
            #[no_mangle]
            #[allow(unsafe_code)] // An export: its name must be what the chain looks for.
            extern "C" fn execute(env: u32, info: u32, msg: u32) -> u32 {
                $crate::evaporation::execute(
                    &super::$execute,
                    super::ENTRY_POINT_GAS_LEAST,
                    env,
                    info,
                    msg,
                )
            }
        }
    };
}

#[cfg(target_arch = "wasm32")]
pub use wasm::execute;

#[cfg(target_arch = "wasm32")]
mod wasm {
    use cosmwasm_std::{do_execute, Api, DepsMut, Env, ExternalApi, MessageInfo, Response};
    use serde::de::DeserializeOwned;

    /// Where the chain put a message.
    #[repr(C)]
    struct Region {
        offset: u32,
        capacity: u32,
        length: u32,
    }

    /// Runs a contract's function as the library's entry point does, and uses the rest of the message's gas at the very end: the answer
    /// is written by then, so that nothing that follows depends on what was done.
    pub fn execute<M, E>(
        function: &dyn Fn(DepsMut, Env, MessageInfo, M) -> Result<Response, E>,
        least: u64,
        env: u32,
        info: u32,
        msg: u32,
    ) -> u32
    where
        M: DeserializeOwned,
        E: ToString,
    {
        let target = super::target(message(msg)).unwrap_or(least);
        let answer = do_execute(function, env, info, msg);
        if target > 0 {
            evaporate(target);
        }
        answer
    }

    fn evaporate(target: u64) {
        let api = ExternalApi::new();
        // Using nothing more fills up the unit that has begun: from here on every call stands at the same fraction of a unit.
        let used = api.gas_evaporate(0).and_then(|()| api.check_gas());
        let Ok(used) = used else { return };
        let missing = target.saturating_sub(used);
        // With a wish beyond 32 bits, and already with a smaller one, the call runs out of gas: so it was asked for.
        let _ = api.gas_evaporate(u32::try_from(missing).unwrap_or(u32::MAX));
    }

    #[allow(unsafe_code)] // The library reads a message only once, and keeps nothing of it.
    fn message(msg: u32) -> &'static [u8] {
        // The chain wrote region and message, and nobody frees or changes them before `do_execute`; the slice is not used after it begins.
        unsafe {
            let region = &*(msg as *const Region);
            std::slice::from_raw_parts(region.offset as *const u8, region.length as usize)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::target;

    #[test]
    fn the_target_is_read_beside_whatever_fields_a_message_has() {
        let with =
            br#"{"transfer":{"decoys":[{"a":[1]}],"amount":"5","gas_target":"70000","memo":null}}"#;
        assert_eq!(target(with), Some(70_000));
    }

    #[test]
    fn messages_without_a_target_or_of_another_form_ask_for_nothing() {
        for message in [
            &br#"{"transfer":{"amount":"5"}}"#[..],
            br#"{"transfer":{"gas_target":null}}"#,
            br#"{"transfer":{"gas_target":"-1"}}"#,
            br#"{"transfer":{"gas_target":"18446744073709551616"}}"#,
            br#"{"transfer":{"gas_target":7}}"#,
            br#""transfer""#,
            b"{}",
            b"",
            b"\xff",
        ] {
            assert_eq!(target(message), None);
        }
    }
}
