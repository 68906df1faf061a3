//! The baseline: four validators of the same CometBFT with its own application that does nothing, and our settings.

use super::load::{self, Loaded};
use super::rpc::Rpc;
use super::strongroom::Ours;
use super::{VALIDATORS, one_by_one, until};
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Sends what the other network was sent: the bytes are the same, only nobody reads them.
pub(super) fn measure(ours: &Ours) -> Loaded {
    let home = tempfile::tempdir().expect("a temporary directory");
    let network = Network::start(&ours.cometbft, home.path(), &ours.settings);
    until("the first blocks", || {
        (Rpc::new(network.ports[0]).height()? >= 3).then_some(())
    });
    let alone = one_by_one(&mut Rpc::new(network.ports[0]), &ours.alone);
    let (took, blocks) = load::send(&network.ports, &ours.shares());
    Loaded {
        txs: ours.txs.len(),
        took,
        blocks,
        alone,
    }
}

struct Network {
    nodes: Vec<Child>,
    ports: Vec<u16>,
}

impl Network {
    fn start(binary: &Path, home: &Path, settings: &str) -> Self {
        let made = Command::new(binary)
            .arg("testnet")
            .args(["--v", &VALIDATORS.to_string(), "--o"])
            .arg(home)
            .stdout(Stdio::null())
            .status();
        assert!(made.is_ok_and(|status| status.success()), "no test network");
        let ports = super::strongroom::free_ports(2 * usize::from(VALIDATORS));
        let (rpc, p2p) = ports.split_at(usize::from(VALIDATORS));
        let node = |n: usize| home.join(format!("node{n}"));
        let id = |n: usize| {
            let out = Command::new(binary)
                .args(["show-node-id", "--home"])
                .arg(node(n))
                .output();
            String::from_utf8(out.expect("a node id").stdout).expect("hex")
        };
        let peers: Vec<String> = (0..rpc.len())
            .map(|n| format!("{}@127.0.0.1:{}", id(n).trim(), p2p[n]))
            .collect();
        let nodes = (0..rpc.len())
            .map(|n| {
                fs::write(node(n).join("config/config.toml"), settings).expect("its settings");
                Command::new(binary)
                    .args(["start", "--proxy_app", "noop", "--home"])
                    .arg(node(n))
                    .args(["--rpc.laddr", &format!("tcp://127.0.0.1:{}", rpc[n])])
                    .args(["--p2p.laddr", &format!("tcp://127.0.0.1:{}", p2p[n])])
                    .args(["--p2p.persistent_peers", &peers.join(",")])
                    .stdout(Stdio::null())
                    .stderr(Stdio::null())
                    .spawn()
                    .expect("CometBFT starts")
            })
            .collect();
        Self {
            nodes,
            ports: rpc.to_vec(),
        }
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for node in &mut self.nodes {
            let _ = node.kill();
            let _ = node.wait();
        }
    }
}
