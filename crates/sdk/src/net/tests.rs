//! The transport against real servers on this machine, with certificates that are made for the test.

use super::*;
use crate::client::Client;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn roots(authority: &Authority) -> Roots {
    Roots::Pem(authority.pem().into_bytes())
}

/// A certificate for `localhost` and 127.0.0.1 that holds, before something is changed.
fn certificate() -> CertificateParams {
    let names = ["localhost", "127.0.0.1"].map(str::to_owned);
    let mut params = CertificateParams::new(names).unwrap();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params
}

fn config() -> rustls::ConfigBuilder<ServerConfig, rustls::WantsVerifier> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider);
    config.with_safe_default_protocol_versions().unwrap()
}

fn signed(by: &Authority, params: CertificateParams) -> ServerConfig {
    let key = KeyPair::generate().unwrap();
    let shown = params.signed_by(&key, by).unwrap().der().clone();
    let config = config().with_no_client_auth();
    config.with_single_cert(vec![shown], pkcs8(&key)).unwrap()
}

fn pkcs8(key: &KeyPair) -> PrivateKeyDer<'static> {
    PrivatePkcs8KeyDer::from(key.serialize_der()).into()
}

/// A server of the loopback: what it answers with, and the requests that it has read.
struct Server {
    port: u16,
    requests: Arc<AtomicUsize>,
}

/// Answers each request with these bytes, and hangs up.
async fn server(tls: Option<ServerConfig>, answer: impl Into<Vec<u8>>) -> Server {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let requests = Arc::new(AtomicUsize::new(0));
    let acceptor = tls.map(|tls| TlsAcceptor::from(Arc::new(tls)));
    let (read, answer) = (Arc::clone(&requests), answer.into());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, read, answer) = (acceptor.clone(), Arc::clone(&read), answer.clone());
            tokio::spawn(async move {
                match acceptor {
                    None => serve(stream, &read, &answer).await,
                    Some(acceptor) => serve(acceptor.accept(stream).await?, &read, &answer).await,
                }
            });
        }
    });
    Server { port, requests }
}

async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    read: &AtomicUsize,
    answer: &[u8],
) -> std::io::Result<()> {
    let mut request = Vec::new();
    let is_whole = |request: &[u8]| match request.starts_with(b"GET ") {
        true => request.ends_with(b"\r\n\r\n"),
        false => request.ends_with(b"}"),
    };
    while !is_whole(&request) {
        if stream.read_buf(&mut request).await? == 0 || !request.is_ascii() {
            return Ok(());
        }
    }
    let asked = [&b"POST /rpc HTTP/1.1\r\n"[..], b"GET /rpc/cosmos/"];
    assert!(asked.iter().any(|start| request.starts_with(start)));
    read.fetch_add(1, Ordering::Relaxed);
    stream.write_all(answer).await
}

/// The answer of a node at height 7.
fn status() -> Vec<u8> {
    let body = json!({ "result": { "sync_info": { "latest_block_height": "7" } } }).to_string();
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}").into()
}

impl Server {
    async fn asked(&self, scheme: &str, host: &str, roots: &Roots) -> Result<Value, Error> {
        let address = format!("{scheme}://{host}:{}/rpc", self.port);
        let transport = Http::connect(&address.parse().unwrap(), roots).await?;
        Client::new(transport).call("status", &json!({})).await
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }
}

#[tokio::test]
async fn a_node_whose_certificate_an_authority_has_signed_is_asked_by_name_and_by_address() {
    let authority = authority("ours");
    let server = server(Some(signed(&authority, certificate())), status()).await;
    for host in ["localhost", "127.0.0.1"] {
        let answer = server.asked("https", host, &roots(&authority)).await;
        assert_eq!(answer.unwrap()["sync_info"]["latest_block_height"], "7");
    }
    assert_eq!(server.requests(), 2);
}

#[tokio::test]
async fn a_connection_that_the_node_has_closed_is_made_again() {
    let authority = authority("ours");
    let server = server(Some(signed(&authority, certificate())), status()).await;
    let address = format!("https://localhost:{}/rpc", server.port);
    let transport = Http::connect(&address.parse().unwrap(), &roots(&authority)).await;
    let mut client = Client::new(transport.unwrap());
    for _ in 0..3 {
        assert_eq!(client.height().await.unwrap(), 7);
    }
}

