//! The way of a node from pending to registered, and what operators and clients see of it.

use super::*;
use crate::modules::poa;
use crate::query::{GrpcCode, QueryStop};
use crate::types::proto::secret::registration::v1beta1 as legacy;

#[test]
fn a_node_registers_opens_its_share_and_confirms() {
    let mut chain = chain(2);
    let (machine, operator) = (Machine::new(1), user(&chain, 1));
    let result = done(&mut chain, 1, pack(&machine.register(&operator)));
    assert_eq!(kinds(&result, &machine), ["register_node"]);
    let pending = found(&chain, &machine.id());
    assert_eq!(pending.state, NodeState::Pending);
    assert_eq!(pending.operator, operator);
    // The share is a function of the state and the seeds: every enclave makes it.
    let share_bytes = share(&chain, &machine.id()).unwrap();
    assert_eq!(share_bytes, keys().share_seeds(&machine.target()).unwrap());
    assert_eq!(share_bytes.len(), super::super::join::SHARE_BYTES);
    let opened: Share = seal::decode(&share_bytes).unwrap();
    let opened = opened.open(&machine.one_time, &machine.id(), &SEAL_CHAIN);
    assert_eq!(opened.unwrap(), ring());

    let confirm = machine.confirm(&chain, &operator);
    let result = done(&mut chain, 1, pack(&confirm));
    assert_eq!(kinds(&result, &machine), ["confirm_node"]);
    assert_eq!(state_of(&chain, &machine.id()), Some(NodeState::Registered));
    assert_eq!(share(&chain, &machine.id()), None);
    assert_eq!(found(&chain, &machine.id()).deadline, None);
}

#[test]
fn queries_show_nodes_their_shares_and_the_policy() {
    let mut chain = chain(2);
    let (machine, operator) = (Machine::new(1), user(&chain, 1));
    done(&mut chain, 1, pack(&machine.register(&operator)));
    let path = |method: &str| format!("/strongroom.registration.v1.Query/{method}");
    let nodes: pb::QueryNodesResponse = chain
        .query(&path("Nodes"), &pb::QueryNodesRequest::default())
        .unwrap();
    assert_eq!(nodes.nodes.len(), 2, "one is of genesis");
    let request = pb::QueryNodeRequest {
        node_id: machine.id_text(),
    };
    let one: pb::QueryNodeResponse = chain.query(&path("Node"), &request).unwrap();
    let one = one.node.unwrap();
    assert!(nodes.nodes.contains(&one));
    assert_eq!(one.state(), pb::NodeState::Pending);
    assert_eq!(
        (one.operator, one.enclave_version),
        (operator.to_string(), 7)
    );
    let platform = one.platform.unwrap();
    assert_eq!(platform.kind, "simulated");
    assert_eq!(platform.platform_id, machine.platform);
    let confirm_until = chain.info().time.seconds + 3_600;
    assert_eq!(one.expires.unwrap().seconds, confirm_until);

    let request = pb::QueryShareRequest {
        node_id: machine.id_text(),
    };
    let answer: pb::QueryShareResponse = chain.query(&path("Share"), &request).unwrap();
    assert_eq!(Some(&answer.share), share(&chain, &machine.id()).as_ref());
    // Clients of the protocol find it by the key that it is sealed to.
    let by_key = legacy::QueryEncryptedSeedRequest {
        pub_key: machine.one_time.public().to_vec(),
    };
    let legacy_path = "/secret.registration.v1beta1.Query/EncryptedSeed";
    let seed: legacy::QueryEncryptedSeedResponse = chain.query(legacy_path, &by_key).unwrap();
    assert_eq!(seed.encrypted_seed, answer.share);
    let confirm = machine.confirm(&chain, &user(&chain, 1));
    done(&mut chain, 1, pack(&confirm));
    let gone = chain.query::<legacy::QueryEncryptedSeedResponse>(legacy_path, &by_key);
    let Err(QueryStop::Error(e)) = gone else {
        panic!("{gone:?}")
    };
    let text = "codespace sdk code 9: unknown address: Node has not been authenticated yet";
    assert_eq!(e.grpc(), (GrpcCode::Unknown, text.into()));
    let gone = chain.query::<pb::QueryShareResponse>(&path("Share"), &request);
    let Err(QueryStop::Error(e)) = gone else {
        panic!("{gone:?}")
    };
    assert_eq!(e.grpc().0, GrpcCode::NotFound);

    let policy: pb::QueryPolicyResponse = chain
        .query(&path("Policy"), &pb::QueryPolicyRequest {})
        .unwrap();
    let policy: Policy = serde_json::from_str(&policy.policy).unwrap();
    assert_eq!(policy, Policy::insecure());
}

#[test]
fn a_registered_node_that_has_lost_its_seal_gets_a_new_share_and_stays_what_it_is() {
    let mut chain = chain(2);
    let (machine, operator) = (Machine::new(1), user(&chain, 1));
    registered(&mut chain, 1, &machine);
    let reborn = machine.again(1);
    done(&mut chain, 1, pack(&reborn.register(&operator)));
    assert_eq!(state_of(&chain, &machine.id()), Some(NodeState::Registered));
    let confirm = reborn.confirm(&chain, &operator);
    done(&mut chain, 1, pack(&confirm));
    assert_eq!(state_of(&chain, &machine.id()), Some(NodeState::Registered));
    assert_eq!(share(&chain, &machine.id()), None);
    // And one that never confirmed begins again.
    let late = Machine::new(2);
    done(&mut chain, 1, pack(&late.register(&operator)));
    done(&mut chain, 1, pack(&late.again(2).register(&operator)));
    assert_eq!(state_of(&chain, &late.id()), Some(NodeState::Pending));
}

