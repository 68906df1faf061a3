//! An account of the test genesis, its transactions and its encrypted messages.

use prost::Message as _;
use strongroom_chain::genesis::{LocalnetParams, localnet_genesis, parse};
use strongroom_chain::modules::auth::genesis::{self as auth, BaseAccount, GenesisAccount};
use strongroom_chain::modules::bank::genesis::{self as bank, Balance, GenesisCoin};
use strongroom_crypto::io::{TxKey, seal_input};
use strongroom_crypto::{Secret, secp256k1::SecretKey, x25519::KeyPair};
use strongroom_types::proto::cosmos::bank::v1beta1::MsgSend;
use strongroom_types::proto::cosmos::base::v1beta1::Coin;
use strongroom_types::proto::cosmos::crypto::secp256k1::PubKey;
use strongroom_types::proto::cosmos::tx::signing::v1beta1::SignMode;
use strongroom_types::proto::cosmos::tx::v1beta1::{
    AuthInfo, Fee, ModeInfo, SignerInfo, TxBody, mode_info,
};
use strongroom_types::proto::secret::compute::v1beta1::{
    MsgExecuteContract, MsgInstantiateContract, MsgStoreCode, QuerySecretContractRequest,
};
use strongroom_types::proto::{Any, pack};
use strongroom_types::{Address, sha256, tx};

const BALANCE: u128 = 1_000_000_000_000;
/// The number after those of the local network's accounts.
const NUMBER: u64 = 11;

pub(crate) struct User {
    key: SecretKey,
    pub(crate) address: Address,
    pub(crate) sequence: u64,
    messages: KeyPair,
    nonce: u8,
}

impl User {
    pub(crate) fn new() -> Self {
        let key = SecretKey::from_bytes(&sha256(b"a user of the enclave's tests")).unwrap();
        let address = Address::of_secp256k1(&key.public().unwrap());
        let messages = KeyPair::from_secret(&Secret::new([8; 32]));
        Self {
            key,
            address,
            sequence: 0,
            messages,
            nonce: 0,
        }
    }

    /// A local network's genesis file in which this user has coins.
    pub(crate) fn genesis(&self, params: &LocalnetParams) -> Vec<u8> {
        let mut document = parse(&localnet_genesis(params).unwrap()).unwrap();
        let state = &mut document.app_state;
        let own = GenesisAccount::Base(BaseAccount {
            address: self.address.to_string(),
            pub_key: None,
            account_number: NUMBER.to_string(),
            sequence: String::from("0"),
        });
        let account = |auth: &mut auth::Genesis| auth.accounts.push(own);
        state.edit("auth", account).unwrap();
        let coins = |bank: &mut bank::Genesis| {
            let coin = GenesisCoin {
                denom: String::from("uscrt"),
                amount: BALANCE.to_string(),
            };
            bank.balances.push(Balance {
                address: self.address.to_string(),
                coins: vec![coin],
            });
            let supply: u128 = bank.supply[0].amount.parse().unwrap();
            bank.supply[0].amount = (supply + BALANCE).to_string();
        };
        state.edit("bank", coins).unwrap();
        document.to_bytes().unwrap()
    }

    pub(crate) fn send(&mut self, to: &Address, amount: u128) -> Vec<u8> {
        let (from_address, to_address) = (self.address.to_string(), to.to_string());
        self.sign(pack(&MsgSend {
            from_address,
            to_address,
            amount: coins(amount),
        }))
    }

    pub(crate) fn store(&mut self, wasm: Vec<u8>) -> Vec<u8> {
        let sender = self.address.as_bytes().to_vec();
        self.sign(pack(&MsgStoreCode {
            sender,
            wasm_byte_code: wasm,
            ..MsgStoreCode::default()
        }))
    }

    pub(crate) fn instantiate(
        &mut self,
        network: &[u8; 32],
        wasm: &[u8],
        label: &str,
        message: &[u8],
    ) -> Vec<u8> {
        let (init_msg, _) = self.seal(network, wasm, message);
        let sender = self.address.as_bytes().to_vec();
        let label = label.to_owned();
        self.sign(pack(&MsgInstantiateContract {
            sender,
            code_id: 1,
            label,
            init_msg,
            ..Default::default()
        }))
    }

    pub(crate) fn execute(
        &mut self,
        network: &[u8; 32],
        wasm: &[u8],
        contract: &Address,
        message: &[u8],
    ) -> Vec<u8> {
        let (msg, _) = self.seal(network, wasm, message);
        let sender = self.address.as_bytes().to_vec();
        let contract = contract.as_bytes().to_vec();
        self.sign(pack(&MsgExecuteContract {
            sender,
            contract,
            msg,
            ..Default::default()
        }))
    }

    /// An encoded query to a contract, and the key of its answer.
    pub(crate) fn query(
        &mut self,
        network: &[u8; 32],
        wasm: &[u8],
        contract: &Address,
    ) -> (Vec<u8>, TxKey) {
        let (query, key) = self.seal(network, wasm, b"{}");
        let request = QuerySecretContractRequest {
            contract_address: contract.to_string(),
            query,
        };
        (request.encode_to_vec(), key)
    }

    fn seal(&mut self, network: &[u8; 32], wasm: &[u8], message: &[u8]) -> (Vec<u8>, TxKey) {
        self.nonce += 1;
        seal_input(
            &self.messages,
            network,
            &[self.nonce; 32],
            &sha256(wasm),
            message,
        )
        .unwrap()
    }

    pub(crate) fn sign(&mut self, message: Any) -> Vec<u8> {
        let single = mode_info::Single {
            mode: SignMode::Direct.into(),
        };
        let signer = SignerInfo {
            public_key: Some(pack(&PubKey {
                key: self.key.public().unwrap().to_vec(),
            })),
            mode_info: Some(ModeInfo {
                sum: Some(mode_info::Sum::Single(single)),
            }),
            sequence: self.sequence,
        };
        let fee = Fee {
            amount: coins(10_000),
            gas_limit: 3_000_000,
            ..Fee::default()
        };
        let info = AuthInfo {
            signer_infos: vec![signer],
            fee: Some(fee),
            ..AuthInfo::default()
        };
        let body = TxBody {
            messages: vec![message],
            ..TxBody::default()
        };
        let (body, info) = (body.encode_to_vec(), info.encode_to_vec());
        let document = tx::sign_bytes_direct(&body, &info, crate::node::CHAIN_ID, NUMBER);
        let signature = self.key.sign(&sha256(&document)).unwrap().to_vec();
        self.sequence += 1;
        tx::encode(body, info, vec![signature])
    }
}

fn coins(amount: u128) -> Vec<Coin> {
    vec![Coin {
        denom: String::from("uscrt"),
        amount: amount.to_string(),
    }]
}
