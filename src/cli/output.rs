//! `-o FORMAT[=FILE]`: one document in one format, on stdout or in a file.

use std::borrow::Cow;
use std::path::PathBuf;
use std::str::FromStr;

/// One `-o` of the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output<F> {
    /// The format.
    pub format: F,
    /// The file; `{platform}` in it is replaced. Without one the document goes to stdout.
    pub file: Option<PathBuf>,
}

/// What was asked for; where nothing was, `default` on stdout.
pub fn or_stdout<F: Copy>(asked: &[Output<F>], default: F) -> Cow<'_, [Output<F>]> {
    if asked.is_empty() { Cow::Owned(vec![Output { format: default, file: None }]) } else { Cow::Borrowed(asked) }
}

impl<F: FromStr<Err = String>> FromStr for Output<F> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((_, "")) => Err(format!("{text:?} names no file after =, expected FORMAT=FILE")),
            Some((format, file)) => Ok(Self { format: format.parse()?, file: Some(file.into()) }),
            None => Ok(Self { format: text.parse()?, file: None }),
        }
    }
}

/// Makes an enum of formats from its words, with `FromStr` and the list for messages.
macro_rules! formats {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $($word:literal)|+),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[$variant_doc])* $variant),+ }

        impl std::str::FromStr for $name {
            type Err = String;

            fn from_str(word: &str) -> Result<Self, String> {
                match word {
                    $($($word)|+ => Ok(Self::$variant),)+
                    _ => Err(format!("{word:?} is no format, expected one of {}", [$($($word),+),+].join(", "))),
                }
            }
        }
    };
}

formats! {
    /// Formats of `sbom`.
    SbomFormat {
        /// Aligned columns for a person.
        Table = "table",
        /// CycloneDX 1.6 JSON.
        CycloneDx16 = "cyclonedx-json" | "cyclonedx-json@1.6",
        /// CycloneDX 1.5 JSON.
        CycloneDx15 = "cyclonedx-json@1.5",
        /// CycloneDX 1.7 JSON.
        CycloneDx17 = "cyclonedx-json@1.7",
        /// SPDX 2.3 JSON.
        Spdx = "spdx-json" | "spdx-json@2.3",
        /// Sealwright's own.
        Native = "json",
    }
}

formats! {
    /// Formats of `tree`.
    TableFormat {
        /// Aligned columns for a person.
        Table = "table",
        /// Sealwright's own.
        Json = "json",
    }
}

formats! {
    /// Formats of `policy lint`.
    LintFormat {
        /// Aligned columns for a person.
        Table = "table",
        /// Sealwright's own, with a schema version.
        Json = "json",
        /// For code scanning.
        Sarif = "sarif",
    }
}

formats! {
    /// Formats of `policy explain`.
    ExplainFormat {
        /// Aligned columns for a person, then what is missing.
        Table = "table",
        /// Sealwright's own, with a schema version.
        Json = "json",
        /// For the summary of a run.
        Markdown = "markdown",
    }
}

formats! {
    /// Formats of `scan`.
    ScanFormat {
        /// Aligned columns for a person.
        Table = "table",
        /// Sealwright's own.
        Json = "json",
        /// For code scanning.
        Sarif = "sarif",
        /// For the summary of a run.
        Markdown = "markdown",
        /// The same, for a comment: less of it.
        Comment = "markdown-comment",
        /// For the log of a run: workflow commands for the worst.
        Annotations = "annotations",
    }
}

formats! {
    /// Formats of `seal`.
    SealFormat {
        /// Lines for a person.
        Text = "text",
        /// Sealwright's own, with a schema version.
        Json = "json",
        /// For code scanning, a run for each platform.
        Sarif = "sarif",
        /// For the summary of a run.
        Markdown = "markdown",
        /// The same, for a comment: less of it.
        Comment = "markdown-comment",
        /// For the log of a run: workflow commands for the worst.
        Annotations = "annotations",
    }
}

formats! {
    /// Formats of `verify`.
    VerifyFormat {
        /// Lines for a person.
        Text = "text",
        /// Sealwright's own, with a schema version.
        Json = "json",
        /// For the summary of a run.
        Markdown = "markdown",
        /// The same, for a comment: less of it.
        Comment = "markdown-comment",
    }
}

formats! {
    /// Formats of `sign`, `attest` and `report`.
    ReportFormat {
        /// Lines for a person.
        Text = "text",
        /// Sealwright's own, with a schema version.
        Json = "json",
    }
}

formats! {
    /// Formats of `prove`.
    ProofFormat {
        /// Lines for a person.
        Text = "text",
        /// For a pull request or a wiki.
        Markdown = "markdown",
        /// One sheet for a browser or a printer, with nothing to load.
        Html = "html",
        /// Sealwright's own, with a schema version.
        Json = "json",
    }
}

formats! {
    /// Formats of `doctor`.
    DoctorFormat {
        /// Lines for a person.
        Text = "text",
        /// Sealwright's own, with a schema version.
        Json = "json",
        /// For the summary of a run.
        Markdown = "markdown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_may_name_a_file_and_unknown_ones_list_what_there_is() {
        let output: Output<SbomFormat> = "spdx-json=a=b.json".parse().expect("format");
        assert_eq!(output, Output { format: SbomFormat::Spdx, file: Some("a=b.json".into()) });
        assert_eq!("json".parse::<Output<SbomFormat>>().expect("format").file, None);
        let message = "xml".parse::<Output<SbomFormat>>().expect_err("no such format");
        assert!(message.contains("cyclonedx-json@1.7") && message.contains("\"xml\""), "{message}");
        assert!("json=".parse::<Output<TableFormat>>().is_err());
    }
}
