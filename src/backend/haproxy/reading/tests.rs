use super::*;
use crate::backend::haproxy::spec::MapEntry;

const INFO: &str = "Name: HAProxy\nVersion: 2.6.12\nPid: 42\nUptime_sec: 9000\nStart_time_sec: 1795244580\n";
const STATE: &str = "1\n# be_id be_name srv_id srv_name srv_op_state srv_admin_state srv_uweight srv_iweight\n";

fn weights(rows: &str) -> Result<Reading, BackendError> {
    let servers = Pair { blue: vec!["b".into()], green: vec!["g".into()] };
    let method = Method::Weights { backend: "be".into(), servers, addresses: Pair::default() };
    read(
        &method,
        &[INFO.into(), format!("{STATE}{rows}"), "# pxname,svname,scur,status\nbe,b,1,UP\nbe,g,0,DOWN\n".into()],
    )
}

fn percent(map: &str) -> Result<Reading, BackendError> {
    let entry = MapEntry { map: "m".into(), key: "green_pct".into() };
    read(&Method::Percent { entry, backends: None }, &[INFO.into(), map.into()])
}

#[test]
fn weights_are_read_with_what_a_reload_would_bring() {
    let seen = weights("5 be 1 b 2 0 90 100\n5 be 2 g 2 0 10 0\n").unwrap();
    assert_eq!(seen.split, Split::toward(Side::Green, 10));
    assert_eq!(seen.configured, Some(Split::all(Side::Blue)));
    assert_eq!(seen.process, "42-1795244580");
    let sides = seen.sides.unwrap();
    assert_eq!((sides.blue.sessions, sides.blue.replicas.ready, sides.green.replicas.ready), (1, 1, 0));
    assert_eq!(sides.blue.traffic, None, "nothing is counted by status: TCP mode");
    assert!(seen.notes.is_empty(), "{:?}", seen.notes);
}

#[test]
fn a_side_in_maintenance_takes_nothing_and_strangers_are_told() {
    let seen = weights("5 be 1 b 2 0 50 50\n5 be 2 g 0 1 50 50\n5 be 3 canary 2 0 5 5\n").unwrap();
    assert_eq!(seen.split, Split::all(Side::Blue));
    assert!(seen.notes[0].contains("canary"), "{:?}", seen.notes);
}

#[test]
fn a_server_that_takes_nothing_is_named_with_its_state_and_what_helps() {
    let stat = "# pxname,svname,scur,status,check_status,check_code\n\
                be,a,0,UP,,\nbe,b,0,UP 1/3,,\nbe,c,0,no check,,\nbe,d,0,DOWN,* L7STS,503\nbe,e,0,MAINT (via x/y),,\nbe,f,0,DRAIN,,\n";
    let servers = ["a", "b", "c", "d", "e", "f"].map(str::to_owned);
    let side = of_servers(&Table::stat(stat).unwrap(), "be", &servers);
    assert_eq!((side.replicas.ready, side.replicas.total), (3, 6));
    assert_eq!(
        side.unready,
        [
            "HAProxy has be/d DOWN, its check says L7STS 503",
            "HAProxy has be/e in MAINT (via x/y); type: set server be/e state ready",
            "HAProxy has be/f in DRAIN; type: set server be/f state ready",
        ]
    );
}

#[test]
fn weights_that_make_no_split_are_an_error() {
    assert!(matches!(weights("5 be 1 b 2 0 0 1\n5 be 2 g 2 0 0 1\n"), Err(BackendError::Refused(_))));
    let lacks = weights("5 be 1 b 2 0 1 1\n").unwrap();
    assert_eq!((lacks.split, lacks.missing), (Split::all(Side::Blue), vec!["be/g".to_owned()]));
}

#[test]
fn maps_are_read_and_nonsense_is_not() {
    assert_eq!(percent("0x1 green_pct 25\n0x2 other 9\n").unwrap().split, Split::toward(Side::Green, 25));
    for (map, kind) in [
        ("0x1 green_pct 250\n", "stands for no split"),
        ("0x1 other 25\n", "holds no green_pct"),
        ("0x1 green_pct 1\n0x2 green_pct 2\n", "twice"),
        ("Unknown map identifier. Please use #<id> or <file>.\n", "no such map"),
    ] {
        let error = percent(map).unwrap_err();
        assert!(error.to_string().contains(kind), "{error}");
    }
    assert!(matches!(percent("<html>\n"), Err(BackendError::Garbled(_))));
}

#[test]
fn another_version_is_told_as_such() {
    let entry = MapEntry { map: "m".into(), key: "k".into() };
    let method = Method::Percent { entry, backends: None };
    let error = read(&method, &["Name: Somewhat\n".into(), "0x1 k 1\n".into()]).unwrap_err();
    assert!(matches!(&error, BackendError::Garbled(text) if text.contains("show info")), "{error}");
}
