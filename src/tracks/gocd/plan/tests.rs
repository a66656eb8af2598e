use super::*;
use crate::machine::workspace::Hashed;
use crate::tracks::gocd::facts::Object;
use crate::tracks::gocd::rules::FileList;
use crate::words::build::Build;
use crate::words::digest::Sha256;
use crate::words::fault::hint_of;
use crate::words::file::{FileFacts, Mode};
use crate::words::names::RelPath;
use std::collections::BTreeMap;
use std::sync::Arc;

fn revision(text: &str) -> Revision {
    Revision::parse(text).expect(text)
}

fn set(files: &[(&str, &str)], annotations: &Annotations) -> Set {
    let hashed = |(path, text): &(&str, &str)| {
        let facts = FileFacts {
            path: RelPath::parse(path).expect("a path"),
            size: text.len() as u64,
            mode: Mode::Plain,
            sha256: Sha256::of(text.as_bytes()),
        };
        Arc::new(Hashed { facts, disk: path.into(), part: 8, sums: Box::default(), parts: None })
    };
    let files: Vec<Arc<Hashed>> = files.iter().map(hashed).collect();
    let list = FileList::new(files.iter().map(|file| &file.facts));
    let digest = Sha256::of(&list.to_bytes().expect("JSON"));
    let claim = FileList::claim(&digest, annotations, &Build::default()).expect("JSON");
    Set { files, list, digest, claim }
}

/// A put of two files, `a` and `b`.
fn ask(given: Option<&str>) -> Ask {
    let annotations = Annotations { user: Some("ana".to_owned()), ..Annotations::default() };
    let set = set(&[("a", "1"), ("b", "2")], &annotations);
    Ask { revision: given.map(revision), set: Some(set), annotations }
}

fn annotating(given: &str) -> Ask {
    Ask { set: None, ..ask(Some(given)) }
}

/// What stands in the folder of a revision.
#[derive(Clone, Copy)]
enum Stands {
    /// As releases before this one claimed it, without a word for GoCD.
    Pending,
    /// As this one does: with what the marker of 7.1 will say.
    PendingWithWords,
    PendingOfOthers,
    Completed,
    CompletedByOthers,
    CompletedByGocd,
    Bare,
}

fn marker(stands: Stands) -> Marker {
    let own = ask(None).set.expect("files");
    let other = set(&[("c", "3")], &Annotations::default());
    let claiming = |set: &Set| Marker::claiming(&set.claim, &set.digest);
    let completed = |marker: Marker| Marker { is_completed: true, ..marker };
    match stands {
        Stands::Pending => claiming(&own),
        Stands::PendingWithWords => {
            let said = [("user", "ana"), ("go_pipeline_label", "7")];
            let said = said.map(|(name, value)| (name.to_owned(), value.to_owned()));
            Marker { annotations: BTreeMap::from(said), ..claiming(&own) }
        }
        Stands::PendingOfOthers => claiming(&other),
        Stands::Completed => completed(claiming(&own)),
        Stands::CompletedByOthers => completed(claiming(&other)),
        Stands::CompletedByGocd => completed(Marker::default()),
        Stands::Bare => Marker::default(),
    }
}

/// The facts of a job with these folders, and these objects in the one that matters.
fn facts(folders: &[(&str, Stands)], objects: &[(&str, &str)]) -> Facts {
    let markers: BTreeMap<Revision, Marker> =
        folders.iter().map(|(text, stands)| (revision(text), marker(*stands))).collect();
    let object = |(name, text): &(&str, &str)| Object {
        name: (*name).to_owned(),
        size: text.len() as u64,
        sha256: Some(Sha256::of(text.as_bytes())),
    };
    Facts {
        counter: markers.keys().map(Revision::counter).max(),
        markers,
        objects: objects.iter().map(object).collect(),
        has_history: true,
        ..Facts::default()
    }
}

