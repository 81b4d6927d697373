//! `setup/action.yml`: the composite action with the inputs and outputs of the container action, written from `action.yml`, so
//! that neither can be forgotten.
//!
//! `action.yml` is ours and read line by line: its comments and its order are kept. That both are YAML which GitHub takes, the
//! schemas of the linters judge.

const HEAD: &str = r"# Generated from action.yml by `cargo xtask generate`; do not edit.
name: Set up Sealwright
description: Install the released binary by its sha256 where container actions cannot run, and run one command with it.
author: The Sealwright developers
branding:
  icon: shield
  color: blue

inputs:
  # Where the binary comes from.
  download-from:
    description: A mirror of the releases, ADDRESS/vX.Y.Z/FILE. What it serves is checked like any other.
  # From here on as in action.yml; without a command nothing is run.
";

const STEPS: &str = r#"
runs:
  using: composite
  steps:
    - name: Install sealwright
      shell: bash
      env:
        DOWNLOAD_FROM: ${{ inputs.download-from }}
      run: bash "$GITHUB_ACTION_PATH/install.sh" "$GITHUB_ACTION_PATH/checksums.txt" "$DOWNLOAD_FROM"
    - name: Run sealwright
      id: run
      if: inputs.command != ''
      shell: bash
      # As the runner hands inputs to a container, but for hyphens, which not every shell passes on in a name.
      env:
"#;

/// The text of `setup/action.yml` for this `action.yml`.
pub(crate) fn render(action: &str) -> Result<String, String> {
    let inputs = between(action, "\ninputs:\n", "\n\noutputs:\n")?;
    let outputs = between(action, "\noutputs:\n", "\n\nruns:\n")?;
    let mut text = HEAD.to_owned();
    text.push_str(&inputs.replacen("    required: true\n", "    required: false\n", 1));
    text.push_str("\n\noutputs:\n");
    for line in outputs.lines() {
        text.push_str(line);
        text.push('\n');
        if let Some(output) = name(line) {
            text.push_str(&format!("    value: ${{{{ steps.run.outputs.{output} }}}}\n"));
        }
    }
    text.push_str(STEPS);
    for input in inputs.lines().filter_map(name) {
        text.push_str(&format!(
            "        INPUT_{}: ${{{{ inputs.{input} }}}}\n",
            input.to_uppercase().replace('-', "_")
        ));
    }
    text.push_str("      run: sealwright action\n");
    Ok(text)
}

fn between<'a>(text: &'a str, from: &str, to: &str) -> Result<&'a str, String> {
    let rest = text.split_once(from).map(|(_, rest)| rest);
    let part = rest.and_then(|rest| rest.split_once(to)).map(|(part, _)| part);
    part.ok_or_else(|| format!("action.yml has no {:?} before {:?}", from.trim(), to.trim()))
}

/// The name of the input or output that begins here: one of two spaces' indent.
fn name(line: &str) -> Option<&str> {
    let name = line.strip_prefix("  ")?.strip_suffix(':')?;
    name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-').then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACTION: &str = "name: x\n\ninputs:\n  # what\n  command:\n    description: a\n    required: true\n  fail-on:\n    description: b: c\n\noutputs:\n  verify-command:\n    description: d\n\nruns:\n  using: docker\n";

    #[test]
    fn every_input_reaches_the_program_and_every_output_the_caller() {
        let text = render(ACTION).unwrap_or_default();
        for line in [
            "  # what\n  command:\n    description: a\n    required: false\n  fail-on:\n",
            "        INPUT_COMMAND: ${{ inputs.command }}\n        INPUT_FAIL_ON: ${{ inputs.fail-on }}\n      run: sealwright action\n",
            "  verify-command:\n    value: ${{ steps.run.outputs.verify-command }}\n    description: d\n",
        ] {
            assert!(text.contains(line), "{line:?} is not in:\n{text}");
        }
        assert_eq!(text.matches("INPUT_").count(), 2, "{text}");
    }

    #[test]
    fn a_contract_that_is_written_in_another_way_is_an_error() {
        assert!(render(&ACTION.replace("outputs", "results")).is_err());
        assert!(render("").is_err());
    }
}
