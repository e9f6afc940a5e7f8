//! The terminal contract's part on colour, glyphs and themes: T11 to T20, on whole screens and on a real pty.

use crate::support::ui as fixture;

use std::collections::BTreeSet;
use std::path::Path;

use crate::support::pty::{Ended, Pty, PtyCommand};
use cutover::testing::domain::Version;
use cutover::testing::engine::Snapshot;
use cutover::testing::engine::snapshot::{EventLine, GateState, GuardState};
use cutover::testing::ui::{Code, Glyphs, Input, Key, Theme, View, draw};
use fixture::{flush, seeing, states, view};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};
use unicode_width::UnicodeWidthStr;

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 35), (200, 50)];

fn frame(view: &View, width: u16, height: u16) -> Buffer {
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    draw(view, &mut buffer, 600);
    buffer
}

/// Every overlay, prompt and field on every state.
fn screens(theme: &str, glyphs: Glyphs) -> Vec<(String, View)> {
    let mut all = vec![("before anything".to_owned(), view(theme, glyphs))];
    let keys =
        ["", "R", "A", "P", "S", "O", "W", "H", "?", "o", "p", "s", "a", "r", "1+", "2+", "3+", "4+", "5+", "3G\n"];
    for (name, snapshot) in states() {
        for keys in keys.into_iter().chain([":theme li", "/drift", " ", "kk", "3j", ":nonsense\n", ":theme light\n"]) {
            let mut view = seeing(snapshot.clone(), theme, glyphs);
            for c in keys.chars() {
                let key = if c == '\n' { Key::new(Code::Enter) } else { Key::char(c) };
                view.update(Input::Key(key), 0);
            }
            flush(&mut view, 0);
            all.push((format!("{name} {keys:?}"), view));
        }
    }
    all
}

#[test]
fn t11_t16_without_colour_no_cell_has_any_and_attributes_are_still_there() {
    for (name, view) in screens("mono", Glyphs::Unicode) {
        for (width, height) in SIZES {
            let buffer = frame(&view, width, height);
            let colour = buffer.content().iter().find(|cell| cell.fg != Color::Reset || cell.bg != Color::Reset);
            assert!(colour.is_none() || name.contains("theme light"), "{name}: {colour:?}");
            let told =
                buffer.content().iter().any(|cell| cell.modifier.intersects(Modifier::BOLD | Modifier::REVERSED));
            assert!(told, "{name}: nothing stands out");
        }
    }
}

/// Where the screen has which hue; greys and attributes left out.
fn hues(snapshot: Snapshot, width: u16, height: u16) -> Vec<Option<Color>> {
    let hue = |color| match color {
        Color::Rgb(r, g, b) if r != g || g != b => Some(color),
        _ => None,
    };
    frame(&seeing(snapshot, "dark", Glyphs::Unicode), width, height).content().iter().map(|cell| hue(cell.fg)).collect()
}

#[test]
fn t16_no_verdict_changes_a_hue() {
    for (width, height) in SIZES {
        let before = hues(fixture::shifting(), width, height);
        let sides: BTreeSet<String> = before.iter().flatten().map(ToString::to_string).collect();
        assert_eq!(sides.len(), 2, "one hue a side: {sides:?}");
        for state in [GateState::Passed, GateState::Failed, GateState::NotYet, GateState::Stale, GateState::Running] {
            for guard in [GuardState::Ok, GuardState::Breach, GuardState::Tripped] {
                let mut snapshot = fixture::shifting();
                snapshot.status.gates.iter_mut().for_each(|gate| gate.status = state);
                snapshot.status.guards.iter_mut().for_each(|watched| watched.status = guard);
                assert!(hues(snapshot, width, height) == before, "{state:?} and {guard:?} at {width}x{height}");
            }
        }
    }
}

#[test]
fn t18_ascii_mode_draws_nothing_beyond_ascii() {
    for (name, view) in screens("dark", Glyphs::Ascii) {
        for (width, height) in SIZES {
            let buffer = frame(&view, width, height);
            let other = buffer.content().iter().find(|cell| !cell.symbol().is_ascii());
            assert!(other.is_none(), "{name} at {width}x{height}: {other:?}");
        }
    }
}

/// Lines, blocks, arrows, and the four signs that are none of them.
fn is_allowed(c: char) -> bool {
    matches!(c, '\u{2190}'..='\u{21ff}' | '\u{2500}'..='\u{259f}' | '≤' | '≥' | 'Δ' | '▸')
}

