//! The skipping client against recorded verdicts of CometBFT, and against those who forge.

use super::own_chain::{chain_of, sign};
use super::*;
use crate::ics23::{Entry, Present, StoreProof};
use crate::light::skipping::{
    Bisection, Clock, LIGHT_BLOCK_BYTES_MAX, LIGHT_BLOCKS_MAX, LightBlock, Path, Terms, TrustLevel,
    Trusted,
};
use crate::{Error, merkle, tree};
use ed25519_zebra::SigningKey;
use strongroom_types::{Hash, Height, Tree, sha256};

fn bisect(
    trusted: &Trusted,
    target: Height,
    terms: &Terms,
    mut fetch: impl FnMut(Height) -> Result<LightBlock, LightError>,
) -> Result<Path, LightError> {
    let mut way = Bisection::new(trusted, target, terms);
    while let Some(height) = way.wanted()? {
        way.take(fetch(height)?)?;
    }
    Ok(way.path())
}

fn recorded(height: u64) -> LightBlock {
    let block = block("four", height);
    LightBlock {
        header: Header::decode(&block.proto("header")).unwrap(),
        commit: Commit::decode(&block.proto("commit")).unwrap(),
        validators: set_of(&block, "validator_set"),
    }
}

/// A recorded header as its user trusts it, with its *next* validators: so the verdicts were recorded.
fn trusted(height: u64) -> Trusted {
    let block = recorded(height);
    let next = set_of(&super::block("four", height), "next_validator_set");
    let hash = block.header.hash();
    let trusted = Trusted::header(&block.header.chain_id, &hash, &block).unwrap();
    trusted.with_validators(next)
}

fn terms(json: &serde_json::Value, of: &serde_json::Value) -> Terms {
    let (numerator, denominator) = of["trust_level"].as_str().unwrap().split_once('/').unwrap();
    let number = |text: &str| text.parse().unwrap();
    let now = of["now"].as_str().or(json["now"].as_str()).unwrap();
    Terms {
        level: TrustLevel::new(number(numerator), number(denominator)).unwrap(),
        clock: Some(Clock {
            now: now.parse().unwrap(),
            trusting_period_seconds: json["trusting_period_seconds"].as_u64().unwrap(),
            drift_seconds: json["max_clock_drift_seconds"].as_u64().unwrap(),
        }),
    }
}

fn word(verdict: &Result<Trusted, LightError>) -> &'static str {
    match verdict {
        Ok(_) => "accept",
        Err(LightError::Trust { .. }) => "not_enough_trust",
        Err(_) => "reject",
    }
}

#[test]
fn all_pairs_of_light_json_are_judged_as_cometbft_did() {
    let json = golden::json("four/light.json");
    let pairs = json["pairs"].as_array().unwrap();
    assert_eq!(pairs.len(), 404);
    for pair in pairs {
        let height = |name: &str| pair[name].as_u64().unwrap();
        let (from, to) = (height("trusted_height"), height("untrusted_height"));
        let verdict = trusted(from).step(&recorded(to), &terms(&json, pair));
        let expected = pair["cometbft"]["verdict"].as_str().unwrap();
        assert_eq!(word(&verdict), expected, "{from} → {to}: {verdict:?}");
    }
}

#[test]
fn recorded_attacks_are_judged_as_expected() {
    let json = golden::json("four/negative.json");
    let mut firm = 0;
    for case in json["cases"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let proto = |name: &str| base64(case["proto"][name].as_str().unwrap());
        let light_block = raw::types::LightBlock {
            signed_header: Some(Message::decode(&*proto("signed_header")).unwrap()),
            validator_set: Some(Message::decode(&*proto("validator_set")).unwrap()),
        };
        let from = trusted(case["trusted_height"].as_u64().unwrap());
        let block = LightBlock::decode(&light_block.encode_to_vec());
        let verdict = block.and_then(|block| from.step(&block, &terms(&json, case)));
        let expected = case["expected"].as_str().unwrap();
        if expected != "either" {
            assert_eq!(word(&verdict), expected, "{name}: {verdict:?}");
            firm += 1;
        }
    }
    assert_eq!(firm, 82);
}

