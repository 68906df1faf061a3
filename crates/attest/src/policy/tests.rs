use super::*;
use crate::simulated::Simulated;
use proptest::prelude::*;

const HEIGHT: u64 = 100;
const TIME: u64 = 1_000_000;

fn simulated() -> Evidence {
    Evidence::SimulatedV1(Simulated::new([1; 32], [2; 32], [3; 64]))
}

fn judge_simulated(policy: &Policy) -> Verdict {
    judge(&simulated(), &Collateral::new(), policy, HEIGHT, TIME)
}

fn code(kind: Kind, measurement: impl Into<Measurement>) -> Code {
    Code {
        kind,
        measurement: measurement.into(),
        registers: BTreeMap::new(),
        from_height: 0,
        until_height: None,
    }
}

/// Claims of a TDX domain.
fn tdx() -> Claims {
    Claims {
        kind: Kind::Tdx,
        platform_id: [1; 32],
        measurement: [2; 48].into(),
        registers: BTreeMap::from([(0, [3; 48].into()), (1, [4; 48].into())]),
        report_data: [5; 64],
        tcb: Tcb::Dcap {
            fmspc: Hex([6; 6]),
            status: TcbStatus::SWHardeningNeeded,
            advisories: vec!["INTEL-SA-00615".into()],
            evaluation_number: 17,
            td_attributes: Some(Hex([0, 0, 0, 0x10, 0, 0, 0, 0])),
        },
        valid_until: TIME + 1000,
    }
}

/// Claims of an SNP machine.
fn snp() -> Claims {
    Claims {
        kind: Kind::Snp,
        tcb: Tcb::Snp {
            generation: Generation::Milan,
            version: SnpTcb {
                fmc: 0,
                boot_loader: 3,
                tee: 0,
                snp: 8,
                microcode: 0x73,
            },
            vmpl: 1,
        },
        registers: BTreeMap::new(),
        ..tdx()
    }
}

fn nitro() -> Claims {
    Claims {
        kind: Kind::Nitro,
        tcb: Tcb::Nitro,
        ..tdx()
    }
}

/// A policy that takes [`tdx`].
fn attested() -> Policy {
    Policy {
        code: vec![
            code(Kind::Tdx, [2; 48]),
            code(Kind::Snp, [2; 48]),
            code(Kind::Nitro, [2; 48]),
        ],
        dcap: Some(DcapTerms {
            statuses: vec![TcbStatus::UpToDate, TcbStatus::SWHardeningNeeded],
            advisories_allowed: None,
            advisories_refused: Vec::new(),
            evaluation_number_min: 0,
            fmspcs: None,
            td_attributes: None,
        }),
        snp: Some(SnpTerms {
            products: vec![SnpProduct {
                generation: Generation::Milan,
                version_min: SnpTcb::default(),
            }],
            vmpl_max: 1,
        }),
        nitro: true,
        ..Policy::new(Security::Attested)
    }
}

fn verdict(claims: Claims, change: impl FnOnce(&mut Policy)) -> Option<Reason> {
    let mut policy = attested();
    change(&mut policy);
    match policy.judge(claims, HEIGHT, TIME) {
        Verdict::Accepted(_) => None,
        Verdict::Refused(reason) => Some(reason),
    }
}

fn tdx_under(change: impl FnOnce(&mut DcapTerms)) -> Option<Reason> {
    verdict(tdx(), |policy| change(policy.dcap.as_mut().unwrap()))
}

fn snp_under(change: impl FnOnce(&mut SnpTerms)) -> Option<Reason> {
    verdict(snp(), |policy| change(policy.snp.as_mut().unwrap()))
}

fn tdx_with_code(change: impl FnOnce(&mut Code)) -> Option<Reason> {
    verdict(tdx(), |policy| change(&mut policy.code[0]))
}

#[test]
fn simulated_evidence_is_taken_where_the_network_is_insecure() {
    let Verdict::Accepted(claims) = judge_simulated(&Policy::insecure()) else {
        panic!()
    };
    assert_eq!(claims.platform_id, [1; 32]);
    assert_eq!(claims.measurement, [2; 32].into());
    assert_eq!(claims.report_data, [3; 64]);
    assert_eq!((claims.tcb_status(), claims.advisories()), ("", &[][..]));
}

#[test]
fn simulated_evidence_is_refused_where_the_network_is_attested() {
    let mut policy = Policy::new(Security::Attested);
    policy.code.push(code(Kind::Simulated, [2; 32]));
    let refused = Verdict::Refused(Reason::Simulated);
    assert_eq!(judge_simulated(&policy), refused);
    let Ok(claims) = simulated().check(&Collateral::new(), TIME) else {
        panic!()
    };
    assert_eq!(policy.judge(claims, HEIGHT, TIME), refused);
}

#[test]
fn code_that_the_policy_does_not_name_is_refused() {
    let mut policy = Policy::insecure();
    policy.code = vec![code(Kind::Simulated, [9; 32])];
    let refused = Verdict::Refused(Reason::Measurement);
    assert_eq!(judge_simulated(&policy), refused);
    policy.code.push(code(Kind::Simulated, [2; 32]));
    assert!(matches!(judge_simulated(&policy), Verdict::Accepted(_)));
}

