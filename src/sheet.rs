//! A TOML file read key by key, with every complaint at once.
//!
//! In: a file's name and text. Out: its values, and findings that name file, line, column and key and say what to do.
//! Never: a value made up for a key that is wrong. Configuration and protocol files are both read through this.

mod broken;
mod ready;

use std::{cell::RefCell, fmt};

use toml_span::{
    Span, Value,
    value::{Table, ValueInner},
};

/// One complaint about a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The file, as it was named to us.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
    /// The column, counted from 1.
    pub column: usize,
    /// What is wrong and what to do.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)
    }
}

const MOST_FINDINGS: usize = 100;

/// A file under reading, with the findings so far.
pub struct Sheet<'a> {
    file: &'a str,
    text: &'a str,
    /// The values of a file that was proved before, and its digest.
    proved: Option<(&'a str, &'a str)>,
    findings: RefCell<Vec<Finding>>,
}

impl<'a> Sheet<'a> {
    /// Starts on a file.
    #[must_use]
    pub const fn new(file: &'a str, text: &'a str) -> Self {
        Self { file, text, proved: None, findings: RefCell::new(Vec::new()) }
    }

    /// Starts on a file that was read and proved when the program was built: these are its values, as JSON, without its samples, and its
    /// digest.
    #[must_use]
    pub const fn proved(file: &'a str, text: &'a str, values: &'a str, digest: &'a str) -> Self {
        Self { file, text, proved: Some((values, digest)), findings: RefCell::new(Vec::new()) }
    }

    /// True for a file whose samples are not read.
    #[must_use]
    pub const fn is_proved(&self) -> bool {
        self.proved.is_some()
    }

    /// The file's text.
    #[must_use]
    pub const fn text(&self) -> &'a str {
        self.text
    }

    /// The digest of the file's text, where it was proved before.
    #[must_use]
    pub fn digest(&self) -> Option<&'a str> {
        self.proved.map(|(_, digest)| digest)
    }

    /// The top table; none when the text is not TOML (a finding says where).
    pub fn root(&self) -> Option<Keys<'_, 'a>> {
        match self.proved.and_then(|(values, _)| ready::read(values)).map_or_else(|| toml_span::parse(self.text), Ok) {
            Ok(mut value) => self.keys(&mut value, String::new()),
            Err(error) => {
                self.add(error.span, format!("not TOML: {}", broken::broken(&error)));
                None
            }
        }
    }

    /// Ends the reading with every finding, in the order of lines.
    #[must_use]
    pub fn into_findings(self) -> Vec<Finding> {
        let mut findings = self.findings.into_inner();
        findings.sort();
        findings
    }

    /// True while nothing was found wrong.
    pub fn is_clean(&self) -> bool {
        self.findings.borrow().is_empty()
    }

    /// Adds a finding at a place.
    pub fn add(&self, at: Span, message: String) {
        let (line, column) = self.place(at.start);
        self.add_at(line, column, message);
    }

    /// Adds a finding at a line and column.
    pub fn add_at(&self, line: usize, column: usize, message: String) {
        // A file with a hundred findings is not the file that was meant.
        if self.findings.borrow().len() >= MOST_FINDINGS {
            return;
        }
        self.findings.borrow_mut().push(Finding { file: self.file.to_owned(), line, column, message });
    }

    /// Line and column of a byte offset, both from 1; columns count characters.
    pub fn place(&self, offset: usize) -> (usize, usize) {
        let before = self.text.get(..offset.min(self.text.len())).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        (line, column)
    }

    fn keys<'s>(&'s self, value: &mut Value<'a>, path: String) -> Option<Keys<'s, 'a>> {
        let span = value.span;
        match value.take() {
            ValueInner::Table(table) => Some(Keys { sheet: self, table, span, path, known: Vec::new() }),
            other => {
                self.add(span, format!("`{path}` is {}; it must be a table", article(&other)));
                None
            }
        }
    }
}

/// A value with the place it stands at.
#[derive(Debug, Clone, Copy)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// Its place.
    pub span: Span,
}

