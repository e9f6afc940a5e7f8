//! README and manual against the program: generated tables, links, pictures, configs and commands.
//!
//! `UPDATE_MANUAL=1 cargo test --test docs` writes the generated parts anew.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use cutover::testing::cli::{args, exit};
use cutover::testing::config;
use cutover::testing::demo::scenario::Scenario;
use cutover::testing::manual::{markdown, topics};
use cutover::testing::ui::actions::{self, Danger};
use cutover::testing::ui::theme;

type Outcome = Result<(), Box<dyn Error>>;

const END: &str = "<!-- /generated -->";
/// A page with pictures larger than this opens slowly.
const PICTURE_BYTES: u64 = 150 * 1024;
/// A film has as many pictures as it has changes.
const FILM_BYTES: u64 = 800_000;
/// Longer than this nobody reads a README.
const README_LINES: usize = 200;
/// What a fragment of a config is completed with, section by section.
const BASE: [(&str, &str); 5] = [
    ("[service]", "name = \"m\""),
    ("[blue]", "urls = [\"http://127.0.0.1:9001\"]"),
    ("[green]", "urls = [\"http://127.0.0.1:9002\"]"),
    ("[backend]", "kind = \"embedded\""),
    ("[gateway]", "listen = \"127.0.0.1:8080\""),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A page of the manual as it was written, with its pictures.
fn page(name: &str) -> std::io::Result<String> {
    std::fs::read_to_string(root().join(name))
}

/// README and every page in `src/manual`, by their path in the repository.
fn pages() -> std::io::Result<Vec<(String, String)>> {
    let mut names = vec!["README.md".to_owned()];
    for entry in std::fs::read_dir(root().join("src/manual"))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if Path::new(&name).extension().is_some_and(|end| end == "md") {
            names.push(format!("src/manual/{name}"));
        }
    }
    names.sort();
    names.into_iter().map(|name| Ok((name.clone(), page(&name)?))).collect()
}

/// The fenced blocks of a language in README and manual: page, line, text.
fn all_blocks(language: &str) -> std::io::Result<Vec<(String, usize, String)>> {
    let of = |(name, page): (String, String)| {
        blocks(&page, language).into_iter().map(move |(line, text)| (name.clone(), line, text))
    };
    Ok(pages()?.into_iter().flat_map(of).collect())
}

#[test]
fn generated_parts_are_what_the_program_says() -> Outcome {
    let parts = [
        ("verbs", verbs()),
        ("keys", keys()),
        ("exit codes", exit_codes()),
        ("once", once()),
        ("scenarios", scenarios()),
        ("roles", roles()),
        ("backends", cutover::testing::cli::backends::markdown()?),
    ];
    let mut used = 0;
    for (file, old) in pages()? {
        let mut new = old.clone();
        for (name, text) in &parts {
            if let Some(replaced) = replaced(&new, name, text) {
                (new, used) = (replaced, used + 1);
            }
        }
        if std::env::var_os("UPDATE_MANUAL").is_some() {
            std::fs::write(root().join(&file), &new)?;
            continue;
        }
        for (old, new) in old.lines().zip(new.lines()) {
            assert_eq!(old, new, "{file}: UPDATE_MANUAL=1 cargo test --test docs");
        }
        assert_eq!(old, new, "{file}: UPDATE_MANUAL=1 cargo test --test docs");
    }
    assert_eq!(used, parts.len(), "each part is on one page");
    let marks: usize = pages()?.iter().map(|(_, page)| page.matches("<!-- generated: ").count()).sum();
    assert_eq!(marks, parts.len(), "a part that nothing generates");
    Ok(())
}

/// `page` with the part called `name` replaced; `None` when it has no such part.
fn replaced(page: &str, name: &str, text: &str) -> Option<String> {
    let (before, rest) = page.split_once(&format!("<!-- generated: {name} -->\n"))?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}<!-- generated: {name} -->\n\n{}\n\n{END}{after}", text.trim_end()))
}

