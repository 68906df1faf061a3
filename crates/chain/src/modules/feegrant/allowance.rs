//! What an allowance allows: its stored form, its protobuf, and whether it pays a fee.

use super::error;
use crate::Ctx;
use crate::error::Stop;
use crate::tx::Msg;
use crate::types::coin::CoinsError;
use crate::types::error::sdk;
use crate::types::proto::cosmos::base::v1beta1::Coin as PbCoin;
use crate::types::proto::cosmos::feegrant::v1beta1 as pb;
use crate::types::proto::google::protobuf::Duration;
use crate::types::proto::{Any, Name, pack};
use crate::types::time::TimeError;
use crate::types::tx::{decode_proto, parse_error};
use crate::types::{Coins, Gas, Timestamp, TxError};
use borsh::{BorshDeserialize, BorshSerialize};
use std::collections::BTreeSet;

/// Allowances within each other: one of messages around a basic or a periodic one, and room for another.
pub const NESTING_MAX: usize = 3;
/// Names of messages in one allowance: each is paid for at every use, and stored.
pub const MESSAGES_MAX: usize = 256;
/// Gas of looking at one name, or at one message.
const CHECK_MSG: Gas = 10;
/// Nanoseconds of a second.
const NANOS: u32 = 1_000_000_000;
/// The year 1: a time that was left out.
const NO_TIME: Timestamp = Timestamp {
    seconds: -62_135_596_800,
    nanos: 0,
};
/// The end of the year 9999, the last second that has a text.
const SECONDS_MAX: i64 = 253_402_300_799;

/// An allowance.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Allowance {
    /// Up to a sum, until a time.
    Basic(Basic),
    /// Besides, up to a sum in each period.
    Periodic(Periodic),
    /// As another, for messages of these types only.
    AllowedMsg {
        /// The other.
        allowance: Box<Allowance>,
        /// Type URLs.
        messages: Vec<String>,
    },
}

/// Up to a sum, until a time.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Basic {
    /// Remaining amount; empty for no limit, since an allowance that is used up is removed.
    pub spend_limit: Coins,
    /// The last moment, if there is one.
    pub expiration: Option<Timestamp>,
}

/// A sum in each period.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Periodic {
    /// Over all periods.
    pub basic: Basic,
    /// Length of a period.
    pub period: Period,
    /// The sum of a period.
    pub period_spend_limit: Coins,
    /// Remaining amount of this period.
    pub period_can_spend: Coins,
    /// When the next one begins.
    pub period_reset: Timestamp,
}

/// A length of time, not negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Period {
    /// Seconds.
    pub seconds: i64,
    /// Nanoseconds, less than a second.
    pub nanos: u32,
}

/// As proto JSON writes it: `3600s`, `0.5s`.
impl core::fmt::Display for Period {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let places = format!("{:09}", self.nanos);
        match places.trim_end_matches('0') {
            "" => write!(f, "{}s", self.seconds),
            places => write!(f, "{}.{places}s", self.seconds),
        }
    }
}

impl Period {
    /// Reads what [`Period`] prints.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.strip_suffix('s')?;
        let (seconds, places) = text.split_once('.').unwrap_or((text, "0"));
        let is_number = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
        if !is_number(seconds) || !is_number(places) || places.len() > 9 {
            return None;
        }
        Some(Self {
            seconds: seconds.parse().ok()?,
            nanos: format!("{places:0<9}").parse().ok()?,
        })
    }

    /// The time this much later, at most the end of the year 9999.
    fn after(self, time: Timestamp) -> Timestamp {
        let nanos = time.nanos.saturating_add(self.nanos);
        let carry = i64::from(nanos >= NANOS);
        let seconds = time
            .seconds
            .saturating_add(self.seconds)
            .saturating_add(carry);
        Timestamp {
            seconds: seconds.min(SECONDS_MAX),
            nanos: if carry == 1 {
                nanos.saturating_sub(NANOS)
            } else {
                nanos
            },
        }
    }
}

/// Refuses what is no allowance at all: bytes that do not decode, other types.
///
/// # Errors
/// sdk 2.
pub fn check_form(any: &Any, depth: usize) -> Result<(), TxError> {
    let url = &any.type_url;
    if *url == pb::BasicAllowance::type_url() {
        decode_proto::<pb::BasicAllowance>(&any.value).map(drop)
    } else if *url == pb::PeriodicAllowance::type_url() {
        decode_proto::<pb::PeriodicAllowance>(&any.value).map(drop)
    } else if *url == pb::AllowedMsgAllowance::type_url() {
        if depth >= NESTING_MAX {
            let text = format!("allowances nest {NESTING_MAX} deep at most");
            return Err(parse_error(text));
        }
        let outer: pb::AllowedMsgAllowance = decode_proto(&any.value)?;
        let inner = outer.allowance.as_ref();
        inner.map_or(Ok(()), |inner| check_form(inner, depth.saturating_add(1)))
    } else {
        Err(parse_error(format!(
            "no concrete type registered for type URL {url} against interface *feegrant.FeeAllowanceI"
        )))
    }
}

