//! A disk that loses its cache: what SQLite writes goes to the real files and is noted here, so that the files can be
//! rebuilt as a loss of power would leave them.
//!
//! The only unsafe code of the crate, compiled for tests alone: SQLite's layer below files is a table of C functions.
#![expect(
    unsafe_code,
    reason = "SQLite's file layer can only be wrapped through its C interface"
)]

use std::collections::BTreeMap;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::path::Path;
use std::ptr;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use rusqlite::ffi::{self, sqlite3_file, sqlite3_io_methods, sqlite3_vfs};
use tagus_base::Rng;

/// Watches every database file below `folder` that is opened from here on.
pub(crate) fn watch(folder: &Path) {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(install);
    let folder = as_sqlite_names(folder);
    noted().watched.push(folder);
}

/// Writes into `to` the files below `folder` as a loss of power at this moment may leave them:
/// all that was synced, and of what was written since then each write or not, as `rng` says.
pub(crate) fn rebuild(folder: &Path, to: &Path, rng: &mut Rng) {
    let folder = as_sqlite_names(folder);
    let noted = noted();
    for (path, image) in noted
        .files
        .iter()
        .filter(|(path, _)| path.starts_with(&folder))
    {
        let mut bytes = image.synced.clone();
        for change in &image.unsynced {
            if rng.below(2) == 0 {
                change.apply(&mut bytes);
            }
        }
        let name = Path::new(path).file_name().unwrap();
        std::fs::write(to.join(name), bytes).unwrap();
    }
}

/// Syncs seen of files below `folder` whose name ends in `suffix`.
pub(crate) fn syncs(folder: &Path, suffix: &str) -> usize {
    let folder = as_sqlite_names(folder);
    let noted = noted();
    let files = noted.files.iter();
    let files = files.filter(|(path, _)| path.starts_with(&folder) && path.ends_with(suffix));
    files.map(|(_, image)| image.syncs).sum()
}

/// Makes every sync of files below `folder` fail, or lets them succeed again.
pub(crate) fn fail_syncs(folder: &Path, fail: bool) {
    let folder = as_sqlite_names(folder);
    let mut noted = noted();
    noted.failing.retain(|other| *other != folder);
    if fail {
        noted.failing.push(folder);
    }
}

/// The folder as it begins the names that SQLite passes, which has symbolic links resolved where there are any.
fn as_sqlite_names(folder: &Path) -> String {
    let folder = if cfg!(unix) {
        folder.canonicalize().unwrap()
    } else {
        folder.to_owned()
    };
    folder.to_str().unwrap().to_owned()
}

#[derive(Default)]
struct Noted {
    watched: Vec<String>,
    failing: Vec<String>,
    files: BTreeMap<String, Image>,
}

#[derive(Default)]
struct Image {
    synced: Vec<u8>,
    unsynced: Vec<Change>,
    syncs: usize,
}

enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Truncate { length: usize },
}

impl Change {
    fn apply(&self, file: &mut Vec<u8>) {
        match self {
            Self::Write { offset, bytes } => {
                let end = offset + bytes.len();
                file.resize(file.len().max(end), 0);
                file[*offset..end].copy_from_slice(bytes);
            }
            Self::Truncate { length } => file.truncate(*length),
        }
    }
}

static NOTED: Mutex<Noted> = Mutex::new(Noted {
    watched: Vec::new(),
    failing: Vec::new(),
    files: BTreeMap::new(),
});

fn noted() -> MutexGuard<'static, Noted> {
    NOTED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What SQLite holds for an open file; the real file's own record follows at [`REAL_OFFSET`].
#[repr(C)]
struct NotedFile {
    base: sqlite3_file,
    /// Name under which changes are noted, from `Box::into_raw`; null where the file is not watched.
    path: *mut String,
}

/// Where the real file's record begins: after ours, aligned as memory from SQLite's allocator is.
const REAL_OFFSET: usize = 16;
const _: () = assert!(size_of::<NotedFile>() <= REAL_OFFSET);

fn install() {
    // SAFETY: SQLite's own default layer lives as long as the process. Ours is a copy of it, leaked so that it does
    // too; the functions it inherits do not look at the record they are called through beyond fields that were copied.
    unsafe {
        let real = ffi::sqlite3_vfs_find(ptr::null());
        assert!(!real.is_null());
        let mut ours: sqlite3_vfs = *real;
        let record = REAL_OFFSET + usize::try_from(ours.szOsFile).unwrap();
        ours.szOsFile = c_int::try_from(record).unwrap();
        ours.zName = c"noted".as_ptr();
        ours.pNext = ptr::null_mut();
        ours.xOpen = Some(open);
        ours.xDelete = Some(delete);
        REAL.set(RealVfs(real)).ok().unwrap();
        let registered = ffi::sqlite3_vfs_register(Box::leak(Box::new(ours)), 1);
        assert_eq!(registered, ffi::SQLITE_OK);
    }
}

struct RealVfs(*mut sqlite3_vfs);

// SAFETY: the record is never written after SQLite started, and its functions may be called from any thread.
unsafe impl Send for RealVfs {}
// SAFETY: as above.
unsafe impl Sync for RealVfs {}

static REAL: std::sync::OnceLock<RealVfs> = std::sync::OnceLock::new();

fn real_vfs() -> *mut sqlite3_vfs {
    REAL.get().unwrap().0
}

