//! Where a JSON value ends, without parsing it: by depth and quotes, resumable.

use memchr::memchr2;

/// The state of a scan over one object, array or string.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ValueScan {
    depth: usize,
    /// The deepest level so far; the value itself is the first.
    pub deepest: usize,
    in_string: bool,
    /// The last byte was a backslash in a string: the next one stands for itself.
    escaped: bool,
}

impl ValueScan {
    /// A scan that begins inside so many objects, behind an opening brace or a value.
    pub fn inside(depth: usize) -> ValueScan {
        ValueScan { depth, deepest: depth, in_string: false, escaped: false }
    }

    /// Scans on; the offset behind the value, once it ends in `bytes`. Brackets are only
    /// counted, not paired: a value that pairs them wrongly ends here and fails to parse.
    pub fn advance(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = usize::from(self.escaped && !bytes.is_empty());
        self.escaped &= bytes.is_empty();
        while at < bytes.len() {
            if self.in_string {
                at += memchr2(b'"', b'\\', &bytes[at..])?;
                if bytes[at] == b'\\' {
                    self.escaped = at + 1 == bytes.len();
                    at += 2;
                    continue;
                }
                self.in_string = false;
                at += 1;
                if self.depth == 0 {
                    return Some(at);
                }
                continue;
            }
            match bytes[at] {
                b'"' => self.in_string = true,
                b'{' | b'[' => {
                    self.depth += 1;
                    self.deepest = self.deepest.max(self.depth);
                }
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth == 0 {
                        return Some(at + 1);
                    }
                }
                _ => {}
            }
            at += 1;
        }
        None
    }
}

/// The bytes without JSON blanks at their beginning.
pub(super) fn trim_start(bytes: &[u8]) -> &[u8] {
    let blanks = bytes.iter().take_while(|byte| is_blank(**byte)).count();
    &bytes[blanks..]
}

pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}
