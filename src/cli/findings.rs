//! `findings`: the ledger from the command line.

use clap::{Args, Subcommand};

use super::output::{self, Format, Output, Sheet};
use super::{Context, Error, Outcome, finding_lines, finding_page, times};
use crate::domain::finding::Owner;
use crate::findings::Error as LedgerError;
use crate::findings::{
    By, Column, Decision, Entry, Filter, FindingQuery, Ledger, Op, Order, Sort, Terms, Value, Waiver,
    WaiverScope,
};
use crate::pipeline::chain;
use crate::serve::filter;

#[derive(Subcommand)]
pub enum Findings {
    /// List findings, the most severe first
    List(List),
    /// Show one finding with its evidence and history
    Show {
        /// Id, or at least its first 8 digits
        finding_id: String,
    },
    /// Acknowledge: confirmed, work has not begun
    Ack(Decided),
    /// Assign to a person
    Assign {
        #[command(flatten)]
        decided: Decided,
        /// E-mail or id of the person
        #[arg(long)]
        to: String,
    },
    /// Accept the risk until a date: of one finding, or of all that a detector finds about a subject
    Waive(Waive),
    /// List the waivers that have not ended
    Waivers,
    /// Mark as resolved
    Resolve(Decided),
    /// Open again
    Reopen(Decided),
}

#[derive(Args)]
pub struct List {
    /// SCIM filter: severity ge "high" and app.id eq "salesforce"
    #[arg(long)]
    filter: Option<String>,
    /// severity, score, since, first_seen_at, last_seen_at or finding_id
    #[arg(long, default_value = "severity")]
    sort: String,
    /// Smallest first
    #[arg(long)]
    ascending: bool,
    /// Show at most this many
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
}

#[derive(Args)]
pub struct Decided {
    /// Id, or at least its first 8 digits
    finding_id: String,
    #[command(flatten)]
    by: Signed,
}

#[derive(Args)]
pub struct Waive {
    /// Id, or at least its first 8 digits
    #[arg(required_unless_present = "detector")]
    finding_id: Option<String>,
    /// Instead of one finding, all of this detector (id or code) about --subject, those to come included
    #[arg(long, value_name = "ID", requires = "subject", conflicts_with = "finding_id")]
    detector: Option<String>,
    /// Id of the subject as its findings have it, such as salesforce/00123
    #[arg(long, value_name = "ID", requires = "detector")]
    subject: Option<String>,
    #[command(flatten)]
    by: Signed,
    /// Who approves it; must not be the actor
    #[arg(long)]
    approver: String,
    /// RFC 3339, a date or now+90d
    #[arg(long)]
    until: String,
}

#[derive(Args)]
pub struct Signed {
    /// Who decides
    #[arg(long)]
    actor: String,
    /// Why
    #[arg(long)]
    reason: String,
}

impl Findings {
    pub async fn run(self, context: &Context) -> Result<Outcome, Error> {
        match self {
            Findings::List(list) => list.run(context).await,
            Findings::Show { finding_id } => show(context, &finding_id).await,
            Findings::Ack(decided) => decide(context, decided, Decision::Acknowledge).await,
            Findings::Assign { decided, to } => {
                let to = to.trim().to_owned();
                let email = to.contains('@').then(|| to.clone());
                let decided_by = format!("assigned by {}", decided.by.actor);
                let owner = Owner { id: to, name: None, email, decided_by };
                decide(context, decided, Decision::Assign { owner }).await
            }
            Findings::Waive(waive) => waive.run(context).await,
            Findings::Waivers => waivers(context).await,
            Findings::Resolve(decided) => decide(context, decided, Decision::Resolve).await,
            Findings::Reopen(decided) => decide(context, decided, Decision::Reopen).await,
        }
    }
}

impl List {
    async fn run(self, context: &Context) -> Result<Outcome, Error> {
        let sort = Sort::parse(&self.sort)
            .ok_or_else(|| Error::Usage(format!("--sort \"{}\" is not a key findings sort by", self.sort)))?;
        let filter = self
            .filter
            .as_deref()
            .map(|text| filter::parse(text, times::now()))
            .transpose()
            .map_err(Error::Usage)?;
        let order = if self.ascending { Order::Ascending } else { Order::Descending };
        let mut query = FindingQuery { filter, sort, order, after: None, limit: self.limit };
        let ledger = ledger(context).await?;
        let mut page = ledger.list(&query).await?;
        let mut entries = page.entries;
        while let Some(next) = page.next.take().filter(|_| entries.len() < self.limit as usize) {
            query.after = Some(next);
            query.limit = self.limit - u32::try_from(entries.len()).unwrap_or(self.limit);
            page = ledger.list(&query).await?;
            entries.append(&mut page.entries);
        }
        let findings: Vec<_> = entries.iter().map(|entry| &entry.known.finding).collect();
        for output in outputs(context) {
            finding_lines::sheet(&findings, output.format).print(&[output])?;
        }
        let more = if (findings.len() as u64) < page.total { "; --limit shows more" } else { "" };
        output::say(&format!(
            "{} of {}{more}",
            findings.len(),
            output::count(page.total as usize, "finding")
        ));
        Ok(Outcome::Clean)
    }
}

impl Waive {
    async fn run(self, context: &Context) -> Result<Outcome, Error> {
        let Waive { finding_id, detector, subject, by, approver, until } = self;
        let terms = Terms { approver, until: times::parse("--until", &until, &context.zone())? };
        match (finding_id, detector.zip(subject)) {
            (Some(finding_id), _) => {
                decide(context, Decided { finding_id, by }, Decision::Waive(terms)).await
            }
            (None, Some((detector, subject))) => {
                waive_subject(context, &detector, &subject, by, &terms).await
            }
            (None, None) => Err(Error::Usage("name a finding, or --detector and --subject".to_owned())),
        }
    }
}

