//! The rows of one Parquet file of a table, batch by batch, from a folder or a bucket.

use std::fs::File;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::RecordBatch;
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, TryFutureExt};
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::arrow::async_reader::{
    AsyncFileReader, ParquetRecordBatchStream, ParquetRecordBatchStreamBuilder,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};

use super::Error;
use super::bucket::Bucket;
use super::place::Place;

/// Rows that are read at a time.
const BATCH_ROWS: usize = 8_192;

/// Batches in the order of the file.
pub struct Scan {
    path: PathBuf,
    rows: From,
}

enum From {
    Folder(ParquetRecordBatchReader),
    /// Absent once it has ended.
    Bucket(Bucket, Option<Box<ParquetRecordBatchStream<Object>>>),
}

impl Place {
    /// Opens a file of this place; of all `columns` where none are named.
    ///
    /// # Errors
    /// `Io` or `Object` when it is not there, `Parquet` when it is no whole Parquet file.
    pub fn scan(&self, key: &str, columns: &[&str]) -> Result<Scan, Error> {
        match self {
            Place::Folder(dir) => {
                let path = dir.join(key);
                let failed = |source| Error::parquet("read", &path)(source);
                let file = File::open(&path).map_err(Error::io("open", &path))?;
                let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(failed)?;
                let mask = mask(builder.parquet_schema(), columns);
                let reader = builder.with_projection(mask).with_batch_size(BATCH_ROWS).build();
                let rows = From::Folder(reader.map_err(failed)?);
                Ok(Scan { path, rows })
            }
            Place::Bucket(bucket, place) => scan_object(bucket, &format!("{place}/{key}"), columns),
        }
    }
}

fn scan_object(bucket: &Bucket, key: &str, columns: &[&str]) -> Result<Scan, Error> {
    let (store, path) = bucket.object(key)?;
    let columns: Vec<String> = columns.iter().map(|name| (*name).to_owned()).collect();
    let opened = bucket.wait(async move {
        let size = store.head(&path).await?.size;
        let reader = Object { store, path, size };
        Ok(async {
            let builder = ParquetRecordBatchStreamBuilder::new(reader).await?;
            let names: Vec<&str> = columns.iter().map(String::as_str).collect();
            let mask = mask(builder.parquet_schema(), &names);
            builder.with_projection(mask).with_batch_size(BATCH_ROWS).build()
        }
        .await)
    });
    let path = PathBuf::from(format!("{}{key}", bucket.url()));
    let stream = opened.map_err(|source| bucket.object_failed("open", key, source))?;
    let stream = stream.map_err(Error::parquet("read", &path))?;
    Ok(Scan { path, rows: From::Bucket(bucket.clone(), Some(Box::new(stream))) })
}

fn mask(schema: &parquet::schema::types::SchemaDescriptor, columns: &[&str]) -> ProjectionMask {
    if columns.is_empty() {
        return ProjectionMask::all();
    }
    ProjectionMask::columns(schema, columns.iter().copied())
}

/// A Parquet file as an object, of which only the columns asked for are fetched.
struct Object {
    store: Arc<dyn ObjectStore>,
    path: object_store::path::Path,
    size: u64,
}

impl AsyncFileReader for Object {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, ParquetError>> {
        self.store.get_range(&self.path, range).map_err(external).boxed()
    }

    fn get_byte_ranges(
        &mut self,
        ranges: Vec<Range<u64>>,
    ) -> BoxFuture<'_, Result<Vec<Bytes>, ParquetError>> {
        async move { self.store.get_ranges(&self.path, &ranges).await.map_err(external) }.boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>, ParquetError>> {
        let size = self.size;
        let reader = ParquetMetaDataReader::new().with_arrow_reader_options(options);
        async move { Ok(Arc::new(reader.load_and_finish(self, size).await?)) }.boxed()
    }
}

fn external(error: object_store::Error) -> ParquetError {
    ParquetError::External(Box::new(error))
}

impl Iterator for Scan {
    type Item = Result<RecordBatch, Error>;

    fn next(&mut self) -> Option<Result<RecordBatch, Error>> {
        let batch = match &mut self.rows {
            From::Folder(reader) => reader.next()?.map_err(ParquetError::from),
            From::Bucket(bucket, rest) => {
                let mut stream = rest.take()?;
                let read = bucket.wait(async move {
                    let batch = stream.next().await;
                    Ok((stream, batch))
                });
                match read {
                    Ok((stream, batch)) => {
                        *rest = Some(stream);
                        batch?
                    }
                    Err(error) => Err(external(error)),
                }
            }
        };
        Some(batch.map_err(Error::parquet("read", &self.path)))
    }
}