#[test]
fn a_light_block_returns_from_its_bytes_and_a_long_one_is_refused() {
    let block = recorded(23);
    assert_eq!(LightBlock::decode(&block.encode()), Ok(block));
    let long = LightBlock::decode(&vec![0; LIGHT_BLOCK_BYTES_MAX + 1]).unwrap_err();
    assert_eq!(long.code(), "light.oversized");
    let mut largest = recorded(23);
    let vote = largest.commit.signatures[0].clone();
    largest.commit.signatures = vec![vote; comet::validators::VALIDATORS_MAX];
    let many = (0..comet::validators::VALIDATORS_MAX).map(|n| comet::Validator {
        pubkey: sha256(&n.to_be_bytes()),
        power: 1 << 40,
    });
    largest.validators = ValidatorSet::new(many.collect()).unwrap();
    assert_eq!(LightBlock::decode(&largest.encode()), Ok(largest));
}

/// A chain of which each height has a set of its own: `turnover` of the keys change from one height to the next.
struct Chain {
    blocks: Vec<LightBlock>,
    keys: Vec<Vec<SigningKey>>,
    genesis: Trusted,
}

const SET: usize = 4;

impl Chain {
    /// `heights` blocks; at height h the keys numbered from `h / every` on are validators. `name` gives other keys and hashes.
    fn new(name: &str, heights: usize, every: usize) -> Self {
        let key = |n: usize| SigningKey::from(sha256(format!("{name} {n}").as_bytes()));
        let keys_at = |height: usize| -> Vec<SigningKey> {
            let first = height / every;
            (first..first + SET).map(key).collect()
        };
        Self::of((1..=heights + 1).map(keys_at).collect())
    }

    /// From the keys of each height; the last are those after the last block.
    fn of(keys: Vec<Vec<SigningKey>>) -> Self {
        let (_, _, template) = chain_of(&[1]);
        let sets: Vec<(ValidatorSet, Vec<SigningKey>)> = keys.iter().map(|k| sorted(k)).collect();
        let mut blocks: Vec<LightBlock> = Vec::new();
        for (n, pair) in sets.windows(2).enumerate() {
            let [(set, keys), (next, _)] = pair else {
                panic!()
            };
            let before = blocks.last();
            let mut header = template.clone();
            header.height += n as u64;
            header.time.seconds += i64::try_from(n).unwrap();
            header.last_block_id = before.map(|block| block.commit.block_id);
            header.validators_hash = set.hash();
            header.next_validators_hash = next.hash();
            let commit = sign(keys, &header, u32::MAX);
            blocks.push(LightBlock {
                header,
                commit,
                validators: set.clone(),
            });
        }
        let genesis = Genesis {
            chain_id: template.chain_id,
            time: template.time,
            initial_height: 1,
            validators: sets[0].0.clone(),
        };
        let keys = sets.into_iter().map(|(_, keys)| keys).collect();
        Self {
            blocks,
            keys,
            genesis: Trusted::genesis(&genesis).unwrap(),
        }
    }

    fn at(&self, height: Height) -> &LightBlock {
        &self.blocks[usize::try_from(height - 1).unwrap()]
    }

    fn bisect(&self, target: Height) -> (Result<Path, LightError>, usize) {
        let mut asked = 0;
        let path = bisect(&self.genesis, target, &Terms::WITHOUT_CLOCK, |height| {
            asked += 1;
            Ok(self.at(height).clone())
        });
        (path, asked)
    }

    /// The block at `height`, changed and signed again by its own validators.
    fn changed(&self, height: Height, change: impl FnOnce(&mut Header)) -> LightBlock {
        let mut block = self.at(height).clone();
        change(&mut block.header);
        let keys = &self.keys[usize::try_from(height - 1).unwrap()];
        block.commit = sign(keys, &block.header, u32::MAX);
        block
    }
}

