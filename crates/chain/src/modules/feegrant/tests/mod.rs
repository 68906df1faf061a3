//! Allowances in blocks: what they pay, when they end, what they cost.

mod waiting;

use super::allowance::{Allowance, Basic, MESSAGES_MAX, NESTING_MAX};
use super::keeper::{CHECK_MARGIN_S, PRUNED_BLOCK_MAX, PRUNED_MSG_MAX, find, insert};
use super::state::EXPIRIES;
use crate::genesis::{export, init_chain};
use crate::testing::{Chain, Draft, MemoryState, USER_BALANCE, User, coins, draft, send};
use crate::types::proto::cosmos::feegrant::v1beta1 as pb;
use crate::types::proto::cosmos::tx::signing::v1beta1::SignMode;
use crate::types::proto::google::protobuf::{Duration, Timestamp as PbTime};
use crate::types::proto::{Any, Name, pack};
use crate::types::{Address, Coins, Event, ExecTxResult, Timestamp};

const SEND: &str = "/cosmos.bank.v1beta1.MsgSend";
/// The fee of a [`draft`].
const FEE: u128 = 10_000;

fn basic(limit: u128, expiration: Option<i64>) -> pb::BasicAllowance {
    pb::BasicAllowance {
        spend_limit: if limit == 0 { Vec::new() } else { coins(limit) },
        expiration: expiration.map(|seconds| PbTime { seconds, nanos: 0 }),
    }
}

fn allowed(allowance: Any, messages: &[&str]) -> Any {
    pack(&pb::AllowedMsgAllowance {
        allowance: Some(allowance),
        allowed_messages: messages.iter().map(|&m| m.to_owned()).collect(),
    })
}

fn grant_any(granter: &Address, grantee: &Address, allowance: Option<Any>) -> Any {
    pack(&pb::MsgGrantAllowance {
        granter: granter.to_string(),
        grantee: grantee.to_string(),
        allowance,
    })
}

fn revoke_any(granter: &Address, grantee: &Address) -> Any {
    pack(&pb::MsgRevokeAllowance {
        granter: granter.to_string(),
        grantee: grantee.to_string(),
    })
}

/// Runs a draft that user `n` signs, in a block of its own.
fn run(chain: &mut Chain, n: usize, draft: &Draft) -> ExecTxResult {
    let bytes = draft.signed(&[&chain.users[n]]);
    let result = chain.block(&[bytes]).tx_results.remove(0);
    // Whoever passed the ante chain has events.
    if !result.events.is_empty() {
        chain.users[n].sequence += 1;
    }
    result
}

/// User 0 grants user 1 an allowance.
#[track_caller]
fn granted(chain: &mut Chain, allowance: Any) {
    let (a, b) = (addresses(chain)[0].clone(), addresses(chain)[1].clone());
    let result = run(chain, 0, &draft(vec![grant_any(&a, &b, Some(allowance))]));
    assert_eq!((result.code, result.log.as_str()), (0, ""));
}

fn addresses(chain: &Chain) -> Vec<Address> {
    chain.users.iter().map(|u| u.address.clone()).collect()
}

/// A transfer by user 1 whose fee user 0 shall pay.
fn paid_by_granter(chain: &Chain) -> Draft {
    let (a, b) = (&chain.users[0].address, &chain.users[1].address);
    let mut draft = draft(vec![send(b, a, 1)]);
    draft.fee.granter = a.to_string();
    draft
}

fn kinds(events: &[Event]) -> Vec<String> {
    let shown = |e: &Event| format!("{}{{{}}}", e.kind, values(e));
    events.iter().map(shown).collect()
}

fn values(event: &Event) -> String {
    let values: Vec<&str> = event.attributes.iter().map(|a| a.value.as_str()).collect();
    values.join(",")
}

/// How a transfer is refused, by the check and by delivery alike, without a trace.
#[track_caller]
fn refused(chain: &mut Chain, n: usize, draft: &Draft) -> (String, u32, String) {
    let bytes = draft.signed(&[&chain.users[n]]);
    let checked = chain.check(&bytes).expect("it passes");
    let result = chain.block(&[bytes]).tx_results.remove(0);
    assert_eq!(
        (&result.codespace, result.code, &result.log),
        (&checked.0, checked.1, &checked.2)
    );
    assert!(result.events.is_empty());
    checked
}

