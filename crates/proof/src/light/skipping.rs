//! The skipping light client: from a trusted header over few others to any later one, for those who do not follow every block.
//!
//! Circles: trusted (a joining enclave), client. Pure: who has a clock gives its time as an argument.
//!
//! Promises: a header that [`Trusted::step`] accepts was decided by more than 2/3 of the validators that it names; and these are
//! named by the trusted header before it, or validators with more than the [`TrustLevel`] of the trusted set's power signed
//! it. [`Bisection`] asks for no more than [`LIGHT_BLOCKS_MAX`] blocks, whatever it is answered.
//! Refuses: headers of another chain, backwards in height or time; with a clock, whatever stands on a header older than the
//! trusting period, and headers from the future.
//!
//! Rules and order of the checks: those of CometBFT's light client (docs/spec/state.md 6); recorded verdicts are tests.

use super::{Genesis, LightError, check_time, signatures};
use crate::comet::{BLOCK_PROTOCOL, Commit, CommitSig, DecodeError, Header, ValidatorSet, raw};
use crate::ics23::{Proven, StoreProof};
use crate::{Error, Verified};
use prost::Message as _;
use strongroom_types::consensus::CHAIN_ID_BYTES_MAX;
use strongroom_types::{Hash, Height, Timestamp, Tree};

/// Most bytes of an encoded [`LightBlock`]: header and commit at their limits, and 1,000 validators with 68 bytes each.
pub const LIGHT_BLOCK_BYTES_MAX: usize = 256 << 10;

/// Most blocks that one bisection asks for: a set that is replaced wholly needs some ten of them, and no network replaces its
/// set a hundred times within a trusting period.
pub const LIGHT_BLOCKS_MAX: usize = 1_000;

/// A header, the commit that decided it, and the validators of its height, as any node may tell them. Nothing is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LightBlock {
    /// Header.
    pub header: Header,
    /// Commit.
    pub commit: Commit,
    /// Validators of the header's height.
    pub validators: ValidatorSet,
}

impl LightBlock {
    /// Reads `tendermint.types.LightBlock`; checks each part by itself. At most [`LIGHT_BLOCK_BYTES_MAX`] bytes.
    ///
    /// # Errors
    /// [`LightError::Oversized`], or what part does not decode.
    pub fn decode(bytes: &[u8]) -> Result<Self, LightError> {
        if bytes.len() > LIGHT_BLOCK_BYTES_MAX {
            return Err(LightError::Oversized {
                what: "light block",
                size: bytes.len(),
                limit: LIGHT_BLOCK_BYTES_MAX,
            });
        }
        let what = "light block";
        let missing = |field| LightError::Header(DecodeError::Field { what, field });
        let block = raw::types::LightBlock::decode(bytes).map_err(|e| {
            LightError::Header(DecodeError::Protobuf {
                what,
                reason: e.to_string(),
            })
        })?;
        let signed = block.signed_header.ok_or(missing("signed_header"))?;
        let header = signed.header.ok_or(missing("header"))?;
        let commit = signed.commit.ok_or(missing("commit"))?;
        let set = block.validator_set.ok_or(missing("validator_set"))?;
        Ok(Self {
            header: Header::from_raw(&header).map_err(LightError::Header)?,
            commit: Commit::from_raw(&commit).map_err(LightError::Commit)?,
            validators: ValidatorSet::from_raw(&set).map_err(LightError::Header)?,
        })
    }

    /// The protobuf bytes. What a set says beyond keys and powers is left out.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        raw::types::LightBlock {
            signed_header: Some(raw::types::SignedHeader {
                header: Some(self.header.to_raw()),
                commit: Some(self.commit.to_raw()),
            }),
            validator_set: Some(self.validators.to_raw()),
        }
        .encode_to_vec()
    }
}

/// Which part of a known set's power must have signed a header whose validators are not known: more than 1/3, so that at least
/// one of them is honest; up to all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrustLevel {
    numerator: u64,
    denominator: u64,
}

