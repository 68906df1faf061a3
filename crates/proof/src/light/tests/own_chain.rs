//! Chains of our own: thresholds, first block, updates.

use super::*;
use ed25519_zebra::SigningKey;

/// A chain of our own with any number of validators.
pub(super) fn chain_of(powers: &[u64]) -> (Vec<SigningKey>, LightState, Header) {
    let keys: Vec<SigningKey> = (0..powers.len())
        .map(|i| {
            SigningKey::from(strongroom_types::sha256(
                format!("light test {i}").as_bytes(),
            ))
        })
        .collect();
    let key_of =
        |k: &SigningKey| -> [u8; 32] { ed25519_zebra::VerificationKeyBytes::from(k).into() };
    let validators = ValidatorSet::new(
        keys.iter()
            .zip(powers)
            .map(|(k, power)| comet::Validator {
                pubkey: key_of(k),
                power: *power,
            })
            .collect(),
    )
    .unwrap();
    let sorted = validators
        .validators()
        .iter()
        .map(|v| *keys.iter().find(|k| key_of(k) == v.pubkey).unwrap())
        .collect();
    let time = Timestamp {
        seconds: 1_700_000_000,
        nanos: 1,
    };
    let genesis = Genesis {
        chain_id: "test-1".to_owned(),
        time,
        initial_height: 1,
        validators,
    };
    let empty = comet::empty_commit_hash();
    let header = Header {
        version_block: BLOCK_PROTOCOL,
        version_app: 0,
        chain_id: genesis.chain_id.clone(),
        height: 1,
        time,
        last_block_id: None,
        last_commit_hash: empty,
        data_hash: empty,
        validators_hash: genesis.validators.hash(),
        next_validators_hash: genesis.validators.hash(),
        consensus_hash: comet::consensus_hash(1, -1),
        app_hash: vec![7; 32],
        last_results_hash: empty,
        evidence_hash: empty,
        proposer_address: genesis.validators.validators()[0].address(),
    };
    (sorted, LightState::genesis(&genesis).unwrap(), header)
}

/// A commit for `header`, signed by those whose bit is set.
pub(super) fn sign(keys: &[SigningKey], header: &Header, signers: u32) -> Commit {
    let parts = comet::PartSetHeader {
        total: 1,
        hash: [9; 32],
    };
    let block_id = BlockId {
        hash: header.hash(),
        parts,
    };
    let time = header.time;
    let signatures = keys
        .iter()
        .enumerate()
        .map(|(i, key)| {
            if signers & (1 << i) == 0 {
                return CommitSig::Absent;
            }
            let message =
                comet::sign_bytes(&header.chain_id, header.height, 0, Some(&block_id), time);
            let pubkey: [u8; 32] = ed25519_zebra::VerificationKeyBytes::from(key).into();
            CommitSig::Commit(comet::Vote {
                address: comet::validators::address(&pubkey),
                time,
                signature: key.sign(&message).into(),
            })
        })
        .collect();
    Commit {
        height: header.height,
        round: 0,
        block_id,
        signatures,
    }
}

#[test]
fn exactly_two_thirds_are_not_enough_and_one_more_is() {
    let (keys, state, header) = chain_of(&[10, 10, 10]);
    assert_eq!(
        state.follow(&header, &sign(&keys, &header, 0b011)),
        Err(LightError::Power {
            power: 20,
            total: 30
        })
    );
    assert!(state.follow(&header, &sign(&keys, &header, 0b111)).is_ok());
    let (keys, state, header) = chain_of(&[21, 10]);
    assert!(state.follow(&header, &sign(&keys, &header, 0b01)).is_ok());
    assert!(state.follow(&header, &sign(&keys, &header, 0b10)).is_err());
    let most = comet::validators::TOTAL_POWER_MAX;
    let (keys, state, header) = chain_of(&[most]);
    assert!(state.follow(&header, &sign(&keys, &header, 1)).is_ok());
    assert_eq!(
        state.follow(&header, &sign(&keys, &header, 0)),
        Err(LightError::Power {
            power: 0,
            total: most
        })
    );
}

#[test]
fn the_first_block_has_the_time_and_nothing_before_it() {
    let (keys, state, header) = chain_of(&[10]);
    let verdict = |header: &Header| state.follow(header, &sign(&keys, header, 1)).map(|_| ());
    assert_eq!(verdict(&header), Ok(()));
    let mut later = header.clone();
    later.time.nanos += 1;
    assert_eq!(verdict(&later).unwrap_err().code(), "light.time");
    let parts = comet::PartSetHeader {
        total: 1,
        hash: [1; 32],
    };
    let mut before = header.clone();
    before.last_block_id = Some(BlockId {
        hash: [1; 32],
        parts,
    });
    assert_eq!(verdict(&before), Err(LightError::LastBlockId));
    // A last commit where there can be none.
    let commit = sign(&keys, &header, 1);
    let block = DecidedBlock {
        header: header.encode(),
        last_commit: commit.encode(),
        commit: commit.encode(),
        ..DecidedBlock::default()
    };
    assert_eq!(
        state
            .verify(Untrusted::new(block), &expected(&header))
            .map(|_| ()),
        Err(LightError::LastCommitHash)
    );
}

/// Contracts see block time as unsigned nanoseconds since 1970, so such a header must not enter, whoever signed it.
#[test]
fn a_header_with_a_time_before_1970_or_after_2554_is_refused_though_all_validators_signed_it() {
    let (keys, state, header) = chain_of(&[10]);
    let first = sign(&keys, &header, 1);
    let after = state.follow(&header, &first).unwrap();
    let second = |seconds, nanos| {
        let mut next = header.clone();
        next.height = 2;
        next.last_block_id = Some(first.block_id);
        next.time = Timestamp { seconds, nanos };
        let commit = sign(&keys, &next, 1);
        after.follow(&next, &commit).map(|_| ())
    };
    // The last nanosecond that 64 bits count, and the one behind it.
    let (seconds, nanos) = (18_446_744_073, 709_551_615);
    assert_eq!(second(seconds, nanos), Ok(()));
    for (seconds, nanos) in [(seconds, nanos + 1), (seconds + 1, 0), (-1, 999_999_999)] {
        let found = Timestamp { seconds, nanos };
        assert_eq!(
            second(seconds, nanos),
            Err(LightError::TimeRange { found }),
            "{found:?}"
        );
    }
    // No genesis begins there either, so no first block can.
    for seconds in [-1, 18_446_744_074] {
        let time = Timestamp { seconds, nanos: 0 };
        let genesis = Genesis {
            chain_id: "test-1".to_owned(),
            time,
            initial_height: 1,
            validators: state.validators().clone(),
        };
        let begun = LightState::genesis(&genesis).map(|_| ());
        assert_eq!(begun, Err(LightError::TimeRange { found: time }));
    }
}

#[test]
fn updates_hold_from_the_height_after_the_next() {
    let (keys, state, header) = chain_of(&[10]);
    let update = strongroom_types::ValidatorUpdate {
        pubkey: state.validators().validators()[0].pubkey,
        power: 11,
    };
    let after = state
        .follow(&header, &sign(&keys, &header, 1))
        .unwrap()
        .executed(&[update])
        .unwrap();
    assert_eq!(after.validators().total_power(), 10);
    assert_eq!(after.next_validators().total_power(), 11);
    assert_eq!(after.last_validators().unwrap().total_power(), 10);
    let nobody = strongroom_types::ValidatorUpdate {
        pubkey: [1; 32],
        power: 0,
    };
    assert_eq!(
        after.executed(&[nobody]).unwrap_err().code(),
        "light.validators"
    );
}