fn verbs() -> String {
    let mut out = String::from("| verb | does |\n|---|---|\n");
    for verb in args::definition().get_subcommands().filter(|verb| !verb.is_hide_set()) {
        let about = |command: &clap::Command| command.get_about().map(ToString::to_string).unwrap_or_default();
        let _ = writeln!(out, "| `{}` | {} |", verb.get_name(), about(verb));
        for act in verb.get_subcommands() {
            let _ = writeln!(out, "| `{} {}` | {} |", verb.get_name(), act.get_name(), about(act));
        }
    }
    out
}

fn keys() -> String {
    let mut out = String::from("| keys | does | where | |\n|---|---|---|---|\n");
    for row in actions::table() {
        let keys: Vec<String> = row.keys.iter().map(|key| format!("`{key}`")).collect();
        let danger = match row.danger {
            Danger::MovesTraffic => "**moves traffic**",
            other => other.told(),
        };
        let _ = writeln!(out, "| {} | {} | {} | {danger} |", keys.join(" "), row.help, row.panes);
    }
    out
}

fn roles() -> String {
    let mut out = String::from("| role | what is drawn in it |\n|---|---|\n");
    for row in theme::TABLE {
        let _ = writeln!(out, "| `{}` | {} |", row.name, row.doc);
    }
    out
}

fn exit_codes() -> String {
    let mut out = String::from("| code | means |\n|---|---|\n");
    for (exit, meaning) in exit::TABLE {
        let _ = writeln!(out, "| {} | {meaning} |", exit.code());
    }
    out
}

fn once() -> String {
    let mut out = String::from("| code | `--once` says |\n|---|---|\n");
    for (exit, meaning) in exit::ONCE {
        let _ = writeln!(out, "| {} | {meaning} |", exit.code());
    }
    out
}

fn scenarios() -> String {
    let mut out = String::from("| `--scenario` | what happens | exit code of `--linear` |\n|---|---|---|\n");
    for &scenario in Scenario::all() {
        let told = scenario.description();
        let _ = writeln!(out, "| `{scenario}` | {told} | {} |", scenario.expected_exit());
    }
    out
}

/// What `tests/bench/switches --manual` wrote: rows of that script, and nothing lost where nothing may be.
#[test]
fn the_measured_table_is_that_of_the_script() -> Outcome {
    let page = page("src/manual/backends.md")?;
    let script = std::fs::read_to_string(root().join("tests/bench/switches_routers.py"))?;
    let after = page.split_once("<!-- measured: switches -->").ok_or("no measured part")?.1;
    let part = after.split_once("<!-- /measured -->").ok_or("the measured part has no end")?.0;
    let rows: Vec<Vec<&str>> = part
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| |"))
        .map(|line| line.split('|').map(str::trim).collect())
        .collect();
    assert!(rows.len() > 3, "only {} rows", rows.len());
    for row in &rows {
        assert!(script.contains(&format!("\"{}\"", row[1])), "no router of the script is called {:?}", row[1]);
        let lossless = ["embedded", "haproxy", "envoy", "traefik"].iter().any(|kind| row[1].starts_with(kind));
        assert!(!lossless || (row[2].starts_with("0 (") && row[3] == "0"), "{row:?} lost requests");
    }
    assert!(
        part.contains("Measured on 20") && part.contains(" cores"),
        "nobody can tell when and where it was measured"
    );
    for kind in cutover::testing::backend::kinds::names() {
        let known = script.contains(&format!("\"{kind}\""));
        assert!(known, "tests/bench/switches_routers.py has neither a router of the kind {kind} nor why there is none");
    }
    Ok(())
}

