//! The validator set and the consensus parameters of the first block, in the shape of CometBFT's genesis document.

use super::GenesisError;
use crate::Ctx;
use crate::params::{BLOCK_GAS_MAX, PARAMS, POWER_TOTAL_MAX, VALIDATORS, VALIDATORS_MAX};
use crate::types::ValidatorUpdate;
use crate::types::block::{BLOCK_BYTES_MAX, EVIDENCE_BYTES_MAX};
use crate::types::consensus::{
    AbciParams, BlockParams, ConsensusParams, EvidenceParams, ValidatorParams, VersionParams,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// `consensus_params`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct GenesisParams {
    pub block: Block,
    pub evidence: Evidence,
    pub validator: ValidatorKinds,
    pub version: Version,
    pub abci: Abci,
}

/// Limits of a block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Block {
    pub max_bytes: String,
    pub max_gas: String,
}

/// Limits of evidence; the duration is nanoseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Evidence {
    pub max_age_num_blocks: String,
    pub max_age_duration: String,
    pub max_bytes: String,
}

/// Kinds of validator keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct ValidatorKinds {
    pub pub_key_types: Vec<String>,
}

/// `version.app` of headers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Version {
    pub app: String,
}

/// Vote extensions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Abci {
    pub vote_extensions_enable_height: String,
}

/// A validator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenesisValidator {
    /// First 20 bytes of SHA-256(key), upper-case hex.
    pub address: String,
    /// Key.
    pub pub_key: ValidatorKey,
    /// Voting power.
    pub power: String,
    /// Moniker.
    pub name: String,
}

/// A validator's key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValidatorKey {
    /// `tendermint/PubKeyEd25519`.
    #[serde(rename = "type")]
    pub kind: String,
    /// 32 bytes in base64.
    pub value: String,
}

/// The one kind of validator key that is taken.
const ED25519_KIND: &str = "tendermint/PubKeyEd25519";
const ED25519: &str = "ed25519";

fn field(what: &str, why: impl Into<String>) -> GenesisError {
    GenesisError::Field {
        what: what.to_owned(),
        why: why.into(),
    }
}

fn number(text: &str, what: &str) -> Result<i64, GenesisError> {
    text.parse()
        .map_err(|_| field(what, format!("'{text}' is no number")))
}

impl From<&ConsensusParams> for GenesisParams {
    fn from(p: &ConsensusParams) -> Self {
        Self {
            block: Block {
                max_bytes: p.block.max_bytes.to_string(),
                max_gas: p.block.max_gas.to_string(),
            },
            evidence: Evidence {
                max_age_num_blocks: p.evidence.max_age_num_blocks.to_string(),
                max_age_duration: p.evidence.max_age_duration_ns.to_string(),
                max_bytes: p.evidence.max_bytes.to_string(),
            },
            validator: ValidatorKinds {
                pub_key_types: p.validator.pub_key_types.clone(),
            },
            version: Version {
                app: p.version.app.to_string(),
            },
            abci: Abci {
                vote_extensions_enable_height: p.abci.vote_extensions_enable_height.to_string(),
            },
        }
    }
}

