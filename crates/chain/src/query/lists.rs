//! Every list of the chain's queries under every option of a page: obeyed, or refused by name.

use super::page::OFFSET_MAX;
use super::{QueryStop, query};
use crate::genesis::Document;
use crate::ports::NoSecrets;
use crate::testing::{Chain, User, block_info, document};
use crate::types::proto::Message;
use crate::types::proto::cosmos::auth::v1beta1 as auth;
use crate::types::proto::cosmos::bank::v1beta1 as bank;
use crate::types::proto::cosmos::base::query::v1beta1::{PageRequest, PageResponse};
use crate::types::proto::cosmos::feegrant::v1beta1 as feegrant;
use crate::types::proto::strongroom::poa::v1 as poa;
use crate::types::proto::strongroom::registration::v1 as registration;

/// Answer of a list: its entries as text, and the page data.
type Page = (Vec<String>, PageResponse);

/// A list: its method, a request with a page, and how to read the answer.
struct List {
    path: &'static str,
    request: fn(&Chain, PageRequest) -> Vec<u8>,
    read: fn(&[u8]) -> Page,
}

macro_rules! list {
    ($path:literal, $request:ident { $($field:ident: $value:expr),* }, $response:ident.$entries:ident) => {
        List {
            path: $path,
            request: |chain, page| {
                let _: &Chain = chain;
                bank::$request {
                    $($field: $value(chain),)*
                    pagination: Some(page),
                }
                .encode_to_vec()
            },
            read: |bytes| {
                let answer = bank::$response::decode(bytes).unwrap();
                let entries = answer.$entries.iter().map(|e| format!("{e:?}")).collect();
                (entries, answer.pagination.unwrap())
            },
        }
    };
}

fn holder(chain: &Chain) -> String {
    chain.users[0].address.to_string()
}

fn uscrt(_: &Chain) -> String {
    "uscrt".to_owned()
}

fn no(_: &Chain) -> bool {
    false
}

fn all(_: &Chain) -> Vec<String> {
    Vec::new()
}

fn lists() -> Vec<List> {
    vec![
        list!(
            "/cosmos.bank.v1beta1.Query/AllBalances",
            QueryAllBalancesRequest {
                address: holder,
                resolve_denom: no
            },
            QueryAllBalancesResponse.balances
        ),
        list!(
            "/cosmos.bank.v1beta1.Query/SpendableBalances",
            QuerySpendableBalancesRequest { address: holder },
            QuerySpendableBalancesResponse.balances
        ),
        list!(
            "/cosmos.bank.v1beta1.Query/TotalSupply",
            QueryTotalSupplyRequest {},
            QueryTotalSupplyResponse.supply
        ),
        list!(
            "/cosmos.bank.v1beta1.Query/DenomsMetadata",
            QueryDenomsMetadataRequest {},
            QueryDenomsMetadataResponse.metadatas
        ),
        list!(
            "/cosmos.bank.v1beta1.Query/DenomOwners",
            QueryDenomOwnersRequest { denom: uscrt },
            QueryDenomOwnersResponse.denom_owners
        ),
        list!(
            "/cosmos.bank.v1beta1.Query/DenomOwnersByQuery",
            QueryDenomOwnersByQueryRequest { denom: uscrt },
            QueryDenomOwnersByQueryResponse.denom_owners
        ),
        list!(
            "/cosmos.bank.v1beta1.Query/SendEnabled",
            QuerySendEnabledRequest { denoms: all },
            QuerySendEnabledResponse.send_enabled
        ),
        List {
            path: "/cosmos.feegrant.v1beta1.Query/Allowances",
            request: |chain, page| {
                feegrant::QueryAllowancesRequest {
                    grantee: holder(chain),
                    pagination: Some(page),
                }
                .encode_to_vec()
            },
            read: |bytes| {
                let answer = feegrant::QueryAllowancesResponse::decode(bytes).unwrap();
                let entries = answer.allowances.iter().map(|e| format!("{e:?}")).collect();
                (entries, answer.pagination.unwrap())
            },
        },
        List {
            path: "/cosmos.feegrant.v1beta1.Query/AllowancesByGranter",
            request: |chain, page| {
                feegrant::QueryAllowancesByGranterRequest {
                    granter: holder(chain),
                    pagination: Some(page),
                }
                .encode_to_vec()
            },
            read: |bytes| {
                let answer = feegrant::QueryAllowancesByGranterResponse::decode(bytes).unwrap();
                let entries = answer.allowances.iter().map(|e| format!("{e:?}")).collect();
                (entries, answer.pagination.unwrap())
            },
        },
        List {
            path: "/strongroom.registration.v1.Query/Nodes",
            request: |_, page| {
                registration::QueryNodesRequest {
                    pagination: Some(page),
                }
                .encode_to_vec()
            },
            read: |bytes| {
                let answer = registration::QueryNodesResponse::decode(bytes).unwrap();
                let entries = answer.nodes.iter().map(|e| format!("{e:?}")).collect();
                (entries, answer.pagination.unwrap())
            },
        },
        List {
            path: "/strongroom.registration.v1.Query/Collaterals",
            request: |_, page| {
                registration::QueryCollateralsRequest {
                    pagination: Some(page),
                }
                .encode_to_vec()
            },
            read: |bytes| {
                let answer = registration::QueryCollateralsResponse::decode(bytes).unwrap();
                let entries = answer
                    .collaterals
                    .iter()
                    .map(|e| format!("{e:?}"))
                    .collect();
                (entries, answer.pagination.unwrap())
            },
        },
        List {
            path: "/strongroom.poa.v1.Query/Validators",
            request: |_, page| {
                poa::QueryValidatorsRequest {
                    pagination: Some(page),
                }
                .encode_to_vec()
            },
            read: |bytes| {
                let answer = poa::QueryValidatorsResponse::decode(bytes).unwrap();
                let entries = answer.validators.iter().map(|e| format!("{e:?}")).collect();
                (entries, answer.pagination.unwrap())
            },
        },
        List {
            path: "/cosmos.auth.v1beta1.Query/Accounts",
            request: |_, page| {
                auth::QueryAccountsRequest {
                    pagination: Some(page),
                }
                .encode_to_vec()
            },
            read: |bytes| {
                let answer = auth::QueryAccountsResponse::decode(bytes).unwrap();
                let entries = answer.accounts.iter().map(|e| format!("{e:?}")).collect();
                (entries, answer.pagination.unwrap())
            },
        },
    ]
}

