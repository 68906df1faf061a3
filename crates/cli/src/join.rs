//! How a node joins a network, seen from its host: register, fetch the share with its proof, let the enclave open it, confirm.
//!
//! Promises: whatever interrupts it, the next call goes on from there; the remote node is not trusted: what it says is checked by the
//! enclave before anything is opened.
//! Spec: docs/spec/registration.md.

use crate::enclave_process;
use crate::home::write_file;
use crate::rpc::{Client, Remote};
use anyhow::{Context as _, ensure};
use borsh::{BorshDeserialize, BorshSerialize};
use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use strongroom_attest::{Registration, Statement};
use strongroom_bridge::message::Share;
use strongroom_chain::modules::compute::EngineSettings;
use strongroom_chain::modules::registration::keeper::key_proof_bytes;
use strongroom_chain::modules::registration::state::SHARES;
use strongroom_consensus::{GenesisFile, NodeKey, privval};
use strongroom_node::enclave::Enclave;
use strongroom_node::node::{Layout, enclave, open_stores};
use strongroom_sdk::client;
use strongroom_sdk::keys::Account;
use strongroom_sdk::light::{self, Answer, Question, Terms};
use strongroom_sdk::tx::TxBuilder;
use strongroom_types::Tree;
use strongroom_types::proto::strongroom::registration::v1 as pb;
use tokio::sync::mpsc;

/// Gas of a registration: evidence, signatures, the share.
const REGISTER_GAS: u64 = 400_000;
/// Gas of a confirmation.
const CONFIRM_GAS: u64 = 150_000;
/// How long a header over the share may take.
const HEADER_WAITS: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(200);
/// What is kept between the steps, below the home.
const JOINING: &str = "config/joining";

/// What the enclave gave when it began.
#[derive(BorshSerialize, BorshDeserialize)]
struct Begun {
    one_time_key: [u8; 32],
    enclave_version: u32,
    evidence: Vec<u8>,
    /// The one-time key, sealed.
    one_time: Vec<u8>,
}

/// Joins the network of the genesis in the home, through the RPC of `remote`, with the account `operator` as owner. Does
/// nothing for a node that is registered and has its seal.
pub(crate) async fn run(
    layout: &Layout,
    operator: &Account,
    remote: &Remote,
) -> anyhow::Result<()> {
    let genesis = read(layout.genesis())?;
    let file = GenesisFile::parse(genesis.clone())?;
    let joiner = Joiner {
        layout,
        operator,
        chain_id: file.doc.chain_id.clone(),
        genesis_hash: file.hash(),
        genesis,
        node_key: NodeKey::open(&layout.node_key())?,
        consensus_key: privval::pubkey(&layout.validator_key())?,
    };
    let mut client = remote.client().await?;
    let node = joiner.node(&mut client).await?;
    let registered = pb::NodeState::Registered;
    let is_registered = node.as_ref().is_some_and(|n| n.state() == registered);
    let begun = joiner.begun()?;
    if is_registered && begun.is_none() && layout.seal().exists() {
        return Ok(());
    }
    let (died, _dead) = mpsc::unbounded_channel();
    let (transport, process) = enclave_process::start(layout, EngineSettings::default(), died)?;
    let stores = open_stores(layout)?;
    let way = enclave(transport, &stores);
    let joined = joiner.join(&mut client, &way, begun, node, remote).await;
    process.stop();
    joined
}

struct Joiner<'j> {
    layout: &'j Layout,
    operator: &'j Account,
    chain_id: String,
    genesis_hash: [u8; 32],
    genesis: Vec<u8>,
    node_key: NodeKey,
    consensus_key: [u8; 32],
}

