//! check: which versions there are, at a cost that does not grow with their number.
//!
//! With no version given: one request. With one: the head of the history and the manifest of the
//! given version, at once. Only when the given version is older than what the head holds, a second
//! round reads the segments from it on, all at once.

use crate::artifacts::{Given, Published, Wanted, versions};
use crate::history::Position;
use crate::protocol::Version;
use crate::publish::POSITION;
use crate::record::Record;
use crate::set::Folder;
use crate::source::{Artifacts, Source};
use crate::store::Store;

/// The answer of a check of the `artifacts` track, oldest first.
pub async fn artifacts(
    source: &Source,
    track: &Artifacts,
    store: &Store,
    version: Option<&Version>,
) -> anyhow::Result<Vec<Version>> {
    if track.lookup {
        return Ok(version.cloned().into_iter().collect());
    }
    let wanted = version.map(Wanted::parse).transpose()?;
    let record = Record::<Published>::new(store, track.history()?);
    let facts = async {
        match &wanted {
            None => Ok(None),
            Some(wanted) => store.head(&Folder(track.folder(wanted)).manifest()?).await,
        }
    };
    let (current, facts) = futures_util::future::try_join(record.read(), facts).await?;
    let Some(current) = current else { return Ok(Vec::new()) };
    let given = match wanted {
        None => Given::None,
        Some(wanted) => Given::Version { wanted, stands: facts.is_some() },
    };
    let head = &current.head;
    let older = if given.is_answered_by(head.entries(), source.initial_history, track.follow) {
        Vec::new()
    } else {
        let range = match &facts {
            None => head.segments_for(source.initial_history),
            Some(facts) => {
                let since = facts.metadata.get(POSITION).and_then(|text| Position::parse(text));
                head.segments_since(since.as_ref())
            }
        };
        record.segments(head, range).await?
    };
    let entries = head.entries().iter().chain(&older);
    Ok(versions(entries, &given, source.initial_history, track.follow))
}
