//! Trees as archives: a tar, packed by gzip, read into files without ever unpacking more than a limit.
//!
//! Only files and folders are taken. A link could mean another place, and a device is no source.

use crate::{
    edit::Write,
    limits::{ARCHIVE_BYTES, FILE_BYTES, TREE_FILES},
    path::{self, PathError},
};
use flate2::read::MultiGzDecoder;
use hotplate_protocol::ErrorCode;
use std::collections::BTreeSet;
use std::io::{self, Read};
use tar::{Archive, EntryType};

/// Why an archive was refused; nothing of it is applied then.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// No gzip, no tar, or cut off.
    #[error("the archive cannot be read: {0}")]
    Malformed(#[source] io::Error),
    /// Over [`ARCHIVE_BYTES`].
    #[error(
        "the archive unpacks to more than {ARCHIVE_BYTES} bytes; send a large tree as several edits"
    )]
    TooLarge,
    /// Over [`TREE_FILES`].
    #[error("the archive has more than {TREE_FILES} files")]
    TooManyFiles,
    /// A file is over [`FILE_BYTES`].
    #[error("{path:?} has {bytes} bytes; {FILE_BYTES} are allowed")]
    FileTooLarge {
        /// Which.
        path: String,
        /// Its size.
        bytes: u64,
    },
    /// A path breaks the rules.
    #[error("{path:?}: {source}")]
    Path {
        /// Which.
        path: String,
        /// The rule.
        source: PathError,
    },
    /// A path that is no UTF-8.
    #[error("{0:?}: a path is UTF-8")]
    PathBytes(String),
    /// A path is there twice.
    #[error("{0:?} stands twice in the archive")]
    Duplicate(String),
    /// A link, a device, ….
    #[error("{0:?} is neither a file nor a folder")]
    NoFile(String),
}

impl ArchiveError {
    /// The code the API answers with.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Malformed(_) => ErrorCode::InvalidArchive,
            Self::TooLarge => ErrorCode::BodyTooLarge,
            Self::TooManyFiles => ErrorCode::TreeTooLarge,
            Self::FileTooLarge { .. } => ErrorCode::FileTooLarge,
            Self::Path { .. } | Self::PathBytes(_) => ErrorCode::InvalidPath,
            Self::Duplicate(_) => ErrorCode::DuplicatePath,
            Self::NoFile(_) => ErrorCode::ArchiveEntryRefused,
        }
    }
}

/// The files of a packed tar.
pub fn read(packed: &[u8]) -> Result<Vec<Write>, ArchiveError> {
    if packed.is_empty() {
        // To the decoder that is an archive of nothing, which would empty the tree.
        return Err(ArchiveError::Malformed(io::ErrorKind::UnexpectedEof.into()));
    }
    let mut archive = Archive::new(Bounded {
        inner: MultiGzDecoder::new(packed),
        left: ARCHIVE_BYTES,
    });
    let (mut files, mut seen) = (Vec::new(), BTreeSet::new());
    for entry in archive.entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        let bytes = entry.path_bytes();
        let name = std::str::from_utf8(&bytes)
            .map_err(|_| ArchiveError::PathBytes(String::from_utf8_lossy(&bytes).into_owned()))?;
        // `tar -c .` writes `./src/a.ts`.
        let path = name.trim_start_matches("./").to_owned();
        match entry.header().entry_type() {
            EntryType::Regular | EntryType::Continuous => {}
            EntryType::Directory | EntryType::XGlobalHeader => continue,
            _ => return Err(ArchiveError::NoFile(path)),
        }
        path::validate(&path).map_err(|source| ArchiveError::Path {
            path: path.clone(),
            source,
        })?;
        if entry.size() > FILE_BYTES {
            let bytes = entry.size();
            return Err(ArchiveError::FileTooLarge { path, bytes });
        }
        if !seen.insert(path.clone()) {
            return Err(ArchiveError::Duplicate(path));
        }
        if files.len() as u64 == TREE_FILES {
            return Err(ArchiveError::TooManyFiles);
        }
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).map_err(broken)?;
        files.push(Write { path, bytes });
    }
    // A tar ends before its gzip does, whose checksum says whether all of it arrived.
    io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(broken)?;
    Ok(files)
}

/// A reader of at most so many bytes; one more is an error, so that a small archive cannot fill memory.
struct Bounded<R> {
    inner: R,
    left: u64,
}

/// Marks the error of an archive that unpacks to too much.
#[derive(Debug, thiserror::Error)]
#[error("too much")]
struct TooMuch;

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.left = self
            .left
            .checked_sub(read as u64)
            .ok_or_else(|| io::Error::other(TooMuch))?;
        Ok(read)
    }
}

