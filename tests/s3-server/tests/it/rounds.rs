//! Rounds: what can be sent at once counts once.

use std::time::Duration;

use crate::support::{BUCKET, at_once, client, server};

#[tokio::test]
async fn parallel_requests_are_one_round() {
    let server = server();
    let client = client(&server);
    for key in 0..10 {
        server.put(BUCKET, &format!("key-{key}"), "x", &[]);
    }
    server.measure_rounds(Duration::from_millis(200));
    client.list_objects_v2().bucket(BUCKET).send().await.expect("a list");
    assert_eq!(server.rounds(), 1);
    at_once(10, |number| {
        let client = client.clone();
        Box::pin(async move {
            let get = client.get_object().bucket(BUCKET).key(format!("key-{number}"));
            get.send().await.expect("an object");
        })
    })
    .await;
    assert_eq!(server.rounds(), 2);
    assert_eq!(server.round_sizes(), [1, 10]);
    // Two chains of three: three rounds, not six.
    server.measure_rounds(Duration::from_millis(200));
    at_once(2, |_| {
        let client = client.clone();
        Box::pin(async move {
            for _ in 0..3 {
                client.head_object().bucket(BUCKET).key("key-1").send().await.expect("an object");
            }
        })
    })
    .await;
    assert_eq!((server.rounds(), server.round_sizes()), (3, vec![2, 2, 2]));
    server.stop_rounds();
    client.head_object().bucket(BUCKET).key("key-1").send().await.expect("an object");
    assert_eq!(server.rounds(), 3);
}
