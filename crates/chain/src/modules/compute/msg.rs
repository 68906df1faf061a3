//! The messages that users send, after their stateless checks (contract-abi.md 7.1, texts of wire.md 1.12.3-4).

use super::limits::{
    BUILDER_CHARS_MAX, CODE_BYTES_MAX, LABEL_BYTES_MAX, MSG_BYTES_MAX, SALT_BYTES_MAX,
    SOURCE_BYTES_MAX,
};
use super::{error as compute, keeper};
use crate::Ctx;
use crate::error::Stop;
use crate::module::TxMsg;
use crate::modules::bank;
use crate::types::address::AddressError;
use crate::types::error::sdk;
use crate::types::proto::secret::compute::v1beta1 as pb;
use crate::types::{Address, Coins, TxError};

/// A checked `MsgStoreCode`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreCode {
    /// Uploader.
    pub sender: Address,
    /// Wasm, raw or gzip, 1 to 2,097,152 bytes.
    pub wasm: Vec<u8>,
    /// Empty or an https URL.
    pub source: String,
    /// Empty or a docker image name with a tag.
    pub builder: String,
}

/// A checked `MsgInstantiateContract`, or what a contract sends in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instantiate {
    /// Payer of the funds; becomes the creator.
    pub sender: Address,
    /// The code, not 0.
    pub code_id: u64,
    /// Unique label, 1 to 512 bytes.
    pub label: String,
    /// The encrypted message.
    pub msg: Vec<u8>,
    /// Coins to send along.
    pub funds: Coins,
    /// Admin as given; checked at delivery, as in the protocol.
    pub admin: String,
    /// What makes the address predictable, 1 to 64 bytes; without it the address follows from the chain's next number.
    pub salt: Option<Vec<u8>>,
}

/// A checked `MsgExecuteContract`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Execute {
    /// Caller.
    pub sender: Address,
    /// Callee.
    pub contract: Address,
    /// The encrypted message.
    pub msg: Vec<u8>,
    /// Coins to send along.
    pub funds: Coins,
}

impl TxMsg for pb::MsgStoreCode {
    type Response = pb::MsgStoreCodeResponse;
    /// Code is translated: tens of MiB, and ten times the time of other gas. And all uploads take the next number.
    const ALONE: bool = true;

    fn validate_basic(&self) -> Result<(), TxError> {
        let m = self;
        address(&m.sender)?;
        if m.wasm_byte_code.is_empty() {
            return Err(invalid_request(
                compute::EMPTY.wrap("code bytes is required"),
            ));
        }
        if m.wasm_byte_code.len() > CODE_BYTES_MAX {
            let why = format!("code bytes cannot be longer than {CODE_BYTES_MAX} bytes");
            return Err(invalid_request(compute::LIMIT.wrap(why)));
        }
        check_source(&m.source)?;
        check_builder(&m.builder)
    }

    fn run(self, ctx: &mut Ctx) -> Result<Self::Response, Stop> {
        let msg = StoreCode {
            sender: address(&self.sender)?,
            wasm: self.wasm_byte_code,
            source: self.source,
            builder: self.builder,
        };
        keeper::store_code(ctx, msg)
    }
}

impl TxMsg for pb::MsgInstantiateContract {
    type Response = pb::MsgInstantiateContractResponse;
    const RUNS_CONTRACT: bool = true;

    fn validate_basic(&self) -> Result<(), TxError> {
        let m = self;
        address(&m.sender)?;
        if m.code_id == 0 {
            return Err(sdk::INVALID_REQUEST.wrap("code_id is required"));
        }
        check_label(&m.label)?;
        init_funds(m)?;
        check_callback(&m.callback_sig)?;
        check_msg(&m.init_msg)
    }

    fn set_aside(&self, ctx: &mut Ctx) -> Result<(), Stop> {
        bank::keeper::set_aside(ctx, &address(&self.sender)?, &init_funds(self)?)
    }

