//! CheckTx of a node, as its mempool and CometBFT ask for it.

use strongroom_chain::BlockInfo;
use strongroom_comet_rpc::mempool::{CheckKind, Checker as _};
use strongroom_testkit::Chain;
use strongroom_types::proto::cosmos::bank::v1beta1::MsgSend;
use strongroom_types::proto::cosmos::base::v1beta1::Coin;
use strongroom_types::{Address, WriteSet};

#[test]
fn a_state_that_cannot_be_read_for_a_moment_refuses_nothing_for_good_and_drops_nothing() {
    let mut chain = Chain::new();
    chain.block(Vec::new());
    let user = chain.user("a");
    let send = MsgSend {
        from_address: user.address().to_string(),
        to_address: Address::of_module("somebody").to_string(),
        amount: vec![Coin {
            denom: "uscrt".to_owned(),
            amount: "1".to_owned(),
        }],
    };
    let tx = chain.tx().message(&send);
    let [first, second] = [(), ()].map(|()| chain.sign(&user, &tx));
    let host = chain.host();
    let there = host.head();
    let nowhere = BlockInfo {
        height: there.height + 1_000,
        ..there.clone()
    };
    let checked = |tx: &[u8], kind| {
        let answer = host.check_in_share(tx, kind);
        (answer.code, answer.codespace)
    };
    let (passes, full) = ((0, String::new()), (20, "sdk".to_owned()));
    // A height whose state the store does not have.
    host.publish(nowhere.clone());
    for kind in [CheckKind::New, CheckKind::Recheck, CheckKind::Probe] {
        assert_eq!(host.check_tx(&first, kind, 0), None, "{kind:?}");
    }
    assert_eq!(checked(&first, CheckKind::New), full);
    // What waits in CometBFT's mempool goes on waiting.
    assert_eq!(checked(&first, CheckKind::Recheck), passes);
    // Now it could be read again: the second would have a wrong sequence, since the first is not pending.
    host.publish_writes(there.clone(), &WriteSet::default(), &[]);
    assert_eq!(checked(&second, CheckKind::Recheck), passes);
    assert_eq!(checked(&second, CheckKind::New), full);
    // After the next block all of it is checked again, in order.
    host.publish(there);
    assert_eq!(checked(&first, CheckKind::Recheck), passes);
    assert_eq!(checked(&second, CheckKind::Recheck), passes);
    assert_eq!(checked(&second, CheckKind::New), (32, "sdk".to_owned()));
}
