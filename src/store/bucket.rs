//! A bucket of an S3-compatible service in which lakes are: how it is reached, and whether it keeps
//! the one promise that commits rest on, to create an object only where none is.
//!
//! Requests of the code that writes and scans files block; they run on threads and connections of
//! their own, so that a thread that waits never holds up the answer it waits for.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use deltalake::logstore::{LogStoreRef, StorageConfig, default_logstore};
use futures::TryStreamExt;
use futures::future::ready;
use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey, S3ConditionalPut};
use object_store::path::Path;
use object_store::{ClientOptions, ObjectStore, ObjectStoreExt, PutMode, RetryConfig};
use tokio::runtime::Runtime;
use url::Url;

use super::Error;
use super::durable::LOG_DIR;

const CONNECT: Duration = Duration::from_secs(5);
/// Of one request: a file of some 60 MB on a slow line.
const REQUEST: Duration = Duration::from_secs(120);
/// Requests are tried again for this long: a service that is down is told soon.
const RETRIES: Duration = Duration::from_secs(20);
/// An object that every writer tries to create, and that one of them created.
const PROBE: &str = "lychgate.probe";
const THREADS: usize = 2;

/// What the environment says of the service. Is never printed: some of it is secret.
#[derive(Clone, Default)]
pub struct Credentials(pub Vec<(String, String)>);

/// A bucket, and the prefix in it below which the lakes of all tenants are.
#[derive(Clone)]
pub struct Bucket(Arc<Inner>);

struct Inner {
    /// `s3://bucket/prefix/`.
    url: Url,
    prefix: Path,
    /// For requests that are awaited.
    store: Arc<dyn ObjectStore>,
    /// For those that block.
    blocking: Arc<dyn ObjectStore>,
    runtime: Option<Runtime>,
}

impl Bucket {
    /// Reads a URL (`s3://bucket/prefix`) and the `AWS_…` variables; nothing is sent yet.
    ///
    /// # Errors
    /// `Lake` when the URL names no bucket, or credentials are missing.
    pub fn connect(url: &str, credentials: &Credentials) -> Result<Bucket, Error> {
        let (parsed, store) = client(url, credentials)?;
        // A connection belongs to the threads that opened it, hence a second client.
        let (_, blocking) = client(url, credentials)?;
        Bucket::over(parsed, Arc::new(store), Arc::new(blocking))
    }

    /// Over stores that are there already, as tests do: both lead to the same objects.
    ///
    /// # Errors
    /// When threads cannot be started.
    pub fn over(
        url: Url,
        store: Arc<dyn ObjectStore>,
        blocking: Arc<dyn ObjectStore>,
    ) -> Result<Bucket, Error> {
        let refused = |what: String| Error::Lake { url: url.to_string(), what };
        let prefix = Path::from_url_path(url.path()).map_err(|error| refused(error.to_string()))?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("lychgate-bucket")
            .enable_all()
            .build()
            .map_err(|error| refused(format!("cannot start threads: {error}")))?;
        Ok(Bucket(Arc::new(Inner { url, prefix, store, blocking, runtime: Some(runtime) })))
    }

    pub fn url(&self) -> &str {
        self.0.url.as_str()
    }

    /// Whether the service answers and lets us in.
    ///
    /// # Errors
    /// `Bucket`, with what to do.
    pub async fn reach(&self) -> Result<(), Error> {
        let listed = self.0.store.list_with_delimiter(Some(&self.0.prefix)).await;
        listed.map(drop).map_err(|error| self.failed(error))
    }

    /// Whether the service refuses to create what is there: without that, two writers would
    /// overwrite each other's commits.
    ///
    /// # Errors
    /// `Bucket` when it does not answer, `Lake` when it creates twice.
    pub async fn check_conditional_put(&self) -> Result<(), Error> {
        let path = self.path(PROBE)?;
        // The first writer ever creates it, and must be refused the second time.
        for _ in 0..2 {
            let put = self.0.store.put_opts(&path, "lychgate".into(), PutMode::Create.into()).await;
            match put {
                Ok(_) => {}
                Err(object_store::Error::AlreadyExists { .. }) => return Ok(()),
                Err(error) => return Err(self.failed(error)),
            }
        }
        let what = "the service ignores `If-None-Match: *` on PutObject, so that two writers would overwrite each \
                    other; use one that honours it";
        Err(Error::Lake { url: self.url().to_owned(), what: what.to_owned() })
    }