/// The fenced blocks of a language, each with the line it begins on.
fn blocks(page: &str, language: &str) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let mut inside: Option<bool> = None;
    for (number, line) in page.lines().enumerate() {
        match (line.trim_start().strip_prefix("```"), inside) {
            (Some(_), Some(_)) => inside = None,
            (Some(named), None) => {
                inside = Some(named.trim() == language);
                if inside == Some(true) {
                    found.push((number + 1, String::new()));
                }
            }
            (None, Some(true)) => {
                if let Some((_, text)) = found.last_mut() {
                    let _ = writeln!(text, "{line}");
                }
            }
            _ => {}
        }
    }
    found
}

#[test]
fn every_config_is_accepted() -> Outcome {
    let dir = tempfile::tempdir()?;
    for name in ["golden.jsonl", "smoke.jsonl"] {
        std::fs::copy(root().join("assets/demo").join(name), dir.path().join(name))?;
    }
    for name in ["golden.csv", "questions.jsonl", "forecast.csv"] {
        std::fs::write(dir.path().join(name), "")?;
    }
    let client = rcgen::generate_simple_self_signed(["client.internal".to_owned()])?;
    for (name, pem) in [
        ("corp-ca.pem", client.cert.pem()),
        ("client.pem", client.cert.pem()),
        ("client.key", client.signing_key.serialize_pem()),
    ] {
        std::fs::write(dir.path().join(name), pem)?;
    }
    let token = dir.path().join("token");
    std::fs::write(&token, "0123456789abcdef")?;
    let env = |name: &str| match name {
        "CUTOVER_GATEWAY_TOKEN" | "SLACK_WEBHOOK" => Some("0123456789abcdef".to_owned()),
        "HOME" => Some("/home/op1".to_owned()),
        _ => None,
    };
    let found = all_blocks("toml")?;
    for whole in ["README.md", "src/manual/start.md"] {
        let is_there = found.iter().any(|(page, _, text)| page == whole && text.contains("[service]"));
        assert!(is_there, "{whole} shows no whole config");
    }
    for (page, line, text) in found.into_iter().filter(|(_, _, text)| !text.contains("[keys]")) {
        let mut whole = text.clone();
        if !text.contains("[service]") {
            for (header, body) in BASE.iter().filter(|(header, _)| !text.contains(header)) {
                let _ = write!(whole, "\n{header}\n{body}\n");
            }
        }
        let read = config::parse(&whole, &dir.path().join("cutover.toml"), &env);
        assert!(read.is_ok(), "{page}:{line}: {}", read.err().map(|e| e.to_string()).unwrap_or_default());
    }
    Ok(())
}

#[test]
fn the_config_of_the_readme_has_twelve_lines() -> Outcome {
    let found = blocks(&page("README.md")?, "toml");
    let lines: Vec<usize> = found.iter().map(|(_, text)| text.lines().count()).collect();
    assert_eq!(lines, [12], "the README shows one config, and says how long it is");
    Ok(())
}

#[test]
fn every_keymap_is_accepted() -> Outcome {
    let found = all_blocks("toml")?;
    let keymaps: Vec<_> = found.iter().filter(|(_, _, text)| text.contains("[keys]")).collect();
    assert!(!keymaps.is_empty(), "the manual shows no keymap");
    for (page, line, text) in keymaps {
        let read = cutover::testing::ui::Keymap::parse(text, page.as_ref())
            .map_err(|faults| format!("{page}:{line}: {faults}"))?;
        assert!(read.remapped() > 2, "{page}:{line}: no key is bound to another action");
    }
    Ok(())
}

#[test]
fn the_readme_is_short_and_its_keys_are_those_of_the_table() -> Outcome {
    let page = page("README.md")?;
    let lines = page.lines().count();
    assert!(lines <= README_LINES, "README.md has {lines} lines");
    let part = page.split_once("## Ten keys").ok_or("no ten keys")?.1;
    let rows: Vec<&str> = part.lines().skip_while(|line| !line.starts_with("|---")).skip(1).collect();
    let rows: Vec<&str> = rows.into_iter().take_while(|line| line.starts_with('|')).collect();
    assert_eq!(rows.len(), 10);
    for row in rows {
        let key = row.split('`').nth(1).ok_or("a row without a key")?;
        assert!(actions::table().iter().any(|row| row.keys.contains(&key)), "{key} is no key");
    }
    for kind in cutover::testing::backend::kinds::names() {
        assert!(page.contains(&format!("| `{kind}` |")), "the README does not name {kind}");
    }
    Ok(())
}

