//! A node below its engine: enclave, stores and application, with nothing executed yet.

use std::path::Path;
use std::sync::Arc;
use strongroom_chain::BlockInfo;
use strongroom_chain::tx::GasPrice;
use strongroom_node::app::{App, Stores, recover};
use strongroom_node::host::HostChain;
use strongroom_node::node::{Layout, enclave, open_stores};
use strongroom_testkit::{Chain, Door, Seeded};
use tokio::sync::watch;

pub(crate) struct Node {
    pub(crate) stores: Stores,
    pub(crate) host: Arc<HostChain>,
    pub(crate) app: Arc<App>,
}

impl Node {
    /// A node of the network that `chain` belongs to: same genesis file, same seed, a home of its own.
    pub(crate) fn new(chain: &Chain, home: &Path) -> Self {
        let stores = open_stores(&Layout(home.to_owned())).unwrap();
        let way = enclave(Arc::new(Door::open(Seeded(chain.options().seed))), &stores);
        let genesis = chain.genesis();
        let head = recover(&way, &stores, chain.sealed_seed().to_vec(), genesis.bytes()).unwrap();
        assert!(head.is_none(), "nothing was executed yet");
        let before_first = BlockInfo {
            chain_id: genesis.doc.chain_id.clone(),
            genesis_hash: genesis.hash(),
            height: 0,
            time: genesis.doc.genesis_time,
            header_hash: [0; 32],
            version_app: 0,
            misbehavior: Vec::new(),
        };
        let host = Arc::new(HostChain::new(
            Arc::clone(&stores.state),
            Arc::clone(&stores.content),
            Arc::clone(&stores.blocks),
            way.clone(),
            GasPrice::default(),
            before_first,
        ));
        let kept = Stores {
            state: Arc::clone(&stores.state),
            content: Arc::clone(&stores.content),
            blocks: Arc::clone(&stores.blocks),
        };
        let (published, _) = watch::channel(0);
        let app = Arc::new(App::new(way, kept, Arc::clone(&host), None, published));
        Self { stores, host, app }
    }
}
