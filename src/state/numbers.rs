//! Numbers for what two texts name, an account or an entitlement: by them, rows of several views are told and counted at
//! a fraction of what texts cost. A number stays as it is for as long as sessions start from what earlier ones held.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};

use crate::query::{Error, Keys, PackedTable, Session};

use super::kept::{self, ACCOUNT};

/// What is numbered.
pub struct Numbered {
    /// The view of texts and numbers, and its columns.
    name: &'static str,
    texts: [&'static str; 2],
    number: &'static str,
    /// What has no number yet, of what is told: in `known` are the numbers that the checkpoint has of it, in
    /// `numbered` all.
    fresh: &'static str,
    /// All that is told.
    told: &'static str,
}

pub const ACCOUNTS: Numbered = Numbered {
    name: "account_keys",
    texts: ACCOUNT,
    number: "account_key",
    fresh: include_str!("spans/account_keys.sql"),
    told: "SELECT app_id, account_id FROM told_attributes UNION ALL SELECT app_id, account_id FROM told_grants \
           UNION ALL SELECT account_key_app, account_id FROM told_uses",
};

pub const ENTITLEMENTS: Numbered = Numbered {
    name: "entitlement_keys",
    texts: ["app_id", "entitlement_id"],
    number: "entitlement_key",
    fresh: include_str!("spans/entitlement_keys.sql"),
    told: "SELECT app_id, entitlement_id FROM told_grants",
};

impl Numbered {
    /// Adds the view, held.
    pub async fn lay(&self, session: &Session) -> Result<(), Error> {
        let base = kept::base(self.name);
        let [known, numbered] = match session.has(&base)? {
            true => {
                let mut told = Keys::default();
                session.each("told", self.told, |batch| told.add("told", batch, self.texts)).await?;
                let [known, _] = kept::parted(session, &base, self.texts, &told).await?;
                [known, session.held(&base).await?]
            }
            false => [self.nothing(), self.nothing()],
        };
        session.hold_packed("known", known)?;
        session.hold_packed("numbered", numbered.clone())?;
        let fresh = session.packed(self.name, self.fresh).await?;
        session.forget(&["known", "numbered"])?;
        session.hold_packed(self.name, kept::joined(self.name, &numbered, &fresh)?)
    }

    fn nothing(&self) -> PackedTable {
        let texts = self.texts.map(|name| Field::new(name, DataType::Utf8View, true));
        let number = Field::new(self.number, DataType::UInt32, true);
        PackedTable::empty(Arc::new(Schema::new(texts.into_iter().chain([number]).collect::<Vec<_>>())))
    }
}
