//! The messages of a tangle: each of what those before it in the block may have made, changed or spent.

use super::{NOTES, SENDERS, Tangle};
use crate::call::Contract;
use crate::fuzz::messages::zip;
use crate::genesis::ACCOUNT_BALANCE;
use crate::wasm::puppet;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use strongroom_chain::genesis::DENOM;
use strongroom_chain::modules::compute::state::contract_address;
use strongroom_types::proto::cosmos::bank::v1beta1::MsgSend;
use strongroom_types::proto::cosmos::base::v1beta1::Coin;
use strongroom_types::proto::cosmos::feegrant::v1beta1::{
    BasicAllowance, MsgGrantAllowance, MsgRevokeAllowance,
};
use strongroom_types::proto::secret::compute::v1beta1::{
    MsgExecuteContract, MsgInstantiateContract, MsgMigrateContract, MsgStoreCode, MsgUpdateAdmin,
    MsgUpdateParams, Params,
};
use strongroom_types::proto::{Any, pack};
use strongroom_types::{Address, Gas, Hash, sha256};

impl Tangle {
    pub(super) fn message(&mut self, from: usize) -> (Any, Gas) {
        match self.rng.below(23) {
            0 | 1 => (self.upload(from), 200_000),
            2..=4 => (self.instantiation(from), 300_000),
            5..=9 => (self.call_of_a_puppet(from), 600_000),
            10 | 11 => (self.migration(from), 300_000),
            12..=14 => {
                let told = self.told_to_stock();
                let stock = self.stock.clone();
                (
                    self.call(from, &stock, told.to_string().as_bytes()),
                    900_000,
                )
            }
            15..=17 => {
                let told = self.told_to_probe();
                let probe = self.probe.clone();
                let call = self.call(from, &probe, told.to_string().as_bytes());
                (call, 300_000)
            }
            18 | 19 => (self.payment(from), 60_000),
            20 => (self.allowance(from), 60_000),
            // As much gas as it has: a few of them end the block.
            21 => {
                let (probe, told) = (self.probe.clone(), json!({"spin": {"rounds": u64::MAX}}));
                (
                    self.call(from, &probe, told.to_string().as_bytes()),
                    2_000_000,
                )
            }
            _ => (self.administration(from), 100_000),
        }
    }

    /// A code that gets the next number, if all before it are good.
    fn upload(&mut self, from: usize) -> Any {
        let text = format!("(data (i32.const 0x600000) \"{:02x}\")", self.rng.below(40));
        let wasm = puppet(&text);
        self.codes.push((self.next_code, sha256(&wasm)));
        self.next_code += 1;
        let wasm = if self.rng.once_in(2) {
            zip(&wasm)
        } else {
            wasm
        };
        pack(&MsgStoreCode {
            sender: self.senders[from].user.address().as_bytes().to_vec(),
            wasm_byte_code: wasm,
            ..MsgStoreCode::default()
        })
    }

    fn code(&mut self) -> (u64, Hash) {
        match self.codes.is_empty() {
            true => (1, Hash::default()),
            false => self.rng.pick(&self.codes),
        }
    }

    fn instantiation(&mut self, from: usize) -> Any {
        let (code_id, hash) = self.code();
        let creator = self.senders[from].user.address().clone();
        let address = contract_address(code_id, self.next_contract, &creator);
        self.next_contract += 1;
        self.contracts.extend(address.map(|address| Contract {
            address,
            code_hash: hash,
        }));
        let told = self.told(1);
        let admin = if self.rng.once_in(3) { 0 } else { from };
        pack(&MsgInstantiateContract {
            sender: creator.as_bytes().to_vec(),
            code_id,
            init_msg: self.seal(&hash, &told),
            label: format!("label {}", self.rng.below(400)),
            admin: self.address(admin),
            ..MsgInstantiateContract::default()
        })
    }

    fn puppet(&mut self) -> Contract {
        match self.contracts.is_empty() {
            true => self.probe.clone(),
            false => self.rng.pick(&self.contracts),
        }
    }

    fn call(&mut self, from: usize, to: &Contract, told: &[u8]) -> Any {
        let sent_funds = if self.rng.once_in(8) {
            vec![self.coin()]
        } else {
            Vec::new()
        };
        pack(&MsgExecuteContract {
            sender: self.senders[from].user.address().as_bytes().to_vec(),
            contract: to.address.as_bytes().to_vec(),
            msg: self.seal(&to.code_hash, told),
            sent_funds,
            ..MsgExecuteContract::default()
        })
    }

    fn call_of_a_puppet(&mut self, from: usize) -> Any {
        let (to, told) = (self.puppet(), self.told(0));
        self.call(from, &to, &told)
    }

    fn migration(&mut self, from: usize) -> Any {
        let (contract, (code_id, hash)) = (self.puppet(), self.code());
        let told = self.told(1);
        // Whoever calls it afterwards calls the new code, if it came to that.
        if self.rng.once_in(2) {
            let mut all = self.contracts.iter_mut();
            let same = all.find(|c| c.address == contract.address);
            same.into_iter().for_each(|c| c.code_hash = hash);
        }
        pack(&MsgMigrateContract {
            sender: self.address(from),
            contract: contract.address.to_string(),
            code_id,
            msg: self.seal(&hash, &told),
            ..MsgMigrateContract::default()
        })
    }

