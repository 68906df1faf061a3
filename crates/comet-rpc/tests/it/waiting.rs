//! What waits for a block, as the RPC prints it.

use crate::chain::Golden;
use crate::http;
use serde_json::{Value, json};
use strongroom_comet_rpc::Config;
use strongroom_comet_rpc::mempool::Limits;

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_what_waits_ends_with_the_bytes_of_a_block() {
    let backend = Golden::new("single", 1, 2, Limits::default());
    let server = backend.serve(Config::default()).await;
    let list = |limit: usize| {
        let target = format!("/unconfirmed_txs?limit={limit}");
        let request = json!({ "method": "GET", "target": target, "headers": [] });
        let answer = http::send(server.address(), &request, &[]);
        let told: Value = serde_json::from_slice(&answer.body).unwrap();
        let result = told["result"].clone();
        assert_eq!(
            result["n_txs"],
            result["txs"].as_array().unwrap().len().to_string()
        );
        (result, answer.body.len())
    };
    for n in 0..30_u8 {
        let tx = [&b"set "[..], &[b'a' + n % 26; 2_000_000], &[n]].concat();
        assert!(backend.mempool.submit(tx).unwrap().is_ok(), "{n}");
    }
    let (listed, bytes) = list(100);
    assert_eq!(
        (&listed["n_txs"], &listed["total"]),
        (&json!("2"), &json!("30"))
    );
    assert!(bytes < 6 << 20, "{bytes}");
    assert_eq!(list(1).0["n_txs"], "2");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_what_waits_has_the_longest_transaction() {
    let limits = Limits::default();
    let backend = Golden::new("single", 1, 2, limits);
    let server = backend.serve(Config::default()).await;
    let mut tx = b"set ".to_vec();
    tx.resize(limits.tx_bytes_max, b'a');
    assert!(backend.mempool.submit(tx).unwrap().is_ok());
    let request = json!({ "method": "GET", "target": "/unconfirmed_txs", "headers": [] });
    let answer = http::send(server.address(), &request, &[]);
    let told: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(told["result"]["n_txs"], "1");
    server.stop().await;
}
