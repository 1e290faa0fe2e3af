use std::fs;

use sark_registry::feed::{Fetched, Location, Source as _};

use crate::fetch::{feed, fetcher, octets};

#[tokio::test]
async fn a_file_is_read_when_it_changed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("list.txt");
    let mut feed = feed(&[]);
    feed.location = Location::File(path.clone());
    let error = fetcher().fetch(&feed, None).await.unwrap_err();
    assert_eq!(error.code(), "file");
    fs::write(&path, "192.0.2.1\n").unwrap();
    let Fetched::Copy { parts, validators } = fetcher().fetch(&feed, None).await.unwrap() else {
        panic!("unchanged")
    };
    assert_eq!(parts[0].octets, b"192.0.2.1\n");
    let again = fetcher().fetch(&feed, Some(&validators)).await.unwrap();
    assert_eq!(again, Fetched::Unchanged);
    fs::write(&path, "192.0.2.1\n192.0.2.2\n").unwrap();
    assert_eq!(octets(fetcher().fetch(&feed, Some(&validators)).await.unwrap()).len(), 1);
    fs::write(&path, vec![b'x'; 2 << 20]).unwrap();
    assert_eq!(fetcher().fetch(&feed, None).await.unwrap_err().code(), "too-large");
}

/// By name, without hidden files; nothing but regular files, nothing from elsewhere.
#[tokio::test]
async fn a_directory_is_its_files() {
    let directory = tempfile::tempdir().unwrap();
    let lists = directory.path().join("lists");
    fs::create_dir_all(lists.join("below")).unwrap();
    for (name, text) in [("b", "2"), ("a", "1"), (".hidden", "3"), ("below/c", "4")] {
        fs::write(lists.join(name), text).unwrap();
    }
    let mut feed = feed(&[]);
    feed.location = Location::Directory(lists.clone());
    let parts = octets(fetcher().fetch(&feed, None).await.unwrap());
    assert_eq!(parts, [b"1".to_vec(), b"2".to_vec()]);

    let outside = directory.path().join("outside");
    fs::write(&outside, "5").unwrap();
    std::os::unix::fs::symlink(&outside, lists.join("link")).unwrap();
    let error = fetcher().fetch(&feed, None).await.unwrap_err();
    assert_eq!(error.code(), "file", "{error:?}");
}

/// What is no file is not waited for.
#[tokio::test]
async fn devices_are_no_files() {
    let mut feed = feed(&[]);
    for path in ["/dev/zero", "/dev/tty", "/proc"] {
        feed.location = Location::File(path.into());
        assert_eq!(fetcher().fetch(&feed, None).await.unwrap_err().code(), "file", "{path}");
    }
}
