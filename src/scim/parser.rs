//! Reads filter and PATCH path text (RFC 7644 §3.4.2.2, §3.5.2 and §3.10).
//!
//! Recursive descent over at most `LENGTH_MAX` bytes and `DEPTH_MAX` levels. Gives a
//! [`Filter`] or a [`PatchPath`], or the error with the character where reading stopped.
//! It evaluates nothing.

use serde_json::{Number, Value};

use super::Error;
use super::attribute;
use super::filter::{CompareOp, DEPTH_MAX, Filter, LENGTH_MAX, Literal};

/// The target of a PATCH operation: `attribute`, `attribute[filter]`, `attribute[filter].sub`.
#[derive(Clone, Debug, PartialEq)]
pub struct PatchPath {
    pub attribute: String,
    pub filter: Option<Filter>,
    pub sub_attribute: Option<String>,
}

/// Reads a filter as the standard writes it.
///
/// One form beyond the grammar is read, because Entra sends it: `emails[type eq "work"].value
/// eq "x"` becomes `emails[type eq "work" and value eq "x"]`, which means the same.
///
/// # Errors
/// [`Error::FilterSyntax`], [`Error::FilterTooLong`], [`Error::FilterTooDeep`].
pub fn parse(text: &str) -> Result<Filter, Error> {
    Parser::new(text, Quotes::Required)?.whole_filter()
}

/// The same, and takes values without quotes, as some senders write them.
///
/// # Errors
/// As [`parse`].
pub fn parse_lenient(text: &str) -> Result<Filter, Error> {
    Parser::new(text, Quotes::Optional)?.whole_filter()
}

/// Reads the `path` of a PATCH operation.
///
/// # Errors
/// As [`parse`].
pub fn parse_path(text: &str) -> Result<PatchPath, Error> {
    let mut parser = Parser::new(text, Quotes::Optional)?;
    parser.skip_blanks();
    let attribute = parser.attribute_path()?;
    let filter = if parser.take('[') { Some(parser.bracketed()?) } else { None };
    let sub_attribute =
        if filter.is_some() && parser.take('.') { Some(parser.attribute_path()?) } else { None };
    parser.end("the end of the path")?;
    Ok(PatchPath { attribute, filter, sub_attribute })
}

