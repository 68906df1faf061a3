//! What the state machine stands on: proven state, content by hash, and secrets.

use crate::Bytes;
pub use crate::crypto::ShareTarget;
use crate::crypto::io::Input;
use crate::error::Fault;
use crate::types::{Address, Hash, Height, Tree};

/// Reads of the committed state before this block. In the enclave every answer is proven against the current root;
/// on the host it is the store's own snapshot.
pub trait StateRead {
    /// The value under a raw key, or `None` if it is absent.
    ///
    /// # Errors
    /// [`Fault::State`] if the answer could not be had or not be proven.
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Bytes>, Fault>;

    /// The same state for other threads, as far as it is here: nobody is asked for what is not, which is a fault there. Nothing, if it
    /// is for one thread only.
    fn shared(&self) -> Option<Box<dyn StateRead + Sync + '_>> {
        None
    }
}

impl<S: StateRead + ?Sized> StateRead for &S {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Bytes>, Fault> {
        (**self).get(tree, key)
    }
}

/// Content by hash: contract code.
pub trait CodeRead {
    /// The wasm whose SHA-256 is `hash`.
    ///
    /// # Errors
    /// [`Fault::Content`] if it is missing or does not match.
    fn code(&self, hash: &Hash) -> Result<Bytes, Fault>;
}

/// An observer of every single transaction of a block, who may leave it out.
pub trait Watch {
    /// The transaction at `index` is next, to be executed or to have its signer looked up; `false`: it is left out.
    fn begins(&self, index: u32, hash: &Hash) -> bool;

    /// The one that began last is done with: nothing that happens before the next begins is its doing.
    fn ended(&self) {}

    /// The observer of what is done before transactions run, on any thread.
    fn ahead(&self) -> &dyn WatchAhead {
        &EveryTx
    }
}

/// An observer of what is done with a transaction before its turn, who may leave it out.
pub trait WatchAhead: Sync {
    /// This thread looks at the transaction at `index`; `false`: it must not.
    fn looks(&self, index: u32, hash: &Hash) -> bool;

    /// It is done with it.
    fn looked(&self) {}
}

/// Leaves nothing out.
#[derive(Clone, Copy, Debug, Default)]
pub struct EveryTx;

impl WatchAhead for EveryTx {
    fn looks(&self, _: u32, _: &Hash) -> bool {
        true
    }
}

impl Watch for EveryTx {
    fn begins(&self, _: u32, _: &Hash) -> bool {
        true
    }
}

/// Why a secret operation did not happen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecretsError {
    /// This side of the door has no secrets (the host).
    #[error("secrets are not here")]
    NotHere,
    /// The message does not open with any live network key.
    #[error("message does not open")]
    Closed,
    /// A stored value does not open: the state is not ours, or corrupt in spite of its proof.
    #[error("stored value does not open")]
    Corrupt,
    /// A public key of low order: what is sealed to it, everyone opens.
    #[error("a one-time key of low order")]
    Key,
}

/// Operations that need the seed. The host passes [`NoSecrets`].
pub trait Secrets {
    /// Opens a wire message with the newest network key, then the previous one within its grace window.
    ///
    /// # Errors
    /// [`SecretsError::NotHere`] on the host, [`SecretsError::Closed`] if it does not open.
    fn open_input(&self, message: &[u8]) -> Result<Input, SecretsError>;

    /// The raw tree keys of a contract's storage key, one per live epoch, newest first.
    ///
    /// # Errors
    /// [`SecretsError::NotHere`] on the host.
    fn storage_keys(&self, contract: &Address, key: &[u8]) -> Result<Vec<Vec<u8>>, SecretsError>;

    /// Seals the value of a contract's own `key` under the newest epoch: the record to store under `storage_keys()[0]`.
    ///
    /// # Errors
    /// [`SecretsError::NotHere`] on the host.
    fn seal_value(
        &self,
        contract: &Address,
        key: &[u8],
        height: Height,
        value: &[u8],
    ) -> Result<Vec<u8>, SecretsError>;

    /// Opens the record of a contract's own `key`; its header names the epoch.
    ///
    /// # Errors
    /// [`SecretsError::NotHere`] on the host, [`SecretsError::Corrupt`] if it does not open.
    fn open_value(
        &self,
        contract: &Address,
        key: &[u8],
        record: &[u8],
    ) -> Result<Bytes, SecretsError>;

    /// The 32 bytes that a call sees as `env.block.random`: PRF of (seed, header hash), then of contract, position of
    /// the transaction and number of the call within it. Unknown before the block is decided.
    ///
    /// # Errors
    /// [`SecretsError::NotHere`] on the host.
    fn random(
        &self,
        header_hash: &Hash,
        contract: &Address,
        tx_index: u32,
        call: u32,
    ) -> Result<[u8; 32], SecretsError>;

    /// All live seeds, sealed to a node's one-time key ([`crate::crypto::share`]): the same bytes in every enclave.
    ///
    /// # Errors
    /// [`SecretsError::NotHere`] on the host, [`SecretsError::Key`] for a one-time key that no enclave has.
    fn share_seeds(&self, target: &ShareTarget) -> Result<Vec<u8>, SecretsError>;

    /// What a node that opened its share says, to compare.
    ///
    /// # Errors
    /// [`SecretsError::NotHere`] on the host.
    fn possession(&self, target: &ShareTarget) -> Result<[u8; 32], SecretsError>;

    /// The same for other threads; nothing, if they are for one thread only.
    fn shared(&self) -> Option<&(dyn Secrets + Sync)> {
        None
    }
}

/// The host's [`Secrets`]: every operation answers [`SecretsError::NotHere`].
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSecrets;

impl Secrets for NoSecrets {
    fn open_input(&self, _: &[u8]) -> Result<Input, SecretsError> {
        Err(SecretsError::NotHere)
    }

    fn storage_keys(&self, _: &Address, _: &[u8]) -> Result<Vec<Vec<u8>>, SecretsError> {
        Err(SecretsError::NotHere)
    }

    fn seal_value(
        &self,
        _: &Address,
        _: &[u8],
        _: Height,
        _: &[u8],
    ) -> Result<Vec<u8>, SecretsError> {
        Err(SecretsError::NotHere)
    }

    fn open_value(&self, _: &Address, _: &[u8], _: &[u8]) -> Result<Bytes, SecretsError> {
        Err(SecretsError::NotHere)
    }

    fn random(&self, _: &Hash, _: &Address, _: u32, _: u32) -> Result<[u8; 32], SecretsError> {
        Err(SecretsError::NotHere)
    }

    fn share_seeds(&self, _: &ShareTarget) -> Result<Vec<u8>, SecretsError> {
        Err(SecretsError::NotHere)
    }

    fn possession(&self, _: &ShareTarget) -> Result<[u8; 32], SecretsError> {
        Err(SecretsError::NotHere)
    }

    fn shared(&self) -> Option<&(dyn Secrets + Sync)> {
        Some(self)
    }
}
