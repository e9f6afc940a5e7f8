use super::*;

const ETAG: &str = "/config/apps/http/servers/s/routes/0/handle/0 3526aaf2438ace82";

fn own() -> Pair<Vec<String>> {
    Pair { blue: vec!["b1:80".into(), "b2:80".into()], green: vec!["g1:80".into()] }
}

fn handler(value: &Value) -> Result<Handler, BackendError> {
    Handler::read(value.to_string().as_bytes(), Some(ETAG.into()))
}

fn proxy(dials: &[&str], weights: &Value) -> Value {
    let upstreams: Vec<Value> = dials.iter().map(|dial| json!({ "dial": dial, "max_requests": 7 })).collect();
    json!({
        "@id": "rp", "handler": "reverse_proxy", "flush_interval": -1,
        "health_checks": { "passive": { "fail_duration": 30_000_000_000_u64 } },
        "headers": { "request": { "set": { "X-A": ["\u{3c}b>"] } } },
        "load_balancing": { "retries": 2, "selection_policy": { "policy": POLICY, "weights": weights } },
        "upstreams": upstreams,
    })
}

fn green(percent: u8) -> Split {
    Split::toward(Side::Green, percent)
}

#[test]
fn what_is_written_is_what_is_read_and_nothing_else_changes() {
    // The sides are mixed, in an arbitrary order.
    let before = proxy(&["b2:80", "g1:80", "b1:80"], &json!([1, 0, 1]));
    for percent in 0..=100 {
        let handler = handler(&before).unwrap();
        let mut after = handler.changed(&own(), green(percent), "cutover-rp-7");
        let read = super::Handler { fields: after.as_object().unwrap().clone(), ..handler };
        assert_eq!(read.reading(&own()).unwrap(), Reading { split: green(percent), odd: None, note: None });
        assert_eq!(read.tag(), Some("cutover-rp-7"));
        after["load_balancing"]["selection_policy"] = before["load_balancing"]["selection_policy"].clone();
        assert_eq!(after, before);
    }
    let ten = handler(&before).unwrap().changed(&own(), green(10), "t");
    assert_eq!(ten["load_balancing"]["selection_policy"]["weights"], json!([9, 2, 9]));
}

#[test]
fn a_list_that_is_not_the_configs_is_told_and_mended() {
    let odd = |dials: &[&str], weights: Value| {
        let handler = handler(&proxy(dials, &weights)).unwrap();
        let after = handler.changed(&own(), green(0), "t");
        let mended = super::Handler { fields: after.as_object().unwrap().clone(), ..handler.clone() };
        assert_eq!(mended.reading(&own()).unwrap(), Reading { split: green(0), odd: None, note: None });
        handler.reading(&own()).unwrap().odd.unwrap_or_default()
    };
    assert!(odd(&["b1:80", "b2:80", "g1:80", "x:1"], json!([1, 1, 0, 1])).contains("x:1 belongs to no side and takes"));
    assert!(odd(&["b1:80", "b2:80", "g1:80", "x:1"], json!([1, 1, 0, 0])).ends_with("x:1 belongs to no side"));
    assert!(odd(&["b1:80", "g1:80"], json!([1, 0])).contains("blue's upstream b2:80 is not in its list"));
    assert!(odd(&["b1:80", "b2:80", "g1:80", "g1:80"], json!([1, 1, 1, 1])).contains("g1:80 is listed twice"));
}

#[test]
fn a_policy_that_says_no_split_is_refused_with_the_remedy() {
    let dials = ["b1:80", "b2:80", "g1:80"];
    let why = |value: &Value| match handler(value).unwrap().reading(&own()) {
        Err(BackendError::Refused(why)) => why,
        other => panic!("{other:?}"),
    };
    assert!(why(&proxy(&dials, &json!([1]))).contains("1 weights for 3 upstreams"));
    assert!(why(&proxy(&dials, &json!([0, 0, 0]))).contains("no upstream of either side has a weight"));
    assert!(why(&proxy(&dials, &json!([-1, 1, 1]))).contains("no weights"));
    assert!(why(&proxy(&dials, &json!([1, "1", 1]))).contains("no weights"));
    assert!(why(&proxy(&[], &json!([]))).contains("no upstreams"));
    let mut other = proxy(&dials, &json!([1, 1, 1]));
    other["load_balancing"]["selection_policy"]["policy"] = json!("least_conn");
    assert!(why(&other).contains("least_conn, which has no weights"));
    other["load_balancing"] = Value::Null;
    assert!(why(&other).contains("random, which has no weights"));
    // A rollback needs none of it.
    let after = handler(&other).unwrap().changed(&own(), green(0), "t");
    assert_eq!(after["load_balancing"]["selection_policy"]["weights"], json!([1, 1, 0]));
}

#[test]
fn weights_by_hand_are_shown_as_they_are() {
    let reading = handler(&proxy(&["b1:80", "b2:80", "g1:80"], &json!([2, 3, 2]))).unwrap().reading(&own()).unwrap();
    assert_eq!((reading.split, reading.odd), (green(29), None));
    assert!(reading.note.unwrap().contains("b1:80=2 b2:80=3 g1:80=2"));
}

#[test]
fn what_is_no_reverse_proxy_is_no_handler() {
    let refused = |value: Value| matches!(handler(&value), Err(BackendError::Refused(_)));
    let garbled = |body: &[u8], etag: Option<&str>| {
        matches!(Handler::read(body, etag.map(str::to_owned)), Err(BackendError::Garbled(_)))
    };
    assert!(refused(json!({ "handler": "subroute" })));
    assert!(refused(json!({ "routes": [] })));
    assert!(refused(json!({ "handler": "reverse_proxy", "dynamic_upstreams": { "source": "a" } })));
    assert!(garbled(b"<html>", Some(ETAG)));
    assert!(garbled(b"null", Some(ETAG)));
    assert!(garbled(b"[1]", Some(ETAG)));
    assert!(garbled(br#"{"handler":"reverse_proxy"}"#, None));
    assert!(garbled(br#"{"handler":"reverse_proxy"}"#, Some("abc")));
}

#[test]
fn a_tag_is_one_word_whatever_the_order_is_called() {
    let id = HandlerAt::Id("model.rp".into());
    assert_eq!(tag_of(&id, &OrderId("7f3e".into())), "cutover-model_2erp-7f3e");
    let odd =
        tag_of(&HandlerAt::Path("/config/apps/http/servers/s/routes/0/handle/1".into()), &OrderId("a/\"b_".into()));
    assert_eq!(odd, "cutover-01-a_2f_22b_5f");
}

#[test]
fn our_handler_is_found_by_its_upstreams_wherever_it_is() {
    let (ours, other) = (proxy(&["g1:80"], &json!([1])), proxy(&["x:80"], &json!([1])));
    assert!(handler(&ours).unwrap().is_ours(&own()));
    assert!(!handler(&other).unwrap().is_ours(&own()));
    assert!(handler(&proxy(&[], &json!([]))).unwrap().is_ours(&own()), "nobody else's");
    let inner = json!({ "handler": "subroute", "routes": [{ "handle": [other, ours] }] });
    let config = json!({ "apps": { "http": { "servers": { "s": { "routes": [{ "handle": [inner] }] } } } } });
    assert_eq!(places(&config, &own()), ["/config/apps/http/servers/s/routes/0/handle/0/routes/0/handle/1"]);
}
