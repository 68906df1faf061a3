//! The light client against recorded chains, recorded attacks, and lying hosts.

mod oracle;

use super::*;
use crate::comet::raw;
use crate::golden::{self, Recorded, base64, block, blocks};
use ed25519_zebra::SigningKey;
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

/// A header and commit, and the validator sets that came with them, as a hostile peer would send them.
struct Case {
    name: String,
    signed: Result<(Header, Commit), LightError>,
    validators: Option<ValidatorSet>,
}

impl Case {
    fn of(json: &serde_json::Value) -> Self {
        let proto = |name: &str| base64(json["proto"][name].as_str().unwrap());
        let signed = raw::types::SignedHeader::decode(proto("signed_header").as_slice()).unwrap();
        let header = Header::from_raw(&signed.header.unwrap()).map_err(LightError::Header);
        let commit = Commit::from_raw(&signed.commit.unwrap()).map_err(LightError::Commit);
        let set = raw::types::ValidatorSet::decode(proto("validator_set").as_slice()).unwrap();
        Self {
            name: json["name"].as_str().unwrap().to_owned(),
            signed: header.and_then(|h| Ok((h, commit?))),
            validators: ValidatorSet::from_raw(&set).ok(),
        }
    }

    /// Our client tracks its validators and takes none from a peer: a set that came along must be the tracked one.
    fn verdict(&self, state: &LightState) -> Result<LightState, LightError> {
        let (header, commit) = self.signed.as_ref().map_err(Clone::clone)?;
        if self.validators.as_ref() != Some(state.validators()) {
            return Err(LightError::ValidatorsHash);
        }
        state.follow(header, commit)
    }
}

#[test]
fn recorded_attacks_on_the_next_height_are_judged_as_expected() {
    let no_clock = [
        "time at the clock drift",
        "time beyond clock drift",
        "trusting period just over",
    ];
    let (mut firm, mut free) = (0, 0);
    for json in golden::json("four/negative.json")["cases"]
        .as_array()
        .unwrap()
    {
        let case = Case::of(json);
        let trusted = json["trusted_height"].as_u64().unwrap();
        let height = json["signed_header"]["header"]["height"].as_str().unwrap();
        if height != (trusted + 1).to_string() || no_clock.contains(&case.name.as_str()) {
            continue;
        }
        let verdict = case.verdict(&states()[usize::try_from(trusted).unwrap()]);
        match json["expected"].as_str().unwrap() {
            "accept" => assert!(verdict.is_ok(), "{}: {verdict:?}", case.name),
            "reject" => assert!(verdict.is_err(), "{}", case.name),
            "either" => free += 1,
            other => panic!("{}: {other}", case.name),
        }
        firm += 1;
    }
    assert!(firm >= 70 && free >= 6, "{firm} {free}");
}

#[test]
fn recorded_attacks_fail_at_the_check_that_is_meant_for_them() {
    let cases = golden::json("four/negative.json");
    let check = |name: &str, code: &str| {
        let json = cases["cases"]
            .as_array()
            .unwrap()
            .iter()
            .find(|c| c["name"] == name)
            .unwrap_or_else(|| panic!("{name}"));
        let state = &states()[usize::try_from(json["trusted_height"].as_u64().unwrap()).unwrap()];
        assert_eq!(
            Case::of(json).verdict(state).unwrap_err().code(),
            code,
            "{name}"
        );
    };
    check("header version.block forged", "light.block_protocol");
    check("block version 12, signed by all", "light.block_protocol");
    check("header version.app forged", "light.commit_block_id");
    check("header chain_id forged", "light.chain_id");
    check("another chain, consistent", "light.chain_id");
    check("signed for another chain", "light.signature");
    check("header height forged", "light.height");
    check("same height", "light.height");
    check("time equal to the trusted one", "light.time");
    check("time before the trusted one", "light.time");
    check("header last_block_id forged", "light.last_block_id");
    check("header validators_hash forged", "light.validators_hash");
    check(
        "header next_validators_hash forged",
        "light.next_validators_hash",
    );
    check("header proposer_address forged", "light.proposer");
    check("header app_hash forged", "light.commit_block_id");
    check(
        "header app_hash forged, commit's block id follows",
        "light.signature",
    );
    check("commit height off by one", "light.commit_height");
    check("commit round changed", "light.signature");
    check("commit parts hash changed", "light.signature");
    check("commit block id empty", "light.commit");
    check("no signatures", "light.commit");
    check("one signature too few", "light.commit_size");
    check("one signature too many", "light.commit_size");
    check("all absent", "light.power");
    check("signatures removed, not above 2/3", "light.power");
    check("all votes nil, signed so", "light.power");
    check("signature cut short", "light.commit");
    check("signature scalar not reduced", "light.signature");
    check("vote address changed", "light.vote_address");
    check("vote of one validator twice", "light.vote_address");
    check("entries swapped", "light.vote_address");
    check("nil vote passed off as commit", "light.signature");
    check("nil vote with a broken signature", "light.signature");
    check("last signature broken", "light.signature");
    check("absent entry that carries a signature", "light.commit");
    check("flag unknown", "light.commit");
}

