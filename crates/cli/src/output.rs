//! What commands print: the result on standard output, for people or for programs; the talk on standard error.

use anyhow::Context as _;
use clap::ValueEnum;
use prost_reflect::{DescriptorPool, DynamicMessage};
use strongroom_node::rest::json::Printer;
use strongroom_types::proto::{FILE_DESCRIPTOR_SET, Message, Name};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    Text,
    Json,
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

/// A text of somebody else, on a terminal.
pub(crate) fn plain(text: &str) -> String {
    let shown = |c: char| if c.is_control() { '\u{fffd}' } else { c };
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

#[cfg(test)]
mod tests {
    use super::*;
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
    fn a_moniker_cannot_move_the_cursor() {
        assert_eq!(plain("a\u{1b}[2Jb\n"), "a\u{fffd}[2Jb\u{fffd}");
    }
}
