//! Messages whose sender is told how they ended.

mod failures;
mod limits;
mod told;

use super::world::{Code, Done, World, b64};
use crate::types::Address;
use crate::types::proto::cosmos::base::abci::v1beta1::TxMsgData;
use crate::types::proto::{Message as _, secret::compute::v1beta1 as pb};

const REFUSES: &str = r#"{"Err":"say \"no\" now"}"#;

fn prefixed(depth: usize, text: &str) -> String {
    format!("{}{text}", "dispatch: submessages: ".repeat(depth))
}

/// What an error that no contract may see is told as.
fn redacted(space: &str, code: u32) -> String {
    format!(
        "the error was redacted (codespace: {space}, code: {code}). \
         For more info use latest localsecret and reproduce the issue"
    )
}

/// A response with this data.
fn with_data(response: &str, data: &str) -> String {
    response.replace(r#""data":null"#, &format!(r#""data":"{}""#, b64(data)))
}

/// Lets the puppet do `msg` when it is told of message `id`.
fn on(world: &mut World, contract: &Address, code: &Code, id: u8, msg: &str) {
    world.execute(contract, code, &format!("={id}{msg}")).ok();
}

fn told(world: &World, contract: &Address, id: u8) -> Option<String> {
    world.kept(contract, &format!("told{id}"))
}

/// The data of the first message, opened.
fn data(done: &Done) -> Option<String> {
    let data = TxMsgData::decode(done.result.data.as_slice()).unwrap();
    let response = data.msg_responses[0].value.as_slice();
    let sealed = pb::MsgExecuteContractResponse::decode(response)
        .unwrap()
        .data;
    (!sealed.is_empty())
        .then(|| String::from_utf8(done.key.open_data(&sealed).unwrap().to_vec()).unwrap())
}

fn bank(to: &str, uscrt: &str) -> String {
    let coin = format!(r#"{{"denom":"uscrt","amount":"{uscrt}"}}"#);
    format!(r#"{{"bank":{{"send":{{"to_address":"{to}","amount":[{coin}]}}}}}}"#)
}