#[test]
fn an_app_hash_that_all_validators_forge_is_found_by_who_executes() {
    let cases = golden::json("four/negative.json");
    let json = cases["cases"]
        .as_array()
        .unwrap()
        .iter()
        .find(|c| c["name"] == "app hash forged by all")
        .unwrap();
    let (header, commit) = Case::of(json).signed.unwrap();
    let block = block("four", header.height);
    let own = expected(&Header::decode(&block.proto("header")).unwrap());
    let forged = DecidedBlock {
        header: header.encode(),
        commit: commit.encode(),
        ..block.decided()
    };
    let state = &states()[usize::try_from(header.height - 1).unwrap()];
    assert_eq!(
        state.verify(Untrusted::new(forged), &own).unwrap_err(),
        LightError::AppHash
    );
}

#[test]
fn a_lying_host_is_told_which_check_failed() {
    // Height 23 has evidence, height 3 a transaction; both have a last commit.
    let good = [block("four", 23).decided(), block("single", 3).decided()];
    let mut single = genesis("single");
    for block in &blocks("single")[..2] {
        let header = Header::decode(&block.proto("header")).unwrap();
        single = single
            .verify(Untrusted::new(block.decided()), &expected(&header))
            .unwrap()
            .1;
    }
    let state = [states()[22].clone(), single];
    let own = good
        .each_ref()
        .map(|b| expected(&Header::decode(&b.header).unwrap()));
    let refused = |i: usize, change: &dyn Fn(&mut DecidedBlock, &mut Expected)| {
        let (mut block, mut own) = (good[i].clone(), own[i].clone());
        change(&mut block, &mut own);
        let error = state[i]
            .verify(Untrusted::new(block), &own)
            .map(|_| ())
            .unwrap_err();
        error.code()
    };
    assert_eq!(refused(1, &|b, _| b.txs[0].push(0)), "light.data_hash");
    assert_eq!(refused(1, &|b, _| b.txs.clear()), "light.data_hash");
    assert_eq!(refused(1, &|b, _| b.txs.push(vec![])), "light.data_hash");
    assert_eq!(refused(1, &|b, _| b.txs.reverse()), "light.data_hash");
    assert_eq!(
        refused(0, &|b, _| b.evidence.clear()),
        "light.evidence_hash"
    );
    assert_eq!(
        refused(1, &|b, _| b.evidence = good[0].evidence.clone()),
        "light.evidence_hash"
    );
    assert_eq!(refused(0, &|b, _| b.evidence.push(0)), "light.evidence");
    assert_eq!(
        refused(0, &|b, _| b.last_commit.clear()),
        "light.last_commit"
    );
    assert_eq!(
        refused(0, &|b, _| b.last_commit = b.commit.clone()),
        "light.last_commit_hash"
    );
    let (state_0, good_0) = (&state[0], &good[0]);
    assert_eq!(
        refused(0, &|b, _| {
            let mut commit = Commit::decode(&b.last_commit).unwrap();
            commit.height += 1;
            b.last_commit = commit.encode();
        }),
        "light.last_commit_hash"
    );
    assert_eq!(refused(0, &|b, _| b.header.truncate(40)), "light.header");
    assert_eq!(refused(0, &|b, _| b.commit.truncate(40)), "light.commit");
    assert_eq!(
        refused(0, &|b, _| b.header = good[1].header.clone()),
        "light.chain_id"
    );
    assert_eq!(
        refused(0, &|b, _| b.commit = b.last_commit.clone()),
        "light.commit_height"
    );
    assert_eq!(
        refused(0, &|_, own| own.app_hash = vec![1; 32]),
        "light.app_hash"
    );
    assert_eq!(
        refused(0, &|_, own| own.last_results_hash = [1; 32]),
        "light.last_results_hash"
    );
    assert_eq!(
        refused(0, &|_, own| own.consensus_hash = [1; 32]),
        "light.consensus_hash"
    );
    assert_eq!(
        refused(0, &|_, own| own.version_app += 1),
        "light.version_app"
    );
    // The same block again, and one height too far.
    let after = state_0
        .verify(Untrusted::new(good_0.clone()), &own[0])
        .unwrap()
        .1;
    assert_eq!(
        after
            .verify(Untrusted::new(good_0.clone()), &own[0])
            .unwrap_err()
            .code(),
        "light.height"
    );
    assert_eq!(
        states()[21]
            .verify(Untrusted::new(good_0.clone()), &own[0])
            .unwrap_err()
            .code(),
        "light.height"
    );
}