/// The first user grants five others, and they grant him.
fn grants(document: &mut Document) {
    use crate::genesis::LOCAL_ACCOUNTS;
    use crate::modules::feegrant::genesis::{Genesis, GenesisAllowance, GenesisBasic, Grant};
    let user = User::new(0).address.to_string();
    let give = |granter: &str, grantee: &str| Grant {
        granter: granter.into(),
        grantee: grantee.into(),
        allowance: GenesisAllowance::Basic(GenesisBasic {
            spend_limit: Vec::new(),
            expiration: None,
        }),
    };
    let others = LOCAL_ACCOUNTS.map(|account| account.address);
    let both = others.map(|other| [give(&user, other), give(other, &user)]);
    let allowances = both.into_iter().flatten().collect();
    document
        .app_state
        .set("feegrant", &Genesis { allowances })
        .unwrap();
}

/// Four more nodes and validators.
fn validators(document: &mut Document) {
    use crate::modules::registration::genesis::Genesis;
    use crate::types::GenesisValidator;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    let mut registration: Genesis = document.app_state.part("registration").unwrap();
    for n in 20..24 {
        let mut node = registration.nodes[0].clone();
        node.node_key = STANDARD.encode([n; 32]);
        node.consensus_key = STANDARD.encode([n + 10; 32]);
        registration.nodes.push(node);
        let mut validator: GenesisValidator = document.validators[0].clone();
        validator.pubkey = [n + 10; 32];
        document.validators.push(validator);
    }
    document
        .app_state
        .set("registration", &registration)
        .unwrap();
}

/// Five items of collateral, which nobody looks into.
fn collateral(chain: &mut Chain) {
    use crate::modules::registration::state::{COLLATERAL, COLLATERAL_IDS, CollateralRecord};
    chain.write(|ctx| {
        for n in 0..5_u8 {
            let (id, item) = (format!("item {n}"), vec![n]);
            let record = CollateralRecord { item, height: 1 };
            COLLATERAL.set(ctx, &id.as_str(), &record).unwrap();
            COLLATERAL_IDS.at(&()).insert(ctx, id.as_bytes()).unwrap();
        }
    });
}