#[derive(Clone, Copy, PartialEq)]
enum Quotes {
    Required,
    Optional,
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    quotes: Quotes,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str, quotes: Quotes) -> Result<Parser<'a>, Error> {
        if text.len() > LENGTH_MAX {
            return Err(Error::FilterTooLong { length: text.len() });
        }
        Ok(Parser { text, at: 0, depth: 0, quotes })
    }

    fn whole_filter(mut self) -> Result<Filter, Error> {
        let filter = self.any_of()?;
        self.end("`and`, `or` or the end of the filter")?;
        Ok(filter)
    }

    fn any_of(&mut self) -> Result<Filter, Error> {
        let mut filter = self.all_of()?;
        while self.take_word("or") {
            filter = filter.or(self.all_of()?);
        }
        Ok(filter)
    }

    fn all_of(&mut self) -> Result<Filter, Error> {
        let mut filter = self.term()?;
        while self.take_word("and") {
            filter = filter.and(self.term()?);
        }
        Ok(filter)
    }

    fn term(&mut self) -> Result<Filter, Error> {
        self.skip_blanks();
        if self.take('(') {
            return self.nested(')', "`)`");
        }
        let start = self.at;
        if self.take_word("not") {
            self.skip_blanks();
            if self.take('(') {
                return Ok(Filter::Not(Box::new(self.nested(')', "`)`")?)));
            }
            // An attribute may be called `not`.
            self.at = start;
        }
        let path = self.attribute_path()?;
        if self.take('[') {
            return self.value_path(path);
        }
        self.comparison(path)
    }

    fn value_path(&mut self, path: String) -> Result<Filter, Error> {
        let inner = self.bracketed()?;
        let filter = if self.take('.') {
            let sub_attribute = self.attribute_path()?;
            inner.and(self.comparison(sub_attribute)?)
        } else {
            inner
        };
        Ok(Filter::ValuePath { path, filter: Box::new(filter) })
    }

    fn bracketed(&mut self) -> Result<Filter, Error> {
        self.nested(']', "`]`")
    }

    fn nested(&mut self, close: char, expected: &'static str) -> Result<Filter, Error> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(Error::FilterTooDeep { position: self.position() });
        }
        let filter = self.any_of()?;
        self.skip_blanks();
        if !self.take(close) {
            return Err(self.expected(expected));
        }
        self.depth -= 1;
        Ok(filter)
    }

    fn comparison(&mut self, path: String) -> Result<Filter, Error> {
        self.skip_blanks();
        let start = self.at;
        let word = self.take_while(|c| c.is_ascii_alphabetic());
        if word.eq_ignore_ascii_case("pr") {
            return Ok(Filter::Present(path));
        }
        let Some(op) = CompareOp::parse(word) else {
            self.at = start;
            return Err(self.expected("an operator (eq, ne, co, sw, ew, gt, ge, lt, le, pr)"));
        };
        Ok(Filter::Compare { path, op, value: self.literal()? })
    }

    fn literal(&mut self) -> Result<Literal, Error> {
        self.skip_blanks();
        if self.rest().starts_with('"') {
            return self.quoted();
        }
        let start = self.at;
        let word = self.take_while(|c| !c.is_whitespace() && !matches!(c, ')' | ']' | '"'));
        for (name, literal) in
            [("true", Literal::Bool(true)), ("false", Literal::Bool(false)), ("null", Literal::Null)]
        {
            if word.eq_ignore_ascii_case(name) {
                return Ok(literal);
            }
        }
        if let Some(number) = number(word) {
            return Ok(Literal::Number(number));
        }
        if self.quotes == Quotes::Optional && !word.is_empty() {
            return Ok(Literal::Text(word.to_string()));
        }
        self.at = start;
        Err(self.expected("a value (text in double quotes, a number, true, false or null)"))
    }

    fn quoted(&mut self) -> Result<Literal, Error> {
        let mut escaped = false;
        for (index, c) in self.rest().char_indices().skip(1) {
            match c {
                '"' if !escaped => {
                    let token = &self.rest()[..=index];
                    let Ok(Value::String(text)) = serde_json::from_str(token) else {
                        return Err(self.expected("text with the escapes of JSON"));
                    };
                    self.at += token.len();
                    return Ok(Literal::Text(text));
                }
                _ => escaped = c == '\\' && !escaped,
            }
        }
        Err(self.expected("text that ends in a double quote"))
    }

    /// An attribute path: names with dots between them, after a schema URN or not.
    fn attribute_path(&mut self) -> Result<String, Error> {
        let in_urn = attribute::is_urn(self.rest());
        let start = self.at;
        let path = self.take_while(|c| {
            c.is_ascii_alphanumeric()
                || matches!(c, '_' | '-' | '$' | '.')
                || (in_urn && matches!(c, ':' | '/' | '#'))
        });
        let first = path.chars().next();
        let sound = first.is_some_and(|c| c.is_ascii_alphabetic() || c == '$')
            && !path.ends_with(['.', ':'])
            && !path.contains("..");
        if sound {
            return Ok(path.to_string());
        }
        self.at = start;
        Err(self.expected("an attribute name"))
    }

    /// Takes `word` if it stands here on its own; blanks before it are skipped only then.
    fn take_word(&mut self, word: &str) -> bool {
        let start = self.at;
        self.skip_blanks();
        let found = self.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ':'));
        if found.eq_ignore_ascii_case(word) {
            return true;
        }
        self.at = start;
        false
    }

    fn take(&mut self, c: char) -> bool {
        let here = self.rest().starts_with(c);
        if here {
            self.at += c.len_utf8();
        }
        here
    }

    fn take_while(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let length = rest.find(|c| !belongs(c)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    fn skip_blanks(&mut self) {
        self.take_while(char::is_whitespace);
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn end(&mut self, expected: &'static str) -> Result<(), Error> {
        self.skip_blanks();
        if self.rest().is_empty() { Ok(()) } else { Err(self.expected(expected)) }
    }

    /// One-based, in characters, as a person counts.
    fn position(&self) -> usize {
        self.text[..self.at].chars().count() + 1
    }

    fn expected(&self, expected: &'static str) -> Error {
        let found = match self.rest().split_whitespace().next() {
            Some(word) => format!("`{}`", word.chars().take(40).collect::<String>()),
            None => "the end".to_string(),
        };
        Error::FilterSyntax { position: self.position(), expected, found }
    }
}

/// A JSON number. Fractions are read by the standard library, which, unlike `serde_json`
/// by default, gives back the very number that was written.
fn number(word: &str) -> Option<Number> {
    let number: Number = word.parse().ok()?;
    if number.is_f64() { Number::from_f64(word.parse().ok()?) } else { Some(number) }
}
