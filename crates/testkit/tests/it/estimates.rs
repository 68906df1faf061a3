//! Estimates of calls as a client gets them that believes no node: over the node's own RPC, whose answers about the policy are changed on the way.

use serde_json::{Value, json};
use std::cell::{Cell, RefCell};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;
use strongroom_chain::modules::SimulationPolicy;
use strongroom_comet_rpc::backend::NodeInfo;
use strongroom_comet_rpc::check_queue::CheckQueue;
use strongroom_comet_rpc::event_bus::EventBus;
use strongroom_comet_rpc::mempool::{Limits, Mempool};
use strongroom_comet_rpc::{Backend, Config};
use strongroom_http::Server;
use strongroom_node::pool::Pool;
use strongroom_node::services::Services;
use strongroom_sdk::client::{Client, Error, Estimate, Request, Response, SIMULATION, Transport};
use strongroom_sdk::light::{self, Terms};
use strongroom_sdk::tx::TxBuilder;
use strongroom_testkit::{Chain, Contract, Options, User, contract};
use strongroom_types::Timestamp;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::watch;

const SIMULATE: &str = "/cosmos.tx.v1beta1.Service/Simulate";

/// A chain with a token, and its RPC.
struct Scene {
    chain: Chain,
    user: User,
    token: Contract,
    runtime: Runtime,
    rpc: Server,
    /// What its RPC was asked by `abci_query`.
    asked: RefCell<Vec<String>>,
    lie: Cell<Lie>,
}

/// What becomes of a question about the policy.
#[derive(Clone, Copy)]
enum Lie {
    None,
    Silence,
    /// Another value, beside the proof of the true one.
    Value(&'static [u8]),
    /// What another chain says, with its proof.
    Of(SocketAddr),
}

impl Scene {
    fn new(simulation: SimulationPolicy) -> Self {
        let mut chain = Chain::with(Options {
            simulation,
            ..Options::default()
        });
        let user = chain.user("a");
        let code = chain.store_code(&user, contract("token")).unwrap();
        let balances = json!([{ "address": user.address().to_string(), "amount": "1000" }]);
        let init = json!({
            "name": "Secret Example", "symbol": "SEXM", "decimals": 6, "prng_seed": "ZGljZQ==",
            "initial_balances": balances,
        });
        let token = chain.instantiate(&user, &code, "token", &init).unwrap();
        // Whose header commits to all of that.
        chain.block(Vec::new());
        let runtime = Runtime::new().unwrap();
        let rpc = runtime.block_on(serve(&chain));
        Self {
            chain,
            user,
            token,
            runtime,
            rpc,
            asked: RefCell::default(),
            lie: Cell::new(Lie::None),
        }
    }

    /// A client that trusts the genesis file.
    fn client(&self) -> Client<Node<'_>> {
        let trusted = light::genesis(self.chain.genesis().bytes()).unwrap();
        Client::new(Node(self)).trusting(trusted, Terms::WITHOUT_CLOCK)
    }

    fn transfer(&self, client: &mut Client<Node<'_>>, amount: &str) -> TxBuilder {
        let to = User::local("b").address().to_string();
        let message = json!({ "transfer": { "recipient": to, "amount": amount } });
        let (account, token) = (self.user.account(), &self.token.address);
        let call = client.execute_message(account, token, &message, Vec::new());
        let call = self.runtime.block_on(call).unwrap();
        TxBuilder::new(&self.chain.options().chain_id).message(&call)
    }

    fn estimate(&self, client: &mut Client<Node<'_>>, tx: &TxBuilder) -> Result<Estimate, Error> {
        self.runtime
            .block_on(client.estimate(self.user.account(), tx))
    }

    /// How often the policy was asked for, and a simulation.
    fn asked(&self) -> [usize; 2] {
        let asked = self.asked.borrow();
        [SIMULATION, SIMULATE].map(|name| asked.iter().filter(|asked| *asked == name).count())
    }
}

async fn serve(chain: &Chain) -> Server {
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = Arc::clone(chain.host());
    let mempool = Arc::new(Mempool::new(Limits::default(), host.clone()));
    let checks = CheckQueue::new(mempool).unwrap();
    let node = NodeInfo {
        id: String::new(),
        listen_addr: String::new(),
        network: chain.options().chain_id.clone(),
        version: String::from("0.38.0"),
        moniker: String::new(),
        app_version: 0,
        rpc_address: String::new(),
        validator: [0; 32],
    };
    let services = Services {
        chain: Arc::clone(&host),
        blocks: Arc::clone(chain.blocks()),
        pool: Pool::Own(checks.clone()),
        info: Arc::new(node.clone()),
    };
    let (_, published) = watch::channel(chain.height());
    let backend = Backend {
        app: Arc::new(services),
        blocks: Arc::clone(chain.blocks()),
        published,
        checks,
        events: EventBus::default(),
        gate: Arc::clone(host.gate()),
        node,
        genesis: String::from_utf8_lossy(chain.genesis().bytes()).into_owned(),
    };
    strongroom_comet_rpc::serve(backend, Config::default(), tcp).unwrap()
}

/// The way to the RPC of a scene.
struct Node<'s>(&'s Scene);