#[tokio::test]
async fn nothing_is_said_to_a_node_whose_certificate_does_not_hold() {
    let [ours, other, namesake] = ["ours", "other", "ours"].map(authority);
    let changed = |change: fn(&mut CertificateParams)| {
        let mut params = certificate();
        change(&mut params);
        signed(&ours, params)
    };
    let names = |names: &[&str]| {
        let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        signed(&ours, params)
    };
    // A name above is none, and a name is no address.
    for (code, config) in [
        ("tls.name", names(&["example.org"])),
        ("tls.name", names(&[])),
        (
            "tls.name",
            names(&["localhost.example.org", "*.localhost", "127.0.0.1"]),
        ),
        (
            "tls.expired",
            changed(|c| c.not_after = date_time_ymd(2020, 1, 1)),
        ),
        (
            "tls.not_yet_valid",
            changed(|c| c.not_before = date_time_ymd(4000, 1, 1)),
        ),
        ("tls.unknown_issuer", signed(&other, certificate())),
        ("tls.certificate", signed(&namesake, certificate())),
        (
            "tls.certificate",
            changed(|c| c.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth]),
        ),
    ] {
        let server = server(Some(config), status()).await;
        let error = server.asked("https", "localhost", &roots(&ours)).await;
        let error = error.unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.to_string().contains("localhost"), "{error}");
        assert_eq!(server.requests(), 0, "{code}");
    }
}

#[tokio::test]
async fn a_certificate_that_signs_itself_is_believed_by_nobody() {
    let (key, ours) = (KeyPair::generate().unwrap(), authority("ours"));
    let mut params = certificate();
    params
        .distinguished_name
        .push(DnType::CommonName, "localhost");
    let shown = params.self_signed(&key).unwrap().der().clone();
    let config = config().with_no_client_auth();
    let config = config.with_single_cert(vec![shown], pkcs8(&key)).unwrap();
    let server = server(Some(config), status()).await;
    let error = server.asked("https", "localhost", &roots(&ours)).await;
    assert_eq!(error.unwrap_err().code(), "tls.unknown_issuer");
}

#[tokio::test]
async fn an_authority_of_ours_is_none_of_this_system() {
    let server = server(Some(signed(&authority("ours"), certificate())), status()).await;
    let error = server.asked("https", "localhost", &Roots::System).await;
    let code = error.unwrap_err().code();
    // A system may have no authorities at all.
    assert!(
        ["tls.unknown_issuer", "tls.no_roots"].contains(&code),
        "{code}"
    );
    assert_eq!(server.requests(), 0);
}

#[tokio::test]
async fn a_file_without_a_certificate_is_no_file_of_authorities() {
    let key = KeyPair::generate().unwrap().serialize_pem();
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for pem in ["", "no certificate", &key, broken] {
        let server = server(None, status()).await;
        let roots = Roots::Pem(pem.as_bytes().to_vec());
        let error = server.asked("https", "localhost", &roots).await;
        assert_eq!(error.unwrap_err().code(), "tls.roots", "{pem}");
    }
}

#[tokio::test]
async fn a_server_without_tls_is_told_nothing_in_plain_instead() {
    let authority = authority("ours");
    let plain = server(None, status()).await;
    let error = plain.asked("https", "localhost", &roots(&authority)).await;
    let error = error.unwrap_err();
    assert_eq!(error.code(), "tls.not_spoken", "{error}");
    let other = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = other.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut stream, _) = other.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await
    });
    let address = format!("https://localhost:{port}").parse().unwrap();
    let error = Http::connect(&address, &roots(&authority)).await;
    assert_eq!(error.unwrap_err().code(), "tls.not_spoken");
    assert_eq!(plain.requests(), 0);
}

#[tokio::test]
async fn plain_http_where_tls_is_spoken_says_so() {
    let server = server(Some(signed(&authority("ours"), certificate())), status()).await;
    let error = server.asked("http", "localhost", &Roots::System).await;
    let error = error.unwrap_err();
    assert_eq!(error.code(), "client.no_answer");
    assert!(error.to_string().contains("https://"), "{error}");
}

#[tokio::test]
async fn a_server_that_wants_a_certificate_of_the_client_is_told_of() {
    let (ours, key) = (authority("ours"), KeyPair::generate().unwrap());
    let shown = certificate().signed_by(&key, &ours).unwrap().der().clone();
    let mut store = RootCertStore::empty();
    store
        .add(CertificateDer::from(ours.der().to_vec()))
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(store), provider);
    let config = config().with_client_cert_verifier(verifier.build().unwrap());
    let config = config.with_single_cert(vec![shown], pkcs8(&key)).unwrap();
    let server = server(Some(config), status()).await;
    let error = server.asked("https", "localhost", &roots(&ours)).await;
    let error = error.unwrap_err();
    assert_eq!(error.code(), "tls.refused", "{error}");
    assert_eq!(server.requests(), 0);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let authority = authority("ours");
    let target = server(None, status()).await;
    let answer = format!(
        "HTTP/1.1 307 Temporary Redirect\r\nLocation: http://localhost:{}/rpc\r\nContent-Length: 0\r\n\r\n",
        target.port
    );
    let server = server(Some(signed(&authority, certificate())), answer).await;
    let error = server.asked("https", "localhost", &roots(&authority)).await;
    assert_eq!(error.unwrap_err().code(), "client.not_rpc");
    // The RPC is not there, nor is REST.
    assert_eq!((server.requests(), target.requests()), (2, 0));
}

