//! Against what CometBFT v0.38.25 recorded: every message and every hash of 52 blocks.

use super::*;
use crate::golden::{Recorded, all_blocks};
use prost::Message;
use serde_json::Value;
use strongroom_types::consensus::{BlockParams, ConsensusParams, VersionParams};
use strongroom_types::{DecidedBlock, ExecTxResult};

fn hashes_equal(block: &Recorded, name: &str, hash: [u8; 32]) {
    assert_eq!(
        hex::encode_upper(hash),
        block.text(&["hashes", name]),
        "{} {name}",
        block.name
    );
}

fn leaves_equal(block: &Recorded, name: &str, leaves: &[Vec<u8>]) {
    let recorded: Vec<String> = block
        .list(&["leaves", name])
        .iter()
        .map(|l| l.as_str().unwrap().to_owned())
        .collect();
    let ours: Vec<String> = leaves.iter().map(hex::encode_upper).collect();
    assert_eq!(ours, recorded, "{} {name}", block.name);
}

#[test]
fn every_recorded_header_decodes_encodes_and_hashes_to_itself() {
    for block in all_blocks() {
        let bytes = block.proto("header");
        let header = Header::decode(&bytes).unwrap();
        assert_eq!(header.encode(), bytes, "{}", block.name);
        leaves_equal(&block, "header", &header.leaves());
        hashes_equal(&block, "header", header.hash());
    }
}

#[test]
fn every_recorded_commit_decodes_encodes_and_hashes_to_itself() {
    for block in all_blocks() {
        let bytes = block.proto("commit");
        let commit = Commit::decode(&bytes).unwrap();
        assert_eq!(commit.encode(), bytes, "{}", block.name);
        leaves_equal(&block, "commit", &commit.leaves());
        hashes_equal(&block, "commit", commit.hash());
        let hash = match block.last_commit().as_slice() {
            [] => empty_commit_hash(),
            bytes => Commit::decode(bytes).unwrap().hash(),
        };
        hashes_equal(&block, "last_commit_hash", hash);
    }
}

#[test]
fn sign_bytes_are_those_that_were_signed() {
    for block in all_blocks() {
        let commit = Commit::decode(&block.proto("commit")).unwrap();
        let chain_id = block.text(&["block", "block", "header", "chain_id"]);
        let recorded = block.list(&["sign_bytes"]);
        assert_eq!(recorded.len(), commit.signatures.len());
        for (index, bytes) in recorded.iter().enumerate() {
            let ours = commit
                .sign_bytes(chain_id, index)
                .map(hex::encode_upper)
                .unwrap_or_default();
            assert_eq!(ours, bytes.as_str().unwrap(), "{} {index}", block.name);
        }
    }
}

#[test]
fn blocks_are_cut_into_the_recorded_parts() {
    let mut several_parts = 0;
    for block in all_blocks() {
        let decided = block.decided();
        let header = Header::decode(&decided.header).unwrap();
        let bytes = block_bytes(&header, &decided).unwrap();
        assert_eq!(
            hex::encode(&bytes),
            hex::encode(block.proto("block")),
            "{}",
            block.name
        );
        let sizes: Vec<u64> = block
            .list(&["leaves", "part_sizes"])
            .iter()
            .map(|n| n.as_u64().unwrap())
            .collect();
        let ours: Vec<u64> = bytes.chunks(PART_BYTES).map(|p| p.len() as u64).collect();
        assert_eq!(ours, sizes);
        let parts = part_set_header(&bytes);
        several_parts += u32::from(parts.total > 1);
        hashes_equal(&block, "part_set_header", parts.hash);
        let id = raw::types::BlockId::decode(block.proto("block_id").as_slice()).unwrap();
        assert_eq!(BlockId::from_raw(&id).unwrap().parts, parts);
        assert_eq!(
            BlockId::from_raw(&id).unwrap().to_raw().encode_to_vec(),
            block.proto("block_id")
        );
    }
    assert!(several_parts > 0);
}

#[test]
fn transactions_and_evidence_hash_as_recorded() {
    let mut pieces = 0;
    for block in all_blocks() {
        let decided = block.decided();
        hashes_equal(&block, "data_hash", data_hash(&decided.txs));
        let evidence = Evidence::decode(&decided.evidence).unwrap();
        leaves_equal(&block, "evidence", &evidence.leaves);
        hashes_equal(&block, "evidence_hash", evidence.hash());
        pieces += evidence.misbehavior.len();
        for deed in &evidence.misbehavior {
            assert_eq!(deed.kind, MisbehaviorKind::DuplicateVote);
            assert!(deed.power > 0 && deed.total_power >= deed.power);
        }
    }
    assert_eq!(pieces, 2);
}

