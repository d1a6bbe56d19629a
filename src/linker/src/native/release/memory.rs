//! What a release remembers of the one before, so that it costs what was edited.
//!
//! Nothing here decides anything: what is not remembered is worked out again, and gives the same bytes.

use crate::native::graph::Known;
use flate2::{Compress, Compression, FlushCompress};
use hotplate_compiler::ModuleArtifact;
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// The memory of one app's releases.
#[derive(Debug, Default)]
pub struct ReleaseMemory {
    /// What its specifiers meant by.
    context: String,
    /// Modules as they were visited.
    pub(super) known: HashMap<String, Known>,
    /// Their code.
    pub(super) functions: HashMap<String, KnownFunction>,
    /// Sizes of blocks as gzip sends them, by content.
    blocks: HashMap<[u8; 32], u64>,
}

/// The code of a module, and what it is the code of.
#[derive(Debug)]
pub(super) struct KnownFunction {
    stamp: String,
    keep: Option<BTreeSet<String>>,
    code: Arc<ModuleArtifact>,
}

impl KnownFunction {
    pub(super) fn new(
        stamp: String,
        keep: Option<BTreeSet<String>>,
        code: Arc<ModuleArtifact>,
    ) -> Self {
        Self { stamp, keep, code }
    }
}

impl ReleaseMemory {
    /// Begins a release in which specifiers mean what `context` stands for.
    pub(super) fn begin(&mut self, context: String) {
        if self.context != context {
            *self = Self {
                context,
                blocks: std::mem::take(&mut self.blocks),
                ..Self::default()
            };
        }
    }

    /// The code of a module with these exports, if it is as it was.
    pub(super) fn function(
        &self,
        id: &str,
        stamp: Option<&str>,
        keep: Option<&BTreeSet<String>>,
    ) -> Option<Arc<ModuleArtifact>> {
        let known = self.functions.get(id)?;
        (Some(known.stamp.as_str()) == stamp && known.keep.as_ref() == keep)
            .then(|| Arc::clone(&known.code))
    }

    /// Sizes of texts as gzip sends them at its usual level.
    ///
    /// They are packed in blocks, as parallel packers do: each with what stands before it as its dictionary.
    /// So an edit costs the blocks that it is in.
    pub(super) fn gzip_sizes(&mut self, texts: &[&[u8]]) -> Vec<u64> {
        let blocks: Vec<(usize, &[u8], &[u8])> = texts
            .iter()
            .enumerate()
            .flat_map(|(text, bytes)| {
                blocks(bytes)
                    .into_iter()
                    .map(move |(before, block)| (text, before, block))
            })
            .collect();
        let known = &self.blocks;
        let measured: Vec<(usize, [u8; 32], u64)> = blocks
            .par_iter()
            .map(|(text, before, block)| {
                let mut hash = Sha256::new();
                hash.update((before.len() as u64).to_le_bytes());
                hash.update(before);
                hash.update(block);
                let key: [u8; 32] = hash.finalize().into();
                let size = known.get(&key).copied();
                (*text, key, size.unwrap_or_else(|| packed(before, block)))
            })
            .collect();
        let mut sizes = vec![AROUND; texts.len()];
        for (text, _, size) in &measured {
            if let Some(sum) = sizes.get_mut(*text) {
                *sum += size;
            }
        }
        self.blocks = measured
            .into_iter()
            .map(|(_, key, size)| (key, size))
            .collect();
        sizes
    }
}

/// Head and end of a gzip file, and the empty block at its end.
const AROUND: u64 = 10 + 8 + 2;
/// A block ends with the first line after so many bytes that says so by its own text, so that it ends there
/// whatever is edited before it.
const BLOCK: usize = 48 * 1024;
/// It ends here in any case.
const LONGEST_BLOCK: usize = 192 * 1024;
/// How far back a packer looks.
const WINDOW: usize = 32 * 1024;

/// The blocks of a text, each with the text before it that it may refer to.
fn blocks(bytes: &[u8]) -> Vec<(&[u8], &[u8])> {
    let mut blocks = Vec::new();
    let mut start = 0;
    let mut cut = |start: &mut usize, end: usize| {
        let (before, rest) = bytes.split_at(*start);
        let window = before.len().saturating_sub(WINDOW);
        let block = rest.get(..end - *start).unwrap_or_default();
        blocks.push((before.get(window..).unwrap_or_default(), block));
        *start = end;
    };
    let mut at = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        at += line.len();
        while at - start > LONGEST_BLOCK {
            let end = start + LONGEST_BLOCK;
            cut(&mut start, end);
        }
        if at - start >= BLOCK && line.iter().map(|byte| usize::from(*byte)).sum::<usize>() % 4 == 0
        {
            cut(&mut start, at);
        }
    }
    if start < bytes.len() {
        cut(&mut start, bytes.len());
    }
    blocks
}

fn packed(before: &[u8], block: &[u8]) -> u64 {
    let mut packer = Compress::new(Compression::default(), false);
    // Without a dictionary the size is a little larger, not wrong.
    if !before.is_empty() {
        drop(packer.set_dictionary(before));
    }
    let mut out = Vec::with_capacity(block.len() / 2 + 1024);
    let mut done = 0;
    loop {
        let rest = block.get(done..).unwrap_or_default();
        let written = packer.total_in();
        out.clear();
        if packer
            .compress_vec(rest, &mut out, FlushCompress::Sync)
            .is_err()
        {
            return block.len() as u64;
        }
        done += usize::try_from(packer.total_in() - written).unwrap_or(rest.len());
        // Room was left: everything is out.
        if out.len() < out.capacity() {
            return packer.total_out();
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use flate2::write::GzEncoder;
    use std::io::Write as _;

    fn text(lines: usize) -> String {
        (0..lines)
            .map(|line| {
                format!(
                    "__h.e({line},[{}],function*(e){{yield{{a:()=>{}}}}});\n",
                    line * 7 % 1000,
                    line * 31 % 977
                )
            })
            .collect::<Vec<String>>()
            .concat()
    }

    #[test]
    fn sizes_are_those_of_gzip_and_follow_from_the_text_alone() {
        for lines in [0, 1, 100, 20_000] {
            let text = text(lines);
            let mut whole = GzEncoder::new(Vec::new(), Compression::default());
            whole.write_all(text.as_bytes()).unwrap();
            let whole = whole.finish().unwrap().len() as u64;
            let mut memory = ReleaseMemory::default();
            let size = memory.gzip_sizes(&[text.as_bytes()]);
            let difference = size[0].abs_diff(whole);
            assert!(difference <= whole / 50 + 16, "{lines}: {size:?}, {whole}");
            let known = memory.blocks.len();
            assert_eq!(memory.gzip_sizes(&[text.as_bytes()]), size);
            let edited = text.replacen("a:()", "longer:()", 1);
            let anew = ReleaseMemory::default().gzip_sizes(&[edited.as_bytes()]);
            let before: BTreeSet<_> = memory.blocks.keys().copied().collect();
            assert_eq!(memory.gzip_sizes(&[edited.as_bytes()]), anew);
            let new = memory.blocks.keys().filter(|key| !before.contains(*key));
            assert!(new.count() <= 2, "{lines}: of {known} blocks");
        }
    }

    #[test]
    fn blocks_are_the_text() {
        for text in [String::new(), text(10_000), "x".repeat(1_000_000)] {
            let joined: Vec<u8> = blocks(text.as_bytes())
                .into_iter()
                .flat_map(|(_, block)| block.to_vec())
                .collect();
            assert_eq!(joined, text.as_bytes());
        }
    }
}
