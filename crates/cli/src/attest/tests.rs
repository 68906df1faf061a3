use super::*;
use strongroom_attest::simulated::Simulated;

fn simulated() -> Evidence {
    Evidence::SimulatedV1(Simulated::new([1; 32], [2; 32], [3; 64]))
}

fn case(policy: Option<&str>) -> Case {
    Case {
        evidence: simulated(),
        collateral: Collateral::new(),
        policy: policy.map(|json| serde_json::from_str(json).unwrap()),
        height: 7,
        time: 1_780_000_000,
    }
}

#[test]
fn evidence_is_found_raw_in_hex_and_in_base64() {
    let raw = simulated().encode();
    let text = base64::engine::general_purpose::STANDARD.encode(&raw);
    let broken: Vec<_> = text.as_bytes().chunks(64).collect();
    for form in [
        raw.clone(),
        hex::encode(&raw).into_bytes(),
        format!("0x{}\n", hex::encode_upper(&raw)).into_bytes(),
        broken.join(&b'\n'),
    ] {
        assert_eq!(evidence(&form, None).unwrap(), simulated());
    }
    let quote = [3, 0, 2, 0, 9].to_vec();
    assert_eq!(evidence(&quote, None).unwrap(), Evidence::DcapV1(quote));
    let document = [0x84, 0x44, 1].to_vec();
    assert_eq!(
        evidence(&document, None).unwrap(),
        Evidence::NitroV1(document)
    );
    let report = vec![2; REPORT_BYTES];
    let needs = evidence(&report, None).unwrap_err().to_string();
    assert!(needs.contains("--vcek"), "{needs}");
    let vcek = vec![5];
    let found = evidence(&report, Some(vcek.clone())).unwrap();
    assert_eq!(found, Evidence::SnpV1 { report, vcek });
    assert!(evidence(b"nothing of this", None).is_err());
}

#[test]
fn a_moment_is_seconds_or_rfc_3339() {
    assert_eq!(time("1751624924").unwrap(), 1_751_624_924);
    assert_eq!(time("2025-07-04T10:28:44Z").unwrap(), 1_751_624_924);
    assert!(time("yesterday").is_err());
}

#[test]
fn the_verdict_names_the_code_of_its_reason() {
    assert!(verify(&case(None)).is_ok());
    assert!(verify(&case(Some(r#"{"security":"insecure"}"#))).is_ok());
    let refused = verify(&case(Some(r#"{"security":"attested"}"#))).unwrap_err();
    assert!(
        refused.to_string().starts_with("attest.simulated: "),
        "{refused}"
    );
}

#[test]
fn an_explanation_says_what_is_proven_and_what_the_policy_says() {
    let text = words::explain(&case(Some(r#"{"security":"insecure"}"#)));
    for part in [
        "a simulated platform: everyone can make it",
        "Checked at: 2026-05-28T20:26:40Z",
        "Genuine: yes",
        &"02".repeat(32),
        &"03".repeat(64),
        "Policy: takes it; it does not expire",
    ] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
    let limited = r#"{"security":"insecure","validity_seconds_max":60}"#;
    let text = words::explain(&case(Some(limited)));
    assert!(
        text.contains("takes it, until 2026-05-28T20:27:40Z"),
        "{text}"
    );
    let text = words::explain(&case(Some(r#"{"security":"attested"}"#)));
    assert!(text.contains("(attest.simulated)"), "{text}");
}

#[test]
fn an_explanation_of_what_is_not_genuine_says_why_and_what_to_do() {
    let mut case = case(None);
    case.evidence = Evidence::DcapV1(vec![3, 0, 2, 0]);
    let text = words::explain(&case);
    assert!(
        text.contains("Genuine: no: the quote cannot be read (attest.malformed)"),
        "{text}"
    );
    assert!(text.contains("What to do: "), "{text}");
}
