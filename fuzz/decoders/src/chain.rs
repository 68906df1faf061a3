//! What users give the state machine: transactions, code, results of contracts, queries, texts, genesis.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use strongroom_chain::check;
use strongroom_chain::genesis::{LocalnetParams, NetworkKeys, localnet_genesis, parse};
use strongroom_chain::modules::SimulationPolicy;
use strongroom_chain::modules::compute::limits::CODE_BYTES_MAX;
use strongroom_chain::modules::compute::{ContractEngine, gzip, response};
use strongroom_chain::query::QueryStop;
use strongroom_chain::{
    BlockInfo, Bytes, CodeRead, ExecutionEnv, Fault, NoSecrets, StateRead, init_chain,
};
use strongroom_consensus::GenesisFile;
use strongroom_types::public_key::{KEYS_MAX, PublicKey};
use strongroom_types::{Address, Coin, Coins, Hash, Timestamp, Tree, amino, tx};
use strongroom_vm::{Engine as _, WasmiEngine, prepare};

/// What anybody broadcasts: strict decoding, the keys and signatures of multisigs, and both forms of Amino JSON of what decodes.
pub fn transaction(data: &[u8]) -> bool {
    let said = check::outline(data);
    let Ok(decoded) = tx::Tx::decode(data) else {
        assert_eq!(said, None);
        return false;
    };
    // Whose allowance pays signs nothing.
    let parties = said.map_or(0, |said| said.parties.len());
    assert!(parties <= decoded.signatures.len() + 1);
    for message in &decoded.body.messages {
        if let Ok(json) = amino::message(message) {
            let (compact, indented) = (json.to_string(), json.indented().to_string());
            let same = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
            assert!(same(&compact) == same(&indented));
        }
    }
    for (index, info) in decoded.auth_info.signer_infos.iter().enumerate() {
        if let Some(Ok(key)) = info.public_key.as_ref().map(PublicKey::from_any) {
            assert_eq!(PublicKey::from_any(&key.to_any()).as_ref(), Ok(&key));
            assert!(key.leaves() <= KEYS_MAX && key.address().as_bytes().len() == 20);
        }
        if let Ok(given) = decoded.signature(index) {
            let _ = (given.is_amino(), given.leaves());
        }
    }
    if decoded.is_canonical {
        use strongroom_types::proto::Message as _;
        let again = (
            decoded.body.encode_to_vec(),
            decoded.auth_info.encode_to_vec(),
        );
        let given = (&decoded.body_bytes, &decoded.auth_info_bytes);
        assert!(decoded.has_unknown_fields || (&again.0, &again.1) == given);
    }
    let (body, auth) = (decoded.body_bytes.clone(), decoded.auth_info_bytes.clone());
    // An empty AuthInfo may be written or left out, as in the Cosmos SDK; without signers no such transaction is executed.
    if auth.is_empty() {
        assert!(decoded.auth_info.signer_infos.is_empty());
        return true;
    }
    let again = tx::encode(body, auth, decoded.signatures.clone());
    assert_eq!(again, data, "a transaction with signers has one encoding");
    true
}

/// What anybody uploads: preparing is deterministic, and what is prepared loads.
pub fn wasm(data: &[u8]) -> bool {
    let prepared = prepare(data);
    assert!(prepared.is_ok() == prepare(data).is_ok());
    let Ok(prepared) = prepared else {
        return false;
    };
    assert!(
        WasmiEngine.load(&prepared).is_ok(),
        "a prepared module must load"
    );
    true
}

/// What anybody uploads zipped: within the limit, and paid for as it comes.
pub fn gzip(data: &[u8]) -> bool {
    let mut paid = 0;
    let content = gzip::gunzip(data, CODE_BYTES_MAX, |bytes| {
        assert!(bytes >= paid && bytes <= CODE_BYTES_MAX);
        paid = bytes;
        Ok(())
    });
    let Ok(content) = content else { return false };
    assert_eq!(content.len(), paid);
    true
}

/// What a contract of either generation gives back.
pub fn contract_result(data: &[u8]) -> bool {
    let contract = Address::from_bytes(&[5; 20]).expect("20 bytes");
    let v010 = response::v010::response(&contract, data);
    let (response, query) = (response::response(data), response::query(data));
    response.is_some() || query.is_some() || v010.is_some()
}

