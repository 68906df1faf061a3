//! `strongroom query …`: what the state says, as a table for people or as the JSON of REST; what contracts answer; how a transaction ended.
//!
//! The node that is asked is trusted for the answer; `strongroom verify` is not so trusting.

mod ask;

use crate::keyring;
use crate::online::{self, block_on};
use crate::output::say;
use crate::output::{Output, headed, json, plain, table};
use crate::preflight::node_id;
use crate::rpc::Client;
use crate::tx::contract::address;
use anyhow::bail;
use clap::{Args as ClapArgs, Subcommand};
use strongroom_types::proto::cosmos::base::query::v1beta1::{PageRequest, PageResponse};
use strongroom_types::proto::strongroom::poa::v1 as poa;
use strongroom_types::proto::strongroom::registration::v1 as registration;
use strongroom_types::{Address, Timestamp};

/// Entries that are asked for at once.
const PAGE: u64 = 100;

#[derive(ClapArgs)]
pub(crate) struct Args {
    #[command(flatten)]
    network: online::Args,
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Nodes, their evidence, and the policy.
    #[command(subcommand)]
    Registration(Registration),
    /// Who votes.
    #[command(subcommand)]
    Poa(Poa),
    /// Ask a contract. Question and answer are sealed, and nobody is told who asks.
    #[command(
        after_help = "Example:\n  strongroom query contract \"$(cat counter)\" '{\"get_count\":{}}'"
    )]
    Contract {
        /// The contract.
        #[arg(value_parser = address)]
        contract: Address,
        /// Query in JSON; `@FILE` reads it from a file.
        query: String,
    },
    /// How a transaction ended, and whether that is proven. With `--from` as its sender reads it: messages, answers, errors and events of contracts opened.
    #[command(after_help = "Example:\n  strongroom query tx \"$(cat hash)\" --from alice")]
    Tx {
        /// Hash of the transaction, 64 hexadecimal digits.
        #[arg(value_parser = hash)]
        hash: String,
        /// Key that sent it.
        #[arg(long, value_name = "KEY")]
        from: Option<String>,
        #[command(flatten)]
        keyring: keyring::Args,
    },
    /// Coins.
    #[command(subcommand)]
    Bank(Bank),
    /// Any query of any module, by its gRPC name. Without a name: all that there are.
    #[command(
        after_help = "Example:\n  strongroom query grpc cosmos.bank.v1beta1.Query/TotalSupply '{}'"
    )]
    Grpc {
        /// Name of the method, such as cosmos.bank.v1beta1.Query/TotalSupply.
        path: Option<String>,
        /// Request in JSON; `@FILE` reads it from a file.
        #[arg(default_value = "{}")]
        request: String,
    },
}

#[derive(Subcommand)]
enum Bank {
    /// The coins of an account.
    #[command(after_help = "Example:\n  strongroom query bank balances alice")]
    Balances {
        /// Address of the account, or the name of a key.
        account: String,
        #[command(flatten)]
        keyring: keyring::Args,
    },
}

#[derive(Subcommand)]
enum Registration {
    /// All nodes that ever registered.
    #[command(after_help = "Example:\n  strongroom query registration nodes")]
    Nodes,
    /// One node.
    #[command(after_help = "Example:\n  strongroom query registration node \"$(cat node.id)\"")]
    Node {
        #[arg(value_parser = node_id)]
        node_id: String,
    },
    /// Which evidence is taken.
    #[command(after_help = "Example:\n  strongroom query registration policy")]
    Policy,
}

#[derive(Subcommand)]
enum Poa {
    /// The validators.
    #[command(after_help = "Example:\n  strongroom query poa validators")]
    Validators,
}

fn hash(text: &str) -> Result<String, String> {
    let bytes = hex::decode(text).ok().filter(|bytes| bytes.len() == 32);
    let bytes = bytes.ok_or("a transaction has a hash of 64 hexadecimal digits")?;
    Ok(hex::encode_upper(bytes))
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let output = args.network.output;
    // Everything that can be wrong is looked at before anybody is asked.
    let asked = ask::Asked::read(&args.what)?;
    if matches!(args.what, What::Contract { .. }) {
        args.network.require_trust()?;
    }
    block_on(async {
        let mut client = args.network.connect().await?;
        let client = &mut client;
        let printed = match &args.what {
            What::Registration(Registration::Nodes) => nodes(client, output).await?,
            What::Registration(Registration::Node { node_id }) => {
                node(client, node_id, output).await?
            }
            What::Registration(Registration::Policy) => policy(client, output).await?,
            What::Poa(Poa::Validators) => validators(client, output).await?,
            _ => return asked.answer(client, output).await,
        };
        say(printed.trim_end());
        Ok(())
    })
}

async fn nodes(client: &mut Client, output: Output) -> anyhow::Result<String> {
    let path = "/strongroom.registration.v1.Query/Nodes";
    let mut all = registration::QueryNodesResponse::default();
    let mut next = Some(Vec::new());
    while let Some(key) = next {
        let pagination = Some(page(key));
        let request = registration::QueryNodesRequest { pagination };
        let answer: registration::QueryNodesResponse = client.query(path, &request).await?;
        all.nodes.extend(answer.nodes);
        next = more(answer.pagination);
    }
    if output == Output::Json {
        return json(&all);
    }
    let mut rows =
        vec![["NODE", "STATE", "PLATFORM", "TCB", "EXPIRES", "OPERATOR"].map(str::to_owned)];
    for node in &all.nodes {
        let platform = node.platform.clone().unwrap_or_default();
        rows.push([
            node.node_id.clone(),
            state(node).to_owned(),
            match &node.returns_to {
                Some(new) => format!("{}, then {}", or(&platform.kind, "none"), new.kind),
                None => or(&platform.kind, "none"),
            },
            or(&platform.tcb_status, "-"),
            expires(node),
            node.operator.clone(),
        ]);
    }
    Ok(headed(&table(&rows)))
}

