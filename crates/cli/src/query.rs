//! `strongroom query …`: what the state says of nodes and validators, as a table for people or as the JSON of REST.
//!
//! The node that is asked is trusted for the answer; `strongroom verify` is not so trusting.

use crate::client::Client;
use crate::localnet::runtime;
use crate::network::node_id;
use crate::say;
use crate::verify;
use anyhow::{Context as _, bail};
use clap::{Args as ClapArgs, Subcommand, ValueEnum};
use prost_reflect::{DescriptorPool, DynamicMessage, SerializeOptions};
use strongroom_types::Timestamp;
use strongroom_types::proto::cosmos::base::query::v1beta1::{PageRequest, PageResponse};
use strongroom_types::proto::strongroom::poa::v1 as poa;
use strongroom_types::proto::strongroom::registration::v1 as registration;
use strongroom_types::proto::{FILE_DESCRIPTOR_SET, Message, Name};

/// Entries that are asked for at once.
const PAGE: u64 = 100;

#[derive(ClapArgs)]
pub(crate) struct Args {
    /// RPC of a node of the network.
    #[arg(
        long,
        global = true,
        value_name = "URL",
        default_value = "http://127.0.0.1:26657"
    )]
    node: String,
    /// For people, or for programs.
    #[arg(long, global = true, value_enum, default_value = "text")]
    output: Output,
    #[command(subcommand)]
    what: What,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Text,
    Json,
}

#[derive(Subcommand)]
enum What {
    /// Nodes, their evidence, and the policy.
    #[command(subcommand)]
    Registration(Registration),
    /// Who votes.
    #[command(subcommand)]
    Poa(Poa),
}

#[derive(Subcommand)]
enum Registration {
    /// All nodes that ever registered.
    Nodes,
    /// One node.
    Node {
        #[arg(value_parser = node_id)]
        node_id: String,
    },
    /// Which evidence is taken.
    Policy,
}

#[derive(Subcommand)]
enum Poa {
    /// The validators.
    Validators,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let host = verify::host(&args.node)?;
    let printed = runtime()?.block_on(async {
        let mut client = Client::connect(host).await?;
        match &args.what {
            What::Registration(Registration::Nodes) => nodes(&mut client, args.output).await,
            What::Registration(Registration::Node { node_id }) => {
                node(&mut client, node_id, args.output).await
            }
            What::Registration(Registration::Policy) => policy(&mut client, args.output).await,
            What::Poa(Poa::Validators) => validators(&mut client, args.output).await,
        }
    })?;
    say(format_args!("{}", printed.trim_end()));
    Ok(())
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
            or(&platform.kind, "none"),
            or(&platform.tcb_status, "-"),
            expires(node),
            node.operator.clone(),
        ]);
    }
    Ok(table(&rows))
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
    Ok(table(&rows))
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

/// A text of somebody else, on a terminal.
fn plain(text: &str) -> String {
    let shown = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    text.chars().map(shown).collect()
}

/// Columns as wide as their widest entry, two spaces between them.
fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let wide = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let width = wide(column);
            line.push_str(&format!("{cell:width$}  "));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// The JSON that REST answers.
fn json<M: Message + Name>(message: &M) -> anyhow::Result<String> {
    let pool = DescriptorPool::decode(FILE_DESCRIPTOR_SET).context("our own descriptors")?;
    let descriptor = pool.get_message_by_name(&M::full_name());
    let descriptor = descriptor.with_context(|| format!("no descriptor of {}", M::full_name()))?;
    let message = DynamicMessage::decode(descriptor, message.encode_to_vec().as_slice())?;
    let options = SerializeOptions::new()
        .skip_default_fields(false)
        .use_proto_field_name(true);
    let mut bytes = Vec::new();
    let mut serializer = serde_json::Serializer::new(&mut bytes);
    message.serialize_with_options(&mut serializer, &options)?;
    Ok(String::from_utf8(bytes)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_a_table_stand_below_each_other() {
        let rows = [["a", "bbb"], ["ccc", "d"], ["", "e"]].map(|row| row.map(str::to_owned));
        assert_eq!(table(&rows), "a    bbb\nccc  d\n     e\n");
    }

    #[test]
    fn json_has_the_names_and_the_defaults_of_rest() {
        let node = registration::Node {
            node_id: "ab".to_owned(),
            state: registration::NodeState::Registered.into(),
            ..registration::Node::default()
        };
        let text = json(&registration::QueryNodeResponse { node: Some(node) }).unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["node"]["node_id"], "ab");
        assert_eq!(value["node"]["state"], "NODE_STATE_REGISTERED");
        assert_eq!(value["node"]["changed_height"], "0");
    }

    #[test]
    fn a_moniker_cannot_move_the_cursor() {
        assert_eq!(plain("a\u{1b}[2Jb\n"), "a\u{fffd}[2Jb\u{fffd}");
    }
}
