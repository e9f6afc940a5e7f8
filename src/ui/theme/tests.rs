use super::contrast::{READABLE, contrast};
use super::depth::{NAMED, named_rgb, rgb_of_256};
use super::*;

/// The contrast of the theme `high-contrast`.
const HIGH: f64 = 7.0;

/// Every colour that a terminal may make of this one; empty for the terminal's own.
fn shades(color: Color) -> Vec<[u8; 3]> {
    let of_name = |n: usize| named_rgb(n).to_vec();
    match color {
        Color::Rgb(r, g, b) => vec![[r, g, b]],
        Color::Indexed(n) if n > 15 => vec![rgb_of_256(n)],
        Color::Indexed(n) => of_name(usize::from(n)),
        named => NAMED.iter().position(|known| *known == named).map(of_name).unwrap_or_default(),
    }
}

const DEPTHS: [Depth; 4] = [Depth::None, Depth::Ansi16, Depth::Indexed256, Depth::Rgb];

fn all() -> impl Iterator<Item = Theme> {
    Theme::names().map(|name| Theme::load(name).unwrap())
}

fn source(name: &str, text: &str) -> Source {
    Source { name: name.into(), file: format!("{name}.toml").into(), text: text.into() }
}

/// What is wrong with a theme of the user's.
fn wrong(text: &str) -> String {
    let found = Theme::resolve(source("my", text), &mut |name| Err(no_theme(name)));
    found.expect_err(text).to_string()
}

#[test]
fn every_shipped_theme_can_be_loaded_and_an_unknown_name_tells_which() {
    assert_eq!(all().count(), 5);
    let error = Theme::load("neon").unwrap_err().to_string();
    assert_eq!(error, "there is no theme \"neon\"; known are dark, light, high-contrast, ansi16, mono");
}

#[test]
fn the_table_of_roles_is_in_the_order_of_the_type() {
    for (at, doc) in TABLE.iter().enumerate() {
        assert_eq!(doc.role as usize, at, "{}", doc.name);
        assert_eq!(doc.name.replace('_', ""), format!("{:?}", doc.role).to_lowercase());
        assert!(!doc.doc.is_empty());
    }
}

#[test]
fn t16_in_what_is_shipped_hue_belongs_to_the_sides_alone_and_no_role_has_a_background() {
    for theme in all() {
        for depth in DEPTHS {
            let theme = theme.clone().for_depth(depth);
            for role in ROLES {
                let style = theme.style(role);
                assert_eq!(style.bg, None, "{}: the background is the terminal's", theme.name());
                let sides = matches!(role, Role::SideBlue | Role::SideGreen);
                let grey = |rgb: [u8; 3]| rgb[0] == rgb[1] && rgb[1] == rgb[2];
                let hued = style.fg.is_some_and(|color| !shades(color).into_iter().all(grey));
                assert!(sides || !hued, "{} at {depth:?}: {role:?} has a hue", theme.name());
            }
        }
    }
}

#[test]
fn t17_every_colour_can_be_read_on_the_background_it_was_chosen_for_at_every_depth() {
    for theme in all() {
        let least = if theme.name() == "high-contrast" { HIGH } else { READABLE };
        for depth in DEPTHS {
            let theme = theme.clone().for_depth(depth);
            for role in ROLES {
                let Some(color) = theme.style(role).fg else { continue };
                assert!(!shades(color).is_empty(), "{color} is of no palette");
                // Lines need half the contrast of text.
                let least = if role == Role::Border { 3.0 } else { least };
                for shade in shades(color) {
                    let found = contrast(shade, theme.background().rgb());
                    assert!(found >= least, "{} at {depth:?}: {role:?} {color} has {found:.2}", theme.name());
                }
            }
        }
    }
}

#[test]
fn the_sides_differ_in_more_than_hue_between_red_and_green() {
    // Told apart by lightness, or by blue, which all but very few eyes see; and at 16 colours by one of them at least.
    for theme in all().filter(|theme| theme.name() != "mono") {
        for depth in DEPTHS {
            let theme = theme.clone().for_depth(depth);
            let [blue, green] = [Role::SideBlue, Role::SideGreen].map(|role| theme.style(role));
            assert_ne!(blue, green, "{} at {depth:?}", theme.name());
            let Some((blue, green)) = blue.fg.zip(green.fg) else { continue };
            for (blue, green) in shades(blue).into_iter().zip(shades(green)) {
                let more_blue = i32::from(blue[2]) - i32::from(green[2]);
                assert!(more_blue >= 80, "{} at {depth:?}: {blue:?} and {green:?}", theme.name());
            }
        }
    }
}