unsafe extern "C" fn open(
    _vfs: *mut sqlite3_vfs,
    name: *const c_char,
    file: *mut sqlite3_file,
    flags: c_int,
    flags_out: *mut c_int,
) -> c_int {
    // SAFETY: SQLite passes memory of our `szOsFile` bytes, so that ours and the real record fit into it, and a name
    // that is null or ends in a zero byte.
    unsafe {
        let real = real_vfs();
        let done = (*real).xOpen.unwrap()(real, name, real_file(file), flags, flags_out);
        if done != ffi::SQLITE_OK {
            // A file without methods is not closed.
            (*file).pMethods = ptr::null();
            return done;
        }
        let noted_file = file.cast::<NotedFile>();
        (*noted_file).base.pMethods = &raw const METHODS;
        (*noted_file).path = ptr::null_mut();
        if !name.is_null() {
            let path = CStr::from_ptr(name).to_str().unwrap().to_owned();
            let mut noted = noted();
            if noted
                .watched
                .iter()
                .any(|folder| path.starts_with(folder.as_str()))
            {
                noted.files.entry(path.clone()).or_default();
                (*noted_file).path = Box::into_raw(Box::new(path));
            }
        }
        done
    }
}

unsafe extern "C" fn delete(_vfs: *mut sqlite3_vfs, name: *const c_char, sync: c_int) -> c_int {
    // SAFETY: the real layer is called with what SQLite passed; the name ends in a zero byte.
    unsafe {
        let real = real_vfs();
        let done = (*real).xDelete.unwrap()(real, name, sync);
        noted().files.remove(CStr::from_ptr(name).to_str().unwrap());
        done
    }
}

/// The real file's record behind ours.
unsafe fn real_file(file: *mut sqlite3_file) -> *mut sqlite3_file {
    // SAFETY: the caller passes a record of ours, which is longer than the offset.
    unsafe { file.byte_add(REAL_OFFSET) }
}

/// Notes something about the file, if it is watched.
unsafe fn note(file: *mut sqlite3_file, change: impl FnOnce(&mut Image)) {
    // SAFETY: the caller passes an open record of ours; `path` is null or valid until close.
    let path = unsafe { (*file.cast::<NotedFile>()).path.as_ref() };
    if let Some(path) = path
        && let Some(image) = noted().files.get_mut(path)
    {
        change(image);
    }
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    // SAFETY: the record is open, so `path` is null or came from `Box::into_raw`, and it is not used after this.
    unsafe {
        let path = (*file.cast::<NotedFile>()).path;
        if !path.is_null() {
            drop(Box::from_raw(path));
        }
        let real = real_file(file);
        (*(*real).pMethods).xClose.unwrap()(real)
    }
}

unsafe extern "C" fn write(
    file: *mut sqlite3_file,
    bytes: *const c_void,
    length: c_int,
    offset: i64,
) -> c_int {
    // SAFETY: SQLite passes an open file and `length` readable bytes.
    unsafe {
        let real = real_file(file);
        let done = (*(*real).pMethods).xWrite.unwrap()(real, bytes, length, offset);
        let length = usize::try_from(length).unwrap();
        let bytes = std::slice::from_raw_parts(bytes.cast::<u8>(), length).to_vec();
        let offset = usize::try_from(offset).unwrap();
        note(file, |image| {
            image.unsynced.push(Change::Write { offset, bytes })
        });
        done
    }
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, length: i64) -> c_int {
    // SAFETY: SQLite passes an open file.
    unsafe {
        let real = real_file(file);
        let done = (*(*real).pMethods).xTruncate.unwrap()(real, length);
        let length = usize::try_from(length).unwrap();
        note(file, |image| {
            image.unsynced.push(Change::Truncate { length })
        });
        done
    }
}

unsafe extern "C" fn sync(file: *mut sqlite3_file, flags: c_int) -> c_int {
    // SAFETY: SQLite passes an open file.
    unsafe {
        let path = (*file.cast::<NotedFile>()).path.as_ref();
        let failing = |path: &String| {
            noted()
                .failing
                .iter()
                .any(|folder| path.starts_with(folder.as_str()))
        };
        if path.is_some_and(failing) {
            return ffi::SQLITE_IOERR_FSYNC;
        }
        let real = real_file(file);
        let done = (*(*real).pMethods).xSync.unwrap()(real, flags);
        note(file, |image| {
            for change in std::mem::take(&mut image.unsynced) {
                change.apply(&mut image.synced);
            }
            image.syncs += 1;
        });
        done
    }
}

/// Functions that hand their call to the real file.
macro_rules! hand_on {
    ($($name:ident => $method:ident($($arg:ident: $type:ty),*) $(-> $result:ty)?;)*) => {$(
        unsafe extern "C" fn $name(file: *mut sqlite3_file $(, $arg: $type)*) $(-> $result)? {
            // SAFETY: SQLite passes an open file of ours, and the arguments are handed on as they came.
            unsafe {
                let real = real_file(file);
                (*(*real).pMethods).$method.unwrap()(real $(, $arg)*)
            }
        }
    )*};
}

hand_on! {
    read => xRead(bytes: *mut c_void, length: c_int, offset: i64) -> c_int;
    file_size => xFileSize(size: *mut i64) -> c_int;
    lock => xLock(level: c_int) -> c_int;
    unlock => xUnlock(level: c_int) -> c_int;
    check_reserved_lock => xCheckReservedLock(out: *mut c_int) -> c_int;
    file_control => xFileControl(op: c_int, arg: *mut c_void) -> c_int;
    sector_size => xSectorSize() -> c_int;
    device_characteristics => xDeviceCharacteristics() -> c_int;
    shm_map => xShmMap(page: c_int, size: c_int, extend: c_int, out: *mut *mut c_void) -> c_int;
    shm_lock => xShmLock(offset: c_int, n: c_int, flags: c_int) -> c_int;
    shm_barrier => xShmBarrier();
    shm_unmap => xShmUnmap(delete: c_int) -> c_int;
}

/// Version 2: without mapped reads, which the store does not use.
static METHODS: sqlite3_io_methods = sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};
