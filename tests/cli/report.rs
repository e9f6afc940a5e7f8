//! `cutover report` on a state directory as a rollout leaves it: the three forms, a damaged record, and the page
//! in a real browser.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use cutover::testing::domain::{
    Actor, Bound, Cause, Digest, Evidence, Fact, GuardAction, Metric, Move, Order, OrderId, OrderState, Pair, Record,
    Sample, Side, SideSample, Split, Stamp, Verdict, Version,
};
use cutover::testing::journal::{FILE_NAME, Journal, SeriesFile};
use serde_json::Value;

use crate::support::child;

/// A version nobody should name so.
const HOSTILE: &str = "<script>alert(1)</script>\"'|`v2`";

/// How long a browser may take.
const DEADLINE: Duration = Duration::from_secs(60);

/// A state directory with a rollout that a guard took back, and a config that names it.
struct Left {
    dir: tempfile::TempDir,
}

impl Left {
    fn new() -> Self {
        let left = Self { dir: tempfile::tempdir().unwrap() };
        let state = left.state();
        let text = format!(
            "[service]\nname = \"fraud-scorer\"\nenvironment = \"prod\"\n\
             [blue]\nurls = [\"http://127.0.0.1:1\"]\n[green]\nurls = [\"http://127.0.0.1:2\"]\n\
             [backend]\nkind = \"embedded\"\n[gateway]\nlisten = \"127.0.0.1:3\"\n\
             [[guard]]\nmetric = \"p99\"\nlimit = \"250ms\"\nthen = \"rollback\"\n\
             [state]\ndir = \"{}\"\n",
            state.display()
        );
        std::fs::write(left.config(), text).unwrap();
        let (mut journal, _) = Journal::open(&state).unwrap();
        for record in records() {
            journal.append(&record).unwrap();
        }
        let mut series = SeriesFile::open(&state).unwrap();
        for s in (-20..120).step_by(2) {
            series.append(&sample(s)).unwrap();
        }
        left
    }

    fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    fn config(&self) -> PathBuf {
        self.dir.path().join("cutover.toml")
    }

    fn report(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cutover"));
        command.arg("-c").arg(self.config()).arg("report").args(args);
        command.env_clear().env("HOME", self.dir.path()).env("LANG", "C.UTF-8").current_dir(self.dir.path());
        child::output(&mut command)
    }

