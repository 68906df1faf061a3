//! The genesis document, in CometBFT's shape. Its bytes are kept as given: their SHA-256 names the chain.
//!
//! Promises: what was read is within the limits of consensus; members that are not known here are left to others.
//! Refuses: keys that are not Ed25519, addresses that are not the key's, times that are not UTC.

use serde::Deserialize;
use strongroom_proof::comet::{CHAIN_ID_BYTES_MAX, Validator, ValidatorSet, validators};
use strongroom_proof::light;
use strongroom_types::consensus::{
    AbciParams, BlockParams, ConsensusParams, EvidenceParams, ValidatorParams, VersionParams,
};
use strongroom_types::{Hash, Height, Timestamp, sha256};

/// Most bytes of a genesis file: a whole exported state may be in it.
pub const GENESIS_BYTES_MAX: usize = 64 * 1_048_576;

/// Why bytes are no genesis document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GenesisError {
    /// More than [`GENESIS_BYTES_MAX`].
    #[error("genesis: {0} bytes are more than {GENESIS_BYTES_MAX}")]
    TooLarge(usize),
    /// Not JSON of this shape.
    #[error("genesis: {0}")]
    Json(String),
    /// A member is out of its range.
    #[error("genesis: bad {field}: {why}")]
    Field {
        /// The member.
        field: &'static str,
        /// What is wrong.
        why: String,
    },
}

impl GenesisError {
    /// A stable name for logs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLarge(_) => "genesis.too_large",
            Self::Json(_) => "genesis.json",
            Self::Field { .. } => "genesis.field",
        }
    }
}

/// A genesis document that was read and checked.
#[derive(Clone, Debug)]
pub struct GenesisDoc {
    bytes: Vec<u8>,
    /// Time of the first block.
    pub time: Timestamp,
    /// Chain id.
    pub chain_id: String,
    /// Height of the first block.
    pub initial_height: Height,
    /// Parameters of the first block.
    pub consensus_params: ConsensusParams,
    /// The first validators. May be empty: then `init_chain` must name them.
    pub validators: Vec<Validator>,
    /// The application's part.
    pub app_state: serde_json::Value,
}

#[derive(Deserialize)]
struct Json {
    genesis_time: String,
    chain_id: String,
    #[serde(default)]
    initial_height: Option<String>,
    #[serde(default)]
    consensus_params: Option<JsonParams>,
    #[serde(default)]
    validators: Option<Vec<JsonValidator>>,
    #[serde(default)]
    app_state: serde_json::Value,
}

#[derive(Deserialize)]
struct JsonParams {
    block: JsonBlock,
    evidence: JsonEvidence,
    validator: JsonKinds,
    #[serde(default)]
    version: Option<JsonVersion>,
    #[serde(default)]
    abci: Option<JsonAbci>,
}

#[derive(Deserialize)]
struct JsonBlock {
    max_bytes: String,
    max_gas: String,
}

#[derive(Deserialize)]
struct JsonEvidence {
    max_age_num_blocks: String,
    max_age_duration: String,
    max_bytes: String,
}

#[derive(Deserialize)]
struct JsonKinds {
    pub_key_types: Vec<String>,
}

#[derive(Deserialize)]
struct JsonVersion {
    app: String,
}

#[derive(Deserialize)]
struct JsonAbci {
    vote_extensions_enable_height: String,
}

#[derive(Deserialize)]
struct JsonValidator {
    #[serde(default)]
    address: String,
    pub_key: JsonKey,
    power: String,
}

#[derive(Deserialize)]
struct JsonKey {
    #[serde(rename = "type")]
    kind: String,
    value: String,
}

fn field(field: &'static str, why: impl ToString) -> GenesisError {
    GenesisError::Field {
        field,
        why: why.to_string(),
    }
}

fn number<T: std::str::FromStr<Err = std::num::ParseIntError>>(
    name: &'static str,
    text: &str,
) -> Result<T, GenesisError> {
    text.parse()
        .map_err(|e: std::num::ParseIntError| field(name, e))
}

impl GenesisDoc {
    /// Reads a document.
    ///
    /// # Errors
    /// [`GenesisError`] says what is wrong.
    pub fn parse(bytes: Vec<u8>) -> Result<Self, GenesisError> {
        if bytes.len() > GENESIS_BYTES_MAX {
            return Err(GenesisError::TooLarge(bytes.len()));
        }
        let json: Json =
            serde_json::from_slice(&bytes).map_err(|e| GenesisError::Json(e.to_string()))?;
        if json.chain_id.is_empty() || json.chain_id.len() > CHAIN_ID_BYTES_MAX {
            return Err(field(
                "chain_id",
                format!("not 1 to {CHAIN_ID_BYTES_MAX} bytes"),
            ));
        }
        let initial_height = match json.initial_height.as_deref() {
            None | Some("0") => 1,
            Some(text) => number("initial_height", text)?,
        };
        if i64::try_from(initial_height).is_err() {
            return Err(field("initial_height", "too large"));
        }
        let consensus_params = json
            .consensus_params
            .as_ref()
            .map_or_else(|| Ok(ConsensusParams::default()), params)?;
        consensus_params
            .check()
            .map_err(|e| field("consensus_params", e))?;
        let validators: Vec<Validator> = json
            .validators
            .unwrap_or_default()
            .iter()
            .map(validator)
            .collect::<Result<_, _>>()?;
        if !validators.is_empty() {
            ValidatorSet::new(validators.clone()).map_err(|e| field("validators", e))?;
        }
        Ok(Self {
            time: json
                .genesis_time
                .parse()
                .map_err(|e| field("genesis_time", e))?,
            chain_id: json.chain_id,
            initial_height,
            consensus_params,
            validators,
            app_state: json.app_state,
            bytes,
        })
    }

