//! Keeps the split across a reload: writes it after each change if configured, and notes a difference.

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::timeout;

use super::fleet::{Outcome, ask_all};
use super::reading::{Reading, split_of_state};
use super::{command, save};
use crate::backend::Address;
use crate::backend::haproxy::spec::{HaproxySpec, Method};
use crate::backend::replace;
use crate::domain::Split;
use crate::domain::text::clean;

/// The time limit for files: a disk that hangs must not delay the answer about the traffic.
const DISK: Duration = Duration::from_millis(600);
/// The time limit for a node to report the state of its servers.
const TELL: Duration = Duration::from_millis(400);

/// Runs blocking `work` in another thread, and stops waiting for it after [`DISK`].
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, String> {
    match timeout(DISK, tokio::task::spawn_blocking(work)).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(_)) => Err("the task that writes files ended".into()),
        Err(_) => Err(format!("the disk did not answer within {} ms", DISK.as_millis())),
    }
}

/// Whether all configured files are ours and can be written; the first fault if not.
pub(super) async fn check(spec: &HaproxySpec) -> Result<(), String> {
    if spec.save.maps.is_empty() && spec.save.states.is_empty() {
        return Ok(());
    }
    let (maps, states) = (spec.save.maps.clone(), spec.save.states.clone());
    let look = move || {
        maps.iter().try_for_each(|file| save::is_map(file))?;
        states.iter().try_for_each(|file| save::is_state(file))?;
        maps.iter().chain(&states).try_for_each(|file| replace::can_replace(file))
    };
    Ok(aside(look).await??)
}

/// Writes the files for a reload: the split is `now`, and `moved` are the nodes that have it.
pub(super) async fn write(spec: &HaproxySpec, now: Split, moved: &[Address]) -> Result<(), String> {
    let mut states = Vec::new();
    let mut faults = Vec::new();
    if !spec.save.states.is_empty() {
        let told = ask_all(spec, vec![command::state(&spec.method)], TELL).await;
        for ((node, answers), file) in
            told.into_iter().zip(&spec.save.states).filter(|((node, _), _)| moved.contains(node))
        {
            match answers.map(|mut answers| answers.pop().unwrap_or_default()) {
                Ok(text) if text.starts_with(save::STATE) => states.push((file.clone(), text)),
                Ok(text) => faults.push(format!("{node}: no server state but {:?}", clean(&text, 60))),
                Err(fault) => faults.push(fault.error.to_string()),
            }
        }
    }
    let maps = spec.save.maps.clone();
    let entry = command::entry(&spec.method).cloned().zip(command::value(&spec.method, now));
    let written = aside(move || {
        let write = |(file, text): &(PathBuf, String)| {
            save::is_state(file)?;
            replace::replace(file, text)
        };
        let states = states.iter().map(write);
        let maps =
            maps.iter().filter_map(|file| entry.as_ref().map(|(entry, value)| save::set_entry(file, entry, value)));
        states.chain(maps).filter_map(Result::err).collect::<Vec<_>>()
    });
    match written.await {
        Ok(more) => faults.extend(more.into_iter().map(|fault| fault.text)),
        Err(fault) => faults.push(fault),
    }
    if faults.is_empty() { Ok(()) } else { Err(faults.join("; ")) }
}

/// Notes about what a reload would change.
pub(super) async fn notes(spec: &HaproxySpec, read: &[Outcome<Reading>]) -> Vec<String> {
    let Some(now) = read.iter().find_map(|(_, reading)| reading.as_ref().ok()).map(|reading| reading.split) else {
        return Vec::new();
    };
    let spec = spec.clone();
    let configured: Vec<Option<Split>> =
        read.iter().map(|(_, reading)| reading.as_ref().ok().and_then(|reading| reading.configured)).collect();
    let looked = aside(move || match &spec.method {
        Method::Weights { .. } => of_states(&spec, &configured, now),
        Method::Switch { .. } | Method::Percent { .. } => of_maps(&spec, now),
    });
    looked.await.unwrap_or_else(|fault| vec![fault])
}

fn of_maps(spec: &HaproxySpec, now: Split) -> Vec<String> {
    let Some(entry) = command::entry(&spec.method) else { return Vec::new() };
    // A map file without save_map is compared too, if it is on this machine.
    let own = PathBuf::from(&entry.map);
    let (files, remedy) = if spec.save.maps.is_empty() {
        (vec![own].into_iter().filter(|file| file.is_absolute() && file.is_file()).collect(), "; save_map keeps it")
    } else {
        (spec.save.maps.clone(), "")
    };
    let tell = |file: &PathBuf| {
        let shown = clean(&file.to_string_lossy(), 120);
        let text = match replace::text(file) {
            Ok(text) => text,
            Err(fault) => return Some(format!("what a reload brings cannot be read: {}", fault.text)),
        };
        if let Err(fault) = save::is_map(file) {
            return Some(fault.text);
        }
        let value = save::value_in(&text, &entry.key);
        match value.as_deref().map(|value| command::split_of(&spec.method, value)) {
            Some(Some(split)) if split == now => None,
            Some(Some(split)) => Some(format!("a reload would bring {split}: {shown} says so{remedy}")),
            _ => Some(format!("a reload would lose the split: {shown} has no usable {}{remedy}", entry.key)),
        }
    };
    files.iter().filter_map(tell).collect()
}

fn of_states(spec: &HaproxySpec, configured: &[Option<Split>], now: Split) -> Vec<String> {
    let mut notes = Vec::new();
    for (at, configured) in configured.iter().enumerate() {
        let file = spec.save.states.get(at);
        notes.extend(file.and_then(|file| save::is_state(file).err()).map(|fault| fault.text));
        let kept = file.and_then(|file| replace::text(file).ok()).filter(|text| !text.is_empty());
        let kept = kept.and_then(|text| split_of_state(&spec.method, &text));
        let name =
            spec.nodes.get(at).filter(|_| spec.nodes.len() > 1).map(|node| format!("{node}: ")).unwrap_or_default();
        let why = match (file, kept) {
            (None, _) => "the weights of its config; save_state keeps it".to_owned(),
            (Some(file), None) => format!("{} is not written yet", clean(&file.to_string_lossy(), 120)),
            (Some(file), Some(_)) => format!("{} says so", clean(&file.to_string_lossy(), 120)),
        };
        match kept.or(*configured) {
            Some(split) if split != now => notes.push(format!("{name}a reload would bring {split}: {why}")),
            _ => {}
        }
    }
    notes
}
