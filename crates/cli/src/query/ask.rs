//! Queries that people write themselves: of contracts, transactions, accounts, and of whatever the descriptors know.

use super::{Bank, PAGE, What, more, page};
use crate::json as reading;
use crate::keyring::Keyring;
use crate::output::say;
use crate::output::{Output, compact, descriptors, headed, json, plain, pretty, table};
use crate::rpc::Client;
use crate::tx::{self, contract::message, report};
use anyhow::Context as _;
use prost_reflect::{DescriptorPool, DynamicMessage, MethodDescriptor};
use serde_json::value::RawValue;
use strongroom_node::rest::json::Printer;
use strongroom_sdk::keys::Account;
use strongroom_types::Address;
use strongroom_types::proto::Message as _;
use strongroom_types::proto::cosmos::bank::v1beta1::{
    QueryAllBalancesRequest, QueryAllBalancesResponse,
};

/// A query whose parts are read.
pub(super) enum Asked<'q> {
    Contract(&'q Address, Box<RawValue>),
    Tx(&'q str, Option<Box<Account>>),
    Balances(Address),
    Methods(DescriptorPool),
    Method(DescriptorPool, MethodDescriptor, DynamicMessage),
    /// One of those that need no reading.
    Other,
}

impl<'q> Asked<'q> {
    pub(super) fn read(what: &'q What) -> anyhow::Result<Self> {
        Ok(match what {
            What::Contract { contract, query } => Self::Contract(contract, message(query)?),
            What::Tx {
                hash,
                from,
                keyring,
            } => {
                let open = |from: &String| Keyring::new(keyring)?.get(from)?.open();
                let account = from.as_ref().map(open).transpose()?;
                Self::Tx(hash, account.map(Box::new))
            }
            What::Bank(Bank::Balances { account, keyring }) => {
                Self::Balances(tx::address(&Keyring::new(keyring)?, account)?)
            }
            What::Grpc {
                path: Some(path),
                request,
            } => {
                let pool = descriptors()?;
                let method = method(&pool, path)?;
                let request = serde_json::from_str(message(request)?.get())?;
                let request = reading::message(&pool, &method.input(), request)?;
                Self::Method(pool, method, request)
            }
            What::Grpc { path: None, .. } => Self::Methods(descriptors()?),
            What::Registration(_) | What::Poa(_) => Self::Other,
        })
    }

    pub(super) async fn answer(&self, client: &mut Client, output: Output) -> anyhow::Result<()> {
        let printed = match self {
            Self::Contract(contract, query) => {
                let answer = client.query_contract_bytes(contract, query).await?;
                let text = String::from_utf8(answer);
                let text = text.context("the contract's answer is no text")?;
                let is_json = serde_json::from_str::<&RawValue>(&text).is_ok();
                match (output, is_json) {
                    (Output::Json, true) => compact(&text),
                    (Output::Json, false) => serde_json::to_string(&text)?,
                    (Output::Text, true) => pretty(&text)?,
                    (Output::Text, false) => plain(&text),
                }
            }
            Self::Tx(hash, account) => {
                let included = client.transaction(hash).await?;
                let opened = match account {
                    Some(account) => client.open(account, &included).await?,
                    None => included.open(None)?,
                };
                report::print(&included, &opened, output);
                return Ok(());
            }
            Self::Balances(account) => balances(client, account, output).await?,
            Self::Method(pool, method, request) => {
                let path = path_of(method);
                let answer = client.query_bytes(&path, &request.encode_to_vec()).await?;
                let answer = DynamicMessage::decode(method.output(), answer.as_slice())?;
                let text = Printer::new(pool.clone()).print(&answer);
                match output {
                    Output::Json => text,
                    Output::Text => pretty(&text)?,
                }
            }
            Self::Methods(pool) => {
                let methods = queries(pool).map(|method| path_of(&method));
                let methods: Vec<_> = methods.collect();
                match output {
                    Output::Json => serde_json::to_string(&methods)?,
                    Output::Text => methods.join("\n"),
                }
            }
            Self::Other => return Ok(()),
        };
        say(printed.trim_end());
        Ok(())
    }
}

async fn balances(
    client: &mut Client,
    account: &Address,
    output: Output,
) -> anyhow::Result<String> {
    let mut all = QueryAllBalancesResponse::default();
    let mut next = Some(Vec::new());
    while let Some(key) = next {
        let request = QueryAllBalancesRequest {
            address: account.to_string(),
            pagination: Some(page(key)),
            ..QueryAllBalancesRequest::default()
        };
        let path = "/cosmos.bank.v1beta1.Query/AllBalances";
        let answer: QueryAllBalancesResponse = client.query(path, &request).await?;
        // A node that gives nothing and promises more would be asked for ever.
        let is_short = answer.balances.len() < usize::try_from(PAGE).unwrap_or(usize::MAX);
        all.balances.extend(answer.balances);
        next = more(answer.pagination).filter(|_| !is_short);
    }
    if output == Output::Json {
        return json(&all);
    }
    let mut rows = vec![["AMOUNT", "DENOMINATION"].map(str::to_owned)];
    rows.extend(
        all.balances
            .into_iter()
            .map(|coin| [plain(&coin.amount), plain(&coin.denom)]),
    );
    Ok(headed(&table(&rows)))
}

/// The methods that ask and change nothing.
fn queries(pool: &DescriptorPool) -> impl Iterator<Item = MethodDescriptor> {
    let services = pool.services().filter(|service| service.name() != "Msg");
    services.flat_map(|service| service.methods().collect::<Vec<_>>())
}

fn path_of(method: &MethodDescriptor) -> String {
    let service = method.parent_service();
    format!("/{}/{}", service.full_name(), method.name())
}

/// The method with this name, with or without the slash before it.
fn method(pool: &DescriptorPool, name: &str) -> anyhow::Result<MethodDescriptor> {
    let wanted = name.trim_start_matches('/');
    let found = queries(pool).find(|m| path_of(m).trim_start_matches('/') == wanted);
    found.with_context(|| {
        format!("query.method: there is no query {name}: `strongroom query grpc` lists those that there are")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_is_found_by_its_name_and_what_changes_something_is_none() {
        let pool = descriptors().unwrap();
        for name in [
            "cosmos.bank.v1beta1.Query/TotalSupply",
            "/cosmos.bank.v1beta1.Query/TotalSupply",
        ] {
            assert_eq!(
                path_of(&method(&pool, name).unwrap()),
                "/cosmos.bank.v1beta1.Query/TotalSupply"
            );
        }
        for name in [
            "",
            "TotalSupply",
            "cosmos.bank.v1beta1.Msg/Send",
            "cosmos.bank.v1beta1.Query/Steal",
        ] {
            assert!(method(&pool, name).is_err(), "{name}");
        }
    }
}