#[test]
fn every_page_is_a_topic_in_ascii_and_says_what_is_generated_nowhere_else() -> Outcome {
    let files: Vec<String> = pages()?.into_iter().map(|(name, _)| name).filter(|name| name != "README.md").collect();
    let mut written: Vec<String> = topics().map(|topic| format!("src/manual/{}.md", topic.name)).collect();
    let kinds: Vec<String> =
        cutover::testing::backend::kinds::names().map(|kind| format!("src/manual/{kind}.md")).collect();
    assert!(kinds.iter().all(|kind| written.contains(kind)), "a backend without a page");
    written.retain(|name| !kinds.contains(name));
    written.sort();
    assert_eq!(files, written, "a page that is no topic, or a topic without a page");
    let mut names: Vec<&str> = topics().map(|topic| topic.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), topics().count(), "two topics of one name");
    for topic in topics() {
        let text = &topic.text;
        assert!(text.starts_with("# ") && text.is_ascii() && !topic.summary.is_empty(), "{}", topic.name);
        for line in markdown::plain(text, 80).iter().filter(|line| !line.starts_with("    ")) {
            let is_word = !line.trim().trim_start_matches(['-', '.', '`']).contains(' ');
            assert!(line.len() <= 80 || is_word || line.starts_with('#'), "{}: {line}", topic.name);
        }
    }
    Ok(())
}

/// What an operator may look for is in the manual: keys of the config, exit codes, verbs, keys of the console.
#[test]
fn everything_that_can_be_typed_is_in_the_manual() -> Outcome {
    let all: String = topics().map(|topic| topic.text.as_str()).collect();
    for (section, doc) in config::reference() {
        assert!(all.contains(&format!("| `{}` |", doc.key)), "{} of {section}", doc.key);
        assert!(all.contains(&format!("#### `{section}`")), "{section}");
    }
    for part in
        [verbs(), keys(), exit_codes(), once(), scenarios(), roles(), cutover::testing::cli::backends::markdown()?]
    {
        assert!(all.contains(part.trim_end()), "{part}");
    }
    Ok(())
}

/// A shell line cut into commands, each into words; quotes hold words together, a comment ends it.
fn shell(line: &str) -> Vec<Vec<String>> {
    let (mut commands, mut word) = (vec![vec![]], None::<String>);
    let mut quote = None;
    for c in line.chars().chain([' ']) {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, '#') if word.is_none() => break,
            (None, c) if c.is_whitespace() || ";|&()".contains(c) => {
                if let (Some(done), Some(command)) = (word.take(), commands.last_mut()) {
                    command.push(done);
                }
                if !c.is_whitespace() {
                    commands.push(vec![]);
                }
            }
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    commands
}

/// The `cutover ...` commands of a line, without redirections; a variable stands for a digest.
fn commands(line: &str) -> Vec<Vec<String>> {
    let ours = shell(line).into_iter().filter_map(|words| {
        let before = ["sudo", "nohup", "if", "!", "then", "while", "do", "--"];
        let at = words.iter().position(|word| !before.contains(&word.as_str()) && !word.contains('='))?;
        (words.get(at)? == "cutover" || words.get(at..at + 3)? == ["cargo", "run", "--release"]).then(|| {
            let from = words.iter().position(|word| word == "--").filter(|_| words[at] == "cargo").unwrap_or(at);
            let typed = words.iter().skip(from + 1).take_while(|word| !word.starts_with(['>', '<']) && *word != "2>");
            let plain = |word: &String| if word.starts_with('$') { "a1c9".to_owned() } else { word.clone() };
            std::iter::once("cutover".to_owned()).chain(typed.map(plain)).collect()
        })
    });
    ours.collect()
}

