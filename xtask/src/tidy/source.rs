//! Reads Rust source as far as the rules need it: without comments, without texts, without tests.

/// Replaces comments and literals by spaces; line breaks stay, so that line numbers do.
pub(super) fn code_only(source: &str) -> String {
    let mut code = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(next) = rest.chars().next() {
        let follows_word = code.bytes().next_back().is_some_and(is_word);
        match literal_length(rest, follows_word) {
            Some(length) => {
                code.extend(
                    rest[..length]
                        .chars()
                        .map(|c| if c == '\n' { '\n' } else { ' ' }),
                );
                rest = &rest[length..];
            }
            None => {
                code.push(next);
                rest = &rest[next.len_utf8()..];
            }
        }
    }
    code
}

/// The length of the comment or literal that begins here, if one does.
fn literal_length(rest: &str, follows_word: bool) -> Option<usize> {
    let until = |end: &str| rest.find(end).map_or(rest.len(), |at| at + end.len());
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return Some(until("*/"));
    }
    if let Some(length) = raw_string(rest.as_bytes())
        && !follows_word
    {
        return Some(length);
    }
    match rest.as_bytes()[0] {
        b'"' => Some(quoted(rest.as_bytes(), b'"')),
        b'\'' if rest.starts_with("'\\") => Some(quoted(rest.as_bytes(), b'\'')),
        b'\'' => {
            // One character and another quote; otherwise it is a lifetime.
            let length = 1 + rest[1..].chars().next()?.len_utf8();
            rest[length..].starts_with('\'').then_some(length + 1)
        }
        _ => None,
    }
}

fn quoted(rest: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// The length of a raw string that begins here.
fn raw_string(rest: &[u8]) -> Option<usize> {
    let prefix = if rest.starts_with(b"br") {
        2
    } else if rest.starts_with(b"r") {
        1
    } else {
        return None;
    };
    let hashes = rest[prefix..].iter().take_while(|b| **b == b'#').count();
    let start = prefix + hashes;
    if rest.get(start) != Some(&b'"') {
        return None;
    }
    let mut end = vec![b'"'];
    end.extend(std::iter::repeat_n(b'#', hashes));
    Some(find(&rest[start + 1..], &end).map_or(rest.len(), |at| start + 1 + at + end.len()))
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Source split into what ships and the names of modules that exist for tests only.
pub(super) struct Shipped {
    /// Code without tests; removed parts are blank, line breaks stay.
    pub(super) code: String,
    /// Files that are modules under `#[cfg(test)]`.
    pub(super) test_modules: Vec<String>,
}

/// Removes every item under `#[cfg(test)]`. Expects the result of [`code_only`].
pub(super) fn without_tests(code: &str) -> Shipped {
    const MARK: &str = "#[cfg(test)]";
    let mut shipped = Shipped {
        code: String::with_capacity(code.len()),
        test_modules: Vec::new(),
    };
    let mut rest = code;
    while let Some(start) = rest.find(MARK) {
        shipped.code.push_str(&rest[..start]);
        let item = &rest[start..];
        let length = item_length(item, MARK.len());
        if let Some(name) = declared_module(&item[MARK.len()..length]) {
            shipped.test_modules.push(name);
        }
        shipped
            .code
            .extend(item[..length].chars().filter(|c| *c == '\n'));
        rest = &item[length..];
    }
    shipped.code.push_str(rest);
    shipped
}

/// The length of an item: up to its semicolon, or to the brace that closes its body.
fn item_length(item: &str, from: usize) -> usize {
    let mut depth = 0_u32;
    for (at, c) in item.char_indices().skip(from) {
        match c {
            ';' if depth == 0 => return at + 1,
            '{' | '(' | '[' => depth += 1,
            '}' | ')' | ']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 && c == '}' {
                    return at + 1;
                }
            }
            _ => {}
        }
    }
    item.len()
}

/// The name in `mod name;`.
fn declared_module(item: &str) -> Option<String> {
    let words: Vec<&str> = item.trim().strip_suffix(';')?.split_whitespace().collect();
    let at = words.iter().position(|word| *word == "mod")?;
    words.get(at + 1).map(|name| (*name).to_string())
}

/// Line numbers, from 1, on which a word stands by itself. A word may have several parts, as in `std::fs`.
pub(super) fn lines_with(code: &str, word: &str) -> Vec<usize> {
    let stands_alone = |line: &str, at: usize| {
        let before = line[..at].bytes().next_back().is_some_and(is_word);
        let after = line[at + word.len()..].bytes().next().is_some_and(is_word);
        !before && !after
    };
    let has_word = |line: &str| {
        line.match_indices(word)
            .any(|(at, _)| stands_alone(line, at))
    };
    code.lines()
        .enumerate()
        .filter(|(_, line)| has_word(line))
        .map(|(at, _)| at + 1)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_in_comments_and_texts_are_not_code() {
        let source = "// HashMap\nlet a = \"HashMap \\\" HashMap\"; /* HashMap */ let b = r#\"HashMap \" \"#;\nHashMap";
        assert_eq!(lines_with(&code_only(source), "HashMap"), [3]);
    }

    #[test]
    fn lifetimes_and_characters_do_not_confuse() {
        let source =
            "fn f<'a>(x: &'a str) -> char { let q = '\"'; let r = '\\''; let s = 'ü'; HashMap }";
        let code = code_only(source);
        assert_eq!(lines_with(&code, "HashMap"), [1]);
        assert!(code.contains("'a>"));
        assert!(!code.contains('"'));
    }

    #[test]
    fn a_word_is_found_only_whole() {
        assert_eq!(
            lines_with(
                "SYS_getrandom\ngetrandom::fill\nMyHashMap\nunsafe_code",
                "getrandom"
            ),
            [2]
        );
        assert!(lines_with("#![deny(unsafe_code)]", "unsafe").is_empty());
        assert_eq!(lines_with("use std::fs::File;\nstd::fsx", "std::fs"), [1]);
    }

    #[test]
    fn tests_are_cut_out_and_line_numbers_stay() {
        let source =
            "a\n#[cfg(test)]\nmod tests {\n  HashMap { }\n}\nHashMap\n#[cfg(test)]\nmod oracle;\nb";
        let shipped = without_tests(&code_only(source));
        assert_eq!(lines_with(&shipped.code, "HashMap"), [6]);
        assert_eq!(shipped.test_modules, ["oracle"]);
        assert_eq!(shipped.code.lines().count(), source.lines().count());
    }

    #[test]
    fn a_constant_for_tests_is_cut_out_too() {
        let shipped =
            without_tests("#[cfg(test)]\npub(crate) const NAMES: &[&str] = &[HashMap];\nb");
        assert_eq!(shipped.code.trim(), "b");
    }
}
