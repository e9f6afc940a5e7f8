//! The keymap as a file that can be read back.

use std::fmt::Write as _;

use super::Keymap;
use crate::ui::actions::table;

impl Keymap {
    /// The whole keymap as `keys.toml`; [`Keymap::parse`] reads the same keymap from it.
    pub fn to_toml(&self) -> String {
        let mut out = String::new();
        if self.allow_unsafe {
            out.push_str("allow_unsafe_keys = true\n\n");
        }
        out.push_str("[keys]\n");
        for row in table() {
            let keys: Vec<String> = self.spelled(row.act).iter().map(|key| quoted(key)).collect();
            let line = format!("{} = [{}]", row.name, keys.join(", "));
            // Nothing that can be written fails to go into a string.
            let _ = writeln!(out, "{line:<44} # {}", row.help);
        }
        out
    }
}

fn quoted(key: &str) -> String {
    format!("\"{}\"", key.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_reads_back() {
        let files = [
            "",
            "[keys]\npromote = [\"F\", \"日\"]\nfollow = [\"\\\\\", \"\\\"\", \"f\"]\nabort = []\n",
            "allow_unsafe_keys = true\n[keys]\nhold = [\"Ctrl-x\", \"Space\"]\nfreeze = []\n",
        ];
        for file in files {
            let map = Keymap::parse(file, "keys.toml".as_ref()).unwrap_or_else(|faults| panic!("{faults}"));
            let printed = map.to_toml();
            let again =
                Keymap::parse(&printed, "keys.toml".as_ref()).unwrap_or_else(|faults| panic!("{faults}\n{printed}"));
            assert_eq!(again, map, "{printed}");
            assert_eq!(again.to_toml(), printed);
        }
    }
}
