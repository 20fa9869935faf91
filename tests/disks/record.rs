//! What a process did to the files of its folder, call by call, as strace saw it.
//!
//! In: strace's text. Out: what happened, in order. Never: a guess; a call of a kind that nobody here knows is none of these.

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happened {
    /// Bytes were written at this place of a file, or at its end.
    Wrote(String, Option<usize>, Vec<u8>),
    /// A file was cut or lengthened.
    Cut(String, usize),
    /// The disk was told to keep a file; the folder has no name.
    Kept(String),
    /// A file was made.
    Made(String),
    Renamed(String, String),
    Gone(String),
    /// Standard output.
    Said(String),
    /// A card was sent to BluSKY.
    Sent,
}

/// The calls that change files, and those by which something is told.
pub const CALLS: &str = "openat,write,writev,pwrite64,fsync,fdatasync,ftruncate,rename,renameat,renameat2,unlink,unlinkat";

/// Reads what strace wrote with `-f -y -xx`.
pub fn read(text: &str, folder: &str) -> Vec<Happened> {
    let mut waiting: Vec<(&str, String)> = Vec::new();
    let mut happened = Vec::new();
    for line in text.lines() {
        let (pid, call) = line.split_once(' ').unwrap_or((line, ""));
        let call = call.trim_start();
        if let Some((begun, _)) = call.split_once(" <unfinished ...>") {
            // What is written may be on its way from here on; what is kept is kept at the end.
            if begun.starts_with("fsync") || begun.starts_with("fdatasync") || begun.starts_with("openat") {
                waiting.push((pid, begun.to_owned()));
            } else {
                happened.extend(one(begun, "= 0", folder));
            }
        } else if call.starts_with("<... ") {
            if let Some(at) = waiting.iter().position(|(of, _)| *of == pid) {
                let (_, begun) = waiting.remove(at);
                happened.extend(one(&begun, call, folder));
            }
        } else {
            happened.extend(one(call, call, folder));
        }
    }
    happened
}

/// One call, and the line that holds its end.
fn one(call: &str, end: &str, folder: &str) -> Option<Happened> {
    if end.contains("= -1 ") {
        return None;
    }
    let (name, arguments) = call.split_once('(')?;
    let texts = texts(arguments);
    let at_place = |place: &str| name_in(folder, place);
    let of_file = || Some(String::from_utf8_lossy(texts.first()?)).filter(|path| path.starts_with('/')).and_then(|path| at_place(&path));
    let named = |at: usize| at_place(&String::from_utf8_lossy(texts.get(at)?));
    let number = || arguments.rsplit_once(", ").and_then(|(_, last)| last.split(')').next()?.trim().parse::<usize>().ok());
    match name {
        "write" if arguments.starts_with("1<") => Some(Happened::Said(String::from_utf8_lossy(texts.last()?).into_owned())),
        "write" => Some(Happened::Wrote(of_file()?, None, texts.get(1)?.clone())),
        "pwrite64" => Some(Happened::Wrote(of_file()?, number(), texts.get(1)?.clone())),
        "writev" => texts.iter().any(|text| text.starts_with(b"POST /api/")).then_some(Happened::Sent),
        "fsync" | "fdatasync" => Some(Happened::Kept(of_file()?)),
        "ftruncate" => Some(Happened::Cut(of_file()?, number()?)),
        "openat" if arguments.contains("O_CREAT") => Some(Happened::Made(named(1)?)),
        "rename" => Some(Happened::Renamed(named(0)?, named(1)?)),
        "renameat" | "renameat2" => Some(Happened::Renamed(named(1)?, named(3)?)),
        "unlink" => Some(Happened::Gone(named(0)?)),
        "unlinkat" => Some(Happened::Gone(named(1)?)),
        _ => None,
    }
}

/// The texts of a call, which strace writes in hex.
fn texts(arguments: &str) -> Vec<Vec<u8>> {
    let mut texts = Vec::new();
    let mut rest = arguments;
    while let Some(at) = rest.find("\\x") {
        let run = &rest[at..];
        let end = run.find(|letter: char| letter != '\\' && letter != 'x' && !letter.is_ascii_hexdigit()).unwrap_or(run.len());
        texts.push(run[..end].split("\\x").skip(1).map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect());
        rest = &run[end..];
    }
    texts
}

/// A file's name in the folder, none for the folder itself; nothing where it lies elsewhere.
fn name_in(folder: &str, path: &str) -> Option<String> {
    let inside = if path.starts_with('/') { path.strip_prefix(folder)? } else { path };
    let name = inside.trim_start_matches('/').trim_start_matches("./").trim_end_matches('.');
    (!name.contains('/')).then(|| name.to_owned())
}

#[test]
fn what_strace_writes_is_read() {
    let hex = |text: &str| text.bytes().map(|byte| format!("\\x{byte:02x}")).collect::<String>();
    let (folder, file) = (hex("/f"), hex("/f/a.db"));
    let text = format!(
        "7 openat(AT_FDCWD<{folder}>, \"{file}\", O_RDWR|O_CREAT, 0600) = 3<{file}>\n\
         7 pwrite64(3<{file}>, \"{}\", 2, 4096) = 2\n8 fsync(3<{file}> <unfinished ...>\n\
         7 unlink(\"{}\") = -1 ENOENT\n8 <... fsync resumed>) = 0\n7 openat(AT_FDCWD<{folder}>, \".\", O_RDONLY) = 4<{folder}>\n\
         7 fsync(4<{folder}>) = 0\n7 write(1<{}>, \"{}\", 3) = 3\n",
        hex("ab"),
        hex("/f/b"),
        hex("/dev/pts/0"),
        hex("hi\n")
    );
    let name = || "a.db".to_owned();
    let wanted = [
        Happened::Made(name()),
        Happened::Wrote(name(), Some(4096), b"ab".to_vec()),
        Happened::Kept(name()),
        Happened::Kept(String::new()),
        Happened::Said("hi\n".to_owned()),
    ];
    assert_eq!(read(&text, "/f"), wanted);
}
