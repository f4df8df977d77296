//! A bucket that fails as real ones do, from a seed: requests that do not arrive, answers that are
//! lost, also those to the question that follows, clients that repeat them, and listings that lack
//! their end.
//!
//! Whether a request fails depends on the seed, the kind of request, its object and how often that was
//! asked, not on what runs beside it: a seed fails alike each time, whatever the threads do.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

/// Up to where of a thousand a request draws each fault, in a bucket that is one time as bad as can be.
const LOST: u64 = 1;
const UNANSWERED: u64 = 4;
const REPEATED: u64 = 7;
const CUT_SHORT: u64 = 10;
/// How many times as bad buckets are, by seed: where much fails, little is committed.
const TIMES: [u64; 4] = [0, 1, 3, 8];

pub struct Faulty {
    inner: InMemory,
    seed: u64,
    on: AtomicBool,
    /// A service that creates over what is there.
    pub careless: bool,
    asked: Mutex<HashMap<(&'static str, String), u64>>,
    /// Objects that were put without an answer, and about which the next question gets none either.
    silent: Mutex<HashSet<String>>,
    pub faults: AtomicU64,
}

enum Fault {
    /// The request does not arrive.
    Lost,
    /// It does, and the answer does not.
    Unanswered,
    /// The same, and whoever asks for the object or lists it next gets no answer either.
    Silence,
    /// The same, and the client sends it again.
    Repeated,
    /// A listing without its end.
    CutShort(u64),
}

impl Faulty {
    pub fn new(seed: u64, careless: bool) -> Arc<Faulty> {
        let (on, faults) = (AtomicBool::new(false), AtomicU64::new(0));
        let (asked, silent) = (Mutex::default(), Mutex::default());
        Arc::new(Faulty { inner: InMemory::new(), seed, on, careless, asked, silent, faults })
    }

    /// Whether faults happen from now on.
    pub fn set(&self, on: bool) {
        self.on.store(on, Ordering::SeqCst);
    }

    /// Removes all objects below a prefix.
    pub async fn remove(&self, below: &str) {
        let found: Vec<ObjectMeta> = self.inner.list(Some(&Path::from(below))).try_collect().await.unwrap();
        for meta in found {
            self.inner.delete(&meta.location).await.unwrap();
        }
    }

    /// The JSON objects below a prefix, in the order of their names.
    pub async fn texts(&self, below: &str) -> Vec<String> {
        let mut found: Vec<ObjectMeta> =
            self.inner.list(Some(&Path::from(below))).try_collect().await.unwrap();
        found.retain(|meta| meta.location.as_ref().ends_with(".json"));
        found.sort_by(|a, b| a.location.cmp(&b.location));
        let mut texts = Vec::new();
        for meta in found {
            let bytes = self.inner.get(&meta.location).await.unwrap().bytes().await.unwrap();
            texts.push(String::from_utf8(bytes.to_vec()).unwrap());
        }
        texts
    }

    fn fault(&self, request: &'static str, object: &str) -> Option<Fault> {
        if !self.on.load(Ordering::SeqCst) {
            return None;
        }
        if request != "put" && self.broke_silence(request, object) {
            return Some(Fault::Lost);
        }
        let mut asked = self.asked.lock().unwrap();
        let count = asked.entry((request, object.to_owned())).or_default();
        *count += 1;
        let mut hash = DefaultHasher::new();
        (self.seed, request, object, *count).hash(&mut hash);
        let drawn = hash.finish();
        let times = TIMES[(self.seed % 4) as usize];
        let fault = match drawn % 1_000 {
            at if at < LOST * times => Fault::Lost,
            at if at < UNANSWERED * times && request == "put" => match drawn / 1_000 % 2 {
                0 => Fault::Silence,
                _ => Fault::Unanswered,
            },
            at if at < REPEATED * times && request == "put" => Fault::Repeated,
            at if at < CUT_SHORT * times && request == "list" => Fault::CutShort(drawn / 1_000),
            _ => return None,
        };
        self.faults.fetch_add(1, Ordering::SeqCst);
        Some(fault)
    }