#[test]
fn a_registered_node_that_registers_again_has_no_more_time_until_it_confirms() {
    let mut chain = chain(2);
    let (machine, operator) = (Machine::new(1), user(&chain, 1));
    evidence_lasts(&mut chain, 10_000);
    registered(&mut chain, 1, &machine);
    let first = found(&chain, &machine.id()).deadline.unwrap();
    chain.clock += 9_000;
    let reborn = machine.again(1);
    done(&mut chain, 1, pack(&reborn.register(&operator)));
    assert_eq!(found(&chain, &machine.id()).deadline, Some(first));
    let confirm = reborn.confirm(&chain, &operator);
    done(&mut chain, 1, pack(&confirm));
    assert_eq!(found(&chain, &machine.id()).deadline, Some(first + 9_000));
    // One that never confirms ends, however often it registers.
    for again in 2..5 {
        chain.clock += 4_000;
        chain.block(&[]);
        let result = run(
            &mut chain,
            1,
            pack(&machine.again(again).register(&operator)),
        );
        assert_eq!(result.code, 0, "{}", result.log);
    }
    assert_eq!(state_of(&chain, &machine.id()), Some(NodeState::Pending));
}

#[test]
fn a_node_renews_by_evidence_that_binds_the_challenge_of_its_last_change() {
    let mut chain = chain(2);
    let (machine, operator) = (Machine::new(1), user(&chain, 1));
    evidence_lasts(&mut chain, 10_000);
    registered(&mut chain, 1, &machine);
    let first = found(&chain, &machine.id());
    let now = u64::try_from(chain.info().time.seconds).unwrap();
    assert_eq!(first.deadline, Some(now + 10_001));
    chain.clock += 9_000;
    let renew = machine.renew(&chain, &operator);
    let result = done(&mut chain, 1, pack(&renew));
    assert_eq!(kinds(&result, &machine), ["renew_node"]);
    let second = found(&chain, &machine.id());
    assert_eq!(second.deadline, Some(now + 19_001));
    chain.clock += 9_000;
    chain.block(&[]);
    assert_eq!(state_of(&chain, &machine.id()), Some(NodeState::Registered));
}

#[test]
fn an_estimate_of_gas_covers_what_registering_costs() {
    let mut chain = chain(2);
    let (machine, operator) = (Machine::new(1), user(&chain, 1));
    let register = pack(&machine.register(&operator));
    let mut draft = draft(vec![register]);
    draft.fee.gas_limit = 2_000_000;
    let bytes = draft.signed(&[&chain.users[1]]);
    let estimate = chain.simulate(&bytes).unwrap();
    let result = chain.block(&[bytes]).tx_results.remove(0);
    assert_eq!(result.code, 0, "{}", result.log);
    assert_eq!(estimate.gas_used, u64::try_from(result.gas_used).unwrap());
    chain.users[1].sequence += 1;
    draft.body.messages = vec![pack(&machine.confirm(&chain, &operator))];
    let bytes = draft.signed(&[&chain.users[1]]);
    let estimate = chain.simulate(&bytes).unwrap();
    let result = chain.block(&[bytes]).tx_results.remove(0);
    assert_eq!(estimate.gas_used, u64::try_from(result.gas_used).unwrap());
}

#[test]
fn certificates_of_the_protocol_are_refused_with_its_texts() {
    let mut chain = chain(2);
    let sender = user(&chain, 1).as_bytes().to_vec();
    let message = |certificate: Vec<u8>| {
        pack(&legacy::RaAuthenticate {
            sender: sender.clone(),
            certificate,
            ..Default::default()
        })
    };
    let (codespace, code, text) = failed(&mut chain, 1, message(Vec::new()));
    let empty = "Authenticating certificate cannot be empty: invalid request";
    assert_eq!(
        (codespace.as_str(), code, text.as_str()),
        ("sdk", 18, empty)
    );
    let (codespace, code, text) = failed(&mut chain, 1, message(vec![0; 12]));
    let none = "Certificate validation failed: No valid attestatoin found";
    assert_eq!(
        (codespace.as_str(), code, text.as_str()),
        ("undefined", 1, none)
    );
    let quote = [&[0; 4], [1, 0, 0, 0].as_slice(), &[0; 4], &[7]].concat();
    let (codespace, code, text) = failed(&mut chain, 1, message(quote));
    assert_eq!((codespace.as_str(), code), ("register", 2));
    assert!(text.ends_with(": Failed to authenticate node"), "{text}");
}

#[test]
fn the_validator_of_a_local_network_is_a_registered_node() {
    let chain = chain(0);
    let params = localnet_params();
    let id = node_id(&params.node_key);
    let node = found(&chain, &id);
    assert_eq!(node.state, NodeState::Registered);
    assert_eq!(node.consensus_key, params.validator);
    let authority = chain.read(|ctx| poa::keeper::authority(ctx).unwrap());
    assert_eq!(authority, User::new(0).address);
}
