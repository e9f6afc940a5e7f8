//! Recordings of the demo, and their replay: the real program, the real screen.

use std::collections::HashSet;
use std::path::Path;
use std::process::Command;

use cutover::testing::demo::linear::figures;
use cutover::testing::domain::{Actor, Stamp};
use cutover::testing::record::{Player, read};
use cutover::testing::ui::{self, Glyphs, Input, Theme, View};
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;

use crate::support::pty::{Ended, PtyCommand};
use crate::support::stage::{BIN, run};

/// Every figure that was printed while a story was told is seen again when its recording in `tape` is replayed.
pub fn assert_same_figures(tape: &Path, told: &[String]) {
    let recording = read(tape).unwrap();
    assert_eq!((recording.torn, recording.lost), (0, 0), "{}", tape.display());
    let mut player = Player::new(recording).unwrap();
    let mut seen = HashSet::new();
    while player.step().is_some() {
        seen.insert(figures(&player.snapshot().status));
    }
    let printed: Vec<&String> = told.iter().filter(|line| line.contains(" split ") && line.contains("p99")).collect();
    assert!(!printed.is_empty(), "{told:?}");
    for line in printed {
        assert!(seen.contains(line), "{line} is not in the replay of {}", tape.display());
    }
}

/// The screens of the last seconds of a recording.
fn last_screens(tape: &Path) -> Vec<String> {
    let mut player = Player::new(read(tape).unwrap()).unwrap();
    let theme = Theme::load("dark").unwrap().for_depth(ui::Depth::None);
    let me = Actor { name: "op1".into(), via: "console".into() };
    let mut view = View::new(ui::Options { theme, glyphs: Glyphs::Unicode, me, scenarios: Vec::new() });
    let from = player.span().1.mono_ms - 5_000;
    let lines = player.seek(from);
    view.update(Input::Lines { lines, dropped: 0 }, 0);
    let mut screens = Vec::new();
    while let Some(played) = player.step() {
        let Stamp { mono_ms, .. } = player.now();
        let now = mono_ms as u64;
        played.lines.into_iter().for_each(|line| drop(view.update(Input::Line(line), now)));
        view.update(Input::Snapshot(player.snapshot().into()), now);
        let mut buffer = Buffer::empty(Rect::new(0, 0, 80, 24));
        ui::draw(&view, &mut buffer, now);
        let rows = buffer.content.chunks(80).map(|row| row.iter().map(Cell::symbol).collect::<String>());
        screens.push(rows.map(|row| row.trim_end().to_owned()).collect::<Vec<_>>().join("\n"));
    }
    screens
}

#[test]
fn a_console_is_recorded_and_its_very_screen_is_seen_again() {
    let home = tempfile::tempdir().unwrap();
    let tape = home.path().join("tape");
    let mut pty = PtyCommand::new(BIN)
        .args(["demo", "--rps", "60", "--record"])
        .args([&tape])
        .env("HOME", home.path())
        .env("CUTOVER_ASCII", "0")
        .spawn();
    pty.wait_for_text("digits   READY");
    let live = pty.screen().contents();
    let live: Vec<&str> = live.lines().map(str::trim_end).collect();
    pty.send("q");
    assert_eq!(pty.wait_end(), Ended::Code(0));
    let screens = last_screens(&tape);
    let nearest = screens.iter().max_by_key(|screen| screen.lines().zip(&live).filter(|(a, b)| a == *b).count());
    assert_eq!(nearest.unwrap().lines().collect::<Vec<_>>(), live, "no moment of the replay has the live screen");

    let replay = |args: &[&str]| run(Command::new(BIN).arg("replay").arg(&tape).args(args).env("HOME", home.path()));
    let checked = replay(&["--check", "-o", "json"]).json();
    assert_eq!((&checked["torn"], &checked["lost"]), (&0.into(), &0.into()), "{checked}");
    let shown = replay(&["--once", "--size", "120x35"]).out;
    assert_eq!(shown.lines().count(), 35, "{shown}");
    assert!(shown.contains("REPLAY END") && shown.contains("digits") && !shown.contains('\u{1b}'), "{shown}");
    assert_eq!(replay(&["--once", "-o", "json"]).json()["phase"], "ready");
    assert!(replay(&["--once", "--at", "0"]).out.contains("REPLAY"));
    replay(&["--once", "--at", "noon"]).ends(2);

    let mut pty = PtyCommand::new(BIN).args(["replay", "--speed", "2"]).args([&tape]).env("HOME", home.path()).spawn();
    pty.wait_for_text("REPLAY x2");
    pty.send(" ");
    pty.wait_for_text("REPLAY PAUSED");
    pty.send("]");
    pty.send("P");
    pty.wait_for_text("read-only");
    // Closes the preview.
    pty.send("q");
    pty.send(" ");
    pty.wait_for_text("REPLAY END");
    pty.send("[");
    pty.wait_for_text("REPLAY x2");
    pty.send("q");
    assert_eq!(pty.wait_end(), Ended::Code(0));
    pty.assert_restored();
}