impl TrustLevel {
    /// More than 1/3: the usual one.
    pub const ONE_THIRD: Self = Self {
        numerator: 1,
        denominator: 3,
    };

    /// A level between 1/3 and 1 of numbers below 2^16; `None` for any other.
    #[must_use]
    pub fn new(numerator: u16, denominator: u16) -> Option<Self> {
        let (numerator, denominator) = (u64::from(numerator), u64::from(denominator));
        let level = Self {
            numerator,
            denominator,
        };
        (numerator <= denominator && numerator.saturating_mul(3) >= denominator && denominator > 0)
            .then_some(level)
    }

    /// Whether `power` is more than this part of `total`.
    fn exceeded(self, power: u64, total: u64) -> bool {
        let product = |a: u64, b: u64| u128::from(a).saturating_mul(u128::from(b));
        product(power, self.denominator) > product(total, self.numerator)
    }
}

/// What the caller knows of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// Now.
    pub now: Timestamp,
    /// For how many seconds a header is trusted: less than what validators need to take their stake away.
    pub trusting_period_seconds: u64,
    /// By how many seconds a header may be ahead of `now`: clocks differ.
    pub drift_seconds: u64,
}

/// On which terms one header leads to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// For sets that are not known.
    pub level: TrustLevel,
    /// `None`: the caller has no clock it may believe (an enclave). Then keys of validators who left long ago can sign another
    /// chain, so what such a caller does must not rest on the header alone.
    pub clock: Option<Clock>,
}

impl Terms {
    /// 1/3, no clock.
    pub const WITHOUT_CLOCK: Self = Self {
        level: TrustLevel::ONE_THIRD,
        clock: None,
    };
}

/// The header that a trusted point stands on.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Head {
    hash: Hash,
    app_hash: Vec<u8>,
}

/// A point of the chain that is trusted: a genesis, a header that somebody vouches for, or one that was reached from there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trusted {
    chain_id: String,
    height: Height,
    time: Timestamp,
    /// `None`: the genesis.
    head: Option<Head>,
    next_validators_hash: Hash,
    /// Of this height, or of the next: whose votes count when a set is not known.
    validators: ValidatorSet,
}

impl Trusted {
    /// The genesis: the point before the first block.
    ///
    /// # Errors
    /// As [`super::LightState::genesis`].
    pub fn genesis(genesis: &Genesis) -> Result<Self, LightError> {
        let state = super::LightState::genesis(genesis)?;
        Ok(Self {
            chain_id: state.chain_id().to_owned(),
            height: state.height(),
            time: state.time(),
            head: None,
            next_validators_hash: state.validators().hash(),
            validators: state.validators().clone(),
        })
    }

    /// A header whose hash the caller trusts, on a chain that it names.
    ///
    /// # Errors
    /// [`LightError::CommitBlockId`] for another header; or what is wrong with header, validators and commit.
    pub fn header(chain_id: &str, hash: &Hash, block: &LightBlock) -> Result<Self, LightError> {
        if block.header.hash() != *hash {
            return Err(LightError::CommitBlockId);
        }
        check_block(chain_id, block)?;
        Ok(Self::of(block, *hash))
    }

    fn of(block: &LightBlock, hash: Hash) -> Self {
        let header = &block.header;
        Self {
            chain_id: header.chain_id.clone(),
            height: header.height,
            time: header.time,
            head: Some(Head {
                hash,
                app_hash: header.app_hash.clone(),
            }),
            next_validators_hash: header.next_validators_hash,
            validators: block.validators.clone(),
        }
    }

    /// The same point, with the validators of the next height in place of those of its own.
    #[cfg(test)]
    pub(super) fn with_validators(self, validators: ValidatorSet) -> Self {
        Self { validators, ..self }
    }

    /// Chain id.
    #[must_use]
    pub fn chain_id(&self) -> &str {
        &self.chain_id
    }

    /// Height; that before the first one at the genesis.
    #[must_use]
    pub const fn height(&self) -> Height {
        self.height
    }

