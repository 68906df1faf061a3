//! A JSON value that writes itself canonically: members sorted; compact with HTML-significant characters escaped as Go does it,
//! or indented as JavaScript does it.

use core::fmt::{self, Write as _};

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
    /// Members, sorted by name, each name once.
    Object(Vec<(&'static str, Json)>),
}

impl Json {
    /// Text; 64-bit integers are written so.
    pub fn text(value: impl ToString) -> Self {
        Self::Text(value.to_string())
    }

    /// An object; of a name given twice the last value counts.
    pub fn object(members: impl IntoIterator<Item = (&'static str, Self)>) -> Self {
        let mut object = Self::Object(Vec::new());
        for (name, value) in members {
            object.set(name, value);
        }
        object
    }

    /// Gives a member of an object this value, in the place of what it has. Of another kind than an object nothing is changed.
    pub fn set(&mut self, name: &'static str, value: Self) {
        let Self::Object(members) = self else { return };
        match members.binary_search_by(|(known, _)| (*known).cmp(name)) {
            Ok(at) => {
                if let Some(member) = members.get_mut(at) {
                    member.1 = value;
                }
            }
            Err(at) => members.insert(at, (name, value)),
        }
    }

    /// The value indented by four spaces a level, as JavaScript's `JSON.stringify(value, null, 4)` writes it: what is empty on one
    /// line, and of characters only those escaped that JSON wants escaped.
    #[must_use]
    pub const fn indented(&self) -> impl fmt::Display + '_ {
        Indented(self, 0)
    }
}

/// A value at a level of indentation.
struct Indented<'a>(&'a Json, usize);

impl fmt::Display for Indented<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(value, level) = *self;
        let below = level.saturating_add(1);
        match value {
            Json::Text(text) => quote(f, text, Escapes::Needed),
            Json::Array(list) if !list.is_empty() => {
                f.write_char('[')?;
                for (place, value) in list.iter().enumerate() {
                    new_line(f, place > 0, below)?;
                    Self(value, below).fmt(f)?;
                }
                new_line(f, false, level)?;
                f.write_char(']')
            }
            Json::Object(members) if !members.is_empty() => {
                f.write_char('{')?;
                for (place, (name, value)) in members.iter().enumerate() {
                    new_line(f, place > 0, below)?;
                    quote(f, name, Escapes::Needed)?;
                    f.write_str(": ")?;
                    Self(value, below).fmt(f)?;
                }
                new_line(f, false, level)?;
                f.write_char('}')
            }
            other => other.fmt(f),
        }
    }
}

fn new_line(f: &mut fmt::Formatter<'_>, after_another: bool, level: usize) -> fmt::Result {
    f.write_str(if after_another { ",\n" } else { "\n" })?;
    (0..level).try_for_each(|_| f.write_str("    "))
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => write!(f, "{value}"),
            Self::Number(value) => write!(f, "{value}"),
            Self::Text(text) => quote(f, text, Escapes::Html),
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
                    quote(f, name, Escapes::Html)?;
                    f.write_char(':')?;
                    value.fmt(f)?;
                }
                f.write_char('}')
            }
        }
    }
}

/// Which characters are escaped.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Escapes {
    /// Those that JSON wants escaped.
    Needed,
    /// Those that mean something to HTML, too.
    Html,
}

fn quote(f: &mut fmt::Formatter<'_>, text: &str, escapes: Escapes) -> fmt::Result {
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
            '\0'..='\u{1f}' => write!(f, "\\u{:04x}", u32::from(c))?,
            '&' | '<' | '>' | '\u{2028}' | '\u{2029}' if escapes == Escapes::Html => {
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

    #[test]
    fn what_is_indented_is_as_javascript_writes_it() {
        let json = Json::object([
            ("empty", Json::object([])),
            ("list", Json::Array(vec![Json::Number(1), Json::Bool(true)])),
            ("none", Json::Array(vec![])),
            ("text", Json::text("&<>\u{2028}\u{1}\"\\\n")),
        ]);
        let wanted = "{\n    \"empty\": {},\n    \"list\": [\n        1,\n        true\n    ],\n    \"none\": [],\n    \
                      \"text\": \"&<>\u{2028}\\u0001\\\"\\\\\\n\"\n}";
        assert_eq!(json.indented().to_string(), wanted);
    }

    proptest! {
        #[test]
        fn any_text_is_valid_json_and_returns(text in any::<String>()) {
            let json = Json::object([("t", Json::Array(vec![Json::text(&text)]))]);
            for written in [json.to_string(), json.indented().to_string()] {
                let back: serde_json::Value = serde_json::from_str(&written).unwrap();
                prop_assert_eq!(back["t"][0].as_str(), Some(text.as_str()));
            }
        }
    }
}