#[test]
fn t19_every_glyph_is_one_column_of_box_block_or_arrow() {
    let set = Glyphs::Unicode.set().all();
    for glyph in &set {
        assert_eq!(glyph.width(), 1, "{glyph}");
        assert!(glyph.chars().all(is_allowed), "{glyph} is of no block that terminals can be trusted with");
    }
    // In the East Asian reading they are two columns: no choice of lines could help that, so `--ascii` must.
    assert!(set.iter().any(|glyph| glyph.width_cjk() == 2));
    for glyph in Glyphs::Ascii.set().all() {
        assert!(glyph.is_ascii() && glyph.width_cjk() == glyph.len(), "{glyph}");
    }
}

#[test]
fn t19_screens_of_plain_names_use_the_set_alone() {
    let set: BTreeSet<&str> = Glyphs::Unicode.set().all().into_iter().collect();
    for (name, view) in screens("dark", Glyphs::Unicode).into_iter().filter(|(name, _)| !name.starts_with("long")) {
        for (width, height) in SIZES {
            let buffer = frame(&view, width, height);
            let other = buffer.content().iter().find(|cell| !cell.symbol().is_ascii() && !set.contains(cell.symbol()));
            assert!(other.is_none(), "{name} at {width}x{height}: {other:?}");
        }
    }
}

/// What shifts columns somewhere.
const TROUBLE: [&str; 14] = [
    "v42",
    " ",
    "日本語",
    "e\u{301}",
    "\u{302}",
    "👍🏽",
    "👩\u{200d}🔬",
    "❤\u{fe0f}",
    "🇩🇪",
    "שלום",
    "مرحبا",
    "\u{e0b0}",
    "각",
    "क्षि",
];

#[test]
fn t20_no_name_shifts_a_border() {
    let mut rng = fastrand::Rng::with_seed(20);
    let mut name = move || -> String { (0..rng.usize(1..9)).map(|_| TROUBLE[rng.usize(..TROUBLE.len())]).collect() };
    for (width, height) in SIZES {
        let plain = frame(&seeing(fixture::shifting(), "dark", Glyphs::Unicode), width, height);
        // Upright lines stand where they stood, whatever the names. (Those across hold titles.)
        let borders: Vec<_> = plain.area.positions().filter(|at| plain[*at].symbol() == "│").collect();
        assert!(borders.len() > 20);
        for _ in 0..150 {
            let mut snapshot = fixture::shifting();
            let status = &mut snapshot.status;
            status.service = name();
            status.environment = name();
            status.sides.blue.version = Some(Version::from_text(&name()));
            status.sides.green.version = Some(Version::from_text(&name()));
            for gate in &mut status.gates {
                (gate.name, gate.note) = (name(), name());
            }
            for blocked in &mut status.blocked {
                blocked.because = name();
            }
            let event = EventLine { at: fixture::now(), by: name(), text: name(), warn: false, ordered: None };
            snapshot.events = std::sync::Arc::new(vec![event; 5]);
            let buffer = frame(&seeing(snapshot, "dark", Glyphs::Unicode), width, height);
            for at in &borders {
                assert_eq!(buffer[*at].symbol(), "│", "at {at} of {width}x{height}");
            }
            for y in 0..height {
                let line: usize = columns(&buffer, y);
                assert_eq!(line, usize::from(width), "line {y} of {width}x{height}");
            }
        }
    }
}

/// The columns a line takes on a terminal: the cells behind a wide character are not sent.
fn columns(buffer: &Buffer, y: u16) -> usize {
    let (mut x, mut sum) = (0, 0);
    while x < buffer.area.width {
        let wide = buffer[(x, y)].symbol().width();
        sum += wide.max(1);
        x += wide.max(1) as u16;
    }
    sum
}

// On a real pty: the console on a config whose gateway and replicas are not there, which draws all the same.

fn config(dir: &Path, more: &str) {
    let text = format!(
        "[service]\nname = \"digits\"\nenvironment = \"test\"\n[blue]\nurls = [\"http://127.0.0.1:1\"]\n\
         [green]\nurls = [\"http://127.0.0.1:2\"]\n[backend]\nkind = \"embedded\"\nadmin = \"{0}/none.sock\"\n\
         [state]\ndir = \"{0}/state\"\n{more}",
        dir.display()
    );
    std::fs::write(dir.join("cutover.toml"), text).unwrap();
}

