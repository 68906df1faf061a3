//! CometBFT's JSON of headers, commits and validators, read into values that are checked by themselves.

use super::Error;
use crate::types::{Height, Timestamp};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;
use strongroom_proof::comet::{BlockId, Commit, CommitSig, Header, PartSetHeader, Validator, Vote};
use strongroom_proof::light::LightError;

#[derive(Deserialize)]
struct CommitAnswer {
    signed_header: SignedHeader,
}

#[derive(Deserialize)]
struct SignedHeader {
    header: HeaderJson,
    commit: CommitJson,
}

#[derive(Deserialize)]
struct Version {
    block: String,
    #[serde(default)]
    app: String,
}

#[derive(Deserialize)]
struct BlockIdJson {
    hash: String,
    parts: Parts,
}

#[derive(Deserialize)]
struct Parts {
    total: u32,
    hash: String,
}

#[derive(Deserialize)]
struct HeaderJson {
    version: Version,
    chain_id: String,
    height: String,
    time: String,
    last_block_id: BlockIdJson,
    last_commit_hash: String,
    data_hash: String,
    validators_hash: String,
    next_validators_hash: String,
    consensus_hash: String,
    app_hash: String,
    last_results_hash: String,
    evidence_hash: String,
    proposer_address: String,
}

#[derive(Deserialize)]
struct CommitJson {
    height: String,
    round: u32,
    block_id: BlockIdJson,
    signatures: Vec<SigJson>,
}

#[derive(Deserialize)]
struct SigJson {
    block_id_flag: u8,
    validator_address: String,
    timestamp: String,
    signature: Option<String>,
}

#[derive(Deserialize)]
struct ValidatorsAnswer {
    validators: Vec<ValidatorJson>,
    total: String,
}

#[derive(Deserialize)]
struct ValidatorJson {
    pub_key: PubKey,
    voting_power: String,
}

#[derive(Deserialize)]
struct PubKey {
    r#type: String,
    value: String,
}

/// A method whose answer is read: errors name it.
struct AnswerTo(&'static str);

impl AnswerTo {
    const fn bad(&self, field: &'static str) -> Error {
        Error::Form {
            method: self.0,
            field,
        }
    }

    fn read<'de, T: Deserialize<'de>>(&self, value: &'de Value) -> Result<T, Error> {
        T::deserialize(value).map_err(|_| self.bad("member"))
    }

    fn number<T: core::str::FromStr>(&self, field: &'static str, text: &str) -> Result<T, Error> {
        text.parse().map_err(|_| self.bad(field))
    }

    fn hex<const N: usize>(&self, field: &'static str, text: &str) -> Result<[u8; N], Error> {
        let bytes = hex::decode(text).ok();
        let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
        bytes.ok_or_else(|| self.bad(field))
    }

    fn base64<const N: usize>(&self, field: &'static str, text: &str) -> Result<[u8; N], Error> {
        let bytes = STANDARD.decode(text).ok();
        let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
        bytes.ok_or_else(|| self.bad(field))
    }

    fn time(&self, field: &'static str, text: &str) -> Result<Timestamp, Error> {
        text.parse().map_err(|_| self.bad(field))
    }

    fn block_id(&self, id: &BlockIdJson) -> Result<BlockId, Error> {
        Ok(BlockId {
            hash: self.hex("block id", &id.hash)?,
            parts: PartSetHeader {
                total: id.parts.total,
                hash: self.hex("block id", &id.parts.hash)?,
            },
        })
    }

    fn header(&self, json: &HeaderJson) -> Result<Header, Error> {
        let hash = |field, text| self.hex::<32>(field, text);
        let last_block_id = match &json.last_block_id {
            none if none.hash.is_empty() && none.parts.total == 0 => None,
            some => Some(self.block_id(some)?),
        };
        let version_app = match json.version.app.as_str() {
            "" => 0,
            text => self.number("version", text)?,
        };
        let header = Header {
            version_block: self.number("version", &json.version.block)?,
            version_app,
            chain_id: json.chain_id.clone(),
            height: self.number("height", &json.height)?,
            time: self.time("time", &json.time)?,
            last_block_id,
            last_commit_hash: hash("last_commit_hash", &json.last_commit_hash)?,
            data_hash: hash("data_hash", &json.data_hash)?,
            validators_hash: hash("validators_hash", &json.validators_hash)?,
            next_validators_hash: hash("next_validators_hash", &json.next_validators_hash)?,
            consensus_hash: hash("consensus_hash", &json.consensus_hash)?,
            app_hash: hex::decode(&json.app_hash).map_err(|_| self.bad("app_hash"))?,
            last_results_hash: hash("last_results_hash", &json.last_results_hash)?,
            evidence_hash: hash("evidence_hash", &json.evidence_hash)?,
            proposer_address: self.hex("proposer_address", &json.proposer_address)?,
        };
        // Ranges and lengths, as for a header that comes in protobuf.
        Ok(Header::from_raw(&header.to_raw()).map_err(LightError::Header)?)
    }

    fn sig(&self, json: &SigJson) -> Result<CommitSig, Error> {
        let vote = || {
            let signature = json.signature.as_deref().unwrap_or_default();
            Ok(Vote {
                address: self.hex("validator_address", &json.validator_address)?,
                time: self.time("timestamp", &json.timestamp)?,
                signature: self.base64("signature", signature)?,
            })
        };
        match json.block_id_flag {
            1 => Ok(CommitSig::Absent),
            2 => vote().map(CommitSig::Commit),
            3 => vote().map(CommitSig::Nil),
            _ => Err(self.bad("block_id_flag")),
        }
    }

    fn commit(&self, json: &CommitJson) -> Result<Commit, Error> {
        let signatures = json.signatures.iter().map(|sig| self.sig(sig));
        let commit = Commit {
            height: self.number("height", &json.height)?,
            round: json.round,
            block_id: self.block_id(&json.block_id)?,
            signatures: signatures.collect::<Result<_, _>>()?,
        };
        Ok(Commit::from_raw(&commit.to_raw()).map_err(LightError::Commit)?)
    }
}

/// Header and commit in an answer to `commit`.
pub(super) fn signed_header(answer: &Value) -> Result<(Header, Commit), Error> {
    let from = AnswerTo("commit");
    let CommitAnswer { signed_header } = from.read(answer)?;
    Ok((
        from.header(&signed_header.header)?,
        from.commit(&signed_header.commit)?,
    ))
}

/// How many validators there are, and those in an answer to `validators`.
pub(super) fn validators(answer: &Value) -> Result<(usize, Vec<Validator>), Error> {
    let from = AnswerTo("validators");
    let page: ValidatorsAnswer = from.read(answer)?;
    let read = |json: &ValidatorJson| {
        if json.pub_key.r#type != "tendermint/PubKeyEd25519" {
            return Err(from.bad("pub_key"));
        }
        Ok(Validator {
            pubkey: from.base64("pub_key", &json.pub_key.value)?,
            power: from.number("voting_power", &json.voting_power)?,
        })
    };
    let validators = page.validators.iter().map(read);
    Ok((
        from.number("total", &page.total)?,
        validators.collect::<Result<_, _>>()?,
    ))
}

/// The newest height in an answer to `status`.
pub(super) fn newest(answer: &Value) -> Result<Height, Error> {
    let from = AnswerTo("status");
    let height = answer["sync_info"]["latest_block_height"].as_str();
    from.number("latest_block_height", height.unwrap_or_default())
}