    /// What it prints, where nothing is wrong.
    fn printed(&self, args: &[&str]) -> String {
        let output = self.report(args);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

fn records() -> Vec<Record> {
    let record = |s: f64, by: &str, fact| Record {
        at: Stamp::epoch().plus_ms((s * 1000.0) as i64).wall,
        by: Actor { name: by.into(), via: "console".into() },
        fact,
    };
    let order = |id: &str, kind, from, to, toward| Order {
        id: OrderId(id.into()),
        kind,
        from: Some(Split::toward(Side::Green, from)),
        target: Split::toward(Side::Green, to),
        toward,
        expected: None,
    };
    let is =
        |id: &str, state| Fact::OrderIs { id: OrderId(id.into()), state, detail: None, fault: None, accepted: None };
    let version = Version::from_text(HOSTILE);
    let evidence = Evidence {
        gate: "golden".into(),
        verdict: Verdict::Passed,
        value: Some(0.972),
        limit: Some(0.95),
        unit: "ratio".into(),
        at_least: true,
        samples: 360,
        version: version.digest.clone(),
        at: Stamp::epoch().wall,
        took_ms: 900,
        note: "10 misses".into(),
        details: vec!["case 19: expected 2, got 1".into()],
        load: None,
    };
    let versions = Pair { blue: Some(Version::from_text("v41")), green: Some(version) };
    let there = order("a1", Move::Promote, 0, 10, Side::Green);
    let back = order("b2", Move::Rollback, 10, 0, Side::Blue);
    let (metric, side, worse_by) = (Metric::P99, Side::Green, None);
    let acted = Fact::Guard(cutover::testing::domain::Breach {
        row: None,
        unit: None,
        metric,
        side,
        value: 612.0,
        bound: Bound::at_most(250.0),
        samples: 300,
        worse_by,
        action: GuardAction::Rollback,
    });
    vec![
        record(-50.0, "gate", Fact::Gate { evidence }),
        record(0.0, "mara", Fact::Started { live: Side::Blue, versions }),
        record(0.0, "mara", Fact::Ordered { order: there, digest: Some(Digest::of(["x"])), why: None, cause: None }),
        record(0.3, "mara", is("a1", OrderState::Verified)),
        record(46.0, "auto", acted),
        record(
            46.0,
            "auto",
            Fact::Ordered { order: back, digest: None, why: Some("guard p99".into()), cause: Some(Cause::Guard) },
        ),
        record(48.2, "auto", is("b2", OrderState::Verified)),
        record(90.0, "mara", Fact::Note { text: "INC-2291, see <b>the</b> channel".into() }),
    ]
}

/// Green is slow from second 40 on.
fn sample(s: i64) -> Sample {
    let side = |p99| Some(SideSample { n: 500, rps: 50.0, error_rate: 0.002, p50: Some(12.0), p99: Some(p99) });
    Sample {
        at: Stamp::epoch().plus_ms(s * 1000).wall,
        over_s: 10,
        split: Some(Split::toward(Side::Green, if (1..49).contains(&s) { 10 } else { 0 })),
        sides: Pair {
            blue: side(31.0),
            green: side(if s >= 40 { 612.0 } else { 33.0 }).filter(|_| (1..52).contains(&s)),
        },
    }
}

#[test]
fn it_is_told_in_three_forms() {
    let left = Left::new();
    let text = left.printed(&[]);
    for told in
        ["**rolled back**", "| time to detect | 6.0 s", "| time to roll back | 2.2 s |", "INC-2291", "10 misses"]
    {
        assert!(text.contains(told), "{told:?} in {text}");
    }
    for args in [&["-o", "json"][..], &["--format", "json"]] {
        let json: Value = serde_json::from_str(&left.printed(args)).unwrap();
        let rollout = &json["rollouts"][0];
        assert_eq!((&json["schema_version"], &rollout["outcome"]), (&1.into(), &"rolled_back".into()));
        assert_eq!((&rollout["times"]["to_detect"], &rollout["times"]["to_roll_back"]), (&6.0.into(), &2.2.into()));
        assert_eq!(rollout["samples"].as_array().unwrap().len(), 70);
    }
    assert_eq!(left.printed(&["--to", "out.html"]), "out.html\n");
    let page = std::fs::read_to_string(left.dir.path().join("out.html")).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("612 ms") && !page.contains("<script"));
    assert_eq!(page.matches("<svg").count(), left.printed(&["--format", "html"]).matches("<svg").count());
}

#[test]
fn what_is_asked_for_wrongly_is_refused() {
    let left = Left::new();
    for (args, told) in [
        (&["--rollout", "2"][..], "there is no rollout 2: the journal tells of 1"),
        (&["--rollout", "0"], "1 is the first"),
        (&["--since", "yesterday"], "is no time"),
        (&["--format", "html", "-o", "json"], "leave out --format"),
    ] {
        let output = left.report(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(told), "{args:?}: {said}");
    }
    let output = left.report(&["--to", "no/such/dir/x.md"]);
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    std::fs::remove_file(left.state().join(FILE_NAME)).unwrap();
    let output = left.report(&[]);
    assert_eq!(output.status.code(), Some(1), "a journal that is not there is no empty report");
    assert!(String::from_utf8_lossy(&output.stderr).contains("create the directory"));
}

/// What somebody does to a journal.
type Damage = fn(String) -> String;

#[test]
fn a_damaged_record_is_told_and_what_is_readable_is_reported() {
    let file = |left: &Left| left.state().join(FILE_NAME);
    let damage: [(&str, Damage); 2] = [
        ("it was changed after it was written", |text| text.replace("\"mara\"", "\"nobody\"")),
        ("the last line is torn", |text| text[..text.len() - 20].to_owned()),
    ];
    for (told, damage) in damage {
        let left = Left::new();
        let text = std::fs::read_to_string(file(&left)).unwrap();
        std::fs::write(file(&left), damage(text)).unwrap();
        let before = std::fs::read(file(&left)).unwrap();
        let output = left.report(&[]);
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(1), "{err}");
        assert!(err.contains(told) && out.contains("The record is damaged"), "{told}: {out}{err}");
        assert_eq!(std::fs::read(file(&left)).unwrap(), before, "a report touches nothing");
    }
    let left = Left::new();
    let series = left.state().join(cutover::testing::journal::SERIES_NAME);
    let text = std::fs::read_to_string(&series).unwrap();
    std::fs::write(&series, format!("half a li\n{text}")).unwrap();
    assert!(left.printed(&[]).contains("1 lines of the figures in series.jsonl are left out"));
    std::fs::remove_file(&series).unwrap();
    assert!(left.printed(&[]).contains("no figures were kept over this rollout"));
}

