//! Who signs transactions and seals messages.

use std::sync::Arc;
use strongroom_sdk::keys::Account;
use strongroom_sdk::local;
use strongroom_types::{Address, sha256};

/// An account of a test chain. Cheap to clone; knows no sequence, the chain does.
#[derive(Clone, Debug)]
pub struct User {
    account: Arc<Account>,
    address: Address,
    sealing_seed: [u8; 32],
}

impl User {
    /// A well-known account of the local network, by its name (`validator`, `a`, `b`, `c`, `d`).
    ///
    /// # Panics
    /// For another name.
    #[must_use]
    pub fn local(name: &str) -> Self {
        let known = local::account(name).unwrap_or_else(|| {
            panic!("the local network has no account {name}: validator, a, b, c or d")
        });
        let account =
            Account::from_mnemonic(known.mnemonic).expect("the well-known mnemonics are good");
        Self::of(account, known.mnemonic.as_bytes())
    }

    /// The n-th further account, from 0 ([`crate::Options::accounts`]).
    ///
    /// # Panics
    /// Never in practice.
    #[must_use]
    pub fn numbered(n: usize) -> Self {
        let text = format!("a further account of the test chain: {n}");
        let key = sha256(text.as_bytes());
        Self::of(Account::from_bytes(&key).expect("a hash is a key"), &key)
    }

    fn of(account: Account, secret: &[u8]) -> Self {
        let address = account.address();
        let sealing_seed = sha256(&[b"sealing seed ", secret].concat());
        Self {
            account: Arc::new(account),
            address,
            sealing_seed,
        }
    }

    /// The same account with another key for sealing, as on another device: an enclave has not seen it.
    #[must_use]
    pub fn on_device(&self, number: u64) -> Self {
        let seed = [self.sealing_seed.as_slice(), &number.to_be_bytes()].concat();
        Self {
            sealing_seed: sha256(&seed),
            ..self.clone()
        }
    }

    /// The address.
    #[must_use]
    pub const fn address(&self) -> &Address {
        &self.address
    }

    /// The signing account.
    #[must_use]
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// What the user's messages to contracts are sealed with.
    pub(crate) const fn sealing_seed(&self) -> [u8; 32] {
        self.sealing_seed
    }
}
