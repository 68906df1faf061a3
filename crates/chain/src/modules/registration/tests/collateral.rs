//! Collateral of a real vendor on the chain: Intel's list of authorities that it took back, as it published it in 2023 and 2025.

use super::*;
use crate::attest::Item;
use crate::genesis::{export, init_chain};
use crate::modules::registration::state::{COLLATERAL, CollateralRecord};
use crate::testing::MemoryState;

/// Valid from 2023-04-03 to 2024-04-02.
const OLD: &str = "\
308201213081c8020101300a06082a8648ce3d0403023068311a301806035504030c11496e74656c2053475820526f6f74204341311a30\
18060355040a0c11496e74656c20436f72706f726174696f6e3114301206035504070c0b53616e746120436c617261310b300906035504\
080c024341310b3009060355040613025553170d3233303430333130323235315a170d3234303430323130323235315aa02f302d300a06\
03551d140403020101301f0603551d2304183016801422650cd65a9d3489f383b49552bf501b392706ac300a06082a8648ce3d04030203\
48003045022051577d47d9fba157b65f1eb5f4657bbc5e56ccaf735a03f1b963d704805ab118022100939015ec1636e7eafa5f426c1e40\
2647c673132b6850cabd68cef6bad7682a03";
/// Valid from 2025-03-20 to 2026-04-03.
const NEW: &str = "\
308201203081c8020101300a06082a8648ce3d0403023068311a301806035504030c11496e74656c2053475820526f6f74204341311a30\
18060355040a0c11496e74656c20436f72706f726174696f6e3114301206035504070c0b53616e746120436c617261310b300906035504\
080c024341310b3009060355040613025553170d3235303332303131323135375a170d3236303430333131323135375aa02f302d300a06\
03551d140403020101301f0603551d2304183016801422650cd65a9d3489f383b49552bf501b392706ac300a06082a8648ce3d04030203\
47003044022030c9fce1438da0a94e4fffdd46c9650e393be6e5a7862d4e4e73527932d04af302206539efe3f734c3d7df20d9dfc4630e\
1c7ff0439a0f8ece101f15b5eaff9b4f33";
/// Seconds from the tests' beginning (November 2023) to June 2025.
const TO_2025: i64 = 50_000_000;
const ID: &str = "intel/root_crl";

fn item(der: &str) -> Vec<u8> {
    Item::IntelRootCrl(hex::decode(der).unwrap()).encode()
}

fn submit(chain: &Chain, item: Vec<u8>) -> Any {
    pack(&pb::MsgSubmitCollateral {
        submitter: user(chain, 1).to_string(),
        collateral: item,
    })
}

fn there(chain: &Chain) -> Option<CollateralRecord> {
    chain.read(|ctx| COLLATERAL.get(ctx, &ID).unwrap())
}

/// How an item is refused.
#[track_caller]
fn refused(chain: &mut Chain, item: Vec<u8>) -> String {
    let message = submit(chain, item);
    let (codespace, code, text) = failed(chain, 1, message);
    assert_eq!((codespace.as_str(), code), ("register", 107), "{text}");
    text
}

#[test]
fn collateral_is_taken_from_anybody_and_never_rolled_back() {
    let mut chain = chain(2);
    assert!(refused(&mut chain, item(NEW)).contains("attest.not_yet_valid"));
    let message = submit(&chain, item(OLD));
    let result = done(&mut chain, 1, message);
    assert!(result.events.iter().any(|e| e.kind == "submit_collateral"));
    assert_eq!(there(&chain).unwrap().item, item(OLD));
    assert!(refused(&mut chain, item(OLD)).contains("attest.not_newer"));
    chain.clock += TO_2025;
    let message = submit(&chain, item(NEW));
    done(&mut chain, 1, message);
    let record = there(&chain).unwrap();
    assert_eq!((record.item, record.height), (item(NEW), chain.height));
    assert!(refused(&mut chain, item(OLD)).contains("attest.not_newer"));
    let list: pb::QueryCollateralsResponse = chain
        .query(
            "/strongroom.registration.v1.Query/Collaterals",
            &pb::QueryCollateralsRequest::default(),
        )
        .unwrap();
    assert_eq!(list.collaterals.len(), 1);
    assert_eq!(list.collaterals[0].collateral_id, ID);
}

#[test]
fn collateral_that_is_over_or_changed_is_refused() {
    let mut chain = chain(2);
    let der = hex::decode(OLD).unwrap();
    for at in [der.len() / 2, der.len() - 1] {
        let mut forged = der.clone();
        forged[at] ^= 1;
        refused(&mut chain, Item::IntelRootCrl(forged).encode());
    }
    chain.clock += TO_2025;
    assert!(refused(&mut chain, item(OLD)).contains("attest.expired"));
    assert_eq!(there(&chain), None);
}

#[test]
fn collateral_is_exported_and_imported_as_long_as_it_is_good() {
    let mut chain = chain(2);
    let message = submit(&chain, item(OLD));
    done(&mut chain, 1, message);
    let import = |chain: &Chain| {
        let document = export(&chain.state, [], chain.env(), &chain.info()).unwrap();
        let init = init_chain(&document.to_bytes().unwrap(), chain.env()).unwrap();
        let mut state = MemoryState::default();
        state.apply(&init.writes);
        state
    };
    assert!(import(&chain).0 == chain.state.0, "another root");
    chain.clock += TO_2025;
    assert!(
        import(&chain).0.len() < chain.state.0.len(),
        "what is over stays behind"
    );
}