    /// Whether a question is about an object that is silent, which it then is no longer.
    fn broke_silence(&self, request: &str, object: &str) -> bool {
        let mut silent = self.silent.lock().unwrap();
        let about = |put: &&String| if request == "list" { put.starts_with(object) } else { *put == object };
        let found = silent.iter().find(about).cloned();
        found.is_some_and(|put| silent.remove(&put))
    }

    async fn put(&self, location: &Path, payload: PutPayload, mut opts: PutOptions) -> Result<PutResult> {
        if self.careless && location.as_ref().contains("_delta_log") {
            opts.mode = PutMode::Overwrite;
        }
        self.inner.put_opts(location, payload, opts).await
    }

    async fn listed(&self, prefix: Option<&Path>, found: Vec<ObjectMeta>) -> Result<Vec<ObjectMeta>> {
        tokio::task::yield_now().await;
        let mut found = found;
        match self.fault("list", prefix.map_or("", Path::as_ref)) {
            None => {}
            Some(Fault::CutShort(drawn)) => found.truncate((drawn % (found.len() as u64 + 1)) as usize),
            Some(_) => return Err(timeout()),
        }
        Ok(found)
    }
}

fn timeout() -> Error {
    let source = std::io::Error::new(std::io::ErrorKind::TimedOut, "the request took too long");
    Error::Generic { store: "faulty", source: Box::new(source) }
}

/// A reference that is a store.
#[derive(Clone)]
pub struct Shared(pub Arc<Faulty>);

#[async_trait]
impl ObjectStore for Shared {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        // Whoever else is at it may come first.
        tokio::task::yield_now().await;
        match self.0.fault("put", location.as_ref()) {
            None => self.0.put(location, payload, opts).await,
            Some(fault @ (Fault::Unanswered | Fault::Silence)) => {
                let landed = self.0.put(location, payload, opts).await.is_ok();
                if landed && matches!(fault, Fault::Silence) {
                    self.0.silent.lock().unwrap().insert(location.to_string());
                }
                Err(timeout())
            }
            Some(Fault::Repeated) => {
                let _ = self.0.put(location, payload.clone(), opts.clone()).await;
                self.0.put(location, payload, opts).await
            }
            Some(_) => Err(timeout()),
        }
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.0.inner.put_multipart_opts(location, opts).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        match self.0.fault("get", location.as_ref()) {
            Some(_) => Err(timeout()),
            None => self.0.inner.get_opts(location, options).await,
        }
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        match self.0.fault("get", location.as_ref()) {
            Some(_) => Err(timeout()),
            None => self.0.inner.get_ranges(location, ranges).await,
        }
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.0.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let (store, prefix) = (self.clone(), prefix.cloned());
        let listed = async move {
            let found: Vec<ObjectMeta> = store.0.inner.list(prefix.as_ref()).try_collect().await?;
            Ok::<_, Error>(stream::iter(store.0.listed(prefix.as_ref(), found).await?.into_iter().map(Ok)))
        };
        stream::once(listed).try_flatten().boxed()
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let (store, prefix, offset) = (self.clone(), prefix.cloned(), offset.clone());
        let listed = async move {
            let found = store.0.inner.list_with_offset(prefix.as_ref(), &offset).try_collect().await?;
            Ok::<_, Error>(stream::iter(store.0.listed(prefix.as_ref(), found).await?.into_iter().map(Ok)))
        };
        stream::once(listed).try_flatten().boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let found = self.0.inner.list_with_delimiter(prefix).await?;
        Ok(ListResult { objects: self.0.listed(prefix, found.objects).await?, ..found })
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.0.inner.copy_opts(from, to, options).await
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Faulty({})", self.0.seed)
    }
}

impl fmt::Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}
