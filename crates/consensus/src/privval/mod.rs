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

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer as _, SigningKey};
use prost::Message as _;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use strongroom_proof::comet::{self, BlockId, Commit, CommitSig, ValidatorAddress, Vote, raw};
use strongroom_store::files::{self, Readers};
use strongroom_types::{Height, Timestamp};
use zeroize::Zeroizing;

const PUBKEY_TYPE: &str = "tendermint/PubKeyEd25519";
const PRIVKEY_TYPE: &str = "tendermint/PrivKeyEd25519";
/// CometBFT's number of the step at which precommits are signed.
const STEP_PRECOMMIT: u8 = 3;
/// Most bytes of either file.
const FILE_BYTES_MAX: u64 = 64 * 1_024;

/// Why the validator does not sign.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignerError {
    /// A file cannot be read or written.
    #[error("{path}: {error}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Error of the system.
        error: std::io::Error,
    },
    /// A file is not what it should be.
    #[error("{path}: {reason}")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong; never content.
        reason: &'static str,
    },
    /// The key signed another block of this height.
    #[error("another block of height {height} was signed already")]
    Conflict {
        /// The height.
        height: Height,
    },
    /// The key signed a greater height.
    #[error("height {last} was signed already, {height} is below it")]
    Behind {
        /// Position that was to be signed.
        height: Height,
        /// Position that was signed last.
        last: Height,
    },
    /// What the key signed was of another chain.
    #[error(
        "the key signed last for the chain {last}: a validator of {chain} needs a key of its own"
    )]
    OtherChain {
        /// The chain that it signed for.
        last: String,
        /// The chain that it is to sign for.
        chain: String,
    },
    /// Nobody knows any more what the key signed.
    #[error(
        "{path} is missing, and no stored block tells what was signed: put it back, or begin a new network"
    )]
    Lost {
        /// The state file.
        path: PathBuf,
    },
    /// The system has no randomness for a new key.
    #[error("no randomness for a new key: {0}")]
    Random(getrandom::Error),
}

impl SignerError {
    /// A stable name for logs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Io { .. } => "signer.io",
            Self::File { .. } => "signer.file",
            Self::Conflict { .. } => "signer.conflict",
            Self::Behind { .. } => "signer.behind",
            Self::OtherChain { .. } => "signer.other_chain",
            Self::Lost { .. } => "signer.lost",
            Self::Random(_) => "signer.random",
        }
    }

    /// Whether the same call may succeed later without anybody's help.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Io { error, .. } if strongroom_store::is_transient(error))
    }
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
        if let (false, Some(path), Some(last)) = (self.persisted, &self.state_path, &self.last) {
            write_state(path, &last.into())?;
        }
        self.persisted = true;
        Ok(())
    }
}

#[derive(Serialize, Deserialize)]
struct KeyJson {
    #[serde(rename = "type")]
    kind: String,
    value: String,
}

#[derive(Serialize, Deserialize)]
struct KeyFile {
    address: String,
    pub_key: KeyJson,
    priv_key: KeyJson,
}

#[derive(Serialize, Deserialize)]
struct StateFile {
    /// In decimal.
    height: String,
    round: u32,
    step: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signature: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signbytes: Option<String>,
}

/// Before anything is signed, as CometBFT writes it.
impl Default for StateFile {
    fn default() -> Self {
        Self {
            height: "0".to_owned(),
            round: 0,
            step: 0,
            signature: None,
            signbytes: None,
        }
    }
}

impl From<&Signed> for StateFile {
    fn from(last: &Signed) -> Self {
        Self {
            height: last.height.to_string(),
            round: last.round,
            step: STEP_PRECOMMIT,
            signature: Some(STANDARD.encode(&last.signature)),
            signbytes: Some(hex::encode_upper(&last.sign_bytes)),
        }
    }
}

