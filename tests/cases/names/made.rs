//! Fifty hostile names: some that once went wrong, and others of their kinds, made from a seed.

use fastrand::Rng;

/// How many there are.
pub const HOW_MANY: usize = 50;
/// What every name that would run something makes, with a number behind it.
pub const CANARY: &str = "ran-by";
/// The most characters that a server takes.
const LONGEST: usize = 64;

/// Names that once ran as a program, as an option, as a statement, or fetched a password; and others of their kinds.
const KNOWN: [&str; 30] = [
    "‹x›'&id>$HOME/ran-by-1;'",
    "--where=1=0",
    "‹secret TARGET_PASSWORD›",
    "‹secret env REPL_PASSWORD›",
    "‹') OR SLEEP(7)=9 -- ›",
    "‹steps.dump.position›",
    "‹run›",
    "$(touch ran-by-2)",
    "`touch ran-by-3`",
    "'; DROP DATABASE shop; -- x",
    "\"; DROP TABLE shop.orders; #",
    "a\nb",
    "a\tb\rc",
    "\n\\! touch ran-by-4\n",
    "-",
    "-e",
    "--result-file=ran-by-5",
    "--all-databases",
    "%s%n%d",
    "{{ servers.source.password }}",
    "${SOURCE_PASSWORD}",
    "\u{202e}desrever\u{202c}",
    "\u{1b}[2J\u{1b}[31m",
    "\u{1b}]0;touch ran-by-6\u{7}",
    "é☃中\u{fffd}\u{e000}",
    "\\' \\\\ \\n \\0",
    " leading",
    "trailing ",
    "/*! DROP DATABASE shop */",
    "a.b.c/../d",
];

/// All of them, no two alike to a server that does not know upper case from lower.
pub fn names() -> Vec<String> {
    let mut rng = Rng::with_seed(16);
    let mut all: Vec<String> = KNOWN.iter().map(|name| (*name).to_owned()).collect();
    all.push("\u{4e2d}".repeat(LONGEST - 1) + "\u{ffe6}");
    all.push("'`$(x)‹y›-\"".chars().cycle().take(LONGEST).collect());
    while all.len() < HOW_MANY {
        let number = all.len();
        all.push(match number % 4 {
            0 => of_pieces(&mut rng, number),
            1 => (0..40).map(|_| letter(&mut rng)).collect(),
            2 => (0..12).map(|_| char::from(rng.u8(1..128))).chain(['x']).collect(),
            _ => format!("{}{}", "-".repeat(rng.usize(1..4)), of_pieces(&mut rng, number)),
        });
    }
    all
}

/// Any character of the first plane.
fn letter(rng: &mut Rng) -> char {
    loop {
        if let Some(letter) = char::from_u32(rng.u32(1..0xffff)) {
            return letter;
        }
    }
}

/// Pieces that mean something to somebody, side by side.
fn of_pieces(rng: &mut Rng, number: usize) -> String {
    let canary = format!("$(touch {CANARY}-{number})");
    let pieces = [
        "'",
        "\"",
        "`",
        "\\",
        "%",
        "\n",
        "\t",
        "‹secret SOURCE_PASSWORD›",
        "‹run›",
        "--",
        ";",
        "|",
        "&&",
        "\u{200f}",
        "\u{2028}",
        "\u{1b}[0m",
        "é",
        "*/",
        "/*",
        "#",
        "{{",
        "}}",
        "$",
        "(",
        "=",
        " ",
        "!",
        "~",
        "\u{feff}",
        &canary,
    ];
    let mut name = String::new();
    while name.chars().count() < 24 {
        name.push_str(pieces[rng.usize(..pieces.len())]);
    }
    let name: String = name.chars().take(LONGEST - 3).collect();
    format!("{name}{number}")
}

#[test]
fn there_are_fifty_and_each_is_another() {
    let all = names();
    let unlike: std::collections::BTreeSet<String> = all.iter().map(|name| name.to_lowercase()).collect();
    assert_eq!((all.len(), unlike.len()), (HOW_MANY, HOW_MANY));
    assert!(all.iter().all(|name| (1..=LONGEST).contains(&name.chars().count()) && !name.contains('\0')));
    assert!(all.iter().flat_map(|name| name.chars()).all(|letter| u32::from(letter) < 0x1_0000));
}