impl Transport for Node<'_> {
    async fn exchange(&mut self, request: Request) -> Result<Response, Error> {
        let scene = self.0;
        let Some(body) = request.body.filter(|_| request.path.is_empty()) else {
            return Ok(Response {
                status: 404,
                ..Response::default()
            });
        };
        let call: Value = serde_json::from_str(&body).unwrap();
        let params = &call["params"];
        let is_policy = params["data"] == hex::encode(SIMULATION);
        if is_policy {
            scene.asked.borrow_mut().push(SIMULATION.to_owned());
        } else if let Some(path) = params["path"].as_str() {
            scene.asked.borrow_mut().push(path.to_owned());
        }
        let lie = if is_policy {
            scene.lie.get()
        } else {
            Lie::None
        };
        let address = match lie {
            Lie::Silence => return Err(Error::NoAnswer("gone".to_owned())),
            Lie::Of(address) => address,
            Lie::None | Lie::Value(_) => scene.rpc.address(),
        };
        let mut answer = post(address, &call);
        if let Lie::Value(value) = lie {
            answer["result"]["response"]["value"] = json!(base64(value));
        }
        Ok(Response {
            status: 200,
            body: answer.to_string().into_bytes(),
            ..Response::default()
        })
    }

    fn now(&self) -> Timestamp {
        Timestamp::default()
    }

    async fn pause(&mut self, _: Duration) {}
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn post(address: SocketAddr, call: &Value) -> Value {
    let mut stream = TcpStream::connect(address).unwrap();
    let body = call.to_string();
    let head = format!(
        "POST / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    serde_json::from_str(body).unwrap()
}

#[test]
fn a_call_is_estimated_where_the_policy_is_proven_and_guessed_where_it_is_proven_that_there_is_none()
 {
    let mut scene = Scene::new(SimulationPolicy::Open);
    let (tx, limit, used) = {
        let mut client = scene.client();
        let tx = scene.transfer(&mut client, "5");
        let estimate = scene.estimate(&mut client, &tx).unwrap();
        assert_eq!(scene.estimate(&mut client, &tx).unwrap(), estimate);
        let Estimate::Simulated { used, limit } = estimate else {
            panic!("{estimate:?}")
        };
        (tx, limit, used)
    };
    // What is proven of a genesis holds for ever.
    assert_eq!(scene.asked(), [1, 2]);
    let tx = scene.chain.sign(&scene.user, &tx.gas(limit));
    let result = scene.chain.block(vec![tx]).remove(0);
    assert_eq!(result.code, 0, "{}", result.log);
    let used_there = u64::try_from(result.gas_used).unwrap();
    assert!(
        used.abs_diff(used_there) * 20 <= used_there,
        "{used} {used_there}"
    );

    let scene = Scene::new(SimulationPolicy::Off);
    let mut client = scene.client();
    let tx = scene.transfer(&mut client, "5");
    for _ in 0..2 {
        let estimate = scene.estimate(&mut client, &tx).unwrap();
        assert_eq!(estimate, Estimate::Guessed { limit: 300_000 });
    }
    assert_eq!(scene.asked(), [1, 0]);
}

#[test]
fn a_node_that_lies_about_the_policy_or_says_nothing_gets_no_call_to_simulate_and_is_asked_again() {
    let open = Scene::new(SimulationPolicy::Open);
    let off = Scene::new(SimulationPolicy::Off);
    let (says_open, says_off) = (Lie::Of(open.rpc.address()), Lie::Of(off.rpc.address()));
    for (scene, lies) in [
        (&open, [Lie::Silence, Lie::Value(&[]), says_off]),
        (&off, [Lie::Silence, Lie::Value(&[1, 1]), says_open]),
    ] {
        let mut client = scene.client();
        let tx = scene.transfer(&mut client, "5");
        for (before, lie) in lies.into_iter().enumerate() {
            scene.lie.set(lie);
            let estimate = scene.estimate(&mut client, &tx).unwrap();
            assert_eq!(estimate, Estimate::Guessed { limit: 300_000 });
            assert_eq!(scene.asked(), [before + 1, 0]);
        }
        // The truth is believed after all of them.
        scene.lie.set(Lie::None);
        let estimate = scene.estimate(&mut client, &tx).unwrap();
        let is_simulated = matches!(estimate, Estimate::Simulated { .. });
        assert_eq!(is_simulated, core::ptr::eq(scene, &open));
    }
}

#[test]
fn a_call_that_would_fail_is_refused_with_the_contracts_own_words_for_who_sealed_it() {
    let scene = Scene::new(SimulationPolicy::Open);
    let mut client = scene.client();
    let tx = scene.transfer(&mut client, "1001");
    let error = scene.estimate(&mut client, &tx).unwrap_err();
    assert_eq!(error.code(), "client.query");
    assert!(error.to_string().contains("insufficient funds"), "{error}");
    // Whoever did not seal it reads nothing.
    let stranger = User::local("c");
    let ran = client.dry_run(scene.user.account(), stranger.account(), &tx);
    let error = scene.runtime.block_on(ran).unwrap_err();
    assert!(error.to_string().contains("encrypted: "), "{error}");
}
