//! The light client against recorded chains, recorded attacks, and lying hosts.

mod attacks;
mod hosts;
mod oracle;
mod own_chain;
mod skipping;

use super::*;
use crate::comet::raw;
use crate::golden::{self, Recorded, base64, block, blocks};
use prost::Message;
use std::sync::OnceLock;

fn set_of(block: &Recorded, name: &str) -> ValidatorSet {
    ValidatorSet::from_raw(&raw::types::ValidatorSet::decode(block.proto(name).as_slice()).unwrap())
        .unwrap()
}

fn genesis(chain: &'static str) -> LightState {
    let first = block(chain, 1);
    let header = Header::decode(&first.proto("header")).unwrap();
    LightState::genesis(&Genesis {
        chain_id: header.chain_id,
        time: header.time,
        initial_height: 1,
        validators: set_of(&first, "validator_set"),
    })
    .unwrap()
}

/// What a machine that executed the recorded chain would expect.
fn expected(header: &Header) -> Expected {
    Expected {
        app_hash: header.app_hash.clone(),
        last_results_hash: header.last_results_hash,
        consensus_hash: header.consensus_hash,
        version_app: header.version_app,
    }
}

/// The states after each height of `four`, height 0 first: made by verifying every block.
fn states() -> &'static [LightState] {
    static STATES: OnceLock<Vec<LightState>> = OnceLock::new();
    STATES.get_or_init(|| {
        let mut states = vec![genesis("four")];
        for block in blocks("four") {
            let state = states.last().unwrap();
            let header = Header::decode(&block.proto("header")).unwrap();
            let (verified, after) = state
                .verify(Untrusted::new(block.decided()), &expected(&header))
                .unwrap_or_else(|e| panic!("{}: {e}", block.name));
            assert_eq!(verified.header, header);
            states.push(after.executed(&block.validator_updates()).unwrap());
        }
        states
    })
}

#[test]
fn the_recorded_chain_of_four_is_accepted_from_genesis_to_its_end() {
    assert_eq!(states().len(), 33);
    assert_eq!(states()[32].height(), 32);
}

#[test]
fn the_recorded_chain_of_one_is_accepted_and_opened() {
    let mut state = genesis("single");
    let mut misbehavior = Vec::new();
    for block in blocks("single") {
        let header = Header::decode(&block.proto("header")).unwrap();
        let (verified, after) = state
            .verify(Untrusted::new(block.decided()), &expected(&header))
            .unwrap();
        assert_eq!(after.header_hash(), Some(verified.header_hash));
        assert_eq!(verified.last_votes.len(), usize::from(verified.height > 1));
        assert!(
            verified
                .last_votes
                .iter()
                .all(|v| v.flag == VoteFlag::Commit && v.address == verified.proposer_address)
        );
        misbehavior.extend(
            verified
                .misbehavior
                .iter()
                .map(|m| (verified.height, m.height, m.power)),
        );
        state = after.executed(&block.validator_updates()).unwrap();
    }
    assert_eq!(misbehavior, [(10, 8, 10)]);
    assert_eq!(state.validators().total_power(), 25);
}

#[test]
fn absent_and_nil_votes_of_the_block_before_are_told() {
    let mut flags = (0, 0);
    for (state, block) in states().iter().zip(blocks("four")) {
        let header = Header::decode(&block.proto("header")).unwrap();
        let (verified, _) = state
            .verify(Untrusted::new(block.decided()), &expected(&header))
            .unwrap();
        flags.0 += verified
            .last_votes
            .iter()
            .filter(|v| v.flag == VoteFlag::Absent)
            .count();
        flags.1 += verified
            .last_votes
            .iter()
            .filter(|v| v.flag == VoteFlag::Nil)
            .count();
        let total: u64 = verified.last_votes.iter().map(|v| v.power).sum();
        assert!(
            verified.height == 1
                || Some(total) == state.last_validators().map(ValidatorSet::total_power)
        );
    }
    assert!(flags.0 >= 5 && flags.1 >= 2, "{flags:?}");
}

#[test]
fn adjacent_pairs_of_light_json_are_judged_as_cometbft_did() {
    let mut pairs = 0;
    for pair in golden::json("four/light.json")["pairs"].as_array().unwrap() {
        let (trusted, untrusted) = (
            pair["trusted_height"].as_u64().unwrap(),
            pair["untrusted_height"].as_u64().unwrap(),
        );
        if untrusted != trusted + 1 {
            continue;
        }
        pairs += 1;
        let signed = block("four", untrusted);
        let header = Header::decode(&signed.proto("header")).unwrap();
        let commit = Commit::decode(&signed.proto("commit")).unwrap();
        let verdict = states()[usize::try_from(trusted).unwrap()].follow(&header, &commit);
        // 1 → 2 is refused there only because the genesis time is long past: we have no clock.
        let accepts = pair["cometbft"]["verdict"] == "accept" || trusted == 1;
        assert_eq!(
            verdict.is_ok(),
            accepts,
            "{trusted} → {untrusted}: {verdict:?}"
        );
    }
    assert_eq!(pairs, 31);
}

#[test]
fn a_stored_state_comes_back_and_a_broken_one_does_not() {
    for state in states() {
        let bytes = borsh::to_vec(state).unwrap();
        assert_eq!(bytes[0], 0, "the version");
        assert_eq!(&borsh::from_slice::<LightState>(&bytes).unwrap(), state);
        let mut version = bytes.clone();
        version[0] = 1;
        assert!(borsh::from_slice::<LightState>(&version).is_err());
        assert!(borsh::from_slice::<LightState>(&bytes[..bytes.len() - 1]).is_err());
    }
}
