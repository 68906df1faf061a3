//! What a local network says when it is there.

use crate::faucet::{AMOUNT, DENOM};
use crate::output::Output;
use serde_json::{Value, json};
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use strongroom_sdk::local::{self, ACCOUNTS};

/// Where a network is reached.
#[derive(Clone, Debug)]
pub(super) struct Places {
    pub(super) chain_id: String,
    pub(super) home: PathBuf,
    pub(super) genesis: PathBuf,
    pub(super) rest: SocketAddr,
    pub(super) rpc: SocketAddr,
    pub(super) faucet: SocketAddr,
}

impl Places {
    /// For programs; the members stay.
    pub(super) fn to_json(&self) -> Value {
        json!({
            "chain_id": self.chain_id,
            "home": self.home,
            "genesis": self.genesis,
            "pid": std::process::id(),
            "rest": format!("http://{}", self.rest),
            "rpc": format!("http://{}", self.rpc),
            "websocket": format!("ws://{}/websocket", self.rpc),
            "faucet": format!("http://{}", self.faucet),
        })
    }

    /// What a newcomer wants to know, on standard output. `catching_up`: what was decided before is not executed yet.
    pub(super) fn greet(&self, output: Output, catching_up: bool) -> std::io::Result<()> {
        match output {
            Output::Text => greet(self, catching_up),
            Output::Json => {
                let mut whole = self.to_json();
                whole["catching_up"] = json!(catching_up);
                let accounts = ACCOUNTS.iter().map(|account| {
                    json!({ "name": account.name, "address": account.address, "mnemonic": account.mnemonic })
                });
                whole["accounts"] = accounts.collect();
                let mut out = std::io::stdout().lock();
                writeln!(out, "{whole}")?;
                out.flush()
            }
        }
    }
}

fn greet(places: &Places, catching_up: bool) -> std::io::Result<()> {
    let Places {
        chain_id,
        home,
        rest,
        rpc,
        faucet,
        ..
    } = places;
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "Strongroom local network {chain_id} is running. Data: {}",
        home.display()
    )?;
    if catching_up {
        writeln!(
            out,
            "It catches up: blocks that were decided before are not executed yet (`strongroom localnet status`)."
        )?;
    }
    writeln!(out)?;
    writeln!(out, "  REST     http://{rest}")?;
    writeln!(out, "  RPC      http://{}  (websocket: /websocket)", rpc)?;
    writeln!(
        out,
        "  Faucet   http://{faucet}/faucet?address=secret1…  ({AMOUNT} {DENOM} each)"
    )?;
    writeln!(out)?;
    writeln!(
        out,
        "Accounts (public test keys, 10^18 {DENOM} each; never use them elsewhere):"
    )?;
    for account in &ACCOUNTS {
        writeln!(out, "  {:<9} {}", account.name, account.address)?;
        writeln!(out, "            {}", account.mnemonic)?;
    }
    writeln!(out)?;
    writeln!(
        out,
        "Simulated platform: the code and the checks are those of a real network, secrecy from this machine is not."
    )?;
    writeln!(out)?;
    writeln!(out, "Try next, in another terminal:")?;
    if let Some(b) = local::account("b") {
        writeln!(out, "  curl 'http://{faucet}/faucet?address={}'", b.address)?;
        writeln!(
            out,
            "  curl http://{rest}/cosmos/bank/v1beta1/balances/{}",
            b.address
        )?;
    }
    writeln!(out)?;
    writeln!(
        out,
        "  strongroom config set local --node http://{rpc} --trust-node"
    )?;
    writeln!(out)?;
    writeln!(
        out,
        "Stop with Ctrl-C. The same command goes on from here; --reset begins anew."
    )?;
    out.flush()
}
