//! How an enclave without a seed joins a network: a one-time key, evidence of it, and the share that the network made for it.
//!
//! Promises: nothing is opened before headers, proof, genesis, recipient and sender were checked; nothing is sealed unless the
//! seeds give the public keys of the genesis. The one-time key lives in memory while it is used, and else sealed, bound to
//! the genesis and the node.
//! Refuses: blocks that do not lead from the validators of genesis to the header of the share; the share of another node, of an
//! earlier registration, of another chain, or from another sender than the network.
//!
//! Without a clock the light client cannot know which validators left long ago (docs/security.md). A forged chain gains nothing
//! by it: only enclaves that hold the seed make a share whose sender is the key that the genesis names.
//! Spec: docs/spec/door.md, "Joining".

use crate::bootstrap::{self, chain_of, decode, keys_of, refused, require_keys, sealing_key};
use crate::failure::failure;
use crate::platform::Platform;
use crate::secrets::Keys;
use strongroom_attest::{Registration, Statement};
use strongroom_bridge::message::{Joining, Share as StoreShare};
use strongroom_bridge::{Failure, FailureCode};
use strongroom_chain::Secrets as _;
use strongroom_chain::genesis::{Document, NetworkKeys};
use strongroom_chain::modules::registration::state::{SHARES, share_of};
use strongroom_crypto::seal::{self, Chain, SealedOneTimeKey};
use strongroom_crypto::share::{Share, ShareTarget};
use strongroom_crypto::x25519::KeyPair;
use strongroom_crypto::{Error as CryptoError, Secret};
use strongroom_proof::comet::ValidatorSet;
use strongroom_proof::comet::validators::address;
use strongroom_proof::ics23::{Entry, StoreProof};
use strongroom_proof::light::skipping::{LIGHT_BLOCKS_MAX, LightBlock, Terms, Trusted};
use strongroom_proof::light::{Genesis, LightError};
use strongroom_types::{Tree, Untrusted};
use zeroize::Zeroizing;

#[cfg(test)]
pub(crate) mod tests;

/// Version of this enclave's code, as evidence of joining nodes binds it. Grows with each release that a policy may tell from
/// the one before.
pub const ENCLAVE_VERSION: u32 = 1;

/// Who joins, as the host says it.
pub(crate) struct Joiner {
    pub(crate) operator: [u8; 20],
    pub(crate) node_key: [u8; 32],
    pub(crate) consensus_key: [u8; 32],
}

/// Makes a one-time key, and evidence that binds it.
pub(crate) fn begin(
    platform: &dyn Platform,
    genesis: &[u8],
    joiner: &Joiner,
) -> Result<Joining, Failure> {
    let (chain, _, document) = network(platform, genesis)?;
    let mut randomness = Zeroizing::new([0; 32]);
    platform
        .random(&mut *randomness)
        .map_err(|e| failure(FailureCode::Platform, e))?;
    let secret = Secret::new(*randomness);
    let one_time_key = *KeyPair::from_secret(&secret).public();
    let node_id = address(&joiner.node_key);
    let sealed = SealedOneTimeKey::seal(&sealing_key(platform)?, &chain, &node_id, &secret)
        .and_then(|sealed| seal::encode(&sealed))
        .map_err(|e| failure(FailureCode::Broken, e))?;
    let statement = Statement::Registration(Registration {
        chain_id: document.chain_id,
        genesis_hash: chain.genesis_hash,
        one_time_key,
        node_key: joiner.node_key,
        consensus_key: joiner.consensus_key,
        operator: joiner.operator,
        enclave_version: ENCLAVE_VERSION,
    });
    let evidence = platform
        .attest(&statement.report_data())
        .map_err(|e| failure(FailureCode::Platform, e))?;
    Ok(Joining {
        one_time_key,
        enclave_version: ENCLAVE_VERSION,
        evidence: evidence.encode(),
        one_time: sealed,
    })
}

/// What an opened share gives.
pub(crate) struct Joined {
    pub(crate) seal: Vec<u8>,
    pub(crate) possession: [u8; 32],
    pub(crate) keys: Keys,
}

