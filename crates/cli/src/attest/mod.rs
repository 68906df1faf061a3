//! `strongroom attest`: evidence of trusted hardware, checked offline with the code that the chain checks it with.

mod words;

use anyhow::{Context as _, anyhow, bail};
use base64::Engine as _;
use clap::{Args as ClapArgs, Subcommand};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};
use strongroom_attest::{
    Collateral, EVIDENCE_BYTES_MAX, Evidence, PCCS_BYTES_MAX, Policy, REPORT_BYTES, Verdict,
    items_of_pccs,
};
use strongroom_types::Timestamp;

/// The most bytes of a policy's file.
const POLICY_BYTES_MAX: u64 = 1 << 20;

#[derive(ClapArgs)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Say in one line whether evidence is genuine and, with a policy, whether a network takes it. Fails if not.
    #[command(after_help = "Example:\n  strongroom attest verify evidence")]
    Verify(Input),
    /// Say in plain words who signed, which state the firmware is in, what expires when, and what the policy says.
    #[command(after_help = "Example:\n  strongroom attest explain evidence")]
    Explain(Input),
}

#[derive(ClapArgs)]
struct Input {
    /// A quote of SGX or TDX, a report of SEV-SNP, a document of Nitro, or evidence as a chain holds it; raw, hex or base64.
    file: PathBuf,
    /// SGX, TDX: what Intel says of the platform, in the JSON of caching services (PCCS).
    #[arg(long)]
    collateral: Option<PathBuf>,
    /// SEV-SNP: certificate (DER) of the chip's key.
    #[arg(long)]
    vcek: Option<PathBuf>,
    /// What a network takes (JSON, as in its genesis).
    #[arg(long)]
    policy: Option<PathBuf>,
    /// Height at which the policy is asked.
    #[arg(long, default_value_t = 1)]
    height: u64,
    /// The moment to check at: Unix seconds or RFC 3339. Default: now.
    #[arg(long)]
    time: Option<String>,
}

/// What there is to look at.
struct Case {
    evidence: Evidence,
    collateral: Collateral,
    policy: Option<Policy>,
    height: u64,
    time: u64,
}

/// Checks evidence, or explains it.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    match &args.command {
        Command::Verify(input) => verify(&input.read()?),
        Command::Explain(input) => {
            print!("{}", words::explain(&input.read()?));
            Ok(())
        }
    }
}

fn verify(case: &Case) -> anyhow::Result<()> {
    let claims = case
        .evidence
        .check(&case.collateral, case.time)
        .map_err(|refusal| anyhow!("{}: {}", refusal.reason.code(), refusal.detail))?;
    let (kind, status) = (claims.kind.as_str(), claims.tcb_status());
    let taken = match &case.policy {
        None => "genuine",
        Some(policy) => match policy.judge(claims, case.height, case.time) {
            Verdict::Accepted(_) => "genuine and taken by the policy",
            Verdict::Refused(reason) => bail!("{}: {}", reason.code(), reason.text()),
        },
    };
    let status = if status.is_empty() {
        String::new()
    } else {
        format!(", firmware {status}")
    };
    println!("{kind}: {taken}{status}");
    Ok(())
}

impl Input {
    fn read(&self) -> anyhow::Result<Case> {
        // Base64 or hex at most doubles it.
        let bytes = read(&self.file, 2 * EVIDENCE_BYTES_MAX as u64 + 1024)?;
        let vcek = self
            .vcek
            .as_deref()
            .map(|path| read(path, EVIDENCE_BYTES_MAX as u64));
        let evidence = evidence(&bytes, vcek.transpose()?)
            .with_context(|| format!("{}: no evidence of a known kind", self.file.display()))?;
        let mut collateral = Collateral::new();
        if let Some(path) = &self.collateral {
            for item in items_of_pccs(&read(path, PCCS_BYTES_MAX as u64)?)? {
                let key = item
                    .key()
                    .with_context(|| format!("{}: an item cannot be read", path.display()))?;
                collateral.insert(key, item);
            }
        }
        let policy = self.policy.as_deref().map(|path| {
            serde_json::from_slice(&read(path, POLICY_BYTES_MAX)?)
                .with_context(|| format!("{}: no policy", path.display()))
        });
        Ok(Case {
            evidence,
            collateral,
            policy: policy.transpose()?,
            height: self.height,
            time: self.time.as_deref().map_or_else(now, time)?,
        })
    }
}

fn read(path: &Path, bytes_max: u64) -> anyhow::Result<Vec<u8>> {
    let name = || path.display().to_string();
    let length = fs::metadata(path).with_context(name)?.len();
    if length > bytes_max {
        bail!("{}: longer than {bytes_max} bytes", path.display());
    }
    fs::read(path).with_context(name)
}

/// Finds out what the bytes are: by their form, since none of these says its kind outside of what is signed.
fn evidence(bytes: &[u8], vcek: Option<Vec<u8>>) -> anyhow::Result<Evidence> {
    let raw = as_text(bytes).unwrap_or_else(|| bytes.to_vec());
    if let Some(evidence) = Evidence::decode(&raw) {
        return Ok(evidence);
    }
    match raw.as_slice() {
        [3..=5, 0, 2, 0, ..] => Ok(Evidence::DcapV1(raw)),
        [0x84, ..] | [0xd2, 0x84, ..] => Ok(Evidence::NitroV1(raw)),
        report if report.len() == REPORT_BYTES => Ok(Evidence::SnpV1 {
            report: raw,
            vcek: vcek.context("a report of SEV-SNP needs --vcek, the certificate of its chip")?,
        }),
        _ => bail!("neither a quote, a report nor a document"),
    }
}

/// What hex or base64 stands for, if it is one of them.
fn as_text(bytes: &[u8]) -> Option<Vec<u8>> {
    let text: String = core::str::from_utf8(bytes)
        .ok()?
        .split_whitespace()
        .collect();
    let text = text.strip_prefix("0x").unwrap_or(&text);
    hex::decode(text)
        .ok()
        .or_else(|| base64::engine::general_purpose::STANDARD.decode(text).ok())
}

fn now() -> anyhow::Result<u64> {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH);
    Ok(elapsed.context("the clock stands before 1970")?.as_secs())
}

fn time(text: &str) -> anyhow::Result<u64> {
    if let Ok(seconds) = text.parse() {
        return Ok(seconds);
    }
    let time: Timestamp = text.parse()?;
    u64::try_from(time.seconds).context("before 1970")
}

#[cfg(test)]
mod tests;