impl Joiner<'_> {
    async fn join(
        &self,
        client: &mut Client,
        enclave: &Enclave,
        begun: Option<Begun>,
        node: Option<pb::Node>,
        remote: &Remote,
    ) -> anyhow::Result<()> {
        // A share that was made for the key that we still hold is used, if it is there and opens; else everything begins anew: a
        // one-time key is good for one registration.
        let known = |b: &Begun| {
            node.as_ref()
                .is_some_and(|n| n.one_time_key == b.one_time_key)
        };
        let mut opened = None;
        if let Some(begun) = begun.filter(known) {
            let answer = self.share(remote).await?;
            let registered = pb::NodeState::Registered;
            let confirmed = node.as_ref().is_some_and(|n| n.state() == registered);
            if answer.value.is_none() && confirmed && self.layout.seal().exists() {
                return self.forget();
            }
            opened = self.open(enclave, &begun, answer).ok();
        }
        let possession = match opened {
            Some(possession) => possession,
            None => {
                let begun = self.begin(enclave)?;
                self.register(client, &begun).await?;
                let answer = self.share(remote).await?;
                self.open(enclave, &begun, answer)?
            }
        };
        let confirm = pb::MsgConfirmNode {
            operator: self.operator.address().to_string(),
            node_id: self.node_key.id(),
            possession: possession.to_vec(),
        };
        let tx = TxBuilder::new(&self.chain_id).message(&confirm);
        let sent = client.send(self.operator, &tx.gas(CONFIRM_GAS)).await?;
        sent.succeeded()?;
        self.forget()
    }

    /// Opens the share and keeps the seal. First the seal: once it is confirmed, the share is gone.
    fn open(&self, enclave: &Enclave, begun: &Begun, answer: Answer) -> anyhow::Result<[u8; 32]> {
        ensure!(
            answer.value.is_some(),
            "node.no_share: the network has no share for this node: run the command again"
        );
        let blocks = answer.path.blocks.iter().map(light::LightBlock::encode);
        let share = Share {
            entry: answer.proof.entry,
            store: answer.proof.store,
        };
        let (seal, possession) = tokio::task::block_in_place(|| {
            let (genesis, one_time) = (self.genesis.clone(), begun.one_time.clone());
            enclave.join_open(genesis, one_time, blocks.collect(), share)
        })?;
        write_file(&self.layout.seal(), &seal)?;
        Ok(possession)
    }

    /// The one-time key is of no use any more.
    fn forget(&self) -> anyhow::Result<()> {
        let path = self.layout.0.join(JOINING);
        fs::remove_file(&path).with_context(|| path.display().to_string())
    }

    /// The enclave makes a one-time key and evidence of it; kept until the node is registered.
    fn begin(&self, enclave: &Enclave) -> anyhow::Result<Begun> {
        let joining = tokio::task::block_in_place(|| {
            enclave
                .join_begin(
                    self.genesis.clone(),
                    self.owner()?,
                    self.node_key.pubkey(),
                    self.consensus_key,
                )
                .map_err(anyhow::Error::from)
        })?;
        let begun = Begun {
            one_time_key: joining.one_time_key,
            enclave_version: joining.enclave_version,
            evidence: joining.evidence,
            one_time: joining.one_time,
        };
        write_file(&self.layout.0.join(JOINING), &borsh::to_vec(&begun)?)?;
        Ok(begun)
    }

    async fn register(&self, client: &mut Client, begun: &Begun) -> anyhow::Result<()> {
        let statement = Statement::Registration(Registration {
            chain_id: self.chain_id.clone(),
            genesis_hash: self.genesis_hash,
            one_time_key: begun.one_time_key,
            node_key: self.node_key.pubkey(),
            consensus_key: self.consensus_key,
            operator: self.owner()?,
            enclave_version: begun.enclave_version,
        });
        let bytes = key_proof_bytes(&statement);
        let node_signature = NodeKey::sign(&self.layout.node_key(), &bytes)?;
        let consensus_signature = privval::sign_bytes(&self.layout.validator_key(), &bytes)?;
        let register = pb::MsgRegisterNode {
            operator: self.operator.address().to_string(),
            evidence: begun.evidence.clone(),
            one_time_key: begun.one_time_key.to_vec(),
            node_key: self.node_key.pubkey().to_vec(),
            consensus_key: self.consensus_key.to_vec(),
            enclave_version: begun.enclave_version,
            node_signature: node_signature.to_vec(),
            consensus_signature: consensus_signature.to_vec(),
        };
        let tx = TxBuilder::new(&self.chain_id).message(&register);
        let sent = client.send(self.operator, &tx.gas(REGISTER_GAS)).await?;
        sent.succeeded()?;
        Ok(())
    }

    /// The share with a proof under the newest header, and the way to that header from genesis.
    async fn share(&self, remote: &Remote) -> anyhow::Result<Answer> {
        let mut client = remote.client().await?;
        let height = client.height().await?;
        let node_id = strongroom_types::consensus::validator_address(&self.node_key.pubkey());
        let question = Question {
            tree: Tree::Native,
            key: SHARES.raw_key(&&node_id),
            height: Some(height),
        };
        let trusted = light::genesis(&self.genesis)?;
        let until = Instant::now() + HEADER_WAITS;
        loop {
            let answer = client.prove(&trusted, &Terms::WITHOUT_CLOCK, &question);
            match answer.await {
                Err(client::Error::Light(light::Error::TooNew(_))) if Instant::now() < until => {
                    tokio::time::sleep(POLL).await;
                }
                answer => return Ok(answer?),
            }
        }
    }

    async fn node(&self, client: &mut Client) -> anyhow::Result<Option<pb::Node>> {
        find(client, &self.node_key.id()).await
    }

    fn owner(&self) -> anyhow::Result<[u8; 20]> {
        let address = self.operator.address();
        let bytes = address.as_bytes().try_into();
        bytes.context("an operator has an address of 20 bytes")
    }

    fn begun(&self) -> anyhow::Result<Option<Begun>> {
        let path = self.layout.0.join(JOINING);
        match fs::read(&path) {
            // Of another version, or damaged: joining begins anew.
            Ok(bytes) => Ok(borsh::from_slice(&bytes).ok()),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e).with_context(|| path.display().to_string()),
        }
    }
}

/// The registration of a node, as a node tells it.
pub(crate) async fn find(client: &mut Client, node_id: &str) -> anyhow::Result<Option<pb::Node>> {
    let request = pb::QueryNodeRequest {
        node_id: node_id.to_owned(),
    };
    let path = "/strongroom.registration.v1.Query/Node";
    match client
        .query::<_, pb::QueryNodeResponse>(path, &request)
        .await
    {
        Ok(answer) => Ok(answer.node),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn read(path: PathBuf) -> anyhow::Result<Vec<u8>> {
    fs::read(&path).with_context(|| path.display().to_string())
}