/// Keys as a validator set of equal powers, and in its order.
fn sorted(keys: &[SigningKey]) -> (ValidatorSet, Vec<SigningKey>) {
    let pubkey =
        |key: &SigningKey| <[u8; 32]>::from(ed25519_zebra::VerificationKeyBytes::from(key));
    let validators = keys.iter().map(|key| comet::Validator {
        pubkey: pubkey(key),
        power: 10,
    });
    let set = ValidatorSet::new(validators.collect()).unwrap();
    let in_order = set.validators().iter();
    let in_order = in_order.map(|v| *keys.iter().find(|k| pubkey(k) == v.pubkey).unwrap());
    let in_order = in_order.collect();
    (set, in_order)
}

#[test]
fn a_set_that_stays_is_followed_in_one_step_from_the_genesis() {
    let chain = Chain::new("stays", 90, 1_000);
    let (path, asked) = chain.bisect(90);
    let path = path.unwrap();
    assert_eq!((asked, path.blocks.len()), (1, 1));
    assert_eq!(path.end.hash(), Some(chain.at(90).header.hash()));
    assert_eq!(path.end.height(), 90);
}

#[test]
fn a_set_that_was_replaced_is_reached_over_headers_between() {
    for every in [1, 2, 7] {
        let chain = Chain::new("moves", 60, every);
        let (path, asked) = chain.bisect(60);
        let path = path.unwrap();
        assert_eq!(path.end.hash(), Some(chain.at(60).header.hash()), "{every}");
        assert!(asked >= path.blocks.len() && path.blocks.len() > 60 / every / SET);
        // Whoever is given the way goes it again, without asking.
        let mut again = chain.genesis.clone();
        for block in &path.blocks {
            again = again.step(block, &Terms::WITHOUT_CLOCK).unwrap();
        }
        assert_eq!(again, path.end);
    }
}

#[test]
fn who_answers_with_another_height_or_never_enough_is_left() {
    let chain = Chain::new("height", 30, 1);
    let other = bisect(&chain.genesis, 20, &Terms::WITHOUT_CLOCK, |_| {
        Ok::<_, LightError>(chain.at(9).clone())
    });
    let (found, expected) = (9, 20);
    assert_eq!(other, Err(LightError::Height { found, expected }));
    let before = trusted_at(&chain, 20);
    let before = bisect(&before, 10, &Terms::WITHOUT_CLOCK, |height| {
        Ok::<_, LightError>(chain.at(height).clone())
    });
    assert_eq!(before.unwrap_err().code(), "light.height");
    let end = bisect(&chain.genesis, 0, &Terms::WITHOUT_CLOCK, |_| {
        Err::<LightBlock, _>(LightError::Steps)
    });
    assert_eq!(end.unwrap().blocks, []);
}

fn trusted_at(chain: &Chain, height: Height) -> Trusted {
    let block = chain.at(height);
    Trusted::header(&block.header.chain_id, &block.header.hash(), block).unwrap()
}

#[test]
fn no_answers_make_a_bisection_endless() {
    // Each height has validators of its own: every single header is needed, and there are more of them than the limit.
    let heights = LIGHT_BLOCKS_MAX + 2;
    let keys = |n: usize| vec![SigningKey::from(sha256(&n.to_be_bytes()))];
    let chain = Chain::of((0..=heights).map(keys).collect());
    let (path, asked) = chain.bisect(heights as u64);
    assert_eq!(path, Err(LightError::Steps));
    assert_eq!(asked, LIGHT_BLOCKS_MAX);
    let (path, _) = chain.bisect(LIGHT_BLOCKS_MAX as u64);
    assert_eq!(path.unwrap().blocks.len(), LIGHT_BLOCKS_MAX);
}

