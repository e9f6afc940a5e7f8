//! A recording, replayed, gives the very same screens: the demo's ten stories, in a world in memory.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use cutover::testing::demo::scenario::Scenario;
use cutover::testing::domain::*;
use cutover::testing::engine::{Command, Effect, Event, Phase, Snapshot, State};
use cutover::testing::record::{Entry, Player, Recorder, Recording, read};
use cutover::testing::ui::{self, Glyphs, Input, Theme, View};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::sim::{Sim, service};

/// A screen of 80x24 that is drawn at every tick.
struct Screen {
    view: View,
    frames: Vec<(Stamp, String)>,
}

impl Screen {
    fn new() -> Self {
        let theme = Theme::load("dark").unwrap().for_depth(ui::Depth::None);
        let me = Actor { name: "op1".into(), via: "console".into() };
        let view = View::new(ui::Options { theme, glyphs: Glyphs::Unicode, me, scenarios: Vec::new() });
        Self { view, frames: Vec::new() }
    }

    fn take(&mut self, input: Input, now: Stamp) {
        self.view.update(input, now.mono_ms as u64);
    }

    fn draw(&mut self, snapshot: Snapshot, now: Stamp) {
        self.take(Input::Snapshot(snapshot.into()), now);
        let mut buffer = Buffer::empty(Rect::new(0, 0, 80, 24));
        ui::draw(&self.view, &mut buffer, now.mono_ms as u64);
        let rows = buffer.content.chunks(80);
        let text: Vec<String> = rows.map(|row| row.iter().map(ratatui::buffer::Cell::symbol).collect()).collect();
        self.frames.push((now, text.join("\n")));
    }
}

/// Looks on while a story is told, and records it.
pub struct Live {
    recorder: Recorder,
    screen: Screen,
    now: Stamp,
    is_tick: bool,
}

impl Live {
    fn start(path: &Path, limit: u64, sim: &Sim) -> Self {
        let recorder = Recorder::start(path, limit, sim.now, &sim.state).unwrap();
        Self { recorder, screen: Screen::new(), now: sim.now, is_tick: false }
    }

    pub fn before(&mut self, now: Stamp, event: &Event, state: &State) {
        self.recorder.event(now, event, state);
        (self.now, self.is_tick) = (now, matches!(event, Event::Tick));
    }

    pub fn after(&mut self, effects: &[Effect], state: &mut State) {
        for effect in effects {
            if let Effect::Log(line) = effect {
                self.screen.take(Input::Line(line.clone()), self.now);
            }
        }
        if self.is_tick {
            self.screen.draw(state.snapshot(), self.now);
        }
    }
}

/// The screens of a recording, at its ticks.
fn replayed(recording: Recording) -> Vec<(Stamp, String)> {
    let ticks: Vec<bool> = recording
        .entries
        .iter()
        .skip(1)
        .map(|entry| matches!(entry, Entry::Event { event: Event::Tick, .. }))
        .collect();
    let (mut player, mut screen) = (Player::new(recording).unwrap(), Screen::new());
    for is_tick in ticks {
        let step = player.step().unwrap();
        let now = player.now();
        step.lines.into_iter().for_each(|line| screen.take(Input::Line(line), now));
        if is_tick {
            screen.draw(player.snapshot(), now);
        }
    }
    screen.frames
}

fn watched() -> Service {
    let mut service = service();
    let guard = service.guards[0].clone();
    let versus = Some(Comparison { worse_by: 0.5, sure: 0.99 });
    service.guards.push(GuardSpec { metric: Metric::ErrorRate, bound: Bound::at_most(0.02), ..guard.clone() });
    service.guards.push(GuardSpec { metric: Metric::P50, bound: Bound::at_most(1_000.0), versus, ..guard });
    service.gates.extend(["smoke", "load"].map(|name| GateSpec { name: name.into(), ..service.gates[0].clone() }));
    service
}

/// One of the demo's stories, and the phase it ends in.
fn tell(scenario: Scenario, sim: &mut Sim) -> Phase {
    let good = Pair { blue: 20, green: 21 };
    sim.gate_verdicts = match scenario {
        Scenario::WrongGreen => |name| if name == "golden" { Verdict::Failed } else { Verdict::Passed },
        Scenario::SluggishGreen => |name| if name == "health" { Verdict::Failed } else { Verdict::Passed },
        Scenario::FragileGreen => |name| if name == "smoke" { Verdict::Failed } else { Verdict::Passed },
        Scenario::NarrowGreen => |name| if name == "load" { Verdict::Failed } else { Verdict::Passed },
        _ => |_| Verdict::Passed,
    };
    // A new version, so that every gate runs in this story.
    sim.version.green = "v43";
    sim.traffic(8, 100, good);
    sim.ask(Command::Promote);
    sim.traffic(5, 100, good);
    match scenario {
        Scenario::WrongGreen | Scenario::SluggishGreen | Scenario::FragileGreen | Scenario::NarrowGreen => {
            return Phase::Idle;
        }
        Scenario::SlowGreen => sim.traffic(40, 200, Pair { green: 900, ..good }),
        Scenario::WorseGreen => sim.traffic(200, 1000, Pair { green: 80, ..good }),
        Scenario::FlakyGreen | Scenario::DeadGreen => {
            sim.ready.green = scenario == Scenario::FlakyGreen;
            for _ in 0..40 {
                sim.traffic.sides.green.by_class[5] += 10;
                sim.traffic(1, 200, good);
            }
        }
        Scenario::Good | Scenario::DeadBlue => {
            sim.traffic(60, 100, good);
            sim.ask(Command::Promote);
            sim.traffic(61, 100, good);
            sim.ask(Command::Promote);
            sim.ready.blue = scenario == Scenario::Good;
            sim.traffic(10, 100, good);
            if scenario == Scenario::DeadBlue {
                return Phase::Switched;
            }
            sim.ask(Command::Finalize);
            sim.traffic(2, 100, good);
            return Phase::Finalized;
        }
    }
    Phase::RolledBack
}

