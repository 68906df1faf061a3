//! Contract messages, sealed for the network, and what comes back (encryption.md 4 and 5, the client's side).

pub use crate::crypto::bound::{Binding, Target};
use crate::crypto::error::Error;
use crate::crypto::io::{TxKey, seal_input};
use crate::crypto::secret::Secret;
use crate::crypto::x25519::KeyPair;
use crate::types::Hash;

/// Seals messages of one user for one network.
pub struct Sealer {
    user: KeyPair,
    network: [u8; 32],
}

/// A sealed message and the key that opens everything that answers it.
pub struct Sealed {
    /// What goes into `msg`, `init_msg` or `query`.
    pub wire: Vec<u8>,
    /// Opens data, attributes, errors and answers of this message.
    pub key: TxKey,
}

impl Sealer {
    /// A sealer with the user's 32-byte encryption seed, for the network key that `tx-key` gives.
    #[must_use]
    pub fn new(seed: [u8; 32], network: [u8; 32]) -> Self {
        Self {
            user: KeyPair::from_secret(&Secret::new(seed)),
            network,
        }
    }

    /// Seals `message` (JSON) for the code with this hash, with a fresh nonce from the system.
    ///
    /// # Errors
    /// If the system has no randomness, or the network key is none.
    pub fn seal(&self, code_hash: &Hash, message: &[u8]) -> Result<Sealed, SealError> {
        let mut nonce = [0; 32];
        getrandom::fill(&mut nonce).map_err(|_| SealError::Randomness)?;
        self.seal_with(&nonce, code_hash, message)
    }

    /// As [`Sealer::seal`], bound to who sends it to what: in another's transaction, or at another contract or chain, the enclave refuses
    /// it. For messages of transactions to contracts of this project's networks; queries have no sender.
    ///
    /// # Errors
    /// As [`Sealer::seal`].
    pub fn seal_bound(
        &self,
        binding: &Binding<'_>,
        code_hash: &Hash,
        message: &[u8],
    ) -> Result<Sealed, SealError> {
        self.seal(code_hash, &binding.bind(message))
    }

    /// As [`Sealer::seal`] with a nonce of the caller's: never the same one twice.
    ///
    /// # Errors
    /// If the network key is none.
    pub fn seal_with(
        &self,
        nonce: &[u8; 32],
        code_hash: &Hash,
        message: &[u8],
    ) -> Result<Sealed, SealError> {
        let (wire, key) = seal_input(&self.user, &self.network, nonce, code_hash, message)?;
        Ok(Sealed { wire, key })
    }
}

impl core::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Sealer(..)")
    }
}

/// Why a message cannot be sealed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// The system gave no randomness.
    #[error("the system gave no randomness")]
    Randomness,
    /// The network key cannot be used.
    #[error("the message cannot be sealed: {0}")]
    Key(#[from] Error),
}
