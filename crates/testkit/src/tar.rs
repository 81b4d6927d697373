//! A tar writer (POSIX.1-1988 ustar), so that nothing of the reader under test writes its own input.

/// An archive as it is written.
#[derive(Debug, Default)]
pub(crate) struct Tar(Vec<u8>);

impl Tar {
    pub(crate) fn file(&mut self, path: &str, contents: &[u8]) {
        self.entry(path, b'0', "", contents);
    }

    pub(crate) fn entry(&mut self, path: &str, kind: u8, link: &str, contents: &[u8]) {
        let (prefix, name) = if path.len() <= 100 {
            ("", path)
        } else {
            let cut = path.char_indices().filter(|(i, c)| *c == '/' && *i <= 155).map(|(i, _)| i).next_back();
            path.split_at_checked(cut.expect("a long path has a slash")).map_or(("", path), |(a, b)| (a, &b[1..]))
        };
        let mut block = [0_u8; 512];
        let mut field = |offset: usize, text: &[u8]| block[offset..offset + text.len()].copy_from_slice(text);
        field(0, name.as_bytes());
        field(100, b"0000644\x000000000\x000000000\x00");
        field(124, format!("{:011o}\0", contents.len()).as_bytes());
        field(136, b"00000000000\x00        ");
        field(156, &[kind]);
        field(157, link.as_bytes());
        field(257, b"ustar\x0000");
        field(345, prefix.as_bytes());
        let sum: u32 = block.iter().map(|b| u32::from(*b)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        self.0.extend(block);
        self.0.extend(contents);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
    }

    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.0.resize(self.0.len() + 1024, 0);
        self.0
    }
}