    /// Block time.
    #[must_use]
    pub const fn time(&self) -> Timestamp {
        self.time
    }

    /// Hash of the header; `None` at the genesis.
    #[must_use]
    pub fn hash(&self) -> Option<Hash> {
        self.head.as_ref().map(|head| head.hash)
    }

    /// The state after the block *before* this one, to which this header commits; `None` at the genesis, and on chains with
    /// other app hashes.
    #[must_use]
    pub fn app_hash(&self) -> Option<Hash> {
        let head = self.head.as_ref()?;
        head.app_hash.as_slice().try_into().ok()
    }

    /// From here to a later header.
    ///
    /// # Errors
    /// [`LightError::Trust`]: it may be right, but a header between is needed to see it. Any other: it is refused.
    pub fn step(&self, block: &LightBlock, terms: &Terms) -> Result<Self, LightError> {
        if let Some(clock) = &terms.clock {
            self.check_clock(block, clock)?;
        }
        let header = &block.header;
        check_time(header.time)?;
        let next = self.height.checked_add(1).ok_or(LightError::HeightEnd)?;
        if header.height < next {
            return Err(LightError::Height {
                found: header.height,
                expected: next,
            });
        }
        let is_next = header.height == next;
        // The first block has the time of the genesis.
        let first = self.head.is_none() && is_next;
        if (first && header.time != self.time) || (!first && header.time <= self.time) {
            return Err(LightError::Time {
                found: header.time,
                before: self.time,
            });
        }
        if is_next {
            if header.validators_hash != self.next_validators_hash {
                return Err(LightError::ValidatorsHash);
            }
            if header.last_block_id.map(|id| id.hash) != self.hash() {
                return Err(LightError::LastBlockId);
            }
        }
        let hash = check_block(&self.chain_id, block)?;
        if !is_next {
            self.check_overlap(block, terms.level)?;
        }
        Ok(Self::of(block, hash))
    }

    /// Whether this point may still be stood on: its header is not older than the trusting period.
    ///
    /// # Errors
    /// [`LightError::Expired`].
    pub fn check_age(&self, clock: &Clock) -> Result<(), LightError> {
        if later(self.time, clock.trusting_period_seconds) <= clock.now {
            return Err(LightError::Expired {
                time: self.time,
                now: clock.now,
            });
        }
        Ok(())
    }

    fn check_clock(&self, block: &LightBlock, clock: &Clock) -> Result<(), LightError> {
        self.check_age(clock)?;
        if block.header.time >= later(clock.now, clock.drift_seconds) {
            return Err(LightError::Future {
                time: block.header.time,
                now: clock.now,
            });
        }
        Ok(())
    }

    /// Whether enough of the trusted set signed: the signatures were checked against the set of the block, so the keys of those
    /// who signed are known.
    fn check_overlap(&self, block: &LightBlock, level: TrustLevel) -> Result<(), LightError> {
        let votes = block.commit.signatures.iter();
        let signed = votes
            .zip(block.validators.validators())
            .filter(|(vote, _)| matches!(vote, CommitSig::Commit(_)))
            .map(|(_, validator)| validator.pubkey);
        let signed: std::collections::BTreeSet<[u8; 32]> = signed.collect();
        let known = self.validators.validators().iter();
        let known = known.filter(|validator| signed.contains(&validator.pubkey));
        let power = known.fold(0_u64, |sum, validator| sum.saturating_add(validator.power));
        let total = self.validators.total_power();
        if level.exceeded(power, total) {
            Ok(())
        } else {
            Err(LightError::Trust { power, total })
        }
    }

    /// Checks a value, or its absence, in the state that this header commits to: that after the block before it.
    ///
    /// # Errors
    /// As [`StoreProof::verify`]; [`Error::Root`] also where there is no such state.
    pub fn verify(
        &self,
        tree: Tree,
        key: &[u8],
        value: Option<&[u8]>,
        proof: &StoreProof,
    ) -> Result<Verified<Proven>, Error> {
        let app_hash = self.app_hash().ok_or(Error::Root)?;
        proof.verify(&app_hash, tree, key, value)
    }
}

