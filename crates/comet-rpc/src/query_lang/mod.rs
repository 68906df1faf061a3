//! The query language of CometBFT: `tm.event='Tx' AND tx.height>5 AND transfer.amount CONTAINS 'uscrt'`.
//!
//! Used by `tx_search`, `block_search`, `subscribe` and the transaction search of REST (wire.md 4.3).
//! A query is a list of conditions joined by `AND`; a condition is `key EXISTS`, `key CONTAINS 'text'` or
//! `key op value` with op one of `= < > <= >=` and a value that is `'text'`, a number, `TIME <RFC 3339>` or
//! `DATE <yyyy-mm-dd>`.
//!
//! Promises: bounded ([`MAX_QUERY_BYTES`]), never panics, numbers of any length compare exactly.
//! Refuses: `OR`, parentheses, negative numbers, text after the last condition.

use core::cmp::Ordering;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The longest query that is accepted, in bytes: what CometBFT accepts.
pub const MAX_QUERY_BYTES: usize = 512;

/// Why a text is no query. `Display` is what clients read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// More than [`MAX_QUERY_BYTES`].
    #[error("maximum query length exceeded")]
    TooLong,
    /// The text ended where something had to follow.
    #[error("offset {offset}: EOF")]
    End {
        /// Bytes from the beginning.
        offset: usize,
    },
    /// Something else stands where `expected` had to stand.
    #[error("offset {offset}: expected {expected}")]
    Unexpected {
        /// Bytes from the beginning.
        offset: usize,
        /// Expected token.
        expected: &'static str,
    },
}

/// A parsed query. Two queries are equal if they mean the same in the same order, whatever their spaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    conditions: Vec<Condition>,
}

/// One condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// The composite key, `type.attribute`.
    pub key: String,
    /// Condition on its values.
    pub test: Test,
}

/// Condition on a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// The key is there.
    Exists,
    /// The value has this part.
    Contains(String),
    /// The value is exactly this text.
    Equals(String),
    /// The value begins with a number that compares so.
    Number(Compare, Decimal),
    /// The value is a time or a date that compares so.
    Time(Compare, OffsetDateTime),
}

/// Comparison operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compare {
    /// `=`
    Equal,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl Compare {
    /// Whether `ordering` of (value, operand) satisfies the comparison.
    #[must_use]
    pub fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }
}

/// A number that is not negative, of any length: digits, a dot, digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decimal {
    /// Without zeros at its beginning.
    whole: String,
    /// Without zeros at its end.
    fraction: String,
}

impl Decimal {
    /// The number at the beginning of `text` and how many bytes it takes, if there is one.
    #[must_use]
    pub fn leading(text: &str) -> Option<(Self, usize)> {
        let digits = |s: &str| s.bytes().take_while(u8::is_ascii_digit).count();
        let whole_len = digits(text);
        if whole_len == 0 {
            return None;
        }
        let (whole, rest) = text.split_at_checked(whole_len)?;
        let fraction = match rest.strip_prefix('.') {
            Some(after) => after.get(..digits(after))?,
            None => "",
        };
        let taken = if fraction.is_empty() {
            whole_len
        } else {
            whole_len.checked_add(1)?.checked_add(fraction.len())?
        };
        let number = Self {
            whole: whole.trim_start_matches('0').to_owned(),
            fraction: fraction.trim_end_matches('0').to_owned(),
        };
        Some((number, taken))
    }

    /// The number as a height, if it is a whole one below 2^64.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        match (self.fraction.is_empty(), self.whole.is_empty()) {
            (false, _) => None,
            (true, true) => Some(0),
            (true, false) => self.whole.parse().ok(),
        }
    }

    /// The text that an attribute with this value would have.
    #[must_use]
    pub fn canonical(&self) -> String {
        let whole = if self.whole.is_empty() {
            "0"
        } else {
            &self.whole
        };
        if self.fraction.is_empty() {
            whole.to_owned()
        } else {
            format!("{whole}.{}", self.fraction)
        }
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        self.whole
            .len()
            .cmp(&other.whole.len())
            .then_with(|| self.whole.cmp(&other.whole))
            .then_with(|| self.fraction.cmp(&other.fraction))
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Test {
    /// Whether `value` passes.
    #[must_use]
    pub fn passes(&self, value: &str) -> bool {
        match self {
            Self::Exists => true,
            Self::Contains(part) => value.contains(part.as_str()),
            Self::Equals(text) => value == text,
            Self::Number(compare, operand) => Decimal::leading(value)
                .is_some_and(|(number, _)| compare.holds(number.cmp(operand))),
            Self::Time(compare, operand) => {
                parse_time(value).is_some_and(|at| compare.holds(at.cmp(operand)))
            }
        }
    }
}

impl Query {
    /// Parses `text`.
    ///
    /// # Errors
    /// [`QueryError`] for anything that is no query; the empty text is none either.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        if text.len() > MAX_QUERY_BYTES {
            return Err(QueryError::TooLong);
        }
        let mut scan = Scan { text, at: 0 };
        let mut conditions = vec![scan.condition()?];
        loop {
            scan.skip_spaces();
            if scan.rest().is_empty() {
                return Ok(Self { conditions });
            }
            if !scan.take_word("AND") {
                return Err(QueryError::Unexpected {
                    offset: scan.at,
                    expected: "AND",
                });
            }
            conditions.push(scan.condition()?);
        }
    }

    /// The conditions in order; at least one.
    #[must_use]
    pub fn conditions(&self) -> &[Condition] {
        &self.conditions
    }

    /// Whether each condition is met by at least one of the attributes (`key`, `value`).
    #[must_use]
    pub fn matches<'a, I>(&self, attributes: I) -> bool
    where
        I: IntoIterator<Item = (&'a str, &'a str)> + Clone,
    {
        self.conditions.iter().all(|condition| {
            attributes
                .clone()
                .into_iter()
                .any(|(key, value)| key == condition.key && condition.test.passes(value))
        })
    }
}

