#include "raw.h"

#include <stdlib.h>
#include <string.h>

#define COLUMNS "position, id, stream, revision, type, recorded, content, source, tracked, crc, tags, metadata, payload"

enum { columns = 13, page_events = 1000 };

typedef struct {
    int64_t numbers[columns];
    void *bytes[columns];
    int counts[columns];
} owned_event;

struct raw_reader {
    sqlite3 *database;
    sqlite3_stmt *scan, *find_stream, *stream;
    owned_event *page;
    int page_count;
    // What was read is added up, so that no read can be left out.
    volatile uint64_t sum;
};

void *raw_snapshot_begin(const char *path) {
    sqlite3 *database = NULL;
    check(database, sqlite3_open_v2(path, &database, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, 0), path);
    run(database, "BEGIN");
    number(database, "SELECT max(position) FROM events");
    return database;
}

void raw_snapshot_end(void *snapshot) { sqlite3_close(snapshot); }

raw_reader *raw_reader_open(const char *path) {
    raw_reader *reader = calloc(1, sizeof *reader);
    int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX;
    check(reader->database, sqlite3_open_v2(path, &reader->database, flags, 0), path);
    run(reader->database, "PRAGMA cache_size = -8192");
    // What a connection of the store keeps in memory: the index of the events after those that `entries` has.
    run(reader->database,
        "CREATE TEMP TABLE tail (key INTEGER, position INTEGER, PRIMARY KEY (key, position)) WITHOUT ROWID;"
        "INSERT INTO tail SELECT -stream, position FROM events WHERE stream <> 0 AND position >"
        " (SELECT CAST(CAST(value AS TEXT) AS INTEGER) FROM store WHERE key = 'indexed')");
    int64_t start = number(
        reader->database, "SELECT CAST(CAST(value AS TEXT) AS INTEGER) FROM store WHERE key = 'indexed'");
    reader->scan = prepare(reader->database, "SELECT " COLUMNS " FROM events ORDER BY position");
    reader->find_stream = prepare(reader->database, "SELECT id FROM names WHERE kind = 0 AND text = ?1");
    reader->stream = prepare(
        reader->database,
        "SELECT " COLUMNS " FROM (SELECT position AS p FROM entries WHERE key = ?1 AND position <= ?2"
        " UNION ALL SELECT position FROM tail WHERE key = ?1) CROSS JOIN events ON position = p");
    sqlite3_bind_int64(reader->stream, 2, start);
    reader->page = calloc(page_events, sizeof *reader->page);
    return reader;
}

static void free_page(raw_reader *reader) {
    for (int i = 0; i < reader->page_count; i++)
        for (int column = 0; column < columns; column++) free(reader->page[i].bytes[column]);
    reader->page_count = 0;
}

void raw_reader_close(raw_reader *reader) {
    free_page(reader);
    sqlite3_finalize(reader->scan);
    sqlite3_finalize(reader->find_stream);
    sqlite3_finalize(reader->stream);
    sqlite3_close(reader->database);
    free(reader->page);
    free(reader);
}

static bool is_bytes(int column) { return column == 1 || column >= 10; }

static uint64_t touch_row(sqlite3_stmt *row) {
    uint64_t sum = 0;
    for (int column = 0; column < columns; column++) {
        if (is_bytes(column)) {
            const uint8_t *bytes = sqlite3_column_blob(row, column);
            int count = sqlite3_column_bytes(row, column);
            if (count > 0) sum += bytes[count - 1];
        } else {
            sum += (uint64_t)sqlite3_column_int64(row, column);
        }
    }
    return sum;
}

static void own_row(raw_reader *reader, sqlite3_stmt *row) {
    if (reader->page_count == page_events) free_page(reader);
    owned_event *event = &reader->page[reader->page_count++];
    for (int column = 0; column < columns; column++) {
        if (is_bytes(column)) {
            const void *bytes = sqlite3_column_blob(row, column);
            int count = sqlite3_column_bytes(row, column);
            event->counts[column] = count;
            event->bytes[column] = count > 0 ? malloc((size_t)count) : NULL;
            if (count > 0) memcpy(event->bytes[column], bytes, (size_t)count);
        } else {
            event->numbers[column] = sqlite3_column_int64(row, column);
        }
    }
}

static uint64_t read_all(raw_reader *reader, sqlite3_stmt *rows, raw_reading reading) {
    uint64_t count = 0, sum = 0;
    while (step(rows)) {
        if (reading == raw_touch) {
            sum += touch_row(rows);
        } else {
            own_row(reader, rows);
        }
        count++;
    }
    free_page(reader);
    reader->sum += sum;
    return count;
}

uint64_t raw_scan(raw_reader *reader, raw_reading reading) { return read_all(reader, reader->scan, reading); }

uint64_t raw_read_stream(raw_reader *reader, const char *stream, raw_reading reading) {
    sqlite3_bind_blob(reader->find_stream, 1, stream, (int)strlen(stream), SQLITE_STATIC);
    if (!step(reader->find_stream)) return 0;
    int64_t number = sqlite3_column_int64(reader->find_stream, 0);
    sqlite3_reset(reader->find_stream);
    sqlite3_bind_int64(reader->stream, 1, -number);
    return read_all(reader, reader->stream, reading);
}
