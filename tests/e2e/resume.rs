//! A golden gate whose process is killed goes on with the cases that are left.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread;

use rustix::process::Signal;

use crate::support::stage::{GATES, Kid, Set, Stage, eventually};

const CASES: usize = 60;
/// The model answers so many cases and then none, until it is told to.
const UNTIL: usize = 30;

/// A model that answers what it was sent, and stops in the middle.
#[derive(Default)]
struct Model {
    asked: AtomicUsize,
    goes_on: AtomicBool,
}

impl Model {
    fn serve(self: &Arc<Self>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let model = Arc::clone(self);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let model = Arc::clone(&model);
                thread::spawn(move || model.answer(stream));
            }
        });
        url
    }

    fn answer(&self, stream: TcpStream) -> Option<()> {
        let mut reader = BufReader::new(stream);
        loop {
            let (mut is_case, mut length) = (false, 0);
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).ok()? == 0 {
                    return None;
                }
                is_case |= line.starts_with("POST ");
                let lower = line.to_ascii_lowercase();
                length = lower.strip_prefix("content-length:").map_or(length, |text| text.trim().parse().unwrap());
                if line.trim().is_empty() {
                    break;
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).ok()?;
            let text = if is_case {
                if self.asked.fetch_add(1, SeqCst) >= UNTIL && !self.goes_on.load(SeqCst) {
                    // No answer: the connection stays open until the other end is gone.
                    let _ = reader.read(&mut [0]);
                    return None;
                }
                let case: serde_json::Value = serde_json::from_slice(&body).unwrap();
                serde_json::json!({"outputs": [{"data": [case["n"]]}]}).to_string()
            } else {
                r#"{"versions":["v2"]}"#.to_owned()
            };
            let head =
                format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", text.len());
            reader.get_mut().write_all((head + &text).as_bytes()).ok()?;
        }
    }
}

#[test]
fn a_killed_run_goes_on_where_it_was() {
    let model = Arc::new(Model::default());
    let stage = Stage::with(&Set { green: Some(model.serve()), more: GATES, ..Set::default() });
    let case = |n: usize| format!("{{\"id\":{n},\"request\":{{\"n\":{n}}},\"expect\":{n}}}\n");
    std::fs::write(stage.dir().join("golden.jsonl"), (0..CASES).map(case).collect::<String>()).unwrap();
    let kept = stage.dir().join("var/state/gates/golden.progress");
    let answered = || std::fs::read_to_string(&kept).unwrap_or_default().lines().count().saturating_sub(1);

    let mut kid = Kid::of(&mut stage.command(&["gates", "run"]));
    // Four are under way at a time.
    eventually("half of the cases are kept", || answered() == UNTIL && model.asked.load(SeqCst) == UNTIL + 4);
    kid.signal(Signal::KILL);
    kid.wait();
    model.goes_on.store(true, SeqCst);
    let before = model.asked.load(SeqCst);
    stage.run(&["gates", "run"]).ends(0).says(&format!("resumed at {UNTIL} of {CASES}"));
    assert_eq!(model.asked.load(SeqCst) - before, CASES - UNTIL, "no case is asked twice");
    assert!(!kept.exists(), "a verdict ends it");
    let status = stage.status();
    assert_eq!(status["gates"][1]["samples"], CASES, "{status}");
}
