//! What a transaction does, in words, for whoever is to sign it.
//!
//! Promises: whatever the transaction says is shown, or counted; no text in it moves the cursor.

use super::offline::coins;
use crate::output::plain;
use prost_reflect::{DescriptorPool, DynamicMessage};
use strongroom_node::rest::json::Printer;
use strongroom_sdk::client::sealed_in;
use strongroom_sdk::message::Sealer;
use strongroom_types::proto::cosmos::bank::v1beta1::MsgSend;
use strongroom_types::proto::cosmos::tx::v1beta1::{Fee, TxBody};
use strongroom_types::proto::secret::compute::v1beta1 as compute;
use strongroom_types::proto::{Any, Message as _};
use strongroom_types::{Address, sha256};

/// The lines that say it.
pub(super) fn of(
    pool: &DescriptorPool,
    body: &TxBody,
    fee: &Fee,
    sealer: Option<&Sealer>,
) -> Vec<String> {
    let mut lines = Vec::new();
    for (n, message) in body.messages.iter().enumerate() {
        let what = known(message, sealer).unwrap_or_else(|| any(pool, message));
        lines.push(format!("  message {}: {what}", n + 1));
    }
    lines.push(format!(
        "  fee: {} for {} gas",
        coins(&fee.amount),
        fee.gas_limit
    ));
    for (who, address) in [
        ("payer of the fee", &fee.payer),
        ("granter of the fee", &fee.granter),
    ] {
        if !address.is_empty() {
            lines.push(format!("  {who}: {address}"));
        }
    }
    lines.push(format!("  memo, which everybody can read: {:?}", body.memo));
    lines.push(match body.timeout_height {
        0 => "  it can be sent at any time".to_owned(),
        height => format!("  no block above {height} may hold it"),
    });
    let more = body.extension_options.len() + body.non_critical_extension_options.len();
    if more > 0 {
        lines.push(format!("  {more} extensions, which are not shown here"));
    }
    lines.iter().map(|line| plain(line)).collect()
}

fn known(message: &Any, sealer: Option<&Sealer>) -> Option<String> {
    let bytes = message.value.as_slice();
    let inside = |sealed: &[u8]| {
        let opened = sealer.and_then(|sealer| sealed_in(message, sealer));
        match opened.and_then(|plain| String::from_utf8(plain.to_vec()).ok()) {
            Some(text) => text,
            None => format!(
                "a message of {} bytes that is sealed and does not open here",
                sealed.len()
            ),
        }
    };
    Some(match message.type_url.as_str() {
        "/cosmos.bank.v1beta1.MsgSend" => {
            let send = MsgSend::decode(bytes).ok()?;
            format!(
                "send {} to {}, from {}",
                coins(&send.amount),
                send.to_address,
                send.from_address
            )
        }
        "/secret.compute.v1beta1.MsgExecuteContract" => {
            let call = compute::MsgExecuteContract::decode(bytes).ok()?;
            let with = with(&call.sent_funds);
            format!(
                "call the contract {}{with}: {}",
                address(&call.contract),
                inside(&call.msg)
            )
        }
        "/secret.compute.v1beta1.MsgInstantiateContract" => {
            let made = compute::MsgInstantiateContract::decode(bytes).ok()?;
            let admin = match made.admin.as_str() {
                "" => "without an admin".to_owned(),
                admin => format!("with the admin {admin}"),
            };
            format!(
                "make a contract {:?} of code {}, {admin}{}: {}",
                made.label,
                made.code_id,
                with(&made.init_funds),
                inside(&made.init_msg)
            )
        }
        "/secret.compute.v1beta1.MsgMigrateContract" => {
            let migrated = compute::MsgMigrateContract::decode(bytes).ok()?;
            let sealed = inside(&migrated.msg);
            format!(
                "give the contract {} the code {}: {sealed}",
                migrated.contract, migrated.code_id
            )
        }
        "/secret.compute.v1beta1.MsgStoreCode" => {
            let code = compute::MsgStoreCode::decode(bytes).ok()?.wasm_byte_code;
            format!(
                "store code of {} bytes with SHA-256 {}",
                code.len(),
                hex::encode(sha256(&code))
            )
        }
        _ => return None,
    })
}