#[test]
fn a_forged_set_is_not_reached_however_the_steps_are_cut() {
    let chain = Chain::new("true", 40, 1_000);
    // The forger has keys of its own from height 20 on, and signs all that it makes.
    let mut keys = chain.keys.clone();
    for (n, key) in keys.iter_mut().skip(19).flatten().enumerate() {
        *key = SigningKey::from(sha256(format!("forger {}", n % SET).as_bytes()));
    }
    let forged = Chain::of(keys);
    let (path, _) = forged.bisect(40);
    // Every header of the forger says of itself what is right; the honest ones before it never named its validators.
    assert!(path.is_ok(), "a whole chain with its own updates is one");
    let mixed = bisect(&chain.genesis, 40, &Terms::WITHOUT_CLOCK, |height| {
        let from = if height < 20 { &chain } else { &forged };
        Ok::<_, LightError>(from.at(height).clone())
    });
    let code = mixed.unwrap_err().code();
    assert!(
        ["light.validators_hash", "light.last_block_id"].contains(&code),
        "{code}"
    );
}

#[test]
fn a_fork_that_a_third_signed_is_refused() {
    let chain = Chain::new("fork", 30, 1_000);
    let forge = |header: &mut Header| header.app_hash = vec![6; 32];
    let whole = chain.changed(30, forge);
    // With all keys it is a fork that no light client sees.
    assert!(chain.genesis.step(&whole, &Terms::WITHOUT_CLOCK).is_ok());
    // With two of four keys the commit is short; with other keys in the place of two it is the overlap that is.
    let mut short = whole.clone();
    short.commit = sign(&chain.keys[29], &short.header, 0b0011);
    let verdict = chain.genesis.step(&short, &Terms::WITHOUT_CLOCK);
    assert_eq!(verdict.unwrap_err().code(), "light.power");
    let mut keys = vec![chain.keys[0][0]];
    keys.extend((0..3).map(|n| SigningKey::from(sha256(&[n]))));
    let (set, keys) = sorted(&keys);
    let mut strangers = chain.at(30).clone();
    strangers.header.validators_hash = set.hash();
    strangers.commit = sign(&keys, &strangers.header, u32::MAX);
    strangers.validators = set;
    let verdict = chain.genesis.step(&strangers, &Terms::WITHOUT_CLOCK);
    let (power, total) = (10, 40);
    assert_eq!(verdict, Err(LightError::Trust { power, total }));
}

#[test]
fn each_lie_about_a_header_is_named() {
    let chain = Chain::new("lies", 30, 1_000);
    let step = |block: &LightBlock, terms: &Terms| {
        let verdict = trusted_at(&chain, 10).step(block, terms);
        verdict.unwrap_err().code()
    };
    let lies = |height, change: &dyn Fn(&mut Header)| {
        step(&chain.changed(height, change), &Terms::WITHOUT_CLOCK)
    };
    let early = chain.at(10).header.time;
    assert_eq!(
        lies(20, &|h| h.chain_id = "test-2".into()),
        "light.chain_id"
    );
    assert_eq!(lies(20, &|h| h.height = 10), "light.height");
    assert_eq!(lies(20, &|h| h.height = 9), "light.height");
    assert_eq!(lies(20, &|h| h.time = early), "light.time");
    assert_eq!(lies(20, &|h| h.version_block = 12), "light.block_protocol");
    assert_eq!(lies(11, &|h| h.last_block_id = None), "light.last_block_id");
    assert_eq!(
        lies(11, &|h| h.validators_hash = [1; 32]),
        "light.validators_hash"
    );
    assert_eq!(
        lies(20, &|h| h.validators_hash = [1; 32]),
        "light.validators_hash"
    );
    let mut other = chain.at(20).clone();
    other.commit = chain.at(21).commit.clone();
    assert_eq!(step(&other, &Terms::WITHOUT_CLOCK), "light.commit_height");
    let mut other = chain.at(20).clone();
    other.header.app_hash = vec![1; 32];
    assert_eq!(step(&other, &Terms::WITHOUT_CLOCK), "light.commit_block_id");
    // The genesis: the time of the first block is its own.
    let late = chain.changed(1, |h| h.time.seconds += 1);
    let verdict = chain.genesis.step(&late, &Terms::WITHOUT_CLOCK);
    assert_eq!(verdict.unwrap_err().code(), "light.time");
    // A header that somebody vouches for is that one and no other, and is whole.
    let block = chain.at(20);
    let vouched = |hash: Hash, block: &LightBlock| Trusted::header("test-1", &hash, block);
    let hash = block.header.hash();
    assert!(vouched(hash, block).is_ok());
    assert_eq!(vouched([1; 32], block), Err(LightError::CommitBlockId));
    let mut unsigned = block.clone();
    unsigned.commit = sign(&[], &unsigned.header, 0);
    assert_eq!(
        vouched(hash, &unsigned).unwrap_err().code(),
        "light.commit_size"
    );
    let other_chain = Trusted::header("test-2", &hash, block);
    assert_eq!(other_chain, Err(LightError::ChainId));
}

