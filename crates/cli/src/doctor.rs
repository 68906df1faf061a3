//! `strongroom doctor`: what stands between a node and its work, one line for each check, with what to do about it.
//!
//! Promises: changes nothing, also where the node runs; asks the enclave to open the seal where it does not run.

use crate::home::{self, Home};
use crate::node_process::{self, runtime};
use crate::output::say;
use crate::rpc::{Ca, Client, Remote};
use crate::{enclave_process, join, operator, preflight, query};
use anyhow::{Context as _, anyhow, bail};
use clap::Args as ClapArgs;
use serde_json::{Value, json};
use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;
use strongroom_bridge::message::{HostResponse, Reply, Request};
use strongroom_chain::modules::compute::EngineSettings;
use strongroom_consensus::cometbft::binary;
use strongroom_consensus::{Clock as _, GenesisFile, NodeKey, SystemClock, privval};
use strongroom_node::node::{Layout, check_state};
use strongroom_types::Timestamp;
use strongroom_types::proto::strongroom::registration::v1::NodeState;
use tokio::sync::mpsc;

/// A newest header that is older says that the clock is ahead, or that the network makes no blocks.
const HEADER_AGE_MAX: Duration = Duration::from_secs(30);
/// A header may be so far ahead of this clock: proposers' clocks are not one.
const HEADER_AHEAD_MAX: Duration = Duration::from_secs(1);
/// Evidence that ends within this time wants a look.
const EXPIRY_NEAR: Duration = Duration::from_secs(3 * 24 * 60 * 60);
/// Less than this on the disk wants a look.
const FREE_BYTES_NEAR: u64 = 4 << 30;
/// What gives evidence on real hardware. None of them has been run on hardware by this version.
const HARDWARE: [(&str, &str); 6] = [
    ("/dev/sgx_enclave", "SGX"),
    ("/dev/sgx/enclave", "SGX"),
    ("/dev/tdx_guest", "TDX"),
    ("/dev/tdx-guest", "TDX"),
    ("/dev/sev-guest", "SEV-SNP"),
    ("/dev/nsm", "Nitro"),
];

