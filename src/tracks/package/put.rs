//! The put of the `package` track: adds a version, assigns tags, takes tags away.

use crate::input::protocol::Response;
use crate::machine::environment::now_in_milliseconds;
use crate::machine::workspace::{Found, find_one, found, hash, mode_of, read_text};
use crate::s3::transfer::{Engine, blocking};
use crate::tracks::package::get::describe as describe_package;
use crate::tracks::package::ledger::{Added, Candidate, Ledger};
use crate::tracks::package::params::{PackageVersion, PutPackage};
use crate::tracks::package::rules::{OWN_FILES, Wanted};
use crate::tracks::package::source::Package;
use crate::words::build::Run;
use crate::words::fault::fault;
use crate::words::names::{RelPath, Spec};
use crate::words::object::{ObjectOptions, UserMetadata};
use std::path::Path;
use std::sync::Arc;

/// Carries out a put of the `package` track; `sources` is the directory of its inputs.
pub(in crate::tracks) async fn put(
    track: &Package,
    engine: &Engine,
    params: &PutPackage,
    sources: &Path,
    run: &Run,
) -> anyhow::Result<Response> {
    let ledger = Ledger::new(&engine.store, track);
    let report = engine.store.report();
    let added = match &params.version {
        Some(PackageVersion::NewFile(glob)) => {
            let candidate =
                candidate(&ledger, sources, glob, &params.metadata, &params.object).await?;
            Some(add(&ledger, &candidate, run).await?)
        }
        _ => None,
    };
    let version = match &params.version {
        Some(PackageVersion::NewFile(_)) => added.as_ref().map(|added| added.version),
        Some(PackageVersion::Given(spec)) => Some(ledger.resolve(spec).await?),
        Some(PackageVersion::File(file)) => {
            let text = read_text(&sources.join(file), "params.version_file")?;
            let spec = Spec::parse(&text).map_err(|e| e.context("params.version_file"))?;
            Some(ledger.resolve(&spec).await?)
        }
        None => None,
    };
    let mut followed = None;
    if let Some(version) = version {
        for tag in &params.tags {
            let number = ledger.tag(tag, version, run).await?;
            report.success(format!("{tag} is on version {version} of {}", track.name));
            if track.tag.as_ref() == Some(tag) {
                followed = Some((version, number));
            }
        }
    }
    let mut untagged = None;
    for tag in &params.untag {
        let last = ledger.untag(tag, run).await?;
        match last {
            Some((version, _)) => {
                report
                    .success(format!("{tag} is no longer on version {version} of {}", track.name));
            }
            None => report.warn(format!("{} has no tag `{tag}`", track.name)),
        }
        if track.tag.as_ref() == Some(tag) {
            followed = last;
        }
        untagged = untagged.or(last.map(|(version, _)| version));
    }
    let wanted = match (&track.tag, followed) {
        (Some(tag), Some((version, number))) => {
            Wanted { version, tagged: Some((tag.clone(), number)) }
        }
        (Some(tag), None) => {
            return Err(fault(
                format!(
                    "{} never had the tag `{tag}`, so there is no version to answer",
                    track.name
                ),
                "assign the tag once; or use a resource without `tag` to take others away",
            ));
        }
        (None, _) => {
            let version = match version.or(untagged) {
                Some(version) => version,
                None => ledger.resolve(&Spec::Latest).await?,
            };
            Wanted { version, tagged: None }
        }
    };
    let (record, metadata) = match added {
        Some(added) if added.version == wanted.version => (added.record, added.metadata),
        _ => ledger.record(wanted.version).await?,
    };
    let metadata = describe_package(&ledger, &wanted, &record, &metadata)?;
    Ok(Response { version: wanted.version(), metadata })
}

/// The one file that a glob of the put's params names, to be a version.
async fn candidate(
    ledger: &Ledger,
    root: &Path,
    glob: &str,
    metadata: &UserMetadata,
    options: &ObjectOptions,
) -> anyhow::Result<Candidate> {
    let (root, glob) = (root.to_owned(), glob.to_owned());
    let found = blocking(move || find_one(&root, &glob, "params.file")).await?;
    prepared(ledger, found, metadata, options).await
}

/// A file of a directory that is to be a version; where it is a link, what it points to.
pub async fn candidate_at(
    ledger: &Ledger,
    directory: &Path,
    name: &str,
    metadata: &UserMetadata,
    options: &ObjectOptions,
) -> anyhow::Result<Candidate> {
    let place = directory.join(name);
    let disk = place
        .canonicalize()
        .map_err(|e| fault(format!("{}: {e}", place.display()), "give a file that is there"))?;
    prepared(ledger, found(RelPath::parse(name)?, disk)?, metadata, options).await
}

async fn prepared(
    ledger: &Ledger,
    found: Found,
    metadata: &UserMetadata,
    options: &ObjectOptions,
) -> anyhow::Result<Candidate> {
    let name = found.path.file_name();
    if OWN_FILES.contains(&name) {
        return Err(fault(
            format!("{name}: a get writes a file of that name itself"),
            "rename the file",
        ));
    }
    let (store, mode) = (ledger.blobs.store.clone(), mode_of(&found.disk)?);
    let file = blocking(move || hash(&found, store.part_of(found.size))).await?;
    let name = file.facts.path.file_name();
    let mut options = options.clone();
    if options.content_type.is_none() {
        let guess = mime_guess::from_path(name).first_or_octet_stream();
        options.content_type = Some(guess.essence_str().to_owned());
    }
    Ok(Candidate { file: Arc::new(file), mode, metadata: metadata.clone(), options })
}

/// Adds a version, and says so.
pub async fn add(ledger: &Ledger, candidate: &Candidate, run: &Run) -> anyhow::Result<Added> {
    let added = ledger.add(candidate, run, now_in_milliseconds).await?;
    let (name, file) = (&ledger.package.name, &added.record.basename);
    ledger.ledger.report().success(if added.is_new {
        format!("added {file} as version {} of {name}", added.version)
    } else {
        format!("{file} is version {} of {name} already", added.version)
    });
    Ok(added)
}
