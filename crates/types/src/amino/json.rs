//! A JSON value that writes itself canonically: members sorted, compact, HTML-significant characters escaped.

use core::fmt::{self, Write as _};
use std::collections::BTreeMap;

/// A JSON value without floats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Json {
    /// `true` or `false`.
    Bool(bool),
    /// An integer.
    Number(i64),
    /// Text.
    Text(String),
    /// A list.
    Array(Vec<Json>),
    /// Members, sorted by name.
    Object(BTreeMap<String, Json>),
}

impl Json {
    /// Text; 64-bit integers are written so.
    pub fn text(value: impl ToString) -> Self {
        Self::Text(value.to_string())
    }

    /// An object; a name given twice keeps its last value.
    pub fn object(members: impl IntoIterator<Item = (&'static str, Self)>) -> Self {
        Self::Object(
            members
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        )
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => write!(f, "{value}"),
            Self::Number(value) => write!(f, "{value}"),
            Self::Text(text) => quote(f, text),
            Self::Array(list) => {
                f.write_char('[')?;
                for (place, value) in list.iter().enumerate() {
                    if place > 0 {
                        f.write_char(',')?;
                    }
                    value.fmt(f)?;
                }
                f.write_char(']')
            }
            Self::Object(members) => {
                f.write_char('{')?;
                for (place, (name, value)) in members.iter().enumerate() {
                    if place > 0 {
                        f.write_char(',')?;
                    }
                    quote(f, name)?;
                    f.write_char(':')?;
                    value.fmt(f)?;
                }
                f.write_char('}')
            }
        }
    }
}

fn quote(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            '\u{8}' => f.write_str("\\b")?,
            '\u{c}' => f.write_str("\\f")?,
            '\0'..='\u{1f}' | '&' | '<' | '>' | '\u{2028}' | '\u{2029}' => {
                write!(f, "\\u{:04x}", u32::from(c))?
            }
            _ => f.write_char(c)?,
        }
    }
    f.write_char('"')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn special_characters_are_escaped() {
        let json = Json::text("\"\\\n\r\t\u{8}\u{c}\u{1}&<>\u{2028}é");
        assert_eq!(
            json.to_string(),
            r#""\"\\\n\r\t\b\f\u0001\u0026\u003c\u003e\u2028é""#
        );
    }

    proptest! {
        #[test]
        fn any_text_is_valid_json_and_returns(text in any::<String>()) {
            let back: String = serde_json::from_str(&Json::text(&text).to_string()).unwrap();
            prop_assert_eq!(back, text);
        }
    }
}