    /// What a puppet is told.
    fn told(&mut self, depth: usize) -> Vec<u8> {
        match self.rng.below(12) {
            0 => b"r".to_vec(),
            1 => b"s".to_vec(),
            2 => br#"f{"Err":"no"}"#.to_vec(),
            3 => b"p".to_vec(),
            4..=6 => {
                let mut told = vec![self.rng.pick(b"WRD")];
                told.extend((self.rng.below(3) as u32).to_le_bytes());
                told.extend(self.rng.pick(&[0_u32, 1, 64, 3_000]).to_le_bytes());
                told
            }
            7 | 8 => {
                let to = self.puppet();
                let question = STANDARD.encode(self.rng.pick(&["r", "w", "{}"]));
                json!({"wasm": {"smart": {
                    "contract_addr": to.address.to_string(),
                    "code_hash": hex::encode(to.code_hash),
                    "msg": question,
                }}})
                .to_string()
                .into_bytes()
            }
            _ => self.response(depth),
        }
    }

    fn response(&mut self, depth: usize) -> Vec<u8> {
        let count = if depth > 2 { 0 } else { self.rng.below(3) };
        let messages: Vec<Value> = (0..count).map(|_| self.sub_message(depth)).collect();
        json!({"Ok": {"messages": messages, "attributes": [], "events": [], "data": null}})
            .to_string()
            .into_bytes()
    }

    fn sub_message(&mut self, depth: usize) -> Value {
        let to = self.puppet();
        let (address, hash) = (to.address.to_string(), hex::encode(to.code_hash));
        let told = STANDARD.encode(self.told(depth + 1));
        let (code_id, code_hash) = self.code();
        let message = match self.rng.below(6) {
            0 => json!({"wasm": {"instantiate": {
                "code_id": code_id, "code_hash": hex::encode(code_hash), "msg": told,
                "label": format!("label {}", self.rng.below(400)), "send": [], "admin": "",
            }}}),
            1 => json!({"bank": {"send": {
                "to_address": self.one_of(SENDERS),
                "amount": [{"denom": DENOM, "amount": "1"}],
            }}}),
            _ => json!({"wasm": {"execute": {
                "contract_addr": address, "code_hash": hash, "msg": told, "send": [],
            }}}),
        };
        let mode = self.rng.pick(&["never", "always", "error", "success"]);
        json!({"id": self.rng.below(3), "msg": message, "gas_limit": null, "reply_on": mode})
    }

    fn told_to_stock(&mut self) -> Value {
        let from = self.rng.below(NOTES);
        match self.rng.below(8) {
            0..=2 => {
                let to = from + self.rng.pick(&[1, 1, 5, 40]);
                json!({"fill": {"from": from, "to": to, "text": "t".repeat(self.rng.below(90))}})
            }
            3 | 4 => json!({"remove": {"number": from}}),
            5 => json!({"read": {"count": self.rng.below(8)}}),
            _ => json!({"walk": {"count": self.rng.pick(&[1, 9, 60])}}),
        }
    }

    fn told_to_probe(&mut self) -> Value {
        let key = format!("k{}", self.rng.below(4));
        let value = "v".repeat(self.rng.below(70));
        let probe = json!({
            "address": self.probe.address.to_string(),
            "code_hash": hex::encode(self.probe.code_hash),
        });
        let inner = json!({"write_and_fail": {"key": &key, "value": &value}});
        match self.rng.below(9) {
            0..=2 => json!({"write": {"key": key, "value": value}}),
            3 => json!({"remove": {"key": key}}),
            4 => json!({"write_and_fail": {"key": key, "value": value}}),
            5 => {
                let question = json!({"read": {"key": key}}).to_string();
                json!({"ask": {"callee": probe, "msg": STANDARD.encode(question)}})
            }
            6 => json!({"look": {}}),
            7 => {
                json!({"call": {"callee": probe, "msg": STANDARD.encode(inner.to_string()), "funds": []}})
            }
            _ => json!({"spin": {"rounds": self.rng.pick(&[1_000, 100_000, u64::MAX])}}),
        }
    }

    /// Little, or so much that nobody pays it twice.
    fn coin(&mut self) -> Coin {
        let amount = match self.rng.below(4) {
            0 => ACCOUNT_BALANCE / 10 * 6,
            _ => 1 + self.rng.below(1_000) as u128,
        };
        Coin {
            denom: DENOM.to_owned(),
            amount: amount.to_string(),
        }
    }

    fn payment(&mut self, from: usize) -> Any {
        let to = match self.rng.below(4) {
            0 => Address::from_bytes(&[self.rng.below(250) as u8; 20])
                .expect("twenty bytes")
                .to_string(),
            _ => self.one_of(SENDERS),
        };
        pack(&MsgSend {
            from_address: self.address(from),
            to_address: to,
            amount: vec![self.coin()],
        })
    }

    fn allowance(&mut self, from: usize) -> Any {
        let (granter, grantee) = (self.address(from), self.one_of(4));
        if self.rng.once_in(3) {
            return pack(&MsgRevokeAllowance { granter, grantee });
        }
        let allowance = BasicAllowance {
            spend_limit: vec![Coin {
                denom: DENOM.to_owned(),
                amount: "20000".to_owned(),
            }],
            expiration: None,
        };
        pack(&MsgGrantAllowance {
            granter,
            grantee,
            allowance: Some(pack(&allowance)),
        })
    }

    /// The authority, which is the first of them, changes what uploads cost; others hand contracts over.
    fn administration(&mut self, from: usize) -> Any {
        let sender = self.address(from);
        if from == 0 && self.rng.once_in(2) {
            return pack(&MsgUpdateParams {
                authority: sender,
                params: Some(Params {
                    compile_cost: self.rng.pick(&["800000000000000000", "0"]).to_owned(),
                    max_contract_size: self.rng.pick(&[2_097_152, 2_097_152, 1_000]),
                }),
            });
        }
        pack(&MsgUpdateAdmin {
            sender,
            new_admin: self.one_of(3),
            contract: self.puppet().address.to_string(),
            ..MsgUpdateAdmin::default()
        })
    }
}