/// The error of a message that fails at delivery.
#[track_caller]
fn failed(chain: &mut Chain, n: usize, message: Any) -> (String, u32, String) {
    let result = run(chain, n, &draft(vec![message]));
    let text = result
        .log
        .strip_prefix("failed to execute message; message index: 0: ");
    let text = text.unwrap_or_else(|| panic!("{}", result.log)).to_owned();
    (result.codespace, result.code, text)
}

#[test]
fn an_allowance_pays_the_fee_with_the_events_of_the_specification_until_it_is_used_up() {
    let mut chain = Chain::new(2);
    granted(&mut chain, pack(&basic(2 * FEE, None)));
    let (a, b) = (addresses(&chain)[0].clone(), addresses(&chain)[1].clone());
    let collector = "secret17xpfvakm2amg962yls6f84z3kell8c5ljuhfkp";
    let draft = paid_by_granter(&chain);
    let bytes = draft.signed(&[&chain.users[1]]);
    assert_eq!(chain.check(&bytes), None);
    let first = run(&mut chain, 1, &draft);
    assert_eq!((first.code, first.log.as_str()), (0, ""));
    let fee = |from: usize, result: &ExecTxResult| kinds(&result.events[from..from + 5]);
    let of_bank = [
        format!("coin_spent{{{a},10000uscrt}}"),
        format!("coin_received{{{collector},10000uscrt}}"),
        format!("transfer{{{collector},{a},10000uscrt}}"),
        format!("message{{{a}}}"),
        format!("tx{{10000uscrt,{a}}}"),
    ];
    let used = |kind: &str| format!("{kind}_feegrant{{{a},{b}}}");
    assert_eq!(kinds(&first.events[..2]), [used("use"), used("update")]);
    assert_eq!(fee(2, &first), of_bank);
    let last = run(&mut chain, 1, &draft);
    assert_eq!(kinds(&last.events[..2]), [used("revoke"), used("use")]);
    assert_eq!(fee(2, &last), of_bank);
    assert_eq!(chain.balance(&b), USER_BALANCE - 2);
    assert_eq!(chain.balance(&a), USER_BALANCE - 3 * FEE + 2);
    let text = format!("{a} does not allow to pay fees for {b}: fee-grant not found: not found");
    assert_eq!(refused(&mut chain, 1, &draft), ("sdk".into(), 38, text));
}

#[test]
fn a_grant_emits_its_event_makes_the_account_and_fits_into_25000_gas_in_both_sign_modes() {
    for mode in [SignMode::Direct, SignMode::LegacyAminoJson] {
        let mut chain = Chain::new(1);
        // Many others have granted before, each with an end of its own.
        chain.write(|ctx| {
            for n in 0..3_000_u32 {
                let mut bytes = [3; 20];
                bytes[..4].copy_from_slice(&n.to_be_bytes());
                let other = Address::from_bytes(&bytes).unwrap();
                let expiration = Some(Timestamp::new(1_800_000_000 + i64::from(n * 7), 0).unwrap());
                let allowance = Allowance::Basic(Basic {
                    spend_limit: Coins::empty(),
                    expiration,
                });
                insert(ctx, &other, &other, &allowance).unwrap();
            }
        });
        let (a, new) = (
            addresses(&chain)[0].clone(),
            Address::from_bytes(&[9; 20]).unwrap(),
        );
        let allowance = pack(&basic(1_000_000, Some(1_800_000_003)));
        let mut draft = draft(vec![grant_any(&a, &new, Some(allowance))]);
        draft.mode = mode;
        draft.fee.gas_limit = 25_000;
        let result = run(&mut chain, 0, &draft);
        assert_eq!((result.code, result.log.as_str()), (0, ""), "{mode:?}");
        let own = kinds(&result.events[result.events.len() - 2..]);
        let action = format!(
            "message{{{},{a},feegrant,0}}",
            pb::MsgGrantAllowance::type_url()
        );
        assert_eq!(own, [action, format!("set_feegrant{{{a},{new},0}}")]);
        chain.read(|ctx| assert!(find(ctx, &a, &new).unwrap().is_some()));
        assert!(chain.read(|ctx| crate::modules::auth::keeper::has_account(ctx, &new).unwrap()));
        let gas = result.gas_used;
        assert!(gas < 25_000, "{gas}");
    }
}