/// The keys of one table. Whatever is not asked for is an unknown key at the end.
pub struct Keys<'s, 'a> {
    /// The file.
    pub sheet: &'s Sheet<'a>,
    table: Table<'a>,
    span: Span,
    path: String,
    /// What was asked for, and where it stands.
    known: Vec<(&'static str, Option<Span>)>,
}

impl<'s, 'a> Keys<'s, 'a> {
    /// Where the table stands.
    #[must_use]
    pub const fn span(&self) -> Span {
        self.span
    }

    /// A text that must be there.
    pub fn text(&mut self, key: &'static str) -> Option<At<String>> {
        let found = self.optional_text(key);
        if found.is_none() {
            self.missing(key);
        }
        found
    }

    /// A text that may be there.
    pub fn optional_text(&mut self, key: &'static str) -> Option<At<String>> {
        let mut value = self.take(key)?;
        let span = value.span;
        match value.take() {
            ValueInner::String(text) => Some(At { value: text.into_owned(), span }),
            other => self.wrong(key, span, &other, "a text in quotes"),
        }
    }

    /// A true or false that may be there.
    pub fn flag(&mut self, key: &'static str) -> Option<bool> {
        let mut value = self.take(key)?;
        let span = value.span;
        match value.take() {
            ValueInner::Boolean(flag) => Some(flag),
            other => self.wrong(key, span, &other, "true or false"),
        }
    }

    /// A whole number within the bounds that may be there.
    pub fn number<T: TryFrom<i64> + PartialOrd + fmt::Display + Copy>(&mut self, key: &'static str, least: T, most: T) -> Option<At<T>> {
        let mut value = self.take(key)?;
        let span = value.span;
        match value.take() {
            ValueInner::Integer(number) => match T::try_from(number) {
                Ok(number) if number >= least && number <= most => Some(At { value: number, span }),
                _ => {
                    self.complain(span, format!("`{}` is {number}; it must lie between {least} and {most}", self.name(key)));
                    None
                }
            },
            other => self.wrong(key, span, &other, "a whole number"),
        }
    }

    /// A list of texts that may be there; one text stands for a list of one.
    pub fn texts(&mut self, key: &'static str) -> Vec<At<String>> {
        let Some(mut value) = self.take(key) else { return Vec::new() };
        let span = value.span;
        match value.take() {
            ValueInner::String(text) => vec![At { value: text.into_owned(), span }],
            ValueInner::Array(items) => items.into_iter().filter_map(|mut item| self.text_item(key, &mut item)).collect(),
            other => {
                self.wrong::<()>(key, span, &other, "a list of texts");
                Vec::new()
            }
        }
    }

    /// A list of whole numbers, none negative, that may be there.
    pub fn numbers(&mut self, key: &'static str) -> Vec<At<u64>> {
        let Some(mut value) = self.take(key) else { return Vec::new() };
        let span = value.span;
        match value.take() {
            ValueInner::Array(items) => items.into_iter().filter_map(|mut item| self.number_item(key, &mut item)).collect(),
            other => {
                self.wrong::<()>(key, span, &other, "a list of whole numbers");
                Vec::new()
            }
        }
    }

    /// A table that may be there.
    pub fn table(&mut self, key: &'static str) -> Option<Keys<'s, 'a>> {
        let path = self.name(key);
        let mut value = self.take(key)?;
        self.sheet.keys(&mut value, path)
    }

    /// The tables of `[[key]]`.
    pub fn tables(&mut self, key: &'static str) -> Vec<Keys<'s, 'a>> {
        let path = self.name(key);
        let Some(mut value) = self.take(key) else { return Vec::new() };
        let span = value.span;
        match value.take() {
            ValueInner::Array(items) => items.into_iter().filter_map(|mut item| self.sheet.keys(&mut item, path.clone())).collect(),
            other => {
                self.complain(span, format!("`{path}` is {}; write [[{path}]] above each of them", article(&other)));
                Vec::new()
            }
        }
    }