/// What must hold of a block whatever it stands on; gives its hash.
fn check_block(chain_id: &str, block: &LightBlock) -> Result<Hash, LightError> {
    let LightBlock {
        header,
        commit,
        validators,
    } = block;
    if header.version_block != BLOCK_PROTOCOL {
        return Err(LightError::BlockProtocol {
            found: header.version_block,
        });
    }
    if header.chain_id != chain_id || chain_id.is_empty() || chain_id.len() > CHAIN_ID_BYTES_MAX {
        return Err(LightError::ChainId);
    }
    if header.validators_hash != validators.hash() {
        return Err(LightError::ValidatorsHash);
    }
    signatures::check_decided(header, commit, validators)
}

/// The way that a [`Bisection`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// Where it ends.
    pub end: Trusted,
    /// The blocks on it: each is one [`Trusted::step`] from the one before.
    pub blocks: Vec<LightBlock>,
}

/// Goes from a trusted point to the header at a height in as few steps as the terms allow: where one step is too wide, first to the
/// middle. Whoever drives it brings the blocks, from wherever; what they bring is not trusted.
#[derive(Debug)]
pub struct Bisection<'t> {
    terms: &'t Terms,
    target: Height,
    end: Trusted,
    blocks: Vec<LightBlock>,
    /// Heights fall from the first to the last.
    waiting: Vec<LightBlock>,
    /// Blocks that were asked for because a step was too wide.
    between: usize,
    wanted: Height,
}

impl<'t> Bisection<'t> {
    /// At its beginning.
    #[must_use]
    pub fn new(trusted: &Trusted, target: Height, terms: &'t Terms) -> Self {
        Self {
            terms,
            target,
            end: trusted.clone(),
            blocks: Vec::new(),
            waiting: Vec::new(),
            between: 0,
            wanted: target,
        }
    }

    /// Goes as far as the blocks lead; gives the height of the block that is needed next, `None` at the end.
    ///
    /// # Errors
    /// [`LightError::Height`] if the target lies before the trusted point; [`LightError::Steps`] if more than
    /// [`LIGHT_BLOCKS_MAX`] blocks are needed; else as [`Trusted::step`].
    pub fn wanted(&mut self) -> Result<Option<Height>, LightError> {
        while self.end.height != self.target {
            let Some(block) = self.waiting.last() else {
                self.wanted = self.target;
                return Ok(Some(self.wanted));
            };
            match self.end.step(block, self.terms) {
                Ok(next) => {
                    self.end = next;
                    self.blocks.extend(self.waiting.pop());
                }
                Err(LightError::Trust { .. }) => {
                    self.between = self.between.saturating_add(1);
                    if self.between >= LIGHT_BLOCKS_MAX {
                        return Err(LightError::Steps);
                    }
                    // Never the height of either end: the next height needs no trust.
                    let gap = block.header.height.saturating_sub(self.end.height);
                    self.wanted = self.end.height.saturating_add(gap / 2);
                    return Ok(Some(self.wanted));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Takes the block that was wanted.
    ///
    /// # Errors
    /// [`LightError::Height`] for one of another height.
    pub fn take(&mut self, block: LightBlock) -> Result<(), LightError> {
        let found = block.header.height;
        if found != self.wanted {
            return Err(LightError::Height {
                found,
                expected: self.wanted,
            });
        }
        self.waiting.push(block);
        Ok(())
    }

    /// The way so far: to the target once nothing is wanted.
    #[must_use]
    pub fn path(self) -> Path {
        Path {
            end: self.end,
            blocks: self.blocks,
        }
    }
}

fn later(time: Timestamp, seconds: u64) -> Timestamp {
    Timestamp {
        seconds: time.seconds.saturating_add_unsigned(seconds),
        nanos: time.nanos,
    }
}