fn invalid_coins(text: impl core::fmt::Display) -> TxError {
    sdk::INVALID_COINS.wrap(text)
}

/// Coins of an allowance; `what` names them.
fn coins(list: &[PbCoin], what: &str) -> Result<Coins, TxError> {
    Coins::from_proto_list(list)
        .map_err(|e: CoinsError| invalid_coins(format!("{what} amount is invalid: {}", e.given)))
}

fn time(time: &crate::types::proto::google::protobuf::Timestamp) -> Result<Timestamp, TxError> {
    Timestamp::from_proto(time).map_err(|e: TimeError| parse_error(e.to_string()))
}

impl Allowance {
    /// Where it has paid for what waits: the block has one time, so at most one period begins for all of it, however long it waits and
    /// whatever the length of a period. Checks after a block that it paid in begin from what that block left.
    pub(super) fn begin_no_period(&mut self) {
        match self {
            Self::Basic(_) => {}
            Self::Periodic(periodic) => {
                periodic.period_reset = Timestamp {
                    seconds: SECONDS_MAX,
                    nanos: 0,
                };
            }
            Self::AllowedMsg { allowance, .. } => allowance.begin_no_period(),
        }
    }

    /// Reads an allowance and checks it; one of a message passed [`check_form`].
    ///
    /// # Errors
    /// sdk 10 for coins, feegrant 4 for times, 5 and 6 for what is missing.
    pub fn from_proto(any: &Any) -> Result<Self, TxError> {
        check_form(any, 0)?;
        Self::read(any)
    }

    fn read(any: &Any) -> Result<Self, TxError> {
        let url = &any.type_url;
        if *url == pb::BasicAllowance::type_url() {
            return Basic::from_proto(&decode_proto(&any.value)?).map(Self::Basic);
        }
        if *url == pb::PeriodicAllowance::type_url() {
            return Periodic::from_proto(&decode_proto(&any.value)?).map(Self::Periodic);
        }
        let outer: pb::AllowedMsgAllowance = decode_proto(&any.value)?;
        let Some(inner) = &outer.allowance else {
            return Err(error::NO_ALLOWANCE.wrap("allowance should not be empty"));
        };
        if outer.allowed_messages.is_empty() {
            return Err(error::NO_MESSAGES.wrap("allowed messages shouldn't be empty"));
        }
        if outer.allowed_messages.len() > MESSAGES_MAX {
            let text = format!("more than {MESSAGES_MAX} allowed messages");
            return Err(sdk::INVALID_REQUEST.wrap(text));
        }
        Ok(Self::AllowedMsg {
            allowance: Box::new(Self::read(inner)?),
            messages: outer.allowed_messages,
        })
    }

    /// The protobuf form.
    #[must_use]
    pub fn to_proto(&self) -> Any {
        match self {
            Self::Basic(basic) => pack(&basic.to_proto()),
            Self::Periodic(periodic) => pack(&periodic.to_proto()),
            Self::AllowedMsg {
                allowance,
                messages,
            } => pack(&pb::AllowedMsgAllowance {
                allowance: Some(allowance.to_proto()),
                allowed_messages: messages.clone(),
            }),
        }
    }

    /// The last moment, if there is one.
    #[must_use]
    pub fn expiration(&self) -> Option<Timestamp> {
        match self {
            Self::Basic(basic) => basic.expiration,
            Self::Periodic(periodic) => periodic.basic.expiration,
            Self::AllowedMsg { allowance, .. } => allowance.expiration(),
        }
    }

    /// Takes a fee out of it at the time `now`; tells whether it is used up.
    ///
    /// # Errors
    /// feegrant 2 if it has less, 3 if it is over, 7 if a message is not allowed; out of gas.
    pub fn accept(
        &mut self,
        ctx: &mut Ctx,
        now: Timestamp,
        fee: &Coins,
        messages: &[Msg],
    ) -> Result<bool, Stop> {
        match self {
            Self::Basic(basic) => Ok(basic.accept(now, fee)?),
            Self::Periodic(periodic) => Ok(periodic.accept(now, fee)?),
            Self::AllowedMsg {
                allowance,
                messages: allowed,
            } => {
                for _ in allowed.iter() {
                    ctx.gas.consume(CHECK_MSG, "check msg")?;
                }
                let urls: BTreeSet<&str> = allowed.iter().map(String::as_str).collect();
                for message in messages {
                    ctx.gas.consume(CHECK_MSG, "check msg")?;
                    if !urls.contains(message.type_url()) {
                        let text = "message does not exist in allowed messages";
                        return Err(error::MESSAGE_NOT_ALLOWED.wrap(text).into());
                    }
                }
                allowance.accept(ctx, now, fee, messages)
            }
        }
    }
}

