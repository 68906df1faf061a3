//! Messages that are bound to their sender, and what happens to those that are not (docs/spec/contracts.md, "Bound messages").

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use strongroom_testkit::call::Sealed;
use strongroom_testkit::call::executed;
use strongroom_testkit::{Chain, Contract, Executed, Refused, User, contract};
use strongroom_types::proto::secret::compute::v1beta1::MsgExecuteContract;

struct Scene {
    chain: Chain,
    alice: User,
    mallory: User,
    open: Contract,
    strict: Contract,
}

impl Scene {
    fn new() -> Self {
        let mut chain = Chain::new();
        let (alice, mallory) = (chain.user("a"), chain.user("b"));
        let code = chain.store_code(&alice, contract("vault")).unwrap();
        let mut vault = |label: &str, only_bound: bool| {
            let begin = json!({ "only_bound": only_bound });
            chain.instantiate(&alice, &code, label, &begin).unwrap()
        };
        let (open, strict) = (vault("open", false), vault("strict", true));
        Self {
            chain,
            alice,
            mallory,
            open,
            strict,
        }
    }

    /// Sends a message as it is, in this sender's transaction to this contract.
    fn send(
        &mut self,
        sender: &User,
        vault: &Contract,
        sealed: &Sealed<MsgExecuteContract>,
    ) -> Result<Executed, Refused> {
        let message = MsgExecuteContract {
            sender: sender.address().as_bytes().to_vec(),
            contract: vault.address.as_bytes().to_vec(),
            ..sealed.message.clone()
        };
        let tx = self.chain.tx().message(&message);
        let tx = self.chain.sign(sender, &tx);
        executed(&self.chain.block(vec![tx])[0], &sealed.key)
    }

    /// What a vault shows its owner, by a permit.
    fn text(&mut self, owner: &User, vault: &Contract) -> Value {
        let query = with_permit(owner, vault);
        let answer: Value = self.chain.query(vault, &query).unwrap();
        answer["text"].clone()
    }
}

fn put(text: &str) -> Value {
    json!({ "put": { "name": "n", "text": text } })
}

fn with_permit(owner: &User, vault: &Contract) -> Value {
    let vault = vault.address.to_string();
    let document = format!(
        concat!(
            r#"{{"account_number":"0","chain_id":"any","fee":{{"amount":[{{"amount":"0","denom":"uscrt"}}],"gas":"1"}},"memo":"","#,
            r#""msgs":[{{"type":"query_permit","value":{{"allowed_tokens":["{}"],"permissions":["texts"],"permit_name":"p"}}}}],"sequence":"0"}}"#
        ),
        vault
    );
    let signature = owner.account().sign(document.as_bytes()).unwrap();
    let key = STANDARD.encode(owner.account().public_key());
    let permit = json!({
        "params": { "permit_name": "p", "allowed_tokens": [vault], "chain_id": "any", "permissions": ["texts"] },
        "signature": {
            "pub_key": { "type": "tendermint/PubKeySecp256k1", "value": key },
            "signature": STANDARD.encode(signature),
        },
    });
    json!({ "with_permit": { "permit": permit, "query": { "get": { "name": "n" } } } })
}

const REFUSED: &str = "failed to validate transaction";

#[test]
fn a_copied_message_gives_its_secret_to_whoever_sends_it_again() {
    let mut s = Scene::new();
    let (alice, mallory, vault) = (s.alice.clone(), s.mallory.clone(), s.open.clone());
    let sealed = s.chain.message(&alice, &vault, &put("my secret"));
    // Mallory sees ciphertext in the mempool, and needs no more.
    s.send(&mallory, &vault, &sealed).unwrap();
    assert_eq!(s.text(&mallory, &vault), "my secret");
}

#[test]
fn a_bound_message_that_is_copied_is_refused_and_its_owner_still_sends_it() {
    let mut s = Scene::new();
    let (alice, mallory) = (s.alice.clone(), s.mallory.clone());
    for vault in [s.open.clone(), s.strict.clone()] {
        let sealed = s.chain.bound_message(&alice, &vault, &put("my secret"));
        let refused = s.send(&mallory, &vault, &sealed).unwrap_err();
        assert!(refused.text.contains(REFUSED), "{refused}");
        assert_eq!(s.text(&mallory, &vault), Value::Null);
        s.send(&alice, &vault, &sealed).unwrap();
        assert_eq!(s.text(&alice, &vault), "my secret");
    }
}

#[test]
fn a_bound_message_is_for_one_contract() {
    let mut s = Scene::new();
    let (alice, open, strict) = (s.alice.clone(), s.open.clone(), s.strict.clone());
    let sealed = s.chain.bound_message(&alice, &open, &put("elsewhere"));
    // Of the same code, so that the code hash does not tell them apart.
    let refused = s.send(&alice, &strict, &sealed).unwrap_err();
    assert!(refused.text.contains(REFUSED), "{refused}");
}

#[test]
fn a_contract_can_refuse_messages_that_are_not_bound() {
    let mut s = Scene::new();
    let (alice, strict) = (s.alice.clone(), s.strict.clone());
    let refused = s
        .chain
        .execute(&alice, &strict, &put("unbound"))
        .unwrap_err();
    assert!(refused.text.contains("Bind this message"), "{refused}");
    let sealed = s.chain.bound_message(&alice, &strict, &put("bound"));
    s.send(&alice, &strict, &sealed).unwrap();
    assert_eq!(s.text(&alice, &strict), "bound");
}

#[test]
fn a_revoked_permit_opens_nothing_more() {
    let mut s = Scene::new();
    let (alice, open) = (s.alice.clone(), s.open.clone());
    s.chain.execute(&alice, &open, &put("text")).unwrap();
    assert_eq!(s.text(&alice, &open), "text");
    let revoke = json!({ "revoke_permit": { "permit_name": "p" } });
    s.chain.execute(&alice, &open, &revoke).unwrap();
    let answer = s.chain.query::<Value>(&open, &with_permit(&alice, &open));
    assert!(answer.unwrap_err().text.contains("was revoked"));
}
