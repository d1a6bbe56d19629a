//! Regular expressions that the browser would refuse, as far as a short scan can tell.
//!
//! It checks flags, groups, classes and dangling quantifiers; it is no full grammar.

/// What is wrong with a regular expression, if anything.
pub(super) fn fault(pattern: &str, flags: &str) -> Option<&'static str> {
    let known = flags.chars().all(|flag| "dgimsuvy".contains(flag));
    let repeated = flags
        .char_indices()
        .any(|(at, flag)| flags.get(..at).is_some_and(|before| before.contains(flag)));
    if !known || repeated || (flags.contains('u') && flags.contains('v')) {
        return Some("Invalid flags of a regular expression");
    }
    body_fault(pattern, flags.contains('v'))
}

fn body_fault(pattern: &str, nested_classes: bool) -> Option<&'static str> {
    let mut groups = 0_usize;
    let mut classes = 0_usize;
    // Whether a quantifier here would repeat nothing.
    let mut nothing = true;
    let mut characters = pattern.chars().peekable();
    while let Some(character) = characters.next() {
        if character == '\\' {
            characters.next();
            nothing = false;
            continue;
        }
        if classes > 0 {
            match character {
                ']' => classes -= 1,
                '[' if nested_classes => classes += 1,
                _ => {}
            }
            continue;
        }
        match character {
            '[' => {
                classes += 1;
                nothing = false;
            }
            '(' => {
                groups += 1;
                nothing = true;
                if characters.peek() == Some(&'?') {
                    characters.next();
                }
            }
            ')' => {
                groups = match groups.checked_sub(1) {
                    Some(groups) => groups,
                    None => return Some("A group of this regular expression is never opened"),
                };
                nothing = false;
            }
            '|' => nothing = true,
            '*' | '+' | '?' if nothing => {
                return Some("A quantifier of this regular expression repeats nothing");
            }
            _ => nothing = false,
        }
    }
    if classes > 0 {
        return Some("A class of this regular expression is never closed");
    }
    (groups > 0).then_some("A group of this regular expression is never closed")
}

#[cfg(test)]
mod tests {
    use super::fault;

    #[test]
    fn accepts_what_browsers_accept() {
        for (pattern, flags) in [
            (r"^(?:a|[(\]]+?)*$", "gi"),
            (r"(?<name>x)\k<name>{2,3}?", "u"),
            (r"[[a-z]&&[aeiou]]", "v"),
            (r"a*", ""),
            (r"(?=a)|(?!b)|(?<=c)|", "dy"),
            (r"]{", ""),
        ] {
            assert_eq!(fault(pattern, flags), None, "/{pattern}/{flags}");
        }
    }

    #[test]
    fn refuses_what_browsers_refuse() {
        for (pattern, flags) in [
            ("(", ""),
            (")", ""),
            ("[a", ""),
            ("*a", ""),
            ("a|+", ""),
            ("a", "gg"),
            ("a", "x"),
            ("a", "uv"),
        ] {
            assert!(fault(pattern, flags).is_some(), "/{pattern}/{flags}");
        }
    }
}