/// The browser, and a directory of its own.
struct Browser {
    program: PathBuf,
    dir: tempfile::TempDir,
}

impl Browser {
    fn find() -> Option<Self> {
        let named = std::env::var_os("CUTOVER_CHROMIUM").map(PathBuf::from);
        let path = std::env::var_os("PATH").unwrap_or_default();
        let program = named.or_else(|| {
            let mut all = std::env::split_paths(&path).map(|dir| dir.join("chromium"));
            all.find(|program| program.is_file())
        })?;
        Some(Self { program, dir: tempfile::tempdir().unwrap() })
    }

    /// Opens `page`; what it printed, and what the page had to say on the console.
    fn open(&self, page: &Path, args: &[&str]) -> (String, Vec<String>) {
        let mut command = Command::new(&self.program);
        command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]);
        command.args(["--disable-background-networking", "--disable-component-update", "--disable-sync"]);
        // What the browser wants of its own accord goes nowhere.
        command.args(["--proxy-server=127.0.0.1:1", "--enable-logging=stderr", "--hide-scrollbars"]);
        command.arg(format!("--user-data-dir={}", self.dir.path().join("profile").display()));
        command.args(args).arg(format!("file://{}", page.display())).env("HOME", self.dir.path());
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let pid = rustix::process::Pid::from_child(&child);
        let (to, from) = mpsc::channel();
        std::thread::spawn(move || to.send(child.wait_with_output()));
        let Ok(output) = from.recv_timeout(DEADLINE) else {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            panic!("the browser does not end");
        };
        let output = output.unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{told}");
        let console = told.lines().filter(|line| line.contains(":CONSOLE")).map(str::to_owned).collect();
        (String::from_utf8(output.stdout).unwrap(), console)
    }
}

#[test]
fn a_browser_shows_the_page_and_loads_nothing_else() {
    let Some(browser) = Browser::find() else {
        println!("SKIPPED chromium: it is not installed");
        return;
    };
    let left = Left::new();
    left.printed(&["--to", "page.html"]);
    let page = left.dir.path().join("page.html");
    let (dom, console) = browser.open(&page, &["--dump-dom"]);
    assert_eq!(console, [""; 0], "the page has nothing to complain of");
    for told in ["6.0 s", "2.2 s", "612 ms", "INC-2291", "&lt;script&gt;alert(1)"] {
        assert!(dom.contains(told), "{told:?}");
    }
    assert!(!dom.contains("<script") && !dom.contains("<b>"), "a name became an element");
    assert_eq!(dom.matches("class=\"line ").count(), 1 + 4 + 2 + 2, "a line for each thing that was measured");

    // That it would be seen: the same page, with things in it that it must not have.
    let bad = std::fs::read_to_string(&page)
        .unwrap()
        .replace("</main>", "<img src=\"http://outside.invalid/x.png\"><script>document.title = 'run'</script></main>");
    let tampered = left.dir.path().join("bad.html");
    std::fs::write(&tampered, bad).unwrap();
    let (dom, console) = browser.open(&tampered, &["--dump-dom"]);
    assert_eq!(console.iter().filter(|line| line.contains("Content Security Policy")).count(), 2, "{console:?}");
    assert!(!dom.contains("<title>run</title>"), "what is slipped in does not run");
}

#[test]
fn a_browser_draws_it_for_light_and_for_dark() {
    let Some(browser) = Browser::find() else {
        println!("SKIPPED chromium: it is not installed");
        return;
    };
    let left = Left::new();
    left.printed(&["--to", "page.html"]);
    let page = left.dir.path().join("page.html");
    let draw = |name: &str, more: &[&str]| {
        let picture = browser.dir.path().join(name);
        let to = format!("--screenshot={}", picture.display());
        let (_, console) = browser.open(&page, &[&["--window-size=1100,900", to.as_str()], more].concat());
        assert_eq!(console, [""; 0]);
        std::fs::read(picture).unwrap()
    };
    let light = draw("light.png", &[]);
    let dark = draw("dark.png", &["--blink-settings=preferredColorScheme=0"]);
    for picture in [&light, &dark] {
        assert!(picture.starts_with(b"\x89PNG") && picture.len() > 40_000, "{} bytes: is it empty?", picture.len());
    }
    assert_ne!(light, dark);
}
