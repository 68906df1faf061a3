//! What passes the check is paid when its block comes.

use super::*;

/// One fee in each period of so many seconds; the next begins at 60.
fn periodic(seconds: i64) -> Any {
    pack(&pb::PeriodicAllowance {
        basic: Some(basic(0, None)),
        period: Some(Duration { seconds, nanos: 0 }),
        period_spend_limit: coins(FEE),
        period_can_spend: coins(FEE),
        period_reset: Some(PbTime {
            seconds: 1_700_000_000 + 60,
            nanos: 0,
        }),
    })
}

#[test]
fn a_transaction_that_waits_needs_an_allowance_that_lasts_beyond_the_next_block() {
    let mut chain = Chain::new(2);
    granted(&mut chain, pack(&basic(0, Some(1_700_000_000 + 60))));
    let paid = paid_by_granter(&chain).signed(&[&chain.users[1]]);
    // Blocks here are some nanoseconds late.
    chain.clock = 59 - CHECK_MARGIN_S;
    assert_eq!(chain.check(&paid), None);
    chain.pending.reset();
    chain.clock += 1;
    let (codespace, code, _) = chain.check(&paid).expect("it passes");
    assert_eq!((codespace.as_str(), code), ("feegrant", 3));
    // A block takes it to the last moment.
    chain.clock = 59;
    assert_eq!(chain.block(&[paid]).tx_results[0].code, 0);
}

#[test]
fn one_period_pays_for_all_that_waits_however_long_it_waits() {
    for nested in [false, true] {
        let mut chain = Chain::new(2);
        let allowance = periodic(1);
        granted(
            &mut chain,
            if nested {
                allowed(allowance, &[SEND])
            } else {
                allowance
            },
        );
        let draft = paid_by_granter(&chain);
        let mut passed = Vec::new();
        // No block between; the first is before the period's end.
        for clock in [59, 61, 63, 65] {
            chain.clock = clock;
            let tx = draft.signed(&[&chain.users[1]]);
            if chain.check(&tx).is_none() {
                passed.push(tx);
                chain.users[1].sequence += 1;
            }
        }
        assert_eq!(passed.len(), 1);
        chain.clock = 66;
        assert!(chain.block(&passed).tx_results.iter().all(|r| r.code == 0));
        // What the block left is where the next begins.
        chain.clock = 68;
        let tx = draft.signed(&[&chain.users[1]]);
        assert_eq!(chain.check(&tx), None);
        assert_eq!(chain.block(&[tx]).tx_results[0].code, 0);
    }
}

#[test]
fn a_period_that_has_not_begun_pays_for_nothing_that_waits() {
    let mut chain = Chain::new(2);
    granted(&mut chain, periodic(60));
    let draft = paid_by_granter(&chain);
    assert_eq!(run(&mut chain, 1, &draft).code, 0);
    // A block could be made before the next period begins, and nobody would pay.
    let paid = draft.signed(&[&chain.users[1]]);
    chain.clock = 59;
    assert_eq!(chain.check(&paid).map(|refused| refused.1), Some(2));
    chain.clock = 61;
    assert_eq!(chain.check(&paid), None);
    assert_eq!(chain.block(&[paid]).tx_results[0].code, 0);
}