#[test]
fn no_code_of_hardware_is_taken_unless_it_is_named_even_where_the_network_is_insecure() {
    for security in [Security::Attested, Security::Insecure] {
        let refused = verdict(tdx(), |policy| {
            policy.code.clear();
            policy.security = security;
        });
        assert_eq!(refused, Some(Reason::Measurement));
    }
}

#[test]
fn a_measurement_is_taken_for_its_own_kind_only() {
    assert_eq!(tdx_with_code(|_| ()), None);
    let refused = tdx_with_code(|code| code.kind = Kind::Sgx);
    assert_eq!(refused, Some(Reason::Measurement));
}

#[test]
fn code_is_taken_from_its_first_height_until_its_last() {
    let refused = Some(Reason::Measurement);
    assert_eq!(tdx_with_code(|code| code.from_height = HEIGHT), None);
    assert_eq!(tdx_with_code(|code| code.from_height = HEIGHT + 1), refused);
    assert_eq!(
        tdx_with_code(|code| code.until_height = Some(HEIGHT)),
        refused
    );
    assert_eq!(
        tdx_with_code(|code| code.until_height = Some(HEIGHT + 1)),
        None
    );
}

#[test]
fn a_register_that_is_named_must_hold_what_the_policy_says() {
    let with = |number, value| {
        tdx_with_code(move |code| {
            code.registers.insert(number, value);
        })
    };
    assert_eq!(with(1, [4; 48].into()), None);
    assert_eq!(with(1, [3; 48].into()), Some(Reason::Measurement));
    assert_eq!(with(2, [4; 48].into()), Some(Reason::Measurement));
    // Claims leave out a register that holds zeros.
    assert_eq!(with(2, [0; 48].into()), None);
    assert_eq!(with(1, [0; 48].into()), Some(Reason::Measurement));
}

#[test]
fn a_kind_without_terms_is_refused_before_anything_of_it_is_read() {
    let unread = [
        Evidence::DcapV1(Vec::new()),
        Evidence::SnpV1 {
            report: Vec::new(),
            vcek: Vec::new(),
        },
        Evidence::NitroV1(Vec::new()),
    ];
    for evidence in unread {
        let policy = Policy::new(Security::Attested);
        let verdict = judge(&evidence, &Collateral::new(), &policy, HEIGHT, TIME);
        assert_eq!(verdict, Verdict::Refused(Reason::Kind));
        let verdict = judge(&evidence, &Collateral::new(), &attested(), HEIGHT, TIME);
        assert_eq!(verdict, Verdict::Refused(Reason::Malformed));
    }
}

#[test]
fn a_kind_without_terms_is_refused() {
    for claims in [tdx(), snp(), nitro()] {
        assert_eq!(verdict(claims.clone(), |_| ()), None);
        let refused = verdict(claims, |policy| {
            (policy.dcap, policy.snp, policy.nitro) = (None, None, false);
        });
        assert_eq!(refused, Some(Reason::Kind));
    }
}

#[test]
fn a_status_that_the_terms_do_not_name_is_refused() {
    let refused = tdx_under(|terms| terms.statuses = vec![TcbStatus::UpToDate]);
    assert_eq!(refused, Some(Reason::TcbStatus));
}

#[test]
fn advisories_are_taken_by_name_or_refused_by_name() {
    let refused = Some(Reason::Advisory);
    let name = || "INTEL-SA-00615".to_owned();
    assert_eq!(
        tdx_under(|terms| terms.advisories_refused.push(name())),
        refused
    );
    assert_eq!(
        tdx_under(|terms| terms.advisories_allowed = Some(Vec::new())),
        refused
    );
    assert_eq!(
        tdx_under(|terms| terms.advisories_allowed = Some(vec![name()])),
        None
    );
    let both = tdx_under(|terms| {
        terms.advisories_allowed = Some(vec![name()]);
        terms.advisories_refused = vec![name()];
    });
    assert_eq!(both, refused);
}

#[test]
fn an_older_evaluation_is_refused() {
    assert_eq!(tdx_under(|terms| terms.evaluation_number_min = 17), None);
    let refused = tdx_under(|terms| terms.evaluation_number_min = 18);
    assert_eq!(refused, Some(Reason::Evaluation));
}

#[test]
fn a_model_that_the_terms_do_not_name_is_refused() {
    assert_eq!(
        tdx_under(|terms| terms.fmspcs = Some(vec![Hex([6; 6])])),
        None
    );
    for list in [vec![Hex([7; 6])], Vec::new()] {
        let refused = tdx_under(|terms| terms.fmspcs = Some(list));
        assert_eq!(refused, Some(Reason::Product));
    }
}

