//! A contract's storage during one call: reads and writes of its own slots, priced by size class, limited in size; and for a
//! contract that iterates the order of its keys.

use super::gas;
use super::limits::{STORAGE_KEY_BYTES_MAX, STORAGE_VALUE_BYTES_MAX};
use super::order::{self, Iterators, Pages, Refusal};
use super::state::StorageLayout;
use crate::Bytes;
use crate::error::Stop;
use crate::gas::{GasMeter, WASM_PER_SDK};
use crate::overlay::Slot;
use crate::state::State;
use crate::types::{Address, Gas};
use strongroom_vm::{Charged, Host, HostFault, Range};

const NO_ORDER: &str =
    "the contract keeps no order of its keys: the code that it was made with does not iterate";

/// What a call keeps of its contract's storage while it runs.
pub(super) struct Keeping {
    layout: StorageLayout,
    iterators: Iterators,
}

impl Keeping {
    /// Nothing yet.
    pub(super) fn new(layout: StorageLayout) -> Self {
        Self {
            layout,
            iterators: Iterators::default(),
        }
    }
}

/// The storage of one contract, borrowed while its instance runs.
pub(super) struct Storage<'c, 's> {
    state: &'c mut State<'s>,
    contract: &'c Address,
    keeping: &'c mut Keeping,
}

impl<'c, 's> Storage<'c, 's> {
    /// The storage of `contract` in `state`.
    pub(super) fn new(
        state: &'c mut State<'s>,
        contract: &'c Address,
        keeping: &'c mut Keeping,
    ) -> Self {
        Self {
            state,
            contract,
            keeping,
        }
    }

    fn slot(&self, key: &[u8]) -> Slot {
        let key = match self.keeping.layout {
            StorageLayout::Flat => Bytes::from(key),
            StorageLayout::Ordered => order::own_key(key).into(),
        };
        Slot::Contract(self.contract.clone(), key)
    }

    /// Reads a value: the price of what there was is paid when it is known, that of a read without a value before.
    fn look_up(&mut self, key: &[u8], meter: &mut GasMeter) -> Result<Option<Bytes>, Stop> {
        meter.consume(gas::read(None).saturating_add(gas::key(key.len())), READ)?;
        let value = self.state.get(&self.slot(key))?;
        if let Some(value) = &value {
            let all = gas::read(Some(gas::class(value)));
            meter.consume(all.saturating_sub(gas::read(None)), READ)?;
        }
        Ok(value)
    }

    /// Sets or removes a value. A contract that iterates reads what was there, since a key that comes or goes is listed.
    fn put(
        &mut self,
        key: &[u8],
        value: Option<&[u8]>,
        meter: &mut GasMeter,
    ) -> Result<(), Refusal> {
        let price = value.map_or(gas::remove(), |value| gas::write(gas::class(value)));
        meter.consume(price.saturating_add(gas::key(key.len())), WRITE)?;
        if self.keeping.layout == StorageLayout::Ordered {
            order::check_key(key)?;
            let was = self.look_up(key, meter)?.is_some();
            let mut pages = Pages {
                state: self.state,
                contract: self.contract,
                meter,
            };
            match (was, value) {
                (false, None) => return Ok(()),
                (false, Some(_)) => self.keeping.iterators.insert(key, &mut pages)?,
                (true, None) => self.keeping.iterators.remove(key, &mut pages)?,
                (true, Some(_)) => {}
            }
        }
        self.state.put(self.slot(key), value.map(Bytes::from));
        Ok(())
    }

    fn iterators(&mut self) -> Result<&mut Iterators, Refusal> {
        match self.keeping.layout {
            StorageLayout::Flat => Err(Refusal::Contract(NO_ORDER)),
            StorageLayout::Ordered => Ok(&mut self.keeping.iterators),
        }
    }
}

// Locations of gas; they do not leave the call's own meter.
const READ: &str = "contract read";
const WRITE: &str = "contract write";

/// Does `work` on a meter with what is left of the call's gas.
fn charged<T>(
    gas_left: u64,
    work: impl FnOnce(&mut GasMeter) -> Result<T, Refusal>,
) -> Result<Charged<T>, HostFault> {
    let mut meter = GasMeter::new(gas_left.div_euclid(WASM_PER_SDK));
    match work(&mut meter) {
        Ok(value) => Ok(Charged::Done {
            value,
            gas: wasm(meter.used()),
        }),
        Err(Refusal::Contract(text)) => Ok(Charged::Refused(text)),
        Err(Refusal::Stop(Stop::OutOfGas(_))) => Ok(Charged::OutOfGas),
        Err(Refusal::Stop(Stop::Fault(fault))) => Err(HostFault(Box::new(fault))),
        Err(Refusal::Stop(Stop::Err(error))) => Err(HostFault(error.text.into())),
    }
}

const fn wasm(gas: Gas) -> u64 {
    gas.saturating_mul(WASM_PER_SDK)
}

/// Keys and values over their limit cost everything: no gas limit buys them.
fn over(bytes: usize, most: usize) -> Result<(), Refusal> {
    if bytes > most {
        return Err(Stop::OutOfGas(WRITE).into());
    }
    Ok(())
}

impl Host for Storage<'_, '_> {
    fn read(&mut self, key: &[u8], gas_left: u64) -> Result<Charged<Option<Vec<u8>>>, HostFault> {
        charged(gas_left, |meter| {
            over(key.len(), STORAGE_KEY_BYTES_MAX)?;
            let value = self.look_up(key, meter)?;
            Ok(value.map(|v| v.to_vec()))
        })
    }

    fn write(&mut self, key: &[u8], value: &[u8], gas_left: u64) -> Result<Charged<()>, HostFault> {
        charged(gas_left, |meter| {
            over(key.len(), STORAGE_KEY_BYTES_MAX)?;
            over(value.len(), STORAGE_VALUE_BYTES_MAX)?;
            self.put(key, Some(value), meter)
        })
    }

    fn remove(&mut self, key: &[u8], gas_left: u64) -> Result<Charged<()>, HostFault> {
        charged(gas_left, |meter| {
            over(key.len(), STORAGE_KEY_BYTES_MAX)?;
            self.put(key, None, meter)
        })
    }

    fn scan(&mut self, range: Range, gas_left: u64) -> Result<Charged<u32>, HostFault> {
        charged(gas_left, |meter| self.iterators()?.open(range, meter))
    }

    fn next_key(
        &mut self,
        iterator: u32,
        gas_left: u64,
    ) -> Result<Charged<Option<Vec<u8>>>, HostFault> {
        charged(gas_left, |meter| {
            self.iterators()?;
            let mut pages = Pages {
                state: self.state,
                contract: self.contract,
                meter,
            };
            self.keeping.iterators.next(iterator, &mut pages)
        })
    }
}