#[test]
fn a_replay_of_each_of_the_demos_stories_shows_the_very_same_screens() {
    let dir = tempfile::tempdir().unwrap();
    for &scenario in Scenario::all() {
        let file = dir.path().join(scenario.to_string());
        let mut sim = Sim::with(&watched());
        sim.live = Some(Live::start(&file, u64::MAX, &sim));
        let ends_in = tell(scenario, &mut sim);
        let live = sim.live.take().unwrap();
        let last = &live.screen.frames.last().unwrap().1;
        assert_eq!(sim.status().phase, ends_in, "{scenario}:\n{last}");
        live.recorder.flush();
        assert_eq!(live.recorder.fault(), None);
        let recording = read(&file).unwrap();
        assert_eq!((recording.torn, recording.lost), (0, 0));
        let frames = replayed(recording);
        assert!(frames.len() >= 10);
        for (live, replay) in live.screen.frames.iter().zip(&frames) {
            assert_eq!(live, replay, "{scenario}");
        }
        assert_eq!(live.screen.frames.len(), frames.len(), "{scenario}");
        if scenario != Scenario::Good {
            continue;
        }
        // The comparison can fail: one entry less is seen.
        let mut short = read(&file).unwrap();
        let ordered = short.entries.iter().position(|entry| {
            matches!(entry, Entry::Event { event: Event::Asked(request), .. } if request.command == Command::Promote)
        });
        short.entries.remove(ordered.unwrap());
        assert!(live.screen.frames != replayed(short), "{scenario}");
    }
}

#[test]
fn a_recording_at_its_limit_goes_on_in_a_new_file_that_replays_from_its_beginning() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("tape");
    let mut sim = Sim::with(&watched());
    sim.live = Some(Live::start(&file, 30_000, &sim));
    for _ in 0..400 {
        sim.traffic(1, 100, Pair { blue: 20, green: 21 });
        // The queue is bounded: what comes faster than any disk takes it is lost, and that is told.
        sim.live.as_ref().unwrap().recorder.flush();
    }
    let live = sim.live.take().unwrap();
    let before = dir.path().join("tape.1");
    assert!(before.metadata().unwrap().len() < 200_000 && file.metadata().unwrap().len() < 200_000);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2);
    let both = replayed(read(&file).unwrap());
    assert!(both.len() < live.screen.frames.len(), "the beginning is gone");
    std::fs::remove_file(&before).unwrap();
    let last = replayed(read(&file).unwrap());
    assert!(last.len() < both.len());
    for frames in [both, last] {
        let from = live.screen.frames.iter().position(|(at, _)| *at == frames[0].0).unwrap();
        // A log line of before the state that a file begins with is not on its screens: compared from the figures up.
        let upper = |frames: &[(Stamp, String)]| -> Vec<String> {
            frames.iter().map(|(_, text)| text.lines().take(12).collect::<Vec<_>>().join("\n")).collect()
        };
        assert_eq!(upper(&live.screen.frames[from..]), upper(&frames));
    }
}

#[test]
fn a_torn_end_is_read_over_and_what_is_no_recording_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("tape");
    let mut sim = Sim::new();
    sim.live = Some(Live::start(&file, u64::MAX, &sim));
    sim.seconds(5);
    sim.live.take().unwrap().recorder.flush();
    let text = std::fs::read_to_string(&file).unwrap();
    let whole = read(&file).unwrap().entries.len();
    std::fs::write(&file, &text[..text.len() - 10]).unwrap();
    let recording = read(&file).unwrap();
    assert_eq!((recording.entries.len(), recording.torn), (whole - 1, 1));
    std::fs::write(
        &file,
        text.replacen("\"format\":1", "\"format\":0", 1).replacen("\"state\":{\"world\"", "\"s\":{\"world\"", 1),
    )
    .unwrap();
    assert!(read(&file).unwrap_err().to_string().contains("use that version"));
    std::fs::write(&file, "{}\n").unwrap();
    assert!(read(&file).unwrap_err().to_string().contains("is not a recording"));
}

#[test]
fn t10_a_recording_holds_no_secret_of_the_config() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("tape");
    let mut service = service();
    let secret = || "hunter2".to_owned();
    let headers = vec![("authorization".into(), HeaderValue::Plain(secret()))];
    let (url, transport) = (AlertUrl::Plain(secret()), Transport::default());
    let way = AlertWay::Webhook { url, headers, form: AlertForm::Json, transport };
    service.alerts.push(AlertSpec { name: "chat".into(), way, on: vec![AlertKind::Gate], timeout_ms: 1 });
    let sim = Sim::with(&service);
    Live::start(&file, u64::MAX, &sim).recorder.flush();
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(!text.contains("hunter2"), "{text}");
    let player = Player::new(read(&file).unwrap()).unwrap();
    assert_eq!(player.service().gates[1].name, service.gates[1].name);
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
}