async fn node(client: &mut Client, node_id: &str, output: Output) -> anyhow::Result<String> {
    let path = "/strongroom.registration.v1.Query/Node";
    let node_id = node_id.to_owned();
    let request = registration::QueryNodeRequest { node_id };
    let answer: registration::QueryNodeResponse = client.query(path, &request).await?;
    if output == Output::Json {
        return json(&answer);
    }
    let Some(node) = answer.node else {
        bail!("the answer has no node")
    };
    let platform = node.platform.clone().unwrap_or_default();
    let mut rows = vec![
        ["node", &node.node_id].map(str::to_owned),
        ["state", state(&node)].map(str::to_owned),
        ["since height", &node.changed_height.to_string()].map(str::to_owned),
        ["operator", &node.operator].map(str::to_owned),
        ["enclave version", &node.enclave_version.to_string()].map(str::to_owned),
        ["platform", &or(&platform.kind, "none")].map(str::to_owned),
        ["platform id", &or(&hex::encode(&platform.platform_id), "-")].map(str::to_owned),
        ["measurement", &or(&hex::encode(&platform.measurement), "-")].map(str::to_owned),
        ["TCB status", &or(&platform.tcb_status, "-")].map(str::to_owned),
        ["advisories", &or(&platform.advisories.join(" "), "none")].map(str::to_owned),
        ["expires", &expires(&node)].map(str::to_owned),
    ];
    if let Some(new) = &node.returns_to {
        rows.push(["returns to", &returns_to(new)].map(str::to_owned));
    }
    if !node.revoked_by.is_empty() {
        rows.push(["revoked by", &node.revoked_by].map(str::to_owned));
    }
    Ok(table(&rows))
}

async fn policy(client: &mut Client, output: Output) -> anyhow::Result<String> {
    let path = "/strongroom.registration.v1.Query/Policy";
    let request = registration::QueryPolicyRequest {};
    let answer: registration::QueryPolicyResponse = client.query(path, &request).await?;
    if output == Output::Json {
        return Ok(answer.policy);
    }
    let policy: serde_json::Value = serde_json::from_str(&answer.policy)?;
    Ok(serde_json::to_string_pretty(&policy)?)
}

async fn validators(client: &mut Client, output: Output) -> anyhow::Result<String> {
    let path = "/strongroom.poa.v1.Query/Validators";
    let mut all = poa::QueryValidatorsResponse::default();
    let mut next = Some(Vec::new());
    while let Some(key) = next {
        let pagination = Some(page(key));
        let request = poa::QueryValidatorsRequest { pagination };
        let answer: poa::QueryValidatorsResponse = client.query(path, &request).await?;
        all.validators.extend(answer.validators);
        next = more(answer.pagination);
    }
    if output == Output::Json {
        return json(&all);
    }
    let total: u64 = all.validators.iter().map(|v| v.power).sum();
    let mut rows = vec![["NODE", "POWER", "OF ALL", "MONIKER"].map(str::to_owned)];
    for validator in &all.validators {
        let percent = u128::from(validator.power) * 100 / u128::from(total.max(1));
        rows.push([
            validator.node_id.clone(),
            validator.power.to_string(),
            format!("{percent}%"),
            plain(&validator.moniker),
        ]);
    }
    Ok(headed(&table(&rows)))
}

fn page(key: Vec<u8>) -> PageRequest {
    PageRequest {
        key,
        limit: PAGE,
        ..PageRequest::default()
    }
}

fn more(page: Option<PageResponse>) -> Option<Vec<u8>> {
    let next = page?.next_key;
    Some(next).filter(|key| !key.is_empty())
}

/// `registered`, as people say it.
pub(crate) fn state(node: &registration::Node) -> &'static str {
    match node.state() {
        registration::NodeState::Unspecified => "unknown",
        registration::NodeState::Pending => "pending",
        registration::NodeState::Registered => "registered",
        registration::NodeState::Revoked => "revoked",
        registration::NodeState::Expired => "expired",
    }
}

/// The platform of a node that registered again and has not confirmed: until then it keeps the one that it has.
fn returns_to(new: &registration::Platform) -> String {
    format!(
        "{} {}, measurement {}, TCB status {}, as soon as it confirms",
        new.kind,
        hex::encode(&new.platform_id),
        hex::encode(&new.measurement),
        or(&new.tcb_status, "-")
    )
}

/// When the evidence of a node, or its time to confirm, ends.
pub(crate) fn expires(node: &registration::Node) -> String {
    let Some(at) = &node.expires else {
        return "never".to_owned();
    };
    let time = Timestamp::new(at.seconds, 0);
    time.map_or_else(|_| at.seconds.to_string(), |time| time.to_string())
}

fn or(text: &str, otherwise: &str) -> String {
    let text = if text.is_empty() { otherwise } else { text };
    text.to_owned()
}