#[test]
fn an_allowance_that_does_not_cover_the_fee_says_why_and_nobody_pays() {
    type Case = (Any, u32, &'static str);
    let now = 1_700_000_000;
    let other = "/cosmos.bank.v1beta1.MsgMultiSend";
    let period = |all: u128, of_period: u128, expiration| pb::PeriodicAllowance {
        basic: Some(basic(all, expiration)),
        period: Some(Duration {
            seconds: 60,
            nanos: 0,
        }),
        period_spend_limit: coins(of_period),
        period_can_spend: coins(of_period),
        period_reset: Some(PbTime {
            seconds: now + 60,
            nanos: 0,
        }),
    };
    let cases: [Case; 7] = [
        (
            pack(&basic(FEE - 1, None)),
            2,
            "basic allowance: fee limit exceeded",
        ),
        (
            pack(&basic(0, Some(now + 9))),
            3,
            "basic allowance: fee allowance expired",
        ),
        (
            pack(&period(FEE - 1, FEE - 1, None)),
            2,
            "period limit: fee limit exceeded",
        ),
        (
            pack(&period(FEE - 1, FEE, None)),
            2,
            "absolute limit: fee limit exceeded",
        ),
        (
            pack(&period(0, FEE, Some(now + 9))),
            3,
            "absolute limit: fee allowance expired",
        ),
        (
            allowed(pack(&basic(0, None)), &[other]),
            7,
            "message does not exist in allowed messages: message not allowed",
        ),
        (
            allowed(pack(&basic(FEE - 1, None)), &[other, SEND]),
            2,
            "basic allowance: fee limit exceeded",
        ),
    ];
    for (allowance, code, why) in cases {
        let mut chain = Chain::new(2);
        granted(&mut chain, allowance);
        let before = chain.balance(&chain.users[0].address);
        // Not over yet at its last moment, and pruned only at the end of the block.
        chain.clock = if code == 3 { 10 } else { 9 };
        let draft = paid_by_granter(&chain);
        let (codespace, got, text) = refused(&mut chain, 1, &draft);
        let (a, b) = (&chain.users[0].address, &chain.users[1].address);
        let expected = format!("{a} does not allow to pay fees for {b}: {why}");
        assert_eq!(
            (codespace.as_str(), got, text),
            ("feegrant", code, expected)
        );
        assert_eq!(chain.balance(a), before);
    }
}

#[test]
fn a_period_gives_its_sum_again_and_the_limit_of_all_holds_over_them() {
    let mut chain = Chain::new(2);
    let now = 1_700_000_000;
    granted(
        &mut chain,
        pack(&pb::PeriodicAllowance {
            basic: Some(basic(5 * FEE / 2, None)),
            period: Some(Duration {
                seconds: 60,
                nanos: 0,
            }),
            period_spend_limit: coins(FEE),
            period_can_spend: coins(FEE),
            period_reset: Some(PbTime {
                seconds: now + 60,
                nanos: 0,
            }),
        }),
    );
    let reset = |chain: &Chain| {
        let (a, b) = (&chain.users[0].address, &chain.users[1].address);
        match chain.read(|ctx| find(ctx, a, b).unwrap().unwrap()) {
            Allowance::Periodic(p) => {
                (p.period_reset.seconds - now, p.period_can_spend.to_string())
            }
            other => panic!("{other:?}"),
        }
    };
    let draft = paid_by_granter(&chain);
    assert_eq!(run(&mut chain, 1, &draft).code, 0);
    assert_eq!(reset(&chain), (60, String::new()));
    chain.clock = 59;
    assert_eq!(run(&mut chain, 1, &draft).code, 2);
    // The next period keeps step with the first.
    chain.clock = 61;
    assert_eq!(run(&mut chain, 1, &draft).code, 0);
    assert_eq!(reset(&chain), (120, String::new()));
    // Whole periods went by: it begins now, and half a fee is left over all.
    chain.clock = 1_000;
    assert_eq!(run(&mut chain, 1, &draft).code, 2);
    let mut half = draft.clone();
    half.fee.amount = coins(FEE / 2);
    let result = run(&mut chain, 1, &half);
    assert_eq!(result.code, 0, "{}", result.log);
    assert_eq!(result.events[0].kind, "revoke_feegrant");
}

#[test]
fn the_fee_of_a_granter_without_coins_is_refused_as_his_own_would_be() {
    let mut chain = Chain::new(2);
    granted(&mut chain, pack(&basic(0, None)));
    let mut draft = paid_by_granter(&chain);
    draft.fee.amount = coins(2 * USER_BALANCE);
    let (codespace, code, text) = refused(&mut chain, 1, &draft);
    assert_eq!((codespace.as_str(), code), ("sdk", 5));
    assert!(text.starts_with("spendable balance "), "{text}");
    // To name oneself is to name nobody.
    let own = chain.users[1].address.to_string();
    let mut draft = paid_by_granter(&chain);
    draft.fee.granter = own;
    assert_eq!(run(&mut chain, 1, &draft).code, 0);
}

#[test]
fn an_allowance_that_is_revoked_pays_nothing_and_what_waits_behind_the_revocation_does_not_pass_the_check()
 {
    let mut chain = Chain::new(2);
    granted(&mut chain, pack(&basic(0, None)));
    let (a, b) = (addresses(&chain)[0].clone(), addresses(&chain)[1].clone());
    let revoke = draft(vec![revoke_any(&a, &b)]).signed(&[&chain.users[0]]);
    let paid = paid_by_granter(&chain).signed(&[&chain.users[1]]);
    // While the revocation waits, the allowance is gone for whoever comes later.
    assert_eq!(chain.check(&revoke), None);
    let (_, code, text) = chain.check(&paid).expect("it passes");
    assert_eq!(code, 38, "{text}");
    let results = chain.block(&[revoke, paid]).tx_results;
    chain.users[0].sequence += 1;
    assert_eq!((results[0].code, results[1].code), (0, 38));
    let own = kinds(&results[0].events[results[0].events.len() - 1..]);
    assert_eq!(own, [format!("revoke_feegrant{{{a},{b},0}}")]);
    assert_eq!(
        failed(&mut chain, 0, revoke_any(&a, &b)),
        ("sdk".into(), 38, "fee-grant not found: not found".into())
    );
}

#[test]
fn grants_that_make_no_sense_are_refused_with_the_texts_of_the_protocol() {
    let mut chain = Chain::new(2);
    let (a, b) = (addresses(&chain)[0].clone(), addresses(&chain)[1].clone());
    let any = || pack(&basic(5, None));
    let mut fails = |grantee: &Address, allowance: Option<Any>| {
        failed(&mut chain, 0, grant_any(&a, grantee, allowance))
    };
    let sdk = |code, text: &str| ("sdk".to_owned(), code, text.to_owned());
    let own = |code, text: &str| ("feegrant".to_owned(), code, text.to_owned());
    assert_eq!(
        fails(&a, Some(any())),
        sdk(7, "cannot self-grant fee authorization: invalid address")
    );
    assert_eq!(
        fails(&b, None),
        own(5, "failed to get allowance: no allowance")
    );
    let gov = Address::of_module("cron");
    assert_eq!(
        fails(&gov, Some(any())),
        sdk(
            4,
            &format!("{gov} is not allowed to receive funds: unauthorized")
        )
    );
    assert_eq!(
        fails(&b, Some(pack(&basic(5, Some(1_699_999_999))))),
        sdk(
            18,
            "expiration is before current block time: invalid request"
        )
    );
    assert_eq!(
        fails(&b, Some(pack(&basic(5, Some(-1))))),
        own(4, "expiration time cannot be negative: invalid duration")
    );
    let mut zero = basic(5, None);
    zero.spend_limit[0].amount = "0".into();
    assert_eq!(
        fails(&b, Some(pack(&zero))),
        sdk(10, "send amount is invalid: 0uscrt: invalid coins")
    );
    assert_eq!(
        fails(&b, Some(allowed(any(), &[]))),
        own(
            6,
            "allowed messages shouldn't be empty: allowed messages are empty"
        )
    );
    let empty = pack(&pb::AllowedMsgAllowance::default());
    assert_eq!(
        fails(&b, Some(empty)),
        own(5, "allowance should not be empty: no allowance")
    );
    let names = vec![SEND; MESSAGES_MAX + 1];
    assert_eq!(fails(&b, Some(allowed(any(), &names))).1, 18);
    let mut periodic = pb::PeriodicAllowance::default();
    assert_eq!(
        fails(&b, Some(pack(&periodic))),
        sdk(10, "spend limit must be positive: invalid coins")
    );
    periodic.basic = Some(basic(5, None));
    periodic.period_spend_limit = coins(5);
    periodic.period_spend_limit[0].denom = "other".into();
    assert_eq!(
        fails(&b, Some(pack(&periodic))),
        sdk(
            10,
            "period spend limit has different currency than basic spend limit: invalid coins"
        )
    );
    periodic.period_spend_limit = coins(5);
    periodic.period = Some(Duration {
        seconds: -1,
        nanos: 0,
    });
    assert_eq!(
        fails(&b, Some(pack(&periodic))),
        own(4, "negative clock step: invalid duration")
    );
    granted(&mut chain, any());
    let again = grant_any(&a, &b, Some(any()));
    assert_eq!(
        failed(&mut chain, 0, again),
        sdk(18, "fee allowance already exists: invalid request")
    );
    assert_eq!(
        failed(&mut chain, 0, revoke_any(&a, &a)),
        sdk(18, "addresses must be different: invalid request")
    );
}

#[test]
fn what_is_no_allowance_does_not_decode() {
    let mut chain = Chain::new(2);
    let (a, b) = (addresses(&chain)[0].clone(), addresses(&chain)[1].clone());
    let mut nested = pack(&basic(5, None));
    for _ in 0..NESTING_MAX {
        nested = allowed(nested, &[SEND]);
    }
    let grant = |any: &Any| draft(vec![grant_any(&a, &b, Some(any.clone()))]);
    let fits = grant(&nested).signed(&[&chain.users[0]]);
    assert_eq!(chain.check(&fits), None);
    chain.pending.reset();
    let deep = allowed(nested, &[SEND]);
    let broken = Any {
        type_url: pb::BasicAllowance::type_url(),
        value: vec![0x0a, 9],
    };
    for (any, text) in [
        (deep, "allowances nest 3 deep at most: tx parse error"),
        (
            send(&a, &b, 1),
            "no concrete type registered for type URL /cosmos.bank.v1beta1.MsgSend against interface \
             *feegrant.FeeAllowanceI: tx parse error",
        ),
        (broken, "unexpected EOF: tx parse error"),
    ] {
        let (codespace, code, got) = refused(&mut chain, 0, &grant(&any));
        assert_eq!((codespace.as_str(), code, got.as_str()), ("sdk", 2, text));
    }
}

/// Writes this many allowances that end one after the other, from `first` on.
fn expiring(chain: &mut Chain, first: i64, count: usize) {
    chain.write(|ctx| {
        for n in 0..count {
            let mut bytes = [7; 20];
            bytes[..8].copy_from_slice(&(n as u64).to_be_bytes());
            let granter = Address::from_bytes(&bytes).unwrap();
            let grantee = User::new(0).address;
            let expiration = Some(Timestamp::new(first + (n / 3) as i64, 0).unwrap());
            let allowance = Allowance::Basic(Basic {
                spend_limit: Coins::empty(),
                expiration,
            });
            insert(ctx, &granter, &grantee, &allowance).unwrap();
        }
    });
}

fn left(chain: &Chain) -> u64 {
    let request = pb::QueryAllowancesRequest {
        grantee: chain.users[0].address.to_string(),
        pagination: None,
    };
    let answer: pb::QueryAllowancesResponse = chain
        .query("/cosmos.feegrant.v1beta1.Query/Allowances", &request)
        .unwrap();
    answer.pagination.unwrap().total
}

#[test]
fn what_is_over_is_pruned_at_the_end_of_blocks_so_many_in_each_and_nothing_else() {
    let mut chain = Chain::new(1);
    let most = PRUNED_BLOCK_MAX as u64;
    expiring(&mut chain, 1_700_000_100, PRUNED_BLOCK_MAX + 40);
    chain.block(&[]);
    assert_eq!(left(&chain), most + 40);
    // Three end in each second: the first is over in its own second.
    chain.clock = 100;
    let outcome = chain.block(&[]);
    assert!(outcome.events.is_empty());
    assert_eq!(left(&chain), most + 37);
    chain.clock = 10_000;
    chain.block(&[]);
    assert_eq!(left(&chain), 37);
    chain.block(&[]);
    assert_eq!(left(&chain), 0);
    assert!(chain.read(|ctx| EXPIRIES.at(&()).is_empty(ctx).unwrap()));
}

#[test]
fn anyone_may_prune_for_gas_so_many_at_once() {
    let mut chain = Chain::new(1);
    expiring(
        &mut chain,
        1_600_000_000,
        PRUNED_BLOCK_MAX + PRUNED_MSG_MAX + 1,
    );
    let pruner = chain.users[0].address.to_string();
    let mut prune = draft(vec![pack(&pb::MsgPruneAllowances {
        pruner: pruner.clone(),
    })]);
    prune.fee.gas_limit = 10_000_000;
    let result = run(&mut chain, 0, &prune);
    assert_eq!((result.code, result.log.as_str()), (0, ""));
    let own = kinds(&result.events[result.events.len() - 1..]);
    assert_eq!(own, [format!("prune_feegrant{{{pruner},0}}")]);
    // The end of the block took its own.
    assert_eq!(left(&chain), 1);
}

#[test]
fn queries_show_an_allowance_as_it_was_given_and_what_is_left() {
    let mut chain = Chain::new(2);
    let given = allowed(pack(&basic(3 * FEE, Some(1_800_000_000))), &[SEND]);
    granted(&mut chain, given);
    let draft = paid_by_granter(&chain);
    assert_eq!(run(&mut chain, 1, &draft).code, 0);
    let (a, b) = (addresses(&chain)[0].clone(), addresses(&chain)[1].clone());
    let request = |granter: &Address, grantee: &Address| pb::QueryAllowanceRequest {
        granter: granter.to_string(),
        grantee: grantee.to_string(),
    };
    let path = "/cosmos.feegrant.v1beta1.Query/Allowance";
    let answer: pb::QueryAllowanceResponse = chain.query(path, &request(&a, &b)).unwrap();
    let left = allowed(pack(&basic(2 * FEE, Some(1_800_000_000))), &[SEND]);
    let expected = pb::Grant {
        granter: a.to_string(),
        grantee: b.to_string(),
        allowance: Some(left),
    };
    assert_eq!(answer.allowance, Some(expected));
    let missing = chain.query::<pb::QueryAllowanceResponse>(path, &request(&b, &a));
    let Err(crate::query::QueryStop::Error(e)) = missing else {
        panic!("{missing:?}");
    };
    assert_eq!(
        e.grpc(),
        (
            crate::query::GrpcCode::NotFound,
            "fee-grant not found: not found".into()
        )
    );
}

#[test]
fn allowances_are_exported_and_imported_with_their_queue() {
    let mut chain = Chain::new(2);
    let now = 1_700_000_000;
    granted(
        &mut chain,
        allowed(
            pack(&pb::PeriodicAllowance {
                basic: Some(basic(5 * FEE, Some(now + 500))),
                period: Some(Duration {
                    seconds: 60,
                    nanos: 500_000_000,
                }),
                period_spend_limit: coins(2 * FEE),
                period_can_spend: coins(2 * FEE),
                period_reset: None,
            }),
            &[SEND],
        ),
    );
    let (a, b) = (addresses(&chain)[0].clone(), addresses(&chain)[1].clone());
    let back = grant_any(&b, &a, Some(pack(&basic(0, None))));
    assert_eq!(run(&mut chain, 1, &draft(vec![back])).code, 0);
    let document = export(&chain.state, [], chain.env(), &chain.info()).unwrap();
    let text = document.app_state.raw("feegrant").unwrap().get().to_owned();
    for part in [
        "\"60.5s\"",
        "\"0001-01-01T00:00:00Z\"",
        SEND,
        "\"expiration\":null",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let bytes = document.to_bytes().unwrap();
    let init = init_chain(&bytes, chain.env()).unwrap();
    let mut state = MemoryState::default();
    state.apply(&init.writes);
    assert!(state.0 == chain.state.0, "another root");
    let refused = |change: fn(&mut super::genesis::Genesis)| {
        let mut document = crate::genesis::parse(&bytes).unwrap();
        document.app_state.edit("feegrant", change).unwrap();
        let bytes = document.to_bytes().unwrap();
        init_chain(&bytes, chain.env()).unwrap_err().to_string()
    };
    let twice = refused(|g| g.allowances.push(g.allowances[0].clone()));
    assert!(twice.contains("there twice"), "{twice}");
    let nobody = refused(|g| g.allowances[0].grantee = Address::of_module("cron").to_string());
    assert!(nobody.contains("has no account"), "{nobody}");
}
