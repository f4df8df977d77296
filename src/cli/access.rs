//! `access`: who held what at an instant, and why we think so.

use clap::{ArgGroup, Args};

use super::output::Sheet;
use super::{Context, Error, Outcome, output, times};
use crate::pipeline::{Holding, Subject};
use crate::query::At;

#[derive(Args)]
#[group(skip)]
#[command(group = ArgGroup::new("subject").required(true).args(["identity", "account", "app", "entitlement"]))]
pub struct Access {
    /// Person: identity id, employee id or e-mail
    #[arg(long)]
    identity: Option<String>,
    /// Account: id, APP/ID or login
    #[arg(long)]
    account: Option<String>,
    /// Application id
    #[arg(long)]
    app: Option<String>,
    /// Entitlement: id or name
    #[arg(long)]
    entitlement: Option<String>,
    /// State as of this time [default: now]
    #[arg(long, value_name = "TIME")]
    as_of: Option<String>,
    /// Use only what was known at this time [default: now]
    #[arg(long, value_name = "TIME")]
    known_at: Option<String>,
}

impl Access {
    pub async fn run(self, context: &Context) -> Result<Outcome, Error> {
        let now = times::now();
        let at = At {
            as_of: times::parse_or("--as-of", self.as_of.as_deref(), now)?,
            known_at: times::parse_or("--known-at", self.known_at.as_deref(), now)?,
        };
        let named = [
            self.identity.map(Subject::Identity),
            self.account.map(Subject::Account),
            self.app.map(Subject::App),
            self.entitlement.map(Subject::Entitlement),
        ];
        let Some(subject) = named.into_iter().flatten().next() else {
            return Err(Error::Usage("name one of --identity, --account, --app, --entitlement".to_owned()));
        };
        let holdings = context.engine().access(&subject, at).await?;
        sheet(&holdings).print(&context.output)?;
        if holdings.is_empty() {
            output::say(&format!(
                "no account of that name held anything as of {}, as known at {}",
                at.as_of, at.known_at
            ));
        }
        Ok(Outcome::Clean)
    }
}

fn sheet(holdings: &[Holding]) -> Sheet<'static> {
    let mut sheet =
        Sheet::new("access", &["app", "account", "state", "identity", "link", "holds", "since", "why"]);
    for holding in holdings {
        let link =
            holding.link_method.as_ref().map(|method| format!("{method} {:.2}", holding.link_confidence));
        let why = match (&holding.grant_source, &holding.grant_ref) {
            (Some(source), Some(reference)) => format!("{source} {reference}"),
            _ => format!("{} {}", holding.state_from, holding.state_ref),
        };
        sheet.push(
            vec![
                holding.app_id.clone(),
                holding.account_name.clone().unwrap_or_else(|| holding.account_id.clone()),
                holding.state.clone(),
                holding.identity_name.clone().or_else(|| holding.identity_id.clone()).unwrap_or_default(),
                link.unwrap_or_default(),
                holding
                    .entitlement_name
                    .clone()
                    .or_else(|| holding.entitlement_id.clone())
                    .unwrap_or_default(),
                holding.held_since.map(|at| at.to_string()).unwrap_or_default(),
                why,
            ],
            serde_json::to_value(holding).unwrap_or_default(),
        );
    }
    sheet
}