#[derive(ClapArgs)]
#[command(after_help = "Example:\n  strongroom doctor --node http://203.0.113.1:26657")]
pub(crate) struct Args {
    /// Directory of the node.
    #[arg(long, default_value = ".strongroom/node")]
    home: PathBuf,
    /// RPC or REST of another node of the network [default: the own node's].
    #[arg(long, value_name = "URL")]
    node: Option<String>,
    #[command(flatten)]
    ca: Ca,
    /// Address of REST and RPC, as the node is started with.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    listen: IpAddr,
    /// Address on which peers are listened for.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::UNSPECIFIED))]
    p2p_listen: IpAddr,
    /// Port of REST.
    #[arg(long, default_value_t = 1317)]
    rest_port: u16,
    /// Port of CometBFT's RPC and websocket.
    #[arg(long, default_value_t = 26657)]
    rpc_port: u16,
    /// Port on which peers are listened for.
    #[arg(long, default_value_t = 26656)]
    p2p_port: u16,
    /// Also read every value of the state, which no start does: the node must be stopped, and it takes as long as the state is large.
    #[arg(long)]
    values: bool,
    /// The `cometbft` to run [default: tools/bin of the project, or the PATH].
    #[arg(long, value_name = "PATH")]
    cometbft: Option<PathBuf>,
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Finding {
    Well(String),
    /// It works, and wants a look.
    Look(String),
    /// It does not work.
    Wrong(String),
}
use Finding::{Look, Well, Wrong};

/// The checks so far.
#[derive(Default)]
struct Report {
    wrong: usize,
}

impl Report {
    fn say(&mut self, what: &str, finding: Finding) {
        let (level, text) = match finding {
            Well(text) => ("ok", text),
            Look(text) => ("warn", text),
            Wrong(text) => {
                self.wrong = self.wrong.saturating_add(1);
                ("FAIL", text)
            }
        };
        say(format_args!("{level:<4}  {what:<12}  {text}"));
    }
}

/// What a home has.
struct Node {
    layout: Layout,
    id: String,
    consensus_key: [u8; 32],
    genesis: GenesisFile,
    runs: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let mut report = Report::default();
    report.say("platform", platform());
    report.say("disk", disk(&args.home));
    report.say("cometbft", comet(args.cometbft.as_deref()));
    let node = node(&args.home);
    let runs = node.as_ref().is_ok_and(|node| node.runs);
    report.say(
        "home",
        match &node {
            Ok(Node { id, genesis, .. }) => Well(format!(
                "node {id} of {}, which {}",
                genesis.doc.chain_id,
                if runs { "runs" } else { "does not run" }
            )),
            Err(error) => Wrong(crate::output::in_one_line(error)),
        },
    );
    let node = node.ok();
    if !runs {
        report.say("resources", resources());
    }
    if let Some(node) = &node {
        report.say("seal", seal(node));
        if args.values {
            report.say("values", values(&node.layout, node.runs));
        }
    }
    runtime()?.block_on(network(args, node.as_ref(), &mut report));
    match report.wrong {
        0 => Ok(()),
        1 => bail!("doctor: one check failed"),
        wrong => bail!("doctor: {wrong} checks failed"),
    }
}

/// The checks that ask a node.
async fn network(args: &Args, node: Option<&Node>, report: &mut Report) {
    let own = SocketAddr::new(args.listen, args.rpc_port);
    let own = crate::node_process::reachable(own).to_string();
    let own_status = status(Remote::new(&own, None)).await;
    let own_id = own_status
        .as_ref()
        .ok()
        .map(|(_, status)| text(&status["node_info"]["id"]));
    let is_ours = node.is_some_and(|node| own_id.as_deref() == Some(node.id.as_str()));
    for (what, finding) in ports(args, node.is_some_and(|node| node.runs), is_ours) {
        report.say(what, finding);
    }
    let asked = match &args.node {
        Some(url) => status(Remote::new(url, args.ca.ca_file.as_deref()))
            .await
            .map_err(|error| crate::exit::in_one_line(&error)),
        None if is_ours => own_status.map_err(|e| crate::output::in_one_line(&e)),
        None => Err("this node does not answer: name another one with --node".to_owned()),
    };
    let (mut client, status) = match asked {
        Ok(asked) => asked,
        Err(why) => {
            let finding = if args.node.is_some() { Wrong } else { Look };
            report.say("network", finding(why));
            return;
        }
    };
    report.say("clock", clock(&status["sync_info"], SystemClock.now()));
    let Some(node) = node else { return };
    let chain = text(&status["node_info"]["network"]);
    if chain != node.genesis.doc.chain_id {
        let ours = &node.genesis.doc.chain_id;
        let why = format!(
            "the node that was asked is of {chain}, this one of {ours}: name a node of {ours}"
        );
        report.say("network", Wrong(why));
        return;
    }
    report.say(
        "registration",
        match join::find(&mut client, &node.id).await {
            Ok(found) => registration(found.as_ref(), SystemClock.now()),
            Err(error) => Wrong(crate::output::in_one_line(&error)),
        },
    );
    report.say(
        "power",
        match operator::power(&mut client, &node.consensus_key).await {
            Ok(power) => voting(power, node),
            Err(error) => Wrong(crate::output::in_one_line(&error)),
        },
    );
}

async fn status(node: anyhow::Result<Remote>) -> anyhow::Result<(Client, Value)> {
    let mut client = node?.client().await?;
    let status = client.call("status", &json!({})).await?;
    Ok((client, status))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn platform() -> Finding {
    let there = HARDWARE
        .iter()
        .filter(|(device, _)| Path::new(device).exists());
    let mut there = there.map(|(device, name)| format!("{name} at {device}"));
    match there.next() {
        Some(first) => Look(format!(
            "simulated, though there is {first}: this version does not use it, and was not run on hardware. Secrecy from this machine is not kept"
        )),
        None => Look("simulated: no device of SGX, TDX, SEV-SNP or Nitro is here. Secrecy from this machine is not kept".to_owned()),
    }
}

fn disk(home: &Path) -> Finding {
    match preflight::free_space(home) {
        Err(error) => Wrong(crate::output::in_one_line(&error)),
        Ok(free) if free < FREE_BYTES_NEAR => Look(format!(
            "{} MiB free: blocks and state grow, make room",
            free >> 20
        )),
        Ok(free) => Well(format!("{} GiB free", free >> 30)),
    }
}

fn comet(named: Option<&Path>) -> Finding {
    match binary::find(named) {
        Ok(path) => Well(format!("version {} at {}", binary::VERSION, path.display())),
        Err(error) => Wrong(error.to_string()),
    }
}

/// Whether one more node can be started beside what runs.
fn resources() -> Finding {
    match preflight::machine() {
        Ok(_) => Well("descriptors and threads suffice".to_owned()),
        Err(error) => Wrong(crate::output::in_one_line(&error)),
    }
}

/// The node of a home, whole.
fn node(home: &Path) -> anyhow::Result<Node> {
    Home::check(home)?;
    let path = Home::peek(home).with_context(|| {
        format!(
            "{} has no node: strongroom node init, or network init, makes one",
            home.display()
        )
    })?;
    let layout = Layout(path);
    let restore = |error: &dyn std::fmt::Display| {
        anyhow!(
            "{error}: restore it from where it was kept, or make another node in another --home"
        )
    };
    let genesis = fs::read(layout.genesis())
        .with_context(|| layout.genesis().display().to_string())
        .map_err(|e| restore(&crate::output::in_one_line(&e)))?;
    let genesis = GenesisFile::parse(genesis).map_err(|e| restore(&e))?;
    let id = NodeKey::open(&layout.node_key())
        .map_err(|e| restore(&e))?
        .id();
    let consensus_key = privval::pubkey(&layout.validator_key()).map_err(|e| restore(&e))?;
    Ok(Node {
        id,
        consensus_key,
        genesis,
        runs: home::is_locked(home),
        layout,
    })
}

fn seal(node: &Node) -> Finding {
    let path = node.layout.seal();
    if !path.exists() {
        return Look("no seed yet: strongroom node register fetches it".to_owned());
    }
    if node.runs {
        return Well("the seed is here, and opened by the node that runs".to_owned());
    }
    match opens(node, &path) {
        Ok(()) => Well("the seed is here, and opens on this machine".to_owned()),
        Err(error) => Wrong(format!(
            "{}: remove {} and run strongroom node register again",
            crate::output::in_one_line(&error),
            path.display()
        )),
    }
}

/// Whether all values are what was written.
fn values(layout: &Layout, runs: bool) -> Finding {
    if runs {
        return Look("the node runs: stop it, so that its values can be read".to_owned());
    }
    match check_state(layout) {
        Ok(count) => Well(format!("{count} stand, and are what was written")),
        Err(error) => {
            let text = crate::exit::in_one_line(&error.into());
            Wrong(match node_process::after_damage(&text) {
                Some(then) => format!("{text}: {then}"),
                None => text,
            })
        }
    }
}

/// Whether an enclave on this machine opens the seal.
fn opens(node: &Node, path: &Path) -> anyhow::Result<()> {
    let seal = fs::read(path)?;
    let (died, _dead) = mpsc::unbounded_channel();
    let (transport, process) =
        enclave_process::start(&node.layout, EngineSettings::default(), died)?;
    let unseal = Request::Unseal {
        seal,
        genesis: node.genesis.bytes().to_vec(),
        anchors: Vec::new(),
    };
    let answer = transport.call(unseal, &mut |_| HostResponse::Unavailable {
        text: String::new(),
    });
    process.stop();
    match answer? {
        Reply::Status(_) => Ok(()),
        _ => bail!("the enclave gave another answer"),
    }
}

/// The newest header against the time of this machine.
fn clock(sync: &Value, now: Timestamp) -> Finding {
    let header = text(&sync["latest_block_time"]);
    let at = header.parse::<Timestamp>().ok();
    // Before the first block there is a time, too.
    let at = at.filter(|_| sync["latest_block_height"] != "0");
    let Some(at) = at.and_then(|at| at.nanos_total()) else {
        let none = "the node that was asked has no block yet: nothing to compare with";
        return Look(none.to_owned());
    };
    let Some(now) = now.nanos_total() else {
        return Wrong(
            "this machine's clock is outside of the years 1970 to 2554: set it (NTP)".to_owned(),
        );
    };
    let ahead = Duration::from_nanos(at.saturating_sub(now));
    let age = Duration::from_nanos(now.saturating_sub(at));
    if ahead > HEADER_AHEAD_MAX {
        let ahead = ahead.as_secs();
        return Wrong(format!(
            "the newest header is {ahead} s ahead of this machine's clock: set the clock (NTP)"
        ));
    }
    if age <= HEADER_AGE_MAX {
        return Well(format!("the newest header is {} s old", age.as_secs()));
    }
    let age = age.as_secs();
    if sync["catching_up"] == true {
        return Look(format!(
            "the node that was asked is catching up, its newest header is {age} s old: compare with another one (--node)"
        ));
    }
    Wrong(format!(
        "the newest header is {age} s old: this machine's clock is ahead (set it, NTP), or the network makes no blocks (more than two thirds of the \
         power must run)"
    ))
}

/// Each port of the node: free, or held by it.
fn ports(args: &Args, runs: bool, is_ours: bool) -> Vec<(&'static str, Finding)> {
    let ports = [
        ("REST port", args.listen, args.rest_port),
        ("RPC port", args.listen, args.rpc_port),
        ("p2p port", args.p2p_listen, args.p2p_port),
    ];
    let ports = ports.map(|(what, address, port)| {
        let at = SocketAddr::new(address, port);
        let finding = match (TcpListener::bind(at), runs) {
            (Ok(_), false) => Well(format!("{at} is free")),
            (Ok(_), true) => Look(format!("the node runs and does not listen on {at}: give doctor the ports that the node was started with")),
            (Err(_), true) if is_ours => Well(format!("{at} is held by this node")),
            (Err(error), true) => Look(format!("{at}: {error}, and this node's RPC does not answer there: is it still starting? Its log says more")),
            (Err(error), false) => Wrong(format!("{at}: {error}: stop who listens there, or start the node with another port")),
        };
        (what, finding)
    });
    ports.into()
}

fn registration(
    node: Option<&strongroom_types::proto::strongroom::registration::v1::Node>,
    now: Timestamp,
) -> Finding {
    let Some(node) = node else {
        return Look("none: strongroom node register".to_owned());
    };
    let state = query::state(node);
    match node.state() {
        NodeState::Registered => {}
        NodeState::Pending => {
            return Look(format!(
                "{state}: run strongroom node register again, it goes on from there"
            ));
        }
        NodeState::Expired => {
            return Wrong(format!(
                "{state}: stop the node and run strongroom node register again"
            ));
        }
        NodeState::Revoked => {
            return Wrong(format!(
                "{state} by {}: its owner may run strongroom node register again; what the authority revoked stays so",
                node.revoked_by
            ));
        }
        NodeState::Unspecified => {
            return Wrong("of a state that this version does not know: update it".to_owned());
        }
    }
    let left = node
        .expires
        .as_ref()
        .map(|at| at.seconds.saturating_sub(now.seconds));
    let near = i64::try_from(EXPIRY_NEAR.as_secs()).unwrap_or(i64::MAX);
    let expires = query::expires(node);
    match left {
        Some(left) if left < near => Look(format!(
            "{state}, but the evidence ends {expires}: start the node with --renew-with, and see that its owner has coins"
        )),
        Some(_) => Well(format!("{state}, the evidence ends {expires}")),
        None => Well(format!("{state}, the evidence does not end")),
    }
}

fn voting(power: u64, node: &Node) -> Finding {
    match (power, node.runs) {
        (0, _) => Look(format!(
            "this node does not vote: ask the authority for strongroom network set-validator {} POWER",
            node.id
        )),
        (power, true) => Well(format!("votes with {power}")),
        (power, false) => Wrong(format!(
            "has {power} and does not vote, since it does not run: strongroom node start"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use strongroom_store::kv::{Batch, Kv as _, Table};
    use strongroom_store::state::{TABLES, node_kv_limits};
    use strongroom_store::{Limits, LsmKv, StateStore};
    use strongroom_types::proto::google::protobuf;
    use strongroom_types::proto::strongroom::registration::v1 as pb;
    use strongroom_types::{Tree, WriteSet, sha256};

    const NOW: i64 = 1_700_000_000;

    fn now() -> Timestamp {
        Timestamp::new(NOW, 0).unwrap()
    }

    fn header(seconds: i64, catching_up: bool) -> Value {
        let time = Timestamp::new(NOW + seconds, 0).unwrap().to_string();
        json!({ "latest_block_time": time, "catching_up": catching_up })
    }

    #[test]
    fn a_clock_is_held_against_the_newest_header() {
        for seconds in [1, 0, -1, -30] {
            assert!(
                matches!(clock(&header(seconds, false), now()), Well(_)),
                "{seconds}"
            );
        }
        for (seconds, word) in [
            (2, "ahead"),
            (3_600, "ahead"),
            (-31, "old"),
            (-3_600, "old"),
        ] {
            let Wrong(text) = clock(&header(seconds, false), now()) else {
                panic!("{seconds}")
            };
            assert!(text.contains(word), "{text}");
        }
        assert!(matches!(clock(&header(-3_600, true), now()), Look(_)));
        assert!(matches!(clock(&json!({}), now()), Look(_)));
        let none =
            json!({ "latest_block_height": "0", "latest_block_time": "1970-01-01T00:00:00Z" });
        assert!(matches!(clock(&none, now()), Look(_)));
    }

    #[test]
    fn a_look_at_all_values_says_which_one_is_damaged_and_what_to_do() {
        let home = tempfile::tempdir().unwrap();
        let layout = Layout(home.path().to_owned());
        assert!(matches!(values(&layout, false), Well(text) if text.starts_with("0 stand")));
        assert!(!home.path().join("data").exists());
        let path = home.path().join("data/state");
        let open = || LsmKv::open(path.clone(), TABLES, node_kv_limits()).unwrap();
        let store = StateStore::open(Arc::new(open()), Limits::NODE).unwrap();
        let writes = ["a", "b"].map(|key| ((Tree::Native, key.into()), Some(vec![1; 20])));
        let prepared = store.prepare(0, 0, &WriteSet(writes.into())).unwrap();
        store.commit(prepared, &[]).unwrap();
        assert!(matches!(values(&layout, false), Wrong(text) if text.starts_with("store.in_use")));
        drop(store);
        assert!(matches!(values(&layout, true), Look(_)));
        assert!(matches!(values(&layout, false), Well(text) if text.starts_with("2 stand")));
        let kv = open();
        let (table, place) = (Table("versions"), sha256(b"b"));
        let row = [&[Tree::Native as u8], &place[..], &[0; 8]].concat();
        let mut bent = kv.snapshot().unwrap().get(table, &row).unwrap().unwrap();
        *bent.last_mut().unwrap() ^= 1;
        let mut batch = Batch::new();
        batch.put(table, row, bent);
        kv.write(batch).unwrap();
        drop(kv);
        let Wrong(text) = values(&layout, false) else {
            panic!("a damaged value");
        };
        let place = format!("(tree native, key hash {})", hex::encode(place));
        assert!(
            text.starts_with("store.damaged: ") && text.contains(&place),
            "{text}"
        );
        assert!(text.contains("remove what is in data"), "{text}");
    }

    #[test]
    fn a_registration_says_what_to_do() {
        let of = |state: pb::NodeState, expires: Option<i64>| pb::Node {
            state: state.into(),
            expires: expires.map(|seconds| protobuf::Timestamp { seconds, nanos: 0 }),
            ..pb::Node::default()
        };
        let found = |node: &pb::Node| registration(Some(node), now());
        assert!(matches!(registration(None, now()), Look(_)));
        assert!(matches!(found(&of(NodeState::Registered, None)), Well(_)));
        let later = NOW + 4 * 24 * 60 * 60;
        assert!(matches!(
            found(&of(NodeState::Registered, Some(later))),
            Well(_)
        ));
        let soon = found(&of(NodeState::Registered, Some(NOW + 60)));
        assert!(matches!(soon, Look(text) if text.contains("--renew-with")));
        assert!(matches!(
            found(&of(NodeState::Pending, Some(NOW + 60))),
            Look(_)
        ));
        for state in [
            NodeState::Expired,
            NodeState::Revoked,
            NodeState::Unspecified,
        ] {
            assert!(matches!(found(&of(state, None)), Wrong(_)), "{state:?}");
        }
    }
}
