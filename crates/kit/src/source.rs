//! Which function a line of Rust lies in. Reads braces and the word `fn` outside of comments and literals; no more of the language.

/// The innermost function whose body has this line, from 1.
pub(crate) fn function_at(source: &str, line: u32) -> Option<String> {
    let mut tokens = Tokens {
        rest: source,
        line: 1,
    };
    // Functions whose body is open, with the depth around it; one whose body has not begun; the deepest one at the line.
    let (mut open, mut pending, mut depth) = (Vec::<(String, u32)>::new(), None, 0_u32);
    let (mut found, mut after_fn) = (None, false);
    while let Some((token, at)) = tokens.next() {
        if at > line {
            break;
        }
        match token {
            Token::Word("fn") => after_fn = true,
            Token::Word(name) if after_fn => {
                pending = Some(name.to_owned());
                after_fn = false;
            }
            Token::Word(_) => {}
            Token::Mark('{') => {
                if let Some(name) = pending.take() {
                    open.push((name, depth));
                }
                depth = depth.saturating_add(1);
            }
            Token::Mark('}') => {
                depth = depth.saturating_sub(1);
                if open.last().is_some_and(|(_, around)| *around == depth) {
                    let ended = open.pop().map(|(name, _)| name);
                    // The line of the last brace is the function's own.
                    if at == line && found.is_none() {
                        found = ended;
                    }
                }
            }
            Token::Mark(';') => pending = None,
            // A type, `fn(…)`.
            Token::Mark(_) => after_fn = false,
        }
    }
    open.pop().map(|(name, _)| name).or(pending).or(found)
}

enum Token<'s> {
    Word(&'s str),
    Mark(char),
}

/// Words and marks with their lines.
struct Tokens<'s> {
    rest: &'s str,
    line: u32,
}

impl<'s> Tokens<'s> {
    fn next(&mut self) -> Option<(Token<'s>, u32)> {
        loop {
            let c = self.rest.chars().next()?;
            let line = self.line;
            if c.is_whitespace() {
                self.skip(c.len_utf8());
            } else if self.rest.starts_with("//") {
                self.skip(self.rest.find('\n').unwrap_or(self.rest.len()));
            } else if self.rest.starts_with("/*") {
                self.skip(comment(self.rest));
            } else if let Some(bytes) = literal(self.rest) {
                self.skip(bytes);
            } else if is_word(c) {
                let bytes = self.rest.find(|c| !is_word(c)).unwrap_or(self.rest.len());
                let word = self.skip(bytes);
                return Some((Token::Word(word), line));
            } else {
                self.skip(c.len_utf8());
                return Some((Token::Mark(c), line));
            }
        }
    }

    fn skip(&mut self, bytes: usize) -> &'s str {
        let (skipped, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        let lines = skipped.matches('\n').count();
        self.line = self
            .line
            .saturating_add(u32::try_from(lines).unwrap_or(u32::MAX));
        self.rest = rest;
        skipped
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Bytes of the comment that `text` begins with; such comments nest.
fn comment(text: &str) -> usize {
    let (mut at, mut depth) = (0, 0_u32);
    loop {
        let rest = text.get(at..).unwrap_or_default();
        if rest.starts_with("/*") {
            (at, depth) = (at + 2, depth.saturating_add(1));
        } else if rest.starts_with("*/") {
            (at, depth) = (at + 2, depth.saturating_sub(1));
            if depth == 0 {
                return at;
            }
        } else if let Some(c) = rest.chars().next() {
            at += c.len_utf8();
        } else {
            return text.len();
        }
    }
}

/// Bytes of the string or character that `text` begins with.
fn literal(text: &str) -> Option<usize> {
    let bare = text.trim_start_matches(['b', 'c']);
    let prefix = text.len() - bare.len();
    if prefix > 1 {
        return None;
    }
    if let Some(raw) = bare.strip_prefix('r') {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        let body = raw.get(hashes..)?.strip_prefix('"')?;
        let end = format!("\"{}", "#".repeat(hashes));
        let length = body.find(&end).map_or(body.len(), |at| at + end.len());
        return Some(prefix + 1 + hashes + 1 + length);
    }
    let quote = bare.chars().next().filter(|c| ['"', '\''].contains(c))?;
    let body = bare.get(1..)?;
    if quote == '\'' {
        // A lifetime has no second quote behind its first letter.
        let mut letters = body.chars();
        let first = letters.next()?;
        if first != '\\' && letters.next() != Some('\'') {
            return Some(prefix + 1);
        }
    }
    let (mut at, mut escaped) = (0, false);
    for c in body.chars() {
        at += c.len_utf8();
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => break,
            _ => {}
        }
    }
    Some(prefix + 1 + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = r####"//! fn in_a_comment() {
use x; /* fn nested() { /* { */ */
impl<'a> A<'a> {
    fn first(&'a self, f: fn(u8) -> u8) -> char {
        let text = "fn text() { \" {";
        let raw = r#"fn raw() { " "#;
        '{'
    }
    fn declared();
}

fn outer() {
    let b = b'{';
    let inner = |x: u8| {
        x
    };
    fn within() {
        panic!()
    }
    outer()
}
static LAST: u8 = 1;
"####;

    #[test]
    fn the_innermost_function_of_a_line_is_found() {
        for (line, name) in [
            (1, None),
            (2, None),
            (3, None),
            (4, Some("first")),
            (5, Some("first")),
            (7, Some("first")),
            (8, Some("first")),
            (10, None),
            (12, Some("outer")),
            (15, Some("outer")),
            (18, Some("within")),
            (20, Some("outer")),
            (21, Some("outer")),
            (22, None),
            (99, None),
        ] {
            assert_eq!(function_at(SOURCE, line).as_deref(), name, "line {line}");
        }
    }

    #[test]
    fn what_is_no_rust_is_read_to_its_end() {
        for text in [
            "", "\"", "'", "r#", "r##\"", "/*", "fn", "}}}}", "b'", "'\\", "fn ä{'",
        ] {
            let _ = function_at(text, 1);
        }
    }
}
