use super::*;
use crate::words::build::Run;
use crate::words::file::Mode;
use crate::words::names::{CommitId, Prefix, RelPath};
use crate::words::time::Utc;

fn folder() -> Folder {
    Folder { prefix: Prefix::parse("p", "artifacts/c").expect("a prefix"), reserved: &[] }
}

fn item(path: &str) -> Item {
    let key = Key::parse(&format!("cache/h/{path}")).expect("a key");
    let path = RelPath::parse(path).expect("a path");
    let sha256 = Sha256::of(path.as_str().as_bytes());
    Item::Object {
        file: Box::new(ManifestFile { path, size: 1, mode: Mode::Plain, sha256, key, parts: None }),
        seen: None,
    }
}

fn provenance() -> Provenance {
    Provenance {
        commit: CommitId::parse(&"c".repeat(40)).expect("a commit"),
        code_hash: None,
        cached_from: None,
        run: Run::at(Utc::read("2026-01-01T00:00:00Z")),
    }
}

fn own(path: &str) -> Key {
    let digest = digest(&[item("a").facts()]);
    folder().own(&digest, None, &RelPath::parse(path).expect("a path")).expect("a key")
}

/// Where nothing lies yet.
fn ground(claim: Claimed) -> Ground {
    let (taken, held) = (HashMap::new(), HashSet::new());
    Ground { claim, taken, held, replaces: None, generation: None }
}

/// One file `a`: who claims the folder, whether the plain key and the set's own are taken, and
/// whether they hold its bytes; then where it goes, how, and what else is written.
#[test]
fn where_a_file_goes() {
    use Claimed::{By, ByNobody, ByStrangers};
    use How::{Keep, Mend, Write};
    let this = By(digest(&[item("a").facts()]));
    let other = By(Sha256::of(b"another set"));
    let (free, taken, held) = ((false, false), (true, false), (true, true));
    let cases = [
        (ByNobody, free, free, ("plain", Write, true)),
        (ByNobody, taken, free, ("own", Write, true)),
        (this, free, free, ("plain", Write, false)),
        (this, held, free, ("plain", Keep, false)),
        (this, taken, free, ("own", Write, false)),
        (this, taken, held, ("own", Keep, false)),
        (this, taken, taken, ("own", Mend, false)),
        (other, free, free, ("own", Write, false)),
        (other, held, free, ("plain", Keep, false)),
        (other, taken, held, ("own", Keep, false)),
        (ByStrangers, free, free, ("own", Write, false)),
        (ByStrangers, held, free, ("plain", Keep, false)),
    ];
    let plain = folder().prefix.key("a").expect("a key");
    for (claim, at_plain, at_own, (place, how, claims)) in cases {
        let mut ground = ground(claim);
        for (key, (taken, held)) in [(plain.clone(), at_plain), (own("a"), at_own)] {
            if taken {
                ground.taken.insert(key.to_string(), 1);
            }
            if held {
                ground.held.insert(key);
            }
        }
        let plan = publish(folder(), vec![item("a")], &ground, provenance()).expect("a plan");
        let text = format!("{claim:?} {at_plain:?} {at_own:?}");
        let want = if place == "plain" { plain.clone() } else { own("a") };
        assert_eq!((&plan.placings[0].key, plan.placings[0].how), (&want, how), "{text}");
        assert_eq!(plan.claim.is_some(), claims, "{text}");
        assert_eq!(plan.agree.len(), usize::from(place == "own"), "{text}");
        let seal = plan.seal.as_ref().expect("a manifest");
        assert_eq!(seal.manifest.files[0].key, want, "{text}");
        assert!(!plan.is_empty(), "{text}");
    }
}

/// What could not be read is not published: here of files with long names.
#[test]
fn a_set_has_as_many_files_as_its_readers_take() {
    let ground = ground(Claimed::ByNobody);
    for (count, fits) in [(9, true), (40_000, false)] {
        let directory = format!("{:x>250}/", "").repeat(3);
        let items = (0..count).map(|n| item(&format!("{directory}{n}"))).collect();
        let plan = publish(folder(), items, &ground, provenance());
        assert_eq!(plan.is_ok(), fits, "{count}");
        if let Err(error) = plan {
            assert!(error.to_string().starts_with("40000 files are too many"), "{error}");
        }
    }
}