/// Opens the share of this node, if all that was given leads to it.
pub(crate) fn open(
    platform: &dyn Platform,
    genesis: &[u8],
    one_time: &[u8],
    light_blocks: &[Vec<u8>],
    share: StoreShare,
) -> Result<Joined, Failure> {
    let (chain, named, document) = network(platform, genesis)?;
    let key = sealing_key(platform)?;
    let opened = Untrusted::new(one_time).verify(|sealed| {
        let sealed: SealedOneTimeKey = decode(sealed).ok_or(CryptoError::Content)?;
        sealed.open(&key, &chain)
    });
    let (node_id, one_time) =
        opened.map_err(|e| refused("the sealed one-time key", e, FailureCode::Seal))?;
    let header = follow(&document, light_blocks).map_err(|e| join(e.code(), e))?;
    let share = proven_share(&header, &node_id, share)?;
    let ring = open_share(&share, &one_time, &node_id, &chain, &named)?;
    let keys = keys_of(&ring, chain)?;
    require_keys(&named, &keys).map_err(|_| {
        join(
            "share.keys",
            "the seeds give other keys than the genesis names",
        )
    })?;
    let target = ShareTarget {
        node_id,
        one_time_key: *one_time.public(),
    };
    let possession = keys
        .epochs(&chain.genesis_hash)?
        .possession(&target)
        .map_err(|e| failure(FailureCode::Broken, e))?;
    Ok(Joined {
        seal: bootstrap::seal_ring(platform, &chain, &ring)?,
        possession,
        keys,
    })
}

/// Chain, keys and document of a genesis file for machines like this one.
fn network(
    platform: &dyn Platform,
    genesis: &[u8],
) -> Result<(Chain, NetworkKeys, Document), Failure> {
    let (chain, named, document) = chain_of(genesis)?;
    bootstrap::require_security(platform, &chain)?;
    Ok((chain, named, document))
}

/// The light client, from the validators of the genesis over all blocks.
fn follow(document: &Document, light_blocks: &[Vec<u8>]) -> Result<Trusted, LightError> {
    if light_blocks.len() > LIGHT_BLOCKS_MAX {
        return Err(LightError::Steps);
    }
    let validators = ValidatorSet::from_updates(&document.validator_updates())?;
    let mut trusted = Trusted::genesis(&Genesis::new(document, validators))?;
    for block in light_blocks {
        trusted = trusted.step(&LightBlock::decode(block)?, &Terms::WITHOUT_CLOCK)?;
    }
    Ok(trusted)
}

/// The share of the node that the header commits to.
fn proven_share(header: &Trusted, node_id: &[u8; 20], told: StoreShare) -> Result<Share, Failure> {
    let proof = StoreProof {
        entry: told.entry,
        store: told.store,
    };
    let key = share_key(node_id);
    let bad = |e: strongroom_proof::Error| join(e.code(), e);
    let entry = Entry::decode(&proof.entry).map_err(bad)?;
    let (_, value) = entry.claim();
    let proven = header
        .verify(Tree::Native, &key, value, &proof)
        .map_err(bad)?;
    let Some(value) = &proven.value else {
        return Err(join("share.absent", "the state has no share for this node"));
    };
    let share = share_of(value).and_then(|share| seal::decode(&share).ok());
    share.ok_or_else(|| join("share.form", "the share is none that this enclave knows"))
}

/// Opens the share, once it is known who it is from and for whom.
fn open_share(
    share: &Share,
    one_time: &KeyPair,
    node_id: &[u8; 20],
    chain: &Chain,
    named: &NetworkKeys,
) -> Result<strongroom_crypto::seed::SeedRing, Failure> {
    if *share.sender() != named.node_exchange {
        let text = "the share is from another sender than the network of the genesis";
        return Err(join("share.sender", text));
    }
    share
        .open(one_time, node_id, chain)
        .map_err(|e| join("share.closed", e))
}

fn join(code: &str, text: impl core::fmt::Display) -> Failure {
    failure(FailureCode::Join, format!("{code}: {text}"))
}

/// Raw key of a node's share in the native tree.
fn share_key(node_id: &[u8; 20]) -> Vec<u8> {
    SHARES.raw_key(&node_id)
}
