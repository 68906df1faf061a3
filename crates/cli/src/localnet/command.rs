//! `strongroom localnet status|stop|time|snapshot|…`: what is told to a network that runs, through the socket in its home.

use super::HOME;
use super::admin::{Change, Do, ask};
use crate::home::{self, Home};
use crate::online::block_on;
use crate::output::say;
use crate::output::{Output, plain, table};
use anyhow::{Context as _, ensure};
use clap::{Args as ClapArgs, Subcommand};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use strongroom_types::Timestamp;

/// How long a network may take to end after it said that it does.
const STOP_WAITS: Duration = Duration::from_secs(30);

#[derive(ClapArgs)]
pub(crate) struct There {
    /// Directory of the network's data.
    #[arg(long, default_value = HOME)]
    home: PathBuf,
    /// For people, or for programs.
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Where the network is reached, and where it stands.
    #[command(after_help = "Example:\n  strongroom localnet status")]
    Status(There),
    /// Stop the network.
    #[command(after_help = "Example:\n  strongroom localnet stop")]
    Stop(There),
    /// Set the time of blocks forward, and make a block. There is no way back but to a snapshot.
    #[command(after_help = "Example:\n  strongroom localnet time --forward 30d")]
    Time {
        #[command(flatten)]
        there: There,
        /// By this time, such as 90s, 2h or 30d.
        #[arg(long, value_name = "TIME", value_parser = crate::times::duration, required_unless_present = "to")]
        forward: Option<Duration>,
        /// To this time, RFC 3339 in UTC.
        #[arg(long, value_name = "TIME", conflicts_with = "forward", value_parser = time)]
        to: Option<Timestamp>,
    },
    /// Keep a copy of the whole network under a name.
    #[command(after_help = "Example:\n  strongroom localnet snapshot before")]
    Snapshot {
        #[command(flatten)]
        there: There,
        /// Name of the snapshot.
        name: String,
    },
    /// Put a snapshot in the place of the network. It stays, and can be put back again.
    #[command(after_help = "Example:\n  strongroom localnet revert before")]
    Revert {
        #[command(flatten)]
        there: There,
        /// Name of the snapshot.
        name: String,
    },
    /// The snapshots.
    #[command(after_help = "Example:\n  strongroom localnet snapshots")]
    Snapshots(There),
    /// Remove a snapshot. Stop the network first.
    #[command(after_help = "Example:\n  strongroom localnet forget before")]
    Forget {
        #[command(flatten)]
        there: There,
        /// Name of the snapshot.
        name: String,
    },
    /// Write the whole network to a new file, its keys among it: `localnet load`, or `localnet --load` of another home, goes on from there.
    #[command(after_help = "Example:\n  strongroom localnet dump network.dump")]
    Dump {
        #[command(flatten)]
        there: There,
        /// The file.
        file: PathBuf,
    },
    /// Put the network of a file in the place of the one that is there.
    #[command(after_help = "Example:\n  strongroom localnet load network.dump")]
    Load {
        #[command(flatten)]
        there: There,
        /// The file.
        file: PathBuf,
    },
}

fn time(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|e| format!("{e}"))
}

pub(super) fn run(command: &Command) -> anyhow::Result<()> {
    block_on(async {
        match command {
            Command::Status(there) => there.tell(&there.ask(&Do::Status).await?),
            Command::Stop(there) => stop(there).await,
            Command::Time { there, forward, to } => {
                let end = "localnet.time: the clock of blocks stays before the year 2554";
                let what = match to {
                    Some(to) => Do::To {
                        nanos: to.nanos_total().context(end)?,
                    },
                    None => Do::Forward {
                        nanos: u64::try_from(forward.unwrap_or_default().as_nanos())?,
                    },
                };
                there.tell(&there.ask(&what).await?)
            }
            Command::Snapshot { there, name } => {
                there.change(Change::Snapshot { name: name.clone() }).await
            }
            Command::Revert { there, name } => {
                there.change(Change::Revert { name: name.clone() }).await
            }
            Command::Dump { there, file } => {
                let file = std::path::absolute(file)?;
                there.change(Change::Dump { file }).await
            }
            Command::Load { there, file } => {
                let file = std::path::absolute(file)?;
                there.change(Change::Load { file }).await
            }
            Command::Snapshots(there) => {
                let names = Home::snapshots(&there.home)?;
                match there.output {
                    Output::Json => say(serde_json::to_string(&names)?),
                    Output::Text => names.iter().for_each(say),
                }
                Ok(())
            }
            Command::Forget { there, name } => {
                let opened = Home::open(&there.home)?;
                let home = opened.context("localnet.none: there is no network")?;
                home.forget_snapshot(name)?;
                if there.output == Output::Json {
                    say(json!({ "forgotten": name }));
                }
                Ok(())
            }
        }
    })
}

impl There {
    async fn ask(&self, what: &Do) -> anyhow::Result<Value> {
        ask(&self.home, what).await
    }

    async fn change(&self, change: Change) -> anyhow::Result<()> {
        self.tell(&self.ask(&Do::Change(change)).await?)
    }

    fn tell(&self, status: &Value) -> anyhow::Result<()> {
        if self.output == Output::Json {
            say(status);
            return Ok(());
        }
        let rows = [
            "chain_id", "height", "time", "rest", "rpc", "faucet", "home", "pid",
        ];
        let row = |name: &&str| {
            let value = match &status[*name] {
                Value::String(text) => plain(text),
                value => value.to_string(),
            };
            [(*name).to_owned(), value]
        };
        say(table(&rows.iter().map(row).collect::<Vec<_>>()).trim_end());
        Ok(())
    }
}

async fn stop(there: &There) -> anyhow::Result<()> {
    there.ask(&Do::Stop).await?;
    let since = Instant::now();
    while home::is_locked(Path::new(&there.home)) {
        ensure!(
            since.elapsed() < STOP_WAITS,
            "localnet.busy: the network takes long to stop"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    match there.output {
        Output::Json => say(json!({ "stopped": true })),
        Output::Text => talk!("stopped"),
    }
    Ok(())
}