#[test]
fn no_depth_shows_more_colours_than_it_has() {
    for theme in all() {
        for role in ROLES {
            let fg = |depth| theme.clone().for_depth(depth).style(role).fg;
            assert_eq!(fg(Depth::None), None);
            assert!(!matches!(fg(Depth::Ansi16), Some(Color::Rgb(..) | Color::Indexed(_))));
            assert!(!matches!(fg(Depth::Indexed256), Some(Color::Rgb(..))));
        }
        let back = theme.clone().for_depth(Depth::None).for_depth(Depth::Rgb);
        assert_eq!(back.styles, theme.styles, "a depth takes nothing away for good");
    }
}

#[test]
fn without_colour_the_sides_and_what_needs_attention_still_differ() {
    for theme in all() {
        let theme = theme.for_depth(Depth::None);
        let [text, blue, green, warn, fail] =
            [Role::Text, Role::SideBlue, Role::SideGreen, Role::Warn, Role::Fail].map(|role| theme.style(role));
        assert_ne!(blue, green, "{}", theme.name());
        assert!(warn != text && fail != text && warn != fail, "{}", theme.name());
        assert!(!theme.style(Role::Dim).add_modifier.contains(Modifier::DIM), "faint text is hard to read");
    }
}

#[test]
fn a_theme_of_the_users_inherits_and_changes_what_it_names() {
    let text =
        "inherits = \"dark\"\n[palette]\nblue = \"#ff00ff\"\n[roles]\nfail = { fg = 196, bold = true }\ndim = {}\n";
    let mine = Theme::resolve(source("mine", text), &mut |_| panic!("shipped themes are not asked for")).unwrap();
    let dark = Theme::load("dark").unwrap();
    assert_eq!(mine.name(), "mine");
    // A colour of the palette changes in every role that names it, a role is replaced whole.
    assert_eq!(mine.style(Role::SideBlue).fg, Some(Color::Rgb(255, 0, 255)));
    assert_eq!(mine.style(Role::Fail), Style::new().fg(Color::Indexed(196)).add_modifier(Modifier::BOLD));
    assert_eq!(mine.style(Role::Dim), Style::new());
    assert_eq!(mine.style(Role::SideGreen), dark.style(Role::SideGreen));
    let text = "inherits = \"mine\"\n[palette]\ngreen = \"grey\"\n[roles]\nok = { bg = \"default\" }";
    let child = Theme::resolve(source("child", text), &mut |name| {
        Ok(source(name, "inherits = \"light\"\n[roles]\ndim = { fg = \"light blue\" }"))
    });
    let child = child.unwrap();
    assert_eq!(child.background(), Background::Light);
    assert_eq!(child.style(Role::SideGreen).fg, Some(Color::Gray));
    assert_eq!(child.style(Role::Dim).fg, Some(Color::LightBlue));
    assert_eq!(child.style(Role::Ok), Style::new());
}