    fn run(self, ctx: &mut Ctx) -> Result<Self::Response, Stop> {
        let msg = Instantiate {
            sender: address(&self.sender)?,
            funds: init_funds(&self)?,
            code_id: self.code_id,
            label: self.label,
            msg: self.init_msg,
            admin: self.admin,
            salt: None,
        };
        keeper::instantiate(ctx, msg)
    }
}

fn init_funds(m: &pb::MsgInstantiateContract) -> Result<Coins, TxError> {
    Coins::from_proto_list(&m.init_funds).map_err(|_| sdk::INVALID_COINS.bare())
}

impl TxMsg for pb::MsgExecuteContract {
    type Response = pb::MsgExecuteContractResponse;
    const RUNS_CONTRACT: bool = true;

    fn validate_basic(&self) -> Result<(), TxError> {
        address(&self.sender)?;
        address(&self.contract)?;
        sent_funds(self)?;
        check_callback(&self.callback_sig)?;
        check_msg(&self.msg)
    }

    fn set_aside(&self, ctx: &mut Ctx) -> Result<(), Stop> {
        bank::keeper::set_aside(ctx, &address(&self.sender)?, &sent_funds(self)?)
    }

    fn run(self, ctx: &mut Ctx) -> Result<Self::Response, Stop> {
        let msg = Execute {
            sender: address(&self.sender)?,
            contract: address(&self.contract)?,
            funds: sent_funds(&self)?,
            msg: self.msg,
        };
        keeper::execute(ctx, msg)
    }
}

fn sent_funds(m: &pb::MsgExecuteContract) -> Result<Coins, TxError> {
    Coins::from_proto_list(&m.sent_funds).map_err(|_| sdk::INVALID_COINS.wrap("sentFunds"))
}

fn address(bytes: &[u8]) -> Result<Address, TxError> {
    Address::from_bytes(bytes).map_err(|e: AddressError| sdk::UNKNOWN_ADDRESS.wrap(e))
}

fn invalid_request(inner: TxError) -> TxError {
    sdk::INVALID_REQUEST.wrap(inner.text)
}

/// Label rules; the text keeps the protocol's number, the limit is 512 bytes.
pub(super) fn check_label(label: &str) -> Result<(), TxError> {
    if label.is_empty() {
        return Err(compute::EMPTY.wrap("is required"));
    }
    if label.len() > LABEL_BYTES_MAX {
        return Err(compute::LIMIT.wrap("cannot be longer than 128 characters"));
    }
    Ok(())
}

/// Length of the salt of a predictable address.
pub(super) fn check_salt(salt: &[u8]) -> Result<(), TxError> {
    if salt.is_empty() {
        return Err(compute::EMPTY.wrap("salt is required"));
    }
    if salt.len() > SALT_BYTES_MAX {
        let why = format!("salt cannot be longer than {SALT_BYTES_MAX} bytes");
        return Err(compute::LIMIT.wrap(why));
    }
    Ok(())
}

/// A user has no callback signature: calls between contracts never leave the trusted core.
pub(super) fn check_callback(sig: &[u8]) -> Result<(), TxError> {
    if sig.is_empty() {
        Ok(())
    } else {
        Err(sdk::INVALID_REQUEST.wrap("callback_sig must be empty"))
    }
}

pub(super) fn check_msg(msg: &[u8]) -> Result<(), TxError> {
    if msg.len() > MSG_BYTES_MAX {
        return Err(invalid_request(
            compute::LIMIT.wrap(format!("msg cannot be longer than {MSG_BYTES_MAX} bytes")),
        ));
    }
    Ok(())
}

fn check_source(source: &str) -> Result<(), TxError> {
    let refuse = |why: &str| {
        Err(invalid_request(
            compute::INVALID.wrap(format!("source {why}")),
        ))
    };
    if source.is_empty() {
        return Ok(());
    }
    if source.len() > SOURCE_BYTES_MAX || source.chars().any(|c| c.is_control() || c == ' ') {
        return refuse("not an url");
    }
    match source.split_once(':') {
        Some(("https", rest)) if rest.len() > 2 && rest.starts_with("//") => Ok(()),
        Some((scheme, _))
            if !scheme.is_empty() && scheme.chars().all(|c| c.is_ascii_alphanumeric()) =>
        {
            refuse("must use https")
        }
        _ if source.starts_with('/') => refuse("not an absolute url"),
        _ => refuse("not an url"),
    }
}