/// The steps of a plan in a word each, after the revision and the news.
fn told(plan: &Plan) -> String {
    let word = |step: &Step| match step {
        Step::BeginHistory => "begin".to_owned(),
        Step::Claim(_) => "claim".to_owned(),
        Step::Send(files) => format!("send{files:?}"),
        Step::List => "list".to_owned(),
        Step::Verify => "verify".to_owned(),
        Step::TryOut(_) => "try".to_owned(),
        Step::Complete(_) => "complete".to_owned(),
        Step::Enter => "enter".to_owned(),
    };
    let steps: Vec<String> = plan.steps.iter().map(word).collect();
    assert_eq!(plan.words().len(), steps.len());
    format!("{} {:?}: {}", plan.revision, plan.news, steps.join(" "))
}

#[test]
fn what_a_put_does() {
    use Stands::*;
    const ALL: &str = "claim send[0, 1] list verify complete enter";
    const REST: &str = "list verify try complete enter";
    let next = || ask(None);
    let exactly = || ask(Some("42.1"));
    let (both, half) = ([("a", "1"), ("b", "2")], [("a", "1")]);
    // The put, folders, objects in the one that matters, what is done.
    type Case<'a> = (Ask, &'a [(&'a str, Stands)], &'a [(&'a str, &'a str)], String);
    let cases: [Case<'_>; 17] = [
        (next(), &[], &[], format!("1.1 Published: {ALL}")),
        (
            next(),
            &[("9.1", CompletedByGocd), ("10.3", Bare)],
            &[],
            format!("11.1 Published: {ALL}"),
        ),
        (
            next(),
            &[("7.1", CompletedByOthers), ("8.1", PendingOfOthers)],
            &[],
            format!("9.1 Published: {ALL}"),
        ),
        (next(), &[("7.1", Pending)], &[], "7.1 Finished: send[0, 1] ".to_owned() + REST),
        (
            next(),
            &[("7.1", Pending), ("8.1", PendingOfOthers)],
            &half,
            "7.1 Finished: send[1] ".to_owned() + REST,
        ),
        (next(), &[("7.1", Pending)], &both, format!("7.1 Finished: {REST}")),
        (
            next(),
            &[("7.1", PendingWithWords)],
            &both,
            "7.1 Finished: list verify complete enter".to_owned(),
        ),
        (
            next(),
            &[("7.1", Completed), ("8.1", CompletedByOthers)],
            &both,
            "7.1 Already: enter".to_owned(),
        ),
        (next(), &[("6.1", Pending), ("7.1", Completed)], &both, "7.1 Already: enter".to_owned()),
        (exactly(), &[], &[], format!("42.1 Published: {ALL}")),
        (exactly(), &[("42.1", Pending)], &half, "42.1 Finished: send[1] ".to_owned() + REST),
        (exactly(), &[("42.1", Completed)], &both, "42.1 Already: enter".to_owned()),
        (annotating("42.1"), &[], &half, "42.1 Annotated: try complete enter".to_owned()),
        (
            annotating("42.1"),
            &[("42.1", Bare)],
            &half,
            "42.1 Annotated: try complete enter".to_owned(),
        ),
        (annotating("42.1"), &[("42.1", CompletedByGocd)], &half, "42.1 Already: enter".to_owned()),
        (annotating("42.1"), &[("42.1", Completed)], &half, "42.1 Already: enter".to_owned()),
        (annotating("42.1"), &[("42.1", CompletedByOthers)], &[], "42.1 Already: enter".to_owned()),
    ];
    for (ask, folders, objects, want) in cases {
        assert_eq!(told(&plan(&ask, &facts(folders, objects)).expect(&want)), want);
    }
}

#[test]
fn what_is_refused() {
    use Stands::*;
    let exactly = || ask(Some("42.1"));
    let half = [("a", "1")];
    type Case<'a> = (Ask, &'a [(&'a str, Stands)], &'a [(&'a str, &'a str)], &'a str);
    let cases: [Case<'_>; 9] = [
        (exactly(), &[], &half, "the folder of revision 42.1 has files, and no marker"),
        (
            exactly(),
            &[("42.1", CompletedByOthers)],
            &half,
            "revision 42.1 is published with other files",
        ),
        (
            exactly(),
            &[("42.1", CompletedByGocd)],
            &half,
            "revision 42.1 was published by something else",
        ),
        (
            exactly(),
            &[("42.1", PendingOfOthers)],
            &[],
            "another put claimed revision 42.1, with other files, and has not completed it",
        ),
        (
            exactly(),
            &[("42.1", Bare)],
            &[],
            "the folder of revision 42.1 has a marker that this resource did not write",
        ),
        (
            exactly(),
            &[("42.1", Pending)],
            &[("a", "!")],
            "a of revision 42.1 has other bytes than the put that claimed it",
        ),
        (annotating("42.1"), &[], &[], "nothing lies in the folder of revision 42.1"),
        (
            annotating("42.1"),
            &[("42.1", PendingOfOthers)],
            &half,
            "a put of this resource is uploading revision 42.1, or died of it",
        ),
        (
            ask(None),
            &[("2147483647.1", Bare)],
            &[],
            "there is no pipeline counter after 2,147,483,647: GoCD reads Java integers",
        ),
    ];
    for (ask, folders, objects, want) in cases {
        let error = plan(&ask, &facts(folders, objects)).expect_err(want);
        assert_eq!(error.to_string(), want);
        assert!(hint_of(&error).is_some(), "{want}");
    }
}

#[test]
fn the_history_gets_what_it_lacks() {
    let with = |has_history, entered: &[&str]| {
        let facts = facts(&[("7.1", Stands::Completed)], &[]);
        let entered = entered.iter().map(|text| revision(text)).collect();
        told(&plan(&ask(None), &Facts { has_history, entered, ..facts }).expect("a plan"))
    };
    assert_eq!(with(true, &["7.1", "6.1"]), "7.1 Already: ");
    assert_eq!(with(true, &["6.1"]), "7.1 Already: enter");
    assert_eq!(with(false, &[]), "7.1 Already: begin enter");
}

#[test]
fn the_marker_says_what_was_given_and_where_nothing_was_the_counter() {
    let mut ask = ask(None);
    let label = |ask: &Ask| {
        let plan = plan(ask, &facts(&[("41.2", Stands::Bare)], &[])).expect("a plan");
        assert!(plan.marker.is_completed && plan.marker.claim.is_some());
        assert_eq!(plan.marker.annotation("user"), Some("ana"));
        assert_eq!(plan.marker.annotation("traceback_url"), None);
        let claim = plan.steps.iter().find_map(|step| match step {
            Step::Claim(metadata) => Some(metadata.contains_key("completed")),
            _ => None,
        });
        assert_eq!(claim, Some(false), "a claim is not completed");
        plan.marker.annotation("go_pipeline_label").map(str::to_owned)
    };
    assert_eq!(label(&ask).as_deref(), Some("42"));
    ask.annotations.label = Some("7".to_owned());
    assert_eq!(label(&ask).as_deref(), Some("7"));
}

#[test]
fn what_gocd_would_not_notice_is_said() {
    let warned = |given: &str, greatest: &str, strange: &[&str]| {
        let facts = Facts {
            greatest: Some(revision(greatest)),
            strange: strange.iter().map(|name| (*name).to_owned()).collect(),
            ..facts(&[], &[])
        };
        plan(&ask(Some(given)), &facts).expect("a plan").warnings.join("\n")
    };
    assert_eq!(warned("42.1", "41.9", &[]), "");
    assert!(warned("42.1", "43.1", &[]).contains("with 43.1 there, it does not notice 42.1"));
    assert!(warned("42.1", "042.1.0", &[]).contains("does not notice 42.1"));
    let strange = warned("42.1", "41.1", &["latest", "a\nb"]);
    assert!(strange.starts_with("no revisions in the job's folder: 2 folders"), "{strange}");
    assert!(strange.contains("latest, a\\nb"), "{strange}");
}
