//! Nodes in the genesis document.

use super::*;
use crate::genesis::{Document, export, init_chain, parse};
use crate::modules::poa::genesis::Genesis as Poa;
use crate::modules::registration::genesis::{Genesis, GenesisNode};
use crate::modules::registration::state::Review;
use crate::testing::{MemoryState, document, init};
use crate::types::consensus::{Misbehavior, MisbehaviorKind};
use crate::types::proto::strongroom::poa::v1 as poa;
use crate::types::{GenesisValidator, ValidatorUpdate};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

#[test]
fn nodes_in_every_state_are_exported_and_imported_to_the_same_root() {
    let mut chain = chain(2);
    evidence_lasts(&mut chain, 5_000);
    let operator = user(&chain, 1);
    let machines: Vec<Machine> = (1..=5).map(Machine::new).collect();
    for machine in &machines[..4] {
        registered(&mut chain, 1, machine);
    }
    // One returns to another platform, and one does when it is banned.
    let moving = |n: usize, to: u16| Machine {
        platform: Machine::new(to).platform,
        ..machines[n].again(to)
    };
    let moving = [moving(0, 8), moving(2, 9)];
    for machine in &moving {
        done(&mut chain, 1, pack(&machine.register(&operator)));
    }
    let validator = poa::MsgSetValidator {
        authority: user(&chain, 0).to_string(),
        node_id: machines[0].id_text(),
        power: 7,
        moniker: "seven".into(),
    };
    done(&mut chain, 0, pack(&validator));
    let gone = revoke(&operator, &machines[1]);
    done(&mut chain, 1, gone);
    let authority = user(&chain, 0);
    let gone = revoke(&authority, &machines[2]);
    done(&mut chain, 0, gone);
    chain.clock += 4_000;
    let renew = machines[0].renew(&chain, &operator);
    done(&mut chain, 1, pack(&renew));
    chain.clock += 1_001;
    done(&mut chain, 1, pack(&machines[4].register(&operator)));
    let states = machines.iter().map(|m| state_of(&chain, &m.id()).unwrap());
    let states: Vec<NodeState> = states.collect();
    assert!(matches!(
        states.as_slice(),
        [
            NodeState::Registered,
            NodeState::Revoked { .. },
            NodeState::Revoked { .. },
            NodeState::Expired,
            NodeState::Pending
        ]
    ));
    chain.misbehavior = vec![Misbehavior {
        kind: MisbehaviorKind::LightClientAttack,
        address: [9; 20],
        power: 1,
        height: 1,
        time: chain.info().time,
        total_power: 3,
    }];
    chain.block(&[]);
    let document = export(&chain.state, [], chain.env(), &chain.info()).unwrap();
    let bytes = document.to_bytes().unwrap();
    let returning = String::from_utf8(bytes.clone()).unwrap();
    assert_eq!(returning.matches("\"returning\"").count(), 2);
    let init = init_chain(&bytes, chain.env()).unwrap();
    let mut state = MemoryState::default();
    state.apply(&init.writes);
    assert!(state.0 == chain.state.0, "another root");
}

/// How a changed document is refused.
#[track_caller]
fn refused(change: impl FnOnce(&mut Document)) -> String {
    let mut document = document(1);
    change(&mut document);
    init(&document.to_bytes().unwrap()).unwrap_err().to_string()
}

fn edit(change: impl FnOnce(&mut Genesis)) -> impl FnOnce(&mut Document) {
    |document| document.app_state.edit("registration", change).unwrap()
}

/// Evidence of the node of genesis, in a network with this name.
fn evidence(chain_id: &str) -> String {
    let params = localnet_params();
    let statement = Statement::Bootstrap {
        chain_id: chain_id.into(),
        io_key: params.keys.io,
        exchange_key: params.keys.node_exchange,
        node_key: params.node_key,
        consensus_key: params.validator,
    };
    STANDARD.encode(Machine::new(1).evidence(statement.report_data()))
}

#[test]
fn evidence_in_genesis_is_verified() {
    let mut document = document(1);
    let with =
        |chain_id: &'static str| edit(move |g| g.nodes[0].evidence = Some(evidence(chain_id)));
    with(CHAIN_ID)(&mut document);
    let bytes = document.to_bytes().unwrap();
    let mut chain = Chain::from_document(&parse(&bytes).unwrap(), 1);
    let id = node_id(&localnet_params().node_key);
    let claims = found(&chain, &id).claims.unwrap();
    assert_eq!(claims.platform_id, Machine::new(1).platform);
    // Its platform is taken.
    chain.secrets = Box::new(keys());
    let operator = user(&chain, 0);
    assert_eq!(
        failed(&mut chain, 0, pack(&Machine::new(1).register(&operator))).1,
        103
    );
    let text = refused(with("another-1"));
    assert!(text.contains("registration.nodes.evidence"), "{text}");
}

