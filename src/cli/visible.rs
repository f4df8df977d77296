//! What a source wrote, as text that a terminal or a page shows and does not obey. JSON needs none of
//! it: it has escapes of its own.

use std::borrow::Cow;

/// Replaces control characters other than line feeds, and what turns the direction of writing, by
/// `\u{…}`: a name could else move the cursor, hide a line, or read as another name.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(obeyed) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if obeyed(c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// The same in a cell of a Markdown table, where no character makes markup.
pub fn in_markdown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in visible(text).chars() {
        match c {
            '\n' => shown.push(' '),
            '&' => shown.push_str("&amp;"),
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '|' | '[' | ']' | '`' | '\\' => shown.extend(['\\', c]),
            c => shown.push(c),
        }
    }
    shown
}

fn obeyed(c: char) -> bool {
    let turns = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || (c.is_control() && c != '\n')
}