#[test]
fn every_command_is_understood() -> Outcome {
    let mut tried = 0;
    for (page, first, text) in all_blocks("sh")? {
        for (offset, line) in text.replace("\\\n", "  ").lines().enumerate() {
            for words in commands(line) {
                tried += 1;
                let got = args::definition().try_get_matches_from(&words);
                let error = got.err().filter(clap::Error::use_stderr);
                let told = error.map(|error| error.to_string());
                assert!(told.is_none(), "{page}:{}: {line}\n{}", first + offset + 1, told.unwrap_or_default());
            }
        }
    }
    assert!(tried > 25, "only {tried} commands found: are they no longer in ```sh blocks?");
    Ok(())
}

#[test]
fn a_flag_that_is_not_known_is_found() {
    let bad = commands("X=1; cutover -c a.toml promote --yse | cat  # why");
    assert_eq!(bad, [["cutover", "-c", "a.toml", "promote", "--yse"]]);
    assert!(bad.iter().all(|words| args::definition().try_get_matches_from(words).is_err()));
    assert_eq!(commands("ls ~/cutover.toml"), Vec::<Vec<String>>::new());
    let told = commands("cutover note \"a; 'b' # c\" > out  # why");
    assert_eq!(told, [["cutover", "note", "a; 'b' # c"]]);
    let run = commands("d=$(cutover status -o json | cat) && cargo run --release -- demo --linear");
    assert_eq!(run, [vec!["cutover", "status", "-o", "json"], vec!["cutover", "demo", "--linear"]]);
}

/// How a heading is linked to.
fn slug(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    kept.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c)).map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn every_link_and_picture_is_there() -> Outcome {
    let headings = |page: &str| -> Vec<String> {
        page.lines().filter(|line| line.starts_with('#')).map(|line| slug(line.trim_start_matches('#'))).collect()
    };
    let mut seen = 0;
    for (name, page) in pages()? {
        let folder = root().join(&name).parent().ok_or("a page without a folder")?.to_path_buf();
        for target in page.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            seen += 1;
            if target.contains("://") {
                continue;
            }
            let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
            let file = if path.is_empty() { root().join(&name) } else { folder.join(path) };
            assert!(file.exists(), "{name}: {target} is not there");
            if !anchor.is_empty() {
                let known = headings(&std::fs::read_to_string(&file)?);
                assert!(known.iter().any(|heading| heading == anchor), "{name}: no heading for {target}");
            }
            if file.extension().is_some_and(|end| end == "svg") {
                assert!(std::fs::read_to_string(&file)?.starts_with("<svg "), "{target} is no picture");
                let most = if target.ends_with("cast.svg") { FILM_BYTES } else { PICTURE_BYTES };
                assert!(file.metadata()?.len() < most, "{target} is too large");
            }
        }
    }
    assert!(seen > 40, "only {seen} links found");
    Ok(())
}

#[test]
fn no_file_names_a_place_of_one_machine() -> Outcome {
    let places = [["/wo", "rk/"].concat(), ["/ro", "ot/"].concat()];
    let mut files = vec![root().join("README.md"), root().join("Cargo.toml")];
    for dir in ["src", "tests", "assets", ".ci", ".github"] {
        gather(&root().join(dir), &mut files)?;
    }
    assert!(files.len() > 100, "only {} files found", files.len());
    for file in files {
        let Ok(text) = std::fs::read_to_string(&file) else { continue };
        for (number, line) in text.lines().enumerate() {
            let found = places.iter().find(|place| line.contains(place.as_str()));
            assert!(found.is_none(), "{}:{}: {line}", file.display(), number + 1);
        }
    }
    Ok(())
}

fn gather(dir: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        match path.file_name().and_then(|name| name.to_str()) {
            Some("__pycache__" | "target") => {}
            _ if path.is_dir() => gather(&path, files)?,
            _ => files.push(path),
        }
    }
    Ok(())
}
