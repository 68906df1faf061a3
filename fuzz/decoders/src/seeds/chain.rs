//! Seeds of what the state machine is given.

use strongroom_chain::modules::MODULES;
use strongroom_sdk::tx::TxBuilder;
use strongroom_sdk::{keys::Account, local};
use strongroom_types::proto::Message as _;
use strongroom_types::proto::cosmos::bank::v1beta1::{Input, MsgMultiSend, MsgSend, Output};
use strongroom_types::proto::cosmos::base::v1beta1::Coin;
use strongroom_types::proto::cosmos::feegrant::v1beta1::MsgRevokeAllowance;
use strongroom_types::proto::secret::compute::v1beta1::{
    MigrateContractInfo, MsgContractGovernanceProposal, MsgExecuteContract, MsgInstantiateContract,
    MsgMigrateContract, MsgStoreCode, MsgUpdateAdmin, MsgUpdateParams, Params, UpdateAdminInfo,
};
use strongroom_types::proto::strongroom::poa::v1::MsgSetValidator;
use strongroom_types::proto::strongroom::registration::v1::{MsgRegisterNode, MsgUpdatePolicy};
use strongroom_types::public_key::{Multisig, PublicKey};
use strongroom_types::tx::{Tx, encode};
use strongroom_types::{Address, multisig};

/// The lines of a text.
pub(super) fn lines(text: &str) -> Vec<Vec<u8>> {
    text.lines().map(|line| line.as_bytes().to_vec()).collect()
}

fn coins() -> Vec<Coin> {
    vec![Coin {
        denom: "uscrt".to_owned(),
        amount: "5".to_owned(),
    }]
}

/// Signed transactions, one for each kind of message.
pub(super) fn transactions() -> Vec<Vec<u8>> {
    let [a, b] = [&local::ACCOUNTS[1], &local::ACCOUNTS[2]];
    let account = Account::from_mnemonic(a.mnemonic).expect("a known account");
    let (from, to) = (a.address.to_owned(), b.address.to_owned());
    let sender = from
        .parse::<Address>()
        .expect("an address")
        .as_bytes()
        .to_vec();
    let new = || TxBuilder::new("secretdev-1");
    let built = [
        new().memo("hi").message(&MsgSend {
            from_address: from.clone(),
            to_address: to.clone(),
            amount: coins(),
        }),
        new().message(&MsgMultiSend {
            inputs: vec![Input {
                address: from.clone(),
                coins: coins(),
            }],
            outputs: vec![Output {
                address: to.clone(),
                coins: coins(),
            }],
        }),
        new().message(&MsgStoreCode {
            sender: sender.clone(),
            wasm_byte_code: vec![0, 97, 115, 109, 1, 0, 0, 0],
            ..MsgStoreCode::default()
        }),
        new().message(&MsgInstantiateContract {
            sender: sender.clone(),
            code_id: 1,
            label: "label".to_owned(),
            init_msg: vec![7; 130],
            init_funds: coins(),
            ..MsgInstantiateContract::default()
        }),
        new().message(&MsgExecuteContract {
            sender: sender.clone(),
            contract: sender,
            msg: vec![7; 130],
            sent_funds: coins(),
            ..MsgExecuteContract::default()
        }),
        new().message(&MsgMigrateContract {
            sender: from.clone(),
            contract: to.clone(),
            code_id: 2,
            msg: vec![7; 130],
            ..MsgMigrateContract::default()
        }),
        new().message(&MsgUpdateAdmin {
            sender: from.clone(),
            new_admin: to.clone(),
            contract: to.clone(),
            ..MsgUpdateAdmin::default()
        }),
        new().message(&MsgContractGovernanceProposal {
            authority: from.clone(),
            contracts: vec![MigrateContractInfo {
                address: to.clone(),
                new_code_id: 2,
            }],
            admin_updates: vec![UpdateAdminInfo {
                address: to.clone(),
                new_admin: from.clone(),
            }],
            ..MsgContractGovernanceProposal::default()
        }),
        new().message(&MsgUpdateParams {
            authority: from.clone(),
            params: Some(Params {
                compile_cost: "800000000000000000".to_owned(),
                max_contract_size: 1,
            }),
        }),
        new().message(&MsgRevokeAllowance {
            granter: from.clone(),
            grantee: to,
        }),
        new().message(&MsgRegisterNode {
            operator: from.clone(),
            evidence: super::enclave::attestation().swap_remove(0),
            one_time_key: vec![1; 32],
            node_key: vec![2; 32],
            consensus_key: vec![3; 32],
            enclave_version: 1,
            node_signature: vec![4; 64],
            consensus_signature: vec![5; 64],
        }),
        new().message(&MsgSetValidator {
            authority: from.clone(),
            node_id: "0a".repeat(20),
            power: 5,
            moniker: "five".to_owned(),
        }),
        new().message(&MsgUpdatePolicy {
            authority: from,
            policy: "{\"security\":\"insecure\"}".to_owned(),
        }),
    ];
    let signed = built.iter().map(|tx| tx.sign(&account, 1, 2));
    let mut all: Vec<Vec<u8>> = signed.map(|tx| tx.expect("signed")).collect();
    all.push(many_signers());
    all.extend(multisigned(&built[0]));
    all
}