    /// The document as it was given.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The genesis hash: SHA-256 of [`Self::bytes`].
    #[must_use]
    pub fn hash(&self) -> Hash {
        sha256(&self.bytes)
    }

    /// Whether the chain says that its machines may be insecure (`app_state.registration.security`).
    #[must_use]
    pub fn is_insecure(&self) -> bool {
        self.app_state["registration"]["security"] == "insecure"
    }

    /// Genesis of the light client, with the first validators.
    #[must_use]
    pub fn light(&self, validators: ValidatorSet) -> light::Genesis {
        light::Genesis {
            chain_id: self.chain_id.clone(),
            time: self.time,
            initial_height: self.initial_height,
            validators,
        }
    }
}

fn params(json: &JsonParams) -> Result<ConsensusParams, GenesisError> {
    let abci = json
        .abci
        .as_ref()
        .map_or("0", |a| a.vote_extensions_enable_height.as_str());
    Ok(ConsensusParams {
        block: BlockParams {
            max_bytes: number("block.max_bytes", &json.block.max_bytes)?,
            max_gas: number("block.max_gas", &json.block.max_gas)?,
        },
        evidence: EvidenceParams {
            max_age_num_blocks: number(
                "evidence.max_age_num_blocks",
                &json.evidence.max_age_num_blocks,
            )?,
            max_age_duration_ns: number(
                "evidence.max_age_duration",
                &json.evidence.max_age_duration,
            )?,
            max_bytes: number("evidence.max_bytes", &json.evidence.max_bytes)?,
        },
        validator: ValidatorParams {
            pub_key_types: json.validator.pub_key_types.clone(),
        },
        version: VersionParams {
            app: number(
                "version.app",
                json.version.as_ref().map_or("0", |v| v.app.as_str()),
            )?,
        },
        abci: AbciParams {
            vote_extensions_enable_height: number("abci.vote_extensions_enable_height", abci)?,
        },
    })
}

fn validator(json: &JsonValidator) -> Result<Validator, GenesisError> {
    let pubkey = crate::privval::pubkey_of_json(&json.pub_key.kind, &json.pub_key.value)
        .ok_or_else(|| field("validators.pub_key", "not an Ed25519 key"))?;
    let address = hex::encode_upper(validators::address(&pubkey));
    if !json.address.is_empty() && json.address != address {
        return Err(field(
            "validators.address",
            format!("the key's is {address}"),
        ));
    }
    Ok(Validator {
        pubkey,
        power: number("validators.power", &json.power)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "p0jWSQcFdDFrJasNFZ0Td/nbS1KrvLplumhjzmCuxto=";

    fn doc(change: impl FnOnce(&mut serde_json::Value)) -> Result<GenesisDoc, GenesisError> {
        let mut json = serde_json::json!({
            "genesis_time": "2026-01-02T03:04:05.678901234Z",
            "chain_id": "test-1",
            "initial_height": "1",
            "validators": [{
                "address": "A314C0358607A96EE5F29A5243229B5BD55BBA6D",
                "pub_key": {"type": "tendermint/PubKeyEd25519", "value": KEY},
                "power": "10",
                "name": "val0",
            }],
            "app_hash": "",
            "app_state": {"registration": {"security": "insecure"}},
        });
        change(&mut json);
        GenesisDoc::parse(json.to_string().into_bytes())
    }

    #[test]
    fn a_document_is_read_and_its_bytes_are_hashed_as_given() {
        let good = doc(|_| ()).unwrap();
        assert_eq!(good.hash(), sha256(good.bytes()));
        assert_eq!(good.consensus_params, ConsensusParams::default());
        assert_eq!(good.validators[0].power, 10);
        assert!(good.is_insecure());
        assert!(
            !doc(|j| j["app_state"]["registration"]["security"] = "attested".into())
                .unwrap()
                .is_insecure()
        );
        assert!(
            !doc(|j| j["app_state"] = serde_json::Value::Null)
                .unwrap()
                .is_insecure()
        );
    }

    #[test]
    fn what_is_out_of_range_is_named() {
        let refused = |change: &dyn Fn(&mut serde_json::Value)| match doc(change) {
            Err(GenesisError::Field { field, .. }) => field,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            refused(&|j| j["chain_id"] = "x".repeat(51).into()),
            "chain_id"
        );
        assert_eq!(refused(&|j| j["chain_id"] = "".into()), "chain_id");
        assert_eq!(
            refused(&|j| j["initial_height"] = "-1".into()),
            "initial_height"
        );
        assert_eq!(
            refused(&|j| j["initial_height"] = u64::MAX.to_string().into()),
            "initial_height"
        );
        assert_eq!(
            refused(&|j| j["genesis_time"] = "yesterday".into()),
            "genesis_time"
        );
        assert_eq!(
            refused(&|j| j["validators"][0]["power"] = "0".into()),
            "validators"
        );
        assert_eq!(
            refused(&|j| j["validators"][0]["power"] = "ten".into()),
            "validators.power"
        );
        assert_eq!(
            refused(&|j| j["validators"][0]["address"] = "00".into()),
            "validators.address"
        );
        assert_eq!(
            refused(&|j| j["validators"][0]["pub_key"]["value"] = "AA==".into()),
            "validators.pub_key"
        );
        assert_eq!(
            refused(&|j| j["validators"][0]["pub_key"]["type"] = "x".into()),
            "validators.pub_key"
        );
        assert!(matches!(
            GenesisDoc::parse(b"{".to_vec()),
            Err(GenesisError::Json(_))
        ));
        assert!(matches!(
            GenesisDoc::parse(vec![0; GENESIS_BYTES_MAX + 1]),
            Err(GenesisError::TooLarge(_))
        ));
    }
}
