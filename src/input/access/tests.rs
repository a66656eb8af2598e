use super::*;
use crate::input::common::Common;
use serde_json::json;

fn of(source: &serde_json::Value) -> anyhow::Result<Access> {
    let serde_json::Value::Object(source) = source else { anyhow::bail!("no object") };
    access(&Common::read(source)?)
}

#[test]
fn addresses_of_aws() {
    let arn = "arn:aws:s3:eu-west-2:123456789012:accesspoint/my-point";
    let (point, colon) = (json!(arn), json!("arn:aws-cn:s3:cn-north-1:123456789012:accesspoint:p"));
    for (source, url) in [
        (json!({"bucket": "b"}), "https://b.s3.us-east-1.amazonaws.com/"),
        (
            json!({"bucket": "b", "region_name": "cn-north-1"}),
            "https://b.s3.cn-north-1.amazonaws.com.cn/",
        ),
        (
            json!({"bucket": "b", "use_fips_endpoint": true}),
            "https://b.s3-fips.us-east-1.amazonaws.com/",
        ),
        (
            json!({"bucket": "b", "use_dualstack_endpoint": "true", "use_path_style": true}),
            "https://s3.dualstack.us-east-1.amazonaws.com/b/",
        ),
        (
            json!({"bucket": point}),
            "https://my-point-123456789012.s3-accesspoint.eu-west-2.amazonaws.com/",
        ),
        (
            json!({"bucket": colon}),
            "https://p-123456789012.s3-accesspoint.cn-north-1.amazonaws.com.cn/",
        ),
        (
            json!({"bucket": point, "use_fips_endpoint": true, "use_dualstack_endpoint": true}),
            "https://my-point-123456789012.s3-accesspoint-fips.dualstack.eu-west-2.amazonaws.com/",
        ),
        (
            json!({"bucket": point, "endpoint": "http://s3.example.com:9000"}),
            "http://my-point-123456789012.s3.example.com:9000/",
        ),
    ] {
        assert_eq!(of(&source).expect("access").url(), url, "{source}");
    }
    let point = of(&json!({"bucket": arn})).expect("access");
    assert_eq!(point.region, "eu-west-2");
    assert_eq!(point.bucket.uri("a/b"), format!("s3://{arn}/a/b"));
    let here = of(&json!({"bucket": arn, "region_name": "us-west-1"})).expect("access");
    assert_eq!(here.region, "us-west-1");
}

#[test]
fn ways_in_that_cannot_be() {
    let arn = "arn:aws:s3:eu-west-2:123456789012:accesspoint/p";
    let role = "arn:aws:iam::123456789012:role/r";
    for (source, what) in [
        (json!({"bucket": "arn:aws:s3:::b"}), "the ARN of a bucket"),
        (json!({"bucket": "arn:aws:s3::123456789012:accesspoint/x.mrap"}), "multi-region"),
        (json!({"bucket": "arn:aws:s3-outposts:us-east-1:1:outpost/o/accesspoint/p"}), "Outposts"),
        (
            json!({"bucket": "arn:aws:s3:eu-west-2:123456789012:accesspoint/p/q"}),
            "no ARN of an access point",
        ),
        (json!({"bucket": "arn:"}), "no ARN of an access point"),
        (json!({"bucket": arn, "use_path_style": true}), "use_path_style"),
        (json!({"bucket": "b", "endpoint": "e", "use_fips_endpoint": true}), "use_fips_endpoint"),
        (
            json!({"bucket": "b", "endpoint": "e", "use_dualstack_endpoint": true}),
            "use_dualstack_endpoint",
        ),
        (json!({"bucket": "b", "expected_bucket_owner": 12_345_678_901_u64}), "no account of AWS"),
        (
            json!({"bucket": "b", "endpoint": "e", "expected_bucket_owner": "a b"}),
            "expected_bucket_owner",
        ),
        (json!({"bucket": "b", "request_payer": "me"}), "request_payer"),
        (json!({"bucket": "b", "aws_web_identity_token": "t"}), "without aws_role_arn"),
        (
            json!({"bucket": "b", "aws_web_identity_token": "t", "access_key_id": "a", "secret_access_key": "s"}),
            "beside access_key_id",
        ),
        (
            json!({"bucket": "b", "aws_web_identity_token": "t", "aws_role_arn": role, "aws_role_external_id": "x"}),
            "aws_role_external_id",
        ),
    ] {
        let error = of(&source).err().map(|e| format!("{e:#}"));
        assert!(error.as_ref().is_some_and(|it| it.contains(what)), "{source}: {error:?}");
    }
    let other = json!({"bucket": "b", "endpoint": "e", "expected_bucket_owner": "tenant$x"});
    assert_eq!(of(&other).expect("access").said.owner.as_deref(), Some("tenant$x"));
}
