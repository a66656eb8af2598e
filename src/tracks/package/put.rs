//! The put of the `package` track: adds a version, assigns tags, takes tags away.

use crate::input::protocol::{Planned, Response};
use crate::machine::environment::now_in_milliseconds;
use crate::machine::pack::Packed;
use crate::machine::workspace::{Digests, Found, find_one, found, hash, input, mode_of, read_text};
use crate::s3::transfer::{Engine, blocking};
use crate::tracks::package::ledger::Ledger;
use crate::tracks::package::params::{PackageVersion, PutPackage};
use crate::tracks::package::plan::{Act, Addition, Ask, Outcome};
use crate::tracks::package::rules::{OWN_FILES, Wanted, describe};
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
    let packed = packed(params, sources).await?;
    let ask = asked(&ledger, params, packed.as_ref(), sources).await?;
    let outcome = carry_out(&ledger, &ask, run).await?;
    response(&ledger, &ask, outcome).await
}

/// What a put of the `package` track would do now, and what it would answer where nothing is left to
/// do. Reads only.
pub(in crate::tracks) async fn planned(
    track: &Package,
    engine: &Engine,
    params: &PutPackage,
    sources: &Path,
    run: &Run,
) -> anyhow::Result<Planned> {
    let ledger = Ledger::new(&engine.store, track);
    let packed = packed(params, sources).await?;
    let ask = asked(&ledger, params, packed.as_ref(), sources).await?;
    let plan = ledger.dry_run(&ask, run).await?;
    let steps = plan.steps.iter().map(ToString::to_string).collect();
    let response = match plan.outcome {
        None => None,
        Some(outcome) => Some(response(&ledger, &ask, outcome).await?),
    };
    Ok(Planned { steps, response })
}

async fn response(ledger: &Ledger, ask: &Ask, outcome: Outcome) -> anyhow::Result<Response> {
    let wanted = answered(ledger, ask, &outcome).await?;
    let (record, metadata) = match outcome.added {
        Some(added) if added.version == wanted.version => (added.record, added.metadata),
        _ => ledger.record(wanted.version).await?,
    };
    let moved = ledger.moved(&wanted).await;
    let bucket = ledger.blobs.store.bucket();
    let metadata = describe(bucket, &ledger.package, &wanted, moved, &record, &metadata)?;
    Ok(Response { version: wanted.version(), metadata })
}

/// The archive that a put's params ask for, which lasts as long as it is sent.
async fn packed(params: &PutPackage, sources: &Path) -> anyhow::Result<Option<Packed>> {
    let (Some(PackageVersion::NewFile(glob)), Some(packing)) = (&params.version, params.pack)
    else {
        return Ok(None);
    };
    let (root, glob) = (sources.to_owned(), glob.clone());
    blocking(move || Packed::of(&root, &glob, packing)).await.map(Some)
}

/// What a put's params ask for, with the files that they name.
async fn asked(
    ledger: &Ledger,
    params: &PutPackage,
    packed: Option<&Packed>,
    sources: &Path,
) -> anyhow::Result<Ask> {
    let spec = match &params.version {
        None => None,
        Some(PackageVersion::NewFile(glob)) => {
            let (root, glob) = (sources.to_owned(), glob.clone());
            let found = match packed {
                Some(packed) => packed.file().clone(),
                None => blocking(move || find_one(&root, &glob, "params.file")).await?,
            };
            let addition = prepared(ledger, found, &params.metadata, &params.object).await?;
            let (tags, untag) = (params.tags.clone(), params.untag.clone());
            return Ok(Ask { act: Act::Add(addition), tags, untag });
        }
        Some(PackageVersion::Given(spec)) => Some(spec.clone()),
        Some(PackageVersion::File(file)) => {
            let path = input(sources, file, "params.version_file")?;
            let text = read_text(&path, "params.version_file")?;
            Some(Spec::parse(&text).map_err(|e| e.context("params.version_file"))?)
        }
    };
    let version = match &spec {
        None => None,
        Some(spec) => Some(ledger.resolve(spec).await?),
    };
    Ok(Ask { act: Act::Tag(version), tags: params.tags.clone(), untag: params.untag.clone() })
}

/// The version that a put answers.
async fn answered(ledger: &Ledger, ask: &Ask, outcome: &Outcome) -> anyhow::Result<Wanted> {
    let track = &ledger.package;
    let version = outcome.version(ask);
    let Some(tag) = &track.tag else {
        let untagged = outcome.untagged.iter().find_map(|(_, last)| last.map(|(it, _)| it));
        let version = match version.or(untagged) {
            Some(version) => version,
            None => ledger.resolve(&Spec::Latest).await?,
        };
        return Ok(Wanted { version, tagged: None });
    };
    let moved = outcome.tags.iter().find(|(of, _)| of == tag);
    let moved = moved.and_then(|(_, number)| Some((version?, *number)));
    let last = outcome.untagged.iter().find(|(of, _)| of == tag).and_then(|(_, last)| *last);
    match moved.or(last) {
        Some((version, number)) => Ok(Wanted { version, tagged: Some((tag.clone(), number)) }),
        None => Err(fault(
            format!("{} never had the tag `{tag}`, so there is no version to answer", track.name),
            "assign the tag once; or use a resource without `tag` to take others away",
        )),
    }
}

/// Does what is asked for, and says so.
pub async fn carry_out(ledger: &Ledger, ask: &Ask, run: &Run) -> anyhow::Result<Outcome> {
    let outcome = ledger.put(ask, run, now_in_milliseconds).await?;
    let (name, report) = (&ledger.package.name, ledger.ledger.report());
    if let Some(added) = &outcome.added {
        let (file, version) = (&added.record.basename, added.version);
        report.success(if added.is_new {
            format!("added {file} as version {version} of {name}")
        } else {
            format!("{file} is version {version} of {name} already")
        });
    }
    if let Some(version) = outcome.version(ask) {
        for (tag, _) in &outcome.tags {
            report.success(format!("{tag} is on version {version} of {name}"));
        }
    }
    for (tag, last) in &outcome.untagged {
        match last {
            Some((version, _)) => {
                report.success(format!("{tag} is no longer on version {version} of {name}"));
            }
            None => report.warn(format!("{name} has no tag `{tag}`")),
        }
    }
    if let Act::Remove(version) = ask.act {
        if outcome.removed {
            report.success(format!("version {version} of {name} is no longer available"));
        } else {
            report.info(format!("version {version} of {name} was removed before"));
        }
    }
    Ok(outcome)
}

/// A file of a directory that is to be a version; where it is a link, what it points to.
pub async fn addition_at(
    ledger: &Ledger,
    directory: &Path,
    name: &str,
    metadata: &UserMetadata,
    options: &ObjectOptions,
) -> anyhow::Result<Addition> {
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
) -> anyhow::Result<Addition> {
    let name = found.path.file_name();
    if OWN_FILES.contains(&name) {
        return Err(fault(
            format!("{name}: a get writes a file of that name itself"),
            "rename the file",
        ));
    }
    let (store, mode) = (ledger.blobs.store.clone(), mode_of(&found.disk)?);
    let part = store.part_of(found.size);
    let file = blocking(move || hash(&found, part, Digests::Whole)).await?;
    let name = file.facts.path.file_name();
    let mut options = options.clone();
    options.guess_media_type(name);
    Ok(Addition { file: Arc::new(file), mode, metadata: metadata.clone(), options })
}
