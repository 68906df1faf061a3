//! What `open` gives away (docs/adr/0027): a simulation has no signature, so whoever reaches a node has calls run as whomever he names, and opens what is
//! answered. Nothing that a contract keeps is kept from him.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use strongroom_chain::modules::SimulationPolicy;
use strongroom_crypto::TxKey;
use strongroom_sdk::message::{Binding, Sealer, Target};
use strongroom_testkit::call::executed;
use strongroom_testkit::{Chain, Code, Contract, Options, User, contract};
use strongroom_types::proto::secret::compute::v1beta1::{MsgExecuteContract, MsgMigrateContract};
use strongroom_types::proto::{Any, Message as _, pack};
use strongroom_types::{ExecTxResult, Hash};

/// A stranger, who has sent one transaction that stored a code and one that made a contract of it.
struct Stranger {
    sealer: Sealer,
    public_key: [u8; 33],
    code: Code,
    reader: Contract,
}

struct Scene {
    chain: Chain,
    victim: User,
    stranger: Stranger,
}

impl Scene {
    fn new(simulation: SimulationPolicy) -> Self {
        let mut chain = Chain::with(Options {
            simulation,
            ..Options::default()
        });
        let (victim, user) = (chain.user("a"), chain.user("b"));
        let code = chain.store_code(&user, contract("probe")).unwrap();
        let reader = chain.instantiate(&user, &code, "reader", &json!({}));
        let stranger = Stranger {
            sealer: Sealer::new([3; 32], *chain.network_key()),
            public_key: user.account().public_key(),
            code,
            reader: reader.unwrap(),
        };
        Self {
            chain,
            victim,
            stranger,
        }
    }

    /// A message in the victim's name, bound to it, that the stranger has sealed.
    fn sealed(&self, target: Target<'_>, code_hash: &Hash, message: &Value) -> (Vec<u8>, TxKey) {
        let binding = Binding {
            chain_id: &self.chain.options().chain_id,
            sender: self.victim.address().as_bytes(),
            target,
        };
        let message = message.to_string();
        let sealer = &self.stranger.sealer;
        let sealed = sealer.seal_bound(&binding, code_hash, message.as_bytes());
        let sealed = sealed.unwrap();
        (sealed.wire, sealed.key)
    }

    fn call(&self, contract: &Contract, message: &Value) -> (Any, TxKey) {
        let address = contract.address.as_bytes();
        let (msg, key) = self.sealed(Target::Execute(address), &contract.code_hash, message);
        let call = MsgExecuteContract {
            sender: self.victim.address().as_bytes().to_vec(),
            contract: address.to_vec(),
            msg,
            ..MsgExecuteContract::default()
        };
        (pack(&call), key)
    }

    /// What the stranger's contract is told when it asks another.
    fn asks(&self, contract: &Contract, question: &Value) -> (Any, TxKey) {
        let callee = json!({
            "address": contract.address.to_string(),
            "code_hash": hex::encode(contract.code_hash),
        });
        let msg = STANDARD.encode(question.to_string());
        let ask = json!({ "ask": { "callee": callee, "msg": msg } });
        self.call(&self.stranger.reader, &ask)
    }

    /// Simulates these messages, in the victim's name and without its key; opens what the last one answers.
    fn simulated(&self, messages: Vec<(Any, TxKey)>) -> Result<Value, String> {
        let (_, sequence) = self.chain.account(self.victim.address()).unwrap();
        let key = messages.last().unwrap().1.clone();
        let mut tx = self.chain.tx();
        for (message, _) in messages {
            tx = tx.any(message);
        }
        let tx = tx.unsigned(&self.stranger.public_key, sequence);
        let told = self.chain.simulate(&tx.for_simulation());
        let told = told.map_err(|error| error.grpc().1)?.result.unwrap();
        // As that of a transaction of the last message alone.
        let mut data = strongroom_types::proto::cosmos::base::abci::v1beta1::TxMsgData::decode(
            told.data.as_slice(),
        )
        .unwrap();
        data.msg_responses.drain(..data.msg_responses.len() - 1);
        let result = ExecTxResult {
            data: data.encode_to_vec(),
            ..ExecTxResult::default()
        };
        Ok(executed(&result, &key).unwrap().json())
    }
}

/// The victim's tokens: a viewing key of the stranger's choice is set and used in one breath.
fn balance(scene: &mut Scene) -> Result<Value, String> {
    let victim = scene.victim.clone();
    let code = scene.chain.store_code(&victim, contract("token")).unwrap();
    let address = victim.address().to_string();
    let init = json!({
        "name": "Secret Example", "symbol": "SEXM", "decimals": 6, "prng_seed": "ZGljZQ==",
        "initial_balances": [{ "address": address, "amount": "4711" }],
    });
    let token = scene.chain.instantiate(&victim, &code, "token", &init);
    let token = token.unwrap();
    let set = scene.call(&token, &json!({ "set_viewing_key": { "key": "x" } }));
    let question = json!({ "balance": { "address": address, "key": "x" } });
    scene.simulated(vec![set, scene.asks(&token, &question)])
}

/// Whatever a contract with an admin keeps: the stranger gives it code that tells.
fn kept(scene: &mut Scene) -> Result<Value, String> {
    let victim = scene.victim.clone();
    let admin = victim.address().to_string();
    let code = scene
        .chain
        .store_code(&victim, contract("counter"))
        .unwrap();
    let begin = json!({ "count": 42 });
    let counter = scene
        .chain
        .instantiate_for(&victim, &code, "counter", &begin, &admin);
    let counter = counter.unwrap();
    let Code { id, hash } = scene.stranger.code;
    let target = Target::Migrate {
        contract: counter.address.as_bytes(),
        code_id: id,
    };
    let (msg, key) = scene.sealed(target, &hash, &json!({ "note": "mine" }));
    let migration = MsgMigrateContract {
        sender: admin,
        contract: counter.address.to_string(),
        code_id: id,
        msg,
        ..MsgMigrateContract::default()
    };
    let now = Contract {
        code_hash: hash,
        ..counter
    };
    let read = scene.asks(&now, &json!({ "read": { "key": "\0\0\0\u{7}counter" } }));
    scene.simulated(vec![(pack(&migration), key), read])
}

#[test]
fn where_calls_are_simulated_a_stranger_reads_what_contracts_keep_in_the_name_of_others() {
    let mut open = Scene::new(SimulationPolicy::Open);
    let before = open.chain.app_hash();
    assert_eq!(
        balance(&mut open),
        Ok(json!({ "balance": { "amount": "4711" } }))
    );
    let counter = kept(&mut open).unwrap();
    let value: Value = serde_json::from_str(counter["value"].as_str().unwrap()).unwrap();
    assert_eq!(value["count"], 42);
    // Of that, nothing is on the chain but what the victim sent.
    assert_ne!(open.chain.app_hash(), before);
    let sequence = open.chain.account(open.victim.address()).unwrap().1;
    assert_eq!(sequence, 4);

    let mut off = Scene::new(SimulationPolicy::Off);
    for refused in [balance(&mut off), kept(&mut off)] {
        let refused = refused.unwrap_err();
        assert!(
            refused.contains("failed to verify transaction signature"),
            "{refused}"
        );
    }
}
