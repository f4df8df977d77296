//! What happened but for uses of accounts, as its events come: a fifth of a history, of which all columns are kept, with the
//! applications that their names stand for in the register.

use std::collections::HashMap;
use std::sync::Arc;

use ahash::RandomState;
use arrow::array::{ArrayRef, BooleanArray, RecordBatch, StringViewArray};
use arrow::compute::BatchCoalescer;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use super::uses::Verb;
use super::{Error, PackedTable, Packer, Rows, failed};

const NAME: &str = "tail_changes";
/// Rows that are packed together, taken from several batches.
const TOGETHER: usize = 8192;

/// Changes as they are heard.
pub(super) struct Changes {
    schema: SchemaRef,
    aliases: Aliases,
    some: BatchCoalescer,
    packer: Packer,
}

impl Changes {
    /// Changes told of by events of these columns; `aliases` are rows of `app_aliases`.
    pub fn of(events: &SchemaRef, aliases: &[RecordBatch]) -> Result<Changes, Error> {
        let keys = ["app_key", "account_key_app"].map(|name| Field::new(name, DataType::Utf8View, true));
        let fields = events.fields().iter().map(|field| field.as_ref().clone().with_nullable(true));
        let schema = Arc::new(Schema::new(fields.chain(keys).collect::<Vec<_>>()));
        Ok(Changes {
            packer: Packer::new(Arc::clone(&schema)),
            schema,
            aliases: Aliases::of(aliases)?,
            some: BatchCoalescer::new(Arc::clone(events), TOGETHER),
        })
    }

    pub fn hear(&mut self, batch: RecordBatch) -> Result<(), Error> {
        let verbs = Rows::new("tail_events", &batch).texts("verb")?;
        let is_change = |verb: Option<&str>| Some(verb.is_some_and(|verb| Verb::of(verb) == Verb::Nothing));
        let changes: BooleanArray = verbs.iter().map(is_change).collect();
        self.some.push_batch_with_filter(batch, &changes).map_err(failed(NAME))?;
        self.pack()
    }

    fn pack(&mut self) -> Result<(), Error> {
        while let Some(batch) = self.some.next_completed_batch() {
            let keys = self.aliases.keys(&batch)?;
            let columns = batch.columns().iter().cloned().chain(keys).collect();
            RecordBatch::try_new(Arc::clone(&self.schema), columns)
                .and_then(|batch| self.packer.push(batch))
                .map_err(failed(NAME))?;
        }
        Ok(())
    }

    /// The rows of `tail_changes`: the columns of their events, `app_key` and `account_key_app`.
    pub fn table(mut self) -> Result<PackedTable, Error> {
        self.some.finish_buffered_batch().map_err(failed(NAME))?;
        self.pack()?;
        Packer::table(self.schema, [self.packer]).map_err(failed(NAME))
    }
}

/// Names that stand for applications of the register: in lower case, as [`super::opening`] has them.
struct Aliases {
    apps: HashMap<String, Arc<str>, RandomState>,
    /// By a name as it was met: what it stands for.
    met: HashMap<Box<str>, Option<Arc<str>>, RandomState>,
}

impl Aliases {
    fn of(batches: &[RecordBatch]) -> Result<Aliases, Error> {
        let mut apps = HashMap::default();
        for batch in batches {
            let rows = Rows::new("app_aliases", batch);
            let (names, ids) = (rows.texts("alias")?, rows.texts("app_id")?);
            let pairs = names.iter().zip(ids.iter());
            apps.extend(pairs.filter_map(|(name, id)| Some((name?.to_owned(), Arc::from(id?)))));
        }
        Ok(Aliases { apps, met: HashMap::default() })
    }

    fn app(&mut self, name: Option<&str>) -> Option<Arc<str>> {
        let name = name.filter(|_| !self.apps.is_empty())?;
        if let Some(app) = self.met.get(name) {
            return app.clone();
        }
        let app = self.apps.get(&name.to_lowercase()).cloned();
        self.met.insert(name.into(), app.clone());
        app
    }

    /// The columns `app_key` and `account_key_app`, as `known_events` has them.
    fn keys(&mut self, events: &RecordBatch) -> Result<[ArrayRef; 2], Error> {
        let rows = Rows::new("tail_events", events);
        let (ids, names, of_accounts) =
            (rows.texts("app_id")?, rows.texts("app_name")?, rows.texts("account_app")?);
        let mut app_key = |(id, name): (Option<&str>, Option<&str>)| {
            let app = self.app(id).or_else(|| self.app(name));
            app.or_else(|| id.or(name).map(Arc::from))
        };
        let app_keys: StringViewArray = ids.iter().zip(names.iter()).map(&mut app_key).collect();
        let mut of_account = |app: Option<&str>| self.app(app).or_else(|| app.map(Arc::from));
        let account_apps: StringViewArray = of_accounts.iter().map(&mut of_account).collect();
        Ok([Arc::new(app_keys), Arc::new(account_apps)])
    }
}