/// A message of a hundred signers, of whom one signed.
fn many_signers() -> Vec<u8> {
    let account = Account::from_mnemonic(local::ACCOUNTS[1].mnemonic).expect("a known account");
    let input = |n| Input {
        address: Address::of_hash(&[n; 32]).to_string(),
        coins: Vec::new(),
    };
    let message = MsgMultiSend {
        inputs: (0..100).map(input).collect(),
        outputs: Vec::new(),
    };
    let tx = TxBuilder::new("secretdev-1").message(&message);
    tx.sign(&account, 1, 2).expect("signed")
}

/// The transaction signed by two of three, and by one of a multisig within a multisig.
fn multisigned(tx: &TxBuilder) -> [Vec<u8>; 2] {
    let members = [1, 2, 3].map(|n: usize| {
        Account::from_mnemonic(local::ACCOUNTS[n].mnemonic).expect("a known account")
    });
    let several = |threshold, keys| Multisig::new(threshold, keys).expect("it can be met");
    let keys = members.iter().map(|m| PublicKey::Secp256k1(m.public_key()));
    let three = several(2, keys.clone().collect());
    let inner = PublicKey::Multisig(several(1, keys.take(1).collect()));
    let nested = several(1, vec![PublicKey::Ed25519([9; 32]), inner]);
    let signature = |n: usize| tx.sign_as_member(&members[n], 1, 2).expect("signed");
    let (first, second) = (signature(0), signature(2));
    let given = multisig::combine(vec![Some(multisig::member(first.to_vec()))]);
    let given = multisig::combine(vec![None, Some(given)]);
    let two = tx.multisigned(&three, 2, &[Some(first), None, Some(second)]);
    let mut deep = Tx::decode(&tx.multisigned(&nested, 2, &[None, Some(first)])).expect("ours");
    deep.auth_info.signer_infos[0].mode_info = Some(given.0);
    let deep = encode(
        deep.body_bytes,
        deep.auth_info.encode_to_vec(),
        vec![given.1],
    );
    [two, deep]
}

/// Every query without a request, and some with one.
pub(super) fn queries() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    let address = local::ACCOUNTS[1].address.as_bytes();
    let field = |number: u8, value: &[u8]| {
        let length = u8::try_from(value.len()).expect("short");
        [&[number << 3 | 2, length], value].concat()
    };
    for query in MODULES.iter().flat_map(|module| module.queries) {
        let path = format!("/{}/{}\0", query.service, query.method).into_bytes();
        let requests = [
            Vec::new(),
            field(1, address),
            [field(1, address), field(2, b"uscrt")].concat(),
            [field(1, address), field(2, address)].concat(),
            // The first page of two.
            field(1, &[0x18, 2, 0x20, 1]),
            vec![0x08, 1],
        ];
        all.extend(requests.map(|request| [path.clone(), request].concat()));
    }
    all
}

/// What contracts answer.
pub(super) fn contract_results() -> Vec<Vec<u8>> {
    let mut all = lines(include_str!("contract_results.txt"));
    all.push(b"{\"Ok\":\"c2Vlbg==\"}".to_vec());
    all
}

/// The contract that does what it is told, and small modules.
pub(super) fn wasm() -> Vec<Vec<u8>> {
    let puppet = include_str!("../../../../contracts/puppet.wat");
    let small = r#"(module (memory 1)
        (func (export "interface_version_8"))
        (func (export "allocate") (param i32) (result i32) (local.get 0))
        (func (export "deallocate") (param i32))
        (func (export "instantiate") (param i32 i32 i32) (result i32)
            (loop $l (br_if $l (i32.eqz (local.get 0)))) (i32.const 8))
        (func (export "execute") (param i32 i32 i32) (result i32)
            (select (i32.const 1) (i32.const 2) (i64.eqz (i64.const 0))))
        (func (export "query") (param i32 i32) (result i32) (unreachable)))"#;
    let text = [puppet, small, "(module)"];
    text.iter()
        .map(|t| wat::parse_str(t).expect("a module"))
        .collect()
}

/// Members with and without the optional fields of the header, and with bytes behind them.
pub(super) fn gzip() -> Vec<Vec<u8>> {
    let content = wasm().swap_remove(1);
    let plain = zip(0, &[], &content);
    vec![
        zip(0, &[], b""),
        zip(0x04, &[2, 0, 1, 2], &content),
        zip(0x08, b"name\0", &content),
        zip(0x10 | 0x02, b"comment\0\x01\x02", &content),
        zip(0, &[], &[0; 70_000]),
        [plain.clone(), b"behind".to_vec()].concat(),
        plain,
    ]
}

fn zip(flags: u8, fields: &[u8], content: &[u8]) -> Vec<u8> {
    let mut out = vec![0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 255];
    out.extend(fields);
    out.extend(miniz_oxide::deflate::compress_to_vec(content, 6));
    out.extend(crc32(content).to_le_bytes());
    out.extend(
        u32::try_from(content.len())
            .unwrap_or(u32::MAX)
            .to_le_bytes(),
    );
    out
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & 0_u32.wrapping_sub(crc & 1))
        })
    })
}
