//! Up to when the lake has all that it will ever have: a batch is known since the instant at which it began, and is
//! there when it ends.

use super::{Engine, Error};
use crate::domain::UtcMicros;
use crate::store::{self, Lake};

impl Engine {
    /// Whether a batch is on its way into a lake of this data folder, or the lake is being rewritten. What is asked for
    /// an instant before this was not so will be answered alike for ever.
    pub fn is_being_written(&self) -> bool {
        store::is_locked(&self.data.join(store::LOCK))
    }

    /// The newest instant, `now` at most, of which all that is known is there: that of the newest batch while another
    /// is on its way.
    ///
    /// # Errors
    /// When the lake cannot be opened.
    pub async fn settled_at(&self, now: UtcMicros) -> Result<UtcMicros, Error> {
        if self.is_being_written() { self.newest_known_at(now).await } else { Ok(now) }
    }

    /// When what is there became known last, `now` at most. As known then is as known now, and stays so.
    ///
    /// # Errors
    /// When the lake cannot be opened.
    pub async fn newest_known_at(&self, now: UtcMicros) -> Result<UtcMicros, Error> {
        let lake = Lake::open_known(self.home(), &self.tenant).await?;
        // What a batch has read is told there last.
        let newest = lake.read("sources").await?.newest_known_at;
        Ok(newest.map_or(now, |newest| newest.min(now)))
    }
}