#[test]
fn results_hash_as_recorded() {
    for block in all_blocks() {
        // Heights 1 and 2 of `four` hold an error instead of results; there were none.
        let results: Vec<ExecTxResult> = match block.value(&["block_results", "txs_results"]) {
            Value::Array(results) => results.iter().map(result).collect(),
            _ => Vec::new(),
        };
        let leaves: Vec<Vec<u8>> = results.iter().map(super::block::result_leaf).collect();
        leaves_equal(&block, "results_of_this_block", &leaves);
        hashes_equal(&block, "results_of_this_block", results_hash(&results));
    }
}

fn result(json: &Value) -> ExecTxResult {
    let number = |name: &str| json[name].as_str().unwrap().parse().unwrap();
    ExecTxResult {
        code: u32::try_from(json["code"].as_u64().unwrap()).unwrap(),
        data: json["data"]
            .as_str()
            .map(crate::golden::base64)
            .unwrap_or_default(),
        gas_wanted: number("gas_wanted"),
        gas_used: number("gas_used"),
        ..ExecTxResult::default()
    }
}

#[test]
fn validator_sets_hash_as_recorded() {
    for block in all_blocks() {
        for (name, leaves) in [
            ("validator_set", Some("validators")),
            ("next_validator_set", None),
        ] {
            let raw = raw::types::ValidatorSet::decode(block.proto(name).as_slice()).unwrap();
            let set = ValidatorSet::from_raw(&raw).unwrap();
            if let Some(leaves) = leaves {
                leaves_equal(&block, leaves, &set.leaves());
                hashes_equal(&block, "validators_hash", set.hash());
            } else {
                hashes_equal(&block, "next_validators_hash", set.hash());
            }
            // The recorded order is the order of the set: entry i of a commit is about validator i.
            let recorded: Vec<Vec<u8>> = raw.validators.iter().map(|v| v.address.clone()).collect();
            let ours: Vec<Vec<u8>> = set
                .validators()
                .iter()
                .map(|v| v.address().to_vec())
                .collect();
            assert_eq!(ours, recorded);
        }
    }
}

#[test]
fn validator_sets_follow_the_recorded_updates() {
    let mut changes = 0;
    for block in all_blocks() {
        let set = |name: &str| {
            let raw = raw::types::ValidatorSet::decode(block.proto(name).as_slice()).unwrap();
            ValidatorSet::from_raw(&raw).unwrap()
        };
        let (now, next) = (set("validator_set"), set("next_validator_set"));
        if now == next {
            continue;
        }
        changes += 1;
        // An update of height h holds from h + 2: it was made in the block before this one.
        let before = block.before().unwrap();
        let updates = before.validator_updates();
        assert_eq!(now.updated(&updates).unwrap(), next, "{}", block.name);
    }
    assert_eq!(changes, 4);
}

#[test]
fn parameters_encode_and_hash_as_recorded() {
    for block in all_blocks() {
        let json = block.value(&["consensus_params", "consensus_params"]);
        let number = |a: &str, b: &str| json[a][b].as_str().unwrap().parse::<i64>().unwrap();
        let params = ConsensusParams {
            block: BlockParams {
                max_bytes: number("block", "max_bytes"),
                max_gas: number("block", "max_gas"),
            },
            version: VersionParams {
                app: u64::try_from(number("version", "app")).unwrap(),
            },
            ..ConsensusParams::default()
        };
        params.check().unwrap();
        assert_eq!(
            params::encode(&params),
            block.proto("consensus_params"),
            "{}",
            block.name
        );
        assert_eq!(params::decode(&params::encode(&params)).unwrap(), params);
        // The header commits to the parameters of its own height.
        hashes_equal(&block, "consensus_hash", params::hash(&params));
    }
}

#[test]
fn evidence_and_last_commit_survive_as_raw_bytes() {
    for block in all_blocks() {
        let list =
            raw::types::EvidenceList::decode(block.proto("evidence_list").as_slice()).unwrap();
        assert_eq!(list.encode_to_vec(), block.proto("evidence_list"));
        let signed =
            raw::types::SignedHeader::decode(block.proto("signed_header").as_slice()).unwrap();
        assert_eq!(signed.encode_to_vec(), block.proto("signed_header"));
    }
}