#[test]
fn trust_ends_with_its_period_and_no_header_is_of_the_future() {
    let chain = Chain::new("time", 30, 1_000);
    let from = trusted_at(&chain, 10);
    let start = from.time();
    let at = |seconds: i64| Terms {
        level: TrustLevel::ONE_THIRD,
        clock: Some(Clock {
            now: Timestamp {
                seconds: start.seconds + seconds,
                ..start
            },
            trusting_period_seconds: 100,
            drift_seconds: 5,
        }),
    };
    // The header at 30 is 20 seconds after the trusted one.
    let verdict = |seconds| from.step(chain.at(30), &at(seconds)).map_err(|e| e.code());
    assert!(verdict(16).is_ok() && verdict(99).is_ok());
    assert_eq!(verdict(15).unwrap_err(), "light.future");
    assert_eq!(verdict(100).unwrap_err(), "light.expired");
}

#[test]
fn levels_below_a_third_or_above_all_do_not_exist() {
    for (numerator, denominator) in [(0, 1), (1, 4), (3, 2), (0, 0), (1, 0), (333, 1_000)] {
        assert_eq!(TrustLevel::new(numerator, denominator), None);
    }
    for (numerator, denominator) in [(1, 3), (2, 3), (1, 1), (u16::MAX, u16::MAX)] {
        assert!(TrustLevel::new(numerator, denominator).is_some());
    }
}

#[test]
fn a_value_is_proven_by_the_header_after_its_block_and_by_no_other() {
    let (key, value) = (b"key".to_vec(), b"value".to_vec());
    let leaf = tree::Entry {
        key_hash: tree::key_hash(&key),
        value_hash: sha256(&value),
    };
    let roots = [
        (Tree::Contract, tree::EMPTY),
        (Tree::Ibc, tree::EMPTY),
        (Tree::Native, leaf.hash()),
    ];
    let siblings = Vec::new();
    let entry = Entry::Present(Present {
        key: key.clone(),
        value: value.clone(),
        siblings,
    });
    let proof = StoreProof::new(&entry, Tree::Native, &roots);
    let chain = Chain::new("value", 30, 1_000);
    let app_hash = merkle::app_hash(&roots);
    let block = chain.changed(20, |header| header.app_hash = app_hash.to_vec());
    let header = chain.genesis.step(&block, &Terms::WITHOUT_CLOCK).unwrap();
    let proven = header
        .verify(Tree::Native, &key, Some(&value), &proof)
        .unwrap();
    assert_eq!(proven.value, Some(value.clone()));
    let before = trusted_at(&chain, 19);
    for other in [&before, &chain.genesis] {
        let verdict = other.verify(Tree::Native, &key, Some(&value), &proof);
        assert_eq!(verdict.unwrap_err(), Error::Root);
    }
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_a_light_block_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
        let _ = LightBlock::decode(&bytes);
    }

    #[test]
    fn a_changed_bit_of_a_light_block_is_refused_or_says_the_same(at: usize, bit in 0u8..8) {
        let good = recorded(24);
        let mut bytes = good.encode();
        let at = at % bytes.len();
        bytes[at] ^= 1 << bit;
        let verdict = LightBlock::decode(&bytes).and_then(|block| trusted(21).step(&block, &Terms::WITHOUT_CLOCK));
        let expected = trusted(21).step(&good, &Terms::WITHOUT_CLOCK).unwrap();
        proptest::prop_assert!(verdict.is_err() || verdict == Ok(expected));
    }
}
