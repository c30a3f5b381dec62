//! The page about the dashboard tells the truth about keys.

use std::fmt::Write as _;

use itlscope::tui::{BINDINGS, Page};

#[test]
fn the_table_of_keys_is_the_table_of_the_program() {
    let page = include_str!("../../../docs/dashboard.md");
    let (begin, end) = ("<!-- keys -->\n", "<!-- end of keys -->");
    let shown = page.split(begin).nth(1).and_then(|rest| rest.split(end).next()).expect("a table of keys");
    let mut table = String::from("| key | where | what it does |\n| --- | --- | --- |\n");
    for binding in BINDINGS {
        let pages: Vec<_> = binding.pages.iter().map(|page| page_name(*page)).collect();
        let pages = if pages.len() == Page::ALL.len() { "everywhere".to_owned() } else { pages.join(", ") };
        writeln!(table, "| `{}` | {pages} | {} |", binding.shown, binding.help).unwrap();
    }
    assert!(shown == table, "docs/dashboard.md should have this table of keys:\n{table}");
}

fn page_name(page: Page) -> &'static str {
    match page {
        Page::Phones => "phones",
        Page::Phone => "phone",
        Page::Fleet => "fleet",
    }
}
