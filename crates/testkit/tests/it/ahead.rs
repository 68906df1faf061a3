//! Blocks that run while the one before is made durable.

use serde_json::json;
use strongroom_testkit::{Chain, Contract};
use strongroom_types::proto::secret::compute::v1beta1::{MsgInstantiateContract, MsgStoreCode};
use strongroom_types::sha256;

fn puppet(more: &str) -> Vec<u8> {
    const PUPPET: &str = include_str!("../../../../contracts/puppet.wat");
    let (module, _) = PUPPET.rsplit_once(')').unwrap();
    wat::parse_str(format!("{module}{more})")).unwrap()
}

/// A puppet of 32 MiB weight, as in the chain's own tests.
fn heavy(n: usize) -> Vec<u8> {
    let table = format!(
        "(func (block (br_table {}(i32.const 0))))",
        "0 ".repeat(4_000)
    );
    let number = format!(r#"(data (i32.const 0x400000) "{n:04}")"#);
    puppet(&format!("{}{number}", table.repeat(250)))
}

#[test]
fn code_that_the_block_before_stored_and_the_cache_forgot_ends_no_node() {
    let mut chain = Chain::new();
    let (a, b) = (chain.user("a"), chain.user("b"));
    // Its hash is the last: content is written in order of hash.
    let wasm = (0..).map(|n: u32| puppet(&format!(r#"(data (i32.const 0x400000) "{n:08}")"#)));
    let wasm = wasm
        .into_iter()
        .find(|wasm| sha256(wasm)[0] >= 0xfa)
        .unwrap();
    let hash = sha256(&wasm);
    let store = |user: &strongroom_testkit::User, wasm: Vec<u8>| MsgStoreCode {
        sender: user.address().as_bytes().to_vec(),
        wasm_byte_code: wasm,
        ..MsgStoreCode::default()
    };
    let (init_msg, _) = chain.seal(
        &a,
        &hash,
        &json!({"Ok": {"messages": [], "attributes": [], "events": [], "data": null}}),
    );
    let new = MsgInstantiateContract {
        sender: a.address().as_bytes().to_vec(),
        code_id: 1,
        label: String::from("new"),
        init_msg,
        ..MsgInstantiateContract::default()
    };
    let mut first = Vec::new();
    let tx = chain.tx().message(&store(&a, wasm)).message(&new);
    first.push(chain.sign(&a, &tx));
    for n in 0..3 {
        let tx = chain.tx().message(&store(&b, heavy(n)));
        first.push(chain.sign(&b, &tx));
    }
    let second = chain.two(first, |chain, results| {
        for result in results {
            assert_eq!(result.code, 0, "{}", result.log);
        }
        let mut all = results[0].events.iter().flat_map(|e| &e.attributes);
        let address = all.find(|at| at.key == "contract_address").unwrap();
        let contract = Contract {
            address: address.value.parse().unwrap(),
            code_hash: hash,
        };
        let call = chain.message(
            &a,
            &contract,
            &json!({"Ok": {"messages": [], "attributes": [], "events": [], "data": null}}),
        );
        // The state that is committed does not know of the first block yet.
        let (number, sequence) = chain.account(a.address()).unwrap();
        let tx = chain.tx().message(&call.message).gas(1_000_000);
        vec![tx.sign(a.account(), number, sequence + 1).unwrap()]
    });
    let second = second.unwrap();
    assert_eq!(second[0].code, 0, "{}", second[0].log);
}
