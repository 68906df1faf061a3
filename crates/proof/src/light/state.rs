//! What the light client stands on: kept in the sealed anchor, moved one block at a time.

use super::LightError;
use crate::comet::{BlockId, Header, ValidatorSet};
use borsh::{BorshDeserialize, BorshSerialize};
use strongroom_types::consensus::CHAIN_ID_BYTES_MAX;
use strongroom_types::{GenesisDoc, Hash, Height, Timestamp, ValidatorUpdate};

/// Genesis, as the light client needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Genesis {
    /// Chain id, 1 to 50 bytes.
    pub chain_id: String,
    /// Time of the genesis, which is the time of the first block.
    pub time: Timestamp,
    /// Height of the first block, usually 1.
    pub initial_height: Height,
    /// The validators of the first and second height.
    pub validators: ValidatorSet,
}

impl Genesis {
    /// Genesis of a document, with the validators that the application starts with.
    #[must_use]
    pub fn new<S>(doc: &GenesisDoc<S>, validators: ValidatorSet) -> Self {
        Self {
            chain_id: doc.chain_id.clone(),
            time: doc.genesis_time,
            initial_height: doc.initial_height,
            validators,
        }
    }
}

/// The point that the next header must continue.
///
/// Encoded with borsh behind a version byte; decoding checks every invariant of the validator sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LightState(V1);

#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
struct V1 {
    chain_id: String,
    /// Of the last verified block; initial height - 1 before the first.
    height: Height,
    /// Of the last verified block; the genesis' before the first.
    time: Timestamp,
    /// The last verified block; `None` before the first.
    block_id: Option<BlockId>,
    /// Of the last verified block; `None` before the first.
    last_validators: Option<ValidatorSet>,
    /// Of the next height.
    validators: ValidatorSet,
    /// Of the height after the next.
    next_validators: ValidatorSet,
}

/// The stored form: a new layout gets a new variant, old ones stay readable.
#[derive(BorshSerialize, BorshDeserialize)]
enum Stored {
    V1(V1),
}

impl LightState {
    /// The state before the first block.
    ///
    /// # Errors
    /// [`LightError::ChainId`] for a chain id of the wrong length, [`LightError::Height`] for an initial height of 0.
    pub fn genesis(genesis: &Genesis) -> Result<Self, LightError> {
        if genesis.chain_id.is_empty() || genesis.chain_id.len() > CHAIN_ID_BYTES_MAX {
            return Err(LightError::ChainId);
        }
        super::check_time(genesis.time)?;
        let height = genesis
            .initial_height
            .checked_sub(1)
            .ok_or(LightError::Height {
                found: 0,
                expected: 1,
            })?;
        Ok(Self(V1 {
            chain_id: genesis.chain_id.clone(),
            height,
            time: genesis.time,
            block_id: None,
            last_validators: None,
            validators: genesis.validators.clone(),
            next_validators: genesis.validators.clone(),
        }))
    }

    /// The state after a header that was verified; the set after the next stays until [`Self::executed`].
    pub(super) fn advanced(&self, header: &Header, block_id: BlockId) -> Self {
        Self(V1 {
            chain_id: self.0.chain_id.clone(),
            height: header.height,
            time: header.time,
            block_id: Some(block_id),
            last_validators: Some(self.0.validators.clone()),
            validators: self.0.next_validators.clone(),
            next_validators: self.0.next_validators.clone(),
        })
    }

    /// The state after the block was executed: its validator updates hold from the height after the next.
    ///
    /// # Errors
    /// [`LightError::Validators`] for updates that make no valid set.
    pub fn executed(&self, updates: &[ValidatorUpdate]) -> Result<Self, LightError> {
        let mut after = self.0.clone();
        if !updates.is_empty() {
            after.next_validators = after.next_validators.updated(updates)?;
        }
        Ok(Self(after))
    }

    /// Chain id.
    #[must_use]
    pub fn chain_id(&self) -> &str {
        &self.0.chain_id
    }

    /// Height of the last verified block; initial height - 1 before the first.
    #[must_use]
    pub const fn height(&self) -> Height {
        self.0.height
    }

    /// Time of the last verified block; that of the genesis before the first.
    #[must_use]
    pub const fn time(&self) -> Timestamp {
        self.0.time
    }

    /// The last verified block; `None` before the first.
    #[must_use]
    pub const fn block_id(&self) -> Option<BlockId> {
        self.0.block_id
    }

    /// Header hash of the last verified block; `None` before the first.
    #[must_use]
    pub fn header_hash(&self) -> Option<Hash> {
        self.0.block_id.map(|id| id.hash)
    }

    /// Validators of the last verified block; `None` before the first.
    #[must_use]
    pub const fn last_validators(&self) -> Option<&ValidatorSet> {
        self.0.last_validators.as_ref()
    }

    /// Validators of the next height: they decide the next block.
    #[must_use]
    pub const fn validators(&self) -> &ValidatorSet {
        &self.0.validators
    }

    /// Validators of the height after the next.
    #[must_use]
    pub const fn next_validators(&self) -> &ValidatorSet {
        &self.0.next_validators
    }
}

impl BorshSerialize for LightState {
    fn serialize<W: borsh::io::Write>(&self, writer: &mut W) -> borsh::io::Result<()> {
        Stored::V1(self.0.clone()).serialize(writer)
    }
}

impl BorshDeserialize for LightState {
    fn deserialize_reader<R: borsh::io::Read>(reader: &mut R) -> borsh::io::Result<Self> {
        let Stored::V1(state) = Stored::deserialize_reader(reader)?;
        if state.chain_id.is_empty()
            || state.chain_id.len() > CHAIN_ID_BYTES_MAX
            || state.block_id.is_some() != state.last_validators.is_some()
        {
            return Err(borsh::io::Error::new(
                borsh::io::ErrorKind::InvalidData,
                "no light state",
            ));
        }
        Ok(Self(state))
    }
}
