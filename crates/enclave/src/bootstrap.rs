//! What the enclave begins with: a seed, a seal bound to a genesis file, the state of genesis, and the seals of anchors.
//!
//! Genesis names the public keys, so the seed comes first, in memory only; it is sealed when the genesis file that names
//! its keys is there. Every seal carries SHA-256 of that file.

use crate::anchor::Anchor;
use crate::failure::failure;
use crate::platform::Platform;
use crate::secrets::{Keys, public_keys};
use borsh::BorshDeserialize;
use strongroom_attest::Statement;
use strongroom_bridge::message::PublicKeys;
use strongroom_bridge::{Failure, FailureCode};
use strongroom_chain::genesis::{Document, NetworkKeys, init_chain, parse};
use strongroom_chain::modules::compute::ContractEngine;
use strongroom_chain::modules::registration::genesis as registration;
use strongroom_chain::{Bytes, CodeRead, ExecutionEnv, Fault};
use strongroom_crypto::seal::{Chain, SEAL_LEN_MAX, SealedAnchor, SealedSeeds};
use strongroom_crypto::seed::{MasterSeed, SeedRing};
use strongroom_crypto::{Error as CryptoError, Secret};
use strongroom_proof::PartialForest;
use strongroom_proof::comet::{self, ValidatorSet, results_hash};
use strongroom_proof::light::{Genesis, LightState};
use strongroom_types::consensus::{CHAIN_ID_BYTES_MAX, ConsensusParams};
use strongroom_types::{Hash, Untrusted, ValidatorUpdate, WriteSet, sha256};
use zeroize::Zeroizing;

/// Makes a seed in memory.
pub(crate) fn begin(platform: &dyn Platform) -> Result<(SeedRing, PublicKeys), Failure> {
    let mut randomness = Zeroizing::new([0; 32]);
    platform
        .random(&mut *randomness)
        .map_err(|e| failure(FailureCode::Platform, e))?;
    let ring = SeedRing::genesis(platform.security(), MasterSeed::new(*randomness));
    let public = public_keys(&ring).ok_or_else(no_seeds)?;
    Ok((ring, public))
}

/// Evidence of who began this seed, for the genesis file that will name its keys.
pub(crate) fn attest(
    platform: &dyn Platform,
    ring: &SeedRing,
    chain_id: String,
    node_key: [u8; 32],
    consensus_key: [u8; 32],
) -> Result<Vec<u8>, Failure> {
    if chain_id.is_empty() || chain_id.len() > CHAIN_ID_BYTES_MAX {
        let text = format!("a chain id has 1 to {CHAIN_ID_BYTES_MAX} bytes");
        return Err(failure(FailureCode::Genesis, text));
    }
    let keys = public_keys(ring).ok_or_else(no_seeds)?;
    let statement = Statement::Bootstrap {
        chain_id,
        io_key: keys.io,
        exchange_key: keys.exchange,
        node_key,
        consensus_key,
    };
    let evidence = platform.attest(&statement.report_data());
    let evidence = evidence.map_err(|e| failure(FailureCode::Platform, e))?;
    Ok(evidence.encode())
}

/// Seals a seed to the genesis file that names its keys.
pub(crate) fn seal(
    platform: &dyn Platform,
    ring: &SeedRing,
    genesis: &[u8],
) -> Result<(Vec<u8>, Keys), Failure> {
    let (chain, named, _) = chain_of(genesis)?;
    require_security(platform, &chain)?;
    let keys = keys_of(ring, chain)?;
    require_keys(&named, &keys)?;
    Ok((seal_ring(platform, &chain, ring)?, keys))
}

/// Seals seeds whose keys are those of the genesis.
pub(crate) fn seal_ring(
    platform: &dyn Platform,
    chain: &Chain,
    ring: &SeedRing,
) -> Result<Vec<u8>, Failure> {
    let key = sealing_key(platform)?;
    let sealed = SealedSeeds::seal(&key, chain, ring).map_err(|e| failure(FailureCode::Seal, e))?;
    borsh::to_vec(&sealed).map_err(|e| failure(FailureCode::Broken, e))
}

/// The genesis must ask for machines like this one.
pub(crate) fn require_security(platform: &dyn Platform, chain: &Chain) -> Result<(), Failure> {
    if chain.security == platform.security() {
        return Ok(());
    }
    let text = format!(
        "genesis.security: the genesis file asks for {} machines, this platform is {}",
        chain.security.as_str(),
        platform.security().as_str()
    );
    Err(failure(FailureCode::Genesis, text))
}

/// Opens a seal under the genesis file that it is bound to.
pub(crate) fn unseal(
    platform: &dyn Platform,
    seal: &[u8],
    genesis: &[u8],
) -> Result<Keys, Failure> {
    let (chain, named, _) = chain_of(genesis)?;
    let key = sealing_key(platform)?;
    let ring = Untrusted::new(seal).verify(|seal| {
        let sealed: SealedSeeds = decode(seal).ok_or(CryptoError::Content)?;
        sealed.open(&key, &chain)
    });
    let ring = ring.map_err(|e| refused("the seal of the seed", e, FailureCode::Seal))?;
    let keys = keys_of(&ring, chain)?;
    require_keys(&named, &keys)?;
    Ok(keys)
}