#[tokio::test]
async fn an_answer_that_somebody_cuts_short_is_none() {
    let authority = authority("ours");
    // An end that TLS does not announce, in place of a length.
    let mut answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".to_vec();
    answer.extend_from_slice(json!({ "result": {} }).to_string().as_bytes());
    let server = server(Some(signed(&authority, certificate())), answer).await;
    let error = server.asked("https", "localhost", &roots(&authority)).await;
    let error = error.unwrap_err();
    assert_eq!(error.code(), "client.no_answer");
    // In our words.
    assert!(
        error.to_string().ends_with("it hangs up within its answer"),
        "{error}"
    );
}

#[tokio::test]
async fn authorities_for_plain_http_are_refused_before_anything_is_said() {
    let server = server(None, status()).await;
    let named = roots(&authority("ours"));
    for scheme in ["http", "tcp"] {
        let error = server.asked(scheme, "localhost", &named).await;
        assert_eq!(error.unwrap_err().code(), "tls.plain");
    }
    assert_eq!(server.requests(), 0);
    assert!(
        server
            .asked("http", "localhost", &Roots::System)
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn what_speaks_tls_and_no_http_is_not_told_to_speak_tls() {
    let authority = authority("ours");
    let long = format!(
        "HTTP/1.1 200 OK\r\n{}",
        "X-A: aaaaaaaaaaaaaaaa\r\n".repeat(1 << 16)
    );
    for (answer, why) in [
        ("no http\r\n\r\n", "speaks no HTTP"),
        (long.as_str(), "says more before its answer"),
    ] {
        let server = server(Some(signed(&authority, certificate())), answer).await;
        let error = server.asked("https", "localhost", &roots(&authority)).await;
        let error = error.unwrap_err().to_string();
        assert!(
            error.contains(why) && !error.contains("https://"),
            "{error}"
        );
    }
}

/// REST on the server that nodes have; a simulation uses as much gas as it has bytes.
async fn rest() -> u16 {
    use hyper::body::Incoming;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let answer = async |request: Request<Incoming>| {
        let path = request.uri().path().to_owned();
        let bytes = request.into_body().collect().await?.to_bytes().len();
        let (status, said) = match path.rsplit('/').next() {
            Some("node_info") => (200, json!({ "default_node_info": {} })),
            Some("simulate") => {
                let gas = json!({ "gas_wanted": "0", "gas_used": bytes.to_string() });
                (200, json!({ "gas_info": gas }))
            }
            Some("abci_query") => (200, json!({ "code": 0, "value": "", "height": "7" })),
            _ => (404, json!({})),
        };
        let mut response = hyper::Response::new(said.to_string());
        *response.status_mut() = hyper::StatusCode::from_u16(status).unwrap();
        Ok::<_, hyper::Error>(response)
    };
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let server = hyper::server::conn::http1::Builder::new();
            let service = hyper::service::service_fn(answer);
            tokio::spawn(server.serve_connection(TokioIo::new(stream), service));
        }
    });
    port
}

#[tokio::test]
async fn a_simulation_of_any_length_is_posted_and_a_question_that_no_address_holds_is_too_long() {
    let address = format!("http://127.0.0.1:{}/rest", rest().await);
    let connect = async || Http::connect(&address.parse().unwrap(), &Roots::System).await;
    let mut client = Client::new(connect().await.unwrap());
    for memo in [10, 40_000, 60_000, 90_000, 200_000] {
        let tx = crate::tx::TxBuilder::new("test-1").memo("x".repeat(memo));
        let gas = client.simulate(tx.unsigned(&[2; 33], 0)).await.unwrap();
        assert!(gas > u64::try_from(memo).unwrap());
    }
    assert!(client.query_bytes("/a.B/C", &[0; 48_000]).await.is_ok());
    for bytes in [[0xff; 60_000].as_slice(), &[0; 60_000], &[0; 49_200]] {
        let error = client.query_bytes("/a.B/C", bytes).await.unwrap_err();
        assert_eq!(error.code(), "client.too_long", "{error}");
    }
    // The limit is that of both sides, and what stands in the address of the node counts.
    let mut transport = connect().await.unwrap();
    let longest = client::TARGET_BYTES_MAX - "/rest".len();
    let path = |bytes: usize| client::Request {
        path: format!("/{}", "x".repeat(bytes - 1)),
        body: None,
    };
    let answer = transport.exchange(path(longest)).await.unwrap();
    assert_eq!(answer.status, 404);
    let error = transport.exchange(path(longest + 1)).await.unwrap_err();
    assert_eq!(error.code(), "client.too_long");
    for (bytes, holds) in [(longest + 5, true), (longest + 6, false)] {
        assert_eq!(path(bytes).path.parse::<hyper::Uri>().is_ok(), holds);
    }
}
