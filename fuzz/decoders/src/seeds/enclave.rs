//! Seeds of what the enclave is given.

use crate::enclave::{CHAIN, TARGET_NODE, node, platform_key};
use strongroom_attest::{Evidence, Security, simulated::Simulated};
use strongroom_bridge::frame::cut;
use strongroom_bridge::message::{
    EnclaveRequest, Failure, FailureCode, FromEnclave, FromHost, Hint, HostResponse, Joining,
    Message, Proven, PublicKeys, QueryResult, Reply, Request, Status, TxAt,
};
use strongroom_crypto::seal::{SealedAnchor, SealedOneTimeKey, SealedSeeds, encode};
use strongroom_crypto::share::{Share, ShareTarget};
use strongroom_crypto::{MasterSeed, Secret, SeedRing, io, x25519::KeyPair};
use strongroom_types::Tree;

/// Evidence of two simulated machines.
pub(super) fn attestation() -> Vec<Vec<u8>> {
    let evidence = |n: u8| Evidence::SimulatedV1(Simulated::new([n; 32], [2; 32], [3; 64]));
    vec![evidence(0).encode(), evidence(1).encode()]
}

/// Seals, an anchor, a share, a one-time key and a message.
pub(super) fn sealed() -> Vec<Vec<u8>> {
    let ring = || SeedRing::genesis(Security::Insecure, MasterSeed::new([7; 32]));
    let sender = KeyPair::from_secret(&Secret::new([6; 32]));
    let seeds = SealedSeeds::seal(&platform_key(), &CHAIN, &ring()).expect("sealed");
    let anchor = SealedAnchor::seal(&platform_key(), &CHAIN, b"an anchor").expect("sealed");
    let target = ShareTarget {
        node_id: TARGET_NODE,
        one_time_key: *node().public(),
    };
    let one_time = Secret::new([5; 32]);
    let one_time = SealedOneTimeKey::seal(&platform_key(), &CHAIN, &TARGET_NODE, &one_time);
    let share = Share::seal(&sender, &target, &CHAIN, &ring()).expect("sealed");
    let input = io::seal_input(
        &sender,
        node().public(),
        &[8; 32],
        &[9; 32],
        b"{\"read\":{}}",
    );
    vec![
        encode(&seeds).expect("encodes"),
        encode(&anchor).expect("encodes"),
        encode(&share).expect("encodes"),
        encode(&one_time.expect("sealed")).expect("encodes"),
        input.expect("sealed").0,
    ]
}

/// One message of every kind, each alone, and a conversation.
pub(super) fn door() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = Vec::new();
    all.extend(
        requests()
            .into_iter()
            .map(|r| frames(&FromHost::Request(r))),
    );
    all.extend(
        responses()
            .into_iter()
            .map(|r| frames(&FromHost::Response(r))),
    );
    all.extend(
        asked()
            .into_iter()
            .map(|r| frames(&FromEnclave::Request(r))),
    );
    all.extend(
        replies()
            .into_iter()
            .map(|r| frames(&FromEnclave::Reply(r))),
    );
    all.push(all.concat());
    all
}

fn frames(message: &impl Message) -> Vec<u8> {
    let mut out = Vec::new();
    for frame in cut(4, &message.encode().expect("within the limit")) {
        let frame = frame.encode().expect("a frame");
        // The target reads two bytes of length where the door has four.
        let rest = frame.get(4..).unwrap_or_default();
        let length = u16::try_from(rest.len()).unwrap_or(u16::MAX);
        out.extend(length.to_le_bytes());
        out.extend(rest);
    }
    out
}

fn proven() -> Proven {
    let proof = super::recorded::proofs().swap_remove(0);
    Proven {
        value: Some(b"value".to_vec()),
        proof,
    }
}

fn requests() -> Vec<Request> {
    let block = super::blocks().swap_remove(1);
    let hint = Hint {
        tree: Tree::Native,
        key: b"key".to_vec(),
        entry: proven(),
    };
    vec![
        Request::BootstrapBegin,
        Request::BootstrapSeal {
            genesis: b"{}".to_vec(),
        },
        Request::Unseal {
            seal: sealed().swap_remove(0),
            genesis: b"{}".to_vec(),
            anchors: vec![sealed().swap_remove(1)],
        },
        Request::InitChain {
            genesis: b"{}".to_vec(),
        },
        Request::ExecuteBlock {
            block,
            hints: vec![hint],
            exceptions: vec![[7; 32]],
        },
        Request::Committed { height: 9 },
        Request::Query {
            path: "/cosmos.bank.v1beta1.Query/Balance".to_owned(),
            data: vec![1, 2],
        },
        Request::Simulate { tx: vec![3] },
        Request::Attest { nonce: [4; 32] },
        Request::Status,
        Request::JoinBegin {
            genesis: b"{}".to_vec(),
            operator: [10; 20],
            node_key: [11; 32],
            consensus_key: [12; 32],
        },
        Request::JoinOpen {
            genesis: b"{}".to_vec(),
            one_time: vec![13; 60],
            light_blocks: vec![vec![14; 9], Vec::new()],
            share: strongroom_bridge::message::Share {
                entry: vec![15; 9],
                store: vec![16; 9],
            },
        },
        Request::BootstrapAttest {
            chain_id: "fuzz-1".to_owned(),
            node_key: [17; 32],
            consensus_key: [18; 32],
        },
    ]
}

fn responses() -> Vec<HostResponse> {
    vec![
        HostResponse::Proven(proven()),
        HostResponse::Paths(super::recorded::proofs()),
        HostResponse::Code(Some(vec![0, 97, 115, 109])),
        HostResponse::Unavailable {
            text: "gone".to_owned(),
        },
    ]
}

fn asked() -> Vec<EnclaveRequest> {
    vec![
        EnclaveRequest::Get {
            height: 3,
            tree: Tree::Contract,
            key: vec![5; 40],
        },
        EnclaveRequest::GetForWrite {
            height: 3,
            paths: vec![(Tree::Native, [6; 32])],
        },
        EnclaveRequest::GetCode { hash: [8; 32] },
    ]
}

fn replies() -> Vec<Reply> {
    let failure = Failure {
        code: FailureCode::Proof,
        text: "a proof".to_owned(),
        tx: Some(TxAt {
            height: 3,
            index: 1,
            hash: [9; 32],
        }),
    };
    vec![
        Reply::Begun(PublicKeys {
            io: [1; 32],
            exchange: [2; 32],
        }),
        Reply::Sealed {
            seal: sealed().swap_remove(0),
        },
        Reply::Status(Status {
            stopped: Some(failure.clone()),
            ..Status::default()
        }),
        Reply::Published { height: 3 },
        Reply::Query(QueryResult {
            height: 3,
            outcome: Err(vec![1]),
        }),
        Reply::Evidence {
            evidence: attestation().swap_remove(0),
        },
        Reply::Failed(failure),
        Reply::Joining(Joining {
            one_time_key: [3; 32],
            enclave_version: 4,
            evidence: attestation().swap_remove(0),
            one_time: vec![5; 60],
        }),
        Reply::Joined {
            seal: sealed().swap_remove(0),
            possession: [6; 32],
        },
    ]
}
