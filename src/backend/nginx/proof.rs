//! What nginx itself says of its configuration: whether it can be loaded, and whether the file has an effect on users.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::spec::NginxSpec;
use super::{complaint, file};
use crate::backend::run::{self, Ended, MAX_KEPT};
use crate::domain::text::clean;

/// How often nginx is asked: reading a large configuration takes it a second.
const EVERY: Duration = Duration::from_secs(15);
/// How long the first reading waits for the answer.
const FIRST: Duration = Duration::from_millis(1200);
/// The time limit of the command.
const LIMIT: Duration = Duration::from_secs(20);

/// What is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Proof {
    /// Why nginx could not load its configuration; `None` where it could.
    pub(super) cannot_load: Option<String>,
    /// Why the file has no effect on users; `None` where it has one, or where that is not known.
    pub(super) no_effect: Option<String>,
    /// Why the effect is not known.
    pub(super) unknown: Option<String>,
}

/// Asks nginx from time to time, aside from the readings.
#[derive(Debug, Clone, Default)]
pub(super) struct Prover(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    asked: Option<Instant>,
    is_asking: bool,
    proof: Option<Proof>,
}

impl Prover {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next reading asks anew.
    pub(super) fn again(&self) {
        self.state().asked = None;
    }

    /// The last answer; asks again in the background where it is old. `None` where there is no answer yet.
    pub(super) async fn look(&self, spec: &Arc<NginxSpec>) -> Option<Proof> {
        let asking = {
            let mut state = self.state();
            let is_due = !state.is_asking && state.asked.is_none_or(|at| at.elapsed() >= EVERY);
            state.is_asking |= is_due;
            is_due.then(|| tokio::spawn(self.clone().ask(Arc::clone(spec))))
        };
        if let Some(asking) = asking
            && self.state().proof.is_none()
        {
            // The task goes on where nobody waits for it.
            let _ = timeout(FIRST, asking).await;
        }
        self.state().proof.clone()
    }

    async fn ask(self, spec: Arc<NginxSpec>) {
        let proof = ask(&spec).await;
        let mut state = self.state();
        (state.asked, state.is_asking, state.proof) = (Some(Instant::now()), false, Some(proof));
    }
}

async fn ask(spec: &NginxSpec) -> Proof {
    let words = dumping(&spec.test);
    let unknown = |why: &str| Proof {
        unknown: Some(format!("whether nginx uses the file is not known: {why}")),
        ..Proof::default()
    };
    let Some(command) = spec.command(words.as_ref().unwrap_or(&spec.test)) else {
        return unknown("the test names no program");
    };
    match run::run(command, LIMIT).await {
        Ok(ended) if ended.code != Some(0) => Proof { cannot_load: Some(complaint(&ended)), ..Proof::default() },
        Ok(_) if words.is_none() => unknown("the test is no `nginx -t`"),
        Ok(Ended { out, .. }) if out.len() >= MAX_KEPT => unknown("its configuration is longer than 256 KiB"),
        Ok(Ended { out, .. }) => {
            Proof { no_effect: no_effect(spec, &String::from_utf8_lossy(&out)), ..Proof::default() }
        }
        Err(_) => unknown("the test did not end"),
    }
}

/// The test as a command that also prints the configuration; `None` where it is no `nginx -t`.
fn dumping(test: &[String]) -> Option<Vec<String>> {
    let at = test.iter().position(|word| word == "-t")?;
    let mut words = test.to_vec();
    words[at] = "-T".into();
    Some(words)
}

/// How `nginx -T` begins each file.
const FILE: &str = "# configuration file ";

/// Why the split in the file does not decide where users go; `None` where it does. `dump` is the output of `nginx -T`.
fn no_effect(spec: &NginxSpec, dump: &str) -> Option<String> {
    let own = fs::canonicalize(&spec.include).unwrap_or_else(|_| spec.include.clone());
    let variable = format!("${}", spec.variable);
    let (mut is_loaded, mut is_used, mut again) = (false, false, None);
    let (mut at, mut is_own) = (String::new(), false);
    for line in dump.lines() {
        if let Some(path) = line.strip_prefix(FILE).and_then(|rest| rest.strip_suffix(':')) {
            let path = Path::new(path);
            is_own = fs::canonicalize(path).is_ok_and(|path| path == own);
            is_loaded |= is_own;
            at = file::shown(path);
        } else if !is_own {
            for found in uses(line, &variable) {
                match found {
                    Use::Sets => again = again.or_else(|| Some(at.clone())),
                    Use::Reads => is_used = true,
                }
            }
        }
    }
    let include = file::shown(&spec.include);
    if !is_loaded {
        return Some(format!("nginx does not load {include}: write `include {include};` into http {{ }}"));
    }
    if let Some(other) = again {
        return Some(format!("{variable} is set once more in {other}: remove it there"));
    }
    let name = clean(&variable, 60);
    (!is_used).then(|| format!("nothing in nginx uses {name}: write e.g. proxy_pass http://{name};"))
}

/// What a place in the configuration does with the variable.
enum Use {
    /// It gives it a value: `split_clients .. $v {`, `map .. $v {`, `set $v ..;`.
    Sets,
    Reads,
}

/// Each place in `line` that names the variable itself, and not a longer one. Comments name none.
fn uses(line: &str, variable: &str) -> Vec<Use> {
    let code = line.split('#').next().unwrap_or_default();
    let mut found = Vec::new();
    for (at, _) in code.match_indices(variable) {
        let (before, after) = (code[..at].trim_end(), &code[at + variable.len()..]);
        if after.starts_with(|next: char| next.is_ascii_alphanumeric() || next == '_') {
            continue;
        }
        let is_set = before.ends_with("set") || after.trim_start().starts_with('{');
        found.push(if is_set { Use::Sets } else { Use::Reads });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(dump: &str) -> Option<String> {
        let dir = tempfile::tempdir().unwrap();
        let own = dir.path().join("cutover.conf");
        fs::write(&own, "").unwrap();
        let dump =
            dump.replace("OWN", &format!("{FILE}{}:\nsplit_clients \"$request_id\" $cutover_side {{", own.display()));
        let names = crate::domain::Pair { blue: "blue".into(), green: "green".into() };
        let (variable, key) = ("cutover_side".into(), "${request_id}".into());
        let spec =
            NginxSpec { include: own, variable, key, names, test: Vec::new(), pid: None, reload: None, shares: None };
        no_effect(&spec, &dump)
    }

    #[test]
    fn a_file_has_an_effect_where_it_is_loaded_used_and_set_once() {
        let main = format!("{FILE}/etc/nginx/nginx.conf:\nlocation / {{ proxy_pass http://$cutover_side; }}\n");
        assert_eq!(told(&format!("{main}OWN\n")), None);
        assert!(told(&main).unwrap().contains("does not load"));
        let unused =
            format!("{FILE}/etc/nginx/nginx.conf:\nproxy_pass http://blue; # $cutover_side\nx $cutover_sides;\n");
        assert!(told(&format!("{unused}OWN\n")).unwrap().contains("nothing in nginx uses $cutover_side"));
        let twice = format!("{main}{FILE}/etc/nginx/old.conf:\nsplit_clients \"${{request_id}}\" $cutover_side {{\n");
        assert!(told(&format!("{twice}OWN\n")).unwrap().contains("set once more in /etc/nginx/old.conf"));
    }

    #[test]
    fn only_a_test_of_nginx_can_print_the_configuration() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(dumping(&words("sudo nginx -t -c x")), Some(words("sudo nginx -T -c x")));
        assert_eq!(dumping(&words("true")), None);
    }
}