/// The console; its environment and flags are the test's to add.
fn console(dir: &Path) -> PtyCommand {
    PtyCommand::new(env!("CARGO_BIN_EXE_cutover"))
        .args(["-c".as_ref(), dir.join("cutover.toml").as_os_str()])
        .env("HOME", dir)
        .env("XDG_CONFIG_HOME", dir.join("xdg"))
        .env("USER", "op1")
}

fn has(screen: &vt100::Screen, text: &str) -> bool {
    screen.contents().contains(text)
}

/// A command on the command line: pasted into its field, where a paste is text, and entered by hand.
fn typed(pty: &mut Pty, line: &str) {
    pty.send(":");
    let columns = pty.screen().size().1.get();
    pty.wait_for("the command line", |screen| screen.rows(0, columns).last().is_some_and(|line| line.starts_with(':')));
    pty.send(format!("\x1b[200~{line}\x1b[201~"));
    pty.wait_for_text(&format!(":{line}"));
    pty.send("\r");
}

/// Waits for the clock of the console: more than six keys within 20 ms are a paste.
fn next_second(pty: &mut Pty) {
    let columns = pty.screen().size().1.get();
    let clock = |screen: &vt100::Screen| screen.rows(0, columns).next();
    let before = clock(pty.screen());
    pty.wait_for("another second", |screen| clock(screen) != before);
}

fn quit(pty: &mut Pty) {
    pty.send("q");
    assert_eq!(pty.wait_end(), Ended::Code(0), "{}", pty.screen().contents());
    pty.assert_restored();
}

/// Through every pane and overlay at three sizes, and out; all bytes that were sent.
fn walk(command: PtyCommand) -> Vec<u8> {
    let mut pty = command.spawn();
    pty.wait_for("the first screen", |screen| has(screen, "BLUE") && has(screen, "ROLLBACK") && has(screen, "FAULT"));
    for (columns, rows) in SIZES {
        pty.resize(columns, rows);
        pty.wait_for("the new size", |screen| {
            let last = usize::from(rows) - 2;
            screen.rows(0, columns).nth(last).is_some_and(|line| line.contains("ROLLBACK"))
        });
        for (key, seen) in [("?", "Esc close"), ("o", "Esc close"), ("R", "y = ")] {
            // What comes right behind an Esc may be the rest of a split sequence, and is dropped.
            pty.send_until(key, seen, |screen| has(screen, seen));
            pty.send("\x1b");
            pty.wait_for("it to close", |screen| !has(screen, seen));
        }
    }
    quit(&mut pty);
    pty.raw_output().to_vec()
}

/// Every SGR sequence's parameters.
fn sgr(raw: &[u8]) -> Vec<Vec<u16>> {
    let text = String::from_utf8_lossy(raw).into_owned();
    let ends = |rest: &str| rest.find(|c: char| !c.is_ascii_digit() && c != ';' && c != ':');
    text.split("\x1b[")
        .skip(1)
        .filter_map(|rest| ends(rest).filter(|at| rest[*at..].starts_with('m')).map(|at| &rest[..at]))
        .map(|codes| codes.split([';', ':']).map(|code| code.parse().unwrap_or(0)).collect())
        .collect()
}

/// What kinds of colour were sent.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    named: bool,
    indexed: bool,
    rgb: bool,
    attributes: bool,
}

fn seen(raw: &[u8]) -> Seen {
    let mut seen = Seen::default();
    for codes in sgr(raw) {
        let mut codes = codes.into_iter();
        while let Some(code) = codes.next() {
            match code {
                38 | 48 | 58 => {
                    let kind = codes.next();
                    seen.indexed |= kind == Some(5);
                    seen.rgb |= kind == Some(2);
                    codes.by_ref().take(if kind == Some(5) { 1 } else { 3 }).for_each(drop);
                }
                30..=49 | 90..=107 => seen.named = true,
                1 | 7 => seen.attributes = true,
                _ => {}
            }
        }
    }
    seen
}

#[test]
fn t11_no_color_sends_no_colour_at_three_sizes_and_bold_stays() {
    let dir = tempfile::tempdir().unwrap();
    config(dir.path(), "");
    let raw = walk(console(dir.path()).env("NO_COLOR", "1").env("COLORTERM", "truecolor"));
    assert_eq!(seen(&raw), Seen { attributes: true, ..Seen::default() });
    let bare = String::from_utf8_lossy(&raw).matches("\x1b[m").count();
    assert_eq!(bare, 0, "a bare reset ends bold and reverse");
}

/// The console's first screens on a terminal, then left.
fn glance(command: PtyCommand) -> Vec<u8> {
    let mut pty = command.spawn();
    pty.wait_for("the screen", |screen| has(screen, "BLUE") && has(screen, "ROLLBACK") && has(screen, "FAULT"));
    quit(&mut pty);
    pty.raw_output().to_vec()
}

