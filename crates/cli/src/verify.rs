//! `strongroom verify`: a value of the state, proven down from a genesis file or a header that is trusted, over a node that is not.

use crate::given;
use crate::rpc::{Ca, Client, Remote};
use anyhow::{Context as _, bail};
use clap::{ArgGroup, Args as ClapArgs};
use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use strongroom_consensus::{Clock as _, SystemClock};
use strongroom_sdk::light::{
    self, Answer, Call, Clock, Question, RECORDING_BYTES_MAX, Recording, Terms, TrustLevel, Trusted,
};
use strongroom_types::genesis::GENESIS_BYTES_MAX;
use strongroom_types::{Hash, Height, Timestamp, Tree};

#[derive(ClapArgs)]
#[command(
    after_help = "Example:\n  strongroom verify --node http://127.0.0.1:26657 --trusted \"2:$(cat header)\" --key registration/keys"
)]
#[command(group = ArgGroup::new("anchor").required(true).args(["genesis", "trusted"]))]
#[command(group = ArgGroup::new("raw").required(true).args(["key", "key_hex"]))]
pub(crate) struct Args {
    /// RPC or REST of a node, which is not trusted.
    #[arg(long, default_value = "http://127.0.0.1:26657")]
    node: String,
    #[command(flatten)]
    ca: Ca,
    /// Trust this genesis file: its first validators.
    #[arg(long)]
    genesis: Option<PathBuf>,
    /// Trust the header at this height with this hash.
    #[arg(long, value_name = "HEIGHT:HASH", value_parser = header)]
    trusted: Option<(Height, Hash)>,
    /// Tree: native, contract or ibc.
    #[arg(long, value_parser = tree, default_value = "native")]
    store: Tree,
    /// Raw key, as text.
    #[arg(long)]
    key: Option<String>,
    /// Raw key, in hex.
    #[arg(long, value_name = "HEX", value_parser = bytes)]
    key_hex: Option<Bytes>,
    /// The state after this block [default: the newest that a header commits to].
    #[arg(long)]
    height: Option<Height>,
    /// For how many seconds a header is trusted.
    #[arg(long, default_value_t = 14 * 24 * 60 * 60)]
    trusting_period: u64,
    /// Check as of this time, RFC 3339 in UTC [default: now].
    #[arg(long, value_parser = time)]
    at: Option<Timestamp>,
    /// Keep the node's answers in this file.
    #[arg(long, conflicts_with = "recorded")]
    record: Option<PathBuf>,
    /// Ask no node: check the answers that this file keeps.
    #[arg(long)]
    recorded: Option<PathBuf>,
}

/// Bytes of an argument.
#[derive(Clone)]
struct Bytes(Vec<u8>);

fn bytes(text: &str) -> Result<Bytes, String> {
    let bytes = hex::decode(text).map_err(|e| e.to_string())?;
    Ok(Bytes(bytes))
}

fn time(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|e| format!("{e}"))
}

fn tree(text: &str) -> Result<Tree, String> {
    let found = Tree::ALL.into_iter().find(|tree| tree.name() == text);
    found.ok_or_else(|| "there are the trees native, contract and ibc".to_owned())
}

pub(crate) fn header(text: &str) -> Result<(Height, Hash), String> {
    let parse = || {
        let (height, hash) = text.split_once(':')?;
        let hash = hex::decode(hash).ok()?.try_into().ok()?;
        Some((height.parse().ok()?, hash))
    };
    parse().ok_or_else(|| "not a height, a colon, and 64 hex digits".to_owned())
}

/// Prints the value in hex, or that there is none; says on standard error what it follows from.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(verified(args))
}

async fn verified(args: &Args) -> anyhow::Result<()> {
    let mut source = Source::new(args).await?;
    let mut ask = async |call: &Call| source.ask(call).await;
    let trusted = match (&args.genesis, &args.trusted) {
        (Some(file), _) => light::genesis(&given::read(file, GENESIS_BYTES_MAX)?)?,
        (None, Some((height, hash))) => light::header(*height, hash, &mut ask).await?,
        // clap asks for one of them.
        (None, None) => bail!("nothing is trusted: give --genesis or --trusted"),
    };
    let key = match (&args.key, &args.key_hex) {
        (Some(text), _) => text.as_bytes(),
        (None, Some(bytes)) => &bytes.0,
        (None, None) => &[],
    };
    let question = Question {
        tree: args.store,
        key: key.to_vec(),
        height: args.height,
    };
    let answer = light::value(&trusted, &terms(args), &question, &mut ask).await?;
    if let (Some(file), Some(recording)) = (&args.record, source.recording()) {
        fs::write(file, recording.to_json()?).with_context(|| file.display().to_string())?;
    }
    report(&trusted, &answer);
    match &answer.value {
        Some(value) => println!("{}", hex::encode(value)),
        None => println!("absent"),
    }
    Ok(())
}

fn terms(args: &Args) -> Terms {
    let clock = Clock {
        now: args.at.unwrap_or_else(|| SystemClock.now()),
        trusting_period_seconds: args.trusting_period,
        drift_seconds: 10,
    };
    Terms {
        level: TrustLevel::ONE_THIRD,
        clock: Some(clock),
    }
}

fn report(trusted: &Trusted, answer: &Answer) {
    let end = &answer.path.end;
    let hash = end.hash().map(hex::encode_upper).unwrap_or_default();
    let what = match &answer.value {
        Some(value) => format!("a value of {} bytes", value.len()),
        None => "nothing".to_owned(),
    };
    talk!(
        "{what} in the state after block {} of {}: proven by header {} ({hash}) of {}",
        answer.height,
        end.chain_id(),
        end.height(),
        end.time()
    );
    talk!(
        "that header follows from the trusted point at height {} in {} steps",
        trusted.height(),
        answer.path.blocks.len()
    );
}

/// Where answers come from.
enum Source {
    Node(Box<Online>),
    File(Recording),
}

struct Online {
    client: Client,
    kept: Recording,
}

impl Source {
    async fn new(args: &Args) -> anyhow::Result<Self> {
        if let Some(file) = &args.recorded {
            let bytes = given::read(file, RECORDING_BYTES_MAX)?;
            let recording = Recording::from_json(&bytes);
            return Ok(Self::File(
                recording.with_context(|| file.display().to_string())?,
            ));
        }
        Ok(Self::Node(Box::new(Online {
            client: Remote::new(&args.node, args.ca.ca_file.as_deref())?
                .client()
                .await?,
            kept: Recording::default(),
        })))
    }

    async fn ask(&mut self, call: &Call) -> Result<Value, String> {
        match self {
            Self::File(recording) => recording.ask(call),
            Self::Node(online) => {
                let answer = online.client.ask(call).await?;
                online.kept.keep(call, &answer);
                Ok(answer)
            }
        }
    }

    const fn recording(&self) -> Option<&Recording> {
        match self {
            Self::Node(online) => Some(&online.kept),
            Self::File(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trusted_header_is_a_height_and_a_hash() {
        let hash = "AB".repeat(32);
        assert_eq!(header(&format!("7:{hash}")), Ok((7, [0xab; 32])));
        for bad in ["7", "7:AB", "x:AB", ":", &format!("-7:{hash}")] {
            assert!(header(bad).is_err(), "{bad}");
        }
    }
}
