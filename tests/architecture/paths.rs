//! The paths that a Rust source names, read off its tokens: enough of the language to know `use a::{b, c::d}` and
//! `#[derive(a::B)]` from what stands in a comment or a string.

/// A path as written, `use` groups taken apart: `use a::{b, c}` is `a::b` and `a::c`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Counted from 1.
    pub line: usize,
    /// `["crate", "domain", "Ori"]`
    pub segments: Vec<String>,
    /// A lone word names a crate here: after `use` or `extern crate`, or at the head of an attribute.
    pub names_crate: bool,
    /// The inline modules (`mod tests { … }`) round it.
    pub modules: Vec<String>,
}

/// Every path in a source.
pub fn named(source: &str) -> Vec<Named> {
    let tokens = tokens(source);
    let mut found = Vec::new();
    // One for each open brace: the name of the inline module that it opens, if it opens one.
    let mut braces: Vec<Option<String>> = Vec::new();
    for at in 0..tokens.len() {
        match sign(&tokens, at) {
            Some('{') => braces.push(opened_module(&tokens, at)),
            Some('}') => drop(braces.pop()),
            _ => {}
        }
        if begins_path(&tokens, at) {
            let head =
                Named { line: 0, segments: Vec::new(), names_crate: names_crate(&tokens, at), modules: braces.iter().flatten().cloned().collect() };
            read_tree(&tokens, at, &head, &mut found);
        }
    }
    found
}

/// The name in `mod name {`, where `at` is its brace.
fn opened_module(tokens: &[Token], at: usize) -> Option<String> {
    let name = at.checked_sub(1).and_then(|at| word(tokens, at))?;
    let keyword = at.checked_sub(2).and_then(|at| word(tokens, at))?;
    (keyword == "mod").then(|| name.to_owned())
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Word(String),
    /// `::`
    Separator,
    Sign(char),
}

struct Token {
    line: usize,
    kind: Kind,
}

fn kind(tokens: &[Token], at: usize) -> Option<&Kind> {
    tokens.get(at).map(|token| &token.kind)
}

fn word(tokens: &[Token], at: usize) -> Option<&str> {
    match kind(tokens, at) {
        Some(Kind::Word(text)) => Some(text),
        _ => None,
    }
}

fn sign(tokens: &[Token], at: usize) -> Option<char> {
    match kind(tokens, at) {
        Some(Kind::Sign(sign)) => Some(*sign),
        _ => None,
    }
}

fn is_separator(tokens: &[Token], at: usize) -> bool {
    kind(tokens, at) == Some(&Kind::Separator)
}

/// A word that continues nothing: not `b` in `a::b` or `<A>::b`, but `b` in `::b`. The words in a `use` group continue its head.
fn begins_path(tokens: &[Token], at: usize) -> bool {
    if word(tokens, at).is_none() || in_group(tokens, at) {
        return false;
    }
    let Some(before) = at.checked_sub(1).filter(|&before| is_separator(tokens, before)) else {
        return true;
    };
    before.checked_sub(1).is_none_or(|head| word(tokens, head).is_none_or(|head| head == "use") && sign(tokens, head) != Some('>'))
}

/// Whether the word stands in the braces of `path::{…}`, however deep.
fn in_group(tokens: &[Token], at: usize) -> bool {
    let mut closed = 0;
    for before in (0..at).rev() {
        match sign(tokens, before) {
            Some('}') => closed += 1,
            Some('{') if closed > 0 => closed -= 1,
            Some('{') => {
                return before.checked_sub(1).is_some_and(|head| is_separator(tokens, head));
            }
            Some(';') => return false,
            _ => {}
        }
    }
    false
}

fn names_crate(tokens: &[Token], at: usize) -> bool {
    let before = |steps: usize| at.checked_sub(steps);
    let imported = before(1).and_then(|at| word(tokens, at)).is_some_and(|word| word == "use" || word == "crate");
    let opened = before(1).and_then(|at| sign(tokens, at)) == Some('[');
    let attribute = opened && matches!(before(2).and_then(|at| sign(tokens, at)), Some('#' | '!'));
    imported || attribute
}