/// A chain whose every list has at least five entries.
fn chain() -> Chain {
    use crate::modules::bank::genesis::{Genesis, GenesisCoin, SendEnabled};
    let mut document = document(5);
    let mut app: Genesis = document.app_state.part("bank").unwrap();
    // The first user's coins come in order of denomination, the staking coin last.
    let holder = app.balances.len() - 5;
    let metadata = app.denom_metadata[0].clone();
    for n in 0..5 {
        let denom = format!("coin{n}");
        let coin = GenesisCoin {
            denom: denom.clone(),
            amount: format!("{}", n + 7),
        };
        app.balances[holder].coins.insert(n, coin.clone());
        app.supply.insert(n, coin);
        app.send_enabled.push(SendEnabled {
            denom: denom.clone(),
            enabled: n % 2 == 0,
        });
        let mut metadata = metadata.clone();
        metadata.base.clone_from(&denom);
        metadata.display.clone_from(&denom);
        metadata.denom_units.truncate(1);
        metadata.denom_units[0].denom = denom;
        metadata.denom_units[0].exponent = 0;
        app.denom_metadata.push(metadata);
    }
    document.app_state.set("bank", &app).unwrap();
    grants(&mut document);
    validators(&mut document);
    let mut chain = Chain::from_document(&document, 5);
    collateral(&mut chain);
    chain
}

#[test]
fn every_list_obeys_limit_offset_key_reverse_and_count_total_or_refuses_them_by_name() {
    let chain = chain();
    for List {
        path,
        request,
        read,
    } in lists()
    {
        let ask = |page: PageRequest| {
            let block = block_info(chain.height);
            let bytes = request(&chain, page);
            query(&chain.state, &NoSecrets, chain.env(), &block, path, &bytes)
                .map(|bytes| read(&bytes))
        };
        let page = |page: PageRequest| ask(page).unwrap_or_else(|e| panic!("{path}: {e:?}"));
        let limited = |limit| PageRequest {
            limit,
            ..Default::default()
        };
        let (all, first) = page(limited(u64::MAX));
        assert!(all.len() >= 5, "{path}: {}", all.len());
        assert_eq!(first, PageResponse::default(), "{path}");
        let back: Vec<String> = all.iter().rev().cloned().collect();
        for (reverse, all) in [(false, &all), (true, &back)] {
            let what = format!("{path}, reverse {reverse}");
            let with = |limit, offset, key: &[u8], count_total| PageRequest {
                key: key.to_vec(),
                offset,
                limit,
                count_total,
                reverse,
            };
            // Page by page, two at a time; the total only when asked for, and not behind a key.
            let (mut walked, mut key) = (Vec::new(), Vec::new());
            loop {
                let (mut entries, answer) = page(with(2, 0, &key, true));
                let total = if key.is_empty() { all.len() as u64 } else { 0 };
                assert_eq!(answer.total, total, "{what}");
                assert!(entries.len() <= 2, "{what}");
                walked.append(&mut entries);
                key = answer.next_key;
                if key.is_empty() {
                    break;
                }
            }
            assert_eq!(&walked, all, "{what}");
            for offset in 0..=all.len() + 1 {
                let (entries, answer) = page(with(2, offset as u64, &[], false));
                let rest = all.get(offset..).unwrap_or_default();
                assert_eq!(
                    entries,
                    rest[..rest.len().min(2)],
                    "{what}, offset {offset}"
                );
                assert_eq!(answer.next_key.is_empty(), rest.len() <= 2, "{what}");
                assert_eq!(answer.total, 0, "{what}");
            }
            // No limit is the first hundred, with the total.
            assert_eq!(
                page(with(0, 0, &[], false)).1.total,
                all.len() as u64,
                "{what}"
            );
            for refused in [with(2, 1, &[1], false), with(2, OFFSET_MAX + 1, &[], false)] {
                let Err(QueryStop::Error(e)) = ask(refused.clone()) else {
                    panic!("{what}: {refused:?} was taken");
                };
                assert_eq!(e.grpc().0.number(), 3, "{what}");
                assert!(e.grpc().1.contains("offset"), "{what}: {}", e.grpc().1);
            }
        }
    }
}
