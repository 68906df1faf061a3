//! What commands print: the result on standard output, for people or for programs; the talk on standard error.

use anyhow::Context as _;
use clap::ValueEnum;
use prost_reflect::{DescriptorPool, DynamicMessage};
use std::io::IsTerminal;
use strongroom_node::rest::json::Printer;
use strongroom_types::proto::{FILE_DESCRIPTOR_SET, Message, Name};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    Text,
    Json,
}

/// How a text for people stands out, on a terminal that wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paint {
    Bold,
    Green,
    Red,
}

impl Paint {
    /// The text in this colour, where colours are wanted.
    pub(crate) fn on(self, stream: &impl IsTerminal, text: &str) -> String {
        let variable = |name| std::env::var(name).ok();
        let [no_color, force, clicolor] = ["NO_COLOR", "CLICOLOR_FORCE", "CLICOLOR"].map(variable);
        let wanted = is_coloured(
            no_color.as_deref(),
            force.as_deref(),
            clicolor.as_deref(),
            stream.is_terminal(),
        );
        if !wanted {
            return text.to_owned();
        }
        let code = match self {
            Self::Bold => 1,
            Self::Red => 31,
            Self::Green => 32,
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

/// Whether colours are wanted: never with `NO_COLOR`; elsewhere where `CLICOLOR_FORCE` says so, or on a terminal unless `CLICOLOR` is 0.
fn is_coloured(
    no_color: Option<&str>,
    force: Option<&str>,
    clicolor: Option<&str>,
    is_terminal: bool,
) -> bool {
    let is_set = |value: Option<&str>| value.is_some_and(|value| !value.is_empty() && value != "0");
    if no_color.is_some_and(|value| !value.is_empty()) {
        return false;
    }
    is_set(force) || (is_terminal && clicolor != Some("0"))
}

/// A table whose first line is its heading, on standard output.
pub(crate) fn headed(table: &str) -> String {
    match table.split_once('\n') {
        Some((heading, rest)) => {
            format!("{}\n{rest}", Paint::Bold.on(&std::io::stdout(), heading))
        }
        None => table.to_owned(),
    }
}

/// All messages and services that there are.
pub(crate) fn descriptors() -> anyhow::Result<DescriptorPool> {
    DescriptorPool::decode(FILE_DESCRIPTOR_SET).context("our own descriptors")
}

/// The JSON that REST answers.
pub(crate) fn json<M: Message + Name>(message: &M) -> anyhow::Result<String> {
    let pool = descriptors()?;
    let descriptor = pool.get_message_by_name(&M::full_name());
    let descriptor = descriptor.with_context(|| format!("no descriptor of {}", M::full_name()))?;
    let message = DynamicMessage::decode(descriptor, message.encode_to_vec().as_slice())?;
    Ok(Printer::new(pool).print(&message))
}

/// JSON in many lines, for people.
pub(crate) fn pretty(json: &str) -> anyhow::Result<String> {
    let value: serde_json::Value = serde_json::from_str(json)?;
    Ok(serde_json::to_string_pretty(&value)?)
}

/// JSON in one line. Nothing but the space between its parts changes: numbers keep all their digits.
pub(crate) fn compact(json: &str) -> String {
    let (mut line, mut in_text, mut escaped) = (String::new(), false, false);
    for c in json.chars() {
        if in_text || !c.is_ascii_whitespace() {
            line.push(c);
        }
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = in_text,
            '"' => in_text = !in_text,
            _ => {}
        }
    }
    line
}

/// A text of somebody else, on a terminal: nothing in it moves the cursor, or shows letters in another order than they stand in.
pub(crate) fn plain(text: &str) -> String {
    let shown = |c: char| match c {
        // Marks of direction, and separators that begin a line.
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            '\u{fffd}'
        }
        c if c.is_control() => '\u{fffd}',
        c => c,
    };
    text.chars().map(shown).collect()
}

/// Columns as wide as their widest entry, two spaces between them.
pub(crate) fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let wide = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let width = wide(column);
            line.push_str(&format!("{cell:width$}  "));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// A line for whoever called. One who hears no more of it, such as `grep -q`, ends the command as a signal of the system would.
pub(crate) fn say(line: impl std::fmt::Display) {
    use std::io::{ErrorKind, Write as _};
    /// What shells give for a process that SIGPIPE ended.
    const PIPE_CLOSED: i32 = 141;
    match writeln!(std::io::stdout(), "{line}") {
        Ok(()) => {}
        Err(e) if e.kind() == ErrorKind::BrokenPipe => std::process::exit(PIPE_CLOSED),
        Err(e) => {
            talk!("strongroom: cannot write: {e}");
            std::process::exit(1);
        }
    }
}

/// An error and its causes. Many an error says its cause itself: that is not said twice.
pub(crate) fn in_one_line(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if line.is_empty() {
            line = cause;
        } else if !line.ends_with(&cause) {
            line = format!("{line}: {cause}");
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::anyhow;
    use strongroom_types::proto::strongroom::registration::v1 as registration;

    #[test]
    fn columns_of_a_table_stand_below_each_other() {
        let rows = [["a", "bbb"], ["ccc", "d"], ["", "e"]].map(|row| row.map(str::to_owned));
        assert_eq!(table(&rows), "a    bbb\nccc  d\n     e\n");
    }

    #[test]
    fn json_has_the_names_and_the_defaults_of_rest() {
        let node = registration::Node {
            node_id: "ab".to_owned(),
            state: registration::NodeState::Registered.into(),
            ..registration::Node::default()
        };
        let text = json(&registration::QueryNodeResponse { node: Some(node) }).unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["node"]["node_id"], "ab");
        assert_eq!(value["node"]["state"], "NODE_STATE_REGISTERED");
        assert_eq!(value["node"]["changed_height"], "0");
    }

    #[test]
    fn json_in_one_line_says_what_it_said() {
        let long = "{ \"a b\" : [ 340282366920938463463374607431768211455 ,\n\t\"\\\" \\\\\" ] }";
        let line = "{\"a b\":[340282366920938463463374607431768211455,\"\\\" \\\\\"]}";
        assert_eq!(compact(long), line);
        assert_eq!(compact(line), line);
    }

    #[test]
    fn colours_are_for_terminals_and_for_who_wants_them() {
        for (no_color, force, clicolor, is_terminal, wanted) in [
            (None, None, None, true, true),
            (None, None, None, false, false),
            (Some("1"), None, None, true, false),
            (Some(""), None, None, true, true),
            (None, None, Some("0"), true, false),
            (None, Some("1"), Some("0"), false, true),
            (None, Some("0"), None, false, false),
            (Some("1"), Some("1"), None, true, false),
        ] {
            assert_eq!(
                is_coloured(no_color, force, clicolor, is_terminal),
                wanted,
                "{no_color:?} {force:?} {clicolor:?} {is_terminal}"
            );
        }
    }

    #[test]
    fn a_moniker_cannot_move_the_cursor() {
        assert_eq!(plain("a\u{1b}[2Jb\n"), "a\u{fffd}[2Jb\u{fffd}");
        for mark in [
            "\u{202e}", "\u{2066}", "\u{2069}", "\u{200f}", "\u{61c}", "\u{2028}", "\u{9b}",
        ] {
            assert_eq!(plain(&format!("pay {mark}5")), "pay \u{fffd}5", "{mark:?}");
        }
        assert_eq!(plain("\u{5e9} \u{1f375} é"), "\u{5e9} \u{1f375} é");
    }

    #[test]
    fn a_cause_is_said_once() {
        let error = anyhow!("no room").context("state store: no room");
        assert_eq!(in_one_line(&error), "state store: no room");
        let error = Err::<(), _>(error).context("cannot start").unwrap_err();
        assert_eq!(in_one_line(&error), "cannot start: state store: no room");
    }
}
