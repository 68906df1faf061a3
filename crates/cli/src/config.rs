//! `strongroom config …`: networks by name, so that no command needs an address.
//!
//! Promises: a file that is not ours, or of a later version, is neither read nor written over.

use crate::output::say;
use crate::output::{Output, headed, table};
use crate::{given, preflight, rpc};
use anyhow::{Context as _, ensure};
use clap::{Args as ClapArgs, Subcommand};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use strongroom_store::files::{self, Readers};

const FORMAT: &str = "strongroom-config/v1";
const BYTES_MAX: usize = 1 << 20;
/// The node that is asked where no network is named.
pub(crate) const NODE: &str = "http://127.0.0.1:26657";
/// Names another directory than `~/.strongroom`.
const DIRECTORY: &str = "STRONGROOM_HOME";

/// The directory of this user: configuration and keys.
pub(crate) fn directory() -> anyhow::Result<PathBuf> {
    if let Some(directory) = std::env::var_os(DIRECTORY) {
        return Ok(directory.into());
    }
    let home = std::env::var_os("HOME").filter(|home| !home.is_empty());
    let home = home.with_context(|| {
        format!("config.no_home: HOME is not set: {DIRECTORY} names a directory for keys and configuration")
    })?;
    Ok(Path::new(&home).join(".strongroom"))
}

/// What is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    format: String,
    /// The network of commands that name none.
    current: Option<String>,
    networks: BTreeMap<String, Network>,
}

/// A network.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Network {
    /// RPC or REST of a node.
    pub(crate) node: String,
    /// Its chain; a node of another one is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) chain_id: Option<String>,
    /// Its genesis file, which the network key is proven from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) genesis: Option<PathBuf>,
    /// Authorities that may sign its node's certificate, in place of the system's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ca_file: Option<PathBuf>,
    /// Whether its node is believed where nothing proves what it says.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) trust_node: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            format: FORMAT.to_owned(),
            current: None,
            networks: BTreeMap::new(),
        }
    }
}

impl Config {
    fn path() -> anyhow::Result<PathBuf> {
        Ok(directory()?.join("config.json"))
    }

    /// What is kept, or nothing.
    pub(crate) fn load() -> anyhow::Result<Self> {
        let path = Self::path()?;
        if path.symlink_metadata().is_err() {
            return Ok(Self::default());
        }
        Self::read(&given::read(&path, BYTES_MAX).context("config.read")?)
            .with_context(|| path.display().to_string())
    }

    fn read(bytes: &[u8]) -> anyhow::Result<Self> {
        let broken =
            "config.broken: this is no configuration of this strongroom: repair it or move it away";
        let config: Self = serde_json::from_slice(bytes).context(broken)?;
        ensure!(config.format == FORMAT, broken);
        Ok(config)
    }

    fn save(&self) -> anyhow::Result<()> {
        let path = Self::path()?;
        let failed = || format!("config.write: {}", path.display());
        std::fs::create_dir_all(directory()?).with_context(failed)?;
        let bytes = serde_json::to_vec_pretty(self)?;
        files::write(&path, &bytes, Readers::Anyone).with_context(failed)
    }

    /// The network with this name; without a name the current one, if there is one.
    pub(crate) fn network(&self, name: Option<&str>) -> anyhow::Result<Option<&Network>> {
        let Some(name) = name.or(self.current.as_deref()) else {
            return Ok(None);
        };
        let missing = || {
            format!(
                "config.missing: there is no network {name}: `strongroom config list` shows those that are there"
            )
        };
        self.networks.get(name).map(Some).with_context(missing)
    }
}

#[derive(ClapArgs)]
pub(crate) struct Args {
    /// For people, or for programs.
    #[arg(long, global = true, value_enum, default_value = "text")]
    output: Output,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Keep a network under a name, in place of one that is there. The first one is the current one.
    #[command(
        after_help = "Example:\n  strongroom config set local --node http://127.0.0.1:26657 --trust-node"
    )]
    Set(Set),
    /// Make a network the current one: that of commands that name none.
    #[command(after_help = "Example:\n  strongroom config use local")]
    Use {
        /// Name of the network.
        name: String,
    },
    /// The networks.
    #[command(after_help = "Example:\n  strongroom config list")]
    List,
    /// Forget a network.
    #[command(after_help = "Example:\n  strongroom config remove old")]
    Remove {
        /// Name of the network.
        name: String,
    },
}