#[test]
fn attributes_of_a_domain_are_compared_under_the_mask() {
    let with = |mask: [u8; 8], value: [u8; 8]| {
        tdx_under(|terms| {
            terms.td_attributes = Some(TdAttributes {
                mask: Hex(mask),
                value: Hex(value),
            });
        })
    };
    assert_eq!(with([0xff; 8], [0, 0, 0, 0x10, 0, 0, 0, 0]), None);
    assert_eq!(with([0; 8], [0xff; 8]), None);
    assert_eq!(with([0xff; 8], [0; 8]), Some(Reason::Attributes));
}

#[test]
fn a_generation_of_amd_is_taken_from_its_lowest_versions_on() {
    let refused = snp_under(|terms| terms.products[0].generation = Generation::Genoa);
    assert_eq!(refused, Some(Reason::Product));
    let raise: [fn(&mut SnpTcb); 5] = [
        |v| v.fmc = 1,
        |v| v.boot_loader = 4,
        |v| v.tee = 1,
        |v| v.snp = 9,
        |v| v.microcode = 0x74,
    ];
    for raise in raise {
        let refused = snp_under(|terms| raise(&mut terms.products[0].version_min));
        assert_eq!(refused, Some(Reason::Firmware));
    }
    let exact = SnpTcb {
        fmc: 0,
        boot_loader: 3,
        tee: 0,
        snp: 8,
        microcode: 0x73,
    };
    assert_eq!(
        snp_under(|terms| terms.products[0].version_min = exact),
        None
    );
}

#[test]
fn a_report_of_a_lower_privilege_level_is_refused() {
    let refused = snp_under(|terms| terms.vmpl_max = 0);
    assert_eq!(refused, Some(Reason::Vmpl));
}

#[test]
fn evidence_is_good_for_no_longer_than_the_policy_says() {
    for (most, until) in [
        (None, TIME + 1000),
        (Some(10), TIME + 10),
        (Some(u64::MAX), TIME + 1000),
    ] {
        let mut policy = attested();
        policy.validity_seconds_max = most;
        let Verdict::Accepted(claims) = policy.judge(tdx(), HEIGHT, TIME) else {
            panic!()
        };
        assert_eq!(claims.valid_until, until);
    }
}

#[test]
fn a_list_longer_than_its_limit_is_out_of_bounds() {
    let lengthen: [fn(&mut Policy, usize); 6] = [
        |p, n| p.code = vec![code(Kind::Tdx, [2; 48]); n],
        |p, n| p.dcap.as_mut().unwrap().statuses = vec![TcbStatus::UpToDate; n],
        |p, n| p.dcap.as_mut().unwrap().advisories_allowed = Some(vec![String::new(); n]),
        |p, n| p.dcap.as_mut().unwrap().advisories_refused = vec![String::new(); n],
        |p, n| p.dcap.as_mut().unwrap().fmspcs = Some(vec![Hex([0; 6]); n]),
        |p, n| {
            let product = p.snp.as_ref().unwrap().products[0];
            p.snp.as_mut().unwrap().products = vec![product; n];
        },
    ];
    for lengthen in lengthen {
        let mut policy = attested();
        lengthen(&mut policy, POLICY_ENTRIES_MAX);
        assert!(policy.is_bounded());
        lengthen(&mut policy, POLICY_ENTRIES_MAX + 1);
        assert!(!policy.is_bounded());
    }
}

#[test]
fn a_policy_is_the_same_after_json_and_after_borsh() {
    let mut policy = attested();
    policy.code[0].registers.insert(1, [4; 48].into());
    policy.code[0].until_height = Some(5);
    for policy in [policy, Policy::insecure()] {
        let json = serde_json::to_string(&policy).unwrap();
        assert_eq!(serde_json::from_str::<Policy>(&json).unwrap(), policy);
        let bytes = borsh::to_vec(&policy).unwrap();
        assert_eq!(borsh::from_slice::<Policy>(&bytes).unwrap(), policy);
    }
    let short: Policy = serde_json::from_str(r#"{"security":"insecure"}"#).unwrap();
    assert_eq!(short, Policy::insecure());
    for wrong in [
        r#"{"security":"attested","simulated":true}"#,
        r#"{"security":"none"}"#,
        r#"{"security":"attested","code":[{"kind":"tdx","measurement":"00"}]}"#,
    ] {
        assert!(serde_json::from_str::<Policy>(wrong).is_err(), "{wrong}");
    }
}

proptest! {
    #[test]
    fn a_flipped_bit_is_never_taken(bit in 0usize..8 * 161) {
        let mut bytes = simulated().encode();
        prop_assert_eq!(bytes.len(), 161);
        bytes[bit / 8] ^= 1 << (bit % 8);
        if let Some(changed) = Evidence::decode(&bytes) {
            let verdict = judge(&changed, &Collateral::new(), &Policy::insecure(), HEIGHT, TIME);
            prop_assert!(matches!(verdict, Verdict::Refused(_)));
        }
    }

    #[test]
    fn no_bytes_make_the_decoder_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Some(evidence) = Evidence::decode(&bytes) {
            prop_assert_eq!(evidence.encode(), bytes);
        }
    }
}