#[test]
fn every_limit_refuses_what_is_above_it() {
    let good = block("four", 23).decided();
    let own = expected(&Header::decode(&good.header).unwrap());
    let refused = |change: &dyn Fn(&mut DecidedBlock)| {
        let mut block = good.clone();
        change(&mut block);
        match states()[22].verify(Untrusted::new(block), &own) {
            Err(LightError::Oversized { what, size, limit }) => {
                assert_eq!(size, limit + 1);
                what
            }
            other => panic!("{:?}", other.map(|_| ())),
        }
    };
    assert_eq!(
        refused(&|b| b.header = vec![0; HEADER_BYTES_MAX + 1]),
        "header"
    );
    assert_eq!(
        refused(&|b| b.commit = vec![0; COMMIT_BYTES_MAX + 1]),
        "commit"
    );
    assert_eq!(
        refused(&|b| b.last_commit = vec![0; COMMIT_BYTES_MAX + 1]),
        "last commit"
    );
    assert_eq!(
        refused(&|b| b.evidence = vec![0; EVIDENCE_BYTES_MAX + 1]),
        "evidence"
    );
    assert_eq!(
        refused(&|b| b.txs = vec![vec![]; BLOCK_TXS_MAX + 1]),
        "number of transactions"
    );
    assert_eq!(
        refused(&|b| b.txs = vec![vec![0; BLOCK_BYTES_MAX], vec![0]]),
        "transactions"
    );
}

/// A chain of our own with any number of validators.
fn chain_of(powers: &[u64]) -> (Vec<SigningKey>, LightState, Header) {
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
fn sign(keys: &[SigningKey], header: &Header, signers: u32) -> Commit {
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

proptest::proptest! {
    #[test]
    fn a_changed_bit_anywhere_in_a_decided_block_is_refused(field in 0usize..4, at: usize, bit in 0u8..8) {
        let good = block("four", 23).decided();
        let own = expected(&Header::decode(&good.header).unwrap());
        let mut block = good.clone();
        let bytes = match field {
            0 => &mut block.header,
            1 => &mut block.commit,
            2 => &mut block.last_commit,
            _ => &mut block.evidence,
        };
        let at = at % bytes.len();
        bytes[at] ^= 1 << bit;
        let verdict = states()[22].verify(Untrusted::new(block.clone()), &own);
        // Round of the last commit: covered by no hash, influences nothing.
        let round_only = field == 2
            && Commit::decode(&block.last_commit).is_ok_and(|c| {
                let before = Commit::decode(&good.last_commit).unwrap();
                Commit { round: before.round, ..c } == before
            });
        proptest::prop_assert!(verdict.is_err() || round_only, "{} {}", field, at);
    }
}
