//! Where consensus stands, in CometBFT's shapes, for an engine without rounds: between two blocks the next height is at
//! its first step, nothing is proposed, nobody has voted.
//!
//! The texts of votes and bit arrays are those that CometBFT's tools read.

use super::{Answer, Context, answer, missing};
use crate::encode::block::decode_header;
use crate::encode::time;
use crate::encode::validators::ValidatorJson;
use crate::envelope::RpcError;
use crate::json::{Str, Time, UpperHex, ZERO_TIME_SECONDS};
use crate::params::Params;
use serde::Serialize;
use std::collections::BTreeMap;
use strongroom_proof::comet::{Commit, CommitSig};
use strongroom_store::blocks::Validator;
use strongroom_types::{Height, Timestamp};

/// CometBFT's number of the step at which a new height waits.
const STEP_NEW_HEIGHT: u8 = 1;

#[derive(Serialize)]
struct State<T> {
    round_state: T,
}

#[derive(Serialize)]
struct Short {
    #[serde(rename = "height/round/step")]
    place: String,
    start_time: Time,
    proposal_block_hash: UpperHex,
    locked_block_hash: UpperHex,
    valid_block_hash: UpperHex,
    height_vote_set: Vec<RoundVotes>,
    proposer: Proposer,
}

#[derive(Serialize)]
struct Proposer {
    address: UpperHex,
    index: usize,
}

#[derive(Serialize)]
struct RoundVotes {
    round: u32,
    prevotes: Vec<&'static str>,
    prevotes_bit_array: String,
    precommits: Vec<&'static str>,
    precommits_bit_array: String,
}

#[derive(Serialize)]
struct Long {
    height: Str<Height>,
    round: u32,
    step: u8,
    start_time: Time,
    commit_time: Time,
    validators: Set,
    proposal: Option<()>,
    proposal_block: Option<()>,
    proposal_block_parts: Option<()>,
    locked_round: i32,
    locked_block: Option<()>,
    locked_block_parts: Option<()>,
    valid_round: i32,
    valid_block: Option<()>,
    valid_block_parts: Option<()>,
    votes: Vec<RoundVotes>,
    commit_round: i32,
    last_commit: Option<LastCommit>,
    last_validators: Set,
    triggered_timeout_precommit: bool,
}

#[derive(Serialize)]
struct Set {
    validators: Vec<ValidatorJson>,
    proposer: Option<ValidatorJson>,
}

#[derive(Serialize)]
struct LastCommit {
    votes: Vec<String>,
    votes_bit_array: String,
    peer_maj_23s: BTreeMap<String, ()>,
}

#[derive(Serialize)]
struct Dump {
    round_state: Long,
    peers: [(); 0],
}

/// The next proposer: the highest priority, of equals the first.
fn proposer(set: &[Validator]) -> Option<(usize, &Validator)> {
    let by_priority = |(_, a): &(usize, &Validator), (_, b): &(usize, &Validator)| {
        a.proposer_priority.cmp(&b.proposer_priority)
    };
    set.iter().enumerate().rev().max_by(by_priority)
}

impl From<&[Validator]> for Set {
    fn from(set: &[Validator]) -> Self {
        Self {
            validators: set.iter().map(Into::into).collect(),
            proposer: proposer(set).map(|(_, validator)| validator.into()),
        }
    }
}

/// `BA{3:x_x} 20/30 = 0.67`: who of the set voted, and with how much of its power.
fn bit_array(voted: impl Iterator<Item = (bool, i64)>) -> String {
    let (mut marks, mut power, mut total) = (String::new(), 0i128, 0i128);
    for (voted, weight) in voted {
        marks.push(if voted { 'x' } else { '_' });
        total += i128::from(weight);
        power += if voted { i128::from(weight) } else { 0 };
    }
    let hundredths = (power * 200 + total) / (total * 2).max(1);
    let (whole, rest) = (hundredths / 100, hundredths % 100);
    format!(
        "BA{{{}:{marks}}} {power}/{total} = {whole}.{rest:02}",
        marks.len()
    )
}

/// The first round of a height in which nobody has voted.
fn no_votes(set: &[Validator]) -> Vec<RoundVotes> {
    let nobody = || bit_array(set.iter().map(|v| (false, v.power)));
    let nil = || vec!["nil-Vote"; set.len()];
    vec![RoundVotes {
        round: 0,
        prevotes: nil(),
        prevotes_bit_array: nobody(),
        precommits: nil(),
        precommits_bit_array: nobody(),
    }]
}

/// The validators in force at `height`.
fn validators(context: &Context, height: Height) -> Result<Vec<Validator>, RpcError> {
    let set = context.backend.blocks.validators(height)?;
    set.ok_or_else(|| missing("validator set", height))
}

/// The time of the block at `height`; the zero time before the first.
fn time_of(context: &Context, height: Height) -> Result<Time, RpcError> {
    let zero = Time(Timestamp {
        seconds: ZERO_TIME_SECONDS,
        nanos: 0,
    });
    Ok(match context.backend.blocks.meta(height)? {
        Some(meta) => time(decode_header(&meta.header)?.time),
        None => zero,
    })
}

