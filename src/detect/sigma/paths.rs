//! Where in a record the fields are that rules name: a tree of keys that a reader walks along
//! while it passes over everything else.

use rsigma_parser::fieldpath::unescape_brackets;

/// How the names of fields are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// As the rule writes them, to the letter, and without other names.
    AsWritten,
    /// ASCII letters of either case are the same, and the logsource's table gives other names.
    Folded,
}

/// A key of a record and what lies below it.
#[derive(Debug, Default)]
pub struct Node {
    children: Vec<(String, Node)>,
    /// The slots that the value here fills.
    pub slots: Vec<Slot>,
}

/// One path of one column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    pub column: usize,
    /// A column takes the value of its first path that has one.
    pub rank: usize,
}

impl Node {
    /// Adds a dotted path and gives the ranks it took. A key that has the dots in its own name
    /// goes before the nested one, as Sigma's tools have it.
    pub fn add(&mut self, path: &str, column: usize, rank: usize, names: Names) -> usize {
        let path = unescape_brackets(path);
        let parts: Vec<&str> = path.split('.').collect();
        let mut taken = 0;
        if parts.len() > 1 {
            self.child(&path, names).slots.push(Slot { column, rank });
            taken = 1;
        }
        let leaf = parts.iter().fold(self, |node, part| node.child(part, names));
        leaf.slots.push(Slot { column, rank: rank + taken });
        taken + 1
    }

    /// What lies below `key`, if a rule asks for it.
    pub fn at(&self, key: &str, names: Names) -> Option<&Node> {
        let same = |known: &str| match names {
            Names::AsWritten => known == key,
            Names::Folded => known.eq_ignore_ascii_case(key),
        };
        self.children.iter().find(|(known, _)| known.len() == key.len() && same(known)).map(|(_, node)| node)
    }

    fn child(&mut self, key: &str, names: Names) -> &mut Node {
        let known = self.children.iter().position(|(known, _)| match names {
            Names::AsWritten => known == key,
            Names::Folded => known.eq_ignore_ascii_case(key),
        });
        let at = known.unwrap_or_else(|| {
            self.children.push((key.to_owned(), Node::default()));
            self.children.len() - 1
        });
        &mut self.children[at].1
    }
}