#[test]
fn bytes_that_are_not_canonical_are_refused() {
    let block = all_blocks().pop().unwrap();
    let header = block.proto("header");
    // An unknown field, and a field written twice: protobuf decodes both.
    let mut unknown = header.clone();
    unknown.extend([0xa8, 0x06, 0x01]);
    assert_eq!(
        Header::decode(&unknown),
        Err(DecodeError::NotCanonical { what: "header" })
    );
    let mut twice = header.clone();
    twice.extend(&header);
    assert!(Header::decode(&twice).is_err());
    assert!(matches!(
        Header::decode(&header[..header.len() - 1]),
        Err(DecodeError::Protobuf { .. })
    ));
    assert!(Header::decode(&[]).is_err());
    let mut commit = block.proto("commit");
    commit.extend([0xa8, 0x06, 0x01]);
    assert_eq!(
        Commit::decode(&commit),
        Err(DecodeError::NotCanonical { what: "commit" })
    );
    assert!(Evidence::decode(&[0xa8, 0x06, 0x01]).is_err());
}

#[test]
fn validator_sets_refuse_what_breaks_their_rules() {
    use validators::ValidatorSetError as E;
    let v = |n: u8, power| Validator {
        pubkey: [n; 32],
        power,
    };
    assert_eq!(ValidatorSet::new(vec![]), Err(E::Empty));
    assert_eq!(ValidatorSet::new(vec![v(1, 0)]), Err(E::Power));
    assert_eq!(ValidatorSet::new(vec![v(1, 1), v(1, 2)]), Err(E::Duplicate));
    assert_eq!(ValidatorSet::new(vec![v(1, u64::MAX)]), Err(E::TotalPower));
    assert_eq!(
        ValidatorSet::new(vec![v(1, validators::TOTAL_POWER_MAX), v(2, 1)]),
        Err(E::TotalPower)
    );
    let many = |n: usize| {
        (0..n).map(|i| {
            let mut pubkey = [0; 32];
            pubkey[..8].copy_from_slice(&(i as u64).to_le_bytes());
            Validator { pubkey, power: 1 }
        })
    };
    assert_eq!(
        ValidatorSet::new(many(validators::VALIDATORS_MAX + 1).collect()),
        Err(E::TooMany)
    );
    let set = ValidatorSet::new(many(validators::VALIDATORS_MAX).collect()).unwrap();
    assert_eq!(set.total_power(), 1_000);
    let update = |n: u8, power| strongroom_types::ValidatorUpdate {
        pubkey: [n; 32],
        power,
    };
    let set = ValidatorSet::new(vec![v(1, 5), v(2, 7)]).unwrap();
    assert_eq!(set.updated(&[update(3, 0)]), Err(E::NotThere));
    assert_eq!(set.updated(&[update(3, -1)]), Err(E::Power));
    assert_eq!(
        set.updated(&[update(3, 1), update(3, 2)]),
        Err(E::Duplicate)
    );
    assert_eq!(set.updated(&[update(1, 0), update(2, 0)]), Err(E::Empty));
    assert_eq!(
        set.updated(&[update(2, 0), update(1, 9)])
            .unwrap()
            .validators(),
        [v(1, 9)]
    );
    // Borsh keeps the rules: an unsorted set does not decode.
    let sorted = borsh::to_vec(&set).unwrap();
    assert_eq!(borsh::from_slice::<ValidatorSet>(&sorted).unwrap(), set);
    assert!(
        borsh::from_slice::<ValidatorSet>(&borsh::to_vec(&vec![v(1, 5), v(2, 7)]).unwrap())
            .is_err()
    );
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_a_decoder_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
        let _ = Header::decode(&bytes);
        let _ = Commit::decode(&bytes);
        let _ = Evidence::decode(&bytes);
        static HEADER: std::sync::LazyLock<Header> = std::sync::LazyLock::new(|| {
            let block = all_blocks().into_iter().next().unwrap();
            Header::decode(&block.proto("header")).unwrap()
        });
        let block = DecidedBlock { evidence: bytes.clone(), last_commit: bytes, ..DecidedBlock::default() };
        let _ = block_bytes(&HEADER, &block);
    }

    #[test]
    fn a_changed_byte_of_a_recorded_block_never_decodes_to_the_same_hash(at in 0usize..10_000, bit in 0u8..8) {
        let block = crate::golden::block("four", 4);
        let mut header = block.proto("header");
        let hash = Header::decode(&header).unwrap().hash();
        let at_header = at % header.len();
        header[at_header] ^= 1 << bit;
        proptest::prop_assert!(Header::decode(&header).map(|h| h.hash()) != Ok(hash));
    }
}
