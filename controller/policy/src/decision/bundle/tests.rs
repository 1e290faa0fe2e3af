use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use ring::{digest, hmac};
use sark_core::secret::Secret;
use serde_json::{Value, json};

use super::*;

/// A header and what follows it, as POSIX has it.
fn member(name: &str, kind: u8, octets: &[u8]) -> Vec<u8> {
    let mut block = vec![0_u8; 512];
    block[..name.len()].copy_from_slice(name.as_bytes());
    block[100..108].copy_from_slice(b"0000644\0");
    block[124..136].copy_from_slice(format!("{:011o}\0", octets.len()).as_bytes());
    block[156] = kind;
    block[257..265].copy_from_slice(b"ustar\x0000");
    sum(&mut block);
    block.extend_from_slice(octets);
    block.resize(block.len().next_multiple_of(512), 0);
    block
}

fn sum(block: &mut [u8]) {
    block[148..156].copy_from_slice(b"        ");
    let sum: u32 = block[..512].iter().map(|octet| u32::from(*octet)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

fn zip(archive: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(archive).unwrap();
    encoder.finish().unwrap()
}

fn packed(members: &[Vec<u8>]) -> Vec<u8> {
    let mut archive = members.concat();
    archive.resize(archive.len() + 1_024, 0);
    zip(&archive)
}

fn bundle(files: &[(&str, &str)]) -> Vec<u8> {
    let members = files.iter().map(|(path, text)| member(path, b'0', text.as_bytes()));
    packed(&members.collect::<Vec<_>>())
}

fn open(octets: &[u8]) -> Result<Bundle, BundleError> {
    Bundle::open(octets, &[], &BundleLimits::default())
}

fn refused(octets: &[u8]) -> String {
    open(octets).unwrap_err().to_string()
}

const POLICY: (&str, &str) = ("/llm/p.rego", "package sark.llm.p\n");

#[test]
fn files_come_out_in_order_without_what_a_set_has_no_use_for() {
    let manifest = ("/.manifest", r#"{"revision": "7", "metadata": {"a": 1}}"#);
    let more = [manifest, ("./set.yaml", "x"), ("README.md", "hello"), ("data.json", "{}"), POLICY];
    let opened = open(&bundle(&more)).unwrap();
    let paths: Vec<&str> = opened.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["data.json", "llm/p.rego", "set.yaml"]);
    assert_eq!((opened.revision.as_str(), opened.signed_by), ("7", None));
    assert_eq!(opened.roots, [""]);
}

#[test]
fn long_names_are_read_of_pax_of_gnu_and_of_the_prefix() {
    let long = format!("{}/p.rego", "d".repeat(120));
    let record = format!(" path={long}\n");
    let record = format!("{}{record}", record.len() + 3);
    let pax = [member("x", b'x', record.as_bytes()), member("short", b'0', b"package a")];
    assert_eq!(open(&packed(&pax)).unwrap().files[0].path, long);
    let gnu = [member("././@LongLink", b'L', long.as_bytes()), member("short", b'0', b"package a")];
    assert_eq!(open(&packed(&gnu)).unwrap().files[0].path, long);
    let mut prefixed = member("p.rego", b'0', b"package a");
    prefixed[345..348].copy_from_slice(b"a/b");
    sum(&mut prefixed);
    assert_eq!(open(&packed(&[prefixed])).unwrap().files[0].path, "a/b/p.rego");
}

#[test]
fn a_path_leads_nowhere_else() {
    for path in
        ["../x.rego", "a/../../x.rego", "//etc/x.rego", "/./x.rego", "a//b.rego", "a\\b.rego"]
    {
        assert!(refused(&bundle(&[(path, "package a")])).contains("is no path"), "{path}");
    }
    let deep = format!("{}x.rego", "a/".repeat(17));
    assert!(refused(&bundle(&[(&deep, "package a")])).ends_with("it is too deep"));
    let twice = bundle(&[("/a.rego", "package a"), ("./a.rego", "package b")]);
    assert_eq!(refused(&twice), "\"a.rego\" is in the bundle twice");
}

#[test]
fn what_is_no_file_is_refused() {
    for (kind, says) in [
        (b'1', "a link"),
        (b'2', "a link"),
        (b'3', "a device"),
        (b'4', "a device"),
        (b'6', "a pipe"),
        (b'S', "of a kind"),
        (b'K', "of a kind"),
    ] {
        let message = refused(&packed(&[member("etc", kind, b"")]));
        assert!(message.starts_with(&format!("\"etc\" is {says}")), "{message}");
    }
    let archive = [member("a/", b'5', b""), member("a/p.rego", b'0', b"package a")];
    assert_eq!(open(&packed(&archive)).unwrap().files.len(), 1);
}

#[test]
fn archives_that_lie_are_refused() {
    let good = member("a.rego", b'0', b"package a");
    let mut changed = good.clone();
    changed[0] = b'b';
    assert!(refused(&packed(&[changed])).contains("a wrong checksum"));
    assert!(refused(&zip(&good)).contains("before its end mark"));
    assert!(
        refused(&zip(&good[..515])).contains("is cut short"),
        "{}",
        refused(&zip(&good[..515]))
    );
    let hidden = [good.clone(), vec![0; 1_024], member("b.rego", b'0', b"package b")].concat();
    assert!(refused(&zip(&hidden)).contains("after its end mark"));
    let mut huge = good.clone();
    huge[124..136].copy_from_slice(b"\x80\0\0\0\0\0\0\0\xff\xff\xff\xff");
    sum(&mut huge);
    assert!(refused(&packed(&[huge])).contains("a size that is no number"));
    let mut huge = good.clone();
    huge[124..136].copy_from_slice(b"77777777777\0");
    sum(&mut huge);
    assert!(refused(&packed(&[huge])).contains("is cut short"));
    for record in
        ["20 size=00000000001\n", "18 GNU.sparse.x=1\n\n", "9 a=\n", "99999 path=x\n", "x"]
    {
        let message = refused(&packed(&[member("x", b'x', record.as_bytes()), good.clone()]));
        assert!(message.starts_with("the archive in the bundle"), "{message}");
    }
    assert!(refused(b"PK\x03\x04").starts_with("the bundle is no gzip"));
    assert!(refused(&zip(b"no tar")).starts_with("the archive in the bundle"));
    let whole = bundle(&[POLICY]);
    assert!(refused(&whole[..whole.len() - 4]).starts_with("the bundle is no gzip"));
}

#[test]
fn a_bomb_is_stopped_at_the_limit() {
    let limits = BundleLimits { packed: 100_000, unpacked: 1 << 20, entries: 3, depth: 16 };
    let open = |octets: &[u8]| Bundle::open(octets, &[], &limits).unwrap_err();
    let bomb = zip(&vec![0; 64 << 20]);
    assert!(bomb.len() > limits.packed);
    assert!(matches!(open(&bomb), BundleError::Packed { .. }));
    let bomb = zip(&vec![0; 8 << 20]);
    assert!(bomb.len() < limits.packed);
    assert_eq!(open(&bomb), BundleError::Unpacked(1 << 20));
    let many: Vec<_> = (0..4).map(|n| member(&format!("{n}.rego"), b'0', b"package a")).collect();
    assert_eq!(open(&packed(&many)), BundleError::TooMany(3));
}

#[test]
fn what_lies_outside_the_roots_is_refused() {
    let manifest = |roots: &str| format!(r#"{{"roots": {roots}}}"#);
    let with = |roots: &str, file: (&str, &str)| {
        open(&bundle(&[("/.manifest", &manifest(roots)), ("/data.json", "{}"), file]))
    };
    let llm = r#"["/sark/llm/", "llm"]"#;
    for inside in [
        POLICY,
        ("x.rego", "# c\n\npackage sark[\"llm\"].p # d"),
        ("llm/data.json", "[1]"),
        ("data.yaml", "llm: { a: 1 }"),
        ("sark/data.json", r#"{"llm": {}}"#),
    ] {
        with(llm, inside).unwrap();
    }
    for (outside, place) in [
        (("x.rego", "package sark.edr.p"), "sark/edr/p"),
        (("x.rego", "package sark.llms.p"), "sark/llms/p"),
        (("x.rego", "package sark"), "sark"),
        (("edr/data.json", "{}"), "edr"),
        (("data.yaml", "llm: {}\nedr: 1"), "edr"),
        (("sark/data.json", "1"), "sark"),
    ] {
        let message = with(llm, outside).unwrap_err().to_string();
        assert!(message.contains(&format!("at {place:?}")), "{message}");
    }
    for unclear in ["", "package", "package a.", "package a[\"b/c\"]", "package a[\"b", "import a"]
    {
        let error = with(llm, ("x.rego", unclear)).unwrap_err();
        assert!(error.to_string().contains("names no package"), "{unclear}: {error}");
    }
    for roots in [r#"["a", "a/b"]"#, r#"["a/b", "x", "a"]"#, r#"["", "a"]"#, r#"["a", "a"]"#] {
        assert!(matches!(with(roots, POLICY), Err(BundleError::Overlap(..))), "{roots}");
    }
    with(r#"["sark/llm", "sark/llms"]"#, POLICY).unwrap();
}

#[test]
fn bundles_of_other_kinds_are_named() {
    assert_eq!(open(&bundle(&[("/policy.wasm", "")])), Err(BundleError::Wasm));
    assert_eq!(open(&bundle(&[("/patch.json", "{}")])), Err(BundleError::Delta));
    assert!(refused(&bundle(&[("/data.yml", "a: 1")])).ends_with("call it data.yaml"));
    assert!(refused(&bundle(&[("/.manifest", r#"{"rego_version": 0}"#)])).contains("Rego v0"));
    assert!(refused(&bundle(&[("/.manifest", "[")])).starts_with(".manifest cannot be read"));
}

/// What OPA hashes, written down by its documentation's words.
#[test]
fn structure_is_hashed_without_its_looks() {
    let text = " { \"b\" : [ 1.50, 1e3, -0, true, null, [ ], { } ] ,\n \"a\\u00e9\\n\":\"<\\/>\\u2028\\u0007\" } ";
    let canonical = r#"{"aé\n":"</>\u2028\u0007","b":[1.50,1e3,-0,true,null,[],{}]}"#;
    assert_eq!(canonical::of_json(text).unwrap(), canonical);
    assert_eq!(canonical::of_json(canonical).unwrap(), canonical);
    for wrong in
        ["", "{", "[1,]", "{\"a\":1,\"a\":2}", "\"\\ud800\"", "1 2", "{\"a\":{\"b\":1,\"b\":1}}"]
    {
        assert!(canonical::of_json(wrong).is_err(), "{wrong}");
    }
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(canonical::of_json(&deep(127)).is_ok());
    assert!(canonical::of_json(&deep(128)).is_err());
    assert!(canonical::of_json(&deep(1_000_000)).is_err());
    let value = json!({ "b": [1.0, 0.7, -3, 18_446_744_073_709_551_615_u64], "a": "x" });
    assert_eq!(canonical::of_value(&value), r#"{"a":"x","b":[1,0.7,-3,18446744073709551615]}"#);
}

fn fixture(name: &str) -> Vec<u8> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/bundle/");
    std::fs::read(format!("{path}{name}")).unwrap()
}

fn public_key() -> BundleKey {
    BundleKey::public(std::str::from_utf8(&fixture("rs256.pem")).unwrap()).unwrap()
}

#[test]
fn a_bundle_that_others_signed_is_opened() {
    let octets = fixture("rs256.tar.gz");
    let open = |keys: &[BundleKey]| Bundle::open(&octets, keys, &BundleLimits::default());
    let key = public_key().with_scope("write");
    let opened = open(&[key.clone().with_id("secops")]).unwrap();
    assert_eq!(opened.signed_by.as_deref(), Some("secops"));
    assert_eq!(opened.revision, "2026-11-28.1");
    assert_eq!(opened.files.len(), 4);
    assert_eq!(open(std::slice::from_ref(&key)).unwrap().signed_by.as_deref(), Some("RS256"));
    let message = |keys: &[BundleKey]| open(keys).unwrap_err().to_string();
    assert!(message(&[public_key()]).contains("its scope is \"write\""));
    let other = message(&[key.with_id("other")]);
    assert!(other.contains("the key \"secops\", which is not configured"), "{other}");
}

/// `.signatures.json` for files, as [`check`](super::signatures::check) wants it.
fn token(header: &Value, claims: &Value, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    let signature = URL_SAFE_NO_PAD.encode(sign(signed.as_bytes()));
    json!({ "signatures": [format!("{signed}.{signature}")] }).to_string()
}

fn entry(path: &str, text: &str) -> Value {
    let hash = digest::digest(&digest::SHA256, text.as_bytes());
    let hash: String = hash.as_ref().iter().map(|octet| format!("{octet:02x}")).collect();
    json!({ "name": path, "hash": hash, "algorithm": "SHA-256" })
}

const SECRET: &str = "a secret of thirty-two octets, ok";

fn hs256(octets: &[u8]) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    hmac::sign(&key, octets).as_ref().to_vec()
}

fn secret_key() -> BundleKey {
    BundleKey::parse(Secret::new(SECRET.to_owned())).unwrap()
}

fn checked(document: &str, files: &[(&str, &str)], key: BundleKey) -> Result<Bundle, String> {
    let files: Vec<_> = files.iter().copied().chain([(".signatures.json", document)]).collect();
    let opened = Bundle::open(&bundle(&files), &[key], &BundleLimits::default());
    opened.map_err(|error| error.to_string())
}

#[test]
fn exactly_the_signed_files_are_taken() {
    let hs = json!({ "alg": "HS256" });
    let files = [("a.rego", "package a"), ("README", "x")];
    let entries = || vec![entry("a.rego", "package a"), entry("README", "x")];
    let with = |entries: Vec<Value>| token(&hs, &json!({ "files": entries }), hs256);
    checked(&with(entries()), &files, secret_key()).unwrap();
    let wrong = |document: &str, files: &[(&str, &str)], says: &str| {
        let message = checked(document, files, secret_key()).unwrap_err();
        assert!(message.contains(says), "{message}");
    };
    let changed = [("a.rego", "package b"), ("README", "x")];
    wrong(&with(entries()), &changed, "\"a.rego\" is not the file that was signed");
    let more = [files[0], files[1], ("b.rego", "package b")];
    wrong(&with(entries()), &more, "\"b.rego\" is not signed");
    wrong(&with(entries()), &files[..1], "\"README\" was signed and is not there");
    wrong(&with([entries(), entries()].concat()), &files, "is signed twice");
    for weak in ["MD5", "SHA-1", "", "sha256"] {
        let mut entries = entries();
        entries[0]["algorithm"] = json!(weak);
        wrong(&with(entries), &files, "is enough");
    }
    let mut short = entries();
    short[0]["hash"] = json!("ab1");
    wrong(&with(short), &files, "is not the file that was signed");
    let unsigned = Bundle::open(&bundle(&files), &[secret_key()], &BundleLimits::default());
    assert_eq!(unsigned, Err(BundleError::Unsigned));
}

#[test]
fn a_token_does_not_choose_how_it_is_checked() {
    let files = [("a.rego", "package a")];
    let claims = json!({ "files": [entry("a.rego", "package a")], "keyid": "old" });
    let wrong = |document: &str, key: BundleKey, says: &str| {
        let message = checked(document, &files, key).unwrap_err();
        assert!(message.contains(says), "{message}");
    };
    let none = token(&json!({ "alg": "none" }), &claims, |_| Vec::new());
    wrong(&none, secret_key(), "made by \"none\"");
    // The public key as if it were a secret.
    let pem = fixture("rs256.pem");
    let confused = token(&json!({ "alg": "HS256" }), &claims, |octets| {
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &pem), octets).as_ref().to_vec()
    });
    wrong(&confused, public_key(), "made by \"HS256\", and the key is for RS256");
    let crit = token(&json!({ "alg": "HS256", "crit": ["b64"] }), &claims, hs256);
    wrong(&crit, secret_key(), "`crit`");
    let good = token(&json!({ "alg": "HS256" }), &claims, hs256);
    checked(&good, &files, secret_key().with_id("old")).unwrap();
    wrong(&good, secret_key().with_id("new"), "\"old\", which is not configured");
    let forged = good.replace(".eyJ", ".eyK");
    wrong(&forged, secret_key(), "does not hold");
    for document in ["", "{}", r#"{"signatures": []}"#, r#"{"signatures": ["a", "b"]}"#, "[]"] {
        wrong(document, secret_key(), "signature");
    }
    for document in [r#"{"signatures": ["a.b"]}"#, r#"{"signatures": ["a.b.c.d"]}"#] {
        wrong(document, secret_key(), "does not hold");
    }
    wrong(r#"{"signatures": ["a"], "plugin": "x"}"#, secret_key(), "OPA's plugin");
}

#[test]
fn es256_is_checked_too() {
    let random = SystemRandom::new();
    let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let private = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
    let private = EcdsaKeyPair::from_pkcs8(algorithm, private.as_ref(), &random).unwrap();
    let mut der = vec![0x30, 0x59, 0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
    der.extend([6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7, 3, 0x42, 0]);
    der.extend(private.public_key().as_ref());
    let body = base64::engine::general_purpose::STANDARD.encode(der);
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n");
    let key = BundleKey::public(&pem).unwrap();
    let claims = json!({ "files": [entry("a.rego", "package a")] });
    let signed = token(&json!({ "alg": "ES256" }), &claims, |octets| {
        private.sign(&random, octets).unwrap().as_ref().to_vec()
    });
    let opened = checked(&signed, &[("a.rego", "package a")], key.clone()).unwrap();
    assert_eq!(opened.signed_by.as_deref(), Some("ES256"));
    let zero = token(&json!({ "alg": "ES256" }), &claims, |_| vec![0; 64]);
    assert!(checked(&zero, &[("a.rego", "package a")], key).is_err());
}

#[test]
fn what_is_no_key_says_what_one_is() {
    let short = BundleKey::parse(Secret::new("hunter2".into())).unwrap_err();
    assert!(short.to_string().contains("32 octets"));
    let private = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----";
    assert_eq!(BundleKey::public(private).unwrap_err(), KeyError::Private);
    let certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";
    assert_eq!(BundleKey::public(certificate).unwrap_err(), KeyError::NotPem);
    let empty = "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----";
    assert_eq!(BundleKey::public(empty).unwrap_err(), KeyError::NotPem);
    assert!(!format!("{:?}", secret_key()).contains("secret"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_octets_make_it_panic(octets in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        let keys = [secret_key()];
        let _ = Bundle::open(&octets, &keys, &BundleLimits::default());
        let _ = Bundle::open(&zip(&octets), &keys, &BundleLimits::default());
        let _ = BundleKey::public(&String::from_utf8_lossy(&octets));
        let _ = canonical::of_json(&String::from_utf8_lossy(&octets));
        let _ = open(&packed(&[member("/.manifest", b'0', &octets)]));
        let _ = open(&packed(&[member("p", b'x', &octets), member("a.rego", b'0', &octets)]));
    }

    #[test]
    fn no_change_of_a_signed_bundle_is_taken_for_it(at in 0..12_000_usize, by in 1..=255_u8) {
        let mut archive = unpack(&fixture("rs256.tar.gz"), 1 << 20).unwrap();
        let at = at % archive.len();
        archive[at] ^= by;
        let keys = [public_key().with_scope("write")];
        let whole = Bundle::open(&fixture("rs256.tar.gz"), &keys, &BundleLimits::default()).unwrap();
        if let Ok(opened) = Bundle::open(&zip(&archive), &keys, &BundleLimits::default()) {
            // Data may look different and be the same.
            let values = |bundle: &Bundle| {
                bundle.files.iter().map(|file| match name_of(&file.path) {
                    "data.json" => serde_json::from_slice(&file.octets).unwrap(),
                    "data.yaml" => Value::Null,
                    _ => json!(file.octets),
                }).collect::<Vec<_>>()
            };
            prop_assert_eq!(values(&opened), values(&whole));
        }
    }

    #[test]
    fn any_value_is_hashed_the_same_however_it_looks(text in "\\PC{0,20}[\u{0}-\u{1f}]{0,3}") {
        let value = json!({ "t": text, "list": [text.clone(), { text.clone(): 1 }] });
        let plain = canonical::of_json(&value.to_string()).unwrap();
        let pretty = serde_json::to_string_pretty(&value).unwrap();
        prop_assert_eq!(&canonical::of_json(&pretty).unwrap(), &plain);
        prop_assert_eq!(&canonical::of_value(&value), &plain);
        prop_assert_eq!(serde_json::from_str::<Value>(&plain).unwrap(), value);
    }
}