async fn waive_subject(
    context: &Context,
    detector: &str,
    subject: &str,
    by: Signed,
    terms: &Terms,
) -> Result<Outcome, Error> {
    let (ledger, detector) = (ledger(context).await?, context.engine().detector_id(detector).await?);
    let by = By::new(by.actor, by.reason);
    let waived = ledger.waive_subject(&detector, subject, &by, terms, times::now()).await.map_err(refused)?;
    output::say(&format!(
        "{} of {detector} about {subject} accepted, and those that open until {}",
        output::count(waived.len(), "finding"),
        terms.until
    ));
    Ok(Outcome::Clean)
}

async fn waivers(context: &Context) -> Result<Outcome, Error> {
    let columns = ["finding", "detector", "subject", "until", "approver", "actor", "reason"];
    let mut sheet = Sheet::new("waivers", &columns);
    for waiver in ledger(context).await?.waivers(times::now()).await? {
        let value = serde_json::to_value(&waiver).unwrap_or_default();
        let Waiver { scope, reason, actor, approver, until, .. } = waiver;
        let [finding, detector, subject] = match scope {
            WaiverScope::Finding { finding_id } => [finding_id, String::new(), String::new()],
            WaiverScope::Subject { detector, subject_id } => [String::new(), detector, subject_id],
        };
        sheet.push(vec![finding, detector, subject, until.to_string(), approver, actor, reason], value);
    }
    sheet.print(&context.output)?;
    Ok(Outcome::Clean)
}

/// What was asked for; a table where nothing was.
fn outputs(context: &Context) -> Vec<Output> {
    match context.output.is_empty() {
        true => vec![Output { format: Format::Table, path: None }],
        false => context.output.clone(),
    }
}

/// An id is an unambiguous beginning of itself; shorter ones are refused, as more findings come every day.
const PREFIX_MIN: usize = 8;
/// How many of those that begin alike are named.
const ALIKE_SHOWN: u32 = 5;

/// The one finding whose id is `given`, or begins with it.
async fn named(ledger: &Ledger, given: &str) -> Result<Entry, Error> {
    if let Some(entry) = ledger.get(given).await? {
        return Ok(entry);
    }
    if given.len() < PREFIX_MIN || !given.chars().all(|c| c.is_ascii_hexdigit()) {
        return Err(Error::Usage(format!(
            "there is no finding \"{given}\": give its id, or at least the first {PREFIX_MIN} hexadecimal digits of it"
        )));
    }
    let begins = Filter::Compare {
        column: Column::FindingId,
        op: Op::StartsWith,
        value: Value::Text(given.to_owned()),
    };
    let query = FindingQuery {
        filter: Some(begins),
        sort: Sort::FindingId,
        order: Order::Ascending,
        after: None,
        limit: ALIKE_SHOWN,
    };
    let page = ledger.list(&query).await?;
    let ids: Vec<String> = page.entries.iter().map(|entry| entry.known.finding.finding_id.clone()).collect();
    match (page.entries.into_iter().next(), page.total) {
        (Some(entry), 1) => Ok(entry),
        (None, _) => Err(Error::Usage(format!("there is no finding whose id begins with \"{given}\""))),
        (Some(_), total) => Err(Error::Usage(format!(
            "{total} findings have an id that begins with \"{given}\": {}{}",
            ids.join(", "),
            if total > ids.len() as u64 { ", …" } else { "" }
        ))),
    }
}

/// The ledger as it stands now: a waiver that has ended hides nothing.
async fn ledger(context: &Context) -> Result<Ledger, Error> {
    let engine = context.engine();
    if !engine.has_run().await? {
        engine.check_tenant().await?;
    }
    let ledger = engine.ledger().await?;
    ledger.expire_waivers(times::now()).await?;
    Ok(ledger)
}

async fn show(context: &Context, given: &str) -> Result<Outcome, Error> {
    let ledger = ledger(context).await?;
    let Entry { known, revision } = named(&ledger, given).await?;
    let events = ledger.events(&known.finding.finding_id).await?;
    let page = finding_page::page(&known.finding, &events);
    let value = serde_json::json!({ "finding": known.finding, "revision": revision, "events": events });
    let mut sheet = Sheet::new("finding", &["finding"]);
    sheet.push(vec![page.clone()], value);
    for output in outputs(context) {
        match output {
            Output { format: Format::Table, path: None } => output::print(&page)?,
            other => sheet.print(&[other])?,
        }
    }
    Ok(Outcome::Clean)
}

async fn decide(context: &Context, decided: Decided, decision: Decision) -> Result<Outcome, Error> {
    let ledger = ledger(context).await?;
    let finding_id = named(&ledger, &decided.finding_id).await?.known.finding.finding_id;
    let by = By::new(decided.by.actor, decided.by.reason);
    let entry = ledger.decide(&finding_id, &decision, &by, times::now()).await.map_err(refused)?;
    output::say(&format!("{finding_id} is {}", entry.known.finding.status.as_str()));
    Ok(Outcome::Clean)
}

fn refused(error: LedgerError) -> Error {
    match error {
        refused @ (LedgerError::Refused { .. } | LedgerError::NoFinding { .. }) => {
            Error::Usage(chain(&refused))
        }
        other => Error::Ledger(other),
    }
}