/// Reads the path at `at`, with its groups, as a continuation of `head`, and returns the position behind it.
fn read_tree(tokens: &[Token], mut at: usize, head: &Named, found: &mut Vec<Named>) -> usize {
    let mut path = Named { line: tokens[at].line, ..head.clone() };
    while let Some(segment) = word(tokens, at) {
        path.segments.push(segment.to_owned());
        at += 1;
        if !is_separator(tokens, at) {
            break;
        }
        at += 1;
    }
    if sign(tokens, at) != Some('{') || !is_separator(tokens, at - 1) {
        found.push(path);
        return at;
    }
    at += 1;
    while let Some(kind) = kind(tokens, at) {
        match kind {
            Kind::Word(alias) if alias == "as" => at += 2,
            Kind::Word(_) => at = read_tree(tokens, at, &path, found),
            Kind::Sign('}') => return at + 1,
            Kind::Sign(_) | Kind::Separator => at += 1,
        }
    }
    at
}

fn tokens(source: &str) -> Vec<Token> {
    let chars: Vec<char> = source.chars().collect();
    let mut tokens = Vec::new();
    let mut line = 1;
    let mut at = 0;
    while at < chars.len() {
        let end = skip_text(&chars, at);
        if end > at {
            line += chars[at..end].iter().filter(|&&char| char == '\n').count();
            at = end;
        } else if is_word(chars[at]) {
            let raw = chars[at..].starts_with(&['r', '#']);
            let start = if raw { at + 2 } else { at };
            at = start + chars[start..].iter().take_while(|&&char| is_word(char)).count();
            tokens.push(Token { line, kind: Kind::Word(chars[start..at].iter().collect()) });
        } else if chars[at..].starts_with(&[':', ':']) {
            tokens.push(Token { line, kind: Kind::Separator });
            at += 2;
        } else {
            tokens.push(Token { line, kind: Kind::Sign(chars[at]) });
            at += 1;
        }
    }
    tokens
}

fn is_word(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
}

/// The position behind the blank, comment, string or character that begins at `at`, or `at` itself.
fn skip_text(chars: &[char], at: usize) -> usize {
    let rest = &chars[at..];
    let next = rest.get(1).copied().unwrap_or(' ');
    match rest[0] {
        blank if blank.is_whitespace() => at + 1,
        '/' if next == '/' => at + rest.iter().take_while(|&&char| char != '\n').count(),
        '/' if next == '*' => skip_block_comment(chars, at),
        '"' => skip_string(chars, at + 1),
        '\'' if next == '\\' => at + 3 + rest.iter().skip(3).take_while(|&&char| char != '\'').count() + 1,
        '\'' if rest.get(2) == Some(&'\'') => at + 3,
        'r' | 'b' | 'c' if at == 0 || !is_word(chars[at - 1]) => skip_prefixed_string(chars, at),
        _ => at,
    }
}

fn skip_block_comment(chars: &[char], mut at: usize) -> usize {
    let mut depth = 0;
    while at < chars.len() {
        if chars[at..].starts_with(&['/', '*']) {
            depth += 1;
            at += 2;
        } else if chars[at..].starts_with(&['*', '/']) {
            depth -= 1;
            at += 2;
            if depth == 0 {
                break;
            }
        } else {
            at += 1;
        }
    }
    at
}

/// `at` stands behind the opening quote.
fn skip_string(chars: &[char], mut at: usize) -> usize {
    while at < chars.len() && chars[at] != '"' {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(chars.len())
}

/// `b"…"`, `c"…"`, `r"…"`, `br#"…"#` and the like; `at` itself for a word that only begins like one.
fn skip_prefixed_string(chars: &[char], at: usize) -> usize {
    let prefix = chars[at..].iter().take_while(|char| matches!(char, 'r' | 'b' | 'c')).count();
    let hashes = chars[at + prefix..].iter().take_while(|&&char| char == '#').count();
    let start = at + prefix + hashes;
    if chars.get(start) != Some(&'"') {
        return at;
    }
    if !chars[at..at + prefix].contains(&'r') {
        return skip_string(chars, start + 1);
    }
    let mut closing = vec!['"'];
    closing.resize(hashes + 1, '#');
    let length = chars[start + 1..].windows(closing.len()).take_while(|window| *window != closing).count();
    (start + 1 + length + closing.len()).min(chars.len())
}