pub(super) fn consensus_state(context: &Context, _: &Params) -> Answer {
    let last = context.backend.published_height();
    let next = last.saturating_add(1);
    let set = validators(context, next)?;
    let (index, proposer) = proposer(&set).ok_or_else(|| missing("proposer", next))?;
    answer(&State {
        round_state: Short {
            place: format!("{next}/0/{STEP_NEW_HEIGHT}"),
            start_time: time_of(context, last)?,
            proposal_block_hash: UpperHex::default(),
            locked_block_hash: UpperHex::default(),
            valid_block_hash: UpperHex::default(),
            height_vote_set: no_votes(&set),
            proposer: Proposer {
                address: UpperHex(proposer.address.to_vec()),
                index,
            },
        },
    })
}

pub(super) fn dump_consensus_state(context: &Context, _: &Params) -> Answer {
    let last = context.backend.published_height();
    let next = last.saturating_add(1);
    let set = validators(context, next)?;
    let (last_commit, last_set) = if last == 0 {
        (None, Vec::new())
    } else {
        let last_set = validators(context, last)?;
        (Some(commit_of(context, last, &last_set)?), last_set)
    };
    let at = time_of(context, last)?;
    answer(&Dump {
        round_state: Long {
            height: Str(next),
            round: 0,
            step: STEP_NEW_HEIGHT,
            start_time: at,
            commit_time: at,
            validators: set.as_slice().into(),
            proposal: None,
            proposal_block: None,
            proposal_block_parts: None,
            locked_round: -1,
            locked_block: None,
            locked_block_parts: None,
            valid_round: -1,
            valid_block: None,
            valid_block_parts: None,
            votes: no_votes(&set),
            commit_round: -1,
            last_commit,
            last_validators: last_set.as_slice().into(),
            triggered_timeout_precommit: false,
        },
        peers: [],
    })
}

/// The votes for the last block.
fn commit_of(context: &Context, height: Height, set: &[Validator]) -> Result<LastCommit, RpcError> {
    let blocks = &context.backend.blocks;
    let block = blocks
        .block(height)?
        .ok_or_else(|| missing("block", height))?;
    let commit = Commit::decode(&block.commit).map_err(|e| RpcError::internal(e.to_string()))?;
    let vote = |(index, sig): (usize, &CommitSig)| {
        let block: &[u8] = match sig {
            CommitSig::Commit(_) => &commit.block_id.hash,
            _ => &[],
        };
        sig.vote().map_or_else(
            || "nil-Vote".to_owned(),
            |vote| {
                VoteText {
                    index: i64::try_from(index).unwrap_or(i64::MAX),
                    address: &vote.address,
                    height: commit.height.into(),
                    round: commit.round.into(),
                    kind: PRECOMMIT,
                    block,
                    signature: &vote.signature,
                    extension: &[],
                    time: Time(vote.time),
                }
                .to_string()
            },
        )
    };
    let votes = commit.signatures.iter().enumerate().map(vote).collect();
    let voted = commit.signatures.iter().map(|sig| sig.vote().is_some());
    let votes_bit_array = bit_array(voted.zip(set.iter().map(|v| v.power)));
    Ok(LastCommit {
        votes,
        votes_bit_array,
        peer_maj_23s: BTreeMap::new(),
    })
}

/// The number of a precommit on the wire.
pub(super) const PRECOMMIT: i32 = 2;

/// A vote as CometBFT writes it into texts: the first six bytes of whatever is long.
pub(super) struct VoteText<'a> {
    pub(super) index: i64,
    pub(super) address: &'a [u8],
    pub(super) height: i128,
    pub(super) round: i64,
    pub(super) kind: i32,
    pub(super) block: &'a [u8],
    pub(super) signature: &'a [u8],
    pub(super) extension: &'a [u8],
    pub(super) time: Time,
}

impl core::fmt::Display for VoteText<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let short = |bytes: &[u8]| {
            let mut six = [0; 6];
            six.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
            hex::encode_upper(six)
        };
        let kind = match self.kind {
            1 => "SIGNED_MSG_TYPE_PREVOTE(Prevote)",
            PRECOMMIT => "SIGNED_MSG_TYPE_PRECOMMIT(Precommit)",
            _ => "SIGNED_MSG_TYPE_UNKNOWN(Unknown)",
        };
        write!(
            f,
            "Vote{{{}:{} {}/{:02}/{kind} {} {} {} @ {}}}",
            self.index,
            short(self.address),
            self.height,
            self.round,
            short(self.block),
            short(self.signature),
            short(self.extension),
            self.time
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bit_array_tells_who_voted_and_its_part_of_the_power() {
        let of = |votes: &[(bool, i64)]| bit_array(votes.iter().copied());
        assert_eq!(of(&[(true, 25)]), "BA{1:x} 25/25 = 1.00");
        assert_eq!(
            of(&[(true, 10), (false, 10), (true, 10)]),
            "BA{3:x_x} 20/30 = 0.67"
        );
        assert_eq!(
            of(&[(false, i64::MAX)]).split(' ').next_back(),
            Some("0.00")
        );
        assert_eq!(of(&[]), "BA{0:} 0/0 = 0.00");
    }
}
