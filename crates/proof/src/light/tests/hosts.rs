//! A host that lies about a decided block.

use super::*;
use strongroom_types::RawTx;

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
    assert_eq!(
        refused(1, &|b, _| b.txs[0] =
            RawTx::from([&b.txs[0][..], &[0]].concat())),
        "light.data_hash"
    );
    assert_eq!(refused(1, &|b, _| b.txs.clear()), "light.data_hash");
    assert_eq!(
        refused(1, &|b, _| b.txs.push(RawTx::from(vec![]))),
        "light.data_hash"
    );
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
        refused(&|b| b.txs = vec![RawTx::from(vec![]); BLOCK_TXS_MAX + 1]),
        "number of transactions"
    );
    assert_eq!(
        refused(&|b| b.txs = RawTx::list([vec![0; BLOCK_BYTES_MAX], vec![0]])),
        "transactions"
    );
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