/// The Ed25519 key of CometBFT's JSON form.
pub(crate) fn pubkey_of_json(kind: &str, value: &str) -> Option<[u8; 32]> {
    if kind == PUBKEY_TYPE {
        STANDARD.decode(value).ok()?.try_into().ok()
    } else {
        None
    }
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> SignerError {
    let path = path.to_owned();
    move |error| SignerError::Io { path, error }
}

fn file(path: &Path, reason: &'static str) -> SignerError {
    SignerError::File {
        path: path.to_owned(),
        reason,
    }
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, SignerError> {
    if fs::metadata(path).map_err(io(path))?.len() > FILE_BYTES_MAX {
        return Err(file(path, "too large"));
    }
    Ok(Zeroizing::new(fs::read(path).map_err(io(path))?))
}

fn read_key(path: &Path) -> Result<SigningKey, SignerError> {
    // The parser's own message could quote the secret: it is not passed on.
    let json: KeyFile = serde_json::from_slice(&read(path)?)
        .map_err(|_| file(path, "not a priv_validator_key.json"))?;
    let secret = Zeroizing::new(json.priv_key.value);
    let bytes = Zeroizing::new(
        STANDARD
            .decode(secret.as_bytes())
            .map_err(|_| file(path, "priv_key is not base64"))?,
    );
    let pair: &[u8; 64] = bytes
        .as_slice()
        .try_into()
        .map_err(|_| file(path, "priv_key is not 64 bytes"))?;
    if json.priv_key.kind != PRIVKEY_TYPE {
        return Err(file(path, "priv_key is not Ed25519"));
    }
    // Refuses a pair whose halves do not belong together: signing with it would give the secret away.
    let key =
        SigningKey::from_keypair_bytes(pair).map_err(|_| file(path, "priv_key is no key pair"))?;
    let pubkey = key.verifying_key().to_bytes();
    if pubkey_of_json(&json.pub_key.kind, &json.pub_key.value) != Some(pubkey) {
        return Err(file(path, "pub_key is not that of priv_key"));
    }
    if json.address != hex::encode_upper(comet::validators::address(&pubkey)) {
        return Err(file(path, "address is not that of the key"));
    }
    Ok(key)
}

fn write_key(path: &Path, key: &SigningKey) -> Result<(), SignerError> {
    let pubkey = key.verifying_key().to_bytes();
    let pair = Zeroizing::new(key.to_keypair_bytes());
    let json = KeyFile {
        address: hex::encode_upper(comet::validators::address(&pubkey)),
        pub_key: KeyJson {
            kind: PUBKEY_TYPE.to_owned(),
            value: STANDARD.encode(pubkey),
        },
        priv_key: KeyJson {
            kind: PRIVKEY_TYPE.to_owned(),
            value: STANDARD.encode(pair.as_slice()),
        },
    };
    let text = Zeroizing::new(
        serde_json::to_vec_pretty(&json).map_err(|_| file(path, "cannot be encoded"))?,
    );
    let _wipe = Zeroizing::new(json.priv_key.value);
    files::write(path, &text, Readers::Owner).map_err(io(path))
}

fn read_state(path: &Path) -> Result<Option<Signed>, SignerError> {
    let json: StateFile = serde_json::from_slice(&read(path)?).map_err(|_| {
        file(
            path,
            "not a priv_validator_state.json; if nothing else was lost, remove it: it is made again from the newest block",
        )
    })?;
    let height: Height = json
        .height
        .parse()
        .map_err(|_| file(path, "height is no number"))?;
    let Some(sign_bytes) = json.signbytes.filter(|_| height > 0) else {
        // CometBFT writes a file for height 0 before anything is signed.
        return if height == 0 {
            Ok(None)
        } else {
            Err(file(path, "signbytes are missing"))
        };
    };
    let sign_bytes = hex::decode(sign_bytes).map_err(|_| file(path, "signbytes are not hex"))?;
    let vote = raw::types::CanonicalVote::decode_length_delimited(sign_bytes.as_slice())
        .map_err(|_| file(path, "signbytes are no vote"))?;
    if u64::try_from(vote.height) != Ok(height) {
        return Err(file(path, "height is not that of signbytes"));
    }
    let id = vote
        .block_id
        .ok_or_else(|| file(path, "signbytes are for no block"))?;
    let parts = id.part_set_header.unwrap_or_default();
    let id = raw::types::BlockId {
        hash: id.hash,
        part_set_header: Some(raw::types::PartSetHeader {
            total: parts.total,
            hash: parts.hash,
        }),
    };
    let signature = json
        .signature
        .and_then(|s| STANDARD.decode(s).ok())
        .unwrap_or_default();
    let block_id = BlockId::from_raw(&id).map_err(|_| file(path, "signbytes are for no block"))?;
    Ok(Some(Signed {
        chain_id: vote.chain_id,
        height,
        round: json.round,
        block_id,
        signature,
        sign_bytes,
    }))
}

fn write_state(path: &Path, json: &StateFile) -> Result<(), SignerError> {
    let text = serde_json::to_vec_pretty(json).map_err(|_| file(path, "cannot be encoded"))?;
    files::write(path, &text, Readers::Owner).map_err(io(path))
}

#[cfg(test)]
mod tests;