fn broken(error: io::Error) -> ArchiveError {
    // The reader of tar wraps errors in words of its own.
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(inner) = cause {
        if inner.is::<TooMuch>() {
            return ArchiveError::TooLarge;
        }
        cause = match inner
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
        {
            Some(inner) => Some(inner),
            None => inner.source(),
        };
    }
    ArchiveError::Malformed(error)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use proptest::prelude::*;
    use std::io::Write as _;
    use tar::{Builder, Header};

    fn packed(tar: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(tar).unwrap();
        encoder.finish().unwrap()
    }

    fn header(path: &str, kind: EntryType, size: u64) -> Header {
        let mut header = Header::new_gnu();
        // As somebody hostile would write it: the library refuses `..` and `/`.
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_entry_type(kind);
        header.set_size(size);
        header.set_cksum();
        header
    }

    fn archive(entries: &[(&str, EntryType, &[u8])]) -> Vec<u8> {
        let mut builder = Builder::new(Vec::new());
        for (path, kind, content) in entries {
            builder
                .append(&header(path, *kind, content.len() as u64), *content)
                .unwrap();
        }
        packed(&builder.into_inner().unwrap())
    }

    const FILE: EntryType = EntryType::Regular;

    #[test]
    fn files_and_folders_are_taken() {
        let read = read(&archive(&[
            ("./", EntryType::Directory, b""),
            ("./src/", EntryType::Directory, b""),
            ("./src/a.ts", FILE, b"a"),
            ("index.html", FILE, b""),
        ]))
        .unwrap();
        let read: Vec<_> = read
            .iter()
            .map(|file| (file.path.as_str(), &file.bytes[..]))
            .collect();
        assert_eq!(read, [("src/a.ts", &b"a"[..]), ("index.html", b"")]);
    }

    #[test]
    fn long_names_are_read() {
        let long = format!("{}/a.ts", "folder/".repeat(25));
        let long = long.replace("//", "/");
        let mut builder = Builder::new(Vec::new());
        let mut header = Header::new_gnu();
        header.set_size(1);
        builder.append_data(&mut header, &long, &b"x"[..]).unwrap();
        let read = read(&packed(&builder.into_inner().unwrap())).unwrap();
        assert_eq!(read[0].path, long);
    }

    #[test]
    fn everything_else_is_refused() {
        let link = EntryType::Symlink;
        for (entries, code) in [
            (&[("../a", FILE, &b"x"[..])][..], ErrorCode::InvalidPath),
            (&[("/etc/a", FILE, b"x")], ErrorCode::InvalidPath),
            (&[("a/../../b", FILE, b"x")], ErrorCode::InvalidPath),
            (
                &[("a", FILE, b"x"), ("./a", FILE, b"y")],
                ErrorCode::DuplicatePath,
            ),
            (&[("a", link, b"")], ErrorCode::ArchiveEntryRefused),
            (
                &[("a", EntryType::Link, b"")],
                ErrorCode::ArchiveEntryRefused,
            ),
            (
                &[("a", EntryType::Char, b"")],
                ErrorCode::ArchiveEntryRefused,
            ),
        ] {
            assert_eq!(
                read(&archive(entries)).unwrap_err().code(),
                code,
                "{entries:?}"
            );
        }
        let whole = archive(&[("a", FILE, b"some text that is here")]);
        for broken in [
            &b""[..],
            b"PK\x03\x04",
            &whole[..whole.len() - 12],
            &packed(b"no tar at all").repeat(40),
        ] {
            assert_eq!(read(broken).unwrap_err().code(), ErrorCode::InvalidArchive);
        }
    }

    #[test]
    fn limits_are_met_and_passed() {
        let full = vec![0; usize::try_from(FILE_BYTES).unwrap()];
        assert!(read(&archive(&[("a", FILE, &full)])).is_ok());
        let more = vec![0; full.len() + 1];
        let refused = read(&archive(&[("a", FILE, &more)])).unwrap_err();
        assert_eq!(refused.code(), ErrorCode::FileTooLarge);
        // Six files of what is allowed are too much together, though they pack to nearly nothing.
        let names: Vec<String> = (0..6).map(|n| format!("f{n}")).collect();
        let entries: Vec<_> = names
            .iter()
            .map(|name| (name.as_str(), FILE, &full[..]))
            .collect();
        let bomb = archive(&entries);
        assert!(bomb.len() < 1024 * 1024);
        assert_eq!(read(&bomb).unwrap_err().code(), ErrorCode::BodyTooLarge);
        // What a header promises is not believed.
        let promise = packed(header("a", FILE, FILE_BYTES).as_bytes());
        assert_eq!(
            read(&promise).unwrap_err().code(),
            ErrorCode::InvalidArchive
        );
        let zeros = packed(&vec![b'x'; 2 * 1024 * 1024]);
        assert_eq!(read(&zeros).unwrap_err().code(), ErrorCode::InvalidArchive);
    }

    #[test]
    fn so_many_files() {
        let names: Vec<String> = (0..=TREE_FILES).map(|n| n.to_string()).collect();
        let entries: Vec<_> = names
            .iter()
            .map(|name| (name.as_str(), FILE, &b""[..]))
            .collect();
        assert!(read(&archive(&entries[..entries.len() - 1])).is_ok());
        assert_eq!(
            read(&archive(&entries)).unwrap_err().code(),
            ErrorCode::TreeTooLarge
        );
    }

    proptest! {
        #[test]
        fn no_bytes_break_it(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
            let _ = read(&bytes);
            let _ = read(&packed(&bytes));
        }
    }
}
