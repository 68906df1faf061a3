//! A contract's storage during one call: reads and writes of its own slots, priced by size class, limited in size.

use super::gas;
use super::limits::{STORAGE_KEY_BYTES_MAX, STORAGE_VALUE_BYTES_MAX};
use crate::Bytes;
use crate::gas::WASM_PER_SDK;
use crate::overlay::Slot;
use crate::state::State;
use crate::types::{Address, Gas, size_class};
use strongroom_vm::{Charged, Host, HostFault};

/// The storage of one contract, borrowed while its instance runs.
pub(super) struct Storage<'c, 's> {
    state: &'c mut State<'s>,
    contract: &'c Address,
}

impl<'c, 's> Storage<'c, 's> {
    /// The storage of `contract` in `state`.
    pub(super) fn new(state: &'c mut State<'s>, contract: &'c Address) -> Self {
        Self { state, contract }
    }

    fn slot(&self, key: &[u8]) -> Slot {
        Slot::Contract(self.contract.clone(), key.to_vec())
    }
}

const fn wasm(gas: Gas) -> u64 {
    gas.saturating_mul(WASM_PER_SDK)
}

fn class(value: &[u8]) -> u64 {
    size_class(u64::try_from(value.len()).unwrap_or(u64::MAX))
}

/// `Done` if the price can be paid. Keys and values over their limit cost everything: no gas limit buys them.
fn priced<T>(value: T, price: Gas, gas_left: u64) -> Charged<T> {
    let gas = wasm(price);
    if gas > gas_left {
        Charged::OutOfGas
    } else {
        Charged::Done { value, gas }
    }
}

impl Host for Storage<'_, '_> {
    fn read(&mut self, key: &[u8], gas_left: u64) -> Result<Charged<Option<Vec<u8>>>, HostFault> {
        let by_key = gas::key(key.len());
        if wasm(gas::read(None).saturating_add(by_key)) > gas_left
            || key.len() > STORAGE_KEY_BYTES_MAX
        {
            return Ok(Charged::OutOfGas);
        }
        let value = self
            .state
            .get(&self.slot(key))
            .map_err(|fault| HostFault(Box::new(fault)))?;
        let price = gas::read(value.as_ref().map(|v| class(v))).saturating_add(by_key);
        Ok(priced(value.map(|v| v.to_vec()), price, gas_left))
    }

    fn write(&mut self, key: &[u8], value: &[u8], gas_left: u64) -> Result<Charged<()>, HostFault> {
        let too_large = key.len() > STORAGE_KEY_BYTES_MAX || value.len() > STORAGE_VALUE_BYTES_MAX;
        let charged = priced(
            (),
            gas::write(class(value)).saturating_add(gas::key(key.len())),
            gas_left,
        );
        if too_large || charged == Charged::OutOfGas {
            return Ok(Charged::OutOfGas);
        }
        self.state.put(self.slot(key), Some(Bytes::from(value)));
        Ok(charged)
    }

    fn remove(&mut self, key: &[u8], gas_left: u64) -> Result<Charged<()>, HostFault> {
        let charged = priced(
            (),
            gas::remove().saturating_add(gas::key(key.len())),
            gas_left,
        );
        if key.len() > STORAGE_KEY_BYTES_MAX || charged == Charged::OutOfGas {
            return Ok(Charged::OutOfGas);
        }
        self.state.put(self.slot(key), None);
        Ok(charged)
    }
}
