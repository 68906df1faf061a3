//! The two files in CometBFT's shape: the key (`priv_validator_key.json`) and what it signed last
//! (`priv_validator_state.json`).
//!
//! Promises: written atomically and for the owner only; secrets are zeroized, and no error quotes content.
//! Refuses: files above [`FILE_BYTES_MAX`], a key pair whose halves do not belong together.

use super::Signed;
use super::error::{SignerError, file, io};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::SigningKey;
use prost::Message as _;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::Path;
use strongroom_proof::comet::{self, BlockId, raw};
use strongroom_store::files::{self, Readers};
use strongroom_types::Height;
use zeroize::Zeroizing;

const PUBKEY_TYPE: &str = "tendermint/PubKeyEd25519";
pub(super) const PRIVKEY_TYPE: &str = "tendermint/PrivKeyEd25519";
/// CometBFT's number of the step at which precommits are signed.
const STEP_PRECOMMIT: u8 = 3;
/// Most bytes of either file.
const FILE_BYTES_MAX: u64 = 64 * 1_024;

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
pub(super) struct StateFile {
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
fn pubkey_of_json(kind: &str, value: &str) -> Option<[u8; 32]> {
    if kind == PUBKEY_TYPE {
        STANDARD.decode(value).ok()?.try_into().ok()
    } else {
        None
    }
}

pub(super) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, SignerError> {
    if fs::metadata(path).map_err(io(path))?.len() > FILE_BYTES_MAX {
        return Err(file(path, "too large"));
    }
    Ok(Zeroizing::new(fs::read(path).map_err(io(path))?))
}

pub(super) fn read_key(path: &Path) -> Result<SigningKey, SignerError> {
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

pub(super) fn write_key(path: &Path, key: &SigningKey) -> Result<(), SignerError> {
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

pub(super) fn read_state(path: &Path) -> Result<Option<Signed>, SignerError> {
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

pub(super) fn write_state(path: &Path, json: &StateFile) -> Result<(), SignerError> {
    let text = serde_json::to_vec_pretty(json).map_err(|_| file(path, "cannot be encoded"))?;
    files::write(path, &text, Readers::Owner).map_err(io(path))
}
