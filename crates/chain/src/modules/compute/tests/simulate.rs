//! Estimates of uploads: right, and for nearly nothing.

use super::super::gas;
use super::super::state::CODES;
use super::puppet;
use super::world::{World, zip};
use crate::check::{Simulated, simulate};
use crate::overlay::Overlay;
use crate::query::QueryStop;
use crate::testing::{block_info, draft};
use crate::types::proto::secret::compute::v1beta1::{
    MsgStoreCode, MsgStoreCodeResponse as StoreCodeResponse,
};
use crate::types::proto::{Any, Message as _, pack};

const GAS: u64 = 50_000_000;

fn upload(world: &World, wasm_byte_code: Vec<u8>) -> Any {
    pack(&MsgStoreCode {
        sender: world.users[0].address.as_bytes().to_vec(),
        wasm_byte_code,
        ..Default::default()
    })
}

fn simulated(world: &World, tx: &[u8]) -> Result<Simulated, String> {
    let block = block_info(world.height);
    let answer = simulate(&world.state, Overlay::default(), world.env(), &block, tx);
    answer.map_err(|stop| match stop {
        QueryStop::Error(e) => e.grpc().1,
        QueryStop::Fault(fault) => panic!("{fault}"),
    })
}

#[test]
fn a_simulated_upload_costs_what_the_delivered_one_costs_zipped_or_not() {
    let mut world = World::new();
    let wasm = puppet::wasm("");
    for code in [wasm.clone(), zip(&wasm)] {
        let any = upload(&world, code);
        let tx = world.sign(vec![any], GAS);
        let estimate = simulated(&world, &tx).unwrap();
        let result = world.block(&[tx]).tx_results.remove(0);
        assert_eq!(result.code, 0, "{}", result.log);
        // A module so small weighs more than its bytes pay for, which only loading tells.
        let id = StoreCodeResponse::decode(&*estimate.responses[0].value)
            .unwrap()
            .code_id;
        let code = world.read(|ctx| CODES.get(ctx, &id).unwrap().unwrap().into_code());
        let odd = gas::odd(u64::try_from(wasm.len()).unwrap(), code.weight);
        let used = u64::try_from(result.gas_used).unwrap();
        assert_eq!(estimate.gas_used + odd, used);
        assert_eq!(estimate.data, result.data);
    }
}

#[test]
fn a_simulation_unzips_and_prepares_nothing_so_that_fifty_uploads_cost_no_more_than_their_bytes() {
    let mut world = World::new();
    // What only unzipping or preparing could find wrong is not found: the delivery will.
    let mut broken = zip(b"no module at all");
    broken[12] ^= 0xff;
    let any = upload(&world, broken);
    let tx = draft(vec![any; 50]);
    let tx = {
        let mut tx = tx;
        tx.fee.gas_limit = GAS;
        tx.signed(&[&world.users[0]])
    };
    assert!(simulated(&world, &tx).is_ok());
    let delivered = world.block(&[tx]).tx_results.remove(0);
    assert!(
        delivered.log.contains("create contract failed"),
        "{}",
        delivered.log
    );
}

#[test]
fn an_upload_of_a_length_that_no_code_has_is_estimated_as_the_longest() {
    let mut world = World::new();
    let estimate = |world: &mut World, code: Vec<u8>| {
        let any = upload(world, code);
        let tx = world.sign(vec![any], GAS);
        world.users[0].sequence -= 1;
        simulated(world, &tx).unwrap().gas_used
    };
    let bomb = zip(&vec![0; 8 << 20]);
    let mut longest = bomb.clone();
    let at = longest.len() - 4;
    longest[at..].copy_from_slice(&(2_u32 << 20).to_le_bytes());
    assert_eq!(estimate(&mut world, bomb), estimate(&mut world, longest));
}