fn check_builder(builder: &str) -> Result<(), TxError> {
    if builder.is_empty() {
        return Ok(());
    }
    if builder.chars().count() > BUILDER_CHARS_MAX {
        let inner = compute::LIMIT.wrap(format!(
            "builder longer than {BUILDER_CHARS_MAX} characters"
        ));
        return Err(invalid_request(inner));
    }
    if is_image_with_tag(builder) {
        Ok(())
    } else {
        Err(sdk::INVALID_REQUEST.wrap("builder invalid"))
    }
}

/// `name(/name)+:tag`, names in lower case of at least two characters that begin and end alphanumeric.
fn is_image_with_tag(text: &str) -> bool {
    let Some((path, tag)) = text.split_once(':') else {
        return false;
    };
    let lower = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let name = |part: &str| {
        part.len() >= 2
            && part.starts_with(lower)
            && part.ends_with(lower)
            && part
                .chars()
                .all(|c| lower(c) || matches!(c, '.' | '_' | '-'))
    };
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    path.contains('/')
        && path.split('/').all(name)
        && tag.starts_with(word)
        && tag.chars().all(|c| word(c) || matches!(c, '.' | '-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(source: &str, builder: &str) -> Result<(), TxError> {
        let message = pb::MsgStoreCode {
            sender: vec![1; 20],
            wasm_byte_code: vec![0],
            source: source.into(),
            builder: builder.into(),
        };
        message.validate_basic()
    }

    #[test]
    fn sources_and_builders_are_refused_with_the_texts_that_clients_know() {
        assert!(store("", "").is_ok());
        assert!(
            store(
                "https://example.com/x",
                "enigmampc/secret-contract-optimizer:1.0.4"
            )
            .is_ok()
        );
        assert_eq!(
            store("example", "").unwrap_err().text,
            "source not an url: invalid: invalid request"
        );
        assert_eq!(
            store("/a/b", "").unwrap_err().text,
            "source not an absolute url: invalid: invalid request"
        );
        assert_eq!(
            store("http://x.y", "").unwrap_err().text,
            "source must use https: invalid: invalid request"
        );
        for bad in ["x", "a/b:c", "ab/cd", "ab/Cd:e", "ab/cd:", "-ab/cd:e", ":"] {
            assert_eq!(
                store("", bad).unwrap_err().text,
                "builder invalid: invalid request"
            );
        }
        assert_eq!(
            store("", &"a".repeat(129)).unwrap_err().text,
            "builder longer than 128 characters: exceeds limit: invalid request"
        );
    }

    #[test]
    fn a_user_cannot_send_a_callback_signature() {
        let message = pb::MsgExecuteContract {
            sender: vec![1; 20],
            contract: vec![2; 20],
            callback_sig: vec![0; 32],
            ..Default::default()
        };
        let e = message.validate_basic().unwrap_err();
        assert_eq!(
            (e.codespace.as_str(), e.code, e.text.as_str()),
            ("sdk", 18, "callback_sig must be empty: invalid request")
        );
    }

    #[test]
    fn code_that_is_empty_or_too_long_is_refused_before_any_gas() {
        let mut m = pb::MsgStoreCode {
            sender: vec![1; 20],
            ..Default::default()
        };
        assert_eq!(
            m.validate_basic().unwrap_err().text,
            "code bytes is required: empty: invalid request"
        );
        m.wasm_byte_code = vec![0; CODE_BYTES_MAX + 1];
        assert_eq!(
            m.validate_basic().unwrap_err().text,
            "code bytes cannot be longer than 2097152 bytes: exceeds limit: invalid request"
        );
    }
}
