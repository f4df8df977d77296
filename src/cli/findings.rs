//! `findings`: the ledger from the command line.

use clap::{Args, Subcommand};

use super::output::{self, Sheet};
use super::{Context, Error, Outcome, detect, times};
use crate::domain::finding::Owner;
use crate::findings::Error as LedgerError;
use crate::findings::{By, Decision, Entry, FindingQuery, Ledger, Order, Sort, Terms};
use crate::serve::filter;

#[derive(Subcommand)]
pub enum Findings {
    /// List findings, the gravest first
    List(List),
    /// Show one finding with its evidence and history
    Show { finding_id: String },
    /// Acknowledge: seen and true, work has not begun
    Ack(Decided),
    /// Give it to somebody
    Assign {
        #[command(flatten)]
        decided: Decided,
        /// E-mail or id of the person
        #[arg(long)]
        to: String,
    },
    /// Accept the risk until a day
    Waive {
        #[command(flatten)]
        decided: Decided,
        /// Who approves it: somebody else than the actor
        #[arg(long)]
        approver: String,
        /// RFC 3339, a date or now+90d
        #[arg(long)]
        until: String,
    },
    /// It is done with
    Resolve(Decided),
    /// Open it again
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
    #[arg(long, default_value_t = 100)]
    limit: u32,
}

#[derive(Args)]
pub struct Decided {
    finding_id: String,
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
                let email = to.contains('@').then(|| to.clone());
                let decided_by = format!("assigned by {}", decided.actor);
                let owner = Owner { id: to, name: None, email, decided_by };
                decide(context, decided, Decision::Assign { owner }).await
            }
            Findings::Waive { decided, approver, until } => {
                let until = times::parse("--until", &until)?;
                decide(context, decided, Decision::Waive(Terms { approver, until })).await
            }
            Findings::Resolve(decided) => decide(context, decided, Decision::Resolve).await,
            Findings::Reopen(decided) => decide(context, decided, Decision::Reopen).await,
        }
    }
}

impl List {
    async fn run(self, context: &Context) -> Result<Outcome, Error> {
        let sort = Sort::parse(&self.sort)
            .ok_or_else(|| Error::Usage(format!("--sort \"{}\" is not a key findings sort by", self.sort)))?;
        let filter = self.filter.as_deref().map(filter::parse).transpose().map_err(Error::Usage)?;
        let query = FindingQuery {
            filter,
            sort,
            order: if self.ascending { Order::Ascending } else { Order::Descending },
            after: None,
            limit: self.limit,
        };
        let page = ledger(context).await?.list(&query).await?;
        let findings: Vec<_> = page.entries.iter().map(|entry| &entry.known.finding).collect();
        detect::sheet(findings.iter().copied()).print(&context.output)?;
        output::say(&format!("{} of {}", findings.len(), page.total));
        Ok(Outcome::Clean)
    }
}

/// The ledger as it stands now: a waiver that has ended hides nothing.
async fn ledger(context: &Context) -> Result<Ledger, Error> {
    let ledger = context.engine().ledger().await?;
    ledger.expire_waivers(times::now()).await?;
    Ok(ledger)
}

async fn show(context: &Context, finding_id: &str) -> Result<Outcome, Error> {
    let ledger = ledger(context).await?;
    let Some(Entry { known, revision }) = ledger.get(finding_id).await? else {
        return Err(Error::Usage(format!("there is no finding \"{finding_id}\"")));
    };
    let events = ledger.events(finding_id).await?;
    let value = serde_json::json!({ "finding": known.finding, "revision": revision, "events": events });
    let mut sheet = Sheet::new("finding", &["finding"]);
    sheet.push(vec![format!("{value:#}")], value.clone());
    if context.output.is_empty() {
        output::print(&format!("{value:#}\n"))?;
    } else {
        sheet.print(&context.output)?;
    }
    Ok(Outcome::Clean)
}

async fn decide(context: &Context, decided: Decided, decision: Decision) -> Result<Outcome, Error> {
    let ledger = ledger(context).await?;
    let by = By::new(decided.actor, decided.reason);
    let entry =
        ledger.decide(&decided.finding_id, &decision, &by, times::now()).await.map_err(|e| match e {
            refused @ (LedgerError::Refused { .. } | LedgerError::NoFinding { .. }) => {
                Error::Usage(chain(&refused))
            }
            other => Error::Ledger(other),
        })?;
    output::say(&format!("{} is {}", decided.finding_id, entry.known.finding.status.as_str()));
    Ok(Outcome::Clean)
}

fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {}", chain(cause)),
        None => error.to_string(),
    }
}
