use super::*;
use crate::words::fault::hint_of;
use serde_json::json;

fn map(value: Value) -> Map<String, Value> {
    value.as_object().cloned().expect("a map")
}

#[test]
fn gets_as_s3_resource_takes_them() {
    let get = |params| GetFiles::parse(&map(params)).expect("valid");
    let all = get(json!({"Unpack": true, "skip_download": "T", "download_tags": "true"}));
    assert!(all.tags && all.file.skip_download == Some(true));
    assert!(all.warnings.is_empty());
    let none = get(json!({"unpack": null, "skip_download": "", "globs": ["a"]}));
    assert!(!none.tags && none.file.skip_download.is_none());
    assert_eq!(none.warnings.len(), 1);
    assert!(none.warnings[0].starts_with("params: unknown key `globs`, which is left out"));
}

#[test]
fn puts_as_s3_resource_takes_them() {
    let put = |params| PutFiles::parse(&map(params)).expect("valid");
    let plain = put(json!({"file": "a/*", "ACL": "public-read"}));
    assert_eq!(plain.finds, Finds::Glob("a/*".into()));
    assert_eq!(plain.object.acl.as_deref(), Some("public-read"));
    assert_eq!((plain.on_conflict, plain.warnings.len()), (OnConflict::Replace, 0));
    let old = put(json!({"from": "a-(.*)", "to": "b/$1", "fiel": 1}));
    assert_eq!((old.finds, old.to.as_deref()), (Finds::From("a-(.*)".into()), Some("b/$1")));
    assert_eq!(old.warnings.len(), 2);
    assert!(old.warnings[0].contains("did you mean `file`?"), "{:?}", old.warnings);
}

#[test]
fn what_cannot_be_meant() {
    let cases = [
        (json!({"file": "a", "from": "b"}), "params: contains both file and from"),
        (json!({}), "params.file: missing"),
        (json!({"file": "a", "on_conflict": "ask"}), "params.on_conflict: `ask` is not known"),
    ];
    for (params, want) in cases {
        let error = PutFiles::parse(&map(params)).expect_err(want);
        assert_eq!(error.to_string(), want);
        assert!(hint_of(&error).is_some());
    }
}