/// The texts that stand in messages, queries and parameters.
pub fn text(data: &[u8]) -> bool {
    let Ok(text) = core::str::from_utf8(data) else {
        return false;
    };
    let address = text.parse::<Address>();
    if let Ok(address) = &address {
        assert_eq!(
            address.to_string(),
            text.to_lowercase(),
            "an address has one text"
        );
    }
    let coin = text.parse::<Coin>();
    let coins = text.parse::<Coins>();
    if let Ok(coins) = &coins {
        assert_eq!(coins.to_string().parse::<Coins>().as_ref(), Ok(coins));
    }
    let time = text.parse::<Timestamp>();
    if let Ok(time) = &time {
        assert_eq!(time.to_string().parse::<Timestamp>().as_ref(), Ok(time));
    }
    address.is_ok() || coin.is_ok() || coins.is_ok() || time.is_ok()
}

/// The genesis document, as the consensus engine and as the state machine read it.
pub fn genesis(data: &[u8]) -> bool {
    let engine = ContractEngine::default();
    let file = GenesisFile::parse(data.to_vec());
    if let Ok(file) = &file {
        let again = file.doc.to_bytes().expect("JSON of our own types");
        let again = GenesisFile::parse(again).expect("what was written reads");
        assert_eq!(again.doc, file.doc);
    }
    let parsed = parse(data);
    let begun = init_chain(data, env(&engine));
    assert!(
        file.is_ok() || parsed.is_err(),
        "a chain begins that no engine can run: {file:?}"
    );
    assert!(parsed.is_ok() || begun.is_err());
    begun.is_ok()
}

/// What anybody asks: the full name of a method, a zero byte, the request.
pub fn query(data: &[u8]) -> bool {
    let Some(at) = data.iter().position(|byte| *byte == 0) else {
        return false;
    };
    let Ok(path) = core::str::from_utf8(&data[..at]) else {
        return false;
    };
    let engine = ContractEngine::default();
    let answer = strongroom_chain::query(
        &*STATE,
        &NoSecrets,
        env(&engine),
        &BlockInfo {
            chain_id: CHAIN_ID.to_owned(),
            genesis_hash: [8; 32],
            height: 1,
            time: Timestamp {
                seconds: 1_700_000_000,
                nanos: 0,
            },
            header_hash: [9; 32],
            version_app: 0,
            misbehavior: Vec::new(),
        },
        path,
        &data[at + 1..],
    );
    if let Err(QueryStop::Fault(fault)) = &answer {
        // Asking contracts needs the secrets, which are not here.
        let runs_contract = strongroom_chain::query::is_contract_query(path);
        assert!(runs_contract, "a query broke the state: {fault}");
    }
    answer.is_ok()
}

const CHAIN_ID: &str = "fuzz-1";

/// A local network's genesis document.
pub(crate) fn local_genesis() -> Vec<u8> {
    let params = LocalnetParams {
        chain_id: CHAIN_ID.to_owned(),
        time: Timestamp {
            seconds: 1_700_000_000,
            nanos: 1,
        },
        validator: [3; 32],
        node_key: [4; 32],
        authority: Address::of_module("authority"),
        keys: NetworkKeys {
            io: [4; 32],
            node_exchange: [5; 32],
        },
        simulation: SimulationPolicy::Open,
    };
    localnet_genesis(&params).expect("our own document")
}

/// The state of a local network before its first block.
struct Memory(BTreeMap<(Tree, Vec<u8>), Bytes>);

static STATE: LazyLock<Memory> = LazyLock::new(|| {
    let engine = ContractEngine::default();
    let begun = init_chain(&local_genesis(), env(&engine)).expect("our own document");
    let writes = begun.writes.0.into_iter();
    Memory(writes.filter_map(|(k, v)| Some((k, v?.into()))).collect())
});

impl StateRead for Memory {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Bytes>, Fault> {
        Ok(self.0.get(&(tree, key.to_vec())).cloned())
    }
}

/// No contract is stored.
struct NoCode;

impl CodeRead for NoCode {
    fn code(&self, _: &Hash) -> Result<Bytes, Fault> {
        Err(Fault::Content("no such code".to_owned()))
    }
}

fn env(engine: &ContractEngine) -> ExecutionEnv<'_> {
    ExecutionEnv {
        code: &NoCode,
        engine,
    }
}
