//! A state of which other threads know a part only, as where a host has not proven the rest yet.

use super::Bytes;
use strongroom_chain::{Fault, StateRead};
use strongroom_types::{Tree, sha256};

/// The state of a replica, of whose keys other threads know three in four.
pub(super) struct Partly<'w> {
    pub(super) world: &'w dyn StateRead,
    /// Which they are: another number, another quarter.
    pub(super) number: u8,
}

impl StateRead for Partly<'_> {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Bytes>, Fault> {
        self.world.get(tree, key)
    }

    fn shared(&self) -> Option<Box<dyn StateRead + Sync + '_>> {
        Some(Box::new(Part {
            world: self.world.shared()?,
            number: self.number,
        }))
    }
}

struct Part<'w> {
    world: Box<dyn StateRead + Sync + 'w>,
    number: u8,
}

impl StateRead for Part<'_> {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Bytes>, Fault> {
        match sha256(key)[0] % 4 == self.number % 4 {
            true => Err(Fault::State(String::from("not proven here"))),
            false => self.world.get(tree, key),
        }
    }
}
