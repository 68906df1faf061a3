//! The validator's key, and what it signed last. Files in CometBFT's shape (`priv_validator_key.json`,
//! `priv_validator_state.json`), so that a validator can move between engines with both.
//!
//! Promises: never two different blocks of one height, never a height below the last one. A signature leaves this
//! process only inside a decided block that is on disk; the state file follows it ([`Signer::persist`]), and at the
//! start the newest decided block is held against it ([`Signer::observe`]). So a kill at any moment leaves either no
//! trace of a vote, or the block that it was for, and a block store that was set back to an older copy is refused.
//! A new key gets a state file that says "nothing yet". So a state file that is not there was lost: it is made again from
//! the newest decided block, and if there is none the key does not sign.
//! The same block may be signed again with a later time: that is how Solo keeps block times fresh.
//! Refuses: files that others may read are still read (the operator's choice), but are written for the owner only.

mod error;
mod files;
mod node_key;

pub use error::SignerError;
pub use node_key::NodeKey;

use ed25519_dalek::{Signer as _, SigningKey};
use error::io;
use files::{StateFile, read_key, read_state, write_key, write_state};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use strongroom_proof::comet::{self, BlockId, Commit, CommitSig, ValidatorAddress, Vote};
use strongroom_types::{Height, Timestamp};
use zeroize::Zeroizing;

/// The public half of a validator's key file, for a node whose engine signs by itself.
///
/// # Errors
/// [`SignerError`] names the file and what is wrong with it.
pub fn pubkey(key_path: &Path) -> Result<[u8; 32], SignerError> {
    Ok(read_key(key_path)?.verifying_key().to_bytes())
}

/// Signs bytes that are no vote, with the key of a validator: `bytes` begin with a domain of their own.
///
/// # Errors
/// As [`pubkey`].
pub fn sign_bytes(key_path: &Path, bytes: &[u8]) -> Result<[u8; 64], SignerError> {
    Ok(read_key(key_path)?.sign(bytes).to_bytes())
}

/// A validator's key that remembers what it signed.
pub struct Signer {
    key: SigningKey,
    pubkey: [u8; 32],
    last: Option<Signed>,
    /// File that keeps `last`; `None`: none (tests, benches).
    state_path: Option<PathBuf>,
    /// Whether the file has `last`.
    persisted: bool,
    /// The state file is not there, and no block was seen yet that tells what it held.
    lost: bool,
}

/// What was signed last.
#[derive(Clone)]
struct Signed {
    chain_id: String,
    height: Height,
    round: u32,
    block_id: BlockId,
    signature: Vec<u8>,
    sign_bytes: Vec<u8>,
}

impl core::fmt::Debug for Signer {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Signer({})", hex::encode_upper(self.address()))
    }
}

impl Signer {
    /// A signer without files: forgets everything with the process. For tests, benches and chains in memory.
    #[must_use]
    pub fn in_memory(seed: &[u8; 32]) -> Self {
        Self::new(SigningKey::from_bytes(seed), None, None)
    }

    fn new(key: SigningKey, last: Option<Signed>, state_path: Option<PathBuf>) -> Self {
        let pubkey = key.verifying_key().to_bytes();
        Self {
            key,
            pubkey,
            last,
            state_path,
            persisted: true,
            lost: false,
        }
    }

    /// Opens a key file and its state file. If that is not there, nothing is signed before [`Self::observe`] was told a
    /// block.
    ///
    /// # Errors
    /// [`SignerError::Io`] or [`SignerError::File`].
    pub fn open(key_path: &Path, state_path: &Path) -> Result<Self, SignerError> {
        let key = read_key(key_path)?;
        let lost = !state_path.try_exists().map_err(io(state_path))?;
        let last = if lost { None } else { read_state(state_path)? };
        let signer = Self::new(key, last, Some(state_path.to_owned()));
        Ok(Self { lost, ..signer })
    }

    /// Writes a new key file from the system's randomness and opens it. An existing file is never overwritten.
    ///
    /// # Errors
    /// [`SignerError::Io`] if a file is there or cannot be written, [`SignerError::Random`].
    pub fn create(key_path: &Path, state_path: &Path) -> Result<Self, SignerError> {
        if key_path.try_exists().map_err(io(key_path))? {
            return Err(io(key_path)(ErrorKind::AlreadyExists.into()));
        }
        let mut seed = Zeroizing::new([0_u8; 32]);
        getrandom::fill(seed.as_mut_slice()).map_err(SignerError::Random)?;
        // Before the key: a key without a state file has lost it. One that is there stays.
        if !state_path.try_exists().map_err(io(state_path))? {
            write_state(state_path, &StateFile::default())?;
        }
        write_key(key_path, &SigningKey::from_bytes(&seed))?;
        Self::open(key_path, state_path)
    }

    /// The public key.
    #[must_use]
    pub const fn pubkey(&self) -> [u8; 32] {
        self.pubkey
    }

    /// The address of the public key.
    #[must_use]
    pub fn address(&self) -> ValidatorAddress {
        comet::validators::address(&self.pubkey)
    }