impl Basic {
    fn from_proto(basic: &pb::BasicAllowance) -> Result<Self, TxError> {
        let spend_limit = coins(&basic.spend_limit, "send")?;
        let expiration = basic.expiration.as_ref().map(time).transpose()?;
        if expiration.is_some_and(|time| time.seconds < 0) {
            return Err(error::INVALID_DURATION.wrap("expiration time cannot be negative"));
        }
        Ok(Self {
            spend_limit,
            expiration,
        })
    }

    fn to_proto(&self) -> pb::BasicAllowance {
        pb::BasicAllowance {
            spend_limit: self.spend_limit.to_proto_list(),
            expiration: self.expiration.map(|time| time.to_proto()),
        }
    }

    fn is_over(&self, now: Timestamp) -> bool {
        self.expiration.is_some_and(|time| time < now)
    }

    /// Takes a fee out of the limit, if there is one; tells whether that is used up.
    fn take(&mut self, fee: &Coins, what: &str) -> Result<bool, TxError> {
        if self.spend_limit.is_empty() {
            return Ok(false);
        }
        let left = self.spend_limit.checked_sub(fee);
        self.spend_limit = left.ok_or_else(|| error::LIMIT_EXCEEDED.wrap(what))?;
        Ok(self.spend_limit.is_empty())
    }

    fn accept(&mut self, now: Timestamp, fee: &Coins) -> Result<bool, TxError> {
        const WHAT: &str = "basic allowance";
        if self.is_over(now) {
            return Err(error::EXPIRED.wrap(WHAT));
        }
        self.take(fee, WHAT)
    }
}

impl Periodic {
    fn from_proto(periodic: &pb::PeriodicAllowance) -> Result<Self, TxError> {
        let basic = periodic.basic.clone().unwrap_or_default();
        let basic = Basic::from_proto(&basic)?;
        let period_spend_limit = coins(&periodic.period_spend_limit, "spend")?;
        if period_spend_limit.is_empty() {
            return Err(invalid_coins("spend limit must be positive"));
        }
        let period_can_spend = coins(&periodic.period_can_spend, "can spend")?;
        let is_subset = |c: &crate::types::Coin| basic.spend_limit.amount_of(&c.denom) > 0;
        if !basic.spend_limit.is_empty() && !period_spend_limit.iter().all(is_subset) {
            let text = "period spend limit has different currency than basic spend limit";
            return Err(invalid_coins(text));
        }
        let period = periodic.period.unwrap_or_default();
        if period.seconds < 0 || period.nanos < 0 {
            return Err(error::INVALID_DURATION.wrap("negative clock step"));
        }
        let nanos = u32::try_from(period.nanos).ok().filter(|n| *n < NANOS);
        let nanos = nanos.ok_or_else(|| error::INVALID_DURATION.wrap("nanoseconds"))?;
        let period_reset = periodic.period_reset.as_ref().map(time).transpose()?;
        Ok(Self {
            basic,
            period: Period {
                seconds: period.seconds,
                nanos,
            },
            period_spend_limit,
            period_can_spend,
            period_reset: period_reset.unwrap_or(NO_TIME),
        })
    }

    fn to_proto(&self) -> pb::PeriodicAllowance {
        pb::PeriodicAllowance {
            basic: Some(self.basic.to_proto()),
            period: Some(Duration {
                seconds: self.period.seconds,
                nanos: i32::try_from(self.period.nanos).unwrap_or(0),
            }),
            period_spend_limit: self.period_spend_limit.to_proto_list(),
            period_can_spend: self.period_can_spend.to_proto_list(),
            period_reset: Some(self.period_reset.to_proto()),
        }
    }

    fn accept(&mut self, now: Timestamp, fee: &Coins) -> Result<bool, TxError> {
        const ABSOLUTE: &str = "absolute limit";
        if self.basic.is_over(now) {
            return Err(error::EXPIRED.wrap(ABSOLUTE));
        }
        self.begin_period(now);
        let left = self.period_can_spend.checked_sub(fee);
        self.period_can_spend = left.ok_or_else(|| error::LIMIT_EXCEEDED.wrap("period limit"))?;
        self.basic.take(fee, ABSOLUTE)
    }

    /// Begins the next period if its time has come. It keeps step with the one before, unless a whole one went by.
    fn begin_period(&mut self, now: Timestamp) {
        if now < self.period_reset {
            return;
        }
        let all = &self.basic.spend_limit;
        self.period_can_spend = if !all.is_empty() && !all.covers(&self.period_spend_limit) {
            all.clone()
        } else {
            self.period_spend_limit.clone()
        };
        self.period_reset = self.period.after(self.period_reset);
        if self.period_reset < now {
            self.period_reset = self.period.after(now);
        }
    }
}
