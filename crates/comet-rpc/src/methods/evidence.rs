//! `broadcast_evidence`: read and verified as CometBFT does, with its texts, and then refused: whoever makes blocks alone
//! accuses nobody.
//!
//! Evidence is useful where other validators punish by it. Solo is the only validator of its chain, its blocks carry no
//! evidence, and so good evidence is answered with that reason and not with a hash, which would say that it waits.

use super::consensus::VoteText;
use super::{Answer, Context};
use crate::encode::block::decode_header;
use crate::encode::time;
use crate::envelope::RpcError;
use crate::json::Time;
use crate::params::Params;
use ::time::OffsetDateTime;
use ::time::format_description::well_known::Rfc3339;
use core::cmp::Ordering;
use prost::Message as _;
use serde::Deserialize;
use serde_json::Value;
use strongroom_http::go;
use strongroom_proof::comet;
use strongroom_types::Timestamp;
use tendermint_proto::google::protobuf::Timestamp as ProtoTimestamp;
use tendermint_proto::v0_38::types as pb;

const DUPLICATE_VOTE: &str = "tendermint/DuplicateVoteEvidence";
const LIGHT_CLIENT_ATTACK: &str = "tendermint/LightClientAttackEvidence";

#[derive(Deserialize, Default)]
#[serde(default)]
struct Duplicate {
    vote_a: Option<Vote>,
    vote_b: Option<Vote>,
    #[serde(rename = "TotalVotingPower")]
    total_power: String,
    #[serde(rename = "ValidatorPower")]
    power: String,
    #[serde(rename = "Timestamp")]
    timestamp: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Vote {
    r#type: i32,
    height: String,
    round: i32,
    block_id: Id,
    timestamp: String,
    validator_address: String,
    validator_index: i32,
    signature: Option<String>,
    extension: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Id {
    hash: String,
    parts: Parts,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Parts {
    total: u32,
    hash: String,
}

/// A vote, read.
struct Read {
    vote: pb::Vote,
    id: pb::BlockId,
    time: Timestamp,
}

pub(super) fn broadcast_evidence(context: &Context, params: &Params) -> Answer {
    let Some(evidence) = params.json("evidence") else {
        return Err(RpcError::internal("no evidence was provided"));
    };
    let kind = evidence
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or_default();
    match kind {
        DUPLICATE_VOTE => {}
        LIGHT_CLIENT_ATTACK => {
            return Err(RpcError::internal(
                "failed to add evidence: evidence of attacks on light clients is not taken here",
            ));
        }
        other => return Err(bad(&format!("unknown type {other:?}"))),
    }
    let value = evidence.get("value").cloned().unwrap_or_default();
    let evidence: Duplicate = serde_json::from_value(value).map_err(|e| bad(&e.to_string()))?;
    let read = |vote: &Option<Vote>| {
        vote.as_ref()
            .map(Read::new)
            .transpose()
            .map_err(|e| bad(&e))
    };
    let (a, b) = (read(&evidence.vote_a)?, read(&evidence.vote_b)?);
    let (Some(a), Some(b)) = (&a, &b) else {
        let text = |vote: &Option<Read>| vote.as_ref().map_or("nil-Vote".into(), Read::text);
        let why = format!(
            "one or both of the votes are empty {}, {}",
            text(&a),
            text(&b)
        );
        return Err(invalid(&why));
    };
    if a.order(b) != Ordering::Less {
        return Err(invalid("duplicate votes in invalid order"));
    }
    match verify(context, &evidence, a, b)? {
        Ok(()) => Err(RpcError::internal(
            "failed to add evidence: it is valid, but this chain has one validator, whose blocks carry no evidence",
        )),
        Err(why) => Err(RpcError::internal(format!(
            "failed to add evidence: Invalid evidence: {why}. Evidence: DuplicateVoteEvidence{{VoteA: {}, VoteB: {}}}",
            a.text(),
            b.text()
        ))),
    }
}

/// Against the chain; the inner error is what is wrong with the evidence.
fn verify(
    context: &Context,
    evidence: &Duplicate,
    a: &Read,
    b: &Read,
) -> Result<Result<(), String>, RpcError> {
    let blocks = &context.backend.blocks;
    let number = a.vote.height;
    let published = context.backend.published_height();
    let height = u64::try_from(number)
        .ok()
        .filter(|h| (1..=published).contains(h));
    let meta = match height {
        Some(height) => blocks.meta(height)?.map(|meta| (height, meta)),
        None => None,
    };
    let Some((height, meta)) = meta else {
        return Ok(Err(format!("don't have header #{number}")));
    };
    let header = decode_header(&meta.header)?;
    let set = blocks.validators(height)?.unwrap_or_default();
    let address = &a.vote.validator_address;
    let Some(validator) = set.iter().find(|v| v.address.as_slice() == address) else {
        let hex = hex::encode_upper(address);
        return Ok(Err(format!(
            "address {hex} was not a validator at height {number}"
        )));
    };
    let (x, y) = (&a.vote, &b.vote);
    if (x.height, x.round, x.r#type) != (y.height, y.round, y.r#type) {
        return Ok(Err(format!(
            "h/r/s does not match: {}/{}/{} vs {}/{}/{}",
            x.height, x.round, x.r#type, y.height, y.round, y.r#type
        )));
    }
    if x.validator_address != y.validator_address {
        return Ok(Err("validator addresses do not match".to_owned()));
    }
    let total: i64 = set.iter().map(|v| v.power).fold(0, i64::saturating_add);
    let powers = [
        (&evidence.power, validator.power),
        (&evidence.total_power, total),
    ];
    if powers.iter().any(|(said, is)| said.parse() != Ok(*is)) {
        return Ok(Err("the powers are not those of the validators".to_owned()));
    }
    if evidence.timestamp != time(header.time).to_string() {
        return Ok(Err("the time is not that of the block".to_owned()));
    }
    let key = comet::Validator {
        pubkey: validator.pubkey,
        power: u64::try_from(validator.power).unwrap_or(0),
    };
    for (name, read) in [("VoteA", a), ("VoteB", b)] {
        let signature: Option<&[u8; 64]> = read.vote.signature.as_slice().try_into().ok();
        let message = read.sign_bytes(&header.chain_id);
        if !signature.is_some_and(|signature| key.verifies(&message, signature)) {
            return Ok(Err(format!("verifying {name}: invalid signature")));
        }
    }
    Ok(Ok(()))
}

fn bad(why: &str) -> RpcError {
    RpcError::invalid_params(format!("error converting json params to arguments: {why}"))
}

fn invalid(why: &str) -> RpcError {
    RpcError::internal(format!("evidence.ValidateBasic failed: {why}"))
}

impl Read {
    fn new(vote: &Vote) -> Result<Self, String> {
        let hex = |text: &str| hex::decode(text).map_err(|e| format!("encoding/hex: {e}"));
        let base64 = |text: &Option<String>| {
            let text = text.as_deref().unwrap_or_default();
            go::base64(text).map_err(|e| format!("illegal base64 data: {e}"))
        };
        let at = OffsetDateTime::parse(&vote.timestamp, &Rfc3339).map_err(|e| e.to_string())?;
        let time = Timestamp {
            seconds: at.unix_timestamp(),
            nanos: at.nanosecond(),
        };
        let id = pb::BlockId {
            hash: hex(&vote.block_id.hash)?,
            part_set_header: Some(pb::PartSetHeader {
                total: vote.block_id.parts.total,
                hash: hex(&vote.block_id.parts.hash)?,
            }),
        };
        let height = vote.height.parse();
        let vote = pb::Vote {
            r#type: vote.r#type,
            height: height.map_err(|_| format!("invalid 64-bit integer {:?}", vote.height))?,
            round: vote.round,
            block_id: Some(id.clone()),
            timestamp: None,
            validator_address: hex(&vote.validator_address)?,
            validator_index: vote.validator_index,
            signature: base64(&vote.signature)?,
            extension: base64(&vote.extension)?,
            extension_signature: Vec::new(),
        };
        Ok(Self { vote, id, time })
    }

    fn text(&self) -> String {
        VoteText {
            index: self.vote.validator_index.into(),
            address: &self.vote.validator_address,
            height: self.vote.height.into(),
            round: self.vote.round.into(),
            kind: self.vote.r#type,
            block: &self.id.hash,
            signature: &self.vote.signature,
            extension: &self.vote.extension,
            time: Time(self.time),
        }
        .to_string()
    }

    /// Votes of evidence stand in the order of their block ids.
    fn order(&self, other: &Self) -> Ordering {
        let key = |read: &Self| {
            let parts = read.id.part_set_header.as_ref();
            (read.id.hash.clone(), parts.map(|p| p.encode_to_vec()))
        };
        key(self).cmp(&key(other))
    }

    fn sign_bytes(&self, chain_id: &str) -> Vec<u8> {
        let parts = self.id.part_set_header.clone().unwrap_or_default();
        pb::CanonicalVote {
            r#type: self.vote.r#type,
            height: self.vote.height,
            round: self.vote.round.into(),
            block_id: (!self.id.hash.is_empty()).then(|| pb::CanonicalBlockId {
                hash: self.id.hash.clone(),
                part_set_header: Some(pb::CanonicalPartSetHeader {
                    total: parts.total,
                    hash: parts.hash,
                }),
            }),
            timestamp: Some(ProtoTimestamp {
                seconds: self.time.seconds,
                nanos: i32::try_from(self.time.nanos).unwrap_or(0),
            }),
            chain_id: chain_id.to_owned(),
        }
        .encode_length_delimited_to_vec()
    }
}