    /// The log of the table below `folder`, for deltalake.
    pub(super) fn log_store(&self, folder: &str) -> Result<LogStoreRef, Error> {
        let refused = |what: String| Error::Lake { url: self.url().to_owned(), what };
        let location = self.0.url.join(&format!("{folder}/")).map_err(|error| refused(error.to_string()))?;
        let options = StorageConfig::default();
        let table = options.decorate_store(Arc::clone(&self.0.store), &location);
        let table = table.map_err(|error| refused(error.to_string()))?;
        Ok(default_logstore(Arc::from(table), Arc::clone(&self.0.store), &location, &options))
    }

    /// The store for requests that block, and the path of an object in it.
    pub(super) fn object(&self, key: &str) -> Result<(Arc<dyn ObjectStore>, Path), Error> {
        Ok((Arc::clone(&self.0.blocking), self.path(key)?))
    }

    /// Creates an object that must not be there yet; blocks. False when one is.
    fn create(&self, key: &str, bytes: bytes::Bytes) -> Result<bool, Error> {
        let (store, path) = self.object(key)?;
        let put = async move { store.put_opts(&path, bytes.into(), PutMode::Create.into()).await };
        match self.wait(put) {
            Ok(_) => Ok(true),
            Err(object_store::Error::AlreadyExists { .. }) => Ok(false),
            Err(source) => Err(self.object_failed("write", key, source)),
        }
    }

    /// The same below `place`, under this key or, where something is there already, one like it:
    /// gives the key. What is there is another writer's, or ours of which the answer was lost.
    pub(super) fn create_beside(&self, place: &str, key: String, bytes: Vec<u8>) -> Result<String, Error> {
        const TRIES: u32 = 10;
        let bytes = bytes::Bytes::from(bytes);
        for number in 1..=TRIES {
            let key =
                if number == 1 { key.clone() } else { key.replace(".zstd.", &format!("-{number}.zstd.")) };
            if self.create(&format!("{place}/{key}"), bytes.clone())? {
                return Ok(key);
            }
        }
        let taken = object_store::Error::Generic { store: "S3", source: "all its names are taken".into() };
        Err(self.object_failed("write", &format!("{place}/{key}"), taken))
    }

    /// Whether anything is below `place`.
    pub(super) async fn has(&self, place: &str) -> Result<bool, Error> {
        let listed = self.0.store.list_with_delimiter(Some(&self.path(place)?)).await;
        let listed = listed.map_err(|error| self.failed(error))?;
        Ok(!listed.common_prefixes.is_empty() || !listed.objects.is_empty())
    }

    /// A data file of the table at `place`; blocks.
    pub(super) fn data_file(&self, place: &str) -> Result<Option<String>, Error> {
        let (store, path) = self.object(place)?;
        let log = path.clone().join(LOG_DIR);
        let is_data = move |path: &Path| path.as_ref().ends_with(".parquet") && !path.prefix_matches(&log);
        let found = self.wait(async move {
            let mut found = store.list(Some(&path)).try_filter(|meta| ready(is_data(&meta.location)));
            found.try_next().await
        });
        let found = found.map_err(|source| self.object_failed("list", place, source))?;
        Ok(found.map(|meta| meta.location.to_string()))
    }

    /// Reads a whole object; blocks.
    pub(super) fn read(&self, key: &str) -> Result<bytes::Bytes, Error> {
        let (store, path) = self.object(key)?;
        let read = self.wait(async move { store.get(&path).await?.bytes().await });
        read.map_err(|source| self.object_failed("read", key, source))
    }

    /// Removes an object; blocks. What cannot be removed is an orphan, which vacuum removes.
    pub(super) fn remove(&self, key: &str) {
        if let Ok((store, path)) = self.object(key) {
            let _ = self.wait(async move { store.delete(&path).await });
        }
    }