#[test]
fn every_mistake_is_told_with_its_line_and_a_remedy() {
    for (text, place, says) in [
        ("[roles]\nlol = {}", "my.toml:2:1: ", "[roles]: unknown role \"lol\"; roles: text, dim,"),
        (
            "inherits = \"dark\"\n[roles]\ndim = { fg = \"grurple\" }",
            "my.toml:3:14: ",
            "[roles] dim: \"grurple\" is neither",
        ),
        (
            "inherits = \"dark\"\n[palette]\nblue = \"#12345\"",
            "my.toml:3:1: ",
            "[palette] blue: \"#12345\" is not a colour; write #rrggbb",
        ),
        ("inherits = \"dark\"\n[palette]\nblue = 256", "my.toml:3:1: ", "\"256\" is not a colour"),
        ("inherits = \"dark\"\n[palette]\nblue = [1]", "my.toml:3:1: ", "[palette] blue: must be a colour, not a list"),
        ("inherits = \"nothing\"", "my.toml:1:12: ", "there is no theme \"nothing\"; known are dark"),
        ("inherits = 7", "my.toml:1:12: ", "inherits: must be a text, not a number"),
        ("inherits = \"my\"", "my.toml:1:12: ", "inherits: a circle: my > my; let one"),
        (
            "inherits = \"dark\"\nbackground = \"grey\"",
            "my.toml:2:14: ",
            "background: \"grey\" is not known here; write \"dark\" or \"light\"",
        ),
        (
            "inherits = \"dark\"\nbackgrund = \"dark\"",
            "my.toml:2:1: ",
            "unknown key \"backgrund\"; did you mean background?",
        ),
        (
            "inherits = \"dark\"\n[roles]\ndim = \"grey\"",
            "my.toml:3:7: ",
            "[roles] dim: must be a table, not a text; write [roles.dim] on a line of its own",
        ),
        (
            "inherits = \"dark\"\n[roles]\ndim = { bold = 1 }",
            "my.toml:3:16: ",
            "[roles] dim bold: must be true or false, not a number",
        ),
        (
            "inherits = \"dark\"\n[roles]\ndim = { blink = true }",
            "my.toml:3:9: ",
            "[roles] dim: unknown attribute \"blink\"; attributes: fg,",
        ),
        (
            "inherits = \"dark\"\n[roles]\ndim = { fg = true }",
            "my.toml:3:14: ",
            "[roles] dim fg: must be a colour, not true",
        ),
        ("roles = 3", "my.toml:1:9: ", "roles: must be a table, not a number; write [roles]"),
        ("[roles]\ntext = {", "my.toml:2:", "not valid TOML"),
        ("[roles]\ntext = {}", "my.toml:1:1: ", "the role dim is not set; write dim = {} under [roles], or inherits"),
        ("\u{1b}[2J", "my.toml:1:1: ", "not valid TOML"),
    ] {
        let told = wrong(text);
        let line = told.lines().find(|line| line.contains(says)).unwrap_or_else(|| panic!("{text}: {told}"));
        assert!(line.starts_with(place), "{place}: {line}");
        assert!(!told.contains('\u{1b}'), "{told:?}");
    }
    let many = wrong("inherits = \"dark\"\n[roles]\na = {}\nb = {}\ntext = 3");
    assert_eq!(many.lines().count(), 3, "every fault: {many}");
    let endless = (0..5000).map(|n| format!("x{n} = 1")).collect::<Vec<_>>().join("\n");
    assert!(wrong(&endless).lines().count() <= 101);
}

#[test]
fn a_circle_and_an_endless_chain_are_faults_where_they_close() {
    let mut asked = 0;
    let round = Theme::resolve(source("a", "inherits = \"b\""), &mut |name| {
        asked += 1;
        Ok(source(name, if name == "b" { "\ninherits = \"c\"" } else { "inherits = \"a\"" }))
    });
    let told = round.unwrap_err().to_string();
    assert!(told.starts_with("c.toml:1:12: inherits: a circle: a > b > c > a; "), "{told}");
    assert_eq!(asked, 2);
    let mut n = 0;
    let endless = Theme::resolve(source("a", "inherits = \"n0\""), &mut |name| {
        n += 1;
        Ok(source(name, &format!("inherits = \"n{n}\"")))
    });
    assert!(endless.unwrap_err().to_string().contains("chain of themes"));
    assert!(n < 10, "{n}");
}

#[test]
fn a_fault_in_what_is_inherited_is_told_where_it_stands() {
    let found = Theme::resolve(source("a", "inherits = \"b\""), &mut |name| Ok(source(name, "[roles]\nlol = {}")));
    assert!(found.unwrap_err().to_string().starts_with("b.toml:2:1: [roles]: unknown role"));
    let none = Theme::resolve(source("a", "\ninherits = \"b\""), &mut |_| {
        Err(ConfigError::whole("/x/b.toml", "cannot be read: denied".into(), ""))
    });
    assert_eq!(none.unwrap_err().to_string(), "a.toml:2:12: inherits: /x/b.toml: cannot be read: denied");
}

#[test]
fn no_bytes_make_the_parser_panic() {
    let mut rng = fastrand::Rng::with_seed(11);
    let seed = include_str!("../../../themes/dark.toml");
    for _ in 0..3000 {
        let mut bytes = seed.as_bytes().to_vec();
        for _ in 0..rng.usize(1..6) {
            let at = rng.usize(..bytes.len());
            match rng.u8(..3) {
                0 => bytes[at] = rng.u8(..),
                1 => drop(bytes.remove(at)),
                _ => bytes.insert(at, rng.u8(b' '..b'~')),
            }
        }
        // Any text is a theme or an error, never a panic.
        let _ = Theme::parse(&String::from_utf8_lossy(&bytes));
    }
}