#[derive(ClapArgs)]
pub(crate) struct Set {
    /// Name of the network.
    #[arg(value_parser = preflight::chain_id)]
    name: String,
    /// RPC or REST of a node of it.
    #[arg(long, value_name = "URL")]
    node: String,
    /// Its chain: a node of another one is refused.
    #[arg(long, value_parser = preflight::chain_id)]
    chain_id: Option<String>,
    /// Its genesis file: the key that messages are sealed for is proven from it.
    #[arg(long, value_name = "FILE")]
    genesis: Option<PathBuf>,
    /// Authorities that may sign the certificate of its node with https, in PEM, in place of those of this system.
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Believe this node what nothing proves: it is your own, and no tunnel to somebody else's.
    #[arg(long)]
    trust_node: bool,
}

pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    let mut config = Config::load()?;
    match args.command {
        Command::Set(set) => {
            rpc::endpoint_of(&set.node, set.ca_file.is_some())?;
            let whole = |file: Option<PathBuf>, code| {
                let whole = file.map(|file| {
                    let whole = file.canonicalize();
                    whole.with_context(|| format!("{code}: {}", file.display()))
                });
                whole.transpose()
            };
            let network = Network {
                node: set.node,
                chain_id: set.chain_id,
                genesis: whole(set.genesis, "config.genesis")?,
                ca_file: whole(set.ca_file, "tls.ca_file")?,
                trust_node: set.trust_node,
            };
            config.networks.insert(set.name.clone(), network);
            config.current.get_or_insert(set.name);
            config.save()
        }
        Command::Use { name } => {
            config.network(Some(&name))?;
            config.current = Some(name);
            config.save()
        }
        Command::List => {
            list(&config, args.output)?;
            Ok(())
        }
        Command::Remove { name } => {
            config.network(Some(&name))?;
            config.networks.remove(&name);
            config.current.take_if(|current| *current == name);
            config.save()
        }
    }
}

fn list(config: &Config, output: Output) -> anyhow::Result<()> {
    if output == Output::Json {
        say(serde_json::to_string(config)?);
        return Ok(());
    }
    let mut rows = vec![["", "NETWORK", "NODE", "CHAIN", "BELIEVED"].map(str::to_owned)];
    for (name, network) in &config.networks {
        let current = config.current.as_ref() == Some(name);
        let believed = match (&network.genesis, network.trust_node) {
            (Some(file), _) => format!("what follows from {}", file.display()),
            (None, true) => "the node".to_owned(),
            (None, false) => String::new(),
        };
        rows.push([
            if current { "*" } else { "" }.to_owned(),
            name.clone(),
            network.node.clone(),
            network.chain_id.clone().unwrap_or_default(),
            believed,
        ]);
    }
    say(headed(&table(&rows)).trim_end());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_of_something_else_is_not_read() {
        for bytes in [
            "",
            "{}",
            "[]",
            r#"{"format":"strongroom-config/v2","current":null,"networks":{}}"#,
            r#"{"format":"strongroom-config/v1","current":null,"networks":{"a":{"nod":"x"}}}"#,
        ] {
            let error = Config::read(bytes.as_bytes()).unwrap_err().to_string();
            assert!(error.starts_with("config.broken:"), "{bytes}: {error}");
        }
        let whole = serde_json::to_vec(&Config::default()).unwrap();
        assert_eq!(Config::read(&whole).unwrap(), Config::default());
    }

    #[test]
    fn a_command_without_a_network_goes_to_the_current_one() {
        let mut config = Config::default();
        assert_eq!(config.network(None).unwrap(), None);
        assert!(config.network(Some("a")).is_err());
        let network = Network {
            node: "http://a:1".to_owned(),
            ..Network::default()
        };
        config.networks.insert("a".to_owned(), network.clone());
        config.current = Some("a".to_owned());
        assert_eq!(config.network(None).unwrap(), Some(&network));
        config.current = Some("gone".to_owned());
        assert!(config.network(None).is_err());
    }
}