/// Of a hundred thousand files, each byte of one is 100 KB: a plan and its manifest share texts.
#[test]
fn a_plan_holds_each_text_once() {
    let ground = ground(Claimed::ByNobody);
    let items = vec![item("a"), item("b")];
    let paths: Vec<_> = items.iter().map(|it| it.facts().path.as_str().as_ptr()).collect();
    let plan = publish(folder(), items, &ground, provenance()).expect("a plan");
    let files = &plan.seal.as_ref().expect("a manifest").manifest.files;
    for ((file, placing), path) in files.iter().zip(&plan.placings).zip(paths) {
        assert_eq!(file.path.as_str().as_ptr(), path, "{}", file.path);
        assert_eq!(file.key.as_str().as_ptr(), placing.key.as_str().as_ptr(), "{}", file.key);
    }
    assert!(size_of::<Placing>() <= 48 && size_of::<ManifestFile>() <= 88);
}

/// Under a stone nothing is claimed, no plain key is kept or written before the manifest, and what
/// a set of this generation left is used.
#[test]
fn under_a_stone_every_key_has_its_generation() {
    use Claimed::{By, ByNobody, ByStrangers};
    let digest = digest(&[item("a").facts()]);
    let path = RelPath::parse("a").expect("a path");
    let (old, new) = (own("a"), folder().own(&digest, Some("g2"), &path).expect("a key"));
    let plain = folder().prefix.key("a").expect("a key");
    let other = folder().own(&digest, Some("g1"), &path).expect("a key");
    for claim in [ByNobody, By(digest), ByStrangers] {
        for (is_taken, is_held, how) in
            [(false, false, How::Write), (true, true, How::Keep), (true, false, How::Mend)]
        {
            let mut held: HashSet<Key> = [&plain, &old, &other].into_iter().cloned().collect();
            let mut taken: HashMap<String, u64> =
                held.iter().map(|key| (key.to_string(), 1)).collect();
            if is_taken {
                taken.insert(new.to_string(), 1);
            }
            if is_held {
                held.insert(new.clone());
            }
            let generation = Some("g2".to_owned());
            let ground = Ground { taken, held, generation, ..ground(claim) };
            let plan = publish(folder(), vec![item("a")], &ground, provenance()).expect("a plan");
            assert_eq!((&plan.placings[0].key, plan.placings[0].how), (&new, how), "{claim:?}");
            assert!(plan.claim.is_none() && plan.agree.len() == 1, "{claim:?}");
            let seal = plan.seal.as_ref().expect("a manifest");
            assert_eq!(seal.generation.as_deref(), Some("g2"));
        }
    }
    for (key, want) in [(&new, true), (&old, false), (&plain, false), (&other, false)] {
        assert_eq!(folder().is_of_generation("g2", key.as_str()), want, "{key}");
    }
}

#[test]
fn a_plan_says_what_it_does_and_why() {
    let mut ground = ground(Claimed::ByNobody);
    ground.taken.insert("artifacts/c/a".to_owned(), 1);
    let plan = publish(folder(), vec![item("a")], &ground, provenance()).expect("a plan");
    let words = plan.words(&Bucket::parse("b-1").expect("a bucket"));
    let starts = ["claim s3://b-1/artifacts/c/", "copy s3://b-1/cache/h/a to", "write", "copy"];
    assert_eq!(words.len(), starts.len());
    for (line, start) in words.iter().zip(starts) {
        assert!(line.starts_with(start) && line.contains(": "), "{line}");
    }
    let nothing = mend(folder(), Vec::new(), Vec::new(), provenance());
    assert!(nothing.is_empty() && nothing.words(&Bucket::parse("b-1").expect("b")).is_empty());
}