impl core::str::FromStr for Query {
    type Err = QueryError;

    fn from_str(text: &str) -> Result<Self, QueryError> {
        Self::parse(text)
    }
}

/// RFC 3339, or a bare date, which means its midnight in UTC.
fn parse_time(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339)
        .ok()
        .or_else(|| parse_date(text))
}

fn parse_date(text: &str) -> Option<OffsetDateTime> {
    let mut parts = text.splitn(3, '-');
    let year: i32 = parts.next().filter(|y| y.len() == 4)?.parse().ok()?;
    let month: u8 = parts.next().filter(|m| m.len() == 2)?.parse().ok()?;
    let day: u8 = parts.next().filter(|d| d.len() == 2)?.parse().ok()?;
    let date =
        time::Date::from_calendar_date(year, time::Month::try_from(month).ok()?, day).ok()?;
    Some(date.midnight().assume_utc())
}

/// A position in the text of a query.
struct Scan<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scan<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn skip_spaces(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    /// Takes the longest prefix whose characters all satisfy `keep`.
    fn take_while(&mut self, keep: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c| !keep(c)).unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or("")
    }

    /// Takes `word` if it stands here as a whole word.
    fn take_word(&mut self, word: &str) -> bool {
        match self.rest().strip_prefix(word) {
            Some(after) if !after.starts_with(is_key_char) => {
                self.at += word.len();
                true
            }
            _ => false,
        }
    }

    /// The error for "something else stands here", or for the end.
    fn unexpected(&self, expected: &'static str) -> QueryError {
        if self.rest().is_empty() {
            QueryError::End { offset: self.at }
        } else {
            QueryError::Unexpected {
                offset: self.at,
                expected,
            }
        }
    }

    fn condition(&mut self) -> Result<Condition, QueryError> {
        self.skip_spaces();
        let key = self.take_while(is_key_char);
        if key.is_empty() {
            return Err(self.unexpected("a key"));
        }
        self.skip_spaces();
        let test = if self.take_word("EXISTS") {
            Test::Exists
        } else if self.take_word("CONTAINS") {
            self.skip_spaces();
            Test::Contains(self.quoted()?)
        } else {
            let compare = self.compare()?;
            self.skip_spaces();
            self.operand(compare)?
        };
        Ok(Condition {
            key: key.to_owned(),
            test,
        })
    }

    fn compare(&mut self) -> Result<Compare, QueryError> {
        let signs = [
            ("<=", Compare::LessOrEqual),
            (">=", Compare::GreaterOrEqual),
            ("<", Compare::Less),
            (">", Compare::Greater),
            ("=", Compare::Equal),
        ];
        for (sign, compare) in signs {
            if self.rest().starts_with(sign) {
                self.at += sign.len();
                return Ok(compare);
            }
        }
        Err(self.unexpected("an operator"))
    }

    fn operand(&mut self, compare: Compare) -> Result<Test, QueryError> {
        let start = self.at;
        if self.rest().starts_with('\'') {
            if compare != Compare::Equal {
                return Err(QueryError::Unexpected {
                    offset: start,
                    expected: "a number, a time or a date",
                });
            }
            return Ok(Test::Equals(self.quoted()?));
        }
        if self.take_word("TIME") {
            self.skip_spaces();
            let text = self.take_while(|c| !c.is_whitespace());
            let at = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| QueryError::Unexpected {
                offset: start,
                expected: "an RFC 3339 time",
            })?;
            return Ok(Test::Time(compare, at));
        }
        if self.take_word("DATE") {
            self.skip_spaces();
            let text = self.take_while(|c| !c.is_whitespace());
            let at = parse_date(text).ok_or(QueryError::Unexpected {
                offset: start,
                expected: "a date",
            })?;
            return Ok(Test::Time(compare, at));
        }
        match Decimal::leading(self.rest()) {
            Some((number, taken)) => {
                self.at += taken;
                if self.rest().starts_with(is_key_char) {
                    return Err(QueryError::Unexpected {
                        offset: self.at,
                        expected: "the end of the number",
                    });
                }
                Ok(Test::Number(compare, number))
            }
            None => Err(self.unexpected("a value")),
        }
    }

    fn quoted(&mut self) -> Result<String, QueryError> {
        let Some(body) = self.rest().strip_prefix('\'') else {
            return Err(self.unexpected("a quoted text"));
        };
        match body.find('\'') {
            Some(end) => {
                self.at += end + 2;
                Ok(body.get(..end).unwrap_or("").to_owned())
            }
            None => Err(QueryError::End {
                offset: self.text.len(),
            }),
        }
    }
}

fn is_key_char(c: char) -> bool {
    !c.is_whitespace() && !matches!(c, '=' | '<' | '>' | '\'' | '"' | '(' | ')')
}

#[cfg(test)]
mod tests;