/// `[ui]`, environment, arguments, and what is sent.
type Row = (&'static str, &'static [(&'static str, &'static str)], &'static [&'static str], Seen);

#[test]
fn t12_t13_t14_the_stream_has_no_more_colours_than_term_flag_and_config_allow() {
    let none = Seen { attributes: true, ..Seen::default() };
    let named = || Seen { named: true, attributes: true, ..Seen::default() };
    let indexed = || Seen { indexed: true, attributes: true, ..Seen::default() };
    let rgb = || Seen { rgb: true, attributes: true, ..Seen::default() };
    let table: [Row; 12] = [
        ("", &[("TERM", "xterm")], &[], named()),
        ("", &[("TERM", "xterm-256color")], &[], indexed()),
        ("", &[("TERM", "alacritty")], &[], indexed()),
        ("", &[("TERM", "xterm-direct")], &[], rgb()),
        ("", &[("TERM", "xterm"), ("COLORTERM", "truecolor")], &[], rgb()),
        ("", &[("TERM", "vt220")], &[], none),
        ("depth = \"truecolor\"", &[("TERM", "xterm")], &[], rgb()),
        ("depth = \"16\"", &[("TERM", "xterm-256color"), ("NO_COLOR", "1")], &[], named()),
        ("color = \"never\"", &[("FORCE_COLOR", "1")], &[], Seen { attributes: true, ..Seen::default() }),
        ("color = \"never\"", &[], &["--color=always"], indexed()),
        ("color = \"always\"", &[("NO_COLOR", "1")], &[], indexed()),
        ("depth = \"truecolor\"", &[], &["--color=never"], Seen { attributes: true, ..Seen::default() }),
    ];
    for (ui, env, args, want) in table {
        let dir = tempfile::tempdir().unwrap();
        config(dir.path(), &format!("[ui]\n{ui}\n"));
        let command =
            env.iter().fold(console(dir.path()).args(args), |command, (name, value)| command.env(name, value));
        assert_eq!(seen(&glance(command)), want, "{ui} {env:?} {args:?}");
    }
}

#[test]
fn t18_where_the_locale_is_not_utf8_every_byte_is_ascii() {
    let dir = tempfile::tempdir().unwrap();
    config(dir.path(), "");
    let raw = walk(console(dir.path()).env("LC_ALL", "C"));
    assert!(raw.is_ascii(), "{:?}", raw.iter().position(|byte| *byte >= 0x80));
    let asked = |command: PtyCommand| glance(command).is_ascii();
    assert!(asked(console(dir.path()).env("LC_ALL", "POSIX")));
    assert!(asked(console(dir.path()).env("TERM", "linux")));
    assert!(asked(console(dir.path()).args(["--ascii"])));
    assert!(asked(console(dir.path()).env("CUTOVER_ASCII", "1")));
    assert!(!asked(console(dir.path())), "lines are drawn where they can be");
    assert!(!asked(console(dir.path()).env("LC_ALL", "C").env("CUTOVER_ASCII", "0")));
    config(dir.path(), "[ui]\nascii = true\n");
    assert!(asked(console(dir.path())));
    config(dir.path(), "[ui]\nascii = false\n");
    assert!(!asked(console(dir.path()).env("LC_ALL", "C")));
    assert!(asked(console(dir.path()).args(["--ascii"])), "the flag goes before the config");
}

/// A theme of the user's by name.
fn own(dir: &Path, name: &str, text: &[u8]) {
    let themes = dir.join("xdg/cutover/themes");
    std::fs::create_dir_all(&themes).unwrap();
    std::fs::write(themes.join(format!("{name}.toml")), text).unwrap();
}

#[test]
fn a_theme_comes_from_flag_then_environment_then_config() {
    let dir = tempfile::tempdir().unwrap();
    for (name, color) in [("one", 201), ("two", 202), ("three", 203)] {
        own(dir.path(), name, format!("inherits = \"dark\"\n[palette]\nblue = {color}\n").as_bytes());
    }
    let file = dir.path().join("four.toml");
    std::fs::write(&file, "inherits = \"three\"\n[palette]\nblue = 204\n").unwrap();
    let drawn = |command: PtyCommand, color: u16| {
        let codes = sgr(&glance(command));
        let found = codes.iter().any(|codes| codes.windows(3).any(|part| part == [38, 5, color]));
        assert!(found, "{color} in {codes:?}");
    };
    config(dir.path(), "[ui]\ntheme = \"three\"\n");
    drawn(console(dir.path()), 203);
    drawn(console(dir.path()).env("CUTOVER_THEME", "two"), 202);
    drawn(console(dir.path()).env("CUTOVER_THEME", "two").args(["--theme", "one"]), 201);
    drawn(console(dir.path()).args(["--theme".as_ref(), file.as_os_str()]), 204);
    // A file named in the config starts from the config's directory.
    config(dir.path(), "[ui]\ntheme = \"four.toml\"\n");
    drawn(console(dir.path()), 204);
}

