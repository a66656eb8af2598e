//! Buckets that s3p filled work as they are.

use super::support::{FILE, at, promote, put, roll_back, upload, version};
use crate::support::{Place, Resource};
use serde_json::json;

/// s3p uploads: the rank's object first, then a copy of it in the archive.
fn by_s3p(place: &Place, rank: &str, text: &str, bytes: &str) {
    for key in [format!("{rank}/{FILE}"), format!("archive/{text}/{FILE}")] {
        place.put(&key, bytes.as_bytes(), &[("version", text)]);
    }
}

fn ranks(place: &Place) -> [Resource; 3] {
    super::support::RANKS.map(|rank| at(&place.resource(), rank))
}

fn text(resource: &Resource, number: u64, version: &str) -> Option<String> {
    resource.get(&super::support::version(version, number), json!({})).tree().text(FILE)
}

#[test]
fn what_s3p_put_there_is_promotion_0() {
    let place = Place::new();
    let [qa, staging, production] = ranks(&place);
    by_s3p(&place, "qa", "2.0", "two");
    by_s3p(&place, "staging", "1.0", "one");
    let state = place.state();
    assert_eq!(qa.versions(None), [version("2.0", 0)]);
    assert_eq!(qa.versions(Some(&version("1.0", 0))), [version("2.0", 0)]);
    assert!(production.versions(None).is_empty());
    let got = qa.get(&version("2.0", 0), json!({})).tree();
    assert_eq!(got.text(FILE).as_deref(), Some("two"));
    assert_eq!(got.text("s3_uri"), Some(place.uri("archive/2.0/my.tar.gz")));
    // What stands there already is there already.
    assert_eq!(upload(&qa, "2.0", "two").version(), version("2.0", 0));
    assert_eq!(roll_back(&staging, "1.0").version(), version("1.0", 0));
    let error = upload(&qa, "2.0", "other").error();
    assert!(error.contains("is archived with other bytes"), "{error}");
    let error = promote(&production, "2.0").error();
    assert!(error.starts_with("could not promote, trying to skip rank?"), "{error}");
    assert_eq!(place.state(), state, "nothing was written");
}

#[test]
fn the_first_put_takes_over_from_there() {
    let place = Place::new();
    let [qa, staging, production] = ranks(&place);
    by_s3p(&place, "qa", "2.0", "two");
    by_s3p(&place, "staging", "1.0", "one");
    let promoted = put(&staging, &json!({}));
    assert_eq!(promoted.version(), version("2.0", 1));
    assert_eq!(promoted.metadata("from"), "qa #0");
    // A version that s3p had promoted is known, and is still to be had.
    let both = [version("1.0", 0), version("2.0", 1)];
    assert_eq!(staging.versions(Some(&both[0])), both);
    assert_eq!(staging.clone().set("initial_history", 9).versions(None), both);
    assert_eq!(staging.versions(Some(&version("9.9", 0))), [version("2.0", 1)]);
    assert_eq!(text(&staging, 0, "1.0").as_deref(), Some("one"));
    assert_eq!(text(&staging, 1, "2.0").as_deref(), Some("two"));
    // It may climb, and the rank may go back to it.
    assert_eq!(promote(&production, "1.0").metadata("from"), "staging #0");
    assert_eq!(roll_back(&staging, "1.0").version(), version("1.0", 2));
    assert_eq!(place.bytes(&format!("staging/{FILE}")).as_deref(), Some(&b"one"[..]));
    assert_eq!(upload(&qa, "3.0", "three").version(), version("3.0", 1));
    assert_eq!(upload(&qa, "2.0", "two").version(), version("2.0", 0), "a rerun of s3p's time");
    assert_eq!(text(&qa, 0, "2.0").as_deref(), Some("two"));
    assert_eq!(put(&staging, &json!({})).version(), version("3.0", 3));
}

#[test]
fn what_is_missing_is_said() {
    let place = Place::new();
    let [qa, staging, _] = ranks(&place);
    place.put(&format!("qa/{FILE}"), b"two", &[("version", "2.0")]);
    // Without an archive, the rank's object is the version while it says so.
    assert_eq!(text(&qa, 0, "2.0").as_deref(), Some("two"));
    let error = put(&staging, &json!({})).error();
    assert!(
        error.starts_with("could not promote: s3://") && error.contains("is not in the archive"),
        "{error}"
    );
    place.put(&format!("qa/{FILE}"), b"three", &[("version", "3.0")]);
    let error = qa.get(&version("2.0", 0), json!({})).nothing_but_an_error();
    assert!(error.contains("is neither in the archive nor at the rank"), "{error}");
    // What is nobody's is not taken for a release, and not written over.
    place.put(&format!("staging/{FILE}"), b"mine", &[]);
    assert!(staging.versions(None).is_empty());
    place.put(&format!("archive/3.0/{FILE}"), b"three", &[("version", "3.0")]);
    let error = put(&staging, &json!({})).error();
    assert!(error.contains("is no release"), "{error}");
}

#[test]
fn a_version_that_cannot_be_one_is_named() {
    let place = Place::new();
    let [qa, staging, _] = ranks(&place);
    place.put(&format!("qa/{FILE}"), b"x", &[("version", "../x")]);
    for run in [qa.check(None), put(&staging, &json!({})), upload(&qa, "1.0", "one")] {
        let error = run.error();
        assert!(error.contains("qa/my.tar.gz: the version `../x` has a name"), "{error}");
    }
}
