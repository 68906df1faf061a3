//! Results of the transactions of a block, from the search that every node of the Cosmos SDK has: page after page.
//!
//! Promises: whatever the pages say, the time, their bytes and what is kept of them are bounded; a list that is cut short is an error, and no list.

use super::told::{Told, ask};
use super::{Error, TXS, Transport, escaped, get};
use crate::types::{Height, Timestamp};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use core::time::Duration;
use serde_json::{Value, json};

/// Transactions of a page of a search; the most that the Cosmos SDK gives.
pub(super) const PAGE: u64 = 100;
/// The most results of one block.
const RESULTS_MAX: usize = 20_000;
/// The most bytes of data in them: as much as an answer of the RPC may have.
const DATA_BYTES_MAX: usize = 16 << 20;
/// The most bytes of all pages: they tell each transaction twice, with its events.
const PAGES_BYTES_MAX: usize = 128 << 20;
/// How long the pages may take: a node needs a tenth of a second for one.
const PAGES_WAIT: Duration = Duration::from_secs(30);

/// What a header commits to of the results of a block, in the form of `block_results`.
pub(super) async fn results(
    transport: &mut impl Transport,
    height: Height,
) -> Result<Value, Error> {
    let begun = transport.now();
    let (mut results, mut data_bytes, mut bytes) = (Vec::new(), 0_usize, 0_usize);
    let mut total = None;
    for page in 1.. {
        let query = format!("tx.height={height}");
        let told = match ask(transport, search(&query, page, PAGE, "ASC")).await? {
            // Behind the last page is an error (`page should be within [1, 1] range, given 2`). Only who does not tell the number is asked for it.
            Told::Refused { text, .. } if total.is_none() && page > 1 && text.contains("page") => {
                break;
            }
            told => told,
        };
        if let Told::Done { response, .. } = &told {
            bytes = bytes.saturating_add(response.body.len());
        }
        let found = told.answer("tx_search")?;
        let responses = found["tx_responses"].as_array().map(Vec::as_slice);
        let responses = responses.unwrap_or_default();
        for response in responses {
            let (result, length) = read(response).ok_or(bad("txs_results"))?;
            data_bytes = data_bytes.saturating_add(length);
            results.push(result);
        }
        if data_bytes > DATA_BYTES_MAX || bytes > PAGES_BYTES_MAX {
            return Err(bad("data: it is more than a block can have"));
        }
        if results.len() > RESULTS_MAX {
            return Err(bad("total: it is more than this client reads"));
        }
        total = self::total(&found).or(total);
        match total {
            Some(total) if results.len() == total => break,
            // Whoever gives another number than was asked for has no more.
            None if u64::try_from(responses.len()) != Ok(PAGE) => break,
            Some(total) if total > RESULTS_MAX => {
                return Err(bad("total: it is more than this client reads"));
            }
            Some(total) if results.len() > total || responses.is_empty() => {
                return Err(bad("total: its pages have another number"));
            }
            _ => {}
        }
        if since(begun, transport.now()) > PAGES_WAIT {
            let why = "the results of the block take too long, try again";
            return Err(Error::NoAnswer(why.to_owned()));
        }
    }
    Ok(json!({ "txs_results": results }))
}

/// How many there are in all; nothing and 0 tell nothing.
fn total(found: &Value) -> Option<usize> {
    let places = [&found["total"], &found["pagination"]["total"]];
    let told = places.into_iter().find_map(Value::as_str)?.parse().ok();
    told.filter(|total| *total > 0)
}

/// What a header commits to of one result.
pub(super) fn committed(response: &Value) -> Option<Value> {
    read(response).map(|(result, _)| result)
}

/// One result, and the bytes of its data: numbers that are none, or longer than numbers are, are not kept.
fn read(response: &Value) -> Option<(Value, usize)> {
    let code = u32::try_from(response["code"].as_u64()?).ok()?;
    let number = |name: &str| response[name].as_str()?.parse::<i64>().ok();
    let data = match &response["data"] {
        Value::Null => Vec::new(),
        data => hex::decode(data.as_str()?).ok()?,
    };
    let result = json!({
        "code": code,
        "data": STANDARD.encode(&data),
        "gas_wanted": number("gas_wanted")?.to_string(),
        "gas_used": number("gas_used")?.to_string(),
    });
    Some((result, data.len()))
}

/// The question for a page of what a search finds.
pub(super) fn search(query: &str, page: u64, limit: u64, order: &str) -> super::Request {
    let query = escaped(query);
    get(format!(
        "{TXS}?query={query}&page={page}&limit={limit}&order_by=ORDER_BY_{order}"
    ))
}

const fn bad(field: &'static str) -> Error {
    Error::Form {
        method: "block_results",
        field,
    }
}

fn since(then: Timestamp, now: Timestamp) -> Duration {
    let nanos = now.nanos_total().zip(then.nanos_total());
    let nanos = nanos.map_or(0, |(now, then)| now.saturating_sub(then));
    Duration::from_nanos(nanos)
}
