//! Evidence in plain words.

use super::Case;
use core::fmt::Write as _;
use strongroom_attest::{Claims, Evidence, Reason, Tcb, TcbStatus, Verdict};
use strongroom_types::Timestamp;

/// Everything that there is to say.
pub(super) fn explain(case: &Case) -> String {
    let mut text = String::new();
    let checked = case.evidence.check(&case.collateral, case.time);
    line(&mut text, "What it is", what(&case.evidence));
    line(&mut text, "Checked at", &when(case.time));
    match &checked {
        Ok(claims) => {
            let why = match claims.tcb {
                Tcb::Simulated => "yes, for what it is: everyone can make it",
                _ => "yes: every signature leads to the vendor's root key",
            };
            line(&mut text, "Genuine", why);
            proven(&mut text, claims);
        }
        Err(refusal) => {
            let why = format!("no: {} ({})", refusal.detail, refusal.reason.code());
            line(&mut text, "Genuine", &why);
            line(&mut text, "What to do", refusal.reason.text());
        }
    }
    signed(&mut text, case);
    if let Ok(claims) = checked {
        policy(&mut text, case, claims);
    }
    text
}

/// What the evidence proves.
fn proven(text: &mut String, claims: &Claims) {
    let code = match &claims.tcb {
        Tcb::Simulated | Tcb::Snp { .. } => "code (launch measurement)",
        Tcb::Dcap {
            td_attributes: None,
            ..
        } => "code (MRENCLAVE)",
        Tcb::Dcap { .. } => "code (MRTD)",
        Tcb::Nitro => "code (PCR 0)",
    };
    text.push_str("What it proves:\n");
    item(text, code, &claims.measurement.to_string());
    for (number, value) in &claims.registers {
        let name = if claims.tcb == Tcb::Nitro {
            "PCR"
        } else {
            "RTMR"
        };
        item(text, &format!("{name} {number}"), &value.to_string());
    }
    item(text, "machine (hash)", &hex::encode(claims.platform_id));
    item(text, "bound data", &hex::encode(claims.report_data));
    text.push_str("State of the firmware:\n");
    firmware(text, &claims.tcb);
}

fn firmware(text: &mut String, tcb: &Tcb) {
    match tcb {
        Tcb::Simulated => item(
            text,
            "none",
            "a simulated platform protects nothing from its operator",
        ),
        Tcb::Nitro => item(text, "unknown", "AWS tells nothing about the machine"),
        Tcb::Snp {
            generation,
            version,
            vmpl,
        } => {
            item(text, "processor", &format!("AMD {}", generation.as_str()));
            let versions = format!(
                "boot loader {}, TEE {}, SNP {}, microcode {}, FMC {}",
                version.boot_loader, version.tee, version.snp, version.microcode, version.fmc
            );
            item(text, "versions", &versions);
            item(
                text,
                "asked for at",
                &format!("VMPL {vmpl} (0 is the highest)"),
            );
        }
        Tcb::Dcap {
            fmspc,
            status,
            advisories,
            evaluation_number,
            td_attributes,
        } => {
            item(
                text,
                "Intel's verdict",
                &format!("{}: {}", status.as_str(), meaning(*status)),
            );
            let names = if advisories.is_empty() {
                "none".into()
            } else {
                advisories.join(", ")
            };
            item(text, "advisories", &names);
            item(text, "model (FMSPC)", &fmspc.to_string());
            item(text, "evaluation", &format!("number {evaluation_number}"));
            if let Some(attributes) = td_attributes {
                item(text, "TD attributes", &attributes.to_string());
            }
        }
    }
}

/// Who signed, and what expires when.
fn signed(text: &mut String, case: &Case) {
    let certificates = case.evidence.certificates();
    if !certificates.is_empty() {
        text.push_str("Who signed, and until when that holds:\n");
    }
    for certificate in certificates {
        let until = format!(
            "{} (signed by {})",
            when(certificate.valid_until),
            certificate.issuer
        );
        item(text, &certificate.name, &until);
    }
    let keys = case.evidence.collateral_keys();
    if !keys.is_empty() {
        text.push_str("Statements of the vendor that it needs:\n");
    }
    for key in keys {
        let item_of_key = case.collateral.get(&key);
        let found = match (item_of_key.and_then(|found| found.window()), &case.evidence) {
            (Some((from, until)), _) => format!("{} to {}", when(from), when(until)),
            (None, Evidence::SnpV1 { .. }) => "not given; it may be missing".into(),
            (None, _) => "not given: --collateral".into(),
        };
        item(text, &key.to_string(), &found);
    }
}

/// What the policy says.
fn policy(text: &mut String, case: &Case, claims: Claims) {
    let Some(policy) = &case.policy else {
        return line(text, "Policy", "none was given: --policy");
    };
    match policy.judge(claims, case.height, case.time) {
        Verdict::Accepted(claims) if claims.valid_until == u64::MAX => {
            line(text, "Policy", "takes it; it does not expire");
        }
        Verdict::Accepted(claims) => {
            line(
                text,
                "Policy",
                &format!("takes it, until {}", when(claims.valid_until)),
            );
        }
        Verdict::Refused(reason) => {
            line(
                text,
                "Policy",
                &format!("refuses it: {} ({})", reason.text(), reason.code()),
            );
            if reason == Reason::Measurement {
                line(text, "Height", &case.height.to_string());
            }
        }
    }
}

fn what(evidence: &Evidence) -> &'static str {
    match evidence {
        Evidence::SimulatedV1(_) => "evidence of a simulated platform: everyone can make it",
        Evidence::DcapV1(quote) if quote.starts_with(&[3]) => "a quote of Intel SGX",
        Evidence::DcapV1(_) => "a quote of Intel TDX",
        Evidence::SnpV1 { .. } => "a report of AMD SEV-SNP",
        Evidence::NitroV1(_) => "an attestation document of AWS Nitro Enclaves",
    }
}

const fn meaning(status: TcbStatus) -> &'static str {
    match status {
        TcbStatus::UpToDate => "nothing is known to be missing",
        TcbStatus::SWHardeningNeeded => "the code must defend itself against the advisories",
        TcbStatus::ConfigurationNeeded => "the machine's settings leave a known hole open",
        TcbStatus::ConfigurationAndSWHardeningNeeded => {
            "the machine's settings leave a known hole open, and the code must defend itself"
        }
        TcbStatus::OutOfDate => "updates of the firmware are missing",
        TcbStatus::OutOfDateConfigurationNeeded => {
            "updates of the firmware are missing, and the machine's settings leave a known hole open"
        }
        TcbStatus::TDRelaunchAdvised => {
            "the firmware was updated since the domain began: start it again"
        }
        TcbStatus::TDRelaunchAdvisedConfigurationNeeded => {
            "the firmware was updated since the domain began, and the machine's settings leave a known hole open"
        }
    }
}

fn when(seconds: u64) -> String {
    i64::try_from(seconds)
        .ok()
        .and_then(|seconds| Timestamp::new(seconds, 0).ok())
        .map_or_else(|| "never".into(), |time| time.to_rfc3339_seconds())
}

fn line(text: &mut String, name: &str, value: &str) {
    let _ = writeln!(text, "{name}: {value}");
}

fn item(text: &mut String, name: &str, value: &str) {
    let _ = writeln!(text, "  {name:<24} {value}");
}