/// A message of any kind: its type and its members.
fn any(pool: &DescriptorPool, message: &Any) -> String {
    let name = message.type_url.trim_start_matches('/');
    let decoded = pool.get_message_by_name(name);
    let decoded = decoded.and_then(|d| DynamicMessage::decode(d, message.value.as_slice()).ok());
    match decoded {
        Some(decoded) => format!("{name} {}", Printer::new(pool.clone()).print(&decoded)),
        None => format!(
            "{name}, {} bytes that are not known here",
            message.value.len()
        ),
    }
}

fn address(bytes: &[u8]) -> String {
    Address::from_bytes(bytes).map_or_else(|_| hex::encode(bytes), |address| address.to_string())
}

fn with(funds: &[strongroom_types::proto::cosmos::base::v1beta1::Coin]) -> String {
    match funds {
        [] => String::new(),
        funds => format!(", with {}", coins(funds)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::descriptors;
    use strongroom_crypto::Secret;
    use strongroom_crypto::x25519::KeyPair;
    use strongroom_types::proto::cosmos::base::v1beta1::Coin;
    use strongroom_types::proto::cosmos::feegrant::v1beta1::MsgRevokeAllowance;
    use strongroom_types::proto::pack;

    #[test]
    fn whoever_signs_reads_what_is_done_and_paid_and_nothing_moves_the_cursor() {
        let coin = |amount: &str| {
            vec![Coin {
                denom: "uscrt".to_owned(),
                amount: amount.to_owned(),
            }]
        };
        let network = *KeyPair::from_secret(&Secret::new([7; 32])).public();
        let mine = Sealer::new([1; 32], network);
        let call = compute::MsgExecuteContract {
            contract: vec![9; 20],
            msg: mine.seal(&[5; 32], b"{\"pay\":\"\x1b[2J\"}").unwrap().wire,
            sent_funds: coin("3"),
            ..compute::MsgExecuteContract::default()
        };
        let body = TxBody {
            messages: vec![
                pack(&MsgSend {
                    from_address: "secret1a".to_owned(),
                    to_address: "secret1b".to_owned(),
                    amount: coin("5"),
                }),
                pack(&call),
                pack(&MsgRevokeAllowance {
                    granter: "secret1g".to_owned(),
                    grantee: "secret1h".to_owned(),
                }),
                Any {
                    type_url: "/unknown.Msg".to_owned(),
                    value: vec![1; 7],
                },
            ],
            memo: "for\ntea".to_owned(),
            timeout_height: 8,
            ..TxBody::default()
        };
        let fee = Fee {
            amount: coin("70"),
            gas_limit: 700,
            granter: "secret1g".to_owned(),
            ..Fee::default()
        };
        let pool = descriptors().unwrap();
        let said = of(&pool, &body, &fee, Some(&mine)).join("\n");
        for part in [
            "message 1: send 5uscrt to secret1b, from secret1a",
            "with 3uscrt: {\"pay\":\"\u{fffd}[2J\"}",
            "message 3: cosmos.feegrant.v1beta1.MsgRevokeAllowance {",
            "\"grantee\":\"secret1h\"",
            "message 4: unknown.Msg, 7 bytes that are not known here",
            "fee: 70uscrt for 700 gas",
            "granter of the fee: secret1g",
            "\"for\\ntea\"",
            "no block above 8",
        ] {
            assert!(said.contains(part), "{part}: {said}");
        }
        assert!(!said.contains('\x1b'));
        let stranger = of(&pool, &body, &fee, None).join("\n");
        assert!(
            stranger.contains("is sealed and does not open here") && !stranger.contains("pay\"")
        );
    }
}