impl GenesisParams {
    /// The parameters, checked.
    ///
    /// # Errors
    /// [`GenesisError::Field`] for a value that no chain of ours runs with.
    pub fn checked(&self) -> Result<ConsensusParams, GenesisError> {
        let params = ConsensusParams {
            block: BlockParams {
                max_bytes: number(&self.block.max_bytes, "consensus_params.block.max_bytes")?,
                max_gas: number(&self.block.max_gas, "consensus_params.block.max_gas")?,
            },
            evidence: EvidenceParams {
                max_age_num_blocks: number(
                    &self.evidence.max_age_num_blocks,
                    "consensus_params.evidence",
                )?,
                max_age_duration_ns: number(
                    &self.evidence.max_age_duration,
                    "consensus_params.evidence",
                )?,
                max_bytes: number(&self.evidence.max_bytes, "consensus_params.evidence")?,
            },
            validator: ValidatorParams {
                pub_key_types: self.validator.pub_key_types.clone(),
            },
            version: VersionParams {
                app: self
                    .version
                    .app
                    .parse()
                    .map_err(|_| field("consensus_params.version.app", "no number"))?,
            },
            abci: AbciParams {
                vote_extensions_enable_height: number(
                    &self.abci.vote_extensions_enable_height,
                    "consensus_params.abci",
                )?,
            },
        };
        // Each within what the light client and the door take: a block above it could be decided, and never executed.
        let most = |bytes: usize| i64::try_from(bytes).unwrap_or(i64::MAX);
        for (what, value, from, to) in [
            (
                "block.max_bytes",
                params.block.max_bytes,
                1,
                most(BLOCK_BYTES_MAX),
            ),
            ("block.max_gas", params.block.max_gas, 1, BLOCK_GAS_MAX),
            (
                "evidence.max_bytes",
                params.evidence.max_bytes,
                0,
                most(EVIDENCE_BYTES_MAX),
            ),
            (
                "evidence.max_age_num_blocks",
                params.evidence.max_age_num_blocks,
                1,
                i64::MAX,
            ),
            (
                "evidence.max_age_duration",
                params.evidence.max_age_duration_ns,
                1,
                i64::MAX,
            ),
        ] {
            if !(from..=to).contains(&value) {
                return Err(field(
                    &format!("consensus_params.{what}"),
                    format!("{value} is not within {from} to {to}"),
                ));
            }
        }
        if params.validator.pub_key_types != [ED25519] {
            return Err(field(
                "consensus_params.validator.pub_key_types",
                "only ed25519 is taken",
            ));
        }
        if params.abci.vote_extensions_enable_height != 0 {
            return Err(field(
                "consensus_params.abci",
                "vote extensions are not used",
            ));
        }
        Ok(params)
    }
}

impl GenesisValidator {
    /// The genesis form of a validator.
    #[must_use]
    pub fn new(validator: &ValidatorUpdate, name: &str) -> Self {
        Self {
            address: address(&validator.pubkey),
            pub_key: ValidatorKey {
                kind: ED25519_KIND.into(),
                value: STANDARD.encode(validator.pubkey),
            },
            power: validator.power.to_string(),
            name: name.to_owned(),
        }
    }

    /// The validator, checked.
    ///
    /// # Errors
    /// [`GenesisError::Field`] for another kind of key, a wrong address or a power that is not positive.
    pub fn checked(&self) -> Result<ValidatorUpdate, GenesisError> {
        let key = STANDARD
            .decode(&self.pub_key.value)
            .ok()
            .and_then(|b| b.try_into().ok());
        let pubkey: [u8; 32] = match key {
            Some(key) if self.pub_key.kind == ED25519_KIND => key,
            _ => {
                return Err(field(
                    "validators.pub_key",
                    "not 32 bytes of ed25519 in base64",
                ));
            }
        };
        if !self.address.is_empty() && self.address != address(&pubkey) {
            return Err(field(
                "validators.address",
                format!("the key has address {}", address(&pubkey)),
            ));
        }
        let power = number(&self.power, "validators.power")?;
        if power <= 0 {
            return Err(field("validators.power", "not above 0"));
        }
        Ok(ValidatorUpdate { pubkey, power })
    }
}

fn address(pubkey: &[u8; 32]) -> String {
    let mut text = hex::encode_upper(crate::types::sha256(pubkey));
    text.truncate(40);
    text
}

/// Writes the first state: validators and parameters.
///
/// # Errors
/// [`GenesisError`] for a field that is refused.
pub fn init(
    ctx: &mut Ctx,
    params: &GenesisParams,
    validators: &[GenesisValidator],
) -> Result<(ConsensusParams, Vec<ValidatorUpdate>), GenesisError> {
    let params = params.checked()?;
    if validators.is_empty() || validators.len() > VALIDATORS_MAX {
        return Err(field(
            "validators",
            format!("not within 1 to {VALIDATORS_MAX}"),
        ));
    }
    let set = validators
        .iter()
        .map(GenesisValidator::checked)
        .collect::<Result<Vec<_>, _>>()?;
    let total = set
        .iter()
        .try_fold(0_i64, |sum, v| sum.checked_add(v.power));
    if total.is_none_or(|total| total > POWER_TOTAL_MAX) {
        return Err(field(
            "validators.power",
            format!("the sum is above {POWER_TOTAL_MAX}"),
        ));
    }
    let mut keys: Vec<[u8; 32]> = set.iter().map(|v| v.pubkey).collect();
    keys.sort_unstable();
    keys.dedup();
    if keys.len() != set.len() {
        return Err(field("validators.pub_key", "a key is there twice"));
    }
    PARAMS.set(ctx, &params)?;
    VALIDATORS.set(ctx, &set)?;
    Ok((params, set))
}