#[test]
fn an_attested_network_takes_no_node_without_evidence_and_none_that_is_simulated() {
    let attested = |g: &mut Genesis| g.security = "attested".into();
    let text = refused(edit(attested));
    assert!(text.contains("an attested network needs it"), "{text}");
    let text = refused(edit(|g| {
        attested(g);
        g.nodes[0].evidence = Some(evidence(CHAIN_ID));
    }));
    assert!(text.contains("attest.simulated"), "{text}");
    let text = refused(edit(|g| {
        attested(g);
        g.policy = Some(Policy::insecure());
    }));
    assert!(text.contains("registration.policy"), "{text}");
}

#[test]
fn a_moniker_of_genesis_is_as_short_as_that_of_a_message() {
    let with = |bytes: usize| {
        move |d: &mut Document| {
            let change = |poa: &mut Poa| {
                for moniker in poa.monikers.values_mut() {
                    *moniker = "x".repeat(bytes);
                }
            };
            d.app_state.edit("poa", change).unwrap();
        }
    };
    let text = refused(with(71));
    assert!(text.contains("poa.monikers"), "{text}");
    let mut most = document(1);
    with(70)(&mut most);
    init(&most.to_bytes().unwrap()).unwrap();
}

#[test]
fn every_validator_of_genesis_is_a_registered_node() {
    let text = refused(edit(|g| g.nodes.clear()));
    assert!(text.contains("poa.validators"), "{text}");
    let other = ValidatorUpdate {
        pubkey: [9; 32],
        power: 1,
    };
    let text = refused(|d| d.validators.push(GenesisValidator::new(&other, "")));
    assert!(text.contains("poa.validators"), "{text}");
    let text = refused(|d| {
        let change = |poa: &mut Poa| drop(poa.monikers.insert("x".into(), "y".into()));
        d.app_state.edit("poa", change).unwrap();
    });
    assert!(text.contains("poa.monikers"), "{text}");
    let text = refused(|d| {
        let change = |poa: &mut Poa| poa.authority = "secret1".into();
        d.app_state.edit("poa", change).unwrap();
    });
    assert!(text.contains("poa.authority"), "{text}");
}

#[test]
fn two_nodes_of_genesis_share_neither_key_nor_platform() {
    let twice = |change: fn(&mut GenesisNode)| {
        refused(edit(move |g| {
            let mut other = g.nodes[0].clone();
            change(&mut other);
            g.nodes.push(other);
        }))
    };
    assert!(twice(|_| ()).contains("a key is there twice"));
    let key = |n: u8| STANDARD.encode([n; 32]);
    let node = twice(|n| n.node_key = STANDARD.encode([8; 32]));
    assert!(node.contains("a key is there twice"), "{node}");
    let text = refused(edit(|g| {
        let machine = Machine::new(1);
        let evidence = Evidence::decode(&machine.evidence([0; 64])).unwrap();
        let claims = evidence
            .check(&crate::attest::Collateral::new(), 0)
            .unwrap();
        g.nodes[0].claims = Some(claims);
        let mut other = g.nodes[0].clone();
        (other.node_key, other.consensus_key) = (key(8), key(9));
        g.nodes.push(other);
    }));
    assert!(text.contains("two nodes on one platform"), "{text}");
}

#[test]
fn only_a_registered_node_of_genesis_returns_and_to_a_platform_of_its_own() {
    let mut chain = chain(2);
    let machines = [1, 2].map(Machine::new);
    for machine in &machines {
        registered(&mut chain, 1, machine);
    }
    let operator = user(&chain, 1);
    let moving = Machine {
        platform: Machine::new(8).platform,
        ..machines[0].again(1)
    };
    done(&mut chain, 1, pack(&moving.register(&operator)));
    let exported = export(&chain.state, [], chain.env(), &chain.info()).unwrap();
    let returning = |node: &&mut GenesisNode| {
        let standing = node.standing.as_ref();
        standing.is_some_and(|s| s.returning.is_some())
    };
    let refused = |change: &dyn Fn(&mut Genesis)| {
        let mut document = parse(&exported.to_bytes().unwrap()).unwrap();
        document
            .app_state
            .edit("registration", |g| change(g))
            .unwrap();
        let bytes = document.to_bytes().unwrap();
        init_chain(&bytes, chain.env()).unwrap_err().to_string()
    };
    let text = refused(&|g| {
        let node = g.nodes.iter_mut().find(returning).unwrap();
        node.standing.as_mut().unwrap().state = "expired".into();
    });
    assert!(text.contains("only a registered node returns"), "{text}");
    let text = refused(&|g| {
        let node = g.nodes.iter_mut().find(returning).unwrap();
        let new = node.standing.as_mut().unwrap().returning.as_mut().unwrap();
        new.claims.platform_id = machines[1].platform;
    });
    assert!(text.contains("two nodes on one platform"), "{text}");
    let text = refused(&|g| {
        g.review = Some(Review {
            from: Some("no hex".into()),
            next: None,
        });
    });
    assert!(text.contains("registration.review.from"), "{text}");
}