/// Seals an anchor.
pub(crate) fn seal_anchor(platform: &dyn Platform, anchor: &Anchor) -> Result<Vec<u8>, Failure> {
    let chain = Chain {
        genesis_hash: anchor.genesis_hash,
        security: platform.security(),
    };
    let sealed = SealedAnchor::seal(&sealing_key(platform)?, &chain, &anchor.encode()?)
        .map_err(|e| failure(FailureCode::Broken, format!("anchor: {e}")))?;
    borsh::to_vec(&sealed).map_err(|e| failure(FailureCode::Broken, e))
}

/// Opens an anchor of this genesis.
pub(crate) fn open_anchor(
    platform: &dyn Platform,
    genesis_hash: &Hash,
    sealed: &[u8],
) -> Result<Anchor, Failure> {
    let chain = Chain {
        genesis_hash: *genesis_hash,
        security: platform.security(),
    };
    let key = sealing_key(platform)?;
    let plain = Untrusted::new(sealed).verify(|sealed| {
        let sealed: SealedAnchor = decode(sealed).ok_or(CryptoError::Content)?;
        sealed.open(&key, &chain)
    });
    let anchor =
        Anchor::decode(&plain.map_err(|e| refused("the sealed anchor", e, FailureCode::Anchor))?)?;
    if anchor.genesis_hash != *genesis_hash {
        return Err(failure(
            FailureCode::OtherGenesis,
            "the anchor names another genesis than its seal",
        ));
    }
    Ok(anchor)
}

/// The state of genesis.
pub(crate) struct FirstState {
    pub(crate) anchor: Anchor,
    pub(crate) forest: PartialForest,
    pub(crate) writes: WriteSet,
    pub(crate) validators: Vec<ValidatorUpdate>,
    pub(crate) consensus_params: ConsensusParams,
}

/// Computes the state of genesis: a function of the file alone.
pub(crate) fn genesis_state(
    engine: &ContractEngine,
    genesis: &[u8],
    genesis_hash: Hash,
) -> Result<FirstState, Failure> {
    let refused = |e: &dyn core::fmt::Display| failure(FailureCode::Genesis, e);
    let outcome = init_chain(
        genesis,
        ExecutionEnv {
            code: &NoCode,
            engine,
        },
    )
    .map_err(|e| refused(&e))?;
    if !outcome.new_code.is_empty() {
        let why = "genesis.codes: app_state.compute has codes: there is no way yet to hand them to the host";
        return Err(refused(&why));
    }
    let mut forest = PartialForest::empty();
    forest
        .apply(&outcome.writes)
        .map_err(|e| failure(FailureCode::Broken, e))?;
    let document = outcome.document;
    let updates = document.validator_updates();
    let broken = |e: &dyn core::fmt::Display| failure(FailureCode::Broken, e);
    let validators = ValidatorSet::from_updates(&updates).map_err(|e| broken(&e))?;
    let light = LightState::genesis(&Genesis::new(&document, validators));
    let light = light.map_err(|e| broken(&e))?;
    let anchor = Anchor {
        genesis_hash,
        light,
        roots: forest.roots(),
        results_hash: results_hash(&[]),
        consensus_hash: comet::params::hash(&document.consensus_params),
        version_app: 0,
        next_version_app: document.consensus_params.version.app,
    };
    Ok(FirstState {
        anchor,
        forest,
        writes: outcome.writes,
        validators: updates,
        consensus_params: document.consensus_params,
    })
}

/// Which chain a genesis file makes, the keys that it names, and the document itself.
pub(crate) fn chain_of(genesis: &[u8]) -> Result<(Chain, NetworkKeys, Document), Failure> {
    let refused = |e| failure(FailureCode::Genesis, e);
    let document = parse(genesis).map_err(refused)?;
    let (security, keys) = registration::read(&document).map_err(refused)?;
    let chain = Chain {
        genesis_hash: sha256(genesis),
        security,
    };
    Ok((chain, keys, document))
}

/// The genesis file must name exactly these keys.
pub(crate) fn require_keys(named: &NetworkKeys, keys: &Keys) -> Result<(), Failure> {
    let own = keys.public();
    if named.io == own.io && named.node_exchange == own.exchange {
        Ok(())
    } else {
        Err(failure(
            FailureCode::Genesis,
            "genesis.keys: app_state.register names other keys than this enclave's",
        ))
    }
}

pub(crate) fn keys_of(ring: &SeedRing, chain: Chain) -> Result<Keys, Failure> {
    Keys::of(ring, chain).ok_or_else(no_seeds)
}

fn no_seeds() -> Failure {
    failure(FailureCode::Broken, "a ring without seeds")
}

pub(crate) fn sealing_key(platform: &dyn Platform) -> Result<Secret<32>, Failure> {
    let key = platform
        .sealing_key()
        .map_err(|e| failure(FailureCode::Platform, e))?;
    Ok(Secret::new(*key))
}

pub(crate) fn decode<T: BorshDeserialize>(bytes: &[u8]) -> Option<T> {
    if bytes.len() > SEAL_LEN_MAX {
        None
    } else {
        borsh::from_slice(bytes).ok()
    }
}

pub(crate) fn refused(what: &str, error: CryptoError, otherwise: FailureCode) -> Failure {
    let code = match error {
        CryptoError::OtherGenesis | CryptoError::OtherSecurity => FailureCode::OtherGenesis,
        _ => otherwise,
    };
    failure(code, format!("{what}: {error}"))
}

/// Genesis runs no contract.
struct NoCode;

impl CodeRead for NoCode {
    fn code(&self, _: &Hash) -> Result<Bytes, Fault> {
        Err(Fault::Content(String::from(
            "there is no code before the first block",
        )))
    }
}
