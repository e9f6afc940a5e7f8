//! What an operator is told by the program itself when a real traffic system is half there, gone, or changed by
//! others.

use crate::support::child;
use crate::support::haproxy as kit;
use crate::support::nginx;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use cutover::testing::domain::{Pair, Side, Split};
use kit::{Model, Proxy, Way, is_installed};

/// The program, as an operator or a pipeline runs it.
struct Operator {
    dir: tempfile::TempDir,
    config: PathBuf,
}

impl Operator {
    fn new(models: &Pair<SocketAddr>, backend: &str) -> Self {
        let dir = tempfile::Builder::new().prefix("op").tempdir().unwrap();
        let config = dir.path().join("cutover.toml");
        let text = format!(
            "[service]\nname = \"digits\"\n[blue]\nurls = [\"http://{}\"]\nversion = \"v41\"\n\
             [green]\nurls = [\"http://{}\"]\nversion = \"v42\"\n[probe]\npath = \"/\"\n[state]\ndir = \"{}/var\"\n\
             [plan]\nsteps = [10, 50, 100]\nbake = \"0s\"\n{backend}",
            models.blue,
            models.green,
            dir.path().display()
        );
        std::fs::write(&config, text).unwrap();
        Self { dir, config }
    }

    fn command(&self, words: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cutover"));
        command.arg("-c").arg(&self.config).args(words.split(' '));
        command.env_clear().env("USER", "op1").env("HOME", self.dir.path()).env("LANG", "C.UTF-8");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs it: what it says, on one line, and how it ends.
    #[track_caller]
    fn ends(&self, words: &str, code: i32) -> String {
        let output = child::output(&mut self.command(words));
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert_eq!(output.status.code(), Some(code), "{words}: {text}");
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

#[track_caller]
fn says(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "not told: {word:?} in {text}");
    }
}

fn haproxy(sockets: &[&Path]) -> String {
    let sockets: Vec<String> = sockets.iter().map(|path| format!("\"{}\"", path.display())).collect();
    format!(
        "[backend]\nkind = \"haproxy\"\nsockets = [{}]\nbackend = \"be_split\"\n\
         servers = {{ blue = [\"blue1\"], green = [\"green1\"] }}\n",
        sockets.join(", ")
    )
}

#[test]
fn one_of_three_nodes_down_is_told_stops_forward_and_not_the_way_back() {
    if !is_installed("one_of_three_nodes_down_is_told_stops_forward_and_not_the_way_back") {
        return;
    }
    let models = Model::both();
    let mut nodes: Vec<Proxy> = (0..3).map(|_| Proxy::start(Way::Weights, &models, 0)).collect();
    let sockets: Vec<PathBuf> = nodes.iter().map(Proxy::socket).collect();
    let paths: Vec<&Path> = sockets.iter().map(PathBuf::as_path).collect();
    let operator = Operator::new(&models, &haproxy(&paths));
    operator.ends("promote --yes --wait", 0);
    nodes[1].kill();
    let told = operator.ends("check", 0);
    says(&told, &["ok router split 90/10", "note router node is down", "does this HAProxy run?"]);
    let told = operator.ends("promote --yes --wait", 9);
    says(&told, &["forward needs every node, nothing was set: start it, or take it out of sockets"]);
    operator.ends("rollback --yes --wait", 0);
    // It comes back with what its files say: that is no drift here, and the others were taken along.
    assert!(nodes[1].run());
    says(&operator.ends("check", 0), &["ok router split 100/0"]);
    for node in &nodes {
        let state = node.say("show servers state be_split");
        assert!(state.contains(" blue1 ") && kit::Client::to(node.listen).get("/").unwrap().1 == "blue", "{state}");
    }
}

#[test]
fn a_router_restarted_in_the_middle_is_drift_until_a_person_decides() {
    if !is_installed("a_router_restarted_in_the_middle_is_drift_until_a_person_decides") {
        return;
    }
    let models = Model::both();
    let mut node = Proxy::start(Way::Weights, &models, 0);
    let operator = Operator::new(&models, &haproxy(&[&node.socket()]));
    operator.ends("promote --yes --wait", 0);
    operator.ends("promote --yes --wait", 0);
    node.kill();
    let told = operator.ends("status", 9);
    says(&told, &["cannot be read", "ROLLBACK NOT READY", "not proven: the router cannot be read"]);
    assert!(!told.contains("may have happened"), "nothing but a look was tried: {told}");
    assert!(node.run());
    let told = operator.ends("promote --yes --wait", 3);
    says(&told, &["drift: router says 100/0, asked was 50/50; roll back, or resume to accept"]);
    operator.ends("rollback --yes --wait", 0);
    operator.ends("promote --yes --wait", 0);
}

#[test]
fn two_commands_at_once_end_at_a_step_that_one_of_them_asked_for() {
    if !is_installed("two_commands_at_once_end_at_a_step_that_one_of_them_asked_for") {
        return;
    }
    let models = Model::both();
    let nodes: Vec<Proxy> = (0..2).map(|_| Proxy::start(Way::Weights, &models, 0)).collect();
    let operator = Operator::new(&models, &haproxy(&[&nodes[0].socket(), &nodes[1].socket()]));
    for _ in 0..2 {
        operator.ends("promote --yes --wait", 0);
        let both =
            ["switch --yes --wait", "rollback --yes --wait"].map(|words| operator.command(words).spawn().unwrap());
        let ended = both.map(|child| child::ended(child, "a command"));
        let [forward, back] = ended.each_ref().map(|output| output.status.code());
        assert_eq!(back, Some(0), "{ended:?}");
        // The rollback came in between (7), or after it (5), or the switch was through before it or came after it.
        assert!(matches!(forward, Some(0 | 5 | 7)), "{ended:?}");
        let told = operator.ends("check", 0);
        let is_back = told.contains("split 100/0");
        assert!(is_back || (forward == Some(0) && told.contains("split 0/100")), "{ended:?}: {told}");
        operator.ends("rollback --yes --wait", 0);
        says(&operator.ends("check", 0), &["split 100/0"]);
    }
}

#[test]
fn an_nginx_without_its_master_takes_nothing_and_may_still_serve() {
    let test = "an_nginx_without_its_master_takes_nothing_and_may_still_serve";
    if nginx::program().is_none() {
        println!("SKIPPED {test}: nginx is not installed (apt-get install nginx-light)");
        return;
    }
    let models = Model::both();
    let server = nginx::Server::start(Split::all(Side::Blue));
    let operator = Operator::new(&models, &server.backend());
    operator.ends("promote --yes --wait", 0);
    // The file of another, or of nobody.
    std::fs::write(server.path("pid"), format!("{}\n", std::process::id())).unwrap();
    let told = operator.ends("promote --yes --wait", 9);
    says(&told, &["no master process that could take a change", "may still serve by the split before"]);
}
