//! How long each stage takes, one group a stage, on the committed organisation and on generated
//! events: `cargo bench`. Beside other engines: `benches/peers/run.py`.

use std::hint::black_box;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use jiff::tz::TimeZone;
use lychgate::domain::{Listing, UtcMicros};
use lychgate::ingest::{Batch, Input, Limits};
use lychgate::normalize::{Context, Reader, choose};
use lychgate::pipeline::{DetectRequest, Engine, Reading};
use lychgate::query::At;
use tokio::runtime::Runtime;

const RECORDS: u32 = 20_000;

/// Okta events of about 2 KB, most of which nothing is kept of.
fn events() -> Vec<u8> {
    let filler = "x".repeat(1_200);
    let line = |id: u32| {
        format!(
            "{{\"uuid\":\"bench-{id}\",\"published\":\"2026-03-{:02}T{:02}:00:00.000Z\",\"eventType\":\"user.authentication.sso\",\
             \"outcome\":{{\"result\":\"SUCCESS\",\"reason\":null}},\"actor\":{{\"id\":\"00u{}\",\"type\":\"User\",\
             \"alternateId\":\"u{id}@example.com\",\"displayName\":\"Ada {id}\"}},\"client\":{{\"ipAddress\":\"198.18.0.1\",\
             \"geographicalContext\":{{\"city\":\"Bath\",\"geolocation\":{{\"lat\":51.38,\"lon\":-2.36}}}}}},\
             \"debugContext\":{{\"debugData\":{{\"behaviors\":\"{{New IP=NEGATIVE}}\",\"note\":\"{filler}\"}}}},\
             \"target\":[{{\"id\":\"0oa{}\",\"type\":\"AppInstance\",\"displayName\":\"CRM\"}}]}}\n",
            1 + id % 28,
            id % 24,
            id % 997,
            id % 31,
        )
    };
    (0..RECORDS).map(line).collect::<String>().into_bytes()
}

fn input(bytes: &[u8]) -> Input {
    Input::from_reader("bench", Cursor::new(bytes.to_vec()), Limits::default()).expect("it opens")
}

fn ingest(c: &mut Criterion) {
    let bytes = events();
    let mut group = c.benchmark_group("ingest");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("lines to records", |b| {
        b.iter(|| {
            let (mut input, mut batch, mut records) = (input(&bytes), Batch::default(), 0);
            while input.next_batch(&mut batch).expect("it reads") {
                records += batch.len();
            }
            assert_eq!(records, RECORDS as usize);
        });
    });
    group.finish();
}

fn normalize(c: &mut Criterion) {
    let bytes = events();
    let (mut source, mut batches, mut batch) = (input(&bytes), Vec::new(), Batch::default());
    let reader: Reader = choose(source.sample(), "bench", None, &Default::default()).expect("it is known");
    while source.next_batch(&mut batch).expect("it reads") {
        batches.push(batch.clone());
    }
    let listing = Listing {
        listing_id: String::new(),
        app_id: None,
        listed_at: UtcMicros(0),
        complete: true,
        feed: None,
        has_ends: false,
    };
    let context =
        Context { app: None, app_guessed: false, org: None, zone: TimeZone::UTC, listing, now: UtcMicros(0) };
    let mut group = c.benchmark_group("normalize");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("okta records to rows", |b| {
        b.iter(|| {
            let records = batches.iter().flat_map(Batch::records);
            for record in records {
                black_box(reader.read(&record, &context).expect("a row"));
            }
        });
    });
    group.finish();
}

/// The committed organisation in a new data folder.
fn organisation(runtime: &Runtime, folder: &Path) -> Engine {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("datasets/small-org/sample");
    let engine = Engine::new(folder, "bench");
    let paths: Vec<PathBuf> = vec![sample];
    runtime.block_on(engine.ingest(&paths, &|_| Reading::default(), &mut |_| {})).expect("it is stored");
    engine
}

fn runs(c: &mut Criterion) {
    const STACK_BYTES: usize = 32 << 20;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().thread_stack_size(STACK_BYTES).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder");
    let engine = organisation(&runtime, folder.path());
    let as_of = UtcMicros::parse("2026-06-30T00:00:00Z").expect("a time");
    let at = At { as_of, known_at: UtcMicros::parse("2100-01-01T00:00:00Z").expect("a time") };
    let mut group = c.benchmark_group("runs");
    group.sample_size(10).measurement_time(Duration::from_secs(10));
    group.bench_function("store an organisation", |b| {
        b.iter(|| {
            let folder = tempfile::tempdir().expect("a folder");
            organisation(&runtime, folder.path());
        });
    });
    group.bench_function("detect, from all events", |b| {
        let request =
            DetectRequest { at, profile: "default".to_owned(), detectors: Vec::new(), record: false };
        b.iter(|| {
            // A worker's stack is deep enough for plans of many joins; this thread's is not.
            let (engine, request) = (engine.clone(), request.clone());
            let found = runtime.block_on(runtime.spawn(async move { engine.detect(&request).await }));
            black_box(found.expect("it ends").expect("it runs"));
        });
    });
    group.finish();
}

criterion_group!(benches, ingest, normalize, runs);
criterion_main!(benches);
