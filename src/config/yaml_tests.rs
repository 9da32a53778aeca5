#![allow(clippy::unwrap_used)]
use super::*;

fn parse(text: &str) -> (Tree, NodeId, Report) {
    let mut report = Report::default();
    let (tree, root) = read(text, &mut report).unwrap();
    (tree, root, report)
}

fn refused(text: &str) -> Diagnostic {
    let mut report = Report::default();
    assert!(read(text, &mut report).is_none());
    report.found.pop().unwrap()
}

/// The tree as one line, to compare with.
fn show(tree: &Tree, id: NodeId) -> String {
    match &tree.node(id).raw {
        Raw::List(items) => format!("[{}]", items.iter().map(|i| show(tree, *i)).collect::<Vec<_>>().join(" ")),
        Raw::Map(pairs) => {
            let pairs: Vec<_> = pairs.iter().map(|p| format!("{}={}", p.key, show(tree, p.value))).collect();
            format!("{{{}}}", pairs.join(" "))
        }
        Raw::Text(text) => format!("{text:?}"),
        Raw::Null => "~".to_owned(),
        Raw::Bool(b) => b.to_string(),
        Raw::Int(n) => n.to_string(),
        Raw::Num(n) => n.to_string(),
    }
}

fn shown(text: &str) -> String {
    let (tree, root, _) = parse(text);
    show(&tree, root)
}

#[test]
fn a_document_becomes_a_tree() {
    assert_eq!(shown("a: [1, 'x', on]\nb:\n- c: ~\n  d: \"1\"\n"), r#"{a=[1 "x" true] b=[{c=~ d="1"}]}"#);
    assert_eq!(shown("a: b\r\nc: |\r\n  x\r\n  y\r\n"), "{a=\"b\" c=\"x\\ny\\n\"}");
    assert_eq!(shown(""), "~");
    assert_eq!(shown("# nothing\n"), "~");
}

#[test]
fn places_are_bytes() {
    let text = "# é\nä: [ü, x]  # é\nlist:\n  - name: one  # c\n    port: 1\n\nlast: 2\n";
    let (tree, root, _) = parse(text);
    let slice = |span: Span| &text[span.range()];
    let pairs = tree.pairs(root);
    assert_eq!(slice(pairs[0].key_span), "ä");
    assert_eq!(slice(tree.node(pairs[0].value).span), "[ü, x]");
    let Raw::List(items) = &tree.node(pairs[1].value).raw else { panic!() };
    assert_eq!(slice(tree.node(items[0]).span), "name: one  # c\n    port: 1");
    assert_eq!(slice(tree.node(tree.get(items[0], "name").unwrap().value).span), "one");
}

#[test]
fn merge_keys_fill_in_what_is_not_written() {
    let text = "base: &b {x: 1, y: 2}\nother: &o {y: 3, z: 4}\na: {y: 9, <<: *b}\nc:\n  <<: [*b, *o]\n  x: 7\n";
    let (tree, root, report) = parse(text);
    let of = |key: &str| show(&tree, tree.get(root, key).unwrap().value);
    assert_eq!(of("a"), "{y=9 x=1}");
    assert_eq!(of("c"), "{x=7 y=2 z=4}");
    assert_eq!(report.found, []);
}

#[test]
fn a_key_written_twice_counts_last_and_is_told() {
    let (tree, root, report) = parse("a: 1\nb: 2\na: 3\n");
    assert_eq!(show(&tree, root), "{a=3 b=2}");
    assert_eq!((report.found[0].code, report.found[0].span), ("duplicate-key", Span::new(10, 11)));
}

#[test]
fn a_second_document_is_told_and_only_read() {
    let (tree, root, report) = parse("a: 1\n---\nb: 2\n");
    assert_eq!(show(&tree, root), "{a=1}");
    assert_eq!(report.found[0].code, "second-document");
    assert_eq!(refused("a: 1\n---\nb: [\n").code, "syntax");
}

#[test]
fn errors_have_a_place() {
    let found = refused("_format_version: \"2.1\"\nservices:\n\t- name: a\n");
    assert_eq!(found.span.start(), 33);
    assert!(found.kong.unwrap().message.starts_with("failed parsing declarative configuration: 3:"));
    assert_eq!(refused("a: &x [*x]").code, "syntax");
    assert_eq!(refused("a: *nobody").code, "syntax");
    assert_eq!(refused("[a, b]: c").code, "syntax");
    assert_eq!(refused("<<: 1").code, "syntax");
    assert_eq!(refused("a: !!int x").code, "syntax");
}

#[test]
fn an_alias_bomb_is_refused() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..10 {
        let again = vec![format!("*a{}", n - 1); 9].join(", ");
        text += &format!("a{n}: &a{n} [{again}]\n");
    }
    assert_eq!(refused(&text).code, "alias-bomb");
}

#[test]
fn nesting_is_bounded() {
    assert_eq!(refused(&"[".repeat(200)).code, "too-deep");
    assert_eq!(refused(&"- ".repeat(50_000)).code, "too-deep");
    let maps: String = (0..200).map(|n| format!("{}a:\n", " ".repeat(n))).collect();
    assert_eq!(refused(&maps).code, "too-deep");
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC*", yaml in "[-a-z:&*<\\[\\]{}|>'\"#%!\\n\\t ,~é]{0,80}") {
        let mut report = Report::default();
        proptest::prop_assert_eq!(read(&text, &mut report).is_none(), report.has_errors());
        let mut report = Report::default();
        proptest::prop_assert_eq!(read(&yaml, &mut report).is_none(), report.has_errors());
    }
}
