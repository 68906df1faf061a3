//! Contract messages, sealed for the network, and what comes back (encryption.md 4 and 5, the client's side).

pub use crate::crypto::bound::{Binding, Target};
use crate::crypto::bound::{HEAD_BYTES, TAG};
use crate::crypto::error::Error;
use crate::crypto::io::{CODE_HASH_LEN, HEADER_LEN, TxKey, key_of_input, seal_input};
use crate::crypto::secret::Secret;
use crate::crypto::x25519::KeyPair;
use crate::types::Hash;
use zeroize::Zeroizing;

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

    /// The key of a message that this user has sealed before: opens the message and everything that answers it.
    ///
    /// # Errors
    /// [`SealError::Key`] if another user sealed it.
    pub fn key_of(&self, wire: &[u8]) -> Result<TxKey, SealError> {
        Ok(key_of_input(&self.user, &self.network, wire)?)
    }

    /// A message that this user has sealed before, without the code hash and the binding in front of it.
    ///
    /// # Errors
    /// [`SealError::Key`] if another user sealed it, or for another network key.
    pub fn open(&self, wire: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let sealed = wire.get(HEADER_LEN..).unwrap_or_default();
        let plain = self.key_of(wire)?.open(sealed)?;
        let message = plain.get(CODE_HASH_LEN..).unwrap_or_default();
        let bound = message
            .get(HEAD_BYTES..)
            .filter(|_| message.starts_with(TAG));
        Ok(Zeroizing::new(bound.unwrap_or(message).to_vec()))
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A network key: the public key of some secret.
    fn network() -> [u8; 32] {
        *KeyPair::from_secret(&Secret::new([7; 32])).public()
    }

    #[test]
    fn who_sealed_a_message_opens_it_again_bound_or_not_and_nobody_else_does() {
        let (mine, other) = (
            Sealer::new([1; 32], network()),
            Sealer::new([2; 32], network()),
        );
        let binding = Binding {
            chain_id: "test-1",
            sender: &[3; 20],
            target: Target::Execute(&[4; 20]),
        };
        let message = br#"{"put":{}}"#;
        let plain = mine.seal(&[5; 32], message).unwrap().wire;
        let bound = mine.seal_bound(&binding, &[5; 32], message).unwrap().wire;
        for wire in [plain, bound] {
            assert_eq!(*mine.open(&wire).unwrap(), message);
            assert!(other.open(&wire).is_err());
            assert!(Sealer::new([1; 32], [9; 32]).open(&wire).is_err());
        }
        assert!(mine.open(&[0; 63]).is_err());
    }
}
