use super::*;
use crate::ui::actions::Act;

fn faults(text: &str) -> String {
    Keymap::parse(text, "keys.toml".as_ref()).expect_err(text).to_string()
}

#[test]
fn every_kind_of_mistake_is_told_with_line_and_remedy() {
    let table = [
        ("[keys\n", "keys.toml:1:6: not valid TOML"),
        ("\nkey = 1\n", "keys.toml:2:1: unknown key \"key\"; did you mean keys?"),
        ("promote = [\"F\"]\n", "1:1: unknown key \"promote\"; actions stand below a line [keys]"),
        ("keys = 3\n", "1:8: keys is no section; write [keys], and actions below it"),
        ("allow_unsafe_keys = \"yes\"\n", "1:21: allow_unsafe_keys is no yes or no; write true or false"),
        ("[keys]\npromot = [\"F\"]\n", "2:1: there is no action \"promot\"; did you mean promote?"),
        ("[keys]\nfrobnicate = [\"F\"]\n", "2:1: there is no action \"frobnicate\"; cutover keys --print names"),
        ("[keys]\nfollow = 7\n", "2:10: follow: a key is text; write follow = [\"R\"] or a list of such"),
        ("[keys]\nfollow = [\"f\", \"F2\"]\n", "2:16: follow: \"F2\" is no key; function keys are taken"),
        ("[keys]\nfollow = \"Alt-f\"\n", "2:10: follow: \"Alt-f\" is no key; Alt arrives as Esc"),
        ("[keys]\nfollow = \"Ctrl-F\"\n", "write Ctrl- and one small letter"),
        ("[keys]\nfollow = \"\\u001b[2J\"\n", "follow: \"\" is no key"),
        ("[keys]\nfollow = [\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\"]\n", "follow: 9 keys; 8 at most"),
        (
            "[keys]\nfollow = \"F\"\nwrap = [\"w\",\n  \"F\"]\n",
            "4:3: \"F\" is wrap here and follow on line 2; take it from",
        ),
        ("[keys]\nfollow = [\"F\", \"F\"]\n", "2:16: \"F\" is follow here and follow on line 2"),
        ("[keys]\nfollow = \"q\"\n", "2:10: \"q\" is follow here and quit by default; add quit = [..]"),
        ("[keys]\nrollback = []\n", "2:1: rollback must have a key; give it one, or take this line out: then it is R"),
        ("[keys]\nhelp = []\n", "help must have a key"),
        ("[keys]\nquit = []\n", "quit must have a key"),
        ("[keys]\ninterrupt = [\"Ctrl-x\"]\n", "2:1: interrupt is always Ctrl-c; take this line out"),
        ("[keys]\nsuspend = []\n", "suspend is always Ctrl-z"),
        ("[keys]\nfollow = \"Ctrl-l\"\n", "\"Ctrl-l\" cannot be follow: it is always redraw; choose another key"),
        ("[keys]\nfollow = \"y\"\n", "follow cannot be \"y\": it answers questions"),
        ("[keys]\nrollback = \"Y\"\n", "rollback cannot be \"Y\": it answers questions"),
        ("[keys]\nfollow = \"Ctrl-m\"\n", "follow cannot be \"Ctrl-m\": terminals send it as Tab, Enter or Backspace"),
    ];
    for (text, expected) in table {
        let told = faults(text);
        assert!(told.contains(expected), "{text}\n{told}\nnot {expected}");
    }
}

#[test]
fn every_fault_is_told_not_only_the_first() {
    let told = faults("[keys]\npromot = \"F\"\nfollow = \"F9\"\nhold = \"h\"\n");
    assert_eq!(told.lines().count(), 3, "{told}");
    let many: String = (0..10_000).flat_map(|n| ["action".into(), n.to_string(), " = \"F\"\n".into()]).collect();
    assert_eq!(faults(&format!("[keys]\n{many}")).lines().count(), 101, "a hundred, and how many more there are");
}

#[test]
fn what_acts_is_not_bound_where_a_slip_reaches_it() {
    let acting = ["hold", "promote", "switch", "abort", "rollback", "override", "take-over"];
    let freed = "freeze = []\nopen = []\nback = []\nnext-pane = []\ndown = []\n";
    for action in acting {
        for key in ["z", "ü", "Enter", "Space", "Esc", "Ctrl-x", "Tab", "Down", "Backspace"] {
            let text = format!("[keys]\n{freed}{action} = \"{key}\"\n");
            let told = faults(&text);
            let never = key == "Enter" && ["switch", "override"].contains(&action);
            assert_eq!(told.contains("allow_unsafe_keys = true"), !never, "{told}");
            let allowed = Keymap::parse(&format!("allow_unsafe_keys = true\n{text}"), "keys.toml".as_ref());
            assert_eq!(allowed.is_err(), never, "{action} {key}: {allowed:?}");
        }
        for key in ["n", "y", "Y"] {
            let text = format!("allow_unsafe_keys = true\n[keys]\nnext-hit = []\n{action} = \"{key}\"\n");
            assert!(Keymap::parse(&text, "keys.toml".as_ref()).is_err(), "{action} {key}");
        }
        for key in ["Z", "!", "Ü", "7", "日"] {
            let map = Keymap::parse(&format!("[keys]\n{action} = \"{key}\"\n"), "keys.toml".as_ref()).unwrap();
            assert_eq!(map.find(parse(key).unwrap()).map(|row| row.name), Some(action));
        }
    }
}

#[test]
fn keys_can_be_swapped_and_taken_away() {
    let map = Keymap::parse("[keys]\npromote = \"S\"\nswitch = [\"P\"]\nabort = []\n", "keys.toml".as_ref()).unwrap();
    assert_eq!((map.act(Key::char('S')), map.act(Key::char('P'))), (Some(Act::Promote), Some(Act::Switch)));
    assert_eq!((map.act(Key::char('A')), map.act(Key::char('R'))), (None, Some(Act::Rollback)));
    assert_eq!(Keymap::parse("", "keys.toml".as_ref()).unwrap(), Keymap::default());
    assert_eq!(Keymap::parse("\u{feff}# nothing\n[keys]\n", "keys.toml".as_ref()).unwrap(), Keymap::default());
}

#[test]
fn no_text_at_all_breaks_it() {
    let words =
        ["[keys]", "promote", "=", "\"R\"", "[", "]", "\n", "true", "allow_unsafe_keys", "'", "\u{1b}", "[[", ",", "é"];
    let mut rng = fastrand::Rng::with_seed(7);
    for _ in 0..3_000 {
        let text: String = (0..rng.usize(0..12)).map(|_| words[rng.usize(..words.len())]).collect();
        if let Err(faults) = Keymap::parse(&text, "keys.toml".as_ref()) {
            assert!(!faults.faults.is_empty() && !faults.to_string().contains('\u{1b}'), "{text:?}");
        }
    }
}