#[test]
fn a_broken_theme_stops_the_start_with_78_file_line_and_remedy() {
    let dir = tempfile::tempdir().unwrap();
    config(dir.path(), "");
    let (big, lost) = (vec![b'#'; 10_000_000], "inherits = \"nothing\"");
    for (name, text, says) in [
        (
            "role",
            &b"inherits = \"dark\"\n[roles]\ntitel = {}"[..],
            "themes/role.toml:3:1: [roles]: unknown role \"titel\"; did you mean title?",
        ),
        (
            "color",
            b"inherits = \"dark\"\n[palette]\nblue = \"bleu\"",
            "color.toml:3:1: [palette] blue: \"bleu\" is not a colour; write",
        ),
        ("circle", b"inherits = \"circle\"", "circle.toml:1:12: inherits: a circle: circle > circle; let"),
        ("lost", lost.as_bytes(), "lost.toml:1:12: inherits: there is no theme \"nothing\"; known are dark"),
        ("kind", b"roles = 7", "kind.toml:1:9: roles: must be a table, not a number; write"),
        ("bytes", b"# \xff", "bytes.toml:1:3: byte 0xff is not UTF-8; save"),
        ("big", &big, "big.toml: is larger than 64 KB; a theme"),
        ("dark", b"", "dark.toml: has the name of the theme dark"),
    ] {
        own(dir.path(), name, text);
        let mut pty = console(dir.path()).args(["--theme", name]).size(400, 24).spawn();
        assert_eq!(pty.wait_end(), Ended::Code(78), "{name}: {}", pty.screen().contents());
        assert!(has(pty.screen(), says), "{name}: {}", pty.screen().contents());
        assert!(!pty.raw_text().contains("\x1b[?1049h"), "{name}: the screen was never taken");
    }
    let mut pty = console(dir.path()).env("CUTOVER_THEME", "neon").spawn();
    assert_eq!(pty.wait_end(), Ended::Code(78));
}

#[test]
fn a_theme_is_changed_while_it_runs_and_a_broken_one_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    config(dir.path(), "");
    own(dir.path(), "mine", b"inherits = \"dark\"\n[palette]\nblue = 201\n");
    own(dir.path(), "broken", b"inherits = \"dark\"\n[roles]\ntitel = {}\n");
    let mut pty = console(dir.path()).size(200, 24).spawn();
    pty.wait_for("the screen", |screen| has(screen, "BLUE") && has(screen, "ROLLBACK"));
    typed(&mut pty, "theme broken");
    pty.wait_for_text("theme dark stays; broken: ");
    assert!(has(pty.screen(), "broken.toml:3:1: [roles]: unknown role \"titel\""), "{}", pty.screen().contents());
    assert!(!pty.raw_text().contains("38;5;201"));
    typed(&mut pty, "theme mine");
    pty.wait_for_text("theme mine, until you leave");
    pty.wait_for_raw("its blue", |raw| String::from_utf8_lossy(raw).contains("38;5;201"));
    typed(&mut pty, "theme mono");
    pty.wait_for_text("theme mono, until you leave");
    let screen = pty.screen();
    let (rows, columns) = screen.size();
    let cells = (0..rows.get()).flat_map(|y| (0..columns.get()).filter_map(move |x| screen.cell(y, x)));
    let plain = cells.into_iter().all(|cell| cell.fgcolor() == vt100::Color::Default);
    assert!(plain, "no cell of the old theme is left");
    next_second(&mut pty);
    quit(&mut pty);
}

#[test]
fn the_theme_in_the_manual_is_one() {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/manual/themes.md")).unwrap();
    let shown =
        page.split("```toml theme\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a theme is shown");
    let theme = Theme::parse(shown).unwrap_or_else(|error| panic!("{error}"));
    assert_ne!(theme, Theme::load("dark").unwrap());
    assert!(page.contains("assets/themes.svg"));
}