    /// The last height that was signed, if any.
    #[must_use]
    pub fn last_height(&self) -> Option<Height> {
        self.last.as_ref().map(|l| l.height)
    }

    /// A commit for a block, with this validator's precommit of round 0 as its only entry.
    ///
    /// # Errors
    /// [`SignerError::Conflict`] or [`SignerError::Behind`]; nothing is signed.
    pub fn commit(
        &mut self,
        chain_id: &str,
        height: Height,
        block_id: BlockId,
        time: Timestamp,
    ) -> Result<Commit, SignerError> {
        let round = 0;
        let known = self.check(chain_id, height, &block_id)?;
        let sign_bytes = comet::sign_bytes(chain_id, height, round, Some(&block_id), time);
        let signature = self.key.sign(&sign_bytes).to_bytes();
        if !known {
            let signature = signature.to_vec();
            self.last = Some(Signed {
                chain_id: chain_id.to_owned(),
                height,
                round,
                block_id,
                signature,
                sign_bytes,
            });
            self.persisted = false;
        }
        let vote = Vote {
            address: self.address(),
            time,
            signature,
        };
        Ok(Commit {
            height,
            round,
            block_id,
            signatures: vec![CommitSig::Commit(vote)],
        })
    }

    /// Whether this very block was signed last; an error if signing it would break the promise.
    fn check(
        &self,
        chain_id: &str,
        height: Height,
        block_id: &BlockId,
    ) -> Result<bool, SignerError> {
        if let (true, Some(path)) = (self.lost, &self.state_path) {
            return Err(SignerError::Lost { path: path.clone() });
        }
        match &self.last {
            None => Ok(false),
            Some(last) if last.chain_id != chain_id => Err(SignerError::OtherChain {
                last: last.chain_id.clone(),
                chain: chain_id.to_owned(),
            }),
            Some(last) if height > last.height => Ok(false),
            Some(last) if height < last.height => Err(SignerError::Behind {
                height,
                last: last.height,
            }),
            Some(last) if last.block_id == *block_id => Ok(true),
            Some(_) => Err(SignerError::Conflict { height }),
        }
    }

    /// Holds the newest decided block of the store against the state, and raises the state to it; a lost state is made
    /// again from it. `None`: no block.
    ///
    /// # Errors
    /// [`SignerError::Conflict`] or [`SignerError::Behind`]: the store was exchanged or set back.
    /// [`SignerError::OtherChain`], [`SignerError::Lost`]. Also as [`Self::persist`].
    pub fn observe(&mut self, chain_id: &str, newest: Option<&Commit>) -> Result<(), SignerError> {
        let Some(commit) = newest else {
            return match (self.last_height(), &self.state_path) {
                (Some(last), _) => Err(SignerError::Behind { height: 1, last }),
                (None, Some(path)) if self.lost => Err(SignerError::Lost { path: path.clone() }),
                (None, _) => Ok(()),
            };
        };
        self.lost = false;
        if !self.check(chain_id, commit.height, &commit.block_id)? {
            let own = commit
                .signatures
                .iter()
                .position(|s| s.vote().is_some_and(|v| v.address == self.address()));
            let vote = own
                .and_then(|i| commit.signatures.get(i))
                .and_then(CommitSig::vote);
            self.last = Some(Signed {
                chain_id: chain_id.to_owned(),
                height: commit.height,
                round: commit.round,
                block_id: commit.block_id,
                signature: vote.map(|v| v.signature.to_vec()).unwrap_or_default(),
                sign_bytes: own
                    .and_then(|i| commit.sign_bytes(chain_id, i))
                    .unwrap_or_default(),
            });
            self.persisted = false;
        }
        self.persist()
    }

    /// Writes the state file, if something was signed since. Atomic: the file holds the old state or the new one.
    ///
    /// # Errors
    /// [`SignerError::Io`].
    pub fn persist(&mut self) -> Result<(), SignerError> {
        if let Some(unsaved) = self.unsaved() {
            unsaved.write()?;
        }
        self.persisted = true;
        Ok(())
    }

    /// What [`Self::persist`] would write, for a thread of its own; the signer does not ask whether it was.
    pub fn take_unsaved(&mut self) -> Option<Unsaved> {
        let unsaved = self.unsaved();
        self.persisted = true;
        unsaved
    }

    fn unsaved(&self) -> Option<Unsaved> {
        match (self.persisted, &self.state_path, &self.last) {
            (false, Some(path), Some(last)) => Some(Unsaved {
                path: path.clone(),
                state: last.into(),
            }),
            _ => None,
        }
    }
}

/// A state file that is to be written.
pub struct Unsaved {
    path: PathBuf,
    state: StateFile,
}

impl Unsaved {
    /// Writes it. Atomic, and may be done again.
    ///
    /// # Errors
    /// [`SignerError::Io`].
    pub fn write(&self) -> Result<(), SignerError> {
        write_state(&self.path, &self.state)
    }
}

#[cfg(test)]
mod tests;