    /// Runs a request on the bucket's own threads and waits for its answer.
    pub(super) fn wait<T: Send + 'static>(
        &self,
        request: impl Future<Output = object_store::Result<T>> + Send + 'static,
    ) -> object_store::Result<T> {
        let stopped =
            || object_store::Error::Generic { store: "S3", source: "the request was dropped".into() };
        let (done, answer) = sync_channel(1);
        let runtime = self.0.runtime.as_ref().ok_or_else(stopped)?;
        runtime.spawn(async move {
            // Nobody listens any more only when the waiting thread has panicked.
            let _ = done.send(request.await);
        });
        answer.recv().unwrap_or_else(|_| Err(stopped()))
    }

    pub(super) fn object_failed(&self, what: &'static str, key: &str, source: object_store::Error) -> Error {
        Error::Object { what, path: format!("{}{key}", self.url()), source: Box::new(source) }
    }

    fn path(&self, key: &str) -> Result<Path, Error> {
        let prefix = &self.0.prefix;
        let text = if prefix.as_ref().is_empty() { key.to_owned() } else { format!("{prefix}/{key}") };
        Path::parse(text).map_err(|error| self.object_failed("name", key, error.into()))
    }

    fn failed(&self, source: object_store::Error) -> Error {
        Error::Bucket { url: self.url().to_owned(), advice: advice(&source), source: Box::new(source) }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Dropping a runtime waits for it, which is not allowed where another one runs.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Bucket").field(&self.url()).finish()
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

/// What to do about a request that failed. Listings say it in their text only.
fn advice(error: &object_store::Error) -> &'static str {
    use object_store::Error::{NotFound, PermissionDenied, Unauthenticated};
    let text = error.to_string();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if matches!(error, NotFound { .. }) || says(&["NoSuchBucket"]) {
        return "there is no such bucket; create it, or mend the URL";
    }
    let refused = says(&["403 Forbidden", "401 Unauthorized", "InvalidAccessKeyId", "SignatureDoesNotMatch"]);
    if refused || matches!(error, PermissionDenied { .. } | Unauthenticated { .. }) {
        return "the service refuses these credentials; look at AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and \
                AWS_SESSION_TOKEN, which must allow to list, get, put and delete below the URL";
    }
    "the service does not answer as it should; look at AWS_ENDPOINT_URL, AWS_REGION and the network"
}

fn client(url: &str, Credentials(variables): &Credentials) -> Result<(Url, AmazonS3), Error> {
    let refused = |what: &str| Error::Lake { url: url.to_owned(), what: what.to_owned() };
    let parsed = Url::parse(&format!("{}/", url.trim_end_matches('/')))
        .ok()
        .filter(|url| url.scheme() == "s3" && url.query().is_none() && url.fragment().is_none())
        .ok_or_else(|| refused("it is not of the form s3://bucket/prefix"))?;
    let bucket = parsed.host_str().ok_or_else(|| refused("it names no bucket"))?;
    let given = |name: &str| variables.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let keys = given("AWS_ACCESS_KEY_ID").is_some() && given("AWS_SECRET_ACCESS_KEY").is_some();
    let tokens = ["AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"];
    if !keys && !tokens.iter().any(|name| given(name).is_some()) {
        return Err(refused("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment"));
    }
    let plain = given("AWS_ENDPOINT_URL").is_some_and(|endpoint| endpoint.starts_with("http://"));
    if plain && given("AWS_ALLOW_HTTP") != Some("true") {
        return Err(refused("AWS_ENDPOINT_URL is not encrypted; set AWS_ALLOW_HTTP=true if that is meant"));
    }
    let options = ClientOptions::new().with_connect_timeout(CONNECT).with_timeout(REQUEST);
    let mut builder = AmazonS3Builder::new().with_client_options(options);
    for (name, value) in variables {
        // Variables that are about something else are none of the client's business.
        if let Ok(key) = name.to_ascii_lowercase().parse::<AmazonS3ConfigKey>() {
            builder = builder.with_config(key, value);
        }
    }
    let retry = RetryConfig { retry_timeout: RETRIES, ..RetryConfig::default() };
    let built = builder
        .with_bucket_name(bucket)
        .with_conditional_put(S3ConditionalPut::ETagMatch)
        .with_retry(retry)
        .build();
    let store = built.map_err(|error| refused(&error.to_string()))?;
    Ok((parsed, store))
}