    /// Any value that may be there: for keys that take several shapes.
    pub fn any(&mut self, key: &'static str) -> Option<Value<'a>> {
        self.take(key)
    }

    /// Every key that nobody asked for, with its value: for tables whose keys are names.
    pub fn rest(&mut self) -> Vec<(At<String>, Value<'a>)> {
        let mut rest: Vec<_> = std::mem::take(&mut self.table)
            .into_iter()
            .map(|(key, value)| (At { value: key.name.into_owned(), span: key.span }, value))
            .collect();
        rest.sort_by_key(|(key, _)| key.span.start);
        rest
    }

    /// Complains about a value of this table.
    pub fn complain(&self, at: Span, message: String) {
        self.sheet.add(at, message);
    }

    /// Complains that a key is not there, and names the one that may be it, misspelt. What is there, and wrong, is not missing.
    pub fn missing(&self, key: &str) {
        if self.was_wrong(key) {
            return;
        }
        let misspelt = nearest(key, self.table.keys().map(|key| &*key.name));
        let name = self.name(key);
        self.complain(
            self.span,
            match misspelt {
                Some(misspelt) => format!("`{name}` is missing; is `{misspelt}` meant for it?"),
                None => format!("`{name}` is missing"),
            },
        );
    }

    /// The key's name with the tables it stands in.
    #[must_use]
    pub fn name(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// Ends the table: what was not asked for is refused, with the nearest known key.
    pub fn finish(mut self) {
        let known: Vec<_> = std::mem::take(&mut self.known).into_iter().map(|(key, _)| key).collect();
        for (key, _) in self.rest() {
            let hint = nearest(&key.value, known.iter().copied())
                .map_or_else(|| format!("known here: {}", known.join(", ")), |near| format!("did you mean `{near}`?"));
            self.complain(key.span, format!("unknown key `{}`; {hint}", self.name(&key.value)));
        }
    }

    fn take(&mut self, key: &'static str) -> Option<Value<'a>> {
        let value = self.table.remove(key);
        self.known.push((key, value.as_ref().map(|value| value.span)));
        value
    }

    fn text_item(&self, key: &str, item: &mut Value<'a>) -> Option<At<String>> {
        let span = item.span;
        match item.take() {
            ValueInner::String(text) => Some(At { value: text.into_owned(), span }),
            other => self.wrong(key, span, &other, "a list of texts"),
        }
    }

    fn number_item(&self, key: &str, item: &mut Value<'a>) -> Option<At<u64>> {
        let span = item.span;
        match item.take() {
            ValueInner::Integer(number) if number >= 0 => Some(At { value: number.unsigned_abs(), span }),
            other => self.wrong(key, span, &other, "a list of whole numbers, none negative"),
        }
    }

    fn wrong<T>(&self, key: &str, span: Span, found: &ValueInner<'_>, wanted: &str) -> Option<T> {
        self.complain(span, format!("`{}` is {}; it must be {wanted}", self.name(key), article(found)));
        None
    }

    /// True where something was found wrong within that key's value.
    fn was_wrong(&self, key: &str) -> bool {
        let Some(span) = self.known.iter().find(|(known, _)| *known == key).and_then(|(_, span)| *span) else { return false };
        let within = self.sheet.place(span.start)..=self.sheet.place(span.end);
        self.sheet.findings.borrow().iter().any(|finding| within.contains(&(finding.line, finding.column)))
    }
}

/// The name that was probably meant.
pub fn nearest<'n>(word: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    names
        .map(|name| (strsim::jaro_winkler(&word.to_lowercase(), &name.to_lowercase()), name))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

fn article(value: &ValueInner<'_>) -> &'static str {
    match value {
        ValueInner::String(_) => "a string",
        ValueInner::Integer(_) => "an integer",
        ValueInner::Float(_) => "a float",
        ValueInner::Boolean(_) => "a boolean",
        ValueInner::Array(_) => "an array",
        ValueInner::Table(_) => "a table",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mistake_of_a_file_is_named_at_once_with_its_line() {
        let sheet = Sheet::new("x.toml", "nam = \"a\"\nbaud = \"fast\"\n[frame]\ncut = 3\n");
        let mut keys = sheet.root().unwrap();
        keys.text("name");
        keys.number::<u32>("baud", 1, 10);
        let mut frame = keys.table("frame").unwrap();
        frame.text("cut");
        frame.finish();
        keys.finish();
        let found: Vec<String> = sheet.into_findings().iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            [
                "x.toml:1:1: `name` is missing; is `nam` meant for it?",
                "x.toml:1:1: unknown key `nam`; did you mean `name`?",
                "x.toml:2:9: `baud` is a string; it must be a whole number",
                "x.toml:4:7: `frame.cut` is an integer; it must be a text in quotes",
            ]
        );
    }
}
